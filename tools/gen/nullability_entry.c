/*
 * nullability_entry.c - columns of range table entries: tables, subqueries, joins, WITH, VALUES, functions.
 */
#include "gen/nullability_scope.h"

#define OID_RECORD 2249

/* ---- subqueries and WITH ---- */

const struct node *level_cte(const struct level *level, const struct node *entry, const struct level **ret_owner)
{
	const struct node *name = node_get(entry, "ctename");
	int64_t up = node_int(entry, "ctelevelsup", -1);
	for (int64_t i = 0; level && i < up; i++)
		level = level->up;
	const struct node *list = node_get(level && up >= 0 ? level->query : NULL, "cteList");
	for (size_t i = 0; name && i < node_count(list); i++) {
		const struct node *cte = node_item(list, i), *own = node_get(cte, "ctename");
		if (own && strcmp(own->text, name->text) == 0) {
			*ret_owner = level;
			return cte;
		}
	}
	return NULL;
}

/* Facts about the entry's columns, for the scope behind it. */
static const struct given *given_for(const struct scope *scope, int64_t index)
{
	if (node_get(scope->query, "setOperations"))
		return scope->given;
	const struct given *given = NULL;
	for (const struct fact *fact = scope->facts; fact; fact = fact->next) {
		int64_t column = node_int(fact->expr, "varattno", 0);
		bool row_before = fact->of_output || scope->stage != STAGE_OUTPUT || !scope->grouping.nnulled;
		if (!is_var(fact->expr, index, column) || column < 1 || !row_before)
			continue;
		struct given *one = MEM_NEW(scope_arena(scope), struct given);
		*one = (struct given){column, fact->outcomes, given};
		given = one;
	}
	return given;
}

static const struct scope *cte_owner(const struct scope *scope, const struct node *entry)
{
	return scope_up(scope, node_int(entry, "ctelevelsup", -1));
}

static size_t cte_place(const struct scope *owner, const struct node *cte)
{
	const struct node *list = node_get(owner->query, "cteList");
	size_t i = 0;
	while (i < node_count(list) && node_item(list, i) != cte)
		i++;
	return i;
}

static bool is_recursive(const struct node *cte)
{
	return node_bool(cte, "cterecursive") || !node_has(cte, "cterecursive");
}

static struct scope *open_cte(const struct scope *scope, const struct node *entry, const struct given *given)
{
	const struct level *level;
	const struct node *cte = level_cte(&scope->level, entry, &level);
	const struct scope *owner = cte_owner(scope, entry);
	if (!cte || !owner || is_recursive(cte))
		return NULL;
	size_t at = cte_place(owner, cte);
	if (given)
		return scope_open(scope->proving, node_get(cte, "ctequery"), owner, given);
	if (!owner->ctes[at])
		owner->ctes[at] = scope_open(scope->proving, node_get(cte, "ctequery"), owner, NULL);
	return owner->ctes[at];
}

/* A view that is no subquery yet: a materialised one, or any where the tree was not rewritten. */
static struct scope *open_view(const struct scope *scope, const struct catalog_rule *rule, const struct given *given)
{
	struct proving *proving = scope->proving;
	const struct catalog_rule *before = proving->stored;
	proving->stored = rule->stored && !scope->stored ? rule : scope->stored;
	struct scope *view = NULL;
	if (!scope->stored || catalog_is_older(rule->since, scope->stored->since))
		view = scope_open(proving, nullability_query(catalog_rule_tree(proving->arena, rule)), NULL, given);
	proving->stored = before;
	return view;
}

/* What a DELETE on a view returns is what was in it. */
static bool deletes(const struct scope *scope)
{
	return node_int(scope->query, "commandType", 0) == CMD_DELETE;
}

const struct scope *scope_child(const struct scope *scope, int64_t index)
{
	const struct node *entry = scope_rte(scope, index);
	int64_t kind = node_int(entry, "rtekind", -1);
	const struct catalog_rule *rule =
		kind == RTE_RELATION && (!change_is_target(scope, index) || deletes(scope))
			? catalog_rule(scope->proving->catalog, (uint32_t)node_int(entry, "relid", 0))
			: NULL;
	if (kind != RTE_SUBQUERY && kind != RTE_CTE && !rule)
		return NULL;
	struct scope **child = &scope->children[index - 1];
	if (*child)
		return *child;
	const struct given *given = given_for(scope, index);
	if (kind == RTE_CTE)
		*child = open_cte(scope, entry, given);
	else if (rule)
		*child = open_view(scope, rule, given);
	else
		*child = scope_open(scope->proving, node_get(entry, "subquery"), scope, given);
	return *child;
}

/* ---- recursive queries ---- */

