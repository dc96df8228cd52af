/*
 * monotonic.h - an absolute CLOCK_MONOTONIC time for pthread_cond_timedwait().
 *
 * Deadlines live on the context's clock, which may be a test's: what is left is measured there and waited for here.
 */
#ifndef PG_MONOTONIC_H
#define PG_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/** `us` from now; the past becomes now. */
static inline struct timespec monotonic_after(int64_t us)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	if (us > 0) {
		int64_t ns = at.tv_nsec + us % 1000000 * 1000;
		at.tv_sec += us / 1000000 + ns / 1000000000;
		at.tv_nsec = ns % 1000000000;
	}
	return at;
}

#endif
