/*
 * test_redis_refusals.c - the Redis backend on a real server: what it refuses, forgets, evicts, may not be asked; what
 * others did to our keys.
 */
#include <signal.h>
#include <unistd.h>

#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_watch.h"
#include "redis_rig.h"
#include "../check.h"

static enum hf_status see_none(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	fail_msg("an entry was given");
	return HF_OK;
}

static enum hf_status count_told(struct redis_rig *rig, hf_kv *kv, hf_kv_watch *watch, const char *key)
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
	struct redis_rig *rig = *state, other = *rig;
	hf_error err = HF_ERROR_INIT;
	hf_kv_watch *watch = NULL;
	const struct hf_kv_watch_options options = {.size = sizeof(options)};
	EXPECT_OK(redis_rig_open(&other, rig->url, NULL, &err));
	for (int i = 0; i < 2; i++) {
		for (int n = 0; n < 3; n++)
			EXPECT_OK(hf_kv_put(rig->kv, B("k"), B("v"), NULL, &err));
		redis_rig_does(rig, STATE_IS, "17");
		EXPECT_OK(hf_kv_feed_on(other.kv, NULL, &err));
		EXPECT_OK(hf_kv_watch_open(other.kv, &options, &watch, &err));
		redis_rig_does(rig, STATE_IS, "16");
		EXPECT_OK(count_told(rig, rig->kv, watch, "a"));
		EXPECT_OK(count_told(rig, other.kv, watch, "b"));
		EXPECT_OK(count_told(rig, rig->kv, watch, "c"));
		redis_rig_does(rig, STATE_IS, "16");
		hf_kv_watch_close(watch);
		EXPECT_OK(hf_kv_feed_off(other.kv, &err));
	}
	hf_kv_close(other.kv);
}

static void test_scripts_come_back_after_a_flush(void **state)
{
	struct redis_rig *rig = *state;
	redis_rig_put(rig, B("k"), B("1"), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(redis_fixture_number(&redis_rig_server, "SCRIPT FLUSH") >= 0);
		redis_rig_put(rig, B("k"), B("2"), 0);
		assert_true(redis_fixture_number(&redis_rig_server, "SCRIPT FLUSH") >= 0);
		assert_int_equal(redis_rig_count(rig, NULL), 1);
	}
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	assert_int_equal(stats.failures, 0);
}

static void test_keys_of_others_are_not_taken(void **state)
{
	struct redis_rig *rig = *state;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"records", "order", "expiry",  "locks",  "images",
	                                   "untils",  "past",  "changed", "points", "epochs"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char name[8] = "n0";
		name[1] = (char)('0' + i);
		redis_rig_does(rig, "LPUSH {holdfast:%s}:%s x", name, keys[i]);
		EXPECT_STATUS(hf_kv_namespace(rig->kv, name, &kv, &err), HF_CONFLICT);
		EXPECT_CONTAINS(err.message, keys[i]);
	}
}

static void test_a_key_that_became_another_is_corrupt_and_nothing_is_written(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"order", "expiry", "records"};
	const struct hf_kv_put expiring = {.ttl_us = 60000000};
	const struct hf_bytes names[] = {B("k"), B("new")};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		redis_rig_put(rig, B("k"), B("1"), 60000000);
		redis_rig_does(rig, "RENAME {holdfast:default}:%s kept", keys[i]);
		redis_rig_does(rig, "LPUSH {holdfast:default}:%s x", keys[i]);
		EXPECT_STATUS(hf_kv_put(rig->kv, B("new"), B("2"), &expiring, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_put_many(rig->kv, names, names, 2, NULL, &err), HF_E_CORRUPT);
		redis_rig_does(rig, "RENAME kept {holdfast:default}:%s", keys[i]);
		redis_rig_check_whole(rig, "default", 1, 1);
	}
	redis_rig_does(rig, "HSET {holdfast:default}:records k nonsense");
	EXPECT_STATUS(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("2"), NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, see_none, NULL, &err), HF_E_CORRUPT);
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
	struct redis_rig *rig = *state;
	const struct hf_bytes many = {value, sizeof(value)};
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put(rig, B("k"), many, 0);
	redis_rig_does(rig, "EVAL %s 0", damage);
	EXPECT_STATUS(hf_kv_get(rig->kv, B("k"), NULL, rig->arena, &entry, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "could not unpack a value");
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, see_none, NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_append(rig->kv, B("k"), B("x"), NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_compare_and_set(rig->kv, B("k"), many, B("x"), NULL, &err), HF_E_CORRUPT);
	redis_rig_put(rig, B("k"), many, 0);
	EXPECT_OK(hf_kv_append(rig->kv, B("k"), B("x"), NULL, &err));
}

