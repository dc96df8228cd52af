/*
 * proposal.c - `holdfast proposal`: show, stats, buckets, set-status, move; `holdfast publish merge-proposals`.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/publish.h"
#include "cli/rows.h"
#include "holdfast/proposal.h"

const struct column publish_proposals_columns[] = {
	{.name = "url"},
	{.name = "codebase"},
	{.name = "status", .help = "open, closed, merged, ..., or null"},
	{.name = "can_be_merged", .kind = COLUMN_BOOL, .title = "MERGEABLE"},
	{.name = "rate_limit_bucket", .title = "BUCKET", .help = "in which it counts"},
	{.name = "merged_at", .kind = COLUMN_TIME, .title = "MERGED"},
	{.name = "merged_by", .title = ""},
	{.name = "last_scanned", .kind = COLUMN_TIME, .title = "SCANNED"},
	{.name = "target_branch_url", .title = ""},
	{.name = "revision", .title = ""},
	{0},
};

enum { PROPOSAL_CELLS = ARRAY_LEN(publish_proposals_columns) - 1 };

static void proposal_cells(const struct hf_proposal *proposal, struct cell cells[PROPOSAL_CELLS])
{
	size_t n = 0;
	cells[n++] = cell_text(proposal->url);
	cells[n++] = cell_text(proposal->codebase);
	cells[n++] = cell_text(proposal->status);
	cells[n++] = proposal->has_can_be_merged ? cell_bool(proposal->can_be_merged) : cell_null();
	cells[n++] = cell_text(proposal->rate_limit_bucket);
	cells[n++] = cell_time_or_null(proposal->has_merged_at, proposal->merged_at);
	cells[n++] = cell_text(proposal->merged_by);
	cells[n++] = cell_time_or_null(proposal->has_last_scanned, proposal->last_scanned);
	cells[n++] = cell_text(proposal->target_branch_url);
	cells[n++] = cell_text(proposal->revision);
}

static enum hf_status list_row(void *user, const struct hf_proposal *proposal, hf_error *err)
{
	struct cell cells[PROPOSAL_CELLS];
	proposal_cells(proposal, cells);
	return out_row(user, cells, err);
}

enum hf_status publish_proposals_verb(struct cli *cli, hf_error *err)
{
	struct hf_proposal_filter filter = {.status = text_or_null(cli_text(cli, "status")),
	                                    .codebase = text_or_null(cli_text(cli, "codebase")),
	                                    .campaign = text_or_null(cli_text(cli, "campaign")),
	                                    .rate_limit_bucket = text_or_null(cli_text(cli, "rate-limit-bucket")),
	                                    .revision = text_or_null(cli_text(cli, "revision")),
	                                    .has_can_be_merged = cli_given(cli, "broken"),
	                                    .after = text_or_null(cli_text(cli, "after")),
	                                    .limit = out_fetch_limit(cli->out)};
	hf_where where;
	enum hf_status status = cli_list(cli, publish_proposals_columns, &where, err);
	if (status == HF_OK)
		status = hf_proposal_list(where, &filter, list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static const struct column show_columns[] = {
	{.name = "url"},
	{.name = "codebase"},
	{.name = "status", .help = "open, closed, merged, ..., or null"},
	{.name = "can_be_merged", .kind = COLUMN_BOOL},
	{.name = "rate_limit_bucket", .help = "in which it counts"},
	{.name = "merged_at", .kind = COLUMN_TIME},
	{.name = "merged_by"},
	{.name = "last_scanned", .kind = COLUMN_TIME},
	{.name = "target_branch_url"},
	{.name = "revision"},
	{.name = "run_id", .help = "of the newest run with that revision, or null"},
	{.name = "campaign", .help = "of that run"},
	{.name = "role", .help = "of the branch in that run"},
	{0},
};

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	struct hf_str url = hf_str_of(cli_arg(cli, 0));
	struct hf_proposal proposal = {.url = {NULL, 0}};
	struct hf_proposal_source source = {.run_id = {NULL, 0}};
	struct cell cells[PROPOSAL_CELLS + 3];
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, show_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_proposal_get(where, url, cli->arena, &proposal, err);
	if (status == HF_OK)
		status = hf_proposal_source(where, url, cli->arena, &source, err);
	if (status != HF_OK && (status != HF_NOT_FOUND || !proposal.url.ptr))
		return status;
	proposal_cells(&proposal, cells);
	cells[PROPOSAL_CELLS] = cell_text(source.run_id);
	cells[PROPOSAL_CELLS + 1] = cell_text(source.campaign);
	cells[PROPOSAL_CELLS + 2] = cell_text(source.role);
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- stats ---- */

