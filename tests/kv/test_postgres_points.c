/* Checkpoints on PostgreSQL: what is its own. Writers whose transactions do not end, who holds whom up, what stays in
 * the history, checkpoints that are deleted while they are used. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "kv/postgres_revs.h"
#include "kv/store.h"
#include "postgres_rig.h"

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = {.schema = "we\"ird"};
	rig_open(&rig, NULL, &options);
	*user = &rig;
	return 0;
}

static struct hf_uuid point(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint made;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &made, &err));
	return made.id;
}

/* ---- waiting for writers ---- */

struct writer {
	struct rig *rig;
	atomic_bool stop;
	atomic_int puts;
};

static void *write_on(void *user)
{
	struct writer *writer = user;
	for (int n = 0; !atomic_load(&writer->stop); n++) {
		rig_put(writer->rig, "busy", n % 2 ? "1" : "2");
		atomic_fetch_add(&writer->puts, 1);
	}
	return NULL;
}

/* Whoever waits for the lock makes all writers wait that come after: it lets go of the queue again and again. */
static void a_transaction_that_does_not_end_stalls_nobody(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct writer writer = {.rig = rig};
	pthread_t thread;
	struct hf_kv_checkpoint made;
	struct hf_kv_checkpoint_new how = {0};
	struct hf_kv_restore back = {0};
	rig_put(rig, "busy", "0");
	struct hf_uuid before = point(rig);
	rig_run(rig, "BEGIN");
	rig_run(rig, "SELECT \"we\"\"ird\".state_entries_epoch(1)");
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
	how.deadline = hf_deadline_in(fixture_context(), 1500);
	EXPECT_STATUS(hf_kv_checkpoint_create(rig->kv, &how, rig->arena, &made, &err), HF_TIMEOUT);
	assert_non_null(strstr(err.message, "a writer"));
	back.deadline = hf_deadline_in(fixture_context(), 500);
	EXPECT_STATUS(hf_kv_checkpoint_restore(rig->kv, &before, &back, NULL, &err), HF_TIMEOUT);
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&writer.puts) > 10);
	rig_run(rig, "COMMIT");
	point(rig);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries_checkpoints"), 2);
}

/* ---- images ---- */

static void images_go_with_the_last_checkpoint_that_needs_them(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const char *images = "SELECT count(*) FROM \"we\"\"ird\".state_entries_history";
	rig_put(rig, "", "1");
	rig_put(rig, "b", "1");
	struct hf_uuid first = point(rig), second = point(rig);
	rig_put(rig, "", "2");
	rig_put(rig, "b", "2");
	rig_put(rig, "b", "3");
	struct hf_uuid third = point(rig);
	rig_put(rig, "b", "4");
	assert_int_equal(rig_number(rig, images), 3);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &first, &err));
	assert_int_equal(rig_number(rig, images), 3);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &second, &err));
	assert_int_equal(rig_number(rig, images), 1);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &third, &err));
	assert_int_equal(rig_number(rig, images), 0);
}

/* ---- a large restore ---- */

enum { MANY = 24000 };

/* Keys [from, to) of so many digits. */
static void put_range(struct rig *rig, int from, int to, const char *value)
{
	static char texts[MANY + 100][8];
	static struct hf_bytes keys[MANY + 100], values[MANY + 100];
	hf_error err = HF_ERROR_INIT;
	for (int i = from; i < to; i++) {
		keys[i] = (struct hf_bytes){(uint8_t *)texts[i], (size_t)snprintf(texts[i], 8, "%06d", i)};
		values[i] = hf_kv_text(value);
	}
	EXPECT_OK(hf_kv_put_many(rig->kv, keys + from, values + from, (size_t)(to - from), NULL, &err));
}

static struct hf_kv_checkpoint counted(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint made;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &made, &err));
	return made;
}

