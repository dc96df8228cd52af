/*
 * test_killed.c - kill -9 at any moment of a batch, a checkpoint, a restore, an export: what is there afterwards is
 * what was there before, or all of it. test_kv_killed KIND. The client dies; on PostgreSQL and Redis the server too,
 * which comes back from its log. And programs that make the tables of a store at once.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "chance.h"
#include "holdfast/kv_file.h"
#include "holdfast/settings.h"
#include "holdfast/sql.h"
#include "steps.h"

enum { ENTRIES = 12000, PROGRAMS = 4 };

static struct kv_rig rig;
static uint64_t seed;
static char url[256];

enum work { BATCH, CHECKPOINT, RESTORE, EXPORT, WORKS };
static const char *const work_names[] = {"batch", "checkpoint", "restore", "export"};
static char file[300]; /* that is exported to */

/* ---- the store ---- */

/* Everybody who opens has a context of his own: a child has nothing of its parent's. */
struct store {
	hf_context *ctx;
	hf_kv *kv;
	hf_arena *arena;
};

static enum hf_status try_open(struct store *store, const char *name, hf_error *err)
{
	const struct hf_kv_options options = {.size = sizeof(options), .name_space = name, .sweep_interval_ms = -1};
	enum hf_status status = hf_context_new(NULL, &store->ctx, err);
	store->arena = hf_arena_new(0);
	store->kv = NULL;
	if (status == HF_OK)
		status = hf_kv_open(store->ctx, url, &options, &store->kv, err);
	return status;
}

static void end(struct store *store)
{
	hf_kv_close(store->kv);
	hf_context_free(store->ctx);
	hf_arena_free(store->arena);
}

/* A server that was killed takes a moment to come back. */
static struct store open_again(const char *name)
{
	struct store store;
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = HF_E_UNAVAILABLE;
	for (int i = 0; i < 600 && status == HF_E_UNAVAILABLE; i++) {
		status = try_open(&store, name, &err);
		if (status == HF_OK)
			return store;
		end(&store);
		usleep(50000);
	}
	fail_msg("could not open again: %s", err.message);
	return store;
}

static enum hf_status put_all(hf_kv *kv, const char *value, hf_error *err)
{
	static char texts[ENTRIES][8];
	static struct hf_bytes keys[ENTRIES], values[ENTRIES];
	for (int i = 0; i < ENTRIES; i++) {
		keys[i] = (struct hf_bytes){(uint8_t *)texts[i], (size_t)snprintf(texts[i], 8, "%06d", i)};
		values[i] = hf_kv_text(value);
	}
	return hf_kv_put_many(kv, keys, values, ENTRIES, NULL, err);
}

/* What all entries have; '?' where they do not have the same, or are not all there. */
struct seen {
	size_t count;
	char value;
};

static enum hf_status see(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct seen *seen = user;
	char value = entry->value.len == 1 ? (char)entry->value.ptr[0] : '?';
	seen->value = seen->count++ == 0 || seen->value == value ? value : '?';
	return HF_OK;
}

static char what_is(hf_kv *kv, const struct hf_uuid *at)
{
	struct seen seen = {0};
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(at ? hf_kv_scan_at(kv, at, NULL, see, &seen, &err) : hf_kv_scan(kv, NULL, see, &seen, &err));
	return seen.count == ENTRIES ? seen.value : '?';
}

/* ---- who is killed ---- */

/* As another part of this program. */
static pid_t begin(const char *part, const char *name, int out)
{
	return kv_rig_begin_again((const char *const[]){"test_kv_killed", part, url, name, file, NULL}, out);
}

/* Says one byte to who waits for it, then works until it is done or no more. @return the exit code */
static int do_work(enum work work, const char *name)
{
	struct store store;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint *points, made;
	size_t count = 0;
	if (try_open(&store, name, &err) != HF_OK ||
	    hf_kv_checkpoint_list(store.kv, store.arena, &points, &count, &err) != HF_OK || count != 1)
		return 2;
	if (write(STDOUT_FILENO, "", 1) != 1)
		return 3;
	if (work == BATCH)
		put_all(store.kv, "c", &err);
	if (work == CHECKPOINT)
		hf_kv_checkpoint_create(store.kv, NULL, store.arena, &made, &err);
	if (work == RESTORE)
		hf_kv_checkpoint_restore(store.kv, &points[0].id, NULL, NULL, &err);
	if (work == EXPORT)
		hf_kv_checkpoint_export(store.kv, &points[0].id, file, NULL, store.arena, NULL, &err);
	end(&store);
	return 0;
}

