/*
 * cache.c - see cache.h.
 */
#include "kv/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "kv/store.h"

enum { SHARDS = 16, SLOTS = 256 };

/* A key that was read. rev 0: it was absent. */
struct cached {
	struct cached *chain;         /* of its bucket */
	struct cached *newer, *older; /* by use */
	uint64_t hash;
	int64_t rev, created_us, updated_us, read_us;
	size_t key_len, value_len, metadata_len;
	uint8_t bytes[]; /* key, value, metadata */
};

struct slot {
	uint64_t version;
	uint32_t writers;
};

struct shard {
	_Alignas(64) pthread_mutex_t mutex; /* for all of it */
	struct cached **buckets;
	size_t mask;
	struct cached *newest, *oldest;
	uint64_t entries, bytes;
	uint64_t hits, misses, bypassed, invalidated, evicted;
	struct slot slots[SLOTS];
};

struct cache {
	hf_context *ctx;
	uint64_t entries_max, bytes_max; /* of a shard */
	int64_t age_us_max, stale_us_max;
	atomic_int_least64_t followed_us; /* INT64_MIN = the feed is broken */
	struct shard shards[SHARDS];
};

/* ---- places ---- */

static uint64_t hash_of(struct hf_bytes key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.ptr[i]) * UINT64_C(1099511628211);
	return hash ^ hash >> 29;
}

static struct shard *shard_of(struct cache *cache, uint64_t hash)
{
	return &cache->shards[hash % SHARDS];
}

static struct slot *slot_of(struct shard *shard, uint64_t hash)
{
	return &shard->slots[hash / SHARDS % SLOTS];
}

static struct cached **place_of(struct shard *shard, uint64_t hash, struct hf_bytes key)
{
	struct cached **at = &shard->buckets[hash / SHARDS & shard->mask];
	while (*at && ((*at)->hash != hash || (*at)->key_len != key.len ||
	               (key.len && memcmp((*at)->bytes, key.ptr, key.len) != 0)))
		at = &(*at)->chain;
	return at;
}

static size_t size_of(const struct cached *cached)
{
	return sizeof(*cached) + cached->key_len + cached->value_len + cached->metadata_len;
}

static void unlink_use(struct shard *shard, struct cached *cached)
{
	if (cached->newer)
		cached->newer->older = cached->older;
	else
		shard->newest = cached->older;
	if (cached->older)
		cached->older->newer = cached->newer;
	else
		shard->oldest = cached->newer;
}

static void link_newest(struct shard *shard, struct cached *cached)
{
	cached->newer = NULL;
	cached->older = shard->newest;
	if (shard->newest)
		shard->newest->newer = cached;
	else
		shard->oldest = cached;
	shard->newest = cached;
}

static void take_out(struct shard *shard, struct cached **at)
{
	struct cached *cached = *at;
	*at = cached->chain;
	unlink_use(shard, cached);
	shard->entries--;
	shard->bytes -= size_of(cached);
	free(cached);
}

static void take_out_oldest(struct shard *shard)
{
	struct cached *oldest = shard->oldest;
	take_out(shard, place_of(shard, oldest->hash, (struct hf_bytes){oldest->bytes, oldest->key_len}));
}

/* ---- making ---- */

static bool shard_init(struct shard *shard, uint64_t entries_max)
{
	size_t buckets = 16;
	while (buckets < entries_max && buckets < (size_t)1 << 24)
		buckets *= 2;
	shard->buckets = calloc(buckets, sizeof(struct cached *));
	shard->mask = buckets - 1;
	pthread_mutex_init(&shard->mutex, NULL);
	return shard->buckets;
}

struct cache *cache_new(hf_context *ctx, const struct hf_kv_cache_options *options)
{
	struct cache *cache = aligned_alloc(_Alignof(struct cache), sizeof(*cache));
	if (!cache)
		return NULL;
	memset(cache, 0, sizeof(*cache));
	cache->ctx = ctx;
	cache->entries_max = options->entries_max / SHARDS + 1;
	cache->bytes_max = options->bytes_max / SHARDS;
	cache->age_us_max = options->age_ms_max * 1000;
	cache->stale_us_max = options->stale_ms_max * 1000;
	atomic_store(&cache->followed_us, INT64_MIN);
	bool fine = true;
	for (size_t i = 0; i < SHARDS; i++)
		fine = shard_init(&cache->shards[i], cache->entries_max) && fine;
	if (fine)
		return cache;
	cache_free(cache);
	return NULL;
}

