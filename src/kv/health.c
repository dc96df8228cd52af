/*
 * health.c - hf_kv_health_report(): asks the backend, then judges. Backends only tell what is; from where on that is
 * bad stands here, once.
 */
#include "kv/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/blame.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/store.h"

/* ---- the verdict ---- */

static void blame(struct hf_kv_health *health, enum hf_health_state state, const char *format, ...) PRINTF_LIKE(3, 4);
static void blame(struct hf_kv_health *health, enum hf_health_state state, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	blame_add(health->reasons, HF_KV_HEALTH_REASONS_MAX, &health->nreasons, &health->state, state, format, args);
	va_end(args);
}

static int64_t seconds(int64_t us)
{
	return us / 1000000;
}

static void judge_server(const struct hf_kv_health_options *options, struct hf_kv_health *health)
{
	if (health->error.status != HF_OK)
		blame(health, HF_UNHEALTHY, "%.150s", health->error.message);
	if (health->standby)
		blame(health, HF_UNHEALTHY, "the server is a standby: it takes no writes");
	if (health->latency_us >= options->slow_ms * 1000)
		blame(health, HF_DEGRADED, "a round trip took %" PRId64 " ms", health->latency_us / 1000);
}

static void judge_care(const struct hf_kv_health_options *options, struct hf_kv_health *health)
{
	bool many = health->expired_waiting == HF_KV_HEALTH_COUNT_MAX;
	if (health->expired_waiting > 0 && health->sweep_lag_us >= options->sweep_ms * 1000)
		blame(health, HF_DEGRADED,
		      "%" PRId64 "%s expired entries wait to be removed, the oldest for %" PRId64 " s",
		      health->expired_waiting, many ? " and more" : "", seconds(health->sweep_lag_us));
	if (health->transaction_us < options->transaction_ms * 1000)
		return;
	blame(health, HF_DEGRADED, "a transaction that writes has run for %" PRId64 " s%s",
	      seconds(health->transaction_us), health->feed_lag_us >= 0 ? ": it holds back the change feed" : "");
}

static void judge_replica(int64_t late_us, struct hf_kv_health *health)
{
	if (health->replica[0] == '\0')
		return;
	if (strcmp(health->replica, "follows") != 0)
		blame(health, HF_DEGRADED, "the read replica is %s", health->replica);
	else if (health->replica_lag_bytes > 0 && health->replica_lag_us > late_us)
		blame(health, HF_DEGRADED, "the read replica is %" PRId64 " ms late", health->replica_lag_us / 1000);
}

static void judge_room(const struct hf_kv_health_options *options, struct hf_kv_health *health)
{
	bool known = health->room_bytes > 0 && health->used_bytes >= 0;
	if (known && health->used_bytes / (health->room_bytes / 100 + 1) >= options->full_percent)
		blame(health, HF_DEGRADED, "%" PRId64 " of %" PRId64 " bytes are in use", health->used_bytes,
		      health->room_bytes);
	if (health->reader_lag >= options->reader_commits)
		blame(health, HF_DEGRADED, "a reader is %" PRId64 " commits behind: the pages it sees stay",
		      health->reader_lag);
	if (health->eviction[0] && strcmp(health->eviction, "noeviction") != 0 &&
	    strncmp(health->eviction, "volatile-", 9) != 0)
		blame(health, HF_DEGRADED, "Redis may evict: maxmemory-policy is %s", health->eviction);
}

static void judge_persistence(struct hf_kv_health *health)
{
	static const struct {
		const char *is, *so;
	} worse[] = {
		{"snapshots", "Redis keeps no log (appendonly no): a crash loses what came after a snapshot"},
		{"no fsync", "PostgreSQL runs with fsync off: a crash of its machine may lose everything"},
		{"no full_page_writes",
	         "PostgreSQL runs with full_page_writes off: a crash of its machine may tear pages"},
	};
	for (size_t i = 0; i < ARRAY_LEN(worse); i++)
		if (strcmp(health->persistence, worse[i].is) == 0)
			blame(health, HF_DEGRADED, "%s", worse[i].so);
}

