/*
 * fork.h - tells a child process that an object was made by its parent, without a system call.
 *
 * One page per guard is mapped with MADV_WIPEONFORK: the kernel hands the child a page of zeros. Where the kernel
 * does not know that advice (before Linux 4.14), process ids are compared instead.
 */
#ifndef PG_FORK_H
#define PG_FORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fork_guard {
	volatile uint32_t *page; /* NULL: compare `pid` */
	pid_t pid;
};

void fork_guard_init(struct fork_guard *guard);
void fork_guard_deinit(struct fork_guard *guard);
bool fork_guard_asks_kernel(const struct fork_guard *guard);

/** True in a child of the process that called fork_guard_init(). */
static inline bool fork_guard_forked(const struct fork_guard *guard)
{
	return guard->page ? *guard->page == 0 : fork_guard_asks_kernel(guard);
}

#endif
