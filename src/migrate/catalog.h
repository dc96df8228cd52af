/*
 * catalog.h - the objects of a database as sorted lines of kind, name and definition, and what one lacks.
 */
#ifndef MIGRATE_CATALOG_H
#define MIGRATE_CATALOG_H

#include "migrate/findings.h"

enum { CATALOG_OBJECTS_MAX = 200000 };

struct catalog_object {
	struct hf_str kind; /* "table", "column", ... */
	struct hf_str name; /* qualified */
	struct hf_str definition;
};
struct catalog {
	struct catalog_object *objects; /* by kind, then name */
	size_t count;
};

/**
 * Every schema, type, table, column, constraint, index, view, function, trigger and sequence that is not the
 * server's own nor the ledger's. `members`: those that belong to an extension too. A round trip per kind.
 */
enum hf_status catalog_read(hf_connection *connection, bool members, hf_arena *arena, struct catalog *ret_catalog,
                            hf_error *err);
/** What `expected` has and `found` lacks or has otherwise. More in `found` is fine. */
void catalog_compare(const struct catalog *expected, const struct catalog *found, struct findings *findings);

#endif
