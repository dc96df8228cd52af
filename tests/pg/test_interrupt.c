/* hf_context_interrupt(): what runs is cancelled, what is open is rolled back, what is new is refused. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"
#include "rig.h"

/* Interrupts `ctx` once the backend with this process id runs a statement. */
struct interrupter {
	hf_context *ctx;
	struct rig *watch;
	int pid;
	pthread_t thread;
};

static void wait_until_busy(struct interrupter *it)
{
	hf_arena *arena = hf_arena_new(0);
	for (int tries = 0; tries < 60000; tries++) {
		struct hf_sql_row row = {0};
		hf_error err = HF_ERROR_INIT;
		struct hf_value pid = hf_int(it->pid);
		hf_arena_reset(arena);
		/* A statement that waits, so that it is certainly under way. */
		if (hf_sql_one(it->watch->where,
			       HF_STR("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"),
			       &pid, 1, arena, &row, &err) != HF_OK || row.values[0].as.i > 0)
			break;
		usleep(1000);
	}
	hf_arena_free(arena);
}

static void *interrupt_when_busy(void *argument)
{
	struct interrupter *it = argument;
	wait_until_busy(it);
	hf_context_interrupt(it->ctx);
	return NULL;
}

/* A session of its own context: an interruption is for ever. The rig watches from outside. */
struct session {
	hf_context *ctx;
	hf_settings *settings;
	hf_connection *connection;
	hf_where where;
	struct interrupter interrupter;
};

static void open_session(struct session *s, struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	char text[1000];
	hf_settings_describe(rig->settings, text, sizeof(text));
	EXPECT_OK(hf_context_new(NULL, &s->ctx, &err));
	EXPECT_OK(hf_settings_new(s->ctx, &s->settings, &err));
	EXPECT_OK(hf_settings_parse(s->settings, text, &err));
	EXPECT_OK(hf_connection_open(s->ctx, s->settings, NULL, HF_DEADLINE_DEFAULT, &s->connection, &err));
	s->where = hf_on_connection(s->connection);
	s->interrupter = (struct interrupter){s->ctx, rig, hf_connection_backend_pid(s->connection), 0};
}

static void interrupt_later(struct session *s)
{
	assert_int_equal(pthread_create(&s->interrupter.thread, NULL, interrupt_when_busy, &s->interrupter), 0);
}

static void close_session(struct session *s)
{
	pthread_join(s->interrupter.thread, NULL);
	hf_connection_free(s->connection);
	hf_settings_free(s->settings);
	hf_context_free(s->ctx);
}

static void a_running_statement_is_cancelled(void **state)
{
	struct session s;
	hf_error err = HF_ERROR_INIT;
	open_session(&s, *state);
	interrupt_later(&s);
	EXPECT_STATUS(hf_sql_exec(s.where, HF_STR("SELECT pg_sleep(600)"), NULL, 0, NULL, &err), HF_E_INTERRUPTED);
	assert_string_equal(err.message, "interrupted; the statement was cancelled");
	assert_int_equal(hf_status_exit_code(err.status), 130);
	assert_true(hf_context_interrupted(s.ctx));
	EXPECT_STATUS(hf_sql_exec(s.where, HF_STR("SELECT 1"), NULL, 0, NULL, &err), HF_E_INTERRUPTED);
	assert_string_equal(err.message, "interrupted before the statement was sent");
	close_session(&s);
}

/* What the deadline of one statement began is no affair of the next. */
static void one_behind_a_cancelled_one_is_cancelled_too(void **state)
{
	struct session s;
	hf_error err = HF_ERROR_INIT;
	open_session(&s, *state);
	hf_where soon = hf_until(s.where, hf_deadline_in(s.ctx, 100));
	EXPECT_STATUS(hf_sql_exec(soon, HF_STR("SELECT pg_sleep(600)"), NULL, 0, NULL, &err), HF_TIMEOUT);
	interrupt_later(&s);
	hf_deadline late = hf_deadline_in(s.ctx, 30000);
	EXPECT_STATUS(hf_sql_exec(hf_until(s.where, late), HF_STR("SELECT pg_sleep(600)"), NULL, 0, NULL, &err),
	              HF_E_INTERRUPTED);
	assert_true(hf_now_monotonic_us(s.ctx) < late);
	close_session(&s);
}

