/* Connections and run-time SQL on a real server: values, errors, streams, cancels, notices, COPY by mistake, fork. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "rig.h"

static enum hf_status one(struct rig *rig, const char *sql, const struct hf_value *params, size_t count,
                          struct hf_sql_row *ret_row, hf_error *err)
{
	return hf_sql_one(rig->where, hf_str_of(sql), params, count, rig->arena, ret_row, err);
}

static void values_go_and_come(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row = {0};
	const struct hf_value params[] = {hf_int(INT64_MIN),
	                                  hf_float(0.1),
	                                  hf_bool(true),
	                                  hf_text(HF_STR("h\xc3\xa9")),
	                                  hf_raw((struct hf_bytes){(const uint8_t *)"\0\xff", 2}),
	                                  hf_null(),
	                                  hf_float((double)INFINITY)};
	EXPECT_OK(one(
		rig,
		"SELECT $1::int8 a, $2::float8 b, $3::bool c, $4::text d, $5::bytea e, $6::int f, $7::float8, "
		"1::int2, 2::int4, 3::oid, 1.5::float4, 'x'::\"char\", '{\"a\":1}'::jsonb, '[]'::json, 12.5::numeric",
		params, ARRAY_LEN(params), &row, &err));
	assert_int_equal(row.count, 15);
	assert_string_equal(row.names[3], "d");
	assert_true(row.values[0].as.i == INT64_MIN);
	assert_true(row.values[1].as.f == 0.1 && row.values[6].as.f == (double)INFINITY);
	assert_true(row.values[2].as.b);
	assert_string_equal(row.values[3].as.s.ptr, "h\xc3\xa9");
	assert_memory_equal(row.values[4].as.raw.ptr, "\0\xff", 2);
	assert_int_equal(row.values[5].kind, HF_VALUE_NULL);
	assert_int_equal(row.values[5].oid, 23);
	assert_true(row.values[7].as.i == 1 && row.values[8].as.i == 2 && row.values[9].as.i == 3);
	assert_true(row.values[10].as.f == 1.5);
	assert_string_equal(row.values[11].as.s.ptr, "x");
	assert_string_equal(row.values[12].as.s.ptr, "{\"a\": 1}");
	assert_string_equal(row.values[13].as.s.ptr, "[]");
	assert_true(row.values[14].kind == HF_VALUE_BYTES && row.values[14].oid == 1700);
}

static void rows_are_counted(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row = {.count = 9};
	int64_t changed = -1;
	EXPECT_STATUS(one(rig, "SELECT 1 WHERE false", NULL, 0, &row, &err), HF_NOT_FOUND);
	EXPECT_STATUS(one(rig, "SELECT generate_series(1, 2)", NULL, 0, &row, &err), HF_E_LIMIT);
	assert_int_equal(row.count, 9);
	rig_sql(rig, "CREATE TEMP TABLE counted (i int)");
	EXPECT_OK(hf_sql_exec(rig->where, HF_STR("INSERT INTO counted SELECT generate_series(1, 7)"), NULL, 0, &changed,
	                      &err));
	assert_int_equal(changed, 7);
	EXPECT_OK(hf_sql_exec(rig->where, HF_STR("DROP TABLE counted"), NULL, 0, &changed, &err));
	assert_int_equal(changed, 0);
}

static void the_servers_words_reach_the_error(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	EXPECT_STATUS(one(rig, "SELECT \xc3\xa9 FROM", NULL, 0, &row, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "42601");
	assert_int_equal(err.position, 14); /* characters, not bytes */
	rig_sql(rig, "CREATE TEMP TABLE strict (i int CONSTRAINT strict_key UNIQUE, j int NOT NULL DEFAULT 1)");
	rig_sql(rig, "INSERT INTO strict VALUES (1)");
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("INSERT INTO strict VALUES (1)"), NULL, 0, NULL, &err),
	              HF_CONFLICT);
	assert_string_equal(err.constraint, "strict_key");
	assert_string_equal(err.table, "strict");
	EXPECT_CONTAINS(err.detail, "(i)=(1)");
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("INSERT INTO strict VALUES (2, NULL)"), NULL, 0, NULL, &err),
	              HF_REJECTED);
	assert_string_equal(err.column, "j");
	assert_int_equal(err.category, HF_CATEGORY_CONSTRAINT_NOT_NULL);
	EXPECT_STATUS(one(rig, "SELECT 1/0", NULL, 0, &row, NULL), HF_REJECTED); /* no error wanted */
	rig_sql(rig, "DROP TABLE strict");
}

