/*
 * migrator.h - one call of hf_migrate_*(): its connection, options, ledger rows; and the parts that work on it.
 *
 *   session.c   settings before a file, a clean session after it, events to the caller
 *   lock.c      the one migrator per database
 *   apply.c     a job: tx=yes in one transaction with retries, the ledger row around it
 *   steps.c     tx=no, statement by statement
 *   leftover.c  what a killed statement left behind
 *
 * The migrator is on the caller's stack for the time of the call and owns only its arena.
 */
#ifndef MIGRATE_MIGRATOR_H
#define MIGRATE_MIGRATOR_H

#include "base/context.h"
#include "core/backoff.h"
#include "holdfast/transaction.h"
#include "migrate/ledger.h"
#include "migrate/set.h"

/* One file up, or one ledger row down. */
struct job {
	const char *version;
	const char *file; /* for messages: the file, or "VERSION (down)" */
	bool down;
	bool tx;
	bool resume;      /* tx=no: the steps of an earlier try count */
	const struct hf_migration_statement *statements;
	size_t count;
	const struct hf_migration_statement *verify;
	size_t nverify;
	const char *search_path;
	int64_t lock_timeout_ms;
	int64_t statement_timeout_ms; /* 0 = none */
	const struct hf_migration *migration; /* NULL on the way down */
};

struct migrator {
	hf_context *ctx;
	hf_connection *connection;
	const hf_migrations *set;
	struct hf_migrate_options options; /* defaults filled in */
	enum hf_migrate_unknown_step unknown_step;
	hf_arena *arena;                   /* owned: rows, plans */
	int64_t backend_pid;
	bool locked;
	const struct job *job;             /* the current one, for events */
	struct hf_migrate_report report;
};

/** The session itself, outside a transaction. */
static inline hf_where migrator_on(const struct migrator *migrator)
{
	return hf_on_connection(migrator->connection);
}
/** Check options, fill in defaults, hook notices. Ends with migrator_end(). */
enum hf_status migrator_begin(struct migrator *migrator, hf_connection *connection, const hf_migrations *set,
                              const struct hf_migrate_options *options, hf_error *err);
/** Give the lock back, unhook, free. Never fails: the session's end releases what is left. */
void migrator_end(struct migrator *migrator);
/** Everything before the first change: not a standby, lock, ledger tables. */
enum hf_status migrator_enter(struct migrator *migrator, hf_error *err);

/* ---- session.c ---- */

void session_event(struct migrator *migrator, struct hf_migrate_event event);
/** Where statements of the current job run, with its deadline from now. */
hf_where session_where(const struct migrator *migrator, hf_where where);
/** Every transaction of the engine: READ COMMITTED, whatever a database or a role is set to, since each waits for locks
 *  and reads then what others committed. @param attempts_max 0 = the default. */
enum hf_status migrator_transaction(hf_where where, uint32_t attempts_max, hf_transaction_fn *fn, void *user,
                                    hf_error *err);
/** Where the current job's transaction begins: time for each of its statements, and for COMMIT. */
hf_where session_transaction(const struct migrator *migrator);
/** The job's settings: for the transaction when `local`, else for the session until session_clean(). */
enum hf_status session_settings(struct migrator *migrator, hf_where where, bool local, hf_error *err);
/** Nothing of a file stays in the session: settings, temporary tables, cursors, prepared statements. */
enum hf_status session_clean(struct migrator *migrator, hf_error *err);
void session_pause(int64_t us);
/** Is the error one that another try may not meet: a lock timeout, a deadlock, a serialization failure? */
bool session_may_retry(const hf_error *err);

/* ---- lock.c ---- */

enum hf_status lock_acquire(struct migrator *migrator, hf_error *err);
/** Still ours? A pooler may have given the session away, the file may have released all locks. */
enum hf_status lock_check(struct migrator *migrator, hf_error *err);
void lock_release(struct migrator *migrator);

/* ---- apply.c, steps.c, leftover.c ---- */

/** Run a job with its ledger row from `running` to `applied` or `reverted`; a failure is recorded. */
enum hf_status apply_job(struct migrator *migrator, const struct job *job, hf_error *err);
struct job apply_job_up(const struct migrator *migrator, const struct hf_migration *migration,
                        const struct ledger_row *row);
/** The stored down SQL as a job; the statements are in the migrator's arena. */
enum hf_status apply_job_down(struct migrator *migrator, const struct ledger_row *row, struct job *ret_job,
                              hf_error *err);
/** One statement of the current job with its events; the error gets file and line. */
enum hf_status apply_statement(struct migrator *migrator, hf_where where, size_t n, hf_error *err);
/** The verify section; an answer that is not true is an error. */
enum hf_status apply_verify(const struct migrator *migrator, const struct job *job, hf_where where, hf_error *err);
typedef enum hf_status attempt_fn(struct migrator *migrator, void *user, hf_error *err);
/** Call `attempt` until it succeeds or fails for good, at most lock_tries_max times. */
enum hf_status apply_retrying(struct migrator *migrator, attempt_fn *attempt, void *user, hf_error *err);

enum hf_status steps_run(struct migrator *migrator, hf_error *err);

enum leftover { LEFTOVER_RUN = 0, LEFTOVER_DONE };
/** Before a statement outside a transaction that an earlier try had begun: clean up, and say whether it must run. */
enum hf_status leftover_clear(struct migrator *migrator, size_t n, enum step_state before, enum leftover *ret_what,
                              hf_error *err);

#endif
