/*
 * names.c - collecting and comparing names. Structs and enums have one name space in C, functions, constants and
 * typedefs another; two entries clash when name and space are equal and they are not the same thing.
 */
#include "gen/names.h"

#include "gen/variant.h"

#include <stdlib.h>

struct entry {
	const char *name;
	bool tag;            /* struct or enum */
	const char *what;    /* "query x", "enum public.mood" */
	struct query *query; /* to complain about; NULL for types */
	size_t number;       /* order of collection */
};

struct names {
	const struct group *group;
	struct diags *diags;
	struct entry *items;
	size_t count;
};

static void add(struct names *names, const char *name, bool tag, const char *what, struct query *query)
{
	names->items = mem_grow(names->group->arena, names->items, names->count, sizeof(struct entry));
	names->items[names->count] = (struct entry){name, tag, what, query, names->count};
	names->count++;
}

static void add_derived(struct names *names, const char *of, const char *suffix, bool tag, const char *what,
                        struct query *query)
{
	add(names, mem_printf(names->group->arena, "%s%s", of, suffix), tag, what, query);
}

static void add_type(struct names *names, const struct type *type)
{
	const char *what = mem_printf(names->group->arena, "type %s", type->name);
	add(names, type->object, false, what, NULL);
	if (type->origin == TYPE_ENUM || type->origin == TYPE_COMPOSITE || type->origin == TYPE_ARRAY)
		add(names, type->c_name, true, what, NULL);
	if (type->origin != TYPE_ENUM)
		return;
	add_derived(names, type->c_name, "_label", false, what, NULL);
	add_derived(names, type->c_name, "_of", false, what, NULL);
	for (size_t i = 0; i <= type->count; i++)
		add(names, type->enumerators[i], false,
		    mem_printf(names->group->arena, "a label of enum %s", type->name), NULL);
}

static void add_row(struct names *names, struct query *query)
{
	const char *what = mem_printf(names->group->arena, "row \"%s\"", query->row);
	add(names, query->row, true, what, query);
	add_derived(names, query->row, "_copy", false, what, query);
}

static void add_query(void *user, struct query *query)
{
	struct names *names = user;
	const char *what = mem_printf(names->group->arena, "query \"%s\"", query->name);
	if (query->broken)
		return;
	add(names, query->name, false, what, query);
	if (query->ninputs || query->nvariants)
		add_derived(names, query->name, "_in", true, what, query);
	if (query->orders.count)
		add_derived(names, query->name, "_order", true, what, query);
	for (size_t i = 0; i < query->orders.count; i++)
		add(names, variant_enumerator(query, i, names->group->arena), false, what, query);
	if (query->row)
		add_row(names, query);
	else if (query_gives_rows(query))
		add_derived(names, query->name, "_row", true, what, query);
	if (!query->row && query_gives_rows(query))
		add_derived(names, query->name, "_row_copy", false, what, query);
	if (query->card == CARD_EACH)
		add_derived(names, query->name, "_row_fn", false, what, query);
	if (query->card == CARD_COPY)
		add_derived(names, query->name, "_next_fn", false, what, query);
}

static void add_source(struct names *names, const struct source *source)
{
	const char *what = mem_printf(names->group->arena, "the names of %s.sql", source->stem);
	add_derived(names, source->stem, "_names", true, what, NULL);
	add_derived(names, source->stem, "_bound", true, what, NULL);
	add_derived(names, source->stem, "_bind", false, what, NULL);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);
	if (order == 0)
		order = (int)left->tag - (int)right->tag;
	if (order == 0)
		order = left->number < right->number ? -1 : 1;
	return order;
}

static void complain(struct names *names, const struct entry *first, const struct entry *second)
{
	const struct entry *about = second->query ? second : first;
	const struct entry *other = about == second ? first : second;
	if (!about->query) {
		diag_file(names->diags, names->group->queries_dir, "%s and %s have one name in C: %s", first->what,
		          second->what, first->name);
		return;
	}
	query_wrong(names->diags, about->query, about->query->name_at, "%s and %s have one name in C: %s", about->what,
	            other->what, about->name)
		->hint = "give the query (or the row) another name";
}

void names_check(const struct group *group, struct diags *diags)
{
	struct names names = {.group = group, .diags = diags};
	for (size_t i = 0; i < group->types.count; i++)
		add_type(&names, group->types.items[i]);
	for (size_t i = 0; i < group->nsources; i++)
		if (group->sources[i]->nidentifiers)
			add_source(&names, group->sources[i]);
	group_each(group, add_query, &names);
	if (names.count)
		qsort(names.items, names.count, sizeof(struct entry), by_name);
	for (size_t i = 1; i < names.count; i++) {
		const struct entry *first = &names.items[i - 1], *second = &names.items[i];
		if (strcmp(first->name, second->name) == 0 && first->tag == second->tag &&
		    strcmp(first->what, second->what) != 0)
			complain(&names, first, second);
	}
}
