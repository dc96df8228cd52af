/*
 * arena.h - memory by lifetime. Everything a query returns lives in the arena that the caller passed and is valid
 * until that arena is reset or freed; nothing is freed on its own.
 *
 * An arena has a maximum; an allocation beyond it fails (NULL) and so does the call that asked. An arena belongs to
 * one thread at a time.
 */
#ifndef HOLDFAST_ARENA_H
#define HOLDFAST_ARENA_H

#include <stddef.h>

#include "holdfast/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_arena hf_arena;

/** A new arena of at most `size_bytes_max` (0 = 256 MiB). NULL when memory is short. Free with hf_arena_free(). */
hf_arena *hf_arena_new(size_t size_bytes_max);
/** `size` bytes, aligned for any type, not cleared. NULL when the bound or memory is exhausted. size 0 is valid. */
void *hf_arena_alloc(hf_arena *arena, size_t size);
/** `count * size` cleared bytes; NULL on overflow, bound or memory. */
void *hf_arena_calloc(hf_arena *arena, size_t count, size_t size);
/** A copy of `text` with a NUL behind it; ptr is NULL on failure. */
struct hf_str hf_arena_str(hf_arena *arena, struct hf_str text);
/** Run `cleanup(object)` at the next reset or free, last registered first. Returns 0, or -1 when memory is short
 *  (then nothing was registered and the caller still owns `object`). `charge` bytes count against the maximum. */
int hf_arena_own(hf_arena *arena, void (*cleanup)(void *object), void *object, size_t charge);
/** Forget everything; keeps the newest block of up to 256 KiB for reuse. */
void hf_arena_reset(hf_arena *arena);
/** Forget everything and free. NULL is allowed. */
void hf_arena_free(hf_arena *arena);
/** Bytes handed out (and charged) since the last reset. */
size_t hf_arena_used(const hf_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
