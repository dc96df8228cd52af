/*
 * check_rows.c - does a statement give at most one row?
 *
 * A row of the result is made of one row (or none, behind an outer join) of each relation below FROM. When every one of
 * them is determined, there is one result. A relation is determined when all columns of one of its unique keys equal
 * something determined: a parameter, a constant, a column of a relation that is already determined. So facts ("this
 * column equals something determined") and determined relations are gathered until nothing is added.
 *
 * A condition in ON of an outer join binds only the side that it may replace by NULLs, and that side is determined only
 * after the other one: otherwise its columns would be one value in some rows and NULL in others. A full join determines
 * nothing. What is not understood is not determined: the answer "at most one" is a proof, the other is none.
 */
#include "gen/check.h"
#include "gen/tree.h"

enum { CMD_SELECT = 1, CMD_UPDATE = 2, CMD_INSERT = 3, CMD_DELETE = 4 };
enum { RTE_RELATION = 0, RTE_SUBQUERY = 1, RTE_JOIN = 2, RTE_FUNCTION = 3, RTE_VALUES = 5, RTE_CTE = 6 };
enum { JOIN_INNER = 0, JOIN_LEFT = 1, JOIN_RIGHT = 3 };
enum { SETOP_INTERSECT = 2, SETOP_EXCEPT = 3 };

#define OPERATOR_BOOL_EQUAL 91 /* fixed on every server */

#define LEVELS_MAX 32
#define STEPS_MAX  20000u

#define RELATIONS_MAX 200 /* of one level; more are not looked at */

struct proving {
	hf_arena *arena;
	const struct catalog *catalog;
	const struct keys *keys;
	unsigned steps;
	const char *blame;
	const struct node *unlimited; /* its LIMIT does not count */
};

/* `expr` equals something determined, in the sense of `op`. */
struct fact {
	const struct node *expr;
	uint32_t op, collation;
	bool weak; /* or is NULL, behind an outer join */
};

struct condition {
	const struct node *expr;
	const bool *scope; /* relations that it filters */
	bool weak;         /* an outer join may answer NULLs where it does not hold */
};

struct level {
	struct proving *proving;
	const struct node *query, *rtable;
	const struct level *parent;
	size_t nrtes;
	int depth;
	struct fact *facts;
	size_t nfacts;
	struct condition *conditions;
	size_t nconditions;
	bool *from;       /* relations below FROM */
	bool *determined; /* of those */
	bool **after;     /* for each relation: those that must be determined first */
};

static bool single(struct proving *proving, const struct node *query, const struct level *parent,
                   const struct level *outer, int64_t index);

/* ---- conditions ---- */

static void add_conditions(struct level *level, const struct node *expr, const bool *scope, bool weak, int depth)
{
	const struct node *op = node_get(expr, "boolop"), *args = node_get(expr, "args");
	if (!expr || depth > LEVELS_MAX)
		return;
	if (node_is(expr, "BOOLEXPR") && op && strcmp(op->text, "and") == 0) {
		for (size_t i = 0; i < node_count(args); i++)
			add_conditions(level, node_item(args, i), scope, weak, depth + 1);
		return;
	}
	level->conditions = mem_grow(level->proving->arena, level->conditions, level->nconditions,
	                             sizeof(*level->conditions));
	level->conditions[level->nconditions++] = (struct condition){expr, scope, weak};
}

static void add_all(bool *set, const bool *more, size_t count)
{
	for (size_t i = 0; i < count; i++)
		set[i] = set[i] || more[i];
}

static void must_follow(struct level *level, const bool *these, const bool *those)
{
	for (size_t i = 0; i < level->nrtes; i++)
		if (these[i])
			add_all(level->after[i], those, level->nrtes);
}

