/*
 * describe_print.h - what `describe` answers: queries in the order of the files, broken ones left out.
 */
#ifndef GEN_DESCRIBE_PRINT_H
#define GEN_DESCRIBE_PRINT_H

#include <stdio.h>

#include "gen/group.h"

/** One JSON array, a query a line. False when `out` fails. */
bool describe_print_json(const struct group *group, FILE *out);
/** For people: a table per query. False when `out` fails. */
bool describe_print(const struct group *group, FILE *out);

#endif
