/*
 * todo.c - see todo.h. The worth of a publish policy is that of all its modes (spec/janitor.md 7.10).
 */
#include "janitor/todo.h"

#include <math.h>
#include <stdlib.h>

#include "base/context.h"
#include "core/publish_mode.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"

enum { TODO_REFUSED_LOGGED = 20 };

struct todo_key {
	int64_t worth; /* of the codebase; an unknown one is the least */
	int32_t id;
	uint32_t at;
};

void todo_deinit(struct todo *todo)
{
	intern_free(todo->texts);
	free(todo->items);
	free(todo->keys);
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

/* The candidate's value and what the modes of its policy add; else why it, or its chance, cannot be told. */
static const char *value_of(const struct candidate_to_schedule_row *row, const struct hf_defects *keep,
                            struct hf_schedule_item *item)
{
	int64_t value = row->has_value ? row->value : 0;
	if (row->has_success_chance && !isfinite(row->success_chance) && !hf_defects_kept(keep, 19))
		return "its chance of success is no number";
	if (row->no_modes)
		return "its publish policy has no list of modes";
	if (!row->has_value && row->modes.count > 0)
		return "it has a publish policy, but no value";
	for (uint32_t i = 0; i < row->modes.count; i++) {
		int32_t worth;
		if (row->modes.nulls && row->modes.nulls[i])
			return "its publish policy has a role without a mode";
		if (!publish_mode_value(row->modes.values[i], keep, &worth))
			return "its publish policy has a mode without a worth (push-derived, D-16)";
		value += worth;
	}
	item->has_value = row->has_value;
	item->value = (double)value;
	return NULL;
}

void todo_leave_out(hf_context *ctx, struct hf_str campaign, struct hf_str codebase, const char *why, int64_t *count)
{
	const struct hf_log_field fields[] = {
		{.name = "campaign", .kind = HF_FIELD_TEXT, .text = campaign},
		{.name = "codebase", .kind = HF_FIELD_TEXT, .text = codebase},
		field_text("reason", why),
	};
	if ((*count)++ < TODO_REFUSED_LOGGED)
		context_log(ctx, HF_LOG_WARN, "candidate_left_out", fields, ARRAY_LEN(fields));
}

static enum hf_status refuse(struct todo *todo, const struct candidate_to_schedule_row *row, const char *why,
                             hf_error *err)
{
	if (todo->strict)
		return error_set(err, HF_REJECTED, "%.*s/%.*s: %s", STR_ARG(row->campaign), STR_ARG(row->codebase),
		                 why);
	todo_leave_out(todo->ctx, row->campaign, row->codebase, why, &todo->refused);
	return HF_OK;
}

static bool grow(struct todo *todo)
{
	size_t capacity = todo->capacity ? todo->capacity * 2 : 1024;
	struct hf_schedule_item *items = reallocarray(todo->items, capacity, sizeof(*items));
	if (items)
		todo->items = items;
	struct todo_key *keys = items ? reallocarray(todo->keys, capacity, sizeof(*keys)) : NULL;
	if (!keys)
		return false;
	todo->keys = keys;
	todo->capacity = capacity;
	return true;
}

static enum hf_status add_candidate(void *user, const struct candidate_to_schedule_row *row, hf_error *err)
{
	struct todo *todo = user;
	if (todo->count == todo->capacity && !grow(todo))
		return error_nomem(err);
	struct hf_schedule_item *item = &todo->items[todo->count];
	*item = (struct hf_schedule_item){.has_success_chance = row->has_success_chance,
	                                  .success_chance = row->success_chance};
	const char *why = value_of(row, todo->keep, item);
	if (why)
		return refuse(todo, row, why, err);
	todo->keys[todo->count] = (struct todo_key){.worth = row->has_codebase_value ? row->codebase_value : INT64_MIN,
	                                            .id = row->id,
	                                            .at = (uint32_t)todo->count};
	const bool has_change_set = row->has_change_set && !hf_defects_kept(todo->keep, 25);
	if (!keep(todo, true, row->codebase, &item->codebase) || !keep(todo, true, row->campaign, &item->campaign) ||
	    !keep(todo, true, row->command, &item->command) ||
	    !keep(todo, row->has_context, row->context, &item->context) ||
	    !keep(todo, has_change_set, row->change_set, &item->change_set))
		return error_nomem(err);
	todo->count++;
	return HF_OK;
}

/* ---- their order ---- */

static int compare(const void *a, const void *b)
{
	const struct todo_key *x = a, *y = b;
	if (x->worth != y->worth)
		return x->worth > y->worth ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* The first item of an empty queue sets the smallest priority that all later ones are counted from (D-14), so the
 * order is part of the result. */
static enum hf_status put_in_order(struct todo *todo, hf_error *err)
{
	if (todo->count == 0)
		return HF_OK;
	struct hf_schedule_item *ordered = reallocarray(NULL, todo->count, sizeof(*ordered));
	if (!ordered)
		return error_nomem(err);
	qsort(todo->keys, todo->count, sizeof(*todo->keys), compare);
	for (size_t i = 0; i < todo->count; i++)
		ordered[i] = todo->items[todo->keys[i].at];
	free(todo->items);
	todo->items = ordered;
	todo->capacity = todo->count;
	return HF_OK;
}

enum hf_status todo_read(hf_where where, struct hf_str campaign, struct hf_str_array codebases,
                         const struct hf_defects *keep, struct todo *ret_todo, hf_error *err)
{
	struct candidate_to_schedule_in in = {.codebases = codebases, .has_codebases = codebases.count > 0};
	SET_TEXT(&in, campaign, campaign);
	ret_todo->ctx = hf_where_context(where);
	ret_todo->strict |= hf_defects_kept(keep, 16);
	ret_todo->keep = keep;
	ret_todo->texts = intern_new(UINT32_MAX - 1);
	if (!ret_todo->texts)
		return error_nomem(err);
	/* Who refuses a row cancels a COPY, and a transaction of the caller's with it. */
	const bool copy = !in.has_codebases && !in.has_campaign && !ret_todo->strict;
	enum hf_status status = copy ? candidate_all_to_schedule(where, add_candidate, ret_todo, err)
	                             : candidate_to_schedule(where, &in, add_candidate, ret_todo, err);
	return status == HF_OK ? put_in_order(ret_todo, err) : status;
}
