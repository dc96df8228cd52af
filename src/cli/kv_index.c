/*
 * kv_index.c - holdfast kv index: indexes on the metadata of a store.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/kv.h"
#include "holdfast/kv_index.h"

static const struct column index_columns[] = {
	{"member", COLUMN_TEXT, NULL, "of the metadata; null: all of them"},
	{"bytes", COLUMN_INT, NULL, NULL},
	{"scans", COLUMN_INT, NULL, "how often it was used"},
	{"valid", COLUMN_BOOL, NULL, "false: its making goes on, or ended early"},
	{0},
};

/* MEMBER, or --all. */
static enum hf_status which(struct cli *cli, const char **ret_member, hf_error *err)
{
	*ret_member = cli_arg(cli, 0);
	if (!*ret_member != cli_given(cli, "all")) {
		error_set(err, HF_E_USAGE, "name a member of the metadata, or say --all");
		error_hint(err, "holdfast kv index %s source\nholdfast kv index %s --all", cli->parsed.cmd->verb,
		           cli->parsed.cmd->verb);
		return HF_E_USAGE;
	}
	return HF_OK;
}

static enum hf_status change(struct cli *cli, enum hf_status (*one)(hf_kv *, const char *, hf_deadline, hf_error *),
                             const char *did, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *member;
	enum hf_status status = which(cli, &member, err);
	if (status == HF_OK)
		status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = one(kv, member, cli->deadline, err);
	const struct written written = {.what = "indexes", .did = did, .changed = 1};
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

static enum hf_status run_create(struct cli *cli, hf_error *err)
{
	return change(cli, hf_kv_index_create, NULL, err);
}

static enum hf_status run_drop(struct cli *cli, hf_error *err)
{
	return change(cli, hf_kv_index_drop, "removed", err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_index *indexes = NULL;
	size_t count = 0;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_index_list(kv, cli->arena, &indexes, &count, err);
	if (status == HF_OK)
		status = out_list(cli->out, index_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		const struct cell cells[] = {cell_text(indexes[i].member), cell_int((int64_t)indexes[i].bytes),
		                             cell_int((int64_t)indexes[i].scans), cell_bool(indexes[i].valid)};
		status = out_row(cli->out, cells, err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static const struct cmd_option plain_options[] = {KV_STORE_OPTIONS, {0}};
static const struct cmd_option which_options[] = {
	KV_STORE_OPTIONS,
	{.name = "all", .kind = OPTION_FLAG, .help = "on all of the metadata: for whatever is contained"},
	{0},
};

const struct cmd kv_index_commands[] = {
	{.noun = "kv index",
         .verb = "create",
         .args = "[MEMBER]",
         .summary = "make an index on metadata, while others read and write",
         .about = "On MEMBER: scan --with-meta '{\"MEMBER\": VALUE}' reads what it finds, a page at a time, instead of "
                  "each entry. With --all whatever is contained is found, and sorted. Each makes puts with metadata "
                  "dearer. One that is there already is fine, one that was not finished is made anew. PostgreSQL only.",
         .options = which_options,
         .run = run_create,
         .examples = {"holdfast kv index create source", "holdfast kv index create --all",
                      "holdfast --timeout 10m kv index create tenant -d postgresql:///app"},
         .test_effect = "test_kv_index_is_made_listed_and_dropped",
         .test_refusal = "test_kv_index_create_refuses_what_cannot_be"},
	{.noun = "kv index",
         .verb = "drop",
         .args = "[MEMBER]",
         .summary = "remove an index on metadata",
         .about = "What it found is found without it. An index that is not there is exit 3.",
         .options = which_options,
         .run = run_drop,
         .examples = {"holdfast kv index drop source", "holdfast kv index drop --all",
                      "holdfast kv index drop source --json"},
         .test_effect = "test_kv_index_is_made_listed_and_dropped",
         .test_refusal = "test_kv_index_drop_refuses_what_is_not_there"},
	{.noun = "kv index",
         .verb = "list",
         .summary = "list the indexes on metadata",
         .options = plain_options,
         .columns = index_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast kv index list", "holdfast kv index list --json=member,bytes",
                      "holdfast kv index list -o csv"},
         .test_effect = "test_kv_index_is_made_listed_and_dropped",
         .test_refusal = "test_kv_index_list_refuses_other_stores"},
	{0},
};
