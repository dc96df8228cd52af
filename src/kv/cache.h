/*
 * cache.h - entries and absences in memory: a table per shard, the least lately used goes first.
 *
 * Never older than it may be: a key belongs to one of SLOTS slots. A slot has a version, which every change that is
 * heard of raises, and a count of own writes that run. Who reads from the store takes a ticket (the version) before,
 * and its entry is kept only if the version is still that and nobody writes: what was read before a change is not kept
 * behind it. While somebody writes a slot's keys are not answered from memory.
 */
#ifndef KV_CACHE_H
#define KV_CACHE_H

#include "holdfast/kv_cache.h"
#include "holdfast/kv_watch.h"

struct cache;

/** NULL when memory is short. Options have no zeros. */
struct cache *cache_new(hf_context *ctx, const struct hf_kv_cache_options *options);
void cache_free(struct cache *cache);

enum cache_answer { CACHE_HIT, CACHE_ABSENT, CACHE_MISS, CACHE_BYPASS };
/** @param ret_entry of a hit, in the arena. @param ret_ticket of a miss, for cache_keep(). A hit whose entry does not
 *  fit the arena is a bypass. */
enum cache_answer cache_get(struct cache *cache, struct hf_bytes key, bool keys_only, hf_arena *arena,
                            struct hf_kv_entry *ret_entry, uint64_t *ret_ticket);
/** What was read with that ticket; rev 0 = it is absent. */
void cache_keep(struct cache *cache, struct hf_bytes key, uint64_t ticket, const struct hf_kv_entry *entry);

/** Around an own write of these keys, whatever comes of it. */
void cache_begin_write(struct cache *cache, const struct hf_kv_write *writes, size_t count);
void cache_end_write(struct cache *cache, const struct hf_kv_write *writes, size_t count);
/** Around what may change any key. */
void cache_begin_write_all(struct cache *cache);
void cache_end_write_all(struct cache *cache);

/** A change of the feed. */
void cache_hear(struct cache *cache, const struct hf_kv_event *event);
/** Everything is known up to the monotonic `us`. */
void cache_followed(struct cache *cache, int64_t us);
/** The feed broke: empty, and not to be used until cache_followed(). */
void cache_break(struct cache *cache);
void cache_stats(struct cache *cache, struct hf_kv_cache_stats *ret_stats);

#endif
