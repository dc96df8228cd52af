/*
 * nullability.h - which result columns can never be NULL, proven from the server's analysed query tree.
 *
 * Sound by construction: whatever is not understood is nullable. Each proof names the rule that gave it; the name
 * goes into the metadata, so that a reviewer sees why a column has no has_ flag.
 */
#ifndef GEN_NULLABILITY_H
#define GEN_NULLABILITY_H

#include "gen/catalog.h"
#include "gen/node.h"

#define RULE_UNPROVEN "unproven"

struct proof {
	bool never_null;
	const char *rule; /* RULE_UNPROVEN, or what proved it */
	bool always_null; /* nothing else can be in it; of the statement's own columns only */
};

/** The query of the rewritten tree that answers the client (canSetTag), or NULL. */
const struct node *nullability_query(const struct node *tree);
/**
 * Prove the columns of `query`. `params_nullable[i]`: parameter $i+1 may be NULL. False (and all nullable) when the
 * tree does not have `ncolumns` result columns.
 */
bool nullability_prove(const struct catalog *catalog, const struct node *query, const bool *params_nullable,
                       size_t nparams, struct proof *ret_proofs, size_t ncolumns);
/** A SELECT that locks nothing, writes nothing and calls no volatile function. */
bool nullability_read_only(const struct catalog *catalog, const struct node *query);

#endif
