/*
 * engine_feed.c - the change feed of the engine: rows behind the entries, in the transaction that changes them.
 *
 *     changes   namespace, number   -> 0 kind    1 revision    9 at    17 key to the end; little endian
 *     meta      'f' namespace       -> 0 last number when it was turned off    8 since (0 = off)    16 kept for
 *                                      24 how many are kept
 *
 * One transaction writes at a time, so numbers are the order of commits, and there are no gaps: what is kept are the
 * numbers from that of the first row to namespace_state.fed. More than is kept never is there: each new change takes
 * the place of the oldest.
 */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_write.h"

enum { CHANGE_BYTES = 17, FEED_BYTES = 32, FEED_KEY_BYTES = 5 };

/* What 'f' holds. */
struct feed_row {
	uint64_t last;
	int64_t since_us, keep_us, keep_changes;
};

/* ---- rows ---- */

static void feed_key(int32_t ns, uint8_t ret_key[FEED_KEY_BYTES])
{
	ret_key[0] = 'f';
	put_be32(ret_key + 1, (uint32_t)ns);
}

/* Zero when there never was a feed. */
static enum hf_status feed_load(struct ordered_txn *txn, int32_t ns, struct feed_row *ret_row, hf_error *err)
{
	uint8_t key[FEED_KEY_BYTES];
	struct hf_bytes value;
	feed_key(ns, key);
	enum hf_status status =
		txn->store->ops->get(txn, ORDERED_META, (struct hf_bytes){key, sizeof(key)}, &value, err);
	*ret_row = (struct feed_row){0};
	if (status == HF_NOT_FOUND)
		return HF_OK;
	if (status == HF_OK && value.len != FEED_BYTES)
		return error_set(err, HF_E_CORRUPT, "could not read the feed of namespace %d", ns);
	if (status == HF_OK)
		*ret_row = (struct feed_row){.last = get_le64(value.ptr),
		                             .since_us = (int64_t)get_le64(value.ptr + 8),
		                             .keep_us = (int64_t)get_le64(value.ptr + 16),
		                             .keep_changes = (int64_t)get_le64(value.ptr + 24)};
	return status;
}

static enum hf_status feed_save(struct ordered_txn *txn, int32_t ns, const struct feed_row *row, hf_error *err)
{
	uint8_t key[FEED_KEY_BYTES], *at = NULL;
	feed_key(ns, key);
	enum hf_status status =
		txn->store->ops->put(txn, ORDERED_META, (struct hf_bytes){key, sizeof(key)}, FEED_BYTES, &at, err);
	if (status != HF_OK)
		return status;
	put_le64(at, row->last);
	put_le64(at + 8, (uint64_t)row->since_us);
	put_le64(at + 16, (uint64_t)row->keep_us);
	put_le64(at + 24, (uint64_t)row->keep_changes);
	return HF_OK;
}

static void change_key(struct engine_key *key, int32_t ns, uint64_t number)
{
	put_be32(key->bytes, (uint32_t)ns);
	put_be64(key->bytes + 4, number);
	key->len = 12;
}

static bool is_of(const struct ordered_pair *pair, int32_t ns)
{
	return pair->key.len == 12 && get_be32(pair->key.ptr) == (uint32_t)ns;
}

static enum hf_status change_decode(const struct ordered_pair *pair, struct hf_kv_event *ret_event, hf_error *err)
{
	const uint8_t *at = pair->value.ptr;
	if (pair->value.len < CHANGE_BYTES || at[0] < HF_KV_EVENT_PUT || at[0] > HF_KV_EVENT_RESTORE)
		return error_set(err, HF_E_CORRUPT, "could not read a change: %zu bytes that are none",
		                 pair->value.len);
	bool keyless = at[0] == HF_KV_EVENT_CLEAR || at[0] == HF_KV_EVENT_RESTORE;
	*ret_event = (struct hf_kv_event){.kind = (enum hf_kv_event_kind)at[0],
	                                  .rev = (int64_t)get_le64(at + 1),
	                                  .at_us = (int64_t)get_le64(at + 9),
	                                  .position = (int64_t)get_be64(pair->key.ptr + 4)};
	if (!keyless)
		ret_event->key = (struct hf_bytes){at + CHANGE_BYTES, pair->value.len - CHANGE_BYTES};
	return HF_OK;
}

