/*
 * postgres_revs.h - revisions for the next rows of a load, taken while rows are on their way: on another connection of
 * the pool, if it has one to spare, by a thread. What it does not get, for whatever reason, the load takes itself.
 *
 * Threads: one caller. The thread touches nothing but this between revs_begin() and revs_end(); it waits for a
 * connection no longer than a moment, so that loads do not wait for each other's, and keeps none.
 */
#ifndef KV_POSTGRES_REVS_H
#define KV_POSTGRES_REVS_H

#include <pthread.h>

#include "kv/postgres.h"

struct revs_ahead {
	const hf_kv_backend_state *state; /* borrowed */
	hf_deadline deadline;             /* of the load */
	pthread_t thread;
	bool running;
	int64_t wanted;
	bool found;    /* `wanted` that follow each other, from `first` on */
	int64_t first; /* else they are lost */
};

/** Begin to take `wanted`. */
void revs_begin(struct revs_ahead *ahead, int64_t wanted);
/** Wait for them. @return are there `wanted`? They are given once. */
bool revs_end(struct revs_ahead *ahead, int64_t wanted, int64_t *ret_first);

#endif
