/*
 * redis_pool.c - the connections of a backend: taken for one call, given back, at most `max` of them.
 *
 * The last that came back goes out first; what stays idle for too long beyond `min` is closed as others come
 * back, so that no thread is needed. Connecting happens outside of the mutex.
 */
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "kv/redis.h"
#include "pg/monotonic.h"

enum { LOOK_US = 200000 };

void redis_pool_init(struct redis_pool *pool, const struct hf_kv_options *options)
{
	*pool = (struct redis_pool){.min = options->connections_min,
	                            .max = options->connections_max,
	                            .idle_us_max = options->connection_idle_ms * 1000,
	                            .pid = getpid()};
	pthread_mutex_init(&pool->mutex, NULL);
	cond_init_monotonic(&pool->freed);
}

void redis_pool_deinit(struct redis_pool *pool)
{
	while (pool->idle) {
		struct redis_connection *connection = pool->idle;
		pool->idle = connection->next;
		redis_wire_close(connection);
	}
	if (pool->pid != getpid()) /* it would wait for the parent's threads that wait */
		return;
	pthread_cond_destroy(&pool->freed);
	pthread_mutex_destroy(&pool->mutex);
}

/* A connection, or the right to make one (NULL). Mutex held. */
static enum hf_status take_place(hf_kv_backend_state *state, hf_deadline deadline, struct redis_connection **ret_idle,
                                 hf_error *err)
{
	struct redis_pool *pool = &state->pool;
	while (!pool->idle && pool->open_count >= pool->max) {
		int64_t left_us = deadline - hf_now_monotonic_us(state->ctx);
		if (hf_context_interrupted(state->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for a connection to Redis");
		if (left_us <= 0)
			return error_set(err, HF_TIMEOUT, "all %u connections to Redis were in use until the deadline",
			                 pool->max);
		struct timespec until = monotonic_after(left_us < LOOK_US ? left_us : LOOK_US);
		pthread_cond_timedwait(&pool->freed, &pool->mutex, &until);
	}
	*ret_idle = pool->idle;
	if (pool->idle) {
		pool->idle = pool->idle->next;
		pool->idle_count--;
	} else {
		pool->open_count++;
	}
	return HF_OK;
}

static void close_place(struct redis_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->open_count--;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->mutex);
}

enum hf_status redis_pool_take(hf_kv_backend_state *state, hf_deadline deadline,
                               struct redis_connection **ret_connection, hf_error *err)
{
	struct redis_connection *connection = NULL;
	for (;;) {
		pthread_mutex_lock(&state->pool.mutex);
		enum hf_status status = take_place(state, deadline, &connection, err);
		pthread_mutex_unlock(&state->pool.mutex);
		if (status != HF_OK)
			return status;
		if (!connection)
			break;
		if (redis_wire_alive(connection, hf_now_monotonic_us(state->ctx))) {
			*ret_connection = connection;
			return HF_OK;
		}
		redis_wire_close(connection);
		close_place(&state->pool);
	}
	enum hf_status status = redis_login(state, deadline, ret_connection, err);
	if (status != HF_OK)
		close_place(&state->pool);
	return status;
}

/* The one that was idle longest, if that is too long. Mutex held. */
static struct redis_connection *unlink_stale(struct redis_pool *pool, int64_t now_us)
{
	struct redis_connection **last = &pool->idle;
	if (pool->open_count <= pool->min || !pool->idle || pool->idle_us_max < 0)
		return NULL;
	while ((*last)->next)
		last = &(*last)->next;
	struct redis_connection *stale = *last;
	if (now_us - stale->since_us < pool->idle_us_max)
		return NULL;
	*last = NULL;
	pool->idle_count--;
	pool->open_count--;
	return stale;
}

void redis_pool_give(hf_kv_backend_state *state, struct redis_connection *connection, bool broken)
{
	struct redis_pool *pool = &state->pool;
	if (broken || !redis_wire_is_silent(connection)) {
		redis_wire_close(connection);
		close_place(pool);
		return;
	}
	pthread_mutex_lock(&pool->mutex);
	int64_t now_us = hf_now_monotonic_us(state->ctx);
	struct redis_connection *stale = unlink_stale(pool, now_us);
	connection->since_us = now_us;
	connection->next = pool->idle;
	pool->idle = connection;
	pool->idle_count++;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->mutex);
	redis_wire_close(stale);
}
