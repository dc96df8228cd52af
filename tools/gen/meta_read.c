/*
 * meta_read.c - metadata from files, checked against the sources that it describes. A file that does not fit is
 * stale, whatever the reason: the way out is the same.
 */
#include <jansson.h>

#include "base/error.h"
#include "gen/cname.h"
#include "gen/constraints.h"
#include "gen/meta.h"
#include "gen/rewrite.h"
#include "gen/variant.h"

#define TYPE_DEPTH_MAX 32

DEFINE_OWNED(json, json_t *, json_decref)

struct reading {
	struct group *group;
	struct diags *diags;
	const char *schema; /* meta_schema() of the manifest; NULL without one that counts */
	json_t *types;      /* borrowed */
	enum hf_status status;
	hf_error *err;
};

static void stale_query(struct reading *reading, struct query *query, const char *what)
{
	struct diag *diag = query_wrong(reading->diags, query, query->name_at, "stale: %s", what);
	diag_stale(reading->diags, diag);
}

static void stale_file(struct reading *reading, const char *path, const char *what)
{
	diag_stale(reading->diags, diag_file(reading->diags, path, "stale: %s", what));
}

/* A JSON object of a file; NULL without one. What the file is instead, or who wrote it, is a stale finding. */
static json_t *read_json(struct reading *reading, const char *path)
{
	hf_arena *arena = reading->group->arena;
	hf_error error = HF_ERROR_INIT;
	json_t *value = NULL;
	const char *fault = NULL;
	enum hf_status status = meta_load(arena, path, &value, &fault, &error);
	if (status != HF_OK && status != HF_NOT_FOUND) {
		reading->status = status;
		if (reading->err)
			*reading->err = error;
	}
	if (value && reading->schema)
		fault = meta_fault(arena, path, reading->schema, value);
	if (fault) {
		stale_file(reading, path, fault);
		json_decref(value);
	}
	return fault ? NULL : value;
}

/* One of those that every group has. */
static json_t *read_own(struct reading *reading, const char *file)
{
	const char *path = mem_printf(reading->group->arena, "%s/%s", reading->group->meta_dir, file);
	size_t before = reading->diags->stale;
	json_t *value = read_json(reading, path);
	if (!value && reading->status == HF_OK && reading->diags->stale == before)
		stale_file(reading, path, "no such file");
	return value;
}

static const char *text_of(struct reading *reading, json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? mem_text(reading->group->arena, hf_str_of(text)) : "";
}

/* ---- types ---- */

static const struct type *type_named(struct reading *reading, const char *name, int depth);

static const struct type *read_enum(struct reading *reading, const char *name, json_t *value)
{
	json_t *list = json_object_get(value, "labels");
	size_t count = json_array_size(list);
	const char **labels = MEM_ARRAY(reading->group->arena, count + 1, const char *), *why;
	for (size_t i = 0; i < count; i++) {
		const char *label = json_string_value(json_array_get(list, i));
		labels[i] = mem_text(reading->group->arena, hf_str_of(label ? label : ""));
	}
	return types_add_enum(&reading->group->types, name, labels, count, &why);
}

static const struct type *read_composite(struct reading *reading, const char *name, json_t *value, int depth)
{
	json_t *list = json_object_get(value, "fields");
	size_t count = json_array_size(list);
	struct type_field *fields = MEM_ARRAY(reading->group->arena, count + 1, struct type_field);
	const char *why;
	for (size_t i = 0; i < count; i++) {
		fields[i].name = text_of(reading, json_array_get(list, i), "name");
		fields[i].type = type_named(reading, text_of(reading, json_array_get(list, i), "type"), depth + 1);
		if (!fields[i].type)
			return NULL;
	}
	return types_add_composite(&reading->group->types, name, fields, count, &why);
}

