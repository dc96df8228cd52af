/*
 * test_tx.c - transactions against a real server: what is committed, what is repeated, what is told.
 */
#include "pg/tx.h"
#include "world.h"
#include "../fixture.h"

static const char *url;

#define TX(...) (&(struct hf_transaction_options){.size = sizeof(struct hf_transaction_options), __VA_ARGS__})

struct scene {
	struct world *world;
	hf_pool *pool;
};

static int scene_begin(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	scene->world = world_with_server(url);
	scene->pool = world_pool(scene->world, NULL);
	hf_where where = hf_on_connection(scene->world->other);
	sql_run(where, "DROP TABLE IF EXISTS t");
	sql_run(where, "CREATE TABLE t (i int PRIMARY KEY, v int NOT NULL DEFAULT 0)");
	*state = scene;
	return 0;
}

static int scene_end(void **state)
{
	struct scene *scene = *state;
	hf_pool_close(scene->pool);
	world_free(scene->world);
	free(scene);
	return 0;
}

static int64_t rows_of(struct scene *scene)
{
	return sql_number(hf_on_connection(scene->world->other), "SELECT count(*) FROM t");
}

static enum hf_status sql(hf_where where, const char *text, hf_error *err)
{
	return hf_sql_exec(where, hf_str_of(text), NULL, 0, NULL, err);
}

/* ---- commit and rollback ---- */

static enum hf_status insert_one(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (1)", err);
	enum hf_status *answer = user;
	return status == HF_OK && answer ? *answer : status;
}

static void ok_commits_and_anything_else_rolls_back(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	enum hf_status answers[] = {HF_NOT_FOUND, HF_STOP, HF_E_FAILED, HF_E_INPUT};
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, insert_one, &answers[i], &err), answers[i]);
		assert_int_equal(rows_of(scene), 0);
	}
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, insert_one, &answers[0], NULL), HF_NOT_FOUND);
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), NULL, insert_one, NULL, &err));
	assert_int_equal(rows_of(scene), 1);
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, insert_one, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.constraint, "t_pkey");
	assert_int_equal(stats_of(scene->pool).leaked_transactions, 0);
	assert_int_equal(stats_of(scene->pool).busy, 0);
	struct hf_metrics *metrics = scene->world->ctx->metrics;
	assert_int_equal(metrics_value(metrics, METRIC_TRANSACTIONS), 7);
	assert_int_equal(metrics_value(metrics, METRIC_TRANSACTIONS_FAILED), 6);
	assert_int_equal(metrics_value(metrics, METRIC_COMMIT_DURATION), 1);
}

static enum hf_status look_around(hf_where tx, UNUSED void *user, UNUSED hf_error *err)
{
	assert_int_equal(sql_number(tx, "SELECT (current_setting('transaction_isolation') = 'serializable')::int::int8"), 1);
	assert_int_equal(sql_number(tx, "SELECT (current_setting('transaction_read_only') = 'on')::int::int8"), 1);
	assert_int_equal(sql_number(tx, "SELECT (current_setting('transaction_deferrable') = 'on')::int::int8"), 1);
	assert_int_equal(sql_number(tx, "SELECT setting::int8 FROM pg_settings WHERE name = 'lock_timeout'"), 1234);
	assert_int_equal(hf_transaction_attempt(tx), 1);
	assert_ptr_equal(hf_where_context(tx), ((struct hf_tx *)tx.target)->ctx);
	return HF_OK;
}

static enum hf_status look_at_isolation(hf_where tx, void *user, UNUSED hf_error *err)
{
	char text[128];
	snprintf(text, sizeof(text), "SELECT (current_setting('transaction_isolation') = '%s')::int::int8", (char *)user);
	assert_int_equal(sql_number(tx, text), 1);
	return HF_OK;
}

