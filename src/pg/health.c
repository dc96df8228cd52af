/*
 * health.c - the probe and its verdict.
 *
 * The probe's connection and the kept answer belong to one thread at a time, that which set `probing`.
 */
#include "holdfast/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/blame.h"
#include "base/error.h"
#include "holdfast/sql.h"
#include "pg/monotonic.h"
#include "pg/pool.h"

enum {
	KEEP_US = 1000000,
	TIMEOUT_MS = 2000,
	SLOW_MS = 1000,
	WAITING_MS = 30000,
	STALLED_US = 60000000,
	TYPES_MAX = 16
};

const char *const hf_janitor_types[3] = {"public.debversion", "public.vcs_type", "public.publish_status"};

const char *hf_health_word(enum hf_health_state state)
{
	static const char *const words[] = {"healthy", "degraded", "unhealthy"};
	return (size_t)state < ARRAY_LEN(words) ? words[state] : "unhealthy";
}

static void blame(struct hf_health *health, enum hf_health_state state, const char *format, ...) PRINTF_LIKE(3, 4);
static void blame(struct hf_health *health, enum hf_health_state state, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	blame_add(health->reasons, HF_HEALTH_REASONS_MAX, &health->nreasons, &health->state, state, format, args);
	va_end(args);
}

/* ---- the probe ---- */

static enum hf_status ask_bool(hf_pool *pool, hf_deadline deadline, struct hf_str sql, const char *argument,
                               bool *ret_answer, hf_error *err)
{
	struct hf_sql_row row;
	struct hf_value value = hf_text(hf_str_of(argument));
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(65536);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_sql_one(hf_until(hf_on_connection(pool->probe), deadline), sql, &value,
	                                   argument ? 1 : 0, arena, &row, err);
	if (status == HF_OK)
		*ret_answer = row.values[0].as.b;
	return status;
}

static void drop_probe(hf_pool *pool)
{
	hf_connection_free(pool->probe);
	pool->probe = NULL;
}

static enum hf_status open_probe(hf_pool *pool, hf_deadline deadline, hf_error *err)
{
	if (pool->probe && !connection_is_alive(pool->probe))
		drop_probe(pool);
	if (pool->probe)
		return HF_OK;
	return hf_connection_open(pool->ctx, pool->settings, &pool->connection_options, deadline, &pool->probe, err);
}

static enum hf_status check_types(hf_pool *pool, const struct hf_health_options *options, hf_deadline deadline,
                                  struct hf_health *health)
{
	for (size_t i = 0; i < options->nrequired_types && i < TYPES_MAX; i++) {
		bool present = false;
		enum hf_status status = ask_bool(pool, deadline, HF_STR("SELECT to_regtype($1) IS NOT NULL"),
		                                 options->required_types[i], &present, &health->error);
		if (status != HF_OK)
			return status;
		if (present)
			continue;
		error_set(&health->error, HF_E_DRIFT, "type \"%s\" is missing in the database",
		          options->required_types[i]);
		error_hint(&health->error, "run the migrations of this database");
		health->error.category = HF_CATEGORY_MISSING_TYPES;
		health->error.alert = true;
		return HF_E_DRIFT;
	}
	return HF_OK;
}

static enum hf_status probe(hf_pool *pool, const struct hf_health_options *options, hf_deadline deadline,
                            struct hf_health *health)
{
	enum hf_status status = open_probe(pool, deadline, &health->error);
	if (status != HF_OK)
		return status;
	int64_t start = hf_now_monotonic_us(pool->ctx);
	status = ask_bool(pool, deadline, HF_STR("SELECT pg_is_in_recovery()"), NULL, &health->in_recovery,
	                  &health->error);
	if (status != HF_OK)
		return status;
	health->latency_us = hf_now_monotonic_us(pool->ctx) - start;
	return check_types(pool, options, deadline, health);
}

/* ---- the verdict ---- */

/* A server that has no connection left for the probe still serves those who have one. */
static void judge_probe(enum hf_status status, const struct hf_health_options *options, struct hf_health *health)
{
	bool full = health->error.category == HF_CATEGORY_RESOURCE && health->pool.idle + health->pool.busy > 0;
	if (status != HF_OK)
		blame(health, full ? HF_DEGRADED : HF_UNHEALTHY, "%.150s", health->error.message);
	else if (options->require_primary && health->in_recovery)
		blame(health, HF_UNHEALTHY, "the server is a standby, a primary is required");
	int64_t slow_ms = options->slow_ms ? options->slow_ms : SLOW_MS;
	if (health->latency_us / 1000 >= slow_ms)
		blame(health, HF_DEGRADED, "a round trip took %" PRId64 " ms", health->latency_us / 1000);
}

