/*
 * What LMDB brings with it: several processes, processes that are killed, a map that is full or that another process
 * made larger, readers that are gone, folders that are none.
 */
#include "../check.h"
#include "chance.h"
#include "engine_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv/engine.h"
#include "kv/lmdb_map.h"
#include "kv/turns.h"

static enum hf_status apply_one(struct rig *rig, const struct hf_kv_write *write, struct hf_kv_result *result,
                                hf_error *err)
{
	struct hf_kv_batch batch = {.writes = write, .count = 1, .deadline = INT64_MAX, .value_bytes_max = 1 << 20};
	*result = (struct hf_kv_result){0};
	return rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, result, err);
}

static enum hf_status put(struct rig *rig, struct hf_bytes key, struct hf_bytes value, hf_error *err)
{
	struct hf_kv_result result;
	return apply_one(rig, &(struct hf_kv_write){.op = HF_KV_PUT, .key = key, .value = value}, &result, err);
}

static struct hf_kv_entry get(struct rig *rig, struct hf_bytes key)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], &key, 1, false, INT64_MAX, rig->arena, &entry, &err));
	return entry;
}

static void wait_for(pid_t child)
{
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

/* A child with a rig of its own on the folder; the parent's handle is not touched. */
static void in_child(const struct rig *parent, void (*work)(struct rig *rig), pid_t *ret_child)
{
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0) {
		*ret_child = child;
		return;
	}
	hf_error err = HF_ERROR_INIT;
	struct rig rig = *parent;
	rig.arena = hf_arena_new(0);
	if (rig_open(&rig, &err) != HF_OK) {
		fprintf(stderr, "child: %s\n", err.message);
		_exit(1);
	}
	work(&rig);
	rig_close(&rig);
	_exit(0);
}

/* ---- full ---- */

static void test_map_full(void **state)
{
	struct rig *rig = *state;
	static uint8_t bytes[2000];
	hf_error err = HF_ERROR_INIT;
	uint32_t n = 0;
	uint64_t removed = 0;
	rig->options.map_bytes_max = 1 << 20;
	rig_reopen(rig);
	enum hf_status status = HF_OK;
	for (; status == HF_OK && n < 10000; n++)
		status = put(rig, (struct hf_bytes){(uint8_t *)&n, 4}, (struct hf_bytes){bytes, sizeof(bytes)}, &err);
	EXPECT_STATUS(status, HF_E_LIMIT);
	assert_int_equal(err.category, HF_CATEGORY_RESOURCE);
	EXPECT_CONTAINS(err.message, "is full: it has reached 1048576 bytes");
	EXPECT_CONTAINS(err.hint, "map_bytes_max");
	assert_true(n > 200);
	uint32_t last = n - 2, refused = n - 1;
	assert_int_equal(get(rig, (struct hf_bytes){(uint8_t *)&last, 4}).value.len, sizeof(bytes));
	assert_int_equal(get(rig, (struct hf_bytes){(uint8_t *)&refused, 4}).rev, 0);
	struct hf_kv_batch how = {.deadline = INT64_MAX};
	EXPECT_OK(rig->vtable->clear(rig->state, rig->ns[0], &how, &removed, &err));
	assert_int_equal(removed, refused);
	EXPECT_OK(put(rig, HF_KV_KEY("again"), (struct hf_bytes){bytes, sizeof(bytes)}, &err));
	rig->options.map_bytes_max = 4 << 20;
	rig_reopen(rig);
	for (n = 0; n < 500; n++)
		EXPECT_OK(put(rig, (struct hf_bytes){(uint8_t *)&n, 4}, (struct hf_bytes){bytes, sizeof(bytes)}, &err));
}

static void write_much(struct rig *rig)
{
	static uint8_t bytes[100000];
	hf_error err = HF_ERROR_INIT;
	bytes[0] = 'x';
	for (uint8_t n = 0; n < 80; n++)
		if (put(rig, (struct hf_bytes){&n, 1}, (struct hf_bytes){bytes, sizeof(bytes)}, &err) != HF_OK)
			_exit(1);
}

