/*
 * postgres_change.h - what writes do to entries that a transaction holds. Decides; performs no I/O.
 */
#ifndef KV_POSTGRES_CHANGE_H
#define KV_POSTGRES_CHANGE_H

#include "holdfast/kv.h"

/* What stands under a key by now. */
struct change {
	struct hf_bytes key;
	const int64_t *revs; /* revisions that its writes may take, in this order */
	uint32_t nrevs, used;
	bool is_there; /* a row of it is held, expired or not */
	bool is_live;
	bool is_changed;
	bool wants_value;         /* a write needs it as it is, not as it is stored */
	int16_t codec;            /* of entry.value, which is packed if that is not CODEC_RAW */
	struct hf_kv_entry entry; /* while it is live; borrowed */
};

struct changing {
	int64_t now_us;
	uint32_t value_bytes_max;
	hf_arena *scratch; /* values that are made on the way */
	hf_arena *arena;   /* what results show */
};

/** HF_KV_DONE when the conditions of `write` hold. */
enum hf_kv_outcome change_check(const struct change *change, const struct hf_kv_write *write);
/** The write looks at the value that stands there. */
bool change_wants_value(const struct hf_kv_write *write);
/** The write takes a revision when it is done. */
bool change_takes_rev(const struct hf_kv_write *write);
/** Do it. @return HF_OK; HF_CONFLICT refused: the result's outcome says why; HF_E_NOMEM. */
enum hf_status change_apply(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                            struct hf_kv_result *ret_result, hf_error *err);

#endif
