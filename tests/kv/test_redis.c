/*
 * test_redis.c - the Redis backend on a real server: what the scripts leave there. The answers that all backends share
 * are the conformance suite's; what the server refuses is test_redis_refusals.c's.
 */
#include <unistd.h>

#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_health.h"
#include "redis_rig.h"
#include "../check.h"

/* ---- what is stored ---- */

static void test_the_keys_change_together(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put(rig, B("a"), B("1"), 0);
	redis_rig_put(rig, B("b"), B("2"), 60000000);
	redis_rig_check_whole(rig, "default", 2, 1);
	redis_rig_put(rig, B("a"), B("3"), 60000000);
	redis_rig_check_whole(rig, "default", 2, 2);
	redis_rig_put(rig, B("b"), B("4"), 0);
	redis_rig_check_whole(rig, "default", 2, 1);
	EXPECT_OK(hf_kv_persist(rig->kv, B("a"), NULL, &err));
	redis_rig_check_whole(rig, "default", 2, 0);
	EXPECT_OK(hf_kv_touch(rig->kv, B("a"), 60000000, NULL, &err));
	redis_rig_check_whole(rig, "default", 2, 1);
	EXPECT_OK(hf_kv_delete(rig->kv, B("a"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_delete(rig->kv, B("c"), NULL, NULL, &err));
	redis_rig_check_whole(rig, "default", 1, 0);
	redis_rig_holds(rig, B("b"), "4");
}

static void test_nothing_that_is_ours_has_a_ttl_of_redis(void **state)
{
	struct redis_rig *rig = *state;
	redis_rig_put(rig, B("a"), B("1"), 60000000);
	redisReply *info = redis_fixture_ask(&redis_rig_server, "INFO keyspace");
	char wanted[32];
	snprintf(wanted, sizeof(wanted), "db%d:keys=4,expires=0", rig->database);
	EXPECT_CONTAINS(info->str, wanted); /* the three, and the list of namespaces */
	freeReplyObject(info);
}

static void test_a_long_value_is_not_torn(void **state)
{
	struct redis_rig *rig = *state;
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
	struct redis_rig *rig = *state;
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
	redis_rig_put(rig, B("old"), B("x"), 60000000);
	redis_rig_put(rig, B("text"), B("x"), 0);
	EXPECT_STATUS(hf_kv_apply(rig->kv, writes, ARRAY_LEN(writes), NULL, rig->arena, results, &err), HF_CONFLICT);
	static const enum hf_kv_outcome want[] = {HF_KV_UNDONE, HF_KV_UNDONE, HF_KV_UNDONE,
	                                          HF_KV_EXISTS, HF_KV_UNDONE, HF_KV_NO_NUMBER};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(hf_kv_outcome_word(results[i].outcome), hf_kv_outcome_word(want[i]));
	redis_rig_check_whole(rig, "default", 2, 1);
	redis_rig_holds(rig, B("old"), "x");
	redis_rig_holds(rig, B("text"), "x");
	EXPECT_OK(hf_kv_apply(rig->kv, writes, 3, NULL, rig->arena, results, &err));
	assert_int_equal(results[2].number, 1);
	assert_true(results[2].rev > results[0].rev);
	redis_rig_check_whole(rig, "default", 3, 0);
}

static void test_sums_are_those_of_c(void **state)
{
	struct redis_rig *rig = *state;
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
		redis_rig_put(rig, B("n"), (struct hf_bytes){(const uint8_t *)text, (size_t)n}, 0);
		bool over = __builtin_add_overflow(parts[0], parts[1], &sum);
		enum hf_status status = hf_kv_increment(rig->kv, B("n"), parts[1], NULL, &got, &err);
		if (status != (over ? HF_CONFLICT : HF_OK) || (!over && got != sum))
			fail_msg("%lld + %lld: %s, %lld", (long long)parts[0], (long long)parts[1],
			         hf_status_word(status), (long long)got);
		snprintf(text, sizeof(text), "%lld", (long long)(over ? parts[0] : sum));
		redis_rig_holds(rig, B("n"), text);
	}
}

/* ---- expiry ---- */

static void test_what_expired_stays_until_swept_and_counts_nowhere(void **state)
{
	struct redis_rig *rig = *state;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_range range = {.from = B("a"), .to = B("c")};
	redis_rig_put(rig, B("a"), B("1"), 20000);
	redis_rig_put(rig, B("b"), B("2"), 0);
	redis_rig_put(rig, B("c"), B("3"), 20000);
	redis_rig_put(rig, B("d"), B("4"), 20000);
	usleep(25000);
	redis_rig_check_whole(rig, "default", 4, 3);
	assert_int_equal(redis_rig_count(rig, NULL), 1);
	assert_int_equal(redis_rig_count(rig, &range), 1);
	redis_rig_put(rig, B("d"), B("5"), 0);
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 2);
	redis_rig_check_whole(rig, "default", 2, 0);
	redis_rig_holds(rig, B("d"), "5");
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
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int next = 0;
	redis_rig_put_numbered(rig, 0, 3500, 0);
	redis_rig_put_numbered(rig, 600000, 602500, 0);
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
	assert_int_equal(redis_rig_count(rig, &high), 2500);
	assert_int_equal(redis_rig_count(rig, NULL), 6000);
}

