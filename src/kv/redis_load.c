/*
 * redis_load.c - entries taken over as they are: put aside a thousand at a time, and put in the namespace's place by
 * one script at the end, or with checkpoints by several (redis_restore.c), so that nobody sees half of them.
 */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kv/redis.h"
#include "kv/redis_record.h"

enum { STEP_ENTRIES = 1000, STEP_BYTES = 4 << 20, HEAD_BYTES = 25, MANY = -2 };

struct loading {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_kv_load *how;
	hf_arena *arena;             /* of one step */
	struct hf_kv_entry *entries; /* their values are as `versions` says */
	uint8_t *versions;
	size_t count;
	int64_t total;
	char token[20];
};

/* @param ends it puts the load in the namespace's place. All else nobody sees, and may be sent again: a step puts aside
 * the same entries under the same keys. */
static enum hf_status ask(const struct loading *loading, const struct redis_script *script,
                          struct redis_request *request, bool ends, long long *ret_answer, hf_error *err)
{
	redisReply *reply;
	const struct redis_call call = {.request = request,
	                                .what = "load",
	                                .script = script,
	                                .answers = 1,
	                                .writes = ends,
	                                .strict = ends && loading->how->durability == HF_KV_STRICT,
	                                .deadline = loading->how->deadline};
	enum hf_status status = redis_call(loading->state, &call, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER)
		*ret_answer = reply->integer;
	else
		status = redis_unexpected(call.what, err);
	freeReplyObject(reply);
	return status;
}

/* ---- the end, and the beginning ---- */

static enum hf_status end(const struct loading *loading, const char *what, long long *ret_answer, hf_error *err)
{
	bool ends = strcmp(what, "look") != 0;
	struct redis_request request;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_load_end, redis_space(loading->state, loading->ns), 4);
	redis_request_text(&request, loading->token);
	redis_request_text(&request, what);
	redis_request_number(&request, loading->total);
	redis_request_number(&request, loading->state->changes_max);
	enum hf_status status = ask(loading, &redis_script_load_end, &request, ends, ret_answer, err);
	redis_request_deinit(&request);
	return status;
}

/* More than one script takes. */
static enum hf_status end_in_steps(const struct loading *loading, hf_error *err)
{
	const struct redis_replacing how = {.what = "load",
	                                    .token = loading->token,
	                                    .aside = loading->total,
	                                    .empty = !loading->how->replace,
	                                    .durability = loading->how->durability,
	                                    .deadline = loading->how->deadline};
	uint64_t went;
	return redis_replace(loading->state, loading->ns, &how, &went, err);
}

static enum hf_status gone(hf_error *err)
{
	return error_set(err, HF_E_UNAVAILABLE,
	                 "what was put aside for the namespace is gone: the load took too long, or the "
	                 "server began anew");
}

static enum hf_status end_well(const struct loading *loading, const char *what, hf_error *err)
{
	long long answer = 0;
	enum hf_status status = end(loading, what, &answer, err);
	if (status != HF_OK || answer == 1)
		return status;
	if (answer == MANY)
		return end_in_steps(loading, err);
	if (answer == 0)
		return error_set(err, HF_CONFLICT, "the namespace has entries");
	return gone(err);
}

/* ---- steps ---- */

static bool keep_bytes(struct loading *loading, const void *bytes, size_t len, const void **ret_copy)
{
	struct hf_str copy = hf_arena_str(loading->arena, (struct hf_str){bytes, len});
	*ret_copy = copy.ptr;
	return copy.ptr != NULL;
}

