/*
 * nullability_declared.c - what keeps NULL out of a table's column: NOT NULL; a CHECK that fails for NULL; a generation
 * expression that never answers NULL. Each of them binds the rows of one table, so every table below has to have its
 * own. A CHECK is satisfied by TRUE and by NULL, so it proves what holds when it is not FALSE. It was looked at when
 * the row was written, and never since: only what cannot answer otherwise by now counts.
 *
 * NOT NULL of a domain is not enough: a value that is of the domain's type already is not checked again, so the NULL of
 * an outer join or of an empty subquery gets into the table. Only casts to such a domain are proven.
 */
#include "gen/nullability_scope.h"
#include "gen/tree.h"

#define DECLARED_MAX 2

/* A query over one table and nothing else, in which its expressions can be judged. */
static const struct node *query_of(hf_arena *arena, uint32_t relation)
{
	return node_read(
		arena,
		mem_printf(arena,
	                   "{QUERY :commandType 1 :hasAggs false :resultRelation 0 :rtable ({RANGETBLENTRY "
	                   ":rtekind 0 :relid %u :relkind r :inh false}) :jointree {FROMEXPR :fromlist "
	                   "({RANGETBLREF :rtindex 1}) :quals <>} :targetList <> :groupClause <> :groupingSets <> "
	                   ":havingQual <> :setOperations <>}",
	                   relation));
}

static struct proof prove_generated(const struct scope *row, uint32_t relation, int64_t column)
{
	const struct catalog *catalog = row->proving->catalog;
	const struct catalog_declaration *items = catalog->declarations.items;
	for (size_t i = catalog_first(&catalog->declarations, relation);
	     i < catalog->declarations.count && items[i].relation == relation; i++)
		if (items[i].column == column)
			return prove_expr(row, node_read(row->proving->arena, items[i].tree));
	return unproven();
}

static bool has_declarations(const struct catalog *catalog, uint32_t relation)
{
	const struct catalog_declaration *items = catalog->declarations.items;
	size_t at = catalog_first(&catalog->declarations, relation);
	return at < catalog->declarations.count && items[at].relation == relation;
}

/* ---- CHECK ---- */

static const struct node *atom_of(hf_arena *arena, int64_t number)
{
	struct node *atom = MEM_NEW(arena, struct node);
	atom->kind = NODE_ATOM;
	atom->text = mem_printf(arena, "%lld", (long long)number);
	return atom;
}

/* The catalog's expression, whose references are to entry 1, for another entry. */
static const struct node *for_entry(hf_arena *arena, const struct node *node, const struct node *index, int depth)
{
	if (node->kind == NODE_NULL || node->kind == NODE_ATOM || depth > 1000)
		return node;
	struct node *copy = MEM_NEW(arena, struct node);
	*copy = *node;
	if (node->kind == NODE_LIST) {
		copy->items = MEM_ARRAY(arena, node->count + 1, const struct node *);
		for (size_t i = 0; i < node->count; i++)
			copy->items[i] = for_entry(arena, node->items[i], index, depth + 1);
		return copy;
	}
	copy->fields = MEM_ARRAY(arena, node->count + 1, struct node_field);
	for (size_t i = 0; i < node->count; i++) {
		bool own = node_is(node, "VAR") && strcmp(node->fields[i].name, "varno") == 0;
		copy->fields[i].name = node->fields[i].name;
		copy->fields[i].value = own ? index : for_entry(arena, node->fields[i].value, index, depth + 1);
	}
	return copy;
}

/* Of the server, an enum, or made of such: no function of a user compares its values. */
static bool is_lasting_type(const struct catalog *catalog, int64_t oid)
{
	for (int i = 0; i < SCOPE_DEPTH_MAX && oid >= OID_FIRST_USER; i++) {
		const struct catalog_type *type = catalog_type_of(catalog, (uint32_t)oid);
		if (type && type->kind == 'e')
			return true;
		oid = !type ? 0 : type->kind == 'd' ? type->base : type->element;
	}
	return oid > 0 && oid < OID_FIRST_USER;
}

static bool is_lasting_function(const struct catalog *catalog, uint32_t oid)
{
	const struct catalog_function *function = oid < OID_FIRST_USER ? catalog_function(catalog, oid) : NULL;
	return function && function->volatility == 'i';
}

static bool calls_lasting(const struct catalog *catalog, const struct node *record)
{
	if (node_has(record, "funcid") && !is_lasting_function(catalog, (uint32_t)node_int(record, "funcid", 0)))
		return false;
	if (!node_has(record, "opno"))
		return true;
	const struct catalog_operator *op = catalog_operator(catalog, (uint32_t)node_int(record, "opno", 0));
	return op && is_lasting_function(catalog, op->function);
}

/*
 * It may answer otherwise than when the row was written: by the clock, by settings (text of a time or of a number), by
 * functions that users replace, by domains and composites that were altered since. A whole row has got new columns.
 */
static bool may_have_changed(void *user, const struct node *record)
{
	static const char *const tags[] = {"SQLVALUEFUNCTION", "COERCEVIAIO", "COERCETODOMAIN", "CONVERTROWTYPEEXPR",
	                                   "XMLEXPR",          "ROWCOMPARE",  "ROWCOMPAREEXPR"};
	const struct catalog *catalog = user;
	if (listed(tags, ARRAY_LEN(tags), record->text) || node_bool(record, "argisrow"))
		return true;
	if (node_is(record, "VAR") && node_int(record, "varattno", 0) <= 0)
		return true;
	if (node_is(record, "VAR") && !is_lasting_type(catalog, node_int(record, "vartype", 0)))
		return true;
	if (node_is(record, "CONST") && !is_lasting_type(catalog, node_int(record, "consttype", 0)))
		return true;
	return !calls_lasting(catalog, record);
}

