/*
 * check.c - see check.h.
 */
#include "kv/check.h"

#include <stdio.h>

#include "base/error.h"
#include "kv/metadata.h"

enum { SHOWN_BYTES = 32 };

static bool printable(struct hf_bytes key)
{
	for (size_t i = 0; i < key.len; i++)
		if (key.ptr[i] < 0x20 || key.ptr[i] > 0x7e || key.ptr[i] == '"')
			return false;
	return true;
}

const char *key_text(struct hf_bytes key, char ret_text[KV_KEY_TEXT])
{
	size_t shown = key.len < SHOWN_BYTES ? key.len : SHOWN_BYTES;
	const char *more = key.len > shown ? "..." : "";
	if (printable(key)) {
		snprintf(ret_text, KV_KEY_TEXT, "\"%.*s%s\"", (int)shown, shown ? (const char *)key.ptr : "", more);
		return ret_text;
	}
	size_t at = (size_t)snprintf(ret_text, KV_KEY_TEXT, "0x");
	for (size_t i = 0; i < shown; i++)
		at += (size_t)snprintf(ret_text + at, KV_KEY_TEXT - at, "%02x", key.ptr[i]);
	snprintf(ret_text + at, KV_KEY_TEXT - at, "%s", more);
	return ret_text;
}

enum hf_status check_key(const hf_kv *kv, struct hf_bytes key, hf_error *err)
{
	uint32_t max = kv->backend->options.key_bytes_max;
	char text[KV_KEY_TEXT];
	if (key.len <= max)
		return HF_OK;
	return error_set(err, HF_E_LIMIT, "key %s has %zu bytes: at most %u are kept", key_text(key, text), key.len,
	                 max);
}

enum hf_status check_read(const struct hf_kv_read *how, hf_error *err)
{
	if (how && how->keys_only && how->value_only)
		return error_set(err, HF_E_USAGE, "keys_only and value_only exclude each other");
	return HF_OK;
}

enum hf_status check_count(size_t count, const char *what, hf_error *err)
{
	if (count <= HF_KV_BATCH_MAX)
		return HF_OK;
	return error_set(err, HF_E_LIMIT, "%zu %s: at most %d a call", count, what, HF_KV_BATCH_MAX);
}

static enum hf_status check_token(const hf_kv *kv, const struct hf_uuid *token, hf_error *err)
{
	static const struct hf_uuid zeros;
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_TOKEN))
		return error_set(err, HF_E_UNSUPPORTED, "%s keeps no tokens of writes", kv_vtable(kv)->name);
	if (memcmp(token, &zeros, sizeof(zeros)) == 0)
		return error_set(err, HF_E_USAGE, "a token of zeros is none: draw one at random");
	return HF_OK;
}

enum hf_status check_no_token(const struct hf_kv_how *how, const char *what, hf_error *err)
{
	if (!how || !how->token)
		return HF_OK;
	return error_set(err, HF_E_USAGE, "%s takes no token", what);
}

enum hf_status check_how(const hf_kv *kv, const struct hf_kv_how *how, hf_error *err)
{
	if (how && how->fence && !(kv_vtable(kv)->capabilities & HF_KV_CAN_LOCK))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no locks, so no fences", kv_vtable(kv)->name);
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK && how && how->token)
		status = check_token(kv, how->token, err);
	if (status == HF_OK && how && how->fence)
		status = kv_check_lock_word("name", how->fence->lock, err);
	if (status == HF_OK && how && how->fence)
		status = kv_check_lock_word("owner", how->fence->owner, err);
	return status;
}

/* ---- a write ---- */

#define IF_FLAGS (HF_KV_IF_ABSENT | HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE)

static uint32_t flags_of(enum hf_kv_op op)
{
	switch (op) {
	case HF_KV_PUT:
		return HF_KV_KEEP_TTL | HF_KV_KEEP_METADATA | HF_KV_NO_TTL | HF_KV_RETURN_BEFORE | IF_FLAGS;
	case HF_KV_ADD:
	case HF_KV_APPEND:
		return HF_KV_KEEP_TTL | HF_KV_KEEP_METADATA | HF_KV_NO_TTL | HF_KV_RETURN_BEFORE | IF_FLAGS;
	case HF_KV_DELETE:
	case HF_KV_TOUCH:
	case HF_KV_PERSIST:
	case HF_KV_READ:
		return HF_KV_RETURN_BEFORE | IF_FLAGS;
	default:
		return 0;
	}
}

static enum hf_status bad(const struct hf_kv_write *write, const char *what, hf_error *err)
{
	char text[KV_KEY_TEXT];
	return error_set(err, HF_E_USAGE, "key %s: %s", key_text(write->key, text), what);
}

static enum hf_status check_shape(const struct hf_kv_write *write, hf_error *err)
{
	uint32_t unknown = write->flags & ~flags_of(write->op);
	if ((int)write->op < HF_KV_PUT || (int)write->op > HF_KV_READ)
		return bad(write, "no such operation", err);
	if (unknown)
		return bad(write, "a flag that does not go with the operation", err);
	if ((write->flags & HF_KV_IF_ABSENT) && (write->flags & (IF_FLAGS & ~HF_KV_IF_ABSENT)))
		return bad(write, "both absent and present cannot be demanded", err);
	if ((write->flags & HF_KV_KEEP_TTL) && (write->flags & HF_KV_NO_TTL))
		return bad(write, "the expiry cannot both stay and go", err);
	if ((write->flags & HF_KV_KEEP_METADATA) && write->op == HF_KV_PUT && write->metadata.ptr)
		return bad(write, "metadata cannot both stay and be replaced", err);
	if (write->created_us && (write->op != HF_KV_PUT || write->created_us < 0))
		return bad(write, "only a put has a time at which it was made, since 1970", err);
	if (write->metadata.ptr && write->op != HF_KV_PUT)
		return bad(write, "only a put has metadata", err);
	return HF_OK;
}

