/*
 * The engine where the model does not come: ranges of many pages, records that are damaged, deadlines, interruption,
 * and memory that runs out.
 */
#include "../check.h"
#include "../torture.h"
#include "engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine.h"
#include "kv/metadata.h"

enum { MANY = 25000 }; /* several pages of entries, and of looks at what expired */

static void put_many(struct rig *rig, const struct hf_kv_write *writes, size_t count)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_result *results = calloc(count, sizeof(*results));
	struct hf_kv_batch batch = {.writes = writes, .count = count, .deadline = INT64_MAX};
	assert_non_null(results);
	EXPECT_OK(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, results, &err));
	free(results);
}

/* Keys are numbers; all but each 12th expire after `ttl_us`, if that is not 0. */
static void fill(struct rig *rig, int64_t ttl_us)
{
	static uint8_t keys[MANY][4];
	static struct hf_kv_write writes[MANY];
	for (uint32_t i = 0; i < MANY; i++) {
		put_be32(keys[i], i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = {keys[i], 4}, .value = {keys[i], 4}};
		writes[i].ttl_us = i % 12 ? ttl_us : 0;
	}
	put_many(rig, writes, MANY);
}

struct walk {
	uint32_t next, step;
	uint64_t count;
	bool down;
};

static enum hf_status step(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	struct walk *walk = user;
	assert_int_equal(get_be32(entry->key.ptr), walk->next);
	assert_int_equal(get_be32(entry->value.ptr), walk->next);
	walk->next = walk->down ? walk->next - walk->step : walk->next + walk->step;
	walk->count++;
	return HF_OK;
}

static void expect_walk(struct rig *rig, uint32_t every, bool down)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0, wanted = (MANY + every - 1) / every;
	struct walk walk = {.next = down ? (uint32_t)(wanted - 1) * every : 0, .step = every, .down = down};
	struct hf_kv_span span = {.deadline = INT64_MAX, .reverse = down};
	EXPECT_OK(rig->vtable->scan(rig->state, rig->ns[0], &span, step, &walk, &err));
	assert_int_equal(walk.count, wanted);
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err));
	assert_int_equal(count, wanted);
}

/* A range that goes on behind the longest key begins at one that is a byte longer, as the store has it. */
static void test_behind_the_longest_key(void **state)
{
	struct rig *rig = *state;
	static uint8_t key[HF_KV_KEY_BYTES_MAX + 1]; /* ends in 0 */
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 9;
	size_t len = rig->vtable->key_bytes_max;
	memset(key, 'k', len);
	put_many(rig, &(struct hf_kv_write){.op = HF_KV_PUT, .key = {key, len}, .value = {key, 1}}, 1);
	struct hf_kv_span span = {.from = {key, len + 1}, .deadline = INT64_MAX};
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err));
	assert_int_equal(count, 0);
	span = (struct hf_kv_span){.to = {key, len + 1}, .deadline = INT64_MAX, .reverse = true};
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err));
	assert_int_equal(count, 1);
}

static void test_many_pages(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0, total = 0;
	fill(rig, 10);
	expect_walk(rig, 1, false);
	expect_walk(rig, 1, true);
	rig_now_us += 10;
	expect_walk(rig, 12, false);
	expect_walk(rig, 12, true);
	do {
		EXPECT_OK(rig->vtable->sweep(rig->state, 1000, INT64_MAX, &removed, &err));
		total += removed;
	} while (removed == 1000);
	assert_int_equal(total, MANY - (MANY + 11) / 12);
	expect_walk(rig, 12, false);
}

static enum hf_status count_bytes(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	*(uint64_t *)user += entry->value.len;
	return HF_OK;
}

/* A page is full by its bytes long before its entries. */
static void test_large_values(void **state)
{
	struct rig *rig = *state;
	static uint8_t bytes[700000];
	static struct hf_kv_write writes[20];
	static uint8_t keys[20];
	hf_error err = HF_ERROR_INIT;
	uint64_t sum = 0;
	for (uint8_t i = 0; i < 20; i++) {
		keys[i] = i;
		writes[i] =
			(struct hf_kv_write){.op = HF_KV_PUT, .key = {&keys[i], 1}, .value = {bytes, sizeof(bytes)}};
	}
	put_many(rig, writes, 20);
	struct hf_kv_span span = {.deadline = INT64_MAX};
	EXPECT_OK(rig->vtable->scan(rig->state, rig->ns[0], &span, count_bytes, &sum, &err));
	assert_int_equal(sum, 20 * sizeof(bytes));
}

