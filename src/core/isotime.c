/*
 * isotime.c - see isotime.h. A cursor over the text; each step takes what it expects or fails.
 */
#include "core/isotime.h"

#include "holdfast/values.h"

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *cursor, const char *any_of)
{
	for (; *any_of; any_of++)
		if (cursor->at < cursor->end && *cursor->at == *any_of) {
			cursor->at++;
			return true;
		}
	return false;
}

static bool take_number(struct cursor *cursor, int digits, int32_t *ret_number)
{
	int32_t number = 0;
	for (int i = 0; i < digits; i++, cursor->at++) {
		if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
			return false;
		number = number * 10 + (*cursor->at - '0');
	}
	*ret_number = number;
	return true;
}

static bool take_fraction(struct cursor *cursor, int32_t *ret_microsecond)
{
	int32_t number = 0, digits = 0, digit;
	for (; take_number(cursor, 1, &digit); digits++)
		if (digits < 6)
			number = number * 10 + digit;
	if (digits == 0)
		return false;
	for (; digits < 6; digits++)
		number *= 10;
	*ret_microsecond = number;
	return true;
}

static bool take_time(struct cursor *cursor, struct hf_civil *civil)
{
	if (!take_number(cursor, 2, &civil->hour))
		return false;
	if (!take(cursor, ":"))
		return true;
	if (!take_number(cursor, 2, &civil->minute))
		return false;
	if (!take(cursor, ":"))
		return true;
	if (!take_number(cursor, 2, &civil->second))
		return false;
	return !take(cursor, ".,") || take_fraction(cursor, &civil->microsecond);
}

/* "Z", "+01", "+0130", "+01:30", "+01:30:15" */
static bool take_zone(struct cursor *cursor)
{
	int32_t ignored;
	if (take(cursor, "Zz"))
		return true;
	if (!take(cursor, "+-") || !take_number(cursor, 2, &ignored))
		return false;
	for (int i = 0; i < 2 && cursor->at < cursor->end; i++) {
		take(cursor, ":");
		if (!take_number(cursor, 2, &ignored))
			return false;
	}
	return true;
}

enum isotime_fault isotime_parse(struct hf_str text, struct hf_timestamp *ret_time)
{
	struct cursor cursor = {text.ptr, text.ptr + text.len};
	struct hf_civil civil = {0};
	struct hf_timestamp time;
	bool zoned = false;
	bool fine = take_number(&cursor, 4, &civil.year) && take(&cursor, "-") &&
	            take_number(&cursor, 2, &civil.month) && take(&cursor, "-") && take_number(&cursor, 2, &civil.day);
	if (fine && cursor.at < cursor.end) {
		cursor.at++; /* whatever separates them */
		fine = take_time(&cursor, &civil);
		zoned = fine && cursor.at < cursor.end;
		fine = fine && (!zoned || take_zone(&cursor)) && cursor.at == cursor.end;
	}
	if (!fine || civil.year < 1 || hf_timestamp_from_civil(&civil, &time) != HF_OK)
		return ISOTIME_MALFORMED;
	if (zoned)
		return ISOTIME_ZONED;
	*ret_time = time;
	return ISOTIME_FINE;
}