/* All columns are taken for NOT NULL, then those that do not hold up are given up, until all others do. */
static const bool *recursive_columns(const struct scope *owner, const struct node *cte, size_t count)
{
	struct proving *proving = owner->proving;
	bool *columns = MEM_ARRAY(scope_arena(owner), count + 1, bool);
	memset(columns, true, count * sizeof(*columns));
	for (size_t round = 0; round <= count; round++) {
		struct assumption assumption = {cte, columns, count, proving->assumptions};
		proving->assumptions = &assumption;
		struct scope *scope = scope_open(proving, node_get(cte, "ctequery"), owner, NULL);
		size_t given_up = 0;
		for (size_t i = 0; i < count; i++) {
			if (!columns[i] || (scope && scope_output(scope, (int64_t)i + 1).never_null))
				continue;
			columns[i] = false;
			given_up++;
		}
		proving->assumptions = assumption.next;
		if (!given_up)
			return columns;
	}
	memset(columns, false, count * sizeof(*columns));
	return columns;
}

static struct proof prove_self(const struct scope *scope, const struct node *cte, int64_t column)
{
	const struct assumption *assumption = scope->proving->assumptions;
	while (assumption && assumption->cte != cte)
		assumption = assumption->next;
	bool held = assumption && (size_t)column <= assumption->count && assumption->columns[column - 1];
	return held ? proven("recursive") : unproven();
}

static struct proof prove_recursive(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct level *level;
	const struct node *cte = level_cte(&scope->level, entry, &level);
	const struct scope *owner = cte_owner(scope, entry);
	if (!cte || !owner || !is_recursive(cte))
		return unproven();
	if (node_bool(entry, "self_reference") || !node_has(entry, "self_reference"))
		return prove_self(scope, cte, column);
	size_t at = cte_place(owner, cte), count = node_count(output_list(node_get(cte, "ctequery")));
	if (!owner->recursive[at])
		owner->recursive[at] = recursive_columns(owner, cte, count);
	return (size_t)column <= count && owner->recursive[at][column - 1] ? proven("recursive") : unproven();
}

/* ---- the others ---- */

static bool is_kind(const struct node *entry, const char *kinds)
{
	const struct node *kind = node_get(entry, "relkind");
	return kind && kind->text[0] && !kind->text[1] && strchr(kinds, kind->text[0]);
}

/* In a materialised view rows may be older than declarations that were made later. */
static struct proof prove_stored_column(const struct scope *scope, uint32_t relation, int64_t column, bool only)
{
	const struct catalog *catalog = scope->proving->catalog;
	if (!scope->stored)
		return prove_declared(scope, relation, column, only);
	bool since = catalog_never_null_since(catalog, relation, column, scope->stored->since);
	return since && catalog_never_null(catalog, relation, column) ? proven("table-column") : unproven();
}

/* Of a table, a materialised view or the like: a row that is there has all of these; column 0 is the row itself. */
static struct proof prove_relation(const struct scope *scope, int64_t index, int64_t column)
{
	const struct node *entry = scope_rte(scope, index);
	uint32_t relation = (uint32_t)node_int(entry, "relid", 0);
	if (column < 0)
		return is_kind(entry, "rpm") ? proven("system-column") : unproven();
	if (column == 0)
		return is_kind(entry, "rpmvf") ? proven("row") : unproven();
	if (is_kind(entry, "S"))
		return proven("sequence");
	if (is_kind(entry, "rp"))
		return prove_stored_column(scope, relation, column, !node_bool(entry, "inh"));
	const struct scope *view = is_kind(entry, "vm") ? scope_child(scope, index) : NULL;
	return view ? scope_output(view, column) : unproven();
}

static struct proof prove_values(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct node *rows = node_get(entry, "values_lists");
	for (size_t i = 0; column > 0 && i < node_count(rows); i++) {
		const struct node *value = node_item(node_item(rows, i), (size_t)column - 1);
		if (!prove_expr(scope, value).never_null)
			return unproven();
	}
	return node_count(rows) ? proven("values") : unproven();
}

/* A call in FROM that gives one value, and no row to be taken apart. */
static bool is_scalar(const struct node *call)
{
	if (node_is(call, "SQLVALUEFUNCTION"))
		return true;
	int64_t type = node_int(call, "funcresulttype", node_int(call, "coalescetype", OID_FIRST_USER));
	return type < OID_FIRST_USER && type != OID_RECORD;
}

/* One function: its column, or that of WITH ORDINALITY. Several are padded with NULLs. */
static struct proof prove_function(const struct scope *scope, const struct node *entry, int64_t column)
{
	const struct node *functions = node_get(entry, "functions");
	int64_t columns = 0;
	for (size_t i = 0; i < node_count(functions); i++)
		columns += node_int(node_item(functions, i), "funccolcount", INT32_MAX);
	if (node_bool(entry, "funcordinality") && column == columns + 1)
		return proven("ordinality");
	const struct node *call = node_get(node_item(functions, 0), "funcexpr");
	if (node_count(functions) != 1 || column < 1 || column > columns)
		return unproven();
	if (node_bool(call, "funcretset"))
		return prove_set_call(scope, call, column);
	return columns == 1 && is_scalar(call) ? prove_expr(scope, call) : unproven();
}

