/*
 * values.c - the conversions of values.h. Pure arithmetic, checked for overflow; nothing is rounded but to_double.
 */
#include "holdfast/values.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)
#define EPOCH_2000_UNIX_US INT64_C(946684800000000)

enum {
	DAYS_1970_TO_2000 = 10957,
	NUMERIC_NAN = 0xc000,
	NUMERIC_INFINITY = 0xd000,
	NUMERIC_MINUS_INFINITY = 0xf000,
	NUMERIC_NEGATIVE = 0x4000,
	NUMERIC_WHOLE_MAX = 131072,
	NUMERIC_DSCALE_MAX = 16383,
	DOUBLE_DIGITS_MAX = 200 /* of 4 decimals each: more than the 767 that can matter to a double */
};

/* The server's own bounds (timestamp.h): 4714-11-24 BC to the end of 294276, dates to 5874897. */
#define TIMESTAMP_MIN INT64_C(-211813488000000000)
#define TIMESTAMP_END INT64_C(9223371331200000000)
enum { DATE_MIN_DAYS = -2451545, DATE_END_DAYS = 2145031949 };

/* ---- calendar: Howard Hinnant's days_from_civil and its inverse, on years that begin in March ---- */

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468 - DAYS_1970_TO_2000;
}

static struct hf_civil civil_from_days(int64_t days)
{
	days += 719468 + DAYS_1970_TO_2000;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct hf_civil civil = {.day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1)};
	civil.month = (int32_t)(month < 10 ? month + 3 : month - 9);
	civil.year = (int32_t)(year_of_era + era * 400 + (civil.month <= 2));
	return civil;
}

static bool is_date(const struct hf_civil *civil, int64_t *ret_days)
{
	if (civil->month < 1 || civil->month > 12 || civil->day < 1 || civil->day > 31 || civil->year < -4713 ||
	    civil->year > 5874897)
		return false;
	int64_t days = days_from_civil(civil->year, civil->month, civil->day);
	struct hf_civil back = civil_from_days(days);
	*ret_days = days;
	return back.month == civil->month && back.day == civil->day;
}

enum hf_status hf_date_to_civil(struct hf_date date, struct hf_civil *ret_civil)
{
	if (date.days == INT32_MIN || date.days == INT32_MAX)
		return HF_REJECTED;
	*ret_civil = civil_from_days(date.days);
	return HF_OK;
}

enum hf_status hf_date_from_civil(const struct hf_civil *civil, struct hf_date *ret_date)
{
	int64_t days;
	if (!is_date(civil, &days) || days < DATE_MIN_DAYS || days >= DATE_END_DAYS)
		return HF_REJECTED;
	ret_date->days = (int32_t)days;
	return HF_OK;
}

enum hf_status hf_timestamp_to_civil(struct hf_timestamp timestamp, struct hf_civil *ret_civil)
{
	if (timestamp.us == INT64_MIN || timestamp.us == INT64_MAX)
		return HF_REJECTED;
	int64_t days = timestamp.us / DAY_US, rest = timestamp.us % DAY_US;
	if (rest < 0) {
		days--;
		rest += DAY_US;
	}
	struct hf_civil civil = civil_from_days(days);
	civil.microsecond = (int32_t)(rest % 1000000);
	int64_t seconds = rest / 1000000;
	civil.hour = (int32_t)(seconds / 3600);
	civil.minute = (int32_t)(seconds / 60 % 60);
	civil.second = (int32_t)(seconds % 60);
	*ret_civil = civil;
	return HF_OK;
}

static bool is_time(const struct hf_civil *civil)
{
	return civil->hour >= 0 && civil->hour < 24 && civil->minute >= 0 && civil->minute < 60 && civil->second >= 0 &&
	       civil->second < 60 && civil->microsecond >= 0 && civil->microsecond < 1000000;
}

enum hf_status hf_timestamp_from_civil(const struct hf_civil *civil, struct hf_timestamp *ret_timestamp)
{
	int64_t days, us;
	if (!is_time(civil) || !is_date(civil, &days) || __builtin_mul_overflow(days, DAY_US, &us))
		return HF_REJECTED;
	int64_t seconds = civil->hour * 3600 + civil->minute * 60 + civil->second;
	if (__builtin_add_overflow(us, seconds * 1000000 + civil->microsecond, &us) || us < TIMESTAMP_MIN ||
	    us >= TIMESTAMP_END)
		return HF_REJECTED;
	ret_timestamp->us = us;
	return HF_OK;
}

