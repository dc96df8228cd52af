/*
 * kv_health.h - how a key-value store is: usable, usable but somebody should look, or not, and why.
 *
 *     struct hf_kv_health health;
 *     hf_kv_health_report(kv, NULL, &health);
 *     if (health.state != HF_HEALTHY)
 *             fprintf(stderr, "%s: %s\n", hf_health_word(health.state), health.reasons[0]);
 *
 * What a backend has no such thing of, or does not tell to this role, is HF_KV_UNKNOWN or "", and blames nobody. The
 * questions go the way of every call: a saturated pool answers late, or not at all (unhealthy). health.h asks about a
 * database beside its pool.
 */
#ifndef HOLDFAST_KV_HEALTH_H
#define HOLDFAST_KV_HEALTH_H

#include "holdfast/health.h"
#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_KV_UNKNOWN INT64_C(-1)
enum { HF_KV_HEALTH_REASONS_MAX = 12, HF_KV_HEALTH_COUNT_MAX = 10000 };

/* From where on it is degraded. */
struct hf_kv_health_options {
	size_t size;
	int64_t timeout_ms;     /* 0 = 5,000: of all questions together */
	int64_t slow_ms;        /* 0 = 1,000: a round trip */
	int64_t sweep_ms;       /* 0 = 600,000: since what waits to be swept has expired */
	int64_t transaction_ms; /* 0 = 300,000: the oldest transaction that writes (PostgreSQL) */
	int64_t waiting_ms;     /* 0 = 30,000: callers wait for a connection without a break */
	uint32_t full_percent;  /* 0 = 80: of an LMDB map, or of the memory that Redis may take */
	uint32_t
		reader_commits; /* 0 = 10,000: so far behind is the oldest reader of an LMDB folder, whose pages stay */
};

struct hf_kv_health {
	enum hf_health_state state;
	size_t nreasons;                             /* 0 when healthy */
	char reasons[HF_KV_HEALTH_REASONS_MAX][160]; /* the worst first */
	hf_error error;                              /* when unhealthy: status and hint of it */

	int64_t latency_us;      /* of one round trip, made now */
	int64_t expired_waiting; /* expired entries of the store that no sweep has removed; counted up to 10,000 */
	int64_t sweep_lag_us;    /* since the first of them expired; 0 = there are none */
	int64_t checkpoint_us;   /* age of the newest of the handle's namespace */

	/* PostgreSQL */
	bool standby;           /* takes no writes */
	int64_t transaction_us; /* how long the oldest transaction that writes has run, as far as the role may see;
	                           prepared ones too */
	int64_t feed_lag_us;    /* how long changes are held back by it; the namespace has a change feed */
	char replica[16];       /* "follows", "promoted", "unreachable" */
	int64_t replica_lag_us; /* since what it replayed last was committed; 0 = it has everything */
	int64_t replica_lag_bytes;

	/* LMDB, Redis; the last is PostgreSQL's too */
	int64_t used_bytes, room_bytes; /* pages in use and the map; memory in use and what is allowed */
	int64_t readers;                /* LMDB: places that are taken, of 4096 */
	int64_t readers_dead;           /* places of processes that died, which were taken back just now */
	int64_t reader_lag;             /* commits since the oldest transaction that reads began */
	char eviction[24];              /* Redis: maxmemory-policy */
	/* What a crash of the machine leaves. Redis: "log always", "log everysec", or "snapshots" (degraded).
	 * PostgreSQL: "full"; "no fsync", "no full_page_writes" (degraded: it gives no HF_KV_STRICT); "throw-away", a
	 * private server (server.h) that is not `durable`, which is told and blames nobody. */
	char persistence[24];

	struct hf_pool_stats pool; /* PostgreSQL, Redis; connections_max 0 = there is none */
};

/** Never fails: what goes wrong is the answer. Unhealthy: it cannot be reached, its tables are not those of this
 *  version, it takes no writes, or the process was forked. Round trips: none for memory and LMDB, six for Redis and one
 *  more a namespace, six for PostgreSQL and one more for a replica. Threads: any. */
void hf_kv_health_report(hf_kv *kv, const struct hf_kv_health_options *options, struct hf_kv_health *ret_health);

#ifdef __cplusplus
}
#endif
#endif
