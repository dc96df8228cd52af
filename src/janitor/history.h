/*
 * history.h - earlier runs as the scheduling arithmetic wants them (core/schedule.h), whichever statement read them.
 */
#ifndef JANITOR_HISTORY_H
#define JANITOR_HISTORY_H

#include "core/schedule.h"
#include "holdfast/context.h"
#include "janitor/dependency.h"
#include "queries/janitor/schedule.h"

/** Now on the clock of the database's timestamps: microseconds since 2000, UTC. */
int64_t history_now_us(hf_context *ctx);
/**
 * Feed one run to the history of an item with this context ({NULL, 0} or "": none), which the caller calls `place`. One
 * that failed for unsatisfied dependencies waits in `waits`: until history_settle() it counts as if they were neither
 * available nor missing.
 * @return HF_OK; HF_REJECTED failure details of another shape than the worker writes.
 */
enum hf_status history_add(struct schedule_history *history, struct hf_str context,
                           const struct schedule_histories_row *row, int64_t place, struct dependency_waits *waits,
                           hf_error *err);
typedef struct schedule_history *history_of_fn(void *user, int64_t place);
/** After the last row: what waits is answered (dependency.h), each for the history of its place. */
enum hf_status history_settle(hf_where where, struct dependency_waits *waits, const struct hf_defects *keep,
                              history_of_fn *of, void *user, hf_error *err);

#endif
