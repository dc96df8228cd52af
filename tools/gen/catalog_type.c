/*
 * catalog_type.c - from a type of the server to the type that C sees.
 *
 * The binary form of an extension's type is known when its functions are the server's own under another name (citext
 * and debversion send and receive as text does), or one of the few of `foreign` below. Every other needs the word of
 * the query's author: `-- import type:`.
 */
#include "gen/catalog.h"

const char *catalog_type_name(const struct catalog *catalog, uint32_t oid)
{
	const struct catalog_type *found = catalog_find(&catalog->types, oid);
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

/* ---- types of extensions ---- */

/* Codecs in libraries whose wire form is that of a builtin type. ltree and its queries: a version, then text. */
static const struct {
	const char *send, *as;
} foreign[] = {
	{"ltree:ltree_send", "jsonb"},
	{"ltree:lquery_send", "jsonb"},
	{"ltree:ltxtq_send", "jsonb"},
};

/* The builtin type with the same binary form, or NULL. */
static const struct type *same_form(const struct want *want, const struct catalog_type *found)
{
	const struct catalog_type *types = want->catalog->types.items;
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (strcmp(found->send, foreign[i].send) == 0)
			return type_builtin(foreign[i].as);
	for (size_t i = 0; i < want->catalog->types.count; i++)
		if (types[i].builtin && types[i].kind == 'b' && !types[i].element &&
		    strcmp(types[i].send, found->send) == 0 && strcmp(types[i].receive, found->receive) == 0 &&
		    type_builtin(types[i].name))
			return type_builtin(types[i].name);
	return NULL;
}

static const struct type *no_binary_form(struct want *want, const struct catalog_type *found)
{
	want->why = mem_printf(want->types->arena, "type %s has no binary form",
	                       found->builtin ? found->name : found->qualified);
	want->hint = "cast it: ::text";
	return NULL;
}

static const struct type *import_as(struct want *want, const struct catalog_type *found, const char *as)
{
	const struct type *form = same_form(want, found), *said = type_builtin(as);
	if (form && form->kind != said->kind && said->kind != HF_TYPE_BYTEA) {
		want->why = mem_printf(want->types->arena, "the binary form of type %s is that of %s, not of %s",
		                       found->qualified, form->name, said->name);
		want->hint = "drop the line `-- import type:`";
		return NULL;
	}
	return types_add_import(want->types, found->qualified, said);
}

static const struct type *want_extension(struct want *want, const struct catalog_type *found)
{
	if (!*found->send || !*found->receive)
		return no_binary_form(want, found);
	for (size_t i = 0; i < want->source->nimports; i++)
		if (strcmp(want->source->imports[i].type, found->qualified) == 0)
			return import_as(want, found, want->source->imports[i].as);
	const struct type *known = types_find(want->types, found->qualified), *form = same_form(want, found);
	if (known)
		return known;
	if (form)
		return types_add_import(want->types, found->qualified, form);
	want->why = mem_printf(want->types->arena, "type %s of an extension has no C form", found->qualified);
	want->hint = mem_printf(want->types->arena,
	                        "cast it (::text), or write at the head of the file: -- import type: %s as bytea, for "
	                        "its binary form as it is",
	                        found->qualified);
	return NULL;
}

/* ---- types that are made of others ---- */

static const struct type *want_enum(struct want *want, const struct catalog_type *found)
{
	const struct catalog_table *table = &want->catalog->labels;
	const struct catalog_label *labels = table->items;
	const char **own = NULL;
	size_t count = 0;
	for (size_t i = catalog_first(table, found->oid); i < table->count && labels[i].type == found->oid; i++) {
		own = mem_grow(want->types->arena, own, count, sizeof(*own));
		own[count++] = labels[i].label;
	}
	const struct type *type = types_add_enum(want->types, found->qualified, own, count, &want->why);
	if (!type)
		want->hint = "cast it: ::text";
	return type;
}

static const struct type *want_composite(struct want *want, const struct catalog_type *found)
{
	const struct catalog_table *table = &want->catalog->columns;
	const struct catalog_column *columns = table->items;
	struct type_field *fields = NULL;
	size_t count = 0, i = catalog_first(table, found->relation);
	for (; i < table->count && columns[i].relation == found->relation; i++) {
		struct type_field field = {.name = columns[i].name, .type = want_type(want, columns[i].type)};
		if (!field.type) {
			want->why = mem_printf(want->types->arena, "field \"%s\" of %s: %s", field.name,
			                       found->qualified, want->why);
			want->hint = "list the columns that are needed, and cast that one: ::text";
			return NULL;
		}
		fields = mem_grow(want->types->arena, fields, count, sizeof(field));
		fields[count++] = field;
	}
	return types_add_composite(want->types, found->qualified, fields, count, &want->why);
}

static const struct type *want_element(struct want *want, const struct catalog_type *found)
{
	const struct type *inner = want_type(want, found->element);
	return inner ? types_add_array(want->types, inner) : NULL;
}

static const struct type *want_ranged(struct want *want, const struct catalog_type *found)
{
	const struct type *inner = want_type(want, found->ranged);
	if (!inner)
		return NULL;
	return found->kind == 'r' ? types_add_range(want->types, found->qualified, inner)
	                          : types_add_multirange(want->types, found->qualified, inner);
}

static const struct type *want_domain(struct want *want, const struct catalog_type *found)
{
	const struct type *inner = want_type(want, found->base);
	return inner ? types_add_domain(want->types, found->qualified, inner) : NULL;
}

/* ---- all ---- */

static const struct type *refuse(struct want *want, const struct catalog_type *found)
{
	if (!*found->send)
		return no_binary_form(want, found);
	want->why = mem_printf(want->types->arena, "type %s has no C form", found->name);
	want->hint = "cast it: ::text";
	if (strcmp(found->name, "record") == 0) {
		want->why = "an anonymous record has no columns that C could name";
		want->hint = "list the columns, or cast to a composite type";
	}
	return NULL;
}

static const struct type *want_composed(struct want *want, const struct catalog_type *found)
{
	if (found->element)
		return want_element(want, found);
	if (found->kind == 'e')
		return want_enum(want, found);
	if (found->kind == 'c')
		return want_composite(want, found);
	if (found->kind == 'd')
		return want_domain(want, found);
	if (found->kind == 'r' || found->kind == 'm')
		return want_ranged(want, found);
	return refuse(want, found);
}

static const struct type *want_type(struct want *want, uint32_t oid)
{
	const struct catalog_type *found = catalog_find(&want->catalog->types, oid);
	if (!found || want->depth > 32) {
		want->why = found ? "types are nested too deep" : "the server does not know the type itself";
		return NULL;
	}
	if (found->builtin && type_builtin(found->name))
		return type_builtin(found->name);
	if (found->kind == 'b' && !found->builtin && !found->element)
		return want_extension(want, found);
	const struct type *known = found->kind == 'b' ? NULL : types_find(want->types, found->qualified);
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
