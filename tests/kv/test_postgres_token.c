/*
 * test_postgres_token.c - writes with a token: done once, whatever becomes of the line, of the server and of who asks
 * again; and what a token refuses.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/kv_blob.h"
#include "holdfast/kv_checkpoint.h"
#include "postgres_rig.h"
#include "relay.h"

enum { REQUESTS_MAX = 40, THREADS = 6, ROUNDS = 15 };

static const struct hf_uuid token = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct hf_uuid another = {{16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}};

struct asked {
	struct rig *rig;
	hf_kv *kv;
	struct hf_kv_how how;
	bool repeated;
	char says[300]; /* all that the call returned */
};

/* ---- ways to write ---- */

static const char *entry_text(const struct hf_kv_entry *entry, char *text, size_t size)
{
	snprintf(text, size, "%.*s=%.*s %.*s r%lld c%lld u%lld e%lld", (int)entry->key.len,
	         (const char *)entry->key.ptr, (int)entry->value.len, (const char *)entry->value.ptr,
	         (int)entry->metadata.len, entry->metadata.ptr ? entry->metadata.ptr : "", (long long)entry->rev,
	         (long long)entry->created_us, (long long)entry->updated_us, (long long)entry->expires_us);
	return text;
}

static enum hf_status put(struct asked *a, hf_error *err)
{
	int64_t rev = 0;
	const struct hf_kv_put how = {.how = a->how, .ttl_us = 60000000, .ret_rev = &rev};
	enum hf_status status = hf_kv_put(a->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &how, err);
	snprintf(a->says, sizeof(a->says), "%lld", (long long)rev);
	return status;
}

static enum hf_status put_blind(struct asked *a, hf_error *err)
{
	const struct hf_kv_put how = {.how = a->how};
	return hf_kv_put(a->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &how, err);
}

static enum hf_status put_many(struct asked *a, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("a"), HF_KV_KEY("b"), HF_KV_KEY("c")};
	return hf_kv_put_many(a->kv, keys, keys, 3, &a->how, err);
}

static enum hf_status del(struct asked *a, hf_error *err)
{
	bool existed = false;
	enum hf_status status = hf_kv_delete(a->kv, HF_KV_KEY("k"), &a->how, &existed, err);
	snprintf(a->says, sizeof(a->says), "%d", existed);
	return status;
}

static enum hf_status del_many(struct asked *a, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("k"), HF_KV_KEY("none"), HF_KV_KEY("l")};
	size_t existed = 0;
	enum hf_status status = hf_kv_delete_many(a->kv, keys, 3, &a->how, &existed, err);
	snprintf(a->says, sizeof(a->says), "%zu", existed);
	return status;
}

static enum hf_status cas(struct asked *a, hf_error *err)
{
	return hf_kv_compare_and_set(a->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), HF_KV_KEY("w"), &a->how, err);
}

static enum hf_status touch(struct asked *a, hf_error *err)
{
	return hf_kv_touch(a->kv, HF_KV_KEY("k"), 60000000, &a->how, err);
}

static enum hf_status persist(struct asked *a, hf_error *err)
{
	return hf_kv_persist(a->kv, HF_KV_KEY("k"), &a->how, err);
}

static enum hf_status increment(struct asked *a, hf_error *err)
{
	int64_t number = 0;
	enum hf_status status = hf_kv_increment(a->kv, HF_KV_KEY("sum"), 1, &a->how, &number, err);
	snprintf(a->says, sizeof(a->says), "%lld", (long long)number);
	return status;
}

static enum hf_status append(struct asked *a, hf_error *err)
{
	return hf_kv_append(a->kv, HF_KV_KEY("k"), HF_KV_KEY("+"), &a->how, err);
}

static enum hf_status get_and_delete(struct asked *a, hf_error *err)
{
	struct hf_kv_entry before = {0};
	enum hf_status status = hf_kv_get_and_delete(a->kv, HF_KV_KEY("k"), &a->how, a->rig->arena, &before, err);
	entry_text(&before, a->says, sizeof(a->says));
	return status;
}

static enum hf_status get_and_put(struct asked *a, hf_error *err)
{
	struct hf_kv_entry before = {0};
	enum hf_status status =
		hf_kv_get_and_put(a->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &a->how, a->rig->arena, &before, err);
	entry_text(&before, a->says, sizeof(a->says));
	return status;
}

static void say_results(struct asked *a, const struct hf_kv_result *results, size_t count)
{
	char text[200];
	size_t at = 0;
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(a->says + at, sizeof(a->says) - at, "%s %d r%lld n%lld %s;",
		                       hf_kv_outcome_word(results[i].outcome), results[i].existed,
		                       (long long)results[i].rev, (long long)results[i].number,
		                       results[i].before.rev ? entry_text(&results[i].before, text, sizeof(text))
		                                             : "-");
}

