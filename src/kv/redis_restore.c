/*
 * redis_restore.c - everything as it was at a checkpoint, for readers at one moment; and what takes the place of a
 * namespace with checkpoints, a load or nothing, where that is too much for one script.
 *
 * Up to `changes_max` changed entries are restored by one script, which holds the server meanwhile. More are put aside
 * in steps, with all that did not change, and take the namespace's place at the end: that costs as much as there are
 * entries, and nobody waits longer than for a step. Others read and write meanwhile; what they wrote is undone with the
 * rest. Until the end nothing has changed for anybody. What a program leaves that is killed or interrupted before: the
 * checkpoint of the state before, images that nobody needs until the next deletion, and entries aside that are gone in
 * an hour. A load is aside already, and a clearing puts but a mark there: their steps keep what goes.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/context.h"
#include "base/error.h"
#include "kv/redis.h"

enum { STEP_KEYS = 1000, STEP_BYTES = 4 << 20 };
enum { GONE_BUSY = -1, GONE_MANY = -2, GONE_LOST = -3, GONE_FULL = -4, GONE_FENCED = -5 }; /* restore_swap.lua */
enum { TELL_CLEAR = 5, TELL_RESTORE = 6 };

struct restoring {
	hf_kv_backend_state *state;
	const struct redis_space *space;
	const char *what;
	const struct hf_uuid *id;                /* NULL = none comes back */
	struct hf_kv_checkpoint *undo;           /* NULL = none */
	const struct redis_replacing *replacing; /* where none comes back */
	bool strict;
	hf_deadline deadline;
	char token[20];
	int64_t free, top; /* epochs: of the restore alone, of the newest checkpoint */
	int64_t aside, put, deleted, steps;
	struct buf from; /* where the next step goes on */
};

static struct hf_bytes id_word(const struct hf_uuid *id)
{
	return id ? (struct hf_bytes){id->bytes, sizeof(id->bytes)} : (struct hf_bytes){0};
}

