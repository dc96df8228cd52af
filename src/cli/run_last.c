/*
 * run_last.c - `holdfast run` last, resume, builds, last-version, reschedule: what the next run goes on from.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "holdfast/debian_build.h"
#include "holdfast/schedule.h"

/* ---- last ---- */

static enum hf_status go_on_behind(struct cli *cli, hf_where where, struct hf_run_last_filter *filter,
                                   struct hf_run *after, hf_error *err)
{
	const char *id = cli_text(cli, "after");
	if (!id)
		return HF_OK;
	filter->after = after;
	return hf_run_get(where, hf_str_of(id), cli->arena, after, err);
}

enum hf_status run_last_verb(struct cli *cli, hf_error *err)
{
	struct hf_run_last_filter filter = {.which = (enum hf_run_which)cli_int(cli, "which", HF_RUN_NEWEST),
	                                    .codebase = text_or_null(cli_text(cli, "codebase")),
	                                    .campaign = text_or_null(cli_text(cli, "campaign")),
	                                    .result_code = text_or_null(cli_text(cli, "result")),
	                                    .limit = out_fetch_limit(cli->out)};
	struct hf_run after;
	hf_where where;
	enum hf_status status = cli_list(cli, run_list_columns, &where, err);
	if (status == HF_OK)
		status = go_on_behind(cli, where, &filter, &after, err);
	if (status == HF_OK)
		status = hf_run_last_list(where, &filter, run_list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option run_last_options[] = {
	{.name = "which",
         .arg = "WHICH",
         .kind = OPTION_CHOICE,
         .choices = "newest|effective|unabsorbed",
         .help = "default newest; effective: past transient failures; unabsorbed: of those what has not landed"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "result", .arg = "CODE", .help = "only this result code"},
	{.name = "after", .arg = "ID", .help = "start behind the codebase and campaign of this run"},
	{0},
};

/* ---- resume ---- */

const struct column run_resume_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "branch_url"},
	{.name = "branches", .kind = COLUMN_JSON, .help = "role, remote_name, base_revision, revision"},
	{.name = "result", .kind = COLUMN_JSON, .help = "what the change program itself reported"},
	{0},
};

enum hf_status run_resume_verb(struct cli *cli, hf_error *err)
{
	struct hf_run run;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, run_resume_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_run_resumable(where, hf_str_of(cli_arg(cli, 0)), hf_str_of(cli_arg(cli, 1)), cli->arena,
		                          &run, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(run.id), cell_text(run.codebase), cell_text(run.branch_url),
	                             cell_json(rows_json(cli->arena, run_add_branches, &run)), cell_json(run.result)};
	return out_object(cli->out, run_resume_columns, cells, err);
}

/* ---- builds ---- */

const struct column run_builds_columns[] = {
	{.name = "distribution"},
	{.name = "source"},
	{.name = "version"},
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "binary_packages", .kind = COLUMN_JSON, .title = "", .help = "names"},
	{.name = "lintian_result", .kind = COLUMN_JSON, .title = "", .help = "what the package checker said, or null"},
	{0},
};

static void add_packages(struct json_writer *json, const void *of)
{
	const struct hf_str_array *packages = of;
	jw_array_begin(json);
	for (uint32_t i = 0; i < packages->count; i++)
		if (packages->nulls && packages->nulls[i])
			jw_null(json);
		else
			jw_text(json, packages->values[i]);
	jw_array_end(json);
}

struct listing {
	struct out *out;
	hf_arena *scratch; /* of one row */
};

static enum hf_status build_row(void *user, const struct hf_debian_built *built, hf_error *err)
{
	const struct listing *listing = user;
	hf_arena_reset(listing->scratch);
	const struct cell cells[] = {cell_text(built->build.distribution),
	                             cell_text(built->build.source),
	                             cell_text(built->build.version),
	                             cell_text(built->run_id),
	                             cell_text(built->codebase),
	                             cell_text(built->campaign),
	                             cell_json(
					     rows_json(listing->scratch, add_packages, &built->build.binary_packages)),
	                             cell_json(built->build.lintian_result)};
	return out_row(listing->out, cells, err);
}

/* DISTRIBUTION/SOURCE/VERSION/RUN; only the last may have a slash in it. */
static enum hf_status read_place(const char *text, struct hf_debian_built *ret_place, hf_error *err)
{
	struct hf_str *parts[] = {&ret_place->build.distribution, &ret_place->build.source, &ret_place->build.version};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *slash = strchr(text, '/');
		if (!slash) {
			error_set(err, HF_E_USAGE, "--after names no build");
			error_hint(err, "DISTRIBUTION/SOURCE/VERSION/RUN of the last build of the page before");
			return HF_E_USAGE;
		}
		*parts[i] = (struct hf_str){text, (size_t)(slash - text)};
		text = slash + 1;
	}
	ret_place->run_id = hf_str_of(text);
	return HF_OK;
}

