/*
 * parse.h - argv into a command, its arguments and its flags, by the table of commands.
 *
 * Grammar: holdfast [flags] NOUN [VERB] [arguments] [flags]. Flags stand anywhere; `--` ends them; `-` is an argument
 * (stdin by convention), and so is a dash before a digit. --flag VALUE, --flag=VALUE, -fVALUE, -f VALUE; letters
 * without a value may be joined (-qn). Words are never abbreviated. A flag with a value may be given twice only with
 * the same value, unless it is repeatable.
 *
 * Every failure is HF_E_USAGE and names the word; the hint has the nearest match and where the help is.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/command.h"
#include "holdfast/arena.h"

/* A flag as it was given. */
struct given {
	const struct cmd_option *option;
	const char *text; /* NULL without a value */
	int64_t number;	  /* INT, DURATION (ms), SIZE (bytes), CHOICE (index) */
	double real;	  /* NUMBER */
};

struct parsed {
	const struct noun *noun; /* NULL: no word at all */
	const struct cmd *cmd;	 /* NULL: only a noun, or none */
	const char **args;
	size_t nargs;
	struct given *given; /* in the order of argv */
	size_t ngiven;
	bool help_short, help_long, version;
};

/** `argv` without the program's name. Texts are borrowed from it, arrays live in the arena. */
enum hf_status parse_command(int argc, char *const argv[], hf_arena *arena, struct parsed *ret_parsed, hf_error *err);
/** The last mention of a flag, or NULL. */
const struct given *parsed_flag(const struct parsed *parsed, const char *name);
/** Does `text` fit the option? Fills the numbers of `given`. Used for variables and configuration too: `source` says
 *  where it stands ("--limit", "HOLDFAST_TIMEOUT", "holdfast.conf:3:1: timeout"). */
enum hf_status parse_value(const struct cmd_option *option, const char *source, const char *text,
			   struct given *ret_given, hf_error *err);
/** The word of a synopsis that stands at `index`; empty when none does. */
struct hf_str synopsis_word(const char *synopsis, size_t index);
/** Smallest and largest number of arguments by a synopsis; SIZE_MAX = any number. */
void synopsis_bounds(const char *synopsis, size_t *ret_min, size_t *ret_max);

#endif
