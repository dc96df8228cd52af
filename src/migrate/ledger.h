/*
 * ledger.h - the tables in schema `holdfast` that say what was applied: the only statements of our own here.
 *
 *   holdfast.migration        one row per (set, version): state, texts, checksums, who, when, needs, the last error
 *   holdfast.migration_step   tx=no only: one row per statement
 *   holdfast.migration_event  what was done by hand (accept, baseline, revert, ...); only ever appended to
 *   holdfast.migration_meta   the layout number of these tables
 *
 * All writes happen under the migrators' lock. The functions run where they are told: inside the migration's
 * transaction, or on the bare connection as a short transaction of their own.
 */
#ifndef MIGRATE_LEDGER_H
#define MIGRATE_LEDGER_H

#include "base/arena.h"
#include "holdfast/migrate.h"

enum { LEDGER_LAYOUT = 2, LEDGER_ROWS_MAX = 200000 };

struct ledger_row {
	const char *version;
	const char *name;
	const char *applied_by;
	const char *error;       /* "" = none */
	const char *search_path;
	enum hf_migration_kind kind;
	enum hf_migration_phase phase;
	enum hf_migration_state state;
	bool tx;
	bool down;               /* running or failed on its way down */
	uint64_t number;         /* 0 when repeatable */
	uint8_t checksum[HF_MIGRATION_DIGEST_BYTES];
	struct hf_str up_sql;
	struct hf_str down_sql;  /* ptr NULL = irreversible */
	int64_t started_us;
	int64_t duration_us;
	uint32_t steps_done;
};

struct ledger_rows {
	struct ledger_row *rows; /* by number, repeatable ones last */
	size_t count;
};

/** The layout of the tables there; 0 = none. */
enum hf_status ledger_layout(hf_where where, int64_t *ret_layout, hf_error *err);
/** Create or upgrade the tables. Under the lock. HF_E_DRIFT when a newer program made them. */
enum hf_status ledger_prepare(hf_connection *connection, hf_error *err);
/** The rows of a set; none when there are no tables. */
enum hf_status ledger_read(hf_where where, const char *set, hf_arena *arena, struct ledger_rows *ret_rows,
                           hf_error *err);
/** The row of that version (compared as a number), or NULL. */
const struct ledger_row *ledger_find(const struct ledger_rows *rows, const char *version);

/* What a write of a row needs to know besides the migration. */
struct ledger_author {
	const char *app_version;
	int64_t backend_pid;
};
/** The row says "running" from now on. */
enum hf_status ledger_begin_up(hf_where where, const char *set, const struct hf_migration *migration,
                               const struct ledger_author *author, hf_error *err);
enum hf_status ledger_begin_down(hf_where where, const char *set, const char *version, hf_error *err);
enum hf_status ledger_finish(hf_where where, const char *set, const char *version, enum hf_migration_state state,
                             int64_t duration_us, hf_error *err);
enum hf_status ledger_fail(hf_where where, const char *set, const char *version, const char *error, hf_error *err);
/** Write the file's texts and checksums into a row that is there; state becomes `accepted`. */
enum hf_status ledger_accept(hf_where where, const char *set, const struct hf_migration *migration, hf_error *err);
enum hf_status ledger_event(hf_where where, const char *set, const char *version, const char *action,
                            const char *reason, hf_error *err);

/* ---- steps of tx=no ---- */

enum step_state { STEP_NONE = 0, STEP_STARTED, STEP_FAILED, STEP_DONE };
struct ledger_step {
	enum step_state state;
	uint8_t checksum[HF_MIGRATION_DIGEST_BYTES]; /* of the statement's code form */
};
/** `steps` has room for `count`; what is not recorded stays STEP_NONE. HF_E_CORRUPT when more are done than count. */
enum hf_status ledger_read_steps(hf_where where, const char *set, const char *version, bool down,
                                 struct ledger_step *steps, size_t count, hf_error *err);
enum hf_status ledger_step(hf_where where, const char *set, const char *version, bool down, size_t n,
                           const struct ledger_step *step, hf_error *err);
enum hf_status ledger_forget_steps(hf_where where, const char *set, const char *version, hf_error *err);

#endif
