/*
 * review.c - `holdfast review`: next, show, approve, reject, abstain, reschedule, pending, history, stats.
 */
#include "holdfast/review.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"

/* ---- show, next ---- */

static const struct column show_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "result_code"},
	{.name = "description"},
	{.name = "value", .kind = COLUMN_INT},
	{.name = "finish_time", .kind = COLUMN_TIME},
	{.name = "revision"},
	{.name = "publish_status"},
	{.name = "reviews", .kind = COLUMN_JSON, .help = "verdict, reviewer, comment, time; newest first"},
	{0},
};

static enum hf_status add_review(void *user, const struct hf_review *review, UNUSED hf_error *err)
{
	struct json_writer *json = user;
	const struct cell time = cell_time(review->reviewed_at.us);
	jw_object_begin(json);
	json_text_member(json, "verdict", review->verdict);
	json_text_member(json, "reviewer", review->reviewer);
	json_text_member(json, "comment", review->comment);
	jw_key(json, "reviewed_at");
	cell_to_json(json, &time);
	jw_object_end(json);
	return HF_OK;
}

static enum hf_status reviews_of(struct cli *cli, hf_where where, struct hf_str run_id, struct hf_str *ret_json,
                                 hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	struct json_writer json;
	struct hf_review_filter filter = {.run_id = run_id};
	buf_init(&buf, (size_t)64 << 20);
	jw_init(&json, jw_into_buf, &buf);
	jw_array_begin(&json);
	enum hf_status status = hf_review_list(where, &filter, add_review, &json, err);
	if (status != HF_OK)
		return status;
	jw_array_end(&json);
	if (!jw_finish(&json))
		return error_set(err, HF_E_LIMIT, "the reviews of run %.*s are larger than 64 MiB", STR_ARG(run_id));
	*ret_json = hf_arena_str(cli->arena, buf_str(&buf));
	return ret_json->ptr ? HF_OK : error_nomem(err);
}

static enum hf_status show(struct cli *cli, hf_where where, struct hf_str run_id, hf_error *err)
{
	struct hf_run run;
	struct hf_str reviews = {NULL, 0};
	enum hf_status status = hf_run_get(where, run_id, cli->arena, &run, err);
	if (status == HF_OK)
		status = reviews_of(cli, where, run_id, &reviews, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(run.id),
	                             cell_text(run.codebase),
	                             cell_text(run.campaign),
	                             cell_text(run.result_code),
	                             cell_text(run.description),
	                             cell_int_or_null(run.has_value, run.value),
	                             cell_time_or_null(run.has_finish_time, run.finish_time),
	                             cell_text(run.revision),
	                             cell_text(run.publish_status),
	                             cell_json(reviews)};
	return out_object(cli->out, show_columns, cells, err);
}

static enum hf_status review_show_verb(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	return status == HF_OK ? show(cli, where, hf_str_of(cli_arg(cli, 0)), err) : status;
}

/* ---- what waits ---- */

static struct hf_review_pending_filter pending_filter(struct cli *cli)
{
	return (struct hf_review_pending_filter){.campaign = text_or_null(cli_text(cli, "campaign")),
	                                         .not_by = text_or_null(cli_text(cli, "reviewer")),
	                                         .unknown_too = cli_given(cli, "unknown")};
}

struct first {
	hf_arena *arena;
	struct hf_str run_id;
};

static enum hf_status keep_first(void *user, const struct hf_review_pending *pending, UNUSED hf_error *err)
{
	struct first *first = user;
	first->run_id = hf_arena_str(first->arena, pending->run_id);
	return HF_OK;
}

static enum hf_status review_next_verb(struct cli *cli, hf_error *err)
{
	struct hf_review_pending_filter filter = pending_filter(cli);
	struct first first = {.arena = cli->arena};
	hf_where where;
	filter.limit = 1;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_review_pending_list(where, &filter, keep_first, &first, err);
	if (status == HF_OK && !first.run_id.ptr)
		return error_set(err, HF_NOT_FOUND, "no run that passes the filters waits for a review");
	return status == HF_OK ? show(cli, where, first.run_id, err) : status;
}

static const struct column pending_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "value", .kind = COLUMN_INT},
	{.name = "finish_time", .kind = COLUMN_TIME, .title = "FINISHED"},
	{.name = "publish_status", .title = "PUBLISH"},
	{.name = "reviews", .kind = COLUMN_INT, .help = "that it has"},
	{.name = "description"},
	{0},
};

