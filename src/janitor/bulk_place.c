/*
 * bulk_place.c - the items added to the queue one after the other, in memory: each priority is the item's offset, with
 * D-14 counted from the smallest of the whole queue at that moment; an item of an earlier bucket keeps its place, every
 * try takes an id whether it is used or not. The order of steps per item is that of the one statement it stands for
 * (queue_add).
 */
#include "janitor/bulk.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"
#include "janitor/values.h"
#include "queries/janitor/queue.h"

enum { PLACE_BYTES_MAX = 4096 }; /* two names (core/names.h) and a change set's id as long as an index may have it */

/* No change set and "" are one place, as in the unique key. */
static enum hf_status place_number(struct bulk *bulk, const struct hf_str names[3], bool *ret_new, uint32_t *ret_number,
                                   hf_error *err)
{
	char key[PLACE_BYTES_MAX];
	size_t length = 0;
	for (size_t i = 0; i < 3; i++) {
		if (length + names[i].len + 1 > sizeof(key))
			return error_set(err, HF_E_LIMIT,
			                 "the names of codebase, campaign and change set are longer than %zu bytes",
			                 sizeof(key));
		memcpy(key + length, names[i].ptr ? names[i].ptr : "", names[i].len);
		length += names[i].len;
		key[length++] = '\n';
	}
	uint32_t before = intern_count(bulk->places);
	*ret_number = intern_add(bulk->places, (struct hf_str){key, length});
	if (*ret_number == INTERN_NONE)
		return error_nomem(err);
	*ret_new = *ret_number == before;
	if (!*ret_new || *ret_number < bulk->place_capacity)
		return HF_OK;
	size_t capacity = bulk->place_capacity ? bulk->place_capacity * 2 : 1024;
	uint32_t *grown = reallocarray(bulk->place_slots, capacity, sizeof(*grown));
	if (!grown)
		return error_nomem(err);
	bulk->place_slots = grown;
	bulk->place_capacity = capacity;
	return HF_OK;
}

static enum hf_status add_slot(struct bulk *bulk, struct bulk_slot slot, int64_t priority, uint32_t *ret_slot,
                               hf_error *err)
{
	size_t n = bulk->minimum.nvalues;
	if (n == BULK_ITEMS_MAX)
		return error_set(err, HF_E_LIMIT, "the queue has more than %d entries", BULK_ITEMS_MAX);
	if (n == bulk->slot_capacity) {
		size_t capacity = n ? n * 2 : 1024;
		struct bulk_slot *grown = reallocarray(bulk->slots, capacity, sizeof(*grown));
		if (!grown)
			return error_nomem(err);
		bulk->slots = grown;
		bulk->slot_capacity = capacity;
	}
	if (!minimum_add(&bulk->minimum, priority))
		return error_nomem(err);
	bulk->slots[n] = slot;
	*ret_slot = (uint32_t)n;
	return HF_OK;
}

/* ---- the queue as it is ---- */

static enum hf_status existing(void *user, const struct queue_places_row *row, hf_error *err)
{
	struct bulk *bulk = user;
	struct bulk_slot slot = {.id = row->id,
	                         .item = BULK_NO_ITEM,
	                         .before = row->priority,
	                         .bucket = (uint8_t)row->bucket,
	                         .bucket_before = (uint8_t)row->bucket,
	                         .existed = true,
	                         .open = row->open};
	const struct hf_str names[] = {row->codebase, row->campaign, row->change_set};
	uint32_t number, at;
	bool is_new;
	enum hf_status status = add_slot(bulk, slot, row->priority, &at, err);
	if (status != HF_OK)
		return status;
	status = place_number(bulk, names, &is_new, &number, err);
	if (status == HF_OK)
		bulk->place_slots[number] = at;
	return status == HF_E_LIMIT ? HF_OK : status; /* no item can ask for this place */
}

static enum hf_status take_ids(struct bulk *bulk, hf_error *err)
{
	struct queue_new_ids_row row;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	const uint32_t wanted = bulk->count - (uint32_t)bulk->report.refused;
	struct queue_new_ids_in in = {.how_many = wanted};
	enum hf_status status = queue_new_ids(bulk->tx, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	if (row.ids.count != wanted)
		return error_set(err, HF_E_PROTOCOL, "asked the sequence for %u ids and got %u", wanted, row.ids.count);
	for (uint32_t i = 0, n = 0; i < bulk->count; i++)
		if (!bulk->items[i].left_out)
			bulk->items[i].id = row.ids.values[n++];
	return HF_OK;
}

/* ---- one item after the other ---- */

static enum hf_status place_new(struct bulk *bulk, int32_t i, uint32_t number, hf_error *err)
{
	struct bulk_item *item = &bulk->items[i];
	struct bulk_slot slot = {.id = item->id, .item = i, .bucket = (uint8_t)bulk->bucket};
	uint32_t at;
	enum hf_status status = add_slot(bulk, slot, item->priority, &at, err);
	if (status != HF_OK)
		return status;
	bulk->place_slots[number] = at;
	item->slot = at;
	bulk->report.added++;
	return HF_OK;
}

static enum hf_status place_again(struct bulk *bulk, int32_t i, uint32_t at, hf_error *err)
{
	struct bulk_item *item = &bulk->items[i];
	struct bulk_slot *slot = &bulk->slots[at];
	if (slot->bucket < (uint8_t)bulk->bucket && !slot->open) {
		item->slot = BULK_KEPT;
		bulk->report.kept++;
		return HF_OK;
	}
	const bool better = slot->bucket == (uint8_t)bulk->bucket && bulk->minimum.values[at] < item->priority;
	if (better && !hf_defects_kept(bulk->options->keep, 13))
		item->priority = bulk->minimum.values[at];
	if (!minimum_set(&bulk->minimum, at, item->priority))
		return error_nomem(err);
	slot->bucket = (uint8_t)bulk->bucket;
	slot->open = false;
	slot->item = i;
	item->slot = at;
	bulk->report.replaced++;
	return HF_OK;
}

static enum hf_status place_item(struct bulk *bulk, int32_t i, hf_error *err)
{
	struct bulk_item *item = &bulk->items[i];
	uint32_t number;
	bool is_new;
	const struct hf_str names[] = {item->wanted.codebase, item->wanted.campaign, item->wanted.change_set};
	const struct hf_defects *keep = bulk->options->keep;
	if (!hf_defects_kept(keep, 14) || !minimum_get(&bulk->minimum, &item->minimum))
		item->minimum = 0;
	enum schedule_fault fault = schedule_priority(item->minimum, item->offset, keep, &item->priority);
	if (fault != SCHEDULE_FINE)
		return bulk_refuse(item, fault, err);
	enum hf_status status = place_number(bulk, names, &is_new, &number, err);
	if (status != HF_OK)
		return status;
	return is_new ? place_new(bulk, i, number, err) : place_again(bulk, i, bulk->place_slots[number], err);
}

enum hf_status bulk_place(struct bulk *bulk, hf_error *err)
{
	const bool dry_run = bulk->options->dry_run; /* holds nobody up and uses no numbers */
	enum hf_status status = dry_run ? HF_OK : queue_lock(bulk->tx, err);
	if (status == HF_OK)
		status = queue_places(bulk->tx, existing, bulk, err);
	if (status == HF_OK && !dry_run)
		status = take_ids(bulk, err);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++)
		if (!bulk->items[i].left_out)
			status = place_item(bulk, (int32_t)i, err);
	return status;
}
