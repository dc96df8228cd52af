/*
 * read.c - what reads: single keys, several, ranges.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "core/key_range.h"
#include "kv/cache.h"
#include "kv/check.h"
#include "kv/combine.h"
#include "kv/metadata.h"

static enum hf_status not_there(struct hf_bytes key, hf_error *err)
{
	char text[KV_KEY_TEXT];
	return error_set(err, HF_NOT_FOUND, "key %s is not there", key_text(key, text));
}

/* @param queries that were made of the store for them. */
static void count_entries(hf_kv *kv, const struct hf_kv_entry *entries, size_t count, uint64_t queries)
{
	struct kv_stripe *stripe = kv_stripe_find(&kv->counters);
	uint64_t hits = 0, bytes = 0;
	for (size_t i = 0; i < count; i++) {
		hits += entries[i].rev != 0;
		bytes += entries[i].value.len;
	}
	kv_stripe_add(&kv->counters, stripe, KV_QUERIES, queries);
	kv_stripe_add(&kv->counters, stripe, KV_HITS, hits);
	kv_stripe_add(&kv->counters, stripe, KV_MISSES, count - hits);
	kv_stripe_add(&kv->counters, stripe, KV_READ, bytes);
}

static enum kv_part part_of(const struct hf_kv_read *how)
{
	if (!how)
		return KV_WHOLE;
	return how->keys_only ? KV_HEAD : how->value_only ? KV_VALUE : KV_WHOLE;
}

void kv_keep_values(struct hf_kv_entry *entries, size_t count)
{
	static const uint8_t nothing;
	for (size_t i = 0; i < count; i++) {
		struct hf_bytes value = {0};
		if (entries[i].rev != 0)
			value = entries[i].value.ptr ? entries[i].value : (struct hf_bytes){&nothing, 0};
		entries[i] = (struct hf_kv_entry){.value = value};
	}
}

/* Where a read goes that may be late. */
static hf_kv_backend_state *place_of(hf_kv *kv, const struct hf_kv_read *how, hf_deadline deadline)
{
	hf_kv_backend_state *primary = kv->backend->state;
	if (!how || !how->replica || !(kv_vtable(kv)->capabilities & HF_KV_CAN_READ_REPLICAS))
		return primary;
	return kv_vtable(kv)->replica(primary, how->behind, deadline);
}

/* False: the primary is to be asked. */
static bool read_replica(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_read *how,
                         hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries)
{
	hf_kv_backend_state *replica = place_of(kv, how, deadline);
	if (replica == kv->backend->state ||
	    kv_read(kv, replica, keys, count, part_of(how), deadline, arena, ret_entries, NULL) != HF_OK)
		return false;
	kv_count(kv, KV_REPLICA, count);
	count_entries(kv, ret_entries, count, 1);
	return true;
}

static enum hf_status read_keys(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_read *how,
                                enum kv_part part, hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	int64_t since_us = kv_timing(kv);
	hf_deadline deadline = kv_deadline_from(kv, how ? how->deadline : HF_DEADLINE_DEFAULT, since_us);
	if (how && how->replica && read_replica(kv, keys, count, how, deadline, arena, ret_entries))
		return HF_OK;
	enum hf_status status =
		kv->combine && count == 1
			? combine_read(kv, *keys, part, deadline, arena, ret_entries, err)
			: kv_read(kv, kv->backend->state, keys, count, part, deadline, arena, ret_entries, err);
	kv_timed(kv, count == 1 ? HF_KV_CALL_GET : HF_KV_CALL_GET_MANY, since_us);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	count_entries(kv, ret_entries, count, 1);
	return HF_OK;
}

