/*
 * Memory running out at each place of a session's life: settings, login, statements of every kind, transactions, the
 * pool, health. A real server answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../fixture.h"
#include "../torture.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"

DEFINE_OWNED(ctx, hf_context *, hf_context_free)
DEFINE_OWNED(settings, hf_settings *, hf_settings_free)
DEFINE_OWNED(connection, hf_connection *, hf_connection_free)
DEFINE_OWNED(pool, hf_pool *, hf_pool_close)

static const char *url;

static enum hf_status log_in(hf_context *ctx, hf_connection **ret_connection, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	const struct hf_connection_options options = {.size = sizeof(options),
	                                              .application_name = "memory's end",
	                                              .lock_timeout_ms = 1000,
	                                              .server_options = "-c jit=off"};
	enum hf_status status = hf_settings_new(ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = hf_settings_set(settings, "keepalives", "1", err);
	if (status == HF_OK)
		status = hf_connection_open(ctx, settings, &options, HF_DEADLINE_DEFAULT, ret_connection, err);
	return status;
}

static enum hf_status count_row(void *user, UNUSED const struct hf_sql_row *row, UNUSED hf_error *err)
{
	++*(int *)user;
	return HF_OK;
}

static enum hf_status ask(hf_where where, hf_arena *arena, hf_error *err)
{
	int rows = 0;
	struct hf_sql_row row;
	struct hf_sql_shape shape;
	const struct hf_value params[] = {hf_int(7), hf_text(HF_STR("seven")), hf_bool(true), hf_float(0.5), hf_null(),
	                                  hf_raw((struct hf_bytes){(const uint8_t *)"\1\2", 2})};
	enum hf_status status = hf_sql_one(where, HF_STR("SELECT $1::int8, $2::text, $3::bool, $4::float8, $5::uuid, $6::bytea,"
	                                                 " now(), repeat('x', 10000), 12.5::numeric, ARRAY[1, 2]"),
	                                   params, ARRAY_LEN(params), arena, &row, err);
	if (status == HF_OK)
		assert_int_equal(row.count, 10);
	if (status == HF_OK)
		status = hf_sql_each(where, HF_STR("SELECT i, 'row ' || i FROM generate_series(1, 20) AS i"), NULL, 0, count_row,
		                     &rows, err);
	if (status == HF_OK)
		assert_int_equal(rows, 20);
	if (status == HF_OK)
		status = hf_sql_describe(where, HF_STR("SELECT $1::int4 AS a, rolname FROM pg_roles"), arena, &shape, err);
	if (status == HF_OK)
		assert_int_equal(shape.ncolumns, 2);
	return status;
}

static void ignore(UNUSED void *user)
{
}

static enum hf_status deeper(hf_where tx, UNUSED void *user, hf_error *err)
{
	enum hf_status status = hf_transaction_on_commit(tx, ignore, NULL, err);
	if (status == HF_OK)
		status = hf_sql_exec(tx, HF_STR("INSERT INTO kept VALUES (2)"), NULL, 0, NULL, err);
	return status;
}

static enum hf_status write_two(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = hf_sql_exec(tx, HF_STR("INSERT INTO kept VALUES (1)"), NULL, 0, NULL, err);
	return status == HF_OK ? hf_transaction(tx, NULL, deeper, user, err) : status;
}

static enum hf_status take_text(UNUSED void *user, struct hf_str text, UNUSED hf_error *err)
{
	assert_true(text.len > 1000);
	return HF_OK;
}

static enum hf_status session(UNUSED void *user, hf_error *err)
{
	CLEANUP(ctx_freep) hf_context *ctx = NULL;
	CLEANUP(connection_freep) hf_connection *connection = NULL;
	const struct hf_transaction_options options = {.size = sizeof(options), .isolation = HF_SERIALIZABLE};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_context_new(NULL, &ctx, err);
	if (status == HF_OK)
		status = log_in(ctx, &connection, err);
	if (status == HF_OK)
		status = ask(hf_on_connection(connection), arena, err);
	if (status == HF_OK)
		status = hf_transaction(hf_on_connection(connection), &options, write_two, NULL, err);
	if (status == HF_OK)
		status = hf_metrics_write(hf_context_metrics(ctx), take_text, NULL, err);
	return status;
}

static enum hf_status through_a_pool(UNUSED void *user, hf_error *err)
{
	CLEANUP(ctx_freep) hf_context *ctx = NULL;
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	CLEANUP(pool_freep) hf_pool *pool = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_connection_options connection = {.size = sizeof(connection), .application_name = "pooled"};
	const struct hf_pool_options options = {
	        .size = sizeof(options), .name = "short", .lazy = true, .connections_max = 1, .connection = &connection};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_context_new(NULL, &ctx, err);
	if (status == HF_OK)
		status = hf_settings_new(ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = hf_pool_open(ctx, settings, &options, &pool, err);
	if (status == HF_OK)
		status = ask(hf_on_pool(pool), arena, err);
	if (status == HF_OK)
		status = hf_transaction(hf_on_pool(pool), NULL, write_two, NULL, err);
	return status;
}

/* ---- rows that are read one by one, because the query has a bound ---- */