static void test_another_process_made_it_larger(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	pid_t child;
	uint8_t last = 79;
	struct rig large = *rig;
	rig->options.map_bytes_max = 1 << 20;
	rig_reopen(rig);
	in_child(&large, write_much, &child);
	wait_for(child);
	assert_int_equal(get(rig, (struct hf_bytes){&last, 1}).value.len, 100000);
	in_child(&large, write_much, &child);
	wait_for(child);
	EXPECT_OK(put(rig, HF_KV_KEY("mine"), HF_KV_KEY("too"), &err));
	assert_int_equal(get(rig, HF_KV_KEY("mine")).value.len, 3);
}

/* ---- processes ---- */

enum { TIMES = 100 };

static void add_many(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_ADD, .key = HF_KV_KEY("sum"), .delta = 1};
	for (int i = 0; i < TIMES; i++)
		if (apply_one(rig, &write, &result, &err) != HF_OK)
			_exit(1);
}

static void test_two_processes_add(void **state)
{
	struct rig *rig = *state;
	pid_t one, two;
	in_child(rig, add_many, &one);
	in_child(rig, add_many, &two);
	add_many(rig);
	wait_for(one);
	wait_for(two);
	struct hf_kv_entry entry = get(rig, HF_KV_KEY("sum"));
	assert_memory_equal(entry.value.ptr, "300", 3);
	assert_true(entry.rev >= 3 * TIMES);
}

static int pipes[4];

/* The child has done something that counts: from then on it may be killed. */
static void tell_parent(void)
{
	if (write(pipes[1], "w", 1) != 1)
		_exit(1);
}

static void kill_at_work(pid_t child, uint64_t *dice, uint64_t us_max)
{
	char told;
	assert_int_equal(read(pipes[0], &told, 1), 1);
	usleep((useconds_t)chance_under(dice, us_max));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(pipes[0]);
	close(pipes[1]);
}

/* Both of a pair in one transaction, until somebody kills it. */
static void write_pairs(struct rig *rig)
{
	static uint8_t bytes[9000];
	hf_error err = HF_ERROR_INIT;
	for (uint32_t i = 0;; i++) {
		memcpy(bytes, &i, sizeof(i));
		struct hf_bytes value = {bytes, 4 + i % (sizeof(bytes) - 4)};
		struct hf_kv_write writes[] = {
			{.op = HF_KV_PUT, .key = HF_KV_KEY("left"), .value = value, .ttl_us = 1000 + i},
			{.op = HF_KV_PUT, .key = HF_KV_KEY("right"), .value = value}};
		struct hf_kv_result results[2] = {0};
		struct hf_kv_batch batch = {.writes = writes,
		                            .count = 2,
		                            .deadline = INT64_MAX,
		                            .durability = i % 2 ? HF_KV_STRICT : HF_KV_RELAXED};
		if (rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, results, &err) != HF_OK)
			_exit(1);
		if (i == 0)
			tell_parent();
	}
}

static void expect_whole_pair(struct rig *rig, int64_t *last_rev)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	struct hf_kv_entry left = get(rig, HF_KV_KEY("left")), right = get(rig, HF_KV_KEY("right"));
	EXPECT_OK(rig->vtable->estimate(rig->state, rig->ns[0], INT64_MAX, &count, &err));
	assert_int_equal(count, left.rev ? 2 : 0);
	if (!left.rev)
		return;
	assert_int_equal(left.value.len, right.value.len);
	assert_memory_equal(left.value.ptr, right.value.ptr, left.value.len);
	assert_int_equal(right.rev, left.rev + 1);
	assert_true(left.rev >= *last_rev);
	*last_rev = left.rev;
}

/* What was swept afterwards shows that the index of expiries was whole as well. */
static void test_killed_while_writing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t dice = chance_seed(), removed = 0;
	int64_t last_rev = 0;
	for (int round = 0; round < 20; round++) {
		pid_t child;
		bool keep_open = chance_under(&dice, 2);
		if (!keep_open)
			rig_close(rig);
		assert_int_equal(pipe(pipes), 0);
		in_child(rig, write_pairs, &child);
		kill_at_work(child, &dice, 30000);
		if (!keep_open)
			EXPECT_OK(rig_open(rig, &err));
		expect_whole_pair(rig, &last_rev);
	}
	assert_true(last_rev > 0);
	rig_now_us += 100000000;
	EXPECT_OK(rig->vtable->sweep(rig->state, 1000, INT64_MAX, &removed, &err));
	assert_int_equal(removed, 1);
}