static enum hf_status count_row(void *user, UNUSED const struct hf_sql_row *row, UNUSED hf_error *err)
{
	(*(int *)user)++;
	return HF_OK;
}

static void a_stream_ends(void **state)
{
	struct session s;
	hf_error err = HF_ERROR_INIT;
	int rows = 0;
	open_session(&s, *state);
	interrupt_later(&s);
	EXPECT_STATUS(hf_sql_each(s.where, HF_STR("SELECT i, pg_sleep(CASE WHEN i > 5 THEN 600 ELSE 0 END) "
						  "FROM generate_series(1, 10) i"),
				  NULL, 0, count_row, &rows, &err),
		      HF_E_INTERRUPTED);
	assert_true(rows <= 5);
	close_session(&s);
}

static enum hf_status insert_and_wait(hf_where tx, UNUSED void *user, hf_error *err)
{
	enum hf_status status = hf_sql_exec(tx, HF_STR("INSERT INTO interrupted VALUES (1)"), NULL, 0, NULL, err);
	return status == HF_OK ? hf_sql_exec(tx, HF_STR("SELECT pg_sleep(600)"), NULL, 0, NULL, err) : status;
}

static void a_transaction_is_rolled_back(void **state)
{
	struct session s;
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "CREATE TABLE interrupted (n int)");
	open_session(&s, rig);
	interrupt_later(&s);
	EXPECT_STATUS(hf_transaction(s.where, NULL, insert_and_wait, NULL, &err), HF_E_INTERRUPTED);
	pthread_join(s.interrupter.thread, NULL);
	/* The session is idle again: ROLLBACK went through though everything else is refused. */
	assert_false(s.connection->broken);
	assert_int_equal(PQtransactionStatus(s.connection->pg), PQTRANS_IDLE);
	assert_string_equal(rig_text(rig, "SELECT count(*)::text FROM interrupted"), "0");
	s.interrupter.pid = -1;
	hf_connection_free(s.connection);
	hf_settings_free(s.settings);
	hf_context_free(s.ctx);
	rig_sql(rig, "DROP TABLE interrupted");
}

static enum hf_status insert_and_interrupt(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = hf_sql_exec(tx, HF_STR("INSERT INTO uncommitted VALUES (1)"), NULL, 0, NULL, err);
	hf_context_interrupt(user);
	return status;
}

static void commit_is_refused(void **state)
{
	struct session s;
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "CREATE TABLE uncommitted (n int)");
	open_session(&s, rig);
	EXPECT_STATUS(hf_transaction(s.where, NULL, insert_and_interrupt, s.ctx, &err), HF_E_INTERRUPTED);
	assert_string_equal(rig_text(rig, "SELECT count(*)::text FROM uncommitted"), "0");
	assert_false(s.connection->broken);
	assert_int_equal(metrics_value(hf_context_metrics(s.ctx), METRIC_CANCELS), 0); /* of the ROLLBACK */
	hf_connection_free(s.connection);
	hf_settings_free(s.settings);
	hf_context_free(s.ctx);
	rig_sql(rig, "DROP TABLE uncommitted");
}

static void a_login_is_given_up(void **state)
{
	struct session s;
	hf_connection *second = NULL;
	hf_error err = HF_ERROR_INIT;
	open_session(&s, *state);
	hf_context_interrupt(s.ctx);
	EXPECT_STATUS(hf_connection_open(s.ctx, s.settings, NULL, HF_DEADLINE_DEFAULT, &second, &err), HF_TIMEOUT);
	assert_null(second);
	hf_connection_free(s.connection);
	hf_settings_free(s.settings);
	hf_context_free(s.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_running_statement_is_cancelled, rig_ready),
		cmocka_unit_test_setup(one_behind_a_cancelled_one_is_cancelled_too, rig_ready),
		cmocka_unit_test_setup(a_stream_ends, rig_ready),
		cmocka_unit_test_setup(a_transaction_is_rolled_back, rig_ready),
		cmocka_unit_test_setup(commit_is_refused, rig_ready),
		cmocka_unit_test_setup(a_login_is_given_up, rig_ready),
	};
	return cmocka_run_group_tests_name("interrupt", tests, rig_up, rig_down);
}
