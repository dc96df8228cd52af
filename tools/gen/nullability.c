/*
 * nullability.c - the rules about relations and queries; those about expressions are in nullability_expr.c.
 *
 * A `scope` is one query level. `nulled[i]` says that range table entry i + 1 may be replaced by NULLs by an outer
 * join above it, or that we did not find it in the join tree and so know nothing.
 */
#include "gen/nullability.h"

#include "gen/nullability_expr.h"

enum { CMD_SELECT = 1, CMD_UPDATE = 2 };
enum { RTE_RELATION = 0, RTE_SUBQUERY = 1, RTE_JOIN = 2, RTE_FUNCTION = 3, RTE_VALUES = 5, RTE_CTE = 6 };
enum { JOIN_INNER = 0, JOIN_LEFT = 1, JOIN_RIGHT = 3 };
enum { SET_UNION = 1, SET_INTERSECT = 2, SET_EXCEPT = 3 };

/* ---- join tree ---- */

static void mark(struct scope *scope, const struct node *item, bool nulled, int depth)
{
	if (depth > SCOPE_DEPTH_MAX)
		return;
	if (node_is(item, "RANGETBLREF") || node_is(item, "JOINEXPR")) {
		int64_t index = node_int(item, "rtindex", 0);
		if (index >= 1 && (size_t)index <= scope->nrtes)
			scope->nulled[index - 1] = nulled;
	}
	if (!node_is(item, "JOINEXPR"))
		return;
	int64_t type = node_int(item, "jointype", -1);
	bool left = type != JOIN_INNER && type != JOIN_LEFT, right = type != JOIN_INNER && type != JOIN_RIGHT;
	mark(scope, node_get(item, "larg"), nulled || left, depth + 1);
	mark(scope, node_get(item, "rarg"), nulled || right, depth + 1);
}

static void scope_open(struct scope *scope, const struct proving *proving, const struct node *query,
                       const struct scope *parent)
{
	const struct node *rtable = node_get(query, "rtable");
	*scope = (struct scope){.proving = proving, .query = query, .parent = parent, .nrtes = node_count(rtable)};
	scope->depth = parent ? parent->depth + 1 : 0;
	scope->rtable = rtable;
	scope->nulled = MEM_ARRAY(proving->catalog->arena, scope->nrtes + 1, bool);
	for (size_t i = 0; i < scope->nrtes; i++)
		scope->nulled[i] = true;
	const struct node *from = node_get(node_get(query, "jointree"), "fromlist");
	for (size_t i = 0; i < node_count(from); i++)
		mark(scope, node_item(from, i), false, 0);
	int64_t result = node_int(query, "resultRelation", 0);
	if (result >= 1 && (size_t)result <= scope->nrtes)
		scope->nulled[result - 1] = false;
}

/* ---- queries ---- */

static const struct node *output_list(const struct node *query)
{
	bool select = node_int(query, "commandType", 0) == CMD_SELECT;
	return node_get(query, select ? "targetList" : "returningList");
}

/* The k-th (from 1) visible entry of the output. */
static const struct node *output_entry(const struct node *query, int64_t number)
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

