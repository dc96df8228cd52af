/*
 * engine.h - the key-value operations over an ordered map (ordered.h): what memory and LMDB have in common.
 *
 * Keys of the maps, numbers big endian:
 *     entries      namespace, key                -> record (record.h)
 *     expiry       expires, namespace, key       -> nothing; a row for each entry that expires
 *     namespaces   name                          -> number
 *     history      namespace, key, epoch         -> record as it was before that epoch (engine_checkpoint.h)
 *     changed      namespace, epoch, key         -> nothing; what was written in an epoch that follows a checkpoint
 *     checkpoints  namespace, epoch              -> checkpoint
 *     locks        namespace, name               -> lock (engine_lock.c)
 *     changes      namespace, number             -> change (engine_feed.c)
 *     meta         'n' namespace                 -> struct namespace_state; 'r' -> a revision that none has passed;
 *                                                   'i' -> the last number of a namespace; 'f' namespace -> its feed;
 *                                                   't' namespace -> its default time to live, in microseconds
 * Invariants: counts and the index of expiries change in the transaction that changes the entry. Revisions are taken
 * ENGINE_REVISIONS at a time, so that a put writes the path to its entry and no other; who does not know the last one
 * given goes on behind what was taken. Time is read once a call, after the transaction began. No transaction is open
 * while a callback runs.
 */
#ifndef KV_ENGINE_H
#define KV_ENGINE_H

#include "holdfast/backend.h"
#include "kv/codec.h"
#include "kv/engine_group.h"
#include "kv/ordered.h"
#include "kv/record.h"

struct namespace_state {
	uint64_t count; /* entries, expired ones included */
	uint32_t epoch; /* of what is written now */
	uint32_t top;   /* that of the newest checkpoint; 0 = there is none */
	uint64_t fed;   /* the last change of its feed; 0 = there is none */
};

/* What a transaction of this process left behind, if the next one has the number after it and nobody else had that
 * number. Touched by who writes only. */
struct engine_last {
	uint64_t number; /* 0 = nothing yet */
	int64_t rev;
	int64_t rev_taken;
	int32_t ns;
	struct namespace_state space;
};

struct hf_kv_backend_state {
	hf_context *ctx;
	struct ordered *store;           /* owned */
	struct engine_last last, before; /* `before` holds where that of `last` changed nothing, or failed */
	struct engine_group group;
	struct codec codec;
	bool no_namespace; /* none is made */
};

enum { ENGINE_NAMESPACES_MAX = 0x3fffffff };
enum { ENGINE_KEY_BYTES = 8 + 4 + HF_KV_KEY_BYTES_MAX + 4, ENGINE_STEP = 1000, ENGINE_REVISIONS = 1000 };

/* A key of one of the maps being put together. */
struct engine_key {
	size_t len;
	uint8_t bytes[ENGINE_KEY_BYTES];
};

static inline struct hf_bytes engine_key_view(const struct engine_key *key)
{
	return (struct hf_bytes){key->bytes, key->len};
}
void engine_key_entry(struct engine_key *key, int32_t ns, struct hf_bytes user_key);
/** @param epoch of a row of the history. */
void engine_key_history(struct engine_key *key, struct hf_bytes entry_key, uint32_t epoch);
void engine_key_expiry(struct engine_key *key, int64_t expires_us, struct hf_bytes entry_key);
/** The user's part of a key of the entries. */
static inline struct hf_bytes engine_user_key(struct hf_bytes entry_key)
{
	return (struct hf_bytes){entry_key.ptr + 4, entry_key.len - 4};
}

enum hf_status engine_namespace_load(struct ordered_txn *txn, int32_t ns, struct namespace_state *ret_state,
                                     hf_error *err);
enum hf_status engine_namespace_save(struct ordered_txn *txn, int32_t ns, const struct namespace_state *state,
                                     hf_error *err);

/** HF_E_INTERRUPTED or HF_TIMEOUT when it is time to end. */
enum hf_status engine_check(const hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);
/** Check, then begin a transaction that reads; ops->abort() ends it. */
enum hf_status engine_read_begin(hf_kv_backend_state *state, hf_deadline deadline, struct ordered_txn *ret_txn,
                                 hf_error *err);
/** The same, and a cursor on one map; `ret_txn` must live as long. engine_cursor_end() ends both. */
enum hf_status engine_cursor_begin(hf_kv_backend_state *state, enum ordered_map map, hf_deadline deadline,
                                   struct ordered_txn *ret_txn, struct ordered_cursor *ret_cursor, hf_error *err);
void engine_cursor_end(struct ordered_cursor *cursor);
/** The value of a record, as it is stored. */
static inline struct codec_value engine_value(const struct record *record)
{
	return (struct codec_value){record->value, record->packed ? CODEC_ZSTD : CODEC_RAW};
}
/** Copy a record into the arena as an entry, unpacked. */
enum hf_status engine_entry(hf_kv_backend_state *state, hf_arena *arena, struct hf_bytes user_key,
                            const struct record *record, bool keys_only, struct hf_kv_entry *ret_entry, hf_error *err);

/* The functions of the table, the same for each store. */
enum hf_status engine_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                           bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                           hf_error *err);
enum hf_status engine_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                           void *user, hf_error *err);
enum hf_status engine_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, uint64_t *ret_count,
                            hf_error *err);
enum hf_status engine_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                            struct hf_kv_result *ret_results, hf_error *err);
enum hf_status engine_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                               const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                               struct hf_kv_result *ret_results, hf_error *err);
enum hf_status engine_clear(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                            uint64_t *ret_removed, hf_error *err);
enum hf_status engine_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err);
enum hf_status engine_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                              const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                              hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status engine_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                                int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                hf_error *err);
enum hf_status engine_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                                 hf_deadline deadline, int64_t *ret_expires_us, hf_error *err);
enum hf_status engine_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err);
enum hf_status engine_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                   hf_deadline deadline, hf_error *err);
enum hf_status engine_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id, hf_deadline deadline,
                                 hf_arena *arena, struct hf_kv_checkpoint **ret_points, size_t *ret_count,
                                 hf_error *err);
enum hf_status engine_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                   hf_deadline deadline, hf_error *err);
enum hf_status engine_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, hf_error *err);
enum hf_status engine_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                   size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err);
enum hf_status engine_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                    hf_deadline deadline, bool *ret_changed, hf_error *err);
enum hf_status engine_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                              struct hf_kv_checkpoint *undo, hf_deadline deadline, struct hf_kv_restored *ret_restored,
                              hf_error *err);
enum hf_status engine_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from, const struct hf_uuid *to,
                           int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn, void *user, hf_error *err);
enum hf_status engine_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                               hf_deadline deadline, hf_error *err);
enum hf_status engine_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                struct hf_kv_feed *ret_feed, hf_error *err);
enum hf_status engine_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                              hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count,
                              hf_error *err);
/** Removes what feeds keep no longer, in steps. */
enum hf_status engine_feed_trim(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);
/** For kv_health.h. */
enum hf_status engine_inspect(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, struct hf_kv_health *health,
                              hf_error *err);
enum hf_status engine_sweep(hf_kv_backend_state *state, size_t limit, hf_deadline deadline, uint64_t *ret_removed,
                            hf_error *err);

#endif
