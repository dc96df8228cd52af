/*
 * Queries with bounds, on a real server: exactly at the bound, one over, results without end; what they leave of the
 * connection, the pool, the transaction.
 */
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "queries/sample/bounds.h"
#include "sample.h"

DEFINE_OWNED(pool, hf_pool *, hf_pool_close)
DEFINE_OWNED(settings, hf_settings *, hf_settings_free)

enum { THOUSAND = 1000, MILLION = 1000000, KB = 1024 };

static void expect_over(const hf_error *err, const char *query, const char *bound, const char *annotation)
{
	char message[200];
	snprintf(message, sizeof(message), "query \"%s\" gives more than %s, its bound", query, bound);
	assert_string_equal(err->message, message);
	assert_string_equal(err->query, query);
	EXPECT_CONTAINS(err->hint, annotation);
	assert_int_equal(err->action, HF_ACTION_NEVER);
}

/* ---- rows ---- */

static void as_many_rows_as_the_bound(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct words *rows = NULL;
	size_t count = 77;
	EXPECT_OK(words_few(state->where, &(struct words_few_in){.len = 2, .rows = 3, .times = 1}, state->arena, &rows,
	                    &count, &err));
	assert_int_equal(count, 3);
	for (int i = 0; i < 3; i++) {
		char word[8];
		snprintf(word, sizeof(word), "xx%d", i + 1);
		assert_int_equal(rows[i].number, i + 1);
		assert_string_equal(rows[i].word.ptr, word); /* a NUL behind it */
		assert_int_equal(rows[i].has_but_two, i != 1);
		assert_int_equal(rows[i].but_two, i != 1 ? i + 1 : 0);
	}
	EXPECT_OK(words_few(state->where, &(struct words_few_in){.rows = 0, .times = 1}, state->arena, &rows, &count,
	                    &err));
	assert_int_equal(count, 0);
	const struct words_few_in of_five = {.rows = 5, .times = 1, .with_from = true, .least = 3};
	EXPECT_OK(words_few(state->where, &of_five, state->arena, &rows, &count, &err));
	assert_true(count == 3 && rows[0].number == 3);
}

static void a_row_more_is_an_error(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct words *rows = NULL;
	size_t count = 77;
	struct words_few_in in = {.rows = 4, .times = 1};
	EXPECT_STATUS(words_few(state->where, &in, state->arena, &rows, &count, &err), HF_E_LIMIT);
	expect_over(&err, "words_few", "3 rows", "\"rows max\"");
	EXPECT_STATUS(words_few(state->where, &in, state->arena, &rows, &count, NULL), HF_E_LIMIT);
	in.with_from = true; /* another variant, the same bound */
	EXPECT_STATUS(words_few(state->where, &in, state->arena, &rows, &count, &err), HF_E_LIMIT);
	assert_true(!rows && count == 77);
	in.rows = 2;
	EXPECT_OK(words_few(state->where, &in, state->arena, &rows, &count, &err)); /* the connection is fine */
}

/* A billion rows: buffered, they would not fit into this machine. */
static void a_result_without_end_is_not_waited_for(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct words *rows = NULL;
	size_t count = 77;
	const struct words_few_in endless = {.len = 100, .rows = THOUSAND, .times = MILLION};
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(words_few(state->where, &endless, state->arena, &rows, &count, &err), HF_E_LIMIT);
		expect_over(&err, "words_few", "3 rows", "\"rows max\"");
	}
	assert_true(hf_arena_used(state->arena) < 2 * KB);
	assert_string_equal(text(state, "SELECT 'fine'"), "fine");
}

/* ---- bytes: a struct a row, and what the values take on the wire ---- */

