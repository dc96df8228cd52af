/*
 * Memory running out at each place of a migration's life: reading a folder, linting, up, looking, verify,
 * baseline. Whatever is left half-done, the same call with enough memory finishes it.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"
#include "../fixture.h"
#include "../torture.h"
#include "base/error.h"
#include "run.h"

static const struct run_file files[] = {
        {"0001_users.sql", "-- up\nCREATE TABLE users (id int PRIMARY KEY);\n-- verify\n"
                           "SELECT to_regclass('public.users') IS NOT NULL;\n-- down\nDROP TABLE users;\n"},
        {"0002_role.sql", "-- up\nALTER TABLE users ADD COLUMN role text NOT NULL DEFAULT 'x';\n"
                          "ALTER TABLE users ALTER COLUMN id TYPE bigint;\n-- down\nALTER TABLE users DROP COLUMN role;\n"},
        {"0003_more.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE more (a int);\n"
                          "CREATE INDEX CONCURRENTLY more_a ON more (a);\n-- down\nDROP INDEX CONCURRENTLY more_a;\n"
                          "DROP TABLE more;\n"},
        {"R__view.sql", "-- up\nCREATE OR REPLACE VIEW seen AS SELECT 1 AS one;\n"},
        {NULL, NULL},
};
static const struct run_file edited[] = {
        {"0001_users.sql", "-- up\nCREATE TABLE users (id bigint PRIMARY KEY);\n-- down\nDROP TABLE users;\n"},
        {NULL, NULL},
};

struct world {
	char folder[32];
	hf_migrations *set, *edited;
	const char *url;
	PGconn *janitor, *scratch; /* libpq itself: what it allocates is not counted */
	hf_connection *connection, *reference;
};

static void tidy(PGconn *session, const char *sql)
{
	PGresult *result = PQexec(session, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(session));
	PQclear(result);
}

static const char empty_it[] = "SET client_min_messages = error; DROP SCHEMA IF EXISTS holdfast CASCADE;"
                               " DROP SCHEMA public CASCADE; CREATE SCHEMA public";

/* A new session with a database in which nothing was ever migrated. */
static void start_over(struct world *world)
{
	torture_hold(true);
	hf_connection_free(world->connection);
	tidy(world->janitor, empty_it);
	world->connection = run_connect(fixture_context(), world->url);
	torture_hold(false);
}

static enum hf_status read_folder(void *user, hf_error *err)
{
	struct world *world = user;
	size_t count;
	const struct hf_lint_finding *findings;
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_migrations_write_sum(fixture_context(), world->folder, err);
	if (status == HF_OK)
		status = hf_migrations_open(fixture_context(), "test", world->folder, &set, err);
	if (status == HF_OK)
		status = hf_migrations_lint(set, arena, &findings, &count, err);
	if (status == HF_OK)
		assert_int_equal(count > 0, true);
	if (status == HF_OK && !hf_migrations_sum(set, arena).ptr)
		status = error_nomem(err);
	return status;
}

static enum hf_status go_up(void *user, hf_error *err)
{
	struct world *world = user;
	start_over(world);
	enum hf_status status = hf_migrate_up(world->connection, world->set, NULL, NULL, err);
	if (status == HF_OK)
		return HF_OK;
	/* Whatever the failure left, a new session finishes it. */
	hf_error second = HF_ERROR_INIT;
	torture_hold(true);
	hf_connection_free(world->connection);
	world->connection = run_connect(fixture_context(), world->url);
	enum hf_status again = hf_migrate_up(world->connection, world->set, NULL, NULL, &second);
	if (again != HF_OK)
		fail_msg("after \"%s\": %s (%s)", err->message, second.message, second.hint);
	assert_string_equal(run_text(world->connection, "SELECT to_regclass('more_a')"), "more_a");
	torture_hold(false);
	return status;
}

/* Changes nothing, so that one migrated database does for all runs. */
static enum hf_status look(void *user, hf_error *err)
{
	struct world *world = user;
	struct hf_migrate_status all;
	struct hf_str_array findings;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_migrate_status(hf_on_connection(world->connection), world->set, arena, &all, err);
	if (status == HF_OK)
		status = hf_migrate_check(hf_on_connection(world->connection), world->set, err);
	if (status == HF_OK)
		status = hf_migrate_verify(world->connection, world->set, NULL, arena, &findings, err);
	return status;
}

static enum hf_status adopt(void *user, hf_error *err)
{
	struct world *world = user;
	struct hf_str_array differences;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	start_over(world);
	tidy(world->scratch, empty_it);
	tidy(world->janitor, "CREATE TABLE users (id bigint PRIMARY KEY)");
	enum hf_status status = hf_migrate_baseline(world->connection, world->reference, world->edited, NULL, NULL, arena,
	                                            &differences, err);
	if (status == HF_OK)
		assert_int_equal(differences.count, 0);
	return status;
}

static void write_files(const char *folder)
{
	for (const struct run_file *file = files; file->file; file++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", folder, file->file);
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(file->text, out);
		fclose(out);
	}
}

static int set_up(void **state)
{
	static struct world world = {.folder = "/tmp/hf-memory-XXXXXX"};
	assert_non_null(mkdtemp(world.folder));
	write_files(world.folder);
	world.set = run_set(files);
	world.edited = run_set(edited);
	world.reference = run_database(&world.url);
	world.scratch = PQconnectdb(world.url);
	world.connection = run_database(&world.url);
	world.janitor = PQconnectdb(world.url);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	char path[128];
	hf_connection_free(world->connection);
	hf_connection_free(world->reference);
	hf_migrations_free(world->set);
	hf_migrations_free(world->edited);
	PQfinish(world->janitor);
	PQfinish(world->scratch);
	for (const struct run_file *file = files; file->file; file++) {
		snprintf(path, sizeof(path), "%s/%s", world->folder, file->file);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/migrations.sum", world->folder);
	unlink(path);
	return rmdir(world->folder);
}

static void a_folder_is_read_or_refused(void **state)
{
	assert_true(torture(read_folder, *state) > 10);
}

static void up_fails_cleanly_and_is_finished_later(void **state)
{
	assert_true(torture(go_up, *state) > 10);
}

static void looking_fails_cleanly(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct world *world = *state;
	start_over(world);
	EXPECT_OK(hf_migrate_up(world->connection, world->set, NULL, NULL, &err));
	assert_true(torture(look, world) > 10);
}

static void a_baseline_fails_cleanly(void **state)
{
	assert_true(torture(adopt, *state) > 10);
}

static enum hf_status make_instances(UNUSED void *user, hf_error *err)
{
	CLEANUP(migrations_freep) hf_migrations *by_name = NULL, *by_values = NULL;
	const struct hf_str values[] = {HF_STR("we\"ird"), HF_STR("$body$")};
	enum hf_status status = hf_migrations_embedded(NULL, "kv:\"we\"\"ird\".\"$body$\"", &by_name, err);
	if (status == HF_OK)
		status = hf_migrations_instance(NULL, "kv", values, 2, &by_values, err);
	if (status == HF_OK)
		assert_string_equal(hf_migrations_chain(by_name), hf_migrations_chain(by_values));
	return status;
}

static void instances_are_made_or_refused(void **state)
{
	assert_true(torture(make_instances, *state) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_folder_is_read_or_refused),
	        cmocka_unit_test(up_fails_cleanly_and_is_finished_later),
	        cmocka_unit_test(looking_fails_cleanly),
	        cmocka_unit_test(a_baseline_fails_cleanly),
	        cmocka_unit_test(instances_are_made_or_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
