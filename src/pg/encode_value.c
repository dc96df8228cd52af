/*
 * encode_value.c - an encoder per codec of codecs.h. Fails on what the server could not take: lengths past 1 GiB, NUL
 * in text, enum values outside the table, arrays whose dimensions do not multiply to their count.
 */
#include "pg/encode_value.h"

#include <limits.h>

#include "base/error.h"
#include "pg/types.h"
#include "pg/wire.h"

enum { FAMILY_INET = 2, FAMILY_INET6 = 3, POINT_BYTES = 16, RANGE_FLAGS = 0x1f, ARRAY_DIMENSIONS_MAX = 6 };

typedef enum hf_status encode_fn(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                 uint8_t *scratch, struct hf_str *ret_view);

enum hf_status encode_refuse(const struct encoder *encoder, enum hf_status status, const char *why)
{
	error_set(encoder->err, status, "could not encode parameter \"%s\" of query \"%s\": %s", encoder->param,
	          encoder->query->name, why);
	if (encoder->err) {
		encoder->err->category = HF_CATEGORY_TYPE;
		snprintf(encoder->err->query, sizeof(encoder->err->query), "%s", encoder->query->name);
	}
	return status;
}

static enum hf_status view(const void *at, size_t len, struct hf_str *ret_view)
{
	*ret_view = (struct hf_str){at ? at : "", len};
	return HF_OK;
}

static void add_bytes(struct buf *wire, const void *bytes, size_t len)
{
	buf_add(wire, (struct hf_str){bytes, len});
}

static void add_word(struct buf *wire, uint32_t value)
{
	uint8_t word[4];
	wire_put4(word, value);
	add_bytes(wire, word, sizeof(word));
}

/* ---- fixed length: into the scratch ---- */

static enum hf_status encode_big_endian(UNUSED const struct encoder *encoder, const struct hf_type *type,
                                        const void *in, uint8_t *scratch, struct hf_str *ret_view)
{
	return view(scratch, encode_word(type->kind, in, scratch), ret_view);
}

static enum hf_status encode_octets(UNUSED const struct encoder *encoder, const struct hf_type *type, const void *in,
                                    UNUSED uint8_t *scratch, struct hf_str *ret_view)
{
	return view(in, type->size, ret_view);
}

static enum hf_status encode_timetz(UNUSED const struct encoder *encoder, UNUSED const struct hf_type *type,
                                    const void *in, uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_timetz *time = in;
	wire_put8(scratch, (uint64_t)time->us);
	wire_put4(scratch + 8, (uint32_t)time->west_s);
	return view(scratch, 12, ret_view);
}

static enum hf_status encode_interval(UNUSED const struct encoder *encoder, UNUSED const struct hf_type *type,
                                      const void *in, uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_interval *interval = in;
	wire_put8(scratch, (uint64_t)interval->us);
	wire_put4(scratch + 8, (uint32_t)interval->days);
	wire_put4(scratch + 12, (uint32_t)interval->months);
	return view(scratch, 16, ret_view);
}

static enum hf_status encode_tid(UNUSED const struct encoder *encoder, UNUSED const struct hf_type *type,
                                 const void *in, uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_tid *tid = in;
	wire_put4(scratch, tid->block);
	wire_put2(scratch + 4, tid->offset);
	return view(scratch, 6, ret_view);
}

static enum hf_status encode_inet(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                  uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_inet *inet = in;
	const uint8_t size = inet->family == 4 ? 4 : 16;
	if (inet->family != 4 && inet->family != 6)
		return encode_refuse(encoder, HF_E_INPUT, "an address family other than 4 and 6");
	if (inet->bits > 8 * size)
		return encode_refuse(encoder, HF_E_INPUT, "more bits than the address has");
	const uint8_t header[] = {inet->family == 4 ? FAMILY_INET : FAMILY_INET6, inet->bits, inet->is_cidr, size};
	memcpy(scratch, header, sizeof(header));
	memcpy(scratch + sizeof(header), inet->addr, size);
	return view(scratch, sizeof(header) + size, ret_view);
}

static void put_floats(uint8_t *at, const double *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t word;
		memcpy(&word, &values[i], sizeof(word));
		wire_put8(at + 8 * i, word);
	}
}

static enum hf_status encode_floats(UNUSED const struct encoder *encoder, const struct hf_type *type, const void *in,
                                    uint8_t *scratch, struct hf_str *ret_view)
{
	put_floats(scratch, in, type->size / 8);
	return view(scratch, type->size, ret_view);
}

static enum hf_status encode_void(const struct encoder *encoder, UNUSED const struct hf_type *type,
                                  UNUSED const void *in, UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	return encode_refuse(encoder, HF_E_USAGE, "a type without values");
}

