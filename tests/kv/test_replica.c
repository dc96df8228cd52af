/*
 * test_replica.c - reads from a real streaming replica: within the bound, behind one's own writes, and from the primary
 * when the replica cannot keep that. Replay is paused and resumed by hand, so that nothing depends on how fast it is.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../sql.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "holdfast/holdfast.h"
#include "kv/postgres.h"
#include "kv/store.h"

static hf_context *ctx;
static hf_server *primary, *standby;
static char folder[64], standby_url[200];

struct stores {
	hf_kv *kv; /* reads may go to the replica */
	hf_arena *arena;
	char url[200];
};

/* ---- servers ---- */

/* A program as the servers' user, asserted to end well. */
static void run_as_server(const char *const *argv)
{
	int status = 0;
	struct stat data;
	assert_int_equal(stat(hf_server_data(primary), &data), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(data.st_gid) != 0 || setuid(data.st_uid) != 0))
			_exit(126);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s ended with %d", argv[0], WEXITSTATUS(status));
}

static void path_of(const char *program, char *ret_path, size_t size)
{
	const char *bin = getenv("HOLDFAST_PG_BIN");
	char folder_text[200] = "";
	if (!bin) {
		FILE *ask = popen("pg_config --bindir", "r");
		assert_non_null(ask);
		assert_non_null(fgets(folder_text, sizeof(folder_text), ask));
		pclose(ask);
		folder_text[strcspn(folder_text, "\n")] = '\0';
	}
	snprintf(ret_path, size, "%s/%s", bin ? bin : folder_text, program);
}

/* A cluster is made where the replica's data will be, and replaced by a copy of the primary's. */
static void start_standby(void)
{
	hf_error err = HF_ERROR_INIT;
	char program[300], data[200];
	const struct hf_server_options options = {.size = sizeof(options), .folder = folder};
	EXPECT_OK(hf_server_start(ctx, &options, HF_DEADLINE_DEFAULT, &standby, &err));
	snprintf(data, sizeof(data), "%s", hf_server_data(standby));
	hf_server_free(standby);
	path_of("pg_basebackup", program, sizeof(program));
	run_as_server((const char *const[]){"/bin/sh", "-c", "rm -rf \"$0\"/*", data, NULL});
	run_as_server((const char *const[]){program, "-d", hf_server_url(primary), "-D", data, "-R", "-X", "stream",
	                                    "-c", "fast", NULL});
	EXPECT_OK(hf_server_start(ctx, &options, HF_DEADLINE_DEFAULT, &standby, &err));
}

static int start_all(void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *tmp = getenv("TMPDIR");
	struct stat data;
	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/hf-replica-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	EXPECT_OK(hf_server_start(ctx, NULL, HF_DEADLINE_DEFAULT, &primary, &err));
	assert_int_equal(stat(hf_server_data(primary), &data), 0);
	assert_int_equal(chown(folder, data.st_uid, data.st_gid), 0);
	EXPECT_OK(hf_server_create_database(primary, "store", NULL, &err));
	start_standby();
	EXPECT_OK(hf_server_url_of(standby, "store", standby_url, sizeof(standby_url), &err));
	return 0;
}

static int stop_all(void **state)
{
	char remove[120];
	(void)state;
	hf_server_free(standby);
	hf_server_free(primary);
	hf_context_free(ctx);
	snprintf(remove, sizeof(remove), "rm -rf %s", folder);
	return system(remove);
}

/* ---- stores ---- */

static hf_kv *open_with(const char *url, const char *replica, int64_t stale_ms)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .replica_url = replica,
	                                      .replica_stale_ms_max = stale_ms,
	                                      .sweep_interval_ms = -1};
	EXPECT_OK(hf_kv_open(ctx, url, &options, &kv, &err));
	return kv;
}

static int set_up(void **state)
{
	static struct stores stores;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_server_url_of(primary, "store", stores.url, sizeof(stores.url), &err));
	stores.kv = open_with(stores.url, standby_url, 3600000);
	stores.arena = hf_arena_new(0);
	EXPECT_OK(hf_kv_clear(stores.kv, NULL, NULL, &err));
	*state = &stores;
	return 0;
}

