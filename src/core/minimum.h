/*
 * minimum.h - the smallest of many numbers that change one at a time: what the queue's smallest priority is while
 * items are added to it one by one.
 *
 * Slots are numbered 0, 1, 2, ... A binary heap of (value, slot) with lazy deletion: an entry counts only while it says
 * what the slot says, so setting a slot is a push, and stale entries leave when they reach the top. O(log n) a change.
 */
#ifndef CORE_MINIMUM_H
#define CORE_MINIMUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct minimum {
	int64_t *values; /* of the slots */
	size_t nvalues, values_capacity;
	struct minimum_entry {
		int64_t value;
		uint32_t slot;
	} * heap;
	size_t nheap, heap_capacity;
};

#define MINIMUM_INIT                   \
	{                              \
		NULL, 0, 0, NULL, 0, 0 \
	}
void minimum_deinit(struct minimum *minimum);
/** Add a slot; its number is nvalues before the call. False when memory is short. */
MUST_USE bool minimum_add(struct minimum *minimum, int64_t value);
/** Change a slot. False when memory is short. */
MUST_USE bool minimum_set(struct minimum *minimum, uint32_t slot, int64_t value);
/** The smallest value; false without slots. */
bool minimum_get(struct minimum *minimum, int64_t *ret_value);

#endif
