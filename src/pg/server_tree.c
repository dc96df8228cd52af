/*
 * server_tree.c - folder trees by descriptor: a fresh cluster is a copy of a cached one (a thousand files).
 *
 * Recursion is bounded by TREE_DEPTH_MAX; a cluster has four levels.
 */
#include "pg/server_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_fd.h"

struct walk {
	hf_context *ctx;
	hf_deadline deadline;
	bool measure_only;
	bool no_clone; /* the file system said that it cannot share blocks */
	struct tree_size size;
};

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* In the kernel if it can, by hand where it cannot (other file system, old kernel). */
static int copy_bytes(int from, int to)
{
	ssize_t n;
	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	if (n == 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
		return (int)n;
	char block[65536];
	while ((n = read(from, block, sizeof(block))) > 0)
		if (fd_write_all(to, block, (size_t)n) != 0)
			return -1;
	return (int)n;
}

static enum hf_status copy_file(struct walk *walk, int from_dir, const char *name, int to_dir, hf_error *err)
{
	CLEANUP(fd_closep) int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (from < 0) /* files of ours can be read: this one is not, or is gone */
		return error_errno(err, errno == EMFILE || errno == ENFILE ? HF_E_FAILED : HF_E_CORRUPT,
		                   "could not open %s to copy it", name);
	CLEANUP(fd_closep) int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(err, HF_E_FAILED, "could not create %s", name);
	if (!walk->no_clone) {
		if (ioctl(to, FICLONE, from) == 0)
			return HF_OK;
		walk->no_clone = true;
	}
	if (copy_bytes(from, to) != 0)
		return error_errno(err, HF_E_FAILED, "could not copy %s", name);
	return HF_OK;
}

static enum hf_status walk_tree(struct walk *walk, int from, int to, int depth, hf_error *err);

static enum hf_status walk_folder(struct walk *walk, int from, const char *name, int to, int depth, hf_error *err)
{
	CLEANUP(fd_closep) int below = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return error_errno(err, HF_E_FAILED, "could not open folder %s", name);
	if (walk->measure_only)
		return walk_tree(walk, below, -1, depth + 1, err);
	if (mkdirat(to, name, 0700) != 0)
		return error_errno(err, HF_E_FAILED, "could not create folder %s", name);
	CLEANUP(fd_closep) int made = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0)
		return error_errno(err, HF_E_FAILED, "could not open folder %s", name);
	return walk_tree(walk, below, made, depth + 1, err);
}

static enum hf_status walk_entry(struct walk *walk, int from, const char *name, int to, int depth, hf_error *err)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(err, HF_E_FAILED, "could not look at %s", name);
	if (S_ISDIR(st.st_mode))
		return walk_folder(walk, from, name, to, depth, err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, HF_E_CORRUPT, "%s in a cluster is neither file nor folder", name);
	walk->size.files++;
	walk->size.bytes += st.st_size;
	return walk->measure_only ? HF_OK : copy_file(walk, from, name, to, err);
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static enum hf_status walk_tree(struct walk *walk, int from, int to, int depth, hf_error *err)
{
	if (depth > TREE_DEPTH_MAX)
		return error_set(err, HF_E_CORRUPT, "a cluster is nested more than %d folders deep", TREE_DEPTH_MAX);
	int again = fcntl(from, F_DUPFD_CLOEXEC, 3);
	CLEANUP(dir_closep) DIR *dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		enum hf_status status = error_errno(err, HF_E_FAILED, "could not list a folder of a cluster");
		fd_closep(&again);
		return status;
	}
	struct dirent *entry;
	rewinddir(dir); /* the copy of a descriptor shares its position */
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (is_dots(entry->d_name) || (depth == 0 && strncmp(entry->d_name, "postmaster.", 11) == 0))
			continue;
		if (!walk->measure_only && hf_now_monotonic_us(walk->ctx) > walk->deadline)
			return error_set(err, HF_TIMEOUT, "copying a cached cluster took too long");
		enum hf_status status = walk_entry(walk, from, entry->d_name, to, depth, err);
		if (status != HF_OK)
			return status;
	}
	return errno ? error_errno(err, HF_E_FAILED, "could not list a folder of a cluster") : HF_OK;
}

enum hf_status tree_copy(hf_context *ctx, int from_fd, int to_fd, hf_deadline deadline, struct tree_size *ret_size,
                         hf_error *err)
{
	struct walk walk = {.ctx = ctx, .deadline = deadline};
	enum hf_status status = walk_tree(&walk, from_fd, to_fd, 0, err);
	if (status == HF_OK)
		*ret_size = walk.size;
	return status;
}

enum hf_status tree_measure(int at_fd, struct tree_size *ret_size, hf_error *err)
{
	struct walk walk = {.measure_only = true};
	enum hf_status status = walk_tree(&walk, at_fd, -1, 0, err);
	if (status == HF_OK)
		*ret_size = walk.size;
	return status;
}

/* ---- removal, without a byte of heap ---- */

static int remove_entry(int parent_fd, const char *name, int depth);

/* One pass; a second one finds what a file system hides while its folder shrinks. */
static int remove_below(int fd, int depth)
{
	int result = 0;
	union {
		char bytes[4096];
		struct raw_entry align;
	} room;
	long n;
	while ((n = syscall(SYS_getdents64, fd, &room, sizeof(room))) > 0) {
		for (long at = 0; at < n;) {
			const struct raw_entry *entry = (const void *)(room.bytes + at);
			at += entry->length;
			if (!is_dots(entry->name) && remove_entry(fd, entry->name, depth) != 0)
				result = -1;
		}
	}
	return n < 0 ? -1 : result;
}

static int remove_entry(int parent_fd, const char *name, int depth)
{
	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth > TREE_DEPTH_MAX)
		return -1;
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (int pass = 0; pass < 2 && remove_below(fd, depth + 1) == 0 && lseek(fd, 0, SEEK_SET) == 0; pass++)
		;
	close(fd);
	return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int tree_remove(int parent_fd, const char *name)
{
	return remove_entry(parent_fd, name, 0);
}
