/*
 * archive.c - see archive.h. Names of packages and of relations are interned; a record keeps numbers, not texts, so
 * that the whole of Debian fits in a few megabytes.
 */
#include "janitor/archive.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/intern.h"
#include "core/deb822.h"
#include "core/debversion.h"
#include "core/names.h"
#include "core/vcs_field.h"
#include "files/lines.h"
#include "holdfast/codebase.h"

enum { LINE_MAX_BYTES = 1 << 20, CODEBASES_MAX = 200000, RELATIONS_MAX = 2000000, ARENA_MAX = 48 << 20 };

struct numbers {
	const uint32_t *values;
	uint32_t count;
};

struct record {
	struct numbers binaries;
	struct numbers depends;
};

struct archive {
	hf_arena *texts;
	struct intern *names;     /* number = index into codebases and records */
	struct intern *relations; /* binary packages and what is built with */
	struct archive_codebase *codebases;
	struct record *records;
	uint32_t *scratch; /* numbers of the field at hand */
	size_t scratch_capacity;
	size_t capacity;
	struct archive_counts counts;
	archive_progress_fn *progress;
	void *user;
};

static const struct {
	const char *word;
	struct hf_str field;
} vcs_table[] = {
	[ARCHIVE_GIT] = {"git", HF_STR_INIT("Vcs-Git")},    [ARCHIVE_SVN] = {"svn", HF_STR_INIT("Vcs-Svn")},
	[ARCHIVE_BZR] = {"bzr", HF_STR_INIT("Vcs-Bzr")},    [ARCHIVE_CVS] = {"cvs", HF_STR_INIT("Vcs-Cvs")},
	[ARCHIVE_ARCH] = {"arch", HF_STR_INIT("Vcs-Arch")}, [ARCHIVE_HG] = {"hg", HF_STR_INIT("Vcs-Hg")},
	[ARCHIVE_MTN] = {"mtn", HF_STR_INIT("Vcs-Mtn")},    [ARCHIVE_DARCS] = {"darcs", HF_STR_INIT("Vcs-Darcs")},
	[ARCHIVE_NO_VCS] = {"none", HF_STR_INIT("")},
};

const char *archive_vcs_word(enum archive_vcs vcs)
{
	return vcs_table[vcs].word;
}

static bool add_number(struct archive *archive, size_t n, struct hf_str name)
{
	if (n == archive->scratch_capacity) {
		size_t capacity = n ? n * 2 : 256;
		uint32_t *grown = reallocarray(archive->scratch, capacity, sizeof(*grown));
		if (!grown)
			return false;
		archive->scratch = grown;
		archive->scratch_capacity = capacity;
	}
	archive->scratch[n] = intern_add(archive->relations, name);
	return archive->scratch[n] != INTERN_NONE;
}

/* The package names of some relation fields as numbers in the arena. */
static enum hf_status intern_fields(struct archive *archive, const struct deb822 *paragraph,
                                    const struct hf_str *fields, size_t nfields, struct numbers *ret, hf_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < nfields; i++) {
		struct hf_str rest = deb822_get(paragraph, fields[i]), name;
		while (relation_next_name(&rest, &name))
			if (!add_number(archive, n++, name))
				return error_nomem(err);
	}
	uint32_t *values = hf_arena_alloc(archive->texts, n * sizeof(*values));
	if (!values)
		return error_nomem(err);
	if (n > 0)
		memcpy(values, archive->scratch, n * sizeof(*values));
	*ret = (struct numbers){values, (uint32_t)n};
	return HF_OK;
}

static bool keep(hf_arena *arena, struct hf_str text, struct hf_str *ret)
{
	*ret = text.ptr ? hf_arena_str(arena, text) : text;
	return !text.ptr || ret->ptr;
}

static enum hf_status read_location(struct archive *archive, const struct deb822 *paragraph,
                                    struct archive_codebase *codebase, hf_error *err)
{
	struct hf_str value = {NULL, 0};
	codebase->vcs = ARCHIVE_GIT;
	while (codebase->vcs != ARCHIVE_NO_VCS) {
		value = deb822_get(paragraph, vcs_table[codebase->vcs].field);
		if (value.ptr)
			break;
		codebase->vcs++;
	}
	struct vcs_field field;
	if (!value.ptr)
		return HF_OK;
	if (!vcs_field_parse(value, &field)) {
		archive->counts.unreadable_vcs++;
		codebase->vcs = ARCHIVE_NO_VCS;
		return HF_OK;
	}
	codebase->branch_url = vcs_field_branch_url(&field, archive->texts);
	bool kept = codebase->branch_url.ptr && keep(archive->texts, field.url, &codebase->url) &&
	            keep(archive->texts, field.branch, &codebase->branch) &&
	            keep(archive->texts, field.subpath, &codebase->subpath);
	return kept ? HF_OK : error_nomem(err);
}

