/* Queries by hand-written tables on a real server: parameters, rows, the statement cache, drift, staleness. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/statements.h"
#include "rig.h"

/* ---- one row of most types, echoed ---- */

struct echo {
	bool b;
	int16_t i2;
	int32_t i4;
	int64_t i8;
	float f4;
	double f8;
	struct hf_str text;
	struct hf_str jsonb;
	struct hf_bytes bytes;
	struct hf_uuid uuid;
	struct hf_date date;
	struct hf_time time;
	struct hf_timetz timetz;
	struct hf_timestamp ts;
	struct hf_timestamptz tstz;
	struct hf_interval interval;
	struct hf_str none;
	bool has_none;
};

static const struct hf_field echo_fields[] = {
	FIELD(bool, struct echo, b),
	FIELD(int2, struct echo, i2),
	FIELD(int4, struct echo, i4),
	FIELD(int8, struct echo, i8),
	FIELD(float4, struct echo, f4),
	FIELD(float8, struct echo, f8),
	FIELD(text, struct echo, text),
	FIELD(jsonb, struct echo, jsonb),
	{"bytes", &hf_type_bytea, offsetof(struct echo, bytes), HF_NEVER_NULL},
	FIELD(uuid, struct echo, uuid),
	FIELD(date, struct echo, date),
	FIELD(time, struct echo, time),
	FIELD(timetz, struct echo, timetz),
	{"ts", &hf_type_timestamp, offsetof(struct echo, ts), HF_NEVER_NULL},
	{"tstz", &hf_type_timestamptz, offsetof(struct echo, tstz), HF_NEVER_NULL},
	FIELD(interval, struct echo, interval),
	NULLABLE(text, struct echo, none),
};

static const struct hf_query echo_query = RIG_QUERY(
	echo0000000000000,
	"SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::float4, $6::float8, $7::text, $8::jsonb, $9::bytea, "
	"$10::uuid, $11::date, $12::time, $13::timetz, $14::timestamp, $15::timestamptz, $16::interval, $17::text",
	echo_fields, ARRAY_LEN(echo_fields), echo_fields, ARRAY_LEN(echo_fields), sizeof(struct echo));

static const struct echo echo_in = {
	.b = true,
	.i2 = INT16_MIN,
	.i4 = INT32_MIN,
	.i8 = INT64_MIN,
	.f4 = 1.5f,
	.f8 = -0.1,
	.text = HF_STR_INIT("h\xc3\xa9llo"),
	.jsonb = HF_STR_INIT("{\"a\": [1, null]}"),
	.bytes = {(const uint8_t *)"\0\xff\1", 3},
	.uuid = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}},
	.date = {INT32_MAX},
	.time = {INT64_C(86400000000)},
	.timetz = {1, -3600},
	.ts = {INT64_MIN},
	.tstz = {INT64_MAX},
	.interval = {-1, 2, -3},
};

static void assert_same_echo(const struct echo *a, const struct echo *b)
{
	assert_int_equal(a->b, b->b);
	assert_int_equal(a->i2, b->i2);
	assert_int_equal(a->i4, b->i4);
	assert_true(a->i8 == b->i8);
	assert_true(memcmp(&a->f4, &b->f4, sizeof(a->f4)) == 0 && memcmp(&a->f8, &b->f8, sizeof(a->f8)) == 0);
	assert_string_equal(a->text.ptr, b->text.ptr);
	assert_string_equal(a->jsonb.ptr, b->jsonb.ptr);
	assert_int_equal(a->bytes.len, b->bytes.len);
	assert_memory_equal(a->bytes.ptr, b->bytes.ptr, a->bytes.len);
	assert_memory_equal(&a->uuid, &b->uuid, sizeof(a->uuid));
	assert_int_equal(a->date.days, b->date.days);
	assert_true(a->time.us == b->time.us && a->timetz.us == b->timetz.us && a->timetz.west_s == b->timetz.west_s);
	assert_true(a->ts.us == b->ts.us && a->tstz.us == b->tstz.us);
	assert_true(a->interval.us == b->interval.us && a->interval.days == b->interval.days &&
	            a->interval.months == b->interval.months);
	assert_int_equal(a->has_none, b->has_none);
}

