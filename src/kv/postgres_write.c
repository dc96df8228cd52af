/*
 * postgres_write.c - see postgres.h. Keys are locked and written in their order everywhere, so that two batches wait
 * for each other in one direction only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/postgres.h"
#include "kv/postgres_change.h"
#include "kv/postgres_columns.h"
#include "kv/postgres_retry.h"
#include "kv/postgres_token.h"
#include "kv/token.h"
#include "pg/joined.h"

enum { RACES_MAX = 100 };

/* ---- everything else ---- */

/* One transaction. What is of an attempt is made anew by the next. */
struct work {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_kv_batch *batch; /* what all writes share, and the writes if there is no `txn` */
	const struct hf_kv_txn *txn;     /* or NULL */
	hf_arena *arena;
	struct hf_kv_result *results;
	size_t nresults;
	bool held;

	/* of an attempt */
	hf_arena *scratch;
	struct changing changing;
	struct change *changes; /* one a key, in order */
	size_t nchanges;
	int32_t epoch;
	bool lost_race;
	bool settled;         /* with a token: what came of others with it is known */
	bool repeated;        /* it was done */
	struct hf_bytes told; /* what came of it, as it is kept */
};

static struct change *find_change(const struct work *work, struct hf_bytes key)
{
	size_t low = 0, high = work->nchanges;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = postgres_compare(work->changes[middle].key, key);
		if (order == 0)
			return &work->changes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL; /* cannot be: every key of every write is there */
}

/* Every key of all writes once, with the revisions that it may take. */
static enum hf_status collect(struct work *work, hf_error *err)
{
	const struct hf_kv_txn one = {.then = work->batch->writes, .nthen = work->batch->count};
	const struct hf_kv_txn *txn = work->txn ? work->txn : &one;
	size_t total = txn->ncompare + txn->nthen + txn->notherwise, n = 0;
	struct hf_kv_write *all = hf_arena_alloc(work->scratch, (total + 1) * sizeof(*all));
	work->changes = hf_arena_calloc(work->scratch, total + 1, sizeof(*work->changes));
	if (!all || !work->changes)
		return error_nomem(err);
	for (size_t i = 0; i < txn->ncompare; i++)
		all[n++] = txn->compare[i];
	for (size_t i = 0; i < txn->nthen; i++)
		all[n++] = txn->then[i];
	for (size_t i = 0; i < txn->notherwise; i++)
		all[n++] = txn->otherwise[i];
	const struct place *places = postgres_in_order(all, total, work->scratch);
	if (!places)
		return error_nomem(err);
	work->nchanges = 0;
	for (size_t i = 0; i < total; i++) {
		if (i == 0 || !postgres_same_key(&places[i - 1], &places[i]))
			work->changes[work->nchanges++].key = places[i].write->key;
		work->changes[work->nchanges - 1].nrevs += change_takes_rev(places[i].write);
		work->changes[work->nchanges - 1].wants_value |= change_wants_value(places[i].write);
	}
	return HF_OK;
}

static enum hf_status refused_all(hf_error *err)
{
	return error_set(err, HF_CONFLICT, "refused");
}

static enum hf_status take_row(struct work *work, const struct entries_hold_row *row, struct change *change,
                               hf_error *err)
{
	struct hf_kv_entry *entry = &change->entry;
	if (row->revs.count < change->nrevs)
		return error_set(err, HF_E_PROTOCOL, "the server gave %u revisions of %u", row->revs.count,
		                 change->nrevs);
	change->revs = row->revs.values;
	change->is_there = row->has_rev;
	if (!row->has_rev)
		return HF_OK;
	entry->expires_us = row->has_expires_at ? postgres_us(row->expires_at) : HF_KV_NEVER;
	change->is_live = entry->expires_us == HF_KV_NEVER || entry->expires_us > work->changing.now_us;
	if (!change->is_live)
		return HF_OK;
	entry->rev = row->rev;
	entry->created_us = postgres_us(row->created_at);
	entry->updated_us = postgres_us(row->updated_at);
	const struct codec_value stored = {row->value, row->codec};
	change->codec = change->wants_value ? CODEC_RAW : row->codec;
	entry->value = row->value;
	enum hf_status status = HF_OK;
	if (change->wants_value)
		status = codec_plain(&work->state->codec, stored, work->scratch, &entry->value, err);
	if (status != HF_OK)
		return status;
	return postgres_metadata(row->has_metadata, row->metadata, work->scratch, &entry->metadata, err);
}

