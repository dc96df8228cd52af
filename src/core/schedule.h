/*
 * schedule.h - the arithmetic of scheduling (spec/janitor.md 7 and appendix B): no I/O, no clock of its own, no
 * allocation. With the defects of the original kept (`keep`) it is that of the Python original bit for bit; each that
 * is not kept is named where it is mended.
 *
 * Everything is computed in IEEE doubles in the order written; reordering a product or fusing a multiply-add changes
 * priorities. Durations are exact microseconds. "Truncate" means toward zero.
 *
 * The original refuses impossible numbers by assertions; here each has a name (enum schedule_fault), because a caller
 * reports it per candidate.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holdfast/defects.h"
#include "holdfast/types.h"

#define SCHEDULE_DEFAULT_DURATION_US INT64_C(15000000)
#define SCHEDULE_FIRST_RUN_BONUS 100.0
#define SCHEDULE_DEFAULT_OFFSET (-1.0)
#define SCHEDULE_MINIMUM_COST 20000.0
#define SCHEDULE_MINIMUM_NORMALIZED_VALUE 0.1
#define SCHEDULE_DEFAULT_NORMALIZED_VALUE 0.5
#define SCHEDULE_MINIMUM_CHANCE 0.01
#define SCHEDULE_WORKER_FAILURE_AGE_US (INT64_C(86400) * 1000000)

enum schedule_fault {
	SCHEDULE_FINE = 0,
	SCHEDULE_NEGATIVE_DURATION,
	SCHEDULE_PROBABILITY_RANGE,
	SCHEDULE_CANDIDATE_VALUE, /* not positive after the bonus */
	SCHEDULE_COST,
	SCHEDULE_VALUE,
	SCHEDULE_OFFSET_RANGE, /* NaN, infinite, or not in bigint      */
	SCHEDULE_OVERFLOW,     /* minimum + offset leaves bigint */
	SCHEDULE_MISSING_TIME  /* a counted run has no start or no finish */
};
/** What a fault means, for messages: "the probability of success is not within 0 and 1". */
const char *schedule_fault_text(enum schedule_fault fault);

/** num / den, correctly rounded (den > 0), as an int/int division of Python gives it. */
double schedule_ratio(int64_t num, int64_t den);
/** Microseconds as seconds, correctly rounded. */
double schedule_seconds(int64_t us);
/** Seconds to whole microseconds as Python's timedelta rounds: half to even with respect to the total. */
int64_t schedule_us_of_seconds(double seconds);
/** (success * 10 + 1) / (total * 10 + 1) * multiplier. */
double schedule_probability(int64_t total, int64_t success, double multiplier);

struct schedule_value {
	bool known;
	double value;
};
#define SCHEDULE_UNKNOWN ((struct schedule_value){false, 0.0})

/** What a try costs, in milliseconds. D-18: fractions of a second count twice. */
double schedule_cost(int64_t duration_us, const struct hf_defects *keep);
/** The probability with the candidate's own chance of success, which counts for at least SCHEDULE_MINIMUM_CHANCE and at
 *  most 1. D-19: it is not looked at. */
double schedule_chance(double probability, struct schedule_value success_chance, const struct hf_defects *keep);
/** cost / value of one try; the smaller, the sooner. `*ret_offset` is set on SCHEDULE_FINE only. */
enum schedule_fault schedule_offset(int64_t duration_us, struct schedule_value normalized_value, double probability,
                                    struct schedule_value candidate_value, int64_t total_runs,
                                    const struct hf_defects *keep, double *ret_offset);
/** minimum + offset rounded, halves away from zero: the priority that a new queue entry gets. D-15: truncated. */
enum schedule_fault schedule_priority(int64_t minimum, double offset, const struct hf_defects *keep,
                                      int64_t *ret_priority);
/** codebase value / greatest value, at most 1, as the bulk rule divides; the caller has refused a maximum of 0. */
double schedule_normalized(int32_t value, int32_t maximum);
/** The one rule of D-24 and D-20 mended: unknown where the value is, or where none is above 0. */
struct schedule_value schedule_share(bool has_value, int32_t value, bool has_greatest, int32_t greatest);

/* What is read of one earlier run. */
struct schedule_run {
	bool has_times;   /* both start and finish are known */
	int64_t start_us; /* wall clock, any epoch that `now_us` shares */
	int64_t duration_us;
	bool success;
	bool worker_failure;
	bool same_context;               /* the candidate's non-empty context equals one of the run's two contexts */
	bool dependencies_now_satisfied; /* it failed for unsatisfied dependencies that are available today */
};

struct schedule_estimate {
	double probability;
	int64_t duration_us; /* unset when total is 0: the caller falls back to wider averages */
	int64_t total;
};

/*
 * A running estimate: feed the runs of the pair that were not transient failures, newest first, then finish.
 * Constant memory; the order matters for the last bit of the mean.
 */
struct schedule_history {
	int64_t now_us;
	double multiplier;
	double seconds_sum;
	int64_t total;
	int64_t success;
	enum schedule_fault fault;
};
void schedule_history_init(struct schedule_history *history, bool context_is_null, int64_t now_us);
void schedule_history_add(struct schedule_history *history, const struct schedule_run *run);
/** A run that was added without its context because nobody knew whether the dependencies that it lacked are available
 *  by now: they are (`satisfied`), or are not and its context counts. */
void schedule_history_settle(struct schedule_history *history, bool same_context, bool satisfied);
enum schedule_fault schedule_history_finish(const struct schedule_history *history,
                                            struct schedule_estimate *ret_estimate);

#endif
