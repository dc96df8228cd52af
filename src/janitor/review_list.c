/*
 * review_list.c - reviews, what waits for one, how often what was said (holdfast/review.h).
 */
#include "base/arena.h"
#include "base/str.h"
#include "holdfast/review.h"
#include "janitor/review_rows.h"
#include "janitor/values.h"

/* ---- reviews ---- */

struct sink {
	hf_review_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct review_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_review review = {.run_id = row->run_id,
	                           .codebase = row->codebase,
	                           .campaign = row->campaign,
	                           .verdict = hf_str_of(verdict_label(row->verdict)),
	                           .comment = GET_TEXT(row, comment),
	                           .reviewer = GET_TEXT(row, reviewer),
	                           .reviewed_at = row->reviewed_at};
	return sink->fn(sink->user, &review, err);
}

enum hf_status hf_review_list(hf_where where, const struct hf_review_filter *filter, hf_review_fn *fn, void *user,
                              hf_error *err)
{
	struct sink sink = {fn, user};
	enum hf_status status = HF_OK;
	struct review_list_in in = {WITH_TEXT(run_id, filter->run_id), WITH_TEXT(campaign, filter->campaign),
	                            .with_after = filter->after != NULL, .has_verdict = filter->verdict.ptr != NULL,
	                            WITH_LIMIT(filter->limit)};
	SET_TEXT(&in, reviewer, filter->reviewer);
	if (filter->after) {
		in.after_time = filter->after->reviewed_at;
		in.after_run = filter->after->run_id;
		in.after_reviewer = filter->after->reviewer.ptr ? filter->after->reviewer : HF_STR("");
	}
	if (in.has_verdict)
		status = verdict_parse(filter->verdict, &in.verdict, err);
	return status == HF_OK ? review_list(where, &in, list_row, &sink, err) : status;
}

enum hf_status hf_review_delete(hf_where where, struct hf_str run_id, struct hf_str reviewer, int64_t *ret_removed,
                                hf_error *err)
{
	struct review_delete_in in = {.run_id = run_id};
	int64_t removed;
	SET_TEXT(&in, reviewer, reviewer);
	enum hf_status status = review_delete(where, &in, &removed, err);
	if (status == HF_OK && removed == 0)
		return error_set(err, HF_NOT_FOUND, "%.*s said nothing of run %.*s",
		                 SHOWN(reviewer.ptr ? reviewer : HF_STR("nobody without a name")), SHOWN(run_id));
	if (status == HF_OK && ret_removed)
		*ret_removed = removed;
	return status;
}

/* ---- what waits ---- */

struct pending_sink {
	hf_review_pending_fn *fn;
	void *user;
};

static enum hf_status pending_row(void *user, const struct review_pending_row *row, hf_error *err)
{
	const struct pending_sink *sink = user;
	struct hf_review_pending pending = {.run_id = row->id,
	                                    .codebase = row->codebase,
	                                    .campaign = row->campaign,
	                                    .publish_status = hf_str_of(publish_status_label(row->publish_status)),
	                                    .has_value = row->has_value,
	                                    .value = row->value,
	                                    .has_finish_time = row->has_finish_time,
	                                    .finish_time = row->finish_time,
	                                    .description = GET_TEXT(row, description),
	                                    .reviews = row->reviews};
	return sink->fn(sink->user, &pending, err);
}

static enum hf_status go_on_behind(hf_where where, struct hf_str id, struct review_pending_in *in, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct review_value_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = review_value(where, &(struct review_value_in){.run_id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s to go on behind",
		                 (int)(id.len > 100 ? 100 : id.len), id.ptr);
	in->with_after = true;
	in->after_id = id;
	in->after_value = row.value;
	return status;
}

enum hf_status hf_review_pending_list(hf_where where, const struct hf_review_pending_filter *filter,
                                      hf_review_pending_fn *fn, void *user, hf_error *err)
{
	struct pending_sink sink = {fn, user};
	enum hf_status status = HF_OK;
	struct review_pending_in in = {WITH_TEXT(campaign, filter->campaign), WITH_TEXT(reviewer, filter->not_by),
	                               .unknown_too = filter->unknown_too, WITH_LIMIT(filter->limit)};
	if (filter->after.ptr)
		status = go_on_behind(where, filter->after, &in, err);
	return status == HF_OK ? review_pending(where, &in, pending_row, &sink, err) : status;
}

/* ---- statistics ---- */

struct stats_sink {
	hf_review_stats_fn *fn;
	void *user;
};

static enum hf_status stats_row(void *user, const struct review_stats_row *row, hf_error *err)
{
	const struct stats_sink *sink = user;
	struct hf_review_stats stats = {.campaign = row->campaign,
	                                .total = row->total,
	                                .runs = row->runs,
	                                .reviewers = row->reviewers,
	                                .approved = row->approved,
	                                .rejected = row->rejected,
	                                .abstained = row->abstained};
	return sink->fn(sink->user, &stats, err);
}

enum hf_status hf_review_stats(hf_where where, struct hf_str campaign, hf_review_stats_fn *fn, void *user,
                               hf_error *err)
{
	struct stats_sink sink = {fn, user};
	struct review_stats_in in = {WITH_TEXT(campaign, campaign)};
	return review_stats(where, &in, stats_row, &sink, err);
}
