/*
 * types.h - C forms of PostgreSQL's values. Wire forms: PostgreSQL 15 source of the *_send functions.
 *
 * Text and bytes are borrowed views: {ptr, len}, never freed, valid as long as the arena (or the caller's memory)
 * they point into. Text decoded from the server carries a NUL behind `len`.
 *
 * Where PostgreSQL's type is no more than a number it is one here: money is an int64_t of the smallest unit (of what,
 * says the server's lc_monetary), pg_lsn and xid8 are uint64_t, oid, xid, cid and the reg* types uint32_t. tsvector,
 * tsquery and pg_snapshot are their wire form in bytes, good to be handed back; cast them to text to look inside.
 */
#ifndef HOLDFAST_TYPES_H
#define HOLDFAST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_str {
	const char *ptr;
	size_t len;
};
/* `struct name` made of the braces behind it; ISO C++ has no compound literals. */
#ifdef __cplusplus
#define HF_LITERAL(name) name
#else
#define HF_LITERAL(name) (struct name)
#endif
#define HF_STR(literal) (HF_LITERAL(hf_str){"" literal "", sizeof(literal) - 1})
#define HF_STR_INIT(literal) {"" literal "", sizeof(literal) - 1}

/** A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct hf_str hf_str_of(const char *text)
{
	struct hf_str view = {text, text ? strlen(text) : 0};
	return view;
}

struct hf_bytes {
	const uint8_t *ptr;
	size_t len;
};

struct hf_uuid {
	uint8_t bytes[16];
};

/* Microseconds since 2000-01-01; INT64_MIN and INT64_MAX are -infinity and infinity. Two types, no implicit mix. */
struct hf_timestamp {
	int64_t us;
};
struct hf_timestamptz {
	int64_t us;
};
struct hf_date {
	int32_t days; /* since 2000-01-01; INT32_MIN and INT32_MAX are the infinities */
};
struct hf_time {
	int64_t us; /* 24:00:00 is valid */
};
struct hf_timetz {
	int64_t us;
	int32_t west_s; /* seconds west of UTC, as on the wire */
};
/* Never collapsed: a month is not 30 days, a day is not 24 hours. */
struct hf_interval {
	int64_t us;
	int32_t days;
	int32_t months;
};
/* Base-10000 digits, big endian, borrowed. sign: 0x0000 +, 0x4000 -, 0xC000 NaN, 0xD000 inf, 0xF000 -inf. */
struct hf_numeric {
	const uint8_t *digits;
	uint16_t ndigits;
	int16_t weight;
	uint16_t sign;
	uint16_t dscale;
};

/* Bit strings: bit i from the left is bit 7 - i % 8 of byte i / 8; borrowed. hf_bit() of values.h reads one. */
struct hf_bits {
	const uint8_t *ptr;
	uint32_t count; /* bits */
};
struct hf_inet {
	uint8_t family; /* 4 or 6 */
	uint8_t bits;   /* of the network: at most 32 or 128, and that for a single host */
	bool is_cidr;   /* for its text; parameters: the server goes by the type */
	uint8_t addr[16]; /* the first 4 or all, network byte order */
};
struct hf_macaddr {
	uint8_t bytes[6];
};
struct hf_macaddr8 {
	uint8_t bytes[8];
};
struct hf_tid {
	uint32_t block;
	uint16_t offset;
};

struct hf_point {
	double x, y;
};
struct hf_line {
	double a, b, c; /* ax + by + c = 0 */
};
struct hf_lseg {
	struct hf_point from, to;
};
struct hf_box {
	struct hf_point high, low;
};
struct hf_circle {
	struct hf_point center;
	double radius;
};
struct hf_path {
	const struct hf_point *points;
	uint32_t count;
	bool closed;
};
struct hf_polygon {
	const struct hf_point *points;
	uint32_t count;
};

/*
 * Ranges. A bound counts unless its side is infinite or the range is empty; flags are those of the wire. The server
 * turns discrete ranges into the form [lower,upper).
 */
#define HF_RANGE_EMPTY 0x01u
#define HF_RANGE_LOWER_INC 0x02u
#define HF_RANGE_UPPER_INC 0x04u
#define HF_RANGE_LOWER_INF 0x08u
#define HF_RANGE_UPPER_INF 0x10u
#define HF_RANGE_MEMBERS(T) \
	T lower;            \
	T upper;            \
	uint8_t flags
struct hf_int4range { HF_RANGE_MEMBERS(int32_t); };
struct hf_int8range { HF_RANGE_MEMBERS(int64_t); };
struct hf_numrange { HF_RANGE_MEMBERS(struct hf_numeric); };
struct hf_daterange { HF_RANGE_MEMBERS(struct hf_date); };
struct hf_tsrange { HF_RANGE_MEMBERS(struct hf_timestamp); };
struct hf_tstzrange { HF_RANGE_MEMBERS(struct hf_timestamptz); };

/* Multiranges: none of the ranges is empty, they are sorted and do not touch; the server sees to that. */
#define HF_MULTIRANGE_MEMBERS(R) \
	uint32_t count;          \
	R const *ranges
