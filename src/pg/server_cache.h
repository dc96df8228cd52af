/*
 * server_cache.h - folders that are expensive to make, made once and copied from then on.
 *
 * One cache per user of servers, in a folder of mode 0700 that belongs to that user; another owner or mode is refused,
 * never repaired. An entry is built under an exclusive lock and appears by rename; copying holds a shared lock. An
 * entry whose files are not those that were counted when it was made is thrown away and built again.
 * All calls: with the file rights of the server's user (fs_as).
 */
#ifndef PG_SERVER_CACHE_H
#define PG_SERVER_CACHE_H

#include <limits.h>

#include "base/context.h"
#include "pg/server_user.h"

enum { CACHE_NAME_MAX = 200, CACHE_UNUSED_DAYS = 14 };

struct cache {
	int fd;
	char path[PATH_MAX - 512];
};

/** Make `data`, what the entry is to hold, in the new folder `path` (open as `fd`). Whatever else is left there goes
 *  unnoticed. Processes that write there must hold a copy of `lock` as long as they live: should the builder be killed,
 *  the next one waits for them. */
typedef enum hf_status cache_build_fn(void *user, int fd, const char *path, int lock, hf_deadline deadline,
                                      hf_error *err);

/** Open or create the user's cache; makes root's folder in /var/cache with root's own rights, so call it without
 *  fs_as(). HF_E_DENIED: the folder is not to be trusted; HF_E_CONFIG: HOLDFAST_CACHE_DIR cannot be used;
 *  HF_E_FAILED: there is no place for one. */
enum hf_status cache_open(const struct server_user *user, struct cache *ret_cache, hf_error *err);
void cache_close(struct cache *cache);
/** Copy entry `name` to `to_name`, a new folder in `to_fd`; builds it when there is none (or none that is whole). */
enum hf_status cache_fetch(hf_context *ctx, struct cache *cache, const char *name, cache_build_fn *build, void *user,
                           int to_fd, const char *to_name, hf_deadline deadline, hf_error *err);
/** Throw an entry away: what was made from it did not work. */
void cache_drop(hf_context *ctx, struct cache *cache, const char *name, hf_deadline deadline);

/** Remove entries that nobody used for CACHE_UNUSED_DAYS, and what a killed builder left. Returns how many. */
int cache_sweep(struct cache *cache, hf_context *ctx);
/** A lock of the user's by any name; close to let it go. */
enum hf_status cache_lock(hf_context *ctx, struct cache *cache, const char *name, hf_deadline deadline, int *ret_fd,
                          hf_error *err);

/** flock() with a deadline. `operation` LOCK_SH or LOCK_EX. HF_TIMEOUT names `what`. */
enum hf_status lock_wait(hf_context *ctx, int fd, int operation, const char *what, hf_deadline deadline, hf_error *err);

#endif
