/*
 * kv_index.h - indexes on the metadata of a key-value store, for reads that ask for some (hf_kv_range.has_metadata).
 *
 *     hf_kv_index_create(kv, "source", HF_DEADLINE_DEFAULT, &err);
 *     range.has_metadata = HF_STR("{\"source\":\"kafka\"}");           now reads what it finds, not all there is
 *
 * PostgreSQL only (HF_KV_CAN_INDEX); elsewhere such a read looks at each entry of its range, as it does without an
 * index, and these calls are HF_E_UNSUPPORTED. None is made unasked: each makes puts with metadata dearer. An index is
 * of the table, so of all namespaces; entries without the metadata in question are not in it.
 *
 * On a member: found are entries whose metadata are an object with that value under that name, when `has_metadata` has
 * it as text, number, true, false or null. In the order of keys: a page costs what it holds, wherever it is. On all of
 * the metadata: whatever is contained, member or element, in no order: all that is found is sorted for a page. A read
 * takes that on a member where it can; the server chooses between what is left.
 *
 * Which indexes there are a handle asks at most once a minute: one that another process made is used by then.
 */
#ifndef HOLDFAST_KV_INDEX_H
#define HOLDFAST_KV_INDEX_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_KV_INDEX_MEMBERS_MAX = 16 }; /* of a table */

struct hf_kv_index {
	struct hf_str member; /* ptr NULL = all of the metadata */
	bool valid;           /* false: its making ended early, or goes on; no read uses it */
	uint64_t bytes;
	uint64_t scans; /* how often it was used, as far as the server has counted yet */
};

/**
 * Make one while others read and write; there already is HF_OK, one that was not finished is made anew. Waits for the
 * transactions that run. @param member a name at the top of the metadata, NULL = an index on all of them. UTF-8 without
 * `"`; with the table's name, and 4 bytes, at most 63 bytes. @param deadline 0 = an hour from now.
 * @return HF_OK; HF_E_DENIED who does not own the table; HF_E_LIMIT there are HF_KV_INDEX_MEMBERS_MAX, or the name is
 * too long; HF_TIMEOUT nothing is left of it. Round trips: two or three.
 */
enum hf_status hf_kv_index_create(hf_kv *kv, const char *member, hf_deadline deadline, hf_error *err);
/** HF_OK; HF_NOT_FOUND. Waits for the transactions that use it. @param deadline as above. */
enum hf_status hf_kv_index_drop(hf_kv *kv, const char *member, hf_deadline deadline, hf_error *err);
/** That on all first, then by member; in the arena. Round trips: one. */
enum hf_status hf_kv_index_list(hf_kv *kv, hf_arena *arena, struct hf_kv_index **ret_indexes, size_t *ret_count,
                                hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
