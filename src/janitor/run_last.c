/*
 * run_last.c - runs that others go on from: the last ones and their tallies, the one to resume (holdfast/run.h).
 */
#include "base/arena.h"
#include "base/str.h"
#include "janitor/run_rows.h"
#include "janitor/values.h"
#include "queries/janitor/last.h"

enum hf_status hf_run_last(hf_where where, struct hf_str codebase, struct hf_str campaign, enum hf_run_which which,
                           hf_arena *arena, struct hf_run *ret_run, hf_error *err)
{
	struct run_last_in in = {.codebase = codebase, .campaign = campaign, .which = (int32_t)which};
	struct run_row row;
	enum hf_status status = run_last(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "%.*s has no such run in campaign %.*s", SHOWN(codebase),
		                 SHOWN(campaign));
	return status == HF_OK ? run_of_row(&row, arena, ret_run, err) : status;
}

enum hf_status hf_run_last_list(hf_where where, const struct hf_run_last_filter *filter, hf_run_fn *fn, void *user,
                                hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct run_sink sink = {fn, user, scratch};
	struct last_list_in in = {.which = (int32_t)filter->which,
	                          WITH_TEXT(codebase, filter->codebase),
	                          WITH_TEXT(campaign, filter->campaign),
	                          WITH_TEXT(result_code, filter->result_code),
	                          .with_after = filter->after != NULL,
	                          WITH_LIMIT(filter->limit)};
	if (!scratch)
		return error_nomem(err);
	if (filter->after) {
		in.after_codebase = filter->after->codebase;
		in.after_campaign = filter->after->campaign;
	}
	return last_list(where, &in, run_to_sink, &sink, err);
}

enum hf_status hf_run_resumable(hf_where where, struct hf_str campaign, struct hf_str revision, hf_arena *arena,
                                struct hf_run *ret_run, hf_error *err)
{
	struct last_resumable_in in = {.campaign = campaign, .revision = revision};
	struct run_row row;
	enum hf_status status = last_resumable(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "no run of campaign %.*s succeeded with revision %.*s",
		                 SHOWN(campaign), SHOWN(revision));
	if (status == HF_OK && row.publish_status == PUBLISH_STATUS_REJECTED)
		return error_set(err, HF_NOT_FOUND, "run %.*s is not to be resumed: it was rejected", SHOWN(row.id));
	return status == HF_OK ? run_of_row(&row, arena, ret_run, err) : status;
}

/* ---- tallies ---- */

struct tally_sink {
	hf_run_tally_fn *fn;
	void *user;
};

static enum hf_status tally_row(void *user, const struct last_tally_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_run_tally tally = {GET_TEXT(row, word), row->runs, row->codebases, row->has_newest, row->newest};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_run_last_result_codes(hf_where where, const struct hf_run_last_tally_filter *filter,
                                        hf_run_tally_fn *fn, void *user, hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct last_result_codes_in in = {.which = (int32_t)filter->which,
	                                  WITH_TEXT(campaign, filter->campaign),
	                                  .with_wanted = filter->wanted};
	return last_result_codes(where, &in, tally_row, &sink, err);
}

enum hf_status hf_run_last_failure_stages(hf_where where, const struct hf_run_last_tally_filter *filter,
                                          hf_run_tally_fn *fn, void *user, hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct last_failure_stages_in in = {.which = (int32_t)filter->which,
	                                    WITH_TEXT(campaign, filter->campaign),
	                                    .with_wanted = filter->wanted};
	return last_failure_stages(where, &in, tally_row, &sink, err);
}
