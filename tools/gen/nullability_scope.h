/*
 * nullability_scope.h - what the rooms of the nullability proof share.
 *
 * A `scope` is one query level at one moment: its range table, which outer joins may still replace a side by NULLs,
 * and the facts known of the row in hand. Scopes are never changed once they are settled; a branch of a CASE gets a
 * fork with more facts. Everything lives in an arena that ends with the statement's proofs.
 *
 * Facts say which outcomes an expression may have. Their sources: WHERE, ON of joins that have become inner, HAVING,
 * WHEN, and what a query further out knows of the columns (`given`). They hold for the row in hand only; a window
 * function looks at other rows, so its arguments are judged in `base`, which has what holds for every row.
 *
 *	nullability_scope.c	the join tree, facts to a fixpoint, forks
 *	nullability_facts.c	from a condition to facts
 *	nullability_same.c	equal expressions
 *	nullability_entry.c	columns of range table entries
 *	nullability_declared.c	what a table's declarations say of its columns
 *	nullability_output.c	columns of queries, set operations, queries that always have a row
 *	nullability_change.c	RETURNING
 *	nullability_group.c	grouping sets
 *	nullability_aggregate.c	aggregates and windows
 *	nullability_expr.c	expressions
 *	nullability_call.c	functions and operators
 *	nullability_array.c	elements of arrays
 */
#ifndef GEN_NULLABILITY_SCOPE_H
#define GEN_NULLABILITY_SCOPE_H

#include "gen/nullability.h"

#define SCOPE_DEPTH_MAX 64
#define EXPR_DEPTH_MAX 3000u
#define ARMS_MAX 8                /* of an OR that is looked at arm by arm */
#define STEPS_MAX 500000u         /* for a column */
#define STEPS_OF_ALL_MAX 5000000u /* for a statement */

enum { CMD_SELECT = 1, CMD_UPDATE = 2, CMD_INSERT = 3, CMD_DELETE = 4 };
enum {
	RTE_RELATION = 0,
	RTE_SUBQUERY = 1,
	RTE_JOIN = 2,
	RTE_FUNCTION = 3,
	RTE_TABLEFUNC = 4,
	RTE_VALUES = 5,
	RTE_CTE = 6,
	RTE_RESULT = 8
};
enum { JOIN_INNER = 0, JOIN_LEFT = 1, JOIN_FULL = 2, JOIN_RIGHT = 3 };

/* Outcomes. Of what is not boolean we only ask whether it is NULL: NOT_NULL stands for any value. */
enum { IS_TRUE = 1, IS_FALSE = 2, IS_NULL = 4, NOT_NULL = 3, NOT_TRUE = 6, NOT_FALSE = 5, ANYTHING = 7 };

struct fact {
	const struct node *expr;
	unsigned outcomes;
	const char *rule;
	bool of_output; /* of the row after grouping */
	bool positive;  /* a count above zero */
	const struct fact *next;
};

/* What a query further out knows of a column. */
struct given {
	int64_t column;
	unsigned outcomes;
	const struct given *next;
};

/* Columns of a recursive query that are taken for NOT NULL until the opposite shows. */
struct assumption {
	const struct node *cte;
	const bool *columns;
	size_t count;
	const struct assumption *next;
};

struct proving {
	hf_arena *arena; /* of this statement's proofs */
	const struct catalog *catalog;
	const bool *params_nullable;
	size_t nparams;
	unsigned steps, depth;
	int declared; /* declarations within declarations */
	const struct assumption *assumptions;
	const struct catalog_rule *stored; /* the materialised view that is being opened */
};

/* A range table entry in the join tree. */
struct seat {
	bool found;
	size_t parent; /* the join above, from 1; 0 at the top */
	bool right;    /* below its right arm */
	bool outer;    /* some outer join stands above */
	const struct node *join;
	bool nulls_left, nulls_right; /* the join may still replace that arm by NULLs */
	bool harvested;               /* its condition is among the facts */
};

/* The query's own nesting, for what needs no facts. */
struct level {
	const struct node *query;
	const struct level *up;
};

/* Before grouping, after it (or no grouping at all), or the rows that a statement returns. */
enum stage { STAGE_ROWS, STAGE_OUTPUT, STAGE_RETURNING };

struct grouping {
	const struct node **nulled; /* grouping expressions that some grouping set leaves out */
	size_t nnulled;
	bool aggregated; /* one output row stands for a group */
	bool may_be_empty;
};

