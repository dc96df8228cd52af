/*
 * Generated :batch and :bulk functions on a real server: all or nothing, which item failed, what only the commit finds,
 * large values in both directions, transactions, deadlines, a lost connection.
 */
#include <pthread.h>
#include <stdio.h>

#include "queries/sample/batches.h"
#include "sample.h"

enum { MANY = 2000 };

static struct items_put_in *numbered(struct state *state, size_t count)
{
	struct items_put_in *in = hf_arena_calloc(state->arena, count, sizeof(*in));
	assert_non_null(in);
	for (size_t i = 0; i < count; i++) {
		in[i] = (struct items_put_in){.id = (int32_t)i + 1, .name = HF_STR("n"), .mood = MOOD_HAPPY};
		in[i].has_note = i % 2 == 0;
		in[i].note = HF_STR("even");
	}
	return in;
}

static struct hf_batch_item *results(struct state *state, size_t count)
{
	struct hf_batch_item *items = hf_arena_alloc(state->arena, count * sizeof(*items));
	assert_non_null(items);
	memset(items, 0x55, count * sizeof(*items)); /* all of it is written */
	return items;
}

/* Items [from, to) have that outcome. */
static void expect_outcome(const struct hf_batch_item *items, size_t from, size_t to, enum hf_batch_outcome outcome)
{
	for (size_t i = from; i < to; i++) {
		if (items[i].outcome != outcome)
			fail_msg("items[%zu] has outcome %d, not %d", i, (int)items[i].outcome, (int)outcome);
		assert_int_equal(items[i].rows, outcome == HF_BATCH_DONE);
		assert_int_equal(items[i].status != HF_OK, outcome == HF_BATCH_FAILED);
	}
}

static const char *count_items(struct state *state)
{
	return text(state, "SELECT count(*)::text FROM item");
}

/* The connection runs statements as before. */
static void expect_usable(struct state *state)
{
	assert_false(state->connection->broken);
	assert_int_equal(PQpipelineStatus(state->connection->pg), PQ_PIPELINE_OFF);
	assert_string_equal(text(state, "SELECT 'usable'"), "usable");
}

static void a_batch_does_all_of_its_items(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, MANY);
	EXPECT_OK(items_put(state->where, numbered(state, MANY), MANY, items, &err));
	expect_outcome(items, 0, MANY, HF_BATCH_DONE);
	assert_string_equal(text(state, "SELECT count(*) || '/' || count(note) || '/' || count(DISTINCT xmin::text)"
	                                " FROM item"),
	                    "2000/1000/1"); /* one transaction */
	EXPECT_OK(items_put(state->where, NULL, 0, NULL, &err));
	expect_usable(state);
}

static void the_item_that_failed_is_named_and_all_are_undone(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, MANY);
	struct items_put_in *in = numbered(state, MANY);
	in[777].id = in[3].id;
	EXPECT_STATUS(items_put(state->where, in, MANY, items, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "items[777]: duplicate key");
	assert_string_equal(err.constraint, "item_pkey");
	assert_string_equal(err.query, "items_put");
	expect_outcome(items, 0, 777, HF_BATCH_UNDONE);
	expect_outcome(items, 777, 778, HF_BATCH_FAILED);
	assert_int_equal(items[777].status, HF_CONFLICT);
	expect_outcome(items, 778, MANY, HF_BATCH_SKIPPED);
	assert_string_equal(count_items(state), "0");
	expect_usable(state);
	EXPECT_STATUS(items_put(state->where, in, MANY, NULL, NULL), HF_CONFLICT); /* nobody wants to know more */
}

static void what_cannot_be_encoded_is_found_before_anything_is_sent(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, 10);
	struct items_put_in *in = numbered(state, 10);
	in[7].name = HF_STR("with\0nul");
	EXPECT_STATUS(items_put(state->where, in, 10, items, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "items[7]: ");
	EXPECT_CONTAINS(err.message, "NUL");
	expect_outcome(items, 0, 7, HF_BATCH_SKIPPED);
	expect_outcome(items, 7, 8, HF_BATCH_FAILED);
	expect_outcome(items, 8, 10, HF_BATCH_SKIPPED);
	assert_string_equal(count_items(state), "0");
	expect_usable(state);
	EXPECT_STATUS(items_put(state->where, in, HF_BATCH_ITEMS_MAX + 1, NULL, &err), HF_E_LIMIT);
}

