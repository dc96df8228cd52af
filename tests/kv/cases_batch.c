/*
 * cases_batch.c - conformance: several keys in one call. All or nothing, in the order given, from one moment.
 */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>

static void get_many(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("c"), B("none"), B("a"), B("a"), B("")};
	struct hf_kv_read keys_only = {.keys_only = true};
	struct hf_kv_entry entries[ARRAY_LEN(keys)];
	kv_put(t, B("a"), B("1"), 0);
	kv_put(t, B("b"), B("2"), 0);
	kv_put(t, B("c"), B("3"), SECONDS(60));
	WANT_OK(hf_kv_get_many(t->kv, keys, ARRAY_LEN(keys), NULL, t->arena, entries, &t->err));
	WANT_BYTES(entries[0].value, B("3"));
	WANT_TRUE(entries[0].expires_us > 0);
	WANT_INT(entries[1].rev, 0);
	WANT_BYTES(entries[2].value, B("1"));
	WANT_INT(entries[3].rev, entries[2].rev);
	WANT_BYTES(entries[3].value, B("1"));
	WANT_INT(entries[4].rev, 0);
	WANT_OK(hf_kv_get_many(t->kv, keys, ARRAY_LEN(keys), &keys_only, t->arena, entries, &t->err));
	WANT_TRUE(entries[0].rev > 0 && entries[0].value.len == 0 && !entries[0].value.ptr);
	WANT_OK(hf_kv_get_many(t->kv, NULL, 0, NULL, t->arena, NULL, &t->err));
}

/* Absent is not empty. */
static void get_values(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("c"), B("none"), B("a"), B("gone"), B("a")};
	const struct hf_bytes values[] = {B("3"), {0}, B(""), {0}, B("")};
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry entries[ARRAY_LEN(keys)];
	kv_put(t, B("a"), B(""), 0);
	kv_put(t, B("c"), B("3"), SECONDS(60));
	kv_put(t, B("gone"), B("4"), 20000);
	kv_rig_pass(t->rig, 20000);
	WANT_OK(hf_kv_get_many(t->kv, keys, ARRAY_LEN(keys), &how, t->arena, entries, &t->err));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		WANT_BYTES(entries[i].value, values[i]);
		WANT_INT(entries[i].value.ptr != NULL, values[i].ptr != NULL);
		WANT_TRUE(entries[i].rev == 0 && entries[i].expires_us == 0 && entries[i].key.len == 0);
	}
}

/* Pages of 5,000 keys, from one moment. */
static void get_many_values(struct kv_test *t)
{
	enum { MANY = 5003 };
	const struct hf_kv_read how = {.value_only = true};
	struct hf_bytes *keys = hf_arena_alloc(t->arena, MANY * sizeof(*keys));
	struct hf_kv_entry *entries = hf_arena_alloc(t->arena, MANY * sizeof(*entries));
	char(*texts)[8] = hf_arena_alloc(t->arena, MANY * sizeof(*texts));
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "k%05zu", i);
		keys[i] = hf_kv_text(texts[i]);
	}
	WANT_OK(hf_kv_put_many(t->kv, keys, keys, MANY - 1, NULL, &t->err));
	WANT_OK(hf_kv_get_many(t->kv, keys, MANY, &how, t->arena, entries, &t->err));
	for (size_t i = 0; i < MANY - 1; i++)
		WANT_BYTES(entries[i].value, keys[i]);
	WANT_TRUE(!entries[MANY - 1].value.ptr);
}

static void value_refusals(struct kv_test *t)
{
	const struct hf_kv_read both = {.value_only = true, .keys_only = true};
	const struct hf_kv_range range = {.how.value_only = true};
	const struct hf_bytes key = B("k");
	struct hf_kv_entry entry, *entries;
	uint64_t n;
	size_t count;
	WANT(hf_kv_get(t->kv, key, &both, t->arena, &entry, &t->err), HF_E_USAGE);
	WANT(hf_kv_get_many(t->kv, &key, 1, &both, t->arena, &entry, &t->err), HF_E_USAGE);
	WANT(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err), HF_E_USAGE);
	WANT(hf_kv_count(t->kv, &range, &n, &t->err), HF_E_USAGE);
}

static void last_wins(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("b"), B("a"), B("b"), B("a"), B("b")};
	const struct hf_bytes values[] = {B("1"), B("2"), B("3"), B("4"), B("5")};
	struct hf_kv_stats before, after;
	hf_kv_stats(t->kv, &before);
	WANT_OK(hf_kv_put_many(t->kv, keys, values, ARRAY_LEN(keys), NULL, &t->err));
	hf_kv_stats(t->kv, &after);
	WANT_INT(after.put_count - before.put_count, ARRAY_LEN(keys)); /* what was submitted */
	kv_look(t, B("a"), B("4"), NULL, 0);
	kv_look(t, B("b"), B("5"), NULL, 0);
	WANT_INT(kv_live(t), 2);
}

