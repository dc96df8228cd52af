/*
 * nullability_facts.c - what follows when an expression is known to have one of some outcomes.
 *
 * AND that is TRUE gives the union of its parts' facts, OR that is TRUE what its arms have in common, where arms that
 * cannot hold do not count; NOT swaps; IS TRUE and its kin narrow; a strict function that is not NULL had arguments
 * that were not. Nothing is learned from what is not understood.
 */
#include "gen/nullability_scope.h"
#include "gen/tree.h"

#define LEARN_DEPTH_MAX 1000

struct learning {
	struct scope *scope;
	const struct fact *facts;
	const char *rule;
	bool of_output;
	bool dead; /* cannot be so */
	int depth;
	const struct node *tested; /* what the CASE around compares */
};

static void learn(struct learning *learning, const struct node *expr, unsigned outcomes);

static void record(struct learning *learning, const struct node *expr, unsigned outcomes, bool positive)
{
	struct fact *fact = MEM_NEW(scope_arena(learning->scope), struct fact);
	*fact = (struct fact){expr, outcomes, learning->rule, learning->of_output, positive, learning->facts};
	learning->facts = fact;
}

static void learn_all(struct learning *learning, const struct node *list, unsigned outcomes)
{
	for (size_t i = 0; i < node_count(list); i++)
		learn(learning, node_item(list, i), outcomes);
}

/* ---- alternatives ---- */

/* One of several ways it can have come about. */
struct alternatives {
	struct learning *learning;
	const struct fact *common;
	size_t count; /* of those that are possible */
};

static struct learning alternative(const struct alternatives *alternatives)
{
	struct learning one = *alternatives->learning;
	one.facts = NULL;
	one.dead = false;
	return one;
}

static const struct fact *find_same(const struct scope *scope, const struct fact *list, const struct node *expr)
{
	for (; list && scope_step(scope->proving, 0); list = list->next)
		if (same_expr(scope, list->expr, expr))
			return list;
	return NULL;
}

/* A column that is not NULL means a row of its entry, and of every join above: that may be all that ways share. */
static void add_rows(struct learning *learning)
{
	const struct scope *scope = learning->scope;
	for (const struct fact *fact = learning->facts; fact; fact = fact->next) {
		int64_t index = node_int(fact->expr, "varno", 0);
		if (!node_is(fact->expr, "VAR") || (fact->outcomes & IS_NULL) || !scope_rte(scope, index) ||
		    node_int(fact->expr, "varlevelsup", -1) != 0 || node_int(fact->expr, "varattno", 0) == 0)
			continue;
		for (size_t i = 0; index && i <= scope->nrtes; i++) {
			record(learning, make_var(scope_arena(scope), index, 0), NOT_NULL, false);
			index = (int64_t)scope->places[index - 1].parent;
		}
	}
}

static void alternatives_add(struct alternatives *alternatives, struct learning *one)
{
	if (one->dead)
		return;
	add_rows(one);
	struct learning merged = alternative(alternatives);
	const struct fact *facts = alternatives->count ? alternatives->common : one->facts;
	for (const struct fact *fact = facts; fact; fact = fact->next) {
		const struct fact *other = alternatives->count ? find_same(merged.scope, one->facts, fact->expr) : fact;
		unsigned outcomes = other ? fact->outcomes | other->outcomes : ANYTHING;
		if (outcomes != ANYTHING)
			record(&merged, fact->expr, outcomes, fact->positive && other->positive);
	}
	alternatives->common = merged.facts;
	alternatives->count++;
}

static void alternatives_end(const struct alternatives *alternatives)
{
	struct learning *learning = alternatives->learning;
	if (!alternatives->count)
		learning->dead = true;
	for (const struct fact *fact = alternatives->common; fact; fact = fact->next)
		record(learning, fact->expr, fact->outcomes, fact->positive);
}

static void learn_one_of(struct learning *learning, const struct node *list, unsigned outcomes)
{
	struct alternatives alternatives = {.learning = learning};
	for (size_t i = 0; i < node_count(list); i++) {
		struct learning one = alternative(&alternatives);
		learn(&one, node_item(list, i), outcomes);
		alternatives_add(&alternatives, &one);
	}
	alternatives_end(&alternatives);
}

