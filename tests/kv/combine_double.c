/*
 * combine_double.c - see combine_double.h.
 */
#include "combine_double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/combine_batch.h"

struct hf_kv_backend_state {
	hf_kv *inner;
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned held;
	int passes; /* -1 = the gate is open */
	struct double_call calls[DOUBLE_CALLS_MAX];
	size_t ncalls;
	enum hf_status fail, fail_reads;
	char sqlstate[6];
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .passes = -1};

/* ---- the gate ---- */

static void note(struct double_call call)
{
	if (gate.ncalls < DOUBLE_CALLS_MAX)
		gate.calls[gate.ncalls++] = call;
}

static void pass(struct double_call call)
{
	pthread_mutex_lock(&gate.mutex);
	note(call);
	gate.held++;
	pthread_cond_broadcast(&gate.changed);
	while (gate.passes == 0)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	gate.held--;
	gate.passes -= gate.passes > 0;
	pthread_mutex_unlock(&gate.mutex);
	usleep(50); /* so that others come meanwhile */
}

void double_let_go(int count)
{
	pthread_mutex_lock(&gate.mutex);
	gate.passes = count;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

void double_hold(void)
{
	double_let_go(0);
}

void double_wait_held(unsigned count)
{
	pthread_mutex_lock(&gate.mutex);
	while (gate.held < count)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	pthread_mutex_unlock(&gate.mutex);
}

static uint32_t gathered(struct combine *combine)
{
	uint32_t count = 0;
	pthread_mutex_lock(&combine->mutex);
	for (size_t i = 0; i < LANES; i++)
		for (const struct batch *batch = combine->lanes[i].first; batch; batch = batch->next)
			count += batch->count;
	pthread_mutex_unlock(&combine->mutex);
	return count;
}

void double_wait_gathered(const hf_kv *kv, uint32_t count)
{
	while (gathered(kv->combine) != count)
		usleep(100);
}

void double_fail(enum hf_status status, const char *sqlstate)
{
	gate.fail = status;
	snprintf(gate.sqlstate, sizeof(gate.sqlstate), "%s", sqlstate);
}

void double_fail_reads(enum hf_status status)
{
	gate.fail_reads = status;
}

size_t double_calls(void)
{
	pthread_mutex_lock(&gate.mutex);
	size_t count = gate.ncalls;
	pthread_mutex_unlock(&gate.mutex);
	return count;
}

const struct double_call *double_call(size_t index)
{
	assert_true(index < gate.ncalls);
	return &gate.calls[index];
}

/* ---- the backend ---- */

static enum hf_status open_double(hf_context *ctx, UNUSED const char *url, const struct hf_kv_options *options,
                                  hf_kv_backend_state **ret_state, hf_error *err)
{
	struct hf_kv_options inner = *options;
	hf_kv_backend_state *state = calloc(1, sizeof(*state));
	inner.combine = 0;
	if (!state)
		return error_nomem(err);
	enum hf_status status = hf_kv_open(ctx, "memory:", &inner, &state->inner, err);
	if (status != HF_OK)
		free(state);
	else
		*ret_state = state;
	return status;
}

static void close_double(hf_kv_backend_state *state)
{
	hf_kv_close(state->inner);
	free(state);
}

static enum hf_status name_space(UNUSED hf_kv_backend_state *state, UNUSED struct hf_str name,
                                 UNUSED hf_deadline deadline, int32_t *ret_ns, UNUSED hf_error *err)
{
	*ret_ns = 1;
	return HF_OK;
}

static void add_key(struct double_call *call, struct hf_bytes key)
{
	size_t used = strlen(call->keys);
	snprintf(call->keys + used, sizeof(call->keys) - used, "%.*s", (int)key.len, (const char *)key.ptr);
}

static enum hf_status look(hf_kv_backend_state *state, struct double_call call, const struct hf_bytes *keys,
                           hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	const struct hf_kv_read how = {.keys_only = call.keys_only};
	for (size_t i = 0; i < call.count; i++)
		add_key(&call, keys[i]);
	pass(call);
	if (gate.fail_reads && call.what == DOUBLE_GATHER)
		return error_set(err, gate.fail_reads, "the reading failed");
	return hf_kv_get_many(state->inner, keys, call.count, &how, arena, ret_entries, err);
}

static enum hf_status read_double(hf_kv_backend_state *state, UNUSED int32_t ns, const struct hf_bytes *keys,
                                  size_t count, bool keys_only, hf_deadline deadline, hf_arena *arena,
                                  struct hf_kv_entry *ret_entries, hf_error *err)
{
	const struct double_call call = {.what = DOUBLE_READ,
	                                 .count = count,
	                                 .keys_only = keys_only,
	                                 .deadline = deadline};
	return look(state, call, keys, arena, ret_entries, err);
}

static enum hf_status gather_double(hf_kv_backend_state *state, UNUSED int32_t ns, const struct hf_bytes *keys,
                                    size_t count, uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                                    struct hf_kv_entry *ret_entries, hf_error *err)
{
	const struct double_call call = {.what = DOUBLE_GATHER, .count = count, .deadline = deadline};
	enum hf_status status = look(state, call, keys, arena, ret_entries, err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		if (ret_entries[i].value.len > value_bytes_max)
			ret_entries[i].value = (struct hf_bytes){0};
	return status;
}

static bool is_bad(const struct hf_kv_write *write)
{
	return write->value.len == 3 && memcmp(write->value.ptr, "bad", 3) == 0;
}

static enum hf_status apply_double(hf_kv_backend_state *state, UNUSED int32_t ns, const struct hf_kv_batch *batch,
                                   hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	struct double_call call = {.what = DOUBLE_APPLY,
	                           .count = batch->count,
	                           .deadline = batch->deadline,
	                           .blind = batch->blind};
	bool fails = batch->count > 1;
	for (size_t i = 0; i < batch->count; i++) {
		add_key(&call, batch->writes[i].key);
		fails |= is_bad(&batch->writes[i]);
	}
	pass(call);
	if (!gate.fail || !fails)
		return hf_kv_apply(state->inner, batch->writes, batch->count, NULL, arena, ret_results, err);
	error_set(err, gate.fail, "the writing failed");
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", gate.sqlstate);
	return gate.fail;
}

static const struct hf_kv_vtable vtable = {
	.size = sizeof(vtable),
	.name = "double",
	.key_bytes_max = HF_KV_KEY_BYTES_MAX,
	.open = open_double,
	.close = close_double,
	.name_space = name_space,
	.read = read_double,
	.gather = gather_double,
	.apply = apply_double,
};

hf_kv *double_open(hf_context *ctx, uint32_t combine)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .combine = combine};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	gate.ncalls = 0;
	gate.passes = -1;
	gate.fail = gate.fail_reads = HF_OK;
	EXPECT_OK(hf_kv_open_backend(ctx, &vtable, "double:", &options, &kv, &err));
	return kv;
}
