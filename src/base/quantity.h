/*
 * quantity.h - durations ("30s", "1h30m", "250ms") and sizes ("64MiB", "10kB") as people write them.
 *
 * Durations need a unit (ms, s, m, h, d; a bare 0 is allowed) and may be sums in falling order. Sizes are bytes
 * without a unit; KiB, MiB, GiB, TiB and the bare K, M, G, T are powers of 1024, kB, MB, GB, TB powers of 1000.
 * Both take a decimal fraction ("1.5h"). Never negative; false on anything else, overflow included.
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holdfast/types.h"

enum { QUANTITY_TEXT_SIZE = 40 };

bool quantity_duration_ms(struct hf_str text, int64_t *ret_ms);
bool quantity_size_bytes(struct hf_str text, int64_t *ret_bytes);
/** A decimal number with optional sign, fraction and exponent; finite. The decimal point is
 *  LC_NUMERIC's, which the command never sets. */
bool quantity_number(struct hf_str text, double *ret_number);
/** The shortest exact spelling: "1h30m", "250ms", "0s". */
void quantity_duration_text(int64_t ms, char ret_text[QUANTITY_TEXT_SIZE]);
/** "1,234,567" */
void quantity_grouped(int64_t number, char ret_text[QUANTITY_TEXT_SIZE]);
/** The largest binary unit that is exact: "64MiB", "1000". */
void quantity_size_text(int64_t bytes, char ret_text[QUANTITY_TEXT_SIZE]);

#endif
