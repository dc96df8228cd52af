/* What a real server does not do on demand: deaths, silence, lost answers, refused and hanging logins. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "double_rig.h"
#include "pg/statements.h"

static enum hf_status run_sql(struct bench *bench, const char *sql, hf_error *err)
{
	return hf_sql_exec(bench->where, hf_str_of(sql), NULL, 0, NULL, err);
}

static hf_where within_ms(struct bench *bench, int64_t ms)
{
	return hf_until(bench->where, hf_deadline_in(bench->ctx, ms));
}

/* ---- a statement's connection breaks ---- */

static void a_failed_send_leaves_no_doubt(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_SEND_FAILS});
	EXPECT_STATUS(run_sql(bench, "INSERT", &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RECONNECT);
	assert_true(bench->connection->broken);
	EXPECT_STATUS(run_sql(bench, "INSERT", &err), HF_E_UNAVAILABLE); /* nothing more is sent */
}

static void a_lost_answer_leaves_the_outcome_unknown(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_LOST});
	EXPECT_STATUS(run_sql(bench, "INSERT", &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(err.action, HF_ACTION_UNKNOWN);
	EXPECT_CONTAINS(err.message, "server closed the connection unexpectedly");
	assert_null(strchr(err.message, '\n'));
	assert_true(bench->connection->broken);
}

static enum hf_status insert_in(hf_where tx, void *user, hf_error *err)
{
	(void)user;
	return hf_sql_exec(tx, HF_STR("INSERT"), NULL, 0, NULL, err);
}

static void lost_in_a_transaction_means_rolled_back(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_transaction_options once = {.size = sizeof(once), .attempts_max = 1};
	SCRIPT({.expect = "BEGIN"}, {.expect = "INSERT", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_transaction(bench->where, &once, insert_in, NULL, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
}

/* It may have been the COMMIT itself. */
static void lost_in_a_hand_made_transaction_is_unknown(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.event = DOUBLE_LOST});
	EXPECT_OK(run_sql(bench, "BEGIN", &err));
	EXPECT_STATUS(run_sql(bench, "COMMIT", &err), HF_E_OUTCOME_UNKNOWN);
}

static void lost_after_commit_is_unknown(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.expect = "BEGIN"}, {.expect = "COMMIT", .event = DOUBLE_LOST});
	EXPECT_OK(run_sql(bench, "BEGIN", &err));
	struct call call = {.commit = true};
	EXPECT_STATUS(conn_command(bench->connection, "COMMIT", &call, NULL, &err), HF_E_OUTCOME_UNKNOWN);
}

static void shut_down_by_the_administrator(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_DIES, .sqlstate = "57P01", .message = "terminating connection"});
	EXPECT_STATUS(run_sql(bench, "INSERT", &err), HF_E_OUTCOME_UNKNOWN);
	assert_string_equal(err.sqlstate, "57P01");
	assert_true(bench->connection->broken);
}

static void a_session_killed_while_idle_is_noticed(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	double_kill_idle();
	EXPECT_STATUS(run_sql(bench, "SELECT 1", &err), HF_E_OUTCOME_UNKNOWN);
	assert_true(bench->connection->broken);
}

/* ---- deadlines ---- */

static void a_confirmed_cancel_keeps_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_SILENT}, {.expect = "SELECT 2"});
	bench->where = within_ms(bench, 20);
	EXPECT_STATUS(run_sql(bench, "SELECT 1", &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "was cancelled");
	assert_int_equal(double_cancel_count(), 1);
	assert_false(bench->connection->broken);
	bench->where = hf_on_connection(bench->connection);
	EXPECT_OK(run_sql(bench, "SELECT 2", &err));
}

static void an_answer_that_wins_the_race_counts(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t changed = 0;
	SCRIPT({.event = DOUBLE_RACES, .tag = "UPDATE 3"});
	EXPECT_OK(hf_sql_exec(within_ms(bench, 20), HF_STR("UPDATE"), NULL, 0, &changed, &err));
	assert_int_equal(changed, 3);
	assert_int_equal(double_cancel_count(), 1);
	assert_false(bench->connection->broken);
}

