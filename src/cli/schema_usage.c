/*
 * schema_usage.c - which queries read and write which columns, from the metadata of the query compiler
 * (DIR/meta/GROUP/QUERY.json: "reads" and "writes").
 */
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/gen.h"
#include "cli/schema.h"

enum { QUERIES_MAX = 100000, COMPLAINTS_BYTES_MAX = 1 << 20 };

DEFINE_OWNED(json, json_t *, json_decref)

size_t usage_split(hf_arena *arena, struct hf_str name, struct hf_str *ret_parts, size_t max)
{
	size_t count = 0, at = 0;
	while (count < max) {
		char *part = hf_arena_alloc(arena, name.len - at + 1);
		bool quoted = at < name.len && name.ptr[at] == '"';
		size_t len = 0;
		if (!part)
			return 0;
		for (at += quoted; at < name.len && (quoted || name.ptr[at] != '.'); at++) {
			if (quoted && name.ptr[at] == '"' && (at + 1 == name.len || name.ptr[at + 1] != '"'))
				break;
			at += quoted && name.ptr[at] == '"';
			part[len++] = name.ptr[at];
		}
		at += quoted;
		part[len] = '\0';
		ret_parts[count++] = (struct hf_str){part, len};
		if (at >= name.len || name.ptr[at++] != '.')
			break;
	}
	return count;
}

static bool add(hf_arena *arena, struct usage *usage, struct hf_str name, struct hf_str query, bool writes)
{
	struct hf_str parts[3];
	size_t count = usage_split(arena, name, parts, 3);
	if (count < 2)
		return true;
	if (usage->count == usage->capacity) {
		size_t capacity = usage->capacity ? 2 * usage->capacity : 256;
		struct usage_entry *entries = hf_arena_calloc(arena, capacity, sizeof(*entries));
		if (!entries)
			return false;
		if (usage->count)
			memcpy(entries, usage->entries, usage->count * sizeof(*entries));
		usage->entries = entries;
		usage->capacity = capacity;
	}
	usage->entries[usage->count++] =
		(struct usage_entry){parts[0], parts[1], count > 2 ? parts[2] : HF_STR(""), query, writes};
	return true;
}

static bool add_list(hf_arena *arena, struct usage *usage, const json_t *list, struct hf_str query, bool writes)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct hf_str name = text ? hf_arena_str(arena, hf_str_of(text)) : HF_STR("");
		if (!name.ptr || !add(arena, usage, name, query, writes))
			return false;
	}
	return true;
}