static void as_many_bytes_as_the_bound(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct words *rows = NULL;
	size_t count = 77;
	const int32_t room = KB - (int32_t)sizeof(struct words) - 4 - 1 - 4; /* of number, of its digit, of but_two */
	struct words_short_in in = {.len = room, .rows = 1, .times = 1};
	EXPECT_OK(words_short(state->where, &in, state->arena, &rows, &count, &err));
	assert_true(count == 1 && rows[0].word.len == (size_t)room + 1);
	in.len++;
	EXPECT_STATUS(words_short(state->where, &in, state->arena, &rows, &count, &err), HF_E_LIMIT);
	expect_over(&err, "words_short", "1024 bytes", "\"bytes max\"");
	in = (struct words_short_in){.len = 0, .rows = THOUSAND, .times = MILLION};
	EXPECT_STATUS(words_short(state->where, &in, state->arena, &rows, &count, &err), HF_E_LIMIT);
	assert_true(count == 1);
	assert_string_equal(text(state, "SELECT 'fine'"), "fine");
}

/* ---- the arena is a bound too ---- */

static void the_arena_bounds_what_the_query_does_not(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct words *rows = NULL;
	size_t count = 0;
	EXPECT_OK(words_many(state->where, &(struct words_many_in){.len = 10, .rows = 10 * THOUSAND, .times = 1},
	                     state->arena, &rows, &count, &err));
	assert_true(count == 10 * THOUSAND && rows[count - 1].number == 10 * THOUSAND);
	rows = NULL;
	for (size_t room = 1; room < 8 * KB; room += 97) {
		CLEANUP(arena_freep) hf_arena *small = hf_arena_new(room);
		const struct words_many_in in = {.len = 10, .rows = room % 2 ? 1000 : 100 * THOUSAND, .times = 1};
		EXPECT_STATUS(words_many(state->where, &in, small, &rows, &count, &err), HF_E_LIMIT);
		EXPECT_CONTAINS(err.message, "does not fit into the arena's bound");
	}
	assert_true(!rows && count == 10 * THOUSAND);
	assert_string_equal(text(state, "SELECT 'fine'"), "fine");
}

/* ---- :each ---- */

static enum hf_status count_up(void *user, const struct words *row, hf_error *err)
{
	(void)row;
	(void)err;
	int *seen = user;
	return ++*seen < 0 ? HF_STOP : HF_OK;
}

static void each_sees_the_rows_before_the_bound(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	EXPECT_OK(words_each(state->where, &(struct words_each_in){.rows = 5, .times = 1}, count_up, &seen, &err));
	assert_int_equal(seen, 5);
	const struct words_each_in endless = {.rows = THOUSAND, .times = MILLION};
	EXPECT_STATUS(words_each(state->where, &endless, count_up, &seen, &err), HF_E_LIMIT);
	expect_over(&err, "words_each", "5 rows", "\"rows max\"");
	assert_int_equal(seen, 10);
	const struct words_each_in broad = {.len = MILLION / 2, .rows = 5, .times = 1};
	EXPECT_STATUS(words_each(state->where, &broad, count_up, &seen, &err), HF_E_LIMIT);
	expect_over(&err, "words_each", "1048576 bytes", "\"bytes max\"");
	assert_int_equal(seen, 12);
	int stopping = INT32_MIN;
	EXPECT_OK(words_each(state->where, &endless, count_up, &stopping, &err)); /* before the bound */
}

/* ---- by COPY ---- */

static enum hf_status check_word(void *user, const struct words *row, hf_error *err)
{
	char word[16];
	int *seen = user;
	(void)err;
	snprintf(word, sizeof(word), "xx%d", ++*seen);
	assert_int_equal(row->number, *seen);
	assert_string_equal(row->word.ptr, word); /* a NUL behind it */
	assert_int_equal(row->word.len, strlen(word));
	assert_int_equal(row->has_but_two, *seen != 2);
	assert_int_equal(row->but_two, *seen != 2 ? *seen : 0);
	return HF_OK;
}

static void a_stream_gives_every_row(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 20000");
	EXPECT_OK(words_stream(state->where, check_word, &seen, &err));
	assert_int_equal(seen, 20000);
	run(state, "SET sample.rows = 0");
	EXPECT_OK(words_stream(state->where, check_word, &seen, &err));
	assert_int_equal(seen, 20000);
	run(state, "SET sample.rows = 'many'");
	EXPECT_STATUS(words_stream(state->where, check_word, &seen, &err), HF_REJECTED);
	assert_string_equal(err.sqlstate, "22P02");
	assert_string_equal(text(state, "SELECT 'alive'"), "alive");
}

