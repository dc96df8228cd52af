/* Error texts: the origin wins, context goes in front, long texts are cut, NULL is allowed. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "../check.h"

static void words_and_exit_codes_follow_the_table(UNUSED void **state)
{
	assert_string_equal(hf_status_word(HF_NOT_FOUND), "not-found");
	assert_int_equal(hf_status_exit_code(HF_NOT_FOUND), 3);
	assert_int_equal(hf_status_exit_code(HF_E_UNAVAILABLE), 7);
	assert_string_equal(hf_status_word((enum hf_status)99), "unknown");
	assert_int_equal(hf_status_exit_code((enum hf_status)99), 1);
	assert_string_equal(hf_category_word(HF_CATEGORY_MISUSE), "misuse");
	assert_string_equal(hf_category_word((enum hf_category)99), "unknown");
	assert_string_equal(hf_action_word(HF_ACTION_FIX_CONFIG), "fix-config");
	assert_string_equal(hf_action_word((enum hf_action)99), "unknown");
}

static void setting_overwrites_everything(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	error_set(&err, HF_E_DB, "first");
	error_hint(&err, "try %d", 1);
	error_detail(&err, "some");
	assert_int_equal(error_set(&err, HF_CONFLICT, "second %s", "time"), HF_CONFLICT);
	assert_string_equal(err.message, "second time");
	assert_string_equal(err.hint, "");
	assert_string_equal(err.detail, "");
}

static void a_message_may_quote_itself(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	error_set(&err, HF_E_DB, "inner");
	error_set(&err, HF_E_DB, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: inner");
	error_prefix(&err, "line %d", 3);
	assert_string_equal(err.message, "line 3: outer: inner");
}

static void other_words_leave_the_rest(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	error_set(&err, HF_REJECTED, "first");
	error_detail(&err, "why");
	err.constraint[0] = 'c';
	error_reword(&err, "not %s", err.message);
	assert_string_equal(err.message, "not first");
	assert_string_equal(err.detail, "");
	assert_string_equal(err.constraint, "c");
	assert_int_equal(err.status, HF_REJECTED);
}

static void long_messages_are_cut(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char text[2000];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, HF_E_INPUT, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void errno_text_is_appended(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	errno = ENOENT;
	assert_int_equal(error_errno(&err, HF_E_FAILED, "could not open %s", "f"), HF_E_FAILED);
	assert_string_equal(err.message, "could not open f: No such file or directory");
	assert_int_equal(error_nomem(&err), HF_E_NOMEM);
}

static void null_is_allowed(UNUSED void **state)
{
	assert_int_equal(error_set(NULL, HF_TIMEOUT, "x"), HF_TIMEOUT);
	assert_int_equal(error_errno(NULL, HF_TIMEOUT, "x"), HF_TIMEOUT);
	error_hint(NULL, "x");
	error_detail(NULL, "x");
	error_prefix(NULL, "x");
	error_reword(NULL, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(words_and_exit_codes_follow_the_table),
	        cmocka_unit_test(setting_overwrites_everything),
	        cmocka_unit_test(a_message_may_quote_itself),
	        cmocka_unit_test(other_words_leave_the_rest),
	        cmocka_unit_test(long_messages_are_cut),
	        cmocka_unit_test(errno_text_is_appended),
	        cmocka_unit_test(null_is_allowed),
	};
	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
