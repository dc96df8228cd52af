/*
 * lmdb_map.h - the inside of the ordered map on LMDB (lmdb_map.c; opening, closing and locks: lmdb_open.c; files that
 * were cut: lmdb_check.c).
 */
#ifndef KV_LMDB_MAP_H
#define KV_LMDB_MAP_H

#include <lmdb.h>
#include <stdatomic.h>

#include "kv/ordered.h"
#include "kv/turns.h"

enum { LMDB_SLOTS = 64, LMDB_READERS_MAX = 4096, LMDB_OPEN_MS = 60000 };

/* A reader's transaction, between calls reset. */
struct lmdb_slot {
	atomic_bool taken;
	MDB_txn *txn;  /* NULL = not begun yet */
	char pad[112]; /* neighbours are not in one cache line */
};

struct lmdb_map {
	struct ordered base;
	hf_context *ctx;
	MDB_env *env;
	MDB_dbi dbis[ORDERED_MAPS];
	char *path;
	pid_t pid; /* that opened it */
	int open_fd, write_fd;
	struct turns writers;
	uint64_t committed;  /* the number of the last transaction of this process that changed something */
	MDB_cursor *entries; /* of the transaction that writes; NULL = not opened yet */
	struct lmdb_slot slots[LMDB_SLOTS];
};

extern const struct ordered_ops lmdb_ops; /* lmdb_map.c */

/** The error of LMDB's answer `rc`; `what` was being done to the store. */
enum hf_status lmdb_failed(const struct lmdb_map *map, int rc, const char *what, hf_error *err) COLD;
/** One writer at a time, of all threads and processes. HF_TIMEOUT; HF_E_INTERRUPTED. */
enum hf_status lmdb_lock_writers(struct lmdb_map *map, hf_deadline deadline, hf_error *err);
void lmdb_unlock_writers(struct lmdb_map *map);
void lmdb_close(struct ordered *store);
/** HF_E_CORRUPT when the file of pages in `folder` lacks some that are in use. */
enum hf_status lmdb_check_file(struct lmdb_map *map, int folder, hf_error *err);

#endif
