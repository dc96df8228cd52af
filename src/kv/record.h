/*
 * record.h - an entry packed into bytes: what LMDB and memory store under a key.
 *
 *     0 version and flags    1 check, 3 bytes    4 epoch    8 revision    16 created    then, where the flags say so:
 *     8 updated (else as created)    8 expires (else never)    4 bytes of metadata (else none);    metadata, value
 *
 * A flag says that the value is packed (codec.h). Numbers are little endian, times microseconds since 1970. The check
 * covers the header and the whole length: it finds a record that was cut or whose header was changed. Metadata and
 * value are not covered. No allocation.
 */
#ifndef KV_RECORD_H
#define KV_RECORD_H

#include <stdbool.h>

#include "holdfast/error.h"
#include "holdfast/types.h"

enum { RECORD_HEADER_MIN = 24, RECORD_HEADER_MAX = 44 };

struct record {
	int64_t rev; /* above 0 */
	int64_t created_us;
	int64_t updated_us;
	int64_t expires_us; /* 0 = never */
	uint32_t epoch;
	bool packed;              /* the value is as codec.h has it; `more` is empty then */
	struct hf_bytes metadata; /* len 0 = none; both borrowed from what was decoded */
	struct hf_bytes value;
	struct hf_bytes more; /* encoding only: stands behind the value */
};

/** Bytes that `record` takes. */
size_t record_bytes(const struct record *record);
/** Write it to `place`, which is record_bytes() long and does not overlap what it borrows. */
void record_encode(const struct record *record, uint8_t *place);
/** HF_E_CORRUPT what is no record. *ret_record is untouched then. */
enum hf_status record_decode(struct hf_bytes bytes, struct record *ret_record, hf_error *err);

static inline bool record_is_live(const struct record *record, int64_t now_us)
{
	return record->expires_us == 0 || record->expires_us > now_us;
}

#endif
