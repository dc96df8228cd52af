/*
 * meta_write.c - metadata to files. A file whose content did not change is not touched.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "gen/check.h"
#include "gen/constraints.h"
#include "gen/meta.h"
#include "gen/rewrite.h"

DEFINE_OWNED(json, json_t *, json_decref)

struct writing {
	const struct group *group;
	const char *schema; /* meta_schema() */
	enum hf_status status;
	hf_error *err;
};

/* The object with its digest, which is the last thing to be said of it, as NAME.json. */
static enum hf_status write_json(const struct writing *writing, const char *name, json_t *value)
{
	hf_arena *arena = writing->group->arena;
	hf_error *err = writing->err;
	const char *path = mem_printf(arena, "%s/%s.json", writing->group->meta_dir, name);
	json_object_set_new(value, "digest", json_string(meta_digest(arena, path, writing->schema, value)));
	char *text = json_dumps(value, JSON_SORT_KEYS | JSON_INDENT(2));
	if (!text)
		return error_nomem(err);
	struct buf buf;
	buf_init(&buf, (size_t)256 << 20);
	buf_add_text(&buf, text);
	buf_add_char(&buf, '\n');
	free(text);
	enum hf_status status = buf_ok(&buf) ? file_write(path, buf_str(&buf), err) : error_nomem(err);
	buf_deinit(&buf);
	return status;
}

static json_t *params_json(const struct query *query)
{
	json_t *list = json_array();
	for (size_t i = 0; i < query->ninputs; i++) {
		const struct param *param = &query->inputs[i];
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:b, s:s}", "name", param->name, "type", param->type->name,
		                                "nullable", (int)param->nullable, "rule", param->rule));
	}
	return list;
}

static json_t *columns_json(const struct query *query)
{
	json_t *list = json_array();
	for (size_t i = 0; i < query->ncolumns; i++) {
		const struct column *column = &query->columns[i];
		json_t *item = json_pack("{s:s, s:s, s:b, s:s}", "name", column->name, "type", column->type->name,
		                         "nullable", (int)column->nullable, "rule", column->rule);
		if (column->open)
			json_object_set_new(item, "open", json_true());
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *depends_json(const struct depends *depends)
{
	json_t *list = json_array();
	for (size_t i = 0; i < depends->count; i++)
		json_array_append_new(list, json_string(depends->items[i]));
	return list;
}

/* Text and parameters of each, by the fragments and the order that make it. */
static json_t *variants_json(const struct query *query)
{
	json_t *list = json_array();
	for (size_t i = 0; i < query->nvariants; i++) {
		const struct query *variant = query->variants[i];
		json_t *params = json_array();
		for (size_t j = 0; j < variant->nparams; j++)
			json_array_append_new(params, json_string(variant->params[j].name));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "variant", variant->variant, "text",
		                                      meta_text(variant), "params", params));
	}
	return list;
}

static bool query_allows(const struct query *query, const char *rule)
{
	bool found = false;
	for (size_t i = 0; i < query->allows.count; i++)
		found = found || strcmp(query->allows.items[i].name, rule) == 0;
	return found;
}

static void write_query(void *user, struct query *query)
{
	struct writing *writing = user;
	hf_arena *arena = writing->group->arena;
	if (writing->status != HF_OK)
		return;
	rewrite_star(query, arena);
	for (size_t i = 0; i < query->nvariants; i++)
		rewrite_star(query->variants[i], arena);
	CLEANUP(json_freep)
	json_t *value =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "query", query->name, "cardinality",
	                  cardinality_word(query->card), "sql", meta_sql_digest(arena, query), "text", meta_text(query),
	                  "annotations", meta_annotations_digest(arena, query), "params", params_json(query), "columns",
	                  columns_json(query), "reads", depends_json(&query->reads), "writes",
	                  depends_json(&query->writes), "read_only", (int)query->read_only);
	if (query_allows(query, RULE_INSERT_NULL)) /* not to be said again by the next release */
		json_object_set_new(value, "allows", json_pack("[s]", RULE_INSERT_NULL));
	if (query->nvariants)
		json_object_set_new(value, "variants", variants_json(query));
	writing->status = write_json(writing, query->name, value);
}