static const struct type *read_type(struct reading *reading, const char *name, json_t *value, int depth)
{
	struct types *types = &reading->group->types;
	const char *kind = text_of(reading, value, "kind");
	if (strcmp(kind, "enum") == 0)
		return read_enum(reading, name, value);
	if (strcmp(kind, "composite") == 0)
		return read_composite(reading, name, value, depth);
	const struct type *of = type_named(reading, text_of(reading, value, "of"), depth + 1);
	if (!of)
		return NULL;
	if (strcmp(kind, "array") == 0)
		return types_add_array(types, of);
	if (strcmp(kind, "domain") == 0)
		return types_add_domain(types, name, of);
	if (strcmp(kind, "range") == 0)
		return types_add_range(types, name, of);
	if (strcmp(kind, "multirange") == 0)
		return types_add_multirange(types, name, of);
	return strcmp(kind, "import") == 0 ? types_add_import(types, name, of) : NULL;
}

static const struct type *type_named(struct reading *reading, const char *name, int depth)
{
	const struct type *known = types_find(&reading->group->types, name);
	json_t *value = json_object_get(reading->types, name);
	if (known || !value || depth > TYPE_DEPTH_MAX)
		return known;
	return read_type(reading, mem_text(reading->group->arena, hf_str_of(name)), value, depth);
}

/* ---- queries ---- */

static bool read_params(struct reading *reading, struct query *query, json_t *list)
{
	if (json_array_size(list) != query->ninputs)
		return false;
	for (size_t i = 0; i < query->ninputs; i++) {
		json_t *item = json_array_get(list, i);
		struct param *param = &query->inputs[i];
		param->type = type_named(reading, text_of(reading, item, "type"), 0);
		param->nullable = json_is_true(json_object_get(item, "nullable"));
		param->rule = text_of(reading, item, "rule");
		if (param->numbered)
			param->name = text_of(reading, item, "name");
		param->member = cname_member(reading->group->arena, param->name);
		if (query->card == CARD_BULK && param->type && !param->type->element)
			return false;
		if (!param->type || strcmp(param->name, text_of(reading, item, "name")) != 0)
			return false;
	}
	return true;
}

static bool read_columns(struct reading *reading, struct query *query, json_t *list)
{
	size_t count = json_array_size(list);
	if (cardinality_has_rows(query->card) && count == 0)
		return false;
	query->columns = MEM_ARRAY(reading->group->arena, count + 1, struct column);
	query->ncolumns = count;
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_array_get(list, i);
		struct column *column = &query->columns[i];
		column->name = text_of(reading, item, "name");
		column->member = cname_member(reading->group->arena, column->name);
		column->where = query->name_at;
		column->type = type_named(reading, text_of(reading, item, "type"), 0);
		column->nullable = json_is_true(json_object_get(item, "nullable"));
		column->open = json_is_true(json_object_get(item, "open"));
		column->rule = text_of(reading, item, "rule");
		if (!column->type || !*column->name)
			return false;
	}
	return true;
}

static void share(struct query *query, hf_arena *arena)
{
	variants_share(query);
	rewrite_star(query, arena);
	for (size_t i = 0; i < query->nvariants; i++)
		rewrite_star(query->variants[i], arena);
}

static void read_query(void *user, struct query *query)
{
	struct reading *reading = user;
	hf_arena *arena = reading->group->arena;
	size_t before = reading->diags->stale;
	if (query->broken || reading->status != HF_OK)
		return;
	CLEANUP(json_freep)
	json_t *value = read_json(reading, mem_printf(arena, "%s/%s.json", reading->group->meta_dir, query->name));
	if (reading->status != HF_OK || reading->diags->stale > before)
		return;
	query->read_only = json_is_true(json_object_get(value, "read_only"));
	if (!value)
		stale_query(reading, query, mem_printf(arena, "query \"%s\" has no metadata", query->name));
	else if (strcmp(text_of(reading, value, "sql"), meta_sql_digest(arena, query)) != 0)
		stale_query(reading, query, mem_printf(arena, "the SQL of \"%s\" was edited", query->name));
	else if (strcmp(text_of(reading, value, "annotations"), meta_annotations_digest(arena, query)) != 0)
		stale_query(reading, query, mem_printf(arena, "the annotations of \"%s\" were edited", query->name));
	else if (!read_params(reading, query, json_object_get(value, "params")) ||
	         !read_columns(reading, query, json_object_get(value, "columns")))
		stale_query(reading, query, mem_printf(arena, "the metadata of \"%s\" does not fit", query->name));
	else
		share(query, arena);
}

