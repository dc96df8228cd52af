/*
 * lock.c - leases with fences: names checked, owners given, waiting.
 */
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/store.h"

enum { PAUSE_US_MIN = 5 * 1000, PAUSE_US_MAX = 250 * 1000, TTL_US_MIN = 1000, OWNER_BYTES = 32 };

static enum hf_status check_can_lock(const hf_kv *kv, hf_error *err)
{
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_LOCK))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no locks", kv_vtable(kv)->name);
	return kv_check_process(kv, err);
}

enum hf_status kv_check_lock_word(const char *what, struct hf_str word, hf_error *err)
{
	if (word.len == 0 || word.len > HF_KV_LOCK_NAME_BYTES || !str_is_utf8(word, NULL))
		return error_set(err, HF_E_USAGE, "the %s of a lock has 1 to %d bytes of UTF-8", what,
		                 HF_KV_LOCK_NAME_BYTES);
	return HF_OK;
}

static enum hf_status check_ttl(int64_t ttl_us, hf_error *err)
{
	if (ttl_us < TTL_US_MIN || ttl_us > HF_KV_TTL_MAX_US)
		return error_set(err, HF_E_USAGE, "a lease of %lld us: from 1 ms to 100 years", (long long)ttl_us);
	return HF_OK;
}

static enum hf_status check_lock(const hf_kv *kv, struct hf_str name, struct hf_str owner, int64_t ttl_us,
                                 hf_error *err)
{
	enum hf_status status = check_can_lock(kv, err);
	if (status == HF_OK)
		status = kv_check_lock_word("name", name, err);
	if (status == HF_OK)
		status = kv_check_lock_word("owner", owner, err);
	return status == HF_OK ? check_ttl(ttl_us, err) : status;
}

/* A random owner where none is given. */
static struct hf_str owner_of(const hf_kv *kv, const char *given, char storage[OWNER_BYTES + 1])
{
	if (given)
		return hf_str_of(given);
	unsigned long long high = context_random_u64(kv->backend->ctx), low = context_random_u64(kv->backend->ctx);
	snprintf(storage, OWNER_BYTES + 1, "%016llx%016llx", high, low);
	return (struct hf_str){storage, OWNER_BYTES};
}

static enum hf_status held_by(struct hf_str name, const struct hf_kv_lock *holder, enum hf_status status, hf_error *err)
{
	return error_set(err, status, "lock \"%.*s\" is held by \"%.*s\" with fence %lld", STR_ARG(name),
	                 STR_ARG(holder->owner), (long long)holder->fence);
}

static enum hf_status take(hf_kv *kv, struct hf_str name, struct hf_str owner, int64_t ttl_us, hf_deadline deadline,
                           hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err)
{
	enum hf_status status = kv_vtable(kv)->lock_take(kv->backend->state, kv->ns, name, owner, ttl_us, deadline,
	                                                 arena, ret_lock, err);
	kv_count(kv, KV_QUERIES, status == HF_OK || status == HF_CONFLICT);
	if (status == HF_CONFLICT)
		return held_by(name, ret_lock, HF_CONFLICT, err);
	return status == HF_OK ? HF_OK : kv_count_failure(kv, status);
}

enum hf_status hf_kv_lock_try(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_arena *arena,
                              struct hf_kv_lock *ret_lock, hf_error *err)
{
	char storage[OWNER_BYTES + 1];
	struct hf_str who = owner_of(kv, owner, storage);
	enum hf_status status = check_lock(kv, hf_str_of(name), who, ttl_us, err);
	if (status != HF_OK)
		return status;
	return take(kv, hf_str_of(name), who, ttl_us, kv_deadline(kv, 0), arena, ret_lock, err);
}

/* ---- waiting ---- */

static void pause_for(const hf_kv *kv, int64_t pause_us, hf_deadline deadline)
{
	hf_context *ctx = kv->backend->ctx;
	int64_t left_us = deadline - hf_now_monotonic_us(ctx);
	int64_t us = PAUSE_US_MIN + (int64_t)(context_random_u64(ctx) % (uint64_t)pause_us);
	context_pause(ctx, us < left_us ? us : left_us);
}

