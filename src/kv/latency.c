/*
 * latency.c - see latency.h.
 */
#include "kv/latency.h"

#include "base/macros.h"

size_t latency_bucket(uint64_t us)
{
	if (us < LATENCY_EXACT)
		return (size_t)us;
	unsigned power = 63 - (unsigned)__builtin_clzll(us); /* 4 and more */
	size_t bucket = LATENCY_EXACT + (power - 4) * 8 + (size_t)(us >> (power - 3) & 7);
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

uint64_t latency_bucket_most(size_t bucket)
{
	if (bucket < LATENCY_EXACT)
		return bucket;
	unsigned power = 4 + (unsigned)(bucket - LATENCY_EXACT) / 8, part = (unsigned)(bucket - LATENCY_EXACT) % 8;
	return ((UINT64_C(9) + part) << (power - 3)) - 1;
}

void latency_add(struct latencies *latencies, size_t stripe, enum hf_kv_call call, int64_t us)
{
	struct latency_histogram *histogram = &latencies->stripe[stripe % LATENCY_STRIPES][call];
	uint64_t took = us > 0 ? (uint64_t)us : 0;
	uint64_t max = atomic_load_explicit(&histogram->max_us, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->buckets[latency_bucket(took)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_us, took, memory_order_relaxed);
	while (took > max && !atomic_compare_exchange_weak_explicit(&histogram->max_us, &max, took,
	                                                            memory_order_relaxed, memory_order_relaxed))
		;
}

/* The first bucket by which so many have been counted. */
static uint64_t percentile(const uint64_t counts[LATENCY_BUCKETS], uint64_t all, unsigned per_mille, uint64_t max)
{
	uint64_t wanted = (all * per_mille + 999) / 1000, seen = 0;
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		seen += counts[i];
		if (seen >= wanted && seen > 0) {
			uint64_t most = latency_bucket_most(i);
			return most < max ? most : max;
		}
	}
	return 0;
}

void latency_read(const struct latencies *latencies, enum hf_kv_call call, struct hf_kv_latency *ret_latency)
{
	uint64_t counts[LATENCY_BUCKETS] = {0};
	*ret_latency = (struct hf_kv_latency){0};
	for (size_t stripe = 0; stripe < LATENCY_STRIPES; stripe++) {
		const struct latency_histogram *histogram = &latencies->stripe[stripe][call];
		uint64_t max = atomic_load_explicit(&histogram->max_us, memory_order_relaxed);
		ret_latency->sum_us += atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
		ret_latency->max_us = max > ret_latency->max_us ? max : ret_latency->max_us;
		for (size_t i = 0; i < LATENCY_BUCKETS; i++)
			counts[i] += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
	}
	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		ret_latency->count += counts[i];
	ret_latency->p50_us = percentile(counts, ret_latency->count, 500, ret_latency->max_us);
	ret_latency->p90_us = percentile(counts, ret_latency->count, 900, ret_latency->max_us);
	ret_latency->p99_us = percentile(counts, ret_latency->count, 990, ret_latency->max_us);
	ret_latency->p999_us = percentile(counts, ret_latency->count, 999, ret_latency->max_us);
}
