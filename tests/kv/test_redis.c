/*
 * test_redis.c - the Redis backend on a real server: what the scripts leave there, what they refuse, what the server
 * may say no to. The answers that all backends share are the conformance suite's.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/context.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_watch.h"
#include "redis_fixture.h"
#include "../check.h"

#define B(text) HF_KV_KEY(text)

static struct redis_fixture server;
static int databases;

struct rig {
	hf_context *ctx;
	hf_arena *arena;
	hf_kv *kv;
	int database;
	char url[128];
	char events[1024]; /* "event field=text ..." of what was logged */
};

static void log_event(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                      size_t nfields)
{
	struct rig *rig = user;
	size_t at = strlen(rig->events);
	at += (size_t)snprintf(rig->events + at, sizeof(rig->events) - at, "%d %s", (int)level, event);
	for (size_t i = 0; i < nfields && at < sizeof(rig->events) - 100; i++)
		at += (size_t)snprintf(rig->events + at, sizeof(rig->events) - at, " %s=%.*s%lld", fields[i].name,
		                       (int)fields[i].text.len, fields[i].text.ptr ? fields[i].text.ptr : "",
		                       (long long)fields[i].number);
	snprintf(rig->events + at, sizeof(rig->events) - at, "\n");
}

static enum hf_status open_as(struct rig *rig, const char *url, const struct hf_kv_options *options, hf_error *err)
{
	struct hf_kv_options chosen = options ? *options : (struct hf_kv_options){0};
	chosen.size = sizeof(chosen);
	chosen.sweep_interval_ms = -1;
	chosen.backoff_ms = chosen.backoff_ms ? chosen.backoff_ms : 1;
	chosen.slow_ms = chosen.slow_ms ? chosen.slow_ms : -1;
	return hf_kv_open(rig->ctx, url, &chosen, &rig->kv, err);
}

static void rig_begin(struct rig *rig)
{
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = rig,
	                                     .log = log_event,
	                                     .log_level = HF_LOG_WARN};
	hf_error err = HF_ERROR_INIT;
	*rig = (struct rig){.database = databases++};
	snprintf(rig->url, sizeof(rig->url), "%s?db=%d", server.url, rig->database);
	EXPECT_OK(hf_context_new(&options, &rig->ctx, &err));
	rig->arena = hf_arena_new(0);
	assert_non_null(rig->arena);
}

static int begin(void **state)
{
	struct rig *rig = malloc(sizeof(*rig));
	hf_error err = HF_ERROR_INIT;
	assert_non_null(rig);
	rig_begin(rig);
	EXPECT_OK(open_as(rig, rig->url, NULL, &err));
	*state = rig;
	return 0;
}

static int end(void **state)
{
	struct rig *rig = *state;
	hf_kv_close(rig->kv);
	hf_arena_free(rig->arena);
	hf_context_free(rig->ctx);
	free(rig);
	return 0;
}

/* The three keys of a namespace agree: every record is in the order, every expiry is that of a record. Beside the
 * records lies the state. */
static void check_whole(const struct rig *rig, const char *name, long long entries, long long expiring)
{
	redisContext *context = redisConnectUnix(server.socket);
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
static void server_does(const struct rig *rig, const char *format, ...)
{
	redisContext *context = redisConnectUnix(server.socket);
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

static void put(struct rig *rig, struct hf_bytes key, struct hf_bytes value, int64_t ttl_us)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_put how = {.ttl_us = ttl_us};
	EXPECT_OK(hf_kv_put(rig->kv, key, value, &how, &err));
}

static void holds_value(struct rig *rig, struct hf_bytes key, const char *value)
{
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_get(rig->kv, key, NULL, rig->arena, &entry, &err));
	assert_int_equal(entry.value.len, strlen(value));
	assert_memory_equal(entry.value.ptr, value, strlen(value));
}

static uint64_t count_of(struct rig *rig, const struct hf_kv_range *range)
{
	uint64_t count = 0;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_count(rig->kv, range, &count, &err));
	return count;
}

/* ---- what is stored ---- */

