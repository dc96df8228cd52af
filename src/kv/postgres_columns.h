/*
 * postgres_columns.h - entries that a transaction holds and changed, as the columns that entries_store() takes.
 */
#ifndef KV_POSTGRES_COLUMNS_H
#define KV_POSTGRES_COLUMNS_H

#include "kv/postgres.h"
#include "kv/postgres_change.h"

/* As entries_store() has them. */
enum kind { KIND_NONE, KIND_REPLACED, KIND_MADE, KIND_GONE, KINDS };
enum kind change_kind(const struct change *change);

struct columns {
	struct hf_bytes *keys, *values;
	int16_t *codecs;
	int64_t *revs;
	struct hf_timestamptz *created, *updated, *expires;
	struct hf_str *metadata;
	bool *no_expiry, *no_metadata;
	int16_t *kinds;
	bool has[KINDS];
	uint32_t count;
	size_t bytes;
};

/** Room for at most `n` entries. False: memory is short. */
bool columns_new(struct columns *columns, size_t n, hf_arena *scratch);
enum hf_status columns_add(struct columns *columns, hf_kv_backend_state *state, const struct change *change,
                           hf_arena *scratch, hf_error *err);
/** Without entries, with the same room. */
void columns_clear(struct columns *columns);

#endif
