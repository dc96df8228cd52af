/*
 * codebase_put.c - many codebases at once, as arrays of BATCH a statement, in one transaction. All places are released
 * before the first is taken, so that two codebases may swap theirs, whatever their batches.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "core/names.h"
#include "janitor/codebase_rows.h"
#include "janitor/long_names.h"
#include "janitor/transaction.h"
#include "janitor/values.h"

enum { BATCH = 5000, CODEBASES_MAX = 1000000 };

#define VCS_LABELS "bzr, git, svn, mtn, hg, arch, cvs or darcs"

/* ---- what must hold ---- */

enum hf_status codebase_complain(const struct codebase_fault *fault, hf_error *err)
{
	if (!fault->what)
		return error_nomem(err);
	error_set(err, HF_E_INPUT, "the %s %s", fault->member, fault->what);
	if (fault->hint)
		error_hint(err, "%s", fault->hint);
	return HF_E_INPUT;
}

bool codebase_check(const struct hf_codebase *codebase, struct codebase_fault *ret_fault)
{
	*ret_fault = (struct codebase_fault){NULL, NULL, NULL};
	if (codebase->name.ptr && !codebase_name_valid(codebase->name))
		*ret_fault = (struct codebase_fault){"name", "is no name for a codebase", CODEBASE_NAME_RULE};
	else if (!codebase->name.ptr && !codebase->branch_url.ptr)
		*ret_fault = (struct codebase_fault){"name", "is missing, and so is branch_url", NULL};
	else if (!codebase->branch_url.ptr != !codebase->url.ptr)
		*ret_fault = (struct codebase_fault){"url", "and branch_url do not go without each other", NULL};
	else if (codebase->vcs_type.ptr && hf_enum_value(&vcs_type_type, codebase->vcs_type) == HF_ENUM_UNKNOWN)
		*ret_fault = (struct codebase_fault){"vcs_type", "is no version control system that the schema knows",
		                                     "one of " VCS_LABELS};
	return !ret_fault->what;
}

enum hf_status vcs_type_parse(struct hf_str word, enum vcs_type *ret_vcs, hf_error *err)
{
	int value = hf_enum_value(&vcs_type_type, word);
	if (value != HF_ENUM_UNKNOWN) {
		*ret_vcs = (enum vcs_type)value;
		return HF_OK;
	}
	error_set(err, HF_E_INPUT, "\"%.*s\" is no version control system that the schema knows",
	          (int)(word.len > 40 ? 40 : word.len), word.ptr);
	error_hint(err, "one of " VCS_LABELS);
	return HF_E_INPUT;
}

enum hf_status codebase_refused(enum hf_status status, hf_error *local, hf_error *err)
{
	char taken[sizeof(local->detail)];
	if (status != HF_OK && strcmp(local->constraint, "codebase_branch_url_subpath_key") == 0) {
		memcpy(taken, local->detail, sizeof(taken));
		error_reword(local, "another codebase is at that place");
		error_detail(local, "%s", taken);
		error_hint(local, "give one of them another subpath, or none, which is unknown");
	}
	if (status != HF_OK && err)
		*err = *local;
	return status;
}

/* Each entry can be, and no name stands twice. */
static enum hf_status check_all(const struct hf_codebase *codebases, size_t count, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *names = intern_new(CODEBASES_MAX + 1);
	struct codebase_fault fault;
	size_t named = 0;
	if (!names)
		return error_nomem(err);
	if (count > CODEBASES_MAX)
		return error_set(err, HF_E_LIMIT, "%zu codebases, at most %d at once", count, CODEBASES_MAX);
	for (size_t i = 0; i < count; i++) {
		bool twice = false;
		if (codebase_check(&codebases[i], &fault) && codebases[i].name.ptr) {
			uint32_t number = intern_add(names, codebases[i].name);
			if (number == INTERN_NONE)
				return error_nomem(err);
			twice = number < named;
			named += !twice;
		}
		if (twice)
			fault = (struct codebase_fault){"name", "came before", NULL};
		if (fault.what) {
			codebase_complain(&fault, err);
			error_prefix(err, "codebase %zu", i + 1);
			return HF_E_INPUT;
		}
	}
	return HF_OK;
}

/* ---- batches ---- */

enum column { NAME, BRANCH_URL, URL, BRANCH, SUBPATH, VCS_TYPE, REVISION, WEB_URL, COLUMNS };

struct batch {
	struct hf_str texts[COLUMNS][BATCH];
	bool absent[COLUMNS][BATCH];
	int32_t values[BATCH];
	bool no_value[BATCH];
	uint32_t count;
};

