/*
 * load.h - many entries at once, as they are, into a namespace: what import and copy end in.
 */
#ifndef KV_LOAD_H
#define KV_LOAD_H

#include "holdfast/kv_file.h"
#include "kv/digest.h"
#include "kv/store.h"

enum { KV_TALLY_SPANS = 34 };

/* Sums by when entries expire, so that a target can be compared a while later, when some of them are gone: span i is of
 * what expires before start + 2^i seconds and in no span before; the last of what never does. */
struct kv_tally {
	int64_t start_us;
	struct kv_sums spans[KV_TALLY_SPANS];
};

void kv_tally_add(struct kv_tally *tally, const struct hf_kv_entry *entry);
void kv_tally_all(const struct kv_tally *tally, struct kv_sums *ret_sums);
/** The first end of a span that is after `moment_us`: what expires by then is left out of `ret_sums`. */
int64_t kv_tally_after(const struct kv_tally *tally, int64_t moment_us, struct kv_sums *ret_sums);

/* Where entries come from. next() as struct hf_kv_load has it. */
struct kv_source {
	hf_kv_next_fn *next;
	void *user;
};

/** Put what the source gives into the namespace; what has expired is passed over. */
enum hf_status kv_load(hf_kv *kv, const struct hf_kv_import *how, const struct kv_source *source,
                       struct kv_tally *ret_tally, struct hf_kv_copied *ret_copied, hf_error *err);

#endif
