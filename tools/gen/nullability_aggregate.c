/*
 * nullability_aggregate.c - aggregates and window functions of the server. Those of users answer what they like.
 */
#include "gen/nullability_scope.h"

/* ---- aggregates ---- */

static const struct {
	const char *name;
	enum aggregate_class class;
} classes[] = {
	{"count", AGGREGATE_NEVER},
	{"regr_count", AGGREGATE_NEVER},
	/* hypothetical: where a row would stand */
	{"rank", AGGREGATE_NEVER},
	{"dense_rank", AGGREGATE_NEVER},
	{"percent_rank", AGGREGATE_NEVER},
	{"cume_dist", AGGREGATE_NEVER},
	{"array_agg", AGGREGATE_OF_ROWS},
	{"json_agg", AGGREGATE_OF_ROWS},
	{"jsonb_agg", AGGREGATE_OF_ROWS},
	{"json_object_agg", AGGREGATE_OF_ROWS},
	{"jsonb_object_agg", AGGREGATE_OF_ROWS},
	{"min", AGGREGATE_OF_VALUES},
	{"max", AGGREGATE_OF_VALUES},
	{"sum", AGGREGATE_OF_VALUES},
	{"avg", AGGREGATE_OF_VALUES},
	{"bool_and", AGGREGATE_OF_VALUES},
	{"bool_or", AGGREGATE_OF_VALUES},
	{"every", AGGREGATE_OF_VALUES},
	{"bit_and", AGGREGATE_OF_VALUES},
	{"bit_or", AGGREGATE_OF_VALUES},
	{"bit_xor", AGGREGATE_OF_VALUES},
	{"string_agg", AGGREGATE_OF_FIRST},
	{"xmlagg", AGGREGATE_OF_VALUES},
	{"range_agg", AGGREGATE_OF_VALUES},
	{"range_intersect_agg", AGGREGATE_OF_VALUES},
	{"var_pop", AGGREGATE_OF_VALUES},
	{"stddev_pop", AGGREGATE_OF_VALUES},
	{"covar_pop", AGGREGATE_OF_VALUES},
	{"regr_avgx", AGGREGATE_OF_VALUES},
	{"regr_avgy", AGGREGATE_OF_VALUES},
	{"regr_sxx", AGGREGATE_OF_VALUES},
	{"regr_syy", AGGREGATE_OF_VALUES},
	{"regr_sxy", AGGREGATE_OF_VALUES},
	{"mode", AGGREGATE_OF_VALUES},
	{"percentile_cont", AGGREGATE_OF_VALUES},
	{"percentile_disc", AGGREGATE_OF_VALUES},
	/* of a single row, or of rows that are all alike, there is none */
	{"stddev", AGGREGATE_MAYBE},
	{"stddev_samp", AGGREGATE_MAYBE},
	{"variance", AGGREGATE_MAYBE},
	{"var_samp", AGGREGATE_MAYBE},
	{"covar_samp", AGGREGATE_MAYBE},
	{"corr", AGGREGATE_MAYBE},
	{"regr_r2", AGGREGATE_MAYBE},
	{"regr_slope", AGGREGATE_MAYBE},
	{"regr_intercept", AGGREGATE_MAYBE},
};

static enum aggregate_class class_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strcmp(classes[i].name, name) == 0)
			return classes[i].class;
	return AGGREGATE_UNKNOWN;
}

enum aggregate_class aggregate_class(const struct scope *scope, const struct node *aggregate)
{
	return class_of(builtin_name(scope, aggregate, "aggfnoid"));
}

/* The arguments as they are for each row, before grouping. */
static bool arguments_never_null(const struct scope *scope, const struct node *expr, enum aggregate_class class)
{
	struct scope rows = *scope;
	rows.stage = scope->stage == STAGE_OUTPUT ? STAGE_ROWS : scope->stage;
	rows.children = MEM_ARRAY(scope_arena(scope), scope->nrtes + 1, struct scope *);
	const struct node *args = node_get(expr, "args");
	size_t count = class == AGGREGATE_OF_FIRST ? 1 : node_count(args);
	for (size_t i = 0; i < count; i++)
		if (!prove_expr(&rows, node_get(node_item(args, i), "expr")).never_null)
			return false;
	return node_count(args) > 0;
}

static bool same_arguments(const struct scope *scope, const struct node *a, const struct node *b)
{
	const struct node *left = node_get(a, "args"), *right = node_get(b, "args");
	const struct node *one = node_get(a, "aggfilter"), *other = node_get(b, "aggfilter");
	if (node_count(left) != node_count(right) || !one != !other || (one && !same_expr(scope, one, other)))
		return false;
	for (size_t i = 0; i < node_count(left); i++)
		if (!same_expr(scope, node_get(node_item(left, i), "expr"), node_get(node_item(right, i), "expr")))
			return false;
	return node_count(left) > 0;
}

/* Another aggregate is known to have met a row whose same arguments were all NOT NULL. */
static bool values_were_met(const struct scope *scope, const struct node *expr)
{
	for (const struct fact *fact = scope->facts; fact; fact = fact->next) {
		if (!facts_of_own_aggregate(fact))
			continue;
		enum aggregate_class class = aggregate_class(scope, fact->expr);
		bool met = class == AGGREGATE_OF_VALUES || class == AGGREGATE_MAYBE || fact->positive;
		if (met && same_arguments(scope, fact->expr, expr))
			return true;
	}
	return false;
}