static enum hf_status apply(struct asked *a, hf_error *err)
{
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = HF_KV_KEY("new"), .value = HF_KV_KEY("v")},
		{.op = HF_KV_DELETE, .key = HF_KV_KEY("l"), .flags = HF_KV_RETURN_BEFORE},
		{.op = HF_KV_ADD, .key = HF_KV_KEY("sum"), .delta = -3},
		{.op = HF_KV_READ, .key = HF_KV_KEY("none")},
	};
	struct hf_kv_result results[ARRAY_LEN(writes)];
	enum hf_status status = hf_kv_apply(a->kv, writes, ARRAY_LEN(writes), &a->how, a->rig->arena, results, err);
	say_results(a, results, ARRAY_LEN(writes));
	return status;
}

/* The second branch, of two writes, where the first has one. */
static enum hf_status transact(struct asked *a, hf_error *err)
{
	bool held = true;
	const struct hf_kv_write compare = {.op = HF_KV_READ, .key = HF_KV_KEY("k"), .flags = HF_KV_IF_ABSENT};
	const struct hf_kv_write then = {.op = HF_KV_DELETE, .key = HF_KV_KEY("l")};
	const struct hf_kv_write otherwise[] = {
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("l"), .value = HF_KV_KEY("+")},
		{.op = HF_KV_ADD, .key = HF_KV_KEY("sum"), .delta = 7},
	};
	const struct hf_kv_txn txn = {&compare, 1, &then, 1, otherwise, 2};
	struct hf_kv_result results[2];
	enum hf_status status = hf_kv_transact(a->kv, &txn, &a->how, a->rig->arena, &held, results, err);
	say_results(a, results, 2);
	snprintf(a->says + strlen(a->says), sizeof(a->says) - strlen(a->says), " %d", held);
	return status;
}

/* `changes` rows of entries are changed when it is done once. */
static const struct way {
	const char *name;
	enum hf_status (*fn)(struct asked *a, hf_error *err);
	int changes;
} ways[] = {
	{"put", put, 1},
	{"put, untold", put_blind, 1},
	{"put many", put_many, 3},
	{"delete", del, 1},
	{"delete many", del_many, 2},
	{"compare and set", cas, 1},
	{"touch", touch, 1},
	{"persist", persist, 1},
	{"increment", increment, 1},
	{"append", append, 1},
	{"get and delete", get_and_delete, 1},
	{"get and put", get_and_put, 1},
	{"apply", apply, 3},
	{"transact", transact, 2},
};

/* ---- the store ---- */

static struct rig rig;

static void prepare(void)
{
	const struct hf_kv_put hour = {.ttl_us = 3600000000, .metadata = HF_STR_INIT("{\"by\":1}")};
	hf_error err = HF_ERROR_INIT;
	rig_run(&rig, "DELETE FROM state_entries");
	rig_run(&rig, "DELETE FROM state_entries_tokens");
	EXPECT_OK(hf_kv_put(rig.kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &hour, &err));
	rig_put(&rig, "l", "v");
	rig_put(&rig, "sum", "1");
	rig_run(&rig, "TRUNCATE log");
}

static int set_up(void **user)
{
	const struct hf_kv_options options = {.backoff_ms = 1, .backoff_ms_max = 100};
	rig_open(&rig, NULL, &options);
	rig_run(&rig, "CREATE TABLE log (at timestamptz DEFAULT clock_timestamp())");
	rig_run(&rig, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
	              "$$ BEGIN INSERT INTO log DEFAULT VALUES; RETURN NULL; END $$");
	rig_run(&rig, "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON state_entries FOR EACH ROW EXECUTE "
	              "FUNCTION note()");
	prepare();
	*user = &rig;
	return 0;
}

static void asked_init(struct asked *a, hf_kv *kv, const struct hf_uuid *with)
{
	*a = (struct asked){.rig = &rig, .kv = kv};
	a->how = (struct hf_kv_how){.token = with, .ret_repeated = &a->repeated};
}

static int64_t sum(void)
{
	return rig_number(&rig, "SELECT convert_from(value, 'UTF8')::bigint FROM state_entries WHERE key = 'sum'");
}

static int64_t tokens(void)
{
	return rig_number(&rig, "SELECT count(*) FROM state_entries_tokens");
}

/* ---- repetitions ---- */

