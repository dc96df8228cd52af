/*
 * state.h - the Janitor's state as a whole: can it be used, and if not, what of it?
 *
 * `holdfast db health` shows it.
 */
#ifndef HOLDFAST_STATE_H
#define HOLDFAST_STATE_H

#include "holdfast/health.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_REPOSITORY_COUNT = 11 };

struct hf_repository_health {
	const char *name; /* "runs"; lives for ever */
	enum hf_health_state state;
	int64_t latency_us; /* of one question; -1 = none was asked */
	hf_error error; /* why it is not healthy: a table or column that is missing or differs, no right to read, ... */
};

struct hf_state_health {
	enum hf_health_state state; /* unhealthy: the database is. degraded: it is, or a repository is not healthy */
	struct hf_health database;
	struct hf_repository_health repositories[HF_REPOSITORY_COUNT];
};

/**
 * Ask the database (hf_health()), then each repository for one row of its list, on connections of the pool: the
 * statements are those that the program uses, so that what differs in the schema is found. Never fails; takes twice
 * `timeout_ms` at most. Where the database is unhealthy no repository is asked, and each is unhealthy.
 * Round trips: those of hf_health() and one per repository. Threads: any.
 */
void hf_state_health(hf_pool *pool, const struct hf_health_options *options, struct hf_state_health *ret_health);

#ifdef __cplusplus
}
#endif
#endif