/* ---- views of what exists ---- */

static enum hf_status too_long(const struct encoder *encoder)
{
	return encode_refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
}

static enum hf_status encode_text(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                  UNUSED uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_str *text = in;
	if (text->len > VALUE_BYTES_MAX)
		return too_long(encoder);
	if (text->len > 0 && memchr(text->ptr, 0, text->len))
		return encode_refuse(encoder, HF_E_INPUT, "text with a NUL byte");
	return view(text->ptr, text->len, ret_view);
}

static enum hf_status encode_bytes(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                   UNUSED uint8_t *scratch, struct hf_str *ret_view)
{
	const struct hf_bytes *bytes = in;
	return bytes->len > VALUE_BYTES_MAX ? too_long(encoder) : view(bytes->ptr, bytes->len, ret_view);
}

static enum hf_status encode_enum(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                  UNUSED uint8_t *scratch, struct hf_str *ret_view)
{
	*ret_view = hf_str_of(hf_enum_label(type, *(const int *)in));
	return ret_view->len ? HF_OK : encode_refuse(encoder, HF_E_INPUT, "not a value of the enum");
}

/* ---- put together in the buffer ---- */

static enum hf_status encode_versioned(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                       uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	struct hf_str text = {0};
	enum hf_status status = encode_text(encoder, type, in, scratch, &text);
	buf_add_char(encoder->wire, 1);
	buf_add(encoder->wire, text);
	return status;
}

static enum hf_status encode_numeric(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                     UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_numeric *number = in;
	uint8_t header[8];
	if (number->ndigits > INT16_MAX)
		return encode_refuse(encoder, HF_E_INPUT, "a numeric with too many digits");
	wire_put2(header, number->ndigits);
	wire_put2(header + 2, (uint16_t)number->weight);
	wire_put2(header + 4, number->sign);
	wire_put2(header + 6, number->dscale);
	add_bytes(encoder->wire, header, sizeof(header));
	add_bytes(encoder->wire, number->digits, 2 * (size_t)number->ndigits);
	return HF_OK;
}

static enum hf_status encode_bits(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                  UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_bits *bits = in;
	if (bits->count > INT32_MAX)
		return encode_refuse(encoder, HF_E_INPUT, "too many bits");
	add_word(encoder->wire, bits->count);
	add_bytes(encoder->wire, bits->ptr, ((size_t)bits->count + 7) / 8);
	return HF_OK;
}

static enum hf_status add_points(const struct encoder *encoder, const struct hf_point *points, uint32_t count)
{
	uint8_t point[POINT_BYTES];
	if (count > VALUE_BYTES_MAX / POINT_BYTES)
		return too_long(encoder);
	add_word(encoder->wire, count);
	for (uint32_t i = 0; i < count && buf_ok(encoder->wire); i++) {
		put_floats(point, &points[i].x, 2);
		add_bytes(encoder->wire, point, sizeof(point));
	}
	return HF_OK;
}

static enum hf_status encode_polygon(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                     UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_polygon *polygon = in;
	return add_points(encoder, polygon->points, polygon->count);
}

static enum hf_status encode_path(const struct encoder *encoder, UNUSED const struct hf_type *type, const void *in,
                                  UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_path *path = in;
	buf_add_char(encoder->wire, path->closed);
	return add_points(encoder, path->points, path->count);
}

/* ---- values made of others ---- */

/* A length word, then the value; the word is patched once the length is known. */
static enum hf_status add_sized(const struct encoder *encoder, const struct hf_type *type, const void *in)
{
	struct buf *wire = encoder->wire;
	uint8_t scratch[ENCODE_FIXED_MAX];
	struct hf_str bytes = {0};
	add_word(wire, 0);
	size_t start = wire->len;
	enum hf_status status = encode_value(encoder, type, in, scratch, &bytes);
	if (status == HF_OK && bytes.ptr)
		buf_add(wire, bytes);
	if (status != HF_OK || !buf_ok(wire))
		return status;
	if (wire->len - start > VALUE_BYTES_MAX)
		return too_long(encoder);
	wire_put4((uint8_t *)wire->ptr + start - 4, (uint32_t)(wire->len - start));
	return HF_OK;
}

enum hf_status encode_member(const struct encoder *encoder, const struct hf_field *field, const void *row)
{
	if (!encode_is_null(field, row))
		return add_sized(encoder, field->type, (const char *)row + field->offset);
	add_word(encoder->wire, UINT32_MAX);
	return HF_OK;
}

