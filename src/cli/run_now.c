/*
 * run_now.c - `holdfast run` active, watch: what is being run, and what ends while one looks.
 *
 * A run is stored when it has ended, and not in the order of ends. So each look goes back over BACK_US and passes over
 * the ids that were seen: they are kept in two sets of which the older one is dropped each BACK_US, so that memory
 * stays that of the runs of half an hour.
 */
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/intern.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "holdfast/claim.h"

enum { PAGE = 1000, SEEN_MAX = 1000000, SLICE_US = 100000 };
static const int64_t BACK_US = INT64_C(900000000); /* a quarter of an hour */

/* ---- active ---- */

const struct column run_active_columns[] = {
	{.name = "fence", .kind = COLUMN_INT},
	{.name = "queue_id", .kind = COLUMN_INT, .title = "ENTRY"},
	{.name = "codebase", .help = "null: the entry left the queue meanwhile"},
	{.name = "campaign"},
	{.name = "holder", .help = "who works on it"},
	{.name = "age_s", .kind = COLUMN_DURATION, .title = "FOR", .help = "since it was claimed"},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .title = "ESTIMATE"},
	{.name = "attempt", .kind = COLUMN_INT},
	{.name = "until", .kind = COLUMN_TIME, .help = "end of the lease, unless it is renewed"},
	{.name = "claimed_at", .kind = COLUMN_TIME, .title = ""},
	{.name = "attempts_max", .kind = COLUMN_INT, .title = ""},
	{.name = "change_set", .title = ""},
	{.name = "command", .title = ""},
	{0},
};

static enum hf_status active_row(void *user, const struct hf_claim_active *active, hf_error *err)
{
	const struct cell cells[] = {cell_int(active->fence),
	                             cell_int(active->queue_id),
	                             cell_text(active->codebase),
	                             cell_text(active->campaign),
	                             cell_text(active->holder),
	                             cell_duration((double)active->age_us / 1e6),
	                             cell_us_or_null(active->has_estimated_duration, active->estimated_duration_us),
	                             cell_int(active->attempt),
	                             cell_time(active->until.us),
	                             cell_time(active->claimed_at.us),
	                             cell_int(active->attempts_max),
	                             cell_text(active->change_set),
	                             cell_text(active->command)};
	return out_row(user, cells, err);
}

enum hf_status run_active_verb(struct cli *cli, hf_error *err)
{
	struct hf_claim_active_filter filter = {.before = cli_int(cli, "before", 0),
	                                        .holder = text_or_null(cli_text(cli, "holder")),
	                                        .codebase = text_or_null(cli_text(cli, "codebase")),
	                                        .campaign = text_or_null(cli_text(cli, "campaign")),
	                                        .limit = out_fetch_limit(cli->out)};
	struct hf_assigner_state assigner;
	hf_where where;
	enum hf_status status = cli_list(cli, run_active_columns, &where, err);
	if (status == HF_OK)
		status = hf_assigner_get(where, &assigner, err);
	if (status == HF_OK)
		status = hf_claim_active_list(where, &filter, active_row, cli->out, err);
	if (status == HF_OK)
		status = out_list_end(cli->out, err);
	if (status == HF_OK && assigner.active == HF_ASSIGNER_ORIGINAL)
		cli_note(cli, "the original hands out this queue: what it runs is known to its runner alone");
	return status;
}

const struct cmd_option run_active_options[] = {
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "holder", .arg = "WHO", .help = "only what this holder works on"},
	{.name = "before",
         .arg = "FENCE",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_MAX,
         .help = "start before this fence"},
	{0},
};

/* ---- watch ---- */

struct watch {
	struct cli *cli;
	struct hf_run_finished_filter filter;
	struct intern *seen, *seen_before; /* owned */
	int64_t swapped_us;                /* when the sets changed places last */
	int64_t shown, limit;              /* 0 = all */
	bool silent;                       /* what ended before is learnt, not shown */
	bool over;                         /* the limit is reached, or nobody reads any more */
	hf_arena *scratch;                 /* owned; the last run of a page */
	struct hf_run last;
	size_t page;
};

static void watch_deinit(struct watch *watch)
{
	intern_free(watch->seen);
	intern_free(watch->seen_before);
	hf_arena_free(watch->scratch);
}

/* Each look forgets what no later look can find. */
static enum hf_status forget(struct watch *watch, hf_error *err)
{
	int64_t now = hf_now_monotonic_us(watch->cli->ctx);
	if (watch->seen && now - watch->swapped_us < BACK_US)
		return HF_OK;
	intern_free(watch->seen_before);
	watch->seen_before = watch->seen;
	watch->seen = intern_new(SEEN_MAX);
	watch->swapped_us = now;
	return watch->seen ? HF_OK : error_nomem(err);
}

static enum hf_status remember(struct watch *watch, const struct hf_run *run, bool *ret_new, hf_error *err)
{
	*ret_new = intern_find(watch->seen, run->id) == INTERN_NONE &&
	           (!watch->seen_before || intern_find(watch->seen_before, run->id) == INTERN_NONE);
	if (intern_add(watch->seen, run->id) != INTERN_NONE)
		return HF_OK;
	if (intern_count(watch->seen) == SEEN_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d runs ended within a quarter of an hour, or have no end",
		                 SEEN_MAX);
	return error_nomem(err);
}