static enum hf_status waited_in_vain(const hf_kv *kv, struct hf_str name, const struct hf_kv_lock *holder,
                                     hf_error *err)
{
	if (hf_context_interrupted(kv->backend->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for a lock");
	held_by(name, holder, HF_TIMEOUT, err);
	error_prefix(err, "the deadline passed");
	return HF_TIMEOUT;
}

/* Each try allocates the holder's names in the arena; pauses grow, so that a long wait is a few hundred tries. A try
 * that the deadline ends is as good as a refused one: the holder is known from the one before. */
static enum hf_status wait_for(hf_kv *kv, struct hf_str name, struct hf_str owner, int64_t ttl_us, hf_deadline deadline,
                               hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err)
{
	hf_context *ctx = kv->backend->ctx;
	struct hf_kv_lock holder = {0};
	int64_t pause_us = PAUSE_US_MIN;
	for (;;) {
		enum hf_status status = take(kv, name, owner, ttl_us, deadline, arena, ret_lock, err);
		if (status == HF_CONFLICT)
			holder = *ret_lock;
		else if (status != HF_TIMEOUT || !holder.owner.ptr)
			return status;
		if (hf_context_interrupted(ctx) || hf_now_monotonic_us(ctx) >= deadline)
			return waited_in_vain(kv, name, &holder, err);
		pause_for(kv, pause_us, deadline);
		pause_us = pause_us < PAUSE_US_MAX / 2 ? pause_us * 2 : PAUSE_US_MAX;
	}
}

enum hf_status hf_kv_lock_acquire(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_deadline deadline,
                                  hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err)
{
	char storage[OWNER_BYTES + 1];
	struct hf_str who = owner_of(kv, owner, storage);
	enum hf_status status = check_lock(kv, hf_str_of(name), who, ttl_us, err);
	if (status != HF_OK)
		return status;
	return wait_for(kv, hf_str_of(name), who, ttl_us, kv_deadline(kv, deadline), arena, ret_lock, err);
}

/* ---- holding ---- */

static enum hf_status renew(hf_kv *kv, const struct hf_kv_lock *lock, int64_t ttl_us, hf_deadline deadline,
                            int64_t *ret_expires_us, hf_error *err)
{
	struct hf_kv_fence held = {lock->name, lock->owner, lock->fence};
	enum hf_status status = check_lock(kv, lock->name, lock->owner, ttl_us ? ttl_us : TTL_US_MIN, err);
	if (status == HF_OK)
		status = kv_vtable(kv)->lock_renew(kv->backend->state, kv->ns, &held, ttl_us, deadline, ret_expires_us,
		                                   err);
	if (status == HF_CONFLICT)
		return error_set(err, HF_CONFLICT, "lock \"%.*s\" is not held by \"%.*s\" with fence %lld",
		                 STR_ARG(lock->name), STR_ARG(lock->owner), (long long)lock->fence);
	return status;
}

enum hf_status kv_lock_renew(hf_kv *kv, struct hf_kv_lock *lock, int64_t ttl_us, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = check_ttl(ttl_us, err);
	return status == HF_OK ? renew(kv, lock, ttl_us, deadline, &lock->expires_us, err) : status;
}

enum hf_status hf_kv_lock_renew(hf_kv *kv, struct hf_kv_lock *lock, int64_t ttl_us, hf_error *err)
{
	return kv_lock_renew(kv, lock, ttl_us, kv_deadline(kv, 0), err);
}

enum hf_status hf_kv_lock_release(hf_kv *kv, const struct hf_kv_lock *lock, hf_error *err)
{
	int64_t expires_us;
	return renew(kv, lock, 0, kv_deadline(kv, 0), &expires_us, err);
}

/* ---- looking ---- */

static enum hf_status list(hf_kv *kv, struct hf_str name, hf_arena *arena, struct hf_kv_lock **ret_locks,
                           size_t *ret_count, hf_error *err)
{
	enum hf_status status = check_can_lock(kv, err);
	if (status == HF_OK && name.ptr)
		status = kv_check_lock_word("name", name, err);
	if (status != HF_OK)
		return status;
	return kv_vtable(kv)->lock_list(kv->backend->state, kv->ns, name, kv_deadline(kv, 0), arena, ret_locks,
	                                ret_count, err);
}

enum hf_status hf_kv_lock_list(hf_kv *kv, hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count,
                               hf_error *err)
{
	return list(kv, (struct hf_str){0}, arena, ret_locks, ret_count, err);
}

enum hf_status hf_kv_lock_show(hf_kv *kv, const char *name, hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err)
{
	struct hf_kv_lock *locks = NULL;
	size_t count = 0;
	enum hf_status status = list(kv, hf_str_of(name ? name : ""), arena, &locks, &count, err);
	if (status != HF_OK)
		return status;
	if (count == 0)
		return error_set(err, HF_NOT_FOUND, "nobody ever held lock \"%s\"", name);
	*ret_lock = locks[0];
	return HF_OK;
}
