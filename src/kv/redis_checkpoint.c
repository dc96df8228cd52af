/*
 * redis_checkpoint.c - checkpoints by epochs, in scripts (src/kv/redis/): made, listed, read, compared, forgotten.
 *
 * Making one costs a few commands. Letting go of images goes in steps.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "core/key_range.h"
#include "kv/redis_entry.h"

enum { POINT_HEAD = 31 + HF_KV_DIGEST_BYTES, FORGET_STEP = 1000, DIFF_KEYS = 500 };

static struct hf_bytes id_word(const struct hf_uuid *id)
{
	return (struct hf_bytes){id->bytes, sizeof(id->bytes)};
}

static struct hf_bytes text_word(struct hf_str text)
{
	return (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
}

/* Ends the request. */
static enum hf_status ask(hf_kv_backend_state *state, struct redis_request *request, const struct redis_script *script,
                          const char *what, bool writes, hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	const struct redis_call call = {.request = request,
	                                .what = what,
	                                .script = script,
	                                .answers = 1,
	                                .writes = writes,
	                                .strict = writes && state->durability == HF_KV_STRICT,
	                                .deadline = deadline};
	enum hf_status status = redis_call(state, &call, ret_reply, err);
	redis_request_deinit(request);
	return status;
}

/* ---- rows ---- */

bool redis_read_point(const redisReply *record, struct hf_kv_checkpoint *ret_point)
{
	if (record->type != REDIS_REPLY_STRING || record->len < POINT_HEAD)
		return false;
	const uint8_t *at = (const uint8_t *)record->str;
	size_t name = at[POINT_HEAD - 1], metadata = record->len - POINT_HEAD;
	if (name > metadata)
		return false;
	metadata -= name;
	ret_point->created_us = (int64_t)get_le64(at);
	ret_point->epoch = get_le32(at + 8);
	ret_point->pinned = at[12];
	ret_point->counted = at[13];
	ret_point->row_count = get_le64(at + 14);
	ret_point->data_size = get_le64(at + 22);
	memcpy(ret_point->digest.bytes, at + 30, sizeof(ret_point->digest.bytes));
	ret_point->name = (struct hf_str){name ? record->str + POINT_HEAD : NULL, name};
	ret_point->metadata = (struct hf_str){metadata ? record->str + POINT_HEAD + name : NULL, metadata};
	return true;
}

static enum hf_status too_many(hf_error *err)
{
	error_set(err, HF_E_LIMIT, "the namespace has %d checkpoints: no more are kept", HF_KV_CHECKPOINTS_MAX);
	error_hint(err, "delete some, or prune them");
	return HF_E_LIMIT;
}

/* ---- making and keeping ---- */

enum hf_status redis_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                  hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	struct hf_kv_checkpoint made;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_points, redis_space(state, ns), 6);
	redis_request_text(&request, "create");
	redis_request_word(&request, id_word(&point->id));
	redis_request_number(&request, point->pinned);
	redis_request_word(&request, text_word(point->name));
	redis_request_word(&request, text_word(point->metadata));
	redis_request_number(&request, HF_KV_CHECKPOINTS_MAX);
	enum hf_status status =
		ask(state, &request, &redis_script_points, "make a checkpoint", true, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER) {
		status = too_many(err);
	} else if (redis_read_point(reply, &made)) {
		point->created_us = made.created_us;
		point->epoch = made.epoch;
	} else {
		status = redis_unexpected("make a checkpoint", err);
	}
	freeReplyObject(reply);
	return status;
}

/* What answers 1, or 0 for an unknown id. */
static enum hf_status answered(enum hf_status status, redisReply *reply, const char *what, hf_error *err)
{
	if (status != HF_OK)
		return status;
	if (reply->type != REDIS_REPLY_INTEGER)
		status = redis_unexpected(what, err);
	else if (reply->integer == 0)
		status = HF_NOT_FOUND;
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                  hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	redisReply *reply = NULL;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_points, redis_space(state, ns), 7);
	redis_request_text(&request, "update");
	redis_request_word(&request, id_word(&point->id));
	redis_request_number(&request, point->pinned);
	redis_request_number(&request, point->counted);
	redis_request_number(&request, (int64_t)point->row_count);
	redis_request_number(&request, (int64_t)point->data_size);
	redis_request_word(&request, (struct hf_bytes){point->digest.bytes, sizeof(point->digest.bytes)});
	enum hf_status status =
		ask(state, &request, &redis_script_points, "change a checkpoint", true, deadline, &reply, err);
	return answered(status, reply, "change a checkpoint", err);
}

