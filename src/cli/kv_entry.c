/*
 * kv_entry.c - the verbs of `holdfast kv` that work on entries by their keys.
 *
 * What a write answers in a table is nothing, or the new number; in JSON {"changed": 1, ...} as everywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/files.h"
#include "cli/kv.h"
#include "holdfast/kv_blob.h"

enum { ATTEMPTS_MAX = 10 };

/* ---- what verbs share ---- */

static enum hf_status open_key(struct cli *cli, hf_kv **ret_kv, struct hf_bytes *ret_key, hf_error *err)
{
	enum hf_status status = kv_key(cli, 0, ret_key, err);
	return status == HF_OK ? kv_open(cli, ret_kv, err) : status;
}

static enum hf_status open_key_to_read(struct cli *cli, hf_kv **ret_kv, struct hf_bytes *ret_key, hf_error *err)
{
	enum hf_status status = kv_key(cli, 0, ret_key, err);
	return status == HF_OK ? kv_open_to_read(cli, ret_kv, err) : status;
}

/* An argument, or what stands in a file ("-": standard input), as it is. */
static enum hf_status value_argument(struct cli *cli, size_t index, struct hf_bytes *ret_value, hf_error *err)
{
	const char *text = cli_arg(cli, index), *path = cli_text(cli, "file");
	struct hf_str content;
	if (text && path)
		return error_set(err, HF_E_USAGE, "VALUE and --file are two values");
	if (text && strcmp(text, "-") != 0)
		return kv_bytes_of(cli->arena, "VALUE", hf_str_of(text), kv_encoding(cli), ret_value, err);
	enum hf_status status = file_read(cli, path ? path : "-", HF_KV_VALUE_BYTES_MAX, &content, err);
	*ret_value = (struct hf_bytes){(const uint8_t *)content.ptr, content.len};
	return status;
}

static int64_t ttl_us(const struct cli *cli)
{
	return cli_int(cli, "ttl", 0) * 1000;
}

#define REPEATED_COLUMN                                                                    \
	{                                                                                  \
		"repeated", COLUMN_BOOL, NULL, "it had happened before, with this --token" \
	}

const struct column kv_changed_columns[] = {{"changed", COLUMN_INT, NULL, NULL}, REPEATED_COLUMN, {0}};

static enum hf_status say_changed(struct cli *cli, bool repeated, hf_error *err)
{
	const struct cell cells[] = {cell_int(1), cell_bool(repeated)};
	return cli->out->options.format == OUT_TABLE ? HF_OK : out_object(cli->out, kv_changed_columns, cells, err);
}

/* ---- get ---- */

const struct column kv_get_columns[] = {
	{"key", COLUMN_JSON, NULL, "{\"utf8\": text} or {\"base64\": text}"},
	{"value", COLUMN_JSON, NULL, "likewise; all that a table shows"},
	{"rev", COLUMN_INT, NULL, "what --if-rev compares with; grows with each write"},
	{"ttl_s", COLUMN_DURATION, NULL, "null: it does not expire"},
	{"created", COLUMN_TIME, NULL, NULL},
	{"updated", COLUMN_TIME, NULL, NULL},
	{"expires", COLUMN_TIME, NULL, NULL},
	{"metadata", COLUMN_JSON, NULL, "null: none"},
	{0},
};

/* The value and nothing else: to the byte, or as text and a line feed. */
static enum hf_status show_value(struct cli *cli, struct hf_bytes value, bool raw, hf_error *err)
{
	struct cell cell = {0};
	enum hf_status status = raw ? HF_OK : kv_cell(cli, value, cli->arena, &cell, err);
	if (status != HF_OK)
		return status;
	struct hf_str text = raw ? (struct hf_str){(const char *)value.ptr, value.len} : cell.as.s;
	if (out_bytes(cli->out, text) && !raw)
		(void)out_bytes(cli->out, HF_STR("\n"));
	return HF_OK; /* main flushes, and sees what failed */
}

