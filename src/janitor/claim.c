/*
 * claim.c - see holdfast/claim.h. The statements decide (sql/queries/janitor/claim.sql); here their answers become
 * statuses. Nothing is remembered on this side.
 */
#include "holdfast/claim.h"

#include <assert.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "janitor/queue_rows.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/claim.h"

enum { ATTEMPTS_DEFAULT = 5, COLLISIONS_MAX = 100 };
#define LEASE_DEFAULT_US INT64_C(60000000)
#define LEASE_MAX_US (INT64_C(7) * 86400 * 1000000)

static const char *const state_words[HF_CLAIM_STATE_COUNT] = {"leased",   "finished", "failed",
                                                              "released", "expired",  "dead"};
static const char *const assigner_words[] = {"original", "holdfast"};

/* The generated enums have the same order. */
static_assert((int)HOLDFAST_CLAIM_STATE_DEAD == (int)HF_CLAIM_DEAD, "order of states");
static_assert((int)HOLDFAST_ASSIGNER_HOLDFAST == (int)HF_ASSIGNER_HOLDFAST, "order of assigners");

const char *hf_claim_state_word(enum hf_claim_state state)
{
	return word_of(state_words, ARRAY_LEN(state_words), (int)state);
}

enum hf_status hf_claim_state_parse(struct hf_str word, enum hf_claim_state *ret_state, hf_error *err)
{
	int number;
	enum hf_status status = word_parse(word, state_words, ARRAY_LEN(state_words), "state of a claim", &number, err);
	if (status == HF_OK)
		*ret_state = (enum hf_claim_state)number;
	return status;
}

const char *hf_assigner_word(enum hf_assigner assigner)
{
	return word_of(assigner_words, ARRAY_LEN(assigner_words), (int)assigner);
}

enum hf_status hf_assigner_parse(struct hf_str word, enum hf_assigner *ret_assigner, hf_error *err)
{
	int number;
	enum hf_status status = word_parse(word, assigner_words, ARRAY_LEN(assigner_words), "assigner", &number, err);
	if (status == HF_OK)
		*ret_assigner = (enum hf_assigner)number;
	return status;
}

/* ---- claiming ---- */

static enum hf_status check_lease(int64_t lease_us, hf_error *err)
{
	if (lease_us > 0 && lease_us <= LEASE_MAX_US)
		return HF_OK;
	return error_set(err, HF_E_INPUT, "a lease is longer than nothing and at most a week");
}

