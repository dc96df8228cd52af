/*
 * locked.h - the frame of every call that changes the database: lock, read the ledger, do it, report, let go.
 */
#ifndef MIGRATE_LOCKED_H
#define MIGRATE_LOCKED_H

#include "migrate/migrator.h"
#include "migrate/plan.h"

struct request {
	hf_connection *connection;
	const hf_migrations *set;
	const struct hf_migrate_options *options;
	enum hf_migrate_unknown_step unknown_step;
};

typedef enum hf_status request_fn(struct migrator *migrator, const struct plan *plan, void *user, hf_error *err);

/** Call `fn` under the lock with what the ledger says then. `ret_report` may be NULL. */
enum hf_status locked_run(const struct request *request, request_fn *fn, void *user,
                          struct hf_migrate_report *ret_report, hf_error *err);
/** What the ledger says by now. */
enum hf_status locked_plan(struct migrator *migrator, struct plan *ret_plan, hf_error *err);

DEFINE_OWNED(migrator, struct migrator *, migrator_end)

#endif
