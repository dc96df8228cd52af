/* Calendar, numeric, interval and uuid conversions: edges, refusals, and the way back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "base/macros.h"
#include "holdfast/values.h"

static const struct {
	struct hf_civil civil;
	int64_t us;
	const char *text;
} moments[] = {
	{{2000, 1, 1, 0, 0, 0, 0}, 0, "2000-01-01T00:00:00.000000"},
	{{1999, 12, 31, 23, 59, 59, 999999}, -1, "1999-12-31T23:59:59.999999"},
	{{2024, 2, 29, 12, 34, 56, 7}, INT64_C(762525296000007), "2024-02-29T12:34:56.000007"},
	{{1970, 1, 1, 0, 0, 0, 0}, INT64_C(-946684800000000), "1970-01-01T00:00:00.000000"},
	{{1900, 3, 1, 0, 0, 0, 0}, INT64_C(-3150576000000000), "1900-03-01T00:00:00.000000"},
	{{-4713, 11, 24, 0, 0, 0, 0}, INT64_C(-211813488000000000), "-4713-11-24T00:00:00.000000"},
	{{294276, 12, 31, 23, 59, 59, 999999}, INT64_C(9223371331199999999), "294276-12-31T23:59:59.999999"},
};

static void timestamps_go_there_and_back(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		struct hf_timestamp timestamp = {0};
		struct hf_civil civil;
		char text[HF_TIMESTAMP_TEXT_MAX];
		assert_int_equal(hf_timestamp_from_civil(&moments[i].civil, &timestamp), HF_OK);
		assert_true(timestamp.us == moments[i].us);
		assert_int_equal(hf_timestamp_to_civil(timestamp, &civil), HF_OK);
		assert_memory_equal(&civil, &moments[i].civil, sizeof(civil));
		assert_int_equal(hf_timestamp_to_text(timestamp, "", text, sizeof(text)), HF_OK);
		assert_string_equal(text, moments[i].text);
	}
}

static void every_day_of_eight_centuries_goes_there_and_back(UNUSED void **state)
{
	int32_t previous = 0;
	for (int32_t day = -150000; day < 150000; day++) {
		struct hf_civil civil = {0};
		struct hf_date date = {day}, back;
		assert_int_equal(hf_date_to_civil(date, &civil), HF_OK);
		assert_int_equal(hf_date_from_civil(&civil, &back), HF_OK);
		assert_int_equal(back.days, day);
		assert_true(previous == 0 || civil.day == 1 || civil.day == previous + 1);
		previous = civil.day;
	}
}

static void what_is_no_date_is_refused(UNUSED void **state)
{
	static const struct hf_civil bad[] = {
		{2023, 2, 29, 0, 0, 0, 0},     {1900, 2, 29, 0, 0, 0, 0},     {2024, 13, 1, 0, 0, 0, 0},
		{2024, 0, 1, 0, 0, 0, 0},      {2024, 4, 31, 0, 0, 0, 0},     {2024, 1, 1, 24, 0, 0, 0},
		{2024, 1, 1, 0, 60, 0, 0},     {2024, 1, 1, 0, 0, 60, 0},     {2024, 1, 1, 0, 0, 0, 1000000},
		{294277, 1, 1, 0, 0, 0, 0},    {-4713, 11, 23, 23, 0, 0, 0},  {2024, 1, 1, -1, 0, 0, 0},
		{INT32_MAX, 1, 1, 0, 0, 0, 0}, {INT32_MIN, 1, 1, 0, 0, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hf_timestamp timestamp = {42};
		assert_int_equal(hf_timestamp_from_civil(&bad[i], &timestamp), HF_REJECTED);
		assert_true(timestamp.us == 42);
	}
	struct hf_date date;
	assert_int_equal(hf_date_from_civil(&bad[0], &date), HF_REJECTED);
}

static void infinities_are_no_dates(UNUSED void **state)
{
	struct hf_civil civil;
	char text[HF_TIMESTAMP_TEXT_MAX];
	int64_t us;
	assert_int_equal(hf_timestamp_to_civil((struct hf_timestamp){INT64_MAX}, &civil), HF_REJECTED);
	assert_int_equal(hf_date_to_civil((struct hf_date){INT32_MIN}, &civil), HF_REJECTED);
	assert_int_equal(hf_timestamptz_to_unix_us((struct hf_timestamptz){INT64_MIN}, &us), HF_REJECTED);
	assert_int_equal(hf_timestamp_to_text((struct hf_timestamp){INT64_MIN}, "Z", text, sizeof(text)), HF_OK);
	assert_string_equal(text, "-infinity");
	assert_int_equal(hf_timestamp_to_text((struct hf_timestamp){0}, "Z", text, 10), HF_E_LIMIT);
}

static void unix_time_goes_there_and_back(UNUSED void **state)
{
	struct hf_timestamptz timestamp;
	int64_t us = 0;
	assert_int_equal(hf_timestamptz_from_unix_us(INT64_C(1714979289000001), &timestamp), HF_OK);
	assert_true(timestamp.us == INT64_C(768294489000001));
	assert_int_equal(hf_timestamptz_to_unix_us(timestamp, &us), HF_OK);
	assert_true(us == INT64_C(1714979289000001));
	assert_int_equal(hf_timestamptz_from_unix_us(INT64_MIN, &timestamp), HF_REJECTED);
	assert_int_equal(hf_timestamptz_to_unix_us((struct hf_timestamptz){INT64_MAX - 1}, &us), HF_REJECTED);
}

static void intervals_with_months_have_no_length(UNUSED void **state)
{
	int64_t us = 0;
	assert_int_equal(hf_interval_to_us((struct hf_interval){5, -1, 0}, &us), HF_OK);
	assert_true(us == INT64_C(-86399999995));
	assert_int_equal(hf_interval_to_us((struct hf_interval){5, 0, 1}, &us), HF_REJECTED);
	assert_int_equal(hf_interval_to_us((struct hf_interval){INT64_MAX, 1, 0}, &us), HF_REJECTED);
	assert_int_equal(hf_interval_to_us((struct hf_interval){0, INT32_MAX, 0}, &us), HF_REJECTED);
	assert_int_equal(hf_interval_to_us((struct hf_interval){0, INT32_MIN, 0}, &us), HF_REJECTED);
}

#define DIGITS(literal) (const uint8_t *)(literal), (sizeof(literal) - 1) / 2
static const struct {
	struct hf_numeric numeric;
	const char *text;
	double number;
	bool whole;
	int64_t integer;
} numbers[] = {
	{{DIGITS(""), 0, 0, 0}, "0", 0, true, 0},
	{{DIGITS(""), 0, 0, 2}, "0.00", 0, true, 0},
	{{DIGITS("\0\14\x13\x88"), 0, 0x4000, 2}, "-12.50", -12.5, false, 0},
	{{DIGITS("\0\1"), 2, 0, 0}, "100000000", 1e8, true, 100000000},
	{{DIGITS("\0\1"), -2, 0, 8}, "0.00000001", 1e-8, false, 0},
	{{DIGITS("\0\1\0\0\x27\x0f"), 1, 0, 4}, "10000.9999", 10000.9999, false, 0},
	{{DIGITS("\3\x9a\x0d\x2c\1\x70\x15\x65\x16\xaf"), 4, 0, 0},
	 "9223372036854775807",
	 9223372036854775807.0,
	 true,
	 INT64_MAX},
	{{DIGITS("\3\x9a\x0d\x2c\1\x70\x15\x65\x16\xb0"), 4, 0x4000, 0},
	 "-9223372036854775808",
	 -9223372036854775808.0,
	 true,
	 INT64_MIN},
	{{DIGITS("\3\x9a\x0d\x2c\1\x70\x15\x65\x16\xb0"), 4, 0, 0},
	 "9223372036854775808",
	 9223372036854775808.0,
	 false,
	 0},
	{{DIGITS(""), 0, 0xd000, 0}, "Infinity", HUGE_VAL, false, 0},
	{{DIGITS(""), 0, 0xf000, 0}, "-Infinity", -HUGE_VAL, false, 0},
};

static void numerics_become_text_and_numbers(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char text[64];
		int64_t integer = 77;
		assert_int_equal(hf_numeric_to_text(&numbers[i].numeric, text, sizeof(text)), HF_OK);
		assert_string_equal(text, numbers[i].text);
		assert_true(hf_numeric_to_double(&numbers[i].numeric) == numbers[i].number);
		assert_int_equal(hf_numeric_to_i64(&numbers[i].numeric, &integer),
				 numbers[i].whole ? HF_OK : HF_REJECTED);
		assert_true(integer == (numbers[i].whole ? numbers[i].integer : 77));
	}
	const struct hf_numeric nan = {.sign = 0xc000};
	char text[8];
	assert_true(isnan(hf_numeric_to_double(&nan)));
	assert_int_equal(hf_numeric_to_text(&nan, text, sizeof(text)), HF_OK);
	assert_string_equal(text, "NaN");
}

static void numerics_come_from_text(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct hf_numeric *expected = &numbers[i].numeric;
		uint8_t digits[64];
		struct hf_numeric read;
		struct hf_str text = hf_str_of(numbers[i].text);
		assert_int_equal(hf_numeric_from_text(text, digits, text.len / 2 + 4, &read), HF_OK);
		assert_int_equal(read.ndigits, expected->ndigits);
		assert_int_equal(read.weight, expected->weight);
		assert_int_equal(read.sign, expected->sign);
		assert_int_equal(read.dscale, expected->dscale);
		assert_memory_equal(read.digits, expected->digits, 2 * (size_t)expected->ndigits);
	}
}

static void numerics_of_other_forms(UNUSED void **state)
{
	static const struct {
		const char *text, *back;
	} forms[] = {{"-0", "0"},
	             {"-0.0", "0.0"},
	             {"00012", "12"},
	             {".5", "0.5"},
	             {"7.", "7"},
	             {"0.000100", "0.000100"},
	             {"-12345.6789", "-12345.6789"},
	             {"NaN", "NaN"},
	             {"Infinity", "Infinity"},
	             {"-Infinity", "-Infinity"}};
	static const char *const wrong[] = {"",   "-",  ".", "-.",  "1.2.3", "1e5", " 1",
	                                    "1 ", "+1", "x", "nan", "--1",   "1,5"};
	struct hf_numeric read = {.dscale = 77};
	uint8_t digits[16];
	char back[32];
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(hf_numeric_from_text(hf_str_of(forms[i].text), digits, sizeof(digits), &read), HF_OK);
		assert_int_equal(hf_numeric_to_text(&read, back, sizeof(back)), HF_OK);
		assert_string_equal(back, forms[i].back);
	}
	read.dscale = 77;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(hf_numeric_from_text(hf_str_of(wrong[i]), digits, sizeof(digits), &read), HF_REJECTED);
	assert_int_equal(hf_numeric_from_text(hf_str_of("123456789"), digits, 4, &read), HF_E_LIMIT);
	assert_int_equal(read.dscale, 77);
}

static void a_numeric_has_so_many_decimals(UNUSED void **state)
{
	enum { WHOLE = 131072, DSCALE = 16383 };
	static char text[WHOLE + DSCALE + 3];
	static uint8_t digits[sizeof(text) / 2 + 4];
	struct hf_numeric read;
	memset(text, '9', sizeof(text));
	text[WHOLE] = '.';
	struct hf_str most = {text, WHOLE + 1 + DSCALE};
	assert_int_equal(hf_numeric_from_text(most, digits, sizeof(digits), &read), HF_OK);
	assert_int_equal(read.weight, INT16_MAX);
	assert_int_equal(read.dscale, DSCALE);
	most.len++;
	assert_int_equal(hf_numeric_from_text(most, digits, sizeof(digits), &read), HF_REJECTED);
	text[WHOLE] = '9';
	assert_int_equal(hf_numeric_from_text((struct hf_str){text, WHOLE + 1}, digits, sizeof(digits), &read),
	                 HF_REJECTED);
}

static void numeric_text_is_bounded(UNUSED void **state)
{
	const struct hf_numeric huge = {DIGITS("\0\1"), INT16_MAX, 0, 0};
	char text[16];
	for (size_t size = 0; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(hf_numeric_to_text(&huge, text, size), HF_E_LIMIT);
		assert_true(size == 0 || strlen(text) < size);
		assert_int_equal(text[size], 'x');
	}
	int64_t integer;
	assert_int_equal(hf_numeric_to_i64(&huge, &integer), HF_REJECTED);
	assert_true(isinf(hf_numeric_to_double(&huge)));
}

static void long_numerics_round_by_all_their_digits(UNUSED void **state)
{
	/* 2^53 + 1 is half way; a last digit far behind decides. */
	uint8_t digits[2 * 300];
	static const uint16_t half_way[] = {9007, 1992, 5474, 993};
	memset(digits, 0, sizeof(digits));
	for (size_t i = 0; i < ARRAY_LEN(half_way); i++) {
		digits[2 * i] = (uint8_t)(half_way[i] >> 8);
		digits[2 * i + 1] = (uint8_t)half_way[i];
	}
	struct hf_numeric number = {digits, 300, 3, 0, 1184};
	assert_true(hf_numeric_to_double(&number) == 9007199254740992.0);
	digits[2 * 299 + 1] = 1;
	assert_true(hf_numeric_to_double(&number) == 9007199254740994.0);
}

