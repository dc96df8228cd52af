/*
 * test_killed.c - a migrator that dies at every moment: the next one finishes, and the catalog is that of a run that
 * nobody disturbed.
 *
 * A moment is a statement sent to the server or an event of the engine. Deaths: SIGKILL of the process, and the end of
 * its session in the server (the process sees a lost connection).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "../check.h"
#include "../fixture.h"

/* Both kinds of files; everything that a second run could do twice would show: counters, rows, names. */
static const struct run_file files[] = {
        {"0001_tx.sql", "-- up\nCREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a int);\n"
                        "INSERT INTO t (a) VALUES (1);\n-- down\nDROP TABLE t;\n"},
        {"0002_notx.sql", "-- migrate: tx=no\n-- up\nINSERT INTO t (a) VALUES (2);\n"
                          "CREATE INDEX CONCURRENTLY t_a ON t (a);\nINSERT INTO t (a) VALUES (3);\n"
                          "CREATE TABLE u (i int);\nDROP INDEX CONCURRENTLY t_a;\n"
                          "CREATE UNIQUE INDEX CONCURRENTLY \"T b\" ON public.t (id, a);\n"
                          "REINDEX INDEX CONCURRENTLY \"T b\";\nVACUUM t;\n"
                          "-- verify\nSELECT count(*) = 3 FROM t;\n"
                          "-- down\nDROP INDEX CONCURRENTLY \"T b\";\nDROP TABLE u;\nDELETE FROM t WHERE a > 1;\n"},
        {"0003_tx.sql", "-- up\nALTER TABLE u ADD COLUMN j int;\nINSERT INTO u VALUES (1, 1);\n"
                        "-- verify\nSELECT count(*) = 1 FROM u;\n-- down\nDELETE FROM u;\n"
                        "ALTER TABLE u DROP COLUMN j;\n"},
        {NULL, NULL},
};

static const char rows_sql[] = "SELECT (SELECT string_agg(a::text, ',' ORDER BY id) FROM t) || '/' ||"
                               " (SELECT count(*) FROM u)";

static char *undisturbed(const hf_migrations *set)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, rows_sql), "1,2,3/1");
	return run_catalog(c);
}

/* The session of a killed process lives until the server notices; the next run waits for its lock like any other. */
static void finish_and_compare(const char *url, const hf_migrations *set, const char *expected, size_t moment)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_connect(fixture_context(), url);
	enum hf_status status = run_up(c, set, &err);
	if (status != HF_OK)
		fail_msg("after moment %zu: %s (%s)", moment, err.message, err.hint);
	if (strcmp(run_text(c, rows_sql), "1,2,3/1") != 0)
		fail_msg("after moment %zu: rows %s", moment, run_text(c, rows_sql));
	assert_string_equal(run_states(c), "0001:applied 0002:applied 0003:applied");
	char *found = run_catalog(c);
	if (strcmp(found, expected) != 0)
		fail_msg("after moment %zu the catalog is\n%s\nexpected\n%s", moment, found, expected);
	free(found);
}

static void die_everywhere_on_the_way_up(enum run_death death)
{
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	char *expected = undisturbed(set);
	size_t moment = 1;
	for (bool died = true; died; moment++) {
		const char *url = fixture_database(NULL);
		died = run_child(url, set, NULL, death, moment);
		finish_and_compare(url, set, expected, moment);
	}
	print_message("# died at %zu moments\n", moment - 2);
	assert_true(moment > 60);
	free(expected);
}

static void killed_at_every_moment_of_up(UNUSED void **state)
{
	die_everywhere_on_the_way_up(RUN_KILLED);
}

static void session_ended_at_every_moment_of_up(UNUSED void **state)
{
	die_everywhere_on_the_way_up(RUN_BACKEND_TERMINATED);
}

/* The first database is made by migrating, the others are copies of it. */
static void killed_at_every_moment_of_down(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char base[64];
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	{
		CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
		EXPECT_OK(run_up(c, set, &err));
	}
	snprintf(base, sizeof(base), "%s", fixture_database_name());
	size_t moment = 1;
	for (bool died = true; died; moment++) {
		const char *url = fixture_database(base);
		const struct hf_migrate_options options = {.size = sizeof(options), .to = "0"};
		died = run_child(url, set, "0", RUN_KILLED, moment);
		CLEANUP(connection_freep) hf_connection *c = run_connect(fixture_context(), url);
		enum hf_status status = hf_migrate_down(c, set, &options, NULL, &err);
		if (status != HF_OK)
			fail_msg("after moment %zu: %s (%s)", moment, err.message, err.hint);
		assert_string_equal(run_states(c), "0001:reverted 0002:reverted 0003:reverted");
		assert_string_equal(run_text(c, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
		                    "0");
	}
	print_message("# died at %zu moments\n", moment - 2);
	assert_true(moment > 40);
}

/* Killed half way down, then `up`: the way down is finished first. */
static void half_reverted_then_up_goes_down_first(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_OK(run_up(c, set, &err));
	const struct hf_migrate_options one = {.size = sizeof(one), .to = "2"};
	EXPECT_OK(hf_migrate_down(c, set, &one, NULL, &err));
	run_sql(c, "CREATE VIEW blocks AS SELECT * FROM u");
	EXPECT_STATUS(hf_migrate_down(c, set, NULL, NULL, &err), HF_E_DB);
	assert_string_equal(run_states(c), "0001:applied 0002:failed 0003:reverted");
	EXPECT_STATUS(run_up(c, set, &err), HF_E_DB);
	EXPECT_STATUS(hf_migrate_resume(c, set, HF_STEP_ASK, NULL, NULL, &err), HF_E_DB);
	run_sql(c, "DROP VIEW blocks");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_states(c), "0001:applied 0002:applied 0003:applied");
	assert_string_equal(run_text(c, rows_sql), "1,2,3/1");
}

