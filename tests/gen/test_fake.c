/* Fakes of queries: a unit test of a program that uses the generated functions, without a server anywhere. */
#include <string.h>

#include "../check.h"
#include "base/arena.h"
#include "base/macros.h"
#include "queries/sample/batches_fake.h"
#include "queries/sample/bounds_fake.h"
#include "queries/sample/items_fake.h"

static const hf_where nowhere = {0};

/* ---- the program ---- */

/* The name of an item, else "nobody"; anything else is forwarded. */
static enum hf_status name_of(hf_where where, int32_t id, hf_arena *arena, struct hf_str *ret_name, hf_error *err)
{
	struct item_line line;
	enum hf_status status = item_by_id(where, &(struct item_by_id_in){.id = id}, arena, &line, err);
	if (status == HF_NOT_FOUND) {
		*ret_name = HF_STR("nobody");
		return HF_OK;
	}
	if (status == HF_OK)
		*ret_name = line.name;
	return status;
}

static enum hf_status stop_at_two(void *user, UNUSED const struct items_scan_row *row, UNUSED hf_error *err)
{
	int *seen = user;
	return ++*seen == 2 ? HF_STOP : HF_OK;
}

static enum hf_status three_items(void *user, struct items_copy_in *in, UNUSED hf_error *err)
{
	int *given = user;
	in->id = ++*given;
	return *given > 3 ? HF_STOP : HF_OK;
}

/* ---- its tests ---- */

static int set_up(void **state)
{
	memset(&items_fakes, 0, sizeof(items_fakes));
	memset(&batches_fakes, 0, sizeof(batches_fakes));
	memset(&bounds_fakes, 0, sizeof(bounds_fakes));
	*state = hf_arena_new(0);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	hf_arena_free(*state);
	return 0;
}

static void rows_and_errors_are_answered(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str name;
	static const struct item_line two[] = {{.id = 7, .name = HF_STR_INIT("seven")}, {.id = 8}};
	EXPECT_OK(name_of(nowhere, 7, *state, &name, &err));
	assert_memory_equal(name.ptr, "nobody", 6);
	items_fakes.item_by_id.rows = two;
	items_fakes.item_by_id.count = 1;
	EXPECT_OK(name_of(nowhere, 7, *state, &name, &err));
	assert_memory_equal(name.ptr, "seven", 5);
	assert_int_equal(items_fakes.item_by_id.calls, 2);
	assert_int_equal(items_fakes.item_by_id.in.id, 7);
	items_fakes.item_by_id.count = 2;
	EXPECT_STATUS(name_of(nowhere, 7, *state, &name, &err), HF_E_LIMIT);
	items_fakes.item_by_id.status = HF_TIMEOUT;
	items_fakes.item_by_id.message = "too late";
	EXPECT_STATUS(name_of(nowhere, 7, *state, &name, &err), HF_TIMEOUT);
	assert_string_equal(err.message, "too late");
	assert_string_equal(err.query, "item_by_id");
	EXPECT_STATUS(name_of(nowhere, 7, *state, &name, NULL), HF_TIMEOUT);
}

static enum hf_status count_words(void *user, UNUSED const struct words *row, UNUSED hf_error *err)
{
	++*(int *)user;
	return HF_OK;
}

static void bounds_hold_for_fakes_too(void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct words six[6];
	struct words *rows = NULL;
	size_t count = 0;
	int seen = 0;
	bounds_fakes.words_few.rows = bounds_fakes.words_each.rows = six;
	bounds_fakes.words_few.count = 3;
	bounds_fakes.words_each.count = 5;
	EXPECT_OK(words_few(nowhere, &(struct words_few_in){0}, *state, &rows, &count, &err));
	assert_int_equal(count, 3);
	EXPECT_OK(words_each(nowhere, &(struct words_each_in){0}, count_words, &seen, &err));
	bounds_fakes.words_few.count = 4;
	bounds_fakes.words_each.count = 6;
	EXPECT_STATUS(words_few(nowhere, &(struct words_few_in){0}, *state, &rows, &count, &err), HF_E_LIMIT);
	assert_string_equal(err.query, "words_few");
	EXPECT_STATUS(words_each(nowhere, &(struct words_each_in){0}, count_words, &seen, &err), HF_E_LIMIT);
	assert_int_equal(seen, 10);
	bounds_fakes.words_few.status = HF_TIMEOUT;
	EXPECT_STATUS(words_few(nowhere, &(struct words_few_in){0}, *state, &rows, &count, &err), HF_TIMEOUT);
}

