/*
 * postgres_retry.h - a statement again when that can help and cannot do harm.
 *
 *     struct retrying again;
 *     postgres_retry(&again, state, deadline, err);
 *     do
 *             status = entry_get(..., &again.err);
 *     while (postgres_again(&again, status));
 *
 * Whether it may be is what the SQLSTATE and how far the call had come say (core/sqlstate.def): conflicts, shortages,
 * and a server that nothing reached; never what may have happened. `attempts_max` and the deadline bound it, the pause
 * grows and is drawn anew each time. Transactions are repeated as a whole, by hf_transaction().
 */
#ifndef KV_POSTGRES_RETRY_H
#define KV_POSTGRES_RETRY_H

#include "core/backoff.h"
#include "kv/postgres.h"

struct retrying {
	hf_kv_backend_state *state;
	hf_deadline deadline;
	uint32_t attempt; /* the one that runs */
	struct backoff backoff;
	hf_error *ret_err; /* the caller's, or NULL */
	hf_error err;      /* of each attempt */
};

void postgres_retry(struct retrying *again, hf_kv_backend_state *state, hf_deadline deadline, hf_error *ret_err);
/** It ended with `status`: true = it is to be sent again, now. Else the caller's error is that of a failure. */
bool postgres_again(struct retrying *again, enum hf_status status);
/** The same where something may have been seen of it: `may` = nothing was. */
bool postgres_again_if(struct retrying *again, bool may, enum hf_status status);
/** For functions of hf_transaction(): counts those that run again. */
void postgres_count_again(hf_kv_backend_state *state, hf_where tx);
uint64_t postgres_retries(const hf_kv_backend_state *state);

#endif
