/*
 * server_fd.h - descriptors: guards, whole writes, folder entries as the kernel gives them.
 */
#ifndef PG_SERVER_FD_H
#define PG_SERVER_FD_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* For CLEANUP(fd_closep); keeps errno. */
static inline void fd_closep(const int *fd)
{
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline int fd_take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/** All bytes, or -1 with errno. Async-signal-safe. */
static inline int fd_write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, bytes, n);
		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			bytes += put;
			n -= (size_t)put;
		}
	}
	return 0;
}

/* struct linux_dirent64 of getdents64(2), for code that may not use opendir(3). */
struct raw_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

#endif
