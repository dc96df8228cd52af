/*
 * hold.c - a lock that is kept: a thread renews its lease until it is ended or lost.
 *
 * The thread sleeps on a condition variable and renews each third of the lease. A renewal that is refused ends it; one
 * that fails otherwise is tried again, until two thirds of the lease have passed since the last that succeeded: then
 * the lock counts as lost, while nobody else can have it yet.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "base/thread.h"
#include "kv/store.h"
#include "pg/monotonic.h"

struct hf_kv_hold {
	hf_kv *kv;
	hf_arena *arena; /* of `lock` */
	struct hf_kv_lock lock;
	int64_t ttl_us;
	int64_t renewed_us; /* on the context's monotonic clock, before the call that succeeded last */
	void (*tell)(void *user);
	void *user;
	atomic_bool lost;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stop; /* under the mutex */
};

static void hold_free(hf_kv_hold *hold)
{
	pthread_cond_destroy(&hold->wake);
	pthread_mutex_destroy(&hold->mutex);
	hf_arena_free(hold->arena);
	free(hold);
}
DEFINE_OWNED(hold, hf_kv_hold *, hold_free)

static bool sleep_until_stopped(hf_kv_hold *hold, int64_t us)
{
	struct timespec until = monotonic_after(us);
	pthread_mutex_lock(&hold->mutex);
	int waited = 0;
	while (!hold->stop && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&hold->wake, &hold->mutex, &until);
	bool stop = hold->stop;
	pthread_mutex_unlock(&hold->mutex);
	return stop;
}

/* When a server that does not answer makes it lost; a thread that woke too late has what is left of the lease. */
static hf_deadline patience(const hf_kv_hold *hold, int64_t now_us)
{
	hf_deadline loss = hold->renewed_us + hold->ttl_us / 3 * 2;
	hf_deadline ours = now_us < loss ? loss : hold->renewed_us + hold->ttl_us;
	hf_deadline usual = kv_deadline(hold->kv, HF_DEADLINE_DEFAULT);
	return ours < usual ? ours : usual;
}

/* False: it is lost. */
static bool renew_once(hf_kv_hold *hold)
{
	struct hf_kv_lock renewed = hold->lock; /* the caller may be reading hold->lock */
	int64_t now_us = hf_now_monotonic_us(hold->kv->backend->ctx);
	enum hf_status status = kv_lock_renew(hold->kv, &renewed, hold->ttl_us, patience(hold, now_us), NULL);
	if (status == HF_OK)
		hold->renewed_us = now_us;
	int64_t since_us = hf_now_monotonic_us(hold->kv->backend->ctx) - hold->renewed_us;
	return status != HF_CONFLICT && since_us < hold->ttl_us / 3 * 2;
}

static void *run(void *user)
{
	hf_kv_hold *hold = user;
	int64_t pause_us = hold->ttl_us / 3;
	while (!sleep_until_stopped(hold, pause_us)) {
		if (renew_once(hold))
			continue;
		atomic_store(&hold->lost, true);
		if (hold->tell)
			hold->tell(hold->user);
		break;
	}
	return NULL;
}

static hf_kv_hold *hold_new(hf_kv *kv, int64_t ttl_us)
{
	hf_kv_hold *hold = calloc(1, sizeof(*hold));
	hf_arena *arena = hf_arena_new(0);
	if (!hold || !arena) {
		hf_arena_free(arena);
		free(hold);
		return NULL;
	}
	hold->kv = kv;
	hold->arena = arena;
	hold->ttl_us = ttl_us;
	pthread_mutex_init(&hold->mutex, NULL);
	cond_init_monotonic(&hold->wake);
	return hold;
}

enum hf_status hf_kv_hold_start(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_deadline deadline,
                                void (*lost)(void *user), void *user, hf_kv_hold **ret_hold, hf_error *err)
{
	CLEANUP(hold_freep) hf_kv_hold *hold = hold_new(kv, ttl_us);
	if (!hold)
		return error_nomem(err);
	hold->tell = lost;
	hold->user = user;
	enum hf_status status = hf_kv_lock_acquire(kv, name, owner, ttl_us, deadline, hold->arena, &hold->lock, err);
	if (status != HF_OK)
		return status;
	hold->renewed_us = hf_now_monotonic_us(kv->backend->ctx);
	status = thread_start(&hold->thread, run, hold, "the lock's thread", err);
	if (status != HF_OK) {
		hf_kv_lock_release(kv, &hold->lock, NULL);
		return status;
	}
	*ret_hold = hold_take(&hold);
	return HF_OK;
}

const struct hf_kv_lock *hf_kv_hold_lock(const hf_kv_hold *hold)
{
	return &hold->lock;
}

bool hf_kv_hold_is_lost(const hf_kv_hold *hold)
{
	return atomic_load(&hold->lost);
}

enum hf_status hf_kv_hold_end(hf_kv_hold *hold, hf_error *err)
{
	if (!hold)
		return HF_OK;
	if (kv_check_process(hold->kv, err) != HF_OK) /* its thread is the parent's */
		return HF_E_USAGE;
	pthread_mutex_lock(&hold->mutex);
	hold->stop = true;
	pthread_cond_signal(&hold->wake);
	pthread_mutex_unlock(&hold->mutex);
	pthread_join(hold->thread, NULL);
	enum hf_status status = hf_kv_lock_release(hold->kv, &hold->lock, err);
	if (hf_kv_hold_is_lost(hold))
		status = error_set(err, HF_CONFLICT, "lock \"%.*s\" was lost", STR_ARG(hold->lock.name));
	hold_free(hold);
	return status;
}
