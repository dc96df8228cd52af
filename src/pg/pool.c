/*
 * pool.c - opening, checkout, return, closing.
 *
 * The quiet path is: checkout = one clock, one mutex pair, one poll(2) unless a statement ended on it this moment;
 * return = one mutex pair, and one clock unless a statement has just looked at it. Nothing is allocated after the pool
 * was opened, except by connecting.
 */
#include "pg/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "pg/monotonic.h"

/* ---- slots ---- */

static struct pool_slot *pop(struct pool_slot **stack)
{
	struct pool_slot *slot = *stack;
	*stack = slot->next;
	slot->next = NULL;
	return slot;
}

static void push(struct pool_slot **stack, struct pool_slot *slot)
{
	slot->next = *stack;
	*stack = slot;
}

static void give_out(hf_pool *pool, struct pool_slot *slot, int64_t now_us)
{
	slot->trusted = slot->state == SLOT_IDLE && now_us - slot->connection->alive_us < POOL_TRUSTED_US;
	slot_move(pool, slot, SLOT_BUSY);
	slot->since_us = now_us;
	slot->warned = false;
	pool->checkouts++;
}

void slot_close(hf_pool *pool, struct pool_slot *slot, enum close_reason reason)
{
	hf_connection *connection = slot->connection;
	slot->connection = NULL; /* before the mutex is released: a child forked now must not touch it */
	slot_move(pool, slot, SLOT_CLOSING);
	pthread_mutex_unlock(&pool->mutex);
	canceller_leave(connection->canceller, CONN_CANCEL_BUDGET_US);
	hf_connection_free(connection);
	hf_counter_add(pool->metrics.closed[reason], 1);
	pthread_mutex_lock(&pool->mutex);
	pool->closed_count++;
	slot_move(pool, slot, SLOT_FREE);
	push(&pool->free, slot);
	pool_want_connections(pool);
	if (pool->closed)
		pthread_cond_broadcast(&pool->settled);
}

void slot_offer(hf_pool *pool, struct pool_slot *slot, int64_t now_us)
{
	if (pool->closed || slot->generation != pool->generation) {
		slot_close(pool, slot, pool->closed ? CLOSE_DRAIN : CLOSE_REFRESH);
		return;
	}
	if (pool->first) {
		give_out(pool, slot, now_us);
		pool_hand_over(pool, slot);
		return;
	}
	slot_move(pool, slot, SLOT_IDLE);
	slot->since_us = now_us;
	push(&pool->idle, slot);
}

/* ---- checkout and return ---- */

static enum hf_status error_forked(hf_error *err)
{
	return error_set(err, HF_E_USAGE, "could not use the pool: this process was forked from the one that opened "
	                                  "it");
}

/* A BUSY slot. Who comes while others wait goes behind them, even if something is idle. */
static enum hf_status take(hf_pool *pool, hf_deadline deadline, struct pool_slot **ret_slot, hf_error *err)
{
	enum hf_status status = HF_OK;
	int64_t now = hf_now_monotonic_us(pool->ctx);
	pthread_mutex_lock(&pool->mutex);
	if (pool->idle && !pool->first && !pool->closed) {
		*ret_slot = pop(&pool->idle);
		give_out(pool, *ret_slot, now);
	} else if (pool->closed) {
		status = pool_error_closed(err);
		hf_counter_add(pool->metrics.acquired_failed, 1);
	} else if (pool->counts[SLOT_BUSY] == 0 && pool_is_hopeless(pool, now)) {
		status = pool_error_cause(pool, "could not get a connection", err);
		hf_counter_add(pool->metrics.acquired_failed, 1);
	} else {
		hf_deadline latest = now + pool->acquire_timeout_us;
		if (deadline == HF_DEADLINE_DEFAULT || deadline > latest)
			deadline = latest;
		status = pool_wait(pool, deadline, ret_slot, err);
	}
	pthread_mutex_unlock(&pool->mutex);
	return status;
}