/* ---- checkpoints of many pages ---- */

static void walk_at(struct rig *rig, const struct hf_uuid *id, bool down)
{
	hf_error err = HF_ERROR_INIT;
	struct walk walk = {.next = down ? MANY - 1 : 0, .step = 1, .down = down};
	struct hf_kv_span span = {.deadline = INT64_MAX, .reverse = down, .at = id};
	uint64_t count = 0;
	EXPECT_OK(rig->vtable->scan(rig->state, rig->ns[0], &span, step, &walk, &err));
	assert_int_equal(walk.count, MANY);
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err));
	assert_int_equal(count, MANY);
}

/* Every third is another, every fifth is gone, and some are new. */
static void change(struct rig *rig, uint64_t *ret_changed)
{
	static uint8_t keys[MANY + 10][4];
	static struct hf_kv_write writes[MANY + 10];
	size_t n = 0;
	for (uint32_t i = 0; i < MANY + 10; i++) {
		put_be32(keys[i], i);
		if (i % 5 == 0 || i % 3 == 0 || i >= MANY)
			writes[n++] = (struct hf_kv_write){.op = i % 5 || i >= MANY ? HF_KV_PUT : HF_KV_DELETE,
			                                   .key = {keys[i], 4},
			                                   .value = HF_KV_KEY("another")};
	}
	put_many(rig, writes, n);
	*ret_changed = n;
}

static enum hf_status in_order(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	struct walk *walk = user;
	uint32_t key = get_be32(entry->key.ptr);
	assert_true(walk->count == 0 || key > walk->next);
	assert_true(key % 5 == 0 || key % 3 == 0 || key >= MANY);
	assert_true((entry->rev == 0) == (key % 5 == 0 && key < MANY));
	walk->next = key;
	walk->count++;
	return HF_OK;
}

static void test_checkpoint_of_many_pages(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint point = {.id.bytes = {1}}, undo = {.id.bytes = {2}};
	struct hf_kv_restored restored;
	struct walk walk = {0};
	uint64_t changed = 0;
	fill(rig, 0);
	EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[0], &point, INT64_MAX, &err));
	change(rig, &changed);
	walk_at(rig, &point.id, false);
	walk_at(rig, &point.id, true);
	EXPECT_OK(rig->vtable->diff(rig->state, rig->ns[0], &point.id, NULL, 0, INT64_MAX, in_order, &walk, &err));
	assert_int_equal(walk.count, changed);
	EXPECT_OK(rig->vtable->restore(rig->state, rig->ns[0], &point.id, &undo, INT64_MAX, &restored, &err));
	assert_int_equal(restored.put, changed - 10);
	assert_int_equal(restored.deleted, 10);
	expect_walk(rig, 1, false);
	EXPECT_OK(rig->vtable->restore(rig->state, rig->ns[0], &undo.id, NULL, INT64_MAX, &restored, &err));
	assert_int_equal(restored.put + restored.deleted, changed);
	walk = (struct walk){0};
	EXPECT_OK(rig->vtable->diff(rig->state, rig->ns[0], &point.id, &undo.id, 0, INT64_MAX, in_order, &walk, &err));
	assert_int_equal(walk.count, changed);
	walk_at(rig, &point.id, false);
	EXPECT_OK(rig->vtable->point_delete(rig->state, rig->ns[0], &point.id, INT64_MAX, &err));
	EXPECT_OK(rig->vtable->point_delete(rig->state, rig->ns[0], &undo.id, INT64_MAX, &err));
}

