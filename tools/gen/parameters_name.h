/*
 * parameters_name.h - names that an expression lends to the parameters beside it.
 */
#ifndef GEN_PARAMETERS_NAME_H
#define GEN_PARAMETERS_NAME_H

#include "gen/catalog.h"
#include "gen/node.h"

/* One query level of the tree. */
struct level {
	const struct node *query;
	const struct level *parent;
	const struct level *target; /* where its result goes: the level, and the entry of its range table; or NULL */
	int64_t index;
	const struct node *names;     /* what its columns are called there, or NULL */
	const struct node *subselect; /* of the sublink whose test is being looked at, or NULL */
};

/** The expression below casts and collations. */
const struct node *name_bare(const struct node *expr);
/** Name of a column of a range table entry; NULL when it has none of its own. */
const char *name_of_column(hf_arena *arena, const struct node *entry, int64_t column);
/** Item of a list of names, from 1; NULL when it is missing or made up by the server. */
const char *name_in_list(hf_arena *arena, const struct node *list, int64_t number);
/** The column or output that an expression is about; NULL when it is about none, or several steps away. */
const char *name_of(const struct catalog *catalog, const struct level *level, const struct node *expr);
/** The name of a result column that is not made up by the server; NULL otherwise. */
const char *name_of_output(const struct catalog *catalog, const struct node *entry);
/** "id" to "ids", "city" to "cities". */
const char *name_plural(hf_arena *arena, const char *name);
/** "tags" to "tag"; what does not look like a plural stays. */
const char *name_singular(hf_arena *arena, const char *name);

#endif
