/*
 * columns.h - names of result columns where the statement gives none that are of use.
 */
#ifndef GEN_COLUMNS_H
#define GEN_COLUMNS_H

#include "gen/source.h"

/** Give every column a name of its own: the second `id` becomes `id_2`, a third one without a name `column3`. Names
 *  that the statement gives to one column only stay as they are. */
void columns_number(struct query *query, hf_arena *arena);

#endif
