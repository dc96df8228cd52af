/*
 * environment.h - environment variables of a run (spec/janitor.md 16.1, 16.2): those that stand before a command, and
 * those that say who commits. Pure.
 */
#ifndef CORE_ENVIRONMENT_H
#define CORE_ENVIRONMENT_H

#include "holdfast/arena.h"
#include "holdfast/types.h"

struct env_var {
	struct hf_str name, value;
};

struct env_command {
	const struct env_var *vars; /* each name once, by the place where it stood first; the last value counts */
	size_t nvars;
	struct hf_str command; /* the words behind them, quoted anew where they need it */
};

enum env_fault {
	ENV_FINE = 0,
	ENV_OPEN_QUOTE,  /* a quotation does not end */
	ENV_OPEN_ESCAPE, /* a backslash stands at the end */
	ENV_NO_MEMORY
};

/**
 * `A="b c" x` is command x with A=b c: words as a POSIX shell splits them ("#" is none of its comments, nothing is
 * expanded), of which the first ones that have "=" are variables; the name may be empty.
 * @param ret_command is in the arena; set for ENV_FINE only.
 */
enum env_fault env_split(struct hf_str command, hf_arena *arena, struct env_command *ret_command);

enum { ENV_COMMITTER_MAX = 9 };
/**
 * What a committer like "Joe Example <joe@example.com>" is for Debian's tools, git and breezy: views of `committer` and
 * constants. Where no address is found all of it is the name; what stands behind the address is ignored. Characters
 * beyond ASCII count as letters.
 * @param committer {NULL, 0}: none. @return how many.
 */
size_t env_committer(struct hf_str committer, struct env_var ret_vars[ENV_COMMITTER_MAX]);

#endif
