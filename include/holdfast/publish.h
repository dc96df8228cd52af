/*
 * publish.h - what was published, or was tried to be (spec/janitor.md 4.3, table publish, and 9.7).
 *
 * Needs the migration set `janitor`. Nothing is published here: a publisher stores what it did. Texts are {NULL, 0}
 * where the database says NULL; what is given out lives in the arena that was passed, or during the callback.
 */
#ifndef HOLDFAST_PUBLISH_H
#define HOLDFAST_PUBLISH_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One try to publish one branch. */
struct hf_publish {
	struct hf_str id; /* a UUID by custom; nothing makes it unique */
	struct hf_str change_set;
	struct hf_str codebase;
	struct hf_str source_branch_url;
	struct hf_str source_branch_web_url;
	struct hf_str target_branch_url;
	struct hf_str target_branch_web_url;
	struct hf_str subpath;
	struct hf_str branch_name;
	struct hf_str main_branch_revision;
	struct hf_str revision; /* ties it to the run that made it */
	struct hf_str role;
	struct hf_str mode; /* "push", "attempt-push", "propose", "build-only", "push-derived", "skip", "bts"; "" where
	                     * one is shown that is newer than this program */
	struct hf_str merge_proposal_url;
	struct hf_str result_code; /* "success", ... */
	struct hf_str description;
	struct hf_str requester;
	bool has_timestamp;
	struct hf_timestamp timestamp; /* UTC */
};

struct hf_publish_effect {
	bool proposed; /* a merge proposal that nobody knew */
	bool absorbed; /* a branch that was not */
};
/**
 * Store a try; its time is now, whatever `publish` says. A success with a merge proposal stores that, too, or what is
 * new of it; a success of mode "push" marks the branch of the run with that role as absorbed. Triggers move the change
 * set on. All or nothing: one statement, one round trip; not to be repeated, since nothing tells one row from another.
 * @param run_id whose branch it is; {NULL, 0} where nothing succeeded, or with a merge proposal.
 * @param keep defects to keep (NULL: none): D-30, the original writes a column that the table does not have, so no try
 *        is ever stored: HF_REJECTED; D-07, last_run does not hear of a branch of which nobody knew whether it had
 * landed.
 * @param ret_effect (may be NULL) what followed.
 * @return HF_OK; HF_E_INPUT what a success needs is missing (a proposal is of mode "propose"; otherwise "push" or
 *         "push-derived", with revision and run), no id, change set, target branch or result, no such mode: nothing was
 *         sent; HF_REJECTED a change set, codebase or merge proposal that the database does not know;
 *         HF_E_OUTCOME_UNKNOWN look for its id.
 */
enum hf_status hf_publish_store(hf_where where, const struct hf_publish *publish, struct hf_str run_id,
                                const struct hf_defects *keep, struct hf_publish_effect *ret_effect, hf_error *err);

/* A try, and the run whose branch it is: as hf_publish_store() takes them. */
struct hf_publish_try {
	struct hf_publish publish;
	struct hf_str run_id;
};
struct hf_publish_effects {
	int64_t proposed; /* merge proposals that nobody knew */
	int64_t absorbed; /* branches that were not */
};
/**
 * Store many tries, all or none, each by the rules of hf_publish_store() but at its own time where it has one. Of
 * several successes with one merge proposal the last says what it is. One transaction, a round trip per 5,000 tries.
 * @param ret_effects (may be NULL) what followed. Answers as hf_publish_store(), HF_E_INPUT with the number of the try
 * (the first is 1); HF_E_LIMIT more than 1,000,000.
 */
enum hf_status hf_publish_import(hf_where where, const struct hf_publish_try *tries, size_t count,
                                 const struct hf_defects *keep, struct hf_publish_effects *ret_effects, hf_error *err);

/** HF_NOT_FOUND without such a try. One round trip; reads all tries, no index leads to an id. */
enum hf_status hf_publish_get(hf_where where, struct hf_str id, hf_arena *arena, struct hf_publish *ret_publish,
                              hf_error *err);
