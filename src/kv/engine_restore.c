/*
 * engine_restore.c - making everything what it was at a checkpoint, in one transaction.
 *
 * What was written since (engine_changed.c) gets the version of then, or goes. It is written as everybody writes, so
 * that other checkpoints, the one of the undo among them, keep what they need. What has expired meanwhile stays away.
 */
#include <stdlib.h>

#include "base/error.h"
#include "kv/engine_checkpoint.h"

struct restore {
	struct engine_write *write;
	struct ordered_cursor history;
	uint32_t epoch; /* of the checkpoint */
	hf_deadline deadline;
	uint64_t put, deleted;
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

/* Key by key, each once: what is written meanwhile lies behind. */
static enum hf_status restore_changed(struct restore *restore, struct ordered_cursor *changed, hf_error *err)
{
	struct engine_found now;
	struct engine_key at;
	engine_key_entry(&at, restore->write->ns, (struct hf_bytes){NULL, 0});
	for (uint64_t n = 1;; n++) {
		enum hf_status status =
			engine_changed_next(changed, restore->write->ns, restore->epoch, UINT32_MAX, &at, err);
		if (status == HF_NOT_FOUND)
			return HF_OK;
		if (status == HF_OK && n % ENGINE_STEP == 0)
			status = engine_check(restore->write->state, restore->deadline, err);
		now.key = at;
		if (status == HF_OK)
			status = engine_find(restore->write, &now, err);
		if (status == HF_OK)
			status = restore_entry(restore, &now, err);
		if (status != HF_OK)
			return status;
		at.bytes[at.len++] = 0;
	}
}

static enum hf_status run_through(struct restore *restore, hf_error *err)
{
	const struct ordered_ops *ops = restore->write->txn.store->ops;
	struct ordered_cursor changed;
	enum hf_status status = ops->cursor_open(&restore->write->txn, ORDERED_HISTORY, &restore->history, err);
	if (status != HF_OK)
		return status;
	status = ops->cursor_open(&restore->write->txn, ORDERED_CHANGED, &changed, err);
	if (status == HF_OK) {
		status = restore_changed(restore, &changed, err);
		ops->cursor_close(&changed);
	}
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
	if (status == HF_OK)
		status = engine_tell(write, HF_KV_EVENT_RESTORE, (struct hf_bytes){NULL, 0}, 0, err);
	return status == HF_OK ? run_through(restore, err) : status;
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