static enum hf_status encode_composite(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                       UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	enum hf_status status = HF_OK;
	add_word(encoder->wire, type->count);
	for (uint32_t i = 0; status == HF_OK && i < type->count; i++) {
		add_word(encoder->wire, type_map_oid(encoder->types, type->fields[i].type));
		status = encode_member(encoder, &type->fields[i], in);
	}
	return status;
}

static bool dimensions_fit(const struct hf_array *array)
{
	uint64_t product = array->ndim ? 1 : 0;
	if (!array->dims)
		return true;
	for (uint32_t i = 0; i < array->ndim && i < ARRAY_DIMENSIONS_MAX && product <= UINT32_MAX; i++)
		product *= array->dims[i] > 0 ? (uint64_t)array->dims[i] : 0;
	return array->ndim <= ARRAY_DIMENSIONS_MAX && product == array->count;
}

void encode_shape(struct buf *wire, const struct hf_array *array, uint32_t element)
{
	uint32_t ndim = array->dims ? array->ndim : array->count > 0;
	add_word(wire, array->count ? ndim : 0);
	add_word(wire, array->nulls != NULL);
	add_word(wire, element);
	for (uint32_t i = 0; array->count && i < ndim; i++) {
		add_word(wire, array->dims ? (uint32_t)array->dims[i] : array->count);
		add_word(wire, array->lower_bounds ? (uint32_t)array->lower_bounds[i] : 1);
	}
}

static enum hf_status encode_array(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                   UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_array *array = in;
	enum hf_status status = HF_OK;
	if (array->count > INT32_MAX || !dimensions_fit(array))
		return encode_refuse(encoder, HF_E_INPUT, "dimensions and count of the array disagree");
	encode_shape(encoder->wire, array, type_map_oid(encoder->types, type->element));
	for (uint32_t i = 0; status == HF_OK && buf_ok(encoder->wire) && i < array->count; i++) {
		const char *value = (const char *)array->values + (size_t)i * type->element->size;
		if (array->nulls && array->nulls[i])
			add_word(encoder->wire, UINT32_MAX);
		else
			status = add_sized(encoder, type->element, value);
	}
	return status;
}

/* The server insists on one dimension that starts at 0, and takes no empty one. */
static enum hf_status encode_vector(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                    uint8_t *scratch, struct hf_str *ret_view)
{
	static const int32_t zero = 0;
	struct hf_array vector = *(const struct hf_array *)in;
	if (vector.ndim > 1 || vector.nulls || vector.count == 0 || vector.count > INT32_MAX)
		return encode_refuse(encoder, HF_E_INPUT, "a vector that is empty, has nulls or several dimensions");
	const int32_t count = (int32_t)vector.count;
	vector.ndim = 1;
	vector.dims = &count;
	vector.lower_bounds = &zero;
	return encode_array(encoder, type, &vector, scratch, ret_view);
}

static enum hf_status encode_range(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                   UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const size_t size = type->element->size;
	const char *lower = in;
	const uint8_t flags = *((const uint8_t *)in + 2 * size);
	enum hf_status status = HF_OK;
	if (flags > RANGE_FLAGS)
		return encode_refuse(encoder, HF_E_INPUT, "unknown flags of a range");
	buf_add_char(encoder->wire, (char)flags);
	if (!(flags & (HF_RANGE_EMPTY | HF_RANGE_LOWER_INF)))
		status = add_sized(encoder, type->element, lower);
	if (status == HF_OK && !(flags & (HF_RANGE_EMPTY | HF_RANGE_UPPER_INF)))
		status = add_sized(encoder, type->element, lower + size);
	return status;
}

static enum hf_status encode_multirange(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                        UNUSED uint8_t *scratch, UNUSED struct hf_str *ret_view)
{
	const struct hf_multirange *ranges = in;
	enum hf_status status = HF_OK;
	if (ranges->count > INT32_MAX)
		return encode_refuse(encoder, HF_E_INPUT, "too many ranges");
	add_word(encoder->wire, ranges->count);
	for (uint32_t i = 0; status == HF_OK && buf_ok(encoder->wire) && i < ranges->count; i++)
		status = add_sized(encoder, type->element,
		                   (const char *)ranges->ranges + (size_t)i * type->element->size);
	return status;
}

HOT enum hf_status encode_value(const struct encoder *encoder, const struct hf_type *type, const void *in,
                                uint8_t *scratch, struct hf_str *ret_view)
{
#define ENCODER(kind, codec, size) [HF_TYPE_##kind] = encode_##codec,
	static encode_fn *const encoders[] = {CODECS(ENCODER)};
	return encoders[type->kind](encoder, type, in, scratch, ret_view);
}
