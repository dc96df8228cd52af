/*
 * server_cache.c - see the header. On disk, below the cache folder:
 *
 *     NAME.lock   empty, flock()ed
 *     NAME/data   the entry; NAME/whole: "FILES BYTES\n", written last
 *     NAME.new    being built, by the holder of the exclusive lock; left over after a crash, removed by the next one
 */
#include "pg/server_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/server_fd.h"
#include "pg/server_tree.h"

enum { LOCK_TICK_MS = 10 };

enum hf_status lock_wait(hf_context *ctx, int fd, int operation, const char *what, hf_deadline deadline, hf_error *err)
{
	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, HF_E_FAILED, "could not lock %s", what);
		if (hf_context_interrupted(ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for %s", what);
		if (hf_now_monotonic_us(ctx) >= deadline)
			return error_set(err, HF_TIMEOUT, "could not lock %s in time: another process holds it", what);
		poll(NULL, 0, LOCK_TICK_MS);
	}
	return HF_OK;
}

/* ---- the place ---- */

/* HF_NOT_FOUND: cannot be had here, try elsewhere. The path is fully ours or refused. */
static enum hf_status open_trusted(const struct server_user *user, const char *path, struct cache *ret_cache,
                                   hf_error *err)
{
	if (strlen(path) >= sizeof(ret_cache->path))
		return error_set(err, HF_NOT_FOUND, "path of the cache folder is too long");
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) && lstat(path, &st) == 0)
		return error_set(err, HF_E_DENIED, "cache folder %s is not a folder", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(err, HF_NOT_FOUND, "could not open cache folder %s", path);
	if (st.st_uid != user->uid || (st.st_mode & 077) != 0) {
		error_set(err, HF_E_DENIED,
		          "cache folder %s belongs to user id %d with mode %04o, but must be user %s's "
		          "alone (0700)",
		          path, (int)st.st_uid, (unsigned)st.st_mode & 07777, user->name);
		error_hint(err, "remove it, or name another folder in HOLDFAST_CACHE_DIR");
		return HF_E_DENIED;
	}
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 && !user->drop)
		return error_errno(err, HF_NOT_FOUND, "could not write to cache folder %s", path);
	snprintf(ret_cache->path, sizeof(ret_cache->path), "%s", path);
	ret_cache->fd = fd_take(&fd);
	return HF_OK;
}

static enum hf_status open_asked(const struct server_user *user, const char *asked, struct cache *ret_cache,
                                 hf_error *err)
{
	if (asked[0] != '/')
		return error_set(err, HF_E_CONFIG, "HOLDFAST_CACHE_DIR must be an absolute path, not \"%s\"", asked);
	user_make_folder(user, asked);
	enum hf_status status = open_trusted(user, asked, ret_cache, err);
	if (status != HF_NOT_FOUND)
		return status;
	error_prefix(err, "HOLDFAST_CACHE_DIR");
	if (err)
		err->status = HF_E_CONFIG;
	return HF_E_CONFIG;
}

/* Where the user's things go: a folder made by a superuser for root, else the user's own cache. False: nowhere. */
static bool usual_path(const struct server_user *user, char *ret_path, size_t size)
{
	int n;
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (user->drop) {
		mkdir("/var/cache/holdfast", 0755);
		n = snprintf(ret_path, size, "/var/cache/holdfast/%d", (int)user->uid);
	} else if (xdg && xdg[0] == '/') {
		mkdir(xdg, 0700);
		n = snprintf(ret_path, size, "%s/holdfast", xdg);
	} else if (home && home[0] == '/') {
		n = snprintf(ret_path, size, "%s/.cache", home);
		if (n > 0 && (size_t)n < size)
			mkdir(ret_path, 0700);
		n = snprintf(ret_path, size, "%s/.cache/holdfast", home);
	} else {
		return false;
	}
	return n > 0 && (size_t)n < size;
}

static enum hf_status no_place(hf_error *err)
{
	error_hint(err, "name a folder in HOLDFAST_CACHE_DIR");
	err->status = HF_E_FAILED;
	return HF_E_FAILED;
}

enum hf_status cache_open(const struct server_user *user, struct cache *ret_cache, hf_error *err)
{
	const char *asked = getenv("HOLDFAST_CACHE_DIR");
	hf_error local = HF_ERROR_INIT;
	char path[sizeof(ret_cache->path)];
	enum hf_status status = HF_NOT_FOUND;
	if (asked && *asked)
		return open_asked(user, asked, ret_cache, err);
	if (usual_path(user, path, sizeof(path))) {
		user_make_folder(user, path);
		status = open_trusted(user, path, ret_cache, &local);
	}
	if (status == HF_NOT_FOUND) {
		snprintf(path, sizeof(path), "/tmp/hf-cache-%d", (int)user->uid);
		user_make_folder(user, path);
		status = open_trusted(user, path, ret_cache, &local);
	}
	if (status == HF_NOT_FOUND)
		status = no_place(&local);
	if (status != HF_OK && err)
		*err = local;
	return status;
}

