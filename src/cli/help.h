/*
 * help.h - text for people, all of it made from the table of commands: help, topics, completion, manual sources.
 *
 * Writers print to `file` and report nothing: main checks stdout at its end.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"

/** All nouns, by group. */
void help_overview(FILE *file);
/** The verbs of a noun. */
void help_noun(FILE *file, const struct noun *noun);
/** One command: `at_length` adds paragraphs, fields and the global flags. */
void help_command(FILE *file, const struct cmd *cmd, bool at_length);
/** The global flags with their variables. */
void help_flags(FILE *file);

struct topic {
	const char *name;
	const char *summary;
	void (*print)(FILE *file);
};
extern const struct topic help_topics[]; /* ends with an entry without a name */

/** `text` in lines of at most 79 columns, each indented. Line feeds are kept. */
void help_wrapped(FILE *file, size_t indent, const char *text);
/** A label, two columns in, and its text, which wraps in a column of its own. */
void help_entry(FILE *file, const char *label, size_t column, const char *text);
/** "-d, --database URL" */
void option_label(const struct cmd_option *option, char *ret_text, size_t size);
/** The help of a flag with its bounds and default. */
void option_help(const struct cmd_option *option, char *ret_text, size_t size);
/** "holdfast queue list [CODEBASE] [flags]" */
void command_usage(const struct cmd *cmd, char *ret_text, size_t size);

/* complete.c */
enum shell { SHELL_BASH = 0, SHELL_ZSH, SHELL_FISH };
void completion_script(FILE *file, enum shell shell);

/* manual.c: scdoc source */
void manual_main(FILE *file);
void manual_noun(FILE *file, const struct noun *noun);

/* listing.c */
enum hf_status table_as_json(struct out *out, hf_error *err);

#endif