static int tear_down(void **state)
{
	struct stores *stores = *state;
	hf_kv_close(stores->kv);
	hf_arena_free(stores->arena);
	return 0;
}

static void at_standby(const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_settings_new(ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, standby_url, &err));
	EXPECT_OK(hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	sql_run(hf_on_connection(connection), sql);
	hf_connection_free(connection);
	hf_settings_free(settings);
}

static void put(hf_kv *kv, const char *value)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), hf_kv_text(value), NULL, &err));
}

static uint64_t by_replica(const hf_kv *kv)
{
	struct hf_kv_stats stats;
	hf_kv_stats(kv, &stats);
	return stats.replica_count;
}

/* "" = absent */
static const char *read_behind(struct stores *stores, hf_kv *kv, int64_t behind)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	const struct hf_kv_read how = {.replica = true, .behind = behind};
	enum hf_status status = hf_kv_get(kv, HF_KV_KEY("k"), &how, stores->arena, &entry, &err);
	if (status == HF_NOT_FOUND)
		return "";
	EXPECT_OK(status);
	return hf_arena_str(stores->arena, (struct hf_str){(const char *)entry.value.ptr, entry.value.len}).ptr;
}

static int64_t position(hf_kv *kv)
{
	hf_error err = HF_ERROR_INIT;
	int64_t at = 0;
	EXPECT_OK(hf_kv_position(kv, HF_DEADLINE_DEFAULT, &at, &err));
	assert_true(at > 0);
	return at;
}

/* Until the replica answers. */
static void wait_for_replica(struct stores *stores, hf_kv *kv)
{
	int64_t at = position(kv);
	uint64_t before = by_replica(kv);
	while (by_replica(kv) == before)
		read_behind(stores, kv, at);
}

/* ---- tests ---- */

static void a_replica_answers_what_may_be_late(void **state)
{
	struct stores *stores = *state;
	struct hf_kv_entry entries[2];
	hf_error err = HF_ERROR_INIT;
	const struct hf_bytes keys[] = {HF_KV_KEY("k"), HF_KV_KEY("none")};
	const struct hf_kv_read how = {.replica = true}, value = {.replica = true, .value_only = true};
	put(stores->kv, "1");
	wait_for_replica(stores, stores->kv);
	at_standby("SELECT pg_wal_replay_pause()");
	put(stores->kv, "2");
	uint64_t before = by_replica(stores->kv);
	assert_string_equal(read_behind(stores, stores->kv, 0), "1"); /* late, within an hour */
	EXPECT_OK(hf_kv_get_many(stores->kv, keys, 2, &how, stores->arena, entries, &err));
	assert_int_equal(entries[0].value.ptr[0], '1');
	assert_int_equal(entries[1].rev, 0);
	assert_int_equal(by_replica(stores->kv), before + 3);
	EXPECT_OK(hf_kv_get(stores->kv, keys[0], &value, stores->arena, entries, &err));
	assert_true(entries[0].value.ptr[0] == '1' && entries[0].rev == 0);
	assert_int_equal(by_replica(stores->kv), before + 4);
	EXPECT_OK(hf_kv_get(stores->kv, keys[0], NULL, stores->arena, entries, &err)); /* not asked for: the primary */
	assert_int_equal(entries[0].value.ptr[0], '2');
	at_standby("SELECT pg_wal_replay_resume()");
}

/* What it is unpacked with goes with the handle: sanitizers see to that. */
static void a_replica_answers_packed_values(void **state)
{
	struct stores *stores = *state;
	static const uint8_t bytes[5000];
	const struct hf_bytes value = {bytes, sizeof(bytes)};
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(stores->kv, HF_KV_KEY("packed"), value, NULL, &err));
	put(stores->kv, "1");
	wait_for_replica(stores, stores->kv);
	for (int alone = 0; alone < 2; alone++) {
		const struct hf_kv_read how = {.replica = true, .value_only = alone};
		uint64_t before = by_replica(stores->kv);
		EXPECT_OK(hf_kv_get(stores->kv, HF_KV_KEY("packed"), &how, stores->arena, &entry, &err));
		assert_int_equal(by_replica(stores->kv), before + 1);
		assert_int_equal(entry.value.len, value.len);
		assert_memory_equal(entry.value.ptr, value.ptr, value.len);
	}
}

