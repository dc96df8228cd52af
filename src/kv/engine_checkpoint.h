/*
 * engine_checkpoint.h - checkpoints by epochs: what a checkpoint is to the parts of the engine.
 *
 * A namespace has an epoch; a record carries that in which it was written. Making a checkpoint raises the epoch to `k`.
 * The first change of an entry with a record older than the newest checkpoint keeps the old record in the history under
 * (key, epoch of the change), so that an image lived in [its own epoch, that of its row). In checkpoint `k` is every
 * version that lived in k: a record with epoch < k, and each image with epoch < k <= its row's. Versions of a key do
 * not overlap: there is one at most. What has expired is not shown, as of a checkpoint no more than now.
 */
#ifndef KV_ENGINE_CHECKPOINT_H
#define KV_ENGINE_CHECKPOINT_H

#include "kv/engine_write.h"

/** The epoch of a checkpoint, 0 for `id` NULL: what is there now. HF_NOT_FOUND. */
enum hf_status engine_epoch_find(struct ordered_txn *txn, int32_t ns, const struct hf_uuid *id, uint32_t *ret_epoch,
                                 hf_error *err);
/** Make one in a transaction that goes on; fills in created_us and epoch. */
enum hf_status engine_point_make(struct engine_write *write, struct hf_kv_checkpoint *point, hf_error *err);
/** The version of a key in a checkpoint (0: now), expired or not: `is_there`, bytes and record are set, and the store's
 *  own. @param history a cursor of ORDERED_HISTORY of the transaction. */
enum hf_status engine_version(struct ordered_cursor *history, struct hf_bytes entry_key, uint32_t epoch,
                              struct engine_found *ret_found, hf_error *err);

/** Note that a key is written in this epoch, before it is. */
enum hf_status engine_changed_add(struct engine_write *write, const struct engine_found *found, hf_error *err);
/** The first key not before `at` (of the entries) that was written in epochs [since, before); `at` becomes it.
 *  HF_NOT_FOUND. @param changed a cursor of ORDERED_CHANGED of the transaction. */
enum hf_status engine_changed_next(struct ordered_cursor *changed, int32_t ns, uint32_t since, uint32_t before,
                                   struct engine_key *at, hf_error *err);
/** Let go of at most ENGINE_STEP rows of epochs below `before`. */
enum hf_status engine_changed_forget(struct engine_write *write, uint32_t before, bool *ret_done, hf_error *err);

/* Entries and history of a namespace side by side, in the order of keys: what can belong to any checkpoint. */
struct engine_merge {
	struct ordered_cursor cursor[2]; /* entries, history */
	struct ordered_pair pair[2];
	bool has[2];
	bool reverse;
	uint8_t ns[4];
};
struct engine_version {
	struct hf_bytes key; /* of the entry */
	struct record record;
	uint32_t until; /* epoch of the row of the history; 0 = it is there now */
};
enum hf_status engine_merge_open(struct engine_merge *merge, struct ordered_txn *txn, int32_t ns,
                                 const struct engine_key *start, bool reverse, hf_error *err);
void engine_merge_close(struct engine_merge *merge);
/** The next version; HF_NOT_FOUND at the end of the namespace. It stays the next until engine_merge_step(). */
enum hf_status engine_merge_look(const struct engine_merge *merge, struct engine_version *ret_version, hf_error *err);
enum hf_status engine_merge_step(struct engine_merge *merge, hf_error *err);

static inline bool engine_version_is_in(const struct engine_version *version, uint32_t epoch)
{
	return version->record.epoch < epoch && (version->until == 0 || version->until >= epoch);
}

#endif
