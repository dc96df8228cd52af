/*
 * test_model.c - random calls on a store and on the model of model.h: every answer must be the same, and so must what
 * stands there afterwards. test_kv_model KIND; the seed is printed, HOLDFAST_TEST_SEED repeats it.
 *
 * Where the clock is the server's, a time to live is either long or over before the next call.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "chance.h"
#include "steps.h"

enum { WRITES_MAX = 7, SHORT_US = 15000 };

static struct kv_rig rig;
static struct kv_test test;
static struct model model;
static uint64_t seed;
static bool short_lived; /* a write of this call has a time to live that must be over before the next */

static uint64_t below(uint64_t n)
{
	return chance_under(&seed, n);
}

/* ---- random inputs ---- */

static struct hf_bytes random_key(void)
{
	return model_keys[below(MODEL_KEYS)];
}

static struct hf_bytes random_value(void)
{
	static const struct hf_bytes values[] = {BYTES(""),  BYTES("7"),        BYTES("-3"),
	                                         BYTES("x"), BYTES("\0"),       BYTES("9223372036854775807"),
	                                         BYTES("0"), BYTES("\xff\xfe"), BYTES("a longer value")};
	return values[below(ARRAY_LEN(values))];
}

static struct hf_str random_metadata(void)
{
	static const char *const texts[] = {NULL, NULL, "{\"a\":1}", "{\"a\":1,\"b\":[1,2]}", "\"x\"", "null"};
	return hf_str_of(texts[below(ARRAY_LEN(texts))]);
}

static int64_t random_ttl(void)
{
	if (below(3) > 0)
		return SECONDS(600) + (int64_t)below(1000);
	if (rig.own_clock)
		return 1 + (int64_t)below(100);
	short_lived = true;
	return SHORT_US;
}

static uint32_t random_conditions(const struct model_entry *entry, struct hf_kv_write *write)
{
	uint32_t flags = 0;
	if (below(3) > 0)
		return 0;
	if (below(4) == 0)
		return HF_KV_IF_ABSENT;
	if (below(3) == 0)
		flags |= HF_KV_IF_PRESENT;
	if (below(3) == 0 &&
	    entry->rev != MODEL_REV_NEW) { /* nobody can name the revision of a write before the call */
		flags |= HF_KV_IF_REV;
		write->if_rev = below(3) ? entry->rev : entry->rev - 1;
	}
	if (below(2) == 0) {
		flags |= HF_KV_IF_VALUE;
		write->if_value = below(3) ? (struct hf_bytes){entry->value, entry->len} : random_value();
	}
	return flags;
}

static uint32_t random_put_flags(struct hf_kv_write *write)
{
	uint32_t flags = 0;
	write->metadata = random_metadata();
	if (below(4) == 0)
		write->ttl_us = random_ttl();
	if (below(4) == 0)
		flags |= HF_KV_KEEP_TTL;
	else if (below(4) == 0 && write->ttl_us == 0)
		flags |= HF_KV_NO_TTL;
	if (below(4) == 0) {
		flags |= HF_KV_KEEP_METADATA;
		write->metadata = (struct hf_str){NULL, 0};
	}
	return flags;
}

static struct hf_kv_write random_write(void)
{
	static const enum hf_kv_op ops[] = {HF_KV_PUT,     HF_KV_PUT,   HF_KV_PUT, HF_KV_PUT,
	                                    HF_KV_DELETE,  HF_KV_ADD,   HF_KV_ADD, HF_KV_APPEND,
	                                    HF_KV_PERSIST, HF_KV_TOUCH, HF_KV_READ};
	struct hf_kv_write write = {.op = ops[below(ARRAY_LEN(ops))], .key = random_key()};
	if (write.op == HF_KV_PUT) {
		write.value = random_value();
		write.flags = random_put_flags(&write);
	} else if (write.op == HF_KV_APPEND) {
		write.value = random_value();
	} else if (write.op == HF_KV_ADD) {
		write.delta = below(8) ? (int64_t)below(20) - 10 : INT64_MAX;
	} else if (write.op == HF_KV_TOUCH) {
		write.ttl_us = random_ttl();
	}
	if (below(3) == 0)
		write.flags |= HF_KV_RETURN_BEFORE;
	write.flags |= random_conditions(&model.entries[model_index(write.key)], &write);
	return write;
}

