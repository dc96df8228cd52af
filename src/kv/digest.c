/*
 * digest.c - see digest.h.
 */
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

void kv_sums_add(struct kv_sums *sums, const struct hf_kv_entry *entry)
{
	bool is_short = entry->value.len <= SHORT_BYTES && entry->metadata.len <= SHORT_BYTES &&
	                entry->key.len + entry->value.len + entry->metadata.len <= SHORT_BYTES;
	XXH128_hash_t hash = is_short ? hash_short(entry) : hash_long(entry);
	sums->count++;
	sums->bytes += entry->key.len + entry->value.len;
	sums->sum[0] += hash.high64;
	sums->sum[1] += hash.low64;
	sums->mixed[0] ^= hash.high64;
	sums->mixed[1] ^= hash.low64;
}

void kv_sums_join(struct kv_sums *sums, const struct kv_sums *more)
{
	sums->count += more->count;
	sums->bytes += more->bytes;
	for (size_t half = 0; half < 2; half++) {
		sums->sum[half] += more->sum[half];
		sums->mixed[half] ^= more->mixed[half];
	}
}

void kv_sums_digest(const struct kv_sums *sums, struct hf_kv_digest *ret_digest)
{
	for (size_t half = 0; half < 2; half++) {
		put_be64(ret_digest->bytes + 16 * half, sums->sum[half]);
		put_be64(ret_digest->bytes + 16 * half + 8, sums->mixed[half]);
	}
}

struct hf_kv_sums kv_sums_told(const struct kv_sums *sums)
{
	struct hf_kv_sums told = {.row_count = sums->count, .data_size = sums->bytes};
	kv_sums_digest(sums, &told.digest);
	return told;
}

bool kv_sums_same(const struct hf_kv_sums *told, const struct kv_sums *found)
{
	struct hf_kv_sums other = kv_sums_told(found);
	return told->row_count == other.row_count && told->data_size == other.data_size &&
	       memcmp(&told->digest, &other.digest, sizeof(other.digest)) == 0;
}
