/*
 * names.h - the file-scope names of a group's C: no two things may have one.
 */
#ifndef GEN_NAMES_H
#define GEN_NAMES_H

#include "gen/group.h"

/** Complain about every query, type, row struct or label whose name in C something else in the group has. */
void names_check(const struct group *group, struct diags *diags);

#endif
