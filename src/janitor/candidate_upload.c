/*
 * candidate_upload.c - candidates as JSON (spec/janitor.md 10.5): all entries are read and checked first, then one
 * transaction takes them in their order. Each is inserted behind a savepoint, so that one whose codebase or policy is
 * unknown is passed over; everything else that fails undoes all.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "core/names.h"
#include "core/pyrepr.h"
#include "core/schedule.h"
#include "holdfast/candidate.h"
#include "holdfast/schedule.h"
#include "janitor/long_names.h"
#include "janitor/transaction.h"
#include "janitor/upload.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"
#include "queries/janitor/codebase.h"

#define WHAT "candidates"
enum { REQUESTER_BYTES_MAX = 1 << 20 };

/* One entry as it was read. `refused`: passed over before anything is sent. */
struct entry {
	struct hf_candidate candidate;
	struct hf_str requester;
	bool has_bucket;
	enum hf_bucket bucket;
	const json_t *followup_for; /* a list of texts; NULL = none */
	bool refused;
	enum hf_candidate_refusal reason;
	struct hf_str word;
};

struct upload {
	const struct hf_candidate_upload_options *options;
	hf_arena *arena;
	const json_t *list;
	struct entry *entries;
	size_t count;
	struct hf_candidate_uploaded *uploaded;
	size_t nuploaded;
	struct hf_candidate_refused *refused;
	size_t nrefused;
	struct codebase_greatest_value_row greatest; /* read once: that is a look at all codebases */
};

const char *hf_candidate_refusal_word(enum hf_candidate_refusal reason)
{
	static const char *const words[HF_CANDIDATE_REFUSAL_COUNT] = {"unknown_campaigns", "invalid_command",
	                                                              "invalid_value", "unknown_codebases",
	                                                              "unknown_publish_policies"};
	return word_of(words, ARRAY_LEN(words), (int)reason);
}

/* ---- reading ---- */

static enum hf_status pass_over(struct entry *entry, enum hf_candidate_refusal reason, struct hf_str word)
{
	entry->refused = true;
	entry->reason = reason;
	entry->word = word;
	return HF_OK;
}

static const struct hf_campaign_default *campaign_of(const struct upload *upload, struct hf_str name)
{
	for (size_t i = 0; i < upload->options->ncampaigns; i++)
		if (str_eq(upload->options->campaigns[i].name, name))
			return &upload->options->campaigns[i];
	return NULL;
}

/* The names, which the original wants before anything else. */
static enum hf_status read_names(const struct upload_entry *in, struct entry *entry)
{
	enum hf_status status = upload_text(in, "codebase", &entry->candidate.codebase);
	if (status == HF_OK && !entry->candidate.codebase.ptr)
		return upload_refuse(in, "codebase", upload_has(in, "codebase") ? "is null" : "is missing");
	if (status == HF_OK && !upload_has(in, "campaign"))
		return upload_refuse(in, "campaign", "is missing");
	return status == HF_OK ? upload_text(in, "campaign", &entry->candidate.campaign) : status;
}

static enum hf_status read_bucket(const struct upload_entry *in, struct entry *entry)
{
	struct hf_str word;
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = upload_text(in, "bucket", &word);
	entry->has_bucket = status == HF_OK && word.ptr;
	if (!entry->has_bucket || hf_bucket_parse(word, &entry->bucket, &local) == HF_OK)
		return status;
	upload_refuse(in, "bucket", "is none of the queue's");
	error_hint(in->err, "%s", local.hint);
	return HF_E_INPUT;
}

static enum hf_status read_followups(const struct upload *upload, const struct upload_entry *in, struct entry *entry)
{
	const json_t *list = json_object_get(in->object, "followup_for");
	if (!list || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0))
		return HF_OK;
	if (hf_defects_kept(upload->options->keep, 35))
		return upload_refuse(in, "followup_for", "cannot be stored (D-35 is kept)");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return upload_refuse(in, "followup_for", "holds something else than ids of runs");
	if (!json_is_array(list))
		return upload_refuse(in, "followup_for", "is no list of ids of runs");
	entry->followup_for = list;
	return HF_OK;
}

static enum hf_status read_texts(const struct upload_entry *in, struct entry *entry)
{
	struct hf_candidate *candidate = &entry->candidate;
	const struct {
		const char *name;
		struct hf_str *into;
	} texts[] = {{"command", &candidate->command},
	             {"context", &candidate->context},
	             {"change_set", &candidate->change_set},
	             {"publish-policy", &candidate->publish_policy},
	             {"requester", &entry->requester}};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(texts); i++)
		status = upload_text(in, texts[i].name, texts[i].into);
	return status;
}