static void fill_batch(struct batch *batch, const struct hf_codebase *codebases, size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct hf_codebase *codebase = &codebases[i];
		const struct hf_str texts[COLUMNS] = {
			[NAME] = codebase->name,       [BRANCH_URL] = codebase->branch_url,
			[URL] = codebase->url,         [BRANCH] = codebase->branch,
			[SUBPATH] = codebase->subpath, [VCS_TYPE] = codebase->vcs_type,
			[WEB_URL] = codebase->web_url, [REVISION] = codebase->vcs_last_revision,
		};
		for (size_t column = 0; column < COLUMNS; column++) {
			batch->texts[column][i] = texts[column];
			batch->absent[column][i] = texts[column].ptr == NULL;
		}
		batch->values[i] = codebase->value;
		batch->no_value[i] = !codebase->has_value;
	}
	batch->count = (uint32_t)count;
}

static struct hf_str_array column_of(const struct batch *batch, enum column column)
{
	return text_array(batch->count, batch->texts[column], batch->absent[column]);
}

struct putting {
	const struct hf_codebase *codebases;
	size_t count;
	struct batch *batch;
	struct hf_changes changes;
};

static enum hf_status release(hf_where tx, struct putting *putting, hf_error *err)
{
	struct codebase_release_locations_in in = {.names = column_of(putting->batch, NAME),
	                                           .branch_urls = column_of(putting->batch, BRANCH_URL),
	                                           .subpaths = column_of(putting->batch, SUBPATH)};
	return codebase_release_locations(tx, &in, NULL, err);
}

/* @param at how many came in earlier batches */
static enum hf_status check_long_names(hf_where tx, const struct batch *batch, size_t at, hf_error *err)
{
	uint32_t wrong;
	enum hf_status status = long_names_new(tx, NAME_OF_CODEBASE, batch->texts[NAME], batch->count, &wrong, err);
	if (status != HF_OK || wrong == batch->count)
		return status;
	return error_set(err, HF_E_INPUT, "codebase %zu: the name " CODEBASE_NAME_TOO_LONG, at + wrong + 1);
}

static enum hf_status put(hf_where tx, struct putting *putting, hf_error *err)
{
	const struct batch *batch = putting->batch;
	struct codebase_put_in in = {
		.names = column_of(batch, NAME),
		.branch_urls = column_of(batch, BRANCH_URL),
		.urls = column_of(batch, URL),
		.branches = column_of(batch, BRANCH),
		.subpaths = column_of(batch, SUBPATH),
		.vcs_types = column_of(batch, VCS_TYPE),
		.revisions = column_of(batch, REVISION),
		.web_urls = column_of(batch, WEB_URL),
		.vals = {.count = batch->count, .ndim = 1, .values = batch->values, .nulls = batch->no_value}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_put_row row;
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = codebase_refused(codebase_put(tx, &in, arena, &row, &local), &local, err);
	if (status == HF_OK) {
		putting->changes.inserted += row.inserted;
		putting->changes.updated += row.updated;
	}
	return status;
}

static enum hf_status write_all(hf_where tx, void *user, hf_error *err)
{
	struct putting *putting = user;
	putting->changes = (struct hf_changes){0};
	for (size_t pass = 0; pass < 2; pass++)
		for (size_t at = 0; at < putting->count; at += BATCH) {
			size_t n = putting->count - at < BATCH ? putting->count - at : BATCH;
			fill_batch(putting->batch, putting->codebases + at, n);
			enum hf_status status = pass == 0 ? check_long_names(tx, putting->batch, at, err) : HF_OK;
			if (status == HF_OK)
				status = pass == 0 ? release(tx, putting, err) : put(tx, putting, err);
			if (status != HF_OK)
				return status;
		}
	return HF_OK;
}

static void free_batch(struct batch **batch)
{
	free(*batch);
}

enum hf_status hf_codebase_put(hf_where where, const struct hf_codebase *codebases, size_t count,
                               struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(free_batch) struct batch *batch = malloc(sizeof(*batch));
	struct putting putting = {codebases, count, batch, {0}};
	if (!batch)
		return error_nomem(err);
	enum hf_status status = check_all(codebases, count, err);
	if (status == HF_OK && count > 0)
		status = janitor_transaction(where, write_all, &putting, err);
	if (status != HF_OK)
		return status;
	*ret_changes = putting.changes;
	ret_changes->unchanged = (int64_t)count - putting.changes.inserted - putting.changes.updated;
	return HF_OK;
}
