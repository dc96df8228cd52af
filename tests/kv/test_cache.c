/*
 * test_cache.c - reads from memory: what a handle sees of its own writes at once, of others' within the bound, and what
 * happens when the feed breaks. test_kv_cache KIND. A checker of the bound is shown a bound that is not kept first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "chance.h"
#include "holdfast/kv_cache.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_watch.h"
#include "holdfast/sql.h"
#include "steps.h"
#include "../sql.h"

static struct kv_rig rig;
static int names;

struct pair {
	hf_kv *cached, *other; /* two handles of one namespace */
	hf_arena *arena;
	char name[24];
};

static void pair_open(struct pair *pair, const struct hf_kv_cache_options *options)
{
	hf_error err = HF_ERROR_INIT;
	snprintf(pair->name, sizeof(pair->name), "pair %d", names++);
	pair->arena = hf_arena_new(0);
	EXPECT_OK(hf_kv_namespace(rig.root, pair->name, &pair->cached, &err));
	EXPECT_OK(hf_kv_namespace(rig.root, pair->name, &pair->other, &err));
	EXPECT_OK(hf_kv_feed_on(pair->other, NULL, &err));
	if (options)
		EXPECT_OK(hf_kv_cache_start(pair->cached, options, &err));
}

static void pair_close(struct pair *pair)
{
	hf_kv_close(pair->cached);
	hf_kv_close(pair->other);
	hf_arena_free(pair->arena);
}

static struct hf_kv_cache_options late_by(int64_t ms)
{
	return (struct hf_kv_cache_options){.size = sizeof(struct hf_kv_cache_options), .stale_ms_max = ms};
}

static struct hf_kv_cache_stats stats_of(const struct pair *pair)
{
	struct hf_kv_cache_stats stats;
	hf_kv_cache_stats(pair->cached, &stats);
	return stats;
}

/* "" = absent */
static const char *get(struct pair *pair, const char *key)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	enum hf_status status = hf_kv_get(pair->cached, hf_kv_text(key), NULL, pair->arena, &entry, &err);
	if (status == HF_NOT_FOUND)
		return "";
	EXPECT_OK(status);
	return hf_arena_str(pair->arena, (struct hf_str){(const char *)entry.value.ptr, entry.value.len}).ptr;
}

static void put(hf_kv *kv, const char *key, const char *value)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(kv, hf_kv_text(key), hf_kv_text(value), NULL, &err));
}

/* Reads until one comes from memory. */
static void warm(struct pair *pair, const char *key)
{
	uint64_t hits = stats_of(pair).hits;
	while (stats_of(pair).hits == hits)
		get(pair, key);
}

/* ---- own ---- */

static void what_was_read_is_read_from_memory(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	const struct hf_kv_read fresh = {.fresh = true};
	struct hf_kv_entry one, two;
	struct hf_kv_blob blob;
	struct hf_kv_stats calls;
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	const struct hf_kv_put how = {.metadata = HF_STR("{\"a\":1}")};
	EXPECT_OK(hf_kv_put(pair.cached, B("k"), B("v"), &how, &err));
	EXPECT_OK(hf_kv_get(pair.cached, B("k"), NULL, pair.arena, &one, &err));
	warm(&pair, "k");
	warm(&pair, "absent");
	hf_kv_stats(pair.cached, &calls);
	const struct hf_kv_cache_stats before = stats_of(&pair);
	uint64_t asked = calls.get_count;
	EXPECT_OK(hf_kv_get(pair.cached, B("k"), NULL, pair.arena, &two, &err));
	EXPECT_STATUS(hf_kv_get(pair.cached, B("absent"), NULL, pair.arena, &two, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_kv_get(pair.cached, B("k"), NULL, pair.arena, &two, &err));
	hf_kv_stats(pair.cached, &calls);
	/* Not by its queries: the feed's own questions are among them. */
	assert_int_equal(stats_of(&pair).hits, before.hits + 3);
	assert_int_equal(stats_of(&pair).misses + stats_of(&pair).bypassed, before.misses + before.bypassed);
	assert_int_equal(calls.get_count, asked + 3);
	assert_true(kv_same(one.value, two.value) && kv_same(one.key, two.key) && str_eq(one.metadata, two.metadata));
	assert_true(one.rev == two.rev && one.created_us == two.created_us && one.updated_us == two.updated_us);
	EXPECT_OK(hf_kv_get(pair.cached, B("k"), &fresh, pair.arena, &two, &err));
	EXPECT_OK(hf_kv_blob_show(pair.cached, B("k"), &fresh, &blob, &err));
	assert_int_equal(stats_of(&pair).hits, before.hits + 3);
	pair_close(&pair);
}

/* What was asked for as a value is kept as a whole. */
static void values_alone_come_from_memory_too(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	const struct hf_kv_put put = {.metadata = HF_STR("{\"a\":1}")};
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry value, whole;
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	EXPECT_OK(hf_kv_put(pair.cached, B("k"), B("v"), &put, &err));
	warm(&pair, "another");
	uint64_t hits = stats_of(&pair).hits;
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(hf_kv_get(pair.cached, B("k"), &how, pair.arena, &value, &err));
		assert_true(kv_same(value.value, B("v")) && value.rev == 0 && !value.metadata.ptr && !value.key.ptr);
	}
	EXPECT_OK(hf_kv_get(pair.cached, B("k"), NULL, pair.arena, &whole, &err));
	assert_true(whole.rev > 0 && str_eq(whole.metadata, put.metadata) && whole.created_us > 0);
	assert_int_equal(stats_of(&pair).hits, hits + 2);
	pair_close(&pair);
}

