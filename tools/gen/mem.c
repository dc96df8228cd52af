/*
 * mem.c - arena memory that cannot fail, for a tool that has nothing to clean up.
 */
#include "gen/mem.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn static void exhausted(void) /* uncovered: out of memory */
{
	fputs("holdfast-gen: out of memory\n", stderr); /* uncovered: a gigabyte of queries */
	exit(1);                                        /* uncovered: the same */
}

hf_arena *mem_arena(void)
{
	hf_arena *arena = hf_arena_new((size_t)1 << 30);
	if (!arena)
		exhausted(); /* uncovered: out of memory */
	return arena;
}

void *mem_many(hf_arena *arena, size_t count, size_t size)
{
	void *memory = hf_arena_calloc(arena, count, size);
	if (!memory)
		exhausted(); /* uncovered: out of memory */
	return memory;
}

const char *mem_text(hf_arena *arena, struct hf_str text)
{
	struct hf_str copy = hf_arena_str(arena, text);
	if (!copy.ptr)
		exhausted(); /* uncovered: out of memory */
	return copy.ptr;
}

const char *mem_printf(hf_arena *arena, const char *format, ...)
{
	struct buf buf;
	buf_init(&buf, (size_t)64 << 20);
	va_list args;
	va_start(args, format);
	buf_vprintf(&buf, format, args);
	va_end(args);
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

void *mem_grow(hf_arena *arena, const void *items, size_t count, size_t size)
{
	union {
		const void *in;
		void *out;
	} same = {.in = items};
	if (count & (count - 1))
		return same.out;
	void *bigger = mem_many(arena, count ? 2 * count : 1, size);
	if (count)
		memcpy(bigger, items, count * size);
	return bigger;
}

void mem_check(const struct buf *buf)
{
	if (!buf_ok(buf))
		exhausted(); /* uncovered: out of memory */
}

void mem_check_pointer(const void *memory)
{
	if (!memory)
		exhausted(); /* uncovered: out of memory */
}
