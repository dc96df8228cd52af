/*
 * nullability_group.c - GROUP BY and grouping sets.
 *
 * A grouping set nulls every grouping expression that it leaves out, even a constant, wherever it stands in the output.
 * The planner compares after subqueries were pulled up and expressions simplified: two columns of a subquery that are
 * the same reference count as one, and beside CASE WHEN true THEN n END an n within an expression is nulled too. So
 * whatever shares a column with a nulled expression that is more than a reference proves nothing. An entry of the
 * output that is itself a grouping expression, and in every set, is found by its number, and is not touched.
 */
#include "gen/nullability_scope.h"

enum { SET_EMPTY = 0, SET_SIMPLE = 1, SET_ROLLUP = 2, SET_CUBE = 3, SET_SETS = 4 };

static bool in_list(const struct node *list, int64_t ref)
{
	for (size_t i = 1; i < node_count(list); i++) { /* "(i 1 2)" */
		int64_t number;
		const struct node *item = node_item(list, i);
		if (item && item->kind == NODE_ATOM && str_to_i64(hf_str_of(item->text), &number) && number == ref)
			return true;
	}
	return false;
}

/* Every set that this item stands for has the expression. */
static bool set_always_has(const struct node *set, int64_t ref, int depth)
{
	const struct node *content = node_get(set, "content");
	switch (node_int(set, "kind", -1)) {
	case SET_SIMPLE:
		return in_list(content, ref);
	case SET_SETS:
		for (size_t i = 0; i < node_count(content); i++)
			if (depth > 64 || !set_always_has(node_item(content, i), ref, depth + 1))
				return false;
		return node_count(content) > 0;
	default:
		return false;
	}
}

static bool set_may_be_empty(const struct node *set, int depth)
{
	const struct node *content = node_get(set, "content");
	int64_t kind = node_int(set, "kind", -1);
	if (kind == SET_SIMPLE)
		return node_count(content) < 2;
	if (kind != SET_SETS || depth > 64)
		return true;
	for (size_t i = 0; i < node_count(content); i++)
		if (set_may_be_empty(node_item(content, i), depth + 1))
			return true;
	return node_count(content) == 0;
}

/* The sets of several items are multiplied, so one item that always has it is enough. */
static bool always_has(const struct node *sets, int64_t ref)
{
	for (size_t i = 0; i < node_count(sets); i++)
		if (set_always_has(node_item(sets, i), ref, 0))
			return true;
	return false;
}

static bool may_be_empty(const struct node *sets)
{
	for (size_t i = 0; i < node_count(sets); i++)
		if (!set_may_be_empty(node_item(sets, i), 0))
			return false;
	return true;
}

/* The entry of the target list that a clause of GROUP BY means. */
static const struct node *grouped_expr(const struct node *query, int64_t ref)
{
	const struct node *list = node_get(query, "targetList");
	for (size_t i = 0; i < node_count(list); i++)
		if (node_int(node_item(list, i), "ressortgroupref", 0) == ref)
			return node_get(node_item(list, i), "expr");
	return NULL;
}

void grouping_read(struct scope *scope)
{
	struct grouping *grouping = &scope->grouping;
	const struct node *groups = node_get(scope->query, "groupClause"),
			  *sets = node_get(scope->query, "groupingSets");
	grouping->aggregated = node_count(groups) || sets || !node_has(scope->query, "hasAggs") ||
	                       node_bool(scope->query, "hasAggs") || node_get(scope->query, "havingQual");
	grouping->may_be_empty = sets ? may_be_empty(sets) : !node_count(groups);
	grouping->nulled = MEM_ARRAY(scope_arena(scope), node_count(groups) + 1, const struct node *);
	for (size_t i = 0; sets && i < node_count(groups); i++) {
		int64_t ref = node_int(node_item(groups, i), "tleSortGroupRef", 0);
		const struct node *expr = grouped_expr(scope->query, ref);
		if (expr && !always_has(sets, ref))
			grouping->nulled[grouping->nnulled++] = expr;
	}
}

/* ---- simplified expressions ---- */

enum { COUNTS_VARS, FINDS_SHARED, FINDS_CHOICE };

struct looking {
	const struct scope *scope;
	int what;
	const struct node *other; /* whose columns count */
};

