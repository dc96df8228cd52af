/*
 * schedule_janitor.h - `holdfast schedule janitor`, and the program called as janitor.schedule.
 */
#ifndef CLI_SCHEDULE_JANITOR_H
#define CLI_SCHEDULE_JANITOR_H

#include "cli/cli.h"

extern const struct cmd_option schedule_janitor_options[];
enum hf_status schedule_janitor(struct cli *cli, hf_error *err);
/** The arguments without the program's name; when that is janitor.schedule, the original's flags as ours. NULL when
 *  memory is short. */
char **schedule_janitor_arguments(int argc, char *argv[], hf_arena *arena, int *ret_argc);

#endif