static void empty_shard(struct shard *shard)
{
	shard->invalidated += shard->entries;
	while (shard->oldest)
		take_out_oldest(shard);
	for (size_t i = 0; i < SLOTS; i++)
		shard->slots[i].version++;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		while (shard->oldest)
			take_out_oldest(shard);
		pthread_mutex_destroy(&shard->mutex);
		free(shard->buckets);
	}
	free(cache);
}

/* ---- reading ---- */

static bool is_usable(struct cache *cache, int64_t now_us)
{
	int64_t followed_us = atomic_load(&cache->followed_us);
	return followed_us != INT64_MIN && now_us - followed_us < cache->stale_us_max;
}

static enum cache_answer answer(const struct cached *cached, bool keys_only, hf_arena *arena,
                                struct hf_kv_entry *ret_entry)
{
	const uint8_t *value = cached->bytes + cached->key_len;
	const struct hf_kv_entry entry = {
		.key = {cached->bytes, cached->key_len},
		.value = {keys_only ? NULL : value, keys_only ? 0 : cached->value_len},
		.metadata = {cached->metadata_len && !keys_only ? (const char *)value + cached->value_len : NULL,
	                     keys_only ? 0 : cached->metadata_len},
		.rev = cached->rev,
		.created_us = cached->created_us,
		.updated_us = cached->updated_us,
		.expires_us = HF_KV_NEVER,
	};
	if (cached->rev == 0)
		return CACHE_ABSENT;
	return kv_keep_entry(arena, &entry, ret_entry, NULL) == HF_OK ? CACHE_HIT : CACHE_BYPASS;
}

enum cache_answer cache_get(struct cache *cache, struct hf_bytes key, bool keys_only, hf_arena *arena,
                            struct hf_kv_entry *ret_entry, uint64_t *ret_ticket)
{
	uint64_t hash = hash_of(key);
	int64_t now_us = hf_now_monotonic_us(cache->ctx);
	struct shard *shard = shard_of(cache, hash);
	enum cache_answer result = CACHE_MISS;
	pthread_mutex_lock(&shard->mutex);
	const struct slot *slot = slot_of(shard, hash);
	struct cached **at = place_of(shard, hash, key);
	*ret_ticket = slot->version;
	if (slot->writers || !is_usable(cache, now_us)) {
		result = CACHE_BYPASS;
	} else if (*at && now_us - (*at)->read_us >= cache->age_us_max) {
		take_out(shard, at);
		shard->evicted++;
	} else if (*at) {
		unlink_use(shard, *at);
		link_newest(shard, *at);
		result = answer(*at, keys_only, arena, ret_entry);
	}
	shard->hits += result == CACHE_HIT || result == CACHE_ABSENT;
	shard->misses += result == CACHE_MISS;
	shard->bypassed += result == CACHE_BYPASS;
	pthread_mutex_unlock(&shard->mutex);
	return result;
}

static struct cached *cached_new(struct hf_bytes key, uint64_t hash, const struct hf_kv_entry *entry)
{
	struct cached *cached = malloc(sizeof(*cached) + key.len + entry->value.len + entry->metadata.len);
	if (!cached)
		return NULL;
	*cached = (struct cached){.hash = hash,
	                          .rev = entry->rev,
	                          .created_us = entry->created_us,
	                          .updated_us = entry->updated_us,
	                          .key_len = key.len,
	                          .value_len = entry->value.len,
	                          .metadata_len = entry->metadata.len};
	uint8_t *end = cached->bytes;
	if (key.len)
		memcpy(end, key.ptr, key.len);
	end += key.len;
	if (entry->value.len)
		memcpy(end, entry->value.ptr, entry->value.len);
	end += entry->value.len;
	if (entry->metadata.len)
		memcpy(end, entry->metadata.ptr, entry->metadata.len);
	return cached;
}

static void make_room(struct cache *cache, struct shard *shard)
{
	while (shard->entries > cache->entries_max || shard->bytes > cache->bytes_max) {
		take_out_oldest(shard);
		shard->evicted++;
	}
}