static void judge_pool(const struct hf_kv_health_options *options, struct hf_kv_health *health)
{
	const struct hf_pool_stats *pool = &health->pool;
	if (pool->waiting_us >= options->waiting_ms * 1000)
		blame(health, HF_DEGRADED, "%u callers wait for a connection, some of them for %" PRId64 " s",
		      pool->waiting, seconds(pool->waiting_us));
	if (pool->last_error[0])
		blame(health, HF_DEGRADED, "connecting fails: %.130s", pool->last_error);
}

void health_init(struct hf_kv_health *health)
{
	static const hf_error no_error = HF_ERROR_INIT;
	*health = (struct hf_kv_health){.error = no_error};
	int64_t *const unknown[] = {&health->latency_us,     &health->expired_waiting,   &health->sweep_lag_us,
	                            &health->checkpoint_us,  &health->transaction_us,    &health->feed_lag_us,
	                            &health->replica_lag_us, &health->replica_lag_bytes, &health->used_bytes,
	                            &health->room_bytes,     &health->readers,           &health->readers_dead,
	                            &health->reader_lag};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		*unknown[i] = HF_KV_UNKNOWN;
}

static int64_t at_least_one(int64_t given, int64_t value)
{
	return given > 0 && given < INT64_MAX / 1000 ? given : value;
}

struct hf_kv_health_options health_options(const struct hf_kv_health_options *given)
{
	struct hf_kv_health_options own = {0};
	if (given && given->size == sizeof(own))
		own = *given;
	own.size = sizeof(own);
	own.timeout_ms = at_least_one(own.timeout_ms, 5000);
	own.slow_ms = at_least_one(own.slow_ms, 1000);
	own.sweep_ms = at_least_one(own.sweep_ms, 600000);
	own.transaction_ms = at_least_one(own.transaction_ms, 300000);
	own.waiting_ms = at_least_one(own.waiting_ms, 30000);
	own.full_percent = own.full_percent ? own.full_percent : 80;
	own.reader_commits = own.reader_commits ? own.reader_commits : 10000;
	return own;
}

void health_judge(const struct hf_kv_health_options *options, int64_t replica_late_us, struct hf_kv_health *health)
{
	judge_server(options, health);
	judge_care(options, health);
	judge_replica(replica_late_us, health);
	judge_room(options, health);
	judge_persistence(health);
	judge_pool(options, health);
}

/* ---- the questions ---- */

static enum hf_status newest_checkpoint(hf_kv *kv, hf_deadline deadline, struct hf_kv_health *health)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0;
	int64_t now_us;
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_CHECKPOINT))
		return HF_OK;
	if (!arena)
		return error_nomem(&health->error);
	enum hf_status status = kv_vtable(kv)->point_list(kv->backend->state, kv->ns, NULL, deadline, arena, &points,
	                                                  &count, &health->error);
	if (status == HF_OK && count > 0)
		status = kv_vtable(kv)->now(kv->backend->state, deadline, &now_us, &health->error);
	if (status == HF_OK && count > 0)
		health->checkpoint_us = now_us > points[0].created_us ? now_us - points[0].created_us : 0;
	return status;
}

static void ask(hf_kv *kv, hf_deadline deadline, struct hf_kv_health *health)
{
	const struct hf_kv_vtable *vtable = kv_vtable(kv);
	int64_t latency_us;
	enum hf_status status = hf_kv_health(kv, deadline, &latency_us, &health->error);
	if (status != HF_OK)
		return;
	health->latency_us = latency_us;
	if (vtable->inspect)
		status = vtable->inspect(kv->backend->state, kv->ns, deadline, health, &health->error);
	if (status == HF_OK)
		newest_checkpoint(kv, deadline, health);
}

void hf_kv_health_report(hf_kv *kv, const struct hf_kv_health_options *options, struct hf_kv_health *ret_health)
{
	const struct hf_kv_health_options own = health_options(options);
	struct hf_kv_health health;
	health_init(&health);
	ask(kv, hf_deadline_in(kv->backend->ctx, own.timeout_ms), &health);
	health_judge(&own, kv->backend->options.replica_stale_ms_max * 1000, &health);
	*ret_health = health;
}
