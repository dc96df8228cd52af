/* How often a call on PostgreSQL waits for the server, as include/holdfast/kv.h tells: a relay between the two counts
 * the messages that ask for an answer now, Sync and Query. Each call is made twice before, so that its statements are
 * prepared. */
#include <stdio.h>
#include <string.h>

#include "../check.h"
#include "../fixture.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"
#include "holdfast/kv.h"
#include "holdfast/kv_lock.h"
#include "relay.h"

/* ---- calls ---- */

struct state {
	hf_kv *kv;
	hf_arena *arena;
	struct hf_kv_lock lock;
};

static enum hf_status put_new(struct state *state, int round, hf_error *err)
{
	static const char *const keys[] = {"new0", "new1", "new2"};
	const struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	return hf_kv_put(state->kv, hf_kv_text(keys[round]), HF_KV_KEY("v"), &absent, err);
}

static enum hf_status put_taken(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	enum hf_status status = hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &absent, err);
	return status == HF_CONFLICT ? HF_OK : HF_E_FAILED;
}

static enum hf_status put_plain(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, err);
}

static enum hf_status get(struct state *state, UNUSED int round, hf_error *err)
{
	struct hf_kv_entry entry;
	return hf_kv_get(state->kv, HF_KV_KEY("k"), NULL, state->arena, &entry, err);
}

static enum hf_status get_value(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry entry;
	return hf_kv_get(state->kv, HF_KV_KEY("k"), &how, state->arena, &entry, err);
}

/* The first of a handle is asked for twice. */
static enum hf_status get_packed(struct state *state, int round, hf_error *err)
{
	static const uint8_t value[2000];
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry entry;
	if (round == 0)
		return hf_kv_put(state->kv, HF_KV_KEY("packed"), (struct hf_bytes){value, sizeof(value)}, NULL, err);
	return hf_kv_get(state->kv, HF_KV_KEY("packed"), &how, state->arena, &entry, err);
}

enum { MANY = 2000 };

static enum hf_status put_keys(struct state *state, size_t count, size_t different, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	for (size_t i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "m%05zu", i % different);
		keys[i] = hf_kv_text(texts[i]);
	}
	return hf_kv_put_many(state->kv, keys, keys, count, NULL, err);
}

static enum hf_status put_few(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, 100, 100, err);
}

static enum hf_status put_many(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, MANY, MANY, err);
}

static enum hf_status put_repeated(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, 100, 90, err);
}

static enum hf_status delete_plain(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_delete(state->kv, HF_KV_KEY("m00000"), NULL, NULL, err);
}

static enum hf_status delete_many(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("m00001"), HF_KV_KEY("m00002")};
	return hf_kv_delete_many(state->kv, keys, 2, NULL, NULL, err);
}

static enum hf_status increment(struct state *state, UNUSED int round, hf_error *err)
{
	int64_t sum;
	return hf_kv_increment(state->kv, HF_KV_KEY("sum"), 1, NULL, &sum, err);
}

static enum hf_status increment_by(struct state *state, uint8_t number, hf_error *err)
{
	const struct hf_uuid token = {{1, number}};
	const struct hf_kv_how how = {.token = &token};
	return hf_kv_increment(state->kv, HF_KV_KEY("sum"), 1, &how, NULL, err);
}

static enum hf_status increment_with_token(struct state *state, int round, hf_error *err)
{
	return increment_by(state, (uint8_t)(round + 1), err);
}

static enum hf_status increment_repeated(struct state *state, UNUSED int round, hf_error *err)
{
	return increment_by(state, 1, err);
}

static enum hf_status put_with_token(struct state *state, int round, hf_error *err)
{
	const struct hf_uuid token = {{2, (uint8_t)round}};
	const struct hf_kv_put how = {.how = {.token = &token}};
	return hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &how, err);
}

static enum hf_status append(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_append(state->kv, HF_KV_KEY("k"), HF_KV_KEY("+"), NULL, err);
}

static enum hf_status touch(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_touch(state->kv, HF_KV_KEY("k"), 3600000000, NULL, err);
}

static enum hf_status compare_and_set(struct state *state, UNUSED int round, hf_error *err)
{
	enum hf_status status =
		hf_kv_compare_and_set(state->kv, HF_KV_KEY("no"), HF_KV_KEY("1"), HF_KV_KEY("2"), NULL, err);
	return status == HF_NOT_FOUND ? HF_OK : HF_E_FAILED;
}

