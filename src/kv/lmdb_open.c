/*
 * lmdb_open.c - opening and closing a folder of LMDB, and who may write to it.
 *
 * LMDB's lock of writers cannot be waited for with a deadline, so there is one before it: within the process turns.h,
 * between processes a lock of the file lmdb.write, which ends with the process. A folder must not be open twice in a
 * process (LMDB's POSIX locks, and ours, are the whole process's and end with the first close): a lock of one byte of
 * lmdb.open, at the process's number, sees to that.
 *
 * Less of the address space is taken than was asked for when the system refuses (ulimit -v).
 */
#include "kv/lmdb_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/str.h"

enum { PAUSE_US_MIN = 50, PAUSE_US_MAX = 1000 };
#define MAP_BYTES_MIN (UINT64_C(1) << 20)

/* ---- one writer ---- */

static enum hf_status kept_out(const struct lmdb_map *map, const char *who, hf_error *err)
{
	error_set(err, HF_TIMEOUT, "could not write %s: another %s wrote until the deadline", map->path, who);
	return HF_TIMEOUT;
}

/* Between processes: LMDB's robust mutex follows, and is free then. */
static enum hf_status lock_file(struct lmdb_map *map, hf_deadline deadline, hf_error *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	useconds_t pause = PAUSE_US_MIN;
	while (fcntl(map->write_fd, F_SETLK, &lock) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return error_errno(err, HF_E_FAILED, "could not lock %s", map->path);
		if (hf_now_monotonic_us(map->ctx) >= deadline)
			return kept_out(map, "process", err);
		if (hf_context_interrupted(map->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted");
		usleep(pause);
		pause = pause * 2 < PAUSE_US_MAX ? pause * 2 : PAUSE_US_MAX;
	}
	return HF_OK;
}

static void unlock_file(struct lmdb_map *map)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
	fcntl(map->write_fd, F_SETLK, &lock);
}

enum hf_status lmdb_lock_writers(struct lmdb_map *map, hf_deadline deadline, hf_error *err)
{
	if (!turns_begin_write(&map->writers, deadline - hf_now_monotonic_us(map->ctx)))
		return kept_out(map, "thread", err);
	enum hf_status status = lock_file(map, deadline, err);
	if (status != HF_OK)
		turns_end_write(&map->writers);
	return status;
}

void lmdb_unlock_writers(struct lmdb_map *map)
{
	unlock_file(map);
	turns_end_write(&map->writers);
}

/* ---- closing ---- */

/* In a child of the process that opened it nothing may be touched: mappings and descriptors stay until it ends. */
static void close_env(struct lmdb_map *map)
{
	if (map->pid != getpid())
		return;
	for (int i = 0; i < LMDB_SLOTS; i++)
		if (map->slots[i].txn)
			mdb_txn_abort(map->slots[i].txn);
	if (map->env) {
		mdb_env_sync(map->env, 1);
		mdb_env_close(map->env);
	}
	if (map->write_fd >= 0)
		close(map->write_fd);
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET}; /* a child may have the descriptor still */
	if (map->open_fd >= 0) {
		fcntl(map->open_fd, F_OFD_SETLK, &lock);
		close(map->open_fd);
	}
}

void lmdb_close(struct ordered *store)
{
	struct lmdb_map *map = (struct lmdb_map *)store;
	close_env(map);
	turns_deinit(&map->writers);
	free(map->path);
	free(map);
}

/* ---- opening ---- */

/* What has none lies in the unnamed map. */
static const char *const map_names[ORDERED_MAPS] = {
	[ORDERED_EXPIRY] = "expiry",
	[ORDERED_HISTORY] = "history",
	[ORDERED_CHANGED] = "changed",
	[ORDERED_NAMESPACES] = "namespaces",
	[ORDERED_CHECKPOINTS] = "checkpoints",
	[ORDERED_LOCKS] = "locks",
	[ORDERED_CHANGES] = "changes",
};
static char FORMAT_KEY[] = "holdfast"; /* of ORDERED_META */
static const struct hf_str FORMAT = HF_STR_INIT("3");

static void lmdb_free(struct lmdb_map *map)
{
	lmdb_close(&map->base);
}
DEFINE_OWNED(lmdb, struct lmdb_map *, lmdb_free)

