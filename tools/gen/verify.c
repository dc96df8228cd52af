/*
 * verify.c - old metadata becomes a group of queries without files: the statement is its own source. That group is
 * described like any other, into findings of its own, and then compared.
 *
 * The metadata is foreign input: whatever it lacks is a finding or an error, never an assumption.
 */
#include "gen/verify.h"

#include <jansson.h>

#include "base/error.h"
#include "gen/check.h"
#include "gen/cname.h"
#include "gen/describe.h"
#include "gen/meta.h"
#include "gen/server.h"

DEFINE_OWNED(json, json_t *, json_decref)

struct verifying {
	struct group group; /* the queries of then, the migrations of today */
	bool strict;        /* of then: a label that it does not know is an error, unless a column is open */
	struct diags *diags;
	struct diags described; /* what the description said */
	const char *schema;     /* what the digests of then count; NULL in a format without digests */
	json_t *types;          /* of then */
	json_t **queries;       /* the metadata of each query, in the order of the group's sources */
};

static const char *text_of(hf_arena *arena, json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? mem_text(arena, hf_str_of(text)) : "";
}

static struct diag *broke(struct verifying *verifying, const struct query *query, const char *message)
{
	struct diag *diag = diag_file(verifying->diags, query->source->path, "%s", message);
	diag->query = mem_printf(verifying->group.arena, "%s (%s)", query->name, cardinality_word(query->card));
	return diag;
}

/* ---- the queries of then ---- */

static void read_params(struct verifying *verifying, struct query *query, json_t *list)
{
	hf_arena *arena = verifying->group.arena;
	query->nparams = json_array_size(list);
	query->params = MEM_ARRAY(arena, query->nparams + 1, struct param);
	for (size_t i = 0; i < query->nparams; i++) {
		query->params[i].name = text_of(arena, json_array_get(list, i), "name");
		query->params[i].member = cname_member(arena, query->params[i].name);
	}
}

/* A base type that was imported must be let in again. */
static void read_imports(struct verifying *verifying, struct source *source)
{
	hf_arena *arena = verifying->group.arena;
	const char *name;
	json_t *type;
	json_object_foreach (verifying->types, name, type) {
		if (strcmp(text_of(arena, type, "kind"), "import") != 0 || !type_builtin(text_of(arena, type, "of")))
			continue;
		source->imports = mem_grow(arena, source->imports, source->nimports, sizeof(struct import));
		source->imports[source->nimports++] =
			(struct import){mem_text(arena, hf_str_of(name)), text_of(arena, type, "of"), {0, 0}};
	}
}

static bool add_query(struct verifying *verifying, const char *path, json_t *value)
{
	struct group *group = &verifying->group;
	hf_arena *arena = group->arena;
	struct query *query = MEM_NEW(arena, struct query);
	struct source *source = MEM_NEW(arena, struct source);
	query->name = text_of(arena, value, "query");
	query->card = cardinality_of(hf_str_of(text_of(arena, value, "cardinality")));
	query->sql = query->run_sql = text_of(arena, value, "text");
	query->source = source;
	if (!*query->name || !*query->sql || query->card == CARD_NONE)
		return false;
	read_params(verifying, query, json_object_get(value, "params"));
	read_imports(verifying, source);
	source->path = path;
	source->group = group->name;
	source->stem = query->name;
	source->text = hf_str_of(query->sql);
	source->queries = MEM_NEW(arena, struct query *);
	source->queries[source->nqueries++] = query;
	group->sources = mem_grow(arena, group->sources, group->nsources, sizeof(*group->sources));
	verifying->queries = mem_grow(arena, verifying->queries, group->nsources, sizeof(*verifying->queries));
	verifying->queries[group->nsources] = json_incref(value);
	group->sources[group->nsources++] = source;
	return true;
}

/* The parameters of that name. Whether one may be NULL is known for all variants together, not for each. */
static json_t *params_of(json_t *all, json_t *names)
{
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		for (size_t j = 0; name && j < json_array_size(all); j++) {
			const char *other = json_string_value(json_object_get(json_array_get(all, j), "name"));
			if (!other || strcmp(name, other) != 0)
				continue;
			json_t *param = json_copy(json_array_get(all, j));
			json_object_set_new(param, "nullable", json_false());
			json_array_append_new(list, param);
		}
	}
	return list;
}

