/*
 * lmdb_map.c - the ordered map on LMDB: transactions, values, cursors.
 *
 * Entries lie in LMDB's unnamed map, and so do the few rows of ORDERED_META: a named one costs every transaction a look
 * at its name, and every commit a page more. Below 0x40 (which the number of a namespace stays) a key is an entry's.
 *
 * Readers take a slot each, with a transaction of its own that is renewed and reset: a slot is claimed by one exchange,
 * and threads begin to look at different ones. Between calls no slot pins a page.
 *
 * The whole of the map is address space from the start (LMDB writes what it uses, no more), so that nothing grows here.
 * Another process may have chosen more: then the map is taken as it is there, while all slots and the writers' lock are
 * ours.
 *
 * Durability: ORDERED_WRITE is LMDB's own (data, then the meta page, each on disk); ORDERED_WRITE_RELAXED leaves out
 * the wait for the meta page (MDB_NOMETASYNC), which may undo the last commits at a crash of the machine and nothing
 * else.
 */
#include "kv/lmdb_map.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/error.h"

enum { KEY_BYTES_MAX = 511, SLOT_WRITE = LMDB_SLOTS, FULL_BYTES = 1 << 20 };

static struct lmdb_map *map_of(const struct ordered_txn *txn)
{
	return (struct lmdb_map *)txn->store;
}

static MDB_val val_of(struct hf_bytes bytes)
{
	return (MDB_val){bytes.len, (void *)(uintptr_t)bytes.ptr};
}

/* ---- errors ---- */

COLD static enum hf_status full(const struct lmdb_map *map, hf_error *err)
{
	MDB_envinfo info = {0};
	int dead = 0;
	mdb_env_info(map->env, &info);
	mdb_reader_check(map->env, &dead);
	error_set(err, HF_E_LIMIT, "the store at %s is full: it has reached %zu bytes", map->path, info.me_mapsize);
	error_hint(err, dead ? "space that ended processes held was freed just now: try again"
	                     : "remove entries, or open it with a greater map_bytes_max");
	if (err) {
		err->category = HF_CATEGORY_RESOURCE;
		err->action = HF_ACTION_FIX_CONFIG;
	}
	return HF_E_LIMIT;
}

enum hf_status lmdb_failed(const struct lmdb_map *map, int rc, const char *what, hf_error *err)
{
	switch (rc) {
	case MDB_MAP_FULL:
		return full(map, err);
	case ENOMEM:
		return error_nomem(err);
	case ENOSPC:
	case EDQUOT:
		error_set(err, HF_E_LIMIT, "could not %s %s: the disk is full", what, map->path);
		break;
	case MDB_TXN_FULL:
		error_set(err, HF_E_LIMIT, "could not %s %s: the transaction is too large", what, map->path);
		break;
	case MDB_READERS_FULL:
		error_set(err, HF_BUSY, "could not %s %s: %d readers are at work", what, map->path, LMDB_READERS_MAX);
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		return error_set(err, HF_E_DENIED, "could not %s %s: %s", what, map->path, mdb_strerror(rc));
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_BAD_DBI:
	case MDB_INCOMPATIBLE:
		return error_set(err, HF_E_CORRUPT, "could not %s %s: %s", what, map->path, mdb_strerror(rc));
	case MDB_BAD_VALSIZE:
		return error_set(err, HF_E_LIMIT, "a key has more bytes than LMDB's %d", KEY_BYTES_MAX);
	default:
		return error_set(err, HF_E_FAILED, "could not %s %s: %s", what, map->path, mdb_strerror(rc));
	}
	if (err)
		err->category = HF_CATEGORY_RESOURCE;
	return rc == MDB_READERS_FULL ? HF_BUSY : HF_E_LIMIT;
}

/* ---- readers ---- */

static struct lmdb_slot *first_slot(struct lmdb_map *map)
{
	return &map->slots[(uint64_t)pthread_self() * UINT64_C(0x9e3779b97f4a7c15) >> 58];
}