static void one_needs_its_row(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct item_count_row row;
	EXPECT_STATUS(item_count(nowhere, *state, &row, &err), HF_E_PROTOCOL);
	static const struct item_count_row counted = {.total = 5};
	items_fakes.item_count.rows = &counted;
	items_fakes.item_count.count = 1;
	EXPECT_OK(item_count(nowhere, *state, &row, &err));
	assert_int_equal(row.total, 5);
}

static void many_and_each(void **state)
{
	hf_error err = HF_ERROR_INIT;
	static const struct item_line lines[] = {{.id = 1}, {.id = 2}, {.id = 3}};
	static const struct items_scan_row scanned[] = {{.id = 1}, {.id = 2}, {.id = 3}};
	struct item_line *rows = NULL;
	size_t count = 9;
	int seen = 0;
	EXPECT_OK(items_by_mood(nowhere, &(struct items_by_mood_in){0}, *state, &rows, &count, &err));
	assert_int_equal(count, 0);
	items_fakes.items_by_mood.rows = lines;
	items_fakes.items_by_mood.count = 3;
	EXPECT_OK(items_by_mood(nowhere, &(struct items_by_mood_in){0}, *state, &rows, &count, &err));
	assert_int_equal(count, 3);
	assert_int_equal(rows[2].id, 3);
	assert_ptr_not_equal(rows, lines);
	items_fakes.items_scan.rows = scanned;
	items_fakes.items_scan.count = 3;
	EXPECT_OK(items_scan(nowhere, &(struct items_scan_in){.from_id = 2}, stop_at_two, &seen, &err));
	assert_int_equal(seen, 2);
	assert_int_equal(items_fakes.items_scan.in.from_id, 2);
}

static void changes_are_counted(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	int64_t rows = -1;
	int given = 0;
	items_fakes.item_rename.affected = 4;
	EXPECT_OK(item_rename(nowhere, &(struct item_rename_in){.id = 3}, &rows, &err));
	assert_int_equal(rows, 4);
	EXPECT_OK(items_drop(nowhere, &(struct items_drop_in){.id = 9}, &err));
	assert_int_equal(items_fakes.items_drop.in.id, 9);
	EXPECT_OK(items_copy(nowhere, three_items, &given, &rows, &err));
	assert_int_equal(rows, 3);
	assert_int_equal(items_fakes.items_copy.in.id, 3);
	items_fakes.items_copy.status = HF_REJECTED;
	EXPECT_STATUS(items_copy(nowhere, three_items, &given, &rows, &err), HF_REJECTED);
	assert_int_equal(items_fakes.items_copy.inputs, 3);
}

static void batches_tell_of_each_item(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct items_put_in in[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
	struct items_find_in find[2] = {{.name = HF_STR_INIT("a")}, {.name = HF_STR_INIT("b")}};
	static const struct item_line found = {.id = 1};
	struct hf_batch_item items[3];
	struct item_line rows[2];
	EXPECT_OK(items_put(nowhere, in, 3, items, &err));
	assert_int_equal(items[2].outcome, HF_BATCH_DONE);
	assert_int_equal(batches_fakes.items_put.in.id, 3);
	assert_int_equal(batches_fakes.items_put.inputs, 3);
	batches_fakes.items_find.rows = &found;
	batches_fakes.items_find.count = 1;
	EXPECT_OK(items_find(nowhere, find, 2, *state, rows, items, &err));
	assert_int_equal(rows[0].id, 1);
	assert_int_equal(items[0].rows, 1);
	assert_int_equal(items[1].rows, 0);
	batches_fakes.items_put.status = HF_CONFLICT;
	EXPECT_STATUS(items_put(nowhere, in, 3, items, &err), HF_CONFLICT);
	assert_int_equal(items[0].outcome, HF_BATCH_SKIPPED);
}

/* A fake that remembers: numbers go up. */
static void next(struct item_add_fake *fake)
{
	static struct item_add_row row;
	row.id++;
	fake->rows = &row;
	fake->count = 1;
}

static void a_fake_can_keep_state(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct item_add_row row;
	items_fakes.item_add.on_call = next;
	for (int i = 1; i <= 3; i++) {
		EXPECT_OK(item_add(nowhere, &(struct item_add_in){.mood = MOOD_HAPPY}, *state, &row, &err));
		assert_int_equal(row.id, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_and_errors_are_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounds_hold_for_fakes_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_needs_its_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_and_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(batches_tell_of_each_item, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_fake_can_keep_state, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("fake", tests, NULL, NULL);
}
