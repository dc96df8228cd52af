/*
 * postgres_read.c - reading: by key, by range.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kv/metadata.h"
#include "kv/postgres_checkpoint.h"
#include "kv/postgres_index.h"
#include "kv/postgres_retry.h"

/* ---- rows ---- */

/* jsonb keeps what was said, not how. */
enum hf_status postgres_metadata(bool is_there, struct hf_str text, hf_arena *arena, struct hf_str *ret_metadata,
                                 hf_error *err)
{
	*ret_metadata = (struct hf_str){NULL, 0};
	if (!is_there)
		return HF_OK;
	enum hf_status status = metadata_again(text, arena, ret_metadata, err);
	if (status != HF_OK && status != HF_E_NOMEM)
		return error_set(err, HF_E_CORRUPT, "could not read the metadata of an entry: %s",
		                 err ? err->message : "");
	return status;
}

enum hf_status postgres_entry(hf_kv_backend_state *state, const struct entry_row *row, bool keys_only, hf_arena *arena,
                              struct hf_kv_entry *ret_entry, hf_error *err)
{
	*ret_entry = (struct hf_kv_entry){
		.key = row->key,
		.rev = row->rev,
		.created_us = postgres_us(row->created_at),
		.updated_us = postgres_us(row->updated_at),
		.expires_us = row->has_expires_at ? postgres_us(row->expires_at) : HF_KV_NEVER,
	};
	if (keys_only)
		return HF_OK;
	const struct codec_value stored = {row->value, row->codec};
	enum hf_status status = HF_OK;
	if (row->has_value) /* else it was left out */
		status = codec_plain(&state->codec, stored, arena, &ret_entry->value, err);
	if (status != HF_OK)
		return status;
	return postgres_metadata(row->has_metadata, row->metadata, arena, &ret_entry->metadata, err);
}

enum hf_status postgres_entry_at(hf_kv_backend_state *state, const struct entry_row *row, size_t count, bool keys_only,
                                 hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	if (row->place < 1 || (size_t)row->place > count)
		return error_set(err, HF_E_PROTOCOL, "the server answered a key that was not asked for");
	return postgres_entry(state, row, keys_only, arena, &ret_entries[row->place - 1], err);
}

/* ---- by key ---- */

/* The server does not say it again. */
static enum hf_status give_key(struct hf_bytes key, hf_arena *arena, struct hf_kv_entry *entry, hf_error *err)
{
	const struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)key.ptr, key.len});
	entry->key = (struct hf_bytes){(const uint8_t *)copy.ptr, copy.len};
	return copy.ptr ? HF_OK : arena_refused(arena, key.len + 1, "a key", err);
}

static enum hf_status found_one(hf_kv_backend_state *state, const struct entry_get_row *got, struct hf_bytes key,
                                hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct entry_row row = {
		.rev = got->rev,
		.created_at = got->created_at,
		.updated_at = got->updated_at,
		.has_expires_at = got->has_expires_at,
		.expires_at = got->expires_at,
		.codec = got->codec,
		.has_value = true,
		.value = got->value,
		.has_metadata = got->has_metadata,
		.metadata = got->metadata,
	};
	enum hf_status status = postgres_entry(state, &row, false, arena, ret_entry, err);
	return status == HF_OK ? give_key(key, arena, ret_entry, err) : status;
}

static enum hf_status read_one(hf_kv_backend_state *state, int32_t ns, struct hf_bytes key, hf_deadline deadline,
                               hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct entry_get_in in = {.ns = ns, .key = key};
	struct entry_get_row row;
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = entry_get(postgres_on(state, deadline), &state->entries, &in, arena, &row, &again.err);
	while (postgres_again(&again, status));
	if (status == HF_NOT_FOUND) {
		*ret_entry = (struct hf_kv_entry){0};
		return HF_OK;
	}
	return status == HF_OK ? found_one(state, &row, key, arena, ret_entry, err) : status;
}

struct reading {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_bytes *keys;
	size_t count;
	bool keys_only;
	int32_t value_bytes_max; /* longer ones are left out; -1 = every one */
	hf_arena *arena;
	struct hf_kv_entry *entries;
};