/* Of an AND each part counts for itself. */
static void learn_check(struct scope *scope, const struct node *check)
{
	const struct node *op = node_get(check, "boolop"), *args = node_get(check, "args");
	bool all = op && strcmp(op->text, "and") == 0;
	for (size_t i = 0; all && i < node_count(args); i++)
		learn_check(scope, node_item(args, i));
	if (!all && check && !tree_find(check, may_have_changed, (void *)(uintptr_t)scope->proving->catalog))
		facts_learn(scope, check, NOT_FALSE, "check-constraint", false);
}

/* Of a table that is that entry of the scope. */
static void learn_checks(struct scope *scope, uint32_t relation, int64_t index)
{
	hf_arena *arena = scope_arena(scope);
	const struct catalog *catalog = scope->proving->catalog;
	const struct catalog_declaration *items = catalog->declarations.items;
	for (size_t i = catalog_first(&catalog->declarations, relation);
	     i < catalog->declarations.count && items[i].relation == relation; i++) {
		const struct node *check = items[i].column ? NULL : node_read(arena, items[i].tree);
		if (check)
			learn_check(scope, for_entry(arena, check, atom_of(arena, index), 0));
	}
}

/* ---- declarations ---- */

static struct scope *row_of(struct proving *proving, uint32_t relation)
{
	struct scope *row = scope_open(proving, query_of(proving->arena, relation), NULL, NULL);
	if (!row)
		return NULL;
	row->stage = STAGE_ROWS;
	learn_checks(row, relation, 1);
	scope_settle(row);
	return row;
}

/* In the rows of this very table. */
static struct proof prove_own(struct proving *proving, uint32_t relation, const struct catalog_column *column)
{
	const char *rule = NULL;
	if (column->not_null)
		return proven("table-column");
	if (!has_declarations(proving->catalog, relation) || proving->declared >= DECLARED_MAX)
		return unproven();
	const struct catalog_rule *before = proving->stored;
	proving->declared++;
	proving->stored = NULL;
	struct proof proof = unproven();
	struct scope *row = row_of(proving, relation);
	if (row && !(facts_of_column(row, 1, column->number, 0, &rule) & IS_NULL))
		proof = proven("check-constraint");
	else if (row && column->generated && prove_generated(row, relation, column->number).never_null)
		proof = proven("generated-column");
	proving->stored = before;
	proving->declared--;
	return proof;
}

/* By name: a child's columns may stand in another order. */
static struct proof prove_with_children(struct proving *proving, uint32_t relation, const char *name, bool only,
                                        int depth)
{
	const struct catalog *catalog = proving->catalog;
	const struct catalog_pair *pairs = catalog->inherits.items;
	const struct catalog_column *column = catalog_column_named(catalog, relation, name);
	if (depth > 64 || !column || !catalog_is_table(catalog, relation) || !scope_step(proving, 0))
		return unproven();
	struct proof proof = prove_own(proving, relation, column);
	for (size_t i = catalog_first(&catalog->inherits, relation);
	     !only && proof.never_null && i < catalog->inherits.count && pairs[i].parent == relation; i++)
		if (!prove_with_children(proving, pairs[i].child, name, false, depth + 1).never_null)
			return unproven();
	return proof;
}

struct proof prove_declared(const struct scope *scope, uint32_t relation, int64_t column, bool only)
{
	const struct catalog_column *found = catalog_column(scope->proving->catalog, relation, column);
	return found ? prove_with_children(scope->proving, relation, found->name, only, 0) : unproven();
}

/* ---- beside what a query knows ---- */

/* A table whose rows are its own: a child may lack what is declared NO INHERIT, and generates otherwise. */
static bool is_alone(const struct scope *scope, int64_t index)
{
	const struct catalog *catalog = scope->proving->catalog;
	const struct node *entry = scope_rte(scope, index);
	uint32_t relation = (uint32_t)node_int(entry, "relid", 0);
	return (!node_bool(entry, "inh") || !catalog_has_children(catalog, relation)) &&
	       catalog_is_table(catalog, relation);
}

/* What the query knows is so now; only an expression that answers as it did when the row was written goes by it. */
struct proof prove_generated_of(const struct scope *scope, int64_t index, int64_t column)
{
	struct proving *proving = scope->proving;
	const struct catalog *catalog = proving->catalog;
	uint32_t relation = (uint32_t)node_int(scope_rte(scope, index), "relid", 0);
	const struct catalog_declaration *items = catalog->declarations.items;
	struct proof proof = unproven();
	if (scope->stored || !is_alone(scope, index) || proving->declared >= DECLARED_MAX)
		return proof;
	proving->declared++;
	for (size_t i = catalog_first(&catalog->declarations, relation);
	     i < catalog->declarations.count && items[i].relation == relation; i++) {
		const struct node *tree = items[i].column == column ? node_read(proving->arena, items[i].tree) : NULL;
		const struct node *number = atom_of(proving->arena, index);
		bool lasts = tree && !tree_find(tree, may_have_changed, (void *)(uintptr_t)catalog);
		if (lasts && prove_expr(scope, for_entry(proving->arena, tree, number, 0)).never_null)
			proof = proven("generated-column");
	}
	proving->declared--;
	return proof;
}

/* A materialised view may be older. */
void declared_facts(struct scope *scope, int64_t index)
{
	if (!scope->stored && is_alone(scope, index) && !scope->proving->declared)
		learn_checks(scope, (uint32_t)node_int(scope_rte(scope, index), "relid", 0), index);
}
