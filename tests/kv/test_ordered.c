/*
 * The ordered maps, memory and LMDB, against an array that is searched from the front: random puts, deletes, looks from
 * all sides, transactions that are kept and such that are not.
 */
#include "../check.h"
#include "chance.h"

#include <stdlib.h>
#include <string.h>

#include "engine_rig.h"
#include "kv/ordered.h"

enum { KEYS = 300, KEY_MAX = 12, VALUE_MAX = 6000 };

struct item {
	uint8_t key[KEY_MAX];
	size_t key_len;
	uint8_t fill;
	size_t value_len;
};
struct model {
	struct item items[KEYS];
	size_t count;
};

static hf_context *ctx;
static char folder[64];

/* ---- the model ---- */

static bool by_suffix; /* of the map at hand */
/* Entries share their map with others (ordered.h), which lie behind them: from this first byte on. */
static bool shared;
enum { ENTRY_BYTE_END = 0x40 };

static int order(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int result = memcmp(a, b, common);
	return result ? result : (a_len > b_len) - (a_len < b_len);
}

static int key_order(struct hf_bytes a, struct hf_bytes b)
{
	if (!by_suffix)
		return order(a.ptr, a.len, b.ptr, b.len);
	int result = order(a.ptr, a.len - 4, b.ptr, b.len - 4);
	return result ? result : memcmp(a.ptr + a.len - 4, b.ptr + b.len - 4, 4);
}

static struct hf_bytes key_of(const struct item *item)
{
	return (struct hf_bytes){item->key, item->key_len};
}

/* Index of the first item not before `key`. */
static size_t place_of(const struct model *model, struct hf_bytes key)
{
	size_t i = 0;
	while (i < model->count && key_order(key_of(&model->items[i]), key) < 0)
		i++;
	return i;
}

static bool stands_at(const struct model *model, size_t i, struct hf_bytes key)
{
	return i < model->count && key_order(key_of(&model->items[i]), key) == 0;
}

static void model_put(struct model *model, struct hf_bytes key, uint8_t fill, size_t value_len)
{
	size_t i = place_of(model, key);
	if (!stands_at(model, i, key)) {
		assert_true(model->count < KEYS);
		memmove(&model->items[i + 1], &model->items[i], (model->count++ - i) * sizeof(model->items[0]));
	}
	memcpy(model->items[i].key, key.ptr, key.len);
	model->items[i].key_len = key.len;
	model->items[i].fill = fill;
	model->items[i].value_len = value_len;
}

static bool model_del(struct model *model, struct hf_bytes key)
{
	size_t i = place_of(model, key);
	if (!stands_at(model, i, key))
		return false;
	memmove(&model->items[i], &model->items[i + 1], (--model->count - i) * sizeof(model->items[0]));
	return true;
}

/* ---- keys: short, from few letters, so that they are often the same and often prefixes of one another ---- */

static struct hf_bytes random_key(uint64_t *state, uint8_t room[KEY_MAX])
{
	static const uint8_t letters[] = {0x00, 0x01, 'a', 0xff}, of_entries[] = {0x00, 0x01, 0x20, ENTRY_BYTE_END - 1};
	size_t len = 1 + chance_under(state, by_suffix ? 4 : 5) + (by_suffix ? 4 : 0);
	for (size_t i = 0; i < len; i++)
		room[i] = (i == 0 && shared ? of_entries : letters)[chance_under(state, i < 3 ? 4 : 2)];
	return (struct hf_bytes){room, len};
}

static void same_value(struct hf_bytes value, const struct item *item)
{
	assert_int_equal(value.len, item->value_len);
	for (size_t i = 0; i < value.len; i += i < 16 ? 1 : 97)
		assert_int_equal(value.ptr[i], item->fill);
}

static void same_pair(enum hf_status status, const struct ordered_pair *pair, const struct model *model, size_t i)
{
	if (i >= model->count) { /* also SIZE_MAX: before the first */
		if (shared && i != SIZE_MAX && status == HF_OK)
			assert_true(pair->key.ptr[0] >= ENTRY_BYTE_END);
		else
			assert_int_equal(status, HF_NOT_FOUND);
		return;
	}
	assert_int_equal(status, HF_OK);
	assert_int_equal(pair->key.len, model->items[i].key_len);
	assert_memory_equal(pair->key.ptr, model->items[i].key, pair->key.len);
	same_value(pair->value, &model->items[i]);
}

