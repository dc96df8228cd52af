/*
 * rig.h - a key-value store of each kind for tests: where it is, its clock, and what a test of it holds.
 *
 * One program runs on one kind, named on its command line. A kind that this build does not have is a skip that says so;
 * a server that does not start is a failure.
 */
#ifndef TESTS_KV_RIG_H
#define TESTS_KV_RIG_H

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "holdfast/context.h"
#include "holdfast/kv.h"
#include "../check.h"

#define KV_NOW_US INT64_C(1717243200000000) /* 2024-06-01T12:00:00 */
#define KV_SECOND_US INT64_C(1000000)

struct kv_rig {
	const char *kind; /* "memory", "lmdb", "redis", "postgresql" */
	char url[256];
	bool own_clock; /* expiry goes by `wall_us`; else by the server's clock */
	_Atomic int64_t wall_us;
	hf_context *ctx;
	hf_kv *root;    /* namespace "default", relaxed, no sweeping thread */
	char skip[256]; /* why there is nothing to test; "" = there is */
};

/** Start what it takes, open the store; "combined" is PostgreSQL whose callers share statements, "redis_combined" is
 * Redis with such. Asserts on failure; sets `skip` where there is nothing to test. */
void kv_rig_open(struct kv_rig *rig, const char *kind);
void kv_rig_close(struct kv_rig *rig);
/** Run the tests; where there is nothing to test say so for each, as TAP. @return how many failed. */
int kv_rig_run(const struct kv_rig *rig, const struct CMUnitTest *tests, size_t count);
/** End the server of "redis" as kill -9 does; then start it again with what it had kept. */
void kv_rig_kill_server(void);
void kv_rig_start_server(void);
/** URL of a store of its own, empty; valid until the next call. Memory: every open makes one. */
const char *kv_rig_fresh_url(struct kv_rig *rig);
/** Open another handle on `url`. */
enum hf_status kv_rig_open_at(struct kv_rig *rig, const char *url, const struct hf_kv_options *options, hf_kv **ret_kv,
                              hf_error *err);
/** Let `us` pass on the store's clock, at least. */
void kv_rig_pass(struct kv_rig *rig, int64_t us);

/** This program once more, in a process of its own, by `argv`: a fork of a program that has threads may start none of
 *  its own. `out` becomes its standard output. */
pid_t kv_rig_begin_again(const char *const argv[], int out);

/** How often: `count` in memory, fewer where a call takes longer, fifty times as often with HOLDFAST_TEST_LONG. */
int kv_rounds(const struct kv_rig *rig, int count);

/** Bytes for messages: printable ones as they are, others as \xNN, cut at 60. Four texts live at a time. */
const char *kv_show(struct hf_bytes bytes);
static inline bool kv_same(struct hf_bytes a, struct hf_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/** As memcmp(3), the shorter first. */
int kv_order(struct hf_bytes a, struct hf_bytes b);

#endif