static void options_reach_the_server(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool),
	                         TX(.isolation = HF_SERIALIZABLE, .read_only = true, .deferrable = true,
	                            .lock_timeout_ms = 1234),
	                         look_around, NULL, &err));
	hf_where where = hf_on_pool(scene->pool);
	char committed[] = "read committed", repeatable[] = "repeatable read";
	EXPECT_OK(hf_transaction(where, TX(.isolation = HF_READ_COMMITTED), look_at_isolation, committed, &err));
	EXPECT_OK(hf_transaction(where, TX(.isolation = HF_REPEATABLE_READ), look_at_isolation, repeatable, &err));
	EXPECT_STATUS(hf_transaction(where, TX(.read_only = true), insert_one, NULL, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "25006");
	EXPECT_STATUS(hf_transaction(where, &(struct hf_transaction_options){.size = 1}, insert_one, NULL, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_transaction(where, TX(.backoff_cap_ms = -1), insert_one, NULL, &err), HF_E_USAGE);
	assert_int_equal(hf_transaction_attempt(where), 0);
	EXPECT_STATUS(hf_transaction_on_commit(where, NULL, NULL, &err), HF_E_USAGE);
}

/* ---- nesting ---- */

static void count_up(void *user)
{
	++*(int *)user;
}

static enum hf_status inner(hf_where tx, void *user, hf_error *err)
{
	int *runs = user;
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (2)", err);
	if (status == HF_OK)
		status = hf_transaction_on_commit(tx, count_up, runs, err);
	return status;
}

static enum hf_status inner_fails(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = inner(tx, user, err);
	if (status == HF_OK)
		status = hf_transaction(tx, NULL, inner, user, err); /* the same key again, one level deeper */
	assert_int_equal(status, HF_CONFLICT);
	return status;
}

static enum hf_status outer(hf_where tx, void *user, hf_error *err)
{
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (1)", err);
	if (status == HF_OK)
		status = hf_transaction_on_commit(tx, count_up, user, err);
	if (status == HF_OK && hf_transaction(tx, NULL, inner_fails, user, err) != HF_CONFLICT)
		return HF_E_FAILED;
	if (status == HF_OK)
		status = sql(tx, "INSERT INTO t VALUES (3)", err); /* the transaction is fine */
	return status;
}

static void a_failed_part_leaves_the_rest(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	int runs = 0;
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), NULL, outer, &runs, &err));
	assert_int_equal(rows_of(scene), 2);
	assert_int_equal(runs, 1); /* those of rolled-back savepoints do not run */
	assert_int_equal(sql_number(hf_on_connection(scene->world->other), "SELECT sum(i) FROM t WHERE i IN (1, 3)"), 4);
}

static enum hf_status deeper(hf_where tx, void *user, hf_error *err)
{
	++*(int *)user;
	return hf_transaction(tx, NULL, deeper, user, err);
}

static enum hf_status many_callbacks(hf_where tx, void *user, hf_error *err)
{
	for (int i = 0; i < TX_CALLBACKS_MAX; i++)
		EXPECT_STATUS(hf_transaction_on_commit(tx, count_up, user, err), HF_OK);
	return hf_transaction_on_commit(tx, count_up, user, err);
}

static void depth_and_callbacks_are_bounded(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	int depth = 0, runs = 0;
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, deeper, &depth, &err), HF_E_LIMIT);
	assert_int_equal(depth, TX_DEPTH_MAX + 1);
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, many_callbacks, &runs, &err), HF_E_LIMIT);
	assert_int_equal(runs, 0);
}

/* ---- the first error ---- */

static enum hf_status go_on_after_failure(hf_where tx, UNUSED void *user, hf_error *err)
{
	hf_error ignored = HF_ERROR_INIT;
	EXPECT_STATUS(sql(tx, "INSERT INTO t VALUES (1), (1)", &ignored), HF_CONFLICT);
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (2)", err);
	assert_string_equal(err->sqlstate, "23505"); /* not 25P02 */
	return status;
}

static enum hf_status hide_failure(hf_where tx, UNUSED void *user, UNUSED hf_error *err)
{
	sql(tx, "INSERT INTO t VALUES (1), (1)", NULL);
	return HF_OK;
}

static enum hf_status hide_failure_inside(hf_where tx, UNUSED void *user, hf_error *err)
{
	return hf_transaction(tx, NULL, hide_failure, NULL, err);
}

