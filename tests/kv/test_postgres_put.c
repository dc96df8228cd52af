/* Plain puts on PostgreSQL are tried as replacements of what stands there once that succeeds: how often they wait for
 * the server, and that what is not to be replaced so is put all the same. A relay counts; the store has one connection.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "kv/postgres.h"
#include "postgres_rig.h"
#include "relay.h"

enum { AGAIN = 300 }; /* more than the puts between two that try */

static int set_up(void **user)
{
	static struct rig rig;
	char url[500];
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = 1,
	                                      .connections_max = 1,
	                                      .sweep_interval_ms = -1};
	rig_begin(&rig, NULL);
	relay_start(rig.url, url, sizeof(url));
	EXPECT_OK(hf_kv_open(rig.ctx, url, &options, &rig.kv, &err));
	*user = &rig;
	return 0;
}

static int tear_down(void **user)
{
	int status = rig_close(user);
	relay_stop();
	return status;
}

static int trips_of_put(struct rig *rig, const char *key, const char *value)
{
	int before = relay_trips();
	rig_put(rig, key, value);
	return relay_trips() - before;
}

/* Until each put is tried so. */
static void settle(struct rig *rig, const char *key, const char *value)
{
	for (int i = 0; i <= POSTGRES_FIRST_UPSERTS; i++)
		rig_put(rig, key, value);
}

static struct hf_kv_entry entry_of(struct rig *rig, const char *key)
{
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_get(rig->kv, hf_kv_text(key), NULL, rig->arena, &entry, &err));
	return entry;
}

static void expect_entry(struct rig *rig, const char *key, const char *value)
{
	const struct hf_kv_entry entry = entry_of(rig, key);
	assert_int_equal(entry.value.len, strlen(value));
	assert_memory_equal(entry.value.ptr, value, entry.value.len);
}

/* ---- how often ---- */

static void what_replaces_nothing_waits_twice_and_then_rarely(void **user)
{
	struct rig *rig = *user;
	char key[20];
	int trips = 0;
	settle(rig, "k", "v");
	for (int i = 0; i < AGAIN; i++)
		assert_int_equal(trips_of_put(rig, "k", "v"), 1);
	assert_int_equal(trips_of_put(rig, "new", "v"), 2);
	for (int i = 0; i < AGAIN; i++) {
		snprintf(key, sizeof(key), "new%d", i);
		trips += trips_of_put(rig, key, "v");
	}
	assert_int_equal(trips, AGAIN + 1);
	for (int i = 0; i < AGAIN; i++)
		assert_int_equal(trips_of_put(rig, "k", "v"), 1);
	assert_int_equal(trips_of_put(rig, "newer", "v"), 2);
}

static const struct hf_kv_put lives = {.ttl_us = 3600000000};

static int trips_of_put_as(struct rig *rig, const char *key, const struct hf_kv_put *how)
{
	hf_error err = HF_ERROR_INIT;
	int before = relay_trips();
	EXPECT_OK(hf_kv_put(rig->kv, hf_kv_text(key), HF_KV_KEY("w"), how, &err));
	return relay_trips() - before;
}

/* Its statements are prepared before. */
static void one_with_a_ttl_is_tried_so_too(void **user)
{
	struct rig *rig = *user;
	trips_of_put_as(rig, "e", &lives);
	settle(rig, "k", "v");
	const struct hf_kv_entry before = entry_of(rig, "k");
	trips_of_put_as(rig, "k", &lives);
	const struct hf_kv_entry between = entry_of(rig, "k");
	assert_int_equal(trips_of_put_as(rig, "k", &lives), 1);
	const struct hf_kv_entry after = entry_of(rig, "k");
	assert_int_equal(after.created_us, before.created_us);
	assert_true(after.rev > between.rev && between.rev > before.rev);
	assert_int_equal(between.expires_us, between.updated_us + lives.ttl_us);
	assert_int_equal(after.expires_us, after.updated_us + lives.ttl_us);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries WHERE key = 'k' AND expire_bucket = "
	                                 "floor(extract(epoch FROM expires_at) / 300)::integer"),
	                 1);
	assert_int_equal(trips_of_put_as(rig, "new", &lives), 2);
	assert_int_not_equal(entry_of(rig, "new").expires_us, HF_KV_NEVER);
}

static struct hf_kv_result apply_put(struct rig *rig, const char *key, int64_t ttl_us, int *ret_trips)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_result result;
	const struct hf_kv_write put = {
		.op = HF_KV_PUT, .key = hf_kv_text(key), .value = HF_KV_KEY("w"), .ttl_us = ttl_us};
	int before = relay_trips();
	EXPECT_OK(hf_kv_apply(rig->kv, &put, 1, NULL, rig->arena, &result, &err));
	*ret_trips = relay_trips() - before;
	return result;
}

