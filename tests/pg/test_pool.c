/*
 * test_pool.c - the pool against a real server: order, hand-over, what kills do, and what comes back clean.
 */
#include <sys/wait.h>

#include "pg/dirty.h"
#include "world.h"
#include "../fixture.h"

static const char *url;

#define OPTIONS(...) (&(struct hf_pool_options){.size = sizeof(struct hf_pool_options), __VA_ARGS__})

/* ---- order ---- */

enum { WAITERS = 64, CONNECTIONS = 8 };

struct queue_test {
	hf_pool *pool;
	pthread_mutex_t mutex;
	int served[WAITERS];
	int count;
};
struct queued_thread {
	struct queue_test *test;
	int number;
};

static void *queued(void *user)
{
	struct queued_thread *self = user;
	struct queue_test *test = self->test;
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	if (hf_pool_checkout(test->pool, HF_DEADLINE_DEFAULT, &connection, &err) != HF_OK)
		return NULL;
	pthread_mutex_lock(&test->mutex);
	test->served[test->count++] = self->number;
	pthread_mutex_unlock(&test->mutex);
	hf_pool_return(test->pool, connection);
	return NULL;
}

/* All connections are out, and 64 threads have queued up one behind the other. */
static void queue_up(struct world *world, struct queue_test *test, hf_connection *out[CONNECTIONS],
                     struct queued_thread threads[WAITERS], pthread_t ids[WAITERS])
{
	test->pool = world_pool(world, OPTIONS(.connections_max = CONNECTIONS, .acquire_timeout_ms = 60000));
	for (int i = 0; i < CONNECTIONS; i++)
		out[i] = checkout(test->pool);
	for (uint32_t i = 0; i < WAITERS; i++) {
		threads[i] = (struct queued_thread){test, (int)i};
		assert_int_equal(pthread_create(&ids[i], NULL, queued, &threads[i]), 0);
		AWAIT(stats_of(test->pool).waiting == i + 1);
	}
}

static void no_waiter_is_overtaken(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	struct queue_test test = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	hf_connection *out[CONNECTIONS];
	struct queued_thread threads[WAITERS];
	pthread_t ids[WAITERS];
	queue_up(world, &test, out, threads, ids);
	/* One connection goes through all hands; whoever comes now, even at this very moment, comes last. */
	hf_pool_return(test.pool, out[0]);
	out[0] = checkout(test.pool);
	pthread_mutex_lock(&test.mutex);
	assert_int_equal(test.count, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(test.served[i], i);
	pthread_mutex_unlock(&test.mutex);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(ids[i], NULL);
	for (int i = 0; i < CONNECTIONS; i++)
		hf_pool_return(test.pool, out[i]);
	hf_pool_close(test.pool);
}

static void eight_in_circulation_keep_the_order(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	struct queue_test test = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	hf_connection *out[CONNECTIONS];
	struct queued_thread threads[WAITERS];
	pthread_t ids[WAITERS];
	queue_up(world, &test, out, threads, ids);
	for (int i = 0; i < CONNECTIONS; i++)
		hf_pool_return(test.pool, out[i]);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(ids[i], NULL);
	assert_int_equal(test.count, WAITERS);
	/* When a thread notes that it was served, those before it were served too: at most the holders of the other
	 * seven connections have not noted it yet. */
	bool noted[WAITERS] = {false};
	for (int i = 0; i < WAITERS; i++) {
		int missing = 0;
		for (int before = 0; before < test.served[i]; before++)
			missing += !noted[before];
		assert_in_range(missing, 0, CONNECTIONS - 1);
		noted[test.served[i]] = true;
	}
	struct hf_pool_stats stats = stats_of(test.pool);
	assert_int_equal(stats.idle, CONNECTIONS);
	assert_int_equal(stats.opened, CONNECTIONS);
	assert_true(stats.waits >= WAITERS); /* the first eight may have waited for their connect */
	hf_pool_close(test.pool);
}

static void idle_ones_are_reused_last_in_first_out(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_connection *a = checkout(pool), *b = checkout(pool), *c = checkout(pool);
	hf_pool_return(pool, a);
	hf_pool_return(pool, c);
	hf_pool_return(pool, b);
	assert_ptr_equal(checkout(pool), b);
	assert_ptr_equal(checkout(pool), c);
	assert_ptr_equal(checkout(pool), a);
	hf_pool_return(pool, a);
	hf_pool_return(pool, b);
	hf_pool_return(pool, c);
}

/* ---- timeouts ---- */

static void a_busy_pool_says_so(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 2, .acquire_timeout_ms = 999));
	hf_error err = HF_ERROR_INIT;
	hf_connection *a = checkout(pool), *b = checkout(pool), *none = NULL;
	atomic_store(&world->skew_us, 70000000); /* they have been out for seventy seconds */
	EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &none, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "could not get a connection within ");
	EXPECT_CONTAINS(err.message, " ms: 2 of 2 in use, the longest for 7");
	EXPECT_CONTAINS(err.message, " ms; 0 others wait");
	assert_int_equal(err.category, HF_CATEGORY_POOL);
	assert_int_equal(err.action, HF_ACTION_WAIT);
	assert_null(none);
	assert_true(stats_of(pool).longest_hold_us >= 70000000);
	hf_pool_return(pool, a);
	hf_pool_return(pool, b);
	assert_int_equal(stats_of(pool).idle, 2);
}