static enum hf_status fill(struct archive *archive, const struct deb822 *paragraph, uint32_t number,
                           struct hf_str version, hf_error *err)
{
	static const struct hf_str binaries[] = {HF_STR_INIT("Binary")};
	static const struct hf_str depends[] = {HF_STR_INIT("Build-Depends"), HF_STR_INIT("Build-Depends-Arch"),
	                                        HF_STR_INIT("Build-Depends-Indep")};
	struct archive_codebase codebase = {.name = intern_text(archive->names, number)};
	struct record record;
	if (!keep(archive->texts, version, &codebase.version) ||
	    !keep(archive->texts, deb822_get(paragraph, HF_STR("Vcs-Browser")), &codebase.web_url))
		return error_nomem(err);
	enum hf_status status = read_location(archive, paragraph, &codebase, err);
	if (status == HF_OK)
		status = intern_fields(archive, paragraph, binaries, 1, &record.binaries, err);
	if (status == HF_OK)
		status = intern_fields(archive, paragraph, depends, ARRAY_LEN(depends), &record.depends, err);
	if (status != HF_OK)
		return status;
	archive->codebases[number] = codebase;
	archive->records[number] = record;
	return HF_OK;
}

static enum hf_status grow(struct archive *archive, hf_error *err)
{
	if (archive->counts.codebases < archive->capacity)
		return HF_OK;
	size_t capacity = archive->capacity ? archive->capacity * 2 : 1024;
	struct archive_codebase *codebases = reallocarray(archive->codebases, capacity, sizeof(*codebases));
	if (!codebases)
		return error_nomem(err);
	archive->codebases = codebases;
	struct record *records = reallocarray(archive->records, capacity, sizeof(*records));
	if (!records)
		return error_nomem(err);
	archive->records = records;
	archive->capacity = capacity;
	return HF_OK;
}

static enum hf_status check_fields(const struct deb822 *paragraph, struct hf_str name, struct hf_str version,
                                   hf_error *err)
{
	if (!name.ptr || !version.ptr || !deb822_get(paragraph, HF_STR("Binary")).ptr ||
	    !deb822_get(paragraph, HF_STR("Directory")).ptr) {
		error_set(err, HF_E_INPUT, "the record at line %zu has no Package, Version, Binary or Directory",
		          paragraph->first_line);
		error_hint(err, "is it a Sources index, and complete?");
		return HF_E_INPUT;
	}
	if (!codebase_name_valid(name) || name.len > HF_NAME_BYTES_MAX) {
		error_set(err, HF_E_INPUT, "line %zu: \"%.*s\" is no name for a codebase", paragraph->first_line,
		          (int)(name.len > 80 ? 80 : name.len), name.ptr);
		error_hint(err, CODEBASE_NAME_RULE);
		return HF_E_INPUT;
	}
	if (!debversion_valid(version))
		return error_set(err, HF_E_INPUT, "line %zu: \"%.*s\" is no Debian version", paragraph->first_line,
		                 (int)(version.len > 80 ? 80 : version.len), version.ptr);
	return HF_OK;
}

static enum hf_status add_record(struct archive *archive, const struct deb822 *paragraph, hf_error *err)
{
	struct hf_str name = deb822_get(paragraph, HF_STR("Package"));
	struct hf_str version = deb822_get(paragraph, HF_STR("Version"));
	enum hf_status status = check_fields(paragraph, name, version, err);
	if (status == HF_OK)
		status = grow(archive, err);
	if (status != HF_OK)
		return status;
	archive->counts.records++;
	if (str_eq(deb822_get(paragraph, HF_STR("Extra-Source-Only")), HF_STR("yes"))) {
		archive->counts.extra_source_only++;
		return HF_OK;
	}
	uint32_t number = intern_add(archive->names, name);
	if (number == INTERN_NONE)
		return error_set(err, HF_E_LIMIT, "line %zu: more than %d source packages", paragraph->first_line,
		                 CODEBASES_MAX);
	if (number < archive->counts.codebases) {
		archive->counts.superseded++;
		if (debversion_cmp(version, archive->codebases[number].version) <= 0)
			return HF_OK;
	} else {
		archive->counts.codebases++;
	}
	return fill(archive, paragraph, number, version, err);
}

static enum hf_status read_records(struct archive *archive, struct lines *lines, struct deb822 *paragraph,
                                   hf_error *err)
{
	struct hf_str line;
	bool complete;
	enum hf_status status;
	while ((status = lines_next(lines, &line, err)) == HF_OK) {
		status = deb822_line(paragraph, line, lines_number(lines), &complete, err);
		if (status == HF_OK && complete) {
			status = add_record(archive, paragraph, err);
			deb822_clear(paragraph);
			if (archive->progress && archive->counts.records % 500 == 0)
				archive->progress(archive->user, "reading", (int64_t)archive->counts.records, 0);
		}
		if (status != HF_OK)
			return status;
	}
	if (status != HF_STOP)
		return status;
	return deb822_empty(paragraph) ? HF_OK : add_record(archive, paragraph, err);
}

/* owners[relation] = 1 + index into links; links chain the codebases that build that binary package. */
struct link {
	uint32_t codebase;
	uint32_t next;
};