/* ---- comparing ---- */

#define WRONG(...) kv_wrong(&test, __VA_ARGS__)

static void compare_entry(const char *what, const struct hf_kv_entry *got, const struct model_entry *want,
                          bool keys_only)
{
	struct hf_bytes value = {want->value, want->len};
	if ((got->rev != 0) != want->there)
		WRONG("%s: \"%s\": expected %s", what, kv_show(got->key), want->there ? "an entry" : "none");
	if (!want->there)
		return;
	if (!keys_only && !kv_same(got->value, value))
		WRONG("%s: \"%s\": expected value \"%s\", got \"%s\"", what, kv_show(got->key), kv_show(value),
		      kv_show(got->value));
	struct hf_bytes metadata = {(const uint8_t *)got->metadata.ptr, got->metadata.len};
	if (!keys_only && (!want->metadata != !metadata.ptr || !kv_same(metadata, hf_kv_text(want->metadata))))
		WRONG("%s: \"%s\": expected metadata %s, got %s", what, kv_show(got->key),
		      want->metadata ? want->metadata : "(none)", kv_show(metadata));
	if (want->rev != MODEL_REV_NEW && got->rev != want->rev)
		WRONG("%s: \"%s\": expected revision %lld, got %lld", what, kv_show(got->key), (long long)want->rev,
		      (long long)got->rev);
	if ((got->expires_us == HF_KV_NEVER) != (want->expires_us == HF_KV_NEVER))
		WRONG("%s: \"%s\": expected %s expiry", what, kv_show(got->key), want->expires_us ? "an" : "no");
	if (rig.own_clock && (got->created_us != want->created_us || got->updated_us != want->updated_us ||
	                      got->expires_us != want->expires_us))
		WRONG("%s: \"%s\": expected times %lld %lld %lld, got %lld %lld %lld", what, kv_show(got->key),
		      (long long)want->created_us, (long long)want->updated_us, (long long)want->expires_us,
		      (long long)got->created_us, (long long)got->updated_us, (long long)got->expires_us);
}

static void compare_result(size_t i, const struct hf_kv_write *write, const struct hf_kv_result *got,
                           const struct model_result *want)
{
	bool shows = write->op == HF_KV_READ || (write->flags & HF_KV_RETURN_BEFORE);
	if (got->outcome != want->outcome || got->existed != want->existed)
		WRONG("write %zu, operation %d of \"%s\" with flags %x: expected %s (existed: %d), got %s (%d)", i,
		      (int)write->op, kv_show(write->key), write->flags, hf_kv_outcome_word(want->outcome),
		      want->existed, hf_kv_outcome_word(got->outcome), got->existed);
	if (write->op == HF_KV_ADD && want->outcome == HF_KV_DONE && got->number != want->number)
		WRONG("write %zu: expected the sum %lld, got %lld", i, (long long)want->number, (long long)got->number);
	if (shows && want->outcome <= HF_KV_NO_ENTRY)
		compare_entry("before", &got->before, &want->before, false);
}

/* The revisions that the store gave, in the order of the writes, taken over into the model. */
static void take_revision(size_t i, const struct hf_kv_write *write, const struct hf_kv_result *got, bool last)
{
	size_t at = model_index(write->key);
	struct model_entry *entry = &model.entries[at];
	bool gives = write->op == HF_KV_PUT || write->op == HF_KV_ADD || write->op == HF_KV_APPEND;
	if (gives && got->rev <= model.rev_max[at])
		WRONG("write %zu: \"%s\" had revision %lld, now %lld", i, kv_show(write->key),
		      (long long)model.rev_max[at], (long long)got->rev);
	if (gives)
		model.rev_max[at] = got->rev;
	if (last && entry->there && entry->rev == MODEL_REV_NEW)
		entry->rev = model.rev_max[at];
	if (last && got->rev != (model_lives(&model, entry) ? entry->rev : 0))
		WRONG("write %zu: \"%s\": expected revision %lld, got %lld", i, kv_show(write->key),
		      (long long)entry->rev, (long long)got->rev);
}

static void take_revisions(const struct hf_kv_write *writes, const struct hf_kv_result *results, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool last = true;
		for (size_t j = i + 1; j < count; j++)
			last &= !kv_same(writes[i].key, writes[j].key);
		take_revision(i, &writes[i], &results[i], last);
	}
}

