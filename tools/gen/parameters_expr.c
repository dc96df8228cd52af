/*
 * parameters_expr.c - what expressions say of the parameters in them, one function per kind of node.
 */
#include "gen/parameters_walk.h"

enum { DEPTH_MAX = 1000 };

/* ---- a parameter ---- */

/* `$1::int` and CAST($1 AS int): the tree does not tell them from a bare one, the text does. */
static bool has_cast(const struct walk *walk, const struct node *param)
{
	int64_t at = node_int(param, "location", -1);
	if (at < 0 || (size_t)at >= walk->sql.len || walk->sql.ptr[at] != '$')
		return true;
	const char *behind = walk->sql.ptr + at + 1;
	behind += strspn(behind, "0123456789");
	behind += strspn(behind, " \n\t)");
	return strncmp(behind, "::", 2) == 0;
}

static void note(struct walk *walk, const struct node *param, struct use use)
{
	int64_t number = node_int(param, "paramid", 0);
	if (node_int(param, "paramkind", -1) != 0 || number < 1 || (size_t)number > walk->count)
		return;
	struct fact *fact = &walk->facts[number - 1];
	fact->why |= use.why;
	fact->typed = fact->typed || !use.output || has_cast(walk, param);
	if (use.name && use.worth > fact->worth) {
		fact->name = use.name;
		fact->worth = use.worth;
	}
}

/* ---- expressions ---- */

static void visit_list(struct walk *walk, const struct level *level, const struct node *list, struct use use)
{
	for (size_t i = 0; i < node_count(list); i++)
		walk_visit(walk, level, node_item(list, i), use);
}

/* The operands of a test, each named after the other; `suffix` goes to the right one of a BETWEEN. */
static void visit_pair(struct walk *walk, const struct level *level, const struct node *left, const struct node *right,
                       struct use use, const char *suffix)
{
	const char *of_left = name_of(walk->catalog, level, left), *of_right = name_of(walk->catalog, level, right);
	walk_visit(walk, level, left, use_named(use, of_right, WORTH_COLUMN));
	if (of_left && *suffix)
		of_left = mem_printf(walk->catalog->arena, "%s%s", of_left, suffix);
	walk_visit(walk, level, right, use_named(use, of_left, WORTH_COLUMN));
}

static bool is_strict_test(const struct walk *walk, const struct node *expr)
{
	enum { BOOL = 16 };
	const struct catalog_operator *operator= catalog_operator(walk->catalog, (uint32_t)node_int(expr, "opno", 0));
	const struct catalog_function *function = operator? catalog_function(walk->catalog, operator->function) : NULL;
	return function && function->strict && node_int(expr, "opresulttype", 0) == BOOL;
}

/* data -> $1, data #>> $1 */
static const char *name_of_step(const struct walk *walk, const struct node *expr)
{
	const struct catalog_operator *operator= catalog_operator(walk->catalog, (uint32_t)node_int(expr, "opno", 0));
	if (!operator|| !strchr(operator->name, '>'))
		return NULL;
	return strncmp(operator->name, "->", 2) == 0 ? "key" : strncmp(operator->name, "#>", 2) == 0 ? "path" : NULL;
}

static void visit_operator_in(struct walk *walk, const struct level *level, const struct node *expr, struct use use,
                              const char *suffix)
{
	const struct node *args = node_get(expr, "args"), *left = node_item(args, 0), *right = node_item(args, 1);
	use.why = is_strict_test(walk, expr) ? WHY_COMPARED : WHY_OTHER;
	use.output = false;
	const char *step = name_of_step(walk, expr);
	if (node_count(args) != 2) {
		visit_list(walk, level, args, use);
	} else if (step) {
		walk_visit(walk, level, left, use);
		walk_visit(walk, level, right, use_named(use, step, WORTH_COLUMN));
	} else {
		visit_pair(walk, level, left, right, use, suffix);
	}
}

static void visit_operator(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	visit_operator_in(walk, level, expr, use, "");
}

