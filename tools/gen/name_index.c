/*
 * name_index.c - open addressing, half full at most.
 */
#include "gen/name_index.h"

enum { SIZE_FIRST = 64 };

/* FNV-1a */
static uint64_t hash(struct hf_str name)
{
	uint64_t value = 0xcbf29ce484222325u;
	for (size_t i = 0; i < name.len; i++)
		value = (value ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
	return value ^ value >> 32;
}

static struct name_slot *slot_of(const struct name_index *index, struct hf_str name)
{
	size_t at = (size_t)hash(name) & (index->size - 1);
	while (index->slots[at].name.ptr && !str_eq(index->slots[at].name, name))
		at = (at + 1) & (index->size - 1);
	return &index->slots[at];
}

static void grow(struct name_index *index)
{
	struct name_index bigger = {.arena = index->arena, .count = index->count};
	bigger.size = index->size ? 4 * index->size : SIZE_FIRST;
	bigger.slots = MEM_ARRAY(index->arena, bigger.size, struct name_slot);
	for (size_t i = 0; i < index->size; i++)
		if (index->slots[i].name.ptr)
			*slot_of(&bigger, index->slots[i].name) = index->slots[i];
	*index = bigger;
}

size_t *name_index_at(struct name_index *index, struct hf_str name)
{
	if (2 * index->count >= index->size)
		grow(index);
	struct name_slot *slot = slot_of(index, name);
	if (!slot->name.ptr) {
		slot->name = name;
		index->count++;
	}
	return &slot->number;
}