enum hf_status run_builds_verb(struct cli *cli, hf_error *err)
{
	struct hf_debian_build_filter filter = {.run_id = text_or_null(cli_text(cli, "run")),
	                                        .codebase = text_or_null(cli_text(cli, "codebase")),
	                                        .distribution = text_or_null(cli_text(cli, "distribution")),
	                                        .source = text_or_null(cli_text(cli, "source")),
	                                        .limit = out_fetch_limit(cli->out)};
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct listing listing = {cli->out, scratch};
	struct hf_debian_built place;
	hf_where where;
	enum hf_status status = scratch ? HF_OK : error_nomem(err);
	if (status == HF_OK && cli_given(cli, "after")) {
		status = read_place(cli_text(cli, "after"), &place, err);
		filter.after = &place;
	}
	if (status == HF_OK)
		status = out_list(cli->out, run_builds_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_debian_build_list(where, &filter, build_row, &listing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option run_builds_options[] = {
	{.name = "run", .arg = "ID", .help = "only of this run"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "distribution", .arg = "NAME", .help = "only for this distribution"},
	{.name = "source", .arg = "NAME", .help = "only this source package"},
	{.name = "after", .arg = "PLACE", .help = "start behind DISTRIBUTION/SOURCE/VERSION/RUN"},
	{0},
};

const struct column run_version_columns[] = {
	{.name = "version", .help = "the greatest in the order of Debian"},
	{0},
};

enum hf_status run_version_verb(struct cli *cli, hf_error *err)
{
	struct hf_str version;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, run_version_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_debian_last_version(where, hf_str_of(cli_arg(cli, 0)), hf_str_of(cli_arg(cli, 1)),
		                                cli->arena, &version, err);
	if (status != HF_OK)
		return status;
	return out_value(cli->out, run_version_columns, (struct cell[]){cell_text(version)}, err);
}

/* ---- reschedule ---- */

const struct column run_reschedule_columns[] = {
	{.name = "queue_id", .kind = COLUMN_INT},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "bucket"},
	{.name = "offset", .kind = COLUMN_NUMBER},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION},
	{.name = "command", .help = "the run's own, where no candidate has one; else null"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct again {
	struct hf_str id;
	struct hf_schedule_direct request;
	struct hf_run run;
	struct hf_schedule_result result;
	hf_arena *arena;
};

/* What the candidate asks for; where there is none, what ran. */
static enum hf_status again_tx(hf_where tx, void *user, hf_error *err)
{
	struct again *again = user;
	enum hf_status status = hf_run_get(tx, again->id, again->arena, &again->run, err);
	if (status != HF_OK)
		return status;
	again->request.codebase = again->run.codebase;
	again->request.campaign = again->run.campaign;
	again->request.command = (struct hf_str){NULL, 0};
	status = hf_schedule_one(tx, &again->request, &again->result, err);
	if (status != HF_NOT_FOUND || !again->run.command.ptr)
		return status;
	again->request.command = again->run.command;
	return hf_schedule_one(tx, &again->request, &again->result, err);
}

enum hf_status run_reschedule_verb(struct cli *cli, hf_error *err)
{
	struct again again = {.id = hf_str_of(cli_arg(cli, 0)),
	                      .request = {.change_set = text_or_null(cli_text(cli, "change-set")),
	                                  .requester = text_or_null(cli_text(cli, "requester")),
	                                  .has_offset = cli_given(cli, "offset"),
	                                  .offset = cli_number(cli, "offset", 0.0),
	                                  .bucket_set = cli_given(cli, "bucket"),
	                                  .bucket = cli_bucket(cli),
	                                  .refresh = cli_given(cli, "refresh")},
	                      .arena = cli->arena};
	const struct hf_schedule_result *done = &again.result;
	enum hf_status status = cli_defects(cli, &again.request.keep, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, run_reschedule_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, again_tx, &again, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {
		cell_int(done->queue_id),         cell_text(again.run.codebase),
		cell_text(again.run.campaign),    cell_word(hf_bucket_word(done->bucket)),
		cell_number(done->offset),        cell_duration((double)done->estimated_duration_us / 1e6),
		cell_text(again.request.command), cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, run_reschedule_columns, cells, err);
}

const struct cmd_option run_reschedule_options[] = {
	{.name = "bucket", .arg = "NAME", .kind = OPTION_CHOICE, .choices = BUCKET_WORDS, .help = "class of the entry"},
	{.name = "offset", .arg = "N", .kind = OPTION_NUMBER, .help = "the priority; smaller is sooner"},
	{.name = "refresh", .kind = OPTION_FLAG, .help = "start from scratch"},
	{.name = "requester", .arg = "TEXT", .help = "who asks"},
	{.name = "change-set", .arg = "ID", .help = "for this change set"},
	{0},
};
