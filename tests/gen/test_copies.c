/*
 * Copies of rows: random values of every type are copied, then the memory of the originals is overwritten and given
 * back; what the copy sends to a server must be what the original would have sent. HF_SEED repeats a run.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "../check.h"
#include "base/arena.h"
#include "every_type.h"
#include "pg/encode.h"
#include "queries/sample/kinds.h"
#include "random_value.h"

enum { VALUES = 40, FIRST_BLOCK = 1 << 20, VALUE_AT = 16 };

static struct chance chance;

/* An arena whose memory can be overwritten: its first block holds all that the tests put there. */
static hf_arena *roomy_arena(void)
{
	hf_arena *arena = hf_arena_new(0);
	assert_non_null(hf_arena_alloc(arena, FIRST_BLOCK));
	hf_arena_reset(arena);
	return arena;
}

static void overwrite(hf_arena *arena)
{
	assert_true(hf_arena_used(arena) < FIRST_BLOCK / 2);
	hf_arena_reset(arena);
	void *all = hf_arena_alloc(arena, FIRST_BLOCK);
	assert_non_null(all);
	memset(all, 0xa5, FIRST_BLOCK);
	hf_arena_free(arena);
}

static struct hf_query row_query(const struct hf_field *fields, uint32_t count)
{
	return (struct hf_query){.abi = HF_QUERY_ABI, .name = "copies", .params = fields, .nparams = count};
}

static void encode_row(struct buf *wire, const struct hf_field *fields, uint32_t count, const void *row)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_query query = row_query(fields, count);
	buf_init(wire, (size_t)1 << 26);
	EXPECT_OK(encode_copy_row(wire, &query, NULL, row, &err));
}

static void expect_same(struct buf *before, const struct hf_field *fields, uint32_t count, const void *copy)
{
	struct buf after;
	encode_row(&after, fields, count, copy);
	assert_int_equal(after.len, before->len);
	assert_memory_equal(after.ptr, before->ptr, after.len);
	buf_deinit(&after);
	buf_deinit(before);
}

static void copy_one(const struct hf_type *type, bool null)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *kept = hf_arena_new(0);
	hf_arena *arena = chance.arena = roomy_arena();
	const struct hf_field field = {"v", type, VALUE_AT, 0};
	const size_t size = VALUE_AT + type->size;
	char *row = hf_arena_calloc(arena, 1, size), *copy = hf_arena_calloc(kept, 1, size);
	struct buf literal, before;
	buf_init(&literal, 1 << 24);
	random_value(&chance, type, row + VALUE_AT, &literal);
	*(bool *)row = !null;
	buf_deinit(&literal);
	encode_row(&before, &field, 1, row);
	EXPECT_OK(hf_row_copy(kept, &field, 1, row, size, copy, &err));
	overwrite(arena);
	expect_same(&before, &field, 1, copy);
}

static void every_type_is_copied(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVERY_TYPE_COUNT; i++)
		for (int j = 0; j < VALUES; j++)
			copy_one(every_type[i], j == 0);
}

static void text_ends_in_a_nul(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_field field = {"v", &hf_type_text, 0, HF_NEVER_NULL};
	struct hf_str text = {"letters", 6}, copy = {0};
	EXPECT_OK(hf_row_copy(arena, &field, 1, &text, sizeof(text), &copy, &err));
	assert_string_equal(copy.ptr, "letter");
	text = (struct hf_str){NULL, 0};
	EXPECT_OK(hf_row_copy(arena, &field, 1, &text, sizeof(text), &copy, &err));
	assert_string_equal(copy.ptr, "");
}

/* What is NULL, or no bound, may hold anything. */
static void what_is_not_there_is_not_followed(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct {
		bool has_text;
		struct hf_str text;
		struct hf_numrange range;
		struct hf_str_array array;
	} row, copy;
	const struct hf_field fields[] = {
		{"text", &hf_type_text, (uint32_t)((char *)&row.text - (char *)&row), 0},
		{"range", &hf_type_numrange, (uint32_t)((char *)&row.range - (char *)&row), HF_NEVER_NULL},
		{"array", &hf_type_text_array, (uint32_t)((char *)&row.array - (char *)&row), HF_NEVER_NULL}};
	memset(&row, 0xa5, sizeof(row));
	struct hf_str element;
	memset(&element, 0xa5, sizeof(element));
	const bool null = true;
	row.has_text = false;
	row.range.flags = HF_RANGE_EMPTY;
	row.array = (struct hf_str_array){.count = 1, .ndim = 1, .nulls = &null, .values = &element};
	EXPECT_OK(hf_row_copy(arena, fields, ARRAY_LEN(fields), &row, sizeof(row), &copy, &err));
	assert_true(!copy.has_text && !copy.text.ptr && !copy.range.lower.digits && copy.array.nulls[0]);
	assert_null(copy.array.values[0].ptr);
}

static void a_row_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	static struct kinds_get_row row, copy;
	struct hf_str texts[] = {HF_STR_INIT("0123456789"), HF_STR_INIT("0123456789")};
	row.some_citexts = (struct hf_str_array){.count = 2, .ndim = 1, .values = texts};
	CLEANUP(arena_freep) hf_arena *large = hf_arena_new(0);
	EXPECT_OK(kinds_get_row_copy(large, &row, &copy, &err));
	const size_t needed = hf_arena_used(large);
	memset(&copy, 0x77, sizeof(copy));
	static struct kinds_get_row untouched;
	memcpy(&untouched, &copy, sizeof(copy));
	for (size_t room = 1; room < needed; room++) {
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(room);
		EXPECT_STATUS(kinds_get_row_copy(arena, &row, &copy, &err), HF_E_LIMIT);
		assert_memory_equal(&copy, &untouched, sizeof(copy));
		EXPECT_STATUS(kinds_get_row_copy(arena, &row, &copy, NULL), HF_E_LIMIT);
	}
	EXPECT_CONTAINS(err.message, "does not fit into the arena");
	CLEANUP(arena_freep) hf_arena *enough = hf_arena_new(needed);
	EXPECT_OK(kinds_get_row_copy(enough, &row, &row, &err)); /* in place */
	assert_string_equal(row.some_citexts.values[1].ptr, "0123456789");
	assert_ptr_not_equal(row.some_citexts.values, texts);
}

static int set_up(void **state)
{
	(void)state;
	const char *given = getenv("HF_SEED");
	chance.state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	print_message("# HF_SEED=%" PRIu64 "\n", chance.state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_copied),
		cmocka_unit_test(text_ends_in_a_nul),
		cmocka_unit_test(what_is_not_there_is_not_followed),
		cmocka_unit_test(a_row_that_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests_name("copies", tests, set_up, NULL);
}