enum hf_status hf_pool_checkout(hf_pool *pool, hf_deadline deadline, hf_connection **ret_connection, hf_error *err)
{
	if (fork_guard_forked(&pool->fork))
		return error_forked(err);
	/* Each round closes a dead connection; after that many the ones that follow were opened just now. */
	for (uint32_t i = 0; i <= pool->max; i++) {
		struct pool_slot *slot;
		enum hf_status status = take(pool, deadline, &slot, err);
		if (status != HF_OK)
			return status;
		if (slot->trusted || connection_is_alive(slot->connection)) {
			hf_counter_add(pool->metrics.acquired_ok, 1);
			*ret_connection = slot->connection;
			return HF_OK;
		}
		pthread_mutex_lock(&pool->mutex);
		slot_close(pool, slot, CLOSE_BROKEN);
		pthread_mutex_unlock(&pool->mutex);
	}
	error_set(err, HF_E_UNAVAILABLE, "could not get a connection: the server closed %u of them while idle",
	          pool->max);
	if (err) {
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_RECONNECT;
	}
	return HF_E_UNAVAILABLE;
}

static void pool_free(hf_pool *pool);

bool pool_release_if_last(hf_pool *pool)
{
	if (!pool->abandoned || pool->counts[SLOT_BUSY] + pool->counts[SLOT_CLOSING] > 0)
		return false;
	pthread_mutex_unlock(&pool->mutex);
	pool_free(pool);
	return true;
}

static void close_idle(hf_pool *pool, enum close_reason reason)
{
	struct pool_slot **at = &pool->idle;
	while (*at) {
		struct pool_slot *slot = *at;
		if (!pool->closed && slot->generation == pool->generation) {
			at = &slot->next; /* opened since the generation ended: closing releases the mutex */
			continue;
		}
		*at = slot->next;
		slot_close(pool, slot, reason);
		at = &pool->idle;
	}
}

void hf_pool_return(hf_pool *pool, hf_connection *connection)
{
	pool_return_at(pool, connection, 0);
}

void pool_return_at(hf_pool *pool, hf_connection *connection, int64_t now_us)
{
	if (fork_guard_forked(&pool->fork))
		return; /* hf_pool_close() closes the descriptor */
	enum close_reason reason;
	bool refresh = connection->wrong_server;
	struct pool_slot *slot = connection->slot;
	ASSERT(slot && slot->connection == connection && slot->state == SLOT_BUSY);
	bool keep = pool_recycle(pool, slot, &now_us, &reason);
	int64_t now = now_us ? now_us : hf_now_monotonic_us(pool->ctx);
	hf_histogram_observe_us(pool->metrics.hold, now - slot->since_us);
	pthread_mutex_lock(&pool->mutex);
	if (keep && now >= slot->expires_us) {
		keep = false;
		reason = CLOSE_LIFETIME;
	}
	if (refresh)
		pool->generation++; /* the others are connected to the same one */
	if (keep)
		slot_offer(pool, slot, now);
	else
		slot_close(pool, slot, reason);
	if (refresh)
		close_idle(pool, CLOSE_REFRESH);
	if (pool->closed) {
		pthread_cond_broadcast(&pool->settled);
		if (pool_release_if_last(pool))
			return;
	}
	pthread_mutex_unlock(&pool->mutex);
}

/* ---- opening ---- */

static int64_t span_us(int64_t ms, int64_t default_ms)
{
	int64_t us;
	if (ms < 0)
		return -1;
	return __builtin_mul_overflow(ms ? ms : default_ms, 1000, &us) ? INT64_MAX / 4 : us;
}

static enum hf_status copy_text(const char *text, const char **ret_copy, hf_error *err)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? error_nomem(err) : HF_OK;
}

