/*
 * blob_write.c - a blob from a stream: chunks first, then the manifest, then what it took the place of goes.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/error.h"
#include "kv/blob.h"
#include "kv/check.h"

enum { SIGN_OF_LIFE_CHUNKS = 64 };
#define PUT_FLAGS (HF_KV_NO_TTL | HF_KV_KEEP_METADATA | HF_KV_IF_ABSENT | HF_KV_IF_PRESENT | HF_KV_IF_REV)

/* A blob on its way. */
struct writing {
	hf_kv *kv;
	struct hf_bytes key;
	const struct hf_kv_put *put;
	struct hf_kv_how how;
	hf_kv_blob_in_fn *in;
	void *user;
	struct blob_manifest manifest;
	EVP_MD_CTX *digest;
	uint8_t *room; /* a chunk, its head in front, and a byte more: is there another one? */
	size_t filled; /* of the chunk and that byte */
	bool ended;
};

/* ---- reading the stream ---- */

static enum hf_status fill(struct writing *writing, hf_error *err)
{
	size_t room = (size_t)writing->manifest.chunk_bytes + 1;
	while (writing->filled < room && !writing->ended) {
		size_t n = 0;
		enum hf_status status = writing->in(writing->user, writing->room + BLOB_CHUNK_HEAD + writing->filled,
		                                    room - writing->filled, &n, err);
		if (status != HF_OK)
			return status;
		if (n > room - writing->filled)
			return error_set(err, HF_E_USAGE, "the stream gave more than there was room for");
		writing->ended = n == 0;
		writing->filled += n;
	}
	return HF_OK;
}

static struct hf_bytes chunk_of(const struct writing *writing)
{
	size_t most = writing->manifest.chunk_bytes;
	return (struct hf_bytes){writing->room + BLOB_CHUNK_HEAD, writing->filled < most ? writing->filled : most};
}

/* ---- chunks ---- */

/* The head; it says whose the chunks are, and that somebody is at them. */
static struct hf_kv_write head_of(const struct writing *writing, uint8_t room[BLOB_CHUNK_KEY])
{
	blob_chunk_key(writing->manifest.id, 0, room);
	return (struct hf_kv_write){.op = HF_KV_PUT,
	                            .key = {room, BLOB_HEAD_KEY},
	                            .value = writing->key,
	                            .flags = HF_KV_NO_TTL};
}

static enum hf_status put_chunk(struct writing *writing, uint32_t number, hf_error *err)
{
	uint8_t head[BLOB_CHUNK_KEY], key[BLOB_CHUNK_KEY];
	struct hf_bytes chunk = chunk_of(writing);
	struct hf_kv_write writes[2] = {{.op = HF_KV_PUT, .key = {key, BLOB_CHUNK_KEY}, .flags = HF_KV_NO_TTL},
	                                head_of(writing, head)};
	blob_chunk_key(writing->manifest.id, number, key);
	put_le32(writing->room, blob_check(chunk));
	writes[0].value = (struct hf_bytes){writing->room, BLOB_CHUNK_HEAD + chunk.len};
	if (EVP_DigestUpdate(writing->digest, chunk.ptr, chunk.len) != 1)
		return error_nomem(err);
	return hf_kv_apply(writing->kv, writes, number % SIGN_OF_LIFE_CHUNKS == 0 ? 2 : 1, &writing->how, NULL, NULL,
	                   err);
}

/* The byte that was read too much is the first of the next. */
static void next_chunk(struct writing *writing)
{
	size_t chunk = chunk_of(writing).len;
	writing->manifest.bytes += chunk;
	writing->filled -= chunk;
	if (writing->filled)
		writing->room[BLOB_CHUNK_HEAD] = writing->room[BLOB_CHUNK_HEAD + chunk];
}

static enum hf_status put_chunks(struct writing *writing, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (uint32_t number = 0; status == HF_OK && writing->filled > 0; number++) {
		if (writing->manifest.bytes + writing->filled > HF_KV_BLOB_BYTES_MAX)
			return error_set(err, HF_E_LIMIT, "a blob of more than %lld bytes",
			                 (long long)HF_KV_BLOB_BYTES_MAX);
		status = put_chunk(writing, number, err);
		next_chunk(writing);
		if (status == HF_OK)
			status = fill(writing, err);
	}
	if (status == HF_OK && EVP_DigestFinal_ex(writing->digest, writing->manifest.sha256, NULL) != 1)
		return error_nomem(err);
	return status;
}

/* ---- the key ---- */

/* What stood there goes, when it was a blob. That it is still there is no reason to say that the put failed. */
static void remove_before(struct writing *writing, const struct hf_kv_entry *before)
{
	struct blob_manifest old;
	hf_error unseen = HF_ERROR_INIT;
	if (before->rev != 0 && blob_manifest_read(before->value, &old))
		(void)blob_remove(writing->kv, old.id, writing->how.deadline, &unseen);
}

