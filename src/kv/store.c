/*
 * store.c - opening and closing: see store.h.
 */
#include "kv/store.h"

#include <errno.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/cache_feed.h"
#include "kv/combine.h"

DEFINE_OWNED(kv, hf_kv *, hf_kv_close)

static int64_t or_default(int64_t given, int64_t value)
{
	return given ? given : value;
}

static void apply_defaults(struct hf_kv_options *options)
{
	options->size = sizeof(*options);
	options->name_space = options->name_space ? options->name_space : "default";
	options->key_bytes_max = options->key_bytes_max ? options->key_bytes_max : HF_KV_KEY_BYTES;
	options->value_bytes_max = options->value_bytes_max ? options->value_bytes_max : HF_KV_VALUE_BYTES;
	options->compress_from = options->compress_from ? options->compress_from : HF_KV_COMPRESS_FROM;
	options->timeout_ms = or_default(options->timeout_ms, 60000);
	options->sweep_interval_ms = or_default(options->sweep_interval_ms, 60000);
	options->schema = options->schema ? options->schema : "public";
	options->table = options->table ? options->table : "state_entries";
	options->connections_max = options->connections_max ? options->connections_max : 10;
	if (options->connections_min == 0)
		options->connections_min = options->connections_max < 2 ? options->connections_max : 2;
	options->connect_timeout_ms = or_default(options->connect_timeout_ms, 30000);
	options->replica_stale_ms_max = or_default(options->replica_stale_ms_max, 5000);
	options->attempts_max = options->attempts_max ? options->attempts_max : 3;
	options->backoff_ms = or_default(options->backoff_ms, 100);
	options->backoff_ms_max = or_default(options->backoff_ms_max, 5000);
	options->connection_idle_ms = or_default(options->connection_idle_ms, 600000);
	options->connection_lifetime_ms = or_default(options->connection_lifetime_ms, 1800000);
	options->slow_ms = or_default(options->slow_ms, 1000);
	options->map_bytes_max = options->map_bytes_max ? options->map_bytes_max : UINT64_C(64) << 30;
}

static bool is_time_or_never(int64_t ms)
{
	return ms >= -1 && ms <= HF_KV_TTL_MAX_US / 1000;
}

static enum hf_status check_times(const struct hf_kv_options *options, hf_error *err)
{
	if (options->ttl_us < 0 || options->ttl_us > HF_KV_TTL_MAX_US)
		return error_set(err, HF_E_USAGE, "ttl_us is %lld: from 0 to 100 years", (long long)options->ttl_us);
	if (options->timeout_ms < 0 || options->connect_timeout_ms < 0 || options->backoff_ms < 0 ||
	    options->backoff_ms_max < 0)
		return error_set(err, HF_E_USAGE, "a timeout of the store's options is negative");
	if (options->backoff_ms > options->backoff_ms_max || options->backoff_ms_max > HF_KV_TTL_MAX_US / 1000)
		return error_set(err, HF_E_USAGE,
		                 "backoff_ms %lld and backoff_ms_max %lld: the first at most the second",
		                 (long long)options->backoff_ms, (long long)options->backoff_ms_max);
	if (!is_time_or_never(options->slow_ms) || !is_time_or_never(options->connection_idle_ms) ||
	    !is_time_or_never(options->connection_lifetime_ms))
		return error_set(err, HF_E_USAGE,
		                 "slow_ms, connection_idle_ms and connection_lifetime_ms: -1 for never");
	if (options->sweep_interval_ms > INT64_MAX / 1000)
		return error_set(err, HF_E_USAGE, "sweep_interval_ms is %lld: -1 for none",
		                 (long long)options->sweep_interval_ms);
	if (options->replica_stale_ms_max < 10 || options->replica_stale_ms_max > HF_KV_TTL_MAX_US / 1000)
		return error_set(err, HF_E_USAGE, "replica_stale_ms_max is %lld: from 10",
		                 (long long)options->replica_stale_ms_max);
	if (options->checkpoint_interval_ms < 0 || options->checkpoint_interval_ms > INT64_MAX / 1000)
		return error_set(err, HF_E_USAGE, "checkpoint_interval_ms is %lld: not in its range",
		                 (long long)options->checkpoint_interval_ms);
	return HF_OK;
}

