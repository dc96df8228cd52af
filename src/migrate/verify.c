/*
 * verify.c - hf_migrate_verify(): edits since the files were applied, and their verify sections once more.
 *
 * Changes nothing and takes no lock: each verify section runs in a transaction that is rolled back whatever it says.
 */
#include "base/error.h"
#include "base/str.h"
#include "holdfast/transaction.h"
#include "migrate/findings.h"
#include "migrate/locked.h"

struct check {
	struct migrator *migrator;
	struct findings *findings;
};

static enum hf_status run_check(hf_where tx, void *user, hf_error *err)
{
	struct check *check = user;
	hf_error own = HF_ERROR_INIT;
	enum hf_status status = session_settings(check->migrator, tx, true, err);
	if (status != HF_OK)
		return status;
	status = apply_verify(check->migrator, check->migrator->job, tx, &own);
	bool answered = status == HF_E_FAILED || own.sqlstate[0];
	if (answered)
		findings_add(check->findings, "%s", own.message);
	else if (status != HF_OK && err)
		*err = own;
	return answered || status == HF_OK ? HF_STOP : status;
}

enum hf_status verify_migration(struct migrator *migrator, const struct hf_migration *migration,
                                struct findings *findings, hf_error *err)
{
	struct check check = {migrator, findings};
	if (migration->nverify == 0)
		return HF_OK;
	struct job job = apply_job_up(migrator, migration, NULL);
	migrator->job = &job;
	enum hf_status status =
	        migrator_transaction(session_transaction(migrator), 1, run_check, &check, err);
	migrator->job = NULL;
	return status == HF_STOP ? HF_OK : status;
}

static void see_entry(const struct hf_migration_status *entry, struct findings *findings)
{
	if (entry->edit != HF_EDIT_NONE)
		findings_add(findings, "%s was edited after it was applied: %s, from line %u of its way up on",
		             entry->migration->file,
		             entry->edit == HF_EDIT_SQL        ? "its SQL differs"
		             : entry->edit == HF_EDIT_COMMENTS ? "only comments differ"
		                                               : "only blanks differ",
		             entry->edit_line);
	if (!entry->migration)
		findings_add(findings, "the database has migration %s (%s), which this set lacks", entry->version,
		             entry->name);
}

static enum hf_status verify_all(struct migrator *migrator, struct findings *findings, hf_error *err)
{
	struct plan plan;
	enum hf_status status = locked_plan(migrator, &plan, err);
	for (size_t i = 0; status == HF_OK && i < plan.status.count; i++) {
		const struct hf_migration_status *entry = &plan.status.entries[i];
		see_entry(entry, findings);
		if (entry->migration && !entry->pending)
			status = verify_migration(migrator, entry->migration, findings, err);
	}
	return status;
}

enum hf_status hf_migrate_verify(hf_connection *connection, const hf_migrations *set,
                                 const struct hf_migrate_options *options, hf_arena *arena,
                                 struct hf_str_array *ret_findings, hf_error *err)
{
	struct migrator storage = {0};
	CLEANUP(migrator_freep) struct migrator *migrator = &storage;
	struct findings findings = {.arena = arena};
	enum hf_status status = migrator_begin(migrator, connection, set, options, err);
	if (status == HF_OK)
		status = verify_all(migrator, &findings, err);
	if (status != HF_OK)
		return status;
	return findings_end(&findings, ret_findings, "the database differs from the migrations", err);
}
