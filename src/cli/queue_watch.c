/*
 * queue_watch.c - `holdfast queue watch`: what comes into the queue, moves in it and leaves it while one looks.
 *
 * Each look reads the queue and compares it with the one before by id; what came and went in between is not seen.
 * Memory is that of two looks and of the names that were ever there, at most ENTRIES_MAX of either.
 */
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/intern.h"
#include "cli/queue.h"
#include "cli/rows.h"

enum { ENTRIES_MAX = 2000000, SLICE_US = 100000 };

struct entry {
	int64_t priority;
	int32_t id;
	enum hf_bucket bucket;
	uint32_t codebase, campaign; /* numbers in `names` */
};
struct look {
	struct entry *entries; /* owned; by id */
	size_t count, capacity;
};
struct watch {
	struct cli *cli;
	struct hf_queue_list_filter filter;
	struct intern *names; /* owned */
	struct look before, now;
	bool looked;
	int64_t shown, limit; /* 0 = all */
};

const struct column queue_watch_columns[] = {
	{.name = "event", .help = "added, moved or gone"},
	{.name = "id", .kind = COLUMN_INT},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "bucket"},
	{.name = "priority", .kind = COLUMN_INT},
	{.name = "bucket_before", .help = "of one that moved"},
	{.name = "priority_before", .kind = COLUMN_INT},
	{0},
};

static void watch_deinit(struct watch *watch)
{
	intern_free(watch->names);
	free(watch->before.entries);
	free(watch->now.entries);
}

static enum hf_status note(void *user, const struct hf_queue_item *item, hf_error *err)
{
	struct watch *watch = user;
	struct look *now = &watch->now;
	if (now->count == ENTRIES_MAX)
		return error_set(err, HF_E_LIMIT, "the queue has more than %d entries", ENTRIES_MAX);
	if (now->count == now->capacity) {
		const size_t capacity = now->capacity ? now->capacity * 2 : 1024;
		struct entry *grown = reallocarray(now->entries, capacity, sizeof(*grown));
		if (!grown)
			return error_nomem(err);
		now->entries = grown;
		now->capacity = capacity;
	}
	struct entry entry = {.priority = item->priority,
	                      .id = item->id,
	                      .bucket = item->bucket,
	                      .codebase = intern_add(watch->names, item->codebase),
	                      .campaign = intern_add(watch->names, item->campaign)};
	if (entry.codebase == INTERN_NONE || entry.campaign == INTERN_NONE)
		return error_nomem(err);
	now->entries[now->count++] = entry;
	return HF_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static enum hf_status tell(struct watch *watch, const char *event, const struct entry *entry,
                           const struct entry *before, hf_error *err)
{
	const struct cell cells[] = {cell_word(event),
	                             cell_int(entry->id),
	                             cell_text(intern_text(watch->names, entry->codebase)),
	                             cell_text(intern_text(watch->names, entry->campaign)),
	                             cell_word(hf_bucket_word(entry->bucket)),
	                             cell_int(entry->priority),
	                             before ? cell_word(hf_bucket_word(before->bucket)) : cell_null(),
	                             before ? cell_int(before->priority) : cell_null()};
	enum hf_status status = out_row(watch->cli->out, cells, err);
	return status == HF_OK && ++watch->shown == watch->limit ? HF_STOP : status;
}

/* Which of two entries comes first, by id: -1 the old one, 1 the new one, 0 they are the same. */
static int first_of(const struct look *before, size_t b, const struct look *now, size_t n)
{
	if (b == before->count)
		return 1;
	if (n == now->count)
		return -1;
	return by_id(&before->entries[b], &now->entries[n]);
}

static enum hf_status tell_moved(struct watch *watch, const struct entry *old, const struct entry *fresh, hf_error *err)
{
	const bool moved = old->bucket != fresh->bucket || old->priority != fresh->priority;
	return moved ? tell(watch, "moved", fresh, old, err) : HF_OK;
}

/* Both are in the order of ids. */
static enum hf_status compare(struct watch *watch, hf_error *err)
{
	const struct look *before = &watch->before, *now = &watch->now;
	enum hf_status status = HF_OK;
	for (size_t b = 0, n = 0; status == HF_OK && (b < before->count || n < now->count);) {
		const int first = first_of(before, b, now, n);
		if (first < 0)
			status = tell(watch, "gone", &before->entries[b], NULL, err);
		else if (first > 0)
			status = tell(watch, "added", &now->entries[n], NULL, err);
		else
			status = tell_moved(watch, &before->entries[b], &now->entries[n], err);
		b += first <= 0;
		n += first >= 0;
	}
	return status;
}

static enum hf_status look(struct watch *watch, hf_where where, hf_error *err)
{
	const struct look spare = watch->before;
	watch->before = watch->now;
	watch->now = (struct look){.entries = spare.entries, .capacity = spare.capacity};
	enum hf_status status = hf_queue_list(where, &watch->filter, note, watch, err);
	if (status != HF_OK)
		return status;
	if (watch->now.count > 0)
		qsort(watch->now.entries, watch->now.count, sizeof(*watch->now.entries), by_id);
	if (watch->looked)
		status = compare(watch, err);
	watch->looked = true;
	const enum hf_status flushed = out_flush(watch->cli->out, err);
	return status == HF_OK ? flushed : status;
}

/* In slices: a signal that comes just before the sleep is seen all the same. */
static void rest(const struct cli *cli, int64_t us)
{
	const struct timespec slice = {.tv_nsec = SLICE_US * 1000L};
	for (; us > 0 && !hf_context_interrupted(cli->ctx); us -= SLICE_US)
		nanosleep(&slice, NULL);
}

/* A signal or --timeout is how it ends, unless --limit asked for more. */
static enum hf_status follow(struct watch *watch, int64_t interval_us, hf_error *err)
{
	struct cli *cli = watch->cli;
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	while (status == HF_OK && !hf_context_interrupted(cli->ctx)) {
		status = look(watch, where, err);
		rest(cli, status == HF_OK ? interval_us : 0);
	}
	const bool late = cli->deadline != HF_DEADLINE_DEFAULT && hf_now_monotonic_us(cli->ctx) >= cli->deadline;
	const bool cut = status == HF_OK || status == HF_E_INTERRUPTED || (status == HF_TIMEOUT && late);
	if (cut && late && watch->limit > 0)
		return error_set(err, HF_TIMEOUT, "%lld of %lld changes were seen", (long long)watch->shown,
		                 (long long)watch->limit);
	return cut || status == HF_STOP ? HF_OK : status;
}

enum hf_status queue_watch_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(watch_deinit)
	struct watch watch = {.cli = cli,
	                      .filter = {.campaign = text_or_null(cli_text(cli, "campaign"))},
	                      .names = intern_new(ENTRIES_MAX),
	                      .limit = parsed_flag(&cli->parsed, "limit") ? cli->globals.limit : 0};
	enum hf_status status = watch.names ? HF_OK : error_nomem(err);
	cli->out->options.limit = 0; /* counted here */
	if (cli->globals.format == OUT_TABLE || cli->globals.format == OUT_JSON)
		cli->out->options.format = OUT_NDJSON;
	if (status == HF_OK)
		status = out_list(cli->out, queue_watch_columns, err);
	if (status == HF_OK)
		status = follow(&watch, cli_int(cli, "interval", 2000) * 1000, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option queue_watch_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "interval",
         .arg = "TIME",
         .kind = OPTION_DURATION,
         .min = 100,
         .max = 3600000,
         .help = "between two looks, each of which reads the queue (default 2s)"},
	{0},
};