static void a_server_that_ignores_the_cancel_costs_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_DEAF});
	bench->where = within_ms(bench, 20);
	EXPECT_STATUS(run_sql(bench, "INSERT", &err), HF_E_OUTCOME_UNKNOWN);
	EXPECT_CONTAINS(err.message, "did not confirm");
	assert_true(bench->connection->broken);
}

static void a_cancel_still_in_flight_costs_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_SILENT});
	double_cancel_mode(2);
	bench->where = within_ms(bench, 20);
	EXPECT_STATUS(run_sql(bench, "SELECT 1", &err), HF_TIMEOUT);
	assert_true(bench->connection->broken);
}

static void a_refused_cancel_costs_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.event = DOUBLE_SILENT});
	double_cancel_mode(1);
	bench->where = within_ms(bench, 20);
	EXPECT_STATUS(run_sql(bench, "SELECT 1", &err), HF_E_OUTCOME_UNKNOWN);
	assert_true(bench->connection->broken);
}

static void cancelling_an_idle_connection_sends_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_connection_cancel(bench->connection, &err));
	assert_int_equal(double_cancel_count(), 0);
}

/* ---- writing while the server does not read ---- */

static void unsent_bytes_are_flushed(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.flush_turns = 1, .tag = "INSERT 0 1"});
	EXPECT_OK(run_sql(bench, "INSERT", &err));
}

/* ---- generated queries ---- */

static const struct hf_field int_field[] = {{"n", &hf_type_int4, 0, HF_NEVER_NULL}};
static const struct hf_query int_query = {.abi = HF_QUERY_ABI,
                                          .name = "int_query",
                                          .sql = "SELECT $1::int4",
                                          .sql_len = 15,
                                          .statement = "hf_0123456789abcdef",
                                          .params = int_field,
                                          .nparams = 1,
                                          .columns = int_field,
                                          .ncolumns = 1,
                                          .row_size = 4};
static const Oid int_type[] = {23};
static const struct double_value int_7 = {"\0\0\0\7", 4}, int_short = {"\0\7", 2},
				 two_rows[] = {{"\0\0\0\1", 4}, {"\0\0\0\2", 4}},
				 three_rows[] = {{"\0\0\0\1", 4}, {"\0\0\0\2", 4}, {"\0\0\0\3", 4}};
#define PREPARES                                                                                                \
	{.expect = "prepare hf_0123456789abcdef"},                                                              \
	{                                                                                                       \
		.expect = "describe hf_0123456789abcdef", .nparams = 1, .param_types = int_type, .ncolumns = 1, \
		.column_types = int_type                                                                        \
	}
#define ROW(value_) .expect = "execute hf_", .ncolumns = 1, .column_types = int_type, .nrows = 1, .values = &(value_)

static enum hf_status one(struct bench *bench, int32_t *ret_n, hf_error *err)
{
	int32_t in = 7;
	return hf_query_one(bench->where, &int_query, &in, bench->arena, ret_n, err);
}

static void a_query_is_prepared_once(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 0;
	SCRIPT(PREPARES, {ROW(int_7)}, {ROW(int_7)});
	EXPECT_OK(one(bench, &n, &err));
	EXPECT_OK(one(bench, &n, &err));
	assert_int_equal(n, 7);
}

