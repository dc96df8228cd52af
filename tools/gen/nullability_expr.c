/*
 * nullability_expr.c - the rules about expressions, one function per kind of node.
 */
#include "gen/nullability_scope.h"

#include <stdlib.h>

struct proof prove_all(const struct scope *scope, const struct node *list, const char *rule)
{
	for (size_t i = 0; i < node_count(list); i++)
		if (!prove_expr(scope, node_item(list, i)).never_null)
			return unproven();
	return proven(rule);
}

struct proof prove_any(const struct scope *scope, const struct node *list, const char *rule)
{
	for (size_t i = 0; i < node_count(list); i++)
		if (prove_expr(scope, node_item(list, i)).never_null)
			return proven(rule);
	return unproven();
}

/* ---- constants and parameters ---- */

enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };

bool constant_number(const struct node *expr, int64_t *ret_number)
{
	enum { INT4_TO_INT8 = 481, INT8_TO_INT4 = 480, INT2_TO_INT8 = 754, INT2_TO_INT4 = 313 };
	int64_t cast = node_is(expr, "FUNCEXPR") ? node_int(expr, "funcid", 0) : 0;
	if (cast == INT4_TO_INT8 || cast == INT8_TO_INT4 || cast == INT2_TO_INT8 || cast == INT2_TO_INT4)
		expr = node_item(node_get(expr, "args"), 0);
	unsigned char bytes[8];
	int64_t type = node_int(expr, "consttype", 0);
	size_t width = type == OID_INT2 ? 2 : type == OID_INT4 ? 4 : type == OID_INT8 ? 8 : 0;
	if (!node_is(expr, "CONST") || !width || node_bool(expr, "constisnull") ||
	    node_bytes(node_get(expr, "constvalue"), bytes, sizeof(bytes)) < width)
		return false;
	uint64_t number = bytes[width - 1] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = width; i-- > 0;)
		number = number << 8 | bytes[i];
	memcpy(ret_number, &number, sizeof(number));
	return true;
}

static struct proof prove_const(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	return node_has(expr, "constisnull") && !node_bool(expr, "constisnull") ? proven("constant") : unproven();
}

static struct proof prove_param(const struct scope *scope, const struct node *param)
{
	enum { EXTERN = 0, SUBLINK = 2 };
	int64_t kind = node_int(param, "paramkind", -1), number = node_int(param, "paramid", 0);
	if (kind == SUBLINK)
		return scope_output(scope->sublink, number);
	if (kind != EXTERN || number < 1 || (size_t)number > scope->proving->nparams)
		return unproven();
	return scope->proving->params_nullable[number - 1] ? unproven() : proven("parameter");
}

/* ---- boolean outcomes ---- */

static unsigned flip(unsigned outcomes)
{
	return (outcomes & IS_NULL) | (outcomes & IS_TRUE ? IS_FALSE : 0) | (outcomes & IS_FALSE ? IS_TRUE : 0);
}

/* AND: FALSE wins over NULL, NULL over TRUE. OR is the mirror image. */
static unsigned outcomes_of_and(const struct scope *scope, const struct node *args, bool mirrored)
{
	unsigned any = 0, all = ANYTHING;
	bool false_for_sure = false;
	for (size_t i = 0; i < node_count(args); i++) {
		unsigned one = possible_outcomes(scope, node_item(args, i));
		one = mirrored ? flip(one) : one;
		any |= one;
		all &= one;
		false_for_sure = false_for_sure || one == IS_FALSE;
	}
	unsigned outcomes = false_for_sure ? IS_FALSE : (any & NOT_TRUE) | (all & IS_TRUE);
	return mirrored ? flip(outcomes) : outcomes;
}

static unsigned outcomes_of_boolean(const struct scope *scope, const struct node *expr)
{
	const struct node *op = node_get(expr, "boolop"), *args = node_get(expr, "args");
	const char *name = op ? op->text : "";
	if (strcmp(name, "not") == 0)
		return flip(possible_outcomes(scope, node_item(args, 0)));
	if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0)
		return outcomes_of_and(scope, args, strcmp(name, "or") == 0);
	return ANYTHING;
}