/* ---- AND, OR, NOT ---- */

static unsigned flip(unsigned outcomes)
{
	return (outcomes & IS_NULL) | (outcomes & IS_TRUE ? IS_FALSE : 0) | (outcomes & IS_FALSE ? IS_TRUE : 0);
}

/* `strong` is the outcome that needs all parts to have it: TRUE for AND, FALSE for OR. */
static void learn_joint(struct learning *learning, const struct node *args, unsigned outcomes, unsigned strong)
{
	unsigned weak = flip(strong);
	if (outcomes == strong) {
		learn_all(learning, args, strong);
	} else if (outcomes == (strong | IS_NULL) || outcomes == IS_NULL) {
		learn_all(learning, args, strong | IS_NULL);
	} else if (outcomes == weak || outcomes == (weak | IS_NULL)) {
		learn_one_of(learning, args, outcomes);
	} else {
		struct alternatives alternatives = {.learning = learning};
		struct learning one = alternative(&alternatives), other = one;
		learn_joint(&one, args, strong, strong);
		alternatives_add(&alternatives, &one);
		learn_joint(&other, args, weak, strong);
		alternatives_add(&alternatives, &other);
		alternatives_end(&alternatives);
	}
}

static void learn_boolean(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *op = node_get(expr, "boolop"), *args = node_get(expr, "args");
	const char *name = op ? op->text : "";
	if (strcmp(name, "and") == 0)
		learn_joint(learning, args, outcomes, IS_TRUE);
	else if (strcmp(name, "or") == 0)
		learn_joint(learning, args, outcomes, IS_FALSE);
	else if (strcmp(name, "not") == 0)
		learn(learning, node_item(args, 0), flip(outcomes));
}

/* ---- tests ---- */

/* Every field of a row is not NULL. */
static void learn_fields(struct learning *learning, const struct node *row)
{
	const struct scope *scope = learning->scope;
	if (node_is(row, "ROWEXPR") || node_is(row, "ROW"))
		learn_all(learning, node_get(row, "args"), NOT_NULL);
	if (!is_var(row, node_int(row, "varno", 0), 0))
		return;
	int64_t index = node_int(row, "varno", 0);
	const struct node *entry = scope_rte(scope, index);
	int64_t kind = node_int(entry, "rtekind", -1);
	size_t count = node_count(node_get(node_get(entry, "eref"), "colnames"));
	if (kind == RTE_RELATION || kind == RTE_SUBQUERY || kind == RTE_VALUES || kind == RTE_CTE)
		for (size_t i = 1; i <= count; i++)
			learn(learning, make_var(scope_arena(scope), index, (int64_t)i), NOT_NULL);
}

static void learn_null_test(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *arg = node_get(expr, "arg");
	bool is_null = node_int(expr, "nulltesttype", -1) == 0, not_null = node_int(expr, "nulltesttype", -1) == 1;
	bool row = node_bool(expr, "argisrow") || !node_has(expr, "argisrow");
	bool held = !(outcomes & IS_FALSE), failed = !(outcomes & IS_TRUE);
	if ((held && failed) || (!is_null && !not_null)) {
		learning->dead = held && failed && (is_null || not_null);
		return;
	}
	if ((is_null && failed) || (not_null && held))
		learn(learning, arg, NOT_NULL); /* of a row: some field, or all of them */
	else if (!row && (held || failed))
		learn(learning, arg, IS_NULL);
	if (row && not_null && held)
		learn_fields(learning, arg);
}

/* BoolTestType: IS TRUE, NOT TRUE, FALSE, NOT FALSE, UNKNOWN, NOT UNKNOWN; the outcomes of the argument if it holds. */
static void learn_boolean_test(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	static const unsigned holds[] = {IS_TRUE, NOT_TRUE, IS_FALSE, NOT_FALSE, IS_NULL, NOT_NULL};
	int64_t type = node_int(expr, "booltesttype", -1);
	if (type < 0 || type > 5)
		return;
	unsigned left = 0;
	if (outcomes & IS_TRUE)
		left |= holds[type];
	if (outcomes & IS_FALSE)
		left |= ANYTHING & ~holds[type];
	if (left)
		learn(learning, node_get(expr, "arg"), left);
	else
		learning->dead = true;
}

