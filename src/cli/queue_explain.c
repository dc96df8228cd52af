/*
 * queue_explain.c - `holdfast queue` position, explain: when an entry has its turn, and why. Their entries in the table
 * stand in queue.c.
 */
#include "base/error.h"
#include "cli/queue.h"
#include "cli/rows.h"
#include "holdfast/codebase.h"
#include "holdfast/schedule.h"

/* ---- position ---- */

const struct column queue_position_columns[] = {
	{.name = "id", .kind = COLUMN_INT},
	{.name = "position", .kind = COLUMN_INT, .help = "1 is next"},
	{.name = "wait_s", .kind = COLUMN_DURATION, .help = "estimated time until it starts, one worker"},
	{0},
};

enum hf_status queue_position_verb(struct cli *cli, hf_error *err)
{
	struct hf_queue_position position;
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_queue_position(where, hf_str_of(cli_arg(cli, 0)), hf_str_of(cli_arg(cli, 1)), &position,
		                           err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(position.id), cell_int(position.position),
	                             cell_us_or_null(position.has_wait, position.wait_us)};
	return out_object(cli->out, queue_position_columns, cells, err);
}

/* ---- explain ---- */

const struct column queue_explain_columns[] = {
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "id", .kind = COLUMN_INT},
	{.name = "bucket"},
	{.name = "priority", .kind = COLUMN_INT, .help = "as stored when it was queued"},
	{.name = "position", .kind = COLUMN_INT},
	{.name = "wait_s", .kind = COLUMN_DURATION},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .help = "of the run, by its history"},
	{.name = "earlier_runs", .kind = COLUMN_INT},
	{.name = "success_chance", .kind = COLUMN_NUMBER},
	{.name = "codebase_value", .kind = COLUMN_INT},
	{.name = "codebase_share", .kind = COLUMN_NUMBER, .help = "of the greatest value; at least 0.1 counts"},
	{.name = "candidate_value", .kind = COLUMN_NUMBER, .help = "without the bonus of 100 for a first run"},
	{.name = "cost", .kind = COLUMN_NUMBER, .help = "20,000 and the estimated milliseconds"},
	{.name = "offset", .kind = COLUMN_NUMBER, .help = "cost / (share x chance x value), if scheduled now"},
	{0},
};

struct explanation {
	struct hf_queue_position position;
	struct hf_queue_item item;
	struct hf_codebase codebase;
	struct hf_schedule_explanation why;
};

static void explain_text(struct cli *cli, const struct explanation *all)
{
	const struct hf_schedule_explanation *why = &all->why;
	double share = why->has_normalized_value ? why->normalized_value : 0.5;
	out_text(cli->out, "%.*s / %.*s is number %lld in the queue (%s bucket)\n\n", STR_ARG(all->item.codebase),
	         STR_ARG(all->item.campaign), (long long)all->position.position, hf_bucket_word(all->item.bucket));
	out_text(cli->out, "  estimated cost    %-10.0f 20,000 fixed + the estimated run time in ms (%.3f s)\n",
	         why->cost, (double)why->estimated_duration_us / 1e6);
	out_text(cli->out, "  codebase value    %-10.3f value %d as a share of the greatest%s\n",
	         share < 0.1 ? 0.1 : share, all->codebase.value, share < 0.1 ? ", floor 0.1 applied" : "");
	out_text(cli->out, "  success chance    %-10.3f %lld earlier runs\n", why->probability,
	         (long long)why->total_runs);
	out_text(cli->out, "  candidate value   %-10g %g%s\n",
	         (why->has_value ? why->value : 1.0) + (why->has_value && why->total_runs == 0 ? 100.0 : 0.0),
	         why->has_value ? why->value : 1.0, why->has_value && why->total_runs == 0 ? " + 100 (first run)" : "");
	out_text(cli->out, "  offset            %-10.1f cost / (value x chance x candidate), if scheduled now\n",
	         why->offset);
	out_text(cli->out, "  priority          %-10lld as stored when it was queued\n", (long long)all->item.priority);
}

static enum hf_status explain_cells(struct cli *cli, const struct explanation *all, hf_error *err)
{
	const struct hf_schedule_explanation *why = &all->why;
	const struct cell cells[] = {cell_text(all->item.codebase),
	                             cell_text(all->item.campaign),
	                             cell_int(all->item.id),
	                             cell_word(hf_bucket_word(all->item.bucket)),
	                             cell_int(all->item.priority),
	                             cell_int(all->position.position),
	                             cell_us_or_null(all->position.has_wait, all->position.wait_us),
	                             cell_duration((double)why->estimated_duration_us / 1e6),
	                             cell_int(why->total_runs),
	                             cell_number(why->probability),
	                             cell_int_or_null(all->codebase.has_value, all->codebase.value),
	                             why->has_normalized_value ? cell_number(why->normalized_value) : cell_null(),
	                             why->has_value ? cell_number(why->value) : cell_null(),
	                             cell_number(why->cost),
	                             cell_number(why->offset)};
	return out_object(cli->out, queue_explain_columns, cells, err);
}

enum hf_status queue_explain_verb(struct cli *cli, hf_error *err)
{
	struct hf_str codebase = hf_str_of(cli_arg(cli, 0)), campaign = hf_str_of(cli_arg(cli, 1));
	struct explanation all;
	const struct hf_defects *keep;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, queue_explain_columns, err);
	if (status == HF_OK)
		status = cli_defects(cli, &keep, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_queue_position(where, codebase, campaign, &all.position, err);
	if (status == HF_OK)
		status = hf_queue_get(where, all.position.id, cli->arena, &all.item, err);
	if (status == HF_OK)
		status = hf_codebase_get(where, codebase, cli->arena, &all.codebase, err);
	if (status == HF_OK)
		status = hf_schedule_explain(where, codebase, campaign, keep, &all.why, err);
	if (status != HF_OK)
		return status;
	if (cli->globals.format != OUT_TABLE)
		return explain_cells(cli, &all, err);
	explain_text(cli, &all);
	return HF_OK;
}
