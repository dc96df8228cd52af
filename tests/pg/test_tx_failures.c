/*
 * test_tx_failures.c - transactions whose BEGIN, SAVEPOINT, ROLLBACK or COMMIT goes wrong on the way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "double_rig.h"

static enum hf_status nothing(UNUSED hf_where tx, void *user, UNUSED hf_error *err)
{
	if (user)
		++*(int *)user;
	return HF_OK;
}

static void on_commit(void *user)
{
	++*(int *)user;
}

static enum hf_status ask_to_be_told(hf_where tx, void *user, hf_error *err)
{
	return hf_transaction_on_commit(tx, on_commit, user, err);
}

static void a_lost_begin_did_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int runs = 0;
	SCRIPT({.expect = "BEGIN", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, nothing, &runs, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RECONNECT);
	assert_int_equal(runs, 0);
}

static void a_refused_begin_runs_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int runs = 0;
	struct hf_transaction_options options = {.size = sizeof(options), .lock_timeout_ms = 5, .attempts_max = 1};
	SCRIPT({.expect = "BEGIN;SET LOCAL lock_timeout=5", .sqlstate = "42501", .message = "permission denied"});
	EXPECT_STATUS(hf_transaction(bench->where, &options, nothing, &runs, &err), HF_E_DENIED);
	assert_int_equal(runs, 0);
	assert_false(bench->connection->broken);
}

static void a_lost_commit_is_never_sent_again(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int told = 0;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, ask_to_be_told, &told, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(err.action, HF_ACTION_UNKNOWN);
	assert_int_equal(told, 0);
	assert_int_equal(metrics_value(hf_context_metrics(bench->ctx), METRIC_OUTCOMES_UNKNOWN), 1);
}

static void a_lost_commit_of_a_reader_is_no_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_transaction_options options = {.size = sizeof(options), .read_only = true};
	SCRIPT({.expect = "BEGIN READ ONLY"}, {.expect = "COMMIT", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_transaction(bench->where, &options, nothing, NULL, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RECONNECT);
}

static void a_commit_cancelled_in_time_is_a_rollback(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .event = DOUBLE_SILENT});
	hf_where where = hf_until(bench->where, hf_deadline_in(bench->ctx, 1000));
	EXPECT_STATUS(hf_transaction(where, NULL, nothing, NULL, &err), HF_TIMEOUT);
	assert_int_equal(metrics_value(hf_context_metrics(bench->ctx), METRIC_CANCELS), 1);
	assert_int_equal(metrics_value(hf_context_metrics(bench->ctx), METRIC_OUTCOMES_UNKNOWN), 0);
}

static void a_commit_that_wins_the_race_is_committed(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int told = 0;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .event = DOUBLE_RACES, .tag = "COMMIT"});
	hf_where where = hf_until(bench->where, hf_deadline_in(bench->ctx, 1000));
	EXPECT_OK(hf_transaction(where, NULL, ask_to_be_told, &told, &err));
	assert_int_equal(told, 1);
}

static void a_commit_that_is_not_answered_is_unknown(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .event = DOUBLE_DEAF});
	hf_where where = hf_until(bench->where, hf_deadline_in(bench->ctx, 1000));
	EXPECT_STATUS(hf_transaction(where, NULL, nothing, NULL, &err), HF_E_OUTCOME_UNKNOWN);
	assert_true(bench->connection->broken);
}

static void a_commit_answered_by_rollback_is_no_success(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int told = 0;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .tag = "ROLLBACK"});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, ask_to_be_told, &told, &err), HF_E_DB);
	EXPECT_CONTAINS(err.message, "rolled the transaction back instead of committing it");
	assert_int_equal(err.category, HF_CATEGORY_TRANSACTION_STATE);
	assert_int_equal(told, 0);
}

static enum hf_status give_in(UNUSED hf_where tx, UNUSED void *user, UNUSED hf_error *err)
{
	return HF_STOP;
}

static void a_rollback_that_fails_costs_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "ROLLBACK", .event = DOUBLE_DEAF});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, give_in, NULL, &err), HF_STOP);
	assert_true(bench->connection->broken);
}

static enum hf_status nest(hf_where tx, void *user, hf_error *err)
{
	return hf_transaction(tx, NULL, user ? give_in : nothing, NULL, err);
}

static void a_refused_savepoint_ends_the_transaction(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "SAVEPOINT hf_1", .sqlstate = "53200", .message = "out of memory"},
	       {.expect = "ROLLBACK"});
	struct hf_transaction_options once = {.size = sizeof(once), .attempts_max = 1};
	EXPECT_STATUS(hf_transaction(bench->where, &once, nest, NULL, &err), HF_BUSY);
	assert_string_equal(err.sqlstate, "53200");
}

static void a_refused_release_rolls_back_to_it(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "SAVEPOINT hf_1"},
	       {.expect = "RELEASE SAVEPOINT hf_1", .sqlstate = "XX000", .message = "no"},
	       {.expect = "ROLLBACK TO SAVEPOINT hf_1;RELEASE SAVEPOINT hf_1"}, {.expect = "ROLLBACK"});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, nest, NULL, &err), HF_E_DB);
}

static void a_savepoint_that_cannot_be_rolled_back_costs_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "SAVEPOINT hf_1"}, {.expect = "ROLLBACK TO", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, nest, bench, &err), HF_STOP);
	assert_true(bench->connection->broken);
}

static enum hf_status interrupted(UNUSED hf_where tx, void *user, UNUSED hf_error *err)
{
	struct bench *bench = user;
	hf_context_interrupt(bench->ctx);
	return HF_OK;
}

static void an_interruption_rolls_back(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "ROLLBACK"});
	EXPECT_STATUS(hf_transaction(bench->where, NULL, interrupted, bench, &err), HF_E_INTERRUPTED);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_up, bench_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ON_BENCH(a_lost_begin_did_nothing),
	        ON_BENCH(a_refused_begin_runs_nothing),
	        ON_BENCH(a_lost_commit_is_never_sent_again),
	        ON_BENCH(a_lost_commit_of_a_reader_is_no_doubt),
	        ON_BENCH(a_commit_cancelled_in_time_is_a_rollback),
	        ON_BENCH(a_commit_that_wins_the_race_is_committed),
	        ON_BENCH(a_commit_that_is_not_answered_is_unknown),
	        ON_BENCH(a_commit_answered_by_rollback_is_no_success),
	        ON_BENCH(a_rollback_that_fails_costs_the_connection),
	        ON_BENCH(a_refused_savepoint_ends_the_transaction),
	        ON_BENCH(a_refused_release_rolls_back_to_it),
	        ON_BENCH(a_savepoint_that_cannot_be_rolled_back_costs_the_connection),
	        ON_BENCH(an_interruption_rolls_back),
	};
	return cmocka_run_group_tests_name("tx_failures", tests, NULL, NULL);
}
