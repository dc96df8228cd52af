/*
 * split.h - a script into statements, and what the first words of a statement tell about it.
 *
 * Semicolons split, except in parentheses (CREATE RULE ... DO (a; b)) and in BEGIN ATOMIC bodies. Empty statements
 * vanish. Text of a statement: from its first to its last token, without the semicolon; a borrowed view.
 * Refused, with the line: unterminated quotes and comments, psql's backslash commands.
 */
#ifndef MIGRATE_SPLIT_H
#define MIGRATE_SPLIT_H

#include "base/arena.h"
#include "holdfast/migrate.h"
#include "migrate/scan.h"

enum { SPLIT_STATEMENTS_MAX = 100000 };

struct split {
	struct scan scan;
	const char *problem; /* after split_next() returned false: NULL at the end, else why it stopped */
	uint32_t problem_line;
};

static inline struct split split_begin(struct hf_str text, uint32_t first_line)
{
	return (struct split){.scan = scan_begin(text, first_line)};
}
bool split_next(struct split *split, struct hf_migration_statement *ret_statement);

/** All statements of `text`, in the arena. @return HF_OK; HF_E_INPUT "file:line: ..."; HF_E_NOMEM; HF_E_LIMIT. */
enum hf_status split_all(struct hf_str text, uint32_t first_line, const char *file, hf_arena *arena,
                         const struct hf_migration_statement **ret_statements, size_t *ret_count, hf_error *err);

/* How a statement gets on with transactions. */
enum statement_class {
	STATEMENT_ORDINARY = 0,  /* runs in a transaction */
	STATEMENT_CONTROLS,      /* BEGIN, COMMIT, ROLLBACK, PREPARE TRANSACTION, ...: refused in migrations */
	STATEMENT_COPY,          /* COPY FROM STDIN: refused, there is no data stream */
	STATEMENT_CREATE_INDEX,  /* the rest cannot run in a transaction: CREATE INDEX CONCURRENTLY */
	STATEMENT_DROP_INDEX,    /* DROP INDEX CONCURRENTLY */
	STATEMENT_REINDEX,       /* REINDEX ... CONCURRENTLY, or of a schema, a database, the system */
	STATEMENT_DETACH,        /* ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY */
	STATEMENT_REPEATABLE,    /* VACUUM, CLUSTER, ALTER SYSTEM: running it twice does no harm */
	STATEMENT_OPAQUE         /* CREATE DATABASE, subscriptions, CALL, DO with COMMIT inside: outcome not visible */
};
enum statement_class split_classify(struct hf_str statement);

/* The names in CREATE INDEX, DROP INDEX, REINDEX and DETACH: views into the statement as written; len 0 = none. */
struct statement_names {
	struct hf_str index;       /* maybe qualified */
	struct hf_str table;       /* maybe qualified */
	bool if_not_exists;
};
struct statement_names split_names(struct hf_str statement);

#endif
