/*
 * tree.h - looking through analysed trees: finding records, calls of volatile functions, equal expressions.
 */
#ifndef GEN_TREE_H
#define GEN_TREE_H

#include "gen/catalog.h"
#include "gen/node.h"

typedef bool tree_match_fn(void *user, const struct node *record);

/** The first record of `node` and what is below it, in the order of the text, for which `match` is true; or NULL. */
const struct node *tree_find(const struct node *node, tree_match_fn *match, void *user);
/** The first call of a volatile function, or nextval of an identity column; also an unknown function. */
const struct node *tree_volatile_call(const struct catalog *catalog, const struct node *node);
/** Without casts that change nothing but the name of the type (varchar to text). */
const struct node *tree_bare(const struct node *expr);
/** Two expressions say the same. With an `index`, relation 1 of `a` (as the catalog stores it) is that one of `b`. */
bool tree_equal(const struct node *a, const struct node *b, int64_t index);

#endif
