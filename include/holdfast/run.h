/*
 * run.h - runs: one try of a campaign on a codebase, with its result (spec/janitor.md 5.2 and 9).
 *
 * Needs the migration set `janitor`. Texts are {NULL, 0} where the database says NULL. Times are UTC.
 */
#ifndef HOLDFAST_RUN_H
#define HOLDFAST_RUN_H

#include "holdfast/queue.h"
#include "holdfast/run_result.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_run {
	struct hf_str id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command;
	struct hf_str description;
	bool has_start_time, has_finish_time;
	struct hf_timestamp start_time, finish_time;
	struct hf_str result_code;
	struct hf_str instigated_context; /* what the scheduler expected to find */
	struct hf_str context;            /* what the worker found */
	struct hf_str main_branch_revision;
	struct hf_str revision; /* absent also where the database says "" */
	struct hf_str result;   /* JSON of the codemod */
	struct hf_str vcs_type;
	struct hf_str branch_url;
	struct hf_str subpath;
	struct hf_str_array logfilenames;
	struct hf_str publish_status;
	bool has_value;
	int32_t value;
	struct hf_str worker;
	struct hf_str failure_stage;
	struct hf_str failure_details; /* JSON */
	struct hf_str target_branch_url;
	bool has_failure_transient, failure_transient;
	struct hf_str resume_from;
	struct hf_str change_set;
	const struct hf_run_branch *branches; /* main first, then by role */
	size_t nbranches;
	bool has_tags;
	const struct hf_run_tag *tags;
	size_t ntags;
};

/** HF_NOT_FOUND without such a run. One round trip. */
enum hf_status hf_run_get(hf_where where, struct hf_str id, hf_arena *arena, struct hf_run *ret_run, hf_error *err);

/* Which run of a codebase in a campaign. */
enum hf_run_which {
	HF_RUN_NEWEST = 0,
	HF_RUN_EFFECTIVE, /* transient failures and runs with nothing new to do do not count */
	HF_RUN_UNABSORBED /* the effective one, while something of it is still to be absorbed */
};
/** HF_NOT_FOUND without one. One round trip. */
enum hf_status hf_run_last(hf_where where, struct hf_str codebase, struct hf_str campaign, enum hf_run_which which,
                           hf_arena *arena, struct hf_run *ret_run, hf_error *err);

typedef enum hf_status hf_run_fn(void *user, const struct hf_run *run, hf_error *err);
/* {NULL, 0}: any. */
struct hf_run_last_filter {
	enum hf_run_which which;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str result_code;
	const struct hf_run *after; /* the last one of the page before, or NULL: its codebase and campaign count */
	int64_t limit;              /* 0 = all */
};
/** Those of all codebases and campaigns, in order of their names. Constant memory; HF_STOP from `fn` ends with HF_OK.
 * One round trip. */
enum hf_status hf_run_last_list(hf_where where, const struct hf_run_last_filter *filter, hf_run_fn *fn, void *user,
                                hf_error *err);
/**
 * The run that a new one of the campaign goes on from when the branch to resume stands at that revision: the newest
 * success with that tip. HF_NOT_FOUND without one, or when it was rejected. One round trip.
 */
enum hf_status hf_run_resumable(hf_where where, struct hf_str campaign, struct hf_str revision, hf_arena *arena,
                                struct hf_run *ret_run, hf_error *err);

/* {NULL, 0}: any. */
struct hf_run_filter {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str result_code;
	struct hf_str change_set;
	struct hf_str worker;
	struct hf_str publish_status; /* "approved", ... */
	struct hf_str failure_stage;
	struct hf_str after; /* start behind the run with this id */
	int64_t limit;       /* 0 = all */
};
/**
 * The newest start first, in constant memory; a run is valid during the callback. With a codebase, a limit and nothing
 * else these are its recent runs. HF_STOP from `fn` ends with HF_OK. One round trip, two with `after`.
 * @return HF_OK; HF_NOT_FOUND there is no run `after`; HF_E_INPUT a publish status that does not exist.
 */
enum hf_status hf_run_list(hf_where where, const struct hf_run_filter *filter, hf_run_fn *fn, void *user,
                           hf_error *err);

