/*
 * broken.c - see broken.h.
 */
#include "broken.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"

struct hf_kv_backend_state {
	enum broken_how how;
	hf_kv *inner;
	_Atomic unsigned calls;
	pthread_mutex_t mutex; /* guards what follows */
	hf_arena *arena;
	struct hf_kv_entry old; /* what a read saw some time ago; rev 0 = nothing yet */
};

static enum broken_how next_how; /* one store is opened at a time */

static enum hf_status open_broken(hf_context *ctx, UNUSED const char *url, const struct hf_kv_options *options,
                                  hf_kv_backend_state **ret_state, hf_error *err)
{
	hf_kv_backend_state *state = calloc(1, sizeof(*state));
	if (!state)
		return error_nomem(err);
	enum hf_status status = hf_kv_open(ctx, "memory:", options, &state->inner, err);
	if (status != HF_OK) {
		free(state);
		return status;
	}
	state->how = next_how;
	state->arena = hf_arena_new(0);
	pthread_mutex_init(&state->mutex, NULL);
	*ret_state = state;
	return HF_OK;
}

static void close_broken(hf_kv_backend_state *state)
{
	hf_kv_close(state->inner);
	hf_arena_free(state->arena);
	pthread_mutex_destroy(&state->mutex);
	free(state);
}

static enum hf_status name_space(UNUSED hf_kv_backend_state *state, UNUSED struct hf_str name,
                                 UNUSED hf_deadline deadline, int32_t *ret_ns, UNUSED hf_error *err)
{
	*ret_ns = 1;
	return HF_OK;
}

static bool now_and_then(hf_kv_backend_state *state)
{
	return atomic_fetch_add(&state->calls, 1) % 7 == 3;
}

/* Every seventh read gives what stood there some reads ago. */
static void make_stale(hf_kv_backend_state *state, struct hf_kv_entry *entry)
{
	pthread_mutex_lock(&state->mutex);
	struct hf_str copy =
		hf_arena_str(state->arena, (struct hf_str){(const char *)entry->value.ptr, entry->value.len});
	struct hf_kv_entry seen = *entry;
	seen.value.ptr = (const uint8_t *)copy.ptr;
	if (now_and_then(state))
		*entry = state->old;
	else if (atomic_load(&state->calls) % 5 == 0)
		state->old = seen;
	pthread_mutex_unlock(&state->mutex);
}

static enum hf_status read_broken(hf_kv_backend_state *state, UNUSED int32_t ns, const struct hf_bytes *keys,
                                  size_t count, UNUSED bool keys_only, UNUSED hf_deadline deadline, hf_arena *arena,
                                  struct hf_kv_entry *ret_entries, hf_error *err)
{
	size_t step = state->how == BROKEN_TORN_READ ? 1 : count;
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < count; i += step) {
		status = hf_kv_get_many(state->inner, keys + i, step, NULL, arena, ret_entries + i, err);
		if (state->how == BROKEN_TORN_READ)
			sched_yield();
	}
	if (status == HF_OK && state->how == BROKEN_STALE_READ && count == 1)
		make_stale(state, ret_entries);
	return status;
}

/* Looks whether the condition holds, and writes without it some time later. */
static enum hf_status look_then_write(hf_kv_backend_state *state, const struct hf_kv_write *given, hf_arena *arena,
                                      struct hf_kv_result *ret_result, hf_error *err)
{
	const uint32_t conditions = HF_KV_IF_ABSENT | HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE;
	struct hf_kv_write write = *given;
	if (!(write.flags & conditions))
		return hf_kv_apply(state->inner, &write, 1, NULL, arena, ret_result, err);
	write.op = HF_KV_READ;
	write.value = (struct hf_bytes){0};
	write.flags &= conditions;
	enum hf_status status = hf_kv_apply(state->inner, &write, 1, NULL, arena, ret_result, err);
	if (status != HF_OK)
		return status;
	sched_yield();
	write = *given;
	write.flags &= ~conditions;
	return hf_kv_apply(state->inner, &write, 1, NULL, arena, ret_result, err);
}

static enum hf_status apply_broken(hf_kv_backend_state *state, UNUSED int32_t ns, const struct hf_kv_batch *batch,
                                   hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (state->how == BROKEN_CONDITION && batch->count == 1)
		return look_then_write(state, batch->writes, arena, ret_results, err);
	if (state->how == BROKEN_LOST_WRITE && batch->writes[0].op == HF_KV_PUT && batch->writes[0].flags == 0 &&
	    now_and_then(state)) {
		ret_results[0] = (struct hf_kv_result){.outcome = HF_KV_DONE, .rev = 1};
		return HF_OK;
	}
	if (state->how != BROKEN_TORN_WRITE)
		return hf_kv_apply(state->inner, batch->writes, batch->count, NULL, arena, ret_results, err);
	for (size_t i = 0; status == HF_OK && i < batch->count; i++) {
		status = hf_kv_apply(state->inner, batch->writes + i, 1, NULL, arena, ret_results + i, err);
		sched_yield();
	}
	return status;
}

static const struct hf_kv_vtable vtable = {
	.size = sizeof(vtable),
	.name = "broken",
	.key_bytes_max = HF_KV_KEY_BYTES_MAX,
	.open = open_broken,
	.close = close_broken,
	.name_space = name_space,
	.read = read_broken,
	.apply = apply_broken,
};

enum hf_status broken_open(hf_context *ctx, enum broken_how how, hf_kv **ret_kv, hf_error *err)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	next_how = how;
	return hf_kv_open_backend(ctx, &vtable, "broken:", &options, ret_kv, err);
}