/* IS DISTINCT FROM asks for NULL, NULLIF does not. */
static void visit_distinct(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	const struct node *args = node_get(expr, "args");
	use.why = node_is(expr, "DISTINCTEXPR") ? WHY_TESTED : WHY_OTHER;
	use.output = false;
	visit_pair(walk, level, node_item(args, 0), node_item(args, 1), use, "");
}

/* x = ANY($1), x IN ($1, $2), $1 = ANY(xs) */
static void visit_any(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	hf_arena *arena = walk->catalog->arena;
	const struct node *args = node_get(expr, "args"), *one = node_item(args, 0), *many = node_item(args, 1);
	const char *of_one = name_of(walk->catalog, level, one), *of_many = name_of(walk->catalog, level, many);
	use.why = WHY_COMPARED;
	use.output = false;
	walk_visit(walk, level, one, use_named(use, of_many ? name_singular(arena, of_many) : NULL, WORTH_COLUMN));
	if (node_is(many, "ARRAY") || node_is(many, "ARRAYEXPR"))
		visit_list(walk, level, node_get(many, "elements"), use_named(use, of_one, WORTH_COLUMN));
	else
		walk_visit(walk, level, many, use_named(use, of_one ? name_plural(arena, of_one) : NULL, WORTH_COLUMN));
}

static void visit_rows(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	const struct node *left = node_get(expr, "largs"), *right = node_get(expr, "rargs");
	use.why = WHY_COMPARED;
	use.output = false;
	for (size_t i = 0; i < node_count(left); i++)
		visit_pair(walk, level, node_item(left, i), node_item(right, i), use, "");
}

static int64_t place_of_left(const struct node *expr)
{
	return node_int(name_bare(node_item(node_get(expr, "args"), 0)), "location", -1);
}

/* The two tests of a BETWEEN stand at one place, and so do what joins them and the one value that is tested. */
static bool is_between(const struct node *expr)
{
	const struct node *args = node_get(expr, "args"), *first = node_item(args, 0), *second = node_item(args, 1);
	int64_t at = node_int(expr, "location", -1);
	return node_count(args) == 2 && node_is(first, "OPEXPR") && node_is(second, "OPEXPR") && at >= 0 &&
	       node_int(first, "location", -2) == at && node_int(second, "location", -2) == at &&
	       place_of_left(first) == place_of_left(second);
}

static void visit_boolean(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	const struct node *args = node_get(expr, "args");
	use.why = WHY_OTHER;
	use.output = false;
	if (!is_between(expr)) {
		visit_list(walk, level, args, use);
		return;
	}
	visit_operator_in(walk, level, node_item(args, 0), use, "_from");
	visit_operator_in(walk, level, node_item(args, 1), use, "_to");
}

static void visit_null_test(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	(void)use;
	const struct node *arg = node_get(expr, "arg");
	bool direct = node_is(name_bare(arg), "PARAM");
	walk_visit(walk, level, arg, (struct use){.why = direct ? WHY_TESTED : WHY_OTHER});
}

static void visit_coalesce(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	use.why = node_is(expr, "MINMAX") || node_is(expr, "MINMAXEXPR") ? WHY_OTHER : WHY_COALESCED;
	use.output = false;
	use = use_named(use, name_of(walk->catalog, level, expr), WORTH_COLUMN);
	visit_list(walk, level, node_get(expr, "args"), use);
}

/* The n-th (from 0) name that the function gives its arguments. */
static const char *argument_name(const struct walk *walk, const struct catalog_function *function, size_t n)
{
	struct hf_str rest = hf_str_of(function->arg_names), name = {NULL, 0};
	for (size_t i = 0; i <= n; i++)
		if (!rest.len || !str_split(&rest, ' ', &name))
			return NULL;
	return name.len ? mem_text(walk->catalog->arena, name) : NULL;
}

