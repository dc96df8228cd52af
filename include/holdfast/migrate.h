/*
 * migrate.h - bring a database to the shape that a directory of SQL files describes, and back.
 *
 *     hf_migrations *set;
 *     hf_migrations_embedded(ctx, "janitor", &set, &err);
 *     hf_migrate_up(connection, set, NULL, NULL, &err);
 *
 * A file is VERSION_name.sql (VERSION: an integer or a UTC time, 20260314T101500) or R__name.sql (repeatable: runs
 * again whenever its text changed, after the versioned ones). Its text:
 *
 *     -- migrate: tx=yes lock_timeout=2s statement_timeout=5min phase=expand      (optional; see docs/migrations.md)
 *     -- up
 *     ALTER TABLE app.users ADD COLUMN role text;
 *     -- verify                         optional: each SELECT must answer one row whose first column is true
 *     SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'app.users'::regclass AND attname = 'role';
 *     -- down                           optional: without it the migration cannot be reverted
 *     ALTER TABLE app.users DROP COLUMN role;
 *
 * The ledger stands in schema `holdfast` of the same database and serves all sets. With tx=yes (the default) a file,
 * its verify section and its ledger row are one transaction: all or nothing. With tx=no each statement is recorded on
 * its own and the next run goes on at the first unfinished one. There is no "dirty" state that a human must clear.
 *
 * One migrator per database works at a time: a session advisory lock, polled outside transactions, lost with the
 * session. Every call that changes something takes it; a second migrator waits, reads the ledger again and finds the
 * work done. `connection` must be a session of its own for the time of the call (no transaction-pooling proxy): its
 * notice callback is replaced and then cleared, its settings are RESET between files.
 *
 * Statuses shared by the calls: HF_TIMEOUT the lock was not free within lock_wait_ms, or a table lock was not to be
 * had in lock_tries_max tries; HF_E_CORRUPT a file was edited after it was applied; HF_DIFFERS the ledger holds
 * versions that the set lacks; HF_REJECTED a rule refuses (out of order, irreversible, standby, needs=); HF_E_DENIED
 * the role lacks a privilege (SQLSTATE 42501; message and hint are the server's); HF_E_INPUT a malformed file
 * (file:line);
 * HF_E_OUTCOME_UNKNOWN the connection was lost at COMMIT: run again, the ledger knows.
 *
 * Threads: a set may be used by several threads at a time; a connection by one.
 */
#ifndef HOLDFAST_MIGRATE_H
#define HOLDFAST_MIGRATE_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_MIGRATION_DIGEST_BYTES 32 /* SHA-256 */

typedef struct hf_migrations hf_migrations;

enum hf_migration_kind { HF_MIGRATION_VERSIONED = 1, HF_MIGRATION_REPEATABLE };
/* What a rolling deploy may meet: `expand` leaves older programs working, `contract` does not. */
enum hf_migration_phase { HF_PHASE_EXPAND = 1, HF_PHASE_MIGRATE, HF_PHASE_CONTRACT };

struct hf_migration_statement {
	struct hf_str sql; /* without the semicolon; not NUL-terminated */
	uint32_t line;     /* of its first word, in the file */
};

/* A file, read and checked. Everything lives as long as the set. Texts have LF line ends and no byte order mark. */
struct hf_migration {
	const char *version; /* as in the file name; "R__name" when repeatable */
	const char *name;
	const char *file;    /* base name */
	uint64_t number;     /* the version as a number (20260314T101500 = 20260314101500); 0 when repeatable */
	enum hf_migration_kind kind;
	enum hf_migration_phase phase;
	bool tx;
	bool out_of_order;   /* the file says out_of_order=yes: may run after newer ones */
	bool adopt;          /* false, the file says adopt=no: no database that was made without us can have it */
	int64_t lock_timeout_ms;      /* -1 = not said */
	int64_t statement_timeout_ms; /* -1 = not said */
	const char *search_path;      /* "public" unless said otherwise */
	const char *needs;            /* "SET:VERSION", which must be applied before it, and stay; "" = nothing */
	struct hf_str up;
	struct hf_str down;  /* ptr NULL without a down section */
	const struct hf_migration_statement *statements; /* of `up` */
	size_t nstatements;
	const struct hf_migration_statement *verify;
	size_t nverify;
	uint8_t checksum[HF_MIGRATION_DIGEST_BYTES];     /* of `up` without trailing blanks: decides */
	uint8_t checksum_raw[HF_MIGRATION_DIGEST_BYTES]; /* of the file's bytes */
	uint8_t chain[HF_MIGRATION_DIGEST_BYTES];        /* over this and all before it */
};

