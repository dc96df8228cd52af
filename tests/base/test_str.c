/* Views and the growing buffer: edges of empty, overflow and bound. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "../check.h"

static void views_compare_by_bytes(UNUSED void **state)
{
	assert_true(str_eq(HF_STR("ab"), HF_STR("ab")));
	assert_true(str_eq((struct hf_str){NULL, 0}, HF_STR("")));
	assert_false(str_eq(HF_STR("ab"), HF_STR("abc")));
	assert_int_equal(str_cmp(HF_STR("ab"), HF_STR("abc")), -1);
	assert_int_equal(str_cmp(HF_STR("b"), HF_STR("abc")), 1);
	assert_int_equal(str_cmp(HF_STR("\xff"), HF_STR("a")), 1);
	assert_true(str_starts(HF_STR("abc"), HF_STR("ab")));
	assert_false(str_starts(HF_STR("a"), HF_STR("ab")));
	assert_true(str_ends(HF_STR("abc"), HF_STR("bc")));
	assert_false(str_ends(HF_STR("c"), HF_STR("bc")));
	assert_int_equal(str_find(HF_STR("abc"), 'c'), 2);
	assert_int_equal(str_find(HF_STR(""), 'c'), -1);
	assert_int_equal(str_find_str(HF_STR("a--b"), HF_STR("--")), 1);
	assert_int_equal(str_find_str(HF_STR("a-b"), HF_STR("--")), -1);
	assert_true(str_eq(str_trim(HF_STR(" \t x y\r\n")), HF_STR("x y")));
	assert_int_equal(str_trim(HF_STR(" \n")).len, 0);
}

static void split_yields_every_piece_once(UNUSED void **state)
{
	struct hf_str rest = HF_STR("a,,b,"), piece;
	const char *expected[] = {"a", "", "b", ""};
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(str_split(&rest, ',', &piece));
		assert_true(str_eq(piece, hf_str_of(expected[i])));
	}
	assert_false(str_split(&rest, ',', &piece));
}

static void integers_are_whole_and_in_range(UNUSED void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
	        {"0", true, 0}, {"-1", true, -1}, {"+7", true, 7}, {"", false, 0}, {"-", false, 0}, {"1 ", false, 0},
	        {"9223372036854775807", true, INT64_MAX}, {"9223372036854775808", false, 0},
	        {"-9223372036854775808", true, INT64_MIN}, {"-9223372036854775809", false, 0}, {"0x1", false, 0},
	        {"99999999999999999999", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;
		assert_int_equal(str_to_i64(hf_str_of(cases[i].text), &value), cases[i].ok);
		assert_int_equal(value, cases[i].value);
	}
}

static void utf8_is_checked_strictly(UNUSED void **state)
{
	static const struct {
		const char *text;
		bool ok;
		size_t bad;
	} cases[] = {
	        {"", true, 0}, {"abc", true, 0}, {"\xc3\xa9", true, 0}, {"a\xc3", false, 1}, {"\xc0\x80", false, 0},
	        {"\xed\xa0\x80", false, 0}, {"\xf4\x90\x80\x80", false, 0}, {"\xf0\x9f\x98\x80", true, 0},
	        {"\xe0\x80\x80", false, 0}, {"ok\xff", false, 2}, {"\xf0\x80\x80\x80", false, 0}, {"\xe2\x28\xa1", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t bad = 0;
		assert_int_equal(str_is_utf8(hf_str_of(cases[i].text), &bad), cases[i].ok);
		assert_int_equal(bad, cases[i].bad);
	}
	assert_false(str_is_utf8((struct hf_str){"a\0b", 3}, NULL));
}

static void a_buffer_stops_at_its_maximum(UNUSED void **state)
{
	struct buf buf;
	buf_init(&buf, 10);
	assert_int_equal(buf_str(&buf).len, 0);
	buf_add_text(&buf, "12345");
	buf_printf(&buf, "%d", 67890);
	assert_true(buf_ok(&buf));
	buf_add_char(&buf, 'x');
	assert_false(buf_ok(&buf));
	buf_add_text(&buf, "");
	assert_false(buf_ok(&buf));
	assert_true(str_eq(buf_str(&buf), HF_STR("1234567890")));
	buf_clear(&buf);
	assert_true(buf_ok(&buf));
	buf_add(&buf, (struct hf_str){NULL, 0});
	assert_int_equal(buf_str(&buf).len, 0);
	buf_deinit(&buf);
}

static void a_buffer_grows_past_its_first_block(UNUSED void **state)
{
	struct buf buf;
	buf_init(&buf, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%04d", i);
	assert_int_equal(buf.len, 4000);
	assert_memory_equal(buf.ptr + 3996, "0999", 5);
	buf_deinit(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(views_compare_by_bytes),
	        cmocka_unit_test(split_yields_every_piece_once),
	        cmocka_unit_test(integers_are_whole_and_in_range),
	        cmocka_unit_test(utf8_is_checked_strictly),
	        cmocka_unit_test(a_buffer_stops_at_its_maximum),
	        cmocka_unit_test(a_buffer_grows_past_its_first_block),
	};
	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