struct proof prove_aggregate(const struct scope *scope, const struct node *expr)
{
	enum aggregate_class class = aggregate_class(scope, expr);
	const struct scope *owner = scope_up(scope, node_int(expr, "agglevelsup", -1));
	if (class == AGGREGATE_NEVER)
		return proven("count");
	if (class == AGGREGATE_UNKNOWN || class == AGGREGATE_MAYBE || !owner ||
	    !prove_all(scope, node_get(expr, "aggdirectargs"), "aggregate").never_null)
		return unproven();
	if (class != AGGREGATE_OF_ROWS && owner == scope && values_were_met(scope, expr))
		return proven("having");
	if (node_get(expr, "aggfilter") || !node_has(expr, "aggfilter") || !grouping_has_row(owner))
		return unproven();
	if (class == AGGREGATE_OF_ROWS || arguments_never_null(scope, expr, class))
		return proven("aggregate-of-group");
	return unproven();
}

/* ---- windows ---- */

enum { OID_INTERVAL = 1186 };
enum {
	BY_RANGE = 0x00002,
	BY_ROWS = 0x00004,
	START_UNBOUNDED = 0x00020,
	END_UNBOUNDED = 0x00100,
	START_CURRENT = 0x00200,
	END_CURRENT = 0x00400,
	START_PRECEDING = 0x00800,
	END_FOLLOWING = 0x04000,
	EXCLUDE_CURRENT = 0x08000,
	EXCLUDE_GROUP = 0x10000
};

/* '1 mon' and '3 days 02:00', as the server stores it: none of its three parts is below zero. */
static bool is_forward_interval(const struct node *expr)
{
	unsigned char bytes[17];
	return node_is(expr, "CONST") && node_int(expr, "consttype", 0) == OID_INTERVAL &&
	       node_has(expr, "constisnull") && !node_bool(expr, "constisnull") &&
	       node_bytes(node_get(expr, "constvalue"), bytes, sizeof(bytes)) == 16 &&
	       !((bytes[7] | bytes[11] | bytes[15]) & 0x80);
}

/*
 * The offset of a RANGE leads away from the current row, or nowhere. The server refuses those below zero, but takes
 * '1 mon -30 days' for zero, which after 1 March leads past the row: the frame is empty.
 */
static bool leads_away(const struct scope *scope, const struct node *window, const char *function, const char *offset)
{
	uint32_t oid = (uint32_t)node_int(window, function, 0);
	const struct catalog_function *found =
		oid < OID_FIRST_USER ? catalog_function(scope->proving->catalog, oid) : NULL;
	return found && (!strstr(found->args, " 1186 ") || is_forward_interval(node_get(window, offset)));
}

/* The current row is a peer of itself: the server's equality says so, a user's may not. */
static bool is_own_peer(const struct node *window)
{
	const struct node *order = node_get(window, "orderClause");
	for (size_t i = 0; i < node_count(order); i++)
		if (node_int(node_item(order, i), "eqop", OID_FIRST_USER) >= OID_FIRST_USER)
			return false;
	return true;
}

static bool window_has_row(const struct scope *scope, const struct node *window)
{
	int64_t options = node_int(window, "frameOptions", EXCLUDE_CURRENT);
	bool by_range = options & BY_RANGE;
	if (!(options & (START_UNBOUNDED | START_CURRENT | START_PRECEDING)) ||
	    !(options & (END_UNBOUNDED | END_CURRENT | END_FOLLOWING)) || (options & (EXCLUDE_CURRENT | EXCLUDE_GROUP)))
		return false;
	if (!(options & (BY_ROWS | START_UNBOUNDED)) && !is_own_peer(window))
		return false;
	if (by_range && (options & START_PRECEDING) && !leads_away(scope, window, "startInRangeFunc", "startOffset"))
		return false;
	return !by_range || !(options & END_FOLLOWING) || leads_away(scope, window, "endInRangeFunc", "endOffset");
}

/* The frame always contains the current row. */
static bool frame_has_row(const struct scope *scope, const struct node *expr)
{
	const struct node *windows = node_get(scope->query, "windowClause");
	for (size_t i = 0; i < node_count(windows); i++)
		if (node_int(node_item(windows, i), "winref", -1) == node_int(expr, "winref", -2))
			return window_has_row(scope, node_item(windows, i));
	return false;
}

static struct proof prove_framed(const struct scope *scope, const struct node *expr, const char *name)
{
	static const char *const values[] = {"first_value", "last_value"};
	const struct scope *rows = scope_base(scope);
	const struct node *args = node_get(expr, "args");
	enum aggregate_class class = class_of(name);
	int64_t number;
	if (node_get(expr, "aggfilter") || !node_has(expr, "aggfilter") || !frame_has_row(scope, expr))
		return unproven();
	if (class == AGGREGATE_OF_ROWS)
		return proven("window");
	bool first = class == AGGREGATE_OF_FIRST || listed(values, ARRAY_LEN(values), name) ||
	             (strcmp(name, "nth_value") == 0 && constant_number(node_item(args, 1), &number) && number == 1);
	if (first)
		return prove_expr(rows, node_item(args, 0)).never_null ? proven("window") : unproven();
	return class == AGGREGATE_OF_VALUES ? prove_all(rows, args, "window") : unproven();
}

struct proof prove_window(const struct scope *scope, const struct node *expr)
{
	static const char *const numbering[] = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist"};
	static const char *const shifting[] = {"lag", "lead"};
	const char *name = builtin_name(scope, expr, "winfnoid");
	const struct node *args = node_get(expr, "args");
	if (listed(numbering, ARRAY_LEN(numbering), name) || class_of(name) == AGGREGATE_NEVER)
		return proven("window");
	if (strcmp(name, "ntile") == 0)
		return prove_all(scope_base(scope), args, "window");
	if (listed(shifting, ARRAY_LEN(shifting), name))
		return node_count(args) == 3 ? prove_all(scope_base(scope), args, "window") : unproven();
	return prove_framed(scope, expr, name);
}