/* A query with variants is a query for each: whichever the program chooses must go on working. */
static bool add_variants(struct verifying *verifying, const char *path, json_t *value)
{
	json_t *variants = json_object_get(value, "variants");
	bool fine = json_array_size(variants) || add_query(verifying, path, value);
	for (size_t i = 0; fine && i < json_array_size(variants); i++) {
		json_t *variant = json_array_get(variants, i);
		CLEANUP(json_freep) json_t *one = json_copy(value);
		json_t *params = params_of(json_object_get(value, "params"), json_object_get(variant, "params"));
		json_object_set(one, "text", json_object_get(variant, "text"));
		json_object_set_new(one, "params", params);
		fine = add_query(verifying, path, one);
	}
	return fine;
}

/* A file that is not as the compiler wrote it says nothing of what is running. */
static bool is_genuine(struct verifying *verifying, const char *path, json_t *value)
{
	const char *fault = NULL;
	if (value && verifying->schema)
		fault = meta_fault(verifying->group.arena, path, verifying->schema, value);
	if (!fault)
		return true;
	struct diag *diag = diag_file(verifying->diags, path, "stale: %s", fault);
	diag_stale(verifying->diags, diag);
	diag->hint = "take the metadata of that release again";
	return false;
}

static enum hf_status read_query(struct verifying *verifying, const char *file, hf_error *err)
{
	hf_arena *arena = verifying->group.arena;
	const char *path = mem_printf(arena, "%s/%s", verifying->group.meta_dir, file), *fault;
	if (meta_is_reserved(file))
		return HF_OK;
	CLEANUP(json_freep) json_t *value = NULL;
	enum hf_status status = meta_load(arena, path, &value, &fault, err);
	if (status == HF_OK && is_genuine(verifying, path, value) && !add_variants(verifying, path, value))
		diag_file(verifying->diags, path, "this is not the metadata of a query");
	return status;
}

static enum hf_status check_manifest(struct verifying *verifying, hf_error *err)
{
	hf_arena *arena = verifying->group.arena;
	const char *path = mem_printf(arena, "%s/manifest.json", verifying->group.meta_dir), *fault;
	CLEANUP(json_freep) json_t *value = NULL;
	enum hf_status status = meta_load(arena, path, &value, &fault, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_USAGE, "%s is not metadata of queries: it has no manifest.json",
		                 verifying->group.meta_dir);
	json_int_t format = json_integer_value(json_object_get(value, "format"));
	if (status == HF_OK && format == 1)
		return error_set(err, HF_E_USAGE, "%s was written by a compiler that did not keep the statements' text",
		                 verifying->group.meta_dir);
	if (status == HF_OK && (format < 2 || format > META_FORMAT))
		return error_set(err, HF_E_USAGE, "%s was written by another version of the compiler",
		                 verifying->group.meta_dir);
	if (status == HF_OK && format >= META_FORMAT_DIGESTS) {
		verifying->schema = "";
		verifying->schema = is_genuine(verifying, path, value) ? meta_schema(arena, value) : NULL;
	}
	verifying->strict = format >= META_FORMAT_OPEN;
	return status;
}

