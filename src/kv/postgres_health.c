/*
 * postgres_health.c - how the server, the tables and the replica are: for kv_health.h.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "holdfast/migrate.h"
#include "holdfast/values.h"
#include "kv/postgres_replica.h"

DEFINE_OWNED(migrations, hf_migrations *, hf_migrations_free)

static enum hf_status check_tables(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	const struct hf_str names[] = {state->schema, state->table};
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	enum hf_status status = hf_migrations_instance(state->ctx, "kv", names, ARRAY_LEN(names), &set, err);
	if (status == HF_OK)
		status = hf_migrate_check(postgres_on(state, deadline), set, err);
	return status == HF_DIFFERS ? postgres_not_these(err) : status;
}

static int64_t micros(bool is_there, struct hf_interval interval)
{
	int64_t us = 0;
	if (!is_there || hf_interval_to_us(interval, &us) != HF_OK)
		return 0;
	return us > 0 ? us : 0;
}

enum hf_status postgres_inspect(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                struct hf_kv_health *health, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct store_health_in in = {.ns = ns, .most = HF_KV_HEALTH_COUNT_MAX, .has_most = true};
	struct store_health_row row;
	if (!arena)
		return error_nomem(err);
	hf_pool_stats(state->pool, &health->pool);
	enum hf_status status = check_tables(state, deadline, err);
	if (status == HF_OK)
		status = store_health(postgres_on(state, deadline), &state->entries, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	health->standby = row.standby;
	snprintf(health->persistence, sizeof(health->persistence), "%.*s", (int)row.persistence.len,
	         row.persistence.ptr);
	health->expired_waiting = row.waiting;
	health->sweep_lag_us = micros(row.has_oldest, row.oldest);
	health->transaction_us = micros(row.has_held, row.held);
	health->feed_lag_us = row.feed ? health->transaction_us : HF_KV_UNKNOWN;
	postgres_replica_inspect(state, deadline, health);
	return HF_OK;
}