/** How many a list would show; `after` and `limit` do not count. One round trip. HF_E_INPUT no such publish status. */
enum hf_status hf_run_count(hf_where where, const struct hf_run_filter *filter, int64_t *ret_count, hf_error *err);

/* {NULL, 0}: any. */
struct hf_run_finished_filter {
	bool has_since;
	struct hf_timestamp since; /* ended at that time or later; else */
	int64_t ago_us;            /* so long before now, by the server's clock, or later */
	int64_t longest_us;        /* runs that took longer are not looked for, but without a start; 0 = a day */
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str result_code;
	const struct hf_run *after; /* the last one of the page before, or NULL: its end and id count */
	int64_t limit;              /* 0 = all */
};
/**
 * The earliest end first, in constant memory: what to ask again and again to hear of new runs. A run is stored some
 * time after its end, so that a later question may find one that ended before others that were seen: look back as far
 * as that takes, and pass over what is known. Runs without an end are not among them. HF_STOP from `fn` ends with
 * HF_OK. One round trip.
 */
enum hf_status hf_run_finished(hf_where where, const struct hf_run_finished_filter *filter, hf_run_fn *fn, void *user,
                               hf_error *err);
/**
 * Those that are not: runs without an end that began within `ago_us` and `longest_us`, or without a start too, by id
 * (no worker leaves such, an import may). Nobody knows when they ended: `since` does not count, and of `after` the id.
 * Otherwise as hf_run_finished().
 */
enum hf_status hf_run_timeless(hf_where where, const struct hf_run_finished_filter *filter, hf_run_fn *fn, void *user,
                               hf_error *err);

struct hf_run_tally {
	struct hf_str word; /* result code or failure stage; {NULL, 0} where no stage is known */
	int64_t runs;
	int64_t codebases;
	bool has_newest;
	struct hf_timestamp newest; /* start */
};
typedef enum hf_status hf_run_tally_fn(void *user, const struct hf_run_tally *tally, hf_error *err);
/** Result codes with their runs, the most frequent first; campaign {NULL, 0} = all. One round trip. */
enum hf_status hf_run_result_codes(hf_where where, struct hf_str campaign, hf_run_tally_fn *fn, void *user,
                                   hf_error *err);
/** The same for the stages in which runs failed. */
enum hf_status hf_run_failure_stages(hf_where where, struct hf_str campaign, hf_run_tally_fn *fn, void *user,
                                     hf_error *err);

/* Of the runs of hf_run_last_list(), which is what the original's pages count. */
struct hf_run_last_tally_filter {
	enum hf_run_which which;
	struct hf_str campaign; /* {NULL, 0}: all */
	bool wanted;            /* those alone that a candidate of their change set, or of none, still asks for */
};
/**
 * Results of the last runs, the most frequent first; a run that found nothing new to do counts as the success that it
 * resumed. Reads all of last_run, or that of the campaign; one round trip.
 */
enum hf_status hf_run_last_result_codes(hf_where where, const struct hf_run_last_tally_filter *filter,
                                        hf_run_tally_fn *fn, void *user, hf_error *err);
/** The same for the stages in which they failed. */
enum hf_status hf_run_last_failure_stages(hf_where where, const struct hf_run_last_tally_filter *filter,
                                          hf_run_tally_fn *fn, void *user, hf_error *err);

/* ---- corrections ---- */

/* Parts of a run, for hf_run_update(). Its id, codebase, campaign, times, branches and tags stay what they were. */
enum hf_run_part {
	HF_RUN_RESULT = 1,  /* result_code and description */
	HF_RUN_FAILURE = 2, /* failure_stage, failure_details and failure_transient */
	HF_RUN_LOGS = 4     /* logfilenames */
};
/**
 * Correct what run->id says of itself, as reading its logs again does: these parts (`parts`: enum hf_run_part). Which
 * run speaks for its codebase is found anew, with what follows for its change set. One statement, one round trip; may
 * be repeated.
 * @return HF_OK; HF_NOT_FOUND there is no such run; HF_REJECTED nothing new to do, and it resumed no run
 * (`run_check1`); HF_E_INPUT no part, no result code, details that are no JSON; HF_E_LIMIT their size or depth: nothing
 * was sent.
 */
