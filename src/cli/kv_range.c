/*
 * kv_range.c - the verbs of `holdfast kv` that work on ranges of keys: ls, scan, count.
 */
#include "base/arena.h"
#include "base/error.h"
#include "cli/kv.h"

#define KV_RANGE_OPTIONS                                                                                    \
	KV_STORE_OPTIONS, KV_ENCODING_OPTION, {.name = "from", .arg = "KEY", .help = "keys from there on"}, \
		{.name = "to", .arg = "KEY", .help = "keys before that one"},                               \
	{                                                                                                   \
		.name = "with-meta", .arg = "JSON", .help = "entries whose metadata contain this"           \
	}

const struct cmd_option kv_ls_options[] = {
	KV_RANGE_OPTIONS,
	{.name = "after", .arg = "KEY", .help = "behind the last key of the page before"},
	{.name = "reverse", .kind = OPTION_FLAG, .help = "from the greatest key down"},
	{0},
};
const struct cmd_option kv_count_options[] = {
	KV_RANGE_OPTIONS,
	{.name = "estimated", .kind = OPTION_FLAG, .help = "about how many, without reading them"},
	{0},
};

const struct column kv_ls_columns[] = {
	{"key", COLUMN_JSON, NULL, "{\"utf8\": text} or {\"base64\": text}"},
	{"rev", COLUMN_INT, NULL, NULL},
	{"updated", COLUMN_TIME, NULL, NULL},
	{"expires", COLUMN_TIME, NULL, "null: never"},
	{0},
};
const struct column kv_count_columns[] = {
	{"count", COLUMN_INT, NULL, NULL},
	{"exact", COLUMN_BOOL, NULL, "false: --estimated"},
	{0},
};

static enum hf_status flag_key(struct cli *cli, const char *name, struct hf_bytes *ret_key, hf_error *err)
{
	const char *text = cli_text(cli, name);
	return text ? kv_bytes_of(cli->arena, name, hf_str_of(text), kv_encoding(cli), ret_key, err) : HF_OK;
}

static enum hf_status make_range(struct cli *cli, struct hf_kv_range *ret_range, hf_error *err)
{
	const char *filter = cli_text(cli, "with-meta");
	*ret_range = (struct hf_kv_range){.has_metadata = hf_str_of(filter), .how.deadline = cli->deadline};
	enum hf_status status = HF_OK;
	if (cli_arg(cli, 0))
		status = kv_bytes_of(cli->arena, "PREFIX", hf_str_of(cli_arg(cli, 0)), kv_encoding(cli),
		                     &ret_range->prefix, err);
	if (status == HF_OK)
		status = flag_key(cli, "from", &ret_range->from, err);
	return status == HF_OK ? flag_key(cli, "to", &ret_range->to, err) : status;
}

/* ---- ls, scan ---- */

struct showing {
	struct cli *cli;
	hf_arena *arena; /* of one row */
	bool keys_only;
};

static enum hf_status show_key(struct showing *showing, const struct hf_kv_entry *entry, hf_error *err)
{
	struct cell cells[] = {cell_null(), cell_int(entry->rev), kv_cell_time(entry->updated_us),
	                       kv_cell_time(entry->expires_us)};
	enum hf_status status = kv_cell(showing->cli, entry->key, showing->arena, &cells[0], err);
	return status == HF_OK ? out_row(showing->cli->out, cells, err) : status;
}

static enum hf_status show_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct showing *showing = user;
	struct cell cells[KV_ENTRY_COLUMNS];
	hf_arena_reset(showing->arena);
	if (showing->keys_only)
		return show_key(showing, entry, err);
	enum hf_status status = kv_entry_cells(showing->cli, entry, showing->arena, cells, err);
	return status == HF_OK ? out_row(showing->cli->out, cells, err) : status;
}

static enum hf_status show_range(struct cli *cli, bool keys_only, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)8 * HF_KV_VALUE_BYTES_MAX);
	struct showing showing = {cli, arena, keys_only};
	struct hf_kv_range range;
	int64_t limit = out_fetch_limit(cli->out);
	enum hf_status status = arena ? make_range(cli, &range, err) : error_nomem(err);
	if (status == HF_OK)
		status = flag_key(cli, "after", &range.after, err);
	range.how.keys_only = keys_only;
	range.reverse = cli_given(cli, "reverse");
	range.limit = limit == INT64_MAX ? 0 : (size_t)limit;
	if (status == HF_OK)
		status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = out_list(cli->out, keys_only ? kv_ls_columns : kv_entry_columns, err);
	range.bare = out_shows_first_only(cli->out);
	if (status == HF_OK)
		status = hf_kv_scan(kv, &range, show_entry, &showing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

enum hf_status kv_ls_verb(struct cli *cli, hf_error *err)
{
	return show_range(cli, true, err);
}

enum hf_status kv_scan_verb(struct cli *cli, hf_error *err)
{
	return show_range(cli, false, err);
}

/* ---- count ---- */

static enum hf_status estimate(struct cli *cli, hf_kv *kv, uint64_t *ret_count, hf_error *err)
{
	if (cli_arg(cli, 0) || cli_given(cli, "from") || cli_given(cli, "to") || cli_given(cli, "with-meta"))
		return error_set(err, HF_E_USAGE, "an estimate is of the whole namespace, not of a range");
	return hf_kv_count_estimate(kv, ret_count, err);
}

enum hf_status kv_count_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_range range;
	uint64_t count = 0;
	bool exact = !cli_given(cli, "estimated");
	enum hf_status status = make_range(cli, &range, err);
	if (status == HF_OK)
		status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = exact ? hf_kv_count(kv, &range, &count, err) : estimate(cli, kv, &count, err);
	if (status != HF_OK)
		return status;
	return out_value(cli->out, kv_count_columns, (const struct cell[]){cell_int((int64_t)count), cell_bool(exact)},
	                 err);
}
