/* Reasons of a health report: the worst first, and no more than there is room for. */
#include <string.h>

#include "../check.h"
#include "base/blame.h"
#include "base/macros.h"

enum { MAX = 3 };
static char reasons[MAX][BLAME_BYTES_MAX];
static size_t count;
static enum hf_health_state worst;

static void PRINTF_LIKE(2, 3) blame(enum hf_health_state state, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	blame_add(reasons, MAX, &count, &worst, state, format, args);
	va_end(args);
}

static void the_worst_comes_first(UNUSED void **user)
{
	blame(HF_DEGRADED, "%s", "late");
	assert_int_equal(worst, HF_DEGRADED);
	blame(HF_UNHEALTHY, "gone since %d s", 5);
	blame(HF_DEGRADED, "full");
	blame(HF_UNHEALTHY, "one too many");
	assert_int_equal(count, MAX);
	assert_int_equal(worst, HF_UNHEALTHY);
	assert_string_equal(reasons[0], "gone since 5 s");
	assert_string_equal(reasons[1], "late");
	assert_string_equal(reasons[2], "full");
}

static void there_is_room_for_a_worse_one(UNUSED void **user)
{
	count = 0;
	worst = HF_HEALTHY;
	for (int i = 0; i < MAX + 2; i++)
		blame(HF_DEGRADED, "late %d", i);
	blame(HF_UNHEALTHY, "gone");
	assert_int_equal(count, MAX);
	assert_int_equal(worst, HF_UNHEALTHY);
	assert_string_equal(reasons[0], "gone");
	assert_string_equal(reasons[1], "late 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_comes_first),
		cmocka_unit_test(there_is_room_for_a_worse_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
