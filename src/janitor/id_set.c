/*
 * id_set.c - see the header.
 */
#include "janitor/id_set.h"

#include <string.h>

static bool is_id(const struct hf_int4_array *ids, uint32_t i)
{
	return !ids->nulls || !ids->nulls[i];
}

/* The ids that get a bit: from the smallest to the greatest, or the upper end of that. */
static void find_range(const struct hf_int4_array *ids, struct id_set *set)
{
	int64_t smallest = INT32_MAX, greatest = (int64_t)INT32_MIN - 1;
	for (uint32_t i = 0; i < ids->count; i++)
		if (is_id(ids, i)) {
			smallest = ids->values[i] < smallest ? ids->values[i] : smallest;
			greatest = ids->values[i] > greatest ? ids->values[i] : greatest;
		}
	if (greatest < smallest)
		return;
	set->last = (int32_t)greatest;
	set->first = (int32_t)(greatest - smallest < ID_SET_SPAN ? smallest : greatest - ID_SET_SPAN + 1);
}

enum hf_status id_set_of(struct hf_int4_array ids, hf_arena *arena, struct id_set *ret_set, hf_error *err)
{
	struct id_set set = {.first = 0, .last = -1};
	find_range(&ids, &set);
	size_t size = (size_t)((int64_t)set.last - set.first + 8) / 8;
	uint8_t *bits = hf_arena_alloc(arena, size + 1);
	int32_t *others = hf_arena_alloc(arena, ids.count * sizeof(*others) + 1);
	if (!bits || !others)
		return error_nomem(err);
	memset(bits, 0, size);
	for (uint32_t i = 0; i < ids.count; i++) {
		if (!is_id(&ids, i))
			continue;
		int64_t bit = (int64_t)ids.values[i] - set.first;
		if (bit < 0)
			others[set.others.count++] = ids.values[i];
		else
			bits[bit / 8] = (uint8_t)(bits[bit / 8] | 1u << bit % 8);
	}
	set.bits = (struct hf_bytes){bits, size};
	set.others.values = others;
	set.others.ndim = set.others.count > 0;
	*ret_set = set;
	return HF_OK;
}
