/*
 * archive.h - what a Debian `Sources` index says, as codebases: the newest record of each source package, where its
 * code lives, and how many other packages need it to build.
 *
 * Rules: records marked Extra-Source-Only are passed over; of several records of a name the greatest version counts;
 * the value of a package is the number of other kept packages that name one of its binaries in Build-Depends,
 * Build-Depends-Arch or Build-Depends-Indep, alternatives included. A location (branch URL and sub-path) may belong
 * to one codebase only (unique key of the schema): the first keeps its sub-path, later ones have it stored as unknown.
 *
 * Memory is bounded by the numbers of archive.c and an arena of 48 MiB. One pass over the file, one over the records.
 */
#ifndef JANITOR_ARCHIVE_H
#define JANITOR_ARCHIVE_H

#include "base/macros.h"
#include "holdfast/arena.h"
#include "holdfast/error.h"

enum archive_vcs {
	ARCHIVE_GIT,
	ARCHIVE_SVN,
	ARCHIVE_BZR,
	ARCHIVE_CVS,
	ARCHIVE_ARCH,
	ARCHIVE_HG,
	ARCHIVE_MTN,
	ARCHIVE_DARCS,
	ARCHIVE_NO_VCS,
	ARCHIVE_VCS_COUNT
};
/** "git", ... as the schema's enum vcs_type spells it; "none". */
const char *archive_vcs_word(enum archive_vcs vcs);

struct archive_codebase {
	struct hf_str name;
	struct hf_str version;
	enum archive_vcs vcs;
	struct hf_str branch_url; /* the rest is {NULL, 0} where the index says nothing */
	struct hf_str url;
	struct hf_str branch;
	struct hf_str subpath; /* "" is the root; NULL unknown */
	struct hf_str web_url;
	int32_t value;
};

struct archive_counts {
	size_t records;
	size_t codebases;
	size_t extra_source_only;
	size_t superseded;
	size_t shared_locations;
	size_t unreadable_vcs; /* Vcs-* values that name no URL: kept without a location */
	size_t by_vcs[ARCHIVE_VCS_COUNT];
};

struct archive;

typedef void archive_progress_fn(void *user, const char *step, int64_t done, int64_t total);

/**
 * Read an index, plain, gzip or xz. @param limit keep at most so many codebases, 0 = all (values are counted before).
 * @param progress told every 500 records, or NULL.
 * @return HF_OK; HF_NOT_FOUND no such file; HF_E_INPUT with file, line and reason; HF_E_CORRUPT truncated or damaged;
 *         HF_E_LIMIT a line of more than 1 MiB, more records than the bound.
 */
enum hf_status archive_read(const char *path, size_t limit, archive_progress_fn *progress, void *user,
                            struct archive **ret_archive, hf_error *err);
const struct archive_codebase *archive_codebases(const struct archive *archive, size_t *ret_count);
const struct archive_counts *archive_counts(const struct archive *archive);
void archive_free(struct archive *archive);
DEFINE_OWNED(archive, struct archive *, archive_free)

#endif