static void values_come_back_as_they_went(void **state)
{
	struct rig *rig = *state;
	struct echo out = {0};
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_query_one(rig->where, &echo_query, &echo_in, rig->arena, &out, &err));
	assert_same_echo(&echo_in, &out);
	struct echo *rows = NULL;
	size_t count = 0;
	EXPECT_OK(hf_query_many(rig->where, &echo_query, &echo_in, rig->arena, (void **)&rows, &count, &err));
	assert_int_equal(count, 1);
	assert_same_echo(&echo_in, rows);
	assert_int_equal(statement_count(rig->connection), 1);
}

/* ---- edges: what C holds, the server must read as this text, and the other way round ---- */

static const struct edge {
	const struct hf_type *type;
	const char *text;
} edges[] = {
	{&hf_type_bool, "true"},
	{&hf_type_int2, "-32768"},
	{&hf_type_int4, "2147483647"},
	{&hf_type_int8, "-9223372036854775808"},
	{&hf_type_oid, "4294967295"},
	{&hf_type_float4, "1.1754944e-38"},
	{&hf_type_float4, "NaN"},
	{&hf_type_float8, "-Infinity"},
	{&hf_type_float8, "5e-324"},
	{&hf_type_numeric, "NaN"},
	{&hf_type_numeric, "-Infinity"},
	{&hf_type_numeric, "0.00"},
	{&hf_type_numeric, "-12345678901234567890.000000000000000000012300"},
	{&hf_type_numeric, "10000"},
	{&hf_type_text, ""},
	{&hf_type_text, "\xf0\x9f\x90\x98 \t\n\\"},
	{&hf_type_varchar, "v"},
	{&hf_type_name, "n"},
	{&hf_type_xml, "<a/>"},
	{&hf_type_json, "{\"a\":  1}"},
	{&hf_type_jsonb, "{\"a\": [null, 1.50]}"},
	{&hf_type_bytea, "\\x"},
	{&hf_type_bytea, "\\x00ff5c27"},
	{&hf_type_char, "c"},
	{&hf_type_uuid, "00000000-0000-0000-ffff-0123456789ab"},
	{&hf_type_date, "infinity"},
	{&hf_type_date, "4714-11-24 BC"},
	{&hf_type_date, "5874897-12-31"},
	{&hf_type_time, "24:00:00"},
	{&hf_type_time, "23:59:59.999999"},
	{&hf_type_timetz, "00:00:00.000001+15:59"},
	{&hf_type_timetz, "12:00:00-05"},
	{&hf_type_timestamp, "-infinity"},
	{&hf_type_timestamp, "294276-12-31 23:59:59.999999"},
	{&hf_type_timestamp, "4714-11-24 00:00:00 BC"},
	{&hf_type_timestamptz, "infinity"},
	{&hf_type_timestamptz, "1969-12-31 23:59:59.999999+00"},
	{&hf_type_interval, "-178000000 years"},
	{&hf_type_interval, "1 mon -2 days +00:00:00.000001"},
	{&hf_type_interval, "-00:00:00.000001"},
	{&hf_type_int4_array, "{}"},
	{&hf_type_int4_array, "[-2:-1][0:1]={{1,NULL},{3,4}}"},
	{&hf_type_text_array, "{a,NULL,\"NULL\",\"\",\"q\\\"\\\\\"}"},
	{&hf_type_bytea_array, "{\"\\\\x00\"}"},
	{&hf_type_bool_array, "{t,f,NULL}"},
	{&hf_type_int2_array, "{-1}"},
	{&hf_type_int8_array, "{{{1}},{{2}}}"},
	{&hf_type_float8_array, "{NaN,-0}"},
	{&hf_type_uuid_array, "{00000000-0000-0000-0000-000000000000}"},
	{&hf_type_interval_array, "{\"1 day\"}"},
	{&hf_type_timestamp_array, "{infinity}"},
	{&hf_type_timestamptz_array, "{\"2000-01-01 00:00:00+00\"}"},
};

