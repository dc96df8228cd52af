/*
 * rows.c - see rows.h.
 */
#include "cli/rows.h"

#include "base/arena.h"

enum { PARTS_BYTES_MAX = 64 << 20 };

struct hf_str rows_json(hf_arena *arena, rows_json_fn *add, const void *of)
{
	struct buf buf;
	struct json_writer json;
	struct hf_str text = {NULL, 0};
	buf_init(&buf, PARTS_BYTES_MAX);
	jw_init(&json, jw_into_buf, &buf);
	add(&json, of);
	if (jw_finish(&json))
		text = hf_arena_str(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}
