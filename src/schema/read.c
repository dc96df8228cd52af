/*
 * read.c - hf_schema_read(): the statements of sql/queries/catalog in one read-only snapshot.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/transaction.h"
#include "queries/catalog/schema.h"
#include "schema/schema.h"

struct reading {
	struct schema_list list;
	bool privileges;
};

/* Names and values alternate; a value that is NULL is no property. */
static bool copy_properties(hf_arena *arena, const struct hf_str_array *pairs, struct hf_schema_object *object)
{
	object->properties = hf_arena_calloc(arena, pairs->count / 2 + 1, sizeof(*object->properties));
	for (uint32_t i = 0; object->properties && i + 1 < pairs->count; i += 2) {
		struct hf_schema_property *property = &object->properties[object->nproperties];
		if (pairs->nulls && pairs->nulls[i + 1])
			continue;
		property->name = hf_arena_str(arena, pairs->values[i]);
		property->value = hf_arena_str(arena, pairs->values[i + 1]);
		if (!property->name.ptr || !property->value.ptr)
			return false;
		object->nproperties++;
	}
	return object->properties != NULL;
}

static enum hf_status take_row(void *user, const struct schema_row *row, hf_error *err)
{
	struct reading *reading = user;
	hf_arena *arena = reading->list.arena;
	if (reading->list.schema.count >= SCHEMA_OBJECTS_MAX)
		return error_set(err, HF_E_LIMIT, "the database has more than %d objects", SCHEMA_OBJECTS_MAX);
	struct hf_schema_object *object = schema_add(&reading->list);
	if (!object)
		return error_nomem(err);
	object->kind = schema_kind_of(row->kind);
	object->schema = hf_arena_str(arena, row->schema);
	object->parent = hf_arena_str(arena, row->parent);
	object->name = hf_arena_str(arena, row->name);
	object->position = row->position;
	if (!object->schema.ptr || !object->parent.ptr || !object->name.ptr ||
	    !copy_properties(arena, &row->properties, object))
		return error_nomem(err);
	return HF_OK;
}

static enum hf_status read_named(hf_where tx, struct reading *reading, hf_error *err)
{
	bool privileges = reading->privileges;
	enum hf_status status = schema_schemas(tx, &(struct schema_schemas_in){privileges}, take_row, reading, err);
	if (status == HF_OK)
		status = schema_types(tx, &(struct schema_types_in){privileges}, take_row, reading, err);
	if (status == HF_OK)
		status = schema_sequences(tx, &(struct schema_sequences_in){privileges}, take_row, reading, err);
	if (status == HF_OK)
		status = schema_relations(tx, &(struct schema_relations_in){privileges}, take_row, reading, err);
	if (status == HF_OK)
		status = schema_columns(tx, &(struct schema_columns_in){privileges}, take_row, reading, err);
	if (status == HF_OK)
		status = schema_functions(tx, &(struct schema_functions_in){privileges}, take_row, reading, err);
	return status;
}

static enum hf_status read_snapshot(hf_where tx, void *user, hf_error *err)
{
	struct reading *reading = user;
	struct schema_path_row path;
	reading->list.schema.count = 0; /* the transaction may be repeated */
	enum hf_status status = schema_path(tx, reading->list.arena, &path, err);
	if (status == HF_OK)
		status = read_named(tx, reading, err);
	if (status == HF_OK)
		status = schema_constraints(tx, take_row, reading, err);
	if (status == HF_OK)
		status = schema_indexes(tx, take_row, reading, err);
	if (status == HF_OK)
		status = schema_triggers(tx, take_row, reading, err);
	if (status == HF_OK)
		status = schema_others(tx, take_row, reading, err);
	return status;
}

enum hf_status hf_schema_read(hf_where where, const struct hf_schema_options *options, hf_arena *arena,
                              struct hf_schema *ret_schema, hf_error *err)
{
	static const struct hf_transaction_options snapshot = {.size = sizeof(snapshot),
	                                                       .isolation = HF_REPEATABLE_READ,
	                                                       .read_only = true};
	struct reading reading = {.list = {.arena = arena}, .privileges = options && options->privileges};
	enum hf_status status = hf_transaction(where, &snapshot, read_snapshot, &reading, err);
	if (status != HF_OK)
		return status;
	schema_sort(&reading.list.schema);
	*ret_schema = reading.list.schema;
	return HF_OK;
}
