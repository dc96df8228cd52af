/*
 * lock.c - one migrator per database: a session advisory lock on the connection that runs the files.
 *
 * Polled, never waited for: a session that waits in pg_advisory_lock() holds a snapshot, and CREATE INDEX
 * CONCURRENTLY of the lock's holder waits for that snapshot: a deadlock. Between polls no transaction is open.
 * Advisory locks are per database, so constant keys do. When the session goes, so does the lock: no rest to clear.
 */
#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/migrator.h"

/* "HOLD" and "FAST" as 32-bit numbers. */
#define LOCK_KEYS "1212107844, 1178686292"
#define LOCK_ROW "l.locktype = 'advisory' AND l.classid = 1212107844 AND l.objid = 1178686292 AND l.objsubid = 2"

enum { POLL_MIN_US = 50000, POLL_MAX_US = 1000000 };

static enum hf_status ask_bool(struct migrator *migrator, struct hf_str sql, bool *ret, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_sql_one(migrator_on(migrator), sql, NULL, 0, arena, &row, err);
	if (status == HF_OK)
		*ret = row.values[0].kind == HF_VALUE_BOOL && row.values[0].as.b;
	return status;
}

/* Who has it, in words. Never fails: what cannot be told is left out. */
static void describe_holder(struct migrator *migrator, char ret_text[300])
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	snprintf(ret_text, 300, "another migration");
	if (!arena)
		return;
	enum hf_status status = hf_sql_one(
	        migrator_on(migrator),
	        HF_STR("SELECT format('process %s of the server (%s, role %s, %s), connected since %s', l.pid,"
	               " coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.usename, 'unknown'),"
	               " coalesce('from ' || host(a.client_addr), 'local'),"
	               " coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"'), '?'))"
	               " FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
	               " WHERE l.granted AND l.database ="
	               " (SELECT oid FROM pg_database WHERE datname = current_database()) AND " LOCK_ROW " LIMIT 1"),
	        NULL, 0, arena, &row, NULL);
	if (status == HF_OK && row.values[0].kind == HF_VALUE_TEXT)
		snprintf(ret_text, 300, "%.*s", STR_ARG(row.values[0].as.s));
}

enum hf_status lock_acquire(struct migrator *migrator, hf_error *err)
{
	struct backoff backoff;
	char holder[300] = "", now[300];
	hf_deadline deadline = hf_deadline_in(migrator->ctx, migrator->options.lock_wait_ms);
	backoff_init(&backoff, POLL_MIN_US, POLL_MAX_US);
	for (;;) {
		enum hf_status status = ask_bool(migrator, HF_STR("SELECT pg_try_advisory_lock(" LOCK_KEYS ")"),
		                                 &migrator->locked, err);
		if (status != HF_OK)
			return status;
		if (migrator->locked)
			return lock_check(migrator, err);
		describe_holder(migrator, now);
		int64_t left_us = deadline - hf_now_monotonic_us(migrator->ctx);
		if (left_us <= 0)
			break;
		if (strcmp(now, holder) != 0)
			session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_WAITING, .text = now});
		snprintf(holder, sizeof(holder), "%s", now);
		int64_t pause = backoff_next(&backoff, context_random_u64(migrator->ctx));
		session_pause(pause < left_us ? pause : left_us);
	}
	error_set(err, HF_TIMEOUT, "the migrators' lock was not free within %lld ms; it is held by %s",
	          (long long)migrator->options.lock_wait_ms, now);
	error_hint(err, "another migration runs: wait for it, or give more time");
	return HF_TIMEOUT;
}

enum hf_status lock_check(struct migrator *migrator, hf_error *err)
{
	bool ours = false;
	enum hf_status status =
	        ask_bool(migrator,
	                 HF_STR("SELECT EXISTS (SELECT FROM pg_locks l WHERE l.granted AND l.pid = pg_backend_pid()"
	                        " AND " LOCK_ROW ")"),
	                 &ours, err);
	if (status != HF_OK || ours)
		return status;
	migrator->locked = false;
	error_set(err, HF_E_CONFIG, "the session lost the migrators' lock between two statements");
	error_hint(err, "a proxy in transaction pooling mode, or a file that released all advisory locks: "
	                "connect to the server itself");
	return HF_E_CONFIG;
}

void lock_release(struct migrator *migrator)
{
	bool released;
	if (migrator->locked)
		ask_bool(migrator, HF_STR("SELECT pg_advisory_unlock(" LOCK_KEYS ")"), &released, NULL);
	migrator->locked = false;
}