static void a_repetition_tells_what_came_of_the_first(UNUSED void **user)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		hf_error err = HF_ERROR_INIT;
		struct asked first, second;
		prepare();
		asked_init(&first, rig.kv, &token);
		asked_init(&second, rig.kv, &token);
		first.repeated = true;
		enum hf_status status = ways[i].fn(&first, &err);
		if (status == HF_OK)
			status = ways[i].fn(&second, &err);
		int64_t changes = rig_number(&rig, "SELECT count(*) FROM log");
		if (status != HF_OK || first.repeated || !second.repeated || changes != ways[i].changes ||
		    strcmp(first.says, second.says) != 0)
			fail_msg("%s: %s %s; repeated %d %d; %d changes; \"%s\", then \"%s\"", ways[i].name,
			         hf_status_word(status), err.message, first.repeated, second.repeated, (int)changes,
			         first.says, second.says);
	}
}

static void another_request_with_the_token_is_refused(UNUSED void **user)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		hf_error err = HF_ERROR_INIT;
		struct asked a;
		prepare();
		asked_init(&a, rig.kv, &token);
		EXPECT_OK(hf_kv_append(rig.kv, HF_KV_KEY("l"), HF_KV_KEY("-"), &a.how, &err));
		enum hf_status status = ways[i].fn(&a, &err);
		if (status != HF_E_USAGE || rig_number(&rig, "SELECT count(*) FROM log") != 1)
			fail_msg("%s: %s %s", ways[i].name, hf_status_word(status), err.message);
		assert_string_equal(err.message,
		                    "token 01020304-0506-0708-090a-0b0c0d0e0f10 was used for another request");
	}
}

/* Each is the put of the first but for one thing. */
static void every_part_of_a_request_counts(UNUSED void **user)
{
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = HF_KV_KEY("ab"), .value = HF_KV_KEY("c"), .ttl_us = 1000000},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("a"), .value = HF_KV_KEY("bc"), .ttl_us = 1000000},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("ab"), .value = HF_KV_KEY("c"), .ttl_us = 2000000},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("ab"), .value = HF_KV_KEY("c")},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("ab"), .value = HF_KV_KEY("c"), .ttl_us = 1000000},
		{.op = HF_KV_PUT,
	         .key = HF_KV_KEY("ab"),
	         .value = HF_KV_KEY("c"),
	         .ttl_us = 1000000,
	         .metadata = HF_STR_INIT("1")},
		{.op = HF_KV_PUT,
	         .key = HF_KV_KEY("ab"),
	         .value = HF_KV_KEY("c"),
	         .ttl_us = 1000000,
	         .flags = HF_KV_IF_PRESENT},
		{.op = HF_KV_PUT,
	         .key = HF_KV_KEY("ab"),
	         .value = HF_KV_KEY("c"),
	         .ttl_us = 1000000,
	         .created_us = 1000000},
	};
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	EXPECT_OK(hf_kv_apply(rig.kv, &writes[0], 1, &a.how, NULL, NULL, &err));
	for (size_t i = 1; i < ARRAY_LEN(writes); i++)
		EXPECT_STATUS(hf_kv_apply(rig.kv, &writes[i], 1, &a.how, NULL, NULL, &err), HF_E_USAGE);
	const struct hf_kv_write twice[] = {writes[0], writes[0]};
	EXPECT_STATUS(hf_kv_apply(rig.kv, twice, 2, &a.how, NULL, NULL, &err), HF_E_USAGE);
	EXPECT_OK(hf_kv_apply(rig.kv, &writes[0], 1, &a.how, NULL, NULL, &err));
	assert_true(a.repeated);
}

/* Two writes of each sort, of which the second is the first but for one number, condition or their order. */
static void numbers_conditions_and_order_count(UNUSED void **user)
{
	const struct hf_kv_write add = {.op = HF_KV_ADD, .key = HF_KV_KEY("sum"), .delta = 1};
	const struct hf_kv_write more = {.op = HF_KV_ADD, .key = HF_KV_KEY("sum"), .delta = 2};
	const struct hf_kv_write value = {.op = HF_KV_READ,
	                                  .key = HF_KV_KEY("k"),
	                                  .flags = HF_KV_IF_VALUE,
	                                  .if_value = HF_KV_KEY("v")};
	const struct hf_kv_write other = {.op = HF_KV_READ,
	                                  .key = HF_KV_KEY("k"),
	                                  .flags = HF_KV_IF_VALUE,
	                                  .if_value = HF_KV_KEY("w")};
	const struct hf_kv_write rev = {.op = HF_KV_READ,
	                                .key = HF_KV_KEY("k"),
	                                .flags = HF_KV_IF_REV,
	                                .if_rev = INT64_MAX};
	const struct hf_kv_write earlier = {.op = HF_KV_READ,
	                                    .key = HF_KV_KEY("k"),
	                                    .flags = HF_KV_IF_REV,
	                                    .if_rev = INT64_MAX - 1};
	const struct hf_kv_write in_order[] = {add, more}, reversed[] = {more, add};
	const struct {
		struct hf_kv_txn first, second;
	} cases[] = {
		{{&value, 1, &add, 1, &more, 1}, {&value, 1, &more, 1, &more, 1}},
		{{&value, 1, &add, 1, &more, 1}, {&value, 1, &add, 1, &add, 1}},
		{{&value, 1, &add, 1, &more, 1}, {&other, 1, &add, 1, &more, 1}},
		{{&rev, 1, &add, 1, &more, 1}, {&earlier, 1, &add, 1, &more, 1}},
		{{&value, 1, in_order, 2, NULL, 0}, {&value, 1, reversed, 2, NULL, 0}},
		{{&value, 1, in_order, 2, NULL, 0}, {&value, 1, in_order, 1, &more, 1}},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		bool held = false;
		struct asked a;
		prepare();
		asked_init(&a, rig.kv, &token);
		EXPECT_OK(hf_kv_transact(rig.kv, &cases[i].first, &a.how, rig.arena, &held, NULL, &err));
		enum hf_status status = hf_kv_transact(rig.kv, &cases[i].second, &a.how, rig.arena, &held, NULL, &err);
		if (status != HF_E_USAGE)
			fail_msg("case %zu: %s", i, hf_status_word(status));
	}
}