static struct proof prove_set(struct scope *scope, const struct node *operation, int64_t number, int depth)
{
	if (depth > SCOPE_DEPTH_MAX)
		return unproven();
	if (node_is(operation, "RANGETBLREF")) {
		const struct node *entry = scope_rte(scope, node_int(operation, "rtindex", 0));
		const struct node *query = node_get(entry, "subquery");
		return query ? prove_output(scope->proving, query, scope, number) : unproven();
	}
	if (!node_is(operation, "SETOPERATIONSTMT"))
		return unproven();
	struct proof left = prove_set(scope, node_get(operation, "larg"), number, depth + 1);
	struct proof right = prove_set(scope, node_get(operation, "rarg"), number, depth + 1);
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

struct proof prove_output(const struct proving *proving, const struct node *query, const struct scope *parent,
                          int64_t number)
{
	/* A bound: references to references double at each level. */
	if (!node_is(query, "QUERY") || (parent && parent->depth >= SCOPE_DEPTH_MAX) || ++*proving->steps > STEPS_MAX)
		return unproven();
	/* Grouping sets replace every grouping expression by NULL, even a constant. */
	if (node_get(query, "groupingSets") || !node_has(query, "groupingSets"))
		return unproven();
	struct scope scope;
	scope_open(&scope, proving, query, parent);
	const struct node *operations = node_get(query, "setOperations");
	if (operations)
		return prove_set(&scope, operations, number, 0);
	const struct node *entry = output_entry(query, number);
	return entry ? prove_expr(&scope, node_get(entry, "expr")) : unproven();
}

/* ---- columns of range table entries ---- */

const struct node *scope_rte(const struct scope *scope, int64_t index)
{
	if (index < 1 || (size_t)index > scope->nrtes)
		return NULL;
	const struct node *entry = node_item(scope->rtable, (size_t)index - 1);
	return node_is(entry, "RANGETBLENTRY") || node_is(entry, "RTE") ? entry : NULL;
}

static struct proof prove_relation(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct node *kind = node_get(entry, "relkind");
	bool table = kind && (strcmp(kind->text, "r") == 0 || strcmp(kind->text, "p") == 0);
	if (table && catalog_never_null(scope->proving->catalog, (uint32_t)node_int(entry, "relid", 0), column))
		return proven("table-column");
	return unproven();
}

static struct proof prove_values(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct node *rows = node_get(entry, "values_lists");
	for (size_t i = 0; i < node_count(rows); i++) {
		const struct node *value = node_item(node_item(rows, i), (size_t)column - 1);
		if (!prove_expr(scope, value).never_null)
			return unproven();
	}
	return node_count(rows) ? proven("values") : unproven();
}

static struct proof prove_cte(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct node *name = node_get(entry, "ctename");
	int64_t up = node_int(entry, "ctelevelsup", -1);
	const struct scope *owner = scope;
	for (int64_t i = 0; owner && i < up; i++)
		owner = owner->parent;
	if (!name || up < 0 || !owner || node_bool(entry, "self_reference") || !node_has(entry, "self_reference"))
		return unproven();
	const struct node *list = node_get(owner->query, "cteList");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *cte = node_item(list, i), *own = node_get(cte, "ctename");
		if (own && strcmp(own->text, name->text) == 0)
			return prove_output(scope->proving, node_get(cte, "ctequery"), owner, column);
	}
	return unproven();
}

/* Set-returning functions of the server whose rows are never NULL. */
static struct proof prove_function(const struct scope *scope, const struct node *entry, int64_t column)
{
	static const char *const fine[] = {"generate_series", "generate_subscripts", "jsonb_object_keys",
	                                   "json_object_keys"};
	const struct node *functions = node_get(entry, "functions");
	int64_t columns = 0;
	for (size_t i = 0; i < node_count(functions); i++)
		columns += node_int(node_item(functions, i), "funccolcount", INT32_MAX);
	if (node_bool(entry, "funcordinality") && column == columns + 1)
		return proven("ordinality");
	if (node_count(functions) != 1 || column != 1)
		return unproven(); /* several are padded with NULLs */
	const struct node *call = node_get(node_item(functions, 0), "funcexpr");
	uint32_t oid = (uint32_t)node_int(call, "funcid", 0);
	const struct catalog_function *function = catalog_function(scope->proving->catalog, oid);
	if (!function || oid >= OID_FIRST_USER)
		return unproven();
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (strcmp(function->name, fine[i]) == 0)
			return proven("set-function");
	return unproven();
}

static struct proof prove_entry(const struct scope *scope, int64_t index, int64_t column)
{
	const struct node *entry = scope_rte(scope, index);
	if (!entry || scope->nulled[index - 1] || column < 1)
		return unproven();
	switch (node_int(entry, "rtekind", -1)) {
	case RTE_RELATION:
		return prove_relation(scope, entry, column);
	case RTE_SUBQUERY:
		return prove_output(scope->proving, node_get(entry, "subquery"), scope, column);
	case RTE_JOIN:
		return prove_expr(scope, node_item(node_get(entry, "joinaliasvars"), (size_t)column - 1));
	case RTE_FUNCTION:
		return prove_function(scope, entry, column);
	case RTE_VALUES:
		return prove_values(scope, entry, column);
	case RTE_CTE:
		return prove_cte(scope, entry, column);
	default:
		return unproven();
	}
}

/* ---- WHERE ---- */

static bool is_var(const struct node *expr, int64_t index, int64_t column)
{
	while (node_is(expr, "RELABELTYPE"))
		expr = node_get(expr, "arg");
	return node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0 && node_int(expr, "varno", 0) == index &&
	       node_int(expr, "varattno", 0) == column;
}

