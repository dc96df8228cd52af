/*
 * codebase.c - one codebase, and lists of them. Many at once: codebase_put.c.
 */
#include "holdfast/codebase.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/segment.h"
#include "janitor/codebase_rows.h"
#include "janitor/long_names.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

static void codebase_of_row(const struct codebase_row *row, struct hf_codebase *ret_codebase)
{
	*ret_codebase = (struct hf_codebase){.name = row->name,
	                                     .branch_url = GET_TEXT(row, branch_url),
	                                     .url = GET_TEXT(row, url),
	                                     .branch = GET_TEXT(row, branch),
	                                     .subpath = GET_TEXT(row, subpath),
	                                     .web_url = GET_TEXT(row, web_url),
	                                     .hostname = GET_TEXT(row, hostname),
	                                     .vcs_last_revision = GET_TEXT(row, vcs_last_revision),
	                                     .has_value = row->has_value,
	                                     .value = row->value,
	                                     .inactive = row->inactive};
	if (row->has_vcs_type)
		ret_codebase->vcs_type = hf_str_of(hf_enum_label(&vcs_type_type, (int)row->vcs_type));
}

enum hf_status hf_codebase_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_codebase *ret_codebase,
                               hf_error *err)
{
	struct codebase_row row;
	enum hf_status status = codebase_by_name(where, &(struct codebase_by_name_in){.name = name}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no codebase %.*s", (int)(name.len > 100 ? 100 : name.len),
		                 name.ptr);
	if (status == HF_OK)
		codebase_of_row(&row, ret_codebase);
	return status;
}

struct sink {
	hf_codebase_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct codebase_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_codebase codebase;
	codebase_of_row(row, &codebase);
	return sink->fn(sink->user, &codebase, err);
}

/* The filter's version control system as the database's; false when it knows none of that name. */
static enum hf_status vcs_of(struct hf_str word, bool *ret_given, enum vcs_type *ret_vcs, hf_error *err)
{
	*ret_given = word.ptr != NULL;
	return word.ptr ? vcs_type_parse(word, ret_vcs, err) : HF_OK;
}

enum hf_status hf_codebase_list(hf_where where, const struct hf_codebase_filter *filter, hf_codebase_fn *fn, void *user,
                                hf_error *err)
{
	struct sink sink = {fn, user};
	struct codebase_list_in in = {WITH_TEXT(after, filter->after), WITH_TEXT(host, filter->host),
	                              .inactive = filter->inactive, .with_inactive = filter->has_inactive,
	                              WITH_LIMIT(filter->limit)};
	enum hf_status status = vcs_of(filter->vcs_type, &in.with_vcs_type, &in.vcs_type, err);
	return status == HF_OK ? codebase_list(where, &in, list_row, &sink, err) : status;
}

