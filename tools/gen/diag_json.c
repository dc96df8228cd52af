/*
 * diag_json.c - findings for programs: one JSON array on one line.
 */
#include "base/json.h"
#include "gen/diag.h"
#include "gen/source.h"

static bool to_file(void *user, const char *bytes, size_t n)
{
	return fwrite(bytes, 1, n, user) == n;
}

static void put(struct json_writer *json, const char *key, const char *text)
{
	jw_key(json, key);
	if (text && *text)
		jw_text(json, hf_str_of(text));
	else
		jw_null(json);
}

static void put_number(struct json_writer *json, const char *key, unsigned number)
{
	jw_key(json, key);
	if (number)
		jw_int(json, number);
	else
		jw_null(json);
}

static void put_finding(struct json_writer *json, const struct diag *diag, struct place place)
{
	jw_object_begin(json);
	put(json, "path", diag->path);
	put_number(json, "line", place.line);
	put_number(json, "column", place.column);
	put(json, "level", diag->warning ? "warning" : diag->stale ? "stale" : "error");
	put(json, "rule", diag->rule);
	put(json, "message", diag->message);
	put(json, "hint", diag->hint);
	put(json, "query", diag->query);
	jw_object_end(json);
}

bool diags_print_json(struct diags *diags, FILE *out)
{
	struct json_writer json;
	diags_sort(diags);
	jw_init(&json, to_file, out);
	jw_array_begin(&json);
	struct place place = {0, 0};
	for (size_t i = 0; i < diags->count; i++) {
		place = diag_place(&diags->items[i], i ? &diags->items[i - 1] : NULL, place);
		put_finding(&json, &diags->items[i], place);
	}
	jw_array_end(&json);
	return jw_finish(&json) && fputc('\n', out) != EOF && fflush(out) == 0;
}
