/*
 * nullability_scope.c - opening a query level: the join tree, and its outer joins reduced to a fixpoint.
 *
 * A fact that a column is not NULL kills every outer join above it that could have nulled its entry. A join that has
 * lost both ways of adding NULLs, and whose own row is sure to be there, is an inner one: its condition was true, and
 * gives new facts.
 */
#include "gen/nullability_scope.h"

bool scope_step(struct proving *proving, unsigned cost)
{
	if (proving->steps > STEPS_MAX)
		return false;
	proving->steps += cost + 1;
	return true;
}

const struct node *scope_rte(const struct scope *scope, int64_t index)
{
	if (!scope || index < 1 || (size_t)index > scope->nrtes)
		return NULL;
	const struct node *entry = node_item(scope->rtable, (size_t)index - 1);
	return node_is(entry, "RANGETBLENTRY") || node_is(entry, "RTE") ? entry : NULL;
}

const struct scope *scope_up(const struct scope *scope, int64_t levels)
{
	for (int64_t i = 0; scope && i < levels; i++)
		scope = scope->parent;
	return levels < 0 ? NULL : scope;
}

const struct scope *scope_base(const struct scope *scope)
{
	return scope->base ? scope->base : scope;
}

/* ---- the join tree ---- */

static struct seat *place_of(struct scope *scope, const struct node *item)
{
	int64_t index = node_int(item, "rtindex", 0);
	bool known = index >= 1 && (size_t)index <= scope->nrtes && !scope->places[index - 1].found;
	return known ? &scope->places[index - 1] : NULL;
}

/* ON true beside something that always has a row never has to make up for one. */
static bool may_lack(const struct scope *scope, const struct node *join, const char *other)
{
	return !is_true(node_get(join, "quals")) || !item_has_row(node_get(join, other), &scope->level, scope->proving);
}

static void place_item(struct scope *scope, const struct node *item, struct seat above, int depth)
{
	bool join = node_is(item, "JOINEXPR");
	struct seat *place = join || node_is(item, "RANGETBLREF") ? place_of(scope, item) : NULL;
	if (depth > 1000 || !place)
		return; /* what stands below is not found, and proves nothing */
	*place = above;
	place->found = true;
	if (!join)
		return;
	int64_t type = node_int(item, "jointype", -1);
	place->join = item;
	place->nulls_left = type != JOIN_INNER && type != JOIN_LEFT && may_lack(scope, item, "larg");
	place->nulls_right = type != JOIN_INNER && type != JOIN_RIGHT && may_lack(scope, item, "rarg");
	struct seat below = {.parent = (size_t)(place - scope->places) + 1};
	below.outer = above.outer || (type != JOIN_INNER && type != JOIN_LEFT);
	place_item(scope, node_get(item, "larg"), below, depth + 1);
	below.right = true;
	below.outer = above.outer || (type != JOIN_INNER && type != JOIN_RIGHT);
	place_item(scope, node_get(item, "rarg"), below, depth + 1);
}

static void place_all(struct scope *scope)
{
	const struct node *from = node_get(node_get(scope->query, "jointree"), "fromlist");
	for (size_t i = 0; i < node_count(from); i++)
		place_item(scope, node_item(from, i), (struct seat){0}, 0);
	int64_t target = node_int(scope->query, "resultRelation", 0);
	if (scope_rte(scope, target))
		scope->places[target - 1].found = true;
}

bool scope_present(const struct scope *scope, int64_t index)
{
	if (index < 1 || (size_t)index > scope->nrtes || !scope->places[index - 1].found)
		return false;
	const struct seat *place = &scope->places[index - 1];
	for (size_t i = 0; place->parent; i++) {
		const struct seat *join = &scope->places[place->parent - 1];
		if (i > scope->nrtes || (place->right ? join->nulls_right : join->nulls_left))
			return false;
		place = join;
	}
	return true;
}

/* ---- to a fixpoint ---- */

/* The entry has a row here, so no join above has replaced it. */
static void revive(struct scope *scope, int64_t index)
{
	if (index < 1 || (size_t)index > scope->nrtes)
		return;
	const struct seat *place = &scope->places[index - 1];
	for (size_t i = 0; place->found && place->parent && i <= scope->nrtes; i++) {
		struct seat *join = &scope->places[place->parent - 1];
		if (place->right)
			join->nulls_right = false;
		else
			join->nulls_left = false;
		place = join;
	}
}

/* A row of a strict set-returning function had arguments. */
static void harvest_function(struct scope *scope, const struct node *entry)
{
	const struct node *functions = node_get(entry, "functions");
	const struct node *call = node_get(node_item(functions, 0), "funcexpr");
	if (node_count(functions) != 1 || !node_bool(call, "funcretset") || !call_is_strict(scope, call))
		return;
	const struct node *args = node_get(call, "args");
	for (size_t i = 0; i < node_count(args); i++)
		facts_learn(scope, node_item(args, i), NOT_NULL, "function-row", false);
}

static void harvest(struct scope *scope, size_t i)
{
	struct seat *place = &scope->places[i];
	const struct node *entry = scope_rte(scope, (int64_t)i + 1);
	bool function = node_int(entry, "rtekind", -1) == RTE_FUNCTION;
	bool table = node_int(entry, "rtekind", -1) == RTE_RELATION;
	bool lateral = node_int(entry, "rtekind", -1) == RTE_SUBQUERY && node_bool(entry, "lateral");
	if (place->harvested || !(place->join || function || lateral || table) || place->nulls_left ||
	    place->nulls_right || !scope_present(scope, (int64_t)i + 1))
		return;
	place->harvested = true;
	if (place->join)
		facts_learn(scope, node_get(place->join, "quals"), IS_TRUE, "join-condition", false);
	else if (table)
		declared_facts(scope, (int64_t)i + 1);
	else if (lateral)
		facts_learn_row(scope, node_get(entry, "subquery"), "lateral");
	else
		harvest_function(scope, entry);
}

