/*
 * backoff.h - how long to wait before trying again, and whether the program may afford it.
 *
 * Pure arithmetic: randomness and time are passed in. A backoff belongs to one thread; the budget is shared and
 * lock-free.
 */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_BASE_US (10 * 1000)
#define BACKOFF_CAP_US (1000 * 1000)

/* Decorrelated jitter: each pause is drawn between the base and three times the one before, at most the cap. */
struct backoff {
	int64_t base_us;
	int64_t cap_us;
	int64_t last_us;
};

/** base and cap 0 = 10 ms and 1 s; a cap below the base is the base. */
void backoff_init(struct backoff *backoff, int64_t base_us, int64_t cap_us);
/** The next pause. `random` = 64 random bits. */
int64_t backoff_next(struct backoff *backoff, uint64_t random);

/*
 * Bounds repetitions to a tenth of the calls that a pool really serves: each first try earns a tenth of a token, each
 * repetition costs a whole one. Saved tokens are bounded, so that a quiet day does not pay for a storm.
 */
struct retry_budget {
	atomic_int_least32_t tenths;
};

#define RETRY_BUDGET_TOKENS_MAX 100
#define RETRY_BUDGET_TOKENS_FIRST 10 /* to begin with, so that the first conflict of a program may be repeated */

void retry_budget_init(struct retry_budget *budget);
/** A first try was made. */
void retry_budget_earn(struct retry_budget *budget);
/** May a repetition be made? Takes its token. */
bool retry_budget_spend(struct retry_budget *budget);

#endif
