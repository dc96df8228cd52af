/*
 * world.h - what the tests of pool, transactions and health start from: a context with a clock and a log to look
 * into, settings of the test server, and a second session to do mischief with.
 */
#ifndef TESTS_PG_WORLD_H
#define TESTS_PG_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/str.h"
#include "holdfast/holdfast.h"
#include "pg/conn.h"
#include "pg/pool.h"
#include "../sql.h"

enum { WORLD_LOG_MAX = 1 << 20 };

struct world {
	hf_context *ctx;
	hf_settings *settings;
	hf_connection *other; /* the second session */
	atomic_llong skew_us; /* added to the monotonic clock */
	pthread_mutex_t log_mutex;
	char log[WORLD_LOG_MAX]; /* "event level field=value ...\n" */
	size_t log_len;
};

static inline int64_t world_clock(void *user)
{
	struct world *world = user;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + atomic_load(&world->skew_us);
}

static inline void world_log(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                             size_t nfields)
{
	static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
	struct world *world = user;
	CLEANUP(buf_deinit) struct buf line;
	buf_init(&line, 8192);
	buf_printf(&line, "%s %s", event, levels[level]);
	for (size_t i = 0; i < nfields; i++) {
		if (fields[i].kind == HF_FIELD_TEXT)
			buf_printf(&line, " %s=%.*s", fields[i].name, STR_ARG(fields[i].text));
		else
			buf_printf(&line, " %s=%lld", fields[i].name, (long long)fields[i].number);
	}
	buf_add_char(&line, '\n');
	pthread_mutex_lock(&world->log_mutex);
	if (world->log_len + line.len < sizeof(world->log)) {
		memcpy(world->log + world->log_len, line.ptr, line.len + 1);
		world->log_len += line.len;
	}
	pthread_mutex_unlock(&world->log_mutex);
}

static inline bool world_logged(struct world *world, const char *text)
{
	pthread_mutex_lock(&world->log_mutex);
	bool found = strstr(world->log, text) != NULL;
	pthread_mutex_unlock(&world->log_mutex);
	return found;
}

static inline void world_pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* Wait for a condition that other threads bring about; fails the test after 20 seconds. */
#define AWAIT(condition)                                             \
	do {                                                         \
		for (int left_ = 20000; !(condition); left_--) {     \
			if (left_ == 0)                              \
				fail_msg("never: %s", #condition);   \
			world_pause_ms(1);                           \
		}                                                    \
	} while (0)

static inline struct hf_pool_stats stats_of(hf_pool *pool)
{
	struct hf_pool_stats stats;
	hf_pool_stats(pool, &stats);
	return stats;
}

static inline struct world *world_new(void)
{
	hf_error err = HF_ERROR_INIT;
	struct world *world = calloc(1, sizeof(*world));
	pthread_mutex_init(&world->log_mutex, NULL);
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = world,
	                                     .log = world_log,
	                                     .log_level = HF_LOG_DEBUG,
	                                     .monotonic_us = world_clock};
	EXPECT_OK(hf_context_new(&options, &world->ctx, &err));
	EXPECT_OK(hf_settings_new(world->ctx, &world->settings, &err));
	return world;
}

static inline void world_free(struct world *world)
{
	hf_connection_free(world->other);
	hf_settings_free(world->settings);
	hf_context_free(world->ctx);
	free(world);
}
DEFINE_OWNED(world, struct world *, world_free)

static inline hf_pool *world_pool(struct world *world, const struct hf_pool_options *options)
{
	hf_error err = HF_ERROR_INIT;
	hf_pool *pool = NULL;
	EXPECT_OK(hf_pool_open(world->ctx, world->settings, options, &pool, &err));
	return pool;
}

static inline hf_connection *checkout(hf_pool *pool)
{
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &connection, &err));
	return connection;
}

/* ---- with a server ---- */

static inline struct world *world_with_server(const char *url)
{
	hf_error err = HF_ERROR_INIT;
	struct world *world = world_new();
	EXPECT_OK(hf_settings_parse(world->settings, url, &err));
	EXPECT_OK(hf_connection_open(world->ctx, world->settings, NULL, HF_DEADLINE_DEFAULT, &world->other, &err));
	return world;
}

/* Kill a session of the server, and wait until it is gone. */
static inline void kill_backend(struct world *world, int pid)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 60000)", pid);
	sql_run(hf_on_connection(world->other), sql);
}

#endif
