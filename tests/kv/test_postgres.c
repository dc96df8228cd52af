/* The store on PostgreSQL: what is its own. Statements and transactions, races for a key that is not there, steps of
 * large batches, pages, the tables' names, and what its triggers keep of the writes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "kv/backends.h"
#include "queries/kv/entries.h"
#include "postgres_rig.h"

static struct hf_kv_options options_of(const char *schema, const char *table)
{
	return (struct hf_kv_options){.size = sizeof(struct hf_kv_options),
	                              .schema = schema,
	                              .table = table,
	                              .sweep_interval_ms = -1};
}

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = options_of("we\"ird", "Ta ble");
	rig_open(&rig, NULL, &options);
	*user = &rig;
	return 0;
}

static const char *get(struct rig *rig, const char *key)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	enum hf_status status = hf_kv_get(rig->kv, hf_kv_text(key), NULL, rig->arena, &entry, &err);
	if (status != HF_OK)
		return hf_status_word(status);
	return hf_arena_str(rig->arena, (struct hf_str){(const char *)entry.value.ptr, entry.value.len}).ptr;
}

/* ---- tests ---- */

static void a_put_replaces_all_but_the_beginning(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry first, second;
	int64_t rev = 0;
	const struct hf_kv_put how = {.ttl_us = 3600000000,
	                              .metadata = HF_STR("{\"b\": 1, \"a\": [2.0]}"),
	                              .ret_rev = &rev};
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("1"), &how, &err));
	EXPECT_OK(hf_kv_get(rig->kv, HF_KV_KEY("k"), NULL, rig->arena, &first, &err));
	assert_int_equal(first.rev, rev);
	assert_string_equal(first.metadata.ptr, "{\"a\":[2],\"b\":1}");
	assert_true(first.expires_us == first.updated_us + 3600000000);
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY(""), NULL, &err));
	EXPECT_OK(hf_kv_get(rig->kv, HF_KV_KEY("k"), NULL, rig->arena, &second, &err));
	assert_true(second.rev > first.rev && second.created_us == first.created_us &&
	            second.updated_us > first.updated_us);
	assert_int_equal(second.expires_us, HF_KV_NEVER);
	assert_null(second.metadata.ptr);
	assert_int_equal(second.value.len, 0);
	bool existed = false;
	EXPECT_OK(hf_kv_delete(rig->kv, HF_KV_KEY("k"), NULL, &existed, &err));
	assert_true(existed);
	EXPECT_OK(hf_kv_delete(rig->kv, HF_KV_KEY("k"), NULL, &existed, &err));
	assert_false(existed);
	assert_string_equal(get(rig, "k"), "not-found");
}

/* What is asked for the revision of takes another statement than what is not. */
static void whether_it_is_asked_for_or_not_a_put_does_the_same(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	int64_t rev = 0;
	const struct hf_kv_put hows[] = {
		{0},
		{.ttl_us = 3600000000, .metadata = HF_STR("{\"a\":1}")},
		{.how = {.durability = HF_KV_RELAXED, .durability_set = true}},
		{.ttl_us = 60000000, .how = {.durability = HF_KV_RELAXED, .durability_set = true}},
	};
	for (size_t i = 0; i < 3 * ARRAY_LEN(hows); i++) {
		struct hf_kv_put told = hows[i % ARRAY_LEN(hows)], untold = told;
		told.ret_rev = &rev;
		if (i == 2 * ARRAY_LEN(hows)) /* over what expired */
			rig_run(rig,
			        "UPDATE \"we\"\"ird\".\"Ta ble\" SET expires_at = now(), created_at = '2020-01-01'");
		EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("told"), HF_KV_KEY("v"), &told, &err));
		EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("untold"), HF_KV_KEY("v"), &untold, &err));
		assert_int_equal(rig_number(rig, "SELECT rev FROM \"we\"\"ird\".\"Ta ble\" WHERE key = 'told'"), rev);
		assert_int_equal(
			rig_number(
				rig,
				"SELECT count(*) FROM \"we\"\"ird\".\"Ta ble\" AS a JOIN \"we\"\"ird\".\"Ta ble\" AS b"
				" USING (namespace, epoch, codec, value) WHERE a.key = 'told' AND b.key = 'untold'"
				" AND b.rev > a.rev AND a.metadata IS NOT DISTINCT FROM b.metadata"
				" AND a.expires_at - a.updated_at IS NOT DISTINCT FROM b.expires_at - b.updated_at"
				" AND (a.expire_bucket IS NULL) = (b.expire_bucket IS NULL)"
				" AND (a.created_at = a.updated_at) = (b.created_at = b.updated_at)"),
			1);
	}
}

