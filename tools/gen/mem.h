/*
 * mem.h - memory of the query compiler: one arena per run, freed at its end, and one for each
 * statement's trees and proofs. Running out of it (1 GiB, or the
 * machine's) ends the process with a message: nothing was written by then that the next run would not replace.
 */
#ifndef GEN_MEM_H
#define GEN_MEM_H

#include "base/arena.h"
#include "base/str.h"

/** Memory that ends before the run does; owned by the caller. */
hf_arena *mem_arena(void);
/** Cleared memory for `count` objects. */
void *mem_many(hf_arena *arena, size_t count, size_t size);
#define MEM_NEW(arena, type) ((type *)mem_many((arena), 1, sizeof(type)))
#define MEM_ARRAY(arena, count, type) ((type *)mem_many((arena), (count), sizeof(type)))
/** A NUL-terminated copy. */
const char *mem_text(hf_arena *arena, struct hf_str text);
const char *mem_printf(hf_arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/** `items` with room for one more: a copy of twice the size whenever `count` is zero or a power of two. */
void *mem_grow(hf_arena *arena, const void *items, size_t count, size_t size);
/** Ends the process when the buffer overflowed. */
void mem_check(const struct buf *buf);
/** The same without memory. */
void mem_check_pointer(const void *memory);

#endif
