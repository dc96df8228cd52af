/*
 * test_redis_wire.c - the Redis backend and servers that misbehave: a double that answers what it is told, and a real
 * one that is stopped and killed. What was not sent is sent again, what was and got no answer is of unknown outcome.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "kv/store.h"
#include "redis_double.h"
#include "redis_fixture.h"
#include "../check.h"

#define B(text) HF_KV_KEY(text)
/* Opening asks once for the default time to live. */
#define NO_TTL                               \
	{                                    \
		"HGET", 1, ANSWER("$-1\r\n") \
	}

static hf_context *ctx;

static enum hf_status open_at(const char *url, const struct hf_kv_options *options, hf_kv **ret_kv, hf_error *err)
{
	struct hf_kv_options chosen = options ? *options : (struct hf_kv_options){0};
	chosen.size = sizeof(chosen);
	chosen.sweep_interval_ms = -1;
	chosen.backoff_ms = 1;
	return hf_kv_open(ctx, url, &chosen, ret_kv, err);
}

static uint64_t retries(const hf_kv *kv)
{
	struct hf_kv_stats stats;
	hf_kv_stats(kv, &stats);
	return stats.retry_count;
}

static enum hf_status get_until(hf_kv *kv, hf_deadline deadline, hf_error *err)
{
	struct hf_kv_entry entry;
	const struct hf_kv_read how = {.deadline = deadline};
	hf_arena *arena = hf_arena_new(0);
	enum hf_status status = hf_kv_get(kv, B("k"), &how, arena, &entry, err);
	hf_arena_free(arena);
	return status;
}

static enum hf_status get(hf_kv *kv, hf_error *err)
{
	return get_until(kv, HF_DEADLINE_DEFAULT, err);
}

static enum hf_status put(hf_kv *kv, hf_error *err)
{
	return hf_kv_put(kv, B("k"), B("v"), NULL, err);
}

/* ---- the double ---- */

static void test_what_is_refused_in_passing_is_sent_again(UNUSED void **state)
{
	const struct redis_rule rules[] = {{"TIME", 2, ANSWER("-LOADING Redis is loading the dataset in memory\r\n")},
	                                   {"EVALSHA", 1, ANSWER("-BUSY Redis is busy running a script.\r\n")},
	                                   {"EVALSHA", 1,
	                                    ANSWER("-TRYAGAIN Multiple keys request during rehashing\r\n")},
	                                   {0}};
	struct redis_double *server = redis_double_start(rules);
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
	assert_int_equal(retries(kv), 2);
	EXPECT_OK(put(kv, &err));
	assert_int_equal(retries(kv), 4);
	assert_int_equal(redis_double_count(server, "EVALSHA"), 3);
	hf_kv_close(kv);
	redis_double_stop(server);
}

