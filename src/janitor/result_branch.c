/*
 * result_branch.c - see holdfast/result_branch.h.
 */
#include "holdfast/result_branch.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/branch.h"
#include "queries/janitor/candidate.h"

/* ---- branches ---- */

struct sink {
	hf_result_branch_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct branch_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_result_branch branch = {.run_id = row->run_id,
	                                  .codebase = row->codebase,
	                                  .campaign = row->campaign,
	                                  .role = row->role,
	                                  .remote_name = GET_TEXT(row, remote_name),
	                                  .base_revision = GET_TEXT(row, base_revision),
	                                  .revision = GET_TEXT(row, revision),
	                                  .has_absorbed = row->has_absorbed,
	                                  .absorbed = row->has_absorbed && row->absorbed};
	return sink->fn(sink->user, &branch, err);
}

enum hf_status hf_result_branch_list(hf_where where, const struct hf_result_branch_filter *filter,
                                     hf_result_branch_fn *fn, void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	struct branch_list_in in = {WITH_TEXT(run_id, filter->run_id),
	                            WITH_TEXT(revision, filter->revision),
	                            WITH_TEXT(codebase, filter->codebase),
	                            .absorbed = filter->absorbed,
	                            .with_absorbed = filter->has_absorbed,
	                            .with_after = filter->after != NULL,
	                            WITH_LIMIT(filter->limit)};
	if (filter->after) {
		in.after_run = filter->after->run_id;
		in.after_role = filter->after->role;
	}
	return branch_list(where, &in, list_row, &sink, err);
}

struct absorbing {
	struct branch_set_absorbed_in in;
	bool quiet; /* D-07 */
	struct branch_set_absorbed_row before;
};

static enum hf_status absorb_tx(hf_where tx, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct absorbing *absorbing = user;
	struct branch_refresh_last_run_in in = {.run_id = absorbing->in.run_id};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = branch_set_absorbed(tx, &absorbing->in, arena, &absorbing->before, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "run %.*s has no branch with role %.*s",
		                 SHOWN(absorbing->in.run_id), SHOWN(absorbing->in.role));
	return status == HF_OK && !absorbing->quiet ? branch_refresh_last_run(tx, &in, err) : status;
}

enum hf_status hf_result_branch_set_absorbed(hf_where where, struct hf_str run_id, struct hf_str role, bool absorbed,
                                             const struct hf_defects *keep, bool *ret_has_before, bool *ret_before,
                                             hf_error *err)
{
	struct absorbing absorbing = {.in = {.run_id = run_id, .role = role, .absorbed = absorbed},
	                              .quiet = hf_defects_kept(keep, 7)};
	enum hf_status status = janitor_transaction(where, absorb_tx, &absorbing, err);
	if (status != HF_OK)
		return status;
	if (ret_has_before)
		*ret_has_before = absorbing.before.has_before;
	if (ret_before)
		*ret_before = absorbing.before.has_before && absorbing.before.before;
	return HF_OK;
}

/* ---- followups ---- */

struct followup_sink {
	hf_followup_fn *fn;
	void *user;
};

static enum hf_status followup_row(void *user, const struct branch_followups_row *row, hf_error *err)
{
	const struct followup_sink *sink = user;
	struct hf_followup followup = {row->origin, row->candidate, row->codebase, row->campaign,
	                               GET_TEXT(row, change_set)};
	return sink->fn(sink->user, &followup, err);
}

enum hf_status hf_followup_list(hf_where where, const struct hf_followup_filter *filter, hf_followup_fn *fn, void *user,
                                hf_error *err)
{
	struct followup_sink sink = {fn, user};
	struct branch_followups_in in = {WITH_TEXT(run_id, filter->origin), .candidate = filter->candidate_id,
	                                 .with_candidate = filter->candidate_id != 0,
	                                 .with_after = filter->after != NULL, WITH_LIMIT(filter->limit)};
	if (filter->after) {
		in.after_run = filter->after->origin;
		in.after_candidate = filter->after->candidate_id;
	}
	return branch_followups(where, &in, followup_row, &sink, err);
}

