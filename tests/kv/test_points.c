/*
 * test_points.c - checkpoints while others write, and many of them: test_kv_points KIND.
 *
 * Writers move money between accounts and things between two places; the sum stays, and a thing is at one place. A
 * checkpoint in which that does not hold is torn. On PostgreSQL the check is shown a store whose writers do not share
 * the checkpoint's lock first: it must notice.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "chance.h"
#include "holdfast/connection.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/settings.h"
#include "holdfast/sql.h"
#include "steps.h"
#include "../sql.h"

enum { WRITERS = 8, ACCOUNTS = 12, BALANCE = 1000, KEYS = ACCOUNTS + 2 * WRITERS, POINTS_MAX = 400 };

static struct kv_rig rig;
static uint64_t seed_of_all;

/* ---- what is there at a moment ---- */

struct shot {
	bool is_there[KEYS];
	char value[KEYS][24];
	int64_t expires_us[KEYS];
};

static struct hf_bytes key_of(int i, char text[8])
{
	return (struct hf_bytes){(uint8_t *)text, (size_t)snprintf(text, 8, "k%02d", i)};
}

static int number_of_key(struct hf_bytes key)
{
	int64_t i = -1;
	struct hf_str digits = {(const char *)key.ptr + 1, key.len - 1};
	while (digits.len > 1 && digits.ptr[0] == '0')
		digits = (struct hf_str){digits.ptr + 1, digits.len - 1};
	assert_true(key.len == 3 && str_to_i64(digits, &i) && i < KEYS);
	return (int)i;
}

static enum hf_status take(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct shot *shot = user;
	int i = number_of_key(entry->key);
	shot->is_there[i] = entry->rev > 0;
	shot->expires_us[i] = entry->expires_us;
	snprintf(shot->value[i], sizeof(shot->value[i]), "%.*s", (int)entry->value.len, (const char *)entry->value.ptr);
	return HF_OK;
}

static bool same_shot(const struct shot *a, const struct shot *b)
{
	for (int i = 0; i < KEYS; i++) {
		if (a->is_there[i] != b->is_there[i])
			return false;
		if (a->is_there[i] && (strcmp(a->value[i], b->value[i]) != 0 || a->expires_us[i] != b->expires_us[i]))
			return false;
	}
	return true;
}

static bool is_whole(const struct shot *shot)
{
	int64_t sum = 0, balance;
	for (int i = 0; i < ACCOUNTS; i++)
		sum += shot->is_there[i] && str_to_i64(hf_str_of(shot->value[i]), &balance) ? balance : INT32_MIN;
	for (int i = ACCOUNTS; i < KEYS; i += 2)
		sum += shot->is_there[i] != shot->is_there[i + 1] ? 0 : INT32_MIN;
	return sum == ACCOUNTS * BALANCE;
}

static struct shot now(hf_kv *kv)
{
	hf_error err = HF_ERROR_INIT;
	struct shot shot = {0};
	EXPECT_OK(hf_kv_scan(kv, NULL, take, &shot, &err));
	return shot;
}

static struct shot at(hf_kv *kv, const struct hf_uuid *id)
{
	hf_error err = HF_ERROR_INIT;
	struct shot shot = {0};
	EXPECT_OK(hf_kv_scan_at(kv, id, NULL, take, &shot, &err));
	return shot;
}

/* The same by its keys. */
static struct shot read_at(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	struct shot shot = {0};
	struct hf_kv_entry entries[KEYS];
	struct hf_bytes keys[KEYS];
	char texts[KEYS][8];
	for (int i = 0; i < KEYS; i++)
		keys[i] = key_of(i, texts[i]);
	EXPECT_OK(hf_kv_get_many_at(kv, id, keys, KEYS, NULL, arena, entries, &err));
	for (int i = 0; i < KEYS; i++)
		if (entries[i].rev)
			take(&shot, &entries[i], NULL);
	return shot;
}

/* ---- writers ---- */

struct crew {
	hf_kv *kv;
	atomic_int number;
	atomic_int wrong; /* calls that failed */
	atomic_int writes;
	atomic_bool stop;
};

static enum hf_status transfer(hf_kv *kv, uint64_t *seed, hf_arena *arena, hf_error *err)
{
	char from[8], to[8];
	int64_t amount = (int64_t)chance_under(seed, 50);
	int a = (int)chance_under(seed, ACCOUNTS), b = (int)chance_under(seed, ACCOUNTS);
	const struct hf_kv_write writes[] = {{.op = HF_KV_ADD, .key = key_of(a, from), .delta = -amount},
	                                     {.op = HF_KV_ADD, .key = key_of(b, to), .delta = amount}};
	return hf_kv_apply(kv, writes, 2, NULL, arena, NULL, err);
}