struct hf_multirange { HF_MULTIRANGE_MEMBERS(void); };
struct hf_int4multirange { HF_MULTIRANGE_MEMBERS(struct hf_int4range); };
struct hf_int8multirange { HF_MULTIRANGE_MEMBERS(struct hf_int8range); };
struct hf_nummultirange { HF_MULTIRANGE_MEMBERS(struct hf_numrange); };
struct hf_datemultirange { HF_MULTIRANGE_MEMBERS(struct hf_daterange); };
struct hf_tsmultirange { HF_MULTIRANGE_MEMBERS(struct hf_tsrange); };
struct hf_tstzmultirange { HF_MULTIRANGE_MEMBERS(struct hf_tstzrange); };

/*
 * Arrays of any element type. `nulls` is NULL when no element is null, else one flag per element; `dims` and
 * `lower_bounds` have `ndim` entries; ndim 0 is the empty array. Elements stand in row-major order.
 * For parameters leave `dims` and `lower_bounds` NULL: one dimension, lower bound 1.
 */
#define HF_ARRAY_MEMBERS(T)          \
	uint32_t count;              \
	uint32_t ndim;               \
	const int32_t *dims;         \
	const int32_t *lower_bounds; \
	const bool *nulls;           \
	T const *values
struct hf_array {
	HF_ARRAY_MEMBERS(void);
};
struct hf_bool_array { HF_ARRAY_MEMBERS(bool); };
struct hf_int2_array { HF_ARRAY_MEMBERS(int16_t); };
struct hf_int4_array { HF_ARRAY_MEMBERS(int32_t); };
struct hf_int8_array { HF_ARRAY_MEMBERS(int64_t); };
struct hf_float8_array { HF_ARRAY_MEMBERS(double); };
struct hf_str_array { HF_ARRAY_MEMBERS(struct hf_str); };
struct hf_bytes_array { HF_ARRAY_MEMBERS(struct hf_bytes); };
struct hf_uuid_array { HF_ARRAY_MEMBERS(struct hf_uuid); };
struct hf_interval_array { HF_ARRAY_MEMBERS(struct hf_interval); };
struct hf_timestamp_array { HF_ARRAY_MEMBERS(struct hf_timestamp); };
struct hf_timestamptz_array { HF_ARRAY_MEMBERS(struct hf_timestamptz); };
struct hf_float4_array { HF_ARRAY_MEMBERS(float); };
struct hf_numeric_array { HF_ARRAY_MEMBERS(struct hf_numeric); };
struct hf_bits_array { HF_ARRAY_MEMBERS(struct hf_bits); };
struct hf_char_array { HF_ARRAY_MEMBERS(char); };
struct hf_date_array { HF_ARRAY_MEMBERS(struct hf_date); };
struct hf_time_array { HF_ARRAY_MEMBERS(struct hf_time); };
struct hf_timetz_array { HF_ARRAY_MEMBERS(struct hf_timetz); };
struct hf_inet_array { HF_ARRAY_MEMBERS(struct hf_inet); };
struct hf_macaddr_array { HF_ARRAY_MEMBERS(struct hf_macaddr); };
struct hf_macaddr8_array { HF_ARRAY_MEMBERS(struct hf_macaddr8); };
struct hf_point_array { HF_ARRAY_MEMBERS(struct hf_point); };
struct hf_line_array { HF_ARRAY_MEMBERS(struct hf_line); };
struct hf_lseg_array { HF_ARRAY_MEMBERS(struct hf_lseg); };
struct hf_box_array { HF_ARRAY_MEMBERS(struct hf_box); };
struct hf_path_array { HF_ARRAY_MEMBERS(struct hf_path); };
struct hf_polygon_array { HF_ARRAY_MEMBERS(struct hf_polygon); };
struct hf_circle_array { HF_ARRAY_MEMBERS(struct hf_circle); };
struct hf_tid_array { HF_ARRAY_MEMBERS(struct hf_tid); };
struct hf_oid_array { HF_ARRAY_MEMBERS(uint32_t); };
struct hf_uint64_array { HF_ARRAY_MEMBERS(uint64_t); };
struct hf_int2vector_array { HF_ARRAY_MEMBERS(struct hf_int2_array); };
struct hf_oidvector_array { HF_ARRAY_MEMBERS(struct hf_oid_array); };
struct hf_int4range_array { HF_ARRAY_MEMBERS(struct hf_int4range); };
struct hf_int8range_array { HF_ARRAY_MEMBERS(struct hf_int8range); };
struct hf_numrange_array { HF_ARRAY_MEMBERS(struct hf_numrange); };
struct hf_daterange_array { HF_ARRAY_MEMBERS(struct hf_daterange); };
struct hf_tsrange_array { HF_ARRAY_MEMBERS(struct hf_tsrange); };
struct hf_tstzrange_array { HF_ARRAY_MEMBERS(struct hf_tstzrange); };
struct hf_int4multirange_array { HF_ARRAY_MEMBERS(struct hf_int4multirange); };
struct hf_int8multirange_array { HF_ARRAY_MEMBERS(struct hf_int8multirange); };
struct hf_nummultirange_array { HF_ARRAY_MEMBERS(struct hf_nummultirange); };
struct hf_datemultirange_array { HF_ARRAY_MEMBERS(struct hf_datemultirange); };
struct hf_tsmultirange_array { HF_ARRAY_MEMBERS(struct hf_tsmultirange); };
struct hf_tstzmultirange_array { HF_ARRAY_MEMBERS(struct hf_tstzmultirange); };

#ifdef __cplusplus
}
#endif
#endif
