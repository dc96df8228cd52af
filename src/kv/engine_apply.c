/*
 * engine_apply.c - what writes do to entries: conditions, then the operation. One write after the other in a
 * transaction; the first that is refused ends it with HF_CONFLICT and all others are undone. Values that are put are
 * packed before the transaction begins: others wait for it.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/engine_write.h"

#include <inttypes.h>
#include <stdio.h>

/* One write on its way. */
struct step {
	struct engine_write *write;
	const struct hf_kv_batch *batch;
	const struct hf_kv_write *given;
	const struct codec_value *packed; /* what a PUT stores */
	hf_arena *arena;
	struct engine_found found;
	struct hf_kv_result *result;
};

static bool same_bytes(struct hf_bytes a, struct hf_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ---- conditions ---- */

static enum hf_kv_outcome check_state(const struct step *step)
{
	const struct hf_kv_write *given = step->given;
	if (!step->found.is_live)
		return given->flags & (HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE) ? HF_KV_ABSENT : HF_KV_DONE;
	if (given->flags & HF_KV_IF_ABSENT)
		return HF_KV_EXISTS;
	if ((given->flags & HF_KV_IF_REV) && step->found.record.rev != given->if_rev)
		return HF_KV_CHANGED;
	return HF_KV_DONE;
}

static enum hf_status check_conditions(const struct step *step, enum hf_kv_outcome *ret_outcome, hf_error *err)
{
	struct hf_bytes value;
	*ret_outcome = check_state(step);
	if (*ret_outcome != HF_KV_DONE || !(step->given->flags & HF_KV_IF_VALUE))
		return HF_OK;
	enum hf_status status = engine_plain(step->write, &step->found, &value, err);
	if (status == HF_OK && !same_bytes(value, step->given->if_value))
		*ret_outcome = HF_KV_CHANGED;
	return status;
}

static enum hf_status refuse(const struct step *step, enum hf_kv_outcome outcome)
{
	step->result->outcome = outcome;
	return HF_CONFLICT;
}

/* ---- operations; what they need of the old entry is kept ---- */

static enum hf_status store(struct step *step, struct record *record, hf_error *err)
{
	enum hf_status status = engine_store(step->write, &step->found, record, err);
	if (status == HF_OK)
		step->result->rev = record->rev;
	return status;
}

/* A new state of the entry: revision and times; the expiry of a live one stays if `keep_ttl`. */
static struct record renewed(struct step *step, bool keep_ttl)
{
	struct engine_write *write = step->write;
	const struct record *before = &step->found.record;
	bool live = step->found.is_live;
	struct record record = {.rev = ++write->rev, .created_us = live ? before->created_us : write->now_us};
	record.updated_us = write->now_us > record.created_us ? write->now_us : record.created_us;
	if (live && keep_ttl)
		record.expires_us = before->expires_us;
	else if (step->given->ttl_us > 0)
		record.expires_us = write->now_us + step->given->ttl_us;
	return record;
}

static void set_value(struct record *record, struct codec_value value)
{
	record->value = value.bytes;
	record->packed = value.codec != CODEC_RAW;
}

static enum hf_status op_put(struct step *step, hf_error *err)
{
	struct record record = renewed(step, step->given->flags & HF_KV_KEEP_TTL);
	const int64_t created_us = step->given->created_us, now_us = step->write->now_us;
	if (created_us)
		record.created_us = created_us < now_us ? created_us : now_us;
	if ((step->given->flags & HF_KV_KEEP_METADATA) && step->found.is_live) {
		enum hf_status status = engine_keep(step->write, &step->found, err);
		if (status != HF_OK)
			return status;
		record.metadata = step->found.record.metadata;
	} else if (step->given->metadata.ptr) {
		record.metadata =
			(struct hf_bytes){(const uint8_t *)step->given->metadata.ptr, step->given->metadata.len};
	}
	set_value(&record, step->packed ? *step->packed : (struct codec_value){step->given->value, CODEC_RAW});
	return store(step, &record, err);
}

static enum hf_status op_delete(struct step *step, hf_error *err)
{
	if (!step->found.is_live)
		step->result->outcome = HF_KV_NO_ENTRY;
	return engine_remove(step->write, &step->found, err);
}

/* TOUCH and PERSIST: everything stays but the expiry. */
static enum hf_status op_expire(struct step *step, hf_error *err)
{
	if (!step->found.is_live) {
		step->result->outcome = HF_KV_NO_ENTRY;
		return HF_OK;
	}
	enum hf_status status = engine_keep(step->write, &step->found, err);
	if (status != HF_OK)
		return status;
	struct record record = step->found.record;
	record.expires_us = step->given->op == HF_KV_TOUCH ? step->write->now_us + step->given->ttl_us : HF_KV_NEVER;
	return store(step, &record, err);
}

static enum hf_status op_add(struct step *step, hf_error *err)
{
	char digits[24];
	int64_t number = 0;
	struct hf_bytes value = {0};
	enum hf_status status = step->found.is_live ? engine_plain(step->write, &step->found, &value, err) : HF_OK;
	if (status != HF_OK)
		return status;
	if (step->found.is_live && !str_to_i64((struct hf_str){(const char *)value.ptr, value.len}, &number))
		return refuse(step, HF_KV_NO_NUMBER);
	if (__builtin_add_overflow(number, step->given->delta, &number))
		return refuse(step, HF_KV_NO_NUMBER);
	status = engine_keep(step->write, &step->found, err);
	if (status != HF_OK)
		return status;
	struct record record = renewed(step, true);
	if (step->found.is_live)
		record.metadata = step->found.record.metadata;
	record.value = (struct hf_bytes){(const uint8_t *)digits,
	                                 (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number)};
	step->result->number = number;
	return store(step, &record, err);
}

/* One value of two, packed if that pays. */
static enum hf_status join(struct step *step, struct hf_bytes before, struct codec_value *ret_value, hf_error *err)
{
	struct hf_bytes more = step->given->value;
	hf_arena *arena = engine_arena(step->write);
	uint8_t *place = arena ? hf_arena_alloc(arena, before.len + more.len) : NULL;
	if (!place)
		return error_nomem(err);
	if (before.len)
		memcpy(place, before.ptr, before.len);
	if (more.len)
		memcpy(place + before.len, more.ptr, more.len);
	return codec_pack(&step->write->state->codec, (struct hf_bytes){place, before.len + more.len}, arena, ret_value,
	                  err);
}

static enum hf_status op_append(struct step *step, hf_error *err)
{
	struct hf_bytes before = {0}, more = step->given->value;
	enum hf_status status = engine_keep(step->write, &step->found, err);
	if (status == HF_OK && step->found.is_live)
		status = engine_plain(step->write, &step->found, &before, err);
	if (status != HF_OK)
		return status;
	if (more.len > step->batch->value_bytes_max || before.len > step->batch->value_bytes_max - more.len)
		return refuse(step, HF_KV_TOO_LONG);
	struct record record = renewed(step, true);
	struct codec_value value = {before, CODEC_RAW};
	bool packs = before.len + more.len >= step->write->state->codec.from;
	if (packs)
		status = join(step, before, &value, err);
	if (status != HF_OK)
		return status;
	if (step->found.is_live)
		record.metadata = step->found.record.metadata;
	set_value(&record, value);
	if (!packs)
		record.more = more;
	return store(step, &record, err);
}

static enum hf_status op_read(struct step *step)
{
	if (!step->found.is_live)
		step->result->outcome = HF_KV_NO_ENTRY;
	return HF_OK;
}

static enum hf_status operate(struct step *step, hf_error *err)
{
	switch (step->given->op) {
	case HF_KV_PUT:
		return op_put(step, err);
	case HF_KV_DELETE:
		return op_delete(step, err);
	case HF_KV_TOUCH:
	case HF_KV_PERSIST:
		return op_expire(step, err);
	case HF_KV_ADD:
		return op_add(step, err);
	case HF_KV_APPEND:
		return op_append(step, err);
	case HF_KV_READ:
		return op_read(step);
	}
	return error_set(err, HF_E_USAGE, "there is no operation %d", (int)step->given->op);
}

static enum hf_status show_before(struct step *step, hf_error *err)
{
	bool wanted = step->given->op == HF_KV_READ || (step->given->flags & HF_KV_RETURN_BEFORE);
	if (!wanted || !step->found.is_live || !step->arena)
		return HF_OK;
	return engine_entry(step->write->state, step->arena, step->given->key, &step->found.record, false,
	                    &step->result->before, err);
}

static enum hf_status find(struct step *step, hf_error *err)
{
	engine_key_entry(&step->found.key, step->write->ns, step->given->key);
	return engine_find(step->write, &step->found, err);
}

static enum hf_status run_one(struct step *step, hf_error *err)
{
	enum hf_status status = find(step, err);
	if (status == HF_OK)
		status = show_before(step, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_result *result = step->result;
	result->existed = step->found.is_live;
	result->rev = step->found.is_live ? step->found.record.rev : 0;
	status = check_conditions(step, &result->outcome, err);
	if (status == HF_OK && result->outcome != HF_KV_DONE)
		return HF_CONFLICT;
	if (status == HF_OK)
		status = operate(step, err);
	if (status == HF_OK && step->given->op == HF_KV_DELETE)
		result->rev = 0;
	return status;
}

/* Only what was refused has an outcome after a refusal. */
static void undo_results(struct hf_kv_result *results, size_t refused, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (i != refused)
			results[i] = (struct hf_kv_result){0};
}

/* @param packed of each write, or NULL. */
static enum hf_status run_all(struct engine_write *write, const struct hf_kv_batch *batch,
                              const struct codec_value *packed, hf_arena *arena, struct hf_kv_result *results,
                              hf_error *err)
{
	struct step step; /* not cleared: the room for its key is 2 KiB */
	step.write = write;
	step.batch = batch;
	step.arena = arena;
	for (size_t i = 0; i < batch->count; i++) {
		enum hf_status status = HF_OK;
		results[i] = (struct hf_kv_result){0};
		step.given = &batch->writes[i];
		step.packed = packed ? &packed[i] : NULL;
		if (write->arena)
			hf_arena_reset(write->arena);
		step.result = &results[i];
		if (i % ENGINE_STEP == ENGINE_STEP - 1)
			status = engine_check(write->state, batch->deadline, err);
		if (status == HF_OK)
			status = run_one(&step, err);
		if (status == HF_CONFLICT)
			undo_results(results, i, batch->count);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

enum ordered_mode engine_mode_of(const struct hf_kv_batch *batch)
{
	return batch->durability == HF_KV_RELAXED ? ORDERED_WRITE_RELAXED : ORDERED_WRITE;
}

enum hf_status engine_run(struct engine_write *write, const struct hf_kv_batch *batch, const struct codec_value *packed,
                          hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	enum hf_status status = engine_fence(write, batch->fence, err);
	return status == HF_OK ? run_all(write, batch, packed, arena, ret_results, err) : status;
}

enum hf_status engine_apply_alone(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                  const struct codec_value *packed, hf_arena *arena, struct hf_kv_result *ret_results,
                                  hf_error *err)
{
	struct engine_write write;
	enum hf_status status = engine_write_begin(&write, state, ns, engine_mode_of(batch), batch->deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, engine_run(&write, batch, packed, arena, ret_results, err), err);
}

enum hf_status engine_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                            struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *memory = NULL;
	struct codec_value *packed = NULL;
	enum hf_status status = codec_pack_writes(&state->codec, batch->writes, batch->count, &memory, &packed, err);
	if (status != HF_OK)
		return status;
	if (engine_group_takes(&state->group, batch))
		return engine_group_apply(state, ns, batch, packed, arena, ret_results, err);
	return engine_apply_alone(state, ns, batch, packed, arena, ret_results, err);
}

/* ---- transactions ---- */

static enum hf_status compare_all(struct engine_write *write, const struct hf_kv_txn *txn, bool *ret_held,
                                  hf_error *err)
{
	struct step step;
	step.write = write;
	*ret_held = true;
	for (size_t i = 0; *ret_held && i < txn->ncompare; i++) {
		enum hf_kv_outcome outcome;
		step.given = &txn->compare[i];
		if (write->arena)
			hf_arena_reset(write->arena);
		enum hf_status status = find(&step, err);
		if (status != HF_OK)
			return status;
		status = check_conditions(&step, &outcome, err);
		if (status != HF_OK)
			return status;
		*ret_held = outcome == HF_KV_DONE;
	}
	return HF_OK;
}

enum hf_status engine_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                               const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                               struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *memory = NULL;
	struct codec_value *then = NULL, *otherwise = NULL;
	struct engine_write write;
	struct hf_kv_batch branch = *common;
	enum hf_status status = codec_pack_writes(&state->codec, txn->then, txn->nthen, &memory, &then, err);
	if (status == HF_OK)
		status = codec_pack_writes(&state->codec, txn->otherwise, txn->notherwise, &memory, &otherwise, err);
	if (status == HF_OK)
		status = engine_write_begin(&write, state, ns, engine_mode_of(common), common->deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_fence(&write, common->fence, err);
	if (status == HF_OK)
		status = compare_all(&write, txn, ret_held, err);
	branch.writes = *ret_held ? txn->then : txn->otherwise;
	branch.count = *ret_held ? txn->nthen : txn->notherwise;
	if (status == HF_OK)
		status = run_all(&write, &branch, *ret_held ? then : otherwise, arena, ret_results, err);
	return engine_write_end(&write, status, err);
}

/* ---- clear ---- */

static enum hf_status clear_from(struct engine_write *write, struct ordered_cursor *cursor, bool live_too,
                                 hf_deadline deadline, uint64_t *removed, hf_error *err)
{
	const struct ordered_ops *ops = write->txn.store->ops;
	struct engine_key first;
	struct engine_found found;
	struct ordered_pair pair;
	engine_key_entry(&first, write->ns, (struct hf_bytes){NULL, 0});
	for (size_t n = 1;; n++) {
		enum hf_status status = ops->move(cursor, ORDERED_AT, engine_key_view(&first), &pair, err);
		if (status == HF_NOT_FOUND || (status == HF_OK && memcmp(pair.key.ptr, first.bytes, first.len) != 0))
			return HF_OK;
		if (status == HF_OK && n % ENGINE_STEP == 0)
			status = engine_check(write->state, deadline, err);
		if (status != HF_OK)
			return status;
		engine_key_entry(&found.key, write->ns, engine_user_key(pair.key));
		status = engine_find(write, &found, err);
		if (status == HF_OK && found.is_live && !live_too)
			return error_set(err, HF_CONFLICT, "the namespace has entries");
		*removed += found.is_live;
		if (status == HF_OK)
			status = engine_remove(write, &found, err);
		if (status != HF_OK)
			return status;
	}
}

enum hf_status engine_clear_all(struct engine_write *write, bool live_too, hf_deadline deadline, uint64_t *removed,
                                hf_error *err)
{
	struct ordered_cursor cursor;
	enum hf_status status = write->txn.store->ops->cursor_open(&write->txn, ORDERED_ENTRIES, &cursor, err);
	if (status != HF_OK)
		return status;
	status = clear_from(write, &cursor, live_too, deadline, removed, err);
	write->txn.store->ops->cursor_close(&cursor);
	return status;
}

enum hf_status engine_clear(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *how,
                            uint64_t *ret_removed, hf_error *err)
{
	struct engine_write write;
	uint64_t removed = 0;
	enum hf_status status = engine_write_begin(&write, state, ns, engine_mode_of(how), how->deadline, err);
	if (status != HF_OK)
		return status;
	status = engine_fence(&write, how->fence, err);
	if (status == HF_OK)
		status = engine_tell(&write, HF_KV_EVENT_CLEAR, (struct hf_bytes){NULL, 0}, 0, err);
	write.untold = true;
	if (status == HF_OK)
		status = engine_clear_all(&write, true, how->deadline, &removed, err);
	status = engine_write_end(&write, status, err);
	if (status == HF_OK)
		*ret_removed = removed;
	return status;
}