static enum hf_status check_options(const struct hf_kv_options *options, const struct hf_kv_vtable *vtable,
                                    hf_error *err)
{
	if (options->key_bytes_max > vtable->key_bytes_max)
		return error_set(err, HF_E_USAGE, "key_bytes_max is %u: %s holds keys of at most %u bytes",
		                 options->key_bytes_max, vtable->name, vtable->key_bytes_max);
	if (options->value_bytes_max > HF_KV_VALUE_BYTES_MAX)
		return error_set(err, HF_E_USAGE, "value_bytes_max is %u: at most %d", options->value_bytes_max,
		                 HF_KV_VALUE_BYTES_MAX);
	if (options->replica_url && !(vtable->capabilities & HF_KV_CAN_READ_REPLICAS))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no read replicas", vtable->name);
	if (options->combine && !vtable->gather)
		return error_set(err, HF_E_UNSUPPORTED, "%s does not combine the calls of several threads",
		                 vtable->name);
	if (options->combine > options->connections_max)
		return error_set(err, HF_E_USAGE, "combine is %u: at most connections_max, %u", options->combine,
		                 options->connections_max);
	if (options->connections_min > options->connections_max || options->connections_max > 1000)
		return error_set(err, HF_E_USAGE,
		                 "connections_min %u and connections_max %u: the first at most the "
		                 "second, and that at most 1000",
		                 options->connections_min, options->connections_max);
	return check_times(options, err);
}

static enum hf_status read_options(const struct hf_kv_options *given, const struct hf_kv_vtable *vtable,
                                   struct hf_kv_options *ret_options, hf_error *err)
{
	*ret_options = (struct hf_kv_options){0};
	if (given && options_check("hf_kv_options", given->size, sizeof(*given), err) != HF_OK)
		return HF_E_USAGE;
	if (given)
		*ret_options = *given;
	apply_defaults(ret_options);
	return check_options(ret_options, vtable, err);
}

static void backend_free(struct kv_backend *backend)
{
	if (!fork_guard_forked(&backend->fork))
		ticker_stop(&backend->sweeper);
	if (backend->state)
		backend->vtable->close(backend->state);
	fork_guard_deinit(&backend->fork);
	free(backend);
}
DEFINE_OWNED(backend, struct kv_backend *, backend_free)

static enum hf_status backend_open(hf_context *ctx, const struct hf_kv_vtable *vtable, const char *url,
                                   const struct hf_kv_options *options, struct kv_backend **ret_backend, hf_error *err)
{
	CLEANUP(backend_freep) struct kv_backend *backend = calloc(1, sizeof(*backend));
	if (!backend)
		return error_nomem(err);
	backend->ctx = ctx;
	backend->vtable = vtable;
	backend->options = *options;
	if (__builtin_mul_overflow(options->timeout_ms, 1000, &backend->timeout_us))
		backend->timeout_us = INT64_MAX;
	fork_guard_init(&backend->fork);
	enum hf_status status = vtable->open(ctx, url, options, &backend->state, err);
	if (status == HF_OK)
		status = sweeper_start(backend, err);
	if (status != HF_OK)
		return status;
	*ret_backend = backend_take(&backend);
	return HF_OK;
}

static enum hf_status check_name(const char *name, hf_error *err)
{
	struct hf_str text = hf_str_of(name);
	if (text.len == 0 || text.len > HF_KV_NAMESPACE_BYTES || !str_is_utf8(text, NULL))
		return error_set(err, HF_E_USAGE, "the name of a namespace has 1 to %d bytes of UTF-8",
		                 HF_KV_NAMESPACE_BYTES);
	return HF_OK;
}

