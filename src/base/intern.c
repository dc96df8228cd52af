/*
 * intern.c - open addressing with FNV-1a over at most 7/8 full tables; texts stand in one arena.
 */
#include "base/intern.h"

#include <stdlib.h>

#include "base/str.h"

struct intern {
	hf_arena *texts;
	struct hf_str *by_number;
	uint32_t *slots; /* number + 1, 0 = free */
	uint32_t slot_count;
	uint32_t count;
	uint32_t capacity;
	uint32_t count_max;
};

struct intern *intern_new(uint32_t count_max)
{
	CLEANUP(intern_freep) struct intern *intern = calloc(1, sizeof(*intern));
	if (!intern)
		return NULL;
	intern->count_max = count_max;
	intern->texts = hf_arena_new(0);
	intern->slot_count = 1024;
	intern->slots = calloc(intern->slot_count, sizeof(*intern->slots));
	if (!intern->texts || !intern->slots)
		return NULL;
	return intern_take(&intern);
}

void intern_free(struct intern *intern)
{
	if (!intern)
		return;
	hf_arena_free(intern->texts);
	free(intern->by_number);
	free(intern->slots);
	free(intern);
}

static uint32_t slot_of(const struct intern *intern, struct hf_str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
	uint32_t slot = (uint32_t)(hash ^ hash >> 32) & (intern->slot_count - 1);
	while (intern->slots[slot] != 0 && !str_eq(intern->by_number[intern->slots[slot] - 1], text))
		slot = (slot + 1) & (intern->slot_count - 1);
	return slot;
}

static bool grow_slots(struct intern *intern)
{
	uint32_t doubled = intern->slot_count * 2;
	uint32_t *slots = calloc(doubled, sizeof(*slots));
	if (!slots)
		return false;
	free(intern->slots);
	intern->slots = slots;
	intern->slot_count = doubled;
	for (uint32_t i = 0; i < intern->count; i++)
		intern->slots[slot_of(intern, intern->by_number[i])] = i + 1;
	return true;
}

static bool grow_numbers(struct intern *intern)
{
	uint32_t capacity = intern->capacity ? intern->capacity * 2 : 512;
	struct hf_str *grown = reallocarray(intern->by_number, capacity, sizeof(*grown));
	if (!grown)
		return false;
	intern->by_number = grown;
	intern->capacity = capacity;
	return true;
}

uint32_t intern_add(struct intern *intern, struct hf_str text)
{
	uint32_t slot = slot_of(intern, text);
	if (intern->slots[slot] != 0)
		return intern->slots[slot] - 1;
	if (intern->count == intern->count_max)
		return INTERN_NONE;
	if (intern->count >= intern->slot_count / 8 * 7) {
		if (!grow_slots(intern))
			return INTERN_NONE;
		slot = slot_of(intern, text);
	}
	if (intern->count == intern->capacity && !grow_numbers(intern))
		return INTERN_NONE;
	struct hf_str copy = hf_arena_str(intern->texts, text);
	if (!copy.ptr)
		return INTERN_NONE;
	intern->by_number[intern->count] = copy;
	intern->slots[slot] = ++intern->count;
	return intern->count - 1;
}

uint32_t intern_find(const struct intern *intern, struct hf_str text)
{
	uint32_t found = intern->slots[slot_of(intern, text)];
	return found ? found - 1 : INTERN_NONE;
}

struct hf_str intern_text(const struct intern *intern, uint32_t number)
{
	ASSERT(number < intern->count);
	return intern->by_number[number];
}

uint32_t intern_count(const struct intern *intern)
{
	return intern->count;
}
