/*
 * ordered.h - an ordered map of bytes with transactions: all that the key-value engine asks of what stores its data.
 *
 * A store has a few maps (enum ordered_map). ORDERED_ENTRIES and ORDERED_META may lie in one: their keys differ in the
 * first byte (below 0x40; above), and who walks over the entries stops where their namespace ends. Keys order as
 * memcmp(3) does, the shorter first; in ORDERED_HISTORY by all but the last ORDERED_SUFFIX bytes, then by those. One
 * transaction writes at a time; readers see what was committed when they began, or hold writers back until they end.
 *
 * Ownership: what get() and the cursor show belongs to the store and is valid until the next put() or del() of the
 * transaction, or its end. Place given by put() is to be filled before anything else is called. A cursor is closed
 * before its transaction ends and sought anew after a put() or del().
 *
 * Threads: begin() from any; a transaction belongs to the thread that began it.
 */
#ifndef KV_ORDERED_H
#define KV_ORDERED_H

#include "base/macros.h"
#include "holdfast/context.h"
#include "holdfast/types.h"

enum ordered_map {
	ORDERED_ENTRIES = 0,
	ORDERED_EXPIRY,
	ORDERED_HISTORY,
	ORDERED_CHANGED,
	ORDERED_NAMESPACES,
	ORDERED_CHECKPOINTS,
	ORDERED_LOCKS,
	ORDERED_CHANGES,
	ORDERED_META,
	ORDERED_MAPS
};
enum { ORDERED_SUFFIX = 4 };

enum ordered_mode { ORDERED_READ, ORDERED_WRITE, ORDERED_WRITE_RELAXED };
enum ordered_move {
	ORDERED_AT,     /* the first key not before `key` */
	ORDERED_BEFORE, /* the last key before `key`; key.ptr NULL = the last of all */
	ORDERED_NEXT,
	ORDERED_PREVIOUS
};

struct ordered {
	const struct ordered_ops *ops;
};
struct ordered_txn {
	struct ordered *store;
	void *handle;    /* the implementation's own */
	uint64_t number; /* of what writes: one more than that of the last that was committed, by whatever process */
	bool is_next;    /* and that one was this process's */
	uint32_t slot;
};
struct ordered_cursor {
	struct ordered_txn *txn;
	enum ordered_map map;
	void *place; /* the implementation's own */
};
struct ordered_pair {
	struct hf_bytes key;
	struct hf_bytes value;
};
struct ordered_sizes {
	uint64_t all_bytes;
	uint64_t entries_bytes;
	int64_t index_bytes, history_bytes; /* -1 = not told */
};

/* What is known of the store beside what is in it; -1 = nothing. */
struct ordered_look {
	int64_t room_bytes;
	int64_t readers, readers_dead, reader_lag; /* as in kv_health.h */
};

struct ordered_ops {
	/** HF_TIMEOUT: somebody else writes (or, in memory, reads) all the time. */
	enum hf_status (*begin)(struct ordered *store, enum ordered_mode mode, hf_deadline deadline,
	                        struct ordered_txn *ret_txn, hf_error *err);
	/** Ends the transaction, on failure too. Only after HF_OK it happened; HF_E_OUTCOME_UNKNOWN. */
	enum hf_status (*commit)(struct ordered_txn *txn, hf_error *err);
	/** Ends the transaction; nothing happened. This is how reading ends. */
	void (*abort)(struct ordered_txn *txn);
	/** HF_OK; HF_NOT_FOUND (`err` is not touched). */
	enum hf_status (*get)(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key,
	                      struct hf_bytes *ret_value, hf_error *err);
	/** Room for the new value of `key`, not cleared. HF_E_LIMIT: the store is full; then only abort() is allowed.
	 */
	enum hf_status (*put)(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key, size_t value_bytes,
	                      uint8_t **ret_place, hf_error *err);
	/** HF_OK; HF_NOT_FOUND (`err` is not touched). */
	enum hf_status (*del)(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key, hf_error *err);
	enum hf_status (*cursor_open)(struct ordered_txn *txn, enum ordered_map map, struct ordered_cursor *ret_cursor,
	                              hf_error *err);
	void (*cursor_close)(struct ordered_cursor *cursor);
	/** HF_OK; HF_NOT_FOUND there is nothing that way (`err` is not touched). */
	enum hf_status (*move)(struct ordered_cursor *cursor, enum ordered_move move, struct hf_bytes key,
	                       struct ordered_pair *ret_pair, hf_error *err);
	/** HF_TIMEOUT as of begin(). */
	enum hf_status (*sizes)(struct ordered *store, hf_deadline deadline, struct ordered_sizes *ret_sizes,
	                        hf_error *err);
	void (*look)(struct ordered *store, struct ordered_look *ret_look);
	/** Look after what dead processes left; called now and then. */
	void (*tend)(struct ordered *store);
	void (*close)(struct ordered *store);
};

/** A store in the memory of this process. Close it with ops->close(). */
enum hf_status memory_map_open(hf_context *ctx, struct ordered **ret_store, hf_error *err);
/** A store in the folder `path`, made when it is missing; `map_bytes_max` bounds it. */
enum hf_status lmdb_map_open(hf_context *ctx, const char *path, uint64_t map_bytes_max, struct ordered **ret_store,
                             hf_error *err);

#endif
