/*
 * identifier.c - see identifier.h. A quote is doubled; within E'...' a backslash is too, whatever the session's
 * standard_conforming_strings says.
 */
#include "base/identifier.h"

#include "base/error.h"

enum hf_status identifier_check(const char *what, struct hf_str value, const char *behind, hf_error *err)
{
	size_t bad = 0;
	if (!value.ptr || value.len == 0)
		return error_set(err, HF_E_INPUT, "the name \"%s\" is empty", what);
	if (!str_is_utf8(value, &bad))
		return error_set(err, HF_E_INPUT, "the name \"%s\" is not UTF-8 without NUL: byte %zu", what, bad);
	if (value.len + strlen(behind) <= IDENTIFIER_BYTES_MAX)
		return HF_OK;
	if (*behind)
		return error_set(err, HF_E_INPUT,
		                 "the name \"%s\" is longer than %zu bytes: %s comes behind it, and the "
		                 "server takes %d",
		                 what, IDENTIFIER_BYTES_MAX - strlen(behind), behind, IDENTIFIER_BYTES_MAX);
	return error_set(err, HF_E_INPUT, "the name \"%s\" is longer than %d bytes", what, IDENTIFIER_BYTES_MAX);
}

bool identifier_fits(struct hf_str name, struct hf_str declared)
{
	return str_starts(name, declared) && (name.len == declared.len || name.ptr[declared.len] == '_');
}

static void add_doubled(struct buf *out, struct hf_str text, bool in_constant)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '"' || (in_constant && (c == '\'' || c == '\\')))
			buf_add_char(out, c);
		buf_add_char(out, c);
	}
}

void identifier_add(struct buf *out, struct hf_str value, const char *behind, bool in_constant)
{
	buf_add_char(out, '"');
	add_doubled(out, value, in_constant);
	add_doubled(out, hf_str_of(behind), in_constant);
	buf_add_char(out, '"');
}
