/*
 * kv_checkpoint.h - the state of a namespace at one moment: taken in milliseconds, read, compared, restored.
 *
 *     struct hf_kv_checkpoint point;
 *     hf_kv_checkpoint_create(kv, NULL, arena, &point, &err);
 *     ...
 *     hf_kv_checkpoint_restore(kv, &point.id, NULL, &restored, &err);            restored.undo is the way back
 *
 * A checkpoint of kind HF_KV_EPOCH costs nothing when it is made: it starts a new epoch, and the first change of a key
 * in an epoch keeps the image before. It is consistent: every call that wrote is in it as a whole or not at all.
 * Expired entries are not part of it. Expiries are absolute: what expired since is absent when a checkpoint is read or
 * restored.
 *
 * A restore writes only what changed since, in a new epoch, so that all other checkpoints stay what they are, and
 * makes a checkpoint of the state before, by which it can be undone. Revisions are new.
 *
 * PostgreSQL: making one and a restore wait until every transaction that writes to the namespace has ended, and writers
 * that come then wait for them: 100 ms at a time, with longer pauses in between, so that a transaction that does not
 * end delays a checkpoint (HF_TIMEOUT) and hardly the writers. A restore lets readers read and keeps writers out until
 * it is done. Round trips: one each to make, list, show, pin and read; one more where nothing is found; to delete one
 * or to prune, and one per 10,000 images of the namespace; to restore seven to nine, two to prune, and what that takes;
 * a difference is read as it comes, on one connection.
 *
 * HF_KV_SNAPSHOT (PostgreSQL) is the kind for where the table has no triggers, or they are disabled: a copy of all
 * entries, made in one statement while writers write (2 to 3 s for a million) and kept beside the table as a whole. Its
 * difference to another state and a restore compare all entries: they cost what there is.
 * What is written while triggers are disabled is missing in older checkpoints of the other kind: delete those.
 *
 * Redis: a restore of up to 100,000 changed entries is one script, during which the server serves nobody else (about a
 * second). Where more changed, all entries are put aside in steps and take the place of the namespace at the end: that
 * costs as much as there is, in time and memory. Others work on meanwhile; what they write until the end is lost, and
 * not in the checkpoint of the state before either. HF_BUSY, and nothing is done: they made a checkpoint or deleted the
 * newest, or wrote more than 100,000 entries; HF_E_UNAVAILABLE, likewise: it took an hour, or the server began anew.
 * So do hf_kv_clear() and loads, where there are checkpoints and more than 100,000 entries come and go: they put
 * nothing aside that is not aside already, and keep what goes.
 *
 * HF_NOT_FOUND: no checkpoint of this namespace has that id. HF_E_UNSUPPORTED without HF_KV_CAN_CHECKPOINT; else the
 * errors of kv.h.
 */
#ifndef HOLDFAST_KV_CHECKPOINT_H
#define HOLDFAST_KV_CHECKPOINT_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_KV_CHECKPOINTS_MAX = 10000 }; /* of a namespace: HF_E_LIMIT beyond */

/* What a set of entries adds up to, in any order: the same for the same keys, values, expiries and metadata on every
 * backend, whatever their revisions and times. Finds accidents; it is no signature. src/kv/digest.h has its definition.
 */
enum { HF_KV_DIGEST_BYTES = 32 };
struct hf_kv_digest {
	uint8_t bytes[HF_KV_DIGEST_BYTES];
};

enum hf_kv_checkpoint_kind {
	HF_KV_ANY_KIND = 0, /* HF_KV_EPOCH where it can be had, else HF_KV_SNAPSHOT */
	HF_KV_EPOCH,        /* costs nothing when it is made; HF_E_UNSUPPORTED without the triggers that it needs */
	HF_KV_SNAPSHOT      /* a copy of all entries; HF_E_UNSUPPORTED without HF_KV_CAN_SNAPSHOT */
};

/* Name of those that restores make, to be undone by. Of these the newest HF_KV_UNDOS_KEPT stay: a restore prunes them
 * when it is done; what is pinned stays beside, and a failure of the pruning is none of the restore. */
#define HF_KV_UNDO "before a restore"
enum { HF_KV_UNDOS_KEPT = 10 };

#define HF_KV_SCHEDULED "scheduled" /* name of those that handles make by themselves: checkpoint_interval_ms of kv.h */

struct hf_kv_checkpoint {
	struct hf_uuid id;      /* random (version 4) */
	struct hf_str name;     /* ptr NULL = none; need not be unique */
	struct hf_str metadata; /* canonical JSON; ptr NULL = none */
	int64_t created_us;     /* since 1970 */
	int64_t epoch;          /* grows with each of a namespace */
	bool pinned;            /* pruning leaves it */
	bool counted;           /* the three below are known */
	uint64_t row_count;     /* entries that were live when it was made */
	uint64_t data_size;     /* bytes of their keys and values */
	struct hf_kv_digest digest;
	enum hf_kv_checkpoint_kind kind; /* never HF_KV_ANY_KIND */
};

