/*
 * cells.c - one value in the forms in which it is printed. Pure, except that local times ask the C library's zone.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/quantity.h"
#include "cli/output.h"

enum { SECONDS_1970_TO_2000 = 946684800 };

/* ---- text on a terminal ---- */

static uint32_t decode_utf8(const char *p, size_t n)
{
	static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (uint8_t)p[0] & mask[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)p[i] & 0x3f);
	return c;
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Blocks of combining and of wide characters (Unicode 15, UAX 11), coarse: for aligning columns. */
static size_t character_width(uint32_t c)
{
	static const struct range none[] = {
		{0x300, 0x36f},	  {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e},
		{0x2060, 0x2064}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
	};
	static const struct range wide[] = {
		{0x1100, 0x115f},   {0x2e80, 0x303e},	{0x3041, 0xa4cf},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe30, 0xfe6f},	{0xff00, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};
	if (c < 0x300)
		return 1;
	return in_ranges(c, none, ARRAY_LEN(none)) ? 0 : in_ranges(c, wide, ARRAY_LEN(wide)) ? 2 : 1;
}

/* C0, DEL, C1 and what reverses the direction of text. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void text_safe(struct buf *buf, struct hf_str text)
{
	while (text.len > 0) {
		size_t n = str_utf8_sequence(text);
		if (n > 0 && !is_control(decode_utf8(text.ptr, n))) {
			buf_add(buf, (struct hf_str){text.ptr, n});
		} else if (text.ptr[0] == '\t' || text.ptr[0] == '\n') {
			buf_add_text(buf, text.ptr[0] == '\t' ? "\\t" : "\\n");
			n = 1;
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				buf_printf(buf, "\\x%02x", (uint8_t)text.ptr[i]);
		}
		text.ptr += n;
		text.len -= n;
	}
}

size_t text_width(struct hf_str text)
{
	size_t width = 0;
	while (text.len > 0) {
		size_t n = str_utf8_sequence(text);
		width += n ? character_width(decode_utf8(text.ptr, n)) : 1;
		n = n ? n : 1;
		text.ptr += n;
		text.len -= n;
	}
	return width;
}

/* ---- times ---- */

static bool time_infinity(struct buf *buf, int64_t us)
{
	if (us != INT64_MIN && us != INT64_MAX)
		return false;
	buf_add_text(buf, us < 0 ? "-infinity" : "infinity");
	return true;
}

static void split_time(int64_t us, time_t *ret_seconds, long *ret_us)
{
	int64_t seconds = us / 1000000, rest = us % 1000000;
	if (rest < 0) {
		rest += 1000000;
		seconds--;
	}
	*ret_seconds = (time_t)(seconds + SECONDS_1970_TO_2000);
	*ret_us = (long)rest;
}

static void add_time(struct buf *buf, int64_t us, bool local, bool fraction, char between, const char *zone)
{
	time_t seconds;
	long rest;
	struct tm tm;
	char offset[8] = "";
	if (time_infinity(buf, us))
		return;
	split_time(us, &seconds, &rest);
	if (local)
		localtime_r(&seconds, &tm);
	else
		gmtime_r(&seconds, &tm);
	buf_printf(buf, "%04d-%02d-%02d%c%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, between,
		   tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fraction)
		buf_printf(buf, ".%06ld", rest);
	if (local && strftime(offset, sizeof(offset), "%z", &tm) > 0)
		zone = offset;
	buf_add_text(buf, zone);
}

/* ---- durations for people ---- */

/* Two units at most: 15us, 15ms, 15s, 1m 30s, 17h 8m, 12d 3h. */
static void add_duration(struct buf *buf, double seconds)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
	if (!(fabs(seconds) < 9e15)) {
		buf_printf(buf, "%gs", seconds);
		return;
	}
	if (seconds < 0)
		buf_add_char(buf, '-');
	seconds = fabs(seconds);
	if (seconds > 0 && seconds < 0.0009995) {
		buf_printf(buf, "%.0fus", seconds * 1e6);
		return;
	}
	if (seconds > 0 && seconds < 9.95) {
		buf_printf(buf, seconds < 0.9995 ? "%.0fms" : "%.1fs", seconds < 0.9995 ? seconds * 1000 : seconds);
		return;
	}
	int64_t left = (int64_t)(seconds + 0.5);
	size_t i = 0;
	while (i < 3 && left < units[i].seconds)
		i++;
	buf_printf(buf, "%lld%s", (long long)(left / units[i].seconds), units[i].unit);
	left %= units[i].seconds;
	if (i < 3 && left / units[i + 1].seconds > 0)
		buf_printf(buf, " %lld%s", (long long)(left / units[i + 1].seconds), units[i + 1].unit);
}

static void add_double(struct buf *buf, double number)
{
	char text[JSON_DOUBLE_SIZE];
	if (!isfinite(number)) {
		buf_add_text(buf, isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity");
		return;
	}
	buf_add(buf, (struct hf_str){text, json_format_double(number, text)});
}

void cell_show(struct buf *buf, const struct cell *cell, const struct out_options *options)
{
	if (cell->null)
		return;
	switch (cell->kind) {
	case COLUMN_BOOL:
		buf_add_text(buf, cell->as.i ? "yes" : "no");
		return;
	case COLUMN_NUMBER:
		if (options->exact || !isfinite(cell->as.f))
			add_double(buf, cell->as.f);
		else
			buf_printf(buf, fabs(cell->as.f) < 1e15 ? "%.3f" : "%g", cell->as.f);
		return;
	case COLUMN_TIME:
		add_time(buf, cell->as.i, options->local_time, options->exact, ' ', "Z");
		return;
	case COLUMN_DURATION:
		if (options->exact) {
			add_double(buf, cell->as.f);
			buf_add_char(buf, 's');
		} else {
			add_duration(buf, cell->as.f);
		}
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMERIC:
	case COLUMN_JSON:
		text_safe(buf, cell->as.s);
		return;
	case COLUMN_INT:
		cell_plain(buf, cell);
		return;
	}
}

void cell_plain(struct buf *buf, const struct cell *cell)
{
	if (cell->null)
		return;
	switch (cell->kind) {
	case COLUMN_INT:
		buf_printf(buf, "%lld", (long long)cell->as.i);
		return;
	case COLUMN_BOOL:
		buf_add_text(buf, cell->as.i ? "true" : "false");
		return;
	case COLUMN_NUMBER:
	case COLUMN_DURATION:
		add_double(buf, cell->as.f);
		return;
	case COLUMN_TIME:
		add_time(buf, cell->as.i, false, true, 'T', "Z");
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMERIC:
	case COLUMN_JSON:
		buf_add(buf, cell->as.s);
		return;
	}
}

static void time_to_json(struct json_writer *json, const struct cell *cell)
{
	struct buf text;
	buf_init(&text, 64);
	cell_plain(&text, cell);
	jw_text(json, buf_str(&text));
	buf_deinit(&text);
}

void cell_to_json(struct json_writer *json, const struct cell *cell)
{
	if (cell->null) {
		jw_null(json);
		return;
	}
	switch (cell->kind) {
	case COLUMN_INT:
		jw_int(json, cell->as.i);
		return;
	case COLUMN_BOOL:
		jw_bool(json, cell->as.i != 0);
		return;
	case COLUMN_NUMBER:
	case COLUMN_DURATION:
		jw_double(json, cell->as.f);
		return;
	case COLUMN_TIME:
		time_to_json(json, cell);
		return;
	case COLUMN_JSON:
		jw_raw(json, cell->as.s);
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMERIC:
		jw_text(json, cell->as.s);
		return;
	}
}
