/*
 * up.c - the calls that change the database: up, down, to, redo, resume, accept.
 *
 * Each reads the ledger only after it has the lock: what another migrator did meanwhile is seen. Before the first
 * file runs, everything that can be refused is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/transaction.h"
#include "migrate/locked.h"
#include "migrate/needs.h"
#include "migrate/version.h"

/* ---- shared ---- */

static void warn(struct migrator *migrator, const char *text)
{
	session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_WARNING, .text = text});
}

static enum hf_status version_number(const struct migrator *migrator, const char *version, uint64_t *ret_number,
                                     hf_error *err)
{
	if (!version_parse(hf_str_of(version), ret_number))
		return error_set(err, HF_E_USAGE, "\"%s\" is not a version: an integer or a UTC time (20260314T101500)",
		                 version);
	if (*ret_number == 0 || hf_migrations_find(migrator->set, version))
		return HF_OK;
	return error_set(err, HF_NOT_FOUND, "set \"%s\" has no migration %s", migrator->set->name, version);
}

/* ---- up ---- */

static void warn_of_edits(struct migrator *migrator, const struct plan *plan)
{
	for (size_t i = 0; i < plan->status.count; i++) {
		const struct hf_migration_status *entry = &plan->status.entries[i];
		char text[300];
		if (entry->edit != HF_EDIT_WHITESPACE && entry->edit != HF_EDIT_COMMENTS)
			continue;
		snprintf(text, sizeof(text), "%s was edited after it was applied: only %s differ",
		         entry->migration->file, entry->edit == HF_EDIT_COMMENTS ? "comments" : "blanks");
		warn(migrator, text);
	}
}

static enum hf_status refuse_order(const struct migrator *migrator, const struct plan *plan, uint64_t to, hf_error *err)
{
	for (size_t i = 0; i < plan->status.count; i++) {
		const struct hf_migration_status *entry = &plan->status.entries[i];
		if (!entry->out_of_order || migrator->options.out_of_order || entry->migration->out_of_order ||
		    entry->migration->number > to || entry->state == HF_MIGRATION_RUNNING ||
		    entry->state == HF_MIGRATION_FAILED)
			continue;
		error_set(err, HF_REJECTED, "%s is older than %s, which is applied already", entry->migration->file,
		          plan->status.applied);
		error_hint(err, "give it a newer version; or, if it may run after the others, say so in the "
		                "file (\"-- migrate: out_of_order=yes\") or for this run");
		return HF_REJECTED;
	}
	return HF_OK;
}

/* Outside a transaction, and not finished: part of it stands in the database. */
static bool is_interrupted(const struct ledger_row *row)
{
	return !row->tx && (row->state == HF_MIGRATION_RUNNING || row->state == HF_MIGRATION_FAILED);
}

/* A tx=no way down that was interrupted is finished before the way up begins. */
static enum hf_status finish_down(struct migrator *migrator, const struct ledger_row *row, hf_error *err)
{
	struct job job;
	if (!row || !is_interrupted(row) || !row->down)
		return HF_OK;
	enum hf_status status = apply_job_down(migrator, row, &job, err);
	return status == HF_OK ? apply_job(migrator, &job, err) : status;
}

static enum hf_status apply_entry(struct migrator *migrator, const struct hf_migration *migration,
                                  const struct ledger_row *row, hf_error *err)
{
	enum hf_status status = finish_down(migrator, row, err);
	if (status != HF_OK)
		return status;
	struct job job = apply_job_up(migrator, migration, row);
	return apply_job(migrator, &job, err);
}

static bool is_within(const struct hf_migration_status *entry, uint64_t to)
{
	const struct hf_migration *migration = entry->migration;
	if (!entry->pending)
		return false;
	return migration->kind == HF_MIGRATION_REPEATABLE ? to == UINT64_MAX : migration->number <= to;
}

