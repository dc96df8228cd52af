/*
 * history.h - earlier runs as the scheduling arithmetic wants them (core/schedule.h), whichever statement read them.
 */
#ifndef JANITOR_HISTORY_H
#define JANITOR_HISTORY_H

#include "core/schedule.h"
#include "holdfast/context.h"
#include "queries/janitor/schedule.h"

/** Now on the clock of the database's timestamps: microseconds since 2000, UTC. */
int64_t history_now_us(hf_context *ctx);
/**
 * Feed one run to the history of an item with this context ({NULL, 0} or "": none). Whether unsatisfied dependencies
 * are available today would have to be read from a table that the schema does not have: they are not; with D-17 that is
 * HF_E_DRIFT.
 * @return HF_OK; HF_REJECTED failure details of another shape than the worker writes.
 */
enum hf_status history_add(struct schedule_history *history, struct hf_str context,
                           const struct schedule_histories_row *row, const struct hf_defects *keep, hf_error *err);

#endif
