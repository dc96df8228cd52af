/*
 * types.h - C forms of PostgreSQL's values. Wire forms: PostgreSQL 15 source of the *_send functions.
 *
 * Text and bytes are borrowed views: {ptr, len}, never freed, valid as long as the arena (or the caller's memory)
 * they point into. Text decoded from the server carries a NUL behind `len`.
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
#define HF_STR(literal) ((struct hf_str){"" literal "", sizeof(literal) - 1})
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

#ifdef __cplusplus
}
#endif
#endif
