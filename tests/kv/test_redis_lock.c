/*
 * test_redis_lock.c - locks on a real Redis: leases, fences that only grow, writes that are fenced in the same script.
 */
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/kv_lock.h"
#include "redis_fixture.h"
#include "../check.h"

#define B(text) HF_KV_KEY(text)
enum { LONG_US = 60000000, SHORT_US = 500000 };

static struct redis_fixture server;
static hf_context *ctx;
static hf_arena *arena;
static hf_kv *kv;

static int begin(UNUSED void **state)
{
	static int databases;
	char url[128];
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	snprintf(url, sizeof(url), "%s?db=%d", server.url, databases++);
	EXPECT_OK(hf_kv_open(ctx, url, &options, &kv, &err));
	return 0;
}

static int end(UNUSED void **state)
{
	hf_kv_close(kv);
	hf_arena_reset(arena);
	return 0;
}

static struct hf_kv_lock take(const char *name, const char *owner, int64_t ttl_us)
{
	struct hf_kv_lock lock;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_lock_try(kv, name, owner, ttl_us, arena, &lock, &err));
	return lock;
}

static enum hf_status put_fenced(const struct hf_kv_lock *lock, const char *value, hf_error *err)
{
	const struct hf_kv_fence fence = {lock->name, lock->owner, lock->fence};
	const struct hf_kv_put put = {.how.fence = &fence};
	return hf_kv_put(kv, B("k"), hf_kv_text(value), &put, err);
}

static void holds(const char *value)
{
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_get(kv, B("k"), NULL, arena, &entry, &err));
	assert_string_equal((const char *)entry.value.ptr, value);
}

