/*
 * redis_rig.c - see redis_rig.h.
 */
#include "redis_rig.h"

#include <stdlib.h>

#include "../check.h"

struct redis_fixture redis_rig_server;
static int databases;

static void log_event(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                      size_t nfields)
{
	struct redis_rig *rig = user;
	size_t at = strlen(rig->events);
	at += (size_t)snprintf(rig->events + at, sizeof(rig->events) - at, "%d %s", (int)level, event);
	for (size_t i = 0; i < nfields && at < sizeof(rig->events) - 100; i++)
		at += (size_t)snprintf(rig->events + at, sizeof(rig->events) - at, " %s=%.*s%lld", fields[i].name,
		                       (int)fields[i].text.len, fields[i].text.ptr ? fields[i].text.ptr : "",
		                       (long long)fields[i].number);
	snprintf(rig->events + at, sizeof(rig->events) - at, "\n");
}

enum hf_status redis_rig_open(struct redis_rig *rig, const char *url, const struct hf_kv_options *options,
                              hf_error *err)
{
	struct hf_kv_options chosen = options ? *options : (struct hf_kv_options){0};
	chosen.size = sizeof(chosen);
	chosen.sweep_interval_ms = -1;
	chosen.backoff_ms = chosen.backoff_ms ? chosen.backoff_ms : 1;
	chosen.slow_ms = chosen.slow_ms ? chosen.slow_ms : -1;
	return hf_kv_open(rig->ctx, url, &chosen, &rig->kv, err);
}

static void rig_begin(struct redis_rig *rig)
{
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = rig,
	                                     .log = log_event,
	                                     .log_level = HF_LOG_WARN};
	hf_error err = HF_ERROR_INIT;
	*rig = (struct redis_rig){.database = databases++};
	snprintf(rig->url, sizeof(rig->url), "%s?db=%d", redis_rig_server.url, rig->database);
	EXPECT_OK(hf_context_new(&options, &rig->ctx, &err));
	rig->arena = hf_arena_new(0);
	assert_non_null(rig->arena);
}

int redis_rig_set_up(void **state)
{
	struct redis_rig *rig = malloc(sizeof(*rig));
	hf_error err = HF_ERROR_INIT;
	assert_non_null(rig);
	rig_begin(rig);
	EXPECT_OK(redis_rig_open(rig, rig->url, NULL, &err));
	*state = rig;
	return 0;
}

int redis_rig_tear_down(void **state)
{
	struct redis_rig *rig = *state;
	hf_kv_close(rig->kv);
	hf_arena_free(rig->arena);
	hf_context_free(rig->ctx);
	free(rig);
	return 0;
}

/* The three keys of a namespace agree: every record is in the order, every expiry is that of a record. Beside the
 * records lies the state. */
void redis_rig_check_whole(const struct redis_rig *rig, const char *name, long long entries, long long expiring)
{
	redisContext *context = redisConnectUnix(redis_rig_server.socket);
	const struct {
		const char *command, *key;
		long long want;
	} sizes[] = {{"HLEN", "records", entries + 1}, {"ZCARD", "order", entries}, {"ZCARD", "expiry", expiring}};
	freeReplyObject(redisCommand(context, "SELECT %d", rig->database));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		redisReply *reply = redisCommand(context, "%s {holdfast:%s}:%s", sizes[i].command, name, sizes[i].key);
		assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
		if (reply->integer != sizes[i].want)
			fail_msg("%s: %lld, not %lld", sizes[i].key, reply->integer, sizes[i].want);
		freeReplyObject(reply);
	}
	redisFree(context);
}

/* A command in the rig's database. */
void redis_rig_does(const struct redis_rig *rig, const char *format, ...)
{
	redisContext *context = redisConnectUnix(redis_rig_server.socket);
	va_list args;
	freeReplyObject(redisCommand(context, "SELECT %d", rig->database));
	va_start(args, format);
	redisReply *reply = redisvCommand(context, format, args);
	va_end(args);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", format, reply->str);
	freeReplyObject(reply);
	redisFree(context);
}

void redis_rig_put(struct redis_rig *rig, struct hf_bytes key, struct hf_bytes value, int64_t ttl_us)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_put how = {.ttl_us = ttl_us};
	EXPECT_OK(hf_kv_put(rig->kv, key, value, &how, &err));
}

void redis_rig_put_numbered(struct redis_rig *rig, int from, int to, int64_t ttl_us)
{
	hf_error err = HF_ERROR_INIT;
	size_t count = (size_t)(to - from);
	struct hf_kv_write *writes = calloc(count, sizeof(*writes));
	char(*keys)[8] = calloc(count, sizeof(*keys));
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%06u", (unsigned)(from + (int)i) % 1000000);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                                 .key = hf_kv_text(keys[i]),
		                                 .value = hf_kv_text(keys[i]),
		                                 .ttl_us = ttl_us};
	}
	EXPECT_OK(hf_kv_apply(rig->kv, writes, count, NULL, rig->arena, NULL, &err));
	free(writes);
	free(keys);
}

void redis_rig_holds(struct redis_rig *rig, struct hf_bytes key, const char *value)
{
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_get(rig->kv, key, NULL, rig->arena, &entry, &err));
	assert_int_equal(entry.value.len, strlen(value));
	assert_memory_equal(entry.value.ptr, value, strlen(value));
}

uint64_t redis_rig_count(struct redis_rig *rig, const struct hf_kv_range *range)
{
	uint64_t count = 0;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_count(rig->kv, range, &count, &err));
	return count;
}

int redis_rig_start(UNUSED void **state)
{
	redis_fixture_start(&redis_rig_server, NULL);
	return 0;
}

int redis_rig_stop(UNUSED void **state)
{
	redis_fixture_stop(&redis_rig_server);
	return 0;
}