static void put_many_replaces(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("a"), B("b"), B("c")}, values[] = {B(""), B("2"), B("3")};
	struct hf_kv_put put = {.ttl_us = SECONDS(60), .metadata = HF_STR("1")};
	WANT_OK(hf_kv_put(t->kv, B("a"), B("0"), &put, &t->err));
	put.ttl_us = 20000;
	WANT_OK(hf_kv_put(t->kv, B("b"), B("0"), &put, &t->err));
	kv_rig_pass(t->rig, 20000);
	WANT_OK(hf_kv_put_many(t->kv, keys, values, 3, NULL, &t->err));
	kv_look(t, B("a"), B(""), NULL, 0);
	struct hf_kv_entry b = kv_look(t, B("b"), B("2"), NULL, 0);
	WANT_INT(b.created_us, b.updated_us);
	kv_look(t, B("c"), B("3"), NULL, 0);
}

static void nothing_to_do(struct kv_test *t)
{
	size_t existed = 7;
	bool held = false;
	struct hf_kv_txn txn = {0};
	WANT_OK(hf_kv_put_many(t->kv, NULL, NULL, 0, NULL, &t->err));
	WANT_OK(hf_kv_delete_many(t->kv, NULL, 0, NULL, &existed, &t->err));
	WANT_INT(existed, 0);
	WANT_OK(hf_kv_apply(t->kv, NULL, 0, NULL, t->arena, NULL, &t->err));
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, NULL, &t->err));
	WANT_INT(held, true);
	WANT_INT(kv_live(t), 0);
}

static void delete_many(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("c"), B("none"), B("a"), B("c"), B("gone")};
	size_t existed = 77;
	kv_put(t, B("a"), B("1"), 0);
	kv_put(t, B("b"), B("2"), 0);
	kv_put(t, B("c"), B("3"), 0);
	kv_put(t, B("gone"), B("4"), 20000);
	kv_rig_pass(t->rig, 20000);
	WANT_OK(hf_kv_delete_many(t->kv, keys, ARRAY_LEN(keys), NULL, &existed, &t->err));
	WANT_INT(existed, 2);
	WANT_INT(kv_live(t), 1);
	kv_look(t, B("b"), B("2"), NULL, 0);
	WANT_OK(hf_kv_delete_many(t->kv, keys, ARRAY_LEN(keys), NULL, NULL, &t->err));
}

