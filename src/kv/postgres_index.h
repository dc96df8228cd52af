/*
 * postgres_index.h - indexes on metadata, and which of them a read goes by.
 */
#ifndef KV_POSTGRES_INDEX_H
#define KV_POSTGRES_INDEX_H

#include "kv/postgres.h"
#include "queries/kv/members.h"

/* The queries of an indexed member; stays as long as the store. */
struct postgres_member {
	struct hf_str name;
	struct members_bound bound;
	bool is_there;
};

enum hf_status postgres_indexes_new(struct postgres_indexes **ret_indexes, hf_error *err);
void postgres_indexes_free(struct postgres_indexes *indexes);

enum hf_status postgres_index_create(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
                                     hf_error *err);
enum hf_status postgres_index_drop(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
                                   hf_error *err);
enum hf_status postgres_index_list(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
                                   struct hf_kv_index **ret_indexes, size_t *ret_count, hf_error *err);

/** The member that the read of what contains `part` goes by; NULL = none. @param ret_wanted its value in `part`. */
const struct postgres_member *postgres_member_of(hf_kv_backend_state *state, struct hf_str part, hf_deadline deadline,
                                                 hf_arena *arena, struct hf_str *ret_wanted);

#endif
