/*
 * bulk_read.c - what each item costs and is worth. Codebases and campaigns are numbered, so that each statement passes
 * over a table once and its rows are told apart here: joining with what is asked for costs the server several times as
 * much. Memory is constant per statement.
 */
#include "janitor/bulk.h"

#include "base/arena.h"
#include "base/str.h"
#include "janitor/history.h"
#include "janitor/todo.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

#define NO_AVERAGE INT64_MIN

/* Few bytes, since each run looks for its items through those of its codebase. */
struct link {
	uint32_t campaign;
	int32_t next; /* item of the same codebase, or BULK_NO_ITEM */
};

struct reading {
	struct bulk *bulk;
	struct intern *codebases, *campaigns;
	int32_t *first;                     /* item of each codebase */
	struct link *links;                 /* of each item */
	struct hf_str_array names;          /* of the codebases, when they are few among all: count 0 asks for all */
	int64_t *codebase_us, *campaign_us; /* averages */
	struct interval_mean *codebase_means, *campaign_means; /* of all runs, when all are read: else NULL */
};

static void reading_deinit(struct reading *reading)
{
	intern_free(reading->codebases);
	intern_free(reading->campaigns);
}

enum hf_status bulk_refuse(const struct bulk_item *item, enum schedule_fault fault, hf_error *err)
{
	return error_set(err, HF_REJECTED, "%.*s/%.*s: %s", STR_ARG(item->wanted.campaign),
	                 STR_ARG(item->wanted.codebase), schedule_fault_text(fault));
}

static enum hf_status of_item(const struct bulk_item *item, enum hf_status status, hf_error *err)
{
	if (status != HF_OK)
		error_prefix(err, "%.*s/%.*s", STR_ARG(item->wanted.campaign), STR_ARG(item->wanted.codebase));
	return status;
}

/* What one item stumbles over (`why`) ends all, or leaves it out. */
static enum hf_status stumble(struct bulk *bulk, struct bulk_item *item, const hf_error *why, hf_error *err)
{
	const enum hf_status status = why->status;
	if (!bulk->lenient || (status != HF_REJECTED && status != HF_E_LIMIT && status != HF_E_INPUT)) {
		if (err)
			*err = *why;
		return of_item(item, status, err);
	}
	if (!item->left_out)
		todo_leave_out(hf_where_context(bulk->tx), item->wanted.campaign, item->wanted.codebase, why->message,
		               &bulk->report.refused);
	item->left_out = true;
	return HF_OK;
}

/* ---- numbers ---- */

static enum hf_status number_item(struct reading *reading, uint32_t i, hf_error *err)
{
	struct bulk_item *item = &reading->bulk->items[i];
	const uint32_t before = intern_count(reading->codebases);
	item->codebase = intern_add(reading->codebases, item->wanted.codebase);
	item->campaign = intern_add(reading->campaigns, item->wanted.campaign);
	if (item->codebase == INTERN_NONE || item->campaign == INTERN_NONE)
		return error_nomem(err);
	const int32_t next = item->codebase == before ? BULK_NO_ITEM : reading->first[item->codebase];
	reading->links[i] = (struct link){item->campaign, next};
	reading->first[item->codebase] = (int32_t)i;
	return HF_OK;
}

static enum hf_status number_items(struct reading *reading, hf_error *err)
{
	struct bulk *bulk = reading->bulk;
	enum hf_status status = HF_OK;
	reading->codebases = intern_new(BULK_ITEMS_MAX);
	reading->campaigns = intern_new(BULK_ITEMS_MAX);
	reading->first = hf_arena_calloc(bulk->arena, bulk->count, sizeof(*reading->first));
	reading->links = hf_arena_calloc(bulk->arena, bulk->count, sizeof(*reading->links));
	if (!reading->codebases || !reading->campaigns || !reading->first || !reading->links)
		return error_nomem(err);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++)
		status = number_item(reading, i, err);
	return status;
}

