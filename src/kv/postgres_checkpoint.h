/*
 * postgres_checkpoint.h - checkpoints on PostgreSQL: what the files of them share.
 *
 *   postgres_checkpoint.c   made, listed, changed, deleted
 *   postgres_restore.c      going back to one
 *   postgres_snapshot.c     those that are copies
 *   postgres_load.c         taking over entries as they are
 *   postgres_at.c           reading as of one, and what differs
 *   postgres_stream.c       reading all, as of one or now
 *
 * What a checkpoint is stands in sql/migrations/kv/0002_checkpoints.sql. Making one and restoring take the namespace's
 * lock from all writers. Whoever waits for it holds up the writers that come after, so that it is waited for in slices,
 * with a pause after each: a transaction that does not end delays the checkpoint and stalls the writers for no longer
 * than a slice at a time.
 */
#ifndef KV_POSTGRES_CHECKPOINT_H
#define KV_POSTGRES_CHECKPOINT_H

#include "core/backoff.h"
#include "kv/postgres.h"

/* Whoever wants the lock: for how long this time, until when in all. */
struct postgres_wait {
	const hf_kv_backend_state *state;
	hf_deadline deadline;
	int64_t patience_us;
	struct backoff backoff;
	char patience[24]; /* of this slice, as the server reads it */
};
void postgres_wait_init(struct postgres_wait *wait, const hf_kv_backend_state *state, hf_deadline deadline);
/** After a try that ended with `status`: shall another be made? Pauses before it answers yes. `status` is what the call
 *  ends with: HF_TIMEOUT instead of HF_BUSY when the deadline has passed. */
bool postgres_wait_again(struct postgres_wait *wait, enum hf_status *status, hf_error *err);

/** Make one of kind HF_KV_EPOCH at `where`, waiting `patience`. HF_BUSY: writers were not done by then. HF_NOT_FOUND:
 *  no trigger keeps images. HF_E_LIMIT. */
enum hf_status postgres_point_make(hf_where where, const hf_kv_backend_state *state, int32_t ns, const char *patience,
                                   struct hf_kv_checkpoint *point, hf_error *err);
/** The same of kind HF_KV_SNAPSHOT. HF_E_LIMIT. */
enum hf_status postgres_copy_make(hf_where where, const hf_kv_backend_state *state, int32_t ns,
                                  struct hf_kv_checkpoint *point, hf_error *err);
/** Sets the error of as many checkpoints as there may be. @return HF_E_LIMIT. */
enum hf_status postgres_point_limit(hf_error *err);
/** What stands in the column `kind`. */
enum hf_kv_checkpoint_kind postgres_kind(struct hf_str text);
/** HF_OK; HF_NOT_FOUND. @param ret_kind NULL allowed. */
enum hf_status postgres_point_check(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                    hf_deadline deadline, enum hf_kv_checkpoint_kind *ret_kind, hf_error *err);
/** Make everything what it was in the copy of epoch `at`, in a transaction that holds the namespace's lock and writes
 *  in `epoch`. `undo` of the result is not set. */
enum hf_status postgres_copy_restore(hf_where tx, const hf_kv_backend_state *state, int32_t ns, int32_t at,
                                     int32_t epoch, struct hf_kv_restored *ret_restored, hf_error *err);

enum hf_status postgres_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                     hf_deadline deadline, hf_error *err);
enum hf_status postgres_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, hf_arena *arena, struct hf_kv_checkpoint **ret_points,
                                   size_t *ret_count, hf_error *err);
enum hf_status postgres_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                     hf_deadline deadline, hf_error *err);
enum hf_status postgres_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                     hf_deadline deadline, hf_error *err);
enum hf_status postgres_points_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *ids, size_t count,
                                      hf_deadline deadline, size_t *ret_deleted, hf_error *err);
enum hf_status postgres_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                     size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err);
enum hf_status postgres_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                      hf_deadline deadline, bool *ret_changed, hf_error *err);
enum hf_status postgres_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err);
enum hf_status postgres_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                struct hf_kv_checkpoint *undo, hf_deadline deadline,
                                struct hf_kv_restored *ret_restored, hf_error *err);
enum hf_status postgres_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);
/** Is all wanted, with values, as fast as it comes? */
bool postgres_can_stream(const struct hf_kv_span *span);
/** Such a scan. Round trips: four, and one more where there is nothing. */
enum hf_status postgres_stream(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                               hf_kv_entry_fn *fn, void *user, hf_error *err);
enum hf_status postgres_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from,
                             const struct hf_uuid *to, int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn,
                             void *user, hf_error *err);

#endif