/* ---- blobs ---- */

enum { BLOB_BYTES = 3 * HF_KV_BLOB_CHUNK_BYTES };

/* As many bytes of one kind. */
struct stream {
	size_t left;
	uint8_t byte;
};

static enum hf_status give(void *user, uint8_t *place, size_t room, size_t *ret_bytes, UNUSED hf_error *err)
{
	struct stream *stream = user;
	*ret_bytes = room < stream->left ? room : stream->left;
	memset(place, stream->byte, *ret_bytes);
	stream->left -= *ret_bytes;
	return HF_OK;
}

static enum hf_status take(void *user, struct hf_bytes part, UNUSED hf_error *err)
{
	struct stream *stream = user;
	stream->left -= part.len;
	stream->byte = part.ptr[part.len - 1];
	return HF_OK;
}

static void put_blob(hf_kv *kv, uint8_t byte)
{
	hf_error err = HF_ERROR_INIT;
	struct stream stream = {BLOB_BYTES, byte};
	EXPECT_OK(hf_kv_blob_put(kv, HF_KV_KEY("blob"), give, &stream, NULL, NULL, &err));
}

/* The byte that all of it is. */
static uint8_t read_blob(hf_kv *kv, const struct hf_kv_read *how)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_blob blob;
	struct stream stream = {BLOB_BYTES, 0};
	EXPECT_OK(hf_kv_blob_read(kv, HF_KV_KEY("blob"), 0, UINT64_MAX, how, take, &stream, &blob, &err));
	assert_int_equal(blob.bytes, BLOB_BYTES);
	assert_int_equal(stream.left, 0);
	return stream.byte;
}

static void a_replica_answers_blobs(void **state)
{
	struct stores *stores = *state;
	const struct hf_kv_read may_be_late = {.replica = true};
	put_blob(stores->kv, 'a');
	wait_for_replica(stores, stores->kv);
	at_standby("SELECT pg_wal_replay_pause()");
	put_blob(stores->kv, 'b');
	const struct hf_kv_read behind = {.replica = true, .behind = position(stores->kv)};
	uint64_t before = by_replica(stores->kv);
	assert_int_equal(read_blob(stores->kv, &may_be_late), 'a');
	assert_int_equal(by_replica(stores->kv), before + 1 + BLOB_BYTES / HF_KV_BLOB_CHUNK_BYTES);
	assert_int_equal(read_blob(stores->kv, NULL), 'b');
	assert_int_equal(read_blob(stores->kv, &behind), 'b');
	at_standby("SELECT pg_wal_replay_resume()");
}

static void what_was_written_is_read(void **state)
{
	struct stores *stores = *state;
	put(stores->kv, "1");
	wait_for_replica(stores, stores->kv);
	at_standby("SELECT pg_wal_replay_pause()");
	put(stores->kv, "2");
	int64_t at = position(stores->kv);
	uint64_t before = by_replica(stores->kv);
	assert_string_equal(read_behind(stores, stores->kv, at), "2"); /* by the primary, as the replica waits */
	assert_int_equal(by_replica(stores->kv), before);
	at_standby("SELECT pg_wal_replay_resume()");
	while (by_replica(stores->kv) == before)
		assert_string_equal(read_behind(stores, stores->kv, at), "2");
	for (int i = 0; i < 50; i++) { /* whoever answers */
		char value[12];
		snprintf(value, sizeof(value), "%d", i);
		put(stores->kv, value);
		assert_string_equal(read_behind(stores, stores->kv, position(stores->kv)), value);
	}
}

