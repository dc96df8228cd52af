/*
 * check.h - cmocka with its required includes, shorthands for status-returning calls, and what Meson tells a test.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

/* A variable that Meson sets for the test. By hand it may be missing: that is said, and it is no success. */
static inline const char *test_variable(const char *name)
{
	const char *value = getenv(name);
	if (value)
		return value;
	fprintf(stderr, "this test needs %s: `meson test -C build NAME` sets it, --list shows the names\n", name);
	exit(2);
}

#endif
