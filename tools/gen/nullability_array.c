/*
 * nullability_array.c - elements of arrays, and the rows of the server's set-returning functions.
 */
#include "gen/nullability_scope.h"

/* A constant array without a bitmap of NULLs: its header is length, dimensions, offset of the data (0 without). */
static bool constant_has_no_nulls(const struct scope *scope, const struct node *expr)
{
	unsigned char bytes[12];
	const struct catalog_type *type =
		catalog_type_of(scope->proving->catalog, (uint32_t)node_int(expr, "consttype", 0));
	if (!type || !type->element || !node_has(expr, "constisnull") || node_bool(expr, "constisnull") ||
	    node_bytes(node_get(expr, "constvalue"), bytes, sizeof(bytes)) < sizeof(bytes))
		return false;
	return !(bytes[8] | bytes[9] | bytes[10] | bytes[11]);
}

/* Arrays of arrays are given as such by ARRAY[[...]]. */
static bool written_elements(const struct scope *scope, const struct node *array)
{
	const struct node *elements = node_get(array, "elements");
	bool nested = node_bool(array, "multidims") || !node_has(array, "multidims");
	for (size_t i = 0; i < node_count(elements); i++) {
		const struct node *element = node_item(elements, i);
		if (nested ? !elements_never_null(scope, element) : !prove_expr(scope, element).never_null)
			return false;
	}
	return true;
}

static bool built_elements(const struct scope *scope, const struct node *call)
{
	static const char *const appends[] = {"array_append", "array_prepend"};
	const char *name = builtin_name(scope, call, node_is(call, "OPEXPR") ? "opfuncid" : "funcid");
	const struct node *args = node_get(call, "args");
	const struct node *first = node_item(args, 0), *second = node_item(args, 1);
	if (strcmp(name, "regexp_split_to_array") == 0)
		return true;
	if (strcmp(name, "string_to_array") == 0)
		return node_count(args) == 2;
	if (strcmp(name, "array_cat") == 0)
		return elements_never_null(scope, first) && elements_never_null(scope, second);
	if (listed(appends, ARRAY_LEN(appends), name)) {
		bool append = strcmp(name, "array_append") == 0;
		return elements_never_null(scope, append ? first : second) &&
		       prove_expr(scope, append ? second : first).never_null;
	}
	return false;
}

static bool collected_elements(const struct scope *scope, const struct node *aggregate)
{
	enum { ARRAY_AGG_OF_SCALARS = 2335 };
	struct scope rows = *scope;
	rows.stage = scope->stage == STAGE_OUTPUT ? STAGE_ROWS : scope->stage;
	rows.children = MEM_ARRAY(scope_arena(scope), scope->nrtes + 1, struct scope *);
	const struct node *first = node_item(node_get(aggregate, "args"), 0);
	return node_int(aggregate, "aggfnoid", 0) == ARRAY_AGG_OF_SCALARS &&
	       node_int(aggregate, "agglevelsup", -1) == 0 && prove_expr(&rows, node_get(first, "expr")).never_null;
}

static bool selected_elements(const struct scope *scope, const struct node *sublink)
{
	enum { ARRAY = 6 };
	if (node_int(sublink, "subLinkType", -1) != ARRAY)
		return false;
	const struct scope *inner = scope_open(scope->proving, node_get(sublink, "subselect"), scope, NULL);
	return scope_output(inner, 1).never_null;
}

/* Each element goes through a conversion of its own. */
static bool converted_elements(const struct scope *scope, const struct node *expr)
{
	struct scope element = *scope;
	element.element_never_null = true;
	element.tested = NULL;
	return elements_never_null(scope, node_get(expr, "arg")) &&
	       prove_expr(&element, node_get(expr, "elemexpr")).never_null;
}

