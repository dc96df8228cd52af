/*
 * backoff.c - decorrelated jitter and the retry budget.
 */
#include "core/backoff.h"

void backoff_init(struct backoff *backoff, int64_t base_us, int64_t cap_us)
{
	backoff->base_us = base_us > 0 ? base_us : BACKOFF_BASE_US;
	backoff->cap_us = cap_us > 0 ? cap_us : BACKOFF_CAP_US;
	if (backoff->cap_us < backoff->base_us)
		backoff->cap_us = backoff->base_us;
	backoff->last_us = backoff->base_us;
}

int64_t backoff_next(struct backoff *backoff, uint64_t random)
{
	int64_t most;
	if (__builtin_mul_overflow(backoff->last_us, 3, &most) || most > backoff->cap_us)
		most = backoff->cap_us;
	uint64_t span = (uint64_t)(most - backoff->base_us) + 1;
	backoff->last_us = backoff->base_us + (int64_t)(random % span);
	return backoff->last_us;
}

void retry_budget_init(struct retry_budget *budget)
{
	atomic_init(&budget->tenths, RETRY_BUDGET_TOKENS_FIRST * 10);
}

/* Relaxed: the count orders nothing else. A lost race only leaves a tenth unearned. */
void retry_budget_earn(struct retry_budget *budget)
{
	int_least32_t tenths = atomic_load_explicit(&budget->tenths, memory_order_relaxed);
	if (tenths < RETRY_BUDGET_TOKENS_MAX * 10)
		atomic_compare_exchange_strong_explicit(&budget->tenths, &tenths, tenths + 1, memory_order_relaxed,
		                                        memory_order_relaxed);
}

bool retry_budget_spend(struct retry_budget *budget)
{
	int_least32_t tenths = atomic_load_explicit(&budget->tenths, memory_order_relaxed);
	while (tenths >= 10)
		if (atomic_compare_exchange_weak_explicit(&budget->tenths, &tenths, tenths - 10, memory_order_relaxed,
		                                          memory_order_relaxed))
			return true;
	return false;
}
