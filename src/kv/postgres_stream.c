/*
 * postgres_stream.c - all entries in one answer, by COPY: for who reads them as fast as they come. The statement holds
 * its snapshot until the last row was taken.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"
#include "kv/postgres_retry.h"

struct streaming {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_kv_span *span;
	hf_kv_entry_fn *fn;
	void *user;
	hf_arena *arena; /* of what one entry needs */
	uint64_t rows;
};

bool postgres_can_stream(const struct hf_kv_span *span)
{
	return span->at_once && !span->from.len && !span->to.ptr && !span->reverse && !span->keys_only &&
	       !span->limit && !span->has_metadata.ptr;
}

static enum hf_status see_row(void *user, const struct stream_row *row, hf_error *err)
{
	struct streaming *streaming = user;
	const struct entry_row whole = {
		.key = row->key,
		.rev = 1,
		.created_at = row->created_at,
		.updated_at = row->has_updated_at ? row->updated_at : row->created_at,
		.expires_at = row->expires_at,
		.has_expires_at = row->has_expires_at,
		.codec = row->codec,
		.value = row->value,
		.has_value = true,
		.metadata = row->metadata,
		.has_metadata = row->has_metadata,
	};
	struct hf_kv_entry entry;
	streaming->rows++;
	hf_arena_reset(streaming->arena);
	enum hf_status status = postgres_entry(streaming->state, &whole, false, streaming->arena, &entry, err);
	return status == HF_OK ? streaming->fn(streaming->user, &entry, err) : status;
}

static enum hf_status read_all(hf_where tx, void *user, hf_error *err)
{
	struct streaming *streaming = user;
	const struct hf_kv_span *span = streaming->span;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct stream_begin_row row;
	struct stream_begin_in in = {.ns = streaming->ns, .has_id = span->at != NULL};
	if (!arena)
		return error_nomem(err);
	if (span->at)
		in.id = *span->at;
	in.has_moment = span->at && span->moment_us != 0;
	in.moment.us = span->moment_us - POSTGRES_EPOCH_US;
	const struct checkpoints_bound *points = &streaming->state->points;
	enum hf_status status = stream_begin(tx, points, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	return span->at ? entries_stream_at(tx, points, see_row, streaming, err)
	                : entries_stream(tx, points, see_row, streaming, err);
}

/* There is nothing, or no checkpoint, not any more; or it is a copy, which is read in pages. */
static enum hf_status nothing_seen(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                                   hf_kv_entry_fn *fn, void *user, hf_error *err)
{
	struct hf_kv_span in_pages = *span;
	enum hf_kv_checkpoint_kind kind = HF_KV_EPOCH;
	enum hf_status status = postgres_point_check(state, ns, span->at, span->deadline, &kind, err);
	in_pages.at_once = false;
	return status == HF_OK && kind == HF_KV_SNAPSHOT ? postgres_scan(state, ns, &in_pages, fn, user, err) : status;
}

enum hf_status postgres_stream(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                               hf_kv_entry_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct streaming streaming = {.state = state, .ns = ns, .span = span, .fn = fn, .user = user, .arena = arena};
	struct hf_transaction_options once = postgres_transaction(state);
	enum hf_status status;
	struct retrying again;
	if (!arena)
		return error_nomem(err);
	once.attempts_max = 1; /* what was seen was seen: again only before that */
	once.read_only = true;
	postgres_retry(&again, state, span->deadline, err);
	do
		status = hf_transaction(postgres_on(state, span->deadline), &once, read_all, &streaming, &again.err);
	while (postgres_again_if(&again, streaming.rows == 0, status));
	if (status == HF_OK && streaming.rows == 0 && span->at)
		return nothing_seen(state, ns, span, fn, user, err);
	return status;
}
