/*
 * Histograms: what falls into which bucket, and what is read out of them.
 */
#include "../check.h"

#include <stdlib.h>

#include "kv/latency.h"

static void buckets_follow_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < LATENCY_BUCKETS; i++) {
		uint64_t most = latency_bucket_most(i);
		assert_int_equal(latency_bucket(most), i);
		assert_int_equal(latency_bucket(most + 1), i + 1);
		uint64_t least = i ? latency_bucket_most(i - 1) + 1 : 0;
		assert_true(most - least <= least / 8);
	}
	assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void percentiles_are_near(void **state)
{
	struct latencies *latencies = calloc(1, sizeof(*latencies));
	struct hf_kv_latency got;
	(void)state;
	assert_non_null(latencies);
	latency_read(latencies, HF_KV_CALL_GET, &got);
	assert_int_equal(got.count, 0);
	assert_int_equal(got.p99_us, 0);
	for (int us = 1; us <= 1000; us++)
		latency_add(latencies, (size_t)us, HF_KV_CALL_GET, us);
	latency_add(latencies, 0, HF_KV_CALL_PUT, -5); /* a clock that went back */
	latency_read(latencies, HF_KV_CALL_GET, &got);
	assert_int_equal(got.count, 1000);
	assert_int_equal(got.sum_us, 500500);
	assert_int_equal(got.max_us, 1000);
	assert_in_range(got.p50_us, 500, 500 * 9 / 8);
	assert_in_range(got.p90_us, 900, 1000);
	assert_in_range(got.p99_us, 990, 1000);
	assert_in_range(got.p999_us, 999, 1000);
	latency_read(latencies, HF_KV_CALL_PUT, &got);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.max_us, 0);
	free(latencies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(buckets_follow_each_other),
	                                   cmocka_unit_test(percentiles_are_near)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
