/*
 * decode.h - what must hold of any bytes that claim to be a value: they decode, or are refused with a word; memory
 * stays in proportion to them; what decoded can be encoded, and comes back as the same bytes from then on. A breach
 * aborts, and a sanitizer sees the rest.
 */
#ifndef TESTS_FUZZ_DECODE_H
#define TESTS_FUZZ_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An input: the number of a type in every_type.h, whether to borrow, then the value's bytes. */
enum { FUZZ_HEAD = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