static enum hf_status mixed(struct state *state, int round, hf_error *err)
{
	static const char *const made[] = {"x0", "x1", "x2"}, *const gone[] = {"m00010", "m00011", "m00012"};
	struct hf_kv_result results[4];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = hf_kv_text(made[round]), .value = HF_KV_KEY("v")},
		{.op = HF_KV_DELETE, .key = hf_kv_text(gone[round])},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
	};
	return hf_kv_apply(state->kv, writes, ARRAY_LEN(writes), NULL, state->arena, results, err);
}

static enum hf_status fenced(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_kv_fence fence = {state->lock.name, state->lock.owner, state->lock.fence};
	const struct hf_kv_put how = {.how = {.fence = &fence}};
	return hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &how, err);
}

static enum hf_status transact(struct state *state, const char *value, hf_error *err)
{
	bool held;
	const struct hf_kv_write compare = {.op = HF_KV_READ,
	                                    .key = HF_KV_KEY("k"),
	                                    .if_value = hf_kv_text(value),
	                                    .flags = HF_KV_IF_VALUE};
	const struct hf_kv_write then = {.op = HF_KV_PUT, .key = HF_KV_KEY("l"), .value = HF_KV_KEY("v")};
	const struct hf_kv_txn txn = {.compare = &compare, .ncompare = 1, .then = &then, .nthen = 1};
	return hf_kv_transact(state->kv, &txn, NULL, state->arena, &held, NULL, err);
}

static enum hf_status transact_held(struct state *state, UNUSED int round, hf_error *err)
{
	return transact(state, "v", err);
}

static enum hf_status transact_not_held(struct state *state, UNUSED int round, hf_error *err)
{
	return transact(state, "another", err);
}

static enum hf_status clear(struct state *state, UNUSED int round, hf_error *err)
{
	uint64_t removed;
	return hf_kv_clear(state->kv, NULL, &removed, err);
}

/* ---- the test ---- */

static const struct call {
	const char *name;
	enum hf_status (*fn)(struct state *state, int round, hf_error *err);
	int trips;
} calls[] = {
	{"a put", put_plain, 1},
	{"a get", get, 1},
	{"a get of the value", get_value, 1},
	{"a get of a packed value", get_packed, 1},
	{"a get of the value, after one", get_value, 1},
	{"puts of one step", put_few, 1},
	{"puts of many steps", put_many, 1},
	{"puts of a key twice", put_repeated, 1},
	{"a delete", delete_plain, 1},
	{"deletes", delete_many, 2},
	{"a put of what is absent", put_new, 3},
	{"a put that is refused", put_taken, 3},
	{"an increment", increment, 3},
	{"an increment with a token", increment_with_token, 4},
	{"one that is repeated", increment_repeated, 3},
	{"a put with a token", put_with_token, 4},
	{"an append", append, 3},
	{"a touch", touch, 3},
	{"a comparison that fails", compare_and_set, 3},
	{"a mixed batch", mixed, 3},
	{"a put with a fence", fenced, 3},
	{"a transaction that holds", transact_held, 3},
	{"a transaction that does not", transact_not_held, 3},
	{"clearing", clear, 2},
};

static int trips_of(struct state *state, const struct call *call, int round)
{
	hf_error err = HF_ERROR_INIT;
	int before = relay_trips();
	enum hf_status status = call->fn(state, round, &err);
	if (status != HF_OK)
		fail_msg("%s: %s, %s", call->name, hf_status_word(status), err.message);
	return relay_trips() - before;
}

static void calls_wait_as_often_as_the_header_says(UNUSED void **user)
{
	char url[500];
	hf_error err = HF_ERROR_INIT;
	struct state state = {.arena = hf_arena_new(0)};
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = 1,
	                                      .connections_max = 1,
	                                      .sweep_interval_ms = -1};
	relay_start(fixture_database(NULL), url, sizeof(url));
	EXPECT_OK(hf_kv_open(fixture_context(), url, &options, &state.kv, &err));
	EXPECT_OK(hf_kv_lock_try(state.kv, "l", "me", 3600000000, state.arena, &state.lock, &err));
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		trips_of(&state, &calls[i], 0); /* may make what the next find */
		trips_of(&state, &calls[i], 1);
		int trips = trips_of(&state, &calls[i], 2);
		if (trips != calls[i].trips)
			fail_msg("%s: %d round trips, not %d", calls[i].name, trips, calls[i].trips);
	}
	hf_kv_close(state.kv);
	relay_stop();
	hf_arena_free(state.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls_wait_as_often_as_the_header_says)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
