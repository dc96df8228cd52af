/*
 * What is next when much is assigned: sets of ids of every width, the server's answer beside a plain walk over the
 * queue; and what cannot be in a queue. Prints its seed; HOLDFAST_TEST_SEED repeats one.
 */
#include "rig.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fixture.h"
#include "janitor/id_set.h"

enum { ITEMS = 40, ROUNDS = 200, SETS = 300, SET_MAX = 50 };

static bool is_among(const int32_t *ids, uint32_t count, int64_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* As the statement reads a set. */
static bool has(const struct id_set *set, int64_t id)
{
	if (id < set->first || id > set->last)
		return is_among(set->others.values, set->others.count, id);
	int64_t bit = id - set->first;
	assert_true((size_t)bit / 8 < set->bits.len);
	return set->bits.ptr[bit / 8] >> bit % 8 & 1;
}

static void a_set_has_its_ids_and_no_others(UNUSED void **state)
{
	static const int32_t widths[] = {1, 7, 8, 9, 1000, ID_SET_SPAN - 1, ID_SET_SPAN, ID_SET_SPAN + 1, INT32_MAX};
	unsigned random = (unsigned)rig_seed();
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (int round = 0; round < SETS; round++) {
		int32_t ids[SET_MAX], width = widths[round % (int)ARRAY_LEN(widths)], sign = round % 2 ? -1 : 1;
		struct hf_int4_array array = {.count = (uint32_t)(rand_r(&random) % SET_MAX), .values = ids};
		struct id_set set;
		for (uint32_t i = 0; i < array.count; i++)
			ids[i] = sign * (rand_r(&random) % width);
		if (array.count > 1)
			ids[0] = sign * width;
		hf_arena_reset(arena);
		EXPECT_OK(id_set_of(array, arena, &set, &err));
		assert_true(set.bits.len <= ID_SET_SPAN / 8);
		for (uint32_t i = 0; i < array.count; i++)
			for (int64_t near = (int64_t)ids[i] - 9; near < (int64_t)ids[i] + 9; near++)
				assert_int_equal(has(&set, near), is_among(ids, array.count, near));
	}
}

static void what_is_null_is_no_id(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct id_set set;
	struct hf_int4_array ids = {.count = 2, .nulls = (bool[]){true, false}, .values = (int32_t[]){5, 900}};
	EXPECT_OK(id_set_of(ids, arena, &set, &err));
	assert_true(has(&set, 900) && !has(&set, 5) && set.first == 900);
	ids.count = 1;
	EXPECT_OK(id_set_of(ids, arena, &set, &err));
	assert_true(set.last < set.first && set.others.count == 0);
}

/* ---- beside a walk over the queue ---- */

static enum hf_status remember(void *user, const struct hf_queue_item *item, UNUSED hf_error *err)
{
	int32_t **end = user;
	*(*end)++ = item->id;
	return HF_OK;
}

static void the_first_that_is_not_assigned_is_next(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	int32_t order[ITEMS], *end = order, assigned[ITEMS];
	unsigned random = (unsigned)rig_seed();
	rig_load_text(rig, "{}");
	rig_run(rig, "INSERT INTO codebase (name) SELECT 'cb' || n FROM generate_series(1, 40) AS n");
	rig_run(rig, "INSERT INTO queue (id, codebase, suite, command, priority) SELECT CASE WHEN n % 4 = 0 THEN n * "
	             "50000000 ELSE n END, 'cb' || n, 'fixes', 'x', n * 7 % 11 FROM generate_series(1, 40) AS n");
	EXPECT_OK(hf_queue_list(rig->where, &(struct hf_queue_list_filter){.limit = 0}, remember, &end, &err));
	assert_int_equal(end - order, ITEMS);
	for (int round = 0; round < ROUNDS; round++) {
		struct hf_queue_filter filter = {.assigned = {.values = assigned}};
		struct hf_queue_next next;
		int first_free = rand_r(&random) % (ITEMS + 1);
		for (int i = 0; i < ITEMS; i++)
			if (i < first_free || (i > first_free && rand_r(&random) % 2))
				assigned[filter.assigned.count++] = order[i];
		filter.assigned.ndim = filter.assigned.count > 0;
		hf_arena_reset(arena);
		if (first_free == ITEMS) {
			EXPECT_STATUS(hf_queue_peek(rig->where, &filter, arena, &next, &err), HF_NOT_FOUND);
			continue;
		}
		EXPECT_OK(hf_queue_peek(rig->where, &filter, arena, &next, &err));
		assert_int_equal(next.item.id, order[first_free]);
	}
}

/* ---- what cannot be added ---- */

static void what_cannot_be_in_a_queue_is_refused(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects parity = hf_defects_all();
	const struct hf_queue_request good = {.codebase = HF_STR("cb1"), .campaign = HF_STR("fixes")};
	struct hf_queue_request cases[9];
	static const struct {
		enum hf_status status;
		const char *message, *constraint;
	} answers[ARRAY_LEN(cases)] = {
		{HF_REJECTED, "there is no codebase cb9", "queue_codebase_fkey"},
		{HF_REJECTED, "there is no change set cs", "queue_change_set_fkey"},
		{HF_REJECTED, "\"a/b\" is no name for a campaign", "suite_name_check"},
		{HF_REJECTED, "the command is empty", "queue_command_check"},
		{HF_E_INPUT, "the offset is not a finite number within 64 bits", ""},
		{HF_E_INPUT, "the offset is not a finite number within 64 bits", ""},
		{HF_E_INPUT, "the offset is not a finite number within 64 bits", ""},
		{HF_REJECTED, "out of range", ""}, /* the sum with the smallest priority (D-14) */
		{HF_REJECTED, "UTF8", ""},
	};
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"cb1\"},{\"name\":\"cb2\"}],\"queue\":[{\"codebase\":\"cb2\","
	                   "\"suite\":\"fixes\",\"bucket\":\"default\",\"priority\":9000000000000000000}]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cases[i] = good;
	cases[0].codebase = HF_STR("cb9");
	cases[1].change_set = HF_STR("cs");
	cases[2].campaign = HF_STR("a/b");
	cases[3].command = HF_STR("");
	cases[4].offset = (double)NAN;
	cases[5].offset = -(double)INFINITY;
	cases[6].offset = 9223372036854775808.0;
	cases[7].offset = 9e18;
	cases[7].keep = &parity;
	cases[8].requester = HF_STR("\xff");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		int32_t id = 7;
		enum hf_bucket bucket = HF_BUCKET_HOOK;
		EXPECT_STATUS(hf_queue_add(rig->where, &cases[i], &id, &bucket, &err), answers[i].status);
		EXPECT_CONTAINS(err.message, answers[i].message);
		assert_string_equal(err.constraint, answers[i].constraint);
		assert_true(id == 7 && bucket == HF_BUCKET_HOOK);
		assert_int_equal(rig_count(rig, "queue"), 1);
	}
}