/* `from` is "-", or "(" and a key; its place becomes where the next step goes on, "" at the end. */
static enum hf_status forget_step(hf_kv_backend_state *state, int32_t ns, struct buf *from, hf_deadline deadline,
                                  hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_forget, redis_space(state, ns), 2);
	redis_request_word(&request, text_word(buf_str(from)));
	redis_request_number(&request, FORGET_STEP);
	/* What was forgotten twice was forgotten once: sent again like a read. */
	enum hf_status status =
		ask(state, &request, &redis_script_forget, "delete a checkpoint", false, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	buf_clear(from);
	if (reply->type != REDIS_REPLY_STRING)
		status = redis_unexpected("delete a checkpoint", err);
	else
		buf_add(from, (struct hf_str){reply->str, reply->len});
	freeReplyObject(reply);
	return status == HF_OK && !buf_ok(from) ? error_nomem(err) : status;
}

/* The row first: images that stay behind belong to nobody and go with the next deletion. */
enum hf_status redis_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                  hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	redisReply *reply = NULL;
	struct buf from;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_points, redis_space(state, ns), 2);
	redis_request_text(&request, "delete");
	redis_request_word(&request, id_word(id));
	enum hf_status status =
		ask(state, &request, &redis_script_points, "delete a checkpoint", true, deadline, &reply, err);
	status = answered(status, reply, "delete a checkpoint", err);
	buf_init(&from, 2 * HF_KV_KEY_BYTES_MAX);
	buf_add(&from, HF_STR("-"));
	while (status == HF_OK && buf_str(&from).len > 0)
		status = forget_step(state, ns, &from, deadline, err);
	buf_deinit(&from);
	return status;
}

/* ---- listing ---- */

static enum hf_status copy_point(const redisReply *id, const redisReply *record, hf_arena *arena,
                                 struct hf_kv_checkpoint *ret_point, hf_error *err)
{
	if (id->type != REDIS_REPLY_STRING || id->len != sizeof(ret_point->id.bytes) ||
	    !redis_read_point(record, ret_point))
		return error_set(err, HF_E_CORRUPT, "could not read a checkpoint: %zu bytes that are none",
		                 record->type == REDIS_REPLY_STRING ? record->len : 0);
	memcpy(ret_point->id.bytes, id->str, sizeof(ret_point->id.bytes));
	if (ret_point->name.ptr)
		ret_point->name = hf_arena_str(arena, ret_point->name);
	if (ret_point->metadata.ptr)
		ret_point->metadata = hf_arena_str(arena, ret_point->metadata);
	bool lost =
		(ret_point->name.len && !ret_point->name.ptr) || (ret_point->metadata.len && !ret_point->metadata.ptr);
	return lost ? error_nomem(err) : HF_OK;
}

static enum hf_status copy_points(const redisReply *reply, hf_arena *arena, struct hf_kv_checkpoint **ret_points,
                                  size_t *ret_count, hf_error *err)
{
	if (!redis_is_array(reply, 0))
		return redis_unexpected("list checkpoints", err);
	size_t count = reply->elements / 2;
	struct hf_kv_checkpoint *points = hf_arena_calloc(arena, count + 1, sizeof(*points));
	if (!points)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status =
			copy_point(reply->element[2 * i], reply->element[2 * i + 1], arena, &points[i], err);
		if (status != HF_OK)
			return status;
	}
	*ret_points = points;
	*ret_count = count;
	return HF_OK;
}

enum hf_status redis_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_checkpoint **ret_points, size_t *ret_count, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_points, redis_space(state, ns), id ? 2 : 1);
	redis_request_text(&request, "list");
	if (id)
		redis_request_word(&request, id_word(id));
	enum hf_status status =
		ask(state, &request, &redis_script_points, "list checkpoints", false, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = copy_points(reply, arena, ret_points, ret_count, err);
	freeReplyObject(reply);
	return status;
}

/* ---- reading ---- */

/* @param id NULL = now. @param moment_us at which expiries are judged, 0 = the server's now. */
static enum hf_status read_versions(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                    const struct hf_bytes *keys, size_t count, bool keys_only, int64_t moment_us,
                                    hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                                    hf_error *err)
{
	const struct redis_script *script = id ? &redis_script_read_at : &redis_script_read;
	struct redis_look look = {.state = state, .arena = arena, .now_us = moment_us, .head_only = keys_only};
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, script, redis_space(state, ns), (id ? 2 : 1) + count);
	if (id)
		redis_request_word(&request, id_word(id));
	redis_request_part(&request, keys_only, UINT32_MAX);
	for (size_t i = 0; i < count; i++)
		redis_request_key(&request, keys[i]);
	enum hf_status status = ask(state, &request, script, "read", false, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (id && redis_is_array(reply, 0) && reply->elements == 0)
		status = HF_NOT_FOUND;
	else
		status = redis_read_answer(&look, reply, keys, count, ret_entries, err);
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                             const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                             hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	return read_versions(state, ns, id, keys, count, keys_only, 0, deadline, arena, ret_entries, err);
}