static void one_that_is_asked_about_is_tried_so_and_tells(void **user)
{
	static const int64_t ttls[] = {0, 3600000000};
	static const char *const keys[][2] = {{"e0", "new0"}, {"e1", "new1"}};
	struct rig *rig = *user;
	int trips;
	for (size_t i = 0; i < ARRAY_LEN(ttls); i++)
		assert_false(apply_put(rig, keys[i][0], ttls[i], &trips).existed); /* prepares the upsert */
	settle(rig, "k", "v");
	for (size_t i = 0; i < ARRAY_LEN(ttls); i++) {
		apply_put(rig, "k", ttls[i], &trips);
		const struct hf_kv_result result = apply_put(rig, "k", ttls[i], &trips);
		assert_int_equal(trips, 1);
		assert_true(result.existed);
		assert_int_equal(result.rev, entry_of(rig, "k").rev);
		const struct hf_kv_result made = apply_put(rig, keys[i][1], ttls[i], &trips);
		assert_int_equal(trips, 2);
		assert_false(made.existed);
		assert_int_equal(made.rev, entry_of(rig, keys[i][1]).rev);
		rig_run(rig, "UPDATE state_entries SET expires_at = NULL, expire_bucket = NULL");
		settle(rig, "k", "v");
		for (int again = 0; again < AGAIN; again++)
			rig_put(rig, "k", "v");
	}
}

/* ---- what stands there ---- */

static void it_is_replaced_as_a_whole(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_put labelled = {.metadata = HF_STR("{\"a\":1}")};
	settle(rig, "k", "v");
	const struct hf_kv_entry before = entry_of(rig, "k");
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("labelled"), &labelled, &err));
	const struct hf_kv_entry between = entry_of(rig, "k");
	assert_int_equal(between.metadata.len, strlen("{\"a\":1}"));
	assert_int_equal(trips_of_put(rig, "k", ""), 1);
	const struct hf_kv_entry after = entry_of(rig, "k");
	assert_null(after.metadata.ptr);
	assert_int_equal(after.value.len, 0);
	assert_int_equal(after.created_us, before.created_us);
	assert_true(after.rev > between.rev && between.rev > before.rev);
	assert_true(after.updated_us > after.created_us);
}

static void what_expires_does_not_any_more(void **user)
{
	struct rig *rig = *user;
	trips_of_put_as(rig, "e", &lives);
	settle(rig, "k", "v");
	assert_int_equal(trips_of_put(rig, "e", "stays"), 2);
	assert_int_equal(entry_of(rig, "e").expires_us, HF_KV_NEVER);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries WHERE expire_bucket IS NOT NULL"), 0);
}

static void what_has_expired_begins_anew(void **user)
{
	struct rig *rig = *user;
	rig_put(rig, "e", "v");
	settle(rig, "k", "v");
	rig_run(rig,
	        "UPDATE state_entries SET expires_at = now() - interval '1 second', expire_bucket = 1 WHERE key = 'e'");
	assert_int_equal(trips_of_put(rig, "e", "anew"), 2);
	const struct hf_kv_entry entry = entry_of(rig, "e");
	assert_int_equal(entry.created_us, entry.updated_us);
}

static void so_does_what_is_put_to_expire_again(void **user)
{
	struct rig *rig = *user;
	trips_of_put_as(rig, "e", &lives);
	settle(rig, "k", "v");
	trips_of_put_as(rig, "k", &lives); /* prepares */
	rig_run(rig, "UPDATE state_entries SET created_at = created_at - interval '1 hour', expire_bucket = 1, "
	             "expires_at = now() - interval '1 second' WHERE key = 'e'");
	assert_int_equal(trips_of_put_as(rig, "e", &lives), 2);
	const struct hf_kv_entry entry = entry_of(rig, "e");
	assert_int_equal(entry.created_us, entry.updated_us);
	assert_int_equal(entry.expires_us, entry.updated_us + lives.ttl_us);
}

/* The times tell it from what begins anew, also where the clock went back. */
static void what_is_from_the_future_is_put_all_the_same(void **user)
{
	struct rig *rig = *user;
	settle(rig, "k", "v");
	rig_run(rig, "UPDATE state_entries SET created_at = now() + interval '1 hour'");
	assert_int_equal(trips_of_put(rig, "k", "w"), 2);
	const struct hf_kv_entry entry = entry_of(rig, "k");
	assert_int_equal(entry.updated_us, entry.created_us + 1);
	expect_entry(rig, "k", "w");
}

/* ---- a line that is cut ---- */

/* One that may have happened is not sent again, as an upsert neither: at the UPDATE, and at what follows one in vain.
 */
