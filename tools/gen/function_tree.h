/*
 * function_tree.h - the analysed tree of a statement without the server's log: a function in pg_temp is made of it, its
 * body read back from the catalog, and everything rolled back.
 */
#ifndef GEN_FUNCTION_TREE_H
#define GEN_FUNCTION_TREE_H

#include "gen/catalog.h"

struct function_tree {
	const char *body; /* a list of queries, not rewritten: views are named, defaults of columns are missing */
	const char *text; /* what its places count from */
};

/** HOLDFAST_GEN_TREE=function asks for this way; otherwise it is taken when notices bring no tree. */
bool tree_by_function_wanted(void);
/** Body NULL when the server does not make a function of the statement. Needs TEMPORARY on the database. */
struct function_tree tree_by_function(const struct catalog *catalog, hf_arena *arena, hf_where where, const char *sql,
                             const struct hf_sql_shape *shape);

#endif