static void bad_parameters_are_not_sent(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	const struct hf_value nul = hf_text(HF_STR("a\0b")), huge = hf_text((struct hf_str){"x", (size_t)2 << 30}),
			      huge_raw = hf_raw((struct hf_bytes){(const uint8_t *)"x", (size_t)2 << 30}),
			      odd = {.kind = (enum hf_value_kind)99};
	EXPECT_STATUS(one(rig, "SELECT $1", &nul, 1, &row, &err), HF_E_INPUT);
	EXPECT_STATUS(one(rig, "SELECT $1", &huge, 1, &row, &err), HF_E_LIMIT);
	EXPECT_STATUS(one(rig, "SELECT $1", &huge_raw, 1, &row, &err), HF_E_LIMIT);
	EXPECT_STATUS(one(rig, "SELECT $1", &odd, 1, &row, &err), HF_E_USAGE);
	EXPECT_STATUS(one(rig, "SELECT $1", NULL, 70000, &row, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("SELECT 1\0; x"), NULL, 0, NULL, &err), HF_E_INPUT);
	hf_where nowhere = {rig->connection, (enum hf_where_kind)77, 0};
	EXPECT_STATUS(hf_sql_exec(nowhere, HF_STR("SELECT 1"), NULL, 0, NULL, &err), HF_E_USAGE);
}

static enum hf_status count_five(void *user, const struct hf_sql_row *row, hf_error *err)
{
	int64_t *count = user;
	(void)err;
	(*count)++;
	return row->values[0].as.i == 5 ? HF_STOP : HF_OK;
}

static void streams_stop_early_and_fail_late(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t count = 0;
	EXPECT_OK(hf_sql_each(rig->where, HF_STR("SELECT generate_series(1, 10000000)"), NULL, 0, count_five, &count,
	                      &err));
	assert_int_equal(count, 5);
	count = 0;
	EXPECT_STATUS(hf_sql_each(rig->where, HF_STR("SELECT 1/(3 - i) FROM generate_series(1, 4) i"), NULL, 0,
	                          count_five, &count, &err),
	              HF_REJECTED);
	assert_int_equal(count, 2);
	count = 0;
	hf_where soon = hf_until(rig->where, hf_deadline_in(rig->ctx, 100));
	EXPECT_STATUS(hf_sql_each(soon, HF_STR("SELECT 1 FROM pg_sleep(60)"), NULL, 0, count_five, &count, &err),
	              HF_TIMEOUT);
	assert_false(rig->connection->broken);
	rig_sql(rig, "SELECT 1");
}

static void statements_are_described(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_shape shape;
	rig_sql(rig, "CREATE TEMP TABLE described (i int, v varchar(7))");
	EXPECT_OK(hf_sql_describe(rig->where, HF_STR("SELECT v, i + 1 AS next FROM described WHERE i = $1"), rig->arena,
	                          &shape, &err));
	assert_true(shape.nparams == 1 && shape.param_oids[0] == 23 && shape.ncolumns == 2);
	assert_string_equal(shape.columns[1].name, "next");
	assert_true(shape.columns[0].table_oid != 0 && shape.columns[0].table_column == 2);
	assert_int_equal(shape.columns[0].type_modifier, 11);
	assert_int_equal(shape.columns[1].table_oid, 0);
	EXPECT_STATUS(hf_sql_describe(rig->where, HF_STR("SELECT nope"), rig->arena, &shape, &err), HF_E_DB);
	assert_int_equal(err.position, 8);
	rig_sql(rig, "DROP TABLE described");
}

static void copy_by_mistake_is_refused(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "CREATE TEMP TABLE copied (i int)");
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("COPY copied FROM STDIN"), NULL, 0, NULL, &err), HF_E_DB);
	EXPECT_CONTAINS(err.message, "COPY needs a copy function");
	rig_sql(rig, "SELECT 1");
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("COPY copied TO STDOUT"), NULL, 0, NULL, &err), HF_E_USAGE);
	assert_true(rig->connection->broken);
}

