/*
 * engine_changed.c - which keys were written since a checkpoint, in their order.
 *
 * While a namespace has a checkpoint, the first write of a key in an epoch leaves a row (namespace, epoch, key) in
 * ORDERED_CHANGED. What was written since epoch k is in the rows from k on; keys of each epoch lie in order, and here
 * those of all epochs are merged: for each key one look an epoch that has rows, so what it costs is what changed.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"

enum { ROW_HEAD = 8 };

static void row_key(struct engine_key *key, int32_t ns, uint32_t epoch, struct hf_bytes user_key)
{
	engine_key_entry(key, ns, (struct hf_bytes){NULL, 0});
	put_be32(key->bytes + 4, epoch);
	if (user_key.len)
		memcpy(key->bytes + ROW_HEAD, user_key.ptr, user_key.len);
	key->len = ROW_HEAD + user_key.len;
}

enum hf_status engine_changed_add(struct engine_write *write, const struct engine_found *found, hf_error *err)
{
	struct engine_key row;
	uint8_t *place = NULL;
	const struct namespace_state *space = &write->space;
	if (space->top == 0 || (found->is_there && found->record.epoch == space->epoch))
		return HF_OK;
	row_key(&row, write->ns, space->epoch, engine_user_key(engine_key_view(&found->key)));
	return write->txn.store->ops->put(&write->txn, ORDERED_CHANGED, engine_key_view(&row), 0, &place, err);
}

static int order(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int result = common ? memcmp(a.ptr, b.ptr, common) : 0;
	return result ? result : (a.len > b.len) - (a.len < b.len);
}

/* The first row of the namespace that is not before `row`, which becomes a copy of it. */
static enum hf_status seek(struct ordered_cursor *changed, int32_t ns, struct engine_key *row, hf_error *err)
{
	struct ordered_pair pair;
	enum hf_status status = changed->txn->store->ops->move(changed, ORDERED_AT, engine_key_view(row), &pair, err);
	if (status != HF_OK)
		return status;
	if (pair.key.len < ROW_HEAD || pair.key.len > ENGINE_KEY_BYTES)
		return error_set(err, HF_E_CORRUPT, "could not read what was written: a key of %zu bytes",
		                 pair.key.len);
	memcpy(row->bytes, pair.key.ptr, row->len = pair.key.len);
	return get_be32(row->bytes) == (uint32_t)ns ? HF_OK : HF_NOT_FOUND;
}

/* What stands in a row as the key of an entry. */
static void take_key(struct engine_key *key, const struct engine_key *row)
{
	memcpy(key->bytes, row->bytes, 4);
	memcpy(key->bytes + 4, row->bytes + ROW_HEAD, row->len - ROW_HEAD);
	key->len = row->len - 4;
}

enum hf_status engine_changed_next(struct ordered_cursor *changed, int32_t ns, uint32_t since, uint32_t before,
                                   struct engine_key *at, hf_error *err)
{
	const struct engine_key from = *at;
	struct hf_bytes user_key = engine_user_key(engine_key_view(&from));
	struct engine_key row;
	bool found = false;
	for (uint32_t epoch = since; epoch < before;) {
		row_key(&row, ns, epoch, user_key);
		enum hf_status status = seek(changed, ns, &row, err);
		if (status == HF_NOT_FOUND)
			break;
		if (status != HF_OK)
			return status;
		uint32_t there = get_be32(row.bytes + 4);
		if (there > epoch) { /* this one has no more: on in the next that has rows */
			epoch = there;
			continue;
		}
		struct hf_bytes key = {row.bytes + ROW_HEAD, row.len - ROW_HEAD};
		if (!found || order(key, engine_user_key(engine_key_view(at))) < 0)
			take_key(at, &row);
		found = true;
		epoch++;
	}
	return found ? HF_OK : HF_NOT_FOUND;
}

enum hf_status engine_changed_forget(struct engine_write *write, uint32_t before, bool *ret_done, hf_error *err)
{
	const struct ordered_ops *ops = write->txn.store->ops;
	struct ordered_cursor cursor;
	struct engine_key row;
	enum hf_status status = ops->cursor_open(&write->txn, ORDERED_CHANGED, &cursor, err);
	if (status != HF_OK)
		return status;
	*ret_done = false;
	for (size_t n = 0; status == HF_OK && n < ENGINE_STEP; n++) {
		row_key(&row, write->ns, 0, (struct hf_bytes){NULL, 0});
		status = seek(&cursor, write->ns, &row, err);
		if (status == HF_OK && get_be32(row.bytes + 4) >= before)
			status = HF_NOT_FOUND;
		if (status == HF_OK)
			status = ops->del(&write->txn, ORDERED_CHANGED, engine_key_view(&row), err);
	}
	*ret_done = status == HF_NOT_FOUND;
	ops->cursor_close(&cursor);
	return status == HF_NOT_FOUND ? HF_OK : status;
}
