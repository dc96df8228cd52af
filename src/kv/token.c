/*
 * token.c - see token.h.
 */
#include "kv/token.h"

#define XXH_INLINE_ALL /* nothing to link: the hash is compiled in */
#include <xxhash.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

/* ---- the hash ---- */

enum { NUMBERS = 8 };

static void add_numbers(XXH3_state_t *state, const uint64_t *numbers, size_t count)
{
	uint8_t bytes[NUMBERS * 8];
	for (size_t i = 0; i < count; i++)
		put_le64(bytes + 8 * i, numbers[i]);
	XXH3_128bits_update(state, bytes, 8 * count);
}

static void add_bytes(XXH3_state_t *state, const void *bytes, size_t len)
{
	const uint64_t head[] = {bytes ? len : UINT64_MAX};
	add_numbers(state, head, 1);
	if (len)
		XXH3_128bits_update(state, bytes, len);
}

static void add_writes(XXH3_state_t *state, const struct hf_kv_write *given, const struct hf_kv_write *checked,
                       size_t count)
{
	const uint64_t head[] = {count};
	add_numbers(state, head, 1);
	for (size_t i = 0; i < count; i++) {
		const struct hf_kv_write *write = &checked[i];
		const uint64_t numbers[] = {(uint64_t)write->op,     write->flags,
		                            (uint64_t)write->delta,  (uint64_t)write->created_us,
		                            (uint64_t)write->if_rev, given ? (uint64_t)given[i].ttl_us : 0,
		                            write->if_value.len};
		add_numbers(state, numbers, sizeof(numbers) / sizeof(numbers[0]));
		XXH3_128bits_update(state, write->if_value.ptr, write->if_value.ptr ? write->if_value.len : 0);
		add_bytes(state, write->key.ptr ? write->key.ptr : (const uint8_t *)"", write->key.len);
		add_bytes(state, write->value.ptr ? write->value.ptr : (const uint8_t *)"", write->value.len);
		add_bytes(state, write->metadata.ptr, write->metadata.len);
	}
}

struct hf_uuid token_hash(const struct hf_kv_txn *given, const struct hf_kv_txn *checked)
{
	XXH3_state_t state;
	struct hf_uuid hash;
	XXH3_INITSTATE(&state);
	XXH3_128bits_reset(&state);
	add_writes(&state, given ? given->compare : NULL, checked->compare, checked->ncompare);
	add_writes(&state, given ? given->then : NULL, checked->then, checked->nthen);
	add_writes(&state, given ? given->otherwise : NULL, checked->otherwise, checked->notherwise);
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
	memcpy(hash.bytes, canonical.digest, sizeof(hash.bytes));
	return hash;
}

/* ---- results ---- */

enum { TOLD_EXISTED = 1, TOLD_BEFORE = 2, TOLD_METADATA = 4, TOLD_ALL = 7 };
enum { RESULT_BYTES = 18, BEFORE_BYTES = 56 };

static bool has_before(const struct hf_kv_result *result)
{
	return result->before.rev > 0;
}

static size_t packed_bytes(const struct hf_kv_result *results, size_t count)
{
	size_t bytes = 1 + count * RESULT_BYTES;
	for (size_t i = 0; i < count; i++) {
		const struct hf_kv_entry *before = &results[i].before;
		if (has_before(&results[i]))
			bytes += BEFORE_BYTES + before->key.len + before->value.len + before->metadata.len;
	}
	return bytes;
}