static void own_writes_are_seen_at_once(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	const struct hf_kv_write then[] = {{.op = HF_KV_PUT, .key = B("k"), .value = B("then")}};
	const struct hf_kv_txn txn = {.then = then, .nthen = 1};
	struct hf_kv_result result;
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	bool held;
	pair_open(&pair, &options);
	for (int i = 0; i < 3; i++) {
		warm(&pair, "k");
		put(pair.cached, "k", "put");
		assert_string_equal(get(&pair, "k"), "put");
		warm(&pair, "k");
		EXPECT_OK(hf_kv_transact(pair.cached, &txn, NULL, pair.arena, &held, &result, &err));
		assert_string_equal(get(&pair, "k"), "then");
		warm(&pair, "k");
		EXPECT_OK(hf_kv_append(pair.cached, B("k"), B("!"), NULL, &err));
		assert_string_equal(get(&pair, "k"), "then!");
		warm(&pair, "k");
		EXPECT_OK(hf_kv_delete(pair.cached, B("k"), NULL, NULL, &err));
		assert_string_equal(get(&pair, "k"), "");
		put(pair.cached, "k", "again");
		warm(&pair, "k");
		EXPECT_OK(hf_kv_clear(pair.cached, NULL, NULL, &err));
		assert_string_equal(get(&pair, "k"), "");
	}
	pair_close(&pair);
}

static void a_restore_of_the_handle_is_seen_at_once(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	struct hf_kv_checkpoint point;
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	if (!(hf_kv_capabilities(rig.root) & HF_KV_CAN_CHECKPOINT))
		return;
	pair_open(&pair, &options);
	put(pair.cached, "k", "then");
	EXPECT_OK(hf_kv_checkpoint_create(pair.cached, NULL, pair.arena, &point, &err));
	put(pair.cached, "k", "now");
	warm(&pair, "k");
	EXPECT_OK(hf_kv_checkpoint_restore(pair.cached, &point.id, NULL, NULL, &err));
	assert_string_equal(get(&pair, "k"), "then");
	pair_close(&pair);
}

static void what_expires_is_not_kept(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	const struct hf_kv_put how = {.ttl_us = SECONDS(3600)};
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	put(pair.cached, "stays", "v");
	warm(&pair, "stays");
	EXPECT_OK(hf_kv_put(pair.cached, B("k"), B("v"), &how, &err));
	uint64_t hits = stats_of(&pair).hits;
	for (int i = 0; i < 10; i++)
		assert_string_equal(get(&pair, "k"), "v");
	assert_int_equal(stats_of(&pair).hits, hits);
	pair_close(&pair);
}

