/* Scheduling arithmetic against vectors observed from the Python original (spec/janitor.md, appendix B). */
#include <math.h>
#include <string.h>

#include "core/schedule.h"
#include "../check.h"
#include "base/macros.h"

static const struct hf_defects parity = {{UINT64_MAX, UINT64_MAX}};

#define KNOWN(v) ((struct schedule_value){true, (v)})

static void same_bits(double got, double expected)
{
	if (memcmp(&got, &expected, sizeof(got)) != 0)
		fail_msg("got %.17g, expected %.17g", got, expected);
}

static void offsets_equal_the_golden_ones(UNUSED void **state)
{
	const struct {
		int64_t us;
		struct schedule_value normalized;
		double probability;
		struct schedule_value value;
		int64_t runs;
		double offset;
	} cases[] = {
	        {15000000, KNOWN(1.0), 1.0, SCHEDULE_UNKNOWN, 0, 35000.0},
	        {15000000, KNOWN(1.0), 1.0, SCHEDULE_UNKNOWN, 5, 35000.0},
	        {15000000, KNOWN(1.0), 1.0, KNOWN(1), 0, 346.53465346534654},
	        {15000000, KNOWN(1.0), 1.0, KNOWN(1), 1, 35000.0},
	        {15000000, KNOWN(1.0 / 3), 1.0, KNOWN(7), 0, 981.3084112149534},
	        {60000000, KNOWN(0.5), 0.8, KNOWN(100), 5, 2000.0},
	        {60000000, KNOWN(0.5), 0.8, KNOWN(100), 0, 1000.0},
	        {300250000, KNOWN(1.0), 0.1, SCHEDULE_UNKNOWN, 1, 3205000.0},
	        {5416666, KNOWN(1.0 / 3), 0.05238095238095239, KNOWN(7), 2, 211363.62545454546},
	        {0, KNOWN(0.0), 0.5, KNOWN(905), 3, 441.9889502762431},
	        {15000000, SCHEDULE_UNKNOWN, 1.0, KNOWN(907), 0, 69.5134061569017},
	        {INT64_C(86400000000), KNOWN(0.2), 0.0990990990990991, KNOWN(400), 11, 10900704.545454545},
	        {1500000, KNOWN(1.0), 1.0, SCHEDULE_UNKNOWN, 0, 22000.0},
	        {1, KNOWN(1.0), 1.0, SCHEDULE_UNKNOWN, 0, 20000.002},
	        {INT64_C(172800999999), KNOWN(1.0), 1.0, SCHEDULE_UNKNOWN, 0, 172821999.998},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double offset = NAN;
		assert_int_equal(schedule_offset(cases[i].us, cases[i].normalized, cases[i].probability,
		                                 cases[i].value, cases[i].runs, &parity, &offset),
		                 SCHEDULE_FINE);
		same_bits(offset, cases[i].offset);
	}
}

static void impossible_numbers_have_names(UNUSED void **state)
{
	double offset = -7.0;
	struct schedule_value one = KNOWN(1.0);
	assert_int_equal(schedule_offset(0, one, 1.0, KNOWN(0), 1, &parity, &offset), SCHEDULE_CANDIDATE_VALUE);
	assert_int_equal(schedule_offset(0, one, 1.0, KNOWN(-100), 0, &parity, &offset), SCHEDULE_CANDIDATE_VALUE);
	assert_int_equal(schedule_offset(0, one, 1.1, one, 1, &parity, &offset), SCHEDULE_PROBABILITY_RANGE);
	assert_int_equal(schedule_offset(0, one, NAN, one, 1, &parity, &offset), SCHEDULE_PROBABILITY_RANGE);
	assert_int_equal(schedule_offset(0, one, 0.0, one, 1, &parity, &offset), SCHEDULE_VALUE);
	assert_int_equal(schedule_offset(-30000000, one, 1.0, one, 1, &parity, &offset), SCHEDULE_COST);
	same_bits(offset, -7.0);
	assert_int_equal(schedule_offset(0, KNOWN(NAN), 1.0, one, 1, &parity, &offset), SCHEDULE_FINE);
	same_bits(offset, 200000.0);
	for (int fault = SCHEDULE_FINE; fault <= SCHEDULE_MISSING_TIME; fault++)
		assert_true(strlen(schedule_fault_text((enum schedule_fault)fault)) > 3);
	assert_string_equal(schedule_fault_text((enum schedule_fault)99), "unknown");
}