/* From where it is to the other place. */
static enum hf_status carry(hf_kv *kv, int thing, hf_arena *arena, hf_error *err)
{
	char here[8], there[8];
	struct hf_bytes a = key_of(ACCOUNTS + 2 * thing, here), b = key_of(ACCOUNTS + 2 * thing + 1, there);
	const struct hf_kv_write is_here = {.op = HF_KV_READ, .key = a, .flags = HF_KV_IF_PRESENT};
	const struct hf_kv_write go[] = {{.op = HF_KV_DELETE, .key = a}, {.op = HF_KV_PUT, .key = b, .value = B("x")}};
	const struct hf_kv_write back[] = {{.op = HF_KV_DELETE, .key = b},
	                                   {.op = HF_KV_PUT, .key = a, .value = B("y")}};
	const struct hf_kv_txn txn = {&is_here, 1, go, 2, back, 2};
	struct hf_kv_result results[2];
	bool held;
	return hf_kv_transact(kv, &txn, NULL, arena, &held, results, err);
}

static void *write_on(void *user)
{
	struct crew *crew = user;
	int number = atomic_fetch_add(&crew->number, 1);
	uint64_t seed = seed_of_all + (uint64_t)number;
	hf_error err = HF_ERROR_INIT;
	hf_arena *arena = hf_arena_new(0);
	while (!atomic_load(&crew->stop)) {
		hf_arena_reset(arena);
		enum hf_status status = chance_under(&seed, 3) ? transfer(crew->kv, &seed, arena, &err)
		                                               : carry(crew->kv, number, arena, &err);
		atomic_fetch_add(&crew->writes, 1);
		if (status == HF_OK)
			continue;
		fprintf(stderr, "# writer %d: %s: %s\n", number, hf_status_word(status), err.message);
		atomic_fetch_add(&crew->wrong, 1);
	}
	hf_arena_free(arena);
	return NULL;
}

static void fill(hf_kv *kv)
{
	hf_error err = HF_ERROR_INIT;
	char text[8];
	for (int i = 0; i < ACCOUNTS; i++)
		EXPECT_OK(hf_kv_put(kv, key_of(i, text), B("1000"), NULL, &err));
	for (int i = ACCOUNTS; i < KEYS; i += 2)
		EXPECT_OK(hf_kv_put(kv, key_of(i, text), B("y"), NULL, &err));
}

static void start(struct crew *crew, pthread_t threads[WRITERS])
{
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_on, crew), 0);
}

static void stop(struct crew *crew, const pthread_t threads[WRITERS])
{
	atomic_store(&crew->stop, true);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crew->wrong), 0);
}

/* Some more writes happen, or none. */
static void let_them_write(struct crew *crew, uint64_t *seed)
{
	int until = atomic_load(&crew->writes) + (int)chance_under(seed, 30);
	while (atomic_load(&crew->writes) < until)
		usleep(200);
}

static struct hf_uuid make(hf_kv *kv, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint point;
	EXPECT_OK(hf_kv_checkpoint_create(kv, &(struct hf_kv_checkpoint_new){.uncounted = true}, arena, &point, &err));
	return point.id;
}

/* ---- tests ---- */

/* Each checkpoint is whole when it is made, and the same at the end; now and then all goes back to one of them. */
static void whole_under_writers(hf_kv *kv, int count)
{
	static struct shot shots[POINTS_MAX];
	static struct hf_uuid ids[POINTS_MAX];
	struct crew crew = {.kv = kv};
	pthread_t threads[WRITERS];
	uint64_t seed = seed_of_all + 1000;
	hf_error err = HF_ERROR_INIT;
	hf_arena *arena = hf_arena_new(0);
	fill(kv);
	start(&crew, threads);
	for (int i = 0; i < count; i++) {
		let_them_write(&crew, &seed);
		ids[i] = make(kv, arena);
		shots[i] = at(kv, &ids[i]);
		assert_true(is_whole(&shots[i]));
		if (i % 10 == 9)
			EXPECT_OK(
				hf_kv_checkpoint_restore(kv, &ids[chance_under(&seed, (uint64_t)i)], NULL, NULL, &err));
	}
	stop(&crew, threads);
	struct shot end = now(kv);
	assert_true(is_whole(&end));
	for (int i = 0; i < count; i++) {
		struct shot again = at(kv, &ids[i]), by_key = read_at(kv, &ids[i], arena);
		assert_true(same_shot(&shots[i], &again));
		assert_true(same_shot(&shots[i], &by_key));
	}
	hf_arena_free(arena);
}

