/*
 * nullability_same.c - when two expressions are the same, and when the same expression gives the same value.
 */
#include "gen/nullability_scope.h"

/* ---- references ---- */

bool is_var(const struct node *expr, int64_t index, int64_t column)
{
	return node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0 && node_int(expr, "varno", 0) == index &&
	       node_int(expr, "varattno", INT32_MIN) == column;
}

const struct node *make_var(hf_arena *arena, int64_t index, int64_t column)
{
	static const char *const names[] = {"varno", "varattno", "varlevelsup"};
	const int64_t values[] = {index, column, 0};
	struct node *var = MEM_NEW(arena, struct node);
	var->kind = NODE_RECORD;
	var->text = "VAR";
	var->count = ARRAY_LEN(names);
	var->fields = MEM_ARRAY(arena, var->count, struct node_field);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct node *value = MEM_NEW(arena, struct node);
		value->kind = NODE_ATOM;
		value->text = mem_printf(arena, "%lld", (long long)values[i]);
		var->fields[i] = (struct node_field){names[i], value};
	}
	return var;
}

const struct node *scope_unalias(const struct scope *scope, const struct node *expr)
{
	for (int i = 0; i < SCOPE_DEPTH_MAX && node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0; i++) {
		const struct node *entry = scope_rte(scope, node_int(expr, "varno", 0));
		int64_t column = node_int(expr, "varattno", 0);
		if (node_int(entry, "rtekind", -1) != RTE_JOIN || column < 1)
			break;
		const struct node *meant = node_item(node_get(entry, "joinaliasvars"), (size_t)column - 1);
		if (!meant)
			break;
		expr = meant;
	}
	return expr;
}

/* Through subqueries that are pulled up, to the column of a table. Ends at what is no plain reference. */
struct origin {
	const struct scope *scope;
	const struct node *expr;
};

static struct origin origin_of(const struct scope *scope, const struct node *expr)
{
	for (int i = 0; i < 4 * SCOPE_DEPTH_MAX && node_is(expr, "VAR"); i++) {
		expr = scope_unalias(scope, expr);
		const struct scope *owner = scope_up(scope, node_int(expr, "varlevelsup", -1));
		if (!node_is(expr, "VAR") || !owner)
			break;
		const struct scope *child = scope_child(owner, node_int(expr, "varno", 0));
		const struct node *inner = output_entry(child ? child->query : NULL, node_int(expr, "varattno", 0));
		if (owner != scope)
			expr = make_var(scope_arena(scope), node_int(expr, "varno", 0), node_int(expr, "varattno", 0));
		scope = owner;
		if (!inner || node_get(child->query, "setOperations"))
			break;
		scope = child;
		expr = node_get(inner, "expr");
	}
	return (struct origin){scope, expr};
}

/* ---- comparing ---- */

struct comparing {
	const struct scope *scope; /* NULL: of no meaning any more */
	bool pulled_up;
	int depth;
};

static bool same(struct comparing *comparing, const struct node *a, const struct node *b);

static bool is_decoration(const char *field)
{
	static const char *const names[] = {"location",      "varnosyn",     "varattnosyn",   "funcformat",
	                                    "relabelformat", "coerceformat", "convertformat", "coercionformat",
	                                    "row_format",    "aggno",        "aggtransno",    "opfuncid",
	                                    "vartypmod",     "vartype",      "varcollid",     "varnullingrels"};
	return listed(names, ARRAY_LEN(names), field);
}

static bool same_fields(struct comparing *comparing, const struct node *a, const struct node *b)
{
	if (strcmp(a->text, b->text) != 0 || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    (!is_decoration(a->fields[i].name) && !same(comparing, a->fields[i].value, b->fields[i].value)))
			return false;
	return true;
}

static bool same_words(const struct node *a, const struct node *b)
{
	if (strcmp(a->text, b->text) != 0 || !a->rest != !b->rest)
		return false;
	return !a->rest || strcmp(a->rest, b->rest) == 0;
}

static bool same_items(struct comparing *comparing, const struct node *a, const struct node *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same(comparing, a->items[i], b->items[i]))
			return false;
	return true;
}

static bool same_reference(const struct node *a, const struct node *b)
{
	return node_int(a, "varno", 0) == node_int(b, "varno", 0) &&
	       node_int(a, "varattno", INT32_MIN) == node_int(b, "varattno", INT32_MAX) &&
	       node_int(a, "varlevelsup", -1) == node_int(b, "varlevelsup", -2);
}

