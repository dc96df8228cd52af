/*
 * wire.h - PostgreSQL's binary forms at the level of bytes: type numbers (pg_type.dat) and big-endian words.
 */
#ifndef PG_WIRE_H
#define PG_WIRE_H

#include "base/bytes.h"

enum {
	WIRE_BOOL = 16,
	WIRE_BYTEA = 17,
	WIRE_CHAR = 18,
	WIRE_NAME = 19,
	WIRE_INT8 = 20,
	WIRE_INT2 = 21,
	WIRE_INT4 = 23,
	WIRE_TEXT = 25,
	WIRE_OID = 26,
	WIRE_JSON = 114,
	WIRE_XML = 142,
	WIRE_FLOAT4 = 700,
	WIRE_FLOAT8 = 701,
	WIRE_UNKNOWN = 705,
	WIRE_BPCHAR = 1042,
	WIRE_VARCHAR = 1043,
	WIRE_JSONB = 3802
};

static inline uint16_t wire_uint2(const uint8_t *at)
{
	return get_be16(at);
}
static inline uint32_t wire_uint4(const uint8_t *at)
{
	return get_be32(at);
}
static inline uint64_t wire_uint8(const uint8_t *at)
{
	return get_be64(at);
}
static inline int16_t wire_int2(const uint8_t *at)
{
	return (int16_t)wire_uint2(at);
}
static inline int32_t wire_int4(const uint8_t *at)
{
	return (int32_t)wire_uint4(at);
}
static inline int64_t wire_int8(const uint8_t *at)
{
	return (int64_t)wire_uint8(at);
}
static inline float wire_float4(const uint8_t *at)
{
	uint32_t bits = wire_uint4(at);
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}
static inline double wire_float8(const uint8_t *at)
{
	uint64_t bits = wire_uint8(at);
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}
static inline void wire_put2(uint8_t *at, uint16_t value)
{
	put_be16(at, value);
}
static inline void wire_put4(uint8_t *at, uint32_t value)
{
	put_be32(at, value);
}
static inline void wire_put8(uint8_t *at, uint64_t value)
{
	put_be64(at, value);
}

#endif
