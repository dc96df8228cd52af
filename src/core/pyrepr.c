/*
 * pyrepr.c - see pyrepr.h.
 */
#include "core/pyrepr.h"

#include <inttypes.h>

#include "base/macros.h"

static const struct {
	uint32_t first, last;
} unprintable[] = {{0x00, 0x1f},     {0x7f, 0xa0},     {0xad, 0xad},       {0x1680, 0x1680},   {0x2000, 0x200f},
                   {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
                   {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};

static bool is_printable(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(unprintable); i++)
		if (code >= unprintable[i].first && code <= unprintable[i].last)
			return false;
	return true;
}

static uint32_t code_of(struct hf_str sequence)
{
	static const uint8_t mask[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = (uint8_t)sequence.ptr[0] & mask[sequence.len];
	for (size_t i = 1; i < sequence.len; i++)
		code = code << 6 | ((uint8_t)sequence.ptr[i] & 0x3f);
	return code;
}

static void add_escaped(struct buf *out, uint32_t code)
{
	if (code == '\n' || code == '\r' || code == '\t')
		buf_add_text(out, code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t");
	else if (code <= 0xff)
		buf_printf(out, "\\x%02" PRIx32, code);
	else if (code <= 0xffff)
		buf_printf(out, "\\u%04" PRIx32, code);
	else
		buf_printf(out, "\\U%08" PRIx32, code);
}

void pyrepr_add(struct buf *out, struct hf_str text)
{
	char quote = str_find(text, '\'') >= 0 && str_find(text, '"') < 0 ? '"' : '\'';
	buf_add_char(out, quote);
	for (size_t at = 0; at < text.len;) {
		struct hf_str rest = {text.ptr + at, text.len - at};
		size_t length = str_utf8_sequence(rest);
		struct hf_str sequence = {rest.ptr, length > 0 ? length : 1};
		uint32_t code = code_of(sequence);
		if (code == '\\' || code == (uint32_t)quote)
			buf_add_char(out, '\\');
		if (is_printable(code))
			buf_add(out, sequence);
		else
			add_escaped(out, code);
		at += sequence.len;
	}
	buf_add_char(out, quote);
}
