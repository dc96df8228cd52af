/*
 * backend.h - the extension API of the key-value store: what a backend is. kv.h stands on it; programs that only keep
 * state do not need it.
 *
 * The store in front (src/kv/store.c) has checked everything that kv.h bounds before a backend sees it: lengths, TTLs,
 * flags that do not go together, metadata (canonical JSON). It counts, applies defaults and words errors that have
 * nothing to do with the backend. A backend never sees an operation whose capability bit it did not set.
 *
 * Threads: every function may be called from any number of threads at a time, but for close(). Time: absolute
 * deadlines, never 0 here. Ownership: inputs are borrowed; results live in the arena, entries of scan() during the
 * callback.
 */
#ifndef HOLDFAST_BACKEND_H
#define HOLDFAST_BACKEND_H

#include "holdfast/kv.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_index.h"
#include "holdfast/kv_lock.h"
#include "holdfast/kv_watch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_kv_backend_state hf_kv_backend_state; /* the backend's own */

/* The token of a write, with HF_KV_CAN_TOKEN: in one transaction with the writes it is kept, with the results. */
struct hf_kv_token {
	struct hf_uuid id;
	struct hf_uuid request; /* a hash of what is asked for; another one under the same id is HF_E_USAGE */
	bool *ret_repeated;     /* set on success: the results are those of an earlier call, nothing was done */
};

/* A batch as the backend sees it: in the order given, a key may stand there several times. ttl_us is that to use, the
 * default already in its place; 0 = never. It counts where the operation sets an expiry: PUT without HF_KV_KEEP_TTL,
 * TOUCH, and whatever makes an entry that was not live. */
struct hf_kv_batch {
	const struct hf_kv_write *writes;
	size_t count;
	enum hf_kv_durability durability;
	const struct hf_kv_fence *fence;
	const struct hf_kv_token *token; /* NULL = none */
	hf_deadline deadline;
	uint32_t value_bytes_max; /* for APPEND */
	bool blind; /* plain puts whose results nobody looks at: whoever wants leaves them as they are */
};

/* Keys that lie in from <= key, key < to (ptr NULL = no end), in order or reversed. The store has worked prefix,
 * cursor and range into these two. */
struct hf_kv_span {
	struct hf_bytes from;
	struct hf_bytes to;
	bool reverse;
	bool keys_only;
	bool bare;                  /* with keys_only: nobody looks at anything but the key */
	size_t limit;               /* 0 = none */
	struct hf_str has_metadata; /* ptr NULL = no filter */
	hf_deadline deadline;
	const struct hf_uuid *at; /* as of that checkpoint; NULL = now. Only with HF_KV_CAN_CHECKPOINT */
	int64_t moment_us;        /* with `at`: what expired by then is absent, what did later is not; 0 = now */
	bool at_once;             /* it is read as fast as it comes: one long answer will do, revisions may be 1.
	                           * Without `at` in whatever order, times may be missing */
};

/** An entry after the other, in the order of keys and none twice; valid until the next call. HF_STOP: that was all.
 * Takes its time, and reads another store. */
typedef enum hf_status hf_kv_next_fn(void *user, struct hf_kv_entry *ret_entry, hf_error *err);

/* Entries taken over as they are but for their revisions, which are new. They are checked. */
struct hf_kv_load {
	bool replace; /* live entries that stand there go */
	enum hf_kv_durability durability;
	hf_deadline deadline;
	hf_kv_next_fn *next;
	void *user;
};

/* Where a watch is. Zeroed with position -1, or the one to go on behind; the rest is the backend's own. */
struct hf_kv_feed_place {
	int64_t position;                 /* behind this */
	int64_t final;                    /* up to here nothing comes any more that is not there yet */
	int64_t seen, barrier;            /* greatest seen, and what has to end before that is final */
	bool waits;                       /* there is more than is final */
};

struct hf_kv_vtable {
	size_t size;      /* sizeof(struct hf_kv_vtable) */
	const char *name; /* "postgresql" */
	uint32_t capabilities;
	uint32_t key_bytes_max;
	bool embedded;         /* in this process: a call is no round trip */

