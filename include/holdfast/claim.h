/*
 * claim.h - handing out the queue: who works on which item, until when.
 *
 * A claim is a lease with a fence. The lease ends when its holder says so or when its time is over, by the server's
 * clock alone; at most one lease of an item is live. The fence is greater than that of every earlier claim of any item,
 * so that whatever a holder writes elsewhere can be told from what a later holder writes. An item can be handed out
 * more than once: after a lease that ran out, its first holder may still be at work; the end of its lease is refused.
 *
 * Whoever asks for an item again while it is claimed writes its row; finishing the claim then leaves the item in the
 * queue. So does every other change of the row. An item whose attempts failed or ran out so often as the claim
 * allowed is dead: it stays in the queue and is not handed out until it is asked for again.
 *
 * The original assigns by means of Redis and cannot see these claims, nor we its own: one of the two is active, and
 * hf_claim_next() refuses while it is the original. A database in which runs are stored starts with the original.
 *
 * Claims stand in tables of our own (schema holdfast); a queue row that is deleted takes no fence with it.
 */
#ifndef HOLDFAST_CLAIM_H
#define HOLDFAST_CLAIM_H

#include "holdfast/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_claim_options {
	size_t size;
	struct hf_str holder;          /* who: a worker, a host and a process; not empty */
	struct hf_queue_filter filter; /* `assigned` is not looked at; an unknown host is excluded by no list */
	int64_t lease_us;              /* 0: a minute; at most a week */
	int32_t attempts_max;          /* 0: 5 */
};

struct hf_claim {
	int64_t fence;
	int32_t attempt; /* 1 = the first for this request */
	struct hf_timestamptz until;
	struct hf_queue_next next; /* the item, and where its code is */
};

/**
 * Lease the item to hand out next. One round trip, one more for each of at most 100 claims of others that were quicker.
 * Leases whose time is over are ended on the way.
 * @return HF_OK; HF_NOT_FOUND nothing is free; HF_CONFLICT the original assigns; HF_E_INPUT a lease or holder that
 *         cannot be; HF_E_OUTCOME_UNKNOWN a lease may be held until its time is over.
 */
enum hf_status hf_claim_next(hf_where where, const struct hf_claim_options *options, hf_arena *arena,
                             struct hf_claim *ret_claim, hf_error *err);

/*
 * What a holder may do with its lease. All need the fence and the same holder; HF_CONFLICT says that the lease is not
 * held (any more) and what became of it, HF_NOT_FOUND that there is no such fence. One round trip, two where refused.
 * After HF_E_OUTCOME_UNKNOWN they may be repeated: nothing happens twice.
 */

/** Extend the lease to `lease_us` from now. */
enum hf_status hf_claim_renew(hf_where where, int64_t fence, struct hf_str holder, int64_t lease_us,
                              struct hf_timestamptz *ret_until, hf_error *err);
/**
 * The work is done: the item leaves the queue. @param ret_again it stays, since somebody asked for it again meanwhile
 * (or somebody else removed it). HF_OK too when this fence finished before. Run it in the transaction that stores the
 * result.
 */
enum hf_status hf_claim_finish(hf_where where, int64_t fence, struct hf_str holder, bool *ret_again, hf_error *err);
/** The work failed: the item is free again, or dead (@param ret_dead) when this was the last attempt. `reason` may be
 *  {NULL, 0}. */
enum hf_status hf_claim_fail(hf_where where, int64_t fence, struct hf_str holder, struct hf_str reason, bool *ret_dead,
                             hf_error *err);
/** The work was not begun, or given up for no fault of the item: it is free again and this was no attempt. */
enum hf_status hf_claim_release(hf_where where, int64_t fence, struct hf_str holder, hf_error *err);

/* ---- looking ---- */

enum hf_claim_state {
	HF_CLAIM_LEASED = 0,
	HF_CLAIM_FINISHED,
	HF_CLAIM_FAILED,
	HF_CLAIM_RELEASED,
	HF_CLAIM_EXPIRED,
	HF_CLAIM_DEAD
};
#define HF_CLAIM_STATE_COUNT 6
/** "leased", ...; "" outside the enum. */
const char *hf_claim_state_word(enum hf_claim_state state);
/** HF_E_INPUT with the words as hint. */
enum hf_status hf_claim_state_parse(struct hf_str word, enum hf_claim_state *ret_state, hf_error *err);

struct hf_claim_record {
	int64_t fence;
	int32_t queue_id;
	struct hf_str holder;
	enum hf_claim_state state; /* a lease whose time is over is HF_CLAIM_EXPIRED, swept or not; one that is newer
	                            * than this program is none of them */
	int32_t attempt, attempts_max;
	struct hf_timestamptz claimed_at, until;
	bool has_ended_at;
	struct hf_timestamptz ended_at;
	struct hf_str reason;
};
typedef enum hf_status hf_claim_record_fn(void *user, const struct hf_claim_record *record, hf_error *err);

