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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers_are_dense_and_stable),
	        cmocka_unit_test(the_bound_holds),
	};
	return cmocka_run_group_tests_name("intern", tests, NULL, NULL);
}
