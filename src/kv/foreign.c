/*
 * foreign.c - the tables of other programs as entries: see include/holdfast/kv_foreign.h.
 */
#include "holdfast/kv_foreign.h"

#include "base/arena.h"
#include "base/error.h"
#include "queries/foreign/tables.h"

#define EPOCH_US INT64_C(946684800000000) /* 2000-01-01 from 1970 */
enum { CHECKPOINTS_MAX = 10000 };

/* One of the tables being read. */
struct reading {
	struct tables_bound tables;
	hf_arena *arena; /* of the names */
	hf_kv_entry_fn *fn;
	void *user;
	struct hf_bytes after;
};

static const char *or_default(const char *given, const char *name)
{
	return given ? given : name;
}

static enum hf_status bind(struct reading *reading, const struct hf_kv_foreign *from, hf_error *err)
{
	static const struct hf_kv_foreign defaults;
	from = from ? from : &defaults;
	const struct tables_names names = {
		.schema = hf_str_of(or_default(from->schema, "public")),
		.entries = hf_str_of(or_default(from->table, "state_entries")),
		.checkpoints = hf_str_of(or_default(from->checkpoints, "state_checkpoints")),
		.dapr = hf_str_of(or_default(from->table, "state")),
	};
	reading->after = from->after;
	return tables_bind(&names, reading->arena, &reading->tables, err);
}

/* As far as microseconds since 1970 go. */
static int64_t since_1970(struct hf_timestamptz at)
{
	return at.us > INT64_MAX - EPOCH_US ? INT64_MAX : at.us + EPOCH_US;
}

static int64_t expiry_of(const struct foreign_row *row)
{
	bool ends = row->has_expires_at && row->expires_at.us != INT64_MAX; /* infinity */
	return ends ? since_1970(row->expires_at) : HF_KV_NEVER;
}

/* An entry of a store is made in 1970 at the earliest; 0 says nothing. */
static int64_t made_at(const struct foreign_row *row)
{
	int64_t us = row->has_created_at ? since_1970(row->created_at) : 0;
	return row->has_created_at && us < 1 ? 1 : us;
}

static enum hf_status see_row(void *user, const struct foreign_row *row, hf_error *err)
{
	const struct reading *reading = user;
	if (!row->has_key || !row->has_value)
		return error_set(err, HF_E_INPUT, "an entry has no key or no value");
	const struct hf_bytes after = reading->after;
	bool is_after = after.ptr && row->key.len == after.len &&
	                (after.len == 0 || memcmp(row->key.ptr, after.ptr, after.len) == 0);
	if (is_after)
		return HF_OK;
	const struct hf_kv_entry entry = {
		.key = row->key,
		.value = row->value,
		.metadata = row->has_metadata ? row->metadata : (struct hf_str){NULL, 0},
		.created_us = made_at(row),
		.expires_us = expiry_of(row),
	};
	return reading->fn(reading->user, &entry, err);
}

enum hf_status hf_kv_foreign_entries(hf_where where, const struct hf_kv_foreign *from, hf_kv_entry_fn *fn, void *user,
                                     hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct reading reading = {.arena = arena, .fn = fn, .user = user};
	enum hf_status status = arena ? bind(&reading, from, err) : error_nomem(err);
	const struct seed_entries_in in = {.from = reading.after};
	return status == HF_OK ? seed_entries(where, &reading.tables, &in, see_row, &reading, err) : status;
}

enum hf_status hf_kv_foreign_dapr(hf_where where, const struct hf_kv_foreign *from, hf_kv_entry_fn *fn, void *user,
                                  hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct reading reading = {.arena = arena, .fn = fn, .user = user};
	enum hf_status status = arena ? bind(&reading, from, err) : error_nomem(err);
	const struct dapr_entries_in in = {.from = reading.after};
	return status == HF_OK ? dapr_entries(where, &reading.tables, &in, see_row, &reading, err) : status;
}

/* ---- checkpoints ---- */

static void describe(const struct seed_checkpoints_row *row, struct hf_kv_foreign_checkpoint *ret_point)
{
	*ret_point = (struct hf_kv_foreign_checkpoint){
		.id = row->checkpoint_id,
		.metadata = row->has_metadata ? row->metadata : (struct hf_str){NULL, 0},
		.created_us = since_1970(row->created_at),
		.row_count = (uint64_t)row->row_count,
		.data_size = (uint64_t)row->data_size,
	};
}

enum hf_status hf_kv_foreign_checkpoints(hf_where where, const struct hf_kv_foreign *from, hf_arena *arena,
                                         struct hf_kv_foreign_checkpoint **ret_checkpoints, size_t *ret_count,
                                         hf_error *err)
{
	struct reading reading = {.arena = arena};
	struct seed_checkpoints_row *rows = NULL;
	size_t count = 0;
	enum hf_status status = bind(&reading, from, err);
	if (status == HF_OK)
		status = seed_checkpoints(where, &reading.tables, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	if (count > CHECKPOINTS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d checkpoints", CHECKPOINTS_MAX);
	struct hf_kv_foreign_checkpoint *points = hf_arena_calloc(arena, count + 1, sizeof(*points));
	if (!points)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		describe(&rows[i], &points[i]);
	*ret_checkpoints = points;
	*ret_count = count;
	return HF_OK;
}

enum hf_status hf_kv_foreign_checkpoint(hf_where where, const struct hf_kv_foreign *from, const struct hf_uuid *id,
                                        hf_kv_entry_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct reading reading = {.arena = arena, .fn = fn, .user = user};
	enum hf_status status = arena ? bind(&reading, from, err) : error_nomem(err);
	reading.after = (struct hf_bytes){0};
	const struct seed_checkpoint_entries_in in = {.id = *id};
	return status == HF_OK ? seed_checkpoint_entries(where, &reading.tables, &in, see_row, &reading, err) : status;
}