static void test_the_keys_change_together(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	put(rig, B("a"), B("1"), 0);
	put(rig, B("b"), B("2"), 60000000);
	check_whole(rig, "default", 2, 1);
	put(rig, B("a"), B("3"), 60000000);
	check_whole(rig, "default", 2, 2);
	put(rig, B("b"), B("4"), 0);
	check_whole(rig, "default", 2, 1);
	EXPECT_OK(hf_kv_persist(rig->kv, B("a"), NULL, &err));
	check_whole(rig, "default", 2, 0);
	EXPECT_OK(hf_kv_touch(rig->kv, B("a"), 60000000, NULL, &err));
	check_whole(rig, "default", 2, 1);
	EXPECT_OK(hf_kv_delete(rig->kv, B("a"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_delete(rig->kv, B("c"), NULL, NULL, &err));
	check_whole(rig, "default", 1, 0);
	holds_value(rig, B("b"), "4");
}

static void test_nothing_that_is_ours_has_a_ttl_of_redis(void **state)
{
	struct rig *rig = *state;
	put(rig, B("a"), B("1"), 60000000);
	redisReply *info = redis_fixture_ask(&server, "INFO keyspace");
	char wanted[32];
	snprintf(wanted, sizeof(wanted), "db%d:keys=4,expires=0", rig->database);
	EXPECT_CONTAINS(info->str, wanted); /* the three, and the list of namespaces */
	freeReplyObject(info);
}

static void test_a_long_value_is_not_torn(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	size_t size = (20 << 20) + 13;
	uint8_t *value = malloc(size);
	for (size_t i = 0; i < size; i++)
		value[i] = (uint8_t)(i * 2654435761u >> 13);
	struct hf_kv_put how = {.metadata = HF_STR("{\"a\":[1,2]}")};
	EXPECT_OK(hf_kv_put(rig->kv, B("big"), (struct hf_bytes){value, size}, &how, &err));
	EXPECT_OK(hf_kv_get(rig->kv, B("big"), NULL, rig->arena, &entry, &err));
	assert_int_equal(entry.value.len, size);
	assert_memory_equal(entry.value.ptr, value, size);
	assert_string_equal(entry.metadata.ptr, "{\"a\":[1,2]}");
	assert_int_equal(entry.key.len, 3);
	free(value);
}

static void test_a_refused_batch_leaves_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = B("new"), .value = B("v")},
		{.op = HF_KV_DELETE, .key = B("old")},
		{.op = HF_KV_ADD, .key = B("old"), .delta = 1},
		{.op = HF_KV_PUT, .key = B("new"), .value = B("w"), .flags = HF_KV_IF_ABSENT},
		{.op = HF_KV_APPEND, .key = B("text"), .value = B("+")},
		{.op = HF_KV_ADD, .key = B("text"), .delta = 1},
	};
	struct hf_kv_result results[ARRAY_LEN(writes)];
	put(rig, B("old"), B("x"), 60000000);
	put(rig, B("text"), B("x"), 0);
	EXPECT_STATUS(hf_kv_apply(rig->kv, writes, ARRAY_LEN(writes), NULL, rig->arena, results, &err), HF_CONFLICT);
	static const enum hf_kv_outcome want[] = {HF_KV_UNDONE, HF_KV_UNDONE, HF_KV_UNDONE,
	                                          HF_KV_EXISTS, HF_KV_UNDONE, HF_KV_NO_NUMBER};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(hf_kv_outcome_word(results[i].outcome), hf_kv_outcome_word(want[i]));
	check_whole(rig, "default", 2, 1);
	holds_value(rig, B("old"), "x");
	holds_value(rig, B("text"), "x");
	EXPECT_OK(hf_kv_apply(rig->kv, writes, 3, NULL, rig->arena, results, &err));
	assert_int_equal(results[2].number, 1);
	assert_true(results[2].rev > results[0].rev);
	check_whole(rig, "default", 3, 0);
}

static void test_sums_are_those_of_c(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 1;
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < 400; i++) {
		int64_t parts[2], sum, got = -1;
		char text[24];
		for (int k = 0; k < 2; k++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			parts[k] = (int64_t)(seed ^ seed >> 29) >> (seed >> 40) % 64;
		}
		int n = snprintf(text, sizeof(text), "%lld", (long long)parts[0]);
		put(rig, B("n"), (struct hf_bytes){(const uint8_t *)text, (size_t)n}, 0);
		bool over = __builtin_add_overflow(parts[0], parts[1], &sum);
		enum hf_status status = hf_kv_increment(rig->kv, B("n"), parts[1], NULL, &got, &err);
		if (status != (over ? HF_CONFLICT : HF_OK) || (!over && got != sum))
			fail_msg("%lld + %lld: %s, %lld", (long long)parts[0], (long long)parts[1],
			         hf_status_word(status), (long long)got);
		snprintf(text, sizeof(text), "%lld", (long long)(over ? parts[0] : sum));
		holds_value(rig, B("n"), text);
	}
}

/* ---- expiry ---- */

static void test_what_expired_stays_until_swept_and_counts_nowhere(void **state)
{
	struct rig *rig = *state;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_range range = {.from = B("a"), .to = B("c")};
	put(rig, B("a"), B("1"), 20000);
	put(rig, B("b"), B("2"), 0);
	put(rig, B("c"), B("3"), 20000);
	put(rig, B("d"), B("4"), 20000);
	usleep(25000);
	check_whole(rig, "default", 4, 3);
	assert_int_equal(count_of(rig, NULL), 1);
	assert_int_equal(count_of(rig, &range), 1);
	put(rig, B("d"), B("5"), 0);
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 2);
	check_whole(rig, "default", 2, 0);
	holds_value(rig, B("d"), "5");
}

static void put_numbered(struct rig *rig, int from, int to, int64_t ttl_us)
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

static enum hf_status check_next(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	int *next = user;
	char want[16];
	snprintf(want, sizeof(want), "k%06d", *next);
	assert_int_equal(entry->key.len, 7);
	assert_memory_equal(entry->key.ptr, want, 7);
	assert_memory_equal(entry->value.ptr, want, 7);
	*next += *next < 500000 ? 1 : -1;
	return HF_OK;
}

