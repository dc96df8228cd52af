/*
 * Bulk scheduling by several writers: the rows of one, all or nothing until the first commit, and what is said when a
 * commit fails after another. What goes wrong is made to by triggers of the queue.
 */
#include "rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "janitor/bulk.h"

enum { N = 2 * BULK_SHARE_MIN + 100, OLD = 10 };

static const struct hf_schedule_options by_one = {.size = sizeof(by_one)},
					by_two = {.size = sizeof(by_two), .writers = 2};

static hf_pool *open_pool(const struct rig *rig, uint32_t connections)
{
	const struct hf_pool_options options = {.size = sizeof(options), .connections_max = connections};
	hf_error err = HF_ERROR_INIT;
	hf_pool *pool = NULL;
	EXPECT_OK(hf_pool_open(rig->ctx, rig->settings, &options, &pool, &err));
	return pool;
}

static void count_failures(void *user, const char *event, UNUSED const struct hf_log_field *fields,
                           UNUSED size_t nfields)
{
	if (strcmp(event, "schedule_writers_failed") == 0) /* others come from several threads */
		++*(int *)user;
}

/* N candidates, nothing in the queue. */
static void fill(struct rig *rig)
{
	rig_load_text(rig, "{}");
	rig_run(rig, "INSERT INTO codebase (name, value) SELECT 'pkg' || i, i FROM generate_series(1, 2100) AS i");
	rig_run(rig,
	        "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', 'propose', "
	        "NULL)::branch_publish_policy])");
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, value, publish_policy) SELECT 'pkg' || i, 'fixes', "
	        "'fix-it', i % 50 + 1, 'p' FROM generate_series(1, 2100) AS i");
}

/* The ten of the most value are there and will be replaced, so that the others are still enough for two. */
static void fill_with_old(struct rig *rig)
{
	fill(rig);
	rig_run(rig, "INSERT INTO queue (codebase, suite, command, priority) SELECT 'pkg' || i, 'fixes', 'old', "
	             "100000000 FROM "
	             "generate_series(2091, 2100) AS i");
}

/* A trigger of the queue for one codebase; after = "BEFORE INSERT", or at the commit. */
static void trip_over(struct rig *rig, const char *codebase, bool at_commit, const char *what)
{
	char sql[1000];
	snprintf(sql, sizeof(sql),
	         "CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s RETURN NEW; END $$", what);
	rig_run(rig, sql);
	snprintf(sql, sizeof(sql),
	         "CREATE %s ON queue %s FOR EACH ROW WHEN (NEW.codebase = '%s') EXECUTE FUNCTION trip()",
	         at_commit ? "CONSTRAINT TRIGGER trip AFTER INSERT" : "TRIGGER trip BEFORE INSERT",
	         at_commit ? "DEFERRABLE INITIALLY DEFERRED" : "", codebase);
	rig_run(rig, sql);
}

static void trip_no_more(struct rig *rig)
{
	rig_run(rig, "DROP TRIGGER trip ON queue");
	rig_run(rig, "DROP FUNCTION trip()");
}

/* The codebase that will be served first or last. */
static void name_at(struct rig *rig, bool last, char name[32])
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	struct hf_schedule_report report;
	fill(rig);
	EXPECT_OK(hf_schedule_run(rig->where, &by_one, &report, &err));
	EXPECT_OK(hf_sql_one(rig->where,
	                     last ? HF_STR("SELECT codebase FROM queue ORDER BY priority DESC, id DESC LIMIT 1")
	                          : HF_STR("SELECT codebase FROM queue ORDER BY priority, id LIMIT 1"),
	                     NULL, 0, arena, &row, &err));
	snprintf(name, 32, "%.*s", (int)row.values[0].as.s.len, row.values[0].as.s.ptr);
}

/* ---- it works ---- */