static void what_only_the_commit_finds_belongs_to_no_item(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, 3);
	struct parts_put_in in[3] = {{.item = 1, .number = 1}, {.item = 2, .number = 1}, {.item = 3, .number = 1}};
	EXPECT_STATUS(parts_put(state->where, in, 3, items, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "at the end of the batch: ");
	assert_string_equal(err.sqlstate, "23503");
	expect_outcome(items, 0, 3, HF_BATCH_UNDONE);
	assert_string_equal(text(state, "SELECT count(*)::text FROM late_part"), "0");
	expect_usable(state);
}

static void independent_items_fail_alone(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_put_each_in in[600] = {{0}};
	struct hf_batch_item *items = results(state, 600);
	for (int32_t i = 0; i < 600; i++)
		in[i] = (struct items_put_each_in){.id = i % 300, .name = HF_STR("n")};
	EXPECT_STATUS(items_put_each(state->where, in, 600, items, &err), HF_PARTIAL);
	EXPECT_CONTAINS(err.message, "300 of 600 failed, the first was: items[300]: duplicate key");
	expect_outcome(items, 0, 300, HF_BATCH_DONE);
	expect_outcome(items, 300, 600, HF_BATCH_FAILED);
	assert_string_equal(text(state, "SELECT count(*) || '/' || count(DISTINCT xmin::text) FROM item"), "300/300");
	EXPECT_STATUS(items_put_each(state->where, in, 300, items, &err), HF_CONFLICT); /* not one was done */
	expect_outcome(items, 0, 300, HF_BATCH_FAILED);
	expect_usable(state);
}

static void rows_come_back_item_by_item(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_add_in add[3] = {{HF_STR("a")}, {HF_STR("b")}, {HF_STR("c")}};
	struct item_new added[3];
	struct hf_batch_item *items = results(state, 3);
	EXPECT_OK(items_add(state->where, add, 3, state->arena, added, items, &err));
	expect_outcome(items, 0, 3, HF_BATCH_DONE);
	assert_int_equal(added[2].id, added[0].id + 2);
	assert_true(added[1].added.us == added[0].added.us && added[0].added.us > 0);
	struct items_find_in find[3] = {{HF_STR("c")}, {HF_STR("nobody")}, {HF_STR("a")}};
	struct item_line found[3];
	EXPECT_OK(items_find(state->where, find, 3, state->arena, found, items, &err));
	assert_int_equal(found[0].id, added[2].id);
	assert_string_equal(found[2].name.ptr, "a");
	assert_int_equal(items[1].rows, 0);
	assert_int_equal(found[1].id, 0);
	run(state, "INSERT INTO item (name) VALUES ('c')");
	found[2].id = -7;
	EXPECT_STATUS(items_find(state->where, find, 3, state->arena, found, items, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "items[0]: ");
	assert_int_equal(found[2].id, -7);
	expect_usable(state);
}

/* Some hundred times what fits into the sockets, in both directions at once: whoever only writes never ends. */
static void large_inputs_and_large_rows_do_not_block_each_other(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	enum { COUNT = 400, SIZE = 100000 };
	char *name = hf_arena_alloc(state->arena, SIZE);
	memset(name, 'x', SIZE);
	run(state, "INSERT INTO item (name, note) VALUES (repeat('x', 100000), repeat(md5('1'), 3000))");
	struct items_find_in *in = hf_arena_calloc(state->arena, COUNT, sizeof(*in));
	struct item_line *rows = hf_arena_calloc(state->arena, COUNT, sizeof(*rows));
	for (size_t i = 0; i < COUNT; i++)
		in[i].name = (struct hf_str){name, SIZE};
	hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), 60000));
	EXPECT_OK(items_find(soon, in, COUNT, state->arena, rows, NULL, &err));
	assert_int_equal(rows[COUNT - 1].note.len, 96000);
	assert_int_equal(rows[COUNT - 1].name.len, SIZE);
	expect_usable(state);
}

static enum hf_status put_twice(hf_where tx, void *user, hf_error *err)
{
	struct items_put_in *in = user;
	enum hf_status status = items_put(tx, in, 10, NULL, err);
	if (status == HF_OK)
		status = items_put(tx, in + 10, 10, NULL, err);
	return status;
}