/* A value of 0 is passed over, one that the schema refuses is a mistake. */
static enum hf_status read_value(const struct upload_entry *in, struct entry *entry, bool *ret_zero)
{
	double number;
	bool known;
	enum hf_status status = upload_number(in, "value", &known, &number);
	*ret_zero = status == HF_OK && known && number == 0.0;
	if (status != HF_OK || *ret_zero)
		return status;
	status = upload_int(in, "value", &entry->candidate.has_value, &entry->candidate.value);
	if (status == HF_OK && entry->candidate.has_value && entry->candidate.value <= 0)
		return upload_refuse(in, "value", "is not above 0");
	return status;
}

static enum hf_status read_chance(const struct upload *upload, const struct upload_entry *in, struct entry *entry)
{
	struct hf_candidate *candidate = &entry->candidate;
	enum hf_status status =
		upload_number(in, "success_chance", &candidate->has_success_chance, &candidate->success_chance);
	bool within = candidate->success_chance >= 0.0 && candidate->success_chance <= 1.0;
	if (status == HF_OK && !within && !hf_defects_kept(upload->options->keep, 19))
		return upload_refuse(in, "success_chance", "is not within 0 and 1");
	return status;
}

/* Is it a campaign, and what does it run? Passes the entry over where it is not, or runs nothing. */
static enum hf_status settle(const struct upload *upload, const struct upload_entry *in, struct entry *entry,
                             bool zero_value)
{
	struct hf_candidate *candidate = &entry->candidate;
	const struct hf_campaign_default *campaign = campaign_of(upload, candidate->campaign);
	if (!candidate->campaign.ptr || (upload->options->ncampaigns > 0 && !campaign))
		return pass_over(entry, HF_CANDIDATE_UNKNOWN_CAMPAIGN, candidate->campaign);
	if (!codebase_name_valid(candidate->campaign)) {
		upload_refuse(in, "campaign", "is no name for a campaign");
		error_hint(in->err, CODEBASE_NAME_RULE);
		return HF_E_INPUT;
	}
	if (candidate->command.len == 0)
		candidate->command = campaign ? campaign->command : (struct hf_str){NULL, 0};
	if (candidate->command.len == 0)
		return pass_over(entry, HF_CANDIDATE_NO_COMMAND, candidate->command);
	return zero_value ? pass_over(entry, HF_CANDIDATE_ZERO_VALUE, HF_STR("0")) : HF_OK;
}

static enum hf_status read_entry(const struct upload *upload, const struct upload_entry *in, struct entry *entry)
{
	bool zero_value = false;
	enum hf_status status = read_names(in, entry);
	if (status == HF_OK)
		status = read_texts(in, entry);
	if (status == HF_OK)
		status = read_value(in, entry, &zero_value);
	if (status == HF_OK)
		status = read_chance(upload, in, entry);
	if (status == HF_OK)
		status = read_bucket(in, entry);
	if (status == HF_OK)
		status = read_followups(upload, in, entry);
	return status == HF_OK ? settle(upload, in, entry, zero_value) : status;
}

static enum hf_status read_all(struct upload *upload, hf_error *err)
{
	size_t count = json_array_size(upload->list);
	enum hf_status status = HF_OK;
	upload->entries = hf_arena_calloc(upload->arena, count + 1, sizeof(*upload->entries));
	upload->uploaded = hf_arena_calloc(upload->arena, count + 1, sizeof(*upload->uploaded));
	upload->refused = hf_arena_calloc(upload->arena, count + 1, sizeof(*upload->refused));
	if (!upload->entries || !upload->uploaded || !upload->refused)
		return error_nomem(err);
	for (upload->count = 0; status == HF_OK && upload->count < count; upload->count++) {
		struct upload_entry in;
		status = upload_entry(upload->list, WHAT, upload->count, &in, err);
		if (status == HF_OK)
			status = read_entry(upload, &in, &upload->entries[upload->count]);
	}
	return status;
}

/* ---- one entry ---- */

struct putting {
	const struct hf_candidate *candidate;
	struct candidate_put_row row;
};