static void test_history_that_became_another_is_corrupt_and_nothing_is_written(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint points[5];
	hf_error err = HF_ERROR_INIT;
	static const char *const keys[] = {"images", "untils", "past", "changed"};
	redis_rig_put(rig, B("k"), B("1"), 0);
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[4], &err));
	redis_rig_put(rig, B("k"), B("2"), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[i], &err));
		redis_rig_does(rig, "RENAME {holdfast:default}:%s kept", keys[i]);
		redis_rig_does(rig, "LPUSH {holdfast:default}:%s x", keys[i]);
		EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("3"), NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_delete(rig->kv, B("k"), NULL, NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_clear(rig->kv, NULL, NULL, &err), HF_E_CORRUPT);
		EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &points[4].id, NULL, NULL, &err), HF_E_CORRUPT);
		redis_rig_does(rig, "RENAME kept {holdfast:default}:%s", keys[i]);
		redis_rig_holds(rig, B("k"), "2");
	}
	redis_rig_does(rig, "DEL {holdfast:default}:images");
	EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &points[4].id, NULL, NULL, &err), HF_E_CORRUPT);
	redis_rig_holds(rig, B("k"), "2");
	redis_rig_does(rig, "HSET {holdfast:default}:points 0123456789abcdef short");
	redis_rig_does(rig, "ZADD {holdfast:default}:epochs 99 0123456789abcdef");
	struct hf_kv_checkpoint *listed;
	size_t count;
	EXPECT_STATUS(hf_kv_checkpoint_list(rig->kv, rig->arena, &listed, &count, &err), HF_E_CORRUPT);
}

static void test_what_was_evicted_is_noticed(void **state)
{
	struct redis_rig *rig = *state;
	uint64_t count;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put(rig, B("k"), B("1"), 0);
	redis_rig_does(rig, "DEL {holdfast:default}:order");
	EXPECT_STATUS(hf_kv_count(rig->kv, NULL, &count, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.hint, "evict");
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, NULL, &err));
	assert_int_equal(redis_rig_count(rig, NULL), 0);
	redis_rig_put(rig, B("k"), B("1"), 0);
	redis_rig_does(rig, "DEL {holdfast:default}:records");
	EXPECT_STATUS(hf_kv_scan(rig->kv, NULL, see_none, NULL, &err), HF_E_CORRUPT);
}

struct losing {
	struct redis_rig *rig;
	const char *which;
};

static enum hf_status lose(void *user, UNUSED uint64_t entries, UNUSED hf_error *err)
{
	const struct losing *losing = user;
	redis_rig_does(losing->rig, "EVAL %s 0 *:%s:load:*",
	               "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end",
	               losing->which);
	return HF_OK;
}

/* What is put aside has a time to live, and goes first where a server evicts. */
static void test_what_was_evicted_during_a_load_is_noticed(void **state)
{
	static const char *const which[] = {"records", "order", "expiry"};
	struct redis_rig *rig = *state;
	hf_kv *other = NULL;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put_numbered(rig, 0, 11000, INT64_C(3600000000));
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		struct losing losing = {rig, which[i]};
		const struct hf_kv_import how = {.progress = lose, .user = &losing};
		uint64_t count = 99;
		EXPECT_STATUS(hf_kv_copy(rig->kv, other, &how, NULL, &err), HF_E_UNAVAILABLE);
		EXPECT_CONTAINS(err.message, "is gone");
		EXPECT_OK(hf_kv_count(other, NULL, &count, &err));
		assert_int_equal(count, 0);
	}
	hf_kv_close(other);
}

