/*
 * postgres_put.c - what takes one statement: a plain put (two, now and then: see UPSERTS), a plain delete; and plain
 * deletes of different keys, in their order, behind a statement that waits for the epoch.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/postgres_retry.h"
#include "pg/joined.h"

int postgres_compare(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* ---- keys in order ---- */

static int by_key(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = (a->head > b->head) - (a->head < b->head);
	if (!order)
		order = postgres_compare(a->write->key, b->write->key);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* How many bytes all keys begin with. */
static size_t common_bytes(const struct hf_kv_write *writes, size_t count)
{
	const struct hf_bytes first = writes[0].key;
	size_t common = first.len;
	for (size_t i = 1; i < count; i++) {
		size_t same = 0;
		const size_t most = writes[i].key.len < common ? writes[i].key.len : common;
		while (same < most && writes[i].key.ptr[same] == first.ptr[same])
			same++;
		common = same;
	}
	return common;
}

/* Most are told apart by the number beside them: keys lie about in memory. */
struct place *postgres_in_order(const struct hf_kv_write *writes, size_t count, hf_arena *scratch)
{
	struct place *places = hf_arena_alloc(scratch, count * sizeof(*places));
	if (!places || !count)
		return places;
	const size_t from = common_bytes(writes, count);
	for (size_t i = 0; i < count; i++)
		places[i] =
			(struct place){&writes[i], i, head_be64(writes[i].key.ptr + from, writes[i].key.len - from)};
	qsort(places, count, sizeof(*places), by_key);
	return places;
}

/* ---- plain puts ---- */

/* One in so many is tried as a replacement where that does not succeed: it costs a round trip when it does not, and
 * spares a quarter of what the server does when it does. */
enum { UPSERTS = 256 };

static bool tries_replacing(hf_kv_backend_state *state)
{
	int left = atomic_load_explicit(&state->upserts, memory_order_relaxed);
	if (left == 0)
		return true;
	int next = left == 1 ? UPSERTS : left - 1;
	return atomic_compare_exchange_strong_explicit(&state->upserts, &left, next, memory_order_relaxed,
	                                               memory_order_relaxed) &&
	       next == UPSERTS;
}

static void learn(hf_kv_backend_state *state, bool replaced)
{
	int next = replaced ? 0 : UPSERTS;
	if (atomic_load_explicit(&state->upserts, memory_order_relaxed) != next) /* a line that all threads read */
		atomic_store_explicit(&state->upserts, next, memory_order_relaxed);
}

/* HF_NOT_FOUND: nothing was done. */
static enum hf_status replace_and_tell(hf_kv_backend_state *state, hf_where where, const struct entry_put_in *put,
                                       hf_arena *arena, struct entry_put_row *ret_row, hf_error *err)
{
	const struct entry_replaced_in in = {
		.ns = put->ns,
		.codec = put->codec,
		.key = put->key,
		.value = put->value,
		.metadata = put->metadata,
		.has_metadata = put->has_metadata,
		.with_ttl = put->with_ttl,
		.ttl = put->ttl,
		.with_relaxed = put->with_relaxed,
	};
	struct entry_replaced_row row;
	enum hf_status status = entry_replaced(where, &state->entries, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_row = (struct entry_put_row){.rev = row.rev, .existed = true};
	if (status == HF_OK || status == HF_NOT_FOUND)
		learn(state, status == HF_OK);
	return status;
}

static enum hf_status put_and_tell(hf_kv_backend_state *state, const struct entry_put_in *in, hf_deadline deadline,
                                   hf_arena *arena, struct hf_kv_result *ret_result, hf_error *err)
{
	struct entry_put_row row;
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do {
		hf_where where = postgres_on(state, deadline);
		status = HF_NOT_FOUND;
		if (tries_replacing(state))
			status = replace_and_tell(state, where, in, arena, &row, &again.err);
		if (status == HF_NOT_FOUND)
			status = entry_put(where, &state->entries, in, arena, &row, &again.err);
	} while (postgres_again(&again, status));
	if (status == HF_OK)
		*ret_result = (struct hf_kv_result){.outcome = HF_KV_DONE, .rev = row.rev, .existed = row.existed};
	return status;
}

/* @param ret_replaced false: nothing was done. */
static enum hf_status replace(hf_kv_backend_state *state, hf_where where, const struct entry_set_in *set,
                              bool *ret_replaced, hf_error *err)
{
	const struct entry_replace_in in = {
		.ns = set->ns,
		.codec = set->codec,
		.key = set->key,
		.value = set->value,
		.metadata = set->metadata,
		.has_metadata = set->has_metadata,
		.with_ttl = set->with_ttl,
		.ttl = set->ttl,
		.with_relaxed = set->with_relaxed,
	};
	int64_t rows = 0;
	enum hf_status status = entry_replace(where, &state->entries, &in, &rows, err);
	*ret_replaced = rows > 0;
	if (status == HF_OK)
		learn(state, *ret_replaced);
	return status;
}

static enum hf_status set_or_replace(hf_kv_backend_state *state, hf_where where, const struct entry_set_in *in,
                                     hf_error *err)
{
	bool replaced = false;
	enum hf_status status = HF_OK;
	if (tries_replacing(state))
		status = replace(state, where, in, &replaced, err);
	if (status == HF_OK && !replaced)
		status = entry_set(where, &state->entries, in, err);
	return status;
}

static enum hf_status put_untold(hf_kv_backend_state *state, const struct entry_put_in *put, hf_deadline deadline,
                                 hf_error *err)
{
	const struct entry_set_in in = {
		.ns = put->ns,
		.codec = put->codec,
		.key = put->key,
		.value = put->value,
		.metadata = put->metadata,
		.has_metadata = put->has_metadata,
		.with_ttl = put->with_ttl,
		.ttl = put->ttl,
		.with_relaxed = put->with_relaxed,
	};
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = set_or_replace(state, postgres_on(state, deadline), &in, &again.err);
	while (postgres_again(&again, status));
	return status;
}

static enum hf_status put_one(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                              struct hf_kv_result *ret_result, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *memory = NULL;
	const struct hf_kv_write *write = batch->writes;
	struct codec_value *packed;
	enum hf_status status = codec_pack_writes(&state->codec, write, 1, &memory, &packed, err);
	if (status != HF_OK)
		return status;
	const struct entry_put_in in = {
		.ns = ns,
		.key = write->key,
		.codec = packed ? packed->codec : CODEC_RAW,
		.value = packed ? packed->bytes : write->value,
		.metadata = write->metadata,
		.has_metadata = write->metadata.ptr != NULL,
		.with_ttl = write->ttl_us > 0,
		.ttl = {.us = write->ttl_us},
		.with_relaxed = batch->durability == HF_KV_RELAXED,
	};
	return batch->blind ? put_untold(state, &in, batch->deadline, err)
	                    : put_and_tell(state, &in, batch->deadline, arena, ret_result, err);
}

/* ---- plain deletes ---- */

/* Then each has a result of its own, and a statement deletes a key once. */
static bool repeats_a_key(const struct place *places, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (postgres_same_key(&places[i - 1], &places[i]))
			return true;
	return false;
}

static struct hf_kv_result deleted(bool was_live)
{
	return (struct hf_kv_result){.outcome = was_live ? HF_KV_DONE : HF_KV_NO_ENTRY, .existed = was_live};
}

static int by_key_alone(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	return postgres_compare(a->write->key, b->write->key);
}

static enum hf_status delete_one(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                 hf_arena *arena, struct hf_kv_result *ret_result, hf_error *err)
{
	const struct entry_delete_in in = {.ns = ns, .key = batch->writes[0].key};
	struct entry_delete_row row = {0};
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, batch->deadline, err);
	do
		status = entry_delete(postgres_on(state, batch->deadline), &state->entries, &in, arena, &row,
		                      &again.err);
	while (postgres_again(&again, status));
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	*ret_result = deleted(row.live);
	return HF_OK;
}

enum { OWNING_BYTES = 256 }; /* of the arena, for what it is to free */

/* Deletes of different keys, in order. */
struct deleting {
	hf_kv_backend_state *state;
	int32_t ns;
	struct hf_bytes *keys;
	size_t count;
	hf_arena *scratch, *answer;
	struct entries_delete_row *rows;
	size_t nrows;
};

/* The epoch is a statement of its own: what is absent is judged by a snapshot, which is to be behind the wait. */
static enum hf_status delete_held(hf_where tx, void *user, hf_error *err)
{
	struct deleting *deleting = user;
	const struct entries_bound *entries = &deleting->state->entries;
	const struct entries_hold_in hold = {.ns = deleting->ns, .keys.ndim = 1, .needs.ndim = 1};
	const struct entries_delete_in in = {
		.ns = deleting->ns,
		.keys = {.count = (uint32_t)deleting->count, .ndim = 1, .values = deleting->keys},
	};
	struct entries_hold_row *epoch;
	size_t n;
	postgres_count_again(deleting->state, tx);
	enum hf_status status = entries_hold(tx, entries, &hold, deleting->scratch, &epoch, &n, err);
	if (status == HF_OK &&
	    !arena_reserve(deleting->answer, deleting->count * sizeof(*deleting->rows) + OWNING_BYTES))
		return error_nomem(err); /* what was done is not to fail for want of it */
	tx_last(tx);
	if (status == HF_OK)
		status = entries_delete(tx, entries, &in, deleting->answer, &deleting->rows, &deleting->nrows, err);
	return status;
}

static enum hf_status tell_deleted(const struct deleting *deleting, const struct place *places,
                                   struct hf_kv_result *results, hf_error *err)
{
	for (size_t i = 0; i < deleting->count; i++)
		results[i] = deleted(false);
	for (size_t i = 0; i < deleting->nrows; i++) {
		const struct hf_kv_write asked = {.key = deleting->rows[i].key};
		const struct place wanted = {.write = &asked};
		const struct place *at = bsearch(&wanted, places, deleting->count, sizeof(*places), by_key_alone);
		if (!at)
			return error_set(err, HF_E_PROTOCOL, "the server deleted a key that was not asked for");
		results[at->index] = deleted(deleting->rows[i].live);
	}
	return HF_OK;
}

static enum hf_status delete_places(struct deleting *deleting, const struct hf_kv_batch *batch,
                                    const struct place *places, struct hf_kv_result *results, hf_error *err)
{
	const struct hf_transaction_options how = postgres_transaction(deleting->state);
	deleting->keys = hf_arena_alloc(deleting->scratch, batch->count * sizeof(*deleting->keys));
	if (!deleting->keys)
		return error_nomem(err);
	for (size_t i = 0; i < batch->count; i++)
		deleting->keys[i] = places[i].write->key;
	hf_where where = postgres_on(deleting->state, batch->deadline);
	enum hf_status status = tx_joined(where, &how, delete_held, deleting, err);
	return status == HF_OK ? tell_deleted(deleting, places, results, err) : status;
}

static enum hf_status delete_many(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                  hf_arena *arena, struct hf_kv_result *results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(POSTGRES_SCRATCH_BYTES_MAX);
	CLEANUP(arena_freep) hf_arena *answer = hf_arena_new(POSTGRES_SCRATCH_BYTES_MAX);
	const struct place *places = scratch ? postgres_in_order(batch->writes, batch->count, scratch) : NULL;
	struct deleting deleting = {.state = state, .ns = ns, .count = batch->count, .scratch = scratch};
	deleting.answer = answer;
	if (!places || !answer)
		return error_nomem(err);
	if (repeats_a_key(places, batch->count))
		return postgres_hold_and_apply(state, ns, batch, arena, results, err);
	return delete_places(&deleting, batch, places, results, err);
}

enum hf_status postgres_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                               struct hf_kv_result *ret_results, hf_error *err)
{
	return batch->count == 1 ? delete_one(state, ns, batch, arena, ret_results, err)
	                         : delete_many(state, ns, batch, arena, ret_results, err);
}

enum hf_status postgres_put(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                            struct hf_kv_result *ret_results, hf_error *err)
{
	return batch->count == 1 ? put_one(state, ns, batch, arena, ret_results, err)
	                         : postgres_put_many(state, ns, batch, arena, ret_results, err);
}
