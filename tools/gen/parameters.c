/*
 * parameters.c - queries on the walk, and the verdict at its end.
 */
#include "gen/parameters.h"

#include "gen/name_index.h"
#include "gen/parameters_walk.h"

enum { CMD_SELECT = 1, CMD_UPDATE = 2, CMD_INSERT = 3 };
enum { RTE_SUBQUERY = 1, RTE_FUNCTION = 3, RTE_VALUES = 5 };
enum { WITH_TIES = 1, LEVELS_MAX = 64 };

/* ---- what is stored ---- */

static struct use use_stored(const struct walk *walk, const struct level *level, const struct node *entry)
{
	int64_t target = node_int(level->query, "resultRelation", 0), column = node_int(entry, "resno", 0);
	const struct node *table = node_item(node_get(level->query, "rtable"), (size_t)target - 1);
	uint32_t relation = (uint32_t)node_int(table, "relid", 0);
	struct use use = use_named(use_other(), name_of_output(walk->catalog, entry), WORTH_COLUMN);
	if (catalog_refuses_null(walk->catalog, relation, column))
		use.why = WHY_STORED_NOT_NULL;
	else if (catalog_may_be_null(walk->catalog, relation, column))
		use.why = WHY_STORED_NULLABLE;
	return use;
}

static void visit_stored(struct walk *walk, const struct level *level, const struct node *list)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i);
		walk_visit(walk, level, node_get(entry, "expr"), use_stored(walk, level, entry));
	}
}

/* ---- where a result goes ---- */

static struct use use_of_result(const struct walk *walk, const struct level *level, const struct node *entry, int deep);

/* The entry of a level's target list that is that column of its range table as it is; NULL when none is. */
static const struct node *passed_on(const struct level *level, int64_t index, int64_t column)
{
	const struct node *list = node_get(level->query, "targetList");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *expr = name_bare(node_get(node_item(list, i), "expr"));
		if (node_is(expr, "VAR") && node_int(expr, "varno", 0) == index &&
		    node_int(expr, "varattno", 0) == column && node_int(expr, "varlevelsup", -1) == 0)
			return node_item(list, i);
	}
	return NULL;
}

/* What becomes of a column of the range table: it may be stored, also through the levels above. */
static struct use use_of_column(const struct walk *walk, const struct level *level, int64_t index, int64_t column,
                                int deep)
{
	const struct node *entry = passed_on(level, index, column);
	if (!entry || deep > LEVELS_MAX)
		return use_other();
	if (node_int(level->query, "commandType", 0) != CMD_SELECT)
		return use_stored(walk, level, entry);
	return use_of_result(walk, level, entry, deep + 1);
}

static struct use use_of_result(const struct walk *walk, const struct level *level, const struct node *entry, int deep)
{
	int64_t number = node_int(entry, "resno", 0);
	struct use use = use_named(use_other(), name_of_output(walk->catalog, entry), WORTH_OUTPUT);
	use = use_named(use, name_in_list(walk->catalog->arena, level->names, number), WORTH_OUTPUT);
	if (!level->target)
		return use;
	struct use above = use_of_column(walk, level->target, level->index, number, deep);
	return above.name && above.worth == WORTH_COLUMN ? above : use;
}

/* ---- queries ---- */

static void visit_outputs(struct walk *walk, const struct level *level)
{
	const struct node *list = node_get(level->query, "targetList");
	for (size_t i = 0; i < node_count(list); i++) {
		struct use use = use_of_result(walk, level, node_item(list, i), 0);
		use.output = !level->parent;
		walk_visit(walk, level, node_get(node_item(list, i), "expr"), use);
	}
}

static void visit_values(struct walk *walk, const struct level *level, const struct node *entry, int64_t index)
{
	const struct node *rows = node_get(entry, "values_lists");
	bool bare = !level->parent && node_int(level->query, "commandType", 0) == CMD_SELECT;
	for (size_t j = 0; j < node_count(node_item(rows, 0)); j++) {
		struct use use = use_of_column(walk, level, index, (int64_t)j + 1, 0);
		use.output = bare;
		for (size_t i = 0; i < node_count(rows); i++)
			walk_visit(walk, level, node_item(node_item(rows, i), j), use);
	}
}

