/*
 * publish.c - `holdfast publish`: history, show, stats. What waits and what arrived: ready.c. Merge
 * proposals: proposal.c.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/publish.h"
#include "cli/rows.h"
#include "holdfast/publish.h"

static const struct column list_columns[] = {
	{.name = "timestamp", .kind = COLUMN_TIME, .title = "WHEN"},
	{.name = "id"},
	{.name = "codebase"},
	{.name = "role"},
	{.name = "mode"},
	{.name = "result_code", .title = "RESULT"},
	{.name = "merge_proposal_url", .title = "PROPOSAL"},
	{.name = "description", .title = ""},
	{.name = "change_set", .title = ""},
	{.name = "revision", .title = ""},
	{0},
};

static enum hf_status list_row(void *user, const struct hf_publish *publish, hf_error *err)
{
	const struct cell cells[] = {cell_time_or_null(publish->has_timestamp, publish->timestamp),
	                             cell_text(publish->id),
	                             cell_text(publish->codebase),
	                             cell_text(publish->role),
	                             cell_text(publish->mode),
	                             cell_text(publish->result_code),
	                             cell_text(publish->merge_proposal_url),
	                             cell_text(publish->description),
	                             cell_text(publish->change_set),
	                             cell_text(publish->revision)};
	return out_row(user, cells, err);
}

static enum hf_status go_on_behind(struct cli *cli, hf_where where, struct hf_publish_filter *filter,
                                   struct hf_publish *after, hf_error *err)
{
	const char *id = cli_text(cli, "after");
	if (!id)
		return HF_OK;
	filter->after = after;
	return hf_publish_get(where, hf_str_of(id), cli->arena, after, err);
}

static enum hf_status publish_history_verb(struct cli *cli, hf_error *err)
{
	struct hf_publish_filter filter = {.codebase = text_or_null(cli_text(cli, "codebase")),
	                                   .campaign = text_or_null(cli_text(cli, "campaign")),
	                                   .change_set = text_or_null(cli_text(cli, "change-set")),
	                                   .role = text_or_null(cli_text(cli, "role")),
	                                   .mode = text_or_null(cli_text(cli, "mode")),
	                                   .result_code = text_or_null(cli_text(cli, "result")),
	                                   .merge_proposal_url = text_or_null(cli_text(cli, "proposal")),
	                                   .revision = text_or_null(cli_text(cli, "revision")),
	                                   .limit = out_fetch_limit(cli->out)};
	struct hf_publish after;
	hf_where where;
	enum hf_status status = cli_list(cli, list_columns, &where, err);
	if (status == HF_OK)
		status = go_on_behind(cli, where, &filter, &after, err);
	if (status == HF_OK)
		status = hf_publish_list(where, &filter, list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- show ---- */

static const struct column show_columns[] = {
	{.name = "id"},
	{.name = "codebase"},
	{.name = "change_set"},
	{.name = "timestamp", .kind = COLUMN_TIME},
	{.name = "mode", .help = "push, attempt-push, propose, push-derived, ..."},
	{.name = "role"},
	{.name = "result_code"},
	{.name = "description"},
	{.name = "requester"},
	{.name = "merge_proposal_url"},
	{.name = "branch_name"},
	{.name = "revision"},
	{.name = "main_branch_revision"},
	{.name = "subpath"},
	{.name = "source_branch_url"},
	{.name = "source_branch_web_url"},
	{.name = "target_branch_url"},
	{.name = "target_branch_web_url"},
	{0},
};

static enum hf_status publish_show_verb(struct cli *cli, hf_error *err)
{
	struct hf_publish publish;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, show_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_publish_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &publish, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(publish.id),
	                             cell_text(publish.codebase),
	                             cell_text(publish.change_set),
	                             cell_time_or_null(publish.has_timestamp, publish.timestamp),
	                             cell_text(publish.mode),
	                             cell_text(publish.role),
	                             cell_text(publish.result_code),
	                             cell_text(publish.description),
	                             cell_text(publish.requester),
	                             cell_text(publish.merge_proposal_url),
	                             cell_text(publish.branch_name),
	                             cell_text(publish.revision),
	                             cell_text(publish.main_branch_revision),
	                             cell_text(publish.subpath),
	                             cell_text(publish.source_branch_url),
	                             cell_text(publish.source_branch_web_url),
	                             cell_text(publish.target_branch_url),
	                             cell_text(publish.target_branch_web_url)};
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- stats ---- */

static const struct column stats_columns[] = {
	{.name = "mode"},
	{.name = "result_code", .title = "RESULT"},
	{.name = "publishes", .kind = COLUMN_INT, .title = "TRIES"},
	{.name = "codebases", .kind = COLUMN_INT, .help = "different ones"},
	{.name = "newest", .kind = COLUMN_TIME},
	{0},
};

static enum hf_status tally_row(void *user, const struct hf_publish_tally *tally, hf_error *err)
{
	const struct cell cells[] = {cell_text(tally->mode), cell_text(tally->result_code), cell_int(tally->publishes),
	                             cell_int(tally->codebases), cell_time_or_null(tally->has_newest, tally->newest)};
	return out_row(user, cells, err);
}

