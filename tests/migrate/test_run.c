/*
 * test_run.c - the engine on a real server: up, down, to, redo, failures, edits, order, unknown versions, resume.
 */
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "../check.h"
#include "../fixture.h"

static const struct run_file three[] = {
        {"0001_users.sql", "-- up\nCREATE TABLE users (id int PRIMARY KEY);\n-- verify\n"
                           "SELECT to_regclass('public.users') IS NOT NULL;\n-- down\nDROP TABLE users;\n"},
        {"0002_role.sql", "-- up\nALTER TABLE users ADD COLUMN role text;\nINSERT INTO users VALUES (1, 'x');\n"
                          "-- down\nALTER TABLE users DROP COLUMN role;\nDELETE FROM users;\n"},
        {"0003_more.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE more (a int);\n"
                          "CREATE INDEX CONCURRENTLY more_a ON more (a);\n-- down\nDROP INDEX CONCURRENTLY more_a;\n"
                          "DROP TABLE more;\n"},
        {NULL, NULL},
};

static void up_applies_everything_once(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migrate_report report;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(c), set, &err), HF_DIFFERS);
	EXPECT_CONTAINS(err.message, "3 migrations of set \"test\" are pending");
	EXPECT_OK(hf_migrate_up(c, set, NULL, &report, &err));
	assert_int_equal(report.applied, 3);
	assert_string_equal(report.version, "0003");
	assert_string_equal(run_states(c), "0001:applied 0002:applied 0003:applied");
	assert_string_equal(run_text(c, "SELECT role FROM users"), "x");
	EXPECT_OK(hf_migrate_up(c, set, NULL, &report, &err));
	assert_int_equal(report.applied, 0);
	assert_string_equal(report.version, "0003");
	EXPECT_OK(hf_migrate_check(hf_on_connection(c), set, &err));
}

static void what_is_recorded_says_who_and_how(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	const struct hf_migrate_options options = {.size = sizeof(options), .app_version = "9.1"};
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_string_equal(run_text(c, "SELECT concat_ws(' ', name, kind, tx, phase, applied_by, app_version,"
	                                " finished_at IS NOT NULL, duration_us >= 0, length(checksum), error IS NULL)"
	                                " FROM holdfast.migration WHERE version = '0002'"),
	                    "role versioned t expand holdfast 9.1 t t 32 t");
	assert_string_equal(run_text(c, "SELECT string_agg(n || state, ' ' ORDER BY n) FROM holdfast.migration_step"),
	                    "1done 2done");
}

