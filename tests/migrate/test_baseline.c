/*
 * test_baseline.c - adopting a database that was made otherwise; a standby; a full disk.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrate/findings.h"
#include "run.h"
#include "../check.h"
#include "../fixture.h"

static const struct run_file files[] = {
        {"1_t.sql", "-- up\nCREATE TYPE mood AS ENUM ('sad', 'happy');\nCREATE DOMAIN small AS int CHECK (VALUE < 10);\n"
                    "CREATE TABLE t (a small NOT NULL PRIMARY KEY, b mood DEFAULT 'sad', c text"
                    " GENERATED ALWAYS AS ('x') STORED);\nCREATE INDEX t_b ON t (b);\nCREATE VIEW v AS SELECT a FROM t;\n"
                    "-- verify\nSELECT to_regclass('public.t') IS NOT NULL;\n"},
        {"2_f.sql", "-- up\nCREATE FUNCTION f(i int) RETURNS int LANGUAGE sql AS 'SELECT i';\n"
                    "CREATE SCHEMA more;\nCREATE SEQUENCE more.s;\n-- verify\nSELECT f(1) = 1;\n"},
        {NULL, NULL}};

/* The same by other hands: other order, other names of an index and a parameter, more than needed. */
static const char *const same[] = {
        "CREATE SCHEMA more",
        "CREATE SCHEMA extra",
        "CREATE SEQUENCE more.s",
        "CREATE FUNCTION f(other_name int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN other_name; END'",
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE DOMAIN small AS int CHECK (VALUE < 10)",
        "CREATE TABLE public.t (extra int, a small NOT NULL PRIMARY KEY, b mood DEFAULT 'sad', c text"
        " GENERATED ALWAYS AS ('x') STORED)",
        "CREATE INDEX another_name ON t (b)",
        "CREATE VIEW v AS SELECT a FROM t WHERE a > 0",
        NULL};

static hf_connection *database_of(const char *const *statements)
{
	hf_connection *c = run_database(NULL);
	run_sql(c, "SET search_path = public");
	for (; *statements; statements++)
		run_sql(c, *statements);
	return c;
}

static void an_equal_database_is_adopted(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = database_of(same), *scratch = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_OK(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err));
	assert_int_equal(differences.count, 0);
	assert_string_equal(run_states(c), "1:applied 2:applied");
	EXPECT_OK(hf_migrate_check(hf_on_connection(c), set, &err));
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err), HF_CONFLICT);
}

static void every_difference_is_named_and_nothing_written(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	static const char *const other[] = {
	        "CREATE TYPE mood AS ENUM ('happy', 'sad')",
	        "CREATE DOMAIN small AS int CHECK (VALUE < 11)",
	        "CREATE TABLE t (a small NOT NULL, b mood, c text)",
	        "CREATE FUNCTION f(i int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'",
	        NULL};
	static const char *const expected[] = {
	        "column public.t.b is \"public.mood\" and should be \"public.mood default 'sad'::public.mood\"",
	        "column public.t.c is \"text\" and should be \"text generated 'x'::text\"",
	        "column public.v.a is missing",
	        "constraint public.t.t_pkey is missing",
	        "domain public.small is \"integer CHECK ((VALUE < 11))\" and should be \"integer CHECK ((VALUE < 10))\"",
	        "function public.f(integer) is \"returns bigint\" and should be \"returns integer\"",
	        "index ON public.t USING btree (b) is missing",
	        "index UNIQUE ON public.t USING btree (a) is missing",
	        "schema more is missing",
	        "sequence more.s is missing",
	        "type public.mood is \"enum: happy, sad\" and should be \"enum: sad, happy\"",
	        "view public.v is missing",
	        "2_f.sql:6: verify: the statement answered something else than true instead of one row: true",
	};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = database_of(other), *scratch = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err), HF_DIFFERS);
	for (uint32_t i = 0; i < differences.count && i < ARRAY_LEN(expected); i++)
		assert_string_equal(differences.values[i].ptr, expected[i]);
	assert_int_equal(differences.count, ARRAY_LEN(expected));
	assert_string_equal(err.detail, "and 12 more");
	assert_string_equal(run_states(c), "");
}

static void a_baseline_may_stop_before_the_newest(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = database_of(&same[4]), *scratch = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, set, "9", NULL, arena, &differences, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_migrate_baseline(c, scratch, set, "1", NULL, arena, &differences, &err));
	assert_string_equal(run_states(c), "1:applied");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_states(c), "1:applied 2:applied");
}

