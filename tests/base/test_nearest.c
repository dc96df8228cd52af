/* "Did you mean": what is close and, as important, what is not. */
#include "base/macros.h"
#include "base/nearest.h"
#include "../check.h"

static const char *const words[] = {"queue", "codebase", "candidate", "schedule", "pg", "db", "migrate", "add", "up"};

static const char *of(const char *typed)
{
	const char *best = nearest_of(hf_str_of(typed), words, ARRAY_LEN(words));
	return best ? best : "";
}

static void typing_mistakes_are_close(UNUSED void **state)
{
	assert_string_equal(of("queu"), "queue");
	assert_string_equal(of("qeuue"), "queue");
	assert_string_equal(of("ad"), "add");
	assert_string_equal(of("addd"), "add");
	assert_string_equal(of("codebases"), "codebase");
	assert_string_equal(of("candidats"), "candidate");
	assert_string_equal(of("gp"), "pg");
	assert_string_equal(of("sched"), "schedule");
	assert_string_equal(of("mi"), "migrate");
}

static void strangers_are_not(UNUSED void **state)
{
	assert_string_equal(of(""), "");
	assert_string_equal(of("xy"), "");
	assert_string_equal(of("frobnicate"), "");
	assert_string_equal(of("zzzzz"), "");
	assert_string_equal(of("queuequeuequeuequeuequeuequeuequeuequeuequeuequeuequeuequeuequeuequeue"), "");
}

static void the_first_of_equals_wins(UNUSED void **state)
{
	const char *const pair[] = {"list", "last"};
	assert_string_equal(nearest_of(HF_STR("lxst"), pair, 2), "list");
	struct nearest search = nearest_to(HF_STR("last"));
	nearest_offer(&search, "list");
	assert_int_equal(search.distance, 1);
	nearest_offer(&search, "last");
	assert_string_equal(search.best, "last");
	assert_int_equal(search.distance, 0);
}

static void of_two_as_close_the_one_that_begins_alike_wins(UNUSED void **state)
{
	static const char *const straight[] = {"suite", "quiet"};
	assert_string_equal(nearest_of(HF_STR("quite"), straight, 2), "quiet");
	static const char *const reversed[] = {"quiet", "suite"};
	assert_string_equal(nearest_of(HF_STR("quite"), reversed, 2), "quiet");
}

static void swapped_letters_are_closer_than_a_wrong_one(UNUSED void **state)
{
	static const char *const alike[] = {"into", "init"};
	assert_string_equal(nearest_of(HF_STR("inti"), alike, 2), "init");
	assert_string_equal(nearest_of(HF_STR("inot"), alike, 2), "into");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(of_two_as_close_the_one_that_begins_alike_wins),
	        cmocka_unit_test(typing_mistakes_are_close),
	        cmocka_unit_test(strangers_are_not),
	        cmocka_unit_test(the_first_of_equals_wins),
	        cmocka_unit_test(swapped_letters_are_closer_than_a_wrong_one),
	};
	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
