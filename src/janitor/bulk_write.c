/*
 * bulk_write.c - what bulk_place decided, as rows: COPY of the new ones, arrays of WRITE_BATCH for the replaced.
 *
 * The new ones go in the order in which they will be served, so that three of the queue's indexes grow at their end;
 * within a window of that order they are sorted by the beginnings of the codebases' names, so that rows in a row meet
 * the same pages of the two indexes by name and of the index that their foreign key is looked up in. A window is small
 * enough for the pages that it meets of the other three to stay in a processor's cache.
 */
#include "janitor/bulk.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "janitor/values.h"
#include "queries/janitor/queue.h"

enum { WRITE_BATCH = 5000, WINDOW = 16384 };

static const struct hf_str requester = HF_STR_INIT("scheduler");

/* ---- new items ---- */

struct cursor {
	const struct bulk *bulk;
	struct bulk_row *next, *end;
	struct bulk_row *sorted; /* behind the window in which `next` is */
	const atomic_bool *stop;
};

static int by_turn(const void *a, const void *b)
{
	const struct bulk_row *x = a, *y = b;
	return x->priority != y->priority ? (x->priority > y->priority) - (x->priority < y->priority)
	                                  : (x->id > y->id) - (x->id < y->id);
}

static int by_name(const void *a, const void *b)
{
	const struct bulk_row *x = a, *y = b;
	return x->name != y->name ? (x->name > y->name) - (x->name < y->name) : by_turn(a, b);
}

enum hf_status bulk_new_rows(const struct bulk *bulk, struct bulk_row **ret_rows, hf_error *err)
{
	struct bulk_row *rows = hf_arena_calloc(bulk->arena, (size_t)bulk->report.added, sizeof(*rows));
	size_t n = 0;
	if (!rows)
		return error_nomem(err);
	for (size_t at = 0; at < bulk->minimum.nvalues; at++) {
		const struct bulk_slot *slot = &bulk->slots[at];
		if (slot->existed)
			continue;
		const struct bulk_item *item = &bulk->items[slot->item];
		const struct hf_str name = item->wanted.codebase;
		rows[n++] = (struct bulk_row){item->priority, head_be64(name.ptr, name.len), slot->id, (uint32_t)at};
	}
	qsort(rows, n, sizeof(*rows), by_turn);
	*ret_rows = rows;
	return HF_OK;
}

static void sort_window(struct cursor *cursor)
{
	const size_t left = (size_t)(cursor->end - cursor->next), count = left < WINDOW ? left : WINDOW;
	qsort(cursor->next, count, sizeof(*cursor->next), by_name);
	cursor->sorted = cursor->next + count;
}

static enum hf_status next_new(void *user, struct queue_append_in *in, hf_error *err)
{
	struct cursor *cursor = user;
	const struct bulk *bulk = cursor->bulk;
	if (cursor->stop && atomic_load_explicit(cursor->stop, memory_order_relaxed))
		return error_set(err, HF_E_FAILED, "another writer failed");
	if (cursor->next == cursor->end)
		return HF_STOP;
	if (cursor->next == cursor->sorted)
		sort_window(cursor);
	const struct bulk_slot *slot = &bulk->slots[cursor->next++->slot];
	const struct bulk_item *item = &bulk->items[slot->item];
	*in = (struct queue_append_in){.id = slot->id,
	                               .bucket = (enum queue_bucket)slot->bucket,
	                               .codebase = item->wanted.codebase,
	                               .campaign = item->wanted.campaign,
	                               .command = item->wanted.command,
	                               .has_command = true,
	                               .priority = item->priority,
	                               .estimated_duration = interval_of_us(item->duration_us),
	                               .has_estimated_duration = true,
	                               .refresh = false,
	                               .has_refresh = true};
	SET_TEXT(in, context, item->wanted.context);
	SET_TEXT(in, requester, requester);
	SET_TEXT(in, change_set, item->wanted.change_set);
	return HF_OK;
}

enum hf_status bulk_append(hf_where tx, const struct bulk *bulk, struct bulk_row *rows, size_t count,
                           const atomic_bool *stop, hf_error *err)
{
	struct cursor cursor = {bulk, rows, rows + count, rows, stop};
	return queue_append(tx, next_new, &cursor, NULL, err);
}

/* ---- replaced items ---- */

struct batch {
	int32_t ids[WRITE_BATCH];
	struct hf_str commands[WRITE_BATCH], contexts[WRITE_BATCH];
	bool no_context[WRITE_BATCH];
	int64_t priorities[WRITE_BATCH];
	struct hf_interval durations[WRITE_BATCH];
	uint32_t count;
};

static enum hf_status flush(const struct bulk *bulk, struct batch *batch, hf_error *err)
{
	uint32_t n = batch->count;
	struct queue_overwrite_in in = {.ids = {.count = n, .ndim = 1, .values = batch->ids},
	                                .commands = text_array(n, batch->commands, NULL),
	                                .contexts = text_array(n, batch->contexts, batch->no_context),
	                                .priorities = {.count = n, .ndim = 1, .values = batch->priorities},
	                                .durations = {.count = n, .ndim = 1, .values = batch->durations},
	                                .bucket = (enum queue_bucket)bulk->bucket};
	SET_TEXT(&in, requester, requester);
	batch->count = 0;
	return n == 0 ? HF_OK : queue_overwrite(bulk->tx, &in, NULL, err);
}

static void add_replaced(struct batch *batch, const struct bulk_slot *slot, const struct bulk_item *item)
{
	uint32_t i = batch->count++;
	batch->ids[i] = slot->id;
	batch->commands[i] = item->wanted.command;
	batch->contexts[i] = item->wanted.context;
	batch->no_context[i] = item->wanted.context.ptr == NULL;
	batch->priorities[i] = item->priority;
	batch->durations[i] = interval_of_us(item->duration_us);
}

static void free_batch(struct batch **batch)
{
	free(*batch);
}

static enum hf_status write_replaced(const struct bulk *bulk, hf_error *err)
{
	CLEANUP(free_batch) struct batch *batch = calloc(1, sizeof(*batch));
	enum hf_status status = HF_OK;
	if (!batch)
		return error_nomem(err);
	for (size_t at = 0; status == HF_OK && at < bulk->minimum.nvalues; at++) {
		const struct bulk_slot *slot = &bulk->slots[at];
		if (!slot->existed || slot->item == BULK_NO_ITEM)
			continue;
		add_replaced(batch, slot, &bulk->items[slot->item]);
		if (batch->count == WRITE_BATCH)
			status = flush(bulk, batch, err);
	}
	return status == HF_OK ? flush(bulk, batch, err) : status;
}

enum hf_status bulk_write(struct bulk *bulk, hf_error *err)
{
	struct bulk_row *rows = NULL;
	enum hf_status status = write_replaced(bulk, err);
	if (status != HF_OK || bulk->report.added == 0 || bulk->apart)
		return status;
	status = bulk_new_rows(bulk, &rows, err);
	return status == HF_OK ? bulk_append(bulk->tx, bulk, rows, (size_t)bulk->report.added, NULL, err) : status;
}
