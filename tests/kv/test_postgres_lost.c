/*
 * test_postgres_lost.c - every way to write on PostgreSQL when the server takes no writes, when its sessions ended
 * unseen, and when the line is cut at each request of a call, before the server had it and behind: the same named
 * error, and nothing done twice. A log that triggers write into tells how often each row was changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_lock.h"
#include "holdfast/kv_watch.h"
#include "postgres_rig.h"
#include "relay.h"

enum { MANY = 600, REQUESTS_MAX = 40 };

struct writing {
	struct rig *rig;
	hf_kv *kv; /* by way of the relay, one connection */
	hf_kv *into;
	struct hf_kv_lock lock;
	struct hf_uuid point, doomed;
	char path[64], url[500];
};

/* ---- ways to write ---- */

static enum hf_status put(struct writing *w, hf_error *err)
{
	return hf_kv_put(w->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), NULL, err);
}

static enum hf_status put_if(struct writing *w, hf_error *err)
{
	const struct hf_kv_put how = {.flags = HF_KV_IF_PRESENT, .ttl_us = 60000000, .metadata = HF_STR_INIT("[1]")};
	return hf_kv_put(w->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &how, err);
}

static enum hf_status put_keys(struct writing *w, size_t count, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	for (size_t i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "m%05zu", i);
		keys[i] = hf_kv_text(texts[i]);
	}
	return hf_kv_put_many(w->kv, keys, keys, count, NULL, err);
}

static enum hf_status put_few(struct writing *w, hf_error *err)
{
	return put_keys(w, 3, err);
}

static enum hf_status put_many(struct writing *w, hf_error *err)
{
	return put_keys(w, MANY, err);
}

static enum hf_status del(struct writing *w, hf_error *err)
{
	return hf_kv_delete(w->kv, HF_KV_KEY("k"), NULL, NULL, err);
}

static enum hf_status del_many(struct writing *w, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("k"), HF_KV_KEY("l")};
	return hf_kv_delete_many(w->kv, keys, 2, NULL, NULL, err);
}

static enum hf_status cas(struct writing *w, hf_error *err)
{
	return hf_kv_compare_and_set(w->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), HF_KV_KEY("w"), NULL, err);
}

static enum hf_status touch(struct writing *w, hf_error *err)
{
	return hf_kv_touch(w->kv, HF_KV_KEY("k"), 60000000, NULL, err);
}

static enum hf_status persist(struct writing *w, hf_error *err)
{
	return hf_kv_persist(w->kv, HF_KV_KEY("k"), NULL, err);
}

static enum hf_status increment(struct writing *w, hf_error *err)
{
	return hf_kv_increment(w->kv, HF_KV_KEY("sum"), 1, NULL, NULL, err);
}

static enum hf_status append(struct writing *w, hf_error *err)
{
	return hf_kv_append(w->kv, HF_KV_KEY("k"), HF_KV_KEY("+"), NULL, err);
}

static enum hf_status get_and_delete(struct writing *w, hf_error *err)
{
	struct hf_kv_entry before;
	return hf_kv_get_and_delete(w->kv, HF_KV_KEY("k"), NULL, w->rig->arena, &before, err);
}

static enum hf_status get_and_put(struct writing *w, hf_error *err)
{
	struct hf_kv_entry before;
	return hf_kv_get_and_put(w->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), NULL, w->rig->arena, &before, err);
}

static enum hf_status mixed(struct writing *w, hf_error *err)
{
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = HF_KV_KEY("new"), .value = HF_KV_KEY("v")},
		{.op = HF_KV_DELETE, .key = HF_KV_KEY("l")},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
	};
	return hf_kv_apply(w->kv, writes, ARRAY_LEN(writes), NULL, NULL, NULL, err);
}

static enum hf_status fenced(struct writing *w, hf_error *err)
{
	const struct hf_kv_fence fence = {w->lock.name, w->lock.owner, w->lock.fence};
	const struct hf_kv_put how = {.how = {.fence = &fence}};
	return hf_kv_put(w->kv, HF_KV_KEY("k"), HF_KV_KEY("x"), &how, err);
}

static enum hf_status transact(struct writing *w, hf_error *err)
{
	bool held;
	const struct hf_kv_write compare = {.op = HF_KV_READ,
	                                    .key = HF_KV_KEY("k"),
	                                    .if_value = HF_KV_KEY("v"),
	                                    .flags = HF_KV_IF_VALUE};
	const struct hf_kv_write then = {.op = HF_KV_APPEND, .key = HF_KV_KEY("l"), .value = HF_KV_KEY("+")};
	const struct hf_kv_txn txn = {.compare = &compare, .ncompare = 1, .then = &then, .nthen = 1};
	return hf_kv_transact(w->kv, &txn, NULL, NULL, &held, NULL, err);
}