static void nothing_is_later_than_the_bound(void **state)
{
	struct stores *stores = *state;
	hf_kv *strict = open_with(stores->url, standby_url, 100);
	put(strict, "1");
	wait_for_replica(stores, strict);
	at_standby("SELECT pg_wal_replay_pause()");
	put(strict, "2");
	usleep(110000);
	assert_string_equal(read_behind(stores, strict, 0), "2");
	at_standby("SELECT pg_wal_replay_resume()");
	wait_for_replica(stores, strict);
	hf_kv_close(strict);
}

static void a_replica_that_is_not_there_is_no_failure(void **state)
{
	struct stores *stores = *state;
	hf_kv *alone = open_with(stores->url, "postgresql:///store?host=/nowhere", 0);
	put(alone, "1");
	assert_string_equal(read_behind(stores, alone, position(alone)), "1");
	assert_int_equal(by_replica(alone), 0);
	hf_kv_close(alone);
	/* the primary named as its own replica follows nobody */
	hf_kv *twice = open_with(stores->url, stores->url, 0);
	assert_string_equal(read_behind(stores, twice, 0), "1");
	assert_int_equal(by_replica(twice), 0);
	hf_kv_close(twice);
}

static enum hf_status add_key(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	char *text = user;
	size_t at = strlen(text);
	snprintf(text + at, 100 - at, "%.*s=%.*s ", (int)entry->key.len, (const char *)entry->key.ptr,
	         (int)entry->value.len, (const char *)entry->value.ptr);
	return HF_OK;
}

static const char *range_of(hf_kv *kv, struct hf_kv_range range)
{
	static char text[100];
	hf_error err = HF_ERROR_INIT;
	text[0] = '\0';
	EXPECT_OK(hf_kv_scan(kv, &range, add_key, text, &err));
	return text;
}

/* Late within an hour, unless the token says otherwise. */
static void ranges_counts_and_contains_may_be_late_too(void **state)
{
	struct stores *stores = *state;
	const struct hf_kv_range late = {.how.replica = true},
				 back = {.how.replica = true, .reverse = true, .limit = 1};
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	bool is = true;
	put(stores->kv, "1");
	EXPECT_OK(hf_kv_put(stores->kv, HF_KV_KEY("l"), HF_KV_KEY("1"), NULL, &err));
	wait_for_replica(stores, stores->kv);
	at_standby("SELECT pg_wal_replay_pause()");
	put(stores->kv, "2");
	EXPECT_OK(hf_kv_put(stores->kv, HF_KV_KEY("m"), HF_KV_KEY("2"), NULL, &err));
	uint64_t before = by_replica(stores->kv);
	assert_string_equal(range_of(stores->kv, late), "k=1 l=1 ");
	assert_string_equal(range_of(stores->kv, back), "l=1 ");
	assert_int_equal(by_replica(stores->kv), before + 3);
	EXPECT_OK(hf_kv_count(stores->kv, &late, &count, &err));
	assert_int_equal(count, 2);
	EXPECT_OK(hf_kv_contains(stores->kv, HF_KV_KEY("m"), &late.how, &is, &err));
	assert_false(is);
	assert_int_equal(by_replica(stores->kv), before + 5);
	const struct hf_kv_range now = {.how = {.replica = true, .behind = position(stores->kv)}};
	assert_string_equal(range_of(stores->kv, now), "k=2 l=1 m=2 ");
	EXPECT_OK(hf_kv_count(stores->kv, &now, &count, &err));
	assert_int_equal(count, 3);
	EXPECT_OK(hf_kv_contains(stores->kv, HF_KV_KEY("m"), &now.how, &is, &err));
	assert_true(is);
	assert_string_equal(range_of(stores->kv, (struct hf_kv_range){0}), "k=2 l=1 m=2 "); /* not asked for */
	assert_int_equal(by_replica(stores->kv), before + 5);
	at_standby("SELECT pg_wal_replay_resume()");
}

