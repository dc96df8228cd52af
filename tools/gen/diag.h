/*
 * diag.h - findings of a run: collected over all queries, printed once, in the order of the files.
 *
 *     sql/queries/janitor/queue.sql:14:39: error: column "emial" does not exist (SQLSTATE 42703)
 *        14 | SELECT id, email FROM app.users WHERE emial = :email;
 *           |                                       ^^^^^
 *        = hint: Perhaps you meant to reference the column "users.email".
 *        = query: user_by_email
 *
 * Columns count characters from 1. The caret stands under the word in a terminal: tabs are kept and wide letters take
 * two places.
 */
#ifndef GEN_DIAG_H
#define GEN_DIAG_H

#include <stdio.h>

#include "gen/mem.h"

struct source;

struct place {
	unsigned line, column; /* from 1; columns count characters */
};

struct diag {
	const char *path;
	const struct source *source; /* NULL: about a file as a whole */
	size_t start, end;           /* bytes of the source */
	const char *message;
	const char *hint;  /* or NULL */
	const char *query; /* or NULL */
	const char *rule;  /* the rule of check.h that it breaks, or NULL; shown behind the message */
	bool warning;
	bool stale; /* the metadata is older than what it describes */
};

struct diags {
	hf_arena *arena;
	struct diag *items;
	size_t count;
	size_t errors; /* neither warnings nor stale ones */
	size_t stale;
};

/** Where a finding stands: zeros without a source. `last` and `last_place` are of the one before it, in order, or NULL:
 *  then the file is not counted through from its start again. */
struct place diag_place(const struct diag *diag, const struct diag *last, struct place last_place);
void diags_init(struct diags *diags, hf_arena *arena);
/** A finding at bytes start..end of a source. The returned one may be completed (hint, query, warning). */
struct diag *diag_at(struct diags *diags, const struct source *source, size_t start, size_t end, const char *format,
                     ...) PRINTF_LIKE(5, 6);
/** A finding about a file as a whole. */
struct diag *diag_file(struct diags *diags, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
/** Make it a sign of stale metadata (exit 4) rather than a wrong query. */
void diag_stale(struct diags *diags, struct diag *diag);
void diag_warning(struct diags *diags, struct diag *diag);
/** An earlier finding that says the same of the same place as the last one (of another variant, say), or NULL. */
struct diag *diags_last_twin(struct diags *diags);
/** Take the last one back, an error so far. */
void diags_drop_last(struct diags *diags);
/** In the order of files and places. */
void diags_sort(struct diags *diags);
void diags_print(struct diags *diags, FILE *out);
/** One JSON array: path, line, column, level (error, warning, stale), rule, message, hint, query. False when `out`
 *  fails. */
bool diags_print_json(struct diags *diags, FILE *out);

#endif
