/*
 * ready.h - what waits to be published, what keeps a run from it, and what has arrived (spec/janitor.md 4.6, views
 * publish_ready and absorbed_runs).
 *
 * Needs the migration set `janitor`. A status, state or mode that is newer than this program has the word "", and is
 * none that lets anything be published. Texts are {NULL, 0} where the database says NULL; what is given out lives in
 * the arena that was passed, or during the callback.
 */
#ifndef HOLDFAST_READY_H
#define HOLDFAST_READY_H

#include "holdfast/arena.h"
#include "holdfast/change_set.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A branch that has not landed, with the rule for its role; without one there is no mode. */
struct hf_ready_branch {
	struct hf_str role;
	struct hf_str remote_name;
	struct hf_str base_revision;
	struct hf_str revision;
	struct hf_str mode;
	bool has_frequency_days;
	int32_t frequency_days;
};

/* A run that counts, succeeded and has such a branch, and what its candidate asks for. hf_run_get() tells the rest. */
struct hf_ready {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command;        /* what ran */
	struct hf_str policy_command; /* what the candidate asks for now */
	struct hf_str policy;         /* name */
	struct hf_str rate_limit_bucket;
	struct hf_str publish_status;
	struct hf_str change_set;
	enum hf_change_set_state change_set_state;
	bool has_value;
	int32_t value;
	bool has_finish_time;
	struct hf_timestamp finish_time; /* UTC */
	struct hf_str revision;
	struct hf_str main_branch_revision;
	struct hf_str branch_url;
	struct hf_str target_branch_url;
	const struct hf_ready_branch *branches; /* the main one last */
	size_t nbranches;
};

/* {NULL, 0}: any. */
struct hf_ready_filter {
	bool all; /* also what is not approved, whose change set is not ready, or of which no mode publishes anything */
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str after; /* start behind the run with this id */
	int64_t limit;       /* 0 = all */
};
typedef enum hf_status hf_ready_fn(void *user, const struct hf_ready *ready, hf_error *err);
/**
 * In the order in which a publisher takes them: change sets that are being published first, then the greatest value
 * (unknown last), then the newest. Constant memory; HF_STOP from `fn` ends with HF_OK. One round trip, two with
 * `after`. It reads all of last_run, since no index leads to the runs there; for one codebase no more than that.
 * @param keep defects to keep (NULL: none): D-67, a run comes once for each of its pair's candidates that has a policy,
 *        of whatever change set. Otherwise the candidate of the run's change set counts, or else that of none, alone.
 * @return HF_OK; HF_NOT_FOUND there is no run `after`.
 */
enum hf_status hf_ready_list(hf_where where, const struct hf_ready_filter *filter, const struct hf_defects *keep,
                             hf_ready_fn *fn, void *user, hf_error *err);

/* ---- why not ---- */

/* What a publisher looks at, in this order. */
enum hf_blocker {
	HF_BLOCKER_RESULT = 0,     /* the run succeeded */
	HF_BLOCKER_SUPERSEDED,     /* no newer run counts in its place */
	HF_BLOCKER_INACTIVE,       /* its codebase is active */
	HF_BLOCKER_POLICY,         /* its candidate has a policy */
	HF_BLOCKER_COMMAND,        /* the candidate still asks for what ran */
	HF_BLOCKER_BRANCHES,       /* a branch has not landed, and its mode publishes something */
	HF_BLOCKER_PUBLISH_STATUS, /* it is approved */
	HF_BLOCKER_CHANGE_SET,     /* its change set is ready */
	HF_BLOCKER_BACKOFF,        /* the last tries are long enough ago */
	HF_BLOCKER_PREVIOUS        /* nobody rejected or closed the proposals before */
};
#define HF_BLOCKER_COUNT 10
/** "result", "superseded", ...; "" outside the enum. */
const char *hf_blocker_word(enum hf_blocker blocker);

struct hf_blockers {
	bool blocks[HF_BLOCKER_COUNT];
	struct hf_str details[HF_BLOCKER_COUNT]; /* what was seen, for people; in the arena */
	struct hf_str rate_limit_bucket;         /* {NULL, 0}: none; whether it is full the publisher's settings say */
	int64_t open_proposals;                  /* in that bucket */
	int64_t attempts;                        /* tries so far */
	bool has_next_try;
	struct hf_timestamp next_try; /* UTC */
};
/** All that keeps a run from being published. HF_NOT_FOUND without such a run. One round trip. */
enum hf_status hf_publish_blockers(hf_where where, struct hf_str run_id, hf_arena *arena,
                                   struct hf_blockers *ret_blockers, hf_error *err);
/** When a run that finished then may be tried again after so many attempts: at once, 2, 4, 8, ... hours, a week at most
 *  later. Pure. HF_E_LIMIT beyond what a timestamp holds. */
enum hf_status hf_publish_next_try(struct hf_timestamp finish_time, int64_t attempts, struct hf_timestamp *ret_next,
                                   hf_error *err);

/* ---- what arrived ---- */

struct hf_absorbed {
	struct hf_str mode; /* "push" or "propose" */
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str change_set;
	struct hf_str revision;
	bool has_delay;
	int64_t delay_us; /* from the end of the run */
	bool has_absorbed_at;
	struct hf_timestamp absorbed_at; /* UTC */
	struct hf_str merged_by;
	struct hf_str merge_proposal_url;
	struct hf_str result; /* JSON of the codemod */
};
/* {NULL, 0}: any. */
struct hf_absorbed_filter {
	struct hf_str codebase;
	struct hf_str campaign;
	bool has_since;
	struct hf_timestamp since; /* at that time or later */
	const struct hf_absorbed
		*after; /* the last one of the page before, or NULL: time, run, mode and proposal count */
	int64_t limit;  /* 0 = all */
};
typedef enum hf_status hf_absorbed_fn(void *user, const struct hf_absorbed *absorbed, hf_error *err);
/**
 * The newest arrival first, those without a time last. Constant memory; HF_STOP from `fn` ends with HF_OK. One round
 * trip; the view joins all proposals and pushes to their runs before anything is sorted out.
 * @param keep defects to keep (NULL: none): D-09, proposals that were neither merged nor applied come, too, without a
 *        time.
 * @return HF_OK; HF_E_LIMIT a delay of more than 292,000 years.
 */
enum hf_status hf_absorbed_list(hf_where where, const struct hf_absorbed_filter *filter, const struct hf_defects *keep,
                                hf_absorbed_fn *fn, void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
