/*
 * kv_import.c - holdfast kv import: an object a line, as export writes it. Lines are bounded, and told by their number
 * where something is wrong.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/kv_write.h"

/* A value of the greatest size in hexadecimal digits, and room for the rest. */
#define LINE_BYTES_MAX ((size_t)HF_KV_VALUE_BYTES_MAX * 2 + ((size_t)1 << 20))

const struct cmd_option kv_import_options[] = {
	KV_STORE_OPTIONS,
	{.name = "from-seed-tables", .arg = "URL", .help = "read state_entries of the PostgreSQL there"},
	{.name = "with-checkpoints", .kind = OPTION_FLAG, .help = "and state_checkpoints, into an empty namespace"},
	{.name = "from-dapr", .arg = "URL", .help = "read the table of Dapr's PostgreSQL store, version 2"},
	{.name = "from-schema", .arg = "NAME", .help = "of those tables (default public)"},
	{.name = "from-table", .arg = "NAME", .help = "instead of state_entries, state"},
	{.name = "after", .arg = "KEY", .help = "only keys of those tables behind this one"},
	{0},
};

DEFINE_OWNED(json, json_t *, json_decref)
DEFINE_OWNED(stream, FILE *, fclose)

struct importing {
	struct cli *cli;
	const char *path;
	int64_t line;
	struct buf text;
	struct kv_writer *writer;
	hf_arena *arena; /* of one line */
};

static enum hf_status wrong(const struct importing *importing, hf_error *err, const char *what)
{
	error_set(err, HF_E_INPUT, "%s:%lld: %s", importing->path, (long long)importing->line, what);
	error_hint(err, "%lld entries of the lines before it are in the store", (long long)importing->writer->stored);
	return HF_E_INPUT;
}

/* ---- members ---- */

static struct hf_str text_of(const json_t *value)
{
	return (struct hf_str){json_string_value(value), json_string_length(value)};
}

/* "text", {"utf8": text}, {"hex": digits} or {"base64": digits}. */
static enum hf_status read_bytes(struct importing *importing, const json_t *object, const char *name,
                                 struct hf_bytes *ret_bytes, hf_error *err)
{
	static const struct {
		const char *name;
		enum kv_encoding encoding;
	} forms[] = {{"utf8", KV_RAW}, {"hex", KV_HEX}, {"base64", KV_BASE64}};
	const json_t *value = json_object_get(object, name);
	char what[100];
	if (json_is_string(value))
		return kv_bytes_of(importing->arena, name, text_of(value), KV_RAW, ret_bytes, err);
	for (size_t i = 0; json_object_size(value) == 1 && i < ARRAY_LEN(forms); i++) {
		const json_t *form = json_object_get(value, forms[i].name);
		if (!json_is_string(form))
			continue;
		enum hf_status status =
			kv_bytes_of(importing->arena, name, text_of(form), forms[i].encoding, ret_bytes, err);
		if (status != HF_E_USAGE)
			return status;
		snprintf(what, sizeof(what), "%s is not %s", name, forms[i].name);
		return wrong(importing, err, what);
	}
	snprintf(what, sizeof(what), "%s must be text, {\"utf8\": ...}, {\"hex\": ...} or {\"base64\": ...}", name);
	return wrong(importing, err, what);
}

/* RFC 3339 in UTC, as the command writes it: 2024-06-01T12:00:00.000000Z. What is before 1970 is its first microsecond:
 * as early as an entry can be; 0 would say that there is no time. */
static bool read_time(const char *text, int64_t *ret_us)
{
	struct tm tm = {0};
	char fraction[8] = "", zone[2] = "";
	int n = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6[0-9]%1[Z]", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	               &tm.tm_min, &tm.tm_sec, fraction, zone);
	if (n != 8 || strlen(fraction) != 6 || strlen(text) != 27)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	struct tm normal = tm; /* timegm() takes 31 February for 3 March */
	int64_t us = (int64_t)timegm(&normal) * 1000000 + strtol(fraction, NULL, 10);
	*ret_us = us < 1 ? 1 : us;
	return normal.tm_mon == tm.tm_mon && normal.tm_mday == tm.tm_mday && normal.tm_hour == tm.tm_hour &&
	       normal.tm_min == tm.tm_min && normal.tm_sec == tm.tm_sec;
}

#define A_TIME "must be a time in UTC with microseconds, such as 2024-06-01T12:00:00.000000Z"

static enum hf_status read_expiry(struct importing *importing, const json_t *object, struct hf_kv_entry *entry,
                                  hf_error *err)
{
	const json_t *expires = json_object_get(object, "expires"), *ttl = json_object_get(object, "ttl_s");
	bool has_time = expires && !json_is_null(expires), has_ttl = ttl && !json_is_null(ttl);
	double seconds = has_ttl && json_is_number(ttl) ? json_number_value(ttl) : -1;
	if (has_time && (!json_is_string(expires) || !read_time(json_string_value(expires), &entry->expires_us)))
		return wrong(importing, err, "expires " A_TIME);
	if (has_time || !has_ttl)
		return HF_OK;
	if (!(seconds * 1e6 >= 1 && seconds * 1e6 <= (double)HF_KV_TTL_MAX_US))
		return wrong(importing, err, "ttl_s must be a number of seconds above 0, at most 100 years");
	entry->expires_us = kv_writer_now(importing->writer) + (int64_t)(seconds * 1e6);
	return HF_OK;
}

