/*
 * server_folder.c - the folder of a private server in /tmp; see server_handle.h for what lies in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_fd.h"
#include "pg/server_handle.h"

#define RUN_PREFIX "hf-"
enum { RUN_RANDOM = 6 };

enum hf_status folder_open_file(int at_fd, const char *name, int flags, const char *where, int *ret_fd, hf_error *err)
{
	int fd = openat(at_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, HF_E_FAILED, "could not open %s/%s", where, name);
	*ret_fd = fd;
	return HF_OK;
}

enum hf_status folder_lock(int at_fd, const char *path, int *ret_fd, hf_error *err)
{
	CLEANUP(fd_closep) int fd = -1;
	enum hf_status status = folder_open_file(at_fd, "lock", O_RDWR | O_CREAT, path, &fd, err);
	if (status != HF_OK)
		return status;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		error_set(err, HF_CONFLICT, "folder %s is in use by another private server", path);
		error_hint(err, "stop that one first, or name another folder");
		return HF_CONFLICT;
	}
	*ret_fd = fd_take(&fd);
	return HF_OK;
}

/* Short, because the path of a socket has at most 107 bytes. */
enum hf_status folder_make_run(hf_server *server, hf_error *err)
{
	char path[SERVER_RUN_SIZE] = RUN_PARENT "/" RUN_PREFIX "XXXXXX";
	CLEANUP(fd_closep) int parent = open(RUN_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || !mkdtemp(path)) {
		error_errno(err, HF_E_FAILED,
		            "could not make a folder in " RUN_PARENT " for the socket of a private server");
		error_hint(err, "user %s must be able to write to " RUN_PARENT, server->user.name);
		return HF_E_FAILED;
	}
	server_set_run(server, path);
	server->parent_fd = fd_take(&parent);
	enum hf_status status = folder_open_file(server->parent_fd, path + sizeof(RUN_PARENT), O_RDONLY | O_DIRECTORY,
	                                         RUN_PARENT, &server->run_fd, err);
	return status != HF_OK ? status : folder_lock(server->run_fd, path, &server->locks[0], err);
}

bool folder_is_run(const char *name)
{
	size_t prefix = sizeof(RUN_PREFIX) - 1;
	return strncmp(name, RUN_PREFIX, prefix) == 0 && strlen(name) == prefix + RUN_RANDOM &&
	       strspn(name + prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == RUN_RANDOM;
}

int folder_open_run(int parent_fd, const char *name, const struct server_user *user)
{
	CLEANUP(fd_closep) int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != user->uid || (st.st_mode & 07777) != 0700)
		return -1;
	return fd_take(&fd);
}

bool folder_read_name(int run_fd, char *ret_name, size_t size)
{
	CLEANUP(fd_closep) int fd = openat(run_fd, "name", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_name, size - 1);
	if (n <= 0)
		return false;
	ret_name[n] = '\0';
	return true;
}

enum hf_status folder_write_name(int run_fd, const char *name, const char *where, hf_error *err)
{
	CLEANUP(fd_closep) int fd = -1;
	enum hf_status status = folder_open_file(run_fd, "name", O_WRONLY | O_CREAT | O_EXCL, where, &fd, err);
	if (status == HF_OK && fd_write_all(fd, name, strlen(name)) != 0)
		return error_errno(err, HF_E_FAILED, "could not write %s/name", where);
	return status;
}
