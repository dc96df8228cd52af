/*
 * test_redis_combine.c - callers that share requests on a real Redis that stands still meanwhile: who comes is in one
 * request behind the first, and each has his own answer and his own error.
 */
#include <signal.h>

#include "callers.h"
#include "chance.h"
#include "redis_rig.h"
#include "../check.h"

static int set_up(void **state)
{
	const struct hf_kv_options options = {.combine = 1, .attempts_max = 1};
	hf_error err = HF_ERROR_INIT;
	redis_rig_set_up(state);
	struct redis_rig *rig = *state;
	hf_kv_close(rig->kv);
	EXPECT_OK(redis_rig_open(rig, rig->url, &options, &err));
	return 0;
}

static int tear_down(void **state)
{
	callers_free();
	return redis_rig_tear_down(state);
}

/* The first is on its way, and the server stands still; the others gather behind it. */
static void begin_behind_the_first(struct redis_rig *rig, const struct caller *callers, size_t count)
{
	redis_fixture_kill(&redis_rig_server, SIGSTOP);
	for (size_t i = 0; i < count; i++) {
		callers_begin(rig->kv, callers[i]);
		if (i == 0)
			callers_wait_running(rig->kv->combine);
		callers_wait_gathered(rig->kv->combine, (uint32_t)i);
	}
}

static void let_go(void)
{
	redis_fixture_kill(&redis_rig_server, SIGCONT);
	callers_join();
}

static void expect_shared(const struct redis_rig *rig, uint64_t combined, uint64_t shared)
{
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	assert_int_equal(stats.combined_count, combined);
	assert_int_equal(stats.shared_count, shared);
}