static void test_too_many_checkpoints(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint point = {0};
	enum hf_status status = HF_OK;
	uint32_t n = 0;
	for (; status == HF_OK; n++) {
		put_be32(point.id.bytes, n);
		status = rig->vtable->point_create(rig->state, rig->ns[0], &point, INT64_MAX, &err);
	}
	EXPECT_STATUS(status, HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "has 10000 checkpoints");
	assert_int_equal(n, HF_KV_CHECKPOINTS_MAX + 1);
}

static void test_unknown_checkpoint(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint point = {.id.bytes = {7}};
	struct hf_kv_restored restored;
	struct hf_kv_entry entry;
	struct hf_bytes key = HF_KV_KEY("a");
	struct hf_kv_span span = {.deadline = INT64_MAX, .at = &point.id};
	hf_kv_backend_state *s = rig->state;
	EXPECT_OK(rig->vtable->point_create(s, rig->ns[1], &point, INT64_MAX, &err)); /* of another namespace */
	EXPECT_STATUS(rig->vtable->point_update(s, rig->ns[0], &point, INT64_MAX, &err), HF_NOT_FOUND);
	EXPECT_STATUS(rig->vtable->point_delete(s, rig->ns[0], &point.id, INT64_MAX, &err), HF_NOT_FOUND);
	EXPECT_STATUS(rig->vtable->restore(s, rig->ns[0], &point.id, NULL, INT64_MAX, &restored, &err), HF_NOT_FOUND);
	EXPECT_STATUS(rig->vtable->scan(s, rig->ns[0], &span, step, NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(rig->vtable->read_at(s, rig->ns[0], &point.id, &key, 1, false, INT64_MAX, rig->arena, &entry,
	                                   &err),
	              HF_NOT_FOUND);
	EXPECT_STATUS(rig->vtable->diff(s, rig->ns[0], &point.id, NULL, 0, INT64_MAX, in_order, NULL, &err),
	              HF_NOT_FOUND);
}

static void test_point_update(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint point = {.id.bytes = {7}, .name = HF_STR("n"), .metadata = HF_STR("[1]")},
				*points = NULL;
	size_t count = 0;
	EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[0], &point, INT64_MAX, &err));
	const struct hf_kv_checkpoint pin = {.id = point.id, .pinned = true};
	const struct hf_kv_checkpoint counts = {.id = point.id, .counted = true, .row_count = 3, .data_size = 4};
	EXPECT_OK(rig->vtable->point_update(rig->state, rig->ns[0], &pin, INT64_MAX, &err));
	EXPECT_OK(rig->vtable->point_update(rig->state, rig->ns[0], &counts, INT64_MAX, &err));
	EXPECT_OK(rig->vtable->point_list(rig->state, rig->ns[0], &point.id, INT64_MAX, rig->arena, &points, &count,
	                                  &err));
	assert_int_equal(count, 1);
	assert_true(points->pinned && points->counted && points->row_count == 3 && points->data_size == 4);
	assert_string_equal(points->name.ptr, "n");
	assert_string_equal(points->metadata.ptr, "[1]");
	assert_int_equal(points->created_us, rig_now_us);
	assert_int_equal(points->epoch, point.epoch);
}

/* ---- cost: what changed, not what there is ---- */

static struct ordered_ops counting;
static const struct ordered_ops *counted;
static unsigned visits;

static enum hf_status count_get(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key,
                                struct hf_bytes *ret_value, hf_error *err)
{
	visits++;
	return counted->get(txn, map, key, ret_value, err);
}

static enum hf_status count_move(struct ordered_cursor *cursor, enum ordered_move move, struct hf_bytes key,
                                 struct ordered_pair *ret_pair, hf_error *err)
{
	visits++;
	return counted->move(cursor, move, key, ret_pair, err);
}

static void put_numbered(struct rig *rig, uint32_t first, uint32_t count)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_write *writes = hf_arena_calloc(rig->arena, count, sizeof(*writes));
	struct hf_kv_result *results = hf_arena_calloc(rig->arena, count, sizeof(*results));
	uint8_t(*keys)[4] = hf_arena_alloc(rig->arena, (size_t)count * 4);
	for (uint32_t i = 0; i < count; i++) {
		put_be32(keys[i], first + i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = {keys[i], 4}};
	}
	struct hf_kv_batch batch = {.writes = writes, .count = count, .deadline = INT64_MAX};
	EXPECT_OK(rig->vtable->apply(rig->state, rig->ns[0], &batch, NULL, results, &err));
}

