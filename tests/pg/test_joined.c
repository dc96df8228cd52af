/*
 * test_joined.c - transactions of two round trips, by a script: what goes with what, and what of it goes wrong.
 */
#include <string.h>

#include "base/metrics.h"
#include "double_rig.h"
#include "pg/joined.h"
#include "pg/query_run.h"

static const struct hf_query touch = {
	.abi = HF_QUERY_ABI, .name = "touch", .sql = "UPDATE t SET i = 1", .sql_len = 18, .statement = "hf_touch"};

static const struct hf_query look = {.abi = HF_QUERY_ABI,
                                     .name = "look",
                                     .sql = "SELECT 1",
                                     .sql_len = 8,
                                     .statement = "hf_look",
                                     .flags = HF_QUERY_READ_ONLY};

#define PREPARES                        \
	{.expect = "prepare hf_touch"}, \
	{                               \
		.expect = "hf_touch"    \
	} /* and describes */
#define TOUCHES                                         \
	{                                               \
		.expect = "hf_touch", .tag = "UPDATE 1" \
	}
#define BEGINS                                    \
	{                                         \
		.expect = "BEGIN", .tag = "BEGIN" \
	}
#define COMMITS                                     \
	{                                           \
		.expect = "COMMIT", .tag = "COMMIT" \
	}

struct doing {
	int times, last; /* statements; after which COMMIT goes along, 0 = with none */
	int runs;
};

static enum hf_status act(hf_where tx, void *user, hf_error *err)
{
	struct doing *doing = user;
	enum hf_status status = HF_OK;
	doing->runs++;
	for (int i = 1; i <= doing->times && status == HF_OK; i++) {
		if (i == doing->last)
			tx_last(tx);
		status = hf_query_exec(tx, &touch, NULL, NULL, err);
	}
	return status;
}

static enum hf_status run(struct bench *bench, struct doing *doing, hf_error *err)
{
	const struct hf_transaction_options how = {.size = sizeof(how), .isolation = HF_READ_COMMITTED};
	return tx_joined(bench->where, &how, act, doing, err);
}

static int64_t unknown(const struct bench *bench)
{
	return (int64_t)metrics_value(hf_context_metrics(bench->ctx), METRIC_OUTCOMES_UNKNOWN);
}

static void begin_goes_with_the_first_and_commit_with_the_last(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 3, .last = 3};
	SCRIPT(PREPARES, {.expect = "BEGIN ISOLATION LEVEL READ COMMITTED", .tag = "BEGIN"}, TOUCHES, TOUCHES, TOUCHES,
	       COMMITS);
	EXPECT_OK(run(*state, &doing, &err));
	assert_int_equal(doing.runs, 1);
}

static void one_statement_may_be_first_and_last(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 1, .last = 1};
	SCRIPT(PREPARES, BEGINS, TOUCHES, COMMITS);
	EXPECT_OK(run(*state, &doing, &err));
}

static void without_a_last_one_commit_goes_alone(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 1};
	SCRIPT(PREPARES, BEGINS, TOUCHES, COMMITS);
	EXPECT_OK(run(*state, &doing, &err));
}

static void what_runs_nothing_sends_nothing(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 0};
	double_script(NULL, 0);
	EXPECT_OK(run(*state, &doing, &err));
}

static enum hf_status command(hf_where tx, UNUSED void *user, hf_error *err)
{
	return hf_sql_exec(tx, HF_STR("SELECT 1"), NULL, 0, NULL, err);
}

static void what_cannot_go_along_waits_for_begin(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT(BEGINS, {.expect = "SELECT 1", .tag = "SELECT 1"}, COMMITS);
	EXPECT_OK(tx_joined(bench->where, NULL, command, NULL, &err));
}

static enum hf_status command_twice(hf_where tx, UNUSED void *user, hf_error *err)
{
	(void)hf_sql_exec(tx, HF_STR("SELECT 1"), NULL, 0, NULL, NULL);
	return hf_sql_exec(tx, HF_STR("SELECT 1"), NULL, 0, NULL, err);
}

