/*
 * engine_write.c - see engine_write.h.
 */
#include "kv/engine_checkpoint.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

static const struct hf_bytes REV_KEY = {(const uint8_t *)"r", 1};

/* ---- the transaction ---- */

/* Nobody has written since this process did: what it left behind need not be read. NULL: somebody may have. */
static const struct engine_last *known(const struct engine_write *write)
{
	const struct engine_last *last = &write->state->last, *before = &write->state->before;
	uint64_t previous = write->txn.number - 1;
	if (!write->txn.is_next)
		return NULL;
	if (last->number == previous)
		return last;
	return last->number == write->txn.number && before->number == previous ? before : NULL;
}

static void remember(const struct engine_write *write)
{
	hf_kv_backend_state *state = write->state;
	if (state->last.number != write->txn.number)
		state->before = state->last;
	state->last = (struct engine_last){.number = write->txn.number,
	                                   .rev = write->rev,
	                                   .rev_taken = write->rev_taken,
	                                   .ns = write->ns,
	                                   .space = write->space};
}

static enum hf_status load_rev(struct engine_write *write, hf_error *err)
{
	struct hf_bytes value;
	const struct engine_last *last = known(write);
	if (last) {
		write->rev = last->rev;
		write->rev_taken = last->rev_taken;
		return HF_OK;
	}
	enum hf_status status = write->txn.store->ops->get(&write->txn, ORDERED_META, REV_KEY, &value, err);
	if (status == HF_NOT_FOUND)
		return HF_OK;
	if (status != HF_OK)
		return status;
	if (value.len != 8)
		return error_set(err, HF_E_CORRUPT, "could not read the store's revision: it has %zu bytes", value.len);
	write->rev = write->rev_taken = (int64_t)get_le64(value.ptr);
	return HF_OK;
}

static enum hf_status save_rev(struct engine_write *write, hf_error *err)
{
	uint8_t *place = NULL;
	if (write->rev <= write->rev_taken)
		return HF_OK;
	write->rev_taken = write->rev + ENGINE_REVISIONS;
	enum hf_status status = write->txn.store->ops->put(&write->txn, ORDERED_META, REV_KEY, 8, &place, err);
	if (status == HF_OK)
		put_le64(place, (uint64_t)write->rev_taken);
	return status;
}

static enum hf_status save_namespace(struct engine_write *write, hf_error *err)
{
	const struct namespace_state *now = &write->space, *before = &write->space_before;
	if (write->ns == 0 || (now->count == before->count && now->epoch == before->epoch && now->top == before->top &&
	                       now->fed == before->fed))
		return HF_OK;
	return engine_namespace_save(&write->txn, write->ns, &write->space, err);
}

enum hf_status engine_write_enter(struct engine_write *write, int32_t ns, hf_error *err)
{
	if (ns == write->ns)
		return HF_OK;
	enum hf_status status = save_namespace(write, err);
	const struct engine_last *last = write->ns == 0 ? known(write) : NULL;
	if (status == HF_OK && last && last->ns == ns)
		write->space = last->space;
	else if (status == HF_OK)
		status = engine_namespace_load(&write->txn, ns, &write->space, err);
	if (status != HF_OK)
		return status;
	write->space_before = write->space;
	write->ns = ns;
	return HF_OK;
}

enum hf_status engine_write_begin(struct engine_write *write, hf_kv_backend_state *state, int32_t ns,
                                  enum ordered_mode mode, hf_deadline deadline, hf_error *err)
{
	*write = (struct engine_write){.state = state};
	enum hf_status status = engine_check(state, deadline, err);
	if (status == HF_OK)
		status = state->store->ops->begin(state->store, mode, deadline, &write->txn, err);
	if (status != HF_OK)
		return status;
	write->now_us = hf_now_wall_us(state->ctx);
	status = load_rev(write, err);
	if (status == HF_OK && ns != 0)
		status = engine_write_enter(write, ns, err);
	if (status != HF_OK)
		state->store->ops->abort(&write->txn);
	return status;
}

enum hf_status engine_write_end(struct engine_write *write, enum hf_status status, hf_error *err)
{
	if (status == HF_OK)
		status = save_namespace(write, err);
	if (status == HF_OK)
		status = save_rev(write, err);
	free(write->scratch);
	hf_arena_free(write->arena);
	/* Before the commit lets the next one in. One that fails does not use up the number. */
	if (status == HF_OK)
		remember(write);
	if (status == HF_OK)
		return write->txn.store->ops->commit(&write->txn, err);
	write->txn.store->ops->abort(&write->txn);
	return status;
}

/* ---- entries ---- */

enum hf_status engine_find(struct engine_write *write, struct engine_found *found, hf_error *err)
{
	enum hf_status status = write->txn.store->ops->get(&write->txn, ORDERED_ENTRIES, engine_key_view(&found->key),
	                                                   &found->bytes, err);
	found->is_there = found->is_live = false;
	if (status == HF_NOT_FOUND)
		return HF_OK;
	if (status == HF_OK)
		status = record_decode(found->bytes, &found->record, err);
	if (status != HF_OK)
		return status;
	found->is_there = true;
	found->is_live = record_is_live(&found->record, write->now_us);
	return HF_OK;
}

