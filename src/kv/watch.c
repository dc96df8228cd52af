/*
 * watch.c - watching a change feed: pages of the backend handed out one by one, pauses between questions, tokens.
 *
 * A token is of a namespace by its name: what a process calls it, as a number, means nothing to another.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"
#include "kv/check.h"
#include "kv/watch.h"

enum { PAGE = 1000, PAUSE_US_MIN = 1000, PAUSE_US_IDLE = 20 * 1000, PAUSE_US_MAX = 100 * 1000 };
enum { LONG_BYTES = 64 << 10, READ_BYTES_MAX = 1 << 30 };
#define PAGE_BYTES_MAX ((size_t)1 << 32)

struct hf_kv_watch {
	hf_kv *kv;
	hf_arena *arena; /* of the page */
	hf_arena *ahead; /* of the entries that were read with it */
	hf_arena *one;   /* of the last long value */
	size_t read_to;  /* events before this have their entries */
	struct hf_kv_event *events;
	size_t count, next;
	struct hf_kv_feed_place place; /* behind the page */
	int64_t position;              /* behind what was handed out */
	int64_t pause_us;
	int64_t held_since_us;     /* monotonic; 0 = nothing is held back */
	int64_t seen_us, final_us; /* when what is `seen` and what is final of the place were looked at */
	int64_t followed_us;       /* what was committed before has come; 0 = not known by the last question */
	bool values;
	size_t prefix_len;
	uint8_t prefix[HF_KV_KEY_BYTES_MAX];
};

/* ---- words ---- */

const char *hf_kv_event_word(enum hf_kv_event_kind kind)
{
	static const char *const words[] = {"unknown", "put", "touch", "delete", "expire", "clear", "restore"};
	return (unsigned)kind < ARRAY_LEN(words) ? words[kind] : words[0];
}

static enum hf_status check_can_watch(const hf_kv *kv, hf_error *err)
{
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_WATCH))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no change feed", kv_vtable(kv)->name);
	return kv_check_process(kv, err);
}

/* What the backend leaves to be said. */
static enum hf_status worded(enum hf_status status, hf_error *err)
{
	if (status == HF_NOT_FOUND) {
		error_set(err, HF_NOT_FOUND, "the namespace has no change feed");
		error_hint(err, "turn it on: holdfast kv feed on, or hf_kv_feed_on()");
	}
	if (status == HF_E_COMPACTED) {
		error_set(err, HF_E_COMPACTED, "the changes behind that token are not kept any more");
		error_hint(err, "watch from now on, then read the namespace once");
	}
	return status;
}

/* ---- the feed ---- */

enum hf_status hf_kv_feed_on(hf_kv *kv, const struct hf_kv_feed *given, hf_error *err)
{
	struct hf_kv_feed feed = {.keep_us = HF_KV_FEED_KEEP_US, .keep_changes = HF_KV_FEED_CHANGES};
	enum hf_status status = check_can_watch(kv, err);
	if (status != HF_OK)
		return status;
	if (given && given->keep_us)
		feed.keep_us = given->keep_us;
	if (given && given->keep_changes)
		feed.keep_changes = given->keep_changes;
	if (feed.keep_us < 0 || feed.keep_us > HF_KV_TTL_MAX_US)
		return error_set(err, HF_E_USAGE, "changes kept for %" PRId64 " us: up to 100 years", feed.keep_us);
	if (feed.keep_changes < 0 || feed.keep_changes > INT64_C(1000000000000))
		return error_set(err, HF_E_USAGE, "%" PRId64 " changes kept: from 1 to 10^12", feed.keep_changes);
	return kv_vtable(kv)->feed_set(kv->backend->state, kv->ns, &feed, kv_deadline(kv, HF_DEADLINE_DEFAULT), err);
}

