/*
 * replay_runs.c - the recorded calls that store a run (spec/janitor.md 9) by ours: decode what the worker says, store
 * it, schedule the codebase again.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static struct hf_str_array texts_of(const json_t *list, hf_arena *arena)
{
	uint32_t n = (uint32_t)json_array_size(list);
	struct hf_str *texts = hf_arena_calloc(arena, n + 1, sizeof(*texts));
	for (uint32_t i = 0; i < n; i++)
		texts[i] = (struct hf_str){json_string_value(json_array_get(list, i)),
		                           json_string_length(json_array_get(list, i))};
	return (struct hf_str_array){.count = n, .ndim = n > 0, .values = texts};
}

/* What a directory with changes files adds; false: nothing. */
static bool build_of(const json_t *args, const struct hf_run_result *result, hf_arena *arena,
                     struct hf_debian_build *ret_build)
{
	const json_t *build = json_object_get(args, "build");
	if (!build || !result->builder.ptr || !str_eq(result->builder, HF_STR("debian")))
		return false;
	*ret_build =
		(struct hf_debian_build){.version = text_of(build, "build_version"),
	                                 .distribution = text_of(build, "build_distribution"),
	                                 .source = text_of(build, "source"),
	                                 .binary_packages = texts_of(json_object_get(build, "binary_packages"), arena)};
	json_t *details = json_in(result->builder_details), *lintian = json_object_get(details, "lintian");
	if (lintian && !json_is_null(lintian)) {
		char *text = json_dumps(lintian, JSON_ENCODE_ANY);
		ret_build->lintian_result = hf_arena_str(arena, hf_str_of(text));
		free(text);
	}
	json_decref(details);
	return ret_build->version.len > 0;
}

/* What the runner does when a run is stored. */
static enum hf_status schedule_again(struct replay *replay, const struct hf_run_report *report, hf_error *err)
{
	struct hf_str codebase = report->result->codebase.ptr ? report->result->codebase : report->codebase;
	struct hf_schedule_after after = {.codebase = codebase,
	                                  .campaign = report->campaign,
	                                  .change_set = report->change_set,
	                                  .context = report->result->context,
	                                  .result_code = report->result->code,
	                                  .keep = keep_of(replay)};
	bool scheduled;
	return hf_schedule_after_run(replay->rig.where, &after, &scheduled, NULL, err);
}

static enum hf_status store(struct replay *replay, const json_t *args, const struct hf_run_result *result,
                            hf_arena *arena, hf_error *err)
{
	const json_t *active = json_object_get(args, "active");
	struct hf_debian_build build;
	int64_t queue_id;
	struct hf_run_report report = {.size = sizeof(report),
	                               .id = text_of(active, "id"),
	                               .codebase = text_of(active, "codebase"),
	                               .campaign = text_of(active, "campaign"),
	                               .command = text_of(active, "command"),
	                               .instigated_context = text_of(active, "context"),
	                               .change_set = text_of(active, "change_set"),
	                               .worker = text_of(active, "worker"),
	                               .resume_from = text_of(active, "resume_from"),
	                               .logfilenames = texts_of(json_object_get(active, "logfilenames"), arena),
	                               .result = result,
	                               .build = build_of(args, result, arena, &build) ? &build : NULL,
	                               .has_queue_id = integer_of(active, "queue_id", &queue_id)};
	report.queue_id = (int32_t)queue_id;
	enum hf_status status = hf_run_store(replay->rig.where, &report, keep_of(replay), NULL, err);
	return status == HF_OK ? schedule_again(replay, &report, err) : status;
}

static void finish(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result;
	char *text = json_dumps(json_object_get(args, "result"), JSON_COMPACT);
	enum hf_status status = hf_run_result_decode(hf_str_of(text), keep_of(replay), arena, &result, &ret->err);
	if (status == HF_E_INPUT && json_object_get(replay->call, "ok")) {
		ret->difference = WORKER_REPORTS;
		ret->ends_case = true;
	}
	if (status == HF_OK)
		status = store(replay, args, &result, arena, &ret->err);
	if (status == HF_OK)
		ret->ok = json_null();
	free(text);
}

const struct call run_calls[] = {{"finish", finish}, {NULL, NULL}};