struct racer {
	hf_pool *pool;
	hf_context *ctx;
	unsigned seed;
	atomic_int *served, *late;
};

/* Waits for about as long as others hold, so that hand-over and timeout meet again and again. */
static void *race(void *user)
{
	struct racer *racer = user;
	for (int i = 0; i < 400; i++) {
		hf_error err = HF_ERROR_INIT;
		hf_connection *connection = NULL;
		int64_t now = hf_now_monotonic_us(racer->ctx);
		enum hf_status status =
		        hf_pool_checkout(racer->pool, now + rand_r(&racer->seed) % 300, &connection, &err);
		if (status == HF_OK) {
			nanosleep(&(struct timespec){.tv_nsec = rand_r(&racer->seed) % 200000}, NULL);
			hf_pool_return(racer->pool, connection);
			atomic_fetch_add(racer->served, 1);
		} else {
			atomic_fetch_add(racer->late, status == HF_TIMEOUT ? 1 : 1000000);
		}
	}
	return NULL;
}

static void no_connection_is_lost_between_hand_over_and_timeout(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 2));
	struct racer racers[8];
	pthread_t ids[8];
	atomic_int served = 0, late = 0;
	AWAIT(stats_of(pool).idle == 2);
	unsigned seed = (unsigned)time(NULL);
	print_message("# seed %u\n", seed);
	for (unsigned i = 0; i < 8; i++) {
		racers[i] = (struct racer){pool, world->ctx, seed + i, &served, &late};
		assert_int_equal(pthread_create(&ids[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
	struct hf_pool_stats stats = stats_of(pool);
	assert_int_equal(served + late, 8 * 400);
	assert_int_equal(stats.idle, 2);
	assert_int_equal(stats.busy, 0);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(stats.opened, 2);
	assert_int_equal(stats.timeouts, late);
}

/* ---- kills ---- */

static void one_killed_while_idle_is_replaced_unseen(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 3, .lazy = true));
	hf_connection *all[3] = {checkout(pool), checkout(pool), checkout(pool)};
	int pids[3];
	for (int i = 0; i < 3; i++) {
		pids[i] = hf_connection_backend_pid(all[i]);
		hf_pool_return(pool, all[i]);
	}
	for (int i = 0; i < 3; i++)
		kill_backend(world, pids[i]);
	atomic_store(&world->skew_us, 1000); /* however quickly that went */
	hf_connection *connection = checkout(pool);
	assert_int_equal(sql_number(hf_on_connection(connection), "SELECT 7"), 7);
	hf_pool_return(pool, connection);
	assert_int_equal(stats_of(pool).closed, 3);
	assert_int_equal(stats_of(pool).idle, 1);
}

/* By its first statement, which had nothing to do with its end. */
static void one_that_worked_this_moment_is_given_out_unseen(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 1, .lazy = true));
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = checkout(pool);
	int pid = hf_connection_backend_pid(connection);
	assert_int_equal(sql_number(hf_on_connection(connection), "SELECT 6"), 6);
	hf_pool_return(pool, connection);
	kill_backend(world, pid);
	atomic_store(&world->skew_us, -60000000); /* all that took no time */
	assert_ptr_equal(checkout(pool), connection);
	enum hf_status status = hf_sql_exec(hf_on_connection(connection), HF_STR("SELECT 1"), NULL, 0, NULL, &err);
	assert_int_not_equal(status, HF_OK);
	assert_int_equal(err.category, HF_CATEGORY_CONNECTION);
	hf_pool_return(pool, connection);
	assert_int_equal(stats_of(pool).closed, 1);
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 7"), 7);
}

