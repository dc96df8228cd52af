/*
 * run_list.c - many runs: lists by keyset, tallies (holdfast/run.h).
 */
#include "base/arena.h"
#include "base/str.h"
#include "janitor/run_rows.h"
#include "janitor/values.h"

/* ---- lists ---- */

static enum hf_status go_on_behind(hf_where where, struct hf_str id, struct run_list_in *in, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct run_start_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = run_start(where, &(struct run_start_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s to go on behind",
		                 (int)(id.len > 100 ? 100 : id.len), id.ptr);
	if (status != HF_OK)
		return status;
	in->with_after = row.has_start_time;
	in->with_after_unknown = !row.has_start_time;
	in->after_time = row.start_time;
	in->after_id = id;
	return HF_OK;
}

static enum hf_status fill(hf_where where, const struct hf_run_filter *filter, struct run_list_in *in, hf_error *err)
{
	*in = (struct run_list_in){WITH_TEXT(codebase, filter->codebase), WITH_TEXT(campaign, filter->campaign),
	                           WITH_TEXT(change_set, filter->change_set), WITH_LIMIT(filter->limit)};
	SET_TEXT(in, result_code, filter->result_code);
	SET_TEXT(in, worker, filter->worker);
	SET_TEXT(in, failure_stage, filter->failure_stage);
	in->has_publish_status = filter->publish_status.ptr != NULL;
	if (in->has_publish_status) {
		enum hf_status status = publish_status_parse(filter->publish_status, &in->publish_status, err);
		if (status != HF_OK)
			return status;
	}
	return filter->after.ptr ? go_on_behind(where, filter->after, in, err) : HF_OK;
}

enum hf_status run_to_sink(void *user, const struct run_row *row, hf_error *err)
{
	const struct run_sink *sink = user;
	struct hf_run run;
	hf_arena_reset(sink->scratch);
	enum hf_status status = run_of_row(row, sink->scratch, &run, err);
	return status == HF_OK ? sink->fn(sink->user, &run, err) : status;
}

enum hf_status hf_run_list(hf_where where, const struct hf_run_filter *filter, hf_run_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct run_sink sink = {fn, user, scratch};
	struct run_list_in in;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = fill(where, filter, &in, err);
	return status == HF_OK ? run_list(where, &in, run_to_sink, &sink, err) : status;
}

static struct hf_interval longest_of(const struct hf_run_finished_filter *filter)
{
	return interval_of_us(filter->longest_us > 0 ? filter->longest_us : INT64_C(86400000000));
}

enum hf_status hf_run_finished(hf_where where, const struct hf_run_finished_filter *filter, hf_run_fn *fn, void *user,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct run_sink sink = {fn, user, scratch};
	struct run_finished_in in = {.since = filter->since,
	                             .has_since = filter->has_since,
	                             .ago = interval_of_us(filter->ago_us),
	                             .longest = longest_of(filter),
	                             WITH_TEXT(codebase, filter->codebase),
	                             WITH_TEXT(campaign, filter->campaign),
	                             WITH_TEXT(result_code, filter->result_code),
	                             .with_after = filter->after != NULL,
	                             WITH_LIMIT(filter->limit)};
	if (!scratch)
		return error_nomem(err);
	if (filter->after) {
		in.after_time = filter->after->finish_time;
		in.after_id = filter->after->id;
	}
	return run_finished(where, &in, run_to_sink, &sink, err);
}

enum hf_status hf_run_timeless(hf_where where, const struct hf_run_finished_filter *filter, hf_run_fn *fn, void *user,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct run_sink sink = {fn, user, scratch};
	struct run_timeless_in in = {.ago = interval_of_us(filter->ago_us),
	                             .longest = longest_of(filter),
	                             WITH_TEXT(codebase, filter->codebase),
	                             WITH_TEXT(campaign, filter->campaign),
	                             WITH_TEXT(result_code, filter->result_code),
	                             .with_after = filter->after != NULL,
	                             WITH_LIMIT(filter->limit)};
	if (!scratch)
		return error_nomem(err);
	if (filter->after)
		in.after_id = filter->after->id;
	return run_timeless(where, &in, run_to_sink, &sink, err);
}

/* ---- tallies ---- */

struct tally_sink {
	hf_run_tally_fn *fn;
	void *user;
};

static enum hf_status code_row(void *user, const struct run_result_codes_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_run_tally tally = {row->result_code, row->runs, row->codebases, row->has_newest, row->newest};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_run_result_codes(hf_where where, struct hf_str campaign, hf_run_tally_fn *fn, void *user,
                                   hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct run_result_codes_in in = {WITH_TEXT(campaign, campaign)};
	return run_result_codes(where, &in, code_row, &sink, err);
}

static enum hf_status stage_row(void *user, const struct run_failure_stages_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_run_tally tally = {GET_TEXT(row, failure_stage), row->runs, row->codebases, row->has_newest,
	                             row->newest};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_run_failure_stages(hf_where where, struct hf_str campaign, hf_run_tally_fn *fn, void *user,
                                     hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct run_failure_stages_in in = {WITH_TEXT(campaign, campaign)};
	return run_failure_stages(where, &in, stage_row, &sink, err);
}
