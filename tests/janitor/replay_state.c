/*
 * replay_state.c - the recorded calls that read runs, and those that tell what follows from the state
 * (spec/janitor.md 5), by ours; workers' passwords too.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"

/* ---- runs ---- */

static json_t *texts_json(struct hf_str_array texts)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < texts.count; i++)
		json_array_append_new(list, json_of(texts.values[i]));
	return list;
}

static json_t *branches_json(const struct hf_run *run)
{
	json_t *list = json_array();
	for (size_t i = 0; i < run->nbranches; i++) {
		const struct hf_run_branch *branch = &run->branches[i];
		json_array_append_new(list, json_pack("[o,o,o,o]", json_of(branch->role), json_of(branch->remote_name),
		                                      json_of(branch->base_revision), json_of(branch->revision)));
	}
	return list;
}

static json_t *tags_json(const struct hf_run *run)
{
	if (!run->has_tags)
		return json_null();
	json_t *list = json_array();
	for (size_t i = 0; i < run->ntags; i++)
		json_array_append_new(list,
		                      json_pack("[o,o]", json_of(run->tags[i].name), json_of(run->tags[i].revision)));
	return list;
}

static json_t *run_json(const struct hf_run *run)
{
	json_t *out = json_object();
	const struct {
		const char *name;
		json_t *value;
	} members[] = {
		{"id", json_of(run->id)},
		{"codebase", json_of(run->codebase)},
		{"campaign", json_of(run->campaign)},
		{"command", json_of(run->command)},
		{"description", json_of(run->description)},
		{"result_code", json_of(run->result_code)},
		{"value", run->has_value ? json_integer(run->value) : json_null()},
		{"context", json_of(run->context)},
		{"instigated_context", json_of(run->instigated_context)},
		{"result", json_in(run->result)},
		{"vcs_type", json_of(run->vcs_type)},
		{"branch_url", json_of(run->branch_url)},
		{"logfilenames", texts_json(run->logfilenames)},
		{"target_branch_url", json_of(run->target_branch_url)},
		{"change_set", json_of(run->change_set)},
		{"failure_transient", run->has_failure_transient ? json_boolean(run->failure_transient) : json_null()},
		{"failure_stage", json_of(run->failure_stage)},
		{"worker", json_of(run->worker)},
		{"start_time", json_time(run->has_start_time, run->start_time)},
		{"finish_time", json_time(run->has_finish_time, run->finish_time)},
		{"main_branch_revision", json_of(run->main_branch_revision)},
		{"revision", json_of(run->revision)},
		{"branches", branches_json(run)},
		{"tags", tags_json(run)},
	};
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		json_object_set_new(out, members[i].name, members[i].value);
	return out;
}

/* A tag whose revision is NULL: the original cannot make a run of such a row, whatever is asked of it. */
static bool tag_lacks_revision(const struct hf_run *run)
{
	for (size_t i = 0; i < run->ntags; i++)
		if (!run->tags[i].revision.ptr)
			return true;
	return false;
}

/* The run of the arguments; false: the answer is made. */
static bool fetch(struct replay *replay, struct hf_str id, hf_arena *arena, struct hf_run *ret_run, struct answer *ret)
{
	if (hf_run_get(replay->rig.where, id, arena, ret_run, &ret->err) != HF_OK)
		return false;
	if (tag_lacks_revision(ret_run))
		ret->difference = TAG_WITHOUT_REVISION;
	return ret->difference == SAME;
}

