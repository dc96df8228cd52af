/*
 * export.c - a checkpoint into a file; files verified, and imported.
 */
#include <inttypes.h>

#include "base/arena.h"
#include "base/error.h"
#include "holdfast/values.h"
#include "kv/load.h"
#include "kv/savefile.h"

enum { PROGRESS_ENTRIES = 10000 };

/* ---- export ---- */

struct exporting {
	hf_kv *kv;
	const struct hf_kv_export *how;
	struct savefile_writer *writer; /* owned */
	uint64_t entries;
};

static enum hf_status export_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct exporting *exporting = user;
	enum hf_status status = savefile_add(exporting->writer, entry, err);
	if (status != HF_OK || ++exporting->entries % PROGRESS_ENTRIES != 0)
		return status;
	if (hf_context_interrupted(exporting->kv->backend->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted after %" PRIu64 " entries", exporting->entries);
	if (!exporting->how || !exporting->how->progress)
		return HF_OK;
	status = exporting->how->progress(exporting->how->user, exporting->entries, err);
	if (status == HF_STOP) /* a scan would end well by it */
		return error_set(err, HF_E_INTERRUPTED, "stopped after %" PRIu64 " entries", exporting->entries);
	return status;
}

/* As it was when the checkpoint was made, whatever expired since. */
static enum hf_status export_all(struct exporting *exporting, const struct hf_kv_checkpoint *point, hf_error *err)
{
	hf_kv *kv = exporting->kv;
	const struct hf_kv_vtable *vtable = kv_vtable(kv);
	const struct hf_kv_export *how = exporting->how;
	hf_deadline deadline = how && how->deadline ? how->deadline : INT64_MAX;
	const struct hf_kv_span span = {.at = &point->id,
	                                .moment_us = point->created_us,
	                                .deadline = deadline,
	                                .at_once = true};
	enum hf_status status = how && how->since
	                                ? vtable->diff(kv->backend->state, kv->ns, how->since, &point->id,
	                                               point->created_us, deadline, export_entry, exporting, err)
	                                : vtable->scan(kv->backend->state, kv->ns, &span, export_entry, exporting, err);
	return kv_checkpoint_answered(kv, &point->id, status, err);
}

/* What was counted once has to be what was written. */
static enum hf_status finish(struct exporting *exporting, const struct hf_kv_checkpoint *point,
                             struct hf_kv_file *ret_file, hf_error *err)
{
	const struct hf_kv_sums state = {point->row_count, point->data_size, point->digest};
	struct kv_sums written;
	bool whole = !(exporting->how && exporting->how->since);
	savefile_sums(exporting->writer, &written);
	if (whole && point->counted && !kv_sums_same(&state, &written))
		return error_set(err, HF_E_CORRUPT,
		                 "the checkpoint is not what was counted: %" PRIu64 " entries then, %" PRIu64 " now",
		                 point->row_count, written.count);
	return savefile_finish(exporting->writer, point->counted ? &state : NULL, ret_file, err);
}

static enum hf_status check_since(const struct hf_kv_checkpoint *since, const struct hf_kv_checkpoint *point,
                                  hf_error *err)
{
	char a[HF_UUID_TEXT_MAX], b[HF_UUID_TEXT_MAX];
	if (since->epoch < point->epoch)
		return HF_OK;
	hf_uuid_to_text(&since->id, a);
	hf_uuid_to_text(&point->id, b);
	return error_set(err, HF_E_USAGE, "checkpoint %s is not earlier than %s", a, b);
}

static enum hf_status describe(hf_kv *kv, const struct hf_uuid *id, const struct hf_kv_export *how, hf_arena *arena,
                               struct hf_kv_checkpoint *ret_point, struct hf_kv_file *ret_about, hf_error *err)
{
	struct hf_kv_checkpoint since;
	enum hf_status status = hf_kv_checkpoint_show(kv, id, arena, ret_point, err);
	if (status == HF_OK && how && how->since)
		status = hf_kv_checkpoint_show(kv, how->since, arena, &since, err);
	if (status == HF_OK && how && how->since)
		status = check_since(&since, ret_point, err);
	if (status != HF_OK)
		return status;
	*ret_about = (struct hf_kv_file){.id = *id,
	                                 .incremental = how && how->since,
	                                 .name_space = hf_str_of(kv->name),
	                                 .created_us = ret_point->created_us};
	if (ret_about->incremental)
		ret_about->parent = *how->since;
	return HF_OK;
}

/* Its name outlives the writer. */
static enum hf_status keep_about(hf_arena *arena, const struct hf_kv_file *about, struct hf_kv_file *ret_file,
                                 hf_error *err)
{
	struct hf_str name = hf_arena_str(arena, about->name_space);
	if (!name.ptr)
		return error_nomem(err);
	*ret_file = *about;
	ret_file->name_space = name;
	return HF_OK;
}

enum hf_status hf_kv_checkpoint_export(hf_kv *kv, const struct hf_uuid *id, const char *path,
                                       const struct hf_kv_export *how, hf_arena *arena, struct hf_kv_file *ret_file,
                                       hf_error *err)
{
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = NULL;
	struct exporting exporting = {.kv = kv, .how = how};
	struct hf_kv_checkpoint point;
	struct hf_kv_file about;
	if (!*path)
		return error_set(err, HF_E_USAGE, "the path of the file is empty");
	enum hf_status status = describe(kv, id, how, arena, &point, &about, err);
	if (status == HF_OK)
		status = savefile_create(path, &about, &writer, err);
	exporting.writer = writer;
	if (status == HF_OK)
		status = export_all(&exporting, &point, err);
	if (status == HF_OK)
		status = finish(&exporting, &point, &about, err);
	return status == HF_OK && ret_file ? keep_about(arena, &about, ret_file, err) : status;
}

/* ---- verify ---- */

enum hf_status hf_kv_file_verify(hf_context *ctx, const char *const *paths, size_t count, hf_arena *arena,
                                 struct hf_kv_file *ret_files, hf_error *err)
{
	CLEANUP(savefile_chain_freep) struct savefile_chain *chain = NULL;
	struct hf_kv_entry entry;
	enum hf_status status = savefile_chain_open(paths, count, true, &chain, err);
	for (uint64_t entries = 0; status == HF_OK; entries++) {
		status = savefile_chain_next(chain, &entry, err);
		if (status == HF_OK && entries % PROGRESS_ENTRIES == 0 && hf_context_interrupted(ctx))
			status = error_set(err, HF_E_INTERRUPTED, "interrupted after %" PRIu64 " entries", entries);
	}
	if (status == HF_STOP)
		status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = keep_about(arena, savefile_chain_about(chain, i), &ret_files[i], err);
	return status;
}

/* ---- import ---- */

static enum hf_status next_of_chain(void *user, struct hf_kv_entry *ret_entry, hf_error *err)
{
	return savefile_chain_next(user, ret_entry, err);
}

enum hf_status hf_kv_import(hf_kv *kv, const char *const *paths, size_t count, const struct hf_kv_import *how,
                            struct hf_kv_copied *ret_copied, hf_error *err)
{
	CLEANUP(savefile_chain_freep) struct savefile_chain *chain = NULL;
	struct kv_tally tally;
	struct hf_kv_copied copied;
	enum hf_status status = savefile_chain_open(paths, count, false, &chain, err);
	if (status == HF_OK)
		status = kv_load(kv, how, &(struct kv_source){next_of_chain, chain}, &tally, &copied, err);
	if (status == HF_OK && ret_copied)
		*ret_copied = copied;
	return status;
}