static void a_malformed_value_names_query_and_column(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 1;
	SCRIPT(PREPARES, {ROW(int_short)}, {.expect = "execute", .ncolumns = 2, .nrows = 0});
	EXPECT_STATUS(one(bench, &n, &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "query \"int_query\", column \"n\": malformed value of type int4");
	assert_int_equal(n, 1);
	EXPECT_STATUS(one(bench, &n, &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "answered 2 columns");
}

static void a_connection_lost_while_preparing_may_be_retried(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n;
	SCRIPT({.expect = "prepare"}, {.expect = "describe", .event = DOUBLE_LOST});
	EXPECT_STATUS(one(bench, &n, &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_RECONNECT);
	assert_true(bench->connection->broken);
}

static void a_send_that_fails_while_preparing_breaks_the_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n;
	SCRIPT({.expect = "prepare", .event = DOUBLE_SEND_FAILS});
	EXPECT_STATUS(one(bench, &n, &err), HF_E_UNAVAILABLE);
	assert_true(bench->connection->broken);
}

static void a_deadline_while_preparing_cancels(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n;
	static const struct double_step steps[] = {{.expect = "prepare"}, {.expect = "describe", .event = DOUBLE_DEAF}};
	double_script(steps, 2);
	bench->where = within_ms(bench, 20);
	EXPECT_STATUS(one(bench, &n, &err), HF_TIMEOUT); /* preparing leaves no doubt */
	assert_true(bench->connection->broken);
	assert_int_equal(double_cancel_count(), 1);
}

static void a_stale_statement_is_prepared_again_once(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 0;
	SCRIPT(PREPARES, {.expect = "execute", .sqlstate = "0A000", .routine = "RevalidateCachedQuery"},
	       {.expect = "DEALLOCATE \"hf_0123456789abcdef\""}, PREPARES, {ROW(int_7)},
	       {.expect = "execute", .sqlstate = "26000"}, {.expect = "DEALLOCATE", .sqlstate = "26000"}, PREPARES,
	       {.expect = "execute", .sqlstate = "XX000", .routine = "getTypeInputInfo"});
	EXPECT_OK(one(bench, &n, &err));
	assert_int_equal(n, 7);
	EXPECT_STATUS(one(bench, &n, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "XX000");
}

static void in_a_transaction_nothing_is_prepared_again(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 0;
	SCRIPT({.expect = "BEGIN"}, PREPARES, {.expect = "execute", .sqlstate = "26000"});
	struct call call = {0};
	EXPECT_OK(conn_command(bench->connection, "BEGIN", &call, NULL, &err));
	EXPECT_STATUS(one(bench, &n, &err), HF_E_DB);
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
}

static void a_name_that_a_pooler_kept_is_closed(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 0;
	SCRIPT({.expect = "prepare", .sqlstate = "42P05"}, {.expect = "describe"}, {.expect = "DEALLOCATE"}, PREPARES,
	       {ROW(int_7)});
	EXPECT_OK(one(bench, &n, &err));
	assert_int_equal(n, 7);
}

static void one_row_promised_two_given(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t n = 0;
	SCRIPT(PREPARES, {.expect = "execute", .ncolumns = 1, .nrows = 2, .values = two_rows});
	EXPECT_STATUS(one(bench, &n, &err), HF_E_LIMIT);
}

/* ---- streams ---- */

static enum hf_status add_up(void *user, const void *row, hf_error *err)
{
	(void)err;
	*(int *)user += *(const int32_t *)row;
	return HF_OK;
}

static void a_stream_tells_rows_then_failure(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t in = 7;
	int sum = 0;
	SCRIPT(PREPARES, {.expect = "execute", .event = DOUBLE_DIES, .ncolumns = 1, .nrows = 2, .values = two_rows});
	EXPECT_STATUS(hf_query_each(bench->where, &int_query, &in, add_up, &sum, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(sum, 3);
}

static void a_silent_stream_is_cancelled(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t in = 7;
	int sum = 0;
	SCRIPT(PREPARES, {.expect = "execute", .event = DOUBLE_SILENT});
	bench->where = within_ms(bench, 50);
	EXPECT_STATUS(hf_query_each(bench->where, &int_query, &in, add_up, &sum, &err), HF_TIMEOUT);
	assert_false(bench->connection->broken);
}

/* ---- bounds ---- */

static const struct hf_query bounded_query = {.abi = HF_QUERY_ABI,
                                              .name = "int_query",
                                              .sql = "SELECT $1::int4",
                                              .sql_len = 15,
                                              .statement = "hf_0123456789abcdef",
                                              .params = int_field,
                                              .nparams = 1,
                                              .columns = int_field,
                                              .ncolumns = 1,
                                              .row_size = 4,
                                              .rows_max = 2};

static enum hf_status many(struct bench *bench, const int32_t **ret_rows, size_t *ret_count, hf_error *err)
{
	int32_t in = 7;
	void *rows = NULL;
	enum hf_status status = hf_query_many(bench->where, &bounded_query, &in, bench->arena, &rows, ret_count, err);
	if (status == HF_OK)
		*ret_rows = rows;
	return status;
}

static void a_bounded_query_counts_anew_when_it_is_prepared_again(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	const int32_t *rows = NULL;
	size_t count = 0;
	SCRIPT(PREPARES, {.expect = "execute", .ncolumns = 1, .nrows = 2, .values = two_rows},
	       {.expect = "execute", .sqlstate = "0A000", .routine = "RevalidateCachedQuery"},
	       {.expect = "DEALLOCATE \"hf_0123456789abcdef\""}, PREPARES,
	       {.expect = "execute", .ncolumns = 1, .nrows = 2, .values = two_rows},
	       {.expect = "execute", .ncolumns = 1, .nrows = 3, .values = three_rows});
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(many(bench, &rows, &count, &err));
		assert_true(count == 2 && rows[0] == 1 && rows[1] == 2);
	}
	EXPECT_STATUS(many(bench, &rows, &count, &err), HF_E_LIMIT);
	assert_false(bench->connection->broken);
}

static void a_bounded_query_that_breaks_off_gives_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	const int32_t *rows = NULL;
	size_t count = 77;
	SCRIPT(PREPARES, {.expect = "execute", .event = DOUBLE_DIES, .ncolumns = 1, .nrows = 2, .values = two_rows});
	EXPECT_STATUS(many(bench, &rows, &count, &err), HF_E_OUTCOME_UNKNOWN);
	assert_true(!rows && count == 77 && bench->connection->broken);
}

static void a_bounded_query_that_misreads_gives_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	const int32_t *rows = NULL;
	size_t count = 77;
	SCRIPT(PREPARES, {ROW(int_short)}, {.expect = "execute", .ncolumns = 2, .nrows = 1, .values = two_rows});
	EXPECT_STATUS(many(bench, &rows, &count, &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "query \"int_query\", column \"n\": malformed value of type int4");
	EXPECT_STATUS(many(bench, &rows, &count, &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "answered 2 columns");
	assert_true(!rows && count == 77);
}

/* ---- COPY ---- */

struct numbers {
	int32_t next, count;
};

static enum hf_status next_number(void *user, void *in, hf_error *err)
{
	struct numbers *numbers = user;
	(void)err;
	if (numbers->next == numbers->count)
		return HF_STOP;
	*(int32_t *)in = numbers->next++;
	return HF_OK;
}

static const struct hf_query copy_query = {.abi = HF_QUERY_ABI,
                                           .name = "copy_query",
                                           .sql = "COPY t FROM STDIN (FORMAT binary)",
                                           .sql_len = 33,
                                           .params = int_field,
                                           .nparams = 1};

#define CHECKS_COPY                                                                  \
	{.expect = "prepare "},                                                      \
	{                                                                            \
		.expect = "describe ", .nparams = 1, .param_types = int_type         \
	}

static void copy_waits_for_a_full_buffer(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 3};
	int64_t rows = 0;
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .status = PGRES_COPY_IN, .copy_turns = 2},
	       {.expect = "copy done", .tag = "COPY 3"});
	EXPECT_OK(hf_query_copy(bench->where, &copy_query, 4, next_number, &numbers, &rows, &err));
	assert_int_equal(rows, 3);
	assert_int_equal(double_copied(), 19 + 3 * 10 + 2);
}

/* Its INSERT may be described, and yet: the server looks closer at a COPY. */
static void copy_that_is_refused_at_its_start_is_told(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 3};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .sqlstate = "42501", .message = "permission denied"});
	EXPECT_STATUS(hf_query_copy(bench->where, &copy_query, 4, next_number, &numbers, NULL, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "permission denied");
	assert_int_equal(numbers.next, 0); /* no row was asked for */
	assert_false(bench->connection->broken);
}