/* A few steps of a cursor from a random place. */
static void look_around(struct ordered_txn *txn, enum ordered_map map, const struct model *model, uint64_t *state)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	uint8_t room[KEY_MAX];
	const struct ordered_ops *ops = txn->store->ops;
	struct hf_bytes key = random_key(state, room);
	EXPECT_OK(ops->cursor_open(txn, map, &cursor, &err));
	size_t at = place_of(model, key);
	same_pair(ops->move(&cursor, ORDERED_AT, key, &pair, &err), &pair, model, at);
	for (int i = 0; i < 3 && at < model->count; i++)
		same_pair(ops->move(&cursor, ORDERED_NEXT, key, &pair, &err), &pair, model, ++at);
	if (!shared && chance_under(state, 8) == 0)
		key.ptr = NULL, at = model->count - 1;
	else
		at = place_of(model, key) - 1;
	same_pair(ops->move(&cursor, ORDERED_BEFORE, key, &pair, &err), &pair, model, at);
	for (int i = 0; i < 3 && at < model->count; i++)
		same_pair(ops->move(&cursor, ORDERED_PREVIOUS, key, &pair, &err), &pair, model, --at);
	ops->cursor_close(&cursor);
}

static void change_one(struct ordered_txn *txn, enum ordered_map map, struct model *model, uint64_t *state)
{
	hf_error err = HF_ERROR_INIT;
	uint8_t room[KEY_MAX], *place;
	struct hf_bytes value, key = random_key(state, room);
	const struct ordered_ops *ops = txn->store->ops;
	size_t i = place_of(model, key);
	uint8_t fill = (uint8_t)chance(state);
	size_t len = chance_under(state, 10) ? chance_under(state, 60) : chance_under(state, VALUE_MAX);
	switch (chance_under(state, 4)) {
	case 0:
	case 1:
		if (model->count == KEYS)
			return;
		EXPECT_OK(ops->put(txn, map, key, len, &place, &err));
		memset(place, fill, len);
		model_put(model, key, fill, len);
		break;
	case 2:
		assert_int_equal(ops->del(txn, map, key, &err), model_del(model, key) ? HF_OK : HF_NOT_FOUND);
		break;
	default:
		assert_int_equal(ops->get(txn, map, key, &value, &err),
		                 stands_at(model, i, key) ? HF_OK : HF_NOT_FOUND);
		if (stands_at(model, i, key))
			same_value(value, &model->items[i]);
	}
}

static void expect_all(struct ordered *store, enum ordered_map map, const struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_txn txn;
	struct ordered_cursor cursor;
	struct ordered_pair pair;
	static const struct hf_bytes first = {(const uint8_t *)"\0\0\0\0", 0};
	EXPECT_OK(store->ops->begin(store, ORDERED_READ, INT64_MAX, &txn, &err));
	EXPECT_OK(store->ops->cursor_open(&txn, map, &cursor, &err));
	struct hf_bytes from = by_suffix ? (struct hf_bytes){first.ptr, 4} : first;
	same_pair(store->ops->move(&cursor, ORDERED_AT, from, &pair, &err), &pair, model, 0);
	for (size_t i = 1; i <= model->count; i++)
		same_pair(store->ops->move(&cursor, ORDERED_NEXT, first, &pair, &err), &pair, model, i);
	store->ops->cursor_close(&cursor);
	store->ops->abort(&txn);
}

static void run_transaction(struct ordered *store, enum ordered_map map, struct model *model, uint64_t *state)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_txn txn;
	static struct model before;
	before = *model;
	enum ordered_mode mode = chance_under(state, 2) ? ORDERED_WRITE : ORDERED_WRITE_RELAXED;
	EXPECT_OK(store->ops->begin(store, mode, INT64_MAX, &txn, &err));
	for (uint64_t steps = chance_under(state, 40); steps > 0; steps--) {
		change_one(&txn, map, model, state);
		if (chance_under(state, 6) == 0)
			look_around(&txn, map, model, state);
	}
	if (chance_under(state, 3) == 0) {
		store->ops->abort(&txn);
		*model = before;
	} else {
		EXPECT_OK(store->ops->commit(&txn, &err));
	}
}

static void run_model(struct ordered *store, enum ordered_map map)
{
	static struct model model;
	uint64_t state = chance_seed();
	model.count = 0;
	by_suffix = map == ORDERED_HISTORY;
	shared = map == ORDERED_ENTRIES;
	for (int i = 0; i < 150; i++) {
		run_transaction(store, map, &model, &state);
		expect_all(store, map, &model);
	}
}

