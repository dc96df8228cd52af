/*
 * pool_wait.c - the queue: who waits is served in order of arrival, and told why when not.
 *
 * Each waiter has a condition variable of its own, so that a hand-over wakes exactly the one it is for. A slot is
 * handed over under the mutex: a waiter whose time passed at that very moment finds it and takes it, so none is lost.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "pg/monotonic.h"
#include "pg/pool.h"

static void count_waiting(hf_pool *pool, int delta)
{
	pool->waiting += (uint32_t)delta;
	if (pool->waiting == 0)
		pool->waiting_since_us = 0;
	hf_gauge_set(pool->metrics.waiting, pool->waiting);
}

enum { SLICE_US = 200000 }; /* an interruption is seen within it */

static void enqueue(hf_pool *pool, struct waiter *waiter, int64_t now_us)
{
	if (pool->waiting == 0)
		pool->waiting_since_us = now_us;
	count_waiting(pool, 1);
	waiter->queued = true;
	waiter->previous = pool->last;
	if (pool->last)
		pool->last->next = waiter;
	else
		pool->first = waiter;
	pool->last = waiter;
}

static void dequeue(hf_pool *pool, struct waiter *waiter)
{
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		pool->first = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	else
		pool->last = waiter->previous;
	waiter->queued = false;
	count_waiting(pool, -1);
}

bool pool_hand_over(hf_pool *pool, struct pool_slot *slot)
{
	struct waiter *waiter = pool->first;
	if (!waiter)
		return false;
	dequeue(pool, waiter);
	waiter->given = slot;
	pthread_cond_signal(&waiter->wake);
	return true;
}

void pool_fail_waiters(hf_pool *pool)
{
	while (pool->first) {
		struct waiter *waiter = pool->first;
		dequeue(pool, waiter);
		pthread_cond_signal(&waiter->wake);
	}
}

/* ---- why not ---- */

static enum hf_status set_kind(hf_error *err, enum hf_status status, enum hf_category category, enum hf_action action)
{
	if (err) {
		err->status = status;
		err->category = category;
		err->action = action;
	}
	return status;
}

enum hf_status pool_error_closed(hf_error *err)
{
	error_set(err, HF_E_UNAVAILABLE, "could not get a connection: the pool is closed");
	return set_kind(err, HF_E_UNAVAILABLE, HF_CATEGORY_POOL, HF_ACTION_NEVER);
}

enum hf_status pool_error_cause(const hf_pool *pool, const char *prefix, hf_error *err)
{
	if (err) {
		*err = pool->cause;
		error_prefix(err, "%s", prefix);
	}
	return pool->cause.status;
}

static enum hf_status error_timeout(const hf_pool *pool, int64_t waited_us, hf_error *err)
{
	char prefix[96];
	snprintf(prefix, sizeof(prefix), "could not get a connection within %" PRId64 " ms", waited_us / 1000);
	uint32_t busy = pool->counts[SLOT_BUSY], connecting = pool->counts[SLOT_CONNECTING];
	if (pool->failing && busy < pool->max) {
		pool_error_cause(pool, prefix, err);
		return set_kind(err, HF_E_UNAVAILABLE, pool->cause.category, pool->cause.action);
	}
	if (connecting > 0 && busy < pool->max) {
		error_set(err, HF_TIMEOUT, "%s: still connecting (%u under way, %u of %u in use)", prefix, connecting,
		          busy, pool->max);
	} else {
		int64_t longest = pool_longest_hold_us(pool, hf_now_monotonic_us(pool->ctx));
		error_set(err, HF_TIMEOUT, "%s: %u of %u in use, the longest for %" PRId64 " ms; %u others wait",
		          prefix, busy, pool->max, longest / 1000, pool->waiting);
		error_hint(err, "hold connections for less time, or raise the pool's maximum");
	}
	return set_kind(err, HF_TIMEOUT, HF_CATEGORY_POOL, HF_ACTION_WAIT);
}

/* ---- waiting ---- */

static void sleep_until_served(hf_pool *pool, struct waiter *waiter, int64_t budget_us)
{
	while (waiter->queued && budget_us > 0 && !hf_context_interrupted(pool->ctx)) {
		int64_t slice_us = budget_us < SLICE_US ? budget_us : SLICE_US;
		struct timespec until = monotonic_after(slice_us);
		int waited = 0;
		while (waiter->queued && waited != ETIMEDOUT)
			waited = pthread_cond_timedwait(&waiter->wake, &pool->mutex, &until);
		budget_us -= slice_us;
	}
}

static enum hf_status outcome(hf_pool *pool, struct waiter *waiter, int64_t waited_us, hf_error *err)
{
	if (waiter->given)
		return HF_OK;
	if (waiter->queued) { /* nobody came in time */
		dequeue(pool, waiter);
		if (hf_context_interrupted(pool->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for a connection");
		pool->timeouts++;
		hf_counter_add(pool->metrics.acquired_timeout, 1);
		return error_timeout(pool, waited_us, err);
	}
	hf_counter_add(pool->metrics.acquired_failed, 1);
	return pool->closed ? pool_error_closed(err) : pool_error_cause(pool, "could not get a connection", err);
}

enum hf_status pool_wait(hf_pool *pool, hf_deadline deadline, struct pool_slot **ret_slot, hf_error *err)
{
	int64_t start = hf_now_monotonic_us(pool->ctx);
	struct waiter waiter = {0};
	if (pthread_cond_init(&waiter.wake, &pool->monotonic) != 0)
		return error_nomem(err); /* uncovered: glibc's never fails */
	enqueue(pool, &waiter, start);
	pool->visitors++;
	pool->waits++;
	pool_want_connections(pool);
	sleep_until_served(pool, &waiter, deadline - start);
	int64_t waited = hf_now_monotonic_us(pool->ctx) - start;
	enum hf_status status = outcome(pool, &waiter, waited, err);
	if (status == HF_OK)
		*ret_slot = waiter.given;
	pool->visitors--;
	hf_histogram_observe_us(pool->metrics.wait, waited);
	if (pool->closed)
		pthread_cond_broadcast(&pool->settled);
	pthread_cond_destroy(&waiter.wake);
	return status;
}