/* Nor does a deadline, a durability, JSON that is written otherwise, or a default that changed in between. */
static void how_it_is_asked_for_does_not_count(UNUSED void **user)
{
	const struct hf_kv_fence fence = {HF_STR_INIT("gone"), HF_STR_INIT("me"), 7};
	struct hf_kv_put put_how = {.metadata = HF_STR_INIT("{\"a\":1,\"b\":2}")};
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	put_how.how = a.how;
	EXPECT_OK(hf_kv_put(rig.kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &put_how, &err));
	EXPECT_OK(hf_kv_set_default_ttl(rig.kv, 5000000, &err));
	put_how.metadata = HF_STR("{ \"b\": 2, \"a\": 1 }");
	put_how.how.durability = HF_KV_RELAXED;
	put_how.how.durability_set = true;
	put_how.how.fence = &fence; /* it was held then, or not asked for */
	put_how.how.deadline = hf_deadline_in(rig.ctx, 30000);
	EXPECT_OK(hf_kv_put(rig.kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &put_how, &err));
	assert_true(a.repeated);
	EXPECT_OK(hf_kv_set_default_ttl(rig.kv, 0, &err));
}

/* What is acknowledged strictly is on disk, also where the first try was not to wait for that. The server may write the
 * log meanwhile, hence the rounds. */
static void a_strict_repetition_of_a_relaxed_write_is_durable(UNUSED void **user)
{
	hf_error err = HF_ERROR_INIT;
	for (uint8_t round = 0; round < ROUNDS; round++) {
		const struct hf_uuid one = {{0xbb, round}};
		struct asked a;
		asked_init(&a, rig.kv, &one);
		a.how.durability = HF_KV_RELAXED;
		a.how.durability_set = true;
		EXPECT_OK(increment(&a, &err));
		int64_t first = rig_number(&rig, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint");
		a.how.durability_set = false;
		EXPECT_OK(increment(&a, &err));
		assert_true(a.repeated);
		int64_t flushed = rig_number(&rig, "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint");
		assert_in_range(flushed, first, INT64_MAX);
	}
}

static void what_was_refused_leaves_no_token(UNUSED void **user)
{
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	rig_put(&rig, "k", "other");
	EXPECT_STATUS(cas(&a, &err), HF_CONFLICT);
	assert_int_equal(tokens(), 0);
	rig_put(&rig, "k", "v");
	EXPECT_OK(cas(&a, &err));
	assert_false(a.repeated);
	assert_int_equal(tokens(), 1);
}

/* But for a comparison with it, which is refused. */
static void that_nothing_was_there_is_a_result(UNUSED void **user)
{
	static enum hf_status (*const fns[])(struct asked * a, hf_error * err) = {touch, persist, get_and_delete, cas};
	for (size_t i = 0; i < ARRAY_LEN(fns); i++) {
		hf_error err = HF_ERROR_INIT;
		struct asked a;
		prepare();
		rig_run(&rig, "DELETE FROM state_entries WHERE key = 'k'");
		asked_init(&a, rig.kv, &token);
		EXPECT_STATUS(fns[i](&a, &err), HF_NOT_FOUND);
		rig_put(&rig, "k", "v");
		EXPECT_STATUS(fns[i](&a, &err), fns[i] == cas ? HF_OK : HF_NOT_FOUND);
		assert_int_equal(a.repeated, fns[i] != cas);
	}
}

static void a_token_is_of_its_namespace(UNUSED void **user)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv *other = NULL;
	struct asked here, there;
	EXPECT_OK(hf_kv_namespace(rig.kv, "other", &other, &err));
	asked_init(&here, rig.kv, &token);
	asked_init(&there, other, &token);
	EXPECT_OK(increment(&here, &err));
	EXPECT_OK(append(&there, &err));
	assert_false(there.repeated);
	EXPECT_OK(increment(&here, &err));
	EXPECT_OK(append(&there, &err));
	assert_true(here.repeated && there.repeated);
	hf_kv_close(other);
}

