/*
 * proposal.h - merge proposals: what was offered to others, and what became of it (spec/janitor.md 4.3, table
 * merge_proposal, and 9.7).
 *
 * Needs the migration set `janitor`. Hosting sites are not asked: whoever asks them stores the answer here. Texts are
 * {NULL, 0} where the database says NULL; what is given out lives in the arena that was passed, or during the callback.
 */
#ifndef HOLDFAST_PROPOSAL_H
#define HOLDFAST_PROPOSAL_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_proposal {
	struct hf_str url;
	struct hf_str codebase;
	struct hf_str target_branch_url;
	struct hf_str status; /* "open", "closed", "merged", "applied", "abandoned", "rejected"; "" where one is shown
	                       * that is newer than this program */
	struct hf_str revision;
	struct hf_str merged_by;
	bool has_merged_at, has_last_scanned;
	struct hf_timestamp merged_at, last_scanned; /* UTC */
	bool has_can_be_merged, can_be_merged;
	struct hf_str rate_limit_bucket; /* in which it counts */
};

/** HF_NOT_FOUND without such a proposal. One round trip. */
enum hf_status hf_proposal_get(hf_where where, struct hf_str url, hf_arena *arena, struct hf_proposal *ret_proposal,
                               hf_error *err);

/* {NULL, 0}: any. */
struct hf_proposal_filter {
	struct hf_str status;
	struct hf_str codebase;
	struct hf_str campaign; /* of a successful run with the proposal's revision */
	struct hf_str rate_limit_bucket;
	struct hf_str revision;
	bool has_can_be_merged, can_be_merged;
	bool has_scanned_before; /* or never scanned */
	struct hf_timestamp scanned_before;
	struct hf_str after; /* start behind this URL */
	int64_t limit;       /* 0 = all */
};
typedef enum hf_status hf_proposal_fn(void *user, const struct hf_proposal *proposal, hf_error *err);
/**
 * By URL, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. Indexes lead to a status and to a
 * revision; the other filters are tried along the URLs.
 * @return HF_OK; HF_E_INPUT a status that does not exist.
 */
enum hf_status hf_proposal_list(hf_where where, const struct hf_proposal_filter *filter, hf_proposal_fn *fn, void *user,
                                hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. HF_E_INPUT no such status. */
enum hf_status hf_proposal_count(hf_where where, const struct hf_proposal_filter *filter, int64_t *ret_count,
                                 hf_error *err);

struct hf_proposal_tally {
	struct hf_str word; /* status or bucket; {NULL, 0} where there is none, which comes last */
	int64_t proposals;
	int64_t codebases; /* different ones */
};
typedef enum hf_status hf_proposal_tally_fn(void *user, const struct hf_proposal_tally *tally, hf_error *err);
/** Statuses with their proposals, in the order above; bucket {NULL, 0} = all. Reads all proposals; one round trip. */
enum hf_status hf_proposal_statuses(hf_where where, struct hf_str rate_limit_bucket, hf_proposal_tally_fn *fn,
                                    void *user, hf_error *err);
/** Buckets with their proposals of a status, by name: what a rate limiter starts from. HF_E_INPUT no such status. */
enum hf_status hf_proposal_buckets(hf_where where, struct hf_str status, hf_proposal_tally_fn *fn, void *user,
                                   hf_error *err);

struct hf_proposal_seen {
	bool inserted;
	int64_t branches; /* whose `absorbed` changed */
};
/**
 * Store what a look at the hosting site found: all fields of `proposal` but last_scanned, which becomes now. Branches
 * of runs that have its revision are absorbed when it is merged, and not absorbed otherwise. One statement; may be
 * repeated. @return HF_OK; HF_E_INPUT no URL, no such status: nothing was sent; HF_REJECTED an unknown codebase.
 */
enum hf_status hf_proposal_put(hf_where where, const struct hf_proposal *proposal, struct hf_proposal_seen *ret_seen,
                               hf_error *err);
struct hf_proposals_seen {
	int64_t inserted, updated;
	int64_t branches; /* whose `absorbed` changed */
};
/**
 * Store what looks at hosting sites found, all or none, as hf_proposal_put() does one. Of several proposals with one
 * revision the last says whether its branches are absorbed. One transaction, a round trip per 5,000 proposals; may be
 * repeated. @param ret_seen may be NULL. Answers as hf_proposal_put(), HF_E_INPUT with the number of the proposal (the
 * first is 1), also for a URL that stands twice; HF_E_LIMIT more than 1,000,000.
 */
enum hf_status hf_proposal_import(hf_where where, const struct hf_proposal *proposals, size_t count,
                                  struct hf_proposals_seen *ret_seen, hf_error *err);
/**
 * Say that a proposal is closed: "closed", "abandoned", "rejected" or "applied". Only one that is open or closed can
 * be.
 * @param ret_before (may be NULL) what it was; a constant. One statement. The hosting site is not told.
 * @return HF_OK; HF_NOT_FOUND no such proposal; HF_REJECTED it is merged, or nobody knows what it is; HF_E_INPUT no
 * such status, or one that only the hosting site can give.
 */
enum hf_status hf_proposal_set_status(hf_where where, struct hf_str url, struct hf_str status,
                                      struct hf_str *ret_before, hf_error *err);
/** HF_NOT_FOUND without such a proposal; HF_REJECTED a publish names it: history keeps its proposal. */
enum hf_status hf_proposal_delete(hf_where where, struct hf_str url, hf_error *err);
/**
 * A proposal turns out to have another URL. Publishes follow. Where a proposal stands there already it stays, takes the
 * codebase and the bucket that it does not have itself, and the old one goes. One statement.
 * @param ret_joined (may be NULL) whether one stood there. @return HF_OK; HF_NOT_FOUND no proposal at `url`; HF_E_INPUT
 *         the two are the same.
 */
enum hf_status hf_proposal_move(hf_where where, struct hf_str url, struct hf_str canonical_url, bool *ret_joined,
                                hf_error *err);

/* The run that a proposal comes from. */
struct hf_proposal_source {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str change_set;
	struct hf_str role; /* of the branch */
	struct hf_str remote_name;
	struct hf_str revision;
};
/** The newest one with a branch of that revision. HF_NOT_FOUND without one. One round trip. */
enum hf_status hf_proposal_source(hf_where where, struct hf_str url, hf_arena *arena,
                                  struct hf_proposal_source *ret_source, hf_error *err);
/** The open proposal of a codebase from that branch, the one published last. HF_NOT_FOUND without one. One round trip.
 */
enum hf_status hf_proposal_open_of(hf_where where, struct hf_str codebase, struct hf_str branch_name, hf_arena *arena,
                                   struct hf_proposal *ret_proposal, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