static hf_connection *open_connection;

static const struct hf_field counted[] = {{"i", &hf_type_int4, 0, HF_NEVER_NULL}};
static const struct hf_query bounded = {.abi = HF_QUERY_ABI,
                                        .name = "bounded",
                                        .sql = "SELECT i FROM generate_series(1, 100) AS i",
                                        .sql_len = 42,
                                        .statement = "hf_0123456789bounds",
                                        .columns = counted,
                                        .ncolumns = 1,
                                        .row_size = sizeof(int32_t),
                                        .rows_max = 100};

static enum hf_status read_bounded(UNUSED void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	void *rows = NULL;
	size_t count = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status =
		hf_query_many(hf_on_connection(open_connection), &bounded, NULL, arena, &rows, &count, err);
	if (status == HF_OK)
		assert_true(count == 100 && ((int32_t *)rows)[99] == 100);
	else
		assert_true(!rows && count == 0);
	return status;
}

/* An arena without memory is a full one. */
static void a_bounded_query_survives_any_lack(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(ctx_freep) hf_context *ctx = NULL;
	CLEANUP(connection_freep) hf_connection *connection = NULL;
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	EXPECT_OK(log_in(ctx, &connection, &err));
	open_connection = connection;
	EXPECT_OK(read_bounded(NULL, &err));
	assert_true(torture_or(HF_E_LIMIT, read_bounded, NULL) >= 3);
}

static int set_up(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	url = fixture_database(NULL);
	EXPECT_OK(log_in(fixture_context(), &connection, &err));
	EXPECT_OK(hf_sql_exec(hf_on_connection(connection), HF_STR("CREATE TABLE kept (i int)"), NULL, 0, NULL, &err));
	hf_connection_free(connection);
	return 0;
}

static void a_session_survives_any_lack(UNUSED void **state)
{
	assert_true(torture(session, NULL) > 30);
}

static void a_pool_survives_any_lack(UNUSED void **state)
{
	assert_true(torture(through_a_pool, NULL) > 30);
}

static enum hf_status bind_names(UNUSED void *user, hf_error *err)
{
	static const struct hf_query query = {.abi = HF_QUERY_ABI, .name = "of_t", .sql = "TABLE \"t\"", .sql_len = 9};
	static const struct hf_query_slot slots[] = {{6, 3, 0, "_history", false}};
	static const struct hf_query_binding binding[] = {{&query, slots, 1, 0}};
	const struct hf_query_name names[] = {{"t", HF_STR("a\"b")}};
	struct hf_query bound = {0};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_query_bind(binding, 1, names, 1, arena, &bound, err);
	assert_true(status == HF_OK || !bound.sql);
	if (status == HF_OK)
		assert_string_equal(bound.sql, "TABLE \"a\"\"b_history\"");
	return status;
}

static void binding_names_survives_any_lack(UNUSED void **state)
{
	assert_true(torture(bind_names, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_survives_any_lack),
		cmocka_unit_test(a_pool_survives_any_lack),
		cmocka_unit_test(a_bounded_query_survives_any_lack),
		cmocka_unit_test(binding_names_survives_any_lack),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
