/*
 * parameters.c - what the analysed tree says of parameters.
 */
#include "gen/parameters.h"

enum { CMD_UPDATE = 2, CMD_INSERT = 3 };

static bool is_param(const struct node *expr, size_t number)
{
	while (node_is(expr, "RELABELTYPE") || node_is(expr, "COERCETODOMAIN"))
		expr = node_get(expr, "arg");
	/* varchar(n) and the like: a cast function around the value */
	if (node_is(expr, "FUNCEXPR") && node_int(expr, "funcformat", 0) == 2)
		expr = node_item(node_get(expr, "args"), 0);
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