static struct hf_kv_checkpoint *points_of(struct rig *rig, size_t *ret_count)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint *points = NULL;
	EXPECT_OK(
		rig->vtable->point_list(rig->state, rig->ns[0], NULL, INT64_MAX, rig->arena, &points, ret_count, &err));
	return points;
}

/* Makes checkpoints, writes pairs, goes back and forth, lets go: until somebody kills it. */
static void go_back_and_forth(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	uint8_t id = 0;
	size_t count = 0;
	for (uint32_t i = 0;; i++) {
		struct hf_bytes value = {(const uint8_t *)&i, 4};
		struct hf_kv_checkpoint point = {.id.bytes = {++id, 1}}, undo = {.id.bytes = {++id, 2}};
		struct hf_kv_write writes[] = {
			{.op = i % 3 ? HF_KV_PUT : HF_KV_DELETE, .key = HF_KV_KEY("left"), .value = value},
			{.op = i % 3 ? HF_KV_PUT : HF_KV_DELETE, .key = HF_KV_KEY("right"), .value = value}};
		struct hf_kv_result results[2] = {0};
		struct hf_kv_restored restored;
		struct hf_kv_batch batch = {.writes = writes,
		                            .count = 2,
		                            .deadline = INT64_MAX,
		                            .durability = HF_KV_RELAXED};
		enum hf_status status = rig->vtable->apply(rig->state, rig->ns[0], &batch, rig->arena, results, &err);
		if (status == HF_OK)
			status = rig->vtable->point_create(rig->state, rig->ns[0], &point, INT64_MAX, &err);
		struct hf_kv_checkpoint *points = points_of(rig, &count);
		if (status == HF_OK)
			status = rig->vtable->restore(rig->state, rig->ns[0], &points[count / 2].id, &undo, INT64_MAX,
			                              &restored, &err);
		if (status == HF_OK && count > 6)
			status = rig->vtable->point_delete(rig->state, rig->ns[0], &points[i % count].id, INT64_MAX,
			                                   &err);
		hf_arena_reset(rig->arena);
		if (status != HF_OK)
			_exit(1);
		if (i == 1)
			tell_parent();
	}
}

static void expect_pair_at(struct rig *rig, const struct hf_uuid *id)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_bytes keys[] = {HF_KV_KEY("left"), HF_KV_KEY("right")};
	struct hf_kv_entry entries[2];
	if (id)
		EXPECT_OK(rig->vtable->read_at(rig->state, rig->ns[0], id, keys, 2, false, INT64_MAX, rig->arena,
		                               entries, &err));
	else
		EXPECT_OK(rig->vtable->read(rig->state, rig->ns[0], keys, 2, false, INT64_MAX, rig->arena, entries,
		                            &err));
	assert_int_equal(entries[0].value.len, entries[1].value.len);
	if (entries[0].rev)
		assert_memory_equal(entries[0].value.ptr, entries[1].value.ptr, 4);
}

/* Now and in each checkpoint the pair is whole; when all are deleted nothing of them is left. */
static void test_killed_between_checkpoints(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t dice = chance_seed();
	size_t count = 0, most = 0;
	for (int round = 0; round < 20; round++) {
		pid_t child;
		assert_int_equal(pipe(pipes), 0);
		in_child(rig, go_back_and_forth, &child);
		kill_at_work(child, &dice, 50000);
		struct hf_kv_checkpoint *points = points_of(rig, &count);
		expect_pair_at(rig, NULL);
		for (size_t i = 0; i < count; i++)
			expect_pair_at(rig, &points[i].id);
		most = count > most ? count : most;
	}
	assert_true(most > 1);
	struct hf_kv_checkpoint last = {.id.bytes = {0, 3}}; /* who was killed while deleting has left images */
	EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[0], &last, INT64_MAX, &err));
	struct hf_kv_checkpoint *points = points_of(rig, &count);
	for (size_t i = 0; i < count; i++)
		EXPECT_OK(rig->vtable->point_delete(rig->state, rig->ns[0], &points[i].id, INT64_MAX, &err));
	MDB_stat stat;
	struct ordered_txn txn;
	struct lmdb_map *map = (struct lmdb_map *)rig->state->store;
	EXPECT_OK(map->base.ops->begin(&map->base, ORDERED_READ, INT64_MAX, &txn, &err));
	assert_int_equal(mdb_stat(txn.handle, map->dbis[ORDERED_HISTORY], &stat), 0);
	map->base.ops->abort(&txn);
	assert_int_equal(stat.ms_entries, 0);
}

