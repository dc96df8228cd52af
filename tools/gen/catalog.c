/*
 * catalog.c - pulling and searching the catalog.
 */
#include "gen/catalog.h"

#include <stdlib.h>

/* ---- pulling ---- */

typedef void fill_fn(hf_arena *arena, void *item, const struct hf_value *values);

struct pull {
	hf_arena *arena;
	struct catalog_table *table;
	fill_fn *fill;
};

static enum hf_status pull_row(void *user, const struct hf_sql_row *row, hf_error *err)
{
	(void)err;
	struct pull *pull = user;
	struct catalog_table *table = pull->table;
	table->items = mem_grow(pull->arena, table->items, table->count, table->size);
	pull->fill(pull->arena, (char *)table->items + table->count++ * table->size, row->values);
	return HF_OK;
}

static uint32_t oid_of(struct hf_value value)
{
	return value.kind == HF_VALUE_INT ? (uint32_t)value.as.i : 0;
}

static const char *text_of(hf_arena *arena, struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT ? mem_text(arena, value.as.s) : "";
}

static char char_of(struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT && value.as.s.len ? value.as.s.ptr[0] : '\0';
}

static bool bool_of(struct hf_value value)
{
	return value.kind == HF_VALUE_BOOL && value.as.b;
}

static void fill_type(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_type *)item =
		(struct catalog_type){oid_of(v[0]),  text_of(arena, v[1]), text_of(arena, v[2]), char_of(v[3]),
	                              bool_of(v[4]), oid_of(v[5]),         oid_of(v[6]),         oid_of(v[7])};
}

static void fill_column(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_column *)item = (struct catalog_column){oid_of(v[0]), (int32_t)v[1].as.i, text_of(arena, v[2]),
	                                                         oid_of(v[3]), bool_of(v[4])};
}

static void fill_relation(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(struct catalog_relation *)item = (struct catalog_relation){oid_of(v[0]), char_of(v[1])};
}

static void fill_function(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_function *)item = (struct catalog_function){oid_of(v[0]), text_of(arena, v[1]), bool_of(v[2]),
	                                                             char_of(v[3]), text_of(arena, v[4])};
}

static void fill_operator(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_operator *)item =
		(struct catalog_operator){oid_of(v[0]), text_of(arena, v[1]), oid_of(v[2]), oid_of(v[3]), oid_of(v[4])};
}

static void fill_pair(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(struct catalog_pair *)item = (struct catalog_pair){oid_of(v[0]), oid_of(v[1])};
}

static void fill_label(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_label *)item = (struct catalog_label){oid_of(v[0]), text_of(arena, v[1])};
}

/* clang-format off */
static const char types_sql[] =
	"SELECT t.oid, t.typname::text, quote_ident(n.nspname) || '.' || quote_ident(t.typname), t.typtype::text,"
	" n.nspname = 'pg_catalog', coalesce(e.oid, 0::oid), t.typbasetype, t.typrelid"
	" FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
	" LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid ORDER BY t.oid";
static const char columns_sql[] =
	"SELECT attrelid, attnum, attname::text, atttypid, attnotnull FROM pg_catalog.pg_attribute"
	" WHERE attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum";
static const char relations_sql[] =
	"SELECT oid, relkind::text FROM pg_catalog.pg_class ORDER BY oid";
static const char functions_sql[] =
	"SELECT oid, proname::text, proisstrict, provolatile::text, proargtypes::text"
	" FROM pg_catalog.pg_proc ORDER BY oid";
static const char operators_sql[] =
	"SELECT oid, oprname::text, oprleft, oprright, oprcode::oid FROM pg_catalog.pg_operator ORDER BY oid";
static const char inherits_sql[] =
	"SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits ORDER BY inhparent, inhrelid";
static const char labels_sql[] =
	"SELECT enumtypid, enumlabel::text FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder";
/* clang-format on */

