/*
 * kv_combine.c - gets and durable puts of callers that share statements, against each caller by itself.
 *
 *     build/bench/bench-kv-combine URL ROWS CALLERS WIDTH SECONDS_PER_RUN RUNS [SIDE]
 *
 * bench/kv_store.py has filled store and plain table. Ours is one handle with `combine` WIDTH. Against it stand as many
 * sessions of libpq by hand as there are callers; for a single caller a handle without `combine`, the plain path. Sides
 * take turns in slices. With SIDE that one runs alone, and operations a second are printed.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kv_common.h"

enum { SLICES = 5, SIDES = 4, CALLERS_MAX = 256 };

#define GET "SELECT value FROM plain WHERE key = $1 AND (expires_at IS NULL OR expires_at > now())"
#define PUT                                                                                                       \
	"INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, " \
	"expires_at = EXCLUDED.expires_at"

struct caller {
	const struct side *side;
	hf_kv *combined, *plain;
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
	void (*one)(struct caller *caller, hf_kv *kv, long number);
	bool combined;
	double ops[RUNS_MAX];
};

static void store_get(struct caller *caller, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	kv_key(key, number);
	hf_arena_reset(caller->arena);
	if (hf_kv_get(kv, hf_kv_text(key), NULL, caller->arena, &entry, &err) != HF_OK ||
	    entry.value.len != KV_VALUE_LEN)
		give_up("get", err.message);
}

static void store_put(struct caller *caller, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	kv_key(key, number);
	if (hf_kv_put(kv, hf_kv_text(key), (struct hf_bytes){caller->kept, KV_VALUE_LEN}, NULL, &err) != HF_OK)
		give_up("put", err.message);
}

static const int binary[] = {1, 1};

static void libpq_get(struct caller *caller, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key};
	const int lengths[] = {KV_KEY_LEN};
	(void)kv;
	kv_key(key, number);
	PGresult *result =
		kv_expect(caller->pg, PQexecPrepared(caller->pg, "g", 1, values, lengths, binary, 1), PGRES_TUPLES_OK);
	if (PQntuples(result) != 1 || PQgetlength(result, 0, 0) != KV_VALUE_LEN)
		give_up("libpq get", "no such key");
	memcpy(caller->kept, PQgetvalue(result, 0, 0), KV_VALUE_LEN);
	PQclear(result);
}

static void libpq_put(struct caller *caller, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key, (const char *)caller->kept};
	const int lengths[] = {KV_KEY_LEN, KV_VALUE_LEN};
	(void)kv;
	kv_key(key, number);
	PQclear(kv_expect(caller->pg, PQexecPrepared(caller->pg, "p", 2, values, lengths, binary, 1),
	                  PGRES_COMMAND_OK));
}

/* ---- measuring ---- */

static void *work(void *user)
{
	struct caller *caller = user;
	const struct side *side = caller->side;
	hf_kv *kv = side->combined ? caller->combined : caller->plain;
	while (wall_seconds() < caller->until) {
		side->one(caller, kv, (long)(kv_random(&caller->seed) % (uint64_t)caller->rows));
		caller->count++;
	}
	return NULL;
}

/* Operations that were done; adds to `seconds`. */
static long slice(struct caller *callers, long count, const struct side *side, double length, double *seconds)
{
	long done = 0;
	double start = wall_seconds();
	for (long i = 0; i < count; i++) {
		callers[i].side = side;
		callers[i].count = 0;
		callers[i].until = start + length;
		if (pthread_create(&callers[i].thread, NULL, work, &callers[i]) != 0)
			give_up("thread", "could not be made");
	}
	for (long i = 0; i < count; i++) {
		pthread_join(callers[i].thread, NULL);
		done += callers[i].count;
	}
	*seconds += wall_seconds() - start;
	return done;
}

/* Gets against gets, puts against puts, neighbours in time. */
static void run(struct caller *callers, long count, struct side *sides, double seconds, int run)
{
	double spent[SIDES] = {0};
	long done[SIDES] = {0};
	for (int verb = 0; verb < SIDES; verb += 2)
		for (int i = 0; i < SLICES; i++)
			for (int turn = 0; turn < 2; turn++) {
				int at = verb + (turn + i + run) % 2;
				done[at] += slice(callers, count, &sides[at], seconds / SLICES, &spent[at]);
			}
	for (int i = 0; i < SIDES; i++)
		sides[i].ops[run] = (double)done[i] / spent[i];
}

