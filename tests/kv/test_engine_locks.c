/*
 * Locks of the engine and writes that carry a fence, with a clock that the test moves.
 */
#include "../check.h"
#include "engine_rig.h"

#include <string.h>

enum { TTL = 1000 };

static enum hf_status take(struct rig *rig, const char *owner, struct hf_kv_lock *ret_lock)
{
	hf_error err = HF_ERROR_INIT;
	return rig->vtable->lock_take(rig->state, rig->ns[0], HF_STR("job"), hf_str_of(owner), TTL, INT64_MAX,
	                              rig->arena, ret_lock, &err);
}

static enum hf_status renew(struct rig *rig, const char *owner, int64_t fence, int64_t ttl_us)
{
	hf_error err = HF_ERROR_INIT;
	int64_t expires_us = -1;
	struct hf_kv_fence held = {HF_STR("job"), hf_str_of(owner), fence};
	enum hf_status status =
		rig->vtable->lock_renew(rig->state, rig->ns[0], &held, ttl_us, INT64_MAX, &expires_us, &err);
	assert_int_equal(expires_us, status != HF_OK ? -1 : ttl_us ? rig_now_us + ttl_us : 0);
	return status;
}

static void expect_taken(struct rig *rig, const char *owner, int64_t fence)
{
	struct hf_kv_lock lock;
	EXPECT_STATUS(take(rig, owner, &lock), HF_OK);
	assert_int_equal(lock.fence, fence);
	assert_int_equal(lock.expires_us, rig_now_us + TTL);
	assert_int_equal(lock.owner.len, strlen(owner));
	assert_memory_equal(lock.owner.ptr, owner, lock.owner.len);
}

static void test_one_holder_at_a_time(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_lock lock;
	expect_taken(rig, "a", 1);
	rig_now_us += TTL / 2;
	EXPECT_STATUS(take(rig, "b", &lock), HF_CONFLICT);
	assert_memory_equal(lock.owner.ptr, "a", 1);
	assert_int_equal(lock.fence, 1);
	expect_taken(rig, "a", 1); /* again: the same fence, a longer lease */
	rig_now_us += TTL - 1;
	EXPECT_STATUS(take(rig, "b", &lock), HF_CONFLICT);
	rig_now_us += 1;
	expect_taken(rig, "b", 2);
	EXPECT_STATUS(renew(rig, "a", 1, TTL), HF_CONFLICT);
	EXPECT_STATUS(renew(rig, "b", 1, TTL), HF_CONFLICT);
	EXPECT_STATUS(renew(rig, "a", 2, TTL), HF_CONFLICT);
	EXPECT_STATUS(renew(rig, "b", 2, TTL), HF_OK);
}

/* Fences grow for ever: also when the same owner comes back after it let go, or slept. */
static void test_fences_only_grow(void **state)
{
	struct rig *rig = *state;
	expect_taken(rig, "a", 1);
	EXPECT_STATUS(renew(rig, "a", 1, 0), HF_OK);
	EXPECT_STATUS(renew(rig, "a", 1, 0), HF_CONFLICT);
	expect_taken(rig, "a", 2);
	rig_now_us += TTL;
	EXPECT_STATUS(renew(rig, "a", 2, TTL), HF_CONFLICT);
	expect_taken(rig, "a", 3);
	EXPECT_STATUS(renew(rig, "a", 3, 0), HF_OK);
	if (rig->folder[0])
		rig_reopen(rig);
	expect_taken(rig, "b", 4);
}

static void test_list(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock lock, *locks = NULL;
	size_t count = 99;
	EXPECT_OK(rig->vtable->lock_list(rig->state, rig->ns[0], (struct hf_str){0}, INT64_MAX, rig->arena, &locks,
	                                 &count, &err));
	assert_int_equal(count, 0);
	for (char name[] = "9"; name[0] > '2'; name[0]--)
		EXPECT_OK(rig->vtable->lock_take(rig->state, rig->ns[name[0] % 2], hf_str_of(name), HF_STR("me"), TTL,
		                                 INT64_MAX, rig->arena, &lock, &err));
	EXPECT_OK(rig->vtable->lock_list(rig->state, rig->ns[1], (struct hf_str){0}, INT64_MAX, rig->arena, &locks,
	                                 &count, &err));
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(locks[i].name.ptr[0], '3' + 2 * (int)i);
	EXPECT_OK(rig->vtable->lock_list(rig->state, rig->ns[1], HF_STR("5"), INT64_MAX, rig->arena, &locks, &count,
	                                 &err));
	assert_int_equal(count, 1);
	assert_int_equal(locks[0].acquired_us, rig_now_us);
	EXPECT_OK(rig->vtable->lock_list(rig->state, rig->ns[1], HF_STR("6"), INT64_MAX, rig->arena, &locks, &count,
	                                 &err));
	assert_int_equal(count, 0);
}

