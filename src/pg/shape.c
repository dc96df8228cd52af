/*
 * shape.c - see shape.h.
 */
#include "pg/shape.h"

#include "base/error.h"
#include "pg/statements.h"
#include "pg/types.h"

static enum hf_status name_mismatch(hf_connection *connection, const struct hf_query *query, const char *what,
				    const char *name, const struct hf_type *expected, uint32_t found, struct call *call,
				    hf_error *err)
{
	char found_name[128];
	type_name_of(connection, found, call, found_name, sizeof(found_name));
	error_set(err, HF_E_DRIFT, "query \"%s\": %s \"%s\" is %s in the database, the program was compiled for %s",
		  query->name, what, name, found_name, expected->name);
	if (err) {
		err->category = HF_CATEGORY_SCHEMA;
		snprintf(err->query, sizeof(err->query), "%s", query->name);
		snprintf(err->column, sizeof(err->column), "%s", name);
	}
	error_hint(err, "apply the program's migrations to this database, or generate the program again");
	return HF_E_DRIFT;
}

static enum hf_status count_mismatch(const struct hf_query *query, const char *what, int found, uint32_t expected,
				     hf_error *err)
{
	error_set(err, HF_E_DRIFT, "query \"%s\" has %d %s in the database, the program was compiled for %u",
		  query->name, found, what, expected);
	if (err) {
		err->category = HF_CATEGORY_SCHEMA;
		snprintf(err->query, sizeof(err->query), "%s", query->name);
	}
	return HF_E_DRIFT;
}

/* Columns of domain types are described by their base, parameters are not: either way the base may be compiled in. */
static bool is_domain_over(hf_connection *connection, uint32_t found, uint32_t expected, struct call *call)
{
	return type_base_of(connection, found, call) == expected || type_base_of(connection, expected, call) == found;
}

enum hf_status shape_check(hf_connection *connection, const struct hf_query *query, const PGresult *described,
			   struct call *call, hf_error *err)
{
	const struct type_map *types = statement_types(connection);
	if ((uint32_t)PQnparams(described) != query->nparams)
		return count_mismatch(query, "parameters", PQnparams(described), query->nparams, err);
	if ((uint32_t)PQnfields(described) != query->ncolumns)
		return count_mismatch(query, "columns", PQnfields(described), query->ncolumns, err);
	for (uint32_t i = 0; i < query->nparams; i++) {
		uint32_t found = PQparamtype(described, (int)i), expected = type_map_oid(types, query->params[i].type);
		if (found != expected && !is_domain_over(connection, found, expected, call))
			return name_mismatch(connection, query, "parameter", query->params[i].name,
					     query->params[i].type, found, call, err);
	}
	for (uint32_t i = 0; i < query->ncolumns; i++) {
		uint32_t found = PQftype(described, (int)i), expected = type_map_oid(types, query->columns[i].type);
		if (found != expected && !is_domain_over(connection, found, expected, call))
			return name_mismatch(connection, query, "column", query->columns[i].name,
					     query->columns[i].type, found, call, err);
	}
	return HF_OK;
}
