/*
 * kv_cache.h - reads of a handle from memory: entries and absences that were read before, kept true by the change feed.
 *
 *     hf_kv_feed_on(kv, NULL, &err);                               once, for the namespace
 *     hf_kv_cache_start(kv, NULL, &err);                           before other threads use the handle
 *     hf_kv_get(kv, key, NULL, arena, &entry, &err);               from memory the second time
 *
 * What is read from memory: one key at a time, by hf_kv_get(), hf_kv_contains() and what stands on them. Reads of
 * several keys (which are of one moment), ranges, conditions and everything that writes ask the store, as does a read
 * with `fresh`. Entries that expire are not kept, so that an expired one is never seen.
 *
 * Promised, with S = `stale_ms_max`:
 *   own writes    A read of the handle sees every write of the same handle that returned before it began, and reads and
 *                 writes of one handle alone are linearizable. While a write of a key runs, and after it until the
 *                 key is read anew, reads of it ask the store. Nothing is written to memory first, nor to the store
 *                 later.
 *   others'       A read sees every change by anybody that was committed more than S before it began. This is by
 *                 construction, not by being fast: the thread that follows the feed notes up to which moment it has
 *                 followed, and memory is used only while that is less than S ago.
 *   a broken feed Memory is emptied and not used until the feed goes on. It costs speed, never an answer: reads ask the
 *                 store then. So they do while a transaction holds the feed back for longer than S (kv_watch.h).
 *
 * Threads: the handle has one more, which asks the feed each 20 ms. Bounded by entries and bytes: what was used least
 * lately goes. Round trips: none for what is in memory.
 */
#ifndef HOLDFAST_KV_CACHE_H
#define HOLDFAST_KV_CACHE_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_kv_cache_options {
	size_t size;
	uint32_t entries_max;     /* 0 = 10,000; at most 100,000,000 */
	uint64_t bytes_max;       /* 0 = 64 MiB: of keys, values, metadata and what manages them */
	int64_t age_ms_max;       /* 0 = 300,000: an entry is read anew after that */
	int64_t stale_ms_max;     /* 0 = 1,000; from 50 */
};

/** @param options NULL for the defaults. @return HF_OK; HF_NOT_FOUND the namespace has no feed; HF_E_UNSUPPORTED the
 *  backend has none; HF_CONFLICT the handle has a cache already; HF_E_USAGE; HF_TIMEOUT. Ends with the handle. */
enum hf_status hf_kv_cache_start(hf_kv *kv, const struct hf_kv_cache_options *options, hf_error *err);

struct hf_kv_cache_stats {
	uint64_t hits;            /* answered from memory, absences too */
	uint64_t misses;          /* not there */
	uint64_t bypassed;        /* not asked: the feed is behind, or a write of the key runs */
	uint64_t invalidated;     /* taken out by the feed or an own write */
	uint64_t evicted;         /* for want of room, or too old */
	uint64_t entries, bytes;  /* now */
	int64_t behind_us;        /* how long ago the feed was followed to its end; INT64_MAX = it is broken */
};
/** All zero without a cache. No round trip. */
void hf_kv_cache_stats(const hf_kv *kv, struct hf_kv_cache_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
