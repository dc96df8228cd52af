/*
 * elect.c - one leader among those who stand for it: a lock that is taken whenever it is free, and kept.
 *
 * The thread of an election takes the lock in short tries, so that it ends soon when it is told to; while it leads it
 * sleeps, and the lock's own thread (hold.c) renews the lease and wakes it when that is lost.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/thread.h"
#include "kv/store.h"
#include "pg/monotonic.h"

enum { TTL_MIN_US = 3000, TRY_US = 500000 };

struct hf_kv_election {
	hf_kv *kv;
	char name[HF_KV_LOCK_NAME_BYTES + 1], owner[HF_KV_LOCK_NAME_BYTES + 1];
	struct hf_kv_candidate candidate;
	atomic_int_least64_t fence; /* 0 = it does not lead */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stop, lost; /* under the mutex */
};

static void election_free(hf_kv_election *election)
{
	pthread_cond_destroy(&election->wake);
	pthread_mutex_destroy(&election->mutex);
	free(election);
}
DEFINE_OWNED(election, hf_kv_election *, election_free)

/* ---- waiting ---- */

static void lose(void *user)
{
	hf_kv_election *election = user;
	pthread_mutex_lock(&election->mutex);
	election->lost = true;
	atomic_store(&election->fence, 0); /* at once, whatever `elected` is still at */
	pthread_cond_signal(&election->wake);
	pthread_mutex_unlock(&election->mutex);
}

/* @return whether it is to end. */
static bool wait_until_lost(hf_kv_election *election)
{
	pthread_mutex_lock(&election->mutex);
	while (!election->stop && !election->lost)
		pthread_cond_wait(&election->wake, &election->mutex);
	bool stop = election->stop;
	pthread_mutex_unlock(&election->mutex);
	return stop;
}

static bool wait_a_while(hf_kv_election *election, int64_t us)
{
	struct timespec until = monotonic_after(us);
	pthread_mutex_lock(&election->mutex);
	if (!election->stop)
		(void)pthread_cond_timedwait(&election->wake, &election->mutex, &until);
	bool stop = election->stop;
	pthread_mutex_unlock(&election->mutex);
	return stop;
}

/* ---- the thread ---- */

static void take_office(hf_kv_election *election, int64_t fence)
{
	pthread_mutex_lock(&election->mutex);
	if (!election->lost)
		atomic_store(&election->fence, fence);
	pthread_mutex_unlock(&election->mutex);
}

/* From the election to its end. */
static bool serve(hf_kv_election *election, const hf_kv_hold *hold)
{
	const struct hf_kv_candidate *candidate = &election->candidate;
	const struct hf_kv_lock *lock = hf_kv_hold_lock(hold);
	take_office(election, lock->fence);
	if (candidate->elected)
		candidate->elected(candidate->user, lock);
	bool stop = wait_until_lost(election);
	atomic_store(&election->fence, 0);
	if (candidate->deposed)
		candidate->deposed(candidate->user);
	return stop;
}

static int64_t pause_us(const hf_kv_election *election)
{
	int64_t third = election->candidate.ttl_us / 3;
	return third < TRY_US ? third : TRY_US;
}

static void *run(void *user)
{
	hf_kv_election *election = user;
	const char *owner = election->owner[0] ? election->owner : NULL;
	bool stop = false;
	while (!stop) {
		hf_kv_hold *hold = NULL;
		hf_deadline soon = hf_now_monotonic_us(election->kv->backend->ctx) + TRY_US;
		election->lost = false; /* no lock of this one is held: nobody else sets it */
		enum hf_status status = hf_kv_hold_start(election->kv, election->name, owner,
		                                         election->candidate.ttl_us, soon, lose, election, &hold, NULL);
		if (status != HF_OK) {
			stop = wait_a_while(election, status == HF_TIMEOUT ? 0 : pause_us(election));
			continue;
		}
		stop = serve(election, hold);
		(void)hf_kv_hold_end(hold, NULL);
	}
	return NULL;
}

/* ---- calls ---- */

static enum hf_status check(hf_kv *kv, const char *name, const struct hf_kv_candidate *candidate, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_lock lock;
	if (!arena)
		return error_nomem(err);
	if (candidate->ttl_us < TTL_MIN_US || candidate->ttl_us > HF_KV_TTL_MAX_US)
		return error_set(err, HF_E_USAGE, "the lease of an election is from 3 ms to 100 years");
	if (candidate->owner && (!candidate->owner[0] || strlen(candidate->owner) > HF_KV_LOCK_NAME_BYTES))
		return error_set(err, HF_E_USAGE, "the owner of a lock has 1 to %d bytes", HF_KV_LOCK_NAME_BYTES);
	enum hf_status status = hf_kv_lock_show(kv, name, arena, &lock, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status hf_kv_election_start(hf_kv *kv, const char *name, const struct hf_kv_candidate *candidate,
                                    hf_kv_election **ret_election, hf_error *err)
{
	enum hf_status status = check(kv, name, candidate, err);
	CLEANUP(election_freep) hf_kv_election *election = status == HF_OK ? calloc(1, sizeof(*election)) : NULL;
	if (!election)
		return status == HF_OK ? error_nomem(err) : status;
	election->kv = kv;
	election->candidate = *candidate;
	snprintf(election->name, sizeof(election->name), "%s", name);
	snprintf(election->owner, sizeof(election->owner), "%s", candidate->owner ? candidate->owner : "");
	pthread_mutex_init(&election->mutex, NULL);
	cond_init_monotonic(&election->wake);
	status = thread_start(&election->thread, run, election, "the election's thread", err);
	if (status == HF_OK)
		*ret_election = election_take(&election);
	return status;
}

int64_t hf_kv_election_fence(const hf_kv_election *election)
{
	return atomic_load(&election->fence);
}

enum hf_status hf_kv_election_end(hf_kv_election *election, hf_error *err)
{
	if (!election)
		return HF_OK;
	if (kv_check_process(election->kv, err) != HF_OK) /* its thread is the parent's */
		return HF_E_USAGE;
	pthread_mutex_lock(&election->mutex);
	election->stop = true;
	pthread_cond_signal(&election->wake);
	pthread_mutex_unlock(&election->mutex);
	pthread_join(election->thread, NULL);
	election_free(election);
	return HF_OK;
}
