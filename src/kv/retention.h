/*
 * retention.h - which checkpoints stay. Decides; no I/O.
 */
#ifndef KV_RETENTION_H
#define KV_RETENTION_H

#include "holdfast/kv_checkpoint.h"

/** Does anything but an amount of bytes say what stays? */
bool retention_has_rule(const struct hf_kv_prune *what);
/** Which of `points`, the newest first, is the first whose epoch is not above `epoch`; `count` when there is none. */
size_t retention_at_most(const struct hf_kv_checkpoint *points, size_t count, int64_t epoch);
/** Of `points`, the newest first: set `ret_goes[i]` where pruning at `now_us` deletes it. @param bytes what each keeps;
 *  NULL where `what` has no bound of them. @return how many. */
size_t retention_choose(const struct hf_kv_prune *what, const struct hf_kv_checkpoint *points, const uint64_t *bytes,
                        size_t count, int64_t now_us, bool *ret_goes);

#endif