/* ---- in the middle of a statement ---- */

static void wait_until(hf_connection *c, const char *sql, const char *expected)
{
	for (int i = 0; i < 2000; i++) {
		if (strcmp(run_text(c, sql), expected) == 0)
			return;
		usleep(5000);
	}
	fail_msg("%s never became %s", sql, expected);
}

static const struct run_file build[] = {
        {"1_t.sql", "-- up\nCREATE TABLE t (a int);\nINSERT INTO t SELECT generate_series(1, 100);\n"},
        {"2_i.sql", "-- migrate: tx=no\n-- up\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n"},
        {NULL, NULL}};

/* Up to version 1, then a process of its own that waits, `hold` being open in `old`, until `count_sql` says `expected`:
 * there process and session are ended. What it was at begins with `at`. */
static void kill_in_the_middle(hf_connection *c, const char *url, const hf_migrations *set, const char *hold,
                               const char *count_sql, const char *expected, const char *at)
{
	const struct hf_migrate_options first = {.size = sizeof(first), .to = "1"};
	CLEANUP(connection_freep) hf_connection *old = run_connect(fixture_context(), url);
	hf_error err = HF_ERROR_INIT;
	char sql[300];
	EXPECT_OK(hf_migrate_up(c, set, &first, NULL, &err));
	run_sql(old, "BEGIN");
	run_sql(old, hold);
	pid_t pid = run_child_begin(url, set);
	wait_until(c, count_sql, expected);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(run_child_end(pid), 128 + SIGKILL);
	snprintf(sql, sizeof(sql),
	         "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity WHERE query LIKE '%s%%'"
	         " AND datname = current_database()",
	         at);
	assert_string_equal(run_text(c, sql), "1");
	run_sql(old, "COMMIT");
	assert_string_equal(run_text(c, count_sql), expected);
}

/* An index build waits for an older transaction; process and session are ended there: an invalid index is left. */
static void a_build_killed_in_the_middle_is_cleaned_up(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(build);
	kill_in_the_middle(c, url, set, "INSERT INTO t VALUES (0)", "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
	                   "1", "CREATE INDEX CONC");
	assert_string_equal(run_states(c), "1:applied 2:running");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_states(c), "1:applied 2:applied");
	assert_string_equal(run_text(c, "SELECT string_agg(indexrelid::regclass || ':' || indisvalid, ' ') FROM pg_index"
	                                " WHERE indrelid = 't'::regclass"),
	                    "t_a:true");
}

static void a_build_that_finished_unrecorded_is_found(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(build);
	EXPECT_OK(run_up(c, set, &err));
	run_sql(c, "UPDATE holdfast.migration SET state = 'running' WHERE version = '2'");
	run_sql(c, "UPDATE holdfast.migration_step SET state = 'started'");
	const char *before = run_text(c, "SELECT 't_a'::regclass::oid");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, "SELECT 't_a'::regclass::oid"), before);
	assert_string_equal(run_states(c), "1:applied 2:applied");
}

/* The interrupted DETACH ... CONCURRENTLY is finalised; a finished one is found. */
static void a_detach_killed_in_the_middle_is_finalised(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	static const struct run_file detach[] = {
	        {"1_p.sql", "-- up\nCREATE TABLE p (a int) PARTITION BY LIST (a);\n"
	                    "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\n"},
	        {"2_d.sql", "-- migrate: tx=no\n-- up\nALTER TABLE p DETACH PARTITION p1 CONCURRENTLY;\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(detach);
	kill_in_the_middle(c, url, set, "SELECT * FROM p", "SELECT count(*) FROM pg_inherits WHERE inhdetachpending",
	                   "1", "ALTER TABLE p DET");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, "SELECT count(*) FROM pg_inherits"), "0");
	run_sql(c, "UPDATE holdfast.migration SET state = 'running' WHERE version = '2'");
	run_sql(c, "UPDATE holdfast.migration_step SET state = 'started'");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_states(c), "1:applied 2:applied");
}

static void the_twins_of_a_killed_reindex_are_dropped(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url;
	static const struct run_file reindex[] = {
	        {"1_t.sql", "-- up\nCREATE TABLE t (a int);\nCREATE INDEX t_a ON t (a);\nCREATE INDEX t_b ON t (a);\n"},
	        {"2_r.sql", "-- migrate: tx=no\n-- up\nREINDEX TABLE CONCURRENTLY t;\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(&url);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(reindex);
	kill_in_the_middle(c, url, set, "INSERT INTO t VALUES (1)", "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
	                   "2", "REINDEX");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'i'"
	                                " AND relnamespace = 'public'::regnamespace"),
	                    "t_a,t_b");
}

