/*
 * encode_value.h - one value in its C form into its bytes on the wire. What exists already is pointed to; words are
 * written into a scratch of the caller's; only what must be put together is appended to a buffer.
 */
#ifndef PG_ENCODE_VALUE_H
#define PG_ENCODE_VALUE_H

#include "pg/codecs.h"
#include "pg/encode.h"

enum { VALUE_BYTES_MAX = 1 << 30 };

/* What is being encoded, for messages, and where to. */
struct encoder {
	const struct type_map *types;
	const struct hf_query *query;
	const char *param;
	struct buf *wire;
	hf_error *err;
};

/**
 * Encode one value. `scratch` has ENCODE_FIXED_MAX bytes. *ret_view is where the bytes are: in the caller's memory or
 * in `scratch`; its ptr is NULL when they were appended to encoder->wire.
 */
enum hf_status encode_value(const struct encoder *encoder, const struct hf_type *type, const void *in, uint8_t *scratch,
                            struct hf_str *ret_view);
/** A field of a row or a composite: its length word (-1 = NULL), then its bytes. */
enum hf_status encode_member(const struct encoder *encoder, const struct hf_field *field, const void *row);
/** The head of an array: dimensions, whether there are nulls, the number of the element type. */
void encode_shape(struct buf *wire, const struct hf_array *array, uint32_t element);
enum hf_status encode_refuse(const struct encoder *encoder, enum hf_status status, const char *why);

static inline bool encode_is_null(const struct hf_field *field, const void *row)
{
	return field->null_offset != HF_NEVER_NULL && !*(const bool *)((const char *)row + field->null_offset);
}

#endif
