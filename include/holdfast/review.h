/*
 * review.h - what people say about runs, and telling the runner (spec/janitor.md 8).
 *
 * A reviewer has one review of a run: another one replaces it. Reviews without a reviewer replace nothing. The word of
 * a QA reviewer also decides whether the run may be published: it becomes the run's publish status, except for
 * "abstained". Where a runner of the original serves the database it is told over HTTP and writes the status itself, so
 * that everybody who listens to it hears of it; without one the status is written here, with the review.
 *
 * Needs the migration set `janitor`. Texts are {NULL, 0} where the database says NULL. Times are UTC.
 */
#ifndef HOLDFAST_REVIEW_H
#define HOLDFAST_REVIEW_H

#include "holdfast/defects.h"
#include "holdfast/run.h"
#include "holdfast/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A review that is stored, for whoever wants to be told; valid during the call. */
struct hf_review_event {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str verdict; /* as stored */
	struct hf_str comment;
	struct hf_str reviewer;
	struct hf_str
		publish_status; /* what the run's was set to; {NULL, 0} = it was left alone, or the runner failed */
	bool rescheduled;
};
/* Tell people, or programs. Not HF_OK = it failed, which hf_review_store() reports; the review stays. */
typedef enum hf_status hf_review_hook(void *user, const struct hf_review_event *event, hf_error *err);

struct hf_review_request {
	size_t size;
	struct hf_str run_id;
	struct hf_str
		verdict; /* "approved", "rejected", "abstained"; "reschedule" = rejected, and queued from scratch */
	struct hf_str comment;
	struct hf_str reviewer;    /* {NULL, 0}: nobody in particular */
	bool is_qa;                /* the verdict decides the publish status */
	const char *runner_url;    /* http or https, told of a publish status; NULL: it is written here */
	int64_t runner_timeout_ms; /* 0 = 30,000; the deadline of `where` holds too */
	hf_review_hook *hook;      /* or NULL */
	void *hook_user;
};
struct hf_review_result {
	bool stored;
	bool runner_told;
	struct hf_str verdict;        /* as stored; a constant */
	struct hf_str publish_status; /* what the run has now: a constant; {NULL, 0} = it was left alone */
	bool rescheduled;             /* by the candidate's command, in bucket default */
	struct hf_schedule_result scheduled;
};
/**
 * Check, store, commit; then tell the runner and call the hook. One transaction of 4 to 9 round trips (the most for
 * "reschedule", which schedules as hf_schedule_one() does with refresh, by "reviewer (NAME)"), and one request.
 *
 * When the runner or the hook fails the review is stored all the same: the answer is their failure, the message says
 * "the review is stored, but not everybody was told: ...", and *ret_result is filled, with `stored` set. Giving the
 * same verdict again repeats both and changes nothing else. Otherwise *ret_result is untouched where the answer is not
 * HF_OK.
 *
 * Inside a transaction nothing can be told before its end: HF_E_USAGE for a runner or a hook; store with neither, and
 * call hf_runner_set_publish_status() behind the commit.
 *
 * @param keep defects to keep (NULL: none): D-26, the runner is told before the verdict is checked and while the
 *        transaction is open, as the original does; what it refuses is then not stored, and what is refused later it
 * was told all the same. Such a transaction is never repeated.
 * @return HF_OK; HF_E_INPUT no such verdict; HF_NOT_FOUND no such run, or no candidate to take the command from;
 *         HF_REJECTED a run without revision cannot be approved by QA; what hf_runner_set_publish_status() and the hook
 *         answer; HF_E_OUTCOME_UNKNOWN give the verdict again: nobody was told.
 */
enum hf_status hf_review_store(hf_where where, const struct hf_review_request *request, const struct hf_defects *keep,
                               struct hf_review_result *ret_result, hf_error *err);

/**
 * POST {"publish_status": ...} to RUNNER_URL/runs/RUN: http or https, the id as one segment behind the URL's own path.
 * No redirect is followed. May be repeated. Messages never show a password of the URL.
 * @param deadline HF_DEADLINE_DEFAULT = 30 s from now.
 * @return HF_OK; HF_NOT_FOUND it knows no such run; HF_REJECTED it refuses (4xx); HF_E_UNAVAILABLE it cannot be reached
 *         or fails (5xx); HF_E_PROTOCOL any other answer; HF_TIMEOUT; HF_E_INTERRUPTED; HF_E_USAGE no such URL can be.
 */
