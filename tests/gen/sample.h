/*
 * sample.h - what tests of the generated group `sample` start from: a database with its schema, a connection, an arena.
 */
#ifndef TESTS_GEN_SAMPLE_H
#define TESTS_GEN_SAMPLE_H

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "holdfast/holdfast.h"
#include "pg/conn.h"
#include "../fixture.h"
#include "../sql.h"

struct state {
	const char *url;
	hf_connection *connection;
	hf_where where;
	hf_arena *arena;
};

static inline int set_up(void **user)
{
	static struct state state;
	hf_error err = HF_ERROR_INIT;
	hf_migrations *migrations = NULL;
	state.url = fixture_database(NULL);
	state.connection = fixture_connect(state.url);
	state.where = hf_on_connection(state.connection);
	state.arena = hf_arena_new(0);
	EXPECT_OK(hf_migrations_open(fixture_context(), "sample", test_variable("HOLDFAST_SAMPLE_MIGRATIONS"),
	                             &migrations, &err));
	EXPECT_OK(hf_migrate_up(state.connection, migrations, NULL, NULL, &err));
	hf_migrations_free(migrations);
	*user = &state;
	return 0;
}

static inline int tear_down(void **user)
{
	struct state *state = *user;
	hf_connection_free(state->connection);
	hf_arena_free(state->arena);
	return 0;
}

static inline void run(struct state *state, const char *sql)
{
	sql_run(state->where, sql);
}

static inline const char *text(struct state *state, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	EXPECT_OK(hf_sql_one(state->where, hf_str_of(sql), NULL, 0, state->arena, &row, &err));
	return row.values[0].kind == HF_VALUE_TEXT ? row.values[0].as.s.ptr : "(null)";
}

#define SAMPLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