static void the_first_error_is_the_one_told(void **state)
{
	struct scene *scene = *state;
	hf_where where = hf_on_pool(scene->pool);
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_transaction(where, NULL, go_on_after_failure, NULL, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "23505");
	/* COMMIT is answered by ROLLBACK: no success */
	err = (hf_error)HF_ERROR_INIT;
	EXPECT_STATUS(hf_transaction(where, NULL, hide_failure, NULL, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "duplicate key"); /* although the function did not ask */
	EXPECT_STATUS(hf_transaction(where, NULL, hide_failure_inside, NULL, &err), HF_CONFLICT);
	assert_int_equal(rows_of(scene), 0);
}

/* ---- repetition ---- */

struct conflict {
	struct scene *scene;
	int attempts;
	int conflicts; /* how often to be disturbed */
};

/* Another session commits a change of what was read: 40001 at our own write. */
static enum hf_status disturbed(hf_where tx, void *user, hf_error *err)
{
	struct conflict *conflict = user;
	assert_int_equal(hf_transaction_attempt(tx), ++conflict->attempts);
	int64_t v = sql_number(tx, "SELECT v::int8 FROM t WHERE i = 1");
	if (conflict->conflicts-- > 0)
		sql_run(hf_on_connection(conflict->scene->world->other), "UPDATE t SET v = v + 10 WHERE i = 1");
	char text[64];
	snprintf(text, sizeof(text), "UPDATE t SET v = %d WHERE i = 1", (int)v + 1);
	return sql(tx, text, err);
}

static void a_conflict_is_repeated(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	sql_run(hf_on_connection(scene->world->other), "INSERT INTO t VALUES (1, 0)");
	struct conflict conflict = {.scene = scene, .conflicts = 2};
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), TX(.isolation = HF_SERIALIZABLE, .backoff_base_ms = 1), disturbed,
	                         &conflict, &err));
	assert_int_equal(conflict.attempts, 3);
	assert_int_equal(sql_number(hf_on_connection(scene->world->other), "SELECT v::int8 FROM t"), 21);
	assert_true(world_logged(scene->world, "tx_retry warn attempt=1 sqlstate=40001"));
	assert_true(world_logged(scene->world, "tx_retry warn attempt=2 sqlstate=40001"));
	assert_true(world_logged(scene->world, "tx_recovered info attempts=3"));
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_RETRIES), 2);
}

static enum hf_status disturbed_unasked(hf_where tx, void *user, hf_error *err)
{
	int *attempts = user;
	(void)err;
	return ++*attempts < 3 ? sql(tx, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", NULL) : HF_OK;
}

/* Whether it is repeated does not depend on whether the function wants to hear why. */
static void a_conflict_that_nobody_asked_for_is_repeated(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	int attempts = 0;
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), TX(.backoff_base_ms = 1), disturbed_unasked, &attempts, &err));
	assert_int_equal(attempts, 3);
	assert_true(world_logged(scene->world, "tx_retry warn attempt=2 sqlstate=40001"));
}

static void repetition_is_bounded(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	sql_run(hf_on_connection(scene->world->other), "INSERT INTO t VALUES (1, 0)");
	struct conflict conflict = {.scene = scene, .conflicts = 1000};
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool),
	                             TX(.isolation = HF_SERIALIZABLE, .backoff_base_ms = 1, .attempts_max = 3), disturbed,
	                             &conflict, &err),
	              HF_E_DB);
	assert_int_equal(conflict.attempts, 3);
	assert_string_equal(err.sqlstate, "40001");
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
	/* no time left for the pause */
	conflict.attempts = 0;
	EXPECT_STATUS(hf_transaction(hf_until(hf_on_pool(scene->pool), hf_deadline_in(scene->world->ctx, 5000)),
	                             TX(.isolation = HF_SERIALIZABLE, .backoff_base_ms = 100000, .backoff_cap_ms = 100000),
	                             disturbed, &conflict, &err),
	              HF_E_DB);
	assert_int_equal(conflict.attempts, 1);
	/* no budget left */
	while (retry_budget_spend(&scene->pool->retries))
		;
	conflict.attempts = 0;
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), TX(.isolation = HF_SERIALIZABLE), disturbed, &conflict, &err),
	              HF_E_DB);
	assert_int_equal(conflict.attempts, 1);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_RETRIES_REFUSED), 1);
}

