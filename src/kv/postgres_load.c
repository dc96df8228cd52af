/*
 * postgres_load.c - entries taken over as they are, by COPY, in one transaction that holds the namespace's lock as a
 * restore does: writers wait until it ends, readers see it when it has. Revisions are taken first, more at a time as
 * more rows come, and when many do while the rows before are on their way; a COPY ends where they do.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"
#include "kv/postgres_revs.h"

enum { COPY_ROWS = 1000, COPY_ROWS_MAX = 64000, AHEAD_ROWS = 16000, BUCKET_US = 300 * 1000000 };

struct loading {
	hf_kv_backend_state *state;
	int32_t ns, epoch;
	const struct hf_kv_load *how;
	const char *patience;
	const struct load_bound *load;
	int64_t first;       /* revision of this COPY, and so on, for `most` rows */
	const int64_t *revs; /* NULL; or those where they do not follow each other */
	size_t used, most;
	struct revs_ahead ahead;
	hf_arena *packed;  /* of one value */
	bool began, ended; /* something was asked of the source; it has no more */
};

/* ---- rows ---- */

static int64_t bucket_of(int64_t expires_us)
{
	int64_t bucket = expires_us / BUCKET_US;
	return bucket - (expires_us < 0 && bucket * BUCKET_US != expires_us);
}

static struct load_rows_in row_of(const struct loading *loading, const struct hf_kv_entry *entry,
                                  struct codec_value value, int64_t rev)
{
	bool expires = entry->expires_us != HF_KV_NEVER;
	return (struct load_rows_in){
		.rev = rev,
		.created_at.us = entry->created_us - POSTGRES_EPOCH_US,
		.updated_at.us = entry->updated_us - POSTGRES_EPOCH_US,
		.has_expires_at = expires,
		.expires_at.us = entry->expires_us - POSTGRES_EPOCH_US,
		.has_expire_bucket = expires,
		.expire_bucket = (int32_t)bucket_of(entry->expires_us),
		.ns = loading->ns,
		.epoch = loading->epoch,
		.key = entry->key,
		.codec = value.codec,
		.value = value.bytes,
		.has_metadata = entry->metadata.len > 0,
		.metadata = entry->metadata,
	};
}

static int64_t next_rev(struct loading *loading)
{
	size_t i = loading->used++;
	return loading->revs ? loading->revs[i] : loading->first + (int64_t)i;
}

static enum hf_status next_row(void *user, struct load_rows_in *row, hf_error *err)
{
	struct loading *loading = user;
	struct hf_kv_entry entry;
	struct codec_value value;
	if (loading->used == loading->most)
		return HF_STOP;
	enum hf_status status = loading->how->next(loading->how->user, &entry, err);
	loading->ended = status == HF_STOP;
	hf_arena_reset(loading->packed);
	if (status == HF_OK)
		status = codec_pack(&loading->state->codec, entry.value, loading->packed, &value, err);
	if (status == HF_OK)
		*row = row_of(loading, &entry, value, next_rev(loading));
	return status;
}

/* One number and the next: nobody else writes into the store just now. */
static enum hf_status take_revs(struct loading *loading, hf_where tx, hf_arena *arena, hf_error *err)
{
	struct load_span_row span;
	struct load_revs_row row;
	int64_t most = (int64_t)loading->most;
	loading->revs = NULL;
	if (revs_end(&loading->ahead, most, &loading->first))
		return HF_OK;
	enum hf_status status =
		load_span(tx, loading->load, &(struct load_span_in){.how_many = most}, arena, &span, err);
	if (status != HF_OK)
		return status;
	loading->first = span.first;
	if (span.last - span.first == most - 1)
		return HF_OK;
	status = load_revs(tx, loading->load, &(struct load_revs_in){.how_many = most}, arena, &row, err);
	if (status == HF_OK && row.revs.count != loading->most)
		return error_set(err, HF_E_PROTOCOL, "the server gave %u revisions for %zu rows", row.revs.count,
		                 loading->most);
	loading->revs = status == HF_OK ? row.revs.values : NULL;
	return status;
}

static size_t next_step(size_t most)
{
	return most == 0 ? COPY_ROWS : most * 4 < COPY_ROWS_MAX ? most * 4 : COPY_ROWS_MAX;
}

static enum hf_status copy_rows(struct loading *loading, hf_where tx, hf_arena *arena, hf_error *err)
{
	int64_t rows = 0;
	hf_arena_reset(arena);
	loading->most = next_step(loading->most);
	enum hf_status status = take_revs(loading, tx, arena, err);
	if (status != HF_OK)
		return status;
	loading->used = 0;
	loading->began = true;
	if (loading->most >= AHEAD_ROWS)
		revs_begin(&loading->ahead, (int64_t)next_step(loading->most));
	return load_rows(tx, loading->load, next_row, loading, &rows, err);
}

/* ---- the transaction ---- */

/* The epoch to write in, which nobody else writes in before this ends. */
static enum hf_status hold(struct loading *loading, hf_where tx, hf_arena *arena, hf_error *err)
{
	struct restore_epoch_row row;
	const struct restore_epoch_in in = {loading->ns, hf_str_of(loading->patience)};
	enum hf_status status = restore_epoch(tx, &loading->state->points, &in, arena, &row, err);
	if (status == HF_OK && !row.has_epoch)
		return error_set(err, HF_E_DRIFT, "the namespace is gone");
	loading->epoch = status == HF_OK ? row.epoch : 0;
	return status;
}

static enum hf_status make_empty(const struct loading *loading, hf_where tx, hf_arena *arena, hf_error *err)
{
	struct load_live_row row;
	int64_t gone = 0;
	enum hf_status status = HF_NOT_FOUND;
	if (!loading->how->replace)
		status = load_live(tx, loading->load, &(struct load_live_in){loading->ns}, arena, &row, err);
	if (status == HF_OK)
		return error_set(err, HF_CONFLICT, "the namespace has entries");
	if (status != HF_NOT_FOUND)
		return status;
	return load_clear(tx, loading->load, &(struct load_clear_in){loading->ns}, &gone, err);
}

static enum hf_status attempt(hf_where tx, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct loading *loading = user;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hold(loading, tx, arena, err);
	if (status == HF_OK)
		status = make_empty(loading, tx, arena, err);
	while (status == HF_OK && !loading->ended)
		status = copy_rows(loading, tx, arena, err);
	(void)revs_end(&loading->ahead, 0, &loading->first);
	return status;
}

/* What was taken from the source is gone: only the waiting for the lock is repeated. */
enum hf_status postgres_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *packed = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct hf_transaction_options once = postgres_transaction(state);
	struct loading loading = {.state = state,
	                          .ns = ns,
	                          .how = how,
	                          .load = &state->load,
	                          .ahead = {.state = state, .deadline = how->deadline},
	                          .packed = packed};
	struct postgres_wait wait;
	enum hf_status status;
	if (!packed)
		return error_nomem(err);
	once.attempts_max = 1;
	postgres_wait_init(&wait, state, how->deadline);
	loading.patience = wait.patience;
	do
		status = hf_transaction(postgres_on(state, how->deadline), &once, attempt, &loading, err);
	while (!loading.began && postgres_wait_again(&wait, &status, err));
	return status;
}
