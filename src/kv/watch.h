/*
 * watch.h - a page of a watch at a time, for what follows the feed inside the library (cache_feed.c).
 */
#ifndef KV_WATCH_H
#define KV_WATCH_H

#include "kv/store.h"

/**
 * One question. @param ret_events valid until the next. @param ret_followed_us everything that was committed before
 * this monotonic moment has come, with these events or before; 0 = nothing is known anew.
 */
enum hf_status watch_page(hf_kv_watch *watch, hf_deadline deadline, const struct hf_kv_event **ret_events,
                          size_t *ret_count, int64_t *ret_followed_us, hf_error *err);

#endif
