/*
 * changeset.c - see holdfast/change_set.h. The server's functions and views decide; here rows become structs.
 */
#include "holdfast/change_set.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "core/names.h"
#include "janitor/columns.h"
#include "janitor/long_names.h"
#include "janitor/values.h"
#include "queries/janitor/changeset.h"

enum { CREATED_MAX = 100000 };

static const char *const state_words[HF_CHANGE_SET_STATE_COUNT] = {"created", "working", "ready", "publishing", "done"};

/* The generated enum has the same order. */
static_assert((int)CHANGE_SET_STATE_DONE == (int)HF_CHANGE_SET_DONE, "order of states");

const char *hf_change_set_state_word(enum hf_change_set_state state)
{
	return word_of(state_words, ARRAY_LEN(state_words), (int)state);
}

enum hf_status hf_change_set_state_parse(struct hf_str word, enum hf_change_set_state *ret_state, hf_error *err)
{
	int number;
	enum hf_status status =
		word_parse(word, state_words, ARRAY_LEN(state_words), "state of a change set", &number, err);
	if (status == HF_OK)
		*ret_state = (enum hf_change_set_state)number;
	return status;
}

static enum hf_status no_such_set(struct hf_str id, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no change set %.*s", (int)(id.len > 100 ? 100 : id.len), id.ptr);
}

static struct hf_change_set set_of(const struct changeset_row *row)
{
	return (struct hf_change_set){row->id, row->campaign, (enum hf_change_set_state)row->state, row->runs};
}

/* ---- reading ---- */

struct sink {
	hf_change_set_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct changeset_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_change_set set = set_of(row);
	return sink->fn(sink->user, &set, err);
}

enum hf_status hf_change_set_list(hf_where where, const struct hf_change_set_filter *filter, hf_change_set_fn *fn,
                                  void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	struct changeset_list_in in = {.state = (enum change_set_state)filter->state,
	                               .has_state = filter->has_state,
	                               WITH_TEXT(campaign, filter->campaign),
	                               WITH_TEXT(after, filter->after),
	                               WITH_LIMIT(filter->limit)};
	return changeset_list(where, &in, list_row, &sink, err);
}

/* ---- writing ---- */

static enum hf_status check_new(size_t number, const struct hf_change_set *set, hf_error *err)
{
	if (set->id.len == 0)
		return error_set(err, HF_E_INPUT, "change set %zu has no id", number);
	if (codebase_name_valid(set->campaign))
		return HF_OK;
	error_set(err, HF_E_INPUT, "change set %zu: the campaign is no name", number);
	error_hint(err, CODEBASE_NAME_RULE);
	return HF_E_INPUT;
}

static enum hf_status check_long_names(hf_where where, const struct hf_str *campaigns, uint32_t count, hf_error *err)
{
	uint32_t new;
	enum hf_status status = long_names_new(where, NAME_OF_CAMPAIGN, campaigns, count, &new, err);
	if (status != HF_OK || new == count)
		return status;
	return error_set(err, HF_E_INPUT, "change set %u: the campaign " CODEBASE_NAME_TOO_LONG, new + 1);
}

enum hf_status hf_change_set_create(hf_where where, const struct hf_change_set *sets, size_t count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct columns columns = {.arena = arena, .rows = sets, .row_size = sizeof(*sets), .count = (uint32_t)count};
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	if (count > CREATED_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d change sets at once", CREATED_MAX);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check_new(i + 1, &sets[i], err);
		if (status != HF_OK)
			return status;
	}
	struct changeset_create_in in = {.ids = columns_text(&columns, offsetof(struct hf_change_set, id)),
	                                 .campaigns = columns_text(&columns, offsetof(struct hf_change_set, campaign))};
	if (columns.starved)
		return error_nomem(err);
	enum hf_status status = check_long_names(where, in.campaigns.values, (uint32_t)count, err);
	if (status != HF_OK)
		return status;
	status = changeset_create(where, &in, NULL, &local);
	if (strcmp(local.constraint, "change_set_pkey") == 0)
		status = local.status = HF_CONFLICT;
	if (status != HF_OK && err)
		*err = local;
	return status;
}

enum hf_status hf_change_set_delete(hf_where where, struct hf_str id, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	int64_t removed;
	enum hf_status status = changeset_delete(where, &(struct changeset_delete_in){.id = id}, &removed, &local);
	if (status == HF_OK)
		return removed > 0 ? HF_OK : no_such_set(id, err);
	if (strcmp(local.constraint, "run_change_set_fkey") == 0 ||
	    strcmp(local.constraint, "publish_change_set_fkey") == 0)
		error_reword(&local, "a %s belongs to change set %.*s", local.constraint[0] == 'r' ? "run" : "publish",
		             SHOWN(id));
	if (err)
		*err = local;
	return status;
}

/* ---- one of them ---- */

enum hf_status hf_change_set_get(hf_where where, struct hf_str id, hf_arena *arena,
                                 struct hf_change_set *ret_change_set, hf_error *err)
{
	struct changeset_row row;
	enum hf_status status = changeset_by_id(where, &(struct changeset_by_id_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_set(id, err);
	if (status == HF_OK)
		*ret_change_set = set_of(&row);
	return status;
}

enum hf_status hf_change_set_todo(hf_where where, struct hf_str id, hf_arena *arena,
                                  struct hf_change_set_todo **ret_todo, size_t *ret_count, hf_error *err)
{
	struct changeset_todo_row *rows;
	size_t count;
	enum hf_status status = changeset_todo(where, &(struct changeset_todo_in){.id = id}, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	struct hf_change_set_todo *todo = hf_arena_calloc(arena, count + 1, sizeof(*todo));
	if (!todo)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		todo[i] = (struct hf_change_set_todo){rows[i].id, rows[i].codebase, rows[i].campaign};
	*ret_todo = todo;
	*ret_count = count;
	return HF_OK;
}

enum hf_status hf_change_set_unpublished(hf_where where, struct hf_str id, hf_arena *arena,
                                         struct hf_change_set_branch **ret_branches, size_t *ret_count, hf_error *err)
{
	struct changeset_unpublished_in in = {.id = id};
	struct changeset_unpublished_row *rows;
	size_t count;
	enum hf_status status = changeset_unpublished(where, &in, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	struct hf_change_set_branch *branches = hf_arena_calloc(arena, count + 1, sizeof(*branches));
	if (!branches)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		branches[i] = (struct hf_change_set_branch){rows[i].run_id, rows[i].role};
	*ret_branches = branches;
	*ret_count = count;
	return HF_OK;
}

/* ---- moving on ---- */

enum hf_status hf_change_set_refresh(hf_where where, struct hf_str id, enum hf_change_set_state *ret_state,
                                     hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct changeset_refresh_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = changeset_refresh(where, &(struct changeset_refresh_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_set(id, err);
	if (status == HF_OK)
		*ret_state = (enum hf_change_set_state)row.state;
	return status;
}