struct deadlock {
	hf_pool *pool;
	const char *first, *second;
	atomic_int *met;
	int attempts;
	enum hf_status status;
};

static enum hf_status cross(hf_where tx, void *user, hf_error *err)
{
	struct deadlock *self = user;
	self->attempts++;
	enum hf_status status = sql(tx, self->first, err);
	atomic_fetch_add(self->met, 1);
	while (atomic_load(self->met) < 2)
		world_pause_ms(1);
	return status == HF_OK ? sql(tx, self->second, err) : status;
}

static void *cross_in_thread(void *user)
{
	struct deadlock *self = user;
	self->status = hf_transaction(hf_on_pool(self->pool), NULL, cross, self, NULL);
	return NULL;
}

static void a_deadlock_ends_with_both_done(void **state)
{
	struct scene *scene = *state;
	sql_run(hf_on_connection(scene->world->other), "INSERT INTO t VALUES (1), (2)");
	static const char a[] = "UPDATE t SET v = v + 1 WHERE i = 1", b[] = "UPDATE t SET v = v + 1 WHERE i = 2";
	atomic_int met = 0;
	struct deadlock two[2] = {{.pool = scene->pool, .first = a, .second = b, .met = &met},
	                          {.pool = scene->pool, .first = b, .second = a, .met = &met}};
	pthread_t ids[2];
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, cross_in_thread, &two[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(ids[i], NULL);
	assert_int_equal(two[0].status, HF_OK);
	assert_int_equal(two[1].status, HF_OK);
	assert_int_equal(two[0].attempts + two[1].attempts, 3);
	assert_int_equal(sql_number(hf_on_connection(scene->world->other), "SELECT sum(v) FROM t"), 4);
	assert_true(world_logged(scene->world, "tx_retry warn attempt=1 sqlstate=40P01"));
}

/* ---- lost connections ---- */

struct kill {
	struct scene *scene;
	int kills, attempts;
};

static enum hf_status killed_midway(hf_where tx, void *user, hf_error *err)
{
	struct kill *kill = user;
	kill->attempts++;
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (1)", err);
	if (status == HF_OK && kill->kills-- > 0)
		kill_backend(kill->scene->world, hf_connection_backend_pid(((struct hf_tx *)tx.target)->connection));
	return status == HF_OK ? sql(tx, "INSERT INTO t VALUES (2)", err) : status;
}

static void a_kill_before_commit_is_repeated_on_another_connection(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	struct kill kill = {.scene = scene, .kills = 2};
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), NULL, killed_midway, &kill, &err));
	assert_int_equal(kill.attempts, 3);
	assert_int_equal(rows_of(scene), 2);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_OUTCOMES_UNKNOWN), 0);
	/* on the caller's own connection there is nothing to repeat it on */
	hf_connection *own = NULL;
	EXPECT_OK(hf_connection_open(scene->world->ctx, scene->world->settings, NULL, HF_DEADLINE_DEFAULT, &own, &err));
	sql_run(hf_on_connection(scene->world->other), "TRUNCATE t");
	kill = (struct kill){.scene = scene, .kills = 2};
	EXPECT_STATUS(hf_transaction(hf_on_connection(own), NULL, killed_midway, &kill, &err), HF_E_UNAVAILABLE);
	assert_int_equal(kill.attempts, 1);
	assert_int_equal(err.action, HF_ACTION_RETRY_TRANSACTION);
	EXPECT_STATUS(hf_transaction(hf_on_connection(own), NULL, insert_one, NULL, &err), HF_E_UNAVAILABLE);
	hf_connection_free(own);
	assert_int_equal(rows_of(scene), 0);
}

static bool is_gone(struct world *world, int pid)
{
	char text[96];
	snprintf(text, sizeof(text), "SELECT count(*) FROM pg_stat_activity WHERE pid = %d", pid);
	return sql_number(hf_on_connection(world->other), text) == 0;
}

