/*
 * test_backoff.c - the pauses stay in their bounds, and repetitions stay a tenth of the work.
 */
#include "core/backoff.h"

#include "base/macros.h"
#include "../check.h"

/* splitmix64: the same sequence on every run. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void pauses_lie_between_base_and_three_times_the_last(UNUSED void **state)
{
	uint64_t seed = 20261121;
	struct backoff backoff;
	backoff_init(&backoff, 0, 0);
	int64_t last = BACKOFF_BASE_US, longest = 0;
	for (int i = 0; i < 10000; i++) {
		int64_t pause = backoff_next(&backoff, next_random(&seed));
		assert_true(pause >= BACKOFF_BASE_US && pause <= BACKOFF_CAP_US && pause <= 3 * last);
		last = pause;
		if (pause > longest)
			longest = pause;
	}
	assert_true(longest > BACKOFF_CAP_US * 9 / 10);
}

static void pauses_differ_between_callers(UNUSED void **state)
{
	struct backoff low, high;
	backoff_init(&low, 1000, 8000);
	backoff_init(&high, 1000, 8000);
	assert_int_equal(backoff_next(&low, 0), 1000);
	assert_int_equal(backoff_next(&high, 2000), 3000);
	assert_int_equal(backoff_next(&high, 7000), 8000);
	backoff_init(&low, 5000, 10);
	assert_int_equal(backoff_next(&low, UINT64_MAX), 5000);
	backoff_init(&high, INT64_MAX / 2, INT64_MAX);
	assert_true(backoff_next(&high, UINT64_MAX) >= INT64_MAX / 2);
}

static void repetitions_are_a_tenth_of_the_first_tries(UNUSED void **state)
{
	struct retry_budget budget;
	retry_budget_init(&budget);
	int repeated = 0;
	for (int i = 0; i < 100000; i++) {
		retry_budget_earn(&budget);
		if (retry_budget_spend(&budget))
			repeated++;
	}
	assert_in_range(repeated, 10000, 10000 + RETRY_BUDGET_TOKENS_FIRST);
	assert_false(retry_budget_spend(&budget));
}

static void savings_are_bounded(UNUSED void **state)
{
	struct retry_budget budget;
	retry_budget_init(&budget);
	for (int i = 0; i < 1000000; i++)
		retry_budget_earn(&budget);
	int repeated = 0;
	while (retry_budget_spend(&budget))
		repeated++;
	assert_int_equal(repeated, RETRY_BUDGET_TOKENS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pauses_lie_between_base_and_three_times_the_last),
	        cmocka_unit_test(pauses_differ_between_callers),
	        cmocka_unit_test(repetitions_are_a_tenth_of_the_first_tries),
	        cmocka_unit_test(savings_are_bounded),
	};
	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
