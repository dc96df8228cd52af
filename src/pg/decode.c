/*
 * decode.c - one decoder for all types; recursion goes as deep as the compiled type tables.
 */
#include "pg/decode.h"

#include "base/error.h"
#include "pg/types.h"
#include "pg/wire.h"

enum { ARRAY_DIMENSIONS_MAX = 6, NUMERIC_HEADER = 8, NUMERIC_BASE = 10000 };

/* What is left to read of a composite or an array. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static bool take_word(struct cursor *cursor, int32_t *ret_word)
{
	if (cursor->left < 4)
		return false;
	*ret_word = wire_int4(cursor->at);
	cursor->at += 4;
	cursor->left -= 4;
	return true;
}

/* The length of the next value: -1 = NULL. False when it reaches beyond the end. */
static bool take_length(struct cursor *cursor, int32_t *ret_len)
{
	return take_word(cursor, ret_len) && *ret_len >= -1 && (*ret_len == -1 || (size_t)*ret_len <= cursor->left);
}

static enum hf_status malformed(const struct hf_type *type, const char *why, hf_error *err)
{
	enum hf_status status = error_set(err, HF_E_PROTOCOL, "malformed value of type %s: %s", type->name, why);
	if (err)
		err->category = HF_CATEGORY_TYPE;
	return status;
}

static enum hf_status full(hf_error *err)
{
	return error_set(err, HF_E_LIMIT, "the result does not fit into the arena's bound");
}

/* 12 and 16 bytes: the scalars whose wire form is not one word. */
static bool decode_wide(enum hf_type_kind kind, const uint8_t *at, size_t len, void *out)
{
	switch ((int)kind) {
	case HF_TYPE_TIMETZ:
		if (len == 12)
			*(struct hf_timetz *)out = (struct hf_timetz){wire_int8(at), wire_int4(at + 8)};
		return len == 12;
	case HF_TYPE_UUID:
		if (len == 16)
			memcpy(out, at, sizeof(struct hf_uuid));
		return len == 16;
	case HF_TYPE_INTERVAL:
		if (len == 16)
			*(struct hf_interval *)out =
				(struct hf_interval){wire_int8(at), wire_int4(at + 8), wire_int4(at + 12)};
		return len == 16;
	default:
		return false;
	}
}

static enum hf_status decode_text(const struct decoder *decoder, const uint8_t *at, size_t len, struct hf_str *out,
				  hf_error *err)
{
	struct hf_str text = {(const char *)at, len};
	if (!decoder->borrow)
		text = hf_arena_str(decoder->arena, text);
	if (!text.ptr)
		return full(err);
	*out = text;
	return HF_OK;
}

static enum hf_status decode_bytes(const struct decoder *decoder, const uint8_t *at, size_t len, struct hf_bytes *out,
				   hf_error *err)
{
	struct hf_str text = {0};
	enum hf_status status = decode_text(decoder, at, len, &text, err);
	if (status == HF_OK)
		*out = (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
	return status;
}

static enum hf_status decode_numeric(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
				     size_t len, struct hf_numeric *out, hf_error *err)
{
	if (len < NUMERIC_HEADER)
		return malformed(type, "shorter than its header", err);
	struct hf_numeric number = {.ndigits = wire_uint2(at),
				    .weight = wire_int2(at + 2),
				    .sign = wire_uint2(at + 4),
				    .dscale = wire_uint2(at + 6)};
	if (len != NUMERIC_HEADER + 2 * (size_t)number.ndigits)
		return malformed(type, "digits and length disagree", err);
	if (number.sign != 0 && number.sign != 0x4000 && number.sign != 0xc000 && number.sign != 0xd000 &&
	    number.sign != 0xf000)
		return malformed(type, "unknown sign", err);
	for (size_t i = 0; i < number.ndigits; i++)
		if (wire_uint2(at + NUMERIC_HEADER + 2 * i) >= NUMERIC_BASE)
			return malformed(type, "digit out of range", err);
	struct hf_bytes digits = {0};
	enum hf_status status = decode_bytes(decoder, at + NUMERIC_HEADER, len - NUMERIC_HEADER, &digits, err);
	if (status != HF_OK)
		return status;
	number.digits = digits.ptr;
	*out = number;
	return HF_OK;
}

/* Elements and fields are not followed by a NUL, so text in them is copied. */
static struct decoder inner(const struct decoder *decoder)
{
	return (struct decoder){decoder->arena, decoder->types, false};
}

static bool is_expected(const struct decoder *decoder, const struct hf_type *type, int32_t oid)
{
	uint32_t expected = type_map_oid(decoder->types, type);
	return expected == 0 || expected == (uint32_t)oid;
}

static enum hf_status decode_member(const struct decoder *decoder, const struct hf_type *type,
				    const struct hf_field *field, struct cursor *cursor, char *out, hf_error *err)
{
	int32_t oid, len;
	if (!take_word(cursor, &oid) || !take_length(cursor, &len))
		return malformed(type, "a field reaches beyond the end", err);
	if (!is_expected(decoder, field->type, oid))
		return malformed(type, "a field has another type than the compiled one", err);
	if (len == -1 && field->null_offset == HF_NEVER_NULL)
		return malformed(type, "unexpected null in a field", err);
	if (field->null_offset != HF_NEVER_NULL)
		*(bool *)(out + field->null_offset) = len != -1;
	if (len == -1)
		return HF_OK;
	const uint8_t *at = cursor->at;
	cursor->at += len;
	cursor->left -= (size_t)len;
	return decode_field(decoder, field->type, at, (size_t)len, out + field->offset, err);
}

static enum hf_status decode_composite(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
				       size_t len, void *out, hf_error *err)
{
	struct decoder members = inner(decoder);
	struct cursor cursor = {at, len};
	int32_t count;
	if (!take_word(&cursor, &count) || count < 0 || (uint32_t)count != type->count)
		return malformed(type, "another number of fields than the compiled type", err);
	memset(out, 0, type->size);
	for (uint32_t i = 0; i < type->count; i++) {
		enum hf_status status = decode_member(&members, type, &type->fields[i], &cursor, out, err);
		if (status != HF_OK)
			return status;
	}
	return cursor.left == 0 ? HF_OK : malformed(type, "bytes behind the last field", err);
}

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
		return malformed(type, "shorter than its header", err);
	if (shape.ndim < 0 || shape.ndim > ARRAY_DIMENSIONS_MAX || (flags != 0 && flags != 1))
		return malformed(type, "impossible number of dimensions or flags", err);
	for (int32_t i = 0; i < shape.ndim; i++) {
		if (!take_word(cursor, &shape.dims[i]) || !take_word(cursor, &shape.lower_bounds[i]))
			return malformed(type, "shorter than its header", err);
		if (shape.dims[i] < 0 || __builtin_mul_overflow(shape.count, (uint32_t)shape.dims[i], &shape.count))
			return malformed(type, "impossible dimension", err);
	}
	if (shape.ndim == 0)
		shape.count = 0;
	if (shape.count > cursor->left / 4)
		return malformed(type, "more elements than bytes", err);
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
			return malformed(type, "an element reaches beyond the end", err);
		if (len == -1) {
			nulls = nulls ? nulls : hf_arena_calloc(decoder->arena, count, sizeof(*nulls));
			if (!nulls)
				return full(err);
			nulls[i] = true;
			continue;
		}
		enum hf_status status = decode_field(decoder, type->element, cursor->at, (size_t)len,
						     values + (size_t)i * type->element->size, err);
		if (status != HF_OK)
			return status;
		cursor->at += len;
		cursor->left -= (size_t)len;
	}
	*ret_nulls = nulls;
	return cursor->left == 0 ? HF_OK : malformed(type, "bytes behind the last element", err);
}

