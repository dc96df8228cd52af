/*
 * postgres_retry.c - see postgres_retry.h.
 */
#include "kv/postgres_retry.h"

#include "base/context.h"
#include "base/error.h"

void postgres_retry(struct retrying *again, hf_kv_backend_state *state, hf_deadline deadline, hf_error *ret_err)
{
	again->state = state;
	again->deadline = deadline;
	again->attempt = 1;
	again->ret_err = ret_err;
	again->err.status = HF_OK; /* the rest is read only after somebody wrote it all */
	again->err.category = HF_CATEGORY_NONE;
	again->err.action = HF_ACTION_NEVER;
	again->err.alert = false;
	again->err.sqlstate[0] = again->err.message[0] = '\0';
}

static void log_again(const struct retrying *again, int64_t pause_us)
{
	const hf_error *err = &again->err;
	struct hf_log_field fields[] = {
		field_int("attempt", again->attempt),
		field_text("sqlstate", err->sqlstate),
		field_text("error", err->message),
		field_us("pause", pause_us),
	};
	context_log(again->state->ctx, HF_LOG_WARN, "kv_retry", fields, ARRAY_LEN(fields));
}

/* A pool without a connection has waited for one already. */
COLD static bool try_again(struct retrying *again, bool may, enum hf_status status)
{
	hf_kv_backend_state *state = again->state;
	const hf_error *err = &again->err;
	may = may && err->status == status && hf_error_is_retryable(err) && err->category != HF_CATEGORY_POOL;
	if (!may || again->attempt >= state->attempts_max)
		return false;
	if (again->attempt == 1)
		backoff_init(&again->backoff, state->backoff_ms * 1000, state->backoff_ms_max * 1000);
	int64_t pause_us = backoff_next(&again->backoff, context_random_u64(state->ctx));
	if (hf_now_monotonic_us(state->ctx) + pause_us >= again->deadline)
		return false;
	log_again(again, pause_us);
	context_pause(state->ctx, pause_us);
	again->attempt++;
	atomic_fetch_add_explicit(&state->retries, 1, memory_order_relaxed);
	return true;
}

bool postgres_again_if(struct retrying *again, bool may, enum hf_status status)
{
	if (status == HF_OK)
		return false;
	if (status != HF_NOT_FOUND && try_again(again, may, status))
		return true;
	if (again->ret_err && again->err.status == status)
		*again->ret_err = again->err;
	return false;
}

bool postgres_again(struct retrying *again, enum hf_status status)
{
	return postgres_again_if(again, true, status);
}

void postgres_count_again(hf_kv_backend_state *state, hf_where tx)
{
	if (hf_transaction_attempt(tx) > 1)
		atomic_fetch_add_explicit(&state->retries, 1, memory_order_relaxed);
}

uint64_t postgres_retries(const hf_kv_backend_state *state)
{
	return atomic_load_explicit(&state->retries, memory_order_relaxed);
}