static int compare_history(const MDB_val *a, const MDB_val *b)
{
	struct hf_str stem_a = {a->mv_data, a->mv_size - ORDERED_SUFFIX};
	struct hf_str stem_b = {b->mv_data, b->mv_size - ORDERED_SUFFIX};
	int order = str_cmp(stem_a, stem_b);
	return order ? order : memcmp(stem_a.ptr + stem_a.len, stem_b.ptr + stem_b.len, ORDERED_SUFFIX);
}

static enum hf_status open_file(const struct lmdb_map *map, int folder, const char *name, int *ret_fd, hf_error *err)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, errno == EACCES || errno == EROFS ? HF_E_DENIED : HF_E_FAILED,
		                   "could not open %s/%s", map->path, name);
	*ret_fd = fd;
	return HF_OK;
}

/* Once a process. lmdb.write must not even be opened by who comes second: closing it would end the first one's locks.
 */
static enum hf_status claim(struct lmdb_map *map, int folder, hf_error *err)
{
	struct flock own = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = map->pid, .l_len = 1};
	enum hf_status status = open_file(map, folder, "lmdb.open", &map->open_fd, err);
	if (status != HF_OK)
		return status;
	if (fcntl(map->open_fd, F_OFD_SETLK, &own) != 0) {
		close(map->open_fd);
		map->open_fd = -1;
		if (errno != EAGAIN && errno != EACCES)
			return error_errno(err, HF_E_FAILED, "could not lock %s/lmdb.open", map->path);
		error_set(err, HF_E_USAGE, "the store at %s is open in this process already", map->path);
		error_hint(err, "use that handle; hf_kv_namespace() gives it another namespace");
		return HF_E_USAGE;
	}
	return open_file(map, folder, "lmdb.write", &map->write_fd, err);
}

static enum hf_status claim_folder(struct lmdb_map *map, hf_error *err)
{
	if (mkdir(map->path, 0777) != 0 && errno != EEXIST)
		return error_errno(err, errno == EACCES || errno == EROFS ? HF_E_DENIED : HF_E_UNAVAILABLE,
		                   "could not make the folder %s", map->path);
	int folder = open(map->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (folder < 0)
		return error_errno(err, errno == EACCES ? HF_E_DENIED : HF_E_UNAVAILABLE,
		                   "could not open the folder %s", map->path);
	enum hf_status status = claim(map, folder, err);
	if (status == HF_OK)
		status = lmdb_check_file(map, folder, err);
	close(folder);
	return status;
}

/* An environment that could not be opened has to be made anew. */
static int env_open(struct lmdb_map *map, uint64_t bytes)
{
	int rc = mdb_env_create(&map->env);
	if (rc != 0)
		return rc;
	mdb_env_set_maxdbs(map->env, ORDERED_MAPS);
	mdb_env_set_maxreaders(map->env, LMDB_READERS_MAX);
	rc = mdb_env_set_mapsize(map->env, bytes);
	if (rc == 0)
		rc = mdb_env_open(map->env, map->path, MDB_NOTLS, 0666);
	if (rc == 0)
		return 0;
	mdb_env_close(map->env);
	map->env = NULL;
	return rc;
}

static enum hf_status open_env(struct lmdb_map *map, uint64_t bytes, hf_error *err)
{
	long page = sysconf(_SC_PAGESIZE);
	bytes = bytes > MAP_BYTES_MIN ? bytes - bytes % (uint64_t)page : MAP_BYTES_MIN;
	int rc = env_open(map, bytes);
	while ((rc == ENOMEM || rc == EINVAL) && bytes / 2 >= MAP_BYTES_MIN) { /* valgrind has EINVAL for too much */
		bytes /= 2;
		rc = env_open(map, bytes);
	}
	return rc == 0 ? HF_OK : lmdb_failed(map, rc, "open", err);
}

static int open_dbis(struct lmdb_map *map, MDB_txn *txn, unsigned flags)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < ORDERED_MAPS; i++)
		rc = mdb_dbi_open(txn, map_names[i], map_names[i] ? flags : 0, &map->dbis[i]);
	return rc == 0 ? mdb_set_compare(txn, map->dbis[ORDERED_HISTORY], compare_history) : rc;
}

/* MDB_NOTFOUND: it is no store. */
static int read_format(MDB_txn *txn, MDB_dbi main, struct hf_str *ret_format)
{
	MDB_val key = {sizeof(FORMAT_KEY) - 1, FORMAT_KEY}, value;
	int rc = mdb_get(txn, main, &key, &value);
	if (rc == 0)
		*ret_format = (struct hf_str){value.mv_data, value.mv_size};
	return rc;
}

