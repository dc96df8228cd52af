/*
 * depends.c - the permission fields of a rewritten tree: selectedCols, insertedCols and updatedCols stand in the range
 * table entries until server 15, in permInfos since 16; both name the relation beside them.
 */
#include "gen/depends.h"

#include <stdlib.h>

#define OID_FIRST_NORMAL 16384 /* smaller ones belong to the system, information_schema included */
#define COLUMN_OFFSET 7        /* the server's bitmaps begin with the system columns */

enum { PERMISSION_INSERT = 1, PERMISSION_SELECT = 2, PERMISSION_DELETE = 8 };

struct walk {
	const struct catalog *catalog;
	hf_arena *arena;
	struct depends *reads, *writes;
};

static void add(struct walk *walk, struct depends *list, const char *text)
{
	list->items = mem_grow(walk->arena, list->items, list->count, sizeof(*list->items));
	list->items[list->count++] = text;
}

/* "public.queue", by the type of its rows; NULL for what has none, and for the system's. */
static const char *relation_name(const struct catalog *catalog, uint32_t oid)
{
	const struct catalog_type *types = catalog->types.items;
	for (size_t i = 0; oid >= OID_FIRST_NORMAL && i < catalog->types.count; i++)
		if (types[i].relation == oid)
			return types[i].qualified;
	return NULL;
}

static const char *quoted(hf_arena *arena, const char *name)
{
	if (name_is_plain(hf_str_of(name)))
		return name;
	struct buf buf;
	buf_init(&buf, 1024);
	buf_add_char(&buf, '"');
	for (const char *at = name; *at; at++)
		buf_add_text(&buf, *at == '"' ? "\"\"" : (char[]){*at, '\0'});
	buf_add_char(&buf, '"');
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

/* The set "(b 8 9)" has column `number`, or stands for all (a row as a whole). */
static bool has_column(const struct node *set, int64_t number)
{
	for (size_t i = 1; i < node_count(set); i++) {
		int64_t bit;
		const struct node *item = node_item(set, i);
		if (item && item->kind == NODE_ATOM && str_to_i64(hf_str_of(item->text), &bit) &&
		    (bit == number + COLUMN_OFFSET || bit == COLUMN_OFFSET))
			return true;
	}
	return false;
}

/* The columns of the set; where it is empty and `wanted`, the relation itself. */
static void add_columns(struct walk *walk, struct depends *list, uint32_t relation, const struct node *set, bool wanted)
{
	const struct catalog_column *columns = walk->catalog->columns.items;
	const char *name = relation_name(walk->catalog, relation);
	size_t before = list->count;
	for (size_t i = 0; name && i < walk->catalog->columns.count; i++)
		if (columns[i].relation == relation && has_column(set, columns[i].number))
			add(walk, list, mem_printf(walk->arena, "%s.%s", name, quoted(walk->arena, columns[i].name)));
	if (name && wanted && list->count == before)
		add(walk, list, name);
}

static void note(struct walk *walk, const struct node *node)
{
	uint32_t relation = (uint32_t)node_int(node, "relid", 0);
	int64_t permissions = node_int(node, "requiredPerms", 0);
	if (permissions & PERMISSION_SELECT) /* EXCLUDED notes columns and asks for nothing */
		add_columns(walk, walk->reads, relation, node_get(node, "selectedCols"), true);
	add_columns(walk, walk->writes, relation, node_get(node, "insertedCols"), permissions & PERMISSION_INSERT);
	add_columns(walk, walk->writes, relation, node_get(node, "updatedCols"), permissions & PERMISSION_DELETE);
}

/* The entry that stands for the view whose query this is: until server 15 the first one in it. */
static const struct node *view_entry(const struct node *query)
{
	const struct node *entry = node_item(node_get(query, "rtable"), 0);
	const struct node *name = node_get(node_get(entry, "eref"), "aliasname"), *kind = node_get(entry, "relkind");
	bool found = name && kind && strcmp(name->text, "old") == 0 && strcmp(kind->text, "v") == 0;
	return found ? entry : NULL;
}

static void visit(struct walk *walk, const struct node *node)
{
	if (node_has(node, "selectedCols"))
		note(walk, node);
	const struct node *subquery = node_has(node, "rtekind") ? node_get(node, "subquery") : NULL;
	const struct node *view = view_entry(subquery);
	if (view)
		note(walk, view);
	else if (subquery && node_int(node, "relid", 0))
		return; /* a view of server 16 and newer, counted among the permissions of the query around it */
	else if (node->kind == NODE_LIST)
		for (size_t i = 0; i < node->count; i++)
			visit(walk, node->items[i]);
	else if (node->kind == NODE_RECORD)
		for (size_t i = 0; i < node->count; i++)
			visit(walk, node->fields[i].value);
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void settle(struct depends *list)
{
	size_t kept = 0;
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), by_text);
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || strcmp(list->items[i], list->items[kept - 1]) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

void depends_fill(const struct catalog *catalog, const struct node *tree, struct query *query)
{
	struct walk walk = {catalog, catalog->arena, &query->reads, &query->writes};
	if (tree)
		visit(&walk, tree);
	settle(&query->reads);
	settle(&query->writes);
}
