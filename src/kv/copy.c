/*
 * copy.c - from one store into another: read in pages, loaded as they are, compared.
 *
 * Within one store the entries go through a file without a name: what a load holds while it waits for the next entry
 * must not be what the reading waits for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "core/key_range.h"
#include "kv/check.h"
#include "kv/load.h"
#include "kv/savefile.h"

/* From what is in this process pages are short: while one is read the target gets nothing. */
enum { PAGE_ENTRIES = 1000, PAGE_EMBEDDED = 100, PAGE_BYTES = 1 << 20, COMPARE_US = 60 * 1000000 };

/* ---- reading ---- */

struct paging {
	hf_kv *kv;
	const struct hf_uuid *at; /* NULL = now */
	hf_deadline deadline;
	hf_arena *page; /* owned */
	struct hf_kv_entry *entries;
	size_t count, next, most; /* of a page */
	bool done;
	uint8_t from[HF_KV_KEY_BYTES_MAX + 1]; /* where the next page begins */
	size_t from_len;
	struct hf_bytes to; /* the end of the prefix; ptr NULL = none */
	uint8_t to_bytes[HF_KV_KEY_BYTES_MAX];
};

static struct hf_bytes keep_bytes(hf_arena *arena, struct hf_bytes bytes, bool *failed)
{
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)bytes.ptr, bytes.len});
	*failed |= !copy.ptr;
	return (struct hf_bytes){(const uint8_t *)copy.ptr, bytes.len};
}

static enum hf_status keep_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct paging *paging = user;
	struct hf_kv_entry *copy = &paging->entries[paging->count++];
	bool failed = entry->key.len > HF_KV_KEY_BYTES_MAX;
	*copy = *entry;
	copy->key = keep_bytes(paging->page, entry->key, &failed);
	copy->value = keep_bytes(paging->page, entry->value, &failed);
	if (entry->metadata.ptr) {
		copy->metadata = hf_arena_str(paging->page, entry->metadata);
		failed |= !copy->metadata.ptr;
	}
	if (failed)
		return error_nomem(err);
	return paging->count == paging->most || hf_arena_used(paging->page) >= PAGE_BYTES ? HF_STOP : HF_OK;
}

/* It ends when a page comes back that was not full. */
static enum hf_status read_page(struct paging *paging, hf_error *err)
{
	hf_kv *kv = paging->kv;
	const struct hf_kv_span span = {.from = {paging->from, paging->from_len},
	                                .to = paging->to,
	                                .limit = paging->most,
	                                .at = paging->at,
	                                .deadline = paging->deadline};
	paging->count = paging->next = 0;
	hf_arena_reset(paging->page);
	paging->entries = hf_arena_alloc(paging->page, paging->most * sizeof(*paging->entries));
	if (!paging->entries)
		return error_nomem(err);
	enum hf_status status = kv_vtable(kv)->scan(kv->backend->state, kv->ns, &span, keep_entry, paging, err);
	if (status == HF_NOT_FOUND && paging->at)
		return kv_checkpoint_answered(kv, paging->at, status, err);
	if (status != HF_OK && status != HF_STOP)
		return kv_count_failure(kv, status);
	paging->done = paging->count < paging->most && hf_arena_used(paging->page) < PAGE_BYTES;
	kv_count(kv, KV_QUERIES, 1);
	if (paging->count == 0)
		return HF_OK;
	struct hf_bytes last = paging->entries[paging->count - 1].key;
	if (last.len)
		memcpy(paging->from, last.ptr, last.len);
	paging->from[last.len] = 0;
	paging->from_len = last.len + 1;
	return HF_OK;
}

static enum hf_status next_of_pages(void *user, struct hf_kv_entry *ret_entry, hf_error *err)
{
	struct paging *paging = user;
	if (paging->next == paging->count) {
		enum hf_status status = paging->done ? HF_OK : read_page(paging, err);
		if (status != HF_OK)
			return status;
		if (paging->next == paging->count)
			return HF_STOP;
	}
	*ret_entry = paging->entries[paging->next++];
	return HF_OK;
}

