/*
 * tx_retry.c - hf_transaction(): which connection, how many attempts, how long between them.
 *
 * Repeated is only what certainly left nothing behind: a conflict, a lock not got, a connection lost before COMMIT. The
 * attempts, the deadline and the pool's retry budget bound it; a connection of the pool is given back for the pause.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/metrics.h"
#include "pg/pool.h"
#include "pg/tx.h"
#include "pg/where.h"

enum { ATTEMPTS_MAX = 5 };

/* A checkout that failed is not repeated: it has waited already. */
static bool may_repeat(const struct hf_tx *tx, enum hf_status status, const hf_error *err)
{
	return tx->opened && err->status == status && hf_error_is_retryable(err) &&
	       tx->attempt < tx->options.attempts_max && (tx->pool || !tx->connection->broken);
}

static bool has_time(const struct hf_tx *tx, int64_t pause_us)
{
	return tx->deadline == HF_DEADLINE_DEFAULT || hf_now_monotonic_us(tx->ctx) + pause_us < tx->deadline;
}

static bool has_budget(const struct hf_tx *tx)
{
	if (!tx->pool || retry_budget_spend(&tx->pool->retries))
		return true;
	metrics_count(tx->ctx->metrics, METRIC_RETRIES_REFUSED, 1);
	return false;
}

static void log_retry(const struct hf_tx *tx, const hf_error *err, int64_t pause_us)
{
	struct hf_log_field fields[] = {
		field_int("attempt", tx->attempt),
		field_text("sqlstate", err->sqlstate),
		field_text("error", err->message),
		field_us("pause", pause_us),
	};
	context_log(tx->ctx, HF_LOG_WARN, "tx_retry", fields, ARRAY_LEN(fields));
}

static void log_recovery(const struct hf_tx *tx)
{
	struct hf_log_field fields[] = {field_int("attempts", tx->attempt)};
	if (tx->attempt > 1)
		context_log(tx->ctx, HF_LOG_INFO, "tx_recovered", fields, ARRAY_LEN(fields));
}

static enum hf_status attempt(struct hf_tx *tx, hf_where where, hf_transaction_fn *fn, void *user, hf_error *err)
{
	tx->opened = false;
	enum hf_status status = where_acquire(&where, &tx->connection, err);
	if (status != HF_OK)
		return status;
	status = tx_run_once(tx, fn, user, err);
	if (status != HF_OK && err->status != status && tx->has_first && tx->first.status == status)
		*err = tx->first; /* the function did not ask why, but whether it is repeated depends on it */
	if (tx->pool) {
		where_release(&where, tx->connection);
		tx->connection = NULL;
	}
	return status;
}

static enum hf_status run(struct hf_tx *tx, hf_where where, hf_transaction_fn *fn, void *user, hf_error *err)
{
	struct backoff backoff;
	backoff_init(&backoff, tx->options.backoff_base_ms * 1000, tx->options.backoff_cap_ms * 1000);
	for (;;) {
		static const hf_error none = HF_ERROR_INIT;
		*err = none;
		tx->attempt++;
		enum hf_status status = attempt(tx, where, fn, user, err);
		if (status == HF_OK) {
			log_recovery(tx);
			return HF_OK;
		}
		int64_t pause = backoff_next(&backoff, context_random_u64(tx->ctx));
		if (!may_repeat(tx, status, err) || !has_time(tx, pause) || !has_budget(tx))
			return status;
		metrics_count(tx->ctx->metrics, METRIC_RETRIES, 1);
		log_retry(tx, err, pause);
		context_pause(tx->ctx, pause);
	}
}

static enum hf_status check_options(const struct hf_transaction_options *options, hf_error *err)
{
	if (options && options_check("hf_transaction_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	if (options && (options->backoff_base_ms < 0 || options->backoff_cap_ms < 0 || options->lock_timeout_ms < 0 ||
	                options->backoff_base_ms > 3600000 || options->backoff_cap_ms > 3600000))
		return error_set(err, HF_E_USAGE, "a time in hf_transaction_options is negative, or over an hour");
	return HF_OK;
}

static enum hf_status transact(hf_where where, const struct hf_transaction_options *options, bool joined,
                               hf_transaction_fn *fn, void *user, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = check_options(options, err);
	if (status != HF_OK)
		return status;
	if (where.kind == HF_WHERE_TRANSACTION) {
		status = tx_run_nested(where.target, where.deadline, fn, user, &local);
	} else {
		struct hf_tx tx = {
			.ctx = hf_where_context(where),
			.pool = where.kind == HF_WHERE_POOL ? where.target : NULL,
			.deadline = where.deadline,
			.joined = joined,
		};
		if (options)
			tx.options = *options;
		if (tx.options.attempts_max == 0)
			tx.options.attempts_max = ATTEMPTS_MAX;
		if (tx.pool)
			retry_budget_earn(&tx.pool->retries);
		status = run(&tx, where, fn, user, &local);
		free(tx.callbacks);
	}
	if (status != HF_OK && err)
		*err = local;
	return status;
}

enum hf_status hf_transaction(hf_where where, const struct hf_transaction_options *options, hf_transaction_fn *fn,
                              void *user, hf_error *err)
{
	return transact(where, options, false, fn, user, err);
}

enum hf_status tx_joined(hf_where where, const struct hf_transaction_options *options, hf_transaction_fn *fn,
                         void *user, hf_error *err)
{
	return transact(where, options, true, fn, user, err);
}
