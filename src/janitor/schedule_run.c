/*
 * schedule_run.c - scheduling everything that there is to schedule (todo.h), one of it explained, and again after a
 * run.
 */
#include "holdfast/schedule.h"

#include <math.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/schedule.h"
#include "holdfast/codebase.h"
#include "janitor/bulk.h"
#include "janitor/todo.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

enum hf_status hf_schedule_run(hf_where where, const struct hf_schedule_options *options,
                               struct hf_schedule_report *ret_report, hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {0};
	struct hf_schedule_report report = {0};
	if (!(fabs(options->default_offset) < 9.2e18))
		return error_set(err, HF_E_INPUT, "the default offset is not a finite number within 64 bits");
	enum hf_status status = todo_read(where, options->campaign, options->codebases, options->keep, &todo, err);
	if (status == HF_OK)
		status = schedule_items(where, todo.items, todo.count, !todo.strict, options, &report, err);
	report.refused += todo.refused;
	if (status == HF_OK || status == HF_E_CORRUPT)
		*ret_report = report;
	return status;
}

/* ---- one of them, explained ---- */

/* The codebase's share as bulk scheduling takes it with D-24: an unknown value counts as 0. */
static enum hf_status share_of(hf_where where, struct hf_str codebase, struct hf_schedule_request *request,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_greatest_value_row greatest;
	struct hf_codebase row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = codebase_greatest_value(where, arena, &greatest, err);
	if (status == HF_OK)
		status = hf_codebase_get(where, codebase, arena, &row, err);
	if (status != HF_OK || !greatest.has_greatest || greatest.greatest == 0)
		return status;
	request->has_normalized_value = true;
	request->normalized_value = schedule_normalized(row.has_value ? row.value : 0, greatest.greatest);
	return HF_OK;
}

enum hf_status hf_schedule_explain(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                   const struct hf_defects *keep, struct hf_schedule_explanation *ret_why,
                                   hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {.strict = true};
	struct hf_schedule_request request = {.item = {.codebase = codebase, .campaign = campaign},
	                                      .dry_run = true,
	                                      .keep = keep};
	struct hf_schedule_result result;
	enum hf_status status = todo_read(where, campaign, text_array(1, &codebase, NULL), keep, &todo, err);
	if (status == HF_OK && todo.count > 0)
		request.item = todo.items[0];
	if (status == HF_OK && hf_defects_kept(keep, 24))
		status = share_of(where, codebase, &request, err);
	if (status == HF_OK)
		status = hf_schedule_candidate(where, &request, &result, ret_why, err);
	return status;
}

/* ---- after a run ---- */

/* The same would happen again at once (D-28). */
static bool is_in_vain(struct hf_str code)
{
	return str_eq(code, HF_STR("unknown-campaign")) || str_eq(code, HF_STR("not-in-vcs"));
}

enum hf_status hf_schedule_after_run(hf_where where, const struct hf_schedule_after *after, bool *ret_scheduled,
                                     struct hf_schedule_result *ret_result, hf_error *err)
{
	struct hf_schedule_request request = {.item = {.codebase = after->codebase,
	                                               .campaign = after->campaign,
	                                               .change_set = after->change_set,
	                                               .context = after->context},
	                                      .requester = HF_STR("after run schedule"),
	                                      .keep = after->keep};
	struct hf_schedule_result result;
	enum hf_status status = HF_NOT_FOUND;
	if (hf_defects_kept(after->keep, 28) || !is_in_vain(after->result_code))
		status = hf_schedule_candidate(where, &request, &result, NULL, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	*ret_scheduled = status == HF_OK;
	if (status == HF_OK && ret_result)
		*ret_result = result;
	return HF_OK;
}
