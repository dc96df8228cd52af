/*
 * kv_checkpoint.c - holdfast kv checkpoint: the state of a namespace at one moment, compared and restored.
 */
#include "holdfast/kv_checkpoint.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/kv_checkpoint.h"
#include "cli/kv_write.h"
#include "holdfast/values.h"

/* ---- what verbs share ---- */

static const struct column point_columns[] = {
	{"id", COLUMN_TEXT, NULL, NULL},
	{"name", COLUMN_TEXT, NULL, "null: none"},
	{"created", COLUMN_TIME, NULL, NULL},
	{"pinned", COLUMN_BOOL, NULL, "pruning leaves it"},
	{"entries", COLUMN_INT, NULL, "null: not counted"},
	{"bytes", COLUMN_INT, NULL, "of their keys and values"},
	{"metadata", COLUMN_JSON, NULL, "null: none"},
	{"digest", COLUMN_TEXT, NULL, "the same on every store; null: not counted"},
	{"kind", COLUMN_TEXT, NULL, "epoch: by images; snapshot: a copy"},
	{0},
};
enum { POINT_COLUMNS = 9 };

enum hf_status kv_id_text(struct cli *cli, const struct hf_uuid *id, struct cell *ret_cell, hf_error *err)
{
	char text[HF_UUID_TEXT_MAX];
	hf_uuid_to_text(id, text);
	struct hf_str copy = hf_arena_str(cli->arena, hf_str_of(text));
	*ret_cell = cell_text(copy);
	return copy.ptr ? HF_OK : error_nomem(err);
}

static enum hf_status point_cells(struct cli *cli, const struct hf_kv_checkpoint *point, struct cell *ret_cells,
                                  hf_error *err)
{
	ret_cells[1] = point->name.ptr ? cell_text(point->name) : cell_null();
	ret_cells[2] = kv_cell_time(point->created_us);
	ret_cells[3] = cell_bool(point->pinned);
	ret_cells[4] = point->counted ? cell_int((int64_t)point->row_count) : cell_null();
	ret_cells[5] = point->counted ? cell_int((int64_t)point->data_size) : cell_null();
	ret_cells[6] = cell_json(point->metadata);
	ret_cells[7] = cell_null();
	ret_cells[8] = cell_word(point->kind == HF_KV_SNAPSHOT ? "snapshot" : "epoch");
	enum hf_status status = kv_id_text(cli, &point->id, &ret_cells[0], err);
	if (status == HF_OK && point->counted)
		status = kv_digest_text(cli, &point->digest, &ret_cells[7], err);
	return status;
}

static enum hf_status show_point(struct cli *cli, const struct hf_kv_checkpoint *point, hf_error *err)
{
	struct cell cells[POINT_COLUMNS];
	enum hf_status status = point_cells(cli, point, cells, err);
	return status == HF_OK ? out_object(cli->out, point_columns, cells, err) : status;
}

enum hf_status kv_id_argument(const struct cli *cli, size_t index, struct hf_uuid *ret_id, hf_error *err)
{
	const char *text = cli_arg(cli, index);
	if (hf_uuid_from_text(hf_str_of(text), ret_id) == HF_OK)
		return HF_OK;
	error_set(err, HF_E_USAGE, "\"%s\" is no id of a checkpoint", text);
	error_hint(err, "their ids   holdfast kv checkpoint list");
	return HF_E_USAGE;
}

/* The store, and the first argument as an id. */
static enum hf_status open_point(struct cli *cli, hf_kv **ret_kv, struct hf_uuid *ret_id, hf_error *err)
{
	enum hf_status status = kv_id_argument(cli, 0, ret_id, err);
	return status == HF_OK ? kv_open_to_read(cli, ret_kv, err) : status; /* where none is it is not */
}

/* `did`: NULL = "changed" */
static enum hf_status say_written(struct cli *cli, const char *did, size_t changed, hf_error *err)
{
	const struct written written = {.what = "checkpoints", .did = did, .changed = (int64_t)changed};
	return out_written(cli->out, &written, err);
}

/* ---- create, list, show ---- */

