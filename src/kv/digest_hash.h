/*
 * digest_hash.h - the hash of one entry, for who has decided which instructions XXH3 may use: kept apart so that it is
 * compiled once for every machine and once for those that have wider ones. Included by those two files alone.
 */
#ifndef KV_DIGEST_HASH_H
#define KV_DIGEST_HASH_H

#include "kv/digest.h"

#define XXH_INLINE_ALL /* nothing to link: the hash is compiled in */
#include <xxhash.h>

#include "base/bytes.h"

enum { HEAD_BYTES = 32, SHORT_BYTES = 512 };

static size_t head_of(const struct hf_kv_entry *entry, uint8_t head[HEAD_BYTES])
{
	put_le64(head, entry->key.len);
	put_le64(head + 8, entry->value.len);
	put_le64(head + 16, entry->metadata.len);
	put_le64(head + 24, (uint64_t)entry->expires_us);
	return HEAD_BYTES;
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
}

static XXH128_hash_t hash_short(const struct hf_kv_entry *entry)
{
	uint8_t all[HEAD_BYTES + SHORT_BYTES];
	uint8_t *end = append(all + head_of(entry, all), entry->key.ptr, entry->key.len);
	end = append(end, entry->value.ptr, entry->value.len);
	end = append(end, entry->metadata.ptr, entry->metadata.len);
	return XXH3_128bits(all, (size_t)(end - all));
}

static XXH128_hash_t hash_long(const struct hf_kv_entry *entry)
{
	XXH3_state_t state;
	uint8_t head[HEAD_BYTES];
	XXH3_INITSTATE(&state);
	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, head, head_of(entry, head));
	XXH3_128bits_update(&state, entry->key.ptr, entry->key.len);
	XXH3_128bits_update(&state, entry->value.ptr, entry->value.len);
	XXH3_128bits_update(&state, entry->metadata.ptr, entry->metadata.len);
	return XXH3_128bits_digest(&state);
}

static void hash_entry(const struct hf_kv_entry *entry, struct kv_hash *ret_hash)
{
	bool is_short = entry->value.len <= SHORT_BYTES && entry->metadata.len <= SHORT_BYTES &&
	                entry->key.len + entry->value.len + entry->metadata.len <= SHORT_BYTES;
	XXH128_hash_t hash = is_short ? hash_short(entry) : hash_long(entry);
	*ret_hash = (struct kv_hash){hash.high64, hash.low64};
}

#endif
