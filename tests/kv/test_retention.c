/* Which checkpoints stay: the newest, of hours, of days, young ones, pinned ones, those of another name. */
#include "../check.h"
#include "base/macros.h"
#include "kv/retention.h"

#define HOUR INT64_C(3600000000)
enum { POINTS = 8 };
#define NOW (HOUR * 24 * 20000 + HOUR * 10 + HOUR / 2)

/* The newest first: two of this hour, one of the hour before, two of yesterday, three of the day before. */
static const struct hf_kv_checkpoint points[POINTS] = {
	{.created_us = NOW, .name = HF_STR_INIT("a")},
	{.created_us = NOW - 1, .name = HF_STR_INIT("b")},
	{.created_us = NOW - HOUR, .name = HF_STR_INIT("a")},
	{.created_us = NOW - 20 * HOUR, .name = HF_STR_INIT("b")},
	{.created_us = NOW - 21 * HOUR},
	{.created_us = NOW - 40 * HOUR, .pinned = true},
	{.created_us = NOW - 41 * HOUR},
	{.created_us = NOW - 41 * HOUR - 1},
};

static const uint64_t bytes[POINTS] = {10, 20, 0, 30, 40, 50, 60, UINT64_MAX};

/* "x" goes, "." stays. */
static void want(struct hf_kv_prune what, const char *expected)
{
	char got[POINTS + 1] = "";
	bool goes[POINTS];
	size_t count = retention_choose(&what, points, what.bytes ? bytes : NULL, POINTS, NOW, goes), going = 0;
	for (size_t i = 0; i < POINTS; i++) {
		got[i] = goes[i] ? 'x' : '.';
		going += goes[i];
	}
	assert_string_equal(got, expected);
	assert_int_equal(count, going);
}

static void test_rules(void **state)
{
	(void)state;
	want((struct hf_kv_prune){0}, "xxxxx.xx");
	want((struct hf_kv_prune){.keep = 2}, "..xxx.xx");
	want((struct hf_kv_prune){.keep = 8}, "........");
	want((struct hf_kv_prune){.hourly = 1}, ".xxxx.xx");
	want((struct hf_kv_prune){.hourly = 2}, ".x.xx.xx");
	want((struct hf_kv_prune){.hourly = 3}, ".x..x.xx");
	want((struct hf_kv_prune){.daily = 2}, ".xx.x.xx");
	want((struct hf_kv_prune){.daily = 3}, ".xx.x.xx"); /* the pinned one is that day's */
	want((struct hf_kv_prune){.keep = 1, .hourly = 3, .daily = 2}, ".x..x.xx");
	want((struct hf_kv_prune){.older_than_us = 20 * HOUR + 1}, "....x.xx");
	want((struct hf_kv_prune){.name = "a"}, "x.x.....");
	want((struct hf_kv_prune){.name = "a", .keep = 1}, "..x.....");
	want((struct hf_kv_prune){.name = "c"}, "........");
	want((struct hf_kv_prune){.bytes = 9}, "xxxxx.xx");
	want((struct hf_kv_prune){.bytes = 60}, "....x.xx");
	want((struct hf_kv_prune){.bytes = 59}, "...xx.xx");
	want((struct hf_kv_prune){.bytes = UINT64_MAX - 1}, ".......x");
	want((struct hf_kv_prune){.bytes = 60, .keep = 2}, "..xxx.xx");
	want((struct hf_kv_prune){.bytes = 10, .keep = 2}, ".xxxx.xx");
	want((struct hf_kv_prune){.bytes = 10, .name = "a"}, "........");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(retention_choose(&(struct hf_kv_prune){0}, NULL, NULL, 0, NOW, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_nothing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