/* Without it what follows would be committed one by one. */
static void a_begin_that_failed_is_still_due(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN", .sqlstate = "53200", .message = "out of memory"}, BEGINS,
	       {.expect = "SELECT 1", .tag = "SELECT 1"}, COMMITS);
	EXPECT_OK(tx_joined(bench->where, NULL, command_twice, NULL, &err));
}

static enum hf_status touch_twice(hf_where tx, UNUSED void *user, hf_error *err)
{
	(void)hf_query_exec(tx, &touch, NULL, NULL, NULL);
	return hf_query_exec(tx, &touch, NULL, NULL, err);
}

static void so_is_one_that_went_along(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT(PREPARES, {.expect = "BEGIN", .sqlstate = "53200", .message = "out of memory"}, {.expect = "hf_touch"},
	       BEGINS, TOUCHES, COMMITS);
	EXPECT_OK(tx_joined(bench->where, NULL, touch_twice, NULL, &err));
}

static enum hf_status hide(hf_where tx, UNUSED void *user, UNUSED hf_error *err)
{
	(void)hf_sql_exec(tx, HF_STR("SELECT 1"), NULL, 0, NULL, NULL);
	return HF_OK;
}

static enum hf_status hide_touch(hf_where tx, UNUSED void *user, UNUSED hf_error *err)
{
	(void)hf_query_exec(tx, &touch, NULL, NULL, NULL);
	return HF_OK;
}

/* Nothing ran: that is no success, though the function says so. */
static void a_begin_that_failed_cannot_be_hidden(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN", .sqlstate = "42501", .message = "permission denied"});
	EXPECT_STATUS(tx_joined(bench->where, NULL, hide, NULL, &err), HF_E_DENIED);
	assert_string_equal(err.sqlstate, "42501");
}

static void nor_can_one_that_went_along(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT(PREPARES, {.expect = "BEGIN", .sqlstate = "42501", .message = "permission denied"},
	       {.expect = "hf_touch"});
	EXPECT_STATUS(tx_joined(bench->where, NULL, hide_touch, NULL, &err), HF_E_DENIED);
}

static enum hf_status hide_two(hf_where tx, void *user, hf_error *err)
{
	(void)hide(tx, user, err);
	return hide(tx, user, err);
}

static enum hf_status hide_two_touches(hf_where tx, void *user, hf_error *err)
{
	(void)hide_touch(tx, user, err);
	return hide_touch(tx, user, err);
}

/* What failed in the transaction is why it was rolled back, not that it took two attempts to begin. */
static void a_begin_that_failed_is_over_with_one_that_did_not(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN", .sqlstate = "42501", .message = "permission denied"}, BEGINS,
	       {.expect = "SELECT 1", .sqlstate = "22012", .message = "division by zero"},
	       {.expect = "COMMIT", .tag = "ROLLBACK"});
	EXPECT_STATUS(tx_joined(bench->where, NULL, hide_two, NULL, &err), HF_REJECTED);
	assert_string_equal(err.sqlstate, "22012");
}

