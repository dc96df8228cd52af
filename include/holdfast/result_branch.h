/*
 * result_branch.h - branches that runs made, and whether they have landed (spec/janitor.md 4.3, table
 * new_result_branch); candidates that follow up on runs (table followup).
 *
 * Needs the migration set `janitor`. Texts are {NULL, 0} where the database says NULL; rows are valid during the
 * callback.
 */
#ifndef HOLDFAST_RESULT_BRANCH_H
#define HOLDFAST_RESULT_BRANCH_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_result_branch {
	struct hf_str run_id;
	struct hf_str codebase; /* of the run */
	struct hf_str campaign;
	struct hf_str role;
	struct hf_str remote_name;
	struct hf_str base_revision;
	struct hf_str revision;
	bool has_absorbed, absorbed; /* unknown counts as not absorbed */
};

/* {NULL, 0}: any. */
struct hf_result_branch_filter {
	struct hf_str run_id;
	struct hf_str revision;
	struct hf_str codebase;
	bool has_absorbed, absorbed;
	const struct hf_result_branch *after; /* the last one of the page before, or NULL: its run and role count */
	int64_t limit;                        /* 0 = all */
};
typedef enum hf_status hf_result_branch_fn(void *user, const struct hf_result_branch *branch, hf_error *err);
/**
 * By run and role, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. Indexes lead to a run, to a
 * revision and, through its runs, to a codebase.
 */
enum hf_status hf_result_branch_list(hf_where where, const struct hf_result_branch_filter *filter,
                                     hf_result_branch_fn *fn, void *user, hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_result_branch_count(hf_where where, const struct hf_result_branch_filter *filter, int64_t *ret_count,
                                      hf_error *err);
/**
 * Say whether a branch of a run has landed. last_run hears of it, whatever was known before: a transaction of two
 * statements. @param keep defects to keep (NULL: none): D-07, last_run hears only of one that was not absorbed and now
 * is.
 * @param ret_has_before, ret_before (may be NULL) what was known until now. HF_NOT_FOUND without such a branch.
 */
enum hf_status hf_result_branch_set_absorbed(hf_where where, struct hf_str run_id, struct hf_str role, bool absorbed,
                                             const struct hf_defects *keep, bool *ret_has_before, bool *ret_before,
                                             hf_error *err);

/* ---- followups ---- */

struct hf_followup {
	struct hf_str origin; /* a run */
	int32_t candidate_id; /* its consequence */
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str change_set;
};
struct hf_followup_filter {
	struct hf_str origin;            /* {NULL, 0}: any */
	int32_t candidate_id;            /* 0: any */
	const struct hf_followup *after; /* the last one of the page before, or NULL: origin and candidate count */
	int64_t limit;                   /* 0 = all */
};
typedef enum hf_status hf_followup_fn(void *user, const struct hf_followup *followup, hf_error *err);
/** By run and candidate, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip; without a run it reads
 *  all of them, no index leads to a candidate. */
enum hf_status hf_followup_list(hf_where where, const struct hf_followup_filter *filter, hf_followup_fn *fn, void *user,
                                hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_followup_count(hf_where where, const struct hf_followup_filter *filter, int64_t *ret_count,
                                 hf_error *err);
/**
 * Remember that a candidate is the consequence of these runs; one that is known is not written. @param keep defects to
 * keep (NULL: none): D-35, the original never stores any and fails: HF_REJECTED. @param ret_new (may be NULL) how many
 * were not known. @return HF_OK; HF_REJECTED a run or candidate that the database does not know. One round trip.
 */
enum hf_status hf_followup_put(hf_where where, int32_t candidate_id, const struct hf_str *origins, size_t count,
                               const struct hf_defects *keep, int64_t *ret_new, hf_error *err);
/** HF_NOT_FOUND without it. One round trip. */
enum hf_status hf_followup_delete(hf_where where, int32_t candidate_id, struct hf_str origin, hf_error *err);

/* ---- runs that go ---- */

struct hf_run_deleted {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str change_set; /* which stays */
	int64_t builds, reviews, followups;
};
/**
 * Remove a run and its branches. Where it spoke for its codebase and campaign in last_run, another one speaks then. One
 * statement. @param parts its Debian builds, reviews and followups go, too.
 * @param keep defects to keep (NULL: none): D-66, a run that last_run names cannot go.
 * @return HF_OK; HF_NOT_FOUND no such run; HF_REJECTED builds, reviews or followups name it and `parts` is false, a run
 *         found nothing new beyond it, or last_run names it (D-66; or for another pair: D-65).
 */
enum hf_status hf_run_delete(hf_where where, struct hf_str id, bool parts, const struct hf_defects *keep,
                             hf_arena *arena, struct hf_run_deleted *ret_deleted, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
