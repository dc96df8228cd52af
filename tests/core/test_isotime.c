/* Moments as workers write them; the expected ones were read by Python's datetime.fromisoformat. */
#include <string.h>

#include "../check.h"
#include "base/macros.h"
#include "core/isotime.h"

static const struct {
	const char *text;
	enum isotime_fault fault;
	int64_t us;
} cases[] = {
	{"2000-01-01T00:00:00", ISOTIME_FINE, 0},
	{"2000-01-01", ISOTIME_FINE, 0},
	{"2000-01-02 03", ISOTIME_FINE, INT64_C(97200000000)},
	{"2000-01-02T03:04", ISOTIME_FINE, INT64_C(97440000000)},
	{"2024-02-29T12:34:56.000007", ISOTIME_FINE, INT64_C(762525296000007)},
	{"2024-02-29x12:34:56.5", ISOTIME_FINE, INT64_C(762525296500000)},
	{"2024-02-29T12:34:56,1234569", ISOTIME_FINE, INT64_C(762525296123456)},
	{"0001-01-01T00:00:00", ISOTIME_FINE, INT64_C(-63082281600000000)},
	{"9999-12-31T23:59:59.999999", ISOTIME_FINE, INT64_C(252455615999999999)},
	{"2024-02-29T12:34:56Z", ISOTIME_ZONED, 0},
	{"2024-02-29T12:34:56.5+01:00", ISOTIME_ZONED, 0},
	{"2024-02-29T12:34-0130", ISOTIME_ZONED, 0},
	{"2024-02-29T12:34:56+01:02:03", ISOTIME_ZONED, 0},
	{"", ISOTIME_MALFORMED, 0},
	{"2024", ISOTIME_MALFORMED, 0},
	{"2024-2-29", ISOTIME_MALFORMED, 0},
	{"2023-02-29", ISOTIME_MALFORMED, 0},
	{"0000-01-01", ISOTIME_MALFORMED, 0},
	{"10000-01-01", ISOTIME_MALFORMED, 0},
	{"-999-01-01", ISOTIME_MALFORMED, 0},
	{"2024-01-01T", ISOTIME_MALFORMED, 0},
	{"2024-01-01T1", ISOTIME_MALFORMED, 0},
	{"2024-01-01T24:00:00", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:60", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:60", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:59.", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:59 ", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:59+1", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:59+01:", ISOTIME_MALFORMED, 0},
	{"2024-01-01T23:59:59Zulu", ISOTIME_MALFORMED, 0},
	{"yesterday", ISOTIME_MALFORMED, 0},
};

static void moments_are_read_as_python_reads_them(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hf_timestamp time = {-7};
		enum isotime_fault fault = isotime_parse(hf_str_of(cases[i].text), &time);
		if (fault != cases[i].fault || time.us != (fault == ISOTIME_FINE ? cases[i].us : -7))
			fail_msg("\"%s\": %d, %lld", cases[i].text, (int)fault, (long long)time.us);
	}
}

static void no_prefix_reads_beyond_its_end(UNUSED void **state)
{
	const char whole[] = "2024-02-29T12:34:56.123456+01:02:03";
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *copy = test_malloc(len + 1); /* cmocka guards its ends */
		struct hf_timestamp time;
		memcpy(copy, whole, len);
		isotime_parse((struct hf_str){copy, len}, &time);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_are_read_as_python_reads_them),
		cmocka_unit_test(no_prefix_reads_beyond_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
