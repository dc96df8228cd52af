/*
 * engine_restore.c - making everything what it was at a checkpoint, in one transaction.
 *
 * Two passes. Over the entries: what was written since (its epoch is not below the checkpoint's) gets the version of
 * then, or goes. Over the history: what was deleted since comes back. Both write as everybody does, so that other
 * checkpoints, the one of the undo among them, keep what they need. What has expired meanwhile stays away.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"

struct restore {
	struct engine_write *write;
	struct ordered_cursor walker; /* of the pass */
	struct ordered_cursor history;
	uint32_t epoch; /* of the checkpoint */
	hf_deadline deadline;
	uint64_t put, deleted;
	struct engine_key at;      /* where the pass is */
	struct engine_write image; /* only for its scratch: keeps the version of then */
};

/* Room of its own, because writing an entry keeps the entry's old record. */
static enum hf_status keep_version(struct restore *restore, struct engine_found *then, hf_error *err)
{
	return engine_keep(&restore->image, then, err);
}

static enum hf_status put_back(struct restore *restore, struct engine_found *now, const struct record *then,
                               hf_error *err)
{
	struct record record = *then;
	record.rev = ++restore->write->rev;
	restore->put++;
	return engine_store(restore->write, now, &record, err);
}

/* The entry at `now->key` becomes what it was. */
static enum hf_status restore_entry(struct restore *restore, struct engine_found *now, hf_error *err)
{
	struct engine_found then;
	enum hf_status status =
		engine_version(&restore->history, engine_key_view(&now->key), restore->epoch, &then, err);
	if (status != HF_OK)
		return status;
	if (then.is_there && record_is_live(&then.record, restore->write->now_us)) {
		status = keep_version(restore, &then, err);
		return status == HF_OK ? put_back(restore, now, &then.record, err) : status;
	}
	restore->deleted += now->is_live;
	return engine_remove(restore->write, now, err);
}

static enum hf_status check(const struct restore *restore, uint64_t n, hf_error *err)
{
	return n % ENGINE_STEP ? HF_OK : engine_check(restore->write->state, restore->deadline, err);
}

/* A pass goes on behind `at` after a write, which is where a cursor has to be sought anew. */
static enum hf_status seek(struct restore *restore, bool anew, struct ordered_pair *ret_pair, hf_error *err)
{
	return restore->write->txn.store->ops->move(&restore->walker, anew ? ORDERED_AT : ORDERED_NEXT,
	                                            engine_key_view(&restore->at), ret_pair, err);
}

static bool is_own(const struct restore *restore, const struct ordered_pair *pair)
{
	return get_be32(pair->key.ptr) == (uint32_t)restore->write->ns;
}

