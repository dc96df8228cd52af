/*
 * engine_read.c - what reads: keys, ranges, counts. Ranges are read in pages, each in a transaction of its own that
 * ends before the first callback, so that a slow reader neither holds a lock nor keeps old pages of LMDB alive.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"
#include "kv/metadata.h"

enum { PAGE_ENTRIES = 1000, PAGE_BYTES = 1 << 20, PAGE_VISITS = 10000, COUNT_VISITS = 100000 };

/* Most entries never expire: the clock is read for the first that does. */
static bool is_live(const hf_kv_backend_state *state, const struct record *record, int64_t *now_us)
{
	if (record->expires_us == HF_KV_NEVER)
		return true;
	if (*now_us == 0)
		*now_us = hf_now_wall_us(state->ctx);
	return record_is_live(record, *now_us);
}

/* ---- keys ---- */

HOT static enum hf_status read_one(hf_kv_backend_state *state, struct ordered_txn *txn, const struct engine_key *key,
                                   struct record *ret_record, int64_t *now_us, hf_error *err)
{
	struct hf_bytes bytes;
	enum hf_status status = txn->store->ops->get(txn, ORDERED_ENTRIES, engine_key_view(key), &bytes, err);
	if (status == HF_OK)
		status = record_decode(bytes, ret_record, err);
	if (status == HF_OK && !is_live(state, ret_record, now_us))
		return HF_NOT_FOUND;
	return status;
}

static enum hf_status absent(struct hf_kv_entry *ret_entry)
{
	*ret_entry = (struct hf_kv_entry){0};
	return HF_OK;
}

HOT enum hf_status engine_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                               hf_error *err)
{
	struct ordered_txn txn;
	struct engine_key key;
	struct record record;
	int64_t now_us = 0;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		engine_key_entry(&key, ns, keys[i]);
		status = read_one(state, &txn, &key, &record, &now_us, err);
		if (status == HF_OK)
			status = engine_entry(state, arena, keys[i], &record, keys_only, &ret_entries[i], err);
		else if (status == HF_NOT_FOUND)
			status = absent(&ret_entries[i]);
	}
	state->store->ops->abort(&txn);
	return status;
}

/* ---- keys as of a checkpoint ---- */