static void learn_constant(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!(possible_outcomes(learning->scope, expr) & outcomes))
		learning->dead = true;
}

/* NOT DISTINCT from what is not NULL. */
static void learn_distinct(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *args = node_get(expr, "args");
	const struct node *left = node_item(args, 0), *right = node_item(args, 1);
	if (outcomes & IS_TRUE)
		return;
	if (prove_expr(learning->scope, left).never_null)
		learn(learning, right, NOT_NULL);
	if (prove_expr(learning->scope, right).never_null)
		learn(learning, left, NOT_NULL);
}

/* ---- strict things ---- */

static void learn_call(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!(outcomes & IS_NULL) && !node_bool(expr, "funcretset") && call_is_strict(learning->scope, expr))
		learn_all(learning, node_get(expr, "args"), NOT_NULL);
}

static const struct node *without_integer_cast(const struct scope *scope, const struct node *expr)
{
	static const char *const casts[] = {"int2", "int4", "int8"};
	while (node_is(expr, "FUNCEXPR") && node_count(node_get(expr, "args")) == 1 &&
	       listed(casts, ARRAY_LEN(casts), builtin_name(scope, expr, "funcid")))
		expr = node_item(node_get(expr, "args"), 0);
	return expr;
}

static bool compare(const char *op, int64_t left, int64_t right, bool *ret_holds)
{
	const bool results[] = {left == right, left != right, left<right, left> right, left <= right, left >= right};
	static const char *const names[] = {"=", "<>", "<", ">", "<=", ">="};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(op, names[i]) == 0) {
			*ret_holds = results[i];
			return true;
		}
	return false;
}

/* A comparison with a number that a count of zero would not have met. */
static void learn_count(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct scope *scope = learning->scope;
	uint32_t oid = (uint32_t)node_int(expr, "opno", 0);
	const struct catalog_operator *op = catalog_operator(scope->proving->catalog, oid);
	const struct node *args = node_get(expr, "args");
	for (size_t side = 0; op && oid < OID_FIRST_USER && side < 2; side++) {
		const struct node *count = without_integer_cast(scope, node_item(args, side));
		int64_t number;
		bool holds;
		if (node_is(count, "AGGREF") && strcmp(builtin_name(scope, count, "aggfnoid"), "count") == 0 &&
		    constant_number(node_item(args, 1 - side), &number) &&
		    compare(op->name, side ? number : 0, side ? 0 : number, &holds) &&
		    !(outcomes & (holds ? IS_TRUE : IS_FALSE)))
			record(learning, count, NOT_NULL, true);
	}
}

static bool same_constant(const struct node *a, const struct node *b)
{
	const struct node *one = node_get(a, "constvalue"), *other = node_get(b, "constvalue");
	return node_is(a, "CONST") && node_is(b, "CONST") && one && other && strcmp(one->text, other->text) == 0 &&
	       one->rest && other->rest && strcmp(one->rest, other->rest) == 0;
}

/* Every value of that type surely equals itself. */
static bool equals_itself(const struct catalog *catalog, uint32_t type)
{
	static const char *const names[] = {"text", "bpchar",    "name",        "bytea",    "int2",    "int4",  "int8",
	                                    "oid",  "bool",      "numeric",     "float4",   "float8",  "date",  "time",
	                                    "uuid", "timestamp", "timestamptz", "interval", "anyenum", "jsonb", "inet"};
	const struct catalog_type *found = catalog_type_of(catalog, type);
	return found && found->builtin && listed(names, ARRAY_LEN(names), found->name);
}

/* The list without its last item. */
static const struct node *but_last(hf_arena *arena, const struct node *list)
{
	struct node *shorter = MEM_NEW(arena, struct node);
	*shorter = *list;
	shorter->count--;
	return shorter;
}