static enum hf_status pending_row(void *user, const struct hf_review_pending *pending, hf_error *err)
{
	const struct cell cells[] = {cell_text(pending->run_id),
	                             cell_text(pending->codebase),
	                             cell_text(pending->campaign),
	                             cell_int_or_null(pending->has_value, pending->value),
	                             cell_time_or_null(pending->has_finish_time, pending->finish_time),
	                             cell_text(pending->publish_status),
	                             cell_int(pending->reviews),
	                             cell_text(pending->description)};
	return out_row(user, cells, err);
}

static enum hf_status review_pending_verb(struct cli *cli, hf_error *err)
{
	struct hf_review_pending_filter filter = pending_filter(cli);
	hf_where where;
	filter.after = text_or_null(cli_text(cli, "after"));
	filter.limit = out_fetch_limit(cli->out);
	enum hf_status status = cli_list(cli, pending_columns, &where, err);
	if (status == HF_OK)
		status = hf_review_pending_list(where, &filter, pending_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- history ---- */

static const struct column history_columns[] = {
	{.name = "reviewed_at", .kind = COLUMN_TIME, .title = "WHEN"},
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "verdict"},
	{.name = "reviewer"},
	{.name = "comment"},
	{0},
};

static enum hf_status history_row(void *user, const struct hf_review *review, hf_error *err)
{
	const struct cell cells[] = {cell_time(review->reviewed_at.us), cell_text(review->run_id),
	                             cell_text(review->codebase),       cell_text(review->campaign),
	                             cell_text(review->verdict),        cell_text(review->reviewer),
	                             cell_text(review->comment)};
	return out_row(user, cells, err);
}

static enum hf_status review_history_verb(struct cli *cli, hf_error *err)
{
	struct hf_review_filter filter = {.run_id = text_or_null(cli_text(cli, "run")),
	                                  .campaign = text_or_null(cli_text(cli, "campaign")),
	                                  .reviewer = text_or_null(cli_text(cli, "reviewer")),
	                                  .verdict = text_or_null(cli_text(cli, "verdict")),
	                                  .limit = out_fetch_limit(cli->out)};
	hf_where where;
	enum hf_status status = cli_list(cli, history_columns, &where, err);
	if (status == HF_OK)
		status = hf_review_list(where, &filter, history_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- stats ---- */

static const struct column stats_columns[] = {
	{.name = "campaign"},
	{.name = "total", .kind = COLUMN_INT, .help = "reviews"},
	{.name = "runs", .kind = COLUMN_INT, .help = "different ones"},
	{.name = "reviewers", .kind = COLUMN_INT, .help = "different ones with a name"},
	{.name = "approved", .kind = COLUMN_INT},
	{.name = "rejected", .kind = COLUMN_INT},
	{.name = "abstained", .kind = COLUMN_INT},
	{0},
};

static enum hf_status stats_row(void *user, const struct hf_review_stats *stats, hf_error *err)
{
	const struct cell cells[] = {cell_text(stats->campaign), cell_int(stats->total),    cell_int(stats->runs),
	                             cell_int(stats->reviewers), cell_int(stats->approved), cell_int(stats->rejected),
	                             cell_int(stats->abstained)};
	return out_row(user, cells, err);
}

static enum hf_status review_stats_verb(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, stats_columns, &where, err);
	if (status == HF_OK)
		status = hf_review_stats(where, text_or_null(cli_text(cli, "campaign")), stats_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- verdicts ---- */

static const struct column verdict_columns[] = {
	{.name = "run_id"},
	{.name = "verdict", .help = "as stored"},
	{.name = "reviewer"},
	{.name = "publish_status", .help = "what the run has now; null when it was left alone"},
	{.name = "runner_told", .kind = COLUMN_BOOL},
	{.name = "queue_id", .kind = COLUMN_INT, .help = "of the entry, after reschedule"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct reviewing {
	struct hf_review_request request;
	const struct hf_defects *keep;
	struct hf_review_result result;
};

static enum hf_status review_tx(hf_where tx, void *user, hf_error *err)
{
	struct reviewing *reviewing = user;
	return hf_review_store(tx, &reviewing->request, reviewing->keep, &reviewing->result, err);
}

/* A preview tells nobody: what the runner would write is written here, and rolled back. */
static enum hf_status store(struct cli *cli, struct reviewing *reviewing, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_defects(cli, &reviewing->keep, err);
	if (status == HF_OK && cli->globals.dry_run) {
		reviewing->request.runner_url = NULL;
		return cli_write(cli, review_tx, reviewing, err);
	}
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_review_store(where, &reviewing->request, reviewing->keep, &reviewing->result, err);
	return status == HF_OK || reviewing->result.stored ? status : cli_rolled_back(status, err);
}

static enum hf_status review(struct cli *cli, const char *verdict, bool may_decide, hf_error *err)
{
	struct reviewing reviewing = {.request = {.size = sizeof(reviewing.request),
	                                          .run_id = hf_str_of(cli_arg(cli, 0)),
	                                          .verdict = hf_str_of(verdict),
	                                          .reviewer = text_or_null(cli_text(cli, "reviewer")),
	                                          .comment = text_or_null(cli_text(cli, "message")),
	                                          .is_qa = may_decide && cli_given(cli, "qa"),
	                                          .runner_url = may_decide ? cli_text(cli, "runner") : NULL}};
	const struct hf_review_request *request = &reviewing.request;
	const struct hf_review_result *result = &reviewing.result;
	if (request->reviewer.len == 0)
		return error_set(err, HF_E_USAGE, "say who reviews: --reviewer NAME");
	if (request->runner_url && !request->is_qa)
		return error_set(err, HF_E_USAGE, "a runner is told of what QA decides only: give --qa with --runner");
	enum hf_status status = out_check_fields(cli->out, verdict_columns, err);
	if (status == HF_OK)
		status = store(cli, &reviewing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(request->run_id),
	                             cell_text(result->verdict),
	                             cell_text(request->reviewer),
	                             cell_text(result->publish_status),
	                             cell_bool(result->runner_told),
	                             cell_int_or_null(result->rescheduled, result->scheduled.queue_id),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, verdict_columns, cells, err);
}

static enum hf_status review_approve_verb(struct cli *cli, hf_error *err)
{
	return review(cli, "approved", true, err);
}

static enum hf_status review_reject_verb(struct cli *cli, hf_error *err)
{
	return review(cli, "rejected", true, err);
}

static enum hf_status review_abstain_verb(struct cli *cli, hf_error *err)
{
	return review(cli, "abstained", false, err);
}

static enum hf_status review_reschedule_verb(struct cli *cli, hf_error *err)
{
	return review(cli, "reschedule", true, err);
}

/* ---- the table ---- */

#define CAMPAIGN_OPTION                                                         \
	{                                                                       \
		.name = "campaign", .arg = "NAME", .help = "only this campaign" \
	}
#define WAITING_OPTIONS                                                                                              \
	CAMPAIGN_OPTION, {.name = "reviewer", .arg = "NAME", .help = "without what this reviewer reviewed already"}, \
	{                                                                                                            \
		.name = "unknown", .kind = OPTION_FLAG, .help = "also runs of which nobody said that they need it"   \
	}
#define SAYING_OPTIONS                                                         \
	{.name = "reviewer", .arg = "NAME", .help = "who says so; needed"},    \
	{                                                                      \
		.name = "message", .letter = 'm', .arg = "TEXT", .help = "why" \
	}
static const struct cmd_option waiting_options[] = {WAITING_OPTIONS, {0}};
static const struct cmd_option pending_options[] = {
	WAITING_OPTIONS,
	{.name = "after", .arg = "ID", .help = "start behind this run"},
	{0},
};
static const struct cmd_option history_options[] = {
	{.name = "run", .arg = "ID", .help = "only of this run"},
	CAMPAIGN_OPTION,
	{.name = "reviewer", .arg = "NAME", .help = "only by this reviewer"},
	{.name = "verdict",
         .arg = "WORD",
         .kind = OPTION_CHOICE,
         .choices = VERDICT_WORDS,
         .help = "only approved, rejected or abstained"},
	{0},
};
static const struct cmd_option stats_options[] = {CAMPAIGN_OPTION, {0}};
static const struct cmd_option abstain_options[] = {SAYING_OPTIONS, {0}};
static const struct cmd_option decide_options[] = {
	SAYING_OPTIONS,
	{.name = "qa", .kind = OPTION_FLAG, .help = "it decides whether the run may be published"},
	{.name = "runner", .arg = "URL", .help = "with --qa: tell the original's runner, which sets the status"},
	{0},
};

static const char verdict_about[] =
	"One reviewer has one review of a run: another one replaces it. With --qa the verdict becomes the publish "
	"status "
	"of the run, in the same transaction; where a runner of the original serves the database, --runner tells it "
	"instead, once the review is stored. When that fails the review stays, and the message says so: give the same "
	"verdict again.";

const struct cmd review_commands[] = {
	{.noun = "review",
         .verb = "next",
         .summary = "show the run to review next",
         .options = waiting_options,
         .columns = show_columns,
         .run = review_next_verb,
         .examples = {"holdfast review next", "holdfast review next --reviewer alice --campaign lintian-fixes",
                      "holdfast review next --json | jq -r .run_id"},
         .test_effect = "test_review_next_is_the_most_valuable",
         .test_refusal = "test_review_next_refuses_when_nothing_waits"},
	{.noun = "review",
         .verb = "show",
         .args = "RUN",
         .summary = "show a run and what was said about it",
         .columns = show_columns,
         .run = review_show_verb,
         .examples = {"holdfast review show r1", "holdfast review show r1 --json | jq .reviews",
                      "holdfast review show r1 --json=publish_status"},
         .test_effect = "test_review_show_lists_the_newest_first",
         .test_refusal = "test_review_show_refuses_an_unknown_run"},
	{.noun = "review",
         .verb = "approve",
         .args = "RUN",
         .summary = "say that a run is good",
         .about = verdict_about,
         .options = decide_options,
         .columns = verdict_columns,
         .run = review_approve_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast review approve r1 --reviewer alice", "holdfast review approve r1 --reviewer alice --qa",
                      "holdfast review approve r1 --reviewer alice --qa --runner http://host:9911"},
         .test_effect = "test_review_approve_stores_and_decides",
         .test_refusal = "test_review_approve_refuses_what_cannot_be"},
	{.noun = "review",
         .verb = "reject",
         .args = "RUN",
         .summary = "say that a run is not good",
         .about = verdict_about,
         .options = decide_options,
         .columns = verdict_columns,
         .run = review_reject_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast review reject r1 --reviewer alice -m 'drops a patch'",
                      "holdfast review reject r1 --reviewer alice -m 'drops a patch' --qa",
                      "holdfast review reject r1 --reviewer alice --dry-run"},
         .test_effect = "test_review_reject_replaces_what_was_said",
         .test_refusal = "test_review_reject_refuses_without_a_name"},
	{.noun = "review",
         .verb = "abstain",
         .args = "RUN",
         .summary = "say that somebody else should review a run",
         .options = abstain_options,
         .columns = verdict_columns,
         .run = review_abstain_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast review abstain r1 --reviewer alice",
                      "holdfast review abstain r1 --reviewer alice -m 'not my language'",
                      "holdfast review abstain r1 --reviewer alice --json"},
         .test_effect = "test_review_abstain_decides_nothing",
         .test_refusal = "test_review_abstain_refuses_to_decide"},
	{.noun = "review",
         .verb = "reschedule",
         .args = "RUN",
         .summary = "reject a run and try again from scratch",
         .about = "The codebase is queued ahead of everything in bucket default, with the command of its candidate. "
                  "The review says rejected; with --qa that becomes the publish status, as for `review reject`.",
         .options = decide_options,
         .columns = verdict_columns,
         .run = review_reschedule_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast review reschedule r1 --reviewer alice",
                      "holdfast review reschedule r1 --reviewer alice -m 'the fixer is newer' --qa",
                      "holdfast review reschedule r1 --reviewer alice --dry-run --json"},
         .test_effect = "test_review_reschedule_rejects_and_queues",
         .test_refusal = "test_review_reschedule_refuses_without_a_candidate"},
	{.noun = "review",
         .verb = "pending",
         .summary = "list runs that wait for a review",
         .about = "Runs that could be published and whose publish status is needs-manual-review, the most valuable "
                  "first; with --unknown also those of which nobody said anything.",
         .options = pending_options,
         .columns = pending_columns,
         .run = review_pending_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast review pending --limit 20", "holdfast review pending --reviewer alice --unknown",
                      "holdfast review pending --campaign lintian-fixes --json=run_id,codebase"},
         .test_effect = "test_review_pending_is_ordered_filtered_and_paged",
         .test_refusal = "test_review_pending_refuses_an_unknown_run"},
	{.noun = "review",
         .verb = "history",
         .summary = "list what was said, the newest first",
         .options = history_options,
         .columns = history_columns,
         .run = review_history_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast review history --run r1", "holdfast review history --verdict rejected --limit 50",
                      "holdfast review history --reviewer alice -o csv"},
         .test_effect = "test_review_history_is_ordered_and_filtered",
         .test_refusal = "test_review_history_refuses_an_unknown_verdict"},
	{.noun = "review",
         .verb = "stats",
         .summary = "count what was said in each campaign",
         .options = stats_options,
         .columns = stats_columns,
         .run = review_stats_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast review stats", "holdfast review stats --campaign lintian-fixes",
                      "holdfast review stats --json"},
         .test_effect = "test_review_stats_counts",
         .test_refusal = "test_review_stats_refuses_an_argument"},
	{0},
};