/* A number that the server answers; -1 when it does not. */
static int64_t ask(const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	struct hf_sql_row row;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_OK(hf_settings_new(rig.ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, url, &err));
	enum hf_status status = hf_connection_open(rig.ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err);
	if (status == HF_OK)
		status = hf_sql_one(hf_on_connection(connection), hf_str_of(sql), NULL, 0, arena, &row, &err);
	hf_connection_free(connection);
	hf_settings_free(settings);
	return status == HF_OK ? row.values[0].as.i : -1;
}

/* When one of these is killed the postmaster ends all others, and begins anew from the log. */
static pid_t process_of_server(void)
{
	int64_t pid = ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
	assert_true(pid > 0);
	return (pid_t)pid;
}

/* The server may still be at what a client wanted that is no more. */
static void settle(void)
{
	int64_t others = strcmp(rig.kind, "postgresql") == 0 ? -1 : 0;
	for (int i = 0; i < 1200 && others != 0; i++) {
		usleep(25000);
		others = ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
		             " AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
	}
	assert_int_equal(others, 0);
}

/* The child begins; `us` later it, or the server under it, is no more; never when that is negative. @return how long it
 * lived. */
static int64_t kill_during(enum work work, const char *name, bool server, int64_t us)
{
	int ready[2], how;
	char byte;
	bool redis = strcmp(rig.kind, "redis") == 0;
	pid_t victim = server && !redis ? process_of_server() : 0;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = begin(work_names[work], name, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		waitpid(child, &how, 0);
		fail_msg("the child ended with %d before it began", WEXITSTATUS(how));
	}
	close(ready[0]);
	int64_t start = hf_now_monotonic_us(rig.ctx);
	if (us >= 0) {
		usleep((useconds_t)us);
		if (server && redis)
			kv_rig_kill_server();
		else
			kill(server ? victim : child, SIGKILL);
	}
	waitpid(child, &how, 0);
	if (server && redis && us >= 0)
		kv_rig_start_server();
	return hf_now_monotonic_us(rig.ctx) - start;
}

/* ---- before and after ---- */

static void write_old(void)
{
	FILE *old = fopen(file, "we");
	assert_non_null(old);
	assert_true(fputs("old", old) > 0);
	assert_int_equal(fclose(old), 0);
}

/* The old file, or the whole new one. @return it is the new one */
static bool check_file(const struct hf_uuid *first)
{
	char start[4] = "";
	hf_error err = HF_ERROR_INIT;
	const char *const paths[] = {file};
	struct hf_kv_file about;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	FILE *old = fopen(file, "re");
	assert_non_null(old);
	size_t bytes = fread(start, 1, sizeof(start), old);
	assert_int_equal(fclose(old), 0);
	if (bytes == 3 && memcmp(start, "old", 3) == 0)
		return false;
	EXPECT_OK(hf_kv_file_verify(rig.ctx, paths, 1, arena, &about, &err));
	assert_memory_equal(&about.id, first, sizeof(about.id));
	assert_int_equal(about.puts.row_count, ENTRIES);
	return true;
}

/* @return it was done */
static bool check(enum work work, const char *name, const struct hf_uuid *first)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint *points;
	size_t count = 0;
	settle();
	struct store store = open_again(name);
	char now = what_is(store.kv, NULL);
	EXPECT_OK(hf_kv_checkpoint_list(store.kv, store.arena, &points, &count, &err));
	assert_int_equal(what_is(store.kv, first), 'a');
	bool exported = work == EXPORT && check_file(first);
	if (work == BATCH || work == EXPORT) {
		assert_true(now == 'b' || (now == 'c' && work == BATCH));
		assert_int_equal(count, 1);
	} else {
		assert_int_equal(now, work == CHECKPOINT || count == 1 ? 'b' : 'a');
		assert_true(count == 1 || count == 2);
		if (count == 2) /* the way back of the restore, or the checkpoint that was made */
			assert_int_equal(what_is(store.kv, &points[0].id), 'b');
	}
	end(&store);
	return work == BATCH ? now == 'c' : exported || count == 2;
}

