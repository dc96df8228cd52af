/* Durations and sizes: every unit, every way to be wrong, and text that reads back. */
#include "base/macros.h"
#include "base/quantity.h"
#include "../check.h"

static void durations_need_a_unit(UNUSED void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
	        {"30s", 30000}, {"250ms", 250}, {"5m", 300000}, {"1h30m", 5400000}, {"2d", 172800000}, {"1.5h", 5400000},
	        {"0", 0}, {"0s", 0}, {"1d2h3m4s5ms", 93784005}, {"0.0015s", 1}, {"30", -1}, {"", -1}, {"s", -1}, {"-5s", -1},
	        {"30m1h", -1}, {"1s1s", -1}, {"5 s", -1}, {"5S", -1}, {"1.s", -1}, {".5s", -1}, {"1.1234567s", -1},
	        {"5y", -1}, {"9223372036854775807s", -1}, {"99999999999999999999s", -1}, {"106751991167d7h12m55s808ms", -1},
	        {"106751991167d7h12m55s807ms", INT64_MAX}, {"1h30", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		assert_int_equal(quantity_duration_ms(hf_str_of(cases[i].text), &ms), cases[i].ms >= 0);
		if (cases[i].ms >= 0)
			assert_int_equal(ms, cases[i].ms);
	}
}

static void sizes_tell_binary_from_decimal(UNUSED void **state)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} cases[] = {
	        {"0", 0}, {"512", 512}, {"512B", 512}, {"64MiB", 64 << 20}, {"64M", 64 << 20}, {"1k", 1024}, {"10kB", 10000},
	        {"1.5GiB", 3LL << 29}, {"2TB", 2000000000000}, {"1T", 1LL << 40}, {"", -1}, {"MiB", -1}, {"-1", -1},
	        {"1MiB2", -1}, {"1mib", -1}, {"8388608TiB", -1}, {"1,5M", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t bytes = -1;
		assert_int_equal(quantity_size_bytes(hf_str_of(cases[i].text), &bytes), cases[i].bytes >= 0);
		if (cases[i].bytes >= 0)
			assert_int_equal(bytes, cases[i].bytes);
	}
}

static void numbers_are_decimal_and_finite(UNUSED void **state)
{
	double number = 0;
	assert_true(quantity_number(HF_STR("-1.5e3"), &number));
	assert_true(number == -1500);
	assert_true(quantity_number(HF_STR("1e300"), &number));
	static const char *const wrong[] = {"", "nan", "inf", "0x10", "1e400", "1.5x", "--1", "e", "1 "};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(quantity_number(hf_str_of(wrong[i]), &number));
	assert_false(quantity_number(HF_STR("1111111111111111111111111111111111111111111111111111111111111111"), &number));
}

static void text_reads_back(UNUSED void **state)
{
	static const int64_t values[] = {0, 1, 999, 1000, 5400000, 93784005, 86400000, INT64_MAX};
	char text[QUANTITY_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int64_t back = -1;
		quantity_duration_text(values[i], text);
		assert_true(quantity_duration_ms(hf_str_of(text), &back));
		assert_int_equal(back, values[i]);
		quantity_size_text(values[i], text);
		assert_true(quantity_size_bytes(hf_str_of(text), &back));
		assert_int_equal(back, values[i]);
	}
	quantity_duration_text(5400000, text);
	assert_string_equal(text, "1h30m");
	quantity_size_text(64 << 20, text);
	assert_string_equal(text, "64MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(durations_need_a_unit),
	        cmocka_unit_test(sizes_tell_binary_from_decimal),
	        cmocka_unit_test(numbers_are_decimal_and_finite),
	        cmocka_unit_test(text_reads_back),
	};
	return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
