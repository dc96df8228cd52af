/*
 * candidate.h - codebases worth trying in a campaign (spec/janitor.md 4.3, table candidate).
 *
 * Needs the migration set `janitor`. Functions run on any hf_where (connection.h).
 */
#ifndef HOLDFAST_CANDIDATE_H
#define HOLDFAST_CANDIDATE_H

#include "holdfast/arena.h"
#include "holdfast/codebase.h"
#include "holdfast/schedule.h"

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
 * Insert or update candidates, all or none. Checked before anything is sent: campaign names (but for their length,
 * campaign.h), empty commands, values, chances outside 0 to 1, a place named twice. HF_E_INPUT names the entry
 * (1-based); HF_REJECTED an unknown codebase, change set or policy (err->constraint). One transaction, a round trip per
 * 5,000 candidates.
 */
enum hf_status hf_candidate_import(hf_where where, const struct hf_candidate *candidates, size_t count,
                                   struct hf_changes *ret_changes, hf_error *err);
/**
 * Read what hf_candidate_import() takes from a file ("-" is standard input): a list of objects with codebase,
 * campaign, command, context, publish_policy, change_set, value and success_chance, null or absent where there is none.
 * It is read piece by piece: an entry is of at most 16 MiB, the file of any length, the entries are at most 1,000,000.
 * @param ret_candidates in the arena, with their texts. No database is asked. HF_NOT_FOUND there is no such file;
 * HF_E_INPUT and HF_E_LIMIT name the entry (the first is 1) or line and column; HF_E_NOMEM also a full arena.
 */
enum hf_status hf_candidate_read(const char *path, hf_arena *arena, struct hf_candidate **ret_candidates,
                                 size_t *ret_count, hf_error *err);
/** A candidate like `pattern` (codebase ignored) for every active codebase of `vcs_type`. One round trip. */
enum hf_status hf_candidate_import_all(hf_where where, const struct hf_candidate *pattern, struct hf_str vcs_type,
                                       struct hf_changes *ret_changes, hf_error *err);

struct hf_candidate_filter {
	int32_t after;          /* ids above this one; 0 = from the first */
	struct hf_str campaign; /* {NULL, 0}: any, as for the others */
	struct hf_str codebase;
	struct hf_str publish_policy;
	struct hf_str change_set;
	int64_t limit; /* 0 = all */
};
/** By id, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_candidate_list(hf_where where, const struct hf_candidate_filter *filter, hf_candidate_fn *fn,
                                 void *user, hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_candidate_count(hf_where where, const struct hf_candidate_filter *filter, int64_t *ret_count,
                                  hf_error *err);
/** HF_NOT_FOUND without it. One round trip. */
enum hf_status hf_candidate_get(hf_where where, int32_t id, hf_arena *arena, struct hf_candidate *ret_candidate,
                                hf_error *err);
/**
 * Those whose codebase was never tried in their campaign, by id, from behind `after`; where a pair has candidates in
 * several change sets, the oldest. campaign {NULL, 0} = any; limit 0 = all. Constant memory, one round trip.
 */
enum hf_status hf_candidate_never_processed(hf_where where, int32_t after, struct hf_str campaign, int64_t limit,
                                            hf_candidate_fn *fn, void *user, hf_error *err);

/* ---- writing one ---- */

/* Parts of a candidate, for hf_candidate_set(). */
enum hf_candidate_part {
	HF_CANDIDATE_COMMAND = 1,
	HF_CANDIDATE_CONTEXT = 2,
	HF_CANDIDATE_VALUE = 4,
	HF_CANDIDATE_SUCCESS_CHANCE = 8,
	HF_CANDIDATE_PUBLISH_POLICY = 16
};
/**
 * Create the candidate of this codebase, campaign and change set, or change these parts of it (`parts`: enum
 * hf_candidate_part); a new one needs a command. Nothing is scheduled. @param ret_id, ret_created NULL allowed.
 * HF_E_INPUT names the member that cannot be, HF_REJECTED an unknown codebase, change set or policy. One round trip.
 */
enum hf_status hf_candidate_set(hf_where where, const struct hf_candidate *candidate, unsigned parts, int32_t *ret_id,
                                bool *ret_created, hf_error *err);
/**
 * Remove a candidate, what followed up on it, and its entry in the queue. @param keep defects to keep (NULL: none):
 * D-34, the entries of all change sets go. @param ret_dequeued NULL allowed. HF_NOT_FOUND without it. One round trip.
 */
enum hf_status hf_candidate_delete(hf_where where, int32_t id, const struct hf_defects *keep, int64_t *ret_dequeued,
                                   hf_error *err);

/* ---- upload ---- */

/* A campaign as it is configured. */
struct hf_campaign_default {
	struct hf_str name;
	struct hf_str command; /* of candidates without one; {NULL, 0} or "": none */
};

struct hf_candidate_upload_options {
	size_t size;
	const struct hf_campaign_default *campaigns;
	size_t ncampaigns;             /* 0: every name is that of a campaign without a command */
	const struct hf_defects *keep; /* NULL: none. D-19 (a chance outside 0 to 1 is taken), D-35 (followup_for is
	                                  refused), and those of hf_schedule_candidate() */
};

/* Why an entry was passed over. */
enum hf_candidate_refusal {
	HF_CANDIDATE_UNKNOWN_CAMPAIGN = 0,
	HF_CANDIDATE_NO_COMMAND,
	HF_CANDIDATE_ZERO_VALUE,
	HF_CANDIDATE_UNKNOWN_CODEBASE,
	HF_CANDIDATE_UNKNOWN_POLICY
};
#define HF_CANDIDATE_REFUSAL_COUNT 5
/** The original's: "unknown_campaigns", "invalid_command", "invalid_value", "unknown_codebases",
 *  "unknown_publish_policies"; "" outside the enum. */
const char *hf_candidate_refusal_word(enum hf_candidate_refusal reason);

struct hf_candidate_refused {
	size_t entry; /* the first is 1 */
	enum hf_candidate_refusal reason;
	struct hf_str word; /* what is unknown or wrong; {NULL, 0} for null */
};
struct hf_candidate_uploaded {
	struct hf_candidate candidate; /* as stored */
	struct hf_schedule_result scheduled;
	bool refresh;
};
struct hf_candidate_upload_report {
	const struct hf_candidate_uploaded *uploaded; /* in the order of the entries */
	size_t nuploaded;
	const struct hf_candidate_refused *refused;
	size_t nrefused;
};

/**
 * What POST /candidates of the original takes: a list of objects with codebase, campaign, command, value,
 * success_chance, context, change_set, "publish-policy", bucket, requester and followup_for (ids of runs). Each is
 * created or replaced - what is absent becomes NULL - and scheduled by its history; where an open proposal has another
 * command, ahead of others and from scratch. Entries that the report names as refused are passed over; anything else
 * that is wrong undoes all: HF_E_INPUT and HF_E_LIMIT name the entry (the first is 1) and the member. At most 16 MiB.
 * @param arena keeps the document and the report.
 * One transaction, about 10 round trips an entry.
 */
enum hf_status hf_candidate_upload(hf_where where, struct hf_str json,
                                   const struct hf_candidate_upload_options *options, hf_arena *arena,
                                   struct hf_candidate_upload_report *ret_report, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