/* One key, from memory where that is allowed; what may be kept there is read as a whole. */
static enum hf_status read_key(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, hf_arena *arena,
                               struct hf_kv_entry *ret_entry, hf_error *err)
{
	enum kv_part part = part_of(how);
	bool keys_only = part == KV_HEAD;
	uint64_t ticket = 0;
	if (!kv->cache || (how && (how->fresh || how->replica)))
		return read_keys(kv, &key, 1, how, part, arena, ret_entry, err);
	enum cache_answer answer = cache_get(kv->cache, key, keys_only, arena, ret_entry, &ticket);
	if (answer == CACHE_HIT || answer == CACHE_ABSENT) {
		count_entries(kv, ret_entry, 1, 0);
		return HF_OK;
	}
	if (answer == CACHE_MISS && part == KV_VALUE)
		part = KV_WHOLE;
	enum hf_status status = read_keys(kv, &key, 1, how, part, arena, ret_entry, err);
	if (status == HF_OK && answer == CACHE_MISS && (!keys_only || ret_entry->rev == 0))
		cache_keep(kv->cache, key, ticket, ret_entry);
	return status;
}

enum hf_status hf_kv_get(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, hf_arena *arena,
                         struct hf_kv_entry *ret_entry, hf_error *err)
{
	struct hf_kv_entry entry = {0};
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = check_read(how, err);
	if (status == HF_OK)
		status = check_key(kv, key, err);
	if (status == HF_OK)
		status = read_key(kv, key, how, arena, &entry, err);
	if (status != HF_OK)
		return status;
	if (entry.rev == 0)
		return not_there(key, err);
	if (how && how->value_only)
		kv_keep_values(&entry, 1);
	*ret_entry = entry;
	return HF_OK;
}

static enum hf_status look(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, struct hf_kv_entry *ret_entry,
                           hf_error *err)
{
	struct hf_kv_read keys_only = how ? *how : (struct hf_kv_read){0};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	keys_only.keys_only = true;
	keys_only.value_only = false;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_kv_get(kv, key, &keys_only, arena, ret_entry, err);
	ret_entry->key = ret_entry->value = (struct hf_bytes){0};
	return status;
}

enum hf_status hf_kv_contains(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, bool *ret_is, hf_error *err)
{
	struct hf_kv_entry entry = {0};
	enum hf_status status = look(kv, key, how, &entry, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	*ret_is = status == HF_OK;
	return HF_OK;
}

enum hf_status hf_kv_ttl(hf_kv *kv, struct hf_bytes key, int64_t *ret_ttl_us, hf_error *err)
{
	struct hf_kv_entry entry = {0};
	int64_t now_us = 0;
	enum hf_status status = look(kv, key, NULL, &entry, err);
	if (status == HF_OK && entry.expires_us != HF_KV_NEVER)
		status = kv_vtable(kv)->now(kv->backend->state, kv_deadline(kv, HF_DEADLINE_DEFAULT), &now_us, err);
	if (status != HF_OK)
		return status;
	if (entry.expires_us != HF_KV_NEVER && entry.expires_us <= now_us)
		return not_there(key, err);
	*ret_ttl_us = entry.expires_us == HF_KV_NEVER ? HF_KV_NEVER : entry.expires_us - now_us;
	return HF_OK;
}

enum hf_status hf_kv_get_many(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_read *how,
                              hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = check_read(how, err);
	if (status == HF_OK)
		status = check_count(count, "keys", err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = check_key(kv, keys[i], err);
	if (status != HF_OK || count == 0)
		return status;
	status = read_keys(kv, keys, count, how, part_of(how), arena, ret_entries, err);
	if (status == HF_OK && how && how->value_only)
		kv_keep_values(ret_entries, count);
	return status;
}

enum hf_status hf_kv_position(hf_kv *kv, hf_deadline deadline, int64_t *ret_position, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status != HF_OK)
		return status;
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_READ_REPLICAS))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no read replicas", kv_vtable(kv)->name);
	return kv_vtable(kv)->position(kv->backend->state, kv_deadline(kv, deadline), ret_position, err);
}

/* ---- ranges ---- */

/* Room for the ends of a span: the successor of a prefix, and of a cursor. */
struct ends {
	uint8_t successor[HF_KV_KEY_BYTES_MAX];
	uint8_t behind[HF_KV_KEY_BYTES_MAX + 1];
};

static void raise_start(struct hf_kv_span *span, struct hf_bytes start)
{
	if (key_compare(start, span->from) > 0)
		span->from = start;
}

