/*
 * postgres_checkpoint.c - see postgres_checkpoint.h.
 */
#include "kv/postgres_checkpoint.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/postgres_retry.h"

enum { SLICE_US = 100 * 1000, PAUSE_US_MAX = 1000 * 1000, IMAGES_STEP = 10000 };

/* ---- waiting for the writers ---- */

static void next_slice(struct postgres_wait *wait)
{
	int64_t left_us = wait->deadline - hf_now_monotonic_us(wait->state->ctx);
	int64_t ms = (left_us < SLICE_US ? left_us : SLICE_US) / 1000;
	snprintf(wait->patience, sizeof(wait->patience), "%" PRId64 "ms", ms > 1 ? ms : 1);
}

void postgres_wait_init(struct postgres_wait *wait, const hf_kv_backend_state *state, hf_deadline deadline)
{
	*wait = (struct postgres_wait){.state = state, .deadline = deadline};
	backoff_init(&wait->backoff, SLICE_US, PAUSE_US_MAX);
	next_slice(wait);
}

bool postgres_wait_again(struct postgres_wait *wait, enum hf_status *status, hf_error *err)
{
	hf_context *ctx = wait->state->ctx;
	if (*status != HF_BUSY)
		return false;
	int64_t pause_us = backoff_next(&wait->backoff, context_random_u64(ctx));
	if (hf_now_monotonic_us(ctx) + pause_us >= wait->deadline) {
		*status = error_set(err, HF_TIMEOUT, "a writer did not end its transaction before the deadline");
		error_hint(err, "pg_stat_activity tells whose transaction is open for long");
		return false;
	}
	context_pause(ctx, pause_us);
	next_slice(wait);
	return true;
}

/* ---- making ---- */

enum hf_status postgres_point_limit(hf_error *err)
{
	error_set(err, HF_E_LIMIT, "the namespace has %d checkpoints: no more are kept", HF_KV_CHECKPOINTS_MAX);
	error_hint(err, "delete some, or prune them");
	return HF_E_LIMIT;
}

/* None was made: because there are too many, or for want of triggers. */
static enum hf_status why_not(hf_where where, const hf_kv_backend_state *state, hf_arena *arena, hf_error *err)
{
	struct point_may_row row;
	enum hf_status status = point_may(where, &state->points, arena, &row, err);
	if (status != HF_OK)
		return status;
	return row.traced ? postgres_point_limit(err) : HF_NOT_FOUND;
}

enum hf_status postgres_point_make(hf_where where, const hf_kv_backend_state *state, int32_t ns, const char *patience,
                                   struct hf_kv_checkpoint *point, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct point_create_row row;
	const struct point_create_in in = {
		.id = point->id,
		.ns = ns,
		.name = point->name,
		.has_name = point->name.ptr != NULL,
		.pinned = point->pinned,
		.metadata = point->metadata,
		.has_metadata = point->metadata.ptr != NULL,
		.patience = hf_str_of(patience),
		.most = HF_KV_CHECKPOINTS_MAX,
	};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_create(where, &state->points, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return why_not(where, state, arena, err);
	if (status != HF_OK)
		return status;
	point->kind = HF_KV_EPOCH;
	point->epoch = row.epoch;
	point->created_us = postgres_us(row.created_at);
	return HF_OK;
}

static enum hf_status no_triggers(hf_error *err)
{
	error_set(err, HF_E_UNSUPPORTED, "nothing keeps images: the triggers of the table are gone or disabled");
	error_hint(err, "ALTER TABLE ... ENABLE TRIGGER; or make a checkpoint that is a copy (kind \"snapshot\")");
	return HF_E_UNSUPPORTED;
}

enum hf_status postgres_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                     hf_deadline deadline, hf_error *err)
{
	struct postgres_wait wait;
	bool only = point->kind == HF_KV_EPOCH;
	enum hf_status status;
	if (point->kind == HF_KV_SNAPSHOT)
		return postgres_copy_make(postgres_on(state, deadline), state, ns, point, err);
	postgres_wait_init(&wait, state, deadline);
	do
		status = postgres_point_make(postgres_on(state, deadline), state, ns, wait.patience, point, err);
	while (postgres_wait_again(&wait, &status, err));
	if (status != HF_NOT_FOUND)
		return status;
	return only ? no_triggers(err) : postgres_copy_make(postgres_on(state, deadline), state, ns, point, err);
}

/* ---- looking ---- */

enum hf_kv_checkpoint_kind postgres_kind(struct hf_str text)
{
	return str_eq(text, HF_STR("snapshot")) ? HF_KV_SNAPSHOT : HF_KV_EPOCH;
}

static enum hf_status take_point(const struct point_list_row *row, hf_arena *arena, struct hf_kv_checkpoint *ret_point,
                                 hf_error *err)
{
	*ret_point = (struct hf_kv_checkpoint){
		.id = row->id,
		.name = row->has_name ? row->name : (struct hf_str){NULL, 0},
		.created_us = postgres_us(row->created_at),
		.epoch = row->epoch,
		.kind = postgres_kind(row->kind),
		.pinned = row->pinned,
		.counted = row->has_row_count && row->has_data_size && row->digest.len == HF_KV_DIGEST_BYTES,
	};
	if (ret_point->counted) {
		ret_point->row_count = (uint64_t)row->row_count;
		ret_point->data_size = (uint64_t)row->data_size;
		memcpy(ret_point->digest.bytes, row->digest.ptr, sizeof(ret_point->digest.bytes));
	}
	return postgres_metadata(row->has_metadata, row->metadata, arena, &ret_point->metadata, err);
}

