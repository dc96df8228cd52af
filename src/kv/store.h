/*
 * store.h - the store in front of a backend: what is the same for all of them.
 *
 * A backend is opened once and shared by the handles of its namespaces; it closes with the last. Here inputs are
 * checked against the bounds of kv.h, defaults applied, metadata made canonical, results counted and refusals put into
 * words, so that a backend only stores and finds. Everything in struct kv_backend but the counts is constant after
 * open.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <stdatomic.h>

#include "base/context.h"
#include "base/macros.h"
#include "holdfast/backend.h"
#include "kv/counters.h"
#include "kv/latency.h"
#include "kv/ticker.h"
#include "pg/fork.h"

struct kv_backend {
	hf_context *ctx;
	const struct hf_kv_vtable *vtable;
	hf_kv_backend_state *state;
	struct hf_kv_options options; /* defaults applied; its texts are not kept */
	int64_t timeout_us;           /* of them */
	struct fork_guard fork;
	struct ticker sweeper; /* removes what expired */
	atomic_uint_least64_t swept;
	atomic_uint handles;
};

struct hf_kv {
	struct kv_counters counters;
	struct kv_backend *backend;
	struct combine *combine; /* owned; NULL = callers do not share statements */
	struct ticker scheduler; /* makes checkpoints */
	int32_t ns;
	struct cache *cache;           /* of `cache_feed`; NULL = reads ask the store */
	struct cache_feed *cache_feed; /* owned */
	char name[HF_KV_NAMESPACE_BYTES + 1];
	uint32_t name_hash;          /* of the namespace's name */
	struct latencies *latencies; /* owned; NULL = not counted */
	atomic_int_least64_t ttl_us; /* of puts that say none: the handle's own, or the namespace's */
};

static inline const struct hf_kv_vtable *kv_vtable(const hf_kv *kv)
{
	return kv->backend->vtable;
}

/** @param given may be 0. @param now_us 0 = it is to be looked at. Never answers 0. */
static inline hf_deadline kv_deadline_from(const hf_kv *kv, hf_deadline given, int64_t now_us)
{
	if (given)
		return given;
	hf_deadline deadline;
	now_us = now_us ? now_us : context_monotonic_tick_us(kv->backend->ctx);
	return __builtin_add_overflow(now_us, kv->backend->timeout_us, &deadline) ? INT64_MAX : deadline;
}
static inline hf_deadline kv_deadline(const hf_kv *kv, hf_deadline given)
{
	return kv_deadline_from(kv, given, 0);
}

/** Ask the store how long what says nothing lives, unless the handle does; set it before unless `set_us` is NULL. */
enum hf_status kv_default_ttl(hf_kv *kv, const int64_t *set_us, int64_t *ret_us, hf_error *err);
/** HF_E_USAGE in a child of the process that opened the store. */
enum hf_status kv_check_process(const hf_kv *kv, hf_error *err);
void kv_count(hf_kv *kv, enum kv_counter counter, uint64_t n);
/** When a call begins, where that is counted. */
static inline int64_t kv_timing(const hf_kv *kv)
{
	return kv->latencies ? hf_now_monotonic_us(kv->backend->ctx) : 0;
}
/** It ended. */
void kv_timed(hf_kv *kv, enum hf_kv_call call, int64_t since_us);
/** Counts a call that did not end well; returns `status`. */
enum hf_status kv_count_failure(hf_kv *kv, enum hf_status status);

/** Removes what expired until there is no more, the deadline passes or the context is interrupted. */
enum hf_status sweep_all(struct kv_backend *backend, hf_deadline deadline, uint64_t *ret_removed, hf_error *err);
enum hf_status sweeper_start(struct kv_backend *backend, hf_error *err);
/** The handle's thread that makes checkpoints, if its options ask for it. HF_E_UNSUPPORTED. */
enum hf_status scheduler_start(hf_kv *kv, hf_error *err);

/** HF_E_USAGE unless it is one for a lock. @param what "name", "owner". */
enum hf_status kv_check_lock_word(const char *what, struct hf_str word, hf_error *err);
/** hf_kv_lock_renew() until `deadline`. */
enum hf_status kv_lock_renew(hf_kv *kv, struct hf_kv_lock *lock, int64_t ttl_us, hf_deadline deadline, hf_error *err);

/* What is wanted of an entry. */
enum kv_part { KV_WHOLE, KV_HEAD, KV_VALUE };

/** The backend's read() or values(). @param where the backend's state or its replica. */
static inline enum hf_status kv_read(const hf_kv *kv, hf_kv_backend_state *where, const struct hf_bytes *keys,
                                     size_t count, enum kv_part part, hf_deadline deadline, hf_arena *arena,
                                     struct hf_kv_entry *ret_entries, hf_error *err)
{
	const struct hf_kv_vtable *vtable = kv_vtable(kv);
	if (part == KV_VALUE && vtable->values)
		return vtable->values(where, kv->ns, keys, count, UINT32_MAX, deadline, arena, ret_entries, err);
	return vtable->read(where, kv->ns, keys, count, part == KV_HEAD, deadline, arena, ret_entries, err);
}
/** Leave of entries what hf_kv_read.value_only promises. */
void kv_keep_values(struct hf_kv_entry *entries, size_t count);

/** A copy of `entry` in the arena. */
enum hf_status kv_keep_entry(hf_arena *arena, const struct hf_kv_entry *entry, struct hf_kv_entry *ret_copy,
                             hf_error *err);
/** hf_kv_scan(), as of a checkpoint unless `at` is NULL. */
enum hf_status kv_scan(hf_kv *kv, const struct hf_kv_range *range, const struct hf_uuid *at, hf_kv_entry_fn *fn,
                       void *user, hf_error *err);

/** What a backend answered about the checkpoint `id`: counted, and HF_NOT_FOUND put into words. */
enum hf_status kv_checkpoint_answered(hf_kv *kv, const struct hf_uuid *id, enum hf_status status, hf_error *err);

/** The backend of a URL's scheme. */
enum hf_status kv_backend_of_url(const char *url, const struct hf_kv_vtable **ret_vtable, hf_error *err);

#endif
