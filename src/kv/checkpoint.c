/*
 * checkpoint.c - checkpoints in front of the backend: ids, names, counting, pruning.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "holdfast/values.h"
#include "kv/cache.h"
#include "kv/check.h"
#include "kv/digest.h"
#include "kv/metadata.h"
#include "kv/retention.h"

static enum hf_status check_can(const hf_kv *kv, hf_error *err)
{
	if (!(kv_vtable(kv)->capabilities & HF_KV_CAN_CHECKPOINT))
		return error_set(err, HF_E_UNSUPPORTED, "%s has no checkpoints", kv_vtable(kv)->name);
	return kv_check_process(kv, err);
}

enum hf_status kv_checkpoint_answered(hf_kv *kv, const struct hf_uuid *id, enum hf_status status, hf_error *err)
{
	char text[HF_UUID_TEXT_MAX];
	if (status == HF_OK) {
		kv_count(kv, KV_QUERIES, 1);
		return HF_OK;
	}
	if (status == HF_NOT_FOUND) {
		hf_uuid_to_text(id, text);
		error_set(err, HF_NOT_FOUND, "no checkpoint %s in this namespace", text);
		error_hint(err, "hf_kv_checkpoint_list() and holdfast kv checkpoint list tell which there are");
	}
	kv_count_failure(kv, status);
	return status;
}

static struct hf_uuid random_id(const hf_kv *kv)
{
	struct hf_uuid id;
	uint64_t halves[2] = {context_random_u64(kv->backend->ctx), context_random_u64(kv->backend->ctx)};
	memcpy(id.bytes, halves, sizeof(id.bytes));
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

/* A backend that has one kind does not name it. */
static void settle_kind(struct hf_kv_checkpoint *point)
{
	if (point->kind == HF_KV_ANY_KIND)
		point->kind = HF_KV_EPOCH;
}

/* ---- making ---- */

static enum hf_status describe(const hf_kv *kv, const struct hf_kv_checkpoint_new *how, hf_arena *arena,
                               struct hf_kv_checkpoint *ret_point, hf_error *err)
{
	*ret_point = (struct hf_kv_checkpoint){.id = random_id(kv)};
	if (!how)
		return HF_OK;
	struct hf_str name = hf_str_of(how->name);
	if (name.len > HF_KV_NAMESPACE_BYTES || (name.len && !str_is_utf8(name, NULL)))
		return error_set(err, HF_E_USAGE, "the name of a checkpoint has at most %d bytes of UTF-8",
		                 HF_KV_NAMESPACE_BYTES);
	if ((unsigned)how->kind > HF_KV_SNAPSHOT)
		return error_set(err, HF_E_USAGE, "there is no kind %d of checkpoints", (int)how->kind);
	if (how->kind == HF_KV_SNAPSHOT && !(kv_vtable(kv)->capabilities & HF_KV_CAN_SNAPSHOT)) {
		error_set(err, HF_E_UNSUPPORTED, "%s has no checkpoints that are copies", kv_vtable(kv)->name);
		error_hint(err, "it needs none: leave the kind out");
		return HF_E_UNSUPPORTED;
	}
	ret_point->kind = how->kind;
	ret_point->pinned = how->pinned;
	if (name.len) {
		ret_point->name = hf_arena_str(arena, name);
		if (!ret_point->name.ptr)
			return error_nomem(err);
	}
	return how->metadata.ptr ? metadata_canonical(how->metadata, arena, &ret_point->metadata, err) : HF_OK;
}

static enum hf_status add_up(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	kv_sums_add(user, entry);
	return HF_OK;
}

/* What was live when it was made, so that counting it again some day gives the same. */
static enum hf_status read_sums(hf_kv *kv, struct hf_kv_checkpoint *point, hf_deadline deadline, hf_error *err)
{
	struct kv_sums sums = {0};
	const struct hf_kv_span span = {.at = &point->id, .moment_us = point->created_us, .deadline = deadline};
	enum hf_status status = kv_vtable(kv)->scan(kv->backend->state, kv->ns, &span, add_up, &sums, err);
	if (status != HF_OK)
		return status;
	point->counted = true;
	point->row_count = sums.count;
	point->data_size = sums.bytes;
	kv_sums_digest(&sums, &point->digest);
	return HF_OK;
}

static enum hf_status count_point(hf_kv *kv, struct hf_kv_checkpoint *point, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = read_sums(kv, point, deadline, err);
	return status == HF_OK ? kv_vtable(kv)->point_update(kv->backend->state, kv->ns, point, deadline, err) : status;
}