static void copy_notices_a_lost_connection(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 3};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .status = PGRES_COPY_IN, .copy_fails = true});
	EXPECT_STATUS(hf_query_copy(bench->where, &copy_query, 4, next_number, &numbers, NULL, &err),
	              HF_E_OUTCOME_UNKNOWN);
	assert_true(bench->connection->broken);
}

static void copy_lost_at_the_end_is_unknown(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 3};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .status = PGRES_COPY_IN}, {.expect = "copy done", .event = DOUBLE_LOST});
	EXPECT_STATUS(hf_query_copy(bench->where, &copy_query, 4, next_number, &numbers, NULL, &err),
	              HF_E_OUTCOME_UNKNOWN);
}

static enum hf_status slow_number(void *user, void *in, hf_error *err)
{
	poll(NULL, 0, 100000); /* the double's clock moves by this */
	return next_number(user, in, err);
}

static void copy_that_cannot_be_sent_in_time_is_cancelled(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 1};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .status = PGRES_COPY_IN, .flush_turns = 9},
	       {.expect = "copy fail", .sqlstate = "57014"});
	EXPECT_STATUS(hf_query_copy(within_ms(bench, 50000), &copy_query, 4, slow_number, &numbers, NULL, &err),
	              HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "deadline");
	assert_false(bench->connection->broken);
}

