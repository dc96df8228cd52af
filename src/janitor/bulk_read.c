/*
 * bulk_read.c - what each item costs and is worth. The items are sent as arrays; rows come back in their order, so one
 * pass with constant memory per statement suffices.
 */
#include "janitor/bulk.h"

#include "base/arena.h"
#include "janitor/history.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

enum hf_status bulk_refuse(const struct bulk_item *item, enum schedule_fault fault, hf_error *err)
{
	return error_set(err, HF_REJECTED, "%.*s/%.*s: %s", STR_ARG(item->wanted.campaign),
	                 STR_ARG(item->wanted.codebase), schedule_fault_text(fault));
}

/* The items' codebases, campaigns, change sets and contexts as arrays. */
struct columns {
	struct hf_str *codebases, *campaigns, *change_sets, *contexts;
	bool *no_change_set, *no_context;
};

static enum hf_status make_columns(struct bulk *bulk, struct columns *ret, hf_error *err)
{
	*ret = (struct columns){hf_arena_calloc(bulk->arena, bulk->count, sizeof(struct hf_str)),
	                        hf_arena_calloc(bulk->arena, bulk->count, sizeof(struct hf_str)),
	                        hf_arena_calloc(bulk->arena, bulk->count, sizeof(struct hf_str)),
	                        hf_arena_calloc(bulk->arena, bulk->count, sizeof(struct hf_str)),
	                        hf_arena_calloc(bulk->arena, bulk->count, sizeof(bool)),
	                        hf_arena_calloc(bulk->arena, bulk->count, sizeof(bool))};
	if (!ret->codebases || !ret->campaigns || !ret->change_sets || !ret->contexts || !ret->no_change_set ||
	    !ret->no_context)
		return error_nomem(err);
	for (uint32_t i = 0; i < bulk->count; i++) {
		ret->codebases[i] = bulk->items[i].wanted.codebase;
		ret->campaigns[i] = bulk->items[i].wanted.campaign;
		ret->change_sets[i] = bulk->items[i].wanted.change_set;
		ret->no_change_set[i] = ret->change_sets[i].ptr == NULL;
	}
	return HF_OK;
}

/* ---- gaps and values ---- */

struct gaps {
	struct bulk *bulk;
	bool has_greatest;
	int32_t greatest; /* with D-24 an unknown value counts as 0 */
};

static struct schedule_value share_of(const struct gaps *gaps, const struct schedule_gaps_row *row)
{
	const int32_t value = row->has_codebase_value ? row->codebase_value : 0;
	if (!hf_defects_kept(gaps->bulk->options->keep, 24))
		return schedule_share(row->has_codebase_value, value, gaps->has_greatest, gaps->greatest);
	return (struct schedule_value){true, gaps->greatest ? schedule_normalized(value, gaps->greatest) : 1.0};
}

static bool keep(hf_arena *arena, bool present, struct hf_str text, struct hf_str *into)
{
	if (!present || into->ptr)
		return true;
	*into = hf_arena_str(arena, text);
	return into->ptr != NULL;
}

static enum hf_status gap_row(void *user, const struct schedule_gaps_row *row, hf_error *err)
{
	const struct gaps *gaps = user;
	struct bulk_item *item = &gaps->bulk->items[row->place - 1];
	struct hf_schedule_item *wanted = &item->wanted;
	item->normalized = share_of(gaps, row);
	if (wanted->has_value && wanted->has_success_chance && wanted->command.ptr)
		return HF_OK;
	if (!row->found)
		return error_set(err, HF_NOT_FOUND, "there is no candidate %.*s/%.*s", STR_ARG(wanted->campaign),
		                 STR_ARG(wanted->codebase));
	if (!wanted->has_value && row->has_value) {
		wanted->has_value = true;
		wanted->value = row->value;
	}
	if (!wanted->has_success_chance && row->has_success_chance) {
		wanted->has_success_chance = true;
		wanted->success_chance = row->success_chance;
	}
	if (!keep(gaps->bulk->arena, row->has_command, row->command, &wanted->command) ||
	    !keep(gaps->bulk->arena, row->has_context, row->context, &wanted->context))
		return error_nomem(err);
	return HF_OK;
}

