/*
 * gen.h (cli) - the query compiler, an executable of its own.
 */
#ifndef CLI_GEN_H
#define CLI_GEN_H

#include "cli/cli.h"

/** Where it is: beside this program, as it was built or installed; else its bare name, to be found in PATH. */
enum hf_status gen_compiler(struct cli *cli, const char **ret_program, hf_error *err);

#endif