static void a_list_of_keys_has_the_times_of_each(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry *listed = NULL, got;
	size_t count = 0;
	const struct hf_kv_put how = {.ttl_us = 3600000000};
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("a once"), HF_KV_KEY("1"), NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("b twice"), HF_KV_KEY("1"), NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("b twice"), HF_KV_KEY("2"), &how, &err));
	const struct hf_kv_range keys = {.how.keys_only = true};
	EXPECT_OK(hf_kv_list(rig->kv, &keys, rig->arena, &listed, &count, &err));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		EXPECT_OK(hf_kv_get(rig->kv, listed[i].key, NULL, rig->arena, &got, &err));
		assert_int_equal(listed[i].rev, got.rev);
		assert_int_equal(listed[i].created_us, got.created_us);
		assert_int_equal(listed[i].updated_us, got.updated_us);
		assert_int_equal(listed[i].expires_us, got.expires_us);
	}
	assert_true(listed[0].updated_us == listed[0].created_us && listed[1].updated_us > listed[1].created_us);
}

struct twice {
	struct rig *rig;
	struct entries_bound entries;
};

static enum hf_status put_twice(hf_where where, void *user, UNUSED hf_error *ret_err)
{
	hf_error err = HF_ERROR_INIT;
	struct twice *twice = user;
	struct entry_put_row row;
	const struct entry_put_in in = {.ns = 1, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")};
	EXPECT_OK(entry_put(where, &twice->entries, &in, twice->rig->arena, &row, &err));
	assert_false(row.existed);
	EXPECT_OK(entry_put(where, &twice->entries, &in, twice->rig->arena, &row, &err));
	assert_true(row.existed);
	return HF_OK;
}

/* Two transactions can begin in the same microsecond; here it is one, whose now() stands still. */
static void a_put_at_the_moment_of_the_first_is_none_of_its_own(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct twice twice = {.rig = rig};
	const struct entries_names names = {HF_STR("we\"ird"), HF_STR("Ta ble")};
	EXPECT_OK(entries_bind(&names, rig->arena, &twice.entries, &err));
	EXPECT_OK(hf_transaction(hf_on_connection(rig->connection), NULL, put_twice, &twice, &err));
}

/* A checkpoint waits for writers and what they write goes by it: that needs a look behind the wait. */
static int64_t put_rev(struct rig *rig, bool in_batch)
{
	struct hf_kv_write writes[] = {{.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
	                               {.op = HF_KV_PUT, .key = HF_KV_KEY("l"), .value = HF_KV_KEY("v")}};
	struct hf_kv_result results[2];
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_apply(rig->kv, writes, in_batch ? 2 : 1, NULL, rig->arena, results, &err));
	return results[0].rev;
}

/* A put draws its number before it has the row; another writer may draw after it and be there before it. */
static void a_revision_drawn_too_early_is_drawn_again(void **user)
{
	struct rig *rig = *user;
	for (int in_batch = 0; in_batch < 2; in_batch++) {
		int64_t first = put_rev(rig, in_batch);
		int64_t second = put_rev(rig, in_batch);
		assert_int_equal(second - first, in_batch ? 2 : 1); /* one of each entry */
		/* the number that the next put draws first */
		rig_run(rig, in_batch ? "UPDATE \"we\"\"ird\".\"Ta ble\" SET rev = rev + 2 WHERE key = 'k'"
		                      : "UPDATE \"we\"\"ird\".\"Ta ble\" SET rev = rev + 1 WHERE key = 'k'");
		assert_true(put_rev(rig, in_batch) > second + (in_batch ? 2 : 1));
	}
}

static void the_servers_isolation_is_not_the_stores(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	hf_kv *other;
	const struct hf_kv_options options = options_of("we\"ird", "Ta ble");
	rig_run(rig, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable',"
	             " current_database()); END $$");
	rig_run(rig, "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	             " IF current_setting('transaction_isolation') <> 'read committed' THEN"
	             " RAISE EXCEPTION 'isolation is %', current_setting('transaction_isolation'); END IF;"
	             " RETURN NEW; END $$");
	rig_run(rig,
	        "CREATE TRIGGER look BEFORE INSERT ON \"we\"\"ird\".\"Ta ble\" FOR EACH ROW EXECUTE FUNCTION look()");
	EXPECT_OK(hf_kv_open_backend(fixture_context(), &postgres_backend, rig->url, &options, &other, &err));
	EXPECT_OK(hf_kv_put(other, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	hf_kv_close(other);
}

static void what_expired_is_not_there(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 9, removed = 0;
	struct hf_kv_entry entry;
	const struct hf_kv_put how = {.ttl_us = 3600000000};
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("old"), HF_KV_KEY("1"), &how, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("revived"), HF_KV_KEY("1"), &how, &err));
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble\" SET expires_at = now(), created_at = '2020-01-01',"
	             " expire_bucket = floor(extract(epoch FROM now()) / 300)::int");
	assert_string_equal(get(rig, "old"), "not-found");
	EXPECT_OK(hf_kv_count(rig->kv, NULL, &count, &err));
	assert_int_equal(count, 0);
	EXPECT_STATUS(hf_kv_touch(rig->kv, HF_KV_KEY("old"), 1000000, NULL, &err), HF_NOT_FOUND);
	struct hf_kv_result results[2];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = HF_KV_KEY("revived"), .value = HF_KV_KEY("2"), .flags = HF_KV_IF_ABSENT}};
	EXPECT_OK(hf_kv_apply(rig->kv, writes, 1, NULL, rig->arena, results, &err));
	assert_false(results[0].existed);
	EXPECT_OK(hf_kv_get(rig->kv, HF_KV_KEY("revived"), NULL, rig->arena, &entry, &err));
	assert_int_equal(entry.created_us, entry.updated_us);
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 1);
	assert_string_equal(get(rig, "revived"), "2");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".\"Ta ble\""), 1);
}