static void count_users(struct archive *archive, const uint32_t *owners, const struct link *links, uint32_t *seen)
{
	for (uint32_t user = 0; user < archive->counts.codebases; user++) {
		struct numbers depends = archive->records[user].depends;
		for (uint32_t i = 0; i < depends.count; i++) {
			for (uint32_t at = owners[depends.values[i]]; at != 0; at = links[at - 1].next) {
				uint32_t owner = links[at - 1].codebase;
				if (owner == user || seen[owner] == user + 1)
					continue;
				seen[owner] = user + 1;
				archive->codebases[owner].value++;
			}
		}
	}
}

static enum hf_status compute_values(struct archive *archive, hf_error *err)
{
	size_t nlinks = 0, relations = intern_count(archive->relations), codebases = archive->counts.codebases;
	for (size_t i = 0; i < codebases; i++)
		nlinks += archive->records[i].binaries.count;
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	uint32_t *owners = scratch ? hf_arena_calloc(scratch, relations + 1, sizeof(*owners)) : NULL;
	struct link *links = owners ? hf_arena_calloc(scratch, nlinks + 1, sizeof(*links)) : NULL;
	uint32_t *seen = links ? hf_arena_calloc(scratch, codebases + 1, sizeof(*seen)) : NULL;
	if (!seen)
		return error_nomem(err);
	uint32_t next = 0;
	for (uint32_t i = 0; i < codebases; i++) {
		struct numbers binaries = archive->records[i].binaries;
		for (uint32_t j = 0; j < binaries.count; j++) {
			links[next] = (struct link){i, owners[binaries.values[j]]};
			owners[binaries.values[j]] = ++next;
		}
	}
	count_users(archive, owners, links, seen);
	return HF_OK;
}

/* Every location once: later codebases of a location get an unknown sub-path. */
static enum hf_status share_locations(struct archive *archive, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *locations = intern_new(CODEBASES_MAX);
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	if (!locations || !scratch)
		return error_nomem(err);
	for (size_t i = 0; i < archive->counts.codebases; i++) {
		struct archive_codebase *codebase = &archive->codebases[i];
		archive->counts.by_vcs[codebase->vcs]++;
		if (!codebase->branch_url.ptr)
			continue;
		hf_arena_reset(scratch);
		uint32_t before = intern_count(locations);
		struct hf_str key = arena_printf(scratch, "%s\n%s", codebase->branch_url.ptr, codebase->subpath.ptr);
		if (!key.ptr || intern_add(locations, key) == INTERN_NONE)
			return error_nomem(err);
		if (intern_count(locations) == before) {
			codebase->subpath = (struct hf_str){NULL, 0};
			archive->counts.shared_locations++;
		}
	}
	return HF_OK;
}

static enum hf_status archive_new(struct archive **ret_archive, hf_error *err)
{
	CLEANUP(archive_freep) struct archive *archive = calloc(1, sizeof(*archive));
	if (!archive)
		return error_nomem(err);
	archive->texts = hf_arena_new(ARENA_MAX);
	archive->names = intern_new(CODEBASES_MAX);
	archive->relations = intern_new(RELATIONS_MAX);
	if (!archive->texts || !archive->names || !archive->relations)
		return error_nomem(err);
	*ret_archive = archive_take(&archive);
	return HF_OK;
}

enum hf_status archive_read(const char *path, size_t limit, archive_progress_fn *progress, void *user,
                            struct archive **ret_archive, hf_error *err)
{
	CLEANUP(archive_freep) struct archive *archive = NULL;
	CLEANUP(lines_freep) struct lines *lines = NULL;
	CLEANUP(deb822_deinit) struct deb822 paragraph;
	deb822_init(&paragraph);
	enum hf_status status = archive_new(&archive, err);
	if (status == HF_OK)
		status = lines_open(path, LINE_MAX_BYTES, &lines, err);
	if (status != HF_OK)
		return status;
	archive->progress = progress;
	archive->user = user;
	status = read_records(archive, lines, &paragraph, err);
	if (status == HF_OK && archive->counts.records == 0)
		status = error_set(err, HF_E_INPUT, "there is no package in it");
	if (status == HF_OK)
		status = compute_values(archive, err);
	if (status == HF_OK && limit > 0 && limit < archive->counts.codebases)
		archive->counts.codebases = limit;
	if (status == HF_OK)
		status = share_locations(archive, err);
	if (status == HF_E_INPUT)
		error_prefix(err, "%s", path);
	if (status == HF_OK)
		*ret_archive = archive_take(&archive);
	return status;
}

const struct archive_codebase *archive_codebases(const struct archive *archive, size_t *ret_count)
{
	*ret_count = archive->counts.codebases;
	return archive->codebases;
}

const struct archive_counts *archive_counts(const struct archive *archive)
{
	return &archive->counts;
}

void archive_free(struct archive *archive)
{
	if (!archive)
		return;
	hf_arena_free(archive->texts);
	intern_free(archive->names);
	intern_free(archive->relations);
	free(archive->codebases);
	free(archive->records);
	free(archive->scratch);
	free(archive);
}
