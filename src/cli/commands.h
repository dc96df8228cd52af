/*
 * commands.h - the verbs that each noun's file exports; one line per noun, used by the list in commands.c.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

extern const struct cmd schedule_commands[];
extern const struct cmd queue_commands[];
extern const struct cmd codebase_commands[];
extern const struct cmd demo_commands[];
extern const struct cmd campaign_commands[];
extern const struct cmd candidate_commands[];
extern const struct cmd changeset_commands[];
extern const struct cmd completion_commands[];
extern const struct cmd config_commands[];
extern const struct cmd db_commands[];
extern const struct cmd gen_commands[];
extern const struct cmd help_commands[];
extern const struct cmd kv_checkpoint_commands[];
extern const struct cmd kv_commands[];
extern const struct cmd kv_index_commands[];
extern const struct cmd kv_lock_commands[];
extern const struct cmd man_commands[];
extern const struct cmd migrate_commands[];
extern const struct cmd pg_commands[];
extern const struct cmd policy_commands[];
extern const struct cmd proposal_commands[];
extern const struct cmd publish_commands[];
extern const struct cmd review_commands[];
extern const struct cmd run_commands[];
extern const struct cmd schema_commands[];
extern const struct cmd version_commands[];
extern const struct cmd worker_commands[];

#endif