static void one_killed_while_busy_is_closed_on_return(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true));
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = checkout(pool);
	kill_backend(world, hf_connection_backend_pid(connection));
	enum hf_status status = hf_sql_exec(hf_on_connection(connection), HF_STR("SELECT 1"), NULL, 0, NULL, &err);
	assert_int_not_equal(status, HF_OK);
	assert_int_equal(err.category, HF_CATEGORY_CONNECTION);
	hf_pool_return(pool, connection);
	assert_int_equal(stats_of(pool).closed, 1);
	assert_int_equal(stats_of(pool).idle, 0);
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 8"), 8);
	/* Nothing ran on it after the kill: the farewell is found at its next checkout. */
	connection = checkout(pool);
	kill_backend(world, hf_connection_backend_pid(connection));
	hf_pool_return(pool, connection);
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 9"), 9);
}

static void the_minimum_comes_back(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_min = 3));
	AWAIT(stats_of(pool).idle == 3);
	/* Each renewal opens three and no more: those that are new already are left alone. */
	for (uint64_t opened = 6; opened <= 60; opened += 3) {
		hf_pool_refresh(pool);
		AWAIT(stats_of(pool).idle == 3 && stats_of(pool).opened == opened);
	}
	hf_connection *old = checkout(pool);
	hf_pool_refresh(pool);
	hf_pool_return(pool, old); /* of the generation before */
	AWAIT(stats_of(pool).idle == 3 && stats_of(pool).opened == 63);
}

static void refused_logins_are_told_at_once(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	hf_error err = HF_ERROR_INIT;
	hf_connection *none = NULL;
	EXPECT_OK(hf_settings_set(world->settings, "dbname", "absent", &err));
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.acquire_timeout_ms = 3600000));
	EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &none, &err), HF_E_CONFIG);
	assert_string_equal(err.sqlstate, "3D000");
	EXPECT_CONTAINS(err.message, "database \"absent\" does not exist");
	AWAIT(world_logged(world, "pool_connect_failed error"));
	/* ... and healed when somebody asks again */
	char sql[64] = "CREATE DATABASE absent";
	sql_run(hf_on_connection(world->other), sql);
	enum hf_status status = HF_E_CONFIG;
	AWAIT((status = hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &none, &err)) == HF_OK);
	hf_pool_return(pool, none);
	hf_pool_drain(pool, HF_DEADLINE_DEFAULT, NULL);
	sql_run(hf_on_connection(world->other), "DROP DATABASE absent");
}

/* ---- time ---- */

static void idle_and_old_ones_go(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool =
	        world_pool(world, OPTIONS(.connections_min = 1, .connections_max = 4, .idle_timeout_ms = 3600000,
	                                  .lifetime_ms = 7200000));
	hf_connection *all[4] = {checkout(pool), checkout(pool), checkout(pool), checkout(pool)};
	for (int i = 0; i < 4; i++)
		hf_pool_return(pool, all[i]);
	int64_t now = hf_now_monotonic_us(world->ctx), hour = 3600000000;
	pool_tick(pool, now + hour - 60000000);
	assert_int_equal(stats_of(pool).idle, 4);
	pool_tick(pool, now + hour + 60000000);
	assert_int_equal(stats_of(pool).idle, 1); /* the minimum stays */
	assert_ptr_equal(pool->idle->connection, all[3]); /* and it is the one used last */
	pool_tick(pool, now + 2 * hour * 9 / 10 - 60000000);
	assert_int_equal(stats_of(pool).closed, 3);
	pool_tick(pool, now + 2 * hour * 11 / 10 + 60000000);
	assert_int_equal(stats_of(pool).closed, 4);
	AWAIT(stats_of(pool).idle == 1); /* a new one in its place */
	/* An old one that is in use goes when it comes back. */
	hf_connection *old = checkout(pool);
	atomic_store(&world->skew_us, 3 * hour);
	hf_pool_return(pool, old);
	assert_int_equal(stats_of(pool).closed, 5);
}

static void lifetimes_differ(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool =
	        world_pool(world, OPTIONS(.connections_min = 8, .connections_max = 8, .lifetime_ms = 1000000000));
	AWAIT(stats_of(pool).idle == 8);
	int64_t now = hf_now_monotonic_us(world->ctx), least = INT64_MAX, most = 0;
	for (int i = 0; i < 8; i++) {
		int64_t left = pool->slots[i].expires_us - now;
		least = left < least ? left : least;
		most = left > most ? left : most;
	}
	assert_true(least >= 899000000000 && most <= 1100000000000);
	assert_true(most - least > 1000000000); /* equal to a thousandth by chance: once in 10^17 runs */
}