static void the_rows_are_those_of_one(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	static const struct hf_defects parity = {{UINT64_MAX, UINT64_MAX}};
	const struct hf_defects *const kept[] = {NULL, &parity};
	hf_pool *pool = open_pool(rig, 3);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct hf_schedule_options one = by_one, two = by_two;
		one.keep = two.keep = kept[i];
		fill_with_old(rig);
		EXPECT_OK(hf_schedule_run(rig->where, &one, &report, &err));
		assert_int_equal(report.writers, 1);
		json_t *expected = rig_state(rig);
		fill_with_old(rig);
		EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &two, &report, &err));
		assert_int_equal(report.writers, 2);
		assert_int_equal(report.added, N - OLD);
		assert_int_equal(report.replaced, OLD);
		json_t *found = rig_state(rig);
		assert_true(json_equal(expected, found));
		json_decref(expected);
		json_decref(found);
	}
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	assert_int_equal(report.replaced, N);
	assert_int_equal(report.writers, 1);
	hf_pool_close(pool);
}

/* Where a row stands in its table tells when it was written, as long as nothing was there before and one writes: pages
 * that two extend a table by are filled in no order. */
static void neighbours_by_name_are_written_together(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	struct hf_schedule_options options = by_two;
	hf_pool *pool = open_pool(rig, 2);
	options.writers = 1;
	fill(rig);
	rig_run(rig, "TRUNCATE queue");
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &options, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(
		rig_count(rig,
	                  "(SELECT codebase COLLATE \"C\" < lag(codebase COLLATE \"C\") OVER (ORDER BY ctid) AS back "
	                  "FROM queue) AS q WHERE back"),
		0);
	hf_pool_close(pool);
}

/* What a database is set to is not what a writer has: with anything stricter two of them, or somebody who changes a
 * codebase meanwhile, would be a conflict that makes it one. */
static void a_stricter_default_makes_no_conflict(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	int failures = 0;
	fill(rig);
	trip_over(rig, "pkg7", false,
	          "IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE serialization_failure; "
	          "END IF;");
	rig_run(rig, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', "
	             "current_database()); END $$");
	hf_pool *pool = open_pool(rig, 2);
	rig->on_event = count_failures;
	rig->on_event_user = &failures;
	enum hf_status status = hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err);
	rig->on_event = NULL;
	rig_run(rig, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_isolation', "
	             "current_database()); END $$");
	trip_no_more(rig);
	EXPECT_OK(status);
	assert_int_equal(failures, 0);
	assert_int_equal(report.writers, 2);
	assert_int_equal(rig_count(rig, "queue"), N);
	hf_pool_close(pool);
}

static void few_items_and_verified_ones_are_one_transaction(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	struct hf_schedule_options options = by_two;
	hf_pool *pool = open_pool(rig, 2);
	fill(rig);
	options.verify = 5;
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &options, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.verified, 5);
	rig_run(rig, "DELETE FROM queue WHERE id < 2000");
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.added, 1999);
	options.verify = 0;
	options.dry_run = true;
	fill(rig);
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &options, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(rig_count(rig, "queue"), 0);
	hf_pool_close(pool);
}

static void fewer_connections_are_fewer_writers(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	hf_pool *pool = open_pool(rig, 1);
	fill(rig);
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.added, N);
	hf_pool_close(pool);
	hf_connection *busy;
	pool = open_pool(rig, 2);
	fill(rig);
	EXPECT_OK(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &busy, &err));
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	assert_int_equal(report.writers, 1);
	assert_int_equal(rig_count(rig, "queue"), N);
	hf_pool_return(pool, busy);
	hf_pool_close(pool);
}

/* ---- it is refused ---- */

static enum hf_status run_within(hf_where tx, UNUSED void *user, hf_error *err)
{
	struct hf_schedule_report report;
	return hf_schedule_run(tx, &by_two, &report, err);
}

