/*
 * queue.c - see holdfast/queue.h. Each function is one generated query and a translation of its rows.
 */
#include "holdfast/queue.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "core/names.h"
#include "core/schedule.h"
#include "janitor/id_set.h"
#include "janitor/queue_rows.h"
#include "janitor/values.h"

enum { ATTEMPTS_MAX = 10 }; /* to take a place that others free and take */

static const char *const bucket_words[HF_BUCKET_COUNT] = {
	[HF_BUCKET_UPDATE_EXISTING_MP] = "update-existing-mp",
	[HF_BUCKET_MANUAL] = "manual",
	[HF_BUCKET_CONTROL] = "control",
	[HF_BUCKET_HOOK] = "hook",
	[HF_BUCKET_RESCHEDULE] = "reschedule",
	[HF_BUCKET_UPDATE_NEW_MP] = "update-new-mp",
	[HF_BUCKET_MISSING_DEPS] = "missing-deps",
	[HF_BUCKET_DEFAULT] = "default",
};

/* The generated enum has the same order: a bucket is handed over as its number. */
static_assert((int)QUEUE_BUCKET_UPDATE_EXISTING_MP == (int)HF_BUCKET_UPDATE_EXISTING_MP, "order of buckets");
static_assert((int)QUEUE_BUCKET_DEFAULT == (int)HF_BUCKET_DEFAULT, "order of buckets");

const char *hf_bucket_word(enum hf_bucket bucket)
{
	return word_of(bucket_words, HF_BUCKET_COUNT, (int)bucket);
}

enum hf_status hf_bucket_parse(struct hf_str word, enum hf_bucket *ret_bucket, hf_error *err)
{
	int number;
	enum hf_status status = word_parse(word, bucket_words, HF_BUCKET_COUNT, "bucket", &number, err);
	if (status == HF_OK)
		*ret_bucket = (enum hf_bucket)number;
	return status;
}

/* ---- adding ---- */

static enum hf_status fill_add(const struct hf_queue_request *request, struct queue_add_in *in, hf_error *err)
{
	int64_t offset;
	enum schedule_fault fault = schedule_priority(0, request->offset, request->keep, &offset);
	if (fault != SCHEDULE_FINE)
		return error_set(err, HF_E_INPUT, "%.*s/%.*s: %s", STR_ARG(request->campaign),
		                 STR_ARG(request->codebase), schedule_fault_text(fault));
	*in = (struct queue_add_in){.codebase = request->codebase,
	                            .campaign = request->campaign,
	                            .bucket = (enum queue_bucket)request->bucket,
	                            .priority_offset = offset,
	                            .relative = hf_defects_kept(request->keep, 14),
	                            .worsen = hf_defects_kept(request->keep, 13),
	                            .refresh = request->refresh,
	                            .has_refresh = true,
	                            .estimated_duration = interval_of_us(request->estimated_duration_us),
	                            .has_estimated_duration = request->has_estimated_duration};
	SET_TEXT(in, command, request->command);
	SET_TEXT(in, change_set, request->change_set);
	SET_TEXT(in, context, request->context);
	SET_TEXT(in, requester, request->requester);
	return HF_OK;
}

/* The place was held and is now gone: a concurrent writer removed the item between our two statements. */
static enum hf_status holder_gone(const struct hf_queue_request *request, hf_error *err)
{
	error_set(err, HF_CONFLICT, "the queue item of %.*s/%.*s was removed while it was added again",
	          STR_ARG(request->campaign), STR_ARG(request->codebase));
	error_hint(err, "add it again");
	return HF_CONFLICT;
}

/* The database names its constraint; people want to hear which word is wrong. All else of the error stays. */
static enum hf_status wrong_name(const struct hf_queue_request *request, enum hf_status status, hf_error *err)
{
	bool codebase = strcmp(err->constraint, "queue_codebase_fkey") == 0;
	if (strcmp(err->constraint, "suite_name_check") == 0) {
		error_reword(err, "\"%.*s\" is no name for a campaign", STR_ARG(request->campaign));
		error_hint(err, CODEBASE_NAME_RULE);
	} else if (strcmp(err->constraint, "queue_command_check") == 0) {
		error_reword(err, "the command is empty");
		error_hint(err, "name what is to run");
	} else if (codebase || strcmp(err->constraint, "queue_change_set_fkey") == 0) {
		error_reword(err, "there is no %s %.*s", codebase ? "codebase" : "change set",
		             STR_ARG(codebase ? request->codebase : request->change_set));
		error_hint(err, "%s",
		           codebase ? "holdfast codebase list shows them" : "its id is that of a row in change_set");
	}
	return status;
}

