/*
 * redis_lock.c - leases with fences: one hash per namespace beside its entries, which neither clear nor sweep touches.
 *
 * Taking a lock twice is taking it once, since the owner is the same, and renewing twice is renewing: both are sent
 * again like reads. Releasing is not.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kv/redis.h"

enum { LOCKS_MAX = 10000, HEAD_BYTES = 24 };

static struct hf_bytes bytes_of(struct hf_str text)
{
	return (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
}

static enum hf_status copy_names(struct hf_str name, struct hf_str owner, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                 hf_error *err)
{
	ret_lock->name = hf_arena_str(arena, name);
	ret_lock->owner = hf_arena_str(arena, owner);
	return ret_lock->name.ptr && ret_lock->owner.ptr ? HF_OK : error_nomem(err);
}

/* ---- taking and renewing ---- */

/* {done, fence, acquired, expires, owner} */
static bool read_answer(const redisReply *reply, struct hf_kv_lock *ret_lock, bool *ret_done)
{
	if (!redis_is_array(reply, 5) || reply->element[4]->type != REDIS_REPLY_STRING)
		return false;
	for (int i = 0; i < 4; i++)
		if (reply->element[i]->type != REDIS_REPLY_INTEGER)
			return false;
	*ret_done = reply->element[0]->integer == 1;
	*ret_lock = (struct hf_kv_lock){.owner = {reply->element[4]->str, reply->element[4]->len},
	                                .fence = reply->element[1]->integer,
	                                .acquired_us = reply->element[2]->integer,
	                                .expires_us = reply->element[3]->integer};
	return true;
}

/* @param fence NULL = take. @param arena for the names; NULL = they are not wanted. */
static enum hf_status lease(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                            const int64_t *fence, int64_t ttl_us, hf_deadline deadline, hf_arena *arena,
                            struct hf_kv_lock *ret_lock, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	bool done = false;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_lock, redis_space(state, ns), fence ? 5 : 4);
	redis_request_text(&request, fence ? "renew" : "take");
	redis_request_word(&request, bytes_of(name));
	redis_request_word(&request, bytes_of(owner));
	redis_request_number(&request, ttl_us);
	if (fence)
		redis_request_number(&request, *fence);
	const struct redis_call call = {.request = &request,
	                                .what = fence ? "renew the lock" : "take the lock",
	                                .script = &redis_script_lock,
	                                .answers = 1,
	                                .writes = ttl_us == 0,
	                                .strict = state->durability == HF_KV_STRICT,
	                                .deadline = deadline};
	enum hf_status status = redis_call(state, &call, &reply, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	struct hf_kv_lock lock;
	if (!read_answer(reply, &lock, &done))
		status = redis_unexpected(call.what, err);
	else if (arena)
		status = copy_names(name, lock.owner, arena, &lock, err);
	freeReplyObject(reply);
	if (status != HF_OK)
		return status;
	*ret_lock = lock;
	return done ? HF_OK : HF_CONFLICT;
}

enum hf_status redis_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                               int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                               hf_error *err)
{
	return lease(state, ns, name, owner, NULL, ttl_us, deadline, arena, ret_lock, err);
}

enum hf_status redis_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                                hf_deadline deadline, int64_t *ret_expires_us, hf_error *err)
{
	struct hf_kv_lock lock;
	enum hf_status status =
		lease(state, ns, held->lock, held->owner, &held->fence, ttl_us, deadline, NULL, &lock, err);
	if (status == HF_OK)
		*ret_expires_us = lock.expires_us;
	return status;
}

/* ---- looking ---- */

static enum hf_status read_record(struct hf_str name, const redisReply *record, hf_arena *arena,
                                  struct hf_kv_lock *ret_lock, hf_error *err)
{
	if (record->type != REDIS_REPLY_STRING || record->len < HEAD_BYTES)
		return error_set(err, HF_E_CORRUPT, "the record of lock \"%.*s\" is none", STR_ARG(name));
	const uint8_t *numbers = (const uint8_t *)record->str;
	*ret_lock = (struct hf_kv_lock){.fence = (int64_t)get_le64(numbers),
	                                .acquired_us = (int64_t)get_le64(numbers + 8),
	                                .expires_us = (int64_t)get_le64(numbers + 16)};
	struct hf_str owner = {record->str + HEAD_BYTES, record->len - HEAD_BYTES};
	return copy_names(name, owner, arena, ret_lock, err);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct hf_kv_lock *)a)->name, ((const struct hf_kv_lock *)b)->name);
}

/* The answer to HGETALL: names and records in turns. */
static enum hf_status read_all(const redisReply *reply, hf_arena *arena, struct hf_kv_lock **ret_locks,
                               size_t *ret_count, hf_error *err)
{
	if (!redis_is_array(reply, 0))
		return redis_unexpected("list the locks", err);
	size_t count = reply->elements / 2;
	struct hf_kv_lock *locks = hf_arena_calloc(arena, count + 1, sizeof(*locks));
	if (!locks)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct hf_str name = {reply->element[2 * i]->str, reply->element[2 * i]->len};
		enum hf_status status = read_record(name, reply->element[2 * i + 1], arena, &locks[i], err);
		if (status != HF_OK)
			return status;
	}
	qsort(locks, count, sizeof(*locks), by_name);
	*ret_locks = locks;
	*ret_count = count < LOCKS_MAX ? count : LOCKS_MAX;
	return HF_OK;
}

static enum hf_status read_one(struct hf_str name, const redisReply *reply, hf_arena *arena,
                               struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err)
{
	struct hf_kv_lock *lock = hf_arena_calloc(arena, 1, sizeof(*lock));
	if (!lock)
		return error_nomem(err);
	bool known = reply->type != REDIS_REPLY_NIL;
	enum hf_status status = known ? read_record(name, reply, arena, lock, err) : HF_OK;
	if (status != HF_OK)
		return status;
	*ret_locks = lock;
	*ret_count = known;
	return HF_OK;
}

enum hf_status redis_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                               hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_command(&request, name.ptr ? 3 : 2);
	redis_request_text(&request, name.ptr ? "HGET" : "HGETALL");
	redis_request_word(&request, bytes_of(redis_space(state, ns)->keys[REDIS_LOCKS]));
	if (name.ptr)
		redis_request_word(&request, bytes_of(name));
	enum hf_status status = redis_ask(state, &request, NULL, "list the locks", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = name.ptr ? read_one(name, reply, arena, ret_locks, ret_count, err)
	                  : read_all(reply, arena, ret_locks, ret_count, err);
	freeReplyObject(reply);
	return status;
}