/* Neither what was put to expire nor what another handle let expire later is answered once its time is over. */
static void what_expired_is_not_answered(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	const struct hf_kv_put how = {.ttl_us = SECONDS(1) / 2};
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	put(pair.cached, "touched", "v");
	warm(&pair, "touched");
	EXPECT_OK(hf_kv_put(pair.cached, B("k"), B("v"), &how, &err));
	assert_string_equal(get(&pair, "k"), "v");
	EXPECT_OK(hf_kv_touch(pair.cached, B("touched"), SECONDS(1) / 2, NULL, &err));
	assert_string_equal(get(&pair, "touched"), "v");
	kv_rig_pass(&rig, SECONDS(1) / 2);
	assert_string_equal(get(&pair, "k"), "");
	assert_string_equal(get(&pair, "touched"), "");
	warm(&pair, "k"); /* that it is absent may be kept */
	assert_string_equal(get(&pair, "k"), "");
	pair_close(&pair);
}

/* ---- others' ---- */

static void others_writes_come_by_the_feed(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(60000);
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	put(pair.other, "k", "1");
	warm(&pair, "k"), warm(&pair, "absent");
	put(pair.other, "k", "2"), put(pair.other, "absent", "now there");
	while (strcmp(get(&pair, "k"), "2") != 0 || strcmp(get(&pair, "absent"), "now there") != 0)
		usleep(1000);
	warm(&pair, "k");
	EXPECT_OK(hf_kv_delete(pair.other, B("k"), NULL, NULL, &err));
	while (strcmp(get(&pair, "k"), "") != 0)
		usleep(1000);
	warm(&pair, "absent");
	EXPECT_OK(hf_kv_clear(pair.other, NULL, NULL, &err));
	while (strcmp(get(&pair, "absent"), "") != 0)
		usleep(1000);
	pair_close(&pair);
}

enum { NUMBERS = 4096 };

/* When each number was written. */
struct writing {
	struct pair *pair;
	pthread_t thread;
	_Atomic int64_t done_ns[NUMBERS];
	atomic_int written;
	atomic_bool stop;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void *write_numbers(void *user)
{
	struct writing *writing = user;
	char text[16];
	for (int i = 1; i < NUMBERS && !writing->stop; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put(writing->pair->other, "n", text);
		writing->done_ns[i] = now_ns();
		writing->written = i;
		usleep(3000);
	}
	return NULL;
}

/* Reads that were older than the bound allows: a number above was written more than `bound_ns` before they began. */
static int reads_too_old(struct writing *writing, int64_t bound_ns, int rounds)
{
	int wrong = 0;
	for (int i = 0; i < rounds && writing->written < NUMBERS - 1; i++) {
		int64_t begin_ns = now_ns(), seen = 0;
		str_to_i64(hf_str_of(get(writing->pair, "n")), &seen);
		int64_t done_ns = seen + 1 < NUMBERS ? writing->done_ns[seen + 1] : 0;
		wrong += done_ns != 0 && done_ns < begin_ns - bound_ns;
		hf_arena_reset(writing->pair->arena);
		usleep(100);
	}
	return wrong;
}

static void nothing_is_older_than_the_bound(void **state)
{
	(void)state;
	static struct writing writing;
	const struct hf_kv_cache_options options = late_by(50);
	struct pair pair;
	pair_open(&pair, &options);
	writing = (struct writing){.pair = &pair};
	warm(&pair, "n");
	assert_int_equal(pthread_create(&writing.thread, NULL, write_numbers, &writing), 0);
	int not_at_once = 0;
	while (not_at_once == 0) /* the checker sees what is kept but not promised */
		not_at_once = reads_too_old(&writing, 0, 100);
	int wrong = reads_too_old(&writing, INT64_C(50000000), kv_rounds(&rig, 10000));
	writing.stop = true;
	pthread_join(writing.thread, NULL);
	print_message("# %llu reads from memory, none more than 50 ms old; at once would have been wrong\n",
	              (unsigned long long)stats_of(&pair).hits);
	assert_int_equal(wrong, 0);
	pair_close(&pair);
}

/* ---- a feed that breaks ---- */

static void without_its_feed_it_is_not_used(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(50);
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, &options);
	put(pair.other, "k", "1");
	warm(&pair, "k");
	EXPECT_OK(hf_kv_feed_off(pair.other, &err));
	put(pair.other, "k", "2");
	usleep(60000);
	assert_string_equal(get(&pair, "k"), "2");
	while (stats_of(&pair).behind_us != INT64_MAX)
		usleep(1000);
	assert_int_equal(stats_of(&pair).entries, 0);
	put(pair.other, "k", "3");
	assert_string_equal(get(&pair, "k"), "3");
	EXPECT_OK(hf_kv_feed_on(pair.other, NULL, &err));
	warm(&pair, "k");
	put(pair.other, "k", "4");
	while (strcmp(get(&pair, "k"), "4") != 0)
		usleep(1000);
	pair_close(&pair);
}

