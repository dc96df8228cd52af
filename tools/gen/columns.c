/*
 * columns.c - numbering result columns. A name belongs to the first column that bears it; the others look for the next
 * number that nobody has.
 */
#include "gen/columns.h"

#include "gen/cname.h"

static bool taken(const struct query *query, const char *name)
{
	for (size_t i = 0; i < query->ncolumns; i++)
		if (strcmp(query->columns[i].name, name) == 0)
			return true;
	return false;
}

static size_t repeats(const char *const *names, size_t index)
{
	size_t count = 0;
	for (size_t i = 0; i < index; i++)
		count += strcmp(names[i], names[index]) == 0;
	return count;
}

static const char *numbered(const struct query *query, hf_arena *arena, const char *name, size_t number)
{
	for (;; number++) {
		const char *next = mem_printf(arena, "%s_%zu", name, number);
		if (!taken(query, next))
			return next;
	}
}

void columns_number(struct query *query, hf_arena *arena)
{
	const char **names = MEM_ARRAY(arena, query->ncolumns + 1, const char *);
	for (size_t i = 0; i < query->ncolumns; i++)
		names[i] = query->columns[i].name;
	for (size_t i = 0; i < query->ncolumns; i++) {
		struct column *column = &query->columns[i];
		size_t before = repeats(names, i);
		if (!*names[i] || strcmp(names[i], "?column?") == 0) {
			const char *name = mem_printf(arena, "column%zu", i + 1);
			column->name = taken(query, name) ? numbered(query, arena, name, 2) : name;
		} else if (before) {
			column->name = numbered(query, arena, names[i], before + 1);
		}
		column->member = cname_member(arena, column->name);
	}
}
