/*
 * compare.c - hf_schema_compare(): a merge of two lists sorted by kind, schema, parent and name, and below each pair a
 * merge of their properties, by name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "schema/schema.h"

struct comparison {
	hf_arena *arena;
	const struct hf_schema *before, *after;
	struct hf_schema_change *changes;
	size_t count, capacity;
	bool starved;
};

static int order(const struct hf_schema_object *a, const struct hf_schema_object *b)
{
	int family = schema_order_family(a, b);
	return family ? family : str_cmp(a->name, b->name);
}

static int by_name(const void *left, const void *right)
{
	return order(*(const struct hf_schema_object *const *)left, *(const struct hf_schema_object *const *)right);
}

/* Without the position: a column that moved is the same column. */
static const struct hf_schema_object **sorted_by_name(hf_arena *arena, const struct hf_schema *schema)
{
	const struct hf_schema_object **list = hf_arena_calloc(arena, schema->count + 1, sizeof(*list));
	for (size_t i = 0; list && i < schema->count; i++)
		list[i] = &schema->objects[i];
	if (list && schema->count > 1)
		qsort(list, schema->count, sizeof(*list), by_name);
	return list;
}

static void add(struct comparison *comparison, struct hf_schema_change change)
{
	if (comparison->count == comparison->capacity) {
		size_t capacity = comparison->capacity ? 2 * comparison->capacity : 64;
		struct hf_schema_change *changes = hf_arena_calloc(comparison->arena, capacity, sizeof(*changes));
		if (!changes) {
			comparison->starved = true;
			return;
		}
		if (comparison->count)
			memcpy(changes, comparison->changes, comparison->count * sizeof(*changes));
		comparison->changes = changes;
		comparison->capacity = capacity;
	}
	comparison->changes[comparison->count++] = change;
}

/* What hangs on an object that the other side lacks needs no line of its own. */
static bool stands_alone(const struct hf_schema *other, const struct hf_schema_object *object)
{
	return object->parent.len == 0 || hf_schema_find(other, object->schema, object->parent);
}

static void one_sided(struct comparison *comparison, const struct hf_schema_object *before,
                      const struct hf_schema_object *after)
{
	if (before && stands_alone(comparison->after, before))
		add(comparison, (struct hf_schema_change){.kind = HF_SCHEMA_REMOVED, .before = before});
	if (after && stands_alone(comparison->before, after))
		add(comparison, (struct hf_schema_change){.kind = HF_SCHEMA_ADDED, .after = after});
}

static void property(struct comparison *comparison, const struct hf_schema_object *before,
                     const struct hf_schema_object *after, struct hf_str name, struct hf_str was, struct hf_str is)
{
	bool same = !was.ptr == !is.ptr && str_eq(was, is);
	if (!same && !str_eq(name, HF_STR("reads"))) /* it follows from the definition */
		add(comparison, (struct hf_schema_change){HF_SCHEMA_CHANGED, before, after, name, was, is});
}

static void two_sided(struct comparison *comparison, const struct hf_schema_object *before,
                      const struct hf_schema_object *after)
{
	for (size_t i = 0; i < before->nproperties; i++) {
		struct hf_str name = before->properties[i].name;
		property(comparison, before, after, name, before->properties[i].value,
		         hf_schema_property(after, name.ptr));
	}
	for (size_t i = 0; i < after->nproperties; i++) {
		struct hf_str name = after->properties[i].name;
		if (!hf_schema_property(before, name.ptr).ptr)
			property(comparison, before, after, name, (struct hf_str){NULL, 0}, after->properties[i].value);
	}
}

static void merge(struct comparison *comparison, const struct hf_schema_object **before,
                  const struct hf_schema_object **after)
{
	size_t i = 0, j = 0;
	while (i < comparison->before->count || j < comparison->after->count) {
		int way = i == comparison->before->count  ? 1
		          : j == comparison->after->count ? -1
		                                          : order(before[i], after[j]);
		if (way == 0)
			two_sided(comparison, before[i++], after[j++]);
		else
			one_sided(comparison, way < 0 ? before[i++] : NULL, way > 0 ? after[j++] : NULL);
	}
}

enum hf_status hf_schema_compare(const struct hf_schema *before, const struct hf_schema *after, hf_arena *arena,
                                 struct hf_schema_change **ret_changes, size_t *ret_count, hf_error *err)
{
	struct comparison comparison = {.arena = arena, .before = before, .after = after};
	const struct hf_schema_object **left = sorted_by_name(arena, before), **right = sorted_by_name(arena, after);
	if (!left || !right)
		return error_nomem(err);
	merge(&comparison, left, right);
	if (comparison.starved)
		return error_nomem(err);
	*ret_changes = comparison.changes;
	*ret_count = comparison.count;
	return HF_OK;
}
