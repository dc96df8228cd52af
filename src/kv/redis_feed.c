/*
 * redis_feed.c - the change feed on Redis: a stream per namespace, which the scripts write with the entries.
 *
 * A script runs alone, so that numbers are the order in which changes happened, without gaps.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "kv/redis.h"

enum { HEAD_BYTES = 17 };

/* The script, with `what` and up to two numbers. A null answer is HF_NOT_FOUND. */
static enum hf_status feed_call(hf_kv_backend_state *state, int32_t ns, const char *what, bool numbers, int64_t first,
                                int64_t second, hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	struct redis_request request;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_feed, redis_space(state, ns), numbers ? 3 : 1);
	redis_request_text(&request, what);
	if (numbers) {
		redis_request_number(&request, first);
		redis_request_number(&request, second);
	}
	/* Turned on or off twice is once: sent again like a read. */
	enum hf_status status =
		redis_ask(state, &request, &redis_script_feed, "ask the change feed", deadline, ret_reply, err);
	if (status == HF_OK && (*ret_reply)->type == REDIS_REPLY_NIL) {
		freeReplyObject(*ret_reply);
		return HF_NOT_FOUND;
	}
	return status;
}

enum hf_status redis_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                              hf_deadline deadline, hf_error *err)
{
	redisReply *reply;
	enum hf_status status = feed_call(state, ns, feed ? "on" : "off", feed, feed ? feed->keep_us : 0,
	                                  feed ? feed->keep_changes : 0, deadline, &reply, err);
	if (status == HF_OK)
		freeReplyObject(reply);
	return status;
}

static bool text_number(const redisReply *reply, int64_t *ret_number)
{
	return reply->type == REDIS_REPLY_STRING && str_to_i64((struct hf_str){reply->str, reply->len}, ret_number);
}

enum hf_status redis_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                               struct hf_kv_feed *ret_feed, hf_error *err)
{
	redisReply *reply;
	struct hf_kv_feed feed = {0};
	enum hf_status status = feed_call(state, ns, "show", false, 0, 0, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (!redis_is_array(reply, 4) || !text_number(reply->element[0], &feed.keep_us) ||
	    !text_number(reply->element[1], &feed.keep_changes) || !text_number(reply->element[2], &feed.since_us) ||
	    reply->element[3]->type != REDIS_REPLY_INTEGER)
		status = redis_unexpected("ask the change feed", err);
	else
		feed.changes = reply->element[3]->integer;
	freeReplyObject(reply);
	if (status == HF_OK)
		*ret_feed = feed;
	return status;
}

/* ---- reading ---- */

/* "17-0" */
static bool id_number(const redisReply *reply, int64_t *ret_number)
{
	return reply->type == REDIS_REPLY_STRING && reply->len > 2 &&
	       memcmp(reply->str + reply->len - 2, "-0", 2) == 0 &&
	       str_to_i64((struct hf_str){reply->str, reply->len - 2}, ret_number);
}

static enum hf_status read_change(const redisReply *id, const redisReply *change, hf_arena *arena,
                                  struct hf_kv_event *ret_event, hf_error *err)
{
	const uint8_t *at = (const uint8_t *)change->str;
	if (!id_number(id, &ret_event->position) || change->type != REDIS_REPLY_STRING || change->len < HEAD_BYTES ||
	    at[0] < HF_KV_EVENT_PUT || at[0] > HF_KV_EVENT_RESTORE)
		return error_set(err, HF_E_CORRUPT, "could not read a change: it is none");
	ret_event->kind = (enum hf_kv_event_kind)at[0];
	ret_event->rev = (int64_t)get_le64(at + 1);
	ret_event->at_us = (int64_t)get_le64(at + 9);
	if (ret_event->kind == HF_KV_EVENT_CLEAR || ret_event->kind == HF_KV_EVENT_RESTORE)
		return HF_OK;
	struct hf_bytes shown =
		redis_plain_key((struct hf_bytes){(const uint8_t *)change->str + HEAD_BYTES, change->len - HEAD_BYTES});
	struct hf_str key = hf_arena_str(arena, (struct hf_str){(const char *)shown.ptr, shown.len});
	ret_event->key = (struct hf_bytes){(const uint8_t *)key.ptr, key.len};
	return key.ptr ? HF_OK : error_nomem(err);
}

static enum hf_status read_page(const redisReply *reply, struct hf_kv_feed_place *place, size_t limit, hf_arena *arena,
                                struct hf_kv_event **ret_events, size_t *ret_count, hf_error *err)
{
	int64_t last = 0, first = 0;
	if (!redis_is_array(reply, 2) || !text_number(reply->element[0], &last) ||
	    !id_number(reply->element[1], &first))
		return redis_unexpected("ask the change feed", err);
	if (place->position < 0)
		place->position = last;
	if (place->position > last || place->position + 1 < first)
		return HF_E_COMPACTED;
	size_t count = (reply->elements - 2) / 2;
	struct hf_kv_event *events = hf_arena_calloc(arena, count + 1, sizeof(*events));
	if (!events)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status =
			read_change(reply->element[2 + 2 * i], reply->element[3 + 2 * i], arena, &events[i], err);
		if (status != HF_OK)
			return status;
	}
	if (count)
		place->position = count < limit ? last : events[count - 1].position;
	*ret_events = events;
	*ret_count = count;
	return HF_OK;
}

enum hf_status redis_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                             hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count,
                             hf_error *err)
{
	redisReply *reply;
	*ret_count = 0;
	enum hf_status status = feed_call(state, ns, "read", true, place->position < 0 ? -1 : place->position,
	                                  (int64_t)limit, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = read_page(reply, place, limit, arena, ret_events, ret_count, err);
	freeReplyObject(reply);
	return status;
}
