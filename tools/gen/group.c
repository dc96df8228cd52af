/*
 * group.c - reading a group, and the rules over several queries.
 */
#include "gen/group.h"

#include <sys/stat.h>

#include "base/error.h"
#include "gen/names.h"
#include "gen/statement.h"
#include "gen/variant.h"

enum hf_status groups_below(hf_arena *arena, const char *dir, const char ***ret_names, size_t *ret_count,
                            hf_error *err)
{
	const char **all, **names = NULL;
	size_t nall, count = 0;
	enum hf_status status = folder_list(arena, dir, "", &all, &nall, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_USAGE, "%s is not a folder: it should hold a folder per group of queries",
		                 dir);
	if (status != HF_OK)
		return status;
	for (size_t i = 0; i < nall; i++) {
		struct stat about;
		if (stat(mem_printf(arena, "%s/%s", dir, all[i]), &about) != 0 || !S_ISDIR(about.st_mode))
			continue;
		names = mem_grow(arena, names, count, sizeof(*names));
		names[count++] = all[i];
	}
	*ret_names = names;
	*ret_count = count;
	return HF_OK;
}

enum hf_status groups_list(hf_arena *arena, const char *sql_dir, const char ***ret_names, size_t *ret_count,
                           hf_error *err)
{
	return groups_below(arena, mem_printf(arena, "%s/queries", sql_dir), ret_names, ret_count, err);
}

static struct source *source_new(struct group *group, const char *file)
{
	struct source *source = MEM_NEW(group->arena, struct source);
	source->path = mem_printf(group->arena, "%s/%s", group->queries_dir, file);
	source->group = group->name;
	source->stem = mem_text(group->arena, (struct hf_str){file, strlen(file) - 4});
	group->sources = mem_grow(group->arena, group->sources, group->nsources, sizeof(*group->sources));
	group->sources[group->nsources++] = source;
	return source;
}

static enum hf_status read_sources(struct group *group, struct diags *diags, hf_error *err)
{
	const char **files;
	size_t count;
	enum hf_status status = folder_list(group->arena, group->queries_dir, ".sql", &files, &count, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_USAGE, "no group \"%s\": %s does not exist", group->name,
		                 group->queries_dir);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		struct source *source = source_new(group, files[i]);
		status = file_read(group->arena, source->path, SOURCE_BYTES_MAX, &source->text, err);
		if (status == HF_OK && !name_is_plain(hf_str_of(source->stem)))
			diag_file(diags, source->path, "the file's name becomes part of C names: a-z, 0-9 and _ only");
		if (status == HF_OK)
			source_read(source, diags);
	}
	return status;
}

static void read_variant(void *user, struct query *query)
{
	statement_read(query, user);
}

static void read_statement(void *user, struct query *query)
{
	variants_each(query, read_variant, user);
}

enum hf_status group_read(hf_context *ctx, hf_arena *arena, const char *sql_dir, const char *name, struct diags *diags,
                          struct group *ret_group, hf_error *err)
{
	if (!name_is_plain(hf_str_of(name)))
		return error_set(err, HF_E_USAGE, "\"%s\" cannot be the name of a group: a-z, 0-9 and _ only", name);
	struct group group = {.arena = arena, .name = name, .types = {.arena = arena}};
	group.queries_dir = mem_printf(arena, "%s/queries/%s", sql_dir, name);
	group.migrations_dir = mem_printf(arena, "%s/migrations/%s", sql_dir, name);
	group.meta_dir = mem_printf(arena, "%s/meta/%s", sql_dir, name);
	enum hf_status status = read_sources(&group, diags, err);
	if (status == HF_OK)
		status = hf_migrations_open(ctx, name, group.migrations_dir, &group.migrations, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	group_each(&group, read_statement, diags);
	*ret_group = group;
	return HF_OK;
}

void group_deinit(struct group *group)
{
	hf_migrations_free(group->migrations);
	group->migrations = NULL;
}

void group_each(const struct group *group, void (*fn)(void *user, struct query *query), void *user)
{
	for (size_t i = 0; i < group->nsources; i++)
		for (size_t j = 0; j < group->sources[i]->nqueries; j++)
			fn(user, group->sources[i]->queries[j]);
}

/* ---- rules over several queries ---- */

struct check {
	struct diags *diags;
	struct query **seen;
	size_t nseen;
};

static const char *where_is(struct check *check, const struct query *query)
{
	struct place place = source_place(query->source, query->name_at.start);
	return mem_printf(check->diags->arena, "%s:%u", query->source->path, place.line);
}

static bool same_columns(const struct query *a, const struct query *b)
{
	bool same = a->ncolumns == b->ncolumns;
	for (size_t i = 0; same && i < a->ncolumns; i++)
		same = strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
		       a->columns[i].type == b->columns[i].type && a->columns[i].nullable == b->columns[i].nullable;
	return same;
}

static void check_pair(struct check *check, const struct query *first, struct query *query)
{
	if (strcmp(first->name, query->name) == 0)
		query_wrong(check->diags, query, query->name_at, "second query with the name \"%s\"", query->name)
			->hint = mem_printf(check->diags->arena, "the first one stands at %s", where_is(check, first));
	else if (first->row && query->row && strcmp(first->row, query->row) == 0 && !first->broken && !query->broken &&
	         first->ncolumns && query->ncolumns && !same_columns(first, query))
		query_wrong(check->diags, query, query->row_at, "the rows of \"%s\" and \"%s\" differ", query->name,
		            first->name)
			->hint = "a shared row needs equal names, types and nullability: see -- col NAME: nullable";
}

static void check_query(void *user, struct query *query)
{
	struct check *check = user;
	for (size_t i = 0; i < check->nseen; i++)
		check_pair(check, check->seen[i], query);
	check->seen = mem_grow(check->diags->arena, check->seen, check->nseen, sizeof(*check->seen));
	check->seen[check->nseen++] = query;
}

void group_check(struct group *group, struct diags *diags)
{
	struct check check = {.diags = diags};
	group_each(group, check_query, &check);
	names_check(group, diags);
}