/* C5: neither a checkpoint nor a clear takes it along. */
static void a_restore_leaves_tokens(UNUSED void **user)
{
	const struct hf_kv_restore back = {.no_undo = true};
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	EXPECT_OK(hf_kv_checkpoint_create(rig.kv, NULL, rig.arena, &point, &err));
	EXPECT_OK(increment(&a, &err));
	EXPECT_OK(hf_kv_checkpoint_restore(rig.kv, &point.id, &back, NULL, &err));
	assert_int_equal(sum(), 1);
	EXPECT_OK(increment(&a, &err));
	assert_true(a.repeated);
	assert_string_equal(a.says, "2");
	assert_int_equal(sum(), 1);
	EXPECT_OK(hf_kv_clear(rig.kv, NULL, NULL, &err));
	EXPECT_OK(increment(&a, &err));
	assert_true(a.repeated);
	EXPECT_OK(hf_kv_checkpoint_delete(rig.kv, &point.id, &err));
}

static void the_sweeper_removes_what_was_kept_long_enough(UNUSED void **user)
{
	hf_error err = HF_ERROR_INIT;
	struct asked old, young;
	asked_init(&old, rig.kv, &token);
	asked_init(&young, rig.kv, &another);
	EXPECT_OK(increment(&old, &err));
	EXPECT_OK(increment(&young, &err));
	rig_run(&rig, "UPDATE state_entries_tokens SET at = at - interval '24 hours'");
	EXPECT_OK(hf_kv_sweep(rig.kv, HF_DEADLINE_DEFAULT, NULL, &err));
	assert_int_equal(tokens(), 2);
	rig_run(&rig, "UPDATE state_entries_tokens SET at = at - interval '61 minutes' WHERE token::text LIKE '01%'");
	rig_run(&rig,
	        "INSERT INTO state_entries_tokens (at, namespace, token, hash) SELECT now() - interval '2 days', 9, "
	        "gen_random_uuid(), '' FROM generate_series(1, 12000)"); /* more than a step */
	EXPECT_OK(hf_kv_sweep(rig.kv, HF_DEADLINE_DEFAULT, NULL, &err));
	assert_int_equal(tokens(), 1);
	EXPECT_OK(increment(&old, &err));
	EXPECT_OK(increment(&young, &err));
	assert_true(!old.repeated && young.repeated);
	assert_int_equal(sum(), 4);
}

