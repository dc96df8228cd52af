/*
 * nullability_call.c - functions and operators.
 *
 * Only those that came with the server count (their numbers are below OID_FIRST_USER, so no search_path can replace
 * them). `never_null_functions` lists, overload by overload, the ones that never answer NULL when no argument is; it is
 * generated (tools/never_null.py) and tested by execution. What the table leaves out but some calls may claim, and the
 * few that take NULL arguments well, stand here. Functions of users and extensions answer what they like.
 */
#include "gen/nullability_scope.h"

#include <stdlib.h>

#include "gen/nullability_table.h"

bool listed(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static const struct catalog_function *builtin(const struct scope *scope, uint32_t oid)
{
	return oid < OID_FIRST_USER ? catalog_function(scope->proving->catalog, oid) : NULL;
}

const char *builtin_name(const struct scope *scope, const struct node *expr, const char *field)
{
	const struct catalog_function *function = builtin(scope, (uint32_t)node_int(expr, field, 0));
	return function ? function->name : "";
}

/* ---- the table ---- */

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

/* "lower(text)", as the table has it. False when a type is unknown. */
static bool signature(const struct catalog *catalog, const struct catalog_function *function, struct buf *buf)
{
	struct hf_str rest = hf_str_of(function->args), arg;
	buf_add_text(buf, function->name);
	buf_add_char(buf, '(');
	for (size_t i = 0; rest.len && str_split(&rest, ' ', &arg); i++) {
		int64_t oid;
		const struct catalog_type *type =
			str_to_i64(arg, &oid) ? catalog_type_of(catalog, (uint32_t)oid) : NULL;
		if (!type)
			return false;
		buf_add_text(buf, i ? "," : "");
		buf_add_text(buf, type->name);
	}
	buf_add_char(buf, ')');
	return true;
}

static bool in_table(const struct catalog *catalog, const struct catalog_function *function)
{
	struct buf buf;
	buf_init(&buf, 65536);
	bool known = signature(catalog, function, &buf);
	mem_check(&buf);
	known = known &&
	        bsearch(buf.ptr, never_null_functions, never_null_count, sizeof(*never_null_functions), by_text);
	buf_deinit(&buf);
	return known;
}

/* ---- calls that are safe for some constant ---- */

/* The bytes of a constant text. */
static bool constant_text(const struct node *expr, char *ret_text, size_t size)
{
	unsigned char bytes[64];
	while (node_is(expr, "RELABELTYPE"))
		expr = node_get(expr, "arg");
	size_t count = node_bytes(node_get(expr, "constvalue"), bytes, sizeof(bytes));
	if (!node_is(expr, "CONST") || node_int(expr, "consttype", 0) != 25 || node_bool(expr, "constisnull") ||
	    count < 4 || count == sizeof(bytes) || count - 4 >= size)
		return false;
	memcpy(ret_text, bytes + 4, count - 4);
	ret_text[count - 4] = '\0';
	return true;
}

/* Of infinity these are infinite; hours and the like of it are NULL. */
static bool unit_of_infinity(const struct node *args)
{
	static const char *const units[] = {"epoch", "year", "isoyear", "decade", "century", "millennium", "julian"};
	char unit[16];
	return constant_text(node_item(args, 0), unit, sizeof(unit)) && listed(units, ARRAY_LEN(units), unit);
}

/* A number or an interval (type 1186) by a format that is not empty. */
static bool known_format(const struct catalog_function *function, const struct node *args)
{
	char format[40];
	bool formats =
		strcmp(function->name, "to_number") == 0 ||
		(strcmp(function->name, "to_char") == 0 && str_starts(hf_str_of(function->args), HF_STR("1186 ")));
	return formats && constant_text(node_item(args, 1), format, sizeof(format)) && format[0];
}

static bool safe_for_constant(const struct catalog_function *function, const struct node *args)
{
	static const char *const parts[] = {"extract", "date_part"};
	static const char *const paths[] = {"jsonb_path_exists", "jsonb_path_exists_tz"};
	int64_t silent;
	if (listed(paths, ARRAY_LEN(paths), function->name)) /* NULL is a fault that it is told not to speak of */
		return node_count(args) < 4 || (node_constant(node_item(args, 3), &silent) && !silent);
	return (listed(parts, ARRAY_LEN(parts), function->name) && unit_of_infinity(args)) ||
	       known_format(function, args);
}

/* ---- functions that take NULL ---- */

enum takes { TAKES_ANYTHING, TAKES_FIRST, TAKES_ONE_OF, TAKES_ALL };

static const struct {
	const char *name;
	enum takes takes;
} lenient[] = {
	{"concat", TAKES_ANYTHING},
	{"num_nulls", TAKES_ANYTHING},
	{"num_nonnulls", TAKES_ANYTHING},
	{"json_build_array", TAKES_ANYTHING},
	{"json_build_object", TAKES_ANYTHING},
	{"jsonb_build_array", TAKES_ANYTHING},
	{"jsonb_build_object", TAKES_ANYTHING},
	{"quote_nullable", TAKES_ANYTHING},
	{"pg_typeof", TAKES_ANYTHING},
	{"array_append", TAKES_ANYTHING},
	{"array_prepend", TAKES_ANYTHING},
	{"array_fill", TAKES_ANYTHING},
	{"int4range", TAKES_ANYTHING},
	{"int8range", TAKES_ANYTHING},
	{"numrange", TAKES_ANYTHING},
	{"tsrange", TAKES_ANYTHING},
	{"tstzrange", TAKES_ANYTHING},
	{"daterange", TAKES_ANYTHING},
	{"enum_first", TAKES_ANYTHING},
	{"enum_last", TAKES_ANYTHING},
	{"enum_range", TAKES_ANYTHING},
	{"concat_ws", TAKES_FIRST},
	{"format", TAKES_FIRST},
	{"format_type", TAKES_FIRST},
	{"string_to_array", TAKES_FIRST},
	{"array_remove", TAKES_FIRST},
	{"array_replace", TAKES_FIRST},
	{"array_positions", TAKES_FIRST},
	{"array_cat", TAKES_ONE_OF},
	{"overlaps", TAKES_ALL},
};

static bool takes_null(const char *name, enum takes *ret_takes)
{
	for (size_t i = 0; i < ARRAY_LEN(lenient); i++)
		if (strcmp(lenient[i].name, name) == 0) {
			*ret_takes = lenient[i].takes;
			return true;
		}
	return false;
}

static struct proof prove_lenient(const struct scope *scope, enum takes takes, const struct node *args)
{
	switch (takes) {
	case TAKES_ANYTHING:
		return proven("function");
	case TAKES_FIRST:
		return prove_expr(scope, node_item(args, 0)).never_null ? proven("function") : unproven();
	case TAKES_ALL:
		return prove_all(scope, args, "function");
	case TAKES_ONE_OF:
	default:
		return prove_any(scope, args, "function");
	}
}

/* array_to_string with a stand-in for NULL: the stand-in may be missing. */
static bool answers_for(const struct scope *scope, const struct catalog_function *function, const struct node *args)
{
	if (strcmp(function->name, "array_to_string") == 0 && node_count(args) == 3)
		return prove_expr(scope, node_item(args, 0)).never_null &&
		       prove_expr(scope, node_item(args, 1)).never_null;
	return false;
}

static struct proof prove_function(const struct scope *scope, const struct catalog_function *function,
                                   const struct node *args, bool variadic, const char *rule)
{
	enum takes takes;
	if (!function)
		return unproven();
	/* VARIADIC array: the array may be NULL, and counts as one argument */
	if (takes_null(function->name, &takes))
		return variadic ? prove_all(scope, args, rule) : prove_lenient(scope, takes, args);
	if (answers_for(scope, function, args))
		return proven(rule);
	if (!in_table(scope->proving->catalog, function) && !safe_for_constant(function, args))
		return unproven();
	return prove_all(scope, args, rule);
}

/* Set-returning calls in the target list: several are padded with NULLs to the longest. */
static unsigned count_set_calls(const struct node *node, int depth)
{
	unsigned count = 0;
	if (depth > 1000 || node_is(node, "SUBLINK"))
		return depth > 1000 ? 2 : 0;
	if (node && node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->count; i++)
			count += count_set_calls(node->items[i], depth + 1);
	} else if (node && node->kind == NODE_RECORD) {
		count += node_bool(node, "funcretset") || node_bool(node, "opretset");
		for (size_t i = 0; i < node->count; i++)
			count += count_set_calls(node->fields[i].value, depth + 1);
	}
	return count;
}