static void several_writers_need_a_pool(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	struct hf_schedule_options options = by_two;
	hf_pool *pool = open_pool(rig, 2);
	fill(rig);
	EXPECT_STATUS(hf_schedule_run(rig->where, &by_two, &report, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "several writers need a pool");
	EXPECT_STATUS(hf_transaction(hf_on_pool(pool), NULL, run_within, NULL, &err), HF_E_USAGE);
	options.writers = BULK_WRITERS_MAX + 1;
	EXPECT_STATUS(hf_schedule_run(hf_on_pool(pool), &options, &report, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "more than 16 writers");
	assert_int_equal(rig_count(rig, "queue"), 0);
	hf_pool_close(pool);
}

static void one_that_is_refused_takes_all_new_ones_back(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	char name[32];
	hf_pool *pool = open_pool(rig, 2);
	for (int last = 0; last < 2; last++) {
		name_at(rig, last, name);
		fill(rig);
		trip_over(rig, name, false, "RAISE check_violation USING MESSAGE = 'not this one';");
		EXPECT_STATUS(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err), HF_REJECTED);
		assert_int_equal(rig_count(rig, "queue"), 0);
		EXPECT_CONTAINS(err.message, "not this one");
		assert_null(strstr(err.message, "stand"));
		trip_no_more(rig);
	}
	fill_with_old(rig);
	trip_over(rig, "pkg7", false, "RAISE check_violation USING MESSAGE = 'not this one';");
	EXPECT_STATUS(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err), HF_REJECTED);
	assert_int_equal(rig_count(rig, "queue"), OLD);
	EXPECT_CONTAINS(err.message, "0 of the new entries stand, and all that were replaced: ");
	EXPECT_CONTAINS(err.hint, "run it again");
	trip_no_more(rig);
	hf_pool_close(pool);
}

/* A writer that is in the midst of it: were it not for the deadline, its row would be through in a while. */
static void late_is_late(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	hf_pool *pool = open_pool(rig, 2);
	rig_run(rig, "CREATE SEQUENCE begun");
	for (int64_t ms = 1500; rig_count(rig, "begun WHERE is_called") == 0;
	     ms *= 2) { /* a busy machine takes longer */
		fill(rig);
		trip_over(rig, "pkg7", false, "PERFORM nextval('begun'); PERFORM pg_sleep(30);");
		EXPECT_STATUS(hf_schedule_run(hf_until(hf_on_pool(pool), hf_deadline_in(rig->ctx, ms)), &by_two,
		                              &report, &err),
		              HF_TIMEOUT);
		trip_no_more(rig);
		assert_int_equal(rig_count(rig, "queue"), 0);
	}
	rig_run(rig, "DROP SEQUENCE begun");
	hf_pool_close(pool);
}

/* ---- somebody else ---- */

struct other {
	struct rig *rig;
	pthread_t thread;
	bool started;
};

/* The scheduler's row of pkg7 waits for 42, which the second connection holds. */
static void make_writers_wait(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	trip_over(rig, "pkg7", false,
	          "IF NEW.requester IS NOT NULL THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;");
	EXPECT_OK(
		hf_sql_exec(hf_on_connection(rig->second), HF_STR("SELECT pg_advisory_lock(42)"), NULL, 0, NULL, &err));
}

/* Inserts the row of pkg7 itself, then lets the scheduler's go on. */
static void insert_theirs(hf_where where)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_sql_exec(where,
	                      HF_STR("INSERT INTO queue (codebase, suite, command, priority) VALUES ('pkg7', 'fixes', "
	                             "'theirs', 1)"),
	                      NULL, 0, NULL, &err));
	EXPECT_OK(hf_sql_exec(where, HF_STR("SELECT pg_advisory_unlock(42)"), NULL, 0, NULL, &err));
}

/* Waits for the scheduler's lock, is let in when that ends, and before the scheduler's rows, which wait for 42. */
static void *take_a_place(void *user)
{
	const struct other *other = user;
	insert_theirs(hf_on_connection(other->rig->second));
	return NULL;
}

static void when_ids_are_taken(void *user, const char *name, UNUSED int64_t rows)
{
	struct other *other = user;
	if (other->started || strcmp(name, "queue_new_ids") != 0)
		return;
	other->started = true;
	assert_int_equal(pthread_create(&other->thread, NULL, take_a_place, other), 0);
	rig_until_waiting(other->rig);
}

static void a_place_taken_meanwhile_is_decided_anew(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	struct other other = {.rig = rig};
	int failures = 0;
	hf_pool *pool = open_pool(rig, 2);
	fill(rig);
	make_writers_wait(rig);
	rig->on_query = when_ids_are_taken;
	rig->on_query_user = &other;
	rig->on_event = count_failures;
	rig->on_event_user = &failures;
	enum hf_status status = hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err);
	pthread_join(other.thread, NULL); /* it reads the hooks, too */
	rig->on_query = NULL;
	rig->on_event = NULL;
	EXPECT_OK(status);
	trip_no_more(rig);
	assert_int_equal(failures, 1);
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.added, N - 1);
	assert_int_equal(report.replaced, 1);
	assert_int_equal(rig_count(rig, "queue WHERE command = 'fix-it'"), N);
	hf_pool_close(pool);
}

