/*
 * encode.c - one encoder for all types. Fails on what the server could not take: lengths past 1 GiB, NUL in text,
 * enum values outside the table, arrays whose dimensions do not multiply to their count.
 */
#include "pg/encode.h"

#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "pg/types.h"
#include "pg/wire.h"

enum { VALUE_BYTES_MAX = 1 << 30, FIELDS_MAX = 65535, COPY_FIELDS_MAX = 32767 };

/* What is being encoded, for messages. */
struct encoder {
	const struct type_map *types;
	const struct hf_query *query;
	const char *param;
	hf_error *err;
};

static enum hf_status refuse(const struct encoder *encoder, enum hf_status status, const char *why)
{
	error_set(encoder->err, status, "could not encode parameter \"%s\" of query \"%s\": %s", encoder->param,
		  encoder->query->name, why);
	if (encoder->err) {
		encoder->err->category = HF_CATEGORY_TYPE;
		snprintf(encoder->err->query, sizeof(encoder->err->query), "%s", encoder->query->name);
	}
	return status;
}

/* Types of a fixed length: the length, or 0 for any other. `out` has ENCODE_FIXED_MAX bytes. */
static int encode_fixed(enum hf_type_kind kind, const void *in, uint8_t *out)
{
	switch ((int)kind) {
	case HF_TYPE_BOOL:
		out[0] = *(const bool *)in;
		return 1;
	case HF_TYPE_CHAR:
		out[0] = *(const uint8_t *)in;
		return 1;
	case HF_TYPE_INT2:
		wire_put2(out, *(const uint16_t *)in);
		return 2;
	case HF_TYPE_INT4:
	case HF_TYPE_OID:
	case HF_TYPE_FLOAT4:
	case HF_TYPE_DATE: {
		uint32_t word;
		memcpy(&word, in, sizeof(word));
		wire_put4(out, word);
		return 4;
	}
	case HF_TYPE_INT8:
	case HF_TYPE_FLOAT8:
	case HF_TYPE_TIME:
	case HF_TYPE_TIMESTAMP:
	case HF_TYPE_TIMESTAMPTZ: {
		uint64_t word;
		memcpy(&word, in, sizeof(word));
		wire_put8(out, word);
		return 8;
	}
	case HF_TYPE_TIMETZ: {
		const struct hf_timetz *time = in;
		wire_put8(out, (uint64_t)time->us);
		wire_put4(out + 8, (uint32_t)time->west_s);
		return 12;
	}
	case HF_TYPE_UUID:
		memcpy(out, in, sizeof(struct hf_uuid));
		return 16;
	case HF_TYPE_INTERVAL: {
		const struct hf_interval *interval = in;
		wire_put8(out, (uint64_t)interval->us);
		wire_put4(out + 8, (uint32_t)interval->days);
		wire_put4(out + 12, (uint32_t)interval->months);
		return 16;
	}
	default:
		return 0;
	}
}

static enum hf_status check_text(const struct encoder *encoder, struct hf_str text)
{
	if (text.len > VALUE_BYTES_MAX)
		return refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
	if (text.len > 0 && memchr(text.ptr, 0, text.len))
		return refuse(encoder, HF_E_INPUT, "text with a NUL byte");
	return HF_OK;
}

/* Types that are sent as bytes which exist already; true with the view of them. */
static bool view_of(const struct hf_type *type, const void *in, struct hf_str *ret_view)
{
	switch ((int)type->kind) {
	case HF_TYPE_TEXT:
		*ret_view = *(const struct hf_str *)in;
		return true;
	case HF_TYPE_BYTEA: {
		const struct hf_bytes *bytes = in;
		*ret_view = (struct hf_str){(const char *)bytes->ptr, bytes->len};
		return true;
	}
	case HF_TYPE_ENUM:
		*ret_view = hf_str_of(hf_enum_label(type, *(const int *)in));
		return true;
	default:
		return false;
	}
}

static enum hf_status check_view(const struct encoder *encoder, const struct hf_type *type, struct hf_str view)
{
	if (type->kind == HF_TYPE_ENUM && view.len == 0)
		return refuse(encoder, HF_E_INPUT, "not a value of the enum");
	if (type->kind == HF_TYPE_BYTEA)
		return view.len > VALUE_BYTES_MAX ? refuse(encoder, HF_E_LIMIT, "longer than 1 GiB") : HF_OK;
	return check_text(encoder, view);
}

/* ---- into a buffer ---- */

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

static enum hf_status add_value(const struct encoder *encoder, struct buf *wire, const struct hf_type *type,
				const void *in);