struct hf_claim_filter {
	int64_t before; /* fences below this one; 0 = all */
	bool has_state;
	enum hf_claim_state state;
	struct hf_str holder; /* {NULL, 0}: all */
	int64_t limit;        /* 0 = all */
};
/** From the newest claim on, in constant memory. One round trip. */
enum hf_status hf_claim_list(hf_where where, const struct hf_claim_filter *filter, hf_claim_record_fn *fn, void *user,
                             hf_error *err);
/* A lease that is live, and what it is for. */
struct hf_claim_active {
	int64_t fence;
	int32_t queue_id;
	struct hf_str holder;
	int32_t attempt, attempts_max;
	struct hf_timestamptz claimed_at, until;
	int64_t age_us;         /* since claimed_at, by the server's clock */
	struct hf_str codebase; /* {NULL, 0}: the item left the queue meanwhile; so below */
	struct hf_str campaign;
	struct hf_str change_set;
	struct hf_str command;
	bool has_estimated_duration;
	int64_t estimated_duration_us;
};
typedef enum hf_status hf_claim_active_fn(void *user, const struct hf_claim_active *active, hf_error *err);

/* {NULL, 0}: any. */
struct hf_claim_active_filter {
	int64_t before; /* fences below this one; 0 = all */
	struct hf_str holder;
	struct hf_str codebase;
	struct hf_str campaign;
	int64_t limit; /* 0 = all */
};
/**
 * What is being run now, from the newest claim on, in constant memory. What the original handed out is not among it: it
 * keeps that in Redis. HF_STOP from `fn` ends with HF_OK. One round trip; reads the whole queue.
 * @return HF_OK; HF_E_LIMIT an estimate of more than 292,000 years.
 */
enum hf_status hf_claim_active_list(hf_where where, const struct hf_claim_active_filter *filter, hf_claim_active_fn *fn,
                                    void *user, hf_error *err);
/** Forget claims that ended longer ago than that; leases and dead ones stay. A round trip per 10,000. */
enum hf_status hf_claim_prune(hf_where where, int64_t older_than_us, int64_t *ret_pruned, hf_error *err);

/* ---- pauses ---- */

#define HF_PAUSE_TEXT_MAX 1024 /* bytes */
#define HF_PAUSE_MAX_US INT64_C(315360000000000)

enum hf_pause_kind { HF_PAUSE_QUEUE = 0, HF_PAUSE_BUCKET, HF_PAUSE_CAMPAIGN, HF_PAUSE_HOST };
/** "queue", "bucket", "campaign", "host"; "" outside the enum. */
const char *hf_pause_kind_word(enum hf_pause_kind kind);

struct hf_pause {
	enum hf_pause_kind kind;
	struct hf_str name;   /* of the bucket, the campaign or the host; "" for the whole queue */
	struct hf_str reason; /* {NULL, 0}: none was given */
	struct hf_timestamptz since;
	bool has_until;
	struct hf_timestamptz until;
};
/**
 * Hand nothing of it out: hf_claim_next() passes over it, from the next claim on. What is claimed stays claimed, and
 * looking (hf_queue_peek()) shows it as before. The original knows of no pause. Where there is one, reason and end are
 * replaced. @param name {NULL, 0} for the whole queue; nobody looks whether there is such a campaign or host.
 * @param lasting_us 0: until hf_pause_end(). One round trip.
 * @return HF_OK; HF_E_INPUT no such bucket, a name or reason that is too long or not UTF-8, more than ten years.
 */
enum hf_status hf_pause_begin(hf_where where, enum hf_pause_kind kind, struct hf_str name, struct hf_str reason,
                              int64_t lasting_us, hf_error *err);
/** HF_NOT_FOUND where it is not paused, or the pause ended by itself. One round trip. */
enum hf_status hf_pause_end(hf_where where, enum hf_pause_kind kind, struct hf_str name, hf_error *err);
typedef enum hf_status hf_pause_fn(void *user, const struct hf_pause *pause, hf_error *err);
/** Those that have not ended, by kind and name. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_pause_list(hf_where where, hf_pause_fn *fn, void *user, hf_error *err);

/* ---- one assigner ---- */

enum hf_assigner { HF_ASSIGNER_ORIGINAL = 0, HF_ASSIGNER_HOLDFAST };
/** "original", "holdfast" */
const char *hf_assigner_word(enum hf_assigner assigner);
enum hf_status hf_assigner_parse(struct hf_str word, enum hf_assigner *ret_assigner, hf_error *err);

struct hf_assigner_state {
	enum hf_assigner active;
	struct hf_timestamptz since;
	int64_t leases; /* that are live */
};
enum hf_status hf_assigner_get(hf_where where, struct hf_assigner_state *ret_state, hf_error *err);
/**
 * Hand the queue over. Away from us only when no lease is live (HF_CONFLICT says how many); stop the original before
 * you hand it to us, nobody here can see its claims. *ret_changed (may be NULL): it was the other one before.
 */
enum hf_status hf_assigner_set(hf_where where, enum hf_assigner assigner, bool *ret_changed, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