static json_t *type_json(const struct type *type)
{
	static const char *const words[] = {"builtin", "enum",   "composite", "array",
	                                    "domain",  "import", "range",     "multirange"};
	json_t *value = json_pack("{s:s}", "kind", words[type->origin]);
	if (type->origin == TYPE_ENUM) {
		json_t *labels = json_array();
		for (size_t i = 0; i < type->count; i++)
			json_array_append_new(labels, json_string(type->labels[i]));
		json_object_set_new(value, "labels", labels);
	} else if (type->origin == TYPE_COMPOSITE) {
		json_t *fields = json_array();
		for (size_t i = 0; i < type->count; i++)
			json_array_append_new(fields, json_pack("{s:s, s:s}", "name", type->fields[i].name, "type",
			                                        type->fields[i].type->name));
		json_object_set_new(value, "fields", fields);
	} else {
		json_object_set_new(value, "of", json_string(type->base ? type->base->name : type->element->name));
	}
	return value;
}

static enum hf_status write_types(const struct writing *writing)
{
	const struct group *group = writing->group;
	CLEANUP(json_freep) json_t *value = json_object();
	for (size_t i = 0; i < group->types.count; i++)
		json_object_set_new(value, group->types.items[i]->name, type_json(group->types.items[i]));
	return write_json(writing, "types", value);
}

static enum hf_status write_constraints(const struct writing *writing)
{
	const struct group *group = writing->group;
	json_t *list = json_array();
	for (size_t i = 0; i < group->nconstraints; i++) {
		const struct constraint *one = &group->constraints[i];
		json_t *item = json_pack("{s:s, s:s}", "table", one->table, "name", one->name);
		if (*one->parent_name)
			json_object_set_new(item, "parent",
			                    json_pack("{s:s, s:s}", "table", one->parent_table, "name",
			                              one->parent_name));
		json_array_append_new(list, item);
	}
	CLEANUP(json_freep) json_t *value = json_pack("{s:o}", "constraints", list);
	return write_json(writing, "constraints", value);
}

static json_t *manifest_json(const struct group *group)
{
	json_t *migrations = json_object();
	for (size_t i = 0; group->migrations && i < hf_migrations_count(group->migrations); i++) {
		const struct hf_migration *migration = hf_migrations_get(group->migrations, i);
		json_object_set_new(migrations, migration->file,
		                    json_string(meta_migration_digest(group->arena, migration)));
	}
	return json_pack("{s:i, s:o}", "format", META_FORMAT, "migrations", migrations);
}

static enum hf_status remove_orphans(const struct group *group, hf_error *err)
{
	const char **files;
	size_t count;
	enum hf_status status = folder_list(group->arena, group->meta_dir, ".json", &files, &count, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		struct hf_str name = {files[i], strlen(files[i]) - 5};
		if (group_has_query(group, mem_text(group->arena, name)) || meta_is_reserved(files[i]))
			continue;
		const char *path = mem_printf(group->arena, "%s/%s", group->meta_dir, files[i]);
		if (unlink(path) != 0 && errno != ENOENT)
			return error_errno(err, HF_E_CONFIG, "could not remove %s", path);
	}
	return status;
}

enum hf_status meta_write(const struct group *group, hf_error *err)
{
	CLEANUP(json_freep) json_t *manifest = manifest_json(group);
	struct writing writing = {group, meta_schema(group->arena, manifest), folder_make(group->meta_dir, err), err};
	group_each(group, write_query, &writing);
	if (writing.status == HF_OK)
		writing.status = write_types(&writing);
	if (writing.status == HF_OK)
		writing.status = write_constraints(&writing);
	writing.schema = "";
	if (writing.status == HF_OK)
		writing.status = write_json(&writing, "manifest", manifest);
	return writing.status == HF_OK ? remove_orphans(group, err) : writing.status;
}
