/*
 * ticker.h - a thread that does something now and then: the sweeper of a backend, the checkpoints of a handle.
 */
#ifndef KV_TICKER_H
#define KV_TICKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "holdfast/error.h"

/** @return microseconds until it is to be done again. */
typedef int64_t ticker_fn(void *user);

struct ticker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	ticker_fn *fn;
	void *user;
	int64_t first_us;
	bool running;
	bool stop; /* under the mutex */
};

/** First `first_us` from now. */
enum hf_status ticker_start(struct ticker *ticker, int64_t first_us, ticker_fn *fn, void *user, const char *what,
                            hf_error *err);
/** Waits for what is being done. Nothing if it was not started. */
void ticker_stop(struct ticker *ticker);
/** For the function: it is to end soon. */
bool ticker_stopping(struct ticker *ticker);

#endif