/* ---- writing ---- */

static enum hf_status take_place(struct engine_write *write, hf_error *err)
{
	struct feed_row row;
	struct engine_key oldest;
	enum hf_status status = HF_OK;
	if (write->feed_ns != write->ns) {
		status = feed_load(&write->txn, write->ns, &row, err);
		write->feed_ns = write->ns;
		write->feed_most = (uint64_t)row.keep_changes;
	}
	if (status != HF_OK || write->space.fed <= write->feed_most)
		return status;
	change_key(&oldest, write->ns, write->space.fed - write->feed_most);
	status = write->txn.store->ops->del(&write->txn, ORDERED_CHANGES, engine_key_view(&oldest), err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status engine_tell(struct engine_write *write, enum hf_kv_event_kind kind, struct hf_bytes user_key,
                           int64_t rev, hf_error *err)
{
	struct engine_key key;
	uint8_t *at = NULL;
	if (write->space.fed == 0 || write->untold)
		return HF_OK;
	write->space.fed++;
	change_key(&key, write->ns, write->space.fed);
	enum hf_status status = write->txn.store->ops->put(&write->txn, ORDERED_CHANGES, engine_key_view(&key),
	                                                   CHANGE_BYTES + user_key.len, &at, err);
	if (status != HF_OK)
		return status;
	at[0] = (uint8_t)kind;
	put_le64(at + 1, (uint64_t)rev);
	put_le64(at + 9, (uint64_t)write->now_us);
	if (user_key.len)
		memcpy(at + CHANGE_BYTES, user_key.ptr, user_key.len);
	return take_place(write, err);
}

/* ---- on, off ---- */

/* Removes rows from the front while `wanted` says so, `limit` at most. */
static enum hf_status remove_front(struct ordered_txn *txn, int32_t ns, size_t limit,
                                   bool (*wanted)(const void *user, const struct hf_kv_event *event), const void *user,
                                   size_t *ret_removed, hf_error *err)
{
	const struct ordered_ops *ops = txn->store->ops;
	struct ordered_cursor cursor;
	struct engine_key first;
	struct ordered_pair pair;
	struct hf_kv_event event;
	size_t removed = 0;
	change_key(&first, ns, 0);
	enum hf_status status = ops->cursor_open(txn, ORDERED_CHANGES, &cursor, err);
	if (status != HF_OK)
		return status;
	while (status == HF_OK && removed < limit) {
		status = ops->move(&cursor, ORDERED_AT, engine_key_view(&first), &pair, err);
		if (status == HF_OK && !is_of(&pair, ns))
			break;
		if (status == HF_OK)
			status = change_decode(&pair, &event, err);
		if (status != HF_OK || (wanted && !wanted(user, &event)))
			break;
		change_key(&first, ns, (uint64_t)event.position);
		status = ops->del(txn, ORDERED_CHANGES, engine_key_view(&first), err);
		removed++;
	}
	ops->cursor_close(&cursor);
	*ret_removed = removed;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* Numbers go on where they were, and one is left out: a token of before is behind what is there. */
static enum hf_status turn(struct engine_write *write, const struct hf_kv_feed *feed, hf_error *err)
{
	struct feed_row row;
	size_t removed;
	enum hf_status status = feed_load(&write->txn, write->ns, &row, err);
	if (status != HF_OK)
		return status;
	if (feed && write->space.fed == 0) {
		row.since_us = write->now_us;
		write->space.fed = row.last + 1;
	}
	if (!feed && write->space.fed) {
		row.since_us = 0;
		row.last = write->space.fed;
		write->space.fed = 0;
		status = remove_front(&write->txn, write->ns, SIZE_MAX, NULL, NULL, &removed, err);
	}
	row.keep_us = feed ? feed->keep_us : 0;
	row.keep_changes = feed ? feed->keep_changes : 0;
	return status == HF_OK ? feed_save(&write->txn, write->ns, &row, err) : status;
}

enum hf_status engine_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                               hf_deadline deadline, hf_error *err)
{
	struct engine_write write;
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, turn(&write, feed, err), err);
}

/* ---- reading ---- */

/* `ret_first`: the number of the first row, or the next one to be given. HF_NOT_FOUND: there is no feed. */
static enum hf_status bounds(struct ordered_cursor *cursor, int32_t ns, uint64_t *ret_first, uint64_t *ret_last,
                             hf_error *err)
{
	struct namespace_state space;
	struct engine_key key;
	struct ordered_pair pair;
	enum hf_status status = engine_namespace_load(cursor->txn, ns, &space, err);
	if (status != HF_OK || space.fed == 0)
		return status == HF_OK ? HF_NOT_FOUND : status;
	change_key(&key, ns, 0);
	status = cursor->txn->store->ops->move(cursor, ORDERED_AT, engine_key_view(&key), &pair, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	*ret_last = space.fed;
	*ret_first = status == HF_OK && is_of(&pair, ns) ? get_be64(pair.key.ptr + 4) : space.fed + 1;
	return HF_OK;
}

static enum hf_status copy_event(hf_arena *arena, const struct ordered_pair *pair, struct hf_kv_event *ret_event,
                                 hf_error *err)
{
	enum hf_status status = change_decode(pair, ret_event, err);
	if (status != HF_OK || !ret_event->key.ptr)
		return status;
	uint8_t *copy = hf_arena_alloc(arena, ret_event->key.len + 1);
	if (!copy)
		return error_nomem(err);
	memcpy(copy, ret_event->key.ptr, ret_event->key.len);
	ret_event->key.ptr = copy;
	return HF_OK;
}

static enum hf_status page(struct ordered_cursor *cursor, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                           hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count, hf_error *err)
{
	const struct ordered_ops *ops = cursor->txn->store->ops;
	uint64_t first = 0, last = 0;
	struct engine_key key;
	struct ordered_pair pair;
	enum hf_status status = bounds(cursor, ns, &first, &last, err);
	if (status != HF_OK)
		return status;
	if (place->position < 0)
		place->position = (int64_t)last;
	uint64_t behind = (uint64_t)place->position, n = last > behind ? last - behind : 0;
	if (behind > last || behind + 1 < first)
		return HF_E_COMPACTED;
	n = n < limit ? n : limit;
	struct hf_kv_event *events = n ? hf_arena_calloc(arena, n, sizeof(*events)) : NULL;
	if (n && !events)
		return error_nomem(err);
	change_key(&key, ns, behind + 1);
	for (uint64_t i = 0; i < n && status == HF_OK; i++) {
		status = ops->move(cursor, i ? ORDERED_NEXT : ORDERED_AT, engine_key_view(&key), &pair, err);
		if (status == HF_OK && !is_of(&pair, ns))
			status = HF_NOT_FOUND;
		if (status == HF_OK)
			status = copy_event(arena, &pair, &events[i], err);
	}
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_CORRUPT, "could not read the feed: changes are missing");
	if (status != HF_OK)
		return status;
	place->position += (int64_t)n;
	*ret_events = events;
	*ret_count = n;
	return HF_OK;
}

enum hf_status engine_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                              hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count,
                              hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	*ret_count = 0;
	enum hf_status status = engine_cursor_begin(state, ORDERED_CHANGES, deadline, &txn, &cursor, err);
	if (status != HF_OK)
		return status;
	status = page(&cursor, ns, place, limit, arena, ret_events, ret_count, err);
	engine_cursor_end(&cursor);
	return status;
}