static void a_sweep_is_of_every_namespace(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble_namespaces\" (name) VALUES ('two'), ('three')");
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble\" (rev, created_at, updated_at, expires_at, expire_bucket, "
	             "namespace,"
	             " epoch, key, value) SELECT i, now(), now(), '2020-01-01', 5259456, 1 + i % 3, 1, int8send(i), 'v'"
	             " FROM generate_series(1, 2500) AS i");
	EXPECT_OK(hf_kv_sweep(rig->kv, HF_DEADLINE_DEFAULT, &removed, &err));
	assert_int_equal(removed, 2500);
}

enum { MANY = 12000 };

static void a_large_batch_is_one_transaction_in_steps(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_write *writes = calloc(MANY + 1, sizeof(*writes));
	struct hf_kv_result *results = calloc(MANY + 1, sizeof(*results));
	char(*keys)[8] = calloc(MANY, sizeof(*keys));
	uint64_t count = 0;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%05zu", (i * 7919) % MANY);
		writes[i] =
			(struct hf_kv_write){.op = HF_KV_PUT, .key = hf_kv_text(keys[i]), .value = hf_kv_text(keys[i])};
	}
	writes[MANY] = (struct hf_kv_write){.op = HF_KV_PUT, .key = hf_kv_text(keys[0]), .value = HF_KV_KEY("last")};
	EXPECT_OK(hf_kv_apply(rig->kv, writes, MANY + 1, NULL, rig->arena, results, &err));
	assert_true(results[0].outcome == HF_KV_DONE && !results[0].existed && results[MANY].existed);
	assert_string_equal(get(rig, keys[0]), "last");
	EXPECT_OK(hf_kv_count(rig->kv, NULL, &count, &err));
	assert_int_equal(count, MANY);
	/* one that is refused undoes all, whatever step it is in */
	for (size_t i = 0; i < MANY; i++)
		writes[i].op = HF_KV_DELETE;
	writes[MANY] =
		(struct hf_kv_write){.op = HF_KV_PUT, .key = HF_KV_KEY("00001"), .flags = HF_KV_IF_REV, .if_rev = 1};
	EXPECT_STATUS(hf_kv_apply(rig->kv, writes, MANY + 1, NULL, rig->arena, results, &err), HF_CONFLICT);
	assert_int_equal(results[MANY].outcome, HF_KV_ABSENT);
	assert_int_equal(results[0].outcome, HF_KV_UNDONE);
	EXPECT_OK(hf_kv_apply(rig->kv, writes, MANY, NULL, rig->arena, results, &err));
	EXPECT_OK(hf_kv_count(rig->kv, NULL, &count, &err));
	assert_int_equal(count, 0);
	free(writes);
	free(results);
	free(keys);
}

/* Keys 00000 to MANY - 1 in no order, the first of them twice: the value of the last is `last`. */
static enum hf_status put_all(struct rig *rig, const char *value, const char *last, hf_error *err)
{
	struct hf_bytes *keys = calloc(MANY + 1, sizeof(*keys)), *values = calloc(MANY + 1, sizeof(*values));
	char(*texts)[8] = calloc(MANY, sizeof(*texts));
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%05zu", (i * 7919) % MANY);
		keys[i] = hf_kv_text(texts[i]);
		values[i] = hf_kv_text(value);
	}
	keys[MANY] = keys[0];
	values[MANY] = hf_kv_text(last);
	enum hf_status status = hf_kv_put_many(rig->kv, keys, values, MANY + 1, NULL, err);
	free(keys);
	free(values);
	free(texts);
	return status;
}

