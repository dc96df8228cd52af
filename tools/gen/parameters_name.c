/*
 * parameters_name.c - finding the column that an expression is about: variables by their range table entry, through
 * casts, functions and operators to the first variable in them.
 */
#include "gen/parameters_name.h"

enum { STEPS_DEEP = 8 };
enum { EXPLICIT_CAST = 1, IMPLICIT_CAST = 2 };

const struct node *name_bare(const struct node *expr)
{
	static const char *const wrappers[] = {"RELABELTYPE",  "COERCEVIAIO", "ARRAYCOERCEEXPR",
	                                       "COERCETODOMAIN", "COLLATE",     "COLLATEEXPR"};
	for (;;) {
		const struct node *inner = NULL;
		for (size_t i = 0; i < ARRAY_LEN(wrappers) && !inner; i++)
			if (node_is(expr, wrappers[i]))
				inner = node_get(expr, "arg");
		/* int4 to int8, varchar(n) and the like: a cast function around the value */
		int64_t format = node_is(expr, "FUNCEXPR") ? node_int(expr, "funcformat", 0) : 0;
		if (format == EXPLICIT_CAST || format == IMPLICIT_CAST)
			inner = node_item(node_get(expr, "args"), 0);
		if (!inner)
			return expr;
		expr = inner;
	}
}

/* Names in lists are quoted. */
static const char *unquoted(hf_arena *arena, const struct node *text)
{
	struct hf_str name = text && text->kind == NODE_ATOM ? hf_str_of(text->text) : HF_STR("");
	if (name.len >= 2 && name.ptr[0] == '"')
		name = (struct hf_str){name.ptr + 1, name.len - 2};
	if (!name.len || str_eq(name, HF_STR("?column?")))
		return NULL;
	return mem_text(arena, name);
}

/* "column1" is what VALUES calls its columns. */
static bool is_made_up(const char *name)
{
	return strncmp(name, "column", 6) == 0 && name[6] && strspn(name + 6, "0123456789") == strlen(name + 6);
}

const char *name_in_list(hf_arena *arena, const struct node *list, int64_t number)
{
	const char *name = number > 0 ? unquoted(arena, node_item(list, (size_t)number - 1)) : NULL;
	return name && !is_made_up(name) ? name : NULL;
}

const char *name_of_column(hf_arena *arena, const struct node *entry, int64_t column)
{
	const struct node *eref = node_get(entry, "eref"), *alias = node_get(eref, "aliasname");
	if (column == 0)
		return unquoted(arena, alias);
	return name_in_list(arena, node_get(eref, "colnames"), column);
}

static const char *name_of_var(hf_arena *arena, const struct level *level, const struct node *var)
{
	for (int64_t up = node_int(var, "varlevelsup", 0); level && up > 0; up--)
		level = level->parent;
	int64_t index = node_int(var, "varno", 0);
	const struct node *table = level ? node_get(level->query, "rtable") : NULL;
	if (index < 1)
		return NULL;
	return name_of_column(arena, node_item(table, (size_t)index - 1), node_int(var, "varattno", -1));
}

/* `SELECT upper($1)` is called upper. */
static bool is_of_function(const struct catalog *catalog, const struct node *expr, const char *name)
{
	static const char *const fields[] = {"funcid", "aggfnoid", "winfnoid"};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct catalog_function *function =
			catalog_function(catalog, (uint32_t)node_int(expr, fields[i], 0));
		if (function && strcmp(function->name, name) == 0)
			return true;
	}
	return false;
}

const char *name_of_output(const struct catalog *catalog, const struct node *entry)
{
	const struct node *name = node_get(entry, "resname"), *expr = node_get(entry, "expr");
	if (!name || name->kind != NODE_ATOM || strcmp(name->text, "?column?") == 0 ||
	    is_made_up(name->text))
		return NULL;
	/* `SELECT $1::int` is called int4, and `coalesce` says nothing either */
	if (node_is(expr, "PARAM") &&
	    strcmp(name->text, catalog_type_name(catalog, (uint32_t)node_int(expr, "paramtype", 0))) == 0)
		return NULL;
	if (is_of_function(catalog, expr, name->text))
		return NULL;
	static const char *const made_up[] = {"coalesce", "case", "array", "row", "bool", "exists"};
	for (size_t i = 0; i < ARRAY_LEN(made_up); i++)
		if (strcmp(name->text, made_up[i]) == 0)
			return NULL;
	return name->text;
}