static void copy_whose_end_cannot_be_sent_is_lost(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 1};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .status = PGRES_COPY_IN}, {.expect = "copy done", .event = DOUBLE_SEND_FAILS});
	EXPECT_STATUS(hf_query_copy(bench->where, &copy_query, 4, next_number, &numbers, NULL, &err),
	              HF_E_OUTCOME_UNKNOWN);
	EXPECT_CONTAINS(err.message, "lost");
	assert_true(bench->connection->broken);
}

static void an_answer_that_libpq_cannot_hold_is_told(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	SCRIPT({.status = PGRES_FATAL_ERROR, .message = "out of memory for query result\n"});
	EXPECT_STATUS(run_sql(bench, "SELECT", &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "out of memory for query result");
}

static void without_an_error_struct_stale_plans_are_still_noticed(void **state)
{
	struct bench *bench = *state;
	int32_t n = 0;
	SCRIPT(PREPARES, {.expect = "execute", .sqlstate = "26000"}, {.expect = "DEALLOCATE"}, PREPARES, {ROW(int_7)});
	assert_int_equal(one(bench, &n, NULL), HF_OK);
	assert_int_equal(n, 7);
}

static void copy_that_never_starts_times_out(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct numbers numbers = {0, 3};
	SCRIPT(CHECKS_COPY, {.expect = "COPY t", .event = DOUBLE_SILENT});
	EXPECT_STATUS(hf_query_copy(within_ms(bench, 20), &copy_query, 4, next_number, &numbers, NULL, &err),
	              HF_TIMEOUT);
	assert_false(bench->connection->broken);
}

/* ---- logging in ---- */

static enum hf_status open_with(struct bench *bench, const char *text, hf_error *err)
{
	hf_connection *connection = NULL;
	enum hf_status status = hf_settings_parse(bench->settings, text, err);
	if (status == HF_OK)
		status = hf_connection_open(bench->ctx, bench->settings, NULL, 0, &connection, err);
	hf_connection_free(connection);
	return status;
}

static void hosts_are_tried_in_order(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_REFUSES, NULL, false},
	         {DOUBLE_REFUSES, "FATAL:  57P03: the database system is starting up", false},
	         {DOUBLE_ACCEPTS, NULL, false});
	EXPECT_OK(open_with(bench, "host=127.0.0.1,/b,127.0.0.3 port=1,2,3", &err));
	EXPECT_CONTAINS(double_login_of(0), "host=127.0.0.1 hostaddr=127.0.0.1 port=1 ");
	EXPECT_CONTAINS(double_login_of(1), "host=/b hostaddr= port=2 ");
	EXPECT_CONTAINS(double_login_of(2), "hostaddr=127.0.0.3 port=3 ");
}

static void a_first_host_that_hangs_leaves_time_for_the_second(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_HANGS, NULL, false}, {DOUBLE_ACCEPTS, NULL, false});
	EXPECT_OK(open_with(bench, "host=127.0.0.1,127.0.0.2 connect_timeout=1", &err));
	EXPECT_CONTAINS(double_login_of(1), "hostaddr=127.0.0.2");
}

static void a_login_that_hangs_times_out(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_HANGS, NULL, false});
	EXPECT_STATUS(open_with(bench, "host=127.0.0.1 connect_timeout=1 user=me", &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "127.0.0.1");
	EXPECT_CONTAINS(err.message, "role \"me\"");
}

