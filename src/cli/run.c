/*
 * run.c - `holdfast run`: the table of its verbs; list, show, set-publish-status. What the next run goes on from:
 * run_last.c; what a run leaves behind: run_branches.c; what runs now: run_now.c; two of them: run_diff.c; counted:
 * run_tally.c.
 */
#include <string.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "cli/run.h"

const struct column run_list_columns[] = {
	{.name = "id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "start_time", .kind = COLUMN_TIME, .title = "START"},
	{.name = "duration_s", .kind = COLUMN_DURATION, .title = "DURATION"},
	{.name = "result_code", .title = "RESULT"},
	{.name = "publish_status", .title = "PUBLISH"},
	{.name = "worker"},
	{.name = "change_set", .title = ""},
	{.name = "description", .title = ""},
	{0},
};

static struct cell duration_of(const struct hf_run *run)
{
	int64_t us;
	return hf_run_duration(run, &us, NULL) == HF_OK ? cell_duration((double)us / 1e6) : cell_null();
}

enum hf_status run_list_row(void *user, const struct hf_run *run, hf_error *err)
{
	const struct cell cells[] = {cell_text(run->id),
	                             cell_text(run->codebase),
	                             cell_text(run->campaign),
	                             cell_time_or_null(run->has_start_time, run->start_time),
	                             duration_of(run),
	                             cell_text(run->result_code),
	                             cell_text(run->publish_status),
	                             cell_text(run->worker),
	                             cell_text(run->change_set),
	                             cell_text(run->description)};
	return out_row(user, cells, err);
}

static enum hf_status run_list_verb(struct cli *cli, hf_error *err)
{
	struct hf_run_filter filter = {.codebase = text_or_null(cli_text(cli, "codebase")),
	                               .campaign = text_or_null(cli_text(cli, "campaign")),
	                               .result_code = text_or_null(cli_text(cli, "result")),
	                               .change_set = text_or_null(cli_text(cli, "change-set")),
	                               .worker = text_or_null(cli_text(cli, "worker")),
	                               .publish_status = text_or_null(cli_text(cli, "publish-status")),
	                               .failure_stage = text_or_null(cli_text(cli, "stage")),
	                               .after = text_or_null(cli_text(cli, "after")),
	                               .limit = out_fetch_limit(cli->out)};
	hf_where where;
	enum hf_status status = cli_list(cli, run_list_columns, &where, err);
	if (status == HF_OK)
		status = hf_run_list(where, &filter, run_list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- show ---- */

static const struct column show_columns[] = {
	{.name = "id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "command"},
	{.name = "result_code"},
	{.name = "description"},
	{.name = "start_time", .kind = COLUMN_TIME},
	{.name = "finish_time", .kind = COLUMN_TIME},
	{.name = "duration_s", .kind = COLUMN_DURATION},
	{.name = "worker"},
	{.name = "value", .kind = COLUMN_INT},
	{.name = "instigated_context", .help = "what the scheduler expected to find"},
	{.name = "context", .help = "what the worker found"},
	{.name = "branch_url"},
	{.name = "subpath"},
	{.name = "vcs_type"},
	{.name = "target_branch_url"},
	{.name = "main_branch_revision"},
	{.name = "revision"},
	{.name = "branches", .kind = COLUMN_JSON, .help = "role, remote_name, base_revision, revision"},
	{.name = "tags", .kind = COLUMN_JSON, .help = "name, revision"},
	{.name = "publish_status"},
	{.name = "change_set"},
	{.name = "resume_from"},
	{.name = "failure_stage"},
	{.name = "failure_transient", .kind = COLUMN_BOOL},
	{.name = "failure_details", .kind = COLUMN_JSON},
	{.name = "result", .kind = COLUMN_JSON, .help = "what the change program itself reported"},
	{.name = "logs", .kind = COLUMN_JSON, .help = "names of log files"},
	{0},
};

void run_add_branches(struct json_writer *json, const void *of)
{
	const struct hf_run *run = of;
	jw_array_begin(json);
	for (size_t i = 0; i < run->nbranches; i++) {
		jw_object_begin(json);
		json_text_member(json, "role", run->branches[i].role);
		json_text_member(json, "remote_name", run->branches[i].remote_name);
		json_text_member(json, "base_revision", run->branches[i].base_revision);
		json_text_member(json, "revision", run->branches[i].revision);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static void add_tags(struct json_writer *json, const void *of)
{
	const struct hf_run *run = of;
	jw_array_begin(json);
	for (size_t i = 0; i < run->ntags; i++) {
		jw_object_begin(json);
		json_text_member(json, "name", run->tags[i].name);
		json_text_member(json, "revision", run->tags[i].revision);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static void add_logs(struct json_writer *json, const void *of)
{
	const struct hf_run *run = of;
	jw_array_begin(json);
	for (uint32_t i = 0; i < run->logfilenames.count; i++)
		jw_text(json, run->logfilenames.values[i]);
	jw_array_end(json);
}

static enum hf_status run_show_verb(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_run run;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_run_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &run, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(run.id),
	                             cell_text(run.codebase),
	                             cell_text(run.campaign),
	                             cell_text(run.command),
	                             cell_text(run.result_code),
	                             cell_text(run.description),
	                             cell_time_or_null(run.has_start_time, run.start_time),
	                             cell_time_or_null(run.has_finish_time, run.finish_time),
	                             duration_of(&run),
	                             cell_text(run.worker),
	                             cell_int_or_null(run.has_value, run.value),
	                             cell_text(run.instigated_context),
	                             cell_text(run.context),
	                             cell_text(run.branch_url),
	                             cell_text(run.subpath),
	                             cell_text(run.vcs_type),
	                             cell_text(run.target_branch_url),
	                             cell_text(run.main_branch_revision),
	                             cell_text(run.revision),
	                             cell_json(rows_json(cli->arena, run_add_branches, &run)),
	                             run.has_tags ? cell_json(rows_json(cli->arena, add_tags, &run)) : cell_null(),
	                             cell_text(run.publish_status),
	                             cell_text(run.change_set),
	                             cell_text(run.resume_from),
	                             cell_text(run.failure_stage),
	                             run.has_failure_transient ? cell_bool(run.failure_transient) : cell_null(),
	                             cell_json(run.failure_details),
	                             cell_json(run.result),
	                             cell_json(rows_json(cli->arena, add_logs, &run))};
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- set-publish-status ---- */

static const struct column publish_columns[] = {
	{.name = "run_id"},
	{.name = "publish_status"},
	{.name = "before", .help = "the status until now"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct publishing {
	struct hf_str id, publish_status;
	hf_arena *arena;
	struct hf_run_publish_change change;
};

static enum hf_status publish_tx(hf_where tx, void *user, hf_error *err)
{
	struct publishing *publishing = user;
	return hf_run_set_publish_status(tx, publishing->id, publishing->publish_status, publishing->arena,
	                                 &publishing->change, err);
}

static enum hf_status run_publish_verb(struct cli *cli, hf_error *err)
{
	struct publishing publishing = {.id = hf_str_of(cli_arg(cli, 0)),
	                                .publish_status = hf_str_of(cli_arg(cli, 1)),
	                                .arena = cli->arena};
	int64_t which;
	enum hf_status status = cli_choice("STATUS", PUBLISH_STATUS_WORDS, cli_arg(cli, 1), &which, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, publish_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, publish_tx, &publishing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(publishing.id),
	                             cell_text(publishing.publish_status),
	                             cell_text(publishing.change.before),
	                             cell_text(publishing.change.codebase),
	                             cell_text(publishing.change.campaign),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, publish_columns, cells, err);
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "result", .arg = "CODE", .help = "only this result code"},
	{.name = "change-set", .arg = "ID", .help = "only this change set"},
	{.name = "worker", .arg = "NAME", .help = "only what this worker did"},
	{.name = "publish-status",
         .arg = "WORD",
         .kind = OPTION_CHOICE,
         .choices = PUBLISH_STATUS_WORDS,
         .help = "unknown, blocked, needs-manual-review, rejected, approved, ignored"},
	{.name = "stage", .arg = "NAME", .help = "only what failed in this stage"},
	{.name = "after", .arg = "ID", .help = "start behind this run"},
	{0},
};

const struct cmd run_commands[] = {
	{.noun = "run",
         .verb = "list",
         .summary = "list runs, the newest first",
         .options = list_options,
         .columns = run_list_columns,
         .run = run_list_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run list --codebase bash --limit 5",
                      "holdfast run list --campaign lintian-fixes --result success",
                      "holdfast run list --publish-status approved --json=id,codebase"},
         .test_effect = "test_run_list_is_ordered_filtered_and_paged",
         .test_refusal = "test_run_list_refuses_an_unknown_status"},
	{.noun = "run",
         .verb = "show",
         .args = "ID",
         .summary = "show one run",
         .columns = show_columns,
         .run = run_show_verb,
         .examples = {"holdfast run show 2f1b6f6e-4f5c-4e1c-9a44-0d2a1f6b9a10",
                      "holdfast run show r1 --json | jq .branches", "holdfast run show r1 --json=result"},
         .test_effect = "test_run_show_prints_every_field",
         .test_refusal = "test_run_show_refuses_an_unknown_id"},
	{.noun = "run",
         .verb = "set-publish-status",
         .args = "ID STATUS",
         .summary = "say whether a run may be published",
         .about = "STATUS is unknown, blocked, needs-manual-review, rejected, approved or ignored. A run without a "
                  "revision cannot be approved. The database is written; the original's runner is not told.",
         .columns = publish_columns,
         .run = run_publish_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast run set-publish-status r1 approved",
                      "holdfast run set-publish-status r1 blocked --dry-run",
                      "holdfast run set-publish-status r1 rejected --json=before"},
         .test_effect = "test_run_set_publish_status_writes_the_row",
         .test_refusal = "test_run_set_publish_status_refuses_what_cannot_be"},
	{.noun = "run",
         .verb = "result-codes",
         .summary = "count runs by their result",
         .options = run_tally_options,
         .columns = run_code_columns,
         .run = run_codes_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run result-codes", "holdfast run result-codes --campaign lintian-fixes",
                      "holdfast run result-codes --last effective --wanted"},
         .test_effect = "test_run_result_codes_counts",
         .test_refusal = "test_run_result_codes_refuses_an_argument"},
	{.noun = "run",
         .verb = "failure-stages",
         .summary = "count failed runs by the stage in which they failed",
         .options = run_tally_options,
         .columns = run_stage_columns,
         .run = run_stages_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run failure-stages", "holdfast run failure-stages --campaign lintian-fixes",
                      "holdfast run failure-stages --last newest -o csv"},
         .test_effect = "test_run_failure_stages_counts",
         .test_refusal = "test_run_failure_stages_refuses_an_argument"},
	{.noun = "run",
         .verb = "active",
         .summary = "list what is being run now",
         .about = "Leases that are live, the newest first, with the entry of the queue that each is for. What the "
                  "original hands out it keeps in Redis, and is not shown.",
         .options = run_active_options,
         .columns = run_active_columns,
         .run = run_active_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run active", "holdfast run active --campaign lintian-fixes --json=codebase,age_s",
                      "holdfast run active --holder worker-3"},
         .test_effect = "test_run_active_shows_what_is_claimed",
         .test_refusal = "test_run_active_refuses_what_is_no_fence"},
	{.noun = "run",
         .verb = "watch",
         .summary = "show runs as they end, a line of JSON each",
         .about =
                 "Goes on until --limit runs were shown, --timeout passes, or it is interrupted, which all end it with "
                 "exit code 0; where --timeout comes before --limit is reached it is 8. A run is shown when it is "
                 "stored, which may be some time after its end: up to a quarter of an hour later it is not missed. "
                 "The earliest end of a look comes first; behind them, by id, new runs without an end. "
                 "Output in other forms: -o csv, -o tsv, -o raw.",
         .options = run_watch_options,
         .columns = run_list_columns,
         .run = run_watch_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run watch", "holdfast run watch --campaign lintian-fixes --interval 10s",
                      "holdfast run watch --codebase bash --limit 1 --timeout 1h"},
         .test_effect = "test_run_watch_shows_each_new_run_once",
         .test_refusal = "test_run_watch_refuses_what_is_no_time"},
	{.noun = "run",
         .verb = "diff",
         .args = "RUN OTHER",
         .summary = "compare two runs: results, revisions, durations",
         .about = "Compares what the database knows of the two, field by field, with the branches by role and the tags "
                  "by name. What differs within their branches, packages or logs is not looked at: that is in the "
                  "version control system and in the artifacts, not here.",
         .options = run_diff_options,
         .columns = run_diff_columns,
         .run = run_diff_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run diff r1 r2", "holdfast run diff r1 r2 --all --json",
                      "holdfast run diff r1 r2 --check && echo alike"},
         .test_effect = "test_run_diff_shows_what_differs",
         .test_refusal = "test_run_diff_refuses_an_unknown_run"},
	{.noun = "run",
         .verb = "last",
         .summary = "list the run that speaks for each codebase and campaign",
         .about = "They are ordered by codebase and campaign. The newest run may be a transient failure or have found "
                  "nothing new: the effective one is that whose result counts. The unabsorbed one is the effective one "
                  "while a branch of it has not landed, or its failure is still there.",
         .options = run_last_options,
         .columns = run_list_columns,
         .run = run_last_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run last --codebase bash",
                      "holdfast run last --which unabsorbed --campaign lintian-fixes",
                      "holdfast run last --which effective --json=codebase,id"},
         .test_effect = "test_run_last_is_ordered_filtered_and_paged",
         .test_refusal = "test_run_last_refuses_an_unknown_run"},
	{.noun = "run",
         .verb = "resume",
         .args = "CAMPAIGN REVISION",
         .summary = "show the run that a new one goes on from",
         .about =
                 "REVISION is the tip of the branch that the campaign made before. The newest success with that tip is "
                 "shown, unless it was rejected.",
         .columns = run_resume_columns,
         .run = run_resume_verb,
         .examples = {"holdfast run resume lintian-fixes 1234abcd", "holdfast run resume lintian-fixes 1234abcd --json",
                      "holdfast run resume lintian-fixes 1234abcd --json=run_id"},
         .test_effect = "test_run_resume_shows_the_newest_success",
         .test_refusal = "test_run_resume_refuses_what_was_rejected"},
	{.noun = "run",
         .verb = "builds",
         .summary = "list Debian packages that runs built",
         .options = run_builds_options,
         .columns = run_builds_columns,
         .run = run_builds_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run builds --run r1", "holdfast run builds --distribution sid --source bash",
                      "holdfast run builds --codebase bash --json=version,run_id"},
         .test_effect = "test_run_builds_is_ordered_filtered_and_paged",
         .test_refusal = "test_run_builds_refuses_what_is_no_place"},
	{.noun = "run",
         .verb = "last-version",
         .args = "CODEBASE DISTRIBUTION",
         .summary = "print the greatest version that was built of a codebase",
         .columns = run_version_columns,
         .run = run_version_verb,
         .examples = {"holdfast run last-version bash lintian-fixes", "holdfast run last-version bash sid --json",
                      "dpkg --compare-versions 5.2-1 gt $(holdfast run last-version bash sid)"},
         .test_effect = "test_run_last_version_compares_as_debian_does",
         .test_refusal = "test_run_last_version_refuses_what_was_never_built"},
	{.noun = "run",
         .verb = "reschedule",
         .args = "ID",
         .summary = "put the codebase and campaign of a run into the queue again",
         .about = "The command is the candidate's, or what the run did where there is no candidate. Without --offset "
                  "the "
                  "entry goes ahead of all others.",
         .options = run_reschedule_options,
         .columns = run_reschedule_columns,
         .run = run_reschedule_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast run reschedule r1", "holdfast run reschedule r1 --refresh --requester alice",
                      "holdfast run reschedule r1 --bucket reschedule --dry-run"},
         .test_effect = "test_run_reschedule_asks_for_it_again",
         .test_refusal = "test_run_reschedule_refuses_an_unknown_run"},
	{.noun = "run",
         .verb = "branches",
         .summary = "list branches that runs made, and whether they have landed",
         .options = run_branches_options,
         .columns = run_branches_columns,
         .run = run_branches_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run branches --run r1", "holdfast run branches --codebase bash --absorbed no",
                      "holdfast run branches --revision 1234abcd --json=run_id,role"},
         .test_effect = "test_run_branches_is_ordered_filtered_and_paged",
         .test_refusal = "test_run_branches_refuses_what_is_no_place"},
	{.noun = "run",
         .verb = "set-absorbed",
         .args = "ID ROLE WHETHER",
         .summary = "say whether a branch of a run has landed",
         .about = "WHETHER is yes or no. What speaks for the codebase is computed anew, also when a branch that had "
                  "landed is taken back.",
         .columns = run_absorbed_columns,
         .run = run_absorbed_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast run set-absorbed r1 main yes", "holdfast run set-absorbed r1 main no --dry-run",
                      "holdfast run set-absorbed r1 debian yes --json=before"},
         .test_effect = "test_run_set_absorbed_writes_branch_and_last_run",
         .test_refusal = "test_run_set_absorbed_refuses_what_is_not_there"},
	{.noun = "run",
         .verb = "followups",
         .summary = "list candidates that are the consequence of runs",
         .options = run_followups_options,
         .columns = run_followups_columns,
         .run = run_followups_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast run followups --run r1", "holdfast run followups --candidate 17",
                      "holdfast run followups --json=run_id,candidate_id"},
         .test_effect = "test_run_followups_is_ordered_filtered_and_paged",
         .test_refusal = "test_run_followups_refuses_what_is_no_candidate"},
	{.noun = "run",
         .verb = "delete",
         .args = "ID",
         .summary = "remove a run and its branches",
         .about = "Where it was the one that speaks for its codebase and campaign, another one speaks then. Its change "
                  "set stays. Debian builds, reviews and followups keep it, unless they go with it.",
         .options = run_delete_options,
         .columns = run_delete_columns,
         .run = run_delete_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast run delete r1 --dry-run", "holdfast run delete r1 --parts",
                      "holdfast run delete r1 --json"},
         .test_effect = "test_run_delete_lets_another_one_speak",
         .test_refusal = "test_run_delete_refuses_what_something_names"},
	{0},
};
