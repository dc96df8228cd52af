/*
 * publish.h (cli) - the verbs of `holdfast publish` about runs that wait and changes that arrived (ready.c), and about
 * merge proposals (proposal.c).
 */
#ifndef CLI_PUBLISH_H
#define CLI_PUBLISH_H

#include "cli/cli.h"

extern const struct cmd_option publish_ready_options[], publish_done_options[], publish_proposals_options[];
extern const struct column publish_ready_columns[], publish_done_columns[], publish_blockers_columns[],
	publish_proposals_columns[];
enum hf_status publish_ready_verb(struct cli *cli, hf_error *err);
enum hf_status publish_done_verb(struct cli *cli, hf_error *err);
enum hf_status publish_blockers_verb(struct cli *cli, hf_error *err);
enum hf_status publish_proposals_verb(struct cli *cli, hf_error *err);

#endif