static enum hf_status clear(struct writing *w, hf_error *err)
{
	return hf_kv_clear(w->kv, NULL, NULL, err);
}

static enum hf_status sweep(struct writing *w, hf_error *err)
{
	return hf_kv_sweep(w->kv, HF_DEADLINE_DEFAULT, NULL, err);
}

static enum hf_status import(struct writing *w, hf_error *err)
{
	const char *const paths[] = {w->path};
	struct hf_kv_copied copied;
	return hf_kv_import(w->into, paths, 1, NULL, &copied, err);
}

static enum hf_status lock_try(struct writing *w, hf_error *err)
{
	struct hf_kv_lock lock;
	return hf_kv_lock_try(w->kv, "free", "me", 60000000, w->rig->arena, &lock, err);
}

static enum hf_status lock_renew(struct writing *w, hf_error *err)
{
	return hf_kv_lock_renew(w->kv, &w->lock, 3600000000, err);
}

static enum hf_status lock_release(struct writing *w, hf_error *err)
{
	return hf_kv_lock_release(w->kv, &w->lock, err);
}

static enum hf_status point_create(struct writing *w, hf_error *err)
{
	const struct hf_kv_checkpoint_new how = {.uncounted = true};
	struct hf_kv_checkpoint point;
	return hf_kv_checkpoint_create(w->kv, &how, w->rig->arena, &point, err);
}

static enum hf_status point_pin(struct writing *w, hf_error *err)
{
	return hf_kv_checkpoint_pin(w->kv, &w->doomed, true, err);
}

static enum hf_status point_delete(struct writing *w, hf_error *err)
{
	return hf_kv_checkpoint_delete(w->kv, &w->doomed, err);
}

static enum hf_status restore(struct writing *w, hf_error *err)
{
	const struct hf_kv_restore how = {.no_undo = true};
	return hf_kv_checkpoint_restore(w->kv, &w->point, &how, NULL, err);
}

static enum hf_status feed_on(struct writing *w, hf_error *err)
{
	return hf_kv_feed_on(w->into, NULL, err);
}

static enum hf_status feed_off(struct writing *w, hf_error *err)
{
	return hf_kv_feed_off(w->kv, err);
}

/* `changes` rows are changed when it is done once. */
static const struct way {
	const char *name;
	enum hf_status (*fn)(struct writing *w, hf_error *err);
	int changes;
	enum { ONCE, AGAIN, STEPS } done; /* AGAIN: it may be, and is the same; STEPS: each is done or not by itself */
} ways[] = {
	{"put", put, 1, ONCE},
	{"put if present", put_if, 1, ONCE},
	{"put few", put_few, 3, ONCE},
	{"put many", put_many, MANY, ONCE},
	{"delete", del, 1, ONCE},
	{"delete many", del_many, 2, ONCE},
	{"compare and set", cas, 1, ONCE},
	{"touch", touch, 1, ONCE},
	{"persist", persist, 1, ONCE},
	{"increment", increment, 1, ONCE},
	{"append", append, 1, ONCE},
	{"get and delete", get_and_delete, 1, ONCE},
	{"get and put", get_and_put, 1, ONCE},
	{"apply", mixed, 3, ONCE},
	{"fenced put", fenced, 1, ONCE},
	{"transact", transact, 1, ONCE},
	{"clear", clear, 3, ONCE},
	{"sweep", sweep, 1, STEPS},
	{"import", import, 3, ONCE},
	{"lock", lock_try, 1, AGAIN},
	{"renew", lock_renew, 1, AGAIN},
	{"release", lock_release, 1, ONCE},
	{"checkpoint", point_create, 1, ONCE},
	{"pin", point_pin, 1, AGAIN},
	{"delete a checkpoint", point_delete, 1, ONCE},
	{"restore", restore, 2, ONCE},
	{"feed on", feed_on, 1, AGAIN},
	{"feed off", feed_off, 1, ONCE},
};

/* ---- what there is before each ---- */

/* Three entries and one that expired; a lock that is held, two checkpoints, a feed; `into` is empty. */
static void prepare(struct writing *w)
{
	struct rig *rig = w->rig;
	const struct hf_kv_checkpoint_new how = {.uncounted = true};
	const struct hf_kv_put brief = {.ttl_us = 1}, hour = {.ttl_us = 3600000000};
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	hf_arena_reset(rig->arena);
	rig_run(rig, "DELETE FROM state_entries");
	rig_run(rig, "DELETE FROM state_entries_checkpoints");
	rig_run(rig, "DELETE FROM state_entries_history");
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &hour, &err));
	rig_put(rig, "l", "v");
	rig_put(rig, "sum", "1");
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("gone"), HF_KV_KEY(""), &brief, &err));
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, &how, rig->arena, &point, &err));
	w->point = point.id;
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &hour, &err));
	EXPECT_OK(hf_kv_delete(rig->kv, HF_KV_KEY("sum"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, &how, rig->arena, &point, &err));
	w->doomed = point.id;
	rig_run(rig, "DELETE FROM state_entries_locks WHERE name = 'free'");
	EXPECT_OK(hf_kv_lock_try(rig->kv, "l", "me", 3600000000, rig->arena, &w->lock, &err));
	rig_run(rig, "DELETE FROM state_entries_feeds");
	EXPECT_OK(hf_kv_feed_on(rig->kv, NULL, &err));
	rig_run(rig, "TRUNCATE log");
}

