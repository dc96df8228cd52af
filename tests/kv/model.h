/*
 * model.h - what a store should be, as simply as it can be said: a table of the few keys that a test uses, looked
 * through from the front. Nothing here is shared with src/kv.
 */
#ifndef TESTS_KV_MODEL_H
#define TESTS_KV_MODEL_H

#include "rig.h"

enum { MODEL_KEYS = 20, MODEL_VALUE_BYTES = 200 };

#define MODEL_REV_NEW INT64_MIN

struct model_entry {
	bool there;
	uint8_t value[MODEL_VALUE_BYTES];
	size_t len;
	const char *metadata; /* canonical, or NULL */
	int64_t rev;          /* as the store gave it, or MODEL_REV_NEW: in this call, not known yet */
	int64_t created_us, updated_us, expires_us;
};

struct model {
	struct model_entry entries[MODEL_KEYS]; /* of model_keys, in order */
	int64_t rev_max[MODEL_KEYS];            /* the greatest that a key ever had */
	int64_t now_us;
	size_t value_bytes_max;
};

extern const struct hf_bytes model_keys[MODEL_KEYS];

/* What should come of one write. */
struct model_result {
	enum hf_kv_outcome outcome;
	bool existed;
	int64_t number;
	struct model_entry before;
};

bool model_lives(const struct model *model, const struct model_entry *entry);
size_t model_index(struct hf_bytes key);
/** The writes in their order on a copy, taken over when none is refused. @return whether; @param ret_refused which one
 *  otherwise. */
bool model_apply(struct model *model, const struct hf_kv_write *writes, size_t count, struct model_result *ret_results,
                 size_t *ret_refused);
/** Do all conditions hold? */
bool model_holds(const struct model *model, const struct hf_kv_write *compare, size_t count);
/** Indexes of the keys in a range, in its order and within its limit. */
size_t model_range(const struct model *model, const struct hf_kv_range *range, size_t ret_indexes[MODEL_KEYS]);

#endif
