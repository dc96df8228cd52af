/*
 * postgres_get.c - rows as entries; reading by key: whole entries, or values and nothing else.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kv/metadata.h"
#include "kv/postgres_retry.h"

/* ---- rows ---- */

/* jsonb keeps what was said, not how. */
enum hf_status postgres_metadata(bool is_there, struct hf_str text, hf_arena *arena, struct hf_str *ret_metadata,
                                 hf_error *err)
{
	*ret_metadata = (struct hf_str){NULL, 0};
	if (!is_there)
		return HF_OK;
	enum hf_status status = metadata_again(text, arena, ret_metadata, err);
	if (status != HF_OK && status != HF_E_NOMEM)
		return error_set(err, HF_E_CORRUPT, "could not read the metadata of an entry: %s",
		                 err ? err->message : "");
	return status;
}

enum hf_status postgres_entry(hf_kv_backend_state *state, const struct entry_row *row, bool keys_only, hf_arena *arena,
                              struct hf_kv_entry *ret_entry, hf_error *err)
{
	*ret_entry = (struct hf_kv_entry){
		.key = row->key,
		.rev = row->rev,
		.created_us = postgres_us(row->created_at),
		.updated_us = postgres_us(row->updated_at),
		.expires_us = row->has_expires_at ? postgres_us(row->expires_at) : HF_KV_NEVER,
	};
	if (keys_only)
		return HF_OK;
	const struct codec_value stored = {row->value, row->codec};
	enum hf_status status = HF_OK;
	if (row->has_value) /* else it was left out */
		status = codec_plain(&state->codec, stored, arena, &ret_entry->value, err);
	if (status != HF_OK)
		return status;
	return postgres_metadata(row->has_metadata, row->metadata, arena, &ret_entry->metadata, err);
}

static enum hf_status not_asked_for(hf_error *err)
{
	return error_set(err, HF_E_PROTOCOL, "the server answered a key that was not asked for");
}

enum hf_status postgres_entry_at(hf_kv_backend_state *state, const struct entry_row *row, size_t count, bool keys_only,
                                 hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	if (row->place < 1 || (size_t)row->place > count)
		return not_asked_for(err);
	return postgres_entry(state, row, keys_only, arena, &ret_entries[row->place - 1], err);
}

/* ---- by key ---- */

/* The server does not say it again. */
static enum hf_status give_key(struct hf_bytes key, hf_arena *arena, struct hf_kv_entry *entry, hf_error *err)
{
	const struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)key.ptr, key.len});
	entry->key = (struct hf_bytes){(const uint8_t *)copy.ptr, copy.len};
	return copy.ptr ? HF_OK : arena_refused(arena, key.len + 1, "a key", err);
}

static enum hf_status found_one(hf_kv_backend_state *state, const struct entry_get_row *got, struct hf_bytes key,
                                hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct entry_row row = {
		.rev = got->rev,
		.created_at = got->created_at,
		.updated_at = got->updated_at,
		.has_expires_at = got->has_expires_at,
		.expires_at = got->expires_at,
		.codec = got->codec,
		.has_value = true,
		.value = got->value,
		.has_metadata = got->has_metadata,
		.metadata = got->metadata,
	};
	enum hf_status status = postgres_entry(state, &row, false, arena, ret_entry, err);
	return status == HF_OK ? give_key(key, arena, ret_entry, err) : status;
}

static enum hf_status read_one(hf_kv_backend_state *state, int32_t ns, struct hf_bytes key, hf_deadline deadline,
                               hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct entry_get_in in = {.ns = ns, .key = key};
	struct entry_get_row row;
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = entry_get(postgres_on(state, deadline), &state->entries, &in, arena, &row, &again.err);
	while (postgres_again(&again, status));
	if (status == HF_NOT_FOUND) {
		*ret_entry = (struct hf_kv_entry){0};
		return HF_OK;
	}
	return status == HF_OK ? found_one(state, &row, key, arena, ret_entry, err) : status;
}

/* ret_entry: the value, and a revision that says no more than that it is there. */
static enum hf_status found_value(hf_kv_backend_state *state, struct codec_value stored, hf_arena *arena,
                                  struct hf_kv_entry *ret_entry, hf_error *err)
{
	*ret_entry = (struct hf_kv_entry){.rev = 1};
	return codec_plain(&state->codec, stored, arena, &ret_entry->value, err);
}

/* As it is stored. Most values of most stores are not packed, which most often their bytes tell; the first that could
 * be is asked for once more, with its codec, and so is every value from then on. */
static enum hf_status stored_value(hf_kv_backend_state *state, hf_where where, const struct value_get_in *in,
                                   hf_arena *arena, struct codec_value *ret_stored, hf_error *err)
{
	const struct stored_get_in again = {.ns = in->ns, .key = in->key};
	struct stored_get_row stored;
	if (!atomic_load_explicit(&state->packed, memory_order_relaxed)) {
		struct value_get_row row;
		enum hf_status status = value_get(where, &state->entries, in, arena, &row, err);
		if (status != HF_OK)
			return status;
		*ret_stored = (struct codec_value){row.value, CODEC_RAW};
		if (!codec_looks_packed(row.value))
			return HF_OK;
		atomic_store_explicit(&state->packed, true, memory_order_relaxed);
	}
	enum hf_status status = stored_get(where, &state->entries, &again, arena, &stored, err);
	if (status == HF_OK)
		*ret_stored = (struct codec_value){stored.value, stored.codec};
	return status;
}