enum hf_status hf_timestamptz_to_unix_us(struct hf_timestamptz timestamp, int64_t *ret_unix_us)
{
	bool infinite = timestamp.us == INT64_MIN || timestamp.us == INT64_MAX;
	int64_t us;
	if (infinite || __builtin_add_overflow(timestamp.us, EPOCH_2000_UNIX_US, &us))
		return HF_REJECTED;
	*ret_unix_us = us;
	return HF_OK;
}

enum hf_status hf_timestamptz_from_unix_us(int64_t unix_us, struct hf_timestamptz *ret_timestamp)
{
	int64_t us;
	if (__builtin_sub_overflow(unix_us, EPOCH_2000_UNIX_US, &us) || us < TIMESTAMP_MIN || us >= TIMESTAMP_END)
		return HF_REJECTED;
	ret_timestamp->us = us;
	return HF_OK;
}

static enum hf_status fits(int written, size_t size)
{
	return written >= 0 && (size_t)written < size ? HF_OK : HF_E_LIMIT;
}

enum hf_status hf_timestamp_to_text(struct hf_timestamp timestamp, const char *zone, char *ret_text, size_t size)
{
	struct hf_civil civil;
	if (hf_timestamp_to_civil(timestamp, &civil) != HF_OK)
		return fits(snprintf(ret_text, size, "%s", timestamp.us < 0 ? "-infinity" : "infinity"), size);
	return fits(snprintf(ret_text, size, "%s%04d-%02d-%02dT%02d:%02d:%02d.%06d%s", civil.year < 0 ? "-" : "",
			     abs(civil.year), civil.month, civil.day, civil.hour, civil.minute, civil.second,
			     civil.microsecond, zone),
		    size);
}

enum hf_status hf_interval_to_us(struct hf_interval interval, int64_t *ret_us)
{
	int64_t us;
	if (interval.months != 0 || __builtin_mul_overflow(interval.days, DAY_US, &us) ||
	    __builtin_add_overflow(us, interval.us, &us))
		return HF_REJECTED;
	*ret_us = us;
	return HF_OK;
}

/* ---- numeric ---- */

/* Digit group `i` (0 = the first): four decimals; zero outside what is stored. */
static int group(const struct hf_numeric *numeric, int i)
{
	if (i < 0 || i >= numeric->ndigits)
		return 0;
	return numeric->digits[2 * i] << 8 | numeric->digits[2 * i + 1];
}

static const char *special(const struct hf_numeric *numeric)
{
	switch (numeric->sign) {
	case NUMERIC_NAN:
		return "NaN";
	case NUMERIC_INFINITY:
		return "Infinity";
	case NUMERIC_MINUS_INFINITY:
		return "-Infinity";
	default:
		return NULL;
	}
}

/* A text that knows its bound; `full` is sticky. */
struct writer {
	char *text;
	size_t len, size;
	bool full;
};

static void put(struct writer *writer, char c)
{
	if (writer->len + 1 >= writer->size)
		writer->full = true;
	else
		writer->text[writer->len++] = c;
}

static void put_text(struct writer *writer, const char *text)
{
	while (*text)
		put(writer, *text++);
}

static void put_group(struct writer *writer, int value, int decimals)
{
	static const int powers[] = {1000, 100, 10, 1};
	for (int i = 0; i < decimals; i++)
		put(writer, (char)('0' + value / powers[i] % 10));
}

static void put_whole(struct writer *writer, const struct hf_numeric *numeric)
{
	char first[8];
	snprintf(first, sizeof(first), "%d", numeric->weight < 0 ? 0 : group(numeric, 0));
	put_text(writer, first);
	for (int i = 1; i <= numeric->weight && !writer->full; i++)
		put_group(writer, group(numeric, i), 4);
}