static void test_a_full_server_takes_nothing_in_part(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_DELETE, .key = B("old")},
		{.op = HF_KV_PUT, .key = B("new"), .value = B("v")},
	};
	redis_rig_put(rig, B("old"), B("x"), 0);
	redis_rig_does(rig, "CONFIG SET maxmemory 1");
	enum hf_status status = hf_kv_apply(rig->kv, writes, 2, NULL, rig->arena, NULL, &err);
	hf_error full = err;
	enum hf_status freed = hf_kv_delete(rig->kv, B("gone"), NULL, NULL, &err);
	struct hf_kv_entry entry;
	enum hf_status read = hf_kv_get(rig->kv, B("old"), NULL, rig->arena, &entry, &err);
	redis_rig_does(rig, "CONFIG SET maxmemory 0");
	EXPECT_STATUS(status, HF_E_LIMIT);
	assert_int_equal(full.category, HF_CATEGORY_RESOURCE);
	EXPECT_STATUS(freed, HF_OK);
	EXPECT_STATUS(read, HF_OK);
	redis_rig_check_whole(rig, "default", 1, 0);
	redis_rig_holds(rig, B("old"), "x");
}

static void test_who_may_not_is_told_so(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char url[200];
	static const struct {
		const char *user;
		enum hf_status want;
	} cases[] = {{"", HF_E_DENIED},   {":wrong-SECRET@", HF_E_DENIED}, {"who:SECRET@", HF_E_DENIED},
	             {":SECRET@", HF_OK}, {"reader:READER@", HF_OK},       {"mute:MUTE@", HF_E_DENIED}};
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	redis_rig_does(rig, "ACL SETUSER reader on >READER ~* +@read +@scripting +@connection +time +info +config|get");
	redis_rig_does(rig, "ACL SETUSER mute on >MUTE +ping");
	redis_rig_does(rig, "CONFIG SET requirepass SECRET");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(url, sizeof(url), "redis+unix://%s%s?db=%d", cases[i].user, redis_rig_server.socket,
		         rig->database);
		enum hf_status status = redis_rig_open(rig, url, NULL, &err);
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
	redisContext *context = redisConnectUnix(redis_rig_server.socket);
	freeReplyObject(redisCommand(context, "AUTH SECRET"));
	freeReplyObject(redisCommand(context, "CONFIG SET requirepass %s", ""));
	freeReplyObject(redisCommand(context, "ACL DELUSER reader mute"));
	redisFree(context);
}

static void test_a_password_where_none_is_set(void **state)
{
	struct redis_rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char url[200];
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	snprintf(url, sizeof(url), "redis+unix://:SECRET@%s?db=%d", redis_rig_server.socket, rig->database);
	EXPECT_STATUS(redis_rig_open(rig, url, NULL, &err), HF_E_DENIED);
	snprintf(url, sizeof(url), "redis+unix://%s?db=9999", redis_rig_server.socket);
	EXPECT_STATUS(redis_rig_open(rig, url, NULL, &err), HF_E_CONFIG);
}

static void test_strict_is_refused_where_the_server_is_not(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_options relaxed = {.durability = HF_KV_RELAXED};
	const struct hf_kv_put strictly = {.how = {.durability = HF_KV_STRICT, .durability_set = true}};
	hf_error err = HF_ERROR_INIT;
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	redis_rig_does(rig, "CONFIG SET appendfsync everysec");
	EXPECT_STATUS(redis_rig_open(rig, rig->url, NULL, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "everysec");
	EXPECT_CONTAINS(err.hint, "relaxed");
	EXPECT_OK(redis_rig_open(rig, rig->url, &relaxed, &err));
	redis_rig_put(rig, B("k"), B("1"), 0);
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("2"), &strictly, &err), HF_E_UNSUPPORTED);
	redis_rig_holds(rig, B("k"), "1");
	redis_rig_does(rig, "CONFIG SET appendfsync always");
	hf_kv_close(rig->kv);
	EXPECT_OK(redis_rig_open(rig, rig->url, NULL, &err));
}