static void test_ranges_over_many_pages(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int next = 0;
	put_numbered(rig, 0, 3500, 0);
	put_numbered(rig, 600000, 602500, 0);
	const struct hf_kv_range low = {.to = B("k5")};
	EXPECT_OK(hf_kv_scan(rig->kv, &low, check_next, &next, &err));
	assert_int_equal(next, 3500);
	const struct hf_kv_range high = {.prefix = B("k6"), .reverse = true};
	next = 602499;
	EXPECT_OK(hf_kv_scan(rig->kv, &high, check_next, &next, &err));
	assert_int_equal(next, 599999);
	const struct hf_kv_range some = {.from = B("k000100"), .limit = 1700};
	next = 100;
	EXPECT_OK(hf_kv_scan(rig->kv, &some, check_next, &next, &err));
	assert_int_equal(next, 1800);
	assert_int_equal(count_of(rig, &high), 2500);
	assert_int_equal(count_of(rig, NULL), 6000);
}

static void test_counts_among_many_expired(void **state)
{
	struct rig *rig = *state;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	put_numbered(rig, 0, 2000, 0);
	put_numbered(rig, 2000, 2100, 1000);
	usleep(3000);
	const struct hf_kv_range range = {.from = B("k001950"), .to = B("k002050")};
	assert_int_equal(count_of(rig, &range), 50);
	put_numbered(rig, 2100, 4000, 1000);
	usleep(3000);
	assert_int_equal(count_of(rig, &range), 50);
	assert_int_equal(count_of(rig, NULL), 2000);
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 2000);
	check_whole(rig, "default", 2000, 0);
}

static void test_a_page_is_bounded_in_bytes(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry *entries;
	size_t count;
	static uint8_t value[3 << 20];
	for (int i = 0; i < 6; i++)
		put(rig, (struct hf_bytes){(const uint8_t *)"abcdef" + i, 1}, (struct hf_bytes){value, sizeof(value)},
		    0);
	EXPECT_OK(hf_kv_list(rig->kv, NULL, rig->arena, &entries, &count, &err));
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(entries[i].value.len, sizeof(value));
}

/* ---- namespaces ---- */

static void test_namespaces_are_apart_whatever_their_names(void **state)
{
	struct rig *rig = *state;
	static const char *const names[] = {"a", "a}", "a}:records", "a%7D", "{", "a}:records}", "\xc3\xa4 b"};
	hf_kv *kvs[ARRAY_LEN(names)];
	hf_error err = HF_ERROR_INIT;
	uint64_t removed, count;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		EXPECT_OK(hf_kv_namespace(rig->kv, names[i], &kvs[i], &err));
		EXPECT_OK(hf_kv_put(kvs[i], B("k"), hf_kv_text(names[i]), NULL, &err));
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct hf_kv_entry entry;
		EXPECT_OK(hf_kv_get(kvs[i], B("k"), NULL, rig->arena, &entry, &err));
		assert_string_equal(entry.value.ptr, names[i]);
	}
	check_whole(rig, "a%7D", 1, 0);
	EXPECT_OK(hf_kv_clear(kvs[0], NULL, &removed, &err));
	assert_int_equal(removed, 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		EXPECT_OK(hf_kv_count(kvs[i], NULL, &count, &err));
		assert_int_equal(count, i > 0);
		hf_kv_close(kvs[i]);
	}
}

static void test_clear_counts_the_living_and_revisions_go_on(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	int64_t before = 0, after = 0;
	struct hf_kv_put how = {.ret_rev = &before};
	put(rig, B("a"), B("1"), 1000);
	EXPECT_OK(hf_kv_put(rig->kv, B("b"), B("2"), &how, &err));
	usleep(3000);
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	assert_int_equal(removed, 1);
	check_whole(rig, "default", 0, 0);
	how.ret_rev = &after;
	EXPECT_OK(hf_kv_put(rig->kv, B("b"), B("2"), &how, &err));
	assert_true(after > before);
}

/* A server that lost everything, or its last seconds: a revision of then is not that of another value now. */
static void test_a_revision_survives_what_the_server_lost(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t before = 0;
	struct hf_kv_put how = {.ret_rev = &before};
	for (int i = 0; i < 50; i++)
		EXPECT_OK(hf_kv_put(rig->kv, B("k"), B("v"), &how, &err));
	server_does(rig, "FLUSHDB");
	put(rig, B("k"), B("w"), 0);
	how = (struct hf_kv_put){.flags = HF_KV_IF_REV, .if_rev = before};
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("x"), &how, &err), HF_CONFLICT);
	struct hf_kv_entry entry;
	EXPECT_OK(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err));
	assert_true(entry.rev > before);
}

static void test_sizes_health_and_estimate(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_sizes empty, filled;
	uint64_t estimate = 99;
	int64_t latency_us = -1;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_sizes(rig->kv, &empty, &err));
	put_numbered(rig, 0, 1000, 0);
	EXPECT_OK(hf_kv_sizes(rig->kv, &filled, &err));
	assert_true(filled.table_bytes > empty.table_bytes + 1000 * 50 && filled.total_bytes > filled.table_bytes);
	EXPECT_OK(hf_kv_count_estimate(rig->kv, &estimate, &err));
	assert_int_equal(estimate, 1000);
	EXPECT_OK(hf_kv_health(rig->kv, HF_DEADLINE_DEFAULT, &latency_us, &err));
	assert_true(latency_us >= 0);
	EXPECT_OK(hf_kv_vacuum(rig->kv, HF_DEADLINE_DEFAULT, &err));
}

