/*
 * kv_lock.h - locks of a key-value store: leases that end by themselves, with a fence.
 *
 *     struct hf_kv_lock lock;
 *     if (hf_kv_lock_acquire(kv, "nightly", NULL, 30000000, 0, arena, &lock, &err) == HF_OK) {
 *             struct hf_kv_fence fence = {lock.name, lock.owner, lock.fence};
 *             struct hf_kv_put put = {.how.fence = &fence};
 *             hf_kv_put(kv, key, value, &put, &err);         HF_CONFLICT "fenced" when the lock went to another
 *             hf_kv_lock_release(kv, &lock, &err);
 *     }
 *
 * A lock has a name, and at most one owner whose lease is not over, by the store's clock. Each change of owner gives
 * a fence that is higher than all before it, for ever; a write that carries the fence happens only while the lock is
 * held with it, checked in the same transaction. So a holder that was paused for too long can believe what it likes:
 * nothing that it writes is kept. An owner that takes its own lock again keeps the fence and prolongs the lease.
 *
 * Names have 1 to HF_KV_LOCK_NAME_BYTES bytes of UTF-8, owners as many. Locks belong to the namespace of the handle,
 * beside its keys: neither clear nor a restore touches them. HF_E_UNSUPPORTED without HF_KV_CAN_LOCK; else the errors
 * of kv.h. Round trips: one, and on PostgreSQL one more to tell who holds it; hf_kv_lock_acquire() so many a try.
 */
#ifndef HOLDFAST_KV_LOCK_H
#define HOLDFAST_KV_LOCK_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_KV_LOCK_NAME_BYTES = 128 };

struct hf_kv_lock {
	struct hf_str name;
	struct hf_str owner;
	int64_t fence;       /* above 0 */
	int64_t acquired_us; /* since 1970, on the store's clock */
	int64_t expires_us;  /* in the past: nobody holds it */
};

/**
 * Take it if nobody else holds it. @param owner NULL = a random one, in ret_lock->owner. @param ttl_us of the lease,
 * from 1 ms to 100 years. @param ret_lock in the arena: the caller's lock, or with HF_CONFLICT that of who holds it.
 * @return HF_OK; HF_CONFLICT.
 */
enum hf_status hf_kv_lock_try(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_arena *arena,
                              struct hf_kv_lock *ret_lock, hf_error *err);
/** The same, waiting until `deadline` (0 = the handle's timeout from now): asks again after 5 ms to 250 ms, with
 *  jitter. Not fair. @return HF_OK; HF_TIMEOUT, which names the holder. */
enum hf_status hf_kv_lock_acquire(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_deadline deadline,
                                  hf_arena *arena, struct hf_kv_lock *ret_lock, hf_error *err);
/** Another `ttl_us` from now; lock->expires_us is renewed. HF_CONFLICT: it is not held with that owner and fence, or
 *  the lease is over; it is lost then. */
enum hf_status hf_kv_lock_renew(hf_kv *kv, struct hf_kv_lock *lock, int64_t ttl_us, hf_error *err);
/** Give it back. HF_CONFLICT as above: nothing was released. */
enum hf_status hf_kv_lock_release(hf_kv *kv, const struct hf_kv_lock *lock, hf_error *err);
/** Who holds it, or held it last. HF_NOT_FOUND nobody ever did. */
enum hf_status hf_kv_lock_show(hf_kv *kv, const char *name, hf_arena *arena, struct hf_kv_lock *ret_lock,
                               hf_error *err);
/** All of the namespace, by name; at most 10,000. */
enum hf_status hf_kv_lock_list(hf_kv *kv, hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count,
                               hf_error *err);

/* ---- keeping it ---- */

typedef struct hf_kv_hold hf_kv_hold;

/**
 * Take the lock as hf_kv_lock_acquire() does and keep it: a thread renews the lease each third of `ttl_us`.
 * @param lost called once, from that thread, when a renewal was refused, or two thirds of the lease have passed without
 * one that succeeded: stop writing. NULL allowed. @param ret_hold end it with hf_kv_hold_end().
 */
enum hf_status hf_kv_hold_start(hf_kv *kv, const char *name, const char *owner, int64_t ttl_us, hf_deadline deadline,
                                void (*lost)(void *user), void *user, hf_kv_hold **ret_hold, hf_error *err);
/** The lock; valid until the hold ends. */
const struct hf_kv_lock *hf_kv_hold_lock(const hf_kv_hold *hold);
bool hf_kv_hold_is_lost(const hf_kv_hold *hold);
/** Ends the thread, releases the lock, frees. HF_CONFLICT it was lost before. NULL is HF_OK. */
enum hf_status hf_kv_hold_end(hf_kv_hold *hold, hf_error *err);

/* ---- leading ---- */

typedef struct hf_kv_election hf_kv_election;

struct hf_kv_candidate {
	const char *owner;   /* NULL = a random one each time; copied */
	int64_t ttl_us;      /* of the lease: who dies is followed after it at the latest; 3 ms to 100 years */
	/* Both from the election's thread, never both at a time; NULL allowed. They may do all but end the election.
	 * `elected`: it leads from here on; write with the lock's fence. `deposed`: no more. */
	void (*elected)(void *user, const struct hf_kv_lock *lock);
	void (*deposed)(void *user);
	void *user;
};
/**
 * Stand for leader: the lock `name` is taken whenever it is free and kept as a hold keeps it; who loses it stands
 * again. A store that does not answer is asked again. @param ret_election end it before the handle is closed.
 * @return HF_OK, whoever leads now; HF_E_USAGE; else what asking for the lock answered.
 */
enum hf_status hf_kv_election_start(hf_kv *kv, const char *name, const struct hf_kv_candidate *candidate,
                                    hf_kv_election **ret_election, hf_error *err);
/** The fence with which it leads now; 0 = it does not. No round trip. */
int64_t hf_kv_election_fence(const hf_kv_election *election);
/** Stand back: `deposed` is called if it leads, the lock released. Waits for a try that is under way, half a second and
 *  a round trip at most. NULL is HF_OK. HF_E_USAGE in a child of the process. */
enum hf_status hf_kv_election_end(hf_kv_election *election, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