static hf_kv *open_combined(hf_context *ctx, const char *url, uint32_t width)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = width,
	                                      .connections_max = 2 * width,
	                                      .combine = width,
	                                      .sweep_interval_ms = -1};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	if (hf_kv_open(ctx, url, &options, &kv, &err) != HF_OK)
		give_up("open", err.message);
	return kv;
}

static void open_callers(const struct bench *bench, const char *url, struct caller *callers, long count, long rows,
                         long width)
{
	hf_kv *combined = open_combined(bench->ctx, url, (uint32_t)width);
	hf_kv *plain = count == 1 ? kv_open(bench->ctx, url, 1) : NULL;
	for (long i = 0; i < count; i++) {
		callers[i] = (struct caller){.combined = combined,
		                             .plain = plain,
		                             .arena = hf_arena_new(0),
		                             .seed = (uint64_t)i * 7919 + 1,
		                             .rows = rows};
		kv_value(callers[i].kept, (uint64_t)i);
		if (plain)
			continue;
		callers[i].pg = kv_session(url);
		kv_prepare(callers[i].pg, "g", GET);
		kv_prepare(callers[i].pg, "p", PUT);
	}
}

static void close_callers(struct caller *callers, long count)
{
	hf_kv_close(callers[0].combined);
	hf_kv_close(callers[0].plain);
	for (long i = 0; i < count; i++) {
		PQfinish(callers[i].pg);
		hf_arena_free(callers[i].arena);
	}
}

static void print(const struct side *sides, const hf_kv *kv, int runs)
{
	struct hf_kv_stats stats;
	hf_kv_stats(kv, &stats);
	double each = stats.shared_count ? (double)stats.combined_count / (double)stats.shared_count : 0;
	printf("{\"callers_per_shared_statement\": %.1f, \"samples\": {", each);
	for (int i = 0; i < SIDES; i++) {
		printf("%s", i ? ", " : "");
		print_samples(sides[i].name, sides[i].ops, runs, 0);
	}
	printf("}}\n");
}

static void run_alone(struct caller *callers, long count, const struct side *sides, const char *name, double seconds)
{
	double spent = 0;
	for (int i = 0; i < SIDES; i++)
		if (strcmp(sides[i].name, name) == 0) {
			slice(callers, count, &sides[i], 0.2, &spent);
			spent = 0;
			long done = slice(callers, count, &sides[i], seconds, &spent);
			printf("%.0f\n", (double)done / spent);
		}
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-combine URL ROWS CALLERS WIDTH SECONDS_PER_RUN RUNS [SIDE]";
	static struct caller callers[CALLERS_MAX];
	static struct side sides[SIDES] = {{.name = "get_combined", .one = store_get, .combined = true},
	                                   {.name = "get_alone", .one = libpq_get},
	                                   {.name = "put_combined", .one = store_put, .combined = true},
	                                   {.name = "put_alone", .one = libpq_put}};
	struct bench bench;
	double ignored = 0;
	if (argc < 7 || argc > 8)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), count = kv_number(argv[3], usage), width = kv_number(argv[4], usage);
	long runs = kv_number(argv[6], usage);
	double seconds = strtod(argv[5], NULL);
	if (rows < 1 || count < 1 || count > CALLERS_MAX || width < 1 || runs < 1 || runs > RUNS_MAX || !(seconds > 0))
		give_up("usage", usage);
	if (count == 1) {
		sides[1].one = store_get;
		sides[3].one = store_put;
	}
	bench_attach(&bench, argv[1]);
	open_callers(&bench, argv[1], callers, count, rows, width);
	if (argc == 8) {
		run_alone(callers, count, sides, argv[7], seconds);
	} else {
		for (int i = 0; i < SIDES; i++)
			slice(callers, count, &sides[i], 0.1, &ignored);
		for (int i = 0; i < (int)runs; i++)
			run(callers, count, sides, seconds, i);
		print(sides, callers[0].combined, (int)runs);
	}
	close_callers(callers, count);
	bench_close(&bench);
	return 0;
}
