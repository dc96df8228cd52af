/*
 * decode_composed.c - the values that are made of others: composites, arrays, ranges. Recursion goes as deep as the
 * compiled type tables.
 */
#include "pg/decode_parts.h"

#include "base/error.h"
#include "pg/types.h"

enum { ARRAY_DIMENSIONS_MAX = 6, RANGE_FLAGS = 0x1f, RANGE_BYTES_MIN = 5 };

static struct decoder inner(const struct decoder *decoder)
{
	struct decoder deeper = *decoder;
	deeper.inside = true;
	return deeper;
}

static bool is_expected(const struct decoder *decoder, const struct hf_type *type, int32_t oid)
{
	uint32_t expected = type_map_oid(decoder->types, type);
	return expected == 0 || expected == (uint32_t)oid;
}

/* ---- composites ---- */

static enum hf_status decode_member(const struct decoder *decoder, const struct hf_type *type,
                                    const struct hf_field *field, struct cursor *cursor, char *out, hf_error *err)
{
	int32_t oid, len;
	if (!take_word(cursor, &oid) || !take_length(cursor, &len))
		return decode_malformed(type, "a field reaches beyond the end", err);
	if (!is_expected(decoder, field->type, oid))
		return decode_drifted(type, "a field has another type than the compiled one", err);
	if (len == -1 && field->null_offset == HF_NEVER_NULL)
		return decode_malformed(type, "unexpected null in a field", err);
	if (field->null_offset != HF_NEVER_NULL)
		*(bool *)(out + field->null_offset) = len != -1;
	if (len == -1)
		return HF_OK;
	return decode_field(decoder, field->type, take_bytes(cursor, len), (size_t)len, out + field->offset, err);
}

enum hf_status decode_composite(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                size_t len, void *out, hf_error *err)
{
	struct decoder members = inner(decoder);
	struct cursor cursor = {at, len};
	int32_t count;
	if (!take_word(&cursor, &count) || count < 0)
		return decode_malformed(type, "no number of fields", err);
	if ((uint32_t)count != type->count)
		return decode_drifted(type, "another number of fields than the compiled one", err);
	memset(out, 0, type->size);
	for (uint32_t i = 0; i < type->count; i++) {
		enum hf_status status = decode_member(&members, type, &type->fields[i], &cursor, out, err);
		if (status != HF_OK)
			return status;
	}
	return cursor.left == 0 ? HF_OK : decode_malformed(type, "bytes behind the last field", err);
}

/* ---- arrays ---- */

struct shape {
	int32_t ndim;
	int32_t element; /* type number */
	uint32_t count;
	int32_t dims[ARRAY_DIMENSIONS_MAX];
	int32_t lower_bounds[ARRAY_DIMENSIONS_MAX];
};

/* Each element takes at least its length word, which bounds the count before anything is allocated. */
static enum hf_status take_shape(const struct hf_type *type, struct cursor *cursor, struct shape *ret_shape,
                                 hf_error *err)
{
	struct shape shape = {.count = 1};
	int32_t flags;
	if (!take_word(cursor, &shape.ndim) || !take_word(cursor, &flags) || !take_word(cursor, &shape.element))
		return decode_malformed(type, "shorter than its header", err);
	if (shape.ndim < 0 || shape.ndim > ARRAY_DIMENSIONS_MAX || (flags != 0 && flags != 1))
		return decode_malformed(type, "impossible number of dimensions or flags", err);
	for (int32_t i = 0; i < shape.ndim; i++) {
		if (!take_word(cursor, &shape.dims[i]) || !take_word(cursor, &shape.lower_bounds[i]))
			return decode_malformed(type, "shorter than its header", err);
		if (shape.dims[i] < 0 || __builtin_mul_overflow(shape.count, (uint32_t)shape.dims[i], &shape.count))
			return decode_malformed(type, "impossible dimension", err);
	}
	if (shape.ndim == 0)
		shape.count = 0;
	if (shape.count > cursor->left / 4)
		return decode_malformed(type, "more elements than bytes", err);
	*ret_shape = shape;
	return HF_OK;
}

static enum hf_status decode_elements(const struct decoder *decoder, const struct hf_type *type, struct cursor *cursor,
                                      uint32_t count, char *values, bool **ret_nulls, hf_error *err)
{
	bool *nulls = NULL;
	for (uint32_t i = 0; i < count; i++) {
		int32_t len;
		if (!take_length(cursor, &len))
			return decode_malformed(type, "an element reaches beyond the end", err);
		if (len == -1) {
			nulls = nulls ? nulls : hf_arena_calloc(decoder->arena, count, sizeof(*nulls));
			if (!nulls)
				return decode_full(decoder, count * sizeof(*nulls), err);
			nulls[i] = true;
			continue;
		}
		char *value = values + (size_t)i * type->element->size;
		const uint8_t *at = take_bytes(cursor, len);
		if (decode_word(type->element->kind, at, (size_t)len, value))
			continue;
		enum hf_status status = decode_field(decoder, type->element, at, (size_t)len, value, err);
		if (status != HF_OK)
			return status;
	}
	*ret_nulls = nulls;
	return cursor->left == 0 ? HF_OK : decode_malformed(type, "bytes behind the last element", err);
}