/* FNV-1a: tells the tokens of namespaces apart, and stays what it is. */
static uint32_t hash_of(const char *name)
{
	uint32_t hash = 2166136261u;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

static bool counts_latencies(const struct kv_backend *backend)
{
	enum hf_kv_latencies wanted = backend->options.latencies;
	return wanted == HF_KV_LATENCIES_ON || (wanted == HF_KV_LATENCIES_DEFAULT && !backend->vtable->embedded);
}

/* Takes a share of `backend` only on success. */
static enum hf_status handle_new(struct kv_backend *backend, const char *name, hf_kv **ret_kv, hf_error *err)
{
	int32_t ns = 0;
	int64_t ttl_us;
	enum hf_status status = check_name(name, err);
	if (status == HF_OK)
		status = backend->vtable->name_space(backend->state, hf_str_of(name),
		                                     hf_deadline_in(backend->ctx, backend->options.timeout_ms), &ns,
		                                     err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no namespace \"%s\"", name);
	if (status != HF_OK)
		return status;
	hf_kv *kv = aligned_alloc(_Alignof(hf_kv), sizeof(*kv));
	if (!kv)
		return error_nomem(err);
	memset(kv, 0, sizeof(*kv));
	kv->backend = backend;
	kv->ns = ns;
	snprintf(kv->name, sizeof(kv->name), "%s", name);
	kv->name_hash = hash_of(name);
	if (counts_latencies(backend) && !(kv->latencies = calloc(1, sizeof(*kv->latencies))))
		status = error_nomem(err);
	if (status == HF_OK && backend->options.combine)
		status = combine_new(kv, backend->options.combine, &kv->combine, err);
	if (status == HF_OK)
		status = kv_default_ttl(kv, NULL, &ttl_us, err);
	if (status == HF_OK)
		status = scheduler_start(kv, err);
	if (status != HF_OK) {
		free(kv->latencies);
		combine_free(kv->combine);
		free(kv);
		return status;
	}
	atomic_fetch_add(&backend->handles, 1);
	*ret_kv = kv;
	return HF_OK;
}

enum hf_status hf_kv_open_backend(hf_context *ctx, const struct hf_kv_vtable *vtable, const char *url,
                                  const struct hf_kv_options *options, hf_kv **ret_kv, hf_error *err)
{
	struct hf_kv_options own;
	CLEANUP(backend_freep) struct kv_backend *backend = NULL;
	if (options_check("hf_kv_vtable", vtable->size, sizeof(*vtable), err) != HF_OK)
		return HF_E_USAGE;
	enum hf_status status = read_options(options, vtable, &own, err);
	if (status == HF_OK)
		status = check_name(own.name_space, err);
	if (status == HF_OK)
		status = backend_open(ctx, vtable, url, &own, &backend, err);
	if (status == HF_OK)
		status = handle_new(backend, own.name_space, ret_kv, err);
	if (status == HF_OK)
		backend_take(&backend);
	return status;
}

enum hf_status hf_kv_open(hf_context *ctx, const char *url, const struct hf_kv_options *options, hf_kv **ret_kv,
                          hf_error *err)
{
	const struct hf_kv_vtable *vtable = NULL;
	enum hf_status status = kv_backend_of_url(url, &vtable, err);
	return status == HF_OK ? hf_kv_open_backend(ctx, vtable, url, options, ret_kv, err) : status;
}

enum hf_status hf_kv_namespace(hf_kv *kv, const char *name, hf_kv **ret_kv, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	return status == HF_OK ? handle_new(kv->backend, name, ret_kv, err) : status;
}

void hf_kv_close(hf_kv *kv)
{
	if (!kv)
		return;
	if (!fork_guard_forked(&kv->backend->fork)) { /* its threads are the parent's */
		ticker_stop(&kv->scheduler);
		cache_feed_end(kv->cache_feed);
	}
	combine_free(kv->combine);
	if (atomic_fetch_sub(&kv->backend->handles, 1) == 1)
		backend_free(kv->backend);
	free(kv->latencies);
	free(kv);
}

uint32_t hf_kv_capabilities(const hf_kv *kv)
{
	return kv_vtable(kv)->capabilities;
}

const char *hf_kv_backend(const hf_kv *kv)
{
	return kv_vtable(kv)->name;
}

enum hf_status kv_check_process(const hf_kv *kv, hf_error *err)
{
	if (!fork_guard_forked(&kv->backend->fork))
		return HF_OK;
	return error_set(err, HF_E_USAGE, "forked: the store was opened by the parent process");
}