static enum hf_status copy_connection_options(hf_pool *pool, const struct hf_connection_options *given, hf_error *err)
{
	struct hf_connection_options *copy = &pool->connection_options;
	copy->size = sizeof(*copy);
	if (!given)
		return HF_OK;
	if (options_check("hf_connection_options", given->size, sizeof(*given), err) != HF_OK)
		return HF_E_USAGE;
	*copy = *given;
	copy->application_name = copy->time_zone = copy->server_options = NULL;
	enum hf_status status = copy_text(given->application_name, &copy->application_name, err);
	if (status == HF_OK)
		status = copy_text(given->time_zone, &copy->time_zone, err);
	return status == HF_OK ? copy_text(given->server_options, &copy->server_options, err) : status;
}

static void set_bounds(hf_pool *pool, const struct hf_pool_options *options)
{
	pool->max = options->connections_max ? options->connections_max : 10;
	pool->min = options->connections_min ? options->connections_min : 2;
	pool->connecting_max = options->connecting_max ? options->connecting_max : 2;
	if (options->lazy)
		pool->min = 0;
	if (pool->min > pool->max)
		pool->min = pool->max;
	if (pool->connecting_max > pool->max)
		pool->connecting_max = pool->max;
	if (pool->connecting_max > POOL_CONNECTING_MAX)
		pool->connecting_max = POOL_CONNECTING_MAX;
	pool->acquire_timeout_us = span_us(options->acquire_timeout_ms < 0 ? 0 : options->acquire_timeout_ms, 5000);
	pool->idle_timeout_us = span_us(options->idle_timeout_ms, 600000);
	pool->lifetime_us = span_us(options->lifetime_ms, 1800000);
	pool->hold_warn_us = span_us(options->hold_warn_ms, 30000);
	pool->reset = options->reset;
	snprintf(pool->name, sizeof(pool->name), "%s", options->name ? options->name : "default");
}

static void init_locks(hf_pool *pool)
{
	pthread_condattr_init(&pool->monotonic);
	pthread_condattr_setclock(&pool->monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->probed, &pool->monotonic);
	pthread_cond_init(&pool->work, &pool->monotonic);
	pthread_cond_init(&pool->tend, &pool->monotonic);
	pthread_cond_init(&pool->settled, &pool->monotonic);
}

static void free_memory(hf_pool *pool)
{
	free((char *)(uintptr_t)pool->connection_options.application_name);
	free((char *)(uintptr_t)pool->connection_options.time_zone);
	free((char *)(uintptr_t)pool->connection_options.server_options);
	hf_settings_free(pool->settings);
	fork_guard_deinit(&pool->fork);
	free(pool->health);
	free(pool->slots);
	free(pool);
}

static void pool_free(hf_pool *pool)
{
	if (pool->metrics.max)
		hf_gauge_set(pool->metrics.max, 0);
	hf_connection_free(pool->probe);
	pthread_cond_destroy(&pool->settled);
	pthread_cond_destroy(&pool->tend);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->probed);
	pthread_mutex_destroy(&pool->mutex);
	pthread_condattr_destroy(&pool->monotonic);
	free_memory(pool);
}

static enum hf_status start_thread(hf_pool *pool, void *(*run)(void *), hf_error *err)
{
	enum hf_status status =
	        thread_start(&pool->threads[pool->thread_count], run, pool, "a thread of the pool", err);
	pool->thread_count += status == HF_OK;
	return status;
}

static enum hf_status start(hf_pool *pool, hf_error *err)
{
	enum hf_status status = start_thread(pool, pool_keeper, err);
	for (uint32_t i = 0; status == HF_OK && i < pool->connecting_max; i++)
		status = start_thread(pool, pool_connector, err);
	return status;
}

