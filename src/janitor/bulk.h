/*
 * bulk.h - many items scheduled at once (holdfast/schedule.h says what the outside sees). In stages:
 *
 *   bulk_read.c   everything about every item in a few statements, whatever their number -> offset and duration
 *   bulk_place.c  the queue as it is, then the items added one after the other in memory -> priority and id
 *   bulk_write.c  new items by COPY, replaced ones by arrays
 *   bulk_verify.c some of them again by the one-by-one rules
 *
 * All run in one transaction; from bulk_place on the queue is locked against other writers, so that neither what holds
 * a place nor the smallest priority can move under us. Where several writers are allowed and there is enough for them,
 * that transaction ends before the new items are written, and bulk_writers.c writes these.
 *
 * Memory: about 200 bytes an item and 100 a queue entry, at most BULK_ITEMS_MAX of either.
 */
#ifndef JANITOR_BULK_H
#define JANITOR_BULK_H

#include <stdatomic.h>

#include "base/intern.h"
#include "core/minimum.h"
#include "core/schedule.h"
#include "holdfast/schedule.h"

enum { BULK_ITEMS_MAX = 2000000, BULK_NO_ITEM = -1, BULK_WRITERS_MAX = 16, BULK_SHARE_MIN = 1000 };
#define BULK_KEPT UINT32_MAX

struct bulk_item {
	struct hf_schedule_item wanted; /* gaps filled by bulk_read */
	struct schedule_history history;
	struct schedule_value normalized; /* of the codebase's value */
	int64_t duration_us;
	double offset;               /* default offset included */
	int64_t minimum;             /* of the whole queue, when its turn came; 0 unless D-14 is kept */
	int64_t priority;            /* minimum + offset; meaningless when an earlier bucket held the place */
	int32_t id;                  /* taken from the sequence, used or not */
	uint32_t slot;               /* that it wrote, or BULK_KEPT when an earlier bucket held its place */
	uint32_t codebase, campaign; /* numbers in bulk_read's tables */
	bool left_out;               /* its numbers are impossible: it takes no id and no place */
};

/* One entry of the queue: its priority stands in `minimum` under the same number. */
struct bulk_slot {
	int32_t id;
	int32_t item;   /* that wrote it last, or BULK_NO_ITEM */
	int64_t before; /* the priority of one that existed */
	uint8_t bucket, bucket_before;
	bool existed;
	bool open; /* claimed or dead: it does not hold its place */
};

struct bulk {
	hf_where tx;
	const struct hf_schedule_options *options;
	bool lenient; /* one with impossible numbers is left out; else it ends all */
	enum hf_bucket bucket;
	struct bulk_item *items;
	uint32_t count;
	hf_arena *arena;       /* texts that fill gaps, arrays for statements */
	struct intern *places; /* "codebase\ncampaign\nchange set" -> index into place_slots */
	uint32_t *place_slots;
	size_t place_capacity;
	struct bulk_slot *slots;
	size_t slot_capacity;
	struct minimum minimum; /* nvalues = number of slots */
	bool apart;             /* the new items are left to bulk_writers.c */
	struct hf_schedule_report report;
};

enum hf_status bulk_read(struct bulk *bulk, hf_error *err);
enum hf_status bulk_place(struct bulk *bulk, hf_error *err);
/** Replaced items, and the new ones unless bulk->apart. */
enum hf_status bulk_write(struct bulk *bulk, hf_error *err);

/* A new item, report.added of them. */
struct bulk_row {
	int64_t priority;
	uint64_t name; /* the beginning of its codebase's */
	int32_t id;
	uint32_t slot;
};
/** In the order in which they will be served; in bulk->arena. */
enum hf_status bulk_new_rows(const struct bulk *bulk, struct bulk_row **ret_rows, hf_error *err);
/** COPY of some of them, which it sorts in its own way. @param stop NULL, or set by another thread to end it:
 * HF_E_FAILED. Uses nothing of `bulk` that changes, nor its arena. */
enum hf_status bulk_append(hf_where tx, const struct bulk *bulk, struct bulk_row *rows, size_t count,
                           const atomic_bool *stop, hf_error *err);

/**
 * All new items by at most so many connections of `pool`, after the transaction that decided about them.
 * report.writers and `ret_written`, the items that stand, are set whatever the answer.
 * @return HF_OK; what the first of them answered that failed: with *ret_written 0 nothing of them stands, unless it is
 *         HF_E_OUTCOME_UNKNOWN.
 */
enum hf_status bulk_write_apart(struct bulk *bulk, hf_pool *pool, hf_deadline deadline, int64_t *ret_written,
                                hf_error *err);

/** Recompute options->verify random items (all, when there are fewer); HF_E_CORRUPT names the first that differs.
 *  `originals`: the items before their gaps were filled. */
enum hf_status bulk_verify(struct bulk *bulk, const struct hf_schedule_item *originals, hf_error *err);
/** "campaign/codebase: ..." in front of a fault. */
enum hf_status bulk_refuse(const struct bulk_item *item, enum schedule_fault fault, hf_error *err);

/* What hf_schedule_bulk() does; lenient: count and name (as todo.h does) what has impossible numbers. */
enum hf_status schedule_items(hf_where where, const struct hf_schedule_item *items, size_t count, bool lenient,
                              const struct hf_schedule_options *options, struct hf_schedule_report *ret_report,
                              hf_error *err);

#endif