static void test_one_holds_it(UNUSED void **state)
{
	struct hf_kv_lock held;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock mine = take("l", "me", LONG_US);
	assert_true(mine.fence > 0 && mine.acquired_us > 0);
	assert_int_equal(mine.expires_us, mine.acquired_us + LONG_US);
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", "you", LONG_US, arena, &held, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "me");
	assert_int_equal(held.fence, mine.fence);
	struct hf_kv_lock again = take("l", "me", LONG_US);
	assert_int_equal(again.fence, mine.fence);
	assert_int_equal(again.acquired_us, mine.acquired_us);
	take("another", "you", LONG_US);
	EXPECT_OK(hf_kv_lock_release(kv, &mine, &err));
	EXPECT_STATUS(hf_kv_lock_release(kv, &mine, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_kv_lock_renew(kv, &mine, LONG_US, &err), HF_CONFLICT);
	struct hf_kv_lock yours = take("l", "you", LONG_US);
	assert_true(yours.fence > mine.fence);
}

static void test_a_lease_ends_and_renewing_prolongs_it(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock mine = take("l", "me", SHORT_US);
	EXPECT_OK(hf_kv_lock_renew(kv, &mine, LONG_US, &err));
	usleep(SHORT_US + 5000);
	EXPECT_OK(hf_kv_lock_renew(kv, &mine, 1000, &err));
	usleep(3000);
	EXPECT_STATUS(hf_kv_lock_renew(kv, &mine, LONG_US, &err), HF_CONFLICT);
	assert_true(take("l", "you", LONG_US).fence > mine.fence);
}

static void test_writes_of_a_holder_that_was_paused_are_refused(UNUSED void **state)
{
	uint64_t removed;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock mine = take("l", "me", LONG_US);
	EXPECT_OK(put_fenced(&mine, "mine", &err));
	EXPECT_OK(hf_kv_lock_renew(kv, &mine, 1000, &err));
	usleep(3000);
	EXPECT_STATUS(put_fenced(&mine, "late", &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "fenced");
	struct hf_kv_lock yours = take("l", "you", LONG_US);
	EXPECT_STATUS(put_fenced(&mine, "late", &err), HF_CONFLICT);
	EXPECT_OK(put_fenced(&yours, "yours", &err));
	struct hf_kv_lock forged = yours;
	forged.fence++;
	EXPECT_STATUS(put_fenced(&forged, "forged", &err), HF_CONFLICT);
	forged = yours;
	forged.name = HF_STR("m");
	EXPECT_STATUS(put_fenced(&forged, "forged", &err), HF_CONFLICT);
	const struct hf_kv_fence late = {mine.name, mine.owner, mine.fence};
	const struct hf_kv_how how = {.fence = &late};
	EXPECT_STATUS(hf_kv_clear(kv, &how, &removed, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_kv_delete(kv, B("k"), &how, NULL, &err), HF_CONFLICT);
	holds("yours");
}

static void test_a_fenced_transaction(UNUSED void **state)
{
	bool held = true;
	struct hf_kv_result result = {.outcome = HF_KV_DONE};
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock mine = take("l", "me", LONG_US);
	struct hf_kv_fence fence = {mine.name, mine.owner, mine.fence};
	const struct hf_kv_how how = {.fence = &fence};
	const struct hf_kv_write absent = {.op = HF_KV_READ, .key = B("k"), .flags = HF_KV_IF_ABSENT};
	const struct hf_kv_write write = {.op = HF_KV_PUT, .key = B("k"), .value = B("v")};
	const struct hf_kv_txn txn = {.compare = &absent, .ncompare = 1, .then = &write, .nthen = 1};
	EXPECT_OK(hf_kv_transact(kv, &txn, &how, arena, &held, &result, &err));
	assert_true(held);
	fence.fence--;
	EXPECT_STATUS(hf_kv_transact(kv, &txn, &how, arena, &held, &result, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "fenced");
	holds("v");
}

static void test_locks_outlive_clear_and_are_listed(UNUSED void **state)
{
	struct hf_kv_lock *locks, one;
	size_t count;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock b = take("b", "me", LONG_US);
	take("a", "you", LONG_US);
	take("\xc3\xa4", "me", LONG_US);
	EXPECT_OK(hf_kv_clear(kv, NULL, NULL, &err));
	EXPECT_OK(hf_kv_lock_list(kv, arena, &locks, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(locks[0].name.ptr, "a");
	assert_string_equal(locks[1].name.ptr, "b");
	assert_int_equal(locks[1].fence, b.fence);
	EXPECT_OK(hf_kv_lock_show(kv, "a", arena, &one, &err));
	assert_string_equal(one.owner.ptr, "you");
	EXPECT_STATUS(hf_kv_lock_show(kv, "nobody", arena, &one, &err), HF_NOT_FOUND);
	assert_true(redis_fixture_number(&server, "PING") >= 0);
}

/* A server that lost its locks gives no fence that an old holder may have. */
static void test_fences_grow_across_a_loss(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock mine = take("l", "me", LONG_US);
	assert_true(redis_fixture_number(&server, "FLUSHALL") >= 0);
	EXPECT_STATUS(put_fenced(&mine, "v", &err), HF_CONFLICT);
	assert_true(take("l", "me", LONG_US).fence > mine.fence);
	EXPECT_STATUS(put_fenced(&mine, "v", &err), HF_CONFLICT);
}

static int group_begin(UNUSED void **state)
{
	redis_fixture_start(&server, NULL);
	return 0;
}

static int group_end(UNUSED void **state)
{
	redis_fixture_stop(&server);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_holds_it),
		CASE(test_a_lease_ends_and_renewing_prolongs_it),
		CASE(test_writes_of_a_holder_that_was_paused_are_refused),
		CASE(test_a_fenced_transaction),
		CASE(test_locks_outlive_clear_and_are_listed),
		CASE(test_fences_grow_across_a_loss),
	};
	hf_error err = HF_ERROR_INIT;
	arena = hf_arena_new(0);
	if (!arena || hf_context_new(NULL, &ctx, &err) != HF_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, group_begin, group_end);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return failed;
}