static enum hf_status put_tx(hf_where tx, void *user, hf_error *err)
{
	struct putting *putting = user;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	const struct hf_candidate *candidate = putting->candidate;
	struct candidate_put_in in = {.codebase = candidate->codebase,
	                              .campaign = candidate->campaign,
	                              .command = candidate->command,
	                              .value = candidate->value,
	                              .has_value = candidate->has_value,
	                              .success_chance = candidate->success_chance,
	                              .has_success_chance = candidate->has_success_chance};
	SET_TEXT(&in, context, candidate->context);
	SET_TEXT(&in, publish_policy, candidate->publish_policy);
	SET_TEXT(&in, change_set, candidate->change_set);
	return candidate_put(tx, &in, arena, &putting->row, err);
}

/* The failures that pass one entry over. */
static bool is_passed_over(const hf_error *err, struct entry *entry)
{
	if (strcmp(err->constraint, "candidate_codebase_fkey") == 0)
		pass_over(entry, HF_CANDIDATE_UNKNOWN_CODEBASE, entry->candidate.codebase);
	else if (strcmp(err->constraint, "candidate_publish_policy_fkey") == 0)
		pass_over(entry, HF_CANDIDATE_UNKNOWN_POLICY, entry->candidate.publish_policy);
	return entry->refused;
}

static enum hf_status reworded(const struct entry *entry, hf_error *err)
{
	struct hf_str change_set = entry->candidate.change_set;
	if (strcmp(err->constraint, "candidate_change_set_fkey") == 0)
		error_reword(err, "there is no change set %.*s", (int)(change_set.len > 100 ? 100 : change_set.len),
		             change_set.ptr);
	return err->status;
}

static enum hf_status add_followups(hf_where tx, const struct entry *entry, int32_t id, hf_arena *arena, hf_error *err)
{
	size_t count = json_array_size(entry->followup_for);
	struct hf_str *origins = hf_arena_calloc(arena, count, sizeof(*origins));
	if (count == 0)
		return HF_OK;
	if (!origins)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		origins[i] = hf_str_of(json_string_value(json_array_get(entry->followup_for, i)));
	struct candidate_followups_in in = {.origins = text_array((uint32_t)count, origins, NULL), .candidate = id};
	return candidate_followups(tx, &in, NULL, err);
}