/* Ends the request. */
static enum hf_status ask(const struct restoring *restoring, const struct redis_script *script,
                          struct redis_request *request, bool strict, redisReply **ret_reply, hf_error *err)
{
	const struct redis_call call = {.request = request,
	                                .what = restoring->what,
	                                .script = script,
	                                .answers = 1,
	                                .writes = true,
	                                .strict = strict && restoring->strict,
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
static enum hf_status read_begun(const struct restoring *restoring, const redisReply *reply, int64_t ret_numbers[2],
                                 hf_error *err)
{
	struct hf_kv_checkpoint *undo = restoring->undo;
	struct hf_kv_checkpoint made;
	if (redis_is_array(reply, 0) && reply->elements == 0)
		return HF_NOT_FOUND;
	if (!redis_is_array(reply, 3) || !read_numbers(reply, 0, 2, ret_numbers) ||
	    (undo && !redis_read_point(reply->element[2], &made)))
		return redis_unexpected(restoring->what, err);
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
	status = read_begun(restoring, reply, epochs, err);
	freeReplyObject(reply);
	if (status == HF_OK) {
		restoring->free = epochs[0];
		restoring->top = epochs[1];
	}
	return status;
}

static enum hf_status refused(const struct restoring *restoring, long long why, hf_error *err)
{
	if (why == GONE_FENCED)
		return HF_CONFLICT; /* the store words it */
	if (why == GONE_FULL)
		return error_set(err, HF_CONFLICT, "the namespace has entries");
	if (why == GONE_LOST)
		return error_set(err, HF_E_UNAVAILABLE,
		                 "could not %s: what was put aside is gone: it took too long, or the server began anew",
		                 restoring->what);
	error_set(err, HF_BUSY, "could not %s: %s meanwhile", restoring->what,
	          why == GONE_BUSY ? "others made or deleted a checkpoint" : "others wrote more than one script takes");
	error_hint(err, "try again");
	return HF_BUSY;
}

static enum hf_status take_step(struct restoring *restoring, const redisReply *reply, hf_error *err)
{
	int64_t counts[3];
	if (redis_is_array(reply, 0) && reply->elements == 0)
		return HF_NOT_FOUND;
	if (reply->type == REDIS_REPLY_INTEGER)
		return refused(restoring, reply->integer, err);
	if (!redis_is_array(reply, 4) || reply->element[0]->type != REDIS_REPLY_STRING ||
	    !read_numbers(reply, 1, 3, counts))
		return redis_unexpected(restoring->what, err);
	restoring->aside += counts[0];
	restoring->put += counts[1];
	restoring->deleted += counts[2];
	restoring->steps++;
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
	redis_request_script(&request, &redis_script_restore_aside, restoring->space, 8);
	redis_request_text(&request, restoring->token);
	redis_request_word(&request, id_word(restoring->id));
	redis_request_number(&request, restoring->free);
	redis_request_text(&request, source);
	redis_request_word(&request, (struct hf_bytes){(const uint8_t *)from.ptr, from.len});
	redis_request_number(&request, STEP_KEYS);
	redis_request_number(&request, STEP_BYTES);
	redis_request_number(&request, restoring->steps);
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
	const char *const sources[] = {"present", restoring->id ? "past" : "aside"};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(sources); i++) {
		buf_clear(&restoring->from);
		buf_add(&restoring->from, HF_STR("-"));
		while (status == HF_OK && buf_str(&restoring->from).len > 0)
			status = step(restoring, sources[i], err);
	}
	return status;
}

static void add_end(struct redis_request *request, const struct restoring *restoring)
{
	const struct redis_replacing *replacing = restoring->replacing;
	const struct hf_kv_fence *fence = replacing ? replacing->fence : NULL;
	bool empty = replacing && replacing->empty;
	redis_request_script(request, &redis_script_restore_swap, restoring->space, 9 + (fence ? 3 : empty));
	redis_request_text(request, "end");
	redis_request_word(request, id_word(restoring->id));
	redis_request_text(request, restoring->token);
	redis_request_number(request, restoring->free);
	redis_request_number(request, restoring->top);
	redis_request_number(request, restoring->aside);
	redis_request_number(request, restoring->state->changes_max);
	redis_request_number(request, replacing && !replacing->token ? TELL_CLEAR : TELL_RESTORE);
	redis_request_number(request, restoring->steps);
	if (fence)
		redis_request_fence(request, fence);
	else if (empty)
		redis_request_text(request, "empty");
}

/* @param ret_gone live entries whose place it took. */
static enum hf_status swap(const struct restoring *restoring, int64_t *ret_gone, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	add_end(&request, restoring);
	enum hf_status status = ask(restoring, &redis_script_restore_swap, &request, true, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type != REDIS_REPLY_INTEGER)
		status = redis_unexpected(restoring->what, err);
	else if (reply->integer < 0)
		status = refused(restoring, reply->integer, err);
	else
		*ret_gone = reply->integer;
	freeReplyObject(reply);
	return status;
}

/* What was put aside, else it goes in an hour, and the checkpoint that nobody needs. */
static void give_up(struct restoring *restoring, int32_t ns)
{
	redis_aside_drop(restoring->state, restoring->space, restoring->token);
	if (restoring->undo)
		redis_point_delete(restoring->state, ns, &restoring->undo->id,
		                   hf_deadline_in(restoring->state->ctx, restoring->state->timeout_ms), NULL);
}

/* Whatever became of that request: nobody sees anything before the end. */
static enum hf_status lost_before_the_end(const struct restoring *restoring, hf_error *err)
{
	if (hf_context_interrupted(restoring->state->ctx))
		return error_set(err, HF_E_INTERRUPTED, "could not %s: interrupted before anything was changed",
		                 restoring->what);
	if (hf_now_monotonic_us(restoring->state->ctx) >= restoring->deadline) {
		error_set(err, HF_TIMEOUT, "could not %s: the deadline passed before anything was changed",
		          restoring->what);
		if (err)
			err->category = HF_CATEGORY_TIMEOUT;
		return HF_TIMEOUT;
	}
	error_set(err, HF_E_UNAVAILABLE, "could not %s: an answer of Redis was lost before anything was changed",
	          restoring->what);
	if (err) {
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_RECONNECT;
	}
	return HF_E_UNAVAILABLE;
}

static enum hf_status in_steps(struct restoring *restoring, int32_t ns, int64_t *ret_gone, hf_error *err)
{
	buf_init(&restoring->from, 2 * HF_KV_KEY_BYTES_MAX);
	enum hf_status status = begin(restoring, err);
	bool begun = status == HF_OK || status == HF_E_OUTCOME_UNKNOWN;
	if (status == HF_OK)
		status = all_aside(restoring, err);
	if (status == HF_E_OUTCOME_UNKNOWN)
		status = lost_before_the_end(restoring, err);
	if (status == HF_OK)
		status = swap(restoring, ret_gone, err);
	if (begun && status != HF_OK && status != HF_E_OUTCOME_UNKNOWN)
		give_up(restoring, ns);
	buf_deinit(&restoring->from);
	return status;
}

void redis_aside_name(hf_kv_backend_state *state, char ret_token[20])
{
	snprintf(ret_token, 20, "%016" PRIx64, context_random_u64(state->ctx));
}

void redis_aside_drop(hf_kv_backend_state *state, const struct redis_space *space, const char *token)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_load_end, space, 2);
	redis_request_text(&request, token);
	redis_request_text(&request, "drop");
	/* What is gone is gone: sent again like a read. */
	if (redis_ask(state, &request, &redis_script_load_end, "drop what was put aside",
	              hf_deadline_in(state->ctx, state->timeout_ms), &reply, NULL) == HF_OK)
		freeReplyObject(reply);
}

enum hf_status redis_replace(hf_kv_backend_state *state, int32_t ns, const struct redis_replacing *how,
                             uint64_t *ret_gone, hf_error *err)
{
	struct restoring restoring = {.state = state,
	                              .space = redis_space(state, ns),
	                              .what = how->what,
	                              .replacing = how,
	                              .strict = how->durability == HF_KV_STRICT,
	                              .deadline = how->deadline,
	                              .aside = how->aside};
	int64_t gone = 0;
	if (how->token)
		memcpy(restoring.token, how->token, sizeof(restoring.token));
	else
		redis_aside_name(state, restoring.token);
	enum hf_status status = in_steps(&restoring, ns, &gone, err);
	if (status == HF_OK)
		*ret_gone = (uint64_t)gone;
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
	status = reply->type == REDIS_REPLY_INTEGER ? HF_PARTIAL : read_begun(restoring, reply, counts, err);
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
	struct restoring restoring = {.state = state,
	                              .space = redis_space(state, ns),
	                              .what = "restore a checkpoint",
	                              .id = id,
	                              .undo = undo,
	                              .strict = state->durability == HF_KV_STRICT,
	                              .deadline = deadline};
	int64_t gone;
	redis_aside_name(state, restoring.token);
	enum hf_status status = restore_at_once(&restoring, err);
	if (status == HF_PARTIAL)
		status = in_steps(&restoring, ns, &gone, err);
	if (status == HF_OK) {
		ret_restored->put = (uint64_t)restoring.put;
		ret_restored->deleted = (uint64_t)restoring.deleted;
	}
	return status;
}