/* ---- keys that begin with the byte of the state ---- */

struct told {
	char text[200];
	size_t len;
};

/* "ff ffff 61 " */
static enum hf_status tell_key(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct told *told = user;
	for (size_t i = 0; i < entry->key.len; i++)
		told->len += (size_t)snprintf(told->text + told->len, sizeof(told->text) - told->len, "%02x",
		                              entry->key.ptr[i]);
	told->text[told->len++] = ' ';
	return HF_OK;
}

static void expect_keys(struct rig *rig, struct hf_kv_range range, uint64_t count, const char *want)
{
	struct told told = {.len = 0};
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_scan(rig->kv, &range, tell_key, &told, &err));
	assert_string_equal(told.text, want);
	assert_int_equal(count_of(rig, &range), count);
}

static void test_keys_that_begin_with_ff(void **state)
{
	struct rig *rig = *state;
	const struct hf_bytes keys[] = {B("\xff"),
	                                B("\xff\xff"),
	                                B("\xff\xff\xff"),
	                                B("\xff"
	                                  "a"),
	                                B("a\xff"),
	                                B("")};
	struct hf_kv_entry entries[ARRAY_LEN(keys)];
	struct hf_kv_checkpoint point;
	struct told told = {.len = 0};
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		put(rig, keys[i], keys[i], i % 2 ? 60000000 : 0);
	check_whole(rig, "default", ARRAY_LEN(keys), 3);
	EXPECT_OK(hf_kv_get_many(rig->kv, keys, ARRAY_LEN(keys), NULL, rig->arena, entries, &err));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(entries[i].value.len, keys[i].len);
	expect_keys(rig, (struct hf_kv_range){0}, 6, " 61ff ff ff61 ffff ffffff ");
	expect_keys(rig, (struct hf_kv_range){.reverse = true}, 6, "ffffff ffff ff61 ff 61ff  ");
	expect_keys(rig, (struct hf_kv_range){.prefix = B("\xff")}, 4, "ff ff61 ffff ffffff ");
	expect_keys(rig, (struct hf_kv_range){.prefix = B("\xff\xff")}, 2, "ffff ffffff ");
	expect_keys(rig, (struct hf_kv_range){.to = B("\xff")}, 2, " 61ff ");
	expect_keys(rig, (struct hf_kv_range){.after = B("\xff"), .limit = 2}, 3, "ff61 ffff ");
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	assert_int_equal(point.row_count, 6);
	assert_int_equal(point.data_size, 2 * (1 + 2 + 3 + 2 + 2));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		EXPECT_OK(hf_kv_delete(rig->kv, keys[i], NULL, NULL, &err));
	check_whole(rig, "default", 0, 0);
	EXPECT_OK(hf_kv_scan_at(rig->kv, &point.id, NULL, tell_key, &told, &err));
	assert_string_equal(told.text, " 61ff ff ff61 ffff ffffff ");
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &point.id, NULL, NULL, &err));
	check_whole(rig, "default", ARRAY_LEN(keys), 3);
	expect_keys(rig, (struct hf_kv_range){0}, 6, " 61ff ff ff61 ffff ffffff ");
}

/* ---- checkpoints ---- */

static long long at_server(struct rig *rig, const char *command, const char *key)
{
	redisContext *context = redisConnectUnix(server.socket);
	freeReplyObject(redisCommand(context, "SELECT %d", rig->database));
	redisReply *reply = redisCommand(context, "%s {holdfast:default}:%s", command, key);
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	long long number = reply->integer;
	freeReplyObject(reply);
	redisFree(context);
	return number;
}

/* Images are kept once a checkpoint, and gone with the last that needs them, in more steps than one. */
static void test_images_come_and_go(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_checkpoint points[2];
	static const char *const kept[] = {"images", "untils", "past", "changed", "points", "epochs"};
	hf_error err = HF_ERROR_INIT;
	put_numbered(rig, 0, 2500, 0);
	assert_int_equal(at_server(rig, "EXISTS", "changed"), 0);
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[i], &err));
		assert_int_equal(points[i].row_count, 2500);
		put_numbered(rig, 0, 2500, 0);
		put_numbered(rig, 0, 2500, 0);
		put(rig, B("k000007"), B("once more"), 0);
	}
	assert_int_equal(at_server(rig, "HLEN", "images"), 5000);
	assert_int_equal(at_server(rig, "ZCARD", "past"), 2500);
	assert_int_equal(at_server(rig, "ZCARD", "changed"), 2500);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &points[0].id, &err));
	assert_int_equal(at_server(rig, "HLEN", "images"), 2500);
	EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, &points[1].id, rig->arena, &points[0], &err));
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &points[1].id, &err));
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_int_equal(at_server(rig, "EXISTS", kept[i]), 0);
	put_numbered(rig, 0, 10, 0);
	assert_int_equal(at_server(rig, "EXISTS", "changed"), 0);
}