/* ---- comparing ---- */

struct diff {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_uuid *from, *to; /* to NULL = now */
	int64_t moment_us;
	hf_deadline deadline;
	hf_arena *page;
	hf_kv_change_fn *fn;
	void *user;
};

static int by_key(const void *a, const void *b)
{
	return key_compare(*(const struct hf_bytes *)a, *(const struct hf_bytes *)b);
}

static enum hf_status epoch_of(struct diff *diff, const struct hf_uuid *id, int64_t *ret_epoch, hf_error *err)
{
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0;
	*ret_epoch = INT64_MAX;
	if (!id)
		return HF_OK;
	enum hf_status status =
		redis_point_list(diff->state, diff->ns, id, diff->deadline, diff->page, &points, &count, err);
	if (status == HF_OK && count == 0)
		return HF_NOT_FOUND;
	if (status == HF_OK)
		*ret_epoch = points[0].epoch;
	return status;
}

/* Keys that were written since `epoch`, in their order. They borrow from the reply, or live in `arena`. */
static enum hf_status changed_since(struct diff *diff, int64_t epoch, redisReply **ret_reply, hf_error *err)
{
	struct redis_request request;
	redis_request_init(&request);
	redis_request_command(&request, 4);
	redis_request_text(&request, "ZRANGEBYSCORE");
	redis_request_text(&request, redis_space(diff->state, diff->ns)->keys[REDIS_CHANGED].ptr);
	redis_request_number(&request, epoch);
	redis_request_text(&request, "+inf");
	return ask(diff->state, &request, NULL, "compare", false, diff->deadline, ret_reply, err);
}

static enum hf_status tell_change(struct diff *diff, const struct hf_kv_entry *before, const struct hf_kv_entry *after,
                                  struct hf_bytes key, hf_error *err)
{
	const struct hf_kv_entry gone = {.key = key};
	bool same = before->rev == after->rev && before->expires_us == after->expires_us;
	return same ? HF_OK : diff->fn(diff->user, after->rev ? after : &gone, err);
}

static enum hf_status compare_page(struct diff *diff, const struct hf_bytes *keys, size_t count, hf_error *err)
{
	struct hf_kv_entry before[DIFF_KEYS], after[DIFF_KEYS];
	hf_arena_reset(diff->page);
	enum hf_status status = read_versions(diff->state, diff->ns, diff->from, keys, count, true, diff->moment_us,
	                                      diff->deadline, diff->page, before, err);
	if (status == HF_OK)
		status = read_versions(diff->state, diff->ns, diff->to, keys, count, false, diff->moment_us,
		                       diff->deadline, diff->page, after, err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = tell_change(diff, &before[i], &after[i], keys[i], err);
	return status;
}

static enum hf_status compare_keys(struct diff *diff, const redisReply *reply, hf_error *err)
{
	if (!redis_is_array(reply, 0))
		return redis_unexpected("compare", err);
	struct hf_bytes *keys = calloc(reply->elements + 1, sizeof(*keys));
	enum hf_status status = keys ? HF_OK : error_nomem(err);
	size_t count = 0;
	for (; status == HF_OK && count < reply->elements; count++) {
		if (reply->element[count]->type != REDIS_REPLY_STRING)
			status = redis_unexpected("compare", err);
		else
			keys[count] = redis_key_of(reply->element[count]);
	}
	if (status == HF_OK && count > 0)
		qsort(keys, count, sizeof(*keys), by_key);
	for (size_t at = 0; status == HF_OK && at < count; at += DIFF_KEYS)
		status = compare_page(diff, keys + at, count - at < DIFF_KEYS ? count - at : DIFF_KEYS, err);
	free(keys);
	return status;
}

enum hf_status redis_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from, const struct hf_uuid *to,
                          int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *page = hf_arena_new((size_t)DIFF_KEYS * 2 * HF_KV_VALUE_BYTES_MAX);
	struct diff diff = {state, ns, from, to, moment_us, deadline, page, fn, user};
	int64_t earlier = 0, later = 0;
	redisReply *reply = NULL;
	if (!page)
		return error_nomem(err);
	enum hf_status status = epoch_of(&diff, from, &earlier, err);
	if (status == HF_OK)
		status = epoch_of(&diff, to, &later, err);
	if (status == HF_OK)
		status = changed_since(&diff, earlier < later ? earlier : later, &reply, err);
	if (status != HF_OK)
		return status;
	status = compare_keys(&diff, reply, err);
	freeReplyObject(reply);
	return status == HF_STOP ? HF_OK : status;
}
