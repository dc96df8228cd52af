/*
 * kv_foreign.h - what other programs keep in PostgreSQL, read as entries: to bring it into a store of kv.h.
 *
 * The tables of the state backend that Holdfast's takes the place of (state_entries, and checkpoints as JSON in
 * state_checkpoints), and the table of Dapr's PostgreSQL store, version 2. They are read, never changed. Entries come
 * in the order of their keys' bytes in constant memory, with their expiry and metadata; what has expired is not there.
 * What is read twice is the same twice: a copy that was cut short goes on behind the last key that it stored.
 *
 * Errors: HF_E_DRIFT the tables are not there, or have other columns; what `fn` answered, but HF_STOP, which ends with
 * HF_OK. `fn` must not use the connection that `where` names. Round trips: one.
 */
#ifndef HOLDFAST_KV_FOREIGN_H
#define HOLDFAST_KV_FOREIGN_H

#include "holdfast/connection.h"
#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the tables are. NULL for the defaults. */
struct hf_kv_foreign {
	const char *schema;      /* NULL = "public" */
	const char *table;       /* NULL = "state_entries"; Dapr: "state" */
	const char *checkpoints; /* NULL = "state_checkpoints" */
	struct hf_bytes after;   /* only keys behind this one; ptr NULL = all */
};

/** Entries as they stand now. The entry has key, value, created_us (1 for what is older than 1970, when the first of
 *  a store is made), expires_us (none for infinity) and metadata, and is valid during the callback. */
enum hf_status hf_kv_foreign_entries(hf_where where, const struct hf_kv_foreign *from, hf_kv_entry_fn *fn, void *user,
                                     hf_error *err);
/** The same of Dapr's table, which has no metadata. */
enum hf_status hf_kv_foreign_dapr(hf_where where, const struct hf_kv_foreign *from, hf_kv_entry_fn *fn, void *user,
                                  hf_error *err);

struct hf_kv_foreign_checkpoint {
	struct hf_uuid id;
	struct hf_str metadata; /* JSON; ptr NULL = none */
	int64_t created_us;
	uint64_t row_count, data_size;
};
/** All checkpoints, the oldest first; at most 10,000 (HF_E_LIMIT). */
enum hf_status hf_kv_foreign_checkpoints(hf_where where, const struct hf_kv_foreign *from, hf_arena *arena,
                                         struct hf_kv_foreign_checkpoint **ret_checkpoints, size_t *ret_count,
                                         hf_error *err);
/** Entries of one, in the order of the array; they have no times and no metadata. HF_E_INPUT one that has no key or
 *  no value. The server unfolds the array; here it is in constant memory. */
enum hf_status hf_kv_foreign_checkpoint(hf_where where, const struct hf_kv_foreign *from, const struct hf_uuid *id,
                                        hf_kv_entry_fn *fn, void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
