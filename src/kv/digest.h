/*
 * digest.h - what a set of entries adds up to: how many, how many bytes, and a digest that no order changes.
 *
 * An entry's hash is XXH3 of 128 bits over, numbers little endian:
 *     8 bytes of the key    8 of the value    8 of the metadata    8 expires (0 = never)    key, value, metadata
 * Bytes are counts here. The digest is, big endian, the sum and the exclusive or of the upper halves of all hashes,
 * then those of the lower halves. Revisions and the times of creation and change are no part of it: stores with the
 * same keys, values, expiries and metadata have the same digest. It finds accidents; it is no signature.
 *
 * Pure; no allocation. Sums of two sets without a common key add up to that of both.
 */
#ifndef KV_DIGEST_H
#define KV_DIGEST_H

#include "holdfast/kv_file.h"

struct kv_sums {
	uint64_t count;
	uint64_t bytes;            /* of keys and values */
	uint64_t sum[2], mixed[2]; /* of the upper halves, of the lower ones */
};

/* Of one entry. */
struct kv_hash {
	uint64_t high, low;
};
void kv_hash_plain(const struct hf_kv_entry *entry, struct kv_hash *ret_hash);
/** The same with wider instructions, only where the machine has them. */
void kv_hash_wide(const struct hf_kv_entry *entry, struct kv_hash *ret_hash);
bool kv_hash_has_wide(void);

void kv_sums_add(struct kv_sums *sums, const struct hf_kv_entry *entry);
/** Add all of `more`. */
void kv_sums_join(struct kv_sums *sums, const struct kv_sums *more);
void kv_sums_digest(const struct kv_sums *sums, struct hf_kv_digest *ret_digest);
/** As kv_file.h has them. */
struct hf_kv_sums kv_sums_told(const struct kv_sums *sums);
bool kv_sums_same(const struct hf_kv_sums *told, const struct kv_sums *found);

#endif