/* The first refused one is said; those before it were undone; nothing else is DONE. */
static void compare_refusal(const struct hf_kv_result *results, const struct model_result *want, size_t count,
                            size_t refused)
{
	for (size_t i = 0; i < count; i++) {
		if (i == refused ? results[i].outcome != want[i].outcome
		                 : results[i].outcome != HF_KV_UNDONE &&
		                           (i < refused || results[i].outcome <= HF_KV_NO_ENTRY))
			WRONG("write %zu of %zu, refused is %zu: expected %s, got %s", i, count, refused,
			      hf_kv_outcome_word(i == refused ? want[i].outcome : HF_KV_UNDONE),
			      hf_kv_outcome_word(results[i].outcome));
	}
}

static void compare_writes(enum hf_status status, const struct hf_kv_write *writes, const struct hf_kv_result *results,
                           size_t count)
{
	struct model_result want[WRITES_MAX];
	size_t refused = 0;
	bool done = model_apply(&model, writes, count, want, &refused);
	enum hf_status expected = done ? HF_OK : want[refused].outcome == HF_KV_TOO_LONG ? HF_E_LIMIT : HF_CONFLICT;
	if (status != expected)
		WRONG("%zu writes: expected %s, got %s: %s %s", count, hf_status_word(expected), hf_status_word(status),
		      test.err.message, test.err.detail);
	if (!done) {
		compare_refusal(results, want, count, refused);
		return;
	}
	for (size_t i = 0; i < count; i++)
		compare_result(i, &writes[i], &results[i], &want[i]);
	take_revisions(writes, results, count);
}

/* ---- one call ---- */

static void call_apply(void)
{
	struct hf_kv_write writes[WRITES_MAX];
	struct hf_kv_result results[WRITES_MAX];
	size_t count = below(2) ? 1 : 1 + below(WRITES_MAX);
	for (size_t i = 0; i < count; i++)
		writes[i] = random_write();
	enum hf_status status = hf_kv_apply(test.kv, writes, count, NULL, test.arena, results, &test.err);
	compare_writes(status, writes, results, count);
}

static void call_transact(void)
{
	struct hf_kv_write compare[2], then[WRITES_MAX], otherwise[WRITES_MAX];
	struct hf_kv_result results[WRITES_MAX];
	struct hf_kv_txn txn = {compare, below(3), then, below(WRITES_MAX), otherwise, below(WRITES_MAX)};
	bool held = false;
	for (size_t i = 0; i < txn.ncompare; i++) {
		compare[i] = (struct hf_kv_write){.op = HF_KV_READ, .key = random_key()};
		compare[i].flags = random_conditions(&model.entries[model_index(compare[i].key)], &compare[i]);
	}
	for (size_t i = 0; i < WRITES_MAX; i++) {
		then[i] = random_write();
		otherwise[i] = random_write();
	}
	bool holds = model_holds(&model, compare, txn.ncompare);
	enum hf_status status = hf_kv_transact(test.kv, &txn, NULL, test.arena, &held, results, &test.err);
	if (status == HF_OK && held != holds)
		WRONG("transact: expected %s", holds ? "then" : "otherwise");
	compare_writes(status, holds ? then : otherwise, results, holds ? txn.nthen : txn.notherwise);
}

static void learn_revision(size_t at)
{
	struct hf_kv_entry entry = {.rev = 0};
	enum hf_status status = hf_kv_get(test.kv, model_keys[at], NULL, test.arena, &entry, &test.err);
	if (status != HF_OK || entry.rev <= model.rev_max[at])
		WRONG("\"%s\": %s, revision %lld after %lld", kv_show(model_keys[at]), hf_status_word(status),
		      (long long)entry.rev, (long long)model.rev_max[at]);
	model.entries[at].rev = model.rev_max[at] = entry.rev;
}