static enum hf_status fill_gaps(struct bulk *bulk, const struct columns *columns, hf_error *err)
{
	struct codebase_greatest_value_row greatest;
	enum hf_status status = codebase_greatest_value(bulk->tx, bulk->arena, &greatest, err);
	if (status != HF_OK)
		return status;
	if (hf_defects_kept(bulk->options->keep, 20) && greatest.named > 0 && greatest.greatest == 0) {
		error_set(err, HF_REJECTED, "no codebase has a value other than 0, so none can be compared");
		return error_hint(err, "give the codebases values: holdfast codebase import-debian does");
	}
	bulk->report.greatest_value = greatest.has_greatest ? greatest.greatest : 0;
	struct gaps gaps = {bulk, greatest.has_greatest, greatest.named > 0 ? greatest.greatest : 1};
	struct schedule_gaps_in in = {.codebases = text_array(bulk->count, columns->codebases, NULL),
	                              .campaigns = text_array(bulk->count, columns->campaigns, NULL),
	                              .change_sets =
	                                      text_array(bulk->count, columns->change_sets, columns->no_change_set)};
	return schedule_gaps(bulk->tx, &in, gap_row, &gaps, err);
}

/* ---- history ---- */

static enum hf_status history_row(void *user, const struct schedule_histories_row *row, hf_error *err)
{
	struct bulk *bulk = user;
	struct bulk_item *item = &bulk->items[row->place - 1];
	enum hf_status status = history_add(&item->history, row, bulk->options->keep, err);
	if (status != HF_OK)
		error_prefix(err, "%.*s/%.*s", STR_ARG(item->wanted.campaign), STR_ARG(item->wanted.codebase));
	return status;
}

static enum hf_status read_histories(struct bulk *bulk, const struct columns *columns, hf_error *err)
{
	int64_t now_us = history_now_us(hf_where_context(bulk->tx));
	for (uint32_t i = 0; i < bulk->count; i++) {
		struct hf_str context = bulk->items[i].wanted.context;
		columns->contexts[i] = context;
		columns->no_context[i] = context.ptr == NULL;
		schedule_history_init(&bulk->items[i].history, context.ptr == NULL, now_us);
	}
	struct schedule_histories_in in = {.codebases = text_array(bulk->count, columns->codebases, NULL),
	                                   .campaigns = text_array(bulk->count, columns->campaigns, NULL),
	                                   .contexts = text_array(bulk->count, columns->contexts, columns->no_context)};
	return schedule_histories(bulk->tx, &in, history_row, bulk, err);
}

/* ---- averages, for items without a history of their own ---- */

#define NO_AVERAGE INT64_MIN

struct averages {
	struct intern *names;
	int64_t *us; /* of names, by number */
};

static enum hf_status note_average(struct averages *averages, struct hf_str name, bool known,
                                   struct hf_interval average, hf_error *err)
{
	uint32_t number = intern_find(averages->names, name);
	if (number == INTERN_NONE || !known)
		return HF_OK;
	return interval_us(average, &averages->us[number], err);
}

static enum hf_status codebase_average(void *user, const struct schedule_codebase_averages_row *row, hf_error *err)
{
	return note_average(user, row->codebase, row->has_average, row->average, err);
}

static enum hf_status campaign_average(void *user, const struct schedule_campaign_averages_row *row, hf_error *err)
{
	return note_average(user, row->campaign, row->has_average, row->average, err);
}

/* Number the names of the items without history; the texts as an array for the statement. */
static enum hf_status collect(struct bulk *bulk, struct averages *averages, bool campaigns, struct hf_str **ret_names,
                              hf_error *err)
{
	for (uint32_t i = 0; i < bulk->count; i++) {
		const struct bulk_item *item = &bulk->items[i];
		struct hf_str name = campaigns ? item->wanted.campaign : item->wanted.codebase;
		if (item->history.total == 0 && intern_add(averages->names, name) == INTERN_NONE)
			return error_nomem(err);
	}
	uint32_t n = intern_count(averages->names);
	averages->us = hf_arena_calloc(bulk->arena, n, sizeof(*averages->us));
	*ret_names = hf_arena_calloc(bulk->arena, n, sizeof(**ret_names));
	if (!averages->us || !*ret_names)
		return error_nomem(err);
	for (uint32_t i = 0; i < n; i++) {
		averages->us[i] = NO_AVERAGE;
		(*ret_names)[i] = intern_text(averages->names, i);
	}
	return HF_OK;
}