static unsigned outcomes_of_null_test(const struct scope *scope, const struct node *expr)
{
	int64_t type = node_int(expr, "nulltesttype", -1);
	unsigned arg = possible_outcomes(scope, node_get(expr, "arg"));
	if (node_bool(expr, "argisrow") || !node_has(expr, "argisrow") || type < 0 || type > 1 || !arg)
		return IS_TRUE | IS_FALSE;
	unsigned is_null = (arg & IS_NULL ? IS_TRUE : 0) | (arg & NOT_NULL ? IS_FALSE : 0);
	return type == 0 ? is_null : flip(is_null);
}

static unsigned outcomes_of_boolean_test(const struct scope *scope, const struct node *expr)
{
	static const unsigned holds[] = {IS_TRUE, NOT_TRUE, IS_FALSE, NOT_FALSE, IS_NULL, NOT_NULL};
	int64_t type = node_int(expr, "booltesttype", -1);
	unsigned arg = possible_outcomes(scope, node_get(expr, "arg"));
	if (type < 0 || type > 5)
		return IS_TRUE | IS_FALSE;
	return (arg & holds[type] ? IS_TRUE : 0) | (arg & ~holds[type] ? IS_FALSE : 0);
}

static unsigned outcomes_of_constant(const struct node *expr)
{
	unsigned char byte = 0;
	if (!node_has(expr, "constisnull"))
		return ANYTHING;
	if (node_bool(expr, "constisnull"))
		return IS_NULL;
	if (node_int(expr, "consttype", 0) != OID_BOOL || !node_bytes(node_get(expr, "constvalue"), &byte, 1))
		return NOT_NULL;
	return byte ? IS_TRUE : IS_FALSE;
}

unsigned possible_outcomes(const struct scope *scope, const struct node *expr)
{
	const char *rule;
	unsigned outcomes = ANYTHING;
	if (!expr || !scope_step(scope->proving, 0) || scope->proving->depth > EXPR_DEPTH_MAX)
		return ANYTHING;
	scope->proving->depth++;
	if (node_is(expr, "CONST"))
		outcomes = outcomes_of_constant(expr);
	else if (node_is(expr, "BOOLEXPR"))
		outcomes = outcomes_of_boolean(scope, expr);
	else if (node_is(expr, "NULLTEST"))
		outcomes = outcomes_of_null_test(scope, expr);
	else if (node_is(expr, "BOOLEANTEST"))
		outcomes = outcomes_of_boolean_test(scope, expr);
	else if (prove_expr(scope, expr).never_null)
		outcomes = NOT_NULL;
	scope->proving->depth--;
	if (node_is(expr, "CONST"))
		return outcomes;
	return outcomes & facts_outcomes(scope, scope_unalias(scope, expr), &rule);
}

static struct proof prove_boolean(const struct scope *scope, const struct node *expr)
{
	return outcomes_of_boolean(scope, expr) & IS_NULL ? unproven() : proven("boolean");
}

/* ---- choices ---- */

/* A scope for what CASE compares with. */
static struct scope *testing(const struct scope *scope, const struct node *tested)
{
	struct scope *fork = scope_fork(scope);
	fork->tested = tested;
	fork->element_never_null = false;
	return fork;
}

static struct proof prove_case(const struct scope *scope, const struct node *expr)
{
	const struct node *branches = node_get(expr, "args");
	struct scope *rest = testing(scope, node_get(expr, "arg"));
	for (size_t i = 0; i < node_count(branches); i++) {
		const struct node *condition = node_get(node_item(branches, i), "expr");
		const struct node *result = node_get(node_item(branches, i), "result");
		unsigned outcomes = possible_outcomes(rest, condition);
		if (!scope_step(scope->proving, 0))
			return unproven();
		if (outcomes & IS_TRUE) {
			struct scope *chosen = scope_assume(rest, condition, IS_TRUE, "case-condition");
			chosen->tested = scope->tested;
			if (!chosen->dead && !prove_expr(chosen, result).never_null)
				return unproven();
		}
		if (!(outcomes & NOT_TRUE))
			return proven("case");
		rest = scope_assume(rest, condition, NOT_TRUE, "case-condition");
		if (rest->dead)
			return proven("case");
	}
	rest->tested = scope->tested;
	return prove_expr(rest, node_get(expr, "defresult")).never_null ? proven("case") : unproven();
}