/* Parts of a try, for hf_publish_update(). Its time, mode, role, revisions and change set stay what they were. */
enum hf_publish_part {
	HF_PUBLISH_RESULT = 1, /* result_code and description */
	HF_PUBLISH_REQUESTER = 2,
	HF_PUBLISH_CODEBASE = 4,
	HF_PUBLISH_PROPOSAL = 8, /* merge_proposal_url */
	HF_PUBLISH_SOURCE = 16,  /* source_branch_url, source_branch_web_url and branch_name */
	HF_PUBLISH_TARGET = 32   /* target_branch_url, target_branch_web_url and subpath */
};
/**
 * Correct what the tries with publish->id say: these parts (`parts`: enum hf_publish_part). History alone is written:
 * no branch becomes absorbed or waits again, and a change set does not go back.
 * @param ret_changed (may be NULL) how many tries have that id.
 * @return HF_OK; HF_NOT_FOUND without one; HF_REJECTED one that failed cannot succeed afterwards: store the try that
 * did with hf_publish_store(), or a codebase or merge proposal that the database does not know; HF_E_INPUT no result
 * code, no target branch: nothing was sent. One statement, one round trip; may be repeated. Reads all tries.
 */
enum hf_status hf_publish_update(hf_where where, const struct hf_publish *publish, unsigned parts, int64_t *ret_changed,
                                 hf_error *err);
/** Forget the tries with that id; their merge proposals and what they absorbed stay, and a change set does not go back.
 *  @param ret_removed may be NULL. HF_NOT_FOUND without one. One round trip; reads all tries. */
enum hf_status hf_publish_delete(hf_where where, struct hf_str id, int64_t *ret_removed, hf_error *err);
/** The newest success of a codebase in a campaign. HF_NOT_FOUND without one. One round trip. */
enum hf_status hf_publish_last(hf_where where, struct hf_str codebase, struct hf_str campaign, hf_arena *arena,
                               struct hf_publish *ret_publish, hf_error *err);

/* {NULL, 0}: any. */
struct hf_publish_filter {
	struct hf_str codebase;
	struct hf_str campaign; /* of a run with that revision */
	struct hf_str change_set;
	struct hf_str role;
	struct hf_str mode;
	struct hf_str result_code;
	struct hf_str merge_proposal_url;
	struct hf_str revision;
	const struct hf_publish *after; /* the last one of the page before, or NULL: its time and id count */
	int64_t limit;                  /* 0 = all */
};
typedef enum hf_status hf_publish_fn(void *user, const struct hf_publish *publish, hf_error *err);
/**
 * The newest first, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. Indexes lead to a revision,
 * a merge proposal and along the time; the other filters are tried on the way.
 * @return HF_OK; HF_E_INPUT a mode that does not exist.
 */
enum hf_status hf_publish_list(hf_where where, const struct hf_publish_filter *filter, hf_publish_fn *fn, void *user,
                               hf_error *err);
/** How many pass the filters; `after` and `limit` do not count. One round trip; without an index as said above it reads
 *  all tries. */
enum hf_status hf_publish_count(hf_where where, const struct hf_publish_filter *filter, int64_t *ret_count,
                                hf_error *err);
/** How often it was tried to publish that revision, which is what the back-off counts. One round trip. */
enum hf_status hf_publish_attempts(hf_where where, struct hf_str revision, int64_t *ret_count, hf_error *err);

struct hf_publish_tally {
	struct hf_str mode;
	struct hf_str result_code;
	int64_t publishes;
	int64_t codebases; /* different ones */
	bool has_newest;
	struct hf_timestamp newest;
};
typedef enum hf_status hf_publish_tally_fn(void *user, const struct hf_publish_tally *tally, hf_error *err);
/** Modes and results, the most frequent first; campaign {NULL, 0} = all. Reads all tries; one round trip. */
enum hf_status hf_publish_tallies(hf_where where, struct hf_str campaign, hf_publish_tally_fn *fn, void *user,
                                  hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
