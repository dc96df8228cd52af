/*
 * redis_kept.c - what is asked about checkpoints before some are made or deleted: was anything written since, and how
 * much does each keep. The second reads all images, in steps.
 */
#include "base/error.h"
#include "kv/redis.h"
#include "kv/retention.h"

enum { STEP_KEYS = 500, STEP_BYTES = 16 << 20 };

enum hf_status redis_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, bool *ret_changed, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_points, redis_space(state, ns), 2);
	redis_request_text(&request, "changed");
	redis_request_word(&request, (struct hf_bytes){id->bytes, sizeof(id->bytes)});
	enum hf_status status =
		redis_ask(state, &request, &redis_script_points, "look at a checkpoint", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type != REDIS_REPLY_INTEGER)
		status = redis_unexpected("look at a checkpoint", err);
	else if (reply->integer == 0)
		status = HF_NOT_FOUND;
	else
		*ret_changed = reply->integer > 1;
	freeReplyObject(reply);
	return status;
}

static void add_bytes(const struct hf_kv_checkpoint *points, size_t count, int64_t epoch, uint64_t bytes,
                      uint64_t *sums)
{
	size_t i = retention_at_most(points, count, epoch);
	if (i < count && points[i].epoch == epoch)
		sums[i] += bytes;
}

/* @param from becomes where the next step goes on, "" at the end. */
static enum hf_status take_step(const redisReply *reply, const struct hf_kv_checkpoint *points, size_t count,
                                struct buf *from, uint64_t *sums, hf_error *err)
{
	if (!redis_is_array(reply, 1) || reply->element[0]->type != REDIS_REPLY_STRING)
		return redis_unexpected("weigh checkpoints", err);
	for (size_t i = 1; i + 1 < reply->elements; i += 2) {
		const redisReply *epoch = reply->element[i], *bytes = reply->element[i + 1];
		if (epoch->type != REDIS_REPLY_INTEGER || bytes->type != REDIS_REPLY_INTEGER || bytes->integer < 0)
			return redis_unexpected("weigh checkpoints", err);
		add_bytes(points, count, epoch->integer, (uint64_t)bytes->integer, sums);
	}
	buf_clear(from);
	buf_add(from, (struct hf_str){reply->element[0]->str, reply->element[0]->len});
	return buf_ok(from) ? HF_OK : error_nomem(err);
}

static enum hf_status weigh_step(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                 size_t count, hf_deadline deadline, struct buf *from, uint64_t *sums, hf_error *err)
{
	struct hf_bytes place = {(const uint8_t *)buf_str(from).ptr, buf_str(from).len};
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_weigh, redis_space(state, ns), 3);
	redis_request_word(&request, place);
	redis_request_number(&request, STEP_KEYS);
	redis_request_number(&request, STEP_BYTES);
	enum hf_status status =
		redis_ask(state, &request, &redis_script_weigh, "weigh checkpoints", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = take_step(reply, points, count, from, sums, err);
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                  size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err)
{
	struct buf from;
	enum hf_status status = HF_OK;
	buf_init(&from, 2 * HF_KV_KEY_BYTES_MAX);
	buf_add(&from, HF_STR("-"));
	for (size_t i = 0; i < count; i++)
		ret_bytes[i] = 0;
	while (status == HF_OK && buf_str(&from).len > 0)
		status = weigh_step(state, ns, points, count, deadline, &from, ret_bytes, err);
	buf_deinit(&from);
	return status;
}
