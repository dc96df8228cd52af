/*
 * kv_blob.h - values of any length, in chunks: written from a stream, read from one, in part if wanted.
 *
 *     hf_kv_blob_put(kv, key, from_file, file, NULL, &blob, &err);
 *     hf_kv_blob_read(kv, key, 1 << 20, 4096, NULL, to_file, other, NULL, &err);        4 KiB behind the first MiB
 *
 * What fits a chunk (HF_KV_BLOB_CHUNK_BYTES, less where value_bytes_max is less) is kept as a value like any. What is
 * longer is kept in chunks under keys of their own, in the same namespace, so that checkpoints, copies and exports have
 * all of it; under `key` stands a manifest with its length and SHA-256. The manifest is put last, as one write with all
 * that a put may demand: readers see the old blob or the new one, as a whole.
 *
 * Keys that begin with "\0hf:blob\0" are the chunks': lists and counts have them, prefixes of a program's own do not.
 * hf_kv_get() of a blob in chunks gives the manifest; put under another key it names the same chunks, which go with the
 * first. A put, a delete or an expiry of its key by other means than these leaves chunks behind that nobody reads; so
 * does a program that dies while it writes. hf_kv_blob_sweep() takes them away.
 *
 * Memory: two chunks. Round trips: one a chunk and two; what fits a chunk: one. That which puts or removes the key is
 * three on PostgreSQL (kv.h). Errors are those of kv.h.
 */
#ifndef HOLDFAST_KV_BLOB_H
#define HOLDFAST_KV_BLOB_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_KV_BLOB_CHUNK_BYTES = 1 << 20, HF_KV_BLOB_SHA256 = 32 };
#define HF_KV_BLOB_BYTES_MAX (INT64_C(1) << 40)

struct hf_kv_blob {
	uint64_t bytes;
	bool chunked;                      /* else it is a value like any */
	uint8_t sha256[HF_KV_BLOB_SHA256]; /* only if it is chunked */
	int64_t rev;
	int64_t created_us, updated_us, expires_us;
};

/** Fill `place` with at most `room` bytes; *ret_bytes 0 is the end. Anything but HF_OK ends the call with it. */
typedef enum hf_status hf_kv_blob_in_fn(void *user, uint8_t *place, size_t room, size_t *ret_bytes, hf_error *err);
/** A part, in order; valid during the call. HF_STOP ends with HF_OK. */
typedef enum hf_status hf_kv_blob_out_fn(void *user, struct hf_bytes part, hf_error *err);

/**
 * Store all that `in` gives. @param put as for hf_kv_put(), but for HF_KV_KEEP_TTL, IF_VALUE and if_value (HF_E_USAGE).
 * @param ret_blob NULL allowed: bytes, chunked, sha256 and rev. @return HF_OK; HF_CONFLICT a condition or the fence
 * does not hold; HF_E_LIMIT more than HF_KV_BLOB_BYTES_MAX. On failure what stood there stands there.
 */
enum hf_status hf_kv_blob_put(hf_kv *kv, struct hf_bytes key, hf_kv_blob_in_fn *in, void *user,
                              const struct hf_kv_put *put, struct hf_kv_blob *ret_blob, hf_error *err);
/**
 * `bytes` of it from `from` on (UINT64_MAX: to the end); what lies behind its end is not there, which is no error. A
 * chunk is checked before it is handed out, and the SHA-256 of the whole when all of it was read. Values that are no
 * blobs can be read too. @param how its deadline, fresh, replica and behind count; NULL for the defaults. @param
 * ret_blob NULL allowed; set before the first call of `out`: how long it is, whatever part of it is read.
 * @return HF_OK; HF_NOT_FOUND; HF_CONFLICT another blob was put meanwhile; HF_E_CORRUPT.
 */
enum hf_status hf_kv_blob_read(hf_kv *kv, struct hf_bytes key, uint64_t from, uint64_t bytes,
                               const struct hf_kv_read *how, hf_kv_blob_out_fn *out, void *user,
                               struct hf_kv_blob *ret_blob, hf_error *err);
/** How long it is, and the rest, without its chunks. @param how as above. HF_OK; HF_NOT_FOUND. */
enum hf_status hf_kv_blob_show(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how,
                               struct hf_kv_blob *ret_blob, hf_error *err);
/** Is it what stands under the key of a blob in chunks? */
bool hf_kv_blob_is_manifest(struct hf_bytes value);
/** The key and its chunks. @param ret_existed NULL allowed. Absent is HF_OK. */
enum hf_status hf_kv_blob_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, bool *ret_existed,
                                 hf_error *err);
/** Remove chunks of the namespace that belong to no blob. @param age_us only what was begun, or went on, that long ago
 *  (below 0 is HF_E_USAGE): blobs that are being written stay. @param ret_removed blobs, NULL allowed. */
enum hf_status hf_kv_blob_sweep(hf_kv *kv, int64_t age_us, hf_deadline deadline, uint64_t *ret_removed, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
