/*
 * codebase_upload.c - codebases as JSON: what each entry means (spec/janitor.md 10.4), then one hf_codebase_put().
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "core/branch_url.h"
#include "core/names.h"
#include "core/segment.h"
#include "janitor/codebase_rows.h"
#include "janitor/columns.h"
#include "janitor/long_names.h"
#include "janitor/upload.h"

#define WHAT "codebases"

DEFINE_OWNED(json, json_t *, json_decref)

/* ---- the place ---- */

static const struct codebase_fault no_memory = {NULL, NULL, NULL};

static bool fault_is(struct codebase_fault *ret_fault, const char *member, const char *what)
{
	*ret_fault = (struct codebase_fault){member, what, NULL};
	return false;
}

/* branch_url says it all; a branch that came along counts where the URL names none. */
static bool place_of_branch_url(struct hf_codebase *codebase, bool lenient, hf_arena *arena,
                                struct codebase_fault *ret_fault)
{
	struct hf_str parameters, branch;
	struct hf_str branch_url = codebase->branch_url;
	if (!(lenient ? segment_split_lenient : segment_split)(branch_url, &codebase->url, &parameters))
		return fault_is(ret_fault, "branch_url", "has a segment parameter without \"=\"");
	if (!branch_url_branch(parameters, arena, &branch))
		return false;
	if (branch.ptr && !str_is_utf8(branch, NULL))
		return fault_is(ret_fault, "branch_url", "names a branch that is no UTF-8, or has a NUL byte");
	if (branch.ptr)
		codebase->branch = branch;
	return true;
}

bool codebase_place(struct hf_codebase *codebase, const struct hf_defects *keep, hf_arena *arena,
                    struct codebase_fault *ret_fault)
{
	const bool plain_slashes = hf_defects_kept(keep, 52);
	struct hf_str base, parameters;
	*ret_fault = no_memory;
	if (codebase->branch_url.ptr)
		return place_of_branch_url(codebase, !plain_slashes, arena, ret_fault);
	codebase->branch_url = codebase->url;
	if (!codebase->branch.ptr)
		return true;
	if (!codebase->url.ptr)
		return fault_is(ret_fault, "branch", "is given without a url");
	if (!segment_split(codebase->url, &base, &parameters))
		return fault_is(ret_fault, "url", "has a segment parameter without \"=\"");
	codebase->branch_url = branch_url_join(codebase->url, codebase->branch, plain_slashes, arena);
	return codebase->branch_url.ptr != NULL;
}

/* ---- entries ---- */

/* null is no place: the original stops on it. */
static enum hf_status check_nulls(const struct upload_entry *entry, const struct hf_codebase *codebase)
{
	if (upload_has(entry, "branch_url") && !codebase->branch_url.ptr)
		return upload_refuse(entry, "branch_url", "is null; leave it out where there is none");
	if (!upload_has(entry, "branch_url") && upload_has(entry, "branch") && !codebase->branch.ptr)
		return upload_refuse(entry, "branch", "is null; leave it out where there is none");
	return HF_OK;
}

static enum hf_status read_members(const struct upload_entry *entry, struct hf_codebase *codebase)
{
	const struct {
		const char *name;
		struct hf_str *into;
	} texts[] = {{"name", &codebase->name},
	             {"branch_url", &codebase->branch_url},
	             {"url", &codebase->url},
	             {"branch", &codebase->branch},
	             {"subpath", &codebase->subpath},
	             {"vcs_type", &codebase->vcs_type},
	             {"vcs_last_revision", &codebase->vcs_last_revision},
	             {"web_url", &codebase->web_url}};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(texts); i++)
		status = upload_text(entry, texts[i].name, texts[i].into);
	if (status == HF_OK)
		status = upload_int(entry, "value", &codebase->has_value, &codebase->value);
	return status == HF_OK ? check_nulls(entry, codebase) : status;
}

