/*
 * redis_read.c - reading: one key, several from one moment, pages in order, counts.
 *
 * One key is HGET, without a script, and with TIME before it in the same round trip where entries expire. What is live
 * at the time and still there at the HGET was the entry at a moment between the two.
 */
#include "base/arena.h"
#include "base/error.h"
#include "core/key_range.h"
#include "kv/metadata.h"
#include "kv/redis_entry.h"

enum { PAGE_ENTRIES = 1000, PAGE_BYTES = 4 << 20, OWNED_BYTES = 16 << 10 };

/* ---- entries ---- */

static enum hf_status corrupt(struct hf_bytes key, hf_error *err)
{
	return error_set(err, HF_E_CORRUPT, "the record of a key of %zu bytes is none that this version wrote",
	                 key.len);
}

static bool copy_bytes(hf_arena *arena, struct hf_bytes *bytes)
{
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)bytes->ptr, bytes->len});
	bytes->ptr = (const uint8_t *)copy.ptr;
	return copy.ptr != NULL;
}

static bool copy_metadata(hf_arena *arena, struct hf_str *metadata)
{
	if (!metadata->ptr)
		return true;
	*metadata = hf_arena_str(arena, *metadata);
	return metadata->ptr != NULL;
}

static bool copy_entry(hf_arena *arena, struct hf_kv_entry *entry, bool value_too)
{
	return copy_bytes(arena, &entry->key) && copy_metadata(arena, &entry->metadata) &&
	       (!value_too || !entry->value.ptr || copy_bytes(arena, &entry->value));
}

static enum hf_status read_value(const struct redis_look *look, const struct redis_record *record,
                                 struct hf_bytes *ret_value, hf_error *err)
{
	const struct codec_value stored = {record->value, record->packed ? CODEC_ZSTD : CODEC_RAW};
	*ret_value = record->value;
	return look->head_only ? HF_OK : codec_plain(&look->state->codec, stored, look->arena, ret_value, err);
}

/* The server has looked at what is stored only. A damaged length is for who unpacks it. */
static bool unpacks_to_more(const struct redis_look *look, const struct redis_record *record)
{
	size_t bytes;
	return look->leaves_out && record->packed &&
	       codec_length(&look->state->codec, (struct codec_value){record->value, CODEC_ZSTD}, &bytes, NULL) ==
	               HF_OK &&
	       bytes > look->leaves_out;
}

enum hf_status redis_entry_read(const struct redis_look *look, const redisReply *reply, struct hf_bytes key,
                                struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct hf_kv_entry left_out = {.key = key, .rev = 1};
	struct redis_record record;
	*ret_entry = (struct hf_kv_entry){0};
	if (reply->type == REDIS_REPLY_NIL)
		return HF_OK;
	if (look->leaves_out && reply->type == REDIS_REPLY_INTEGER) {
		*ret_entry = left_out;
		return HF_OK;
	}
	if (reply->type != REDIS_REPLY_STRING)
		return redis_unexpected("read", err);
	if (!redis_record_read((struct hf_bytes){(const uint8_t *)reply->str, reply->len}, look->head_only, &record))
		return corrupt(key, err);
	if (!redis_record_is_live(&record, look->now_us))
		return HF_OK;
	if (unpacks_to_more(look, &record)) {
		*ret_entry = left_out;
		return HF_OK;
	}
	struct hf_kv_entry entry = {.key = key,
	                            .metadata = record.metadata,
	                            .rev = record.rev,
	                            .created_us = record.created_us,
	                            .updated_us = record.updated_us,
	                            .expires_us = record.expires_us};
	enum hf_status status = read_value(look, &record, &entry.value, err);
	if (status == HF_OK && !look->borrows && !copy_entry(look->arena, &entry, !record.packed))
		return error_nomem(err);
	if (status == HF_OK)
		*ret_entry = entry;
	return status;
}

static void free_reply(void *reply)
{
	freeReplyObject(reply);
}

/* A long value is not copied: the arena takes the answer. @param reply NULL when it does. */
static enum hf_status read_owned(hf_kv_backend_state *state, redisReply **reply, struct hf_bytes key, int64_t now_us,
                                 hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	struct hf_kv_entry entry;
	bool is_long = (*reply)->type == REDIS_REPLY_STRING && (*reply)->len > OWNED_BYTES &&
	               (*reply)->str[0] != REDIS_RECORD_PACKED;
	const struct redis_look look = {.state = state, .arena = arena, .now_us = now_us, .borrows = is_long};
	enum hf_status status = redis_entry_read(&look, *reply, key, &entry, err);
	if (status == HF_OK && is_long && entry.rev != 0) {
		if (!copy_bytes(arena, &entry.key) || !copy_metadata(arena, &entry.metadata) ||
		    hf_arena_own(arena, free_reply, *reply, (*reply)->len) != 0)
			return error_nomem(err);
		*reply = NULL;
	}
	if (status == HF_OK)
		*ret_entry = entry;
	return status;
}

