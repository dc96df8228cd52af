/*
 * pool.h (pg) - the inside of a pool.
 *
 * One mutex guards everything below it; no network work is done while it is held. Every connection sits in a slot,
 * every slot is in one state:
 *
 *     FREE -> CONNECTING -> IDLE <-> BUSY -> CLOSING -> FREE
 *
 * Invariant: connecting + idle + busy + closing <= max, because the slots are all there are. CLOSING ends when the
 * socket is closed and no cancel is in flight for it. A slot that is BUSY belongs to the thread that took it, one that
 * is CONNECTING or CLOSING to the thread that connects or closes.
 *
 * pool.c checkout, return, life cycle · pool_wait.c the queue of waiters · pool_connect.c connecting threads
 * pool_keep.c the maintenance thread · pool_recycle.c cleaning what came back · pool_count.c statistics and metrics
 */
#ifndef PG_POOL_H
#define PG_POOL_H

#include <pthread.h>

#include "base/metrics.h"
#include "core/backoff.h"
#include "holdfast/pool.h"
#include "pg/conn.h"
#include "pg/settings.h"

enum {
	POOL_CONNECTIONS_MAX = 1000,
	POOL_CONNECTING_MAX = 16,
	POOL_CLOSE_BUDGET_MS = 5000,
	POOL_NAME_MAX = 64,
	POOL_TRUSTED_US = 200 /* it is given out unseen while its last statement ended less long ago */
};

enum slot_state { SLOT_FREE = 0, SLOT_CONNECTING, SLOT_IDLE, SLOT_BUSY, SLOT_CLOSING, SLOT_STATES };

/* Why a connection was closed: a label of hf_pool_closed_total. */
enum close_reason {
	CLOSE_BROKEN,
	CLOSE_RESET_FAILED,
	CLOSE_LIFETIME,
	CLOSE_IDLE,
	CLOSE_DRAIN,
	CLOSE_REFRESH,
	CLOSE_OVERSIZE,
	CLOSE_REASONS
};

struct pool_slot {
	enum slot_state state;
	hf_connection *connection; /* IDLE, BUSY, CLOSING */
	struct pool_slot *next;    /* in the idle stack or the free list */
	uint64_t generation;       /* of the pool when it was opened: an older one is closed on return */
	int64_t expires_us;        /* lifetime; INT64_MAX = never */
	int64_t since_us;          /* IDLE: when it came back; BUSY: when it was given out */
	int backend;               /* process id of the server's side, for log events */
	bool warned;               /* held for long, and said so */
	bool trusted;              /* BUSY: a statement ended on it just before, so that nobody looked at it */
};

/* A caller that waits; lives on its stack. Who takes it out of the queue decides its fate, under the mutex. */
struct waiter {
	pthread_cond_t wake; /* CLOCK_MONOTONIC */
	struct waiter *next, *previous;
	struct pool_slot *given; /* handed over, BUSY already */
	bool queued;
};

/* hf_metrics handles with the pool's label. */
struct pool_metrics {
	hf_gauge *states[SLOT_STATES];
	hf_gauge *max, *waiting;
	hf_counter *acquired_ok, *acquired_timeout, *acquired_failed, *opened, *connects_failed, *leaked;
	hf_counter *closed[CLOSE_REASONS];
	hf_histogram *wait, *hold, *connect;
};

struct hf_pool {
	hf_context *ctx;
	struct fork_guard fork;
	/* read-only after open */
	hf_settings *settings;
	struct hf_connection_options connection_options; /* its texts are owned */
	char name[POOL_NAME_MAX];
	uint32_t max, min, connecting_max;
	int64_t acquire_timeout_us, idle_timeout_us, lifetime_us, hold_warn_us;
	enum hf_pool_reset reset;
	struct pool_metrics metrics;
	struct retry_budget retries;