/* A condition is never judged by what a replica has. */
static void writes_go_by_the_primary(void **state)
{
	struct stores *stores = *state;
	hf_error err = HF_ERROR_INIT;
	put(stores->kv, "1");
	wait_for_replica(stores, stores->kv);
	at_standby("SELECT pg_wal_replay_pause()");
	put(stores->kv, "2");
	assert_string_equal(read_behind(stores, stores->kv, 0), "1");
	EXPECT_STATUS(hf_kv_compare_and_set(stores->kv, HF_KV_KEY("k"), HF_KV_KEY("1"), HF_KV_KEY("3"), NULL, &err),
	              HF_CONFLICT);
	EXPECT_OK(hf_kv_compare_and_set(stores->kv, HF_KV_KEY("k"), HF_KV_KEY("2"), HF_KV_KEY("3"), NULL, &err));
	at_standby("SELECT pg_wal_replay_resume()");
}

enum { MANY = 5000 };

struct walk {
	int seen;
	int stop_at;
};

/* Each once, in order; the replica goes in the middle. */
static enum hf_status step(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct walk *walk = user;
	char want[8];
	snprintf(want, sizeof(want), "%05d", walk->seen);
	assert_memory_equal(entry->key.ptr, want, 5);
	walk->seen++;
	if (walk->seen == walk->stop_at) {
		hf_server_free(standby);
		standby = NULL;
	}
	return HF_OK;
}

static enum hf_status end_here(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, hf_error *err)
{
	return error_set(err, HF_E_FAILED, "the caller's own");
}

static void put_many(hf_kv *kv)
{
	static char names[MANY][8];
	static struct hf_bytes keys[MANY];
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "%05d", i);
		keys[i] = hf_kv_text(names[i]);
	}
	EXPECT_OK(hf_kv_put_many(kv, keys, keys, MANY, NULL, &err));
}

/* The last test: the replica is gone behind it. */
static void a_range_goes_on_at_the_primary(void **state)
{
	struct stores *stores = *state;
	struct hf_kv_range range = {.how.replica = true};
	struct walk walk = {.stop_at = 500};
	uint64_t count;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_namespace(stores->kv, "many", &kv, &err));
	put_many(kv);
	range.how.behind = position(kv);
	while (by_replica(kv) == 0) /* until it is so far */
		EXPECT_OK(hf_kv_count(kv, &range, &count, &err));
	EXPECT_STATUS(hf_kv_scan(kv, &range, end_here, NULL, &err), HF_E_FAILED);
	assert_string_equal(err.message, "the caller's own");
	uint64_t before = by_replica(kv);
	EXPECT_OK(hf_kv_scan(kv, &range, step, &walk, &err));
	assert_int_equal(walk.seen, MANY);
	uint64_t of_it = by_replica(kv) - before;
	assert_true(of_it >= 500 && of_it < MANY);
	hf_kv_close(kv);
}