/* What failed behind it does not undo it. */
static enum hf_status not_counted(hf_error *err)
{
	char why[sizeof(err->message)];
	snprintf(why, sizeof(why), "%s", err ? err->message : "");
	error_set(err, HF_E_OUTCOME_UNKNOWN, "the checkpoint was made, but not counted: %s", why);
	error_hint(err, "it is the newest of hf_kv_checkpoint_list(); hf_kv_checkpoint_count() counts it");
	return HF_E_OUTCOME_UNKNOWN;
}

enum hf_status hf_kv_checkpoint_create(hf_kv *kv, const struct hf_kv_checkpoint_new *how, hf_arena *arena,
                                       struct hf_kv_checkpoint *ret_checkpoint, hf_error *err)
{
	struct hf_kv_checkpoint point;
	hf_deadline deadline = kv_deadline(kv, how ? how->deadline : HF_DEADLINE_DEFAULT);
	enum hf_status status = check_can(kv, err);
	if (status == HF_OK)
		status = describe(kv, how, arena, &point, err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->point_create(kv->backend->state, kv->ns, &point, deadline, err);
	settle_kind(&point);
	if (status == HF_OK && !(how && how->uncounted)) {
		status = count_point(kv, &point, deadline, err);
		if (status != HF_OK && status != HF_NOT_FOUND) /* else somebody has deleted it */
			status = not_counted(err);
	}
	if (status == HF_OK) {
		kv_count(kv, KV_TRANSACTIONS, 1);
		*ret_checkpoint = point;
	}
	return kv_checkpoint_answered(kv, &point.id, status, err);
}

/* ---- looking ---- */

static enum hf_status list(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena, struct hf_kv_checkpoint **ret_points,
                           size_t *ret_count, hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status == HF_OK)
		status = kv_vtable(kv)->point_list(kv->backend->state, kv->ns, id, kv_deadline(kv, 0), arena,
		                                   ret_points, ret_count, err);
	if (status == HF_OK && id && *ret_count == 0)
		status = HF_NOT_FOUND;
	for (size_t i = 0; status == HF_OK && i < *ret_count; i++)
		settle_kind(&(*ret_points)[i]);
	return kv_checkpoint_answered(kv, id, status, err);
}

enum hf_status hf_kv_checkpoint_list(hf_kv *kv, hf_arena *arena, struct hf_kv_checkpoint **ret_checkpoints,
                                     size_t *ret_count, hf_error *err)
{
	return list(kv, NULL, arena, ret_checkpoints, ret_count, err);
}

enum hf_status hf_kv_checkpoint_show(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                     struct hf_kv_checkpoint *ret_checkpoint, hf_error *err)
{
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0;
	enum hf_status status = list(kv, id, arena, &points, &count, err);
	if (status == HF_OK)
		*ret_checkpoint = points[0];
	return status;
}

enum hf_status hf_kv_checkpoint_count(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                      struct hf_kv_checkpoint *ret_checkpoint, hf_error *err)
{
	enum hf_status status = hf_kv_checkpoint_show(kv, id, arena, ret_checkpoint, err);
	if (status != HF_OK || ret_checkpoint->counted)
		return status;
	return kv_checkpoint_answered(kv, id, count_point(kv, ret_checkpoint, kv_deadline(kv, 0), err), err);
}

static enum hf_status compare(const struct hf_kv_checkpoint *was, const struct hf_kv_checkpoint *is, hf_error *err)
{
	char id[HF_UUID_TEXT_MAX];
	bool same = was->row_count == is->row_count && was->data_size == is->data_size &&
	            memcmp(&was->digest, &is->digest, sizeof(is->digest)) == 0;
	if (same)
		return HF_OK;
	hf_uuid_to_text(&is->id, id);
	return error_set(err, HF_DIFFERS,
	                 "checkpoint %s is not what was counted: %" PRIu64 " entries of %" PRIu64
	                 " bytes then, %" PRIu64 " of %" PRIu64 " now",
	                 id, was->row_count, was->data_size, is->row_count, is->data_size);
}