/* ---- the group ---- */

static void check_migrations(struct reading *reading, const char *path, json_t *recorded)
{
	const struct group *group = reading->group;
	size_t count = group->migrations ? hf_migrations_count(group->migrations) : 0;
	for (size_t i = 0; i < count; i++) {
		const struct hf_migration *migration = hf_migrations_get(group->migrations, i);
		const char *then = json_string_value(json_object_get(recorded, migration->file));
		const char *file = mem_printf(group->arena, "%s/%s", group->migrations_dir, migration->file);
		if (!then)
			stale_file(reading, file, "the migration is newer than the metadata of the queries");
		else if (strcmp(then, meta_migration_digest(group->arena, migration)) != 0)
			stale_file(reading, file, "the migration was edited after the queries were described");
	}
	const char *file;
	json_t *digest;
	json_object_foreach (recorded, file, digest) {
		bool found = false;
		for (size_t i = 0; i < count && !found; i++)
			found = strcmp(hf_migrations_get(group->migrations, i)->file, file) == 0;
		if (!found)
			stale_file(reading, path, mem_printf(group->arena, "migration %s is gone", file));
	}
}

/* From here on digests are looked at. One of another format says nothing of the other files. */
static void check_manifest(struct reading *reading)
{
	hf_arena *arena = reading->group->arena;
	const char *path = mem_printf(arena, "%s/manifest.json", reading->group->meta_dir);
	CLEANUP(json_freep) json_t *value = read_own(reading, "manifest.json");
	const char *fault = value ? meta_fault(arena, path, "", value) : NULL;
	if (!value)
		return;
	if (json_integer_value(json_object_get(value, "format")) != META_FORMAT)
		stale_file(reading, path, "written by another version of the compiler");
	else if (fault)
		stale_file(reading, path, fault);
	else
		check_migrations(reading, path, json_object_get(value, "migrations"));
	if (!fault)
		reading->schema = meta_schema(arena, value);
}

static void read_constraints(struct reading *reading)
{
	struct group *group = reading->group;
	CLEANUP(json_freep) json_t *value = read_own(reading, "constraints.json");
	json_t *list = json_object_get(value, "constraints");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i), *parent = json_object_get(item, "parent");
		struct constraint one = {text_of(reading, item, "table"), text_of(reading, item, "name"),
		                         text_of(reading, parent, "table"), text_of(reading, parent, "name")};
		group->constraints = mem_grow(group->arena, group->constraints, group->nconstraints, sizeof(one));
		group->constraints[group->nconstraints++] = one;
	}
}

static void check_orphans(struct reading *reading)
{
	const struct group *group = reading->group;
	const char **files;
	size_t count;
	if (folder_list(group->arena, group->meta_dir, ".json", &files, &count, NULL) != HF_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		struct hf_str name = {files[i], strlen(files[i]) - 5};
		bool found = group_has_query(group, mem_text(group->arena, name));
		if (!found && !meta_is_reserved(files[i]))
			stale_file(reading, mem_printf(group->arena, "%s/%s", group->meta_dir, files[i]),
			           "no query has that name any more");
	}
}

enum hf_status meta_read(struct group *group, struct diags *diags, hf_error *err)
{
	struct reading reading = {.group = group, .diags = diags, .err = err};
	check_manifest(&reading);
	CLEANUP(json_freep) json_t *types = read_own(&reading, "types.json");
	reading.types = types;
	read_constraints(&reading);
	if (types || !reading.schema) /* else nothing fits, and one finding says why */
		group_each(group, read_query, &reading);
	check_orphans(&reading);
	return reading.status;
}
