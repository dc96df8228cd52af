/*
 * locked.c - the frame of locked.h. The ledger is read only after the lock is ours: what another migrator did
 * meanwhile is seen.
 */
#include "migrate/locked.h"

enum hf_status locked_plan(struct migrator *migrator, struct plan *ret_plan, hf_error *err)
{
	return plan_read(migrator_on(migrator), migrator->set, migrator->arena, ret_plan, err);
}

static void fill_version(struct migrator *migrator, struct hf_migrate_report *ret_report)
{
	struct plan plan;
	if (locked_plan(migrator, &plan, NULL) == HF_OK) {
		const struct hf_migration *newest = hf_migrations_find(migrator->set, plan.status.applied);
		migrator->report.version = newest ? newest->version : "";
	}
	*ret_report = migrator->report;
}

enum hf_status locked_run(const struct request *request, request_fn *fn, void *user,
                          struct hf_migrate_report *ret_report, hf_error *err)
{
	struct migrator storage = {0};
	CLEANUP(migrator_freep) struct migrator *migrator = &storage;
	struct plan plan;
	int64_t started = hf_now_monotonic_us(hf_where_context(hf_on_connection(request->connection)));
	enum hf_status status = migrator_begin(migrator, request->connection, request->set, request->options, err);
	migrator->unknown_step = request->unknown_step;
	if (status == HF_OK)
		status = migrator_enter(migrator, err);
	if (status == HF_OK)
		status = locked_plan(migrator, &plan, err);
	if (status == HF_OK)
		status = fn(migrator, &plan, user, err);
	if (status == HF_OK && ret_report) {
		migrator->report.elapsed_us = hf_now_monotonic_us(migrator->ctx) - started;
		fill_version(migrator, ret_report);
	}
	return status;
}
