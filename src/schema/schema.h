/*
 * schema.h (schema) - what the files of this folder share: a growing list of objects, and their order.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "holdfast/schema.h"

enum { SCHEMA_OBJECTS_MAX = 500000 };

struct schema_list {
	hf_arena *arena;
	struct hf_schema schema;
	size_t capacity;
};

/** A fresh object at the end; NULL when memory is short or there are too many. */
struct hf_schema_object *schema_add(struct schema_list *list);
/** The kind of a word; HF_SCHEMA_KIND_COUNT for none. */
enum hf_schema_kind schema_kind_of(struct hf_str word);
/** By kind, schema, parent, position, name. */
void schema_sort(struct hf_schema *schema);
/** By kind, schema and parent only. */
int schema_order_family(const struct hf_schema_object *a, const struct hf_schema_object *b);

#endif
