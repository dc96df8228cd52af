/*
 * cases_expiry.c - conformance: expired is absent, for every operation, whether or not it was swept.
 */
#include "steps.h"

#include <unistd.h>

#include "holdfast/kv_file.h"

/* Where the clock can be held the boundary is exact; elsewhere only that it comes. */
static void boundary(struct kv_test *t)
{
	if (t->rig->own_clock) {
		kv_put(t, B("k"), B("v"), 1000);
		kv_rig_pass(t->rig, 999);
		kv_look(t, B("k"), B("v"), NULL, 1);
		kv_rig_pass(t->rig, 1);
		kv_look_gone(t, B("k"));
		kv_put(t, B("k"), B("v"), 1);
		kv_look(t, B("k"), B("v"), NULL, 1);
		kv_rig_pass(t->rig, 1);
		kv_look_gone(t, B("k"));
		return;
	}
	kv_put(t, B("k"), B("v"), 1000);
	kv_rig_pass(t->rig, 1000);
	kv_look_gone(t, B("k"));
}

/* A clock that goes back makes nothing immortal and brings nothing to an end before its time. */
static void clock_jumps(struct kv_test *t)
{
	if (!t->rig->own_clock)
		return;
	kv_put(t, B("k"), B("v"), SECONDS(60));
	t->rig->wall_us -= SECONDS(3600);
	kv_look(t, B("k"), B("v"), NULL, SECONDS(3660));
	kv_put(t, B("k"), B("w"), SECONDS(60));
	struct hf_kv_entry entry = kv_look(t, B("k"), B("w"), NULL, SECONDS(60));
	WANT_INT(entry.expires_us, t->rig->wall_us + SECONDS(60));
	t->rig->wall_us += SECONDS(3600);
	kv_look_gone(t, B("k"));
}

static void is_not_older_than_itself(struct kv_test *t, struct hf_bytes value)
{
	struct hf_kv_entry entry = kv_look(t, B("n"), value, NULL, 0);
	WANT_TRUE(entry.updated_us >= entry.created_us);
}

/* From a store whose clock is an hour ahead, or this one's was. */
static void made_later_than_now(struct kv_test *t)
{
	const int64_t before_us = t->rig->wall_us;
	const struct hf_kv_put only = {.flags = HF_KV_IF_PRESENT};
	int64_t now_us, number;
	hf_kv *ahead;
	WANT_OK(hf_kv_now(t->kv, HF_DEADLINE_DEFAULT, &now_us, &t->err));
	t->rig->wall_us = now_us + SECONDS(3600);
	WANT_OK(hf_kv_open(t->rig->ctx, "memory:", NULL, &ahead, &t->err));
	WANT_OK(hf_kv_put(ahead, B("n"), B("1"), NULL, &t->err));
	t->rig->wall_us = before_us;
	WANT_OK(hf_kv_copy(ahead, t->kv, NULL, NULL, &t->err));
	hf_kv_close(ahead);
	WANT_OK(hf_kv_increment(t->kv, B("n"), 1, NULL, &number, &t->err));
	is_not_older_than_itself(t, B("2"));
	WANT_OK(hf_kv_append(t->kv, B("n"), B("0"), NULL, &t->err));
	is_not_older_than_itself(t, B("20"));
	WANT_OK(hf_kv_put(t->kv, B("n"), B("3"), &only, &t->err));
	is_not_older_than_itself(t, B("3"));
	kv_put(t, B("n"), B("4"), 0);
	is_not_older_than_itself(t, B("4"));
}

static void handle_ttl(struct kv_test *t)
{
	struct hf_kv_options options = {.size = sizeof(options), .ttl_us = SECONDS(60), .sweep_interval_ms = -1};
	struct hf_kv_put never = {.flags = HF_KV_NO_TTL};
	const struct hf_bytes key = B("many"), value = B("v");
	hf_kv *root = t->kv;
	WANT_OK(kv_rig_open_at(t->rig, kv_rig_fresh_url(t->rig), &options, &t->kv, &t->err));
	kv_put(t, B("k"), B("v"), 0);
	kv_look(t, B("k"), B("v"), NULL, SECONDS(60));
	kv_put(t, B("k"), B("v"), SECONDS(5));
	kv_look(t, B("k"), B("v"), NULL, SECONDS(5));
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &never, &t->err));
	kv_look(t, B("k"), B("v"), NULL, 0);
	WANT_OK(hf_kv_put_many(t->kv, &key, &value, 1, NULL, &t->err));
	kv_look(t, key, value, NULL, SECONDS(60));
	hf_kv_close(t->kv);
	t->kv = root;
}

