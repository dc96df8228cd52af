/*
 * bulk.h - what a :bulk statement must be: every parameter an array that unnest() opens, so that one input of the
 * caller's array is one row of the statement.
 */
#ifndef GEN_BULK_H
#define GEN_BULK_H

#include <jansson.h>

#include "gen/catalog.h"
#include "gen/parameters.h"

/** Complains about parameters that do not stand within unnest(). `tree` is the parser's, as JSON. */
void bulk_check_unnest(struct query *query, json_t *tree, struct diags *diags);
/** Complains about parameters that are no arrays. Needs their types. */
void bulk_check_types(struct query *query, struct diags *diags);
/** What is known of the elements of parameter `number` (from 1), in the rewritten tree: they may be NULL when they are
 *  stored as they are into a column that may. `array` is what is known of the parameter itself. */
struct parameter bulk_element(const struct catalog *catalog, const struct node *query, size_t number,
                              const struct parameter *array);

#endif
