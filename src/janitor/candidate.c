/*
 * candidate.c - see holdfast/candidate.h.
 */
#include "holdfast/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "core/names.h"
#include "janitor/long_names.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"

enum { BATCH = 5000, CANDIDATES_MAX = 1000000 };

/* ---- checks before anything is sent ---- */

static enum hf_status wrong(size_t i, const struct hf_candidate *candidate, const char *what, hf_error *err)
{
	return error_set(err, HF_E_INPUT, "candidate %zu (%.*s/%.*s): %s", i + 1,
	                 (int)(candidate->campaign.len > 60 ? 60 : candidate->campaign.len), candidate->campaign.ptr,
	                 (int)(candidate->codebase.len > 60 ? 60 : candidate->codebase.len), candidate->codebase.ptr,
	                 what);
}

static enum hf_status check(size_t i, const struct hf_candidate *candidate, hf_error *err)
{
	if (candidate->codebase.len == 0)
		return wrong(i, candidate, "a codebase is missing", err);
	if (!codebase_name_valid(candidate->campaign)) {
		wrong(i, candidate, "the campaign is no name", err);
		error_hint(err, CODEBASE_NAME_RULE);
		return HF_E_INPUT;
	}
	if (candidate->command.len == 0)
		return wrong(i, candidate, "the command is empty", err);
	if (candidate->has_value && candidate->value <= 0)
		return wrong(i, candidate, "the value is not above 0", err);
	if (candidate->has_success_chance && !(candidate->success_chance >= 0.0 && candidate->success_chance <= 1.0))
		return wrong(i, candidate, "the success chance is not within 0 and 1", err);
	return HF_OK;
}

static enum hf_status check_one(hf_where where, const struct hf_candidate *candidate, hf_error *err)
{
	enum hf_status status = check(0, candidate, err);
	return status == HF_OK ? long_name_check(where, NAME_OF_CAMPAIGN, candidate->campaign, "campaign", err)
	                       : status;
}

static enum hf_status check_all(const struct hf_candidate *candidates, size_t count, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *places = intern_new(CANDIDATES_MAX);
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	if (!places || !scratch)
		return error_nomem(err);
	if (count > CANDIDATES_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d candidates in one import", CANDIDATES_MAX);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check(i, &candidates[i], err);
		if (status != HF_OK)
			return status;
		hf_arena_reset(scratch);
		struct hf_str place = arena_printf(scratch, "%.*s\n%.*s\n%.*s", STR_ARG(candidates[i].codebase),
		                                   STR_ARG(candidates[i].campaign), STR_ARG(candidates[i].change_set));
		uint32_t number = place.ptr ? intern_add(places, place) : INTERN_NONE;
		if (number == INTERN_NONE)
			return error_nomem(err);
		if (number != i)
			return wrong(i, &candidates[i], "the same codebase, campaign and change set came before", err);
	}
	return HF_OK;
}

/* ---- import ---- */

struct batch {
	struct hf_str codebases[BATCH], campaigns[BATCH], commands[BATCH], contexts[BATCH], policies[BATCH],
		change_sets[BATCH];
	bool no_context[BATCH], no_policy[BATCH], no_change_set[BATCH], no_value[BATCH], no_chance[BATCH];
	int32_t values[BATCH];
	double chances[BATCH];
	uint32_t count;
};

static void fill_batch(struct batch *batch, const struct hf_candidate *candidates, size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct hf_candidate *candidate = &candidates[i];
		batch->codebases[i] = candidate->codebase;
		batch->campaigns[i] = candidate->campaign;
		batch->commands[i] = candidate->command;
		batch->contexts[i] = candidate->context;
		batch->policies[i] = candidate->publish_policy;
		batch->change_sets[i] = candidate->change_set;
		batch->values[i] = candidate->value;
		batch->chances[i] = candidate->success_chance;
		batch->no_context[i] = !candidate->context.ptr;
		batch->no_policy[i] = !candidate->publish_policy.ptr;
		batch->no_change_set[i] = !candidate->change_set.ptr;
		batch->no_value[i] = !candidate->has_value;
		batch->no_chance[i] = !candidate->has_success_chance;
	}
	batch->count = (uint32_t)count;
}