/* Run "SELECT $1::from::to" on one value. */
static void convert(struct rig *rig, const struct hf_type *from, const struct hf_type *to, const char *sql_type,
                    const void *in, void *ret_out)
{
	hf_error err = HF_ERROR_INIT;
	static int serial;
	char sql[128];
	const struct hf_field param = {"in", from, 0, HF_NEVER_NULL}, column = {"out", to, 0, HF_NEVER_NULL};
	if (from == &hf_type_text)
		snprintf(sql, sizeof(sql), "SELECT $1::text::%s", sql_type);
	else
		snprintf(sql, sizeof(sql), "SELECT ($1::%s)::text", sql_type);
	struct hf_query query = {.abi = HF_QUERY_ABI,
	                         .name = sql,
	                         .sql = sql,
	                         .sql_len = strlen(sql),
	                         .params = &param,
	                         .nparams = 1,
	                         .columns = &column,
	                         .ncolumns = 1,
	                         .row_size = to->size};
	snprintf(query.statement, sizeof(query.statement), "hf_%016x", (unsigned)serial++);
	EXPECT_OK(hf_query_one(rig->where, &query, in, rig->arena, ret_out, &err));
}

static void edge_values_mean_the_same_on_both_sides(void **state)
{
	struct rig *rig = *state;
	rig_sql(rig, "SET bytea_output = 'hex'");
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		_Alignas(16) char value[128];
		char sql_type[32];
		struct hf_str text = hf_str_of(edges[i].text), back = HF_STR("");
		snprintf(sql_type, sizeof(sql_type), "%s",
		         edges[i].type == &hf_type_char ? "\"char\"" : edges[i].type->name);
		assert_true(edges[i].type->size <= sizeof(value));
		convert(rig, &hf_type_text, edges[i].type, sql_type, &text, value);
		convert(rig, edges[i].type, &hf_type_text, sql_type, value, &back);
		assert_string_equal(back.ptr, edges[i].text);
	}
}

/* ---- rows ---- */

struct series_in {
	int32_t n;
};
struct series {
	int32_t i;
	struct hf_str text;
	bool has_text;
};
static const struct hf_field series_params[] = {FIELD(int4, struct series_in, n)};
static const struct hf_field series_columns[] = {FIELD(int4, struct series, i), NULLABLE(text, struct series, text)};
#define SERIES(name_, sql_) RIG_QUERY(name_, sql_, series_params, 1, series_columns, 2, sizeof(struct series))
static const struct hf_query series_query =
	SERIES(series00000000000, "SELECT i, nullif(i::text, '2') FROM generate_series(1, $1) i ORDER BY i");

static void many_rows_live_in_the_arena(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct series *rows = NULL;
	size_t count = 7;
	EXPECT_OK(hf_query_many(rig->where, &series_query, &(struct series_in){3}, rig->arena, (void **)&rows, &count,
	                        &err));
	assert_int_equal(count, 3);
	assert_int_equal(rows[2].i, 3);
	assert_string_equal(rows[2].text.ptr, "3");
	assert_false(rows[1].has_text);
	EXPECT_OK(hf_query_many(rig->where, &series_query, &(struct series_in){0}, rig->arena, (void **)&rows, &count,
	                        &err));
	assert_int_equal(count, 0);
}

static void rows_that_were_changed_are_counted(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t rows = -1;
	static const struct hf_query query =
		RIG_QUERY(exec000000000000, "INSERT INTO counted SELECT generate_series(1, $1)", series_params, 1, NULL,
	                  0, 0);
	rig_sql(rig, "CREATE TEMP TABLE counted (i int)");
	EXPECT_OK(hf_query_exec(rig->where, &query, &(struct series_in){4}, &rows, &err));
	assert_int_equal(rows, 4);
	EXPECT_OK(hf_query_exec(rig->where, &query, &(struct series_in){1}, NULL, NULL));
	rig_sql(rig, "DROP TABLE counted");
}

