/*
 * double_rig.h - what tests against libpq_double.c share: a context with its clock, and a connection that is open.
 */
#ifndef TESTS_PG_DOUBLE_RIG_H
#define TESTS_PG_DOUBLE_RIG_H

#include "../check.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"
#include "libpq_double.h"
#include "pg/conn.h"

#define SCRIPT(...)                                              \
	static const struct double_step steps[] = {__VA_ARGS__}; \
	double_script(steps, ARRAY_LEN(steps))
#define CONNECTS(...)                                                \
	static const struct double_connect logins[] = {__VA_ARGS__}; \
	double_connects(logins, ARRAY_LEN(logins))

struct bench {
	hf_context *ctx;
	hf_settings *settings;
	hf_connection *connection;
	hf_where where;
	hf_arena *arena;
	char events[256]; /* the log: a word each */
};

/* cmocka test fixtures: *state is a struct bench *. */
int bench_up(void **state);
/** Fails when a connection was left open. */
int bench_down(void **state);

#endif
