/*
 * schedule_one.c - scheduling one item: the rules of the original one after the other, a statement each. The bulk form
 * (schedule_bulk.c) must give the same numbers; its verification calls hf_schedule_candidate().
 */
#include "holdfast/schedule.h"

#include "base/arena.h"
#include "base/str.h"
#include "core/shellword.h"
#include "janitor/history.h"
#include "janitor/values.h"
#include "queries/janitor/candidate.h"
#include "queries/janitor/codebase.h"

static enum hf_status no_candidate(struct hf_str campaign, struct hf_str codebase, hf_error *err)
{
	error_set(err, HF_NOT_FOUND, "there is no candidate %.*s/%.*s", STR_ARG(campaign), STR_ARG(codebase));
	error_hint(err, "add it with: holdfast candidate import");
	return HF_NOT_FOUND;
}

/* ---- averages ---- */

static enum hf_status average(hf_where where, struct hf_str codebase, struct hf_str campaign, hf_arena *arena,
                              bool *ret_known, int64_t *ret_us, hf_error *err)
{
	struct schedule_average_in in = {0};
	struct schedule_average_row row;
	SET_TEXT(&in, codebase, codebase);
	SET_TEXT(&in, campaign, campaign);
	enum hf_status status = schedule_average(where, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	*ret_known = row.has_average;
	return row.has_average ? interval_us(row.average, ret_us, err) : HF_OK;
}

/* The first of the given pairs that has an average, else 15 s. Less than no time is none, but with D-16. */
static enum hf_status first_average(hf_where where, const struct hf_str (*pairs)[2], size_t npairs,
                                    const struct hf_defects *keep, hf_arena *arena, int64_t *ret_us, hf_error *err)
{
	bool known = false;
	*ret_us = SCHEDULE_DEFAULT_DURATION_US;
	for (size_t i = 0; i < npairs && !known; i++) {
		int64_t us = 0;
		enum hf_status status = average(where, pairs[i][0], pairs[i][1], arena, &known, &us, err);
		if (status != HF_OK)
			return status;
		known = known && (us >= 0 || hf_defects_kept(keep, 16));
		if (known)
			*ret_us = us;
	}
	return HF_OK;
}

enum hf_status hf_schedule_estimate(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                    int64_t *ret_duration_us, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_str pairs[][2] = {{codebase, campaign}, {codebase, {NULL, 0}}, {{NULL, 0}, campaign}};
	int64_t us;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = first_average(where, pairs, ARRAY_LEN(pairs), NULL, arena, &us, err);
	if (status == HF_OK)
		*ret_duration_us = us;
	return status;
}

/* ---- by history and value ---- */

struct feeding {
	struct schedule_history history;
	struct hf_str context;
	struct dependency_waits waits;
};

static enum hf_status feed(void *user, const struct schedule_histories_row *row, hf_error *err)
{
	struct feeding *feeding = user;
	return history_add(&feeding->history, feeding->context, row, 1, &feeding->waits, err);
}

static struct schedule_history *fed(void *user, UNUSED int64_t place)
{
	struct feeding *feeding = user;
	return &feeding->history;
}

static enum hf_status estimate(hf_where where, const struct hf_schedule_item *item, const struct hf_defects *keep,
                               hf_arena *arena, struct schedule_estimate *ret_estimate, hf_error *err)
{
	struct feeding feeding = {.context = item->context, .waits = {.arena = arena}};
	struct schedule_history_in in = {.codebase = item->codebase, .campaign = item->campaign};
	schedule_history_init(&feeding.history, item->context.ptr == NULL, history_now_us(hf_where_context(where)));
	enum hf_status status = schedule_history(where, &in, feed, &feeding, err);
	if (status == HF_OK)
		status = history_settle(where, &feeding.waits, keep, fed, &feeding, err);
	if (status != HF_OK)
		return status;
	enum schedule_fault fault = schedule_history_finish(&feeding.history, ret_estimate);
	if (fault != SCHEDULE_FINE)
		return error_set(err, HF_REJECTED, "%s", schedule_fault_text(fault));
	if (ret_estimate->total > 0)
		return HF_OK;
	const struct hf_str pairs[][2] = {{item->codebase, {NULL, 0}}, {{NULL, 0}, item->campaign}};
	return first_average(where, pairs, ARRAY_LEN(pairs), keep, arena, &ret_estimate->duration_us, err);
}

/* What the item leaves open is the candidate's. Without gaps nothing is read, and the context stays as given. */
static enum hf_status fill_gaps(hf_where where, struct hf_schedule_item *item, hf_arena *arena, hf_error *err)
{
	struct candidate_of_in in = {.codebase = item->codebase, .campaign = item->campaign};
	struct candidate_of_row row;
	if (item->has_value && item->has_success_chance && item->command.ptr)
		return HF_OK;
	SET_TEXT(&in, change_set, item->change_set);
	enum hf_status status = candidate_of(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_candidate(item->campaign, item->codebase, err);
	if (status != HF_OK)
		return status;
	if (!item->has_value) {
		item->has_value = row.has_value;
		item->value = row.value;
	}
	if (!item->has_success_chance) {
		item->has_success_chance = row.has_success_chance;
		item->success_chance = row.success_chance;
	}
	if (!item->command.ptr)
		item->command = row.command;
	if (!item->context.ptr)
		item->context = GET_TEXT(&row, context);
	return HF_OK;
}

static enum hf_status worth(hf_where where, struct hf_str codebase, hf_arena *arena, struct schedule_value *ret_value,
                            hf_error *err)
{
	struct codebase_worth_row row;
	enum hf_status status = codebase_worth(where, &(struct codebase_worth_in){.name = codebase}, arena, &row, err);
	if (status == HF_OK)
		*ret_value = schedule_share(row.has_value, row.value, row.has_greatest, row.greatest);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status normalized(hf_where where, const struct hf_schedule_request *request, hf_arena *arena,
                                 struct schedule_value *ret_value, hf_error *err)
{
	struct codebase_normalized_value_in in = {.name = request->item.codebase,
	                                          .zero_fails = hf_defects_kept(request->keep, 20)};
	struct codebase_normalized_value_row row;
	*ret_value = (struct schedule_value){request->has_normalized_value, request->normalized_value};
	if (request->has_normalized_value)
		return HF_OK;
	if (!hf_defects_kept(request->keep, 24))
		return worth(where, request->item.codebase, arena, ret_value, err);
	enum hf_status status = codebase_normalized_value(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_value = (struct schedule_value){true, row.share};
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status refuse(const struct hf_schedule_item *item, enum schedule_fault fault, hf_error *err)
{
	return error_set(err, HF_REJECTED, "%.*s/%.*s: %s", STR_ARG(item->campaign), STR_ARG(item->codebase),
	                 schedule_fault_text(fault));
}

static enum hf_status compute(hf_where where, const struct hf_schedule_request *request,
                              const struct hf_schedule_item *item, hf_arena *arena,
                              struct hf_schedule_explanation *ret_why, hf_error *err)
{
	struct schedule_estimate tries;
	struct schedule_value share, value = {item->has_value, item->value};
	struct schedule_value chance = {item->has_success_chance, item->success_chance};
	double offset;
	enum hf_status status = estimate(where, item, request->keep, arena, &tries, err);
	if (status == HF_OK)
		status = normalized(where, request, arena, &share, err);
	if (status != HF_OK)
		return status;
	tries.probability = schedule_chance(tries.probability, chance, request->keep);
	enum schedule_fault fault = SCHEDULE_NEGATIVE_DURATION; /* possible only for an average of other items' runs */
	if (tries.duration_us >= 0)
		fault = schedule_offset(tries.duration_us, share, tries.probability, value, tries.total, request->keep,
		                        &offset);
	if (fault != SCHEDULE_FINE)
		return refuse(item, fault, err);
	*ret_why = (struct hf_schedule_explanation){.probability = tries.probability,
	                                            .estimated_duration_us = tries.duration_us,
	                                            .total_runs = tries.total,
	                                            .has_normalized_value = share.known,
	                                            .normalized_value = share.value,
	                                            .has_value = item->has_value,
	                                            .value = item->value,
	                                            .cost = schedule_cost(tries.duration_us, request->keep),
	                                            .offset = request->default_offset + offset};
	return HF_OK;
}

static enum hf_status add(hf_where where, const struct hf_schedule_request *request,
                          const struct hf_schedule_item *item, const struct hf_schedule_explanation *why,
                          struct hf_schedule_result *ret_result, hf_error *err)
{
	*ret_result = (struct hf_schedule_result){.offset = why->offset,
	                                          .estimated_duration_us = why->estimated_duration_us,
	                                          .queue_id = -1,
	                                          .bucket = request->bucket_set ? request->bucket : HF_BUCKET_DEFAULT};
	if (item->command.len == 0)
		return error_set(err, HF_REJECTED, "%.*s/%.*s: the command is empty", STR_ARG(item->campaign),
		                 STR_ARG(item->codebase));
	if (request->dry_run)
		return HF_OK;
	struct hf_queue_request wanted = {.codebase = item->codebase,
	                                  .campaign = item->campaign,
	                                  .command = item->command,
	                                  .change_set = item->change_set,
	                                  .context = item->context,
	                                  .requester =
	                                          request->requester.len > 0 ? request->requester : HF_STR("scheduler"),
	                                  .offset = why->offset,
	                                  .bucket = ret_result->bucket,
	                                  .refresh = request->refresh,
	                                  .keep = request->keep,
	                                  .has_estimated_duration = true,
	                                  .estimated_duration_us = why->estimated_duration_us};
	return hf_queue_add(where, &wanted, &ret_result->queue_id, &ret_result->bucket, err);
}

enum hf_status hf_schedule_candidate(hf_where where, const struct hf_schedule_request *request,
                                     struct hf_schedule_result *ret_result, struct hf_schedule_explanation *ret_why,
                                     hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_schedule_item item = request->item;
	struct hf_schedule_explanation why;
	struct hf_schedule_result result;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = fill_gaps(where, &item, arena, err);
	if (status == HF_OK)
		status = compute(where, request, &item, arena, &why, err);
	if (status == HF_OK)
		status = add(where, request, &item, &why, &result, err);
	if (status != HF_OK)
		return status;
	*ret_result = result;
	if (ret_why)
		*ret_why = why;
	return HF_OK;
}

/* ---- to a given offset ---- */

static enum hf_status place(hf_where where, const struct hf_schedule_direct *request, struct hf_str campaign,
                            struct hf_str command, enum hf_bucket bucket, int64_t duration_us,
                            struct hf_schedule_result *ret_result, hf_error *err)
{
	struct hf_schedule_result result = {.offset = request->has_offset ? request->offset : SCHEDULE_DEFAULT_OFFSET,
	                                    .estimated_duration_us = duration_us};
	struct hf_queue_request wanted = {.codebase = request->codebase,
	                                  .campaign = campaign,
	                                  .command = command,
	                                  .change_set = request->change_set,
	                                  .requester = request->requester,
	                                  .offset = result.offset,
	                                  .bucket = request->bucket_set ? request->bucket : bucket,
	                                  .refresh = request->refresh,
	                                  .keep = request->keep,
	                                  .has_estimated_duration = true,
	                                  .estimated_duration_us = duration_us};
	enum hf_status status = hf_queue_add(where, &wanted, &result.queue_id, &result.bucket, err);
	if (status == HF_OK)
		*ret_result = result;
	return status;
}

enum hf_status hf_schedule_one(hf_where where, const struct hf_schedule_direct *request,
                               struct hf_schedule_result *ret_result, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct candidate_command_row row = {.command = request->command};
	int64_t us = request->estimated_duration_us;
	enum hf_status status = HF_OK;
	if (!arena)
		return error_nomem(err);
	if (!request->command.ptr) {
		struct candidate_command_in in = {.codebase = request->codebase,
		                                  .campaign = request->campaign,
		                                  .any_change_set = hf_defects_kept(request->keep, 21)};
		SET_TEXT(&in, change_set, request->change_set);
		status = candidate_command(where, &in, arena, &row, err);
	}
	if (status == HF_NOT_FOUND)
		return no_candidate(request->campaign, request->codebase, err);
	if (status == HF_OK && !request->has_estimated_duration)
		status = hf_schedule_estimate(where, request->codebase, request->campaign, &us, err);
	if (status != HF_OK)
		return status;
	return place(where, request, request->campaign, row.command, HF_BUCKET_DEFAULT, us, ret_result, err);
}

enum hf_status hf_schedule_control(hf_where where, const struct hf_schedule_direct *request,
                                   struct hf_str main_branch_revision, struct hf_schedule_result *ret_result,
                                   hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(buf_deinit) struct buf command;
	int64_t us = request->estimated_duration_us;
	buf_init(&command, 8192);
	buf_add_text(&command, "brz up");
	if (main_branch_revision.ptr && arena) {
		struct hf_str option = arena_printf(arena, "--revision=%.*s", STR_ARG(main_branch_revision));
		buf_add_char(&command, ' ');
		shellword_add(&command, option);
	}
	if (!arena || !buf_ok(&command))
		return error_nomem(err);
	enum hf_status status = HF_OK;
	if (!request->has_estimated_duration || hf_defects_kept(request->keep, 22))
		status = hf_schedule_estimate(where, request->codebase, HF_STR("control"), &us, err);
	if (status != HF_OK)
		return status;
	return place(where, request, HF_STR("control"), buf_str(&command), HF_BUCKET_CONTROL, us, ret_result, err);
}