static void the_scratch_database_must_be_empty(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = database_of(same), *scratch = database_of(same);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "the scratch database for the comparison is not empty");
}

static void a_set_that_does_not_replay_is_no_baseline(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	static const struct run_file broken[] = {{"1_x.sql", "-- up\nSELECT nothing;\n"}, {NULL, NULL}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL), *scratch = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(broken), *empty = run_set(&broken[1]);
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err), HF_E_DB);
	EXPECT_CONTAINS(err.message, "could not replay the set into the scratch database: 1_x.sql:2");
	EXPECT_STATUS(hf_migrate_baseline(c, scratch, empty, NULL, NULL, arena, &differences, &err), HF_NOT_FOUND);
}

static void the_janitors_schema_is_adopted_from_its_own_replay(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array differences;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL), *scratch = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	EXPECT_OK(hf_migrations_embedded(fixture_context(), "janitor", &set, &err));
	EXPECT_OK(run_up(c, set, &err));
	run_sql(c, "DROP SCHEMA holdfast CASCADE");
	EXPECT_OK(hf_migrate_baseline(c, scratch, set, NULL, NULL, arena, &differences, &err));
	static const char newest[] = "SELECT max(version) FROM holdfast.migration WHERE set_name = 'janitor'";
	assert_string_equal(run_text(c, newest), "0009"); /* claims are ours alone */
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, newest), hf_migrations_get(set, hf_migrations_count(set) - 1)->version);
	run_sql(c, "DROP SCHEMA holdfast CASCADE");
	run_sql(c, "ALTER TABLE public.queue DROP COLUMN priority CASCADE");
	CLEANUP(connection_freep) hf_connection *other = run_database(NULL);
	EXPECT_STATUS(hf_migrate_baseline(c, other, set, NULL, NULL, arena, &differences, &err), HF_DIFFERS);
	bool named = false;
	for (uint32_t i = 0; i < differences.count; i++)
		named = named || strcmp(differences.values[i].ptr, "column public.queue.priority is missing") == 0;
	assert_true(named);
}

/* ---- lists of findings ---- */

static void findings_are_bounded(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array lines;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0), *small = hf_arena_new(64);
	struct findings findings = {.arena = arena}, starved = {.arena = small};
	for (int i = 0; i < FINDINGS_COUNT_MAX + 5; i++)
		findings_add(&findings, "line %d", i);
	EXPECT_STATUS(findings_end(&findings, &lines, "it differs", &err), HF_DIFFERS);
	assert_int_equal(lines.count, FINDINGS_COUNT_MAX);
	assert_string_equal(err.message, "it differs: line 0");
	assert_string_equal(err.detail, "and 10004 more");
	findings_add(&starved, "%s", "a line");
	EXPECT_STATUS(findings_end(&starved, &lines, "it differs", &err), HF_E_NOMEM);
}

/* ---- servers that cannot ---- */

/* A server of its own, restarted as a standby that follows nobody. */
static void a_standby_is_refused(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char folder[] = "/tmp/holdfast-test-standby-XXXXXX", path[256], command[300];
	hf_server *server = NULL;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(rmdir(folder), 0); /* the server makes it, as its own user */
	const struct hf_server_options options = {.size = sizeof(options), .folder = folder};
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &server, &err));
	snprintf(path, sizeof(path), "%s/standby.signal", hf_server_data(server));
	hf_server_free(server);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &server, &err));
	{
		CLEANUP(connection_freep) hf_connection *c = run_connect(fixture_context(), hf_server_url(server));
		CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
		EXPECT_STATUS(run_up(c, set, &err), HF_REJECTED);
		EXPECT_CONTAINS(err.message, "the server is a standby");
		EXPECT_CONTAINS(err.hint, "target_session_attrs=read-write");
	}
	hf_server_free(server);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_equal_database_is_adopted),
	        cmocka_unit_test(every_difference_is_named_and_nothing_written),
	        cmocka_unit_test(a_baseline_may_stop_before_the_newest),
	        cmocka_unit_test(the_scratch_database_must_be_empty),
	        cmocka_unit_test(a_set_that_does_not_replay_is_no_baseline),
	        cmocka_unit_test(the_janitors_schema_is_adopted_from_its_own_replay),
	        cmocka_unit_test(findings_are_bounded),
	        cmocka_unit_test(a_standby_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