static enum hf_status idles_once(hf_where tx, void *user, hf_error *err)
{
	struct kill *kill = user;
	kill->attempts++;
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (1)", err);
	if (status != HF_OK || kill->kills-- <= 0)
		return status;
	status = sql(tx, "SET LOCAL idle_in_transaction_session_timeout = 50", err);
	AWAIT(is_gone(kill->scene->world, hf_connection_backend_pid(((struct hf_tx *)tx.target)->connection)));
	return status;
}

/* Nothing but COMMIT comes behind the pause: the server says itself that it was never begun. */
static void a_pause_before_commit_that_was_too_long_is_repeated(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	struct kill kill = {.scene = scene, .kills = 1};
	EXPECT_OK(hf_transaction(hf_on_pool(scene->pool), TX(.backoff_base_ms = 1), idles_once, &kill, &err));
	assert_int_equal(kill.attempts, 2);
	assert_int_equal(rows_of(scene), 1);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_OUTCOMES_UNKNOWN), 0);
}

/* The server ends the session while it works on COMMIT: whether it committed cannot be known from here. */
static void make_commit_deadly(struct scene *scene)
{
	hf_where where = hf_on_connection(scene->world->other);
	sql_run(where, "CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
	               "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END'");
	sql_run(where, "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
	               "EXECUTE FUNCTION die()");
}

static void a_connection_lost_during_commit_is_an_unknown_outcome(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	make_commit_deadly(scene);
	int runs = 0;
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, inner, &runs, &err), HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(err.action, HF_ACTION_UNKNOWN);
	assert_false(hf_error_is_retryable(&err));
	assert_int_equal(runs, 0);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_OUTCOMES_UNKNOWN), 1);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_RETRIES), 0);
}

static enum hf_status defer_a_violation(hf_where tx, UNUSED void *user, hf_error *err)
{
	return sql(tx, "INSERT INTO t VALUES (5), (6)", err);
}

static void an_error_at_commit_is_a_rollback(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	sql_run(hf_on_connection(scene->world->other),
	        "ALTER TABLE t ADD CONSTRAINT same_v UNIQUE (v) DEFERRABLE INITIALLY DEFERRED");
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, defer_a_violation, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.constraint, "same_v");
	assert_int_equal(rows_of(scene), 0);
}

/* ---- misuse and time ---- */

static enum hf_status end_it_myself(hf_where tx, UNUSED void *user, hf_error *err)
{
	return sql(tx, "COMMIT", err);
}

static void whoever_begins_ends(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, end_it_myself, NULL, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "ended the transaction itself");
	hf_connection *own = checkout(scene->pool);
	sql_run(hf_on_connection(own), "BEGIN");
	EXPECT_STATUS(hf_transaction(hf_on_connection(own), NULL, insert_one, NULL, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "has a transaction open");
	hf_pool_return(scene->pool, own);
}

static enum hf_status take_long(hf_where tx, void *user, hf_error *err)
{
	struct scene *scene = user;
	enum hf_status status = sql(tx, "INSERT INTO t VALUES (1)", err);
	atomic_fetch_add(&scene->world->skew_us, 60000000);
	return status;
}

static void the_deadline_covers_the_commit(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	hf_where where = hf_until(hf_on_pool(scene->pool), hf_deadline_in(scene->world->ctx, 30000));
	EXPECT_STATUS(hf_transaction(where, NULL, take_long, scene, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "before COMMIT");
	assert_int_equal(rows_of(scene), 0);
	assert_int_equal(stats_of(scene->pool).leaked_transactions, 0);
}

static enum hf_status lock_rows(hf_where tx, UNUSED void *user, hf_error *err)
{
	return sql(tx, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", err);
}

static void a_lock_not_got_in_time_is_busy(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	sql_run(hf_on_connection(scene->world->other), "BEGIN");
	sql_run(hf_on_connection(scene->world->other), "LOCK TABLE t");
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), TX(.lock_timeout_ms = 10, .attempts_max = 2), lock_rows, NULL, &err),
	              HF_BUSY);
	assert_string_equal(err.sqlstate, "55P03");
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_RETRIES), 1);
	sql_run(hf_on_connection(scene->world->other), "ROLLBACK");
}

