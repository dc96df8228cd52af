/*
 * ready.c - `holdfast publish` ready, blockers, done.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/publish.h"
#include "cli/rows.h"
#include "holdfast/ready.h"
#include "holdfast/values.h"

/* ---- ready ---- */

const struct column publish_ready_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "value", .kind = COLUMN_INT},
	{.name = "publish_status", .title = "STATUS"},
	{.name = "change_set_state", .title = "CHANGE-SET"},
	{.name = "modes", .help = "of the branches that have not landed"},
	{.name = "policy"},
	{.name = "rate_limit_bucket", .title = "BUCKET"},
	{.name = "finish_time", .kind = COLUMN_TIME, .title = "FINISHED"},
	{.name = "change_set", .title = ""},
	{.name = "command", .title = "", .help = "what ran"},
	{.name = "policy_command", .title = "", .help = "what the candidate asks for now"},
	{.name = "revision", .title = ""},
	{.name = "target_branch_url", .title = ""},
	{.name = "branches", .kind = COLUMN_JSON, .title = "", .help = "that have not landed, main last"},
	{0},
};

static void add_branches(struct json_writer *json, const void *of)
{
	const struct hf_ready *ready = of;
	jw_array_begin(json);
	for (size_t i = 0; i < ready->nbranches; i++) {
		jw_object_begin(json);
		json_text_member(json, "role", ready->branches[i].role);
		json_text_member(json, "remote_name", ready->branches[i].remote_name);
		json_text_member(json, "base_revision", ready->branches[i].base_revision);
		json_text_member(json, "revision", ready->branches[i].revision);
		json_text_member(json, "mode", ready->branches[i].mode);
		jw_key(json, "frequency_days");
		if (ready->branches[i].has_frequency_days)
			jw_int(json, ready->branches[i].frequency_days);
		else
			jw_null(json);
		jw_object_end(json);
	}
	jw_array_end(json);
}

/* "debian=push main=propose"; "-" is no mode. */
static struct hf_str modes_of(hf_arena *arena, const struct hf_ready *ready)
{
	struct hf_str text = HF_STR("");
	for (size_t i = 0; i < ready->nbranches && text.ptr; i++) {
		struct hf_str mode = ready->branches[i].mode.ptr ? ready->branches[i].mode : HF_STR("-");
		text = arena_printf(arena, "%.*s%s%.*s=%.*s", STR_ARG(text), i == 0 ? "" : " ",
		                    STR_ARG(ready->branches[i].role), STR_ARG(mode));
	}
	return text;
}

struct listing {
	struct out *out;
	hf_arena *scratch; /* of one row */
};

static enum hf_status ready_row(void *user, const struct hf_ready *ready, hf_error *err)
{
	const struct listing *listing = user;
	hf_arena_reset(listing->scratch);
	const struct cell cells[] = {cell_text(ready->run_id),
	                             cell_text(ready->codebase),
	                             cell_text(ready->campaign),
	                             cell_int_or_null(ready->has_value, ready->value),
	                             cell_text(ready->publish_status),
	                             cell_word(hf_change_set_state_word(ready->change_set_state)),
	                             cell_text(modes_of(listing->scratch, ready)),
	                             cell_text(ready->policy),
	                             cell_text(ready->rate_limit_bucket),
	                             cell_time_or_null(ready->has_finish_time, ready->finish_time),
	                             cell_text(ready->change_set),
	                             cell_text(ready->command),
	                             cell_text(ready->policy_command),
	                             cell_text(ready->revision),
	                             cell_text(ready->target_branch_url),
	                             cell_json(rows_json(listing->scratch, add_branches, ready))};
	return out_row(listing->out, cells, err);
}

