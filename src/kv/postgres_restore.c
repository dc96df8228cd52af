/*
 * postgres_restore.c - making everything what it was at a checkpoint, in one transaction that holds the namespace's
 * lock: what was written since goes into the history, and what was there before comes back from its image, in a new
 * epoch. Other checkpoints, the one of the undo among them, have what they need. What has expired meanwhile stays away.
 * The checkpoint itself is held: nobody deletes it, and so its images, in between.
 *
 * Each way is one statement. Row by row, by an upsert whose triggers keep the images, it took four to ten times as
 * long; and loading all aside to have it take the namespace's place was slower at any share that changed.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"

struct restoring {
	hf_kv_backend_state *state;
	int32_t ns, at;
	const struct hf_uuid *id;
	struct hf_kv_checkpoint *undo; /* or NULL */
	const char *patience;
	struct hf_kv_restored restored;
};

/* The epoch to write in: that of the undo, or one that begins without. */
static enum hf_status begin(struct restoring *restoring, hf_where tx, hf_arena *arena, int32_t *ret_epoch,
                            hf_error *err)
{
	hf_kv_backend_state *state = restoring->state;
	struct restore_epoch_row row;
	enum hf_status status;
	if (restoring->undo) {
		status = postgres_point_make(tx, state, restoring->ns, restoring->patience, restoring->undo, err);
		*ret_epoch = (int32_t)restoring->undo->epoch;
		return status;
	}
	const struct restore_epoch_in in = {restoring->ns, hf_str_of(restoring->patience)};
	status = restore_epoch(tx, &state->points, &in, arena, &row, err);
	if (status == HF_OK && !row.has_epoch)
		return error_set(err, HF_E_DRIFT, "the namespace is gone");
	*ret_epoch = status == HF_OK ? row.epoch : 0;
	return status;
}

static enum hf_status attempt(hf_where tx, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct restoring *restoring = user;
	const struct checkpoints_bound *points = &restoring->state->points;
	struct point_hold_row held;
	struct restore_take_row gone;
	int32_t ns = restoring->ns, epoch = 0;
	int64_t put = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_hold(tx, points, &(struct point_hold_in){ns, *restoring->id}, arena, &held, err);
	if (status == HF_OK)
		status = begin(restoring, tx, arena, &epoch, err);
	if (status == HF_OK)
		status = restore_take(tx, points, &(struct restore_take_in){.ns = ns, .at = held.epoch, .epoch = epoch},
		                      arena, &gone, err);
	if (status == HF_OK)
		status = restore_put(tx, points, &(struct restore_put_in){.ns = ns, .epoch = epoch, .at = held.epoch},
		                     &put, err);
	if (status == HF_OK)
		restoring->restored = (struct hf_kv_restored){.put = (uint64_t)put, .deleted = (uint64_t)gone.n};
	return status;
}

enum hf_status postgres_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                struct hf_kv_checkpoint *undo, hf_deadline deadline,
                                struct hf_kv_restored *ret_restored, hf_error *err)
{
	const struct hf_transaction_options how = postgres_transaction(state);
	struct restoring restoring = {.state = state, .ns = ns, .id = id, .undo = undo};
	struct postgres_wait wait;
	enum hf_status status;
	postgres_wait_init(&wait, state, deadline);
	restoring.patience = wait.patience;
	do
		status = hf_transaction(postgres_on(state, deadline), &how, attempt, &restoring, err);
	while (postgres_wait_again(&wait, &status, err));
	if (status == HF_OK)
		*ret_restored = restoring.restored;
	return status;
}
