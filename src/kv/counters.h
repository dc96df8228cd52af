/*
 * counters.h - what a handle counts: without a lock, and for most threads without a locked instruction.
 *
 * A stripe belongs to the first thread that comes to it, which alone adds there; who finds none adds to the one of its
 * processor. Who owns which stands apart from what they count, so that a look at it takes no line away. A thread that
 * has the number of an owner comes after that one's end, and so inherits its stripe. Who reads adds all up.
 */
#ifndef KV_COUNTERS_H
#define KV_COUNTERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum kv_counter {
	KV_PUTS,
	KV_DELETES,
	KV_QUERIES,
	KV_TRANSACTIONS,
	KV_WRITTEN,
	KV_READ,
	KV_HITS,
	KV_MISSES,
	KV_REFUSED,
	KV_FAILURES,
	KV_TIMEOUTS,
	KV_UNAVAILABLE,
	KV_OUTCOMES_UNKNOWN,
	KV_LIMITS,
	KV_CORRUPT,
	KV_COMBINED,
	KV_SHARED,
	KV_REPLICA,
	KV_COUNTERS
};

enum { KV_STRIPES = 16, KV_SHARED_STRIPES = 8 };

struct kv_stripe {
	_Alignas(64) atomic_uint_least64_t n[KV_COUNTERS];
};
/* All zero at first. */
struct kv_counters {
	_Alignas(64) atomic_uintptr_t owners[KV_STRIPES]; /* 0 = nobody yet */
	struct kv_stripe own[KV_STRIPES], shared[KV_SHARED_STRIPES];
};

/** The calling thread's stripe, or one that is shared. */
struct kv_stripe *kv_stripe_find(struct kv_counters *counters);

static inline void kv_stripe_add(struct kv_counters *counters, struct kv_stripe *stripe, enum kv_counter counter,
                                 uint64_t n)
{
	atomic_uint_least64_t *place = &stripe->n[counter];
	if (stripe < counters->shared)
		atomic_store_explicit(place, atomic_load_explicit(place, memory_order_relaxed) + n,
		                      memory_order_relaxed);
	else
		atomic_fetch_add_explicit(place, n, memory_order_relaxed);
}
uint64_t kv_counters_total(const struct kv_counters *counters, enum kv_counter counter);

#endif