static enum hf_status read_query(struct cli *cli, const char *folder, const char *group, const char *file,
                                 struct usage *usage, hf_error *err)
{
	json_error_t why;
	struct hf_str path = arena_printf(cli->arena, "%s/%s/%s", folder, group, file);
	struct hf_str query = arena_printf(cli->arena, "%s/%.*s", group, (int)(strlen(file) - strlen(".json")), file);
	if (!path.ptr || !query.ptr)
		return error_nomem(err);
	CLEANUP(json_freep) json_t *value = json_load_file(path.ptr, 0, &why);
	if (!json_is_object(value))
		return error_set(err, HF_E_INPUT, "%s:%d: %s", path.ptr, value ? 1 : why.line,
		                 value ? "no metadata of a query" : why.text);
	if (!add_list(cli->arena, usage, json_object_get(value, "reads"), query, false) ||
	    !add_list(cli->arena, usage, json_object_get(value, "writes"), query, true))
		return error_nomem(err);
	return HF_OK;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_query(const struct dirent *entry)
{
	return visible(entry) && str_ends(hf_str_of(entry->d_name), HF_STR(".json")) &&
	       strcmp(entry->d_name, "types.json") != 0 && strcmp(entry->d_name, "manifest.json") != 0;
}

/* Names in byte order; the caller frees them. -1: no such folder. */
static int list_folder(const char *path, int (*wanted)(const struct dirent *), struct dirent ***ret_entries)
{
	return scandir(path, ret_entries, wanted, alphasort);
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}

static enum hf_status read_group(struct cli *cli, const char *folder, const char *group, struct usage *usage,
                                 hf_error *err)
{
	struct dirent **entries;
	struct hf_str path = arena_printf(cli->arena, "%s/%s", folder, group);
	if (!path.ptr)
		return error_nomem(err);
	int count = list_folder(path.ptr, is_query, &entries);
	enum hf_status status = count > QUERIES_MAX ? error_set(err, HF_E_LIMIT, "%s has more than %d queries",
	                                                        path.ptr, (int)QUERIES_MAX)
	                                            : HF_OK;
	for (int i = 0; status == HF_OK && i < count; i++)
		status = read_query(cli, folder, group, entries[i]->d_name, usage, err);
	free_entries(entries, count);
	return status;
}

static int by_place(const void *left, const void *right)
{
	const struct usage_entry *a = left, *b = right;
	int order = str_cmp(a->schema, b->schema);
	if (!order)
		order = str_cmp(a->relation, b->relation);
	if (!order)
		order = str_cmp(a->column, b->column);
	return order ? order : str_cmp(a->query, b->query);
}

/* ---- is it what the compiler wrote, of these queries and these migrations? ---- */

static enum hf_status refused(const char *tree, int code, struct hf_str complaints, hf_error *err)
{
	struct hf_str rest = str_trim(complaints), line = rest;
	(void)str_split(&rest, '\n', &line);
	error_set(err, code == hf_status_exit_code(HF_DIFFERS) ? HF_DIFFERS : HF_E_INPUT, "--sql %s: %.*s", tree,
	          (int)(line.len > 300 ? 300 : line.len), line.ptr ? line.ptr : "");
	error_hint(err, "renew it   holdfast gen --sql %s", tree);
	return code == hf_status_exit_code(HF_DIFFERS) ? HF_DIFFERS : HF_E_INPUT;
}

/* Metadata alone, as a package may have it, is taken as it is. So it is where there is no compiler, and that is said.
 */
static enum hf_status check_fresh(struct cli *cli, const char *tree, bool asked, bool *ret_fresh, hf_error *err)
{
	const char *argv[] = {NULL, "--check", "--sql", tree, NULL};
	struct hf_str queries = arena_printf(cli->arena, "%s/queries", tree), output, complaints;
	struct stat info;
	int code;
	*ret_fresh = true;
	if (!queries.ptr)
		return error_nomem(err);
	if (stat(queries.ptr, &info) != 0)
		return HF_OK;
	enum hf_status status = gen_compiler(cli, &argv[0], err);
	if (status == HF_OK)
		status = child_capture(cli, argv, NULL, COMPLAINTS_BYTES_MAX, &output, &complaints, &code, err);
	if (status == HF_E_NO_PACKAGE) {
		cli_note(cli, "nobody knows whether the metadata of %s is fresh: holdfast-gen is missing", tree);
		return HF_OK;
	}
	*ret_fresh = status == HF_OK && code == 0;
	if (status != HF_OK || code == 0)
		return status;
	if (asked)
		return refused(tree, code, complaints, err);
	cli_note(cli, "queries are left out: the metadata of %s is stale (holdfast gen renews it)", tree);
	return HF_OK;
}

static enum hf_status read_all(struct cli *cli, const char *tree, bool asked, struct usage *usage, hf_error *err)
{
	struct hf_str folder = arena_printf(cli->arena, "%s/meta", tree);
	struct dirent **groups;
	if (!folder.ptr)
		return error_nomem(err);
	int count = list_folder(folder.ptr, visible, &groups);
	if (count < 0 && asked)
		return error_errno(err, HF_E_USAGE, "--sql: could not read %s", folder.ptr);
	enum hf_status status = HF_OK;
	for (int i = 0; status == HF_OK && i < count; i++)
		status = read_group(cli, folder.ptr, groups[i]->d_name, usage, err);
	free_entries(groups, count);
	return status;
}

enum hf_status usage_read(struct cli *cli, struct usage *ret_usage, hf_error *err)
{
	const char *asked = cli_text(cli, "sql"), *tree = asked ? asked : "sql";
	bool fresh = true;
	*ret_usage = (struct usage){0};
	enum hf_status status = read_all(cli, tree, asked != NULL, ret_usage, err);
	if (status == HF_OK && ret_usage->count > 0)
		status = check_fresh(cli, tree, asked != NULL, &fresh, err);
	if (!fresh)
		ret_usage->count = 0;
	if (ret_usage->count > 1)
		qsort(ret_usage->entries, ret_usage->count, sizeof(*ret_usage->entries), by_place);
	return status;
}