/* ---- both ---- */

static struct ordered *open_memory(void)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = NULL;
	EXPECT_OK(memory_map_open(ctx, &store, &err));
	return store;
}

static struct ordered *open_lmdb(void)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = NULL;
	EXPECT_OK(lmdb_map_open(ctx, folder, UINT64_C(1) << 30, &store, &err));
	return store;
}

static void test_model_memory(void **state)
{
	(void)state;
	struct ordered *store = open_memory();
	run_model(store, ORDERED_ENTRIES);
	run_model(store, ORDERED_HISTORY);
	store->ops->close(store);
}

static void test_model_lmdb(void **state)
{
	(void)state;
	struct ordered *store = open_lmdb();
	run_model(store, ORDERED_ENTRIES);
	run_model(store, ORDERED_HISTORY);
	store->ops->close(store);
}

/* What memory says it takes is what it takes: nothing is left when all is deleted. */
static void test_sizes_memory(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = open_memory();
	struct ordered_sizes empty, full, after;
	struct ordered_txn txn;
	uint8_t *place;
	EXPECT_OK(store->ops->sizes(store, INT64_MAX, &empty, &err));
	for (int round = 0; round < 2; round++) {
		EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
		for (uint8_t i = 0; i < 100; i++)
			EXPECT_OK(store->ops->put(&txn, ORDERED_ENTRIES, (struct hf_bytes){&i, 1}, 1000, &place, &err));
		EXPECT_OK(store->ops->commit(&txn, &err));
	}
	EXPECT_OK(store->ops->sizes(store, INT64_MAX, &full, &err));
	assert_in_range(full.entries_bytes, 100 * 1000, 100 * 1100);
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	for (uint8_t i = 0; i < 100; i++)
		EXPECT_OK(store->ops->del(&txn, ORDERED_ENTRIES, (struct hf_bytes){&i, 1}, &err));
	store->ops->abort(&txn);
	EXPECT_OK(store->ops->sizes(store, INT64_MAX, &after, &err));
	assert_int_equal(after.all_bytes, full.all_bytes);
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	for (uint8_t i = 0; i < 100; i++)
		EXPECT_OK(store->ops->del(&txn, ORDERED_ENTRIES, (struct hf_bytes){&i, 1}, &err));
	EXPECT_OK(store->ops->commit(&txn, &err));
	EXPECT_OK(store->ops->sizes(store, INT64_MAX, &after, &err));
	assert_int_equal(after.all_bytes, empty.all_bytes);
	store->ops->close(store);
}

static void expect_busy(struct ordered *store, enum ordered_mode mode)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered_txn txn;
	EXPECT_STATUS(store->ops->begin(store, mode, hf_deadline_in(ctx, 5), &txn, &err), HF_TIMEOUT);
}

/* Another thread would wait for ever: the deadline ends it. (Here it is the same thread, which is not allowed to.) */
static void test_deadline_of_begin(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	struct ordered *stores[] = {open_memory(), open_lmdb()};
	for (size_t i = 0; i < 2; i++) {
		struct ordered_txn txn;
		EXPECT_OK(stores[i]->ops->begin(stores[i], ORDERED_WRITE, INT64_MAX, &txn, &err));
		expect_busy(stores[i], ORDERED_WRITE);
		struct ordered_sizes sizes;
		enum hf_status status = stores[i]->ops->sizes(stores[i], hf_deadline_in(ctx, 5), &sizes, &err);
		assert_int_equal(status, i == 0 ? HF_TIMEOUT : HF_OK); /* in memory who reads waits for who writes */
		stores[i]->ops->abort(&txn);
		EXPECT_OK(stores[i]->ops->begin(stores[i], ORDERED_WRITE, INT64_MAX, &txn, &err));
		stores[i]->ops->abort(&txn);
		stores[i]->ops->close(stores[i]);
	}
}

/* ---- */

static int make_folder(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	snprintf(folder, sizeof(folder), "/tmp/holdfast-test-XXXXXX");
	return hf_context_new(NULL, &ctx, &err) == HF_OK && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	rig_remove(folder);
	hf_context_free(ctx);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_model_memory, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_model_lmdb, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_sizes_memory, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_deadline_of_begin, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