void cache_keep(struct cache *cache, struct hf_bytes key, uint64_t ticket, const struct hf_kv_entry *entry)
{
	uint64_t hash = hash_of(key);
	struct shard *shard = shard_of(cache, hash);
	if (entry->rev && entry->expires_us != HF_KV_NEVER)
		return;
	struct cached *cached = cached_new(key, hash, entry);
	if (!cached) /* then it is not kept */
		return;
	cached->read_us = hf_now_monotonic_us(cache->ctx);
	pthread_mutex_lock(&shard->mutex);
	const struct slot *slot = slot_of(shard, hash);
	bool wanted = slot->version == ticket && slot->writers == 0 && size_of(cached) <= cache->bytes_max / 8;
	struct cached **at = place_of(shard, hash, key);
	if (wanted && *at)
		take_out(shard, at);
	if (wanted) {
		at = place_of(shard, hash, key);
		cached->chain = *at;
		*at = cached;
		link_newest(shard, cached);
		shard->entries++;
		shard->bytes += size_of(cached);
		make_room(cache, shard);
	}
	pthread_mutex_unlock(&shard->mutex);
	if (!wanted)
		free(cached);
}

/* ---- own writes ---- */

/* @param writers how many more write. */
static void touch_key(struct cache *cache, struct hf_bytes key, int writers)
{
	uint64_t hash = hash_of(key);
	struct shard *shard = shard_of(cache, hash);
	pthread_mutex_lock(&shard->mutex);
	struct slot *slot = slot_of(shard, hash);
	struct cached **at = place_of(shard, hash, key);
	slot->version++;
	slot->writers += (uint32_t)writers;
	if (*at) {
		take_out(shard, at);
		shard->invalidated++;
	}
	pthread_mutex_unlock(&shard->mutex);
}

void cache_begin_write(struct cache *cache, const struct hf_kv_write *writes, size_t count)
{
	for (size_t i = 0; cache && i < count; i++)
		if (writes[i].op != HF_KV_READ)
			touch_key(cache, writes[i].key, 1);
}

void cache_end_write(struct cache *cache, const struct hf_kv_write *writes, size_t count)
{
	for (size_t i = 0; cache && i < count; i++)
		if (writes[i].op != HF_KV_READ)
			touch_key(cache, writes[i].key, -1);
}

static void touch_all(struct cache *cache, int writers)
{
	for (size_t i = 0; cache && i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		pthread_mutex_lock(&shard->mutex);
		empty_shard(shard);
		for (size_t k = 0; k < SLOTS; k++)
			shard->slots[k].writers += (uint32_t)writers;
		pthread_mutex_unlock(&shard->mutex);
	}
}

void cache_begin_write_all(struct cache *cache)
{
	touch_all(cache, 1);
}

void cache_end_write_all(struct cache *cache)
{
	touch_all(cache, -1);
}

/* ---- the feed ---- */

/* Is what is kept from before the change? An own write's is not: it was read behind it. */
static bool is_outdated(const struct cached *cached, const struct hf_kv_event *event)
{
	if (event->kind == HF_KV_EVENT_PUT)
		return cached->rev < event->rev;
	return cached->rev == 0 || cached->rev <= event->rev;
}

void cache_hear(struct cache *cache, const struct hf_kv_event *event)
{
	if (!event->key.ptr) {
		touch_all(cache, 0);
		return;
	}
	uint64_t hash = hash_of(event->key);
	struct shard *shard = shard_of(cache, hash);
	pthread_mutex_lock(&shard->mutex);
	struct cached **at = place_of(shard, hash, event->key);
	slot_of(shard, hash)->version++;
	if (*at && is_outdated(*at, event)) {
		take_out(shard, at);
		shard->invalidated++;
	}
	pthread_mutex_unlock(&shard->mutex);
}

void cache_followed(struct cache *cache, int64_t us)
{
	atomic_store(&cache->followed_us, us);
}

void cache_break(struct cache *cache)
{
	atomic_store(&cache->followed_us, INT64_MIN);
	touch_all(cache, 0);
}

void cache_stats(struct cache *cache, struct hf_kv_cache_stats *ret_stats)
{
	int64_t followed_us = atomic_load(&cache->followed_us);
	*ret_stats = (struct hf_kv_cache_stats){
		.behind_us = followed_us == INT64_MIN ? INT64_MAX : hf_now_monotonic_us(cache->ctx) - followed_us};
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		pthread_mutex_lock(&shard->mutex);
		ret_stats->hits += shard->hits;
		ret_stats->misses += shard->misses;
		ret_stats->bypassed += shard->bypassed;
		ret_stats->invalidated += shard->invalidated;
		ret_stats->evicted += shard->evicted;
		ret_stats->entries += shard->entries;
		ret_stats->bytes += shard->bytes;
		pthread_mutex_unlock(&shard->mutex);
	}
}