/* Grants of before there were tokens: all entries go, more than a step of them, and then it says what it may not. */
static void entries_go_where_tokens_may_not_be_swept(UNUSED void **user)
{
	const struct hf_kv_options own = {.size = sizeof(own), .no_migrate = true, .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	char url[600];
	rig_run(&rig,
	        "INSERT INTO state_entries (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, "
	        "key, value) SELECT nextval('state_entries_rev'), now(), now(), to_timestamp(1), 0, id, "
	        "state_entries_epoch(id), n::text::bytea, '' FROM state_entries_namespaces, "
	        "generate_series(1, 2500) AS n WHERE name = 'default'");
	rig_run(&rig, "CREATE ROLE older LOGIN");
	rig_run(&rig, "GRANT USAGE ON SCHEMA public, holdfast TO older");
	rig_run(&rig, "GRANT ALL ON ALL TABLES IN SCHEMA public, holdfast TO older");
	rig_run(&rig, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO older");
	rig_run(&rig, "REVOKE ALL ON state_entries_tokens FROM older");
	snprintf(url, sizeof(url), "%s%coptions=-crole%%3Dolder", rig.url, strchr(rig.url, '?') ? '&' : '?');
	EXPECT_OK(hf_kv_open(rig.ctx, url, &own, &kv, &err));
	EXPECT_STATUS(hf_kv_sweep(kv, HF_DEADLINE_DEFAULT, NULL, &err), HF_E_DENIED);
	assert_int_equal(rig_number(&rig, "SELECT count(*) FROM state_entries WHERE expires_at < now()"), 0);
	hf_kv_close(kv);
	rig_run(&rig, "DROP OWNED BY older");
	rig_run(&rig, "DROP ROLE older");
}

/* Whatever was cut off or bent of what is kept is no result, and no read beyond it. */
static void a_result_that_is_none_is_told(UNUSED void **user)
{
	char sql[200];
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	EXPECT_OK(get_and_delete(&a, &err));
	rig_run(&rig, "CREATE TABLE whole AS SELECT result FROM state_entries_tokens");
	int64_t length = rig_number(&rig, "SELECT length(result) FROM whole");
	for (int64_t i = 0; i < length; i++) {
		snprintf(sql, sizeof(sql),
		         "UPDATE state_entries_tokens SET result = substr(w.result, 1, %d) FROM whole w", (int)i);
		rig_run(&rig, sql);
		enum hf_status status = get_and_delete(&a, &err);
		if (status != HF_E_CORRUPT)
			fail_msg("%d bytes: %s", (int)i, hf_status_word(status));
	}
	for (int place = 0; place < 3; place++) { /* held, outcome, flags */
		snprintf(sql, sizeof(sql),
		         "UPDATE state_entries_tokens SET result = set_byte(w.result, %d, 255) FROM whole w", place);
		rig_run(&rig, sql);
		EXPECT_STATUS(get_and_delete(&a, &err), HF_E_CORRUPT);
	}
	rig_run(&rig, "UPDATE state_entries_tokens SET result = w.result || w.result FROM whole w");
	EXPECT_STATUS(get_and_delete(&a, &err), HF_E_CORRUPT);
	rig_run(&rig, "UPDATE state_entries_tokens SET result = NULL");
	EXPECT_STATUS(get_and_delete(&a, &err), HF_E_CORRUPT);
	rig_run(&rig, "DROP TABLE whole");
}

static enum hf_status no_bytes(UNUSED void *user, UNUSED uint8_t *room, UNUSED size_t size, size_t *ret_n,
                               UNUSED hf_error *err)
{
	*ret_n = 0;
	return HF_OK;
}

static void what_takes_no_token_says_so(UNUSED void **user)
{
	static const struct hf_uuid zeros;
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	asked_init(&a, rig.kv, &token);
	const struct hf_kv_put put_how = {.how = a.how};
	EXPECT_STATUS(hf_kv_clear(rig.kv, &a.how, NULL, &err), HF_E_USAGE);
	assert_string_equal(err.message, "a clear takes no token");
	EXPECT_STATUS(hf_kv_blob_put(rig.kv, HF_KV_KEY("b"), no_bytes, NULL, &put_how, NULL, &err), HF_E_USAGE);
	assert_string_equal(err.message, "a value in chunks takes no token");
	EXPECT_STATUS(hf_kv_blob_delete(rig.kv, HF_KV_KEY("k"), &a.how, NULL, &err), HF_E_USAGE);
	asked_init(&a, rig.kv, &zeros);
	EXPECT_STATUS(increment(&a, &err), HF_E_USAGE);
	assert_string_equal(err.message, "a token of zeros is none: draw one at random");
	assert_int_equal(rig_number(&rig, "SELECT count(*) FROM log"), 0);
}

/* A store of a version before tokens: nothing is lost when they come. */
static void a_store_that_is_a_migration_behind_gets_them(UNUSED void **user)
{
	const struct hf_str names[] = {HF_STR_INIT("public"), HF_STR_INIT("older")};
	struct hf_kv_options options = {.size = sizeof(options), .table = "older", .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	hf_kv *kv = NULL;
	struct asked a;
	EXPECT_OK(hf_migrations_instance(rig.ctx, "kv", names, 2, &set, &err));
	EXPECT_OK(hf_migrate_to(rig.connection, set, "0010", NULL, NULL, &err));
	rig_run(&rig, "INSERT INTO older_namespaces (name) VALUES ('default')");
	rig_run(&rig, "INSERT INTO older (rev, created_at, updated_at, namespace, epoch, key, value) SELECT "
	              "nextval('older_rev'), now(), now(), id, older_epoch(id), 'sum', '41' FROM older_namespaces");
	options.no_migrate = true;
	EXPECT_STATUS(hf_kv_open(rig.ctx, rig.url, &options, &kv, &err), HF_E_DRIFT);
	options.no_migrate = false;
	EXPECT_OK(hf_kv_open(rig.ctx, rig.url, &options, &kv, &err));
	asked_init(&a, kv, &token);
	EXPECT_OK(increment(&a, &err));
	EXPECT_OK(increment(&a, &err));
	assert_string_equal(a.says, "42");
	assert_true(a.repeated);
	hf_kv_close(kv);
	hf_migrations_free(set);
}

/* ---- lines that are cut ---- */

static hf_kv *open_relayed(const char *url)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .no_migrate = true,
	                                      .connections_min = 1,
	                                      .connections_max = 1,
	                                      .backoff_ms = 1,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_open(rig.ctx, url, &options, &kv, &err));
	return kv;
}

/* False: the call has no such request. */
static bool cut_at(const char *url, const struct way *way, int request, bool behind, int *repetitions)
{
	hf_error err = HF_ERROR_INIT;
	struct asked a;
	prepare();
	hf_kv *kv = open_relayed(url);
	asked_init(&a, kv, &token);
	relay_cut(request, behind);
	enum hf_status status = way->fn(&a, &err);
	bool was_cut = relay_was_cut();
	relay_cut(0, false);
	hf_kv_close(kv);
	int64_t changes = rig_number(&rig, "SELECT count(*) FROM log");
	if (status != HF_OK || changes != way->changes)
		fail_msg("%s, cut %s request %d: %s %s, %s; %d changes", way->name, behind ? "behind" : "before",
		         request, hf_status_word(status), err.sqlstate, err.message, (int)changes);
	*repetitions += a.repeated;
	return was_cut;
}

/* At each request until there is none. Behind the one that commits it happened, and is told as it was. */
static void a_line_that_is_cut_costs_nothing(UNUSED void **user)
{
	char url[500];
	relay_start(rig.url, url, sizeof(url));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		int before = 0, behind = 0, request = 1;
		while (cut_at(url, &ways[i], request, false, &before))
			assert_true(++request <= REQUESTS_MAX);
		for (request = 1; cut_at(url, &ways[i], request, true, &behind);)
			assert_true(++request <= REQUESTS_MAX);
		if (before != 0 || behind != 1)
			fail_msg("%s: told as repeated %d times before the cut, %d behind", ways[i].name, before,
			         behind);
	}
	relay_stop();
}

