/*
 * test_redis_nomem.c - the Redis backend while memory runs out at every place, one after the other: HF_E_NOMEM, nothing
 * leaks, nothing is half done. hiredis allocates by itself and is left alone.
 */
#include "holdfast/kv_checkpoint.h"
#include "base/macros.h"
#include "holdfast/kv_blob.h"
#include "holdfast/kv_lock.h"
#include "holdfast/kv_watch.h"
#include "redis_fixture.h"
#include "../check.h"
#include "../torture.h"

#define B(text) HF_KV_KEY(text)

static struct redis_fixture server;

static enum hf_status see(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status give(void *user, uint8_t *place, size_t room, size_t *ret_bytes, UNUSED hf_error *err)
{
	size_t *left = user;
	*ret_bytes = *left < room ? *left : room;
	memset(place, 'x', *ret_bytes);
	*left -= *ret_bytes;
	return HF_OK;
}

static enum hf_status take(UNUSED void *user, UNUSED struct hf_bytes part, UNUSED hf_error *err)
{
	return HF_OK;
}

/* In chunks; what was begun and not ended goes. */
static enum hf_status use_blob(hf_kv *kv, hf_error *err)
{
	size_t left = 50000;
	uint64_t removed;
	enum hf_status status = hf_kv_blob_put(kv, B("blob"), give, &left, NULL, NULL, err);
	if (status == HF_OK)
		status = hf_kv_blob_read(kv, B("blob"), 0, UINT64_MAX, NULL, take, NULL, NULL, err);
	if (status == HF_OK)
		status = hf_kv_blob_delete(kv, B("blob"), NULL, NULL, err);
	return status == HF_OK ? hf_kv_blob_sweep(kv, 0, 0, &removed, err) : status;
}

/* What is put while it watches comes. */
static enum hf_status use_feed(hf_kv *kv, hf_error *err)
{
	struct hf_kv_watch_options options = {.size = sizeof(options), .values = true};
	struct hf_kv_event event;
	struct hf_kv_feed feed;
	hf_kv_watch *watch = NULL;
	enum hf_status status = hf_kv_feed_on(kv, NULL, err);
	if (status == HF_OK)
		status = hf_kv_feed_show(kv, &feed, err);
	if (status == HF_OK)
		status = hf_kv_watch_open(kv, &options, &watch, err);
	if (status == HF_OK)
		status = hf_kv_put(kv, B("fed"), B("v"), NULL, err);
	if (status == HF_OK)
		status = hf_kv_watch_next(watch, HF_DEADLINE_DEFAULT, &event, err);
	hf_kv_watch_close(watch);
	return status == HF_OK ? hf_kv_feed_off(kv, err) : status;
}

static enum hf_status use(hf_kv *kv, hf_arena *arena, hf_error *err)
{
	static uint8_t value[10000];
	const struct hf_bytes keys[] = {B("k"), B("l"), B("m")};
	const struct hf_bytes values[] = {B("v"), {value, sizeof(value)}, B("")};
	struct hf_kv_entry entries[3];
	struct hf_kv_lock lock;
	uint64_t count;
	enum hf_status status = use_feed(kv, err);
	if (status == HF_OK)
		status = hf_kv_put(kv, B("k"), (struct hf_bytes){value, sizeof(value)}, NULL, err);
	if (status == HF_OK)
		status = hf_kv_get_and_put(kv, B("k"), B("w"), NULL, arena, entries, err);
	if (status == HF_OK)
		status = hf_kv_put_many(kv, keys, values, 3, NULL, err);
	if (status == HF_OK)
		status = hf_kv_get(kv, B("l"), NULL, arena, entries, err);
	if (status == HF_OK)
		status = hf_kv_get_many(kv, keys, 3, NULL, arena, entries, err);
	if (status == HF_OK)
		status = hf_kv_scan(kv, NULL, see, NULL, err);
	if (status == HF_OK)
		status = hf_kv_count(kv, &(struct hf_kv_range){.prefix = B("k")}, &count, err);
	if (status == HF_OK)
		status = hf_kv_lock_try(kv, "lock", "me", 60000000, arena, &lock, err);
	if (status == HF_OK)
		status = hf_kv_sweep(kv, HF_DEADLINE_DEFAULT, &count, err);
	if (status == HF_OK)
		status = use_blob(kv, err);
	struct hf_kv_checkpoint point, *points;
	size_t n;
	if (status == HF_OK)
		status = hf_kv_checkpoint_create(kv, &(struct hf_kv_checkpoint_new){.name = "n"}, arena, &point, err);
	if (status == HF_OK)
		status = hf_kv_put(kv, B("k"), B("x"), NULL, err);
	if (status == HF_OK)
		status = hf_kv_get_many_at(kv, &point.id, keys, 3, NULL, arena, entries, err);
	if (status == HF_OK)
		status = hf_kv_scan_at(kv, &point.id, NULL, see, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_diff(kv, &point.id, NULL, see, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_restore(kv, &point.id, NULL, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_prune(kv, &(struct hf_kv_prune){.bytes = UINT64_MAX}, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_list(kv, arena, &points, &n, err);
	for (size_t i = 0; status == HF_OK && i < n; i++)
		status = hf_kv_checkpoint_delete(kv, &points[i].id, err);
	return status == HF_OK ? hf_kv_clear(kv, NULL, NULL, err) : status;
}

static enum hf_status whole_life(UNUSED void *user, hf_error *err)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .sweep_interval_ms = -1,
	                                      .backoff_ms = 1,
	                                      .value_bytes_max = 20000};
	hf_context *ctx = NULL;
	hf_kv *kv = NULL;
	torture_hold(true);
	hf_arena *arena = hf_arena_new(0);
	torture_hold(false);
	enum hf_status status = hf_context_new(NULL, &ctx, err);
	if (status == HF_OK)
		status = hf_kv_open(ctx, server.url, &options, &kv, err);
	if (status == HF_OK)
		status = use(kv, arena, err);
	hf_arena_free(arena);
	hf_kv_close(kv);
	hf_context_free(ctx);
	return status;
}

static void test_whole_life(UNUSED void **state)
{
	redis_fixture_start(&server, NULL);
	assert_true(torture_or(HF_E_OUTCOME_UNKNOWN, whole_life, NULL) > 20); /* a checkpoint that is not counted */
	assert_int_equal(redis_fixture_number(&server, "HLEN {holdfast:default}:records"), 1);
	redis_fixture_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_life)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
