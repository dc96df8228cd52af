/*
 * todo.c - see todo.h. The worth of a publish policy is that of all its modes (spec/janitor.md 7.10).
 */
#include "janitor/todo.h"

#include <stdlib.h>

#include "core/publish_mode.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"

void todo_deinit(struct todo *todo)
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
static enum hf_status value_of(const struct candidate_to_schedule_row *row, const struct hf_defects *keep,
                               struct hf_schedule_item *item, hf_error *err)
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
		if (!publish_mode_value(row->modes.values[i], keep, &worth))
			return refuse(row, "its publish policy has a mode without a worth (push-derived, D-16)", err);
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
	const bool has_change_set = row->has_change_set && !hf_defects_kept(todo->keep, 25);
	if (!keep(todo, true, row->codebase, &item->codebase) || !keep(todo, true, row->campaign, &item->campaign) ||
	    !keep(todo, true, row->command, &item->command) ||
	    !keep(todo, row->has_context, row->context, &item->context) ||
	    !keep(todo, has_change_set, row->change_set, &item->change_set))
		return error_nomem(err);
	enum hf_status status = value_of(row, todo->keep, item, err);
	if (status == HF_OK)
		todo->count++;
	return status;
}

enum hf_status todo_read(hf_where where, struct hf_str campaign, struct hf_str_array codebases,
                         const struct hf_defects *keep, struct todo *ret_todo, hf_error *err)
{
	struct candidate_to_schedule_in in = {.codebases = codebases, .has_codebases = codebases.count > 0};
	SET_TEXT(&in, campaign, campaign);
	ret_todo->keep = keep;
	ret_todo->texts = intern_new(UINT32_MAX - 1);
	if (!ret_todo->texts)
		return error_nomem(err);
	return candidate_to_schedule(where, &in, add_candidate, ret_todo, err);
}
