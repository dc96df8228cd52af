/*
 * dependency.h - runs that failed for dependencies which nobody had: are these available by now? (spec/janitor.md 7.8)
 *
 * What is available stands in a table all_debian_versions, which is no part of the schema: where it is missing, nothing
 * is. Runs are collected while their rows arrive, then settled together: no round trip where there are none, one where
 * the table is missing, else two.
 */
#ifndef JANITOR_DEPENDENCY_H
#define JANITOR_DEPENDENCY_H

#include "base/arena.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

/* A run that waits for the answer. */
struct dependency_wait {
	int64_t place;         /* whose run it is, by the caller's count from 1 */
	bool same_context;     /* see core/schedule.h */
	struct hf_str details; /* JSON with a list of relations; a copy in the arena */
};

struct dependency_waits {
	hf_arena *arena; /* of the caller; lives until all are settled */
	struct dependency_wait *waits;
	size_t count, capacity;
	int64_t failed; /* place of the one that could not be settled */
};

/**
 * Look at the failure details of a run. *ret_waits: true, and it was added: they hold relations that must be looked up.
 * @return HF_OK; HF_E_INPUT no JSON; HF_REJECTED another shape than the worker writes.
 */
enum hf_status dependency_add(struct dependency_waits *waits, const struct dependency_wait *wait, bool *ret_waits,
                              hf_error *err);
typedef void dependency_settle_fn(void *user, const struct dependency_wait *wait, bool satisfied);
/**
 * Answer each in the order in which they came. Without the table none is satisfied; with D-17 that is HF_E_DRIFT, and a
 * relation that the original stumbles over is HF_REJECTED where it would (but `>>` and `<<` are the order that they
 * mean).
 */
enum hf_status dependency_settle(hf_where where, struct dependency_waits *waits, const struct hf_defects *keep,
                                 dependency_settle_fn *fn, void *user, hf_error *err);

#endif