static void down_to_and_redo_use_the_stored_sql(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migrate_report report;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three), *none = run_set(&three[3]);
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_OK(hf_migrate_down(c, none, NULL, &report, &err)); /* a binary that lacks the files */
	assert_int_equal(report.reverted, 1);
	assert_string_equal(run_states(c), "0001:applied 0002:applied 0003:reverted");
	assert_string_equal(run_text(c, "SELECT to_regclass('public.more')"), "");
	EXPECT_OK(hf_migrate_redo(c, set, NULL, &report, &err));
	assert_int_equal(report.reverted + report.applied, 2);
	assert_string_equal(report.version, "0002");
	EXPECT_OK(hf_migrate_to(c, set, "1", NULL, &report, &err));
	assert_string_equal(run_states(c), "0001:applied 0002:reverted 0003:reverted");
	EXPECT_OK(hf_migrate_to(c, set, "0003", NULL, &report, &err));
	assert_int_equal(report.applied, 2);
	EXPECT_OK(hf_migrate_to(c, set, "0", NULL, &report, &err));
	assert_int_equal(report.reverted, 3);
	assert_string_equal(run_text(c, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
	EXPECT_STATUS(hf_migrate_to(c, set, "7", NULL, NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_migrate_to(c, set, "x", NULL, NULL, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_migrate_redo(c, set, NULL, NULL, &err), HF_NOT_FOUND);
}

static void counts_and_bounds_of_up_and_down_hold(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	struct hf_migrate_options options = {.size = sizeof(options), .count = 1};
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_string_equal(run_states(c), "0001:applied");
	options = (struct hf_migrate_options){.size = sizeof(options), .to = "2"};
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_string_equal(run_states(c), "0001:applied 0002:applied");
	EXPECT_OK(run_up(c, set, &err));
	options = (struct hf_migrate_options){.size = sizeof(options), .count = 2};
	EXPECT_OK(hf_migrate_down(c, set, &options, NULL, &err));
	assert_string_equal(run_states(c), "0001:applied 0002:reverted 0003:reverted");
	options.size = 3;
	EXPECT_STATUS(hf_migrate_up(c, set, &options, NULL, &err), HF_E_USAGE);
}

static void an_irreversible_one_stops_all_of_down(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	                                        {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n-- down\nDROP TABLE b;\n"},
	                                        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	const struct hf_migrate_options options = {.size = sizeof(options), .to = "0"};
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_STATUS(hf_migrate_down(c, set, &options, NULL, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "migration 1 (a) has no down section");
	assert_string_equal(run_states(c), "1:applied 2:applied");
}

/* ---- failures ---- */

static void a_failure_rolls_back_and_is_recorded(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file broken[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	        {"2_b.sql", "-- up\nCREATE TABLE b (i int);\nSELECT 1,\n  no_such_column\nFROM b;\n"},
	        {NULL, NULL}};
	static const struct run_file mended[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	                                         {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	                                         {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(broken), *better = run_set(mended);
	EXPECT_STATUS(run_up(c, set, &err), HF_E_DB);
	EXPECT_CONTAINS(err.message, "2_b.sql:4: column \"no_such_column\" does not exist");
	assert_string_equal(err.sqlstate, "42703");
	assert_string_equal(run_states(c), "1:applied 2:failed");
	EXPECT_CONTAINS(run_text(c, "SELECT error FROM holdfast.migration WHERE version = '2'"), "no_such_column");
	assert_string_equal(run_text(c, "SELECT to_regclass('b')"), "");
	EXPECT_OK(run_up(c, better, &err));
	assert_string_equal(run_states(c), "1:applied 2:applied");
}

static void a_verify_that_is_not_true_rolls_back(UNUSED void **state)
{
	static const struct {
		const char *verify, *message;
	} cases[] = {
	        {"SELECT false;", "1_a.sql:4: verify: the statement answered something else than true"},
	        {"SELECT NULL::bool;", "answered something else than true"},
	        {"SELECT 1;", "answered something else than true"},
	        {"SELECT true FROM a;", "answered no row"},
	        {"VALUES (true), (true);", "answered several rows"},
	        {"DO $$ BEGIN RAISE 'not yet'; END $$;", "1_a.sql:4: verify: not yet"},
	        {"SELECT nix FROM a;", "1_a.sql:4: verify: column \"nix\" does not exist"},
	};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		char text[200];
		snprintf(text, sizeof(text), "-- up\nCREATE TABLE a (i int);\n-- verify\n%s\n", cases[i].verify);
		const struct run_file files[] = {{"1_a.sql", text}, {NULL, NULL}};
		CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
		assert_int_not_equal(run_up(c, set, &err), HF_OK);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_string_equal(run_text(c, "SELECT to_regclass('a')"), "");
	}
	static const struct run_file fine[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\n-- verify\nDO $$ BEGIN NULL; END $$;\nSELECT count(*) = 0 FROM a;"},
	        {NULL, NULL}};
	hf_error err = HF_ERROR_INIT;
	CLEANUP(migrations_freep) hf_migrations *set = run_set(fine);
	EXPECT_OK(run_up(c, set, &err));
}

static void a_deferred_failure_at_commit_is_a_failure(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n"
	                    "INSERT INTO a VALUES (1), (1);\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	assert_int_not_equal(run_up(c, set, &err), HF_OK);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(run_states(c), "1:failed");
	assert_string_equal(run_text(c, "SELECT to_regclass('a')"), "");
}

static void a_denied_statement_keeps_message_and_hint(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- up\nDO $$ BEGIN RAISE insufficient_privilege USING MESSAGE = 'may not',"
	                    " HINT = 'ask the administrator: CREATE EXTENSION x;'; END $$;\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_STATUS(run_up(c, set, &err), HF_E_DENIED);
	assert_string_equal(err.sqlstate, "42501");
	assert_string_equal(err.message, "1_a.sql:2: may not");
	assert_string_equal(err.hint, "ask the administrator: CREATE EXTENSION x;");
	assert_int_equal(hf_status_exit_code(HF_E_DENIED), 6);
}

static void a_role_without_rights_is_denied_before_anything(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	run_sql(c, "CREATE ROLE plain");
	const struct hf_migrate_options options = {.size = sizeof(options), .role = "plain"};
	EXPECT_STATUS(hf_migrate_up(c, set, &options, NULL, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "could not prepare the migration ledger: permission denied");
	run_sql(c, "RESET ROLE");
	assert_string_equal(run_text(c, "SELECT to_regnamespace('holdfast')"), "");
}

static void files_run_as_the_role_that_was_asked_for(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	run_sql(c, "CREATE ROLE owner_role");
	run_sql(c, "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO owner_role', current_database()); END $$");
	run_sql(c, "GRANT CREATE ON SCHEMA public TO owner_role");
	const struct hf_migrate_options options = {.size = sizeof(options), .role = "owner_role"};
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_string_equal(run_text(c, "SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class"
	                                " WHERE relname IN ('users', 'more', 'migration')"),
	                    "owner_role");
}

/* ---- settings ---- */

static void settings_are_explicit_and_do_not_leak(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- migrate: lock_timeout=7s statement_timeout=3min search_path=app,public\n-- up\n"
	                    "CREATE SCHEMA app;\nCREATE TABLE t AS SELECT current_setting('lock_timeout') l,"
	                    " current_setting('statement_timeout') s, current_setting('search_path') p;\n"
	                    "SET work_mem = '99MB';\nSET search_path = pg_catalog;\nCREATE TEMP TABLE rest (i int);\n"
	                    "PREPARE rest AS SELECT 1;\nDECLARE rest CURSOR WITH HOLD FOR SELECT 1;\nLISTEN rest;\n"},
	        {"2_b.sql", "-- up\nCREATE TABLE u AS SELECT current_setting('work_mem') w,"
	                    " current_setting('search_path') p, current_setting('lock_timeout') l,"
	                    " to_regclass('rest') IS NULL clean, (SELECT count(*) FROM pg_prepared_statements) prepared,"
	                    " (SELECT count(*) FROM pg_cursors WHERE name = 'rest') cursors,"
	                    " (SELECT count(*) FROM pg_listening_channels()) channels;\n"},
	        {"3_c.sql", "-- migrate: tx=no lock_timeout=9s\n-- up\nCREATE TABLE v AS SELECT current_setting("
	                    "'lock_timeout') l, current_setting('search_path') p;\nSET work_mem = '98MB';\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, "SELECT concat_ws(' ', l, s, p) FROM app.t"), "7s 3min app,public");
	assert_string_equal(run_text(c, "SELECT concat_ws(' ', w, p, l, clean, prepared, cursors, channels) FROM u"),
	                    "4MB public 2s t 0 0 0");
	assert_string_equal(run_text(c, "SELECT concat_ws(' ', l, p) FROM v"), "9s public");
	assert_string_equal(run_text(c, "SELECT current_setting('work_mem') || current_setting('lock_timeout')"), "4MB0");
}

static void a_slow_statement_is_ended_by_its_timeout(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- migrate: statement_timeout=100ms\n-- up\nCREATE TABLE a (i int);\nSELECT pg_sleep(60);\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	EXPECT_STATUS(run_up(c, set, &err), HF_E_DB);
	assert_string_equal(err.sqlstate, "57014");
	assert_string_equal(run_states(c), "1:failed");
}

struct heard {
	size_t notices, statements, done, begun, ended, warnings;
	char last[200];
};

static void hear(void *user, const struct hf_migrate_event *event)
{
	struct heard *heard = user;
	heard->notices += event->kind == HF_MIGRATE_NOTICE;
	heard->statements += event->kind == HF_MIGRATE_STATEMENT;
	heard->done += event->kind == HF_MIGRATE_DONE;
	heard->begun += event->kind == HF_MIGRATE_BEGIN;
	heard->ended += event->kind == HF_MIGRATE_END;
	heard->warnings += event->kind == HF_MIGRATE_WARNING;
	if (event->kind == HF_MIGRATE_NOTICE)
		snprintf(heard->last, sizeof(heard->last), "%s %s %s", event->file, event->notice->severity,
		         event->notice->message);
	if (event->kind == HF_MIGRATE_WARNING || event->kind == HF_MIGRATE_CLEANUP)
		snprintf(heard->last, sizeof(heard->last), "%s", event->text);
}

static void the_caller_hears_statements_and_notices(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- up\nSELECT 1;\nDO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n"}, {NULL, NULL}};
	struct heard heard = {0};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
	const struct hf_migrate_options options = {.size = sizeof(options), .progress = hear, .user = &heard};
	EXPECT_OK(hf_migrate_up(c, set, &options, NULL, &err));
	assert_int_equal(heard.begun, 1);
	assert_int_equal(heard.statements, 2);
	assert_int_equal(heard.done, 2);
	assert_int_equal(heard.ended, 1);
	assert_int_equal(heard.notices, 1);
	assert_string_equal(heard.last, "1_a.sql NOTICE hello");
}

/* ---- edits ---- */

static void edits_are_judged_by_what_they_change(UNUSED void **state)
{
	static const struct {
		const char *text;
		enum hf_migration_edit edit;
		enum hf_status up;
	} cases[] = {
	        {"\xef\xbb\xbf-- up\r\nCREATE TABLE a (\r\n  i int);   \r\n\r\n", HF_EDIT_NONE, HF_OK},
	        {"-- migrate: lock_timeout=5s\n-- up\nCREATE TABLE a (\n  i int);\n-- down\nDROP TABLE a;\n", HF_EDIT_NONE,
	         HF_OK},
	        {"-- up\nCREATE TABLE a (\n     i int);\n", HF_EDIT_WHITESPACE, HF_OK},
	        {"-- up\nCREATE TABLE a ( -- new\n  i int);\n", HF_EDIT_COMMENTS, HF_OK},
	        {"-- up\nCREATE TABLE a (\n  i bigint);\n", HF_EDIT_SQL, HF_E_CORRUPT},
	};
	static const struct run_file first[] = {{"1_a.sql", "-- up\nCREATE TABLE a (\n  i int);\n"}, {NULL, NULL}};
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *before = run_set(first);
	EXPECT_OK(run_up(c, before, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct run_file files[] = {{"1_a.sql", cases[i].text}, {NULL, NULL}};
		struct heard heard = {0};
		struct hf_migrate_status status;
		CLEANUP(migrations_freep) hf_migrations *set = run_set(files);
		const struct hf_migrate_options options = {.size = sizeof(options), .progress = hear, .user = &heard};
		EXPECT_OK(hf_migrate_status(hf_on_connection(c), set, arena, &status, &err));
		assert_string_equal(hf_migration_edit_word(status.entries[0].edit), hf_migration_edit_word(cases[i].edit));
		EXPECT_STATUS(hf_migrate_up(c, set, &options, NULL, &err), cases[i].up);
		assert_int_equal(heard.warnings,
		                 cases[i].edit == HF_EDIT_WHITESPACE || cases[i].edit == HF_EDIT_COMMENTS);
	}
	EXPECT_CONTAINS(err.message, "1_a.sql was edited after it was applied: its SQL differs from line 3");
	EXPECT_CONTAINS(err.hint, "holdfast migrate accept 1");
}

static void an_accepted_edit_is_the_truth_and_audited(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file first[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"}, {NULL, NULL}};
	static const struct run_file edited[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i bigint);\n-- down\nDROP TABLE a;\n"}, {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *before = run_set(first), *after = run_set(edited);
	EXPECT_OK(run_up(c, before, &err));
	EXPECT_STATUS(hf_migrate_accept(c, after, "1", "", NULL, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_migrate_accept(c, after, "2", "why", NULL, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_migrate_accept(c, after, "1", "column was widened by hand", NULL, &err));
	assert_string_equal(run_states(c), "1:accepted");
	assert_string_equal(run_text(c, "SELECT concat_ws(' ', action, who, version, reason, before->>'state')"
	                                " FROM holdfast.migration_event"),
	                    "accept holdfast 1 column was widened by hand applied");
	EXPECT_OK(hf_migrate_check(hf_on_connection(c), after, &err));
	EXPECT_OK(run_up(c, after, &err));
	EXPECT_OK(hf_migrate_down(c, after, NULL, NULL, &err)); /* the new down section came along */
	EXPECT_STATUS(hf_migrate_accept(c, after, "1", "why", NULL, &err), HF_NOT_FOUND);
}

/* ---- order and unknown versions ---- */

static void a_late_migration_is_refused_unless_allowed(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file late[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	                                       {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	                                       {"3_c.sql", "-- up\nCREATE TABLE c (i int);\n"},
	                                       {NULL, NULL}};
	static const struct run_file said[] = {
	        {"1_a.sql", "-- migrate: out_of_order=yes\n-- up\nCREATE TABLE a (i int);\n"},
	        {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *second = run_set((const struct run_file[]){late[1], {NULL, NULL}});
	CLEANUP(migrations_freep) hf_migrations *all = run_set(late), *marked = run_set(said);
	EXPECT_OK(run_up(c, second, &err));
	EXPECT_STATUS(run_up(c, all, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "1_a.sql is older than 2, which is applied already");
	assert_string_equal(run_states(c), "2:applied");
	EXPECT_OK(run_up(c, marked, &err));
	assert_string_equal(run_states(c), "1:applied 2:applied");
	const struct hf_migrate_options options = {.size = sizeof(options), .out_of_order = true};
	CLEANUP(connection_freep) hf_connection *d = run_database(NULL);
	EXPECT_OK(run_up(d, second, &err));
	EXPECT_OK(hf_migrate_up(d, all, &options, NULL, &err));
	assert_string_equal(run_states(d), "1:applied 2:applied 3:applied");
}

static void unknown_versions_stop_older_programs_unless_they_expand(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct run_file files[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\n-- down\nDROP TABLE a;\n"},
	        {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	        {"3_c.sql", "-- migrate: phase=contract\n-- up\nCREATE TABLE c (i int);\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *one = run_set((const struct run_file[]){files[0], {NULL, NULL}});
	CLEANUP(migrations_freep) hf_migrations *two =
	        run_set((const struct run_file[]){files[0], files[1], {NULL, NULL}});
	CLEANUP(migrations_freep) hf_migrations *all = run_set(files), *gap = run_set(&files[1]);
	EXPECT_OK(run_up(c, two, &err));
	EXPECT_OK(hf_migrate_check(hf_on_connection(c), one, &err)); /* newer, expand: a rolling deploy */
	EXPECT_OK(run_up(c, one, &err));
	EXPECT_OK(run_up(c, all, &err));
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(c), two, &err), HF_DIFFERS);
	EXPECT_STATUS(run_up(c, two, &err), HF_DIFFERS);
	EXPECT_CONTAINS(err.message, "migration 3 (c) of set \"test\", which this program lacks");
	EXPECT_STATUS(run_up(c, gap, &err), HF_DIFFERS);
	EXPECT_CONTAINS(err.hint, "another branch");
	const struct hf_migrate_options options = {.size = sizeof(options), .allow_unknown = true};
	EXPECT_OK(hf_migrate_up(c, gap, &options, NULL, &err));
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_migrate_status status;
	EXPECT_OK(hf_migrate_status(hf_on_connection(c), gap, arena, &status, &err));
	assert_int_equal(status.count, 3);
	assert_int_equal(status.unknown, 1);
	assert_string_equal(status.entries[0].version, "1");
	assert_null(status.entries[0].migration);
	assert_true(status.entries[0].reversible);
}

static void a_newer_ledger_is_left_alone(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	EXPECT_OK(run_up(c, set, &err));
	run_sql(c, "UPDATE holdfast.migration_meta SET value = 99");
	EXPECT_STATUS(run_up(c, set, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "layout 99, this program knows up to 2");
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(c), set, &err), HF_E_DRIFT);
}

static void a_foreign_row_in_the_ledger_is_corrupt(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	EXPECT_OK(run_up(c, set, &err));
	run_sql(c, "UPDATE holdfast.migration SET version = 'not a version' WHERE version = '0001'");
	EXPECT_STATUS(run_up(c, set, &err), HF_E_CORRUPT);
	run_sql(c, "UPDATE holdfast.migration SET version = '0001', checksum = 'short' WHERE version = 'not a version'");
	EXPECT_STATUS(run_up(c, set, &err), HF_E_CORRUPT);
}

static void sets_do_not_see_each_other(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three), *other = NULL;
	const struct set_file file = {"0001_other.sql", HF_STR_INIT("-- up\nCREATE TABLE other (i int);\n")};
	EXPECT_OK(set_make("other", &file, 1, (struct hf_str){NULL, 0}, &other, &err));
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_OK(run_up(c, other, &err));
	assert_string_equal(run_text(c, "SELECT count(*) FROM holdfast.migration"), "4");
	EXPECT_OK(hf_migrate_check(hf_on_connection(c), set, &err));
}

static hf_migrations *set_called(const char *name, const char *text)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	const struct set_file file = {"0001_more.sql", hf_str_of(text)};
	EXPECT_OK(set_make(name, &file, 1, (struct hf_str){NULL, 0}, &set, &err));
	return set;
}

static void a_set_that_stands_on_another_waits_for_it_and_holds_it(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	CLEANUP(migrations_freep) hf_migrations *extra = set_called(
	        "extra", "-- migrate: needs=test:2\n-- up\nCREATE INDEX users_role ON users (role);\n"
	                 "-- down\nDROP INDEX users_role;\n");
	const struct hf_migrate_options first = {.size = sizeof(first), .to = "1"};
	EXPECT_OK(hf_migrate_up(c, set, &first, NULL, &err));
	EXPECT_STATUS(run_up(c, extra, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "0001_more.sql needs migration 2 of set \"test\", which is not applied");
	EXPECT_CONTAINS(err.hint, "holdfast migrate up");
	assert_string_equal(run_states(c), "0001:applied"); /* and no row of the other set, not even a failed one */
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_OK(run_up(c, extra, &err));
	EXPECT_OK(run_up(c, extra, &err)); /* twice is once */
	assert_string_equal(run_text(c, "SELECT needs FROM holdfast.migration WHERE set_name = 'extra'"), "test:2");
	EXPECT_OK(hf_migrate_down(c, set, NULL, NULL, &err)); /* what it does not need may go */
	EXPECT_STATUS(hf_migrate_down(c, set, NULL, NULL, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "migration 0002 (role) stays: migration 0001 of set \"extra\" needs it");
	EXPECT_CONTAINS(err.hint, "holdfast migrate down --set extra");
	EXPECT_STATUS(hf_migrate_redo(c, set, NULL, NULL, &err), HF_REJECTED);
	EXPECT_STATUS(hf_migrate_to(c, set, "0", NULL, NULL, &err), HF_REJECTED);
	EXPECT_OK(hf_migrate_down(c, extra, NULL, NULL, &err));
	EXPECT_OK(hf_migrate_to(c, set, "0", NULL, NULL, &err));
	EXPECT_STATUS(run_up(c, extra, &err), HF_REJECTED); /* a reverted one is none */
}

/* A ledger of the first layout, as an earlier program left it. */
static void a_ledger_of_the_first_layout_is_brought_up(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	const struct hf_migrate_options first = {.size = sizeof(first), .to = "1"};
	EXPECT_OK(hf_migrate_up(c, set, &first, NULL, &err));
	run_sql(c, "ALTER TABLE holdfast.migration DROP COLUMN needs");
	run_sql(c, "UPDATE holdfast.migration_meta SET value = 1");
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_migrate_status status;
	EXPECT_OK(hf_migrate_status(hf_on_connection(c), set, arena, &status, &err)); /* looking changes nothing */
	assert_int_equal(status.pending, 2);
	assert_string_equal(run_text(c, "SELECT value FROM holdfast.migration_meta"), "1");
	EXPECT_OK(run_up(c, set, &err));
	assert_string_equal(run_text(c, "SELECT value FROM holdfast.migration_meta"), "2");
	assert_string_equal(run_text(c, "SELECT count(*) FROM holdfast.migration WHERE needs = ''"), "3");
}

/* ---- repeatables ---- */

static void repeatables_run_again_when_their_text_changes(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migrate_report report;
	static const struct run_file first[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	        {"R__v.sql", "-- up\nCREATE OR REPLACE VIEW v AS SELECT 1 AS one FROM a;\n"},
	        {NULL, NULL}};
	static const struct run_file second[] = {
	        {"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	        {"R__v.sql", "-- up\nCREATE OR REPLACE VIEW v AS SELECT 2 AS one FROM a;\n"},
	        {NULL, NULL}};
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *before = run_set(first), *after = run_set(second);
	EXPECT_OK(hf_migrate_up(c, before, NULL, &report, &err));
	assert_int_equal(report.applied, 2);
	EXPECT_OK(hf_migrate_up(c, before, NULL, &report, &err));
	assert_int_equal(report.applied, 0);
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(c), after, &err), HF_DIFFERS);
	EXPECT_OK(hf_migrate_up(c, after, NULL, &report, &err));
	assert_int_equal(report.applied, 1);
	EXPECT_CONTAINS(run_text(c, "SELECT pg_get_viewdef('v'::regclass)"), "SELECT 2");
	assert_string_equal(run_states(c), "1:applied R__v:applied");
}

/* ---- verify, the built-in set ---- */

static void verify_finds_what_changed_since(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array findings;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = run_set(three);
	EXPECT_OK(run_up(c, set, &err));
	EXPECT_OK(hf_migrate_verify(c, set, NULL, arena, &findings, &err));
	assert_int_equal(findings.count, 0);
	run_sql(c, "DROP TABLE users");
	EXPECT_STATUS(hf_migrate_verify(c, set, NULL, arena, &findings, &err), HF_DIFFERS);
	assert_int_equal(findings.count, 1);
	EXPECT_CONTAINS(findings.values[0].ptr, "0001_users.sql:4: verify: the statement answered something else");
}

static void verify_tells_edits_and_unknown_versions(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array findings;
	static const struct run_file first[] = {{"1_a.sql", "-- up\nCREATE TABLE a (i int);\n"},
	                                        {"2_b.sql", "-- up\nCREATE TABLE b (i int);\n"},
	                                        {"3_c.sql", "-- up\nCREATE TABLE c (i int);\n"},
	                                        {"4_d.sql", "-- up\nCREATE TABLE d (i int);\n"},
	                                        {NULL, NULL}};
	static const struct run_file later[] = {{"1_a.sql", "-- up\nCREATE TABLE a  (i int);\n"},
	                                        {"2_b.sql", "-- up\nCREATE TABLE b (i int); -- b\n"},
	                                        {"3_c.sql", "-- up\nCREATE TABLE c (j int);\n"},
	                                        {NULL, NULL}};
	static const char *const expected[] = {
	        "1_a.sql was edited after it was applied: only blanks differ, from line 2 of its way up on",
	        "2_b.sql was edited after it was applied: only comments differ, from line 2 of its way up on",
	        "3_c.sql was edited after it was applied: its SQL differs, from line 2 of its way up on",
	        "the database has migration 4 (d), which this set lacks"};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *before = run_set(first), *after = run_set(later);
	EXPECT_OK(run_up(c, before, &err));
	EXPECT_STATUS(hf_migrate_verify(c, after, NULL, arena, &findings, &err), HF_DIFFERS);
	assert_int_equal(findings.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_string_equal(findings.values[i].ptr, expected[i]);
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(c), after, &err), HF_DIFFERS);
	EXPECT_CONTAINS(err.message, "3_c.sql was edited");
}

static void the_janitor_set_goes_up_and_down(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migrate_report report;
	struct hf_str_array findings;
	struct heard heard = {0};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	const struct hf_migrate_options options = {.size = sizeof(options), .progress = hear, .user = &heard};
	EXPECT_OK(hf_migrations_embedded(fixture_context(), "janitor", &set, &err));
	EXPECT_OK(hf_migrate_up(c, set, &options, &report, &err));
	assert_int_equal(report.applied, hf_migrations_count(set));
	EXPECT_OK(hf_migrate_verify(c, set, NULL, arena, &findings, &err));
	char *before = run_catalog(c);
	EXPECT_OK(hf_migrate_to(c, set, "0", NULL, &report, &err));
	assert_int_equal(report.reverted, report.applied + hf_migrations_count(set));
	assert_string_equal(run_text(c, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
	EXPECT_OK(run_up(c, set, &err));
	char *after = run_catalog(c);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* Each on its own, above a janitor set that must then stay. */
static void what_may_be_added_to_the_janitor_goes_up_and_down(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(connection_freep) hf_connection *c = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *janitor = NULL;
	EXPECT_OK(hf_migrations_embedded(fixture_context(), "janitor", &janitor, &err));
	EXPECT_OK(run_up(c, janitor, &err));
	char *before = run_catalog(c);
	size_t added = 0;
	const char *name;
	for (size_t i = 0; (name = hf_migrations_embedded_name(i)); i++) {
		CLEANUP(migrations_freep) hf_migrations *set = NULL;
		if (strncmp(name, "janitor-", 8) != 0)
			continue;
		EXPECT_OK(hf_migrations_embedded(fixture_context(), name, &set, &err));
		EXPECT_CONTAINS(hf_migrations_get(set, 0)->needs, "janitor:");
		EXPECT_OK(run_up(c, set, &err));
		EXPECT_OK(hf_migrate_check(hf_on_connection(c), set, &err));
		EXPECT_OK(hf_migrate_check(hf_on_connection(c), janitor, &err));
		EXPECT_STATUS(hf_migrate_to(c, janitor, "0", NULL, NULL, &err), HF_REJECTED);
		EXPECT_CONTAINS(err.message, name);
		EXPECT_OK(hf_migrate_to(c, set, "0", NULL, NULL, &err));
		added++;
	}
	assert_true(added >= 7);
	char *after = run_catalog(c);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(up_applies_everything_once),
	        cmocka_unit_test(what_is_recorded_says_who_and_how),
	        cmocka_unit_test(down_to_and_redo_use_the_stored_sql),
	        cmocka_unit_test(counts_and_bounds_of_up_and_down_hold),
	        cmocka_unit_test(an_irreversible_one_stops_all_of_down),
	        cmocka_unit_test(a_failure_rolls_back_and_is_recorded),
	        cmocka_unit_test(a_verify_that_is_not_true_rolls_back),
	        cmocka_unit_test(a_deferred_failure_at_commit_is_a_failure),
	        cmocka_unit_test(a_denied_statement_keeps_message_and_hint),
	        cmocka_unit_test(a_role_without_rights_is_denied_before_anything),
	        cmocka_unit_test(files_run_as_the_role_that_was_asked_for),
	        cmocka_unit_test(settings_are_explicit_and_do_not_leak),
	        cmocka_unit_test(a_slow_statement_is_ended_by_its_timeout),
	        cmocka_unit_test(the_caller_hears_statements_and_notices),
	        cmocka_unit_test(edits_are_judged_by_what_they_change),
	        cmocka_unit_test(an_accepted_edit_is_the_truth_and_audited),
	        cmocka_unit_test(a_late_migration_is_refused_unless_allowed),
	        cmocka_unit_test(unknown_versions_stop_older_programs_unless_they_expand),
	        cmocka_unit_test(a_newer_ledger_is_left_alone),
	        cmocka_unit_test(a_foreign_row_in_the_ledger_is_corrupt),
	        cmocka_unit_test(sets_do_not_see_each_other),
	        cmocka_unit_test(a_set_that_stands_on_another_waits_for_it_and_holds_it),
	        cmocka_unit_test(a_ledger_of_the_first_layout_is_brought_up),
	        cmocka_unit_test(repeatables_run_again_when_their_text_changes),
	        cmocka_unit_test(verify_finds_what_changed_since),
	        cmocka_unit_test(verify_tells_edits_and_unknown_versions),
	        cmocka_unit_test(the_janitor_set_goes_up_and_down),
	        cmocka_unit_test(what_may_be_added_to_the_janitor_goes_up_and_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
