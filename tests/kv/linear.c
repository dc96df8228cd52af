/*
 * linear.c - see linear.h.
 */
#include "linear.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum { SEEN_BITS = 18, SEEN_MAX = 1 << SEEN_BITS };

/* A set of (calls done, value then) from which no order was found. */
struct seen {
	uint64_t done[SEEN_MAX];
	int64_t value[SEEN_MAX];
	size_t count;
};

struct search {
	const struct call *calls;
	size_t count;
	struct seen *dead;
};

static size_t place(const struct seen *seen, uint64_t done, int64_t value)
{
	uint64_t hash = (done ^ (uint64_t)value * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
	size_t i = hash >> (64 - SEEN_BITS);
	while (seen->done[i] && !(seen->done[i] == done && seen->value[i] == value))
		i = (i + 1) % SEEN_MAX;
	return i;
}

/* Does the answer fit, and what is there afterwards? */
static bool step(const struct call *call, int64_t value, int64_t *ret_value)
{
	bool done = call->kind == CALL_CAS ? value == call->expected && value != 0 : value == 0;
	*ret_value = call->value;
	switch (call->kind) {
	case CALL_GET:
		*ret_value = value;
		return call->answer == value;
	case CALL_PUT:
		return true;
	case CALL_SWAP:
		return call->answer == value;
	case CALL_CAS:
	case CALL_ADD_NEW:
		*ret_value = done ? call->value : value;
		return call->answer == done;
	case CALL_DELETE:
		*ret_value = 0;
		return call->answer == (value != 0);
	}
	return false;
}

/* The earliest end among the calls that are not done: what begins behind it cannot come next. */
static int64_t horizon(const struct search *search, uint64_t done)
{
	int64_t end = INT64_MAX;
	for (size_t i = 0; i < search->count; i++)
		if (!(done >> i & 1) && search->calls[i].end_ns < end)
			end = search->calls[i].end_ns;
	return end;
}

static bool finish(const struct search *search, uint64_t done, int64_t value)
{
	uint64_t all = search->count == 64 ? UINT64_MAX : (UINT64_C(1) << search->count) - 1;
	if (done == all)
		return true;
	size_t at = place(search->dead, done, value);
	if (search->dead->done[at])
		return false;
	int64_t end = horizon(search, done), next;
	for (size_t i = 0; i < search->count; i++)
		if (!(done >> i & 1) && search->calls[i].begin_ns <= end && step(&search->calls[i], value, &next) &&
		    finish(search, done | UINT64_C(1) << i, next))
			return true;
	at = place(search->dead, done, value);
	if (done && search->dead->count < SEEN_MAX / 2) {
		search->dead->done[at] = done;
		search->dead->value[at] = value;
		search->dead->count++;
	}
	return false;
}

bool linear_check(const struct call *calls, size_t count, int64_t start)
{
	struct search search = {calls, count, calloc(1, sizeof(struct seen))};
	ASSERT(search.dead && count <= HISTORY_MAX);
	bool found = finish(&search, 0, start);
	free(search.dead);
	return found;
}
