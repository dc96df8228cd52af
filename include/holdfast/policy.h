/*
 * policy.h - publish policies: how each branch of a result leaves the platform (spec/janitor.md 4.3, table
 * named_publish_policy). A candidate names the policy that its results follow; without one nothing of it is published.
 *
 * Needs the migration set `janitor`. Texts are {NULL, 0} where the database says NULL. What is given out lives in the
 * arena that was passed, or during the callback.
 */
#ifndef HOLDFAST_POLICY_H
#define HOLDFAST_POLICY_H

#include "holdfast/arena.h"
#include "holdfast/candidate.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_POLICY_ROLES_MAX 1000 /* rules of one policy */

/* The rule for the branch with that role. */
struct hf_policy_rule {
	struct hf_str role;
	struct hf_str mode; /* "push", "attempt-push", "propose", "build-only", "push-derived", "skip", "bts"; "" where
	                     * one is shown that is newer than this program */
	bool has_frequency_days;
	int32_t frequency_days; /* a new proposal only so many days after the last one; 0 or more */
};

struct hf_policy {
	struct hf_str name;
	struct hf_str rate_limit_bucket; /* proposals count together with those of the other policies that name it */
	bool unruled;                    /* the list of rules is NULL, not empty */
	const struct hf_policy_rule *rules;
	size_t nrules;
};

/* What hf_policy_put() does where a policy of that name stands. */
enum hf_policy_put {
	HF_POLICY_REPLACE = 0, /* its rules and its bucket */
	HF_POLICY_RULES,       /* its rules; the bucket stays */
	HF_POLICY_CREATE       /* nothing: HF_CONFLICT */
};
/**
 * Store policies, all or none, in one statement. @param ret_changes (may be NULL) how many were new, other, the same.
 * @return HF_OK; HF_CONFLICT one stands and `how` is HF_POLICY_CREATE; HF_E_INPUT a name or role that is empty, a name
 *         or role that stands twice, no such mode, a frequency below 0: nothing was sent; HF_E_LIMIT more rules than
 *         HF_POLICY_ROLES_MAX.
 */
enum hf_status hf_policy_put(hf_where where, const struct hf_policy *policies, size_t count, enum hf_policy_put how,
                             struct hf_changes *ret_changes, hf_error *err);
/**
 * Store these policies and forget all others: the whole configuration. A transaction of two statements.
 * @param ret_removed (may be NULL) how many went. @return as hf_policy_put(); HF_REJECTED candidates follow one that
 *         would go.
 */
enum hf_status hf_policy_put_all(hf_where where, const struct hf_policy *policies, size_t count,
                                 struct hf_changes *ret_changes, int64_t *ret_removed, hf_error *err);
/** HF_NOT_FOUND without such a policy; HF_REJECTED candidates follow it. One round trip; reads all candidates: no index
 *  leads there. */
enum hf_status hf_policy_delete(hf_where where, struct hf_str name, hf_error *err);

/**
 * HF_NOT_FOUND without such a policy. @param ret_candidates (may be NULL) how many follow it. One round trip; reads all
 * candidates, no index leads to them.
 */
enum hf_status hf_policy_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_policy *ret_policy,
                             int64_t *ret_candidates, hf_error *err);

struct hf_policy_filter {
	struct hf_str rate_limit_bucket; /* {NULL, 0}: any */
	struct hf_str after;             /* start behind this name */
	int64_t limit;                   /* 0 = all */
};
typedef enum hf_status hf_policy_fn(void *user, const struct hf_policy *policy, hf_error *err);
/** By name, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_policy_list(hf_where where, const struct hf_policy_filter *filter, hf_policy_fn *fn, void *user,
                              hf_error *err);
/** How many there are; bucket {NULL, 0} = of all. One round trip. */
enum hf_status hf_policy_count(hf_where where, struct hf_str rate_limit_bucket, int64_t *ret_count, hf_error *err);

/* What a candidate asks for. */
struct hf_policy_asked {
	int32_t candidate_id;
	struct hf_str command;
	struct hf_str change_set; /* of the candidate */
	bool has_policy;
	struct hf_policy policy;
};
/**
 * The candidate of a codebase in a campaign, with its policy: that of the change set ({NULL, 0}: of none), else the one
 * of no change set, else the oldest. HF_NOT_FOUND without a candidate. One round trip.
 */
enum hf_status hf_policy_of(hf_where where, struct hf_str codebase, struct hf_str campaign, struct hf_str change_set,
                            hf_arena *arena, struct hf_policy_asked *ret_asked, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