/* The file of a half applied migration is gone: nothing can be done, and that is said. */
static void a_half_applied_file_that_is_missing_is_named(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(build), *none = run_set(&build[2]);
	EXPECT_OK(run_up(c, set, &err));
	run_sql(c, "UPDATE holdfast.migration SET state = 'running' WHERE version = '2'");
	EXPECT_STATUS(hf_migrate_resume(c, none, HF_STEP_ASK, NULL, NULL, &err), HF_NOT_FOUND);
	EXPECT_CONTAINS(err.message, "migration 2 (i) is half applied, its file is missing");
	EXPECT_OK(hf_migrate_resume(c, set, HF_STEP_ASK, NULL, NULL, &err));
}

/* ---- what nobody can know ---- */

static void an_opaque_statement_asks_and_takes_either_answer(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file call[] = {
	        {"1_p.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE n (i int);\n"
	                    "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO n VALUES (1); COMMIT; END $$;\n"
	                    "CALL p();\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(call);
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_STATUS(hf_migrate_resume(c, set, HF_STEP_ASK, NULL, NULL, &err), HF_NOT_FOUND);
	for (int round = 0; round < 2; round++) {
		run_sql(c, "UPDATE holdfast.migration SET state = 'running'");
		run_sql(c, "UPDATE holdfast.migration_step SET state = 'started' WHERE n = 3");
		EXPECT_STATUS(run_up(c, set, &err), HF_REJECTED);
		EXPECT_CONTAINS(err.message, "1_p.sql:5: statement 3 was started by an earlier try");
		EXPECT_STATUS(hf_migrate_down(c, set, NULL, NULL, &err), HF_REJECTED);
		EXPECT_CONTAINS(err.message, "migration 1 (p) is half applied");
		EXPECT_OK(hf_migrate_resume(c, set, round ? HF_STEP_REPEAT : HF_STEP_DONE, NULL, NULL, &err));
		assert_string_equal(run_states(c), "1:applied");
		assert_string_equal(run_text(c, "SELECT count(*) FROM n"), round ? "2" : "1");
	}
	assert_string_equal(run_text(c, "SELECT string_agg(reason, ' ' ORDER BY id) FROM holdfast.migration_event"),
	                    "step-done step-repeat");
}

/* ---- a failed statement of tx=no ---- */

static void a_failed_statement_may_be_mended_but_not_a_finished_one(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
#define HEAD "-- migrate: tx=no\n-- up\nCREATE TABLE t (a int);\n"
	static const struct run_file broken[] = {
	        {"1_a.sql", HEAD "INSERT INTO t VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a);\n"},
	        {NULL, NULL}};
	static const struct run_file wrong[] = {
	        {"1_a.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE t (a bigint);\nSELECT 1;\nSELECT 2;\n"}, {NULL, NULL}};
	static const struct run_file mended[] = {
	        {"1_a.sql", HEAD "INSERT INTO t VALUES (1), (1); -- a comment\nCREATE INDEX CONCURRENTLY i ON t (a);\n"},
	        {NULL, NULL}};
	static const struct run_file shorter[] = {{"1_a.sql", HEAD}, {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(broken), *bad = run_set(wrong), *good = run_set(mended);
	CLEANUP(migrations_freep) hf_migrations *less = run_set(shorter);
	EXPECT_STATUS(run_up(c, set, &err), HF_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(run_text(c, "SELECT string_agg(n || state, ' ' ORDER BY n) FROM holdfast.migration_step"),
	                    "1done 2done 3failed");
	EXPECT_STATUS(run_up(c, bad, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "1_a.sql:3: statement 1 was edited after it had run");
	EXPECT_STATUS(run_up(c, less, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "statement 2 of an earlier try is recorded, but the text has only 1");
	EXPECT_OK(run_up(c, good, &err));
	assert_string_equal(run_text(c, "SELECT count(*) FROM t"), "2");
	assert_string_equal(run_text(c, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(killed_at_every_moment_of_up),
	        cmocka_unit_test(session_ended_at_every_moment_of_up),
	        cmocka_unit_test(killed_at_every_moment_of_down),
	        cmocka_unit_test(half_reverted_then_up_goes_down_first),
	        cmocka_unit_test(a_build_killed_in_the_middle_is_cleaned_up),
	        cmocka_unit_test(a_build_that_finished_unrecorded_is_found),
	        cmocka_unit_test(a_detach_killed_in_the_middle_is_finalised),
	        cmocka_unit_test(the_twins_of_a_killed_reindex_are_dropped),
	        cmocka_unit_test(a_half_applied_file_that_is_missing_is_named),
	        cmocka_unit_test(an_opaque_statement_asks_and_takes_either_answer),
	        cmocka_unit_test(a_failed_statement_may_be_mended_but_not_a_finished_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
