/*
 * postgres_read.c - reading by range.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"
#include "kv/postgres_index.h"
#include "kv/postgres_retry.h"

struct scanning {
	hf_kv_backend_state *state;
	const struct hf_kv_span *span;
	hf_kv_entry_fn *fn;
	void *user;
	hf_arena *arena;                      /* of what one entry needs */
	const struct postgres_member *member; /* by whose index it is found; NULL = none */
	struct hf_str wanted;                 /* its value */
	size_t rows;                          /* of this page */
	bool stopped;
	bool of_copy; /* it is as of a checkpoint that is one */
	uint8_t last[HF_KV_KEY_BYTES_MAX + 1];
	size_t last_len;
};

static void keep_last(struct scanning *scanning, struct hf_bytes key)
{
	if (key.len)
		memcpy(scanning->last, key.ptr, key.len);
	scanning->last_len = key.len;
}

static enum hf_status see(struct scanning *scanning, const struct hf_kv_entry *entry, hf_error *err)
{
	if (entry->key.len > HF_KV_KEY_BYTES_MAX)
		return error_set(err, HF_E_CORRUPT, "a key of %zu bytes stands in the store", entry->key.len);
	scanning->rows++;
	enum hf_status status = scanning->fn(scanning->user, entry, err);
	scanning->stopped = status == HF_STOP;
	return status;
}

static enum hf_status see_row(void *user, const struct entry_row *row, hf_error *err)
{
	struct scanning *scanning = user;
	struct hf_kv_entry entry;
	hf_arena_reset(scanning->arena);
	enum hf_status status =
		postgres_entry(scanning->state, row, scanning->span->keys_only, scanning->arena, &entry, err);
	if (status == HF_OK)
		status = see(scanning, &entry, err);
	if (status == HF_OK)
		keep_last(scanning, entry.key);
	return status;
}

static struct entries_scan_in scan_in(int32_t ns, const struct hf_kv_span *span)
{
	return (struct entries_scan_in){
		.ns = ns,
		.keys_only = span->keys_only,
		.from = span->from,
		.with_to = span->to.ptr != NULL,
		.to = span->to,
		.with_metadata = span->has_metadata.ptr != NULL,
		.part = span->has_metadata,
		.order = span->reverse ? ENTRIES_SCAN_ORDER_DOWN : ENTRIES_SCAN_ORDER_UP,
	};
}

/* In the initializer of another query's input: which page. */
#define SAME_PAGE(in)                                                                 \
	.ns = (in)->ns, .from = (in)->from, .with_to = (in)->with_to, .to = (in)->to, \
	.with_metadata = (in)->with_metadata, .part = (in)->part, .most = (in)->most, .has_most = (in)->has_most

/* The same page as of a checkpoint. */
static struct entries_scan_at_in scan_at_in(const struct hf_kv_span *span, const struct entries_scan_in *in)
{
	return (struct entries_scan_at_in){
		SAME_PAGE(in),
		.moment = {.us = span->moment_us - POSTGRES_EPOCH_US},
		.has_moment = span->moment_us != 0,
		.id = *span->at,
		.keys_only = in->keys_only,
		.order = span->reverse ? ENTRIES_SCAN_AT_ORDER_DOWN : ENTRIES_SCAN_AT_ORDER_UP,
	};
}

static struct copy_scan_in copy_scan_in(const struct entries_scan_at_in *at, bool reverse)
{
	return (struct copy_scan_in){
		SAME_PAGE(at), .moment = at->moment,       .has_moment = at->has_moment,
		.id = at->id,  .keys_only = at->keys_only, .order = reverse ? COPY_SCAN_ORDER_DOWN : COPY_SCAN_ORDER_UP,
	};
}

/* last: the key where the next page goes on; NULL = nothing was there. */
static enum hf_status end_page(struct scanning *scanning, const struct hf_bytes *last, enum hf_status status)
{
	if (status == HF_OK && last)
		keep_last(scanning, *last);
	return status == HF_STOP ? HF_OK : status;
}