/* ---- keys ---- */

/* Without the time an entry that expires is shown whether it has or not. */
static enum hf_status read_once(hf_kv_backend_state *state, const struct redis_space *space, struct hf_bytes key,
                                bool with_time, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entry,
                                hf_error *err)
{
	struct redis_request request;
	redisReply *replies[2] = {NULL, NULL};
	int64_t now_us = INT64_MIN;
	redis_request_init(&request);
	buf_add(&request.text,
	        with_time ? HF_STR("*1\r\n$4\r\nTIME\r\n*3\r\n$4\r\nHGET\r\n") : HF_STR("*3\r\n$4\r\nHGET\r\n"));
	redis_request_word(&request, hf_kv_text(space->keys[REDIS_RECORDS].ptr));
	redis_request_key(&request, key);
	const struct redis_call call = {.request = &request,
	                                .what = "read",
	                                .answers = with_time ? 2 : 1,
	                                .deadline = deadline};
	enum hf_status status = redis_call(state, &call, replies, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	bool timed = !with_time || (redis_is_array(replies[0], 2) &&
	                            redis_time(replies[0]->element[0], replies[0]->element[1], &now_us));
	status = timed ? read_owned(state, &replies[with_time], key, now_us, arena, ret_entry, err)
	               : redis_unexpected("read", err);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i])
			freeReplyObject(replies[i]);
	return status;
}

/* Most entries never expire, or most do: the one before tells whether to ask for the time along. */
static enum hf_status read_one(hf_kv_backend_state *state, const struct redis_space *space, struct hf_bytes key,
                               hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	bool with_time = atomic_load_explicit(&state->expiring, memory_order_relaxed);
	enum hf_status status = read_once(state, space, key, with_time, deadline, arena, ret_entry, err);
	if (status != HF_OK || ret_entry->rev == 0)
		return status;
	bool expires = ret_entry->expires_us != HF_KV_NEVER;
	if (expires != with_time)
		atomic_store_explicit(&state->expiring, expires, memory_order_relaxed);
	return expires && !with_time ? read_once(state, space, key, true, deadline, arena, ret_entry, err) : HF_OK;
}

enum hf_status redis_read_answer(struct redis_look *look, const redisReply *reply, const struct hf_bytes *keys,
                                 size_t count, struct hf_kv_entry *ret_entries, hf_error *err)
{
	int64_t now_us;
	if (!redis_is_array(reply, 2 + count) || !redis_time(reply->element[0], reply->element[1], &now_us))
		return redis_unexpected("read", err);
	look->now_us = look->now_us ? look->now_us : now_us;
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = redis_entry_read(look, reply->element[2 + i], keys[i], &ret_entries[i], err);
	return status;
}

void redis_request_part(struct redis_request *request, bool keys_only, uint32_t value_bytes_max)
{
	if (keys_only)
		redis_request_text(request, "heads");
	else
		redis_request_number(request, value_bytes_max);
}

static enum hf_status read_several(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                                   bool keys_only, uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                                   struct hf_kv_entry *ret_entries, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_read, redis_space(state, ns), 1 + count);
	redis_request_part(&request, keys_only, value_bytes_max);
	for (size_t i = 0; i < count; i++)
		redis_request_key(&request, keys[i]);
	enum hf_status status = redis_ask(state, &request, &redis_script_read, "read", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	struct redis_look look = {.state = state,
	                          .arena = arena,
	                          .head_only = keys_only,
	                          .leaves_out = value_bytes_max != UINT32_MAX ? value_bytes_max : 0};
	status = redis_read_answer(&look, reply, keys, count, ret_entries, err);
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                          bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                          hf_error *err)
{
	if (count == 1 && !keys_only)
		return read_one(state, redis_space(state, ns), keys[0], deadline, arena, ret_entries, err);
	return read_several(state, ns, keys, count, keys_only, UINT32_MAX, deadline, arena, ret_entries, err);
}

enum hf_status redis_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                            uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                            struct hf_kv_entry *ret_entries, hf_error *err)
{
	return read_several(state, ns, keys, count, false, value_bytes_max, deadline, arena, ret_entries, err);
}

