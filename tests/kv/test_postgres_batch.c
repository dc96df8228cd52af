/* Batches of puts on PostgreSQL: each of their statements does the same, and batches that overlap, in opposite orders
 * too, with deletes, checkpoints and restores between them, neither wait for each other in a circle nor tear. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/arena.h"
#include "kv/postgres.h"
#include "postgres_rig.h"

enum { MANY = 700, ROUNDS = 12 }; /* more than a step */

static int set_up(void **user)
{
	static struct rig rig;
	rig_open(&rig, NULL, NULL);
	*user = &rig;
	return 0;
}

struct keys {
	char texts[MANY][8];
	struct hf_bytes keys[MANY];
	size_t count;
};

static void keys_init(struct keys *all, bool backwards)
{
	all->count = MANY;
	for (int i = 0; i < MANY; i++) {
		int at = backwards ? MANY - 1 - i : i;
		snprintf(all->texts[at], sizeof(all->texts[at]), "%05d", i);
		all->keys[at] = hf_kv_text(all->texts[at]);
	}
}

static void keys_keep(struct keys *all, int every)
{
	size_t kept = 0;
	for (size_t i = 0; i < all->count; i += (size_t)every)
		all->keys[kept++] = all->keys[i];
	all->count = kept;
}

/* ---- order ---- */

static void keys_are_in_the_order_of_their_bytes(UNUSED void **user)
{
	static const uint8_t letters[] = {0, 'a', 0xff};
	struct hf_kv_write writes[MANY];
	uint8_t bytes[MANY][16];
	uint32_t random = 7;
	for (size_t common = 0; common <= 3; common++) {
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		for (int i = 0; i < MANY; i++) {
			size_t len = common + (random = random * 1664525 + 1013904223) / 65536 % 12;
			for (size_t at = 0; at < len; at++)
				bytes[i][at] = at < common
				                       ? 'p'
				                       : letters[(random = random * 1664525 + 1013904223) / 65536 % 3];
			writes[i] = (struct hf_kv_write){.key = {bytes[i], len}};
		}
		const struct place *places = postgres_in_order(writes, MANY, arena);
		for (int i = 1; i < MANY; i++) {
			int order = postgres_compare(places[i - 1].write->key, places[i].write->key);
			assert_true(order < 0 || (order == 0 && places[i - 1].index < places[i].index));
		}
	}
}

/* ---- one and the other statement ---- */

static const char large[5000]; /* is packed */

static const struct way {
	bool relaxed;
	int64_t ttl_us; /* of the namespace */
	size_t value_len;
} ways[] = {
	{false, 0, 3},
	{true, 0, 3},
	{false, 3600000000, 3},
	{true, 60000000, 0},
	{false, 0, sizeof(large)},
	{true, 60000000, sizeof(large)},
};

enum { PUT = 300 }; /* a step and more */

/* Keys that begin with `prefix`; every second value is of that length. */
static void put_batch(struct rig *rig, char prefix, const struct way *way, struct hf_kv_result *results)
{
	char texts[PUT][8];
	struct hf_bytes keys[PUT], values[PUT];
	struct hf_kv_write writes[PUT];
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_how how = {.durability = way->relaxed ? HF_KV_RELAXED : HF_KV_STRICT,
	                              .durability_set = true};
	EXPECT_OK(hf_kv_set_default_ttl(rig->kv, way->ttl_us, &err));
	for (int i = 0; i < PUT; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%c%03d", prefix, i * 7 % PUT);
		keys[i] = hf_kv_text(texts[i]);
		values[i] = (struct hf_bytes){(const uint8_t *)large, i % 2 ? way->value_len : 3};
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = keys[i], .value = values[i]};
	}
	if (results)
		EXPECT_OK(hf_kv_apply(rig->kv, writes, PUT, &how, rig->arena, results, &err));
	else
		EXPECT_OK(hf_kv_put_many(rig->kv, keys, values, PUT, &how, &err));
}