static enum hf_status count_change(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)entry;
	(void)err;
	++*(int *)user;
	return HF_OK;
}

static void expect_nothing_noted(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	EXPECT_OK(counted->begin(rig->state->store, ORDERED_READ, INT64_MAX, &txn, &err));
	EXPECT_OK(counted->cursor_open(&txn, ORDERED_CHANGED, &cursor, &err));
	EXPECT_STATUS(counted->move(&cursor, ORDERED_AT, (struct hf_bytes){(const uint8_t *)"", 0}, &pair, &err),
	              HF_NOT_FOUND);
	counted->cursor_close(&cursor);
	counted->abort(&txn);
}

/* Ten of 20,000 are written after each of three checkpoints, one further on each time. */
static void test_cost_of_change(void **state)
{
	enum { ENTRIES = 20000, CHANGES = 10, ENOUGH = 60 * CHANGES };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint points[3] = {{.id.bytes = {1}}, {.id.bytes = {2}}, {.id.bytes = {3}}};
	struct hf_kv_restored restored;
	int told = 0;
	put_numbered(rig, 0, ENTRIES);
	for (uint32_t i = 0; i < 3; i++) {
		EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[0], &points[i], INT64_MAX, &err));
		put_numbered(rig, ENTRIES - CHANGES / 2 + i, CHANGES);
	}
	counted = rig->state->store->ops;
	counting = *counted;
	counting.get = count_get;
	counting.move = count_move;
	rig->state->store->ops = &counting;
	visits = 0;
	EXPECT_OK(rig->vtable->diff(rig->state, rig->ns[0], &points[0].id, NULL, 0, INT64_MAX, count_change, &told,
	                            &err));
	assert_int_equal(told, CHANGES + 2);
	assert_in_range(visits, CHANGES, ENOUGH);
	visits = 0;
	told = 0;
	EXPECT_OK(rig->vtable->diff(rig->state, rig->ns[0], &points[0].id, &points[1].id, 0, INT64_MAX, count_change,
	                            &told, &err));
	assert_int_equal(told, CHANGES);
	assert_in_range(visits, CHANGES, ENOUGH);
	visits = 0;
	EXPECT_OK(rig->vtable->restore(rig->state, rig->ns[0], &points[1].id, NULL, INT64_MAX, &restored, &err));
	assert_int_equal(restored.put, CHANGES - 1);
	assert_int_equal(restored.deleted, 2);
	assert_in_range(visits, CHANGES, ENOUGH);
	for (size_t i = 0; i < 3; i++)
		EXPECT_OK(rig->vtable->point_delete(rig->state, rig->ns[0], &points[i].id, INT64_MAX, &err));
	rig->state->store->ops = counted;
	expect_nothing_noted(rig);
}

/* ---- what a put costs ---- */

static int written;

static enum hf_status count_put(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key, size_t value_bytes,
                                uint8_t **ret_place, hf_error *err)
{
	written++;
	return counted->put(txn, map, key, value_bytes, ret_place, err);
}

static int64_t put_one(struct rig *rig, const char *key, uint32_t flags)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_result result = {0};
	struct hf_kv_write write = {.op = HF_KV_PUT,
	                            .flags = flags,
	                            .key = hf_kv_text(key),
	                            .value = HF_KV_KEY("value")};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX};
	enum hf_status status = rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err);
	assert_true(status == HF_OK || (flags && status == HF_CONFLICT));
	return result.rev;
}

/* One look and one row for each put over another: neither the revision nor the namespace is written with it. */
static void test_a_put_is_one_row(void **state)
{
	enum { PUTS = ENGINE_REVISIONS };
	struct rig *rig = *state;
	int64_t first = put_one(rig, "key", 0), last = first;
	counted = rig->state->store->ops;
	counting = *counted;
	counting.get = count_get;
	counting.put = count_put;
	rig->state->store->ops = &counting;
	visits = 0;
	written = 0;
	for (int i = 0; i < PUTS; i++) {
		int64_t rev = put_one(rig, "key", 0);
		assert_true(rev > last);
		last = rev;
	}
	rig->state->store->ops = counted;
	assert_int_equal(visits, PUTS);
	assert_in_range(written, PUTS, PUTS + 1); /* the revisions that were taken may end within */
}

