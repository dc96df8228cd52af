/*
 * health.h (kv) - the verdict on what a backend told of itself. Pure.
 */
#ifndef KV_HEALTH_H
#define KV_HEALTH_H

#include "holdfast/kv_health.h"

/** Everything HF_KV_UNKNOWN, healthy. */
void health_init(struct hf_kv_health *health);
/** `given` with the defaults in their places; NULL = all of them. */
struct hf_kv_health_options health_options(const struct hf_kv_health_options *given);
/** State and reasons. @param options of health_options(). @param replica_late_us how late the replica may be. */
void health_judge(const struct hf_kv_health_options *options, int64_t replica_late_us, struct hf_kv_health *health);

#endif
