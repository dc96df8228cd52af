/*
 * candidate.h - codebases worth trying in a campaign (spec/janitor.md 4.3, table candidate).
 */
#ifndef HOLDFAST_CANDIDATE_H
#define HOLDFAST_CANDIDATE_H

#include "holdfast/arena.h"
#include "holdfast/codebase.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One candidate per codebase, campaign and change set; no change set counts as one. {NULL, 0} = NULL. */
struct hf_candidate {
	int32_t id; /* 0 in an import: the database numbers them */
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command;
	struct hf_str context;
	struct hf_str publish_policy;
	struct hf_str change_set;
	bool has_value;
	int32_t value; /* above 0 */
	bool has_success_chance;
	double success_chance;
};
typedef enum hf_status hf_candidate_fn(void *user, const struct hf_candidate *candidate, hf_error *err);

/**
 * Insert or update candidates, all or none. Checked before anything is sent: campaign names, empty commands, values,
 * chances outside 0 to 1, a place named twice. HF_E_INPUT names the entry (1-based); HF_REJECTED an unknown codebase,
 * change set or policy (err->constraint). One transaction, a round trip per 5,000 candidates.
 */
enum hf_status hf_candidate_import(hf_where where, const struct hf_candidate *candidates, size_t count,
                                   struct hf_changes *ret_changes, hf_error *err);
/** A candidate like `pattern` (codebase ignored) for every active codebase of `vcs_type`. One round trip. */
enum hf_status hf_candidate_import_all(hf_where where, const struct hf_candidate *pattern, struct hf_str vcs_type,
                                       struct hf_changes *ret_changes, hf_error *err);
/** By id, from behind `after`; campaign, codebase {NULL, 0} = any; limit 0 = all. Constant memory, one round trip. */
enum hf_status hf_candidate_list(hf_where where, int32_t after, struct hf_str campaign, struct hf_str codebase,
                                 int64_t limit, hf_candidate_fn *fn, void *user, hf_error *err);
/**
 * Those whose codebase was never tried in their campaign, by id, from behind `after`; where a pair has candidates in
 * several change sets, the oldest. campaign {NULL, 0} = any; limit 0 = all. Constant memory, one round trip.
 */
enum hf_status hf_candidate_never_processed(hf_where where, int32_t after, struct hf_str campaign, int64_t limit,
                                            hf_candidate_fn *fn, void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
