/*
 * schedule.h (cli) - what the files of `holdfast schedule` share.
 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include "cli/cli.h"
#include "holdfast/schedule.h"

enum { SCHEDULE_JOBS = 2, SCHEDULE_JOBS_MAX = 16 };

#define SCHEDULE_JOBS_OPTION                                                                            \
	{                                                                                               \
		.name = "jobs", .arg = "N", .kind = OPTION_INT, .min = 1, .max = SCHEDULE_JOBS_MAX,     \
		.help = "connections that write new entries at a time (default: 2); 1: one transaction" \
	}

/** The arguments as names of codebases. */
enum hf_status schedule_codebases(struct cli *cli, struct hf_str_array *ret_codebases, hf_error *err);
/** The connection, or a pool for options->writers of them: one where all has to be one transaction. */
enum hf_status schedule_where(struct cli *cli, struct hf_schedule_options *options, hf_where *ret_where, hf_error *err);

#endif
