/*
 * plan.h - the set against the ledger: what is applied, pending, edited, unknown. No changes.
 */
#ifndef MIGRATE_PLAN_H
#define MIGRATE_PLAN_H

#include "migrate/ledger.h"
#include "migrate/set.h"

struct plan {
	struct hf_migrate_status status;
	const struct ledger_row **rows; /* of each entry; NULL = never tried */
};

/** Applied as far as the database's objects go: a failed or killed way down in a transaction changed nothing. */
bool plan_row_is_applied(const struct ledger_row *row);
/** Merge set and rows. Everything lives in the arena. */
enum hf_status plan_make(const hf_migrations *set, const struct ledger_rows *rows, hf_arena *arena,
                         struct plan *ret_plan, hf_error *err);
/** Read the ledger and merge. */
enum hf_status plan_read(hf_where where, const hf_migrations *set, hf_arena *arena, struct plan *ret_plan,
                         hf_error *err);
/** Refuse edited SQL (HF_E_CORRUPT), and unknown versions that are not newer and `expand` (HF_DIFFERS). */
enum hf_status plan_refuse_differences(const struct plan *plan, const char *set, bool allow_unknown, hf_error *err);

#endif