void scope_settle(struct scope *scope)
{
	const struct fact *done = NULL;
	for (size_t round = 0; round <= scope->nrtes + 1; round++) {
		const struct fact *all = scope->facts;
		for (const struct fact *fact = all; fact && fact != done; fact = fact->next)
			if (node_is(fact->expr, "VAR") && !(fact->outcomes & IS_NULL) &&
			    node_int(fact->expr, "varlevelsup", -1) == 0)
				revive(scope, node_int(fact->expr, "varno", 0));
		done = all;
		for (size_t i = 0; i < scope->nrtes; i++)
			harvest(scope, i);
		facts_resolve(scope);
		if (scope->facts == done && round > 0)
			break;
	}
	if (scope->children)
		memset(scope->children, 0, scope->nrtes * sizeof(*scope->children));
}

/* ---- opening ---- */

static struct scope *new_scope(struct proving *proving, const struct node *query, const struct scope *parent)
{
	hf_arena *arena = proving->arena;
	struct scope *scope = MEM_NEW(arena, struct scope);
	scope->proving = proving;
	scope->query = query;
	scope->parent = parent;
	scope->stored = parent ? parent->stored : proving->stored;
	scope->level = (struct level){query, parent ? &parent->level : NULL};
	scope->depth = parent ? parent->depth + 1 : 0;
	scope->rtable = node_get(query, "rtable");
	scope->nrtes = node_count(scope->rtable);
	scope->places = MEM_ARRAY(arena, scope->nrtes + 1, struct seat);
	scope->children = MEM_ARRAY(arena, scope->nrtes + 1, struct scope *);
	scope->noutputs = node_count(output_list(query));
	scope->outputs = MEM_ARRAY(arena, scope->noutputs + 1, struct proof);
	size_t ctes = node_count(node_get(query, "cteList"));
	scope->ctes = MEM_ARRAY(arena, ctes + 1, struct scope *);
	scope->recursive = MEM_ARRAY(arena, ctes + 1, const bool *);
	return scope;
}

/* What the query around knows of the columns holds for the row in hand, not for the others. */
static struct scope *with_given(struct scope *scope, const struct given *given)
{
	if (!given)
		return scope;
	struct scope *fork = scope_fork(scope);
	fork->given = given;
	for (; given; given = given->next) {
		const struct node *entry = output_entry(scope->query, given->column);
		if (entry && !node_get(scope->query, "setOperations"))
			facts_learn(fork, node_get(entry, "expr"), given->outcomes, "where", true);
	}
	scope_settle(fork);
	return fork;
}

struct scope *scope_open(struct proving *proving, const struct node *query, const struct scope *parent,
                         const struct given *given)
{
	int depth = parent ? parent->depth : 0;
	if (!node_is(query, "QUERY") || depth >= SCOPE_DEPTH_MAX ||
	    !scope_step(proving, (unsigned)node_count(node_get(query, "rtable"))))
		return NULL;
	struct scope *scope = new_scope(proving, query, parent);
	grouping_read(scope);
	scope->stage = STAGE_ROWS;
	place_all(scope);
	facts_learn(scope, node_get(node_get(query, "jointree"), "quals"), IS_TRUE, "where", false);
	scope_settle(scope);
	scope->stage = STAGE_OUTPUT;
	if (scope->grouping.aggregated && scope->grouping.may_be_empty)
		scope->dead = false; /* a group without rows is a row all the same */
	if (node_get(query, "havingQual")) {
		facts_learn(scope, node_get(query, "havingQual"), IS_TRUE, "having", true);
		scope_settle(scope);
	}
	if (node_int(query, "commandType", 0) != CMD_SELECT)
		change_return(scope);
	return with_given(scope, given);
}

/* ---- forks ---- */

struct scope *scope_fork(const struct scope *scope)
{
	hf_arena *arena = scope_arena(scope);
	scope_step(scope->proving, (unsigned)scope->nrtes);
	struct scope *fork = MEM_NEW(arena, struct scope);
	*fork = *scope;
	fork->base = scope_base(scope);
	fork->places = MEM_ARRAY(arena, scope->nrtes + 1, struct seat);
	memcpy(fork->places, scope->places, scope->nrtes * sizeof(*fork->places));
	fork->children = MEM_ARRAY(arena, scope->nrtes + 1, struct scope *);
	fork->outputs = MEM_ARRAY(arena, scope->noutputs + 1, struct proof);
	return fork;
}

struct scope *scope_assume(const struct scope *scope, const struct node *condition, unsigned outcomes, const char *rule)
{
	struct scope *fork = scope_fork(scope);
	facts_learn(fork, condition, outcomes, rule, scope->stage == STAGE_OUTPUT);
	scope_settle(fork);
	return fork;
}

struct scope *scope_with_arm(const struct scope *scope, size_t join, bool right)
{
	struct scope *fork = scope_fork(scope);
	struct seat *place = &fork->places[join - 1];
	if (right)
		place->nulls_right = false;
	else
		place->nulls_left = false;
	scope_settle(fork);
	return fork;
}
