/*
 * redis_record.h - an entry as one string, as the scripts of src/kv/redis/ write it:
 *
 *     0 version   1 bytes of metadata   5 epoch   9 revision   17 created   25 updated   33 expires   41 metadata, then
 * the value
 *
 * Version 4: the value is packed (codec.h); 3: it is not. Numbers are little endian, times microseconds since 1970,
 * expires 0 for never. Not the record of LMDB: that has a check of 64-bit products, which Lua's numbers cannot make.
 * Pure; no allocation.
 */
#ifndef KV_REDIS_RECORD_H
#define KV_REDIS_RECORD_H

#include <stdbool.h>

#include "holdfast/types.h"

enum { REDIS_RECORD_HEAD = 41, REDIS_RECORD_PLAIN = 3, REDIS_RECORD_PACKED = 4 };

struct redis_record {
	int64_t rev, created_us, updated_us, expires_us;
	struct hf_str metadata; /* ptr NULL = none; both borrowed */
	bool packed;
	struct hf_bytes value;
};

/** @param head_only `bytes` has no more than the head. False: it is no record. */
bool redis_record_read(struct hf_bytes bytes, bool head_only, struct redis_record *ret_record);

static inline bool redis_record_is_live(const struct redis_record *record, int64_t now_us)
{
	return record->expires_us == 0 || record->expires_us > now_us;
}

#endif