static bool slot_try(struct lmdb_slot *slot)
{
	return !atomic_exchange_explicit(&slot->taken, true, memory_order_acquire);
}

static void slot_give(struct lmdb_slot *slot)
{
	atomic_store_explicit(&slot->taken, false, memory_order_release);
}

/* All slots are in use: each for a page of a range at most. */
COLD static struct lmdb_slot *slot_wait(struct lmdb_map *map, hf_deadline deadline)
{
	while (hf_now_monotonic_us(map->ctx) < deadline) {
		for (size_t i = 0; i < LMDB_SLOTS; i++)
			if (slot_try(&map->slots[i]))
				return &map->slots[i];
		sched_yield();
	}
	return NULL;
}

HOT static struct lmdb_slot *slot_take(struct lmdb_map *map, hf_deadline deadline)
{
	struct lmdb_slot *slot = first_slot(map);
	return slot_try(slot) ? slot : slot_wait(map, deadline);
}

/* Another process made the map larger: follow it. The caller holds the writers' lock and no slot. */
COLD static int follow(struct lmdb_map *map)
{
	for (size_t i = 0; i < LMDB_SLOTS; i++)
		while (!slot_try(&map->slots[i]))
			sched_yield();
	int rc = mdb_env_set_mapsize(map->env, 0);
	for (size_t i = 0; i < LMDB_SLOTS; i++)
		slot_give(&map->slots[i]);
	return rc;
}

HOT static int renew(struct lmdb_map *map, struct lmdb_slot *slot)
{
	return slot->txn ? mdb_txn_renew(slot->txn) : mdb_txn_begin(map->env, NULL, MDB_RDONLY, &slot->txn);
}

COLD static enum hf_status follow_as_reader(struct lmdb_map *map, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = lmdb_lock_writers(map, deadline, err);
	if (status != HF_OK)
		return status;
	int rc = follow(map);
	lmdb_unlock_writers(map);
	return rc == 0 ? HF_OK : lmdb_failed(map, rc, "read", err);
}

