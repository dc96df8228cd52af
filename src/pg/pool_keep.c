/*
 * pool_keep.c - the maintenance thread: closes what has been idle for long or lived for long, warns of connections
 * that are held for long, and lets the connectors refill the minimum.
 */
#include "pg/monotonic.h"
#include "pg/pool.h"

enum { TICK_US_MIN = 10 * 1000, TICK_US_MAX = 5 * 1000 * 1000, WARNINGS_MAX = 8 };

/* The one that was used longest ago stands last on the stack. */
static struct pool_slot *find_surplus(const hf_pool *pool, int64_t now_us, enum close_reason *ret_reason)
{
	uint32_t open = pool->counts[SLOT_IDLE] + pool->counts[SLOT_BUSY];
	struct pool_slot *found = NULL;
	for (struct pool_slot *slot = pool->idle; slot; slot = slot->next) {
		bool old = now_us >= slot->expires_us;
		bool surplus = pool->idle_timeout_us >= 0 && open > pool->min &&
		               now_us - slot->since_us >= pool->idle_timeout_us;
		if (!old && !surplus)
			continue;
		*ret_reason = old ? CLOSE_LIFETIME : CLOSE_IDLE;
		found = slot;
	}
	return found;
}

static void unlink_idle(hf_pool *pool, const struct pool_slot *slot)
{
	struct pool_slot **at = &pool->idle;
	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
}

struct warning {
	int64_t held_us;
	int backend;
};

static size_t collect_warnings(hf_pool *pool, int64_t now_us, struct warning warnings[WARNINGS_MAX])
{
	size_t count = 0;
	if (pool->hold_warn_us < 0)
		return 0;
	for (uint32_t i = 0; i < pool->max && count < WARNINGS_MAX; i++) {
		struct pool_slot *slot = &pool->slots[i];
		if (slot->state != SLOT_BUSY || slot->warned || now_us - slot->since_us < pool->hold_warn_us)
			continue;
		slot->warned = true;
		warnings[count++] = (struct warning){now_us - slot->since_us, slot->backend};
	}
	return count;
}

static void log_warnings(const hf_pool *pool, const struct warning *warnings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hf_log_field fields[] = {
		        field_text("pool", pool->name),
		        field_us("held", warnings[i].held_us),
		        field_int("backend", warnings[i].backend),
		};
		context_log(pool->ctx, HF_LOG_WARN, "pool_held_long", fields, ARRAY_LEN(fields));
	}
}

void pool_tick(hf_pool *pool, int64_t now_us)
{
	struct warning warnings[WARNINGS_MAX];
	enum close_reason reason;
	pthread_mutex_lock(&pool->mutex);
	pool->kept_us = now_us;
	for (uint32_t i = 0; i < pool->max; i++) {
		struct pool_slot *slot = find_surplus(pool, now_us, &reason);
		if (!slot)
			break;
		unlink_idle(pool, slot);
		slot_close(pool, slot, reason);
	}
	size_t count = collect_warnings(pool, now_us, warnings);
	pool_want_connections(pool);
	pthread_mutex_unlock(&pool->mutex);
	log_warnings(pool, warnings, count);
}

/* Often enough that nothing is late by more than a quarter of its time. */
static int64_t tick_us(const hf_pool *pool)
{
	const int64_t spans[] = {pool->idle_timeout_us, pool->lifetime_us, pool->hold_warn_us};
	int64_t tick = TICK_US_MAX;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		if (spans[i] >= 0 && spans[i] / 4 < tick)
			tick = spans[i] / 4;
	return tick < TICK_US_MIN ? TICK_US_MIN : tick;
}

void *pool_keeper(void *argument)
{
	hf_pool *pool = argument;
	pthread_mutex_lock(&pool->mutex);
	while (!pool->closed) {
		struct timespec until = monotonic_after(tick_us(pool));
		pthread_cond_timedwait(&pool->tend, &pool->mutex, &until);
		if (pool->closed)
			break;
		pthread_mutex_unlock(&pool->mutex);
		pool_tick(pool, hf_now_monotonic_us(pool->ctx));
		pthread_mutex_lock(&pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}
