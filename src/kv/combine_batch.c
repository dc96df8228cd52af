/*
 * combine_batch.c - see combine_batch.h.
 */
#include "kv/combine_batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

struct batch *batch_new(void)
{
	struct batch *batch = malloc(sizeof(*batch)); /* its pages are the kernel's until they are used */
	if (!batch)
		return NULL;
	batch->arena = hf_arena_new(0);
	if (batch->arena)
		return batch;
	free(batch);
	return NULL;
}

void batch_free(struct batch *batch)
{
	hf_arena_free(batch->arena);
	free(batch);
}

void batch_clear(struct batch *batch)
{
	hf_arena_reset(batch->arena);
}

/* ---- gathering ---- */

void batch_begin(struct batch *batch, const struct request *leader)
{
	batch->kind = leader->kind;
	batch->closed = batch->alone = false;
	batch->blind = true;
	batch->count = 0;
	batch->bytes = 0;
	batch->status = HF_OK;
	atomic_init(&batch->turn, 0);
	atomic_init(&batch->done, 0);
	atomic_init(&batch->riders, 0);
	atomic_init(&batch->leader, leader);
	atomic_init(&batch->deadline, leader->deadline);
}

bool batch_has_room(const struct batch *batch, const struct request *request)
{
	return batch->count < COMBINE_MOST && request->bytes <= COMBINE_BYTES - batch->bytes;
}

/* An empty view stays one that points somewhere. */
static const uint8_t *copy_in(struct batch *batch, const void *from, size_t len)
{
	uint8_t *to = batch->input + batch->bytes;
	if (len)
		memcpy(to, from, len);
	batch->bytes += len;
	return to;
}

void batch_add(struct batch *batch, struct request *request)
{
	uint32_t index = request->index = batch->count++;
	struct hf_bytes key = {copy_in(batch, request->key.ptr, request->key.len), request->key.len};
	batch->requests[index] = request;
	if (!request->write) {
		batch->keys[index] = key;
		return;
	}
	batch->blind = batch->blind && request->blind;
	struct hf_kv_write *write = &batch->writes[index];
	*write = *request->write;
	write->key = key;
	write->value.ptr = copy_in(batch, write->value.ptr, write->value.len);
	if (write->metadata.ptr)
		write->metadata.ptr = (const char *)copy_in(batch, write->metadata.ptr, write->metadata.len);
}

bool batch_remove(struct batch *batch, const struct request *request)
{
	uint32_t at = request->index;
	size_t behind = --batch->count - at;
	memmove(&batch->requests[at], &batch->requests[at + 1], behind * sizeof(batch->requests[0]));
	if (request->write)
		memmove(&batch->writes[at], &batch->writes[at + 1], behind * sizeof(batch->writes[0]));
	else
		memmove(&batch->keys[at], &batch->keys[at + 1], behind * sizeof(batch->keys[0]));
	for (; at < batch->count; at++)
		batch->requests[at]->index = at;
	return atomic_load_explicit(&batch->leader, memory_order_relaxed) == request;
}

void batch_lead_by_first(struct batch *batch)
{
	atomic_store_explicit(&batch->deadline, batch->requests[0]->deadline, memory_order_relaxed);
	atomic_store_explicit(&batch->leader, batch->requests[0], memory_order_release);
	atomic_fetch_add_explicit(&batch->done, BATCH_NEW_LEADER, memory_order_release);
}

/* ---- the call ---- */

static enum hf_status read_all(struct batch *batch, const struct kv_backend *backend, int32_t ns, hf_deadline deadline,
                               hf_error *err)
{
	const struct hf_kv_vtable *vtable = backend->vtable;
	memset(batch->entries, 0, batch->count * sizeof(batch->entries[0]));
	if (batch->kind == BATCH_KEYS)
		return vtable->read(backend->state, ns, batch->keys, batch->count, true, deadline, batch->arena,
		                    batch->entries, err);
	if (batch->kind == BATCH_VALUES && vtable->values)
		return vtable->values(backend->state, ns, batch->keys, batch->count, COMBINE_VALUE_BYTES, deadline,
		                      batch->arena, batch->entries, err);
	return vtable->gather(backend->state, ns, batch->keys, batch->count, COMBINE_VALUE_BYTES, deadline,
	                      batch->arena, batch->entries, err);
}

static enum hf_status write_all(struct batch *batch, const struct kv_backend *backend, int32_t ns, hf_deadline deadline,
                                hf_error *err)
{
	const struct hf_kv_batch all = {
		.writes = batch->writes,
		.count = batch->count,
		.durability = batch->kind == BATCH_RELAXED_PUTS ? HF_KV_RELAXED : HF_KV_STRICT,
		.deadline = deadline,
		.value_bytes_max = backend->options.value_bytes_max,
		.blind = batch->blind,
	};
	memset(batch->results, 0, batch->count * sizeof(batch->results[0]));
	return backend->vtable->apply(backend->state, ns, &all, batch->arena, batch->results, err);
}

/* Nothing came of it, and it may be the fault of one, or of the leader's deadline. */
static bool is_for_each_alone(const struct batch *batch)
{
	switch ((int)batch->status) {
	case HF_OK:
	case HF_E_UNAVAILABLE:
	case HF_E_OUTCOME_UNKNOWN:
		return false;
	case HF_TIMEOUT: /* of a write: the server confirmed that it did not happen */
	case HF_E_INTERRUPTED:
	case HF_BUSY:
	case HF_E_CORRUPT: /* what one of them would replace */
	case HF_E_LIMIT:
		return true;
	default:
		return !batch_writes(batch->kind) || batch->error.sqlstate[0];
	}
}

void batch_run(struct batch *batch, const struct kv_backend *backend, int32_t ns, hf_deadline deadline)
{
	batch->error = (hf_error)HF_ERROR_INIT;
	batch->status = batch_writes(batch->kind) ? write_all(batch, backend, ns, deadline, &batch->error)
	                                          : read_all(batch, backend, ns, deadline, &batch->error);
	batch->alone = is_for_each_alone(batch);
}