/* The relations below an item of FROM; its conditions are gathered on the way. */
static bool *gather(struct level *level, const struct node *item, bool weak, int depth)
{
	bool *below = MEM_ARRAY(level->proving->arena, level->nrtes + 1, bool);
	int64_t index = node_int(item, "rtindex", 0);
	if (node_is(item, "RANGETBLREF") && index >= 1 && (size_t)index <= level->nrtes)
		below[index - 1] = true;
	if (!node_is(item, "JOINEXPR"))
		return below;
	int64_t type = node_int(item, "jointype", -1);
	bool inner = type == JOIN_INNER;
	bool keeps_left = inner || type == JOIN_LEFT, keeps_right = inner || type == JOIN_RIGHT;
	const bool *left = gather(level, node_get(item, "larg"), weak || !keeps_left, depth + 1);
	const bool *right = gather(level, node_get(item, "rarg"), weak || !keeps_right, depth + 1);
	add_all(below, left, level->nrtes);
	add_all(below, right, level->nrtes);
	if (!keeps_left)
		must_follow(level, left, right);
	if (!keeps_right)
		must_follow(level, right, left);
	if (keeps_left || keeps_right)
		add_conditions(level, node_get(item, "quals"), inner ? below : keeps_left ? right : left,
		               weak || !inner, 0);
	return below;
}

/* What a relation takes from those beside it (LATERAL) must be determined before it. */
static void must_follow_columns(struct level *level, bool *after, const struct node *node, int64_t depth)
{
	if (!node)
		return;
	int64_t index = node_int(node, "varno", 0);
	if (node_is(node, "VAR") && node_int(node, "varlevelsup", -1) == depth && index >= 1 &&
	    (size_t)index <= level->nrtes)
		after[index - 1] = true;
	depth += node_is(node, "QUERY") ? 1 : 0;
	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		must_follow_columns(level, after, node->items[i], depth);
	for (size_t i = 0; node->kind == NODE_RECORD && i < node->count; i++)
		must_follow_columns(level, after, node->fields[i].value, depth);
}

static const struct node *rte_at(const struct level *level, int64_t index)
{
	return index >= 1 && (size_t)index <= level->nrtes ? node_item(level->rtable, (size_t)index - 1) : NULL;
}

/* A column of a join is one of a relation below it, unless both sides make it (a full join's USING). */
static const struct node *resolve(const struct level *level, const struct node *expr)
{
	expr = tree_bare(expr);
	for (int i = 0; i < LEVELS_MAX && node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0; i++) {
		const struct node *entry = rte_at(level, node_int(expr, "varno", 0));
		int64_t column = node_int(expr, "varattno", 0);
		if (node_int(entry, "rtekind", -1) != RTE_JOIN || column < 1)
			break;
		expr = tree_bare(node_item(node_get(entry, "joinaliasvars"), (size_t)column - 1));
	}
	return expr;
}

/* ---- what is determined ---- */

struct looking {
	const struct level *level;
	const bool *scope; /* or NULL */
	bool seen;         /* any column of this level */
};

/* True for what spoils it: a column that is not determined (or, with a scope, not in it), a query of its own. */
static bool spoils(void *user, const struct node *record)
{
	struct looking *looking = user;
	if (strcmp(record->text, "QUERY") == 0)
		return true;
	if (strcmp(record->text, "VAR") != 0)
		return false;
	const struct level *owner = looking->level;
	int64_t up = node_int(record, "varlevelsup", -1);
	for (; owner && up > 0; up--)
		owner = owner->parent;
	int64_t index = node_int(record, "varno", 0);
	if (!owner || up < 0 || index < 1 || (size_t)index > owner->nrtes)
		return true;
	if (!looking->scope)
		return !owner->determined[index - 1];
	looking->seen = true;
	return owner != looking->level || !looking->scope[index - 1];
}


/* In a query inside an expression: a column of a level around it. Counts nothing that is its own. */
static bool refers_outward(const struct node *node, int64_t depth)
{
	if (!node)
		return false;
	if (node_is(node, "VAR"))
		return node_int(node, "varlevelsup", INT32_MAX) >= depth;
	depth += node_is(node, "QUERY") ? 1 : 0;
	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		if (refers_outward(node->items[i], depth))
			return true;
	for (size_t i = 0; node->kind == NODE_RECORD && i < node->count; i++)
		if (refers_outward(node->fields[i].value, depth))
			return true;
	return false;
}

