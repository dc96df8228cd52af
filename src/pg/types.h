/*
 * types.h (pg) - type numbers of the user's types, learned by name once per connection.
 *
 * Builtin types have fixed numbers. Those of enums, composites, domains and their arrays differ per database and
 * change when a type is dropped and made again, so they are never compiled in.
 */
#ifndef PG_TYPES_H
#define PG_TYPES_H

#include "holdfast/query.h"
#include "pg/conn.h"

enum { TYPES_MAX = 1024 };

struct known_type {
	char *name;
	uint32_t oid;
};

/* Zero-initialised is empty. */
struct type_map {
	struct known_type *entries;
	size_t count;
};

/** The number of a type on this connection; 0 for one that was not resolved. `map` NULL knows builtin types only. */
uint32_t type_map_oid(const struct type_map *map, const struct hf_type *type);
/** Ask the server for all types of the query that are not known yet: one round trip, none when there are none. */
enum hf_status type_map_resolve(struct type_map *map, hf_connection *connection, const struct hf_query *query,
				struct call *call, hf_error *err);
void type_map_clear(struct type_map *map);
/** For messages: the server's name of a type number. `ret_name` gets the number when that fails. */
void type_name_of(hf_connection *connection, uint32_t oid, struct call *call, char *ret_name, size_t size);
/** The type below a domain, through all levels; `oid` itself when it is none, 0 on failure. */
uint32_t type_base_of(hf_connection *connection, uint32_t oid, struct call *call);

#endif