/* coalesce(x, '') <> '': what stands in for NULL would not have met it. */
static void learn_stand_in(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct scope *scope = learning->scope;
	uint32_t oid = (uint32_t)node_int(expr, "opno", 0);
	const struct catalog_operator *op = catalog_operator(scope->proving->catalog, oid);
	const struct node *args = node_get(expr, "args");
	for (size_t side = 0; op && oid < OID_FIRST_USER && side < 2; side++) {
		const struct node *choice = tree_bare(node_item(args, side)),
				  *other = tree_bare(node_item(args, 1 - side));
		const struct node *list = node_get(choice, "args");
		bool chooses = node_is(choice, "COALESCE") || node_is(choice, "COALESCEEXPR");
		const struct node *last =
			chooses && node_count(list) > 1 ? tree_bare(node_item(list, node_count(list) - 1)) : NULL;
		int64_t left, right;
		bool holds, same = same_constant(last, other) && equals_itself(scope->proving->catalog, op->left);
		if (!same && !(constant_number(last, &left) && constant_number(other, &right)))
			continue;
		if (same)
			left = right = 0;
		if (compare(op->name, side ? right : left, side ? left : right, &holds) &&
		    !(outcomes & (holds ? IS_TRUE : IS_FALSE)) && !(outcomes & IS_NULL))
			learn_one_of(learning, but_last(scope_arena(scope), list), NOT_NULL);
	}
}

/* = and <> of booleans with a constant are tests. */
static void learn_truth(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	enum { BOOL_EQ = 91, BOOL_NE = 85 };
	int64_t op = node_int(expr, "opno", 0);
	const struct node *args = node_get(expr, "args");
	for (size_t side = 0; (op == BOOL_EQ || op == BOOL_NE) && side < 2; side++) {
		const struct node *constant = node_item(args, side), *other = node_item(args, 1 - side);
		unsigned value = node_is(constant, "CONST") ? possible_outcomes(learning->scope, constant) : 0;
		if (value == IS_TRUE || value == IS_FALSE)
			learn(learning, other, (value == IS_TRUE) == (op == BOOL_EQ) ? outcomes : flip(outcomes));
	}
}

static void learn_operator(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	learn_truth(learning, expr, outcomes);
	learn_count(learning, expr, outcomes);
	learn_stand_in(learning, expr, outcomes);
	if (!(outcomes & IS_NULL) && operator_is_strict(learning->scope, expr))
		learn_all(learning, node_get(expr, "args"), NOT_NULL);
}

/* x op ANY (array) is FALSE and x op ALL (array) TRUE for an empty array, whatever x. */
static void learn_any_array(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *args = node_get(expr, "args");
	const struct node *array = node_item(args, 1), *elements = node_get(array, "elements");
	if ((outcomes & IS_NULL) || !node_has(expr, "useOr") || !operator_is_strict(learning->scope, expr))
		return;
	bool written = (node_is(array, "ARRAYEXPR") || node_is(array, "ARRAY")) && node_count(elements) &&
	               node_has(array, "multidims") && !node_bool(array, "multidims");
	bool matched = outcomes == (node_bool(expr, "useOr") ? IS_TRUE : IS_FALSE);
	learn(learning, array, NOT_NULL);
	if (matched || written)
		learn(learning, node_item(args, 0), NOT_NULL);
	if (written && (node_count(elements) == 1 || (!matched && outcomes != NOT_NULL)))
		learn_all(learning, elements, NOT_NULL);
}

/* (a, b) < (c, d) looks at the first pair always. */
static void learn_row_comparison(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if ((outcomes & IS_NULL) || !row_operators_builtin(expr))
		return;
	learn(learning, node_item(node_get(expr, "largs"), 0), NOT_NULL);
	learn(learning, node_item(node_get(expr, "rargs"), 0), NOT_NULL);
}

static void learn_same(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	learn(learning, node_get(expr, "arg"), outcomes);
}