static struct entries_hold_in hold_in(const struct work *work, const struct hf_bytes *keys, const int32_t *needs,
                                      size_t count)
{
	struct entries_hold_in in = {
		.ns = work->ns,
		.keys = {.count = (uint32_t)count, .ndim = 1, .values = keys},
		.needs = {.count = (uint32_t)count, .ndim = 1, .values = needs},
		.with_relaxed = work->batch->durability == HF_KV_RELAXED,
		.with_fence = work->batch->fence != NULL,
	};
	if (work->batch->fence) {
		in.lock = work->batch->fence->lock;
		in.owner = work->batch->fence->owner;
		in.fence = work->batch->fence->fence;
	}
	return in;
}

/* What the transaction goes by, and the rows of `count` keys from there on; none of both with a fence that is not held.
 */
static enum hf_status hold(struct work *work, hf_where tx, const struct entries_hold_in *in, size_t from, hf_error *err)
{
	struct entries_hold_row *rows = NULL;
	size_t nrows = 0, count = in->keys.count;
	enum hf_status status = entries_hold(tx, &work->state->entries, in, work->scratch, &rows, &nrows, err);
	if (status == HF_OK && nrows == 0 && in->with_fence)
		return refused_all(err);
	if (status == HF_OK && nrows != (count ? count : 1))
		return error_set(err, HF_E_PROTOCOL, "the server answered %zu of %zu keys", nrows, count);
	if (status != HF_OK)
		return status;
	if (count == 0) {
		work->epoch = rows[0].epoch;
		work->changing.now_us = postgres_us(rows[0].at);
	}
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		if (rows[i].place < 1 || (size_t)rows[i].place > count)
			return error_set(err, HF_E_PROTOCOL, "the server answered a key that was not asked for");
		status = take_row(work, &rows[i], &work->changes[from + (size_t)rows[i].place - 1], err);
	}
	return status;
}

static enum hf_status hold_step(struct work *work, hf_where tx, size_t from, size_t count, hf_error *err)
{
	struct hf_bytes *keys = hf_arena_alloc(work->scratch, count * sizeof(*keys));
	int32_t *needs = hf_arena_alloc(work->scratch, count * sizeof(*needs));
	if (!keys || !needs)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		keys[i] = work->changes[from + i].key;
		needs[i] = (int32_t)work->changes[from + i].nrevs;
	}
	const struct entries_hold_in in = hold_in(work, keys, needs, count);
	return hold(work, tx, &in, from, err);
}

static enum hf_status hold_all(struct work *work, hf_where tx, hf_error *err)
{
	enum hf_status status = HF_OK;
	work->changing = (struct changing){.value_bytes_max = work->batch->value_bytes_max,
	                                   .scratch = work->scratch,
	                                   .arena = work->arena};
	/* A statement of its own: what is absent is judged by a snapshot, which is to be behind the wait. */
	const struct entries_hold_in none = hold_in(work, NULL, NULL, 0);
	status = hold(work, tx, &none, 0, err);
	for (size_t from = 0; from < work->nchanges && status == HF_OK; from += POSTGRES_STEP) {
		size_t left = work->nchanges - from;
		status = hold_step(work, tx, from, left < POSTGRES_STEP ? left : POSTGRES_STEP, err);
	}
	return status;
}