static void lower_end(struct hf_kv_span *span, struct hf_bytes end)
{
	static const uint8_t nothing;
	if (end.ptr == NULL)
		end.ptr = &nothing; /* an empty key as an end is one: nothing lies before it */
	if (!span->to.ptr || key_compare(end, span->to) < 0)
		span->to = end;
}

static struct hf_bytes behind(struct hf_bytes key, struct ends *ends)
{
	if (key.len)
		memcpy(ends->behind, key.ptr, key.len);
	ends->behind[key.len] = 0;
	return (struct hf_bytes){ends->behind, key.len + 1};
}

static enum hf_status check_range(const hf_kv *kv, const struct hf_kv_range *range, hf_error *err)
{
	if (range->how.value_only)
		return error_set(err, HF_E_USAGE, "value_only is of single keys, and a range has its keys");
	const struct hf_bytes *const keys[] = {&range->prefix, &range->from, &range->to, &range->after};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (check_key(kv, *keys[i], err) != HF_OK)
			return HF_E_LIMIT;
	return HF_OK;
}

/* @param range NULL = everything. The span borrows from both. */
static enum hf_status work_out_span(const hf_kv *kv, const struct hf_kv_range *range, struct ends *ends,
                                    hf_arena *arena, struct hf_kv_span *ret_span, hf_error *err)
{
	static const struct hf_kv_range everything;
	struct hf_bytes end;
	range = range ? range : &everything;
	enum hf_status status = check_range(kv, range, err);
	if (status != HF_OK)
		return status;
	*ret_span = (struct hf_kv_span){.reverse = range->reverse,
	                                .keys_only = range->how.keys_only || range->bare,
	                                .bare = range->bare,
	                                .limit = range->limit,
	                                .deadline = kv_deadline(kv, range->how.deadline)};
	raise_start(ret_span, range->prefix);
	raise_start(ret_span, range->from);
	if (key_successor(range->prefix, ends->successor, &end))
		lower_end(ret_span, end);
	if (range->to.ptr)
		lower_end(ret_span, range->to);
	if (range->after.ptr && range->reverse)
		lower_end(ret_span, range->after);
	else if (range->after.ptr)
		raise_start(ret_span, behind(range->after, ends));
	if (!range->has_metadata.ptr)
		return HF_OK;
	return metadata_canonical(range->has_metadata, arena, &ret_span->has_metadata, err);
}

static bool is_empty(const struct hf_kv_span *span)
{
	return span->to.ptr && key_compare(span->from, span->to) >= 0;
}

struct counted_scan {
	hf_kv_entry_fn *fn;
	void *user;
	uint64_t bytes;
	size_t seen;
	bool bare;
	bool ended; /* by the callback */
	struct hf_bytes last;
	uint8_t last_key[HF_KV_KEY_BYTES_MAX + 1]; /* and room to go on behind it */
};

static enum hf_status bare_entry(const struct counted_scan *scan, const struct hf_kv_entry *entry, hf_error *err)
{
	const struct hf_kv_entry bare = {.key = entry->key};
	return scan->fn(scan->user, &bare, err);
}

static enum hf_status count_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct counted_scan *scan = user;
	scan->bytes += entry->value.len;
	enum hf_status status =
		scan->bare && entry->rev ? bare_entry(scan, entry, err) : scan->fn(scan->user, entry, err);
	scan->ended = status != HF_OK;
	return status;
}

/* The same, and what was seen last. */
static enum hf_status note_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct counted_scan *scan = user;
	if (entry->key.len > HF_KV_KEY_BYTES_MAX)
		return error_set(err, HF_E_CORRUPT, "a key of %zu bytes stands in the store", entry->key.len);
	if (entry->key.len)
		memcpy(scan->last_key, entry->key.ptr, entry->key.len);
	scan->last = (struct hf_bytes){scan->last_key, entry->key.len};
	scan->seen++;
	return count_entry(user, entry, err);
}

/* What is left of it for the primary. */
static void go_on_behind(struct hf_kv_span *span, struct counted_scan *scan)
{
	if (scan->seen == 0)
		return;
	if (span->limit)
		span->limit -= scan->seen;
	if (span->reverse) {
		span->to = scan->last;
		return;
	}
	scan->last_key[scan->last.len] = 0;
	span->from = (struct hf_bytes){scan->last_key, scan->last.len + 1};
}