/* ---- cancelling ---- */

static void *cancel_when_asleep(void *argument)
{
	struct rig *rig = argument;
	hf_error err = HF_ERROR_INIT;
	hf_connection *other = rig_connect(rig, NULL);
	const struct hf_value pid = hf_int(hf_connection_backend_pid(rig->connection));
	struct hf_sql_row row;
	hf_arena *arena = hf_arena_new(0);
	for (int i = 0; i < 2000; i++) {
		EXPECT_OK(hf_sql_one(hf_on_connection(other),
		                     HF_STR("SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01) WHERE pid = $1::int "
		                            "AND wait_event = 'PgSleep'"),
		                     &pid, 1, arena, &row, &err));
		if (row.values[0].as.i == 1)
			break;
	}
	enum hf_status *status = malloc(sizeof(*status));
	assert_non_null(status);
	*status = hf_connection_cancel(rig->connection, &err);
	hf_arena_free(arena);
	hf_connection_free(other);
	return status;
}

static void another_thread_cancels(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_asleep, rig), 0);
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("SELECT pg_sleep(60)"), NULL, 0, NULL, &err), HF_E_INTERRUPTED);
	assert_int_equal(err.category, HF_CATEGORY_CANCELLED);
	void *status = NULL;
	pthread_join(thread, &status);
	assert_int_equal(*(enum hf_status *)status, HF_OK);
	free(status);
	assert_false(rig->connection->broken);
	rig_sql(rig, "SELECT 1");
}

static void a_cancel_never_hits_the_next_statement(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < 100; i++) {
		hf_where now = hf_until(rig->where, hf_deadline_in(rig->ctx, 1));
		enum hf_status status = hf_sql_exec(now, HF_STR("SELECT pg_sleep(0.001)"), NULL, 0, NULL, &err);
		assert_true(status == HF_OK || status == HF_TIMEOUT);
		assert_false(rig->connection->broken);
		rig_sql(rig, "SELECT 1");
	}
}

static void who_stopped_it_is_told_apart(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "SET statement_timeout = 50");
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("SELECT pg_sleep(60)"), NULL, 0, NULL, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "57014");
	assert_int_equal(err.category, HF_CATEGORY_CANCELLED);
	rig_sql(rig, "SET statement_timeout = 0");
	rig_sql(rig, "CREATE TABLE IF NOT EXISTS locked (i int)");
	struct hf_connection_options options = {.size = sizeof(options), .lock_timeout_ms = 50};
	hf_connection *other = rig_connect(rig, &options);
	rig_sql(rig, "BEGIN");
	rig_sql(rig, "LOCK TABLE locked");
	EXPECT_STATUS(hf_sql_exec(hf_on_connection(other), HF_STR("SELECT * FROM locked"), NULL, 0, NULL, &err),
	              HF_BUSY);
	assert_string_equal(err.sqlstate, "55P03");
	rig_sql(rig, "ROLLBACK");
	hf_connection_free(other);
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("SELECT pg_terminate_backend(pg_backend_pid())"), NULL, 0, NULL,
	                          &err),
	              HF_E_OUTCOME_UNKNOWN);
	assert_string_equal(err.sqlstate, "57P01");
}

/* ---- sessions ---- */

static void sessions_start_as_asked(void **state)
{
	struct rig *rig = *state;
	struct hf_connection_options options = {.size = sizeof(options),
	                                        .application_name = "my app",
	                                        .time_zone = "America/St_Johns",
	                                        .idle_in_transaction_timeout_ms = 1234,
	                                        .server_options = "-c work_mem=7MB"};
	assert_string_equal(rig_text(rig, "SELECT concat_ws(' ', current_setting('TimeZone'), "
	                                  "current_setting('application_name'), current_setting('client_encoding'), "
	                                  "current_setting('idle_in_transaction_session_timeout'))"),
	                    "UTC holdfast UTF8 1min");
	hf_connection *mine = rig->connection;
	rig->connection = rig_connect(rig, &options);
	rig->where = hf_on_connection(rig->connection);
	assert_string_equal(rig_text(rig, "SELECT concat_ws(' ', current_setting('TimeZone'), "
	                                  "current_setting('application_name'), current_setting('work_mem'), "
	                                  "current_setting('idle_in_transaction_session_timeout'))"),
	                    "America/St_Johns my app 7MB 1234ms");
	hf_connection_free(rig->connection);
	rig->connection = mine;
	assert_true(hf_connection_server_version(mine) >= 130000);
	assert_true(hf_connection_backend_pid(mine) > 0);
	assert_non_null(hf_connection_parameter(mine, "server_version"));
	assert_null(hf_connection_parameter(mine, "nonsense"));
	assert_ptr_equal(hf_where_context(hf_on_connection(mine)), rig->ctx);
}

