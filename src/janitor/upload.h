/*
 * upload.h - lists of objects that come in as JSON, read member by member. Every complaint names the entry (the first
 * is 1) and the member. Members that nobody asks for are passed over, as the original does it, unless upload_only() is
 * asked.
 *
 * Either the whole document is parsed (upload_parse(), upload_entry()), or it comes in piece by piece and each entry
 * ends with its call (upload_stream()). Texts are borrowed from the parsed entry.
 */
#ifndef JANITOR_UPLOAD_H
#define JANITOR_UPLOAD_H

#include <jansson.h>

#include "base/error.h"
#include "holdfast/types.h"

enum { UPLOAD_ENTRIES_MAX = 1000000 };

struct upload_entry {
	const char *what; /* "codebases" */
	size_t number;    /* the first is 0 */
	const json_t *object;
	hf_error *err;
	bool strict; /* numbers are numbers, and whole ones whole */
};

/** The list, of at most UPLOAD_ENTRIES_MAX entries; json_decref() it. json_text_parse() says what else is refused. */
enum hf_status upload_parse(struct hf_str json, const char *what, json_t **ret_list, hf_error *err);
/** Entry `number` of the list; HF_E_INPUT when it is no object. */
enum hf_status upload_entry(const json_t *list, const char *what, size_t number, struct upload_entry *ret_entry,
                            hf_error *err);
/** HF_E_INPUT when it is no object. */
enum hf_status upload_check_object(const struct upload_entry *entry);

/** Up to `size` bytes into the buffer; 0 is the end. */
typedef enum hf_status upload_read_fn(void *user, char *buffer, size_t size, size_t *ret_read, hf_error *err);
typedef enum hf_status upload_fn(void *user, const struct upload_entry *entry);
/**
 * Read a list of at most UPLOAD_ENTRIES_MAX entries and hand each over, strict; an entry is bounded as a document of
 * json_text_parse() is, the list is not. `what` names it in messages: `what:LINE:COLUMN: ...`. A member that stands
 * twice is refused.
 */
enum hf_status upload_stream(upload_read_fn *read, void *read_user, const char *what, upload_fn *fn, void *user,
                             hf_error *err);

/** HF_E_INPUT: `entry 4: "value" ...`. */
enum hf_status upload_refuse(const struct upload_entry *entry, const char *member, const char *format, ...) COLD
	PRINTF_LIKE(3, 4);

/** HF_E_INPUT when there is another member than these. */
enum hf_status upload_only(const struct upload_entry *entry, const char *const *known, size_t count);
/** Is the member there, if only as null? */
bool upload_has(const struct upload_entry *entry, const char *member);
/** {NULL, 0} for null and for what is absent. */
enum hf_status upload_text(const struct upload_entry *entry, const char *member, struct hf_str *ret_text);
/** Within 32 bits; truncated toward zero, and true is 1, as the original's driver does it, unless strict. */
enum hf_status upload_int(const struct upload_entry *entry, const char *member, bool *ret_known, int32_t *ret_value);
enum hf_status upload_number(const struct upload_entry *entry, const char *member, bool *ret_known, double *ret_value);

#endif
