/*
 * record.c - see record.h.
 */
#include "kv/record.h"

#include "base/bytes.h"
#include "base/error.h"

enum { VERSION = 1 << 4, FLAGS = 0x0f, HAS_UPDATED = 1, HAS_EXPIRES = 2, HAS_METADATA = 4, IS_PACKED = 8 };

static unsigned flags_of(const struct record *record)
{
	return (record->updated_us != record->created_us ? HAS_UPDATED : 0u) |
	       (record->expires_us != 0 ? HAS_EXPIRES : 0u) | (record->metadata.len != 0 ? HAS_METADATA : 0u) |
	       (record->packed ? IS_PACKED : 0u);
}

static size_t header_bytes(unsigned flags)
{
	return RECORD_HEADER_MIN + (flags & HAS_UPDATED ? 8u : 0u) + (flags & HAS_EXPIRES ? 8u : 0u) +
	       (flags & HAS_METADATA ? 4u : 0u);
}

size_t record_bytes(const struct record *record)
{
	return header_bytes(flags_of(record)) + record->metadata.len + record->value.len + record->more.len;
}

/* No security: it finds accidents, all but one in 2^24. `first` is the first byte. */
static uint32_t check_of(const struct record *record, unsigned first, size_t bytes)
{
	const uint64_t words[] = {
		(uint64_t)first << 32 | record->epoch, (uint64_t)record->rev,        (uint64_t)record->created_us,
		(uint64_t)record->updated_us,          (uint64_t)record->expires_us, record->metadata.len,
	};
	uint64_t sum = (uint64_t)bytes * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		sum = (sum ^ words[i]) * UINT64_C(0xff51afd7ed558ccd);
		sum ^= sum >> 32;
	}
	return (uint32_t)(sum ^ sum >> 24) & 0xffffff;
}

static uint8_t *add(uint8_t *place, struct hf_bytes bytes)
{
	if (bytes.len)
		memcpy(place, bytes.ptr, bytes.len);
	return place + bytes.len;
}

void record_encode(const struct record *record, uint8_t *place)
{
	unsigned first = VERSION | flags_of(record);
	put_le32(place, first | check_of(record, first, record_bytes(record)) << 8);
	put_le32(place + 4, record->epoch);
	put_le64(place + 8, (uint64_t)record->rev);
	put_le64(place + 16, (uint64_t)record->created_us);
	place += RECORD_HEADER_MIN;
	if (first & HAS_UPDATED) {
		put_le64(place, (uint64_t)record->updated_us);
		place += 8;
	}
	if (first & HAS_EXPIRES) {
		put_le64(place, (uint64_t)record->expires_us);
		place += 8;
	}
	if (first & HAS_METADATA) {
		put_le32(place, (uint32_t)record->metadata.len);
		place += 4;
	}
	add(add(add(place, record->metadata), record->value), record->more);
}

static void decode_options(const uint8_t *at, unsigned flags, struct record *record)
{
	if (flags & HAS_UPDATED) {
		record->updated_us = (int64_t)get_le64(at);
		at += 8;
	}
	if (flags & HAS_EXPIRES) {
		record->expires_us = (int64_t)get_le64(at);
		at += 8;
	}
	if (flags & HAS_METADATA)
		record->metadata.len = get_le32(at);
}

static COLD enum hf_status no_record(size_t bytes, hf_error *err)
{
	return error_set(err, HF_E_CORRUPT, "could not read an entry: %zu bytes that are no record of version %d",
	                 bytes, VERSION >> 4);
}

enum hf_status record_decode(struct hf_bytes bytes, struct record *ret_record, hf_error *err)
{
	const uint8_t *head = bytes.ptr;
	if (bytes.len < RECORD_HEADER_MIN || (head[0] & ~FLAGS) != VERSION)
		return no_record(bytes.len, err);
	unsigned first = head[0];
	size_t header = header_bytes(first);
	if (bytes.len < header)
		return no_record(bytes.len, err);
	struct record record = {.rev = (int64_t)get_le64(head + 8),
	                        .created_us = (int64_t)get_le64(head + 16),
	                        .updated_us = (int64_t)get_le64(head + 16),
	                        .epoch = get_le32(head + 4),
	                        .packed = first & IS_PACKED};
	decode_options(head + RECORD_HEADER_MIN, first, &record);
	bool whole = record.rev > 0 && record.metadata.len <= bytes.len - header;
	if (!whole || get_le32(head) >> 8 != check_of(&record, first, bytes.len))
		return no_record(bytes.len, err);
	record.metadata.ptr = head + header;
	record.value = (struct hf_bytes){head + header + record.metadata.len, bytes.len - header - record.metadata.len};
	*ret_record = record;
	return HF_OK;
}
