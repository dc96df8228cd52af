/*
 * ready.c - see holdfast/ready.h: rows of the views as structs. What keeps a run: blockers.c.
 */
#include "holdfast/ready.h"

#include "base/arena.h"
#include "base/str.h"
#include "janitor/values.h"
#include "queries/janitor/ready.h"

/* ---- what waits ---- */

struct sink {
	hf_ready_fn *fn;
	void *user;
	hf_arena *scratch; /* of one row */
};

static enum hf_status branches_of(const struct ready_list_row *row, hf_arena *arena, struct hf_ready *ready,
                                  hf_error *err)
{
	const struct result_branch_with_policy_array *from = &row->unpublished_branches;
	uint32_t count = from->count;
	struct hf_ready_branch *branches = hf_arena_calloc(arena, (size_t)count + 1, sizeof(*branches));
	if (!branches)
		return error_nomem(err);
	for (uint32_t i = 0; i < count; i++) {
		const struct result_branch_with_policy *branch = &from->values[i];
		branches[i] = (struct hf_ready_branch){
			.role = GET_TEXT(branch, role),
			.remote_name = GET_TEXT(branch, remote_name),
			.base_revision = GET_TEXT(branch, base_revision),
			.revision = GET_TEXT(branch, revision),
			.mode = hf_str_of(branch->has_mode ? publish_mode_label(branch->mode) : NULL),
			.has_frequency_days = branch->has_frequency_days,
			.frequency_days = branch->has_frequency_days ? branch->frequency_days : 0};
	}
	ready->branches = branches;
	ready->nbranches = count;
	return HF_OK;
}

static enum hf_status list_row(void *user, const struct ready_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_ready ready = {.run_id = row->id,
	                         .codebase = row->codebase,
	                         .campaign = row->campaign,
	                         .command = GET_TEXT(row, command),
	                         .policy_command = row->policy_command,
	                         .policy = row->publish_policy_name,
	                         .rate_limit_bucket = GET_TEXT(row, rate_limit_bucket),
	                         .publish_status = hf_str_of(publish_status_label(row->publish_status)),
	                         .change_set = row->change_set,
	                         .change_set_state = (enum hf_change_set_state)row->change_set_state,
	                         .has_value = row->has_value,
	                         .value = row->value,
	                         .has_finish_time = row->has_finish_time,
	                         .finish_time = row->finish_time,
	                         .revision = GET_TEXT(row, revision),
	                         .main_branch_revision = GET_TEXT(row, main_branch_revision),
	                         .branch_url = GET_TEXT(row, branch_url),
	                         .target_branch_url = GET_TEXT(row, target_branch_url)};
	hf_arena_reset(sink->scratch);
	enum hf_status status = branches_of(row, sink->scratch, &ready, err);
	return status == HF_OK ? sink->fn(sink->user, &ready, err) : status;
}

static enum hf_status go_on_behind(hf_where where, struct hf_str id, struct ready_list_in *in, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct ready_place_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = ready_place(where, &(struct ready_place_in){.run_id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s to go on behind", SHOWN(id));
	if (status != HF_OK)
		return status;
	in->with_after = true;
	in->after_publishing = row.publishing;
	in->after_value = row.value;
	in->after_time = row.finish_time;
	in->after_id = id;
	return HF_OK;
}

enum hf_status hf_ready_list(hf_where where, const struct hf_ready_filter *filter, const struct hf_defects *keep,
                             hf_ready_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct sink sink = {fn, user, scratch};
	struct ready_list_in in = {.due = !filter->all,
	                           .with_once = !hf_defects_kept(keep, 67),
	                           WITH_TEXT(run_id, filter->run_id),
	                           WITH_TEXT(codebase, filter->codebase),
	                           WITH_TEXT(campaign, filter->campaign),
	                           WITH_LIMIT(filter->limit)};
	enum hf_status status = HF_OK;
	if (!scratch)
		return error_nomem(err);
	if (filter->after.ptr)
		status = go_on_behind(where, filter->after, &in, err);
	return status == HF_OK ? ready_list(where, &in, list_row, &sink, err) : status;
}

/* ---- what arrived ---- */

struct absorbed_sink {
	hf_absorbed_fn *fn;
	void *user;
};

static enum hf_status absorbed_row(void *user, const struct absorbed_list_row *row, hf_error *err)
{
	const struct absorbed_sink *sink = user;
	struct hf_absorbed absorbed = {.mode = row->mode,
	                               .run_id = row->id,
	                               .codebase = row->codebase,
	                               .campaign = row->campaign,
	                               .change_set = row->change_set,
	                               .revision = row->revision,
	                               .has_delay = row->has_delay,
	                               .has_absorbed_at = row->has_absorbed_at,
	                               .absorbed_at = row->absorbed_at,
	                               .merged_by = GET_TEXT(row, merged_by),
	                               .merge_proposal_url = GET_TEXT(row, merge_proposal_url),
	                               .result = GET_TEXT(row, result)};
	enum hf_status status = HF_OK;
	if (row->has_delay)
		status = interval_us(row->delay, &absorbed.delay_us, err);
	return status == HF_OK ? sink->fn(sink->user, &absorbed, err) : status;
}

enum hf_status hf_absorbed_list(hf_where where, const struct hf_absorbed_filter *filter, const struct hf_defects *keep,
                                hf_absorbed_fn *fn, void *user, hf_error *err)
{
	struct absorbed_sink sink = {fn, user};
	const struct hf_absorbed *after = filter->after;
	struct absorbed_list_in in = {.with_landed = !hf_defects_kept(keep, 9),
	                              WITH_TEXT(codebase, filter->codebase),
	                              WITH_TEXT(campaign, filter->campaign),
	                              .since = filter->since,
	                              .with_since = filter->has_since,
	                              .with_after = after != NULL,
	                              WITH_LIMIT(filter->limit)};
	if (after) {
		in.after_time = after->has_absorbed_at ? after->absorbed_at : (struct hf_timestamp){.us = INT64_MIN};
		in.after_id = after->run_id;
		in.after_mode = after->mode;
		in.after_url = after->merge_proposal_url.ptr ? after->merge_proposal_url : HF_STR("");
	}
	return absorbed_list(where, &in, absorbed_row, &sink, err);
}
