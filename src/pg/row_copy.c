/*
 * row_copy.c - a row into memory of its own: what the row points to is copied along, by the table of its columns.
 *
 * The counterpart of the decoders, from C to C: whatever a decoder borrows or takes from its arena is taken from the
 * arena here. Rows are trusted (a decoder made them, or the program), so that nothing can fail but memory; recursion
 * goes as deep as the compiled type tables. Members that are NULL come out cleared, whatever stood there.
 */
#include "base/error.h"
#include "pg/codecs.h"

enum { ROW_ON_STACK = 1024 };

/* One value that is not NULL; `out` is cleared. False: the arena is full. */
typedef bool copy_fn(hf_arena *arena, const struct hf_type *type, const void *in, void *out);

static bool copy_value(hf_arena *arena, const struct hf_type *type, const void *in, void *out);

static bool copy_flat(UNUSED hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
	memcpy(out, in, type->size);
	return true;
}

/* *at points to what is copied, and then to the copy. */
static bool copy_pointed(hf_arena *arena, size_t len, const void **at)
{
	void *copy = *at && len ? hf_arena_alloc(arena, len) : NULL;
	if (*at && len && !copy)
		return false;
	*at = copy ? memcpy(copy, *at, len) : NULL;
	return true;
}

/* ---- views ---- */

static bool copy_text(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_str text = hf_arena_str(arena, *(const struct hf_str *)in);
	*(struct hf_str *)out = text;
	return text.ptr != NULL;
}

static bool copy_bytes(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_bytes bytes = *(const struct hf_bytes *)in;
	const void *at = bytes.ptr;
	bool copied = copy_pointed(arena, bytes.len, &at);
	*(struct hf_bytes *)out = (struct hf_bytes){at, bytes.len};
	return copied;
}

static bool copy_bits(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_bits bits = *(const struct hf_bits *)in;
	const void *at = bits.ptr;
	bool copied = copy_pointed(arena, ((size_t)bits.count + 7) / 8, &at);
	*(struct hf_bits *)out = (struct hf_bits){at, bits.count};
	return copied;
}

static bool copy_numeric(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_numeric number = *(const struct hf_numeric *)in;
	const void *digits = number.digits;
	bool copied = copy_pointed(arena, 2 * (size_t)number.ndigits, &digits);
	number.digits = digits;
	*(struct hf_numeric *)out = number;
	return copied;
}

static bool copy_polygon(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_polygon polygon = *(const struct hf_polygon *)in;
	const void *points = polygon.points;
	bool copied = copy_pointed(arena, polygon.count * sizeof(*polygon.points), &points);
	polygon.points = points;
	*(struct hf_polygon *)out = polygon;
	return copied;
}

static bool copy_path(hf_arena *arena, UNUSED const struct hf_type *type, const void *in, void *out)
{
	struct hf_path path = *(const struct hf_path *)in;
	const void *points = path.points;
	bool copied = copy_pointed(arena, path.count * sizeof(*path.points), &points);
	path.points = points;
	*(struct hf_path *)out = path;
	return copied;
}

/* ---- what is made of others ---- */

static bool copy_composite(hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const struct hf_field *field = &type->fields[i];
		bool flagged = field->null_offset != HF_NEVER_NULL;
		if (flagged && !*(const bool *)((const char *)in + field->null_offset))
			continue;
		if (flagged)
			*(bool *)((char *)out + field->null_offset) = true;
		if (!copy_value(arena, field->type, (const char *)in + field->offset, (char *)out + field->offset))
			return false;
	}
	return true;
}

static bool copy_elements(hf_arena *arena, const struct hf_type *type, const struct hf_array *from, const void **values)
{
	size_t size = type->size;
	char *copy = from->count ? hf_arena_calloc(arena, from->count, size) : NULL;
	if (from->count && !copy)
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		bool null = from->nulls && from->nulls[i];
		if (!null && !copy_value(arena, type, (const char *)from->values + i * size, copy + i * size))
			return false;
	}
	*values = copy;
	return true;
}

static bool copy_array(hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
	struct hf_array array = *(const struct hf_array *)in;
	const void *dims = array.dims, *lower_bounds = array.lower_bounds, *nulls = array.nulls;
	bool copied = copy_pointed(arena, array.ndim * sizeof(*array.dims), &dims) &&
		      copy_pointed(arena, array.ndim * sizeof(*array.lower_bounds), &lower_bounds) &&
		      copy_pointed(arena, array.count * sizeof(*array.nulls), &nulls) &&
		      copy_elements(arena, type->element, &array, &array.values);
	array.dims = dims;
	array.lower_bounds = lower_bounds;
	array.nulls = nulls;
	*(struct hf_array *)out = array;
	return copied;
}

/* lower, upper, flags: HF_RANGE_MEMBERS */
static bool copy_range(hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
	size_t size = type->element->size;
	const char *from = in;
	char *to = out;
	uint8_t flags = *((const uint8_t *)in + 2 * size);
	bool lower = !(flags & (HF_RANGE_EMPTY | HF_RANGE_LOWER_INF));
	bool upper = !(flags & (HF_RANGE_EMPTY | HF_RANGE_UPPER_INF));
	*((uint8_t *)out + 2 * size) = flags;
	return (!lower || copy_value(arena, type->element, from, to)) &&
	       (!upper || copy_value(arena, type->element, from + size, to + size));
}

static bool copy_multirange(hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
	struct hf_multirange ranges = *(const struct hf_multirange *)in;
	struct hf_array as_array = {.count = ranges.count, .values = ranges.ranges};
	bool copied = copy_elements(arena, type->element, &as_array, &ranges.ranges);
	*(struct hf_multirange *)out = ranges;
	return copied;
}

/* ---- all kinds: by the codec's name, so that a new one does not go unnoticed ---- */

#define copy_big_endian copy_flat
#define copy_timetz copy_flat
#define copy_interval copy_flat
#define copy_octets copy_flat
#define copy_tid copy_flat
#define copy_inet copy_flat
#define copy_floats copy_flat
#define copy_enum copy_flat
#define copy_void copy_flat
#define copy_versioned copy_text
#define copy_vector copy_array

static bool copy_value(hf_arena *arena, const struct hf_type *type, const void *in, void *out)
{
#define COPIER(kind, codec, size) [HF_TYPE_##kind] = copy_##codec,
	static copy_fn *const copiers[] = {CODECS(COPIER)};
	return copiers[type->kind](arena, type, in, out);
}

enum hf_status hf_row_copy(hf_arena *arena, const struct hf_field *columns, uint32_t ncolumns, const void *row,
			   size_t row_size, void *ret_row, hf_error *err)
{
	const struct hf_type shape = {
		.kind = HF_TYPE_COMPOSITE, .size = row_size, .fields = columns, .count = ncolumns};
	_Alignas(16) char stack[ROW_ON_STACK];
	char *copy = row_size <= sizeof(stack) ? memset(stack, 0, row_size) : hf_arena_calloc(arena, 1, row_size);
	if (!copy || !copy_composite(arena, &shape, row, copy)) {
		error_set(err, HF_E_LIMIT, "the copy of a row does not fit into the arena's bound");
		error_hint(err, "use a larger arena, or reset it before");
		return HF_E_LIMIT;
	}
	memcpy(ret_row, copy, row_size);
	return HF_OK;
}
