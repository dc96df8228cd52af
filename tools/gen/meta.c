/*
 * meta.c - digests: what makes metadata stale. Documentation, comments and the distance between words do not. And
 * reading a file of it, which may be anything by now.
 */
#include "gen/meta.h"
#include "gen/variant.h"

#include <stdlib.h>

#include <jansson.h>

#include "migrate/digest.h"

/* The line of the first mark that a merge left, from 1; 0 without one. */
static size_t conflict_line(struct hf_str text)
{
	static const char *const marks[] = {"<<<<<<<", "|||||||", "=======", ">>>>>>>"};
	size_t number = 0;
	while (text.len) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) + 1 : text.len;
		number++;
		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			if (str_starts(text, hf_str_of(marks[i])))
				return number;
		text = (struct hf_str){text.ptr + len, text.len - len};
	}
	return 0;
}

static const char *why_no_object(hf_arena *arena, struct hf_str text, bool parsed, const json_error_t *why)
{
	size_t conflict = conflict_line(text);
	if (conflict)
		return mem_printf(arena, "line %zu is of a merge that was not resolved", conflict);
	if (parsed)
		return "this is JSON, but no object";
	return mem_printf(arena, "this is no JSON from line %d, column %d on", why->line, why->column);
}

enum hf_status meta_load(hf_arena *arena, const char *path, struct json_t **ret_object, const char **ret_fault,
                         hf_error *err)
{
	struct hf_str text;
	json_error_t why;
	enum hf_status status = file_read(arena, path, META_BYTES_MAX, &text, err);
	if (status != HF_OK)
		return status;
	json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
	*ret_fault = NULL;
	if (!json_is_object(value)) {
		*ret_fault = why_no_object(arena, text, value, &why);
		json_decref(value);
		value = NULL;
	}
	*ret_object = value;
	return HF_OK;
}

bool meta_is_reserved(const char *file)
{
	static const char *const names[] = {"types.json", "manifest.json", "constraints.json"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(file, names[i]) == 0)
			return true;
	return false;
}

const char *meta_text(const struct query *query)
{
	return query->card == CARD_COPY ? query->sql : query->run_sql;
}

static const char *digest_text(hf_arena *arena, struct hf_str text)
{
	uint8_t digest[HF_MIGRATION_DIGEST_BYTES];
	char hex[2 * HF_MIGRATION_DIGEST_BYTES + 1] = "";
	if (digest_of(&text, 1, digest))
		digest_hex(digest, hex);
	return mem_text(arena, hf_str_of(hex));
}

static const char *digest_buf(hf_arena *arena, struct buf *buf)
{
	mem_check(buf);
	const char *digest = digest_text(arena, buf_str(buf));
	buf_deinit(buf);
	return digest;
}

/* However it is laid out in its file. */
static void add_json(struct buf *buf, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (text)
		buf_add_text(buf, text);
	free(text);
}

const char *meta_schema(hf_arena *arena, const json_t *manifest)
{
	struct buf buf;
	buf_init(&buf, META_BYTES_MAX);
	add_json(&buf, json_object_get(manifest, "migrations"));
	return digest_buf(arena, &buf);
}

const char *meta_digest(hf_arena *arena, const char *path, const char *schema, json_t *object)
{
	const char *slash = strrchr(path, '/');
	struct buf buf;
	buf_init(&buf, 2 * META_BYTES_MAX);
	buf_printf(&buf, "%s %s", slash ? slash + 1 : path, schema);
	json_t *rest = json_copy(object);
	(void)json_object_del(rest, "digest");
	add_json(&buf, rest);
	json_decref(rest);
	return digest_buf(arena, &buf);
}

const char *meta_fault(hf_arena *arena, const char *path, const char *schema, json_t *object)
{
	const char *digest = json_string_value(json_object_get(object, "digest"));
	if (!digest)
		return "it carries no digest: the compiler did not write it";
	if (strcmp(digest, meta_digest(arena, path, schema, object)) == 0)
		return NULL;
	return "its digest does not fit: it was edited by hand, or merged, or described on another schema";
}

static void add_sql(struct buf *buf, const struct query *query)
{
	buf_add_text(buf, query->sql);
	for (size_t i = 0; i < query->nparams; i++)
		buf_printf(buf, "\n$%zu %s", i + 1, query->params[i].numbered ? "" : query->params[i].name);
}

const char *meta_sql_digest(hf_arena *arena, const struct query *query)
{
	struct buf buf;
	buf_init(&buf, 4 * VARIANTS_MAX * SOURCE_BYTES_MAX);
	add_sql(&buf, query);
	for (size_t i = 0; i < query->nvariants; i++) {
		buf_printf(&buf, "\nvariant %s\n", query->variants[i]->variant);
		add_sql(&buf, query->variants[i]);
	}
	return digest_buf(arena, &buf);
}

static void add_overrides(struct buf *buf, const char *what, const struct overrides *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_printf(buf, "%s %s %d %s\n", what, list->items[i].name, (int)list->items[i].choice,
		           list->items[i].reason);
}

const char *meta_annotations_digest(hf_arena *arena, const struct query *query)
{
	struct buf buf;
	buf_init(&buf, 4 * SOURCE_BYTES_MAX);
	buf_printf(&buf, "%s %s\ntimeout %lld\nidempotent %d\nrow %s\n", query->name, cardinality_word(query->card),
	           (long long)query->timeout_ms, (int)query->idempotent, query->row ? query->row : "");
	if (query->independent)
		buf_add_text(&buf, "atomic no\n");
	if (query->rows_max || query->bytes_max)
		buf_printf(&buf, "rows max %llu\nbytes max %llu\n", (unsigned long long)query->rows_max,
		           (unsigned long long)query->bytes_max);
	if (query->by_copy)
		buf_add_text(&buf, "stream copy\n");
	if (query->copy_target.ptr)
		buf_printf(&buf, "copy %.*s\n", STR_ARG(query->copy_target));
	add_overrides(&buf, "col", &query->cols);
	add_overrides(&buf, "param", &query->params_said);
	add_overrides(&buf, "open", &query->opens);
	for (size_t i = 0; i < query->allows.count; i++)
		buf_printf(&buf, "allow %s\n", query->allows.items[i].name);
	for (size_t i = 0; i < query->source->nimports; i++)
		buf_printf(&buf, "import %s as %s\n", query->source->imports[i].type, query->source->imports[i].as);
	return digest_buf(arena, &buf);
}

const char *meta_migration_digest(hf_arena *arena, const struct hf_migration *migration)
{
	char hex[2 * HF_MIGRATION_DIGEST_BYTES + 1];
	digest_hex(migration->checksum, hex);
	return mem_text(arena, hf_str_of(hex));
}