static int rounds(void)
{
	int count = kv_rounds(&rig, 100);
	return count < 40 ? 40 : count < POINTS_MAX ? count : POINTS_MAX;
}

static bool has_checkpoints(void)
{
	return hf_kv_capabilities(rig.root) & HF_KV_CAN_CHECKPOINT;
}

static void checkpoints_are_never_torn(UNUSED void **state)
{
	if (has_checkpoints())
		whole_under_writers(rig.root, rounds());
}

/* ---- many checkpoints, one after the other ---- */

struct known {
	struct hf_uuid id;
	struct shot shot;
};
struct past {
	hf_kv *kv;
	hf_arena *arena;
	uint64_t seed;
	struct known known[12];
	size_t count;
	struct shot now;
};

static void write_some(struct past *past)
{
	hf_error err = HF_ERROR_INIT;
	char key[8], value[24];
	for (uint64_t n = chance_under(&past->seed, 6); n > 0; n--) {
		struct hf_bytes which = key_of((int)chance_under(&past->seed, KEYS), key);
		struct hf_kv_put how = {.ttl_us = chance_under(&past->seed, 3) ? 0 : SECONDS(86400)};
		snprintf(value, sizeof(value), "%d", (int)chance_under(&past->seed, 1000));
		switch (chance_under(&past->seed, 6)) {
		case 0:
		case 1:
			EXPECT_OK(hf_kv_delete(past->kv, which, NULL, NULL, &err));
			break;
		case 2:
			if (hf_kv_touch(past->kv, which, SECONDS(3600), NULL, &err) == HF_NOT_FOUND)
				EXPECT_OK(hf_kv_put(past->kv, which, hf_kv_text(value), &how, &err));
			break;
		default:
			EXPECT_OK(hf_kv_put(past->kv, which, hf_kv_text(value), &how, &err));
		}
	}
	past->now = now(past->kv);
}

static void remember(struct past *past, const struct hf_uuid *id, const struct shot *shot)
{
	if (past->count < ARRAY_LEN(past->known))
		past->known[past->count++] = (struct known){*id, *shot};
}

static void forget_one(struct past *past)
{
	hf_error err = HF_ERROR_INIT;
	if (past->count == 0)
		return;
	size_t i = chance_under(&past->seed, past->count);
	EXPECT_OK(hf_kv_checkpoint_delete(past->kv, &past->known[i].id, &err));
	past->known[i] = past->known[--past->count];
}

static void go_back(struct past *past)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_restored restored;
	struct hf_kv_restore how = {.no_undo = chance_under(&past->seed, 4) == 0};
	if (past->count == 0)
		return;
	size_t i = chance_under(&past->seed, past->count);
	struct shot before = past->now, then = past->known[i].shot;
	EXPECT_OK(hf_kv_checkpoint_restore(past->kv, &past->known[i].id, &how, &restored, &err));
	past->now = now(past->kv);
	assert_true(same_shot(&past->now, &then));
	if (!how.no_undo)
		remember(past, &restored.undo, &before);
}

static void check_difference(struct past *past)
{
	hf_error err = HF_ERROR_INIT;
	if (past->count == 0)
		return;
	const struct known *from = &past->known[chance_under(&past->seed, past->count)];
	const struct known *to = &past->known[chance_under(&past->seed, past->count)];
	bool to_now = chance_under(&past->seed, 2);
	struct shot shot = from->shot;
	EXPECT_OK(hf_kv_checkpoint_diff(past->kv, &from->id, to_now ? NULL : &to->id, take, &shot, &err));
	assert_true(same_shot(&shot, to_now ? &past->now : &to->shot));
}

static void check_all(struct past *past)
{
	for (size_t i = 0; i < past->count; i++) {
		struct shot scanned = at(past->kv, &past->known[i].id);
		assert_true(same_shot(&scanned, &past->known[i].shot));
		scanned = read_at(past->kv, &past->known[i].id, past->arena);
		assert_true(same_shot(&scanned, &past->known[i].shot));
	}
}