static bool is_choice(const struct scope *scope, const struct node *node)
{
	static const char *const tags[] = {"COALESCEEXPR", "COALESCE", "MINMAXEXPR", "MINMAX", "CASEEXPR", "CASE"};
	return listed(tags, ARRAY_LEN(tags), node->text) ||
	       (node_is(node, "FUNCEXPR") && !builtin_name(scope, node, "funcid")[0]); /* may be inlined */
}

static bool finds(const struct looking *looking, const struct node *node, int depth);

static bool finds_var(const struct looking *looking, const struct node *var, int depth)
{
	const struct looking same = {looking->scope, COUNTS_VARS, var};
	if (looking->what == COUNTS_VARS)
		return !looking->other || same_when_pulled_up(looking->scope, looking->other, var);
	return looking->what == FINDS_SHARED && finds(&same, looking->other, depth + 1);
}

static bool finds(const struct looking *looking, const struct node *node, int depth)
{
	if (!node || depth > 1000 || !scope_step(looking->scope->proving, 0))
		return node != NULL;
	if (node_is(node, "AGGREF") || node_is(node, "GROUPINGFUNC"))
		return false; /* of the rows, before grouping */
	if (node_is(node, "VAR"))
		return finds_var(looking, node, depth);
	if (looking->what == FINDS_CHOICE && node->kind == NODE_RECORD && is_choice(looking->scope, node))
		return true;
	for (size_t i = 0; node->kind != NODE_ATOM && i < node->count; i++)
		if (finds(looking, node->kind == NODE_LIST ? node->items[i] : node->fields[i].value, depth + 1))
			return true;
	return false;
}

/* Simplified, `expr` or a part of it could be what `nulled` is simplified to. */
static bool may_become(const struct scope *scope, const struct node *nulled, const struct node *expr)
{
	const struct looking vars = {scope, COUNTS_VARS, NULL}, shared = {scope, FINDS_SHARED, nulled};
	const struct looking choice = {scope, FINDS_CHOICE, NULL};
	if (node_is(scope_unalias(scope, nulled), "VAR"))
		return false;
	/* a choice is simplified to one of its arguments, and those are looked at by themselves */
	if (!node_is(expr, "CASEEXPR") && is_choice(scope, expr) && !node_is(expr, "FUNCEXPR") &&
	    !finds(&choice, nulled, 0))
		return false;
	if (!finds(&vars, nulled, 0))
		return !finds(&vars, expr, 0) && !node_is(expr, "AGGREF") && !node_is(expr, "GROUPINGFUNC");
	return finds(&shared, expr, 0);
}

bool grouping_nulls(const struct scope *scope, const struct node *expr)
{
	const struct grouping *grouping = &scope->grouping;
	if (scope->stage != STAGE_OUTPUT || !expr)
		return false;
	for (size_t i = 0; i < grouping->nnulled; i++)
		if (!scope_step(scope->proving, 0) || same_when_pulled_up(scope, grouping->nulled[i], expr) ||
		    may_become(scope, grouping->nulled[i], expr))
			return true;
	return false;
}

bool grouping_keeps(const struct scope *scope, const struct node *entry)
{
	const struct node *groups = node_get(scope->query, "groupClause");
	int64_t ref = node_int(entry, "ressortgroupref", 0);
	for (size_t i = 0; ref && scope->grouping.nnulled && i < node_count(groups); i++)
		if (node_int(node_item(groups, i), "tleSortGroupRef", 0) == ref)
			return always_has(node_get(scope->query, "groupingSets"), ref);
	return false;
}

/* HAVING may know of an aggregate that a group without rows would not give. */
bool grouping_has_row(const struct scope *scope)
{
	if (!scope->grouping.may_be_empty)
		return true;
	for (const struct fact *fact = scope->facts; fact; fact = fact->next) {
		if (!facts_of_own_aggregate(fact))
			continue;
		enum aggregate_class class = aggregate_class(scope, fact->expr);
		if (fact->positive || (class != AGGREGATE_UNKNOWN && class != AGGREGATE_NEVER))
			return true;
	}
	return !node_get(scope->query, "groupingSets") && from_has_row(&scope->level, scope->proving);
}