static void want_same(struct rig *rig, const struct hf_kv_checkpoint *was)
{
	struct hf_kv_checkpoint is = counted(rig);
	assert_int_equal(is.row_count, was->row_count);
	assert_memory_equal(&is.digest, &was->digest, sizeof(is.digest));
}

/* So many that they are joined as a set; of some nothing stands there any more, some were not there, some expire. */
static void many_entries_come_back_as_they_were(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_restored back, undone;
	const struct hf_kv_restore no_undo = {.no_undo = true};
	const struct hf_kv_put hour = {.ttl_us = INT64_C(3600000000)};
	put_range(rig, 0, MANY, "1");
	EXPECT_OK(hf_kv_put(rig->kv, hf_kv_text("000001"), hf_kv_text("1"), &hour, &err));
	struct hf_kv_checkpoint before = counted(rig);
	put_range(rig, 0, MANY + 100, "2");
	rig_run(rig, "DELETE FROM \"we\"\"ird\".state_entries WHERE key IN ('000005', '000500')");
	struct hf_kv_checkpoint after = counted(rig);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &before.id, NULL, &back, &err));
	assert_int_equal(back.put, MANY);
	assert_int_equal(back.deleted, 100);
	want_same(rig, &before);
	EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, &after.id, rig->arena, &(struct hf_kv_checkpoint){0}, &err));
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &back.undo, NULL, &undone, &err));
	assert_int_equal(undone.put, MANY + 100 - 2);
	assert_int_equal(undone.deleted, 2);
	want_same(rig, &after);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &before.id, &no_undo, &back, &err));
	assert_int_equal(back.put, MANY);
	assert_int_equal(back.deleted, 100);
	want_same(rig, &before);
	EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, &before.id, rig->arena, &(struct hf_kv_checkpoint){0}, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries WHERE expires_at IS NOT NULL"
	                                 " AND expire_bucket = floor(extract(epoch FROM expires_at) / 300)"),
	                 1);
}

/* ---- copies ---- */

/* What a checkpoint has is in another namespace after a copy. */
static void want_copied(struct rig *rig, const struct hf_kv_checkpoint *point)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_copied copied;
	const struct hf_kv_import how = {.at = &point->id};
	hf_kv *to;
	EXPECT_OK(hf_kv_namespace(rig->kv, "copied", &to, &err));
	EXPECT_OK(hf_kv_copy(rig->kv, to, &how, &copied, &err));
	hf_kv_close(to);
	assert_int_equal(copied.sums.row_count, point->row_count);
	assert_memory_equal(&copied.sums.digest, &point->digest, sizeof(point->digest));
}

static void without_triggers_it_is_a_copy(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint made;
	struct hf_kv_restored back;
	const struct hf_kv_checkpoint_new epoch = {.kind = HF_KV_EPOCH};
	const char *rows = "SELECT count(*) FROM \"we\"\"ird\".state_entries_snapshots";
	rig_put(rig, "a", "1");
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, &epoch, rig->arena, &made, &err));
	assert_int_equal(made.kind, HF_KV_EPOCH);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &made.id, &err));
	rig_run(rig, "ALTER TABLE \"we\"\"ird\".state_entries DISABLE TRIGGER state_entries_keep_deleted");
	EXPECT_STATUS(hf_kv_checkpoint_create(rig->kv, &epoch, rig->arena, &made, &err), HF_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "triggers"));
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &made, &err));
	assert_int_equal(made.kind, HF_KV_SNAPSHOT);
	assert_int_equal(rig_number(rig, rows), 1);
	rig_put(rig, "a", "2");
	rig_put(rig, "b", "2");
	want_copied(rig, &made);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &made.id, NULL, &back, &err));
	assert_int_equal(rig_number(rig, rows), 3);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &back.undo, NULL, NULL, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries_history"), 0);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &made.id, &err));
	assert_int_equal(rig_number(rig, rows), 3);
	EXPECT_OK(hf_kv_checkpoint_prune(rig->kv, &(struct hf_kv_prune){0}, NULL, &err));
	assert_int_equal(rig_number(rig, rows), 0);
}