/**
 * The set of that name that was built in: "janitor", "kv". HF_NOT_FOUND names the known ones. Objects of "kv" bear
 * names that are chosen: "kv:SCHEMA.TABLE" is the instance for that table (what is not of a-z, 0-9 and _ stands in
 * double quotes), "kv" the one for public.state_entries. Each is a set of its own in the ledger, under that name.
 */
enum hf_status hf_migrations_embedded(hf_context *ctx, const char *name, hf_migrations **ret_set, hf_error *err);
/** The same with the names as they are: schema and table for "kv". HF_E_INPUT for what cannot be a name (empty, too
 *  long with what is appended to it, not UTF-8), HF_E_USAGE for another number of them. */
enum hf_status hf_migrations_instance(hf_context *ctx, const char *name, const struct hf_str *names, size_t count,
                                      hf_migrations **ret_set, hf_error *err);
/**
 * The .sql files of a directory as set `name` (a name of a-z, 0-9, '_' and '-'; NULL = "default"). Where a file
 * migrations.sum stands beside them it must match (HF_E_CORRUPT names the first file that does not).
 * @return HF_OK; HF_NOT_FOUND no such directory; HF_E_INPUT a malformed file or a version that occurs twice.
 */
enum hf_status hf_migrations_open(hf_context *ctx, const char *name, const char *directory, hf_migrations **ret_set,
                                  hf_error *err);
void hf_migrations_free(hf_migrations *set);
/** The names of the sets that were built in, in alphabetical order; NULL from their number on. */
const char *hf_migrations_embedded_name(size_t index);
const char *hf_migrations_name(const hf_migrations *set);
/** Versioned ones in ascending order, then the repeatable ones in the order in which they run. */
size_t hf_migrations_count(const hf_migrations *set);
const struct hf_migration *hf_migrations_get(const hf_migrations *set, size_t index);
/** The one of that version ("1" finds "0001"), or NULL. */
const struct hf_migration *hf_migrations_find(const hf_migrations *set, const char *version);
/** 64 hexadecimal digits that change whenever any file's SQL does: the key of a template database. */
const char *hf_migrations_chain(const hf_migrations *set);
/** The content that migrations.sum should have: a line "<chain>  <file>" per file. ptr NULL when memory is short. */
struct hf_str hf_migrations_sum(const hf_migrations *set, hf_arena *arena);
/** Write migrations.sum for the files of a directory as they are; the old one stays until the new one is complete. */
enum hf_status hf_migrations_write_sum(hf_context *ctx, const char *directory, hf_error *err);

/* ---- running ---- */

enum hf_migrate_event_kind {
	HF_MIGRATE_WAITING = 1, /* text: who holds the lock */
	HF_MIGRATE_BEGIN,       /* a file; count = its statements */
	HF_MIGRATE_STATEMENT,   /* statement `index` of `count` is about to run: line, sql */
	HF_MIGRATE_DONE,        /* statement `index` is done: elapsed_us */
	HF_MIGRATE_NOTICE,      /* notice */
	HF_MIGRATE_RETRY,       /* text: why; index = number of the try that failed */
	HF_MIGRATE_CLEANUP,     /* text: what a killed run had left and was removed */
	HF_MIGRATE_WARNING,     /* text */
	HF_MIGRATE_END          /* the file is applied or reverted: elapsed_us */
};

