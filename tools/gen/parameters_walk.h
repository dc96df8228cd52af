/*
 * parameters_walk.h - one walk over a parse tree. What stands above an expression says what its parameters are for:
 * `struct use` goes down with the walk, and each parameter that is met notes it. Nodes that say nothing are walked
 * through; a use that is not understood is no reason for NULL.
 */
#ifndef GEN_PARAMETERS_WALK_H
#define GEN_PARAMETERS_WALK_H

#include "gen/parameters_name.h"

/* Reasons for and against NULL, as bits. */
enum why {
	WHY_OTHER = 1,
	WHY_COMPARED = 2,
	WHY_LIMIT = 4,
	WHY_COALESCED = 8,
	WHY_TESTED = 16,
	WHY_STORED_NULLABLE = 32,
	WHY_STORED_NOT_NULL = 64
};

/* How much a name is worth: a later one replaces one that is worth less. */
enum worth { WORTH_NONE = 0, WORTH_FUNCTION, WORTH_OUTPUT, WORTH_ARGUMENT, WORTH_COLUMN };

struct use {
	const char *name;
	enum worth worth;
	enum why why;
	bool output; /* a result column as it is */
};

/* What became of one parameter. */
struct fact {
	const char *name;
	enum worth worth;
	unsigned why;
	bool typed; /* stands anywhere but bare in a result list */
};

struct walk {
	const struct catalog *catalog;
	struct hf_str sql;
	struct fact *facts;
	size_t count;
	int depth;
};

static inline struct use use_other(void)
{
	return (struct use){.why = WHY_OTHER};
}

static inline struct use use_named(struct use use, const char *name, enum worth worth)
{
	if (!name)
		return use;
	use.name = name;
	use.worth = worth;
	return use;
}

/* parameters_expr.c: an expression or a list, and all below it. */
void walk_visit(struct walk *walk, const struct level *level, const struct node *node, struct use use);
/* parameters.c */
void walk_query(struct walk *walk, const struct level *parent, const struct node *query);

#endif
