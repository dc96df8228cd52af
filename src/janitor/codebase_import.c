/*
 * codebase_import.c - importing a Debian archive: archive.c says what the index means, two statements write it in one
 * transaction.
 *
 * The whole archive is sent as arrays, BATCH codebases a statement, so that client and server hold one batch beside the
 * archive itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/str.h"
#include "holdfast/codebase.h"
#include "janitor/archive.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

enum { BATCH = 5000 };

/* One batch as the parallel arrays that the statements take. */
struct batch {
	struct hf_str names[BATCH], branch_urls[BATCH], urls[BATCH], branches[BATCH], subpaths[BATCH], vcs_types[BATCH],
		web_urls[BATCH];
	bool no_branch_url[BATCH], no_url[BATCH], no_branch[BATCH], no_subpath[BATCH], no_vcs_type[BATCH],
		no_web_url[BATCH];
	int32_t values[BATCH];
	uint32_t count;
};

static void put(struct hf_str *texts, bool *nulls, uint32_t i, struct hf_str text)
{
	texts[i] = text;
	nulls[i] = text.ptr == NULL;
}

static void fill_batch(struct batch *batch, const struct archive_codebase *codebases, size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct archive_codebase *codebase = &codebases[i];
		struct hf_str vcs = {NULL, 0};
		if (codebase->vcs != ARCHIVE_NO_VCS)
			vcs = hf_str_of(archive_vcs_word(codebase->vcs));
		batch->names[i] = codebase->name;
		batch->values[i] = codebase->value;
		put(batch->branch_urls, batch->no_branch_url, i, codebase->branch_url);
		put(batch->urls, batch->no_url, i, codebase->url);
		put(batch->branches, batch->no_branch, i, codebase->branch);
		put(batch->subpaths, batch->no_subpath, i, codebase->subpath);
		put(batch->vcs_types, batch->no_vcs_type, i, vcs);
		put(batch->web_urls, batch->no_web_url, i, codebase->web_url);
	}
	batch->count = (uint32_t)count;
}

struct import {
	const struct archive *archive;
	struct batch *batch;
	const struct hf_import_options *options;
	int64_t inserted;
	int64_t updated;
};

static enum hf_status release(hf_where tx, const struct batch *batch, hf_error *err)
{
	struct codebase_release_locations_in in = {.names = text_array(batch->count, batch->names, NULL),
	                                           .branch_urls = text_array(batch->count, batch->branch_urls,
	                                                                     batch->no_branch_url),
	                                           .subpaths = text_array(batch->count, batch->subpaths,
	                                                                  batch->no_subpath)};
	return codebase_release_locations(tx, &in, NULL, err);
}

static enum hf_status upsert(hf_where tx, const struct batch *batch, struct import *import, hf_error *err)
{
	struct codebase_upsert_in in = {.names = text_array(batch->count, batch->names, NULL),
	                                .branch_urls =
	                                        text_array(batch->count, batch->branch_urls, batch->no_branch_url),
	                                .urls = text_array(batch->count, batch->urls, batch->no_url),
	                                .branches = text_array(batch->count, batch->branches, batch->no_branch),
	                                .subpaths = text_array(batch->count, batch->subpaths, batch->no_subpath),
	                                .vcs_types = text_array(batch->count, batch->vcs_types, batch->no_vcs_type),
	                                .web_urls = text_array(batch->count, batch->web_urls, batch->no_web_url),
	                                .vals = {.count = batch->count, .ndim = 1, .values = batch->values}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct codebase_upsert_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = codebase_upsert(tx, &in, arena, &row, err);
	if (status == HF_OK) {
		import->inserted += row.inserted;
		import->updated += row.updated;
	}
	return status;
}

/* All locations are released before the first is taken: two codebases of different batches may swap theirs. */
static enum hf_status write_archive(hf_where tx, void *user, hf_error *err)
{
	struct import *import = user;
	size_t count;
	const struct archive_codebase *codebases = archive_codebases(import->archive, &count);
	import->inserted = import->updated = 0;
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t at = 0; at < count; at += BATCH) {
			fill_batch(import->batch, codebases + at, count - at < BATCH ? count - at : BATCH);
			enum hf_status status =
				pass == 0 ? release(tx, import->batch, err) : upsert(tx, import->batch, import, err);
			if (status != HF_OK)
				return status;
			if (import->options->progress)
				import->options->progress(import->options->user, "writing",
				                          (int64_t)(pass * count + at) / 2, (int64_t)count);
		}
	}
	return import->options->dry_run ? HF_STOP : HF_OK; /* which rolls back */
}

static void report_archive(const struct archive *archive, struct hf_import_report *report)
{
	const struct archive_counts *counts = archive_counts(archive);
	size_t n, best = 0;
	const struct archive_codebase *codebases = archive_codebases(archive, &n);
	*report = (struct hf_import_report){.records = counts->records,
	                                    .codebases = counts->codebases,
	                                    .extra_source_only = counts->extra_source_only,
	                                    .superseded = counts->superseded,
	                                    .shared_locations = counts->shared_locations,
	                                    .git = counts->by_vcs[ARCHIVE_GIT],
	                                    .svn = counts->by_vcs[ARCHIVE_SVN],
	                                    .bzr = counts->by_vcs[ARCHIVE_BZR],
	                                    .cvs = counts->by_vcs[ARCHIVE_CVS],
	                                    .arch = counts->by_vcs[ARCHIVE_ARCH],
	                                    .hg = counts->by_vcs[ARCHIVE_HG],
	                                    .mtn = counts->by_vcs[ARCHIVE_MTN],
	                                    .darcs = counts->by_vcs[ARCHIVE_DARCS],
	                                    .no_vcs = counts->by_vcs[ARCHIVE_NO_VCS]};
	for (size_t i = 1; i < n; i++)
		best = codebases[i].value > codebases[best].value ? i : best;
	if (n > 0) {
		snprintf(report->greatest_name, sizeof(report->greatest_name), "%.*s", STR_ARG(codebases[best].name));
		report->greatest_value = codebases[best].value;
	}
}

static void free_batch(struct batch **batch)
{
	free(*batch);
}

static enum hf_status write_all(hf_where where, const struct archive *archive, const struct hf_import_options *options,
                                struct hf_import_report *report, hf_error *err)
{
	CLEANUP(free_batch) struct batch *batch = malloc(sizeof(*batch));
	struct import import = {.archive = archive, .batch = batch, .options = options};
	if (!batch)
		return error_nomem(err);
	enum hf_status status = janitor_transaction(where, write_archive, &import, err);
	report->inserted = import.inserted;
	report->updated = import.updated;
	report->unchanged = (int64_t)report->codebases - import.inserted - import.updated;
	return status == HF_STOP ? HF_OK : status;
}

enum hf_status hf_codebase_import_debian(hf_where where, const struct hf_import_options *options,
                                         struct hf_import_report *ret_report, hf_error *err)
{
	hf_context *ctx = hf_where_context(where);
	CLEANUP(archive_freep) struct archive *archive = NULL;
	struct hf_import_report report;
	if (options_check("hf_import_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	int64_t start = hf_now_monotonic_us(ctx);
	enum hf_status status =
		archive_read(options->path, options->limit, options->progress, options->user, &archive, err);
	if (status != HF_OK)
		return status;
	report_archive(archive, &report);
	int64_t read = hf_now_monotonic_us(ctx);
	status = write_all(where, archive, options, &report, err);
	report.read_us = read - start;
	report.write_us = hf_now_monotonic_us(ctx) - read;
	if (status == HF_OK)
		*ret_report = report;
	return status;
}