static void long_holds_are_warned_of_once(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.hold_warn_ms = 1000000, .name = "h"));
	hf_connection *connection = checkout(pool);
	pool_tick(pool, hf_now_monotonic_us(world->ctx));
	assert_false(world_logged(world, "pool_held_long"));
	int64_t later = hf_now_monotonic_us(world->ctx) + 1100000000;
	pool_tick(pool, later);
	assert_true(world_logged(world, "pool_held_long warn pool=h held=110"));
	size_t len = world->log_len;
	pool_tick(pool, later);
	assert_int_equal(world->log_len, len);
	hf_pool_return(pool, connection);
}

static void the_maintenance_thread_does_it_by_itself(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .idle_timeout_ms = 40));
	hf_pool_return(pool, checkout(pool));
	AWAIT(stats_of(pool).closed == 1);
	assert_int_equal(stats_of(pool).idle, 0);
}

/* ---- what comes back ---- */

static void a_leaked_transaction_is_rolled_back(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .name = "leaky"));
	sql_run(hf_on_pool(pool), "CREATE TABLE IF NOT EXISTS leak (i int)");
	hf_connection *connection = checkout(pool);
	sql_run(hf_on_connection(connection), "BEGIN");
	sql_run(hf_on_connection(connection), "INSERT INTO leak VALUES (1)");
	hf_pool_return(pool, connection);
	assert_ptr_equal(checkout(pool), connection); /* kept */
	assert_int_equal(sql_number(hf_on_connection(connection), "SELECT count(*) FROM leak"), 0);
	assert_int_equal(stats_of(pool).leaked_transactions, 1);
	assert_true(world_logged(world, "pool_leaked_transaction warn pool=leaky"));
	/* and a failed one */
	hf_error err = HF_ERROR_INIT;
	sql_run(hf_on_connection(connection), "BEGIN");
	EXPECT_STATUS(hf_sql_exec(hf_on_connection(connection), HF_STR("SELECT 1/0"), NULL, 0, NULL, &err), HF_REJECTED);
	hf_pool_return(pool, connection);
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 5"), 5);
	assert_int_equal(stats_of(pool).leaked_transactions, 2);
	assert_int_equal(stats_of(pool).opened, 1);
	sql_run(hf_on_pool(pool), "DROP TABLE leak");
}

static void session_state_does_not_pass_on(UNUSED void **state)
{
	static const struct {
		const char *sql, *probe;
		int64_t clean;
	} cases[] = {
	        {"SET work_mem = '7MB'", "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND setting = '7168'", 0},
	        {"SELECT set_config('work_mem', '7MB', false)",
	         "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND setting = '7168'", 0},
	        {"SET ROLE pg_monitor", "SELECT (current_user = session_user)::int::int8", 1},
	        {"LISTEN somewhere", "SELECT count(*) FROM pg_listening_channels()", 0},
	        {"SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0},
	        {"CREATE TEMP TABLE passing (i int)", "SELECT count(*) FROM pg_class WHERE relname = 'passing'", 0},
	};
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .connections_max = 1));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sql_run(hf_on_pool(pool), cases[i].sql);
		if (sql_number(hf_on_pool(pool), cases[i].probe) != cases[i].clean)
			fail_msg("left behind by %s", cases[i].sql);
	}
	assert_int_equal(stats_of(pool).opened, 1);
	sql_run(hf_on_pool(pool), "PREPARE mine AS SELECT 1");
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'"), 0);
}

static enum hf_status write_once(hf_where tx, void *user, hf_error *err)
{
	++*(int *)user;
	return hf_sql_exec(tx, HF_STR("CREATE TABLE never (i int)"), NULL, 0, NULL, err);
}

/* 25006 from a server that does not say it is a standby is the program's own doing; from one that does, all the
 * pool's connections are to the wrong server. */
