/*
 * nullability_output.c - columns that a query gives: plain ones and set operations; and queries that are sure to give
 * a row, whatever the tables hold.
 */
#include "gen/nullability_scope.h"

enum { SET_UNION = 1, SET_INTERSECT = 2, SET_EXCEPT = 3 };

const struct node *output_list(const struct node *query)
{
	bool select = node_int(query, "commandType", 0) == CMD_SELECT;
	return node_get(query, select ? "targetList" : "returningList");
}

const struct node *output_entry(const struct node *query, int64_t number)
{
	const struct node *list = output_list(query);
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i);
		if (node_is(entry, "TARGETENTRY") && node_int(entry, "resno", 0) == number &&
		    node_has(entry, "resjunk") && !node_bool(entry, "resjunk"))
			return entry;
	}
	return NULL;
}

/* ---- set operations ---- */

static struct proof prove_arm(const struct scope *scope, const struct node *operation, int64_t number, int depth);

static struct proof prove_operation(const struct scope *scope, const struct node *operation, int64_t number, int depth)
{
	struct proof left = prove_arm(scope, node_get(operation, "larg"), number, depth + 1);
	struct proof right = prove_arm(scope, node_get(operation, "rarg"), number, depth + 1);
	switch (node_int(operation, "op", 0)) {
	case SET_UNION:
		return left.never_null && right.never_null ? proven("union") : unproven();
	case SET_INTERSECT:
		return left.never_null || right.never_null ? proven("intersect") : unproven();
	case SET_EXCEPT:
		return left.never_null ? proven("except") : unproven();
	default:
		return unproven();
	}
}

static struct proof prove_arm(const struct scope *scope, const struct node *operation, int64_t number, int depth)
{
	if (depth > 1000)
		return unproven();
	if (node_is(operation, "SETOPERATIONSTMT"))
		return prove_operation(scope, operation, number, depth);
	if (!node_is(operation, "RANGETBLREF"))
		return unproven();
	const struct scope *child = scope_child(scope, node_int(operation, "rtindex", 0));
	if (child && child->dead)
		return proven("no-row");
	return child ? scope_output(child, number) : unproven();
}

/* ---- columns ---- */

static struct proof prove_output(const struct scope *scope, int64_t number)
{
	const struct node *operations = node_get(scope->query, "setOperations");
	if (operations || !node_has(scope->query, "setOperations"))
		return prove_arm(scope, operations, number, 0);
	const struct node *entry = output_entry(scope->query, number);
	if (!entry)
		return unproven();
	struct scope rows = *scope;
	rows.stage = STAGE_ROWS;
	rows.children = MEM_ARRAY(scope_arena(scope), scope->nrtes + 1, struct scope *);
	/* every group has a row and keeps the value that it has there */
	return prove_expr(grouping_keeps(scope, entry) ? &rows : scope, node_get(entry, "expr"));
}

struct proof scope_output(const struct scope *scope, int64_t number)
{
	if (!scope || scope->opaque || number < 1 || (size_t)number > scope->noutputs)
		return unproven();
	struct proof *found = &scope->outputs[number - 1];
	if (!found->rule)
		*found = prove_output(scope, number);
	return *found;
}

bool output_always_null(const struct scope *scope, int64_t number)
{
	if (!scope || scope->opaque || scope->dead || node_get(scope->query, "setOperations"))
		return false;
	const struct node *entry = output_entry(scope->query, number);
	return entry && !scope_output(scope, number).never_null &&
	       possible_outcomes(scope, node_get(entry, "expr")) == IS_NULL;
}

/* ---- rows ---- */

static bool none_of(const struct node *query, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (node_get(query, fields[i]) || !node_has(query, fields[i]))
			return false;
	return true;
}

bool is_true(const struct node *condition)
{
	unsigned char byte = 0;
	if (!condition)
		return true;
	return node_is(condition, "CONST") && node_int(condition, "consttype", 0) == 16 &&
	       !node_bool(condition, "constisnull") && node_bytes(node_get(condition, "constvalue"), &byte, 1) && byte;
}

