/*
 * blame.h - the reasons of a health report: bounded, the worst first.
 */
#ifndef BASE_BLAME_H
#define BASE_BLAME_H

#include <stdarg.h>
#include <stddef.h>

#include "base/macros.h"
#include "holdfast/health.h"

enum { BLAME_BYTES_MAX = 160 };

/** Add a reason that makes it `state`, cut at BLAME_BYTES_MAX; when there are `max`, a worse one only, for the last. */
void blame_add(char (*reasons)[BLAME_BYTES_MAX], size_t max, size_t *count, enum hf_health_state *worst,
               enum hf_health_state state, const char *format, va_list args) PRINTF_LIKE(6, 0);

#endif