static void a_standby_is_left_by_the_whole_pool(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true));
	hf_error err = HF_ERROR_INIT;
	int attempts = 0;
	struct hf_transaction_options read_only = {.size = sizeof(read_only), .read_only = true};
	EXPECT_STATUS(hf_transaction(hf_on_pool(pool), &read_only, write_once, &attempts, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "25006");
	assert_int_equal(attempts, 1);
	assert_int_equal(stats_of(pool).closed, 0);
	hf_connection *a = checkout(pool), *b = checkout(pool), *c = checkout(pool);
	hf_pool_return(pool, b);
	a->broken = a->wrong_server = true; /* as observe_query() leaves it after a standby's answer */
	hf_pool_return(pool, a);
	assert_int_equal(stats_of(pool).closed, 2);
	hf_pool_return(pool, c);
	assert_int_equal(stats_of(pool).closed, 3);
	assert_int_equal(stats_of(pool).idle, 0);
}

static void resets_follow_the_mode(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool =
	        world_pool(world, OPTIONS(.lazy = true, .connections_max = 1, .reset = HF_POOL_RESET_NONE));
	sql_run(hf_on_pool(pool), "SET work_mem = '9MB'");
	assert_int_equal(sql_number(hf_on_pool(pool), "SELECT setting::int8 FROM pg_settings WHERE name = 'work_mem'"), 9216);
	CLEANUP(pool_freep) hf_pool *always =
	        world_pool(world, OPTIONS(.lazy = true, .connections_max = 1, .reset = HF_POOL_RESET_ALWAYS));
	hf_connection *connection = checkout(always);
	sql_run(hf_on_connection(connection), "SET work_mem = '9MB'");
	connection->dirty = 0; /* as if nobody had noticed */
	hf_pool_return(always, connection);
	assert_int_equal(sql_number(hf_on_pool(always), "SELECT (setting <> '9216')::int::int8 FROM pg_settings WHERE name = "
	                                             "'work_mem'"), 1);
}

/* What only a defect of ours could leave behind: each is ended, or the connection is closed. */
static void send_raw(hf_connection *connection, const char *sql)
{
	assert_int_equal(PQsendQuery(connection->pg, sql), 1);
	while (PQflush(connection->pg) == 1)
		world_pause_ms(1);
}

static void unread_results_are_drained(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .connections_max = 1));
	static const struct {
		const char *sql;
		unsigned closed;
	} cases[] = {
	        {"SELECT 1; SELECT 2; SELECT generate_series(1, 1000)", 0},
	        {"BEGIN; SELECT 1", 0},
	        {"CREATE TEMP TABLE c (i int); COPY c FROM STDIN", 0},
	        {"COPY (SELECT generate_series(1, 1000)) TO STDOUT", 0},
	        {"COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT", 1}, /* too much */
	        {"SELECT pg_sleep(100)", 0},                                                     /* cancelled */
	};
	uint64_t closed = 0;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_connection *connection = checkout(pool);
		send_raw(connection, cases[i].sql);
		hf_pool_return(pool, connection);
		closed += cases[i].closed;
		if (stats_of(pool).closed != closed)
			fail_msg("%s: %d closed", cases[i].sql, (int)stats_of(pool).closed);
		assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 3"), 3);
	}
}

static void a_pipeline_is_left(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .connections_max = 1));
	static const char *const statements[] = {"SELECT 1", "SELECT 1/0"};
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		hf_connection *connection = checkout(pool);
		assert_int_equal(PQenterPipelineMode(connection->pg), 1);
		assert_int_equal(PQsendQueryParams(connection->pg, statements[i], 0, NULL, NULL, NULL, NULL, 0), 1);
		assert_int_equal(PQsendQueryParams(connection->pg, "SELECT 2", 0, NULL, NULL, NULL, NULL, 0), 1);
		hf_pool_return(pool, connection);
		assert_int_equal(stats_of(pool).closed, 0);
		assert_int_equal(sql_number(hf_on_pool(pool), "SELECT 4"), 4);
	}
}

static void an_oversized_or_broken_one_is_closed(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .name = "big"));
	hf_connection *connection = checkout(pool);
	connection->oversized = true;
	hf_pool_return(pool, connection);
	connection = checkout(pool);
	connection->broken = true;
	hf_pool_return(pool, connection);
	assert_int_equal(stats_of(pool).closed, 2);
	struct hf_label labels[] = {{"pool", "big"}, {"reason", "oversize"}};
	assert_int_equal(hf_counter_value(hf_metrics_counter(world->ctx->metrics, "hf_pool_closed_total", "", labels, 2)), 1);
}

/* ---- the end ---- */

