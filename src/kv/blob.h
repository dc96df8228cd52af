/*
 * blob.h - how a long value is kept; include/holdfast/kv_blob.h says what that is for.
 *
 *     KEY                                   -> manifest: "hf:blob1", 8 length, 4 chunk, 16 id, 32 SHA-256, 4 CRC-32
 *     "\0hf:blob\0", id                     -> KEY; written first, again now and then, as a sign of life
 *     "\0hf:blob\0", id, 4 number (big)     -> 4 CRC-32, the bytes of the chunk
 *
 * Numbers are little endian but for that of a chunk. A chunk never expires: nothing of a blob goes before its manifest.
 */
#ifndef KV_BLOB_H
#define KV_BLOB_H

#include "holdfast/kv_blob.h"
#include "kv/store.h"

enum { BLOB_MANIFEST_BYTES = 72, BLOB_ID_BYTES = 16, BLOB_PREFIX_BYTES = 9, BLOB_CHUNK_HEAD = 4 };
enum { BLOB_HEAD_KEY = BLOB_PREFIX_BYTES + BLOB_ID_BYTES, BLOB_CHUNK_KEY = BLOB_HEAD_KEY + 4 };

extern const uint8_t blob_prefix[BLOB_PREFIX_BYTES];

struct blob_manifest {
	uint64_t bytes;
	uint32_t chunk_bytes;
	uint8_t id[BLOB_ID_BYTES];
	uint8_t sha256[HF_KV_BLOB_SHA256];
};

void blob_manifest_write(const struct blob_manifest *manifest, uint8_t ret_bytes[BLOB_MANIFEST_BYTES]);
/** False: `value` is none. */
bool blob_manifest_read(struct hf_bytes value, struct blob_manifest *ret_manifest);
/** Key of the chunk `number` of `id`; of the head with `len` BLOB_HEAD_KEY. */
void blob_chunk_key(const uint8_t id[BLOB_ID_BYTES], uint32_t number, uint8_t ret_key[BLOB_CHUNK_KEY]);
uint32_t blob_check(struct hf_bytes bytes);
/** Remove the head and all chunks of `id`. */
enum hf_status blob_remove(hf_kv *kv, const uint8_t id[BLOB_ID_BYTES], hf_deadline deadline, hf_error *err);

#endif
