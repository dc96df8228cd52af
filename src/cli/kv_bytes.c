/*
 * kv_bytes.c - keys and values as text: what people type and read, what programs read. Pure but for the arena.
 *
 * Each form can be read back. auto shows printable UTF-8 as it is and anything else as "\x" and hexadecimal digits, as
 * PostgreSQL shows bytea; text that itself begins with "\x" is shown in digits too.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/kv.h"
#include "holdfast/values.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum kv_encoding kv_encoding(const struct cli *cli)
{
	return (enum kv_encoding)cli_int(cli, "encoding", KV_AUTO);
}

/* ---- reading ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(struct hf_str text, uint8_t *bytes, size_t *ret_len)
{
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	*ret_len = text.len / 2;
	return text.len % 2 == 0;
}

enum hf_status kv_how(struct cli *cli, struct kv_how *ret_how, hf_error *err)
{
	const char *text = cli_text(cli, "token");
	struct hf_str digits = hf_str_of(text ? text : "");
	struct hf_uuid *token = &ret_how->token;
	size_t len = 0;
	*ret_how = (struct kv_how){.how = {.deadline = cli->deadline, .ret_repeated = &ret_how->repeated}};
	bool is_one = digits.len == 2 * sizeof(token->bytes) && from_hex(digits, token->bytes, &len);
	if (text && !is_one && hf_uuid_from_text(digits, token) != HF_OK)
		return error_set(err, HF_E_USAGE, "--token takes 32 hexadecimal digits, not \"%s\"", text);
	ret_how->how.token = text ? token : NULL;
	return HF_OK;
}

/* RFC 4648, padded, nothing else between. */
static bool from_base64(struct hf_str text, uint8_t *bytes, size_t *ret_len)
{
	size_t n = 0, padding = 0;
	uint32_t group = 0;
	if (text.len % 4 != 0)
		return false;
	while (padding < 2 && text.len > padding && text.ptr[text.len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.len; i++) {
		bool pad = i >= text.len - padding;
		const char *digit = pad ? base64_digits : text.ptr[i] ? strchr(base64_digits, text.ptr[i]) : NULL;
		if (!digit)
			return false;
		group = group << 6 | (uint32_t)(digit - base64_digits);
		for (int shift = 16; i % 4 == 3 && shift >= 0; shift -= 8)
			bytes[n++] = (uint8_t)(group >> shift);
	}
	*ret_len = n - padding;
	return true;
}

static enum hf_status decode(hf_arena *arena, const char *what, struct hf_str text, bool hex,
                             struct hf_bytes *ret_bytes, hf_error *err)
{
	uint8_t *bytes = hf_arena_alloc(arena, text.len + 1);
	size_t len;
	if (!bytes)
		return error_nomem(err);
	if (!(hex ? from_hex(text, bytes, &len) : from_base64(text, bytes, &len)))
		return error_set(err, HF_E_USAGE, "%s is not %s: \"%.*s\"", what, hex ? "hexadecimal" : "base64",
		                 (int)(text.len < 60 ? text.len : 60), text.ptr);
	*ret_bytes = (struct hf_bytes){bytes, len};
	return HF_OK;
}

enum hf_status kv_bytes_of(hf_arena *arena, const char *what, struct hf_str text, enum kv_encoding encoding,
                           struct hf_bytes *ret_bytes, hf_error *err)
{
	*ret_bytes = (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
	switch (encoding) {
	case KV_AUTO:
		if (!str_starts(text, HF_STR("\\x")))
			return HF_OK;
		text.ptr += 2, text.len -= 2;
		return decode(arena, what, text, true, ret_bytes, err);
	case KV_UTF8:
		return str_is_utf8(text, NULL) ? HF_OK : error_set(err, HF_E_USAGE, "%s is not UTF-8", what);
	case KV_HEX:
		return decode(arena, what, text, true, ret_bytes, err);
	case KV_BASE64:
		return decode(arena, what, text, false, ret_bytes, err);
	case KV_RAW:
		break;
	}
	return HF_OK;
}

enum hf_status kv_key(struct cli *cli, size_t argument, struct hf_bytes *ret_key, hf_error *err)
{
	return kv_bytes_of(cli->arena, "KEY", hf_str_of(cli_arg(cli, argument)), kv_encoding(cli), ret_key, err);
}

/* ---- writing ---- */

/* UTF-8 that a terminal can show: line feeds and tabs, no other control characters. */
static bool is_plain(struct hf_str text)
{
	if (!str_is_utf8(text, NULL) || str_starts(text, HF_STR("\\x")))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.ptr[i];
		bool c1 = c == 0xc2 && i + 1 < text.len && (uint8_t)text.ptr[i + 1] < 0xa0;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c1)
			return false;
	}
	return true;
}