static void draining_waits_for_all(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = checkout(pool), *none = NULL;
	EXPECT_STATUS(hf_pool_drain(pool, hf_deadline_in(world->ctx, 20), &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "1 connections are still in use");
	EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &none, &err), HF_E_UNAVAILABLE);
	assert_int_equal(sql_number(hf_on_connection(connection), "SELECT 6"), 6); /* who holds one may go on */
	hf_pool_return(pool, connection);
	EXPECT_OK(hf_pool_drain(pool, hf_deadline_in(world->ctx, 60000), &err));
	struct hf_pool_stats stats = stats_of(pool);
	assert_int_equal(stats.idle + stats.busy + stats.closing, 0);
}

static void the_last_return_frees_a_closed_pool(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	hf_pool *pool = world_pool(world, NULL);
	hf_connection *connection = checkout(pool);
	hf_pool_close(pool); /* waits for five seconds in vain */
	assert_int_equal(sql_number(hf_on_connection(connection), "SELECT 6"), 6);
	hf_pool_return(pool, connection); /* the sanitizers see that nothing is left */
}

static void a_child_leaves_the_sessions_of_its_parent_alone(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_connection *held = checkout(pool);
	AWAIT(stats_of(pool).idle >= 1);
	pid_t child = fork();
	if (child == 0) {
		hf_error err = HF_ERROR_INIT;
		hf_connection *none = NULL;
		bool good = hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &none, &err) == HF_E_USAGE &&
		            hf_sql_exec(hf_on_connection(held), HF_STR("SELECT 1"), NULL, 0, NULL, &err) == HF_E_USAGE;
		hf_pool_return(pool, held);
		hf_pool_close(pool);
		_exit(good ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(sql_number(hf_on_connection(held), "SELECT 1"), 1);
	hf_pool_return(pool, held);
	assert_int_equal(stats_of(pool).closed, 0);
}

static void numbers_agree(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	hf_pool *pool = world_pool(world, OPTIONS(.lazy = true, .name = "n"));
	struct hf_metrics *metrics = world->ctx->metrics;
	hf_connection *a = checkout(pool), *b = checkout(pool);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_ACTIVE), 2);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_SIZE), 2);
	hf_pool_return(pool, a);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_ACTIVE), 1);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_IDLE), 1);
	struct hf_label labels[] = {{"pool", "n"}, {"state", "busy"}};
	hf_gauge *busy = hf_metrics_gauge(metrics, "hf_pool_connections", "", labels, 2);
	assert_int_equal(hf_gauge_value(busy), 1);
	hf_pool_return(pool, b);
	assert_int_equal(stats_of(pool).checkouts, 2);
	hf_pool_close(pool);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_SIZE), 0);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_IDLE), 0);
	assert_int_equal(hf_gauge_value(busy), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_waiter_is_overtaken),
	        cmocka_unit_test(eight_in_circulation_keep_the_order),
	        cmocka_unit_test(idle_ones_are_reused_last_in_first_out),
	        cmocka_unit_test(a_busy_pool_says_so),
	        cmocka_unit_test(no_connection_is_lost_between_hand_over_and_timeout),
	        cmocka_unit_test(one_killed_while_idle_is_replaced_unseen),
	        cmocka_unit_test(one_that_worked_this_moment_is_given_out_unseen),
	        cmocka_unit_test(one_killed_while_busy_is_closed_on_return),
	        cmocka_unit_test(the_minimum_comes_back),
	        cmocka_unit_test(refused_logins_are_told_at_once),
	        cmocka_unit_test(idle_and_old_ones_go),
	        cmocka_unit_test(lifetimes_differ),
	        cmocka_unit_test(long_holds_are_warned_of_once),
	        cmocka_unit_test(the_maintenance_thread_does_it_by_itself),
	        cmocka_unit_test(a_leaked_transaction_is_rolled_back),
	        cmocka_unit_test(session_state_does_not_pass_on),
	        cmocka_unit_test(a_standby_is_left_by_the_whole_pool),
	        cmocka_unit_test(resets_follow_the_mode),
	        cmocka_unit_test(unread_results_are_drained),
	        cmocka_unit_test(a_pipeline_is_left),
	        cmocka_unit_test(an_oversized_or_broken_one_is_closed),
	        cmocka_unit_test(draining_waits_for_all),
	        cmocka_unit_test(the_last_return_frees_a_closed_pool),
	        cmocka_unit_test(a_child_leaves_the_sessions_of_its_parent_alone),
	        cmocka_unit_test(numbers_agree),
	};
	url = fixture_database(NULL);
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
