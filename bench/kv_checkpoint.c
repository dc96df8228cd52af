/*
 * kv_checkpoint.c - checkpoints of a namespace while four writers write, and going back to them, against copies in SQL.
 *
 *     build/bench/bench-kv-checkpoint URL ROWS RUNS
 *
 * Tables: "plain" and the store's, of ROWS rows each (bench/kv_store.py).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holdfast/kv_checkpoint.h"
#include "kv_common.h"

enum { WRITERS = 4, COPIES = 3, CHUNK = 10000, SEED_ROWS = 100000 };

struct points {
	hf_kv *kv;
	hf_arena *arena;
	PGconn *pg;
	long rows;
	uint64_t seed;
	atomic_bool stop;
	atomic_long puts;
};

static double timed(PGconn *pg, const char *sql)
{
	double start = wall_seconds();
	kv_command(pg, sql);
	return wall_seconds() - start;
}

/* ---- making ---- */

static void *write_on(void *user)
{
	struct points *points = user;
	uint64_t seed = (uint64_t)pthread_self() | 1;
	hf_error err = HF_ERROR_INIT;
	while (!atomic_load(&points->stop)) {
		char key[KV_KEY_LEN + 1];
		uint8_t value[KV_VALUE_LEN];
		kv_key(key, (long)(kv_random(&seed) % (uint64_t)points->rows));
		kv_value(value, seed);
		struct hf_bytes k = {(uint8_t *)key, KV_KEY_LEN}, v = {value, KV_VALUE_LEN};
		if (hf_kv_put(points->kv, k, v, NULL, &err) != HF_OK)
			give_up("put", err.message);
		atomic_fetch_add(&points->puts, 1);
	}
	return NULL;
}

static struct hf_uuid make(struct points *points)
{
	const struct hf_kv_checkpoint_new how = {.uncounted = true};
	struct hf_kv_checkpoint made;
	hf_error err = HF_ERROR_INIT;
	hf_arena_reset(points->arena);
	if (hf_kv_checkpoint_create(points->kv, &how, points->arena, &made, &err) != HF_OK)
		give_up("checkpoint", err.message);
	return made.id;
}

static void forget_all(struct points *points)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_kv_checkpoint_prune(points->kv, &(struct hf_kv_prune){0}, NULL, &err) != HF_OK)
		give_up("prune", err.message);
	kv_command(points->pg, "VACUUM state_entries, state_entries_history");
	kv_command(points->pg, "CHECKPOINT");
}

static void measure_making(struct points *points, int runs)
{
	pthread_t threads[WRITERS];
	double create_ms[RUNS_MAX], copy_ms[COPIES], seed_ms[1];
	for (int i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, write_on, points) != 0)
			give_up("thread", "could not start");
	usleep(500000);
	double start = wall_seconds();
	long before = atomic_load(&points->puts);
	for (int i = 0; i < runs; i++) {
		double at = wall_seconds();
		make(points);
		create_ms[i] = (wall_seconds() - at) * 1e3;
		usleep(100000);
	}
	double puts = (double)(atomic_load(&points->puts) - before) / (wall_seconds() - start);
	for (int i = 0; i < COPIES; i++) {
		copy_ms[i] = 1e3 * timed(points->pg, "CREATE TABLE copied AS SELECT * FROM state_entries");
		kv_command(points->pg, "DROP TABLE copied");
	}
	kv_command(points->pg, "CREATE TABLE seeds (state jsonb)");
	seed_ms[0] = 1e3 * timed(points->pg,
	                         "INSERT INTO seeds SELECT jsonb_agg(jsonb_build_object('key', encode(key, 'hex'),"
	                         " 'value', encode(value, 'hex'))) FROM (SELECT key, value FROM state_entries"
	                         " LIMIT 100000) AS s");
	kv_command(points->pg, "DROP TABLE seeds");
	atomic_store(&points->stop, true);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	print_samples("create_ms", create_ms, runs, 3);
	printf(", ");
	print_samples("copy_ms", copy_ms, COPIES, 1);
	printf(", ");
	print_samples("seed_100000_rows_ms", seed_ms, 1, 1);
	printf(", ");
	print_samples("puts_per_s_meanwhile", &puts, 1, 0);
}