static bool same_vars(struct comparing *comparing, const struct node *a, const struct node *b)
{
	const struct node *left = scope_unalias(comparing->scope, a), *right = scope_unalias(comparing->scope, b);
	if (node_is(left, "VAR") && node_is(right, "VAR") && same_reference(left, right))
		return true;
	if (comparing->pulled_up && node_is(left, "VAR") && node_is(right, "VAR")) {
		struct origin one = origin_of(comparing->scope, left), other = origin_of(comparing->scope, right);
		return one.scope->query == other.scope->query && node_is(one.expr, "VAR") &&
		       node_is(other.expr, "VAR") && same_reference(one.expr, other.expr);
	}
	if (node_is(left, "VAR") || node_is(right, "VAR"))
		return false;
	return same(comparing, left, right);
}

static bool same(struct comparing *comparing, const struct node *a, const struct node *b)
{
	if (a == b)
		return true;
	if (!a || !b || ++comparing->depth > 2000)
		return false;
	bool equal = false;
	bool alias = node_is(a, "VAR") || node_is(b, "VAR");
	if (alias && comparing->scope)
		equal = same_vars(comparing, a, b);
	else if (a->kind != b->kind)
		equal = false;
	else if (a->kind == NODE_RECORD)
		equal = same_fields(comparing, a, b);
	else if (a->kind == NODE_LIST)
		equal = same_items(comparing, a, b);
	else
		equal = a->kind == NODE_NULL || same_words(a, b);
	comparing->depth--;
	return equal;
}

bool same_expr(const struct scope *scope, const struct node *a, const struct node *b)
{
	struct comparing comparing = {.scope = scope};
	return same(&comparing, a, b);
}

bool same_when_pulled_up(const struct scope *scope, const struct node *a, const struct node *b)
{
	struct comparing comparing = {.scope = scope, .pulled_up = true};
	return same(&comparing, a, b);
}

/* ---- repeating ---- */

/* Stable ones that only read the time zone and the like; others may read what the same statement changes. */
static bool calm(const struct catalog_function *function)
{
	static const char *const names[] = {"date_part", "extract", "to_char",      "date_trunc", "timezone",
	                                    "to_date",   "age",     "to_timestamp", "to_number"};
	return function->oid < OID_FIRST_USER && listed(names, ARRAY_LEN(names), function->name);
}

static bool function_repeats(const struct scope *scope, uint32_t oid)
{
	const struct catalog_function *function = catalog_function(scope->proving->catalog, oid);
	return function && (function->volatility == 'i' || calm(function));
}

static bool operator_repeats(const struct scope *scope, uint32_t oid)
{
	const struct catalog_operator *op = catalog_operator(scope->proving->catalog, oid);
	const struct catalog_function *function = op ? catalog_function(scope->proving->catalog, op->function) : NULL;
	return function && (function->volatility == 'i' || (function->volatility == 's' && oid < OID_FIRST_USER));
}

static bool repeats(const struct scope *scope, const struct node *node, int depth)
{
	static const char *const never[] = {"SUBLINK", "NEXTVALUEEXPR", "CURRENTOFEXPR", "PARAM", "CASETESTEXPR"};
	if (depth > 1000)
		return false;
	if (node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->count; i++)
			if (!repeats(scope, node->items[i], depth + 1))
				return false;
		return true;
	}
	if (node->kind != NODE_RECORD)
		return true;
	bool internal = node_is(node, "PARAM") && node_int(node, "paramkind", -1) == 0;
	if (!internal && listed(never, ARRAY_LEN(never), node->text))
		return false;
	if (node_is(node, "FUNCEXPR") &&
	    (node_bool(node, "funcretset") || !function_repeats(scope, (uint32_t)node_int(node, "funcid", 0))))
		return false;
	if (node_has(node, "opno") && !node_has(node, "opnos") &&
	    !operator_repeats(scope, (uint32_t)node_int(node, "opno", 0)))
		return false;
	for (size_t i = 0; i < node->count; i++)
		if (!repeats(scope, node->fields[i].value, depth + 1))
			return false;
	return true;
}

bool is_repeatable(const struct scope *scope, const struct node *expr)
{
	return node_is(expr, "VAR") || (expr && repeats(scope, expr, 0));
}