/* What is written while they are disabled is missing in older checkpoints; what was counted shows it. */
static void a_hole_that_a_disabled_trigger_left_is_told(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint again;
	rig_put(rig, "a", "1");
	struct hf_uuid id = point(rig);
	rig_run(rig, "ALTER TABLE \"we\"\"ird\".state_entries DISABLE TRIGGER state_entries_keep_updated");
	rig_put(rig, "a", "2");
	rig_run(rig, "ALTER TABLE \"we\"\"ird\".state_entries ENABLE TRIGGER state_entries_keep_updated");
	EXPECT_STATUS(hf_kv_checkpoint_verify(rig->kv, &id, rig->arena, &again, &err), HF_DIFFERS);
}

/* Before one the server would lock each row, also for a restore. */
static void the_trigger_comes_behind_updates(void **user)
{
	struct rig *rig = *user;
	const char *behind =
		"SELECT count(*) FROM pg_trigger WHERE tgname = 'state_entries_keep_updated' AND tgtype & 2 = 0";
	assert_int_equal(rig_number(rig, behind), 1);
}

/* What leaves it alone cannot need an image, and does not pay for a look. */
static void the_trigger_is_of_what_sets_the_epoch(void **user)
{
	struct rig *rig = *user;
	const char *column = "SELECT count(*) FROM pg_trigger AS t JOIN pg_attribute AS a ON a.attrelid = t.tgrelid"
			     " WHERE t.tgname = 'state_entries_keep_updated' AND a.attname = 'epoch'"
			     " AND t.tgattr::text = a.attnum::text";
	assert_int_equal(rig_number(rig, column), 1);
}

/* ---- writers of other programs ---- */

/* Theirs may be older than the checkpoint in whose epoch they write. */
static void a_writer_with_an_old_snapshot_keeps_images(void **user)
{
	static const char *const begins[] = {"BEGIN ISOLATION LEVEL REPEATABLE READ",
	                                     "BEGIN ISOLATION LEVEL SERIALIZABLE"};
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint again;
	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		rig_put(rig, "a", "1");
		rig_put(rig, "b", "1");
		rig_run(rig, begins[i]);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries"), 2);
		struct hf_uuid id = point(rig);
		rig_run(rig, "UPDATE \"we\"\"ird\".state_entries SET value = '2', epoch = "
		             "\"we\"\"ird\".state_entries_epoch(namespace)"
		             " WHERE key = 'a'");
		rig_run(rig, "DELETE FROM \"we\"\"ird\".state_entries WHERE key = 'b'");
		rig_run(rig, "COMMIT");
		EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, &id, rig->arena, &again, &err));
		EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &id, &err));
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries_history"), 0);
	}
}

/* A number that another namespace moved on leaves two writers of one key behind each other in two epochs. */
static void an_image_of_an_epoch_is_kept_once(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint again;
	hf_kv *other = NULL;
	EXPECT_OK(hf_kv_namespace(rig->kv, "other", &other, &err));
	rig_put(rig, "a", "1");
	struct hf_uuid id = point(rig);
	rig_run(rig, "BEGIN");
	rig_run(rig, "CREATE TEMP TABLE older AS SELECT \"we\"\"ird\".state_entries_epoch(1) AS epoch");
	EXPECT_OK(hf_kv_checkpoint_create(other, NULL, rig->arena, &again, &err));
	EXPECT_OK(hf_kv_delete(rig->kv, HF_KV_KEY("a"), NULL, NULL, &err));
	rig_run(rig,
	        "INSERT INTO \"we\"\"ird\".state_entries (rev, created_at, updated_at, namespace, epoch, key, value) "
	        "SELECT nextval('\"we\"\"ird\".state_entries_rev'), now(), now(), 1, epoch, 'a', '2' FROM older");
	rig_run(rig, "COMMIT");
	rig_run(rig, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	rig_run(rig, "DELETE FROM \"we\"\"ird\".state_entries WHERE key = 'a'");
	rig_run(rig, "COMMIT");
	EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, &id, rig->arena, &again, &err));
	hf_kv_close(other);
}

