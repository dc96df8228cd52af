/*
 * engine_checkpoint.c - the rows of checkpoints, and letting go of images that no checkpoint needs.
 *
 * A row, under (namespace, epoch), little endian:
 *     0 id    16 made at    24 entries    32 bytes    40 flags    41 bytes of the name    42 zero
 *     44 bytes of metadata    48 digest, where the flags say so; then name, metadata
 * What was counted before there were digests counts as uncounted.
 */
#include "kv/engine_checkpoint.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { ROW_BYTES = 48, PINNED = 1, COUNTED = 2, DIGEST = 4 };

/* ---- rows ---- */

static void row_key(struct engine_key *key, int32_t ns, uint32_t epoch)
{
	uint8_t number[4];
	put_be32(number, epoch);
	engine_key_entry(key, ns, (struct hf_bytes){number, sizeof(number)});
}

/* Its texts are the store's. */
static enum hf_status row_decode(const struct ordered_pair *pair, struct hf_kv_checkpoint *ret_point, hf_error *err)
{
	const uint8_t *at = pair->value.ptr;
	size_t len = pair->value.len, name = len >= ROW_BYTES ? at[41] : 0;
	size_t metadata = len >= ROW_BYTES ? get_le32(at + 44) : 0;
	size_t digest = len >= ROW_BYTES && (at[40] & DIGEST) ? HF_KV_DIGEST_BYTES : 0;
	if (pair->key.len != 8 || len < ROW_BYTES || len != ROW_BYTES + digest + name + metadata)
		return error_set(err, HF_E_CORRUPT, "could not read a checkpoint: %zu bytes that are none", len);
	const char *texts = (const char *)at + ROW_BYTES + digest;
	*ret_point = (struct hf_kv_checkpoint){
		.name = {name ? texts : NULL, name},
		.metadata = {metadata ? texts + name : NULL, metadata},
		.created_us = (int64_t)get_le64(at + 16),
		.epoch = get_be32(pair->key.ptr + 4),
		.pinned = at[40] & PINNED,
		.counted = digest != 0 && (at[40] & COUNTED),
		.row_count = get_le64(at + 24),
		.data_size = get_le64(at + 32),
	};
	memcpy(ret_point->id.bytes, at, sizeof(ret_point->id.bytes));
	memcpy(ret_point->digest.bytes, at + ROW_BYTES, digest);
	return HF_OK;
}

static enum hf_status row_put(struct ordered_txn *txn, int32_t ns, const struct hf_kv_checkpoint *point, hf_error *err)
{
	struct engine_key key;
	uint8_t *at = NULL;
	size_t digest = point->counted ? HF_KV_DIGEST_BYTES : 0;
	row_key(&key, ns, (uint32_t)point->epoch);
	enum hf_status status =
		txn->store->ops->put(txn, ORDERED_CHECKPOINTS, engine_key_view(&key),
	                             ROW_BYTES + digest + point->name.len + point->metadata.len, &at, err);
	if (status != HF_OK)
		return status;
	memcpy(at, point->id.bytes, sizeof(point->id.bytes));
	put_le64(at + 16, (uint64_t)point->created_us);
	put_le64(at + 24, point->row_count);
	put_le64(at + 32, point->data_size);
	put_le32(at + 40,
	         (point->pinned ? PINNED : 0u) | (digest ? COUNTED | DIGEST : 0u) | (uint32_t)point->name.len << 8);
	put_le32(at + 44, (uint32_t)point->metadata.len);
	memcpy(at + ROW_BYTES, point->digest.bytes, digest);
	if (point->name.len)
		memcpy(at + ROW_BYTES + digest, point->name.ptr, point->name.len);
	if (point->metadata.len)
		memcpy(at + ROW_BYTES + digest + point->name.len, point->metadata.ptr, point->metadata.len);
	return HF_OK;
}

typedef enum hf_status row_fn(void *user, const struct hf_kv_checkpoint *point, hf_error *err);

