/*
 * write.c - what writes: every call becomes a batch that the backend applies as a whole.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/cache.h"
#include "kv/check.h"
#include "kv/combine.h"
#include "kv/token.h"

/* ---- batches ---- */

static struct hf_kv_batch batch_of(const hf_kv *kv, const struct hf_kv_write *writes, size_t count,
                                   const struct hf_kv_how *how)
{
	const struct hf_kv_options *options = &kv->backend->options;
	return (struct hf_kv_batch){
		.writes = writes,
		.count = count,
		.durability = how && how->durability_set ? how->durability : options->durability,
		.fence = how ? how->fence : NULL,
		.deadline = kv_deadline(kv, how ? how->deadline : HF_DEADLINE_DEFAULT),
		.value_bytes_max = options->value_bytes_max,
	};
}

/* The token of a call, as the backend has it. */
struct told {
	struct hf_kv_token token;
	bool *ret_repeated; /* the caller's */
	bool repeated;
};

/* @param given, checked the same request, as token_hash() has them. */
static void take_token(struct told *told, struct hf_kv_batch *batch, const struct hf_kv_how *how,
                       const struct hf_kv_txn *given, const struct hf_kv_txn *checked)
{
	told->ret_repeated = how ? how->ret_repeated : NULL;
	told->repeated = false;
	if (!how || !how->token)
		return;
	told->token = (struct hf_kv_token){*how->token, token_hash(given, checked), &told->repeated};
	batch->token = &told->token;
}

static enum hf_status tell(const struct told *told, enum hf_status status)
{
	if (status == HF_OK && told->ret_repeated)
		*told->ret_repeated = told->repeated;
	return status;
}

static void count_writes(hf_kv *kv, const struct hf_kv_write *writes, size_t count)
{
	struct kv_stripe *stripe = kv_stripe_find(&kv->counters);
	uint64_t puts = 0, deletes = 0, bytes = 0;
	for (size_t i = 0; i < count; i++) {
		bool puts_value =
			writes[i].op == HF_KV_PUT || writes[i].op == HF_KV_ADD || writes[i].op == HF_KV_APPEND;
		puts += puts_value;
		deletes += writes[i].op == HF_KV_DELETE;
		bytes += puts_value ? writes[i].key.len + writes[i].value.len : 0;
	}
	kv_stripe_add(&kv->counters, stripe, KV_QUERIES, 1);
	kv_stripe_add(&kv->counters, stripe, KV_TRANSACTIONS, 1);
	kv_stripe_add(&kv->counters, stripe, KV_PUTS, puts);
	kv_stripe_add(&kv->counters, stripe, KV_DELETES, deletes);
	kv_stripe_add(&kv->counters, stripe, KV_WRITTEN, bytes);
}

