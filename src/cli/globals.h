/*
 * globals.h - the global flags as a verb sees them: after variables, configuration, terminals and defaults.
 */
#ifndef CLI_GLOBALS_H
#define CLI_GLOBALS_H

#include "cli/configuration.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "holdfast/context.h"

enum log_format { LOG_LOGFMT = 0, LOG_JSON };

struct globals {
	enum out_format format;
	const char *fields; /* of --json=FIELDS, or NULL */
	int64_t limit;	    /* 0 = all */
	int64_t timeout_ms; /* of the whole command; 0 = none */
	bool dry_run, yes, quiet, no_input, exact, local_time;
	bool color_out, color_err;
	size_t width; /* of the terminal on stdout; 0 = there is none */
	bool events; /* show them; errors and warnings have words of their own */
	enum hf_log_level log_level;
	enum log_format log_format;
};

void globals_resolve(const struct parsed *parsed, const struct configuration *config, struct globals *ret_globals);
/** Does the command line ask for JSON? A guess that works before anything was understood, for errors. */
bool globals_want_json(int argc, char *const argv[]);

#endif
