/*
 * shellword.h - quoting a word for a POSIX shell, as the original quotes commands (spec/janitor.md 16.1).
 */
#ifndef CORE_SHELLWORD_H
#define CORE_SHELLWORD_H

#include "base/str.h"

/** Append `word`: bare when it is of harmless characters only, else in single quotes. */
void shellword_add(struct buf *buf, struct hf_str word);

#endif
