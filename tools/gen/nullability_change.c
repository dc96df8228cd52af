/*
 * nullability_change.c - RETURNING, and what ON CONFLICT sees.
 *
 * DELETE returns rows as they were found; UPDATE and INSERT return what was stored: the assigned expressions, unless a
 * trigger that runs before the row is written, or a generation expression, may have changed them. Declared NOT NULL
 * is enforced whatever triggers do. WHERE saw the rows as they were, so what it told of changed columns is forgotten.
 */
#include "gen/nullability_scope.h"

bool change_is_target(const struct scope *scope, int64_t index)
{
	if (index < 1 || node_int(scope->query, "commandType", 0) == CMD_SELECT)
		return false;
	return index == node_int(scope->query, "resultRelation", 0) ||
	       index == node_int(node_get(scope->query, "onConflict"), "exclRelIndex", 0);
}

static uint32_t target_relation(const struct scope *scope)
{
	const struct node *entry = scope_rte(scope, node_int(scope->query, "resultRelation", 0));
	const struct node *kind = node_get(entry, "relkind");
	bool table = kind && (strcmp(kind->text, "r") == 0 || strcmp(kind->text, "p") == 0);
	return table ? (uint32_t)node_int(entry, "relid", 0) : 0;
}

/* What the statement assigns is what is stored. An UPDATE inserts where it moves a row to another partition. */
static bool stored_as_written(const struct scope *scope)
{
	bool inserts = node_int(scope->query, "commandType", 0) == CMD_INSERT &&
	               node_int(node_get(scope->query, "onConflict"), "action", 1) == 1; /* DO NOTHING */
	unsigned events = inserts ? TRIGGER_INSERT : TRIGGER_INSERT | TRIGGER_UPDATE;
	return catalog_stores_as_written(scope->proving->catalog, target_relation(scope), events);
}

static const struct node *assignment(const struct node *list, int64_t column)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i);
		if (node_is(entry, "TARGETENTRY") && node_int(entry, "resno", 0) == column &&
		    !node_bool(entry, "resjunk"))
			return node_get(entry, "expr");
	}
	return NULL;
}

static bool is_generated(const struct scope *scope, int64_t column)
{
	return catalog_is_generated(scope->proving->catalog, target_relation(scope), column);
}

/* ---- what is stored ---- */

static const struct scope *found_rows(const struct scope *scope)
{
	return scope->before ? scope->before : scope;
}

static struct proof prove_inserted(const struct scope *scope, int64_t column)
{
	const struct node *expr = assignment(node_get(scope->query, "targetList"), column);
	return expr && prove_expr(found_rows(scope), expr).never_null ? proven("assigned") : unproven();
}

/* Either row may come back: the new one, or the one that was in its way. */
static struct proof prove_upserted(const struct scope *scope, int64_t column)
{
	const struct node *conflict = node_get(scope->query, "onConflict");
	if (!prove_inserted(scope, column).never_null)
		return unproven();
	if (!conflict || node_int(conflict, "action", 0) == 1) /* DO NOTHING */
		return proven("assigned");
	const struct node *expr = assignment(node_get(conflict, "onConflictSet"), column);
	if (!expr)
		return unproven();
	struct scope *fork = scope_fork(found_rows(scope));
	facts_learn(fork, node_get(conflict, "onConflictWhere"), IS_TRUE, "where", false);
	scope_settle(fork);
	return prove_expr(fork, expr).never_null ? proven("assigned") : unproven();
}

static struct proof prove_stored(const struct scope *scope, int64_t column)
{
	int64_t command = node_int(scope->query, "commandType", 0);
	if (!stored_as_written(scope) || is_generated(scope, column))
		return unproven();
	if (command == CMD_INSERT)
		return prove_upserted(scope, column);
	const struct node *expr = assignment(node_get(scope->query, "targetList"), column);
	if (command != CMD_UPDATE || !expr)
		return unproven();
	return prove_expr(found_rows(scope), expr).never_null ? proven("assigned") : unproven();
}

/*
 * A view as the target: one with a trigger that acts instead, or any where the tree was not rewritten. DELETE returns
 * what was in it. The others write to the table behind, whose declarations hold.
 */