/* How often it happened, by the rows that were changed; -1: in part. */
static int64_t happened(struct writing *w, const struct way *way)
{
	while (rig_number(w->rig, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
	                          "pg_backend_pid() AND state <> 'idle'") > 0)
		usleep(1000);
	int64_t changes = rig_number(w->rig, "SELECT count(*) FROM log");
	return changes % way->changes == 0 ? changes / way->changes : -1;
}

static void watch_table(struct rig *rig, const char *table)
{
	char sql[300];
	snprintf(sql, sizeof(sql),
	         "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION note()",
	         table);
	rig_run(rig, sql);
}

static void make_file(struct writing *w)
{
	struct rig *rig = w->rig;
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	hf_kv *from = NULL;
	EXPECT_OK(hf_kv_namespace(rig->kv, "from", &from, &err));
	for (int i = 0; i < 3; i++)
		EXPECT_OK(hf_kv_put(from, (struct hf_bytes){(uint8_t *)&i, 1}, HF_KV_KEY("v"), NULL, &err));
	EXPECT_OK(hf_kv_checkpoint_create(from, NULL, rig->arena, &point, &err));
	snprintf(w->path, sizeof(w->path), "/tmp/hf-lost-%d.hfkv", (int)getpid());
	EXPECT_OK(hf_kv_checkpoint_export(from, &point.id, w->path, NULL, rig->arena, NULL, &err));
	hf_kv_close(from);
}

static void open_relayed(struct writing *w)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .no_migrate = true,
	                                      .connections_min = 1,
	                                      .connections_max = 1,
	                                      .backoff_ms = 1,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_open(w->rig->ctx, w->url, &options, &w->kv, &err));
	EXPECT_OK(hf_kv_namespace(w->kv, "into", &w->into, &err));
}

static int set_up(void **user)
{
	static const char *const tables[] = {"state_entries", "state_entries_locks", "state_entries_checkpoints",
	                                     "state_entries_feeds"};
	static struct rig rig;
	static struct writing w;
	rig_open(&rig, NULL, NULL);
	w = (struct writing){.rig = &rig};
	make_file(&w);
	rig_run(&rig, "CREATE TABLE log (at timestamptz DEFAULT clock_timestamp())");
	rig_run(&rig, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
	              "$$ BEGIN INSERT INTO log DEFAULT VALUES; RETURN NULL; END $$");
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		watch_table(&rig, tables[i]);
	relay_start(rig.url, w.url, sizeof(w.url));
	open_relayed(&w);
	*user = &w;
	return 0;
}

static void close_relayed(struct writing *w)
{
	hf_kv_close(w->into);
	hf_kv_close(w->kv);
}

/* On a new session each statement is prepared first: a call has as many requests each time. */
static void open_again(struct writing *w)
{
	close_relayed(w);
	open_relayed(w);
}

static int tear_down(void **user)
{
	struct writing *w = *user;
	void *rig = w->rig;
	close_relayed(w);
	relay_stop();
	(void)unlink(w->path);
	return rig_close(&rig);
}

static uint64_t retries(const struct writing *w)
{
	struct hf_kv_stats stats;
	hf_kv_stats(w->kv, &stats);
	return stats.retry_count;
}

static void end_sessions(struct writing *w)
{
	rig_run(w->rig, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE "
	                "datname = current_database() AND pid <> pg_backend_pid()");
}

/* ---- tests ---- */

/* Also shows that each way is what the table says. */
static void sessions_that_ended_unseen_cost_nothing(void **user)
{
	struct writing *w = *user;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		hf_error err = HF_ERROR_INIT;
		prepare(w);
		end_sessions(w);
		enum hf_status status = ways[i].fn(w, &err);
		if (status != HF_OK || happened(w, &ways[i]) != 1)
			fail_msg("%s: %s, %s; it happened %d times", ways[i].name, hf_status_word(status), err.message,
			         (int)happened(w, &ways[i]));
	}
}