/* ---- migration ---- */

/* One that fires for replication too, or for nothing else, does so when it was moved. */
static void a_trigger_that_is_moved_fires_as_before(void **user)
{
	static const char *const states[] = {"ENABLE ALWAYS", "ENABLE REPLICA", "DISABLE", "ENABLE"};
	static const char *const versions[] = {"0008", "0009", "0010"};
	static const char letters[] = "ARDO";
	const struct hf_str names[] = {HF_STR("we\"ird"), HF_STR("state_entries")};
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	char sql[200];
	EXPECT_OK(hf_migrations_instance(rig->ctx, "kv", names, 2, &set, &err));
	for (size_t i = 0; i < ARRAY_LEN(versions) * ARRAY_LEN(states); i++) {
		const size_t state = i / ARRAY_LEN(versions);
		const char *version = versions[i % ARRAY_LEN(versions)];
		snprintf(sql, sizeof(sql),
		         "ALTER TABLE \"we\"\"ird\".state_entries %s TRIGGER state_entries_keep_updated",
		         states[state]);
		rig_run(rig, sql);
		EXPECT_OK(hf_migrate_to(rig->connection, set, version, NULL, NULL, &err));
		snprintf(sql, sizeof(sql),
		         "SELECT count(*) FROM pg_trigger WHERE tgname = 'state_entries_keep_updated' AND tgenabled = "
		         "'%c'",
		         letters[state]);
		assert_int_equal(rig_number(rig, sql), 1);
	}
	hf_migrations_free(set);
}

/* ---- pruning ---- */

static struct hf_uuid copy_of_day(struct rig *rig, int day)
{
	hf_error err = HF_ERROR_INIT;
	char sql[200];
	struct hf_kv_checkpoint made;
	const struct hf_kv_checkpoint_new copy = {.kind = HF_KV_SNAPSHOT};
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, &copy, rig->arena, &made, &err));
	snprintf(sql, sizeof(sql),
	         "UPDATE \"we\"\"ird\".state_entries_checkpoints SET created_at = '2026-01-%02d 12:00Z' WHERE epoch = "
	         "%" PRId64,
	         day, made.epoch);
	rig_run(rig, sql);
	return made.id;
}

/* What goes by another rule keeps nothing any more. */
static void bytes_are_those_of_what_stays(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_prune what = {.daily = 2, .bytes = 250}, less = {.daily = 2, .bytes = 150};
	struct hf_kv_checkpoint *points;
	size_t count = 0, deleted = 0;
	rig_put(rig, "k", "1"); /* about 105 bytes each */
	struct hf_uuid old = copy_of_day(rig, 6);
	for (int i = 0; i < 3; i++)
		copy_of_day(rig, 9);
	EXPECT_OK(hf_kv_checkpoint_prune(rig->kv, &what, &deleted, &err));
	assert_int_equal(deleted, 2);
	EXPECT_OK(hf_kv_checkpoint_list(rig->kv, rig->arena, &points, &count, &err));
	assert_int_equal(count, 2);
	assert_memory_equal(&points[1].id, &old, sizeof(old));
	EXPECT_OK(hf_kv_checkpoint_prune(rig->kv, &less, &deleted, &err));
	assert_int_equal(deleted, 1);
}

/* ---- loading ---- */

