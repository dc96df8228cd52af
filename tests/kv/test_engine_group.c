/*
 * Concurrent writes of LMDB as one transaction: one commit for all, to each its own answer. The main thread
 * keeps the writers' turn until the first waits for it and the others behind that one.
 */
#include "../check.h"
#include "engine_rig.h"

#include <lmdb.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "kv/engine.h"
#include "kv/engine_group.h"
#include "kv/lmdb_map.h"

struct caller {
	struct rig *rig;
	struct hf_kv_write write;
	enum hf_kv_durability durability;
	hf_deadline deadline;
	const struct hf_kv_fence *fence;
	int ns;
	struct hf_kv_result result;
	enum hf_status status;
	hf_error err;
	pthread_t thread;
};

static void *call(void *user)
{
	struct caller *caller = user;
	struct rig *rig = caller->rig;
	struct hf_kv_batch batch = {.writes = &caller->write,
	                            .count = 1,
	                            .durability = caller->durability,
	                            .fence = caller->fence,
	                            .deadline = caller->deadline ? caller->deadline : INT64_MAX,
	                            .value_bytes_max = 1 << 20};
	caller->err = (hf_error)HF_ERROR_INIT;
	caller->status =
		rig->vtable->apply(rig->state, rig->ns[caller->ns], &batch, NULL, &caller->result, &caller->err);
	return NULL;
}

static bool has_leader(struct engine_group *group)
{
	pthread_mutex_lock(&group->mutex);
	bool led = group->led;
	pthread_mutex_unlock(&group->mutex);
	return led;
}

static struct engine_request *last_of(struct engine_group *group)
{
	pthread_mutex_lock(&group->mutex);
	struct engine_request *last = group->first ? (struct engine_request *)(void *)group->last : NULL;
	pthread_mutex_unlock(&group->mutex);
	return last;
}

/* One after the other, so that the order is known; the first leads. */
static void start(struct rig *rig, struct caller *callers, size_t count)
{
	struct engine_group *group = &rig->state->group;
	for (size_t i = 0; i < count; i++) {
		const struct engine_request *before = last_of(group);
		callers[i].rig = rig;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
		while (i == 0 ? !has_leader(group) : last_of(group) == before)
			usleep(500);
	}
}

static uint64_t last_number(const struct rig *rig)
{
	MDB_envinfo info;
	assert_int_equal(mdb_env_info(((struct lmdb_map *)rig->state->store)->env, &info), 0);
	return info.me_last_txnid;
}

/* Returns how many transactions it took. */
static uint64_t run(struct rig *rig, struct caller *callers, size_t count)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	struct ordered_txn txn;
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	start(rig, callers, count);
	uint64_t before = last_number(rig);
	store->ops->abort(&txn);
	for (size_t i = 0; i < count; i++)
		pthread_join(callers[i].thread, NULL);
	return last_number(rig) - before;
}

static struct hf_kv_entry get(struct rig *rig, int ns, struct hf_bytes key)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[ns], &key, 1, false, INT64_MAX, rig->arena, &entry, &err));
	return entry;
}

