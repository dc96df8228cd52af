/*
 * nullability_expr.h - proving expressions, and what the rules about queries share with them.
 */
#ifndef GEN_NULLABILITY_EXPR_H
#define GEN_NULLABILITY_EXPR_H

#include "gen/nullability.h"

#define SCOPE_DEPTH_MAX 64
#define STEPS_MAX 100000u

struct proving {
	const struct catalog *catalog;
	const bool *params_nullable;
	size_t nparams;
	unsigned *steps; /* queries looked at for this column */
};

/* One query level. */
struct scope {
	const struct proving *proving;
	const struct node *query;
	const struct scope *parent;
	const struct node *rtable;
	size_t nrtes;
	bool *nulled;
	int depth;
};

static inline struct proof proven(const char *rule)
{
	return (struct proof){true, rule};
}
static inline struct proof unproven(void)
{
	return (struct proof){false, RULE_UNPROVEN};
}

/* nullability_expr.c */
struct proof prove_expr(const struct scope *scope, const struct node *expr);
/** An operator that answers NULL whenever an operand is NULL. */
bool expr_is_strict_operator(const struct scope *scope, const struct node *expr);

/* nullability.c */
struct proof prove_var(const struct scope *scope, const struct node *var);
struct proof prove_output(const struct proving *proving, const struct node *query, const struct scope *parent,
                          int64_t number);
const struct node *scope_rte(const struct scope *scope, int64_t index);

#endif