static struct proof prove_changed_view(const struct scope *scope, int64_t index, int64_t column)
{
	int64_t command = node_int(scope->query, "commandType", 0);
	uint32_t view = (uint32_t)node_int(scope_rte(scope, index), "relid", 0);
	if (column < 1 || index != node_int(scope->query, "resultRelation", 0))
		return unproven();
	if (command == CMD_DELETE)
		return scope_output(scope_child(scope, index), column);
	const struct catalog *catalog = scope->proving->catalog;
	for (int i = 0; i < SCOPE_DEPTH_MAX; i++) {
		const struct catalog_rule *rule = catalog_rule(catalog, view);
		if (!rule || rule->stored || catalog_has_instead(catalog, view, command))
			break;
		const struct node *query = nullability_query(catalog_rule_tree(scope_arena(scope), rule));
		const struct node *var = node_get(output_entry(query, column), "expr");
		const struct node *entry = node_item(node_get(query, "rtable"), (size_t)node_int(var, "varno", 1) - 1);
		if (!node_is(var, "VAR") || node_int(entry, "rtekind", -1) != RTE_RELATION)
			break;
		view = (uint32_t)node_int(entry, "relid", 0);
		column = node_int(var, "varattno", 0);
		if (catalog_has_rule(catalog, view, command))
			break;
		if (catalog_is_table(catalog, view))
			return prove_declared(scope, view, column, false);
	}
	return unproven();
}

struct proof prove_changed(const struct scope *scope, int64_t index, int64_t column)
{
	uint32_t relation = target_relation(scope);
	bool excluded = index != node_int(scope->query, "resultRelation", 0);
	if (!relation)
		return prove_changed_view(scope, index, column);
	if (column <= 0)
		return excluded ? unproven() : proven(column ? "system-column" : "row");
	struct proof declared = prove_declared(scope, relation, column, false);
	if (declared.never_null)
		return declared;
	if (excluded)
		return stored_as_written(scope) && !is_generated(scope, column) ? prove_inserted(scope, column)
		                                                                : unproven();
	return scope->stage == STAGE_RETURNING ? prove_stored(scope, column) : unproven();
}

/* ---- from the rows found to the rows returned ---- */

/* Says something of a column of the changed table that may have another value now. */
static bool mentions_changed(const struct scope *scope, const struct node *node, bool as_written, int depth)
{
	if (depth > 1000)
		return true;
	if (node_is(node, "VAR") && change_is_target(scope, node_int(node, "varno", 0)) &&
	    node_int(node, "varlevelsup", 0) == 0) {
		int64_t column = node_int(node, "varattno", 0);
		return !as_written || column <= 0 || is_generated(scope, column) ||
		       assignment(node_get(scope->query, "targetList"), column);
	}
	if (node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->count; i++)
			if (mentions_changed(scope, node->items[i], as_written, depth + 1))
				return true;
	} else if (node->kind == NODE_RECORD) {
		for (size_t i = 0; i < node->count; i++)
			if (mentions_changed(scope, node->fields[i].value, as_written, depth + 1))
				return true;
	}
	return false;
}

void change_return(struct scope *scope)
{
	struct scope *before = MEM_NEW(scope_arena(scope), struct scope);
	*before = *scope;
	before->stage = STAGE_ROWS;
	before->children = MEM_ARRAY(scope_arena(scope), scope->nrtes + 1, struct scope *);
	scope->before = before;
	scope->stage = STAGE_RETURNING;
	const struct node *target = scope_rte(scope, node_int(scope->query, "resultRelation", 0));
	scope->opaque = catalog_has_rule(scope->proving->catalog, (uint32_t)node_int(target, "relid", 0),
	                                 node_int(scope->query, "commandType", 0));
	if (node_int(scope->query, "commandType", 0) == CMD_DELETE)
		return;
	bool as_written = stored_as_written(scope);
	scope->facts = NULL;
	for (const struct fact *fact = before->facts; fact; fact = fact->next) {
		if (mentions_changed(scope, fact->expr, as_written, 0))
			continue;
		struct fact *kept = MEM_NEW(scope_arena(scope), struct fact);
		*kept = *fact;
		kept->next = scope->facts;
		scope->facts = kept;
	}
}
