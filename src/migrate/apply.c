/*
 * apply.c - one job from `running` to its end.
 *
 * tx=yes: the statements, the verify section and the row's new state are one transaction; when it fails, nothing of
 * it is left and a short transaction of its own records the failure. A lock that is not to be had within
 * lock_timeout rolls everything back, so that nobody queues behind us, and the job is tried again later.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "holdfast/transaction.h"
#include "migrate/migrator.h"
#include "migrate/split.h"

enum { RETRY_MIN_US = 100000, RETRY_MAX_US = 5000000 };

/* ---- jobs ---- */

struct job apply_job_up(const struct migrator *migrator, const struct hf_migration *migration,
                        const struct ledger_row *row)
{
	const struct hf_migrate_options *options = &migrator->options;
	return (struct job){
	        .version = migration->version,
	        .file = migration->file,
	        .tx = migration->tx,
	        .resume = row && !row->down &&
	                  (row->state == HF_MIGRATION_RUNNING || row->state == HF_MIGRATION_FAILED),
	        .statements = migration->statements,
	        .count = migration->nstatements,
	        .verify = migration->verify,
	        .nverify = migration->nverify,
	        .search_path = migration->search_path,
	        .lock_timeout_ms = migration->lock_timeout_ms >= 0 ? migration->lock_timeout_ms
	                                                           : options->lock_timeout_ms,
	        .statement_timeout_ms = migration->statement_timeout_ms >= 0 ? migration->statement_timeout_ms
	                                                                     : options->statement_timeout_ms,
	        .migration = migration,
	};
}

enum hf_status apply_job_down(struct migrator *migrator, const struct ledger_row *row, struct job *ret_job,
                              hf_error *err)
{
	if (!row->down_sql.ptr) {
		error_set(err, HF_REJECTED, "migration %s (%s) has no down section and cannot be reverted",
		          row->version, row->name);
		error_hint(err, "write a new migration that undoes it");
		return HF_REJECTED;
	}
	struct job job = {
	        .version = row->version,
	        .file = arena_printf(migrator->arena, "%s_%s (down)", row->version, row->name).ptr,
	        .down = true,
	        .tx = row->tx,
	        .resume = row->down && (row->state == HF_MIGRATION_RUNNING || row->state == HF_MIGRATION_FAILED),
	        .search_path = row->search_path,
	        .lock_timeout_ms = migrator->options.lock_timeout_ms,
	        .statement_timeout_ms = migrator->options.statement_timeout_ms,
	};
	if (!job.file)
		return error_nomem(err);
	enum hf_status status =
	        split_all(row->down_sql, 1, job.file, migrator->arena, &job.statements, &job.count, err);
	if (status == HF_OK)
		*ret_job = job;
	return status;
}

/* ---- one statement ---- */

/* The server counts characters from the statement's start. */
static uint32_t line_of(const struct hf_migration_statement *statement, int32_t position)
{
	uint32_t line = statement->line;
	int32_t characters = 1;
	for (size_t i = 0; i < statement->sql.len && characters < position; i++) {
		line += statement->sql.ptr[i] == '\n';
		characters += ((unsigned char)statement->sql.ptr[i] & 0xc0) != 0x80;
	}
	return line;
}

/* The usual way into it: the first `up` on a database that another program made. */
static void hint_at_baseline(hf_error *err)
{
	static const char *const exists[] = {"42P06", "42P07", "42710", "42723"}; /* schema, table, object, function */
	for (size_t i = 0; err && !err->hint[0] && i < ARRAY_LEN(exists); i++)
		if (strcmp(err->sqlstate, exists[i]) == 0)
			error_hint(err, "made without holdfast? holdfast migrate baseline records what is there");
}

enum hf_status apply_statement(struct migrator *migrator, hf_where where, size_t n, hf_error *err)
{
	const struct job *job = migrator->job;
	const struct hf_migration_statement *statement = &job->statements[n - 1];
	struct hf_migrate_event event = {.kind = HF_MIGRATE_STATEMENT,
	                                 .index = n,
	                                 .count = job->count,
	                                 .line = statement->line,
	                                 .sql = statement->sql};
	session_event(migrator, event);
	int64_t started = hf_now_monotonic_us(migrator->ctx);
	enum hf_status status = hf_sql_exec(session_where(migrator, where), statement->sql, NULL, 0, NULL, err);
	if (status != HF_OK) {
		error_prefix(err, "%s:%u", job->file, line_of(statement, err ? err->position : 0));
		hint_at_baseline(err);
		return status;
	}
	event.kind = HF_MIGRATE_DONE;
	event.elapsed_us = hf_now_monotonic_us(migrator->ctx) - started;
	session_event(migrator, event);
	return HF_OK;
}

/* ---- verify ---- */

struct verdict {
	size_t rows;
	bool fine;
};

static enum hf_status see_row(void *user, const struct hf_sql_row *row, UNUSED hf_error *err)
{
	struct verdict *verdict = user;
	verdict->rows++;
	verdict->fine = row->count > 0 && row->values[0].kind == HF_VALUE_BOOL && row->values[0].as.b;
	return HF_OK;
}

/* DO and the like answer no row and complain by an error; whatever can answer a row must answer one. */
static bool must_answer(struct hf_str sql)
{
	static const char *const words[] = {"select", "with", "values", "table"};
	struct scan scan = scan_begin(sql, 1);
	struct token first = scan_next_code(&scan);
	bool must = first.kind == TOKEN_OPEN;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		must = must || token_is(&first, words[i]);
	return must;
}

