/*
 * json_text.h - JSON columns: text that the original's encoder would have written, and bounds on text that came in.
 *
 * The columns have the type json, which keeps text byte for byte, so both writers must agree: ASCII only, ", " and
 * ": ", members in their order, the shortest floats (spec/janitor.md 3.3).
 */
#ifndef JANITOR_JSON_TEXT_H
#define JANITOR_JSON_TEXT_H

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

enum { JSON_TEXT_DEPTH_MAX = 64 };
#define JSON_TEXT_BYTES_MAX ((size_t)16 << 20)

/**
 * Parse a whole document of at most JSON_TEXT_BYTES_MAX bytes and JSON_TEXT_DEPTH_MAX levels; NUL and malformed UTF-8
 * are refused. `what` names it in messages. HF_E_INPUT with line and column; HF_E_LIMIT names the bound.
 */
enum hf_status json_text_parse(struct hf_str text, const char *what, json_t **ret_value, hf_error *err);
/* Where a text stands in what it was cut out of; a member that stands twice is refused by `once`. */
struct json_text_place {
	size_t line, column; /* from 1 */
	bool once;
};
/** The same for a text that is part of another; NULL = a document of its own. */
enum hf_status json_text_parse_at(struct hf_str text, const char *what, const struct json_text_place *place,
                                  json_t **ret_value, hf_error *err);
/** Append `value`. */
void json_text_add(struct buf *out, const json_t *value);
/** "an object", "a list", ...: what it is, for messages. */
const char *json_text_kind(const json_t *value);
/** What the original takes for true: not null, false, 0, "", [] or {}. */
bool json_text_truthy(const json_t *value);

#endif
