/*
 * queue_rows.h - rows of the queue as the public struct, shared by whoever reads items (queue.c).
 */
#ifndef JANITOR_QUEUE_ROWS_H
#define JANITOR_QUEUE_ROWS_H

#include "holdfast/queue.h"
#include "queries/janitor/queue.h"

/* The columns of a queue_list_row out of a row that has more of them (claim_next, queue_next). */
#define QUEUE_LIST_ROW(of)                                                               \
	((struct queue_list_row){.id = (of)->id,                                         \
	                         .codebase = (of)->codebase,                             \
	                         .campaign = (of)->campaign,                             \
	                         .bucket = (of)->bucket,                                 \
	                         .priority = (of)->priority,                             \
	                         .context = (of)->context,                               \
	                         .has_context = (of)->has_context,                       \
	                         .command = (of)->command,                               \
	                         .has_command = (of)->has_command,                       \
	                         .estimated_duration = (of)->estimated_duration,         \
	                         .has_estimated_duration = (of)->has_estimated_duration, \
	                         .refresh = (of)->refresh,                               \
	                         .has_refresh = (of)->has_refresh,                       \
	                         .requester = (of)->requester,                           \
	                         .has_requester = (of)->has_requester,                   \
	                         .change_set = (of)->change_set,                         \
	                         .has_change_set = (of)->has_change_set})

/** Texts stay those of the row. HF_E_LIMIT for a duration that 64 bits of microseconds cannot hold. */
enum hf_status queue_item_of_row(const struct queue_list_row *row, struct hf_queue_item *ret_item, hf_error *err);

#endif