static void many_puts_are_one_transaction(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(put_all(rig, "1", "last", &err));
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT xmin::text) FROM \"we\"\"ird\".\"Ta ble\""), 1);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT rev) FROM \"we\"\"ird\".\"Ta ble\""), MANY);
	assert_string_equal(get(rig, "00000"), "last");
	assert_string_equal(get(rig, "11999"), "1");
	/* one row in one step */
	rig_run(rig, "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key = '09000' THEN"
	             " RAISE EXCEPTION 'as the test said' USING ERRCODE = '23505'; END IF; RETURN NEW; END $$");
	rig_run(rig,
	        "CREATE TRIGGER fail BEFORE UPDATE ON \"we\"\"ird\".\"Ta ble\" FOR EACH ROW EXECUTE FUNCTION fail()");
	EXPECT_STATUS(put_all(rig, "2", "2", &err), HF_CONFLICT);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".\"Ta ble\" WHERE value = '2'"), 0);
	rig_run(rig,
	        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key = '09000'"
	        " THEN RAISE EXCEPTION 'as the test said' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$");
	assert_int_not_equal(put_all(rig, "2", "2", &err), HF_OK);
	assert_string_equal(err.sqlstate, "23514");
	assert_null(strstr(err.message, "items["));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".\"Ta ble\" WHERE value = '2'"), 0);
}

struct seen {
	char first[16], last[16];
	size_t count, stop_at;
};

static enum hf_status see(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct seen *seen = user;
	char *into = seen->count++ ? seen->last : seen->first;
	snprintf(into, sizeof(seen->last), "%.*s", (int)entry->key.len, (const char *)entry->key.ptr);
	return seen->count == seen->stop_at ? HF_STOP : HF_OK;
}

static struct seen scanned(struct rig *rig, struct hf_kv_range range, size_t stop_at)
{
	hf_error err = HF_ERROR_INIT;
	struct seen seen = {.stop_at = stop_at};
	EXPECT_OK(hf_kv_scan(rig->kv, &range, see, &seen, &err));
	return seen;
}

static void a_range_comes_in_pages(void **user)
{
	struct rig *rig = *user;
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble\" (rev, created_at, updated_at, namespace, epoch, key, value, "
	             "metadata)"
	             " SELECT i, now(), now(), 1, 1, convert_to(to_char(i, 'FM00000'), 'UTF8'), 'v',"
	             " CASE WHEN i % 2 = 0 THEN '{\"even\": true}'::jsonb END FROM generate_series(0, 2499) AS i");
	struct seen all = scanned(rig, (struct hf_kv_range){0}, 0);
	assert_int_equal(all.count, 2500);
	assert_string_equal(all.first, "00000");
	assert_string_equal(all.last, "02499");
	struct seen back = scanned(rig, (struct hf_kv_range){.reverse = true, .how.keys_only = true}, 0);
	assert_int_equal(back.count, 2500);
	assert_string_equal(back.first, "02499");
	assert_string_equal(back.last, "00000");
	assert_int_equal(scanned(rig, (struct hf_kv_range){.limit = 1001}, 0).count, 1001);
	assert_int_equal(scanned(rig, (struct hf_kv_range){0}, 1500).count, 1500);
	assert_int_equal(scanned(rig, (struct hf_kv_range){.prefix = HF_KV_KEY("0001")}, 0).count, 10);
	assert_int_equal(scanned(rig, (struct hf_kv_range){.has_metadata = HF_STR("{\"even\":true}")}, 0).count, 1250);
}

enum { THREADS = 6, ROUNDS = 40 };

struct race {
	hf_kv *kv;
	atomic_int won;
};

static void *race(void *user)
{
	struct race *race = user;
	hf_arena *arena = hf_arena_new(0);
	for (int round = 0; round < ROUNDS; round++) {
		hf_error err = HF_ERROR_INIT;
		char key[16];
		int64_t sum = 0;
		snprintf(key, sizeof(key), "race%d", round);
		const struct hf_kv_put first = {.flags = HF_KV_IF_ABSENT};
		enum hf_status status = hf_kv_put(race->kv, hf_kv_text(key), HF_KV_KEY("mine"), &first, &err);
		if (status == HF_OK)
			atomic_fetch_add(&race->won, 1);
		else if (status != HF_CONFLICT)
			atomic_fetch_add(&race->won, 1000000);
		if (hf_kv_increment(race->kv, HF_KV_KEY("sum"), 1, NULL, &sum, &err) != HF_OK)
			atomic_fetch_add(&race->won, 1000000);
	}
	hf_arena_free(arena);
	return NULL;
}

static void one_wins_a_key_that_was_free(void **user)
{
	struct rig *rig = *user;
	struct race racing = {.kv = rig->kv};
	pthread_t threads[THREADS];
	char sum[16];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racing), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&racing.won), ROUNDS);
	snprintf(sum, sizeof(sum), "%d", THREADS * ROUNDS);
	assert_string_equal(get(rig, "sum"), sum);
}