/* ---- ranges ---- */

/* What is still to be read, in the words of ZRANGEBYLEX. */
struct page {
	const struct hf_kv_span *span;
	struct hf_bytes last; /* the last key of the page before; ptr NULL = the first page */
	size_t delivered;
	bool ended;
	hf_kv_entry_fn *fn;
	void *user;
	hf_arena *arena; /* of a value that was packed */
	uint8_t last_bytes[HF_KV_KEY_BYTES_MAX];
};

static void add_end(struct redis_request *request, char mark, struct hf_bytes key, const char *open)
{
	uint8_t word[1 + HF_KV_KEY_BYTES_MAX + 2]; /* the store makes ends one byte longer than keys */
	if (!key.ptr) {
		redis_request_text(request, open);
		return;
	}
	size_t doubled = key.len > 0 && key.ptr[0] == 0xff; /* as redis_request_key() does */
	ASSERT(key.len + doubled < sizeof(word));
	word[0] = (uint8_t)mark;
	word[1] = 0xff;
	if (key.len)
		memcpy(word + 1 + doubled, key.ptr, key.len);
	redis_request_word(request, (struct hf_bytes){word, 1 + doubled + key.len});
}

/* Low and high end: from <= key < to, and beyond the last key seen. */
static void add_ends(struct redis_request *request, const struct hf_kv_span *span, struct hf_bytes last)
{
	bool forward = last.ptr && !span->reverse, backward = last.ptr && span->reverse;
	add_end(request, forward ? '(' : '[', forward ? last : span->from, "-");
	add_end(request, '(', backward ? last : span->to, "+");
}

static enum hf_status deliver(struct page *page, const struct hf_kv_entry *entry, hf_error *err)
{
	bool wanted = true;
	enum hf_status status = HF_OK;
	if (page->span->has_metadata.ptr)
		status = metadata_contains(entry->metadata, page->span->has_metadata, &wanted, err);
	if (status != HF_OK || !wanted)
		return status;
	struct hf_kv_entry shown = *entry;
	if (page->span->keys_only) {
		shown.value = (struct hf_bytes){0};
		shown.metadata = (struct hf_str){0};
	}
	page->delivered++;
	status = page->fn(page->user, &shown, err);
	if (page->span->limit > 0 && page->delivered == page->span->limit)
		page->ended = true;
	return status;
}

