/*
 * fork.c - the mapped page behind fork_guard. Fails to the slower, equally right way; never fails the caller.
 */
#include "pg/fork.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_SIZE_BYTES = 4096 };

void fork_guard_init(struct fork_guard *guard)
{
	*guard = (struct fork_guard){.pid = getpid()};
	void *page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	if (madvise(page, PAGE_SIZE_BYTES, MADV_WIPEONFORK) != 0) {
		munmap(page, PAGE_SIZE_BYTES);
		return;
	}
	guard->page = page;
	*guard->page = 1;
}

void fork_guard_deinit(struct fork_guard *guard)
{
	if (guard->page)
		munmap((void *)(uintptr_t)guard->page, PAGE_SIZE_BYTES);
	guard->page = NULL;
}

bool fork_guard_asks_kernel(const struct fork_guard *guard)
{
	return getpid() != guard->pid;
}
