/*
 * check.h - cmocka with its required includes, and shorthands for status-returning calls.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "holdfast/error.h"

/* The call must answer HF_OK; prints the error otherwise. Needs a local `hf_error err`. */
#define EXPECT_OK(call)                                                                               \
	do {                                                                                          \
		enum hf_status status_ = (call);                                                      \
		if (status_ != HF_OK)                                                                 \
			fail_msg("%s: %s: %s (%s)", #call, hf_status_word(status_), err.message, err.detail); \
	} while (0)
#define EXPECT_STATUS(call, expected) assert_string_equal(hf_status_word(call), hf_status_word(expected))
#define EXPECT_CONTAINS(text, part)                                                \
	do {                                                                       \
		if (!strstr((text), (part)))                                       \
			fail_msg("\"%s\" does not contain \"%s\"", (text), (part)); \
	} while (0)

#endif
