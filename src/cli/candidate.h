/*
 * candidate.h (cli) - what the files of `holdfast candidate` share: candidates as cells, the verbs that write one or an
 * upload (candidate_write.c).
 */
#ifndef CLI_CANDIDATE_H
#define CLI_CANDIDATE_H

#include "cli/cli.h"
#include "holdfast/candidate.h"

/** The id that the first argument is; HF_E_USAGE when it is none. */
enum hf_status candidate_id(struct cli *cli, int32_t *ret_id, hf_error *err);

/* candidate_write.c */
extern const struct cmd_option candidate_set_options[], candidate_upload_options[];
extern const struct column candidate_set_columns[], candidate_delete_columns[];
enum hf_status candidate_set_verb(struct cli *cli, hf_error *err);
enum hf_status candidate_delete_verb(struct cli *cli, hf_error *err);
enum hf_status candidate_upload_verb(struct cli *cli, hf_error *err);

#endif