/* 25006, on a primary whose sessions may only read: not repeated, and nothing is left of it. */
static void a_server_that_takes_no_writes_says_so(void **user)
{
	struct writing *w = *user;
	char sql[200];
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		hf_error err = HF_ERROR_INIT;
		prepare(w);
		uint64_t before = retries(w);
		snprintf(sql, sizeof(sql), "ALTER DATABASE %s SET default_transaction_read_only = on",
		         fixture_database_name());
		rig_run(w->rig, sql);
		end_sessions(w);
		enum hf_status status = ways[i].fn(w, &err);
		snprintf(sql, sizeof(sql), "ALTER DATABASE %s RESET default_transaction_read_only",
		         fixture_database_name());
		rig_run(w->rig, sql);
		end_sessions(w);
		if (status != HF_E_DB || strcmp(err.sqlstate, "25006") != 0 || happened(w, &ways[i]) != 0)
			fail_msg("%s: %s %s, %s; it happened %d times", ways[i].name, hf_status_word(status),
			         err.sqlstate, err.message, (int)happened(w, &ways[i]));
		assert_int_equal(retries(w), before);
	}
}

static bool is_right(const struct way *way, enum hf_status status, int64_t times)
{
	if (status == HF_OK)
		return times == 1 || (way->done == AGAIN && times == 2);
	if (status == HF_E_OUTCOME_UNKNOWN)
		return times == 0 || times == 1;
	return status == HF_E_UNAVAILABLE && (times == 0 || (way->done == STEPS && times == 1));
}

/* False: the call has no such request. */
static bool cut_at(struct writing *w, const struct way *way, int request, bool behind)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	prepare(w);
	open_again(w);
	EXPECT_OK(hf_kv_get(w->kv, HF_KV_KEY("l"), NULL, w->rig->arena, &entry, &err));
	relay_cut(request, behind);
	enum hf_status status = way->fn(w, &err);
	bool was_cut = relay_was_cut();
	relay_cut(0, false);
	int64_t times = happened(w, way);
	if (!is_right(way, status, times))
		fail_msg("%s, cut %s request %d: %s %s, %s; it happened %d times", way->name,
		         behind ? "behind" : "before", request, hf_status_word(status), err.sqlstate, err.message,
		         (int)times);
	if (was_cut && getenv("HOLDFAST_TEST_SHOW"))
		print_message("# %s, %s %d: %s, %d\n", way->name, behind ? "behind" : "before", request,
		              hf_status_word(status), (int)times);
	return was_cut;
}

/* At each of its requests, until there is none. */
static void cut_everywhere(struct writing *w, const struct way *way, bool behind)
{
	int request = 1;
	while (cut_at(w, way, request, behind))
		assert_true(++request <= REQUESTS_MAX);
}

static void a_line_that_is_cut_does_nothing_twice(void **user)
{
	struct writing *w = *user;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		cut_everywhere(w, &ways[i], false);
		cut_everywhere(w, &ways[i], true);
	}
}

/* What stands between may say that it lost the server. It knows no better what happened than a line that is cut; that
 * it comes in the place of an earlier statement's answer says nothing about COMMIT. */
static void what_a_relay_says_of_a_lost_server_does_nothing_twice(void **user)
{
	static const struct {
		const char *severity, *sqlstate;
		bool behind_only;
	} said[] = {{"FATAL", "08P01", false}, {"ERROR", "08006", true}};
	struct writing *w = *user;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		relay_says(said[i].severity, said[i].sqlstate);
		for (size_t j = 0; j < ARRAY_LEN(ways); j++) {
			if (!said[i].behind_only)
				cut_everywhere(w, &ways[j], false);
			cut_everywhere(w, &ways[j], true);
		}
	}
	relay_says(NULL, NULL);
}

/* One that is made is there, whatever becomes of the counting behind it. */
static void a_checkpoint_that_is_not_counted_was_made(void **user)
{
	struct writing *w = *user;
	const char *points = "SELECT count(*) FROM state_entries_checkpoints";
	bool was_cut = true;
	for (int request = 1; was_cut; request++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_kv_checkpoint point;
		prepare(w);
		open_again(w);
		int64_t before = rig_number(w->rig, points);
		relay_cut(request, false);
		enum hf_status status = hf_kv_checkpoint_create(w->kv, NULL, w->rig->arena, &point, &err);
		was_cut = relay_was_cut();
		relay_cut(0, false);
		if (status != HF_E_OUTCOME_UNKNOWN && rig_number(w->rig, points) != before + (status == HF_OK))
			fail_msg("request %d: %s %s, and there are %d", request, hf_status_word(status), err.message,
			         (int)rig_number(w->rig, points));
		assert_true(status == HF_OK || was_cut);
	}
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(sessions_that_ended_unseen_cost_nothing),
		STORE(a_server_that_takes_no_writes_says_so),
		STORE(a_line_that_is_cut_does_nothing_twice),
		STORE(what_a_relay_says_of_a_lost_server_does_nothing_twice),
		STORE(a_checkpoint_that_is_not_counted_was_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
