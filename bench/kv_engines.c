/*
 * kv_engines.c - the key-value store on LMDB and Redis against the bare libraries, in the same durability.
 *
 *     build/bench/bench-kv-engines lmdb|redis FOLDER [ROWS [ROUNDS [MS [CASE]]]]
 *
 * Both sides hold ROWS entries (1,000,000) of a 12-byte key and a 100-byte value in places of their own, and take
 * turns: ROUNDS (7) windows of MS (300) milliseconds each, in turning order. Keys are random from a fixed seed.
 *
 * What is stored is as large on both sides: an entry of ours has a revision, times and a namespace, for which the bare
 * side stores as many bytes more (LMDB: 4 of the key, 24 of the record; Redis: 41 of the record), and leaves them
 * alone. BENCH_KV_LEAN=1 gives it the plain value under the plain key instead.
 *
 * The bare sides are written to win. LMDB: one map, a reader a thread whose transaction is renewed for each get, so
 * that it never sees older data than ours does, MDB_NOTLS; the value is copied, since it is gone with the transaction.
 * A relaxed put leaves out the wait for the meta page, as ours does. Redis: GET and SET of plain keys on a connection a
 * thread, requests formatted by hand into one buffer; a batch is one pipeline within MULTI. The server is private, on
 * a Unix socket, with its log: appendfsync always for strict, everysec for relaxed.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "holdfast/kv.h"

enum {
	KEY_BYTES = 12,
	VALUE_BYTES = 100,
	LMDB_PREFIX = 4, /* in front of a key of ours, and of a value */
	LMDB_HEADER = 24,
	REDIS_HEADER = 41,
	HEADER_MAX = 64,
	BATCH = 1000,
	THREADS = 4,
	WIDTH = 1, /* of combining */
	LOAD_BATCH = 10000
};
enum op { GET, PUT, BATCH_PUT };

struct worker;

struct side {
	const char *name;
	void (*begin)(struct worker *worker);
	void (*end)(struct worker *worker);
	void (*get)(struct worker *worker, const char *key);
	void (*put)(struct worker *worker, const char (*keys)[KEY_BYTES + 1], size_t count);
};

struct worker {
	const struct side *side;
	enum op op;
	bool relaxed;
	uint64_t dice;
	uint64_t calls;
	hf_arena *arena;
	MDB_txn *txn;
	redisContext *redis;
	uint8_t value[HEADER_MAX + VALUE_BYTES]; /* the value comes last */
};

static hf_context *ctx;
static hf_kv *kv;
static MDB_env *env;
static MDB_dbi dbi;
static char folder[256], socket_path[300];
static uint64_t rows;
static atomic_bool stop;
static bool lean;

static uint64_t next(uint64_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return *dice;
}

static void key_of(uint64_t number, char key[KEY_BYTES + 1])
{
	for (int i = KEY_BYTES - 1; i > 3; i--, number /= 10)
		key[i] = (char)('0' + number % 10);
	memcpy(key, "key:", 4);
	key[KEY_BYTES] = '\0';
}

/* ---- ours ---- */

static struct hf_bytes bytes_of(const char *key)
{
	return (struct hf_bytes){(const uint8_t *)key, KEY_BYTES};
}

static void ours_begin(struct worker *worker)
{
	worker->arena = hf_arena_new(0);
}

static void ours_end(struct worker *worker)
{
	hf_arena_free(worker->arena);
}

static void ours_get(struct worker *worker, const char *key)
{
	static _Thread_local hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	hf_arena_reset(worker->arena);
	if (hf_kv_get(kv, bytes_of(key), NULL, worker->arena, &entry, &err) != HF_OK || entry.value.len != VALUE_BYTES)
		give_up("get", err.message);
}

static void ours_put(struct worker *worker, const char (*keys)[KEY_BYTES + 1], size_t count)
{
	static _Thread_local hf_error err = HF_ERROR_INIT;
	struct hf_kv_how how = {.durability_set = true, .durability = worker->relaxed ? HF_KV_RELAXED : HF_KV_STRICT};
	struct hf_kv_put put = {.how = how};
	struct hf_bytes value = {worker->value + HEADER_MAX, VALUE_BYTES}, names[LOAD_BATCH], values[LOAD_BATCH];
	enum hf_status status;
	for (size_t i = 0; count > 1 && i < count; i++) {
		names[i] = bytes_of(keys[i]);
		values[i] = value;
	}
	if (count == 1)
		status = hf_kv_put(kv, bytes_of(keys[0]), value, &put, &err);
	else
		status = hf_kv_put_many(kv, names, values, count, &how, &err);
	if (status != HF_OK)
		give_up("put", err.message);
}