enum hf_status engine_keep(struct engine_write *write, struct engine_found *found, hf_error *err)
{
	if (!found->is_there || found->bytes.ptr == write->scratch)
		return HF_OK;
	if (write->scratch_room < found->bytes.len) {
		uint8_t *grown = realloc(write->scratch, found->bytes.len);
		if (!grown)
			return error_nomem(err);
		write->scratch = grown;
		write->scratch_room = found->bytes.len;
	}
	memcpy(write->scratch, found->bytes.ptr, found->bytes.len);
	found->bytes.ptr = write->scratch;
	return record_decode(found->bytes, &found->record, err);
}

hf_arena *engine_arena(struct engine_write *write)
{
	if (!write->arena)
		write->arena = hf_arena_new((size_t)4 * HF_KV_VALUE_BYTES_MAX);
	return write->arena;
}

enum hf_status engine_plain(struct engine_write *write, const struct engine_found *found, struct hf_bytes *ret_value,
                            hf_error *err)
{
	*ret_value = found->record.value;
	if (!found->record.packed)
		return HF_OK;
	hf_arena *arena = engine_arena(write);
	return arena ? codec_plain(&write->state->codec, engine_value(&found->record), arena, ret_value, err)
	             : error_nomem(err);
}

/* The first change of a key after a checkpoint keeps what the checkpoint has to see. */
static enum hf_status keep_image(struct engine_write *write, struct engine_found *found, hf_error *err)
{
	struct engine_key row;
	uint8_t *place = NULL;
	if (!found->is_there || found->record.epoch >= write->space.top)
		return HF_OK;
	enum hf_status status = engine_keep(write, found, err);
	engine_key_history(&row, engine_key_view(&found->key), write->space.epoch);
	if (status == HF_OK)
		status = write->txn.store->ops->put(&write->txn, ORDERED_HISTORY, engine_key_view(&row),
		                                    found->bytes.len, &place, err);
	if (status == HF_OK)
		memcpy(place, found->bytes.ptr, found->bytes.len);
	return status;
}

static enum hf_status expiry_put(struct engine_write *write, const struct engine_found *found, int64_t expires_us,
                                 hf_error *err)
{
	struct engine_key row;
	uint8_t *place = NULL;
	if (expires_us == HF_KV_NEVER)
		return HF_OK;
	engine_key_expiry(&row, expires_us, engine_key_view(&found->key));
	return write->txn.store->ops->put(&write->txn, ORDERED_EXPIRY, engine_key_view(&row), 0, &place, err);
}

static enum hf_status expiry_del(struct engine_write *write, const struct engine_found *found, hf_error *err)
{
	struct engine_key row;
	if (!found->is_there || found->record.expires_us == HF_KV_NEVER)
		return HF_OK;
	engine_key_expiry(&row, found->record.expires_us, engine_key_view(&found->key));
	enum hf_status status = write->txn.store->ops->del(&write->txn, ORDERED_EXPIRY, engine_key_view(&row), err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

/* The index of expiries follows the entry. */
static enum hf_status expiry_move(struct engine_write *write, const struct engine_found *found, int64_t expires_us,
                                  hf_error *err)
{
	if (found->is_there && found->record.expires_us == expires_us)
		return HF_OK;
	enum hf_status status = expiry_del(write, found, err);
	return status == HF_OK ? expiry_put(write, found, expires_us, err) : status;
}

enum hf_status engine_store(struct engine_write *write, struct engine_found *found, struct record *record,
                            hf_error *err)
{
	uint8_t *place = NULL;
	bool touched = found->is_live && record->rev == found->record.rev;
	enum hf_status status = engine_changed_add(write, found, err);
	if (status == HF_OK)
		status = keep_image(write, found, err);
	if (status == HF_OK)
		status = expiry_move(write, found, record->expires_us, err);
	record->epoch = write->space.epoch;
	if (status == HF_OK)
		status = write->txn.store->ops->put(&write->txn, ORDERED_ENTRIES, engine_key_view(&found->key),
		                                    record_bytes(record), &place, err);
	if (status != HF_OK)
		return status;
	record_encode(record, place);
	write->space.count += !found->is_there;
	return engine_tell(write, touched ? HF_KV_EVENT_TOUCH : HF_KV_EVENT_PUT,
	                   engine_user_key(engine_key_view(&found->key)), record->rev, err);
}

enum hf_status engine_remove(struct engine_write *write, struct engine_found *found, hf_error *err)
{
	if (!found->is_there)
		return HF_OK;
	enum hf_status status = engine_changed_add(write, found, err);
	if (status == HF_OK)
		status = keep_image(write, found, err);
	if (status == HF_OK)
		status = expiry_del(write, found, err);
	if (status == HF_OK)
		status = write->txn.store->ops->del(&write->txn, ORDERED_ENTRIES, engine_key_view(&found->key), err);
	if (status != HF_OK)
		return status;
	write->space.count--;
	return engine_tell(write, found->is_live ? HF_KV_EVENT_DELETE : HF_KV_EVENT_EXPIRE,
	                   engine_user_key(engine_key_view(&found->key)), found->record.rev, err);
}
