/*
 * interval.c - see interval.h.
 */
#include "core/interval.h"

#include <math.h>
#include <stdlib.h>

enum { DAYS_PER_MONTH = 30, SECONDS_PER_DAY = 86400 };

bool interval_mean_add(struct interval_mean *mean, struct hf_interval interval)
{
	mean->count++;
	return !__builtin_add_overflow(mean->sum.months, interval.months, &mean->sum.months) &&
	       !__builtin_add_overflow(mean->sum.days, interval.days, &mean->sum.days) &&
	       !__builtin_add_overflow(mean->sum.us, interval.us, &mean->sum.us);
}

/* To the microsecond, as the server rounds what it cascades down. */
static double whole_us(double value)
{
	return rint(value * 1e6) / 1e6;
}

/* The server's order of operations: what months leave goes to the days, what days leave to the time. */
struct hf_interval interval_mean(const struct interval_mean *mean)
{
	const double n = (double)mean->count;
	struct hf_interval result = {.months = (int32_t)(mean->sum.months / n), .days = (int32_t)(mean->sum.days / n)};
	double month_days = whole_us((mean->sum.months / n - result.months) * DAYS_PER_MONTH);
	double seconds = (mean->sum.days / n - result.days + month_days - (int)month_days) * SECONDS_PER_DAY;
	seconds = whole_us(seconds);
	if (fabs(seconds) >= SECONDS_PER_DAY) {
		const int days = (int)(seconds / SECONDS_PER_DAY);
		result.days += days;
		seconds -= (double)days * SECONDS_PER_DAY;
	}
	result.days += (int32_t)month_days;
	result.us = (int64_t)rint((double)mean->sum.us / n + seconds * 1e6);
	return result;
}