static struct ordered_txn held;

static void begin_and_die(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	rig->state->store->ops->begin(rig->state->store, ORDERED_READ, INT64_MAX, &held, &err);
	kill(getpid(), SIGKILL);
}

static int find_text(const char *line, void *user)
{
	char **wanted = user;
	if (strstr(line, wanted[0]))
		wanted[1] = wanted[0];
	return 0;
}

static bool reads(const struct rig *rig, pid_t pid)
{
	char number[20];
	char *wanted[2] = {number, NULL};
	snprintf(number, sizeof(number), "%d ", (int)pid);
	mdb_reader_list(((struct lmdb_map *)rig->state->store)->env, find_text, wanted);
	return wanted[1] != NULL;
}

static void test_a_dead_reader_is_cleared(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0;
	for (int by_open = 0; by_open < 2; by_open++) {
		pid_t child;
		in_child(rig, begin_and_die, &child);
		waitpid(child, NULL, 0);
		assert_true(reads(rig, child));
		if (by_open)
			rig_reopen(rig);
		else
			EXPECT_OK(rig->vtable->sweep(rig->state, 10, INT64_MAX, &removed, &err));
		assert_false(reads(rig, child));
	}
}

static void test_dead_readers_are_told_of(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_health health = {0};
	pid_t child;
	in_child(rig, begin_and_die, &child);
	waitpid(child, NULL, 0);
	EXPECT_OK(rig->vtable->inspect(rig->state, rig->ns[0], INT64_MAX, &health, &err));
	assert_int_equal(health.readers_dead, 1);
	assert_false(reads(rig, child));
	EXPECT_OK(rig->vtable->inspect(rig->state, rig->ns[0], INT64_MAX, &health, &err));
	assert_int_equal(health.readers_dead, 0);
	assert_int_equal(health.reader_lag, 0); /* our own places hold nothing between calls */
}

static int told[2];

/* Reads on while the parent writes; until the pipe is closed. */
static void begin_and_stay(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	char byte = 1;
	rig->state->store->ops->begin(rig->state->store, ORDERED_READ, INT64_MAX, &held, &err);
	if (write(told[1], &byte, 1) != 1)
		_exit(1);
	pause();
}

static void test_a_reader_that_stays_is_told_of(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_health health = {0};
	char byte;
	pid_t child;
	rig->options.map_bytes_max = 8 << 20;
	rig_reopen(rig);
	EXPECT_OK(put(rig, HF_KV_KEY("k"), HF_KV_KEY("v"), &err));
	assert_int_equal(pipe(told), 0);
	in_child(rig, begin_and_stay, &child);
	assert_int_equal(read(told[0], &byte, 1), 1);
	for (int i = 0; i < 5; i++)
		EXPECT_OK(put(rig, HF_KV_KEY("k"), HF_KV_KEY("v"), &err));
	EXPECT_OK(rig->vtable->inspect(rig->state, rig->ns[0], INT64_MAX, &health, &err));
	assert_int_equal(health.reader_lag, 5);
	assert_true(health.readers >= 1 && health.readers_dead == 0);
	assert_int_equal(health.room_bytes, 8 << 20);
	assert_true(health.used_bytes > 0 && health.used_bytes < health.room_bytes);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(told[0]);
	close(told[1]);
}

/* ---- locks ---- */

enum { CHILD_READS, PARENT_WRITES, PARENT_READS, CHILD_WRITES, ENDS };

/* Opens, says so, waits until the parent writes, and is then kept out. */
static void be_kept_out(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	char go = 'g';
	if (write(pipes[CHILD_WRITES], &go, 1) != 1 || read(pipes[CHILD_READS], &go, 1) != 1)
		_exit(1);
	if (store->ops->begin(store, ORDERED_WRITE, hf_deadline_in(rig->ctx, 30), &held, &err) != HF_TIMEOUT ||
	    !strstr(err.message, "another process wrote until the deadline")) {
		fprintf(stderr, "child: %s\n", err.message);
		_exit(1);
	}
}

