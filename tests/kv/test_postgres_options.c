/* Options of a store on PostgreSQL: which statements are told of, TLS modes, what is refused. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "postgres_rig.h"

/* What was logged, a line each: "level event query=... ms=... outcome=..." */
static char logged[8192];

static void log_event(UNUSED void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                      size_t nfields)
{
	size_t at = strlen(logged), room = sizeof(logged);
	if (at > room - 400)
		return;
	at += (size_t)snprintf(logged + at, room - at, "%d %s", (int)level, event);
	for (size_t i = 0; i < nfields && at < room - 100; i++)
		at += (size_t)snprintf(logged + at, room - at, " %s=%.*s", fields[i].name,
		                       fields[i].kind == HF_FIELD_TEXT ? (int)fields[i].text.len : 0,
		                       fields[i].text.ptr ? fields[i].text.ptr : "");
	snprintf(logged + at, room - at, "\n");
}

static int set_up(void **user)
{
	static struct rig rig;
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	const struct hf_context_options options = {.size = sizeof(options),
	                                           .log = log_event,
	                                           .log_level = HF_LOG_DEBUG};
	EXPECT_OK(hf_context_new(&options, &ctx, &err));
	rig_begin(&rig, ctx);
	*user = &rig;
	return 0;
}

/* What was logged while "secret" was put with these options. */
static const char *events_of_a_put(struct rig *rig, int64_t slow_ms, bool log_statements)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .slow_ms = slow_ms,
	                                      .log_statements = log_statements,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &kv, &err));
	logged[0] = '\0';
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("secret"), HF_KV_KEY("secret"), NULL, &err));
	hf_kv_close(kv);
	return logged;
}

static void make_puts_slow(struct rig *rig)
{
	events_of_a_put(rig, -1, false); /* makes the tables */
	rig_run(rig, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.03); RETURN "
	             "NEW; END'");
	rig_run(rig, "CREATE TRIGGER wait BEFORE INSERT ON state_entries FOR EACH ROW EXECUTE FUNCTION wait()");
}

static void a_slow_statement_is_told_of_by_name(void **user)
{
	struct rig *rig = *user;
	make_puts_slow(rig);
	const char *events = events_of_a_put(rig, 20, false);
	EXPECT_CONTAINS(events, "query_slow query=entry_");
	assert_null(strstr(events, "secret"));
	assert_null(strstr(events_of_a_put(rig, -1, false), "query_slow"));
	assert_null(strstr(events_of_a_put(rig, 3600000, false), "query_slow"));
}

static void a_slow_statement_that_fails_is_told_of_once(void **user)
{
	struct rig *rig = *user;
	const struct hf_kv_options options = {.size = sizeof(options), .slow_ms = 20, .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	make_puts_slow(rig);
	EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &kv, &err));
	rig_run(rig, "ALTER TABLE state_entries ADD CHECK (length(value) < 3) NOT VALID");
	logged[0] = '\0';
	EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("long"), NULL, &err), HF_REJECTED);
	EXPECT_CONTAINS(logged, "query_failed query=entry_");
	assert_null(strstr(logged, "query_slow"));
	hf_kv_close(kv);
}

static void statements_are_logged_where_that_is_asked_for(void **user)
{
	struct rig *rig = *user;
	assert_null(strstr(events_of_a_put(rig, 0, false), " query query="));
	const char *events = events_of_a_put(rig, -1, true);
	EXPECT_CONTAINS(events, " query query=entry_");
	assert_null(strstr(events, "secret"));
}

/* On a socket none of them encrypts; each is a word that libpq knows. */
static void every_tls_mode_is_taken_from_the_url(void **user)
{
	static const char *const modes[] = {"disable", "allow", "prefer", "require"};
	static const char *const wrong[] = {"sslmode=never", "sslmode=", "sslcert=/nowhere&sslmode",
	                                    "sslcertificate=/x"};
	struct rig *rig = *user;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	char url[600];
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		hf_error err = HF_ERROR_INIT;
		hf_kv *kv = NULL;
		snprintf(url, sizeof(url), "%s%csslmode=%s", rig->url, strchr(rig->url, '?') ? '&' : '?', modes[i]);
		EXPECT_OK(hf_kv_open(rig->ctx, url, &options, &kv, &err));
		hf_kv_close(kv);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		hf_error err = HF_ERROR_INIT;
		hf_kv *kv = NULL;
		snprintf(url, sizeof(url), "%s%c%s", rig->url, strchr(rig->url, '?') ? '&' : '?', wrong[i]);
		if (strcmp(wrong[i], "sslmode=") == 0) /* libpq: as if it were not there */
			continue;
		EXPECT_STATUS(hf_kv_open(rig->ctx, url, &options, &kv, &err), HF_E_CONFIG);
		assert_null(kv);
	}
}