static enum hf_status read_entry(struct cli *cli, bool keys_only, struct hf_kv_entry *ret_entry, int64_t *ret_ttl_us,
                                 hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_read how = {.deadline = cli->deadline, .keys_only = keys_only};
	struct hf_bytes key;
	enum hf_status status = open_key_to_read(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_get(kv, key, &how, cli->arena, ret_entry, err);
	if (status == HF_OK)
		status = hf_kv_ttl(kv, key, ret_ttl_us, err);
	return status;
}

static enum hf_status show_entry(struct cli *cli, const struct hf_kv_entry *entry, int64_t ttl, hf_error *err)
{
	struct cell cells[KV_ENTRY_COLUMNS];
	enum hf_status status = kv_entry_cells(cli, entry, cli->arena, cells, err);
	const struct cell shown[] = {cells[0], cells[1],
	                             cells[2], ttl == HF_KV_NEVER ? cell_null() : cell_duration((double)ttl / 1e6),
	                             cells[3], cells[4],
	                             cells[5], cells[6]};
	return status == HF_OK ? out_object(cli->out, kv_get_columns, shown, err) : status;
}

static enum hf_status get_bytes(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_bytes key;
	enum hf_status status = open_key_to_read(cli, &kv, &key, err);
	return status == HF_OK ? kv_blob_to_stdout(cli, kv, key, err) : status;
}

/* All that a table shows. */
static enum hf_status read_value(struct cli *cli, struct hf_kv_entry *ret_entry, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const struct hf_kv_read how = {.deadline = cli->deadline, .value_only = true};
	struct hf_bytes key;
	enum hf_status status = open_key_to_read(cli, &kv, &key, err);
	return status == HF_OK ? hf_kv_get(kv, key, &how, cli->arena, ret_entry, err) : status;
}

static enum hf_status not_whole(hf_error *err)
{
	error_set(err, HF_E_USAGE, "the value is kept in chunks");
	error_hint(err, "write it    -o raw\npart of it  --range FIRST-LAST");
	return HF_E_USAGE;
}

enum hf_status kv_get_verb(struct cli *cli, hf_error *err)
{
	if (cli->globals.format == OUT_RAW || cli_given(cli, "range"))
		return get_bytes(cli, err);
	struct hf_kv_entry entry;
	int64_t ttl = HF_KV_NEVER;
	bool shows_value = cli->globals.format == OUT_TABLE;
	enum hf_status status = shows_value ? read_value(cli, &entry, err) : read_entry(cli, false, &entry, &ttl, err);
	if (status != HF_OK)
		return status;
	if (hf_kv_blob_is_manifest(entry.value))
		return not_whole(err);
	if (shows_value)
		return show_value(cli, entry.value, kv_encoding(cli) == KV_RAW, err);
	return show_entry(cli, &entry, ttl, err);
}

/* ---- put ---- */

const struct column kv_put_columns[] = {
	{"changed", COLUMN_INT, NULL, NULL},
	{"rev", COLUMN_INT, NULL, "of the entry behind it"},
	REPEATED_COLUMN,
	{0},
};

static uint32_t put_flags(const struct cli *cli)
{
	uint32_t flags = 0;
	flags |= cli_given(cli, "if-absent") ? HF_KV_IF_ABSENT : 0;
	flags |= cli_given(cli, "if-present") ? HF_KV_IF_PRESENT : 0;
	flags |= cli_given(cli, "if-rev") ? HF_KV_IF_REV : 0;
	flags |= cli_given(cli, "keep-ttl") ? HF_KV_KEEP_TTL : 0;
	flags |= cli_given(cli, "never") ? HF_KV_NO_TTL : 0;
	flags |= cli_given(cli, "keep-meta") ? HF_KV_KEEP_METADATA : 0;
	return flags;
}

/* --lock, with owner and fence as given, or as `kv lock run` gives them to its command. */
static enum hf_status read_fence(struct cli *cli, struct hf_kv_fence *ret_fence, const struct hf_kv_fence **ret_used,
                                 hf_error *err)
{
	const char *lock = cli_text(cli, "lock"), *owner = cli_text(cli, "owner"), *fence = getenv("HOLDFAST_FENCE");
	int64_t number = cli_int(cli, "fence", 0);
	if (!lock && (owner || number))
		return error_set(err, HF_E_USAGE, "--owner and --fence go with --lock");
	if (!lock)
		return HF_OK;
	owner = owner ? owner : getenv("HOLDFAST_LOCK_OWNER");
	if (number == 0 && fence && !str_to_i64(hf_str_of(fence), &number))
		return error_set(err, HF_E_USAGE, "HOLDFAST_FENCE is no number: \"%s\"", fence);
	if (!owner || number <= 0)
		return error_set(err, HF_E_USAGE, "--lock takes --owner and --fence, or runs below `kv lock run`");
	*ret_fence = (struct hf_kv_fence){hf_str_of(lock), hf_str_of(owner), number};
	*ret_used = ret_fence;
	return HF_OK;
}

enum hf_status kv_put_verb(struct cli *cli, hf_error *err)
{
	struct hf_kv_fence fence;
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	int64_t rev = 0;
	struct hf_bytes key, value;
	struct kv_how how;
	struct hf_kv_put put = {.ttl_us = ttl_us(cli),
	                        .metadata = hf_str_of(cli_text(cli, "meta")),
	                        .flags = put_flags(cli),
	                        .if_rev = cli_int(cli, "if-rev", 0),
	                        .ret_rev = &rev};
	bool chunked = cli_given(cli, "chunked");
	const char *file = cli_text(cli, "file");
	enum hf_status status = out_check_fields(cli->out, kv_put_columns, err);
	if (status == HF_OK)
		status = kv_how(cli, &how, err);
	if (status == HF_OK) {
		put.how = how.how;
		status = read_fence(cli, &fence, &put.how.fence, err);
	}
	if (status == HF_OK && chunked && cli_arg(cli, 1))
		return error_set(err, HF_E_USAGE, "--chunked stores a file or stdin, not an argument");
	if (status == HF_OK && !chunked)
		status = value_argument(cli, 1, &value, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = chunked ? kv_blob_from_file(kv, key, file ? file : "-", &put, err)
		                 : hf_kv_put(kv, key, value, &put, err);
	if (status != HF_OK || cli->globals.format == OUT_TABLE)
		return status;
	const struct cell cells[] = {cell_int(1), cell_int(rev), cell_bool(how.repeated)};
	return out_object(cli->out, kv_put_columns, cells, err);
}

/* ---- del ---- */

static enum hf_status delete_if(struct cli *cli, hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how,
                                size_t *ret_existed, hf_error *err)
{
	const struct hf_kv_write write = {.op = HF_KV_DELETE,
	                                  .key = key,
	                                  .flags = HF_KV_IF_REV,
	                                  .if_rev = cli_int(cli, "if-rev", 0)};
	struct hf_kv_result result;
	enum hf_status status = hf_kv_apply(kv, &write, 1, how, cli->arena, &result, err);
	*ret_existed = status == HF_OK && result.existed;
	return status;
}

static enum hf_status delete_keys(struct cli *cli, hf_kv *kv, const struct hf_bytes *keys, size_t count,
                                  const struct hf_kv_how *how, size_t *ret_existed, hf_error *err)
{
	if (!cli_given(cli, "if-rev"))
		return hf_kv_delete_many(kv, keys, count, how, ret_existed, err);
	if (count != 1)
		return error_set(err, HF_E_USAGE, "--if-rev is the revision of one key, not of %zu", count);
	return delete_if(cli, kv, keys[0], how, ret_existed, err);
}

enum hf_status kv_del_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	size_t count = cli_nargs(cli), existed = 0;
	struct hf_bytes *keys = hf_arena_calloc(cli->arena, count, sizeof(*keys));
	struct kv_how how;
	enum hf_status status = keys ? kv_how(cli, &how, err) : error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = kv_key(cli, i, &keys[i], err);
	if (status == HF_OK)
		status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = delete_keys(cli, kv, keys, count, &how.how, &existed, err);
	const struct written written = {.what = "keys",
	                                .did = "removed",
	                                .repeated = status == HF_OK && how.repeated,
	                                .changed = (int64_t)existed,
	                                .unchanged = (int64_t)(count - existed)};
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

/* ---- expiry, exists, ttl, touch, persist ---- */

const struct cmd_option kv_expiry_options[] = {
	KV_STORE_OPTIONS,
	{.name = "ttl",
         .arg = "DUR",
         .kind = OPTION_DURATION,
         .min = 1,
         .max = HF_KV_TTL_MAX_US / 1000,
         .help = "they live so long"},
	{.name = "never", .kind = OPTION_FLAG, .help = "they never expire"},
	{0},
};

const struct column kv_expiry_columns[] = {
	{"ttl_s", COLUMN_DURATION, NULL, "null: for ever"},
	{"changed", COLUMN_INT, NULL, "1: it was set"},
	{"dry_run", COLUMN_BOOL, NULL, NULL},
	{0},
};

enum hf_status kv_expiry_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	bool sets = cli_given(cli, "ttl") || cli_given(cli, "never"), dry = cli->globals.dry_run;
	int64_t us = ttl_us(cli);
	if (cli_given(cli, "ttl") && cli_given(cli, "never"))
		return error_set(err, HF_E_USAGE, "--ttl and --never exclude each other");
	enum hf_status status = sets && !dry ? kv_open(cli, &kv, err) : kv_open_to_read(cli, &kv, err);
	if (status == HF_OK && sets && !dry)
		status = hf_kv_set_default_ttl(kv, us, err);
	if (status == HF_OK && !sets)
		status = hf_kv_default_ttl(kv, &us, err);
	const struct cell cells[] = {us ? cell_duration((double)us / 1e6) : cell_null(), cell_int(sets && !dry),
	                             cell_bool(dry)};
	if (status != HF_OK || sets)
		return status == HF_OK ? out_object(cli->out, kv_expiry_columns, cells, err) : status;
	if (!us && cli->globals.format == OUT_TABLE) {
		out_text(cli->out, "never\n");
		return HF_OK;
	}
	return out_value(cli->out, kv_expiry_columns, cells, err);
}

const struct column kv_exists_columns[] = {{"exists", COLUMN_BOOL, NULL, "false: exit 3"}, {0}};

enum hf_status kv_exists_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_bytes key;
	bool exists = false;
	enum hf_status status = open_key_to_read(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_contains(kv, key, NULL, &exists, err);
	if (status != HF_OK)
		return status;
	cli->exit_code = exists ? 0 : hf_status_exit_code(HF_NOT_FOUND);
	const struct cell cell = cell_bool(exists);
	return out_value(cli->out, kv_exists_columns, &cell, err);
}

const struct column kv_ttl_columns[] = {
	{"ttl_s", COLUMN_DURATION, NULL, "null: it does not expire"},
	{"expires", COLUMN_TIME, NULL, NULL},
	{0},
};

enum hf_status kv_ttl_verb(struct cli *cli, hf_error *err)
{
	struct hf_kv_entry entry;
	int64_t ttl = HF_KV_NEVER;
	enum hf_status status = read_entry(cli, true, &entry, &ttl, err);
	if (status != HF_OK)
		return status;
	if (ttl == HF_KV_NEVER && cli->globals.format == OUT_TABLE) {
		out_text(cli->out, "never\n");
		return HF_OK;
	}
	const struct cell cells[] = {ttl == HF_KV_NEVER ? cell_null() : cell_duration((double)ttl / 1e6),
	                             kv_cell_time(entry.expires_us)};
	return out_value(cli->out, kv_ttl_columns, cells, err);
}

enum hf_status kv_touch_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct kv_how how;
	struct hf_bytes key;
	if (!cli_given(cli, "ttl"))
		return error_set(err, HF_E_USAGE, "touch needs --ttl: how long the entry is to live from now");
	enum hf_status status = kv_how(cli, &how, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_touch(kv, key, ttl_us(cli), &how.how, err);
	return status == HF_OK ? say_changed(cli, how.repeated, err) : status;
}

enum hf_status kv_persist_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct kv_how how;
	struct hf_bytes key;
	enum hf_status status = kv_how(cli, &how, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_persist(kv, key, &how.how, err);
	return status == HF_OK ? say_changed(cli, how.repeated, err) : status;
}

/* ---- meta ---- */

const struct column kv_meta_columns[] = {{"metadata", COLUMN_JSON, NULL, "null: none"}, {0}};

/* By revision: another write that comes between is seen, and the metadata go to what it left. */
static enum hf_status set_metadata(struct cli *cli, hf_kv *kv, struct hf_bytes key, struct hf_str metadata,
                                   hf_error *err)
{
	enum hf_status status = HF_CONFLICT;
	for (int i = 0; status == HF_CONFLICT && i < ATTEMPTS_MAX; i++) {
		struct hf_kv_entry entry;
		struct hf_kv_read how = {.deadline = cli->deadline};
		status = hf_kv_get(kv, key, &how, cli->arena, &entry, err);
		if (status != HF_OK)
			return status;
		struct hf_kv_put put = {.how.deadline = cli->deadline,
		                        .metadata = metadata,
		                        .flags = HF_KV_IF_REV | HF_KV_KEEP_TTL,
		                        .if_rev = entry.rev};
		status = hf_kv_put(kv, key, entry.value, &put, err);
	}
	return status;
}

enum hf_status kv_meta_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *given = cli_arg(cli, 1);
	struct hf_str metadata = given && given[0] ? hf_str_of(given) : (struct hf_str){NULL, 0};
	struct hf_kv_read how = {.deadline = cli->deadline};
	struct hf_kv_entry entry;
	struct hf_bytes key;
	enum hf_status status = given ? open_key(cli, &kv, &key, err) : open_key_to_read(cli, &kv, &key, err);
	if (status == HF_OK && given)
		status = set_metadata(cli, kv, key, metadata, err);
	else if (status == HF_OK)
		status = hf_kv_get(kv, key, &how, cli->arena, &entry, err);
	if (status != HF_OK)
		return status;
	if (given)
		return say_changed(cli, false, err);
	const struct cell cell = cell_json(entry.metadata);
	return out_value(cli->out, kv_meta_columns, &cell, err);
}