/* What a dump said at the moment is what a checkpoint says ever after, whatever is written, restored and deleted. */
static void a_checkpoint_stays_what_it_was(UNUSED void **state)
{
	static struct past past;
	hf_error err = HF_ERROR_INIT;
	if (!has_checkpoints())
		return;
	past = (struct past){.arena = hf_arena_new(0), .seed = seed_of_all};
	EXPECT_OK(hf_kv_namespace(rig.root, "past", &past.kv, &err));
	for (int i = 0, count = kv_rounds(&rig, 600); i < count; i++) {
		hf_arena_reset(past.arena);
		write_some(&past);
		uint64_t what = chance_under(&past.seed, 6);
		if (what < 2) {
			struct hf_uuid id = make(past.kv, past.arena);
			remember(&past, &id, &past.now);
		}
		if (what == 2 || past.count == ARRAY_LEN(past.known))
			forget_one(&past);
		if (what == 3)
			go_back(&past);
		check_difference(&past);
		check_all(&past);
	}
	hf_kv_close(past.kv);
	hf_arena_free(past.arena);
}

/* ---- checkpoints that handles make by themselves ---- */

enum { INTERVAL_MS = 60, KEPT = 3 };

static hf_kv *open_scheduled(const char *url)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .name_space = "scheduled",
	                                      .sweep_interval_ms = -1,
	                                      .checkpoint_interval_ms = INTERVAL_MS,
	                                      .checkpoints_kept = KEPT};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv;
	EXPECT_OK(kv_rig_open_at(&rig, url, &options, &kv, &err));
	return kv;
}

static size_t list_points(hf_kv *kv, hf_arena *arena, struct hf_kv_checkpoint **ret_points)
{
	hf_error err = HF_ERROR_INIT;
	size_t count = 0;
	EXPECT_OK(hf_kv_checkpoint_list(kv, arena, ret_points, &count, &err));
	return count;
}

static void pass_interval(void)
{
	kv_rig_pass(&rig, INTERVAL_MS * 1000);
	usleep(INTERVAL_MS * 1000);
}

/* Until there is one that is newer than `since`. @return when it was made */
static int64_t wait_for_point(hf_kv *kv, int64_t since_us)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_checkpoint *points;
	for (int i = 0; i < 500; i++) {
		size_t count = list_points(kv, arena, &points);
		assert_true(count <= KEPT + 1); /* that of the moment is not pruned yet */
		if (count && points[0].created_us > since_us) {
			assert_true(str_eq(points[0].name, HF_STR(HF_KV_SCHEDULED)) && !points[0].counted);
			return points[0].created_us;
		}
		pass_interval();
	}
	fail_msg("no checkpoint was made by itself");
	return 0;
}

/* Two handles ask for it, and one is made an interval, if something was written. */
static void checkpoints_are_made_by_themselves(UNUSED void **state)
{
	char url[256];
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_checkpoint *points;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv, *other;
	int64_t made_us = 0;
	if (!has_checkpoints())
		return;
	snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
	kv = open_scheduled(url);
	EXPECT_OK(hf_kv_namespace(kv, "scheduled", &other, &err));
	made_us = wait_for_point(kv, 0); /* the first, of nothing */
	for (int i = 0; i < KEPT + 2; i++) {
		EXPECT_OK(hf_kv_put(kv, B("k01"), hf_kv_text(i % 2 ? "1" : "2"), NULL, &err));
		int64_t next_us = wait_for_point(kv, made_us);
		assert_true(next_us >= made_us + INTERVAL_MS * 1000);
		made_us = next_us;
	}
	for (int i = 0; i < 6; i++)
		pass_interval();
	size_t count = list_points(kv, arena, &points);
	assert_int_equal(count, KEPT);
	assert_int_equal(points[0].created_us, made_us); /* nothing was written */
	hf_kv_close(other);
	hf_kv_close(kv);
}