/* unnest($1, $2) AS x(a, b): the arguments are called as their columns, or as what those are stored into. */
static void visit_functions(struct walk *walk, const struct level *level, const struct node *entry, int64_t index)
{
	const struct node *functions = node_get(entry, "functions");
	for (size_t i = 0; i < node_count(functions); i++) {
		const struct node *call = node_get(node_item(functions, i), "funcexpr"), *args = node_get(call, "args");
		const struct catalog_function *function =
			catalog_function(walk->catalog, (uint32_t)node_int(call, "funcid", 0));
		const char *name = name_of_column(walk->catalog->arena, entry, (int64_t)i + 1);
		if (name && function && strcmp(name, function->name) == 0)
			name = use_of_column(walk, level, index, (int64_t)i + 1, 0).name;
		bool unnest = function && strcmp(function->name, "unnest") == 0 && node_count(args) == 1;
		if (unnest && name && strcmp(name, "unnest") != 0)
			walk_visit(walk, level, node_item(args, 0), use_named(use_other(), name, WORTH_COLUMN));
		else
			walk_visit(walk, level, call, use_other());
	}
}

static void visit_level(struct walk *walk, const struct level *level);

/* The arms of a set operation go where the whole goes. */
static void visit_subquery(struct walk *walk, const struct level *level, const struct node *entry, int64_t index)
{
	struct level below = {.query = node_get(entry, "subquery"), .parent = level, .target = level, .index = index};
	below.names = node_get(node_get(entry, "eref"), "colnames");
	if (node_get(level->query, "setOperations")) {
		below.target = level->target;
		below.index = level->index;
		below.names = level->names;
	}
	visit_level(walk, &below);
}

static void visit_tables(struct walk *walk, const struct level *level)
{
	const struct node *tables = node_get(level->query, "rtable");
	for (size_t i = 0; i < node_count(tables); i++) {
		const struct node *entry = node_item(tables, i);
		switch (node_int(entry, "rtekind", -1)) {
		case RTE_SUBQUERY:
			visit_subquery(walk, level, entry, (int64_t)i + 1);
			break;
		case RTE_VALUES:
			visit_values(walk, level, entry, (int64_t)i + 1);
			break;
		case RTE_FUNCTION:
			visit_functions(walk, level, entry, (int64_t)i + 1);
			break;
		default:
			walk_visit(walk, level, node_get(entry, "tablesample"), use_other());
		}
	}
}

static void visit_ctes(struct walk *walk, const struct level *level)
{
	const struct node *list = node_get(level->query, "cteList");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *cte = node_item(list, i);
		struct level below = {.query = node_get(cte, "ctequery"), .parent = level};
		below.names = node_get(cte, "ctecolnames");
		visit_level(walk, &below);
	}
}

static void visit_limit(struct walk *walk, const struct level *level)
{
	bool ties = node_int(level->query, "limitOption", 0) == WITH_TIES; /* which refuses NULL */
	struct use use = {.why = WHY_LIMIT};
	walk_visit(walk, level, node_get(level->query, "limitOffset"), use_named(use, "offset", WORTH_COLUMN));
	use.why = ties ? WHY_OTHER : WHY_LIMIT;
	walk_visit(walk, level, node_get(level->query, "limitCount"), use_named(use, "limit", WORTH_COLUMN));
}

/* INSERT, UPDATE, DELETE, MERGE */
static void visit_changes(struct walk *walk, const struct level *level)
{
	const struct node *conflict = node_get(level->query, "onConflict");
	const struct node *actions = node_get(level->query, "mergeActionList");
	visit_stored(walk, level, node_get(level->query, "targetList"));
	visit_stored(walk, level, node_get(conflict, "onConflictSet"));
	walk_visit(walk, level, node_get(conflict, "onConflictWhere"), use_other());
	for (size_t i = 0; i < node_count(actions); i++) {
		visit_stored(walk, level, node_get(node_item(actions, i), "targetList"));
		walk_visit(walk, level, node_get(node_item(actions, i), "qual"), use_other());
	}
}

static void visit_level(struct walk *walk, const struct level *level)
{
	static const char *const others[] = {"jointree", "returningList", "havingQual", "windowClause"};
	if (!node_is(level->query, "QUERY"))
		return;
	visit_ctes(walk, level);
	visit_tables(walk, level);
	if (node_int(level->query, "commandType", 0) == CMD_SELECT)
		visit_outputs(walk, level);
	else
		visit_changes(walk, level);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		walk_visit(walk, level, node_get(level->query, others[i]), use_other());
	visit_limit(walk, level);
}