/* The texts of those numbers that are chosen; NULL chooses all. */
static enum hf_status texts_of(const struct reading *reading, const struct intern *names, const bool *chosen,
                               struct hf_str_array *ret_texts, hf_error *err)
{
	struct hf_str *texts = hf_arena_calloc(reading->bulk->arena, intern_count(names), sizeof(*texts));
	uint32_t n = 0;
	if (!texts)
		return error_nomem(err);
	for (uint32_t i = 0; i < intern_count(names); i++)
		if (!chosen || chosen[i])
			texts[n++] = intern_text(names, i);
	*ret_texts = text_array(n, texts, NULL);
	return HF_OK;
}

/* ---- values ---- */

struct values {
	struct reading *reading;
	bool *known; /* by number of the codebase */
	int32_t *value;
};

static enum hf_status value_row(void *user, const struct codebase_values_row *row, UNUSED hf_error *err)
{
	const struct values *values = user;
	uint32_t number = row->has_value ? intern_find(values->reading->codebases, row->name) : INTERN_NONE;
	if (number == INTERN_NONE)
		return HF_OK;
	values->known[number] = true;
	values->value[number] = row->value;
	return HF_OK;
}

/* With D-24 an unknown value counts as 0. */
static struct schedule_value share_of(const struct hf_defects *keep, bool known, int32_t value,
                                      const struct codebase_greatest_value_row *greatest)
{
	if (!hf_defects_kept(keep, 24))
		return schedule_share(known, value, greatest->has_greatest, greatest->greatest);
	const int32_t divisor = greatest->named > 0 ? greatest->greatest : 1;
	return (struct schedule_value){true, divisor ? schedule_normalized(value, divisor) : 1.0};
}

static enum hf_status read_shares(struct reading *reading, const struct codebase_greatest_value_row *greatest,
                                  hf_error *err)
{
	struct bulk *bulk = reading->bulk;
	const uint32_t n = intern_count(reading->codebases);
	struct values values = {reading, hf_arena_calloc(bulk->arena, n, sizeof(bool)),
	                        hf_arena_calloc(bulk->arena, n, sizeof(int32_t))};
	struct codebase_values_in in = {.names = reading->names, .with_names = reading->names.count > 0};
	if (!values.known || !values.value)
		return error_nomem(err);
	enum hf_status status = codebase_values(bulk->tx, &in, value_row, &values, err);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++) {
		struct bulk_item *item = &bulk->items[i];
		item->normalized = share_of(bulk->options->keep, values.known[item->codebase],
		                            values.value[item->codebase], greatest);
	}
	return status;
}

static enum hf_status read_values(struct reading *reading, hf_error *err)
{
	struct bulk *bulk = reading->bulk;
	struct codebase_greatest_value_row greatest;
	enum hf_status status = codebase_greatest_value(bulk->tx, bulk->arena, &greatest, err);
	if (status != HF_OK)
		return status;
	if (hf_defects_kept(bulk->options->keep, 20) && greatest.named > 0 && greatest.greatest == 0) {
		error_set(err, HF_REJECTED, "no codebase has a value other than 0, so none can be compared");
		error_hint(err, "give the codebases values: holdfast codebase import-debian does");
		return HF_REJECTED;
	}
	bulk->report.greatest_value = greatest.has_greatest ? greatest.greatest : 0;
	if (intern_count(reading->codebases) < greatest.named / 2)
		status = texts_of(reading, reading->codebases, NULL, &reading->names, err);
	return status == HF_OK ? read_shares(reading, &greatest, err) : status;
}

/* ---- gaps ---- */

static bool has_gap(const struct hf_schedule_item *wanted)
{
	return !wanted->has_value || !wanted->has_success_chance || !wanted->command.ptr;
}

struct gaps {
	struct bulk *bulk;
	uint32_t *items; /* by place */
	struct hf_str *codebases, *campaigns, *change_sets;
	bool *no_change_set;
	uint32_t count;
};

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
	struct hf_schedule_item *wanted = &gaps->bulk->items[gaps->items[row->place - 1]].wanted;
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

