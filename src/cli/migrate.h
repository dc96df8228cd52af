/*
 * migrate.h (cli) - what the files of `holdfast migrate` share: which set, which options, what is said meanwhile.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include "cli/cli.h"
#include "holdfast/migrate.h"

/* The flags that every verb takes; first in each array of options. */
#define MIGRATE_SET_OPTIONS                                                                                     \
	{.name = "set", .arg = "NAME", .help = "the set: janitor (default), kv, kv:SCHEMA.TABLE"},             \
	{.name = "migrations", .arg = "DIR", .help = "files of a directory instead of those built in"}

/** The set that the flags name; freed when the command ends. */
enum hf_status migrate_set(struct cli *cli, const hf_migrations **ret_set, hf_error *err);

extern const struct cmd_option migrate_new_options[];
extern const struct column migrate_new_columns[];
enum hf_status migrate_new(struct cli *cli, hf_error *err);
extern const struct cmd_option migrate_lint_options[];
extern const struct column migrate_lint_columns[];
enum hf_status migrate_lint(struct cli *cli, hf_error *err);

extern const struct cmd_option migrate_set_options[];
extern const struct column migrate_status_columns[];
enum hf_status migrate_status(struct cli *cli, hf_error *err);
extern const struct column migrate_sets_columns[];
enum hf_status migrate_sets(struct cli *cli, hf_error *err);
extern const struct column migrate_plan_columns[];
enum hf_status migrate_plan(struct cli *cli, hf_error *err);
extern const struct column migrate_verify_columns[];
enum hf_status migrate_verify(struct cli *cli, hf_error *err);
extern const struct cmd_option migrate_baseline_options[];
enum hf_status migrate_baseline(struct cli *cli, hf_error *err);

#endif