static const struct column stats_columns[] = {
	{.name = "status", .help = "null where nobody knows"},
	{.name = "proposals", .kind = COLUMN_INT},
	{.name = "codebases", .kind = COLUMN_INT, .help = "different ones"},
	{0},
};
static const struct column bucket_columns[] = {
	{.name = "rate_limit_bucket", .title = "BUCKET", .help = "null: counted in none"},
	{.name = "proposals", .kind = COLUMN_INT, .help = "open ones"},
	{.name = "codebases", .kind = COLUMN_INT, .help = "different ones"},
	{0},
};

static enum hf_status tally_row(void *user, const struct hf_proposal_tally *tally, hf_error *err)
{
	const struct cell cells[] = {cell_text(tally->word), cell_int(tally->proposals), cell_int(tally->codebases)};
	return out_row(user, cells, err);
}

static enum hf_status run_stats(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, stats_columns, &where, err);
	if (status == HF_OK)
		status = hf_proposal_statuses(where, text_or_null(cli_text(cli, "rate-limit-bucket")), tally_row,
		                              cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static enum hf_status run_buckets(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, bucket_columns, &where, err);
	if (status == HF_OK)
		status = hf_proposal_buckets(where, HF_STR("open"), tally_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- set-status, move ---- */

static const struct column status_columns[] = {
	{.name = "url"},
	{.name = "status"},
	{.name = "before", .help = "the status until now"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct closing {
	struct hf_str url, status, before;
};

static enum hf_status close_tx(hf_where tx, void *user, hf_error *err)
{
	struct closing *closing = user;
	return hf_proposal_set_status(tx, closing->url, closing->status, &closing->before, err);
}

static enum hf_status run_set_status(struct cli *cli, hf_error *err)
{
	struct closing closing = {.url = hf_str_of(cli_arg(cli, 0)), .status = hf_str_of(cli_arg(cli, 1))};
	int64_t which;
	enum hf_status status = cli_choice("STATUS", PROPOSAL_STATUS_WORDS, cli_arg(cli, 1), &which, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, status_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, close_tx, &closing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(closing.url), cell_text(closing.status), cell_text(closing.before),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, status_columns, cells, err);
}

static const struct column move_columns[] = {
	{.name = "url"},
	{.name = "joined", .kind = COLUMN_BOOL, .help = "a proposal stood there, and stays"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct moving {
	struct hf_str url, canonical_url;
	bool joined;
};

static enum hf_status move_tx(hf_where tx, void *user, hf_error *err)
{
	struct moving *moving = user;
	return hf_proposal_move(tx, moving->url, moving->canonical_url, &moving->joined, err);
}

static enum hf_status run_move(struct cli *cli, hf_error *err)
{
	struct moving moving = {.url = hf_str_of(cli_arg(cli, 0)), .canonical_url = hf_str_of(cli_arg(cli, 1))};
	enum hf_status status = out_check_fields(cli->out, move_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, move_tx, &moving, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(moving.canonical_url), cell_bool(moving.joined),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, move_columns, cells, err);
}

/* ---- the table ---- */

const struct cmd_option publish_proposals_options[] = {
	{.name = "status",
         .arg = "WORD",
         .kind = OPTION_CHOICE,
         .choices = PROPOSAL_STATUS_WORDS,
         .help = "open, closed, merged, applied, abandoned, rejected"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only what a run of this campaign made"},
	{.name = "rate-limit-bucket", .arg = "NAME", .help = "only what counts in this bucket"},
	{.name = "revision", .arg = "ID", .help = "only this revision"},
	{.name = "broken", .kind = OPTION_FLAG, .help = "only what cannot be merged"},
	{.name = "after", .arg = "URL", .help = "start behind this proposal"},
	{0},
};
static const struct cmd_option stats_options[] = {
	{.name = "rate-limit-bucket", .arg = "NAME", .help = "only what counts in this bucket"},
	{0},
};

const struct cmd proposal_commands[] = {
	{.noun = "proposal",
         .verb = "show",
         .args = "URL",
         .summary = "show a merge proposal and the run that it comes from",
         .columns = show_columns,
         .run = run_show,
         .examples = {"holdfast proposal show https://salsa.debian.org/debian/x/-/merge_requests/1",
                      "holdfast proposal show https://example.org/mp/1 --json",
                      "holdfast proposal show https://example.org/mp/1 --json=run_id"},
         .test_effect = "test_proposal_show_names_its_run",
         .test_refusal = "test_proposal_show_refuses_an_unknown_url"},
	{.noun = "proposal",
         .verb = "stats",
         .summary = "count merge proposals by status",
         .options = stats_options,
         .columns = stats_columns,
         .run = run_stats,
         .flags = CMD_LIST,
         .examples = {"holdfast proposal stats", "holdfast proposal stats --rate-limit-bucket lintian",
                      "holdfast proposal stats -o csv"},
         .test_effect = "test_proposal_stats_counts",
         .test_refusal = "test_proposal_stats_refuses_an_argument"},
	{.noun = "proposal",
         .verb = "buckets",
         .summary = "count open merge proposals by rate limit bucket",
         .columns = bucket_columns,
         .run = run_buckets,
         .flags = CMD_LIST,
         .examples = {"holdfast proposal buckets", "holdfast proposal buckets --json",
                      "holdfast proposal buckets --json=rate_limit_bucket,proposals"},
         .test_effect = "test_proposal_buckets_counts_open_ones",
         .test_refusal = "test_proposal_buckets_refuses_an_argument"},
	{.noun = "proposal",
         .verb = "set-status",
         .args = "URL STATUS",
         .summary = "say in which way a merge proposal is closed",
         .about = "STATUS is closed, abandoned, rejected or applied. That one is open or merged only its hosting site "
                  "can say, and a merged one stays so. The database is written; the hosting site is not told.",
         .columns = status_columns,
         .run = run_set_status,
         .flags = CMD_WRITES,
         .examples = {"holdfast proposal set-status https://example.org/mp/1 rejected",
                      "holdfast proposal set-status https://example.org/mp/1 applied --dry-run",
                      "holdfast proposal set-status https://example.org/mp/1 closed --json"},
         .test_effect = "test_proposal_set_status_closes_one",
         .test_refusal = "test_proposal_set_status_refuses_what_cannot_be"},
	{.noun = "proposal",
         .verb = "move",
         .args = "URL NEW-URL",
         .summary = "give a merge proposal the URL that its hosting site uses now",
         .about = "Publishes follow. Where a proposal stands at the new URL already it stays, takes the codebase and "
                  "the "
                  "bucket that it does not have itself, and the old one goes.",
         .columns = move_columns,
         .run = run_move,
         .flags = CMD_WRITES,
         .examples = {"holdfast proposal move https://example.org/mp/1 https://example.org/n/1",
                      "holdfast proposal move https://old.org/mp/1 https://new.org/mp/1 --dry-run",
                      "holdfast proposal move https://old.org/mp/1 https://new.org/mp/1 --json"},
         .test_effect = "test_proposal_move_takes_publishes_along",
         .test_refusal = "test_proposal_move_refuses_what_is_not_there"},
	{0},
};
