/*
 * blob.c - see blob.h: the form of a blob, and removing what is left of one.
 */
#include "kv/blob.h"

#include <string.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { MAGIC_BYTES = 8, PAGE = 1000 };

const uint8_t blob_prefix[BLOB_PREFIX_BYTES] = {0, 'h', 'f', ':', 'b', 'l', 'o', 'b', 0};
static const uint8_t magic[MAGIC_BYTES] = {'h', 'f', ':', 'b', 'l', 'o', 'b', '1'};

uint32_t blob_check(struct hf_bytes bytes)
{
	return (uint32_t)crc32_z(0, bytes.ptr, bytes.len);
}

void blob_manifest_write(const struct blob_manifest *manifest, uint8_t ret_bytes[BLOB_MANIFEST_BYTES])
{
	memcpy(ret_bytes, magic, MAGIC_BYTES);
	put_le64(ret_bytes + 8, manifest->bytes);
	put_le32(ret_bytes + 16, manifest->chunk_bytes);
	memcpy(ret_bytes + 20, manifest->id, BLOB_ID_BYTES);
	memcpy(ret_bytes + 36, manifest->sha256, HF_KV_BLOB_SHA256);
	put_le32(ret_bytes + 68, blob_check((struct hf_bytes){ret_bytes, 68}));
}

bool blob_manifest_read(struct hf_bytes value, struct blob_manifest *ret_manifest)
{
	if (value.len != BLOB_MANIFEST_BYTES || memcmp(value.ptr, magic, MAGIC_BYTES) != 0 ||
	    get_le32(value.ptr + 68) != blob_check((struct hf_bytes){value.ptr, 68}))
		return false;
	ret_manifest->bytes = get_le64(value.ptr + 8);
	ret_manifest->chunk_bytes = get_le32(value.ptr + 16);
	memcpy(ret_manifest->id, value.ptr + 20, BLOB_ID_BYTES);
	memcpy(ret_manifest->sha256, value.ptr + 36, HF_KV_BLOB_SHA256);
	return ret_manifest->chunk_bytes > 0 && ret_manifest->bytes <= HF_KV_BLOB_BYTES_MAX;
}

bool hf_kv_blob_is_manifest(struct hf_bytes value)
{
	struct blob_manifest manifest;
	return blob_manifest_read(value, &manifest);
}

void blob_chunk_key(const uint8_t id[BLOB_ID_BYTES], uint32_t number, uint8_t ret_key[BLOB_CHUNK_KEY])
{
	memcpy(ret_key, blob_prefix, BLOB_PREFIX_BYTES);
	memcpy(ret_key + BLOB_PREFIX_BYTES, id, BLOB_ID_BYTES);
	put_be32(ret_key + BLOB_HEAD_KEY, number);
}

/* What is left when this is cut short has no head any more: the next sweep knows it by that. */
enum hf_status blob_remove(hf_kv *kv, const uint8_t id[BLOB_ID_BYTES], hf_deadline deadline, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_kv_how how = {.deadline = deadline};
	uint8_t head[BLOB_CHUNK_KEY];
	struct hf_kv_entry *entries;
	size_t count = PAGE;
	if (!arena)
		return error_nomem(err);
	blob_chunk_key(id, 0, head);
	struct hf_kv_range range = {.prefix = {head, BLOB_HEAD_KEY},
	                            .limit = PAGE,
	                            .bare = true,
	                            .how.deadline = deadline};
	enum hf_status status = HF_OK;
	while (status == HF_OK && count == PAGE) {
		hf_arena_reset(arena);
		status = hf_kv_list(kv, &range, arena, &entries, &count, err);
		struct hf_bytes *keys = hf_arena_alloc(arena, (count + 1) * sizeof(*keys));
		for (size_t i = 0; keys && status == HF_OK && i < count; i++)
			keys[i] = entries[i].key;
		if (status == HF_OK)
			status = keys ? hf_kv_delete_many(kv, keys, count, &how, NULL, err) : error_nomem(err);
	}
	return status;
}

/* ---- sweeping ---- */

