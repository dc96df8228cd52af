/*
 * postgres.h - the key-value store on PostgreSQL: what the files of the backend share.
 *
 *   postgres.c         open and close, namespaces, care
 *   postgres_get.c     rows as entries, reading by key
 *   postgres_read.c    by range
 *   postgres_put.c     a plain put, plain deletes, in one statement
 *   postgres_batch.c   plain puts of many keys, in one pipeline
 *   postgres_write.c   which way a batch takes, and the transaction that all others are
 *   postgres_retry.c   a statement again when that can help and cannot do harm
 *   postgres_token.h   a write again whose outcome is unknown, by its token
 *   postgres_lock.c    leases with fences
 *   postgres_checkpoint.h  checkpoints
 *   postgres_feed.c    the change feed
 *   postgres_health.c  how the server, the tables and the replica are
 *   postgres_replica.h reads from a replica
 *   postgres_index.h   indexes on metadata
 *   postgres_change.c  what writes do to entries that are held; decides, no I/O
 *
 * Plain puts of different keys are one statement, or many in one pipeline; plain deletes are one. A lone put
 * is an UPDATE while there is something to replace, else an upsert. Everything else is a
 * transaction of three round trips: the epoch and the fence; the entries of all keys in order, locked; the writes are
 * applied to what was read, and what came of it is stored, with the commit behind it (pg/joined.h).
 * With a token, which is a statement more in front, its result is stored with what came of the writes.
 * A key under which nothing stands cannot be locked: when somebody else put it meanwhile, all is done once more.
 *
 * Everything in the state but the last three members is constant after open; the pool serves any number of threads.
 */
#ifndef KV_POSTGRES_H
#define KV_POSTGRES_H

#include <stdatomic.h>

#include "holdfast/backend.h"
#include "holdfast/pool.h"
#include "holdfast/transaction.h"
#include "kv/codec.h"
#include "queries/kv/changes.h"
#include "queries/kv/checkpoints.h"
#include "queries/kv/entries.h"
#include "queries/kv/load.h"
#include "queries/kv/tokens.h"

struct hf_kv_backend_state {
	hf_context *ctx;
	hf_pool *pool;   /* owned */
	hf_arena *arena; /* owned: the texts of those below */
	struct hf_str schema, table;
	struct entries_bound entries; /* with the schema's and the table's name */
	struct checkpoints_bound points;
	struct load_bound load;
	struct changes_bound changes;
	struct tokens_bound tokens;
	struct postgres_replica *replica; /* owned; NULL = none */
	struct postgres_indexes *indexes; /* owned, but by a replica; what is known of those on metadata */
	bool no_namespace; /* none is made */
	uint32_t attempts_max;
	int64_t backoff_ms, backoff_ms_max;
	struct codec codec;
	atomic_bool packed;            /* a value that looked so was read: some are */
	atomic_uint_least64_t retries; /* statements and transactions that were sent again */
	atomic_int upserts;            /* puts before one is tried as a replacement; 0 = each is (postgres_put.c) */
};

enum { POSTGRES_STEP = 5000, POSTGRES_STEP_BYTES = 8 << 20, POSTGRES_PAGE = 1000, POSTGRES_PAGE_MAX = 16000 };
enum { POSTGRES_FIRST_UPSERTS = 8 };               /* who puts little has no use for another statement */
#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 from 1970 */

static inline hf_where postgres_on(const hf_kv_backend_state *state, hf_deadline deadline)
{
	return hf_until(hf_on_pool(state->pool), deadline);
}
static inline struct hf_transaction_options postgres_transaction(const hf_kv_backend_state *state)
{
	return (struct hf_transaction_options){.size = sizeof(struct hf_transaction_options),
	                                       .isolation = HF_READ_COMMITTED,
	                                       .attempts_max = state->attempts_max,
	                                       .backoff_base_ms = state->backoff_ms,
	                                       .backoff_cap_ms = state->backoff_ms_max};
}
/** To read in several statements what is there at one moment. */
static inline struct hf_transaction_options postgres_one_moment(const hf_kv_backend_state *state)
{
	struct hf_transaction_options how = postgres_transaction(state);
	how.isolation = HF_REPEATABLE_READ;
	how.read_only = true;
	return how;
}
static inline int64_t postgres_us(struct hf_timestamptz at)
{
	return at.us + POSTGRES_EPOCH_US;
}