static void note_gap(struct gaps *gaps, uint32_t i)
{
	const struct hf_schedule_item *wanted = &gaps->bulk->items[i].wanted;
	const uint32_t at = gaps->count++;
	gaps->items[at] = i;
	gaps->codebases[at] = wanted->codebase;
	gaps->campaigns[at] = wanted->campaign;
	gaps->change_sets[at] = wanted->change_set;
	gaps->no_change_set[at] = wanted->change_set.ptr == NULL;
}

static enum hf_status fill_gaps(struct bulk *bulk, hf_error *err)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < bulk->count; i++)
		n += has_gap(&bulk->items[i].wanted);
	struct gaps gaps = {bulk,
	                    hf_arena_calloc(bulk->arena, n, sizeof(uint32_t)),
	                    hf_arena_calloc(bulk->arena, n, sizeof(struct hf_str)),
	                    hf_arena_calloc(bulk->arena, n, sizeof(struct hf_str)),
	                    hf_arena_calloc(bulk->arena, n, sizeof(struct hf_str)),
	                    hf_arena_calloc(bulk->arena, n, sizeof(bool)),
	                    0};
	if (!gaps.items || !gaps.codebases || !gaps.campaigns || !gaps.change_sets || !gaps.no_change_set)
		return error_nomem(err);
	for (uint32_t i = 0; i < bulk->count; i++)
		if (has_gap(&bulk->items[i].wanted))
			note_gap(&gaps, i);
	struct schedule_gaps_in in = {.codebases = text_array(n, gaps.codebases, NULL),
	                              .campaigns = text_array(n, gaps.campaigns, NULL),
	                              .change_sets = text_array(n, gaps.change_sets, gaps.no_change_set)};
	return n == 0 ? HF_OK : schedule_gaps(bulk->tx, &in, gap_row, &gaps, err);
}

/* ---- history ---- */

struct histories {
	struct reading *reading;
	struct dependency_waits waits;
};

static enum hf_status add_to_mean(struct interval_mean *means, uint32_t number,
                                  const struct schedule_histories_row *row, hf_error *err)
{
	if (!means || number == INTERN_NONE || !row->has_duration || interval_mean_add(&means[number], row->duration))
		return HF_OK;
	return error_set(err, HF_E_LIMIT, "the durations of %.*s/%.*s are out of range", STR_ARG(row->campaign),
	                 STR_ARG(row->codebase));
}

static enum hf_status history_row(void *user, const struct schedule_histories_row *row, hf_error *err)
{
	struct histories *histories = user;
	struct reading *reading = histories->reading;
	struct bulk *bulk = reading->bulk;
	const uint32_t codebase = intern_find(reading->codebases, row->codebase);
	const uint32_t campaign = intern_find(reading->campaigns, row->campaign);
	enum hf_status status = add_to_mean(reading->codebase_means, codebase, row, err);
	int32_t i = codebase == INTERN_NONE ? BULK_NO_ITEM : reading->first[codebase];
	if (status == HF_OK)
		status = add_to_mean(reading->campaign_means, campaign, row, err);
	for (; status == HF_OK && i != BULK_NO_ITEM; i = reading->links[i].next) {
		struct bulk_item *item = &bulk->items[i];
		hf_error why = HF_ERROR_INIT;
		if (reading->links[i].campaign != campaign)
			continue;
		if (history_add(&item->history, item->wanted.context, row, i + 1, &histories->waits, &why) != HF_OK)
			status = stumble(bulk, item, &why, err);
	}
	return status;
}

static struct schedule_history *history_at(void *user, int64_t place)
{
	const struct histories *histories = user;
	return &histories->reading->bulk->items[place - 1].history;
}

static enum hf_status settle_histories(struct histories *histories, hf_error *err)
{
	const struct bulk *bulk = histories->reading->bulk;
	enum hf_status status =
		history_settle(bulk->tx, &histories->waits, bulk->options->keep, history_at, histories, err);
	const int64_t failed = histories->waits.failed;
	return failed ? of_item(&bulk->items[failed - 1], status, err) : status;
}

