/*
 * kv_race.h - gets and durable puts by N threads, each way of making them a side: stores against libpq by hand on a
 * plain table, written to win.
 *
 * Sides come in pairs, two ways of a get or two of a put, that take turns in slices. bench/kv_store.py has filled store
 * and plain table.
 */
#ifndef BENCH_KV_RACE_H
#define BENCH_KV_RACE_H

#include <pthread.h>

#include "kv_common.h"

enum { RACE_SIDES_MAX = 8, RACERS_MAX = 256 };

struct side;

struct racer {
	const struct side *side;
	hf_arena *arena;
	PGconn *pg; /* NULL: no side is libpq */
	pthread_t thread;
	uint64_t seed;
	long rows, count;
	double until;
	uint8_t kept[KV_VALUE_LEN];
};

struct side {
	const char *name;
	void (*one)(struct racer *racer, hf_kv *kv, long number);
	hf_kv *kv; /* NULL with libpq */
	double ops[RUNS_MAX];
};

/** The value, as race_libpq_get() asks for it. */
void race_store_get(struct racer *racer, hf_kv *kv, long number);
/** All that an entry has. */
void race_store_entry(struct racer *racer, hf_kv *kv, long number);
void race_store_put(struct racer *racer, hf_kv *kv, long number);
void race_libpq_get(struct racer *racer, hf_kv *kv, long number);
void race_libpq_put(struct racer *racer, hf_kv *kv, long number);

/** @param url of the sessions, one each; NULL = none. */
void race_open(struct racer *racers, long count, const char *url, long rows);
void race_close(struct racer *racers, long count);
/** Operations that were done; adds to `seconds`. */
long race_slice(struct racer *racers, long count, const struct side *side, double length, double *seconds);
/** Pair by pair, neighbours in time; keeps the operations a second of run `run`. */
void race_run(struct racer *racers, long count, struct side *sides, int nsides, double seconds, int run);
/** "samples": {...}, of JSON. */
void race_print(const struct side *sides, int nsides, int runs);

#endif