static void test_to_each_its_own(void **state)
{
	struct rig *rig = *state;
	const struct hf_bytes a = HF_KV_KEY("a"), b = HF_KV_KEY("b");
	const struct hf_kv_fence fence = {.lock = HF_STR("none"), .owner = HF_STR("me"), .fence = 1};
	uint64_t count = 0;
	hf_error err = HF_ERROR_INIT;
	struct caller callers[] = {
		{.write = {.op = HF_KV_PUT, .key = a, .value = HF_KV_KEY("1"), .flags = HF_KV_IF_ABSENT}},
		{.write = {.op = HF_KV_PUT, .key = a, .value = HF_KV_KEY("2"), .flags = HF_KV_IF_ABSENT}},
		{.write = {.op = HF_KV_ADD, .key = a, .delta = 6}, .durability = HF_KV_RELAXED},
		{.write = {.op = HF_KV_PUT, .key = b, .value = HF_KV_KEY("x")}, .ns = 1},
		{.write = {.op = HF_KV_ADD, .key = b, .delta = 6}, .ns = 1},
		{.write = {.op = HF_KV_PUT, .key = b}, .fence = &fence},
		{.write = {.op = HF_KV_PUT, .key = b, .value = HF_KV_KEY("y")}},
	};
	assert_int_equal(run(rig, callers, ARRAY_LEN(callers)), 1);
	static const enum hf_status want[] = {HF_OK, HF_CONFLICT, HF_OK, HF_OK, HF_CONFLICT, HF_CONFLICT, HF_OK};
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(callers[i].status, want[i]);
	assert_int_equal(callers[1].result.outcome, HF_KV_EXISTS);
	assert_int_equal(callers[4].result.outcome, HF_KV_NO_NUMBER);
	assert_int_equal(callers[2].result.number, 7);
	assert_true(callers[0].result.rev < callers[2].result.rev && callers[2].result.rev < callers[3].result.rev &&
	            callers[3].result.rev < callers[6].result.rev);
	assert_memory_equal(get(rig, 0, a).value.ptr, "7", 1);
	assert_memory_equal(get(rig, 0, b).value.ptr, "y", 1);
	assert_memory_equal(get(rig, 1, b).value.ptr, "x", 1);
	EXPECT_OK(rig->vtable->estimate(rig->state, rig->ns[0], INT64_MAX, &count, &err));
	assert_int_equal(count, 2);
	EXPECT_OK(rig->vtable->estimate(rig->state, rig->ns[1], INT64_MAX, &count, &err));
	assert_int_equal(count, 1);
}

/* What only waits for less must not take along who wants more. */
static void test_a_relaxed_leader(void **state)
{
	struct rig *rig = *state;
	struct caller callers[] = {
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}, .durability = HF_KV_RELAXED},
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}},
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}, .durability = HF_KV_RELAXED},
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}},
	};
	assert_int_equal(run(rig, callers, ARRAY_LEN(callers)), 2);
	static const int64_t want[] = {1, 3, 2, 4};
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		EXPECT_STATUS(callers[i].status, HF_OK);
		assert_int_equal(callers[i].result.number, want[i]);
	}
}

/* Two puts that a fence may guard, or a put and a sum that is refused. */
struct pair {
	struct rig *rig;
	struct hf_kv_write writes[2];
	const struct hf_kv_fence *fence;
	struct hf_kv_result results[2];
	enum hf_status status;
	pthread_t thread;
};

static void *call_pair(void *user)
{
	struct pair *pair = user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_batch batch = {.writes = pair->writes,
	                                  .count = 2,
	                                  .durability = HF_KV_STRICT,
	                                  .fence = pair->fence,
	                                  .deadline = INT64_MAX,
	                                  .value_bytes_max = 1 << 20};
	pair->status = pair->rig->vtable->apply(pair->rig->state, pair->rig->ns[0], &batch, NULL, pair->results, &err);
	return NULL;
}

static void start_pair(struct rig *rig, struct pair *pair, bool waits)
{
	const struct engine_request *before = last_of(&rig->state->group);
	pair->rig = rig;
	assert_int_equal(pthread_create(&pair->thread, NULL, call_pair, pair), 0);
	for (int i = 0; waits && last_of(&rig->state->group) == before; i++) {
		assert_true(i < 20000);
		usleep(500);
	}
}

#define TWO_PUTS(a, b)                                                                \
	{                                                                             \
		{.op = HF_KV_PUT, .key = HF_KV_KEY(a), .value = HF_KV_KEY("v")},      \
		{                                                                     \
			.op = HF_KV_PUT, .key = HF_KV_KEY(b), .value = HF_KV_KEY("v") \
		}                                                                     \
	}