/* ---- a lock ---- */

struct holder {
	struct other other;
	sem_t enough;
	char sqlstate[6];
};

static enum hf_status hold_tx(hf_where tx, void *user, hf_error *ret_err)
{
	struct holder *holder = user;
	insert_theirs(tx);
	while (sem_wait(&holder->enough) != 0)
		;
	ret_err->status = HF_E_FAILED;
	return HF_E_FAILED;
}

/* As take_a_place(), but neither there nor not there until somebody has enough of waiting. */
static void *hold_a_place(void *user)
{
	const struct holder *holder = user;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_transaction(hf_on_connection(holder->other.rig->second), NULL, hold_tx, user, &err),
	              HF_E_FAILED);
	return NULL;
}

static void when_ids_are_held(void *user, const char *name, UNUSED int64_t rows)
{
	struct holder *holder = user;
	if (holder->other.started || strcmp(name, "queue_new_ids") != 0)
		return;
	holder->other.started = true;
	assert_int_equal(pthread_create(&holder->other.thread, NULL, hold_a_place, holder), 0);
	rig_until_waiting(holder->other.rig);
}

static void let_go(void *user, const char *event, const struct hf_log_field *fields, size_t nfields)
{
	struct holder *holder = user;
	if (strcmp(event, "schedule_writers_failed") != 0 || nfields == 0)
		return;
	snprintf(holder->sqlstate, sizeof(holder->sqlstate), "%.*s", STR_ARG(fields[0].text));
	sem_post(&holder->enough);
}

static void a_lock_that_is_not_got_is_decided_anew(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	struct holder holder = {.other.rig = rig};
	hf_pool *pool = open_pool(rig, 2);
	fill(rig);
	assert_int_equal(sem_init(&holder.enough, 0, 0), 0);
	make_writers_wait(rig);
	rig->on_query = when_ids_are_held;
	rig->on_query_user = &holder;
	rig->on_event = let_go;
	rig->on_event_user = &holder;
	enum hf_status status =
		hf_schedule_run(hf_until(hf_on_pool(pool), hf_deadline_in(rig->ctx, 60000)), &by_two, &report, &err);
	sem_post(&holder.enough);
	pthread_join(holder.other.thread, NULL);
	rig->on_query = NULL;
	rig->on_event = NULL;
	EXPECT_OK(status);
	trip_no_more(rig);
	assert_string_equal(holder.sqlstate, "55P03");
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.added, N);
	for (int i = 0; i < 2; i++) { /* it was meant for those transactions alone */
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		struct hf_sql_row row;
		EXPECT_OK(hf_sql_one(hf_on_pool(pool), HF_STR("SELECT current_setting('lock_timeout')"), NULL, 0, arena,
		                     &row, &err));
		assert_true(str_eq(row.values[0].as.s, HF_STR("0")));
	}
	sem_destroy(&holder.enough);
	hf_pool_close(pool);
}

struct half {
	hf_where where;
	struct hf_schedule_options options;
	enum hf_status status;
	hf_error err;
	pthread_barrier_t *start;
};

static void *schedule_all(void *user)
{
	struct half *half = user;
	struct hf_schedule_report report;
	pthread_barrier_wait(half->start);
	half->status = hf_schedule_run(half->where, &half->options, &report, &half->err);
	return NULL;
}

/* All that a run decides; which ids they took, those that lost a race say. */
static json_t *decided(struct rig *rig)
{
	json_t *state = rig_state(rig), *queue = json_object_get(state, "queue"), *sorted = json_object();
	size_t i;
	json_t *row;
	json_array_foreach (queue, i, row) {
		json_array_remove(row, 0);
		json_object_set(sorted, json_string_value(json_array_get(row, 1)), row);
	}
	json_decref(state);
	return sorted;
}

