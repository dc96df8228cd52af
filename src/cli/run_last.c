/*
 * run_last.c - `holdfast run` last, resume, builds, last-version: what the next run goes on from.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "holdfast/debian_build.h"

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
	enum hf_status status = out_list(cli->out, run_list_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
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
			return error_hint(err, "DISTRIBUTION/SOURCE/VERSION/RUN of the last build of the page before");
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
