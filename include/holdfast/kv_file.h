/*
 * kv_file.h - checkpoints as files, and copies from store to store: what one backend holds, another takes over.
 *
 *     hf_kv_checkpoint_export(kv, &monday.id, "monday.hfkv", NULL, arena, NULL, &err);
 *     struct hf_kv_export since = {.since = &monday.id};
 *     hf_kv_checkpoint_export(kv, &tuesday.id, "tuesday.hfkv", &since, arena, NULL, &err);     only what changed
 *     ...
 *     const char *const files[] = {"monday.hfkv", "tuesday.hfkv"};
 *     hf_kv_import(other, files, 2, NULL, &copied, &err);                                  on any other backend
 *
 * A file is a checkpoint as it was when it was made, in the order of keys: values, metadata, expiries and times, no
 * revisions. Everything in it is covered by a checksum; whatever is wrong with a file is HF_E_CORRUPT and names the
 * file and the byte. src/kv/savefile.h has the format. A file with `since` needs the file of that checkpoint before
 * it: a base and what follows it are one list, whose ids must join.
 *
 * Import and copy keep expiries, metadata and both times; revisions are new. All or nothing: readers of the target, and
 * whoever looks at it after a crash, see it as it was before or as it is behind the call. Checkpoints of the target
 * stay what they are. On Redis others may write to the target meanwhile, which `replace` undoes; without checkpoints
 * what replaces it may have a revision that is smaller, though never one that was given.
 *
 * Memory: a block of a mebibyte and the largest entry, a few times over, for each file; LMDB holds up to 512 MiB of
 * changed pages besides. A copy within one store goes through a file without a name in TMPDIR.
 */
#ifndef HOLDFAST_KV_FILE_H
#define HOLDFAST_KV_FILE_H

#include "holdfast/kv_checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_KV_FILES_MAX = 100, HF_KV_FILE_VERSION = 1 };

/* What a set of entries comes to. */
struct hf_kv_sums {
	uint64_t row_count;
	uint64_t data_size; /* bytes of keys and values */
	struct hf_kv_digest digest;
};

/* What a file says of itself. */
struct hf_kv_file {
	struct hf_uuid id;        /* of the checkpoint */
	struct hf_uuid parent;    /* that it follows */
	bool incremental;         /* only what changed since `parent` */
	struct hf_str name_space; /* that it was made of */
	int64_t created_us;       /* when the checkpoint was made */
	uint64_t blocks;
	uint64_t bytes;          /* of the file */
	struct hf_kv_sums puts;  /* what it puts */
	uint64_t deletes;        /* and how many keys it takes away */
	bool counted;            /* `state` is known */
	struct hf_kv_sums state; /* the whole checkpoint */
};

/** Told now and then, from the thread of the call; it must not use the stores. @return HF_OK; anything else ends the
 * call with it, HF_STOP with HF_E_INTERRUPTED, and nothing is done. */
typedef enum hf_status hf_kv_progress_fn(void *user, uint64_t entries, hf_error *err);

/* NULL for nothing. */
struct hf_kv_export {
	const struct hf_uuid *since; /* an earlier checkpoint; NULL = all of it */
	hf_kv_progress_fn *progress;
	void *user;
	hf_deadline deadline; /* 0 = none */
};
/**
 * Write a checkpoint to a file, which is there as a whole or not at all: it is made beside `path`, made durable, and
 * takes the name then. "-" is standard output; a pipe or device is written to as it is.
 * @param ret_file NULL allowed. @return HF_OK; HF_NOT_FOUND; HF_E_USAGE `since` is not earlier; HF_E_FAILED the file
 * could not be written. Round trips: those of a scan; without `since` PostgreSQL gives all entries in one answer, and
 * holds its snapshot until the last one was taken.
 */
enum hf_status hf_kv_checkpoint_export(hf_kv *kv, const struct hf_uuid *id, const char *path,
                                       const struct hf_kv_export *how, hf_arena *arena, struct hf_kv_file *ret_file,
                                       hf_error *err);

/**
 * Read files as a whole and check them, and that each follows the one before; needs no store. "-" is standard input.
 * @param ret_files `count` places. @return HF_OK; HF_E_CORRUPT; HF_E_UNSUPPORTED a file of a later version; HF_E_INPUT
 * they do not join, or the first is no base and `count` is above 1; HF_NOT_FOUND; HF_E_FAILED.
 */
enum hf_status hf_kv_file_verify(hf_context *ctx, const char *const *paths, size_t count, hf_arena *arena,
                                 struct hf_kv_file *ret_files, hf_error *err);

/* NULL for nothing. */
struct hf_kv_import {
	bool replace;             /* the namespace may have entries: they go, at the same moment. HF_BUSY (Redis), with
	                           * nothing done: it has checkpoints, those and the new entries are more than 100,000,
	                           * and others made or deleted a checkpoint at the end, or wrote more than that */
	const struct hf_uuid *at; /* copy: a checkpoint of `from`; NULL = as it is now */
	struct hf_bytes prefix;   /* copy: only keys that begin with it */
	hf_kv_progress_fn *progress;
	void *user;
	hf_deadline deadline; /* 0 = none */
};
struct hf_kv_copied {
	struct hf_kv_sums sums; /* what was stored */
	uint64_t expired;       /* passed over: their time was up */
};
/**
 * Put into the namespace what the files hold: a base, and what follows it. @return HF_OK; HF_CONFLICT the namespace has
 * entries and `replace` is not set, or somebody wrote into it meanwhile; HF_E_INPUT the files do not join; the errors
 * of hf_kv_file_verify(). Unless it is HF_OK or HF_E_OUTCOME_UNKNOWN, or HF_DIFFERS of a copy, nothing was changed.
 */
enum hf_status hf_kv_import(hf_kv *kv, const char *const *paths, size_t count, const struct hf_kv_import *how,
                            struct hf_kv_copied *ret_copied, hf_error *err);
/**
 * Put into `to` what `from` holds: as of a checkpoint, which is made for the time of the copy unless `how->at` names
 * one; of a store without checkpoints as a scan sees it. At the end the target is read again and compared. @return as
 * hf_kv_import(); HF_DIFFERS the target does not hold what was written: somebody else wrote into it;
 * HF_E_OUTCOME_UNKNOWN too where it was made and then not compared, or the checkpoint of `from` could not be deleted.
 */
enum hf_status hf_kv_copy(hf_kv *from, hf_kv *to, const struct hf_kv_import *how, struct hf_kv_copied *ret_copied,
                          hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
