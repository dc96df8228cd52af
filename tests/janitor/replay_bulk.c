/*
 * replay_bulk.c - the recorded calls of bulk scheduling (spec/janitor.md 7.9 to 7.11) by ours.
 *
 * Of a bulk call that fails, the original keeps the items before the failing one, we keep nothing. To compare what it
 * left all the same, the items are then added one by one by hf_schedule_candidate() until one fails.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "janitor/todo.h"

static struct hf_str text_at(const json_t *row, size_t i)
{
	const json_t *value = json_array_get(row, i);
	return json_is_string(value) ? (struct hf_str){json_string_value(value), json_string_length(value)}
	                             : (struct hf_str){NULL, 0};
}

/* [codebase, context, command, campaign, value, success chance]; behind them, where we know of one, a change set. */
static struct hf_schedule_item item_of(const json_t *row)
{
	const json_t *value = json_array_get(row, 4), *chance = json_array_get(row, 5);
	return (struct hf_schedule_item){.codebase = text_at(row, 0),
	                                 .context = text_at(row, 1),
	                                 .command = text_at(row, 2),
	                                 .campaign = text_at(row, 3),
	                                 .change_set = text_at(row, 6),
	                                 .has_value = json_is_number(value),
	                                 .value = json_number_value(value),
	                                 .has_success_chance = json_is_number(chance),
	                                 .success_chance = json_number_value(chance)};
}

static json_t *json_of_item(const struct hf_schedule_item *item)
{
	return json_pack("[o,o,o,o,o,o]", json_of(item->codebase), json_of(item->context), json_of(item->command),
	                 json_of(item->campaign), item->has_value ? json_integer((json_int_t)item->value) : json_null(),
	                 item->has_success_chance ? json_real(item->success_chance) : json_null());
}

/* ---- the original's loop ---- */

/* The share of the most valuable codebase that this one is worth, as the bulk rule divides. False: by zero. */
static bool share_of(const struct replay *replay, struct hf_str codebase, double *ret_share)
{
	const json_t *rows = json_object_get(json_object_get(replay->current, "load"), "codebase");
	int64_t value = 0, greatest = INT64_MIN;
	*ret_share = 1.0;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		int64_t its = 0;
		if (!text_of(row, "name").ptr)
			continue;
		integer_of(row, "value", &its);
		greatest = its > greatest ? its : greatest;
		if (str_eq(text_of(row, "name"), codebase))
			value = its;
	}
	if (greatest == INT64_MIN)
		return true;
	if (greatest != 0)
		*ret_share = (double)value / (double)greatest < 1.0 ? (double)value / (double)greatest : 1.0;
	return greatest != 0;
}

static void one_by_one(struct replay *replay, const json_t *todo, const struct hf_schedule_options *options,
                       hf_error *err)
{
	for (size_t i = 0; i < json_array_size(todo); i++) {
		struct hf_schedule_request request = {.item = item_of(json_array_get(todo, i)),
		                                      .default_offset = options->default_offset,
		                                      .has_normalized_value = true,
		                                      .bucket_set = options->bucket_set,
		                                      .bucket = options->bucket,
		                                      .dry_run = options->dry_run,
		                                      .keep = options->keep};
		struct hf_schedule_result result;
		if (!share_of(replay, request.item.codebase, &request.normalized_value))
			err->status = HF_REJECTED;
		if (err->status != HF_OK ||
		    hf_schedule_candidate(replay->rig.where, &request, &result, NULL, err) != HF_OK)
			return;
	}
}

/* ---- bulk ---- */

static enum hf_status schedule(struct replay *replay, const json_t *todo, const struct hf_schedule_options *options,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	size_t n = json_array_size(todo);
	struct hf_schedule_item *items = hf_arena_calloc(arena, n, sizeof(*items));
	struct hf_schedule_report report = {0};
	for (size_t i = 0; i < n; i++)
		items[i] = item_of(json_array_get(todo, i));
	enum hf_status status = hf_schedule_bulk(replay->rig.where, items, n, options, &report, err);
	if (status == HF_OK && !options->dry_run)
		assert_int_equal(report.added + report.replaced + report.kept, n);
	return status;
}

static void bulk_todo(struct replay *replay, const json_t *args, const json_t *todo, struct answer *ret)
{
	struct hf_schedule_options options = {.size = sizeof(options),
	                                      .dry_run = bool_of(args, "dry_run"),
	                                      .verify = 1,
	                                      .verify_seed = 1,
	                                      .keep = keep_of(replay)};
	hf_error first = HF_ERROR_INIT;
	number_of(args, "default_offset", &options.default_offset);
	options.bucket_set = bucket_of(args, &options.bucket, &ret->err);
	if (!options.bucket_set && text_of(args, "bucket").ptr)
		return;
	json_t *before = rig_state(&replay->rig);
	if (schedule(replay, todo, &options, &ret->err) == HF_OK) {
		ret->ok = json_null();
		json_decref(before);
		return;
	}
	json_t *after = rig_state(&replay->rig);
	if (!json_equal(json_object_get(before, "queue"), json_object_get(after, "queue")))
		replay_fail(replay, "a failed call left", before, after);
	replay_set_sequence(replay, json_object_get(before, "queue_id_seq"));
	replay->differences[ALL_OR_NOTHING]++;
	one_by_one(replay, todo, &options, &first);
	if (first.status != ret->err.status || strcmp(first.sqlstate, ret->err.sqlstate) != 0)
		replay_told(replay, "together", ret->err.message, "one by one", first.message);
	json_decref(before);
	json_decref(after);
}