static const struct side ours = {"ours", ours_begin, ours_end, ours_get, ours_put};

/* ---- bare LMDB ---- */

static void must(int rc, const char *what)
{
	if (rc != 0)
		give_up(what, mdb_strerror(rc));
}

static void lmdb_begin(struct worker *worker)
{
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &worker->txn), "begin");
	mdb_txn_reset(worker->txn);
}

static void lmdb_end(struct worker *worker)
{
	mdb_txn_abort(worker->txn);
}

/* What stands before a value, and how it is stored. */
static size_t header_of(size_t usual)
{
	return lean ? 0 : usual;
}

static MDB_val stored_value(struct worker *worker)
{
	size_t header = header_of(LMDB_HEADER);
	return (MDB_val){header + VALUE_BYTES, worker->value + HEADER_MAX - header};
}

static MDB_val stored_key(const char *key, char place[LMDB_PREFIX + KEY_BYTES])
{
	if (lean)
		return (MDB_val){KEY_BYTES, (void *)(uintptr_t)key};
	memset(place, 0, LMDB_PREFIX);
	memcpy(place + LMDB_PREFIX, key, KEY_BYTES);
	return (MDB_val){LMDB_PREFIX + KEY_BYTES, place};
}

static void lmdb_get(struct worker *worker, const char *key)
{
	char place[LMDB_PREFIX + KEY_BYTES];
	MDB_val name = stored_key(key, place), value;
	size_t header = header_of(LMDB_HEADER);
	uint8_t copy[VALUE_BYTES];
	must(mdb_txn_renew(worker->txn), "renew");
	must(mdb_get(worker->txn, dbi, &name, &value), "get");
	if (value.mv_size != header + VALUE_BYTES)
		give_up("get", "another value");
	memcpy(copy, (const uint8_t *)value.mv_data + header, VALUE_BYTES);
	__asm__ volatile("" : : "r"(copy) : "memory");
	mdb_txn_reset(worker->txn);
}

static void lmdb_put(struct worker *worker, const char (*keys)[KEY_BYTES + 1], size_t count)
{
	MDB_txn *txn;
	must(mdb_txn_begin(env, NULL, worker->relaxed ? MDB_NOMETASYNC : 0, &txn), "begin");
	for (size_t i = 0; i < count; i++) {
		char place[LMDB_PREFIX + KEY_BYTES];
		MDB_val name = stored_key(keys[i], place), value = stored_value(worker);
		must(mdb_put(txn, dbi, &name, &value, 0), "put");
	}
	must(mdb_txn_commit(txn), "commit");
}

static const struct side bare_lmdb = {"bare", lmdb_begin, lmdb_end, lmdb_get, lmdb_put};

static void open_lmdb(void)
{
	char path[300];
	MDB_txn *txn;
	snprintf(path, sizeof(path), "%s/bare", folder);
	mkdir(path, 0777);
	must(mdb_env_create(&env), "create");
	must(mdb_env_set_mapsize(env, (size_t)64 << 30), "size");
	must(mdb_env_open(env, path, MDB_NOTLS, 0666), "open");
	must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, MDB_CREATE, &dbi), "map");
	must(mdb_txn_commit(txn), "commit");
}

/* ---- bare Redis ---- */

static redisContext *connect_redis(void)
{
	redisContext *redis = redisConnectUnix(socket_path);
	if (!redis || redis->err)
		give_up("connect", redis ? redis->errstr : "no memory");
	return redis;
}

static void redis_begin(struct worker *worker)
{
	worker->redis = connect_redis();
}

static void redis_end(struct worker *worker)
{
	redisFree(worker->redis);
}

static void answer(struct worker *worker, int type)
{
	redisReply *reply = NULL;
	if (redisGetReply(worker->redis, (void **)&reply) != REDIS_OK || reply->type != type)
		give_up("redis", worker->redis->err ? worker->redis->errstr : reply->str);
	freeReplyObject(reply);
}

static size_t add_text(char *place, const char *text)
{
	size_t n = strlen(text);
	memcpy(place, text, n);
	return n;
}

static void redis_get(struct worker *worker, const char *key)
{
	char text[64];
	size_t n = add_text(text, "*2\r\n$3\r\nGET\r\n$12\r\n");
	memcpy(text + n, key, KEY_BYTES);
	n += KEY_BYTES;
	n += add_text(text + n, "\r\n");
	redisAppendFormattedCommand(worker->redis, text, n);
	answer(worker, REDIS_REPLY_STRING);
}

