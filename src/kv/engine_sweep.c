/*
 * engine_sweep.c - removing what expired, along the index of expiries, in steps that hold the writers' lock shortly;
 * and telling how much waits for that.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_write.h"

static const struct hf_bytes FIRST = {(const uint8_t *)"", 0};

/* The row that expires first, or HF_NOT_FOUND when even that is still to come. */
static enum hf_status first_expired(struct ordered_cursor *cursor, int64_t now_us, struct hf_bytes *ret_key,
                                    hf_error *err)
{
	struct ordered_pair pair;
	enum hf_status status = cursor->txn->store->ops->move(cursor, ORDERED_AT, FIRST, &pair, err);
	if (status != HF_OK)
		return status;
	if (pair.key.len < 12 || pair.key.len > ENGINE_KEY_BYTES)
		return error_set(err, HF_E_CORRUPT, "could not read the index of expiries: a key of %zu bytes",
		                 pair.key.len);
	*ret_key = pair.key;
	return (int64_t)get_be64(pair.key.ptr) <= now_us ? HF_OK : HF_NOT_FOUND;
}

/* Without a look that costs little, every step would write. */
static enum hf_status is_due(hf_kv_backend_state *state, hf_deadline deadline, bool *ret_is, hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	struct hf_bytes key;
	enum hf_status status = engine_cursor_begin(state, ORDERED_EXPIRY, deadline, &txn, &cursor, err);
	if (status != HF_OK)
		return status;
	status = first_expired(&cursor, hf_now_wall_us(state->ctx), &key, err);
	engine_cursor_end(&cursor);
	*ret_is = status == HF_OK;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* The row goes with its entry; one that no entry stands behind goes alone. */
static enum hf_status remove_row(struct engine_write *write, struct hf_bytes row, uint64_t *removed, hf_error *err)
{
	struct engine_key own = {.len = row.len};
	struct engine_found found;
	memcpy(own.bytes, row.ptr, row.len);
	int32_t ns = (int32_t)get_be32(own.bytes + 8);
	enum hf_status status = engine_write_enter(write, ns, err);
	if (status != HF_OK)
		return status;
	engine_key_entry(&found.key, ns, (struct hf_bytes){own.bytes + 12, own.len - 12});
	status = engine_find(write, &found, err);
	if (status == HF_OK && found.is_there && found.record.expires_us == (int64_t)get_be64(own.bytes)) {
		*removed += 1;
		return engine_remove(write, &found, err);
	}
	if (status == HF_OK)
		status = write->txn.store->ops->del(&write->txn, ORDERED_EXPIRY, engine_key_view(&own), err);
	return status;
}

static enum hf_status remove_expired(struct engine_write *write, size_t limit, uint64_t *removed, hf_error *err)
{
	struct ordered_cursor cursor;
	struct hf_bytes row;
	enum hf_status status = write->txn.store->ops->cursor_open(&write->txn, ORDERED_EXPIRY, &cursor, err);
	if (status != HF_OK)
		return status;
	for (size_t n = 0; status == HF_OK && n < limit; n++) {
		status = first_expired(&cursor, write->now_us, &row, err);
		if (status == HF_OK)
			status = remove_row(write, row, removed, err);
	}
	write->txn.store->ops->cursor_close(&cursor);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status engine_sweep(hf_kv_backend_state *state, size_t limit, hf_deadline deadline, uint64_t *ret_removed,
                            hf_error *err)
{
	struct engine_write write;
	uint64_t removed = 0;
	bool due = false;
	state->store->ops->tend(state->store);
	enum hf_status status = is_due(state, deadline, &due, err);
	if (status == HF_OK && due) {
		status = engine_write_begin(&write, state, 0, ORDERED_WRITE_RELAXED, deadline, err);
		if (status == HF_OK)
			status = engine_write_end(&write, remove_expired(&write, limit, &removed, err), err);
	}
	if (status == HF_OK)
		status = engine_feed_trim(state, deadline, err);
	if (status == HF_OK)
		*ret_removed = removed;
	return status;
}

/* ---- health ---- */

/* Rows up to `limit`; since when the first has expired. */
static enum hf_status count_expired(struct ordered_cursor *cursor, int64_t now_us, struct hf_kv_health *health,
                                    hf_error *err)
{
	const struct ordered_ops *ops = cursor->txn->store->ops;
	struct ordered_pair pair;
	health->expired_waiting = health->sweep_lag_us = 0;
	enum hf_status status = first_expired(cursor, now_us, &pair.key, err);
	if (status == HF_OK)
		health->sweep_lag_us = now_us - (int64_t)get_be64(pair.key.ptr);
	while (status == HF_OK && ++health->expired_waiting < HF_KV_HEALTH_COUNT_MAX) {
		status = ops->move(cursor, ORDERED_NEXT, FIRST, &pair, err);
		if (status == HF_OK && (pair.key.len < 12 || (int64_t)get_be64(pair.key.ptr) > now_us))
			status = HF_NOT_FOUND;
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status inspect_expired(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_health *health,
                                      hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	enum hf_status status = engine_cursor_begin(state, ORDERED_EXPIRY, deadline, &txn, &cursor, err);
	if (status != HF_OK)
		return status;
	status = count_expired(&cursor, hf_now_wall_us(state->ctx), health, err);
	engine_cursor_end(&cursor);
	return status;
}

enum hf_status engine_inspect(hf_kv_backend_state *state, UNUSED int32_t ns, hf_deadline deadline,
                              struct hf_kv_health *health, hf_error *err)
{
	struct ordered_look look;
	struct ordered_sizes sizes;
	state->store->ops->look(state->store, &look);
	enum hf_status status = state->store->ops->sizes(state->store, deadline, &sizes, err);
	if (status == HF_OK)
		status = inspect_expired(state, deadline, health, err);
	if (status != HF_OK)
		return status;
	health->used_bytes = (int64_t)sizes.all_bytes;
	health->room_bytes = look.room_bytes;
	health->readers = look.readers;
	health->readers_dead = look.readers_dead;
	health->reader_lag = look.reader_lag;
	return HF_OK;
}
