/*
 * session.c - the session in which files run: what is set before one, what is taken back after it, what the caller
 * hears meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/migrator.h"

enum { DEFAULT_LOCK_WAIT_MS = 60000, DEFAULT_LOCK_MS = 2000, DEFAULT_TRIES = 10, DEFAULT_STATEMENT_MS = 3600000 };
enum { SLACK_MS = 10000, WEEK_MS = 7 * 24 * 3600000 }; /* the server's timeout comes first, then ours */

/* ---- begin and end ---- */

static void hear_notice(void *user, const struct hf_notice *notice)
{
	struct migrator *migrator = user;
	session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_NOTICE, .notice = notice});
}

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

enum hf_status migrator_begin(struct migrator *migrator, hf_connection *connection, const hf_migrations *set,
                              const struct hf_migrate_options *options, hf_error *err)
{
	if (options && options_check("hf_migrate_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	*migrator = (struct migrator){.connection = connection, .set = set, .arena = hf_arena_new(SET_BYTES_MAX)};
	if (!migrator->arena)
		return error_nomem(err);
	struct hf_migrate_options *chosen = &migrator->options;
	if (options)
		*chosen = *options;
	chosen->size = sizeof(*chosen);
	chosen->lock_wait_ms = or_default(chosen->lock_wait_ms, DEFAULT_LOCK_WAIT_MS);
	chosen->lock_timeout_ms = or_default(chosen->lock_timeout_ms, DEFAULT_LOCK_MS);
	chosen->lock_tries_max = chosen->lock_tries_max ? chosen->lock_tries_max : DEFAULT_TRIES;
	chosen->statement_timeout_ms = or_default(chosen->statement_timeout_ms, DEFAULT_STATEMENT_MS);
	if (!chosen->app_version)
		chosen->app_version = "";
	migrator->ctx = hf_where_context(hf_on_connection(connection));
	migrator->report.version = "";
	hf_connection_on_notice(connection, hear_notice, migrator);
	return HF_OK;
}

void migrator_end(struct migrator *migrator)
{
	if (!migrator->arena)
		return;
	migrator->job = NULL;
	lock_release(migrator);
	hf_connection_on_notice(migrator->connection, NULL, NULL);
	hf_arena_free(migrator->arena);
	migrator->arena = NULL;
}

static enum hf_status refuse_standby(struct migrator *migrator, hf_error *err)
{
	struct hf_sql_row row;
	enum hf_status status = hf_sql_one(migrator_on(migrator),
	                                   HF_STR("SELECT pg_is_in_recovery(), pg_backend_pid()"), NULL, 0,
	                                   migrator->arena, &row, err);
	if (status != HF_OK)
		return status;
	migrator->backend_pid = row.values[1].as.i;
	if (!row.values[0].as.b)
		return HF_OK;
	error_set(err, HF_REJECTED, "the server is a standby and cannot be migrated");
	error_hint(err, "connect to the primary: target_session_attrs=read-write");
	return HF_REJECTED;
}

static enum hf_status set_role(struct migrator *migrator, hf_error *err)
{
	if (!migrator->options.role)
		return HF_OK;
	struct hf_value role = hf_text(hf_str_of(migrator->options.role));
	return hf_sql_exec(migrator_on(migrator), HF_STR("SELECT set_config('role', $1, false)"), &role,
	                   1, NULL, err);
}

enum hf_status migrator_enter(struct migrator *migrator, hf_error *err)
{
	enum hf_status status = refuse_standby(migrator, err);
	if (status == HF_OK)
		status = set_role(migrator, err);
	if (status == HF_OK)
		status = lock_acquire(migrator, err);
	if (status == HF_OK)
		status = ledger_prepare(migrator->connection, err);
	return status;
}

enum hf_status migrator_transaction(hf_where where, uint32_t attempts_max, hf_transaction_fn *fn, void *user,
                                    hf_error *err)
{
	const struct hf_transaction_options options = {
		.size = sizeof(options), .isolation = HF_READ_COMMITTED, .attempts_max = attempts_max};
	return hf_transaction(where, &options, fn, user, err);
}

/* ---- events ---- */

void session_event(struct migrator *migrator, struct hf_migrate_event event)
{
	if (!migrator->options.progress)
		return;
	const struct job *job = migrator->job;
	event.set = migrator->set->name;
	event.version = job ? job->version : "";
	event.file = job ? job->file : "";
	event.down = job && job->down;
	if (!event.text)
		event.text = "";
	migrator->options.progress(migrator->options.user, &event);
}

/* ---- settings ---- */

hf_where session_where(const struct migrator *migrator, hf_where where)
{
	int64_t ms = migrator->job ? migrator->job->statement_timeout_ms : 0;
	return hf_until(where, hf_deadline_in(migrator->ctx, ms > 0 ? ms + SLACK_MS : (int64_t)WEEK_MS));
}

hf_where session_transaction(const struct migrator *migrator)
{
	const struct job *job = migrator->job;
	int64_t each = job->statement_timeout_ms > 0 ? job->statement_timeout_ms + SLACK_MS : (int64_t)WEEK_MS;
	int64_t statements = (int64_t)(job->count + job->nverify + 2);
	return hf_until(migrator_on(migrator), hf_deadline_in(migrator->ctx, each * statements));
}

enum hf_status session_settings(struct migrator *migrator, hf_where where, bool local, hf_error *err)
{
	const struct job *job = migrator->job;
	const struct hf_value values[] = {
	        hf_int(job->lock_timeout_ms), hf_int(job->statement_timeout_ms), hf_text(hf_str_of(job->search_path)),
	        hf_bool(local),
	};
	return hf_sql_exec(where,
	                   HF_STR("SELECT set_config('lock_timeout', $1, $4), set_config('statement_timeout', $2, $4),"
	                          " set_config('search_path', $3, $4), set_config('client_min_messages', 'notice', $4),"
	                          " set_config('idle_in_transaction_session_timeout', '0', $4)"),
	                   values, ARRAY_LEN(values), NULL, err);
}

/* DISCARD ALL would release the lock; these are its other parts. Prepared statements of the library itself are
 * made by the protocol and stay; those of a file are made by PREPARE and go. */
enum hf_status session_clean(struct migrator *migrator, hf_error *err)
{
	static const struct hf_str statements[] = {
	        HF_STR_INIT("SET SESSION AUTHORIZATION DEFAULT"),
	        HF_STR_INIT("RESET ALL"),
	        HF_STR_INIT("CLOSE ALL"),
	        HF_STR_INIT("UNLISTEN *"),
	        HF_STR_INIT("DISCARD PLANS"),
	        HF_STR_INIT("DISCARD SEQUENCES"),
	        HF_STR_INIT("DISCARD TEMP"),
	        HF_STR_INIT("DO $$ DECLARE n text; BEGIN FOR n IN SELECT name FROM pg_catalog.pg_prepared_statements"
	                    " WHERE from_sql LOOP EXECUTE pg_catalog.format('DEALLOCATE %I', n); END LOOP; END $$"),
	};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(statements); i++)
		status = hf_sql_exec(migrator_on(migrator), statements[i], NULL, 0, NULL, err);
	if (status == HF_OK)
		status = set_role(migrator, err);
	return status;
}

void session_pause(int64_t us)
{
	struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	while (nanosleep(&left, &left) != 0)
		;
}

bool session_may_retry(const hf_error *err)
{
	return strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0 ||
	       strcmp(err->sqlstate, "40001") == 0;
}