/* What one script may do is bounded; what is refused changes nothing. */
static void test_too_much_for_one_script(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_checkpoint point;
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	put_numbered(rig, 0, 100001, 0);
	EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &point.id, NULL, NULL, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "more than 100,000 entries");
	EXPECT_STATUS(hf_kv_clear(rig->kv, NULL, NULL, &err), HF_E_LIMIT);
	assert_int_equal(count_of(rig, NULL), 100001);
	EXPECT_OK(hf_kv_checkpoint_list(rig->kv, rig->arena, &points, &count, &err));
	assert_int_equal(count, 1);
	hf_kv *other = NULL;
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	EXPECT_OK(hf_kv_checkpoint_create(other, NULL, rig->arena, &point, &err));
	EXPECT_STATUS(hf_kv_copy(rig->kv, other, NULL, NULL, &err), HF_E_LIMIT);
	hf_kv_close(other);
	server_does(rig, "EVAL %s 0", "return #redis.call('KEYS', '*:load:*') == 0 or error('something stays aside')");
	EXPECT_OK(hf_kv_delete(rig->kv, B("k000000"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, NULL, &err));
	assert_int_equal(count_of(rig, NULL), 0);
}

/* ---- what the server refuses, and what others did to our keys ---- */

static enum hf_status count_told(struct rig *rig, hf_kv *kv, hf_kv_watch *watch, const char *key)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_event event;
	EXPECT_OK(hf_kv_put(kv, hf_kv_text(key), B("v"), NULL, &err));
	enum hf_status status = hf_kv_watch_next(watch, hf_deadline_in(rig->ctx, 20000), &event, &err);
	assert_true(status != HF_OK || (event.key.len == 1 && event.key.ptr[0] == (uint8_t)*key));
	return status;
}

#define STATE_IS                                                                                                     \
	"EVAL %s 0 %s", "return #redis.call('HGET', '{holdfast:default}:records', '\\255') == tonumber(ARGV[1]) or " \
	                "error('another state')"

/* Who puts has seen that there is no feed; another turns one on. Nothing of what follows may be missing in it. */
static void test_a_feed_that_another_turned_on(void **state)
{
	struct rig *rig = *state, other = *rig;
	hf_error err = HF_ERROR_INIT;
	hf_kv_watch *watch = NULL;
	const struct hf_kv_watch_options options = {.size = sizeof(options)};
	EXPECT_OK(open_as(&other, rig->url, NULL, &err));
	for (int i = 0; i < 2; i++) {
		for (int n = 0; n < 3; n++)
			EXPECT_OK(hf_kv_put(rig->kv, B("k"), B("v"), NULL, &err));
		server_does(rig, STATE_IS, "17");
		EXPECT_OK(hf_kv_feed_on(other.kv, NULL, &err));
		EXPECT_OK(hf_kv_watch_open(other.kv, &options, &watch, &err));
		server_does(rig, STATE_IS, "16");
		EXPECT_OK(count_told(rig, rig->kv, watch, "a"));
		EXPECT_OK(count_told(rig, other.kv, watch, "b"));
		EXPECT_OK(count_told(rig, rig->kv, watch, "c"));
		server_does(rig, STATE_IS, "16");
		hf_kv_watch_close(watch);
		EXPECT_OK(hf_kv_feed_off(other.kv, &err));
	}
	hf_kv_close(other.kv);
}

static void test_scripts_come_back_after_a_flush(void **state)
{
	struct rig *rig = *state;
	put(rig, B("k"), B("1"), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(redis_fixture_number(&server, "SCRIPT FLUSH") >= 0);
		put(rig, B("k"), B("2"), 0);
		assert_true(redis_fixture_number(&server, "SCRIPT FLUSH") >= 0);
		assert_int_equal(count_of(rig, NULL), 1);
	}
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	assert_int_equal(stats.failures, 0);
}

static void test_keys_of_others_are_not_taken(void **state)
{
	struct rig *rig = *state;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"records", "order", "expiry",  "locks",  "images",
	                                   "untils",  "past",  "changed", "points", "epochs"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char name[8] = "n0";
		name[1] = (char)('0' + i);
		server_does(rig, "LPUSH {holdfast:%s}:%s x", name, keys[i]);
		EXPECT_STATUS(hf_kv_namespace(rig->kv, name, &kv, &err), HF_CONFLICT);
		EXPECT_CONTAINS(err.message, keys[i]);
	}
}

static void test_a_key_that_became_another_is_corrupt_and_nothing_is_written(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"order", "expiry", "records"};
	const struct hf_kv_put expiring = {.ttl_us = 60000000};
	const struct hf_bytes names[] = {B("k"), B("new")};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		put(rig, B("k"), B("1"), 60000000);
		server_does(rig, "RENAME {holdfast:default}:%s kept", keys[i]);
		server_does(rig, "LPUSH {holdfast:default}:%s x", keys[i]);
		EXPECT_STATUS(hf_kv_put(rig->kv, B("new"), B("2"), &expiring, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_put_many(rig->kv, names, names, 2, NULL, &err), HF_E_CORRUPT);
		server_does(rig, "RENAME kept {holdfast:default}:%s", keys[i]);
		check_whole(rig, "default", 1, 1);
	}
	server_does(rig, "HSET {holdfast:default}:records k nonsense");
	EXPECT_STATUS(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("2"), NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, check_next, NULL, &err), HF_E_CORRUPT);
}

