/*
 * campaign.c - `holdfast campaign`: list, show, stats. Its pauses: pause.c.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/pause.h"
#include "cli/rows.h"
#include "holdfast/campaign.h"
#include "holdfast/publish.h"
#include "holdfast/run.h"

static const struct column campaign_columns[] = {
	{.name = "name"},
	{.name = "candidates", .kind = COLUMN_INT},
	{.name = "queued", .kind = COLUMN_INT, .help = "entries of the queue"},
	{.name = "codebases", .kind = COLUMN_INT, .title = "TRIED", .help = "codebases that were ever tried"},
	{.name = "runs", .kind = COLUMN_INT},
	{.name = "successes", .kind = COLUMN_INT, .title = "", .help = "runs whose result is success"},
	{.name = "success_share",
         .kind = COLUMN_NUMBER,
         .title = "SUCCESS",
         .help = "of all runs, 0 to 1; null without a run"},
	{.name = "newest", .kind = COLUMN_TIME, .help = "start of the newest run"},
	{0},
};

enum { CAMPAIGN_CELLS = ARRAY_LEN(campaign_columns) - 1 };

static void campaign_cells(const struct hf_campaign *campaign, struct cell cells[CAMPAIGN_CELLS])
{
	size_t n = 0;
	double share = campaign->runs > 0 ? (double)campaign->successes / (double)campaign->runs : 0;
	cells[n++] = cell_text(campaign->name);
	cells[n++] = cell_int(campaign->candidates);
	cells[n++] = cell_int(campaign->queued);
	cells[n++] = cell_int(campaign->codebases);
	cells[n++] = cell_int(campaign->runs);
	cells[n++] = cell_int(campaign->successes);
	cells[n++] = campaign->runs > 0 ? cell_number(share) : cell_null();
	cells[n++] = campaign->has_newest ? cell_time(campaign->newest.us) : cell_null();
}

static enum hf_status list_row(void *user, const struct hf_campaign *campaign, hf_error *err)
{
	struct cell cells[CAMPAIGN_CELLS];
	campaign_cells(campaign, cells);
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, campaign_columns, &where, err);
	if (status == HF_OK)
		status = hf_campaign_list(where, list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_campaign campaign;
	struct cell cells[CAMPAIGN_CELLS];
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_campaign_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &campaign, err);
	if (status != HF_OK)
		return status;
	campaign_cells(&campaign, cells);
	return out_object(cli->out, campaign_columns, cells, err);
}

/* ---- stats ---- */

static const struct column stats_columns[] = {
	{.name = "what", .help = "candidate, queue, run or publish"},
	{.name = "mode", .help = "of publishes, or null"},
	{.name = "result_code", .title = "RESULT", .help = "of runs and publishes, or null"},
	{.name = "count", .kind = COLUMN_INT},
	{.name = "codebases", .kind = COLUMN_INT, .help = "different ones, of runs and publishes"},
	{.name = "newest", .kind = COLUMN_TIME, .help = "start of the newest run, time of the newest publish"},
	{0},
};

static enum hf_status count_row(struct cli *cli, const char *what, int64_t count, hf_error *err)
{
	const struct cell cells[] = {cell_word(what), cell_null(), cell_null(),
	                             cell_int(count), cell_null(), cell_null()};
	return out_row(cli->out, cells, err);
}

static enum hf_status run_row(void *user, const struct hf_run_tally *tally, hf_error *err)
{
	const struct cell cells[] = {cell_word("run"),           cell_null(),
	                             cell_text(tally->word),     cell_int(tally->runs),
	                             cell_int(tally->codebases), cell_time_or_null(tally->has_newest, tally->newest)};
	return out_row(user, cells, err);
}

static enum hf_status publish_row(void *user, const struct hf_publish_tally *tally, hf_error *err)
{
	const struct cell cells[] = {cell_word("publish"),
	                             cell_text(tally->mode),
	                             cell_text(tally->result_code),
	                             cell_int(tally->publishes),
	                             cell_int(tally->codebases),
	                             cell_time_or_null(tally->has_newest, tally->newest)};
	return out_row(user, cells, err);
}

static enum hf_status run_stats(struct cli *cli, hf_error *err)
{
	struct hf_str name = hf_str_of(cli_arg(cli, 0));
	struct hf_campaign campaign;
	hf_where where;
	enum hf_status status = cli_list(cli, stats_columns, &where, err);
	if (status == HF_OK)
		status = hf_campaign_get(where, name, cli->arena, &campaign, err);
	if (status == HF_OK)
		status = count_row(cli, "candidate", campaign.candidates, err);
	if (status == HF_OK)
		status = count_row(cli, "queue", campaign.queued, err);
	if (status == HF_OK)
		status = hf_run_result_codes(where, name, run_row, cli->out, err);
	if (status == HF_OK)
		status = hf_publish_tallies(where, name, publish_row, cli->out, err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

const struct cmd campaign_commands[] = {
	{.noun = "campaign",
         .verb = "list",
         .summary = "list campaigns with what was tried and what waits",
         .columns = campaign_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast campaign list", "holdfast campaign list --json=name,success_share",
                      "holdfast campaign list -o csv"},
         .test_effect = "test_campaign_list_counts",
         .test_refusal = "test_campaign_list_refuses_an_argument"},
	{.noun = "campaign",
         .verb = "show",
         .args = "NAME",
         .summary = "show one campaign",
         .columns = campaign_columns,
         .run = run_show,
         .examples = {"holdfast campaign show lintian-fixes", "holdfast campaign show lintian-fixes --json",
                      "holdfast campaign show lintian-fixes --json=queued"},
         .test_effect = "test_campaign_show_counts_one",
         .test_refusal = "test_campaign_show_refuses_an_unknown_name"},
	{.noun = "campaign",
         .verb = "stats",
         .args = "NAME",
         .summary = "count what waits, runs by result, publishes by mode and result",
         .about = "The most frequent first. What is written while it is counted may be in one line and not in another.",
         .columns = stats_columns,
         .run = run_stats,
         .flags = CMD_LIST,
         .examples = {"holdfast campaign stats lintian-fixes", "holdfast campaign stats lintian-fixes -o csv",
                      "holdfast campaign stats lintian-fixes --json=what,result_code,count"},
         .test_effect = "test_campaign_stats_counts_each_result",
         .test_refusal = "test_campaign_stats_refuses_an_unknown_name"},
	{.noun = "campaign",
         .verb = "pause",
         .args = "NAME",
         .summary = "hand nothing of a campaign out for a while",
         .about = "Claims pass over what is paused; what is claimed stays claimed. The original knows of no pause.",
         .options = campaign_pause_options,
         .run = campaign_pause_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast campaign pause lintian-fixes --reason 'breaks d/rules'",
                      "holdfast campaign pause lintian-fixes --for 1d",
                      "holdfast campaign pause lintian-fixes --dry-run"},
         .test_effect = "test_campaign_pause_holds_it_back",
         .test_refusal = "test_campaign_pause_refuses_an_unknown_name"},
	{.noun = "campaign",
         .verb = "resume",
         .args = "NAME",
         .summary = "hand a campaign out again",
         .run = campaign_resume_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast campaign resume lintian-fixes", "holdfast campaign resume lintian-fixes --json",
                      "holdfast campaign resume lintian-fixes --dry-run"},
         .test_effect = "test_campaign_resume_ends_its_pause",
         .test_refusal = "test_campaign_resume_refuses_what_is_not_paused"},
	{0},
};