static bool has_fact(const struct level *level, const struct node *expr, uint32_t op, bool strong)
{
	for (size_t i = 0; i < level->nfacts; i++) {
		const struct fact *fact = &level->facts[i];
		if (tree_equal(fact->expr, expr, 0) && !(strong && fact->weak) &&
		    keys_same_equality(level->proving->keys, fact->op, op))
			return true;
	}
	return false;
}

/* The same value in every row: it has no column but those of determined relations, and nothing volatile. */
static bool is_determined(const struct level *level, const struct node *expr)
{
	struct looking looking = {.level = level};
	if (!expr || tree_volatile_call(level->proving->catalog, expr))
		return false;
	if (node_is(expr, "SUBLINK"))
		return !refers_outward(expr, 0);
	return !tree_find(expr, spoils, &looking);
}

static void add_fact(struct level *level, struct fact fact)
{
	level->facts = mem_grow(level->proving->arena, level->facts, level->nfacts, sizeof(*level->facts));
	level->facts[level->nfacts++] = fact;
}

/* `expr` of `condition` equals `other`. True when that is news. */
static bool learn(struct level *level, const struct condition *condition, const struct node *expr,
                  const struct node *other)
{
	uint32_t op = (uint32_t)node_int(condition->expr, "opno", 0);
	struct looking looking = {.level = level, .scope = condition->scope};
	expr = resolve(level, expr);
	other = resolve(level, other);
	if (!expr || has_fact(level, expr, op, !condition->weak))
		return false;
	if (tree_find(expr, spoils, &looking) || !looking.seen)
		return false;
	bool equal = node_is(other, "VAR") && has_fact(level, other, op, false);
	if (!equal && !is_determined(level, other))
		return false;
	uint32_t collation = (uint32_t)node_int(condition->expr, "inputcollid", 0);
	add_fact(level, (struct fact){expr, op, collation, condition->weak});
	return true;
}

/* A column alone, or NOT and a column: it equals a constant. */
static bool learn_flag(struct level *level, const struct condition *condition)
{
	const struct node *op = node_get(condition->expr, "boolop");
	const struct node *expr = condition->expr;
	if (op && strcmp(op->text, "not") == 0)
		expr = node_item(node_get(expr, "args"), 0);
	expr = resolve(level, expr);
	int64_t index = node_int(expr, "varno", 0);
	bool own = node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0 && index >= 1 &&
	           (size_t)index <= level->nrtes && condition->scope[index - 1];
	if (!own || has_fact(level, expr, OPERATOR_BOOL_EQUAL, !condition->weak))
		return false;
	add_fact(level, (struct fact){expr, OPERATOR_BOOL_EQUAL, 0, condition->weak});
	return true;
}

static bool learn_all(struct level *level)
{
	bool news = false;
	for (size_t i = 0; i < level->nconditions; i++) {
		const struct condition *condition = &level->conditions[i];
		const struct node *args = node_get(condition->expr, "args");
		news = learn_flag(level, condition) || news;
		if (!node_is(condition->expr, "OPEXPR") || node_count(args) != 2 ||
		    !keys_is_equality(level->proving->keys, (uint32_t)node_int(condition->expr, "opno", 0)))
			continue;
		news = learn(level, condition, node_item(args, 0), node_item(args, 1)) || news;
		news = learn(level, condition, node_item(args, 1), node_item(args, 0)) || news;
	}
	return news;
}

/* ---- unique keys ---- */

/* Collations of the server itself compare byte by byte in the end; one of a user may call different texts equal. */
static bool collation_fits(uint32_t used, uint32_t of_key)
{
	return used == of_key || used == 0 || used < OID_FIRST_USER;
}

static bool is_column(const struct node *expr, int64_t index, int32_t column)
{
	return node_is(expr, "VAR") && node_int(expr, "varlevelsup", -1) == 0 && node_int(expr, "varno", 0) == index &&
	       node_int(expr, "varattno", 0) == column;
}