static enum hf_status show(struct ordered_txn *txn, int32_t ns, struct hf_kv_feed *ret_feed, hf_error *err)
{
	struct ordered_cursor cursor;
	struct feed_row row = {0};
	uint64_t first = 0, last = 0;
	enum hf_status status = txn->store->ops->cursor_open(txn, ORDERED_CHANGES, &cursor, err);
	if (status != HF_OK)
		return status;
	status = bounds(&cursor, ns, &first, &last, err);
	txn->store->ops->cursor_close(&cursor);
	if (status == HF_OK)
		status = feed_load(txn, ns, &row, err);
	if (status == HF_OK)
		*ret_feed = (struct hf_kv_feed){.keep_us = row.keep_us,
		                                .keep_changes = row.keep_changes,
		                                .changes = (int64_t)(last + 1 - first),
		                                .since_us = row.since_us};
	return status;
}

enum hf_status engine_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                struct hf_kv_feed *ret_feed, hf_error *err)
{
	struct ordered_txn txn;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = show(&txn, ns, ret_feed, err);
	state->store->ops->abort(&txn);
	return status;
}

/* ---- what is kept no longer ---- */

struct due {
	int64_t before_us; /* what is older goes */
	int64_t upto;      /* and what is more than is kept */
};

static bool is_due(const void *user, const struct hf_kv_event *event)
{
	const struct due *due = user;
	return event->at_us < due->before_us || event->position <= due->upto;
}

