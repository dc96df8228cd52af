/*
 * describe_print.c - described queries as JSON and as tables.
 */
#include "gen/describe_print.h"

#include "base/json.h"

/* As written, without the colon; without a known one "many" with columns and "exec" without. */
static struct hf_str cardinality_shown(const struct query *query)
{
	struct hf_str said = query->card_said;
	if (!said.ptr || query->card == CARD_NONE)
		return hf_str_of(query->ncolumns ? "many" : "exec");
	if (said.len && said.ptr[0] == ':')
		said = (struct hf_str){said.ptr + 1, said.len - 1};
	return said;
}

/* ---- JSON ---- */

static bool to_file(void *user, const char *bytes, size_t n)
{
	return fwrite(bytes, 1, n, user) == n;
}

static void put(struct json_writer *json, const char *key, struct hf_str text)
{
	jw_key(json, key);
	jw_text(json, text);
}

static void begin_item(struct json_writer *json, const char *name, const char *type, bool nullable)
{
	jw_object_begin(json);
	put(json, "name", hf_str_of(name));
	put(json, "type", hf_str_of(type));
	jw_key(json, "nullable");
	jw_bool(json, nullable);
}

static void put_query(struct json_writer *json, const struct query *query)
{
	jw_object_begin(json);
	put(json, "name", hf_str_of(query->name));
	put(json, "cardinality", cardinality_shown(query));
	jw_key(json, "params");
	jw_array_begin(json);
	for (size_t i = 0; i < query->ninputs; i++) {
		const struct param *param = &query->inputs[i];
		begin_item(json, param->name, param->type_name, param->nullable);
		jw_object_end(json);
	}
	jw_array_end(json);
	jw_key(json, "columns");
	jw_array_begin(json);
	for (size_t i = 0; i < query->ncolumns; i++) {
		const struct column *column = &query->columns[i];
		begin_item(json, column->name, column->type_name, column->nullable);
		put(json, "rule", hf_str_of(column->rule));
		jw_object_end(json);
	}
	jw_array_end(json);
	jw_object_end(json);
}

static void put_unbroken(void *user, struct query *query)
{
	if (!query->broken)
		put_query(user, query);
}

bool describe_print_json(const struct group *group, FILE *out)
{
	struct json_writer json;
	jw_init(&json, to_file, out);
	jw_lines(&json);
	jw_array_begin(&json);
	group_each(group, put_unbroken, &json);
	jw_array_end(&json);
	return jw_finish(&json) && fputc('\n', out) != EOF && fflush(out) == 0;
}

/* ---- tables ---- */

struct widths {
	int name, type;
};

static void widen(struct widths *widths, const char *name, const char *type)
{
	int name_len = (int)strlen(name), type_len = (int)strlen(type);
	widths->name = name_len > widths->name ? name_len : widths->name;
	widths->type = type_len > widths->type ? type_len : widths->type;
}

static struct widths widths_of(const struct query *query)
{
	struct widths widths = {0, 0};
	for (size_t i = 0; i < query->ninputs; i++)
		widen(&widths, query->inputs[i].name, query->inputs[i].type_name);
	for (size_t i = 0; i < query->ncolumns; i++)
		widen(&widths, query->columns[i].name, query->columns[i].type_name);
	return widths;
}

static void print_item(FILE *out, struct widths widths, const char *what, const char *name, const char *type,
                       bool nullable, const char *rule)
{
	fprintf(out, "  %-6s  %-*s  %-*s  %-8s  %s\n", what, widths.name, name, widths.type, type,
	        nullable ? "nullable" : "not null", rule);
}

static void print_query(void *user, struct query *query)
{
	FILE *out = user;
	if (query->broken)
		return;
	struct widths widths = widths_of(query);
	fprintf(out, "%s :%.*s\n", query->name, STR_ARG(cardinality_shown(query)));
	for (size_t i = 0; i < query->ninputs; i++) {
		const struct param *param = &query->inputs[i];
		print_item(out, widths, "param", param->name, param->type_name, param->nullable, param->rule);
	}
	for (size_t i = 0; i < query->ncolumns; i++) {
		const struct column *column = &query->columns[i];
		print_item(out, widths, "column", column->name, column->type_name, column->nullable, column->rule);
	}
}

bool describe_print(const struct group *group, FILE *out)
{
	group_each(group, print_query, out);
	return fflush(out) == 0 && !ferror(out);
}