static enum hf_status init(hf_pool *pool, const hf_settings *settings, const struct hf_pool_options *options,
                           hf_error *err)
{
	set_bounds(pool, options);
	pool->slots = calloc(pool->max, sizeof(*pool->slots));
	if (!pool->slots)
		return error_nomem(err);
	for (uint32_t i = pool->max; i-- > 0;)
		push(&pool->free, &pool->slots[i]);
	pool->counts[SLOT_FREE] = pool->max;
	pool->retry_us = INT64_MIN;
	pool->kept_us = hf_now_monotonic_us(pool->ctx);
	backoff_init(&pool->backoff, 0, 0);
	retry_budget_init(&pool->retries);
	pool_metrics_init(&pool->metrics, pool->ctx->metrics, pool->name, pool->max);
	enum hf_status status = copy_connection_options(pool, options->connection, err);
	return status == HF_OK ? settings_copy(settings, &pool->settings, err) : status;
}

enum hf_status hf_pool_open(hf_context *ctx, const hf_settings *settings, const struct hf_pool_options *options,
                            hf_pool **ret_pool, hf_error *err)
{
	static const struct hf_pool_options defaults = {.size = sizeof(defaults)};
	options = options ? options : &defaults;
	if (options_check("hf_pool_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	if (options->connections_max > POOL_CONNECTIONS_MAX)
		return error_set(err, HF_E_USAGE, "a pool of %u connections is asked for, at most %d are allowed",
		                 options->connections_max, POOL_CONNECTIONS_MAX);
	hf_pool *made = calloc(1, sizeof(*made));
	if (!made)
		return error_nomem(err);
	made->ctx = ctx;
	fork_guard_init(&made->fork);
	init_locks(made);
	CLEANUP(pool_freep) hf_pool *pool = made;
	enum hf_status status = init(pool, settings, options, err);
	if (status == HF_OK)
		status = start(pool, err);
	if (status == HF_OK)
		*ret_pool = pool_take(&pool);
	return status;
}

/* ---- closing ---- */

void hf_pool_refresh(hf_pool *pool)
{
	if (fork_guard_forked(&pool->fork))
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->generation++;
	close_idle(pool, CLOSE_REFRESH);
	pthread_mutex_unlock(&pool->mutex);
}

static void stop(hf_pool *pool)
{
	pool->closed = true;
	pool_fail_waiters(pool);
	pthread_cond_broadcast(&pool->work);
	pthread_cond_broadcast(&pool->tend);
	close_idle(pool, CLOSE_DRAIN);
}

enum hf_status hf_pool_drain(hf_pool *pool, hf_deadline deadline, hf_error *err)
{
	if (fork_guard_forked(&pool->fork))
		return error_forked(err);
	if (deadline == HF_DEADLINE_DEFAULT)
		deadline = hf_deadline_in(pool->ctx, POOL_CLOSE_BUDGET_MS);
	struct timespec until = monotonic_after(deadline - hf_now_monotonic_us(pool->ctx));
	int waited = 0;
	pthread_mutex_lock(&pool->mutex);
	stop(pool);
	while (pool->counts[SLOT_BUSY] + pool->counts[SLOT_CLOSING] + pool->visitors > 0 && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&pool->settled, &pool->mutex, &until);
	uint32_t out = pool->counts[SLOT_BUSY];
	pthread_mutex_unlock(&pool->mutex);
	if (out == 0)
		return HF_OK;
	error_set(err, HF_TIMEOUT, "could not drain the pool: %u connections are still in use", out);
	if (err)
		err->category = HF_CATEGORY_POOL;
	return HF_TIMEOUT;
}

static void close_in_child(hf_pool *pool)
{
	for (uint32_t i = 0; i < pool->max; i++)
		hf_connection_free(pool->slots[i].connection);
	hf_connection_free(pool->probe);
	free_memory(pool);
}

void hf_pool_close(hf_pool *pool)
{
	if (!pool)
		return;
	if (fork_guard_forked(&pool->fork)) {
		close_in_child(pool);
		return;
	}
	hf_pool_drain(pool, HF_DEADLINE_DEFAULT, NULL);
	for (uint32_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_mutex_lock(&pool->mutex);
	pool->abandoned = true;
	if (!pool_release_if_last(pool))
		pthread_mutex_unlock(&pool->mutex);
}