static void a_huge_row_marks_the_connection(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_query query = SERIES(huge000000000000, "SELECT $1::int4, repeat('x', 20000000)");
	struct series row;
	hf_connection *mine = rig_connect(rig, NULL);
	EXPECT_OK(hf_query_one(hf_on_connection(mine), &query, &(struct series_in){1}, rig->arena, &row, &err));
	assert_int_equal(row.text.len, 20000000);
	assert_true(mine->oversized); /* libpq's buffer never shrinks: the pool closes such a connection */
	hf_connection_free(mine);
}

static void an_arena_bounds_the_result(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	hf_arena *small = hf_arena_new(100000);
	struct series *rows = NULL;
	size_t count = 7;
	EXPECT_STATUS(hf_query_many(rig->where, &series_query, &(struct series_in){10000}, small, (void **)&rows,
	                            &count, &err),
	              HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "series00000000000");
	assert_null(rows);
	assert_int_equal(count, 7);
	hf_arena_free(small);
	rig_sql(rig, "SELECT 1"); /* the connection is fine */
}

static void opt_and_one_count_rows(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct series row = {.i = -1};
	EXPECT_STATUS(hf_query_opt(rig->where, &series_query, &(struct series_in){0}, rig->arena, &row, &err),
	              HF_NOT_FOUND);
	EXPECT_STATUS(hf_query_one(rig->where, &series_query, &(struct series_in){0}, rig->arena, &row, &err),
	              HF_E_PROTOCOL);
	EXPECT_STATUS(hf_query_opt(rig->where, &series_query, &(struct series_in){2}, rig->arena, &row, &err),
	              HF_E_LIMIT);
	assert_int_equal(row.i, -1);
	EXPECT_OK(hf_query_opt(rig->where, &series_query, &(struct series_in){1}, rig->arena, &row, &err));
	assert_int_equal(row.i, 1);
}

struct seen {
	int rows;
	int stop_at;
	enum hf_status stop_with;
};

static enum hf_status count_row(void *user, const void *row, hf_error *err)
{
	struct seen *seen = user;
	const struct series *series = row;
	(void)err;
	assert_int_equal(series->i, ++seen->rows);
	return seen->rows == seen->stop_at ? seen->stop_with : HF_OK;
}

static void each_streams_and_stops(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct seen all = {0}, stop = {.stop_at = 2, .stop_with = HF_STOP},
		    fail = {.stop_at = 3, .stop_with = HF_CONFLICT};
	EXPECT_OK(hf_query_each(rig->where, &series_query, &(struct series_in){5000}, count_row, &all, &err));
	assert_int_equal(all.rows, 5000);
	EXPECT_OK(hf_query_each(rig->where, &series_query, &(struct series_in){1000000}, count_row, &stop, &err));
	assert_int_equal(stop.rows, 2);
	EXPECT_STATUS(hf_query_each(rig->where, &series_query, &(struct series_in){10}, count_row, &fail, &err),
	              HF_CONFLICT);
	assert_int_equal(fail.rows, 3);
	rig_sql(rig, "SELECT 1");
}

/* A million rows times the input, which the server makes as they are read. */
static const struct hf_query product_query =
	RIG_QUERY(product0000000000, "SELECT 1 FROM generate_series(1, 1000) a, generate_series(1, 1000) b, generate_series(1, $1) c",
		  series_params, 1, series_columns, 1, sizeof(struct series));

static enum hf_status count_up(void *user, const void *row, hf_error *err)
{
	(void)row;
	(void)err;
	return ++*(int *)user == 2 ? HF_STOP : HF_OK;
}

static enum hf_status stop_early(hf_where tx, void *user, hf_error *err)
{
	int rows = 0;
	enum hf_status status = hf_query_each(tx, &product_query, user, count_up, &rows, err);
	if (status == HF_OK && rows == 2)
		status = hf_sql_exec(tx, HF_STR("CREATE TABLE stopped ()"), NULL, 0, NULL, err);
	return status;
}