static enum hf_status read_averages(struct bulk *bulk, struct averages *averages, bool campaigns, hf_error *err)
{
	struct hf_str *names = NULL;
	enum hf_status status = collect(bulk, averages, campaigns, &names, err);
	uint32_t n = intern_count(averages->names);
	if (status != HF_OK || n == 0)
		return status;
	if (campaigns) {
		struct schedule_campaign_averages_in in = {.campaigns = text_array(n, names, NULL)};
		return schedule_campaign_averages(bulk->tx, &in, campaign_average, averages, err);
	}
	struct schedule_codebase_averages_in in = {.codebases = text_array(n, names, NULL)};
	return schedule_codebase_averages(bulk->tx, &in, codebase_average, averages, err);
}

static int64_t average_of(const struct averages *averages, struct hf_str name)
{
	uint32_t number = intern_find(averages->names, name);
	return number == INTERN_NONE ? NO_AVERAGE : averages->us[number];
}

static enum hf_status set_durations(struct bulk *bulk, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *codebase_names = intern_new(BULK_ITEMS_MAX);
	CLEANUP(intern_freep) struct intern *campaign_names = intern_new(BULK_ITEMS_MAX);
	struct averages codebases = {codebase_names, NULL}, campaigns = {campaign_names, NULL};
	if (!codebase_names || !campaign_names)
		return error_nomem(err);
	enum hf_status status = read_averages(bulk, &codebases, false, err);
	if (status == HF_OK)
		status = read_averages(bulk, &campaigns, true, err);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++) {
		struct bulk_item *item = &bulk->items[i];
		if (item->history.total > 0)
			continue;
		item->duration_us = average_of(&codebases, item->wanted.codebase);
		if (item->duration_us == NO_AVERAGE)
			item->duration_us = average_of(&campaigns, item->wanted.campaign);
		if (item->duration_us == NO_AVERAGE)
			item->duration_us = SCHEDULE_DEFAULT_DURATION_US;
	}
	return status;
}

/* ---- offsets ---- */

static enum hf_status set_offset(const struct bulk *bulk, struct bulk_item *item, hf_error *err)
{
	struct schedule_estimate estimate;
	const struct hf_defects *kept = bulk->options->keep;
	struct schedule_value value = {item->wanted.has_value, item->wanted.value};
	struct schedule_value chance = {item->wanted.has_success_chance, item->wanted.success_chance};
	enum schedule_fault fault = schedule_history_finish(&item->history, &estimate);
	if (fault == SCHEDULE_FINE && estimate.total > 0)
		item->duration_us = estimate.duration_us;
	if (fault == SCHEDULE_FINE && item->duration_us < 0)
		fault = SCHEDULE_NEGATIVE_DURATION;
	if (fault == SCHEDULE_FINE)
		fault = schedule_offset(item->duration_us, item->normalized,
		                        schedule_chance(estimate.probability, chance, kept), value, estimate.total,
		                        kept, &item->offset);
	if (fault != SCHEDULE_FINE)
		return bulk_refuse(item, fault, err);
	item->offset = bulk->options->default_offset + item->offset;
	if (item->wanted.command.len == 0)
		return error_set(err, HF_REJECTED, "%.*s/%.*s: the command is empty", STR_ARG(item->wanted.campaign),
		                 STR_ARG(item->wanted.codebase));
	return HF_OK;
}

enum hf_status bulk_read(struct bulk *bulk, hf_error *err)
{
	struct columns columns;
	enum hf_status status = make_columns(bulk, &columns, err);
	if (status == HF_OK)
		status = fill_gaps(bulk, &columns, err);
	if (status == HF_OK)
		status = read_histories(bulk, &columns, err);
	if (status == HF_OK)
		status = set_durations(bulk, err);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++)
		status = set_offset(bulk, &bulk->items[i], err);
	return status;
}