/* Whatever was given is passed by what comes after the store was opened again, deleted and refused ones included. */
static void test_revisions_grow(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_result result = {0};
	struct hf_kv_write gone = {.op = HF_KV_DELETE, .key = HF_KV_KEY("key")};
	struct hf_kv_batch batch = {.writes = &gone, .count = 1, .deadline = INT64_MAX};
	int64_t last = 0;
	for (int i = 0; i < 5; i++) {
		for (int n = 0; n < ENGINE_REVISIONS - 2 + i; n++) {
			int64_t rev = put_one(rig, "key", 0);
			assert_true(rev > last);
			last = rev;
		}
		put_one(rig, "key", HF_KV_IF_ABSENT);
		EXPECT_OK(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err));
		if (rig->url[0] == 'l')
			rig_reopen(rig);
	}
}

/* ---- damage ---- */

static void damage(struct rig *rig, enum ordered_map map, struct hf_bytes key, const char *bytes)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_txn txn;
	uint8_t *place;
	struct ordered *store = rig->state->store;
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	EXPECT_OK(store->ops->put(&txn, map, key, strlen(bytes), &place, &err));
	memcpy(place, bytes, strlen(bytes));
	EXPECT_OK(store->ops->commit(&txn, &err));
}

/* Everything that meets the record says so; its neighbour is read. */
static void test_a_damaged_record(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct engine_key key;
	uint64_t count = 0;
	struct hf_bytes keys[] = {HF_KV_KEY("bad"), HF_KV_KEY("good")};
	struct hf_kv_entry entries[2];
	struct hf_kv_span span = {.deadline = INT64_MAX};
	struct hf_kv_write good = {.op = HF_KV_PUT, .key = keys[1]}, bad = {.op = HF_KV_PUT, .key = keys[0]};
	struct hf_kv_result result = {0};
	struct hf_kv_batch batch = {.writes = &bad, .count = 1, .deadline = INT64_MAX};
	put_many(rig, &good, 1);
	engine_key_entry(&key, rig->ns[0], keys[0]);
	damage(rig, ORDERED_ENTRIES, engine_key_view(&key), "no record");
	EXPECT_STATUS(rig->vtable->read(rig->state, rig->ns[0], keys, 2, false, INT64_MAX, rig->arena, entries, &err),
	              HF_E_CORRUPT);
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], keys + 1, 1, false, INT64_MAX, rig->arena, entries, &err));
	EXPECT_STATUS(rig->vtable->scan(rig->state, rig->ns[0], &span, count_bytes, &count, &err), HF_E_CORRUPT);
	EXPECT_STATUS(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err), HF_E_CORRUPT);
	EXPECT_STATUS(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err), HF_E_CORRUPT);
	EXPECT_STATUS(rig->vtable->clear(rig->state, rig->ns[0], &batch, &count, &err), HF_E_CORRUPT);
}

