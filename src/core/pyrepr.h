/*
 * pyrepr.h - a text as Python's repr() writes it: what the original puts into columns for people.
 */
#ifndef CORE_PYREPR_H
#define CORE_PYREPR_H

#include "base/str.h"

/**
 * Append `text`, well-formed UTF-8, in single quotes, or in double quotes where it has single ones alone. Characters
 * without a glyph are escaped: controls, separators other than the space, formats, private use. Of those beyond Latin 1
 * only the common ones are known.
 */
void pyrepr_add(struct buf *out, struct hf_str text);

#endif
