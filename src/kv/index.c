/*
 * index.c - indexes on metadata: what is refused before a backend sees it.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/kv_index.h"
#include "kv/store.h"

#define HOUR_MS INT64_C(3600000)

static enum hf_status check_can(const hf_kv *kv, hf_error *err)
{
	enum hf_status status = kv_check_process(kv, err);
	if (status != HF_OK || (kv_vtable(kv)->capabilities & HF_KV_CAN_INDEX))
		return status;
	error_set(err, HF_E_UNSUPPORTED, "%s has no indexes on metadata", kv_vtable(kv)->name);
	error_hint(err, "reads that ask for metadata look at each entry of their range there");
	return HF_E_UNSUPPORTED;
}

static enum hf_status check_member(const hf_kv *kv, const char *member, hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK || !member)
		return status;
	struct hf_str name = hf_str_of(member);
	if (name.len == 0 || !str_is_utf8(name, NULL) || strchr(member, '"'))
		return error_set(err, HF_E_USAGE,
		                 "a member of metadata that is indexed has a name of UTF-8 without \"");
	return HF_OK;
}

static hf_deadline by(const hf_kv *kv, hf_deadline deadline)
{
	return deadline ? deadline : hf_deadline_in(kv->backend->ctx, HOUR_MS);
}

enum hf_status hf_kv_index_create(hf_kv *kv, const char *member, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = check_member(kv, member, err);
	if (status != HF_OK)
		return status;
	return kv_vtable(kv)->index_create(kv->backend->state, hf_str_of(member), by(kv, deadline), err);
}

enum hf_status hf_kv_index_drop(hf_kv *kv, const char *member, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = check_member(kv, member, err);
	if (status != HF_OK)
		return status;
	return kv_vtable(kv)->index_drop(kv->backend->state, hf_str_of(member), by(kv, deadline), err);
}

enum hf_status hf_kv_index_list(hf_kv *kv, hf_arena *arena, struct hf_kv_index **ret_indexes, size_t *ret_count,
                                hf_error *err)
{
	enum hf_status status = check_can(kv, err);
	if (status != HF_OK)
		return status;
	return kv_vtable(kv)->index_list(kv->backend->state, kv_deadline(kv, HF_DEADLINE_DEFAULT), arena, ret_indexes,
	                                 ret_count, err);
}
