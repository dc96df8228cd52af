/* The root object: defaults, injected clock and randomness, log levels. */
#include <string.h>

#include "base/context.h"
#include "../check.h"

static int64_t fixed_clock(void *user)
{
	return *(int64_t *)user;
}

static void the_clock_is_injected(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	int64_t now = 5000;
	struct hf_context_options options = {
	        .size = sizeof(options), .user = &now, .monotonic_us = fixed_clock, .wall_us = fixed_clock};
	CLEANUP(context_freep) hf_context *ctx = NULL;
	EXPECT_OK(hf_context_new(&options, &ctx, &err));
	assert_int_equal(hf_now_monotonic_us(ctx), 5000);
	assert_int_equal(hf_now_wall_us(ctx), 5000);
	assert_int_equal(hf_deadline_in(ctx, 2), 7000);
	assert_int_equal(hf_deadline_in(ctx, -5), 1); /* 0 would mean the default */
	assert_true(hf_deadline_in(ctx, INT64_MAX) == INT64_MAX);
	assert_true(hf_deadline_in(ctx, INT64_MIN) == INT64_MIN);
}

static void defaults_come_from_the_system(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(context_freep) hf_context *ctx = NULL;
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	assert_true(hf_now_monotonic_us(ctx) > 0);
	assert_true(hf_now_wall_us(ctx) > 1700000000000000);
	assert_true(context_random_u64(ctx) != context_random_u64(ctx));
	assert_non_null(hf_context_metrics(ctx));
	assert_false(context_logs(ctx, HF_LOG_ERROR));
	hf_context_free(NULL);
}

static void a_wrong_size_is_refused(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_context_options options = {.size = 3};
	hf_context *ctx = NULL;
	EXPECT_STATUS(hf_context_new(&options, &ctx, &err), HF_E_USAGE);
	assert_null(ctx);
	EXPECT_CONTAINS(err.message, "size is 3");
}

static void remember(void *user, UNUSED enum hf_log_level level, const char *event,
                     const struct hf_log_field *fields, size_t nfields)
{
	snprintf(user, 64, "%s %zu %s", event, nfields, nfields ? fields[0].name : "");
}

static void events_pass_by_level(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char seen[64] = "";
	struct hf_context_options options = {
	        .size = sizeof(options), .user = seen, .log = remember, .log_level = HF_LOG_INFO};
	CLEANUP(context_freep) hf_context *ctx = NULL;
	EXPECT_OK(hf_context_new(&options, &ctx, &err));
	context_log(ctx, HF_LOG_DEBUG, "hidden", NULL, 0);
	assert_string_equal(seen, "");
	const struct hf_log_field fields[] = {field_text("a", "b"), field_int("n", 1), field_us("took_ms", 2)};
	context_log(ctx, HF_LOG_INFO, "shown", fields, ARRAY_LEN(fields));
	assert_string_equal(seen, "shown 3 a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_clock_is_injected),
	        cmocka_unit_test(defaults_come_from_the_system),
	        cmocka_unit_test(a_wrong_size_is_refused),
	        cmocka_unit_test(events_pass_by_level),
	};
	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
