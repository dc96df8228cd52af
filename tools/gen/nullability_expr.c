/*
 * nullability_expr.c - the rules about expressions, one function per kind of node.
 *
 * Functions and operators count only when they came with the server (their numbers are below OID_FIRST_USER, so no
 * search_path can replace them) and stand in a reviewed list: never NULL when no argument is. The lists are short on
 * purpose. Left out because they answer NULL for some non-NULL input: substring (patterns), extract and date_part
 * (infinity), to_char (empty format), array_length, regexp_match, json -> and its kin, path + path, lseg # lseg.
 */
#include "gen/nullability_expr.h"

#include <stdlib.h>

static bool listed(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static struct proof all_of(const struct scope *scope, const struct node *list, const char *rule)
{
	for (size_t i = 0; i < node_count(list); i++)
		if (!prove_expr(scope, node_item(list, i)).never_null)
			return unproven();
	return proven(rule);
}

static struct proof any_of(const struct scope *scope, const struct node *list, const char *rule)
{
	for (size_t i = 0; i < node_count(list); i++)
		if (prove_expr(scope, node_item(list, i)).never_null)
			return proven(rule);
	return unproven();
}

static struct proof prove_param(const struct scope *scope, const struct node *param)
{
	int64_t number = node_int(param, "paramid", 0);
	if (node_int(param, "paramkind", -1) != 0 || number < 1 || (size_t)number > scope->proving->nparams)
		return unproven();
	return scope->proving->params_nullable[number - 1] ? unproven() : proven("parameter");
}

/* ---- functions ---- */

/* Whatever the overload: non-NULL in, non-NULL out. */
static const char *const safe_functions[] = {
	"abs",
	"age",
	"array_append",
	"array_prepend",
	"ascii",
	"btrim",
	"cardinality",
	"ceil",
	"ceiling",
	"char_length",
	"character_length",
	"chr",
	"clock_timestamp",
	"concat",
	"convert_from",
	"convert_to",
	"cos",
	"current_database",
	"date_trunc",
	"decode",
	"encode",
	"exp",
	"floor",
	"format",
	"gen_random_uuid",
	"hashtext",
	"initcap",
	"json_array_length",
	"json_build_array",
	"json_build_object",
	"jsonb_array_length",
	"jsonb_build_array",
	"jsonb_build_object",
	"jsonb_pretty",
	"justify_days",
	"justify_hours",
	"justify_interval",
	"left",
	"length",
	"ln",
	"log",
	"lower",
	"lpad",
	"ltrim",
	"make_date",
	"make_interval",
	"md5",
	"mod",
	"nextval",
	"now",
	"octet_length",
	"pg_backend_pid",
	"pg_notify",
	"pg_try_advisory_lock",
	"pg_try_advisory_xact_lock",
	"pg_advisory_unlock",
	"position",
	"power",
	"quote_ident",
	"quote_literal",
	"random",
	"repeat",
	"replace",
	"reverse",
	"right",
	"round",
	"row_to_json",
	"rpad",
	"rtrim",
	"setval",
	"sha256",
	"sign",
	"sin",
	"sqrt",
	"starts_with",
	"statement_timestamp",
	"strpos",
	"substr",
	"timeofday",
	"to_json",
	"to_jsonb",
	"to_timestamp",
	"transaction_timestamp",
	"trunc",
	"txid_current",
	"upper",
};

/* Casts that are functions. From jsonb they meet the null of JSON, so those are left out, and so is time(infinity). */
static const char *const safe_casts[] = {
	"bool",     "bpchar", "date",    "float4", "float8", "int2",      "int4",        "int8",
	"interval", "name",   "numeric", "oid",    "text",   "timestamp", "timestamptz", "varchar",
};

enum { OID_JSONB = 3802 };

static bool takes_jsonb(const struct catalog_function *function)
{
	struct hf_str rest = hf_str_of(function->args), arg;
	int64_t oid;
	while (str_split(&rest, ' ', &arg))
		if (str_to_i64(arg, &oid) && oid == OID_JSONB)
			return true;
	return false;
}

/* Overloads of a listed name that do answer NULL. */
static bool unsafe_overload(const struct catalog_function *function)
{
	static const struct {
		const char *name, *args;
	} some[] = {
		{"lower", "3831"}, {"upper", "3831"}, /* of an empty or unbounded range */
		{"lower", "4537"}, {"upper", "4537"}, {"to_timestamp", "25 25"},
	};
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		if (strcmp(some[i].name, function->name) == 0 && strcmp(some[i].args, function->args) == 0)
			return true;
	return false;
}

static struct proof prove_call(const struct scope *scope, const struct node *call)
{
	uint32_t oid = (uint32_t)node_int(call, "funcid", 0);
	const struct catalog_function *function = catalog_function(scope->proving->catalog, oid);
	if (!function || oid >= OID_FIRST_USER || !node_has(call, "funcretset") || node_bool(call, "funcretset"))
		return unproven();
	bool safe = listed(safe_functions, ARRAY_LEN(safe_functions), function->name) && !unsafe_overload(function);
	if (!safe && (!listed(safe_casts, ARRAY_LEN(safe_casts), function->name) || takes_jsonb(function)))
		return unproven();
	return all_of(scope, node_get(call, "args"), "function");
}

/* ---- operators ---- */

enum operator_class { OPERATOR_UNSAFE = 0, OPERATOR_COMPARISON, OPERATOR_OTHER };

static enum operator_class operator_class(const char *name)
{
	static const char *const comparisons[] = {"=", "<>", "<", ">", "<=", ">="};
	static const char *const others[] = {"+",   "-",    "*",  "/",  "%",  "^",   "||", "~~", "!~~",
	                                     "~~*", "!~~*", "~",  "!~", "~*", "!~*", "@>", "<@", "&&",
	                                     "?",   "?|",   "?&", "&",  "|",  "<<",  ">>"};
	if (listed(comparisons, ARRAY_LEN(comparisons), name))
		return OPERATOR_COMPARISON;
	return listed(others, ARRAY_LEN(others), name) ? OPERATOR_OTHER : OPERATOR_UNSAFE;
}

/* Numbers, text, times, jsonb and arrays: the operand types whose operators were reviewed. 0 is a missing left one. */
static bool reviewed_operand(uint32_t type)
{
	static const uint32_t types[] = {0,    16,   17,   19,   20,   21,   23,   25,   26,   700,
	                                 701,  1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700,
	                                 2277, 2283, 2776, 2950, 3802, 5077, 5078, 5079};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static const struct catalog_operator *safe_operator(const struct scope *scope, const struct node *expr)
{
	uint32_t oid = (uint32_t)node_int(expr, "opno", 0);
	const struct catalog_operator *operator= catalog_operator(scope->proving->catalog, oid);
	if (!operator|| oid >= OID_FIRST_USER)
		return NULL;
	enum operator_class class = operator_class(operator->name);
	bool reviewed = reviewed_operand(operator->left) && reviewed_operand(operator->right);
	return class == OPERATOR_COMPARISON || (class == OPERATOR_OTHER && reviewed) ? operator: NULL;
}

static struct proof prove_operator(const struct scope *scope, const struct node *expr)
{
	if (!safe_operator(scope, expr) || !node_has(expr, "opretset") || node_bool(expr, "opretset"))
		return unproven();
	return all_of(scope, node_get(expr, "args"), "operator");
}

bool expr_is_strict_operator(const struct scope *scope, const struct node *expr)
{
	const struct catalog *catalog = scope->proving->catalog;
	const struct catalog_operator *operator= catalog_operator(catalog, (uint32_t)node_int(expr, "opno", 0));
	const struct catalog_function *function = operator? catalog_function(catalog, operator->function) : NULL;
	return function && function->strict && node_has(expr, "opretset") && !node_bool(expr, "opretset");
}

/* x IN (...) and x op ANY/ALL (ARRAY[...]) with elements that we see. An array value may hold NULLs. */
static struct proof prove_any_array(const struct scope *scope, const struct node *expr)
{
	const struct node *args = node_get(expr, "args");
	const struct node *array = node_item(args, 1);
	if (!safe_operator(scope, expr) || !prove_expr(scope, node_item(args, 0)).never_null)
		return unproven();
	if (!node_is(array, "ARRAY") && !node_is(array, "ARRAYEXPR"))
		return unproven();
	if (!node_has(array, "multidims") || node_bool(array, "multidims"))
		return unproven();
	return all_of(scope, node_get(array, "elements"), "any-of-list");
}

/* ---- aggregates and windows ---- */

static const char *builtin_name(const struct scope *scope, const struct node *expr, const char *field)
{
	uint32_t oid = (uint32_t)node_int(expr, field, 0);
	const struct catalog_function *function = catalog_function(scope->proving->catalog, oid);
	return function && oid < OID_FIRST_USER ? function->name : "";
}

static struct proof prove_aggregate(const struct scope *scope, const struct node *expr)
{
	static const char *const of_values[] = {"min",      "max",     "sum",   "avg",
	                                        "bool_and", "bool_or", "every", "string_agg"};
	static const char *const of_rows[] = {"array_agg", "json_agg", "jsonb_agg"};
	const char *name = builtin_name(scope, expr, "aggfnoid");
	if (strcmp(name, "count") == 0)
		return proven("count");
	/* A group has a row; without GROUP BY there may be none, and FILTER may drop them all. */
	bool grouped = node_count(node_get(scope->query, "groupClause")) > 0;
	if (!grouped || node_get(expr, "aggfilter") || !node_has(expr, "aggfilter") ||
	    node_int(expr, "agglevelsup", -1) != 0)
		return unproven();
	if (listed(of_rows, ARRAY_LEN(of_rows), name))
		return proven("aggregate-of-group");
	const struct node *first = node_item(node_get(expr, "args"), 0);
	if (listed(of_values, ARRAY_LEN(of_values), name) && prove_expr(scope, node_get(first, "expr")).never_null)
		return proven("aggregate-of-group");
	return unproven();
}

static struct proof prove_window(const struct scope *scope, const struct node *expr)
{
	static const char *const numbering[] = {"count",      "row_number",   "rank",
	                                        "dense_rank", "percent_rank", "cume_dist"};
	return listed(numbering, ARRAY_LEN(numbering), builtin_name(scope, expr, "winfnoid")) ? proven("window")
	                                                                                      : unproven();
}

/* ---- the others ---- */

static struct proof prove_case(const struct scope *scope, const struct node *expr)
{
	const struct node *branches = node_get(expr, "args");
	for (size_t i = 0; i < node_count(branches); i++)
		if (!prove_expr(scope, node_get(node_item(branches, i), "result")).never_null)
			return unproven();
	return prove_expr(scope, node_get(expr, "defresult")).never_null ? proven("case") : unproven();
}

/* A scalar subquery has no value without a row; an aggregate without GROUP BY always gives one. */
static struct proof prove_scalar_subquery(const struct scope *scope, const struct node *query)
{
	static const char *const none[] = {"groupClause", "groupingSets",  "havingQual",    "limitOffset",
	                                   "limitCount",  "setOperations", "distinctClause"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (node_get(query, none[i]) || !node_has(query, none[i]))
			return unproven();
	if (!node_bool(query, "hasAggs") || !node_has(query, "hasTargetSRFs") || node_bool(query, "hasTargetSRFs"))
		return unproven();
	return prove_output(scope->proving, query, scope, 1).never_null ? proven("scalar-aggregate") : unproven();
}

static struct proof prove_sublink(const struct scope *scope, const struct node *expr)
{
	enum { EXISTS = 0, EXPR = 4, ARRAY = 6 };
	switch (node_int(expr, "subLinkType", -1)) {
	case EXISTS:
		return proven("exists");
	case ARRAY:
		return proven("array");
	case EXPR:
		return prove_scalar_subquery(scope, node_get(expr, "subselect"));
	default:
		return unproven();
	}
}

static struct proof prove_conversion(const struct scope *scope, const struct node *expr)
{
	/* through text: the input function of a user's type may answer what it likes */
	if (node_is(expr, "COERCEVIAIO") && node_int(expr, "resulttype", OID_FIRST_USER) >= OID_FIRST_USER)
		return unproven();
	return prove_expr(scope, node_get(expr, "arg"));
}

static struct proof prove_const(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	return node_has(expr, "constisnull") && !node_bool(expr, "constisnull") ? proven("constant") : unproven();
}

static struct proof prove_always(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	(void)expr;
	return proven("test");
}

static struct proof prove_constructor(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	(void)expr;
	return proven("constructor");
}

static struct proof prove_boolean(const struct scope *scope, const struct node *expr)
{
	return all_of(scope, node_get(expr, "args"), "boolean");
}

static struct proof prove_coalesce(const struct scope *scope, const struct node *expr)
{
	return any_of(scope, node_get(expr, "args"), "coalesce");
}

static struct proof prove_current(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	int64_t op = node_int(expr, "op", 99); /* 14 is CURRENT_SCHEMA, which may be none */
	return op >= 0 && op <= 13 ? proven("current") : unproven();
}

/* Tags of PostgreSQL 15, and those that 16 renamed. */
static const struct {
	const char *tag;
	struct proof (*prove)(const struct scope *scope, const struct node *expr);
} rules[] = {
	{"VAR", prove_var},
	{"CONST", prove_const},
	{"PARAM", prove_param},
	{"FUNCEXPR", prove_call},
	{"OPEXPR", prove_operator},
	{"SCALARARRAYOPEXPR", prove_any_array},
	{"AGGREF", prove_aggregate},
	{"WINDOWFUNC", prove_window},
	{"BOOLEXPR", prove_boolean},
	{"NULLTEST", prove_always},
	{"BOOLEANTEST", prove_always},
	{"DISTINCTEXPR", prove_always},
	{"COALESCE", prove_coalesce},
	{"COALESCEEXPR", prove_coalesce},
	{"MINMAX", prove_coalesce},
	{"MINMAXEXPR", prove_coalesce},
	{"CASE", prove_case},
	{"CASEEXPR", prove_case},
	{"ARRAY", prove_constructor},
	{"ARRAYEXPR", prove_constructor},
	{"ROW", prove_constructor},
	{"ROWEXPR", prove_constructor},
	{"SUBLINK", prove_sublink},
	{"SQLVALUEFUNCTION", prove_current},
	{"RELABELTYPE", prove_conversion},
	{"COERCEVIAIO", prove_conversion},
	{"COERCETODOMAIN", prove_conversion},
	{"ARRAYCOERCEEXPR", prove_conversion},
	{"COLLATE", prove_conversion},
	{"COLLATEEXPR", prove_conversion},
};

struct proof prove_expr(const struct scope *scope, const struct node *expr)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (node_is(expr, rules[i].tag))
			return rules[i].prove(scope, expr);
	return unproven();
}