/* One step of one feed. */
static enum hf_status trim_step(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, size_t *ret_removed,
                                hf_error *err)
{
	struct engine_write write;
	struct feed_row row;
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE_RELAXED, deadline, err);
	if (status != HF_OK)
		return status;
	status = feed_load(&write.txn, ns, &row, err);
	const struct due due = {.before_us = write.now_us - row.keep_us,
	                        .upto = (int64_t)write.space.fed - row.keep_changes};
	if (status == HF_OK && write.space.fed)
		status = remove_front(&write.txn, ns, ENGINE_STEP, is_due, &due, ret_removed, err);
	return engine_write_end(&write, status, err);
}

/* Without a look that costs little, every sweep would write. */
static enum hf_status trim_is_due(struct ordered_txn *txn, int32_t ns, const struct feed_row *row, int64_t now_us,
                                  bool *ret_is, hf_error *err)
{
	struct ordered_cursor cursor;
	struct engine_key key;
	struct ordered_pair pair;
	struct hf_kv_event event;
	uint64_t first = 0, last = 0;
	enum hf_status status = txn->store->ops->cursor_open(txn, ORDERED_CHANGES, &cursor, err);
	if (status != HF_OK)
		return status;
	status = bounds(&cursor, ns, &first, &last, err);
	change_key(&key, ns, first);
	if (status == HF_OK && first <= last)
		status = txn->store->ops->move(&cursor, ORDERED_AT, engine_key_view(&key), &pair, err);
	if (status == HF_OK && first <= last)
		status = change_decode(&pair, &event, err);
	const struct due due = {.before_us = now_us - row->keep_us, .upto = (int64_t)last - row->keep_changes};
	*ret_is = status == HF_OK && first <= last && is_due(&due, &event);
	txn->store->ops->cursor_close(&cursor);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* The next namespace behind `ns` with a feed that has something to remove; HF_NOT_FOUND. */
static enum hf_status next_due(hf_kv_backend_state *state, hf_deadline deadline, int32_t *ns, hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	struct feed_row row;
	bool due = false;
	enum hf_status status = engine_cursor_begin(state, ORDERED_META, deadline, &txn, &cursor, err);
	if (status != HF_OK)
		return status;
	while (status == HF_OK && !due) {
		uint8_t key[FEED_KEY_BYTES];
		feed_key(*ns + 1, key);
		status = state->store->ops->move(&cursor, ORDERED_AT, (struct hf_bytes){key, sizeof(key)}, &pair, err);
		if (status == HF_OK && (pair.key.len != FEED_KEY_BYTES || pair.key.ptr[0] != 'f'))
			status = HF_NOT_FOUND;
		if (status == HF_OK)
			*ns = (int32_t)get_be32(pair.key.ptr + 1);
		if (status == HF_OK)
			status = feed_load(&txn, *ns, &row, err);
		if (status == HF_OK && row.since_us)
			status = trim_is_due(&txn, *ns, &row, hf_now_wall_us(state->ctx), &due, err);
	}
	engine_cursor_end(&cursor);
	return status;
}

enum hf_status engine_feed_trim(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	int32_t ns = 0;
	enum hf_status status = HF_OK;
	while (status == HF_OK && (status = next_due(state, deadline, &ns, err)) == HF_OK) {
		size_t removed = ENGINE_STEP;
		while (status == HF_OK && removed == ENGINE_STEP)
			status = trim_step(state, ns, deadline, &removed, err);
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}
