/*
 * intern.c - open addressing over at most 3/4 full tables, hashed eight bytes at a time; texts stand in one arena. A
 * slot keeps the hash beside the number, so that texts are looked at only where they are most likely equal: each such
 * look misses the cache.
 */
#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct intern_slot {
	uint32_t hash;
	uint32_t number; /* + 1; 0 = free */
};
struct intern {
	hf_arena *texts;
	struct hf_str *by_number;
	struct intern_slot *slots;
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

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mixed(uint64_t hash, const char *bytes, size_t count)
{
	uint64_t word = 0;
	memcpy(&word, bytes, count);
	hash = (hash ^ word) * MULTIPLIER;
	return hash ^ hash >> 32;
}

uint32_t intern_hash(struct hf_str text)
{
	uint64_t hash = text.len;
	size_t at = 0;
	for (; text.len - at > sizeof(hash); at += sizeof(hash))
		hash = mixed(hash, text.ptr + at, sizeof(hash));
	if (text.len > 0)
		hash = mixed(hash, text.ptr + at, text.len - at);
	return (uint32_t)(hash * MULTIPLIER >> 32); /* the last bytes have reached high bits of the lower half only */
}

static struct intern_slot *slot_of(const struct intern *intern, uint32_t hash, struct hf_str text)
{
	for (uint32_t at = hash;; at++) {
		struct intern_slot *slot = &intern->slots[at & (intern->slot_count - 1)];
		if (slot->number == 0 || (slot->hash == hash && str_eq(intern->by_number[slot->number - 1], text)))
			return slot;
	}
}

/* What is in the table is in it once: no text need be looked at. */
static void put_slot(struct intern *intern, struct intern_slot put)
{
	uint32_t at = put.hash & (intern->slot_count - 1);
	while (intern->slots[at].number != 0)
		at = (at + 1) & (intern->slot_count - 1);
	intern->slots[at] = put;
}

static bool grow_slots(struct intern *intern)
{
	struct intern_slot *before = intern->slots;
	const uint32_t count = intern->slot_count;
	struct intern_slot *slots = calloc((size_t)count * 2, sizeof(*slots));
	if (!slots)
		return false;
	intern->slots = slots;
	intern->slot_count = count * 2;
	for (uint32_t i = 0; i < count; i++)
		if (before[i].number != 0)
			put_slot(intern, before[i]);
	free(before);
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
	const uint32_t hash = intern_hash(text);
	const uint32_t found = slot_of(intern, hash, text)->number;
	if (found != 0)
		return found - 1;
	if (intern->count == intern->count_max)
		return INTERN_NONE;
	if (intern->count >= intern->slot_count / 4 * 3 && !grow_slots(intern))
		return INTERN_NONE;
	if (intern->count == intern->capacity && !grow_numbers(intern))
		return INTERN_NONE;
	struct hf_str copy = hf_arena_str(intern->texts, text);
	if (!copy.ptr)
		return INTERN_NONE;
	intern->by_number[intern->count] = copy;
	put_slot(intern, (struct intern_slot){hash, ++intern->count});
	return intern->count - 1;
}

uint32_t intern_find(const struct intern *intern, struct hf_str text)
{
	const uint32_t found = slot_of(intern, intern_hash(text), text)->number;
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
