/*
 * json.c - the streaming writer of json.h. Small pieces gather in the struct's buffer; long texts pass it by.
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

void jw_init(struct json_writer *json, json_sink *sink, void *user)
{
	json->sink = sink;
	json->user = user;
	json->depth = 0;
	json->failed = false;
	json->after_key = false;
	json->lines = false;
	json->level[0].kind = 0;
	json->level[0].filled = false;
	json->pending = 0;
}

bool jw_into_buf(void *user, const char *bytes, size_t n)
{
	struct buf *buf = user;
	buf_add(buf, (struct hf_str){bytes, n});
	return buf_ok(buf);
}

bool jw_flush(struct json_writer *json)
{
	if (!json->failed && json->pending > 0 && !json->sink(json->user, json->buffer, json->pending))
		json->failed = true;
	json->pending = 0;
	return !json->failed;
}

static void put(struct json_writer *json, const char *bytes, size_t n)
{
	if (json->failed)
		return;
	if (n > sizeof(json->buffer) - json->pending)
		jw_flush(json);
	if (n > sizeof(json->buffer)) {
		if (!json->failed && !json->sink(json->user, bytes, n))
			json->failed = true;
		return;
	}
	if (n > 0)
		memcpy(json->buffer + json->pending, bytes, n);
	json->pending += n;
}

static void put_char(struct json_writer *json, char c)
{
	put(json, &c, 1);
}

/* What stands between the previous value and this one. */
static void open_value(struct json_writer *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	ASSERT(json->level[json->depth].kind != '{');
	ASSERT(json->depth > 0 || !json->level[0].filled);
	if (json->level[json->depth].filled)
		put(json, ",\n", json->lines && json->depth == 1 ? 2 : 1);
	json->level[json->depth].filled = true;
}

static void begin(struct json_writer *json, char kind)
{
	open_value(json);
	ASSERT(json->depth < JSON_DEPTH_MAX);
	json->depth++;
	json->level[json->depth].kind = kind;
	json->level[json->depth].filled = false;
	put_char(json, kind);
}

static void end(struct json_writer *json, char kind)
{
	ASSERT(json->depth > 0 && json->level[json->depth].kind == kind && !json->after_key);
	json->depth--;
	put_char(json, kind == '{' ? '}' : ']');
}

void jw_object_begin(struct json_writer *json)
{
	begin(json, '{');
}

void jw_object_end(struct json_writer *json)
{
	end(json, '{');
}

void jw_array_begin(struct json_writer *json)
{
	begin(json, '[');
}

void jw_array_end(struct json_writer *json)
{
	end(json, '[');
}

static void put_escape(struct json_writer *json, uint8_t c)
{
	static const char shorthand[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	for (size_t i = 0; i < sizeof(shorthand) - 1; i += 2)
		if ((uint8_t)shorthand[i] == c) {
			char pair[2] = {'\\', shorthand[i + 1]};
			put(json, pair, 2);
			return;
		}
	char code[8];
	int n = snprintf(code, sizeof(code), "\\u%04x", c);
	put(json, code, (size_t)n);
}

/* Copy the longest run that needs no escape, then treat the one byte that ended it. */
static void put_quoted(struct json_writer *json, struct hf_str text)
{
	put_char(json, '"');
	while (text.len > 0) {
		size_t run = 0, n;
		while (run < text.len && (n = str_utf8_sequence((struct hf_str){text.ptr + run, text.len - run})) > 0 &&
		       (uint8_t)text.ptr[run] >= 0x20 && text.ptr[run] != '"' && text.ptr[run] != '\\')
			run += n;
		put(json, text.ptr, run);
		if (run < text.len) {
			uint8_t c = (uint8_t)text.ptr[run];
			if (c < 0x80)
				put_escape(json, c);
			else
				put(json, "\xef\xbf\xbd", 3);
			run++;
		}
		text.ptr += run;
		text.len -= run;
	}
	put_char(json, '"');
}

void jw_key(struct json_writer *json, const char *name)
{
	ASSERT(json->level[json->depth].kind == '{' && !json->after_key);
	if (json->level[json->depth].filled)
		put_char(json, ',');
	json->level[json->depth].filled = true;
	put_quoted(json, hf_str_of(name));
	put_char(json, ':');
	json->after_key = true;
}

void jw_text(struct json_writer *json, struct hf_str text)
{
	open_value(json);
	put_quoted(json, text);
}

void jw_int(struct json_writer *json, int64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)number);
	open_value(json);
	put(json, text, (size_t)n);
}

/* Any character that is no part of a number is the locale's decimal point. */
static void use_decimal_point(char *text)
{
	for (; *text; text++)
		if (!strchr("0123456789+-e", *text))
			*text = '.';
}

size_t json_format_double(double number, char ret_text[JSON_DOUBLE_SIZE])
{
	/* 15 digits always survive text -> double -> text, 17 always the other way; subnormals may need fewer. */
	int n = 0;
	for (int digits = fabs(number) < 2.2250738585072014e-308 ? 1 : 15; digits <= 17; digits++) {
		n = snprintf(ret_text, JSON_DOUBLE_SIZE, "%.*g", digits, number);
		double back = strtod(ret_text, NULL);
		if (memcmp(&back, &number, sizeof(back)) == 0)
			break;
	}
	use_decimal_point(ret_text);
	return (size_t)n;
}

void jw_double(struct json_writer *json, double number)
{
	char text[JSON_DOUBLE_SIZE];
	if (!isfinite(number)) {
		jw_null(json);
		return;
	}
	size_t n = json_format_double(number, text);
	open_value(json);
	put(json, text, n);
}

void jw_bool(struct json_writer *json, bool value)
{
	jw_raw(json, value ? HF_STR("true") : HF_STR("false"));
}

void jw_null(struct json_writer *json)
{
	jw_raw(json, HF_STR("null"));
}

void jw_raw(struct json_writer *json, struct hf_str text)
{
	open_value(json);
	put(json, text.ptr, text.len);
}

void jw_lines(struct json_writer *json)
{
	json->lines = true;
}

bool jw_finish(struct json_writer *json)
{
	ASSERT(json->failed || (json->depth == 0 && json->level[0].filled));
	return jw_flush(json);
}

unsigned json_levels(struct hf_str text)
{
	unsigned depth = 0, deepest = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return deepest;
}
