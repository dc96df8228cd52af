/*
 * redis_write.c - writing: a batch or a transaction is one call of the script `write`, whatever its size.
 *
 * The script holds the server for as long as it runs, a few microseconds a write; other clients wait meanwhile. A batch
 * is bounded by REDIS_REQUEST_BYTES_MAX. Values arrive packed (codec.h), which the server cannot unpack: where a
 * condition or an append looks at one, the script does nothing but answer it, and is called again with its plain value
 * beside it. Plain puts, which are most of what programs do, have scripts of their own that take half the time.
 */
#include <endian.h>

#include "base/arena.h"
#include "base/error.h"
#include "kv/redis_entry.h"

/* Beside the flags of kv.h in what a write says to the script. */
enum { HAS_VALUE = 256, HAS_METADATA = 512, IS_PACKED = 1024, HAS_CREATED = 2048 };
enum {
	HEAD_BYTES = 32,
	SPEC_BYTES = 19,
	RECORD_BEGIN = 5,
	RESULT_BYTES = 10,
	FENCED = 2,
	PACKED = 3,
	ROUNDS_MAX = 100
};

/* ---- asking ---- */

static uint8_t *put_le(uint8_t *place, uint64_t number, size_t bytes)
{
	uint64_t little = htole64(number);
	memcpy(place, &little, bytes);
	return place + bytes;
}

static bool wants_before(const struct hf_kv_write *write)
{
	return write->op == HF_KV_READ || (write->flags & HF_KV_RETURN_BEFORE);
}

static uint32_t flags_of(const struct hf_kv_write *write)
{
	bool has_value = write->op == HF_KV_PUT || write->op == HF_KV_APPEND || write->op == HF_KV_ADD;
	uint32_t flags = write->flags & 0xff;
	if (wants_before(write))
		flags |= HF_KV_RETURN_BEFORE;
	if (has_value)
		flags |= HAS_VALUE;
	if (write->op == HF_KV_PUT && write->metadata.ptr)
		flags |= HAS_METADATA;
	if (write->created_us)
		flags |= HAS_CREATED;
	return flags;
}

static size_t words_of(const struct hf_kv_write *writes, size_t count)
{
	size_t words = 2 * count;
	for (size_t i = 0; i < count; i++) {
		uint32_t flags = flags_of(&writes[i]);
		words += flags & HAS_VALUE ? 1 : 0;
		words += flags & HAS_METADATA ? 1 : 0;
		words += flags & HF_KV_IF_VALUE ? 1 : 0;
		words += flags & HAS_CREATED ? 1 : 0;
	}
	return words;
}

/* @param stored the value as it is stored, or NULL: as it is given. */
static void add_write(struct redis_request *request, const struct hf_kv_write *write, const struct codec_value *stored)
{
	uint8_t spec[SPEC_BYTES], *end = spec;
	uint32_t flags = flags_of(write) | (stored && stored->codec == CODEC_ZSTD ? IS_PACKED : 0);
	end = put_le(end, (uint64_t)write->op, 1);
	end = put_le(end, flags, 2);
	end = put_le(end, (uint64_t)write->ttl_us, 8);
	put_le(end, (uint64_t)write->if_rev, 8);
	redis_request_word(request, (struct hf_bytes){spec, sizeof(spec)});
	redis_request_key(request, write->key);
	if (write->op == HF_KV_ADD)
		redis_request_number(request, write->delta);
	else if (flags & HAS_VALUE)
		redis_request_word(request, stored ? stored->bytes : write->value);
	if (flags & HAS_METADATA)
		redis_request_word(request,
		                   (struct hf_bytes){(const uint8_t *)write->metadata.ptr, write->metadata.len});
	if (flags & HF_KV_IF_VALUE)
		redis_request_word(request, write->if_value);
	if (flags & HAS_CREATED)
		redis_request_number(request, write->created_us);
}

static void add_writes(struct redis_request *request, const struct hf_kv_write *writes,
                       const struct codec_value *stored, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_write(request, &writes[i], stored ? &stored[i] : NULL);
}

/* Values that the server asked for, packed and plain. */
struct plain {
	struct hf_bytes packed, plain;
	struct plain *next;
};

/* A call of the script `write`, and what it is called with again. */
struct writing {
	hf_kv_backend_state *state;
	const struct redis_space *space;
	const struct hf_kv_txn *txn;
	const struct hf_kv_batch *common;
	struct codec_value *then, *otherwise; /* NULL: the values as given */
	hf_arena *memory;                     /* NULL until it is needed */
	struct plain *plains;
	size_t nplains;
};

