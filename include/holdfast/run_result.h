/*
 * run_result.h - what a worker reports about a run: the document result.json, decoded and checked (spec/janitor.md
 * 9.1). Pure: no round trips, no clock.
 *
 * What is refused is refused whole, with the field that is wrong and what is expected: nothing is guessed, nothing is
 * cut. Bounds: 16 MiB, 64 levels, 64-bit integers.
 */
#ifndef HOLDFAST_RUN_RESULT_H
#define HOLDFAST_RUN_RESULT_H

#include "holdfast/arena.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A branch that a run made. Absent revisions and names are {NULL, 0}; the role is always there. */
struct hf_run_branch {
	struct hf_str role; /* "main", ... */
	struct hf_str remote_name;
	struct hf_str base_revision;
	struct hf_str revision;
};
struct hf_run_tag {
	struct hf_str name;
	struct hf_str revision;
};

/* {NULL, 0} is absent, null in JSON and NULL in the database. */
struct hf_run_result {
	struct hf_str code; /* never empty */
	struct hf_str description;
	struct hf_str context;
	struct hf_str stage;
	struct hf_str main_branch_revision;
	struct hf_str revision;
	struct hf_str target_branch_url;
	struct hf_str branch_url;
	struct hf_str subpath;
	struct hf_str vcs_type;
	struct hf_str codebase;
	struct hf_str worker_name;
	struct hf_str codemod; /* JSON; absent also for {}, [], 0, "" and false */
	struct hf_str details; /* JSON */
	struct hf_str remotes; /* JSON */
	bool has_transient, transient;
	bool has_value;
	int32_t value;
	struct hf_timestamp start_time, finish_time;
	bool refreshed;
	const struct hf_run_branch *branches; /* no role stands twice */
	size_t nbranches;
	bool has_tags; /* an empty list is one */
	const struct hf_run_tag *tags;
	size_t ntags;
	struct hf_str builder; /* "debian" or "generic", when the result is one of a build */
	struct hf_str builder_details; /* JSON */
};

/**
 * Decode result.json into the arena. @param keep defects to keep (NULL: none): D-27, a code of null or "" means success
 * instead of missing-result-code.
 * @return HF_OK; HF_E_INPUT what is wrong with which field; HF_E_LIMIT a bound; HF_E_NOMEM.
 */
enum hf_status hf_run_result_decode(struct hf_str json, const struct hf_defects *keep, hf_arena *arena,
                                    struct hf_run_result *ret_result, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
