/*
 * health.h - is the database usable through this pool? For load balancers, dashboards and people.
 *
 * The probe runs on a connection of its own, so that a saturated pool does not look like a dead database, and takes
 * no connection from anybody. An answer is kept for a second: asking often costs nothing.
 */
#ifndef HOLDFAST_HEALTH_H
#define HOLDFAST_HEALTH_H

#include "holdfast/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hf_health_state {
	HF_HEALTHY = 0,
	HF_DEGRADED, /* works, but somebody should look */
	HF_UNHEALTHY
};

enum { HF_HEALTH_REASONS_MAX = 8 };

struct hf_health_options {
	size_t size;
	int64_t timeout_ms;                 /* 0 = 2,000: of the whole probe, connecting included */
	int64_t slow_ms;                    /* 0 = 1,000: a slower answer is degraded */
	int64_t waiting_ms;                 /* 0 = 30,000: callers waiting without a break for longer is degraded */
	bool require_primary;               /* a standby is unhealthy */
	const char *const *required_types;  /* qualified names that must resolve, e.g. "public.debversion" */
	size_t nrequired_types;             /* at most 16 */
};

/* For required_types: what the Janitor cannot work without. */
extern const char *const hf_janitor_types[3];

struct hf_health {
	enum hf_health_state state;
	int64_t latency_us;       /* of one round trip; -1 = none was made */
	int64_t checked_wall_us;  /* when, microseconds since 1970 */
	bool in_recovery;         /* the probe's server is a standby */
	bool cached;
	struct hf_pool_stats pool; /* now, even when the rest is cached */
	size_t nreasons;          /* 0 when healthy */
	char reasons[HF_HEALTH_REASONS_MAX][160]; /* the worst first */
	hf_error error;           /* of the probe; category HF_CATEGORY_MISSING_TYPES when types are absent */
};

/** Never fails and never waits for the pool; takes `timeout_ms` at most, and a second more for cancelling a probe that
 *  hangs. Round trips: two and one per required type, or none when cached. Threads: any. */
void hf_health(hf_pool *pool, const struct hf_health_options *options, struct hf_health *ret_health);
/** "healthy", "degraded", "unhealthy". */
const char *hf_health_word(enum hf_health_state state);

#ifdef __cplusplus
}
#endif
#endif