static void times_that_are_none_are_refused(void **user)
{
	struct rig *rig = *user;
	const struct hf_kv_options wrong[] = {
		{.size = sizeof(struct hf_kv_options), .slow_ms = -2},
		{.size = sizeof(struct hf_kv_options), .slow_ms = INT64_MAX},
		{.size = sizeof(struct hf_kv_options), .connection_idle_ms = -2},
		{.size = sizeof(struct hf_kv_options), .connection_lifetime_ms = INT64_MAX},
		{.size = sizeof(struct hf_kv_options), .backoff_ms_max = -1},
		{.size = sizeof(struct hf_kv_options), .backoff_ms = 6000},
		{.size = sizeof(struct hf_kv_options), .backoff_ms = 60, .backoff_ms_max = 59},
		{.size = sizeof(struct hf_kv_options), .backoff_ms = INT64_MAX, .backoff_ms_max = INT64_MAX},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		hf_error err = HF_ERROR_INIT;
		hf_kv *kv = NULL;
		EXPECT_STATUS(hf_kv_open(rig->ctx, rig->url, &wrong[i], &kv, &err), HF_E_USAGE);
		EXPECT_STATUS(hf_kv_open(rig->ctx, "memory:", &wrong[i], &kv, &err), HF_E_USAGE);
	}
}

/* What docs/key-value.md says a role needs that does not own the tables. */
static void a_role_with_these_grants_can_do_all_but_what_is_the_owners(void **user)
{
	static const char *const grants[] = {
		"GRANT USAGE ON SCHEMA public, holdfast TO hf_app",
		"GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO hf_app",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON state_entries, state_entries_namespaces, "
		"state_entries_history, "
		"state_entries_checkpoints, state_entries_locks, state_entries_feeds, state_entries_changes, "
		"state_entries_snapshots, state_entries_tokens TO hf_app",
		"GRANT USAGE, SELECT ON state_entries_rev, state_entries_epochs, state_entries_changes_seq TO hf_app",
	};
	struct rig *rig = *user;
	const struct hf_kv_options own = {.size = sizeof(own),
	                                  .no_migrate = true,
	                                  .sweep_interval_ms = -1,
	                                  .name_space = "of app"};
	const struct hf_kv_put put = {.metadata = HF_STR("{\"a\":1}"), .ttl_us = 1};
	const struct hf_uuid token = {{1}};
	const struct hf_kv_how with_token = {.token = &token};
	struct hf_kv_checkpoint point;
	struct hf_kv_lock lock;
	struct hf_kv_health health;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	hf_arena *arena = hf_arena_new(0);
	char url[600];
	events_of_a_put(rig, -1, false); /* makes the tables */
	rig_run(rig, "DO $$ BEGIN CREATE ROLE hf_app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
	snprintf(url, sizeof(url), "%s%coptions=-crole%%3Dhf_app", rig->url, strchr(rig->url, '?') ? '&' : '?');
	EXPECT_STATUS(hf_kv_open(rig->ctx, url, &own, &kv, &err), HF_E_DENIED);
	for (size_t i = 0; i < ARRAY_LEN(grants); i++)
		rig_run(rig, grants[i]);
	EXPECT_OK(hf_kv_open(rig->ctx, url, &own, &kv, &err));
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	EXPECT_OK(hf_kv_append(kv, HF_KV_KEY("k"), HF_KV_KEY("w"), &with_token, &err));
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("gone"), HF_KV_KEY("v"), &put, &err));
	EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	EXPECT_OK(hf_kv_delete(kv, HF_KV_KEY("k"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_checkpoint_restore(kv, &point.id, NULL, NULL, &err));
	EXPECT_OK(hf_kv_checkpoint_delete(kv, &point.id, &err));
	EXPECT_OK(hf_kv_lock_try(kv, "l", "me", 1000000, arena, &lock, &err));
	EXPECT_OK(hf_kv_sweep(kv, HF_DEADLINE_DEFAULT, &removed, &err));
	hf_kv_health_report(kv, NULL, &health);
	assert_int_equal(health.state, HF_HEALTHY);
	EXPECT_STATUS(hf_kv_index_create(kv, "a", HF_DEADLINE_DEFAULT, &err), HF_E_DENIED);
	EXPECT_STATUS(hf_kv_vacuum(kv, HF_DEADLINE_DEFAULT, &err), HF_E_DENIED);
	rig_run(rig, "REVOKE SELECT, USAGE ON state_entries_epochs FROM hf_app");
	EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err), HF_E_DENIED);
	hf_kv_close(kv);
	hf_arena_free(arena);
}