static void add_txn(struct redis_request *request, const struct writing *writing)
{
	const struct hf_kv_txn *txn = writing->txn;
	const struct hf_kv_batch *common = writing->common;
	uint8_t head[HEAD_BYTES], *end = head;
	size_t then_words = words_of(txn->then, txn->nthen);
	end = put_le(end, txn->ncompare, 4);
	end = put_le(end, txn->nthen, 4);
	end = put_le(end, then_words, 4);
	end = put_le(end, txn->notherwise, 4);
	end = put_le(end, common->value_bytes_max, 8);
	end = put_le(end, common->fence != NULL, 4);
	put_le(end, writing->nplains, 4);
	redis_request_script(request, &redis_script_write, writing->space,
	                     (common->fence ? 4 : 1) + 2 * writing->nplains + words_of(txn->compare, txn->ncompare) +
	                             then_words + words_of(txn->otherwise, txn->notherwise));
	redis_request_word(request, (struct hf_bytes){head, sizeof(head)});
	if (common->fence)
		redis_request_fence(request, common->fence);
	for (const struct plain *one = writing->plains; one; one = one->next) {
		redis_request_word(request, one->packed);
		redis_request_word(request, one->plain);
	}
	add_writes(request, txn->compare, NULL, txn->ncompare);
	add_writes(request, txn->then, writing->then, txn->nthen);
	add_writes(request, txn->otherwise, writing->otherwise, txn->notherwise);
}

/* ---- answers ---- */

/* {branch, results, then sums and entries in order} */
struct answer {
	hf_kv_backend_state *state;
	const redisReply *reply;
	const uint8_t *results;
	size_t next; /* of what stands behind the results */
};

static bool read_head(hf_kv_backend_state *state, const redisReply *reply, size_t count, struct answer *ret_answer)
{
	if (!redis_is_array(reply, 2) || reply->element[1]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->len != count * RESULT_BYTES)
		return false;
	*ret_answer = (struct answer){state, reply, (const uint8_t *)reply->element[1]->str, 2};
	return true;
}

static const redisReply *next_of(struct answer *answer)
{
	return answer->next < answer->reply->elements ? answer->reply->element[answer->next++] : NULL;
}

static enum hf_status read_before(struct answer *answer, const struct hf_kv_write *write, hf_arena *arena,
                                  struct hf_kv_result *result, hf_error *err)
{
	const redisReply *before = next_of(answer);
	if (!before || !arena)
		return redis_unexpected("write", err);
	/* It was live when the script ran, so not judged by the time once more. */
	const struct redis_look look = {.state = answer->state, .arena = arena, .now_us = INT64_MIN};
	return redis_entry_read(&look, before, write->key, &result->before, err);
}

static enum hf_status read_result(struct answer *answer, size_t i, const struct hf_kv_write *write, hf_arena *arena,
                                  struct hf_kv_result *result, hf_error *err)
{
	const uint8_t *place = answer->results + i * RESULT_BYTES;
	uint64_t rev;
	memcpy(&rev, place + 2, sizeof(rev));
	*result = (struct hf_kv_result){.outcome = (enum hf_kv_outcome)place[0],
	                                .existed = place[1],
	                                .rev = (int64_t)le64toh(rev)};
	if (write->op == HF_KV_ADD && result->outcome == HF_KV_DONE) {
		const redisReply *sum = next_of(answer);
		if (!sum || sum->type != REDIS_REPLY_STRING ||
		    !str_to_i64((struct hf_str){sum->str, sum->len}, &result->number))
			return redis_unexpected("write", err);
	}
	return wants_before(write) ? read_before(answer, write, arena, result, err) : HF_OK;
}

static bool is_refused(const struct hf_kv_result *result)
{
	return result->outcome > HF_KV_NO_ENTRY;
}

/* HF_CONFLICT when one was refused: the others did not happen then. */
static enum hf_status read_results(hf_kv_backend_state *state, const redisReply *reply,
                                   const struct hf_kv_write *writes, size_t count, hf_arena *arena,
                                   struct hf_kv_result *ret_results, hf_error *err)
{
	struct answer answer;
	bool refused = false;
	if (!read_head(state, reply, count, &answer))
		return redis_unexpected("write", err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = read_result(&answer, i, &writes[i], arena, &ret_results[i], err);
		if (status != HF_OK)
			return status;
		refused |= is_refused(&ret_results[i]);
	}
	for (size_t i = 0; refused && i < count; i++)
		if (!is_refused(&ret_results[i]))
			ret_results[i] = (struct hf_kv_result){0};
	return refused ? HF_CONFLICT : HF_OK;
}

/* ---- calls ---- */