/* A value that was packed and then changed on the disk: found by whoever looks at it, and by nobody else. */
static void test_a_damaged_value(void **state)
{
	static uint8_t long_value[5000];
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct engine_key key;
	struct ordered_txn txn;
	struct hf_bytes stored;
	uint8_t copy[500], *place;
	struct hf_kv_entry entry;
	struct hf_kv_result result = {0};
	uint64_t count = 0;
	struct hf_kv_span span = {.deadline = INT64_MAX};
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = {long_value, sizeof(long_value)}};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX, .value_bytes_max = 1 << 20};
	rig->options.compress_from = HF_KV_COMPRESS_FROM;
	rig_reopen(rig);
	struct ordered *store = rig->state->store;
	put_many(rig, &write, 1);
	engine_key_entry(&key, rig->ns[0], write.key);
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	EXPECT_OK(store->ops->get(&txn, ORDERED_ENTRIES, engine_key_view(&key), &stored, &err));
	assert_true(stored.len < 100);
	size_t len = stored.len;
	memcpy(copy, stored.ptr, len);
	copy[len - 1] ^= 1;
	EXPECT_OK(store->ops->put(&txn, ORDERED_ENTRIES, engine_key_view(&key), len, &place, &err));
	memcpy(place, copy, len);
	EXPECT_OK(store->ops->commit(&txn, &err));
	EXPECT_STATUS(rig->vtable->read(rig->state, rig->ns[0], &write.key, 1, false, INT64_MAX, rig->arena, &entry,
	                                &err),
	              HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "could not unpack a value");
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], &write.key, 1, true, INT64_MAX, rig->arena, &entry, &err));
	EXPECT_STATUS(rig->vtable->scan(rig->state, rig->ns[0], &span, count_bytes, &count, &err), HF_E_CORRUPT);
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err));
	struct hf_kv_write asking[] = {{.op = HF_KV_APPEND},
	                               {.op = HF_KV_ADD},
	                               {.op = HF_KV_PUT, .flags = HF_KV_IF_VALUE},
	                               {.op = HF_KV_READ}};
	for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
		asking[i].key = write.key;
		batch.writes = &asking[i];
		EXPECT_STATUS(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err),
		              HF_E_CORRUPT);
	}
	put_many(rig, &write, 1);
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], &write.key, 1, false, INT64_MAX, rig->arena, &entry, &err));
}

static void test_damaged_counters(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	int32_t ns = 0;
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = HF_KV_KEY("a")};
	struct hf_kv_result result = {0};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = INT64_MAX};
	damage(rig, ORDERED_NAMESPACES, HF_KV_KEY("bent"), "?");
	EXPECT_STATUS(rig->vtable->name_space(rig->state, HF_STR("bent"), INT64_MAX, &ns, &err), HF_E_CORRUPT);
	EXPECT_STATUS(rig->vtable->estimate(rig->state, 99, INT64_MAX, &count, &err), HF_E_CORRUPT);
	damage(rig, ORDERED_EXPIRY, (struct hf_bytes){(const uint8_t *)"\0\0\0\0", 4}, "");
	EXPECT_STATUS(rig->vtable->sweep(rig->state, 1, INT64_MAX, &count, &err), HF_E_CORRUPT);
	struct engine_key key;
	struct hf_kv_checkpoint *points = NULL;
	struct hf_kv_lock *locks = NULL;
	size_t n = 0;
	engine_key_entry(&key, rig->ns[0], HF_KV_KEY("\0\0\0\1"));
	damage(rig, ORDERED_CHECKPOINTS, engine_key_view(&key), "no checkpoint");
	EXPECT_STATUS(rig->vtable->point_list(rig->state, rig->ns[0], NULL, INT64_MAX, rig->arena, &points, &n, &err),
	              HF_E_CORRUPT);
	damage(rig, ORDERED_LOCKS, engine_key_view(&key), "no lock");
	EXPECT_STATUS(rig->vtable->lock_list(rig->state, rig->ns[0], (struct hf_str){0}, INT64_MAX, rig->arena, &locks,
	                                     &n, &err),
	              HF_E_CORRUPT);
	damage(rig, ORDERED_META, HF_KV_KEY("r"), "?");
	EXPECT_STATUS(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err), HF_E_CORRUPT);
}

/* ---- time ---- */

static void expect_all(struct rig *rig, hf_deadline deadline, enum hf_status expected)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	struct hf_kv_entry entry;
	struct hf_bytes key = HF_KV_KEY("a");
	struct hf_kv_span span = {.deadline = deadline};
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = key};
	struct hf_kv_result result = {0};
	struct hf_kv_batch batch = {.writes = &write, .count = 1, .deadline = deadline};
	EXPECT_STATUS(rig->vtable->read(rig->state, rig->ns[0], &key, 1, false, deadline, rig->arena, &entry, &err),
	              expected);
	EXPECT_STATUS(rig->vtable->scan(rig->state, rig->ns[0], &span, count_bytes, &count, &err), expected);
	EXPECT_STATUS(rig->vtable->count(rig->state, rig->ns[0], &span, &count, &err), expected);
	EXPECT_STATUS(rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, &result, &err), expected);
	EXPECT_STATUS(rig->vtable->clear(rig->state, rig->ns[0], &batch, &count, &err), expected);
}

