/*
 * postgres_columns.c - see postgres_columns.h.
 */
#include "kv/postgres_columns.h"

#include <string.h>

bool columns_new(struct columns *columns, size_t n, hf_arena *scratch)
{
	columns->keys = hf_arena_alloc(scratch, n * sizeof(*columns->keys));
	columns->values = hf_arena_alloc(scratch, n * sizeof(*columns->values));
	columns->codecs = hf_arena_alloc(scratch, 2 * n * sizeof(*columns->codecs));
	columns->revs = hf_arena_alloc(scratch, n * sizeof(*columns->revs));
	columns->created = hf_arena_alloc(scratch, 3 * n * sizeof(*columns->created));
	columns->metadata = hf_arena_alloc(scratch, n * sizeof(*columns->metadata));
	columns->no_expiry = hf_arena_alloc(scratch, 2 * n * sizeof(*columns->no_expiry));
	if (!columns->keys || !columns->values || !columns->codecs || !columns->revs || !columns->created ||
	    !columns->metadata || !columns->no_expiry)
		return false;
	columns->updated = columns->created + n;
	columns->expires = columns->updated + n;
	columns->no_metadata = columns->no_expiry + n;
	columns->kinds = columns->codecs + n;
	return true;
}

enum kind change_kind(const struct change *change)
{
	if (!change->is_changed)
		return KIND_NONE;
	if (change->is_live)
		return change->is_there ? KIND_REPLACED : KIND_MADE;
	return change->is_there ? KIND_GONE : KIND_NONE;
}

enum hf_status columns_add(struct columns *columns, hf_kv_backend_state *state, const struct change *change,
                           hf_arena *scratch, hf_error *err)
{
	const struct hf_kv_entry *entry = &change->entry;
	struct codec_value stored = {entry->value, change->codec};
	enum hf_status status = HF_OK;
	if (stored.codec == CODEC_RAW && change->is_live)
		status = codec_pack(&state->codec, entry->value, scratch, &stored, err);
	if (status != HF_OK)
		return status;
	uint32_t n = columns->count++;
	columns->kinds[n] = (int16_t)change_kind(change);
	columns->has[change_kind(change)] = true;
	columns->keys[n] = change->key;
	columns->values[n] = stored.bytes;
	columns->codecs[n] = stored.codec;
	columns->revs[n] = entry->rev;
	columns->created[n].us = entry->created_us - POSTGRES_EPOCH_US;
	columns->updated[n].us = entry->updated_us - POSTGRES_EPOCH_US;
	columns->no_expiry[n] = entry->expires_us == HF_KV_NEVER;
	columns->expires[n].us = columns->no_expiry[n] ? 0 : entry->expires_us - POSTGRES_EPOCH_US;
	columns->metadata[n] = entry->metadata;
	columns->no_metadata[n] = !entry->metadata.ptr;
	columns->bytes += change->key.len + stored.bytes.len + entry->metadata.len;
	return HF_OK;
}

void columns_clear(struct columns *columns)
{
	columns->count = 0;
	columns->bytes = 0;
	memset(columns->has, 0, sizeof(columns->has));
}