/* @param with_head the blob's head must be there still: nobody has swept it away. */
static enum hf_status put_key(struct writing *writing, struct hf_bytes value, bool with_head, int64_t *ret_rev,
                              hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	const struct hf_kv_put *put = writing->put;
	uint8_t head[BLOB_CHUNK_KEY];
	struct hf_kv_result results[2];
	struct hf_kv_write writes[2] = {{.op = HF_KV_PUT,
	                                 .key = writing->key,
	                                 .value = value,
	                                 .flags = put->flags | HF_KV_RETURN_BEFORE,
	                                 .metadata = put->metadata,
	                                 .ttl_us = put->ttl_us,
	                                 .if_rev = put->if_rev}};
	if (!arena)
		return error_nomem(err);
	writes[1] = head_of(writing, head);
	writes[1].flags |= HF_KV_IF_PRESENT;
	enum hf_status status = hf_kv_apply(writing->kv, writes, with_head ? 2 : 1, &writing->how, arena, results, err);
	*ret_rev = results[0].rev;
	if (status == HF_OK)
		remove_before(writing, &results[0].before);
	return status;
}

static enum hf_status put_long(struct writing *writing, int64_t *ret_rev, hf_error *err)
{
	uint8_t bytes[BLOB_MANIFEST_BYTES];
	hf_error unseen = HF_ERROR_INIT;
	enum hf_status status = put_chunks(writing, err);
	blob_manifest_write(&writing->manifest, bytes);
	if (status == HF_OK)
		status = put_key(writing, (struct hf_bytes){bytes, sizeof(bytes)}, true, ret_rev, err);
	if (status != HF_OK && status != HF_E_OUTCOME_UNKNOWN)
		(void)blob_remove(writing->kv, writing->manifest.id, kv_deadline(writing->kv, 0), &unseen);
	return status;
}

/* What fits a chunk is a value like any, unless it could be taken for a manifest. */
static enum hf_status put_all(struct writing *writing, bool *ret_chunked, int64_t *ret_rev, hf_error *err)
{
	struct blob_manifest alike;
	enum hf_status status = fill(writing, err);
	if (status != HF_OK)
		return status;
	struct hf_bytes chunk = chunk_of(writing);
	*ret_chunked = writing->filled > chunk.len || blob_manifest_read(chunk, &alike);
	if (*ret_chunked)
		return put_long(writing, ret_rev, err);
	writing->manifest.bytes = chunk.len;
	return put_key(writing, chunk, false, ret_rev, err);
}

static enum hf_status prepare(struct writing *writing, hf_error *err)
{
	uint32_t most = writing->kv->backend->options.value_bytes_max;
	if (writing->put->flags & ~(uint32_t)PUT_FLAGS)
		return error_set(err, HF_E_USAGE, "a flag that does not go with a blob");
	if (most < BLOB_MANIFEST_BYTES)
		return error_set(err, HF_E_USAGE, "value_bytes_max is %u: a blob needs %d", most, BLOB_MANIFEST_BYTES);
	most -= BLOB_CHUNK_HEAD;
	writing->manifest.chunk_bytes = most < HF_KV_BLOB_CHUNK_BYTES ? most : HF_KV_BLOB_CHUNK_BYTES;
	uint64_t halves[2] = {context_random_u64(writing->kv->backend->ctx),
	                      context_random_u64(writing->kv->backend->ctx)};
	memcpy(writing->manifest.id, halves, sizeof(halves));
	writing->digest = EVP_MD_CTX_new();
	writing->room = malloc((size_t)BLOB_CHUNK_HEAD + writing->manifest.chunk_bytes + 1);
	if (!writing->room || !writing->digest || EVP_DigestInit_ex(writing->digest, EVP_sha256(), NULL) != 1)
		return error_nomem(err);
	return HF_OK;
}

enum hf_status hf_kv_blob_put(hf_kv *kv, struct hf_bytes key, hf_kv_blob_in_fn *in, void *user,
                              const struct hf_kv_put *put, struct hf_kv_blob *ret_blob, hf_error *err)
{
	static const struct hf_kv_put nothing;
	struct writing writing = {.kv = kv, .key = key, .put = put ? put : &nothing, .in = in, .user = user};
	int64_t rev = 0;
	bool chunked = false;
	writing.how = writing.put->how;
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = check_no_token(&writing.how, "a value in chunks", err);
	if (status == HF_OK)
		status = prepare(&writing, err);
	if (status == HF_OK)
		status = put_all(&writing, &chunked, &rev, err);
	if (status == HF_OK && ret_blob) {
		*ret_blob = (struct hf_kv_blob){.bytes = writing.manifest.bytes, .chunked = chunked, .rev = rev};
		if (chunked)
			memcpy(ret_blob->sha256, writing.manifest.sha256, sizeof(ret_blob->sha256));
	}
	if (put && put->ret_rev && (status == HF_OK || status == HF_CONFLICT))
		*put->ret_rev = rev;
	EVP_MD_CTX_free(writing.digest);
	free(writing.room);
	return status;
}

enum hf_status hf_kv_blob_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, bool *ret_existed,
                                 hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct writing writing = {.kv = kv};
	struct hf_kv_entry before = {0};
	if (!arena)
		return error_nomem(err);
	if (how)
		writing.how = *how;
	enum hf_status status = check_no_token(how, "a value in chunks", err);
	if (status == HF_OK)
		status = hf_kv_get_and_delete(kv, key, how, arena, &before, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	if (status == HF_OK)
		remove_before(&writing, &before);
	if (ret_existed)
		*ret_existed = status == HF_OK;
	return HF_OK;
}
