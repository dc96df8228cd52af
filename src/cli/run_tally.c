/*
 * run_tally.c - `holdfast run` result-codes, failure-stages: runs counted by what became of them. Their entries in the
 * table stand in run.c.
 */
#include "base/error.h"
#include "cli/rows.h"
#include "cli/run.h"

const struct cmd_option run_tally_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "last",
         .arg = "WHICH",
         .kind = OPTION_CHOICE,
         .choices = "newest|effective|unabsorbed",
         .help = "of each codebase and campaign that run alone; nothing new to do counts as a success"},
	{.name = "wanted", .kind = OPTION_FLAG, .help = "with --last: what a candidate still asks for alone"},
	{0},
};

#define TALLY_COLUMNS                                                                                              \
	{.name = "runs", .kind = COLUMN_INT}, {.name = "codebases", .kind = COLUMN_INT, .help = "different ones"}, \
		{.name = "newest", .kind = COLUMN_TIME, .help = "start of the newest of them"},                    \
	{                                                                                                          \
		0                                                                                                  \
	}
const struct column run_code_columns[] = {{.name = "result_code"}, TALLY_COLUMNS};
const struct column run_stage_columns[] = {{.name = "failure_stage", .help = "null where nobody said"}, TALLY_COLUMNS};

static enum hf_status tally_row(void *user, const struct hf_run_tally *tally, hf_error *err)
{
	const struct cell cells[] = {cell_text(tally->word), cell_int(tally->runs), cell_int(tally->codebases),
	                             cell_time_or_null(tally->has_newest, tally->newest)};
	return out_row(user, cells, err);
}

typedef enum hf_status count_fn(hf_where where, struct hf_str campaign, hf_run_tally_fn *fn, void *user, hf_error *err);
typedef enum hf_status count_last_fn(hf_where where, const struct hf_run_last_tally_filter *filter, hf_run_tally_fn *fn,
                                     void *user, hf_error *err);

/* Of all runs, or with --last of the last of each codebase and campaign. */
static enum hf_status tally(struct cli *cli, const struct column *columns, count_fn *count, count_last_fn *count_last,
                            hf_error *err)
{
	struct hf_run_last_tally_filter filter = {.which = (enum hf_run_which)cli_int(cli, "last", HF_RUN_NEWEST),
	                                          .campaign = text_or_null(cli_text(cli, "campaign")),
	                                          .wanted = cli_given(cli, "wanted")};
	if (filter.wanted && !cli_given(cli, "last"))
		return error_set(err, HF_E_USAGE, "--wanted is about the last runs: give --last, too");
	hf_where where;
	enum hf_status status = cli_list(cli, columns, &where, err);
	if (status == HF_OK)
		status = cli_given(cli, "last") ? count_last(where, &filter, tally_row, cli->out, err)
		                                : count(where, filter.campaign, tally_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

enum hf_status run_codes_verb(struct cli *cli, hf_error *err)
{
	return tally(cli, run_code_columns, hf_run_result_codes, hf_run_last_result_codes, err);
}

enum hf_status run_stages_verb(struct cli *cli, hf_error *err)
{
	return tally(cli, run_stage_columns, hf_run_failure_stages, hf_run_last_failure_stages, err);
}
