/* The moving minimum against a plain scan; quoting and publish modes. */
#include <stdlib.h>
#include <string.h>

#include "core/minimum.h"
#include "core/publish_mode.h"
#include "core/shellword.h"
#include "../check.h"

static int64_t scan(const struct minimum *minimum)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < minimum->nvalues; i++)
		least = minimum->values[i] < least ? minimum->values[i] : least;
	return least;
}

static void the_minimum_equals_a_scan(UNUSED void **state)
{
	unsigned seed = 20240601;
	print_message("# seed %u\n", seed);
	struct minimum minimum = MINIMUM_INIT;
	int64_t got = 0;
	assert_false(minimum_get(&minimum, &got));
	for (int i = 0; i < 20000; i++) {
		int64_t value = rand_r(&seed) % 1000 - 500;
		if (minimum.nvalues < 300 || rand_r(&seed) % 50 == 0)
			assert_true(minimum_add(&minimum, value));
		else
			assert_true(minimum_set(&minimum, (uint32_t)rand_r(&seed) % (uint32_t)minimum.nvalues, value));
		assert_true(minimum_get(&minimum, &got));
		assert_int_equal(got, scan(&minimum));
	}
	minimum_deinit(&minimum);
}

static void words_are_quoted_like_the_original(UNUSED void **state)
{
	static const struct {
		const char *word, *quoted;
	} cases[] = {
	        {"brz", "brz"}, {"", "''"}, {"--revision=a@b.c-1_x,/:%+", "--revision=a@b.c-1_x,/:%+"},
	        {"a b", "'a b'"}, {"it's", "'it'\"'\"'s'"}, {"é", "'é'"}, {"a;b", "'a;b'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf;
		buf_init(&buf, 100);
		shellword_add(&buf, hf_str_of(cases[i].word));
		assert_true(str_eq(buf_str(&buf), hf_str_of(cases[i].quoted)));
		buf_deinit(&buf);
	}
}

static void modes_have_their_worth(UNUSED void **state)
{
	const struct hf_defects parity = hf_defects_all();
	int32_t value = -1;
	assert_true(publish_mode_value(HF_STR("propose"), NULL, &value));
	assert_int_equal(value, 400);
	assert_true(publish_mode_value(HF_STR("skip"), NULL, &value));
	assert_int_equal(value, 0);
	value = -1;
	assert_true(publish_mode_value(HF_STR("push-derived"), NULL, &value));
	assert_int_equal(value, 200);
	value = -1;
	assert_false(publish_mode_value(HF_STR("push-derived"), &parity, &value));
	assert_false(publish_mode_value((struct hf_str){NULL, 0}, NULL, &value));
	assert_int_equal(value, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_minimum_equals_a_scan),
	        cmocka_unit_test(words_are_quoted_like_the_original),
	        cmocka_unit_test(modes_have_their_worth),
	};
	return cmocka_run_group_tests_name("minimum", tests, NULL, NULL);
}
