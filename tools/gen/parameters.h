/*
 * parameters.h - what the server's analysed tree, before views are expanded, tells of a statement's parameters: what to
 * call those written as $n, and which of them a caller may leave NULL.
 *
 * A parameter may be NULL when it is stored into a column that may, tested for NULL, an argument of COALESCE, or the
 * LIMIT; never when it is stored into a NOT NULL column too. Everything else takes no NULL unless annotated: a
 * comparison with NULL is never what was meant. That is sound for result columns, because a caller cannot pass NULL
 * then.
 */
#ifndef GEN_PARAMETERS_H
#define GEN_PARAMETERS_H

#include "gen/catalog.h"
#include "gen/node.h"

#define RULE_STORED_NULLABLE "stored-in-nullable-column"
#define RULE_STORED_NOT_NULL "stored-in-not-null-column"

struct parameter {
	const char *name; /* of the column it meets, or NULL */
	bool nullable;
	const char *rule; /* why */
	bool untyped;     /* a bare result column: nothing told the type, so the server took text */
};

/** The first `count` parameters of a parse tree (NULL: nothing is known). `sql` is the text that was parsed. */
void parameters_infer(const struct catalog *catalog, const struct node *tree, const char *sql, struct parameter *ret,
                      size_t count);
/** Name those that were written as $n, each by a name of its own: the inferred one (`id_2` when it is taken), or param
 *  and the number. */
void parameters_call(struct query *query, const struct parameter *inferred, hf_arena *arena);
/** Parameter `number` (from 1) is stored as it is into a column that may hold NULL, seen through views: takes the
 *  rewritten tree. */
bool parameters_stored(const struct catalog *catalog, const struct node *query, size_t number);
/** It is stored as it is by every row that the statement writes: no query stands in between that may give none. */
bool parameters_written(const struct node *query, size_t number);

#endif