static void test_gets_are_one_request(void **state)
{
	static uint8_t bytes[COMBINE_VALUE_BYTES + 1];
	struct redis_rig *rig = *state;
	const struct hf_kv_put how = {.metadata = HF_STR("{\"a\": 1}"), .ttl_us = INT64_C(3600000000)};
	hf_error err = HF_ERROR_INIT;
	uint64_t seed = 1;
	for (size_t i = 0; i < sizeof(bytes); i++) /* nothing that could be packed */
		bytes[i] = (uint8_t)chance(&seed);
	const struct hf_bytes most = {bytes, COMBINE_VALUE_BYTES}, more = {bytes, COMBINE_VALUE_BYTES + 1};
	EXPECT_OK(hf_kv_put(rig->kv, B("a"), B("1"), &how, &err));
	EXPECT_OK(hf_kv_put(rig->kv, B("most"), most, &how, &err));
	redis_rig_put(rig, B("empty"), B(""), 0);
	redis_rig_put(rig, B("more"), more, 0);
	const struct caller callers[] = {{.what = GET, .key = B("a")},      {.what = GET, .key = B("a")},
	                                 {.what = GET, .key = B("-")},      {.what = GET, .key = B("empty")},
	                                 {.what = GET, .key = B("most")},   {.what = GET, .key = B("more")},
	                                 {.what = VALUE, .key = B("a")},    {.what = VALUE, .key = B("empty")},
	                                 {.what = CONTAINS, .key = B("a")}, {.what = CONTAINS, .key = B("-")}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	let_go();
	caller_read(&begun[0], B("1"));
	caller_read(&begun[1], B("1"));
	assert_string_equal(begun[1].entry.metadata.ptr, begun[0].entry.metadata.ptr);
	assert_int_equal(begun[1].entry.rev, begun[0].entry.rev);
	assert_int_equal(begun[1].entry.expires_us, begun[0].entry.expires_us);
	EXPECT_STATUS(begun[2].status, HF_NOT_FOUND);
	caller_read(&begun[3], B(""));
	caller_read(&begun[4], most);
	caller_read(&begun[5], more);
	caller_read(&begun[6], B("1"));
	caller_read(&begun[7], B(""));
	assert_true(begun[8].status == HF_OK && begun[8].existed);
	assert_true(begun[9].status == HF_OK && !begun[9].existed);
	expect_shared(rig, 4 + 2 + 2, 3); /* what is too long was asked for alone */
}

/* However short it is as it is stored. */
static void test_what_unpacks_to_more_is_asked_for_alone(void **state)
{
	static const uint8_t zeros[COMBINE_VALUE_BYTES + 1];
	const struct hf_kv_options options = {.combine = 1, .attempts_max = 1, .compress_from = 64};
	const struct hf_bytes most = {zeros, COMBINE_VALUE_BYTES}, more = {zeros, COMBINE_VALUE_BYTES + 1};
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	hf_kv_close(rig->kv);
	EXPECT_OK(redis_rig_open(rig, rig->url, &options, &err));
	redis_rig_put(rig, B("most"), most, 0);
	redis_rig_put(rig, B("more"), more, 0);
	const struct caller callers[] = {{.what = GET, .key = B("most")},
	                                 {.what = GET, .key = B("most")},
	                                 {.what = GET, .key = B("more")},
	                                 {.what = GET, .key = B("more")}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	let_go();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		caller_read(&begun[i], i < 2 ? most : more);
	expect_shared(rig, 1, 1);
}

static void test_puts_are_one_request(void **state)
{
	struct redis_rig *rig = *state;
	const struct caller callers[] = {{.what = PUT, .key = B("a"), .value = B("1")},
	                                 {.what = PUT, .key = B("c"), .value = B("3")},
	                                 {.what = PUT, .key = B("b"), .value = B("2")},
	                                 {.what = PUT, .key = B("d"), .value = B("4")},
	                                 {.what = PUT, .key = B("b"), .value = B("5")}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	let_go();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, HF_OK);
	for (size_t i = 2; i < ARRAY_LEN(callers); i++) /* one script, in the order in which they came */
		assert_int_equal(begun[i].rev, begun[i - 1].rev + 1);
	redis_rig_holds(rig, B("a"), "1");
	redis_rig_holds(rig, B("b"), "5");
	redis_rig_holds(rig, B("c"), "3");
	expect_shared(rig, 4, 1);
}

static void test_deletes_are_one_request(void **state)
{
	struct redis_rig *rig = *state;
	redis_rig_put(rig, B("a"), B("1"), 0);
	redis_rig_put(rig, B("c"), B("1"), 0);
	const struct caller callers[] = {{.what = DELETE, .key = B("-")},
	                                 {.what = DELETE, .key = B("c")},
	                                 {.what = DELETE, .key = B("b")},
	                                 {.what = DELETE, .key = B("a")}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	let_go();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		EXPECT_STATUS(begun[i].status, HF_OK);
		assert_int_equal(begun[i].existed, i == 1 || i == 3);
	}
	assert_int_equal(redis_rig_count(rig, NULL), 0);
	expect_shared(rig, 3, 1);
}

/* A record that is none fails the script for all: each learns of his own then. */
static void test_what_is_damaged_is_one_callers(void **state)
{
	struct redis_rig *rig = *state;
	redis_rig_put(rig, B("b"), B("1"), 0);
	redis_rig_does(rig, "HSET {holdfast:default}:records b damaged");
	const struct caller callers[] = {{.what = PUT, .key = B("first"), .value = B("1")},
	                                 {.what = PUT, .key = B("a"), .value = B("2")},
	                                 {.what = PUT, .key = B("b"), .value = B("3")},
	                                 {.what = PUT, .key = B("c"), .value = B("4")}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	let_go();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, i == 2 ? HF_E_CORRUPT : HF_OK);
	redis_rig_holds(rig, B("a"), "2");
	redis_rig_holds(rig, B("c"), "4");
	expect_shared(rig, 0, 1);
}

/* Each by his own deadline, whoever leads; who has not been sent is told so. */
static void test_deadlines_are_each_callers_own(void **state)
{
	struct redis_rig *rig = *state;
	const struct caller callers[] = {{.what = PUT, .key = B("first"), .value = B("1"), .timeout_ms = 60000},
	                                 {.what = PUT, .key = B("a"), .value = B("2"), .timeout_ms = 60000},
	                                 {.what = PUT, .key = B("b"), .value = B("3"), .timeout_ms = 300},
	                                 {.what = PUT, .key = B("c"), .value = B("4"), .timeout_ms = 60000}};
	begin_behind_the_first(rig, callers, ARRAY_LEN(callers));
	callers_wait_gathered(rig->kv->combine, 2); /* it has left */
	let_go();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, i == 2 ? HF_TIMEOUT : HF_OK);
	assert_int_equal(redis_rig_count(rig, NULL), 3);
	expect_shared(rig, 2, 1);
}

int main(void)
{
#define COMBINED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		COMBINED(test_what_unpacks_to_more_is_asked_for_alone),
		COMBINED(test_gets_are_one_request),
		COMBINED(test_puts_are_one_request),
		COMBINED(test_deletes_are_one_request),
		COMBINED(test_what_is_damaged_is_one_callers),
		COMBINED(test_deadlines_are_each_callers_own),
	};
	return cmocka_run_group_tests_name("combining on Redis", tests, redis_rig_start, redis_rig_stop);
}