void cache_close(struct cache *cache)
{
	fd_closep(&cache->fd);
	cache->fd = -1;
}

/* ---- entries ---- */

/* NAME and the names beside it. */
struct entry {
	char name[CACHE_NAME_MAX + 8];
	char fresh[CACHE_NAME_MAX + 8];
	char lock[CACHE_NAME_MAX + 8];
};

static struct entry entry_of(const char *name)
{
	struct entry entry;
	ASSERT(strlen(name) <= CACHE_NAME_MAX);
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	snprintf(entry.fresh, sizeof(entry.fresh), "%s.new", name);
	snprintf(entry.lock, sizeof(entry.lock), "%s.lock", name);
	return entry;
}

static int open_folder(int at_fd, const char *name)
{
	return openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What was counted when the entry was made; false when it is not whole. */
static bool read_whole(int entry_fd, struct tree_size *ret_size)
{
	char text[64];
	CLEANUP(fd_closep) int fd = openat(entry_fd, "whole", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0 || text[n - 1] != '\n')
		return false;
	struct hf_str rest = {text, (size_t)n - 1}, files;
	return str_split(&rest, ' ', &files) && str_to_i64(files, &ret_size->files) &&
	       str_to_i64(rest, &ret_size->bytes);
}

static enum hf_status write_whole(int entry_fd, const struct tree_size *size, hf_error *err)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 "\n", size->files, size->bytes);
	CLEANUP(fd_closep) int fd = openat(entry_fd, "whole", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, text, (size_t)n) != 0)
		return error_errno(err, HF_E_FAILED, "could not write to the cache of clusters");
	return HF_OK;
}

/* HF_NOT_FOUND: there is no whole entry. */
static enum hf_status copy_entry(hf_context *ctx, struct cache *cache, const struct entry *entry, int to_fd,
                                 const char *to_name, hf_deadline deadline, hf_error *err)
{
	struct tree_size expected, copied;
	CLEANUP(fd_closep) int entry_fd = open_folder(cache->fd, entry->name);
	CLEANUP(fd_closep) int from = entry_fd < 0 ? -1 : open_folder(entry_fd, "data");
	if (from < 0 || !read_whole(entry_fd, &expected))
		return HF_NOT_FOUND;
	if (mkdirat(to_fd, to_name, 0700) != 0)
		return error_errno(err, HF_E_FAILED, "could not create folder %s", to_name);
	CLEANUP(fd_closep) int to = open_folder(to_fd, to_name);
	if (to < 0)
		return error_errno(err, HF_E_FAILED, "could not open folder %s", to_name);
	enum hf_status status = tree_copy(ctx, from, to, deadline, &copied, err);
	if (status == HF_OK && copied.files == expected.files && copied.bytes == expected.bytes)
		return HF_OK;
	tree_remove(to_fd, to_name);
	return status == HF_OK || status == HF_E_CORRUPT ? HF_NOT_FOUND : status;
}

/* Under the exclusive lock. */
static enum hf_status build_entry(struct cache *cache, const struct entry *entry, int lock, cache_build_fn *build,
                                  void *user, hf_deadline deadline, hf_error *err)
{
	char path[PATH_MAX];
	struct tree_size size;
	if (tree_remove(cache->fd, entry->fresh) != 0 || tree_remove(cache->fd, entry->name) != 0 ||
	    mkdirat(cache->fd, entry->fresh, 0700) != 0)
		return error_errno(err, HF_E_FAILED, "could not write to cache folder %s", cache->path);
	CLEANUP(fd_closep) int fresh = open_folder(cache->fd, entry->fresh);
	if (fresh < 0)
		return error_errno(err, HF_E_FAILED, "could not write to cache folder %s", cache->path);
	snprintf(path, sizeof(path), "%s/%s", cache->path, entry->fresh);
	enum hf_status status = build(user, fresh, path, lock, deadline, err);
	CLEANUP(fd_closep) int data = status == HF_OK ? open_folder(fresh, "data") : -1;
	if (status == HF_OK)
		status = tree_measure(data, &size, err);
	if (status == HF_OK)
		status = write_whole(fresh, &size, err);
	if (status == HF_OK && renameat(cache->fd, entry->fresh, cache->fd, entry->name) != 0)
		status = error_errno(err, HF_E_FAILED, "could not rename in cache folder %s", cache->path);
	if (status != HF_OK)
		tree_remove(cache->fd, entry->fresh);
	return status;
}