struct scope {
	struct proving *proving;
	const struct node *query;
	const struct scope *parent;
	struct level level;
	int depth;
	const struct node *rtable;
	size_t nrtes;
	struct seat *places;
	const struct fact *facts;
	bool opaque; /* a rule gives other columns */
	bool dead;   /* the facts contradict each other: there is no such row */
	enum stage stage;
	const struct given *given;
	struct grouping grouping;
	const struct scope *base;   /* what holds for every row; NULL: this one */
	const struct scope *before; /* of RETURNING: the rows as the statement found them */
	struct scope **children;    /* scopes of subqueries, opened when needed */
	struct scope **ctes;        /* the same of WITH, shared by all forks */
	const bool **recursive;     /* proven columns of recursive queries of WITH, shared too */
	struct proof *outputs;      /* what was found of the columns; no rule: not looked at yet */
	size_t noutputs;
	/* The materialised view that this is part of: its rows may be as old as itself, so only what holds since
	 * counts. */
	const struct catalog_rule *stored;
	const struct node *tested;   /* what CASE compares */
	const struct scope *sublink; /* the query whose columns PARAM_SUBLINK stands for */
	bool element_never_null;     /* CASETESTEXPR is an element that was proven */
};

static inline struct proof proven(const char *rule)
{
	return (struct proof){.never_null = true, .rule = rule};
}
static inline struct proof unproven(void)
{
	return (struct proof){.never_null = false, .rule = RULE_UNPROVEN};
}
static inline hf_arena *scope_arena(const struct scope *scope)
{
	return scope->proving->arena;
}

/* ---- nullability_scope.c ---- */

/** NULL when it is no query, or nested too deep, or too much was done already. */
struct scope *scope_open(struct proving *proving, const struct node *query, const struct scope *parent,
                         const struct given *given);
/** A copy that may learn more. Ends with scope_settle(). */
struct scope *scope_fork(const struct scope *scope);
void scope_settle(struct scope *scope);
/** A fork in which the condition has one of these outcomes. */
struct scope *scope_assume(const struct scope *scope, const struct node *condition, unsigned outcomes,
                           const char *rule);
/** A fork in which that arm of a join has a row. */
struct scope *scope_with_arm(const struct scope *scope, size_t join, bool right);
/** No outer join replaces the entry by NULLs. */
bool scope_present(const struct scope *scope, int64_t index);
const struct node *scope_rte(const struct scope *scope, int64_t index);
const struct scope *scope_up(const struct scope *scope, int64_t levels);
/** What the row in hand shares with all others. */
const struct scope *scope_base(const struct scope *scope);
bool scope_step(struct proving *proving, unsigned cost);

/* ---- nullability_facts.c ---- */

/** Add what follows from the outcome to the scope's facts; sets its `dead`. */
void facts_learn(struct scope *scope, const struct node *expr, unsigned outcomes, const char *rule, bool of_output);
/** Where all arms of a known OR but one are impossible, learn that one. */
void facts_resolve(struct scope *scope);
/** Add what a row of that subquery tells of the scope's columns. */
void facts_learn_row(struct scope *scope, const struct node *query, const char *rule);
/** Outcomes that the facts leave for this expression; *ret_rule says why when they rule something out. */
unsigned facts_outcomes(const struct scope *scope, const struct node *expr, const char **ret_rule);
/** The same for a column of an entry, from facts about references `up` levels out. */
unsigned facts_of_column(const struct scope *scope, int64_t index, int64_t column, int64_t up, const char **ret_rule);
/** An aggregate of this very level is not NULL. */
bool facts_of_own_aggregate(const struct fact *fact);
const struct node *make_var(hf_arena *arena, int64_t index, int64_t column);

/* ---- nullability_same.c ---- */

/** Equal but for places in the text; references to a join's columns count as what they stand for. */
bool same_expr(const struct scope *scope, const struct node *a, const struct node *b);
/** The same once subqueries are pulled up, as the planner sees it. */
bool same_when_pulled_up(const struct scope *scope, const struct node *a, const struct node *b);
/** What a reference to a join's column stands for; the expression itself otherwise. */
const struct node *scope_unalias(const struct scope *scope, const struct node *expr);
bool is_var(const struct node *expr, int64_t index, int64_t column);
/** Gives the same answer for the same row: no volatile function, no subquery, no aggregate over other rows. */
bool is_repeatable(const struct scope *scope, const struct node *expr);

/* ---- nullability_entry.c ---- */

struct proof prove_var(const struct scope *scope, const struct node *var);
struct proof prove_column(const struct scope *scope, int64_t index, int64_t column);
/** Field of a composite value. */
struct proof prove_field(const struct scope *scope, const struct node *expr, int64_t field);
/** The scope behind a subquery or a reference to WITH; NULL for others. */
const struct scope *scope_child(const struct scope *scope, int64_t index);
/** The query of WITH behind a reference, and the level that owns it. */
const struct node *level_cte(const struct level *level, const struct node *entry, const struct level **ret_owner);

