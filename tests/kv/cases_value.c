/*
 * cases_value.c - conformance: values that are kept compressed are seen by nobody. Each case runs with values that
 * shrink and with noise that does not.
 */
#include <stdlib.h>

#include "holdfast/kv_checkpoint.h"
#include "steps.h"

enum { LONG = 20000, LINE = 600 };

/* `len` bytes; what does not shrink is of a generator that everybody gets the same numbers from. */
static struct hf_bytes made(struct kv_test *t, size_t len, bool shrinks, uint64_t seed)
{
	uint8_t *bytes = hf_arena_alloc(t->arena, len + 1);
	WANT_TRUE(bytes);
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[i] = shrinks ? (uint8_t)("abcdefgh"[(i / 40 + seed % 2) % 8]) : (uint8_t)(seed >> 56);
	}
	return (struct hf_bytes){bytes, len};
}

static struct hf_bytes joined(struct kv_test *t, struct hf_bytes a, struct hf_bytes b)
{
	uint8_t *bytes = hf_arena_alloc(t->arena, a.len + b.len + 1);
	WANT_TRUE(bytes);
	memcpy(bytes, a.ptr, a.len);
	memcpy(bytes + a.len, b.ptr, b.len);
	return (struct hf_bytes){bytes, a.len + b.len};
}

static void every_length(struct kv_test *t)
{
	static const size_t lengths[] = {
		HF_KV_COMPRESS_FROM - 1, HF_KV_COMPRESS_FROM, HF_KV_COMPRESS_FROM + 1, 4096, LONG, 1 << 20};
	for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
		struct hf_bytes value = made(t, lengths[i / 2], i % 2, i);
		struct hf_kv_put put = {.ttl_us = SECONDS(60), .metadata = HF_STR("{\"a\":1}")};
		WANT_OK(hf_kv_put(t->kv, B("k"), value, &put, &t->err));
		kv_look(t, B("k"), value, "{\"a\":1}", SECONDS(60));
		kv_put(t, B("k"), B("short"), 0);
		kv_look(t, B("k"), B("short"), NULL, 0);
	}
}

static void many(struct kv_test *t)
{
	struct hf_bytes keys[40], values[40];
	struct hf_kv_entry entries[40];
	for (size_t i = 0; i < 40; i++) {
		keys[i] = (struct hf_bytes){(const uint8_t *)"0123456789abcdefghijklmnopqrstuvwxyzABCD" + i, 1};
		values[i] = made(t, i * 100, i % 3, i);
	}
	WANT_OK(hf_kv_put_many(t->kv, keys, values, 40, NULL, &t->err));
	WANT_OK(hf_kv_get_many(t->kv, keys, 40, NULL, t->arena, entries, &t->err));
	for (size_t i = 0; i < 40; i++)
		WANT_BYTES(entries[i].value, values[i]);
}

static enum hf_kv_outcome apply_one(struct kv_test *t, struct hf_kv_write write, struct hf_kv_result *ret_result)
{
	enum hf_status status = hf_kv_apply(t->kv, &write, 1, NULL, t->arena, ret_result, &t->err);
	if (status != HF_OK && status != HF_CONFLICT)
		kv_wrong(t, "operation %d answers %s: %s", (int)write.op, hf_status_word(status), t->err.message);
	return ret_result->outcome;
}

static void compared(struct kv_test *t)
{
	for (int shrinks = 0; shrinks < 2; shrinks++) {
		struct hf_bytes value = made(t, LONG, shrinks, 1), other = made(t, LONG, shrinks, 2);
		struct hf_kv_result result;
		kv_put(t, B("k"), value, 0);
		struct hf_kv_write put = {.op = HF_KV_PUT, .key = B("k"), .value = other, .flags = HF_KV_IF_VALUE};
		put.if_value = other;
		WANT_INT(apply_one(t, put, &result), HF_KV_CHANGED);
		put.if_value = (struct hf_bytes){value.ptr, value.len - 1};
		WANT_INT(apply_one(t, put, &result), HF_KV_CHANGED);
		kv_look(t, B("k"), value, NULL, 0);
		put.if_value = value;
		WANT_INT(apply_one(t, put, &result), HF_KV_DONE);
		kv_look(t, B("k"), other, NULL, 0);
		WANT_OK(hf_kv_compare_and_set(t->kv, B("k"), other, value, NULL, &t->err));
		WANT(hf_kv_compare_and_set(t->kv, B("k"), other, value, NULL, &t->err), HF_CONFLICT);
		kv_look(t, B("k"), value, NULL, 0);
	}
}

