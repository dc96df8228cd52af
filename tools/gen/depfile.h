/*
 * depfile.h - what the C of a group was made from, as a rule of make that ninja reads: after an edit of a query, its
 * metadata or a migration the compiler runs again. Folders stand in it too, so that a new or a removed file counts.
 */
#ifndef GEN_DEPFILE_H
#define GEN_DEPFILE_H

#include "gen/group.h"

struct depfile {
	hf_arena *arena;
	const char **paths;
	size_t count;
};

void depfile_init(struct depfile *deps, hf_arena *arena);
void depfile_add_group(struct depfile *deps, const struct group *group);
enum hf_status depfile_write(const struct depfile *deps, const char *path, const char *target, hf_error *err);

#endif
