/*
 * pause.h (cli) - the verbs about what is not handed out, which two nouns have.
 */
#ifndef CLI_PAUSE_H
#define CLI_PAUSE_H

#include "cli/cli.h"

extern const struct cmd_option queue_pause_options[], queue_resume_options[], campaign_pause_options[];
extern const struct column queue_pauses_columns[];
enum hf_status queue_pause_verb(struct cli *cli, hf_error *err);
enum hf_status queue_resume_verb(struct cli *cli, hf_error *err);
enum hf_status queue_pauses_verb(struct cli *cli, hf_error *err);
enum hf_status campaign_pause_verb(struct cli *cli, hf_error *err);
enum hf_status campaign_resume_verb(struct cli *cli, hf_error *err);

#endif