static enum hf_status apply_checked(hf_kv *kv, const struct hf_kv_batch *batch, hf_arena *arena,
                                    struct hf_kv_result *results, hf_error *err)
{
	int64_t since_us = kv_timing(kv);
	cache_begin_write(kv->cache, batch->writes, batch->count);
	enum hf_status status = kv->combine && combine_takes(batch)
	                                ? combine_write(kv, batch, arena, results, err)
	                                : kv_vtable(kv)->apply(kv->backend->state, kv->ns, batch, arena, results, err);
	kv_timed(kv, batch->count == 1 ? HF_KV_CALL_PUT : HF_KV_CALL_APPLY, since_us);
	cache_end_write(kv->cache, batch->writes, batch->count);
	if (status == HF_CONFLICT)
		status = refused(batch, results, err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	count_writes(kv, batch->writes, batch->count);
	return HF_OK;
}

/* Copies of `writes` as the backend gets them. */
static enum hf_status check_writes(const hf_kv *kv, const struct hf_kv_write *writes, size_t count, hf_arena *scratch,
                                   struct hf_kv_write **ret_writes, hf_error *err)
{
	enum hf_status status = check_count(count, "writes", err);
	if (status != HF_OK)
		return status;
	struct hf_kv_write *checked = hf_arena_alloc(scratch, count * sizeof(*checked));
	if (!checked)
		return error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = check_write(kv, &writes[i], scratch, &checked[i], err);
	*ret_writes = checked;
	return status;
}

static enum hf_status results_for(size_t count, hf_arena *scratch, struct hf_kv_result **results, hf_error *err)
{
	if (*results)
		memset(*results, 0, count * sizeof(**results));
	else
		*results = hf_arena_calloc(scratch, count, sizeof(**results));
	return *results ? HF_OK : error_nomem(err);
}

enum hf_status hf_kv_apply(hf_kv *kv, const struct hf_kv_write *writes, size_t count, const struct hf_kv_how *how,
                           hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new((size_t)1 << 34);
	struct hf_kv_write *checked = NULL;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = check_how(kv, how, err);
	if (status != HF_OK || count == 0)
		return status;
	status = check_writes(kv, writes, count, scratch, &checked, err);
	if (status == HF_OK)
		status = results_for(count, scratch, &ret_results, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_batch batch = batch_of(kv, checked, count, how);
	struct told told;
	take_token(&told, &batch, how, &(struct hf_kv_txn){.then = writes},
	           &(struct hf_kv_txn){.then = checked, .nthen = count});
	return tell(&told, apply_checked(kv, &batch, arena ? arena : scratch, ret_results, err));
}

/* ---- transactions ---- */

static enum hf_status check_compare(const struct hf_kv_txn *txn, hf_error *err)
{
	for (size_t i = 0; i < txn->ncompare; i++)
		if (txn->compare[i].op != HF_KV_READ)
			return error_set(err, HF_E_USAGE, "compare[%zu]: only HF_KV_READ with conditions compares", i);
	return HF_OK;
}

static enum hf_status check_txn(const hf_kv *kv, const struct hf_kv_txn *txn, hf_arena *scratch,
                                struct hf_kv_txn *ret_txn, hf_error *err)
{
	struct hf_kv_write *compare = NULL, *then = NULL, *otherwise = NULL;
	enum hf_status status = check_compare(txn, err);
	if (status == HF_OK)
		status = check_writes(kv, txn->compare, txn->ncompare, scratch, &compare, err);
	if (status == HF_OK)
		status = check_writes(kv, txn->then, txn->nthen, scratch, &then, err);
	if (status == HF_OK)
		status = check_writes(kv, txn->otherwise, txn->notherwise, scratch, &otherwise, err);
	*ret_txn = (struct hf_kv_txn){compare, txn->ncompare, then, txn->nthen, otherwise, txn->notherwise};
	return status;
}

static enum hf_status transact_checked(hf_kv *kv, const struct hf_kv_txn *txn, struct hf_kv_batch *common,
                                       hf_arena *arena, bool *ret_held, struct hf_kv_result *results, hf_error *err)
{
	bool held = false;
	int64_t since_us = kv_timing(kv);
	cache_begin_write(kv->cache, txn->then, txn->nthen);
	cache_begin_write(kv->cache, txn->otherwise, txn->notherwise);
	enum hf_status status =
		kv_vtable(kv)->transact(kv->backend->state, kv->ns, txn, common, arena, &held, results, err);
	kv_timed(kv, HF_KV_CALL_TRANSACT, since_us);
	cache_end_write(kv->cache, txn->otherwise, txn->notherwise);
	cache_end_write(kv->cache, txn->then, txn->nthen);
	common->writes = held ? txn->then : txn->otherwise;
	common->count = held ? txn->nthen : txn->notherwise;
	if (status == HF_CONFLICT)
		status = refused(common, results, err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	count_writes(kv, common->writes, common->count);
	*ret_held = held;
	return HF_OK;
}

enum hf_status hf_kv_transact(hf_kv *kv, const struct hf_kv_txn *txn, const struct hf_kv_how *how, hf_arena *arena,
                              bool *ret_held, struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new((size_t)1 << 34);
	struct hf_kv_txn checked;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = check_how(kv, how, err);
	if (status == HF_OK)
		status = check_txn(kv, txn, scratch, &checked, err);
	if (status == HF_OK)
		status = results_for(txn->nthen > txn->notherwise ? txn->nthen : txn->notherwise, scratch, &ret_results,
		                     err);
	if (status != HF_OK)
		return status;
	struct hf_kv_batch common = batch_of(kv, NULL, 0, how);
	struct told told;
	take_token(&told, &common, how, txn, &checked);
	return tell(&told,
	            transact_checked(kv, &checked, &common, arena ? arena : scratch, ret_held, ret_results, err));
}

/* ---- one write ---- */

static bool is_plain_put(const struct hf_kv_write *write)
{
	return write->op == HF_KV_PUT && !write->created_us && !(write->flags & ~(uint32_t)HF_KV_NO_TTL);
}

/* Needs no memory of its own, unless there is metadata. @param arena for what comes before; NULL = nothing does.
 * @param ret_result NULL = not asked for. */
static enum hf_status apply_one(hf_kv *kv, const struct hf_kv_write *write, const struct hf_kv_how *how,
                                hf_arena *arena, struct hf_kv_result *ret_result, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = NULL;
	struct hf_kv_result unasked, *result = ret_result ? ret_result : &unasked;
	struct hf_kv_write checked;
	*result = (struct hf_kv_result){0};
	if (write->metadata.ptr && !(scratch = hf_arena_new(0)))
		return error_nomem(err);
	enum hf_status status = check_how(kv, how, err);
	if (status == HF_OK)
		status = check_write(kv, write, scratch, &checked, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_batch batch = batch_of(kv, &checked, 1, how);
	struct told told;
	take_token(&told, &batch, how, &(struct hf_kv_txn){.then = write},
	           &(struct hf_kv_txn){.then = &checked, .nthen = 1});
	batch.blind = !ret_result && is_plain_put(&checked) && !batch.fence && !batch.token;
	return tell(&told, apply_checked(kv, &batch, arena, result, err));
}

/* As apply_one(), for what must be there. */
static enum hf_status apply_to_present(hf_kv *kv, const struct hf_kv_write *write, const struct hf_kv_how *how,
                                       hf_arena *arena, struct hf_kv_result *ret_result, hf_error *err)
{
	char text[KV_KEY_TEXT];
	enum hf_status status = apply_one(kv, write, how, arena, ret_result, err);
	bool absent = ret_result->outcome == HF_KV_NO_ENTRY || ret_result->outcome == HF_KV_ABSENT;
	if (absent && (status == HF_OK || status == HF_CONFLICT))
		return error_set(err, HF_NOT_FOUND, "key %s is not there", key_text(write->key, text));
	return status;
}

enum hf_status hf_kv_put(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_put *put,
                         hf_error *err)
{
	struct hf_kv_result result = {0};
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = key, .value = value};
	bool asked = put && put->ret_rev;
	if (put) {
		write.flags = put->flags & ~(uint32_t)HF_KV_RETURN_BEFORE;
		write.ttl_us = put->ttl_us;
		write.metadata = put->metadata;
		write.if_rev = put->if_rev;
		write.if_value = put->if_value;
	}
	enum hf_status status = apply_one(kv, &write, put ? &put->how : NULL, NULL, asked ? &result : NULL, err);
	if (asked && (status == HF_OK || status == HF_CONFLICT))
		*put->ret_rev = result.rev;
	return status;
}

enum hf_status hf_kv_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, bool *ret_existed,
                            hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_DELETE, .key = key};
	enum hf_status status = apply_one(kv, &write, how, NULL, &result, err);
	if (status == HF_OK && ret_existed)
		*ret_existed = result.existed;
	return status;
}

enum hf_status hf_kv_compare_and_set(hf_kv *kv, struct hf_bytes key, struct hf_bytes expected, struct hf_bytes value,
                                     const struct hf_kv_how *how, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_PUT,
	                            .key = key,
	                            .value = value,
	                            .if_value = expected,
	                            .flags = HF_KV_IF_VALUE | HF_KV_KEEP_TTL | HF_KV_KEEP_METADATA};
	return apply_to_present(kv, &write, how, NULL, &result, err);
}