/* @param first where entries begin. */
static enum hf_status deliver_page(struct page *page, struct redis_look *look, const redisReply *reply, size_t first,
                                   hf_error *err)
{
	if (!redis_is_array(reply, 3) || !redis_time(reply->element[0], reply->element[1], &look->now_us) ||
	    reply->element[2]->type != REDIS_REPLY_INTEGER)
		return redis_unexpected("list", err);
	if (page->span->moment_us)
		look->now_us = page->span->moment_us;
	for (size_t i = first; i + 1 < reply->elements && !page->ended; i += 2) {
		const redisReply *name = reply->element[i];
		struct hf_kv_entry entry;
		if (name->type != REDIS_REPLY_STRING || name->len > 1 + sizeof(page->last_bytes))
			return redis_unexpected("list", err);
		struct hf_bytes key = redis_key_of(name);
		hf_arena_reset(look->arena);
		enum hf_status status = redis_entry_read(look, reply->element[i + 1], key, &entry, err);
		if (status == HF_OK && entry.rev != 0)
			status = deliver(page, &entry, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

/* Where the next page begins. */
static enum hf_status go_on(struct page *page, const redisReply *more, const redisReply *last, hf_error *err)
{
	if (!last || more->integer == 0)
		page->ended = true;
	if (page->ended)
		return HF_OK;
	if (last->type != REDIS_REPLY_STRING || last->len > 1 + sizeof(page->last_bytes))
		return redis_unexpected("list", err);
	struct hf_bytes key = redis_key_of(last);
	if (key.len)
		memcpy(page->last_bytes, key.ptr, key.len);
	page->last = (struct hf_bytes){page->last_bytes, key.len};
	return HF_OK;
}

static size_t page_entries(const struct page *page)
{
	size_t left = page->span->limit - page->delivered;
	bool bounded = page->span->limit > 0 && !page->span->has_metadata.ptr && !page->span->at;
	return bounded && left < PAGE_ENTRIES ? left : PAGE_ENTRIES;
}

static void ask_page(struct redis_request *request, const struct redis_space *space, const struct page *page,
                     bool heads)
{
	const struct hf_kv_span *span = page->span;
	const struct redis_script *script = span->at ? &redis_script_scan_at : &redis_script_scan;
	redis_request_script(request, script, space, span->at ? 7 : 6);
	redis_request_text(request, span->reverse ? "1" : "0");
	add_ends(request, span, page->last);
	redis_request_number(request, (int64_t)page_entries(page));
	redis_request_text(request, heads ? "1" : "0");
	redis_request_number(request, PAGE_BYTES);
	if (span->at)
		redis_request_word(request, (struct hf_bytes){span->at->bytes, sizeof(span->at->bytes)});
}

/* As of a checkpoint the key where the page ends stands in the answer: it need not be an entry's. */
static enum hf_status take_page(struct page *page, struct redis_look *look, const redisReply *reply, hf_error *err)
{
	bool at = page->span->at;
	if (at && redis_is_array(reply, 0) && reply->elements == 0)
		return HF_NOT_FOUND;
	if (!redis_is_array(reply, at ? 4 : 3))
		return redis_unexpected("list", err);
	enum hf_status status = deliver_page(page, look, reply, at ? 4 : 3, err);
	const redisReply *last = at ? reply->element[3] : NULL;
	if (!at && reply->elements >= 5)
		last = reply->element[3 + (reply->elements - 3) / 2 * 2 - 2];
	return status == HF_OK ? go_on(page, reply->element[2], last, err) : status;
}

static enum hf_status read_page(hf_kv_backend_state *state, const struct redis_space *space, struct page *page,
                                hf_error *err)
{
	const struct hf_kv_span *span = page->span;
	bool heads = span->keys_only && !span->has_metadata.ptr;
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	ask_page(&request, space, page, heads);
	enum hf_status status = redis_ask(state, &request, span->at ? &redis_script_scan_at : &redis_script_scan,
	                                  "list", span->deadline, &reply, err);
	if (status != HF_OK)
		return status;
	struct redis_look look = {.state = state, .arena = page->arena, .head_only = heads, .borrows = true};
	status = take_page(page, &look, reply, err);
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                          void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct page page = {.span = span, .fn = fn, .user = user, .arena = arena};
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	while (status == HF_OK && !page.ended)
		status = read_page(state, redis_space(state, ns), &page, err);
	return status;
}

/* ---- counting ---- */

static enum hf_status count_one(void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	++*(uint64_t *)user;
	return HF_OK;
}

static enum hf_status count_by_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                                    uint64_t *ret_count, hf_error *err)
{
	struct hf_kv_span heads = *span;
	uint64_t count = 0;
	heads.keys_only = true;
	heads.limit = 0;
	enum hf_status status = redis_scan(state, ns, &heads, count_one, &count, err);
	if (status == HF_OK)
		*ret_count = count;
	return status;
}

/* @param reply how many keys, how many of the whole expired, and which, if they were not too many.
 * @return HF_PARTIAL: they were. */
static enum hf_status count_answer(const redisReply *reply, const struct hf_kv_span *span, bool all,
                                   uint64_t *ret_count, hf_error *err)
{
	if (!redis_is_array(reply, 2) || reply->element[0]->type != REDIS_REPLY_INTEGER ||
	    reply->element[1]->type != REDIS_REPLY_INTEGER || reply->element[0]->integer < 0)
		return redis_unexpected("count", err);
	uint64_t count = (uint64_t)reply->element[0]->integer, expired = (uint64_t)reply->element[1]->integer;
	if (all && expired > count)
		return redis_unexpected("count", err);
	if (!all && count > 0 && expired != reply->elements - 2)
		return HF_PARTIAL;
	uint64_t within = all ? expired : 0;
	for (size_t i = 2; i < reply->elements; i++) {
		struct hf_bytes key = redis_key_of(reply->element[i]);
		within += key_compare(span->from, key) <= 0 && (!span->to.ptr || key_compare(key, span->to) < 0);
	}
	*ret_count = count - within;
	return HF_OK;
}

enum hf_status redis_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, uint64_t *ret_count,
                           hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	bool all = span->from.len == 0 && !span->to.ptr;
	if (span->has_metadata.ptr)
		return count_by_scan(state, ns, span, ret_count, err);
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_count, redis_space(state, ns), all ? 0 : 2);
	if (!all)
		add_ends(&request, span, (struct hf_bytes){0});
	enum hf_status status = redis_ask(state, &request, &redis_script_count, "count", span->deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = count_answer(reply, span, all, ret_count, err);
	freeReplyObject(reply);
	return status == HF_PARTIAL ? count_by_scan(state, ns, span, ret_count, err) : status;
}
