/*
 * formats.h - rows as a table, as csv or tsv, and raw: what output.c prints when it is no JSON. Columns are chosen.
 *
 * A table keeps its first rows until their widths are known; format_table_sampled() prints them at the end of the list.
 */
#ifndef CLI_FORMATS_H
#define CLI_FORMATS_H

#include "cli/output.h"

void format_table_start(struct out *out);
void format_table_row(struct out *out, const struct cell *cells);
void format_table_sampled(struct out *out);
/** "name   value" per column. */
void format_object(struct out *out, const struct cell *cells);

void format_separated_header(struct out *out);
void format_separated_row(struct out *out, const struct cell *cells);
/** The first of the chosen columns. */
void format_raw_row(struct out *out, const struct cell *cells);

#endif