static void a_transaction_holds_several_batches(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_put_in *in = numbered(state, 20);
	in[15].id = 3;
	EXPECT_STATUS(hf_transaction(state->where, NULL, put_twice, in, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "items[5]: ");
	assert_string_equal(count_items(state), "0");
	in[15].id = 99;
	EXPECT_OK(hf_transaction(state->where, NULL, put_twice, in, &err));
	assert_string_equal(count_items(state), "20");
}

static enum hf_status put_each_in_tx(hf_where tx, void *user, hf_error *err)
{
	struct hf_batch_item *items = user;
	struct items_put_each_in in[3] = {{.id = 1, .name = HF_STR("a")}, {.id = 1, .name = HF_STR("b")}, {.id = 2}};
	return items_put_each(tx, in, 3, items, err);
}

static void in_a_transaction_independent_items_are_not(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, 3);
	EXPECT_STATUS(hf_transaction(state->where, NULL, put_each_in_tx, items, &err), HF_CONFLICT);
	expect_outcome(items, 0, 1, HF_BATCH_UNDONE);
	expect_outcome(items, 1, 2, HF_BATCH_FAILED);
	expect_outcome(items, 2, 3, HF_BATCH_SKIPPED);
	assert_string_equal(count_items(state), "0");
}

/* The lock is held by another session; whether the deadline comes while items are sent or after, none may stay. */
static void a_deadline_undoes_the_batch(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, MANY);
	hf_connection *other = fixture_connect(state->url);
	hf_where elsewhere = hf_on_connection(other);
	sql_run(elsewhere, "BEGIN");
	sql_run(elsewhere, "INSERT INTO item (id, name) VALUES (500, 'held')");
	size_t counts[] = {510, MANY}; /* all sent; not all sent */
	for (size_t i = 0; i < 2; i++) {
		err.message[0] = '\0'; /* a busy machine takes longer to get there */
		for (int64_t ms = 300; ms < 20000 && !strstr(err.message, "items[499]: "); ms *= 2) {
			hf_where soon = hf_until(state->where, hf_deadline_in(fixture_context(), ms));
			EXPECT_STATUS(items_put(soon, numbered(state, counts[i]), counts[i], items, &err), HF_TIMEOUT);
		}
		EXPECT_CONTAINS(err.message, "items[499]: ");
		expect_outcome(items, 0, 499, HF_BATCH_UNDONE);
		expect_outcome(items, 499, 500, HF_BATCH_FAILED);
		expect_outcome(items, 500, counts[i], HF_BATCH_SKIPPED);
		expect_usable(state);
		assert_string_equal(count_items(state), "0");
	}
	hf_connection_free(other);
}

/* All or nothing, wherever the deadline comes. */
static void a_deadline_at_any_time_leaves_all_or_nothing(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_put_in *in = numbered(state, MANY);
	struct hf_batch_item *items = results(state, MANY);
	unsigned seed = (unsigned)hf_now_wall_us(fixture_context()), late = 0;
	print_message("# seed %u\n", seed);
	for (int round = 0; round < 60; round++) {
		int64_t us = rand_r(&seed) % 40000;
		hf_where soon = hf_until(state->where, hf_now_monotonic_us(fixture_context()) + us);
		enum hf_status status = items_put(soon, in, MANY, items, &err);
		assert_true(status == HF_OK || status == HF_TIMEOUT);
		late += status == HF_TIMEOUT;
		assert_string_equal(count_items(state), status == HF_OK ? "2000" : "0");
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(items[i].outcome == HF_BATCH_DONE, status == HF_OK);
		run(state, "TRUNCATE item CASCADE");
	}
	assert_true(late > 0);
}

static void a_stale_plan_is_prepared_again(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_put_in *in = numbered(state, 20);
	struct hf_batch_item *items = results(state, 10);
	EXPECT_OK(items_put(state->where, in, 10, items, &err));
	run(state, "DEALLOCATE ALL");
	EXPECT_OK(items_put(state->where, in + 10, 10, items, &err));
	expect_outcome(items, 0, 10, HF_BATCH_DONE);
	assert_string_equal(count_items(state), "20");
}

static void *kill_soon(void *user)
{
	struct state *state = user;
	hf_connection *other = fixture_connect(state->url);
	char sql[200];
	snprintf(sql, sizeof(sql),
	         "DO $$ BEGIN LOOP EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d AND wait_event_type ="
	         " 'Lock'); PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END $$",
	         hf_connection_backend_pid(state->connection));
	sql_run(hf_on_connection(other), sql);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 60000)", hf_connection_backend_pid(state->connection));
	sql_run(hf_on_connection(other), sql);
	hf_connection_free(other);
	return NULL;
}