/* NULL for nothing. */
struct hf_kv_checkpoint_new {
	const char *name; /* at most HF_KV_NAMESPACE_BYTES bytes of UTF-8 */
	struct hf_str metadata;
	bool pinned;
	bool uncounted; /* do not read everything once to count; hf_kv_checkpoint_count() does it later */
	hf_deadline deadline;
	enum hf_kv_checkpoint_kind kind;
};
/** Writers wait for it a moment at most. HF_TIMEOUT: a writer was in a transaction for longer than the deadline.
 * HF_E_OUTCOME_UNKNOWN also where it was made and could not be counted: it is listed. */
enum hf_status hf_kv_checkpoint_create(hf_kv *kv, const struct hf_kv_checkpoint_new *how, hf_arena *arena,
                                       struct hf_kv_checkpoint *ret_checkpoint, hf_error *err);
/** Count its entries, if that was not done. Reads them all. */
enum hf_status hf_kv_checkpoint_count(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                      struct hf_kv_checkpoint *ret_checkpoint, hf_error *err);
/** Read its entries again and compare with what was counted; those that expired since it was made are part of that.
 * What was not counted is counted. @return HF_OK; HF_DIFFERS: `ret_checkpoint` has what there is now. */
enum hf_status hf_kv_checkpoint_verify(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                       struct hf_kv_checkpoint *ret_checkpoint, hf_error *err);
/** The newest first. */
enum hf_status hf_kv_checkpoint_list(hf_kv *kv, hf_arena *arena, struct hf_kv_checkpoint **ret_checkpoints,
                                     size_t *ret_count, hf_error *err);
enum hf_status hf_kv_checkpoint_show(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                     struct hf_kv_checkpoint *ret_checkpoint, hf_error *err);
/** Forget it, and the images that only it needs. HF_E_OUTCOME_UNKNOWN on PostgreSQL also where it is gone and images
 * stay, until the next one is deleted; so with pruning. */
enum hf_status hf_kv_checkpoint_delete(hf_kv *kv, const struct hf_uuid *id, hf_error *err);
enum hf_status hf_kv_checkpoint_pin(hf_kv *kv, const struct hf_uuid *id, bool pinned, hf_error *err);

/* Which to delete; pinned ones stay. Zero what does not matter. */
struct hf_kv_prune {
	size_t keep;           /* the newest so many stay */
	size_t hourly;         /* and the newest of each of so many hours (UTC), the latest that have one */
	size_t daily;          /* the same of days */
	int64_t older_than_us; /* only what is older goes; 0 = any age */
	const char *name;      /* only those of that name are looked at; NULL = all */
	/* Of what stays by the rules above (all, if none is given) the oldest go until what they keep, images and
	 * copies, is no more than that; 0 = any amount. Reads all images. */
	uint64_t bytes;
};
enum hf_status hf_kv_checkpoint_prune(hf_kv *kv, const struct hf_kv_prune *what, size_t *ret_deleted, hf_error *err);

/* NULL for nothing. */
struct hf_kv_restore {
	bool no_undo; /* do not make a checkpoint of the state before */
	hf_deadline deadline;
	size_t undos_kept; /* 0 = HF_KV_UNDOS_KEPT */
};
struct hf_kv_restored {
	struct hf_uuid undo; /* zero with no_undo */
	uint64_t put;        /* entries written back */
	uint64_t deleted;    /* entries that were not there then */
};
/** All at one moment, for readers too. Costs what changed since, not what there is; copies and Redis: see above. */
enum hf_status hf_kv_checkpoint_restore(hf_kv *kv, const struct hf_uuid *id, const struct hf_kv_restore *how,
                                        struct hf_kv_restored *ret_restored, hf_error *err);

/** Read as of a checkpoint; the rest as hf_kv_get_many() and hf_kv_scan(). Revisions are those of then. */
enum hf_status hf_kv_get_many_at(hf_kv *kv, const struct hf_uuid *id, const struct hf_bytes *keys, size_t count,
                                 const struct hf_kv_read *how, hf_arena *arena, struct hf_kv_entry *ret_entries,
                                 hf_error *err);
enum hf_status hf_kv_scan_at(hf_kv *kv, const struct hf_uuid *id, const struct hf_kv_range *range, hf_kv_entry_fn *fn,
                             void *user, hf_error *err);

/* From one state to the other: an entry to put, or (rev 0, only the key is meant) one to delete. By key. */
typedef hf_kv_entry_fn hf_kv_change_fn;
/** @param to NULL = what there is now. Only what was written in between is read; an entry that was written and is the
 *  same again is told too. */
enum hf_status hf_kv_checkpoint_diff(hf_kv *kv, const struct hf_uuid *from, const struct hf_uuid *to,
                                     hf_kv_change_fn *fn, void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