/* HF_NOT_FOUND: the place was held and is now free. */
static enum hf_status holder_of(hf_where where, const struct hf_queue_request *request, hf_arena *arena,
                                struct queue_add_row *ret_stored, hf_error *err)
{
	struct queue_holder_in place = {.codebase = request->codebase, .campaign = request->campaign};
	struct queue_holder_row holder;
	SET_TEXT(&place, change_set, request->change_set);
	enum hf_status status = queue_holder(where, &place, arena, &holder, err);
	if (status == HF_OK)
		*ret_stored = (struct queue_add_row){holder.id, holder.bucket, holder.priority};
	return status;
}

static enum hf_status add_once(hf_where where, const struct hf_queue_request *request, const struct queue_add_in *in,
                               hf_arena *arena, struct queue_add_row *ret_stored, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = queue_add(where, in, arena, ret_stored, &local);
	if (status == HF_NOT_FOUND)
		return holder_of(where, request, arena, ret_stored, err);
	if (status != HF_OK) {
		status = wrong_name(request, status, &local);
		if (err)
			*err = local;
	}
	return status;
}

enum hf_status hf_queue_add(hf_where where, const struct hf_queue_request *request, int32_t *ret_id,
                            enum hf_bucket *ret_bucket, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const int attempts = hf_defects_kept(request->keep, 75) ? 1 : ATTEMPTS_MAX;
	struct queue_add_in in;
	struct queue_add_row stored = {0};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = fill_add(request, &in, err);
	if (status != HF_OK)
		return status;
	status = HF_NOT_FOUND;
	for (int i = 0; i < attempts && status == HF_NOT_FOUND; i++)
		status = add_once(where, request, &in, arena, &stored, err);
	if (status == HF_NOT_FOUND)
		return holder_gone(request, err);
	if (status != HF_OK)
		return status;
	*ret_id = stored.id;
	*ret_bucket = (enum hf_bucket)stored.bucket;
	return HF_OK;
}

/* ---- reading ---- */

enum hf_status queue_item_of_row(const struct queue_list_row *row, struct hf_queue_item *ret_item, hf_error *err)
{
	*ret_item = (struct hf_queue_item){.id = row->id,
	                                   .bucket = (enum hf_bucket)row->bucket,
	                                   .priority = row->priority,
	                                   .codebase = row->codebase,
	                                   .campaign = row->campaign,
	                                   .context = GET_TEXT(row, context),
	                                   .command = GET_TEXT(row, command),
	                                   .requester = GET_TEXT(row, requester),
	                                   .change_set = GET_TEXT(row, change_set),
	                                   .has_estimated_duration = row->has_estimated_duration,
	                                   .refresh = row->has_refresh && row->refresh};
	if (!row->has_estimated_duration)
		return HF_OK;
	return interval_us(row->estimated_duration, &ret_item->estimated_duration_us, err);
}

struct item_sink {
	hf_queue_item_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct queue_list_row *row, hf_error *err)
{
	const struct item_sink *sink = user;
	struct hf_queue_item item;
	enum hf_status status = queue_item_of_row(row, &item, err);
	return status == HF_OK ? sink->fn(sink->user, &item, err) : status;
}

enum hf_status hf_queue_list(hf_where where, const struct hf_queue_list_filter *filter, hf_queue_item_fn *fn,
                             void *user, hf_error *err)
{
	struct item_sink sink = {fn, user};
	struct queue_list_in in = {.campaign = filter->campaign,
	                           .has_campaign = filter->campaign.len > 0,
	                           .with_after = filter->after != NULL,
	                           WITH_LIMIT(filter->limit)};
	if (filter->after) {
		in.after_bucket = (enum queue_bucket)filter->after->bucket;
		in.after_priority = filter->after->priority;
		in.after_id = filter->after->id;
	}
	return queue_list(where, &in, list_row, &sink, err);
}

static enum hf_status no_such_item(int32_t id, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no queue item %d", id);
}