static void too_many(struct kv_test *t)
{
	size_t n = (size_t)HF_KV_BATCH_MAX + 1;
	struct hf_bytes *keys = calloc(n, sizeof(*keys)); /* refused by their number, never read */
	struct hf_kv_write *writes = calloc(n, sizeof(*writes));
	assert_true(keys && writes);
	WANT(hf_kv_put_many(t->kv, keys, keys, n, NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_delete_many(t->kv, keys, n, NULL, NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_get_many(t->kv, keys, n, NULL, t->arena, NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_apply(t->kv, writes, n, NULL, t->arena, NULL, &t->err), HF_E_LIMIT);
	WANT_INT(kv_live(t), 0);
	free(keys);
	free(writes);
}

static void a_large_one(struct kv_test *t)
{
	enum { N = 10000 };
	struct hf_bytes *keys = calloc(N, sizeof(*keys));
	uint32_t *numbers = calloc(N, sizeof(*numbers));
	assert_true(keys && numbers);
	for (uint32_t i = 0; i < N; i++) {
		numbers[i] = i * 2654435761u % 8000; /* out of order, some twice */
		keys[i] = (struct hf_bytes){(const uint8_t *)&numbers[i], sizeof(*numbers)};
	}
	size_t existed = 0;
	WANT_OK(hf_kv_put_many(t->kv, keys, keys, N, NULL, &t->err));
	uint64_t distinct = kv_live(t);
	WANT_TRUE(distinct > 4000 && distinct <= 8000);
	for (size_t i = 0; i < N; i += 997)
		kv_look(t, keys[i], keys[i], NULL, 0);
	WANT_OK(hf_kv_delete_many(t->kv, keys, N, NULL, &existed, &t->err));
	WANT_INT(existed, distinct);
	WANT_INT(kv_live(t), 0);
	free(keys);
	free(numbers);
}

/* ---- apply ---- */

static void in_order(struct kv_test *t)
{
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = B("k"), .value = B("1"), .flags = HF_KV_IF_ABSENT},
		{.op = HF_KV_ADD, .key = B("k"), .delta = 9},
		{.op = HF_KV_APPEND, .key = B("k"), .value = B("0"), .flags = HF_KV_RETURN_BEFORE},
		{.op = HF_KV_PUT, .key = B("other"), .value = B("x")},
		{.op = HF_KV_PUT,
	         .key = B("k"),
	         .value = B("y"),
	         .flags = HF_KV_IF_VALUE,
	         .if_value = B("100"),
	         .ttl_us = SECONDS(60)},
		{.op = HF_KV_READ, .key = B("k")},
		{.op = HF_KV_DELETE, .key = B("k")},
		{.op = HF_KV_DELETE, .key = B("k")},
		{.op = HF_KV_TOUCH, .key = B("k"), .ttl_us = SECONDS(9)},
		{.op = HF_KV_PUT, .key = B("k"), .value = B("z"), .flags = HF_KV_IF_ABSENT},
		{.op = HF_KV_TOUCH, .key = B("k"), .ttl_us = SECONDS(9)},
	};
	static const enum hf_kv_outcome want[] = {HF_KV_DONE,     HF_KV_DONE, HF_KV_DONE, HF_KV_DONE,
	                                          HF_KV_DONE,     HF_KV_DONE, HF_KV_DONE, HF_KV_NO_ENTRY,
	                                          HF_KV_NO_ENTRY, HF_KV_DONE, HF_KV_DONE};
	static const bool existed[] = {false, true, true, false, true, true, true, false, false, false, true};
	struct hf_kv_result results[ARRAY_LEN(writes)];
	WANT_OK(hf_kv_apply(t->kv, writes, ARRAY_LEN(writes), NULL, t->arena, results, &t->err));
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		if (results[i].outcome != want[i] || results[i].existed != existed[i])
			kv_wrong(t, "write %zu: expected %s, got %s (existed: %d)", i, hf_kv_outcome_word(want[i]),
			         hf_kv_outcome_word(results[i].outcome), results[i].existed);
		WANT_INT(results[i].rev == 0, i >= 6 && i <= 8);
	}
	WANT_INT(results[1].number, 10);
	WANT_BYTES(results[2].before.value, B("10"));
	WANT_BYTES(results[5].before.value, B("y"));
	WANT_TRUE(results[5].before.rev == results[5].rev && results[5].rev == results[4].rev);
	WANT_INT(kv_look(t, B("k"), B("z"), NULL, SECONDS(9)).rev, results[10].rev);
	kv_look(t, B("other"), B("x"), NULL, 0);
}

static void repeated_puts(struct kv_test *t)
{
	const struct hf_kv_write writes[] = {{.op = HF_KV_PUT, .key = B("k"), .value = B("1")},
	                                     {.op = HF_KV_PUT, .key = B("other"), .value = B("2")},
	                                     {.op = HF_KV_PUT, .key = B("k"), .value = B("3"), .ttl_us = SECONDS(60)},
	                                     {.op = HF_KV_PUT, .key = B("k"), .value = B("4")}};
	struct hf_kv_result results[4];
	WANT_OK(hf_kv_apply(t->kv, writes, 4, NULL, t->arena, results, &t->err));
	WANT_TRUE(!results[0].existed && !results[1].existed && results[2].existed && results[3].existed);
	WANT_TRUE(results[0].rev > 0 && results[0].rev < results[2].rev && results[2].rev < results[3].rev);
	WANT_INT(kv_look(t, B("k"), B("4"), NULL, 0).rev, results[3].rev);
	WANT_INT(kv_look(t, B("other"), B("2"), NULL, 0).rev, results[1].rev);
}

