/*
 * campaign.h - campaigns: kinds of change that are tried on many codebases (the database says suite).
 *
 * Needs the migration set `janitor`. There is no table of campaigns: one is what a run, a candidate or an entry of the
 * queue names. Its name is as a codebase's (codebase.h), of at most HF_NAME_BYTES_MAX bytes; where candidates of a
 * longer one are there from before the bound, they and new ones of it are written as any other.
 */
#ifndef HOLDFAST_CAMPAIGN_H
#define HOLDFAST_CAMPAIGN_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_campaign {
	struct hf_str name;
	int64_t candidates;
	int64_t queued;
	int64_t runs;
	int64_t successes; /* runs whose result is "success" */
	int64_t codebases; /* that were ever tried */
	bool has_newest;
	struct hf_timestamp newest; /* start of the newest run */
};
typedef enum hf_status hf_campaign_fn(void *user, const struct hf_campaign *campaign, hf_error *err);

/** By name; reads all runs and candidates. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_campaign_list(hf_where where, hf_campaign_fn *fn, void *user, hf_error *err);
/** HF_NOT_FOUND where nothing names it. Reads what belongs to it alone. One round trip. */
enum hf_status hf_campaign_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_campaign *ret_campaign,
                               hf_error *err);
/**
 * The campaigns, by name, in which the last run that counts of a codebase made something that has not landed, and
 * whose candidate has a publish policy. What the policy and a review say of it is not looked at. None for an unknown
 * codebase.
 * @param ret_names in the arena. HF_E_LIMIT more than 10,000. One round trip.
 */
enum hf_status hf_publishable_campaigns(hf_where where, struct hf_str codebase, hf_arena *arena,
                                        struct hf_str_array *ret_names, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
