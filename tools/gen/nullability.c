/*
 * nullability.c - the statement: which query answers, its columns, and whether it only reads.
 */
#include "gen/nullability.h"

#include "gen/nullability_scope.h"
#include "gen/tree.h"

/* ---- the statement ---- */

const struct node *nullability_query(const struct node *tree)
{
	if (node_count(tree) == 1 && node_count(node_item(tree, 0)) > 0)
		tree = node_item(tree, 0); /* the body of a function: a list of statements */
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
	for (size_t i = 0; i < ncolumns; i++)
		ret_proofs[i] = unproven();
	if (!query || output_entry(query, (int64_t)ncolumns + 1) ||
	    (ncolumns && !output_entry(query, (int64_t)ncolumns)))
		return false;
	hf_arena *arena = mem_arena();
	struct proving proving = {arena, catalog, params_nullable, nparams, 0, 0, 0, NULL, NULL};
	const struct scope *scope = scope_open(&proving, query, NULL, NULL);
	unsigned total = 0;
	for (size_t i = 0; i < ncolumns; i++) {
		total += proving.steps;
		proving.steps = total < STEPS_OF_ALL_MAX ? 0 : proving.steps;
		ret_proofs[i] = scope_output(scope, (int64_t)i + 1);
		ret_proofs[i].always_null = output_always_null(scope, (int64_t)i + 1);
	}
	hf_arena_free(arena);
	return true;
}

/* ---- side effects ---- */

static bool locks_or_writes(void *user, const struct node *record)
{
	(void)user;
	/* a view that is not expanded may do anything */
	bool named = node_int(record, "rtekind", -1) == RTE_RELATION && node_bool(record, "inFromCl");
	const struct node *kind = named ? node_get(record, "relkind") : NULL;
	return node_bool(record, "hasModifyingCTE") || node_get(record, "rowMarks") ||
	       (kind && strcmp(kind->text, "v") == 0);
}

bool nullability_read_only(const struct catalog *catalog, const struct node *query)
{
	return query && node_int(query, "commandType", 0) == CMD_SELECT && !tree_volatile_call(catalog, query) &&
	       !tree_find(query, locks_or_writes, NULL);
}