static void appended(struct kv_test *t)
{
	for (int i = 0; i < 4; i++) {
		struct hf_bytes first = made(t, LONG, i & 1, 1), second = made(t, LINE, i & 2, 2);
		struct hf_kv_put put = {.ttl_us = SECONDS(60), .metadata = HF_STR("1")};
		WANT_OK(hf_kv_put(t->kv, B("k"), first, &put, &t->err));
		struct hf_bytes want = first;
		for (int n = 0; n < 3; n++) {
			WANT_OK(hf_kv_append(t->kv, B("k"), second, NULL, &t->err));
			want = joined(t, want, second);
			kv_look(t, B("k"), want, "1", SECONDS(60));
		}
		WANT_OK(hf_kv_append(t->kv, B("k"), B("."), NULL, &t->err));
		kv_look(t, B("k"), joined(t, want, B(".")), "1", SECONDS(60));
	}
}

/* In one call each builds on the one before, whatever it stored. */
static void in_one_call(struct kv_test *t)
{
	struct hf_bytes first = made(t, LONG, true, 1), second = made(t, LINE, true, 2);
	struct hf_bytes both = joined(t, first, second);
	struct hf_kv_result results[5];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = B("k"), .value = first},
		{.op = HF_KV_APPEND, .key = B("k"), .value = second, .flags = HF_KV_IF_VALUE, .if_value = first},
		{.op = HF_KV_READ, .key = B("k"), .flags = HF_KV_IF_VALUE, .if_value = both},
		{.op = HF_KV_PUT, .key = B("k"), .value = second, .flags = HF_KV_RETURN_BEFORE},
		{.op = HF_KV_TOUCH, .key = B("k"), .ttl_us = SECONDS(60), .flags = HF_KV_RETURN_BEFORE},
	};
	WANT_OK(hf_kv_apply(t->kv, writes, ARRAY_LEN(writes), NULL, t->arena, results, &t->err));
	WANT_BYTES(results[2].before.value, both);
	WANT_BYTES(results[3].before.value, both);
	WANT_BYTES(results[4].before.value, second);
	kv_look(t, B("k"), second, NULL, SECONDS(60));
	WANT_OK(hf_kv_persist(t->kv, B("k"), NULL, &t->err));
	kv_look(t, B("k"), second, NULL, 0);
}

static void taken(struct kv_test *t)
{
	struct hf_bytes value = made(t, LONG, true, 1), other = made(t, LONG, true, 2);
	struct hf_kv_entry before = {0};
	kv_put(t, B("k"), value, 0);
	WANT_OK(hf_kv_get_and_put(t->kv, B("k"), other, NULL, t->arena, &before, &t->err));
	WANT_BYTES(before.value, value);
	WANT_OK(hf_kv_get_and_delete(t->kv, B("k"), NULL, t->arena, &before, &t->err));
	WANT_BYTES(before.value, other);
	kv_look_gone(t, B("k"));
}

static void transacted(struct kv_test *t)
{
	struct hf_bytes value = made(t, LONG, true, 1), other = made(t, LONG, true, 2);
	for (int equal = 0; equal < 2; equal++) {
		const struct hf_kv_write compare = {.op = HF_KV_READ,
		                                    .key = B("k"),
		                                    .flags = HF_KV_IF_VALUE,
		                                    .if_value = equal ? value : other};
		const struct hf_kv_write then = {.op = HF_KV_PUT, .key = B("then"), .value = other};
		const struct hf_kv_write otherwise = {.op = HF_KV_APPEND, .key = B("k2"), .value = value};
		const struct hf_kv_txn txn = {&compare, 1, &then, 1, &otherwise, 1};
		struct hf_kv_result result;
		bool held = !equal;
		kv_put(t, B("k"), value, 0);
		kv_put(t, B("k2"), other, 0);
		WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, &result, &t->err));
		WANT_INT(held, equal);
		if (equal)
			kv_look(t, B("then"), other, NULL, 0);
		else
			kv_look(t, B("k2"), joined(t, other, value), NULL, 0);
		WANT_OK(hf_kv_delete(t->kv, B("then"), NULL, NULL, &t->err));
		WANT_OK(hf_kv_delete(t->kv, B("k2"), NULL, NULL, &t->err));
	}
}

/* A number with so many zeros in front that it is kept compressed. */
static void long_number(struct kv_test *t)
{
	int64_t sum = 0;
	char digits[LINE];
	memset(digits, '0', sizeof(digits));
	digits[sizeof(digits) - 2] = '4';
	kv_put(t, B("n"), (struct hf_bytes){(const uint8_t *)digits, sizeof(digits)}, 0);
	WANT_OK(hf_kv_increment(t->kv, B("n"), 2, NULL, &sum, &t->err));
	WANT_INT(sum, 42);
	kv_put(t, B("n"), made(t, LINE, true, 1), 0);
	WANT(hf_kv_increment(t->kv, B("n"), 2, NULL, &sum, &t->err), HF_CONFLICT);
}