static void a_refused_login_ends_the_search(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_REFUSES, "FATAL:  28P01: password authentication failed for user \"u\"\nLOCATION:  x", false});
	EXPECT_STATUS(open_with(bench, "host=/a,/b user=u", &err), HF_E_DENIED);
	assert_string_equal(err.sqlstate, "28P01");
	assert_int_equal(err.action, HF_ACTION_FIX_CONFIG);
	EXPECT_CONTAINS(err.message, "password authentication failed");
}

static void a_missing_password_says_how_to_give_one(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_REFUSES, "connection to server failed: fe_sendauth: no password supplied", true});
	EXPECT_STATUS(open_with(bench, "host=/a", &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.hint, "PGPASSFILE");
}

static void a_wrong_certificate_is_final(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_REFUSES, "SSL error: certificate verify failed", false});
	EXPECT_STATUS(open_with(bench, "host=/a", &err), HF_E_UNAVAILABLE);
	assert_int_equal(err.action, HF_ACTION_FIX_CONFIG);
}

static void memory_may_be_short(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_NO_MEMORY, NULL, false});
	EXPECT_STATUS(open_with(bench, "host=/a,/b", &err), HF_E_NOMEM);
}

static void prefer_standby_takes_two_passes(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CONNECTS({DOUBLE_REFUSES, "server is not in hot standby mode", false}, {DOUBLE_REFUSES, NULL, false},
	         {DOUBLE_ACCEPTS, NULL, false});
	EXPECT_OK(open_with(bench, "host=/a,/b target_session_attrs=prefer-standby", &err));
	EXPECT_CONTAINS(double_login_of(0), "host=/a");
	EXPECT_CONTAINS(double_login_of(0), "target_session_attrs=standby");
	EXPECT_CONTAINS(double_login_of(1), "host=/b");
	EXPECT_CONTAINS(double_login_of(2), "host=/a");
	EXPECT_CONTAINS(double_login_of(2), "target_session_attrs=any");
}

struct vault {
	int asked;
	enum hf_status status;
	char *buffer;
	size_t size;
};

static enum hf_status tell_password(void *user, const char *host, const char *role, hf_deadline deadline,
                                    char *ret_password, size_t size, hf_error *err)
{
	struct vault *vault = user;
	(void)deadline;
	assert_string_equal(host, "/a");
	assert_string_equal(role, "r");
	vault->asked++;
	if (vault->status != HF_OK) {
		err->status = vault->status;
		snprintf(err->message, sizeof(err->message), "the vault is locked");
		return vault->status;
	}
	snprintf(ret_password, size, "secret%d", vault->asked);
	return HF_OK;
}

static void a_rotated_password_is_asked_for_once_more(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct vault vault = {0};
	static const struct double_connect logins[] = {{DOUBLE_REFUSES, "FATAL:  28P01: no", false},
	                                               {DOUBLE_ACCEPTS, NULL, false},
	                                               {DOUBLE_REFUSES, "FATAL:  28P01: no", false},
	                                               {DOUBLE_REFUSES, "FATAL:  28P01: no", false}};
	double_connects(logins, ARRAY_LEN(logins));
	hf_settings_on_credential(bench->settings, tell_password, &vault);
	EXPECT_OK(open_with(bench, "host=/a user=r", &err));
	assert_int_equal(vault.asked, 2);
	EXPECT_CONTAINS(double_login_of(0), "password=secret1 ");
	EXPECT_CONTAINS(double_login_of(1), "password=secret2 ");
	EXPECT_STATUS(open_with(bench, "host=/a user=r", &err), HF_E_DENIED);
	assert_int_equal(vault.asked, 4);
	vault.status = HF_E_DENIED;
	EXPECT_STATUS(open_with(bench, "host=/a user=r", &err), HF_E_DENIED);
	assert_string_equal(err.message, "the vault is locked");
}