static uint8_t *pack_bytes(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *pack_entry(uint8_t *at, const struct hf_kv_entry *entry)
{
	const uint64_t numbers[] = {(uint64_t)entry->rev,
	                            (uint64_t)entry->created_us,
	                            (uint64_t)entry->updated_us,
	                            (uint64_t)entry->expires_us,
	                            entry->key.len,
	                            entry->value.len,
	                            entry->metadata.len};
	for (size_t i = 0; i < BEFORE_BYTES / 8; i++, at += 8)
		put_le64(at, numbers[i]);
	at = pack_bytes(at, entry->key.ptr, entry->key.len);
	at = pack_bytes(at, entry->value.ptr, entry->value.len);
	return pack_bytes(at, entry->metadata.ptr, entry->metadata.len);
}

static uint8_t *pack_result(uint8_t *at, const struct hf_kv_result *result)
{
	at[0] = (uint8_t)result->outcome;
	at[1] = (uint8_t)((result->existed ? TOLD_EXISTED : 0) | (has_before(result) ? TOLD_BEFORE : 0) |
	                  (result->before.metadata.ptr ? TOLD_METADATA : 0));
	put_le64(at + 2, (uint64_t)result->rev);
	put_le64(at + 10, (uint64_t)result->number);
	at += RESULT_BYTES;
	return has_before(result) ? pack_entry(at, &result->before) : at;
}

enum hf_status token_pack(bool held, const struct hf_kv_result *results, size_t count, hf_arena *arena,
                          struct hf_bytes *ret_bytes, hf_error *err)
{
	size_t len = packed_bytes(results, count);
	uint8_t *bytes = hf_arena_alloc(arena, len), *at = bytes;
	if (!bytes)
		return error_nomem(err);
	*at++ = held;
	for (size_t i = 0; i < count; i++)
		at = pack_result(at, &results[i]);
	*ret_bytes = (struct hf_bytes){bytes, len};
	return HF_OK;
}

static enum hf_status no_result(hf_error *err)
{
	return error_set(err, HF_E_CORRUPT, "what is kept with a token is no result");
}

/* The next `len` bytes; NULL: there are not so many. */
static const uint8_t *next(struct hf_bytes *left, uint64_t len)
{
	const uint8_t *at = left->ptr;
	if (len > left->len)
		return NULL;
	left->ptr += len;
	left->len -= (size_t)len;
	return at;
}

static enum hf_status unpack_text(struct hf_bytes *left, uint64_t len, hf_arena *arena, struct hf_str *ret_text,
                                  hf_error *err)
{
	const uint8_t *at = next(left, len);
	if (!at)
		return no_result(err);
	*ret_text = hf_arena_str(arena, (struct hf_str){(const char *)at, (size_t)len});
	return ret_text->ptr ? HF_OK : error_nomem(err);
}

static enum hf_status unpack_entry(struct hf_bytes *left, bool has_metadata, hf_arena *arena,
                                   struct hf_kv_entry *ret_entry, hf_error *err)
{
	const uint8_t *at = next(left, BEFORE_BYTES);
	struct hf_str key = {0}, value = {0}, metadata = {0};
	if (!at || !arena)
		return no_result(err);
	enum hf_status status = unpack_text(left, get_le64(at + 32), arena, &key, err);
	if (status == HF_OK)
		status = unpack_text(left, get_le64(at + 40), arena, &value, err);
	if (status == HF_OK && has_metadata)
		status = unpack_text(left, get_le64(at + 48), arena, &metadata, err);
	*ret_entry = (struct hf_kv_entry){.key = {(const uint8_t *)key.ptr, key.len},
	                                  .value = {(const uint8_t *)value.ptr, value.len},
	                                  .metadata = metadata,
	                                  .rev = (int64_t)get_le64(at),
	                                  .created_us = (int64_t)get_le64(at + 8),
	                                  .updated_us = (int64_t)get_le64(at + 16),
	                                  .expires_us = (int64_t)get_le64(at + 24)};
	return status;
}

static enum hf_status unpack_result(struct hf_bytes *left, hf_arena *arena, struct hf_kv_result *ret_result,
                                    hf_error *err)
{
	const uint8_t *at = next(left, RESULT_BYTES);
	if (!at || at[0] > HF_KV_TOO_LONG || at[1] > TOLD_ALL)
		return no_result(err);
	*ret_result = (struct hf_kv_result){.outcome = (enum hf_kv_outcome)at[0],
	                                    .existed = at[1] & TOLD_EXISTED,
	                                    .rev = (int64_t)get_le64(at + 2),
	                                    .number = (int64_t)get_le64(at + 10)};
	return at[1] & TOLD_BEFORE ? unpack_entry(left, at[1] & TOLD_METADATA, arena, &ret_result->before, err) : HF_OK;
}

enum hf_status token_unpack(struct hf_bytes bytes, size_t nthen, size_t notherwise, hf_arena *arena, bool *ret_held,
                            struct hf_kv_result *ret_results, hf_error *err)
{
	const uint8_t *held = next(&bytes, 1);
	if (!held || *held > 1)
		return no_result(err);
	size_t count = *held ? nthen : notherwise;
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < count && status == HF_OK; i++)
		status = unpack_result(&bytes, arena, &ret_results[i], err);
	if (status == HF_OK && bytes.len > 0)
		return no_result(err);
	if (status == HF_OK)
		*ret_held = *held;
	return status;
}