static void all_or_nothing(struct kv_test *t)
{
	struct hf_kv_write writes[6] = {
		{.op = HF_KV_PUT, .key = B("a"), .value = B("9")},
		{.op = HF_KV_DELETE, .key = B("b")},
		{.op = HF_KV_ADD, .key = B("n"), .delta = 1},
		{.op = HF_KV_PUT, .key = B("new"), .value = B("9")},
		{.op = HF_KV_PUT, .key = B("c"), .value = B("9"), .flags = HF_KV_IF_ABSENT},
		{.op = HF_KV_APPEND, .key = B("c"), .value = B("9")},
	};
	struct hf_kv_result results[6];
	kv_put(t, B("a"), B("1"), 0);
	kv_put(t, B("b"), B("2"), 0);
	kv_put(t, B("c"), B("3"), 0);
	int64_t rev = kv_look(t, B("c"), B("3"), NULL, 0).rev;
	for (size_t at = 4;; at = 0) { /* the refused one in the middle, then at the front */
		struct hf_kv_write refused = {.op = HF_KV_PUT,
		                              .key = B("c"),
		                              .value = B("9"),
		                              .flags = HF_KV_IF_ABSENT};
		writes[4].flags = 0;
		writes[at] = refused;
		WANT(hf_kv_apply(t->kv, writes, 6, NULL, t->arena, results, &t->err), HF_CONFLICT);
		for (size_t i = 0; i < 6; i++)
			if (results[i].outcome != (writes[i].flags ? HF_KV_EXISTS : HF_KV_UNDONE))
				kv_wrong(t, "refused at %zu: write %zu says %s", at, i,
				         hf_kv_outcome_word(results[i].outcome));
		WANT_INT(results[at].rev, rev);
		kv_look(t, B("a"), B("1"), NULL, 0);
		kv_look(t, B("b"), B("2"), NULL, 0);
		WANT_INT(kv_look(t, B("c"), B("3"), NULL, 0).rev, rev);
		kv_look_gone(t, B("n"));
		kv_look_gone(t, B("new"));
		WANT_INT(kv_live(t), 3);
		if (at == 0)
			break;
	}
}

static void large_and_refused(struct kv_test *t)
{
	enum { N = 5000 };
	struct hf_kv_write *writes = calloc(N + 1, sizeof(*writes));
	uint32_t *numbers = calloc(N, sizeof(*numbers));
	assert_true(writes && numbers);
	for (uint32_t i = 0; i < N; i++) {
		numbers[i] = i;
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                                 .key = {(const uint8_t *)&numbers[i], 4},
		                                 .value = B("v")};
	}
	writes[N] = (struct hf_kv_write){.op = HF_KV_PUT, .key = B("last"), .flags = HF_KV_IF_PRESENT};
	WANT(hf_kv_apply(t->kv, writes, N + 1, NULL, t->arena, NULL, &t->err), HF_CONFLICT);
	WANT_INT(kv_live(t), 0);
	WANT_OK(hf_kv_apply(t->kv, writes, N, NULL, t->arena, NULL, &t->err));
	WANT_INT(kv_live(t), N);
	free(writes);
	free(numbers);
}

static void before_images(struct kv_test *t)
{
	struct hf_kv_put put = {.ttl_us = SECONDS(60), .metadata = HF_STR("{\"a\":1}")};
	WANT_OK(hf_kv_put(t->kv, B("k"), B("1"), &put, &t->err));
	struct hf_kv_entry first = kv_look(t, B("k"), B("1"), "{\"a\":1}", SECONDS(60));
	struct hf_kv_write writes[] = {{.op = HF_KV_PUT, .key = B("none"), .value = B("2")},
	                               {.op = HF_KV_TOUCH, .key = B("k"), .ttl_us = SECONDS(9)},
	                               {.op = HF_KV_DELETE, .key = B("k")}};
	struct hf_kv_result results[3];
	for (size_t i = 0; i < 3; i++)
		writes[i].flags = HF_KV_RETURN_BEFORE;
	WANT_OK(hf_kv_apply(t->kv, writes, 3, NULL, t->arena, results, &t->err));
	WANT_INT(results[0].before.rev, 0);
	WANT_INT(results[1].before.rev, first.rev);
	WANT_INT(results[1].before.expires_us, first.expires_us);
	WANT_INT(results[1].before.created_us, first.created_us);
	WANT_BYTES(results[1].before.value, B("1"));
	WANT_BYTES(results[1].before.key, B("k"));
	WANT_INT(results[1].before.metadata.len, 7);
	WANT_INT(results[2].before.rev, results[1].rev);
	WANT_TRUE(results[2].before.expires_us < first.expires_us);
}

/* ---- transact ---- */