enum hf_status hf_numeric_to_text(const struct hf_numeric *numeric, char *ret_text, size_t size)
{
	struct writer writer = {ret_text, 0, size, size == 0};
	const char *word = special(numeric);
	if (word) {
		put_text(&writer, word);
	} else {
		if (numeric->sign == NUMERIC_NEGATIVE)
			put(&writer, '-');
		put_whole(&writer, numeric);
		if (numeric->dscale > 0)
			put(&writer, '.');
		for (int done = 0, i = numeric->weight + 1; done < numeric->dscale && !writer.full; done += 4, i++)
			put_group(&writer, group(numeric, i), numeric->dscale - done < 4 ? numeric->dscale - done : 4);
	}
	if (size > 0)
		ret_text[writer.len] = '\0';
	return writer.full ? HF_E_LIMIT : HF_OK;
}

/* A decimal number as it is written: what stands before the point, and behind it. */
struct decimal {
	struct hf_str whole, fraction;
};

/* Groups of four decimals count from the point: 0 is the first behind it, -1 the last before it. */
static int group_at(const struct decimal *decimal, int64_t at)
{
	int value = 0;
	for (int64_t i = 4 * at; i < 4 * at + 4; i++) {
		struct hf_str part = i < 0 ? decimal->whole : decimal->fraction;
		int64_t from = i < 0 ? i + (int64_t)part.len : i;
		value = value * 10 + (from >= 0 && from < (int64_t)part.len ? part.ptr[from] - '0' : 0);
	}
	return value;
}

static struct hf_str take_decimals(struct hf_str *rest)
{
	struct hf_str taken = {rest->ptr, 0};
	while (taken.len < rest->len && rest->ptr[taken.len] >= '0' && rest->ptr[taken.len] <= '9')
		taken.len++;
	*rest = (struct hf_str){rest->ptr + taken.len, rest->len - taken.len};
	return taken;
}

static bool read_decimal(struct hf_str text, struct decimal *ret_decimal)
{
	ret_decimal->whole = take_decimals(&text);
	ret_decimal->fraction = (struct hf_str){text.ptr, 0};
	if (text.len > 0 && text.ptr[0] == '.') {
		text = (struct hf_str){text.ptr + 1, text.len - 1};
		ret_decimal->fraction = take_decimals(&text);
	}
	return text.len == 0 && ret_decimal->whole.len + ret_decimal->fraction.len > 0 &&
	       ret_decimal->whole.len <= NUMERIC_WHOLE_MAX && ret_decimal->fraction.len <= NUMERIC_DSCALE_MAX;
}

static bool read_special(struct hf_str text, struct hf_numeric *ret_numeric)
{
	static const struct {
		const char *word;
		uint16_t sign;
	} words[] = {{"NaN", NUMERIC_NAN}, {"Infinity", NUMERIC_INFINITY}, {"-Infinity", NUMERIC_MINUS_INFINITY}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == text.len && memcmp(words[i].word, text.ptr, text.len) == 0) {
			*ret_numeric = (struct hf_numeric){.sign = words[i].sign};
			return true;
		}
	}
	return false;
}

static void put_digits(const struct decimal *decimal, int64_t first, int64_t end, uint8_t *digits)
{
	for (int64_t at = first; at < end; at++) {
		int value = group_at(decimal, at);
		*digits++ = (uint8_t)(value >> 8);
		*digits++ = (uint8_t)value;
	}
}

enum hf_status hf_numeric_from_text(struct hf_str text, uint8_t *digits, size_t size, struct hf_numeric *ret_numeric)
{
	struct decimal decimal;
	if (text.len > 0 && read_special(text, ret_numeric))
		return HF_OK;
	bool negative = text.len > 0 && text.ptr[0] == '-';
	if (negative)
		text = (struct hf_str){text.ptr + 1, text.len - 1};
	if (text.len == 0 || !read_decimal(text, &decimal))
		return HF_REJECTED;
	int64_t first = -((int64_t)decimal.whole.len + 3) / 4, end = ((int64_t)decimal.fraction.len + 3) / 4;
	while (first < end && group_at(&decimal, first) == 0)
		first++;
	while (first < end && group_at(&decimal, end - 1) == 0)
		end--;
	if (size / 2 < (size_t)(end - first))
		return HF_E_LIMIT;
	put_digits(&decimal, first, end, digits);
	*ret_numeric = (struct hf_numeric){.digits = digits,
	                                   .ndigits = (uint16_t)(end - first),
	                                   .weight = first < end ? (int16_t)(-first - 1) : 0,
	                                   .sign = negative && first < end ? NUMERIC_NEGATIVE : 0,
	                                   .dscale = (uint16_t)decimal.fraction.len};
	return HF_OK;
}