static void learn_argument(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	/* an input function that is not strict is called for NULL as well; those of domains and of users may be such */
	bool foreign = node_is(expr, "COERCEVIAIO") && node_int(expr, "resulttype", OID_FIRST_USER) >= OID_FIRST_USER;
	if (!(outcomes & IS_NULL) && !foreign)
		learn(learning, node_get(expr, "arg"), NOT_NULL);
}

static void learn_subscript(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if ((outcomes & IS_NULL) || node_get(expr, "refassgnexpr") || !node_has(expr, "refassgnexpr") ||
	    node_int(expr, "refcontainertype", OID_FIRST_USER) >= OID_FIRST_USER)
		return;
	learn(learning, node_get(expr, "refexpr"), NOT_NULL);
	learn_all(learning, node_get(expr, "refupperindexpr"), NOT_NULL);
	learn_all(learning, node_get(expr, "reflowerindexpr"), NOT_NULL);
}

/* ---- choices ---- */

static void learn_coalesce(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!(outcomes & IS_NULL))
		learn_one_of(learning, node_get(expr, "args"), outcomes);
}

static void learn_min_max(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!(outcomes & IS_NULL))
		learn_one_of(learning, node_get(expr, "args"), NOT_NULL);
}

static void learn_null_if(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!(outcomes & IS_NULL))
		learn(learning, node_item(node_get(expr, "args"), 0), outcomes);
}

static void learn_case(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *branches = node_get(expr, "args");
	struct alternatives alternatives = {.learning = learning};
	struct learning before = alternative(&alternatives); /* the conditions that did not hold */
	before.tested = node_get(expr, "arg");
	for (size_t i = 0; i < node_count(branches); i++) {
		struct learning one = before;
		learn(&one, node_get(node_item(branches, i), "expr"), IS_TRUE);
		one.tested = learning->tested;
		learn(&one, node_get(node_item(branches, i), "result"), outcomes);
		alternatives_add(&alternatives, &one);
		learn(&before, node_get(node_item(branches, i), "expr"), NOT_TRUE);
	}
	before.tested = learning->tested;
	learn(&before, node_get(expr, "defresult"), outcomes);
	alternatives_add(&alternatives, &before);
	alternatives_end(&alternatives);
}

static void learn_tested(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	(void)expr;
	const struct node *tested = learning->tested;
	learning->tested = NULL;
	if (tested)
		learn(learning, tested, outcomes);
	learning->tested = tested;
}

/* ---- references and subqueries ---- */

static void learn_var(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	const struct node *meant = scope_unalias(learning->scope, expr);
	if (meant != expr && !(outcomes & IS_NULL))
		learn(learning, meant, outcomes);
}

/* A row of the subquery was there: what its WHERE, or a known column, tells of our columns. */
static void learn_inner_row(struct learning *learning, const struct node *query, const struct given *given)
{
	const struct scope *inner = scope_open(learning->scope->proving, query, learning->scope, given);
	if (!inner)
		return;
	if (inner->dead)
		learning->dead = true;
	bool any_group = inner->grouping.aggregated && inner->grouping.may_be_empty;
	for (const struct fact *fact = inner->facts; fact; fact = fact->next)
		if (node_is(fact->expr, "VAR") && node_int(fact->expr, "varlevelsup", -1) == 1 &&
		    (fact->of_output || !any_group))
			learn(learning,
			      make_var(scope_arena(inner), node_int(fact->expr, "varno", 0),
			               node_int(fact->expr, "varattno", 0)),
			      fact->outcomes);
}

static void learn_sublink(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	enum { EXISTS = 0, ANY = 2, EXPR = 4 };
	const struct node *query = node_get(expr, "subselect");
	int64_t type = node_int(expr, "subLinkType", -1);
	if (type == ANY && outcomes == IS_TRUE)
		learn(learning, node_get(expr, "testexpr"), IS_TRUE);
	const struct given value = {.column = 1, .outcomes = outcomes};
	if (outcomes == IS_TRUE && (type == EXISTS || type == ANY))
		learn_inner_row(learning, query, NULL);
	if (type == EXPR && !(outcomes & IS_NULL))
		learn_inner_row(learning, query, &value);
}