/* Packed by the client, kept so by the server, which is asked for it by other clients too. */
static void test_a_packed_value_that_was_damaged_is_corrupt(void **state)
{
	static const char damage[] =
		"local key = '{holdfast:default}:records' local raw = redis.call('HGET', key, 'k') "
		"if string.byte(raw) ~= 4 or #raw > 100 then return redis.error_reply('not packed') end "
		"return redis.call('HSET', key, 'k', string.sub(raw, 1, -2) .. "
		"string.char((string.byte(raw, -1) + 1) % 256))";
	static uint8_t value[5000];
	struct rig *rig = *state;
	const struct hf_bytes many = {value, sizeof(value)};
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	put(rig, B("k"), many, 0);
	server_does(rig, "EVAL %s 0", damage);
	EXPECT_STATUS(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "could not unpack a value");
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, check_next, NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_append(rig->kv, B("k"), B("x"), NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_compare_and_set(rig->kv, B("k"), many, B("x"), NULL, &err), HF_E_CORRUPT);
	put(rig, B("k"), many, 0);
	EXPECT_OK(hf_kv_append(rig->kv, B("k"), B("x"), NULL, &err));
}

static void test_history_that_became_another_is_corrupt_and_nothing_is_written(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_checkpoint points[5];
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"images", "untils", "past", "changed"};
	put(rig, B("k"), B("1"), 0);
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[4], &err));
	put(rig, B("k"), B("2"), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[i], &err));
		server_does(rig, "RENAME {holdfast:default}:%s kept", keys[i]);
		server_does(rig, "LPUSH {holdfast:default}:%s x", keys[i]);
		EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("3"), NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_delete(rig->kv, B("k"), NULL, NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_clear(rig->kv, NULL, NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &points[4].id, NULL, NULL, &err), HF_E_CORRUPT);
		server_does(rig, "RENAME kept {holdfast:default}:%s", keys[i]);
		holds_value(rig, B("k"), "2");
	}
	server_does(rig, "DEL {holdfast:default}:images");
	EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &points[4].id, NULL, NULL, &err), HF_E_CORRUPT);
	holds_value(rig, B("k"), "2");
	server_does(rig, "HSET {holdfast:default}:points 0123456789abcdef short");
	server_does(rig, "ZADD {holdfast:default}:epochs 99 0123456789abcdef");
	struct hf_kv_checkpoint *listed;
	size_t count;
	EXPECT_STATUS(hf_kv_checkpoint_list(rig->kv, rig->arena, &listed, &count, &err), HF_E_CORRUPT);
}

static void test_what_was_evicted_is_noticed(void **state)
{
	struct rig *rig = *state;
	uint64_t count;
	hf_error err = HF_ERROR_INIT;
	put(rig, B("k"), B("1"), 0);
	server_does(rig, "DEL {holdfast:default}:order");
	EXPECT_STATUS(hf_kv_count(rig->kv, NULL, &count, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.hint, "evict");
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, NULL, &err));
	assert_int_equal(count_of(rig, NULL), 0);
	put(rig, B("k"), B("1"), 0);
	server_does(rig, "DEL {holdfast:default}:records");
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, check_next, NULL, &err), HF_E_CORRUPT);
}

static enum hf_status lose_order(void *user, UNUSED uint64_t entries, UNUSED hf_error *err)
{
	server_does(user, "EVAL %s 0",
	            "for _, key in ipairs(redis.call('KEYS', '*:order:load:*')) do redis.call('DEL', key) end");
	return HF_OK;
}

/* What is put aside has a time to live, and goes first where a server evicts. */
static void test_what_was_evicted_during_a_load_is_noticed(void **state)
{
	struct rig *rig = *state;
	const struct hf_kv_import how = {.progress = lose_order, .user = rig};
	hf_kv *other = NULL;
	uint64_t count = 99;
	hf_error err = HF_ERROR_INIT;
	put_numbered(rig, 0, 11000, 0);
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	EXPECT_STATUS(hf_kv_copy(rig->kv, other, &how, NULL, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "is gone");
	EXPECT_OK(hf_kv_count(other, NULL, &count, &err));
	assert_int_equal(count, 0);
	hf_kv_close(other);
}

static void test_a_full_server_takes_nothing_in_part(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_DELETE, .key = B("old")},
		{.op = HF_KV_PUT, .key = B("new"), .value = B("v")},
	};
	put(rig, B("old"), B("x"), 0);
	server_does(rig, "CONFIG SET maxmemory 1");
	enum hf_status status = hf_kv_apply(rig->kv, writes, 2, NULL, rig->arena, NULL, &err);
	hf_error full = err;
	enum hf_status freed = hf_kv_delete(rig->kv, B("gone"), NULL, NULL, &err);
	struct hf_kv_entry entry;
	enum hf_status read = hf_kv_get(rig->kv, B("old"), NULL, rig->arena, &entry, &err);
	server_does(rig, "CONFIG SET maxmemory 0");
	EXPECT_STATUS(status, HF_E_LIMIT);
	assert_int_equal(full.category, HF_CATEGORY_RESOURCE);
	EXPECT_STATUS(freed, HF_OK);
	EXPECT_STATUS(read, HF_OK);
	check_whole(rig, "default", 1, 0);
	holds_value(rig, B("old"), "x");
}

