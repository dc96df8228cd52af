/*
 * postgres_replica.h - reads from a replica within a bound.
 */
#ifndef KV_POSTGRES_REPLICA_H
#define KV_POSTGRES_REPLICA_H

#include <stdatomic.h>

#include "kv/postgres.h"

/** A pool that connects when it is needed: a replica that is not there is no failure. It uses the texts of `state`. */
enum hf_status postgres_replica_open(hf_kv_backend_state *state, const struct hf_kv_options *options,
                                     const struct hf_connection_options *how, struct postgres_replica **ret_replica,
                                     hf_error *err);
void postgres_replica_close(struct postgres_replica *replica);

enum hf_status postgres_position(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_position,
                                 hf_error *err);
hf_kv_backend_state *postgres_replica_for(hf_kv_backend_state *state, int64_t behind, hf_deadline deadline);

/** What health.replica and the lags are. Nothing without a replica. Round trips: one to the primary, one to it; one
 *  that does not answer takes a second. */
void postgres_replica_inspect(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_health *health);

#endif