/* ---- a server that is killed ---- */

struct calling {
	struct asked asked;
	enum hf_status status;
	hf_error err;
	pthread_t thread;
};

static void *call(void *user)
{
	struct calling *calling = user;
	calling->status = increment(&calling->asked, &calling->err);
	return NULL;
}

static void begin(struct calling *calling, const struct hf_uuid *with, int64_t deadline_ms)
{
	static const hf_error none = HF_ERROR_INIT;
	asked_init(&calling->asked, rig.kv, with);
	calling->asked.how.deadline = hf_deadline_in(rig.ctx, deadline_ms);
	calling->err = none;
	assert_int_equal(pthread_create(&calling->thread, NULL, call, calling), 0);
}

/* Of who waits in COMMIT for the lock that this program holds. */
static pid_t waiting_backend(void)
{
	int64_t pid = 0;
	while (pid == 0)
		pid = rig_number(&rig, "SELECT coalesce(max(pid), 0) FROM pg_locks WHERE locktype = 'advisory' AND NOT "
		                       "granted AND objid = 77");
	return (pid_t)pid;
}

static void wait_in_commit(void)
{
	rig_run(&rig, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
	              "$$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END $$");
	rig_run(&rig, "CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON state_entries DEFERRABLE INITIALLY "
	              "DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()");
	rig_run(&rig, "SELECT pg_advisory_lock(77)");
}

/* The server comes back from its log, and the lock is gone. */
static void reconnect(void)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	enum hf_status status = HF_E_UNAVAILABLE;
	hf_connection_free(rig.connection);
	rig.connection = NULL;
	EXPECT_OK(hf_settings_new(rig.ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, rig.url, &err));
	for (int i = 0; i < 1200 && status != HF_OK; i++) {
		status = hf_connection_open(rig.ctx, settings, NULL, HF_DEADLINE_DEFAULT, &rig.connection, &err);
		if (status != HF_OK)
			usleep(50000);
	}
	hf_settings_free(settings);
	EXPECT_OK(status);
}

static void a_server_that_is_killed_in_commit_is_asked_again(UNUSED void **user)
{
	struct calling calling;
	wait_in_commit();
	begin(&calling, &token, 60000);
	assert_int_equal(kill(waiting_backend(), SIGKILL), 0);
	pthread_join(calling.thread, NULL);
	if (calling.status != HF_OK || calling.asked.repeated)
		fail_msg("%s %s", hf_status_word(calling.status), calling.err.message);
	reconnect();
	assert_string_equal(calling.asked.says, "2");
	assert_int_equal(sum(), 2);
	rig_run(&rig, "DROP FUNCTION wait() CASCADE");
}

static void *refuse_claims(void *user)
{
	hf_connection *connection = user;
	sql_run(hf_on_connection(connection),
	        "CREATE TRIGGER refuse BEFORE INSERT ON state_entries_tokens FOR EACH ROW "
	        "EXECUTE FUNCTION refuse()");
	return NULL;
}

/* Lost in COMMIT, and no claim is answered: it may have happened, whatever else went wrong then. The trigger waits for
 * the first, and the second try for the trigger. */