static void whether_it_is_asked_for_or_not_a_batch_does_the_same(void **user)
{
	static struct hf_kv_result results[PUT];
	struct rig *rig = *user;
	for (size_t i = 0; i < 3 * ARRAY_LEN(ways); i++) {
		if (i == 2 * ARRAY_LEN(ways)) /* over what expired */
			rig_run(rig, "UPDATE state_entries SET expires_at = now(), created_at = '2020-01-01'");
		put_batch(rig, 't', &ways[i % ARRAY_LEN(ways)], results);
		assert_int_equal(results[0].existed, i > 0 && i != 2 * ARRAY_LEN(ways));
		assert_int_equal(rig_number(rig, "SELECT rev FROM state_entries WHERE key = 't000'"), results[0].rev);
		put_batch(rig, 'u', &ways[i % ARRAY_LEN(ways)], NULL);
		assert_int_equal(
			rig_number(rig,
		                   "SELECT count(*) FROM state_entries AS a JOIN state_entries AS b"
		                   " ON b.key = 'u' || substr(a.key, 2) AND a.namespace = b.namespace"
		                   " AND a.epoch = b.epoch AND a.codec = b.codec AND a.value = b.value"
		                   " AND b.rev > a.rev AND a.metadata IS NOT DISTINCT FROM b.metadata"
		                   " AND a.expires_at - a.updated_at IS NOT DISTINCT FROM b.expires_at - b.updated_at"
		                   " AND (a.expire_bucket IS NULL) = (b.expire_bucket IS NULL)"
		                   " AND (a.created_at = a.updated_at) = (b.created_at = b.updated_at)"
		                   " WHERE a.key < 'u'"),
			PUT);
	}
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT codec) FROM state_entries"), 2);
}

/* ---- at the same time ---- */

struct writer {
	hf_kv *kv;
	char name;
	bool backwards, told, deletes;
	int every;         /* key; 0 = each */
	atomic_bool *stop; /* NULL: after ROUNDS */
	hf_error err;
	pthread_t thread;
};

static enum hf_status put_told(struct writer *w, const struct keys *all, struct hf_bytes value)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_write *writes = calloc(MANY, sizeof(*writes));
	struct hf_kv_result *results = calloc(MANY, sizeof(*results));
	for (size_t i = 0; i < all->count; i++)
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = all->keys[i], .value = value};
	enum hf_status status = hf_kv_apply(w->kv, writes, all->count, NULL, arena, results, &w->err);
	free(writes);
	free(results);
	return status;
}

static enum hf_status put_untold(struct writer *w, const struct keys *all, struct hf_bytes value)
{
	struct hf_bytes values[MANY];
	for (size_t i = 0; i < all->count; i++)
		values[i] = value;
	return hf_kv_put_many(w->kv, all->keys, values, all->count, NULL, &w->err);
}

static void *write_on(void *user)
{
	struct writer *w = user;
	struct keys all;
	keys_init(&all, w->backwards);
	keys_keep(&all, w->every ? w->every : 1);
	enum hf_status status = HF_OK;
	for (int round = 0; status == HF_OK && (w->stop ? !atomic_load(w->stop) : round < ROUNDS); round++) {
		char text[16];
		snprintf(text, sizeof(text), "%c%d", w->name, round);
		if (w->deletes)
			status = hf_kv_delete_many(w->kv, all.keys, all.count, NULL, NULL, &w->err);
		else
			status = w->told ? put_told(w, &all, hf_kv_text(text)) : put_untold(w, &all, hf_kv_text(text));
	}
	w->err.status = status;
	return NULL;
}

static void writers_begin(struct rig *rig, struct writer *writers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		writers[i].kv = rig->kv;
		writers[i].err = (hf_error)HF_ERROR_INIT;
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
	}
}

static void writers_end(struct writer *writers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	for (size_t i = 0; i < count; i++)
		if (writers[i].err.status != HF_OK)
			fail_msg("writer %c: %s", writers[i].name, writers[i].err.message);
}