static bool function_has_row(const struct node *entry)
{
	const struct node *functions = node_get(entry, "functions");
	for (size_t i = 0; i < node_count(functions); i++) {
		const struct node *call = node_get(node_item(functions, i), "funcexpr");
		if (node_is(call, "FUNCEXPR") && node_has(call, "funcretset") && !node_bool(call, "funcretset"))
			return true;
		if (node_is(call, "SQLVALUEFUNCTION") || node_is(call, "COALESCEEXPR"))
			return true;
	}
	return false;
}

static bool entry_has_row(const struct node *entry, const struct level *level, struct proving *proving)
{
	const struct level *owner;
	const struct node *cte;
	switch (node_int(entry, "rtekind", -1)) {
	case RTE_SUBQUERY:
		return query_has_row(node_get(entry, "subquery"), level, proving);
	case RTE_VALUES:
		return node_count(node_get(entry, "values_lists")) > 0;
	case RTE_FUNCTION:
		return function_has_row(entry);
	case RTE_RESULT:
		return true;
	case RTE_CTE:
		cte = level_cte(level, entry, &owner);
		return cte && node_has(entry, "self_reference") && !node_bool(entry, "self_reference") &&
		       query_has_row(node_get(cte, "ctequery"), owner, proving);
	default:
		return false;
	}
}

bool item_has_row(const struct node *item, const struct level *level, struct proving *proving)
{
	if (!scope_step(proving, 0))
		return false;
	if (node_is(item, "RANGETBLREF")) {
		int64_t index = node_int(item, "rtindex", 0);
		const struct node *table = node_get(level->query, "rtable");
		return index >= 1 && entry_has_row(node_item(table, (size_t)index - 1), level, proving);
	}
	if (!node_is(item, "JOINEXPR"))
		return false;
	int64_t type = node_int(item, "jointype", -1);
	bool left = item_has_row(node_get(item, "larg"), level, proving);
	bool right = item_has_row(node_get(item, "rarg"), level, proving);
	if (type == JOIN_INNER)
		return left && right && is_true(node_get(item, "quals"));
	return (left && (type == JOIN_LEFT || type == JOIN_FULL)) ||
	       (right && (type == JOIN_RIGHT || type == JOIN_FULL));
}

bool from_has_row(const struct level *level, struct proving *proving)
{
	const struct node *tree = node_get(level->query, "jointree"), *from = node_get(tree, "fromlist");
	if (!node_has(tree, "quals") || !is_true(node_get(tree, "quals")))
		return false;
	for (size_t i = 0; i < node_count(from); i++)
		if (!item_has_row(node_item(from, i), level, proving))
			return false;
	return true;
}

static bool arm_has_row(const struct node *operation, const struct level *level, struct proving *proving)
{
	if (!scope_step(proving, 0))
		return false;
	if (node_is(operation, "RANGETBLREF"))
		return item_has_row(operation, level, proving);
	return node_int(operation, "op", 0) == SET_UNION && (arm_has_row(node_get(operation, "larg"), level, proving) ||
	                                                     arm_has_row(node_get(operation, "rarg"), level, proving));
}

/* LIMIT and OFFSET leave the first row. */
static bool keeps_first_row(const struct node *query)
{
	const struct node *limit = node_get(query, "limitCount"), *offset = node_get(query, "limitOffset");
	int64_t number;
	if (!node_has(query, "limitCount") || !node_has(query, "limitOffset"))
		return false;
	if (limit && !node_bool(limit, "constisnull") && (!constant_number(limit, &number) || number < 1))
		return false;
	return !offset || node_bool(offset, "constisnull") || (constant_number(offset, &number) && number == 0);
}

bool query_has_row(const struct node *query, const struct level *up, struct proving *proving)
{
	static const char *const having[] = {"havingQual"}, *const groups[] = {"groupClause", "groupingSets"};
	struct level level = {query, up};
	if (node_int(query, "commandType", 0) != CMD_SELECT || !keeps_first_row(query) ||
	    !node_has(query, "hasTargetSRFs") || node_bool(query, "hasTargetSRFs") || !none_of(query, having, 1) ||
	    !scope_step(proving, 0))
		return false;
	if (node_get(query, "setOperations"))
		return arm_has_row(node_get(query, "setOperations"), &level, proving);
	if (node_bool(query, "hasAggs") && none_of(query, groups, ARRAY_LEN(groups)))
		return true;
	return from_has_row(&level, proving);
}
