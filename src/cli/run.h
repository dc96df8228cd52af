/*
 * run.h (cli) - what the files of `holdfast run` share: runs as rows, and the verbs that stand in files of
 * their own.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/cli.h"
#include "holdfast/run.h"

extern const struct column run_list_columns[];
/** A hf_run_fn that writes a row of run_list_columns; `user` is the struct out. */
enum hf_status run_list_row(void *user, const struct hf_run *run, hf_error *err);
/** Branches of a struct hf_run, a rows_json_fn. */
void run_add_branches(struct json_writer *json, const void *of);

/* run_last.c */
extern const struct cmd_option run_last_options[], run_builds_options[], run_reschedule_options[];
extern const struct column run_resume_columns[], run_builds_columns[], run_version_columns[], run_reschedule_columns[];
enum hf_status run_last_verb(struct cli *cli, hf_error *err);
enum hf_status run_resume_verb(struct cli *cli, hf_error *err);
enum hf_status run_builds_verb(struct cli *cli, hf_error *err);
enum hf_status run_version_verb(struct cli *cli, hf_error *err);
enum hf_status run_reschedule_verb(struct cli *cli, hf_error *err);

/* run_branches.c */
extern const struct cmd_option run_branches_options[], run_followups_options[], run_delete_options[];
extern const struct column run_branches_columns[], run_absorbed_columns[], run_followups_columns[],
	run_delete_columns[];
enum hf_status run_branches_verb(struct cli *cli, hf_error *err);
enum hf_status run_absorbed_verb(struct cli *cli, hf_error *err);
enum hf_status run_followups_verb(struct cli *cli, hf_error *err);
enum hf_status run_delete_verb(struct cli *cli, hf_error *err);

/* run_now.c */
extern const struct cmd_option run_active_options[], run_watch_options[];
extern const struct column run_active_columns[];
enum hf_status run_active_verb(struct cli *cli, hf_error *err);
enum hf_status run_watch_verb(struct cli *cli, hf_error *err);

/* run_tally.c */
extern const struct cmd_option run_tally_options[];
extern const struct column run_code_columns[], run_stage_columns[];
enum hf_status run_codes_verb(struct cli *cli, hf_error *err);
enum hf_status run_stages_verb(struct cli *cli, hf_error *err);

/* run_diff.c */
extern const struct cmd_option run_diff_options[];
extern const struct column run_diff_columns[];
enum hf_status run_diff_verb(struct cli *cli, hf_error *err);

#endif
