/*
 * key_range.h - keys as memcmp(3) orders them, the shorter first, and where a prefix ends.
 *
 * All keys that begin with P lie in [P, successor of P): P without trailing 0xff bytes, its last byte one higher. A
 * prefix of nothing but 0xff, and the empty one, have no end.
 */
#ifndef CORE_KEY_RANGE_H
#define CORE_KEY_RANGE_H

#include <stdbool.h>

#include "holdfast/types.h"

int key_compare(struct hf_bytes a, struct hf_bytes b);
static inline bool key_equal(struct hf_bytes a, struct hf_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/** @param storage prefix.len bytes, behind the result. False: there is no end. */
bool key_successor(struct hf_bytes prefix, uint8_t *storage, struct hf_bytes *ret_successor);

#endif