static void a_closed_pool_gives_no_transaction(void **state)
{
	struct scene *scene = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_pool_drain(scene->pool, HF_DEADLINE_DEFAULT, &err));
	EXPECT_STATUS(hf_transaction(hf_on_pool(scene->pool), NULL, insert_one, NULL, &err), HF_E_UNAVAILABLE);
	assert_int_equal(metrics_value(scene->world->ctx->metrics, METRIC_TRANSACTIONS), 0);
}

/* ---- what is counted and logged of single statements ---- */

static void statements_are_counted_and_logged_by_the_level_rule(void **state)
{
	struct scene *scene = *state;
	struct world *world = scene->world;
	hf_error err = HF_ERROR_INIT;
	uint64_t before = metrics_value(world->ctx->metrics, METRIC_QUERIES);
	hf_where where = hf_on_pool(scene->pool);
	sql_run(where, "INSERT INTO t VALUES (1), (2), (3)");
	assert_false(world_logged(world, "query debug")); /* nobody asked */
	world->ctx->options.log_statements = 1;
	hf_pool_refresh(scene->pool); /* a connection goes by what its context said when it was opened */
	sql_run(where, "DELETE FROM t WHERE i > 1");
	assert_true(world_logged(world, "query debug query=sql ms="));
	assert_true(world_logged(world, "outcome=ok rows=2"));
	EXPECT_STATUS(sql(where, "INSERT INTO t VALUES (1)", &err), HF_CONFLICT);
	assert_true(world_logged(world, "query_failed info query=sql"));
	assert_true(world_logged(world, "outcome=conflict rows=0 sqlstate=23505 error=duplicate key"));
	assert_false(world_logged(world, "(i)=(1)")); /* the detail may be personal */
	EXPECT_STATUS(sql(where, "SELECT nothing FROM nowhere", &err), HF_E_DB);
	assert_true(world_logged(world, "query_failed error query=sql"));
	EXPECT_STATUS(sql(where, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", &err), HF_E_DB);
	assert_true(world_logged(world, "query_failed warn query=sql"));
	EXPECT_STATUS(sql(where, "DO $$ BEGIN RAISE SQLSTATE '53200'; END $$", &err), HF_BUSY);
	assert_int_equal(metrics_value(world->ctx->metrics, METRIC_QUERIES), before + 6);
	assert_int_equal(metrics_value(world->ctx->metrics, METRIC_QUERIES_FAILED), 4);
	assert_int_equal(metrics_value(world->ctx->metrics, METRIC_INSUFFICIENT_RESOURCES), 1);
	struct hf_label labels[] = {{"category", "constraint-unique"}, {"status", "conflict"}};
	assert_int_equal(hf_counter_value(hf_metrics_counter(world->ctx->metrics, "hf_errors_total", "", labels, 2)), 1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SCENE(ok_commits_and_anything_else_rolls_back),
	        SCENE(options_reach_the_server),
	        SCENE(a_failed_part_leaves_the_rest),
	        SCENE(depth_and_callbacks_are_bounded),
	        SCENE(the_first_error_is_the_one_told),
	        SCENE(a_conflict_is_repeated),
	        SCENE(a_conflict_that_nobody_asked_for_is_repeated),
	        SCENE(repetition_is_bounded),
	        SCENE(a_deadlock_ends_with_both_done),
	        SCENE(a_kill_before_commit_is_repeated_on_another_connection),
	        SCENE(a_pause_before_commit_that_was_too_long_is_repeated),
	        SCENE(a_connection_lost_during_commit_is_an_unknown_outcome),
	        SCENE(an_error_at_commit_is_a_rollback),
	        SCENE(whoever_begins_ends),
	        SCENE(the_deadline_covers_the_commit),
	        SCENE(a_lock_not_got_in_time_is_busy),
	        SCENE(a_closed_pool_gives_no_transaction),
	        SCENE(statements_are_counted_and_logged_by_the_level_rule),
	};
	url = fixture_database(NULL);
	return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
