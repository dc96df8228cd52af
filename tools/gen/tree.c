/*
 * tree.c - walks over analysed trees. The reader bounds their depth, so recursion is bounded too.
 */
#include "gen/tree.h"

const struct node *tree_find(const struct node *node, tree_match_fn *match, void *user)
{
	const struct node *found = NULL;
	if (!node)
		return NULL;
	if (node->kind == NODE_RECORD && match(user, node))
		return node;
	for (size_t i = 0; !found && node->kind == NODE_LIST && i < node->count; i++)
		found = tree_find(node->items[i], match, user);
	for (size_t i = 0; !found && node->kind == NODE_RECORD && i < node->count; i++)
		found = tree_find(node->fields[i].value, match, user);
	return found;
}

static bool is_volatile_call(void *user, const struct node *record)
{
	static const char *const names[] = {"funcid", "opfuncid", "aggfnoid", "winfnoid"};
	const struct catalog *catalog = user;
	if (strcmp(record->text, "NEXTVALUEEXPR") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint32_t oid = (uint32_t)node_int(record, names[i], 0);
		const struct catalog_function *function = catalog_function(catalog, oid);
		if (node_has(record, names[i]) && (!function || function->volatility == 'v'))
			return true;
	}
	return false;
}

const struct node *tree_volatile_call(const struct catalog *catalog, const struct node *node)
{
	return tree_find(node, is_volatile_call, (void *)(uintptr_t)catalog);
}

const struct node *tree_bare(const struct node *expr)
{
	while (node_is(expr, "RELABELTYPE"))
		expr = node_get(expr, "arg");
	return expr;
}

/* ---- equality ---- */

/* Where a word stands, and what it was called, do not matter. */
static bool is_ignored(const char *field)
{
	static const char *const names[] = {"location", "varnosyn", "varattnosyn"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], field) == 0)
			return true;
	return false;
}

static bool equal_fields(const struct node *a, const struct node *b, int64_t index)
{
	if (strcmp(a->text, b->text) != 0 || a->count != b->count)
		return false;
	bool var = index != 0 && strcmp(a->text, "VAR") == 0;
	for (size_t i = 0; i < a->count; i++) {
		const struct node_field *left = &a->fields[i], *right = &b->fields[i];
		if (strcmp(left->name, right->name) != 0)
			return false;
		if (is_ignored(left->name))
			continue;
		if (var && strcmp(left->name, "varno") == 0) {
			if (node_int(a, "varno", 0) != 1 || node_int(b, "varno", 0) != index)
				return false;
			continue;
		}
		if (!tree_equal(left->value, right->value, index))
			return false;
	}
	return true;
}

bool tree_equal(const struct node *a, const struct node *b, int64_t index)
{
	if (!a || !b || a->kind != b->kind)
		return false;
	if (a->kind == NODE_RECORD)
		return equal_fields(a, b, index);
	if (a->kind == NODE_ATOM)
		return strcmp(a->text, b->text) == 0 && strcmp(a->rest ? a->rest : "", b->rest ? b->rest : "") == 0;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; a->kind == NODE_LIST && i < a->count; i++)
		if (!tree_equal(a->items[i], b->items[i], index))
			return false;
	return true;
}