static void a_connection_lost_in_a_batch(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_batch_item *items = results(state, MANY);
	hf_connection *other = fixture_connect(state->url);
	hf_where elsewhere = hf_on_connection(other);
	sql_run(elsewhere, "BEGIN");
	sql_run(elsewhere, "INSERT INTO item (id, name) VALUES (5, 'held')");
	pthread_t killer;
	assert_int_equal(pthread_create(&killer, NULL, kill_soon, state), 0);
	/* 2,000 do not fit into what is in flight, so that the end of the batch was never sent. */
	EXPECT_STATUS(items_put(state->where, numbered(state, MANY), MANY, items, &err), HF_E_UNAVAILABLE);
	pthread_join(killer, NULL);
	assert_true(state->connection->broken);
	expect_outcome(items, 0, 4, HF_BATCH_UNDONE);
	expect_outcome(items, MANY - 1, MANY, HF_BATCH_SKIPPED);
	sql_run(elsewhere, "ROLLBACK");
	struct hf_sql_row row;
	EXPECT_OK(hf_sql_one(elsewhere, HF_STR("SELECT count(*) FROM item"), NULL, 0, state->arena, &row, &err));
	assert_int_equal(row.values[0].as.i, 0);
	hf_connection_free(other);
}

/* ---- :bulk ---- */

static void bulk_sends_one_array_per_member(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_load_in *in = hf_arena_calloc(state->arena, MANY, sizeof(*in));
	int64_t rows = -1;
	for (int32_t i = 0; i < MANY; i++)
		in[i] = (struct items_load_in){.id = i + 1,
		                               .name = i % 3 ? HF_STR("x") : HF_STR(""),
		                               .note = HF_STR("n"),
		                               .has_note = i % 2 == 0,
		                               .mood = i % 5 ? MOOD_HAPPY : MOOD_NEEDS_WORK};
	EXPECT_OK(items_load(state->where, in, MANY, &rows, &err));
	assert_int_equal(rows, MANY);
	assert_string_equal(text(state, "SELECT concat_ws('/', count(*), count(note), sum(length(name)),"
	                                " count(*) FILTER (WHERE mood = 'needs-work'), sum(id)) FROM item"),
	                    "2000/1000/1333/400/2001000");
	struct items_annotate_in notes[] = {{.id = 1}, {.id = 2, .note = HF_STR("new"), .has_note = true}, {.id = -1}};
	EXPECT_OK(items_annotate(state->where, notes, 3, &rows, &err));
	assert_int_equal(rows, 2);
	assert_string_equal(text(state, "SELECT concat_ws('/', coalesce(a.note, 'null'), b.note) FROM item a, item b"
	                                " WHERE a.id = 1 AND b.id = 2"),
	                    "null/new");
	EXPECT_OK(items_load(state->where, NULL, 0, &rows, &err));
	assert_int_equal(rows, 0);
	EXPECT_STATUS(items_load(state->where, in, MANY, NULL, &err), HF_CONFLICT);
	in[5].name = HF_STR("\0");
	EXPECT_STATUS(items_load(state->where, in, MANY, NULL, &err), HF_E_INPUT);
	expect_usable(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE(a_batch_does_all_of_its_items),
		SAMPLE(the_item_that_failed_is_named_and_all_are_undone),
		SAMPLE(what_cannot_be_encoded_is_found_before_anything_is_sent),
		SAMPLE(what_only_the_commit_finds_belongs_to_no_item),
		SAMPLE(independent_items_fail_alone),
		SAMPLE(rows_come_back_item_by_item),
		SAMPLE(large_inputs_and_large_rows_do_not_block_each_other),
		SAMPLE(a_transaction_holds_several_batches),
		SAMPLE(in_a_transaction_independent_items_are_not),
		SAMPLE(a_deadline_undoes_the_batch),
		SAMPLE(a_deadline_at_any_time_leaves_all_or_nothing),
		SAMPLE(a_stale_plan_is_prepared_again),
		SAMPLE(a_connection_lost_in_a_batch),
		SAMPLE(bulk_sends_one_array_per_member),
	};
	return cmocka_run_group_tests_name("batches", tests, NULL, NULL);
}
