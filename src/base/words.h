/*
 * words.h - enums as words: a table with the word of value i at place i.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stddef.h>

#include "base/error.h"
#include "holdfast/types.h"

/** The word of `value`; "" outside the table. */
const char *word_of(const char *const *words, size_t count, int value);
/** HF_OK; HF_E_INPUT: it is no `noun` ("bucket"), with the nearest word as hint, or all of them. */
enum hf_status word_parse(struct hf_str word, const char *const *words, size_t count, const char *noun, int *ret_value,
                          hf_error *err);

#endif
