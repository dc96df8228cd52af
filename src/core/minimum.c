/*
 * minimum.c - see minimum.h.
 */
#include "core/minimum.h"

#include <stdlib.h>

void minimum_deinit(struct minimum *minimum)
{
	free(minimum->values);
	free(minimum->heap);
	*minimum = (struct minimum)MINIMUM_INIT;
}

/* The array with room for one more, or NULL. */
static void *with_room(void *array, size_t *capacity, size_t used, size_t size)
{
	if (used < *capacity)
		return array;
	size_t wanted = *capacity ? *capacity * 2 : 256;
	void *grown = reallocarray(array, wanted, size);
	if (grown)
		*capacity = wanted;
	return grown;
}

static bool push(struct minimum *minimum, struct minimum_entry entry)
{
	void *heap = with_room(minimum->heap, &minimum->heap_capacity, minimum->nheap, sizeof(*minimum->heap));
	if (!heap)
		return false;
	minimum->heap = heap;
	size_t at = minimum->nheap++;
	while (at > 0 && minimum->heap[(at - 1) / 2].value > entry.value) {
		minimum->heap[at] = minimum->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	minimum->heap[at] = entry;
	return true;
}

static void pop(struct minimum *minimum)
{
	struct minimum_entry last = minimum->heap[--minimum->nheap];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= minimum->nheap)
			break;
		if (child + 1 < minimum->nheap && minimum->heap[child + 1].value < minimum->heap[child].value)
			child++;
		if (minimum->heap[child].value >= last.value)
			break;
		minimum->heap[at] = minimum->heap[child];
		at = child;
	}
	if (minimum->nheap > 0)
		minimum->heap[at] = last;
}

bool minimum_add(struct minimum *minimum, int64_t value)
{
	ASSERT(minimum->nvalues < UINT32_MAX);
	void *values =
		with_room(minimum->values, &minimum->values_capacity, minimum->nvalues, sizeof(*minimum->values));
	if (!values)
		return false;
	minimum->values = values;
	if (!push(minimum, (struct minimum_entry){value, (uint32_t)minimum->nvalues}))
		return false;
	minimum->values[minimum->nvalues++] = value;
	return true;
}

bool minimum_set(struct minimum *minimum, uint32_t slot, int64_t value)
{
	ASSERT(slot < minimum->nvalues);
	minimum->values[slot] = value;
	return push(minimum, (struct minimum_entry){value, slot});
}

bool minimum_get(struct minimum *minimum, int64_t *ret_value)
{
	while (minimum->nheap > 0) {
		struct minimum_entry top = minimum->heap[0];
		if (minimum->values[top.slot] == top.value) {
			*ret_value = top.value;
			return true;
		}
		pop(minimum);
	}
	return false;
}
