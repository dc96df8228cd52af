/*
 * sweeper.c - what expired is removed in steps, by a thread of the backend or when asked.
 *
 * A failure of the thread is told by a log event and tried again at the next interval: expired entries are invisible
 * whether they were swept or not.
 */
#include "base/context.h"
#include "base/error.h"
#include "kv/store.h"

enum { SWEEP_STEP = 1000 };

static bool over(struct kv_backend *backend, hf_deadline deadline)
{
	return hf_context_interrupted(backend->ctx) || hf_now_monotonic_us(backend->ctx) >= deadline ||
	       (backend->sweeper.running && ticker_stopping(&backend->sweeper));
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

static int64_t sweep_in_turn(void *user)
{
	struct kv_backend *backend = user;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	hf_deadline deadline = hf_deadline_in(backend->ctx, backend->options.timeout_ms);
	enum hf_status status = sweep_all(backend, deadline, &removed, &err);
	if (status != HF_OK && context_logs(backend->ctx, HF_LOG_WARN)) {
		struct hf_log_field fields[] = {
			field_text("backend", backend->vtable->name),
			field_text("status", hf_status_word(status)),
			field_text("message", err.message),
		};
		context_log(backend->ctx, HF_LOG_WARN, "kv_sweep_failed", fields, ARRAY_LEN(fields));
	}
	return backend->options.sweep_interval_ms * 1000;
}

enum hf_status sweeper_start(struct kv_backend *backend, hf_error *err)
{
	int64_t interval_us = backend->options.sweep_interval_ms * 1000;
	if (interval_us < 0)
		return HF_OK;
	return ticker_start(&backend->sweeper, interval_us, sweep_in_turn, backend, "the store's thread", err);
}
