/*
 * The engine under several threads: transfers between accounts, whose sum everybody always sees whole: readers, ranges,
 * checkpoints that are made meanwhile, and what they are restored to.
 */
#include "../check.h"
#include "chance.h"
#include "engine_rig.h"
#include "kv/turns.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { ACCOUNTS = 10, FUNDS = 100, WRITERS = 3, READERS = 3, TRANSFERS = 150, POINTS = 20 };

struct crowd {
	struct rig *rig;
	uint64_t seed;
	atomic_int writing;
	atomic_int wrong; /* asserts of cmocka are the main thread's */
};

static struct hf_bytes account(size_t i)
{
	static const uint8_t keys[ACCOUNTS] = "0123456789";
	return (struct hf_bytes){&keys[i], 1};
}

static void transfer(struct crowd *crowd, uint64_t *dice)
{
	struct rig *rig = crowd->rig;
	hf_error err = HF_ERROR_INIT;
	size_t from = chance_under(dice, ACCOUNTS), to = chance_under(dice, ACCOUNTS);
	int64_t amount = (int64_t)chance_under(dice, 9) + 1;
	struct hf_kv_write writes[] = {{.op = HF_KV_ADD, .key = account(from), .delta = -amount},
	                               {.op = HF_KV_ADD, .key = account(to), .delta = amount}};
	struct hf_kv_result results[2] = {0};
	struct hf_kv_batch batch = {.writes = writes, .count = 2, .deadline = INT64_MAX, .durability = HF_KV_RELAXED};
	if (rig->vtable->apply(rig->state, rig->ns[0], &batch, NULL, results, &err) != HF_OK)
		atomic_fetch_add(&crowd->wrong, 1);
}

static void *write_on(void *user)
{
	struct crowd *crowd = user;
	uint64_t dice = crowd->seed + (uint64_t)pthread_self();
	for (int i = 0; i < TRANSFERS; i++)
		transfer(crowd, &dice);
	atomic_fetch_sub(&crowd->writing, 1);
	return NULL;
}

static enum hf_status add_up(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	*(int64_t *)user += strtoll((const char *)entry->value.ptr, NULL, 10);
	return HF_OK;
}

static bool is_whole(struct rig *rig, hf_arena *arena, const struct hf_uuid *at)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_bytes keys[ACCOUNTS];
	struct hf_kv_entry entries[ACCOUNTS];
	int64_t sum = 0, scanned = 0;
	struct hf_kv_span span = {.deadline = INT64_MAX, .at = at};
	for (size_t i = 0; i < ACCOUNTS; i++)
		keys[i] = account(i);
	enum hf_status status =
		at ? rig->vtable->read_at(rig->state, rig->ns[0], at, keys, ACCOUNTS, false, INT64_MAX, arena, entries,
	                                  &err)
		   : rig->vtable->read(rig->state, rig->ns[0], keys, ACCOUNTS, false, INT64_MAX, arena, entries, &err);
	for (size_t i = 0; status == HF_OK && i < ACCOUNTS; i++)
		add_up(&sum, &entries[i], &err);
	if (status == HF_OK)
		status = rig->vtable->scan(rig->state, rig->ns[0], &span, add_up, &scanned, &err);
	hf_arena_reset(arena);
	return status == HF_OK && sum == FUNDS && scanned == FUNDS;
}

static void *read_on(void *user)
{
	struct crowd *crowd = user;
	hf_arena *arena = hf_arena_new(0);
	while (atomic_load(&crowd->writing) > 0)
		if (!is_whole(crowd->rig, arena, NULL))
			atomic_fetch_add(&crowd->wrong, 1);
	hf_arena_free(arena);
	return NULL;
}

static void open_accounts(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ACCOUNTS; i++) {
		struct hf_kv_write write = {.op = HF_KV_PUT, .key = account(i), .value = HF_KV_KEY("10")};
		struct hf_kv_result result = {0};
		struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX};
		EXPECT_OK(rig->vtable->apply(rig->state, rig->ns[0], &batch, NULL, &result, &err));
	}
}

static void expect_points(struct rig *rig, const struct hf_kv_checkpoint *points)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_restored restored;
	for (size_t i = 0; i < POINTS; i++)
		assert_true(is_whole(rig, rig->arena, &points[i].id));
	EXPECT_OK(
		rig->vtable->restore(rig->state, rig->ns[0], &points[POINTS / 2].id, NULL, INT64_MAX, &restored, &err));
	assert_true(is_whole(rig, rig->arena, NULL));
	for (size_t i = 0; i < POINTS; i++)
		assert_true(is_whole(rig, rig->arena, &points[i].id));
}

static void test_transfers(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct crowd crowd = {.rig = rig, .seed = chance_seed(), .writing = WRITERS};
	struct hf_kv_checkpoint points[POINTS] = {0};
	struct hf_kv_restored restored;
	pthread_t threads[WRITERS + READERS];
	open_accounts(rig);
	for (size_t i = 0; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_on : read_on, &crowd), 0);
	for (uint8_t i = 0; i < POINTS; i++) {
		points[i].id.bytes[0] = i;
		EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[0], &points[i], INT64_MAX, &err));
		if (i % 4 == 3)
			EXPECT_OK(rig->vtable->restore(rig->state, rig->ns[0], &points[i / 2].id, NULL, INT64_MAX,
			                               &restored, &err));
	}
	for (size_t i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.wrong), 0);
	expect_points(rig, points);
}

/* ---- turns: whoever is steady lets the others in ---- */

struct steady {
	struct turns turns;
	atomic_bool stop;
};

static void *write_steadily(void *user)
{
	struct steady *steady = user;
	while (!atomic_load(&steady->stop) && turns_begin_write(&steady->turns, 60000000)) {
		sched_yield(); /* so that the others wait meanwhile */
		turns_end_write(&steady->turns);
	}
	return NULL;
}

static void test_readers_come_between_writers(void **state)
{
	struct steady steady;
	pthread_t threads[8];
	(void)state;
	atomic_init(&steady.stop, false);
	turns_init(&steady.turns);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_steadily, &steady), 0);
	bool let_in = true;
	for (int i = 0; i < 200 && let_in; i++) {
		let_in = turns_begin_read(&steady.turns, 10000000);
		if (let_in)
			turns_end_read(&steady.turns);
	}
	atomic_store(&steady.stop, true);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_true(let_in);
	assert_int_equal(steady.turns.owed, 0);

	turns_deinit(&steady.turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_transfers, rig_memory, rig_end),
		cmocka_unit_test_setup_teardown(test_transfers, rig_lmdb, rig_end),
		cmocka_unit_test(test_readers_come_between_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
