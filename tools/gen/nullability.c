/*
 * nullability.c - the statement: which query answers, its columns, and whether it only reads.
 */
#include "gen/nullability.h"

#include "gen/nullability_scope.h"
#include "gen/tree.h"

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

static bool locks_or_writes(void *user, const struct node *record)
{
	(void)user;
	return node_bool(record, "hasModifyingCTE") || node_get(record, "rowMarks");
}

bool nullability_read_only(const struct catalog *catalog, const struct node *query)
{
	return query && node_int(query, "commandType", 0) == CMD_SELECT && !tree_volatile_call(catalog, query) &&
	       !tree_find(query, locks_or_writes, NULL);
}
