/*
 * history.c - see history.h and, for failure details, dependency.h.
 */
#include "janitor/history.h"

#include "janitor/values.h"

#define EPOCH_2000_US INT64_C(946684800000000)

int64_t history_now_us(hf_context *ctx)
{
	return hf_now_wall_us(ctx) - EPOCH_2000_US;
}

static bool same_context(struct hf_str context, const struct schedule_histories_row *row)
{
	return context.len > 0 && ((row->has_instigated_context && str_eq(context, row->instigated_context)) ||
	                           (row->has_context && str_eq(context, row->context)));
}

enum hf_status history_add(struct schedule_history *history, struct hf_str context,
                           const struct schedule_histories_row *row, int64_t place, struct dependency_waits *waits,
                           hf_error *err)
{
	struct schedule_run run = {.has_times = row->has_start_time && row->has_duration,
	                           .start_us = row->start_time.us,
	                           .success = row->success,
	                           .worker_failure = row->worker_failure,
	                           .same_context = same_context(context, row)};
	const struct dependency_wait wait = {place, run.same_context, row->details};
	enum hf_status status = HF_OK;
	bool is_waiting = false;
	if (run.has_times)
		status = interval_us(row->duration, &run.duration_us, err);
	if (status == HF_OK && row->has_details)
		status = dependency_add(waits, &wait, &is_waiting, err);
	run.same_context = run.same_context && !is_waiting;
	if (status == HF_OK)
		schedule_history_add(history, &run);
	return status;
}

struct settling {
	history_of_fn *of;
	void *user;
};

static void settle(void *user, const struct dependency_wait *wait, bool satisfied)
{
	const struct settling *settling = user;
	schedule_history_settle(settling->of(settling->user, wait->place), wait->same_context, satisfied);
}

enum hf_status history_settle(hf_where where, struct dependency_waits *waits, const struct hf_defects *keep,
                              history_of_fn *of, void *user, hf_error *err)
{
	struct settling settling = {of, user};
	return dependency_settle(where, waits, keep, settle, &settling, err);
}