static void test_who_may_not_is_told_so(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char url[200];
	static const struct {
		const char *user;
		enum hf_status want;
	} cases[] = {{"", HF_E_DENIED},   {":wrong-SECRET@", HF_E_DENIED}, {"who:SECRET@", HF_E_DENIED},
	             {":SECRET@", HF_OK}, {"reader:READER@", HF_OK},       {"mute:MUTE@", HF_E_DENIED}};
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	server_does(rig, "ACL SETUSER reader on >READER ~* +@read +@scripting +@connection +time +info +config|get");
	server_does(rig, "ACL SETUSER mute on >MUTE +ping");
	server_does(rig, "CONFIG SET requirepass SECRET");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(url, sizeof(url), "redis+unix://%s%s?db=%d", cases[i].user, server.socket, rig->database);
		enum hf_status status = open_as(rig, url, NULL, &err);
		if (status != cases[i].want)
			print_error("as \"%s\": %s\n", cases[i].user, err.message);
		assert_string_equal(hf_status_word(status), hf_status_word(cases[i].want));
		assert_null(strstr(err.message, "SECRET"));
		assert_null(strstr(err.detail, "SECRET"));
		if (status == HF_OK && cases[i].user[0] == 'r')
			EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("v"), NULL, &err), HF_E_DENIED);
		if (status == HF_OK)
			hf_kv_close(rig->kv);
		rig->kv = NULL;
	}
	redisContext *context = redisConnectUnix(server.socket);
	freeReplyObject(redisCommand(context, "AUTH SECRET"));
	freeReplyObject(redisCommand(context, "CONFIG SET requirepass %s", ""));
	freeReplyObject(redisCommand(context, "ACL DELUSER reader mute"));
	redisFree(context);
}

static void test_a_password_where_none_is_set(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char url[200];
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	snprintf(url, sizeof(url), "redis+unix://:SECRET@%s?db=%d", server.socket, rig->database);
	EXPECT_STATUS(open_as(rig, url, NULL, &err), HF_E_DENIED);
	snprintf(url, sizeof(url), "redis+unix://%s?db=9999", server.socket);
	EXPECT_STATUS(open_as(rig, url, NULL, &err), HF_E_CONFIG);
}

static void test_strict_is_refused_where_the_server_is_not(void **state)
{
	struct rig *rig = *state;
	const struct hf_kv_options relaxed = {.durability = HF_KV_RELAXED};
	const struct hf_kv_put strictly = {.how = {.durability = HF_KV_STRICT, .durability_set = true}};
	hf_error err = HF_ERROR_INIT;
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	server_does(rig, "CONFIG SET appendfsync everysec");
	EXPECT_STATUS(open_as(rig, rig->url, NULL, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "everysec");
	EXPECT_CONTAINS(err.hint, "relaxed");
	EXPECT_OK(open_as(rig, rig->url, &relaxed, &err));
	put(rig, B("k"), B("1"), 0);
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("2"), &strictly, &err), HF_E_UNSUPPORTED);
	holds_value(rig, B("k"), "1");
	server_does(rig, "CONFIG SET appendfsync always");
	hf_kv_close(rig->kv);
	EXPECT_OK(open_as(rig, rig->url, NULL, &err));
}

static void test_a_server_that_forgets_or_evicts_is_told_of(void **state)
{
	struct rig *rig = *state;
	const struct hf_kv_options relaxed = {.durability = HF_KV_RELAXED};
	hf_error err = HF_ERROR_INIT;
	assert_string_equal(rig->events, "");
	hf_kv_close(rig->kv);
	server_does(rig, "CONFIG SET maxmemory-policy allkeys-lru");
	server_does(rig, "CONFIG SET appendonly no");
	EXPECT_OK(open_as(rig, rig->url, &relaxed, &err));
	server_does(rig, "CONFIG SET maxmemory-policy noeviction");
	server_does(rig, "CONFIG SET appendonly yes");
	EXPECT_CONTAINS(rig->events, "1 redis_forgets appendonly=no");
	EXPECT_CONTAINS(rig->events, "1 redis_evicts policy=allkeys-lru");
	assert_ptr_equal(strstr(rig->events, "redis_evicts"), strrchr(rig->events, '_') - strlen("redis"));
}

static void test_a_slow_request_is_told_of(void **state)
{
	struct rig *rig = *state;
	const struct hf_kv_options slow = {.slow_ms = 50};
	hf_error err = HF_ERROR_INIT;
	put(rig, B("k"), B("v"), 0);
	assert_null(strstr(rig->events, "redis_slow"));
	hf_kv_close(rig->kv);
	EXPECT_OK(open_as(rig, rig->url, &slow, &err));
	server_does(rig, "CLIENT PAUSE 60000 WRITE");
	const struct hf_kv_put soon = {.how.deadline = hf_deadline_in(rig->ctx, 100)};
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("secret"), &soon, &err), HF_E_OUTCOME_UNKNOWN);
	server_does(rig, "CLIENT UNPAUSE");
	EXPECT_CONTAINS(rig->events, "1 redis_slow request=write");
	assert_non_null(strstr(rig->events, "outcome=outcome-unknown"));
	assert_null(strstr(rig->events, "secret"));
}

