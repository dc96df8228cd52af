/*
 * redis.c - the Redis backend as the store sees it: opening, closing, care. What is where: redis.h.
 */
#include "kv/redis.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/intern.h"
#include "kv/backends.h"

enum hf_status redis_now(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_command(&request, 1);
	redis_request_text(&request, "TIME");
	enum hf_status status = redis_ask(state, &request, NULL, "ask for the time", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (!redis_is_array(reply, 2) || !redis_time(reply->element[0], reply->element[1], ret_us))
		status = redis_unexpected("ask for the time", err);
	freeReplyObject(reply);
	return status;
}

/* ---- open and close ---- */

static void redis_close(hf_kv_backend_state *state)
{
	redis_pool_deinit(&state->pool);
	codec_deinit(&state->codec);
	pthread_mutex_destroy(&state->mutex);
	hf_arena_free(state->arena);
	intern_free(state->names);
	free(state);
}

static enum hf_status state_new(hf_context *ctx, const struct hf_kv_options *options, hf_kv_backend_state **ret_state,
                                hf_error *err)
{
	hf_kv_backend_state *state = calloc(1, sizeof(*state));
	if (!state)
		return error_nomem(err);
	state->ctx = ctx;
	codec_init(&state->codec, options);
	state->durability = options->durability;
	state->timeout_ms = options->timeout_ms;
	state->connect_timeout_ms = options->connect_timeout_ms;
	state->backoff_ms = options->backoff_ms;
	state->backoff_ms_max = options->backoff_ms_max;
	state->slow_us = options->slow_ms < 0 ? -1 : options->slow_ms * 1000;
	state->log_requests = options->log_statements;
	state->attempts_max = options->attempts_max;
	state->no_namespace = options->no_namespace;
	state->changes_max = REDIS_CHANGES_MAX;
	state->arena = hf_arena_new(0);
	state->names = intern_new(REDIS_SPACES_MAX);
	pthread_mutex_init(&state->mutex, NULL);
	redis_pool_init(&state->pool, options);
	*ret_state = state;
	if (!state->arena || !state->names)
		return error_nomem(err);
	return HF_OK;
}

/* The first connection tells what the server is; the others of `min` are made with it. */
static enum hf_status connect_first(hf_kv_backend_state *state, uint32_t min, hf_error *err)
{
	hf_deadline deadline = hf_deadline_in(state->ctx, state->connect_timeout_ms);
	struct redis_connection *made[REDIS_FIRST_MAX];
	uint32_t count = 0, wanted = min < REDIS_FIRST_MAX ? min : REDIS_FIRST_MAX;
	enum hf_status status = HF_OK;
	do
		status = redis_pool_take(state, deadline, &made[count], err);
	while (status == HF_OK && ++count < wanted);
	if (status == HF_OK && state->durability == HF_KV_STRICT)
		status = redis_check_strict(&made[0]->server, err);
	while (count > 0)
		redis_pool_give(state, made[--count], false);
	return status;
}

static enum hf_status redis_open(hf_context *ctx, const char *url, const struct hf_kv_options *options,
                                 hf_kv_backend_state **ret_state, hf_error *err)
{
	hf_kv_backend_state *state = NULL;
	int64_t now_us;
	enum hf_status status = state_new(ctx, options, &state, err);
	if (status == HF_OK)
		status = redis_url_parse(url, &state->url, err);
	if (status == HF_OK) /* this one is tried several times while a server loads its data */
		status = redis_now(state, hf_deadline_in(ctx, options->connect_timeout_ms), &now_us, err);
	if (status == HF_OK)
		status = connect_first(state, options->connections_min, err);
	if (status != HF_OK) {
		if (state)
			redis_close(state);
		return status;
	}
	*ret_state = state;
	return HF_OK;
}

/* ---- one command, one number ---- */

/* Ends the request. */
static enum hf_status ask_number(hf_kv_backend_state *state, struct redis_request *request, const char *what,
                                 hf_deadline deadline, uint64_t *ret_number, hf_error *err)
{
	redisReply *reply;
	enum hf_status status = redis_ask(state, request, NULL, what, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
		*ret_number = (uint64_t)reply->integer;
	else if (reply->type == REDIS_REPLY_NIL)
		*ret_number = 0;
	else
		status = redis_unexpected(what, err);
	freeReplyObject(reply);
	return status;
}

static enum hf_status redis_estimate(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, uint64_t *ret_count,
                                     hf_error *err)
{
	struct redis_request request;
	redis_request_init(&request);
	redis_request_command(&request, 2);
	redis_request_text(&request, "ZCARD");
	redis_request_text(&request, redis_space(state, ns)->keys[REDIS_ORDER].ptr);
	return ask_number(state, &request, "count", deadline, ret_count, err);
}

enum { CLEAR_MANY = -2 };

/* More than one script takes. */
static enum hf_status clear_in_steps(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                                     uint64_t *ret_removed, hf_error *err)
{
	const struct redis_replacing nothing = {.what = "clear the namespace",
	                                        .fence = how->fence,
	                                        .durability = how->durability,
	                                        .deadline = how->deadline};
	return redis_replace(state, ns, &nothing, ret_removed, err);
}

static enum hf_status redis_clear(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                                  uint64_t *ret_removed, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_clear, redis_space(state, ns), how->fence ? 4 : 1);
	redis_request_number(&request, state->changes_max);
	if (how->fence)
		redis_request_fence(&request, how->fence);
	const struct redis_call call = {.request = &request,
	                                .what = "clear the namespace",
	                                .script = &redis_script_clear,
	                                .answers = 1,
	                                .writes = true,
	                                .strict = how->durability == HF_KV_STRICT,
	                                .deadline = how->deadline};
	enum hf_status status = redis_call(state, &call, &reply, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
		*ret_removed = (uint64_t)reply->integer;
	else if (reply->type == REDIS_REPLY_INTEGER)
		status = reply->integer == CLEAR_MANY ? HF_PARTIAL : HF_CONFLICT;
	else
		status = redis_unexpected(call.what, err);
	freeReplyObject(reply);
	return status == HF_PARTIAL ? clear_in_steps(state, ns, how, ret_removed, err) : status;
}

/* ---- over all namespaces ---- */

enum hf_status redis_each_space(hf_kv_backend_state *state, hf_deadline deadline, redis_space_fn *fn, void *user,
                                hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str *names = NULL;
	size_t count = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = redis_space_names(state, deadline, arena, &names, &count, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		struct redis_space *space;
		status = redis_space_make(arena, names[i], &space, err);
		if (status == HF_OK)
			status = fn(state, space, deadline, user, err);
	}
	return status == HF_STOP ? HF_OK : status;
}

struct sweep {
	size_t limit;
	uint64_t removed;
};

static enum hf_status sweep_one(hf_kv_backend_state *state, const struct redis_space *space, hf_deadline deadline,
                                void *user, hf_error *err)
{
	struct sweep *sweep = user;
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_sweep, space, 1);
	redis_request_number(&request, (int64_t)(sweep->limit - sweep->removed));
	/* What was swept twice was swept once: sent again like a read. */
	enum hf_status status = redis_ask(state, &request, &redis_script_sweep, "sweep", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
		sweep->removed += (uint64_t)reply->integer;
	freeReplyObject(reply);
	return sweep->removed >= sweep->limit ? HF_STOP : HF_OK;
}

static enum hf_status redis_sweep(hf_kv_backend_state *state, size_t limit, hf_deadline deadline, uint64_t *ret_removed,
                                  hf_error *err)
{
	struct sweep sweep = {.limit = limit};
	enum hf_status status = redis_each_space(state, deadline, sweep_one, &sweep, err);
	if (status == HF_OK)
		*ret_removed = sweep.removed;
	return status;
}

static enum hf_status size_one(hf_kv_backend_state *state, const struct redis_space *space, hf_deadline deadline,
                               void *user, hf_error *err)
{
	struct hf_kv_sizes *sizes = user;
	enum hf_status status = HF_OK;
	for (int i = 0; status == HF_OK && i < REDIS_KEYS; i++) {
		struct redis_request request;
		uint64_t bytes = 0;
		redis_request_init(&request);
		redis_request_command(&request, 3);
		redis_request_text(&request, "MEMORY");
		redis_request_text(&request, "USAGE");
		redis_request_text(&request, space->keys[i].ptr);
		status = ask_number(state, &request, "measure", deadline, &bytes, err);
		sizes->total_bytes += bytes;
		sizes->table_bytes += i == REDIS_RECORDS ? bytes : 0;
		sizes->index_bytes += i == REDIS_ORDER || i == REDIS_EXPIRY ? (int64_t)bytes : 0;
		sizes->history_bytes += i >= REDIS_IMAGES && i <= REDIS_CHANGED ? (int64_t)bytes : 0;
	}
	return status;
}

static enum hf_status redis_sizes(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_sizes *ret_sizes,
                                  hf_error *err)
{
	struct hf_kv_sizes sizes = {
		.toast_bytes = -1, .live_rows = -1, .dead_rows = -1, .bloat_bytes = -1, .vacuumed_us = -1};
	enum hf_status status = redis_each_space(state, deadline, size_one, &sizes, err);
	if (status == HF_OK)
		*ret_sizes = sizes;
	return status;
}

/* ---- the rest ---- */

static enum hf_status redis_vacuum(UNUSED hf_kv_backend_state *state, UNUSED hf_deadline deadline, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status redis_health(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	int64_t now_us;
	return redis_now(state, deadline, &now_us, err);
}

static uint64_t redis_retries(const hf_kv_backend_state *state)
{
	return atomic_load_explicit(&state->retries, memory_order_relaxed);
}

const struct hf_kv_vtable redis_backend = {
	.size = sizeof(redis_backend),
	.name = "redis",
	.capabilities = HF_KV_CAN_PERSIST | HF_KV_CAN_SHARE | HF_KV_CAN_RELAX | HF_KV_CAN_CHECKPOINT | HF_KV_CAN_LOCK |
                        HF_KV_CAN_ESTIMATE | HF_KV_CAN_WATCH,
	.key_bytes_max = HF_KV_KEY_BYTES_MAX,
	.open = redis_open,
	.close = redis_close,
	.name_space = redis_name_space,
	.space_ttl = redis_space_ttl,
	.read = redis_read,
	.gather = redis_gather,
	.apply = redis_apply,
	.transact = redis_transact,
	.scan = redis_scan,
	.count = redis_count,
	.estimate = redis_estimate,
	.clear = redis_clear,
	.load = redis_load,
	.sweep = redis_sweep,
	.vacuum = redis_vacuum,
	.sizes = redis_sizes,
	.health = redis_health,
	.inspect = redis_inspect,
	.now = redis_now,
	.retries = redis_retries,
	.lock_take = redis_lock_take,
	.lock_renew = redis_lock_renew,
	.lock_list = redis_lock_list,
	.feed_set = redis_feed_set,
	.feed_show = redis_feed_show,
	.changes = redis_changes,
	.point_create = redis_point_create,
	.point_list = redis_point_list,
	.point_update = redis_point_update,
	.point_delete = redis_point_delete,
	.points_weigh = redis_points_weigh,
	.point_changed = redis_point_changed,
	.restore = redis_restore,
	.read_at = redis_read_at,
	.diff = redis_diff,
};
