/*
 * codec.h - values as they are stored: as they are, or compressed.
 *
 *     4 bytes, big endian: how many the value has    a zstd frame with a checksum of the value
 *
 * A value is compressed from a length on (hf_kv_options.compress_from), and kept so where that saves CODEC_SAVED_MIN
 * percent; whoever stores it keeps beside it which of both it is. The number in front is what sums of lengths go by
 * without the frame, in SQL too. What is unpacked is bounded before it is: by the store's value_bytes_max.
 *
 * Threads: a codec may be used by any number; contexts of zstd are kept for whoever comes next, without a lock.
 */
#ifndef KV_CODEC_H
#define KV_CODEC_H

#include <string.h>

#include "holdfast/kv.h"

enum { CODEC_RAW = 0, CODEC_ZSTD = 2 }; /* 1 is left to LZ4 */
enum { CODEC_HEAD = 4, CODEC_SAVED_MIN = 12, CODEC_KEPT_MAX = 8 };

struct codec_work;

struct codec {
	uint32_t from; /* bytes; UINT32_MAX = never */
	uint32_t value_bytes_max;
	struct codec_work *_Atomic kept[CODEC_KEPT_MAX];
};

/** False: it is CODEC_RAW, or packed and damaged there in two bytes. What codec_pack() packs begins so; a value that is
 *  not packed may too, but no text: not even where three of the four will do, so that one that is damaged is seen. A
 *  codec to come is to be told by its bytes as well, or by tables of another version. */
static inline bool codec_looks_packed(struct hf_bytes stored)
{
	static const uint8_t mark[] = {0x28, 0xb5, 0x2f, 0xfd};
	int same = 0;
	for (size_t i = 0; stored.len > CODEC_HEAD + sizeof(mark) && i < sizeof(mark); i++)
		same += stored.ptr[CODEC_HEAD + i] == mark[i];
	return same >= 3;
}

/* A value as it is stored. */
struct codec_value {
	struct hf_bytes bytes;
	int16_t codec; /* CODEC_RAW or CODEC_ZSTD */
};

/** @param options with defaults applied. End with codec_deinit(). */
void codec_init(struct codec *codec, const struct hf_kv_options *options);
void codec_deinit(struct codec *codec);

/** It may become shorter: codec_pack() has to be asked. */
static inline bool codec_wants(const struct codec *codec, struct hf_bytes plain)
{
	return plain.len >= codec->from;
}
/** How to store a value: in `arena`, or the value itself where nothing is gained. HF_E_NOMEM. */
enum hf_status codec_pack(struct codec *codec, struct hf_bytes plain, hf_arena *arena, struct codec_value *ret_value,
                          hf_error *err);
/** How the values of all PUTs are stored, by the index of the write. @param memory made when it is needed; the caller's
 *  to free. @param ret_values NULL where all of them stay what they are. */
enum hf_status codec_pack_writes(struct codec *codec, const struct hf_kv_write *writes, size_t count, hf_arena **memory,
                                 struct codec_value **ret_values, hf_error *err);
/** How many bytes it has unpacked. HF_E_CORRUPT; HF_E_LIMIT more than the store may hold. */
enum hf_status codec_length(const struct codec *codec, struct codec_value value, size_t *ret_bytes, hf_error *err);
/** Unpack to `place`, which has room for codec_length(). HF_E_CORRUPT; HF_E_NOMEM. */
enum hf_status codec_unpack(struct codec *codec, struct codec_value value, uint8_t *place, size_t bytes, hf_error *err);
/** The value itself: in `arena` with a NUL behind it, or borrowed where it is stored as it is. */
enum hf_status codec_plain(struct codec *codec, struct codec_value value, hf_arena *arena, struct hf_bytes *ret_plain,
                           hf_error *err);

#endif
