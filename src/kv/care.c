/*
 * care.c - clearing, sweeping, the default time to live, sizes, counts, health.
 */
#include "base/error.h"
#include "base/processor.h"
#include "kv/cache.h"
#include "kv/check.h"

enum hf_status hf_kv_clear(hf_kv *kv, const struct hf_kv_how *how, uint64_t *ret_removed, hf_error *err)
{
	const struct hf_kv_options *options = &kv->backend->options;
	struct hf_kv_batch batch = {
		.durability = how && how->durability_set ? how->durability : options->durability,
		.fence = how ? how->fence : NULL,
		.deadline = kv_deadline(kv, how ? how->deadline : HF_DEADLINE_DEFAULT),
	};
	uint64_t removed = 0;
	enum hf_status status = check_how(kv, how, err);
	if (status == HF_OK)
		status = check_no_token(how, "a clear", err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	cache_begin_write_all(kv->cache);
	status = kv_vtable(kv)->clear(kv->backend->state, kv->ns, &batch, &removed, err);
	cache_end_write_all(kv->cache);
	if (status == HF_CONFLICT)
		status = refused(&batch, NULL, err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_count(kv, KV_QUERIES, 1);
	kv_count(kv, KV_TRANSACTIONS, 1);
	if (ret_removed)
		*ret_removed = removed;
	return HF_OK;
}

enum hf_status hf_kv_sweep(hf_kv *kv, hf_deadline deadline, uint64_t *ret_removed, hf_error *err)
{
	uint64_t removed = 0;
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK)
		status = sweep_all(kv->backend, kv_deadline(kv, deadline), &removed, err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_count(kv, KV_QUERIES, 1);
	if (ret_removed)
		*ret_removed = removed;
	return HF_OK;
}

enum hf_status hf_kv_vacuum(hf_kv *kv, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	return status == HF_OK ? kv_vtable(kv)->vacuum(kv->backend->state, kv_deadline(kv, deadline), err) : status;
}

enum hf_status hf_kv_sizes(hf_kv *kv, struct hf_kv_sizes *ret_sizes, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status != HF_OK)
		return status;
	return kv_vtable(kv)->sizes(kv->backend->state, kv_deadline(kv, HF_DEADLINE_DEFAULT), ret_sizes, err);
}

enum hf_status hf_kv_health(hf_kv *kv, hf_deadline deadline, int64_t *ret_latency_us, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status != HF_OK)
		return status;
	int64_t start_us = hf_now_monotonic_us(kv->backend->ctx);
	status = kv_vtable(kv)->health(kv->backend->state, kv_deadline(kv, deadline), err);
	if (ret_latency_us)
		*ret_latency_us = hf_now_monotonic_us(kv->backend->ctx) - start_us;
	return status;
}

enum hf_status hf_kv_now(hf_kv *kv, hf_deadline deadline, int64_t *ret_us, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	return status == HF_OK ? kv_vtable(kv)->now(kv->backend->state, kv_deadline(kv, deadline), ret_us, err)
	                       : status;
}

/* ---- the time to live of what says none ---- */

enum hf_status kv_default_ttl(hf_kv *kv, const int64_t *set_us, int64_t *ret_us, hf_error *err)
{
	const struct hf_kv_vtable *vtable = kv_vtable(kv);
	const int64_t own_us = kv->backend->options.ttl_us;
	enum hf_status status = HF_OK;
	int64_t us = 0;
	if (vtable->space_ttl)
		status = vtable->space_ttl(kv->backend->state, kv->ns, set_us, kv_deadline(kv, HF_DEADLINE_DEFAULT),
		                           &us, err);
	else if (set_us)
		status = error_set(err, HF_E_UNSUPPORTED, "%s keeps no default time to live", vtable->name);
	if (status != HF_OK)
		return status;
	if (us < 0 || us > HF_KV_TTL_MAX_US)
		return error_set(err, HF_E_CORRUPT, "the namespace has a default time to live of %lld us",
		                 (long long)us);
	atomic_store_explicit(&kv->ttl_us, own_us ? own_us : us, memory_order_relaxed);
	*ret_us = us;
	return HF_OK;
}

