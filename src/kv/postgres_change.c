/*
 * postgres_change.c - see postgres_change.h.
 */
#include "kv/postgres_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/codec.h"

static bool same_bytes(struct hf_bytes a, struct hf_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

enum hf_kv_outcome change_check(const struct change *change, const struct hf_kv_write *write)
{
	if (!change->is_live)
		return write->flags & (HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE) ? HF_KV_ABSENT : HF_KV_DONE;
	if (write->flags & HF_KV_IF_ABSENT)
		return HF_KV_EXISTS;
	if ((write->flags & HF_KV_IF_REV) && change->entry.rev != write->if_rev)
		return HF_KV_CHANGED;
	if ((write->flags & HF_KV_IF_VALUE) && !same_bytes(change->entry.value, write->if_value))
		return HF_KV_CHANGED;
	return HF_KV_DONE;
}

bool change_wants_value(const struct hf_kv_write *write)
{
	return write->op == HF_KV_ADD || write->op == HF_KV_APPEND || write->op == HF_KV_READ ||
	       (write->flags & (HF_KV_IF_VALUE | HF_KV_RETURN_BEFORE));
}

bool change_takes_rev(const struct hf_kv_write *write)
{
	return write->op == HF_KV_PUT || write->op == HF_KV_ADD || write->op == HF_KV_APPEND;
}

/* ---- operations ---- */

/* A new state: revision and times; the expiry of a live entry stays if `keep_ttl`. */
static void renew(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                  bool keep_ttl)
{
	struct hf_kv_entry *entry = &change->entry;
	if (!change->is_live)
		*entry = (struct hf_kv_entry){.created_us = changing->now_us};
	if (!change->is_live || !keep_ttl)
		entry->expires_us = write->ttl_us > 0 ? changing->now_us + write->ttl_us : HF_KV_NEVER;
	entry->rev = change->used < change->nrevs ? change->revs[change->used++] : 0;
	entry->updated_us = changing->now_us > entry->created_us ? changing->now_us : entry->created_us;
	change->codec = CODEC_RAW; /* of the value that the caller sets */
	change->is_live = change->is_changed = true;
}

static void put(const struct changing *changing, struct change *change, const struct hf_kv_write *write)
{
	renew(changing, change, write, write->flags & HF_KV_KEEP_TTL);
	if (!(write->flags & HF_KV_KEEP_METADATA) || !change->entry.metadata.ptr)
		change->entry.metadata = write->metadata;
	change->entry.value = write->value;
	if (write->created_us)
		change->entry.created_us = write->created_us < changing->now_us ? write->created_us : changing->now_us;
}

static enum hf_kv_outcome delete (struct change *change) {
	bool was_live = change->is_live; change->is_changed = change->is_changed || change->is_there || was_live;
	change->is_live = false;
	return was_live ? HF_KV_DONE : HF_KV_NO_ENTRY;
}

static enum hf_kv_outcome expire(const struct changing *changing, struct change *change,
                                 const struct hf_kv_write *write)
{
	if (!change->is_live)
		return HF_KV_NO_ENTRY;
	change->entry.expires_us = write->op == HF_KV_TOUCH ? changing->now_us + write->ttl_us : HF_KV_NEVER;
	change->is_changed = true;
	return HF_KV_DONE;
}

static enum hf_status add(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                          struct hf_kv_result *result, hf_error *err)
{
	char digits[24];
	int64_t number = 0;
	struct hf_str text = {(const char *)change->entry.value.ptr, change->entry.value.len};
	bool fits = (!change->is_live || str_to_i64(text, &number)) &&
	            !__builtin_add_overflow(number, write->delta, &number);
	if (!fits) {
		result->outcome = HF_KV_NO_NUMBER;
		return HF_CONFLICT;
	}
	int len = snprintf(digits, sizeof(digits), "%" PRId64, number);
	struct hf_str made = hf_arena_str(changing->scratch, (struct hf_str){digits, (size_t)len});
	if (!made.ptr)
		return error_nomem(err);
	renew(changing, change, write, true);
	change->entry.value = (struct hf_bytes){(const uint8_t *)made.ptr, made.len};
	result->number = number;
	return HF_OK;
}

static enum hf_status append(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                             struct hf_kv_result *result, hf_error *err)
{
	struct hf_bytes before = change->is_live ? change->entry.value : (struct hf_bytes){NULL, 0};
	if (write->value.len > changing->value_bytes_max || before.len > changing->value_bytes_max - write->value.len) {
		result->outcome = HF_KV_TOO_LONG;
		return HF_CONFLICT;
	}
	uint8_t *joined = hf_arena_alloc(changing->scratch, before.len + write->value.len + 1);
	if (!joined)
		return error_nomem(err);
	if (before.len)
		memcpy(joined, before.ptr, before.len);
	if (write->value.len)
		memcpy(joined + before.len, write->value.ptr, write->value.len);
	renew(changing, change, write, true);
	change->entry.value = (struct hf_bytes){joined, before.len + write->value.len};
	return HF_OK;
}

static enum hf_status operate(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                              struct hf_kv_result *result, hf_error *err)
{
	switch (write->op) {
	case HF_KV_PUT:
		put(changing, change, write);
		return HF_OK;
	case HF_KV_DELETE:
		result->outcome = delete (change);
		return HF_OK;
	case HF_KV_TOUCH:
	case HF_KV_PERSIST:
		result->outcome = expire(changing, change, write);
		return HF_OK;
	case HF_KV_ADD:
		return add(changing, change, write, result, err);
	case HF_KV_APPEND:
		return append(changing, change, write, result, err);
	case HF_KV_READ:
		result->outcome = change->is_live ? HF_KV_DONE : HF_KV_NO_ENTRY;
		return HF_OK;
	}
	return error_set(err, HF_E_USAGE, "there is no operation %d", (int)write->op);
}

/* ---- results ---- */

static bool copy_bytes(hf_arena *arena, struct hf_bytes *bytes)
{
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)bytes->ptr, bytes->len});
	bytes->ptr = (const uint8_t *)copy.ptr;
	return copy.ptr != NULL;
}

static enum hf_status show_before(const struct changing *changing, const struct change *change,
                                  const struct hf_kv_write *write, struct hf_kv_entry *ret_before, hf_error *err)
{
	struct hf_kv_entry before = change->entry;
	bool wanted = write->op == HF_KV_READ || (write->flags & HF_KV_RETURN_BEFORE);
	if (!wanted || !change->is_live)
		return HF_OK;
	before.key = change->key;
	bool copied = copy_bytes(changing->arena, &before.key) && copy_bytes(changing->arena, &before.value);
	if (copied && before.metadata.ptr)
		before.metadata = hf_arena_str(changing->arena, before.metadata);
	if (!copied || (change->entry.metadata.ptr && !before.metadata.ptr))
		return error_nomem(err);
	*ret_before = before;
	return HF_OK;
}

enum hf_status change_apply(const struct changing *changing, struct change *change, const struct hf_kv_write *write,
                            struct hf_kv_result *ret_result, hf_error *err)
{
	struct hf_kv_result result = {.existed = change->is_live, .rev = change->is_live ? change->entry.rev : 0};
	enum hf_status status = show_before(changing, change, write, &result.before, err);
	if (status != HF_OK)
		return status;
	result.outcome = change_check(change, write);
	status = result.outcome == HF_KV_DONE ? operate(changing, change, write, &result, err) : HF_CONFLICT;
	if (status == HF_OK)
		result.rev = change->is_live ? change->entry.rev : 0;
	*ret_result = result;
	return status;
}