static bool blames(const struct hf_kv_health *health, const char *part)
{
	for (size_t i = 0; i < health->nreasons; i++)
		if (strstr(health->reasons[i], part))
			return true;
	return false;
}

static void test_health_tells_what_the_server_is(void **state)
{
	struct rig *rig = *state;
	const struct hf_kv_options relaxed = {.durability = HF_KV_RELAXED};
	struct hf_kv_health health;
	hf_error err = HF_ERROR_INIT;
	hf_kv_health_report(rig->kv, NULL, &health);
	assert_int_equal(health.state, HF_HEALTHY);
	assert_string_equal(health.eviction, "noeviction");
	assert_string_equal(health.persistence, "log always");
	assert_true(health.used_bytes > 0);
	assert_int_equal(health.room_bytes, HF_KV_UNKNOWN);
	assert_true(health.pool.connections_max > 0 && health.pool.idle > 0);
	hf_kv_close(rig->kv);
	server_does(rig, "CONFIG SET maxmemory-policy allkeys-lru");
	server_does(rig, "CONFIG SET appendonly no");
	server_does(rig, "CONFIG SET maxmemory 1gb");
	EXPECT_OK(open_as(rig, rig->url, &relaxed, &err));
	hf_kv_health_report(rig->kv, NULL, &health);
	server_does(rig, "CONFIG SET maxmemory 0");
	server_does(rig, "CONFIG SET maxmemory-policy noeviction");
	server_does(rig, "CONFIG SET appendonly yes");
	assert_int_equal(health.state, HF_DEGRADED);
	assert_true(blames(&health, "maxmemory-policy is allkeys-lru") && blames(&health, "keeps no log"));
	assert_int_equal(health.room_bytes, 1 << 30);
}

/* It may neither ask for INFO nor look into another namespace, and needs neither. */
static void test_health_blames_nobody_for_what_it_may_not_ask(void **state)
{
	struct rig *rig = *state;
	struct hf_kv_health health;
	hf_error err = HF_ERROR_INIT;
	hf_kv *other = NULL;
	char url[200];
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	hf_kv_close(other);
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	server_does(rig, "ACL SETUSER quiet on >QUIET ~{holdfast:default}:* ~holdfast:* +@read +@write +@scripting "
	                 "+@connection +time +config|get");
	snprintf(url, sizeof(url), "redis+unix://quiet:QUIET@%s?db=%d", server.socket, rig->database);
	EXPECT_OK(open_as(rig, url, NULL, &err));
	put(rig, B("k"), B("v"), 0);
	hf_kv_health_report(rig->kv, NULL, &health);
	server_does(rig, "ACL DELUSER quiet");
	if (health.state != HF_HEALTHY)
		fail_msg("%s", health.reasons[0]);
	assert_int_equal(health.error.status, HF_OK);
	assert_int_equal(health.used_bytes, HF_KV_UNKNOWN);
	assert_int_equal(health.expired_waiting, HF_KV_UNKNOWN);
}

static int group_begin(UNUSED void **state)
{
	redis_fixture_start(&server, NULL);
	return 0;
}

static int group_end(UNUSED void **state)
{
	redis_fixture_stop(&server);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_keys_change_together),
		CASE(test_nothing_that_is_ours_has_a_ttl_of_redis),
		CASE(test_a_long_value_is_not_torn),
		CASE(test_a_refused_batch_leaves_nothing),
		CASE(test_sums_are_those_of_c),
		CASE(test_what_expired_stays_until_swept_and_counts_nowhere),
		CASE(test_ranges_over_many_pages),
		CASE(test_counts_among_many_expired),
		CASE(test_a_page_is_bounded_in_bytes),
		CASE(test_namespaces_are_apart_whatever_their_names),
		CASE(test_clear_counts_the_living_and_revisions_go_on),
		CASE(test_a_revision_survives_what_the_server_lost),
		CASE(test_sizes_health_and_estimate),
		CASE(test_keys_that_begin_with_ff),
		CASE(test_images_come_and_go),
		CASE(test_too_much_for_one_script),
		CASE(test_a_feed_that_another_turned_on),
		CASE(test_scripts_come_back_after_a_flush),
		CASE(test_keys_of_others_are_not_taken),
		CASE(test_a_key_that_became_another_is_corrupt_and_nothing_is_written),
		CASE(test_a_packed_value_that_was_damaged_is_corrupt),
		CASE(test_history_that_became_another_is_corrupt_and_nothing_is_written),
		CASE(test_what_was_evicted_is_noticed),
		CASE(test_what_was_evicted_during_a_load_is_noticed),
		CASE(test_a_full_server_takes_nothing_in_part),
		CASE(test_who_may_not_is_told_so),
		CASE(test_a_password_where_none_is_set),
		CASE(test_strict_is_refused_where_the_server_is_not),
		CASE(test_a_server_that_forgets_or_evicts_is_told_of),
		CASE(test_health_tells_what_the_server_is),
		CASE(test_health_blames_nobody_for_what_it_may_not_ask),
		CASE(test_a_slow_request_is_told_of),
	};
	return cmocka_run_group_tests(tests, group_begin, group_end);
}