enum hf_status hf_kv_touch(hf_kv *kv, struct hf_bytes key, int64_t ttl_us, const struct hf_kv_how *how, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_TOUCH, .key = key, .ttl_us = ttl_us};
	return apply_to_present(kv, &write, how, NULL, &result, err);
}

enum hf_status hf_kv_persist(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_PERSIST, .key = key};
	return apply_to_present(kv, &write, how, NULL, &result, err);
}

enum hf_status hf_kv_increment(hf_kv *kv, struct hf_bytes key, int64_t delta, const struct hf_kv_how *how,
                               int64_t *ret_number, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_ADD, .key = key, .delta = delta};
	enum hf_status status = apply_one(kv, &write, how, NULL, &result, err);
	if (status == HF_OK && ret_number)
		*ret_number = result.number;
	return status;
}

enum hf_status hf_kv_append(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_how *how,
                            hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_APPEND, .key = key, .value = value};
	return apply_one(kv, &write, how, NULL, &result, err);
}

enum hf_status hf_kv_get_and_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, hf_arena *arena,
                                    struct hf_kv_entry *ret_before, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_DELETE, .key = key, .flags = HF_KV_RETURN_BEFORE};
	enum hf_status status = apply_to_present(kv, &write, how, arena, &result, err);
	if (status == HF_OK)
		*ret_before = result.before;
	return status;
}

