/*
 * counts.c - how many rows a list would show: the filters of each noun's list without its place and its limit. Those of
 * codebases, candidates and publishes stand beside their lists.
 */
#include "base/arena.h"
#include "holdfast/change_set.h"
#include "holdfast/debian_build.h"
#include "holdfast/policy.h"
#include "holdfast/proposal.h"
#include "holdfast/queue.h"
#include "holdfast/result_branch.h"
#include "holdfast/review.h"
#include "holdfast/worker.h"
#include "janitor/proposal_rows.h"
#include "janitor/review_rows.h"
#include "janitor/run_rows.h"
#include "janitor/values.h"
#include "queries/janitor/count.h"

/* Ask `query` with the input `in`; *ret_count is its one row. */
#define ASK(query, in)                                                        \
	do {                                                                  \
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);       \
		struct count_row row;                                         \
		if (!arena)                                                   \
			return error_nomem(err);                              \
		enum hf_status asked = query(where, &(in), arena, &row, err); \
		if (asked == HF_OK)                                           \
			*ret_count = row.total;                               \
		return asked;                                                 \
	} while (0)

enum hf_status hf_run_count(hf_where where, const struct hf_run_filter *filter, int64_t *ret_count, hf_error *err)
{
	struct count_runs_in in = {.has_publish_status = filter->publish_status.ptr != NULL,
	                           WITH_TEXT(codebase, filter->codebase),
	                           WITH_TEXT(campaign, filter->campaign),
	                           WITH_TEXT(change_set, filter->change_set)};
	enum hf_status status = HF_OK;
	SET_TEXT(&in, result_code, filter->result_code);
	SET_TEXT(&in, worker, filter->worker);
	SET_TEXT(&in, failure_stage, filter->failure_stage);
	if (in.has_publish_status)
		status = publish_status_parse(filter->publish_status, &in.publish_status, err);
	if (status != HF_OK)
		return status;
	ASK(count_runs, in);
}

enum hf_status hf_queue_count(hf_where where, struct hf_str campaign, int64_t *ret_count, hf_error *err)
{
	struct count_queue_in in = {.campaign = campaign, .with_campaign = campaign.len > 0};
	ASK(count_queue, in);
}

enum hf_status hf_change_set_count(hf_where where, const struct hf_change_set_filter *filter, int64_t *ret_count,
                                   hf_error *err)
{
	struct count_change_sets_in in = {.state = (enum change_set_state)filter->state,
	                                  .has_state = filter->has_state,
	                                  WITH_TEXT(campaign, filter->campaign)};
	ASK(count_change_sets, in);
}

enum hf_status hf_proposal_count(hf_where where, const struct hf_proposal_filter *filter, int64_t *ret_count,
                                 hf_error *err)
{
	struct count_proposals_in in = {.can_be_merged = filter->can_be_merged,
	                                .has_can_be_merged = filter->has_can_be_merged,
	                                .with_status = filter->status.ptr != NULL,
	                                WITH_TEXT(revision, filter->revision),
	                                WITH_TEXT(campaign, filter->campaign),
	                                .scanned_before = filter->scanned_before,
	                                .with_scanned_before = filter->has_scanned_before};
	enum hf_status status = HF_OK;
	SET_TEXT(&in, codebase, filter->codebase);
	SET_TEXT(&in, bucket, filter->rate_limit_bucket);
	if (in.with_status)
		status = proposal_status_parse(filter->status, &in.status, err);
	if (status != HF_OK)
		return status;
	ASK(count_proposals, in);
}

enum hf_status hf_review_count(hf_where where, const struct hf_review_filter *filter, int64_t *ret_count, hf_error *err)
{
	struct count_reviews_in in = {.has_verdict = filter->verdict.ptr != NULL,
	                              WITH_TEXT(run_id, filter->run_id),
	                              WITH_TEXT(campaign, filter->campaign)};
	enum hf_status status = HF_OK;
	SET_TEXT(&in, reviewer, filter->reviewer);
	if (in.has_verdict)
		status = verdict_parse(filter->verdict, &in.verdict, err);
	if (status != HF_OK)
		return status;
	ASK(count_reviews, in);
}

enum hf_status hf_worker_count(hf_where where, int64_t *ret_count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct count_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = count_workers(where, arena, &row, err);
	if (status == HF_OK)
		*ret_count = row.total;
	return status;
}

enum hf_status hf_policy_count(hf_where where, struct hf_str rate_limit_bucket, int64_t *ret_count, hf_error *err)
{
	struct count_policies_in in = {.has_bucket = false};
	SET_TEXT(&in, bucket, rate_limit_bucket);
	ASK(count_policies, in);
}

enum hf_status hf_result_branch_count(hf_where where, const struct hf_result_branch_filter *filter, int64_t *ret_count,
                                      hf_error *err)
{
	struct count_branches_in in = {WITH_TEXT(run_id, filter->run_id), WITH_TEXT(revision, filter->revision),
	                               WITH_TEXT(codebase, filter->codebase), .absorbed = filter->absorbed,
	                               .with_absorbed = filter->has_absorbed};
	ASK(count_branches, in);
}

enum hf_status hf_followup_count(hf_where where, const struct hf_followup_filter *filter, int64_t *ret_count,
                                 hf_error *err)
{
	struct count_followups_in in = {WITH_TEXT(run_id, filter->origin), .candidate = filter->candidate_id,
	                                .with_candidate = filter->candidate_id != 0};
	ASK(count_followups, in);
}

enum hf_status hf_debian_build_count(hf_where where, const struct hf_debian_build_filter *filter, int64_t *ret_count,
                                     hf_error *err)
{
	struct count_builds_in in = {WITH_TEXT(run_id, filter->run_id), WITH_TEXT(codebase, filter->codebase),
	                             WITH_TEXT(distribution, filter->distribution), WITH_TEXT(source, filter->source)};
	ASK(count_builds, in);
}