static void begin_at(struct paging *paging, struct hf_bytes prefix)
{
	if (prefix.len)
		memcpy(paging->from, prefix.ptr, prefix.len);
	paging->from_len = prefix.len;
	if (!key_successor(prefix, paging->to_bytes, &paging->to))
		paging->to = (struct hf_bytes){NULL, 0};
}

/* ---- through a file ---- */

static enum hf_status spool(struct paging *paging, struct savefile_writer *writer, hf_error *err)
{
	struct hf_kv_entry entry;
	for (;;) {
		enum hf_status status = next_of_pages(paging, &entry, err);
		if (status == HF_STOP)
			return savefile_finish(writer, NULL, NULL, err);
		if (status == HF_OK)
			status = savefile_add(writer, &entry, err);
		if (status != HF_OK)
			return status;
	}
}

static enum hf_status next_of_file(void *user, struct hf_kv_entry *ret_entry, hf_error *err)
{
	return savefile_next(user, ret_entry, err);
}

static enum hf_status load_through_file(struct paging *paging, hf_kv *to, const struct hf_kv_import *how,
                                        struct kv_tally *tally, struct hf_kv_copied *copied, hf_error *err)
{
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = NULL;
	CLEANUP(savefile_reader_freep) struct savefile_reader *reader = NULL;
	const struct hf_kv_file about = {.name_space = HF_STR("copy")};
	enum hf_status status = savefile_create(NULL, &about, &writer, err);
	if (status == HF_OK)
		status = spool(paging, writer, err);
	if (status == HF_OK)
		status = savefile_writer_reread(writer, &reader, err);
	if (status == HF_OK)
		status = kv_load(to, how, &(struct kv_source){next_of_file, reader}, tally, copied, err);
	return status;
}

/* ---- comparing ---- */

struct comparing {
	struct kv_sums sums;
	int64_t after_us; /* what expires before is left out */
};

static enum hf_status add_up(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct comparing *comparing = user;
	if (entry->expires_us == HF_KV_NEVER || entry->expires_us >= comparing->after_us)
		kv_sums_add(&comparing->sums, entry);
	return HF_OK;
}

/* What expires while it is read is left out on both sides; HF_BUSY: it took longer than was thought. */
static enum hf_status compare_once(hf_kv *to, const struct kv_tally *tally, int64_t ahead_us, hf_deadline deadline,
                                   hf_error *err)
{
	const struct hf_kv_vtable *vtable = kv_vtable(to);
	const struct hf_kv_span span = {.deadline = deadline, .at_once = true};
	struct comparing comparing = {.after_us = 0};
	struct kv_sums wanted;
	int64_t now_us = 0;
	enum hf_status status = vtable->now(to->backend->state, deadline, &now_us, err);
	if (status != HF_OK)
		return status;
	comparing.after_us = kv_tally_after(tally, now_us + ahead_us, &wanted);
	status = vtable->scan(to->backend->state, to->ns, &span, add_up, &comparing, err);
	if (status == HF_OK)
		status = vtable->now(to->backend->state, deadline, &now_us, err);
	if (status != HF_OK)
		return status;
	if (now_us >= comparing.after_us)
		return HF_BUSY;
	struct hf_kv_sums told = kv_sums_told(&wanted);
	if (kv_sums_same(&told, &comparing.sums))
		return HF_OK;
	error_set(err, HF_DIFFERS,
	          "the copy has %" PRIu64 " entries of %" PRIu64 " bytes, and not the %" PRIu64 " of %" PRIu64
	          " that were written",
	          comparing.sums.count, comparing.sums.bytes, wanted.count, wanted.bytes);
	error_hint(err, "somebody else wrote into the namespace meanwhile");
	return HF_DIFFERS;
}

