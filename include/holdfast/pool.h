/*
 * pool.h - a bounded number of connections, shared by threads.
 *
 *     hf_pool_open(ctx, settings, NULL, &pool, &err);
 *     queue_item_by_id(hf_on_pool(pool), &in, arena, &row, &err);     one statement on a connection of the pool
 *     hf_pool_close(pool);
 *
 * Fair: who waits is served in order of arrival, and a returned connection goes straight to the first who waits.
 * Idle connections are reused last in, first out, so that the surplus ages and goes. A connect belongs to the pool,
 * not to the caller who needed it: when that caller gives up, the connection still lands in the pool. A failed checkout
 * says why: all in use, still connecting, the host failing (and its last answer), or closed.
 *
 * Before a connection is given out it is looked at without a round trip, unless a statement ended well on it less than
 * 200 us ago: one that dies within these shows that at its next statement, as one that dies a moment later does. After
 * it came back it is made clean: an open transaction is rolled back, changed session state is reset, and what cannot be
 * cleaned is closed.
 *
 * Bounded: at no moment are more than `connections_max` connections open, being opened or being closed, besides one
 * that hf_health() keeps for itself.
 * Threads: a pool may be used by any number of threads; it runs a few of its own, with all signals blocked.
 * fork: in a child every call answers HF_E_USAGE "forked", and hf_pool_close() only closes the child's descriptors.
 */
#ifndef HOLDFAST_POOL_H
#define HOLDFAST_POOL_H

#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is done to a returned connection whose session state may have changed. */
enum hf_pool_reset {
	HF_POOL_RESET_TRACKED = 0, /* undo what its statements can have changed: nothing after generated queries */
	HF_POOL_RESET_NONE,        /* nothing: every user of the pool leaves the session as it was */
	HF_POOL_RESET_ALWAYS       /* undo everything, each time: one round trip a return */
};

struct hf_pool_options {
	size_t size;
	const char *name;            /* in metrics and log events; NULL = "default" */
	uint32_t connections_max;    /* 0 = 10; at most 1,000 */
	uint32_t connections_min;    /* kept open once opened; 0 = 2; more than the maximum means the maximum */
	bool lazy;                   /* true: connections_min is 0, connect when needed only */
	uint32_t connecting_max;     /* connects at a time; 0 = 2 */
	int64_t acquire_timeout_ms;  /* 0 = 5,000: a checkout waits no longer, whatever its deadline */
	int64_t idle_timeout_ms;     /* 0 = 600,000; -1 = never: closes idle ones beyond the minimum */
	int64_t lifetime_ms;         /* 0 = 1,800,000, each connection 10 % more or less; -1 = for ever */
	int64_t hold_warn_ms;        /* 0 = 30,000; -1 = never: event "pool_held_long" */
	enum hf_pool_reset reset;
	const struct hf_connection_options *connection; /* NULL = defaults; copied */
};

/** Open; settings and options are copied. Does not wait for a connection: whether the server can be reached shows at
 *  the first checkout. @return HF_OK; HF_E_USAGE; HF_E_NOMEM; HF_E_FAILED when no thread can be started. */
enum hf_status hf_pool_open(hf_context *ctx, const hf_settings *settings, const struct hf_pool_options *options,
                            hf_pool **ret_pool, hf_error *err);

/** Take a connection. It must be given back by hf_pool_return(), by any thread, and not be freed otherwise.
 *  @param deadline HF_DEADLINE_DEFAULT or an earlier moment than the acquire timeout gives.
 *  @return HF_OK; HF_TIMEOUT (all in use, or still connecting); HF_E_UNAVAILABLE (the host fails, or the pool is
 *  closed); at once, what a connect that cannot succeed answered (HF_E_DENIED, HF_E_CONFIG). No round trip. */
enum hf_status hf_pool_checkout(hf_pool *pool, hf_deadline deadline, hf_connection **ret_connection, hf_error *err);
/** Give it back. No round trip, except to clean it. Never fails: what cannot be cleaned is closed. */
void hf_pool_return(hf_pool *pool, hf_connection *connection);

/** Close what is open as soon as it comes back, and connect anew: after a failover or a change of the schema. */
void hf_pool_refresh(hf_pool *pool);
/** Give out no more, fail who waits, close what is idle, and wait until all came back. @return HF_OK; HF_TIMEOUT with
 *  the number still out. The pool stays closed, whatever came of it. */
enum hf_status hf_pool_drain(hf_pool *pool, hf_deadline deadline, hf_error *err);
/** Drain for at most 5 seconds, then free. Connections still out are closed when they come back, and the pool's
 *  memory goes with the last of them. NULL is allowed. */
void hf_pool_close(hf_pool *pool);

struct hf_pool_stats {
	uint32_t connections_max;
	uint32_t idle;
	uint32_t busy;
	uint32_t connecting;
	uint32_t closing;
	uint32_t waiting;            /* callers */
	int64_t waiting_us;          /* how long somebody has been waiting without a break; 0 = nobody waits */
	int64_t longest_hold_us;     /* of those that are out now */
	uint64_t checkouts;
	uint64_t waits;              /* checkouts that had to wait */
	uint64_t timeouts;
	uint64_t opened;
	uint64_t closed;
	uint64_t connects_failed;
	uint64_t leaked_transactions; /* returned with a transaction open */
	bool is_closed;
	char last_error[512];        /* of the last connect, "" after a success */
};
void hf_pool_stats(hf_pool *pool, struct hf_pool_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