static void test_counts_among_many_expired(void **state)
{
	struct redis_rig *rig = *state;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put_numbered(rig, 0, 2000, 0);
	redis_rig_put_numbered(rig, 2000, 2100, 1000);
	usleep(3000);
	const struct hf_kv_range range = {.from = B("k001950"), .to = B("k002050")};
	assert_int_equal(redis_rig_count(rig, &range), 50);
	redis_rig_put_numbered(rig, 2100, 4000, 1000);
	usleep(3000);
	assert_int_equal(redis_rig_count(rig, &range), 50);
	assert_int_equal(redis_rig_count(rig, NULL), 2000);
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 2000);
	redis_rig_check_whole(rig, "default", 2000, 0);
}

static void test_a_page_is_bounded_in_bytes(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry *entries;
	size_t count;
	static uint8_t value[3 << 20];
	for (int i = 0; i < 6; i++)
		redis_rig_put(rig, (struct hf_bytes){(const uint8_t *)"abcdef" + i, 1},
		              (struct hf_bytes){value, sizeof(value)}, 0);
	EXPECT_OK(hf_kv_list(rig->kv, NULL, rig->arena, &entries, &count, &err));
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(entries[i].value.len, sizeof(value));
}

/* ---- namespaces ---- */

static void test_namespaces_are_apart_whatever_their_names(void **state)
{
	struct redis_rig *rig = *state;
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
	redis_rig_check_whole(rig, "a%7D", 1, 0);
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
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	int64_t before = 0, after = 0;
	struct hf_kv_put how = {.ret_rev = &before};
	redis_rig_put(rig, B("a"), B("1"), 1000);
	EXPECT_OK(hf_kv_put(rig->kv, B("b"), B("2"), &how, &err));
	usleep(3000);
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	assert_int_equal(removed, 1);
	redis_rig_check_whole(rig, "default", 0, 0);
	how.ret_rev = &after;
	EXPECT_OK(hf_kv_put(rig->kv, B("b"), B("2"), &how, &err));
	assert_true(after > before);
}

/* A server that lost everything, or its last seconds: a revision of then is not that of another value now. */
static void test_a_revision_survives_what_the_server_lost(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t before = 0;
	struct hf_kv_put how = {.ret_rev = &before};
	for (int i = 0; i < 50; i++)
		EXPECT_OK(hf_kv_put(rig->kv, B("k"), B("v"), &how, &err));
	redis_rig_does(rig, "FLUSHDB");
	redis_rig_put(rig, B("k"), B("w"), 0);
	how = (struct hf_kv_put){.flags = HF_KV_IF_REV, .if_rev = before};
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("x"), &how, &err), HF_CONFLICT);
	struct hf_kv_entry entry;
	EXPECT_OK(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err));
	assert_true(entry.rev > before);
}