enum hf_status hf_runner_set_publish_status(hf_context *ctx, const char *runner_url, struct hf_str run_id,
                                            struct hf_str publish_status, hf_deadline deadline, hf_error *err);

/* ---- looking ---- */

struct hf_review {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str verdict;
	struct hf_str comment;
	struct hf_str reviewer;
	struct hf_timestamp reviewed_at;
};
typedef enum hf_status hf_review_fn(void *user, const struct hf_review *review, hf_error *err);

/* {NULL, 0}: any. */
struct hf_review_filter {
	struct hf_str run_id;
	struct hf_str campaign;
	struct hf_str reviewer;
	struct hf_str verdict;
	const struct hf_review *after; /* the last one of the page before, or NULL: its run, reviewer and time count */
	int64_t limit;                 /* 0 = all */
};
/**
 * The newest first, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. Pages may lose one of
 * several reviews without reviewer that one transaction gave of the same run.
 * @return HF_OK; HF_E_INPUT no such verdict.
 */
enum hf_status hf_review_list(hf_where where, const struct hf_review_filter *filter, hf_review_fn *fn, void *user,
                              hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. HF_E_INPUT no such verdict. */
enum hf_status hf_review_count(hf_where where, const struct hf_review_filter *filter, int64_t *ret_count,
                               hf_error *err);
/**
 * Store reviews that were given elsewhere, all or none: run_id, verdict, comment, reviewer and reviewed_at count (no
 * time: {0}, which is now). They decide nothing: no publish status changes, nobody is told, nothing is rescheduled. One
 * transaction, a round trip per 5,000.
 * @return HF_OK; HF_E_INPUT no such verdict, with the number of the review (the first is 1); HF_REJECTED a run that the
 *         database does not know; HF_E_LIMIT more than 1,000,000.
 */
enum hf_status hf_review_import(hf_where where, const struct hf_review *reviews, size_t count, hf_error *err);
/**
 * Forget what a reviewer said of a run; {NULL, 0}: what those without a name said. The publish status stays.
 * @param ret_removed may be NULL. HF_NOT_FOUND without such a review. One round trip.
 */
enum hf_status hf_review_delete(hf_where where, struct hf_str run_id, struct hf_str reviewer, int64_t *ret_removed,
                                hf_error *err);

/* A run that waits for somebody to look at it. */
struct hf_review_pending {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str publish_status;
	bool has_value;
	int32_t value;
	bool has_finish_time;
	struct hf_timestamp finish_time;
	struct hf_str description;
	int64_t reviews; /* that it has */
};
typedef enum hf_status hf_review_pending_fn(void *user, const struct hf_review_pending *pending, hf_error *err);
struct hf_review_pending_filter {
	struct hf_str campaign;
	struct hf_str not_by; /* without those that this reviewer reviewed */
	bool unknown_too;     /* also those of which nobody said that they need a review: publish status "unknown" */
	struct hf_str after;  /* start behind this run */
	int64_t limit;        /* 0 = all */
};
/**
 * Runs that could be published (view publish_ready) and need a review, the most valuable first (unknown is 0), then the
 * greatest id. One round trip, two with `after`. HF_NOT_FOUND there is no run `after`.
 */
enum hf_status hf_review_pending_list(hf_where where, const struct hf_review_pending_filter *filter,
                                      hf_review_pending_fn *fn, void *user, hf_error *err);

struct hf_review_stats {
	struct hf_str campaign;
	int64_t total;
	int64_t runs;      /* different ones */
	int64_t reviewers; /* different ones with a name */
	int64_t approved, rejected, abstained;
};
typedef enum hf_status hf_review_stats_fn(void *user, const struct hf_review_stats *stats, hf_error *err);
/** A row for each campaign with reviews, by name; `campaign` {NULL, 0} = all. One round trip. */
enum hf_status hf_review_stats(hf_where where, struct hf_str campaign, hf_review_stats_fn *fn, void *user,
                               hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