static void visit_call(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	const struct catalog_function *function =
		catalog_function(walk->catalog, (uint32_t)node_int(expr, "funcid", 0));
	const struct node *args = node_get(expr, "args");
	use.why = use.why == WHY_COALESCED ? WHY_COALESCED : WHY_OTHER;
	use.output = false;
	for (size_t i = 0; i < node_count(args); i++) {
		struct use one = use;
		const struct node *named = node_get(node_item(args, i), "name");
		const char *name = function ? argument_name(walk, function, i) : NULL;
		if (node_is(node_item(args, i), "NAMEDARGEXPR") && named)
			name = named->text;
		if (name)
			one = use_named(one, name, WORTH_ARGUMENT);
		else if (!one.name && function)
			one = use_named(one,
			                mem_printf(walk->catalog->arena, "%s_arg%zu", function->name, i + 1),
			                WORTH_FUNCTION);
		walk_visit(walk, level, node_item(args, i), one);
	}
}

/* The name goes on into the branches, the reason does not. */
static void visit_case(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	const struct node *branches = node_get(expr, "args"), *arg = node_get(expr, "arg");
	struct use test = use_named(use_other(), name_of(walk->catalog, level, arg), WORTH_COLUMN);
	use.why = WHY_OTHER;
	use.output = false;
	walk_visit(walk, level, arg, use_other());
	for (size_t i = 0; i < node_count(branches); i++) {
		walk_visit(walk, level, node_get(node_item(branches, i), "expr"), test);
		walk_visit(walk, level, node_get(node_item(branches, i), "result"), use);
	}
	walk_visit(walk, level, node_get(expr, "defresult"), use);
}

static void visit_sublink(struct walk *walk, const struct level *level, const struct node *expr, struct use use)
{
	(void)use;
	struct level inner = *level;
	inner.subselect = node_get(expr, "subselect");
	walk_visit(walk, &inner, node_get(expr, "testexpr"), use_other());
	walk_query(walk, level, inner.subselect);
}

static const struct {
	const char *tag;
	void (*visit)(struct walk *walk, const struct level *level, const struct node *expr, struct use use);
} visitors[] = {
	{"OPEXPR", visit_operator},
	{"DISTINCTEXPR", visit_distinct},
	{"NULLIFEXPR", visit_distinct},
	{"SCALARARRAYOPEXPR", visit_any},
	{"ROWCOMPARE", visit_rows},
	{"ROWCOMPAREEXPR", visit_rows},
	{"BOOLEXPR", visit_boolean},
	{"NULLTEST", visit_null_test},
	{"COALESCE", visit_coalesce},
	{"COALESCEEXPR", visit_coalesce},
	{"MINMAX", visit_coalesce},
	{"MINMAXEXPR", visit_coalesce},
	{"FUNCEXPR", visit_call},
	{"CASE", visit_case},
	{"CASEEXPR", visit_case},
	{"SUBLINK", visit_sublink},
};

static void visit_fields(struct walk *walk, const struct level *level, const struct node *node, struct use use)
{
	use.why = WHY_OTHER;
	use.output = false;
	for (size_t i = 0; i < node->count; i++)
		walk_visit(walk, level, node->fields[i].value, use);
}

void walk_visit(struct walk *walk, const struct level *level, const struct node *node, struct use use)
{
	node = name_bare(node);
	if (!node || walk->depth > DEPTH_MAX || (node->kind != NODE_LIST && node->kind != NODE_RECORD))
		return;
	walk->depth++;
	size_t i = 0;
	while (i < ARRAY_LEN(visitors) && !node_is(node, visitors[i].tag))
		i++;
	if (node->kind == NODE_LIST)
		visit_list(walk, level, node, use);
	else if (node_is(node, "PARAM"))
		note(walk, node, use);
	else if (node_is(node, "QUERY"))
		walk_query(walk, level, node);
	else if (i < ARRAY_LEN(visitors))
		visitors[i].visit(walk, level, node, use);
	else
		visit_fields(walk, level, node, use);
	walk->depth--;
}
