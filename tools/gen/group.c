/*
 * group.c - reading a group, and the rules over several queries.
 */
#include "gen/group.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "gen/names.h"
#include "gen/statement.h"
#include "gen/variant.h"

enum hf_status groups_below(hf_arena *arena, const char *dir, const char ***ret_names, size_t *ret_count, hf_error *err)
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
		struct stat about;
		if (stat(source->path, &about) != 0 || !S_ISREG(about.st_mode)) { /* a pipe would never end */
			diag_file(diags, source->path, "this is not a file that can be read");
			continue;
		}
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

void group_read_statements(const struct group *group, struct diags *diags)
{
	group_each(group, read_statement, diags);
}

static void collect(void *user, struct query *query);
static void sort_queries(struct group *group, int (*compare)(const void *, const void *));
static int by_query_name(const void *a, const void *b);

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
	group_read_statements(&group, diags);
	group_each(&group, collect, &group);
	sort_queries(&group, by_query_name);
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

/* ---- queries by name ---- */

/* By name, or by row; equal ones in the order of the files. */
static int by_text(const char *left, const char *right, const struct query *a, const struct query *b)
{
	int order = strcmp(left ? left : "", right ? right : "");
	return order ? order : a->number < b->number ? -1 : a->number > b->number;
}

static int by_query_name(const void *a, const void *b)
{
	const struct query *const *left = a, *const *right = b;
	return by_text((*left)->name, (*right)->name, *left, *right);
}

static int by_row(const void *a, const void *b)
{
	const struct query *const *left = a, *const *right = b;
	return by_text((*left)->row, (*right)->row, *left, *right);
}

static void collect(void *user, struct query *query)
{
	struct group *group = user;
	query->number = group->nqueries;
	group->queries = mem_grow(group->arena, group->queries, group->nqueries, sizeof(*group->queries));
	group->queries[group->nqueries++] = query;
}

static void sort_queries(struct group *group, int (*compare)(const void *, const void *))
{
	if (group->nqueries)
		qsort(group->queries, group->nqueries, sizeof(*group->queries), compare);
}

bool group_has_query(const struct group *group, const char *name)
{
	size_t low = 0, high = group->nqueries;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *found = group->queries[middle]->name;
		int order = strcmp(found ? found : "", name);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* ---- rules over several queries ---- */

static bool same_columns(const struct query *a, const struct query *b)
{
	bool same = a->ncolumns == b->ncolumns;
	for (size_t i = 0; same && i < a->ncolumns; i++)
		same = strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
		       a->columns[i].type == b->columns[i].type && a->columns[i].nullable == b->columns[i].nullable;
	return same;
}

static void check_name(struct diags *diags, const struct query *first, struct query *query)
{
	if (!query->name || strcmp(first->name, query->name) != 0)
		return;
	struct place place = source_place(first->source, first->name_at.start);
	query_wrong(diags, query, query->name_at, "second query with the name \"%s\"", query->name)->hint =
		mem_printf(diags->arena, "the first one stands at %s:%u", first->source->path, place.line);
}

static void check_row(struct diags *diags, const struct query *first, struct query *query)
{
	if (!query->row || !first->row || strcmp(first->row, query->row) != 0 || first->broken || query->broken ||
	    !first->ncolumns || !query->ncolumns || same_columns(first, query))
		return;
	query_wrong(diags, query, query->row_at, "the rows of \"%s\" and \"%s\" differ", query->name, first->name)
		->hint = "a shared row needs equal names, types and nullability: see -- col NAME: nullable";
}

void group_check(struct group *group, struct diags *diags)
{
	struct query *first = NULL;
	sort_queries(group, by_row);
	for (size_t i = 0; i < group->nqueries; i++) {
		struct query *query = group->queries[i];
		if (!first || !first->row || !query->row || first->broken || strcmp(first->row, query->row) != 0)
			first = query;
		else
			check_row(diags, first, query);
	}
	sort_queries(group, by_query_name);
	first = NULL;
	for (size_t i = 0; i < group->nqueries; i++) {
		struct query *query = group->queries[i];
		if (!first || !first->name || !query->name || strcmp(first->name, query->name) != 0)
			first = query;
		else
			check_name(diags, first, query);
	}
	names_check(group, diags);
}
