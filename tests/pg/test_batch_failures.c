/* A batch whose connection breaks, falls silent or comes late, at each point of it: who was told what. */
#include <stdlib.h>
#include <string.h>

#include "double_rig.h"
#include "pg/wire.h"

enum { COUNT = 5, STEPS_MAX = 400 };

static struct hf_batch_item answers[STEPS_MAX];
static struct double_step steps[STEPS_MAX];
static size_t nsteps;

struct number_in {
	int32_t number;
};
static const struct hf_field number_params[] = {
	{"number", &hf_type_int4, offsetof(struct number_in, number), HF_NEVER_NULL}};
static const Oid int4_type[] = {WIRE_INT4};
static const struct hf_query put_query = {.abi = HF_QUERY_ABI,
                                          .name = "put",
                                          .sql = "INSERT INTO t VALUES ($1)",
                                          .sql_len = 25,
                                          .statement = "hf_0000000000000put",
                                          .params = number_params,
                                          .nparams = 1};
static const struct number_in inputs[STEPS_MAX];

static void again(struct bench *bench)
{
	hf_error err = HF_ERROR_INIT;
	hf_connection_free(bench->connection);
	double_done();
	EXPECT_OK(hf_connection_open(bench->ctx, bench->settings, NULL, 0, &bench->connection, &err));
	bench->where = hf_on_connection(bench->connection);
}

static void add_step(struct double_step step)
{
	assert_true(nsteps < STEPS_MAX);
	steps[nsteps++] = step;
}

/* The prepare, then `count` executions that work. */
static struct double_step *script_items(bool in_tx, size_t count)
{
	nsteps = 0;
	if (in_tx)
		add_step((struct double_step){.expect = "BEGIN"});
	add_step((struct double_step){.expect = "prepare"});
	add_step((struct double_step){.expect = "describe", .nparams = 1, .param_types = int4_type});
	struct double_step *first = &steps[nsteps];
	for (size_t i = 0; i < count; i++)
		add_step((struct double_step){.expect = "execute", .tag = "INSERT 0 1"});
	return first;
}

static enum hf_status run(struct bench *bench, const struct hf_query *query, size_t count, hf_error *err)
{
	double_script(steps, nsteps);
	memset(answers, 0x55, sizeof(answers));
	return hf_query_batch(bench->where, query, inputs, sizeof(inputs[0]), count, answers, err);
}

static void expect_outcome(size_t from, size_t to, enum hf_batch_outcome outcome)
{
	for (size_t i = from; i < to; i++)
		if (answers[i].outcome != outcome)
			fail_msg("items[%zu] has outcome %d, not %d", i, (int)answers[i].outcome, (int)outcome);
}

/* Nothing but what a Sync confirms can have been committed. */
static void a_send_that_fails_has_done_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	for (size_t k = 0; k < COUNT; k++) {
		struct double_step *items = script_items(false, k + 1);
		items[k].event = DOUBLE_SEND_FAILS;
		EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_E_UNAVAILABLE);
		assert_int_equal(err.action, HF_ACTION_RECONNECT);
		expect_outcome(0, k, HF_BATCH_UNDONE);
		expect_outcome(k, COUNT, HF_BATCH_SKIPPED);
		assert_true(bench->connection->broken);
		again(bench);
	}
}

/* The Sync was on its way by then: it may have been served. */
static void an_answer_that_never_came_is_in_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	for (size_t k = 0; k < COUNT; k++) {
		struct double_step *items = script_items(false, COUNT);
		items[k].event = DOUBLE_LOST;
		EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
		assert_int_equal(err.action, HF_ACTION_UNKNOWN);
		expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
		assert_true(bench->connection->broken);
		again(bench);
	}
}

/* The server may have done what it answers. */
static void so_is_what_libpq_cannot_hold_an_answer_of(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	for (size_t k = 0; k < COUNT; k++) {
		struct double_step *items = script_items(false, COUNT);
		items[k].status = PGRES_FATAL_ERROR;
		items[k].message = "out of memory for query result\n";
		EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
		assert_int_equal(err.action, HF_ACTION_UNKNOWN);
		expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
		assert_true(bench->connection->broken);
		again(bench);
	}
}

static void a_lost_commit_is_in_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct double_step lost = {.event = DOUBLE_LOST};
	script_items(false, COUNT)[COUNT - 1].at_sync = &lost;
	EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
	expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
	assert_int_equal(answers[0].rows, 0);
}

static void a_repeatable_batch_leaves_no_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_query query = put_query;
	query.flags = HF_QUERY_IDEMPOTENT;
	script_items(false, COUNT)[2].event = DOUBLE_LOST;
	EXPECT_STATUS(run(bench, &query, COUNT, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RECONNECT);
	expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
}

/* An error before the end came: whatever was lost behind it, it was not committed. */
static void a_known_error_outlives_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct double_step lost = {.event = DOUBLE_LOST};
	struct double_step *items = script_items(false, COUNT);
	items[2].sqlstate = "23505";
	items[COUNT - 1].at_sync = &lost;
	EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_CONFLICT);
	expect_outcome(0, 2, HF_BATCH_UNDONE);
	expect_outcome(2, 3, HF_BATCH_FAILED);
	expect_outcome(3, COUNT, HF_BATCH_SKIPPED);
	assert_true(bench->connection->broken);
}

static void a_shutdown_within_the_batch_is_in_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct double_step *items = script_items(false, COUNT);
	items[2] = (struct double_step){.event = DOUBLE_DIES, .sqlstate = "57P01", .message = "terminating connection"};
	EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
	assert_string_equal(err.sqlstate, "57P01");
	expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
}

