/*
 * cancel.c - the canceller of cancel.h.
 *
 * `running` and `in_flight` are a pair in the manner of Dekker: an asker counts itself in flight before it looks at
 * `running`; the owner clears `running` before it looks at `in_flight`. With sequential consistency one of them sees
 * the other, so that a statement costs two atomic stores and no lock.
 */
#include "pg/cancel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "pg/monotonic.h"

struct canceller {
	pthread_mutex_t mutex; /* guards done */
	pthread_cond_t done;   /* in_flight went down; CLOCK_MONOTONIC */
	PGcancel *handle;      /* read-only after creation */
	atomic_int references;
	atomic_int in_flight;
	atomic_bool running;
	atomic_bool asked;
};

struct canceller *canceller_new(PGconn *pg)
{
	struct canceller *canceller = calloc(1, sizeof(*canceller));
	if (!canceller)
		return NULL;
	canceller->handle = PQgetCancel(pg);
	if (!canceller->handle) {
		free(canceller);
		return NULL;
	}
	cond_init_monotonic(&canceller->done);
	pthread_mutex_init(&canceller->mutex, NULL);
	atomic_init(&canceller->references, 1);
	return canceller;
}

void canceller_unref(struct canceller *canceller)
{
	if (!canceller || atomic_fetch_sub(&canceller->references, 1) != 1)
		return;
	PQfreeCancel(canceller->handle);
	pthread_cond_destroy(&canceller->done);
	pthread_mutex_destroy(&canceller->mutex);
	free(canceller);
}

HOT void canceller_enter(struct canceller *canceller)
{
	atomic_store_explicit(&canceller->asked, false, memory_order_relaxed);
	atomic_store_explicit(&canceller->running, true, memory_order_release);
}

static void landed(struct canceller *canceller)
{
	pthread_mutex_lock(&canceller->mutex);
	atomic_fetch_sub(&canceller->in_flight, 1);
	pthread_cond_broadcast(&canceller->done);
	pthread_mutex_unlock(&canceller->mutex);
}

HOT bool canceller_leave(struct canceller *canceller, int64_t budget_us)
{
	atomic_store(&canceller->running, false);
	if (atomic_load(&canceller->in_flight) == 0)
		return true;
	struct timespec until = monotonic_after(budget_us);
	pthread_mutex_lock(&canceller->mutex);
	int waited = 0;
	while (atomic_load(&canceller->in_flight) > 0 && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&canceller->done, &canceller->mutex, &until);
	bool clear = atomic_load(&canceller->in_flight) == 0;
	pthread_mutex_unlock(&canceller->mutex);
	return clear;
}

static void *cancel_in_thread(void *argument)
{
	struct canceller *canceller = argument;
	char reason[256];
	PQcancel(canceller->handle, reason, sizeof(reason)); /* a failure shows as a missing answer */
	landed(canceller);
	canceller_unref(canceller);
	return NULL;
}

void canceller_start(struct canceller *canceller)
{
	pthread_t thread;
	atomic_fetch_add(&canceller->references, 1);
	atomic_fetch_add(&canceller->in_flight, 1);
	if (pthread_create(&thread, NULL, cancel_in_thread, canceller) == 0) {
		pthread_detach(thread);
		return;
	}
	landed(canceller);
	canceller_unref(canceller);
}

bool canceller_was_asked(const struct canceller *canceller)
{
	return atomic_load_explicit(&canceller->asked, memory_order_acquire);
}

enum hf_status canceller_ask(struct canceller *canceller, hf_error *err)
{
	char reason[256] = "";
	int sent = 1;
	atomic_fetch_add(&canceller->in_flight, 1);
	if (atomic_load(&canceller->running)) {
		atomic_store(&canceller->asked, true);
		sent = PQcancel(canceller->handle, reason, sizeof(reason));
	}
	landed(canceller);
	return sent ? HF_OK : error_set(err, HF_E_UNAVAILABLE, "could not cancel: %s", reason);
}