static void every_way_to_write_keeps_the_image(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const char *keys[] = {"append", "batch1", "batch2", "clear", "delete", "put", "touch"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		rig_put(rig, keys[i], "before");
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble_checkpoints\" (namespace, epoch)"
	             " VALUES (1, \"we\"\"ird\".\"Ta ble_next_epoch\"(1))");
	rig_put(rig, "put", "after");
	rig_put(rig, "put", "once more");
	rig_put(rig, "new", "after");
	const struct hf_bytes batch[] = {HF_KV_KEY("batch1"), HF_KV_KEY("batch2")};
	EXPECT_OK(hf_kv_put_many(rig->kv, batch, batch, 2, NULL, &err));
	EXPECT_OK(hf_kv_append(rig->kv, HF_KV_KEY("append"), HF_KV_KEY("!"), NULL, &err));
	EXPECT_OK(hf_kv_touch(rig->kv, HF_KV_KEY("touch"), 3600000000, NULL, &err));
	EXPECT_OK(hf_kv_delete(rig->kv, HF_KV_KEY("delete"), NULL, NULL, &err));
	uint64_t removed = 0;
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	assert_int_equal(removed, 7);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".\"Ta ble_history\" WHERE value = 'before'"
	                                 " AND epoch_from = 1 AND epoch_to = 2"),
	                 (int)ARRAY_LEN(keys));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".\"Ta ble_history\""),
	                 (int)ARRAY_LEN(keys));
}

static void a_transaction_takes_one_way(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	bool held = false;
	struct hf_kv_result results[2];
	const struct hf_kv_write compare = {.op = HF_KV_READ,
	                                    .key = HF_KV_KEY("a"),
	                                    .flags = HF_KV_IF_VALUE,
	                                    .if_value = HF_KV_KEY("1")};
	const struct hf_kv_write then[] = {{.op = HF_KV_PUT, .key = HF_KV_KEY("b"), .value = HF_KV_KEY("then")},
	                                   {.op = HF_KV_DELETE, .key = HF_KV_KEY("a")}};
	const struct hf_kv_write otherwise = {.op = HF_KV_PUT, .key = HF_KV_KEY("a"), .value = HF_KV_KEY("1")};
	const struct hf_kv_txn txn = {&compare, 1, then, 2, &otherwise, 1};
	EXPECT_OK(hf_kv_transact(rig->kv, &txn, NULL, rig->arena, &held, results, &err));
	assert_false(held);
	assert_string_equal(get(rig, "a"), "1");
	EXPECT_OK(hf_kv_transact(rig->kv, &txn, NULL, rig->arena, &held, results, &err));
	assert_true(held);
	assert_string_equal(get(rig, "a"), "not-found");
	assert_string_equal(get(rig, "b"), "then");
}