/* ---- writes with a fence ---- */

static enum hf_status put_fenced(struct rig *rig, const char *owner, int64_t fence)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_fence held = {HF_STR("job"), hf_str_of(owner), fence};
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = hf_kv_text(owner)};
	struct hf_kv_result result = {0};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX, .fence = &held};
	enum hf_status status = rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err);
	assert_int_equal(result.outcome, status == HF_OK ? HF_KV_DONE : HF_KV_UNDONE);
	struct hf_kv_txn txn = {.then = &write, .nthen = 1};
	bool branch = false;
	result = (struct hf_kv_result){0};
	assert_int_equal(rig->vtable->transact(rig->state, rig->ns[0], &txn, &batch, rig->arena, &branch, &result,
	                                       &err),
	                 status);
	return status;
}

static char holder_of_key(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	struct hf_bytes key = HF_KV_KEY("k");
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], &key, 1, false, INT64_MAX, rig->arena, &entry, &err));
	return entry.rev ? (char)entry.value.ptr[0] : '-';
}

/* A holder that slept through its lease writes nothing, whether or not another came. */
static void test_fenced_writes(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	EXPECT_STATUS(put_fenced(rig, "a", 1), HF_CONFLICT);
	expect_taken(rig, "a", 1);
	EXPECT_STATUS(put_fenced(rig, "a", 1), HF_OK);
	EXPECT_STATUS(put_fenced(rig, "a", 2), HF_CONFLICT);
	EXPECT_STATUS(put_fenced(rig, "c", 1), HF_CONFLICT);
	assert_int_equal(holder_of_key(rig), 'a');
	rig_now_us += TTL;
	EXPECT_STATUS(put_fenced(rig, "a", 1), HF_CONFLICT);
	expect_taken(rig, "b", 2);
	EXPECT_STATUS(put_fenced(rig, "b", 2), HF_OK);
	EXPECT_STATUS(put_fenced(rig, "a", 1), HF_CONFLICT);
	assert_int_equal(holder_of_key(rig), 'b');
	struct hf_kv_fence old = {HF_STR("job"), HF_STR("a"), 1}, now = {HF_STR("job"), HF_STR("b"), 2};
	struct hf_kv_batch how = {.deadline = INT64_MAX, .fence = &old};
	EXPECT_STATUS(rig->vtable->clear(rig->state, rig->ns[0], &how, &removed, &err), HF_CONFLICT);
	assert_int_equal(holder_of_key(rig), 'b');
	how.fence = &now;
	EXPECT_OK(rig->vtable->clear(rig->state, rig->ns[0], &how, &removed, &err));
	assert_int_equal(holder_of_key(rig), '-');
	EXPECT_STATUS(put_fenced(rig, "b", 2), HF_OK); /* clearing left the lock alone */
}

/* A name that no lock can have is no lock that is held. */
static void test_a_fence_with_a_long_name(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static char name[5000];
	memset(name, 'x', sizeof(name));
	struct hf_kv_fence held = {{name, sizeof(name)}, HF_STR("a"), 1};
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = HF_KV_KEY("k")};
	struct hf_kv_result result = {0};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX, .fence = &held};
	EXPECT_STATUS(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err), HF_CONFLICT);
}

#define BOTH(test)                                                  \
	cmocka_unit_test_setup_teardown(test, rig_memory, rig_end), \
		cmocka_unit_test_setup_teardown(test, rig_lmdb, rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_one_holder_at_a_time), BOTH(test_fences_only_grow),         BOTH(test_list),
		BOTH(test_fenced_writes),        BOTH(test_a_fence_with_a_long_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