static struct proof prove_tested(const struct scope *scope, const struct node *expr)
{
	(void)expr;
	if (scope->element_never_null)
		return proven("element");
	struct scope outer = *scope;
	outer.tested = NULL;
	return scope->tested ? prove_expr(&outer, scope->tested) : unproven();
}

/* Each row of a FULL JOIN has its left side or its right one, and what holds in both cases holds. */
static struct proof prove_by_cases(const struct scope *scope, const struct node *args)
{
	for (size_t i = 0; i < scope->nrtes; i++) {
		const struct seat *place = &scope->places[i];
		if (!place->join || !place->nulls_left || !place->nulls_right ||
		    !scope_present(scope, (int64_t)i + 1) || !scope_step(scope->proving, 0))
			continue;
		struct proof left = prove_any(scope_with_arm(scope, i + 1, false), args, "full-join");
		if (!left.never_null)
			left = prove_by_cases(scope_with_arm(scope, i + 1, false), args);
		if (!left.never_null)
			continue;
		struct proof right = prove_any(scope_with_arm(scope, i + 1, true), args, "full-join");
		if (!right.never_null)
			right = prove_by_cases(scope_with_arm(scope, i + 1, true), args);
		if (right.never_null)
			return proven("full-join");
	}
	return unproven();
}

/* One of the arms of an OR that is TRUE is TRUE. */
static struct proof prove_by_arms(const struct scope *scope, const struct node *args)
{
	for (const struct fact *fact = scope->facts; fact; fact = fact->next) {
		const struct node *op = node_get(fact->expr, "boolop"), *arms = node_get(fact->expr, "args");
		bool all = node_is(fact->expr, "BOOLEXPR") && op && strcmp(op->text, "or") == 0 &&
		           fact->outcomes == IS_TRUE && node_count(arms) <= ARMS_MAX && node_count(arms) > 0 &&
		           (fact->of_output || !scope->grouping.aggregated);
		for (size_t i = 0; all && i < node_count(arms); i++) {
			const struct scope *chosen = scope_assume(scope, node_item(arms, i), IS_TRUE, fact->rule);
			all = scope_step(scope->proving, 0) && (chosen->dead || prove_any(chosen, args, "").never_null);
		}
		if (all)
			return proven(fact->rule);
	}
	return unproven();
}

static struct proof prove_coalesce(const struct scope *scope, const struct node *expr)
{
	const struct node *args = node_get(expr, "args");
	struct proof proof = prove_any(scope, args, "coalesce");
	/* before grouping its parts are those of one row, after it perhaps not */
	bool one_row = scope->stage != STAGE_OUTPUT || !scope->grouping.nnulled;
	if (!proof.never_null && one_row)
		proof = prove_by_cases(scope, args);
	return proof.never_null || !one_row ? proof : prove_by_arms(scope, args);
}

/* ---- subqueries ---- */

/* A subquery has no value without a row. */
static struct proof prove_scalar_subquery(const struct scope *scope, const struct node *query)
{
	if (!query_has_row(query, &scope->level, scope->proving))
		return unproven();
	const struct scope *inner = scope_open(scope->proving, query, scope, NULL);
	if (!scope_output(inner, 1).never_null)
		return unproven();
	return proven(node_bool(query, "hasAggs") ? "scalar-aggregate" : "scalar-subquery");
}

/* x op ANY (SELECT y): the comparison, with the subquery's columns in place of its parameters. */
static struct proof prove_quantified(const struct scope *scope, const struct node *expr)
{
	const struct node *test = node_get(expr, "testexpr");
	struct scope *fork = scope_fork(scope);
	fork->sublink = scope_open(scope->proving, node_get(expr, "subselect"), scope, NULL);
	return fork->sublink && test && prove_expr(fork, test).never_null ? proven("in-subquery") : unproven();
}

