/*
 * list.c - the sorted array of objects: adding, ordering, finding.
 */
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const char *hf_schema_kind_word(enum hf_schema_kind kind)
{
#define KIND_WORD(name, word) word,
	static const char *const words[] = {HF_SCHEMA_KIND_TABLE(KIND_WORD)};
#undef KIND_WORD
	return (size_t)kind < ARRAY_LEN(words) ? words[kind] : "unknown";
}

enum hf_schema_kind schema_kind_of(struct hf_str word)
{
	enum hf_schema_kind kind = 0;
	while (kind < HF_SCHEMA_KIND_COUNT && !str_eq(word, hf_str_of(hf_schema_kind_word(kind))))
		kind++;
	return kind;
}

struct hf_schema_object *schema_add(struct schema_list *list)
{
	struct hf_schema *schema = &list->schema;
	if (schema->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 512;
		struct hf_schema_object *objects = hf_arena_calloc(list->arena, capacity, sizeof(*objects));
		if (!objects || schema->count >= SCHEMA_OBJECTS_MAX)
			return NULL;
		if (schema->count)
			memcpy(objects, schema->objects, schema->count * sizeof(*objects));
		schema->objects = objects;
		list->capacity = capacity;
	}
	return &schema->objects[schema->count++];
}

int schema_order_family(const struct hf_schema_object *a, const struct hf_schema_object *b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);
	if (!order)
		order = str_cmp(a->schema, b->schema);
	return order ? order : str_cmp(a->parent, b->parent);
}

static int by_order(const void *left, const void *right)
{
	const struct hf_schema_object *a = left, *b = right;
	int order = schema_order_family(a, b);
	if (!order)
		order = (a->position > b->position) - (a->position < b->position);
	return order ? order : str_cmp(a->name, b->name);
}

void schema_sort(struct hf_schema *schema)
{
	if (schema->count > 1)
		qsort(schema->objects, schema->count, sizeof(*schema->objects), by_order);
}

struct hf_str hf_schema_property(const struct hf_schema_object *object, const char *name)
{
	for (size_t i = 0; i < object->nproperties; i++)
		if (str_eq(object->properties[i].name, hf_str_of(name)))
			return object->properties[i].value;
	return (struct hf_str){NULL, 0};
}

/* The first object that does not come before `key`'s family. */
static size_t lower_bound(const struct hf_schema *schema, const struct hf_schema_object *key)
{
	size_t low = 0, high = schema->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (schema_order_family(&schema->objects[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct hf_schema_object *hf_schema_children(const struct hf_schema *schema, enum hf_schema_kind kind,
                                                  struct hf_str of_schema, struct hf_str of_parent, size_t *ret_count)
{
	const struct hf_schema_object key = {.kind = kind, .schema = of_schema, .parent = of_parent};
	size_t first = lower_bound(schema, &key), end = first;
	while (end < schema->count && schema_order_family(&schema->objects[end], &key) == 0)
		end++;
	*ret_count = end - first;
	return end > first ? &schema->objects[first] : NULL;
}

const struct hf_schema_object *hf_schema_find(const struct hf_schema *schema, struct hf_str of_schema,
                                              struct hf_str name)
{
	for (enum hf_schema_kind kind = HF_SCHEMA_ENUM; kind <= HF_SCHEMA_MATVIEW; kind++) {
		size_t count;
		const struct hf_schema_object *objects =
			hf_schema_children(schema, kind, of_schema, HF_STR(""), &count);
		for (size_t i = 0; i < count; i++)
			if (str_eq(objects[i].name, name))
				return &objects[i];
	}
	return NULL;
}