static void add_hex(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		buf_add_char(buf, "0123456789abcdef"[(uint8_t)text.ptr[i] >> 4]);
		buf_add_char(buf, "0123456789abcdef"[(uint8_t)text.ptr[i] & 15]);
	}
}

static void add_base64(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i += 3) {
		size_t left = text.len - i;
		uint32_t group = (uint32_t)(uint8_t)text.ptr[i] << 16;
		group |= left > 1 ? (uint32_t)(uint8_t)text.ptr[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)(uint8_t)text.ptr[i + 2] : 0;
		buf_add_char(buf, base64_digits[group >> 18]);
		buf_add_char(buf, base64_digits[group >> 12 & 63]);
		buf_add_char(buf, left > 1 ? base64_digits[group >> 6 & 63] : '=');
		buf_add_char(buf, left > 2 ? base64_digits[group & 63] : '=');
	}
}

static void add_plain(struct buf *buf, struct hf_str text, enum kv_encoding encoding)
{
	bool digits = encoding == KV_HEX || (encoding == KV_AUTO && !is_plain(text));
	if (encoding == KV_AUTO && digits)
		buf_add_text(buf, "\\x");
	if (digits)
		add_hex(buf, text);
	else if (encoding == KV_BASE64)
		add_base64(buf, text);
	else
		buf_add(buf, text);
}

static void add_json(struct buf *buf, struct hf_str text, enum kv_encoding encoding)
{
	struct json_writer json;
	bool utf8 = encoding == KV_UTF8 || (encoding != KV_HEX && encoding != KV_BASE64 && str_is_utf8(text, NULL));
	if (utf8) {
		jw_init(&json, jw_into_buf, buf);
		jw_object_begin(&json);
		jw_key(&json, "utf8");
		jw_text(&json, text);
		jw_object_end(&json);
		jw_finish(&json);
		return;
	}
	buf_add_text(buf, encoding == KV_HEX ? "{\"hex\":\"" : "{\"base64\":\"");
	if (encoding == KV_HEX)
		add_hex(buf, text);
	else
		add_base64(buf, text);
	buf_add_text(buf, "\"}");
}

enum hf_status kv_cell(struct cli *cli, struct hf_bytes bytes, hf_arena *arena, struct cell *ret_cell, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	enum kv_encoding encoding = kv_encoding(cli);
	struct hf_str text = {bytes.ptr ? (const char *)bytes.ptr : "", bytes.len};
	buf_init(&buf, (size_t)HF_KV_VALUE_BYTES_MAX * 7);
	if (encoding == KV_UTF8 && !str_is_utf8(text, NULL)) {
		error_set(err, HF_E_INPUT, "these bytes are not UTF-8");
		error_hint(err, "see them   --encoding hex, base64 or raw");
		return HF_E_INPUT;
	}
	if (out_is_json(cli->out))
		add_json(&buf, text, encoding);
	else
		add_plain(&buf, text, encoding);
	struct hf_str copy = buf_ok(&buf) ? hf_arena_str(arena, buf_str(&buf)) : (struct hf_str){NULL, 0};
	*ret_cell = cell_json(copy);
	return copy.ptr ? HF_OK : error_nomem(err);
}

struct cell kv_cell_time(int64_t us)
{
	const int64_t to_2000_us = INT64_C(946684800000000);
	return us == HF_KV_NEVER ? cell_null() : cell_time(us - to_2000_us);
}

/* ---- entries ---- */

const struct column kv_entry_columns[KV_ENTRY_COLUMNS + 1] = {
	{"key", COLUMN_JSON, NULL, "{\"utf8\": text} or {\"base64\": text}"},
	{"value", COLUMN_JSON, NULL, "likewise"},
	{"rev", COLUMN_INT, NULL, "what --if-rev compares with; grows with each write"},
	{"created", COLUMN_TIME, "", NULL},
	{"updated", COLUMN_TIME, NULL, NULL},
	{"expires", COLUMN_TIME, NULL, "null: never"},
	{"metadata", COLUMN_JSON, NULL, "null: none"},
	{0},
};

enum hf_status kv_entry_cells(struct cli *cli, const struct hf_kv_entry *entry, hf_arena *arena, struct cell *ret_cells,
                              hf_error *err)
{
	enum hf_status status = kv_cell(cli, entry->key, arena, &ret_cells[0], err);
	if (status == HF_OK)
		status = kv_cell(cli, entry->value, arena, &ret_cells[1], err);
	ret_cells[2] = cell_int(entry->rev);
	ret_cells[3] = kv_cell_time(entry->created_us);
	ret_cells[4] = kv_cell_time(entry->updated_us);
	ret_cells[5] = kv_cell_time(entry->expires_us);
	ret_cells[6] = cell_json(entry->metadata);
	return status;
}