/* Batches go along where nothing in them can be refused after it was written; the others go alone. */
static void test_batches_go_along(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	struct ordered_txn txn;
	const struct hf_kv_fence fence = {.lock = HF_STR("none"), .owner = HF_STR("me"), .fence = 1};
	struct caller first = {.write = {.op = HF_KV_PUT, .key = HF_KV_KEY("a"), .value = HF_KV_KEY("1")}};
	struct pair pairs[] = {
		{.writes = TWO_PUTS("b", "c")},
		{.writes = TWO_PUTS("d", "e"), .fence = &fence},
		{.writes = TWO_PUTS("f", "b")},
	};
	struct pair refused = {.writes = {{.op = HF_KV_PUT, .key = HF_KV_KEY("g"), .value = HF_KV_KEY("x")},
	                                  {.op = HF_KV_ADD, .key = HF_KV_KEY("g"), .delta = 1}}};
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	start(rig, &first, 1);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		start_pair(rig, &pairs[i], true);
	start_pair(rig, &refused, false);
	usleep(50000); /* it would be in the queue by now */
	uint64_t before = last_number(rig);
	store->ops->abort(&txn);
	pthread_join(first.thread, NULL);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		pthread_join(pairs[i].thread, NULL);
	pthread_join(refused.thread, NULL);
	assert_int_equal(last_number(rig) - before, 1);
	static const enum hf_status want[] = {HF_OK, HF_CONFLICT, HF_OK};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		EXPECT_STATUS(pairs[i].status, want[i]);
	EXPECT_STATUS(refused.status, HF_CONFLICT);
	assert_true(!pairs[0].results[0].existed && pairs[2].results[1].existed);
	assert_int_equal(get(rig, 0, HF_KV_KEY("d")).rev, 0);
	assert_int_equal(get(rig, 0, HF_KV_KEY("g")).rev, 0);
	assert_int_equal(get(rig, 0, HF_KV_KEY("b")).rev, pairs[2].results[1].rev);
}

/* One that does not fit the map is told so; the others are made all the same. */
static void test_one_that_fails(void **state)
{
	struct rig *rig = *state;
	static uint8_t bytes[1 << 20];
	rig->options.map_bytes_max = 1 << 20;
	rig_reopen(rig);
	struct caller callers[] = {
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}},
		{.write = {.op = HF_KV_PUT, .key = HF_KV_KEY("large"), .value = {bytes, sizeof(bytes)}}},
		{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}},
	};
	assert_int_equal(run(rig, callers, ARRAY_LEN(callers)), 2);
	EXPECT_STATUS(callers[0].status, HF_OK);
	EXPECT_STATUS(callers[1].status, HF_E_LIMIT);
	EXPECT_CONTAINS(callers[1].err.message, "is full");
	EXPECT_STATUS(callers[2].status, HF_OK);
	assert_memory_equal(get(rig, 0, HF_KV_KEY("n")).value.ptr, "2", 1);
	assert_int_equal(get(rig, 0, HF_KV_KEY("large")).rev, 0);
}

/* What fails for want of room beside the others is tried again without them. */
static void test_one_that_fails_beside_others_only(void **state)
{
	struct rig *rig = *state;
	static const char keys[] = "abcdef";
	static uint8_t bytes[100000];
	struct caller callers[sizeof(keys) - 1] = {0};
	rig->options.map_bytes_max = 1 << 20;
	rig_reopen(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i].write = (struct hf_kv_write){.op = HF_KV_PUT,
		                                        .key = {(const uint8_t *)&keys[i], 1},
		                                        .value = {bytes, sizeof(bytes)}};
		run(rig, &callers[i], 1);
		EXPECT_STATUS(callers[i].status, HF_OK);
	}
	assert_true(run(rig, callers, ARRAY_LEN(callers)) > 1);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(callers[i].status, HF_OK);
}

/* ---- a commit that finds no room ---- */

static const struct ordered_ops *real;
static int commits_refused;
static int64_t refusal_us; /* what one takes */

static enum hf_status refuse_commit(struct ordered_txn *txn, hf_error *err)
{
	if (commits_refused == 0)
		return real->commit(txn, err);
	commits_refused--;
	rig_now_us += refusal_us;
	real->abort(txn);
	return error_set(err, HF_E_LIMIT, "the store is full");
}

