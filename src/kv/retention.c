/*
 * retention.c - see retention.h.
 */
#include "kv/retention.h"

#include "base/str.h"

#define HOUR_US (INT64_C(3600) * 1000000)

/* The newest of each of the latest so many hours or days in which there is one. */
struct calendar {
	int64_t unit_us;
	size_t left;
	int64_t last;
	bool any;
};

static bool is_first_of(struct calendar *calendar, int64_t created_us)
{
	int64_t unit = created_us / calendar->unit_us;
	if (calendar->left == 0 || (calendar->any && unit == calendar->last))
		return false;
	calendar->left--;
	calendar->last = unit;
	calendar->any = true;
	return true;
}

bool retention_has_rule(const struct hf_kv_prune *what)
{
	return what->keep || what->hourly || what->daily || what->older_than_us;
}

size_t retention_at_most(const struct hf_kv_checkpoint *points, size_t count, int64_t epoch)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (points[middle].epoch > epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t retention_choose(const struct hf_kv_prune *what, const struct hf_kv_checkpoint *points, const uint64_t *bytes,
                        size_t count, int64_t now_us, bool *ret_goes)
{
	bool all_stay = what->bytes && !retention_has_rule(what);
	uint64_t sum = 0;
	struct calendar hours = {.unit_us = HOUR_US, .left = what->hourly};
	struct calendar days = {.unit_us = 24 * HOUR_US, .left = what->daily};
	size_t seen = 0, going = 0;
	for (size_t i = 0; i < count; i++) {
		const struct hf_kv_checkpoint *point = &points[i];
		ret_goes[i] = false;
		if (what->name && !str_eq(point->name, hf_str_of(what->name)))
			continue;
		bool is_new = seen++ < what->keep;
		bool of_hour = is_first_of(&hours, point->created_us), of_day = is_first_of(&days, point->created_us);
		bool is_young = what->older_than_us && point->created_us > now_us - what->older_than_us;
		bool stays = all_stay || is_new || of_hour || of_day || is_young;
		bool overflows = what->bytes && __builtin_add_overflow(sum, bytes[i], &sum);
		bool fits = !what->bytes || (!overflows && sum <= what->bytes);
		sum = overflows ? UINT64_MAX : sum;
		ret_goes[i] = !point->pinned && !(stays && fits);
		going += ret_goes[i];
	}
	return going;
}