static void test_over_tcp(UNUSED void **state)
{
	struct redis_double *server = redis_double_start(NULL);
	char url[64], with_password[80];
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	snprintf(url, sizeof(url), "%s", redis_double_tcp_url(server));
	EXPECT_OK(open_at(url, NULL, &kv, &err));
	EXPECT_OK(put(kv, &err));
	EXPECT_STATUS(get(kv, &err), HF_NOT_FOUND);
	hf_kv_close(kv);
	snprintf(with_password, sizeof(with_password), "redis://:SECRET@%s/7", url + strlen("redis://"));
	EXPECT_STATUS(open_at(with_password, NULL, &kv, &err), HF_E_DB); /* the double knows neither AUTH nor SELECT */
	assert_int_equal(redis_double_count(server, "AUTH"), 1);
	assert_null(strstr(err.message, "SECRET"));
	redis_double_stop(server);
	EXPECT_STATUS(open_at(url, NULL, &kv, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, ": Connection refused");
}

static void test_attempts_come_to_an_end(UNUSED void **state)
{
	const struct redis_rule rules[] = {{"INFO", 0, ANSWER("-LOADING Redis is loading the dataset in memory\r\n")},
	                                   {0}};
	struct redis_double *server = redis_double_start(rules);
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(open_at(redis_double_url(server), NULL, &kv, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "loads its data");
	assert_int_equal(redis_double_count(server, "INFO"), 3);
	redis_double_stop(server);
}

static void test_refusals(UNUSED void **state)
{
	static const struct {
		struct hf_bytes answer;
		enum hf_status want;
		unsigned sent;
	} cases[] = {
		{ANSWER("-OOM command not allowed when used memory > 'maxmemory'.\r\n"), HF_E_LIMIT, 1},
		{ANSWER("-ERR Error running script (call to f_x): @user_script:1: -OOM command not allowed\r\n"),
	         HF_E_LIMIT, 1},
		{ANSWER("-WRONGTYPE Operation against a key\r\n"), HF_E_CORRUPT, 1},
		{ANSWER("-NOPERM this user has no permissions\r\n"), HF_E_DENIED, 1},
		{ANSWER("-NOAUTH Authentication required.\r\n"), HF_E_DENIED, 1},
		{ANSWER("-MOVED 3999 127.0.0.1:6381\r\n"), HF_E_UNSUPPORTED, 1},
		{ANSWER("-ASK 3999 127.0.0.1:6381\r\n"), HF_E_UNSUPPORTED, 1},
		{ANSWER("-MISCONF Redis is configured to save RDB snapshots\r\n"), HF_E_UNAVAILABLE, 1},
		{ANSWER("-NOREPLICAS Not enough good replicas to write.\r\n"), HF_E_UNAVAILABLE, 1},
		{ANSWER("-READONLY You can't write against a read only replica.\r\n"), HF_E_UNAVAILABLE, 3},
		{ANSWER("-CLUSTERDOWN The cluster is down\r\n"), HF_E_UNAVAILABLE, 3},
		{ANSWER("-ERR something else\r\n"), HF_E_DB, 1},
		{ANSWER("-LOADINGS is no word of Redis\r\n"), HF_E_DB, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct redis_rule rules[] = {{"EVALSHA", 0, cases[i].answer}, {0}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		enum hf_status status = put(kv, &err);
		if (status != cases[i].want || redis_double_count(server, "EVALSHA") != cases[i].sent)
			fail_msg("%s: %s, sent %u times", (const char *)cases[i].answer.ptr, hf_status_word(status),
			         redis_double_count(server, "EVALSHA"));
		assert_string_equal(hf_status_word(err.status), hf_status_word(status));
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

/* Another connection: behind the same address there may be another server now. */
static void test_a_replica_is_left(UNUSED void **state)
{
	const struct redis_rule rules[] = {{"EVALSHA", 1,
	                                    ANSWER("-READONLY You can't write against a read only replica.\r\n")},
	                                   {0}};
	const struct hf_kv_options one = {.connections_min = 1};
	struct redis_double *server = redis_double_start(rules);
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(open_at(redis_double_url(server), &one, &kv, &err));
	assert_int_equal(redis_double_count(server, ""), 1);
	EXPECT_OK(put(kv, &err));
	assert_int_equal(redis_double_count(server, ""), 2);
	hf_kv_close(kv);
	redis_double_stop(server);
}

static void test_no_answer_to_a_write_is_an_unknown_outcome(UNUSED void **state)
{
	static const struct redis_rule endings[] = {{"EVALSHA", 1, HANG_UP},
	                                            {"EVALSHA", 1, ANSWER("!no RESP\r\n")},
	                                            {"EVALSHA", 1, ANSWER("$10\r\n\1\0\7")},
	                                            {"EVALSHA", 1, SILENCE}};
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const struct redis_rule rules[] = {endings[i], {0}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		const struct hf_kv_put how = {
			.how = {.deadline = hf_deadline_in(ctx, 1000)}}; /* it is to be sent before */
		EXPECT_STATUS(hf_kv_put(kv, B("k"), B("v"), &how, &err), HF_E_OUTCOME_UNKNOWN);
		assert_int_equal(err.action, HF_ACTION_UNKNOWN);
		assert_false(hf_error_is_retryable(&err));
		assert_int_equal(redis_double_count(server, "EVALSHA"), 1);
		EXPECT_OK(put(kv, &err)); /* on another connection: answers are not mixed up */
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

static void test_no_answer_to_a_read(UNUSED void **state)
{
	static const struct {
		struct redis_rule rule;
		enum hf_status want;
	} endings[] = {{{"HGET", 2, HANG_UP}, HF_NOT_FOUND},
	               {{"HGET", 0, HANG_UP}, HF_E_UNAVAILABLE},
	               {{"HGET", 1, ANSWER("!no RESP\r\n")}, HF_E_PROTOCOL},
	               {{"HGET", 1, ANSWER(":7\r\n")}, HF_E_PROTOCOL},
	               {{"HGET", 1, ANSWER("$3\r\nabc\r\n")}, HF_E_CORRUPT},
	               {{"HGET", 1, SILENCE}, HF_TIMEOUT}};
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const struct redis_rule rules[] = {NO_TTL, endings[i].rule, {0}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		hf_deadline deadline = endings[i].want == HF_TIMEOUT ? hf_deadline_in(ctx, 300) : HF_DEADLINE_DEFAULT;
		EXPECT_STATUS(get_until(kv, deadline, &err), endings[i].want);
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

/* What came beside the answer is not the answer to the next request. */
static void test_what_nobody_asked_for_is_left(UNUSED void **state)
{
	const struct redis_rule rules[] = {{"EVALSHA", 1, ANSWER(":-7\r\n:5\r\n")}, {0}};
	struct redis_double *server = redis_double_start(rules);
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
	EXPECT_OK(put(kv, &err));
	EXPECT_STATUS(get(kv, &err), HF_NOT_FOUND);
	hf_kv_close(kv);
	redis_double_stop(server);
}

static void test_a_script_that_is_unknown_is_loaded_once(UNUSED void **state)
{
	for (unsigned times = 1; times <= 2; times++) {
		const struct redis_rule rules[] = {{"EVALSHA", times, ANSWER("-NOSCRIPT No matching script.\r\n")},
		                                   {0}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		EXPECT_STATUS(put(kv, &err), times == 1 ? HF_OK : HF_E_DB);
		assert_int_equal(redis_double_count(server, "SCRIPT"), 1);
		assert_int_equal(redis_double_count(server, "EVALSHA"), 2);
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

static enum hf_status one_entry(void *user, struct hf_kv_entry *ret_entry, UNUSED hf_error *err)
{
	int *left = user;
	if ((*left)-- <= 0)
		return HF_STOP;
	*ret_entry = (struct hf_kv_entry){.key = B("k"), .value = B("v"), .created_us = 1, .updated_us = 1};
	return HF_OK;
}

static enum hf_status load(hf_kv *kv, int64_t timeout_ms, hf_error *err)
{
	int left = 1;
	const struct hf_kv_load how = {.next = one_entry, .user = &left, .deadline = hf_deadline_in(ctx, timeout_ms)};
	return kv_vtable(kv)->load(kv->backend->state, kv->ns, &how, err);
}

/* Until the last request of a load nobody sees anything of it, whatever becomes of one. */
static void test_a_step_of_a_load_leaves_no_doubt(UNUSED void **state)
{
	static const struct {
		struct redis_rule rules[4]; /* is it empty; a step; the end */
		int64_t timeout_ms;
		enum hf_status want;
		unsigned requests; /* at least */
	} cases[] = {{{{"EVALSHA", 1, ANSWER(":1\r\n")}, {"EVALSHA", 1, HANG_UP}, {"EVALSHA", 0, ANSWER(":1\r\n")}},
	              60000,
	              HF_OK,
	              4},
	             {{{"EVALSHA", 1, ANSWER(":1\r\n")}, {"EVALSHA", 0, HANG_UP}}, 60000, HF_E_UNAVAILABLE, 4},
	             {{{"EVALSHA", 1, ANSWER(":1\r\n")}, {"EVALSHA", 0, SILENCE}}, 300, HF_TIMEOUT, 2},
	             {{{"EVALSHA", 2, ANSWER(":1\r\n")}, {"EVALSHA", 0, HANG_UP}}, 60000, HF_E_OUTCOME_UNKNOWN, 3}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct redis_double *server = redis_double_start(cases[i].rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		enum hf_status status = load(kv, cases[i].timeout_ms, &err);
		if (status != cases[i].want)
			fail_msg("case %zu: %s, %s", i, hf_status_word(status), err.message);
		if (redis_double_count(server, "EVALSHA") < cases[i].requests)
			fail_msg("case %zu: %u requests", i, redis_double_count(server, "EVALSHA"));
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

/* 7.2 and newer can be asked whether the log is on disk. CONFIG is denied here, as where Redis is rented. */
static void test_strict_by_asking(UNUSED void **state)
{
	static const struct {
		struct hf_bytes answer;
		enum hf_status want;
	} cases[] = {{ANSWER("*2\r\n:1\r\n:0\r\n"), HF_OK},
	             {ANSWER("*2\r\n:0\r\n:0\r\n"), HF_E_OUTCOME_UNKNOWN},
	             {ANSWER("-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"),
	              HF_E_OUTCOME_UNKNOWN},
	             {HANG_UP, HF_E_OUTCOME_UNKNOWN}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct redis_rule rules[] = {
			{"INFO", 0, ANSWER("$40\r\nredis_version:7.2.0\r\naof_enabled:1\r\nx:\r\n\r\n")},
			{"CONFIG", 0,
		         ANSWER("-NOPERM this user has no permissions to run the 'config|get' command\r\n")},
			{"WAITAOF", 0, cases[i].answer},
			{0}};
		const struct hf_kv_put relaxed = {.how = {.durability = HF_KV_RELAXED, .durability_set = true}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
		EXPECT_STATUS(put(kv, &err), cases[i].want);
		assert_int_equal(redis_double_count(server, "WAITAOF"), 1);
		EXPECT_OK(hf_kv_put(kv, B("k"), B("v"), &relaxed, &err));
		assert_int_equal(redis_double_count(server, "WAITAOF"), 1);
		hf_kv_close(kv);
		redis_double_stop(server);
	}
}

static void test_servers_that_will_not_do(UNUSED void **state)
{
	static const struct {
		struct hf_bytes info;
		const char *part;
	} cases[] = {{ANSWER("$22\r\nredis_version:4.0.14\r\n\r\n"), "4.0"},
	             {ANSWER("-NOPERM no INFO\r\n"), "unknown"},
	             {ANSWER("$22\r\nredis_version:7.0.15\r\n\r\n"), "unknown"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct redis_rule rules[] = {{"INFO", 0, cases[i].info},
		                                   {"CONFIG", 0, ANSWER("-ERR unknown command\r\n")},
		                                   {0}};
		struct redis_double *server = redis_double_start(rules);
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_STATUS(open_at(redis_double_url(server), NULL, &kv, &err), HF_E_UNSUPPORTED);
		EXPECT_CONTAINS(err.message, cases[i].part);
		redis_double_stop(server);
	}
}

static void *interrupt(void *user)
{
	usleep(50000);
	hf_context_interrupt(user);
	return NULL;
}

static void test_an_interruption_ends_the_wait(UNUSED void **state)
{
	const struct redis_rule rules[] = {NO_TTL, {"HGET", 0, SILENCE}, {0}};
	struct redis_double *server = redis_double_start(rules);
	hf_context *shared = ctx;
	pthread_t thread;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	EXPECT_OK(open_at(redis_double_url(server), NULL, &kv, &err));
	assert_int_equal(pthread_create(&thread, NULL, interrupt, ctx), 0);
	EXPECT_STATUS(get(kv, &err), HF_E_INTERRUPTED);
	pthread_join(thread, NULL);
	hf_kv_close(kv);
	hf_context_free(ctx);
	ctx = shared;
	redis_double_stop(server);
}

/* ---- a real server, stopped and killed ---- */

static void test_nobody_is_there(UNUSED void **state)
{
	static const char *const urls[] = {"redis+unix:///tmp/hf-there-is-no-such/s", "redis://127.0.0.1:1"};
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		hf_kv *kv;
		hf_error err = HF_ERROR_INIT;
		EXPECT_STATUS(open_at(urls[i], NULL, &kv, &err), HF_E_UNAVAILABLE);
		EXPECT_CONTAINS(err.message, "could not connect to Redis at");
	}
}

static void test_connections_of_a_server_that_came_back(UNUSED void **state)
{
	struct redis_fixture redis;
	struct hf_kv_stats stats;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	redis_fixture_start(&redis, NULL);
	EXPECT_OK(open_at(redis.url, NULL, &kv, &err));
	for (int i = 0; i < 3; i++) {
		EXPECT_OK(put(kv, &err));
		redis_fixture_kill(&redis, i == 1 ? SIGTERM : SIGKILL);
		redis_fixture_again(&redis, NULL);
		EXPECT_OK(get(kv, &err)); /* what was acknowledged is there */
	}
	hf_kv_stats(kv, &stats);
	assert_int_equal(stats.failures, 0);
	hf_kv_close(kv);
	redis_fixture_stop(&redis);
}

static void *kill_soon(void *user)
{
	usleep(50000);
	redis_fixture_kill(user, SIGKILL);
	return NULL;
}

static void test_killed_in_mid_call(UNUSED void **state)
{
	struct redis_fixture redis;
	pthread_t thread;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	redis_fixture_start(&redis, NULL);
	EXPECT_OK(open_at(redis.url, NULL, &kv, &err));
	EXPECT_OK(put(kv, &err));
	redis_fixture_kill(&redis, SIGSTOP);
	assert_int_equal(pthread_create(&thread, NULL, kill_soon, &redis), 0);
	EXPECT_STATUS(put(kv, &err), HF_E_OUTCOME_UNKNOWN);
	pthread_join(thread, NULL);
	EXPECT_STATUS(get(kv, &err), HF_E_UNAVAILABLE);
	EXPECT_STATUS(put(kv, &err), HF_E_UNAVAILABLE); /* nobody was asked: not unknown */
	redis_fixture_again(&redis, NULL);
	EXPECT_OK(get(kv, &err));
	hf_kv_close(kv);
	redis_fixture_stop(&redis);
}

/* ---- a batch and kill -9: before or after, never between ---- */

enum { BATCH = 300 };

struct writer {
	hf_kv *kv;
	int64_t acknowledged, tried;
};

static void *write_batches(void *user)
{
	struct writer *writer = user;
	char keys[BATCH][8], value[24];
	struct hf_bytes names[BATCH], values[BATCH];
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = HF_OK;
	for (int i = 0; i < BATCH; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%d", i);
		names[i] = hf_kv_text(keys[i]);
	}
	while (status == HF_OK) {
		writer->tried = writer->acknowledged + 1;
		snprintf(value, sizeof(value), "%lld", (long long)writer->tried);
		for (int i = 0; i < BATCH; i++)
			values[i] = hf_kv_text(value);
		status = hf_kv_put_many(writer->kv, names, values, BATCH, NULL, &err);
		writer->acknowledged += status == HF_OK;
	}
	return NULL;
}

static void check_batch(hf_kv *kv, const struct writer *writer)
{
	hf_arena *arena = hf_arena_new(0);
	struct hf_kv_entry *entries;
	size_t count;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_list(kv, NULL, arena, &entries, &count, &err));
	assert_true(count == BATCH || (count == 0 && writer->acknowledged == 0));
	int64_t first = count ? strtoll((const char *)entries[0].value.ptr, NULL, 10) : 0;
	for (size_t i = 0; i < count; i++)
		if (strtoll((const char *)entries[i].value.ptr, NULL, 10) != first)
			fail_msg("a batch was torn: %lld and %.*s", (long long)first, (int)entries[i].value.len,
			         (const char *)entries[i].value.ptr);
	if (first < writer->acknowledged || first > writer->tried)
		fail_msg("%lld is there, %lld was acknowledged", (long long)first, (long long)writer->acknowledged);
	hf_arena_free(arena);
}

static void test_a_batch_is_whole_after_kill_9(UNUSED void **state)
{
	const struct hf_kv_options options = {.attempts_max = 1};
	for (unsigned round = 0; round < 6; round++) {
		struct redis_fixture redis;
		struct writer writer = {0};
		pthread_t thread;
		hf_error err = HF_ERROR_INIT;
		redis_fixture_start(&redis, NULL);
		EXPECT_OK(open_at(redis.url, &options, &writer.kv, &err));
		assert_int_equal(pthread_create(&thread, NULL, write_batches, &writer), 0);
		usleep(3000 + 7919 * round);
		redis_fixture_kill(&redis, SIGKILL);
		pthread_join(thread, NULL);
		redis_fixture_again(&redis, NULL);
		check_batch(writer.kv, &writer);
		hf_kv_close(writer.kv);
		redis_fixture_stop(&redis);
	}
}

/* ---- threads ---- */

static void *increment(void *user)
{
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < 50; i++)
		EXPECT_OK(hf_kv_increment(user, B("n"), 1, NULL, NULL, &err));
	return NULL;
}

static void test_more_threads_than_connections(UNUSED void **state)
{
	const struct hf_kv_options two = {.connections_min = 1, .connections_max = 2};
	struct redis_fixture redis;
	pthread_t threads[8];
	int64_t sum = 0;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	redis_fixture_start(&redis, NULL);
	EXPECT_OK(open_at(redis.url, &two, &kv, &err));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, increment, kv), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	EXPECT_OK(hf_kv_increment(kv, B("n"), 0, NULL, &sum, &err));
	assert_int_equal(sum, 400);
	redisReply *info = redis_fixture_ask(&redis, "INFO clients");
	const char *clients = strstr(info->str, "connected_clients:");
	assert_non_null(clients);
	assert_in_range(strtol(clients + strlen("connected_clients:"), NULL, 10), 1, 3);
	freeReplyObject(info);
	hf_kv_close(kv);
	redis_fixture_stop(&redis);
}

static void *hold(void *user)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_put how = {.how = {.deadline = hf_deadline_in(ctx, 1500)}};
	hf_kv_put(user, B("k"), B("held"), &how, &err);
	return NULL;
}

static void test_waiting_for_a_connection_ends_at_the_deadline(UNUSED void **state)
{
	const struct hf_kv_options one = {.connections_min = 1, .connections_max = 1};
	struct redis_fixture redis;
	pthread_t thread;
	hf_kv *kv;
	hf_error err = HF_ERROR_INIT;
	redis_fixture_start(&redis, NULL);
	EXPECT_OK(open_at(redis.url, &one, &kv, &err));
	redis_fixture_kill(&redis, SIGSTOP);
	assert_int_equal(pthread_create(&thread, NULL, hold, kv), 0);
	usleep(100000);
	const struct hf_kv_put how = {.how = {.deadline = hf_deadline_in(ctx, 200)}};
	enum hf_status status = hf_kv_put(kv, B("k"), B("v"), &how, &err);
	pthread_join(thread, NULL);
	redis_fixture_kill(&redis, SIGCONT);
	/* A slow start of the other thread makes this the one that was sent. */
	if (status != HF_E_OUTCOME_UNKNOWN)
		EXPECT_STATUS(status, HF_TIMEOUT);
	hf_kv_close(kv);
	redis_fixture_stop(&redis);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_refused_in_passing_is_sent_again),
		cmocka_unit_test(test_over_tcp),
		cmocka_unit_test(test_attempts_come_to_an_end),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_replica_is_left),
		cmocka_unit_test(test_no_answer_to_a_write_is_an_unknown_outcome),
		cmocka_unit_test(test_no_answer_to_a_read),
		cmocka_unit_test(test_what_nobody_asked_for_is_left),
		cmocka_unit_test(test_a_script_that_is_unknown_is_loaded_once),
		cmocka_unit_test(test_a_step_of_a_load_leaves_no_doubt),
		cmocka_unit_test(test_strict_by_asking),
		cmocka_unit_test(test_servers_that_will_not_do),
		cmocka_unit_test(test_an_interruption_ends_the_wait),
		cmocka_unit_test(test_nobody_is_there),
		cmocka_unit_test(test_connections_of_a_server_that_came_back),
		cmocka_unit_test(test_killed_in_mid_call),
		cmocka_unit_test(test_a_batch_is_whole_after_kill_9),
		cmocka_unit_test(test_more_threads_than_connections),
		cmocka_unit_test(test_waiting_for_a_connection_ends_at_the_deadline),
	};
	hf_error err = HF_ERROR_INIT;
	if (hf_context_new(NULL, &ctx, &err) != HF_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	hf_context_free(ctx);
	return failed;
}
