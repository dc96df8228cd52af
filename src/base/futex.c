/*
 * futex.c - see futex.h.
 */
#include "base/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void futex_sleep(atomic_uint *word, unsigned value, int64_t us)
{
	if (us <= 0)
		return;
	struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, us == FUTEX_FOREVER ? NULL : &left, NULL, 0);
}

void futex_rouse(atomic_uint *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
