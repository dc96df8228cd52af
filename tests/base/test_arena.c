/* The arena: bound, alignment, cleanups in order, reuse after reset. */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "../check.h"

static void allocations_are_aligned_and_distinct(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	char *last = NULL;
	for (size_t i = 0; i < 1000; i++) {
		char *memory = hf_arena_alloc(arena, i % 37);
		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 16, 0);
		assert_ptr_not_equal(memory, last);
		memset(memory, 0xaa, i % 37);
		last = memory;
	}
}

static void the_bound_holds(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(1000);
	assert_non_null(hf_arena_alloc(arena, 600));
	assert_null(hf_arena_alloc(arena, 401));
	assert_null(hf_arena_calloc(arena, SIZE_MAX / 2, 3));
	assert_null(hf_arena_str(arena, (struct hf_str){"", SIZE_MAX}).ptr);
	assert_non_null(hf_arena_alloc(arena, 400));
	assert_null(arena_printf(arena, "x").ptr);
	assert_int_equal(hf_arena_used(arena), 1000);
	hf_arena_reset(arena);
	assert_int_equal(hf_arena_used(arena), 0);
	assert_non_null(hf_arena_alloc(arena, 1000));
}

static void large_requests_get_their_own_block(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(64 << 20);
	char *big = hf_arena_calloc(arena, 3, 1 << 20);
	assert_non_null(big);
	assert_int_equal(big[(3 << 20) - 1], 0);
	hf_arena_reset(arena);
	assert_non_null(hf_arena_alloc(arena, 10));
}

static char order[8];

static void note(void *object)
{
	order[strlen(order)] = *(const char *)object;
}

static void cleanups_run_newest_first(UNUSED void **state)
{
	hf_arena *arena = hf_arena_new(0);
	char a[] = "a", b[] = "b";
	assert_int_equal(hf_arena_own(arena, note, a, 0), 0);
	assert_int_equal(hf_arena_own(arena, note, b, 100), 0);
	assert_true(hf_arena_used(arena) >= 100);
	hf_arena_reset(arena);
	assert_string_equal(order, "ba");
	assert_int_equal(hf_arena_own(arena, note, a, (size_t)512 << 20), -1);
	hf_arena_free(arena);
	assert_string_equal(order, "ba");
	hf_arena_free(NULL);
}

static void text_is_copied_with_a_nul(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){"abcdef", 3});
	assert_string_equal(copy.ptr, "abc");
	assert_int_equal(copy.len, 3);
	assert_string_equal(arena_printf(arena, "%d-%s", 7, "x").ptr, "7-x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(allocations_are_aligned_and_distinct),
	        cmocka_unit_test(the_bound_holds),
	        cmocka_unit_test(large_requests_get_their_own_block),
	        cmocka_unit_test(cleanups_run_newest_first),
	        cmocka_unit_test(text_is_copied_with_a_nul),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