static enum hf_status read_created(struct importing *importing, const json_t *object, struct hf_kv_entry *entry,
                                   hf_error *err)
{
	const json_t *created = json_object_get(object, "created");
	if (!created || json_is_null(created))
		return HF_OK;
	if (json_is_string(created) && read_time(json_string_value(created), &entry->created_us))
		return HF_OK;
	return wrong(importing, err, "created " A_TIME);
}

static enum hf_status read_metadata(struct importing *importing, const json_t *object, struct hf_kv_entry *entry,
                                    hf_error *err)
{
	const json_t *metadata = json_object_get(object, "metadata");
	if (!metadata || json_is_null(metadata))
		return HF_OK;
	char *text = json_dumps(metadata, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text)
		entry->metadata = hf_arena_str(importing->arena, hf_str_of(text));
	free(text);
	return entry->metadata.ptr ? HF_OK : error_nomem(err);
}

static enum hf_status check_members(struct importing *importing, json_t *object, hf_error *err)
{
	static const char *const known[] = {"key",   "value", "metadata", "expires",
	                                    "ttl_s", "rev",   "created",  "updated"};
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		const char *name = json_object_iter_key(at);
		size_t i = 0;
		while (i < ARRAY_LEN(known) && strcmp(known[i], name) != 0)
			i++;
		char what[100];
		snprintf(what, sizeof(what), "unknown member \"%.60s\"", name);
		if (i == ARRAY_LEN(known))
			return wrong(importing, err, what);
	}
	return HF_OK;
}

/* ---- lines ---- */

static enum hf_status store_line(struct importing *importing, hf_error *err)
{
	json_error_t error;
	CLEANUP(json_freep)
	json_t *object = json_loadb(importing->text.ptr ? importing->text.ptr : "", importing->text.len,
	                            JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	struct hf_kv_entry entry = {.expires_us = HF_KV_NEVER};
	if (!json_is_object(object))
		return wrong(importing, err, object ? "not an object" : error.text);
	enum hf_status status = check_members(importing, object, err);
	if (status == HF_OK)
		status = read_bytes(importing, object, "key", &entry.key, err);
	if (status == HF_OK)
		status = read_bytes(importing, object, "value", &entry.value, err);
	if (status == HF_OK)
		status = read_expiry(importing, object, &entry, err);
	if (status == HF_OK)
		status = read_created(importing, object, &entry, err);
	if (status == HF_OK)
		status = read_metadata(importing, object, &entry, err);
	if (status == HF_OK)
		status = kv_writer_add(importing->writer, &entry, err);
	return status;
}

/* False at the end of the file; a last line without a line feed is one. A NUL is a byte of the line, not its end. */
static bool read_line(FILE *stream, struct buf *buf)
{
	int c = EOF;
	buf_clear(buf);
	while (buf_ok(buf) && (c = getc_unlocked(stream)) != EOF && c != '\n')
		buf_add_char(buf, (char)c);
	return c == '\n' || buf->len > 0 || !buf_ok(buf);
}

static enum hf_status import_lines(struct importing *importing, FILE *stream, hf_error *err)
{
	enum hf_status status = HF_OK;
	CLEANUP(arena_freep) hf_arena *line = hf_arena_new((size_t)8 * HF_KV_VALUE_BYTES_MAX);
	if (!line)
		return error_nomem(err);
	importing->arena = line;
	while (status == HF_OK && read_line(stream, &importing->text)) {
		importing->line++;
		hf_arena_reset(line);
		if (!buf_ok(&importing->text))
			status = wrong(importing, err, "the line is too long");
		else if (str_trim(buf_str(&importing->text)).len > 0)
			status = store_line(importing, err);
	}
	if (status == HF_OK && ferror(stream))
		return error_errno(err, HF_E_FAILED, "could not read %s", importing->path);
	return status == HF_OK ? kv_writer_flush(importing->writer, err) : status;
}

static enum hf_status import_stream(struct cli *cli, hf_kv *kv, FILE *stream, const char *path, hf_error *err)
{
	struct kv_writer *writer = calloc(1, sizeof(*writer));
	struct importing importing = {.cli = cli, .path = path, .writer = writer};
	if (!writer)
		return error_nomem(err);
	buf_init(&importing.text, LINE_BYTES_MAX);
	enum hf_status status = kv_writer_open(writer, cli, kv, "importing", err);
	if (status == HF_OK)
		status = import_lines(&importing, stream, err);
	if (status == HF_OK)
		status = kv_writer_report(writer, err);
	buf_deinit(&importing.text);
	kv_writer_close(writer);
	free(writer);
	return status;
}

enum hf_status kv_import_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(stream_freep) FILE *opened = NULL;
	const char *path = cli_arg(cli, 0);
	bool foreign = cli_given(cli, "from-seed-tables") || cli_given(cli, "from-dapr");
	if (foreign == (path != NULL))
		return error_set(err, HF_E_USAGE,
		                 "import reads a FILE (- is stdin), or what --from-seed-tables or --from-dapr names");
	if (foreign)
		return kv_foreign_import(cli, err);
	bool is_stdin = strcmp(path, "-") == 0;
	if (!is_stdin && !(opened = fopen(path, "re")))
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open %s", path);
	enum hf_status status = out_check_fields(cli->out, kv_file_columns, err);
	if (status == HF_OK)
		status = kv_open_target(cli, &kv, err);
	if (status != HF_OK)
		return status;
	return import_stream(cli, kv, is_stdin ? stdin : opened, is_stdin ? "standard input" : path, err);
}
