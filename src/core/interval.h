/*
 * interval.h - the server's intervals as exact microseconds, by the conventions of the Python driver that the original
 * uses (spec/janitor.md 3.3): a month has 30 days, twelve months 365, a day 24 hours.
 */
#ifndef CORE_INTERVAL_H
#define CORE_INTERVAL_H

#include <stdbool.h>

#include "base/macros.h"
#include "holdfast/types.h"

/** False when the sum leaves 64 bits. */
static inline bool interval_to_us(struct hf_interval interval, int64_t *ret_us)
{
	int64_t days = (int64_t)(interval.months / 12) * 365 + (int64_t)(interval.months % 12) * 30 + interval.days;
	return !__builtin_mul_overflow(days, INT64_C(86400000000), &days) &&
	       !__builtin_add_overflow(days, interval.us, ret_us);
}

/** Whole days apart, as that driver sends a duration; the rest is never negative. */
static inline struct hf_interval interval_of_us(int64_t us)
{
	int64_t days = us / INT64_C(86400000000), rest = us % INT64_C(86400000000);
	if (rest < 0) {
		rest += INT64_C(86400000000);
		days--;
	}
	return (struct hf_interval){.us = rest, .days = (int32_t)days};
}

/* The mean of intervals as avg(interval) of the server gives it: months, days and time are summed apart. */
struct interval_mean {
	struct hf_interval sum;
	int64_t count;
};
/** False when a sum leaves its type, where the server fails too. */
MUST_USE bool interval_mean_add(struct interval_mean *mean, struct hf_interval interval);
/** Of at least one. */
struct hf_interval interval_mean(const struct interval_mean *mean);

#endif