/* Where an open proposal says another command, the entry goes ahead and starts afresh. */
static enum hf_status fill_request(hf_where tx, const struct entry *entry, hf_arena *arena,
                                   struct hf_schedule_request *request, hf_error *err)
{
	const struct hf_candidate *candidate = &entry->candidate;
	struct candidate_open_proposal_in in = {candidate->codebase, candidate->campaign, candidate->command};
	struct candidate_open_proposal_row row;
	struct buf who;
	enum hf_status status = candidate_open_proposal(tx, &in, arena, &row, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	buf_init(&who, REQUESTER_BYTES_MAX);
	if (status == HF_OK) {
		request->bucket = HF_BUCKET_UPDATE_EXISTING_MP;
		request->bucket_set = request->refresh = true;
		buf_add_text(&who, "command changed for existing mp: ");
		pyrepr_add(&who, row.command);
		buf_add_text(&who, " \xe2\x87\x92 ");
		pyrepr_add(&who, candidate->command);
	} else {
		buf_add_text(&who, "candidate update");
	}
	if (entry->requester.len > 0)
		buf_printf(&who, " %.*s", STR_ARG(entry->requester));
	if (buf_ok(&who))
		request->requester = hf_arena_str(arena, buf_str(&who));
	bool starved = buf_starved(&who);
	buf_deinit(&who);
	if (request->requester.ptr)
		return HF_OK;
	return starved ? error_nomem(err) : error_set(err, HF_E_LIMIT, "the commands are longer than 1 MiB together");
}

/* What the codebase is worth beside the others, by the rule for one; with D-24 that is left to the scheduler. */
static void fill_share(const struct upload *upload, const struct candidate_put_row *row,
                       struct hf_schedule_request *request)
{
	const struct codebase_greatest_value_row *greatest = &upload->greatest;
	struct schedule_value share = schedule_share(row->has_codebase_value, row->codebase_value,
	                                             greatest->has_greatest, greatest->greatest);
	request->has_normalized_value = !hf_defects_kept(upload->options->keep, 24);
	request->normalized_value = share.known ? share.value : SCHEDULE_DEFAULT_NORMALIZED_VALUE;
}

static enum hf_status schedule(hf_where tx, const struct upload *upload, const struct candidate_put_row *row,
                               const struct entry *entry, hf_arena *arena, struct hf_candidate_uploaded *ret_uploaded,
                               hf_error *err)
{
	const struct hf_candidate *candidate = &entry->candidate;
	struct hf_schedule_request request = {.item = {.codebase = candidate->codebase,
	                                               .campaign = candidate->campaign,
	                                               .command = candidate->command,
	                                               .change_set = candidate->change_set},
	                                      .bucket_set = entry->has_bucket,
	                                      .bucket = entry->bucket,
	                                      .keep = upload->options->keep};
	struct hf_schedule_result result;
	fill_share(upload, row, &request);
	enum hf_status status = fill_request(tx, entry, arena, &request, err);
	if (status == HF_OK)
		status = hf_schedule_candidate(tx, &request, &result, NULL, err);
	if (status == HF_OK)
		*ret_uploaded = (struct hf_candidate_uploaded){.candidate = *candidate,
		                                               .scheduled = result,
		                                               .refresh = request.refresh};
	return status;
}

static enum hf_status take(hf_where tx, struct upload *upload, struct entry *entry, hf_arena *arena, hf_error *err)
{
	struct putting putting = {.candidate = &entry->candidate};
	struct hf_candidate_uploaded *uploaded = &upload->uploaded[upload->nuploaded];
	enum hf_status status = long_name_check(tx, NAME_OF_CAMPAIGN, entry->candidate.campaign, "campaign", err);
	if (status != HF_OK)
		return status;
	status = janitor_transaction(tx, put_tx, &putting, err);
	if (status == HF_REJECTED && is_passed_over(err, entry))
		return HF_OK;
	if (status != HF_OK)
		return reworded(entry, err);
	status = add_followups(tx, entry, putting.row.id, arena, err);
	if (status == HF_REJECTED && strcmp(err->constraint, "followup_origin_fkey") == 0)
		error_reword(err, "\"followup_for\" names a run that is not there");
	if (status == HF_OK)
		status = schedule(tx, upload, &putting.row, entry, arena, uploaded, err);
	if (status != HF_OK)
		return status;
	uploaded->candidate.id = putting.row.id;
	upload->nuploaded++;
	return HF_OK;
}

/* ---- the whole ---- */

static enum hf_status take_all(hf_where tx, void *user, hf_error *err)
{
	struct upload *upload = user;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = codebase_greatest_value(tx, upload->arena, &upload->greatest, err);
	if (status != HF_OK)
		return status;
	upload->nuploaded = upload->nrefused = 0;
	for (size_t i = 0; i < upload->count; i++) {
		struct entry entry = upload->entries[i]; /* a repetition starts with what was read */
		hf_arena_reset(arena);
		local = (hf_error)HF_ERROR_INIT;
		if (!entry.refused)
			status = take(tx, upload, &entry, arena, &local);
		if (status != HF_OK) {
			error_prefix(&local, WHAT ": entry %zu", i + 1);
			if (err)
				*err = local;
			return status;
		}
		if (entry.refused)
			upload->refused[upload->nrefused++] =
				(struct hf_candidate_refused){i + 1, entry.reason, entry.word};
	}
	return HF_OK;
}

static void drop_json(void *list)
{
	json_decref(list);
}

/* The document lives as long as the arena: the report borrows its texts. */
static enum hf_status parse(struct upload *upload, struct hf_str json, hf_error *err)
{
	json_t *list = NULL;
	enum hf_status status = upload_parse(json, WHAT, &list, err);
	if (status != HF_OK)
		return status;
	upload->list = list;
	if (hf_arena_own(upload->arena, drop_json, list, json.len) == 0)
		return HF_OK;
	json_decref(list);
	return error_nomem(err);
}

enum hf_status hf_candidate_upload(hf_where where, struct hf_str json,
                                   const struct hf_candidate_upload_options *options, hf_arena *arena,
                                   struct hf_candidate_upload_report *ret_report, hf_error *err)
{
	struct upload upload = {.options = options, .arena = arena};
	enum hf_status status = options_check("hf_candidate_upload_options", options->size, sizeof(*options), err);
	if (status == HF_OK)
		status = parse(&upload, json, err);
	if (status == HF_OK)
		status = read_all(&upload, err);
	if (status == HF_OK)
		status = janitor_transaction(where, take_all, &upload, err);
	if (status != HF_OK)
		return status;
	*ret_report =
		(struct hf_candidate_upload_report){upload.uploaded, upload.nuploaded, upload.refused, upload.nrefused};
	return HF_OK;
}
