/*
 * test_lock.c - migrators beside each other, and table locks that others hold.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "../check.h"
#include "../fixture.h"

static const struct run_file files[] = {
        {"1_t.sql", "-- up\nCREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n"},
        {"2_u.sql", "-- migrate: tx=no\n-- up\nINSERT INTO t VALUES (2);\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n"},
        {"3_v.sql", "-- up\nINSERT INTO t VALUES (3);\n"},
        {NULL, NULL}};

static void several_migrators_do_the_work_once(UNUSED void **state)
{
	enum { CHILDREN = 5 };
	for (int round = 0; round < 4; round++) {
		const char *url;
		pid_t pids[CHILDREN];
		CLEANUP(connection_freep) hf_connection *c = run_database(&url);
		CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
		for (int i = 0; i < CHILDREN; i++)
			pids[i] = run_child_begin(url, set);
		for (int i = 0; i < CHILDREN; i++)
			assert_int_equal(run_child_end(pids[i]), 0);
		assert_string_equal(run_states(c), "1:applied 2:applied 3:applied");
		assert_string_equal(run_text(c, "SELECT string_agg(a::text, ',' ORDER BY a) FROM t"), "1,2,3");
		assert_string_equal(run_text(c, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
		assert_string_equal(run_text(c, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
	}
}

struct heard {
	char waiting[300];
	size_t waits, retries, cleanups;
	hf_connection *release_by; /* rolled back at the first retry */
};

static void hear(void *user, const struct hf_migrate_event *event)
{
	struct heard *heard = user;
	if (event->kind == HF_MIGRATE_WAITING) {
		heard->waits++;
		snprintf(heard->waiting, sizeof(heard->waiting), "%s", event->text);
	}
	heard->cleanups += event->kind == HF_MIGRATE_CLEANUP;
	heard->retries += event->kind == HF_MIGRATE_RETRY;
	if (event->kind == HF_MIGRATE_RETRY && heard->release_by) {
		run_sql(heard->release_by, "ROLLBACK");
		heard->release_by = NULL;
	}
}