static void run(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run found;
	if (fetch(replay, text_of(args, "id"), arena, &found, ret))
		ret->ok = run_json(&found);
	else if (ret->err.status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static void last_run(struct replay *replay, const json_t *args, struct answer *ret)
{
	static const char *const words[] = {"newest", "effective", "unabsorbed"};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run found;
	int which = 0;
	while (!str_eq(text_of(args, "which"), hf_str_of(words[which])))
		which++;
	enum hf_status status = hf_run_last(replay->rig.where, text_of(args, "codebase"), text_of(args, "campaign"),
	                                    (enum hf_run_which)which, arena, &found, &ret->err);
	if (status == HF_OK && tag_lacks_revision(&found))
		ret->difference = TAG_WITHOUT_REVISION;
	else if (status == HF_OK)
		ret->ok = run_json(&found);
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static void duration(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run found;
	int64_t us;
	if (fetch(replay, text_of(args, "id"), arena, &found, ret) && hf_run_duration(&found, &us, &ret->err) == HF_OK)
		ret->ok = json_integer(us);
}

static void result_branch(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run found;
	const struct hf_run_branch *branch;
	if (fetch(replay, text_of(args, "id"), arena, &found, ret) &&
	    hf_run_branch_of(&found, text_of(args, "role"), &branch, &ret->err) == HF_OK)
		ret->ok = json_pack("[o,o,o]", json_of(branch->remote_name), json_of(branch->base_revision),
		                    json_of(branch->revision));
}

static int by_order(const void *a, const void *b)
{
	return hf_run_compare(a, b);
}

static void order(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const json_t *ids = json_object_get(args, "ids");
	size_t n = json_array_size(ids);
	struct hf_run *runs = hf_arena_calloc(arena, n, sizeof(*runs));
	json_t *sorted = json_array(), *equal = json_array();
	for (size_t i = 0; i < n; i++) {
		struct hf_str id = {json_string_value(json_array_get(ids, i)),
		                    json_string_length(json_array_get(ids, i))};
		if (fetch(replay, id, arena, &runs[i], ret) || ret->difference != SAME)
			continue;
		fail_msg("no run %s", id.ptr);
	}
	qsort(runs, n, sizeof(*runs), by_order);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(sorted, json_of(runs[i].id));
		if (i > 0)
			json_array_append_new(equal, json_boolean(hf_run_compare(&runs[i - 1], &runs[i]) == 0));
	}
	ret->ok = json_pack("{s:o,s:o}", "sorted", sorted, "equal", equal);
}

/* ---- what follows ---- */

static void publishable(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str_array names;
	if (hf_publishable_campaigns(replay->rig.where, text_of(args, "codebase"), arena, &names, &ret->err) == HF_OK)
		ret->ok = texts_json(names);
}

static void cotenants(struct replay *replay, const json_t *args, struct answer *ret)
{
	enum hf_cotenants found;
	if (hf_codebase_cotenants(replay->rig.where, text_of(args, "codebase"), text_of(args, "url"), keep_of(replay),
	                          &found, &ret->err) == HF_OK)
		ret->ok = found == HF_COTENANTS_UNKNOWN ? json_null() : json_boolean(found == HF_COTENANTS_YES);
}

static void resume(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run found;
	enum hf_status status = hf_run_resumable(replay->rig.where, text_of(args, "campaign"),
	                                         text_of(args, "revision"), arena, &found, &ret->err);
	if (status == HF_OK)
		ret->ok = json_pack("{s:o,s:o,s:o}", "run_id", json_of(found.id), "result", json_in(found.result),
		                    "branches", branches_json(&found));
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static void last_build_version(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str version = {NULL, 0};
	enum hf_status status = hf_debian_last_version(replay->rig.where, text_of(args, "codebase"),
	                                               text_of(args, "distribution"), arena, &version, &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND)
		ret->ok = json_of(version);
}

static void worker(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_str password = text_of(args, "password");
	enum hf_status status = hf_worker_authenticate(replay->rig.where, text_of(args, "name"), password, &ret->err);
	if (status == HF_OK || status == HF_E_DENIED)
		ret->ok = json_boolean(status == HF_OK);
	if (status == HF_E_DENIED && json_object_get(replay->call, "error"))
		ret->difference = PASSWORD_NO_HASH;
	if (status == HF_E_DENIED && password.len > HF_WORKER_PASSWORD_MAX &&
	    json_is_true(json_object_get(replay->call, "ok")))
		ret->difference = PASSWORD_TOO_LONG;
}

static void sql(struct replay *replay, const json_t *args, struct answer *ret)
{
	rig_run(&replay->rig, text_of(args, "text").ptr);
	ret->ok = json_null();
}

const struct call state_calls[] = {{"run", run},
                                   {"last_run", last_run},
                                   {"duration", duration},
                                   {"result_branch", result_branch},
                                   {"order", order},
                                   {"publishable", publishable},
                                   {"cotenants", cotenants},
                                   {"resume", resume},
                                   {"last_build_version", last_build_version},
                                   {"worker", worker},
                                   {"sql", sql},
                                   {NULL, NULL}};
