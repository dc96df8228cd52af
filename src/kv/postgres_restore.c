/*
 * postgres_restore.c - making everything what it was at a checkpoint, in one transaction that holds the namespace's
 * lock: what was written since goes into the history, and what was there before comes back from its image, in a new
 * epoch. Other checkpoints, the one of the undo among them, have what they need. What has expired meanwhile stays away.
 * The checkpoint itself is held: nobody deletes it, and so its images, in between.
 *
 * Each step is one statement. Entries become their images by an update, which leaves most of them on their pages and
 * the index as it is; a DELETE and an INSERT of the same take twice as long. Steps of which the counts say that they
 * would find nothing are left out, as each reads a whole table.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"

struct restoring {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_uuid *id;
	struct hf_kv_checkpoint *undo; /* or NULL */
	const char *patience;
	struct hf_kv_restored restored;
};

/* The epoch to write in: that of the undo, or one that begins without. An undo that is a copy is made when the lock is
 * held. */
static enum hf_status begin(struct restoring *restoring, hf_where tx, hf_arena *arena, int32_t *ret_epoch,
                            hf_error *err)
{
	hf_kv_backend_state *state = restoring->state;
	struct restore_epoch_row row;
	enum hf_status status = HF_NOT_FOUND;
	if (restoring->undo)
		status = postgres_point_make(tx, state, restoring->ns, restoring->patience, restoring->undo, err);
	if (status != HF_NOT_FOUND) {
		*ret_epoch = (int32_t)restoring->undo->epoch;
		return status;
	}
	const struct restore_epoch_in in = {restoring->ns, hf_str_of(restoring->patience)};
	status = restore_epoch(tx, &state->points, &in, arena, &row, err);
	if (status == HF_OK && !row.has_epoch)
		return error_set(err, HF_E_DRIFT, "the namespace is gone");
	*ret_epoch = status == HF_OK ? row.epoch : 0;
	if (status == HF_OK && restoring->undo)
		return postgres_copy_make(tx, state, restoring->ns, restoring->undo, err);
	return status;
}

/* ---- the steps, in the transaction ---- */

/* Above this a set is joined as such, and a table read for it. */
enum { FEW = 20000 };

struct step {
	struct restoring *restoring;
	hf_where tx;
	hf_arena *arena;
	int32_t at, epoch;
	int64_t kept, images, updated, added, deleted;
};

static enum hf_status put(struct step *step, hf_error *err)
{
	const struct checkpoints_bound *points = &step->restoring->state->points;
	const struct restore_count_in all = {.few = FEW, .ns = step->restoring->ns, .at = step->at};
	struct restore_count_row row;
	enum hf_status status = restore_count(step->tx, points, &all, step->arena, &row, err);
	if (status != HF_OK || row.images == 0)
		return status;
	step->images = row.images;
	if (row.images > FEW)
		return restore_put_many(step->tx, points,
		                        &(struct restore_put_many_in){.ns = all.ns,
		                                                      .at = step->at,
		                                                      .epoch = step->epoch},
		                        &step->updated, err);
	return restore_put_few(step->tx, points,
	                       &(struct restore_put_few_in){.ns = all.ns, .at = step->at, .epoch = step->epoch},
	                       &step->updated, err);
}

/* Without an undo by images nobody has counted what was written since. */
static enum hf_status take(struct step *step, hf_error *err)
{
	const struct restore_take_in in = {.ns = step->restoring->ns, .at = step->at, .epoch = step->epoch};
	struct restore_take_row gone = {0};
	const struct hf_kv_checkpoint *undo = step->restoring->undo;
	if (undo && undo->kind == HF_KV_EPOCH && step->kept == step->updated)
		return HF_OK;
	enum hf_status status = restore_take(step->tx, &step->restoring->state->points, &in, step->arena, &gone, err);
	step->deleted = gone.n;
	return status;
}

static enum hf_status add(struct step *step, hf_error *err)
{
	const struct restore_add_in in = {.ns = step->restoring->ns, .at = step->at, .epoch = step->epoch};
	if (step->images == step->updated)
		return HF_OK;
	return restore_add(step->tx, &step->restoring->state->points, &in, &step->added, err);
}

static enum hf_status attempt(hf_where tx, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct restoring *restoring = user;
	const struct checkpoints_bound *points = &restoring->state->points;
	const struct point_hold_in hold = {restoring->ns, *restoring->id};
	struct step step = {.restoring = restoring, .tx = tx, .arena = arena};
	struct point_hold_row held;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_hold(tx, points, &hold, arena, &held, err);
	if (status == HF_OK)
		status = begin(restoring, tx, arena, &step.epoch, err);
	if (status != HF_OK)
		return status;
	if (postgres_kind(held.kind) == HF_KV_SNAPSHOT)
		return postgres_copy_restore(tx, restoring->state, restoring->ns, held.epoch, step.epoch,
		                             &restoring->restored, err);
	step.at = held.epoch;
	const struct restore_keep_in keep = {.ns = restoring->ns, .epoch = step.epoch, .at = step.at};
	status = restore_keep(tx, points, &keep, &step.kept, err);
	if (status == HF_OK)
		status = put(&step, err);
	if (status == HF_OK)
		status = take(&step, err);
	if (status == HF_OK)
		status = add(&step, err);
	if (status == HF_OK)
		restoring->restored = (struct hf_kv_restored){.put = (uint64_t)(step.updated + step.added),
		                                              .deleted = (uint64_t)step.deleted};
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