static void refused_logins_say_where(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_settings_set(rig->settings, "user", "nobody_here", &err));
	EXPECT_STATUS(hf_connection_open(rig->ctx, rig->settings, NULL, 0, &connection, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "role \"nobody_here\"");
	EXPECT_OK(hf_settings_set(rig->settings, "user", NULL, &err));
	EXPECT_OK(hf_settings_set(rig->settings, "dbname", "no_such_db", &err));
	EXPECT_STATUS(hf_connection_open(rig->ctx, rig->settings, NULL, 0, &connection, &err), HF_E_CONFIG);
	assert_string_equal(err.sqlstate, "3D000");
	EXPECT_OK(hf_settings_set(rig->settings, "dbname", NULL, &err));
	EXPECT_OK(hf_settings_set(rig->settings, "target_session_attrs", "standby", &err));
	EXPECT_STATUS(hf_connection_open(rig->ctx, rig->settings, NULL, 0, &connection, &err), HF_E_UNAVAILABLE);
	EXPECT_OK(hf_settings_set(rig->settings, "target_session_attrs", "read-write", &err));
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, NULL, 0, &connection, &err));
	hf_connection_free(connection);
	EXPECT_OK(hf_settings_set(rig->settings, "target_session_attrs", NULL, &err));
}

static void keep_notice(void *user, const struct hf_notice *notice)
{
	snprintf(user, 128, "%s %s %s (%s)", notice->severity, notice->sqlstate, notice->message, notice->hint);
}

static void notices_are_delivered(void **state)
{
	struct rig *rig = *state;
	char text[128] = "";
	hf_connection_on_notice(rig->connection, keep_notice, text);
	rig_sql(rig, "DO $$BEGIN RAISE WARNING 'careful' USING HINT = 'slowly'; END$$");
	assert_string_equal(text, "WARNING 01000 careful (slowly)");
	hf_connection_on_notice(rig->connection, NULL, NULL);
}

static void a_child_may_only_free(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	pid_t child = fork();
	if (child == 0) {
		bool refused = hf_sql_exec(rig->where, HF_STR("SELECT 1"), NULL, 0, NULL, &err) == HF_E_USAGE &&
		               strstr(err.message, "forked") &&
		               hf_connection_cancel(rig->connection, &err) == HF_E_USAGE;
		hf_connection_free(rig->connection);
		_exit(refused ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rig_sql(rig, "SELECT 1"); /* the parent's session lives */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(values_go_and_come, rig_ready),
		cmocka_unit_test_setup(rows_are_counted, rig_ready),
		cmocka_unit_test_setup(the_servers_words_reach_the_error, rig_ready),
		cmocka_unit_test_setup(bad_parameters_are_not_sent, rig_ready),
		cmocka_unit_test_setup(streams_stop_early_and_fail_late, rig_ready),
		cmocka_unit_test_setup(statements_are_described, rig_ready),
		cmocka_unit_test_setup(copy_by_mistake_is_refused, rig_ready),
		cmocka_unit_test_setup(another_thread_cancels, rig_ready),
		cmocka_unit_test_setup(a_cancel_never_hits_the_next_statement, rig_ready),
		cmocka_unit_test_setup(who_stopped_it_is_told_apart, rig_ready),
		cmocka_unit_test_setup(sessions_start_as_asked, rig_ready),
		cmocka_unit_test_setup(refused_logins_say_where, rig_ready),
		cmocka_unit_test_setup(notices_are_delivered, rig_ready),
		cmocka_unit_test_setup(a_child_may_only_free, rig_ready),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