/* True: that was all, and `ret_status` is how it ended. What a replica leaves goes on at the primary. */
static bool scan_replica(hf_kv *kv, struct hf_kv_span *span, const struct hf_kv_read *how, struct counted_scan *scan,
                         enum hf_status *ret_status, hf_error *err)
{
	hf_kv_backend_state *replica = span->at ? kv->backend->state : place_of(kv, how, span->deadline);
	hf_error own = HF_ERROR_INIT;
	if (replica == kv->backend->state)
		return false;
	enum hf_status status = kv_vtable(kv)->scan(replica, kv->ns, span, note_entry, scan, &own);
	bool whole = !scan->ended && span->limit && scan->seen >= span->limit; /* whatever became of the replica then */
	kv_count(kv, KV_REPLICA, scan->seen);
	*ret_status = whole ? HF_OK : status;
	if (status != HF_OK && scan->ended && err)
		*err = own;
	if (status == HF_OK || scan->ended || whole)
		return true;
	go_on_behind(span, scan);
	return false;
}

static enum hf_status scan_span(hf_kv *kv, struct hf_kv_span *span, const struct hf_kv_read *how, hf_kv_entry_fn *fn,
                                void *user, hf_error *err)
{
	struct counted_scan scan;
	scan.fn = fn; /* not the room for a key */
	scan.user = user;
	scan.bytes = scan.seen = 0;
	scan.bare = span->bare;
	scan.ended = false;
	int64_t since_us = kv_timing(kv);
	enum hf_status status = HF_OK;
	if (!is_empty(span) && !scan_replica(kv, span, how, &scan, &status, err))
		status = kv_vtable(kv)->scan(kv->backend->state, kv->ns, span, count_entry, &scan, err);
	kv_timed(kv, HF_KV_CALL_SCAN, since_us);
	if (status == HF_STOP)
		status = HF_OK;
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_count(kv, KV_QUERIES, 1);
	kv_count(kv, KV_READ, scan.bytes);
	return HF_OK;
}

enum hf_status kv_scan(hf_kv *kv, const struct hf_kv_range *range, const struct hf_uuid *at, hf_kv_entry_fn *fn,
                       void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct ends ends;
	struct hf_kv_span span;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = work_out_span(kv, range, &ends, arena, &span, err);
	if (status != HF_OK)
		return status;
	span.at = at;
	return scan_span(kv, &span, range ? &range->how : NULL, fn, user, err);
}

enum hf_status hf_kv_scan(hf_kv *kv, const struct hf_kv_range *range, hf_kv_entry_fn *fn, void *user, hf_error *err)
{
	return kv_scan(kv, range, NULL, fn, user, err);
}

enum { PAGE_DEFAULT = 1000 };

enum { PAGE_FIRST = 64, PAGE_WHOLE = 4096 };

struct page {
	hf_arena *arena;
	struct hf_kv_entry *entries;
	size_t count, room, limit;
	bool bare;
};

static struct hf_bytes keep_bytes(hf_arena *arena, struct hf_bytes bytes, bool *failed)
{
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)bytes.ptr, bytes.len});
	*failed |= !copy.ptr;
	return (struct hf_bytes){(const uint8_t *)copy.ptr, bytes.len};
}

enum hf_status kv_keep_entry(hf_arena *arena, const struct hf_kv_entry *entry, struct hf_kv_entry *ret_copy,
                             hf_error *err)
{
	bool failed = false;
	size_t size = entry->key.len + entry->value.len + entry->metadata.len + 3;
	*ret_copy = *entry;
	ret_copy->key = keep_bytes(arena, entry->key, &failed);
	if (entry->value.ptr)
		ret_copy->value = keep_bytes(arena, entry->value, &failed);
	if (entry->metadata.ptr) {
		ret_copy->metadata = hf_arena_str(arena, entry->metadata);
		failed |= !ret_copy->metadata.ptr;
	}
	if (failed)
		return arena_refused(arena, size, "an entry", err);
	return HF_OK;
}