struct proof prove_call(const struct scope *scope, const struct node *call)
{
	if (!node_has(call, "funcretset"))
		return unproven();
	if (node_bool(call, "funcretset")) /* in a target list: alone it is not padded */
		return count_set_calls(node_get(scope->query, "targetList"), 0) == 1 ? prove_set_call(scope, call, 1)
		                                                                     : unproven();
	const struct catalog_function *function = builtin(scope, (uint32_t)node_int(call, "funcid", 0));
	return prove_function(scope, function, node_get(call, "args"), node_bool(call, "funcvariadic"), "function");
}

/* ---- operators ---- */

static const struct catalog_function *operator_function(const struct scope *scope, const struct node *expr)
{
	const struct catalog *catalog = scope->proving->catalog;
	const struct catalog_operator *op = catalog_operator(catalog, (uint32_t)node_int(expr, "opno", 0));
	return op ? catalog_function(catalog, op->function) : NULL;
}

bool operator_answers(const struct scope *scope, const struct node *expr)
{
	const struct catalog_function *function = operator_function(scope, expr);
	return function && function->oid < OID_FIRST_USER && in_table(scope->proving->catalog, function);
}

/* x op ANY or ALL (array): also of each element. */
static struct proof prove_any_array(const struct scope *scope, const struct node *expr)
{
	const struct node *args = node_get(expr, "args");
	bool sure = operator_answers(scope, expr) && prove_all(scope, args, "").never_null &&
	            elements_never_null(scope, node_item(args, 1));
	return sure ? proven("any-of-list") : unproven();
}