enum hf_status catalog_load(struct catalog *catalog, hf_arena *arena, hf_where where, hf_error *err)
{
	*catalog = (struct catalog){.arena = arena};
	const struct {
		struct catalog_table *table;
		size_t size;
		fill_fn *fill;
		const char *sql;
	} pulls[] = {
		{&catalog->types, sizeof(struct catalog_type), fill_type, types_sql},
		{&catalog->columns, sizeof(struct catalog_column), fill_column, columns_sql},
		{&catalog->relations, sizeof(struct catalog_relation), fill_relation, relations_sql},
		{&catalog->functions, sizeof(struct catalog_function), fill_function, functions_sql},
		{&catalog->operators, sizeof(struct catalog_operator), fill_operator, operators_sql},
		{&catalog->inherits, sizeof(struct catalog_pair), fill_pair, inherits_sql},
		{&catalog->labels, sizeof(struct catalog_label), fill_label, labels_sql},
	};
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < ARRAY_LEN(pulls) && status == HF_OK; i++) {
		*pulls[i].table = (struct catalog_table){.size = pulls[i].size};
		struct pull pull = {arena, pulls[i].table, pulls[i].fill};
		status = hf_sql_each(where, hf_str_of(pulls[i].sql), NULL, 0, pull_row, &pull, err);
	}
	return status;
}

/* ---- searching ---- */

static uint32_t key_at(const struct catalog_table *table, size_t index)
{
	uint32_t key;
	memcpy(&key, (const char *)table->items + index * table->size, sizeof(key));
	return key;
}

