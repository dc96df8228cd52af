/*
 * bulk.c - see bulk.h.
 */
#include "gen/bulk.h"

enum { DEPTH_MAX = 1000, COMMAND_UPDATE = 2, COMMAND_INSERT = 3 };

/* ---- the parser's tree ---- */

static bool is_unnest(json_t *call)
{
	json_t *names = json_object_get(call, "funcname");
	size_t count = json_array_size(names);
	json_t *last = json_object_get(json_array_get(names, count ? count - 1 : 0), "String");
	const char *name = json_string_value(json_object_get(last, "sval"));
	return name && strcmp(name, "unnest") == 0;
}

/* Marks the parameters within unnest(). */
static void find_unnested(json_t *node, bool within, bool *unnested, size_t nparams, int depth)
{
	const char *key;
	json_t *value;
	size_t index;
	if (depth > DEPTH_MAX)
		return;
	json_array_foreach (node, index, value)
		find_unnested(value, within, unnested, nparams, depth + 1);
	if (!json_is_object(node))
		return;
	json_t *param = json_object_get(node, "ParamRef");
	json_int_t number = json_integer_value(json_object_get(param, "number"));
	if (within && number >= 1 && (size_t)number <= nparams)
		unnested[number - 1] = true;
	bool inside = within || is_unnest(json_object_get(node, "FuncCall"));
	json_object_foreach (node, key, value)
		find_unnested(value, inside, unnested, nparams, depth + 1);
}

void bulk_check_unnest(struct query *query, json_t *tree, struct diags *diags)
{
	bool *unnested = MEM_ARRAY(diags->arena, query->nparams + 1, bool);
	find_unnested(tree, false, unnested, query->nparams, 0);
	for (size_t i = 0; i < query->nparams; i++)
		if (!unnested[i])
			query_unfit(diags, query, query->params[i].where,
			            "parameter \"%s\" of :bulk is not unnested", query->params[i].name)
				->hint = mem_printf(diags->arena, "it is the array of one member of all inputs: ... "
			                                          "FROM unnest(:%s)", query->params[i].name);
}

void bulk_check_types(struct query *query, struct diags *diags)
{
	for (size_t i = 0; i < query->nparams; i++) {
		const struct type *type = query->params[i].type;
		if (type && (type->kind != HF_TYPE_ARRAY || !type->element))
			query_unfit(diags, query, query->params[i].where,
			            "parameter \"%s\" of :bulk is %s, not an array", query->params[i].name, type->name)
				->hint = mem_printf(diags->arena, "write the array's type behind it: :%s::%s[]",
			                            query->params[i].name, type->name);
	}
}

/* ---- the server's tree ---- */

static const struct node *below_casts(const struct node *expr)
{
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (node_is(expr, "RELABELTYPE") || node_is(expr, "COERCETODOMAIN") || node_is(expr, "COERCEVIAIO") ||
		    node_is(expr, "ARRAYCOERCEEXPR"))
			expr = node_get(expr, "arg");
		else if (node_is(expr, "FUNCEXPR") && node_int(expr, "funcformat", 0) == 2)
			expr = node_item(node_get(expr, "args"), 0);
		else
			break;
	}
	return expr;
}

/* unnest($number), whatever the casts */
static bool opens(const struct node *call, size_t number)
{
	const struct node *argument = below_casts(node_item(node_get(call, "args"), 0));
	return node_is(call, "FUNCEXPR") && node_is(argument, "PARAM") && node_int(argument, "paramkind", -1) == 0 &&
	       node_int(argument, "paramid", 0) == (int64_t)number;
}

/* The function that gives column `column` of ROWS FROM (...), which unnest() of several arrays is. */
static const struct node *function_of(const struct node *functions, int64_t column)
{
	for (size_t i = 0; i < node_count(functions); i++) {
		const struct node *function = node_item(functions, i);
		column -= node_int(function, "funccolcount", 1);
		if (column <= 0)
			return node_get(function, "funcexpr");
	}
	return NULL;
}

static const struct node *target_of(const struct node *query, int64_t column)
{
	const struct node *list = node_get(query, "targetList");
	for (size_t i = 0; i < node_count(list); i++)
		if (node_int(node_item(list, i), "resno", 0) == column)
			return node_get(node_item(list, i), "expr");
	return NULL;
}

static bool comes_from(const struct node *query, const struct node *expr, size_t number, int depth)
{
	expr = below_casts(expr);
	if (depth > DEPTH_MAX || !expr)
		return false;
	if (opens(expr, number))
		return true;
	int64_t table = node_int(expr, "varno", 0), column = node_int(expr, "varattno", 0);
	if (!node_is(expr, "VAR") || node_int(expr, "varlevelsup", 0) != 0 || table < 1 || column < 1)
		return false;
	const struct node *entry = node_item(node_get(query, "rtable"), (size_t)table - 1);
	const struct node *subquery = node_get(entry, "subquery");
	if (subquery)
		return comes_from(subquery, target_of(subquery, column), number, depth + 1);
	const struct node *function = function_of(node_get(entry, "functions"), column);
	return function && opens(function, number);
}

static bool is_stored(const struct catalog *catalog, const struct node *query, size_t number)
{
	int64_t command = node_int(query, "commandType", 0), target = node_int(query, "resultRelation", 0);
	const struct node *entry = target >= 1 ? node_item(node_get(query, "rtable"), (size_t)target - 1) : NULL;
	const struct node *list = node_get(query, "targetList");
	if ((command != COMMAND_UPDATE && command != COMMAND_INSERT) || !entry)
		return false;
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *column = node_item(list, i);
		if (!node_bool(column, "resjunk") && comes_from(query, node_get(column, "expr"), number, 0) &&
		    catalog_may_be_null(catalog, (uint32_t)node_int(entry, "relid", 0), node_int(column, "resno", 0)))
			return true;
	}
	return false;
}

struct parameter bulk_element(const struct catalog *catalog, const struct node *query, size_t number,
                              const struct parameter *array)
{
	struct parameter element = {.name = array->name, .rule = "not-null-by-default", .untyped = array->untyped};
	element.nullable = is_stored(catalog, query, number);
	if (element.nullable)
		element.rule = RULE_STORED_NULLABLE;
	return element;
}