/* What is made by a counter or an append begins with the time to live that the write gives. */
static void made_with_ttl(struct kv_test *t)
{
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_ADD, .key = B("n"), .delta = 1, .ttl_us = SECONDS(60)},
		{.op = HF_KV_APPEND, .key = B("a"), .value = B("x"), .ttl_us = SECONDS(60)}};
	for (int round = 1; round <= 2; round++) {
		WANT_OK(hf_kv_apply(t->kv, writes, 2, NULL, t->arena, NULL, &t->err));
		kv_look(t, B("n"), round == 1 ? B("1") : B("2"), NULL, round == 1 ? SECONDS(60) : SECONDS(50));
		kv_look(t, B("a"), round == 1 ? B("x") : B("xx"), NULL, SECONDS(60));
		WANT_OK(hf_kv_touch(t->kv, B("n"), SECONDS(50), NULL, &t->err));
	}
}

static void ttl_refusals(struct kv_test *t)
{
	static const int64_t wrong[] = {-1, INT64_MIN, HF_KV_TTL_MAX_US + 1, INT64_MAX};
	kv_put(t, B("k"), B("v"), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct hf_kv_put put = {.ttl_us = wrong[i]};
		const struct hf_kv_write write = {.op = HF_KV_PUT, .key = B("k"), .value = B("w"), .ttl_us = wrong[i]};
		WANT(hf_kv_put(t->kv, B("k"), B("w"), &put, &t->err), HF_E_USAGE);
		WANT(hf_kv_touch(t->kv, B("k"), wrong[i], NULL, &t->err), HF_E_USAGE);
		WANT(hf_kv_apply(t->kv, &write, 1, NULL, t->arena, NULL, &t->err), HF_E_USAGE);
	}
	WANT(hf_kv_touch(t->kv, B("k"), 0, NULL, &t->err), HF_E_USAGE);
	kv_look(t, B("k"), B("v"), NULL, 0);
	WANT_OK(hf_kv_touch(t->kv, B("k"), HF_KV_TTL_MAX_US, NULL, &t->err));
	kv_look(t, B("k"), B("v"), NULL, HF_KV_TTL_MAX_US);
}

/* One of each kind, put at the same time: a batch is as strict as a single call. */
static void batch_over_expired(struct kv_test *t)
{
	static const struct hf_bytes keys[] = {BYTES("a"), BYTES("b"), BYTES("c"), BYTES("d"), BYTES("e")};
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = B("a"), .value = B("2"), .flags = HF_KV_IF_ABSENT},
		{.op = HF_KV_DELETE, .key = B("b")},
		{.op = HF_KV_TOUCH, .key = B("c"), .ttl_us = SECONDS(60)},
		{.op = HF_KV_ADD, .key = B("d"), .delta = 5},
		{.op = HF_KV_APPEND, .key = B("e"), .value = B("+")},
	};
	static const enum hf_kv_outcome want[] = {HF_KV_DONE, HF_KV_NO_ENTRY, HF_KV_NO_ENTRY, HF_KV_DONE, HF_KV_DONE};
	struct hf_kv_result results[ARRAY_LEN(writes)];
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		kv_put(t, keys[i], B("1"), 20000);
	kv_rig_pass(t->rig, 20000);
	WANT_OK(hf_kv_apply(t->kv, writes, ARRAY_LEN(writes), NULL, t->arena, results, &t->err));
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		WANT_INT(results[i].outcome, want[i]);
		WANT_INT(results[i].existed, false);
	}
	kv_look(t, B("a"), B("2"), NULL, 0);
	kv_look_gone(t, B("b"));
	kv_look_gone(t, B("c"));
	kv_look(t, B("d"), B("5"), NULL, 0);
	kv_look(t, B("e"), B("+"), NULL, 0);
}

static void swept_in_the_background(struct kv_test *t)
{
	struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = 20};
	struct hf_kv_stats stats = {0};
	hf_kv *root = t->kv;
	WANT_OK(kv_rig_open_at(t->rig, kv_rig_fresh_url(t->rig), &options, &t->kv, &t->err));
	kv_put(t, B("stays"), B("v"), SECONDS(600));
	kv_put(t, B("goes"), B("v"), 1000);
	kv_rig_pass(t->rig, 1000);
	for (int i = 0; i < 3000 && stats.expired_removed == 0; i++) {
		usleep(10000);
		hf_kv_stats(t->kv, &stats);
	}
	WANT_INT(stats.expired_removed, 1);
	kv_look(t, B("stays"), B("v"), NULL, SECONDS(600));
	hf_kv_close(t->kv);
	t->kv = root;
}

