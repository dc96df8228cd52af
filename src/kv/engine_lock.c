/*
 * engine_lock.c - locks as rows: who, until when, with which fence. A row never goes, so that fences only grow.
 *
 *     0 fence    8 acquired    16 expires (0 = it was freed)    24 the owner's name to the end; little endian
 */
#include "base/bytes.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/engine_write.h"

enum { LOCK_BYTES = 24, LISTED_MAX = 10000 };

static void lock_key(struct engine_key *key, int32_t ns, struct hf_str name)
{
	engine_key_entry(key, ns, (struct hf_bytes){(const uint8_t *)name.ptr, name.len});
}

static enum hf_status lock_decode(struct hf_str name, struct hf_bytes value, struct hf_kv_lock *ret_lock, hf_error *err)
{
	if (value.len <= LOCK_BYTES)
		return error_set(err, HF_E_CORRUPT, "could not read a lock: %zu bytes that are none", value.len);
	*ret_lock = (struct hf_kv_lock){
		.name = name,
		.owner = {(const char *)value.ptr + LOCK_BYTES, value.len - LOCK_BYTES},
		.fence = (int64_t)get_le64(value.ptr),
		.acquired_us = (int64_t)get_le64(value.ptr + 8),
		.expires_us = (int64_t)get_le64(value.ptr + 16),
	};
	return HF_OK;
}

static bool is_held(const struct hf_kv_lock *lock, int64_t now_us)
{
	return lock->expires_us > now_us;
}

/* `ret_lock->owner` is the store's. HF_NOT_FOUND. */
static enum hf_status lock_get(struct ordered_txn *txn, int32_t ns, struct hf_str name, struct hf_kv_lock *ret_lock,
                               hf_error *err)
{
	struct engine_key key;
	struct hf_bytes value;
	lock_key(&key, ns, name);
	enum hf_status status = txn->store->ops->get(txn, ORDERED_LOCKS, engine_key_view(&key), &value, err);
	if (status != HF_OK)
		return status;
	return lock_decode(name, value, ret_lock, err);
}

static enum hf_status lock_put(struct ordered_txn *txn, int32_t ns, const struct hf_kv_lock *lock, hf_error *err)
{
	struct engine_key key;
	uint8_t *place = NULL;
	lock_key(&key, ns, lock->name);
	enum hf_status status = txn->store->ops->put(txn, ORDERED_LOCKS, engine_key_view(&key),
	                                             LOCK_BYTES + lock->owner.len, &place, err);
	if (status != HF_OK)
		return status;
	put_le64(place, (uint64_t)lock->fence);
	put_le64(place + 8, (uint64_t)lock->acquired_us);
	put_le64(place + 16, (uint64_t)lock->expires_us);
	memcpy(place + LOCK_BYTES, lock->owner.ptr, lock->owner.len);
	return HF_OK;
}

static enum hf_status lock_copy(const struct hf_kv_lock *lock, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                hf_error *err)
{
	struct hf_kv_lock copy = *lock;
	copy.name = hf_arena_str(arena, lock->name);
	copy.owner = hf_arena_str(arena, lock->owner);
	if (!copy.name.ptr || !copy.owner.ptr)
		return error_nomem(err);
	*ret_lock = copy;
	return HF_OK;
}

/* A fence for each that did not hold it just now, be it the owner of before. */
static enum hf_status take(struct engine_write *write, int32_t ns, struct hf_str name, struct hf_str owner,
                           int64_t ttl_us, hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err)
{
	struct hf_kv_lock before = {0};
	enum hf_status status = lock_get(&write->txn, ns, name, &before, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	bool held = is_held(&before, write->now_us), own = held && str_eq(before.owner, owner);
	if (held && !own) {
		status = lock_copy(&before, arena, ret_lock, err);
		return status == HF_OK ? HF_CONFLICT : status;
	}
	struct hf_kv_lock lock = {.name = name,
	                          .owner = owner,
	                          .fence = own ? before.fence : before.fence + 1,
	                          .acquired_us = own ? before.acquired_us : write->now_us,
	                          .expires_us = write->now_us + ttl_us};
	status = lock_put(&write->txn, ns, &lock, err);
	return status == HF_OK ? lock_copy(&lock, arena, ret_lock, err) : status;
}

enum hf_status engine_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                                int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                hf_error *err)
{
	struct engine_write write;
	enum hf_status status = engine_write_begin(&write, state, 0, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, take(&write, ns, name, owner, ttl_us, arena, ret_lock, err), err);
}