static enum hf_status keep_entry(struct loading *loading, struct hf_kv_entry *entry, hf_error *err)
{
	const void *key, *value, *metadata;
	struct codec_value stored;
	enum hf_status status = codec_pack(&loading->state->codec, entry->value, loading->arena, &stored, err);
	if (status != HF_OK)
		return status;
	bool packed = stored.codec != CODEC_RAW;
	loading->versions[loading->count] = packed ? REDIS_RECORD_PACKED : REDIS_RECORD_PLAIN;
	entry->value = stored.bytes;
	if (!keep_bytes(loading, entry->key.ptr, entry->key.len, &key) ||
	    (!packed && !keep_bytes(loading, entry->value.ptr, entry->value.len, &value)) ||
	    !keep_bytes(loading, entry->metadata.ptr, entry->metadata.len, &metadata))
		return error_nomem(err);
	entry->key.ptr = key;
	if (!packed)
		entry->value.ptr = value;
	entry->metadata.ptr = metadata;
	return HF_OK;
}

/* HF_STOP: there is no more. */
static enum hf_status gather(struct loading *loading, hf_error *err)
{
	hf_arena_reset(loading->arena);
	loading->count = 0;
	loading->entries = hf_arena_alloc(loading->arena, STEP_ENTRIES * sizeof(*loading->entries));
	loading->versions = hf_arena_alloc(loading->arena, STEP_ENTRIES);
	if (!loading->entries || !loading->versions)
		return error_nomem(err);
	while (loading->count < STEP_ENTRIES && hf_arena_used(loading->arena) < STEP_BYTES) {
		struct hf_kv_entry *entry = &loading->entries[loading->count];
		enum hf_status status = loading->how->next(loading->how->user, entry, err);
		if (status == HF_OK)
			status = keep_entry(loading, entry, err);
		if (status != HF_OK)
			return status;
		loading->count++;
	}
	return HF_OK;
}

static enum hf_status put_aside(struct loading *loading, hf_error *err)
{
	struct redis_request request;
	long long answer = 0;
	if (loading->count == 0)
		return HF_OK;
	redis_request_init(&request);
	redis_request_script(&request, &redis_script_load, redis_space(loading->state, loading->ns),
	                     2 + 4 * loading->count);
	redis_request_text(&request, loading->token);
	redis_request_number(&request, loading->total);
	for (size_t i = 0; i < loading->count; i++) {
		const struct hf_kv_entry *entry = &loading->entries[i];
		uint8_t head[HEAD_BYTES] = {loading->versions[i]};
		put_le64(head + 1, (uint64_t)entry->created_us);
		put_le64(head + 9, (uint64_t)entry->updated_us);
		put_le64(head + 17, (uint64_t)entry->expires_us);
		redis_request_word(&request, (struct hf_bytes){head, sizeof(head)});
		redis_request_key(&request, entry->key);
		redis_request_word(&request,
		                   (struct hf_bytes){(const uint8_t *)entry->metadata.ptr, entry->metadata.len});
		redis_request_word(&request, entry->value);
	}
	enum hf_status status = ask(loading, &redis_script_load, &request, false, &answer, err);
	redis_request_deinit(&request);
	loading->total += (int64_t)loading->count;
	return status == HF_OK && answer < 0 ? gone(err) : status;
}

static enum hf_status all_aside(struct loading *loading, hf_error *err)
{
	enum hf_status status = HF_OK, more = HF_OK;
	while (status == HF_OK && more == HF_OK) {
		more = gather(loading, err);
		status = more == HF_OK || more == HF_STOP ? put_aside(loading, err) : more;
	}
	return status;
}

enum hf_status redis_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)STEP_BYTES + 4 * (size_t)HF_KV_VALUE_BYTES_MAX);
	struct loading loading = {.state = state, .ns = ns, .how = how, .arena = arena};
	if (!arena)
		return error_nomem(err);
	redis_aside_name(state, loading.token);
	enum hf_status status = how->replace ? HF_OK : end_well(&loading, "look", err);
	if (status != HF_OK)
		return status;
	status = all_aside(&loading, err);
	if (status == HF_OK)
		status = end_well(&loading, how->replace ? "replace" : "keep", err);
	if (status != HF_OK) /* should the end still arrive, it finds nothing */
		redis_aside_drop(state, redis_space(state, ns), loading.token);
	return status;
}