static bool key_column_bound(const struct level *level, const struct key *key, size_t number, int64_t index,
                             const struct node *stored)
{
	for (size_t i = 0; i < level->nfacts; i++) {
		const struct fact *fact = &level->facts[i];
		bool same = key->columns[number] ? is_column(fact->expr, index, key->columns[number])
		                                 : tree_equal(stored, fact->expr, index);
		if (same && keys_is_equality_of(level->proving->keys, fact->op, key->families[number]) &&
		    collation_fits(fact->collation, key->collations[number]))
			return true;
	}
	return false;
}

/* What a partial key demands stands among the conditions, word for word. */
static bool condition_holds(const struct level *level, const struct node *wanted, int64_t index, int depth)
{
	const struct node *op = node_get(wanted, "boolop"), *args = node_get(wanted, "args");
	if (node_is(wanted, "BOOLEXPR") && op && strcmp(op->text, "and") == 0 && depth < LEVELS_MAX) {
		for (size_t i = 0; i < node_count(args); i++)
			if (!condition_holds(level, node_item(args, i), index, depth + 1))
				return false;
		return node_count(args) > 0;
	}
	for (size_t i = 0; i < level->nconditions; i++)
		if (level->conditions[i].scope[index - 1] && tree_equal(wanted, level->conditions[i].expr, index))
			return true;
	return false;
}

static bool key_bound(const struct level *level, const struct key *key, int64_t index)
{
	size_t expression = 0;
	for (size_t i = 0; i < key->count; i++) {
		const struct node *stored = key->columns[i] ? NULL : tree_bare(node_item(key->exprs, expression++));
		if (!key_column_bound(level, key, i, index, stored))
			return false;
	}
	return key->count > 0 && (!key->condition || condition_holds(level, key->condition, index, 0));
}

/* A unique key of a table says nothing about the tables that inherit from it; one of a partitioned table does. */
static bool relation_determined(const struct level *level, const struct node *entry, int64_t index)
{
	uint32_t relation = (uint32_t)node_int(entry, "relid", 0);
	const struct catalog *catalog = level->proving->catalog;
	const struct catalog_relation *found = catalog_find(&catalog->relations, relation);
	size_t count;
	if (!found || (found->kind == 'r' && node_bool(entry, "inh") && catalog_find(&catalog->inherits, relation)))
		return false;
	const struct key *keys = keys_of(level->proving->keys, relation, &count);
	for (size_t i = 0; i < count; i++)
		if (key_bound(level, &keys[i], index))
			return true;
	return false;
}

/* ---- other relations ---- */

static bool functions_give_one(const struct node *entry)
{
	const struct node *functions = node_get(entry, "functions");
	for (size_t i = 0; i < node_count(functions); i++) {
		const struct node *call = node_get(node_item(functions, i), "funcexpr");
		if (!node_is(call, "FUNCEXPR") || !node_has(call, "funcretset") || node_bool(call, "funcretset"))
			return false;
	}
	return node_count(functions) > 0;
}

static bool cte_determined(const struct level *level, const struct node *entry, int64_t index)
{
	const struct node *name = node_get(entry, "ctename");
	const struct level *owner = level;
	int64_t up = node_int(entry, "ctelevelsup", -1);
	for (; owner && up > 0; up--)
		owner = owner->parent;
	if (!name || !owner || up < 0 || node_bool(entry, "self_reference"))
		return false;
	const struct node *list = node_get(owner->query, "cteList");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *cte = node_item(list, i), *own = node_get(cte, "ctename");
		if (own && strcmp(own->text, name->text) == 0)
			return !node_bool(cte, "cterecursive") &&
			       single(level->proving, node_get(cte, "ctequery"), owner, level, index);
	}
	return false;
}