struct hf_migrate_event {
	enum hf_migrate_event_kind kind;
	const char *set;
	const char *version; /* "" before the first file */
	const char *file;    /* "" when only the ledger knows it */
	bool down;
	size_t index;        /* from 1 */
	size_t count;
	uint32_t line;
	struct hf_str sql;
	int64_t elapsed_us;
	const char *text;
	const struct hf_notice *notice;
};
/** Borrowed for the call; must not use the connection. */
typedef void hf_migrate_progress_fn(void *user, const struct hf_migrate_event *event);

struct hf_migrate_options {
	size_t size;
	const char *to;               /* up: last version to apply; down: oldest version to keep; NULL = see the call */
	uint32_t count;               /* up and down: at most this many files; 0 = no bound (down without `to`: 1) */
	int64_t lock_wait_ms;         /* 0 = 60,000: for the migrators' lock */
	int64_t lock_timeout_ms;      /* 0 = 2,000: for a table's lock, per try */
	uint32_t lock_tries_max;      /* 0 = 10 */
	int64_t statement_timeout_ms; /* 0 = 3,600,000 */
	bool out_of_order;            /* up: apply versions older than the newest applied one too */
	bool allow_unknown;           /* up: go on although the ledger holds versions that the set lacks */
	const char *role;             /* SET ROLE for everything, the ledger included; NULL = the login role */
	const char *app_version;      /* recorded; NULL = "" */
	hf_migrate_progress_fn *progress;
	void *user;
};

struct hf_migrate_report {
	size_t applied;
	size_t reverted;
	int64_t elapsed_us;
	const char *version; /* newest applied one afterwards, borrowed from the set; "" when none */
};

/** Apply what is pending. Nothing pending: HF_OK, two round trips, no lock. `ret_report` may be NULL. */
enum hf_status hf_migrate_up(hf_connection *connection, const hf_migrations *set,
                             const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                             hf_error *err);
/** Revert the newest one (or `count`, or all newer than `to`) with the down SQL that the ledger holds: the files need
 *  not be there any more. HF_REJECTED when one has none; then nothing was reverted. */
enum hf_status hf_migrate_down(hf_connection *connection, const hf_migrations *set,
                               const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                               hf_error *err);
/** Up or down until `version` is the newest one; "0" reverts everything. HF_NOT_FOUND for an unknown version. */
enum hf_status hf_migrate_to(hf_connection *connection, const hf_migrations *set, const char *version,
                             const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                             hf_error *err);
/** Revert the newest one and apply it again. */
enum hf_status hf_migrate_redo(hf_connection *connection, const hf_migrations *set,
                               const struct hf_migrate_options *options, struct hf_migrate_report *ret_report,
                               hf_error *err);

/* What to do about a statement of a tx=no file that was started and whose outcome nobody can tell (a CALL that
 * commits inside, CREATE DATABASE, ...). Index builds, VACUUM and everything that fits in a transaction never ask. */
enum hf_migrate_unknown_step { HF_STEP_ASK = 0, HF_STEP_DONE, HF_STEP_REPEAT };
/** Finish the one interrupted tx=no migration and nothing else. HF_NOT_FOUND when there is none. */
enum hf_status hf_migrate_resume(hf_connection *connection, const hf_migrations *set,
                                 enum hf_migrate_unknown_step choice, const struct hf_migrate_options *options,
                                 struct hf_migrate_report *ret_report, hf_error *err);
/** Take the edited text of an applied migration as the truth; runs nothing; audited with `reason`. */
enum hf_status hf_migrate_accept(hf_connection *connection, const hf_migrations *set, const char *version,
                                 const char *reason, const struct hf_migrate_options *options, hf_error *err);

/**
 * Adopt a database that was made without us: record everything up to `version` (NULL = the newest before the first one
 * that says adopt=no) as applied, run nothing. `reference` is a session with an empty scratch database, into which the
 * set is replayed first: every type, table, column, constraint, view, function and trigger that stands there must stand
 * in the database too (more is fine). What the ledger has as applied stays: an `up` may have come that far before it
 * met what is there. @return HF_OK; HF_DIFFERS with `*ret_differences` (lines in the arena); HF_CONFLICT the ledger has
 * all of them, or one that is under way.
 */
