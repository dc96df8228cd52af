/*
 * schedule.h (cli) - what the files of `holdfast schedule` share.
 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include "cli/cli.h"

/** The arguments as names of codebases. */
enum hf_status schedule_codebases(struct cli *cli, struct hf_str_array *ret_codebases, hf_error *err);

#endif