enum hf_status hf_kv_checkpoint_verify(hf_kv *kv, const struct hf_uuid *id, hf_arena *arena,
                                       struct hf_kv_checkpoint *ret_checkpoint, hf_error *err)
{
	struct hf_kv_checkpoint was;
	enum hf_status status = hf_kv_checkpoint_show(kv, id, arena, &was, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_checkpoint is = was;
	status = kv_checkpoint_answered(kv, id,
	                                was.counted ? read_sums(kv, &is, kv_deadline(kv, 0), err)
	                                            : count_point(kv, &is, kv_deadline(kv, 0), err),
	                                err);
	if (status != HF_OK)
		return status;
	*ret_checkpoint = is;
	return was.counted ? compare(&was, &is, err) : HF_OK;
}

/* ---- keeping and forgetting ---- */

enum hf_status hf_kv_checkpoint_pin(hf_kv *kv, const struct hf_uuid *id, bool pinned, hf_error *err)
{
	const struct hf_kv_checkpoint point = {.id = *id, .pinned = pinned};
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->point_update(kv->backend->state, kv->ns, &point, kv_deadline(kv, 0), err);
	return kv_checkpoint_answered(kv, id, status, err);
}

enum hf_status hf_kv_checkpoint_delete(hf_kv *kv, const struct hf_uuid *id, hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->point_delete(kv->backend->state, kv->ns, id, kv_deadline(kv, 0), err);
	return kv_checkpoint_answered(kv, id, status, err);
}

/* By one look at what they keep. */
static enum hf_status delete_at_once(hf_kv *kv, const struct hf_kv_checkpoint *points, const bool *goes, size_t count,
                                     hf_arena *arena, size_t *ret_deleted, hf_error *err)
{
	struct hf_uuid *ids = hf_arena_alloc(arena, count * sizeof(*ids));
	size_t n = 0;
	if (!ids)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (goes[i])
			ids[n++] = points[i].id;
	enum hf_status status =
		kv_vtable(kv)->points_delete(kv->backend->state, kv->ns, ids, n, kv_deadline(kv, 0), ret_deleted, err);
	return kv_checkpoint_answered(kv, &ids[0], status, err);
}

/* Another pruner may have been faster: what is gone is gone. */
static enum hf_status delete_all(hf_kv *kv, const struct hf_kv_checkpoint *points, const bool *goes, size_t count,
                                 hf_arena *arena, size_t *ret_deleted, hf_error *err)
{
	if (kv_vtable(kv)->points_delete)
		return delete_at_once(kv, points, goes, count, arena, ret_deleted, err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = goes[i] ? hf_kv_checkpoint_delete(kv, &points[i].id, err) : HF_NOT_FOUND;
		if (status != HF_OK && status != HF_NOT_FOUND)
			return status;
		*ret_deleted += status == HF_OK;
	}
	return HF_OK;
}

/* `ret_bytes` stays NULL where nobody asks. */
static enum hf_status weigh(hf_kv *kv, const struct hf_kv_prune *what, const struct hf_kv_checkpoint *points,
                            size_t count, hf_arena *arena, uint64_t **ret_bytes, hf_error *err)
{
	if (what->bytes == 0)
		return HF_OK;
	uint64_t *bytes = hf_arena_calloc(arena, count + 1, sizeof(*bytes));
	if (!bytes)
		return error_nomem(err);
	*ret_bytes = bytes;
	return kv_vtable(kv)->points_weigh(kv->backend->state, kv->ns, points, count, kv_deadline(kv, 0), bytes, err);
}

/* What is deleted is added to `ret_deleted`. */
static enum hf_status prune(hf_kv *kv, const struct hf_kv_prune *what, size_t *ret_deleted, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_checkpoint *points = NULL;
	uint64_t *bytes = NULL;
	size_t count = 0, deleted = 0;
	int64_t now_us = 0;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_kv_checkpoint_list(kv, arena, &points, &count, err);
	if (status == HF_OK)
		status = kv_vtable(kv)->now(kv->backend->state, kv_deadline(kv, 0), &now_us, err);
	if (status == HF_OK)
		status = weigh(kv, what, points, count, arena, &bytes, err);
	bool *goes = status == HF_OK ? hf_arena_calloc(arena, count + 1, sizeof(*goes)) : NULL;
	if (status == HF_OK && !goes)
		status = error_nomem(err);
	if (status == HF_OK && retention_choose(what, points, bytes, count, now_us, goes) > 0)
		status = delete_all(kv, points, goes, count, arena, &deleted, err);
	*ret_deleted += deleted;
	return status;
}

/* By the rules first. Only when that is done is it known what those keep that stay: an image that nothing else needs is
 * gone with a checkpoint, another one belongs to an older one from then on. */
enum hf_status hf_kv_checkpoint_prune(hf_kv *kv, const struct hf_kv_prune *what, size_t *ret_deleted, hf_error *err)
{
	struct hf_kv_prune rules = *what;
	size_t deleted = 0;
	enum hf_status status = check_can(kv, err);
	if (status == HF_OK && what->bytes && !kv_vtable(kv)->points_weigh)
		status = error_set(err, HF_E_UNSUPPORTED, "%s does not know how many bytes a checkpoint keeps",
		                   kv_vtable(kv)->name);
	rules.bytes = 0;
	if (status == HF_OK && what->bytes && retention_has_rule(what))
		status = prune(kv, &rules, &deleted, err);
	if (status == HF_OK)
		status = prune(kv, what, &deleted, err);
	if (ret_deleted)
		*ret_deleted = deleted;
	return status;
}

/* ---- using ---- */

/* When the restore is done: what cannot be pruned now can be at the next. */
static void prune_undos(hf_kv *kv, const struct hf_kv_restore *how)
{
	hf_error ignored = HF_ERROR_INIT;
	const struct hf_kv_prune what = {.keep = how && how->undos_kept ? how->undos_kept : HF_KV_UNDOS_KEPT,
	                                 .name = HF_KV_UNDO};
	hf_kv_checkpoint_prune(kv, &what, NULL, &ignored);
}

enum hf_status hf_kv_checkpoint_restore(hf_kv *kv, const struct hf_uuid *id, const struct hf_kv_restore *how,
                                        struct hf_kv_restored *ret_restored, hf_error *err)
{
	struct hf_kv_restored restored = {0};
	struct hf_kv_checkpoint undo = {.id = random_id(kv), .name = HF_STR(HF_KV_UNDO)};
	bool wanted = !(how && how->no_undo);
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK)
		return status;
	cache_begin_write_all(kv->cache);
	status = kv_vtable(kv)->restore(kv->backend->state, kv->ns, id, wanted ? &undo : NULL,
	                                kv_deadline(kv, how ? how->deadline : HF_DEADLINE_DEFAULT), &restored, err);
	cache_end_write_all(kv->cache);
	if (status == HF_OK && wanted)
		restored.undo = undo.id;
	if (status == HF_OK)
		kv_count(kv, KV_TRANSACTIONS, 1);
	if (status == HF_OK && wanted)
		prune_undos(kv, how);
	if (status == HF_OK && ret_restored)
		*ret_restored = restored;
	return kv_checkpoint_answered(kv, id, status, err);
}