static enum hf_status stop_at_five(void *user, const struct words *row, hf_error *err)
{
	int *seen = user;
	(void)err;
	assert_true(*seen < 5);
	return ++*seen == 5 ? (row->number == 5 ? HF_STOP : HF_E_FAILED) : HF_OK;
}

static enum hf_status fail_at_once(void *user, const struct words *row, hf_error *err)
{
	(void)user;
	(void)row;
	return error_set(err, HF_E_LIMIT, "no more than that");
}

static enum hf_status stop_and_write(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = words_stream(tx, stop_at_five, user, err);
	return status == HF_OK
	               ? hf_sql_exec(tx, HF_STR("INSERT INTO item (name) VALUES ('behind')"), NULL, 0, NULL, err)
	               : status;
}

static void a_stream_stops_where_it_is_told(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 300000");
	EXPECT_OK(words_stream(state->where, stop_at_five, &seen, &err));
	assert_int_equal(seen, 5);
	EXPECT_STATUS(words_stream(state->where, fail_at_once, NULL, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "no more than that");
	seen = 0;
	EXPECT_OK(hf_transaction(state->where, NULL, stop_and_write, &seen, &err));
	assert_string_equal(text(state, "SELECT name FROM item"), "behind");
}

static void a_stream_ends_at_its_deadline(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 20000000");
	hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), 300));
	EXPECT_STATUS(words_stream(soon, check_word, &seen, &err), HF_TIMEOUT);
	if (strstr(err.message, "was cancelled")) /* a machine that is busy may not confirm it in time */
		assert_string_equal(text(state, "SELECT 'alive'"), "alive");
}

/* Behind many rows that came: the rest does not, and the server does not end it either. */
static void a_stream_that_stalls_ends_at_its_deadline(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 100000");
	run(state, "SET sample.stall = 50000");
	for (int64_t ms = 500; seen == 0; ms *= 2) { /* a busy machine takes longer to begin */
		hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), ms));
		EXPECT_STATUS(words_stream(soon, check_word, &seen, &err), HF_TIMEOUT);
	}
	assert_true(seen > 1000 && seen < 50000);
	run(state, "RESET sample.stall");
}

/* The reader has what it wants; the transaction would go on behind the rest, which does not come. */
static void a_deadline_ends_the_rest_of_a_stream(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 100000");
	run(state, "SET sample.stall = 50000");
	for (int64_t ms = 500; seen != 5; ms *= 2) { /* a busy machine takes longer to begin */
		hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), ms));
		seen = 0;
		EXPECT_STATUS(hf_transaction(soon, NULL, stop_and_write, &seen, &err), HF_TIMEOUT);
	}
	run(state, "RESET sample.stall");
	assert_string_equal(text(state, "SELECT count(*)::text FROM item"), "0");
}

static enum hf_status read_slowly(void *user, const struct words *row, hf_error *err)
{
	int *seen = user;
	(void)row;
	(void)err;
	if (++*seen % 100 == 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return HF_OK;
}

/* The server is ahead, so that there is always something to read and nothing is ever waited for. */
static void a_deadline_ends_a_stream_whose_rows_flow(void **user)
{
	enum { ROWS = 1000000 };
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	run(state, "SET sample.rows = 1000000");
	hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), 1500));
	EXPECT_STATUS(words_stream(soon, read_slowly, &seen, &err), HF_TIMEOUT);
	assert_true(seen < ROWS / 2);
}

/* ---- transactions ---- */

struct trying {
	hf_arena *arena;
	struct words_few_in in;
	enum hf_status seen;
};

/* Goes on although it was refused. */
static enum hf_status try_and_write(hf_where tx, void *user, hf_error *err)
{
	struct trying *trying = user;
	struct words *rows = NULL;
	size_t count;
	hf_error ignored = HF_ERROR_INIT;
	trying->seen = words_few(tx, &trying->in, trying->arena, &rows, &count, &ignored);
	return hf_sql_exec(tx, HF_STR("INSERT INTO item (name) VALUES ('behind')"), NULL, 0, NULL, err);
}