/* All of a namespace, the newest first, until `fn` answers something else than HF_OK. */
static enum hf_status each_row(struct ordered_txn *txn, int32_t ns, row_fn *fn, void *user, hf_error *err)
{
	const struct ordered_ops *ops = txn->store->ops;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	struct engine_key end;
	struct hf_kv_checkpoint point;
	engine_key_entry(&end, ns + 1, (struct hf_bytes){NULL, 0});
	enum hf_status status = ops->cursor_open(txn, ORDERED_CHECKPOINTS, &cursor, err);
	if (status != HF_OK)
		return status;
	status = ops->move(&cursor, ORDERED_BEFORE, engine_key_view(&end), &pair, err);
	while (status == HF_OK && pair.key.len >= 4 && get_be32(pair.key.ptr) == (uint32_t)ns) {
		status = row_decode(&pair, &point, err);
		if (status == HF_OK)
			status = fn(user, &point, err);
		if (status == HF_OK)
			status = ops->move(&cursor, ORDERED_PREVIOUS, engine_key_view(&end), &pair, err);
	}
	ops->cursor_close(&cursor);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

struct wanted {
	const struct hf_uuid *id;
	struct hf_kv_checkpoint point;
	bool is_there;
};

static enum hf_status match(void *user, const struct hf_kv_checkpoint *point, UNUSED hf_error *err)
{
	struct wanted *wanted = user;
	if (memcmp(wanted->id->bytes, point->id.bytes, sizeof(point->id.bytes)) != 0)
		return HF_OK;
	wanted->point = *point;
	wanted->is_there = true;
	return HF_STOP;
}

static enum hf_status row_find(struct ordered_txn *txn, int32_t ns, const struct hf_uuid *id,
                               struct hf_kv_checkpoint *ret_point, hf_error *err)
{
	struct wanted wanted = {.id = id};
	enum hf_status status = each_row(txn, ns, match, &wanted, err);
	if (status != HF_OK && status != HF_STOP)
		return status;
	if (!wanted.is_there)
		return HF_NOT_FOUND;
	*ret_point = wanted.point;
	return HF_OK;
}

enum hf_status engine_epoch_find(struct ordered_txn *txn, int32_t ns, const struct hf_uuid *id, uint32_t *ret_epoch,
                                 hf_error *err)
{
	struct hf_kv_checkpoint point = {0};
	enum hf_status status = id ? row_find(txn, ns, id, &point, err) : HF_OK;
	if (status == HF_OK)
		*ret_epoch = (uint32_t)point.epoch;
	return status;
}

/* ---- making ---- */

static enum hf_status count_row(void *user, UNUSED const struct hf_kv_checkpoint *point, UNUSED hf_error *err)
{
	++*(size_t *)user;
	return HF_OK;
}

enum hf_status engine_point_make(struct engine_write *write, struct hf_kv_checkpoint *point, hf_error *err)
{
	size_t count = 0;
	enum hf_status status = each_row(&write->txn, write->ns, count_row, &count, err);
	if (status != HF_OK)
		return status;
	if (count >= HF_KV_CHECKPOINTS_MAX || write->space.epoch == UINT32_MAX - 1) {
		error_set(err, HF_E_LIMIT, "the namespace has %zu checkpoints: at most %d are kept", count,
		          HF_KV_CHECKPOINTS_MAX);
		error_hint(err, "delete some, or prune them");
		return HF_E_LIMIT;
	}
	write->space.top = ++write->space.epoch;
	point->created_us = write->now_us;
	point->epoch = write->space.epoch;
	return row_put(&write->txn, write->ns, point, err);
}

enum hf_status engine_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                   hf_deadline deadline, hf_error *err)
{
	struct engine_write write;
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, engine_point_make(&write, point, err), err);
}

/* ---- listing ---- */

struct listing {
	const struct hf_uuid *id; /* NULL = all */
	hf_arena *arena;
	struct hf_kv_checkpoint *points;
	size_t count;
};

static enum hf_status list_row(void *user, const struct hf_kv_checkpoint *point, hf_error *err)
{
	struct listing *listing = user;
	if (listing->id && memcmp(listing->id->bytes, point->id.bytes, sizeof(point->id.bytes)) != 0)
		return HF_OK;
	struct hf_kv_checkpoint *copy = &listing->points[listing->count++];
	*copy = *point;
	if (copy->name.ptr)
		copy->name = hf_arena_str(listing->arena, point->name);
	if (copy->metadata.ptr)
		copy->metadata = hf_arena_str(listing->arena, point->metadata);
	return (point->name.ptr && !copy->name.ptr) || (point->metadata.ptr && !copy->metadata.ptr) ? error_nomem(err)
	                                                                                            : HF_OK;
}

static enum hf_status list_rows(struct ordered_txn *txn, int32_t ns, struct listing *listing, hf_error *err)
{
	size_t count = 0;
	enum hf_status status = each_row(txn, ns, count_row, &count, err);
	if (status != HF_OK)
		return status;
	listing->points = hf_arena_calloc(listing->arena, count + 1, sizeof(*listing->points));
	return listing->points ? each_row(txn, ns, list_row, listing, err) : error_nomem(err);
}

enum hf_status engine_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id, hf_deadline deadline,
                                 hf_arena *arena, struct hf_kv_checkpoint **ret_points, size_t *ret_count,
                                 hf_error *err)
{
	struct ordered_txn txn;
	struct listing listing = {.id = id, .arena = arena};
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = list_rows(&txn, ns, &listing, err);
	state->store->ops->abort(&txn);
	if (status != HF_OK)
		return status;
	*ret_points = listing.points;
	*ret_count = listing.count;
	return HF_OK;
}

/* ---- changing ---- */

/* What was counted where it was, else `pinned`. Texts are copied, because the row is written in its own place. */
static enum hf_status update_row(struct engine_write *write, const struct hf_kv_checkpoint *point, hf_arena *arena,
                                 hf_error *err)
{
	struct hf_kv_checkpoint copy;
	struct listing listing = {.arena = arena, .points = &copy};
	struct hf_kv_checkpoint row;
	enum hf_status status = row_find(&write->txn, write->ns, &point->id, &row, err);
	if (status != HF_OK)
		return status;
	if (point->counted) {
		row.counted = true;
		row.row_count = point->row_count;
		row.data_size = point->data_size;
		row.digest = point->digest;
	} else {
		row.pinned = point->pinned;
	}
	status = list_row(&listing, &row, err);
	return status == HF_OK ? row_put(&write->txn, write->ns, &copy, err) : status;
}

