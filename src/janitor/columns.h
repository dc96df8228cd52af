/*
 * columns.h - rows of a struct turned into arrays, one per member, for statements that take many rows at once.
 *
 *     struct columns columns = {.arena = arena, .rows = tries, .row_size = sizeof(*tries), .count = n};
 *     in.ids = columns_text(&columns, offsetof(struct hf_publish_try, publish.id));
 *
 * A text of {NULL, 0} is NULL, as is a value whose has_ member is false. The arrays live in the arena; texts are
 * borrowed. Where memory is short `starved` is set and the array empty: look once, at the end.
 */
#ifndef JANITOR_COLUMNS_H
#define JANITOR_COLUMNS_H

#include "holdfast/arena.h"
#include "holdfast/types.h"

struct columns {
	hf_arena *arena;
	const void *rows;
	size_t row_size;
	uint32_t count;
	bool starved;
};

struct hf_str_array columns_text(struct columns *columns, size_t offset);
struct hf_bool_array columns_bool(struct columns *columns, size_t has_offset, size_t offset);
struct hf_timestamp_array columns_timestamp(struct columns *columns, size_t has_offset, size_t offset);

#endif