static void call_many(void)
{
	struct hf_bytes keys[WRITES_MAX], values[WRITES_MAX];
	struct hf_kv_write writes[WRITES_MAX];
	struct model_result want[WRITES_MAX];
	size_t count = below(WRITES_MAX + 1), existed = 0, expected = 0, refused;
	bool puts = below(2);
	for (size_t i = 0; i < count; i++) {
		keys[i] = random_key();
		values[i] = random_value();
		writes[i] =
			(struct hf_kv_write){.op = puts ? HF_KV_PUT : HF_KV_DELETE, .key = keys[i], .value = values[i]};
	}
	enum hf_status status = puts ? hf_kv_put_many(test.kv, keys, values, count, NULL, &test.err)
	                             : hf_kv_delete_many(test.kv, keys, count, NULL, &existed, &test.err);
	if (status != HF_OK)
		WRONG("%s_many: %s: %s", puts ? "put" : "delete", hf_status_word(status), test.err.message);
	model_apply(&model, writes, count, want, &refused);
	for (size_t i = 0; i < count; i++) {
		expected += want[i].existed;
		if (puts && model.entries[model_index(keys[i])].rev == MODEL_REV_NEW)
			learn_revision(model_index(keys[i]));
	}
	if (!puts && existed != expected)
		WRONG("delete_many: expected %zu, got %zu", expected, existed);
}

struct walk {
	const size_t *want;
	size_t nwant, n;
	bool keys_only, bare;
};

static enum hf_status step(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct walk *walk = user;
	if (walk->n >= walk->nwant || !kv_same(entry->key, model_keys[walk->want[walk->n]]))
		WRONG("range: expected \"%s\" at %zu of %zu, got \"%s\"",
		      walk->n < walk->nwant ? kv_show(model_keys[walk->want[walk->n]]) : "(the end)", walk->n,
		      walk->nwant, kv_show(entry->key));
	if (walk->bare ? entry->rev != 0 || entry->value.ptr || entry->metadata.ptr : entry->rev == 0)
		WRONG("range: rev %lld of \"%s\"", (long long)entry->rev, kv_show(entry->key));
	if (walk->bare)
		walk->n++;
	else
		compare_entry("range", entry, &model.entries[walk->want[walk->n++]], walk->keys_only);
	return HF_OK;
}

static void compare_range(const struct hf_kv_range *range)
{
	size_t want[MODEL_KEYS];
	struct walk walk = {want, model_range(&model, range, want), 0, range->how.keys_only, range->bare};
	enum hf_status status = hf_kv_scan(test.kv, range, step, &walk, &test.err);
	if (status != HF_OK || walk.n != walk.nwant)
		WRONG("range: %s after %zu of %zu", hf_status_word(status), walk.n, walk.nwant);
}

static void call_range(void)
{
	struct hf_kv_range range = {.reverse = below(2),
	                            .limit = below(3) ? 0 : 1 + below(5),
	                            .bare = below(4) == 0,
	                            .how.keys_only = below(2)};
	size_t want[MODEL_KEYS];
	uint64_t count = UINT64_MAX;
	if (below(2))
		range.prefix = random_key();
	if (below(3) == 0)
		range.from = random_key();
	if (below(3) == 0)
		range.to = random_key();
	if (below(3) == 0)
		range.after = random_key();
	if (below(4) == 0)
		range.has_metadata = below(2) ? HF_STR("{\"a\":1}") : HF_STR("\"x\"");
	compare_range(&range);
	range.limit = 0;
	if (hf_kv_count(test.kv, &range, &count, &test.err) != HF_OK || count != model_range(&model, &range, want))
		WRONG("count: expected %zu, got %lld", model_range(&model, &range, want), (long long)count);
}

static void call_get_many(void)
{
	struct hf_bytes keys[WRITES_MAX] = {{0}};
	struct hf_kv_entry entries[WRITES_MAX];
	const uint64_t form = below(3);
	struct hf_kv_read how = {.keys_only = form == 1, .value_only = form == 2};
	size_t count = below(WRITES_MAX + 1);
	for (size_t i = 0; i < count; i++)
		keys[i] = random_key();
	if (hf_kv_get_many(test.kv, keys, count, &how, test.arena, entries, &test.err) != HF_OK)
		WRONG("get_many: %s", test.err.message);
	for (size_t i = 0; i < count; i++) {
		struct model_entry want = model.entries[model_index(keys[i])];
		want.there = model_lives(&model, &want);
		entries[i].key = keys[i];
		if (how.value_only && (want.there != (entries[i].value.ptr != NULL) || entries[i].rev != 0))
			WRONG("values: \"%s\": expected %s", kv_show(keys[i]), want.there ? "one" : "none");
		if (how.value_only && want.there && !kv_same(entries[i].value, (struct hf_bytes){want.value, want.len}))
			WRONG("values: \"%s\": got \"%s\"", kv_show(keys[i]), kv_show(entries[i].value));
		if (how.value_only)
			continue;
		compare_entry("get_many", &entries[i], &want, how.keys_only);
	}
}