static void so_is_one_that_failed_on_its_way_along(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT(PREPARES, {.expect = "BEGIN", .sqlstate = "42501", .message = "permission denied"}, {.expect = "hf_touch"},
	       BEGINS, {.expect = "hf_touch", .sqlstate = "23505", .message = "there is one"},
	       {.expect = "COMMIT", .tag = "ROLLBACK"});
	EXPECT_STATUS(tx_joined(bench->where, NULL, hide_two_touches, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
}

static void a_commit_is_timed_wherever_it_goes(void **state)
{
	const struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct doing last = {.times = 1, .last = 1}, alone = {.times = 1};
	SCRIPT(PREPARES, BEGINS, TOUCHES, COMMITS, BEGINS, TOUCHES, COMMITS);
	EXPECT_OK(run(*state, &last, &err));
	assert_int_equal(metrics_value(hf_context_metrics(bench->ctx), METRIC_COMMIT_DURATION), 1);
	EXPECT_OK(run(*state, &alone, &err));
	assert_int_equal(metrics_value(hf_context_metrics(bench->ctx), METRIC_COMMIT_DURATION), 2);
}

static void a_refused_statement_leaves_commit_behind(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "hf_touch", .sqlstate = "23505", .message = "there is one"},
	       COMMITS, {.expect = "ROLLBACK"});
	EXPECT_STATUS(run(*state, &doing, &err), HF_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
	assert_int_equal(doing.runs, 1);
	assert_int_equal(unknown(*state), 0);
}

static void a_refused_first_is_rolled_back(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, {.expect = "hf_touch", .sqlstate = "42501", .message = "permission denied"},
	       {.expect = "ROLLBACK"});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_DENIED);
}

static void a_deadlock_with_commit_behind_it_is_repeated(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "hf_touch", .sqlstate = "40P01", .message = "deadlock"}, COMMITS,
	       {.expect = "ROLLBACK"}, BEGINS, TOUCHES, TOUCHES, COMMITS);
	EXPECT_OK(run(*state, &doing, &err));
	assert_int_equal(doing.runs, 2);
}

static void a_commit_that_is_refused_is_an_error(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 1, .last = 1};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "COMMIT", .sqlstate = "23503", .message = "deferred"});
	assert_int_not_equal(run(*state, &doing, &err), HF_OK);
	assert_string_equal(err.sqlstate, "23503");
	assert_int_equal(unknown(*state), 0);
}

static void a_commit_answered_by_rollback_is_no_success(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 1, .last = 1};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "COMMIT", .tag = "ROLLBACK"});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_DB);
	EXPECT_CONTAINS(err.message, "rolled the transaction back instead of committing it");
}

static void a_lost_commit_is_unknown_and_never_repeated(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, TOUCHES, TOUCHES, {.expect = "COMMIT", .event = DOUBLE_LOST});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(err.action, HF_ACTION_UNKNOWN);
	assert_int_equal(doing.runs, 1);
	assert_int_equal(unknown(*state), 1);
}

/* In the place of the statement's answer: the server itself ends before COMMIT; a relay knows nothing of it. */
static void who_says_that_the_session_ends_counts(void **state)
{
	static const struct {
		const char *sqlstate, *routine;
		enum hf_status status;
	} cases[] = {{"57P01", "ProcessInterrupts", HF_E_UNAVAILABLE},
	             {"57P01", NULL, HF_E_OUTCOME_UNKNOWN},
	             {"57P02", NULL, HF_E_OUTCOME_UNKNOWN},
	             {"08006", NULL, HF_E_OUTCOME_UNKNOWN},
	             {"08P01", NULL, HF_E_OUTCOME_UNKNOWN}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct doing doing = {.times = 1, .last = 1};
		struct double_step steps[] = {PREPARES, BEGINS, {.expect = "hf_touch", .event = DOUBLE_DIES}, COMMITS};
		struct double_step *ends = &steps[ARRAY_LEN(steps) - 2];
		ends->sqlstate = cases[i].sqlstate;
		ends->routine = cases[i].routine;
		if (i > 0 && (bench_down(state) != 0 || bench_up(state) != 0))
			fail();
		double_script(steps, ARRAY_LEN(steps));
		enum hf_status status = run(*state, &doing, &err);
		if (status != cases[i].status)
			fail_msg("%s, %s: %s", cases[i].sqlstate, cases[i].routine, hf_status_word(status));
		assert_int_equal(doing.runs, 1);
	}
}

static const struct double_step unsent = {.event = DOUBLE_SEND_FAILS};

static void a_commit_whose_sync_is_not_sent_is_unknown(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, TOUCHES, TOUCHES, {.expect = "COMMIT", .tag = "COMMIT", .at_sync = &unsent});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(doing.runs, 1);
	assert_int_equal(unknown(*state), 1);
}