struct proof prove_operator(const struct scope *scope, const struct node *expr)
{
	if (node_is(expr, "SCALARARRAYOPEXPR"))
		return prove_any_array(scope, expr);
	const struct catalog_function *function = operator_function(scope, expr);
	if (!function || function->oid >= OID_FIRST_USER || !node_has(expr, "opretset") || node_bool(expr, "opretset"))
		return unproven();
	return prove_function(scope, function, node_get(expr, "args"), false, "operator");
}

/*
 * NULL for a NULL argument. A user may have replaced a function since a row was stored, so what was stored goes by the
 * server's own.
 */
static bool is_strict(const struct scope *scope, const struct catalog_function *function)
{
	bool as_of_now = !scope->stored && !scope->proving->declared;
	return function && function->strict && (as_of_now || function->oid < OID_FIRST_USER);
}

bool operator_is_strict(const struct scope *scope, const struct node *expr)
{
	return !node_bool(expr, "opretset") && is_strict(scope, operator_function(scope, expr));
}

bool call_is_strict(const struct scope *scope, const struct node *call)
{
	uint32_t oid = (uint32_t)node_int(call, "funcid", 0);
	return is_strict(scope, catalog_function(scope->proving->catalog, oid));
}

bool row_operators_builtin(const struct node *expr)
{
	const struct node *operators = node_get(expr, "opnos");
	for (size_t i = 1; i < node_count(operators); i++) { /* "(o 97 97)" */
		const struct node *item = node_item(operators, i);
		int64_t oid;
		if (!item || item->kind != NODE_ATOM || !str_to_i64(hf_str_of(item->text), &oid) ||
		    oid >= OID_FIRST_USER)
			return false;
	}
	return node_count(operators) > 1;
}
