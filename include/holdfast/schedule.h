/*
 * schedule.h - deciding what is tried when: estimates, offsets, and filling the queue. Semantics: spec/janitor.md 7.
 *
 * Bulk scheduling reads everything in a few statements, computes in C with the original's exact arithmetic, and writes
 * new items with COPY: the rows, ids and priorities are those of adding the items one by one in the order given.
 * It is one transaction (READ COMMITTED, which a caller's must be, too) that keeps other writers out of the queue; the
 * original leaves earlier items behind when a later one fails, this leaves nothing. An entry that says the same already
 * counts as replaced, but is not written unless somebody was handed it.
 *
 * Several writers (`writers`, with a pool only) take less time and keep others out for a fraction of it, since that
 * transaction ends when all is decided, ids are taken and replaced entries written. Then up to so many connections of
 * the pool (those that are to be had within a second) copy a share of the new items each, of 1,000 at least, else it
 * stays one transaction; so it does with `verify`, which may have to take all back. They commit one after the other,
 * the soonest to be served first, once all have been copied. Meanwhile
 *
 *  - a reader sees the replaced entries, then in a moment one share of the new ones after the other;
 *  - who adds to a place that is being written waits, and comes later; who came earlier, or anything else that makes
 *    one of them fail, takes all that have not committed back, and the whole is decided anew, once, as one transaction
 *    (event schedule_writers_failed, a warning), whose answer is the answer. Not after a deadline, an interruption, a
 *    lack of memory or HF_E_OUTCOME_UNKNOWN;
 *  - with D-14 kept, who adds meanwhile counts from a queue without the new items.
 *
 * When it fails after something was written, the message begins with how many of the new entries stand: running it
 * again writes what is missing, and asks again for what was handed out of them meanwhile, as any later run does. So
 * does the second decision, which also names again what it leaves out.
 *
 * Defects of the original that can be kept, beside those of queue.h: D-16, a candidate whose worth cannot be told (a
 * policy without modes or with the mode push-derived; a policy, but no value), or whose numbers or those of its history
 * are impossible (a chance that is no number, runs without times or of less than none, an offset beyond 64 bits), or
 * without a command, stops the run and is not merely left out; D-17, so does an earlier run that failed for unsatisfied
 * dependencies where no table all_debian_versions tells whether they are available by now, and one whose dependencies
 * cannot be read (else they count as missing); D-18, fractions of a second count twice; D-19, the candidate's own
 * chance of success is not looked at; D-20, a run stops where no codebase has a value but 0; D-21, a command is that of
 * the oldest candidate, whatever its change set; D-22, a control run's duration is always estimated; D-24, an unknown
 * value of a codebase counts as the greatest (one item) or as 0 (many), and not as the middle; D-25, many items know no
 * change set.
 */
#ifndef HOLDFAST_SCHEDULE_H
#define HOLDFAST_SCHEDULE_H

#include "holdfast/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One item to schedule; {NULL, 0} and has_ false mean: take it from the candidate. */
struct hf_schedule_item {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command;
	struct hf_str context;
	struct hf_str change_set;
	bool has_value;
	double value; /* the candidate's value with the worth of its publish policy */
	bool has_success_chance;
	double success_chance;
};

struct hf_schedule_options {
	size_t size;
	struct hf_str campaign;        /* hf_schedule_run: {NULL, 0} = all */
	struct hf_str_array codebases; /* hf_schedule_run: count 0 = all */
	double default_offset;
	enum hf_bucket bucket;
	bool bucket_set;               /* false: HF_BUCKET_DEFAULT */
	bool dry_run;                  /* decide and report, write nothing */
	uint32_t verify;               /* recompute so many random items by the one-by-one rules and compare */
	uint64_t verify_seed;          /* 0: chosen at random, reported */
	const struct hf_defects *keep; /* defects of the original to keep; NULL: none */
	uint32_t writers;              /* 0, 1: one transaction; at most 16 */
};

struct hf_schedule_report {
	int64_t items;
	int64_t added;
	int64_t replaced;
	int64_t kept;           /* an earlier bucket held the place */
	int64_t refused;        /* hf_schedule_run: left out, since they cannot be scheduled (D-16); not in `items` */
	int32_t greatest_value; /* of a codebase; 0 without items */
	int64_t verified;
	int64_t differing; /* HF_E_CORRUPT is returned and nothing is kept when not 0 */
	uint64_t verify_seed;
	int64_t read_us, write_us, verify_us;
	uint32_t writers; /* that wrote the new items, each in a transaction; 0: nothing to do */
};