static void namespaces_and_stores_do_not_meet(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	hf_kv *other = NULL, *store = NULL;
	uint64_t removed = 0;
	struct hf_kv_entry entry;
	const struct hf_kv_options options = options_of(NULL, NULL);
	rig_put(rig, "k", "mine");
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	EXPECT_OK(hf_kv_open_backend(fixture_context(), &postgres_backend, rig->url, &options, &store, &err));
	EXPECT_STATUS(hf_kv_get(other, HF_KV_KEY("k"), NULL, rig->arena, &entry, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_get(store, HF_KV_KEY("k"), NULL, rig->arena, &entry, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_kv_put(other, HF_KV_KEY("k"), HF_KV_KEY("other"), NULL, &err));
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	EXPECT_OK(hf_kv_get(other, HF_KV_KEY("k"), NULL, rig->arena, &entry, &err));
	hf_kv_close(other);
	hf_kv_close(store);
}

static void tables_that_are_not_these_are_refused(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	struct hf_kv_options options = options_of("app", "e");
	options.no_migrate = true;
	EXPECT_STATUS(hf_kv_open_backend(fixture_context(), &postgres_backend, rig->url, &options, &kv, &err),
	              HF_E_DRIFT);
	EXPECT_CONTAINS(err.hint, "holdfast migrate up --set kv");
	options = options_of(NULL, NULL);
	rig_run(rig, "CREATE TABLE state_entries (key bytea PRIMARY KEY, value bytea NOT NULL)");
	EXPECT_STATUS(hf_kv_open_backend(fixture_context(), &postgres_backend, rig->url, &options, &kv, &err),
	              HF_CONFLICT);
	EXPECT_CONTAINS(err.hint, "holdfast kv import");
	options = options_of("", "e");
	EXPECT_STATUS(hf_kv_open_backend(fixture_context(), &postgres_backend, rig->url, &options, &kv, &err),
	              HF_E_INPUT);
	EXPECT_STATUS(hf_kv_open_backend(fixture_context(), &postgres_backend, "postgresql://[", NULL, &kv, &err),
	              HF_E_CONFIG);
	assert_null(kv);
}

/* ---- locks ---- */

enum { LONG_US = 3600000000u / 2 };

static struct hf_kv_lock take(struct rig *rig, const char *name, const char *owner)
{
	struct hf_kv_lock lock;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_lock_try(rig->kv, name, owner, LONG_US, rig->arena, &lock, &err));
	return lock;
}

static enum hf_status put_fenced(struct rig *rig, const struct hf_kv_lock *lock, hf_error *err)
{
	const struct hf_kv_fence fence = {lock->name, lock->owner, lock->fence};
	const struct hf_kv_put put = {.how.fence = &fence};
	return hf_kv_put(rig->kv, HF_KV_KEY("k"), hf_kv_text(lock->owner.ptr), &put, err);
}

static void one_holds_a_lock(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_lock held, *locks;
	size_t count;
	struct hf_kv_lock mine = take(rig, "l", "me");
	assert_true(mine.fence > 0);
	assert_int_equal(mine.expires_us, mine.acquired_us + LONG_US);
	EXPECT_STATUS(hf_kv_lock_try(rig->kv, "l", "you", LONG_US, rig->arena, &held, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "me");
	assert_int_equal(held.fence, mine.fence);
	struct hf_kv_lock again = take(rig, "l", "me");
	assert_int_equal(again.fence, mine.fence);
	assert_int_equal(again.acquired_us, mine.acquired_us);
	EXPECT_OK(hf_kv_lock_renew(rig->kv, &mine, LONG_US, &err));
	EXPECT_OK(hf_kv_lock_release(rig->kv, &mine, &err));
	EXPECT_STATUS(hf_kv_lock_release(rig->kv, &mine, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_kv_lock_renew(rig->kv, &mine, LONG_US, &err), HF_CONFLICT);
	assert_true(take(rig, "l", "you").fence > mine.fence);
	take(rig, "\xc3\xa4", "me");
	take(rig, "a", "me");
	EXPECT_OK(hf_kv_lock_list(rig->kv, rig->arena, &locks, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(locks[0].name.ptr, "a");
	EXPECT_OK(hf_kv_lock_show(rig->kv, "l", rig->arena, &held, &err));
	assert_string_equal(held.owner.ptr, "you");
	EXPECT_STATUS(hf_kv_lock_show(rig->kv, "nobody", rig->arena, &held, &err), HF_NOT_FOUND);
}

static void writes_of_a_holder_that_was_paused_are_refused(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	struct hf_kv_lock mine = take(rig, "l", "me");
	EXPECT_OK(put_fenced(rig, &mine, &err));
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble_locks\" SET expires_at = now()"); /* its lease ended meanwhile */
	EXPECT_STATUS(put_fenced(rig, &mine, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "fenced");
	struct hf_kv_lock yours = take(rig, "l", "you");
	EXPECT_STATUS(put_fenced(rig, &mine, &err), HF_CONFLICT);
	EXPECT_OK(put_fenced(rig, &yours, &err));
	struct hf_kv_lock forged = yours;
	forged.fence++;
	EXPECT_STATUS(put_fenced(rig, &forged, &err), HF_CONFLICT);
	const struct hf_kv_fence late = {mine.name, mine.owner, mine.fence};
	const struct hf_kv_how how = {.fence = &late};
	EXPECT_STATUS(hf_kv_clear(rig->kv, &how, &removed, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_kv_delete(rig->kv, HF_KV_KEY("k"), &how, NULL, &err), HF_CONFLICT);
	assert_string_equal(get(rig, "k"), "you");
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, &removed, &err));
	assert_int_equal(removed, 1);
	EXPECT_OK(put_fenced(rig, &yours, &err)); /* clear leaves locks alone */
}

static void care_is_taken(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_sizes sizes;
	rig_put(rig, "k", "v");
	EXPECT_OK(hf_kv_vacuum(rig->kv, HF_DEADLINE_DEFAULT, &err));
	EXPECT_OK(hf_kv_sizes(rig->kv, &sizes, &err));
	assert_true(sizes.total_bytes > sizes.table_bytes && sizes.table_bytes > 0);
	assert_true(sizes.index_bytes > 0 && sizes.toast_bytes > 0 && sizes.history_bytes > 0);
	assert_true(sizes.total_bytes >
	            sizes.table_bytes + (uint64_t)(sizes.index_bytes + sizes.toast_bytes + sizes.history_bytes) - 1);
	assert_true(sizes.live_rows >= 0 && sizes.dead_rows >= 0);
	assert_true(sizes.bloat_bytes >= 0 && sizes.bloat_bytes <= (int64_t)sizes.table_bytes); /* it was analysed */
	EXPECT_OK(hf_kv_health(rig->kv, HF_DEADLINE_DEFAULT, NULL, &err));
}

/* What the column `codec` says, and what comes of a value that was damaged. */
static void values_are_packed(void **user)
{
	static uint8_t value[5000];
	struct rig *rig = *user;
	const struct hf_bytes many = {value, sizeof(value)}, key = HF_KV_KEY("k");
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(rig->kv, key, many, NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("short"), HF_KV_KEY("v"), NULL, &err));
	assert_int_equal(rig_number(rig, "SELECT codec::bigint FROM \"we\"\"ird\".\"Ta ble\" WHERE key = 'k'"), 2);
	assert_int_equal(rig_number(rig, "SELECT codec::bigint FROM \"we\"\"ird\".\"Ta ble\" WHERE key = 'short'"), 0);
	assert_in_range(rig_number(rig, "SELECT length(value)::bigint FROM \"we\"\"ird\".\"Ta ble\" WHERE key = 'k'"),
	                10, 100);
	/* how long it is can be told without unpacking it */
	assert_int_equal(rig_number(rig,
	                            "SELECT ('x' || encode(substring(value FROM 1 FOR 4), 'hex'))::bit(32)::bigint "
	                            "FROM \"we\"\"ird\".\"Ta ble\" WHERE key = 'k'"),
	                 sizeof(value));
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble\" SET value = set_byte(value, length(value) - 1, get_byte(value, "
	             "length(value) - 1) # 1) "
	             "WHERE key = 'k'");
	EXPECT_STATUS(hf_kv_get(rig->kv, key, NULL, rig->arena, &entry, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "could not unpack a value");
	EXPECT_STATUS(hf_kv_append(rig->kv, key, HF_KV_KEY("x"), NULL, &err), HF_E_CORRUPT);
	EXPECT_STATUS(hf_kv_compare_and_set(rig->kv, key, many, many, NULL, &err), HF_E_CORRUPT);
	EXPECT_OK(hf_kv_touch(rig->kv, key, 60000000, NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, key, many, NULL, &err));
	EXPECT_OK(hf_kv_get(rig->kv, key, NULL, rig->arena, &entry, &err));
}

static void value_is(struct rig *rig, const char *key, struct hf_bytes value)
{
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_get(rig->kv, hf_kv_text(key), &how, rig->arena, &entry, &err));
	assert_int_equal(entry.value.len, value.len);
	assert_memory_equal(entry.value.ptr, value.ptr, value.len);
}

/* A value that only looks packed is asked for with its codec, as all are from then on. */
static void values_alone_are_told_by_their_bytes(void **user)
{
	static uint8_t bytes[5000];
	struct rig *rig = *user;
	const struct hf_bytes many = {bytes, sizeof(bytes)}, alike = HF_KV_KEY("\0\0\x13\x88\x28\xb5\x2f\xfd\0\0");
	const struct hf_bytes head = {alike.ptr, 8};
	const struct hf_kv_read how = {.value_only = true};
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("many"), many, NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("alike"), alike, NULL, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("head"), head, NULL, &err));
	rig_put(rig, "plain", "v");
	const char *const first[] = {"alike", "many"};
	for (size_t i = 0; i < 2; i++) {
		const struct hf_kv_options options = options_of("we\"ird", "Ta ble");
		hf_kv_close(rig->kv);
		EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &rig->kv, &err));
		value_is(rig, "plain", HF_KV_KEY("v"));
		value_is(rig, "head", head);
		value_is(rig, first[i], i ? many : alike);
		value_is(rig, first[1 - i], i ? alike : many);
		value_is(rig, "plain", HF_KV_KEY("v"));
	}
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble\" SET value = set_byte(value, length(value) - 1, get_byte(value, "
	             "length(value) - 1) # 1) WHERE key = 'many'");
	EXPECT_STATUS(hf_kv_get(rig->kv, HF_KV_KEY("many"), &how, rig->arena, &entry, &err), HF_E_CORRUPT);
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble\" SET codec = 7 WHERE key = 'plain'");
	EXPECT_STATUS(hf_kv_get(rig->kv, HF_KV_KEY("plain"), &how, rig->arena, &entry, &err), HF_E_CORRUPT);
}

