/*
 * candidate_write.c - `holdfast candidate`: set, delete, upload.
 */
#include <string.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/str.h"
#include "cli/candidate.h"
#include "cli/files.h"
#include "cli/preview.h"
#include "cli/rows.h"

enum { UPLOAD_FILE_MAX = 16 << 20 };

/* ---- set ---- */

const struct column candidate_set_columns[] = {
	{.name = "changed", .kind = COLUMN_INT},
	{.name = "id", .kind = COLUMN_INT, .help = "of the candidate"},
	{.name = "created", .kind = COLUMN_BOOL, .help = "there was no such candidate"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

const struct cmd_option candidate_set_options[] = {
	{.name = "command", .arg = "TEXT", .help = "what to run; a new candidate needs one"},
	{.name = "context", .arg = "TEXT", .help = "what the run is expected to find"},
	{.name = "value",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "how much a success is worth"},
	{.name = "chance", .arg = "P", .kind = OPTION_NUMBER, .help = "of success, 0 to 1"},
	{.name = "policy", .arg = "NAME", .help = "publish policy"},
	{.name = "change-set", .arg = "ID", .help = "the candidate of this change set"},
	{0},
};

struct setting_job {
	struct hf_candidate candidate;
	unsigned parts;
	int32_t id;
	bool created;
};

static enum hf_status set_tx(hf_where tx, void *user, hf_error *err)
{
	struct setting_job *job = user;
	return hf_candidate_set(tx, &job->candidate, job->parts, &job->id, &job->created, err);
}

/* An empty text makes a member NULL. */
static struct hf_str text_flag(struct cli *cli, const char *name, unsigned part, unsigned *parts)
{
	const char *text = cli_text(cli, name);
	*parts |= text ? part : 0;
	return text && *text ? hf_str_of(text) : (struct hf_str){NULL, 0};
}

static void fill_setting(struct cli *cli, struct setting_job *job)
{
	unsigned parts = 0;
	struct hf_candidate candidate = {
		.codebase = hf_str_of(cli_arg(cli, 0)),
		.campaign = hf_str_of(cli_arg(cli, 1)),
		.command = text_flag(cli, "command", HF_CANDIDATE_COMMAND, &parts),
		.context = text_flag(cli, "context", HF_CANDIDATE_CONTEXT, &parts),
		.publish_policy = text_flag(cli, "policy", HF_CANDIDATE_PUBLISH_POLICY, &parts),
		.change_set = text_or_null(cli_text(cli, "change-set")),
		.has_value = cli_given(cli, "value"),
		.value = (int32_t)cli_int(cli, "value", 0),
		.has_success_chance = cli_given(cli, "chance"),
		.success_chance = cli_number(cli, "chance", 0.0),
	};
	parts |= candidate.has_value ? HF_CANDIDATE_VALUE : 0;
	parts |= candidate.has_success_chance ? HF_CANDIDATE_SUCCESS_CHANCE : 0;
	*job = (struct setting_job){.candidate = candidate, .parts = parts};
}

enum hf_status candidate_set_verb(struct cli *cli, hf_error *err)
{
	struct setting_job job;
	fill_setting(cli, &job);
	enum hf_status status = out_check_fields(cli->out, candidate_set_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, set_tx, &job, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(1), cell_int(job.id), cell_bool(job.created),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, candidate_set_columns, cells, err);
}

/* ---- delete ---- */

const struct column candidate_delete_columns[] = {
	{.name = "changed", .kind = COLUMN_INT},
	{.name = "dequeued", .kind = COLUMN_INT, .help = "entries that left the queue"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct delete_job {
	int32_t id;
	const struct hf_defects *keep;
	int64_t dequeued;
};

static enum hf_status delete_tx(hf_where tx, void *user, hf_error *err)
{
	struct delete_job *job = user;
	return hf_candidate_delete(tx, job->id, job->keep, &job->dequeued, err);
}

enum hf_status candidate_delete_verb(struct cli *cli, hf_error *err)
{
	struct delete_job job;
	enum hf_status status = out_check_fields(cli->out, candidate_delete_columns, err);
	if (status == HF_OK)
		status = candidate_id(cli, &job.id, err);
	if (status == HF_OK)
		status = cli_defects(cli, &job.keep, err);
	if (status == HF_OK)
		status = cli_write(cli, delete_tx, &job, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(1), cell_int(job.dequeued), cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, candidate_delete_columns, cells, err);
}

/* ---- upload ---- */

const struct cmd_option candidate_upload_options[] = {
	{.name = "campaign",
         .arg = "NAME",
         .repeatable = true,
         .help = "a campaign that is known, as NAME or NAME=COMMAND (several times; default: all are)"},
	{0},
};

struct upload_job {
	struct hf_str json;
	struct hf_candidate_upload_options options;
	hf_arena *arena;
	struct hf_candidate_upload_report report;
};

static enum hf_status upload_tx(hf_where tx, void *user, hf_error *err)
{
	struct upload_job *job = user;
	return hf_candidate_upload(tx, job->json, &job->options, job->arena, &job->report, err);
}

static enum hf_status fill_campaigns(struct cli *cli, struct upload_job *job, hf_error *err)
{
	size_t count = cli_count(cli, "campaign");
	struct hf_campaign_default *campaigns = hf_arena_calloc(cli->arena, count + 1, sizeof(*campaigns));
	if (!campaigns)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct hf_str rest = hf_str_of(cli_text_at(cli, "campaign", i));
		(void)str_split(&rest, '=', &campaigns[i].name);
		campaigns[i].command = rest;
	}
	job->options = (struct hf_candidate_upload_options){.size = sizeof(job->options),
	                                                    .campaigns = campaigns,
	                                                    .ncampaigns = count};
	return HF_OK;
}

static void put_uploaded(struct json_writer *json, const struct hf_candidate_uploaded *uploaded)
{
	jw_object_begin(json);
	json_text_member(json, "campaign", uploaded->candidate.campaign);
	json_text_member(json, "codebase", uploaded->candidate.codebase);
	json_text_member(json, "bucket", hf_str_of(hf_bucket_word(uploaded->scheduled.bucket)));
	json_text_member(json, "change_set", uploaded->candidate.change_set);
	jw_key(json, "offset");
	jw_double(json, uploaded->scheduled.offset);
	jw_key(json, "estimated_duration");
	jw_double(json, (double)uploaded->scheduled.estimated_duration_us / 1e6);
	jw_key(json, "queue-id");
	jw_int(json, uploaded->scheduled.queue_id);
	jw_key(json, "refresh");
	jw_bool(json, uploaded->refresh);
	jw_object_end(json);
}

/* What was refused for one reason, each word once. */
static enum hf_status put_refused(struct json_writer *json, const struct hf_candidate_upload_report *report,
                                  enum hf_candidate_refusal reason, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *words = intern_new(UINT32_MAX - 1);
	bool null_before = false;
	if (!words)
		return error_nomem(err);
	jw_key(json, hf_candidate_refusal_word(reason));
	jw_array_begin(json);
	for (size_t i = 0; i < report->nrefused; i++) {
		const struct hf_candidate_refused *refused = &report->refused[i];
		uint32_t before = intern_count(words);
		if (refused->reason != reason)
			continue;
		if (refused->word.ptr && intern_add(words, refused->word) == INTERN_NONE)
			return error_nomem(err);
		if (!refused->word.ptr && !null_before)
			jw_null(json);
		else if (intern_count(words) > before && reason == HF_CANDIDATE_ZERO_VALUE)
			jw_int(json, 0);
		else if (intern_count(words) > before)
			jw_text(json, refused->word);
		null_before = null_before || !refused->word.ptr;
	}
	jw_array_end(json);
	return HF_OK;
}

/* The original's answer, and how much changed. */
static enum hf_status show_json(struct cli *cli, const struct hf_candidate_upload_report *report, hf_error *err)
{
	struct json_writer *json = out_json(cli->out);
	jw_object_begin(json);
	jw_key(json, "changed");
	jw_int(json, (int64_t)report->nuploaded);
	jw_key(json, "dry_run");
	jw_bool(json, cli->globals.dry_run);
	jw_key(json, "success");
	jw_array_begin(json);
	for (size_t i = 0; i < report->nuploaded; i++)
		put_uploaded(json, &report->uploaded[i]);
	jw_array_end(json);
	enum hf_status status = HF_OK;
	for (int reason = 0; reason < HF_CANDIDATE_REFUSAL_COUNT && status == HF_OK; reason++)
		status = put_refused(json, report, (enum hf_candidate_refusal)reason, err);
	if (status != HF_OK)
		return status;
	jw_object_end(json);
	return out_json_end(cli->out, err);
}

static const struct column uploaded_columns[] = {
	{.name = "id", .kind = COLUMN_INT},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "change_set"},
	{.name = "queue_id", .kind = COLUMN_INT},
	{.name = "bucket"},
	{.name = "offset", .kind = COLUMN_NUMBER},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .title = "ESTIMATE"},
	{.name = "refresh", .kind = COLUMN_BOOL},
	{0},
};

static enum hf_status show_rows(struct cli *cli, const struct hf_candidate_upload_report *report, hf_error *err)
{
	enum hf_status status = out_list(cli->out, uploaded_columns, err);
	for (size_t i = 0; status == HF_OK && i < report->nuploaded; i++) {
		const struct hf_candidate_uploaded *uploaded = &report->uploaded[i];
		const struct cell cells[] = {cell_int(uploaded->candidate.id),
		                             cell_text(uploaded->candidate.codebase),
		                             cell_text(uploaded->candidate.campaign),
		                             cell_text(uploaded->candidate.change_set),
		                             cell_int(uploaded->scheduled.queue_id),
		                             cell_word(hf_bucket_word(uploaded->scheduled.bucket)),
		                             cell_number(uploaded->scheduled.offset),
		                             cell_duration((double)uploaded->scheduled.estimated_duration_us / 1e6),
		                             cell_bool(uploaded->refresh)};
		status = out_row(cli->out, cells, err);
	}
	status = status == HF_STOP ? HF_OK : status;
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static enum hf_status some_refused(const struct hf_candidate_upload_report *report, hf_error *err)
{
	const struct hf_candidate_refused *first = &report->refused[0];
	error_set(err, HF_PARTIAL, "%zu of %zu entries were passed over, the first is entry %zu (%s: %.*s)",
	          report->nrefused, report->nrefused + report->nuploaded, first->entry,
	          hf_candidate_refusal_word(first->reason), (int)(first->word.len > 100 ? 100 : first->word.len),
	          first->word.ptr ? first->word.ptr : "");
	error_hint(err, "the others are stored and scheduled; --json tells all");
	return HF_PARTIAL;
}

enum hf_status candidate_upload_verb(struct cli *cli, hf_error *err)
{
	struct upload_job job = {.arena = cli->arena};
	enum hf_status status = fill_campaigns(cli, &job, err);
	if (status == HF_OK)
		status = cli_defects(cli, &job.options.keep, err);
	if (status == HF_OK)
		status = file_read(cli, cli_arg(cli, 0), UPLOAD_FILE_MAX, &job.json, err);
	if (status == HF_OK)
		status = cli_write(cli, upload_tx, &job, err);
	if (status != HF_OK)
		return status;
	bool json = cli->globals.format == OUT_JSON || cli->globals.format == OUT_NDJSON;
	status = json ? show_json(cli, &job.report, err) : show_rows(cli, &job.report, err);
	return status == HF_OK && job.report.nrefused > 0 ? some_refused(&job.report, err) : status;
}