static const int32_t *keep_words(hf_arena *arena, const int32_t *words, int32_t count)
{
	int32_t *copy = hf_arena_alloc(arena, (size_t)count * sizeof(*copy));
	return copy ? memcpy(copy, words, (size_t)count * sizeof(*copy)) : NULL;
}

static enum hf_status decode_array(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
				   size_t len, struct hf_array *out, hf_error *err)
{
	struct decoder elements = inner(decoder);
	struct cursor cursor = {at, len};
	struct shape shape = {0};
	bool *nulls = NULL;
	enum hf_status status = take_shape(type, &cursor, &shape, err);
	if (status != HF_OK)
		return status;
	if (!is_expected(decoder, type->element, shape.element))
		return malformed(type, "elements have another type than the compiled one", err);
	const int32_t *dims = keep_words(decoder->arena, shape.dims, shape.ndim);
	const int32_t *lower_bounds = keep_words(decoder->arena, shape.lower_bounds, shape.ndim);
	char *values = hf_arena_calloc(decoder->arena, shape.count, type->element->size);
	if (!dims || !lower_bounds || !values)
		return full(err);
	status = decode_elements(&elements, type, &cursor, shape.count, values, &nulls, err);
	if (status == HF_OK)
		*out = (struct hf_array){shape.count, (uint32_t)shape.ndim, dims, lower_bounds, nulls, values};
	return status;
}

HOT enum hf_status decode_field(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
				size_t len, void *out, hf_error *err)
{
	switch (type->kind) {
	case HF_TYPE_TEXT:
		return decode_text(decoder, at, len, out, err);
	case HF_TYPE_BYTEA:
		return decode_bytes(decoder, at, len, out, err);
	case HF_TYPE_JSONB:
		if (len < 1 || at[0] != 1)
			return malformed(type, "unknown version", err);
		return decode_text(decoder, at + 1, len - 1, out, err);
	case HF_TYPE_ENUM:
		*(int *)out = hf_enum_value(type, (struct hf_str){(const char *)at, len});
		return HF_OK;
	case HF_TYPE_NUMERIC:
		return decode_numeric(decoder, type, at, len, out, err);
	case HF_TYPE_COMPOSITE:
		return decode_composite(decoder, type, at, len, out, err);
	case HF_TYPE_ARRAY:
		return decode_array(decoder, type, at, len, out, err);
	case HF_TYPE_VOID:
		return HF_OK;
	case HF_TYPE_BOOL:
	case HF_TYPE_INT2:
	case HF_TYPE_INT4:
	case HF_TYPE_INT8:
	case HF_TYPE_OID:
	case HF_TYPE_FLOAT4:
	case HF_TYPE_FLOAT8:
	case HF_TYPE_CHAR:
	case HF_TYPE_UUID:
	case HF_TYPE_DATE:
	case HF_TYPE_TIME:
	case HF_TYPE_TIMETZ:
	case HF_TYPE_TIMESTAMP:
	case HF_TYPE_TIMESTAMPTZ:
	case HF_TYPE_INTERVAL:
		break;
	}
	if (decode_word(type->kind, at, len, out) || decode_wide(type->kind, at, len, out))
		return HF_OK;
	return malformed(type, "wrong length", err);
}

enum hf_status decode_value(const struct hf_type *type, const uint8_t *at, size_t len, hf_arena *arena, void *out,
			    hf_error *err)
{
	struct decoder decoder = {arena, NULL, false};
	return decode_field(&decoder, type, at, len, out, err);
}