static enum hf_status fill_next(const struct hf_claim_options *options, struct claim_next_in *in, hf_error *err)
{
	const struct hf_queue_filter *filter = &options->filter;
	int64_t lease_us = options->lease_us ? options->lease_us : LEASE_DEFAULT_US;
	if (options_check("hf_claim_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	if (options->holder.len == 0)
		return error_set(err, HF_E_INPUT, "a claim needs a holder");
	if (options->attempts_max < 0)
		return error_set(err, HF_E_INPUT, "the number of attempts is below 0");
	*in = (struct claim_next_in){.codebase = filter->codebase,
	                             .with_codebase = filter->codebase.len > 0,
	                             .campaign = filter->campaign,
	                             .with_campaign = filter->campaign.len > 0,
	                             .exclude_hosts = filter->exclude_hosts,
	                             .with_exclude_hosts = filter->exclude_hosts.count > 0,
	                             .holder = options->holder,
	                             .attempts_max = options->attempts_max ? options->attempts_max : ATTEMPTS_DEFAULT,
	                             .lease = interval_of_us(lease_us)};
	return check_lease(lease_us, err);
}

static enum hf_status claim_of_row(const struct claim_next_row *row, struct hf_claim *ret_claim, hf_error *err)
{
	struct queue_list_row item = QUEUE_LIST_ROW(row);
	struct hf_claim claim = {.fence = row->fence,
	                         .attempt = row->attempt,
	                         .until = row->until,
	                         .next = {.branch_url = GET_TEXT(row, branch_url), .subpath = GET_TEXT(row, subpath)}};
	if (row->has_vcs_type)
		claim.next.vcs_type = hf_str_of(hf_enum_label(&vcs_type_type, (int)row->vcs_type));
	enum hf_status status = queue_item_of_row(&item, &claim.next.item, err);
	if (status == HF_OK)
		*ret_claim = claim;
	return status;
}

static enum hf_status not_ours(hf_error *err)
{
	error_set(err, HF_CONFLICT, "the original hands out this queue");
	error_hint(err, "stop its runner, then: holdfast queue assigner holdfast");
	return HF_CONFLICT;
}

/* One statement: HF_OK with a claim, HF_BUSY when another was quicker or in the way (ask again), or the end of it. */
static enum hf_status try_claim(hf_where where, const struct claim_next_in *in, hf_arena *arena,
                                struct hf_claim *ret_claim, hf_error *err)
{
	struct claim_next_row row;
	enum hf_status status = claim_next(where, in, arena, &row, err);
	if (status != HF_OK && err->category == HF_CATEGORY_TRANSACTION_CONFLICT && hf_transaction_attempt(where) == 0)
		return HF_BUSY;
	if (status != HF_OK)
		return status;
	if (!row.has_assigner || row.assigner != HOLDFAST_ASSIGNER_HOLDFAST)
		return not_ours(err);
	if (row.has_fence)
		return claim_of_row(&row, ret_claim, err);
	if (row.found || row.swept > 0) /* what was swept is free for the next statement only */
		return error_set(err, HF_BUSY, "other claims were quicker, %d times", COLLISIONS_MAX);
	if (!row.paused)
		return error_set(err, HF_NOT_FOUND, "no free queue item passes the filters");
	error_set(err, HF_NOT_FOUND, "the queue is paused");
	error_hint(err, "why, and how long: holdfast queue pauses");
	return HF_NOT_FOUND;
}

enum hf_status hf_claim_next(hf_where where, const struct hf_claim_options *options, hf_arena *arena,
                             struct hf_claim *ret_claim, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	struct claim_next_in in;
	enum hf_status status = fill_next(options, &in, err);
	if (status != HF_OK)
		return status;
	status = HF_BUSY;
	for (int i = 0; i < COLLISIONS_MAX && status == HF_BUSY; i++)
		status = try_claim(where, &in, arena, ret_claim, &local);
	if (status != HF_OK && err)
		*err = local;
	return status;
}

/* ---- holding ---- */

static void record_of_row(const struct claim_row *row, struct hf_claim_record *ret_record)
{
	*ret_record = (struct hf_claim_record){.fence = row->fence,
	                                       .queue_id = row->queue_id,
	                                       .holder = row->holder,
	                                       .state = (enum hf_claim_state)row->state,
	                                       .attempt = row->attempt,
	                                       .attempts_max = row->attempts_max,
	                                       .claimed_at = row->claimed_at,
	                                       .until = row->until,
	                                       .has_ended_at = row->has_ended_at,
	                                       .ended_at = row->ended_at,
	                                       .reason = GET_TEXT(row, reason)};
	if (row->overdue)
		ret_record->state = HF_CLAIM_EXPIRED;
}

/* Why a lease could not be used: HF_CONFLICT, HF_NOT_FOUND; *ret_state (may be NULL) for one that is the holder's. */
static enum hf_status lost(hf_where where, int64_t fence, struct hf_str holder, enum hf_claim_state *ret_state,
                           hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct claim_row row;
	struct hf_claim_record record;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = claim_by_fence(where, &(struct claim_by_fence_in){.fence = fence}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no claim with fence %lld", (long long)fence);
	if (status != HF_OK)
		return status;
	record_of_row(&row, &record);
	if (!str_eq(record.holder, holder)) {
		error_set(err, HF_CONFLICT, "the claim with fence %lld is another's", (long long)fence);
		error_hint(err, "its holder has to be named: --holder WHO");
		return HF_CONFLICT;
	}
	if (ret_state)
		*ret_state = record.state;
	return error_set(err, HF_CONFLICT, "the claim with fence %lld is not held any more: it is %s", (long long)fence,
	                 hf_claim_state_word(record.state));
}

enum hf_status hf_claim_renew(hf_where where, int64_t fence, struct hf_str holder, int64_t lease_us,
                              struct hf_timestamptz *ret_until, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct claim_renew_in in = {.fence = fence, .holder = holder, .lease = interval_of_us(lease_us)};
	struct claim_renew_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = check_lease(lease_us, err);
	if (status == HF_OK)
		status = claim_renew(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return lost(where, fence, holder, NULL, err);
	if (status == HF_OK)
		*ret_until = row.until;
	return status;
}

enum hf_status hf_claim_finish(hf_where where, int64_t fence, struct hf_str holder, bool *ret_again, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct claim_finish_in in = {.fence = fence, .holder = holder};
	struct claim_finish_row row;
	enum hf_claim_state state = HF_CLAIM_LEASED;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = claim_finish(where, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	if (!row.finished) {
		hf_error why = HF_ERROR_INIT;
		status = lost(where, fence, holder, &state, &why);
		if (status != HF_CONFLICT || state != HF_CLAIM_FINISHED) {
			if (err)
				*err = why;
			return status;
		}
	}
	*ret_again = row.finished && !row.removed;
	return HF_OK;
}

static enum hf_status give_back(hf_where where, const struct claim_give_back_in *in, bool *ret_dead, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct claim_give_back_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = claim_give_back(where, in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return lost(where, in->fence, in->holder, NULL, err);
	if (status == HF_OK && ret_dead)
		*ret_dead = row.state == HOLDFAST_CLAIM_STATE_DEAD;
	return status;
}

enum hf_status hf_claim_fail(hf_where where, int64_t fence, struct hf_str holder, struct hf_str reason, bool *ret_dead,
                             hf_error *err)
{
	struct claim_give_back_in in = {.fence = fence, .holder = holder, .counted = true};
	SET_TEXT(&in, reason, reason);
	return give_back(where, &in, ret_dead, err);
}

enum hf_status hf_claim_release(hf_where where, int64_t fence, struct hf_str holder, hf_error *err)
{
	return give_back(where, &(struct claim_give_back_in){.fence = fence, .holder = holder}, NULL, err);
}

/* ---- looking ---- */

struct sink {
	hf_claim_record_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct claim_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_claim_record record;
	record_of_row(row, &record);
	return sink->fn(sink->user, &record, err);
}

enum hf_status hf_claim_list(hf_where where, const struct hf_claim_filter *filter, hf_claim_record_fn *fn, void *user,
                             hf_error *err)
{
	struct sink sink = {fn, user};
	struct claim_list_in in = {.before = filter->before,
	                           .has_before = filter->before != 0,
	                           .state = (enum holdfast_claim_state)filter->state,
	                           .has_state = filter->has_state,
	                           WITH_LIMIT(filter->limit)};
	SET_TEXT(&in, holder, filter->holder);
	return claim_list(where, &in, list_row, &sink, err);
}

struct active_sink {
	hf_claim_active_fn *fn;
	void *user;
};

static enum hf_status active_row(void *user, const struct claim_active_row *row, hf_error *err)
{
	const struct active_sink *sink = user;
	struct hf_claim_active active = {.fence = row->fence,
	                                 .queue_id = row->queue_id,
	                                 .holder = row->holder,
	                                 .attempt = row->attempt,
	                                 .attempts_max = row->attempts_max,
	                                 .claimed_at = row->claimed_at,
	                                 .until = row->until,
	                                 .codebase = GET_TEXT(row, codebase),
	                                 .campaign = GET_TEXT(row, campaign),
	                                 .change_set = GET_TEXT(row, change_set),
	                                 .command = GET_TEXT(row, command),
	                                 .has_estimated_duration = row->has_estimated_duration};
	enum hf_status status = interval_us(row->age, &active.age_us, err);
	if (status == HF_OK && row->has_estimated_duration)
		status = interval_us(row->estimated_duration, &active.estimated_duration_us, err);
	return status == HF_OK ? sink->fn(sink->user, &active, err) : status;
}

enum hf_status hf_claim_active_list(hf_where where, const struct hf_claim_active_filter *filter, hf_claim_active_fn *fn,
                                    void *user, hf_error *err)
{
	struct active_sink sink = {fn, user};
	struct claim_active_in in = {.before = filter->before,
	                             .with_before = filter->before != 0,
	                             WITH_TEXT(holder, filter->holder),
	                             WITH_TEXT(codebase, filter->codebase),
	                             WITH_TEXT(campaign, filter->campaign),
	                             WITH_LIMIT(filter->limit)};
	return claim_active(where, &in, active_row, &sink, err);
}

enum hf_status hf_claim_prune(hf_where where, int64_t older_than_us, int64_t *ret_pruned, hf_error *err)
{
	struct claim_prune_in in = {.older_than = interval_of_us(older_than_us)};
	int64_t pruned = 0, some = 1;
	enum hf_status status = HF_OK;
	if (older_than_us < 0)
		return error_set(err, HF_E_INPUT, "claims cannot have ended in the future");
	while (status == HF_OK && some > 0) {
		status = claim_prune(where, &in, &some, err);
		pruned += status == HF_OK ? some : 0;
	}
	*ret_pruned = pruned;
	return status;
}

/* ---- one assigner ---- */

enum hf_status hf_assigner_get(hf_where where, struct hf_assigner_state *ret_state, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct assigner_get_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = assigner_get(where, arena, &row, err);
	if (status == HF_OK)
		*ret_state = (struct hf_assigner_state){(enum hf_assigner)row.active, row.since, row.leases};
	return status;
}

struct handover {
	enum hf_assigner to;
	bool changed;
};

static enum hf_status hand_over(hf_where tx, void *user, hf_error *err)
{
	struct handover *handover = user;
	struct hf_assigner_state state;
	int64_t rows = 0;
	enum hf_status status = claim_stop(tx, err);
	if (status == HF_OK)
		status = hf_assigner_get(tx, &state, err);
	if (status == HF_OK && handover->to == HF_ASSIGNER_ORIGINAL && state.leases > 0) {
		error_set(err, HF_CONFLICT, "%lld leases are live", (long long)state.leases);
		error_hint(err, "finish or release them, or wait until their time is over");
		return HF_CONFLICT;
	}
	if (status == HF_OK)
		status = assigner_set(tx, &(struct assigner_set_in){.active = (enum holdfast_assigner)handover->to},
		                      &rows, err);
	handover->changed = rows > 0;
	return status;
}

enum hf_status hf_assigner_set(hf_where where, enum hf_assigner assigner, bool *ret_changed, hf_error *err)
{
	struct handover handover = {.to = assigner};
	enum hf_status status = janitor_transaction(where, hand_over, &handover, err);
	if (status == HF_OK && ret_changed)
		*ret_changed = handover.changed;
	return status;
}
