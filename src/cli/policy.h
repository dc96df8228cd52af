/*
 * policy.h (cli) - the verb of `holdfast policy` that reads a file (policy_import.c).
 */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "cli/cli.h"

extern const struct cmd_option policy_import_options[];
extern const struct column policy_import_columns[];
enum hf_status policy_import_verb(struct cli *cli, hf_error *err);

#endif
