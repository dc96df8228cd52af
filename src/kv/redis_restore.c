/*
 * redis_restore.c - everything as it was at a checkpoint, for readers at one moment.
 *
 * Up to `changes_max` changed entries are restored by one script, which holds the server meanwhile. More are put aside
 * in steps, with all that did not change, and take the namespace's place at the end: that costs as much as there are
 * entries, and nobody waits longer than for a step. Others read and write meanwhile; what they wrote is undone with the
 * rest. Until the end nothing has changed for anybody. What a program leaves that is killed or interrupted before: the
 * checkpoint of the state before, images that nobody needs until the next deletion, and entries aside that are gone in
 * an hour.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/context.h"
#include "base/error.h"
#include "kv/redis.h"

enum { STEP_KEYS = 1000, STEP_BYTES = 4 << 20 };
static const char WHAT[] = "restore a checkpoint";

struct restoring {
	hf_kv_backend_state *state;
	const struct redis_space *space;
	const struct hf_uuid *id;
	struct hf_kv_checkpoint *undo; /* NULL = none */
	hf_deadline deadline;
	char token[20];
	int64_t free, top; /* epochs: of the restore alone, of the newest checkpoint */
	int64_t aside, put, deleted;
	struct buf from; /* where the next step goes on */
};

static struct hf_bytes id_word(const struct hf_uuid *id)
{
	return (struct hf_bytes){id->bytes, sizeof(id->bytes)};
}

/* Ends the request. */
static enum hf_status ask(const struct restoring *restoring, const struct redis_script *script,
                          struct redis_request *request, bool strict, redisReply **ret_reply, hf_error *err)
{
	const struct redis_call call = {.request = request,
	                                .what = WHAT,
	                                .script = script,
	                                .answers = 1,
	                                .writes = true,
	                                .strict = strict && restoring->state->durability == HF_KV_STRICT,
	                                .deadline = restoring->deadline};
	enum hf_status status = redis_call(restoring->state, &call, ret_reply, err);
	redis_request_deinit(request);
	return status;
}

/* `count` whole numbers from `first` on. */
static bool read_numbers(const redisReply *reply, size_t first, size_t count, int64_t *ret_numbers)
{
	if (!redis_is_array(reply, first + count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (reply->element[first + i]->type != REDIS_REPLY_INTEGER)
			return false;
		ret_numbers[i] = reply->element[first + i]->integer;
	}
	return true;
}

static void add_undo(struct redis_request *request, const struct hf_kv_checkpoint *undo)
{
	if (!undo)
		return;
	redis_request_word(request, id_word(&undo->id));
	redis_request_word(request, (struct hf_bytes){(const uint8_t *)undo->name.ptr, undo->name.len});
}

/* Two numbers, then the record of the checkpoint that was made. HF_NOT_FOUND: there was nothing. */
static enum hf_status read_begun(const redisReply *reply, struct hf_kv_checkpoint *undo, int64_t ret_numbers[2],
                                 hf_error *err)
{
	struct hf_kv_checkpoint made;
	if (redis_is_array(reply, 0) && reply->elements == 0)
		return HF_NOT_FOUND;
	if (!redis_is_array(reply, 3) || !read_numbers(reply, 0, 2, ret_numbers) ||
	    (undo && !redis_read_point(reply->element[2], &made)))
		return redis_unexpected(WHAT, err);
	if (undo) {
		undo->created_us = made.created_us;
		undo->epoch = made.epoch;
	}
	return HF_OK;
}

/* ---- in steps ---- */

static enum hf_status begin(struct restoring *restoring, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	int64_t epochs[2];
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_restore_swap, restoring->space, restoring->undo ? 5 : 3);
	redis_request_text(&request, "begin");
	redis_request_word(&request, id_word(restoring->id));
	redis_request_number(&request, HF_KV_CHECKPOINTS_MAX);
	add_undo(&request, restoring->undo);
	enum hf_status status = ask(restoring, &redis_script_restore_swap, &request, false, &reply, err);
	if (status != HF_OK)
		return status;
	status = read_begun(reply, restoring->undo, epochs, err);
	freeReplyObject(reply);
	if (status == HF_OK) {
		restoring->free = epochs[0];
		restoring->top = epochs[1];
	}
	return status;
}

