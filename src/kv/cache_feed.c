/*
 * cache_feed.c - the cache of a handle, and its thread, which tells the cache what the feed says. A failure empties the
 * cache; it is told by a log event and the feed is watched anew, from then on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/error.h"
#include "base/thread.h"
#include "kv/cache.h"
#include "kv/cache_feed.h"
#include "kv/watch.h"
#include "pg/monotonic.h"

enum { ASK_US = 20 * 1000, AGAIN_US = 200 * 1000, QUESTION_MS = 5000 };

struct cache_feed {
	hf_kv *kv;
	struct cache *cache;
	hf_kv_watch *watch; /* of the thread, once it runs */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stop; /* under the mutex */
};

static bool stopped_within(struct cache_feed *feed, int64_t us)
{
	struct timespec until = monotonic_after(us);
	int waited = 0;
	pthread_mutex_lock(&feed->mutex);
	while (!feed->stop && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&feed->wake, &feed->mutex, &until);
	bool stop = feed->stop;
	pthread_mutex_unlock(&feed->mutex);
	return stop;
}

static void tell_broken(const struct cache_feed *feed, enum hf_status status, const hf_error *err)
{
	hf_context *ctx = feed->kv->backend->ctx;
	if (!context_logs(ctx, HF_LOG_WARN))
		return;
	struct hf_log_field fields[] = {
		field_text("backend", kv_vtable(feed->kv)->name),
		field_text("status", hf_status_word(status)),
		field_text("message", err->message),
	};
	context_log(ctx, HF_LOG_WARN, "kv_cache_broken", fields, ARRAY_LEN(fields));
}

/* Empty before it is opened, so that nothing is kept that the new watch would not tell of. */
static enum hf_status open_watch(struct cache_feed *feed, hf_error *err)
{
	cache_break(feed->cache);
	const struct hf_kv_watch_options options = {.size = sizeof(options),
	                                            .deadline = hf_deadline_in(feed->kv->backend->ctx, QUESTION_MS)};
	return hf_kv_watch_open(feed->kv, &options, &feed->watch, err);
}

/* @return how many changes came. */
static enum hf_status follow(struct cache_feed *feed, size_t *ret_count, hf_error *err)
{
	const struct hf_kv_event *events = NULL;
	int64_t followed_us = 0;
	enum hf_status status = HF_OK;
	*ret_count = 0;
	if (!feed->watch)
		status = open_watch(feed, err);
	if (status == HF_OK)
		status = watch_page(feed->watch, hf_deadline_in(feed->kv->backend->ctx, QUESTION_MS), &events,
		                    ret_count, &followed_us, err);
	for (size_t i = 0; status == HF_OK && i < *ret_count; i++)
		cache_hear(feed->cache, &events[i]);
	if (status == HF_OK && followed_us)
		cache_followed(feed->cache, followed_us);
	return status;
}

static void *run(void *user)
{
	struct cache_feed *feed = user;
	int64_t pause_us = 0;
	bool told = false;
	while (!stopped_within(feed, pause_us)) {
		hf_error err = HF_ERROR_INIT;
		size_t count = 0;
		enum hf_status status = follow(feed, &count, &err);
		pause_us = status != HF_OK ? AGAIN_US : count ? 0 : ASK_US;
		if (status == HF_OK) {
			told = false;
			continue;
		}
		cache_break(feed->cache);
		hf_kv_watch_close(feed->watch);
		feed->watch = NULL;
		if (!told)
			tell_broken(feed, status, &err);
		told = true;
	}
	return NULL;
}

/* ---- starting and ending ---- */

static void feed_free(struct cache_feed *feed)
{
	pthread_cond_destroy(&feed->wake);
	pthread_mutex_destroy(&feed->mutex);
	hf_kv_watch_close(feed->watch);
	cache_free(feed->cache);
	free(feed);
}
DEFINE_OWNED(feed, struct cache_feed *, feed_free)

static struct cache_feed *feed_new(hf_kv *kv, const struct hf_kv_cache_options *options)
{
	struct cache_feed *feed = calloc(1, sizeof(*feed));
	if (!feed)
		return NULL;
	feed->kv = kv;
	pthread_mutex_init(&feed->mutex, NULL);
	cond_init_monotonic(&feed->wake);
	feed->cache = cache_new(kv->backend->ctx, options);
	if (feed->cache)
		return feed;
	feed_free(feed);
	return NULL;
}

static enum hf_status read_options(const struct hf_kv_cache_options *given, struct hf_kv_cache_options *ret_options,
                                   hf_error *err)
{
	*ret_options = (struct hf_kv_cache_options){0};
	if (given && options_check("hf_kv_cache_options", given->size, sizeof(*given), err) != HF_OK)
		return HF_E_USAGE;
	if (given)
		*ret_options = *given;
	ret_options->entries_max = ret_options->entries_max ? ret_options->entries_max : 10000;
	ret_options->bytes_max = ret_options->bytes_max ? ret_options->bytes_max : UINT64_C(64) << 20;
	ret_options->age_ms_max = ret_options->age_ms_max ? ret_options->age_ms_max : 300000;
	ret_options->stale_ms_max = ret_options->stale_ms_max ? ret_options->stale_ms_max : 1000;
	if (ret_options->entries_max > 100000000)
		return error_set(err, HF_E_USAGE, "a cache of %" PRIu32 " entries: at most 100,000,000",
		                 ret_options->entries_max);
	if (ret_options->age_ms_max < 0 || ret_options->age_ms_max > HF_KV_TTL_MAX_US / 1000)
		return error_set(err, HF_E_USAGE, "age_ms_max is %" PRId64 ": up to 100 years",
		                 ret_options->age_ms_max);
	if (ret_options->stale_ms_max < 50 || ret_options->stale_ms_max > HF_KV_TTL_MAX_US / 1000)
		return error_set(err, HF_E_USAGE, "stale_ms_max is %" PRId64 ": from 50", ret_options->stale_ms_max);
	return HF_OK;
}

enum hf_status hf_kv_cache_start(hf_kv *kv, const struct hf_kv_cache_options *given, hf_error *err)
{
	struct hf_kv_cache_options options;
	CLEANUP(feed_freep) struct cache_feed *feed = NULL;
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = read_options(given, &options, err);
	if (status == HF_OK && kv->cache_feed)
		return error_set(err, HF_CONFLICT, "the handle has a cache already");
	if (status == HF_OK && !(feed = feed_new(kv, &options)))
		return error_nomem(err);
	if (status == HF_OK)
		status = open_watch(feed, err);
	if (status == HF_OK)
		status = thread_start(&feed->thread, run, feed, "the cache's thread", err);
	if (status != HF_OK)
		return status;
	kv->cache = feed->cache;
	kv->cache_feed = feed_take(&feed);
	return HF_OK;
}

void cache_feed_end(struct cache_feed *feed)
{
	if (!feed)
		return;
	pthread_mutex_lock(&feed->mutex);
	feed->stop = true;
	pthread_cond_signal(&feed->wake);
	pthread_mutex_unlock(&feed->mutex);
	pthread_join(feed->thread, NULL);
	feed_free(feed);
}

void hf_kv_cache_stats(const hf_kv *kv, struct hf_kv_cache_stats *ret_stats)
{
	*ret_stats = (struct hf_kv_cache_stats){0};
	if (kv->cache)
		cache_stats(kv->cache, ret_stats);
}
