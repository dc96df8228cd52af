/*
 * arena.h (base) - internal conveniences over the public arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/macros.h"
#include "holdfast/arena.h"
#include "holdfast/error.h"

DEFINE_OWNED(arena, hf_arena *, hf_arena_free)

/** printf into the arena; ptr NULL on failure. */
struct hf_str arena_printf(hf_arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/** Bytes that can still be handed out or charged. */
size_t arena_room(const hf_arena *arena);
/** Empties it; the next `size` bytes are there then, whatever happens. False: they are not to be had. */
bool arena_reserve(hf_arena *arena, size_t size);
/** Why the arena did not give `size` bytes for `what` ("an entry"): HF_E_LIMIT beyond its bound, or HF_E_NOMEM. */
enum hf_status arena_refused(const hf_arena *arena, size_t size, const char *what, hf_error *err) COLD;

#endif
