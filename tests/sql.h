/*
 * sql.h - SQL of a test that must succeed: the test fails with the server's message otherwise.
 */
#ifndef TESTS_SQL_H
#define TESTS_SQL_H

#include "base/arena.h"
#include "check.h"
#include "holdfast/holdfast.h"

static inline void sql_run(hf_where where, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_sql_exec(where, hf_str_of(sql), NULL, 0, NULL, &err));
}

/** The integer in the first column of the only row. */
static inline int64_t sql_number(hf_where where, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_OK(hf_sql_one(where, hf_str_of(sql), NULL, 0, arena, &row, &err));
	assert_int_equal(row.values[0].kind, HF_VALUE_INT);
	return row.values[0].as.i;
}

#endif