static bool entry_determined(const struct level *level, int64_t index)
{
	const struct node *entry = rte_at(level, index);
	switch (node_int(entry, "rtekind", -1)) {
	case RTE_RELATION:
		return relation_determined(level, entry, index);
	case RTE_SUBQUERY:
		return single(level->proving, node_get(entry, "subquery"), level, level, index);
	case RTE_FUNCTION:
		return functions_give_one(entry);
	case RTE_VALUES:
		return node_count(node_get(entry, "values_lists")) == 1;
	case RTE_CTE:
		return cte_determined(level, entry, index);
	default:
		return false;
	}
}

static bool is_next(const struct level *level, size_t entry)
{
	for (size_t i = 0; i < level->nrtes; i++)
		if (level->after[entry][i] && !level->determined[i])
			return false;
	return true;
}

static bool determine_all(struct level *level)
{
	bool news = false;
	for (size_t i = 0; i < level->nrtes; i++)
		if (level->from[i] && !level->determined[i] && is_next(level, i) &&
		    entry_determined(level, (int64_t)i + 1))
			news = level->determined[i] = true;
	return news;
}

/* ---- levels ---- */

static const struct node *target_at(const struct node *query, const char *field, int64_t value)
{
	const struct node *list = node_get(query, "targetList");
	for (size_t i = 0; i < node_count(list); i++)
		if (node_int(node_item(list, i), field, 0) == value)
			return node_item(list, i);
	return NULL;
}

/* What the query around knows of the columns that this one gives it as its relation `index`. */
static void take_over(struct level *level, const struct level *outer, int64_t index)
{
	for (size_t i = 0; outer && i < outer->nfacts; i++) {
		const struct fact *fact = &outer->facts[i];
		int64_t column = node_int(fact->expr, "varattno", 0);
		if (column < 1 || !is_column(fact->expr, index, (int32_t)column))
			continue;
		const struct node *target = target_at(level->query, "resno", column);
		const struct node *expr = resolve(level, node_get(target, "expr"));
		if (expr)
			add_fact(level, (struct fact){expr, fact->op, fact->collation, false});
	}
}

static void level_open(struct level *level, struct proving *proving, const struct node *query,
                       const struct level *parent)
{
	*level = (struct level){.proving = proving, .query = query, .parent = parent};
	level->depth = parent ? parent->depth + 1 : 0;
	level->rtable = node_get(query, "rtable");
	level->nrtes = node_count(level->rtable);
	level->from = MEM_ARRAY(proving->arena, level->nrtes + 1, bool);
	level->determined = MEM_ARRAY(proving->arena, level->nrtes + 1, bool);
	level->after = MEM_ARRAY(proving->arena, level->nrtes + 1, bool *);
	for (size_t i = 0; i < level->nrtes; i++)
		level->after[i] = MEM_ARRAY(proving->arena, level->nrtes + 1, bool);
	for (size_t i = 0; i < level->nrtes; i++)
		if (node_int(node_item(level->rtable, i), "rtekind", RTE_JOIN) != RTE_JOIN)
			must_follow_columns(level, level->after[i], node_item(level->rtable, i), 0);
	const struct node *tree = node_get(query, "jointree"), *from = node_get(tree, "fromlist");
	for (size_t i = 0; i < node_count(from); i++)
		add_all(level->from, gather(level, node_item(from, i), false, 0), level->nrtes);
	add_conditions(level, node_get(tree, "quals"), level->from, false, 0);
}

static void level_settle(struct level *level)
{
	bool news = true;
	while (news && ++level->proving->steps < STEPS_MAX) {
		news = learn_all(level);
		news = determine_all(level) || news;
	}
}

static bool from_determined(const struct level *level)
{
	for (size_t i = 0; i < level->nrtes; i++)
		if (level->from[i] && !level->determined[i]) {
			const struct node *alias = node_get(rte_at(level, (int64_t)i + 1), "eref");
			const struct node *name = node_get(alias, "aliasname");
			if (level->depth == 0 && name)
				level->proving->blame = name->text;
			return false;
		}
	return true;
}