static const char *name_of_subselect(const struct catalog *catalog, const struct node *query, int64_t number)
{
	const struct node *list = node_get(query, "targetList");
	for (size_t i = 0; i < node_count(list); i++)
		if (node_int(node_item(list, i), "resno", 0) == number)
			return name_of_output(catalog, node_item(list, i));
	return NULL;
}

static const char *find(const struct catalog *catalog, const struct level *level, const struct node *expr, int deep);

static const char *first_of(const struct catalog *catalog, const struct level *level, const struct node *list, int deep)
{
	const char *name = NULL;
	for (size_t i = 0; i < node_count(list) && !name; i++) {
		const struct node *item = node_item(list, i);
		name = find(catalog, level, node_is(item, "TARGETENTRY") ? node_get(item, "expr") : item, deep);
	}
	return name;
}

static const char *find(const struct catalog *catalog, const struct level *level, const struct node *expr, int deep)
{
	static const char *const with_args[] = {"FUNCEXPR", "OPEXPR", "COALESCE", "COALESCEEXPR", "MINMAX",
	                                        "MINMAXEXPR", "NULLIFEXPR", "WINDOWFUNC"};
	expr = name_bare(expr);
	if (!expr || deep > STEPS_DEEP)
		return NULL;
	if (node_is(expr, "VAR"))
		return name_of_var(catalog->arena, level, expr);
	if (node_is(expr, "PARAM") && node_int(expr, "paramkind", 0) == 2)
		return name_of_subselect(catalog, level->subselect, node_int(expr, "paramid", 0));
	if (node_is(expr, "SUBLINK") && node_int(expr, "subLinkType", 0) == 4)
		return name_of_subselect(catalog, node_get(expr, "subselect"), 1);
	if (node_is(expr, "SUBSCRIPTINGREF"))
		return find(catalog, level, node_get(expr, "refexpr"), deep + 1);
	if (node_is(expr, "AGGREF")) {
		const char *name = first_of(catalog, level, node_get(expr, "args"), deep + 1);
		const struct catalog_function *function =
			catalog_function(catalog, (uint32_t)node_int(expr, "aggfnoid", 0));
		return name || !function ? name : function->name;
	}
	for (size_t i = 0; i < ARRAY_LEN(with_args); i++)
		if (node_is(expr, with_args[i]))
			return first_of(catalog, level, node_get(expr, "args"), deep + 1);
	return NULL;
}

const char *name_of(const struct catalog *catalog, const struct level *level, const struct node *expr)
{
	return find(catalog, level, expr, 0);
}

static bool ends(const char *name, const char *with)
{
	return str_ends(hf_str_of(name), hf_str_of(with));
}

const char *name_plural(hf_arena *arena, const char *name)
{
	size_t len = strlen(name);
	if (len > 1 && name[len - 1] == 'y' && !strchr("aeiou", name[len - 2]))
		return mem_printf(arena, "%.*sies", (int)len - 1, name);
	bool hisses = ends(name, "s") || ends(name, "x") || ends(name, "ch") || ends(name, "sh");
	return mem_printf(arena, "%s%s", name, hisses ? "es" : "s");
}

const char *name_singular(hf_arena *arena, const char *name)
{
	size_t len = strlen(name);
	if (len < 3 || name[len - 1] != 's' || strchr("sui", name[len - 2]))
		return name;
	if (ends(name, "ies"))
		return mem_printf(arena, "%.*sy", (int)len - 3, name);
	bool hissed = ends(name, "sses") || ends(name, "xes") || ends(name, "ches") || ends(name, "shes");
	return mem_text(arena, (struct hf_str){name, len - (hissed ? 2 : 1)});
}