enum hf_status hf_kv_get_many_at(hf_kv *kv, const struct hf_uuid *id, const struct hf_bytes *keys, size_t count,
                                 const struct hf_kv_read *how, hf_arena *arena, struct hf_kv_entry *ret_entries,
                                 hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status == HF_OK)
		status = check_read(how, err);
	if (status == HF_OK)
		status = check_count(count, "keys", err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = check_key(kv, keys[i], err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->read_at(kv->backend->state, kv->ns, id, keys, count, how && how->keys_only,
	                                kv_deadline(kv, how ? how->deadline : HF_DEADLINE_DEFAULT), arena, ret_entries,
	                                err);
	if (status == HF_OK && how && how->value_only)
		kv_keep_values(ret_entries, count);
	return kv_checkpoint_answered(kv, id, status, err);
}

enum hf_status hf_kv_scan_at(hf_kv *kv, const struct hf_uuid *id, const struct hf_kv_range *range, hf_kv_entry_fn *fn,
                             void *user, hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK)
		return status;
	status = kv_scan(kv, range, id, fn, user, err);
	if (status == HF_NOT_FOUND)
		return kv_checkpoint_answered(kv, id, status, err);
	return status;
}

enum hf_status hf_kv_checkpoint_diff(hf_kv *kv, const struct hf_uuid *from, const struct hf_uuid *to,
                                     hf_kv_change_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_checkpoint point;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_kv_checkpoint_show(kv, from, arena, &point, err);
	if (status == HF_OK && to)
		status = hf_kv_checkpoint_show(kv, to, arena, &point, err);
	if (status != HF_OK)
		return status;
	status = kv_vtable(kv)->diff(kv->backend->state, kv->ns, from, to, 0, kv_deadline(kv, 0), fn, user, err);
	return kv_checkpoint_answered(kv, from, status == HF_STOP ? HF_OK : status, err);
}