/* Of `count` keys from there. */
static enum hf_status found_among(const struct reading *reading, const struct entries_get_row *got, size_t from,
                                  size_t count, hf_error *err)
{
	const struct entry_row row = {
		.place = got->place,
		.rev = got->rev,
		.created_at = got->created_at,
		.updated_at = got->updated_at,
		.has_expires_at = got->has_expires_at,
		.expires_at = got->expires_at,
		.codec = got->codec,
		.has_value = got->has_value,
		.value = got->value,
		.has_metadata = got->has_metadata,
		.metadata = got->metadata,
	};
	struct hf_kv_entry *entries = reading->entries + from;
	enum hf_status status =
		postgres_entry_at(reading->state, &row, count, reading->keys_only, reading->arena, entries, err);
	if (status != HF_OK)
		return status;
	size_t index = (size_t)got->place - 1;
	return give_key(reading->keys[from + index], reading->arena, &entries[index], err);
}

static enum hf_status read_step(hf_where where, const struct reading *reading, size_t from, size_t count, hf_error *err)
{
	struct entries_get_row *rows = NULL;
	size_t found = 0;
	const struct entries_get_in in = {
		.ns = reading->ns,
		.keys_only = reading->keys_only,
		.value_bytes_max = reading->value_bytes_max,
		.keys = {.count = (uint32_t)count, .ndim = 1, .values = reading->keys + from},
	};
	enum hf_status status = entries_get(where, &reading->state->entries, &in, reading->arena, &rows, &found, err);
	for (size_t i = 0; i < found && status == HF_OK; i++)
		status = found_among(reading, &rows[i], from, count, err);
	return status;
}

static enum hf_status read_all(hf_where where, void *user, hf_error *err)
{
	const struct reading *reading = user;
	enum hf_status status = HF_OK;
	postgres_count_again(reading->state, where);
	memset(reading->entries, 0, reading->count * sizeof(*reading->entries));
	for (size_t from = 0; from < reading->count && status == HF_OK;) {
		size_t left = reading->count - from, step = left < POSTGRES_STEP ? left : POSTGRES_STEP;
		status = read_step(where, reading, from, step, err);
		from += step;
	}
	return status;
}

enum hf_status postgres_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                             bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                             hf_error *err)
{
	struct reading reading = {state, ns, keys, count, keys_only, keys_only ? -1 : INT32_MAX, arena, ret_entries};
	const struct hf_transaction_options how = postgres_one_moment(state);
	hf_where where = postgres_on(state, deadline);
	if (count == 1 && !keys_only)
		return read_one(state, ns, keys[0], deadline, arena, ret_entries, err);
	if (count > POSTGRES_STEP)
		return hf_transaction(where, &how, read_all, &reading, err);
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = read_all(where, &reading, &again.err);
	while (postgres_again(&again, status));
	return status;
}

enum hf_status postgres_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                               struct hf_kv_entry *ret_entries, hf_error *err)
{
	const struct reading reading = {state, ns, keys, count, false, (int32_t)value_bytes_max, arena, ret_entries};
	return read_all(postgres_on(state, deadline), (void *)(uintptr_t)&reading, err);
}

/* ---- by range ---- */

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

static enum hf_status bare_page(hf_kv_backend_state *state, const struct entries_scan_in *in, struct scanning *scanning,
                                hf_error *err)
{
	const struct bare_scan_in bare = {
		SAME_PAGE(in),
		.with_page = in->most <= POSTGRES_PAGE,
		.order = scanning->span->reverse ? BARE_SCAN_ORDER_DOWN : BARE_SCAN_ORDER_UP,
	};
	struct bare_scan_row *rows = NULL;
	size_t count = 0;
	hf_arena_reset(scanning->arena);
	enum hf_status status = bare_scan(postgres_on(state, scanning->span->deadline), &state->entries, &bare,
	                                  scanning->arena, &rows, &count, err);
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
		return bare_page(state, in, scanning, err);
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