static bool is_zero_from(const struct hf_numeric *numeric, int first)
{
	for (int i = first > 0 ? first : 0; i < numeric->ndigits; i++)
		if (group(numeric, i) != 0)
			return false;
	return true;
}

enum hf_status hf_numeric_to_i64(const struct hf_numeric *numeric, int64_t *ret_value)
{
	int64_t value = 0;
	if (special(numeric))
		return HF_REJECTED;
	if (!is_zero_from(numeric, numeric->weight + 1))
		return HF_REJECTED;
	bool negative = numeric->sign == NUMERIC_NEGATIVE;
	for (int i = 0; i <= numeric->weight && numeric->ndigits > 0; i++) {
		int digits = negative ? -group(numeric, i) : group(numeric, i);
		if (__builtin_mul_overflow(value, 10000, &value) || __builtin_add_overflow(value, digits, &value))
			return HF_REJECTED;
	}
	*ret_value = value;
	return HF_OK;
}

double hf_numeric_to_double(const struct hf_numeric *numeric)
{
	char text[4 * DOUBLE_DIGITS_MAX + 32];
	struct writer writer = {text, 0, sizeof(text), false};
	int used = numeric->ndigits < DOUBLE_DIGITS_MAX ? numeric->ndigits : DOUBLE_DIGITS_MAX;
	if (numeric->sign == NUMERIC_NAN)
		return (double)NAN;
	if (special(numeric))
		return numeric->sign == NUMERIC_INFINITY ? (double)INFINITY : -(double)INFINITY;
	put_text(&writer, numeric->sign == NUMERIC_NEGATIVE ? "-0" : "0");
	for (int i = 0; i < used; i++)
		put_group(&writer, group(numeric, i), 4);
	put(&writer, is_zero_from(numeric, used) ? '0' : '1'); /* what is left out may decide a tie */
	char exponent[16]; /* digits and exponent only: a decimal point would depend on the locale */
	snprintf(exponent, sizeof(exponent), "e%d", 4 * (numeric->weight + 1 - used) - 1);
	put_text(&writer, exponent);
	text[writer.len] = '\0';
	return strtod(text, NULL);
}

/* ---- uuid ---- */

static bool has_dash(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void hf_uuid_to_text(const struct hf_uuid *uuid, char ret_text[HF_UUID_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (has_dash(i))
			*ret_text++ = '-';
		*ret_text++ = hex[uuid->bytes[i] >> 4];
		*ret_text++ = hex[uuid->bytes[i] & 15];
	}
	*ret_text = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum hf_status hf_uuid_from_text(struct hf_str text, struct hf_uuid *ret_uuid)
{
	struct hf_uuid uuid;
	const char *at = text.ptr;
	if (text.len != HF_UUID_TEXT_MAX - 1)
		return HF_REJECTED;
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		if (has_dash(i) && *at++ != '-')
			return HF_REJECTED;
		int high = hex_value(at[0]), low = hex_value(at[1]);
		if (high < 0 || low < 0)
			return HF_REJECTED;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*ret_uuid = uuid;
	return HF_OK;
}

/* ---- inet ---- */

enum hf_status hf_inet_to_text(const struct hf_inet *inet, char ret_text[HF_INET_TEXT_MAX])
{
	const int family = inet->family == 4 ? AF_INET : AF_INET6, bits_max = inet->family == 4 ? 32 : 128;
	char text[HF_INET_TEXT_MAX];
	if ((inet->family != 4 && inet->family != 6) || !inet_ntop(family, inet->addr, text, sizeof(text)))
		return HF_REJECTED;
	if (inet->bits == bits_max && !inet->is_cidr)
		snprintf(ret_text, HF_INET_TEXT_MAX, "%s", text);
	else
		snprintf(ret_text, HF_INET_TEXT_MAX, "%.45s/%u", text, inet->bits);
	return HF_OK;
}
