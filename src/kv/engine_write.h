/*
 * engine_write.h - one transaction of the engine that writes: entries with all that belongs to them.
 *
 *     struct engine_write write;
 *     status = engine_write_begin(&write, state, ns, mode, deadline, err);
 *     if (status == HF_OK) {
 *             status = ... engine_find(), engine_store(), engine_remove() ...
 *             status = engine_write_end(&write, status, err);     commits after HF_OK, else undoes
 *     }
 */
#ifndef KV_ENGINE_WRITE_H
#define KV_ENGINE_WRITE_H

#include "kv/engine.h"

struct engine_write {
	hf_kv_backend_state *state;
	struct ordered_txn txn;
	int64_t now_us;
	int64_t rev;       /* the last one given */
	int64_t rev_taken; /* up to here the store knows */
	int32_t ns;              /* 0 = none yet */
	struct namespace_state space, space_before;
	int32_t feed_ns; /* whose feed keeps `feed_most` */
	uint64_t feed_most;
	bool untold;      /* what happens is told in one change */
	uint8_t *scratch; /* a record as it was */
	size_t scratch_room;
	hf_arena *arena; /* NULL until engine_arena(); of one write */
};

/* What stands under a key. */
struct engine_found {
	struct engine_key key;
	bool is_there;
	bool is_live;
	struct hf_bytes bytes; /* of the record; the store's, until kept */
	struct record record;
};

/** @param ns 0 = engine_write_enter() says later. */
enum hf_status engine_write_begin(struct engine_write *write, hf_kv_backend_state *state, int32_t ns,
                                  enum ordered_mode mode, hf_deadline deadline, hf_error *err);
/** Go on in another namespace. */
enum hf_status engine_write_enter(struct engine_write *write, int32_t ns, hf_error *err);
enum hf_status engine_write_end(struct engine_write *write, enum hf_status status, hf_error *err);

/** Fills all but the key of `found`. */
enum hf_status engine_find(struct engine_write *write, struct engine_found *found, hf_error *err);
/** Copy what was found, so that it outlasts a write. The next call takes the place of this one's copy. */
enum hf_status engine_keep(struct engine_write *write, struct engine_found *found, hf_error *err);
/** Memory for one write; gone with the transaction. NULL when there is none. */
hf_arena *engine_arena(struct engine_write *write);
/** The value of what was found: in that memory where it was packed, else borrowed. */
enum hf_status engine_plain(struct engine_write *write, const struct engine_found *found, struct hf_bytes *ret_value,
                            hf_error *err);
/** Put `record` in the place of what was found; its epoch is set here. Views of it may borrow from a kept `found`. */
enum hf_status engine_store(struct engine_write *write, struct engine_found *found, struct record *record,
                            hf_error *err);
enum ordered_mode engine_mode_of(const struct hf_kv_batch *batch);
/** Fence and writes of a batch, whose values are stored as `packed` (NULL: as given), in a transaction that goes on
 * after HF_OK; after HF_CONFLICT too if it has one write. */
enum hf_status engine_run(struct engine_write *write, const struct hf_kv_batch *batch, const struct codec_value *packed,
                          hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err);
/** engine_apply() in a transaction of its own. */
enum hf_status engine_apply_alone(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                  const struct codec_value *packed, hf_arena *arena, struct hf_kv_result *ret_results,
                                  hf_error *err);
/** A change for the feed, if there is one. engine_store() and engine_remove() tell theirs. */
enum hf_status engine_tell(struct engine_write *write, enum hf_kv_event_kind kind, struct hf_bytes user_key,
                           int64_t rev, hf_error *err);
/** HF_CONFLICT unless the lock is held with that fence (NULL: none is asked for). */
enum hf_status engine_fence(struct engine_write *write, const struct hf_kv_fence *fence, hf_error *err);
/** Remove all entries of the namespace. HF_CONFLICT without `live_too`: one is live. */
enum hf_status engine_clear_all(struct engine_write *write, bool live_too, hf_deadline deadline, uint64_t *removed,
                                hf_error *err);
/** Remove what was found, if anything. */
enum hf_status engine_remove(struct engine_write *write, struct engine_found *found, hf_error *err);

#endif