	pthread_mutex_t mutex;
	pthread_condattr_t monotonic;
	pthread_cond_t work;    /* for connectors: something may have to be opened */
	pthread_cond_t tend;    /* for the maintenance thread: only to end it */
	pthread_cond_t settled; /* for drain: a slot became FREE, a waiter left, a thread ended */
	struct pool_slot *slots; /* max of them */
	struct pool_slot *idle, *free;
	uint32_t counts[SLOT_STATES];
	struct waiter *first, *last;
	uint32_t waiting;  /* in the queue */
	uint32_t visitors; /* threads inside pool_wait(), served or not */
	int64_t waiting_since_us; /* 0 = nobody waits */
	uint64_t generation;
	bool closed;
	bool abandoned; /* hf_pool_close() has given up waiting: the last return frees */
	pthread_t threads[POOL_CONNECTING_MAX + 1]; /* written at open only */
	uint32_t thread_count;
	int64_t kept_us; /* when the maintenance thread last ran */
	uint64_t checkouts, waits, timeouts, opened, closed_count, connects_failed, leaked;
	/* the host's mood */
	struct backoff backoff;
	int64_t retry_us;   /* no connect before */
	bool failing;       /* the last connect failed, for the reason in `cause` */
	bool permanent;     /* and will again: nobody should wait for the next one */
	hf_error cause;

	/* health.c: what follows belongs to the thread that set `probing`, under the mutex */
	pthread_cond_t probed; /* CLOCK_MONOTONIC */
	bool probing;
	hf_connection *probe;
	struct kept_health *health; /* the last answer; made at first use */
};

DEFINE_OWNED(pool, hf_pool *, hf_pool_close)

/* pool_count.c: all under the mutex. */
void pool_metrics_init(struct pool_metrics *metrics, struct hf_metrics *registry, const char *name, uint32_t max);
/** The only place where a slot's state changes. */
void slot_move(hf_pool *pool, struct pool_slot *slot, enum slot_state state);
int64_t pool_longest_hold_us(const hf_pool *pool, int64_t now_us);

/* pool_wait.c: under the mutex, except where told. */
/** Wait in the queue until a slot is handed over. Takes the mutex held and returns with it held. */
enum hf_status pool_wait(hf_pool *pool, hf_deadline deadline, struct pool_slot **ret_slot, hf_error *err);
/** Hand a BUSY slot to the first who waits; false when nobody does. */
bool pool_hand_over(hf_pool *pool, struct pool_slot *slot);
/** Wake all who wait without a slot: they fail with the pool's reason. */
void pool_fail_waiters(hf_pool *pool);
enum hf_status pool_error_closed(hf_error *err);
enum hf_status pool_error_cause(const hf_pool *pool, const char *prefix, hf_error *err);

/* pool_connect.c */
/** True when a checkout should not wait for a connect: the last one failed for good and its pause is not over. */
bool pool_is_hopeless(const hf_pool *pool, int64_t now_us);
/** Let a connecting thread look whether there is something to do. Under the mutex. */
void pool_want_connections(hf_pool *pool);
void *pool_connector(void *pool);

/* pool_keep.c */
/** One round of maintenance at `now_us`: closes what is idle or old, warns of long holds. Takes the mutex. */
void pool_tick(hf_pool *pool, int64_t now_us);
void *pool_keeper(void *pool);

/* pool_recycle.c */
/** Looks at an idle connection without a round trip, which is a system call. */
bool connection_is_alive(hf_connection *connection);
/** Make a returned connection clean. False: close it, for the reason given. Not under the mutex. `now_us` becomes 0
 *  where that took time. */
bool pool_recycle(hf_pool *pool, struct pool_slot *slot, int64_t *now_us, enum close_reason *ret_reason);

/* pool.c */
/** hf_pool_return() at a moment that was looked up just before; 0 = at none. */
void pool_return_at(hf_pool *pool, hf_connection *connection, int64_t now_us);
/** A connection that is IDLE or BUSY goes for good. Under the mutex, which is released meanwhile. */
void slot_close(hf_pool *pool, struct pool_slot *slot, enum close_reason reason);
/** A clean connection that is BUSY or CONNECTING: to who waits first, else onto the idle stack. Under the mutex. */
void slot_offer(hf_pool *pool, struct pool_slot *slot, int64_t now_us);
/** Frees when the pool is abandoned and nobody needs it any more. Under the mutex; true: it is gone, mutex and all. */
bool pool_release_if_last(hf_pool *pool);

#endif