static void wrong_schedules_are_refused(UNUSED void **state)
{
	struct hf_kv_options options = {.size = sizeof(options), .checkpoint_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_STATUS(kv_rig_open_at(&rig, kv_rig_fresh_url(&rig), &options, &kv, &err), HF_E_USAGE);
	options.checkpoint_interval_ms = 1000;
	options.durability = HF_KV_RELAXED;
	if (!has_checkpoints())
		EXPECT_STATUS(kv_rig_open_at(&rig, kv_rig_fresh_url(&rig), &options, &kv, &err), HF_E_UNSUPPORTED);
	assert_null(kv);
}

/* ---- PostgreSQL: stores that are set up otherwise ---- */

static bool is_postgres(void)
{
	return strcmp(rig.kind, "postgresql") == 0;
}

static hf_connection *connect_to(const char *url)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_settings_new(rig.ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, url, &err));
	EXPECT_OK(hf_connection_open(rig.ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	hf_settings_free(settings);
	return connection;
}

static enum hf_status move_ten(hf_kv *kv, int from, int to)
{
	char a[8], b[8];
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_write writes[] = {{.op = HF_KV_ADD, .key = key_of(from, a), .delta = -10},
	                                     {.op = HF_KV_ADD, .key = key_of(to, b), .delta = 10}};
	return hf_kv_apply(kv, writes, 2, NULL, NULL, NULL, &err);
}

static void *move_slowly(void *user)
{
	return move_ten(user, 0, 1) == HF_OK ? NULL : user;
}

/* The reason for the lock: a writer that reads the epoch and does not keep it from moving. The first one waits for the
 * gate then, and goes on behind a checkpoint and a faster writer of the same key. */
static void without_the_lock_they_are_torn(UNUSED void **state)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .schema = "torn",
	                                      .sweep_interval_ms = -1,
	                                      .durability = HF_KV_RELAXED};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	pthread_t slow;
	void *failed;
	hf_kv *kv;
	if (!is_postgres())
		return;
	EXPECT_OK(hf_kv_open(rig.ctx, rig.url, &options, &kv, &err));
	fill(kv);
	hf_connection *gate = connect_to(rig.url);
	hf_where beside = hf_on_connection(gate);
	sql_run(beside, "CREATE SEQUENCE torn.turn");
	sql_run(beside, "SELECT pg_advisory_lock(42)");
	sql_run(beside,
	        "CREATE OR REPLACE FUNCTION torn.state_entries_epoch(ns integer) RETURNS integer LANGUAGE plpgsql"
	        " VOLATILE AS $$ DECLARE written integer; BEGIN"
	        " SELECT epoch INTO written FROM torn.state_entries_namespaces WHERE id = ns;"
	        " IF nextval('torn.turn') = 1 THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;"
	        " RETURN written; END $$");
	assert_int_equal(pthread_create(&slow, NULL, move_slowly, kv), 0);
	sql_run(beside,
	        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) LOOP"
	        " PERFORM pg_sleep(0.01); END LOOP; END $$");
	struct hf_uuid id = make(kv, arena);
	EXPECT_OK(move_ten(kv, 0, 2));
	struct shot shot = at(kv, &id);
	assert_true(is_whole(&shot));
	sql_run(beside, "SELECT pg_advisory_unlock(42)");
	pthread_join(slow, &failed);
	assert_null(failed);
	shot = at(kv, &id);
	assert_false(is_whole(&shot));
	hf_connection_free(gate);
	hf_kv_close(kv);
}

/* A database that says SERIALIZABLE to everybody who does not say otherwise. */
static void whatever_the_database_defaults_to(UNUSED void **state)
{
	static const char *const levels[] = {"repeatable read", "serializable"};
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .sweep_interval_ms = -1,
	                                      .durability = HF_KV_RELAXED};
	char url[256], sql[256];
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv;
	if (!is_postgres())
		return;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
		snprintf(sql, sizeof(sql),
		         "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_isolation = ''%s''',"
		         " current_database()); END $$",
		         levels[i]);
		hf_connection *connection = connect_to(url);
		sql_run(hf_on_connection(connection), sql);
		hf_connection_free(connection);
		EXPECT_OK(hf_kv_open(rig.ctx, url, &options, &kv, &err));
		whole_under_writers(kv, 20);
		hf_kv_close(kv);
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_lock_they_are_torn),
		cmocka_unit_test(checkpoints_are_never_torn),
		cmocka_unit_test(a_checkpoint_stays_what_it_was),
		cmocka_unit_test(whatever_the_database_defaults_to),
		cmocka_unit_test(checkpoints_are_made_by_themselves),
		cmocka_unit_test(wrong_schedules_are_refused),
	};
	if (argc < 2)
		return 2;
	kv_rig_open(&rig, argv[1]);
	seed_of_all = chance_seed();
	int failed = kv_rig_run(&rig, tests, ARRAY_LEN(tests));
	kv_rig_close(&rig);
	return failed;
}
