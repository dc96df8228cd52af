/*
 * redis_record.c - see redis_record.h.
 */
#include "kv/redis_record.h"

#include "base/bytes.h"

bool redis_record_read(struct hf_bytes bytes, bool head_only, struct redis_record *ret_record)
{
	if (bytes.len < REDIS_RECORD_HEAD || bytes.ptr[0] < REDIS_RECORD_PLAIN || bytes.ptr[0] > REDIS_RECORD_PACKED)
		return false;
	uint32_t metadata = get_le32(bytes.ptr + 1);
	struct redis_record record = {
		.rev = (int64_t)get_le64(bytes.ptr + 9),
		.created_us = (int64_t)get_le64(bytes.ptr + 17),
		.updated_us = (int64_t)get_le64(bytes.ptr + 25),
		.expires_us = (int64_t)get_le64(bytes.ptr + 33),
		.packed = bytes.ptr[0] == REDIS_RECORD_PACKED,
	};
	if (record.rev <= 0 || record.expires_us < 0 || (!head_only && metadata > bytes.len - REDIS_RECORD_HEAD))
		return false;
	if (!head_only) {
		const uint8_t *body = bytes.ptr + REDIS_RECORD_HEAD;
		if (metadata > 0)
			record.metadata = (struct hf_str){(const char *)body, metadata};
		record.value = (struct hf_bytes){body + metadata, bytes.len - REDIS_RECORD_HEAD - metadata};
	}
	*ret_record = record;
	return true;
}