static void test_a_server_that_forgets_or_evicts_is_told_of(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_options relaxed = {.durability = HF_KV_RELAXED};
	hf_error err = HF_ERROR_INIT;
	assert_string_equal(rig->events, "");
	hf_kv_close(rig->kv);
	redis_rig_does(rig, "CONFIG SET maxmemory-policy allkeys-lru");
	redis_rig_does(rig, "CONFIG SET appendonly no");
	EXPECT_OK(redis_rig_open(rig, rig->url, &relaxed, &err));
	redis_rig_does(rig, "CONFIG SET maxmemory-policy noeviction");
	redis_rig_does(rig, "CONFIG SET appendonly yes");
	EXPECT_CONTAINS(rig->events, "1 redis_forgets appendonly=no");
	EXPECT_CONTAINS(rig->events, "1 redis_evicts policy=allkeys-lru");
	assert_ptr_equal(strstr(rig->events, "redis_evicts"), strrchr(rig->events, '_') - strlen("redis"));
}

static void test_a_slow_request_is_told_of(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_options slow = {.slow_ms = 50};
	hf_error err = HF_ERROR_INIT;
	redis_rig_put(rig, B("k"), B("v"), 0);
	assert_null(strstr(rig->events, "redis_slow"));
	hf_kv_close(rig->kv);
	EXPECT_OK(redis_rig_open(rig, rig->url, &slow, &err));
	redis_rig_does(rig, "CLIENT PAUSE 60000 WRITE");
	const struct hf_kv_put soon = {.how.deadline = hf_deadline_in(rig->ctx, 1000)}; /* it is to be sent before */
	EXPECT_STATUS(hf_kv_put(rig->kv, B("k"), B("secret"), &soon, &err), HF_E_OUTCOME_UNKNOWN);
	redis_rig_does(rig, "CLIENT UNPAUSE");
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
	struct redis_rig *rig = *state;
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
	redis_rig_does(rig, "CONFIG SET maxmemory-policy allkeys-lru");
	redis_rig_does(rig, "CONFIG SET appendonly no");
	redis_rig_does(rig, "CONFIG SET maxmemory 1gb");
	EXPECT_OK(redis_rig_open(rig, rig->url, &relaxed, &err));
	hf_kv_health_report(rig->kv, NULL, &health);
	redis_rig_does(rig, "CONFIG SET maxmemory 0");
	redis_rig_does(rig, "CONFIG SET maxmemory-policy noeviction");
	redis_rig_does(rig, "CONFIG SET appendonly yes");
	assert_int_equal(health.state, HF_DEGRADED);
	assert_true(blames(&health, "maxmemory-policy is allkeys-lru") && blames(&health, "keeps no log"));
	assert_int_equal(health.room_bytes, 1 << 30);
}

/* It may neither ask for INFO nor look into another namespace, and needs neither. */
static void test_health_blames_nobody_for_what_it_may_not_ask(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_health health;
	hf_error err = HF_ERROR_INIT;
	hf_kv *other = NULL;
	char url[200];
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	hf_kv_close(other);
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	redis_rig_does(rig, "ACL SETUSER quiet on >QUIET ~{holdfast:default}:* ~holdfast:* +@read +@write +@scripting "
	                    "+@connection +time +config|get");
	snprintf(url, sizeof(url), "redis+unix://quiet:QUIET@%s?db=%d", redis_rig_server.socket, rig->database);
	EXPECT_OK(redis_rig_open(rig, url, NULL, &err));
	redis_rig_put(rig, B("k"), B("v"), 0);
	hf_kv_health_report(rig->kv, NULL, &health);
	redis_rig_does(rig, "ACL DELUSER quiet");
	if (health.state != HF_HEALTHY)
		fail_msg("%s", health.reasons[0]);
	assert_int_equal(health.error.status, HF_OK);
	assert_int_equal(health.used_bytes, HF_KV_UNKNOWN);
	assert_int_equal(health.expired_waiting, HF_KV_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	return cmocka_run_group_tests(tests, redis_rig_start, redis_rig_stop);
}
