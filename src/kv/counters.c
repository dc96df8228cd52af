/*
 * counters.c - see counters.h.
 */
#include "kv/counters.h"

#include "base/macros.h"
#include "base/processor.h"

enum { STRIPES_TRIED = 4 };

HOT struct kv_stripe *kv_stripe_find(struct kv_counters *counters)
{
	uintptr_t self = (uintptr_t)pthread_self();
	size_t place = (size_t)(self * UINT64_C(0x9e3779b97f4a7c15) >> 60);
	for (size_t i = 0; i < STRIPES_TRIED; i++) {
		size_t at = (place + i) % KV_STRIPES;
		uintptr_t owner = atomic_load_explicit(&counters->owners[at], memory_order_relaxed);
		if (owner == self ||
		    (owner == 0 && atomic_compare_exchange_strong(&counters->owners[at], &owner, self)))
			return &counters->own[at];
	}
	return &counters->shared[processor_part(KV_SHARED_STRIPES)];
}

uint64_t kv_counters_total(const struct kv_counters *counters, enum kv_counter counter)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < KV_STRIPES; i++)
		sum += atomic_load_explicit(&counters->own[i].n[counter], memory_order_relaxed);
	for (size_t i = 0; i < KV_SHARED_STRIPES; i++)
		sum += atomic_load_explicit(&counters->shared[i].n[counter], memory_order_relaxed);
	return sum;
}
