/*
 * engine_load.c - entries taken over as they are, in one transaction: what stood in the namespace goes as with a clear,
 * images for its checkpoints stay.
 */
#include "base/error.h"
#include "kv/engine_write.h"

static struct record record_of(struct engine_write *write, const struct hf_kv_entry *entry, struct codec_value value)
{
	return (struct record){
		.rev = ++write->rev,
		.created_us = entry->created_us,
		.updated_us = entry->updated_us,
		.expires_us = entry->expires_us,
		.metadata = {(const uint8_t *)entry->metadata.ptr, entry->metadata.len},
		.packed = value.codec != CODEC_RAW,
		.value = value.bytes,
	};
}

/* In the memory of the one before, which is stored. */
static enum hf_status pack(struct engine_write *write, struct hf_bytes plain, struct codec_value *ret_value,
                           hf_error *err)
{
	hf_arena *arena = engine_arena(write);
	if (!arena)
		return error_nomem(err);
	hf_arena_reset(arena);
	return codec_pack(&write->state->codec, plain, arena, ret_value, err);
}

static enum hf_status store_next(struct engine_write *write, const struct hf_kv_load *how, hf_error *err)
{
	struct hf_kv_entry entry;
	struct engine_found found;
	struct codec_value value;
	enum hf_status status = how->next(how->user, &entry, err);
	if (status != HF_OK)
		return status;
	engine_key_entry(&found.key, write->ns, entry.key);
	status = engine_find(write, &found, err);
	if (status == HF_OK)
		status = pack(write, entry.value, &value, err);
	if (status != HF_OK)
		return status;
	struct record record = record_of(write, &entry, value);
	return engine_store(write, &found, &record, err);
}

static enum hf_status store_all(struct engine_write *write, const struct hf_kv_load *how, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t n = 1; status == HF_OK; n++) {
		status = store_next(write, how, err);
		if (status == HF_OK && n % ENGINE_STEP == 0)
			status = engine_check(write->state, how->deadline, err);
	}
	return status == HF_STOP ? HF_OK : status;
}

enum hf_status engine_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err)
{
	struct engine_write write;
	uint64_t removed = 0;
	enum ordered_mode mode = how->durability == HF_KV_RELAXED ? ORDERED_WRITE_RELAXED : ORDERED_WRITE;
	enum hf_status status = engine_write_begin(&write, state, ns, mode, how->deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_clear_all(&write, how->replace, how->deadline, &removed, err);
	if (status == HF_OK)
		status = store_all(&write, how, err);
	return engine_write_end(&write, status, err);
}