static void unverified_tls_warns_or_is_refused(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(open_with(bench, "host=127.0.0.1", &err));
	EXPECT_OK(open_with(bench, "host=::1", &err));
	EXPECT_OK(open_with(bench, "host=db.example hostaddr=10.1.2.3 sslmode=verify-full", &err));
	assert_string_equal(bench->events, "");
	EXPECT_OK(open_with(bench, "host=db.example hostaddr=10.1.2.3 sslmode=require", &err));
	assert_string_equal(bench->events, "tls_unverified ");
	hf_settings_protect(bench->settings, true);
	EXPECT_STATUS(open_with(bench, "host=/a,db.example hostaddr=,10.1.2.3", &err), HF_E_CONFIG);
	EXPECT_CONTAINS(err.message, "db.example");
	EXPECT_CONTAINS(err.hint, "verify-full");
	EXPECT_OK(open_with(bench, "host=/a", &err));
}

/* ---- notices ---- */

static void keep_notice(void *user, const struct hf_notice *notice)
{
	snprintf(user, 64, "%s: %s|%s", notice->severity, notice->message, notice->detail);
}

static void notices_reach_the_program(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	char text[64] = "";
	SCRIPT({.expect = "SELECT 1"}, {.expect = "SELECT 2"});
	hf_connection_on_notice(bench->connection, keep_notice, text);
	double_notice("WARNING", "look out");
	EXPECT_OK(run_sql(bench, "SELECT 1", &err));
	assert_string_equal(text, "WARNING: look out|");
	hf_connection_on_notice(bench->connection, NULL, NULL);
	double_notice("WARNING", "unheard");
	EXPECT_OK(run_sql(bench, "SELECT 2", &err));
	assert_string_equal(text, "WARNING: look out|");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_failed_send_leaves_no_doubt),
		CASE(a_lost_answer_leaves_the_outcome_unknown),
		CASE(lost_in_a_transaction_means_rolled_back),
		CASE(lost_in_a_hand_made_transaction_is_unknown),
		CASE(lost_after_commit_is_unknown),
		CASE(shut_down_by_the_administrator),
		CASE(a_session_killed_while_idle_is_noticed),
		CASE(a_confirmed_cancel_keeps_the_connection),
		CASE(an_answer_that_wins_the_race_counts),
		CASE(a_server_that_ignores_the_cancel_costs_the_connection),
		CASE(a_cancel_still_in_flight_costs_the_connection),
		CASE(a_refused_cancel_costs_the_connection),
		CASE(cancelling_an_idle_connection_sends_nothing),
		CASE(unsent_bytes_are_flushed),
		CASE(a_query_is_prepared_once),
		CASE(a_malformed_value_names_query_and_column),
		CASE(a_connection_lost_while_preparing_may_be_retried),
		CASE(a_send_that_fails_while_preparing_breaks_the_connection),
		CASE(a_deadline_while_preparing_cancels),
		CASE(a_stale_statement_is_prepared_again_once),
		CASE(in_a_transaction_nothing_is_prepared_again),
		CASE(a_name_that_a_pooler_kept_is_closed),
		CASE(one_row_promised_two_given),
		CASE(a_stream_tells_rows_then_failure),
		CASE(a_silent_stream_is_cancelled),
		CASE(a_bounded_query_counts_anew_when_it_is_prepared_again),
		CASE(a_bounded_query_that_breaks_off_gives_nothing),
		CASE(a_bounded_query_that_misreads_gives_nothing),
		CASE(copy_waits_for_a_full_buffer),
		CASE(copy_that_is_refused_at_its_start_is_told),
		CASE(copy_notices_a_lost_connection),
		CASE(copy_lost_at_the_end_is_unknown),
		CASE(copy_that_cannot_be_sent_in_time_is_cancelled),
		CASE(copy_whose_end_cannot_be_sent_is_lost),
		CASE(an_answer_that_libpq_cannot_hold_is_told),
		CASE(without_an_error_struct_stale_plans_are_still_noticed),
		CASE(copy_that_never_starts_times_out),
		CASE(hosts_are_tried_in_order),
		CASE(a_first_host_that_hangs_leaves_time_for_the_second),
		CASE(a_login_that_hangs_times_out),
		CASE(a_refused_login_ends_the_search),
		CASE(a_missing_password_says_how_to_give_one),
		CASE(a_wrong_certificate_is_final),
		CASE(memory_may_be_short),
		CASE(prefer_standby_takes_two_passes),
		CASE(a_rotated_password_is_asked_for_once_more),
		CASE(unverified_tls_warns_or_is_refused),
		CASE(notices_reach_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