static enum hf_status read_types(struct verifying *verifying, hf_error *err)
{
	hf_arena *arena = verifying->group.arena;
	const char *path = mem_printf(arena, "%s/types.json", verifying->group.meta_dir), *fault;
	enum hf_status status = meta_load(arena, path, &verifying->types, &fault, err);
	if (status == HF_OK)
		(void)is_genuine(verifying, path, verifying->types);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status read_then(struct verifying *verifying, hf_error *err)
{
	const struct group *group = &verifying->group;
	const char **files;
	size_t count;
	enum hf_status status = check_manifest(verifying, err);
	if (status == HF_OK)
		status = read_types(verifying, err);
	if (status == HF_OK)
		status = folder_list(group->arena, group->meta_dir, ".json", &files, &count, err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = read_query(verifying, files[i], err);
	return status;
}

/* ---- then and now ---- */

static void compare_param(struct verifying *verifying, const struct query *query, size_t i, json_t *then)
{
	hf_arena *arena = verifying->group.arena;
	const struct param *now = &query->params[i];
	const char *type = text_of(arena, then, "type"), *rule = text_of(arena, then, "rule");
	if (!now->type)
		return;
	if (strcmp(type, now->type->name) != 0)
		broke(verifying, query,
		      mem_printf(arena, "parameter \"%s\" was %s and is %s now", now->name, type, now->type->name));
	else if (json_is_true(json_object_get(then, "nullable")) && !now->nullable && strcmp(rule, "annotated") != 0)
		broke(verifying, query,
		      mem_printf(arena, "parameter \"%s\" could be NULL and may not be NULL now", now->name));
}

static bool had_label(json_t *labels, const char *label)
{
	for (size_t i = 0; i < json_array_size(labels); i++) {
		const char *then = json_string_value(json_array_get(labels, i));
		if (then && strcmp(then, label) == 0)
			return true;
	}
	return false;
}

static void compare_labels(struct verifying *verifying, const struct query *query, const char *column,
                           const struct type *now)
{
	json_t *then = json_object_get(json_object_get(verifying->types, now->name), "labels");
	hf_arena *arena = verifying->group.arena;
	for (size_t i = 0; then && i < now->count; i++)
		if (!had_label(then, now->labels[i]))
			broke(verifying, query,
			      mem_printf(arena, "column \"%s\" cannot take the new label \"%s\" of type %s", column,
			                 now->labels[i], now->name))
				->hint =
				mem_printf(arena,
			                   "roll out programs that know it first; a column whose labels are only "
			                   "shown can be annotated, -- col %s: open",
			                   column);
}

/* All enums that a value of the column can bring. */
static void compare_enums(struct verifying *verifying, const struct query *query, const char *column,
                          const struct type *now)
{
	if (now->origin == TYPE_ENUM)
		compare_labels(verifying, query, column, now);
	for (size_t i = 0; now->fields && i < now->count; i++)
		compare_enums(verifying, query, column, now->fields[i].type);
	if (now->base)
		compare_enums(verifying, query, column, now->base);
	else if (now->element)
		compare_enums(verifying, query, column, now->element);
}

static void compare_column(struct verifying *verifying, const struct query *query, size_t i, json_t *then)
{
	hf_arena *arena = verifying->group.arena;
	const struct column *now = &query->columns[i];
	const char *name = text_of(arena, then, "name"), *type = text_of(arena, then, "type");
	const char *rule = text_of(arena, then, "rule");
	if (strcmp(name, now->name) != 0)
		broke(verifying, query,
		      mem_printf(arena, "column %zu was \"%s\" and is \"%s\" now", i + 1, name, now->name));
	else if (now->type && strcmp(type, now->type->name) != 0)
		broke(verifying, query,
		      mem_printf(arena, "column \"%s\" was %s and is %s now", name, type, now->type->name));
	else if (!json_is_true(json_object_get(then, "nullable")) && now->nullable && strcmp(rule, "annotated") != 0)
		broke(verifying, query,
		      mem_printf(arena, "column \"%s\" was never NULL (%s) and may be NULL now", name, rule));
	else if (now->type && verifying->strict && !json_is_true(json_object_get(then, "open")))
		compare_enums(verifying, query, name, now->type);
}

/* The description's own words, about a statement that it could not take. */
static void forward(struct verifying *verifying, const struct query *query)
{
	for (size_t i = 0; i < verifying->described.count; i++) {
		const struct diag *diag = &verifying->described.items[i];
		if (diag->source == query->source && !diag->warning)
			broke(verifying, query, diag->message);
	}
}

/* The server prepares an INSERT that leaves a new NOT NULL column out; only running it fails. */
static void check_inserts(struct verifying *verifying, const struct query *query, json_t *then)
{
	if (json_array_size(json_object_get(then, "allows")))
		return;
	for (size_t i = 0; i < verifying->described.count; i++) {
		const struct diag *diag = &verifying->described.items[i];
		if (diag->source == query->source && diag->rule && strcmp(diag->rule, RULE_INSERT_NULL) == 0)
			broke(verifying, query, diag->message);
	}
}

static void compare_query(struct verifying *verifying, const struct query *query, json_t *then)
{
	json_t *params = json_object_get(then, "params"), *columns = json_object_get(then, "columns");
	if (query->broken) {
		forward(verifying, query);
		return;
	}
	check_inserts(verifying, query, then);
	for (size_t i = 0; i < query->nparams; i++)
		compare_param(verifying, query, i, json_array_get(params, i));
	if (query->ncolumns != json_array_size(columns)) {
		broke(verifying, query,
		      mem_printf(verifying->group.arena, "the statement had %zu columns and has %zu now",
		                 json_array_size(columns), query->ncolumns));
		return;
	}
	for (size_t i = 0; i < query->ncolumns; i++)
		compare_column(verifying, query, i, json_array_get(columns, i));
}

/* ---- types ---- */

static void type_broke(struct verifying *verifying, const char *message)
{
	(void)diag_file(verifying->diags,
	                mem_printf(verifying->group.arena, "%s/types.json", verifying->group.meta_dir), "%s", message);
}

static bool has_label(const struct type *type, const char *label)
{
	for (size_t i = 0; i < type->count; i++)
		if (strcmp(type->labels[i], label) == 0)
			return true;
	return false;
}

/* A label less is refused by the server; for one more see compare_enums(). */
static void compare_enum(struct verifying *verifying, const struct type *now, json_t *labels)
{
	for (size_t i = 0; i < json_array_size(labels); i++) {
		const char *label = json_string_value(json_array_get(labels, i));
		if (label && !has_label(now, label))
			type_broke(verifying,
			           mem_printf(verifying->group.arena, "type %s had a label \"%s\" and has none now",
			                      now->name, label));
	}
}

static void compare_composite(struct verifying *verifying, const struct type *now, json_t *fields)
{
	hf_arena *arena = verifying->group.arena;
	bool same = json_array_size(fields) == now->count;
	for (size_t i = 0; same && i < now->count; i++) {
		json_t *field = json_array_get(fields, i);
		same = strcmp(text_of(arena, field, "name"), now->fields[i].name) == 0 &&
		       strcmp(text_of(arena, field, "type"), now->fields[i].type->name) == 0;
	}
	if (!same)
		type_broke(verifying, mem_printf(arena, "type %s had other fields", now->name));
}

static void compare_type(struct verifying *verifying, const struct type *now, json_t *then)
{
	hf_arena *arena = verifying->group.arena;
	const char *kind = text_of(arena, then, "kind"), *of = text_of(arena, then, "of");
	if (now->origin == TYPE_ENUM && strcmp(kind, "enum") == 0)
		compare_enum(verifying, now, json_object_get(then, "labels"));
	else if (now->origin == TYPE_COMPOSITE && strcmp(kind, "composite") == 0)
		compare_composite(verifying, now, json_object_get(then, "fields"));
	else if (now->origin == TYPE_DOMAIN && strcmp(kind, "domain") == 0 && strcmp(of, now->base->name) != 0)
		type_broke(verifying, mem_printf(arena, "type %s was a domain over %s and is one over %s now",
		                                 now->name, of, now->base->name));
}

static void compare_types(struct verifying *verifying)
{
	const struct types *types = &verifying->group.types;
	for (size_t i = 0; i < types->count; i++)
		compare_type(verifying, types->items[i], json_object_get(verifying->types, types->items[i]->name));
}

/* ---- groups ---- */

static enum hf_status describe_then(hf_context *ctx, struct verifying *verifying, const char *database, hf_error *err)
{
	struct server server;
	enum hf_status status = server_open(ctx, database, &verifying->group, &server, err);
	if (status == HF_OK)
		status = describe_group(&verifying->group, server.connection, &verifying->described, err);
	server_close(&server);
	return status;
}

static void release(struct verifying *verifying)
{
	for (size_t i = 0; i < verifying->group.nsources; i++)
		json_decref(verifying->queries[i]);
	json_decref(verifying->types);
	group_deinit(&verifying->group);
}

static enum hf_status verify_group(hf_context *ctx, hf_arena *arena, const struct verify_options *options,
                                   const char *name, struct diags *diags, hf_error *err)
{
	struct verifying verifying = {.diags = diags};
	struct group *group = &verifying.group;
	*group = (struct group){.arena = arena, .name = name, .types = {.arena = arena}};
	group->meta_dir = mem_printf(arena, "%s/%s", options->meta_dir, name);
	group->migrations_dir = mem_printf(arena, "%s/migrations/%s", options->sql_dir, name);
	diags_init(&verifying.described, arena);
	enum hf_status status = read_then(&verifying, err);
	if (status == HF_OK)
		status = hf_migrations_open(ctx, name, group->migrations_dir, &group->migrations, err);
	if (status == HF_NOT_FOUND)
		status = HF_OK;
	if (status == HF_OK && group->nsources)
		status = describe_then(ctx, &verifying, options->database, err);
	const char *broken = ""; /* once for all variants of a query is enough */
	for (size_t i = 0; status == HF_OK && i < group->nsources; i++) {
		size_t before = diags->count;
		const char *path = group->sources[i]->path;
		if (strcmp(path, broken) != 0)
			compare_query(&verifying, group->sources[i]->queries[0], verifying.queries[i]);
		if (diags->count > before)
			broken = path;
	}
	if (status == HF_OK)
		compare_types(&verifying);
	release(&verifying);
	return status;
}

enum hf_status verify_run(hf_context *ctx, hf_arena *arena, const struct verify_options *options, struct diags *diags,
                          hf_error *err)
{
	const char **names = options->only;
	size_t count = options->nonly;
	enum hf_status status = HF_OK;
	if (!count)
		status = groups_below(arena, options->meta_dir, &names, &count, err);
	if (status == HF_OK && !count)
		return error_set(err, HF_E_USAGE, "%s holds no metadata: it should have a folder per group of queries",
		                 options->meta_dir);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		if (!name_is_plain(hf_str_of(names[i])))
			return error_set(err, HF_E_USAGE, "\"%s\" cannot be the name of a group: a-z, 0-9 and _ only",
			                 names[i]);
		status = verify_group(ctx, arena, options, names[i], diags, err);
	}
	return status;
}