static void lengths_count(struct kv_test *t)
{
	struct hf_kv_stats stats;
	struct hf_kv_entry entry;
	struct hf_bytes value = made(t, LONG, true, 1);
	hf_kv_stats(t->kv, &stats);
	uint64_t written = stats.bytes_written, read = stats.bytes_read;
	kv_put(t, B("k"), value, 0);
	WANT_OK(hf_kv_get(t->kv, B("k"), NULL, t->arena, &entry, &t->err));
	hf_kv_stats(t->kv, &stats);
	WANT_INT(stats.bytes_written - written, LONG + 1);
	WANT_INT(stats.bytes_read - read, LONG);
}

static enum hf_status count_change(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	*(size_t *)user += entry->value.len;
	return HF_OK;
}

static void in_checkpoints(struct kv_test *t)
{
	struct hf_bytes value = made(t, LONG, true, 1), other = made(t, LONG, true, 2);
	struct hf_kv_checkpoint point;
	struct hf_kv_restored restored;
	struct hf_kv_entry then;
	struct hf_bytes key = B("k");
	size_t changed = 0;
	if (!(hf_kv_capabilities(t->kv) & HF_KV_CAN_CHECKPOINT))
		return;
	kv_put(t, key, value, 0);
	WANT_OK(hf_kv_checkpoint_create(t->kv, NULL, t->arena, &point, &t->err));
	WANT_INT(point.data_size, LONG + 1);
	kv_put(t, key, other, 0);
	WANT_OK(hf_kv_get_many_at(t->kv, &point.id, &key, 1, NULL, t->arena, &then, &t->err));
	WANT_BYTES(then.value, value);
	WANT_OK(hf_kv_checkpoint_diff(t->kv, &point.id, NULL, count_change, &changed, &t->err));
	WANT_INT(changed, LONG);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &point.id, NULL, &restored, &t->err));
	kv_look(t, key, value, NULL, 0);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &restored.undo, NULL, &restored, &t->err));
	kv_look(t, key, other, NULL, 0);
}

/* Handles differ in what they compress, not in what they read. */
static void across_handles(struct kv_test *t)
{
	const struct hf_kv_options never = {.size = sizeof(never),
	                                    .name_space = t->name,
	                                    .sweep_interval_ms = -1,
	                                    .durability = HF_KV_RELAXED,
	                                    .compress_from = HF_KV_COMPRESS_NEVER};
	const struct hf_kv_options little = {.size = sizeof(little),
	                                     .name_space = t->name,
	                                     .sweep_interval_ms = -1,
	                                     .durability = HF_KV_RELAXED,
	                                     .value_bytes_max = LINE};
	struct hf_bytes value = made(t, LONG, true, 1);
	struct hf_kv_entry entry;
	hf_kv *other = NULL;
	if (strcmp(t->rig->kind, "memory") == 0 || strcmp(t->rig->kind, "lmdb") == 0)
		return; /* one handle a process: engine_value.c */
	kv_put(t, B("k"), value, 0);
	WANT_OK(kv_rig_open_at(t->rig, t->rig->url, &never, &other, &t->err));
	WANT_OK(hf_kv_get(other, B("k"), NULL, t->arena, &entry, &t->err));
	WANT_BYTES(entry.value, value);
	WANT_OK(hf_kv_put(other, B("raw"), value, NULL, &t->err));
	hf_kv_close(other);
	kv_look(t, B("raw"), value, NULL, 0);
	WANT_OK(kv_rig_open_at(t->rig, t->rig->url, &little, &other, &t->err));
	WANT(hf_kv_get(other, B("k"), NULL, t->arena, &entry, &t->err), HF_E_LIMIT);
	hf_kv_close(other);
}

const struct kv_case kv_cases_value[] = {
	{.name = "values of every length come back", .run = every_length},
	{.name = "long and short values in one call", .run = many},
	{.name = "long values are compared as they are", .run = compared},
	{.name = "long values grow", .run = appended},
	{.name = "writes of one call build on long values", .run = in_one_call},
	{.name = "long values are handed out when they go", .run = taken},
	{.name = "transactions compare long values", .run = transacted},
	{.name = "a long number is one", .run = long_number},
	{.name = "lengths are those of the values", .run = lengths_count},
	{.name = "checkpoints have long values", .run = in_checkpoints},
	{.name = "handles read what others compressed", .run = across_handles},
	{0},
};