static void transact_branches(struct kv_test *t)
{
	struct hf_kv_write compare[] = {{.op = HF_KV_READ, .key = B("a"), .flags = HF_KV_IF_VALUE, .if_value = B("1")},
	                                {.op = HF_KV_READ, .key = B("b"), .flags = HF_KV_IF_ABSENT}};
	const struct hf_kv_write then[] = {{.op = HF_KV_PUT, .key = B("b"), .value = B("yes")},
	                                   {.op = HF_KV_ADD, .key = B("n"), .delta = 5}};
	const struct hf_kv_write otherwise[] = {{.op = HF_KV_READ, .key = B("a")}};
	const struct hf_kv_txn txn = {compare, 2, then, 2, otherwise, 1};
	struct hf_kv_result results[2] = {{0}};
	bool held = true;
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err));
	WANT_INT(held, false);
	WANT_INT(results[0].outcome, HF_KV_NO_ENTRY);
	kv_look_gone(t, B("b"));
	kv_put(t, B("a"), B("1"), 0);
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err));
	WANT_INT(held, true);
	WANT_INT(results[1].number, 5);
	kv_look(t, B("b"), B("yes"), NULL, 0);
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err));
	WANT_INT(held, false);
	WANT_BYTES(results[0].before.value, B("1"));
	kv_look(t, B("n"), B("5"), NULL, 0);
}

static void transact_empty_branches(struct kv_test *t)
{
	const struct hf_kv_write compare = {.op = HF_KV_READ, .key = B("k"), .flags = HF_KV_IF_PRESENT};
	const struct hf_kv_write put = {.op = HF_KV_PUT, .key = B("k"), .value = B("v")};
	struct hf_kv_txn txn = {.compare = &compare, .ncompare = 1, .otherwise = &put, .notherwise = 1};
	struct hf_kv_result result;
	bool held = true;
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, &result, &t->err));
	WANT_INT(held, false);
	kv_look(t, B("k"), B("v"), NULL, 0);
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, &result, &t->err));
	WANT_INT(held, true);
	WANT_INT(kv_live(t), 1);
}

static void transact_refused(struct kv_test *t)
{
	const struct hf_kv_write then[] = {
		{.op = HF_KV_PUT, .key = B("a"), .value = B("2")},
		{.op = HF_KV_PUT, .key = B("k"), .value = B("v"), .flags = HF_KV_IF_PRESENT}};
	const struct hf_kv_write put = {.op = HF_KV_PUT, .key = B("k"), .value = B("v")};
	struct hf_kv_txn txn = {.then = then, .nthen = 2};
	struct hf_kv_result results[2] = {{0}};
	bool held = false;
	kv_put(t, B("a"), B("1"), 0);
	WANT(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err), HF_CONFLICT);
	WANT_INT(results[0].outcome, HF_KV_UNDONE);
	WANT_INT(results[1].outcome, HF_KV_ABSENT);
	kv_look(t, B("a"), B("1"), NULL, 0);
	txn = (struct hf_kv_txn){.compare = &put, .ncompare = 1}; /* compares do not write */
	WANT(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err), HF_E_USAGE);
	kv_look_gone(t, B("k"));
}

static void relaxed(struct kv_test *t)
{
	struct hf_kv_how how = {.durability = HF_KV_RELAXED, .durability_set = true};
	struct hf_kv_put put = {.how = how};
	const struct hf_bytes key = B("b"), value = B("2");
	WANT_OK(hf_kv_put(t->kv, B("a"), B("1"), &put, &t->err));
	WANT_OK(hf_kv_put_many(t->kv, &key, &value, 1, &how, &t->err));
	kv_look(t, B("a"), B("1"), NULL, 0);
	kv_look(t, B("b"), B("2"), NULL, 0);
}

const struct kv_case kv_cases_batch[] = {
	{.name = "get_many answers in the order of the keys, absent ones and repeated ones too", .run = get_many},
	{.name = "values alone come in the order of the keys, empty ones told from absent ones", .run = get_values},
	{.name = "thousands of values in one call", .run = get_many_values},
	{.name = "values alone of ranges, and with keys alone, are refused", .run = value_refusals},
	{.name = "the last of a key wins in put_many", .run = last_wins},
	{.name = "put_many replaces as a whole", .run = put_many_replaces},
	{.name = "nothing to do is done", .run = nothing_to_do},
	{.name = "delete_many counts what existed, once", .run = delete_many},
	{.name = "a million writes a call and one more is refused", .run = too_many},
	{.name = "ten thousand puts in one call", .run = a_large_one},
	{.name = "writes of one call take effect in their order", .run = in_order},
	{.name = "each put of a key in a call has a revision", .run = repeated_puts},
	{.name = "a refused write undoes all of its call", .run = all_or_nothing},
	{.name = "a refused write undoes five thousand others", .run = large_and_refused},
	{.name = "what stood there before comes with every field", .run = before_images},
	{.name = "a transaction takes one branch", .run = transact_branches},
	{.name = "a branch may be empty", .run = transact_empty_branches},
	{.name = "a refused write in a branch undoes the transaction", .run = transact_refused},
	{.name = "relaxed writes are seen like others", .run = relaxed},
	{0},
};