static enum hf_status read_keys_at(hf_kv_backend_state *state, struct ordered_cursor *history, int32_t ns,
                                   uint32_t epoch, const struct hf_bytes *keys, size_t count, bool keys_only,
                                   hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	struct engine_key key;
	struct engine_found found;
	int64_t now_us = 0;
	for (size_t i = 0; i < count; i++) {
		engine_key_entry(&key, ns, keys[i]);
		ret_entries[i] = (struct hf_kv_entry){0};
		enum hf_status status = engine_version(history, engine_key_view(&key), epoch, &found, err);
		if (status == HF_OK && found.is_there && is_live(state, &found.record, &now_us))
			status = engine_entry(state, arena, keys[i], &found.record, keys_only, &ret_entries[i], err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

enum hf_status engine_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                              const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                              hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor history;
	uint32_t epoch = 0;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = engine_epoch_find(&txn, ns, id, &epoch, err);
	if (status == HF_OK)
		status = state->store->ops->cursor_open(&txn, ORDERED_HISTORY, &history, err);
	if (status == HF_OK) {
		status = read_keys_at(state, &history, ns, epoch, keys, count, keys_only, arena, ret_entries, err);
		state->store->ops->cursor_close(&history);
	}
	state->store->ops->abort(&txn);
	return status;
}

/* ---- ranges ---- */

/* What is left of a range. */
struct walk {
	hf_kv_backend_state *state;
	const struct hf_kv_span *span;
	struct engine_key from, to; /* of the entries; from <= key < to */
	int32_t ns;
	uint32_t epoch; /* of the checkpoint; 0 = now */
	int64_t now_us;
	size_t left; /* entries still wanted */
	bool done;
	hf_arena *page; /* NULL = only counting */
	struct hf_kv_entry *entries;
	size_t count;
};

static void walk_init(struct walk *walk, hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span)
{
	*walk = (struct walk){.state = state, .span = span, .ns = ns, .now_us = span->moment_us};
	walk->left = span->limit ? span->limit : SIZE_MAX;
	engine_key_entry(&walk->from, ns, span->from);
	if (span->to.ptr)
		engine_key_entry(&walk->to, ns, span->to);
	else
		engine_key_entry(&walk->to, ns + 1, (struct hf_bytes){NULL, 0});
}

static int key_order(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.ptr, b.ptr, common);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_inside(const struct walk *walk, struct hf_bytes key)
{
	return walk->span->reverse ? key_order(key, engine_key_view(&walk->from)) >= 0
	                           : key_order(key, engine_key_view(&walk->to)) < 0;
}

/* The next page begins behind `key`. */
static void walk_past(struct walk *walk, struct hf_bytes key)
{
	struct engine_key *end = walk->span->reverse ? &walk->to : &walk->from;
	memcpy(end->bytes, key.ptr, key.len);
	end->len = key.len;
	if (!walk->span->reverse)
		end->bytes[end->len++] = 0;
}

static enum hf_status is_wanted(struct walk *walk, const struct record *record, bool *ret_is, hf_error *err)
{
	*ret_is = is_live(walk->state, record, &walk->now_us);
	if (!*ret_is || !walk->span->has_metadata.ptr)
		return HF_OK;
	struct hf_str metadata = {record->metadata.len ? (const char *)record->metadata.ptr : NULL,
	                          record->metadata.len};
	return metadata_contains(metadata, walk->span->has_metadata, ret_is, err);
}

static enum hf_status visit(struct walk *walk, struct hf_bytes key, const struct record *record, hf_error *err)
{
	bool wanted = false;
	enum hf_status status = is_wanted(walk, record, &wanted, err);
	if (status == HF_OK && wanted && walk->page)
		status = engine_entry(walk->state, walk->page, engine_user_key(key), record, walk->span->keys_only,
		                      &walk->entries[walk->count], err);
	walk->count += wanted;
	walk->left -= wanted;
	return status;
}

static bool page_is_full(const struct walk *walk, size_t visits)
{
	if (!walk->page)
		return visits >= COUNT_VISITS;
	return walk->count >= PAGE_ENTRIES || visits >= PAGE_VISITS || hf_arena_used(walk->page) >= PAGE_BYTES;
}

static enum hf_status walk_cursor(struct walk *walk, struct ordered_cursor *cursor, hf_error *err)
{
	const struct ordered_ops *ops = walk->state->store->ops;
	bool reverse = walk->span->reverse;
	struct hf_bytes start = engine_key_view(reverse ? &walk->to : &walk->from);
	struct ordered_pair pair;
	struct record record;
	enum hf_status status = ops->move(cursor, reverse ? ORDERED_BEFORE : ORDERED_AT, start, &pair, err);
	for (size_t visits = 1; status == HF_OK && is_inside(walk, pair.key); visits++) {
		status = record_decode(pair.value, &record, err);
		if (status == HF_OK)
			status = visit(walk, pair.key, &record, err);
		if (status != HF_OK)
			return status;
		if (walk->left == 0)
			break;
		if (page_is_full(walk, visits)) {
			walk_past(walk, pair.key);
			return HF_OK;
		}
		status = ops->move(cursor, reverse ? ORDERED_PREVIOUS : ORDERED_NEXT, start, &pair, err);
	}
	walk->done = true;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status walk_now(struct walk *walk, struct ordered_txn *txn, hf_error *err)
{
	struct ordered_cursor cursor;
	enum hf_status status = txn->store->ops->cursor_open(txn, ORDERED_ENTRIES, &cursor, err);
	if (status != HF_OK)
		return status;
	status = walk_cursor(walk, &cursor, err);
	txn->store->ops->cursor_close(&cursor);
	return status;
}

/* A page ends between two keys: a key may stand among the entries and several times in the history. */
static enum hf_status walk_merge(struct walk *walk, struct engine_merge *merge, hf_error *err)
{
	struct engine_version version;
	struct engine_key last = {.len = 0};
	enum hf_status status = HF_OK;
	for (size_t visits = 0; status == HF_OK && walk->left > 0; visits++) {
		status = engine_merge_look(merge, &version, err);
		if (status != HF_OK || !is_inside(walk, version.key))
			break;
		if (last.len && page_is_full(walk, visits) && key_order(version.key, engine_key_view(&last)) != 0) {
			walk_past(walk, engine_key_view(&last));
			return HF_OK;
		}
		memcpy(last.bytes, version.key.ptr, last.len = version.key.len);
		if (engine_version_is_in(&version, walk->epoch))
			status = visit(walk, version.key, &version.record, err);
		if (status == HF_OK)
			status = engine_merge_step(merge, err);
	}
	walk->done = true;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status walk_then(struct walk *walk, struct ordered_txn *txn, hf_error *err)
{
	struct engine_merge merge;
	bool reverse = walk->span->reverse;
	enum hf_status status = engine_epoch_find(txn, walk->ns, walk->span->at, &walk->epoch, err);
	if (status == HF_OK)
		status = engine_merge_open(&merge, txn, walk->ns, reverse ? &walk->to : &walk->from, reverse, err);
	if (status != HF_OK)
		return status;
	status = walk_merge(walk, &merge, err);
	engine_merge_close(&merge);
	return status;
}

static enum hf_status walk_page(struct walk *walk, hf_error *err)
{
	const struct ordered_ops *ops = walk->state->store->ops;
	struct ordered_txn txn;
	walk->count = 0;
	enum hf_status status = engine_read_begin(walk->state, walk->span->deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = walk->span->at ? walk_then(walk, &txn, err) : walk_now(walk, &txn, err);
	ops->abort(&txn);
	return status;
}

static enum hf_status deliver(const struct walk *walk, hf_kv_entry_fn *fn, void *user, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < walk->count; i++)
		status = fn(user, &walk->entries[i], err);
	return status;
}

enum hf_status engine_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                           void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)PAGE_BYTES + 2 * (size_t)HF_KV_VALUE_BYTES_MAX);
	enum hf_status status = HF_OK;
	struct walk walk;
	if (!arena)
		return error_nomem(err);
	walk_init(&walk, state, ns, span);
	walk.page = arena;
	while (status == HF_OK && !walk.done) {
		hf_arena_reset(arena);
		walk.entries = hf_arena_alloc(arena, PAGE_ENTRIES * sizeof(*walk.entries));
		status = walk.entries ? walk_page(&walk, err) : error_nomem(err);
		if (status == HF_OK)
			status = deliver(&walk, fn, user, err);
	}
	return status == HF_STOP ? HF_OK : status;
}

enum hf_status engine_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, uint64_t *ret_count,
                            hf_error *err)
{
	struct walk walk;
	uint64_t count = 0;
	walk_init(&walk, state, ns, span);
	while (!walk.done) {
		enum hf_status status = walk_page(&walk, err);
		if (status != HF_OK)
			return status;
		count += walk.count;
	}
	*ret_count = count;
	return HF_OK;
}
