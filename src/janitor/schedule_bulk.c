/*
 * schedule_bulk.c - scheduling given items: one transaction around the stages of bulk.h.
 */
#include "holdfast/schedule.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/str.h"
#include "holdfast/transaction.h"
#include "janitor/bulk.h"
#include "janitor/values.h"

struct job {
	const struct hf_schedule_item *items;
	uint32_t count;
	bool lenient;
	const struct hf_schedule_options *options;
	struct hf_schedule_report report;
};

static void bulk_deinit(struct bulk *bulk)
{
	free(bulk->items);
	hf_arena_free(bulk->arena);
	intern_free(bulk->places);
	free(bulk->place_slots);
	free(bulk->slots);
	minimum_deinit(&bulk->minimum);
}

static enum hf_status bulk_init(struct bulk *bulk, hf_where tx, const struct job *job, hf_error *err)
{
	bulk->tx = tx;
	bulk->options = job->options;
	bulk->lenient = job->lenient;
	bulk->bucket = job->options->bucket_set ? job->options->bucket : HF_BUCKET_DEFAULT;
	bulk->count = job->count;
	bulk->items = calloc(job->count, sizeof(*bulk->items));
	bulk->arena = hf_arena_new((size_t)1 << 30);
	bulk->places = intern_new(BULK_ITEMS_MAX);
	if (!bulk->items || !bulk->arena || !bulk->places)
		return error_nomem(err);
	for (uint32_t i = 0; i < job->count; i++) {
		bulk->items[i].wanted = job->items[i];
		bulk->items[i].slot = BULK_KEPT;
	}
	return HF_OK;
}

static enum hf_status place_and_write(struct bulk *bulk, hf_error *err)
{
	enum hf_status status = bulk_place(bulk, err);
	return status == HF_OK && !bulk->options->dry_run ? bulk_write(bulk, err) : status;
}

/* The whole of it within the transaction; may run again after a conflict, so everything is made afresh. */
static enum hf_status run_job(hf_where tx, void *user, hf_error *err)
{
	struct job *job = user;
	hf_context *ctx = hf_where_context(tx);
	CLEANUP(bulk_deinit) struct bulk bulk = {.minimum = MINIMUM_INIT};
	int64_t start = hf_now_monotonic_us(ctx);
	enum hf_status status = bulk_init(&bulk, tx, job, err);
	if (status == HF_OK)
		status = bulk_read(&bulk, err);
	int64_t read = hf_now_monotonic_us(ctx);
	if (status == HF_OK)
		status = place_and_write(&bulk, err);
	int64_t written = hf_now_monotonic_us(ctx);
	if (status == HF_OK && job->options->verify > 0)
		status = bulk_verify(&bulk, job->items, err);
	bulk.report.items = job->count - bulk.report.refused;
	bulk.report.read_us = read - start;
	bulk.report.write_us = written - read;
	bulk.report.verify_us = hf_now_monotonic_us(ctx) - written;
	job->report = bulk.report;
	return status;
}

enum hf_status schedule_items(hf_where where, const struct hf_schedule_item *items, size_t count, bool lenient,
                              const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                              hf_error *err)
{
	struct job job = {.items = items, .count = (uint32_t)count, .lenient = lenient, .options = options};
	enum hf_status status = options_check("hf_schedule_options", options->size, sizeof(*options), err);
	if (status == HF_OK && count > BULK_ITEMS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d items at once", BULK_ITEMS_MAX);
	if (status == HF_OK && count > 0)
		status = hf_transaction(where, NULL, run_job, &job, err);
	if (status == HF_OK || status == HF_E_CORRUPT)
		*ret_report = job.report;
	return status;
}

enum hf_status hf_schedule_bulk(hf_where where, const struct hf_schedule_item *items, size_t count,
                                const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                                hf_error *err)
{
	return schedule_items(where, items, count, false, options, ret_report, err);
}