/* A deadlock would be repeated and not be seen: the store counts what it repeats. */
static void batches_in_opposite_orders_do_not_wait_in_a_circle(void **user)
{
	struct rig *rig = *user;
	struct hf_kv_stats stats;
	struct writer writers[] = {{.name = 'a'},
	                           {.name = 'b', .backwards = true},
	                           {.name = 'c', .told = true},
	                           {.name = 'd', .backwards = true, .told = true}};
	writers_begin(rig, writers, ARRAY_LEN(writers));
	writers_end(writers, ARRAY_LEN(writers));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries"), MANY);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT value) FROM state_entries"), 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries WHERE value::text LIKE '%' ||"
	                                 " encode('11', 'hex')"),
	                 MANY); /* the last round of one of them */
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT rev) FROM state_entries"), MANY);
	hf_kv_stats(rig->kv, &stats);
	assert_int_equal(stats.retry_count, 0);
}

/* Some of the keys are in each: the steps of one end between those of another, and rows lie about in another order than
 * their keys. */
static void batches_whose_keys_interleave_do_not_wait_in_a_circle(void **user)
{
	struct rig *rig = *user;
	struct hf_kv_stats stats;
	struct writer writers[] = {{.name = 'a', .every = 2},
	                           {.name = 'b', .every = 3, .backwards = true},
	                           {.name = 'c', .every = 5, .told = true},
	                           {.name = 'd', .backwards = true, .told = true},
	                           {.name = 'e'}};
	for (int i = MANY - 1; i >= 0; i -= 7) {
		char key[16];
		snprintf(key, sizeof(key), "%05d", i);
		rig_put(rig, key, "there");
	}
	writers_begin(rig, writers, ARRAY_LEN(writers));
	writers_end(writers, ARRAY_LEN(writers));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries"), MANY);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT rev) FROM state_entries"), MANY);
	hf_kv_stats(rig->kv, &stats);
	assert_int_equal(stats.retry_count, 0);
}

/* All of a batch, or nothing; now, or at a checkpoint. Asserts nothing while others write. */
static bool is_whole(struct rig *rig, const struct hf_uuid *id)
{
	static struct hf_kv_entry entries[MANY];
	hf_error err = HF_ERROR_INIT;
	struct keys all;
	keys_init(&all, false);
	enum hf_status status = id ? hf_kv_get_many_at(rig->kv, id, all.keys, MANY, NULL, rig->arena, entries, &err)
	                           : hf_kv_get_many(rig->kv, all.keys, MANY, NULL, rig->arena, entries, &err);
	bool whole = status == HF_OK;
	for (int i = 1; i < MANY && whole; i++)
		whole = (entries[i].rev == 0) == (entries[0].rev == 0) &&
		        entries[i].value.len == entries[0].value.len &&
		        (!entries[0].rev ||
		         memcmp(entries[i].value.ptr, entries[0].value.ptr, entries[0].value.len) == 0);
	return whole;
}

static void batches_beside_deletes_and_checkpoints_are_whole(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = HF_OK;
	atomic_bool stop = false;
	int torn = 0;
	struct hf_kv_checkpoint points[ROUNDS];
	struct hf_kv_restored restored;
	struct writer writers[] = {{.name = 'a', .stop = &stop},
	                           {.name = 'b', .backwards = true, .told = true, .stop = &stop},
	                           {.name = 'd', .backwards = true, .deletes = true, .stop = &stop}};
	writers_begin(rig, writers, ARRAY_LEN(writers));
	for (int round = 0; round < ROUNDS && status == HF_OK; round++) {
		status = hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &points[round], &err);
		torn += status == HF_OK && points[round].row_count != 0 && points[round].row_count != MANY;
		if (status == HF_OK && round % 3 == 2)
			status = hf_kv_checkpoint_restore(rig->kv, &points[round - 1].id, NULL, &restored, &err);
		torn += !is_whole(rig, NULL);
	}
	atomic_store(&stop, true);
	writers_end(writers, ARRAY_LEN(writers));
	EXPECT_OK(status);
	for (int round = 0; round < ROUNDS; round++)
		torn += !is_whole(rig, &points[round].id);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &points[0].id, NULL, &restored, &err));
	assert_true(is_whole(rig, NULL));
	assert_int_equal(torn, 0);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_in_the_order_of_their_bytes),
		STORE(whether_it_is_asked_for_or_not_a_batch_does_the_same),
		STORE(batches_in_opposite_orders_do_not_wait_in_a_circle),
		STORE(batches_whose_keys_interleave_do_not_wait_in_a_circle),
		STORE(batches_beside_deletes_and_checkpoints_are_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
