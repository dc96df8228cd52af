/*
 * encode.h - C forms into the binary values of parameters and COPY rows, by tables.
 */
#ifndef PG_ENCODE_H
#define PG_ENCODE_H

#include "base/str.h"
#include "holdfast/error.h"
#include "holdfast/query.h"

struct type_map;

enum { ENCODE_INLINE = 16, ENCODE_FIXED_MAX = 16 };

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

/** Encode `in` by the query's parameter table. Release with encoded_deinit() whatever the outcome. */
enum hf_status encode_params(struct encoded *encoded, const struct hf_query *query, const struct type_map *types,
			     const void *in, hf_error *err);
void encoded_deinit(struct encoded *encoded);
/** Append a row of binary COPY: the field count, then each length and value. */
enum hf_status encode_copy_row(struct buf *wire, const struct hf_query *query, const struct type_map *types,
			       const void *in, hf_error *err);

#endif
