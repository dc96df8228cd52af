/*
 * values.h - what to do with the C forms of types.h: calendar, text, plain numbers. Pure; no round trips, no context.
 *
 * Conversions that could lose something refuse instead: a numeric with a fraction is no int64_t, an interval with
 * months is no number of microseconds, infinity is no calendar date. Dates are proleptic Gregorian with astronomical
 * years (0 is 1 BC), as the server computes them.
 *
 * Texts are NUL-terminated; HF_E_LIMIT when `size` does not hold them, the HF_*_TEXT_MAX sizes always do.
 */
#ifndef HOLDFAST_VALUES_H
#define HOLDFAST_VALUES_H

#include "holdfast/status.h"
#include "holdfast/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_civil {
	int32_t year;
	int32_t month; /* 1 to 12 */
	int32_t day;   /* 1 to 31 */
	int32_t hour;
	int32_t minute;
	int32_t second;
	int32_t microsecond;
};

enum { HF_UUID_TEXT_MAX = 37, HF_TIMESTAMP_TEXT_MAX = 40, HF_INET_TEXT_MAX = 50 };

/** Calendar fields of a timestamp without zone, or of a timestamptz in UTC. HF_REJECTED for the infinities. */
enum hf_status hf_timestamp_to_civil(struct hf_timestamp timestamp, struct hf_civil *ret_civil);
/** HF_REJECTED for fields that are no date or time of day, and beyond the server's range. */
enum hf_status hf_timestamp_from_civil(const struct hf_civil *civil, struct hf_timestamp *ret_timestamp);
/** Only year, month and day are set. HF_REJECTED for the infinities. */
enum hf_status hf_date_to_civil(struct hf_date date, struct hf_civil *ret_civil);
enum hf_status hf_date_from_civil(const struct hf_civil *civil, struct hf_date *ret_date);
/** Microseconds since 1970, as hf_now_wall_us() counts. HF_REJECTED for the infinities and out of range. */
enum hf_status hf_timestamptz_to_unix_us(struct hf_timestamptz timestamp, int64_t *ret_unix_us);
enum hf_status hf_timestamptz_from_unix_us(int64_t unix_us, struct hf_timestamptz *ret_timestamp);
/** "2024-05-06T07:08:09.000001", ISO 8601; "infinity" and "-infinity". `zone` is put behind: "Z", or "". */
enum hf_status hf_timestamp_to_text(struct hf_timestamp timestamp, const char *zone, char *ret_text, size_t size);

/** Days count as 24 hours. HF_REJECTED with months, or out of range. */
enum hf_status hf_interval_to_us(struct hf_interval interval, int64_t *ret_us);

/** As the server writes it: "-12.50", "NaN", "Infinity". Needs at most 4 * ndigits + dscale + 4 * weight + 8 bytes. */
enum hf_status hf_numeric_to_text(const struct hf_numeric *numeric, char *ret_text, size_t size);
/**
 * "-12.50", "NaN", "Infinity", without an exponent; the decimals behind the point are its dscale. The digits go to
 * `digits` and are borrowed from there; text.len / 2 + 4 bytes always suffice. HF_REJECTED for anything else, and for
 * more than 131,072 decimals before the point or 16,383 behind it; HF_E_LIMIT when `size` does not hold them.
 */
enum hf_status hf_numeric_from_text(struct hf_str text, uint8_t *digits, size_t size, struct hf_numeric *ret_numeric);
/** HF_REJECTED with a fraction other than zero, NaN, infinities, and out of range. */
enum hf_status hf_numeric_to_i64(const struct hf_numeric *numeric, int64_t *ret_value);
/** The nearest double; infinity beyond its range. */
double hf_numeric_to_double(const struct hf_numeric *numeric);

/** "01234567-89ab-cdef-0123-456789abcdef" */
void hf_uuid_to_text(const struct hf_uuid *uuid, char ret_text[HF_UUID_TEXT_MAX]);
/** That form, in either case. HF_REJECTED for anything else. */
enum hf_status hf_uuid_from_text(struct hf_str text, struct hf_uuid *ret_uuid);

/** As the server writes it: "10.1.2.3", "10.1.2.0/24", "2001:db8::/32". HF_REJECTED for a family other than 4, 6. */
enum hf_status hf_inet_to_text(const struct hf_inet *inet, char ret_text[HF_INET_TEXT_MAX]);

/** Bit `index` from the left; false beyond the end. */
static inline bool hf_bit(struct hf_bits bits, uint32_t index)
{
	return index < bits.count && (bits.ptr[index / 8] >> (7 - index % 8) & 1);
}

/* What the flags of a range say: hf_range_has_lower(row.span.flags) before row.span.lower is read. */
static inline bool hf_range_has_lower(uint8_t flags)
{
	return !(flags & (HF_RANGE_EMPTY | HF_RANGE_LOWER_INF));
}
static inline bool hf_range_has_upper(uint8_t flags)
{
	return !(flags & (HF_RANGE_EMPTY | HF_RANGE_UPPER_INF));
}

#ifdef __cplusplus
}
#endif
#endif
