/*
 * Counters: nothing is lost by more threads than there are stripes, nor by those that come after others ended.
 */
#include "../check.h"

#include "kv/counters.h"

enum { THREADS = 40, ROUNDS = 3, TIMES = 20000 };
static struct kv_counters counters;

static void *add(void *user)
{
	(void)user;
	for (int i = 0; i < TIMES; i++) {
		kv_stripe_add(&counters, kv_stripe_find(&counters), KV_HITS, 1);
		kv_stripe_add(&counters, kv_stripe_find(&counters), KV_READ, 3);
	}
	return NULL;
}

static void test_threads_lose_nothing(void **state)
{
	pthread_t ids[THREADS];
	(void)state;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&ids[i], NULL, add, NULL), 0);
		for (size_t i = 0; i < THREADS; i++)
			pthread_join(ids[i], NULL);
		assert_int_equal(kv_counters_total(&counters, KV_HITS), round * THREADS * TIMES);
		assert_int_equal(kv_counters_total(&counters, KV_READ), round * THREADS * TIMES * 3);
	}
	assert_int_equal(kv_counters_total(&counters, KV_MISSES), 0);
}

static void test_a_thread_keeps_its_stripe(void **state)
{
	(void)state;
	struct kv_counters fresh = {0};
	struct kv_stripe *own = kv_stripe_find(&fresh);
	assert_true(own < fresh.shared);
	assert_ptr_equal(kv_stripe_find(&fresh), own);
	for (size_t i = 0; i < KV_STRIPES; i++)
		atomic_store(&fresh.owners[i], 1); /* others were here first */
	assert_true(kv_stripe_find(&fresh) >= fresh.shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads_lose_nothing),
	                                   cmocka_unit_test(test_a_thread_keeps_its_stripe)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