/* A page of keys is small, and one result of a thousand rows is cheaper than a thousand of one. */
static enum hf_status keys_page(hf_kv_backend_state *state, const struct entries_scan_in *in, struct scanning *scanning,
                                hf_error *err)
{
	const struct keys_scan_in keys = {
		SAME_PAGE(in),
		.with_page = in->most <= POSTGRES_PAGE,
		.order = scanning->span->reverse ? KEYS_SCAN_ORDER_DOWN : KEYS_SCAN_ORDER_UP,
	};
	struct keys_scan_row *rows = NULL;
	size_t count = 0;
	hf_arena_reset(scanning->arena);
	enum hf_status status = keys_scan(postgres_on(state, scanning->span->deadline), &state->entries, &keys,
	                                  scanning->arena, &rows, &count, err);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		const struct hf_kv_entry entry = {
			.key = rows[i].key,
			.rev = rows[i].rev,
			.created_us = postgres_us(rows[i].created_at),
			.updated_us = postgres_us(rows[i].has_updated_at ? rows[i].updated_at : rows[i].created_at),
			.expires_us = rows[i].has_expires_at ? postgres_us(rows[i].expires_at) : HF_KV_NEVER,
		};
		status = see(scanning, &entry, err);
	}
	return end_page(scanning, count > 0 ? &rows[count - 1].key : NULL, status);
}

static enum hf_status scan_bare(hf_kv_backend_state *state, const struct entries_scan_in *in,
                                const struct scanning *scanning, struct bare_row **ret_rows, size_t *ret_count,
                                hf_error *err)
{
	const struct hf_kv_span *span = scanning->span;
	hf_where where = postgres_on(state, span->deadline);
	const struct bare_page_in page = {
		.ns = in->ns,
		.from = in->from,
		.with_to = in->with_to,
		.to = in->to,
		.with_metadata = in->with_metadata,
		.part = in->part,
		.order = span->reverse ? BARE_PAGE_ORDER_DOWN : BARE_PAGE_ORDER_UP,
	};
	if (in->most == POSTGRES_PAGE)
		return bare_page(where, &state->entries, &page, scanning->arena, ret_rows, ret_count, err);
	const struct bare_scan_in scan = {
		SAME_PAGE(in),
		.with_page = in->most <= POSTGRES_PAGE,
		.order = span->reverse ? BARE_SCAN_ORDER_DOWN : BARE_SCAN_ORDER_UP,
	};
	return bare_scan(where, &state->entries, &scan, scanning->arena, ret_rows, ret_count, err);
}

static enum hf_status keys_alone(hf_kv_backend_state *state, const struct entries_scan_in *in,
                                 struct scanning *scanning, hf_error *err)
{
	struct bare_row *rows = NULL;
	size_t count = 0;
	hf_arena_reset(scanning->arena);
	enum hf_status status = scan_bare(state, in, scanning, &rows, &count, err);
	struct hf_kv_entry entry = {0};
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		entry.key = rows[i].key;
		status = see(scanning, &entry, err);
	}
	return end_page(scanning, count > 0 ? &rows[count - 1].key : NULL, status);
}

static enum hf_status member_page(hf_kv_backend_state *state, const struct entries_scan_in *in,
                                  struct scanning *scanning, hf_error *err)
{
	const struct member_scan_in found = {
		.ns = in->ns,
		.keys_only = in->keys_only,
		.from = in->from,
		.with_to = in->with_to,
		.to = in->to,
		.wanted = scanning->wanted,
		.part = in->part,
		.most = in->most,
		.has_most = in->has_most,
		.order = scanning->span->reverse ? MEMBER_SCAN_ORDER_DOWN : MEMBER_SCAN_ORDER_UP,
	};
	return member_scan(postgres_on(state, scanning->span->deadline), &scanning->member->bound, &found, see_row,
	                   scanning, err);
}

