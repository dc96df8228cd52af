/*
 * arena.c - bump allocation in blocks that double up to 1 MiB; large requests get a block of their own size.
 *
 * Invariants: `used` counts every byte handed out and every charge, and never passes `max`. The newest block that is no
 * larger than KEPT_MAX survives a reset: what is filled again and again is not given back to the system each time.
 * Cleanups run newest first, before the blocks go, because their objects may stand in the arena.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { ALIGNMENT = 16, BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, KEPT_MAX = 256 << 10, DEFAULT_MAX = 256 << 20 };

struct block {
	struct block *next;
	size_t size;
	size_t filled;
	_Alignas(ALIGNMENT) char data[];
};

struct owned {
	struct owned *next;
	void (*cleanup)(void *object);
	void *object;
};

struct hf_arena {
	struct block *blocks; /* newest first */
	struct owned *owned;
	size_t used;
	size_t max;
};

hf_arena *hf_arena_new(size_t size_bytes_max)
{
	hf_arena *arena = calloc(1, sizeof(*arena));
	if (arena)
		arena->max = size_bytes_max ? size_bytes_max : (size_t)DEFAULT_MAX;
	return arena;
}

static struct block *block_for(hf_arena *arena, size_t size)
{
	size_t wanted = arena->blocks ? arena->blocks->size * 2 : BLOCK_MIN;
	if (wanted > BLOCK_MAX)
		wanted = BLOCK_MAX;
	if (wanted < size)
		wanted = size;
	struct block *block = malloc(sizeof(*block) + wanted);
	if (!block)
		return NULL;
	block->size = wanted;
	block->filled = 0;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

HOT void *hf_arena_alloc(hf_arena *arena, size_t size)
{
	if (size > arena->max - arena->used)
		return NULL;
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (rounded == 0)
		rounded = ALIGNMENT;
	struct block *block = arena->blocks;
	if (block) /* text may have left it anywhere; blocks are whole multiples, so that this stays inside */
		block->filled = (block->filled + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!block || block->size - block->filled < rounded)
		block = block_for(arena, rounded);
	if (!block)
		return NULL;
	void *memory = block->data + block->filled;
	block->filled += rounded;
	arena->used += size;
	return memory;
}

void *hf_arena_calloc(hf_arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	void *memory = hf_arena_alloc(arena, total);
	return memory ? memset(memory, 0, total) : NULL;
}

/* Text needs no alignment: texts stand close together, NUL to letter. */
static char *room_for_text(hf_arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	if (!block || block->size - block->filled < size)
		return hf_arena_alloc(arena, size);
	if (size > arena->max - arena->used)
		return NULL;
	char *memory = block->data + block->filled;
	block->filled += size;
	arena->used += size;
	return memory;
}

HOT struct hf_str hf_arena_str(hf_arena *arena, struct hf_str text)
{
	char *copy = text.len < SIZE_MAX ? room_for_text(arena, text.len + 1) : NULL;
	if (!copy)
		return (struct hf_str){NULL, 0};
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return (struct hf_str){copy, text.len};
}

int hf_arena_own(hf_arena *arena, void (*cleanup)(void *object), void *object, size_t charge)
{
	if (charge > arena->max - arena->used)
		return -1;
	struct owned *entry = hf_arena_alloc(arena, sizeof(*entry));
	if (!entry || charge > arena->max - arena->used)
		return -1;
	*entry = (struct owned){arena->owned, cleanup, object};
	arena->owned = entry;
	arena->used += charge;
	return 0;
}

static void run_cleanups(hf_arena *arena)
{
	struct owned *entry = arena->owned;
	while (entry) {
		struct owned *next = entry->next;
		entry->cleanup(entry->object);
		entry = next;
	}
	arena->owned = NULL;
}

HOT void hf_arena_reset(hf_arena *arena)
{
	struct block *kept = NULL;
	run_cleanups(arena);
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		if (!kept && block->size <= KEPT_MAX)
			kept = block;
		else
			free(block);
	}
	if (kept) {
		kept->next = NULL;
		kept->filled = 0;
	}
	arena->blocks = kept;
	arena->used = 0;
}

void hf_arena_free(hf_arena *arena)
{
	if (!arena)
		return;
	hf_arena_reset(arena);
	free(arena->blocks);
	free(arena);
}

bool arena_reserve(hf_arena *arena, size_t size)
{
	hf_arena_reset(arena);
	if (arena->blocks && arena->blocks->size < size) {
		free(arena->blocks);
		arena->blocks = NULL;
	}
	if (!hf_arena_alloc(arena, size))
		return false;
	arena->blocks->filled = 0; /* a reset would give a large one back */
	arena->used = 0;
	return true;
}

size_t arena_room(const hf_arena *arena)
{
	return arena->max - arena->used;
}

enum hf_status arena_refused(const hf_arena *arena, size_t size, const char *what, hf_error *err)
{
	if (size > arena_room(arena))
		return error_set(err, HF_E_LIMIT, "%s of %zu bytes does not fit the arena", what, size);
	return error_nomem(err);
}

size_t hf_arena_used(const hf_arena *arena)
{
	return arena->used;
}

struct hf_str arena_printf(hf_arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = n < 0 ? NULL : hf_arena_alloc(arena, (size_t)n + 1);
	if (!text)
		return (struct hf_str){NULL, 0};
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return (struct hf_str){text, (size_t)n};
}
