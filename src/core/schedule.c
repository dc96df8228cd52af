/*
 * schedule.c - see schedule.h. Each function names the rule of the original that it restates.
 */
#include "core/schedule.h"

#include <math.h>

#include "base/macros.h"

__extension__ typedef __int128 wide;

static const char *const fault_texts[] = {
	[SCHEDULE_FINE] = "fine",
	[SCHEDULE_NEGATIVE_DURATION] = "the estimated duration is negative",
	[SCHEDULE_PROBABILITY_RANGE] = "the probability of success is not within 0 and 1",
	[SCHEDULE_CANDIDATE_VALUE] = "the value of the candidate is not above zero",
	[SCHEDULE_COST] = "the estimated cost is not above zero",
	[SCHEDULE_VALUE] = "the estimated value is not above zero",
	[SCHEDULE_OFFSET_RANGE] = "the offset is not a finite number within 64 bits",
	[SCHEDULE_OVERFLOW] = "the priority leaves the range of 64 bits",
	[SCHEDULE_MISSING_TIME] = "an earlier run has no start or no finish time",
};

const char *schedule_fault_text(enum schedule_fault fault)
{
	return (size_t)fault < ARRAY_LEN(fault_texts) ? fault_texts[fault] : "unknown";
}

static int bit_length(uint64_t value)
{
	return value == 0 ? 0 : 64 - __builtin_clzll(value);
}

/*
 * Beyond 2^53 a double no longer holds the numerator, and dividing would round twice. The quotient is taken with at
 * least 55 significant bits instead, the last one sticky, so that the conversion to double rounds exactly once.
 */
double schedule_ratio(int64_t num, int64_t den)
{
	ASSERT(den > 0);
	if (num > -(INT64_C(1) << 53) && num < (INT64_C(1) << 53) && den < (INT64_C(1) << 53))
		return (double)num / (double)den;
	uint64_t magnitude = num < 0 ? 0 - (uint64_t)num : (uint64_t)num;
	int shift = 62 - bit_length(magnitude) + bit_length((uint64_t)den);
	if (shift < 0)
		shift = 0;
	wide scaled = (wide)magnitude << shift;
	wide quotient = scaled / den;
	if (scaled % den != 0)
		quotient |= 1;
	double rounded = ldexp((double)quotient, -shift);
	return num < 0 ? -rounded : rounded;
}

double schedule_seconds(int64_t us)
{
	return schedule_ratio(us, 1000000);
}

int64_t schedule_us_of_seconds(double seconds)
{
	double whole, whole_us;
	double fraction = modf(seconds, &whole);
	double rest = modf(fraction * 1e6, &whole_us);
	int64_t us = (int64_t)whole * 1000000 + (int64_t)whole_us;
	double rounded = round(rest);
	if (fabs(rounded - rest) == 0.5) {
		double odd = us % 2 != 0 ? 1.0 : 0.0;
		rounded = 2.0 * round((rest + odd) * 0.5) - odd;
	}
	return us + (int64_t)rounded;
}

double schedule_probability(int64_t total, int64_t success, double multiplier)
{
	return (double)(success * 10 + 1) / (double)(total * 10 + 1) * multiplier;
}

static double candidate_worth(struct schedule_value candidate_value, int64_t total_runs)
{
	if (!candidate_value.known)
		return 1.0;
	return total_runs == 0 ? candidate_value.value + SCHEDULE_FIRST_RUN_BONUS : candidate_value.value;
}

/* Seconds in milliseconds; with D-18 plus the fraction of a second a second time. */
double schedule_cost(int64_t duration_us, const struct hf_defects *keep)
{
	int64_t fraction_us = duration_us % 1000000;
	if (fraction_us < 0)
		fraction_us += 1000000;
	if (!hf_defects_kept(keep, 18))
		return SCHEDULE_MINIMUM_COST + 1000.0 * schedule_seconds(duration_us);
	return SCHEDULE_MINIMUM_COST + (1000.0 * schedule_seconds(duration_us) + (double)fraction_us / 1000.0);
}

