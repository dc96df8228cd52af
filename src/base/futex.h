/*
 * futex.h - sleep until another thread changes a word. What a condition variable does, with one call to wake many, and
 * no mutex for them to queue up at.
 *
 * Who wakes stores the new value first (release), who sleeps looks at it again afterwards (acquire): what was written
 * before the store is then seen. Words are of one process.
 */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

enum { FUTEX_ALL = INT_MAX };
#define FUTEX_FOREVER INT64_MAX

/** Sleep while `*word` is `value`, for at most `us`. May wake for no reason. FUTEX_FOREVER sets no timer, which is
 * cheaper. */
void futex_sleep(atomic_uint *word, unsigned value, int64_t us);
/** Wake at most `count` of those that sleep at `word`. */
void futex_rouse(atomic_uint *word, int count);

#endif
