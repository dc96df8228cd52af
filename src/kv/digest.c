/*
 * digest.c - see digest.h.
 */
#include "kv/digest_hash.h"

void kv_hash_plain(const struct hf_kv_entry *entry, struct kv_hash *ret_hash)
{
	hash_entry(entry, ret_hash);
}

void kv_sums_add(struct kv_sums *sums, const struct hf_kv_entry *entry)
{
	struct kv_hash hash;
	if (kv_hash_has_wide())
		kv_hash_wide(entry, &hash);
	else
		kv_hash_plain(entry, &hash);
	sums->count++;
	sums->bytes += entry->key.len + entry->value.len;
	sums->sum[0] += hash.high;
	sums->sum[1] += hash.low;
	sums->mixed[0] ^= hash.high;
	sums->mixed[1] ^= hash.low;
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