/* ---- moving ---- */

struct moving {
	struct rig *rig;
	struct hf_queue_moved moved;
	enum hf_status status;
	hf_error err;
};

static void *move(void *user)
{
	struct moving *it = user;
	it->status = hf_queue_move(hf_on_connection(it->rig->second), 1, &(struct hf_queue_move){.priority = 7},
	                           &it->moved, &it->err);
	return NULL;
}

static void a_move_behind_another_change_is_not_lost(void **state)
{
	struct rig *rig = *state;
	struct moving second = {.rig = rig, .err = HF_ERROR_INIT};
	pthread_t thread;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"}],\"queue\":[{\"id\":1,\"codebase\":\"aa\","
	                   "\"suite\":\"fixes\",\"command\":\"x\",\"priority\":1}]}");
	rig_run(rig, "BEGIN");
	rig_run(rig, "UPDATE queue SET priority = 5 WHERE id = 1");
	assert_int_equal(pthread_create(&thread, NULL, move, &second), 0);
	rig_until_waiting(rig);
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	if (second.status != HF_OK)
		fail_msg("%s", second.err.message);
	assert_true(second.moved.changed);
	assert_int_equal(second.moved.priority_before, 5);
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue WHERE id = 1"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_its_ids_and_no_others),
		cmocka_unit_test(what_is_null_is_no_id),
		cmocka_unit_test(the_first_that_is_not_assigned_is_next),
		cmocka_unit_test(what_cannot_be_in_a_queue_is_refused),
		cmocka_unit_test(a_move_behind_another_change_is_not_lost),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