enum hf_status publish_ready_verb(struct cli *cli, hf_error *err)
{
	struct hf_ready_filter filter = {.all = cli_given(cli, "all"),
	                                 .codebase = text_or_null(cli_text(cli, "codebase")),
	                                 .campaign = text_or_null(cli_text(cli, "campaign")),
	                                 .after = text_or_null(cli_text(cli, "after")),
	                                 .limit = out_fetch_limit(cli->out)};
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct listing listing = {cli->out, scratch};
	const struct hf_defects *keep;
	hf_where where;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = cli_defects(cli, &keep, err);
	if (status == HF_OK)
		status = out_list(cli->out, publish_ready_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_ready_list(where, &filter, keep, ready_row, &listing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option publish_ready_options[] = {
	{.name = "all",
         .kind = OPTION_FLAG,
         .help = "also what is not approved, not ready, or without a mode to publish"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "after", .arg = "ID", .help = "start behind this run"},
	{0},
};

/* ---- blockers ---- */

const struct column publish_blockers_columns[] = {
	{.name = "check"},
	{.name = "blocks", .kind = COLUMN_BOOL},
	{.name = "details"},
	{0},
};

static enum hf_status blocker_rows(struct cli *cli, const struct hf_blockers *blockers, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (int i = 0; i < HF_BLOCKER_COUNT && status == HF_OK; i++) {
		const struct cell cells[] = {cell_word(hf_blocker_word((enum hf_blocker)i)),
		                             cell_bool(blockers->blocks[i]), cell_text(blockers->details[i])};
		status = out_row(cli->out, cells, err);
	}
	return status;
}

enum hf_status publish_blockers_verb(struct cli *cli, hf_error *err)
{
	struct hf_blockers blockers;
	hf_where where;
	enum hf_status status = cli_list(cli, publish_blockers_columns, &where, err);
	if (status == HF_OK)
		status = hf_publish_blockers(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &blockers, err);
	if (status != HF_OK)
		return status;
	status = blocker_rows(cli, &blockers, err);
	if (blockers.rate_limit_bucket.ptr)
		cli_note(cli, "%lld merge proposals are open in bucket %.*s", (long long)blockers.open_proposals,
		         STR_ARG(blockers.rate_limit_bucket));
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- done ---- */

const struct column publish_done_columns[] = {
	{.name = "absorbed_at", .kind = COLUMN_TIME, .title = "WHEN"},
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "mode", .help = "push or propose"},
	{.name = "delay_s", .kind = COLUMN_DURATION, .title = "AFTER", .help = "since the end of the run"},
	{.name = "merged_by"},
	{.name = "merge_proposal_url", .title = "PROPOSAL"},
	{.name = "change_set", .title = ""},
	{.name = "revision", .title = ""},
	{.name = "result", .kind = COLUMN_JSON, .title = "", .help = "what the change program reported"},
	{.name = "place", .title = "", .help = "for --after"},
	{0},
};

/* The mode comes before what may hold slashes, and a URL holds no space. */
static struct hf_str place_of(hf_arena *arena, const struct hf_absorbed *absorbed)
{
	char when[HF_TIMESTAMP_TEXT_MAX] = "never";
	const bool proposed = absorbed->merge_proposal_url.ptr != NULL;
	if (absorbed->has_absorbed_at)
		(void)hf_timestamp_to_text(absorbed->absorbed_at, "Z", when, sizeof(when));
	return arena_printf(arena, "%s/%.*s/%.*s%s%.*s", when, STR_ARG(absorbed->mode), STR_ARG(absorbed->run_id),
	                    proposed ? " " : "", STR_ARG(absorbed->merge_proposal_url));
}

static enum hf_status absorbed_row(void *user, const struct hf_absorbed *absorbed, hf_error *err)
{
	const struct listing *listing = user;
	hf_arena_reset(listing->scratch);
	const struct cell cells[] = {cell_time_or_null(absorbed->has_absorbed_at, absorbed->absorbed_at),
	                             cell_text(absorbed->run_id),
	                             cell_text(absorbed->codebase),
	                             cell_text(absorbed->campaign),
	                             cell_text(absorbed->mode),
	                             cell_us_or_null(absorbed->has_delay, absorbed->delay_us),
	                             cell_text(absorbed->merged_by),
	                             cell_text(absorbed->merge_proposal_url),
	                             cell_text(absorbed->change_set),
	                             cell_text(absorbed->revision),
	                             cell_json(absorbed->result),
	                             cell_text(place_of(listing->scratch, absorbed))};
	return out_row(listing->out, cells, err);
}

static enum hf_status read_place(const char *text, hf_arena *arena, struct hf_absorbed *ret_place, hf_error *err)
{
	struct hf_str rest = hf_str_of(text), when;
	*ret_place = (struct hf_absorbed){.merge_proposal_url = {NULL, 0}};
	if (!str_split(&rest, '/', &when) || !str_split(&rest, '/', &ret_place->mode) || rest.len == 0) {
		error_set(err, HF_E_USAGE, "--after names no arrival");
		error_hint(err, "the field \"place\" of the last one of the page before");
		return HF_E_USAGE;
	}
	ret_place->run_id = rest;
	for (size_t i = rest.len; i > 0 && str_eq(ret_place->mode, HF_STR("propose")); i--)
		if (rest.ptr[i - 1] == ' ') {
			ret_place->run_id.len = i - 1;
			ret_place->merge_proposal_url = hf_str_of(rest.ptr + i);
			break;
		}
	ret_place->has_absorbed_at = !str_eq(when, HF_STR("never"));
	if (!ret_place->has_absorbed_at)
		return HF_OK;
	struct hf_str copy = hf_arena_str(arena, when);
	return copy.ptr ? cli_time(copy.ptr, &ret_place->absorbed_at, err) : error_nomem(err);
}

enum hf_status publish_done_verb(struct cli *cli, hf_error *err)
{
	struct hf_absorbed_filter filter = {.codebase = text_or_null(cli_text(cli, "codebase")),
	                                    .campaign = text_or_null(cli_text(cli, "campaign")),
	                                    .has_since = cli_given(cli, "since"),
	                                    .limit = out_fetch_limit(cli->out)};
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct listing listing = {cli->out, scratch};
	struct hf_absorbed place;
	const struct hf_defects *keep;
	hf_where where;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = cli_defects(cli, &keep, err);
	if (status == HF_OK && filter.has_since)
		status = cli_time(cli_text(cli, "since"), &filter.since, err);
	if (status == HF_OK && cli_given(cli, "after")) {
		status = read_place(cli_text(cli, "after"), cli->arena, &place, err);
		filter.after = &place;
	}
	if (status == HF_OK)
		status = out_list(cli->out, publish_done_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_absorbed_list(where, &filter, keep, absorbed_row, &listing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option publish_done_options[] = {
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "since", .arg = "TIME", .help = "only what arrived then or later, UTC"},
	{.name = "after", .arg = "PLACE", .help = "start behind the arrival with this place"},
	{0},
};