enum hf_status hf_queue_get(hf_where where, int32_t id, hf_arena *arena, struct hf_queue_item *ret_item, hf_error *err)
{
	struct queue_list_row row;
	enum hf_status status = queue_item(where, &(struct queue_item_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_item(id, err);
	return status == HF_OK ? queue_item_of_row(&row, ret_item, err) : status;
}

enum hf_status hf_queue_move(hf_where where, int32_t id, const struct hf_queue_move *move,
                             struct hf_queue_moved *ret_moved, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct queue_move_in in = {.id = id,
	                           .first = move->first,
	                           .priority = move->priority,
	                           .bucket = (enum queue_bucket)move->bucket,
	                           .has_bucket = move->has_bucket};
	struct queue_move_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = queue_move(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_item(id, err);
	if (status == HF_OK && ret_moved)
		*ret_moved =
			(struct hf_queue_moved){row.changed, (enum hf_bucket)row.bucket,
		                                (enum hf_bucket)row.bucket_before, row.priority, row.priority_before};
	return status;
}

enum hf_status hf_queue_remove(hf_where where, int32_t id, hf_error *err)
{
	int64_t removed;
	enum hf_status status = queue_delete(where, &(struct queue_delete_in){.id = id}, &removed, err);
	if (status == HF_OK && removed == 0)
		return no_such_item(id, err);
	return status;
}

static enum hf_status fill_next(const struct hf_queue_filter *filter, hf_arena *arena, struct queue_next_in *in,
                                hf_error *err)
{
	struct id_set assigned = {0};
	enum hf_status status = HF_OK;
	if (filter->assigned.count > 0)
		status = id_set_of(filter->assigned, arena, &assigned, err);
	*in = (struct queue_next_in){.codebase = filter->codebase,
	                             .with_codebase = filter->codebase.len > 0,
	                             .campaign = filter->campaign,
	                             .with_campaign = filter->campaign.len > 0,
	                             .exclude_hosts = filter->exclude_hosts,
	                             .with_exclude_hosts = filter->exclude_hosts.count > 0,
	                             .drop_unknown = hf_defects_kept(filter->keep, 11),
	                             .assigned = assigned.bits,
	                             .assigned_first = assigned.first,
	                             .assigned_last = assigned.last,
	                             .assigned_others = assigned.others,
	                             .with_assigned = filter->assigned.count > 0};
	return status;
}

enum hf_status hf_queue_peek(hf_where where, const struct hf_queue_filter *filter, hf_arena *arena,
                             struct hf_queue_next *ret_next, hf_error *err)
{
	struct queue_next_in in;
	struct queue_next_row row;
	enum hf_status status = fill_next(filter, arena, &in, err);
	if (status == HF_OK)
		status = queue_next(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "no queue item passes the filters");
	if (status != HF_OK)
		return status;
	struct queue_list_row item = QUEUE_LIST_ROW(&row);
	struct hf_queue_next next = {.branch_url = GET_TEXT(&row, branch_url), .subpath = GET_TEXT(&row, subpath)};
	if (row.has_vcs_type)
		next.vcs_type = hf_str_of(hf_enum_label(&vcs_type_type, (int)row.vcs_type));
	status = queue_item_of_row(&item, &next.item, err);
	if (status == HF_OK)
		*ret_next = next;
	return status;
}

enum hf_status hf_queue_position(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                 struct hf_queue_position *ret_position, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct queue_position_in in = {.codebase = codebase, .campaign = campaign};
	struct queue_position_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = queue_position(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "%.*s does not wait in campaign %.*s", STR_ARG(codebase),
		                 STR_ARG(campaign));
	if (status != HF_OK)
		return status;
	struct hf_queue_position position = {.id = row.id, .position = row.place, .has_wait = row.has_wait_time};
	if (row.has_wait_time)
		status = interval_us(row.wait_time, &position.wait_us, err);
	if (status == HF_OK)
		*ret_position = position;
	return status;
}

struct stats_sink {
	hf_queue_stats_fn *fn;
	void *user;
};

static enum hf_status stats_row(void *user, const struct queue_stats_row *row, hf_error *err)
{
	const struct stats_sink *sink = user;
	enum hf_status status = HF_OK;
	struct hf_queue_bucket_stats stats = {.bucket = (enum hf_bucket)row->bucket,
	                                      .word = row->word,
	                                      .items = row->items,
	                                      .has_estimated_duration = row->has_estimated_duration,
	                                      .first_priority = row->first_priority,
	                                      .last_priority = row->last_priority};
	if (row->has_estimated_duration)
		status = interval_us(row->estimated_duration, &stats.estimated_duration_us, err);
	return status == HF_OK ? sink->fn(sink->user, &stats, err) : status;
}

enum hf_status hf_queue_stats(hf_where where, hf_queue_stats_fn *fn, void *user, hf_error *err)
{
	struct stats_sink sink = {fn, user};
	return queue_stats(where, stats_row, &sink, err);
}