static void bulk(struct replay *replay, const json_t *args, struct answer *ret)
{
	bulk_todo(replay, args, json_object_get(args, "todo"), ret);
}

/* ---- what there is to schedule ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An item as text that can be compared; takes the reference. */
static char *text_of_item(json_t *item)
{
	if (json_is_integer(json_array_get(item, 5)))
		json_array_set_new(item, 5, json_real((double)json_integer_value(json_array_get(item, 5))));
	char *text = json_dumps(item, JSON_COMPACT);
	json_decref(item);
	return text;
}

/* The items as sorted texts: a set may be compared with another. */
static json_t *sorted(const json_t *items, hf_arena *arena)
{
	size_t n = json_array_size(items);
	char **texts = hf_arena_calloc(arena, n, sizeof(*texts));
	json_t *result = json_array();
	for (size_t i = 0; i < n; i++)
		texts[i] = text_of_item(json_deep_copy(json_array_get(items, i)));
	qsort(texts, n, sizeof(*texts), by_text);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(result, json_string(texts[i]));
		free(texts[i]);
	}
	return result;
}

static enum hf_status read_todo(struct replay *replay, const json_t *args, hf_arena *arena, struct todo *ret_todo,
                                hf_error *err)
{
	const json_t *names = json_object_get(args, "codebases");
	uint32_t n = (uint32_t)json_array_size(names);
	struct hf_str *codebases = hf_arena_calloc(arena, n, sizeof(*codebases));
	for (uint32_t i = 0; i < n; i++)
		codebases[i] = text_at(names, i);
	struct hf_str_array filter = {.count = n, .ndim = n > 0, .values = codebases};
	return todo_read(replay->rig.where, text_of(args, "campaign"), filter, keep_of(replay), ret_todo, err);
}

/* NULL after a failure. */
static json_t *candidates_of(struct replay *replay, const json_t *args, hf_arena *arena, hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {.strict = hf_defects_kept(keep_of(replay), 16)};
	if (read_todo(replay, args, arena, &todo, err) != HF_OK)
		return NULL;
	json_t *items = json_array();
	for (size_t i = 0; i < todo.count; i++)
		json_array_append_new(items, json_of_item(&todo.items[i]));
	json_t *result = sorted(items, arena);
	json_decref(items);
	return result;
}

static bool same_set(struct replay *replay, const char *what, const json_t *recorded, const json_t *ours,
                     hf_arena *arena)
{
	json_t *wanted = sorted(recorded, arena);
	bool same = json_equal(wanted, ours);
	if (!same)
		replay_fail(replay, what, wanted, ours);
	json_decref(wanted);
	return same;
}

static void candidates(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const json_t *wanted = json_object_get(replay->call, "ok");
	json_t *ours = candidates_of(replay, args, arena, &ret->err);
	if (ours && wanted && same_set(replay, "set of candidates", wanted, ours, arena))
		ret->ok = json_incref((json_t *)(uintptr_t)wanted);
	else if (ours)
		ret->ok = json_incref(ours);
	json_decref(ours);
}

/* Where the text stands among those that nobody took; it is taken. */
static size_t take(char **texts, size_t n, const char *text)
{
	size_t i = 0;
	while (i < n && (!texts[i] || strcmp(texts[i], text) != 0))
		i++;
	assert_true(i < n);
	free(texts[i]);
	texts[i] = NULL;
	return i;
}

/* The recorded items with the change sets that ours have: the original loses them (D-25). A new reference. */
static json_t *with_change_sets(struct replay *replay, const json_t *args, const json_t *recorded, hf_error *err)
{
	CLEANUP(todo_deinit) struct todo todo = {.strict = hf_defects_kept(keep_of(replay), 16)};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	json_t *list = json_array();
	assert_int_equal(read_todo(replay, args, arena, &todo, err), HF_OK);
	char **texts = hf_arena_calloc(arena, todo.count + 1, sizeof(*texts));
	for (size_t i = 0; i < todo.count; i++)
		texts[i] = text_of_item(json_of_item(&todo.items[i]));
	for (size_t i = 0; i < json_array_size(recorded); i++) {
		json_t *item = json_deep_copy(json_array_get(recorded, i));
		char *text = text_of_item(json_deep_copy(item));
		json_array_append_new(item, json_of(todo.items[take(texts, todo.count, text)].change_set));
		json_array_append_new(list, item);
		free(text);
	}
	return list;
}

static void cli(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const json_t *todo = json_object_get(args, "todo");
	json_t *ours = candidates_of(replay, args, arena, &ret->err);
	if (ours && todo && same_set(replay, "set of candidates", todo, ours, arena)) {
		json_t *items = with_change_sets(replay, args, todo, &ret->err);
		bulk_todo(replay, args, items, ret);
		json_decref(items);
	} else if (ours && !todo)
		ret->ok = json_incref(ours); /* where the original could not map them */
	json_decref(ours);
}

const struct call bulk_calls[] = {{"bulk", bulk}, {"candidates", candidates}, {"cli", cli}, {NULL, NULL}};