/* Index of the first item whose key is not below `oid`. */
static size_t first_of(const struct catalog_table *table, uint32_t oid)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (key_at(table, middle) < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const void *find(const struct catalog_table *table, uint32_t oid)
{
	size_t at = first_of(table, oid);
	if (at >= table->count || key_at(table, at) != oid)
		return NULL;
	return (const char *)table->items + at * table->size;
}

const struct catalog_function *catalog_function(const struct catalog *catalog, uint32_t oid)
{
	return find(&catalog->functions, oid);
}

const struct catalog_operator *catalog_operator(const struct catalog *catalog, uint32_t oid)
{
	return find(&catalog->operators, oid);
}

static const struct catalog_column *find_column(const struct catalog *catalog, uint32_t relation, int64_t number)
{
	const struct catalog_column *columns = catalog->columns.items;
	for (size_t i = first_of(&catalog->columns, relation);
	     i < catalog->columns.count && columns[i].relation == relation; i++)
		if (columns[i].number == number)
			return &columns[i];
	return NULL;
}

static const struct catalog_column *find_column_named(const struct catalog *catalog, uint32_t relation,
                                                      const char *name)
{
	const struct catalog_column *columns = catalog->columns.items;
	for (size_t i = first_of(&catalog->columns, relation);
	     i < catalog->columns.count && columns[i].relation == relation; i++)
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

static bool is_table(const struct catalog *catalog, uint32_t relation)
{
	const struct catalog_relation *found = find(&catalog->relations, relation);
	return found && (found->kind == 'r' || found->kind == 'p');
}

/* By name: a child's columns may stand in another order. */
static bool never_null_below(const struct catalog *catalog, uint32_t relation, const char *column, int depth)
{
	const struct catalog_pair *pairs = catalog->inherits.items;
	const struct catalog_column *found = find_column_named(catalog, relation, column);
	if (depth > 64 || !found || !found->not_null || !is_table(catalog, relation))
		return false;
	for (size_t i = first_of(&catalog->inherits, relation);
	     i < catalog->inherits.count && pairs[i].parent == relation; i++)
		if (!never_null_below(catalog, pairs[i].child, column, depth + 1))
			return false;
	return true;
}

bool catalog_never_null(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = find_column(catalog, relation, column);
	return found && never_null_below(catalog, relation, found->name, 0);
}

bool catalog_may_be_null(const struct catalog *catalog, uint32_t relation, int64_t column)
{
	const struct catalog_column *found = find_column(catalog, relation, column);
	return found && !found->not_null && is_table(catalog, relation);
}

/* ---- types ---- */

const char *catalog_type_name(const struct catalog *catalog, uint32_t oid)
{
	const struct catalog_type *found = find(&catalog->types, oid);
	if (!found)
		return "?";
	if (found->element)
		return mem_printf(catalog->arena, "%s[]", catalog_type_name(catalog, found->element));
	return found->builtin ? found->name : found->qualified;
}

struct want {
	const struct catalog *catalog;
	struct types *types;
	const struct source *source;
	const char *why, *hint;
	int depth; /* of composites and domains in each other */
};

static const struct type *want_type(struct want *want, uint32_t oid);

static const struct type *want_imported(struct want *want, const struct catalog_type *found)
{
	for (size_t i = 0; i < want->source->nimports; i++)
		if (strcmp(want->source->imports[i].type, found->qualified) == 0)
			return types_add_import(want->types, found->qualified,
			                        type_builtin(want->source->imports[i].as));
	return NULL;
}

static const struct type *want_enum(struct want *want, const struct catalog_type *found)
{
	const struct catalog_table *table = &want->catalog->labels;
	const struct catalog_label *labels = table->items;
	const char **own = NULL;
	size_t count = 0;
	for (size_t i = first_of(table, found->oid); i < table->count && labels[i].type == found->oid; i++) {
		own = mem_grow(want->types->arena, own, count, sizeof(*own));
		own[count++] = labels[i].label;
	}
	return types_add_enum(want->types, found->qualified, own, count, &want->why);
}

static const struct type *want_composite(struct want *want, const struct catalog_type *found)
{
	const struct catalog_table *table = &want->catalog->columns;
	const struct catalog_column *columns = table->items;
	struct type_field *fields = NULL;
	size_t count = 0;
	for (size_t i = first_of(table, found->relation); i < table->count && columns[i].relation == found->relation;
	     i++) {
		struct type_field field = {.name = columns[i].name, .type = want_type(want, columns[i].type)};
		if (!field.type)
			return NULL;
		fields = mem_grow(want->types->arena, fields, count, sizeof(field));
		fields[count++] = field;
	}
	return types_add_composite(want->types, found->qualified, fields, count, &want->why);
}

static const struct type *refuse(struct want *want, const struct catalog_type *found)
{
	hf_arena *arena = want->types->arena;
	const char *shown = found->builtin ? found->name : found->qualified;
	if (strcmp(found->name, "record") == 0 && found->builtin) {
		want->why = "an anonymous record has no columns that C could name";
		want->hint = "list the columns, or cast to a composite type";
	} else if (found->kind == 'b' && !found->builtin) {
		want->why = mem_printf(arena, "type %s of an extension has no C form", shown);
		want->hint = mem_printf(arena,
		                        "cast it (::text), or write at the head of the file: -- import type: %s as "
		                        "text, if its binary form is that of text",
		                        shown);
	} else {
		want->why = mem_printf(arena, "type %s has no C form", shown);
		want->hint = "cast it: ::text";
	}
	return NULL;
}

static const struct type *want_composed(struct want *want, const struct catalog_type *found)
{
	const struct type *inner;
	switch (found->kind) {
	case 'e':
		return want_enum(want, found);
	case 'c':
		return want_composite(want, found);
	case 'd':
		inner = want_type(want, found->base);
		return inner ? types_add_domain(want->types, found->qualified, inner) : NULL;
	default:
		break;
	}
	if (!found->element)
		return refuse(want, found);
	inner = want_type(want, found->element);
	return inner ? types_add_array(want->types, inner) : NULL;
}

static const struct type *want_type(struct want *want, uint32_t oid)
{
	const struct catalog_type *found = find(&want->catalog->types, oid);
	if (!found || want->depth > 32) {
		want->why = found ? "types are nested too deep" : "the server does not know the type itself";
		return NULL;
	}
	if (found->builtin && type_builtin(found->name) && found->kind != 'd')
		return type_builtin(found->name);
	const struct type *known = want_imported(want, found);
	if (!known && found->kind != 'b')
		known = types_find(want->types, found->qualified);
	if (known)
		return known;
	want->depth++;
	known = want_composed(want, found);
	want->depth--;
	return known;
}

const struct type *catalog_type(const struct catalog *catalog, struct types *types, const struct source *source,
                                uint32_t oid, const char **ret_why, const char **ret_hint)
{
	struct want want = {.catalog = catalog, .types = types, .source = source};
	const struct type *type = want_type(&want, oid);
	if (!type) {
		*ret_why = want.why;
		*ret_hint = want.hint;
	}
	return type;
}