/* Cancelling the rest would abort the transaction. */
static void each_that_stops_keeps_its_transaction(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_transaction(rig->where, NULL, stop_early, &(struct series_in){1}, &err));
	assert_string_equal(rig_text(rig, "SELECT to_regclass('stopped')::text"), "stopped");
	rig_sql(rig, "DROP TABLE stopped");
	hf_where soon = hf_until(rig->where, hf_deadline_in(rig->ctx, 100));
	EXPECT_STATUS(hf_transaction(soon, NULL, stop_early, &(struct series_in){1000000}, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "the deadline passed");
	assert_string_equal(rig_text(rig, "SELECT coalesce(to_regclass('stopped')::text, 'gone')"), "gone");
}

/* ---- the statement cache ---- */

static void least_recently_used_statements_are_closed(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_connection_options options = {.size = sizeof(options), .statement_cache_max = 2};
	hf_connection *connection = rig_connect(rig, &options);
	static const struct hf_query queries[] = {
		SERIES(aaaaaaaaaaaaaaaa, "SELECT i, 'a' FROM generate_series(1, $1) i"),
		SERIES(bbbbbbbbbbbbbbbb, "SELECT i, 'b' FROM generate_series(1, $1) i"),
		SERIES(cccccccccccccccc, "SELECT i, 'c' FROM generate_series(1, $1) i"),
	};
	static const int order[] = {0, 1, 0, 2, 0, 1, 2};
	struct series row;
	hf_where where = hf_on_connection(connection);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		EXPECT_OK(hf_query_one(where, &queries[order[i]], &(struct series_in){1}, rig->arena, &row, &err));
		assert_int_equal(row.text.ptr[0], 'a' + order[i]);
	}
	assert_int_equal(statement_count(connection), 2);
	struct hf_sql_row names = {0};
	EXPECT_OK(hf_sql_one(where, HF_STR("SELECT string_agg(name, ' ' ORDER BY name) FROM pg_prepared_statements"),
	                     NULL, 0, rig->arena, &names, &err));
	assert_string_equal(names.values[0].as.s.ptr, "hf_bbbbbbbbbbbbbbbb hf_cccccccccccccccc");
	hf_connection_free(connection);
}

static void one_name_with_two_texts_is_told_apart(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_query x = SERIES(samesamesamesame, "SELECT i, 'x' FROM generate_series(1, $1) i");
	static const struct hf_query y = SERIES(samesamesamesame, "SELECT i, 'y' FROM generate_series(1, $1) i");
	struct series row;
	for (int i = 0; i < 3; i++) {
		EXPECT_OK(hf_query_one(rig->where, &x, &(struct series_in){1}, rig->arena, &row, &err));
		assert_string_equal(row.text.ptr, "x");
		EXPECT_OK(hf_query_one(rig->where, &y, &(struct series_in){1}, rig->arena, &row, &err));
		assert_string_equal(row.text.ptr, "y");
	}
}

static const struct hf_query stale_query = SERIES(stale00000000000, "SELECT i, t FROM stale WHERE i = $1");

static void stale_plans_are_prepared_again(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct series row;
	rig_sql(rig, "DROP TABLE IF EXISTS stale");
	rig_sql(rig, "CREATE TABLE stale (i int, t varchar)");
	rig_sql(rig, "INSERT INTO stale VALUES (1, 'one')");
	EXPECT_STATUS(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err),
	              HF_E_DRIFT);
	rig_sql(rig, "ALTER TABLE stale ALTER t TYPE text");
	EXPECT_OK(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err));
	rig_sql(rig, "ALTER TABLE stale ALTER t TYPE varchar"); /* 0A000 RevalidateCachedQuery, then drift */
	EXPECT_STATUS(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err),
	              HF_E_DRIFT);
	assert_string_equal(err.column, "text");
	rig_sql(rig, "ALTER TABLE stale ALTER t TYPE text");
	EXPECT_OK(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err));
	rig_sql(rig, "DEALLOCATE ALL"); /* 26000 */
	EXPECT_OK(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err));
	rig_sql(rig, "BEGIN");
	rig_sql(rig, "DEALLOCATE ALL");
	EXPECT_STATUS(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err), HF_E_DB);
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
	rig_sql(rig, "ROLLBACK");
	EXPECT_OK(hf_query_one(rig->where, &stale_query, &(struct series_in){1}, rig->arena, &row, &err));
	assert_string_equal(row.text.ptr, "one");
}