/* As if the second had begun when the first was through. */
static void two_at_once_agree(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	hf_pool *pool = open_pool(rig, 4);
	pthread_barrier_t start;
	pthread_t thread;
	fill(rig);
	for (int i = 0; i < 2; i++)
		EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	json_t *expected = decided(rig);
	assert_int_equal(json_object_size(expected), N);
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int round = 0; round < 4; round++) {
		struct half a = {.where = hf_on_pool(pool), .options = by_two, .start = &start}, b = a;
		fill(rig);
		assert_int_equal(pthread_create(&thread, NULL, schedule_all, &b), 0);
		schedule_all(&a);
		pthread_join(thread, NULL);
		if (a.status != HF_OK || b.status != HF_OK)
			fail_msg("round %d: %s %s", round, a.err.message, b.err.message);
		assert_int_equal(rig_count(rig, "queue"), N);
		json_t *found = decided(rig);
		assert_true(json_equal(expected, found));
		json_decref(found);
	}
	json_decref(expected);
	pthread_barrier_destroy(&start);
	hf_pool_close(pool);
}

/* ---- commits ---- */

static void a_commit_that_fails_after_another_is_made_good(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	char name[32];
	hf_pool *pool = open_pool(rig, 2);
	for (int last = 0; last < 2; last++) {
		name_at(rig, last, name);
		fill(rig);
		rig_run(rig, "CREATE SEQUENCE once");
		trip_over(rig, name, true, "IF nextval('once') = 1 THEN RAISE check_violation; END IF;");
		EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
		trip_no_more(rig);
		rig_run(rig, "DROP SEQUENCE once");
		assert_int_equal(report.writers, 1);
		assert_int_equal(report.replaced, last ? N / 2 : 0); /* that stood already */
		assert_int_equal(report.added, last ? N - N / 2 : N);
		assert_int_equal(rig_count(rig, "queue"), N);
	}
	hf_pool_close(pool);
}

static void an_unknown_commit_is_told_and_not_repeated(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	char name[32];
	name_at(rig, true, name);
	fill(rig);
	trip_over(rig, name, true, "PERFORM pg_terminate_backend(pg_backend_pid());");
	hf_pool *pool = open_pool(rig, 2);
	EXPECT_STATUS(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err), HF_E_OUTCOME_UNKNOWN);
	trip_no_more(rig);
	assert_int_equal(rig_count(rig, "queue"), N / 2);
	EXPECT_CONTAINS(err.message, "1050 of the new entries stand: ");
	EXPECT_CONTAINS(err.hint, "run it again");
	EXPECT_OK(hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err));
	assert_int_equal(report.added, N - N / 2);
	assert_int_equal(report.replaced, N / 2);
	hf_pool_close(pool);
}

static void a_lost_connection_before_the_commits_takes_all_back(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report;
	int failures = 0;
	hf_pool *pool = open_pool(rig, 2);
	fill(rig);
	rig_run(rig, "CREATE SEQUENCE once");
	trip_over(rig, "pkg7", false,
	          "IF nextval('once') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;");
	rig->on_event = count_failures;
	rig->on_event_user = &failures;
	enum hf_status status = hf_schedule_run(hf_on_pool(pool), &by_two, &report, &err);
	rig->on_event = NULL;
	EXPECT_OK(status);
	trip_no_more(rig);
	rig_run(rig, "DROP SEQUENCE once");
	assert_int_equal(failures, 1);
	assert_int_equal(report.writers, 1);
	assert_int_equal(report.added, N);
	assert_int_equal(rig_count(rig, "queue"), N);
	hf_pool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rows_are_those_of_one),
		cmocka_unit_test(neighbours_by_name_are_written_together),
		cmocka_unit_test(a_stricter_default_makes_no_conflict),
		cmocka_unit_test(few_items_and_verified_ones_are_one_transaction),
		cmocka_unit_test(fewer_connections_are_fewer_writers),
		cmocka_unit_test(several_writers_need_a_pool),
		cmocka_unit_test(one_that_is_refused_takes_all_new_ones_back),
		cmocka_unit_test(late_is_late),
		cmocka_unit_test(a_place_taken_meanwhile_is_decided_anew),
		cmocka_unit_test(a_lock_that_is_not_got_is_decided_anew),
		cmocka_unit_test(two_at_once_agree),
		cmocka_unit_test(a_commit_that_fails_after_another_is_made_good),
		cmocka_unit_test(an_unknown_commit_is_told_and_not_repeated),
		cmocka_unit_test(a_lost_connection_before_the_commits_takes_all_back),
	};
	return cmocka_run_group_tests_name("bulk_writers", tests, rig_up, rig_down);
}
