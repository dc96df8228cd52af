/*
 * debian_build.h - Debian packages that runs built (spec/janitor.md 4.3, table debian_build, 9.6 and 15.4).
 *
 * Needs the migration set `janitor`. hf_run_store() stores the build of a run together with it; here builds are looked
 * at, and added to runs that stand already. Texts are {NULL, 0} where the database says NULL.
 */
#ifndef HOLDFAST_DEBIAN_BUILD_H
#define HOLDFAST_DEBIAN_BUILD_H

#include "holdfast/run.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_debian_built {
	struct hf_str run_id;
	struct hf_str codebase; /* of the run; not looked at when a build is stored */
	struct hf_str campaign;
	struct hf_debian_build build; /* no binary packages: ndim 0; unknown ones are shown as none */
};

/**
 * Add builds to their runs, all or none; nothing makes a build unique. One pipelined batch.
 * @return HF_OK; HF_E_INPUT a run, version, distribution or source that is empty: nothing was sent; HF_REJECTED a run
 *         that the database does not know: the message says which one of them.
 */
enum hf_status hf_debian_build_put(hf_where where, const struct hf_debian_built *builds, size_t count, hf_error *err);

/** Forget what a run built. @param ret_removed may be NULL. HF_NOT_FOUND where nothing is known. One round trip. */
enum hf_status hf_debian_build_delete(hf_where where, struct hf_str run_id, int64_t *ret_removed, hf_error *err);

/* {NULL, 0}: any. */
struct hf_debian_build_filter {
	struct hf_str run_id;
	struct hf_str codebase;
	struct hf_str distribution;
	struct hf_str source;
	const struct hf_debian_built *after; /* the last one of the page before, or NULL: run, version, distribution and
	                                      * source count */
	int64_t limit;                       /* 0 = all */
};
typedef enum hf_status hf_debian_build_fn(void *user, const struct hf_debian_built *built, hf_error *err);
/**
 * By distribution, source, version and run, in constant memory; a build is valid during the callback. HF_STOP from `fn`
 * ends with HF_OK. One round trip. Indexes lead to a run and to a distribution with its sources; a codebase is looked
 * for among its runs.
 */
enum hf_status hf_debian_build_list(hf_where where, const struct hf_debian_build_filter *filter, hf_debian_build_fn *fn,
                                    void *user, hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_debian_build_count(hf_where where, const struct hf_debian_build_filter *filter, int64_t *ret_count,
                                     hf_error *err);
/** The greatest version of a codebase for that distribution, in Debian's order: what the next build must be above.
 *  HF_NOT_FOUND without one. One round trip. */
enum hf_status hf_debian_last_version(hf_where where, struct hf_str codebase, struct hf_str distribution,
                                      hf_arena *arena, struct hf_str *ret_version, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