static enum hf_status refused(long long why, hf_error *err)
{
	if (why == -2)
		return error_set(err, HF_E_UNAVAILABLE,
		                 "could not %s: what was put aside is gone: it took too long, or the server began anew",
		                 WHAT);
	error_set(err, HF_BUSY, "could not %s: %s meanwhile", WHAT,
	          why == 0 ? "others made or deleted one" : "others wrote more than one script takes");
	error_hint(err, "try again");
	return HF_BUSY;
}

static enum hf_status take_step(struct restoring *restoring, const redisReply *reply, hf_error *err)
{
	int64_t counts[3];
	if (redis_is_array(reply, 0) && reply->elements == 0)
		return HF_NOT_FOUND;
	if (reply->type == REDIS_REPLY_INTEGER)
		return refused(reply->integer, err);
	if (!redis_is_array(reply, 4) || reply->element[0]->type != REDIS_REPLY_STRING ||
	    !read_numbers(reply, 1, 3, counts))
		return redis_unexpected(WHAT, err);
	restoring->aside += counts[0];
	restoring->put += counts[1];
	restoring->deleted += counts[2];
	buf_clear(&restoring->from);
	buf_add(&restoring->from, (struct hf_str){reply->element[0]->str, reply->element[0]->len});
	return buf_ok(&restoring->from) ? HF_OK : error_nomem(err);
}

static enum hf_status step(struct restoring *restoring, const char *source, hf_error *err)
{
	struct hf_str from = buf_str(&restoring->from);
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_restore_aside, restoring->space, 7);
	redis_request_text(&request, restoring->token);
	redis_request_word(&request, id_word(restoring->id));
	redis_request_number(&request, restoring->free);
	redis_request_text(&request, source);
	redis_request_word(&request, (struct hf_bytes){(const uint8_t *)from.ptr, from.len});
	redis_request_number(&request, STEP_KEYS);
	redis_request_number(&request, STEP_BYTES);
	enum hf_status status = ask(restoring, &redis_script_restore_aside, &request, false, &reply, err);
	if (status != HF_OK)
		return status;
	status = take_step(restoring, reply, err);
	freeReplyObject(reply);
	return status;
}

/* Those that are there first: what is deleted meanwhile has an image then. */
static enum hf_status all_aside(struct restoring *restoring, hf_error *err)
{
	static const char *const sources[] = {"present", "past"};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(sources); i++) {
		buf_clear(&restoring->from);
		buf_add(&restoring->from, HF_STR("-"));
		while (status == HF_OK && buf_str(&restoring->from).len > 0)
			status = step(restoring, sources[i], err);
	}
	return status;
}

static enum hf_status swap(const struct restoring *restoring, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_restore_swap, restoring->space, 7);
	redis_request_text(&request, "end");
	redis_request_word(&request, id_word(restoring->id));
	redis_request_text(&request, restoring->token);
	redis_request_number(&request, restoring->free);
	redis_request_number(&request, restoring->top);
	redis_request_number(&request, restoring->aside);
	redis_request_number(&request, restoring->state->changes_max);
	enum hf_status status = ask(restoring, &redis_script_restore_swap, &request, true, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type != REDIS_REPLY_INTEGER)
		status = redis_unexpected(WHAT, err);
	else if (reply->integer != 1)
		status = refused(reply->integer, err);
	freeReplyObject(reply);
	return status;
}

