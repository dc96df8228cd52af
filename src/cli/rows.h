/*
 * rows.h - passing rows of the library straight to the output: what list commands share.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli/cli.h"

/* A nullable number or duration as a cell. */
static inline struct cell cell_int_or_null(bool known, int64_t value)
{
	return known ? cell_int(value) : cell_null();
}
static inline struct cell cell_us_or_null(bool known, int64_t us)
{
	return known ? cell_duration((double)us / 1e6) : cell_null();
}
/* Text of a flag or argument that may be missing: {NULL, 0} then. */
static inline struct hf_str text_or_null(const char *text)
{
	return hf_str_of(text);
}

#endif