/* XMLTABLE: FOR ORDINALITY counts, NOT NULL is enforced. */
static struct proof prove_table_function(const struct node *entry, int64_t column)
{
	const struct node *function = node_get(entry, "tablefunc"), *set = node_get(function, "notnulls");
	if (node_int(function, "ordinalitycol", -1) == column - 1)
		return proven("ordinality");
	for (size_t i = 1; i < node_count(set); i++) {
		int64_t bit;
		const struct node *item = node_item(set, i);
		if (item && item->kind == NODE_ATOM && str_to_i64(hf_str_of(item->text), &bit) && bit == column - 1)
			return proven("xmltable-column");
	}
	return unproven();
}

static struct proof prove_behind(const struct scope *scope, int64_t index, int64_t column)
{
	const struct node *entry = scope_rte(scope, index);
	const struct scope *child = scope_child(scope, index);
	if (column == 0)
		return proven("row");
	if (child)
		return scope_output(child, column);
	return node_int(entry, "rtekind", -1) == RTE_CTE ? prove_recursive(scope, entry, column) : unproven();
}

static struct proof prove_entry(const struct scope *scope, int64_t index, int64_t column)
{
	const struct node *entry = scope_rte(scope, index);
	int64_t kind = node_int(entry, "rtekind", -1);
	if (kind == RTE_RELATION)
		return prove_relation(scope, index, column);
	if (column < 0)
		return unproven();
	switch (kind) {
	case RTE_SUBQUERY:
	case RTE_CTE:
		return prove_behind(scope, index, column);
	case RTE_JOIN:
		return column ? prove_expr(scope, node_item(node_get(entry, "joinaliasvars"), (size_t)column - 1))
		              : unproven();
	case RTE_FUNCTION:
		return prove_function(scope, entry, column);
	case RTE_TABLEFUNC:
		return column ? prove_table_function(entry, column) : unproven();
	case RTE_VALUES:
		return column ? prove_values(scope, entry, column) : proven("row");
	default:
		return unproven();
	}
}

/* ---- references ---- */

static struct proof by_fact(const struct scope *scope, int64_t index, int64_t column, int64_t up)
{
	const char *rule = NULL;
	unsigned outcomes = facts_of_column(scope, index, column, up, &rule);
	return outcomes != ANYTHING && !(outcomes & IS_NULL) ? proven(rule) : unproven();
}

static struct proof by_entry(const struct scope *scope, int64_t index, int64_t column)
{
	if (scope->grouping.nnulled && grouping_nulls(scope, make_var(scope_arena(scope), index, column)))
		return unproven();
	if (change_is_target(scope, index))
		return prove_changed(scope, index, column);
	if (!scope_present(scope, index))
		return unproven();
	struct proof proof = prove_entry(scope, index, column);
	return proof.never_null || column < 1 ? proof : prove_generated_of(scope, index, column);
}

struct proof prove_column(const struct scope *scope, int64_t index, int64_t column)
{
	if (!scope_rte(scope, index))
		return unproven();
	struct proof proof = by_entry(scope, index, column);
	if (!proof.never_null)
		return by_fact(scope, index, column, 0);
	if (scope->places[index - 1].outer && strcmp(proof.rule, "table-column") == 0)
		proof.rule = "outer-join-reduced";
	return proof;
}

struct proof prove_var(const struct scope *scope, const struct node *var)
{
	int64_t up = node_int(var, "varlevelsup", -1), index = node_int(var, "varno", 0);
	int64_t column = node_int(var, "varattno", INT32_MIN);
	const struct scope *owner = scope_up(scope, up);
	if (!owner || column == INT32_MIN)
		return unproven();
	for (const struct scope *at = scope; at != owner; at = at->parent, up--) {
		struct proof known = by_fact(at, index, column, up);
		if (known.never_null)
			return known;
	}
	return prove_column(owner, index, column);
}

/* ---- composites ---- */

struct proof prove_field(const struct scope *scope, const struct node *expr, int64_t field)
{
	expr = scope_unalias(scope, expr);
	if (node_is(expr, "ROWEXPR") || node_is(expr, "ROW"))
		return prove_expr(scope, node_item(node_get(expr, "args"), (size_t)field - 1));
	const struct scope *owner = scope_up(scope, node_int(expr, "varlevelsup", -1));
	int64_t index = node_int(expr, "varno", 0), column = node_int(expr, "varattno", INT32_MIN);
	if (!node_is(expr, "VAR") || !owner || field < 1 || !scope_step(scope->proving, 0))
		return unproven();
	if (column == 0)
		return prove_column(owner, index, field);
	const struct scope *child =
		scope_present(owner, index) && !change_is_target(owner, index) ? scope_child(owner, index) : NULL;
	const struct node *entry = output_entry(child ? child->query : NULL, column);
	if (!entry || node_get(child->query, "setOperations"))
		return unproven();
	return prove_field(child, node_get(entry, "expr"), field);
}
