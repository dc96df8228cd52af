/*
 * redis_health.c - how the server is, and what waits to be swept in all namespaces: for kv_health.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kv/redis.h"

static enum hf_status ask_info(hf_kv_backend_state *state, hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	struct redis_request request;
	redis_request_init(&request);
	redis_request_command(&request, 1);
	redis_request_text(&request, "INFO");
	enum hf_status status = redis_ask(state, &request, NULL, "ask what the server is", deadline, ret_reply, err);
	return status;
}

static void keep(struct hf_str text, char *place, size_t size)
{
	snprintf(place, size, "%.*s", STR_ARG(text));
}

static void number(struct hf_str text, int64_t *place)
{
	int64_t given;
	if (str_to_i64(text, &given))
		*place = given;
}

static void read_persistence(hf_kv_backend_state *state, struct hf_str info, struct hf_kv_health *health)
{
	struct hf_str log = redis_info_field(info, "aof_enabled");
	char sync[sizeof(state->told.append_sync)];
	pthread_mutex_lock(&state->mutex);
	memcpy(sync, state->told.append_sync, sizeof(sync));
	pthread_mutex_unlock(&state->mutex);
	if (str_eq(log, HF_STR("1")))
		snprintf(health->persistence, sizeof(health->persistence), "log %s", sync);
	else if (log.len > 0)
		snprintf(health->persistence, sizeof(health->persistence), "snapshots");
}

static void read_info(hf_kv_backend_state *state, struct hf_str info, struct hf_kv_health *health)
{
	keep(redis_info_field(info, "maxmemory_policy"), health->eviction, sizeof(health->eviction));
	number(redis_info_field(info, "used_memory"), &health->used_bytes);
	number(redis_info_field(info, "maxmemory"), &health->room_bytes);
	if (health->room_bytes == 0) /* as much as there is */
		health->room_bytes = HF_KV_UNKNOWN;
	health->standby = str_eq(redis_info_field(info, "role"), HF_STR("slave"));
	read_persistence(state, info, health);
}

static void read_pool(struct redis_pool *pool, struct hf_pool_stats *ret_stats)
{
	pthread_mutex_lock(&pool->mutex);
	*ret_stats = (struct hf_pool_stats){.connections_max = pool->max,
	                                    .idle = pool->idle_count,
	                                    .busy = pool->open_count - pool->idle_count};
	pthread_mutex_unlock(&pool->mutex);
}

/* ---- what waits ---- */

struct waiting {
	int64_t now_us, count, oldest_us;
};

static void ask_expired(struct redis_request *request, const struct redis_space *space, int64_t now_us)
{
	redis_request_command(request, 4);
	redis_request_text(request, "ZCOUNT");
	redis_request_text(request, space->keys[REDIS_EXPIRY].ptr);
	redis_request_text(request, "-inf");
	redis_request_number(request, now_us);
	redis_request_command(request, 5);
	redis_request_text(request, "ZRANGE");
	redis_request_text(request, space->keys[REDIS_EXPIRY].ptr);
	redis_request_text(request, "0");
	redis_request_text(request, "0");
	redis_request_text(request, "WITHSCORES");
}

static bool read_expired(redisReply *const replies[2], struct waiting *waiting)
{
	if (replies[0]->type != REDIS_REPLY_INTEGER || replies[1]->type != REDIS_REPLY_ARRAY)
		return false;
	if (replies[0]->integer == 0 || replies[1]->elements != 2)
		return true;
	double oldest = strtod(replies[1]->element[1]->str, NULL);
	waiting->count += replies[0]->integer;
	if (oldest > 0 && oldest < (double)waiting->oldest_us)
		waiting->oldest_us = (int64_t)oldest;
	return true;
}

static enum hf_status count_one(hf_kv_backend_state *state, const struct redis_space *space, hf_deadline deadline,
                                void *user, hf_error *err)
{
	struct waiting *waiting = user;
	struct redis_request request;
	redisReply *replies[2];
	redis_request_init(&request);
	ask_expired(&request, space, waiting->now_us);
	const struct redis_call call = {.request = &request, .what = "count", .answers = 2, .deadline = deadline};
	enum hf_status status = redis_call(state, &call, replies, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	if (!read_expired(replies, waiting))
		status = redis_unexpected(call.what, err);
	freeReplyObject(replies[0]);
	freeReplyObject(replies[1]);
	return status;
}

static enum hf_status inspect_expired(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_health *health,
                                      hf_error *err)
{
	struct waiting waiting = {0};
	enum hf_status status = redis_now(state, deadline, &waiting.now_us, err);
	waiting.oldest_us = waiting.now_us;
	if (status == HF_OK)
		status = redis_each_space(state, deadline, count_one, &waiting, err);
	if (status != HF_OK)
		return status;
	health->expired_waiting = waiting.count < HF_KV_HEALTH_COUNT_MAX ? waiting.count : HF_KV_HEALTH_COUNT_MAX;
	health->sweep_lag_us = waiting.now_us - waiting.oldest_us;
	return HF_OK;
}

/* ---- both ---- */

static enum hf_status inspect_server(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_health *health,
                                     hf_error *err)
{
	redisReply *reply;
	enum hf_status status = ask_info(state, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_STRING)
		read_info(state, (struct hf_str){reply->str, reply->len}, health);
	else
		status = redis_unexpected("ask what the server is", err);
	freeReplyObject(reply);
	return status;
}

/* What this user may not ask stays unknown, and blames nobody. */
static enum hf_status unless_denied(enum hf_status status, hf_error *err)
{
	static const hf_error no_error = HF_ERROR_INIT;
	if (status != HF_E_DENIED)
		return status;
	if (err)
		*err = no_error;
	return HF_OK;
}

enum hf_status redis_inspect(hf_kv_backend_state *state, UNUSED int32_t ns, hf_deadline deadline,
                             struct hf_kv_health *health, hf_error *err)
{
	read_pool(&state->pool, &health->pool);
	enum hf_status status = unless_denied(inspect_server(state, deadline, health, err), err);
	return status == HF_OK ? unless_denied(inspect_expired(state, deadline, health, err), err) : status;
}