static bool new_means(struct reading *reading)
{
	hf_arena *arena = reading->bulk->arena;
	const uint32_t ncodebases = intern_count(reading->codebases), ncampaigns = intern_count(reading->campaigns);
	reading->codebase_means = hf_arena_calloc(arena, ncodebases, sizeof(*reading->codebase_means));
	reading->campaign_means = hf_arena_calloc(arena, ncampaigns, sizeof(*reading->campaign_means));
	return reading->codebase_means && reading->campaign_means;
}

static enum hf_status read_histories(struct reading *reading, hf_error *err)
{
	struct bulk *bulk = reading->bulk;
	const int64_t now_us = history_now_us(hf_where_context(bulk->tx));
	for (uint32_t i = 0; i < bulk->count; i++)
		schedule_history_init(&bulk->items[i].history, bulk->items[i].wanted.context.ptr == NULL, now_us);
	struct schedule_histories_in in = {.codebases = reading->names,
	                                   .with_codebases = reading->names.count > 0,
	                                   .campaign = intern_text(reading->campaigns, 0),
	                                   .with_campaign = intern_count(reading->campaigns) == 1};
	struct histories histories = {reading, {.arena = bulk->arena}};
	const bool all = !in.with_codebases && !in.with_campaign;
	if (all && !new_means(reading))
		return error_nomem(err);
	enum hf_status status = all ? schedule_all_histories(bulk->tx, history_row, &histories, err)
	                            : schedule_histories(bulk->tx, &in, history_row, &histories, err);
	return status == HF_OK ? settle_histories(&histories, err) : status;
}

/* ---- averages, for items without a history of their own: by the pass over all runs, or asked for ---- */

static enum hf_status note_average(const struct intern *names, int64_t *us, struct hf_str name, bool known,
                                   struct hf_interval average, hf_error *err)
{
	uint32_t number = intern_find(names, name);
	return number == INTERN_NONE || !known ? HF_OK : interval_us(average, &us[number], err);
}

static enum hf_status codebase_average(void *user, const struct schedule_codebase_averages_row *row, hf_error *err)
{
	const struct reading *reading = user;
	return note_average(reading->codebases, reading->codebase_us, row->codebase, row->has_average, row->average,
	                    err);
}

static enum hf_status campaign_average(void *user, const struct schedule_campaign_averages_row *row, hf_error *err)
{
	const struct reading *reading = user;
	return note_average(reading->campaigns, reading->campaign_us, row->campaign, row->has_average, row->average,
	                    err);
}

/* Less than no time is no average, but with D-16, which stops at it. */
static int64_t usable(const struct bulk *bulk, int64_t us)
{
	return us < 0 && !hf_defects_kept(bulk->options->keep, 16) ? NO_AVERAGE : us;
}

/* Those of the items that need one: of their codebases, or of the campaigns where the codebase has none either. */
static enum hf_status chosen_names(const struct reading *reading, bool campaigns, int64_t **ret_us,
                                   struct hf_str_array *ret_names, hf_error *err)
{
	const struct bulk *bulk = reading->bulk;
	const struct intern *names = campaigns ? reading->campaigns : reading->codebases;
	const uint32_t n = intern_count(names);
	bool *chosen = hf_arena_calloc(bulk->arena, n, sizeof(*chosen));
	*ret_us = hf_arena_calloc(bulk->arena, n, sizeof(**ret_us));
	if (!chosen || !*ret_us)
		return error_nomem(err);
	for (uint32_t i = 0; i < n; i++)
		(*ret_us)[i] = NO_AVERAGE;
	for (uint32_t i = 0; i < bulk->count; i++) {
		const struct bulk_item *item = &bulk->items[i];
		if (item->history.total == 0 && !campaigns)
			chosen[item->codebase] = true;
		else if (item->history.total == 0 && usable(bulk, reading->codebase_us[item->codebase]) == NO_AVERAGE)
			chosen[item->campaign] = true;
	}
	return texts_of(reading, names, chosen, ret_names, err);
}

static enum hf_status averages_of(const struct reading *reading, const struct interval_mean *means, uint32_t count,
                                  int64_t **ret_us, hf_error *err)
{
	int64_t *us = hf_arena_calloc(reading->bulk->arena, count, sizeof(*us));
	enum hf_status status = us ? HF_OK : error_nomem(err);
	for (uint32_t i = 0; status == HF_OK && i < count; i++) {
		us[i] = NO_AVERAGE;
		if (means[i].count > 0)
			status = interval_us(interval_mean(&means[i]), &us[i], err);
	}
	*ret_us = us;
	return status;
}