static void a_transaction_goes_on(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct trying trying = {.arena = state->arena, .in = {.rows = THOUSAND, .times = 100}};
	EXPECT_OK(hf_transaction(state->where, NULL, try_and_write, &trying, &err));
	assert_int_equal(trying.seen, HF_E_LIMIT);
	assert_string_equal(text(state, "SELECT name FROM item"), "behind");
}

/* The rest would take hours: when the deadline comes, the cancel aborts the transaction. */
static void a_deadline_ends_the_reading_of_the_rest(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct trying trying = {.arena = state->arena, .in = {.rows = THOUSAND, .times = MILLION}};
	hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), 300));
	assert_int_not_equal(hf_transaction(soon, NULL, try_and_write, &trying, &err), HF_OK);
	assert_true(trying.seen == HF_E_LIMIT || trying.seen == HF_TIMEOUT); /* of a machine that is busy */
	assert_string_equal(text(state, "SELECT count(*)::text FROM item"), "0");
}

static enum hf_status ask_and_forward(hf_where tx, void *user, hf_error *err)
{
	struct trying *trying = user;
	struct words *rows = NULL;
	size_t count;
	enum hf_status status =
		hf_sql_exec(tx, HF_STR("INSERT INTO item (name) VALUES ('before')"), NULL, 0, NULL, err);
	return status == HF_OK ? words_few(tx, &trying->in, trying->arena, &rows, &count, err) : status;
}

static void a_transaction_that_forwards_it_is_rolled_back(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct trying trying = {.arena = state->arena, .in = {.rows = 10, .times = 1}};
	EXPECT_STATUS(hf_transaction(state->where, NULL, ask_and_forward, &trying, &err), HF_E_LIMIT);
	expect_over(&err, "words_few", "3 rows", "\"rows max\"");
	assert_string_equal(text(state, "SELECT count(*)::text FROM item"), "0");
}

/* ---- a pool ---- */

static void a_pool_keeps_the_connection(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	CLEANUP(pool_freep) hf_pool *pool = NULL;
	const struct hf_pool_options options = {.size = sizeof(options), .connections_max = 1};
	struct hf_pool_stats stats;
	struct words *rows = NULL;
	size_t count = 0;
	EXPECT_OK(hf_settings_new(fixture_context(), &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, state->url, &err));
	EXPECT_OK(hf_pool_open(fixture_context(), settings, &options, &pool, &err));
	for (int i = 0; i < 5; i++) {
		const struct words_few_in many = {.rows = i % 2 ? THOUSAND : 4, .times = i % 2 ? MILLION : 1};
		EXPECT_STATUS(words_few(hf_on_pool(pool), &many, state->arena, &rows, &count, &err), HF_E_LIMIT);
		const struct words_few_in few = {.rows = 3, .times = 1};
		EXPECT_OK(words_few(hf_on_pool(pool), &few, state->arena, &rows, &count, &err));
		assert_int_equal(count, 3);
	}
	hf_pool_stats(pool, &stats);
	assert_true(stats.opened == 1 && stats.closed == 0 && stats.busy == 0 && stats.leaked_transactions == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE(as_many_rows_as_the_bound),
		SAMPLE(a_row_more_is_an_error),
		SAMPLE(a_result_without_end_is_not_waited_for),
		SAMPLE(as_many_bytes_as_the_bound),
		SAMPLE(the_arena_bounds_what_the_query_does_not),
		SAMPLE(each_sees_the_rows_before_the_bound),
		SAMPLE(a_stream_gives_every_row),
		SAMPLE(a_stream_stops_where_it_is_told),
		SAMPLE(a_deadline_ends_the_rest_of_a_stream),
		SAMPLE(a_stream_ends_at_its_deadline),
		SAMPLE(a_stream_that_stalls_ends_at_its_deadline),
		SAMPLE(a_deadline_ends_a_stream_whose_rows_flow),
		SAMPLE(a_transaction_goes_on),
		SAMPLE(a_deadline_ends_the_reading_of_the_rest),
		SAMPLE(a_transaction_that_forwards_it_is_rolled_back),
		SAMPLE(a_pool_keeps_the_connection),
	};
	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