/* For every handle that is opened from then on, of the namespace alone; what stands there keeps its expiry. */
static void namespace_ttl(struct kv_test *t)
{
	const struct hf_bytes keys[] = {BYTES("m"), BYTES("n")};
	const struct hf_kv_put never = {.flags = HF_KV_NO_TTL}, keep = {.flags = HF_KV_KEEP_TTL};
	hf_kv *own = t->kv, *again, *other;
	int64_t sum, ttl_us = -1;
	WANT_OK(hf_kv_default_ttl(own, &ttl_us, &t->err));
	WANT_INT(ttl_us, 0);
	kv_put(t, B("before"), B("v"), 0);
	WANT_OK(hf_kv_set_default_ttl(own, SECONDS(60), &t->err));
	kv_look(t, B("before"), B("v"), NULL, 0);
	WANT_OK(hf_kv_put(own, B("before"), B("w"), &keep, &t->err));
	kv_look(t, B("before"), B("w"), NULL, 0);
	again = kv_other(t, t->name);
	other = kv_other(t, "another, of no expiry");
	t->kv = again;
	kv_put(t, B("k"), B("v"), 0);
	kv_look(t, B("k"), B("v"), NULL, SECONDS(60));
	kv_put(t, B("own"), B("v"), SECONDS(5));
	kv_look(t, B("own"), B("v"), NULL, SECONDS(5));
	WANT_OK(hf_kv_put(again, B("never"), B("v"), &never, &t->err));
	kv_look(t, B("never"), B("v"), NULL, 0);
	WANT_OK(hf_kv_put_many(again, keys, keys, 2, NULL, &t->err));
	kv_look(t, B("n"), B("n"), NULL, SECONDS(60));
	WANT_OK(hf_kv_increment(again, B("sum"), 1, NULL, &sum, &t->err));
	kv_look(t, B("sum"), B("1"), NULL, SECONDS(60));
	WANT_OK(hf_kv_clear(again, NULL, NULL, &t->err));
	WANT_OK(hf_kv_default_ttl(again, &ttl_us, &t->err));
	WANT_INT(ttl_us, SECONDS(60));
	t->kv = other;
	kv_put(t, B("k"), B("v"), 0);
	kv_look(t, B("k"), B("v"), NULL, 0);
	WANT(hf_kv_set_default_ttl(own, -1, &t->err), HF_E_USAGE);
	WANT(hf_kv_set_default_ttl(own, HF_KV_TTL_MAX_US + 1, &t->err), HF_E_USAGE);
	WANT_OK(hf_kv_set_default_ttl(own, 0, &t->err));
	WANT_OK(hf_kv_default_ttl(again, &ttl_us, &t->err)); /* who asks knows it */
	t->kv = again;
	kv_put(t, B("k"), B("v"), 0);
	kv_look(t, B("k"), B("v"), NULL, 0);
	t->kv = own;
	hf_kv_close(again);
	hf_kv_close(other);
}

#define EXPIRED(...)                                                                                                  \
	{PUT, K("k"), V("1"), .ttl = 20000, .metadata = "{\"a\":1}", .flags = 0, .save = 1}, {PASS, .number = 20000}, \
		__VA_ARGS__

