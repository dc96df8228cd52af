/*
 * scheduler.c - checkpoints that a handle makes by itself, and keeps so many of. All processes that ask for it together
 * make one an interval: whoever finds the newest one old enough takes a lock, looks again, makes one and prunes. The
 * lock's lease ends by itself when its holder is killed. Where nothing was written since the newest one, none is made:
 * the first row that was ends the search, nothing is sorted. On PostgreSQL no number tells that nothing was: a revision
 * is taken before its writer is held up by a checkpoint, and a deletion takes none.
 *
 * A failure is told by a log event and tried again at the next interval.
 */
#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/store.h"

enum { LEASE_US = 60 * 1000 * 1000, SOON_US = 1000 * 1000, KEEP = 10 };
#define LOCK_NAME "holdfast checkpoints"

static int64_t interval_us(const hf_kv *kv)
{
	return kv->backend->options.checkpoint_interval_ms * 1000;
}

/* How long the newest of ours is none too old; 0 = one is due. `ret_newest` is NULL when there is none. */
static enum hf_status wait_left(hf_kv *kv, hf_arena *arena, const struct hf_kv_checkpoint **ret_newest,
                                int64_t *ret_left_us, hf_error *err)
{
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0, i = 0;
	int64_t now_us = 0;
	enum hf_status status = hf_kv_checkpoint_list(kv, arena, &points, &count, err);
	if (status == HF_OK)
		status = kv_vtable(kv)->now(kv->backend->state, kv_deadline(kv, 0), &now_us, err);
	if (status != HF_OK)
		return status;
	while (i < count && !str_eq(points[i].name, HF_STR(HF_KV_SCHEDULED)))
		i++;
	*ret_newest = i < count ? &points[i] : NULL;
	*ret_left_us = i < count ? points[i].created_us + interval_us(kv) - now_us : 0;
	if (*ret_left_us < 0)
		*ret_left_us = 0;
	return HF_OK;
}

static enum hf_status see_change(void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	*(bool *)user = true;
	return HF_STOP;
}

static enum hf_status has_changed(hf_kv *kv, const struct hf_uuid *id, bool *ret_changed, hf_error *err)
{
	if (!kv_vtable(kv)->point_changed)
		return hf_kv_checkpoint_diff(kv, id, NULL, see_change, ret_changed, err);
	enum hf_status status =
		kv_vtable(kv)->point_changed(kv->backend->state, kv->ns, id, kv_deadline(kv, 0), ret_changed, err);
	return kv_checkpoint_answered(kv, id, status, err);
}

static enum hf_status make_and_prune(hf_kv *kv, hf_arena *arena, hf_error *err)
{
	const struct hf_kv_options *options = &kv->backend->options;
	const struct hf_kv_checkpoint_new how = {.name = HF_KV_SCHEDULED, .uncounted = true};
	const struct hf_kv_prune what = {.keep = options->checkpoints_kept ? options->checkpoints_kept : KEEP,
	                                 .hourly = options->checkpoints_hourly,
	                                 .daily = options->checkpoints_daily,
	                                 .name = HF_KV_SCHEDULED};
	struct hf_kv_checkpoint made;
	enum hf_status status = hf_kv_checkpoint_create(kv, &how, arena, &made, err);
	return status == HF_OK ? hf_kv_checkpoint_prune(kv, &what, NULL, err) : status;
}

/* Under the lock: somebody else may just have done it. */
static enum hf_status make_if_due(hf_kv *kv, hf_arena *arena, int64_t *ret_pause_us, hf_error *err)
{
	const struct hf_kv_checkpoint *newest = NULL;
	int64_t left_us = 0;
	bool changed = false;
	enum hf_status status = wait_left(kv, arena, &newest, &left_us, err);
	*ret_pause_us = left_us ? left_us : interval_us(kv);
	if (status != HF_OK || left_us > 0)
		return status;
	if (newest)
		status = has_changed(kv, &newest->id, &changed, err);
	return status == HF_OK && (changed || !newest) ? make_and_prune(kv, arena, err) : status;
}

static enum hf_status take_turn(hf_kv *kv, int64_t *ret_pause_us, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_kv_checkpoint *newest;
	struct hf_kv_lock lock;
	hf_error ignored = HF_ERROR_INIT;
	*ret_pause_us = interval_us(kv);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = wait_left(kv, arena, &newest, ret_pause_us, err);
	if (status != HF_OK || *ret_pause_us > 0)
		return status;
	status = hf_kv_lock_try(kv, LOCK_NAME, NULL, LEASE_US, arena, &lock, err);
	*ret_pause_us = interval_us(kv) < SOON_US ? interval_us(kv) : SOON_US;
	if (status == HF_CONFLICT)
		return HF_OK;
	if (status != HF_OK)
		return status;
	status = make_if_due(kv, arena, ret_pause_us, err);
	hf_kv_lock_release(kv, &lock, &ignored);
	return status;
}

static int64_t tick(void *user)
{
	hf_kv *kv = user;
	hf_context *ctx = kv->backend->ctx;
	hf_error err = HF_ERROR_INIT;
	int64_t pause_us = 0;
	enum hf_status status = take_turn(kv, &pause_us, &err);
	if (status == HF_OK)
		return pause_us;
	if (!ticker_stopping(&kv->scheduler) && context_logs(ctx, HF_LOG_WARN)) {
		struct hf_log_field fields[] = {
			field_text("backend", kv_vtable(kv)->name),
			field_text("status", hf_status_word(status)),
			field_text("message", err.message),
		};
		context_log(ctx, HF_LOG_WARN, "kv_checkpoint_failed", fields, ARRAY_LEN(fields));
	}
	return interval_us(kv);
}

enum hf_status scheduler_start(hf_kv *kv, hf_error *err)
{
	const uint32_t needed = HF_KV_CAN_CHECKPOINT | HF_KV_CAN_LOCK;
	if (kv->backend->options.checkpoint_interval_ms == 0)
		return HF_OK;
	if ((kv_vtable(kv)->capabilities & needed) != needed)
		return error_set(err, HF_E_UNSUPPORTED, "%s has no checkpoints to be made at intervals",
		                 kv_vtable(kv)->name);
	return ticker_start(&kv->scheduler, 0, tick, kv, "the checkpoints' thread", err);
}