enum { PUTS = 12, MANY = 300 }; /* more than are upserts before one replaces; more than a step */

/* In one pipeline, asked for answers and not. */
static void put_many(hf_kv *kv)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	static struct hf_kv_write writes[MANY];
	static struct hf_kv_result results[MANY];
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "m%05zu", i);
		keys[i] = hf_kv_text(texts[i]);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = keys[i], .value = keys[i]};
	}
	EXPECT_OK(hf_kv_put_many(kv, keys, keys, MANY, NULL, &err));
	EXPECT_OK(hf_kv_apply(kv, writes, MANY, NULL, NULL, results, &err));
}

/* Writes of each kind whose durability is the handle's, and the setting they were committed with. */
static void expect_commit(struct rig *rig, enum hf_kv_durability durability, const char *setting)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .durability = durability,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	char sql[200];
	EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &kv, &err));
	rig_run(rig, "TRUNCATE commits");
	for (int i = 0; i < PUTS; i++)
		EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	put_many(kv);
	EXPECT_OK(hf_kv_increment(kv, HF_KV_KEY("n"), 1, NULL, NULL, &err));
	hf_kv_close(kv);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM commits WHERE setting = '%s'", setting);
	assert_int_equal(rig_number(rig, sql), PUTS + 2 * MANY + 1);
}

static void note_commits(struct rig *rig)
{
	events_of_a_put(rig, -1, false); /* makes the tables */
	rig_run(rig, "CREATE TABLE commits (setting text)");
	rig_run(rig, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO commits VALUES "
	             "(current_setting('synchronous_commit')); RETURN NULL; END $$");
	rig_run(rig,
	        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON state_entries FOR EACH ROW EXECUTE FUNCTION note()");
}

static void what_is_strict_is_so_whatever_the_database_is_set_to(void **user)
{
	static const struct {
		const char *database, *strict;
	} cases[] = {{"off", "on"}, {"on", "on"}, {"remote_apply", "remote_apply"}, {"local", "local"}};
	struct rig *rig = *user;
	char sql[200];
	note_commits(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(sql, sizeof(sql), "ALTER DATABASE %s SET synchronous_commit = %s", fixture_database_name(),
		         cases[i].database);
		rig_run(rig, sql);
		expect_commit(rig, HF_KV_STRICT, cases[i].strict);
		expect_commit(rig, HF_KV_RELAXED, "off");
	}
}

/* Sessions that the pool opens after somebody changed the setting are as those it opened before. */
static void what_is_strict_stays_so(void **user)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .backoff_ms = 1};
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	char sql[200];
	note_commits(rig);
	EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &kv, &err));
	snprintf(sql, sizeof(sql), "ALTER DATABASE %s SET synchronous_commit = off", fixture_database_name());
	rig_run(rig, sql);
	rig_run(rig, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() "
	             "AND pid <> pg_backend_pid()");
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM commits WHERE setting = 'on'"), 1);
	hf_kv_close(kv);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(a_slow_statement_is_told_of_by_name),
		STORE(a_slow_statement_that_fails_is_told_of_once),
		STORE(statements_are_logged_where_that_is_asked_for),
		STORE(every_tls_mode_is_taken_from_the_url),
		STORE(times_that_are_none_are_refused),
		STORE(what_is_strict_is_so_whatever_the_database_is_set_to),
		STORE(what_is_strict_stays_so),
		STORE(a_role_with_these_grants_can_do_all_but_what_is_the_owners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
