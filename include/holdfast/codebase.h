/*
 * codebase.h - source trees: where code lives, and how much others depend on it (spec/janitor.md 4.3, table codebase).
 *
 * Needs the migration set `janitor`. Functions run on any hf_where (connection.h); texts that go in are borrowed for
 * the call.
 *
 * A name is a-z or 0-9, then one or more of a-z, 0-9, "+", ",", "-" and "."; a new one has at most HF_NAME_BYTES_MAX
 * bytes. A longer one from before the bound is changed and removed as any other, at a round trip more.
 */
#ifndef HOLDFAST_CODEBASE_H
#define HOLDFAST_CODEBASE_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of new codebases and campaigns. */
#define HF_NAME_BYTES_MAX 1000

/* Text members are {NULL, 0} where the database says NULL. */
struct hf_codebase {
	struct hf_str name;
	struct hf_str branch_url;
	struct hf_str url;
	struct hf_str branch;
	struct hf_str subpath; /* "" is the root, NULL unknown */
	struct hf_str vcs_type; /* "git", ... */
	struct hf_str web_url;
	struct hf_str hostname; /* derived by the database from branch_url */
	struct hf_str vcs_last_revision;
	bool has_value;
	int32_t value;
	bool inactive;
};
typedef enum hf_status hf_codebase_fn(void *user, const struct hf_codebase *codebase, hf_error *err);

/** HF_NOT_FOUND without such a codebase. One round trip. */
enum hf_status hf_codebase_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_codebase *ret_codebase,
                               hf_error *err);

struct hf_codebase_filter {
	struct hf_str after;    /* names behind this one; {NULL, 0}: from the first */
	struct hf_str host;     /* hosted there; {NULL, 0}: anywhere */
	struct hf_str vcs_type; /* of that version control system; {NULL, 0}: any, none included */
	bool has_inactive;
	bool inactive;
	int64_t limit; /* 0 = all */
};
/** By name, in constant memory; those without a name are left out. HF_STOP from `fn` ends with HF_OK. One round
 *  trip. */
enum hf_status hf_codebase_list(hf_where where, const struct hf_codebase_filter *filter, hf_codebase_fn *fn, void *user,
                                hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_codebase_count(hf_where where, const struct hf_codebase_filter *filter, int64_t *ret_count,
                                 hf_error *err);

/* ---- writing ---- */

/* What became of rows that were written. */
struct hf_changes {
	int64_t inserted;
	int64_t updated;
	int64_t unchanged;
};

/* Parts of a codebase, for hf_codebase_set(). */
enum hf_codebase_part {
	HF_CODEBASE_PLACE = 1, /* branch_url, url and branch: from branch_url alone, or from url and branch; or none */
	HF_CODEBASE_SUBPATH = 2,
	HF_CODEBASE_VCS_TYPE = 4,
	HF_CODEBASE_VCS_LAST_REVISION = 8,
	HF_CODEBASE_WEB_URL = 16,
	HF_CODEBASE_VALUE = 32,
	HF_CODEBASE_INACTIVE = 64
};
/**
 * Create the codebase of that name, or change these parts of it (`parts`: enum hf_codebase_part; 0 only creates).
 * @param ret_created NULL allowed. HF_E_INPUT names the member that cannot be, HF_CONFLICT another codebase is at the
 * place. One round trip.
 */
enum hf_status hf_codebase_set(hf_where where, const struct hf_codebase *codebase, unsigned parts, bool *ret_created,
                               hf_error *err);
/**
 * Create codebases or replace all of them but `inactive`, all or none. Two may swap their places. One without a name is
 * always new, and needs a branch_url. HF_E_INPUT names the entry (the first is 1) and the member, HF_CONFLICT another
 * codebase is at a place. One transaction, two round trips per 5,000 codebases.
 */
enum hf_status hf_codebase_put(hf_where where, const struct hf_codebase *codebases, size_t count,
                               struct hf_changes *ret_changes, hf_error *err);
/**
 * What POST /codebases of the original takes: a list of objects with name, branch_url, url, branch, subpath, vcs_type,
 * vcs_last_revision, value and web_url. What is absent becomes NULL. Of several entries with a name the last counts.
 * The place comes from branch_url (its parameter `branch` is the branch), else from url and branch. At most 16 MiB.
 * @param keep defects to keep (NULL: none): D-33, only the last entry is stored and an empty list is refused; D-52, a
 *        slash in a branch is not encoded.
 */
enum hf_status hf_codebase_upload(hf_where where, struct hf_str json, const struct hf_defects *keep,
                                  struct hf_changes *ret_changes, hf_error *err);
/**
 * Remove a codebase that was never tried, with its candidates and its entries in the queue. HF_NOT_FOUND without it;
 * HF_REJECTED it has runs. One round trip.
 */
enum hf_status hf_codebase_delete(hf_where where, struct hf_str name, hf_error *err);

enum hf_cotenants {
	HF_COTENANTS_UNKNOWN = 0, /* nobody is known to be there, or somebody else alone */
	HF_COTENANTS_NO,
	HF_COTENANTS_YES
};
/**
 * Do other codebases, inactive ones included, live at `url` too? Its segment parameters (",branch=...") and slashes at
 * its end do not count; those of stored URLs do. Another branch or sub-path of a repository makes a cotenant.
 * @param keep defects to keep (NULL: none): D-52, a URL whose branch has slashes that nobody encoded is taken as it is.
 * @return HF_OK; HF_E_INPUT a segment parameter without "=". One round trip, which reads all codebases.
 */
enum hf_status hf_codebase_cotenants(hf_where where, struct hf_str codebase, struct hf_str url,
                                     const struct hf_defects *keep, enum hf_cotenants *ret_cotenants, hf_error *err);

/* ---- import of a Debian archive ---- */

struct hf_import_options {
	size_t size;
	const char *path; /* a Sources index: plain, gzip or xz, told by its first bytes; "-" = standard input */
	size_t limit;     /* 0 = all */
	bool dry_run;     /* do all of it, report, and roll it back */
	/* Told now and then, from the calling thread; total 0 = not known yet. NULL = nobody listens. */
	void (*progress)(void *user, const char *step, int64_t done, int64_t total);
	void *user;
};

struct hf_import_report {
	size_t records;
	size_t codebases;
	size_t extra_source_only; /* passed over */
	size_t superseded;        /* older records of a name */
	size_t shared_locations;  /* stored with an unknown sub-path */
	size_t git, svn, bzr, cvs, arch, hg, mtn, darcs, no_vcs;
	int64_t inserted;
	int64_t updated;
	int64_t unchanged;
	int64_t read_us;          /* time for reading and counting */
	int64_t write_us;
	char greatest_name[128];  /* the most wanted codebase, and how many build with it */
	int32_t greatest_value;
};

/**
 * Make every source package of an index a codebase, in one transaction: all of it or nothing. Existing codebases of
 * the same name are updated, others stay. The value of a codebase is how many other source packages name one of its
 * binary packages in their build dependencies. About 20 round trips for 34,000 packages; memory under 64 MiB.
 * @return HF_OK; HF_NOT_FOUND no such file; HF_E_INPUT, HF_E_CORRUPT, HF_E_LIMIT the file is no whole, sane index (the
 *         message has file, line and reason); failures of the database.
 */
enum hf_status hf_codebase_import_debian(hf_where where, const struct hf_import_options *options,
                                         struct hf_import_report *ret_report, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