enum hf_status hf_kv_feed_off(hf_kv *kv, hf_error *err)
{
	enum hf_status status = check_can_watch(kv, err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->feed_set(kv->backend->state, kv->ns, NULL, kv_deadline(kv, HF_DEADLINE_DEFAULT), err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status hf_kv_feed_show(hf_kv *kv, struct hf_kv_feed *ret_feed, hf_error *err)
{
	struct hf_kv_feed feed = {0};
	enum hf_status status = check_can_watch(kv, err);
	if (status == HF_OK)
		status = worded(kv_vtable(kv)->feed_show(kv->backend->state, kv->ns,
		                                         kv_deadline(kv, HF_DEADLINE_DEFAULT), &feed, err),
		                err);
	if (status == HF_OK)
		*ret_feed = feed;
	return status;
}

/* ---- tokens ---- */

void hf_kv_watch_token(const hf_kv_watch *watch, char *ret_token)
{
	snprintf(ret_token, HF_KV_TOKEN_BYTES, "kv1.%08" PRIx32 ".%" PRId64, watch->kv->name_hash, watch->position);
}

static enum hf_status read_token(const hf_kv *kv, const char *text, int64_t *ret_position, hf_error *err)
{
	char own[16];
	int64_t position = -1;
	struct hf_str token = hf_str_of(text);
	size_t head = (size_t)snprintf(own, sizeof(own), "kv1.%08" PRIx32 ".", kv->name_hash);
	if (!str_starts(token, HF_STR("kv1.")) || token.len <= head ||
	    !str_to_i64((struct hf_str){token.ptr + head, token.len - head}, &position) || position < 0)
		return error_set(err, HF_E_USAGE, "\"%.60s\" is no token of a watch", text);
	if (!str_starts(token, (struct hf_str){own, head}))
		return error_set(err, HF_E_USAGE, "the token is of another namespace");
	*ret_position = position;
	return HF_OK;
}

/* ---- pages ---- */

static bool is_wanted(const hf_kv_watch *watch, const struct hf_kv_event *event)
{
	return !event->key.ptr ||
	       (event->key.len >= watch->prefix_len &&
	        (watch->prefix_len == 0 || memcmp(event->key.ptr, watch->prefix, watch->prefix_len) == 0));
}

static void keep_wanted(hf_kv_watch *watch)
{
	size_t kept = 0;
	for (size_t i = 0; i < watch->count; i++)
		if (is_wanted(watch, &watch->events[i]))
			watch->events[kept++] = watch->events[i];
	watch->count = kept;
}

static bool has_entry(const struct hf_kv_event *event)
{
	return event->kind == HF_KV_EVENT_PUT || event->kind == HF_KV_EVENT_TOUCH;
}

/* How many entries are read at a time: the page's, but READ_BYTES_MAX at most. A backend that leaves long values out
 * gives them all. */
static size_t most_ahead(const hf_kv_watch *watch)
{
	size_t left = watch->count - watch->next;
	size_t most = READ_BYTES_MAX / watch->kv->backend->options.value_bytes_max;
	if (kv_vtable(watch->kv)->gather || most > left)
		return left;
	return most > 0 ? most : 1;
}

static enum hf_status read_keys(hf_kv_watch *watch, const struct hf_bytes *keys, size_t count, hf_deadline deadline,
                                struct hf_kv_entry *entries, hf_error *err)
{
	hf_kv *kv = watch->kv;
	const struct hf_kv_vtable *vtable = kv_vtable(kv);
	if (vtable->gather)
		return vtable->gather(kv->backend->state, kv->ns, keys, count, LONG_BYTES, deadline, watch->ahead,
		                      entries, err);
	return vtable->read(kv->backend->state, kv->ns, keys, count, false, deadline, watch->ahead, entries, err);
}

/* Entries of the next events, as they are by now. */
static enum hf_status read_ahead(hf_kv_watch *watch, hf_deadline deadline, hf_error *err)
{
	size_t most = most_ahead(watch), n = 0, to = watch->next;
	hf_arena_reset(watch->ahead);
	struct hf_bytes *keys = hf_arena_alloc(watch->ahead, most * sizeof(*keys));
	struct hf_kv_entry *entries = hf_arena_calloc(watch->ahead, most, sizeof(*entries));
	if (!keys || !entries)
		return error_nomem(err);
	for (; to < watch->count && n < most; to++)
		if (has_entry(&watch->events[to]))
			keys[n++] = watch->events[to].key;
	enum hf_status status = read_keys(watch, keys, n, deadline, entries, err);
	if (status != HF_OK)
		return status;
	n = 0;
	for (size_t i = watch->next; i < to; i++)
		if (has_entry(&watch->events[i]))
			watch->events[i].entry = entries[n++];
	watch->read_to = to;
	return HF_OK;
}

/* A long value was left out, and is read alone. */
static enum hf_status read_next(hf_kv_watch *watch, hf_deadline deadline, hf_error *err)
{
	hf_kv *kv = watch->kv;
	struct hf_kv_event *event = &watch->events[watch->next];
	enum hf_status status = HF_OK;
	if (!has_entry(event))
		return HF_OK;
	if (watch->next >= watch->read_to)
		status = read_ahead(watch, deadline, err);
	if (status != HF_OK || !kv_vtable(kv)->gather || !event->entry.rev || event->entry.value.ptr)
		return status;
	hf_arena_reset(watch->one);
	return kv_vtable(kv)->read(kv->backend->state, kv->ns, &event->key, 1, false, deadline, watch->one,
	                           &event->entry, err);
}

static void note_held(hf_kv_watch *watch)
{
	int64_t now_us = hf_now_monotonic_us(watch->kv->backend->ctx);
	if (!watch->place.waits)
		watch->held_since_us = 0;
	else if (watch->held_since_us == 0)
		watch->held_since_us = now_us;
	metrics_gauge(watch->kv->backend->ctx->metrics, METRIC_WATCH_HELD,
	              watch->held_since_us ? (now_us - watch->held_since_us) / 1000 : 0);
}

/* `before` is the place of before a question that began at `now_us` and gave `count` changes. */
static void note_followed(hf_kv_watch *watch, const struct hf_kv_feed_place *before, int64_t now_us, size_t count)
{
	const struct hf_kv_feed_place *place = &watch->place;
	if (place->final != before->final)
		watch->final_us = watch->seen_us;
	if (place->seen != before->seen)
		watch->seen_us = now_us;
	watch->followed_us = place->position >= place->final ? watch->final_us : 0;
	if (!place->waits && count < PAGE && place->position >= place->final)
		watch->followed_us = now_us;
}

/* One question. Nothing is lost when it fails half way: the place moves on with the page. */
static enum hf_status fetch(hf_kv_watch *watch, hf_deadline deadline, hf_error *err)
{
	hf_kv *kv = watch->kv;
	struct hf_kv_feed_place place = watch->place, before = place;
	int64_t now_us = hf_now_monotonic_us(kv->backend->ctx);
	watch->count = watch->next = watch->read_to = 0;
	hf_arena_reset(watch->arena);
	enum hf_status status = kv_vtable(kv)->changes(kv->backend->state, kv->ns, &place, PAGE, deadline, watch->arena,
	                                               &watch->events, &watch->count, err);
	kv_count(kv, KV_QUERIES, status == HF_OK);
	size_t count = status == HF_OK ? watch->count : 0;
	watch->count = count;
	keep_wanted(watch);
	if (status != HF_OK) {
		watch->count = 0;
		return worded(status, err);
	}
	watch->place = place;
	if (watch->count == 0)
		watch->position = place.position;
	note_followed(watch, &before, now_us, count);
	note_held(watch);
	return HF_OK;
}

/* What find_place() fetched is the first page. */
enum hf_status watch_page(hf_kv_watch *watch, hf_deadline deadline, const struct hf_kv_event **ret_events,
                          size_t *ret_count, int64_t *ret_followed_us, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (watch->next == watch->count)
		status = fetch(watch, deadline, err);
	if (status != HF_OK)
		return status;
	*ret_events = watch->count ? watch->events + watch->next : NULL;
	*ret_count = watch->count - watch->next;
	*ret_followed_us = watch->followed_us;
	watch->next = watch->count;
	watch->position = watch->place.position;
	return HF_OK;
}

/* ---- pauses ---- */

/* What is not final yet soon will be, unless a transaction goes on and on. */
static void pause_for(hf_kv_watch *watch, hf_deadline deadline)
{
	int64_t left_us =
		deadline == INT64_MAX ? PAUSE_US_MAX : deadline - hf_now_monotonic_us(watch->kv->backend->ctx);
	context_pause(watch->kv->backend->ctx, watch->pause_us < left_us ? watch->pause_us : left_us);
	watch->pause_us = watch->pause_us * 2 < PAUSE_US_MAX ? watch->pause_us * 2 : PAUSE_US_MAX;
}

/* HF_OK: ask again. */
static enum hf_status wait_for_more(hf_kv_watch *watch, hf_deadline deadline, hf_error *err)
{
	hf_context *ctx = watch->kv->backend->ctx;
	if (hf_context_interrupted(ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted");
	if (deadline != INT64_MAX && hf_now_monotonic_us(ctx) >= deadline)
		return error_set(err, HF_TIMEOUT, "the deadline passed: %s",
		                 watch->place.waits ? "a transaction that writes holds changes back" : "no change");
	if (watch->pause_us == 0)
		watch->pause_us = watch->place.waits ? PAUSE_US_MIN : PAUSE_US_IDLE;
	pause_for(watch, deadline);
	return HF_OK;
}

/* A question has the handle's timeout at most, so that one without an answer does not take all there is. */
static hf_deadline of_question(const hf_kv_watch *watch, hf_deadline deadline)
{
	hf_deadline usual = kv_deadline(watch->kv, HF_DEADLINE_DEFAULT);
	int64_t least = hf_now_monotonic_us(watch->kv->backend->ctx) + PAUSE_US_MAX;
	hf_deadline own = deadline < usual ? deadline : usual;
	return own < least ? least : own;
}

enum hf_status hf_kv_watch_next(hf_kv_watch *watch, hf_deadline deadline, struct hf_kv_event *ret_event, hf_error *err)
{
	enum hf_status status = kv_check_process(watch->kv, err);
	hf_deadline until = deadline ? deadline : INT64_MAX;
	while (status == HF_OK && watch->next == watch->count) {
		int64_t before = watch->place.position;
		bool waited = watch->place.waits;
		watch->position = before;
		status = fetch(watch, of_question(watch, until), err);
		bool moved = watch->place.position != before || (watch->place.waits && !waited);
		if (moved)
			watch->pause_us = 0;
		if (status == HF_OK && watch->count == 0 && (!moved || hf_context_interrupted(watch->kv->backend->ctx)))
			status = wait_for_more(watch, until, err);
	}
	if (status == HF_OK && watch->values)
		status = read_next(watch, of_question(watch, until), err);
	if (status != HF_OK)
		return status;
	*ret_event = watch->events[watch->next++];
	watch->position = ret_event->position;
	return HF_OK;
}

/* ---- opening ---- */

/* Until the end of the feed is known; one question of what stands behind a token tells whether it is still there. */
static enum hf_status find_place(hf_kv_watch *watch, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = fetch(watch, deadline, err);
	while (status == HF_OK && watch->place.position < 0) {
		status = wait_for_more(watch, deadline, err);
		if (status == HF_OK)
			status = fetch(watch, of_question(watch, deadline), err);
	}
	watch->pause_us = 0;
	return status;
}

static enum hf_status take_options(hf_kv_watch *watch, const struct hf_kv_watch_options *options, hf_error *err)
{
	if (!options)
		return HF_OK;
	enum hf_status status = options_check("hf_kv_watch_options", options->size, sizeof(*options), err);
	if (status == HF_OK)
		status = check_key(watch->kv, options->prefix, err);
	if (status == HF_OK && options->from)
		status = read_token(watch->kv, options->from, &watch->place.position, err);
	if (status != HF_OK)
		return status;
	watch->position = watch->place.position;
	watch->values = options->values;
	watch->prefix_len = options->prefix.len;
	if (options->prefix.len)
		memcpy(watch->prefix, options->prefix.ptr, options->prefix.len);
	return HF_OK;
}

static bool make_arenas(hf_kv_watch *watch)
{
	watch->arena = hf_arena_new(PAGE_BYTES_MAX);
	watch->ahead = hf_arena_new(PAGE_BYTES_MAX);
	watch->one = hf_arena_new(PAGE_BYTES_MAX);
	return watch->arena && watch->ahead && watch->one;
}

DEFINE_OWNED(watch, hf_kv_watch *, hf_kv_watch_close)

enum hf_status hf_kv_watch_open(hf_kv *kv, const struct hf_kv_watch_options *options, hf_kv_watch **ret_watch,
                                hf_error *err)
{
	enum hf_status status = check_can_watch(kv, err);
	if (status != HF_OK)
		return status;
	CLEANUP(watch_freep) hf_kv_watch *watch = calloc(1, sizeof(*watch));
	if (!watch || !make_arenas(watch))
		return error_nomem(err);
	watch->kv = kv;
	watch->place.position = -1;
	status = take_options(watch, options, err);
	if (status == HF_OK)
		status = find_place(watch, kv_deadline(kv, options ? options->deadline : HF_DEADLINE_DEFAULT), err);
	if (status != HF_OK)
		return status;
	*ret_watch = watch_take(&watch);
	return HF_OK;
}

int64_t hf_kv_watch_held_us(const hf_kv_watch *watch)
{
	return watch->held_since_us ? hf_now_monotonic_us(watch->kv->backend->ctx) - watch->held_since_us : 0;
}

void hf_kv_watch_close(hf_kv_watch *watch)
{
	if (!watch)
		return;
	hf_arena_free(watch->arena);
	hf_arena_free(watch->ahead);
	hf_arena_free(watch->one);
	free(watch);
}
