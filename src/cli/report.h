/*
 * report.h - everything that goes to stderr: errors, notes, questions, events, progress.
 *
 * One struct knows the terminal, so that an error line never lands in the middle of a progress line.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "base/macros.h"
#include "cli/globals.h"
#include "holdfast/context.h"
#include "holdfast/error.h"

/* A job whose progress is shown while it runs, when stderr is a terminal and -q was not given. Reached through
 * cli->progress by verbs; all zero = nothing is shown. */
struct progress {
	FILE *file;	  /* NULL: not a terminal */
	const char *what; /* "importing", NULL: no job */
	int64_t total;	  /* 0 = not known */
	int64_t done;
	int64_t started_us, shown_us;
	bool visible; /* a line stands on the terminal without a line feed */
};

/** Error in the form that was asked for. `json`: one object, else lines. Control characters are escaped. */
void report_error(FILE *file, const hf_error *err, int exit_code, bool json, bool color);

/** Use with hf_context_options: events to stderr, one write each. `user` is a struct report_log. */
struct report_log {
	FILE *file;
	enum log_format format;
	struct progress *progress; /* cleared before a line */
	bool json;		   /* warnings as an object, like errors */
	uint32_t last;		   /* CRC of the last warning */
};
hf_log_fn report_event;
/** The same when events were not asked for: a word of warning for the few that no error will follow. What each of
 *  several connections tells in the same words is said once. */
hf_log_fn report_warning;

/** `now_us`: a monotonic clock. Starting ends what ran before. */
void progress_start(struct progress *progress, const char *what, int64_t total, int64_t now_us);
/** `done` so far; cheap, prints ten times a second at most. */
void progress_update(struct progress *progress, int64_t done, int64_t now_us);
/** Clears the line. */
void progress_end(struct progress *progress);
/** Remove the line for a moment: something else is printed. */
void progress_clear(struct progress *progress);

#endif