/* A column of a subquery is what the subquery says; NULL when it is none. */
static const struct node *behind(const struct scope *scope, const struct node *expr, const struct scope **ret_scope)
{
	expr = scope_unalias(scope, expr);
	const struct scope *owner = scope_up(scope, node_int(expr, "varlevelsup", -1));
	int64_t index = node_int(expr, "varno", 0);
	if (!node_is(expr, "VAR") || !owner || change_is_target(owner, index))
		return NULL;
	const struct scope *child = scope_child(owner, index);
	if (!child || node_get(child->query, "setOperations"))
		return NULL;
	*ret_scope = child;
	return node_get(output_entry(child->query, node_int(expr, "varattno", 0)), "expr");
}

static bool coalesced_elements(const struct scope *scope, const struct node *args)
{
	for (size_t i = 0; i < node_count(args); i++)
		if (!elements_never_null(scope, node_item(args, i)))
			return false;
	return true;
}

bool elements_never_null(const struct scope *scope, const struct node *array)
{
	const struct scope *child = NULL;
	struct proving *proving = scope->proving;
	if (!array || !scope_step(proving, 0) || proving->depth > EXPR_DEPTH_MAX)
		return false;
	proving->depth++;
	bool sure = false;
	const struct node *inner = behind(scope, array, &child);
	if (inner)
		sure = elements_never_null(child, inner);
	else if (node_is(array, "CONST"))
		sure = node_bool(array, "constisnull") || constant_has_no_nulls(scope, array);
	else if (node_is(array, "ARRAYEXPR") || node_is(array, "ARRAY"))
		sure = written_elements(scope, array);
	else if (node_is(array, "FUNCEXPR") || node_is(array, "OPEXPR"))
		sure = built_elements(scope, array);
	else if (node_is(array, "AGGREF"))
		sure = collected_elements(scope, array);
	else if (node_is(array, "SUBLINK"))
		sure = selected_elements(scope, array);
	else if (node_is(array, "COALESCEEXPR") || node_is(array, "COALESCE"))
		sure = coalesced_elements(scope, node_get(array, "args"));
	else if (node_is(array, "RELABELTYPE"))
		sure = elements_never_null(scope, node_get(array, "arg"));
	else if (node_is(array, "ARRAYCOERCEEXPR"))
		sure = converted_elements(scope, array);
	proving->depth--;
	return sure;
}

/* ---- rows of functions ---- */

/* Columns that are never NULL, by function; what is not listed may be. */
static const struct {
	const char *name;
	int64_t first, last;
} columns[] = {
	{"generate_series", 1, 1},   {"generate_subscripts", 1, 1}, {"json_object_keys", 1, 1},
	{"jsonb_object_keys", 1, 1}, {"json_array_elements", 1, 1}, {"jsonb_array_elements", 1, 1},
	{"json_each", 1, 2},         {"jsonb_each", 1, 2},          {"json_each_text", 1, 1},
	{"jsonb_each_text", 1, 1},   {"regexp_matches", 1, 1},      {"regexp_split_to_table", 1, 1},
	{"jsonb_path_query", 1, 1},  {"jsonb_path_query_tz", 1, 1},
};

struct proof prove_set_call(const struct scope *scope, const struct node *call, int64_t column)
{
	enum { UNNEST_ARRAY = 2331, UNNEST_TSVECTOR = 3322, UNNEST_MULTIRANGE = 1293 };
	int64_t oid = node_int(call, "funcid", 0);
	const char *name = builtin_name(scope, call, "funcid");
	const struct node *args = node_get(call, "args");
	if (column == 1 && (oid == UNNEST_TSVECTOR || oid == UNNEST_MULTIRANGE))
		return proven("set-function");
	if (oid == UNNEST_ARRAY)
		return column == 1 && elements_never_null(scope, node_item(args, 0)) ? proven("unnest") : unproven();
	if (strcmp(name, "string_to_table") == 0)
		return node_count(args) == 2 ? proven("set-function") : unproven();
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (strcmp(columns[i].name, name) == 0 && column >= columns[i].first && column <= columns[i].last)
			return proven("set-function");
	return unproven();
}
