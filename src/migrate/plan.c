/*
 * plan.c - merging a set with its ledger rows; hf_migrate_status() and hf_migrate_check() stand on it.
 */
#include "migrate/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "migrate/digest.h"

const char *hf_migration_edit_word(enum hf_migration_edit edit)
{
	static const char *const words[] = {"none", "whitespace", "comments", "sql"};
	return (size_t)edit < ARRAY_LEN(words) ? words[edit] : "unknown";
}

bool plan_row_is_applied(const struct ledger_row *row)
{
	return row->state == HF_MIGRATION_APPLIED || row->state == HF_MIGRATION_ACCEPTED ||
	       (row->tx && row->down && row->state != HF_MIGRATION_REVERTED);
}

static void copy_row(const struct ledger_row *row, struct hf_migration_status *entry)
{
	entry->state = row->state;
	entry->reversible = row->down_sql.ptr != NULL;
	entry->down = row->down;
	entry->started_us = row->started_us;
	entry->duration_us = row->duration_us;
	entry->applied_by = row->applied_by;
	entry->error = row->error;
	entry->steps_done = row->steps_done;
}

static struct hf_migration_status known_entry(const struct hf_migration *migration, const struct ledger_row *row)
{
	struct hf_migration_status entry = {.migration = migration,
	                                    .version = migration->version,
	                                    .name = migration->name,
	                                    .applied_by = "",
	                                    .error = ""};
	if (row)
		copy_row(row, &entry);
	entry.pending = !row || !plan_row_is_applied(row);
	if (entry.pending)
		return entry;
	bool same = memcmp(row->checksum, migration->checksum, sizeof(row->checksum)) == 0;
	if (migration->kind == HF_MIGRATION_REPEATABLE)
		entry.pending = !same;
	else if (!same)
		entry.edit = text_compare(row->up_sql, migration->up, &entry.edit_line);
	return entry;
}

static struct hf_migration_status unknown_entry(const struct ledger_row *row, bool newer)
{
	struct hf_migration_status entry = {.version = row->version, .name = row->name};
	copy_row(row, &entry);
	entry.newer = newer;
	entry.contract = row->phase == HF_PHASE_CONTRACT;
	return entry;
}

static void count_entry(struct hf_migrate_status *status, struct hf_migration_status *entry, uint64_t newest)
{
	bool unknown = !entry->migration;
	entry->out_of_order = !unknown && entry->pending && entry->migration->kind == HF_MIGRATION_VERSIONED &&
	                      entry->migration->number < newest;
	status->pending += entry->pending;
	status->edited += entry->edit == HF_EDIT_SQL;
	status->unknown += unknown;
	status->unknown_newer_expand += unknown && entry->newer && !entry->contract;
	status->out_of_order += entry->out_of_order;
	status->failed += entry->state == HF_MIGRATION_FAILED;
}

struct merge {
	const hf_migrations *set;
	const struct ledger_rows *rows;
	struct hf_migration_status *entries;
	const struct ledger_row **row_of;
	size_t count;
};

static void add_known(struct merge *merge, const struct hf_migration *migration)
{
	const struct ledger_row *row = ledger_find(merge->rows, migration->version);
	merge->row_of[merge->count] = row;
	merge->entries[merge->count++] = known_entry(migration, row);
}

/* Rows of versions that the set lacks, in [from, below). Reverted ones are history, not a difference. */
static void add_unknown(struct merge *merge, uint64_t from, uint64_t below, bool newer)
{
	for (size_t i = 0; i < merge->rows->count; i++) {
		const struct ledger_row *row = &merge->rows->rows[i];
		if (row->kind != HF_MIGRATION_VERSIONED || row->number < from || row->number >= below ||
		    row->state == HF_MIGRATION_REVERTED || hf_migrations_find(merge->set, row->version))
			continue;
		merge->row_of[merge->count] = row;
		merge->entries[merge->count++] = unknown_entry(row, newer);
	}
}

static void merge_all(struct merge *merge)
{
	uint64_t at = 0;
	for (size_t i = 0; i < merge->set->nversioned; i++) {
		const struct hf_migration *migration = &merge->set->migrations[i];
		add_unknown(merge, at, migration->number, false);
		add_known(merge, migration);
		at = migration->number;
	}
	add_unknown(merge, at, UINT64_MAX, true);
	for (size_t i = merge->set->nversioned; i < merge->set->count; i++)
		add_known(merge, &merge->set->migrations[i]);
}