static enum hf_status page_once(hf_kv_backend_state *state, const struct entries_scan_in *in, struct scanning *scanning,
                                hf_error *err)
{
	const struct hf_kv_span *span = scanning->span;
	if (scanning->member)
		return member_page(state, in, scanning, err);
	if (span->bare)
		return keys_alone(state, in, scanning, err);
	if (span->keys_only)
		return keys_page(state, in, scanning, err);
	return entries_scan(postgres_on(state, span->deadline), &state->entries, in, see_row, scanning, err);
}

/* As long as nothing was seen of it, the page can be asked for again. */
static enum hf_status page_now(hf_kv_backend_state *state, const struct entries_scan_in *in, struct scanning *scanning,
                               hf_error *err)
{
	const struct hf_kv_span *span = scanning->span;
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, span->deadline, err);
	do
		status = page_once(state, in, scanning, &again.err);
	while (postgres_again_if(&again, scanning->rows == 0, status));
	return status;
}

/* Where nothing is found there is nothing, or no checkpoint, not any more; or it is of the other kind. */
static enum hf_status page_at(hf_kv_backend_state *state, const struct entries_scan_at_in *in,
                              struct scanning *scanning, hf_error *err)
{
	const struct hf_kv_span *span = scanning->span;
	const struct copy_scan_in copy = copy_scan_in(in, span->reverse);
	hf_where where = postgres_on(state, span->deadline);
	enum hf_kv_checkpoint_kind kind = HF_KV_EPOCH;
	enum hf_status status = scanning->of_copy ? copy_scan(where, &state->points, &copy, see_row, scanning, err)
	                                          : entries_scan_at(where, &state->points, in, see_row, scanning, err);
	if (status != HF_OK || scanning->rows > 0)
		return status;
	status = postgres_point_check(state, in->ns, span->at, span->deadline, &kind, err);
	if (status != HF_OK || scanning->of_copy || kind != HF_KV_SNAPSHOT)
		return status;
	scanning->of_copy = true;
	return page_at(state, in, scanning, err);
}

static enum hf_status scan_page(hf_kv_backend_state *state, const struct entries_scan_in *in, struct scanning *scanning,
                                hf_error *err)
{
	const struct hf_kv_span *span = scanning->span;
	scanning->rows = 0;
	if (!span->at)
		return page_now(state, in, scanning, err);
	const struct entries_scan_at_in at = scan_at_in(span, in);
	return page_at(state, &at, scanning, err);
}

/* The next page begins behind the last key. */
static void go_on(struct scanning *scanning, struct entries_scan_in *in)
{
	scanning->last[scanning->last_len] = 0;
	if (scanning->span->reverse) {
		in->with_to = true;
		in->to = (struct hf_bytes){scanning->last, scanning->last_len};
	} else {
		in->from = (struct hf_bytes){scanning->last, scanning->last_len + 1};
	}
}

enum hf_status postgres_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                             void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	CLEANUP(arena_freep) hf_arena *wanted = hf_arena_new(0);
	struct scanning scanning = {.state = state, .span = span, .fn = fn, .user = user, .arena = arena};
	struct entries_scan_in in = scan_in(ns, span);
	size_t left = span->limit ? span->limit : SIZE_MAX;
	if (postgres_can_stream(span))
		return postgres_stream(state, ns, span, fn, user, err);
	if (!arena || !wanted)
		return error_nomem(err);
	if (span->has_metadata.ptr && !span->at)
		scanning.member =
			postgres_member_of(state, span->has_metadata, span->deadline, wanted, &scanning.wanted);
	for (size_t full = POSTGRES_PAGE;;) {
		size_t page = left < full ? left : full;
		in.most = (int64_t)page;
		in.has_most = true;
		enum hf_status status = scan_page(state, &in, &scanning, err);
		left -= scanning.rows;
		if (status != HF_OK || scanning.stopped || scanning.rows < page || left == 0)
			return status;
		go_on(&scanning, &in);
		full = full < POSTGRES_PAGE_MAX ? full * 2 : full; /* while we take a row the server makes the next */
	}
}
