/*
 * parameters.h - what can be told of a statement's parameters from the server's analysed tree.
 */
#ifndef GEN_PARAMETERS_H
#define GEN_PARAMETERS_H

#include "gen/catalog.h"
#include "gen/node.h"

/** Parameter `number` (from 1) is stored as it is into a column that may hold NULL. */
bool parameters_stored(const struct catalog *catalog, const struct node *query, size_t number);

#endif
