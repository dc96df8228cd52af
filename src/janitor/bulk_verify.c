/*
 * bulk_verify.c - some items again, by the rules for one: hf_schedule_candidate() for offset and duration, a plain scan
 * for the smallest priority, a look at the stored row. Shares no step with the bulk stages but the arithmetic itself,
 * which the recorded answers of the original cover, and the question for the greatest value, which is asked once more:
 * it is a look at all codebases, too dear for each item.
 */
#include "janitor/bulk.h"

#include <string.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/str.h"
#include "holdfast/codebase.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"
#include "queries/janitor/queue.h"

static enum hf_status differs(const struct bulk_item *item, const char *what, double bulk, double reference,
                              hf_error *err)
{
	error_set(err, HF_E_CORRUPT, "%.*s/%.*s: %s is %.17g, the one-by-one rules give %.17g; nothing was kept",
	          STR_ARG(item->wanted.campaign), STR_ARG(item->wanted.codebase), what, bulk, reference);
	error_hint(err, "this is a defect of holdfast: please report it");
	return HF_E_CORRUPT;
}

/* The item's share of the greatest value; with D-24 that of the bulk stages. */
static enum hf_status read_share(const struct bulk *bulk, const struct bulk_item *item,
                                 const struct codebase_greatest_value_row *greatest, hf_arena *arena, double *ret_share,
                                 hf_error *err)
{
	struct hf_codebase row;
	*ret_share = item->normalized.value;
	if (hf_defects_kept(bulk->options->keep, 24))
		return HF_OK;
	enum hf_status status = hf_codebase_get(bulk->tx, item->wanted.codebase, arena, &row, err);
	if (status != HF_OK)
		return status;
	struct schedule_value share =
		schedule_share(row.has_value, row.value, greatest->has_greatest, greatest->greatest);
	*ret_share = share.known ? share.value : SCHEDULE_DEFAULT_NORMALIZED_VALUE;
	return HF_OK;
}

static enum hf_status verify_offset(const struct bulk *bulk, const struct bulk_item *item,
                                    const struct hf_schedule_item *original,
                                    const struct codebase_greatest_value_row *greatest, hf_arena *arena, hf_error *err)
{
	struct hf_schedule_request request = {.item = *original,
	                                      .default_offset = bulk->options->default_offset,
	                                      .has_normalized_value = true,
	                                      .dry_run = true,
	                                      .keep = bulk->options->keep};
	struct hf_schedule_result result;
	enum hf_status status = read_share(bulk, item, greatest, arena, &request.normalized_value, err);
	if (status == HF_OK)
		status = hf_schedule_candidate(bulk->tx, &request, &result, NULL, err);
	if (status != HF_OK)
		return status;
	if (memcmp(&result.offset, &item->offset, sizeof(result.offset)) != 0)
		return differs(item, "the offset", item->offset, result.offset, err);
	if (result.estimated_duration_us != item->duration_us)
		return differs(item, "the estimated duration in us", (double)item->duration_us,
		               (double)result.estimated_duration_us, err);
	return HF_OK;
}

/* What each slot said when item `i` came, by a plain scan over what had happened until then; INT64_MAX: not there. */
static void replay_until(const struct bulk *bulk, int64_t *scratch, uint32_t i)
{
	for (size_t slot = 0; slot < bulk->minimum.nvalues; slot++)
		scratch[slot] = bulk->slots[slot].existed ? bulk->slots[slot].before : INT64_MAX;
	for (uint32_t j = 0; j < i; j++)
		if (bulk->items[j].slot != BULK_KEPT)
			scratch[bulk->items[j].slot] = bulk->items[j].priority;
}

/* The smallest priority of the whole queue then; 0 unless D-14 is kept. */
static int64_t minimum_then(const struct bulk *bulk, const int64_t *scratch)
{
	int64_t least = INT64_MAX;
	if (!hf_defects_kept(bulk->options->keep, 14))
		return 0;
	for (size_t slot = 0; slot < bulk->minimum.nvalues; slot++)
		least = scratch[slot] < least ? scratch[slot] : least;
	return least == INT64_MAX ? 0 : least;
}