static enum hf_status refuse_needs(struct migrator *migrator, const struct plan *plan, uint64_t to, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < plan->status.count; i++)
		if (is_within(&plan->status.entries[i], to))
			status = needs_refuse_up(migrator, plan->status.entries[i].migration, err);
	return status;
}

static enum hf_status apply_pending(struct migrator *migrator, const struct plan *plan, uint64_t to, hf_error *err)
{
	uint32_t left = migrator->options.count ? migrator->options.count : UINT32_MAX;
	for (size_t i = 0; i < plan->status.count && left > 0; i++) {
		const struct hf_migration_status *entry = &plan->status.entries[i];
		if (!is_within(entry, to))
			continue;
		enum hf_status status = apply_entry(migrator, entry->migration, plan->rows[i], err);
		if (status != HF_OK)
			return status;
		left--;
	}
	return HF_OK;
}

static enum hf_status up_to(struct migrator *migrator, const struct plan *plan, uint64_t to, hf_error *err)
{
	enum hf_status status =
	        plan_refuse_differences(plan, migrator->set->name, migrator->options.allow_unknown, err);
	if (status == HF_OK)
		status = refuse_order(migrator, plan, to, err);
	if (status == HF_OK)
		status = refuse_needs(migrator, plan, to, err);
	if (status != HF_OK)
		return status;
	warn_of_edits(migrator, plan);
	return apply_pending(migrator, plan, to, err);
}

static enum hf_status run_up(struct migrator *migrator, const struct plan *plan, UNUSED void *user, hf_error *err)
{
	uint64_t to = UINT64_MAX;
	enum hf_status status = HF_OK;
	if (migrator->options.to)
		status = version_number(migrator, migrator->options.to, &to, err);
	return status == HF_OK ? up_to(migrator, plan, to, err) : status;
}

/* True when nothing is to do and nothing to say: the common start of a service, without the lock. */
static enum hf_status is_current(const struct request *request, bool *ret_current,
                                 struct hf_migrate_report *ret_report, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(SET_BYTES_MAX);
	struct plan plan;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = plan_read(hf_on_connection(request->connection), request->set, arena, &plan, err);
	if (status != HF_OK)
		return status;
	*ret_current = plan.status.pending == 0 && plan.status.unknown == plan.status.unknown_newer_expand;
	for (size_t i = 0; i < plan.status.count; i++)
		*ret_current = *ret_current && plan.status.entries[i].edit == HF_EDIT_NONE;
	if (*ret_current && ret_report) {
		const struct hf_migration *newest = hf_migrations_find(request->set, plan.status.applied);
		*ret_report = (struct hf_migrate_report){.version = newest ? newest->version : ""};
	}
	return HF_OK;
}

enum hf_status hf_migrate_up(hf_connection *connection, const hf_migrations *set,
                             const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                             hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	bool current = false;
	enum hf_status status = options && options->to ? HF_OK : is_current(&request, &current, ret_report, err);
	if (status != HF_OK || current)
		return status;
	return locked_run(&request, run_up, NULL, ret_report, err);
}

/* ---- down ---- */

struct reverts {
	const struct ledger_row **rows; /* newest first */
	size_t count;
};

static int newest_first(const void *left, const void *right)
{
	const struct ledger_row *a = *(const struct ledger_row *const *)left;
	const struct ledger_row *b = *(const struct ledger_row *const *)right;
	return a->number > b->number ? -1 : a->number < b->number;
}