/* ---- nullability_output.c ---- */

struct proof scope_output(const struct scope *scope, int64_t number);
const struct node *output_entry(const struct node *query, int64_t number);
/** Every row of a plain query has NULL there. */
bool output_always_null(const struct scope *scope, int64_t number);
const struct node *output_list(const struct node *query);
/** The query gives at least one row, whatever the tables hold. */
bool query_has_row(const struct node *query, const struct level *up, struct proving *proving);
/** The same of FROM. */
bool from_has_row(const struct level *level, struct proving *proving);
/** The same of an item of the join tree. */
bool item_has_row(const struct node *item, const struct level *level, struct proving *proving);
bool is_true(const struct node *condition);

/* ---- nullability_declared.c ---- */

/** NOT NULL, a CHECK or a generation expression of the table and of all below it keep NULL out of the column. */
struct proof prove_declared(const struct scope *scope, uint32_t relation, int64_t column, bool only);

/** How the column of an entry that is a table is generated keeps NULL out of it, by what the scope knows of the row. */
struct proof prove_generated_of(const struct scope *scope, int64_t index, int64_t column);

/** Learn the CHECKs of a table that is an entry of the scope. */
void declared_facts(struct scope *scope, int64_t index);

/* ---- nullability_change.c ---- */

/** The entry is the changed table, or EXCLUDED, as RETURNING or ON CONFLICT sees it. */
bool change_is_target(const struct scope *scope, int64_t index);
struct proof prove_changed(const struct scope *scope, int64_t index, int64_t column);
/** From the rows that the statement found to the rows that it returns. */
void change_return(struct scope *scope);

/* ---- nullability_group.c ---- */

void grouping_read(struct scope *scope);
/** A grouping set may replace this expression of the output by NULL. */
bool grouping_nulls(const struct scope *scope, const struct node *expr);
/** An entry of the target list that is a grouping expression of every set. */
bool grouping_keeps(const struct scope *scope, const struct node *entry);
/** The group has a row. */
bool grouping_has_row(const struct scope *scope);

/* ---- nullability_aggregate.c ---- */

enum aggregate_class {
	AGGREGATE_UNKNOWN,
	AGGREGATE_NEVER,     /* never NULL */
	AGGREGATE_OF_ROWS,   /* NULL without rows */
	AGGREGATE_OF_VALUES, /* NULL without a row whose arguments are all NOT NULL */
	AGGREGATE_OF_FIRST,  /* the same, but only the first argument counts */
	AGGREGATE_MAYBE      /* NULL without rows, and sometimes with them */
};
enum aggregate_class aggregate_class(const struct scope *scope, const struct node *aggregate);
struct proof prove_aggregate(const struct scope *scope, const struct node *expr);
struct proof prove_window(const struct scope *scope, const struct node *expr);

/* ---- nullability_expr.c ---- */

struct proof prove_expr(const struct scope *scope, const struct node *expr);
struct proof prove_all(const struct scope *scope, const struct node *list, const char *rule);
struct proof prove_any(const struct scope *scope, const struct node *list, const char *rule);
/** Outcomes that cannot be ruled out. */
unsigned possible_outcomes(const struct scope *scope, const struct node *expr);
/** A whole number written in the query, through casts between integers. */
bool constant_number(const struct node *expr, int64_t *ret_number);

/* ---- nullability_call.c ---- */

struct proof prove_call(const struct scope *scope, const struct node *call);
struct proof prove_operator(const struct scope *scope, const struct node *expr);
/** NULL for a NULL argument, by declaration. */
bool call_is_strict(const struct scope *scope, const struct node *call);
bool operator_is_strict(const struct scope *scope, const struct node *expr);
/** Of a row comparison: all are the server's. It calls the comparison function of their class, not theirs. */
bool row_operators_builtin(const struct node *expr);
/** Never NULL for arguments that are not. */
bool operator_answers(const struct scope *scope, const struct node *expr);
/** Name of the server's own function; "" for others. */
const char *builtin_name(const struct scope *scope, const struct node *expr, const char *field);
bool listed(const char *const *list, size_t count, const char *name);

/* ---- nullability_array.c ---- */

/** No element of that array is NULL. */
bool elements_never_null(const struct scope *scope, const struct node *array);
/** Column of a set-returning function of the server. */
struct proof prove_set_call(const struct scope *scope, const struct node *call, int64_t column);

#endif
