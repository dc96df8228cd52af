/*
 * function_tree.c - BEGIN ATOMIC keeps the analysed statement in pg_proc.prosqlbody, in the form that the notices have.
 */
#include "gen/function_tree.h"

#include <stdlib.h>

#define FUNCTION "pg_temp.holdfast_described"

bool tree_by_function_wanted(void)
{
	const char *way = getenv("HOLDFAST_GEN_TREE");
	return way && strcmp(way, "function") == 0;
}

static const char *function_of(const struct catalog *catalog, hf_arena *arena, const char *sql,
                               const struct hf_sql_shape *shape)
{
	struct buf buf;
	buf_init(&buf, (size_t)64 << 20);
	buf_add_text(&buf, "CREATE FUNCTION " FUNCTION "(");
	for (size_t i = 0; i < shape->nparams; i++) {
		const struct catalog_type *type = catalog_type_of(catalog, shape->param_oids[i]);
		buf_printf(&buf, "%s%s", i ? ", " : "", type ? type->qualified : "pg_catalog.text");
	}
	buf_printf(&buf, ") RETURNS %s LANGUAGE sql BEGIN ATOMIC ", shape->ncolumns ? "SETOF record" : "void");
	buf_add_text(&buf, sql);
	buf_add_text(&buf, "; END");
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

struct function_tree tree_by_function(const struct catalog *catalog, hf_arena *arena, hf_where where, const char *sql,
                             const struct hf_sql_shape *shape)
{
	hf_error ignored = HF_ERROR_INIT;
	struct hf_sql_row row;
	struct function_tree tree = {.text = function_of(catalog, arena, sql, shape)};
	if (hf_sql_exec(where, HF_STR("BEGIN"), NULL, 0, NULL, &ignored) != HF_OK)
		return tree;
	enum hf_status status = hf_sql_exec(where, hf_str_of(tree.text), NULL, 0, NULL, &ignored);
	if (status == HF_OK)
		status = hf_sql_one(where,
		                    HF_STR("SELECT prosqlbody::text FROM pg_catalog.pg_proc WHERE proname = "
		                           "'holdfast_described' AND pronamespace = pg_catalog.pg_my_temp_schema()"),
		                    NULL, 0, arena, &row, &ignored);
	if (status == HF_OK && row.values[0].kind == HF_VALUE_TEXT)
		tree.body = mem_text(arena, row.values[0].as.s);
	hf_sql_exec(where, HF_STR("ROLLBACK"), NULL, 0, NULL, &ignored);
	return tree;
}