static void probabilities_equal_the_golden_ones(UNUSED void **state)
{
	same_bits(schedule_probability(1, 1, 0.5), 0.5);
	same_bits(schedule_probability(1, 0, 0.5), 0.045454545454545456);
	same_bits(schedule_probability(2, 1, 0.5), 0.2619047619047619);
	same_bits(schedule_probability(2, 1, 0.1), 0.05238095238095239);
	same_bits(schedule_probability(3, 1, 0.5), 0.1774193548387097);
	same_bits(schedule_probability(10, 3, 1.0), 0.3069306930693069);
	same_bits(schedule_probability(10, 0, 0.1), 0.0009900990099009901);
	same_bits(schedule_probability(7, 7, 0.1), 0.1);
}

static void seconds_round_like_a_timedelta(UNUSED void **state)
{
	const struct {
		double seconds;
		int64_t us;
	} cases[] = {
	        {5e-7, 0}, {1.5e-6, 2}, {2.5e-6, 2}, {7.5e-7, 1}, {1.0000005, 1000001}, {5.4166665, 5416666},
	        {0.30000000000000004, 300000}, {-1.5e-6, -2}, {-2.5, -2500000}, {0.0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(schedule_us_of_seconds(cases[i].seconds), cases[i].us);
}

static void ratios_are_rounded_once(UNUSED void **state)
{
	same_bits(schedule_ratio(1, 3), 1.0 / 3.0);
	same_bits(schedule_seconds(-1500000), -1.5);
	/* observed from Python: integer / 10**6 beyond 2**53 */
	same_bits(schedule_seconds(INT64_C(9007199254740993)), 9007199254.740993);
	same_bits(schedule_seconds(INT64_MAX), 9223372036854.775807);
	same_bits(schedule_seconds(INT64_MIN), -9223372036854.775808);
	same_bits(schedule_ratio(INT64_MAX, INT64_MAX), 1.0);
	same_bits(schedule_ratio(1, INT64_MAX), 1.0842021724855044e-19);
}

static double estimate_of(const int64_t *durations, size_t n, int64_t *ret_us)
{
	struct schedule_history history;
	struct schedule_estimate estimate = {0};
	schedule_history_init(&history, true, 0);
	for (size_t i = 0; i < n; i++)
		schedule_history_add(&history, &(struct schedule_run){.has_times = true, .duration_us = durations[i]});
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_FINE);
	*ret_us = estimate.duration_us;
	return estimate.probability;
}

static void mean_durations_equal_the_golden_ones(UNUSED void **state)
{
	int64_t us;
	estimate_of((const int64_t[]){6766305, 406}, 2, &us);
	assert_int_equal(us, 3383355);
	estimate_of((const int64_t[]){INT64_C(26001489982), 215487653}, 2, &us);
	assert_int_equal(us, INT64_C(13108488817));
	estimate_of((const int64_t[]){INT64_C(87605025922), 3891005, 8777524, INT64_C(3183652505), 163, 308, 843}, 7, &us);
	assert_int_equal(us, INT64_C(12971621181));
	estimate_of((const int64_t[]){10500000, 333333}, 2, &us);
	assert_int_equal(us, 5416666);
}

static void history_follows_the_rules(UNUSED void **state)
{
	struct schedule_history history;
	struct schedule_estimate estimate = {0};
	int64_t day = SCHEDULE_WORKER_FAILURE_AGE_US, now = 100 * day;

	schedule_history_init(&history, false, now);
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_FINE);
	same_bits(estimate.probability, 1.0);
	assert_int_equal(estimate.total, 0);

	/* worker failures count while they are younger than a full day */
	struct schedule_run failure = {.has_times = true, .start_us = now - day, .duration_us = 5, .worker_failure = true};
	schedule_history_add(&history, &failure);
	assert_int_equal(history.total, 0);
	failure.start_us = now - day + 1;
	schedule_history_add(&history, &failure);
	assert_int_equal(history.total, 1);

	/* the same context costs once and for all, unless the dependencies came back */
	struct schedule_run run = {.has_times = true, .duration_us = 5, .same_context = true,
	                           .dependencies_now_satisfied = true};
	schedule_history_add(&history, &run);
	same_bits(history.multiplier, 1.0);
	run.dependencies_now_satisfied = false;
	schedule_history_add(&history, &run);
	same_bits(history.multiplier, 0.1);
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_FINE);
	assert_int_equal(estimate.total, 3);
	same_bits(estimate.probability, 11.0 / 31.0 * 0.1);

	run.has_times = false;
	schedule_history_add(&history, &run);
	schedule_history_add(&history, &failure);
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_MISSING_TIME);

	/* a clock that stepped back: what began after now is young */
	schedule_history_init(&history, false, now - 30 * day);
	failure.has_times = true;
	failure.start_us = now;
	schedule_history_add(&history, &failure);
	assert_int_equal(history.total, 1);
	assert_int_equal(history.fault, SCHEDULE_FINE);

	schedule_history_init(&history, false, now);
	run = (struct schedule_run){.has_times = true, .duration_us = -2000000};
	schedule_history_add(&history, &run);
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_NEGATIVE_DURATION);
}