static enum hf_status upsert(hf_where tx, const struct batch *batch, struct hf_changes *changes, hf_error *err)
{
	struct candidate_upsert_in in = {
		.codebases = text_array(batch->count, batch->codebases, NULL),
		.campaigns = text_array(batch->count, batch->campaigns, NULL),
		.commands = text_array(batch->count, batch->commands, NULL),
		.contexts = text_array(batch->count, batch->contexts, batch->no_context),
		.policies = text_array(batch->count, batch->policies, batch->no_policy),
		.change_sets = text_array(batch->count, batch->change_sets, batch->no_change_set),
		.vals = {.count = batch->count, .ndim = 1, .values = batch->values, .nulls = batch->no_value},
		.chances = {.count = batch->count, .ndim = 1, .values = batch->chances, .nulls = batch->no_chance}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct candidate_upsert_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = candidate_upsert(tx, &in, arena, &row, err);
	if (status == HF_OK) {
		changes->inserted += row.inserted;
		changes->updated += row.updated;
	}
	return status;
}

struct import {
	const struct hf_candidate *candidates;
	size_t count;
	struct batch *batch;
	struct hf_changes changes;
};

/* @param at how many came in earlier batches */
static enum hf_status check_long_names(hf_where tx, const struct import *import, size_t at, hf_error *err)
{
	const struct batch *batch = import->batch;
	uint32_t new;
	enum hf_status status = long_names_new(tx, NAME_OF_CAMPAIGN, batch->campaigns, batch->count, &new, err);
	if (status != HF_OK || new == batch->count)
		return status;
	return wrong(at + new, &import->candidates[at + new], "the campaign " CODEBASE_NAME_TOO_LONG, err);
}

static enum hf_status write_candidates(hf_where tx, void *user, hf_error *err)
{
	struct import *import = user;
	import->changes = (struct hf_changes){0};
	for (size_t at = 0; at < import->count; at += BATCH) {
		size_t n = import->count - at < BATCH ? import->count - at : BATCH;
		fill_batch(import->batch, import->candidates + at, n);
		enum hf_status status = check_long_names(tx, import, at, err);
		if (status == HF_OK)
			status = upsert(tx, import->batch, &import->changes, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static void free_batch(struct batch **batch)
{
	free(*batch);
}

enum hf_status hf_candidate_import(hf_where where, const struct hf_candidate *candidates, size_t count,
                                   struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(free_batch) struct batch *batch = malloc(sizeof(*batch));
	struct import import = {.candidates = candidates, .count = count, .batch = batch};
	if (!batch)
		return error_nomem(err);
	enum hf_status status = check_all(candidates, count, err);
	if (status == HF_OK)
		status = janitor_transaction(where, write_candidates, &import, err);
	if (status != HF_OK)
		return status;
	import.changes.unchanged = (int64_t)count - import.changes.inserted - import.changes.updated;
	*ret_changes = import.changes;
	return HF_OK;
}

enum hf_status hf_candidate_import_all(hf_where where, const struct hf_candidate *pattern, struct hf_str vcs_type,
                                       struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate checked = *pattern;
	checked.codebase = HF_STR("any");
	if (!arena)
		return error_nomem(err);
	enum hf_status status = check_one(where, &checked, err);
	if (status != HF_OK)
		return status;
	int vcs = hf_enum_value(&vcs_type_type, vcs_type);
	if (vcs == HF_ENUM_UNKNOWN)
		return error_set(err, HF_E_INPUT, "\"%.*s\" is no version control system that the schema knows",
		                 (int)(vcs_type.len > 40 ? 40 : vcs_type.len), vcs_type.ptr);
	struct candidate_upsert_all_in in = {.campaign = pattern->campaign,
	                                     .command = pattern->command,
	                                     .value = pattern->value,
	                                     .has_value = pattern->has_value,
	                                     .vcs_type = (enum vcs_type)vcs};
	struct candidate_upsert_all_row row;
	SET_TEXT(&in, context, pattern->context);
	SET_TEXT(&in, policy, pattern->publish_policy);
	status = candidate_upsert_all(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_changes =
			(struct hf_changes){row.inserted, row.updated, row.codebases - row.inserted - row.updated};
	return status;
}

/* ---- reading ---- */

struct sink {
	hf_candidate_fn *fn;
	void *user;
};

static struct hf_candidate candidate_of_row(const struct candidate_row *row)
{
	return (struct hf_candidate){.id = row->id,
	                             .codebase = row->codebase,
	                             .campaign = row->campaign,
	                             .command = row->command,
	                             .context = GET_TEXT(row, context),
	                             .publish_policy = GET_TEXT(row, publish_policy),
	                             .change_set = GET_TEXT(row, change_set),
	                             .has_value = row->has_value,
	                             .value = row->value,
	                             .has_success_chance = row->has_success_chance,
	                             .success_chance = row->success_chance};
}

static enum hf_status list_row(void *user, const struct candidate_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_candidate candidate = candidate_of_row(row);
	return sink->fn(sink->user, &candidate, err);
}

enum hf_status hf_candidate_list(hf_where where, const struct hf_candidate_filter *filter, hf_candidate_fn *fn,
                                 void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	struct candidate_list_in in = {.after = filter->after,
	                               .with_after = filter->after != 0,
	                               WITH_TEXT(campaign, filter->campaign),
	                               WITH_TEXT(codebase, filter->codebase),
	                               WITH_TEXT(publish_policy, filter->publish_policy),
	                               WITH_TEXT(change_set, filter->change_set),
	                               WITH_LIMIT(filter->limit)};
	return candidate_list(where, &in, list_row, &sink, err);
}

enum hf_status hf_candidate_count(hf_where where, const struct hf_candidate_filter *filter, int64_t *ret_count,
                                  hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct candidate_count_in in = {0};
	struct candidate_count_row row;
	if (!arena)
		return error_nomem(err);
	SET_TEXT(&in, campaign, filter->campaign);
	SET_TEXT(&in, codebase, filter->codebase);
	SET_TEXT(&in, publish_policy, filter->publish_policy);
	SET_TEXT(&in, change_set, filter->change_set);
	enum hf_status status = candidate_count(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_count = row.candidates;
	return status;
}

static enum hf_status no_candidate(int32_t id, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no candidate %d", id);
}

enum hf_status hf_candidate_get(hf_where where, int32_t id, hf_arena *arena, struct hf_candidate *ret_candidate,
                                hf_error *err)
{
	struct candidate_row row;
	enum hf_status status = candidate_by_id(where, &(struct candidate_by_id_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_candidate(id, err);
	if (status == HF_OK)
		*ret_candidate = candidate_of_row(&row);
	return status;
}

enum hf_status hf_candidate_never_processed(hf_where where, int32_t after, struct hf_str campaign, int64_t limit,
                                            hf_candidate_fn *fn, void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	struct candidate_never_processed_in in = {.after = after,
	                                          .with_after = after != 0,
	                                          WITH_TEXT(campaign, campaign),
	                                          WITH_LIMIT(limit)};
	return candidate_never_processed(where, &in, list_row, &sink, err);
}

/* ---- writing one ---- */

static void fill_set(const struct hf_candidate *candidate, unsigned parts, struct candidate_set_in *in)
{
	*in = (struct candidate_set_in){.codebase = candidate->codebase,
	                                .campaign = candidate->campaign,
	                                .value = candidate->value,
	                                .has_value = candidate->has_value,
	                                .success_chance = candidate->success_chance,
	                                .has_success_chance = candidate->has_success_chance,
	                                .set_command = parts & HF_CANDIDATE_COMMAND,
	                                .set_context = parts & HF_CANDIDATE_CONTEXT,
	                                .set_value = parts & HF_CANDIDATE_VALUE,
	                                .set_success_chance = parts & HF_CANDIDATE_SUCCESS_CHANCE,
	                                .set_publish_policy = parts & HF_CANDIDATE_PUBLISH_POLICY};
	SET_TEXT(in, command, candidate->command);
	SET_TEXT(in, change_set, candidate->change_set);
	SET_TEXT(in, context, candidate->context);
	SET_TEXT(in, publish_policy, candidate->publish_policy);
}

/* The database names its constraint; people want to hear which word is wrong. */
static void reworded(const struct hf_candidate *candidate, hf_error *err)
{
	const struct {
		const char *constraint, *what;
		struct hf_str word;
	} unknown[] = {{"candidate_codebase_fkey", "codebase", candidate->codebase},
	               {"candidate_change_set_fkey", "change set", candidate->change_set},
	               {"candidate_publish_policy_fkey", "publish policy", candidate->publish_policy}};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (strcmp(err->constraint, unknown[i].constraint) == 0)
			error_reword(err, "there is no %s %.*s", unknown[i].what,
			             (int)(unknown[i].word.len > 100 ? 100 : unknown[i].word.len), unknown[i].word.ptr);
	if (strcmp(err->column, "command") == 0) {
		error_reword(err, "a new candidate needs a command");
		err->status = HF_E_INPUT;
	}
}

enum hf_status hf_candidate_set(hf_where where, const struct hf_candidate *candidate, unsigned parts, int32_t *ret_id,
                                bool *ret_created, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate checked = *candidate;
	struct candidate_set_in in;
	struct candidate_set_row row;
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	if (!checked.command.ptr)
		checked.command = HF_STR("the one that it has");
	enum hf_status status = check_one(where, &checked, err);
	if (status != HF_OK)
		return status;
	fill_set(candidate, parts, &in);
	status = candidate_set(where, &in, arena, &row, &local);
	if (status != HF_OK) {
		reworded(candidate, &local);
		if (err)
			*err = local;
		return local.status;
	}
	if (ret_id)
		*ret_id = row.id;
	if (ret_created)
		*ret_created = row.created;
	return HF_OK;
}

enum hf_status hf_candidate_delete(hf_where where, int32_t id, const struct hf_defects *keep, int64_t *ret_dequeued,
                                   hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct candidate_delete_in in = {.id = id, .every_change_set = hf_defects_kept(keep, 34)};
	struct candidate_delete_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = candidate_delete(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_candidate(id, err);
	if (status == HF_OK && ret_dequeued)
		*ret_dequeued = row.dequeued;
	return status;
}
