/*
 * encode.h - C forms into the binary values of parameters and COPY rows, by tables.
 */
#ifndef PG_ENCODE_H
#define PG_ENCODE_H

#include <stdlib.h>

#include "base/str.h"
#include "holdfast/error.h"
#include "holdfast/query.h"
#include "pg/codecs.h"
#include "pg/wire.h"

struct type_map;

enum { ENCODE_INLINE = 16, ENCODE_FIXED_MAX = 32 };

/*
 * The parameters of one execution. Short lists stand in the struct, so that a call allocates nothing; text and bytes
 * are pointed to where the caller has them; what needs building (numeric, jsonb, arrays, composites) goes to `wire`.
 */
struct encoded {
	int count;
	const char **values;
	int *lengths;
	const int *formats; /* all 1 */
	struct buf wire;
	void *memory; /* of long lists */
	const char *inline_values[ENCODE_INLINE];
	int inline_lengths[ENCODE_INLINE];
	uint8_t inline_fixed[ENCODE_INLINE][ENCODE_FIXED_MAX];
};

/* The path of most parameters. Bytes written: 0 for a kind that is no word. */
static inline size_t encode_word(enum hf_type_kind kind, const void *in, uint8_t *out)
{
	const size_t size = codec_word_size(kind);
	if (size == 4) {
		uint32_t word;
		memcpy(&word, in, sizeof(word));
		wire_put4(out, word);
	} else if (size == 8) {
		uint64_t word;
		memcpy(&word, in, sizeof(word));
		wire_put8(out, word);
	} else if (size == 2) {
		uint16_t word;
		memcpy(&word, in, sizeof(word));
		wire_put2(out, word);
	} else if (size == 1) {
		out[0] = *(const uint8_t *)in;
	}
	return size;
}

/** Encode `in` by the query's parameter table. Release with encoded_deinit() whatever the outcome. */
enum hf_status encode_params(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
                             const void *in, hf_error *err);
static inline void encoded_deinit(struct encoded *encoded)
{
	if (encoded->wire.ptr || encoded->memory) {
		buf_deinit(&encoded->wire);
		free(encoded->memory);
	}
}
/** The same for `count` inputs of `in_size` bytes whose members become one array each (:bulk). */
enum hf_status encode_bulk(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
                           const void *in, size_t in_size, size_t count, hf_error *err);
/** Append a row of binary COPY: the field count, then each length and value. */
enum hf_status encode_copy_row(struct buf *wire, const struct hf_query *query, const struct type_map *types,
                               const void *in, hf_error *err);

#endif