/* A second open of the process is refused, and the first one's locks survive the attempt. */
static void test_open_twice(void **state)
{
	struct rig *rig = *state, second = *rig;
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	struct ordered_txn txn;
	pid_t child;
	char go = 'g';
	assert_int_equal(pipe(pipes) + pipe(pipes + 2), 0);
	in_child(rig, be_kept_out, &child);
	assert_int_equal(read(pipes[PARENT_READS], &go, 1), 1);
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	EXPECT_STATUS(rig_open(&second, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "is open in this process already");
	EXPECT_CONTAINS(err.hint, "hf_kv_namespace()");
	assert_int_equal(write(pipes[PARENT_WRITES], &go, 1), 1);
	wait_for(child);
	store->ops->abort(&txn);
	for (int i = 0; i < ENDS; i++)
		close(pipes[i]);
}

/* A child that lives on with what it inherited keeps nobody from opening again, and its close harms nobody. */
static void test_fork(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int to_child[2];
	EXPECT_OK(put(rig, HF_KV_KEY("a"), HF_KV_KEY("1"), &err));
	assert_int_equal(pipe(to_child), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static UNUSED void *volatile stays; /* LMDB's memory until we end: it may not be given back here */
		char go;
		stays = memcpy(malloc(sizeof(struct lmdb_map)), rig->state->store, sizeof(struct lmdb_map));
		rig->vtable->close(rig->state);
		_exit(read(to_child[0], &go, 1) == 1 ? 0 : 1);
	}
	EXPECT_OK(put(rig, HF_KV_KEY("b"), HF_KV_KEY("2"), &err));
	rig_reopen(rig);
	EXPECT_OK(put(rig, HF_KV_KEY("c"), HF_KV_KEY("3"), &err));
	assert_int_equal(write(to_child[1], "g", 1), 1);
	wait_for(child);
	assert_int_equal(get(rig, HF_KV_KEY("b")).value.len, 1);
	close(to_child[0]);
	close(to_child[1]);
}

/* ---- folders that are none ---- */

static void expect_no_open(struct rig *rig, const char *url, enum hf_status expected, const char *part)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv_backend_state *other = NULL;
	EXPECT_STATUS(rig->vtable->open(rig->ctx, url, &rig->options, &other, &err), expected);
	EXPECT_CONTAINS(err.message, part);
	assert_null(other);
}

static void test_bad_folders(void **state)
{
	struct rig *rig = *state;
	char url[160], path[128];
	expect_no_open(rig, "lmdb:", HF_E_CONFIG, "names no folder");
	snprintf(url, sizeof(url), "lmdb:%s/no/where", rig->folder);
	expect_no_open(rig, url, HF_E_UNAVAILABLE, "could not make the folder");
	snprintf(url, sizeof(url), "lmdb:%s/data.mdb", rig->folder);
	expect_no_open(rig, url, HF_E_UNAVAILABLE, "could not open the folder");
	rig_close(rig);
	snprintf(path, sizeof(path), "%s/data.mdb", rig->folder);
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "no database, but long enough for the pages of one. ...............", 64),
		                 64);
	close(fd);
	expect_no_open(rig, rig->url, HF_E_CORRUPT, rig->folder);
}

