/*
 * latency.h - how long calls took, counted without a lock.
 *
 * A histogram per kind of call, its buckets an eighth of a power of two wide: a percentile is at most an eighth too
 * high. Processors count in different parts; who reads adds them up.
 */
#ifndef KV_LATENCY_H
#define KV_LATENCY_H

#include <stdatomic.h>

#include "holdfast/kv.h"

enum {
	LATENCY_EXACT = 16,
	LATENCY_POWERS = 32,
	LATENCY_BUCKETS = LATENCY_EXACT + LATENCY_POWERS * 8,
	LATENCY_STRIPES = 4
};

struct latency_histogram {
	atomic_uint_least64_t buckets[LATENCY_BUCKETS];
	atomic_uint_least64_t sum_us;
	atomic_uint_least64_t max_us;
};
struct latencies {
	struct latency_histogram stripe[LATENCY_STRIPES][HF_KV_CALLS];
};

/** The bucket of so many microseconds, and the most that falls into one. */
size_t latency_bucket(uint64_t us);
uint64_t latency_bucket_most(size_t bucket);
void latency_add(struct latencies *latencies, size_t stripe, enum hf_kv_call call, int64_t us);
void latency_read(const struct latencies *latencies, enum hf_kv_call call, struct hf_kv_latency *ret_latency);

#endif