static enum hf_status add_numeric(const struct encoder *encoder, struct buf *wire, const struct hf_numeric *number)
{
	uint8_t header[8];
	if (number->ndigits > INT16_MAX)
		return refuse(encoder, HF_E_INPUT, "a numeric with too many digits");
	wire_put2(header, number->ndigits);
	wire_put2(header + 2, (uint16_t)number->weight);
	wire_put2(header + 4, number->sign);
	wire_put2(header + 6, number->dscale);
	add_bytes(wire, header, sizeof(header));
	add_bytes(wire, number->digits, 2 * (size_t)number->ndigits);
	return HF_OK;
}

/* A length word, then the value; the word is patched once the length is known. */
static enum hf_status add_sized(const struct encoder *encoder, struct buf *wire, const struct hf_type *type,
				const void *in)
{
	add_word(wire, 0);
	size_t start = wire->len;
	enum hf_status status = add_value(encoder, wire, type, in);
	if (status != HF_OK || !buf_ok(wire))
		return status;
	if (wire->len - start > VALUE_BYTES_MAX)
		return refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
	wire_put4((uint8_t *)wire->ptr + start - 4, (uint32_t)(wire->len - start));
	return HF_OK;
}

static bool is_null(const struct hf_field *field, const void *row)
{
	return field->null_offset != HF_NEVER_NULL && !*(const bool *)((const char *)row + field->null_offset);
}

static enum hf_status add_member(const struct encoder *encoder, struct buf *wire, const struct hf_field *field,
				 const void *row)
{
	if (is_null(field, row)) {
		add_word(wire, UINT32_MAX);
		return HF_OK;
	}
	return add_sized(encoder, wire, field->type, (const char *)row + field->offset);
}

static enum hf_status add_composite(const struct encoder *encoder, struct buf *wire, const struct hf_type *type,
				    const void *in)
{
	enum hf_status status = HF_OK;
	add_word(wire, type->count);
	for (uint32_t i = 0; status == HF_OK && i < type->count; i++) {
		add_word(wire, type_map_oid(encoder->types, type->fields[i].type));
		status = add_member(encoder, wire, &type->fields[i], in);
	}
	return status;
}

static bool dimensions_fit(const struct hf_array *array)
{
	uint64_t product = array->ndim ? 1 : 0;
	if (!array->dims)
		return true;
	for (uint32_t i = 0; i < array->ndim && i < 6 && product <= UINT32_MAX; i++)
		product *= array->dims[i] > 0 ? (uint64_t)array->dims[i] : 0;
	return array->ndim <= 6 && product == array->count;
}

static void add_shape(struct buf *wire, const struct hf_array *array, uint32_t element)
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

static enum hf_status add_array(const struct encoder *encoder, struct buf *wire, const struct hf_type *type,
				const struct hf_array *array)
{
	if (array->count > INT32_MAX || !dimensions_fit(array))
		return refuse(encoder, HF_E_INPUT, "dimensions and count of the array disagree");
	add_shape(wire, array, type_map_oid(encoder->types, type->element));
	enum hf_status status = HF_OK;
	for (uint32_t i = 0; status == HF_OK && buf_ok(wire) && i < array->count; i++) {
		const char *value = (const char *)array->values + (size_t)i * type->element->size;
		if (array->nulls && array->nulls[i])
			add_word(wire, UINT32_MAX);
		else
			status = add_sized(encoder, wire, type->element, value);
	}
	return status;
}

static enum hf_status add_jsonb(const struct encoder *encoder, struct buf *wire, struct hf_str text)
{
	enum hf_status status = check_text(encoder, text);
	buf_add_char(wire, 1);
	buf_add(wire, text);
	return status;
}

static enum hf_status add_value(const struct encoder *encoder, struct buf *wire, const struct hf_type *type,
				const void *in)
{
	uint8_t fixed[ENCODE_FIXED_MAX];
	struct hf_str view;
	int len = encode_fixed(type->kind, in, fixed);
	if (len > 0) {
		add_bytes(wire, fixed, (size_t)len);
		return HF_OK;
	}
	if (view_of(type, in, &view)) {
		enum hf_status status = check_view(encoder, type, view);
		if (status == HF_OK)
			buf_add(wire, view);
		return status;
	}
	switch ((int)type->kind) {
	case HF_TYPE_NUMERIC:
		return add_numeric(encoder, wire, in);
	case HF_TYPE_JSONB:
		return add_jsonb(encoder, wire, *(const struct hf_str *)in);
	case HF_TYPE_COMPOSITE:
		return add_composite(encoder, wire, type, in);
	case HF_TYPE_ARRAY:
		return add_array(encoder, wire, type, in);
	default:
		return refuse(encoder, HF_E_USAGE, "a type without values");
	}
}