enum hf_status postgres_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, hf_arena *arena, struct hf_kv_checkpoint **ret_points,
                                   size_t *ret_count, hf_error *err)
{
	struct point_list_in in = {.ns = ns, .with_id = id != NULL};
	struct point_list_row *rows = NULL;
	size_t count = 0;
	if (id)
		in.id = *id;
	enum hf_status status =
		point_list(postgres_on(state, deadline), &state->points, &in, arena, &rows, &count, err);
	struct hf_kv_checkpoint *points = hf_arena_alloc(arena, (count + 1) * sizeof(*points));
	if (status == HF_OK && !points)
		return error_nomem(err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		status = take_point(&rows[i], arena, &points[i], err);
	if (status != HF_OK)
		return status;
	*ret_points = points;
	*ret_count = count;
	return HF_OK;
}

enum hf_status postgres_point_check(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                    hf_deadline deadline, enum hf_kv_checkpoint_kind *ret_kind, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct point_find_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_find(postgres_on(state, deadline), &state->points,
	                                   &(struct point_find_in){ns, *id}, arena, &row, err);
	if (status == HF_OK && ret_kind)
		*ret_kind = postgres_kind(row.kind);
	return status;
}

/* ---- changing ---- */

enum hf_status postgres_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                     hf_deadline deadline, hf_error *err)
{
	int64_t rows = 0;
	const struct point_update_in in = {
		.ns = ns,
		.id = point->id,
		.pinned = point->pinned,
		.has_row_count = point->counted,
		.row_count = (int64_t)point->row_count,
		.has_data_size = point->counted,
		.data_size = (int64_t)point->data_size,
		.has_digest = point->counted,
		.digest = {point->digest.bytes, sizeof(point->digest.bytes)},
	};
	enum hf_status status = point_update(postgres_on(state, deadline), &state->points, &in, &rows, err);
	return status == HF_OK && rows == 0 ? HF_NOT_FOUND : status;
}

/* ---- deleting ---- */

/* A step that is done twice finds nothing the second time. */
static enum hf_status drop_step(hf_kv_backend_state *state, const struct images_drop_in *in, hf_deadline deadline,
                                hf_arena *arena, struct images_drop_row *ret_row, hf_error *err)
{
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do {
		hf_arena_reset(arena);
		status = images_drop(postgres_on(state, deadline), &state->points, in, arena, ret_row, &again.err);
	} while (postgres_again(&again, status));
	return status;
}

/* Through the history from its beginning. */
static enum hf_status drop_images(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	uint8_t key[HF_KV_KEY_BYTES_MAX];
	struct images_drop_in in = {.ns = ns, .key = {key, 0}, .until = -1, .most = IMAGES_STEP, .has_most = true};
	struct images_drop_row row;
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	while (status == HF_OK) {
		status = drop_step(state, &in, deadline, arena, &row, err);
		if (status != HF_OK)
			break;
		if (row.key.len > sizeof(key))
			return error_set(err, HF_E_CORRUPT, "a key of %zu bytes stands in the history", row.key.len);
		if (row.key.len)
			memcpy(key, row.key.ptr, row.key.len);
		in.key.len = row.key.len;
		in.until = row.epoch_to;
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* What failed behind the deletion does not undo it. */
static enum hf_status images_stay(hf_error *err)
{
	char why[sizeof(err->message)];
	snprintf(why, sizeof(why), "%s", err ? err->message : "");
	error_set(err, HF_E_OUTCOME_UNKNOWN, "the checkpoint was deleted, but not all images that only it needs: %s",
	          why);
	error_hint(err, "they go with the next one that is deleted");
	return HF_E_OUTCOME_UNKNOWN;
}

/* The rows first: images that stay behind when this is killed belong to nobody and go with the next deletion. */
enum hf_status postgres_points_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *ids, size_t count,
                                      hf_deadline deadline, size_t *ret_deleted, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct point_delete_in in = {.ns = ns, .ids = {.count = (uint32_t)count, .ndim = 1, .values = ids}};
	struct point_delete_row gone;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_delete(postgres_on(state, deadline), &state->points, &in, arena, &gone, err);
	if (status != HF_OK)
		return status;
	*ret_deleted = (size_t)gone.n;
	if (gone.traced == 0 || drop_images(state, ns, deadline, err) == HF_OK)
		return HF_OK;
	return images_stay(err);
}

enum hf_status postgres_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                     hf_deadline deadline, hf_error *err)
{
	size_t deleted = 0;
	enum hf_status status = postgres_points_delete(state, ns, id, 1, deadline, &deleted, err);
	return status == HF_OK && deleted == 0 ? HF_NOT_FOUND : status;
}

/* ---- what pruning and scheduling ask ---- */

/* Both from the newest; a checkpoint that keeps nothing has no row. */
enum hf_status postgres_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                     size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct points_weigh_row *rows = NULL;
	size_t n = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = points_weigh(postgres_on(state, deadline), &state->points,
	                                     &(struct points_weigh_in){ns}, arena, &rows, &n, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		while (n > 0 && rows[n - 1].epoch > points[i].epoch)
			n--;
		ret_bytes[i] = n > 0 && rows[n - 1].epoch == points[i].epoch ? (uint64_t)rows[n - 1].bytes : 0;
	}
	return status;
}

static enum hf_status see_change(void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	*(bool *)user = true;
	return HF_STOP;
}

enum hf_status postgres_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                      hf_deadline deadline, bool *ret_changed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct point_changed_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = point_changed(postgres_on(state, deadline), &state->points,
	                                      &(struct point_changed_in){ns, *id}, arena, &row, err);
	if (status != HF_OK || row.traced) {
		*ret_changed = status == HF_OK && row.changed;
		return status;
	}
	*ret_changed = false;
	return postgres_diff(state, ns, id, NULL, 0, deadline, see_change, ret_changed, err);
}