static size_t add_set(const struct worker *worker, const char *key, char *place)
{
	size_t n = add_text(place, "*3\r\n$3\r\nSET\r\n$12\r\n"), header = header_of(REDIS_HEADER);
	memcpy(place + n, key, KEY_BYTES);
	n += KEY_BYTES;
	n += add_text(place + n, lean ? "\r\n$100\r\n" : "\r\n$141\r\n");
	memcpy(place + n, worker->value + HEADER_MAX - header, header + VALUE_BYTES);
	n += header + VALUE_BYTES;
	return n + add_text(place + n, "\r\n");
}

static void redis_put(struct worker *worker, const char (*keys)[KEY_BYTES + 1], size_t count)
{
	static _Thread_local char text[LOAD_BATCH * (HEADER_MAX + VALUE_BYTES + 64)];
	size_t n = 0;
	if (count > 1)
		n += add_text(text, "*1\r\n$5\r\nMULTI\r\n");
	for (size_t i = 0; i < count; i++)
		n += add_set(worker, keys[i], text + n);
	if (count > 1)
		n += add_text(text + n, "*1\r\n$4\r\nEXEC\r\n");
	redisAppendFormattedCommand(worker->redis, text, n);
	for (size_t i = 0; i < (count > 1 ? count + 1 : 1); i++)
		answer(worker, REDIS_REPLY_STATUS);
	if (count > 1)
		answer(worker, REDIS_REPLY_ARRAY);
}

static const struct side bare_redis = {"bare", redis_begin, redis_end, redis_get, redis_put};

static pid_t start_redis(void)
{
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || !freopen("/dev/null", "w", stdout))
			_exit(126);
		union {
			const char *in[16];
			char *out[16];
		} argv = {{"redis-server", "--port", "0", "--unixsocket", socket_path, "--dir", folder, "--save", "",
		           "--appendonly", "yes", "--daemonize", "no", NULL}};
		execv("/usr/bin/redis-server", argv.out);
		execv("/usr/bin/redis-check-rdb", argv.out); /* which looks at the name it is called by */
		_exit(127);
	}
	for (int i = 0; i < 3000 && access(socket_path, F_OK) != 0; i++)
		usleep(10000);
	usleep(50000);
	return pid;
}

static void set_sync(const char *how)
{
	redisContext *redis = connect_redis();
	redisReply *reply = redisCommand(redis, "CONFIG SET appendfsync %s", how);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		give_up("appendfsync", reply ? reply->str : redis->errstr);
	freeReplyObject(reply);
	redisFree(redis);
}

/* ---- windows ---- */

static void *work(void *user)
{
	struct worker *worker = user;
	char keys[BATCH][KEY_BYTES + 1];
	size_t count = worker->op == BATCH_PUT ? BATCH : 1;
	worker->side->begin(worker);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (size_t i = 0; i < count; i++)
			key_of(next(&worker->dice) % rows, keys[i]);
		if (worker->op == GET)
			worker->side->get(worker, keys[0]);
		else
			worker->side->put(worker, (const char(*)[KEY_BYTES + 1]) keys, count);
		worker->calls += count;
	}
	worker->side->end(worker);
	return NULL;
}

/* Entries a second. */
static double window(const struct side *side, enum op op, bool relaxed, int threads, int ms, uint64_t seed)
{
	struct worker workers[THREADS];
	pthread_t ids[THREADS];
	uint64_t calls = 0;
	atomic_store(&stop, false);
	double start = wall_seconds();
	for (int i = 0; i < threads; i++) {
		workers[i] =
			(struct worker){.side = side, .op = op, .relaxed = relaxed, .dice = seed + (uint64_t)i + 1};
		memset(workers[i].value, 'a' + i, sizeof(workers[i].value));
		for (int n = 0; n < 20; n++)
			next(&workers[i].dice);
		if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
			give_up("thread", "could not start");
	}
	usleep((useconds_t)ms * 1000);
	atomic_store(&stop, true);
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		calls += workers[i].calls;
	}
	return (double)calls / (wall_seconds() - start);
}

static void load(const struct side *side)
{
	static char keys[LOAD_BATCH][KEY_BYTES + 1];
	struct worker worker = {.side = side, .relaxed = true};
	memset(worker.value, 'v', sizeof(worker.value));
	side->begin(&worker);
	for (uint64_t from = 0; from < rows; from += LOAD_BATCH) {
		size_t count = rows - from < LOAD_BATCH ? (size_t)(rows - from) : LOAD_BATCH;
		for (size_t i = 0; i < count; i++)
			key_of(from + i, keys[i]);
		side->put(&worker, (const char(*)[KEY_BYTES + 1]) keys, count);
	}
	side->end(&worker);
}