enum hf_status hf_run_update(hf_where where, const struct hf_run *run, unsigned parts, hf_error *err);

/* ---- whether it may be published ---- */

struct hf_run_publish_change {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str before; /* the status until now */
};
/**
 * Set the publish status: "unknown", "blocked", "needs-manual-review", "rejected", "approved" or "ignored". The row is
 * written also where nothing changes, so that its triggers run. One round trip; may be repeated.
 * @return HF_OK; HF_NOT_FOUND there is no such run; HF_REJECTED approved, but the run has no revision (`run_check2`);
 *         HF_E_INPUT no such status: nothing was sent.
 */
enum hf_status hf_run_set_publish_status(hf_where where, struct hf_str id, struct hf_str publish_status,
                                         hf_arena *arena, struct hf_run_publish_change *ret_change, hf_error *err);

/* ---- pure ---- */

/** finish_time - start_time. HF_NOT_FOUND where one of them is unknown; HF_E_LIMIT beyond 64 bits of microseconds. */
enum hf_status hf_run_duration(const struct hf_run *run, int64_t *ret_us, hf_error *err);
/** The branch with that role. HF_NOT_FOUND without one. */
enum hf_status hf_run_branch_of(const struct hf_run *run, struct hf_str role, const struct hf_run_branch **ret_branch,
                                hf_error *err);
/** Order of runs: by id, byte by byte. 0 = the same run. */
int hf_run_compare(const struct hf_run *a, const struct hf_run *b);

/* ---- storing ---- */

/* What a build of Debian packages made. */
struct hf_debian_build {
	struct hf_str version; /* of the source package */
	struct hf_str distribution;
	struct hf_str source;
	struct hf_str_array binary_packages;
	struct hf_str lintian_result; /* JSON, or {NULL, 0} */
};

/* What ended: the run as it was handed out, and what the worker says of it. */
struct hf_run_report {
	size_t size;
	struct hf_str id;
	struct hf_str codebase; /* the result's own, when it names one, goes before */
	struct hf_str campaign;
	struct hf_str command;
	struct hf_str instigated_context;
	struct hf_str change_set;  /* {NULL, 0} or "": one of its own, with the run's id */
	struct hf_str worker;      /* {NULL, 0}: the one that the result names */
	struct hf_str resume_from; /* not stored when the worker started afresh */
	struct hf_str_array logfilenames;
	const struct hf_run_result *result;
	const struct hf_debian_build *build; /* NULL: no packages */
	bool has_queue_id;                   /* an entry that goes, handed out by the original or by nobody */
	int32_t queue_id;
	bool has_claim; /* or one that is claimed: claim.h */
	int64_t fence;
	struct hf_str holder;
};

/**
 * Store a run with its change set, branches, tags and build, and take its entry out of the queue: all or nothing. One
 * statement that commits by itself, so one round trip in all. With a claim four: BEGIN, the claim's end, which decides
 * whether anything is stored, the rows, COMMIT. With D-04 kept four: the branches come apart.
 * @param keep defects to keep (NULL: none): D-04, last_run does not see the branches of a new run.
 * @param ret_again (may be NULL) the entry of the claim stays, since somebody asked for it again.
 * @return HF_OK; HF_CONFLICT the run is stored already, or the claim is not held: nothing is stored; HF_REJECTED a name
 *         that the database does not know or a rule of the schema, by its name; HF_E_OUTCOME_UNKNOWN store it again:
 *         HF_CONFLICT then says that it is there.
 */
enum hf_status hf_run_store(hf_where where, const struct hf_run_report *report, const struct hf_defects *keep,
                            bool *ret_again, hf_error *err);
/**
 * Store many runs, all or none, as hf_run_store() does one: history that comes from elsewhere. A transaction of
 * pipelined batches, one wait per 1,000 runs. No claim ends with it.
 * @return as hf_run_store(), with the number of the run (the first is 1) before the message; HF_E_USAGE one has a
 *         claim; HF_E_LIMIT more than 1,000,000.
 */
enum hf_status hf_run_import(hf_where where, const struct hf_run_report *reports, size_t count, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