enum hf_status engine_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                   hf_deadline deadline, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct engine_write write;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, update_row(&write, point, arena, err), err);
}

/* ---- deleting ---- */

struct epochs {
	uint32_t *at; /* falling */
	size_t count;
};

static enum hf_status epoch_row(void *user, const struct hf_kv_checkpoint *point, UNUSED hf_error *err)
{
	struct epochs *epochs = user;
	epochs->at[epochs->count++] = (uint32_t)point->epoch;
	return HF_OK;
}

/* Is there a checkpoint in (from, until]? */
static bool is_needed(const struct epochs *epochs, uint32_t from, uint32_t until)
{
	size_t low = 0, high = epochs->count; /* the first that is not above `until` */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (epochs->at[middle] > until)
			low = middle + 1;
		else
			high = middle;
	}
	return low < epochs->count && epochs->at[low] > from;
}

static enum hf_status remove_row(struct engine_write *write, const struct hf_uuid *id, hf_error *err)
{
	struct hf_kv_checkpoint point;
	struct engine_key key;
	uint32_t epochs_room[HF_KV_CHECKPOINTS_MAX + 1];
	struct epochs epochs = {.at = epochs_room};
	enum hf_status status = row_find(&write->txn, write->ns, id, &point, err);
	if (status != HF_OK)
		return status;
	row_key(&key, write->ns, (uint32_t)point.epoch);
	status = write->txn.store->ops->del(&write->txn, ORDERED_CHECKPOINTS, engine_key_view(&key), err);
	if (status == HF_OK)
		status = each_row(&write->txn, write->ns, epoch_row, &epochs, err);
	write->space.top = epochs.count ? epochs.at[0] : 0;
	return status;
}

/* One step through the history from `at` on, which is moved. */
static enum hf_status let_go(struct engine_write *write, const struct epochs *epochs, struct engine_key *at,
                             bool *ret_done, hf_error *err)
{
	const struct ordered_ops *ops = write->txn.store->ops;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	struct record record;
	enum hf_status status = ops->cursor_open(&write->txn, ORDERED_HISTORY, &cursor, err);
	if (status != HF_OK)
		return status;
	status = ops->move(&cursor, ORDERED_AT, engine_key_view(at), &pair, err);
	for (size_t n = 0; status == HF_OK && n < ENGINE_STEP && get_be32(pair.key.ptr) == (uint32_t)write->ns; n++) {
		memcpy(at->bytes, pair.key.ptr, pair.key.len);
		at->len = pair.key.len;
		uint32_t until = get_be32(at->bytes + at->len - ORDERED_SUFFIX);
		status = record_decode(pair.value, &record, err);
		bool needed = status == HF_OK && is_needed(epochs, record.epoch, until);
		if (status == HF_OK && !needed)
			status = ops->del(&write->txn, ORDERED_HISTORY, engine_key_view(at), err);
		put_be32(at->bytes + at->len - ORDERED_SUFFIX, until + 1);
		if (status == HF_OK)
			status =
				ops->move(&cursor, needed ? ORDERED_NEXT : ORDERED_AT, engine_key_view(at), &pair, err);
	}
	*ret_done = status == HF_NOT_FOUND || (status == HF_OK && get_be32(pair.key.ptr) != (uint32_t)write->ns);
	ops->cursor_close(&cursor);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status let_go_step(hf_kv_backend_state *state, int32_t ns, struct engine_key *at, hf_deadline deadline,
                                  bool *ret_done, hf_error *err)
{
	struct engine_write write;
	uint32_t epochs_room[HF_KV_CHECKPOINTS_MAX + 1];
	struct epochs epochs = {.at = epochs_room};
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE_RELAXED, deadline, err);
	if (status != HF_OK)
		return status;
	bool forgotten = false;
	status = each_row(&write.txn, ns, epoch_row, &epochs, err);
	uint32_t oldest = epochs.count ? epochs.at[epochs.count - 1] : UINT32_MAX;
	if (status == HF_OK)
		status = engine_changed_forget(&write, oldest, &forgotten, err);
	if (status == HF_OK && forgotten)
		status = let_go(&write, &epochs, at, ret_done, err);
	return engine_write_end(&write, status, err);
}

/* The row first: images that stay behind when this is killed belong to nobody and go with the next deletion. */
enum hf_status engine_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, hf_error *err)
{
	struct engine_write write;
	struct engine_key entry, at;
	bool done = false;
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_write_end(&write, remove_row(&write, id, err), err);
	engine_key_entry(&entry, ns, (struct hf_bytes){NULL, 0});
	engine_key_history(&at, engine_key_view(&entry), 0);
	while (status == HF_OK && !done)
		status = let_go_step(state, ns, &at, deadline, &done, err);
	return status;
}
