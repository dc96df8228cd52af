/*
 * arena.h (base) - internal conveniences over the public arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/macros.h"
#include "holdfast/arena.h"

DEFINE_OWNED(arena, hf_arena *, hf_arena_free)

/** printf into the arena; ptr NULL on failure. */
struct hf_str arena_printf(hf_arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/** Bytes that can still be handed out or charged. */
size_t arena_room(const hf_arena *arena);

#endif