/* The writes one after the other; the first that is refused is the only one with a result. */
static enum hf_status decide(struct work *work, hf_error *err)
{
	const struct hf_kv_write *writes = work->batch->writes;
	size_t count = work->batch->count;
	work->held = true;
	for (size_t i = 0; work->txn && i < work->txn->ncompare; i++) {
		const struct hf_kv_write *compare = &work->txn->compare[i];
		work->held = work->held && change_check(find_change(work, compare->key), compare) == HF_KV_DONE;
	}
	if (work->txn) {
		writes = work->held ? work->txn->then : work->txn->otherwise;
		count = work->held ? work->txn->nthen : work->txn->notherwise;
	}
	for (size_t i = 0; i < count; i++) {
		struct change *change = find_change(work, writes[i].key);
		enum hf_status status = change_apply(&work->changing, change, &writes[i], &work->results[i], err);
		if (status == HF_CONFLICT) {
			memset(work->results, 0, i * sizeof(*work->results));
			return refused_all(err);
		}
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

/* ---- what came of it ---- */

static enum hf_status send(const struct work *work, hf_where tx, const struct columns *columns, bool last,
                           hf_error *err)
{
	const struct hf_kv_token *token = last ? work->batch->token : NULL;
	uint32_t n = columns->count;
	const struct entries_store_in in = {
		.ns = work->ns,
		.epoch = work->epoch,
		.with_replaced = columns->has[KIND_REPLACED],
		.with_made = columns->has[KIND_MADE],
		.with_gone = columns->has[KIND_GONE],
		.kinds = {.count = n, .ndim = 1, .values = columns->kinds},
		.keys = {.count = n, .ndim = 1, .values = columns->keys},
		.revs = {.count = n, .ndim = 1, .values = columns->revs},
		.created = {.count = n, .ndim = 1, .values = columns->created},
		.updated = {.count = n, .ndim = 1, .values = columns->updated},
		.expires = {.count = n, .ndim = 1, .values = columns->expires, .nulls = columns->no_expiry},
		.codecs = {.count = n, .ndim = 1, .values = columns->codecs},
		.values = {.count = n, .ndim = 1, .values = columns->values},
		.metadata = {.count = n, .ndim = 1, .values = columns->metadata, .nulls = columns->no_metadata},
		.with_token = token != NULL,
		.token = token ? token->id : (struct hf_uuid){{0}},
		.result = work->told,
		.has_result = token != NULL,
	};
	struct entries_store_row stored;
	return entries_store(tx, &work->state->entries, &in, work->scratch, &stored, err);
}

/* A row that is held cannot be gone; a key that was free may not be any more. */
static bool lost_race(const struct work *work, enum hf_status status, const hf_error *err)
{
	const struct hf_str table = work->state->table;
	return status == HF_CONFLICT && strcmp(err->sqlstate, "23505") == 0 &&
	       strncmp(err->constraint, table.ptr, table.len) == 0 && strcmp(err->constraint + table.len, "_pkey") == 0;
}

/* The last step goes with the commit. */
static enum hf_status send_step(struct work *work, hf_where tx, struct columns *columns, bool last, hf_error *err)
{
	if (last)
		tx_last(tx);
	enum hf_status status = send(work, tx, columns, last, err);
	work->lost_race = lost_race(work, status, err);
	columns_clear(columns);
	return status;
}

static enum hf_status store_all(struct work *work, hf_where tx, hf_error *err)
{
	struct columns columns = {0};
	size_t left = 0;
	for (size_t i = 0; i < work->nchanges; i++)
		left += change_kind(&work->changes[i]) != KIND_NONE;
	enum hf_status status = HF_OK;
	if (!columns_new(&columns, left < POSTGRES_STEP ? left : POSTGRES_STEP, work->scratch))
		return error_nomem(err);
	if (left == 0 && work->batch->token)
		return send_step(work, tx, &columns, true, err);
	for (size_t i = 0; left > 0 && status == HF_OK; i++) {
		if (change_kind(&work->changes[i]) == KIND_NONE)
			continue;
		status = columns_add(&columns, work->state, &work->changes[i], work->scratch, err);
		bool full = columns.count == POSTGRES_STEP || columns.bytes >= POSTGRES_STEP_BYTES;
		left--;
		if (status == HF_OK && (full || left == 0))
			status = send_step(work, tx, &columns, left == 0, err);
	}
	return status;
}

/* ---- all of it ---- */

/* How many results there are. */
static size_t nresults(const struct work *work, bool held)
{
	if (!work->txn)
		return work->batch->count;
	return held ? work->txn->nthen : work->txn->notherwise;
}

static enum hf_status claim(struct work *work, hf_where tx, hf_error *err)
{
	struct hf_bytes told = {0};
	enum hf_status status =
		postgres_token_claim(work->state, tx, work->ns, work->batch->token, work->scratch, &told, err);
	work->settled = status == HF_OK;
	work->repeated = told.ptr != NULL;
	if (work->repeated)
		status = token_unpack(told, nresults(work, true), nresults(work, false), work->arena, &work->held,
		                      work->results, err);
	return status;
}

static enum hf_status keep_result(struct work *work, hf_error *err)
{
	return token_pack(work->held, work->results, nresults(work, work->held), work->scratch, &work->told, err);
}

static enum hf_status attempt(hf_where tx, void *user, hf_error *err)
{
	struct work *work = user;
	postgres_count_again(work->state, tx);
	hf_arena_reset(work->scratch);
	memset(work->results, 0, work->nresults * sizeof(*work->results));
	work->lost_race = work->settled = work->repeated = false;
	enum hf_status status = collect(work, err);
	if (status == HF_OK && work->batch->token)
		status = claim(work, tx, err);
	if (status != HF_OK || work->repeated)
		return status;
	status = hold_all(work, tx, err);
	if (status == HF_OK)
		status = decide(work, err);
	if (status == HF_OK && work->batch->token)
		status = keep_result(work, err);
	return status == HF_OK ? store_all(work, tx, err) : status;
}

static enum hf_status run_once(struct work *work, hf_error *err)
{
	const struct hf_transaction_options how = postgres_transaction(work->state);
	hf_where where = postgres_on(work->state, work->batch->deadline);
	for (int i = 0; i < RACES_MAX; i++) {
		work->settled = false; /* without a connection there is no attempt */
		enum hf_status status = tx_joined(where, &how, attempt, work, err);
		if (status != HF_CONFLICT || !work->lost_race)
			return status;
	}
	return error_set(err, HF_BUSY, "others put the same keys each time, %d times", RACES_MAX);
}

static enum hf_status run(struct work *work, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(POSTGRES_SCRATCH_BYTES_MAX);
	const struct hf_kv_token *token = work->batch->token;
	struct asking asking;
	enum hf_status status;
	if (!scratch)
		return error_nomem(err);
	work->scratch = scratch;
	if (!token)
		return run_once(work, err);
	postgres_ask(&asking, work->state, work->batch->deadline, err);
	do
		status = run_once(work, &asking.err);
	while (postgres_asks_again(&asking, work->settled, &status));
	if (status == HF_OK)
		*token->ret_repeated = work->repeated;
	return status;
}

static bool all_plain(const struct hf_kv_batch *batch, enum hf_kv_op op)
{
	for (size_t i = 0; i < batch->count; i++)
		if (!postgres_is_plain(&batch->writes[i], op))
			return false;
	return !batch->fence && !batch->token;
}

enum hf_status postgres_hold_and_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                       hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	struct work work = {.state = state,
	                    .ns = ns,
	                    .batch = batch,
	                    .arena = arena,
	                    .results = ret_results,
	                    .nresults = batch->count};
	return run(&work, err);
}

enum hf_status postgres_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                              struct hf_kv_result *ret_results, hf_error *err)
{
	if (all_plain(batch, HF_KV_PUT))
		return postgres_put(state, ns, batch, arena, ret_results, err);
	if (all_plain(batch, HF_KV_DELETE) && batch->count <= POSTGRES_STEP && batch->durability != HF_KV_RELAXED)
		return postgres_delete(state, ns, batch, arena, ret_results, err);
	return postgres_hold_and_apply(state, ns, batch, arena, ret_results, err);
}