/* Without waiting for who writes. MDB_NOTFOUND: the folder is new, or none of this version's. */
static int find_maps(struct lmdb_map *map)
{
	MDB_txn *txn = NULL;
	struct hf_str format = {0};
	int rc = mdb_txn_begin(map->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = open_dbis(map, txn, 0);
	if (rc == 0)
		rc = read_format(txn, map->dbis[ORDERED_META], &format);
	if (rc == 0 && !str_eq(format, FORMAT))
		rc = MDB_NOTFOUND;
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static enum hf_status of_another_version(const struct lmdb_map *map, hf_error *err)
{
	error_set(err, HF_E_DRIFT, "the store at %s is of another version", map->path);
	error_hint(err, "export it with the version that made it, and import it into a new folder");
	return HF_E_DRIFT;
}

/* Our keys would stand among another program's. */
static enum hf_status check_free(struct lmdb_map *map, MDB_txn *txn, hf_error *err)
{
	MDB_dbi main, entries;
	MDB_stat stat;
	struct hf_str format = {0};
	int rc = mdb_dbi_open(txn, NULL, 0, &main);
	if (rc == 0)
		rc = mdb_stat(txn, main, &stat);
	if (rc != 0)
		return lmdb_failed(map, rc, "open", err);
	if (stat.ms_entries == 0)
		return HF_OK;
	if (read_format(txn, main, &format) == 0) /* another process was faster */
		return str_eq(format, FORMAT) ? HF_OK : of_another_version(map, err);
	if (mdb_dbi_open(txn, "entries", 0, &entries) == 0)
		return of_another_version(map, err);
	error_set(err, HF_CONFLICT, "%s holds another program's database", map->path);
	error_hint(err, "choose another folder");
	return HF_CONFLICT;
}

static int make_dbis(struct lmdb_map *map, MDB_txn *txn)
{
	MDB_val key = {sizeof(FORMAT_KEY) - 1, FORMAT_KEY}, value = {FORMAT.len, (void *)(uintptr_t)FORMAT.ptr};
	int rc = open_dbis(map, txn, MDB_CREATE);
	return rc == 0 ? mdb_put(txn, map->dbis[ORDERED_META], &key, &value, 0) : rc;
}

static enum hf_status make_maps(struct lmdb_map *map, hf_error *err)
{
	struct ordered_txn txn;
	enum hf_status status =
		lmdb_ops.begin(&map->base, ORDERED_WRITE, hf_deadline_in(map->ctx, LMDB_OPEN_MS), &txn, err);
	if (status != HF_OK)
		return status;
	status = check_free(map, txn.handle, err);
	int rc = status == HF_OK ? make_dbis(map, txn.handle) : 0;
	if (rc != 0)
		status = lmdb_failed(map, rc, "open", err);
	if (status == HF_OK)
		return lmdb_ops.commit(&txn, err);
	lmdb_ops.abort(&txn);
	return status;
}

static enum hf_status open_maps(struct lmdb_map *map, hf_error *err)
{
	int rc = find_maps(map);
	if (rc == 0)
		return HF_OK;
	return rc == MDB_NOTFOUND ? make_maps(map, err) : lmdb_failed(map, rc, "open", err);
}

enum hf_status lmdb_map_open(hf_context *ctx, const char *path, uint64_t map_bytes_max, struct ordered **ret_store,
                             hf_error *err)
{
	CLEANUP(lmdb_freep) struct lmdb_map *map = calloc(1, sizeof(*map));
	if (!map)
		return error_nomem(err);
	*map = (struct lmdb_map){.base.ops = &lmdb_ops, .ctx = ctx, .pid = getpid(), .open_fd = -1, .write_fd = -1};
	turns_init(&map->writers);
	map->path = strdup(path);
	if (!map->path)
		return error_nomem(err);
	enum hf_status status = claim_folder(map, err);
	if (status == HF_OK)
		status = open_env(map, map_bytes_max, err);
	if (status == HF_OK)
		status = open_maps(map, err);
	if (status != HF_OK)
		return status;
	lmdb_ops.tend(&map->base);
	*ret_store = &lmdb_take(&map)->base;
	return HF_OK;
}