static enum hf_status averages_of_means(struct reading *reading, hf_error *err)
{
	enum hf_status status = averages_of(reading, reading->codebase_means, intern_count(reading->codebases),
	                                    &reading->codebase_us, err);
	return status == HF_OK ? averages_of(reading, reading->campaign_means, intern_count(reading->campaigns),
	                                     &reading->campaign_us, err)
	                       : status;
}

/* Where not all runs were read; in two statements, the second for what the first leaves open. */
static enum hf_status ask_averages(struct reading *reading, hf_error *err)
{
	struct schedule_codebase_averages_in codebases = {0};
	struct schedule_campaign_averages_in campaigns = {0};
	enum hf_status status = chosen_names(reading, false, &reading->codebase_us, &codebases.codebases, err);
	if (status == HF_OK && codebases.codebases.count > 0)
		status = schedule_codebase_averages(reading->bulk->tx, &codebases, codebase_average, reading, err);
	if (status == HF_OK)
		status = chosen_names(reading, true, &reading->campaign_us, &campaigns.campaigns, err);
	if (status == HF_OK && campaigns.campaigns.count > 0)
		status = schedule_campaign_averages(reading->bulk->tx, &campaigns, campaign_average, reading, err);
	return status;
}

static void set_durations(const struct reading *reading)
{
	const struct bulk *bulk = reading->bulk;
	for (uint32_t i = 0; i < bulk->count; i++) {
		struct bulk_item *item = &bulk->items[i];
		if (item->history.total > 0)
			continue;
		item->duration_us = usable(bulk, reading->codebase_us[item->codebase]);
		if (item->duration_us == NO_AVERAGE)
			item->duration_us = usable(bulk, reading->campaign_us[item->campaign]);
		if (item->duration_us == NO_AVERAGE)
			item->duration_us = SCHEDULE_DEFAULT_DURATION_US;
	}
}

/* ---- offsets ---- */

static enum schedule_fault offset_of(const struct bulk *bulk, struct bulk_item *item)
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
	return fault != SCHEDULE_FINE ? fault
	                              : schedule_offset(item->duration_us, item->normalized,
	                                                schedule_chance(estimate.probability, chance, kept), value,
	                                                estimate.total, kept, &item->offset);
}

static enum hf_status set_offset(struct bulk *bulk, struct bulk_item *item, hf_error *err)
{
	int64_t priority;
	hf_error why = HF_ERROR_INIT;
	enum schedule_fault fault = offset_of(bulk, item);
	if (fault == SCHEDULE_FINE) {
		item->offset = bulk->options->default_offset + item->offset;
		fault = schedule_priority(0, item->offset, bulk->options->keep, &priority);
	}
	if (fault != SCHEDULE_FINE)
		error_set(&why, HF_REJECTED, "%s", schedule_fault_text(fault));
	else if (item->wanted.command.len == 0)
		error_set(&why, HF_REJECTED, "the command is empty");
	return why.status == HF_OK ? HF_OK : stumble(bulk, item, &why, err);
}

enum hf_status bulk_read(struct bulk *bulk, hf_error *err)
{
	CLEANUP(reading_deinit) struct reading reading = {.bulk = bulk};
	enum hf_status status = number_items(&reading, err);
	if (status == HF_OK)
		status = read_values(&reading, err);
	if (status == HF_OK)
		status = fill_gaps(bulk, err);
	if (status == HF_OK)
		status = read_histories(&reading, err);
	if (status == HF_OK)
		status = reading.codebase_means ? averages_of_means(&reading, err) : ask_averages(&reading, err);
	if (status == HF_OK)
		set_durations(&reading);
	for (uint32_t i = 0; status == HF_OK && i < bulk->count; i++)
		if (!bulk->items[i].left_out)
			status = set_offset(bulk, &bulk->items[i], err);
	return status;
}