static void test_deadline(void **state)
{
	struct rig *rig = *state;
	expect_all(rig, hf_now_monotonic_us(rig->ctx) - 20000, HF_TIMEOUT); /* clocks tick each 10 ms at least */
	expect_all(rig, INT64_MAX, HF_OK);
}

static void test_interrupted(void **state)
{
	struct rig *rig = *state;
	hf_context_interrupt(rig->ctx);
	expect_all(rig, INT64_MAX, HF_E_INTERRUPTED);
}

static void test_urls(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	hf_kv_backend_state *other = NULL;
	EXPECT_STATUS(rig->vtable->open(rig->ctx, "memory:x", &rig->options, &other, &err), HF_E_CONFIG);
	EXPECT_CONTAINS(err.message, "nothing may stand behind memory:");
}

/* Without memory everything is as it was, and works when there is memory again. */
static enum hf_status use_all(void *user, hf_error *err)
{
	struct rig *rig = user;
	uint64_t count = 0;
	int32_t ns = 0;
	hf_kv_backend_state *state = NULL;
	struct hf_kv_entry entry;
	static uint8_t long_value[2000];
	struct hf_bytes many = {long_value, sizeof(long_value)};
	struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = HF_KV_KEY("c"), .value = many},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("c"), .value = many, .flags = HF_KV_IF_VALUE, .if_value = many},
		{.op = HF_KV_DELETE, .key = HF_KV_KEY("c"), .flags = HF_KV_RETURN_BEFORE},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("a"), .value = HF_KV_KEY("1"), .ttl_us = 5},
		{.op = HF_KV_ADD, .key = HF_KV_KEY("a"), .delta = 1},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("a"), .value = HF_KV_KEY("2")},
		{.op = HF_KV_DELETE, .key = HF_KV_KEY("b"), .flags = HF_KV_RETURN_BEFORE},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("b"), .value = HF_KV_KEY("2")}};
	struct hf_kv_result results[ARRAY_LEN(writes)] = {0};
	struct hf_kv_batch batch = {.writes = writes,
	                            .count = ARRAY_LEN(writes),
	                            .deadline = INT64_MAX,
	                            .value_bytes_max = 1 << 20};
	struct hf_kv_span span = {.deadline = INT64_MAX};
	const struct hf_kv_feed feed = {.keep_us = INT64_MAX / 4, .keep_changes = 5};
	struct hf_kv_feed_place place = {.position = -1};
	struct hf_kv_event *events = NULL;
	enum hf_status status = rig->vtable->open(rig->ctx, rig->url, &rig->options, &state, err);
	if (status != HF_OK)
		return status;
	status = rig->vtable->name_space(state, HF_STR("n"), INT64_MAX, &ns, err);
	if (status == HF_OK)
		status = rig->vtable->feed_set(state, ns, &feed, INT64_MAX, err);
	if (status == HF_OK)
		status = rig->vtable->apply(state, ns, &batch, rig->arena, results, err);
	if (status == HF_OK)
		status = rig->vtable->apply(state, ns, &batch, rig->arena, results, err);
	if (status == HF_OK)
		status = rig->vtable->read(state, ns, &writes[3].key, 1, false, INT64_MAX, rig->arena, &entry, err);
	if (status == HF_OK)
		status = rig->vtable->scan(state, ns, &span, count_bytes, &count, err);
	struct hf_kv_checkpoint point = {.id.bytes = {1}, .name = HF_STR("n")}, undo = {.id.bytes = {2}};
	struct hf_kv_checkpoint *points = NULL;
	struct hf_kv_restored restored;
	struct hf_kv_lock lock, *locks = NULL;
	size_t n = 0;
	if (status == HF_OK)
		status = rig->vtable->point_create(state, ns, &point, INT64_MAX, err);
	if (status == HF_OK)
		status = rig->vtable->apply(state, ns, &batch, rig->arena, results, err);
	if (status == HF_OK)
		status = rig->vtable->point_update(state, ns, &point, INT64_MAX, err);
	if (status == HF_OK)
		status = rig->vtable->diff(state, ns, &point.id, NULL, 0, INT64_MAX, count_bytes, &count, err);
	if (status == HF_OK)
		status = rig->vtable->restore(state, ns, &point.id, &undo, INT64_MAX, &restored, err);
	if (status == HF_OK)
		status = rig->vtable->point_list(state, ns, NULL, INT64_MAX, rig->arena, &points, &n, err);
	if (status == HF_OK)
		status = rig->vtable->point_delete(state, ns, &point.id, INT64_MAX, err);
	if (status == HF_OK)
		status = rig->vtable->lock_take(state, ns, HF_STR("l"), HF_STR("o"), 5, INT64_MAX, rig->arena, &lock,
		                                err);
	if (status == HF_OK)
		status = rig->vtable->lock_list(state, ns, (struct hf_str){0}, INT64_MAX, rig->arena, &locks, &n, err);
	rig_now_us += 10;
	if (status == HF_OK)
		status = rig->vtable->sweep(state, 10, INT64_MAX, &count, err);
	if (status == HF_OK)
		status = rig->vtable->clear(state, ns, &batch, &count, err);
	if (status == HF_OK)
		assert_int_equal(count, 1);
	if (status == HF_OK)
		status = rig->vtable->changes(state, ns, &place, 100, INT64_MAX, rig->arena, &events, &n, err);
	place.position -= 5;
	if (status == HF_OK)
		status = rig->vtable->changes(state, ns, &place, 100, INT64_MAX, rig->arena, &events, &n, err);
	if (status == HF_OK)
		assert_true(n == 5 && events[n - 1].kind == HF_KV_EVENT_CLEAR);
	rig->vtable->close(state);
	hf_arena_reset(rig->arena);
	return status;
}