static void uuids_go_there_and_back(UNUSED void **state)
{
	struct hf_uuid uuid, untouched = {{9}};
	char text[HF_UUID_TEXT_MAX];
	assert_int_equal(hf_uuid_from_text(HF_STR("01234567-89AB-cdef-0123-456789abcdef"), &uuid), HF_OK);
	hf_uuid_to_text(&uuid, text);
	assert_string_equal(text, "01234567-89ab-cdef-0123-456789abcdef");
	assert_int_equal(hf_uuid_from_text(HF_STR("01234567-89ab-cdef-0123-456789abcde"), &untouched), HF_REJECTED);
	assert_int_equal(hf_uuid_from_text(HF_STR("01234567x89ab-cdef-0123-456789abcdef"), &untouched), HF_REJECTED);
	assert_int_equal(hf_uuid_from_text(HF_STR("0123456g-89ab-cdef-0123-456789abcdef"), &untouched), HF_REJECTED);
	assert_int_equal(untouched.bytes[0], 9);
}

static void addresses_read_as_the_server_writes_them(UNUSED void **state)
{
	static const struct {
		struct hf_inet inet;
		const char *text;
	} cases[] = {
		{{4, 32, false, {10, 1, 2, 3}}, "10.1.2.3"},
		{{4, 8, false, {10, 1, 2, 3}}, "10.1.2.3/8"},
		{{4, 32, true, {10, 1, 2, 3}}, "10.1.2.3/32"},
		{{4, 0, true, {0}}, "0.0.0.0/0"},
		{{6, 128, false, {[15] = 1}}, "::1"},
		{{6, 32, true, {0x20, 0x01, 0x0d, 0xb8}}, "2001:db8::/32"},
		{{6, 128, false, {[10] = 255, 255, 1, 2, 3, 4}}, "::ffff:1.2.3.4"},
	};
	char text[HF_INET_TEXT_MAX] = "untouched";
	const struct hf_inet none = {0};
	assert_int_equal(hf_inet_to_text(&none, text), HF_REJECTED);
	assert_string_equal(text, "untouched");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(hf_inet_to_text(&cases[i].inet, text), HF_OK);
		assert_string_equal(text, cases[i].text);
	}
}

