/*
 * torture.h - memory that runs out at every place, one after the other.
 *
 * A program that links torture.c has its own and the library's malloc(), calloc(), realloc(), reallocarray(),
 * aligned_alloc() and strdup() led here by the linker (torture_link_args in meson.build); Jansson's come too. torture() runs a scenario
 * with the first allocation failing, then with the second, and so on until one run needs no more allocations than
 * were given. Each run must answer HF_E_NOMEM, or HF_OK where the library can do without; what it leaks is found by
 * LeakSanitizer in the sanitizer build. Allocations of all threads count.
 */
#ifndef TESTS_TORTURE_H
#define TESTS_TORTURE_H

#include <stdbool.h>

#include "holdfast/error.h"

/** Fails the test at the first run that ends otherwise; returns the number of runs that failed with HF_E_NOMEM. */
int torture(enum hf_status (*scenario)(void *user, hf_error *err), void *user);
/** The same for a scenario that may end in one other way as well: where memory is short in a place that cannot say so. */
int torture_or(enum hf_status also, enum hf_status (*scenario)(void *user, hf_error *err), void *user);

/** What a scenario does between hold(true) and hold(false) has all the memory it wants and is not counted. */
void torture_hold(bool held);

/** By hand: the n-th allocation from here on fails (1 = the next one), once. 0 = none. */
void torture_begin(long n);
/** Ends it; true when the allocation was reached. */
bool torture_end(void);

#endif
