/*
 * queue.h (cli) - what the files of `holdfast queue` share: items as cells, filters from flags, the verbs about claims.
 */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

#include "cli/cli.h"
#include "holdfast/queue.h"

/* Columns of an item and where its code is; the first QUEUE_ITEM_CELLS are those of the item. */
enum { QUEUE_ITEM_CELLS = 11, QUEUE_NEXT_CELLS = 14 };
#define QUEUE_NEXT_COLUMNS                                                                                           \
	{.name = "id", .kind = COLUMN_INT}, {.name = "codebase"}, {.name = "campaign"}, {.name = "bucket"},          \
		{.name = "priority", .kind = COLUMN_INT}, {.name = "context"}, {.name = "command"},                  \
		{.name = "estimated_duration_s", .kind = COLUMN_DURATION}, {.name = "refresh", .kind = COLUMN_BOOL}, \
		{.name = "requester"}, {.name = "change_set"}, {.name = "branch_url"}, {.name = "subpath"},          \
	{                                                                                                            \
		.name = "vcs_type"                                                                                   \
	}
extern const struct column queue_item_columns[];
void queue_item_cells(const struct hf_queue_item *item, struct cell *cells);
void queue_next_cells(const struct hf_queue_next *next, struct cell *cells);

#define QUEUE_FILTER_OPTIONS                                                       \
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},         \
		{.name = "codebase", .arg = "NAME", .help = "only this codebase"}, \
	{                                                                          \
		.name = "exclude-host", .arg = "HOST", .repeatable = true,         \
		.help = "not from this host (several times: hosts)"                \
	}
/** Of those flags; in the command's arena. */
enum hf_status queue_filter(struct cli *cli, struct hf_queue_filter *ret_filter, hf_error *err);

/** The first argument; HF_E_USAGE when it is no id. */
enum hf_status queue_id(struct cli *cli, int32_t *ret_id, hf_error *err);

/* queue_one.c */
extern const struct cmd_option queue_move_options[], queue_add_options[];
extern const struct column queue_move_columns[], queue_added_columns[];
enum hf_status queue_show(struct cli *cli, hf_error *err);
enum hf_status queue_add_verb(struct cli *cli, hf_error *err);
enum hf_status queue_move_verb(struct cli *cli, hf_error *err);
enum hf_status queue_remove_verb(struct cli *cli, hf_error *err);

/* queue_explain.c */
extern const struct column queue_position_columns[], queue_explain_columns[];
enum hf_status queue_position_verb(struct cli *cli, hf_error *err);
enum hf_status queue_explain_verb(struct cli *cli, hf_error *err);

/* queue_watch.c */
extern const struct cmd_option queue_watch_options[];
extern const struct column queue_watch_columns[];
enum hf_status queue_watch_verb(struct cli *cli, hf_error *err);

/* claim.c */
extern const struct cmd_option queue_claim_options[], queue_renew_options[], queue_holder_options[],
	queue_fail_options[], queue_claims_options[], queue_prune_options[];
extern const struct column queue_claim_columns[], queue_lease_columns[], queue_claims_columns[],
	queue_assigner_columns[];
enum hf_status queue_claim(struct cli *cli, hf_error *err);
enum hf_status queue_renew(struct cli *cli, hf_error *err);
enum hf_status queue_finish(struct cli *cli, hf_error *err);
enum hf_status queue_fail(struct cli *cli, hf_error *err);
enum hf_status queue_release(struct cli *cli, hf_error *err);
enum hf_status queue_claims(struct cli *cli, hf_error *err);
enum hf_status queue_prune(struct cli *cli, hf_error *err);
enum hf_status queue_assigner(struct cli *cli, hf_error *err);

#endif