static const int32_t *keep_words(hf_arena *arena, const int32_t *words, int32_t count)
{
	int32_t *copy = hf_arena_alloc(arena, (size_t)count * sizeof(*copy));
	return copy ? memcpy(copy, words, (size_t)count * sizeof(*copy)) : NULL;
}

enum hf_status decode_array(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at, size_t len,
                            void *out, hf_error *err)
{
	struct decoder elements = inner(decoder);
	struct cursor cursor = {at, len};
	struct shape shape = {0};
	bool *nulls = NULL;
	enum hf_status status = take_shape(type, &cursor, &shape, err);
	if (status != HF_OK)
		return status;
	if (!is_expected(decoder, type->element, shape.element))
		return decode_drifted(type, "elements have another type than the compiled one", err);
	const int32_t *dims = keep_words(decoder->arena, shape.dims, shape.ndim);
	const int32_t *lower_bounds = keep_words(decoder->arena, shape.lower_bounds, shape.ndim);
	char *values = hf_arena_calloc(decoder->arena, shape.count, type->element->size);
	if (!dims || !lower_bounds || !values)
		return decode_full(decoder, shape.count * type->element->size, err);
	status = decode_elements(&elements, type, &cursor, shape.count, values, &nulls, err);
	if (status == HF_OK)
		*(struct hf_array *)out =
			(struct hf_array){shape.count, (uint32_t)shape.ndim, dims, lower_bounds, nulls, values};
	return status;
}

/* int2vector and oidvector travel as arrays; that they start at 0 and have no nulls is the server's business. */
enum hf_status decode_vector(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at, size_t len,
                             void *out, hf_error *err)
{
	return decode_array(decoder, type, at, len, out, err);
}

/* ---- ranges: lower, upper, flags (HF_RANGE_MEMBERS) ---- */

static enum hf_status decode_bound(const struct decoder *decoder, const struct hf_type *type, struct cursor *cursor,
                                   char *out, hf_error *err)
{
	int32_t len;
	if (!take_length(cursor, &len) || len == -1)
		return decode_malformed(type, "a bound reaches beyond the end", err);
	return decode_field(decoder, type->element, take_bytes(cursor, len), (size_t)len, out, err);
}

enum hf_status decode_range(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at, size_t len,
                            void *out, hf_error *err)
{
	struct decoder bounds = inner(decoder);
	size_t size = type->element->size;
	enum hf_status status = HF_OK;
	if (len < 1 || at[0] > RANGE_FLAGS)
		return decode_malformed(type, "unknown flags", err);
	struct cursor cursor = {at + 1, len - 1};
	memset(out, 0, type->size);
	*((uint8_t *)out + 2 * size) = at[0];
	if (!(at[0] & (HF_RANGE_EMPTY | HF_RANGE_LOWER_INF)))
		status = decode_bound(&bounds, type, &cursor, out, err);
	if (status == HF_OK && !(at[0] & (HF_RANGE_EMPTY | HF_RANGE_UPPER_INF)))
		status = decode_bound(&bounds, type, &cursor, (char *)out + size, err);
	if (status == HF_OK && cursor.left > 0)
		return decode_malformed(type, "bytes behind the last bound", err);
	return status;
}

enum hf_status decode_multirange(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                 size_t len, void *out, hf_error *err)
{
	struct decoder ranges = inner(decoder);
	struct cursor cursor = {at, len};
	int32_t count, bytes;
	if (!take_word(&cursor, &count) || count < 0 || (size_t)count > cursor.left / RANGE_BYTES_MIN)
		return decode_malformed(type, "more ranges than bytes", err);
	char *values = hf_arena_calloc(decoder->arena, (size_t)count, type->element->size);
	if (!values)
		return decode_full(decoder, (size_t)count * type->element->size, err);
	for (int32_t i = 0; i < count; i++) {
		if (!take_length(&cursor, &bytes) || bytes == -1)
			return decode_malformed(type, "a range reaches beyond the end", err);
		enum hf_status status = decode_range(&ranges, type->element, take_bytes(&cursor, bytes), (size_t)bytes,
		                                     values + (size_t)i * type->element->size, err);
		if (status != HF_OK)
			return status;
	}
	*(struct hf_multirange *)out = (struct hf_multirange){(uint32_t)count, values};
	return cursor.left == 0 ? HF_OK : decode_malformed(type, "bytes behind the last range", err);
}
