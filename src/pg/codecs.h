/*
 * codecs.h - which functions read and write a value of each kind. A new kind is an enumerator of query.h, a line here,
 * a decode_X() in decode.c or decode_composed.c and an encode_X() in encode_value.c; a new type of a known kind is a
 * line of holdfast/builtin.h.
 */
#ifndef PG_CODECS_H
#define PG_CODECS_H

#include "holdfast/query.h"

/* X(kind, codec, bytes of a kind that is one big-endian word, else 0) */
#define CODECS(X)                   \
	X(BOOL, big_endian, 1)      \
	X(CHAR, big_endian, 1)      \
	X(INT2, big_endian, 2)      \
	X(INT4, big_endian, 4)      \
	X(INT8, big_endian, 8)      \
	X(OID, big_endian, 4)       \
	X(FLOAT4, big_endian, 4)    \
	X(FLOAT8, big_endian, 8)    \
	X(DATE, big_endian, 4)      \
	X(TIME, big_endian, 8)      \
	X(TIMESTAMP, big_endian, 8) \
	X(TIMESTAMPTZ, big_endian, 8)\
	X(TIMETZ, timetz, 0)        \
	X(INTERVAL, interval, 0)    \
	X(UUID, octets, 0)          \
	X(MACADDR, octets, 0)       \
	X(MACADDR8, octets, 0)      \
	X(TID, tid, 0)              \
	X(INET, inet, 0)            \
	X(FLOATS, floats, 0)        \
	X(PATH, path, 0)            \
	X(POLYGON, polygon, 0)      \
	X(BITS, bits, 0)            \
	X(NUMERIC, numeric, 0)      \
	X(TEXT, text, 0)            \
	X(JSONB, versioned, 0)      \
	X(BYTEA, bytes, 0)          \
	X(ENUM, enum, 0)            \
	X(COMPOSITE, composite, 0)  \
	X(ARRAY, array, 0)          \
	X(VECTOR, vector, 0)        \
	X(RANGE, range, 0)          \
	X(MULTIRANGE, multirange, 0)\
	X(VOID, void, 0)

#define CODEC_COUNT(kind, codec, size) +1
enum { CODECS_COUNT = 0 CODECS(CODEC_COUNT) };
_Static_assert(CODECS_COUNT == (int)HF_TYPE_MULTIRANGE, "a kind without a codec, or the other way round");

/* Bytes on the wire of the kinds that are one big-endian word; 0 for all others. */
static inline size_t codec_word_size(enum hf_type_kind kind)
{
#define CODEC_SIZE(kind, codec, size) [HF_TYPE_##kind] = size,
	static const uint8_t sizes[] = {CODECS(CODEC_SIZE)};
#undef CODEC_SIZE
	return sizes[kind];
}

#endif
