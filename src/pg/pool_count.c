/*
 * pool_count.c - a pool's numbers: slot states, statistics, metrics.
 */
#include <string.h>

#include "pg/pool.h"

static const char *const state_words[SLOT_STATES] = {"free", "connecting", "idle", "busy", "closing"};
static const char *const reason_words[CLOSE_REASONS] = {"broken", "reset_failed", "lifetime", "idle",
                                                        "drain",  "refresh",      "oversize"};

static hf_counter *counter(struct hf_metrics *registry, const char *pool, const char *name, const char *help,
                           const char *label, const char *value)
{
	struct hf_label labels[] = {{"pool", pool}, {label, value}};
	return hf_metrics_counter(registry, name, help, labels, label ? 2 : 1);
}

static hf_histogram *histogram(struct hf_metrics *registry, const char *pool, const char *name, const char *help)
{
	return hf_metrics_histogram(registry, name, help, (struct hf_label[]){{"pool", pool}}, 1);
}

void pool_metrics_init(struct pool_metrics *metrics, struct hf_metrics *registry, const char *name, uint32_t max)
{
	struct hf_label pool = {"pool", name};
	for (size_t i = SLOT_CONNECTING; i < SLOT_STATES; i++)
		metrics->states[i] = hf_metrics_gauge(registry, "hf_pool_connections", "Connections of a pool by state",
		                                      (struct hf_label[]){pool, {"state", state_words[i]}}, 2);
	metrics->max = hf_metrics_gauge(registry, "hf_pool_max", "Bound of a pool", &pool, 1);
	metrics->waiting = hf_metrics_gauge(registry, "hf_pool_waiters", "Callers waiting for a connection", &pool, 1);
	static const char acquired[] = "hf_pool_acquire_total", acquired_help[] = "Checkouts by result";
	metrics->acquired_ok = counter(registry, name, acquired, acquired_help, "result", "ok");
	metrics->acquired_timeout = counter(registry, name, acquired, acquired_help, "result", "timeout");
	metrics->acquired_failed = counter(registry, name, acquired, acquired_help, "result", "failed");
	metrics->opened = counter(registry, name, "hf_pool_created_total", "Connections opened", NULL, NULL);
	metrics->connects_failed =
	        counter(registry, name, "hf_pool_connects_failed_total", "Connects that failed", NULL, NULL);
	metrics->leaked = counter(registry, name, "hf_pool_leaked_transactions_total",
	                          "Connections returned with a transaction open", NULL, NULL);
	for (size_t i = 0; i < CLOSE_REASONS; i++)
		metrics->closed[i] = counter(registry, name, "hf_pool_closed_total", "Connections closed by reason",
		                             "reason", reason_words[i]);
	metrics->wait = histogram(registry, name, "hf_pool_wait_seconds", "Time spent waiting for a connection");
	metrics->hold = histogram(registry, name, "hf_pool_hold_seconds", "Time from checkout to return");
	metrics->connect = histogram(registry, name, "hf_pool_connect_seconds", "Time to log in");
	hf_gauge_set(metrics->max, max);
}

static void count_state(hf_pool *pool, enum slot_state state, int delta)
{
	struct hf_metrics *registry = pool->ctx->metrics;
	pool->counts[state] += (uint32_t)delta;
	if (state == SLOT_FREE)
		return;
	hf_gauge_set(pool->metrics.states[state], pool->counts[state]);
	if (state == SLOT_BUSY)
		metrics_gauge(registry, METRIC_POOL_ACTIVE, delta);
	else if (state == SLOT_IDLE)
		metrics_gauge(registry, METRIC_POOL_IDLE, delta);
}

static bool is_open(enum slot_state state)
{
	return state == SLOT_IDLE || state == SLOT_BUSY;
}

void slot_move(hf_pool *pool, struct pool_slot *slot, enum slot_state state)
{
	int size = (int)is_open(state) - (int)is_open(slot->state);
	count_state(pool, slot->state, -1);
	count_state(pool, state, 1);
	slot->state = state;
	if (size != 0)
		metrics_gauge(pool->ctx->metrics, METRIC_POOL_SIZE, size);
}

int64_t pool_longest_hold_us(const hf_pool *pool, int64_t now_us)
{
	int64_t longest = 0;
	for (uint32_t i = 0; i < pool->max; i++)
		if (pool->slots[i].state == SLOT_BUSY && now_us - pool->slots[i].since_us > longest)
			longest = now_us - pool->slots[i].since_us;
	return longest;
}

void hf_pool_stats(hf_pool *pool, struct hf_pool_stats *ret_stats)
{
	struct hf_pool_stats stats = {.connections_max = pool->max, .is_closed = true};
	if (!fork_guard_forked(&pool->fork)) {
		int64_t now = hf_now_monotonic_us(pool->ctx);
		pthread_mutex_lock(&pool->mutex);
		stats = (struct hf_pool_stats){
		        .connections_max = pool->max,
		        .idle = pool->counts[SLOT_IDLE],
		        .busy = pool->counts[SLOT_BUSY],
		        .connecting = pool->counts[SLOT_CONNECTING],
		        .closing = pool->counts[SLOT_CLOSING],
		        .waiting = pool->waiting,
		        .waiting_us = pool->waiting ? now - pool->waiting_since_us : 0,
		        .longest_hold_us = pool_longest_hold_us(pool, now),
		        .checkouts = pool->checkouts,
		        .waits = pool->waits,
		        .timeouts = pool->timeouts,
		        .opened = pool->opened,
		        .closed = pool->closed_count,
		        .connects_failed = pool->connects_failed,
		        .leaked_transactions = pool->leaked,
		        .is_closed = pool->closed,
		};
		if (pool->failing)
			memcpy(stats.last_error, pool->cause.message, sizeof(stats.last_error));
		pthread_mutex_unlock(&pool->mutex);
	}
	*ret_stats = stats;
}