enum hf_status plan_make(const hf_migrations *set, const struct ledger_rows *rows, hf_arena *arena,
                         struct plan *ret_plan, hf_error *err)
{
	size_t capacity = set->count + rows->count;
	struct merge merge = {.set = set,
	                      .rows = rows,
	                      .entries = hf_arena_calloc(arena, capacity, sizeof(*merge.entries)),
	                      .row_of = hf_arena_calloc(arena, capacity, sizeof(*merge.row_of))};
	if (!merge.entries || !merge.row_of)
		return error_nomem(err);
	merge_all(&merge);
	uint64_t newest = 0;
	struct hf_migrate_status status = {.count = merge.count, .entries = merge.entries, .applied = ""};
	for (size_t i = 0; i < rows->count; i++)
		if (plan_row_is_applied(&rows->rows[i]) && rows->rows[i].number > newest) {
			newest = rows->rows[i].number;
			status.applied = rows->rows[i].version;
		}
	for (size_t i = 0; i < merge.count; i++)
		count_entry(&status, &merge.entries[i], newest);
	*ret_plan = (struct plan){status, merge.row_of};
	return HF_OK;
}

enum hf_status plan_read(hf_where where, const hf_migrations *set, hf_arena *arena, struct plan *ret_plan,
                         hf_error *err)
{
	struct ledger_rows rows = {0};
	enum hf_status status = ledger_read(where, set->name, arena, &rows, err);
	return status == HF_OK ? plan_make(set, &rows, arena, ret_plan, err) : status;
}

static enum hf_status refuse_edit(const struct hf_migration_status *entry, const struct ledger_row *row, hf_error *err)
{
	char before[2 * HF_MIGRATION_DIGEST_BYTES + 1], after[sizeof(before)];
	digest_hex(row->checksum, before);
	digest_hex(entry->migration->checksum, after);
	error_set(err, HF_E_CORRUPT,
	          "%s was edited after it was applied: its SQL differs from line %u of the section \"-- up\" on "
	          "(applied %.12s, now %.12s)",
	          entry->migration->file, entry->edit_line, before, after);
	error_hint(err,
	           "put the file back and write a new migration; or take the edit as the truth, running "
	           "nothing: holdfast migrate accept %s --reason TEXT",
	           entry->version);
	return HF_E_CORRUPT;
}

static enum hf_status refuse_unknown(const struct hf_migration_status *entry, const char *set, hf_error *err)
{
	error_set(err, HF_DIFFERS, "the database has migration %s (%s) of set \"%s\", which this program lacks",
	          entry->version, entry->name, set);
	error_hint(err, entry->newer ? "it is newer and not of phase expand: use the newer program"
	                             : "it comes from another branch: get its file");
	return HF_DIFFERS;
}

enum hf_status plan_refuse_differences(const struct plan *plan, const char *set, bool allow_unknown, hf_error *err)
{
	for (size_t i = 0; i < plan->status.count; i++) {
		const struct hf_migration_status *entry = &plan->status.entries[i];
		if (entry->edit == HF_EDIT_SQL)
			return refuse_edit(entry, plan->rows[i], err);
		if (!entry->migration && !allow_unknown && (!entry->newer || entry->contract))
			return refuse_unknown(entry, set, err);
	}
	return HF_OK;
}

enum hf_status hf_migrate_status(hf_where where, const hf_migrations *set, hf_arena *arena,
                                 struct hf_migrate_status *ret_status, hf_error *err)
{
	struct plan plan;
	enum hf_status status = plan_read(where, set, arena, &plan, err);
	if (status == HF_OK)
		*ret_status = plan.status;
	return status;
}

enum hf_status hf_migrate_check(hf_where where, const hf_migrations *set, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(SET_BYTES_MAX);
	struct plan plan;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = plan_read(where, set, arena, &plan, err);
	if (status == HF_OK)
		status = plan_refuse_differences(&plan, set->name, false, err);
	if (status == HF_E_CORRUPT) {
		if (err)
			err->status = HF_DIFFERS;
		return HF_DIFFERS;
	}
	if (status != HF_OK || plan.status.pending == 0)
		return status;
	error_set(err, HF_DIFFERS, "%zu migrations of set \"%s\" are pending", plan.status.pending, set->name);
	error_hint(err, "holdfast migrate up");
	return HF_DIFFERS;
}