enum hf_status hf_kv_get_and_put(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_how *how,
                                 hf_arena *arena, struct hf_kv_entry *ret_before, hf_error *err)
{
	struct hf_kv_result result;
	struct hf_kv_write write = {.op = HF_KV_PUT, .key = key, .value = value, .flags = HF_KV_RETURN_BEFORE};
	enum hf_status status = apply_one(kv, &write, how, arena, &result, err);
	if (status != HF_OK)
		return status;
	*ret_before = result.before;
	return result.existed ? HF_OK : HF_NOT_FOUND;
}

/* ---- many ---- */

static enum hf_status apply_many(hf_kv *kv, enum hf_kv_op op, const struct hf_bytes *keys,
                                 const struct hf_bytes *values, size_t count, const struct hf_kv_how *how,
                                 size_t *ret_existed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new((size_t)1 << 32);
	const bool blind = op == HF_KV_PUT && !(how && (how->fence || how->token));
	size_t existed = 0;
	if (check_count(count, "writes", err) != HF_OK)
		return HF_E_LIMIT;
	struct hf_kv_write *writes = scratch ? hf_arena_alloc(scratch, count * sizeof(*writes)) : NULL;
	struct hf_kv_result *results = writes ? hf_arena_alloc(scratch, count * sizeof(*results)) : NULL;
	if (!results)
		return error_nomem(err);
	if (!blind) /* else memory that nobody touches is none */
		memset(results, 0, count * sizeof(*results));
	enum hf_status status = check_how(kv, how, err);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		const struct hf_kv_write write = {.op = op,
		                                  .key = keys[i],
		                                  .value = values ? values[i] : HF_KV_KEY("")};
		status = check_write(kv, &write, scratch, &writes[i], err);
	}
	struct hf_kv_batch batch = batch_of(kv, writes, count, how);
	batch.blind = blind;
	struct told told;
	if (status == HF_OK && count > 0) {
		take_token(&told, &batch, how, NULL, &(struct hf_kv_txn){.then = writes, .nthen = count});
		status = tell(&told, apply_checked(kv, &batch, scratch, results, err));
	}
	for (size_t i = 0; i < count && status == HF_OK && ret_existed; i++)
		existed += results[i].existed;
	if (status == HF_OK && ret_existed)
		*ret_existed = existed;
	return status;
}

enum hf_status hf_kv_put_many(hf_kv *kv, const struct hf_bytes *keys, const struct hf_bytes *values, size_t count,
                              const struct hf_kv_how *how, hf_error *err)
{
	return apply_many(kv, HF_KV_PUT, keys, values, count, how, NULL, err);
}

enum hf_status hf_kv_delete_many(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_how *how,
                                 size_t *ret_existed, hf_error *err)
{
	return apply_many(kv, HF_KV_DELETE, keys, NULL, count, how, ret_existed, err);
}