static struct proof prove_sublink(const struct scope *scope, const struct node *expr)
{
	enum { EXISTS = 0, ALL = 1, ANY = 2, EXPR = 4, ARRAY = 6 };
	switch (node_int(expr, "subLinkType", -1)) {
	case EXISTS:
		return proven("exists");
	case ARRAY:
		return proven("array");
	case ALL:
	case ANY:
		return prove_quantified(scope, expr);
	case EXPR:
		return prove_scalar_subquery(scope, node_get(expr, "subselect"));
	default:
		return unproven();
	}
}

/* ---- conversions and constructors ---- */

static struct proof prove_same(const struct scope *scope, const struct node *expr)
{
	return prove_expr(scope, node_get(expr, "arg"));
}

/* Through text: the input function of a user's base type may answer what it likes. */
static struct proof prove_text_conversion(const struct scope *scope, const struct node *expr)
{
	uint32_t type = (uint32_t)node_int(expr, "resulttype", 0);
	return catalog_reads_text(scope->proving->catalog, type) ? prove_same(scope, expr) : unproven();
}

/*
 * A domain that says NOT NULL is checked here, though not where a value is of that type already. It may say so only
 * since a row was stored.
 */
static struct proof prove_domain(const struct scope *scope, const struct node *expr)
{
	if (!scope->stored && !scope->proving->declared &&
	    catalog_domain_not_null(scope->proving->catalog, (uint32_t)node_int(expr, "resulttype", 0)))
		return proven("domain");
	return prove_same(scope, expr);
}

static struct proof prove_field_of(const struct scope *scope, const struct node *expr)
{
	return prove_field(scope, node_get(expr, "arg"), node_int(expr, "fieldnum", 0));
}

/* (ARRAY[a, b])[2] */
static struct proof prove_written_element(const struct scope *scope, const struct node *expr)
{
	const struct node *array = node_get(expr, "refexpr"), *at = node_get(expr, "refupperindexpr");
	int64_t number;
	if (!(node_is(array, "ARRAYEXPR") || node_is(array, "ARRAY")) || node_bool(array, "multidims") ||
	    !node_has(array, "multidims") || node_count(at) != 1 || !constant_number(node_item(at, 0), &number) ||
	    number < 1)
		return unproven();
	return prove_expr(scope, node_item(node_get(array, "elements"), (size_t)number - 1));
}

