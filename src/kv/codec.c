/*
 * codec.c - see codec.h.
 */
#include "kv/codec.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

enum { LEVEL = 1, ROOM_KEPT_MAX = 1 << 20 };

/* What one call at a time works with. */
struct codec_work {
	ZSTD_CCtx *compress;   /* NULL until it is needed */
	ZSTD_DCtx *decompress; /* likewise */
	uint8_t *room;
	size_t room_bytes;
};

static void work_free(struct codec_work *work)
{
	ZSTD_freeCCtx(work->compress);
	ZSTD_freeDCtx(work->decompress);
	free(work->room);
	free(work);
}

void codec_init(struct codec *codec, const struct hf_kv_options *options)
{
	codec->from = options->compress_from;
	codec->value_bytes_max = options->value_bytes_max;
	for (size_t i = 0; i < CODEC_KEPT_MAX; i++)
		atomic_init(&codec->kept[i], NULL);
}

void codec_deinit(struct codec *codec)
{
	for (size_t i = 0; i < CODEC_KEPT_MAX; i++) {
		struct codec_work *work = atomic_exchange(&codec->kept[i], NULL);
		if (work)
			work_free(work);
	}
}

static struct codec_work *work_take(struct codec *codec)
{
	for (size_t i = 0; i < CODEC_KEPT_MAX; i++) {
		struct codec_work *work = atomic_exchange(&codec->kept[i], NULL);
		if (work)
			return work;
	}
	return calloc(1, sizeof(struct codec_work));
}

static void work_give(struct codec *codec, struct codec_work *work)
{
	if (work->room_bytes > ROOM_KEPT_MAX) {
		free(work->room);
		work->room = NULL;
		work->room_bytes = 0;
	}
	for (size_t i = 0; i < CODEC_KEPT_MAX; i++) {
		struct codec_work *empty = NULL;
		if (atomic_compare_exchange_strong(&codec->kept[i], &empty, work))
			return;
	}
	work_free(work);
}

/* ---- packing ---- */

static bool make_room(struct codec_work *work, size_t bytes)
{
	if (work->room_bytes >= bytes)
		return true;
	uint8_t *grown = realloc(work->room, bytes);
	if (!grown)
		return false;
	work->room = grown;
	work->room_bytes = bytes;
	return true;
}

