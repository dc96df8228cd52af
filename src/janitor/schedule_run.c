/*
 * schedule_run.c - what there is to schedule: candidates with a publish policy, the policy's worth added to their
 * value.
 */
#include "holdfast/schedule.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/intern.h"
#include "core/publish_mode.h"
#include "core/schedule.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"
#include "queries/janitor/codebase.h"

struct todo {
	struct intern *texts; /* campaigns, contexts and commands repeat: kept once */
	struct hf_schedule_item *items;
	size_t count, capacity;
};

static void todo_deinit(struct todo *todo)
{
	intern_free(todo->texts);
	free(todo->items);
}

static bool keep(struct todo *todo, bool present, struct hf_str text, struct hf_str *ret)
{
	*ret = (struct hf_str){NULL, 0};
	if (!present)
		return true;
	uint32_t number = intern_add(todo->texts, text);
	if (number != INTERN_NONE)
		*ret = intern_text(todo->texts, number);
	return number != INTERN_NONE;
}

static enum hf_status refuse(const struct candidate_to_schedule_row *row, const char *what, hf_error *err)
{
	return error_set(err, HF_REJECTED, "%.*s/%.*s: %s", STR_ARG(row->campaign), STR_ARG(row->codebase), what);
}

/* The candidate's value and what the modes of its policy add. */
static enum hf_status value_of(const struct candidate_to_schedule_row *row, struct hf_schedule_item *item,
                               hf_error *err)
{
	int64_t value = row->has_value ? row->value : 0;
	if (row->no_modes)
		return refuse(row, "its publish policy has no list of modes", err);
	if (!row->has_value && row->modes.count > 0)
		return refuse(row, "it has a publish policy, but no value", err);
	for (uint32_t i = 0; i < row->modes.count; i++) {
		int32_t worth;
		if (row->modes.nulls && row->modes.nulls[i])
			return refuse(row, "its publish policy has a role without a mode", err);
		if (!publish_mode_value(row->modes.values[i], &worth))
			return refuse(row, "its publish policy has a mode without a worth (push-derived)", err);
		value += worth;
	}
	item->has_value = row->has_value;
	item->value = (double)value;
	return HF_OK;
}

static enum hf_status add_candidate(void *user, const struct candidate_to_schedule_row *row, hf_error *err)
{
	struct todo *todo = user;
	if (todo->count == todo->capacity) {
		size_t capacity = todo->capacity ? todo->capacity * 2 : 1024;
		struct hf_schedule_item *grown = reallocarray(todo->items, capacity, sizeof(*grown));
		if (!grown)
			return error_nomem(err);
		todo->items = grown;
		todo->capacity = capacity;
	}
	struct hf_schedule_item *item = &todo->items[todo->count];
	*item = (struct hf_schedule_item){.has_success_chance = row->has_success_chance,
	                                  .success_chance = row->success_chance};
	if (!keep(todo, true, row->codebase, &item->codebase) || !keep(todo, true, row->campaign, &item->campaign) ||
	    !keep(todo, true, row->command, &item->command) ||
	    !keep(todo, row->has_context, row->context, &item->context))
		return error_nomem(err);
	enum hf_status status = value_of(row, item, err);
	if (status == HF_OK)
		todo->count++;
	return status;
}

enum hf_status hf_schedule_run(hf_where where, const struct hf_schedule_options *options,
                               struct hf_schedule_report *ret_report, hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {.texts = intern_new(UINT32_MAX - 1)};
	struct candidate_to_schedule_in in = {.codebases = options->codebases,
	                                      .has_codebases = options->codebases.count > 0};
	struct hf_schedule_report report = {0};
	SET_TEXT(&in, campaign, options->campaign);
	if (!todo.texts)
		return error_nomem(err);
	enum hf_status status = candidate_to_schedule(where, &in, add_candidate, &todo, err);
	if (status == HF_OK)
		status = hf_schedule_bulk(where, todo.items, todo.count, options, &report, err);
	if (status == HF_OK || status == HF_E_CORRUPT)
		*ret_report = report;
	return status;
}

/* ---- one of them, explained ---- */

/* The codebase's share as bulk scheduling takes it: an unknown value counts as 0. */
static enum hf_status share_of(hf_where where, struct hf_str codebase, struct hf_schedule_request *request,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_greatest_value_row greatest;
	struct codebase_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = codebase_greatest_value(where, arena, &greatest, err);
	if (status == HF_OK)
		status = codebase_by_name(where, &(struct codebase_by_name_in){.name = codebase}, arena, &row, err);
	if (status != HF_OK || !greatest.has_greatest || greatest.greatest == 0)
		return status;
	request->has_normalized_value = true;
	request->normalized_value = schedule_normalized(row.has_value ? row.value : 0, greatest.greatest);
	return HF_OK;
}

enum hf_status hf_schedule_explain(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                   struct hf_schedule_explanation *ret_why, hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {.texts = intern_new(16)};
	struct candidate_to_schedule_in in = {.codebases = text_array(1, &codebase, NULL), .has_codebases = true};
	struct hf_schedule_request request = {.item = {.codebase = codebase, .campaign = campaign}, .dry_run = true};
	struct hf_schedule_result result;
	SET_TEXT(&in, campaign, campaign);
	if (!todo.texts)
		return error_nomem(err);
	enum hf_status status = candidate_to_schedule(where, &in, add_candidate, &todo, err);
	if (status == HF_OK && todo.count > 0)
		request.item = todo.items[0];
	if (status == HF_OK)
		status = share_of(where, codebase, &request, err);
	if (status == HF_OK)
		status = hf_schedule_candidate(where, &request, &result, ret_why, err);
	return status;
}
