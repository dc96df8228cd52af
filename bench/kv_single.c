/*
 * kv_single.c - single gets and durable puts by N threads: the store against libpq by hand on a plain table.
 *
 *     build/bench/bench-kv-single URL ROWS THREADS SECONDS_PER_RUN RUNS [SIDE]
 *
 * bench/kv_store.py has filled both. The store has as many connections as there are threads; by hand each thread has a
 * session. Sides take turns in slices; a SIDE runs alone, for profilers.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kv_common.h"

enum { SLICES = 5, SIDES = 4, THREADS_MAX = 256 };

#define GET "SELECT value FROM plain WHERE key = $1 AND (expires_at IS NULL OR expires_at > now())"
#define PUT                                                                                                       \
	"INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, " \
	"expires_at = EXCLUDED.expires_at"

struct worker {
	void (*one)(struct worker *worker, long number);
	hf_kv *kv;
	hf_arena *arena;
	PGconn *pg;
	pthread_t thread;
	uint64_t seed;
	long rows, count;
	double until;
	uint8_t kept[KV_VALUE_LEN];
};

struct side {
	const char *name;
	void (*one)(struct worker *worker, long number);
	double ops[RUNS_MAX];
};

/* ---- ours ---- */

static void our_get(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	kv_key(key, number);
	hf_arena_reset(worker->arena);
	if (hf_kv_get(worker->kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN}, NULL, worker->arena, &entry, &err) !=
	            HF_OK ||
	    entry.value.len != KV_VALUE_LEN)
		give_up("get", err.message);
}

static void our_put(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	kv_key(key, number);
	if (hf_kv_put(worker->kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN},
	              (struct hf_bytes){worker->kept, KV_VALUE_LEN}, NULL, &err) != HF_OK)
		give_up("put", err.message);
}

/* ---- theirs ---- */

static const int binary[] = {1, 1};

static void their_get(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key};
	const int lengths[] = {KV_KEY_LEN};
	kv_key(key, number);
	PGresult *result =
		kv_expect(worker->pg, PQexecPrepared(worker->pg, "g", 1, values, lengths, binary, 1), PGRES_TUPLES_OK);
	if (PQntuples(result) != 1 || PQgetlength(result, 0, 0) != KV_VALUE_LEN)
		give_up("their get", "no such key");
	memcpy(worker->kept, PQgetvalue(result, 0, 0), KV_VALUE_LEN);
	PQclear(result);
}

static void their_put(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key, (const char *)worker->kept};
	const int lengths[] = {KV_KEY_LEN, KV_VALUE_LEN};
	kv_key(key, number);
	PQclear(kv_expect(worker->pg, PQexecPrepared(worker->pg, "p", 2, values, lengths, binary, 1),
	                  PGRES_COMMAND_OK));
}

/* ---- measuring ---- */

static void *work(void *user)
{
	struct worker *worker = user;
	while (wall_seconds() < worker->until) {
		worker->one(worker, (long)(kv_random(&worker->seed) % (uint64_t)worker->rows));
		worker->count++;
	}
	return NULL;
}

/* Operations that were done; adds to `seconds`. */
static long slice(struct worker *workers, long threads, const struct side *side, double length, double *seconds)
{
	long count = 0;
	double start = wall_seconds();
	for (long i = 0; i < threads; i++) {
		workers[i].one = side->one;
		workers[i].count = 0;
		workers[i].until = start + length;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "could not be made");
	}
	for (long i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		count += workers[i].count;
	}
	*seconds += wall_seconds() - start;
	return count;
}

/* Gets against gets, puts against puts, neighbours in time. */
static void run(struct worker *workers, long threads, struct side *sides, double seconds, int run)
{
	double spent[SIDES] = {0};
	long counts[SIDES] = {0};
	for (int verb = 0; verb < SIDES; verb += 2)
		for (int i = 0; i < SLICES; i++)
			for (int turn = 0; turn < 2; turn++) {
				int at = verb + (turn + i + run) % 2;
				counts[at] += slice(workers, threads, &sides[at], seconds / SLICES, &spent[at]);
			}
	for (int i = 0; i < SIDES; i++)
		sides[i].ops[run] = (double)counts[i] / spent[i];
}

static void open_workers(const struct bench *bench, const char *url, struct worker *workers, long threads, long rows)
{
	hf_kv *kv = kv_open(bench->ctx, url, (uint32_t)threads);
	for (long i = 0; i < threads; i++) {
		workers[i] = (struct worker){.kv = kv,
		                             .arena = hf_arena_new(0),
		                             .pg = kv_session(url),
		                             .seed = (uint64_t)i * 7919 + 1,
		                             .rows = rows};
		kv_value(workers[i].kept, (uint64_t)i);
		kv_prepare(workers[i].pg, "g", GET);
		kv_prepare(workers[i].pg, "p", PUT);
	}
}

static void close_workers(struct worker *workers, long threads)
{
	hf_kv_close(workers[0].kv);
	for (long i = 0; i < threads; i++) {
		PQfinish(workers[i].pg);
		hf_arena_free(workers[i].arena);
	}
}

static void print(const struct bench *bench, const struct side *sides, long threads, int runs)
{
	hf_connection *connection = bench_connect(bench);
	printf("{\"threads\": %ld, ", threads);
	print_server(connection);
	printf(", \"samples\": {");
	for (int i = 0; i < SIDES; i++) {
		printf("%s", i ? ", " : "");
		print_samples(sides[i].name, sides[i].ops, runs, 0);
	}
	printf("}}\n");
	hf_connection_free(connection);
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-single URL ROWS THREADS SECONDS_PER_RUN RUNS [SIDE]";
	static struct worker workers[THREADS_MAX];
	static struct side sides[SIDES] = {{.name = "get_holdfast", .one = our_get},
	                                   {.name = "get_libpq", .one = their_get},
	                                   {.name = "put_holdfast", .one = our_put},
	                                   {.name = "put_libpq", .one = their_put}};
	struct bench bench;
	double ignored = 0;
	if (argc < 6 || argc > 7)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), threads = kv_number(argv[3], usage), runs = kv_number(argv[5], usage);
	double seconds = strtod(argv[4], NULL);
	if (rows < 1 || threads < 1 || threads > THREADS_MAX || runs < 1 || runs > RUNS_MAX || !(seconds > 0))
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	open_workers(&bench, argv[1], workers, threads, rows);
	for (int i = 0; i < SIDES; i++)
		if (argc == 6)
			slice(workers, threads, &sides[i], 0.1, &ignored);
		else if (strcmp(argv[6], sides[i].name) == 0)
			printf("%ld\n", slice(workers, threads, &sides[i], seconds, &ignored));
	if (argc == 7)
		return 0;
	for (int i = 0; i < (int)runs; i++)
		run(workers, threads, sides, seconds, i);
	print(&bench, sides, threads, (int)runs);
	close_workers(workers, threads);
	bench_close(&bench);
	return 0;
}
