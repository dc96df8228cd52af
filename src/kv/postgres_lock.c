/*
 * postgres_lock.c - leases with fences, by the server's clock. A row stays when its lock was given back.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_retry.h"

static struct hf_kv_lock lock_of(const struct lock_row *row)
{
	return (struct hf_kv_lock){.name = row->name,
	                           .owner = row->owner,
	                           .fence = row->fence,
	                           .acquired_us = postgres_us(row->acquired_at),
	                           .expires_us = postgres_us(row->expires_at)};
}

enum hf_status postgres_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                                  int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                                  hf_error *err)
{
	struct lock_row row;
	hf_where where = postgres_on(state, deadline);
	const struct lock_take_in in = {.ns = ns, .name = name, .owner = owner, .ttl = {.us = ttl_us}};
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = lock_take(where, &state->entries, &in, arena, &row, &again.err);
	while (postgres_again(&again, status));
	bool taken = status == HF_OK;
	if (status == HF_NOT_FOUND)
		status = lock_get(where, &state->entries, &(struct lock_get_in){.ns = ns, .name = name}, arena, &row,
		                  err);
	if (status == HF_OK)
		*ret_lock = lock_of(&row);
	return status == HF_OK && !taken ? HF_CONFLICT : status;
}

enum hf_status postgres_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held,
                                   int64_t ttl_us, hf_deadline deadline, int64_t *ret_expires_us, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct lock_renew_row row;
	const struct lock_renew_in in = {
		.ns = ns, .name = held->lock, .owner = held->owner, .fence = held->fence, .ttl = {.us = ttl_us}};
	if (!arena)
		return error_nomem(err);
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = lock_renew(postgres_on(state, deadline), &state->entries, &in, arena, &row, &again.err);
	while (postgres_again(&again, status));
	if (status == HF_OK)
		*ret_expires_us = postgres_us(row.expires_at);
	return status == HF_NOT_FOUND ? HF_CONFLICT : status;
}

static enum hf_status list_one(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                               hf_arena *arena, struct lock_row **ret_rows, size_t *ret_count, hf_error *err)
{
	struct lock_row *row = hf_arena_alloc(arena, sizeof(*row));
	if (!row)
		return error_nomem(err);
	enum hf_status status = lock_get(postgres_on(state, deadline), &state->entries,
	                                 &(struct lock_get_in){.ns = ns, .name = name}, arena, row, err);
	*ret_rows = row;
	*ret_count = status == HF_OK;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status postgres_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                                  hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err)
{
	struct lock_row *rows = NULL;
	size_t count = 0;
	enum hf_status status = name.ptr ? list_one(state, ns, name, deadline, arena, &rows, &count, err)
	                                 : lock_all(postgres_on(state, deadline), &state->entries,
	                                            &(struct lock_all_in){.ns = ns}, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_lock *locks = hf_arena_calloc(arena, count + 1, sizeof(*locks));
	if (!locks)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		locks[i] = lock_of(&rows[i]);
	*ret_locks = locks;
	*ret_count = count;
	return HF_OK;
}