	/** `url` as given to hf_kv_open(); options are filled with defaults. */
	enum hf_status (*open)(hf_context *ctx, const char *url, const struct hf_kv_options *options,
	                       hf_kv_backend_state **ret_state, hf_error *err);
	void (*close)(hf_kv_backend_state *state);
	/** The number of a namespace, made when it is not there; with hf_kv_options.no_namespace it is HF_NOT_FOUND
	 *  then, which the store words. */
	enum hf_status (*name_space)(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline,
	                             int32_t *ret_ns, hf_error *err);
	/** Its default time to live, after that became *set_us (NULL = as it is, 0 = none). NULL = it keeps none. */
	enum hf_status (*space_ttl)(hf_kv_backend_state *state, int32_t ns, const int64_t *set_us, hf_deadline deadline,
	                            int64_t *ret_us, hf_error *err);
	/** `ret_entries[i].rev` is 0 for what is absent or expired; all from one moment. */
	enum hf_status (*read)(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
	                       bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
	                       hf_error *err);
	/** As read(), for several callers at a time: a value of more than `value_bytes_max` bytes is left out (its ptr
	 *  is NULL, and only then). NULL = the backend does not combine. */
	enum hf_status (*gather)(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
	                         uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
	                         struct hf_kv_entry *ret_entries, hf_error *err);
	/** As gather() for who looks at values and nothing else: of what is there `rev` is any number above 0, all but
	 *  the value may be 0. UINT32_MAX: none is left out. NULL = read() and gather() are asked. */
	enum hf_status (*values)(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
	                         uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
	                         struct hf_kv_entry *ret_entries, hf_error *err);
	/** As hf_kv_apply(). `ret_results` is never NULL and zeroed. HF_CONFLICT: the results tell which was refused,
	 *  and the store words the error; when the fence is not held all are HF_KV_UNDONE. */
	enum hf_status (*apply)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
	                        hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err);
	/** As hf_kv_transact(): `compare`, `then` and `otherwise` share the rest of a batch. */
	enum hf_status (*transact)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
	                           const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
	                           struct hf_kv_result *ret_results, hf_error *err);
	enum hf_status (*scan)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
	                       hf_kv_entry_fn *fn, void *user, hf_error *err);
	enum hf_status (*count)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
	                        uint64_t *ret_count, hf_error *err);
	enum hf_status (*estimate)(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, uint64_t *ret_count,
	                           hf_error *err);
	enum hf_status (*clear)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
	                        uint64_t *ret_removed, hf_error *err);
	/** All or nothing, for readers and after a crash. HF_CONFLICT without `replace`: there are live entries. What
	 * next() answers else than HF_OK and HF_STOP ends it. NULL = the backend cannot. */
	enum hf_status (*load)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err);
	/** One step: at most `limit` of the expired entries of the store. */
	enum hf_status (*sweep)(hf_kv_backend_state *state, size_t limit, hf_deadline deadline, uint64_t *ret_removed,
	                        hf_error *err);
	enum hf_status (*vacuum)(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);
	enum hf_status (*sizes)(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_sizes *ret_sizes,
	                        hf_error *err);
	enum hf_status (*health)(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);
	/** What it can tell of itself into `health`, which has HF_KV_UNKNOWN for the rest; no verdict. A failure is one
	 *  of the store. NULL = nothing. */
	enum hf_status (*inspect)(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
	                          struct hf_kv_health *health, hf_error *err);
	/** Microseconds since 1970 on the store's clock. */
	enum hf_status (*now)(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *err);
	uint64_t (*retries)(const hf_kv_backend_state *state); /* statements that were sent again; NULL = none ever */

	/* ---- HF_KV_CAN_LOCK; see kv_lock.h. Names are checked, owners given, `ret_lock` is in the arena. ---- */

	/** HF_CONFLICT: `ret_lock` is the holder's. */
	enum hf_status (*lock_take)(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
	                            int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
	                            hf_error *err);
	/** HF_CONFLICT: not held so. @param ttl_us 0 = release it: the row stays, its lease is over. */
	enum hf_status (*lock_renew)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held,
	                             int64_t ttl_us, hf_deadline deadline, int64_t *ret_expires_us, hf_error *err);
	/** @param name ptr NULL = all, by name. */
	enum hf_status (*lock_list)(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
	                            hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err);

	/* ---- HF_KV_CAN_CHECKPOINT; see kv_checkpoint.h. An unknown id is HF_NOT_FOUND, worded by the store. ---- */

	/** `point` has id, name, metadata, pinned and kind; created_us and epoch are filled in, and the kind with
	 *  HF_KV_CAN_SNAPSHOT. Not counted. */
	enum hf_status (*point_create)(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
	                               hf_deadline deadline, hf_error *err);
	/** @param id NULL = all, the newest first. */
	enum hf_status (*point_list)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
	                             hf_deadline deadline, hf_arena *arena, struct hf_kv_checkpoint **ret_points,
	                             size_t *ret_count, hf_error *err);
	/** Keep row_count, data_size and digest of `point` where it is counted, else pinned; the other stays. */
	enum hf_status (*point_update)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
	                               hf_deadline deadline, hf_error *err);
	enum hf_status (*point_delete)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
	                               hf_deadline deadline, hf_error *err);
	/** Several at a time; those that are unknown do not count. NULL = one after the other. */
	enum hf_status (*points_delete)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *ids, size_t count,
	                                hf_deadline deadline, size_t *ret_deleted, hf_error *err);
	/** What goes with each if all that are older are gone. NULL = not known: pruning by bytes is refused. */
	enum hf_status (*points_weigh)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
	                               size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err);
	/** Was something written since? May say so where all is the same again. NULL = diff() tells. */
	enum hf_status (*point_changed)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
	                                hf_deadline deadline, bool *ret_changed, hf_error *err);
	/** @param undo as for point_create(), in the same transaction; NULL = none. */
	enum hf_status (*restore)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
	                          struct hf_kv_checkpoint *undo, hf_deadline deadline,
	                          struct hf_kv_restored *ret_restored, hf_error *err);
	enum hf_status (*read_at)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
	                          const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
	                          hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);
	/** @param moment_us expiries on both sides are judged at it; 0 = now. */
	enum hf_status (*diff)(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from,
	                       const struct hf_uuid *to, int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn,
	                       void *user, hf_error *err);

	/* ---- HF_KV_CAN_READ_REPLICAS; see hf_kv_read.replica ---- */

	/** A number behind all that was committed before. */
	enum hf_status (*position)(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_position,
	                           hf_error *err);
	/** What to read() from, that has all up to `behind` and is within the bound; `state` where nothing else is. */
	hf_kv_backend_state *(*replica)(hf_kv_backend_state *state, int64_t behind, hf_deadline deadline);

	/* ---- HF_KV_CAN_INDEX; see kv_index.h. `member` is checked, but for its length; ptr NULL = all. ---- */

	enum hf_status (*index_create)(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
	                               hf_error *err);
	/** HF_NOT_FOUND. */
	enum hf_status (*index_drop)(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
	                             hf_error *err);
	enum hf_status (*index_list)(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
	                             struct hf_kv_index **ret_indexes, size_t *ret_count, hf_error *err);

	/* ---- HF_KV_CAN_WATCH; see kv_watch.h. Without a feed HF_NOT_FOUND, worded by the store. ---- */

	/** keep_us and keep_changes of `feed`; NULL = turn it off. */
	enum hf_status (*feed_set)(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
	                           hf_deadline deadline, hf_error *err);
	enum hf_status (*feed_show)(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
	                            struct hf_kv_feed *ret_feed, hf_error *err);
	/** At most `limit` of what is final behind `place`, which moves on; none is HF_OK. A position of -1 becomes the
	 *  end of the feed as soon as that is known to be final. Events are in the arena, without entries.
	 *  HF_E_COMPACTED: some of them are gone, or the position is none of this feed. */
	enum hf_status (*changes)(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
	                          hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events,
	                          size_t *ret_count, hf_error *err);
};

/** Open a store on a backend of the program's own. */
enum hf_status hf_kv_open_backend(hf_context *ctx, const struct hf_kv_vtable *vtable, const char *url,
                                  const struct hf_kv_options *options, hf_kv **ret_kv, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
