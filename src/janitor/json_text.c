/*
 * json_text.c - see json_text.h.
 */
#include "janitor/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* ---- reading ---- */

enum hf_status json_text_parse(struct hf_str text, const char *what, json_t **ret_value, hf_error *err)
{
	return json_text_parse_at(text, what, NULL, ret_value, err);
}

static enum hf_status not_json(const char *what, const struct json_text_place *place, const json_error_t *error,
                               hf_error *err)
{
	long long line = error->line, column = error->column;
	if (place && line == 1)
		column += (long long)place->column - 1;
	line += place ? (long long)place->line - 1 : 0;
	const char *text = error->text;
	if (json_error_code(error) == json_error_null_character) /* jansson tells how a program could allow it */
		text = "\\u0000 cannot be stored in a text";
	return error_set(err, HF_E_INPUT, "%s:%lld:%lld: %.200s", what, line, column, text);
}

enum hf_status json_text_parse_at(struct hf_str text, const char *what, const struct json_text_place *place,
                                  json_t **ret_value, hf_error *err)
{
	const size_t flags = place && place->once ? JSON_REJECT_DUPLICATES | JSON_DECODE_ANY : 0;
	json_error_t error = {0}; /* jansson leaves the code alone when memory runs out early */
	if (text.len > JSON_TEXT_BYTES_MAX)
		return error_set(err, HF_E_LIMIT, "%s: %zu bytes, at most %zu are read", what, text.len,
		                 JSON_TEXT_BYTES_MAX);
	unsigned depth = json_levels(text);
	if (depth > JSON_TEXT_DEPTH_MAX)
		return error_set(err, HF_E_LIMIT, "%s: nested %u levels deep, at most %d are read", what, depth,
		                 JSON_TEXT_DEPTH_MAX);
	json_t *value = json_loadb(text.ptr ? text.ptr : "", text.len, flags, &error);
	if (!value && (json_error_code(&error) == json_error_out_of_memory || !error.text[0]))
		return error_nomem(err);
	if (!value)
		return not_json(what, place, &error, err);
	*ret_value = value;
	return HF_OK;
}

const char *json_text_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a truth value";
	case JSON_NULL:
	default:
		return "null";
	}
}

bool json_text_truthy(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) != 0.0;
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
	default:
		return false;
	}
}

/* ---- writing ---- */

static void add_unit(struct buf *out, uint32_t unit)
{
	buf_printf(out, "\\u%04" PRIx32, unit);
}

static void add_code_point(struct buf *out, uint32_t code)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = code && code < 0x80 ? strchr(escaped, (int)code) : NULL;
	if (at) {
		buf_add_char(out, '\\');
		buf_add_char(out, letters[at - escaped]);
	} else if (code >= 0x20 && code < 0x7f) {
		buf_add_char(out, (char)code);
	} else if (code >= 0x10000) { /* a surrogate pair */
		add_unit(out, 0xd800 + ((code - 0x10000) >> 10));
		add_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
	} else {
		add_unit(out, code);
	}
}

/* jansson lets well-formed UTF-8 in only. */
static uint32_t take_code_point(const char **at)
{
	const uint8_t *bytes = (const uint8_t *)*at;
	unsigned more = bytes[0] < 0x80 ? 0 : bytes[0] < 0xe0 ? 1 : bytes[0] < 0xf0 ? 2 : 3;
	static const uint8_t mask[] = {0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = bytes[0] & mask[more];
	for (unsigned i = 1; i <= more; i++)
		code = code << 6 | (bytes[i] & 0x3f);
	*at += more + 1;
	return code;
}

static void add_string(struct buf *out, const char *text, size_t len)
{
	buf_add_char(out, '"');
	for (const char *at = text; at < text + len;)
		add_code_point(out, take_code_point(&at));
	buf_add_char(out, '"');
}

/* A number as 0.DIGITS * 10 ^ point. */
struct decimal {
	char digits[JSON_DOUBLE_SIZE];
	int count;
	int point;
};

static struct decimal decimal_of(double magnitude)
{
	struct decimal decimal = {.count = 0};
	char text[JSON_DOUBLE_SIZE];
	bool behind = false;
	json_format_double(magnitude, text);
	for (const char *at = text; *at; at++) {
		if (*at == 'e') {
			decimal.point += (int)strtol(at + 1, NULL, 10);
			break;
		}
		if (*at == '.') {
			behind = true;
			continue;
		}
		bool leading = decimal.count == 0 && *at == '0';
		if (!leading)
			decimal.digits[decimal.count++] = *at;
		decimal.point += behind ? -leading : !leading;
	}
	return decimal;
}

static void add_zeros(struct buf *out, int count)
{
	for (int i = 0; i < count; i++)
		buf_add_char(out, '0');
}

/* The shortest digits as Python lays them out: an exponent below -4 and from 16 on, and never like an integer. */
static void add_real(struct buf *out, double number)
{
	struct decimal decimal = decimal_of(fabs(number));
	const char *digits = decimal.digits;
	int n = decimal.count, point = decimal.point;
	buf_add_text(out, signbit(number) ? "-" : "");
	if (n == 0) {
		buf_add_text(out, "0.0");
	} else if (point <= -4 || point > 16) {
		buf_printf(out, "%c%s%.*se%c%02d", digits[0], n > 1 ? "." : "", n - 1, digits + 1,
		           point < 1 ? '-' : '+', abs(point - 1));
	} else if (point <= 0) {
		buf_add_text(out, "0.");
		add_zeros(out, -point);
		buf_printf(out, "%.*s", n, digits);
	} else if (point >= n) {
		buf_printf(out, "%.*s", n, digits);
		add_zeros(out, point - n);
		buf_add_text(out, ".0");
	} else {
		buf_printf(out, "%.*s.%.*s", point, digits, n - point, digits + point);
	}
}

static void add_object(struct buf *out, const json_t *object)
{
	json_t *members = (json_t *)(uintptr_t)object; /* only read; jansson's iterators take no const */
	const char *between = "";
	buf_add_char(out, '{');
	for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
		buf_add_text(out, between);
		add_string(out, json_object_iter_key(at), strlen(json_object_iter_key(at)));
		buf_add_text(out, ": ");
		json_text_add(out, json_object_iter_value(at));
		between = ", ";
	}
	buf_add_char(out, '}');
}

static void add_array(struct buf *out, const json_t *array)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		buf_add_text(out, i > 0 ? ", " : "");
		json_text_add(out, json_array_get(array, i));
	}
	buf_add_char(out, ']');
}

void json_text_add(struct buf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(out, value);
		return;
	case JSON_ARRAY:
		add_array(out, value);
		return;
	case JSON_STRING:
		add_string(out, json_string_value(value), json_string_length(value));
		return;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		add_real(out, json_real_value(value));
		return;
	case JSON_TRUE:
		buf_add_text(out, "true");
		return;
	case JSON_FALSE:
		buf_add_text(out, "false");
		return;
	case JSON_NULL:
	default:
		buf_add_text(out, "null");
	}
}