enum hf_status hf_followup_put(hf_where where, int32_t candidate_id, const struct hf_str *origins, size_t count,
                               const struct hf_defects *keep, int64_t *ret_new, hf_error *err)
{
	struct candidate_followups_in in = {.origins = text_array((uint32_t)count, origins, NULL),
	                                    .candidate = candidate_id};
	hf_error local = HF_ERROR_INIT;
	int64_t written = 0;
	if (count > INT32_MAX)
		return error_set(err, HF_E_LIMIT, "%zu runs for one candidate are too many", count);
	if (hf_defects_kept(keep, 35) && count > 0)
		return error_set(err, HF_REJECTED, "followups of candidate %d cannot be stored", candidate_id);
	enum hf_status status = candidate_followups(where, &in, &written, &local);
	if (strcmp(local.constraint, "followup_candidate_fkey") == 0)
		error_reword(&local, "there is no candidate %d", candidate_id);
	else if (strcmp(local.constraint, "followup_origin_fkey") == 0)
		error_reword(&local, "candidate %d follows up on a run that is not there", candidate_id);
	if (status == HF_OK && ret_new)
		*ret_new = written;
	if (status != HF_OK && err)
		*err = local;
	return status;
}

enum hf_status hf_followup_delete(hf_where where, int32_t candidate_id, struct hf_str origin, hf_error *err)
{
	struct branch_followup_delete_in in = {.run_id = origin, .candidate = candidate_id};
	int64_t removed;
	enum hf_status status = branch_followup_delete(where, &in, &removed, err);
	if (status == HF_OK && removed == 0)
		return error_set(err, HF_NOT_FOUND, "candidate %d does not follow up on run %.*s", candidate_id,
		                 SHOWN(origin));
	return status;
}

/* ---- runs that go ---- */

static void reworded(struct hf_str id, hf_error *err)
{
	static const struct {
		const char *constraint, *message, *hint;
	} refusals[] = {{"debian_build_run_id_fkey", "a Debian build names run", "they can go with it: --parts"},
	                {"review_run_id_fkey", "a review names run", "they can go with it: --parts"},
	                {"followup_origin_fkey", "a candidate follows up on run", "that can go with it: --parts"},
	                {"last_run_last_run_id_fkey", "last_run names run",
	                 "another run has to speak for its codebase first"},
	                {"last_run_last_effective_run_id_fkey", "last_run names run",
	                 "another run has to speak for its codebase first"},
	                {"last_run_last_unabsorbed_run_id_fkey", "last_run names run",
	                 "another run has to speak for its codebase first"},
	                {"run_check1", "another run found nothing new beyond run", "that one has to go first"}};
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (strcmp(err->constraint, refusals[i].constraint) == 0) {
			error_reword(err, "%s %.*s", refusals[i].message, SHOWN(id));
			error_hint(err, "%s", refusals[i].hint);
		}
}

enum hf_status hf_run_delete(hf_where where, struct hf_str id, bool parts, const struct hf_defects *keep,
                             hf_arena *arena, struct hf_run_deleted *ret_deleted, hf_error *err)
{
	struct branch_delete_run_in in = {.id = id, .own_last_run = !hf_defects_kept(keep, 66), .parts = parts};
	struct branch_delete_run_row row;
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = branch_delete_run(where, &in, arena, &row, &local);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s", SHOWN(id));
	if (status == HF_OK && ret_deleted)
		*ret_deleted = (struct hf_run_deleted){row.codebase, row.campaign, row.change_set,
		                                       row.builds,   row.reviews,  row.followups};
	if (status != HF_OK)
		reworded(id, &local);
	if (status != HF_OK && err)
		*err = local;
	return status;
}