/* Whether another connection takes them ahead or there is none. */
static void revisions_of_a_load_are_new(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	put_range(rig, 0, MANY, "1");
	for (uint32_t most = 1; most <= 3; most++) {
		const struct hf_kv_options options = {.size = sizeof(options),
		                                      .schema = "we\"ird",
		                                      .sweep_interval_ms = -1,
		                                      .connections_max = most};
		const struct hf_kv_import how = {.replace = true};
		struct hf_kv_copied copied;
		hf_kv *kv, *to;
		EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &options, &kv, &err));
		EXPECT_OK(hf_kv_namespace(kv, "copied", &to, &err));
		EXPECT_OK(hf_kv_copy(rig->kv, to, &how, &copied, &err));
		assert_int_equal(copied.sums.row_count, MANY);
		assert_int_equal(rig_number(rig, "SELECT count(DISTINCT rev) FROM \"we\"\"ird\".state_entries"),
		                 2 * MANY);
		hf_kv_close(to);
		hf_kv_close(kv);
	}
}

/* What waits for another session ends with its load, not with the store's time limit of a minute. */
static void revisions_ahead_wait_no_longer_than_the_load(void **user)
{
	struct rig *rig = *user;
	struct revs_ahead ahead = {.state = rig->kv->backend->state, .deadline = hf_deadline_in(rig->ctx, 100)};
	int64_t first, late_us = hf_now_monotonic_us(rig->ctx) + 30000000;
	rig_run(rig, "BEGIN");
	rig_run(rig, "ALTER SEQUENCE \"we\"\"ird\".state_entries_rev CACHE 2");
	revs_begin(&ahead, 100);
	assert_false(revs_end(&ahead, 100, &first));
	assert_true(hf_now_monotonic_us(rig->ctx) < late_us);
	rig_run(rig, "ROLLBACK");
	ahead.deadline = HF_DEADLINE_DEFAULT;
	revs_begin(&ahead, 100);
	assert_true(revs_end(&ahead, 100, &first));
}

/* ---- a checkpoint that is deleted while it is read ---- */

enum { READ = 2500 };

struct deleting {
	struct rig *rig;
	struct hf_uuid id;
	size_t seen;
};

static enum hf_status delete_it(void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *ret_err)
{
	struct deleting *deleting = user;
	hf_error err = HF_ERROR_INIT;
	hf_kv *other;
	if (deleting->seen++ > 0)
		return HF_OK;
	EXPECT_OK(hf_kv_namespace(deleting->rig->kv, "default", &other, &err));
	EXPECT_OK(hf_kv_checkpoint_delete(other, &deleting->id, &err));
	hf_kv_close(other);
	return HF_OK;
}

/* What it had is gone with it: that is told, and not taken for its end. */
static void one_that_is_deleted_while_it_is_read_is_unknown(void **user)
{
	struct deleting deleting = {.rig = *user};
	static char texts[READ][8];
	static struct hf_bytes keys[READ];
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < READ; i++)
		keys[i] = (struct hf_bytes){(uint8_t *)texts[i], (size_t)snprintf(texts[i], 8, "%06d", i)};
	EXPECT_OK(hf_kv_put_many(deleting.rig->kv, keys, keys, READ, NULL, &err));
	deleting.id = point(deleting.rig);
	EXPECT_OK(hf_kv_clear(deleting.rig->kv, NULL, NULL, &err));
	EXPECT_STATUS(hf_kv_scan_at(deleting.rig->kv, &deleting.id, NULL, delete_it, &deleting, &err), HF_NOT_FOUND);
	assert_true(deleting.seen > 0 && deleting.seen < READ);
}

static enum hf_status ignore(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	return HF_OK;
}

struct comparing {
	hf_kv *kv;
	struct hf_uuid from, to;
	enum hf_status status;
};

static void *compare(void *user)
{
	struct comparing *it = user;
	hf_error err = HF_ERROR_INIT;
	it->status = hf_kv_checkpoint_diff(it->kv, &it->from, &it->to, ignore, NULL, &err);
	return NULL;
}