static void what_stays_in_doubt_is_told_so(UNUSED void **user)
{
	struct calling calling;
	pthread_t refusing;
	char sql[100];
	hf_connection *other = fixture_connect(rig.url);
	rig_run(&rig, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
	              "$$ BEGIN RAISE 'not here' USING ERRCODE = '57P04'; END $$");
	wait_in_commit();
	begin(&calling, &token, 60000);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)waiting_backend());
	assert_int_equal(pthread_create(&refusing, NULL, refuse_claims, other), 0);
	while (rig_number(&rig, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = "
	                        "'state_entries_tokens'::regclass") == 0)
		usleep(1000);
	rig_run(&rig, sql);
	pthread_join(refusing, NULL);
	pthread_join(calling.thread, NULL);
	hf_connection_free(other);
	rig_run(&rig, "SELECT pg_advisory_unlock(77)");
	rig_run(&rig, "DROP FUNCTION wait(), refuse() CASCADE");
	assert_int_equal(calling.status, HF_E_OUTCOME_UNKNOWN);
	assert_string_equal(calling.err.sqlstate, "57P01");
	assert_int_equal(sum(), 1);
}

/* ---- several at a time ---- */

static void two_with_one_token_wait_for_each_other(UNUSED void **user)
{
	for (uint8_t round = 0; round < ROUNDS; round++) {
		struct calling callings[THREADS];
		const struct hf_uuid one = {{0xaa, round}};
		int repeated = 0;
		for (size_t i = 0; i < THREADS; i++)
			begin(&callings[i], &one, 60000);
		for (size_t i = 0; i < THREADS; i++) {
			pthread_join(callings[i].thread, NULL);
			if (callings[i].status != HF_OK)
				fail_msg("%s: %s", hf_status_word(callings[i].status), callings[i].err.message);
			assert_string_equal(callings[i].asked.says, callings[0].asked.says);
			repeated += callings[i].asked.repeated;
		}
		assert_int_equal(repeated, THREADS - 1);
	}
	assert_int_equal(sum(), 1 + ROUNDS);
}

/* Who comes second waits; when the first gives up, it is the first. */
static void who_waits_for_one_that_is_rolled_back_does_it(UNUSED void **user)
{
	struct calling calling;
	rig_run(&rig, "BEGIN");
	rig_run(&rig,
	        "INSERT INTO state_entries_tokens (namespace, token, hash) SELECT id, "
	        "'01020304-0506-0708-090a-0b0c0d0e0f10', 'x' FROM state_entries_namespaces WHERE name = 'default'");
	begin(&calling, &token, 60000);
	while (rig_number(&rig, "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted") == 0)
		usleep(1000);
	rig_run(&rig, "ROLLBACK");
	pthread_join(calling.thread, NULL);
	assert_int_equal(calling.status, HF_OK);
	assert_false(calling.asked.repeated);
	assert_int_equal(sum(), 2);
}

static int clean(UNUSED void **user)
{
	prepare();
	return 0;
}

static int tear_down(void **user)
{
	return rig_close(user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_repetition_tells_what_came_of_the_first, clean),
		cmocka_unit_test_setup(another_request_with_the_token_is_refused, clean),
		cmocka_unit_test_setup(every_part_of_a_request_counts, clean),
		cmocka_unit_test_setup(numbers_conditions_and_order_count, clean),
		cmocka_unit_test_setup(how_it_is_asked_for_does_not_count, clean),
		cmocka_unit_test_setup(a_strict_repetition_of_a_relaxed_write_is_durable, clean),
		cmocka_unit_test_setup(what_was_refused_leaves_no_token, clean),
		cmocka_unit_test_setup(that_nothing_was_there_is_a_result, clean),
		cmocka_unit_test_setup(a_token_is_of_its_namespace, clean),
		cmocka_unit_test_setup(a_restore_leaves_tokens, clean),
		cmocka_unit_test_setup(the_sweeper_removes_what_was_kept_long_enough, clean),
		cmocka_unit_test_setup(entries_go_where_tokens_may_not_be_swept, clean),
		cmocka_unit_test_setup(a_result_that_is_none_is_told, clean),
		cmocka_unit_test_setup(what_takes_no_token_says_so, clean),
		cmocka_unit_test_setup(a_store_that_is_a_migration_behind_gets_them, clean),
		cmocka_unit_test_setup(a_line_that_is_cut_costs_nothing, clean),
		cmocka_unit_test_setup(two_with_one_token_wait_for_each_other, clean),
		cmocka_unit_test_setup(who_waits_for_one_that_is_rolled_back_does_it, clean),
		cmocka_unit_test_setup(what_stays_in_doubt_is_told_so, clean),
		cmocka_unit_test_setup(a_server_that_is_killed_in_commit_is_asked_again, clean),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
