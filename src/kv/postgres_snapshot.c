/*
 * postgres_snapshot.c - checkpoints that are copies, for where no trigger keeps images: made by one statement, without
 * the lock, since a statement sees one moment; read by their own statements (postgres_read.c, postgres_at.c). A restore
 * compares the copy with what is there: it costs what there is, not what changed.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"

enum hf_status postgres_copy_make(hf_where where, const hf_kv_backend_state *state, int32_t ns,
                                  struct hf_kv_checkpoint *point, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct point_copy_row row;
	const struct point_copy_in in = {
		.id = point->id,
		.ns = ns,
		.name = point->name,
		.has_name = point->name.ptr != NULL,
		.pinned = point->pinned,
		.metadata = point->metadata,
		.has_metadata = point->metadata.ptr != NULL,
		.most = HF_KV_CHECKPOINTS_MAX,
	};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_copy(where, &state->points, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return postgres_point_limit(err);
	if (status != HF_OK)
		return status;
	point->kind = HF_KV_SNAPSHOT;
	point->epoch = row.epoch;
	point->created_us = postgres_us(row.created_at);
	return HF_OK;
}

enum hf_status postgres_copy_restore(hf_where tx, const hf_kv_backend_state *state, int32_t ns, int32_t at,
                                     int32_t epoch, struct hf_kv_restored *ret_restored, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct checkpoints_bound *points = &state->points;
	struct restore_sets_row sets;
	struct copy_take_row gone = {0};
	int64_t kept = 0, updated = 0, added = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = restore_sets(tx, points, arena, &sets, err);
	if (status == HF_OK)
		status = copy_keep(tx, points, &(struct copy_keep_in){.ns = ns, .epoch = epoch, .at = at}, &kept, err);
	if (status == HF_OK)
		status = copy_put(tx, points, &(struct copy_put_in){.ns = ns, .epoch = epoch, .at = at}, &updated, err);
	if (status == HF_OK)
		status = copy_take(tx, points, &(struct copy_take_in){.ns = ns, .at = at}, arena, &gone, err);
	if (status == HF_OK)
		status = copy_add(tx, points, &(struct copy_add_in){.ns = ns, .epoch = epoch, .at = at}, &added, err);
	if (status == HF_OK)
		*ret_restored =
			(struct hf_kv_restored){.put = (uint64_t)(updated + added), .deleted = (uint64_t)gone.n};
	return status;
}