static void a_held_lock_times_out_and_names_the_holder(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	struct heard heard = {0};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(connection_freep) hf_connection *holder = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	run_sql(holder, "SET application_name = 'another deploy'");
	run_sql(holder, "SELECT pg_advisory_lock(1212107844, 1178686292)");
	const struct hf_migrate_options options = {
	        .size = sizeof(options), .lock_wait_ms = 300, .progress = hear, .user = &heard};
	EXPECT_STATUS(hf_migrate_up(c, set, &options, NULL, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "the migrators' lock was not free within 300 ms; it is held by process");
	EXPECT_CONTAINS(err.message, "another deploy");
	EXPECT_CONTAINS(heard.waiting, "another deploy");
	assert_int_equal(heard.waits, 1);
	assert_string_equal(run_text(c, "SELECT to_regnamespace('holdfast')"), "");
}

/* The measured deadlock of waiting in pg_advisory_lock() while the holder builds an index concurrently. */
static void a_waiting_migrator_does_not_block_an_index_build(UNUSED void **state)
{
	const char *url;
	hf_error err = HF_ERROR_INIT;
	const struct hf_migrate_options first = {.size = sizeof(first), .to = "1"};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(connection_freep) hf_connection *old = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_OK(hf_migrate_up(c, set, &first, NULL, &err));
	run_sql(old, "BEGIN");
	run_sql(old, "INSERT INTO t VALUES (9)"); /* keeps the build waiting until the second migrator waits too */
	pid_t builder = run_child_begin(url, set);
	for (int i = 0; strcmp(run_text(c, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "1") != 0; i++) {
		assert_true(i < 12000);
		usleep(5000);
	}
	pid_t waiter = run_child_begin(url, set);
	for (int i = 0; strcmp(run_text(c, "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'"
	                                   " AND query LIKE '%pg_locks%' AND datname = current_database()"),
	                       "1") != 0; i++) {
		assert_true(i < 12000);
		usleep(5000);
	}
	run_sql(old, "ROLLBACK");
	assert_int_equal(run_child_end(builder), 0);
	assert_int_equal(run_child_end(waiter), 0);
	assert_string_equal(run_text(c, "SELECT string_agg(a::text, ',' ORDER BY a) FROM t"), "1,2,3");
	assert_string_equal(run_text(c, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
}

/* ---- table locks ---- */

static const struct run_file alter[] = {
        {"1_t.sql", "-- up\nCREATE TABLE t (a int);\n"},
        {"2_b.sql", "-- migrate: lock_timeout=50ms\n-- up\nCREATE TABLE before_it (i int);\n"
                    "ALTER TABLE t ADD COLUMN b int;\n"},
        {"3_c.sql", "-- migrate: tx=no lock_timeout=50ms\n-- up\nALTER TABLE t ADD COLUMN c int;\n"
                    "CREATE INDEX CONCURRENTLY t_c ON t (c);\n"},
        {NULL, NULL}};

static void a_table_lock_is_tried_again_from_the_start(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	struct hf_migrate_options options = {.size = sizeof(options), .to = "1", .progress = hear};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(connection_freep) hf_connection *blocker = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(alter);
	for (int i = 1; i <= 3; i++) {
		static const char *const versions[] = {"", "1", "2", "3"};
		struct heard heard = {.release_by = i > 1 ? blocker : NULL};
		options.to = versions[i];
		options.user = &heard;
		if (i > 1) {
			run_sql(blocker, "BEGIN");
			run_sql(blocker, "LOCK TABLE t IN ROW EXCLUSIVE MODE");
		}
		EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
		assert_int_equal(heard.retries, i > 1);
	}
	assert_string_equal(run_states(c), "1:applied 2:applied 3:applied");
}

static void a_table_lock_that_stays_is_given_up(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	struct heard heard = {0};
	struct hf_migrate_options options = {
	        .size = sizeof(options), .to = "1", .lock_tries_max = 2, .progress = hear, .user = &heard};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(connection_freep) hf_connection *blocker = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(alter);
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	run_sql(blocker, "BEGIN");
	run_sql(blocker, "LOCK TABLE t IN ACCESS SHARE MODE");
	options.to = NULL;
	EXPECT_STATUS(hf_migrate_up(c, set, &options, NULL, &err), HF_TIMEOUT);
	assert_string_equal(err.sqlstate, "55P03");
	EXPECT_CONTAINS(err.message, "2_b.sql:4: ");
	EXPECT_CONTAINS(err.hint, "tried 2 times");
	assert_int_equal(heard.retries, 1);
	assert_string_equal(run_states(c), "1:applied 2:failed");
	assert_string_equal(run_text(c, "SELECT to_regclass('before_it')"), "");
}

/* A lock timeout in the middle of an index build leaves an invalid index; the next try removes it first. */
static void a_build_that_ran_into_a_lock_timeout_starts_clean(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	struct heard heard = {0};
	struct hf_migrate_options options = {.size = sizeof(options), .to = "2", .progress = hear, .user = &heard};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(connection_freep) hf_connection *blocker = run_connect(fixture_context(), url);
	static const struct run_file late[] = {
	        {"1_t.sql", "-- up\nCREATE TABLE t (c int);\n"},
	        {"3_c.sql", "-- migrate: tx=no lock_timeout=100ms\n-- up\nCREATE INDEX CONCURRENTLY t_c ON t (c);\n"},
	        {NULL, NULL}};
	CLEANUP(migrations_freep) hf_migrations *set = run_set(late);
	options.to = "1";
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	run_sql(blocker, "BEGIN");
	run_sql(blocker, "INSERT INTO t VALUES (1)");
	heard.release_by = blocker;
	options.to = NULL;
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_int_equal(heard.retries, 1);
	assert_int_equal(heard.cleanups, 1);
	assert_string_equal(run_text(c, "SELECT string_agg(indexrelid::regclass || ':' || indisvalid, ' ') FROM pg_index"
	                                " WHERE indrelid = 't'::regclass"),
	                    "t_c:true");
}

/* ---- losing the lock ---- */

static void a_file_that_releases_the_lock_ends_the_run(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file rude[] = {{"1_a.sql", "-- up\nSELECT pg_advisory_unlock_all();\n"},
	                                       {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	                                       {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(rude);
	EXPECT_STATUS(run_up(c, set, &err), HF_E_CONFIG);
	EXPECT_CONTAINS(err.message, "the session lost the migrators' lock");
	EXPECT_CONTAINS(err.hint, "transaction pooling");
	assert_string_equal(run_states(c), "1:applied");
	EXPECT_OK(run_up(c, set, &err));
}

/* A failure cannot be recorded when the session is gone with it; the next run sees "running" and starts over. */
static void a_lost_connection_leaves_the_truth_to_the_next_run(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	static const struct run_file suicide[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\nSELECT pg_terminate_backend(pg_backend_pid());\n"},
	        {NULL, NULL}};
	static const struct run_file fine[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"}, {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(suicide), *better = run_set(fine);
	assert_int_not_equal(run_up(c, set, &err), HF_OK);
	EXPECT_CONTAINS(err.message, "1_a.sql:3: ");
	CLEANUP(connection_freep) hf_connection *d = run_connect(fixture_context(), url);
	assert_string_equal(run_states(d), "1:running");
	assert_string_equal(run_text(d, "SELECT to_regclass('a')"), "");
	EXPECT_OK(run_up(d, better, &err));
	assert_string_equal(run_states(d), "1:applied");
}

/* The session ends inside COMMIT (a deferred trigger does it): nobody can tell from the client how it ended. */
static void a_connection_lost_at_commit_has_an_unknown_outcome(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	static const struct run_file files_[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\nCREATE TABLE once (i int);\n"
	                    "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	                    " IF to_regclass('public.survived') IS NULL THEN PERFORM pg_terminate_backend(pg_backend_pid());"
	                    " END IF; RETURN NULL; END $$;\n"
	                    "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED"
	                    " FOR EACH ROW EXECUTE FUNCTION die();\nINSERT INTO a VALUES (1);\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files_);
	EXPECT_STATUS(run_up(c, set, &err), HF_E_OUTCOME_UNKNOWN);
	EXPECT_CONTAINS(err.hint, "the ledger knows whether the commit happened");
	CLEANUP(connection_freep) hf_connection *d = run_connect(fixture_context(), url);
	assert_string_equal(run_states(d), "1:running");
	run_sql(d, "CREATE TABLE public.survived (i int)");
	EXPECT_OK(run_up(d, set, &err));
	assert_string_equal(run_states(d), "1:applied");
	assert_string_equal(run_text(d, "SELECT count(*) FROM a"), "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(several_migrators_do_the_work_once),
	        cmocka_unit_test(a_held_lock_times_out_and_names_the_holder),
	        cmocka_unit_test(a_waiting_migrator_does_not_block_an_index_build),
	        cmocka_unit_test(a_table_lock_is_tried_again_from_the_start),
	        cmocka_unit_test(a_table_lock_that_stays_is_given_up),
	        cmocka_unit_test(a_build_that_ran_into_a_lock_timeout_starts_clean),
	        cmocka_unit_test(a_file_that_releases_the_lock_ends_the_run),
	        cmocka_unit_test(a_lost_connection_leaves_the_truth_to_the_next_run),
	        cmocka_unit_test(a_connection_lost_at_commit_has_an_unknown_outcome),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
