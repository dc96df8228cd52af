/*
 * str.c - views and the growing buffer of str.h.
 */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(struct hf_str a, struct hf_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int str_cmp(struct hf_str a, struct hf_str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
	if (order != 0)
		return order < 0 ? -1 : 1;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool str_starts(struct hf_str text, struct hf_str prefix)
{
	return text.len >= prefix.len && str_eq((struct hf_str){text.ptr, prefix.len}, prefix);
}

bool str_ends(struct hf_str text, struct hf_str suffix)
{
	return text.len >= suffix.len &&
	       str_eq((struct hf_str){text.ptr + (text.len - suffix.len), suffix.len}, suffix);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct hf_str str_trim(struct hf_str text)
{
	while (text.len > 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

ptrdiff_t str_find(struct hf_str text, char c)
{
	const char *found = text.len ? memchr(text.ptr, c, text.len) : NULL;
	return found ? found - text.ptr : -1;
}

ptrdiff_t str_find_str(struct hf_str text, struct hf_str needle)
{
	const char *found = text.len ? memmem(text.ptr, text.len, needle.ptr, needle.len) : NULL;
	return found ? found - text.ptr : -1;
}

bool str_split(struct hf_str *rest, char separator, struct hf_str *ret_piece)
{
	if (!rest->ptr)
		return false;
	ptrdiff_t at = str_find(*rest, separator);
	if (at < 0) {
		*ret_piece = *rest;
		*rest = (struct hf_str){NULL, 0};
		return true;
	}
	*ret_piece = (struct hf_str){rest->ptr, (size_t)at};
	rest->ptr += at + 1;
	rest->len -= (size_t)at + 1;
	return true;
}

bool str_to_i64(struct hf_str text, int64_t *ret_value)
{
	size_t i = 0;
	bool negative = text.len > 0 && text.ptr[0] == '-';
	if (negative || (text.len > 0 && text.ptr[0] == '+'))
		i++;
	if (i == text.len)
		return false;
	int64_t value = 0;
	for (; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		int digit = text.ptr[i] - '0';
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*ret_value = negative ? value : -value;
	return true;
}

size_t str_utf8_sequence(struct hf_str text)
{
	const uint8_t *p = (const uint8_t *)text.ptr;
	if (text.len == 0)
		return 0;
	if (p[0] < 0x80)
		return p[0] == 0 ? 0 : 1;
	size_t n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	if (n == 0 || n > text.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool surrogate = p[0] == 0xed && p[1] > 0x9f;
	bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : n;
}

bool str_is_utf8(struct hf_str text, size_t *ret_bad)
{
	size_t i = 0;
	while (i < text.len) {
		size_t n = str_utf8_sequence((struct hf_str){text.ptr + i, text.len - i});
		if (n == 0) {
			if (ret_bad)
				*ret_bad = i;
			return false;
		}
		i += n;
	}
	return true;
}

HOT void buf_init(struct buf *buf, size_t size_bytes_max)
{
	*buf = (struct buf){.max = size_bytes_max};
}

HOT void buf_deinit(struct buf *buf)
{
	free(buf->ptr);
	*buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = buf->starved = false;
	if (buf->ptr)
		buf->ptr[0] = '\0';
}

/* Room for `more` bytes and a NUL; sets the sticky failure otherwise. */
static bool buf_reserve(struct buf *buf, size_t more)
{
	size_t needed;
	if (buf->failed)
		return false;
	if (__builtin_add_overflow(buf->len, more, &needed) || needed > buf->max || needed == SIZE_MAX) {
		buf->failed = true;
		return false;
	}
	if (needed + 1 <= buf->capacity)
		return true;
	size_t capacity = buf->capacity ? buf->capacity : 128;
	while (capacity < needed + 1)
		capacity = capacity > SIZE_MAX / 2 ? needed + 1 : capacity * 2;
	char *grown = realloc(buf->ptr, capacity);
	if (!grown) {
		buf->failed = buf->starved = true;
		return false;
	}
	buf->ptr = grown;
	buf->capacity = capacity;
	return true;
}

void buf_add(struct buf *buf, struct hf_str text)
{
	if (!buf_reserve(buf, text.len))
		return;
	if (text.len > 0)
		memcpy(buf->ptr + buf->len, text.ptr, text.len);
	buf->len += text.len;
	buf->ptr[buf->len] = '\0';
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, (struct hf_str){&c, 1});
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, hf_str_of(text));
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	if (n < 0)
		buf->failed = true;
	else if (buf_reserve(buf, (size_t)n)) {
		vsnprintf(buf->ptr + buf->len, (size_t)n + 1, format, again);
		buf->len += (size_t)n;
	}
	va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

struct hf_str buf_str(const struct buf *buf)
{
	return buf->ptr ? (struct hf_str){buf->ptr, buf->len} : HF_STR("");
}
