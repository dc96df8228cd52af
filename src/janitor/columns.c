/*
 * columns.c - see columns.h.
 */
#include "janitor/columns.h"

#include <string.h>

#include "base/arena.h"

static const void *member(const struct columns *columns, uint32_t row, size_t offset)
{
	return (const char *)columns->rows + row * columns->row_size + offset;
}

/* The array and its nulls, which `*ret_nulls` is for the caller to fill; NULL when memory is short. */
static void *column(struct columns *columns, size_t size, bool **ret_nulls)
{
	void *values = hf_arena_calloc(columns->arena, (size_t)columns->count + 1, size);
	*ret_nulls = hf_arena_calloc(columns->arena, (size_t)columns->count + 1, sizeof(**ret_nulls));
	columns->starved |= !values || !*ret_nulls;
	return *ret_nulls ? values : NULL;
}

struct hf_str_array columns_text(struct columns *columns, size_t offset)
{
	bool *nulls;
	struct hf_str *values = column(columns, sizeof(*values), &nulls);
	for (uint32_t i = 0; values && i < columns->count; i++) {
		values[i] = *(const struct hf_str *)member(columns, i, offset);
		nulls[i] = !values[i].ptr;
	}
	return (struct hf_str_array){.count = values ? columns->count : 0,
	                             .ndim = values != NULL,
	                             .values = values,
	                             .nulls = nulls};
}

struct hf_bool_array columns_bool(struct columns *columns, size_t has_offset, size_t offset)
{
	bool *nulls, *values = column(columns, sizeof(*values), &nulls);
	for (uint32_t i = 0; values && i < columns->count; i++) {
		values[i] = *(const bool *)member(columns, i, offset);
		nulls[i] = !*(const bool *)member(columns, i, has_offset);
	}
	return (struct hf_bool_array){.count = values ? columns->count : 0,
	                              .ndim = values != NULL,
	                              .values = values,
	                              .nulls = nulls};
}

struct hf_timestamp_array columns_timestamp(struct columns *columns, size_t has_offset, size_t offset)
{
	bool *nulls;
	struct hf_timestamp *values = column(columns, sizeof(*values), &nulls);
	for (uint32_t i = 0; values && i < columns->count; i++) {
		values[i] = *(const struct hf_timestamp *)member(columns, i, offset);
		nulls[i] = !*(const bool *)member(columns, i, has_offset);
	}
	return (struct hf_timestamp_array){.count = values ? columns->count : 0,
	                                   .ndim = values != NULL,
	                                   .values = values,
	                                   .nulls = nulls};
}