/* The pages of a commit itself did not fit beside all the others: each is tried alone, and told of its own. */
static void test_a_commit_without_room_for_all(void **state)
{
	struct rig *rig = *state;
	real = rig->state->store->ops;
	struct ordered_ops ops = *real;
	ops.commit = refuse_commit;
	rig->state->store->ops = &ops;
	for (int refused = 1; refused <= 2; refused++) {
		struct caller callers[3] = {0};
		for (size_t i = 0; i < ARRAY_LEN(callers); i++)
			callers[i].write = (struct hf_kv_write){.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1};
		commits_refused = refused; /* that of all, and of the first alone */
		run(rig, callers, ARRAY_LEN(callers));
		assert_int_equal(commits_refused, 0);
		int failed = 0;
		for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
			failed += callers[i].status == HF_E_LIMIT;
			assert_true(callers[i].status == HF_OK || callers[i].status == HF_E_LIMIT);
		}
		assert_int_equal(failed, refused - 1);
	}
	assert_memory_equal(get(rig, 0, HF_KV_KEY("n")).value.ptr, "5", 1);
	struct caller one = {.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}};
	commits_refused = 1;
	run(rig, &one, 1);
	EXPECT_STATUS(one.status, HF_E_LIMIT);
	rig->state->store->ops = real;
}

/* The lease ends between the commit of all and the try alone: what was decided the first time is not told. */
static void test_a_fence_that_is_lost_before_the_second_try(void **state)
{
	struct rig *rig = *state;
	const int64_t lease_us = 1000000;
	struct hf_kv_lock lock;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(rig->vtable->lock_take(rig->state, rig->ns[0], HF_STR("lock"), HF_STR("me"), lease_us, INT64_MAX,
	                                 rig->arena, &lock, &err));
	const struct hf_kv_fence fence = {lock.name, lock.owner, lock.fence};
	struct caller callers[] = {{.write = {.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1}},
	                           {.write = {.op = HF_KV_PUT, .key = HF_KV_KEY("k")}, .fence = &fence}};
	real = rig->state->store->ops;
	struct ordered_ops ops = *real;
	ops.commit = refuse_commit;
	rig->state->store->ops = &ops;
	commits_refused = 1;
	refusal_us = lease_us;
	run(rig, callers, ARRAY_LEN(callers));
	refusal_us = 0;
	rig->state->store->ops = real;
	EXPECT_STATUS(callers[0].status, HF_OK);
	EXPECT_STATUS(callers[1].status, HF_CONFLICT);
	assert_int_equal(callers[1].result.outcome, HF_KV_UNDONE);
	assert_int_equal(callers[1].result.rev, 0);
	assert_int_equal(get(rig, 0, HF_KV_KEY("k")).rev, 0);
}

/* Who leads or waits until its deadline is told so, and nobody behind it is lost. */
static void test_deadlines(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	struct ordered_txn txn;
	struct caller callers[4] = {{.deadline = hf_deadline_in(rig->ctx, 2000)}, {.deadline = 1}, {0}, {0}};
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		callers[i].write = (struct hf_kv_write){.op = HF_KV_ADD, .key = HF_KV_KEY("n"), .delta = 1};
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	start(rig, callers, 1);
	callers[1].rig = rig;
	call(&callers[1]);
	EXPECT_STATUS(callers[1].status, HF_TIMEOUT);
	for (size_t i = 2; i < ARRAY_LEN(callers); i++) {
		callers[i].rig = rig;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	pthread_join(callers[0].thread, NULL);
	EXPECT_STATUS(callers[0].status, HF_TIMEOUT);
	store->ops->abort(&txn);
	for (size_t i = 2; i < ARRAY_LEN(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		EXPECT_STATUS(callers[i].status, HF_OK);
	}
	assert_memory_equal(get(rig, 0, HF_KV_KEY("n")).value.ptr, "2", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_to_each_its_own, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_relaxed_leader, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_batches_go_along, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_one_that_fails, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_one_that_fails_beside_others_only, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_commit_without_room_for_all, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_fence_that_is_lost_before_the_second_try, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_deadlines, rig_lmdb, rig_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
