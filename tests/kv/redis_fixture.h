/*
 * redis_fixture.h - a Redis of a test's own: on a socket in a temporary folder, no port, dead with the test.
 *
 * The program is that of redis-server or, where only redis-tools is installed, redis-check-rdb, which is the same one
 * by another name. A test that cannot have one fails.
 */
#ifndef TESTS_KV_REDIS_FIXTURE_H
#define TESTS_KV_REDIS_FIXTURE_H

#include <hiredis/hiredis.h>
#include <sys/types.h>

#include "base/macros.h"

struct redis_fixture {
	pid_t pid; /* 0 = not running */
	char folder[48];
	char socket[64];
	char url[96]; /* redis+unix://... */
};

/** It syncs its log at each write, unless `more` (words for its command line, the last NULL; may be NULL) says other.
 */
void redis_fixture_start(struct redis_fixture *redis, const char *const *more);
/** Start again in the same folder, with what it had kept. */
void redis_fixture_again(struct redis_fixture *redis, const char *const *more);
/** kill(2) with `signal`, and wait when that ends it. */
void redis_fixture_kill(struct redis_fixture *redis, int signal);
/** End it and remove the folder. */
void redis_fixture_stop(struct redis_fixture *redis);
/** Ask as another client would; free the answer. printf-like as redisCommand(). An error is an answer. */
redisReply *redis_fixture_ask(const struct redis_fixture *redis, const char *format, ...);
/** The same where only its number, or the number of its elements, counts; -1 for an error. */
long long redis_fixture_number(const struct redis_fixture *redis, const char *format, ...);

#endif
