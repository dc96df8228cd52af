/*
 * check.h - rules about described queries: what the server accepts and a reader should still look at.
 *
 *     no-where     error    UPDATE or DELETE of every row
 *     many-rows    warning  :one or :opt, and no unique key proves it
 *     limit-order  warning  LIMIT or OFFSET without ORDER BY
 *     two-types    warning  one parameter, two types
 *     idempotent   warning  annotated so, and a second run would do more
 *     insert-null  warning  a NOT NULL column without a default is left out
 *     star         warning  a `*` whose columns cannot be frozen
 *     money        warning  a type whose unit is a setting of the server
 *     unneeded     warning  an annotation that changes nothing
 *     contradiction warning an annotation that says other than what is proven
 *
 * A query allows a finding with `-- allow: RULE why`. The name stands behind the message, so that it can be looked up
 * and allowed.
 */
#ifndef GEN_CHECK_H
#define GEN_CHECK_H

#include "gen/catalog.h"
#include "gen/keys.h"
#include "gen/node.h"

#define RULE_NO_WHERE    "no-where"
#define RULE_MANY_ROWS   "many-rows"
#define RULE_LIMIT_ORDER "limit-order"
#define RULE_TWO_TYPES   "two-types"
#define RULE_IDEMPOTENT  "idempotent"
#define RULE_INSERT_NULL "insert-null"
#define RULE_STAR        "star"
#define RULE_MONEY       "money"
#define RULE_UNNEEDED    "unneeded"
#define RULE_CONTRADICTION "contradiction"

struct checking {
	const struct catalog *catalog;
	const struct keys *keys;
	struct diags *diags;
	struct query *query;
	const struct node *parsed;    /* the statement as it was analysed, NULL for utility statements */
	const struct node *rewritten; /* with views and defaults written out, or NULL */
};

/** All rules, for a query that is not broken, or one variant of it. */
void check_query(const struct checking *checking);
/** What it allows without need, when all variants were looked at. */
void check_allows(const struct checking *checking);

/** The name of a rule as annotations write it; NULL when there is none. */
const char *check_rule(struct hf_str name);
/** "no-where, many-rows, ..." */
const char *check_rules(hf_arena *arena);
/** A finding of a rule; NULL when the query allows it, or another variant of it said so already. */
struct diag *check_found(const struct checking *checking, const char *rule, struct span at, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* check_rows.c */

/** The statement (without its LIMIT, if that is not to count) gives at most one row. Otherwise *ret_blame is the
 *  relation that may give more, or NULL. */
bool check_rows_single(const struct catalog *catalog, const struct keys *keys, const struct node *query,
                       bool without_limit, const char **ret_blame);

/* check_statement.c */
void check_statement(const struct checking *checking);

#endif