static enum hf_status compare(hf_kv *to, const struct kv_tally *tally, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = HF_BUSY;
	for (int64_t ahead_us = COMPARE_US; status == HF_BUSY; ahead_us *= 60) {
		if (ahead_us > HF_KV_TTL_MAX_US)
			return HF_OK; /* it never expires */
		status = compare_once(to, tally, ahead_us, deadline, err);
	}
	return status;
}

/* ---- copy ---- */

/* What failed behind it does not undo it. */
static enum hf_status but(const char *what, hf_error *err)
{
	char why[sizeof(err->message)];
	snprintf(why, sizeof(why), "%s", err ? err->message : "");
	return error_set(err, HF_E_OUTCOME_UNKNOWN, "the copy was made, but %s: %s", what, why);
}

static enum hf_status copy_from(struct paging *paging, hf_kv *to, const struct hf_kv_import *how,
                                struct hf_kv_copied *ret_copied, hf_error *err)
{
	struct kv_tally tally;
	const struct kv_source source = {next_of_pages, paging};
	bool same_store = paging->kv->backend == to->backend;
	enum hf_status status = same_store ? load_through_file(paging, to, how, &tally, ret_copied, err)
	                                   : kv_load(to, how, &source, &tally, ret_copied, err);
	if (status != HF_OK)
		return status;
	status = compare(to, &tally, paging->deadline, err);
	return status == HF_OK || status == HF_DIFFERS ? status : but("not compared", err);
}

/* A checkpoint for the time of the copy; without such, what a scan sees. */
static enum hf_status hold_still(struct paging *paging, const struct hf_kv_import *how, hf_arena *arena,
                                 struct hf_kv_checkpoint *point, hf_error *err)
{
	const struct hf_kv_checkpoint_new made = {.name = "copy", .uncounted = true};
	if (how && how->at)
		paging->at = how->at;
	if (paging->at || !(hf_kv_capabilities(paging->kv) & HF_KV_CAN_CHECKPOINT))
		return HF_OK;
	enum hf_status status = hf_kv_checkpoint_create(paging->kv, &made, arena, point, err);
	if (status == HF_OK)
		paging->at = &point->id;
	return status;
}

static enum hf_status check_places(hf_kv *from, hf_kv *to, const struct hf_kv_import *how, hf_error *err)
{
	enum hf_status status = kv_check_process(from, err);
	if (status != HF_OK)
		return status;
	if (from->backend == to->backend && from->ns == to->ns)
		return error_set(err, HF_E_USAGE, "a namespace cannot be copied into itself");
	if (how && how->at && !(hf_kv_capabilities(from) & HF_KV_CAN_CHECKPOINT))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no checkpoints", hf_kv_backend(from));
	return how ? check_key(from, how->prefix, err) : HF_OK;
}

enum hf_status hf_kv_copy(hf_kv *from, hf_kv *to, const struct hf_kv_import *how, struct hf_kv_copied *ret_copied,
                          hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *page = hf_arena_new((size_t)PAGE_BYTES + 2 * (size_t)HF_KV_VALUE_BYTES_MAX);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct paging paging = {.kv = from, .page = page, .deadline = how && how->deadline ? how->deadline : INT64_MAX};
	struct hf_kv_checkpoint point;
	struct hf_kv_copied copied;
	if (!page || !arena)
		return error_nomem(err);
	enum hf_status status = check_places(from, to, how, err);
	if (status == HF_OK)
		status = hold_still(&paging, how, arena, &point, err);
	if (status != HF_OK)
		return status;
	paging.most = kv_vtable(from)->embedded ? PAGE_EMBEDDED : PAGE_ENTRIES;
	begin_at(&paging, how ? how->prefix : (struct hf_bytes){NULL, 0});
	status = copy_from(&paging, to, how, &copied, err);
	if (paging.at == &point.id) {
		enum hf_status gone = hf_kv_checkpoint_delete(from, &point.id, status == HF_OK ? err : NULL);
		if (status == HF_OK && gone != HF_OK && gone != HF_NOT_FOUND)
			status = but("its checkpoint of the source may stay", err);
	}
	if (status == HF_OK && ret_copied)
		*ret_copied = copied;
	return status;
}
