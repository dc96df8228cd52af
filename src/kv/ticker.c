/*
 * ticker.c - see ticker.h.
 */
#include "kv/ticker.h"

#include <errno.h>

#include "base/thread.h"
#include "pg/monotonic.h"

bool ticker_stopping(struct ticker *ticker)
{
	pthread_mutex_lock(&ticker->mutex);
	bool stop = ticker->stop;
	pthread_mutex_unlock(&ticker->mutex);
	return stop;
}

static void *run(void *user)
{
	struct ticker *ticker = user;
	int64_t pause_us = ticker->first_us;
	pthread_mutex_lock(&ticker->mutex);
	while (!ticker->stop) {
		struct timespec next = monotonic_after(pause_us);
		int waited = 0;
		while (!ticker->stop && waited != ETIMEDOUT)
			waited = pthread_cond_timedwait(&ticker->wake, &ticker->mutex, &next);
		if (ticker->stop)
			break;
		pthread_mutex_unlock(&ticker->mutex);
		pause_us = ticker->fn(ticker->user);
		pthread_mutex_lock(&ticker->mutex);
	}
	pthread_mutex_unlock(&ticker->mutex);
	return NULL;
}

static void deinit(struct ticker *ticker)
{
	pthread_cond_destroy(&ticker->wake);
	pthread_mutex_destroy(&ticker->mutex);
	ticker->running = false;
}

enum hf_status ticker_start(struct ticker *ticker, int64_t first_us, ticker_fn *fn, void *user, const char *what,
                            hf_error *err)
{
	*ticker = (struct ticker){.fn = fn, .user = user, .first_us = first_us, .running = true};
	pthread_mutex_init(&ticker->mutex, NULL);
	cond_init_monotonic(&ticker->wake);
	enum hf_status status = thread_start(&ticker->thread, run, ticker, what, err);
	if (status != HF_OK)
		deinit(ticker);
	return status;
}

void ticker_stop(struct ticker *ticker)
{
	if (!ticker->running)
		return;
	pthread_mutex_lock(&ticker->mutex);
	ticker->stop = true;
	pthread_cond_signal(&ticker->wake);
	pthread_mutex_unlock(&ticker->mutex);
	pthread_join(ticker->thread, NULL);
	deinit(ticker);
}
