/*
 * catalog_rows.c - what holds of every row of a table: its own declarations and those of all that inherit from it.
 */
#include "gen/catalog.h"

const struct catalog_column *catalog_column(const struct catalog *catalog, uint32_t relation, int64_t number)
{
	const struct catalog_column *columns = catalog->columns.items;
	for (size_t i = catalog_first(&catalog->columns, relation);
	     i < catalog->columns.count && columns[i].relation == relation; i++)
		if (columns[i].number == number)
			return &columns[i];
	return NULL;
}

const struct catalog_column *catalog_column_named(const struct catalog *catalog, uint32_t relation, const char *name)
{
	const struct catalog_column *columns = catalog->columns.items;
	for (size_t i = catalog_first(&catalog->columns, relation);
	     i < catalog->columns.count && columns[i].relation == relation; i++)
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

bool catalog_is_table(const struct catalog *catalog, uint32_t relation)
{
	const struct catalog_relation *found = catalog_find(&catalog->relations, relation);
	return found && (found->kind == 'r' || found->kind == 'p');
}

bool catalog_has_children(const struct catalog *catalog, uint32_t relation)
{
	const struct catalog_pair *pairs = catalog->inherits.items;
	size_t at = catalog_first(&catalog->inherits, relation);
	return at < catalog->inherits.count && pairs[at].parent == relation;
}

/* By name: a child's columns may stand in another order. */
static bool never_null_below(const struct catalog *catalog, uint32_t relation, const char *column, int depth)
{
	const struct catalog_pair *pairs = catalog->inherits.items;
	const struct catalog_column *found = catalog_column_named(catalog, relation, column);
	if (depth > 64 || !found || !found->not_null || !catalog_is_table(catalog, relation))
		return false;
	for (size_t i = catalog_first(&catalog->inherits, relation);
	     i < catalog->inherits.count && pairs[i].parent == relation; i++)
		if (!never_null_below(catalog, pairs[i].child, column, depth + 1))
			return false;
	return true;
}

bool catalog_never_null(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = catalog_column(catalog, relation, column);
	return found && never_null_below(catalog, relation, found->name, 0);
}

/* Transaction numbers wrap around. */
bool catalog_is_older(struct catalog_moment one, struct catalog_moment other)
{
	int32_t before = (int32_t)(other.transaction - one.transaction);
	return before > 0 || (before == 0 && one.command < other.command);
}

bool catalog_never_null_since(const struct catalog *catalog, uint32_t relation, int64_t column,
                              struct catalog_moment moment)
{
	const struct catalog_column *found = catalog_column(catalog, relation, column);
	const struct catalog_relation *table = catalog_find(&catalog->relations, relation);
	return found && table && catalog_is_older(found->since, moment) && !table->parent;
}

/* A child may generate what its parent does not. */
static bool generated_below(const struct catalog *catalog, uint32_t relation, const char *column, int depth)
{
	const struct catalog_pair *pairs = catalog->inherits.items;
	const struct catalog_column *found = catalog_column_named(catalog, relation, column);
	if (depth > 64 || !found || found->generated)
		return true;
	for (size_t i = catalog_first(&catalog->inherits, relation);
	     i < catalog->inherits.count && pairs[i].parent == relation; i++)
		if (generated_below(catalog, pairs[i].child, column, depth + 1))
			return true;
	return false;
}

bool catalog_is_generated(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = catalog_column(catalog, relation, column);
	return !found || generated_below(catalog, relation, found->name, 0);
}

static bool written_plainly(const struct catalog *catalog, uint32_t relation, unsigned events, int depth)
{
	const struct catalog_pair *pairs = catalog->inherits.items;
	const struct catalog_pair *trigger = catalog_find(&catalog->triggers, relation);
	if (depth > 64 || !catalog_is_table(catalog, relation) || (trigger && (trigger->child & events)))
		return false;
	for (size_t i = catalog_first(&catalog->inherits, relation);
	     i < catalog->inherits.count && pairs[i].parent == relation; i++)
		if (!written_plainly(catalog, pairs[i].child, events, depth + 1))
			return false;
	return true;
}

bool catalog_stores_as_written(const struct catalog *catalog, uint32_t relation, unsigned events)
{
	return written_plainly(catalog, relation, events, 0);
}

static bool acts_instead(const struct catalog *catalog, uint32_t relation, int64_t event)
{
	const struct catalog_pair *pairs = catalog->instead.items;
	for (size_t i = catalog_first(&catalog->instead, relation);
	     i < catalog->instead.count && pairs[i].parent == relation; i++)
		if (pairs[i].child == event)
			return true;
	return false;
}

bool catalog_has_rule(const struct catalog *catalog, uint32_t relation, int64_t command)
{
	return acts_instead(catalog, relation, command);
}

bool catalog_has_instead(const struct catalog *catalog, uint32_t relation, int64_t command)
{
	return acts_instead(catalog, relation, 100 + command);
}

const struct catalog_rule *catalog_rule(const struct catalog *catalog, uint32_t relation)
{
	return catalog_find(&catalog->rules, relation);
}

const struct node *catalog_rule_tree(hf_arena *arena, const struct catalog_rule *rule)
{
	return node_read(arena, rule->action);
}

bool catalog_refuses_null(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = catalog_column(catalog, relation, column);
	return found && found->not_null;
}

bool catalog_may_be_null(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = catalog_column(catalog, relation, column);
	return found && !found->not_null && catalog_is_table(catalog, relation);
}

/* ---- types ---- */

const struct catalog_type *catalog_type_of(const struct catalog *catalog, uint32_t oid)
{
	return catalog_find(&catalog->types, oid);
}

bool catalog_domain_not_null(const struct catalog *catalog, uint32_t type)
{
	const struct catalog_type *found = catalog_type_of(catalog, type);
	for (int i = 0; i < 64 && found && found->kind == 'd'; i++) {
		if (found->not_null)
			return true;
		found = catalog_type_of(catalog, found->base);
	}
	return false;
}

bool catalog_reads_text(const struct catalog *catalog, uint32_t type)
{
	const struct catalog_type *found = catalog_type_of(catalog, type);
	if (!found || found->kind == 'd' || found->kind == 'p')
		return false;
	return type < OID_FIRST_USER || found->kind != 'b' || found->element != 0;
}