double schedule_chance(double probability, struct schedule_value success_chance, const struct hf_defects *keep)
{
	double chance = success_chance.value;
	if (!success_chance.known || hf_defects_kept(keep, 19))
		return probability;
	if (!(chance >= SCHEDULE_MINIMUM_CHANCE))
		chance = SCHEDULE_MINIMUM_CHANCE;
	return chance < 1.0 ? probability * chance : probability;
}

enum schedule_fault schedule_offset(int64_t duration_us, struct schedule_value normalized_value, double probability,
                                    struct schedule_value candidate_value, int64_t total_runs,
                                    const struct hf_defects *keep, double *ret_offset)
{
	double normalized = normalized_value.known ? normalized_value.value : SCHEDULE_DEFAULT_NORMALIZED_VALUE;
	if (!(normalized >= SCHEDULE_MINIMUM_NORMALIZED_VALUE))
		normalized = SCHEDULE_MINIMUM_NORMALIZED_VALUE;
	double worth = candidate_worth(candidate_value, total_runs);
	if (!(worth > 0.0))
		return SCHEDULE_CANDIDATE_VALUE;
	if (!(probability >= 0.0 && probability <= 1.0))
		return SCHEDULE_PROBABILITY_RANGE;
	double cost = schedule_cost(duration_us, keep);
	if (!(cost > 0.0))
		return SCHEDULE_COST;
	double value = normalized * probability * worth;
	if (!(value > 0.0))
		return SCHEDULE_VALUE;
	*ret_offset = cost / value;
	return SCHEDULE_FINE;
}

enum schedule_fault schedule_priority(int64_t minimum, double offset, const struct hf_defects *keep,
                                      int64_t *ret_priority)
{
	double whole = hf_defects_kept(keep, 15) ? trunc(offset) : round(offset);
	if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0))
		return SCHEDULE_OFFSET_RANGE;
	if (__builtin_add_overflow(minimum, (int64_t)whole, ret_priority))
		return SCHEDULE_OVERFLOW;
	return SCHEDULE_FINE;
}

double schedule_normalized(int32_t value, int32_t maximum)
{
	ASSERT(maximum != 0);
	double ratio = (double)value / (double)maximum;
	return ratio < 1.0 ? ratio : 1.0;
}

struct schedule_value schedule_share(bool has_value, int32_t value, bool has_greatest, int32_t greatest)
{
	if (!has_value || !has_greatest || greatest <= 0)
		return SCHEDULE_UNKNOWN;
	return (struct schedule_value){true, schedule_normalized(value, greatest)};
}

void schedule_history_init(struct schedule_history *history, bool context_is_null, int64_t now_us)
{
	*history = (struct schedule_history){.now_us = now_us, .multiplier = context_is_null ? 0.5 : 1.0};
}

void schedule_history_add(struct schedule_history *history, const struct schedule_run *run)
{
	if (history->fault != SCHEDULE_FINE)
		return;
	bool old = run->has_times && history->now_us - run->start_us >= SCHEDULE_WORKER_FAILURE_AGE_US;
	if (run->worker_failure && old)
		return;
	if (!run->has_times) {
		history->fault = SCHEDULE_MISSING_TIME;
		return;
	}
	history->seconds_sum += schedule_seconds(run->duration_us);
	history->total++;
	if (run->success)
		history->success++;
	schedule_history_settle(history, run->same_context, run->dependencies_now_satisfied);
}

void schedule_history_settle(struct schedule_history *history, bool same_context, bool satisfied)
{
	if (satisfied)
		history->success++;
	else if (same_context)
		history->multiplier = 0.1;
}

enum schedule_fault schedule_history_finish(const struct schedule_history *history,
                                            struct schedule_estimate *ret_estimate)
{
	if (history->fault != SCHEDULE_FINE)
		return history->fault;
	*ret_estimate = (struct schedule_estimate){.probability = 1.0, .total = history->total};
	if (history->total == 0)
		return SCHEDULE_FINE;
	ret_estimate->probability = schedule_probability(history->total, history->success, history->multiplier);
	ret_estimate->duration_us = schedule_us_of_seconds(history->seconds_sum / (double)history->total);
	return ret_estimate->duration_us < 0 ? SCHEDULE_NEGATIVE_DURATION : SCHEDULE_FINE;
}