static void test_sizes_health_and_estimate(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_sizes empty, filled;
	uint64_t estimate = 99;
	int64_t latency_us = -1;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_sizes(rig->kv, &empty, &err));
	redis_rig_put_numbered(rig, 0, 1000, 0);
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

static void expect_keys(struct redis_rig *rig, struct hf_kv_range range, uint64_t count, const char *want)
{
	struct told told = {.len = 0};
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_scan(rig->kv, &range, tell_key, &told, &err));
	assert_string_equal(told.text, want);
	assert_int_equal(redis_rig_count(rig, &range), count);
}

static void test_keys_that_begin_with_ff(void **state)
{
	struct redis_rig *rig = *state;
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
		redis_rig_put(rig, keys[i], keys[i], i % 2 ? 60000000 : 0);
	redis_rig_check_whole(rig, "default", ARRAY_LEN(keys), 3);
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
	redis_rig_check_whole(rig, "default", 0, 0);
	EXPECT_OK(hf_kv_scan_at(rig->kv, &point.id, NULL, tell_key, &told, &err));
	assert_string_equal(told.text, " 61ff ff ff61 ffff ffffff ");
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &point.id, NULL, NULL, &err));
	redis_rig_check_whole(rig, "default", ARRAY_LEN(keys), 3);
	expect_keys(rig, (struct hf_kv_range){0}, 6, " 61ff ff ff61 ffff ffffff ");
}

/* ---- checkpoints ---- */

static long long at_server(struct redis_rig *rig, const char *command, const char *key)
{
	redisContext *context = redisConnectUnix(redis_rig_server.socket);
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
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint points[2];
	static const char *const kept[] = {"images", "untils", "past", "changed", "points", "epochs"};
	hf_error err = HF_ERROR_INIT;
	redis_rig_put_numbered(rig, 0, 2500, 0);
	assert_int_equal(at_server(rig, "EXISTS", "changed"), 0);
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[i], &err));
		assert_int_equal(points[i].row_count, 2500);
		redis_rig_put_numbered(rig, 0, 2500, 0);
		redis_rig_put_numbered(rig, 0, 2500, 0);
		redis_rig_put(rig, B("k000007"), B("once more"), 0);
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
	redis_rig_put_numbered(rig, 0, 10, 0);
	assert_int_equal(at_server(rig, "EXISTS", "changed"), 0);
}

/* What one script may do is bounded: restoring, clearing and loading more takes several. */
static void test_too_much_for_one_script(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_restored restored;
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	redis_rig_put_numbered(rig, 0, 100001, 0);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &point.id, NULL, &restored, &err));
	assert_int_equal(restored.deleted, 100001);
	assert_int_equal(redis_rig_count(rig, NULL), 0);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &restored.undo, &(struct hf_kv_restore){.no_undo = true}, NULL,
	                                   &err));
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &restored.undo, &err));
	hf_kv *other = NULL;
	uint64_t copied = 0, removed = 0;
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	EXPECT_OK(hf_kv_checkpoint_create(other, NULL, rig->arena, &point, &err));
	EXPECT_OK(hf_kv_copy(rig->kv, other, NULL, NULL, &err));
	EXPECT_OK(hf_kv_count(other, NULL, &copied, &err));
	assert_int_equal(copied, 100001);
	hf_kv_close(other);
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	assert_int_equal(removed, 100001);
	assert_int_equal(redis_rig_count(rig, NULL), 0);
	redis_rig_does(rig, "EVAL %s 0",
	               "return #redis.call('KEYS', '*:load:*') == 0 or error('something stays aside')");
}

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
	};
	return cmocka_run_group_tests(tests, redis_rig_start, redis_rig_stop);
}
