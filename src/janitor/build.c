/*
 * build.c - see holdfast/debian_build.h. Versions are compared by the server, in Debian's order.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/debian_build.h"
#include "janitor/values.h"
#include "queries/janitor/build.h"

/* ---- adding ---- */

static enum hf_status fill(const struct hf_debian_built *built, size_t number, struct build_put_in *in, hf_error *err)
{
	const struct hf_debian_build *build = &built->build;
	const struct {
		const char *what;
		struct hf_str text;
	} needed[] = {{"run", built->run_id},
	              {"version", build->version},
	              {"distribution", build->distribution},
	              {"source", build->source}};
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (needed[i].text.len == 0)
			return error_set(err, HF_E_INPUT, "build %zu has no %s", number, needed[i].what);
	*in = (struct build_put_in){.run_id = built->run_id,
	                            .version = build->version,
	                            .distribution = build->distribution,
	                            .source = build->source,
	                            .binary_packages = build->binary_packages,
	                            .has_binary_packages = true};
	SET_TEXT(in, lintian_result, build->lintian_result);
	return HF_OK;
}

enum hf_status hf_debian_build_put(hf_where where, const struct hf_debian_built *builds, size_t count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct build_put_in *in = arena ? hf_arena_calloc(arena, count + 1, sizeof(*in)) : NULL;
	struct hf_batch_item *items = in ? hf_arena_calloc(arena, count + 1, sizeof(*items)) : NULL;
	if (!items)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = fill(&builds[i], i + 1, &in[i], err);
		if (status != HF_OK)
			return status;
	}
	return build_put(where, in, count, items, err);
}

enum hf_status hf_debian_build_delete(hf_where where, struct hf_str run_id, int64_t *ret_removed, hf_error *err)
{
	int64_t removed;
	enum hf_status status = build_delete(where, &(struct build_delete_in){.run_id = run_id}, &removed, err);
	if (status == HF_OK && removed == 0)
		return error_set(err, HF_NOT_FOUND, "nothing is known that run %.*s built", SHOWN(run_id));
	if (status == HF_OK && ret_removed)
		*ret_removed = removed;
	return status;
}

/* ---- looking ---- */

struct sink {
	hf_debian_build_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct build_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_debian_built built = {.run_id = row->run_id,
	                                .codebase = row->codebase,
	                                .campaign = row->campaign,
	                                .build = {.version = row->version,
	                                          .distribution = row->distribution,
	                                          .source = row->source,
	                                          .lintian_result = GET_TEXT(row, lintian_result)}};
	if (row->has_binary_packages)
		built.build.binary_packages = row->binary_packages;
	return sink->fn(sink->user, &built, err);
}

enum hf_status hf_debian_build_list(hf_where where, const struct hf_debian_build_filter *filter, hf_debian_build_fn *fn,
                                    void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	const struct hf_debian_built *after = filter->after;
	struct build_list_in in = {WITH_TEXT(run_id, filter->run_id),
	                           WITH_TEXT(codebase, filter->codebase),
	                           WITH_TEXT(distribution, filter->distribution),
	                           WITH_TEXT(source, filter->source),
	                           .with_after = after != NULL,
	                           WITH_LIMIT(filter->limit)};
	if (after) {
		in.after_distribution = after->build.distribution;
		in.after_source = after->build.source;
		in.after_version = after->build.version;
		in.after_run = after->run_id;
	}
	return build_list(where, &in, list_row, &sink, err);
}

enum hf_status hf_debian_last_version(hf_where where, struct hf_str codebase, struct hf_str distribution,
                                      hf_arena *arena, struct hf_str *ret_version, hf_error *err)
{
	struct build_last_version_in in = {.codebase = codebase, .distribution = distribution};
	struct build_last_version_row row;
	enum hf_status status = build_last_version(where, &in, arena, &row, err);
	if (status == HF_OK && !row.has_version)
		return error_set(err, HF_NOT_FOUND, "nothing of %.*s was built for %.*s", SHOWN(codebase),
		                 SHOWN(distribution));
	if (status == HF_OK)
		*ret_version = row.version;
	return status;
}
