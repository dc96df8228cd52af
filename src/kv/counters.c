/*
 * counters.c - see counters.h.
 */
#include "kv/counters.h"

#include "base/macros.h"

enum { STRIPES_TRIED = 4 };

HOT struct kv_stripe *kv_stripe_find(struct kv_counters *counters)
{
	uintptr_t self = (uintptr_t)pthread_self();
	size_t place = kv_place_of_thread(4);
	for (size_t i = 0; i < STRIPES_TRIED; i++) {
		struct kv_stripe *stripe = &counters->own[(place + i) % KV_STRIPES];
		uintptr_t owner = atomic_load_explicit(&stripe->owner, memory_order_relaxed);
		if (owner == self || (owner == 0 && atomic_compare_exchange_strong(&stripe->owner, &owner, self)))
			return stripe;
	}
	return &counters->shared;
}

uint64_t kv_counters_total(const struct kv_counters *counters, enum kv_counter counter)
{
	uint64_t sum = atomic_load_explicit(&counters->shared.n[counter], memory_order_relaxed);
	for (size_t i = 0; i < KV_STRIPES; i++)
		sum += atomic_load_explicit(&counters->own[i].n[counter], memory_order_relaxed);
	return sum;
}