/* ---- parameters ---- */

static const int all_binary[ENCODE_INLINE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* Room for `count` parameters; returns where the fixed values go. */
static uint8_t *make_room(struct encoded *encoded, uint32_t count)
{
	if (count <= ENCODE_INLINE) {
		encoded->values = encoded->inline_values;
		encoded->lengths = encoded->inline_lengths;
		encoded->formats = all_binary;
		return &encoded->inline_fixed[0][0];
	}
	size_t each = sizeof(char *) + 2 * sizeof(int) + ENCODE_FIXED_MAX;
	encoded->memory = calloc(count, each);
	if (!encoded->memory)
		return NULL;
	encoded->values = encoded->memory;
	encoded->lengths = (int *)(encoded->values + count);
	int *formats = encoded->lengths + count;
	for (uint32_t i = 0; i < count; i++)
		formats[i] = 1;
	encoded->formats = formats;
	return (uint8_t *)(formats + count);
}

/* Values in `wire` are known by their end until it has stopped moving. */
static void point_into_wire(struct encoded *encoded, const struct hf_query *query)
{
	size_t offset = 0;
	for (uint32_t i = 0; i < query->nparams; i++) {
		if (encoded->values[i] != (const char *)&encoded->wire)
			continue;
		encoded->values[i] = encoded->wire.ptr + offset;
		offset += (size_t)encoded->lengths[i];
	}
}

static enum hf_status encode_built(struct encoded *encoded, const struct encoder *encoder, uint32_t index,
				   const struct hf_type *type, const void *in)
{
	size_t start = encoded->wire.len;
	enum hf_status status = add_value(encoder, &encoded->wire, type, in);
	if (status != HF_OK)
		return status;
	if (buf_starved(&encoded->wire))
		return error_nomem(encoder->err);
	if (!buf_ok(&encoded->wire))
		return refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
	encoded->values[index] = (const char *)&encoded->wire;
	encoded->lengths[index] = (int)(encoded->wire.len - start);
	return HF_OK;
}

static enum hf_status encode_one(struct encoded *encoded, const struct encoder *encoder, uint32_t index,
				 const struct hf_type *type, const void *in, uint8_t *fixed)
{
	struct hf_str view;
	encoded->lengths[index] = encode_fixed(type->kind, in, fixed);
	encoded->values[index] = (const char *)fixed;
	if (encoded->lengths[index] > 0)
		return HF_OK;
	if (!view_of(type, in, &view))
		return encode_built(encoded, encoder, index, type, in);
	encoded->values[index] = view.ptr ? view.ptr : "";
	encoded->lengths[index] = (int)view.len;
	return check_view(encoder, type, view);
}

HOT enum hf_status encode_params(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
			     const void *in, hf_error *err)
{
	struct encoder encoder = {.types = types, .query = query, .err = err};
	encoded->count = (int)query->nparams;
	encoded->memory = NULL;
	buf_init(&encoded->wire, VALUE_BYTES_MAX);
	if (query->nparams > FIELDS_MAX)
		return error_set(err, HF_E_USAGE, "query \"%s\" has more parameters than the protocol allows",
				 query->name);
	uint8_t *fixed = make_room(encoded, query->nparams);
	if (!fixed)
		return error_nomem(err);
	for (uint32_t i = 0; i < query->nparams; i++) {
		const struct hf_field *field = &query->params[i];
		encoder.param = field->name;
		encoded->values[i] = NULL;
		encoded->lengths[i] = 0;
		if (is_null(field, in))
			continue;
		enum hf_status status = encode_one(encoded, &encoder, i, field->type, (const char *)in + field->offset,
						   fixed + (size_t)i * ENCODE_FIXED_MAX);
		if (status != HF_OK)
			return status;
	}
	if (encoded->wire.len > 0)
		point_into_wire(encoded, query);
	return HF_OK;
}

HOT void encoded_deinit(struct encoded *encoded)
{
	buf_deinit(&encoded->wire);
	free(encoded->memory);
}

enum hf_status encode_copy_row(struct buf *wire, const struct hf_query *query, const struct type_map *types,
			       const void *in, hf_error *err)
{
	struct encoder encoder = {.types = types, .query = query, .err = err};
	uint8_t count[2];
	enum hf_status status = HF_OK;
	wire_put2(count, (uint16_t)(query->nparams <= COPY_FIELDS_MAX ? query->nparams : 0));
	add_bytes(wire, count, sizeof(count));
	for (uint32_t i = 0; status == HF_OK && i < query->nparams; i++) {
		encoder.param = query->params[i].name;
		status = add_member(&encoder, wire, &query->params[i], in);
	}
	return status;
}
