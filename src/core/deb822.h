/*
 * deb822.h - paragraphs of "Field: value" lines with continuation lines, as Debian's indexes have them (deb822(5)).
 * Fed line by line, so that a reader needs one paragraph of memory whatever the file's size.
 */
#ifndef CORE_DEB822_H
#define CORE_DEB822_H

#include "base/str.h"
#include "holdfast/error.h"

enum { DEB822_FIELDS_MAX = 128, DEB822_PARAGRAPH_MAX = 4 << 20 };

struct deb822 {
	struct buf text; /* values one behind the other */
	struct {
		size_t name_at, name_len, value_at, value_len;
	} fields[DEB822_FIELDS_MAX];
	size_t nfields;
	size_t first_line; /* of the paragraph at hand, 1-based */
};

void deb822_init(struct deb822 *paragraph);
void deb822_deinit(struct deb822 *paragraph);
/**
 * Take one line without its newline. An empty line ends the paragraph: *ret_complete is set when there was one; read
 * it with deb822_get() and call deb822_clear().
 * @return HF_OK; HF_E_INPUT for a line that is neither field nor continuation, a repeated field, too many fields,
 *         bytes that are not UTF-8; HF_E_LIMIT for a paragraph of more than 4 MiB. Messages name the line.
 */
enum hf_status deb822_line(struct deb822 *paragraph, struct hf_str line, size_t line_number, bool *ret_complete,
                           hf_error *err);
void deb822_clear(struct deb822 *paragraph);
/** The value of a field (name compared without case), blanks around it removed, or {NULL, 0}. */
struct hf_str deb822_get(const struct deb822 *paragraph, struct hf_str name);
/** True when the paragraph has no field yet. */
static inline bool deb822_empty(const struct deb822 *paragraph)
{
	return paragraph->nfields == 0;
}

/** Next package name of a relation list ("a (>= 1) | b, c [amd64]"): every alternative. False at the end. */
bool relation_next_name(struct hf_str *rest, struct hf_str *ret_name);

#endif
