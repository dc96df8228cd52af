/*
 * command.h - the shape of the one table that drives the command: parsing, help, completion, manual pages, tests.
 *
 * A noun lives in src/cli/<noun>.c, which exports its verbs:
 *
 *     static const struct cmd_option list_options[] = {
 *             {.name = "bucket", .arg = "NAME", .help = "only this bucket"},
 *             {0},
 *     };
 *     const struct cmd queue_commands[] = {
 *             {.noun = "queue", .verb = "list", .summary = "list queue entries in the order in which they run",
 *              .options = list_options, .columns = list_columns, .run = run_list, .flags = CMD_LIST,
 *              .examples = {"holdfast queue list --limit 20", "...", "..."},
 *              .test_effect = "test_queue_list_shows_the_order", .test_refusal = "test_queue_list_refuses_a_bucket"},
 *             {0},
 *     };
 *
 * and is named once in commands.c. Everything is constant; nothing is registered at run time.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/output.h"
#include "holdfast/error.h"

enum option_kind {
	OPTION_TEXT = 0,
	OPTION_FLAG,     /* no value */
	OPTION_INT,      /* whole number, min..max */
	OPTION_NUMBER,   /* finite decimal number */
	OPTION_DURATION, /* "30s"; min..max in milliseconds */
	OPTION_SIZE,     /* "64MiB"; min..max in bytes */
	OPTION_CHOICE    /* one of `choices` */
};

/* A flag. An array of them ends with an entry without a name. The same name must take a value in all commands or in
 * none, so that flags can stand before the noun. */
struct cmd_option {
	const char *name; /* without the dashes */
	char letter;      /* short form, or 0; those of the global flags are taken */
	const char *arg;  /* what the value is called in help: "NAME"; NULL for flags */
	enum option_kind kind;
	bool value_optional; /* --name or --name=VALUE; never --name VALUE */
	bool repeatable;     /* may be given several times with several values; flags count */
	int64_t min, max;    /* INT, DURATION, SIZE; both 0 = not bounded */
	const char *choices; /* "table|json|csv" */
	const char *env;     /* global flags: the variable that says the same, for help */
	const char *help;    /* lower case, no full stop */
};

enum cmd_flags {
	CMD_LIST = 1,        /* --limit, --output and --json=FIELDS matter */
	CMD_WRITES = 2,      /* honours --dry-run; it is refused where this is missing */
	CMD_ASKS = 4,        /* --yes and --no-input matter */
	CMD_NO_DATABASE = 8, /* the database flags do not matter */
	CMD_NO_CONFIG = 16   /* runs although the configuration is wrong */
};

enum { CMD_EXAMPLES_MAX = 6 };

struct cli;

struct cmd {
	const char *noun;
	const char *verb; /* NULL: the noun alone ("version"); only the first of a noun's commands, others may follow */
	const char *args; /* "CODEBASE [CAMPAIGN]", "FILE...", "[FILE...]", "-- CMD..."; NULL = none. Also checked. */
	const char *summary;                    /* one line, lower case, no full stop */
	const char *about;                      /* further paragraphs of --help and the manual page, or NULL */
	const struct cmd_option *options;       /* or NULL */
	const struct column *columns;           /* fields of the answer (--json=FIELDS, help json), or NULL */
	const char *examples[CMD_EXAMPLES_MAX]; /* whole command lines, at least three */
	enum hf_status (*run)(struct cli *cli, hf_error *err);
	const char *test_effect;  /* the test that asserts what the verb does to the database (or prints) */
	const char *test_refusal; /* the test in which it refuses a bad input */
	unsigned flags;           /* enum cmd_flags */
};

/* A name of two words ("kv lock") is a noun below another, which stands before it. */
struct noun {
	const char *name;
	const char *group;          /* heading in the overview */
	const char *summary;        /* of the noun as a whole */
	const struct cmd *commands; /* ends with an entry without a noun */
	const char *migrations;     /* the set that --private applies to its server first, or NULL */
};

/* commands.c */
extern const struct noun command_nouns[]; /* ends with an entry without a name */
/** NULL when unknown. */
const struct noun *command_noun(struct hf_str name);
/** "lock", of the noun "kv lock" below "kv"; NULL where `noun` does not stand below `above`. */
const char *command_word_below(const struct noun *above, const struct noun *noun);
/** "kv" and "lock": the noun "kv lock"; NULL when there is none. */
const struct noun *command_noun_below(const struct noun *above, struct hf_str word);
/** The second word of its name; NULL when it has one. */
const char *command_noun_second(const struct noun *noun);
/** "holdfast-kv-lock": its manual page. */
void command_page(const struct noun *noun, char *ret_text, size_t size);
/** The verb of a noun; NULL when unknown. */
const struct cmd *command_verb(const struct noun *noun, struct hf_str verb);
/** What the noun does without a verb; NULL when it needs one. */
const struct cmd *command_bare(const struct noun *noun);
/** True when the noun is a command by itself and has no verbs. */
bool command_is_single(const struct noun *noun);
/** "queue list"; "version". */
void command_name(const struct cmd *cmd, char *ret_text, size_t size);

/* globals.c */
extern const struct cmd_option global_options[];

#endif