static void one_that_may_have_happened_is_not_repeated(void **user)
{
	static const char *const keys[] = {"k", "new"};
	struct rig *rig = *user;
	rig_run(rig, "CREATE TABLE log (at timestamptz DEFAULT clock_timestamp())");
	rig_run(rig, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log DEFAULT "
	             "VALUES; RETURN NULL; END $$");
	rig_run(rig,
	        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON state_entries FOR EACH ROW EXECUTE FUNCTION note()");
	for (int i = 0; i < 4; i++) {
		hf_error err = HF_ERROR_INIT;
		bool behind = i % 2;
		rig_put(rig, "k", "v");
		rig_put(rig, "new", "v"); /* prepares the other statement */
		for (int j = 0; j < AGAIN; j++)
			rig_put(rig, "k", "v");
		rig_run(rig, "DELETE FROM state_entries WHERE key = 'new'");
		rig_run(rig, "TRUNCATE log");
		relay_cut(1 + i / 2, behind);
		EXPECT_STATUS(hf_kv_put(rig->kv, hf_kv_text(keys[i / 2]), HF_KV_KEY("w"), NULL, &err),
		              HF_E_OUTCOME_UNKNOWN);
		assert_true(relay_was_cut());
		relay_cut(0, false);
		expect_entry(rig, "k", i == 1 ? "w" : "v"); /* on a new line: the old one's server has ended */
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM log"), behind);
	}
}

/* ---- checkpoints ---- */

static void what_was_there_at_a_checkpoint_is_kept(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint made;
	settle(rig, "k", "before");
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &made, &err));
	rig_put(rig, "k", "after");
	settle(rig, "k", "later");
	for (int i = 0; i < AGAIN; i++)
		rig_put(rig, "k", "last");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries_history WHERE value = 'before'"), 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries_history"), 1);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &made.id, NULL, NULL, &err));
	expect_entry(rig, "k", "before");
}

struct putting {
	struct rig *rig;
	enum hf_status status;
	atomic_bool done;
};

static void *put_ours(void *user)
{
	struct putting *putting = user;
	hf_error err = HF_ERROR_INIT;
	putting->status = hf_kv_put(putting->rig->kv, HF_KV_KEY("k"), HF_KV_KEY("ours"), NULL, &err);
	atomic_store(&putting->done, true);
	return NULL;
}

static bool somebody_waits_for(struct rig *rig)
{
	return rig_number(rig, "SELECT count(*) FROM pg_stat_activity "
	                       "WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))") != 0;
}

/* `sql` in a transaction that ends when a put of "ours" waits for it. */
static void put_behind(struct rig *rig, const char *const *sql)
{
	struct putting putting = {.rig = rig};
	pthread_t thread;
	rig_run(rig, "BEGIN");
	for (; *sql; sql++)
		rig_run(rig, *sql);
	assert_int_equal(pthread_create(&thread, NULL, put_ours, &putting), 0);
	while (!atomic_load(&putting.done) && !somebody_waits_for(rig))
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	assert_false(atomic_load(&putting.done));
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	assert_int_equal(putting.status, HF_OK);
	expect_entry(rig, "k", "ours");
}

/* It found the row of before, and is behind the checkpoint all the same. */
static void one_that_waited_for_a_checkpoint_is_behind_it(void **user)
{
	static const char *const point[] = {
		"INSERT INTO state_entries_checkpoints (namespace, epoch) VALUES (1, state_entries_next_epoch(1))",
		NULL};
	struct rig *rig = *user;
	settle(rig, "k", "before");
	put_behind(rig, point);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries_history WHERE value = 'before'"), 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries AS t JOIN state_entries_checkpoints AS c "
	                                 "USING (epoch) WHERE value = 'ours'"),
	                 1);
}

/* ---- writers of one row ---- */

static void one_that_waited_for_a_row_has_a_later_revision(void **user)
{
	static const char *const written[] = {
		"UPDATE state_entries SET value = 'theirs', rev = nextval('state_entries_rev') WHERE key = 'k'", NULL};
	struct rig *rig = *user;
	settle(rig, "k", "before");
	put_behind(rig, written);
	assert_int_equal(rig_number(rig, "SELECT rev - nextval('state_entries_rev') FROM state_entries"), -1);
}

static void one_that_waited_for_a_row_judges_it_anew(void **user)
{
	static const char *const expires[] = {
		"UPDATE state_entries SET expires_at = now() + interval '1 hour', expire_bucket = 1 WHERE key = 'k'",
		NULL};
	static const char *const gone[] = {"DELETE FROM state_entries WHERE key = 'k'", NULL};
	struct rig *rig = *user;
	settle(rig, "k", "before");
	put_behind(rig, expires);
	assert_int_equal(entry_of(rig, "k").expires_us, HF_KV_NEVER);
	for (int i = 0; i < AGAIN; i++)
		rig_put(rig, "k", "before");
	put_behind(rig, gone);
	const struct hf_kv_entry entry = entry_of(rig, "k");
	assert_int_equal(entry.created_us, entry.updated_us);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_replaces_nothing_waits_twice_and_then_rarely),
		CASE(one_with_a_ttl_is_tried_so_too),
		CASE(one_that_is_asked_about_is_tried_so_and_tells),
		CASE(it_is_replaced_as_a_whole),
		CASE(what_expires_does_not_any_more),
		CASE(what_has_expired_begins_anew),
		CASE(so_does_what_is_put_to_expire_again),
		CASE(what_is_from_the_future_is_put_all_the_same),
		CASE(one_that_may_have_happened_is_not_repeated),
		CASE(what_was_there_at_a_checkpoint_is_kept),
		CASE(one_that_waited_for_a_checkpoint_is_behind_it),
		CASE(one_that_waited_for_a_row_has_a_later_revision),
		CASE(one_that_waited_for_a_row_judges_it_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
