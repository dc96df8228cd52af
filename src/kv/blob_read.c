/*
 * blob_read.c - a blob to a stream, as a whole or in part.
 */
#include <openssl/evp.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kv/blob.h"
#include "kv/check.h"

struct reading {
	hf_kv *kv;
	struct hf_bytes key;
	struct hf_kv_read how;
	struct blob_manifest manifest;
	uint64_t from, to;
	hf_kv_blob_out_fn *out;
	void *user;
	EVP_MD_CTX *digest; /* when all of it is read */
};

static enum hf_status wrong(const struct reading *reading, enum hf_status status, const char *what, hf_error *err)
{
	char text[KV_KEY_TEXT];
	return error_set(err, status, "could not read key %s: %s", key_text(reading->key, text), what);
}

/* The part of a piece that is wanted. @param at where the piece begins. */
static enum hf_status hand_out(const struct reading *reading, uint64_t at, struct hf_bytes piece, hf_error *err)
{
	uint64_t from = reading->from > at ? reading->from - at : 0;
	uint64_t to = reading->to - at < piece.len ? reading->to - at : piece.len;
	if (from >= to)
		return HF_OK;
	return reading->out(reading->user, (struct hf_bytes){piece.ptr + from, (size_t)(to - from)}, err);
}

/* ---- chunks ---- */

static enum hf_status read_chunk(const struct reading *reading, uint32_t number, hf_arena *arena,
                                 struct hf_bytes *ret_chunk, hf_error *err)
{
	const struct blob_manifest *manifest = &reading->manifest;
	uint64_t at = (uint64_t)number * manifest->chunk_bytes, left = manifest->bytes - at;
	size_t want = left < manifest->chunk_bytes ? (size_t)left : manifest->chunk_bytes;
	uint8_t key[BLOB_CHUNK_KEY];
	struct hf_kv_read how = reading->how;
	struct hf_kv_entry entry;
	how.value_only = true;
	blob_chunk_key(manifest->id, number, key);
	enum hf_status status = hf_kv_get(reading->kv, (struct hf_bytes){key, sizeof(key)}, &how, arena, &entry, err);
	if (status == HF_NOT_FOUND && how.replica) { /* the manifest may be from elsewhere */
		how.replica = false;
		status = hf_kv_get(reading->kv, (struct hf_bytes){key, sizeof(key)}, &how, arena, &entry, err);
	}
	if (status == HF_NOT_FOUND)
		return wrong(reading, HF_CONFLICT, "a chunk is gone; another blob was put meanwhile", err);
	if (status != HF_OK)
		return status;
	if (entry.value.len != BLOB_CHUNK_HEAD + want)
		return wrong(reading, HF_E_CORRUPT, "a chunk has another length than it should", err);
	*ret_chunk = (struct hf_bytes){entry.value.ptr + BLOB_CHUNK_HEAD, want};
	if (get_le32(entry.value.ptr) != blob_check(*ret_chunk))
		return wrong(reading, HF_E_CORRUPT, "a chunk was damaged", err);
	return HF_OK;
}

static enum hf_status read_chunks(const struct reading *reading, hf_error *err)
{
	uint32_t chunk_bytes = reading->manifest.chunk_bytes;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)4 * chunk_bytes + (1 << 20));
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	for (uint64_t n = reading->from / chunk_bytes; status == HF_OK && n * chunk_bytes < reading->to; n++) {
		struct hf_bytes chunk;
		hf_arena_reset(arena);
		status = read_chunk(reading, (uint32_t)n, arena, &chunk, err);
		if (status == HF_OK && reading->digest && EVP_DigestUpdate(reading->digest, chunk.ptr, chunk.len) != 1)
			status = error_nomem(err);
		if (status == HF_OK)
			status = hand_out(reading, n * chunk_bytes, chunk, err);
	}
	return status;
}

static enum hf_status read_whole(struct reading *reading, hf_error *err)
{
	uint8_t sha256[HF_KV_BLOB_SHA256];
	reading->digest = EVP_MD_CTX_new();
	if (!reading->digest || EVP_DigestInit_ex(reading->digest, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(reading->digest);
		return error_nomem(err);
	}
	enum hf_status status = read_chunks(reading, err);
	bool summed = EVP_DigestFinal_ex(reading->digest, sha256, NULL) == 1;
	EVP_MD_CTX_free(reading->digest);
	if (status == HF_OK && !summed)
		return error_nomem(err);
	if (status == HF_OK && memcmp(sha256, reading->manifest.sha256, sizeof(sha256)) != 0)
		return wrong(reading, HF_E_CORRUPT, "its SHA-256 is another than it should be", err);
	return status;
}

/* ---- the key ---- */

static struct hf_kv_blob blob_of(const struct hf_kv_entry *entry, const struct blob_manifest *manifest)
{
	struct hf_kv_blob blob = {.bytes = manifest ? manifest->bytes : entry->value.len,
	                          .chunked = manifest != NULL,
	                          .rev = entry->rev,
	                          .created_us = entry->created_us,
	                          .updated_us = entry->updated_us,
	                          .expires_us = entry->expires_us};
	if (manifest)
		memcpy(blob.sha256, manifest->sha256, sizeof(blob.sha256));
	return blob;
}

static enum hf_status read_entry(struct reading *reading, const struct hf_kv_entry *entry, uint64_t bytes,
                                 struct hf_kv_blob *ret_blob, hf_error *err)
{
	bool chunked = blob_manifest_read(entry->value, &reading->manifest);
	const struct hf_kv_blob blob = blob_of(entry, chunked ? &reading->manifest : NULL);
	if (ret_blob)
		*ret_blob = blob;
	if (!reading->out || reading->from >= blob.bytes)
		return HF_OK;
	reading->to = bytes < blob.bytes - reading->from ? reading->from + bytes : blob.bytes;
	if (!chunked)
		return hand_out(reading, 0, entry->value, err);
	return reading->from == 0 && reading->to == blob.bytes ? read_whole(reading, err) : read_chunks(reading, err);
}

static enum hf_status read_key(struct reading *reading, const struct hf_kv_read *how, uint64_t bytes,
                               struct hf_kv_blob *ret_blob, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct hf_kv_entry entry;
	if (!arena)
		return error_nomem(err);
	if (how)
		reading->how = (struct hf_kv_read){.deadline = how->deadline,
		                                   .fresh = how->fresh,
		                                   .replica = how->replica,
		                                   .behind = how->behind};
	enum hf_status status = hf_kv_get(reading->kv, reading->key, &reading->how, arena, &entry, err);
	if (status == HF_OK)
		status = read_entry(reading, &entry, bytes, ret_blob, err);
	return status == HF_STOP ? HF_OK : status;
}

enum hf_status hf_kv_blob_read(hf_kv *kv, struct hf_bytes key, uint64_t from, uint64_t bytes,
                               const struct hf_kv_read *how, hf_kv_blob_out_fn *out, void *user,
                               struct hf_kv_blob *ret_blob, hf_error *err)
{
	struct reading reading = {.kv = kv, .key = key, .from = from, .out = out, .user = user};
	return read_key(&reading, how, bytes, ret_blob, err);
}

enum hf_status hf_kv_blob_show(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how,
                               struct hf_kv_blob *ret_blob, hf_error *err)
{
	struct reading reading = {.kv = kv, .key = key};
	return read_key(&reading, how, 0, ret_blob, err);
}
