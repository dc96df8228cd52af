/*
 * error.h (base) - filling hf_error at the origin.
 *
 * `return error_set(err, HF_E_LIMIT, "line %zu is longer than %d bytes", n, max);` Middle layers forward the status
 * and may add context in front with error_prefix(). `err` may be NULL everywhere.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/macros.h"
#include "holdfast/error.h"

/** Overwrite `err` with status and message. Returns `status`, so that it can stand in a return. */
enum hf_status error_set(hf_error *err, enum hf_status status, const char *format, ...) COLD PRINTF_LIKE(3, 4);
/** As error_set() with ": " and strerror(errno) behind the message. */
enum hf_status error_errno(hf_error *err, enum hf_status status, const char *format, ...) COLD PRINTF_LIKE(3, 4);
/** Another message for the same error, detail gone: status, SQLSTATE, constraint and the rest stay. */
void error_reword(hf_error *err, const char *format, ...) COLD PRINTF_LIKE(2, 3);
/** What to do about it; one sentence. */
void error_hint(hf_error *err, const char *format, ...) COLD PRINTF_LIKE(2, 3);
void error_detail(hf_error *err, const char *format, ...) COLD PRINTF_LIKE(2, 3);
/** Put "prefix: " in front of the message. */
void error_prefix(hf_error *err, const char *format, ...) COLD PRINTF_LIKE(2, 3);
enum hf_status error_nomem(hf_error *err) COLD;

/** HF_E_USAGE unless a program's struct of options, `name`, has the size that this library knows. */
enum hf_status options_check(const char *name, size_t size, size_t expected, hf_error *err);

#endif
