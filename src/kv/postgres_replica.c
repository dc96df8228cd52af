/*
 * postgres_replica.c - where a read that may be late goes: to the replica, if that has everything that was committed
 * until shortly before, else to the primary.
 *
 * `sample`: a place in the primary's log and when it was asked for. A replica that has replayed it has all that was
 * committed before then. What a replica has replayed it keeps, so that its place is asked for only when the one known
 * is not enough. A promoted one is not used.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "holdfast/values.h"
#include "kv/postgres_replica.h"
#include "pg/monotonic.h"
#include "queries/kv/replicas.h"

/* ACQUIRE_MS: for a connection to it; the primary answers sooner than one that is gone comes back. */
enum { WAIT_US = 50 * 1000, STEP_US = 2000, AGAIN_US = 1000 * 1000, ACQUIRE_MS = 250 };

struct postgres_replica {
	hf_kv_backend_state as; /* of the store, but for pool and codec, which are owned */
	int64_t stale_us_max;
	pthread_mutex_t asking;         /* one thread asks the primary */
	atomic_int_least64_t sample_us; /* read before `sample`, written behind it: never newer than that */
	atomic_int_least64_t sample;
	atomic_int_least64_t replayed; /* at least */
	atomic_int_least64_t avoid_us; /* until then it is not asked */
};

enum hf_status postgres_replica_open(hf_kv_backend_state *state, const struct hf_kv_options *options,
                                     const struct hf_connection_options *how, struct postgres_replica **ret_replica,
                                     hf_error *err)
{
	const struct hf_pool_options pool = {.size = sizeof(pool),
	                                     .name = "kv_replica",
	                                     .connections_max = options->connections_max,
	                                     .lazy = true,
	                                     .acquire_timeout_ms = ACQUIRE_MS,
	                                     .idle_timeout_ms = options->connection_idle_ms,
	                                     .lifetime_ms = options->connection_lifetime_ms,
	                                     .connection = how};
	hf_settings *settings = NULL;
	struct postgres_replica *replica = calloc(1, sizeof(*replica));
	if (!replica)
		return error_nomem(err);
	replica->stale_us_max = options->replica_stale_ms_max * 1000;
	atomic_store(&replica->sample_us, INT64_MIN / 2);
	pthread_mutex_init(&replica->asking, NULL);
	replica->as = *state;
	replica->as.pool = NULL;
	replica->as.replica = NULL;
	enum hf_status status = hf_settings_new(state->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, options->replica_url, err);
	if (status == HF_OK)
		status = hf_pool_open(state->ctx, settings, &pool, &replica->as.pool, err);
	hf_settings_free(settings);
	if (status == HF_OK)
		*ret_replica = replica;
	else
		postgres_replica_close(replica);
	return status;
}

void postgres_replica_close(struct postgres_replica *replica)
{
	if (!replica)
		return;
	hf_pool_close(replica->as.pool);
	codec_deinit(&replica->as.codec);
	pthread_mutex_destroy(&replica->asking);
	free(replica);
}

/* ---- the primary ---- */

enum hf_status postgres_position(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_position, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct log_written_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = log_written(postgres_on(state, deadline), arena, &row, err);
	if (status == HF_OK)
		*ret_position = row.at;
	return status;
}

static bool is_recent(const struct postgres_replica *replica, int64_t age_us)
{
	return hf_now_monotonic_us(replica->as.ctx) - atomic_load(&replica->sample_us) < age_us;
}

static bool take_sample(hf_kv_backend_state *state, hf_deadline deadline)
{
	struct postgres_replica *replica = state->replica;
	int64_t now_us = hf_now_monotonic_us(state->ctx), position;
	if (postgres_position(state, deadline, &position, NULL) != HF_OK)
		return false;
	atomic_store(&replica->sample, position);
	atomic_store(&replica->sample_us, now_us);
	return true;
}

/* False: the primary does not tell. It is asked anew at half of the bound, by one thread. */
static bool keep_sample(hf_kv_backend_state *state, hf_deadline deadline)
{
	struct postgres_replica *replica = state->replica;
	if (is_recent(replica, replica->stale_us_max / 2))
		return true;
	if (pthread_mutex_trylock(&replica->asking) != 0) {
		if (is_recent(replica, replica->stale_us_max))
			return true;
		struct timespec until = monotonic_after(deadline - hf_now_monotonic_us(state->ctx));
		if (pthread_mutex_clocklock(&replica->asking, CLOCK_MONOTONIC, &until) != 0)
			return false;
	}
	bool told = is_recent(replica, replica->stale_us_max / 2) || take_sample(state, deadline);
	pthread_mutex_unlock(&replica->asking);
	return told || is_recent(replica, replica->stale_us_max);
}

/* ---- the replica ---- */

static bool ask_replica(struct postgres_replica *replica, hf_deadline deadline)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct log_replayed_row row;
	if (!arena || log_replayed(postgres_on(&replica->as, deadline), arena, &row, NULL) != HF_OK || !row.follows ||
	    !row.has_at)
		return false;
	atomic_store(&replica->replayed, row.at);
	return true;
}

/* Waits a little for the replica to come so far. */
static bool has_replayed(struct postgres_replica *replica, int64_t position, hf_deadline deadline)
{
	hf_deadline soon = hf_now_monotonic_us(replica->as.ctx) + WAIT_US;
	soon = soon < deadline ? soon : deadline;
	while (atomic_load(&replica->replayed) < position) {
		struct timespec until = monotonic_after(STEP_US);
		if (!ask_replica(replica, soon)) {
			atomic_store(&replica->avoid_us, hf_now_monotonic_us(replica->as.ctx) + AGAIN_US);
			return false;
		}
		if (atomic_load(&replica->replayed) >= position)
			break;
		if (hf_now_monotonic_us(replica->as.ctx) >= soon)
			return false;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
	return true;
}

hf_kv_backend_state *postgres_replica_for(hf_kv_backend_state *state, int64_t behind, hf_deadline deadline)
{
	struct postgres_replica *replica = state->replica;
	if (!replica || hf_now_monotonic_us(state->ctx) < atomic_load(&replica->avoid_us) ||
	    !keep_sample(state, deadline))
		return state;
	int64_t sample = atomic_load(&replica->sample);
	return has_replayed(replica, behind > sample ? behind : sample, deadline) ? &replica->as : state;
}

/* ---- health ---- */

static int64_t micros(struct hf_interval interval)
{
	int64_t us = 0;
	return hf_interval_to_us(interval, &us) == HF_OK && us > 0 ? us : 0;
}

void postgres_replica_inspect(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_health *health)
{
	struct postgres_replica *replica = state->replica;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct log_lag_row row;
	int64_t position = 0;
	if (!replica)
		return;
	const char *is = "unreachable";
	hf_deadline soon = hf_now_monotonic_us(state->ctx) + AGAIN_US; /* its pool waits for it */
	soon = soon < deadline ? soon : deadline;
	bool told = arena && postgres_position(state, deadline, &position, NULL) == HF_OK &&
	            log_lag(postgres_on(&replica->as, soon), arena, &row, NULL) == HF_OK;
	if (told)
		is = row.follows && row.has_at ? "follows" : "promoted";
	snprintf(health->replica, sizeof(health->replica), "%s", is);
	if (!told || !row.follows || !row.has_at)
		return;
	health->replica_lag_bytes = position > row.at ? position - row.at : 0;
	health->replica_lag_us = health->replica_lag_bytes && row.has_late ? micros(row.late) : 0;
}