HOT static enum hf_status begin_read(struct lmdb_map *map, hf_deadline deadline, struct ordered_txn *ret_txn,
                                     hf_error *err)
{
	for (int rc = MDB_MAP_RESIZED; rc == MDB_MAP_RESIZED;) {
		struct lmdb_slot *slot = slot_take(map, deadline);
		if (!slot)
			return error_set(err, HF_TIMEOUT, "could not read %s: %d threads read", map->path, LMDB_SLOTS);
		rc = renew(map, slot);
		if (rc == 0) {
			ret_txn->handle = slot->txn;
			ret_txn->slot = (uint32_t)(slot - map->slots);
			return HF_OK;
		}
		slot_give(slot);
		if (rc != MDB_MAP_RESIZED)
			return lmdb_failed(map, rc, "read", err);
		enum hf_status status = follow_as_reader(map, deadline, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

/* ---- transactions ---- */

static enum hf_status begin_write(struct lmdb_map *map, unsigned flags, hf_deadline deadline,
                                  struct ordered_txn *ret_txn, hf_error *err)
{
	MDB_txn *handle = NULL;
	enum hf_status status = lmdb_lock_writers(map, deadline, err);
	if (status != HF_OK)
		return status;
	int rc = mdb_txn_begin(map->env, NULL, flags, &handle);
	if (rc == MDB_MAP_RESIZED && (rc = follow(map)) == 0)
		rc = mdb_txn_begin(map->env, NULL, flags, &handle);
	if (rc != 0) {
		lmdb_unlock_writers(map);
		return lmdb_failed(map, rc, "write", err);
	}
	map->entries = NULL;
	ret_txn->handle = handle;
	ret_txn->number = mdb_txn_id(handle);
	ret_txn->is_next = map->committed == ret_txn->number - 1;
	ret_txn->slot = SLOT_WRITE;
	return HF_OK;
}

HOT static enum hf_status lmdb_begin(struct ordered *store, enum ordered_mode mode, hf_deadline deadline,
                                     struct ordered_txn *ret_txn, hf_error *err)
{
	struct lmdb_map *map = (struct lmdb_map *)store;
	ret_txn->store = store;
	if (mode == ORDERED_READ)
		return begin_read(map, deadline, ret_txn, err);
	return begin_write(map, mode == ORDERED_WRITE_RELAXED ? MDB_NOMETASYNC : 0, deadline, ret_txn, err);
}

/* LMDB undoes what it could not write; when not even that is sure it refuses everything from then on. */
static bool is_unsure(const struct lmdb_map *map)
{
	MDB_txn *probe = NULL;
	int rc = mdb_txn_begin(map->env, NULL, MDB_RDONLY, &probe);
	if (rc == 0)
		mdb_txn_abort(probe);
	return rc == MDB_PANIC;
}

/* LMDB calls a write that was cut short EIO, whatever the reason. */
static bool disk_is_full(const struct lmdb_map *map)
{
	struct statvfs disk;
	return fstatvfs(map->write_fd, &disk) == 0 && disk.f_bavail * disk.f_frsize < FULL_BYTES;
}

static enum hf_status not_committed(const struct lmdb_map *map, int rc, hf_error *err)
{
	if (!is_unsure(map))
		return lmdb_failed(map, rc == EIO && disk_is_full(map) ? ENOSPC : rc, "commit to", err);
	error_set(err, HF_E_OUTCOME_UNKNOWN, "could not commit to %s: %s", map->path, mdb_strerror(rc));
	if (err)
		err->action = HF_ACTION_UNKNOWN;
	return HF_E_OUTCOME_UNKNOWN;
}

static enum hf_status lmdb_commit(struct ordered_txn *txn, hf_error *err)
{
	struct lmdb_map *map = map_of(txn);
	MDB_envinfo info;
	int rc = mdb_txn_commit(txn->handle);
	if (rc == 0 && mdb_env_info(map->env, &info) == 0 && info.me_last_txnid == txn->number)
		map->committed = txn->number; /* one without changes is none */
	lmdb_unlock_writers(map);
	return rc == 0 ? HF_OK : not_committed(map, rc, err);
}

HOT static void lmdb_abort(struct ordered_txn *txn)
{
	struct lmdb_map *map = map_of(txn);
	if (txn->slot == SLOT_WRITE) {
		mdb_txn_abort(txn->handle);
		lmdb_unlock_writers(map);
		return;
	}
	mdb_txn_reset(txn->handle);
	slot_give(&map->slots[txn->slot]);
}

/* Who writes an entry looks for it first: one cursor for both goes down the tree once. It ends with the transaction. */
static int entries_cursor(struct lmdb_map *map, struct ordered_txn *txn)
{
	return map->entries ? 0 : mdb_cursor_open(txn->handle, map->dbis[ORDERED_ENTRIES], &map->entries);
}

static int find(struct lmdb_map *map, struct ordered_txn *txn, enum ordered_map which, MDB_val *key, MDB_val *ret_value)
{
	if (txn->slot != SLOT_WRITE || which != ORDERED_ENTRIES)
		return mdb_get(txn->handle, map->dbis[which], key, ret_value);
	int rc = entries_cursor(map, txn);
	return rc == 0 ? mdb_cursor_get(map->entries, key, ret_value, MDB_SET) : rc;
}

static int reserve(struct lmdb_map *map, struct ordered_txn *txn, enum ordered_map which, MDB_val *key, MDB_val *value)
{
	if (which != ORDERED_ENTRIES)
		return mdb_put(txn->handle, map->dbis[which], key, value, MDB_RESERVE);
	int rc = entries_cursor(map, txn);
	return rc == 0 ? mdb_cursor_put(map->entries, key, value, MDB_RESERVE) : rc;
}

HOT static enum hf_status lmdb_get(struct ordered_txn *txn, enum ordered_map which, struct hf_bytes key,
                                   struct hf_bytes *ret_value, hf_error *err)
{
	struct lmdb_map *map = map_of(txn);
	MDB_val wanted = val_of(key), value;
	int rc = find(map, txn, which, &wanted, &value);
	if (rc == MDB_NOTFOUND)
		return HF_NOT_FOUND;
	if (rc != 0)
		return lmdb_failed(map, rc, "read", err);
	*ret_value = (struct hf_bytes){value.mv_data, value.mv_size};
	return HF_OK;
}

static enum hf_status lmdb_put(struct ordered_txn *txn, enum ordered_map which, struct hf_bytes key, size_t bytes,
                               uint8_t **ret_place, hf_error *err)
{
	struct lmdb_map *map = map_of(txn);
	MDB_val wanted = val_of(key), value = {bytes, NULL};
	int rc = reserve(map, txn, which, &wanted, &value);
	if (rc != 0)
		return lmdb_failed(map, rc, "write", err);
	*ret_place = value.mv_data;
	return HF_OK;
}

static enum hf_status lmdb_del(struct ordered_txn *txn, enum ordered_map which, struct hf_bytes key, hf_error *err)
{
	struct lmdb_map *map = map_of(txn);
	MDB_val wanted = val_of(key);
	int rc = mdb_del(txn->handle, map->dbis[which], &wanted, NULL);
	if (rc == MDB_NOTFOUND)
		return HF_NOT_FOUND;
	return rc == 0 ? HF_OK : lmdb_failed(map, rc, "write", err);
}

/* ---- cursors ---- */

static enum hf_status lmdb_cursor_open(struct ordered_txn *txn, enum ordered_map which,
                                       struct ordered_cursor *ret_cursor, hf_error *err)
{
	struct lmdb_map *map = map_of(txn);
	MDB_cursor *cursor = NULL;
	int rc = mdb_cursor_open(txn->handle, map->dbis[which], &cursor);
	if (rc != 0)
		return lmdb_failed(map, rc, "read", err);
	*ret_cursor = (struct ordered_cursor){txn, which, cursor};
	return HF_OK;
}

static void lmdb_cursor_close(struct ordered_cursor *cursor)
{
	mdb_cursor_close(cursor->place);
}

/* The last before `key` is the one before the first that is not, or the last of all. */
static int move_before(MDB_cursor *cursor, struct hf_bytes key, MDB_val *ret_key, MDB_val *ret_value)
{
	*ret_key = val_of(key);
	int rc = key.ptr ? mdb_cursor_get(cursor, ret_key, ret_value, MDB_SET_RANGE) : MDB_NOTFOUND;
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(cursor, ret_key, ret_value, MDB_LAST);
	return rc == 0 ? mdb_cursor_get(cursor, ret_key, ret_value, MDB_PREV) : rc;
}

static int move_at(MDB_cursor *cursor, struct hf_bytes key, MDB_val *ret_key, MDB_val *ret_value)
{
	*ret_key = val_of(key);
	return mdb_cursor_get(cursor, ret_key, ret_value, key.len ? MDB_SET_RANGE : MDB_FIRST);
}

static int go(MDB_cursor *cursor, enum ordered_move move, struct hf_bytes key, MDB_val *ret_key, MDB_val *ret_value)
{
	switch (move) {
	case ORDERED_AT:
		return move_at(cursor, key, ret_key, ret_value);
	case ORDERED_BEFORE:
		return move_before(cursor, key, ret_key, ret_value);
	case ORDERED_NEXT:
		return mdb_cursor_get(cursor, ret_key, ret_value, MDB_NEXT);
	case ORDERED_PREVIOUS:
		return mdb_cursor_get(cursor, ret_key, ret_value, MDB_PREV);
	}
	return EINVAL;
}

static enum hf_status lmdb_move(struct ordered_cursor *cursor, enum ordered_move move, struct hf_bytes key,
                                struct ordered_pair *ret_pair, hf_error *err)
{
	MDB_val at, value;
	int rc = go(cursor->place, move, key, &at, &value);
	if (rc == MDB_NOTFOUND)
		return HF_NOT_FOUND;
	if (rc != 0)
		return lmdb_failed(map_of(cursor->txn), rc, "read", err);
	ret_pair->key = (struct hf_bytes){at.mv_data, at.mv_size};
	ret_pair->value = (struct hf_bytes){value.mv_data, value.mv_size};
	return HF_OK;
}

/* ---- care ---- */

static uint64_t tree_bytes(const MDB_stat *stat)
{
	return stat->ms_psize * (uint64_t)(stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages);
}

static enum hf_status lmdb_sizes(struct ordered *store, hf_deadline deadline, struct ordered_sizes *ret_sizes,
                                 hf_error *err)
{
	struct lmdb_map *map = (struct lmdb_map *)store;
	struct ordered_txn txn;
	struct ordered_sizes sizes = {0};
	enum hf_status status = lmdb_begin(store, ORDERED_READ, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	for (int i = 0; i < ORDERED_MAPS; i++) {
		MDB_stat stat;
		if (i == ORDERED_META) /* lies with the entries */
			continue;
		if (mdb_stat(txn.handle, map->dbis[i], &stat) != 0)
			continue;
		sizes.all_bytes += tree_bytes(&stat);
		if (i == ORDERED_ENTRIES)
			sizes.entries_bytes = tree_bytes(&stat);
		if (i == ORDERED_EXPIRY)
			sizes.index_bytes = (int64_t)tree_bytes(&stat);
		if (i == ORDERED_HISTORY || i == ORDERED_CHANGED)
			sizes.history_bytes += (int64_t)tree_bytes(&stat);
	}
	lmdb_abort(&txn);
	*ret_sizes = sizes;
	return HF_OK;
}

struct readers {
	int64_t count;
	uint64_t oldest; /* transaction that one of them reads in; UINT64_MAX = none reads */
};

/* A line of mdb_reader_list(): process, thread, transaction or "-". What is none (the heading) is passed over. */
static int see_reader(const char *line, void *user)
{
	struct readers *readers = user;
	long process;
	char thread[32], number[32], *end;
	if (sscanf(line, "%ld %31s %31s", &process, thread, number) != 3)
		return 0;
	readers->count++;
	uint64_t at = strtoull(number, &end, 10);
	if (*end == '\0' && end != number && at < readers->oldest)
		readers->oldest = at;
	return 0;
}

static void lmdb_look(struct ordered *store, struct ordered_look *ret_look)
{
	struct lmdb_map *map = (struct lmdb_map *)store;
	struct readers readers = {.oldest = UINT64_MAX};
	MDB_envinfo info;
	int dead = 0;
	mdb_reader_check(map->env, &dead);
	mdb_reader_list(map->env, see_reader, &readers);
	mdb_env_info(map->env, &info);
	*ret_look = (struct ordered_look){.room_bytes = (int64_t)info.me_mapsize,
	                                  .readers = readers.count,
	                                  .readers_dead = dead};
	if (readers.oldest < info.me_last_txnid)
		ret_look->reader_lag = (int64_t)(info.me_last_txnid - readers.oldest);
}

static void lmdb_tend(struct ordered *store)
{
	int dead = 0;
	mdb_reader_check(((struct lmdb_map *)store)->env, &dead);
}

const struct ordered_ops lmdb_ops = {
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.abort = lmdb_abort,
	.get = lmdb_get,
	.put = lmdb_put,
	.del = lmdb_del,
	.cursor_open = lmdb_cursor_open,
	.cursor_close = lmdb_cursor_close,
	.move = lmdb_move,
	.sizes = lmdb_sizes,
	.look = lmdb_look,
	.tend = lmdb_tend,
	.close = lmdb_close,
};
