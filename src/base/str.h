/*
 * str.h - operations on borrowed views (struct hf_str) and one growing buffer (struct buf).
 *
 * A buffer has a maximum given at init and a sticky failure: after it was exceeded (or memory ran out) every append
 * is a no-op and buf_ok() is false, so that only the end has to be checked.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "holdfast/types.h"

/* printf("%.*s", STR_ARG(view)) */
#define STR_ARG(view) (int)(view).len, (view).ptr

bool str_eq(struct hf_str a, struct hf_str b);
/** Byte order; a prefix sorts first. */
int str_cmp(struct hf_str a, struct hf_str b);
bool str_starts(struct hf_str text, struct hf_str prefix);
bool str_ends(struct hf_str text, struct hf_str suffix);
/** Without leading and trailing ASCII blanks (space, tab, CR, LF). */
struct hf_str str_trim(struct hf_str text);
/** Cut `rest` at the first `separator`: returns what stood before it, leaves what is behind. False at the end. */
bool str_split(struct hf_str *rest, char separator, struct hf_str *ret_piece);
/** Index of the first `c`, or -1. */
ptrdiff_t str_find(struct hf_str text, char c);
/** Index of the first `needle`, or -1. */
ptrdiff_t str_find_str(struct hf_str text, struct hf_str needle);
/** Whole text as a decimal integer; false (and *ret untouched) on anything else, overflow included. */
bool str_to_i64(struct hf_str text, int64_t *ret_value);
/** Length of the well-formed UTF-8 sequence at the start (Unicode 15, table 3-7); 0 for anything else, NUL included. */
size_t str_utf8_sequence(struct hf_str text);
/** Whole text is well-formed UTF-8 without NUL; *ret_bad (may be NULL) = offset of the first bad byte. */
bool str_is_utf8(struct hf_str text, size_t *ret_bad);

struct buf {
	char *ptr; /* NUL-terminated once anything was appended; NULL before */
	size_t len;
	size_t capacity;
	size_t max;
	bool failed;
	bool starved; /* failed because memory is short, not because of `max` */
};

void buf_init(struct buf *buf, size_t size_bytes_max);
void buf_deinit(struct buf *buf);
/** Empty but usable, failure forgotten. */
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, struct hf_str text);
void buf_add_char(struct buf *buf, char c);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);
static inline bool buf_ok(const struct buf *buf)
{
	return !buf->failed;
}
/** Whether it is memory that is short: HF_E_NOMEM rather than HF_E_LIMIT. */
static inline bool buf_starved(const struct buf *buf)
{
	return buf->starved;
}
/** View of the content; "" when empty. */
struct hf_str buf_str(const struct buf *buf);

#endif