/* A page that is not small is most often full. */
static enum hf_status grow_page(struct page *page, hf_error *err)
{
	size_t room = page->room ? page->room * 4 : PAGE_FIRST;
	if (page->room && page->room < page->limit && page->limit <= PAGE_WHOLE)
		room = page->limit;
	struct hf_kv_entry *entries = hf_arena_alloc(page->arena, room * sizeof(*entries));
	if (!entries)
		return arena_refused(page->arena, room * sizeof(*entries), "a page", err);
	if (page->count)
		memcpy(entries, page->entries, page->count * sizeof(*entries));
	page->entries = entries;
	page->room = room;
	return HF_OK;
}

/* kv_keep_entry() for a thousand keys at a time. */
static enum hf_status keep_key(hf_arena *arena, struct hf_bytes key, struct hf_kv_entry *ret_copy, hf_error *err)
{
	bool failed = false;
	*ret_copy = (struct hf_kv_entry){.key = keep_bytes(arena, key, &failed)};
	return failed ? arena_refused(arena, key.len + 1, "an entry", err) : HF_OK;
}

static enum hf_status add_to_page(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct page *page = user;
	enum hf_status status = page->count == page->room ? grow_page(page, err) : HF_OK;
	if (status != HF_OK)
		return status;
	struct hf_kv_entry *place = &page->entries[page->count];
	status = page->bare ? keep_key(page->arena, entry->key, place, err)
	                    : kv_keep_entry(page->arena, entry, place, err);
	if (status == HF_OK)
		page->count++;
	return status;
}

enum hf_status hf_kv_list(hf_kv *kv, const struct hf_kv_range *range, hf_arena *arena, struct hf_kv_entry **ret_entries,
                          size_t *ret_count, hf_error *err)
{
	struct hf_kv_range bounded = range ? *range : (struct hf_kv_range){0};
	if (bounded.limit == 0)
		bounded.limit = PAGE_DEFAULT;
	struct page page = {.arena = arena, .limit = bounded.limit, .bare = bounded.bare};
	enum hf_status status = hf_kv_scan(kv, &bounded, add_to_page, &page, err);
	if (status != HF_OK)
		return status;
	*ret_entries = page.entries;
	*ret_count = page.count;
	return HF_OK;
}

static enum hf_status count_span(hf_kv *kv, const struct hf_kv_span *span, const struct hf_kv_read *how,
                                 uint64_t *ret_count, hf_error *err)
{
	hf_kv_backend_state *replica = place_of(kv, how, span->deadline);
	if (replica != kv->backend->state && kv_vtable(kv)->count(replica, kv->ns, span, ret_count, NULL) == HF_OK) {
		kv_count(kv, KV_REPLICA, 1);
		return HF_OK;
	}
	return kv_vtable(kv)->count(kv->backend->state, kv->ns, span, ret_count, err);
}

enum hf_status hf_kv_count(hf_kv *kv, const struct hf_kv_range *range, uint64_t *ret_count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct ends ends;
	struct hf_kv_span span;
	uint64_t count = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = work_out_span(kv, range, &ends, arena, &span, err);
	if (status != HF_OK)
		return status;
	int64_t since_us = kv_timing(kv);
	if (!is_empty(&span))
		status = count_span(kv, &span, range ? &range->how : NULL, &count, err);
	kv_timed(kv, HF_KV_CALL_COUNT, since_us);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_count(kv, KV_QUERIES, 1);
	*ret_count = count;
	return HF_OK;
}

enum hf_status hf_kv_count_estimate(hf_kv *kv, uint64_t *ret_count, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status != HF_OK)
		return status;
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_ESTIMATE))
		return error_set(err, HF_E_UNSUPPORTED, "%s cannot estimate a count", kv_vtable(kv)->name);
	status = kv_vtable(kv)->estimate(kv->backend->state, kv->ns, kv_deadline(kv, HF_DEADLINE_DEFAULT), ret_count,
	                                 err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_count(kv, KV_QUERIES, 1);
	return HF_OK;
}