static bool changes(const struct hf_kv_write *writes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (writes[i].op != HF_KV_READ)
			return true;
	return false;
}

/* The packed values of an answer, unpacked for the next call. */
static enum hf_status keep_plains(struct writing *writing, const redisReply *reply, hf_error *err)
{
	if (!writing->memory)
		writing->memory = hf_arena_new((size_t)1 << 34);
	for (size_t i = 2; i < reply->elements; i++) {
		const redisReply *value = reply->element[i];
		struct plain *one = writing->memory ? hf_arena_alloc(writing->memory, sizeof(*one)) : NULL;
		struct hf_str packed = {NULL, 0};
		if (value->type != REDIS_REPLY_STRING)
			return redis_unexpected("write", err);
		if (one)
			packed = hf_arena_str(writing->memory, (struct hf_str){value->str, value->len});
		if (!packed.ptr)
			return error_nomem(err);
		*one = (struct plain){.packed = {(const uint8_t *)packed.ptr, packed.len}, .next = writing->plains};
		enum hf_status status =
			codec_plain(&writing->state->codec, (struct codec_value){one->packed, CODEC_ZSTD},
		                    writing->memory, &one->plain, err);
		if (status != HF_OK)
			return status;
		writing->plains = one;
		writing->nplains++;
	}
	return HF_OK;
}

static enum hf_status call_write(struct writing *writing, redisReply **ret_reply, hf_error *err)
{
	const struct hf_kv_txn *txn = writing->txn;
	bool writes = changes(txn->then, txn->nthen) || changes(txn->otherwise, txn->notherwise);
	struct redis_request request;
	redis_request_init(&request);
	add_txn(&request, writing);
	const struct redis_call call = {.request = &request,
	                                .what = "write",
	                                .script = &redis_script_write,
	                                .answers = 1,
	                                .writes = writes,
	                                .strict = writes && writing->common->durability == HF_KV_STRICT,
	                                .deadline = writing->common->deadline};
	enum hf_status status = redis_call(writing->state, &call, ret_reply, err);
	redis_request_deinit(&request);
	return status;
}

static long long branch_of(const redisReply *reply)
{
	return redis_is_array(reply, 1) ? reply->element[0]->integer : 0;
}

/* Until the script had all plain values that it needed. */
static enum hf_status call_until_done(struct writing *writing, redisReply **ret_reply, hf_error *err)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		enum hf_status status = call_write(writing, ret_reply, err);
		if (status != HF_OK || branch_of(*ret_reply) != PACKED)
			return status;
		status = keep_plains(writing, *ret_reply, err);
		freeReplyObject(*ret_reply);
		if (status != HF_OK)
			return status;
	}
	return error_set(err, HF_BUSY, "others put the same keys each time, %d times", ROUNDS_MAX);
}

static enum hf_status write_packed(struct writing *writing, hf_arena *arena, bool *ret_held,
                                   struct hf_kv_result *ret_results, hf_error *err)
{
	const struct hf_kv_txn *txn = writing->txn;
	redisReply *reply;
	enum hf_status status = call_until_done(writing, &reply, err);
	if (status != HF_OK)
		return status;
	bool held = branch_of(reply) == 1;
	if (branch_of(reply) == FENCED)
		status = HF_CONFLICT;
	else
		status = read_results(writing->state, reply, held ? txn->then : txn->otherwise,
		                      held ? txn->nthen : txn->notherwise, arena, ret_results, err);
	freeReplyObject(reply);
	*ret_held = held;
	return status;
}

enum hf_status redis_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                              const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                              struct hf_kv_result *ret_results, hf_error *err)
{
	struct writing writing = {.state = state, .space = redis_space(state, ns), .txn = txn, .common = common};
	enum hf_status status =
		codec_pack_writes(&state->codec, txn->then, txn->nthen, &writing.memory, &writing.then, err);
	if (status == HF_OK)
		status = codec_pack_writes(&state->codec, txn->otherwise, txn->notherwise, &writing.memory,
		                           &writing.otherwise, err);
	if (status == HF_OK)
		status = write_packed(&writing, arena, ret_held, ret_results, err);
	hf_arena_free(writing.memory);
	return status;
}

/* ---- plain puts ---- */

static bool are_plain_puts(const struct hf_kv_batch *batch)
{
	bool plain = !batch->fence && batch->count > 0;
	for (size_t i = 0; plain && i < batch->count; i++)
		plain = batch->writes[i].op == HF_KV_PUT && !batch->writes[i].created_us &&
		        !(batch->writes[i].flags & ~(uint32_t)HF_KV_NO_TTL);
	return plain;
}

