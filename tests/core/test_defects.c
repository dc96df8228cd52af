/* The switchboard of upstream defects. */
#include <string.h>

#include "../check.h"
#include "base/macros.h"
#include "holdfast/defects.h"

static void each_defect_is_switched_alone(UNUSED void **state)
{
	for (int number = 1; number <= HF_DEFECT_COUNT; number++) {
		struct hf_defects set = HF_DEFECTS_NONE;
		hf_defects_keep(&set, number, true);
		for (int other = -1; other <= HF_DEFECT_COUNT + 60; other++)
			assert_int_equal(hf_defects_kept(&set, other), other == number);
		hf_defects_keep(&set, number, false);
		assert_int_equal(set.bits[0] | set.bits[1], 0);
	}
	struct hf_defects none = HF_DEFECTS_NONE;
	hf_defects_keep(&none, 0, true);
	hf_defects_keep(&none, 76, true);
	hf_defects_keep(&none, -1, true);
	assert_int_equal(none.bits[0] | none.bits[1], 0);
	assert_false(hf_defects_kept(NULL, 1));
}

static void sets_are_read_from_text(UNUSED void **state)
{
	static const struct {
		const char *text;
		bool d1, d27, d64, d75;
	} cases[] = {
		{"", false, false, false, false},
		{"correct", false, false, false, false},
		{"parity", true, true, true, true},
		{"D-27", false, true, false, false},
		{"correct,D-1,D-64", true, false, true, false},
		{"parity, -D-27 ,-D-75", true, false, true, false},
		{"D-27,-D-27", false, false, false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_defects set;
		EXPECT_OK(hf_defects_parse(hf_str_of(cases[i].text), &set, &err));
		bool as_wanted = hf_defects_kept(&set, 1) == cases[i].d1 && hf_defects_kept(&set, 27) == cases[i].d27 &&
		                 hf_defects_kept(&set, 64) == cases[i].d64 && hf_defects_kept(&set, 75) == cases[i].d75;
		if (!as_wanted)
			fail_msg("\"%s\" is read otherwise", cases[i].text);
	}
}

static void unknown_words_are_refused(UNUSED void **state)
{
	static const char *const wrong[] = {"exact",   "D-0",         "D-76",    "D27",
	                                    "-parity", "D-27,parity", "parity,", "D-99999999999"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_defects set = {{7, 7}};
		EXPECT_STATUS(hf_defects_parse(hf_str_of(wrong[i]), &set, &err), HF_E_INPUT);
		EXPECT_CONTAINS(err.message, "names no set of defects");
		assert_int_equal(set.bits[0], 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_defect_is_switched_alone),
		cmocka_unit_test(sets_are_read_from_text),
		cmocka_unit_test(unknown_words_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
