/*
 * debversion.h - order of Debian package versions: [epoch:]upstream[-revision], deb-version(7).
 */
#ifndef CORE_DEBVERSION_H
#define CORE_DEBVERSION_H

#include <stdbool.h>

#include "holdfast/types.h"

/** Is `text` a version by deb-version(7)? */
bool debversion_valid(struct hf_str text);
/** -1, 0 or 1. Any text compares, valid or not; a missing epoch is 0, a missing revision sorts as "0". */
int debversion_cmp(struct hf_str a, struct hf_str b);

#endif
