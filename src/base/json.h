/*
 * json.h - a streaming JSON writer: constant memory, any output.
 *
 *     struct json_writer json;
 *     jw_init(&json, sink, user);
 *     jw_array_begin(&json);
 *     jw_int(&json, 7);
 *     jw_array_end(&json);
 *     if (!jw_finish(&json)) ...
 *
 * Commas and nesting are the writer's business; a call in the wrong place (a value in an object without a key, an end
 * of the other kind, more than JSON_DEPTH_MAX levels) is a programming error and asserts. Failure of the sink is
 * sticky: every later call is a no-op and jw_finish() answers false, so that only the end has to be checked.
 *
 * Numbers: integers are exact, doubles are the shortest text that reads back as the same double, NaN and infinities
 * are null. Text: malformed UTF-8 is replaced by U+FFFD, one per byte that cannot be read; NUL is escaped.
 * No allocation; no locale. The prefix is jw_ because jansson owns json_.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holdfast/types.h"

enum { JSON_DEPTH_MAX = 32, JSON_DOUBLE_SIZE = 32 };

/** Take `n` bytes; false ends the document. */
typedef bool json_sink(void *user, const char *bytes, size_t n);

struct json_writer {
	json_sink *sink;
	void *user;
	uint32_t depth;
	bool failed;
	bool after_key;
	bool lines;
	struct {
		char kind; /* '{' or '[' */
		bool filled;
	} level[JSON_DEPTH_MAX + 1]; /* level 0 is the document itself */
	size_t pending;
	char buffer[1024];
};

void jw_init(struct json_writer *json, json_sink *sink, void *user);
/** The sink whose `user` is a struct buf: ends when that is full. */
bool jw_into_buf(void *user, const char *bytes, size_t n);
void jw_object_begin(struct json_writer *json);
void jw_object_end(struct json_writer *json);
void jw_array_begin(struct json_writer *json);
void jw_array_end(struct json_writer *json);
void jw_key(struct json_writer *json, const char *name);
void jw_text(struct json_writer *json, struct hf_str text);
void jw_int(struct json_writer *json, int64_t number);
void jw_double(struct json_writer *json, double number);
void jw_bool(struct json_writer *json, bool value);
void jw_null(struct json_writer *json);
/** Text that is JSON already (a jsonb column); taken as it is. */
void jw_raw(struct json_writer *json, struct hf_str text);
/** Items of the outermost array stand on lines of their own from now on. */
void jw_lines(struct json_writer *json);
/** Hand what is pending to the sink. False after any failure. */
bool jw_flush(struct json_writer *json);
/** As jw_flush(); the document must be complete. */
bool jw_finish(struct json_writer *json);

/** The shortest decimal text that reads back as `number` ("0.1", "1e+22"); returns its length. Finite numbers only. */
size_t json_format_double(double number, char ret_text[JSON_DOUBLE_SIZE]);

/** Levels of nesting of a text that may be JSON, without parsing it: before a parser that recurses. */
unsigned json_levels(struct hf_str text);

#endif