static struct hf_uuid prepare(const char *name)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint first;
	struct store store = open_again(name);
	EXPECT_OK(put_all(store.kv, "a", &err));
	EXPECT_OK(hf_kv_checkpoint_create(store.kv, NULL, store.arena, &first, &err));
	EXPECT_OK(put_all(store.kv, "b", &err));
	end(&store);
	write_old();
	return first.id;
}

static void kill_at_any_moment(bool server)
{
	char name[40];
	int64_t length_us[WORKS];
	int done[WORKS] = {0}, count = WORKS * (kv_rounds(&rig, 100) / 4 + 1);
	for (int i = 0; i < WORKS; i++) {
		prepare(work_names[i]);
		length_us[i] = kill_during((enum work)i, work_names[i], false, -1);
	}
	for (int i = 0; i < count; i++) {
		enum work work = (enum work)(i % WORKS);
		snprintf(name, sizeof(name), "%s %s %d", server ? "server" : "client", work_names[work], i);
		struct hf_uuid first = prepare(name);
		kill_during(work, name, server, (int64_t)chance_under(&seed, (uint64_t)length_us[work]));
		done[work] += check(work, name, &first);
	}
	for (int work = 0; work < WORKS; work++)
		printf("# %s: %d of %d were done\n", work_names[work], done[work], count / WORKS);
}

/* ---- tests ---- */

static bool is_kept(void)
{
	uint32_t needed = HF_KV_CAN_PERSIST | HF_KV_CAN_CHECKPOINT;
	return (hf_kv_capabilities(rig.root) & needed) == needed;
}

static void the_client_is_killed(UNUSED void **state)
{
	if (!is_kept())
		return;
	snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
	kill_at_any_moment(false);
}

static void the_server_is_killed(UNUSED void **state)
{
	if (strcmp(rig.kind, "postgresql") != 0 && strcmp(rig.kind, "redis") != 0)
		return;
	snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
	kill_at_any_moment(true);
}

static int open_and_put(const char *key)
{
	struct store store;
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = try_open(&store, "together", &err);
	if (status == HF_OK)
		status = hf_kv_put(store.kv, hf_kv_text(key), B("1"), NULL, &err);
	if (status != HF_OK)
		fprintf(stderr, "# program %s: %s: %s\n", key, hf_status_word(status), err.message);
	end(&store);
	return status != HF_OK;
}

static void programs_make_the_tables_at_once(UNUSED void **state)
{
	pid_t children[PROGRAMS];
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	if (strcmp(rig.kind, "postgresql") != 0)
		return;
	for (int round = 0; round < 3; round++) {
		snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
		for (int i = 0; i < PROGRAMS; i++)
			children[i] = begin("put", (const char[2]){(char)('a' + i)}, STDERR_FILENO);
		for (int i = 0; i < PROGRAMS; i++) {
			int how;
			assert_int_equal(waitpid(children[i], &how, 0), children[i]);
			assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
		}
		struct store store = open_again("together");
		EXPECT_OK(hf_kv_count(store.kv, NULL, &count, &err));
		assert_int_equal(count, PROGRAMS);
		end(&store);
	}
}

static int remove_one(const char *path, UNUSED const struct stat *status, UNUSED int type, UNUSED struct FTW *place)
{
	return remove(path);
}

/* What begin() asks of a program: PART URL NAME FILE. @return its exit code */
static int play(const char *part, const char *where, const char *name, const char *to)
{
	snprintf(url, sizeof(url), "%s", where);
	snprintf(file, sizeof(file), "%s", to);
	for (int i = 0; i < WORKS; i++)
		if (strcmp(part, work_names[i]) == 0)
			return do_work((enum work)i, name);
	return open_and_put(name);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_make_the_tables_at_once),
		cmocka_unit_test(the_client_is_killed),
		cmocka_unit_test(the_server_is_killed),
	};
	if (argc == 5)
		return play(argv[1], argv[2], argv[3], argv[4]);
	if (argc != 2)
		return 2;
	char folder[] = "/tmp/holdfast-killed-XXXXXX";
	if (!mkdtemp(folder))
		return 2;
	snprintf(file, sizeof(file), "%s/file", folder);
	kv_rig_open(&rig, argv[1]);
	seed = chance_seed();
	int failed = kv_rig_run(&rig, tests, ARRAY_LEN(tests));
	kv_rig_close(&rig);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