static void without_commit_it_is_no_doubt(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, {.expect = "hf_touch", .tag = "UPDATE 1", .at_sync = &unsent});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_UNAVAILABLE);
	assert_int_equal(unknown(*state), 0);
}

static enum hf_status touch_and_look(hf_where tx, void *user, hf_error *err)
{
	struct doing *doing = user;
	doing->runs++;
	enum hf_status status = hf_query_exec(tx, &touch, NULL, NULL, err);
	tx_last(tx);
	return status == HF_OK ? hf_query_exec(tx, &look, NULL, NULL, err) : status;
}

static void a_look_that_ends_a_transaction_is_not_repeated(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {0};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "prepare hf_look"}, {.expect = "hf_look"},
	       {.expect = "hf_look", .tag = "SELECT 1"}, {.expect = "COMMIT", .event = DOUBLE_LOST});
	EXPECT_STATUS(tx_joined(bench->where, NULL, touch_and_look, &doing, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(err.action, HF_ACTION_UNKNOWN);
	assert_int_equal(doing.runs, 1);
}

static void lost_before_commit_was_sent_is_no_doubt(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	SCRIPT(PREPARES, BEGINS, {.expect = "hf_touch", .event = DOUBLE_LOST});
	EXPECT_STATUS(run(*state, &doing, &err), HF_E_UNAVAILABLE);
	assert_int_equal(unknown(*state), 0);
}

static void one_that_is_too_late_is_cancelled_with_all(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct doing doing = {.times = 2, .last = 2};
	const struct hf_transaction_options how = {.size = sizeof(how)};
	SCRIPT(PREPARES, BEGINS, TOUCHES, {.expect = "hf_touch", .event = DOUBLE_SILENT},
	       COMMITS); /* the last is skipped */
	hf_where where = hf_until(bench->where, hf_deadline_in(bench->ctx, 1000));
	EXPECT_STATUS(tx_joined(where, &how, act, &doing, &err), HF_TIMEOUT);
	assert_int_equal(unknown(bench), 0);
}

#define DOUBLE(test) cmocka_unit_test_setup_teardown(test, bench_up, bench_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOUBLE(begin_goes_with_the_first_and_commit_with_the_last),
		DOUBLE(one_statement_may_be_first_and_last),
		DOUBLE(without_a_last_one_commit_goes_alone),
		DOUBLE(what_runs_nothing_sends_nothing),
		DOUBLE(what_cannot_go_along_waits_for_begin),
		DOUBLE(a_begin_that_failed_is_still_due),
		DOUBLE(so_is_one_that_went_along),
		DOUBLE(a_begin_that_failed_cannot_be_hidden),
		DOUBLE(nor_can_one_that_went_along),
		DOUBLE(a_begin_that_failed_is_over_with_one_that_did_not),
		DOUBLE(so_is_one_that_failed_on_its_way_along),
		DOUBLE(a_commit_is_timed_wherever_it_goes),
		DOUBLE(a_refused_statement_leaves_commit_behind),
		DOUBLE(a_refused_first_is_rolled_back),
		DOUBLE(a_deadlock_with_commit_behind_it_is_repeated),
		DOUBLE(a_commit_that_is_refused_is_an_error),
		DOUBLE(a_commit_answered_by_rollback_is_no_success),
		DOUBLE(a_lost_commit_is_unknown_and_never_repeated),
		DOUBLE(who_says_that_the_session_ends_counts),
		DOUBLE(a_commit_whose_sync_is_not_sent_is_unknown),
		DOUBLE(without_commit_it_is_no_doubt),
		DOUBLE(a_look_that_ends_a_transaction_is_not_repeated),
		DOUBLE(lost_before_commit_was_sent_is_no_doubt),
		DOUBLE(one_that_is_too_late_is_cancelled_with_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
