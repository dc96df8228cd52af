/*
 * group.h - a folder of query files, the migrations that make its schema, and the types that it reaches.
 *
 *     sql/queries/janitor/NAME.sql   the queries; the folder's name is the group's
 *     sql/migrations/janitor/        the migration set of the same name
 *     sql/meta/janitor/NAME.json     what the server said about the queries (meta.h)
 */
#ifndef GEN_GROUP_H
#define GEN_GROUP_H

#include "gen/source.h"
#include "holdfast/migrate.h"

struct constraint;

struct group {
	hf_arena *arena;
	const char *name;
	const char *queries_dir, *migrations_dir, *meta_dir;
	struct source **sources; /* by name */
	size_t nsources;
	struct query **queries; /* of all sources, by name */
	size_t nqueries;
	struct types types;
	struct constraint *constraints; /* constraints.h */
	size_t nconstraints;
	hf_migrations *migrations; /* owned; NULL when the group has no folder of migrations */
};

/** Names of the groups of a tree, sorted. */
enum hf_status groups_list(hf_arena *arena, const char *sql_dir, const char ***ret_names, size_t *ret_count,
                           hf_error *err);
/** The folders of a folder, sorted. HF_E_USAGE without it. */
enum hf_status groups_below(hf_arena *arena, const char *dir, const char ***ret_names, size_t *ret_count,
                            hf_error *err);
/** Read the queries and migrations of a group. Wrong queries go to `diags`; files that cannot be read are errors. */
enum hf_status group_read(hf_context *ctx, hf_arena *arena, const char *sql_dir, const char *name, struct diags *diags,
                          struct group *ret_group, hf_error *err);
void group_deinit(struct group *group);
/** Rules over several queries: names, shared row structs, C names of types. */
void group_check(struct group *group, struct diags *diags);
/** A query of that name was read. */
bool group_has_query(const struct group *group, const char *name);
/** Ask the parser about every statement, and every variant of it. */
void group_read_statements(const struct group *group, struct diags *diags);
/** Call `fn` for every query, in the order of files and lines. */
void group_each(const struct group *group, void (*fn)(void *user, struct query *query), void *user);
/** Names of the files of a folder with that ending, sorted. HF_NOT_FOUND without the folder. */
enum hf_status folder_list(hf_arena *arena, const char *dir, const char *ending, const char ***ret_names,
                           size_t *ret_count, hf_error *err);
/** A file's content, at most `size_max` bytes, NUL-terminated. HF_NOT_FOUND when it is absent. */
enum hf_status file_read(hf_arena *arena, const char *path, size_t size_max, struct hf_str *ret_text, hf_error *err);
/** Replace a file at once (write beside it, rename); leaves an equal one alone, so that nothing is rebuilt. */
enum hf_status file_write(const char *path, struct hf_str text, hf_error *err);
/** Make a folder and those above it. */
enum hf_status folder_make(const char *dir, hf_error *err);

#endif
