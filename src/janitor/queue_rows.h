/*
 * queue_rows.h - rows of the queue as the public struct, shared by whoever reads items (queue.c).
 */
#ifndef JANITOR_QUEUE_ROWS_H
#define JANITOR_QUEUE_ROWS_H

#include "holdfast/queue.h"
#include "queries/janitor/queue.h"

/** Texts stay those of the row. HF_E_LIMIT for a duration that 64 bits of microseconds cannot hold. */
enum hf_status queue_item_of_row(const struct queue_list_row *row, struct hf_queue_item *ret_item, hf_error *err);

#endif