/* Whose blob it is, by its head. */
static enum hf_status is_left_over(hf_kv *kv, const struct hf_kv_entry *head, hf_deadline deadline, hf_arena *arena,
                                   bool *ret_is, hf_error *err)
{
	const struct hf_kv_read how = {.deadline = deadline};
	struct hf_kv_entry owner = {0};
	struct blob_manifest manifest;
	enum hf_status status = hf_kv_get(kv, head->value, &how, arena, &owner, err);
	*ret_is = status == HF_NOT_FOUND || (status == HF_OK && !blob_manifest_read(owner.value, &manifest));
	if (status == HF_OK && !*ret_is)
		*ret_is = memcmp(manifest.id, head->key.ptr + BLOB_PREFIX_BYTES, BLOB_ID_BYTES) != 0;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* The head first, by its revision: whoever writes on has put it anew, and whoever has not puts no manifest without it.
 */
static enum hf_status sweep_one(hf_kv *kv, const struct hf_kv_entry *head, int64_t before_us, hf_deadline deadline,
                                uint64_t *removed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	const struct hf_kv_write take = {.op = HF_KV_DELETE,
	                                 .key = head->key,
	                                 .flags = HF_KV_IF_REV,
	                                 .if_rev = head->rev};
	const struct hf_kv_how how = {.deadline = deadline};
	bool is = false;
	if (!arena || head->updated_us > before_us)
		return arena ? HF_OK : error_nomem(err);
	enum hf_status status = is_left_over(kv, head, deadline, arena, &is, err);
	if (status != HF_OK || !is)
		return status;
	status = hf_kv_apply(kv, &take, 1, &how, arena, NULL, err);
	if (status == HF_CONFLICT)
		return HF_OK;
	if (status == HF_OK)
		status = blob_remove(kv, head->key.ptr + BLOB_PREFIX_BYTES, deadline, err);
	*removed += status == HF_OK;
	return status;
}

/* The first key of the next blob: its head, or a chunk that has lost it. */
static enum hf_status next_head(hf_kv *kv, uint8_t after[BLOB_CHUNK_KEY], bool first, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_entry *ret_head, hf_error *err)
{
	struct hf_kv_range range = {.prefix = {blob_prefix, BLOB_PREFIX_BYTES}, .limit = 1, .how.deadline = deadline};
	struct hf_kv_entry *entries = NULL;
	size_t count = 0;
	if (!first)
		range.after = (struct hf_bytes){after, BLOB_CHUNK_KEY};
	enum hf_status status = hf_kv_list(kv, &range, arena, &entries, &count, err);
	if (status == HF_OK && count == 0)
		return HF_NOT_FOUND;
	if (status != HF_OK)
		return status;
	*ret_head = entries[0];
	if (ret_head->key.len >= BLOB_HEAD_KEY)
		blob_chunk_key(ret_head->key.ptr + BLOB_PREFIX_BYTES, UINT32_MAX, after);
	return HF_OK;
}

enum hf_status hf_kv_blob_sweep(hf_kv *kv, int64_t age_us, hf_deadline deadline, uint64_t *ret_removed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	uint8_t after[BLOB_CHUNK_KEY];
	uint64_t removed = 0;
	int64_t now_us = 0;
	bool first = true;
	if (age_us < 0)
		return error_set(err, HF_E_USAGE, "blobs that were begun in the future cannot be swept");
	if (!arena)
		return error_nomem(err);
	deadline = kv_deadline(kv, deadline);
	enum hf_status status = hf_kv_now(kv, deadline, &now_us, err);
	while (status == HF_OK) {
		struct hf_kv_entry head;
		hf_arena_reset(arena);
		status = next_head(kv, after, first, deadline, arena, &head, err);
		first = false;
		if (status == HF_OK && head.key.len == BLOB_HEAD_KEY)
			status = sweep_one(kv, &head, now_us - age_us, deadline, &removed, err);
		else if (status == HF_OK && head.key.len > BLOB_HEAD_KEY)
			status = blob_remove(kv, head.key.ptr + BLOB_PREFIX_BYTES, deadline, err);
	}
	if (status != HF_NOT_FOUND)
		return status;
	if (ret_removed)
		*ret_removed = removed;
	return HF_OK;
}