/* Whether an item of the same bucket, or one of these, held the place of item `i`. */
static bool same_bucket_then(const struct bulk *bulk, uint32_t i)
{
	const uint32_t slot = bulk->items[i].slot;
	for (uint32_t j = 0; j < i; j++)
		if (bulk->items[j].slot == slot)
			return true;
	return bulk->slots[slot].existed && bulk->slots[slot].bucket_before == (uint8_t)bulk->bucket;
}

static enum hf_status verify_priority(const struct bulk *bulk, const int64_t *scratch, uint32_t i, hf_error *err)
{
	const struct bulk_item *item = &bulk->items[i];
	int64_t priority, minimum = minimum_then(bulk, scratch);
	if (minimum != item->minimum)
		return differs(item, "the smallest priority", (double)item->minimum, (double)minimum, err);
	if (item->slot == BULK_KEPT)
		return HF_OK;
	enum schedule_fault fault = schedule_priority(minimum, item->offset, bulk->options->keep, &priority);
	if (fault != SCHEDULE_FINE)
		return bulk_refuse(item, fault, err);
	if (!hf_defects_kept(bulk->options->keep, 13) && same_bucket_then(bulk, i) && scratch[item->slot] < priority)
		priority = scratch[item->slot];
	if (priority != item->priority)
		return differs(item, "the priority", (double)item->priority, (double)priority, err);
	return HF_OK;
}

static enum hf_status verify_row(const struct bulk *bulk, uint32_t i, hf_arena *arena, hf_error *err)
{
	const struct bulk_item *item = &bulk->items[i];
	struct queue_holder_in in = {.codebase = item->wanted.codebase, .campaign = item->wanted.campaign};
	struct queue_holder_row row;
	SET_TEXT(&in, change_set, item->wanted.change_set);
	if (item->slot == BULK_KEPT || bulk->slots[item->slot].item != (int32_t)i)
		return HF_OK; /* another item stands there */
	enum hf_status status = queue_holder(bulk->tx, &in, arena, &row, err);
	if (status == HF_OK && row.priority != item->priority)
		return differs(item, "the stored priority", (double)row.priority, (double)item->priority, err);
	return status;
}

static enum hf_status verify_item(const struct bulk *bulk, const struct hf_schedule_item *original, uint32_t i,
                                  const struct codebase_greatest_value_row *greatest, int64_t *scratch, hf_arena *arena,
                                  hf_error *err)
{
	enum hf_status status = verify_offset(bulk, &bulk->items[i], original, greatest, arena, err);
	if (status != HF_OK)
		return status;
	replay_until(bulk, scratch, i);
	status = verify_priority(bulk, scratch, i, err);
	return status != HF_OK || bulk->options->dry_run ? status : verify_row(bulk, i, arena, err);
}

/* splitmix64: reproducible from the seed that the report names. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

enum hf_status bulk_verify(struct bulk *bulk, const struct hf_schedule_item *originals, hf_error *err)
{
	uint32_t wanted = bulk->options->verify < bulk->count ? bulk->options->verify : bulk->count;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	int64_t *scratch = hf_arena_alloc(bulk->arena, (bulk->minimum.nvalues + 1) * sizeof(*scratch));
	struct codebase_greatest_value_row greatest;
	if (!scratch || !arena)
		return error_nomem(err);
	enum hf_status status = codebase_greatest_value(bulk->tx, bulk->arena, &greatest, err);
	bulk->report.verify_seed = bulk->options->verify_seed;
	if (bulk->report.verify_seed == 0)
		bulk->report.verify_seed = context_random_u64(hf_where_context(bulk->tx)) | 1;
	uint64_t seed = bulk->report.verify_seed;
	for (uint32_t n = 0; status == HF_OK && n < wanted; n++) {
		uint32_t i = wanted == bulk->count ? n : (uint32_t)(next_random(&seed) % bulk->count);
		hf_arena_reset(arena);
		if (bulk->items[i].left_out)
			continue;
		status = verify_item(bulk, &originals[i], i, &greatest, scratch, arena, err);
		bulk->report.verified += status == HF_OK;
		bulk->report.differing += status == HF_E_CORRUPT;
	}
	return status;
}
