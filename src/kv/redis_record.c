/*
 * redis_record.c - see redis_record.h.
 */
#include "kv/redis_record.h"

#include <endian.h>

static int64_t i64_at(const uint8_t *place)
{
	uint64_t number;
	memcpy(&number, place, sizeof(number));
	return (int64_t)le64toh(number);
}

bool redis_record_read(struct hf_bytes bytes, bool head_only, struct redis_record *ret_record)
{
	uint32_t metadata;
	if (bytes.len < REDIS_RECORD_HEAD || bytes.ptr[0] != 1)
		return false;
	memcpy(&metadata, bytes.ptr + 1, sizeof(metadata));
	metadata = le32toh(metadata);
	struct redis_record record = {
		.rev = i64_at(bytes.ptr + 5),
		.created_us = i64_at(bytes.ptr + 13),
		.updated_us = i64_at(bytes.ptr + 21),
		.expires_us = i64_at(bytes.ptr + 29),
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
