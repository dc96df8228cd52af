/*
 * postgres_count.c - how many entries a range has, exactly or by the server's statistics.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_index.h"
#include "kv/postgres_retry.h"

static enum hf_status count_once(hf_kv_backend_state *state, const struct entries_count_in *in,
                                 const struct hf_kv_span *span, hf_arena *arena, uint64_t *ret_count, hf_error *err)
{
	hf_where where = postgres_on(state, span->deadline);
	struct member_count_in found = {
		.ns = in->ns, .from = in->from, .with_to = in->with_to, .to = in->to, .part = in->part};
	const struct postgres_member *member = NULL;
	struct entries_count_row row = {0};
	struct member_count_row member_row = {0};
	if (in->with_metadata)
		member = postgres_member_of(state, in->part, span->deadline, arena, &found.wanted);
	enum hf_status status = member ? member_count(where, &member->bound, &found, arena, &member_row, err)
	                               : entries_count(where, &state->entries, in, arena, &row, err);
	if (status == HF_OK)
		*ret_count = (uint64_t)(row.n + member_row.n);
	return status;
}

enum hf_status postgres_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                              uint64_t *ret_count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct entries_count_in in = {
		.ns = ns,
		.from = span->from,
		.with_to = span->to.ptr != NULL,
		.to = span->to,
		.with_metadata = span->has_metadata.ptr != NULL,
		.part = span->has_metadata,
	};
	if (!arena)
		return error_nomem(err);
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, span->deadline, err);
	do
		status = count_once(state, &in, span, arena, ret_count, &again.err);
	while (postgres_again(&again, status));
	return status;
}

/* Where the server has no statistics yet there is little, or it came just now: counted. */
enum hf_status postgres_estimate(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, uint64_t *ret_count,
                                 hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_kv_span all = {.from = HF_KV_KEY(""), .deadline = deadline};
	const struct entries_estimate_in in = {.ns = ns};
	struct entries_estimate_row row;
	struct retrying again;
	enum hf_status status;
	if (!arena)
		return error_nomem(err);
	postgres_retry(&again, state, deadline, err);
	do
		status = entries_estimate(postgres_on(state, deadline), &state->entries, &in, arena, &row, &again.err);
	while (postgres_again(&again, status));
	if (status == HF_OK && row.n < 0)
		return postgres_count(state, ns, &all, ret_count, err);
	if (status == HF_OK)
		*ret_count = (uint64_t)row.n;
	return status;
}