static const struct kind {
	const char *name;
	enum op op;
	bool relaxed;
	int threads;
	uint32_t combine;
} kinds[] = {
	{"get_1", GET, false, 1, 0},
	{"get_4", GET, false, THREADS, 0},
	{"get_4_combined", GET, false, THREADS, WIDTH},
	{"put_strict_1", PUT, false, 1, 0},
	{"put_strict_4", PUT, false, THREADS, 0},
	{"put_strict_4_combined", PUT, false, THREADS, WIDTH},
	{"batch_strict_1", BATCH_PUT, false, 1, 0},
	{"put_relaxed_1", PUT, true, 1, 0},
	{"put_relaxed_4", PUT, true, THREADS, 0},
	{"put_relaxed_4_combined", PUT, true, THREADS, WIDTH},
	{"batch_relaxed_1", BATCH_PUT, true, 1, 0},
};

static void measure(const struct kind *kind, const struct side *bare, int rounds, int ms, bool first)
{
	double mine[RUNS_MAX], theirs[RUNS_MAX];
	for (int i = 0; i < rounds; i++) {
		uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1);
		for (int turn = 0; turn < 2; turn++)
			if ((i + turn) % 2 == 0)
				mine[i] = window(&ours, kind->op, kind->relaxed, kind->threads, ms, seed);
			else
				theirs[i] = window(bare, kind->op, kind->relaxed, kind->threads, ms, seed);
	}
	printf("%s\"%s\": {", first ? "" : ", ", kind->name);
	print_samples("ours", mine, rounds, 0);
	printf(", ");
	print_samples("bare", theirs, rounds, 0);
	printf("}");
	fflush(stdout);
}

static void open_kv(const char *url, bool relaxed, uint32_t combine)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_options options = {.size = sizeof(options),
	                                .durability = relaxed ? HF_KV_RELAXED : HF_KV_STRICT,
	                                .combine = combine,
	                                .sweep_interval_ms = -1};
	if (hf_kv_open(ctx, url, &options, &kv, &err) != HF_OK)
		give_up("open", err.message);
}

static long number_of(int argc, char **argv, int i, long usual)
{
	return argc > i ? strtol(argv[i], NULL, 10) : usual;
}

int main(int argc, char **argv)
{
	hf_error err = HF_ERROR_INIT;
	bool is_redis = argc > 1 && strcmp(argv[1], "redis") == 0;
	int rounds = (int)number_of(argc, argv, 4, 7), ms = (int)number_of(argc, argv, 5, 300);
	const char *only = argc > 6 ? argv[6] : NULL;
	char url[320];
	if (argc < 3 || rounds < 1 || rounds > RUNS_MAX)
		give_up("usage", "bench-kv-engines lmdb|redis FOLDER [ROWS [ROUNDS [MS [CASE]]]]");
	snprintf(folder, sizeof(folder), "%s", argv[2]);
	rows = (uint64_t)number_of(argc, argv, 3, 1000000);
	lean = getenv("BENCH_KV_LEAN") != NULL;
	if (hf_context_new(NULL, &ctx, &err) != HF_OK)
		give_up("context", err.message);
	pid_t server = is_redis ? start_redis() : 0;
	const struct side *bare = is_redis ? &bare_redis : &bare_lmdb;
	if (is_redis)
		set_sync("everysec");
	else
		open_lmdb();
	snprintf(url, sizeof(url), is_redis ? "redis+unix://%s" : "lmdb:%s/ours", is_redis ? socket_path : folder);
	open_kv(url, true, 0);
	load(&ours);
	load(bare);
	printf("{\"engine\": \"%s\", \"rows\": %llu, \"samples\": {", argv[1], (unsigned long long)rows);
	for (size_t i = 0, first = 1; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((only && strcmp(only, kinds[i].name) != 0) || (!is_redis && kinds[i].combine))
			continue;
		if (is_redis) {
			hf_kv_close(kv);
			set_sync(kinds[i].relaxed ? "everysec" : "always");
			open_kv(url, kinds[i].relaxed, kinds[i].combine);
		}
		measure(&kinds[i], bare, rounds, ms, first);
		first = 0;
	}
	printf("}}\n");
	hf_kv_close(kv);
	hf_context_free(ctx);
	if (server) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	} else {
		mdb_env_close(env);
	}
	return 0;
}