enum hf_status hf_migrate_baseline(hf_connection *connection, hf_connection *reference, const hf_migrations *set,
                                   const char *version, const struct hf_migrate_options *options, hf_arena *arena,
                                   struct hf_str_array *ret_differences, hf_error *err);

/* ---- looking ---- */

enum hf_migration_state {
	HF_MIGRATION_PENDING = 0, HF_MIGRATION_RUNNING, HF_MIGRATION_APPLIED, HF_MIGRATION_FAILED,
	HF_MIGRATION_REVERTED, HF_MIGRATION_ACCEPTED
};
enum hf_migration_edit { HF_EDIT_NONE = 0, HF_EDIT_WHITESPACE, HF_EDIT_COMMENTS, HF_EDIT_SQL };

struct hf_migration_status {
	const struct hf_migration *migration; /* NULL: the ledger knows it, the set does not */
	const char *version;
	const char *name;
	enum hf_migration_state state; /* as the ledger has it */
	bool pending;                  /* the next `up` runs it */
	bool newer;                    /* unknown and newer than all of the set */
	bool contract;                 /* unknown ones: its phase is `contract` */
	bool out_of_order;             /* pending and older than the newest applied one */
	bool reversible;               /* the ledger holds down SQL */
	bool down;                     /* running or failed while it was being reverted */
	enum hf_migration_edit edit;   /* what was edited since it was applied; NONE for repeatable ones */
	uint32_t edit_line;            /* first line of `up` that differs, from 1; 0 = none */
	int64_t started_us;            /* since 1970; 0 = never */
	int64_t duration_us;
	const char *applied_by;
	const char *error;             /* of the last try; "" = none */
	uint32_t steps_done;           /* tx=no */
};

struct hf_migrate_status {
	size_t count;
	const struct hf_migration_status *entries; /* in the set's order, unknown ones in between */
	size_t pending;
	size_t edited;        /* HF_EDIT_SQL only */
	size_t unknown;
	size_t unknown_newer_expand; /* newer than the set and not `contract`: a rolling deploy may meet them */
	size_t out_of_order;
	size_t failed;
	const char *applied;  /* newest applied version, "" = none */
};

/** What the ledger says against the set. Changes nothing; three round trips. The answer lives in the arena. */
enum hf_status hf_migrate_status(hf_where where, const hf_migrations *set, hf_arena *arena,
                                 struct hf_migrate_status *ret_status, hf_error *err);
/** For readiness: HF_OK when every migration is applied, none edited and no unknown one is in the way (newer ones of
 *  phase expand or migrate are not); HF_DIFFERS with a message that says what. */
enum hf_status hf_migrate_check(hf_where where, const hf_migrations *set, hf_error *err);

/** Check edits, and run the verify sections of everything applied (each in a transaction that is rolled back).
 *  HF_DIFFERS with `*ret_findings` (lines in the arena). */
enum hf_status hf_migrate_verify(hf_connection *connection, const hf_migrations *set,
                                 const struct hf_migrate_options *options, hf_arena *arena,
                                 struct hf_str_array *ret_findings, hf_error *err);

enum hf_lint_level { HF_LINT_WARNING = 1, HF_LINT_ERROR };
struct hf_lint_finding {
	const char *rule; /* "L08" */
	enum hf_lint_level level;
	const struct hf_migration *migration;
	uint32_t line;
	const char *message; /* what and why */
	const char *hint;    /* what to write instead */
};
/** Statements that lock or rewrite tables for long, lose data or break running programs. No server. A comment
 *  `-- lint:allow L08 "reason"` before or in a statement silences one rule for it. The array is in the arena. */
enum hf_status hf_migrations_lint(const hf_migrations *set, hf_arena *arena,
                                  const struct hf_lint_finding **ret_findings, size_t *ret_count, hf_error *err);

const char *hf_migration_state_word(enum hf_migration_state state);
const char *hf_migration_edit_word(enum hf_migration_edit edit);

#ifdef __cplusplus
}
#endif
#endif