/* HF_CONFLICT unless `fence` is that of who holds the lock now. */
static enum hf_status lock_held(struct engine_write *write, int32_t ns, const struct hf_kv_fence *fence,
                                struct hf_kv_lock *ret_lock, hf_error *err)
{
	if (fence->lock.len > HF_KV_LOCK_NAME_BYTES)
		return HF_CONFLICT;
	enum hf_status status = lock_get(&write->txn, ns, fence->lock, ret_lock, err);
	if (status == HF_NOT_FOUND)
		return HF_CONFLICT;
	if (status != HF_OK)
		return status;
	bool held = is_held(ret_lock, write->now_us) && ret_lock->fence == fence->fence;
	return held && str_eq(ret_lock->owner, fence->owner) ? HF_OK : HF_CONFLICT;
}

static enum hf_status renew(struct engine_write *write, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                            int64_t *ret_expires_us, hf_error *err)
{
	struct hf_kv_lock lock;
	enum hf_status status = lock_held(write, ns, held, &lock, err);
	if (status != HF_OK)
		return status;
	lock.owner = held->owner;
	*ret_expires_us = lock.expires_us = ttl_us ? write->now_us + ttl_us : 0;
	return lock_put(&write->txn, ns, &lock, err);
}

enum hf_status engine_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                                 hf_deadline deadline, int64_t *ret_expires_us, hf_error *err)
{
	struct engine_write write;
	int64_t expires_us = 0;
	enum hf_status status = engine_write_begin(&write, state, 0, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_write_end(&write, renew(&write, ns, held, ttl_us, &expires_us, err), err);
	if (status == HF_OK)
		*ret_expires_us = expires_us;
	return status;
}

enum hf_status engine_fence(struct engine_write *write, const struct hf_kv_fence *fence, hf_error *err)
{
	struct hf_kv_lock lock;
	return fence ? lock_held(write, write->ns, fence, &lock, err) : HF_OK;
}

/* ---- looking ---- */

static enum hf_status grow(hf_arena *arena, struct hf_kv_lock **locks, size_t count, hf_error *err)
{
	if (count & (count - 1)) /* there is room up to the next power of two */
		return HF_OK;
	struct hf_kv_lock *grown = hf_arena_calloc(arena, count ? count * 2 : 1, sizeof(*grown));
	if (!grown)
		return error_nomem(err);
	if (count)
		memcpy(grown, *locks, count * sizeof(*grown));
	*locks = grown;
	return HF_OK;
}

static enum hf_status list(struct ordered_cursor *cursor, int32_t ns, hf_arena *arena, struct hf_kv_lock **locks,
                           size_t *count, hf_error *err)
{
	struct engine_key first;
	struct ordered_pair pair;
	struct hf_kv_lock lock;
	lock_key(&first, ns, (struct hf_str){NULL, 0});
	enum hf_status status = cursor->txn->store->ops->move(cursor, ORDERED_AT, engine_key_view(&first), &pair, err);
	while (status == HF_OK && memcmp(pair.key.ptr, first.bytes, first.len) == 0 && *count < LISTED_MAX) {
		struct hf_bytes name = engine_user_key(pair.key);
		status = lock_decode((struct hf_str){(const char *)name.ptr, name.len}, pair.value, &lock, err);
		if (status == HF_OK)
			status = grow(arena, locks, *count, err);
		if (status == HF_OK)
			status = lock_copy(&lock, arena, *locks + *count, err);
		if (status != HF_OK)
			return status;
		++*count;
		status = cursor->txn->store->ops->move(cursor, ORDERED_NEXT, engine_key_view(&first), &pair, err);
	}
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status list_all(struct ordered_txn *txn, int32_t ns, hf_arena *arena, struct hf_kv_lock **locks,
                               size_t *count, hf_error *err)
{
	struct ordered_cursor cursor;
	enum hf_status status = txn->store->ops->cursor_open(txn, ORDERED_LOCKS, &cursor, err);
	if (status != HF_OK)
		return status;
	status = list(&cursor, ns, arena, locks, count, err);
	txn->store->ops->cursor_close(&cursor);
	return status;
}

static enum hf_status list_one(struct ordered_txn *txn, int32_t ns, struct hf_str name, hf_arena *arena,
                               struct hf_kv_lock **locks, size_t *count, hf_error *err)
{
	struct hf_kv_lock lock;
	enum hf_status status = lock_get(txn, ns, name, &lock, err);
	if (status == HF_NOT_FOUND)
		return HF_OK;
	if (status == HF_OK)
		status = grow(arena, locks, 0, err);
	if (status == HF_OK)
		status = lock_copy(&lock, arena, *locks, err);
	*count = status == HF_OK;
	return status;
}

enum hf_status engine_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err)
{
	struct ordered_txn txn;
	struct hf_kv_lock *locks = NULL;
	size_t count = 0;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = name.ptr ? list_one(&txn, ns, name, arena, &locks, &count, err)
	                  : list_all(&txn, ns, arena, &locks, &count, err);
	state->store->ops->abort(&txn);
	if (status != HF_OK)
		return status;
	*ret_locks = locks;
	*ret_count = count;
	return HF_OK;
}