static enum hf_status watch_row(void *user, const struct hf_run *run, hf_error *err)
{
	struct watch *watch = user;
	bool fresh;
	enum hf_status status = remember(watch, run, &fresh, err);
	if (status != HF_OK)
		return status;
	hf_arena_reset(watch->scratch);
	watch->last = (struct hf_run){.id = hf_arena_str(watch->scratch, run->id), .finish_time = run->finish_time};
	watch->page++;
	if (!watch->last.id.ptr)
		return error_nomem(err);
	if (!fresh || watch->silent)
		return HF_OK;
	status = run_list_row(watch->cli->out, run, err);
	watch->over = status == HF_STOP || (status == HF_OK && ++watch->shown == watch->limit);
	return watch->over ? HF_STOP : status;
}

typedef enum hf_status find_fn(hf_where where, const struct hf_run_finished_filter *filter, hf_run_fn *fn, void *user,
                               hf_error *err);

/* All pages; the next one goes on behind the last run of a page that was full. */
static enum hf_status pages(struct watch *watch, hf_where where, find_fn *find, hf_error *err)
{
	enum hf_status status = HF_OK;
	watch->filter.after = NULL;
	for (watch->page = PAGE; status == HF_OK && watch->page == PAGE && !watch->over;) {
		watch->page = 0;
		status = find(where, &watch->filter, watch_row, watch, err);
		watch->filter.after = &watch->last;
	}
	return status;
}

/* What has no end stands behind what has, and is new only where it was not there at the first look. */
static enum hf_status look(struct watch *watch, hf_where where, bool first, hf_error *err)
{
	enum hf_status status = forget(watch, err);
	if (status == HF_OK)
		status = pages(watch, where, hf_run_finished, err);
	watch->silent = first;
	if (status == HF_OK && !watch->over)
		status = pages(watch, where, hf_run_timeless, err);
	watch->silent = false;
	return status == HF_OK ? out_flush(watch->cli->out, err) : status;
}

/* In slices: a signal that comes just before the sleep is seen all the same. */
static void pause_for(const struct cli *cli, int64_t us)
{
	const struct timespec slice = {.tv_nsec = SLICE_US * 1000L};
	for (; us > 0 && !hf_context_interrupted(cli->ctx); us -= SLICE_US)
		nanosleep(&slice, NULL);
}

/* Nothing is cut when a signal or --timeout ends it: that is how it ends, unless --limit asked for more. */
static enum hf_status ended(const struct watch *watch, enum hf_status status, hf_error *err)
{
	const struct cli *cli = watch->cli;
	const bool late = cli->deadline != HF_DEADLINE_DEFAULT && hf_now_monotonic_us(cli->ctx) >= cli->deadline;
	const bool cut = status == HF_E_INTERRUPTED || status == HF_TIMEOUT;
	if ((status != HF_OK && !cut) || (!late && !hf_context_interrupted(cli->ctx)))
		return status;
	if (late && watch->limit > 0 && !watch->over)
		return error_set(err, HF_TIMEOUT, "%lld of %lld runs ended", (long long)watch->shown,
		                 (long long)watch->limit);
	return HF_OK;
}

static enum hf_status follow(struct watch *watch, int64_t interval_us, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_where(watch->cli, &where, err);
	watch->silent = !watch->filter.has_since;
	for (bool first = true; status == HF_OK && !hf_context_interrupted(watch->cli->ctx); first = false) {
		status = look(watch, where, first, err);
		watch->filter.has_since = false;
		if (status == HF_OK && watch->over)
			break;
		pause_for(watch->cli, status == HF_OK ? interval_us : 0);
	}
	return ended(watch, status, err);
}

enum hf_status run_watch_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(watch_deinit)
	struct watch watch = {.cli = cli,
	                      .filter = {.has_since = cli_given(cli, "since"),
	                                 .ago_us = BACK_US,
	                                 .longest_us = cli_int(cli, "longest", 86400000) * 1000,
	                                 .codebase = text_or_null(cli_text(cli, "codebase")),
	                                 .campaign = text_or_null(cli_text(cli, "campaign")),
	                                 .result_code = text_or_null(cli_text(cli, "result")),
	                                 .limit = PAGE},
	                      .limit = parsed_flag(&cli->parsed, "limit") ? cli->globals.limit : 0,
	                      .scratch = hf_arena_new(0)};
	enum hf_status status = watch.scratch ? HF_OK : error_nomem(err);
	cli->out->options.limit = 0; /* counted here */
	if (cli->globals.format == OUT_TABLE || cli->globals.format == OUT_JSON)
		cli->out->options.format = OUT_NDJSON;
	if (status == HF_OK && watch.filter.has_since)
		status = cli_time(cli_text(cli, "since"), &watch.filter.since, err);
	if (status == HF_OK)
		status = out_list(cli->out, run_list_columns, err);
	if (status == HF_OK)
		status = follow(&watch, cli_int(cli, "interval", 2000) * 1000, err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

const struct cmd_option run_watch_options[] = {
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "result", .arg = "CODE", .help = "only this result code"},
	{.name = "since", .arg = "TIME", .help = "first those that ended then or later, UTC (default: new ones alone)"},
	{.name = "interval",
         .arg = "TIME",
         .kind = OPTION_DURATION,
         .min = 100,
         .max = 3600000,
         .help = "between two looks (default 2s)"},
	{.name = "longest",
         .arg = "TIME",
         .kind = OPTION_DURATION,
         .min = 1000,
         .max = INT64_C(31536000000),
         .help = "runs that take longer are not found (default 1d)"},
	{0},
};
