/*
 * id_set.h - a set of ids that the server tests in constant time each: a bitmap, one bit an id.
 *
 * The server's `<> ALL (array)` walks the array for each row; five hundred rows by five hundred ids cost a millisecond.
 * The bitmap covers the greatest ID_SET_SPAN ids of the set's range (128 KiB at most); what lies below stands in
 * `others`. Everything lies in the arena.
 */
#ifndef JANITOR_ID_SET_H
#define JANITOR_ID_SET_H

#include "base/error.h"
#include "holdfast/arena.h"
#include "holdfast/types.h"

enum { ID_SET_SPAN = 1 << 20 };

struct id_set {
	int32_t first, last;         /* the ids that have a bit; last < first: none */
	struct hf_bytes bits;        /* as get_bit(bytea, bigint) counts: id - first, from the least bit of each byte */
	struct hf_int4_array others; /* smaller than `first`, as they came */
};

/** NULL elements are no ids. HF_E_NOMEM alone. */
enum hf_status id_set_of(struct hf_int4_array ids, hf_arena *arena, struct id_set *ret_set, hf_error *err);

#endif