/* A folder that an older version made is refused and left as it is. */
static void test_an_older_format(void **state)
{
	struct rig *rig = *state;
	struct lmdb_map *map = (struct lmdb_map *)rig->state->store;
	char words[] = "holdfast", one[] = "1";
	MDB_val key = {8, words}, format = {1, one};
	MDB_txn *txn;
	MDB_dbi dbi;
	assert_int_equal(mdb_txn_begin(map->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, map->dbis[ORDERED_META], &key, &format, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	rig_close(rig);
	expect_no_open(rig, rig->url, HF_E_DRIFT, "another version");
	MDB_env *env;
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 1), 0);
	assert_int_equal(mdb_env_open(env, rig->folder, 0, 0666), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
	assert_int_equal(mdb_dbi_open(txn, "entries", MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	expect_no_open(rig, rig->url, HF_E_DRIFT, "another version");
}

/* ---- a file that was cut ---- */

static void data_path(const struct rig *rig, char path[128])
{
	snprintf(path, 128, "%s/data.mdb", rig->folder);
}

static off_t length_of(const char *path)
{
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* Branch pages, leaves and values of many pages: each cut is told at open, where it killed the reader. */
static void test_a_file_that_was_cut(void **state)
{
	struct rig *rig = *state;
	static uint8_t bytes[20000];
	char from[128], to[140], command[300];
	hf_error err = HF_ERROR_INIT;
	for (uint32_t n = 0; n < 300; n++)
		EXPECT_OK(put(rig, (struct hf_bytes){(uint8_t *)&n, 4}, (struct hf_bytes){bytes, n % 7 ? 300 : 20000},
		              &err));
	rig_close(rig);
	data_path(rig, from);
	snprintf(to, sizeof(to), "%s.kept", from);
	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
	off_t whole = length_of(from);
	for (off_t at = 8192; at < whole; at += at < 200000 ? 4096 : 40960) {
		assert_int_equal(truncate(from, at), 0);
		expect_no_open(rig, rig->url, HF_E_CORRUPT, "was cut");
		snprintf(command, sizeof(command), "cp %s %s", to, from);
		assert_int_equal(system(command), 0);
	}
	for (off_t at = 1; at < 8192; at += 1000) {
		assert_int_equal(truncate(from, at), 0);
		expect_no_open(rig, rig->url, HF_E_CORRUPT, rig->folder);
		assert_int_equal(system(command), 0);
	}
	rig_reopen(rig);
	assert_int_equal(get(rig, (struct hf_bytes){(uint8_t *)&(uint32_t){299}, 4}).value.len, 300);
	remove(to);
}

/* LMDB does not write what a transaction gives back: such a file is short and whole. */
static void test_a_file_that_is_short(void **state)
{
	struct rig *rig = *state;
	char path[128];
	hf_error err = HF_ERROR_INIT;
	struct ordered *store = rig->state->store;
	struct ordered_txn txn;
	uint8_t *place;
	MDB_envinfo info;
	EXPECT_OK(put(rig, HF_KV_KEY("a"), HF_KV_KEY("1"), &err));
	EXPECT_OK(store->ops->begin(store, ORDERED_WRITE, INT64_MAX, &txn, &err));
	for (uint8_t n = 0; n < 200; n++)
		EXPECT_OK(store->ops->put(&txn, ORDERED_LOCKS, (struct hf_bytes){&n, 1}, 1500, &place, &err));
	for (uint8_t n = 200; n-- > 0;)
		EXPECT_OK(store->ops->del(&txn, ORDERED_LOCKS, (struct hf_bytes){&n, 1}, &err));
	EXPECT_OK(store->ops->commit(&txn, &err));
	mdb_env_info(((struct lmdb_map *)store)->env, &info);
	rig_close(rig);
	data_path(rig, path);
	assert_true(length_of(path) < (off_t)(info.me_last_pgno + 1) * 4096);
	EXPECT_OK(rig_open(rig, &err));
	assert_int_equal(get(rig, HF_KV_KEY("a")).value.len, 1);
}

static void *want_to_write(void *user)
{
	struct turns *turns = user;
	if (turns_begin_write(turns, INT64_C(60000000)))
		turns_end_write(turns);
	return NULL;
}

static bool somebody_waits(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	bool waits = turns->waiting == 1;
	pthread_mutex_unlock(&turns->mutex);
	return waits;
}

/* A thread of the parent's waits for its turn; the child, where it is not, does not wait for the thread. */
static void test_closing_in_a_child(void **state)
{
	struct turns turns;
	pthread_t thread;
	(void)state;
	turns_init(&turns);
	assert_true(turns_begin_write(&turns, 0));
	assert_int_equal(pthread_create(&thread, NULL, want_to_write, &turns), 0);
	while (!somebody_waits(&turns))
		usleep(1000);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(10);
		turns_deinit(&turns);
		_exit(0);
	}
	wait_for(child);
	turns_end_write(&turns);
	pthread_join(thread, NULL);
	turns_deinit(&turns);
}

static void write_beyond_the_end(struct rig *rig)
{
	static uint8_t bytes[300000];
	hf_error err = HF_ERROR_INIT;
	struct rlimit limit = {200000, RLIM_INFINITY};
	struct hf_bytes value = {bytes, sizeof(bytes)};
	if (put(rig, HF_KV_KEY("before"), HF_KV_KEY("1"), &err) != HF_OK)
		_exit(1);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	enum hf_status status = put(rig, HF_KV_KEY("large"), value, &err);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (status == HF_OK || status == HF_E_OUTCOME_UNKNOWN || get(rig, HF_KV_KEY("large")).rev != 0)
		_exit(2);
	if (put(rig, HF_KV_KEY("large"), value, &err) != HF_OK)
		_exit(3);
}

/* What could not be written as a whole did not happen; nobody needs to look it up. */
static void test_a_write_is_cut_short(void **state)
{
	struct rig *rig = *state;
	pid_t child;
	rig_close(rig);
	in_child(rig, write_beyond_the_end, &child);
	wait_for(child);
	rig_reopen(rig);
	assert_int_equal(get(rig, HF_KV_KEY("large")).value.len, 300000);
}

/* Whoever gives the path of another program's database must not find our maps in it. */
static void test_somebody_elses_database(void **state)
{
	struct rig *rig = *state;
	char path[100], url[120];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	char words[] = "foobar";
	MDB_val key = {3, words}, value = {3, words + 3};
	MDB_stat stat;
	snprintf(path, sizeof(path), "%s/other", rig->folder);
	snprintf(url, sizeof(url), "lmdb:%s", path);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, 0, 0666), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	expect_no_open(rig, url, HF_CONFLICT, "another program's");
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, 0, 0666), 0);
	assert_int_equal(mdb_env_stat(env, &stat), 0);
	mdb_env_close(env);
	assert_int_equal(stat.ms_entries, 1);
	rig_remove(path);
}