static enum hf_status batch_in_tx(hf_where tx, UNUSED void *user, hf_error *err)
{
	return hf_query_batch(tx, &put_query, inputs, sizeof(inputs[0]), COUNT, answers, err);
}

static void lost_in_a_transaction_it_is_undone(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_transaction_options once = {.size = sizeof(once), .attempts_max = 1};
	script_items(true, COUNT)[COUNT - 1].event = DOUBLE_LOST;
	double_script(steps, nsteps);
	EXPECT_STATUS(hf_transaction(bench->where, &once, batch_in_tx, bench, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
	expect_outcome(0, COUNT, HF_BATCH_UNDONE);
}

static void independent_items_that_were_confirmed_stay_done(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_query query = put_query;
	query.flags = HF_QUERY_INDEPENDENT;
	for (size_t k = 0; k < COUNT; k++) {
		struct double_step *items = script_items(false, COUNT);
		items[k].event = DOUBLE_LOST;
		if (k > 0)
			items[0].sqlstate = "23505";
		EXPECT_STATUS(run(bench, &query, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
		expect_outcome(0, k > 0, HF_BATCH_FAILED);
		expect_outcome(k > 0, k, HF_BATCH_DONE);
		expect_outcome(k, COUNT, HF_BATCH_UNKNOWN);
		again(bench);
	}
}

static void an_error_of_the_sync_belongs_to_no_item(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct double_step refused = {.sqlstate = "23503", .message = "no such parent"};
	script_items(false, COUNT)[COUNT - 1].at_sync = &refused;
	EXPECT_STATUS(run(bench, &put_query, COUNT, &err), HF_REJECTED);
	assert_string_equal(err.message, "at the end of the batch: no such parent");
	expect_outcome(0, COUNT, HF_BATCH_UNDONE);
	assert_false(bench->connection->broken);
}

/* ---- deadlines ---- */

static enum hf_status run_soon(struct bench *bench, size_t count, hf_error *err)
{
	bench->where = hf_until(bench->where, hf_deadline_in(bench->ctx, 20));
	return run(bench, &put_query, count, err);
}

static void a_confirmed_cancel_undoes_it(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	script_items(false, COUNT)[COUNT - 1].event = DOUBLE_SILENT;
	EXPECT_STATUS(run_soon(bench, COUNT, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "items[4]: the deadline passed and the statement was cancelled");
	expect_outcome(0, COUNT - 1, HF_BATCH_UNDONE);
	expect_outcome(COUNT - 1, COUNT, HF_BATCH_FAILED);
	assert_int_equal(double_cancel_count(), 1);
	assert_false(bench->connection->broken);
}

static void an_answer_that_wins_the_race_counts(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	script_items(false, COUNT)[COUNT - 1].event = DOUBLE_RACES;
	EXPECT_OK(run_soon(bench, COUNT, &err));
	expect_outcome(0, COUNT, HF_BATCH_DONE);
	assert_false(bench->connection->broken);
}

static void a_deaf_server_leaves_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	script_items(false, COUNT)[COUNT - 1].event = DOUBLE_DEAF;
	EXPECT_STATUS(run_soon(bench, COUNT, &err), HF_E_OUTCOME_UNKNOWN);
	expect_outcome(0, COUNT, HF_BATCH_UNKNOWN);
	assert_true(bench->connection->broken);
}

/* The cancel found nothing to cancel, and half of the batch was not sent: its Sync must not commit the other half. */
static void what_was_sent_of_a_late_batch_is_made_to_fail(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	script_items(false, 256)[255].event = DOUBLE_RACES;
	add_step((struct double_step){.expect = "describe holdfast gave up a batch", .sqlstate = "26000"});
	EXPECT_STATUS(run_soon(bench, 300, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "the deadline passed");
	assert_string_equal(err.sqlstate, "");
	expect_outcome(0, 256, HF_BATCH_UNDONE);
	expect_outcome(256, 300, HF_BATCH_SKIPPED);
	assert_false(bench->connection->broken);
}

static void a_deaf_server_before_the_end_leaves_no_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	script_items(false, 256)[255].event = DOUBLE_DEAF;
	add_step((struct double_step){.expect = "describe holdfast gave up a batch", .sqlstate = "26000"});
	EXPECT_STATUS(run_soon(bench, 300, &err), HF_TIMEOUT);
	expect_outcome(0, 256, HF_BATCH_UNDONE);
	expect_outcome(256, 300, HF_BATCH_SKIPPED);
	assert_true(bench->connection->broken);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_send_that_fails_has_done_nothing),
		CASE(an_answer_that_never_came_is_in_doubt),
		CASE(so_is_what_libpq_cannot_hold_an_answer_of),
		CASE(a_lost_commit_is_in_doubt),
		CASE(a_repeatable_batch_leaves_no_doubt),
		CASE(a_known_error_outlives_the_connection),
		CASE(a_shutdown_within_the_batch_is_in_doubt),
		CASE(lost_in_a_transaction_it_is_undone),
		CASE(independent_items_that_were_confirmed_stay_done),
		CASE(an_error_of_the_sync_belongs_to_no_item),
		CASE(a_confirmed_cancel_undoes_it),
		CASE(an_answer_that_wins_the_race_counts),
		CASE(a_deaf_server_leaves_doubt),
		CASE(what_was_sent_of_a_late_batch_is_made_to_fail),
		CASE(a_deaf_server_before_the_end_leaves_no_doubt),
	};
	return cmocka_run_group_tests_name("batch_failures", tests, NULL, NULL);
}
