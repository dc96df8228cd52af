/*
 * kv_watch.c - what a change feed costs: durable puts and batches without a feed, with one, and with one that is
 * watched; and gets from memory against gets from the store.
 *
 *     build/bench/bench-kv-watch URL ROWS THREADS RUNS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "holdfast/kv_cache.h"
#include "holdfast/kv_watch.h"
#include "kv_common.h"

enum { BATCH = 1000, THREADS_MAX = 64, SIDES = 8, HOT = 1000 };
#define SLICE_SECONDS 0.25

struct worker {
	hf_kv *kv;
	void (*one)(struct worker *worker, long number);
	pthread_t thread;
	hf_arena *arena;
	uint64_t seed;
	long rows, count;
	double until;
};

static void put(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	uint8_t value[KV_VALUE_LEN];
	hf_error err = HF_ERROR_INIT;
	kv_key(key, number);
	kv_value(value, worker->seed);
	if (hf_kv_put(worker->kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN}, (struct hf_bytes){value, KV_VALUE_LEN},
	              NULL, &err) != HF_OK)
		give_up("put", err.message);
}

static void put_batch(struct worker *worker, long number)
{
	static _Thread_local char keys[BATCH][KV_KEY_LEN + 1];
	static _Thread_local uint8_t value[KV_VALUE_LEN];
	struct hf_bytes views[BATCH], values[BATCH];
	hf_error err = HF_ERROR_INIT;
	kv_value(value, worker->seed);
	for (long i = 0; i < BATCH; i++) {
		kv_key(keys[i], (number + i) % worker->rows);
		views[i] = (struct hf_bytes){(uint8_t *)keys[i], KV_KEY_LEN};
		values[i] = (struct hf_bytes){value, KV_VALUE_LEN};
	}
	if (hf_kv_put_many(worker->kv, views, values, BATCH, NULL, &err) != HF_OK)
		give_up("batch", err.message);
}

static void get(struct worker *worker, long number)
{
	char key[KV_KEY_LEN + 1];
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	kv_key(key, number % HOT);
	hf_arena_reset(worker->arena);
	if (hf_kv_get(worker->kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN}, NULL, worker->arena, &entry, &err) !=
	    HF_OK)
		give_up("get", err.message);
}

static void *work(void *user)
{
	struct worker *worker = user;
	while (wall_seconds() < worker->until) {
		worker->one(worker, (long)(kv_random(&worker->seed) % (uint64_t)worker->rows));
		worker->count++;
	}
	return NULL;
}

static double slice(struct worker *workers, long threads, hf_kv *kv, void (*one)(struct worker *worker, long number))
{
	double start = wall_seconds();
	long count = 0;
	for (long i = 0; i < threads; i++) {
		workers[i].kv = kv;
		workers[i].one = one;
		workers[i].count = 0;
		workers[i].until = start + SLICE_SECONDS;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "could not be made");
	}
	for (long i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		count += workers[i].count;
	}
	return (double)count / (wall_seconds() - start);
}

/* ---- who watches ---- */

struct watcher {
	hf_context *ctx;
	hf_kv *kv;
	pthread_t thread;
	atomic_bool stop;
};

static void *follow(void *user)
{
	struct watcher *watcher = user;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_event event;
	hf_kv_watch *watch = NULL;
	if (hf_kv_watch_open(watcher->kv, NULL, &watch, &err) != HF_OK)
		give_up("watch", err.message);
	while (!watcher->stop) {
		enum hf_status status = hf_kv_watch_next(watch, hf_deadline_in(watcher->ctx, 100), &event, &err);
		if (status != HF_OK && status != HF_TIMEOUT)
			give_up("watch", err.message);
	}
	hf_kv_watch_close(watch);
	return NULL;
}

static void feed(hf_kv *kv, bool on)
{
	hf_error err = HF_ERROR_INIT;
	if ((on ? hf_kv_feed_on(kv, NULL, &err) : hf_kv_feed_off(kv, &err)) != HF_OK)
		give_up("feed", err.message);
}

static void run(const struct bench *bench, hf_kv *kv, hf_kv *cached, struct worker *workers, long threads,
                double ops[SIDES][RUNS_MAX], int at)
{
	struct watcher watcher = {.ctx = bench->ctx, .kv = kv};
	feed(kv, false);
	ops[0][at] = slice(workers, threads, kv, put);
	ops[3][at] = slice(workers, threads, kv, put_batch) * BATCH;
	feed(kv, true);
	ops[1][at] = slice(workers, threads, kv, put);
	ops[4][at] = slice(workers, threads, kv, put_batch) * BATCH;
	if (pthread_create(&watcher.thread, NULL, follow, &watcher) != 0)
		give_up("thread", "could not be made");
	ops[2][at] = slice(workers, threads, kv, put);
	ops[5][at] = slice(workers, threads, kv, put_batch) * BATCH;
	watcher.stop = true;
	pthread_join(watcher.thread, NULL);
	ops[6][at] = slice(workers, threads, kv, get);
	slice(workers, threads, cached, get);
	ops[7][at] = slice(workers, threads, cached, get);
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-watch URL ROWS THREADS RUNS";
	static const char *const names[] = {"put_off",  "put_on",        "put_watched", "batch_off",
	                                    "batch_on", "batch_watched", "get_store",   "get_memory"};
	static struct worker workers[THREADS_MAX];
	static double ops[SIDES][RUNS_MAX];
	hf_error err = HF_ERROR_INIT;
	struct bench bench;
	if (argc != 5)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), threads = kv_number(argv[3], usage), runs = kv_number(argv[4], usage);
	if (threads > THREADS_MAX || runs > RUNS_MAX)
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	hf_kv *kv = kv_open(bench.ctx, argv[1], (uint32_t)threads + 1);
	hf_kv *cached = kv_open(bench.ctx, argv[1], (uint32_t)threads + 1);
	feed(kv, true);
	if (hf_kv_cache_start(cached, NULL, &err) != HF_OK)
		give_up("cache", err.message);
	for (long i = 0; i < threads; i++)
		workers[i] = (struct worker){.arena = hf_arena_new(0), .seed = (uint64_t)i + 1, .rows = rows};
	for (int i = 0; i < (int)runs; i++)
		run(&bench, kv, cached, workers, threads, ops, i);
	printf("{\"samples\": {");
	for (int i = 0; i < SIDES; i++) {
		printf("%s", i ? ", " : "");
		print_samples(names[i], ops[i], (int)runs, 0);
	}
	printf("}}\n");
	for (long i = 0; i < threads; i++)
		hf_arena_free(workers[i].arena);
	hf_kv_close(cached);
	hf_kv_close(kv);
	bench_close(&bench);
	return 0;
}