static const struct {
	const char *tag;
	void (*learn)(struct learning *learning, const struct node *expr, unsigned outcomes);
} rules[] = {
	{"VAR", learn_var},
	{"BOOLEXPR", learn_boolean},
	{"NULLTEST", learn_null_test},
	{"BOOLEANTEST", learn_boolean_test},
	{"CONST", learn_constant},
	{"OPEXPR", learn_operator},
	{"FUNCEXPR", learn_call},
	{"SCALARARRAYOPEXPR", learn_any_array},
	{"ROWCOMPAREEXPR", learn_row_comparison},
	{"ROWCOMPARE", learn_row_comparison},
	{"DISTINCTEXPR", learn_distinct},
	{"RELABELTYPE", learn_same},
	{"COLLATEEXPR", learn_same},
	{"COLLATE", learn_same},
	{"COERCETODOMAIN", learn_same},
	{"NAMEDARGEXPR", learn_same},
	{"COERCEVIAIO", learn_argument},
	{"ARRAYCOERCEEXPR", learn_argument},
	{"CONVERTROWTYPEEXPR", learn_argument},
	{"FIELDSELECT", learn_argument},
	{"SUBSCRIPTINGREF", learn_subscript},
	{"COALESCEEXPR", learn_coalesce},
	{"COALESCE", learn_coalesce},
	{"MINMAXEXPR", learn_min_max},
	{"MINMAX", learn_min_max},
	{"NULLIFEXPR", learn_null_if},
	{"CASEEXPR", learn_case},
	{"CASE", learn_case},
	{"CASETESTEXPR", learn_tested},
	{"SUBLINK", learn_sublink},
};

/* The row of a join is made of its columns, and is a row of NULLs where an outer join above has none. */
static bool is_row_of_join(const struct scope *scope, const struct node *expr)
{
	const struct scope *owner = scope_up(scope, node_int(expr, "varlevelsup", -1));
	const struct node *entry = scope_rte(owner, node_int(expr, "varno", 0));
	return node_is(expr, "VAR") && node_int(expr, "varattno", 0) == 0 && node_int(entry, "rtekind", -1) == RTE_JOIN;
}

static void learn(struct learning *learning, const struct node *expr, unsigned outcomes)
{
	if (!expr || outcomes == ANYTHING || is_row_of_join(learning->scope, expr) ||
	    learning->depth > LEARN_DEPTH_MAX || !scope_step(learning->scope->proving, 0))
		return;
	if (!node_is(expr, "CONST") && is_repeatable(learning->scope, expr))
		record(learning, expr, outcomes, false);
	if (learning->of_output && grouping_nulls(learning->scope, expr))
		return; /* its parts may be another group's */
	learning->depth++;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (node_is(expr, rules[i].tag)) {
			rules[i].learn(learning, expr, outcomes);
			break;
		}
	learning->depth--;
}

/* ---- the facts of a scope ---- */

void facts_learn(struct scope *scope, const struct node *expr, unsigned outcomes, const char *rule, bool of_output)
{
	struct learning learning = {.scope = scope, .rule = rule, .of_output = of_output, .facts = scope->facts};
	learning.tested = scope->tested;
	learn(&learning, expr, outcomes);
	scope->facts = learning.facts;
	scope->dead = scope->dead || learning.dead;
}

/* The only arm that can have one of the outcomes; NULL when there are several. */
static const struct node *only_arm(const struct scope *scope, const struct node *arms, unsigned outcomes)
{
	const struct node *only = NULL;
	for (size_t i = 0; i < node_count(arms); i++) {
		if (!(possible_outcomes(scope, node_item(arms, i)) & outcomes))
			continue;
		if (only)
			return NULL;
		only = node_item(arms, i);
	}
	return only;
}