enum hf_status apply_verify(const struct migrator *migrator, const struct job *job, hf_where where, hf_error *err)
{
	for (size_t i = 0; i < job->nverify; i++) {
		const struct hf_migration_statement *statement = &job->verify[i];
		struct verdict verdict = {0};
		enum hf_status status = hf_sql_each(session_where(migrator, where), statement->sql, NULL, 0, see_row,
		                                    &verdict, err);
		if (status != HF_OK) {
			error_prefix(err, "%s:%u: verify", job->file, line_of(statement, err ? err->position : 0));
			return status;
		}
		if (!must_answer(statement->sql) || (verdict.rows == 1 && verdict.fine))
			continue;
		return error_set(err, HF_E_FAILED, "%s:%u: verify: the statement answered %s instead of one row: true",
		                 job->file, statement->line,
		                 verdict.rows == 0   ? "no row"
		                 : verdict.rows == 1 ? "something else than true"
		                                     : "several rows");
	}
	return HF_OK;
}

/* ---- a transaction ---- */

struct attempt {
	struct migrator *migrator;
	int64_t started_us;
};

static enum hf_status run_in_transaction(hf_where tx, void *user, hf_error *err)
{
	struct attempt *attempt = user;
	struct migrator *migrator = attempt->migrator;
	const struct job *job = migrator->job;
	enum hf_status status = session_settings(migrator, tx, true, err);
	for (size_t n = 1; status == HF_OK && n <= job->count; n++)
		status = apply_statement(migrator, tx, n, err);
	if (status == HF_OK)
		status = apply_verify(migrator, job, tx, err);
	if (status != HF_OK)
		return status;
	return ledger_finish(tx, migrator->set->name, job->version,
	                     job->down ? HF_MIGRATION_REVERTED : HF_MIGRATION_APPLIED,
	                     hf_now_monotonic_us(migrator->ctx) - attempt->started_us, err);
}

static enum hf_status try_transaction(struct migrator *migrator, void *user, hf_error *err)
{
	return migrator_transaction(session_transaction(migrator), 1, run_in_transaction,
	                      user, err);
}

enum hf_status apply_retrying(struct migrator *migrator, attempt_fn *attempt, void *user, hf_error *err)
{
	struct backoff backoff;
	hf_error own = HF_ERROR_INIT;
	backoff_init(&backoff, RETRY_MIN_US, RETRY_MAX_US);
	for (uint32_t n = 1;; n++) {
		enum hf_status status = attempt(migrator, user, &own);
		if (status == HF_OK)
			return HF_OK;
		bool again = session_may_retry(&own);
		if (!again || n >= migrator->options.lock_tries_max) {
			if (again) {
				status = own.status = HF_TIMEOUT;
				snprintf(own.hint, sizeof(own.hint),
				         "tried %u times; end the session that holds the lock, or give more tries", n);
			}
			if (err)
				*err = own;
			return status;
		}
		session_event(migrator,
		              (struct hf_migrate_event){.kind = HF_MIGRATE_RETRY, .index = n, .text = own.message});
		session_pause(backoff_next(&backoff, context_random_u64(migrator->ctx)));
	}
}

/* ---- the row around it ---- */

static enum hf_status begin_row(struct migrator *migrator, hf_error *err)
{
	const struct job *job = migrator->job;
	const struct ledger_author author = {migrator->options.app_version, migrator->backend_pid};
	hf_where where = migrator_on(migrator);
	enum hf_status status = HF_OK;
	if (!job->resume)
		status = ledger_forget_steps(where, migrator->set->name, job->version, err);
	if (status != HF_OK)
		return status;
	return job->down ? ledger_begin_down(where, migrator->set->name, job->version, err)
	                 : ledger_begin_up(where, migrator->set->name, job->migration, &author, err);
}

/* The failure that is reported is the job's; that it could not be recorded is only said beside. */
static void record_failure(struct migrator *migrator, const hf_error *failure)
{
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = ledger_fail(migrator_on(migrator), migrator->set->name,
	                                    migrator->job->version, failure->message, &err);
	if (status == HF_OK)
		return;
	error_prefix(&err, "could not record the failure");
	session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_WARNING, .text = err.message});
}

static enum hf_status run_job(struct migrator *migrator, hf_error *err)
{
	struct attempt attempt = {migrator, hf_now_monotonic_us(migrator->ctx)};
	enum hf_status status = begin_row(migrator, err);
	if (status != HF_OK)
		return status;
	status = migrator->job->tx ? apply_retrying(migrator, try_transaction, &attempt, err)
	                           : steps_run(migrator, err);
	if (status == HF_E_OUTCOME_UNKNOWN)
		error_hint(err, "run the command again: the ledger knows whether the commit happened");
	return status;
}

enum hf_status apply_job(struct migrator *migrator, const struct job *job, hf_error *err)
{
	hf_error own = HF_ERROR_INIT;
	int64_t started = hf_now_monotonic_us(migrator->ctx);
	enum hf_status status = lock_check(migrator, err);
	if (status != HF_OK)
		return status;
	migrator->job = job;
	session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_BEGIN, .count = job->count});
	status = run_job(migrator, &own);
	if (status != HF_OK) {
		record_failure(migrator, &own);
		session_clean(migrator, NULL);
	} else {
		status = session_clean(migrator, &own);
		session_event(migrator, (struct hf_migrate_event){
		                                .kind = HF_MIGRATE_END,
		                                .count = job->count,
		                                .elapsed_us = hf_now_monotonic_us(migrator->ctx) - started});
		migrator->report.applied += !job->down;
		migrator->report.reverted += job->down;
	}
	migrator->job = NULL;
	if (status != HF_OK && err)
		*err = own;
	return status;
}
