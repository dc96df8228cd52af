/*
 * history.c - see history.h. Failure details (spec/janitor.md 7.3 step 3 and 7.8) are JSON of the worker:
 * {"relations": [[{"name": ...}, ...alternatives], ...]}.
 */
#include "janitor/history.h"

#include <jansson.h>

#include "base/error.h"
#include "janitor/json_text.h"
#include "janitor/values.h"

#define EPOCH_2000_US INT64_C(946684800000000)

DEFINE_OWNED(json, json_t *, json_decref)

int64_t history_now_us(hf_context *ctx)
{
	return hf_now_wall_us(ctx) - EPOCH_2000_US;
}

static enum hf_status no_versions(hf_error *err)
{
	error_set(err, HF_E_DRIFT,
	          "a run failed for unsatisfied dependencies, and the table all_debian_versions that "
	          "says what is available is not part of this schema");
	error_hint(err, "schedule this codebase by \"schedule one\" with an offset of its own");
	return HF_E_DRIFT;
}

/* A list of lists of alternatives: without any list it is satisfied, a list without alternatives never is. */
static enum hf_status satisfied(const json_t *relations, const struct hf_defects *keep, bool *ret_satisfied,
                                hf_error *err)
{
	size_t i;
	json_t *alternatives;
	if (!json_is_array(relations))
		return error_set(err, HF_REJECTED, "failure details hold relations that are no list");
	json_array_foreach (relations, i, alternatives) {
		if (json_array_size(alternatives) > 0 && hf_defects_kept(keep, 17))
			return no_versions(err);
		*ret_satisfied = false;
		return HF_OK;
	}
	*ret_satisfied = true;
	return HF_OK;
}

static enum hf_status dependencies(struct hf_str details, const struct hf_defects *keep, bool *ret_satisfied,
                                   hf_error *err)
{
	CLEANUP(json_freep) json_t *value = json_loadb(details.ptr, details.len, JSON_DECODE_ANY, NULL);
	*ret_satisfied = false;
	if (!value)
		return error_set(err, HF_E_INPUT, "failure details of a run are no JSON that can be read");
	if (!json_text_truthy(value))
		return HF_OK;
	if (!json_is_object(value))
		return error_set(err, HF_REJECTED, "failure details of a run are no object");
	const json_t *relations = json_object_get(value, "relations");
	if (!relations || !json_text_truthy(relations))
		return HF_OK;
	return satisfied(relations, keep, ret_satisfied, err);
}

static bool same_context(struct hf_str context, const struct schedule_histories_row *row)
{
	return context.len > 0 && ((row->has_instigated_context && str_eq(context, row->instigated_context)) ||
	                           (row->has_context && str_eq(context, row->context)));
}

enum hf_status history_add(struct schedule_history *history, struct hf_str context,
                           const struct schedule_histories_row *row, const struct hf_defects *keep, hf_error *err)
{
	struct schedule_run run = {.has_times = row->has_start_time && row->has_duration,
	                           .start_us = row->start_time.us,
	                           .success = row->success,
	                           .worker_failure = row->worker_failure,
	                           .same_context = same_context(context, row)};
	enum hf_status status = HF_OK;
	if (run.has_times)
		status = interval_us(row->duration, &run.duration_us, err);
	if (status == HF_OK && row->has_details)
		status = dependencies(row->details, keep, &run.dependencies_now_satisfied, err);
	if (status == HF_OK)
		schedule_history_add(history, &run);
	return status;
}