static void test_no_memory(void **state)
{
	struct rig *rig = *state;
	rig_close(rig);
	rig->options.compress_from = HF_KV_COMPRESS_FROM;
	assert_true(torture(use_all, rig) > 3);
}

static enum hf_status canonical(void *user, hf_error *err)
{
	hf_arena *arena = hf_arena_new(0);
	struct hf_str text;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = metadata_canonical(*(struct hf_str *)user, arena, &text, err);
	hf_arena_free(arena);
	return status;
}

/* The parser does not always say that it was short of memory; what is no JSON stays the caller's mistake. */
static void test_no_memory_for_metadata(void **state)
{
	struct hf_str texts[] = {HF_STR("{\"a key\":[\"text\",1,2.5,null]}"), HF_STR("\"text\"")};
	struct hf_str wrong[] = {HF_STR("{\"a\":1 \"b\"}"), HF_STR("{1:2}"), HF_STR("[\"a\" \"b\"]"), HF_STR("'\"")};
	hf_error err = HF_ERROR_INIT;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(torture(canonical, &texts[i]) > 3);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		EXPECT_STATUS(canonical(&wrong[i], &err), HF_E_USAGE);
}

#define BOTH(test)                                                  \
	cmocka_unit_test_setup_teardown(test, rig_memory, rig_end), \
		cmocka_unit_test_setup_teardown(test, rig_lmdb, rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_behind_the_longest_key),
		BOTH(test_many_pages),
		BOTH(test_large_values),
		BOTH(test_checkpoint_of_many_pages),
		cmocka_unit_test_setup_teardown(test_too_many_checkpoints, rig_memory, rig_end),
		BOTH(test_unknown_checkpoint),
		BOTH(test_point_update),
		BOTH(test_cost_of_change),
		BOTH(test_a_put_is_one_row),
		BOTH(test_revisions_grow),
		BOTH(test_a_damaged_record),
		BOTH(test_a_damaged_value),
		BOTH(test_damaged_counters),
		BOTH(test_deadline),
		BOTH(test_interrupted),
		cmocka_unit_test_setup_teardown(test_urls, rig_memory, rig_end),
		BOTH(test_no_memory),
		cmocka_unit_test(test_no_memory_for_metadata),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