static void judge_pool(hf_pool *pool, const struct hf_health_options *options, struct hf_health *health)
{
	int64_t waiting_ms = options->waiting_ms ? options->waiting_ms : WAITING_MS;
	pthread_mutex_lock(&pool->mutex);
	int64_t kept_us = pool->kept_us;
	pthread_mutex_unlock(&pool->mutex);
	if (health->pool.is_closed)
		blame(health, HF_UNHEALTHY, "the pool is closed");
	else if (hf_now_monotonic_us(pool->ctx) - kept_us > STALLED_US)
		blame(health, HF_DEGRADED, "the pool's maintenance has not run for over a minute");
	if (health->pool.waiting_us / 1000 >= waiting_ms)
		blame(health, HF_DEGRADED, "%u callers wait for a connection, some of them for %" PRId64 " ms",
		      health->pool.waiting, health->pool.waiting_us / 1000);
	if (health->pool.last_error[0])
		blame(health, HF_DEGRADED, "connecting fails: %.130s", health->pool.last_error);
}

/* ---- one answer a second ---- */

struct kept_health {
	struct hf_health answer;
	struct hf_health_options asked; /* an answer to another question does not count */
	int64_t at_us;
};

static bool is_fresh(hf_pool *pool, const struct hf_health_options *options)
{
	const struct kept_health *kept = pool->health;
	return kept && kept->asked.required_types == options->required_types &&
	       kept->asked.nrequired_types == options->nrequired_types &&
	       kept->asked.require_primary == options->require_primary &&
	       hf_now_monotonic_us(pool->ctx) - kept->at_us < KEEP_US;
}

static void keep(hf_pool *pool, const struct hf_health_options *options, const struct hf_health *health)
{
	if (!pool->health)
		pool->health = calloc(1, sizeof(*pool->health));
	if (!pool->health)
		return; /* uncovered: memory is short; the next one asks again */
	pool->health->answer = *health;
	pool->health->asked = *options;
	pool->health->at_us = hf_now_monotonic_us(pool->ctx);
}

static void take_kept(const hf_pool *pool, struct hf_health *health)
{
	struct hf_pool_stats stats = health->pool;
	*health = pool->health->answer;
	health->pool = stats;
	health->cached = true;
}

/* The turn to probe; false when the one before did not end in time. */
static bool take_turn(hf_pool *pool, int64_t timeout_ms)
{
	struct timespec until = monotonic_after(timeout_ms * 1000);
	int waited = 0;
	pthread_mutex_lock(&pool->mutex);
	while (pool->probing && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&pool->probed, &pool->mutex, &until);
	bool taken = !pool->probing;
	if (taken)
		pool->probing = true;
	pthread_mutex_unlock(&pool->mutex);
	return taken;
}

static void end_turn(hf_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->probing = false;
	pthread_cond_signal(&pool->probed);
	pthread_mutex_unlock(&pool->mutex);
}

static void check(hf_pool *pool, const struct hf_health_options *options, hf_deadline deadline,
                  struct hf_health *health)
{
	if (is_fresh(pool, options)) {
		take_kept(pool, health);
		return;
	}
	enum hf_status status = probe(pool, options, deadline, health);
	if (status != HF_OK && pool->probe && pool->probe->broken)
		drop_probe(pool);
	judge_probe(status, options, health);
	judge_pool(pool, options, health);
	keep(pool, options, health);
}

void hf_health(hf_pool *pool, const struct hf_health_options *options, struct hf_health *ret_health)
{
	static const struct hf_health_options defaults = {.size = sizeof(defaults)};
	static const hf_error no_error = HF_ERROR_INIT;
	struct hf_health health = {.latency_us = -1, .error = no_error};
	if (!options || options->size != sizeof(*options))
		options = &defaults;
	hf_pool_stats(pool, &health.pool);
	health.checked_wall_us = hf_now_wall_us(pool->ctx);
	int64_t timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	if (fork_guard_forked(&pool->fork)) {
		blame(&health, HF_UNHEALTHY, "this process was forked from the one that opened the pool");
	} else if (!take_turn(pool, timeout_ms)) {
		blame(&health, HF_UNHEALTHY, "the probe before this one has not ended for %" PRId64 " ms", timeout_ms);
	} else {
		check(pool, options, hf_deadline_in(pool->ctx, timeout_ms), &health);
		end_turn(pool);
	}
	*ret_health = health;
}