/* A slice is an array, be it an empty one; an assignment gives the container back. */
static struct proof prove_subscript(const struct scope *scope, const struct node *expr)
{
	const struct node *low = node_get(expr, "reflowerindexpr"), *high = node_get(expr, "refupperindexpr");
	bool assigns = node_get(expr, "refassgnexpr");
	if (!node_has(expr, "refassgnexpr") || node_int(expr, "refcontainertype", OID_FIRST_USER) >= OID_FIRST_USER)
		return unproven();
	if (!assigns && !node_count(low))
		return prove_written_element(scope, expr);
	const struct node *lists[] = {low, high};
	for (size_t i = 0; !assigns && i < ARRAY_LEN(lists); i++)
		for (size_t j = 0; j < node_count(lists[i]); j++) /* left out bounds are no nodes */
			if (node_item(lists[i], j) && !prove_expr(scope, node_item(lists[i], j)).never_null)
				return unproven();
	return prove_expr(scope, node_get(expr, "refexpr")).never_null ? proven("slice") : unproven();
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

static struct proof prove_distinct(const struct scope *scope, const struct node *expr)
{
	return operator_answers(scope, expr) ? proven("test") : unproven();
}

static struct proof prove_row_comparison(const struct scope *scope, const struct node *expr)
{
	bool sure = row_operators_builtin(expr) && prove_all(scope, node_get(expr, "largs"), "").never_null &&
	            prove_all(scope, node_get(expr, "rargs"), "").never_null;
	return sure ? proven("row-comparison") : unproven();
}

static struct proof prove_current(const struct scope *scope, const struct node *expr)
{
	(void)scope;
	int64_t op = node_int(expr, "op", 99); /* 14 is CURRENT_SCHEMA, which may be none */
	return op >= 0 && op <= 13 ? proven("current") : unproven();
}

static struct proof prove_xml(const struct scope *scope, const struct node *expr)
{
	enum { CONCAT = 0, ELEMENT = 1, FOREST = 2, PARSE = 3, PI = 4, ROOT = 5, SERIALIZE = 6, DOCUMENT = 7 };
	const struct node *args = node_get(expr, "args"), *named = node_get(expr, "named_args");
	switch (node_int(expr, "op", -1)) {
	case ELEMENT:
		return proven("constructor");
	case CONCAT:
	case FOREST:
		if (prove_any(scope, named, "").never_null)
			return proven("constructor");
		return prove_any(scope, args, "constructor");
	case PI:
	case DOCUMENT:
	case SERIALIZE:
		return prove_all(scope, args, "constructor");
	case PARSE:
	case ROOT:
		return prove_expr(scope, node_item(args, 0)).never_null ? proven("constructor") : unproven();
	default:
		return unproven();
	}
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
	{"SCALARARRAYOPEXPR", prove_operator},
	{"AGGREF", prove_aggregate},
	{"WINDOWFUNC", prove_window},
	{"GROUPINGFUNC", prove_always},
	{"BOOLEXPR", prove_boolean},
	{"NULLTEST", prove_always},
	{"BOOLEANTEST", prove_always},
	{"DISTINCTEXPR", prove_distinct},
	{"ROWCOMPAREEXPR", prove_row_comparison},
	{"ROWCOMPARE", prove_row_comparison},
	{"COALESCE", prove_coalesce},
	{"COALESCEEXPR", prove_coalesce},
	{"MINMAX", prove_coalesce},
	{"MINMAXEXPR", prove_coalesce},
	{"CASE", prove_case},
	{"CASEEXPR", prove_case},
	{"CASETESTEXPR", prove_tested},
	{"ARRAY", prove_constructor},
	{"ARRAYEXPR", prove_constructor},
	{"ROW", prove_constructor},
	{"ROWEXPR", prove_constructor},
	{"FIELDSTORE", prove_constructor},
	{"FIELDSELECT", prove_field_of},
	{"SUBSCRIPTINGREF", prove_subscript},
	{"SUBLINK", prove_sublink},
	{"SQLVALUEFUNCTION", prove_current},
	{"NEXTVALUEEXPR", prove_constructor},
	{"XMLEXPR", prove_xml},
	{"NAMEDARGEXPR", prove_same},
	{"RELABELTYPE", prove_same},
	{"COERCEVIAIO", prove_text_conversion},
	{"COERCETODOMAIN", prove_domain},
	{"ARRAYCOERCEEXPR", prove_same},
	{"CONVERTROWTYPEEXPR", prove_same},
	{"COLLATE", prove_same},
	{"COLLATEEXPR", prove_same},
};

static struct proof prove_by_rule(const struct scope *scope, const struct node *expr)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (node_is(expr, rules[i].tag))
			return rules[i].prove(scope, expr);
	return unproven();
}

struct proof prove_expr(const struct scope *scope, const struct node *expr)
{
	const char *rule = NULL;
	struct proving *proving = scope->proving;
	if (!expr || !scope_step(proving, 0) || proving->depth > EXPR_DEPTH_MAX)
		return unproven();
	proving->depth++;
	struct proof proof = grouping_nulls(scope, expr) ? unproven() : prove_by_rule(scope, expr);
	if (!proof.never_null && !node_is(expr, "CONST")) {
		unsigned outcomes = facts_outcomes(scope, expr, &rule);
		if (outcomes != ANYTHING && !(outcomes & IS_NULL))
			proof = proven(rule);
	}
	proving->depth--;
	return proof;
}
