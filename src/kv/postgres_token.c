/*
 * postgres_token.c - see postgres_token.h.
 */
#include "kv/postgres_token.h"

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "holdfast/values.h"

/* ---- asking until it is known ---- */

void postgres_ask(struct asking *asking, hf_kv_backend_state *state, hf_deadline deadline, hf_error *ret_err)
{
	static const hf_error none = HF_ERROR_INIT;
	*asking =
		(struct asking){.state = state, .deadline = deadline, .ret_err = ret_err, .unknown = none, .err = none};
	backoff_init(&asking->backoff, state->backoff_ms * 1000, state->backoff_ms_max * 1000);
}

/* What a server that comes back will not say. */
static bool may_pass(enum hf_status status)
{
	return status == HF_E_OUTCOME_UNKNOWN || status == HF_E_UNAVAILABLE || status == HF_E_DB || status == HF_BUSY ||
	       status == HF_TIMEOUT;
}

static void log_asking(const struct asking *asking, enum hf_status status, int64_t pause_us)
{
	struct hf_log_field fields[] = {
		field_text("status", hf_status_word(status)),
		field_text("error", asking->err.message),
		field_us("pause", pause_us),
	};
	context_log(asking->state->ctx, HF_LOG_WARN, "kv_token_retry", fields, ARRAY_LEN(fields));
}

static bool has_time(struct asking *asking, enum hf_status status)
{
	hf_context *ctx = asking->state->ctx;
	int64_t pause_us = backoff_next(&asking->backoff, context_random_u64(ctx));
	if (hf_context_interrupted(ctx) || hf_now_monotonic_us(ctx) + pause_us >= asking->deadline)
		return false;
	log_asking(asking, status, pause_us);
	context_pause(ctx, pause_us);
	atomic_fetch_add_explicit(&asking->state->retries, 1, memory_order_relaxed);
	return true;
}

bool postgres_asks_again(struct asking *asking, bool settled, enum hf_status *status)
{
	static const hf_error none = HF_ERROR_INIT;
	if (*status == HF_E_OUTCOME_UNKNOWN && !asking->in_doubt) {
		asking->in_doubt = true;
		asking->unknown = asking->err;
	} else if (*status != HF_E_OUTCOME_UNKNOWN && (settled || *status == HF_OK)) {
		asking->in_doubt = false;
	}
	if (asking->in_doubt && may_pass(*status) && has_time(asking, *status)) {
		asking->err = none;
		return true;
	}
	if (asking->in_doubt)
		*status = HF_E_OUTCOME_UNKNOWN;
	if (*status != HF_OK && asking->ret_err)
		*asking->ret_err = asking->in_doubt ? asking->unknown : asking->err;
	return false;
}

/* ---- tokens ---- */

static enum hf_status used_for_another(const struct hf_uuid *token, hf_error *err)
{
	char text[HF_UUID_TEXT_MAX];
	hf_uuid_to_text(token, text);
	error_set(err, HF_E_USAGE, "token %s was used for another request", text);
	error_hint(err,
	           "a repetition is the same writes with the same token; another request takes a token of its own");
	return HF_E_USAGE;
}

static enum hf_status find(hf_kv_backend_state *state, hf_where tx, int32_t ns, const struct hf_kv_token *token,
                           hf_arena *arena, struct hf_bytes *ret_told, hf_error *err)
{
	const struct token_find_in in = {.ns = ns, .token = token->id};
	struct token_find_row row;
	enum hf_status status = token_find(tx, &state->tokens, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	if (row.hash.len != sizeof(token->request.bytes) ||
	    memcmp(row.hash.ptr, token->request.bytes, sizeof(token->request.bytes)) != 0)
		return used_for_another(&token->id, err);
	if (!row.has_result)
		return error_set(err, HF_E_CORRUPT, "a token is kept without a result");
	*ret_told = row.result;
	return HF_OK;
}

/* One that is found in the way and then is not there was swept in between. */
enum hf_status postgres_token_claim(hf_kv_backend_state *state, hf_where tx, int32_t ns,
                                    const struct hf_kv_token *token, hf_arena *arena, struct hf_bytes *ret_told,
                                    hf_error *err)
{
	enum { TRIES = 3 };
	const struct token_claim_in in = {
		.ns = ns,
		.token = token->id,
		.hash = {token->request.bytes, sizeof(token->request.bytes)},
	};
	struct token_claim_row row;
	enum hf_status status = HF_NOT_FOUND;
	*ret_told = (struct hf_bytes){0};
	for (int i = 0; i < TRIES && status == HF_NOT_FOUND; i++) {
		status = token_claim(tx, &state->tokens, &in, arena, &row, err);
		if (status == HF_NOT_FOUND)
			status = find(state, tx, ns, token, arena, ret_told, err);
	}
	return status == HF_NOT_FOUND ? error_set(err, HF_BUSY, "the token comes and goes") : status;
}

enum hf_status postgres_tokens_sweep(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	enum { STEP = 5000 };
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct tokens_sweep_in in = {.most = STEP, .has_most = true};
	struct tokens_sweep_row row = {.n = STEP};
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	while (status == HF_OK && row.n >= STEP)
		status = tokens_sweep(postgres_on(state, deadline), &state->tokens, &in, arena, &row, err);
	return status;
}