/* GROUP BY or DISTINCT over expressions that have one value each. */
static bool grouped_by_determined(const struct level *level, const char *field)
{
	const struct node *list = node_get(level->query, field);
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *item = node_item(list, i);
		const struct node *target =
			target_at(level->query, "ressortgroupref", node_int(item, "tleSortGroupRef", -1));
		const struct node *expr = resolve(level, node_get(target, "expr"));
		if (!expr || (!is_determined(level, expr) &&
		              !has_fact(level, expr, (uint32_t)node_int(item, "eqop", 0), true)))
			return false;
	}
	return node_count(list) > 0;
}

/* LIMIT 1, which the server may have wrapped into a cast to int8. */
static bool limited_to_one(const struct node *query)
{
	const struct node *limit = node_get(query, "limitCount");
	int64_t value;
	if (node_is(limit, "FUNCEXPR") && node_int(limit, "funcformat", 0) == 2)
		limit = node_item(node_get(limit, "args"), 0);
	return node_int(query, "limitOption", -1) == 0 && node_constant(limit, &value) && value >= 0 && value <= 1;
}

static bool set_gives_one(struct level *level, const struct node *operation, int depth)
{
	if (node_is(operation, "RANGETBLREF"))
		return entry_determined(level, node_int(operation, "rtindex", 0));
	if (!node_is(operation, "SETOPERATIONSTMT") || depth > LEVELS_MAX)
		return false;
	int64_t op = node_int(operation, "op", 0);
	bool left = (op == SETOP_INTERSECT || op == SETOP_EXCEPT) &&
	            set_gives_one(level, node_get(operation, "larg"), depth + 1);
	return left || (op == SETOP_INTERSECT && set_gives_one(level, node_get(operation, "rarg"), depth + 1));
}

static bool is_one_aggregate(const struct node *query)
{
	bool aggregates = node_bool(query, "hasAggs") || node_get(query, "havingQual");
	return aggregates && !node_get(query, "groupClause") && !node_get(query, "groupingSets");
}

static bool select_gives_one(struct level *level)
{
	const struct node *query = level->query, *operations = node_get(query, "setOperations");
	if (query != level->proving->unlimited && limited_to_one(query))
		return true;
	if (operations)
		return set_gives_one(level, operations, 0);
	if (node_bool(query, "hasTargetSRFs") || node_get(query, "groupingSets"))
		return false;
	if (is_one_aggregate(query))
		return true;
	level_settle(level);
	return from_determined(level) || grouped_by_determined(level, "groupClause") ||
	       grouped_by_determined(level, "distinctClause");
}

/* `outer` and `index`: the query that reads this one as its relation `index`, or NULL. */
static bool single(struct proving *proving, const struct node *query, const struct level *parent,
                   const struct level *outer, int64_t index)
{
	bool known = node_is(query, "QUERY") && node_count(node_get(query, "rtable")) <= RELATIONS_MAX;
	if (!known || (parent && parent->depth >= LEVELS_MAX) || ++proving->steps > STEPS_MAX)
		return false;
	struct level level;
	level_open(&level, proving, query, parent);
	int64_t command = node_int(query, "commandType", 0);
	if (command == CMD_SELECT) {
		take_over(&level, outer, index);
		return select_gives_one(&level);
	}
	level_settle(&level);
	if (command == CMD_INSERT)
		return from_determined(&level);
	int64_t target = node_int(query, "resultRelation", 0);
	bool changes = command == CMD_UPDATE || command == CMD_DELETE;
	if (changes && target >= 1 && (size_t)target <= level.nrtes && level.determined[target - 1])
		return true; /* a row is changed, and so returned, once */
	(void)from_determined(&level);
	return false;
}

bool check_rows_single(const struct catalog *catalog, const struct keys *keys, const struct node *query,
                       bool without_limit, const char **ret_blame)
{
	hf_arena *arena = mem_arena();
	struct proving proving = {.arena = arena, .catalog = catalog, .keys = keys};
	proving.unlimited = without_limit ? query : NULL;
	bool one = single(&proving, query, NULL, NULL, 0);
	*ret_blame = proving.blame;
	hf_arena_free(arena);
	return one;
}