/* It was there when we looked, and is not when the copies are read. */
static void a_copy_that_is_deleted_before_it_is_compared_is_unknown(void **user)
{
	struct rig *rig = *user;
	struct comparing it = {.kv = rig->kv};
	pthread_t thread;
	rig_put(rig, "k", "1");
	it.from = copy_of_day(rig, 1);
	it.to = copy_of_day(rig, 2);
	rig_run(rig, "BEGIN");
	rig_run(rig, "LOCK TABLE \"we\"\"ird\".state_entries_snapshots");
	assert_int_equal(pthread_create(&thread, NULL, compare, &it), 0);
	while (rig_number(rig, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	rig_run(rig, "DELETE FROM \"we\"\"ird\".state_entries_checkpoints WHERE created_at >= '2026-01-02'");
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	assert_int_equal(it.status, HF_NOT_FOUND);
}

/* ---- behind a restore ---- */

struct removing {
	hf_kv *kv;
	size_t existed;
	enum hf_status status;
};

static void *remove_both(void *user)
{
	struct removing *it = user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_bytes keys[] = {hf_kv_text("a"), hf_kv_text("b")};
	it->status = hf_kv_delete_many(it->kv, keys, 2, NULL, &it->existed, &err);
	return NULL;
}

/* Deletes that wait for a restore come after it as a whole: what it put back is deleted too. */
static void deletes_behind_a_restore_see_what_it_put_back(void **user)
{
	struct rig *rig = *user;
	struct removing it = {.kv = rig->kv};
	pthread_t thread;
	rig_put(rig, "a", "1");
	rig_run(rig, "BEGIN");
	rig_run(rig, "SELECT \"we\"\"ird\".state_entries_next_epoch(1)");
	rig_run(rig, "INSERT INTO \"we\"\"ird\".state_entries (rev, created_at, updated_at, namespace, epoch, codec, "
	             "key, value)"
	             " SELECT rev + 1, created_at, updated_at, namespace, epoch, codec, 'b', value"
	             " FROM \"we\"\"ird\".state_entries WHERE key = 'a'");
	assert_int_equal(pthread_create(&thread, NULL, remove_both, &it), 0);
	while (rig_number(rig, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	assert_int_equal(it.status, HF_OK);
	assert_int_equal(it.existed, 2);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM \"we\"\"ird\".state_entries"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_transaction_that_does_not_end_stalls_nobody, set_up, rig_close),
		cmocka_unit_test_setup_teardown(images_go_with_the_last_checkpoint_that_needs_them, set_up, rig_close),
		cmocka_unit_test_setup_teardown(many_entries_come_back_as_they_were, set_up, rig_close),
		cmocka_unit_test_setup_teardown(without_triggers_it_is_a_copy, set_up, rig_close),
		cmocka_unit_test_setup_teardown(a_hole_that_a_disabled_trigger_left_is_told, set_up, rig_close),
		cmocka_unit_test_setup_teardown(the_trigger_comes_behind_updates, set_up, rig_close),
		cmocka_unit_test_setup_teardown(the_trigger_is_of_what_sets_the_epoch, set_up, rig_close),
		cmocka_unit_test_setup_teardown(a_writer_with_an_old_snapshot_keeps_images, set_up, rig_close),
		cmocka_unit_test_setup_teardown(an_image_of_an_epoch_is_kept_once, set_up, rig_close),
		cmocka_unit_test_setup_teardown(a_trigger_that_is_moved_fires_as_before, set_up, rig_close),
		cmocka_unit_test_setup_teardown(bytes_are_those_of_what_stays, set_up, rig_close),
		cmocka_unit_test_setup_teardown(revisions_of_a_load_are_new, set_up, rig_close),
		cmocka_unit_test_setup_teardown(revisions_ahead_wait_no_longer_than_the_load, set_up, rig_close),
		cmocka_unit_test_setup_teardown(one_that_is_deleted_while_it_is_read_is_unknown, set_up, rig_close),
		cmocka_unit_test_setup_teardown(deletes_behind_a_restore_see_what_it_put_back, set_up, rig_close),
		cmocka_unit_test_setup_teardown(a_copy_that_is_deleted_before_it_is_compared_is_unknown, set_up,
	                                        rig_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