enum hf_status postgres_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                                 const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                                 struct hf_kv_result *ret_results, hf_error *err)
{
	struct work work = {.state = state,
	                    .ns = ns,
	                    .batch = common,
	                    .txn = txn,
	                    .arena = arena,
	                    .results = ret_results,
	                    .nresults = txn->nthen > txn->notherwise ? txn->nthen : txn->notherwise};
	enum hf_status status = run(&work, err);
	if (status == HF_OK || status == HF_CONFLICT)
		*ret_held = work.held;
	return status;
}

/* ---- clear ---- */

struct clearing {
	struct work work;
	uint64_t removed;
};

static enum hf_status clear_all(hf_where tx, void *user, hf_error *err)
{
	struct clearing *clearing = user;
	struct work *work = &clearing->work;
	struct space_clear_row row;
	postgres_count_again(work->state, tx);
	hf_arena_reset(work->scratch);
	const struct entries_hold_in in = hold_in(work, NULL, NULL, 0);
	enum hf_status status = hold(work, tx, &in, 0, err);
	tx_last(tx);
	if (status == HF_OK)
		status = space_clear(tx, &work->state->entries, &(struct space_clear_in){.ns = work->ns}, work->scratch,
		                     &row, err);
	if (status == HF_OK)
		clearing->removed = (uint64_t)row.n;
	return status;
}

enum hf_status postgres_clear(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                              uint64_t *ret_removed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	const struct hf_transaction_options options = postgres_transaction(state);
	struct clearing clearing = {.work = {.state = state, .ns = ns, .batch = how, .scratch = scratch}};
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = tx_joined(postgres_on(state, how->deadline), &options, clear_all, &clearing, err);
	if (status == HF_OK)
		*ret_removed = clearing.removed;
	return status;
}