static enum hf_status open_lock(struct cache *cache, const struct entry *entry, int *ret_fd, hf_error *err)
{
	int fd = openat(cache->fd, entry->lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, HF_E_FAILED, "could not write to cache folder %s", cache->path);
	*ret_fd = fd;
	return HF_OK;
}

enum hf_status cache_fetch(hf_context *ctx, struct cache *cache, const char *name, cache_build_fn *build, void *user,
                           int to_fd, const char *to_name, hf_deadline deadline, hf_error *err)
{
	struct entry entry = entry_of(name);
	CLEANUP(fd_closep) int lock = -1;
	enum hf_status status = open_lock(cache, &entry, &lock, err);
	if (status == HF_OK)
		status = lock_wait(ctx, lock, LOCK_SH, "the cache of clusters", deadline, err);
	if (status == HF_OK)
		futimens(lock, NULL); /* used now: cache_sweep() looks at it */
	if (status == HF_OK)
		status = copy_entry(ctx, cache, &entry, to_fd, to_name, deadline, err);
	if (status != HF_NOT_FOUND)
		return status;
	/* Changing the kind of lock lets it go in between: somebody else may have built meanwhile, so look again. */
	status = lock_wait(ctx, lock, LOCK_EX, "the cache of clusters", deadline, err);
	if (status == HF_OK)
		status = copy_entry(ctx, cache, &entry, to_fd, to_name, deadline, err);
	if (status != HF_NOT_FOUND)
		return status;
	status = build_entry(cache, &entry, lock, build, user, deadline, err);
	if (status == HF_OK)
		status = copy_entry(ctx, cache, &entry, to_fd, to_name, deadline, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_CORRUPT, "cache folder %s does not keep what is written to it", cache->path);
	return status;
}

void cache_drop(hf_context *ctx, struct cache *cache, const char *name, hf_deadline deadline)
{
	struct entry entry = entry_of(name);
	CLEANUP(fd_closep) int lock = -1;
	if (open_lock(cache, &entry, &lock, NULL) == HF_OK &&
	    lock_wait(ctx, lock, LOCK_EX, "the cache of clusters", deadline, NULL) == HF_OK)
		tree_remove(cache->fd, entry.name);
}

enum hf_status cache_lock(hf_context *ctx, struct cache *cache, const char *name, hf_deadline deadline, int *ret_fd,
                          hf_error *err)
{
	struct entry entry = entry_of(name);
	CLEANUP(fd_closep) int lock = -1;
	enum hf_status status = open_lock(cache, &entry, &lock, err);
	if (status == HF_OK)
		status = lock_wait(ctx, lock, LOCK_EX, name, deadline, err);
	if (status == HF_OK)
		*ret_fd = fd_take(&lock);
	return status;
}

/* Entry of a lock file: removed when nobody holds it and nobody has used it for long. The lock file stays: removing
   it under the eyes of those who wait for it would give two of them the lock. */
static int sweep_entry(struct cache *cache, const char *lock_name, time_t now)
{
	struct hf_str name = hf_str_of(lock_name);
	struct stat st;
	if (!str_ends(name, HF_STR(".lock")) || name.len - 5 > CACHE_NAME_MAX)
		return 0;
	char text[CACHE_NAME_MAX + 1];
	snprintf(text, sizeof(text), "%.*s", (int)name.len - 5, name.ptr);
	struct entry entry = entry_of(text);
	CLEANUP(fd_closep) int lock = openat(cache->fd, lock_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0 || fstat(lock, &st) != 0)
		return 0;
	int removed = fstatat(cache->fd, entry.fresh, &(struct stat){0}, AT_SYMLINK_NOFOLLOW) == 0 &&
	              tree_remove(cache->fd, entry.fresh) == 0;
	if (now - st.st_mtime > (time_t)CACHE_UNUSED_DAYS * 86400 &&
	    fstatat(cache->fd, entry.name, &(struct stat){0}, AT_SYMLINK_NOFOLLOW) == 0)
		removed += tree_remove(cache->fd, entry.name) == 0;
	return removed;
}

int cache_sweep(struct cache *cache, hf_context *ctx)
{
	int removed = 0, again = fcntl(cache->fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	if (!dir) {
		fd_closep(&again);
		return 0;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)))
		removed += sweep_entry(cache, entry->d_name, (time_t)(hf_now_wall_us(ctx) / 1000000));
	closedir(dir);
	return removed;
}
