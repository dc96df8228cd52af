/*
 * lines.h - a file read line by line, plain, gzip or xz; the format is told by its first bytes, not by its name.
 *
 * Constant memory: one block in, one block out, one line; xz dictionaries up to 96 MiB. Lines longer than the maximum
 * end the reading with HF_E_LIMIT. A truncated or damaged compressed file is HF_E_CORRUPT; a last line without a
 * newline is HF_E_CORRUPT too, since the indexes that we read never have one.
 */
#ifndef FILES_LINES_H
#define FILES_LINES_H

#include "base/macros.h"
#include "holdfast/error.h"
#include "holdfast/types.h"

struct lines;

/** Open `path`; "-" is standard input. HF_NOT_FOUND when it does not exist. */
enum hf_status lines_open(const char *path, size_t line_bytes_max, struct lines **ret_lines, hf_error *err);
/** The next line without its newline, valid until the next call. HF_STOP at the end. */
enum hf_status lines_next(struct lines *lines, struct hf_str *ret_line, hf_error *err);
/** 1-based number of the line that lines_next() gave last. */
size_t lines_number(const struct lines *lines);
void lines_free(struct lines *lines);
DEFINE_OWNED(lines, struct lines *, lines_free)

#endif