/* A transaction that goes on holds the feed back (PostgreSQL): memory grows older than the bound and is not used. */
static void held_back_it_is_not_used(void **state)
{
	(void)state;
	const struct hf_kv_cache_options options = late_by(50);
	hf_settings *settings = NULL;
	hf_connection *slow = NULL;
	struct pair pair;
	hf_error err = HF_ERROR_INIT;
	if (strcmp(hf_kv_backend(rig.root), "postgresql") != 0)
		return;
	pair_open(&pair, &options);
	put(pair.other, "k", "1");
	warm(&pair, "k");
	EXPECT_OK(hf_settings_new(rig.ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, rig.url, &err));
	EXPECT_OK(hf_connection_open(rig.ctx, settings, NULL, HF_DEADLINE_DEFAULT, &slow, &err));
	sql_run(hf_on_connection(slow), "BEGIN");
	sql_run(hf_on_connection(slow), "SELECT pg_current_xact_id()::text");
	put(pair.other, "k", "2");
	usleep(60000);
	assert_string_equal(get(&pair, "k"), "2");
	assert_true(stats_of(&pair).behind_us > 50000);
	sql_run(hf_on_connection(slow), "ROLLBACK");
	warm(&pair, "k");
	hf_connection_free(slow);
	hf_settings_free(settings);
	pair_close(&pair);
}

/* ---- bounds ---- */

static void it_keeps_within_its_bounds(void **state)
{
	(void)state;
	struct hf_kv_cache_options options = late_by(60000);
	struct pair pair;
	char key[16];
	options.entries_max = 100;
	options.bytes_max = 1 << 20;
	pair_open(&pair, &options);
	warm(&pair, "first");
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "absent %d", i);
		assert_string_equal(get(&pair, key), "");
		hf_arena_reset(pair.arena);
	}
	struct hf_kv_cache_stats stats = stats_of(&pair);
	assert_true(stats.entries > 0 && stats.entries <= 100 + 16 && stats.bytes <= 1 << 20);
	assert_true(stats.evicted > 0);
	pair_close(&pair);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	const struct hf_kv_cache_options fine = late_by(1000), fast = late_by(49), past = late_by(-1);
	struct pair pair;
	struct hf_kv_cache_stats stats;
	hf_error err = HF_ERROR_INIT;
	pair_open(&pair, NULL);
	hf_kv_cache_stats(pair.cached, &stats);
	assert_true(stats.hits == 0 && stats.behind_us == 0);
	EXPECT_STATUS(hf_kv_cache_start(pair.cached, &fast, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_cache_start(pair.cached, &past, &err), HF_E_USAGE);
	EXPECT_OK(hf_kv_feed_off(pair.other, &err));
	EXPECT_STATUS(hf_kv_cache_start(pair.cached, &fine, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_kv_feed_on(pair.other, NULL, &err));
	EXPECT_OK(hf_kv_cache_start(pair.cached, NULL, &err));
	EXPECT_STATUS(hf_kv_cache_start(pair.cached, NULL, &err), HF_CONFLICT);
	pair_close(&pair);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_is_read_from_memory),
		cmocka_unit_test(values_alone_come_from_memory_too),
		cmocka_unit_test(own_writes_are_seen_at_once),
		cmocka_unit_test(a_restore_of_the_handle_is_seen_at_once),
		cmocka_unit_test(what_expires_is_not_kept),
		cmocka_unit_test(what_expired_is_not_answered),
		cmocka_unit_test(others_writes_come_by_the_feed),
		cmocka_unit_test(nothing_is_older_than_the_bound),
		cmocka_unit_test(without_its_feed_it_is_not_used),
		cmocka_unit_test(held_back_it_is_not_used),
		cmocka_unit_test(it_keeps_within_its_bounds),
		cmocka_unit_test(what_cannot_be_is_refused),
	};
	if (argc < 2)
		return 2;
	kv_rig_open(&rig, argv[1]);
	int failed = kv_rig_run(&rig, tests, ARRAY_LEN(tests));
	kv_rig_close(&rig);
	return failed;
}