/* What was put aside, else it goes in an hour, and the checkpoint that nobody needs. */
static void give_up(struct restoring *restoring, int32_t ns)
{
	struct redis_request request;
	redisReply *reply;
	restoring->deadline = hf_deadline_in(restoring->state->ctx, restoring->state->timeout_ms);
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_load_end, restoring->space, 2);
	redis_request_text(&request, restoring->token);
	redis_request_text(&request, "drop");
	if (ask(restoring, &redis_script_load_end, &request, false, &reply, NULL) == HF_OK)
		freeReplyObject(reply);
	if (restoring->undo)
		redis_point_delete(restoring->state, ns, &restoring->undo->id, restoring->deadline, NULL);
}

/* Whatever became of that request: nobody sees anything before the end. */
static enum hf_status lost_before_the_end(const struct restoring *restoring, hf_error *err)
{
	if (hf_context_interrupted(restoring->state->ctx))
		return error_set(err, HF_E_INTERRUPTED, "could not %s: interrupted before anything was restored", WHAT);
	if (hf_now_monotonic_us(restoring->state->ctx) >= restoring->deadline) {
		error_set(err, HF_TIMEOUT, "could not %s: the deadline passed before anything was restored", WHAT);
		if (err)
			err->category = HF_CATEGORY_TIMEOUT;
		return HF_TIMEOUT;
	}
	error_set(err, HF_E_UNAVAILABLE, "could not %s: an answer of Redis was lost before anything was restored",
	          WHAT);
	if (err) {
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_RECONNECT;
	}
	return HF_E_UNAVAILABLE;
}

static enum hf_status restore_in_steps(struct restoring *restoring, int32_t ns, hf_error *err)
{
	snprintf(restoring->token, sizeof(restoring->token), "%016" PRIx64, context_random_u64(restoring->state->ctx));
	buf_init(&restoring->from, 2 * HF_KV_KEY_BYTES_MAX);
	enum hf_status status = begin(restoring, err);
	bool begun = status == HF_OK || status == HF_E_OUTCOME_UNKNOWN;
	if (status == HF_OK)
		status = all_aside(restoring, err);
	if (status == HF_E_OUTCOME_UNKNOWN)
		status = lost_before_the_end(restoring, err);
	if (status == HF_OK)
		status = swap(restoring, err);
	if (begun && status != HF_OK && status != HF_E_OUTCOME_UNKNOWN)
		give_up(restoring, ns);
	buf_deinit(&restoring->from);
	return status;
}

/* ---- at once ---- */

/* HF_PARTIAL: it is too much, and nothing was done. */
static enum hf_status restore_at_once(struct restoring *restoring, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	int64_t counts[2];
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_restore, restoring->space, restoring->undo ? 5 : 3);
	redis_request_word(&request, id_word(restoring->id));
	redis_request_number(&request, restoring->state->changes_max);
	redis_request_number(&request, HF_KV_CHECKPOINTS_MAX);
	add_undo(&request, restoring->undo);
	enum hf_status status = ask(restoring, &redis_script_restore, &request, true, &reply, err);
	if (status != HF_OK)
		return status;
	status = reply->type == REDIS_REPLY_INTEGER ? HF_PARTIAL : read_begun(reply, restoring->undo, counts, err);
	freeReplyObject(reply);
	if (status == HF_OK) {
		restoring->put = counts[0];
		restoring->deleted = counts[1];
	}
	return status;
}

enum hf_status redis_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                             struct hf_kv_checkpoint *undo, hf_deadline deadline, struct hf_kv_restored *ret_restored,
                             hf_error *err)
{
	struct restoring restoring = {
		.state = state, .space = redis_space(state, ns), .id = id, .undo = undo, .deadline = deadline};
	enum hf_status status = restore_at_once(&restoring, err);
	if (status == HF_PARTIAL)
		status = restore_in_steps(&restoring, ns, err);
	if (status == HF_OK) {
		ret_restored->put = (uint64_t)restoring.put;
		ret_restored->deleted = (uint64_t)restoring.deleted;
	}
	return status;
}
