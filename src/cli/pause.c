/*
 * pause.c - `holdfast queue` pause, resume, pauses and `holdfast campaign` pause, resume: what is not handed out.
 */
#include "base/error.h"
#include "cli/pause.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "holdfast/campaign.h"
#include "holdfast/claim.h"

struct pausing {
	enum hf_pause_kind kind;
	struct hf_str name, reason;
	int64_t lasting_us;
	struct hf_assigner_state assigner;
};

static enum hf_status pause_tx(hf_where tx, void *user, hf_error *err)
{
	struct pausing *pausing = user;
	enum hf_status status = hf_assigner_get(tx, &pausing->assigner, err);
	return status == HF_OK
	               ? hf_pause_begin(tx, pausing->kind, pausing->name, pausing->reason, pausing->lasting_us, err)
	               : status;
}

static enum hf_status resume_tx(hf_where tx, void *user, hf_error *err)
{
	const struct pausing *pausing = user;
	return hf_pause_end(tx, pausing->kind, pausing->name, err);
}

static enum hf_status written_one(struct cli *cli, hf_error *err)
{
	struct written written = {.what = "pauses", .changed = 1};
	return out_written(cli->out, &written, err);
}

static enum hf_status begin(struct cli *cli, struct pausing *pausing, hf_error *err)
{
	pausing->reason = text_or_null(cli_text(cli, "reason"));
	pausing->lasting_us = cli_int(cli, "for", 0) * 1000;
	enum hf_status status = cli_write(cli, pause_tx, pausing, err);
	if (status == HF_OK)
		status = written_one(cli, err);
	if (status == HF_OK && pausing->assigner.active == HF_ASSIGNER_ORIGINAL)
		cli_note(cli, "the original hands out this queue, and knows of no pause");
	return status;
}

static enum hf_status end(struct cli *cli, struct pausing *pausing, hf_error *err)
{
	enum hf_status status = cli_write(cli, resume_tx, pausing, err);
	return status == HF_OK ? written_one(cli, err) : status;
}

/* ---- queue ---- */

static enum hf_status chosen(struct cli *cli, struct pausing *pausing, hf_error *err)
{
	const char *bucket = cli_text(cli, "bucket"), *host = cli_text(cli, "host");
	if (bucket && host)
		return error_set(err, HF_E_USAGE, "--bucket or --host, not both");
	if (bucket)
		*pausing = (struct pausing){.kind = HF_PAUSE_BUCKET, .name = hf_str_of(bucket)};
	if (host)
		*pausing = (struct pausing){.kind = HF_PAUSE_HOST, .name = hf_str_of(host)};
	return HF_OK;
}

enum hf_status queue_pause_verb(struct cli *cli, hf_error *err)
{
	struct pausing pausing = {.kind = HF_PAUSE_QUEUE};
	enum hf_status status = chosen(cli, &pausing, err);
	return status == HF_OK ? begin(cli, &pausing, err) : status;
}

enum hf_status queue_resume_verb(struct cli *cli, hf_error *err)
{
	struct pausing pausing = {.kind = HF_PAUSE_QUEUE};
	enum hf_status status = chosen(cli, &pausing, err);
	return status == HF_OK ? end(cli, &pausing, err) : status;
}

const struct column queue_pauses_columns[] = {
	{.name = "kind", .help = "queue, bucket, campaign or host"},
	{.name = "name", .help = "null: the whole queue"},
	{.name = "reason"},
	{.name = "since", .kind = COLUMN_TIME},
	{.name = "until", .kind = COLUMN_TIME, .help = "when it ends by itself, or null"},
	{0},
};

static enum hf_status pause_row(void *user, const struct hf_pause *pause, hf_error *err)
{
	const struct cell cells[] = {cell_word(hf_pause_kind_word(pause->kind)),
	                             pause->name.len > 0 ? cell_text(pause->name) : cell_null(),
	                             cell_text(pause->reason), cell_time(pause->since.us),
	                             pause->has_until ? cell_time(pause->until.us) : cell_null()};
	return out_row(user, cells, err);
}

enum hf_status queue_pauses_verb(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, queue_pauses_columns, &where, err);
	if (status == HF_OK)
		status = hf_pause_list(where, pause_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- campaign ---- */

enum hf_status campaign_pause_verb(struct cli *cli, hf_error *err)
{
	struct pausing pausing = {.kind = HF_PAUSE_CAMPAIGN, .name = hf_str_of(cli_arg(cli, 0))};
	struct hf_campaign campaign;
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_campaign_get(where, pausing.name, cli->arena, &campaign, err);
	return status == HF_OK ? begin(cli, &pausing, err) : status;
}

enum hf_status campaign_resume_verb(struct cli *cli, hf_error *err)
{
	struct pausing pausing = {.kind = HF_PAUSE_CAMPAIGN, .name = hf_str_of(cli_arg(cli, 0))};
	return end(cli, &pausing, err);
}

#define HOW_LONG                                                                                                  \
	{.name = "reason", .arg = "TEXT", .help = "why, for everybody who looks"},                                \
	{                                                                                                         \
		.name = "for", .arg = "TIME", .kind = OPTION_DURATION, .min = 1000, .max = INT64_C(315360000000), \
		.help = "it ends by itself then (default: it stays)"                                              \
	}
#define WHICH                                                                            \
	{.name = "bucket",                                                               \
	 .arg = "NAME",                                                                  \
	 .kind = OPTION_CHOICE,                                                          \
	 .choices = BUCKET_WORDS,                                                        \
	 .help = "this bucket alone"},                                                   \
	{                                                                                \
		.name = "host", .arg = "HOST", .help = "what comes from this host alone" \
	}

const struct cmd_option queue_pause_options[] = {WHICH, HOW_LONG, {0}};
const struct cmd_option queue_resume_options[] = {WHICH, {0}};
const struct cmd_option campaign_pause_options[] = {HOW_LONG, {0}};
