/*
 * postgres_token.h - writes with a token: done once, however often they are sent.
 *
 *     struct asking asking;
 *     postgres_ask(&asking, state, deadline, err);
 *     do
 *             status = ...; the transaction: postgres_token_claim(), then what it is, its result with the token
 *     while (postgres_asks_again(&asking, settled, status));
 *
 * A transaction whose outcome is unknown had its token before COMMIT was sent. So the next that claims it waits until
 * the server is done with the first, and finds its result, or that there is none. Until a claim is answered it stays
 * unknown, whatever becomes of the attempts.
 */
#ifndef KV_POSTGRES_TOKEN_H
#define KV_POSTGRES_TOKEN_H

#include "core/backoff.h"
#include "kv/postgres.h"

struct asking {
	hf_kv_backend_state *state;
	hf_deadline deadline;
	struct backoff backoff;
	bool in_doubt;     /* it may have happened */
	hf_error unknown;  /* why */
	hf_error *ret_err; /* the caller's, or NULL */
	hf_error err;      /* of each attempt */
};

void postgres_ask(struct asking *asking, hf_kv_backend_state *state, hf_deadline deadline, hf_error *ret_err);
/** It ended with *status: true = ask again, now. Else *status and the caller's error are what is known.
 *  @param settled the claim of this attempt was answered. */
bool postgres_asks_again(struct asking *asking, bool settled, enum hf_status *status);

/** In its transaction, before the writes. @param ret_told what came of the same request before; ptr NULL = the token is
 *  ours. HF_E_USAGE: it was used for another request. */
enum hf_status postgres_token_claim(hf_kv_backend_state *state, hf_where tx, int32_t ns,
                                    const struct hf_kv_token *token, hf_arena *arena, struct hf_bytes *ret_told,
                                    hf_error *err);
/** Removes those that were kept long enough. */
enum hf_status postgres_tokens_sweep(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err);

#endif