static enum hf_status value_of_one(hf_kv_backend_state *state, int32_t ns, struct hf_bytes key, hf_deadline deadline,
                                   hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err)
{
	const struct value_get_in in = {.ns = ns, .key = key};
	struct codec_value stored;
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, state, deadline, err);
	do
		status = stored_value(state, postgres_on(state, deadline), &in, arena, &stored, &again.err);
	while (postgres_again(&again, status));
	if (status == HF_NOT_FOUND) {
		*ret_entry = (struct hf_kv_entry){0};
		return HF_OK;
	}
	return status == HF_OK ? found_value(state, stored, arena, ret_entry, err) : status;
}

/* ---- several ---- */

struct reading {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_bytes *keys;
	size_t count;
	bool keys_only, values_only;
	int32_t value_bytes_max; /* longer ones are left out; -1 = every one */
	hf_arena *arena;
	struct hf_kv_entry *entries;
};

/* Of `count` keys from there. */
static enum hf_status found_among(const struct reading *reading, const struct entries_get_row *got, size_t from,
                                  size_t count, hf_error *err)
{
	const struct entry_row row = {
		.place = got->place,
		.rev = got->rev,
		.created_at = got->created_at,
		.updated_at = got->updated_at,
		.has_expires_at = got->has_expires_at,
		.expires_at = got->expires_at,
		.codec = got->codec,
		.has_value = got->has_value,
		.value = got->value,
		.has_metadata = got->has_metadata,
		.metadata = got->metadata,
	};
	struct hf_kv_entry *entries = reading->entries + from;
	enum hf_status status =
		postgres_entry_at(reading->state, &row, count, reading->keys_only, reading->arena, entries, err);
	if (status != HF_OK)
		return status;
	size_t index = (size_t)got->place - 1;
	return give_key(reading->keys[from + index], reading->arena, &entries[index], err);
}

static enum hf_status read_step(hf_where where, const struct reading *reading, size_t from, size_t count, hf_error *err)
{
	struct entries_get_row *rows = NULL;
	size_t found = 0;
	const struct entries_get_in in = {
		.ns = reading->ns,
		.keys_only = reading->keys_only,
		.value_bytes_max = reading->value_bytes_max,
		.keys = {.count = (uint32_t)count, .ndim = 1, .values = reading->keys + from},
	};
	enum hf_status status = entries_get(where, &reading->state->entries, &in, reading->arena, &rows, &found, err);
	for (size_t i = 0; i < found && status == HF_OK; i++)
		status = found_among(reading, &rows[i], from, count, err);
	return status;
}

static enum hf_status values_step(hf_where where, const struct reading *reading, size_t from, size_t count,
                                  hf_error *err)
{
	struct values_get_row *rows = NULL;
	size_t found = 0;
	const struct values_get_in in = {
		.ns = reading->ns,
		.value_bytes_max = reading->value_bytes_max,
		.keys = {.count = (uint32_t)count, .ndim = 1, .values = reading->keys + from},
	};
	enum hf_status status = values_get(where, &reading->state->entries, &in, reading->arena, &rows, &found, err);
	for (size_t i = 0; i < found && status == HF_OK; i++) {
		const struct codec_value stored = {rows[i].value, rows[i].codec};
		if (rows[i].place < 1 || (size_t)rows[i].place > count)
			return not_asked_for(err);
		struct hf_kv_entry *entry = &reading->entries[from + (size_t)rows[i].place - 1];
		if (rows[i].has_value)
			status = found_value(reading->state, stored, reading->arena, entry, err);
		else
			entry->rev = 1; /* it is there, and too long */
	}
	return status;
}

static enum hf_status read_all(hf_where where, void *user, hf_error *err)
{
	const struct reading *reading = user;
	enum hf_status status = HF_OK;
	postgres_count_again(reading->state, where);
	memset(reading->entries, 0, reading->count * sizeof(*reading->entries));
	for (size_t from = 0; from < reading->count && status == HF_OK;) {
		size_t left = reading->count - from, step = left < POSTGRES_STEP ? left : POSTGRES_STEP;
		status = reading->values_only ? values_step(where, reading, from, step, err)
		                              : read_step(where, reading, from, step, err);
		from += step;
	}
	return status;
}

static enum hf_status read_many(struct reading *reading, hf_deadline deadline, hf_error *err)
{
	const struct hf_transaction_options how = postgres_one_moment(reading->state);
	hf_where where = postgres_on(reading->state, deadline);
	if (reading->count > POSTGRES_STEP)
		return hf_transaction(where, &how, read_all, reading, err);
	struct retrying again;
	enum hf_status status;
	postgres_retry(&again, reading->state, deadline, err);
	do
		status = read_all(where, reading, &again.err);
	while (postgres_again(&again, status));
	return status;
}

enum hf_status postgres_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                             bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                             hf_error *err)
{
	struct reading reading = {state, ns,         keys, count, keys_only, false, keys_only ? -1 : INT32_MAX,
	                          arena, ret_entries};
	if (count == 1 && !keys_only)
		return read_one(state, ns, keys[0], deadline, arena, ret_entries, err);
	return read_many(&reading, deadline, err);
}

enum hf_status postgres_values(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                               struct hf_kv_entry *ret_entries, hf_error *err)
{
	int32_t most = value_bytes_max < INT32_MAX ? (int32_t)value_bytes_max : INT32_MAX;
	struct reading reading = {state, ns, keys, count, false, true, most, arena, ret_entries};
	if (count == 1 && most == INT32_MAX)
		return value_of_one(state, ns, keys[0], deadline, arena, ret_entries, err);
	return read_many(&reading, deadline, err);
}

enum hf_status postgres_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                               uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                               struct hf_kv_entry *ret_entries, hf_error *err)
{
	struct reading reading = {state, ns, keys, count, false, false, (int32_t)value_bytes_max, arena, ret_entries};
	return read_all(postgres_on(state, deadline), &reading, err);
}