const struct kv_case kv_cases_expiry[] = {
	{.name = "an entry lives until its last microsecond", .run = boundary},
	{.name = "a clock that jumps moves no expiry", .run = clock_jumps},
	{.name = "what was made later than now is changed no sooner", .run = made_later_than_now},
	SCRIPT("expired is absent to every read", EXPIRED({GONE, K("k")}, {COUNT})),
	SCRIPT("expired is absent to touch",
               EXPIRED({TOUCH, K("k"), .ttl = SECONDS(60), .want = HF_NOT_FOUND}, {GONE, K("k")})),
	SCRIPT("expired is absent to persist", EXPIRED({PERSIST, K("k"), .want = HF_NOT_FOUND}, {GONE, K("k")})),
	SCRIPT("expired is absent to compare-and-set",
               EXPIRED({CAS, K("k"), WAS("1"), V("2"), .want = HF_NOT_FOUND}, {GONE, K("k")})),
	SCRIPT("expired counts as nothing in an increment",
               EXPIRED({ADD, K("k"), .number = 5, .sum = 5}, {IS, K("k"), V("5")})),
	SCRIPT("expired counts as nothing in an append", EXPIRED({APPEND, K("k"), V("x")}, {IS, K("k"), V("x")})),
	SCRIPT("expired is absent to get-and-delete", EXPIRED({GETDEL, K("k"), .want = HF_NOT_FOUND}, {GONE, K("k")})),
	SCRIPT("expired is absent to get-and-put",
               EXPIRED({GETPUT, K("k"), V("2"), .want = HF_NOT_FOUND}, {IS, K("k"), V("2")})),
	SCRIPT("expired is absent to a put if absent",
               EXPIRED({PUT, K("k"), V("2"), .flags = HF_KV_IF_ABSENT}, {IS, K("k"), V("2")},
                       {PUT, K("k"), V("3"), .flags = HF_KV_IF_ABSENT, .want = HF_CONFLICT}, {IS, K("k"), V("2")})),
	SCRIPT("expired is absent to a put if present",
               EXPIRED({PUT, K("k"), V("2"), .flags = HF_KV_IF_PRESENT, .want = HF_CONFLICT}, {GONE, K("k")})),
	SCRIPT("expired is absent to a put by value",
               EXPIRED({PUT, K("k"), V("2"), WAS("1"), .flags = HF_KV_IF_VALUE, .want = HF_CONFLICT}, {GONE, K("k")})),
	SCRIPT("expired is absent to a put by revision", {PUT, K("k"), V("1"), .ttl = SECONDS(60), .save = 1},
               {TOUCH, K("k"), .ttl = 20000}, {PASS, .number = 20000},
               {PUT, K("k"), V("2"), .if_slot = 1, .want = HF_CONFLICT}, {GONE, K("k")}),
	{.name = "a batch sees expired entries as absent", .run = batch_over_expired},
	SCRIPT("touch gives another expiry and leaves the rest",
               {PUT, K("k"), V("1"), .ttl = SECONDS(600), .metadata = "7"}, {TOUCH, K("k"), .ttl = SECONDS(5)},
               {IS, K("k"), V("1"), .ttl = SECONDS(5), .metadata = "7"}, {TOUCH, K("k"), .ttl = SECONDS(900)},
               {IS, K("k"), V("1"), .ttl = SECONDS(900), .metadata = "7"}),
	SCRIPT("touch gives an expiry to what has none", {PUT, K("k"), V("1")}, {TOUCH, K("k"), .ttl = SECONDS(5)},
               {IS, K("k"), V("1"), .ttl = SECONDS(5)}),
	SCRIPT("touch does not make an entry", {TOUCH, K("k"), .ttl = SECONDS(5), .want = HF_NOT_FOUND},
               {GONE, K("k")}),
	SCRIPT("persist takes the expiry away and leaves the rest",
               {PUT, K("k"), V("1"), .ttl = SECONDS(600), .metadata = "7"}, {PERSIST, K("k")},
               {IS, K("k"), V("1"), .metadata = "7"}, {PERSIST, K("k")}, {IS, K("k"), V("1"), .metadata = "7"}),
	SCRIPT("persist does not make an entry", {PERSIST, K("k"), .want = HF_NOT_FOUND}, {GONE, K("k")}),
	SCRIPT("touch and persist leave the revision", {PUT, K("k"), V("1"), .save = 1},
               {TOUCH, K("k"), .ttl = SECONDS(5), .same = 1}, {PERSIST, K("k"), .same = 1}),
	SCRIPT("the sweep removes what expired and nothing else", {PUT, K("a"), V("1"), .ttl = 20000},
               {PUT, K("b"), V("2"), .ttl = SECONDS(600)}, {PUT, K("c"), V("3")}, {PUT, K("d"), V("4"), .ttl = 20000},
               {PASS, .number = 20000}, {PUT, K("d"), V("5")}, {SWEEP, .number = 1}, {GONE, K("a")},
               {IS, K("b"), V("2"), .ttl = SECONDS(600)}, {IS, K("c"), V("3")}, {IS, K("d"), V("5")},
               {COUNT, .number = 3}),
	{.name = "the handle's time to live is that of puts without one", .run = handle_ttl},
	{.name = "the namespace's time to live is that of puts without one", .run = namespace_ttl},
	{.name = "counters and appends keep an expiry, and give one to what they make", .run = made_with_ttl},
	{.name = "times to live of nothing, less, and a century and a bit are refused", .run = ttl_refusals},
	{.name = "a handle sweeps in the background", .run = swept_in_the_background},
	{0},
};