void facts_resolve(struct scope *scope)
{
	for (const struct fact *fact = scope->facts; fact; fact = fact->next) {
		const struct node *op = node_get(fact->expr, "boolop"), *arms = node_get(fact->expr, "args");
		bool holds = fact->of_output || scope->stage == STAGE_ROWS || !scope->grouping.aggregated;
		if (!node_is(fact->expr, "BOOLEXPR") || !op || strcmp(op->text, "or") != 0 || !holds ||
		    (fact->outcomes & IS_FALSE) || node_count(arms) > ARMS_MAX || !scope_step(scope->proving, 0))
			continue;
		const struct node *arm = only_arm(scope, arms, fact->outcomes);
		const char *rule = NULL;
		if (arm && (facts_outcomes(scope, arm, &rule) & ~fact->outcomes))
			facts_learn(scope, arm, fact->outcomes, fact->rule, fact->of_output);
	}
}

void facts_learn_row(struct scope *scope, const struct node *query, const char *rule)
{
	struct learning learning = {.scope = scope, .rule = rule, .facts = scope->facts};
	learn_inner_row(&learning, query, NULL);
	scope->facts = learning.facts;
	scope->dead = scope->dead || learning.dead;
}

/*
 * Facts about rows say nothing of a group without rows, nor of an expression of which a grouping set may null a part.
 * The other way round only NOT NULL of a plain column goes from a group to its rows.
 */
static bool applies(const struct scope *scope, const struct fact *fact, const struct node *expr)
{
	const struct grouping *grouping = &scope->grouping;
	if (scope->stage == STAGE_OUTPUT && !fact->of_output) {
		if (grouping->aggregated && grouping->may_be_empty)
			return false;
		return !grouping->nnulled || (node_is(expr, "VAR") && !grouping_nulls(scope, expr));
	}
	if (scope->stage == STAGE_ROWS && fact->of_output && grouping->nnulled)
		return node_is(expr, "VAR") && !(fact->outcomes & IS_NULL);
	return true;
}

/* a < b beside a >= b, of the server's operators: one is TRUE when the other is FALSE. */
static bool says_opposite(const struct scope *scope, const struct node *known, const struct node *expr)
{
	uint32_t oid = (uint32_t)node_int(expr, "opno", 0);
	if (!node_is(expr, "OPEXPR") || !node_is(known, "OPEXPR") || !oid || oid >= OID_FIRST_USER)
		return false;
	const struct catalog_operator *op = catalog_operator(scope->proving->catalog, oid);
	return op && op->negator && op->negator == (uint32_t)node_int(known, "opno", 0) &&
	       same_expr(scope, node_get(known, "args"), node_get(expr, "args"));
}

unsigned facts_outcomes(const struct scope *scope, const struct node *expr, const char **ret_rule)
{
	unsigned outcomes = ANYTHING;
	if (!scope->facts || !is_repeatable(scope, expr))
		return ANYTHING;
	for (const struct fact *fact = scope->facts; fact && scope_step(scope->proving, 0); fact = fact->next) {
		unsigned left = fact->outcomes;
		if (!applies(scope, fact, expr))
			continue;
		if (says_opposite(scope, fact->expr, expr))
			left = flip(left);
		else if (outcomes == (outcomes & left) || !same_expr(scope, fact->expr, expr))
			continue;
		if (outcomes != (outcomes & left))
			*ret_rule = fact->rule;
		outcomes &= left;
	}
	return outcomes;
}

unsigned facts_of_column(const struct scope *scope, int64_t index, int64_t column, int64_t up, const char **ret_rule)
{
	unsigned outcomes = ANYTHING;
	for (const struct fact *fact = scope->facts; fact; fact = fact->next)
		if (node_is(fact->expr, "VAR") && node_int(fact->expr, "varno", 0) == index &&
		    node_int(fact->expr, "varattno", 0) == column && node_int(fact->expr, "varlevelsup", -1) == up &&
		    outcomes != (outcomes & fact->outcomes) && applies(scope, fact, fact->expr)) {
			outcomes &= fact->outcomes;
			*ret_rule = fact->rule;
		}
	return outcomes;
}

bool facts_of_own_aggregate(const struct fact *fact)
{
	return node_is(fact->expr, "AGGREF") && fact->of_output && !(fact->outcomes & IS_NULL) &&
	       node_int(fact->expr, "agglevelsup", -1) == 0;
}