/* ---- cas, incr, append ---- */

enum hf_status kv_cas_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct kv_how how;
	struct hf_bytes key, old, new;
	enum hf_status status = kv_how(cli, &how, err);
	if (status == HF_OK)
		status = kv_bytes_of(cli->arena, "OLD", hf_str_of(cli_arg(cli, 1)), kv_encoding(cli), &old, err);
	if (status == HF_OK)
		status = kv_bytes_of(cli->arena, "NEW", hf_str_of(cli_arg(cli, 2)), kv_encoding(cli), &new, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_compare_and_set(kv, key, old, new, &how.how, err);
	return status == HF_OK ? say_changed(cli, how.repeated, err) : status;
}

const struct column kv_incr_columns[] = {{"number", COLUMN_INT, NULL, "the sum"}, REPEATED_COLUMN, {0}};

enum hf_status kv_incr_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct kv_how how;
	struct hf_bytes key;
	int64_t number = 0;
	enum hf_status status = kv_how(cli, &how, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_increment(kv, key, cli_int(cli, "by", 1), &how.how, &number, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(number), cell_bool(how.repeated)};
	return out_value(cli->out, kv_incr_columns, cells, err);
}

enum hf_status kv_append_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct kv_how how;
	struct hf_bytes key, value;
	enum hf_status status = kv_how(cli, &how, err);
	if (status == HF_OK)
		status = value_argument(cli, 1, &value, err);
	if (status == HF_OK)
		status = open_key(cli, &kv, &key, err);
	if (status == HF_OK)
		status = hf_kv_append(kv, key, value, &how.how, err);
	return status == HF_OK ? say_changed(cli, how.repeated, err) : status;
}
