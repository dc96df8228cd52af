/*
 * schedule_bulk.c - scheduling given items: one transaction around the stages of bulk.h.
 */
#include "holdfast/schedule.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/str.h"
#include "janitor/bulk.h"
#include "janitor/transaction.h"
#include "janitor/values.h"

struct job {
	const struct hf_schedule_item *items;
	uint32_t count;
	bool lenient;
	bool alone; /* one writer, whatever the options say */
	const struct hf_schedule_options *options;
	struct bulk bulk; /* of the last attempt */
	int64_t written;  /* new items that stand, by several writers */
};

static void bulk_deinit(struct bulk *bulk)
{
	free(bulk->items);
	hf_arena_free(bulk->arena);
	intern_free(bulk->places);
	free(bulk->place_slots);
	free(bulk->slots);
	minimum_deinit(&bulk->minimum);
	*bulk = (struct bulk){.minimum = MINIMUM_INIT};
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

/* Whether the new items are enough for several, and none of them has to be taken back after a look (verify). */
static bool may_be_apart(const struct bulk *bulk, const struct job *job)
{
	const struct hf_schedule_options *options = job->options;
	return options->writers > 1 && options->verify == 0 && !job->alone && bulk->report.added >= 2 * BULK_SHARE_MIN;
}

static enum hf_status place_and_write(struct bulk *bulk, const struct job *job, hf_error *err)
{
	enum hf_status status = bulk_place(bulk, err);
	bulk->report.writers = 1;
	if (status != HF_OK || job->options->dry_run)
		return status;
	bulk->apart = may_be_apart(bulk, job);
	return bulk_write(bulk, err);
}

/* The whole of it within the transaction; may run again after a conflict, so everything is made afresh. */
static enum hf_status run_job(hf_where tx, void *user, hf_error *err)
{
	struct job *job = user;
	hf_context *ctx = hf_where_context(tx);
	struct bulk *bulk = &job->bulk;
	int64_t start = hf_now_monotonic_us(ctx);
	bulk_deinit(bulk);
	enum hf_status status = bulk_init(bulk, tx, job, err);
	if (status == HF_OK)
		status = bulk_read(bulk, err);
	int64_t read = hf_now_monotonic_us(ctx);
	if (status == HF_OK)
		status = place_and_write(bulk, job, err);
	int64_t written = hf_now_monotonic_us(ctx);
	if (status == HF_OK && job->options->verify > 0)
		status = bulk_verify(bulk, job->items, err);
	bulk->report.items = job->count - bulk->report.refused;
	bulk->report.read_us = read - start;
	bulk->report.write_us = written - read;
	bulk->report.verify_us = hf_now_monotonic_us(ctx) - written;
	return status;
}

/* ---- several writers ---- */

static enum hf_status write_apart(struct job *job, hf_where where, hf_error *err)
{
	hf_context *ctx = hf_where_context(where);
	int64_t start = hf_now_monotonic_us(ctx);
	enum hf_status status = bulk_write_apart(&job->bulk, where.target, where.deadline, &job->written, err);
	job->bulk.report.write_us += hf_now_monotonic_us(ctx) - start;
	return status;
}

/* What one transaction may do better: somebody took a place, or locked it; a connection broke; it is refused by name.
 */
static bool is_worth_another(enum hf_status status)
{
	return status != HF_OK && status != HF_E_OUTCOME_UNKNOWN && status != HF_TIMEOUT &&
	       status != HF_E_INTERRUPTED && status != HF_E_NOMEM;
}

static void log_another(hf_context *ctx, const hf_error *err, int64_t written)
{
	const struct hf_log_field fields[] = {
		field_text("sqlstate", err->sqlstate),
		field_text("error", err->message),
		field_int("written", written),
	};
	context_log(ctx, HF_LOG_WARN, "schedule_writers_failed", fields, ARRAY_LEN(fields));
}

/* Where an error does not mean that nothing was written. */
static void tell_what_stands(int64_t replaced, int64_t written, hf_error *err)
{
	if (replaced == 0 && written == 0 && err->status != HF_E_OUTCOME_UNKNOWN)
		return;
	if (replaced > 0 || written > 0)
		error_prefix(err, "%lld of the new entries stand%s", (long long)written,
		             replaced > 0 ? ", and all that were replaced" : "");
	error_hint(err, "run it again: what says the same already is not written again");
}

static enum hf_status run_apart(struct job *job, hf_where where, hf_error *err)
{
	hf_error why = HF_ERROR_INIT;
	const int64_t replaced = job->bulk.report.replaced;
	enum hf_status status = write_apart(job, where, &why);
	if (is_worth_another(status)) {
		log_another(hf_where_context(where), &why, job->written);
		job->alone = true;
		status = janitor_transaction(where, run_job, job, &why);
	}
	if (status == HF_OK)
		return HF_OK;
	tell_what_stands(replaced, job->written, &why);
	if (err)
		*err = why;
	return status;
}

/* ---- what the others call ---- */

static enum hf_status check(hf_where where, size_t count, const struct hf_schedule_options *options, hf_error *err)
{
	enum hf_status status = options_check("hf_schedule_options", options->size, sizeof(*options), err);
	if (status != HF_OK)
		return status;
	if (count > BULK_ITEMS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d items at once", BULK_ITEMS_MAX);
	if (options->writers > BULK_WRITERS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d writers", BULK_WRITERS_MAX);
	if (options->writers > 1 && where.kind != HF_WHERE_POOL)
		return error_set(err, HF_E_USAGE, "several writers need a pool: each is a transaction of its own");
	return HF_OK;
}

enum hf_status schedule_items(hf_where where, const struct hf_schedule_item *items, size_t count, bool lenient,
                              const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                              hf_error *err)
{
	struct job job = {.items = items,
	                  .count = (uint32_t)count,
	                  .lenient = lenient,
	                  .options = options,
	                  .bulk = {.minimum = MINIMUM_INIT}};
	enum hf_status status = check(where, count, options, err);
	if (status == HF_OK && count > 0)
		status = janitor_transaction(where, run_job, &job, err);
	if (status == HF_OK && job.bulk.apart)
		status = run_apart(&job, where, err);
	if (status == HF_OK || status == HF_E_CORRUPT)
		*ret_report = job.bulk.report;
	bulk_deinit(&job.bulk);
	return status;
}

enum hf_status hf_schedule_bulk(hf_where where, const struct hf_schedule_item *items, size_t count,
                                const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                                hf_error *err)
{
	return schedule_items(where, items, count, false, options, ret_report, err);
}