static struct hf_bytes stored_value(const struct hf_kv_write *write, const struct codec_value *packed,
                                    uint8_t *ret_version)
{
	*ret_version = packed && packed->codec == CODEC_ZSTD ? REDIS_RECORD_PACKED : REDIS_RECORD_PLAIN;
	return packed ? packed->bytes : write->value;
}

/* As a record begins and ends: what is between is the script's. */
static void add_record(struct redis_request *request, const struct hf_kv_write *write, const struct codec_value *packed)
{
	uint8_t head[RECORD_BEGIN];
	struct hf_bytes value = stored_value(write, packed, head);
	put_le(head + 1, write->metadata.len, 4);
	redis_request_word(request, (struct hf_bytes){head, sizeof(head)});
	redis_request_joined(request, write->metadata, value);
}

static int64_t ttl_of(const struct hf_kv_write *write)
{
	return write->flags & HF_KV_NO_TTL ? 0 : write->ttl_us;
}

static void add_put(struct redis_request *request, const struct redis_space *space, const struct hf_kv_write *write,
                    const struct codec_value *packed)
{
	int64_t ttl_us = ttl_of(write);
	redis_request_script(request, &redis_script_put, space, ttl_us ? 4 : 3);
	redis_request_key(request, write->key);
	add_record(request, write, packed);
	if (ttl_us)
		redis_request_number(request, ttl_us);
}

static void add_puts(struct redis_request *request, const struct redis_space *space, const struct hf_kv_batch *batch,
                     const struct codec_value *packed)
{
	redis_request_script(request, &redis_script_puts, space, 4 * batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		const struct hf_kv_write *write = &batch->writes[i];
		redis_request_key(request, write->key);
		redis_request_number(request, ttl_of(write));
		add_record(request, write, packed ? &packed[i] : NULL);
	}
}

static enum hf_status read_put(const redisReply *reply, struct hf_kv_result *ret_result, hf_error *err)
{
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer == INT64_MIN)
		return redis_unexpected("write", err);
	*ret_result = (struct hf_kv_result){.outcome = HF_KV_DONE,
	                                    .existed = reply->integer > 0,
	                                    .rev = reply->integer > 0 ? reply->integer : -reply->integer};
	return reply->integer != 0 ? HF_OK : HF_PARTIAL;
}

static enum hf_status read_puts(hf_kv_backend_state *state, const redisReply *reply, const struct hf_kv_batch *batch,
                                struct hf_kv_result *ret_results, hf_error *err)
{
	struct answer answer = {.state = state, .results = (const uint8_t *)reply->str};
	enum hf_status status = HF_OK;
	if (batch->count == 1)
		return read_put(reply, ret_results, err);
	if (reply->type == REDIS_REPLY_STRING && reply->len == 0)
		return HF_PARTIAL;
	if (reply->type != REDIS_REPLY_STRING || reply->len != batch->count * RESULT_BYTES)
		return redis_unexpected("write", err);
	for (size_t i = 0; status == HF_OK && i < batch->count; i++)
		status = read_result(&answer, i, &batch->writes[i], NULL, &ret_results[i], err);
	return status;
}

/* HF_PARTIAL: nothing happened; a checkpoint has to keep what was there, or a key stands there twice. */
static enum hf_status put_plain(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *memory = NULL;
	struct codec_value *packed;
	struct redis_request request;
	redisReply *reply;
	enum hf_status status = codec_pack_writes(&state->codec, batch->writes, batch->count, &memory, &packed, err);
	if (status != HF_OK)
		return status;
	redis_request_init(&request);
	if (batch->count == 1)
		add_put(&request, redis_space(state, ns), batch->writes, packed);
	else
		add_puts(&request, redis_space(state, ns), batch, packed);
	const struct redis_call call = {.request = &request,
	                                .what = "write",
	                                .script = batch->count == 1 ? &redis_script_put : &redis_script_puts,
	                                .answers = 1,
	                                .writes = true,
	                                .strict = batch->durability == HF_KV_STRICT,
	                                .deadline = batch->deadline};
	status = redis_call(state, &call, &reply, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	status = read_puts(state, reply, batch, ret_results, err);
	freeReplyObject(reply);
	return status;
}

enum hf_status redis_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                           struct hf_kv_result *ret_results, hf_error *err)
{
	const struct hf_kv_txn txn = {.then = batch->writes, .nthen = batch->count};
	bool held;
	enum hf_status status = are_plain_puts(batch) ? put_plain(state, ns, batch, ret_results, err) : HF_PARTIAL;
	if (status != HF_PARTIAL)
		return status;
	return redis_transact(state, ns, &txn, batch, arena, &held, ret_results, err);
}