static enum hf_status run_create(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_checkpoint_new how = {.name = cli_arg(cli, 0),
	                                   .metadata = hf_str_of(cli_text(cli, "meta")),
	                                   .pinned = cli_given(cli, "pinned"),
	                                   .uncounted = cli_given(cli, "uncounted"),
	                                   .deadline = cli->deadline};
	struct hf_kv_checkpoint point;
	const char *kind = cli_text(cli, "kind");
	if (kind && strcmp(kind, "auto") != 0)
		how.kind = strcmp(kind, "snapshot") == 0 ? HF_KV_SNAPSHOT : HF_KV_EPOCH;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_create(kv, &how, cli->arena, &point, err);
	return status == HF_OK ? show_point(cli, &point, err) : status;
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_checkpoint *points = NULL;
	struct cell cells[POINT_COLUMNS];
	size_t count = 0;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_list(kv, cli->arena, &points, &count, err);
	if (status == HF_OK)
		status = out_list(cli->out, point_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		status = point_cells(cli, &points[i], cells, err);
		if (status == HF_OK)
			status = out_row(cli->out, cells, err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_checkpoint point;
	struct hf_uuid id;
	enum hf_status status = open_point(cli, &kv, &id, err);
	if (status == HF_OK && cli_given(cli, "counted"))
		status = hf_kv_checkpoint_count(kv, &id, cli->arena, &point, err);
	else if (status == HF_OK)
		status = hf_kv_checkpoint_show(kv, &id, cli->arena, &point, err);
	return status == HF_OK ? show_point(cli, &point, err) : status;
}

/* ---- diff ---- */

static const struct column diff_columns[] = {
	{"change", COLUMN_TEXT, NULL, "put or delete"},
	{"key", COLUMN_JSON, NULL, "{\"utf8\": text} or {\"base64\": text}"},
	{"value", COLUMN_JSON, NULL, "likewise; null: the key is deleted"},
	{"metadata", COLUMN_JSON, NULL, "null: none"},
	{"expires", COLUMN_TIME, NULL, "null: never"},
	{0},
};

struct showing {
	struct cli *cli;
	hf_arena *arena; /* of one row */
};

static enum hf_status show_change(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct showing *showing = user;
	bool put = entry->rev != 0;
	struct cell cells[] = {cell_word(put ? "put" : "delete"), cell_null(), cell_null(),
	                       put ? cell_json(entry->metadata) : cell_null(),
	                       put ? kv_cell_time(entry->expires_us) : cell_null()};
	hf_arena_reset(showing->arena);
	enum hf_status status = kv_cell(showing->cli, entry->key, showing->arena, &cells[1], err);
	if (status == HF_OK && put)
		status = kv_cell(showing->cli, entry->value, showing->arena, &cells[2], err);
	return status == HF_OK ? out_row(showing->cli->out, cells, err) : status;
}

static enum hf_status run_diff(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)8 * HF_KV_VALUE_BYTES_MAX);
	struct showing showing = {cli, arena};
	struct hf_uuid from, to;
	bool now = !cli_arg(cli, 1);
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	if (status == HF_OK && !now)
		status = kv_id_argument(cli, 1, &to, err);
	if (status == HF_OK)
		status = open_point(cli, &kv, &from, err);
	if (status == HF_OK)
		status = out_list(cli->out, diff_columns, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_diff(kv, &from, now ? NULL : &to, show_change, &showing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- restore ---- */

static const struct column restore_columns[] = {
	{"undo", COLUMN_TEXT, NULL, "the way back; null with --no-undo"},
	{"put", COLUMN_INT, NULL, "entries written back"},
	{"deleted", COLUMN_INT, NULL, "entries that were not there then"},
	{0},
};

static enum hf_status run_restore(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const struct hf_kv_restore how = {.no_undo = cli_given(cli, "no-undo"), .deadline = cli->deadline};
	struct hf_kv_restored restored = {0};
	struct cell undo = cell_null();
	struct hf_uuid id;
	enum hf_status status = open_point(cli, &kv, &id, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_restore(kv, &id, &how, &restored, err);
	if (status == HF_OK && !how.no_undo)
		status = kv_id_text(cli, &restored.undo, &undo, err);
	const struct cell cells[] = {undo, cell_int((int64_t)restored.put), cell_int((int64_t)restored.deleted)};
	return status == HF_OK ? out_object(cli->out, restore_columns, cells, err) : status;
}

/* ---- keeping and forgetting ---- */

static enum hf_status run_pin(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_uuid id;
	enum hf_status status = open_point(cli, &kv, &id, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_pin(kv, &id, !cli_given(cli, "undo"), err);
	return status == HF_OK ? say_written(cli, NULL, 1, err) : status;
}

static enum hf_status run_delete(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_checkpoint point;
	struct hf_uuid id;
	char question[120];
	enum hf_status status = open_point(cli, &kv, &id, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_show(kv, &id, cli->arena, &point, err);
	snprintf(question, sizeof(question), "forget checkpoint %.40s", cli_arg(cli, 0));
	if (status == HF_OK)
		status = cli_confirm(cli, question, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_delete(kv, &id, err);
	return status == HF_OK ? say_written(cli, "removed", 1, err) : status;
}

static enum hf_status run_prune(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const struct hf_kv_prune what = {.keep = (size_t)cli_int(cli, "newest", 0),
	                                 .hourly = (size_t)cli_int(cli, "hourly", 0),
	                                 .daily = (size_t)cli_int(cli, "daily", 0),
	                                 .older_than_us = cli_int(cli, "older-than", 0) * 1000,
	                                 .name = cli_text(cli, "name"),
	                                 .bytes = (uint64_t)cli_int(cli, "bytes", 0)};
	size_t deleted = 0;
	if (!cli_given(cli, "newest") && !cli_given(cli, "older-than") && !what.hourly && !what.daily && !what.bytes)
		return error_set(err, HF_E_USAGE, "prune needs --newest, --hourly, --daily, --older-than or --bytes");
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_prune(kv, &what, &deleted, err);
	return status == HF_OK ? say_written(cli, "removed", deleted, err) : status;
}

/* ---- the table ---- */

static const struct cmd_option plain_options[] = {KV_STORE_OPTIONS, {0}};
static const struct cmd_option create_options[] = {
	KV_STORE_OPTIONS,
	{.name = "meta", .arg = "JSON", .help = "metadata: JSON of any kind"},
	{.name = "kind",
         .arg = "KIND",
         .kind = OPTION_CHOICE,
         .choices = "auto|epoch|snapshot",
         .help = "epoch: free, needs the table's triggers; snapshot: a copy (PostgreSQL)"},
	{.name = "pinned", .kind = OPTION_FLAG, .help = "pruning leaves it"},
	{.name = "uncounted", .kind = OPTION_FLAG, .help = "do not read all entries to count them"},
	{0},
};
static const struct cmd_option show_options[] = {
	KV_STORE_OPTIONS,
	{.name = "counted", .kind = OPTION_FLAG, .help = "count its entries, if that was not done"},
	{0},
};
static const struct cmd_option diff_options[] = {KV_STORE_OPTIONS, KV_ENCODING_OPTION, {0}};
static const struct cmd_option restore_options[] = {
	KV_STORE_OPTIONS,
	{.name = "no-undo", .kind = OPTION_FLAG, .help = "make no checkpoint of the state before"},
	{0},
};
static const struct cmd_option pin_options[] = {
	KV_STORE_OPTIONS,
	{.name = "undo", .kind = OPTION_FLAG, .help = "let pruning have it again"},
	{0},
};
static const struct cmd_option prune_options[] = {
	KV_STORE_OPTIONS,
	{.name = "newest",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 0,
         .max = HF_KV_CHECKPOINTS_MAX,
         .help = "the newest N stay"},
	{.name = "hourly",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 0,
         .max = HF_KV_CHECKPOINTS_MAX,
         .help = "the newest of each of the latest N hours that have one stays"},
	{.name = "daily",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 0,
         .max = HF_KV_CHECKPOINTS_MAX,
         .help = "the newest of each of the latest N days that have one stays"},
	{.name = "older-than",
         .arg = "DUR",
         .kind = OPTION_DURATION,
         .min = 1,
         .max = HF_KV_TTL_MAX_US / 1000,
         .help = "only what is older"},
	{.name = "name", .arg = "NAME", .help = "only those of that name"},
	{.name = "bytes",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_MAX,
         .help = "of what stays the oldest go until they keep N bytes"},
	{0},
};

static const struct cmd_option export_options[] = {
	KV_STORE_OPTIONS,
	{.name = "since", .arg = "ID", .help = "only what changed since that checkpoint"},
	{0},
};
static const struct cmd_option import_options[] = {
	KV_STORE_OPTIONS,
	{.name = "replace", .kind = OPTION_FLAG, .help = "what stands in the namespace goes"},
	{0},
};

const struct cmd kv_checkpoint_commands[] = {
	{.noun = "kv checkpoint",
         .verb = "create",
         .args = "[NAME]",
         .summary = "keep the state of the namespace as it is now",
         .about =
                 "The first change of a key keeps what stood there, so it is made in one step; counting then reads all "
                 "entries once, but with --uncounted. --kind snapshot copies them. Expired entries are not part of "
                 "it. The way back is restore.",
         .options = create_options,
         .columns = point_columns,
         .run = run_create,
         .examples = {"holdfast kv checkpoint create", "id=$(holdfast kv checkpoint create 'before the move' -o raw)",
                      "holdfast kv checkpoint create nightly --pinned --uncounted"},
         .test_effect = "test_kv_checkpoint_create_counts_entries_and_bytes",
         .test_refusal = "test_kv_checkpoint_create_refuses_what_cannot_be"},
	{.noun = "kv checkpoint",
         .verb = "list",
         .summary = "list checkpoints, the newest first",
         .options = plain_options,
         .columns = point_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast kv checkpoint list", "holdfast kv checkpoint list --json=id,name,created",
                      "holdfast kv checkpoint list -o raw --limit 1"},
         .test_effect = "test_kv_checkpoint_list_has_the_newest_first",
         .test_refusal = "test_kv_checkpoint_list_refuses_an_unknown_field"},
	{.noun = "kv checkpoint",
         .verb = "show",
         .args = "ID",
         .summary = "show one checkpoint",
         .options = show_options,
         .columns = point_columns,
         .run = run_show,
         .examples = {"holdfast kv checkpoint show $id", "holdfast kv checkpoint show --counted $id",
                      "holdfast kv checkpoint show --json=entries $id"},
         .test_effect = "test_kv_checkpoint_show_counts_later",
         .test_refusal = "test_kv_checkpoint_verbs_refuse_what_is_no_id"},
	{.noun = "kv checkpoint",
         .verb = "diff",
         .args = "A [B]",
         .summary = "what to change to come from one state to another",
         .about = "From checkpoint A to B, or to what there is now. Only what was written in between is read; an entry "
                  "that was written and is the same again is told too.",
         .options = diff_options,
         .columns = diff_columns,
         .run = run_diff,
         .flags = CMD_LIST,
         .examples = {"holdfast kv checkpoint diff $id", "holdfast kv checkpoint diff --json=change,key $id",
                      "holdfast kv checkpoint diff --limit 0 -o ndjson $id"},
         .test_effect = "test_kv_checkpoint_diff_tells_both_ways",
         .test_refusal = "test_kv_checkpoint_diff_refuses_unknown_checkpoints"},
	{.noun = "kv checkpoint",
         .verb = "restore",
         .args = "ID",
         .summary = "bring the namespace back to a checkpoint",
         .about = "At one moment, for readers too; it costs what changed since. The state before becomes a checkpoint, "
                  "by which the restore can be undone: its id is the answer. Locks stay.\nOn Redis, where more than "
                  "100,000 entries changed, what others write meanwhile is lost, and not in that checkpoint.",
         .options = restore_options,
         .columns = restore_columns,
         .run = run_restore,
         .examples = {"holdfast kv checkpoint restore $id", "undo=$(holdfast kv checkpoint restore -o raw $id)",
                      "holdfast kv checkpoint restore --no-undo $id"},
         .test_effect = "test_kv_checkpoint_restore_can_be_undone",
         .test_refusal = "test_kv_checkpoint_restore_refuses_a_foreign_id"},
	{.noun = "kv checkpoint",
         .verb = "delete",
         .args = "ID",
         .summary = "forget a checkpoint",
         .about = "The other checkpoints stay what they are. Asks first.",
         .options = plain_options,
         .run = run_delete,
         .flags = CMD_ASKS,
         .examples = {"holdfast kv checkpoint delete $id", "holdfast kv checkpoint delete --yes $id",
                      "holdfast kv checkpoint delete --yes --json $id"},
         .test_effect = "test_kv_checkpoint_delete_leaves_the_others",
         .test_refusal = "test_kv_checkpoint_delete_refuses_without_an_answer"},
	{.noun = "kv checkpoint",
         .verb = "pin",
         .args = "ID",
         .summary = "keep a checkpoint from being pruned",
         .options = pin_options,
         .run = run_pin,
         .examples = {"holdfast kv checkpoint pin $id", "holdfast kv checkpoint pin --undo $id",
                      "holdfast kv checkpoint pin --json $id"},
         .test_effect = "test_kv_checkpoint_prune_leaves_what_is_pinned",
         .test_refusal = "test_kv_checkpoint_verbs_refuse_what_is_no_id"},
	{.noun = "kv checkpoint",
         .verb = "prune",
         .summary = "delete old checkpoints that are not pinned",
         .options = prune_options,
         .run = run_prune,
         .examples = {"holdfast kv checkpoint prune --newest 10", "holdfast kv checkpoint prune --older-than 30d",
                      "holdfast kv checkpoint prune --newest 30 --bytes 1000000000 --json"},
         .test_effect = "test_kv_checkpoint_prune_leaves_what_is_pinned",
         .test_refusal = "test_kv_checkpoint_prune_refuses_to_delete_everything_unasked"},
	{.noun = "kv checkpoint",
         .verb = "export",
         .args = "ID FILE",
         .summary = "write a checkpoint to a file that any store takes over",
         .about =
                 "Packed and checksummed, in constant memory, as it was when the checkpoint was made. FILE (- is "
                 "stdout) "
                 "is there as a whole or not at all. With --since only what changed since another checkpoint: its file "
                 "stands before this one where it is imported.",
         .options = export_options,
         .columns = kv_checkpoint_file_columns,
         .run = kv_checkpoint_export_verb,
         .examples = {"holdfast kv checkpoint export $id monday.hfkv",
                      "holdfast kv checkpoint export $tuesday tuesday.hfkv --since $monday",
                      "holdfast kv checkpoint export $id - | ssh backup 'cat > state.hfkv'"},
         .test_effect = "test_kv_checkpoint_export_writes_what_import_reads",
         .test_refusal = "test_kv_checkpoint_export_refuses_what_cannot_be"},
	{.noun = "kv checkpoint",
         .verb = "import",
         .args = "FILE...",
         .summary = "fill a namespace with what a file of export holds",
         .about = "A base, and the files that follow it in their order; - is stdin. All or nothing, at one moment for "
                  "readers; expiries and times come along, revisions are new, what has expired since stays away.",
         .options = import_options,
         .columns = kv_file_columns,
         .run = kv_checkpoint_import_verb,
         .examples = {"holdfast kv checkpoint import monday.hfkv tuesday.hfkv",
                      "holdfast kv checkpoint import state.hfkv --replace",
                      "holdfast kv checkpoint import state.hfkv --store lmdb:copy --json"},
         .test_effect = "test_kv_checkpoint_export_writes_what_import_reads",
         .test_refusal = "test_kv_checkpoint_import_refuses_what_is_damaged"},
	{.noun = "kv checkpoint",
         .verb = "verify",
         .args = "FILE...",
         .summary = "check files of export, or count a checkpoint again",
         .about = "Every checksum of every file, and that each follows the one before; no store is opened. An id in "
                  "place "
                  "of a file: that checkpoint of the store is read and compared with what was counted.",
         .options = plain_options,
         .columns = kv_checkpoint_file_columns,
         .run = kv_checkpoint_verify_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast kv checkpoint verify monday.hfkv tuesday.hfkv", "holdfast kv checkpoint verify $id",
                      "holdfast kv checkpoint verify --json=digest state.hfkv"},
         .test_effect = "test_kv_checkpoint_verify_tells_what_a_file_is",
         .test_refusal = "test_kv_checkpoint_import_refuses_what_is_damaged"},
	{0},
};