static enum hf_status publish_stats_verb(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, stats_columns, &where, err);
	if (status == HF_OK)
		status = hf_publish_tallies(where, text_or_null(cli_text(cli, "campaign")), tally_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only what a run of this campaign made"},
	{.name = "change-set", .arg = "ID", .help = "only this change set"},
	{.name = "role", .arg = "NAME", .help = "only branches with this role"},
	{.name = "mode",
         .arg = "WORD",
         .kind = OPTION_CHOICE,
         .choices = PUBLISH_MODE_WORDS,
         .help = "push, attempt-push, propose, build-only, push-derived, skip or bts"},
	{.name = "result", .arg = "CODE", .help = "only this result code"},
	{.name = "proposal", .arg = "URL", .help = "only this merge proposal"},
	{.name = "revision", .arg = "ID", .help = "only this revision"},
	{.name = "after", .arg = "ID", .help = "start behind this one"},
	{0},
};
static const struct cmd_option stats_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only what a run of this campaign made"},
	{0},
};

const struct cmd publish_commands[] = {
	{.noun = "publish",
         .verb = "history",
         .summary = "list what was published, or was tried to be, the newest first",
         .options = list_options,
         .columns = list_columns,
         .run = publish_history_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish history --limit 20",
                      "holdfast publish history --codebase bash --result success",
                      "holdfast publish history --campaign lintian-fixes --json=id,mode"},
         .test_effect = "test_publish_history_is_ordered_filtered_and_paged",
         .test_refusal = "test_publish_history_refuses_an_unknown_mode"},
	{.noun = "publish",
         .verb = "show",
         .args = "ID",
         .summary = "show one try to publish a branch",
         .columns = show_columns,
         .run = publish_show_verb,
         .examples = {"holdfast publish show 5c2a4a3e-4f5c-4e1c-9a44-0d2a1f6b9a10", "holdfast publish show p1 --json",
                      "holdfast publish show p1 --json=description"},
         .test_effect = "test_publish_show_prints_every_field",
         .test_refusal = "test_publish_show_refuses_an_unknown_id"},
	{.noun = "publish",
         .verb = "stats",
         .summary = "count tries by mode and result",
         .options = stats_options,
         .columns = stats_columns,
         .run = publish_stats_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish stats", "holdfast publish stats --campaign lintian-fixes",
                      "holdfast publish stats -o csv"},
         .test_effect = "test_publish_stats_counts",
         .test_refusal = "test_publish_stats_refuses_an_argument"},
	{.noun = "publish",
         .verb = "ready",
         .summary = "list runs that can be published now, in the order in which they are",
         .about =
                 "A run is shown when it counts, succeeded, has a branch that has not landed, is approved, when its "
                 "change "
                 "set is ready and a mode of its policy publishes something. What keeps one that is not shown, publish "
                 "blockers tells.",
         .options = publish_ready_options,
         .columns = publish_ready_columns,
         .run = publish_ready_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish ready --limit 20", "holdfast publish ready --campaign lintian-fixes --all",
                      "holdfast publish ready --json=run_id,modes"},
         .test_effect = "test_publish_ready_is_ordered_filtered_and_paged",
         .test_refusal = "test_publish_ready_refuses_an_unknown_run"},
	{.noun = "publish",
         .verb = "blockers",
         .args = "RUN",
         .summary = "tell what keeps a run from being published",
         .columns = publish_blockers_columns,
         .run = publish_blockers_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish blockers 2f1b6f6e-4f5c-4e1c-9a44-0d2a1f6b9a10",
                      "holdfast publish blockers r1 --json",
                      "holdfast publish blockers r1 --json | jq '.[] | select(.blocks)'"},
         .test_effect = "test_publish_blockers_names_each",
         .test_refusal = "test_publish_blockers_refuses_an_unknown_run"},
	{.noun = "publish",
         .verb = "done",
         .summary = "list changes that arrived, the newest first",
         .options = publish_done_options,
         .columns = publish_done_columns,
         .run = publish_done_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish done --since 2024-05-01", "holdfast publish done --campaign lintian-fixes",
                      "holdfast publish done --json=run_id,delay_s"},
         .test_effect = "test_publish_done_is_ordered_filtered_and_paged",
         .test_refusal = "test_publish_done_refuses_what_is_no_time"},
	{.noun = "publish",
         .verb = "merge-proposals",
         .summary = "list merge proposals by URL",
         .options = publish_proposals_options,
         .columns = publish_proposals_columns,
         .run = publish_proposals_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast publish merge-proposals --status open --broken",
                      "holdfast publish merge-proposals --campaign lintian-fixes --limit 20",
                      "holdfast publish merge-proposals --json=url,status"},
         .test_effect = "test_publish_merge_proposals_is_ordered_filtered_and_paged",
         .test_refusal = "test_publish_merge_proposals_refuses_an_unknown_status"},
	{0},
};
