/*
 * redis_double.h - a server that speaks RESP and answers what the test says: for what a real Redis does not do on
 * demand.
 *
 * Unless a rule says other it is an empty Redis 7.0.15 that syncs its log at each write. It listens on a socket in a
 * temporary folder; its thread ends with redis_double_stop().
 */
#ifndef TESTS_KV_REDIS_DOUBLE_H
#define TESTS_KV_REDIS_DOUBLE_H

#include "holdfast/types.h"

/* The answer to a command by its first word. Rules are tried in order; one with `times` is used up after so many. */
struct redis_rule {
	const char *command;
	unsigned times;         /* 0 = always */
	struct hf_bytes answer; /* ptr NULL = hang up; len 0 = say nothing */
};
#define ANSWER(text)                                          \
	{                                                     \
		(const uint8_t *)"" text "", sizeof(text) - 1 \
	}
#define HANG_UP         \
	{               \
		NULL, 0 \
	}
#define SILENCE                        \
	{                              \
		(const uint8_t *)"", 0 \
	}

enum { REDIS_RULES_MAX = 12 };

struct redis_double;
/** @param rules end with one without a command. */
struct redis_double *redis_double_start(const struct redis_rule *rules);
const char *redis_double_url(const struct redis_double *server);
/** The same server on a port of the loopback. */
const char *redis_double_tcp_url(const struct redis_double *server);
/** How many of this command came; "" = how many connections. */
unsigned redis_double_count(struct redis_double *server, const char *command);
void redis_double_stop(struct redis_double *server);

#endif