static enum hf_status pass_entries(struct restore *restore, hf_error *err)
{
	struct ordered_pair pair;
	struct engine_found now;
	enum hf_status status = seek(restore, true, &pair, err);
	for (uint64_t n = 1; status == HF_OK && is_own(restore, &pair); n++) {
		struct record record;
		status = record_decode(pair.value, &record, err);
		if (status == HF_OK)
			status = check(restore, n, err);
		bool changed = status == HF_OK && record.epoch >= restore->epoch;
		if (changed) {
			engine_key_entry(&now.key, restore->write->ns, engine_user_key(pair.key));
			restore->at = now.key;
			restore->at.bytes[restore->at.len++] = 0;
			status = engine_find(restore->write, &now, err);
			if (status == HF_OK)
				status = restore_entry(restore, &now, err);
		}
		if (status == HF_OK)
			status = seek(restore, changed, &pair, err);
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* A row of the history that lived then, of a key that is not there now. */
static enum hf_status revive(struct restore *restore, const struct ordered_pair *pair, const struct record *record,
                             bool *ret_wrote, hf_error *err)
{
	struct engine_found now, then = {.is_there = true, .bytes = pair->value, .record = *record};
	*ret_wrote = false;
	if (!record_is_live(record, restore->write->now_us))
		return HF_OK;
	engine_key_entry(&now.key, restore->write->ns,
	                 (struct hf_bytes){pair->key.ptr + 4, pair->key.len - 4 - ORDERED_SUFFIX});
	memcpy(restore->at.bytes, pair->key.ptr, pair->key.len);
	restore->at.len = pair->key.len;
	put_be32(restore->at.bytes + restore->at.len - ORDERED_SUFFIX,
	         get_be32(restore->at.bytes + restore->at.len - ORDERED_SUFFIX) + 1);
	enum hf_status status = engine_find(restore->write, &now, err);
	if (status != HF_OK || now.is_there)
		return status;
	*ret_wrote = true;
	status = keep_version(restore, &then, err);
	return status == HF_OK ? put_back(restore, &now, &then.record, err) : status;
}

static enum hf_status pass_history(struct restore *restore, hf_error *err)
{
	struct ordered_pair pair;
	enum hf_status status = seek(restore, true, &pair, err);
	for (uint64_t n = 1; status == HF_OK && is_own(restore, &pair); n++) {
		struct engine_version version = {.until = get_be32(pair.key.ptr + pair.key.len - ORDERED_SUFFIX)};
		bool wrote = false;
		status = record_decode(pair.value, &version.record, err);
		if (status == HF_OK)
			status = check(restore, n, err);
		if (status == HF_OK && engine_version_is_in(&version, restore->epoch))
			status = revive(restore, &pair, &version.record, &wrote, err);
		if (status == HF_OK)
			status = seek(restore, wrote, &pair, err);
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status run_pass(struct restore *restore, enum ordered_map map,
                               enum hf_status (*pass)(struct restore *restore, hf_error *err), hf_error *err)
{
	const struct ordered_ops *ops = restore->write->txn.store->ops;
	enum hf_status status = ops->cursor_open(&restore->write->txn, map, &restore->walker, err);
	if (status != HF_OK)
		return status;
	status = pass(restore, err);
	ops->cursor_close(&restore->walker);
	return status;
}

static enum hf_status run_passes(struct restore *restore, hf_error *err)
{
	const struct ordered_ops *ops = restore->write->txn.store->ops;
	struct engine_key first;
	enum hf_status status = ops->cursor_open(&restore->write->txn, ORDERED_HISTORY, &restore->history, err);
	if (status != HF_OK)
		return status;
	engine_key_entry(&first, restore->write->ns, (struct hf_bytes){NULL, 0});
	restore->at = first;
	status = run_pass(restore, ORDERED_ENTRIES, pass_entries, err);
	engine_key_history(&restore->at, engine_key_view(&first), 0);
	if (status == HF_OK)
		status = run_pass(restore, ORDERED_HISTORY, pass_history, err);
	ops->cursor_close(&restore->history);
	return status;
}

static enum hf_status run(struct restore *restore, const struct hf_uuid *id, struct hf_kv_checkpoint *undo,
                          hf_error *err)
{
	struct engine_write *write = restore->write;
	enum hf_status status = engine_epoch_find(&write->txn, write->ns, id, &restore->epoch, err);
	if (status == HF_OK && undo)
		status = engine_point_make(write, undo, err);
	return status == HF_OK ? run_passes(restore, err) : status;
}

enum hf_status engine_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                              struct hf_kv_checkpoint *undo, hf_deadline deadline, struct hf_kv_restored *ret_restored,
                              hf_error *err)
{
	struct engine_write write;
	struct restore restore = {.write = &write, .deadline = deadline};
	enum hf_status status = engine_write_begin(&write, state, ns, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_write_end(&write, run(&restore, id, undo, err), err);
	free(restore.image.scratch);
	if (status != HF_OK)
		return status;
	ret_restored->put = restore.put;
	ret_restored->deleted = restore.deleted;
	return HF_OK;
}
