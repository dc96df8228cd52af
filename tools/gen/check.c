/*
 * check.c - the rules' names, what a query allows, and the order of the checks.
 */
#include "gen/check.h"

#include <stdarg.h>

static const struct {
	const char *name;
	bool error;
} rules[] = {
	{RULE_NO_WHERE, true},   {RULE_MANY_ROWS, false},  {RULE_LIMIT_ORDER, false},
	{RULE_TWO_TYPES, false}, {RULE_IDEMPOTENT, false}, {RULE_INSERT_NULL, false},
	{RULE_STAR, false},      {RULE_MONEY, false},      {RULE_UNNEEDED, false},
	{RULE_CONTRADICTION, false},
};

const char *check_rule(struct hf_str name)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (str_eq(name, hf_str_of(rules[i].name)))
			return rules[i].name;
	return NULL;
}

const char *check_rules(hf_arena *arena)
{
	const char *list = rules[0].name;
	for (size_t i = 1; i < ARRAY_LEN(rules); i++)
		list = mem_printf(arena, "%s, %s", list, rules[i].name);
	return list;
}

static bool is_error(const char *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].name, rule) == 0)
			return rules[i].error;
	return true;
}

static bool is_allowed(struct query *query, const char *rule)
{
	bool allowed = false;
	for (size_t i = 0; i < query->allows.count; i++)
		if (strcmp(query->allows.items[i].name, rule) == 0)
			allowed = query->allows.items[i].used = true;
	return allowed;
}

struct diag *check_found(const struct checking *checking, const char *rule, struct span at, const char *format, ...)
{
	if (is_allowed(checking->query, rule))
		return NULL;
	va_list args;
	va_start(args, format);
	struct diag *diag = query_finding(checking->diags, checking->query, at, format, args);
	va_end(args);
	if (diags_last_twin(checking->diags)) {
		diags_drop_last(checking->diags);
		return NULL;
	}
	diag->rule = rule;
	if (!is_error(rule) || checking->query->source->lenient)
		diag_warning(checking->diags, diag);
	return diag;
}

static void check_rows(const struct checking *checking)
{
	const struct query *query = checking->query;
	const char *blame = NULL;
	struct diag *diag;
	if ((query->card != CARD_ONE && query->card != CARD_OPT) || !checking->rewritten ||
	    check_rows_single(checking->catalog, checking->keys, checking->rewritten, false, &blame))
		return;
	if (blame)
		diag = check_found(checking, RULE_MANY_ROWS, query->card_at,
		                   "may return more than one row: no unique key of \"%s\" is bound by =", blame);
	else
		diag = check_found(checking, RULE_MANY_ROWS, query->card_at, "may return more than one row");
	if (diag)
		diag->hint = "bind a whole unique key, add LIMIT 1, or use :many; a second row is an error at run time";
}

static void check_star(const struct checking *checking)
{
	const struct star *star = &checking->query->star;
	if (!star->loose)
		return;
	struct diag *diag = check_found(checking, RULE_STAR, star->loose_at,
	                                "the columns of this * cannot be frozen: a later migration changes the rows");
	if (diag)
		diag->hint = "list the columns";
}

void check_allows(const struct checking *checking)
{
	for (size_t i = 0; i < checking->query->allows.count; i++) {
		const struct override *allow = &checking->query->allows.items[i];
		if (!allow->used)
			check_found(checking, RULE_UNNEEDED, allow->where, "nothing here breaks the rule \"%s\"",
			            allow->name);
	}
}

void check_query(const struct checking *checking)
{
	if (checking->query->broken)
		return;
	check_statement(checking);
	check_rows(checking);
	check_star(checking);
}