static enum hf_status check_ttl(const struct hf_kv_write *write, hf_error *err)
{
	bool wanted = write->op == HF_KV_TOUCH;
	bool allowed = wanted || write->op == HF_KV_PUT || write->op == HF_KV_ADD || write->op == HF_KV_APPEND;
	if (write->ttl_us == 0 && !wanted)
		return HF_OK;
	if (!allowed || (write->flags & HF_KV_NO_TTL))
		return bad(write, "a TTL does not go with the operation", err);
	if (write->ttl_us < 1 || write->ttl_us > HF_KV_TTL_MAX_US)
		return bad(write, "a TTL is above 0 and at most 100 years", err);
	return HF_OK;
}

static enum hf_status check_sizes(const hf_kv *kv, const struct hf_kv_write *write, hf_error *err)
{
	uint32_t max = kv->backend->options.value_bytes_max;
	size_t len = write->value.len > write->if_value.len ? write->value.len : write->if_value.len;
	char text[KV_KEY_TEXT];
	enum hf_status status = check_key(kv, write->key, err);
	if (status != HF_OK || len <= max)
		return status;
	return error_set(err, HF_E_LIMIT, "key %s: a value of %zu bytes: at most %u are kept",
	                 key_text(write->key, text), len, max);
}

enum hf_status check_write(const hf_kv *kv, const struct hf_kv_write *given, hf_arena *arena,
                           struct hf_kv_write *ret_write, hf_error *err)
{
	enum hf_status status = check_sizes(kv, given, err);
	if (status == HF_OK)
		status = check_shape(given, err);
	if (status == HF_OK)
		status = check_ttl(given, err);
	if (status != HF_OK)
		return status;
	*ret_write = *given;
	bool makes = given->op == HF_KV_PUT || given->op == HF_KV_ADD || given->op == HF_KV_APPEND;
	if (makes && given->ttl_us == 0 && !(given->flags & HF_KV_NO_TTL))
		ret_write->ttl_us = atomic_load_explicit(&kv->ttl_us, memory_order_relaxed);
	if (!given->metadata.ptr)
		return HF_OK;
	status = metadata_canonical(given->metadata, arena, &ret_write->metadata, err);
	if (status != HF_OK) {
		char text[KV_KEY_TEXT];
		error_prefix(err, "key %s", key_text(given->key, text));
	}
	return status;
}

/* ---- refusals ---- */

static const char *const outcome_words[] = {
	[HF_KV_UNDONE] = "undone",       [HF_KV_DONE] = "done",         [HF_KV_NO_ENTRY] = "no-entry",
	[HF_KV_EXISTS] = "exists",       [HF_KV_ABSENT] = "absent",     [HF_KV_CHANGED] = "changed",
	[HF_KV_NO_NUMBER] = "no-number", [HF_KV_TOO_LONG] = "too-long",
};

const char *hf_kv_outcome_word(enum hf_kv_outcome outcome)
{
	return (size_t)outcome < ARRAY_LEN(outcome_words) ? outcome_words[outcome] : "unknown";
}

static enum hf_status refused_write(const struct hf_kv_write *write, const struct hf_kv_result *result,
                                    const struct hf_kv_batch *batch, hf_error *err)
{
	char text[KV_KEY_TEXT];
	const char *key = key_text(write->key, text);
	switch (result->outcome) {
	case HF_KV_EXISTS:
		return error_set(err, HF_CONFLICT, "key %s exists, with revision %lld", key, (long long)result->rev);
	case HF_KV_ABSENT:
		return error_set(err, HF_CONFLICT, "key %s is absent", key);
	case HF_KV_CHANGED:
		return error_set(err, HF_CONFLICT, "key %s was changed: its revision is %lld", key,
		                 (long long)result->rev);
	case HF_KV_NO_NUMBER:
		return error_set(err, HF_CONFLICT,
		                 "key %s: its value is no number of 64 bits, or the sum would be none", key);
	case HF_KV_TOO_LONG:
		return error_set(err, HF_E_LIMIT, "key %s: the value would have more than %u bytes", key,
		                 batch->value_bytes_max);
	case HF_KV_UNDONE:
	case HF_KV_DONE:
	case HF_KV_NO_ENTRY:
	default:
		return HF_OK;
	}
}

enum hf_status refused(const struct hf_kv_batch *batch, const struct hf_kv_result *results, hf_error *err)
{
	for (size_t i = 0; i < batch->count && !batch->blind; i++) {
		enum hf_status status = refused_write(&batch->writes[i], &results[i], batch, err);
		if (status != HF_OK)
			return status;
	}
	if (!batch->fence)
		return error_set(err, HF_CONFLICT, "another writer was faster");
	return error_set(err, HF_CONFLICT, "fenced: lock \"%.*s\" is not held with fence %lld",
	                 (int)batch->fence->lock.len, batch->fence->lock.ptr, (long long)batch->fence->fence);
}