static const struct hf_query failing_query = SERIES(failing000000000, "SELECT i, t FROM failing WHERE i = $1");

/* What failed between PREPARE and its first use stands on the server, unless the program's SQL removed it since. */
static void a_failed_statement_is_prepared_again_in_its_transaction(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct series row;
	rig_sql(rig, "CREATE TABLE failing (i int, t varchar)");
	rig_sql(rig, "INSERT INTO failing VALUES (1, 'one')");
	for (int gone = 0; gone < 2; gone++) {
		rig_sql(rig, "BEGIN");
		for (int i = 0; i < 2; i++) {
			EXPECT_STATUS(hf_query_one(rig->where, &failing_query, &(struct series_in){1}, rig->arena, &row,
			                           &err), HF_E_DRIFT);
			if (gone)
				rig_sql(rig, "DEALLOCATE ALL");
		}
		rig_sql(rig, "ALTER TABLE failing ALTER t TYPE text");
		EXPECT_OK(hf_query_one(rig->where, &failing_query, &(struct series_in){1}, rig->arena, &row, &err));
		assert_string_equal(row.text.ptr, "one");
		rig_sql(rig, "ROLLBACK");
		EXPECT_STATUS(hf_query_one(rig->where, &failing_query, &(struct series_in){1}, rig->arena, &row, &err),
		              HF_E_DRIFT);
	}
}

/* ---- refusals ---- */