/* The condition is not TRUE when that column is NULL: conjunctions of IS NOT NULL and strict built-in comparisons. */
static bool demands(const struct scope *scope, const struct node *condition, int64_t index, int64_t column, int depth)
{
	if (depth > SCOPE_DEPTH_MAX)
		return false;
	const struct node *op = node_get(condition, "boolop"), *args = node_get(condition, "args");
	if (node_is(condition, "BOOLEXPR") && op && strcmp(op->text, "and") == 0) {
		for (size_t i = 0; i < node_count(args); i++)
			if (demands(scope, node_item(args, i), index, column, depth + 1))
				return true;
		return false;
	}
	if (node_is(condition, "NULLTEST"))
		return node_int(condition, "nulltesttype", -1) == 1 && node_has(condition, "argisrow") &&
		       !node_bool(condition, "argisrow") && is_var(node_get(condition, "arg"), index, column);
	if (!node_is(condition, "OPEXPR") || !expr_is_strict_operator(scope, condition))
		return false;
	for (size_t i = 0; i < node_count(args); i++)
		if (is_var(node_item(args, i), index, column))
			return true;
	return false;
}

struct proof prove_var(const struct scope *scope, const struct node *var)
{
	int64_t up = node_int(var, "varlevelsup", -1), index = node_int(var, "varno", 0);
	int64_t column = node_int(var, "varattno", 0);
	const struct scope *owner = up < 0 ? NULL : scope;
	for (int64_t i = 0; owner && i < up; i++)
		owner = owner->parent;
	if (!owner || column < 1)
		return unproven();
	struct proof proof = prove_entry(owner, index, column);
	if (proof.never_null || up > 0)
		return proof;
	/* WHERE saw the old row of an UPDATE; RETURNING shows the new one. A join alias is looked at one level down. */
	bool changed = node_int(owner->query, "commandType", 0) != CMD_SELECT &&
	               node_int(owner->query, "resultRelation", 0) == index;
	const struct node *where = node_get(node_get(owner->query, "jointree"), "quals");
	if (!changed && demands(owner, where, index, column, 0))
		return proven("where");
	return unproven();
}

/* ---- the statement ---- */

const struct node *nullability_query(const struct node *tree)
{
	for (size_t i = 0; i < node_count(tree); i++) {
		const struct node *query = node_item(tree, i);
		int64_t command = node_int(query, "commandType", 0);
		if (node_is(query, "QUERY") && node_bool(query, "canSetTag") && command >= 1 && command <= 4)
			return query;
	}
	return NULL;
}

bool nullability_prove(const struct catalog *catalog, const struct node *query, const bool *params_nullable,
                       size_t nparams, struct proof *ret_proofs, size_t ncolumns)
{
	unsigned steps = 0;
	struct proving proving = {catalog, params_nullable, nparams, &steps};
	for (size_t i = 0; i < ncolumns; i++)
		ret_proofs[i] = unproven();
	if (!query || output_entry(query, (int64_t)ncolumns + 1) ||
	    (ncolumns && !output_entry(query, (int64_t)ncolumns)))
		return false;
	for (size_t i = 0; i < ncolumns; i++) {
		steps = 0;
		ret_proofs[i] = prove_output(&proving, query, NULL, (int64_t)i + 1);
	}
	return true;
}

/* ---- side effects ---- */

/* Any of the fields that name a function or an operator, anywhere below. */
static bool calls_volatile(const struct catalog *catalog, const struct node *node, int depth)
{
	static const char *const names[] = {"funcid", "opfuncid", "aggfnoid", "winfnoid"};
	if (depth > 1000)
		return true;
	if (node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->count; i++)
			if (calls_volatile(catalog, node->items[i], depth + 1))
				return true;
		return false;
	}
	if (node->kind != NODE_RECORD)
		return false;
	if (strcmp(node->text, "NEXTVALUEEXPR") == 0 || node_bool(node, "hasModifyingCTE") ||
	    node_get(node, "rowMarks"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint32_t oid = (uint32_t)node_int(node, names[i], 0);
		const struct catalog_function *function = catalog_function(catalog, oid);
		if (node_has(node, names[i]) && (!function || function->volatility == 'v'))
			return true;
	}
	for (size_t i = 0; i < node->count; i++)
		if (calls_volatile(catalog, node->fields[i].value, depth + 1))
			return true;
	return false;
}

bool nullability_read_only(const struct catalog *catalog, const struct node *query)
{
	return query && node_int(query, "commandType", 0) == CMD_SELECT && !calls_volatile(catalog, query, 0);
}
