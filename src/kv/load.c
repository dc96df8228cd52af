/*
 * load.c - see load.h.
 */
#include "kv/cache.h"
#include "kv/load.h"

#include "base/arena.h"
#include "base/error.h"
#include "kv/check.h"
#include "kv/metadata.h"

enum { PROGRESS_ENTRIES = 10000 };

/* ---- sums by expiry ---- */

static int64_t end_of(const struct kv_tally *tally, size_t span)
{
	return tally->start_us + (INT64_C(1000000) << span);
}

static size_t span_of(const struct kv_tally *tally, int64_t expires_us)
{
	size_t span = 0;
	if (expires_us == HF_KV_NEVER)
		return KV_TALLY_SPANS - 1;
	while (span < KV_TALLY_SPANS - 2 && expires_us >= end_of(tally, span))
		span++;
	return span;
}

void kv_tally_add(struct kv_tally *tally, const struct hf_kv_entry *entry)
{
	kv_sums_add(&tally->spans[span_of(tally, entry->expires_us)], entry);
}

static void join_from(const struct kv_tally *tally, size_t first, struct kv_sums *ret_sums)
{
	*ret_sums = (struct kv_sums){0};
	for (size_t i = first; i < KV_TALLY_SPANS; i++)
		kv_sums_join(ret_sums, &tally->spans[i]);
}

void kv_tally_all(const struct kv_tally *tally, struct kv_sums *ret_sums)
{
	join_from(tally, 0, ret_sums);
}

int64_t kv_tally_after(const struct kv_tally *tally, int64_t moment_us, struct kv_sums *ret_sums)
{
	size_t span = 0;
	while (span < KV_TALLY_SPANS - 2 && end_of(tally, span) <= moment_us)
		span++;
	join_from(tally, span + 1, ret_sums);
	return end_of(tally, span);
}

/* ---- what the backend is given ---- */

struct loading {
	hf_kv *kv;
	const struct hf_kv_import *how;
	const struct kv_source *source;
	struct kv_tally *tally;
	uint64_t entries, expired;
	hf_arena *arena; /* of one entry's metadata */
};

static enum hf_status tell(struct loading *loading, hf_error *err)
{
	if (hf_context_interrupted(loading->kv->backend->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted after %llu entries",
		                 (unsigned long long)loading->entries);
	if (!loading->how || !loading->how->progress)
		return HF_OK;
	enum hf_status status = loading->how->progress(loading->how->user, loading->entries, err);
	if (status == HF_STOP) /* of a source it is the end */
		return error_set(err, HF_E_INTERRUPTED, "stopped after %llu entries",
		                 (unsigned long long)loading->entries);
	return status;
}

/* What a file or another store holds is checked as what a program puts. */
static enum hf_status check_entry(struct loading *loading, struct hf_kv_entry *entry, hf_error *err)
{
	const struct hf_kv_options *options = &loading->kv->backend->options;
	char key[KV_KEY_TEXT];
	enum hf_status status = check_key(loading->kv, entry->key, err);
	if (status != HF_OK)
		return status;
	if (entry->value.len > options->value_bytes_max)
		return error_set(err, HF_E_LIMIT, "the value of %s has %zu bytes: this store takes at most %u",
		                 key_text(entry->key, key), entry->value.len, options->value_bytes_max);
	if (entry->metadata.len == 0)
		return HF_OK;
	hf_arena_reset(loading->arena);
	return metadata_canonical(entry->metadata, loading->arena, &entry->metadata, err);
}

static enum hf_status next_entry(void *user, struct hf_kv_entry *ret_entry, hf_error *err)
{
	struct loading *loading = user;
	enum hf_status status;
	do {
		status = loading->source->next(loading->source->user, ret_entry, err);
		if (status != HF_OK)
			return status;
		bool live = ret_entry->expires_us == HF_KV_NEVER || ret_entry->expires_us > loading->tally->start_us;
		if (live)
			break;
		loading->expired++;
	} while (true);
	status = check_entry(loading, ret_entry, err);
	if (status != HF_OK)
		return status;
	kv_tally_add(loading->tally, ret_entry);
	return ++loading->entries % PROGRESS_ENTRIES == 0 ? tell(loading, err) : HF_OK;
}

static enum hf_status run(struct loading *loading, hf_error *err)
{
	hf_kv *kv = loading->kv;
	const struct hf_kv_import *how = loading->how;
	const struct hf_kv_load load = {
		.replace = how && how->replace,
		.durability = kv->backend->options.durability,
		.deadline = how && how->deadline ? how->deadline : INT64_MAX,
		.next = next_entry,
		.user = loading,
	};
	cache_begin_write_all(kv->cache);
	enum hf_status status = kv_vtable(kv)->load(kv->backend->state, kv->ns, &load, err);
	cache_end_write_all(kv->cache);
	if (status == HF_CONFLICT && !load.replace)
		error_hint(err, "the namespace must be empty, or be replaced on request");
	return status;
}

enum hf_status kv_load(hf_kv *kv, const struct hf_kv_import *how, const struct kv_source *source,
                       struct kv_tally *ret_tally, struct hf_kv_copied *ret_copied, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct loading loading = {.kv = kv, .how = how, .source = source, .tally = ret_tally, .arena = arena};
	struct kv_sums all;
	*ret_tally = (struct kv_tally){0};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = kv_check_process(kv, err);
	if (status == HF_OK && !kv_vtable(kv)->load)
		status = error_set(err, HF_E_UNSUPPORTED, "%s cannot take over entries as they are",
		                   kv_vtable(kv)->name);
	if (status == HF_OK)
		status = kv_vtable(kv)->now(kv->backend->state, kv_deadline(kv, 0), &ret_tally->start_us, err);
	if (status == HF_OK)
		status = run(&loading, err);
	if (status != HF_OK)
		return kv_count_failure(kv, status);
	kv_tally_all(ret_tally, &all);
	*ret_copied = (struct hf_kv_copied){.sums = kv_sums_told(&all), .expired = loading.expired};
	kv_count(kv, KV_QUERIES, 1);
	kv_count(kv, KV_TRANSACTIONS, 1);
	kv_count(kv, KV_PUTS, all.count);
	kv_count(kv, KV_WRITTEN, all.bytes);
	return HF_OK;
}
