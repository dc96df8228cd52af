/*
 * cache_feed.h - the thread that keeps the cache of a handle true.
 */
#ifndef KV_CACHE_FEED_H
#define KV_CACHE_FEED_H

struct cache_feed;

/** Ends the thread and frees both; NULL is allowed. Not in a child of the process that started it. */
void cache_feed_end(struct cache_feed *feed);

#endif
