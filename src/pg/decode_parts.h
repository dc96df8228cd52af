/*
 * decode_parts.h - what the decoders share: a cursor over bytes that are not trusted, and the words of their refusals.
 */
#ifndef PG_DECODE_PARTS_H
#define PG_DECODE_PARTS_H

#include "pg/decode.h"

/* One value of a kind; `out` has type->size bytes and may hold anything on failure. */
typedef enum hf_status decode_fn(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                 size_t len, void *out, hf_error *err);

decode_fn decode_composite, decode_array, decode_vector, decode_range, decode_multirange;

/* What is left to read of a value. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static inline bool take_word(struct cursor *cursor, int32_t *ret_word)
{
	if (cursor->left < 4)
		return false;
	*ret_word = wire_int4(cursor->at);
	cursor->at += 4;
	cursor->left -= 4;
	return true;
}

/* The length of the next value: -1 = NULL. False when it reaches beyond the end. */
static inline bool take_length(struct cursor *cursor, int32_t *ret_len)
{
	return take_word(cursor, ret_len) && *ret_len >= -1 && (*ret_len == -1 || (size_t)*ret_len <= cursor->left);
}

/* `len` bytes that take_length() has promised. */
static inline const uint8_t *take_bytes(struct cursor *cursor, int32_t len)
{
	const uint8_t *at = cursor->at;
	cursor->at += len;
	cursor->left -= (size_t)len;
	return at;
}

enum hf_status decode_malformed(const struct hf_type *type, const char *why, hf_error *err);
/** The arena did not give `size` bytes: HF_E_LIMIT beyond its bound, or HF_E_NOMEM. */
enum hf_status decode_full(const struct decoder *decoder, size_t size, hf_error *err);
/** The schema changed below a running program; a new statement would say so when it is prepared. */
enum hf_status decode_drifted(const struct hf_type *type, const char *what, hf_error *err);

#endif