/* Everything versioned that left something in the database: applied, or interrupted outside a transaction. */
static enum hf_status collect_reverts(struct migrator *migrator, struct reverts *ret_reverts, hf_error *err)
{
	struct ledger_rows rows = {0};
	enum hf_status status = ledger_read(migrator_on(migrator), migrator->set->name, migrator->arena,
	                                    &rows, err);
	struct reverts reverts = {hf_arena_calloc(migrator->arena, rows.count, sizeof(*reverts.rows)), 0};
	if (status == HF_OK && !reverts.rows)
		return error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < rows.count; i++) {
		const struct ledger_row *row = &rows.rows[i];
		bool interrupted = is_interrupted(row);
		if (row->kind != HF_MIGRATION_VERSIONED || (!plan_row_is_applied(row) && !interrupted))
			continue;
		if (interrupted && !row->down) {
			error_set(err, HF_REJECTED, "migration %s (%s) is half applied", row->version, row->name);
			error_hint(err, "finish it first: holdfast migrate resume");
			return HF_REJECTED;
		}
		reverts.rows[reverts.count++] = row;
	}
	if (status == HF_OK && reverts.count > 1)
		qsort(reverts.rows, reverts.count, sizeof(const struct ledger_row *), newest_first);
	*ret_reverts = reverts;
	return status;
}

/* All jobs are made before the first runs: when one is irreversible, none is reverted. */
static enum hf_status revert_rows(struct migrator *migrator, const struct reverts *reverts, size_t count, hf_error *err)
{
	struct job *jobs = hf_arena_calloc(migrator->arena, count, sizeof(*jobs));
	enum hf_status status = jobs ? HF_OK : error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		status = needs_refuse_down(migrator, reverts->rows[i], err);
		if (status == HF_OK)
			status = apply_job_down(migrator, reverts->rows[i], &jobs[i], err);
	}
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		status = ledger_event(migrator_on(migrator), migrator->set->name, jobs[i].version,
		                      "revert", "", err);
		if (status == HF_OK)
			status = apply_job(migrator, &jobs[i], err);
	}
	return status;
}

static enum hf_status down_to(struct migrator *migrator, uint64_t keep, size_t count_max, hf_error *err)
{
	struct reverts reverts = {0};
	enum hf_status status = collect_reverts(migrator, &reverts, err);
	size_t count = 0;
	while (count < reverts.count && count < count_max && reverts.rows[count]->number > keep)
		count++;
	return status == HF_OK ? revert_rows(migrator, &reverts, count, err) : status;
}

static enum hf_status run_down(struct migrator *migrator, UNUSED const struct plan *plan, UNUSED void *user,
                               hf_error *err)
{
	uint64_t keep = 0;
	const struct hf_migrate_options *options = &migrator->options;
	enum hf_status status = options->to ? version_number(migrator, options->to, &keep, err) : HF_OK;
	size_t count = options->count ? options->count : options->to ? SIZE_MAX : 1;
	return status == HF_OK ? down_to(migrator, keep, count, err) : status;
}

enum hf_status hf_migrate_down(hf_connection *connection, const hf_migrations *set,
                               const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                               hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	return locked_run(&request, run_down, NULL, ret_report, err);
}

/* ---- to, redo ---- */

static enum hf_status run_to(struct migrator *migrator, const struct plan *plan, void *user, hf_error *err)
{
	const char *version = user;
	uint64_t number = 0, newest = 0;
	enum hf_status status = version_number(migrator, version, &number, err);
	if (status != HF_OK)
		return status;
	if (plan->status.applied[0] && version_parse(hf_str_of(plan->status.applied), &newest) && newest > number)
		return down_to(migrator, number, SIZE_MAX, err);
	return up_to(migrator, plan, number, err);
}

enum hf_status hf_migrate_to(hf_connection *connection, const hf_migrations *set, const char *version,
                             const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                             hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	char copy[64];
	snprintf(copy, sizeof(copy), "%s", version);
	return locked_run(&request, run_to, copy, ret_report, err);
}

static enum hf_status run_redo(struct migrator *migrator, const struct plan *plan, UNUSED void *user, hf_error *err)
{
	const struct hf_migration *newest = hf_migrations_find(migrator->set, plan->status.applied);
	struct plan after;
	if (!newest) {
		error_set(err, HF_NOT_FOUND, "no applied migration of set \"%s\" is there to redo",
		          migrator->set->name);
		error_hint(err, "the newest applied one must be in the set");
		return HF_NOT_FOUND;
	}
	enum hf_status status = down_to(migrator, newest->number - 1, 1, err);
	if (status == HF_OK)
		status = locked_plan(migrator, &after, err);
	for (size_t i = 0; status == HF_OK && i < after.status.count; i++)
		if (after.status.entries[i].migration == newest)
			return apply_entry(migrator, newest, after.rows[i], err);
	return status;
}