/* By a handle that has seen none yet. */
static void a_damaged_mark_is_no_value(void **user)
{
	static uint8_t bytes[5000];
	struct rig *rig = *user;
	const struct hf_kv_read how = {.value_only = true};
	const struct hf_kv_options options = options_of("we\"ird", "Ta ble");
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("many"), (struct hf_bytes){bytes, sizeof(bytes)}, NULL, &err));
	for (int at = 4; at < 8; at++) {
		char sql[200];
		const char *const flip =
			"UPDATE \"we\"\"ird\".\"Ta ble\" SET value = set_byte(value, %d, get_byte(value, %d) # 16) "
			"WHERE key = 'many'";
		snprintf(sql, sizeof(sql), flip, at, at);
		rig_run(rig, sql);
		hf_kv_close(rig->kv);
		EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &rig->kv, &err));
		EXPECT_STATUS(hf_kv_get(rig->kv, HF_KV_KEY("many"), &how, rig->arena, &entry, &err), HF_E_CORRUPT);
		rig_run(rig, sql);
	}
	value_is(rig, "many", (struct hf_bytes){bytes, sizeof(bytes)});
}

/* The server passes over it with a warning: that is no success. */
static void vacuuming_takes_the_owner(void **user)
{
	struct rig *rig = *user;
	struct hf_kv_options options = options_of("we\"ird", "Ta ble");
	char url[700], role[40];
	hf_error err = HF_ERROR_INIT;
	hf_kv *guest = NULL;
	snprintf(role, sizeof(role), "guest_%d", (int)getpid());
	char sql[600];
	snprintf(sql, sizeof(sql),
	         "DO $$ BEGIN CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA \"we\"\"ird\" TO %s; "
	         "GRANT USAGE ON SCHEMA holdfast TO %s; GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO %s; "
	         "GRANT ALL ON ALL TABLES IN SCHEMA \"we\"\"ird\" TO %s; GRANT ALL ON ALL SEQUENCES IN SCHEMA "
	         "\"we\"\"ird\" TO %s; END $$",
	         role, role, role, role, role, role);
	rig_run(rig, sql);
	snprintf(url, sizeof(url), "%s&user=%s", rig->url, role);
	options.no_migrate = true;
	EXPECT_OK(hf_kv_open_backend(fixture_context(), &postgres_backend, url, &options, &guest, &err));
	EXPECT_OK(hf_kv_put(guest, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	EXPECT_STATUS(hf_kv_vacuum(guest, HF_DEADLINE_DEFAULT, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, role);
	hf_kv_close(guest);
	snprintf(sql, sizeof(sql), "DO $$ BEGIN DROP OWNED BY %s; DROP ROLE %s; END $$", role, role);
	rig_run(rig, sql);
	EXPECT_OK(hf_kv_vacuum(rig->kv, HF_DEADLINE_DEFAULT, &err));
}

/* An arena whose bound is reached says so at whatever place that is. */
static void what_does_not_fit_is_not_want_of_memory(void **user)
{
	static const uint8_t key[400];
	const struct hf_bytes keys[] = {{key, sizeof(key)}, {key, sizeof(key) - 1}};
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entries[2];
	EXPECT_OK(hf_kv_put_many(rig->kv, keys, keys, 2, NULL, &err));
	for (size_t count = 1; count <= 2; count++) {
		enum hf_status status = HF_E_LIMIT;
		for (size_t bound = 1; status != HF_OK; bound += 16) {
			hf_arena *arena = hf_arena_new(bound);
			status = count == 1 ? hf_kv_get(rig->kv, keys[0], NULL, arena, entries, &err)
			                    : hf_kv_get_many(rig->kv, keys, 2, NULL, arena, entries, &err);
			hf_arena_free(arena);
			if (status != HF_OK)
				assert_int_equal(status, HF_E_LIMIT);
		}
	}
}

/* Somebody wrote into the table; the caller's number stays what it is. */
static void a_default_time_to_live_that_is_none_is_refused(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	int64_t ttl_us = 7;
	rig_run(rig, "UPDATE \"we\"\"ird\".\"Ta ble_namespaces\" SET default_ttl = '-1 second'");
	EXPECT_STATUS(hf_kv_default_ttl(rig->kv, &ttl_us, &err), HF_E_CORRUPT);
	assert_int_equal(ttl_us, 7);
}

/* Nobody keeps what is set where the row is gone. */
static void a_namespace_without_a_row_keeps_no_time_to_live(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	int64_t ttl_us = 7;
	rig_run(rig, "DELETE FROM \"we\"\"ird\".\"Ta ble_namespaces\"");
	EXPECT_STATUS(hf_kv_set_default_ttl(rig->kv, 60000000, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "no longer in the table of namespaces");
	EXPECT_STATUS(hf_kv_default_ttl(rig->kv, &ttl_us, &err), HF_E_CORRUPT);
	assert_int_equal(ttl_us, 7);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(values_are_packed),
		STORE(values_alone_are_told_by_their_bytes),
		STORE(a_damaged_mark_is_no_value),
		STORE(what_does_not_fit_is_not_want_of_memory),
		STORE(a_default_time_to_live_that_is_none_is_refused),
		STORE(a_namespace_without_a_row_keeps_no_time_to_live),
		STORE(vacuuming_takes_the_owner),
		STORE(a_put_replaces_all_but_the_beginning),
		STORE(a_list_of_keys_has_the_times_of_each),
		STORE(whether_it_is_asked_for_or_not_a_put_does_the_same),
		STORE(a_put_at_the_moment_of_the_first_is_none_of_its_own),
		STORE(a_revision_drawn_too_early_is_drawn_again),
		STORE(the_servers_isolation_is_not_the_stores),
		STORE(what_expired_is_not_there),
		STORE(a_sweep_is_of_every_namespace),
		STORE(a_large_batch_is_one_transaction_in_steps),
		STORE(many_puts_are_one_transaction),
		STORE(a_range_comes_in_pages),
		STORE(one_wins_a_key_that_was_free),
		STORE(every_way_to_write_keeps_the_image),
		STORE(a_transaction_takes_one_way),
		STORE(namespaces_and_stores_do_not_meet),
		STORE(tables_that_are_not_these_are_refused),
		STORE(one_holds_a_lock),
		STORE(writes_of_a_holder_that_was_paused_are_refused),
		STORE(care_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
