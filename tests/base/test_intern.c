/* Numbering texts: stable, bounded, grows past its first table. */
#include <stdio.h>

#include "base/intern.h"
#include "base/str.h"
#include "../check.h"

static void numbers_are_dense_and_stable(UNUSED void **state)
{
	CLEANUP(intern_freep) struct intern *set = intern_new(100000);
	char text[16];
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "n%u", i);
		assert_int_equal(intern_add(set, hf_str_of(text)), i);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "n%u", i);
		assert_int_equal(intern_add(set, hf_str_of(text)), i);
		assert_int_equal(intern_find(set, hf_str_of(text)), i);
		assert_string_equal(intern_text(set, i).ptr, text);
	}
	assert_int_equal(intern_count(set), 5000);
	assert_int_equal(intern_find(set, HF_STR("absent")), INTERN_NONE);
	assert_int_equal(intern_add(set, HF_STR("")), 5000);
}

static void the_bound_holds(UNUSED void **state)
{
	CLEANUP(intern_freep) struct intern *set = intern_new(1);
	assert_int_equal(intern_add(set, HF_STR("a")), 0);
	assert_int_equal(intern_add(set, HF_STR("b")), INTERN_NONE);
	assert_int_equal(intern_add(set, HF_STR("a")), 0);
	intern_free(NULL);
}

/* In a table for 34,000 names: how many of its places are looked at first for so many names of one length, which
 * differ at their ends. By chance it is 26,500 of the 65,536. */
static void names_that_differ_at_the_end_have_places_of_their_own(UNUSED void **state)
{
	enum { NAMES = 34000, PLACES = 65536 };
	for (int length = 6; length <= 24; length++) {
		bool taken[PLACES] = {false};
		size_t places = 0;
		char text[32];
		for (int i = 0; i < NAMES; i++) {
			snprintf(text, sizeof(text), "%0*d", length, i);
			bool *place = &taken[intern_hash(hf_str_of(text)) % PLACES];
			places += !*place;
			*place = true;
		}
		if (places < 20000)
			fail_msg("length %d: %zu places", length, places);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers_are_dense_and_stable),
	        cmocka_unit_test(the_bound_holds),
	        cmocka_unit_test(names_that_differ_at_the_end_have_places_of_their_own),
	};
	return cmocka_run_group_tests_name("intern", tests, NULL, NULL);
}