/**
 * Schedule every candidate that has a publish policy (the `janitor.schedule` command): those of the most valuable
 * codebases first, then by id; the original leaves the order open. The first 20 that are left out are logged
 * (candidate_left_out, a warning).
 * @return HF_OK; HF_NOT_FOUND an item has gaps and no candidate to fill them; HF_REJECTED impossible numbers, with D-16
 *         kept (message names campaign and codebase); HF_E_INPUT a default offset that is no number; HF_E_USAGE several
 *         writers without a pool; HF_E_LIMIT more than 16. About 10 round trips plus one per 5,000 replaced items, and
 *         4 of each writer at a time.
 */
enum hf_status hf_schedule_run(hf_where where, const struct hf_schedule_options *options,
                               struct hf_schedule_report *ret_report, hf_error *err);
/** As hf_schedule_run() for given items in the given order; impossible numbers are refused: HF_REJECTED, nothing stays.
 */
enum hf_status hf_schedule_bulk(hf_where where, const struct hf_schedule_item *items, size_t count,
                                const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                                hf_error *err);

/* ---- one item ---- */

struct hf_schedule_request {
	struct hf_schedule_item item;
	struct hf_str requester; /* {NULL, 0} or "": "scheduler" */
	double default_offset;
	bool has_normalized_value; /* false: the codebase's share of the greatest value */
	double normalized_value;
	bool bucket_set;
	enum hf_bucket bucket;
	bool refresh;
	bool dry_run;
	const struct hf_defects *keep; /* defects of the original to keep; NULL: none */
};
struct hf_schedule_result {
	double offset; /* as computed or asked for, before truncation */
	int64_t estimated_duration_us;
	int32_t queue_id;      /* -1 for a dry run */
	enum hf_bucket bucket; /* as stored */
};
/** Everything that went into an offset: for `queue explain`. */
struct hf_schedule_explanation {
	double probability;
	int64_t estimated_duration_us;
	int64_t total_runs;
	bool has_normalized_value;
	double normalized_value;
	bool has_value;
	double value;
	double cost;
	double offset;
};

/** By history and value (do_schedule_regular). @param ret_why NULL allowed. 3 to 7 round trips. */
enum hf_status hf_schedule_candidate(hf_where where, const struct hf_schedule_request *request,
                                     struct hf_schedule_result *ret_result, struct hf_schedule_explanation *ret_why,
                                     hf_error *err);

/** What hf_schedule_run() would find for one candidate now; nothing is written. 4 to 9 round trips. */
enum hf_status hf_schedule_explain(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                   const struct hf_defects *keep, struct hf_schedule_explanation *ret_why,
                                   hf_error *err);

struct hf_schedule_direct {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command; /* {NULL, 0}: the candidate's */
	struct hf_str change_set;
	struct hf_str requester;
	bool has_offset; /* false: -1, ahead of everything */
	double offset;
	bool bucket_set;
	enum hf_bucket bucket;
	bool refresh;
	bool has_estimated_duration;
	int64_t estimated_duration_us;
	const struct hf_defects *keep; /* defects of the original to keep; NULL: none */
};
/** To a given offset (do_schedule). HF_NOT_FOUND without a candidate to take the command from. 1 to 5 round trips. */
enum hf_status hf_schedule_one(hf_where where, const struct hf_schedule_direct *request,
                               struct hf_schedule_result *ret_result, hf_error *err);
/** A control run: campaign "control", command "brz up [--revision=REV]" (do_schedule_control); the request's own
 *  campaign and command are not used. */
enum hf_status hf_schedule_control(hf_where where, const struct hf_schedule_direct *request,
                                   struct hf_str main_branch_revision, struct hf_schedule_result *ret_result,
                                   hf_error *err);
/* A run that ended, as far as the next one depends on it. */
struct hf_schedule_after {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str change_set; /* that was asked for; {NULL, 0} where the run got one of its own */
	struct hf_str context;    /* of the result */
	struct hf_str result_code;
	const struct hf_defects *keep; /* NULL: none; D-28: what no other run can change is asked for again too */
};
/**
 * Ask for a codebase again after a run of it was stored, by its candidate and its history, as "after run schedule".
 * @param ret_scheduled false: there is no candidate, or the run ended before it began, because its campaign is unknown
 * or its code is nowhere; both are no failure. @param ret_result NULL allowed; set when scheduled. 1 to 8 round trips.
 */
enum hf_status hf_schedule_after_run(hf_where where, const struct hf_schedule_after *after, bool *ret_scheduled,
                                     struct hf_schedule_result *ret_result, hf_error *err);
/** Average over codebase and campaign, else codebase, else campaign, else 15 s. 1 to 3 round trips. */
enum hf_status hf_schedule_estimate(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                    int64_t *ret_duration_us, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
