/*
 * constraints.h - the constraints that a group's statements can violate, and their names in C.
 *
 * Those of the tables that the statements write (and of tables that inherit from them or that a foreign key changes
 * along with them), and foreign keys that refer to these; unique indexes too, whose names the server reports like
 * constraints. What triggers and functions write is not looked into. A constraint that a child or partition has from
 * its parent counts as the parent's.
 *
 * hf_error knows the table and the name, so that is what tells two apart. The enumerator is the name; with the table
 * before it when several tables have it, and with a number when C could not tell them apart even so.
 */
#ifndef GEN_CONSTRAINTS_H
#define GEN_CONSTRAINTS_H

#include "gen/group.h"
#include "holdfast/sql.h"

struct constraint {
	const char *table, *name; /* of a domain's CHECK: the domain */
	const char *parent_table, *parent_name; /* "" when it is nobody's */
};

/** Fill group->constraints from the server, for a described group. Forwards the connection's errors. */
enum hf_status constraints_load(struct group *group, hf_where where, hf_error *err);
/** For each constraint of the group the number of its enumerator, from 1; returns their count. */
size_t constraints_number(const struct group *group, size_t *ret_numbers, const char ***ret_names);

#endif