/* 57P02: its sessions end, and it refuses new ones for a while. */
static void a_replica_that_crashes_is_no_failure(void **state)
{
	struct stores *stores = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	put(stores->kv, "1");
	wait_for_replica(stores, stores->kv);
	EXPECT_OK(hf_settings_new(ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, standby_url, &err));
	EXPECT_OK(hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	EXPECT_OK(hf_sql_one(hf_on_connection(connection), HF_STR("SELECT pg_backend_pid()::bigint"), NULL, 0,
	                     stores->arena, &row, &err));
	assert_int_equal(kill((pid_t)row.values[0].as.i, SIGKILL), 0);
	for (int i = 0; i < 20; i++)
		assert_string_equal(read_behind(stores, stores->kv, 0), "1");
	hf_connection_free(connection);
	hf_settings_free(settings);
	wait_for_replica(stores, stores->kv); /* it comes back by itself */
}

/* 57P01 in the middle of a read of the primary: nothing was changed, so it is sent again. */
struct reading {
	struct stores *stores;
	enum hf_status status;
	hf_error err;
};

static void *read_one(void *user)
{
	struct reading *reading = user;
	struct hf_kv_entry entry;
	hf_arena *arena = hf_arena_new(0);
	static const hf_error none = HF_ERROR_INIT;
	reading->err = none;
	reading->status = hf_kv_get(reading->stores->kv, HF_KV_KEY("k"), NULL, arena, &entry, &reading->err);
	hf_arena_free(arena);
	return NULL;
}

static void a_read_whose_session_is_ended_is_sent_again(void **state)
{
	struct stores *stores = *state;
	struct reading reading = {.stores = stores};
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row = {0};
	struct hf_kv_stats before, after;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	pthread_t thread;
	put(stores->kv, "1");
	EXPECT_OK(hf_settings_new(ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, stores->url, &err));
	EXPECT_OK(hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	hf_where where = hf_on_connection(connection);
	hf_kv_stats(stores->kv, &before);
	sql_run(where, "BEGIN");
	sql_run(where, "LOCK TABLE state_entries IN ACCESS EXCLUSIVE MODE");
	assert_int_equal(pthread_create(&thread, NULL, read_one, &reading), 0);
	while (row.count == 0 || row.values[0].as.i == 0)
		EXPECT_OK(hf_sql_one(where,
		                     HF_STR("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
		                            "wait_event_type = 'Lock' AND query LIKE '%state_entries%'"),
		                     NULL, 0, stores->arena, &row, &err));
	sql_run(where, "COMMIT");
	pthread_join(thread, NULL);
	EXPECT_OK(reading.status);
	hf_kv_stats(stores->kv, &after);
	assert_true(after.retry_count > before.retry_count);
	hf_connection_free(connection);
	hf_settings_free(settings);
}

/* ---- a caller's time ---- */

struct patient {
	hf_kv *kv;
	bool replica;
	hf_deadline deadline;
	enum hf_status status;
	pthread_t thread;
};

static void *read_patiently(void *user)
{
	struct patient *patient = user;
	const struct hf_kv_read how = {.replica = patient->replica, .deadline = patient->deadline};
	struct hf_kv_entry entry;
	hf_arena *arena = hf_arena_new(0);
	patient->status = hf_kv_get(patient->kv, HF_KV_KEY("k"), &how, arena, &entry, NULL);
	hf_arena_free(arena);
	return NULL;
}

/* Until the pool is as full as that. */
static void start_patient(struct patient *patient, uint32_t busy, uint32_t waiting)
{
	struct hf_pool_stats stats = {0};
	assert_int_equal(pthread_create(&patient->thread, NULL, read_patiently, patient), 0);
	while (stats.busy < busy || stats.waiting < waiting) {
		usleep(1000);
		hf_pool_stats(patient->kv->backend->state->pool, &stats);
	}
}

/* One thread asks the primary, and waits for it: the others wait no longer than their callers. */
static void who_waits_for_anothers_question_has_his_own_deadline(void **state)
{
	struct stores *stores = *state;
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .replica_url = standby_url,
	                                      .replica_stale_ms_max = 10,
	                                      .connections_max = 1,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_open(ctx, stores->url, &options, &kv, &err));
	put(kv, "1");
	EXPECT_OK(hf_settings_new(ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, stores->url, &err));
	EXPECT_OK(hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	sql_run(hf_on_connection(connection), "BEGIN");
	sql_run(hf_on_connection(connection), "LOCK TABLE state_entries IN ACCESS EXCLUSIVE MODE");
	struct patient blocked = {.kv = kv, .deadline = INT64_MAX};
	start_patient(&blocked, 1, 0);
	struct patient asking = {.kv = kv, .replica = true, .deadline = hf_deadline_in(ctx, 30000)};
	start_patient(&asking, 1, 1);
	struct patient behind = {.kv = kv, .replica = true, .deadline = hf_deadline_in(ctx, 100)};
	read_patiently(&behind);
	assert_int_equal(behind.status, HF_TIMEOUT);
	assert_true(hf_now_monotonic_us(ctx) < asking.deadline);
	sql_run(hf_on_connection(connection), "COMMIT");
	pthread_join(blocked.thread, NULL);
	pthread_join(asking.thread, NULL);
	EXPECT_OK(blocked.status);
	EXPECT_OK(asking.status);
	hf_connection_free(connection);
	hf_settings_free(settings);
	hf_kv_close(kv);
}

static void health_tells_how_late_it_is(void **state)
{
	struct stores *stores = *state;
	struct hf_kv_health health;
	hf_kv *strict = open_with(stores->url, standby_url, 10);
	put(strict, "1");
	wait_for_replica(stores, stores->kv);
	hf_kv_health_report(stores->kv, NULL, &health);
	assert_int_equal(health.state, HF_HEALTHY);
	assert_string_equal(health.replica, "follows");
	at_standby("SELECT pg_wal_replay_pause()");
	put(strict, "2");
	usleep(20000);
	hf_kv_health_report(strict, NULL, &health);
	at_standby("SELECT pg_wal_replay_resume()");
	hf_kv_close(strict);
	assert_true(health.replica_lag_bytes > 0 && health.replica_lag_us >= 10000);
	assert_int_equal(health.state, HF_DEGRADED);
	assert_non_null(strstr(health.reasons[0], "the read replica is"));
	hf_kv *alone = open_with(stores->url, "postgresql:///store?host=/nowhere", 0);
	hf_kv_health_report(alone, NULL, &health);
	hf_kv_close(alone);
	assert_int_equal(health.state, HF_DEGRADED);
	assert_string_equal(health.replica, "unreachable");
	hf_kv *twice = open_with(stores->url, stores->url, 0);
	hf_kv_health_report(twice, NULL, &health);
	hf_kv_close(twice);
	assert_string_equal(health.replica, "promoted");
}

/* Opened while its namespace is there already; nothing else would be read of a server that takes no writes. */
static void a_standby_is_unhealthy(UNUSED void **state)
{
	struct hf_kv_options options = {.size = sizeof(options), .no_migrate = true, .sweep_interval_ms = -1};
	struct hf_kv_health health;
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_open(ctx, standby_url, &options, &kv, &err));
	hf_kv_health_report(kv, NULL, &health);
	hf_kv_close(kv);
	assert_int_equal(health.state, HF_UNHEALTHY);
	assert_string_equal(health.reasons[0], "the server is a standby: it takes no writes");
}

static void where_there_are_none_they_are_refused(void **state)
{
	struct stores *stores = *state;
	struct hf_kv_options options = {.size = sizeof(options), .replica_url = "postgresql:///x"};
	struct hf_kv_entry entry;
	const struct hf_kv_read how = {.replica = true};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	int64_t at;
	EXPECT_STATUS(hf_kv_open(ctx, "memory:", &options, &kv, &err), HF_E_UNSUPPORTED);
	options.replica_url = NULL;
	options.replica_stale_ms_max = 9;
	EXPECT_STATUS(hf_kv_open(ctx, "memory:", &options, &kv, &err), HF_E_USAGE);
	options.replica_stale_ms_max = 0;
	EXPECT_OK(hf_kv_open(ctx, "memory:", &options, &kv, &err));
	EXPECT_STATUS(hf_kv_position(kv, HF_DEADLINE_DEFAULT, &at, &err), HF_E_UNSUPPORTED);
	put(kv, "1");
	EXPECT_OK(hf_kv_get(kv, HF_KV_KEY("k"), &how, stores->arena, &entry, &err));
	hf_kv_close(kv);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(a_replica_answers_what_may_be_late),
		STORE(a_replica_answers_packed_values),
		STORE(a_replica_answers_blobs),
		STORE(what_was_written_is_read),
		STORE(nothing_is_later_than_the_bound),
		STORE(a_replica_that_is_not_there_is_no_failure),
		STORE(where_there_are_none_they_are_refused),
		STORE(who_waits_for_anothers_question_has_his_own_deadline),
		STORE(health_tells_how_late_it_is),
		STORE(a_standby_is_unhealthy),
		STORE(ranges_counts_and_contains_may_be_late_too),
		STORE(writes_go_by_the_primary),
		STORE(a_read_whose_session_is_ended_is_sent_again),
		STORE(a_replica_that_crashes_is_no_failure),
		STORE(a_range_goes_on_at_the_primary),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