static void bad_parameters_are_refused_before_sending(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_field text_param[] = {{"word", &hf_type_text, 0, HF_NEVER_NULL}};
	static const struct hf_query query =
		RIG_QUERY(nul0000000000000, "SELECT $1::text", text_param, 1, text_param, 1, sizeof(struct hf_str));
	struct hf_str in = HF_STR("a\0b"), out = HF_STR("untouched");
	EXPECT_STATUS(hf_query_one(rig->where, &query, &in, rig->arena, &out, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "\"word\"");
	assert_string_equal(out.ptr, "untouched");
	assert_string_equal(err.query, "nul0000000000000");
	struct hf_query other = query;
	other.abi = 99;
	EXPECT_STATUS(hf_query_one(rig->where, &other, &in, rig->arena, &out, &err), HF_E_USAGE);
}

static void null_where_none_is_compiled_is_refused(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_field column[] = {{"word", &hf_type_text, 0, HF_NEVER_NULL}};
	static const struct hf_query query =
		RIG_QUERY(null000000000000, "SELECT NULL::text", NULL, 0, column, 1, sizeof(struct hf_str));
	struct hf_str out;
	EXPECT_STATUS(hf_query_one(rig->where, &query, NULL, rig->arena, &out, &err), HF_E_PROTOCOL);
	EXPECT_CONTAINS(err.message, "unexpected null");
	assert_string_equal(err.column, "word");
}

static void drift_names_column_and_types(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_query query = SERIES(drift00000000000, "SELECT $1::int4, 1::int8");
	static const struct hf_query fewer = SERIES(fewer00000000000, "SELECT $1::int4");
	static const struct hf_query param = SERIES(param00000000000, "SELECT 1::int4, $1::text");
	struct series out;
	EXPECT_STATUS(hf_query_one(rig->where, &query, &(struct series_in){1}, rig->arena, &out, &err), HF_E_DRIFT);
	assert_string_equal(err.message, "query \"drift00000000000\": column \"text\" is bigint in the database, "
	                                 "the program was compiled for text");
	EXPECT_STATUS(hf_query_one(rig->where, &fewer, &(struct series_in){1}, rig->arena, &out, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "1 columns");
	EXPECT_STATUS(hf_query_one(rig->where, &param, &(struct series_in){1}, rig->arena, &out, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "parameter \"n\" is text");
}

static void domains_pass_as_their_base(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "DROP DOMAIN IF EXISTS inner_word CASCADE");
	rig_sql(rig, "CREATE DOMAIN inner_word AS text");
	rig_sql(rig, "CREATE DOMAIN word AS inner_word CHECK (VALUE <> 'bad')");
	static const struct hf_field text_param[] = {{"word", &hf_type_text, 0, HF_NEVER_NULL}};
	static const struct hf_query query =
		RIG_QUERY(domain0000000000, "SELECT $1::word", text_param, 1, text_param, 1, sizeof(struct hf_str));
	struct hf_str in = HF_STR("good"), out;
	EXPECT_OK(hf_query_one(rig->where, &query, &in, rig->arena, &out, &err));
	in = HF_STR("bad");
	EXPECT_STATUS(hf_query_one(rig->where, &query, &in, rig->arena, &out, &err), HF_REJECTED);
	assert_int_equal(err.category, HF_CATEGORY_CONSTRAINT_CHECK);
	rig_sql(rig, "DROP DOMAIN word, inner_word");
}

static void deadlines_end_a_query(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_query query = SERIES(sleep00000000000, "SELECT $1::int4, pg_sleep(60)::text");
	struct series out;
	hf_where soon = hf_until(rig->where, hf_deadline_in(rig->ctx, 100));
	EXPECT_STATUS(hf_query_one(soon, &query, &(struct series_in){1}, rig->arena, &out, &err), HF_TIMEOUT);
	assert_int_equal(err.category, HF_CATEGORY_TIMEOUT);
	assert_string_equal(err.query, "sleep00000000000");
	assert_false(rig->connection->broken);
	struct hf_query bounded = query;
	bounded.timeout_ms = 100;
	EXPECT_STATUS(hf_query_one(rig->where, &bounded, &(struct series_in){1}, rig->arena, &out, &err), HF_TIMEOUT);
	rig_sql(rig, "SELECT 1");
}

static void a_protocol_violation_that_is_an_error_keeps_the_connection(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_sql_exec(rig->where, HF_STR("DO $$ BEGIN RAISE SQLSTATE '08P01'; END $$"), NULL, 0, NULL, &err),
	              HF_E_PROTOCOL);
	rig_sql(rig, "SELECT 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(values_come_back_as_they_went, rig_ready),
		cmocka_unit_test_setup(edge_values_mean_the_same_on_both_sides, rig_ready),
		cmocka_unit_test_setup(many_rows_live_in_the_arena, rig_ready),
		cmocka_unit_test_setup(rows_that_were_changed_are_counted, rig_ready),
		cmocka_unit_test_setup(a_huge_row_marks_the_connection, rig_ready),
		cmocka_unit_test_setup(an_arena_bounds_the_result, rig_ready),
		cmocka_unit_test_setup(opt_and_one_count_rows, rig_ready),
		cmocka_unit_test_setup(each_streams_and_stops, rig_ready),
		cmocka_unit_test_setup(each_that_stops_keeps_its_transaction, rig_ready),
		cmocka_unit_test_setup(least_recently_used_statements_are_closed, rig_ready),
		cmocka_unit_test_setup(one_name_with_two_texts_is_told_apart, rig_ready),
		cmocka_unit_test_setup(stale_plans_are_prepared_again, rig_ready),
		cmocka_unit_test_setup(a_failed_statement_is_prepared_again_in_its_transaction, rig_ready),
		cmocka_unit_test_setup(bad_parameters_are_refused_before_sending, rig_ready),
		cmocka_unit_test_setup(null_where_none_is_compiled_is_refused, rig_ready),
		cmocka_unit_test_setup(drift_names_column_and_types, rig_ready),
		cmocka_unit_test_setup(domains_pass_as_their_base, rig_ready),
		cmocka_unit_test_setup(deadlines_end_a_query, rig_ready),
		cmocka_unit_test_setup(a_protocol_violation_that_is_an_error_keeps_the_connection, rig_ready),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
