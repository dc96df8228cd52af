/*
 * steps.c - tx=no: statement by statement, each recorded, so that the next run goes on where this one was killed.
 *
 * What can run in a transaction does, together with its own record: it happened if and only if it is recorded. What
 * cannot (index builds and the like) is recorded as started before and as done after; when a try finds it started,
 * leftover.c looks at what is there.
 *
 * The text may be edited between two tries, except for the statements that are done.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/transaction.h"
#include "migrate/digest.h"
#include "migrate/migrator.h"
#include "migrate/split.h"

struct steps {
	struct migrator *migrator;
	struct ledger_step *before; /* as earlier tries left them, one per statement */
	struct ledger_step now;
	size_t n;                   /* the current one, from 1 */
};

static enum hf_status checksum(struct hf_str sql, uint8_t ret_digest[HF_MIGRATION_DIGEST_BYTES], hf_error *err)
{
	struct buf code;
	buf_init(&code, SET_BYTES_MAX);
	text_code(&code, sql, false);
	struct hf_str text = buf_str(&code);
	bool ok = buf_ok(&code) && digest_of(&text, 1, ret_digest);
	buf_deinit(&code);
	return ok ? HF_OK : error_nomem(err);
}

static enum hf_status record(struct steps *steps, hf_where where, enum step_state state, hf_error *err)
{
	const struct job *job = steps->migrator->job;
	steps->now.state = state;
	return ledger_step(where, steps->migrator->set->name, job->version, job->down, steps->n, &steps->now, err);
}

/* ---- in a transaction of its own ---- */

static enum hf_status run_recorded(hf_where tx, void *user, hf_error *err)
{
	struct steps *steps = user;
	enum hf_status status = apply_statement(steps->migrator, tx, steps->n, err);
	return status == HF_OK ? record(steps, tx, STEP_DONE, err) : status;
}

static enum hf_status try_recorded(struct migrator *migrator, void *user, hf_error *err)
{
	return migrator_transaction(session_transaction(migrator), 1, run_recorded, user, err);
}

/* ---- outside ---- */

static enum hf_status try_bare(struct migrator *migrator, void *user, hf_error *err)
{
	struct steps *steps = user;
	enum step_state *before = &steps->before[steps->n - 1].state;
	enum leftover left = LEFTOVER_RUN;
	hf_where where = migrator_on(migrator);
	enum hf_status status = leftover_clear(migrator, steps->n, *before, &left, err);
	if (status == HF_OK && left == LEFTOVER_RUN)
		status = record(steps, where, STEP_STARTED, err);
	if (status != HF_OK)
		return status;
	if (left == LEFTOVER_RUN)
		status = apply_statement(migrator, where, steps->n, err);
	if (status == HF_OK)
		return record(steps, where, STEP_DONE, err);
	*before = STEP_STARTED;
	if (err && err->sqlstate[0] && record(steps, where, STEP_FAILED, NULL) == HF_OK) /* the server answered */
		*before = STEP_FAILED;
	return status;
}

/* ---- the list ---- */

static enum hf_status check_done(const struct steps *steps, bool *ret_done, hf_error *err)
{
	const struct job *job = steps->migrator->job;
	const struct ledger_step *before = &steps->before[steps->n - 1];
	*ret_done = before->state == STEP_DONE;
	if (!*ret_done || memcmp(before->checksum, steps->now.checksum, sizeof(before->checksum)) == 0)
		return HF_OK;
	error_set(err, HF_E_CORRUPT, "%s:%u: statement %zu was edited after it had run", job->file,
	          job->statements[steps->n - 1].line, steps->n);
	error_hint(err, "put it back; what follows the last finished statement may be edited");
	return HF_E_CORRUPT;
}

static enum hf_status run_step(struct steps *steps, hf_error *err)
{
	struct hf_str sql = steps->migrator->job->statements[steps->n - 1].sql;
	bool done = false;
	enum hf_status status = checksum(sql, steps->now.checksum, err);
	if (status == HF_OK)
		status = check_done(steps, &done, err);
	if (status != HF_OK || done)
		return status;
	bool ordinary = split_classify(sql) == STATEMENT_ORDINARY;
	return apply_retrying(steps->migrator, ordinary ? try_recorded : try_bare, steps, err);
}

struct ending {
	struct migrator *migrator;
	int64_t started_us;
};

static enum hf_status verify_and_finish(hf_where tx, void *user, hf_error *err)
{
	const struct ending *ending = user;
	const struct job *job = ending->migrator->job;
	enum hf_status status = apply_verify(ending->migrator, job, tx, err);
	if (status != HF_OK)
		return status;
	return ledger_finish(tx, ending->migrator->set->name, job->version,
	                     job->down ? HF_MIGRATION_REVERTED : HF_MIGRATION_APPLIED,
	                     hf_now_monotonic_us(ending->migrator->ctx) - ending->started_us, err);
}

enum hf_status steps_run(struct migrator *migrator, hf_error *err)
{
	const struct job *job = migrator->job;
	struct ending ending = {migrator, hf_now_monotonic_us(migrator->ctx)};
	struct steps steps = {.migrator = migrator};
	hf_where where = migrator_on(migrator);
	steps.before = hf_arena_calloc(migrator->arena, job->count, sizeof(*steps.before));
	if (!steps.before)
		return error_nomem(err);
	enum hf_status status = session_settings(migrator, where, false, err);
	if (status == HF_OK && job->resume)
		status = ledger_read_steps(where, migrator->set->name, job->version, job->down, steps.before,
		                           job->count, err);
	for (steps.n = 1; status == HF_OK && steps.n <= job->count; steps.n++)
		status = run_step(&steps, err);
	if (status == HF_OK)
		status = migrator_transaction(session_transaction(migrator), 0, verify_and_finish, &ending, err);
	return status;
}
