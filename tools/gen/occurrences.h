/*
 * occurrences.h - the uses of a statement's parameters, one by one: for the question whether they agree on a type.
 */
#ifndef GEN_OCCURRENCES_H
#define GEN_OCCURRENCES_H

#include "gen/source.h"

struct occurrence {
	size_t param;      /* index */
	struct span where; /* in the source */
};

struct occurrences {
	struct occurrence *items;
	size_t count;
};

/** All uses, in the order of the text. */
struct occurrences occurrences_of(const struct query *query, hf_arena *arena);
/** The statement with a number of its own for each use: `$1` is the first. */
const char *occurrences_apart(const struct query *query, hf_arena *arena);

#endif
