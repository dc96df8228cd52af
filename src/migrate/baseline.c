/*
 * baseline.c - hf_migrate_baseline(): take over a database that was made by other means.
 *
 * The set is replayed into an empty scratch database; every object that stands there must stand in the database too,
 * with the same definition, and the verify sections must agree. Only then are the rows written, in one transaction.
 */
#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "holdfast/transaction.h"
#include "migrate/catalog.h"
#include "migrate/locked.h"

struct baseline {
	hf_connection *reference;
	hf_arena *arena; /* the caller's: lines of differences */
	const char *version;
	uint64_t number;
	struct migrator *migrator;
	const struct plan *plan;
	struct findings findings;
	struct hf_str_array *ret_differences;
};

/* To be recorded: an `up` that came first may have applied some, until it met what is there already. */
static bool is_missing(const struct baseline *baseline, size_t i)
{
	const struct hf_migration *migration = baseline->plan->status.entries[i].migration;
	const struct ledger_row *row = baseline->plan->rows[i];
	return migration && migration->kind == HF_MIGRATION_VERSIONED && migration->number <= baseline->number &&
	       !(row && (row->state == HF_MIGRATION_APPLIED || row->state == HF_MIGRATION_ACCEPTED));
}

static bool is_under_way(const struct ledger_row *row)
{
	return row && (row->state == HF_MIGRATION_RUNNING ||
	               (row->state == HF_MIGRATION_FAILED && (row->down || row->steps_done > 0)));
}

static enum hf_status refuse_used(const struct baseline *baseline, hf_error *err)
{
	const struct plan *plan = baseline->plan;
	size_t missing = 0, shown = plan->status.count;
	for (size_t i = 0; i < plan->status.count; i++) {
		missing += is_missing(baseline, i);
		if (is_under_way(plan->rows[i]) || (plan->rows[i] && shown == plan->status.count))
			shown = i;
	}
	if (shown == plan->status.count || (missing > 0 && !is_under_way(plan->rows[shown])))
		return HF_OK;
	error_set(err, HF_CONFLICT, "the ledger already has migration %s of set \"%s\" (%s)",
	          plan->status.entries[shown].version, baseline->migrator->set->name,
	          hf_migration_state_word(plan->status.entries[shown].state));
	error_hint(err, is_under_way(plan->rows[shown])
	                        ? "finish it first: holdfast migrate up"
	                        : "a baseline records what the ledger lacks; to take edited files as they are: accept");
	return HF_CONFLICT;
}

static enum hf_status pick_version(struct baseline *baseline, const hf_migrations *set, hf_error *err)
{
	const struct hf_migration *chosen = NULL;
	if (baseline->version)
		chosen = hf_migrations_find(set, baseline->version);
	for (size_t i = 0; !baseline->version && i < set->nversioned && set->migrations[i].adopt; i++)
		chosen = &set->migrations[i];
	if (!chosen || chosen->kind != HF_MIGRATION_VERSIONED)
		return error_set(err, HF_NOT_FOUND, "set \"%s\" has no migration %s", set->name,
		                 baseline->version ? baseline->version : "at all");
	baseline->version = chosen->version;
	baseline->number = chosen->number;
	return HF_OK;
}

static enum hf_status refuse_filled(struct baseline *baseline, hf_arena *arena, hf_error *err)
{
	struct catalog catalog;
	enum hf_status status = catalog_read(baseline->reference, false, arena, &catalog, err);
	if (status == HF_OK && catalog.count > 0)
		return error_set(err, HF_E_USAGE, "the scratch database for the comparison is not empty: %.*s %.*s",
		                 STR_ARG(catalog.objects[0].kind), STR_ARG(catalog.objects[0].name));
	return status;
}

/* Replay, read both catalogs, compare. */
static enum hf_status compare(struct baseline *baseline, hf_error *err)
{
	struct migrator *migrator = baseline->migrator;
	struct hf_migrate_options replay = migrator->options;
	struct catalog expected, found;
	replay.to = baseline->version;
	replay.count = 0;
	replay.progress = NULL;
	replay.role = NULL;
	enum hf_status status = refuse_filled(baseline, migrator->arena, err);
	if (status == HF_OK)
		status = hf_migrate_up(baseline->reference, migrator->set, &replay, NULL, err);
	if (status != HF_OK) {
		error_prefix(err, "could not replay the set into the scratch database");
		return status;
	}
	status = catalog_read(baseline->reference, false, migrator->arena, &expected, err);
	if (status == HF_OK)
		status = catalog_read(migrator->connection, true, migrator->arena, &found, err);
	if (status == HF_OK)
		catalog_compare(&expected, &found, &baseline->findings);
	return status;
}

static enum hf_status verify_up_to(struct baseline *baseline, hf_error *err)
{
	const hf_migrations *set = baseline->migrator->set;
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < set->nversioned && set->migrations[i].number <= baseline->number; i++)
		status = verify_migration(baseline->migrator, &set->migrations[i], &baseline->findings, err);
	return status;
}

static enum hf_status write_rows(hf_where tx, void *user, hf_error *err)
{
	const struct baseline *baseline = user;
	const struct migrator *migrator = baseline->migrator;
	const char *set = migrator->set->name;
	const struct ledger_author author = {migrator->options.app_version, migrator->backend_pid};
	enum hf_status status = ledger_event(tx, set, baseline->version, "baseline", "", err);
	for (size_t i = 0; status == HF_OK && i < baseline->plan->status.count; i++) {
		const struct hf_migration *migration = baseline->plan->status.entries[i].migration;
		if (!is_missing(baseline, i))
			continue;
		status = ledger_begin_up(tx, set, migration, &author, err);
		if (status == HF_OK)
			status = ledger_finish(tx, set, migration->version, HF_MIGRATION_APPLIED, 0, err);
	}
	return status;
}

static enum hf_status run_baseline(struct migrator *migrator, const struct plan *plan, void *user, hf_error *err)
{
	struct baseline *baseline = user;
	baseline->migrator = migrator;
	baseline->plan = plan;
	enum hf_status status = pick_version(baseline, migrator->set, err);
	if (status == HF_OK)
		status = refuse_used(baseline, err);
	if (status == HF_OK)
		status = compare(baseline, err);
	if (status == HF_OK)
		status = verify_up_to(baseline, err);
	if (status == HF_OK)
		status = findings_end(&baseline->findings, baseline->ret_differences,
		                      "the database does not have what the migrations make", err);
	if (status == HF_OK)
		status = migrator_transaction(migrator_on(migrator), 0, write_rows, baseline, err);
	return status;
}

enum hf_status hf_migrate_baseline(hf_connection *connection, hf_connection *reference, const hf_migrations *set,
                                   const char *version, const struct hf_migrate_options *options, hf_arena *arena,
                                   struct hf_str_array *ret_differences, hf_error *err)
{
	const struct request request = {connection, set, options, HF_STEP_ASK};
	struct baseline baseline = {.reference = reference,
	                            .arena = arena,
	                            .version = version,
	                            .findings = {.arena = arena},
	                            .ret_differences = ret_differences};
	return locked_run(&request, run_baseline, &baseline, NULL, err);
}