enum hf_status hf_kv_default_ttl(hf_kv *kv, int64_t *ret_ttl_us, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	return status == HF_OK ? kv_default_ttl(kv, NULL, ret_ttl_us, err) : status;
}

enum hf_status hf_kv_set_default_ttl(hf_kv *kv, int64_t ttl_us, hf_error *err)
{
	int64_t kept_us;
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK && (ttl_us < 0 || ttl_us > HF_KV_TTL_MAX_US))
		status = error_set(err, HF_E_USAGE, "a default time to live of %lld us: from 0 to 100 years",
		                   (long long)ttl_us);
	return status == HF_OK ? kv_default_ttl(kv, &ttl_us, &kept_us, err) : status;
}

/* ---- counts ---- */

void kv_count(hf_kv *kv, enum kv_counter counter, uint64_t n)
{
	if (n)
		kv_stripe_add(&kv->counters, kv_stripe_find(&kv->counters), counter, n);
}

enum hf_status kv_count_failure(hf_kv *kv, enum hf_status status)
{
	static const struct {
		enum hf_status status;
		enum kv_counter counter;
	} classes[] = {{HF_TIMEOUT, KV_TIMEOUTS},
	               {HF_E_UNAVAILABLE, KV_UNAVAILABLE},
	               {HF_E_OUTCOME_UNKNOWN, KV_OUTCOMES_UNKNOWN},
	               {HF_E_LIMIT, KV_LIMITS},
	               {HF_E_CORRUPT, KV_CORRUPT}};
	kv_count(kv, status == HF_CONFLICT ? KV_REFUSED : KV_FAILURES, 1);
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].status == status)
			kv_count(kv, classes[i].counter, 1);
	return status;
}

void kv_timed(hf_kv *kv, enum hf_kv_call call, int64_t since_us)
{
	if (kv->latencies)
		latency_add(kv->latencies, processor_part(LATENCY_STRIPES), call,
		            hf_now_monotonic_us(kv->backend->ctx) - since_us);
}

void hf_kv_latency(const hf_kv *kv, enum hf_kv_call call, struct hf_kv_latency *ret_latency)
{
	*ret_latency = (struct hf_kv_latency){0};
	if (kv->latencies && (unsigned)call < HF_KV_CALLS)
		latency_read(kv->latencies, call, ret_latency);
}

const char *hf_kv_call_word(enum hf_kv_call call)
{
	static const char *const words[] = {"get", "get-many", "put", "apply", "transact", "scan", "count"};
	return (unsigned)call < ARRAY_LEN(words) ? words[call] : "unknown";
}

static uint64_t total(const hf_kv *kv, enum kv_counter counter)
{
	return kv_counters_total(&kv->counters, counter);
}

void hf_kv_stats(const hf_kv *kv, struct hf_kv_stats *ret_stats)
{
	const struct kv_backend *backend = kv->backend;
	*ret_stats = (struct hf_kv_stats){
		.get_count = total(kv, KV_HITS) + total(kv, KV_MISSES),
		.put_count = total(kv, KV_PUTS),
		.delete_count = total(kv, KV_DELETES),
		.query_count = total(kv, KV_QUERIES),
		.transaction_count = total(kv, KV_TRANSACTIONS),
		.replica_count = total(kv, KV_REPLICA),
		.retry_count = backend->vtable->retries ? backend->vtable->retries(backend->state) : 0,
		.bytes_written = total(kv, KV_WRITTEN),
		.bytes_read = total(kv, KV_READ),
		.hits = total(kv, KV_HITS),
		.misses = total(kv, KV_MISSES),
		.refused = total(kv, KV_REFUSED),
		.failures = total(kv, KV_FAILURES),
		.timeouts = total(kv, KV_TIMEOUTS),
		.unavailable = total(kv, KV_UNAVAILABLE),
		.outcomes_unknown = total(kv, KV_OUTCOMES_UNKNOWN),
		.limits = total(kv, KV_LIMITS),
		.corrupt = total(kv, KV_CORRUPT),
		.combined_count = total(kv, KV_COMBINED),
		.shared_count = total(kv, KV_SHARED),
		.expired_removed = atomic_load_explicit(&backend->swept, memory_order_relaxed),
	};
}