enum hf_status hf_codebase_count(hf_where where, const struct hf_codebase_filter *filter, int64_t *ret_count,
                                 hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_count_in in = {.inactive = filter->inactive, .has_inactive = filter->has_inactive};
	struct codebase_count_row row;
	if (!arena)
		return error_nomem(err);
	SET_TEXT(&in, host, filter->host);
	enum hf_status status = vcs_of(filter->vcs_type, &in.has_vcs_type, &in.vcs_type, err);
	if (status == HF_OK)
		status = codebase_count(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_count = row.codebases;
	return status;
}

/* ---- writing one ---- */

static void fill_set(const struct hf_codebase *codebase, unsigned parts, struct codebase_set_in *in)
{
	*in = (struct codebase_set_in){.name = codebase->name,
	                               .value = codebase->value,
	                               .has_value = codebase->has_value,
	                               .inactive = codebase->inactive,
	                               .set_place = parts & HF_CODEBASE_PLACE,
	                               .set_subpath = parts & HF_CODEBASE_SUBPATH,
	                               .set_vcs_type = parts & HF_CODEBASE_VCS_TYPE,
	                               .set_vcs_last_revision = parts & HF_CODEBASE_VCS_LAST_REVISION,
	                               .set_web_url = parts & HF_CODEBASE_WEB_URL,
	                               .set_value = parts & HF_CODEBASE_VALUE,
	                               .set_inactive = parts & HF_CODEBASE_INACTIVE};
	SET_TEXT(in, branch_url, codebase->branch_url);
	SET_TEXT(in, url, codebase->url);
	SET_TEXT(in, branch, codebase->branch);
	SET_TEXT(in, subpath, codebase->subpath);
	SET_TEXT(in, vcs_last_revision, codebase->vcs_last_revision);
	SET_TEXT(in, web_url, codebase->web_url);
}

enum hf_status hf_codebase_set(hf_where where, const struct hf_codebase *codebase, unsigned parts, bool *ret_created,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_codebase wanted = *codebase;
	struct codebase_set_in in;
	struct codebase_set_row row;
	struct codebase_fault fault;
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	if (!codebase->name.ptr)
		return error_set(err, HF_E_INPUT, "a codebase needs a name");
	if (!codebase_place(&wanted, NULL, arena, &fault) || !codebase_check(&wanted, &fault))
		return codebase_complain(&fault, err);
	enum hf_status status = long_name_check(where, NAME_OF_CODEBASE, wanted.name, "name", err);
	if (status != HF_OK)
		return status;
	fill_set(&wanted, parts, &in);
	status = vcs_of(wanted.vcs_type, &in.has_vcs_type, &in.vcs_type, err);
	if (status == HF_OK)
		status = codebase_refused(codebase_set(where, &in, arena, &row, &local), &local, err);
	if (status == HF_OK && ret_created)
		*ret_created = row.created;
	return status;
}

/* Runs are history, and history stays. */
static enum hf_status has_history(struct hf_str name, hf_error *err)
{
	error_reword(err, "codebase %.*s has runs", (int)(name.len > 100 ? 100 : name.len), name.ptr);
	error_hint(err, "what was tried stays on record; holdfast codebase set NAME --inactive puts it to rest");
	return HF_REJECTED;
}

enum hf_status hf_codebase_delete(hf_where where, struct hf_str name, hf_error *err)
{
	int64_t deleted;
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = codebase_delete(where, &(struct codebase_delete_in){.name = name}, &deleted, &local);
	if (status == HF_OK && deleted == 0)
		return error_set(err, HF_NOT_FOUND, "there is no codebase %.*s", (int)(name.len > 100 ? 100 : name.len),
		                 name.ptr);
	if (status != HF_OK && strcmp(local.constraint, "run_codebase_fkey") == 0)
		has_history(name, &local);
	if (status != HF_OK && err)
		*err = local;
	return status;
}

/* ---- cotenants ---- */

static enum hf_status place_of(struct hf_str url, const struct hf_defects *keep, struct hf_str *ret_place,
                               hf_error *err)
{
	struct hf_str place, parameters;
	bool done = hf_defects_kept(keep, 52) ? segment_split(url, &place, &parameters)
	                                      : segment_split_lenient(url, &place, &parameters);
	if (!done)
		return error_set(err, HF_E_INPUT, "a segment parameter of %.*s has no \"=\"",
		                 (int)(url.len > 200 ? 200 : url.len), url.ptr);
	while (place.len > 0 && place.ptr[place.len - 1] == '/')
		place.len--;
	*ret_place = place;
	return HF_OK;
}

enum hf_status hf_codebase_cotenants(hf_where where, struct hf_str codebase, struct hf_str url,
                                     const struct hf_defects *keep, enum hf_cotenants *ret_cotenants, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_at_in in = {.codebase = codebase};
	struct codebase_at_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = place_of(url, keep, &in.url, err);
	if (status == HF_OK)
		status = codebase_at(where, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	if (row.there > 1)
		*ret_cotenants = HF_COTENANTS_YES;
	else
		*ret_cotenants = row.own == 1 ? HF_COTENANTS_NO : HF_COTENANTS_UNKNOWN;
	return HF_OK;
}