enum hf_status hf_migrate_redo(hf_connection *connection, const hf_migrations *set,
                               const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                               hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	return locked_run(&request, run_redo, NULL, ret_report, err);
}

/* ---- resume ---- */

static enum hf_status run_resume(struct migrator *migrator, const struct plan *plan, UNUSED void *user, hf_error *err)
{
	static const char *const choices[] = {"ask", "step-done", "step-repeat"};
	for (size_t i = 0; i < plan->status.count; i++) {
		const struct ledger_row *row = plan->rows[i];
		const struct hf_migration *migration = plan->status.entries[i].migration;
		if (!row || !is_interrupted(row))
			continue;
		enum hf_status status = ledger_event(migrator_on(migrator), migrator->set->name,
		                                     row->version, "resume", choices[migrator->unknown_step], err);
		if (status != HF_OK)
			return status;
		if (row->down)
			return finish_down(migrator, row, err);
		if (!migration)
			return error_set(err, HF_NOT_FOUND, "migration %s (%s) is half applied, its file is missing",
			                 row->version, row->name);
		return apply_entry(migrator, migration, row, err);
	}
	return error_set(err, HF_NOT_FOUND, "no migration of set \"%s\" is half applied", migrator->set->name);
}

enum hf_status hf_migrate_resume(hf_connection *connection, const hf_migrations *set,
                                 enum hf_migrate_unknown_step choice, const struct hf_migrate_options *options,
                                 struct hf_migrate_report *ret_report, hf_error *err)
{
	const struct request request = {connection, set, options, choice};
	return locked_run(&request, run_resume, NULL, ret_report, err);
}

/* ---- accept ---- */

struct acceptance {
	const char *version;
	const char *reason;
	const struct migrator *migrator;
	const struct hf_migration *migration;
};

static enum hf_status write_acceptance(hf_where tx, void *user, hf_error *err)
{
	const struct acceptance *acceptance = user;
	const char *set = acceptance->migrator->set->name;
	enum hf_status status = ledger_event(tx, set, acceptance->version, "accept", acceptance->reason, err);
	return status == HF_OK ? ledger_accept(tx, set, acceptance->migration, err) : status;
}

static enum hf_status run_accept(struct migrator *migrator, const struct plan *plan, void *user, hf_error *err)
{
	struct acceptance *acceptance = user;
	acceptance->migrator = migrator;
	acceptance->migration = hf_migrations_find(migrator->set, acceptance->version);
	if (!acceptance->migration)
		return error_set(err, HF_NOT_FOUND, "set \"%s\" has no migration %s", migrator->set->name,
		                 acceptance->version);
	acceptance->version = acceptance->migration->version;
	for (size_t i = 0; i < plan->status.count; i++) {
		const struct ledger_row *row = plan->rows[i];
		if (plan->status.entries[i].migration != acceptance->migration || !row || !plan_row_is_applied(row))
			continue;
		acceptance->version = row->version;
		return migrator_transaction(migrator_on(migrator), 0, write_acceptance, acceptance, err);
	}
	return error_set(err, HF_NOT_FOUND, "migration %s is not applied", acceptance->version);
}

enum hf_status hf_migrate_accept(hf_connection *connection, const hf_migrations *set, const char *version,
                                 const char *reason, const struct hf_migrate_options *options, hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	struct acceptance acceptance = {.version = version, .reason = reason};
	if (!reason || !reason[0])
		return error_set(err, HF_E_USAGE, "accepting an edit needs a reason, which is kept in the ledger");
	return locked_run(&request, run_accept, &acceptance, NULL, err);
}