/* ---- going back ---- */

/* Every `step`th key gets another value. */
static void change(struct points *points, long step)
{
	static char keys[CHUNK][KV_KEY_LEN + 1];
	static uint8_t values[CHUNK][KV_VALUE_LEN];
	static struct hf_bytes k[CHUNK], v[CHUNK];
	hf_error err = HF_ERROR_INIT;
	for (long next = 0; next < points->rows;) {
		size_t n = 0;
		for (; n < CHUNK && next < points->rows; n++, next += step) {
			kv_key(keys[n], next);
			kv_value(values[n], ++points->seed);
			k[n] = (struct hf_bytes){(uint8_t *)keys[n], KV_KEY_LEN};
			v[n] = (struct hf_bytes){values[n], KV_VALUE_LEN};
		}
		if (hf_kv_put_many(points->kv, k, v, n, NULL, &err) != HF_OK)
			give_up("put_many", err.message);
	}
}

static double restore(struct points *points, long step)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_restored restored;
	struct hf_uuid id = make(points);
	kv_command(points->pg, "CHECKPOINT"); /* what changes afterwards is in the log as a page once */
	change(points, step);
	double start = wall_seconds();
	if (hf_kv_checkpoint_restore(points->kv, &id, NULL, &restored, &err) != HF_OK)
		give_up("restore", err.message);
	double took = wall_seconds() - start;
	if ((long)restored.put != (points->rows + step - 1) / step)
		give_up("restore", "another number of entries");
	forget_all(points);
	return took;
}

/* The whole of a copy, instead of what is there. */
static double delete_and_insert(struct points *points)
{
	kv_command(points->pg, "CHECKPOINT");
	return timed(points->pg, "BEGIN; DELETE FROM plain; INSERT INTO plain SELECT * FROM kept; COMMIT");
}

/* Into a table like that of the entries, which takes its place. */
static double load_aside(struct points *points)
{
	kv_command(points->pg, "CREATE TABLE aside (LIKE state_entries INCLUDING ALL)");
	kv_command(points->pg, "CHECKPOINT");
	double took = timed(points->pg, "BEGIN; INSERT INTO aside SELECT * FROM kept_entries;"
	                                "ALTER TABLE aside RENAME TO aside_now; COMMIT");
	kv_command(points->pg, "DROP TABLE aside_now");
	return took;
}

static void measure_restoring(struct points *points)
{
	double few[COPIES], all[1], half[2], aside[2];
	kv_command(points->pg, "CREATE TABLE kept AS SELECT * FROM plain");
	for (int i = 0; i < COPIES; i++)
		few[i] = restore(points, 100);
	all[0] = delete_and_insert(points);
	kv_command(points->pg, "DROP TABLE kept, plain");
	kv_command(points->pg, "CREATE TABLE kept_entries AS SELECT * FROM state_entries");
	for (int i = 0; i < 2; i++) {
		half[i] = restore(points, 2);
		aside[i] = load_aside(points);
	}
	print_samples("restore_1_percent_s", few, COPIES, 3);
	printf(", ");
	print_samples("delete_and_insert_s", all, 1, 3);
	printf(", ");
	print_samples("restore_50_percent_s", half, 2, 3);
	printf(", ");
	print_samples("load_aside_s", aside, 2, 3);
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-checkpoint URL ROWS RUNS";
	static struct points points;
	struct bench bench;
	if (argc != 4)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), runs = kv_number(argv[3], usage);
	if (rows < 1000 || runs < 1 || runs > RUNS_MAX)
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	points.kv = kv_open(bench.ctx, argv[1], WRITERS + 1);
	points.arena = hf_arena_new(0);
	points.pg = kv_session(argv[1]);
	points.rows = rows;
	printf("{\"samples\": {");
	measure_making(&points, (int)runs);
	forget_all(&points);
	printf(", ");
	measure_restoring(&points);
	printf("}}\n");
	PQfinish(points.pg);
	hf_kv_close(points.kv);
	hf_arena_free(points.arena);
	bench_close(&bench);
	return 0;
}