/* What LMDB and the system say, in the words of the store. */
static void test_words_of_failures(UNUSED void **state)
{
	static const struct {
		int rc;
		enum hf_status status;
		const char *part;
	} failures[] = {
		{ENOMEM, HF_E_NOMEM, "memory"},
		{ENOSPC, HF_E_LIMIT, "could not write /store: the disk is full"},
		{EDQUOT, HF_E_LIMIT, "the disk is full"},
		{MDB_TXN_FULL, HF_E_LIMIT, "the transaction is too large"},
		{MDB_READERS_FULL, HF_BUSY, "readers are at work"},
		{EACCES, HF_E_DENIED, "could not write /store: Permission denied"},
		{EROFS, HF_E_DENIED, "Read-only"},
		{MDB_CORRUPTED, HF_E_CORRUPT, "could not write /store: MDB_CORRUPTED"},
		{MDB_INCOMPATIBLE, HF_E_CORRUPT, "MDB_INCOMPATIBLE"},
		{MDB_BAD_VALSIZE, HF_E_LIMIT, "a key has more bytes"},
		{EIO, HF_E_FAILED, "could not write /store: Input/output error"},
	};
	char path[] = "/store";
	struct lmdb_map map = {.path = path};
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		hf_error err = HF_ERROR_INIT;
		EXPECT_STATUS(lmdb_failed(&map, failures[i].rc, "write", &err), failures[i].status);
		EXPECT_CONTAINS(err.message, failures[i].part);
		EXPECT_STATUS(lmdb_failed(&map, failures[i].rc, "write", NULL), failures[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_failures),
		cmocka_unit_test_setup_teardown(test_map_full, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_another_process_made_it_larger, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_two_processes_add, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_killed_while_writing, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_killed_between_checkpoints, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_dead_reader_is_cleared, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_dead_readers_are_told_of, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_reader_that_stays_is_told_of, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_open_twice, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_fork, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_bad_folders, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_an_older_format, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_file_that_was_cut, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_short, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_somebody_elses_database, rig_lmdb, rig_end),
		cmocka_unit_test_setup_teardown(test_a_write_is_cut_short, rig_lmdb, rig_end),
		cmocka_unit_test(test_closing_in_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