static void priorities_truncate_toward_zero(UNUSED void **state)
{
	const struct {
		int64_t minimum;
		double offset;
		enum schedule_fault fault;
		int64_t priority;
	} cases[] = {
	        {0, 35000.9, SCHEDULE_FINE, 35000}, {0, 1.5, SCHEDULE_FINE, 1}, {0, -0.9, SCHEDULE_FINE, 0},
	        {10, -1.5, SCHEDULE_FINE, 9}, {0, NAN, SCHEDULE_OFFSET_RANGE, 7}, {0, INFINITY, SCHEDULE_OFFSET_RANGE, 7},
	        {0, 9.3e18, SCHEDULE_OFFSET_RANGE, 7}, {0, 1e300, SCHEDULE_OFFSET_RANGE, 7},
	        {0, -9223372036854775808.0, SCHEDULE_FINE, INT64_MIN}, {0, 9223372036854775808.0, SCHEDULE_OFFSET_RANGE, 7},
	        {0, -9223372036854777856.0, SCHEDULE_OFFSET_RANGE, 7}, {INT64_MAX, 1.0, SCHEDULE_OVERFLOW, 7},
	        {INT64_MIN, -1.0, SCHEDULE_OVERFLOW, 7},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t priority = 7;
		assert_int_equal(schedule_priority(cases[i].minimum, cases[i].offset, &parity, &priority), cases[i].fault);
		if (cases[i].fault == SCHEDULE_FINE)
			assert_int_equal(priority, cases[i].priority);
	}
	same_bits(schedule_normalized(1, 3), 1.0 / 3.0);
	same_bits(schedule_normalized(-5, -5), 1.0);
	same_bits(schedule_normalized(-5, -10), 0.5);
	same_bits(schedule_normalized(-10, -5), 1.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(offsets_equal_the_golden_ones),
	        cmocka_unit_test(impossible_numbers_have_names),
	        cmocka_unit_test(probabilities_equal_the_golden_ones),
	        cmocka_unit_test(seconds_round_like_a_timedelta),
	        cmocka_unit_test(ratios_are_rounded_once),
	        cmocka_unit_test(mean_durations_equal_the_golden_ones),
	        cmocka_unit_test(history_follows_the_rules),
	        cmocka_unit_test(priorities_truncate_toward_zero),
	};
	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