/** The entry of a row; metadata are made canonical again and a packed value is unpacked, in the arena; the rest is
 *  borrowed from the row. */
enum hf_status postgres_entry(hf_kv_backend_state *state, const struct entry_row *row, bool keys_only, hf_arena *arena,
                              struct hf_kv_entry *ret_entry, hf_error *err);
/** The same into that of `count` entries whose place the row names. */
enum hf_status postgres_entry_at(hf_kv_backend_state *state, const struct entry_row *row, size_t count, bool keys_only,
                                 hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status postgres_metadata(bool is_there, struct hf_str text, hf_arena *arena, struct hf_str *ret_metadata,
                                 hf_error *err);

/* postgres_get.c, postgres_read.c, postgres_count.c */
enum hf_status postgres_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                             bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                             hf_error *err);
enum hf_status postgres_values(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                               struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status postgres_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                               struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status postgres_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                             void *user, hf_error *err);
enum hf_status postgres_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                              uint64_t *ret_count, hf_error *err);

enum hf_status postgres_estimate(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, uint64_t *ret_count,
                                 hf_error *err);

/* postgres_put.c */

/* A write by its key. */
struct place {
	const struct hf_kv_write *write;
	size_t index;  /* among the writes */
	uint64_t head; /* of its key, behind what all begin with, for whoever sorts */
};
int postgres_compare(struct hf_bytes a, struct hf_bytes b);
/** The writes by key, those of a key as they stand; NULL when memory is short. */
struct place *postgres_in_order(const struct hf_kv_write *writes, size_t count, hf_arena *scratch);
static inline bool postgres_same_key(const struct place *a, const struct place *b)
{
	return postgres_compare(a->write->key, b->write->key) == 0;
}
/** It has no conditions and wants nothing back. */
static inline bool postgres_is_plain(const struct hf_kv_write *write, enum hf_kv_op op)
{
	return write->op == op && !write->created_us && !(write->flags & ~(uint32_t)HF_KV_NO_TTL);
}
/** A batch of plain puts; or of plain deletes, up to POSTGRES_STEP, that are not relaxed. One in which a key stands
 *  twice goes on to postgres_hold_and_apply(), unless nobody looks at the results of puts. */
enum hf_status postgres_put(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                            struct hf_kv_result *ret_results, hf_error *err);
enum hf_status postgres_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                               struct hf_kv_result *ret_results, hf_error *err);
/* postgres_batch.c */
/** A batch of plain puts, as postgres_put() has them. */
enum hf_status postgres_put_many(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                 hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err);
/* Bound of the memory that a call works in: as much as its inputs and what it reads take. */
#define POSTGRES_SCRATCH_BYTES_MAX ((size_t)1 << 34)

/* postgres_write.c */
/** Any batch, as a transaction. */
enum hf_status postgres_hold_and_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                       hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err);
enum hf_status postgres_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                              struct hf_kv_result *ret_results, hf_error *err);
enum hf_status postgres_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                                 const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                                 struct hf_kv_result *ret_results, hf_error *err);
enum hf_status postgres_clear(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                              uint64_t *ret_removed, hf_error *err);

/* postgres_lock.c */
enum hf_status postgres_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                                  int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                  hf_error *err);
enum hf_status postgres_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held,
                                   int64_t ttl_us, hf_deadline deadline, int64_t *ret_expires_us, hf_error *err);
enum hf_status postgres_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                                  hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err);

/** HF_E_DRIFT, of what hf_migrate_check() said. */
enum hf_status postgres_not_these(hf_error *err);

/* postgres_health.c */
enum hf_status postgres_inspect(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                struct hf_kv_health *health, hf_error *err);

/* postgres_feed.c */
enum hf_status postgres_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                                 hf_deadline deadline, hf_error *err);
enum hf_status postgres_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                  struct hf_kv_feed *ret_feed, hf_error *err);
enum hf_status postgres_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                                hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events,
                                size_t *ret_count, hf_error *err);
/** Removes what feeds keep no longer. */
enum hf_status postgres_trim(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);

#endif
