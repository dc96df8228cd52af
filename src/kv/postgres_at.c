/*
 * postgres_at.c - reading as of a checkpoint, and what differs between two. A statement that finds nothing may have
 * found no checkpoint: that is asked then.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres_checkpoint.h"

/* ---- by key ---- */

struct reading_at {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_uuid *id;
	const struct hf_bytes *keys;
	size_t count;
	bool keys_only;
	hf_arena *arena;
	struct hf_kv_entry *entries;
	size_t found;
};

static enum hf_status read_step(hf_where where, struct reading_at *reading, size_t from, size_t count, hf_error *err)
{
	struct entry_row *rows = NULL;
	size_t found = 0;
	const struct entries_get_at_in in = {
		.ns = reading->ns,
		.id = *reading->id,
		.keys_only = reading->keys_only,
		.keys = {.count = (uint32_t)count, .ndim = 1, .values = reading->keys + from},
	};
	enum hf_status status = entries_get_at(where, &reading->state->points, &in, reading->arena, &rows, &found, err);
	for (size_t i = 0; i < found && status == HF_OK; i++)
		status = postgres_entry_at(reading->state, &rows[i], count, reading->keys_only, reading->arena,
		                           reading->entries + from, err);
	reading->found += found;
	return status;
}

static enum hf_status read_all(hf_where where, void *user, hf_error *err)
{
	struct reading_at *reading = user;
	enum hf_status status = HF_OK;
	memset(reading->entries, 0, reading->count * sizeof(*reading->entries));
	reading->found = 0;
	for (size_t from = 0; from < reading->count && status == HF_OK;) {
		size_t left = reading->count - from, step = left < POSTGRES_STEP ? left : POSTGRES_STEP;
		status = read_step(where, reading, from, step, err);
		from += step;
	}
	return status;
}

enum hf_status postgres_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err)
{
	struct reading_at reading = {state, ns, id, keys, count, keys_only, arena, ret_entries, 0};
	const struct hf_transaction_options how = postgres_one_moment(state);
	hf_where where = postgres_on(state, deadline);
	enum hf_status status = count <= POSTGRES_STEP ? read_all(where, &reading, err)
	                                               : hf_transaction(where, &how, read_all, &reading, err);
	if (status == HF_OK && reading.found == 0)
		status = postgres_point_check(state, ns, id, deadline, NULL, err);
	return status;
}

/* ---- differences ---- */

/* A key has one row or two, that of before first. What was there before is told as deleted when nothing follows. */
struct differing {
	hf_kv_backend_state *state;
	hf_kv_change_fn *fn;
	void *user;
	hf_arena *arena; /* of what one entry needs */
	size_t rows;
	bool has_before, stopped;
	int64_t rev, expires_us; /* of the row before */
	uint8_t key[HF_KV_KEY_BYTES_MAX];
	size_t key_len;
};

static enum hf_status tell(struct differing *differing, const struct hf_kv_entry *entry, hf_error *err)
{
	enum hf_status status = differing->fn(differing->user, entry, err);
	differing->stopped = status == HF_STOP;
	return status;
}

static enum hf_status tell_deleted(struct differing *differing, hf_error *err)
{
	const struct hf_kv_entry gone = {.key = {differing->key, differing->key_len}};
	if (!differing->has_before)
		return HF_OK;
	differing->has_before = false;
	return tell(differing, &gone, err);
}

static enum hf_status see_before(struct differing *differing, const struct hf_kv_entry *entry, hf_error *err)
{
	if (entry->key.len > sizeof(differing->key))
		return error_set(err, HF_E_CORRUPT, "a key of %zu bytes stands in the store", entry->key.len);
	if (entry->key.len)
		memcpy(differing->key, entry->key.ptr, entry->key.len);
	differing->key_len = entry->key.len;
	differing->rev = entry->rev;
	differing->expires_us = entry->expires_us;
	differing->has_before = true;
	return HF_OK;
}

static bool is_of_before(const struct differing *differing, const struct hf_kv_entry *entry)
{
	struct hf_bytes before = {differing->key, differing->key_len};
	return differing->has_before && postgres_compare(before, entry->key) == 0;
}

static enum hf_status see_version(void *user, const struct diff_row *row, hf_error *err)
{
	struct differing *differing = user;
	const struct entry_row version = {
		.key = row->key,
		.rev = row->rev,
		.created_at = row->created_at,
		.updated_at = row->updated_at,
		.expires_at = row->expires_at,
		.has_expires_at = row->has_expires_at,
		.codec = row->codec,
		.value = row->value,
		.has_value = row->has_value,
		.metadata = row->metadata,
		.has_metadata = row->has_metadata,
	};
	struct hf_kv_entry entry;
	differing->rows++;
	hf_arena_reset(differing->arena);
	enum hf_status status =
		postgres_entry(differing->state, &version, !row->is_after, differing->arena, &entry, err);
	bool follows = status == HF_OK && row->is_after && is_of_before(differing, &entry);
	bool same = follows && differing->rev == entry.rev && differing->expires_us == entry.expires_us;
	if (follows)
		differing->has_before = false;
	if (status == HF_OK)
		status = tell_deleted(differing, err);
	if (status != HF_OK || same)
		return status;
	return row->is_after ? tell(differing, &entry, err) : see_before(differing, &entry, err);
}

/* Nothing was told: because nothing differs, one of them is unknown, or one is a copy. */
static enum hf_status has_copy(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from,
                               const struct hf_uuid *to, hf_deadline deadline, bool *ret_has, hf_error *err)
{
	enum hf_kv_checkpoint_kind kinds[2] = {HF_KV_EPOCH, HF_KV_EPOCH};
	enum hf_status status = postgres_point_check(state, ns, from, deadline, &kinds[0], err);
	if (status == HF_OK && to)
		status = postgres_point_check(state, ns, to, deadline, &kinds[1], err);
	*ret_has = kinds[0] == HF_KV_SNAPSHOT || kinds[1] == HF_KV_SNAPSHOT;
	return status;
}

static enum hf_status compare_copies(struct differing *differing, const struct entries_diff_in *in,
                                     hf_deadline deadline, hf_error *err)
{
	const struct copies_diff_in all = {
		.ns = in->ns,
		.id = in->id,
		.has_to = in->has_to,
		.to = in->to,
		.has_moment = in->has_moment,
		.moment = in->moment,
	};
	return copies_diff(postgres_on(differing->state, deadline), &differing->state->points, &all, see_version,
	                   differing, err);
}

enum hf_status postgres_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from,
                             const struct hf_uuid *to, int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn,
                             void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	struct differing differing = {.state = state, .fn = fn, .user = user, .arena = arena};
	struct entries_diff_in in = {.ns = ns, .id = *from, .has_to = to != NULL};
	bool copies = false;
	if (!arena)
		return error_nomem(err);
	in.moment.us = moment_us - POSTGRES_EPOCH_US;
	in.has_moment = moment_us != 0;
	if (to)
		in.to = *to;
	enum hf_status status =
		entries_diff(postgres_on(state, deadline), &state->points, &in, see_version, &differing, err);
	if (status == HF_OK && differing.rows == 0)
		status = has_copy(state, ns, from, to, deadline, &copies, err);
	if (status == HF_OK && copies)
		status = compare_copies(&differing, &in, deadline, err);
	/* Of one that went meanwhile nothing was there: all of the other differed from it. */
	if (status == HF_OK && copies)
		status = has_copy(state, ns, from, to, deadline, &copies, err);
	if (status == HF_OK && !differing.stopped)
		status = tell_deleted(&differing, err);
	return status == HF_STOP ? HF_OK : status;
}