static void bits_count_from_the_left(UNUSED void **state)
{
	const struct hf_bits bits = {(const uint8_t *)"\xa0\x40", 10};
	const bool set[] = {1, 0, 1, 0, 0, 0, 0, 0, 0, 1};
	for (uint32_t i = 0; i < ARRAY_LEN(set); i++)
		assert_int_equal(hf_bit(bits, i), set[i]);
	assert_false(hf_bit(bits, 10));
}

static void bounds_of_ranges_may_be_absent(UNUSED void **state)
{
	assert_true(hf_range_has_lower(0) && hf_range_has_upper(HF_RANGE_UPPER_INC));
	assert_false(hf_range_has_lower(HF_RANGE_EMPTY) || hf_range_has_upper(HF_RANGE_EMPTY));
	assert_false(hf_range_has_lower(HF_RANGE_LOWER_INF) || hf_range_has_upper(HF_RANGE_UPPER_INF));
	assert_true(hf_range_has_lower(HF_RANGE_UPPER_INF) && hf_range_has_upper(HF_RANGE_LOWER_INF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamps_go_there_and_back),
		cmocka_unit_test(every_day_of_eight_centuries_goes_there_and_back),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(infinities_are_no_dates),
		cmocka_unit_test(unix_time_goes_there_and_back),
		cmocka_unit_test(intervals_with_months_have_no_length),
		cmocka_unit_test(numerics_become_text_and_numbers),
		cmocka_unit_test(numerics_come_from_text),
		cmocka_unit_test(numerics_of_other_forms),
		cmocka_unit_test(a_numeric_has_so_many_decimals),
		cmocka_unit_test(numeric_text_is_bounded),
		cmocka_unit_test(long_numerics_round_by_all_their_digits),
		cmocka_unit_test(uuids_go_there_and_back),
		cmocka_unit_test(addresses_read_as_the_server_writes_them),
		cmocka_unit_test(bits_count_from_the_left),
		cmocka_unit_test(bounds_of_ranges_may_be_absent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