static bool ready_to_compress(struct codec_work *work)
{
	if (work->compress)
		return true;
	work->compress = ZSTD_createCCtx();
	if (!work->compress)
		return false;
	ZSTD_CCtx_setParameter(work->compress, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(work->compress, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(work->compress, ZSTD_c_checksumFlag, 1);
	return true;
}

/* Into the work's room, which has no more of it than pays. @param ret_bytes 0 = it does not pay. */
static enum hf_status compress(struct codec_work *work, struct hf_bytes plain, size_t *ret_bytes, hf_error *err)
{
	size_t most = plain.len - plain.len * CODEC_SAVED_MIN / 100;
	*ret_bytes = 0;
	if (most <= CODEC_HEAD || !ready_to_compress(work) || !make_room(work, most))
		return most <= CODEC_HEAD ? HF_OK : error_nomem(err);
	size_t n = ZSTD_compress2(work->compress, work->room + CODEC_HEAD, most - CODEC_HEAD, plain.ptr, plain.len);
	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? HF_OK : error_nomem(err);
	put_be32(work->room, (uint32_t)plain.len);
	*ret_bytes = CODEC_HEAD + n;
	return HF_OK;
}

enum hf_status codec_pack(struct codec *codec, struct hf_bytes plain, hf_arena *arena, struct codec_value *ret_value,
                          hf_error *err)
{
	size_t bytes = 0;
	*ret_value = (struct codec_value){plain, CODEC_RAW};
	struct codec_work *work = codec_wants(codec, plain) ? work_take(codec) : NULL;
	if (!work)
		return codec_wants(codec, plain) ? error_nomem(err) : HF_OK;
	enum hf_status status = compress(work, plain, &bytes, err);
	uint8_t *copy = status == HF_OK && bytes > 0 ? hf_arena_alloc(arena, bytes) : NULL;
	if (copy) {
		memcpy(copy, work->room, bytes);
		*ret_value = (struct codec_value){{copy, bytes}, CODEC_ZSTD};
	}
	work_give(codec, work);
	return status == HF_OK && bytes > 0 && !copy ? error_nomem(err) : status;
}

static bool packs(const struct codec *codec, const struct hf_kv_write *write)
{
	return write->op == HF_KV_PUT && codec_wants(codec, write->value);
}

enum hf_status codec_pack_writes(struct codec *codec, const struct hf_kv_write *writes, size_t count, hf_arena **memory,
                                 struct codec_value **ret_values, hf_error *err)
{
	size_t first = 0;
	*ret_values = NULL;
	while (first < count && !packs(codec, &writes[first]))
		first++;
	if (first == count)
		return HF_OK;
	if (!*memory)
		*memory = hf_arena_new((size_t)1 << 34);
	struct codec_value *values = *memory ? hf_arena_alloc(*memory, count * sizeof(*values)) : NULL;
	enum hf_status status = values ? HF_OK : error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		values[i] = (struct codec_value){writes[i].value, CODEC_RAW};
		if (packs(codec, &writes[i]))
			status = codec_pack(codec, writes[i].value, *memory, &values[i], err);
	}
	*ret_values = values;
	return status;
}

/* ---- unpacking ---- */

static COLD enum hf_status corrupt(struct codec_value value, const char *why, hf_error *err)
{
	return error_set(err, HF_E_CORRUPT, "could not unpack a value of %zu bytes: %s", value.bytes.len, why);
}

enum hf_status codec_length(const struct codec *codec, struct codec_value value, size_t *ret_bytes, hf_error *err)
{
	*ret_bytes = value.bytes.len;
	if (value.codec == CODEC_RAW)
		return HF_OK;
	if (value.codec != CODEC_ZSTD)
		return error_set(err, HF_E_CORRUPT, "could not unpack a value: there is no codec %d", value.codec);
	if (value.bytes.len <= CODEC_HEAD)
		return corrupt(value, "it was cut", err);
	size_t bytes = get_be32(value.bytes.ptr);
	if (bytes == 0 || bytes > HF_KV_VALUE_BYTES_MAX)
		return corrupt(value, "it has no length that a value has", err);
	if (bytes > codec->value_bytes_max)
		return error_set(err, HF_E_LIMIT, "a value of %zu bytes: at most %u are read", bytes,
		                 codec->value_bytes_max);
	*ret_bytes = bytes;
	return HF_OK;
}

enum hf_status codec_unpack(struct codec *codec, struct codec_value value, uint8_t *place, size_t bytes, hf_error *err)
{
	struct hf_bytes packed = {value.bytes.ptr + CODEC_HEAD, value.bytes.len - CODEC_HEAD};
	struct codec_work *work = work_take(codec);
	if (work && !work->decompress)
		work->decompress = ZSTD_createDCtx();
	size_t n = 0;
	bool ready = work && work->decompress;
	if (ready)
		n = ZSTD_decompressDCtx(work->decompress, place, bytes, packed.ptr, packed.len);
	if (work)
		work_give(codec, work);
	if (!ready || (ZSTD_isError(n) && ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation))
		return error_nomem(err);
	if (ZSTD_isError(n))
		return corrupt(value, ZSTD_getErrorName(n), err);
	return n == bytes ? HF_OK : corrupt(value, "it has another length than it says", err);
}

enum hf_status codec_plain(struct codec *codec, struct codec_value value, hf_arena *arena, struct hf_bytes *ret_plain,
                           hf_error *err)
{
	size_t bytes = 0;
	enum hf_status status = codec_length(codec, value, &bytes, err);
	if (status != HF_OK || value.codec == CODEC_RAW) {
		*ret_plain = value.bytes;
		return status;
	}
	uint8_t *place = hf_arena_alloc(arena, bytes + 1);
	if (!place)
		return arena_refused(arena, bytes + 1, "a value", err);
	place[bytes] = '\0';
	status = codec_unpack(codec, value, place, bytes, err);
	if (status == HF_OK)
		*ret_plain = (struct hf_bytes){place, bytes};
	return status;
}