void walk_query(struct walk *walk, const struct level *parent, const struct node *query)
{
	visit_level(walk, &(struct level){.query = query, .parent = parent});
}

/* ---- the verdict ---- */

static struct parameter verdict(const struct fact *fact)
{
	static const struct {
		unsigned why;
		bool nullable;
		const char *rule;
	} rules[] = {
		{WHY_STORED_NOT_NULL, false, RULE_STORED_NOT_NULL},
		{WHY_STORED_NULLABLE, true, RULE_STORED_NULLABLE},
		{WHY_TESTED, true, "tested-for-null"},
		{WHY_COALESCED, true, "coalesced"},
		{WHY_LIMIT, true, "limit"},
		{WHY_OTHER, false, "not-null-by-default"},
		{WHY_COMPARED, false, "compared"},
	};
	struct parameter parameter = {fact->name, false, "not-null-by-default", fact->why && !fact->typed};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (fact->why & rules[i].why) {
			parameter.nullable = rules[i].nullable;
			parameter.rule = rules[i].rule;
			break;
		}
	return parameter;
}

void parameters_infer(const struct catalog *catalog, const struct node *tree, const char *sql, struct parameter *ret,
                      size_t count)
{
	struct fact *facts = MEM_ARRAY(catalog->arena, count + 1, struct fact);
	struct walk walk = {.catalog = catalog, .sql = hf_str_of(sql), .facts = facts, .count = count};
	walk_query(&walk, NULL, tree);
	for (size_t i = 0; i < count; i++)
		ret[i] = verdict(&facts[i]);
}

/* ---- names ---- */

/* The name itself, or the first free one with a number behind it; `last` knows the last number of each base. */
static const char *free_name(struct name_index *taken, struct name_index *last, const char *base, hf_arena *arena)
{
	const char *name = base;
	size_t *number = name_index_at(last, hf_str_of(base));
	for (*number += *number == 0; *name_index_at(taken, hf_str_of(name));)
		name = mem_printf(arena, "%s_%zu", base, ++*number);
	*name_index_at(taken, hf_str_of(name)) = 1;
	return name;
}

void parameters_call(struct query *query, const struct parameter *inferred, hf_arena *arena)
{
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	struct name_index taken = {.arena = scratch}, last = {.arena = scratch};
	for (size_t i = 0; i < query->nparams; i++)
		if (!query->params[i].numbered)
			*name_index_at(&taken, hf_str_of(query->params[i].name)) = 1;
	for (size_t i = 0; i < query->nparams; i++) {
		const char *base = inferred[i].name;
		if (!query->params[i].numbered)
			continue;
		if (!base)
			base = mem_printf(scratch, "param%zu", i + 1);
		query->params[i].name = mem_text(arena, hf_str_of(free_name(&taken, &last, base, scratch)));
	}
}

/* ---- seen through views ---- */

static bool is_param(const struct node *expr, size_t number)
{
	expr = name_bare(expr);
	return node_is(expr, "PARAM") && node_int(expr, "paramkind", -1) == 0 &&
	       node_int(expr, "paramid", 0) == (int64_t)number;
}

static bool stored_by(const struct catalog *catalog, const struct node *list, uint32_t relation, size_t number)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i);
		if (!node_bool(entry, "resjunk") && is_param(node_get(entry, "expr"), number) &&
		    catalog_may_be_null(catalog, relation, node_int(entry, "resno", 0)))
			return true;
	}
	return false;
}

bool parameters_stored(const struct catalog *catalog, const struct node *query, size_t number)
{
	int64_t command = node_int(query, "commandType", 0), target = node_int(query, "resultRelation", 0);
	const struct node *entry = target >= 1 ? node_item(node_get(query, "rtable"), (size_t)target - 1) : NULL;
	if ((command != CMD_UPDATE && command != CMD_INSERT) || !entry)
		return false;
	uint32_t relation = (uint32_t)node_int(entry, "relid", 0);
	return stored_by(catalog, node_get(query, "targetList"), relation, number) ||
	       stored_by(catalog, node_get(node_get(query, "onConflict"), "onConflictSet"), relation, number);
}

bool parameters_written(const struct node *query, size_t number)
{
	int64_t command = node_int(query, "commandType", 0);
	const struct node *list = node_get(query, "targetList");
	for (size_t i = 0; (command == CMD_UPDATE || command == CMD_INSERT) && i < node_count(list); i++)
		if (is_param(node_get(node_item(list, i), "expr"), number))
			return true;
	return false;
}
