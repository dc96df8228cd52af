/*
 * sweeper.c - what expired is removed in steps, by a thread of the backend or when asked.
 *
 * A failure of the thread is told by a log event and tried again at the next interval: expired entries are invisible
 * whether they were swept or not.
 */
#include <errno.h>

#include "base/context.h"
#include "base/error.h"
#include "base/thread.h"
#include "kv/store.h"
#include "pg/monotonic.h"

enum { SWEEP_STEP = 1000 };

static bool stopping(struct kv_sweeper *sweeper)
{
	pthread_mutex_lock(&sweeper->mutex);
	bool stop = sweeper->stop;
	pthread_mutex_unlock(&sweeper->mutex);
	return stop;
}

static bool over(struct kv_backend *backend, hf_deadline deadline)
{
	return hf_context_interrupted(backend->ctx) || hf_now_monotonic_us(backend->ctx) >= deadline ||
	       (backend->sweeper.running && stopping(&backend->sweeper));
}

enum hf_status sweep_all(struct kv_backend *backend, hf_deadline deadline, uint64_t *ret_removed, hf_error *err)
{
	uint64_t removed = SWEEP_STEP;
	*ret_removed = 0;
	while (removed == SWEEP_STEP && !over(backend, deadline)) {
		enum hf_status status = backend->vtable->sweep(backend->state, SWEEP_STEP, deadline, &removed, err);
		if (status != HF_OK)
			return status;
		*ret_removed += removed;
		atomic_fetch_add_explicit(&backend->swept, removed, memory_order_relaxed);
	}
	return HF_OK;
}

static void sweep_in_turn(struct kv_backend *backend)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	hf_deadline deadline = hf_deadline_in(backend->ctx, backend->options.timeout_ms);
	enum hf_status status = sweep_all(backend, deadline, &removed, &err);
	if (status == HF_OK || !context_logs(backend->ctx, HF_LOG_WARN))
		return;
	struct hf_log_field fields[] = {
		field_text("backend", backend->vtable->name),
		field_text("status", hf_status_word(status)),
		field_text("message", err.message),
	};
	context_log(backend->ctx, HF_LOG_WARN, "kv_sweep_failed", fields, ARRAY_LEN(fields));
}

static void *run(void *user)
{
	struct kv_backend *backend = user;
	struct kv_sweeper *sweeper = &backend->sweeper;
	pthread_mutex_lock(&sweeper->mutex);
	while (!sweeper->stop) {
		struct timespec next = monotonic_after(backend->options.sweep_interval_ms * 1000);
		int waited = 0;
		while (!sweeper->stop && waited != ETIMEDOUT)
			waited = pthread_cond_timedwait(&sweeper->wake, &sweeper->mutex, &next);
		if (sweeper->stop)
			break;
		pthread_mutex_unlock(&sweeper->mutex);
		sweep_in_turn(backend);
		pthread_mutex_lock(&sweeper->mutex);
	}
	pthread_mutex_unlock(&sweeper->mutex);
	return NULL;
}

static void init_wait(struct kv_sweeper *sweeper)
{
	pthread_mutex_init(&sweeper->mutex, NULL);
	cond_init_monotonic(&sweeper->wake);
}

static void deinit_wait(struct kv_sweeper *sweeper)
{
	pthread_cond_destroy(&sweeper->wake);
	pthread_mutex_destroy(&sweeper->mutex);
}

enum hf_status sweeper_start(struct kv_backend *backend, hf_error *err)
{
	struct kv_sweeper *sweeper = &backend->sweeper;
	if (backend->options.sweep_interval_ms < 0)
		return HF_OK;
	init_wait(sweeper);
	sweeper->running = true;
	enum hf_status status = thread_start(&sweeper->thread, run, backend, "the store's thread", err);
	if (status != HF_OK) {
		sweeper->running = false;
		deinit_wait(sweeper);
	}
	return status;
}

void sweeper_stop(struct kv_backend *backend)
{
	struct kv_sweeper *sweeper = &backend->sweeper;
	if (!sweeper->running)
		return;
	pthread_mutex_lock(&sweeper->mutex);
	sweeper->stop = true;
	pthread_cond_signal(&sweeper->wake);
	pthread_mutex_unlock(&sweeper->mutex);
	pthread_join(sweeper->thread, NULL);
	deinit_wait(sweeper);
}