static void call_care(void)
{
	uint64_t removed = 0, lives = 0;
	for (size_t i = 0; i < MODEL_KEYS; i++)
		lives += model_lives(&model, &model.entries[i]);
	if (below(8)) {
		if (hf_kv_sweep(test.kv, HF_DEADLINE_DEFAULT, &removed, &test.err) != HF_OK)
			WRONG("sweep: %s", test.err.message);
		return;
	}
	if (hf_kv_clear(test.kv, NULL, &removed, &test.err) != HF_OK || removed != lives)
		WRONG("clear: expected %lld removed, got %lld: %s", (long long)lives, (long long)removed,
		      test.err.message);
	for (size_t i = 0; i < MODEL_KEYS; i++)
		model.entries[i].there = false;
}

static void pass(int64_t us)
{
	kv_rig_pass(&rig, us);
	model.now_us += us;
}

static void call(void)
{
	uint64_t which = below(20);
	short_lived = false;
	if (which < 8)
		call_apply();
	else if (which < 11)
		call_transact();
	else if (which < 13)
		call_many();
	else if (which < 16)
		call_range();
	else if (which < 18)
		call_get_many();
	else if (which == 18)
		call_care();
	else if (rig.own_clock)
		pass((int64_t)below(60));
	if (short_lived)
		pass(SHORT_US);
}

static void random_calls(void **state)
{
	static const struct hf_kv_range everything;
	char name[60];
	(void)state;
	int rounds = kv_rounds(&rig, 20000);
	for (int i = 0; i < rounds; i++) {
		snprintf(name, sizeof(name), "call %d", i);
		test.name = name;
		hf_arena_reset(test.arena);
		call();
		if (i % 7 == 0)
			compare_range(&everything);
	}
}

/* The model itself errs when it is told something else: a comparison that never fails proves nothing. */
static void the_model_sees_a_difference(void **state)
{
	struct hf_kv_write put = {.op = HF_KV_PUT, .key = B("a"), .value = B("1")};
	struct hf_kv_range all = {0};
	struct model own = {.now_us = 1000, .value_bytes_max = 10};
	struct model_result result;
	size_t refused = 99, indexes[MODEL_KEYS];
	(void)state;
	assert_true(model_apply(&own, &put, 1, &result, &refused));
	put.flags = HF_KV_IF_ABSENT;
	assert_false(model_apply(&own, &put, 1, &result, &refused));
	assert_int_equal(result.outcome, HF_KV_EXISTS);
	assert_int_equal(model_range(&own, &all, indexes), 1);
	put = (struct hf_kv_write){.op = HF_KV_TOUCH, .key = B("a"), .ttl_us = 5};
	assert_true(model_apply(&own, &put, 1, &result, &refused));
	own.now_us += 5;
	assert_int_equal(model_range(&own, &all, indexes), 0);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_sees_a_difference),
	                                   cmocka_unit_test(random_calls)};
	struct hf_kv_options options = {.size = sizeof(options),
	                                .value_bytes_max = 40,
	                                .sweep_interval_ms = -1,
	                                .durability = HF_KV_RELAXED};
	if (argc < 2)
		return 2;
	kv_rig_open(&rig, argv[1]);
	seed = chance_seed();
	test = (struct kv_test){.rig = &rig, .name = "model", .err = HF_ERROR_INIT, .arena = hf_arena_new(0)};
	model = (struct model){.now_us = rig.wall_us, .value_bytes_max = options.value_bytes_max};
	if (!rig.skip[0] && kv_rig_open_at(&rig, kv_rig_fresh_url(&rig), &options, &test.kv, &test.err) != HF_OK) {
		fprintf(stderr, "could not open: %s\n", test.err.message);
		return 1;
	}
	int failed = kv_rig_run(&rig, tests, ARRAY_LEN(tests));
	hf_kv_close(test.kv);
	hf_arena_free(test.arena);
	kv_rig_close(&rig);
	return failed;
}
