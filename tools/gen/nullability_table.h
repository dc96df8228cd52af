/*
 * nullability_table.h - the server's functions that never answer NULL when no argument is NULL.
 */
#ifndef GEN_NULLABILITY_TABLE_H
#define GEN_NULLABILITY_TABLE_H

#include <stddef.h>

/* Sorted by strcmp(). */
extern const char *const never_null_functions[];
extern const size_t never_null_count;

#endif
