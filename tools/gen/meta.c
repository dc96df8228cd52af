/*
 * meta.c - digests: what makes metadata stale. Documentation, comments and the distance between words do not.
 */
#include "gen/meta.h"
#include "gen/variant.h"

#include <jansson.h>

#include "migrate/digest.h"

enum hf_status meta_load(hf_arena *arena, const char *path, struct json_t **ret_object, hf_error *err)
{
	struct hf_str text;
	json_error_t why;
	enum hf_status status = file_read(arena, path, META_BYTES_MAX, &text, err);
	if (status != HF_OK)
		return status;
	json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(value)) {
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
	if (query->copy_target.ptr)
		buf_printf(&buf, "copy %.*s\n", STR_ARG(query->copy_target));
	add_overrides(&buf, "col", &query->cols);
	add_overrides(&buf, "param", &query->params_said);
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
