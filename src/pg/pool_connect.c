/*
 * pool_connect.c - the threads that connect: as many as may connect at a time.
 *
 * A connect is wanted when more callers wait than connects are under way, or when the minimum is not reached. It
 * belongs to the pool: nobody's timeout ends it. After a failure all pause, ever longer; its reason is kept for the
 * callers who wait in vain. A failure that cannot heal by itself (password, no such database, certificate) is told to
 * them at once, and no connect is tried for the minimum's sake until somebody asks again.
 */
#include "pg/monotonic.h"
#include "pg/pool.h"

bool pool_is_hopeless(const hf_pool *pool, int64_t now_us)
{
	return pool->permanent && now_us < pool->retry_us && pool->counts[SLOT_CONNECTING] == 0;
}

static bool is_wanted(const hf_pool *pool)
{
	uint32_t connecting = pool->counts[SLOT_CONNECTING];
	uint32_t open = pool->counts[SLOT_IDLE] + pool->counts[SLOT_BUSY] + connecting;
	return pool->free && (pool->waiting > connecting || (open < pool->min && !pool->permanent));
}

void pool_want_connections(hf_pool *pool)
{
	if (is_wanted(pool))
		pthread_cond_signal(&pool->work);
}

static void log_failure(const hf_pool *pool, const hf_error *cause, int64_t pause_us)
{
	struct hf_log_field fields[] = {
	        field_text("pool", pool->name),
	        field_text("error", cause->message),
	        field_text("sqlstate", cause->sqlstate),
	        field_us("pause", pause_us),
	};
	context_log(pool->ctx, error_log_level(cause), "pool_connect_failed", fields, ARRAY_LEN(fields));
}

static int64_t lifetime_end(hf_pool *pool, int64_t now_us)
{
	if (pool->lifetime_us < 0)
		return INT64_MAX;
	int64_t tenth = pool->lifetime_us / 10;
	int64_t jitter = (int64_t)(context_random_u64(pool->ctx) % (uint64_t)(2 * tenth + 1)) - tenth;
	return now_us + pool->lifetime_us + jitter;
}

static void succeed(hf_pool *pool, struct pool_slot *slot, hf_connection *connection, int64_t now_us)
{
	connection->slot = slot;
	slot->connection = connection;
	slot->backend = hf_connection_backend_pid(connection);
	slot->expires_us = lifetime_end(pool, now_us);
	pool->failing = pool->permanent = false;
	pool->retry_us = INT64_MIN;
	backoff_init(&pool->backoff, 0, 0);
	pool->opened++;
	hf_counter_add(pool->metrics.opened, 1);
	slot_offer(pool, slot, now_us);
	pool_want_connections(pool);
}

static bool is_permanent(const hf_error *cause)
{
	return cause->action == HF_ACTION_FIX_CONFIG || cause->status == HF_E_CONFIG || cause->status == HF_E_DENIED ||
	       cause->status == HF_E_USAGE;
}

/* Releases the mutex to log. */
static void fail(hf_pool *pool, struct pool_slot *slot, const hf_error *cause, int64_t now_us)
{
	slot_move(pool, slot, SLOT_FREE);
	slot->next = pool->free;
	pool->free = slot;
	int64_t pause = backoff_next(&pool->backoff, context_random_u64(pool->ctx));
	pool->permanent = is_permanent(cause);
	if (pool->permanent)
		pause = pool->backoff.cap_us;
	pool->failing = true;
	pool->cause = *cause;
	pool->retry_us = now_us + pause;
	pool->connects_failed++;
	hf_counter_add(pool->metrics.connects_failed, 1);
	if (pool->permanent && pool->counts[SLOT_BUSY] == 0) /* else one may still come back */
		pool_fail_waiters(pool);
	pthread_mutex_unlock(&pool->mutex);
	log_failure(pool, cause, pause);
	pthread_mutex_lock(&pool->mutex);
}

static void connect_one(hf_pool *pool)
{
	struct pool_slot *slot = pool->free;
	pool->free = slot->next;
	slot->generation = pool->generation;
	slot_move(pool, slot, SLOT_CONNECTING);
	pthread_mutex_unlock(&pool->mutex);
	hf_error cause = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	int64_t start = hf_now_monotonic_us(pool->ctx);
	enum hf_status status = hf_connection_open(pool->ctx, pool->settings, &pool->connection_options,
	                                           HF_DEADLINE_DEFAULT, &connection, &cause);
	int64_t now = hf_now_monotonic_us(pool->ctx);
	hf_histogram_observe_us(pool->metrics.connect, now - start);
	pthread_mutex_lock(&pool->mutex);
	if (status == HF_OK)
		succeed(pool, slot, connection, now);
	else
		fail(pool, slot, &cause, now);
}

void *pool_connector(void *argument)
{
	hf_pool *pool = argument;
	pthread_mutex_lock(&pool->mutex);
	while (!pool->closed) {
		int64_t pause = pool->retry_us == INT64_MIN ? 0 : pool->retry_us - hf_now_monotonic_us(pool->ctx);
		if (!is_wanted(pool)) {
			pthread_cond_wait(&pool->work, &pool->mutex);
		} else if (pause > 0) {
			struct timespec until = monotonic_after(pause);
			pthread_cond_timedwait(&pool->work, &pool->mutex, &until);
		} else {
			connect_one(pool);
		}
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}
