/*
 * encode.c - the parameters of an execution and the rows of COPY.
 */
#include "pg/encode.h"

#include <stdlib.h>

#include "base/error.h"
#include "pg/encode_value.h"
#include "pg/types.h"

enum { FIELDS_MAX = 65535, COPY_FIELDS_MAX = 32767 };

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

static enum hf_status encode_one(struct encoded *encoded, const struct encoder *encoder, uint32_t index,
                                 const struct hf_type *type, const void *in, uint8_t *fixed)
{
	struct hf_str bytes = {(const char *)fixed, encode_word(type->kind, in, fixed)};
	size_t start = encoded->wire.len;
	enum hf_status status = HF_OK;
	if (bytes.len == 0) {
		bytes.ptr = NULL;
		status = encode_value(encoder, type, in, fixed, &bytes);
	}
	if (status != HF_OK)
		return status;
	if (buf_starved(&encoded->wire))
		return error_nomem(encoder->err);
	if (!buf_ok(&encoded->wire))
		return encode_refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
	encoded->values[index] = bytes.ptr ? bytes.ptr : (const char *)&encoded->wire;
	encoded->lengths[index] = (int)(bytes.ptr ? bytes.len : encoded->wire.len - start);
	return HF_OK;
}

HOT enum hf_status encode_params(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
                                 const void *in, hf_error *err)
{
	struct encoder encoder = {.types = types, .query = query, .wire = &encoded->wire, .err = err};
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
		if (encode_is_null(field, in))
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

enum hf_status encode_copy_row(struct buf *wire, const struct hf_query *query, const struct type_map *types,
                               const void *in, hf_error *err)
{
	struct encoder encoder = {.types = types, .query = query, .wire = wire, .err = err};
	uint8_t count[2];
	enum hf_status status = HF_OK;
	wire_put2(count, (uint16_t)(query->nparams <= COPY_FIELDS_MAX ? query->nparams : 0));
	buf_add(wire, (struct hf_str){(const char *)count, sizeof(count)});
	for (uint32_t i = 0; status == HF_OK && i < query->nparams; i++) {
		encoder.param = query->params[i].name;
		status = encode_member(&encoder, &query->params[i], in);
	}
	return status;
}

/* ---- an array of inputs as arrays ---- */

static enum hf_status add_elements(const struct encoder *encoder, const struct hf_field *field, const char *in,
                                   size_t in_size, size_t count)
{
	struct hf_field element = *field;
	element.type = field->type->element;
	bool nulls = false;
	for (size_t i = 0; !nulls && i < count; i++)
		nulls = encode_is_null(field, in + i * in_size);
	const struct hf_array shape = {.count = (uint32_t)count, .nulls = nulls ? &nulls : NULL};
	encode_shape(encoder->wire, &shape, type_map_oid(encoder->types, element.type));
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && buf_ok(encoder->wire) && i < count; i++)
		status = encode_member(encoder, &element, in + i * in_size);
	return status;
}

static enum hf_status encode_elements(struct encoded *encoded, const struct encoder *encoder, uint32_t index,
                                      const struct hf_field *field, const void *in, size_t in_size, size_t count)
{
	size_t start = encoded->wire.len;
	enum hf_status status = add_elements(encoder, field, in, in_size, count);
	if (status == HF_OK && buf_starved(&encoded->wire))
		return error_nomem(encoder->err);
	if (status == HF_OK && !buf_ok(&encoded->wire))
		return encode_refuse(encoder, HF_E_LIMIT, "longer than 1 GiB");
	encoded->values[index] = (const char *)&encoded->wire;
	encoded->lengths[index] = (int)(encoded->wire.len - start);
	return status;
}

enum hf_status encode_bulk(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
                           const void *in, size_t in_size, size_t count, hf_error *err)
{
	struct encoder encoder = {.types = types, .query = query, .wire = &encoded->wire, .err = err};
	encoded->count = (int)query->nparams;
	encoded->memory = NULL;
	buf_init(&encoded->wire, VALUE_BYTES_MAX);
	if (query->nparams > FIELDS_MAX || count > INT32_MAX)
		return error_set(err, HF_E_LIMIT, "query \"%s\": %zu items are more than an array of the server holds",
		                 query->name, count);
	if (!make_room(encoded, query->nparams))
		return error_nomem(err);
	for (uint32_t i = 0; i < query->nparams; i++) {
		encoder.param = query->params[i].name;
		enum hf_status status =
			query->params[i].type->kind == HF_TYPE_ARRAY
				? encode_elements(encoded, &encoder, i, &query->params[i], in, in_size, count)
				: encode_refuse(&encoder, HF_E_USAGE, "not an array");
		if (status != HF_OK)
			return status;
	}
	point_into_wire(encoded, query);
	return HF_OK;
}