/* `stored`: with D-33 only one is, and what the others say beside their place nobody looks at. */
static enum hf_status read_entry(const struct upload_entry *entry, const struct hf_defects *keep, bool stored,
                                 hf_arena *arena, struct hf_codebase *ret_codebase)
{
	struct codebase_fault fault;
	*ret_codebase = (struct hf_codebase){0};
	enum hf_status status = read_members(entry, ret_codebase);
	if (status != HF_OK)
		return status;
	if (codebase_place(ret_codebase, keep, arena, &fault) && (!stored || codebase_check(ret_codebase, &fault)))
		return HF_OK;
	if (!fault.what)
		return error_nomem(entry->err);
	upload_refuse(entry, fault.member, "%s", fault.what);
	if (fault.hint)
		error_hint(entry->err, "%s", fault.hint);
	return HF_E_INPUT;
}

/* ---- the whole ---- */

/* Before repeated entries go: the number is that in the document. */
static enum hf_status check_long_names(hf_where where, const struct hf_codebase *codebases, size_t count,
                                       hf_arena *arena, hf_error *err)
{
	struct columns columns = {.arena = arena,
	                          .rows = codebases,
	                          .row_size = sizeof(*codebases),
	                          .count = (uint32_t)count};
	struct hf_str_array names = columns_text(&columns, offsetof(struct hf_codebase, name));
	uint32_t new;
	if (columns.starved)
		return error_nomem(err);
	enum hf_status status = long_names_new(where, NAME_OF_CODEBASE, names.values, names.count, &new, err);
	if (status != HF_OK || new == names.count)
		return status;
	return error_set(err, HF_E_INPUT, WHAT ": entry %u: \"name\" " CODEBASE_NAME_TOO_LONG, new + 1);
}

/* Of several entries with one name the last stays, at the place of the first. */
static enum hf_status last_of_each(struct hf_codebase *codebases, size_t *count, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *names = intern_new(UPLOAD_ENTRIES_MAX + 1);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	size_t *place = arena ? hf_arena_calloc(arena, *count, sizeof(*place)) : NULL; /* of a name, by its number */
	size_t kept = 0;
	uint32_t named = 0;
	if (!names || !place)
		return error_nomem(err);
	for (size_t i = 0; i < *count; i++) {
		uint32_t number = codebases[i].name.ptr ? intern_add(names, codebases[i].name) : named;
		if (number == INTERN_NONE)
			return error_nomem(err);
		if (codebases[i].name.ptr && number < named) {
			codebases[place[number]] = codebases[i];
			continue;
		}
		if (codebases[i].name.ptr)
			place[named++] = kept;
		codebases[kept++] = codebases[i];
	}
	*count = kept;
	return HF_OK;
}

static enum hf_status read_all(const json_t *list, const struct hf_defects *keep, hf_arena *arena,
                               struct hf_codebase **ret_codebases, hf_error *err)
{
	size_t count = json_array_size(list);
	struct hf_codebase *codebases = hf_arena_calloc(arena, count + 1, sizeof(*codebases));
	enum hf_status status = HF_OK;
	if (!codebases)
		return error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		struct upload_entry entry;
		status = upload_entry(list, WHAT, i, &entry, err);
		if (status == HF_OK)
			status = read_entry(&entry, keep, i + 1 == count || !hf_defects_kept(keep, 33), arena,
			                    &codebases[i]);
	}
	*ret_codebases = codebases;
	return status;
}

enum hf_status hf_codebase_upload(hf_where where, struct hf_str json, const struct hf_defects *keep,
                                  struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(json_freep) json_t *list = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_codebase *codebases = NULL;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = upload_parse(json, WHAT, &list, err);
	if (status == HF_OK)
		status = read_all(list, keep, arena, &codebases, err);
	if (status != HF_OK)
		return status;
	size_t count = json_array_size(list);
	if (!hf_defects_kept(keep, 33)) {
		status = check_long_names(where, codebases, count, arena, err);
		if (status == HF_OK)
			status = last_of_each(codebases, &count, err);
		return status == HF_OK ? hf_codebase_put(where, codebases, count, ret_changes, err) : status;
	}
	if (count == 0)
		return error_set(err, HF_E_INPUT, WHAT ": an empty list is refused (D-33 is kept)");
	return hf_codebase_put(where, &codebases[count - 1], 1, ret_changes, err);
}
