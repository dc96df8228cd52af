/*
 * replay_schedule.c - the recorded calls of scheduling one item (spec/janitor.md 7.2 to 7.8) by ours.
 */
#include "recorded.h"

#include <stdlib.h>

#include "janitor/dependency.h"

/* Where the original asked for an operator that SQL lacks. */
static void note_operators(const struct replay *replay, enum hf_status status, struct answer *ret)
{
	const json_t *error = json_object_get(replay->call, "error");
	if (status != HF_OK || !str_eq(text_of(error, "class"), HF_STR("UndefinedFunctionError")))
		return;
	ret->difference = STRICT_OPERATORS;
	ret->ends_case = true;
}

static void scheduled(const struct replay *replay, enum hf_status status, const struct hf_schedule_result *result,
                      struct answer *ret)
{
	if (status == HF_OK)
		ret->ok = json_pack("{s:f,s:I,s:i,s:s}", "offset", result->offset, "estimated_duration_us",
		                    (json_int_t)result->estimated_duration_us, "queue_id", result->queue_id, "bucket",
		                    hf_bucket_word(result->bucket));
	note_operators(replay, status, ret);
}

/* The bucket, where one is asked for: NULL means the default of the function. False: no such bucket. */
static bool take_bucket(const json_t *args, enum hf_bucket *ret_bucket, bool *ret_set, struct answer *ret)
{
	*ret_set = bucket_of(args, ret_bucket, &ret->err);
	return *ret_set || !text_of(args, "bucket").ptr;
}

static void schedule_regular(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_schedule_request request = {.item = {.codebase = text_of(args, "codebase"),
	                                               .campaign = text_of(args, "campaign"),
	                                               .command = text_of(args, "command"),
	                                               .context = text_of(args, "context"),
	                                               .change_set = text_of(args, "change_set")},
	                                      .requester = text_of(args, "requester"),
	                                      .refresh = bool_of(args, "refresh"),
	                                      .dry_run = bool_of(args, "dry_run"),
	                                      .keep = keep_of(replay)};
	struct hf_schedule_result result = {0};
	request.item.has_value = number_of(args, "candidate_value", &request.item.value);
	request.item.has_success_chance = number_of(args, "success_chance", &request.item.success_chance);
	request.has_normalized_value = number_of(args, "normalized_codebase_value", &request.normalized_value);
	number_of(args, "default_offset", &request.default_offset);
	if (take_bucket(args, &request.bucket, &request.bucket_set, ret))
		scheduled(replay, hf_schedule_candidate(replay->rig.where, &request, &result, NULL, &ret->err), &result,
		          ret);
}

static bool direct_of(struct replay *replay, const json_t *args, struct hf_schedule_direct *request, struct answer *ret)
{
	*request = (struct hf_schedule_direct){.codebase = text_of(args, "codebase"),
	                                       .campaign = text_of(args, "campaign"),
	                                       .command = text_of(args, "command"),
	                                       .change_set = text_of(args, "change_set"),
	                                       .requester = text_of(args, "requester"),
	                                       .refresh = bool_of(args, "refresh"),
	                                       .keep = keep_of(replay)};
	request->has_offset = number_of(args, "offset", &request->offset);
	request->has_estimated_duration = integer_of(args, "estimated_duration_us", &request->estimated_duration_us);
	return take_bucket(args, &request->bucket, &request->bucket_set, ret);
}

static void schedule_one(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_schedule_direct request;
	struct hf_schedule_result result = {0};
	if (direct_of(replay, args, &request, ret))
		scheduled(replay, hf_schedule_one(replay->rig.where, &request, &result, &ret->err), &result, ret);
}

static void schedule_control(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_schedule_direct request;
	struct hf_schedule_result result = {0};
	if (direct_of(replay, args, &request, ret))
		scheduled(replay,
		          hf_schedule_control(replay->rig.where, &request, text_of(args, "main_branch_revision"),
		                              &result, &ret->err),
		          &result, ret);
}

static void estimate_duration(struct replay *replay, const json_t *args, struct answer *ret)
{
	int64_t us;
	if (hf_schedule_estimate(replay->rig.where, text_of(args, "codebase"), text_of(args, "campaign"), &us,
	                         &ret->err) == HF_OK)
		ret->ok = json_integer(us);
}

/* Our estimate is a part of scheduling: an item without gaps, of which nothing is kept but the explanation. */
static void estimate_probability(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_schedule_request request = {.item = {.codebase = text_of(args, "codebase"),
	                                               .campaign = text_of(args, "campaign"),
	                                               .context = text_of(args, "context"),
	                                               .command = HF_STR("any"),
	                                               .has_value = true,
	                                               .value = 1.0,
	                                               .has_success_chance = true},
	                                      .has_normalized_value = true,
	                                      .normalized_value = 1.0,
	                                      .dry_run = true,
	                                      .keep = keep_of(replay)};
	struct hf_schedule_result result;
	struct hf_schedule_explanation why;
	enum hf_status status = hf_schedule_candidate(replay->rig.where, &request, &result, &why, &ret->err);
	if (status == HF_OK)
		ret->ok = json_pack("{s:f,s:I,s:I}", "probability", why.probability, "duration_us",
		                    (json_int_t)why.estimated_duration_us, "total", (json_int_t)why.total_runs);
	note_operators(replay, status, ret);
}

static void note_satisfied(void *user, UNUSED const struct dependency_wait *wait, bool satisfied)
{
	struct answer *ret = user;
	ret->ok = json_boolean(satisfied);
}

/* Relations come with a run: as the details of one. */
static void deps_satisfied(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct dependency_waits waits = {.arena = arena};
	json_t *details = json_pack("{s:O}", "relations", json_object_get(args, "dependencies"));
	char *text = json_dumps(details, JSON_COMPACT);
	const struct dependency_wait wait = {.details = hf_str_of(text)};
	bool is_waiting = false;
	if (json_array_size(json_object_get(args, "dependencies")) == 0)
		ret->ok = json_true(); /* falsy: nobody asks */
	else if (dependency_add(&waits, &wait, &is_waiting, &ret->err) == HF_OK && is_waiting)
		dependency_settle(replay->rig.where, &waits, keep_of(replay), note_satisfied, ret, &ret->err);
	free(text);
	json_decref(details);
}

const struct call schedule_calls[] = {{"schedule_regular", schedule_regular},
                                      {"schedule_one", schedule_one},
                                      {"schedule_control", schedule_control},
                                      {"estimate_duration", estimate_duration},
                                      {"estimate_probability", estimate_probability},
                                      {"deps_satisfied", deps_satisfied},
                                      {NULL, NULL}};
