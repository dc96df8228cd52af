/*
 * types.c - the builtin types, enum labels, and the map from type name to number.
 */
#include "pg/types.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/wire.h"

/* Names are pasted at the first level only: `bool` is a macro, too. */
#define ARRAY(object, oid_, sql)                                           \
	const struct hf_type object##_array = {.kind = HF_TYPE_ARRAY,      \
					       .oid = oid_,                \
					       .name = sql "[]",           \
					       .size = sizeof(struct hf_array), \
					       .element = &object};
#define SCALAR(name_, kind_, oid_, array_oid, form, word)                              \
	const struct hf_type hf_type_##name_ = {                                       \
		.kind = HF_TYPE_##kind_, .oid = oid_, .name = #name_, .size = sizeof(form)}; \
	ARRAY(hf_type_##name_, array_oid, #name_)
HF_BUILTIN_SCALARS(SCALAR)
const struct hf_type hf_type_void = {.kind = HF_TYPE_VOID, .oid = 2278, .name = "void"};

#define COMPOSED(name_, kind_, oid_, array_oid, form, element_)             \
	const struct hf_type hf_type_##name_ = {.kind = HF_TYPE_##kind_,    \
						.oid = oid_,                \
						.name = #name_,             \
						.size = sizeof(struct form), \
						.element = &hf_type_##element_}; \
	ARRAY(hf_type_##name_, array_oid, #name_)
#define VECTOR(name, element, oid, array_oid) COMPOSED(name, VECTOR, oid, array_oid, hf_array, element)
#define RANGE(subtype, range, oid, array_oid, multirange, multi_oid, multi_array_oid) \
	COMPOSED(range, RANGE, oid, array_oid, hf_##range, subtype)                   \
	COMPOSED(multirange, MULTIRANGE, multi_oid, multi_array_oid, hf_multirange, range)
HF_BUILTIN_VECTORS(VECTOR)
HF_BUILTIN_RANGES(RANGE)

/* The typed arrays are read and written as the untyped one. */
_Static_assert(sizeof(struct hf_array) == sizeof(struct hf_int4_array), "array forms differ");

const char *hf_enum_label(const struct hf_type *type, int value)
{
	return value >= 0 && (uint32_t)value < type->count ? type->labels[value] : "";
}

/* Labels are short, and most differ in their first letter. */
static inline bool is_label(const char *text, struct hf_str label)
{
	for (size_t i = 0; i < label.len; i++)
		if (text[i] != label.ptr[i] || text[i] == '\0')
			return false;
	return text[label.len] == '\0';
}

HOT int hf_enum_value(const struct hf_type *type, struct hf_str label)
{
	for (uint32_t i = 0; i < type->count; i++)
		if (is_label(type->labels[i], label))
			return (int)i;
	return HF_ENUM_UNKNOWN;
}

static const struct known_type *find_known(const struct type_map *map, const char *name)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (strcmp(map->entries[i].name, name) == 0)
			return &map->entries[i];
	return NULL;
}

uint32_t type_map_oid(const struct type_map *map, const struct hf_type *type)
{
	if (type->oid)
		return type->oid;
	const struct known_type *known = find_known(map, type->name);
	return known ? known->oid : 0;
}

void type_map_clear(struct type_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		free(map->entries[i].name);
	free(map->entries);
	*map = (struct type_map){0};
}

/* Names still unknown, as rows of one text[] in binary form. */
struct wanted {
	const char *names[TYPES_MAX];
	uint32_t count;
};

static void want_type(struct wanted *wanted, const struct type_map *map, const struct hf_type *type)
{
	bool known = type->oid != 0 || find_known(map, type->name);
	for (uint32_t i = 0; i < wanted->count && !known; i++)
		known = strcmp(wanted->names[i], type->name) == 0;
	if (!known && wanted->count < TYPES_MAX)
		wanted->names[wanted->count++] = type->name;
	if (type->element)
		want_type(wanted, map, type->element);
	for (uint32_t i = 0; type->fields && i < type->count; i++)
		want_type(wanted, map, type->fields[i].type);
}

static void want_all(struct wanted *wanted, const struct type_map *map, const struct hf_query *query)
{
	wanted->count = 0;
	for (uint32_t i = 0; i < query->nparams; i++)
		want_type(wanted, map, query->params[i].type);
	for (uint32_t i = 0; i < query->ncolumns; i++)
		want_type(wanted, map, query->columns[i].type);
}

static void add_word(struct buf *wire, uint32_t value)
{
	uint8_t word[4];
	wire_put4(word, value);
	buf_add(wire, (struct hf_str){(const char *)word, sizeof(word)});
}

static void add_names(struct buf *wire, const struct wanted *wanted)
{
	const uint32_t header[] = {1, 0, WIRE_TEXT, wanted->count, 1};
	for (size_t i = 0; i < ARRAY_LEN(header); i++)
		add_word(wire, header[i]);
	for (uint32_t i = 0; i < wanted->count; i++) {
		add_word(wire, (uint32_t)strlen(wanted->names[i]));
		buf_add_text(wire, wanted->names[i]);
	}
}

/* One row a column, one parameter: what all look-ups of this file are. */
static enum hf_status look_up(hf_connection *connection, const char *sql, uint32_t param_type, const char *param,
			      size_t len, struct call *call, PGresult **ret_result, hf_error *err)
{
	const Oid types[] = {param_type};
	const char *const values[] = {param};
	const int lengths[] = {(int)len}, formats[] = {1};
	struct call mine = *call;
	mine.repeatable = true;
	enum hf_status status = conn_begin(connection, &mine, err);
	if (status != HF_OK)
		return status;
	int sent = PQsendQueryParams(connection->pg, sql, 1, types, values, lengths, formats, 1);
	status = conn_sent(connection, &mine, sent, err);
	return status == HF_OK ? conn_collect(connection, &mine, ret_result, err) : status;
}

static enum hf_status missing_type(const char *name, hf_error *err)
{
	error_set(err, HF_E_DRIFT, "the database has no type \"%s\"", name);
	if (err)
		err->category = HF_CATEGORY_MISSING_TYPES;
	error_hint(err, "apply the migrations that create it, or fix the search path");
	return HF_E_DRIFT;
}

static enum hf_status learn(struct type_map *map, const char *name, const PGresult *result, int row, hf_error *err)
{
	bool found = !PQgetisnull(result, row, 0) && PQgetlength(result, row, 0) == 4;
	if (!found)
		return missing_type(name, err);
	struct known_type *grown = realloc(map->entries, (map->count + 1) * sizeof(*grown));
	if (!grown)
		return error_nomem(err);
	map->entries = grown;
	char *copy = strdup(name);
	if (!copy)
		return error_nomem(err);
	uint32_t oid = wire_uint4((const uint8_t *)PQgetvalue(result, row, 0));
	map->entries[map->count++] = (struct known_type){copy, oid};
	return HF_OK;
}

enum hf_status type_map_resolve(struct type_map *map, hf_connection *connection, const struct hf_query *query,
				struct call *call, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	struct wanted wanted;
	want_all(&wanted, map, query);
	if (wanted.count == 0)
		return HF_OK;
	if (map->count + wanted.count > TYPES_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d types of the database in use", TYPES_MAX);
	struct buf wire;
	buf_init(&wire, 1 << 20);
	add_names(&wire, &wanted);
	enum hf_status status = error_nomem(err);
	if (buf_ok(&wire))
		status = look_up(
			connection,
			"SELECT pg_catalog.to_regtype(n)::oid FROM pg_catalog.unnest($1) WITH ORDINALITY AS t(n, i) "
			"ORDER BY i",
			1009, wire.ptr, wire.len, call, &result, err);
	buf_deinit(&wire);
	if (status == HF_OK && PQntuples(result) != (int)wanted.count)
		return error_set(err, HF_E_PROTOCOL, "asked for %u types, got %d", wanted.count, PQntuples(result));
	for (uint32_t i = 0; status == HF_OK && i < wanted.count; i++)
		status = learn(map, wanted.names[i], result, (int)i, err);
	return status;
}

void type_name_of(hf_connection *connection, uint32_t oid, struct call *call, char *ret_name, size_t size)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	char param[4];
	wire_put4((uint8_t *)param, oid);
	snprintf(ret_name, size, "type %u", oid);
	enum hf_status status =
		look_up(connection, "SELECT pg_catalog.format_type($1, NULL)", WIRE_OID, param, 4, call, &result, NULL);
	if (status == HF_OK && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		snprintf(ret_name, size, "%s", PQgetvalue(result, 0, 0));
}

uint32_t type_base_of(hf_connection *connection, uint32_t oid, struct call *call)
{
	static const char sql[] = "WITH RECURSIVE d(t, level) AS (SELECT $1::oid, 0 UNION ALL "
				  "SELECT p.typbasetype, level + 1 FROM d JOIN pg_catalog.pg_type p ON p.oid = d.t "
				  "WHERE p.typtype = 'd' AND level < 32) "
				  "SELECT t FROM d ORDER BY level DESC LIMIT 1";
	CLEANUP(result_freep) PGresult *result = NULL;
	char param[4];
	wire_put4((uint8_t *)param, oid);
	enum hf_status status = look_up(connection, sql, WIRE_OID, param, 4, call, &result, NULL);
	if (status != HF_OK || PQntuples(result) != 1 || PQgetlength(result, 0, 0) != 4)
		return 0;
	return wire_uint4((const uint8_t *)PQgetvalue(result, 0, 0));
}

int hf_constraint_of(const struct hf_constraint *constraints, size_t count, const hf_error *err)
{
	int by_name = 0;
	if (!err || !err->constraint[0])
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(constraints[i].name, err->constraint) != 0)
			continue;
		if (strcmp(constraints[i].table, err->table) == 0)
			return constraints[i].value;
		by_name = by_name == 0 || by_name == constraints[i].value ? constraints[i].value : -1;
	}
	return by_name > 0 ? by_name : -1;
}
