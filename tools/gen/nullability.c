/*
 * nullability.c - the statement: which query answers, its columns, and whether it only reads.
 */
#include "gen/nullability.h"

#include "gen/nullability_scope.h"

/* ---- the statement ---- */

const struct node *nullability_query(const struct node *tree)
{
	for (size_t i = 0; i < node_count(tree); i++) {
		const struct node *query = node_item(tree, i);
		int64_t command = node_int(query, "commandType", 0);
		if (node_is(query, "QUERY") && node_bool(query, "canSetTag") && command >= 1 && command <= 4)
			return query;
	}
	return NULL;
}

bool nullability_prove(const struct catalog *catalog, const struct node *query, const bool *params_nullable,
                       size_t nparams, struct proof *ret_proofs, size_t ncolumns)
{
	struct proving proving = {.catalog = catalog, .params_nullable = params_nullable, .nparams = nparams};
	for (size_t i = 0; i < ncolumns; i++)
		ret_proofs[i] = unproven();
	if (!query || output_entry(query, (int64_t)ncolumns + 1) ||
	    (ncolumns && !output_entry(query, (int64_t)ncolumns)))
		return false;
	const struct scope *scope = scope_open(&proving, query, NULL, NULL);
	for (size_t i = 0; i < ncolumns; i++) {
		proving.steps = 0;
		ret_proofs[i] = scope_output(scope, (int64_t)i + 1);
	}
	return true;
}

/* ---- side effects ---- */

/* Any of the fields that name a function or an operator, anywhere below. */
static bool calls_volatile(const struct catalog *catalog, const struct node *node, int depth)
{
	static const char *const names[] = {"funcid", "opfuncid", "aggfnoid", "winfnoid"};
	if (depth > 1000)
		return true;
	if (node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->count; i++)
			if (calls_volatile(catalog, node->items[i], depth + 1))
				return true;
		return false;
	}
	if (node->kind != NODE_RECORD)
		return false;
	if (strcmp(node->text, "NEXTVALUEEXPR") == 0 || node_bool(node, "hasModifyingCTE") ||
	    node_get(node, "rowMarks"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint32_t oid = (uint32_t)node_int(node, names[i], 0);
		const struct catalog_function *function = catalog_function(catalog, oid);
		if (node_has(node, names[i]) && (!function || function->volatility == 'v'))
			return true;
	}
	for (size_t i = 0; i < node->count; i++)
		if (calls_volatile(catalog, node->fields[i].value, depth + 1))
			return true;
	return false;
}

bool nullability_read_only(const struct catalog *catalog, const struct node *query)
{
	return query && node_int(query, "commandType", 0) == CMD_SELECT && !calls_volatile(catalog, query, 0);
}
