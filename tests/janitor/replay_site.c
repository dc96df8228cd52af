/*
 * replay_site.c - the recorded answers of the original's pages by ours: tallies, lists, what arrived, what was never
 * tried; and runs that go.
 */
#include "recorded.h"

#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "core/isotime.h"

/* "_all" is what the pages say for none. */
static struct hf_str campaign_of(const json_t *args)
{
	struct hf_str campaign = text_of(args, "campaign");
	return str_eq(campaign, HF_STR("_all")) ? (struct hf_str){NULL, 0} : campaign;
}

/* The list, sorted, when all went well. */
static void give_sorted(enum hf_status status, json_t *list, struct answer *ret)
{
	if (status == HF_OK)
		ret->ok = json_sorted(list);
	json_decref(list);
}

/* ---- what arrived ---- */

static enum hf_status note_absorbed(void *user, const struct hf_absorbed *absorbed, UNUSED hf_error *err)
{
	json_array_append_new(user,
	                      json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "mode",
	                                json_of(absorbed->mode), "id", json_of(absorbed->run_id), "codebase",
	                                json_of(absorbed->codebase), "change_set", json_of(absorbed->change_set),
	                                "revision", json_of(absorbed->revision), "merged_by",
	                                json_of(absorbed->merged_by), "merge_proposal_url",
	                                json_of(absorbed->merge_proposal_url), "campaign", json_of(absorbed->campaign),
	                                "result", json_in(absorbed->result), "delay_us",
	                                absorbed->has_delay ? json_integer(absorbed->delay_us) : json_null(),
	                                "absorbed_at", json_time(absorbed->has_absorbed_at, absorbed->absorbed_at)));
	return HF_OK;
}

static void absorbed(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_str since = text_of(args, "since");
	struct hf_absorbed_filter filter = {.has_since = since.ptr != NULL};
	json_t *list = json_array();
	if (since.ptr)
		assert_int_equal(isotime_parse(since, &filter.since), ISOTIME_FINE);
	if (hf_absorbed_list(replay->rig.where, &filter, keep_of(replay), note_absorbed, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

/* ---- candidates ---- */

static enum hf_status note_pair(void *user, const struct hf_candidate *candidate, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[o,o]", json_of(candidate->codebase), json_of(candidate->campaign)));
	return HF_OK;
}

static void never_processed(struct replay *replay, const json_t *args, struct answer *ret)
{
	json_t *list = json_array();
	give_sorted(hf_candidate_never_processed(replay->rig.where, 0, campaign_of(args), 0, note_pair, list,
	                                         &ret->err),
	            list, ret);
}

static enum hf_status note_candidate(void *user, const struct hf_candidate *candidate, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[o,o,o,o,o]", json_of(candidate->codebase), json_of(candidate->campaign),
	                                      json_of(candidate->context),
	                                      candidate->has_value ? json_integer(candidate->value) : json_null(),
	                                      candidate->has_success_chance ? json_real(candidate->success_chance)
	                                                                    : json_null()));
	return HF_OK;
}

static void candidate_list(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_candidate_filter filter = {.campaign = text_of(args, "campaign")};
	json_t *list = json_array();
	give_sorted(hf_candidate_list(replay->rig.where, &filter, note_candidate, list, &ret->err), list, ret);
}

/* ---- tallies ---- */

static enum hf_status note_tally(void *user, const struct hf_run_tally *tally, UNUSED hf_error *err)
{
	if (tally->word.ptr) /* the original counts no run of an unknown stage */
		json_array_append_new(user, json_pack("[o,I]", json_of(tally->word), (json_int_t)tally->runs));
	return HF_OK;
}

static struct hf_run_last_tally_filter tally_filter(const json_t *args)
{
	return (struct hf_run_last_tally_filter){.which = bool_of(args, "include_transient") ? HF_RUN_NEWEST
	                                                                                     : HF_RUN_EFFECTIVE,
	                                         .campaign = campaign_of(args),
	                                         .wanted = !bool_of(args, "include_historical")};
}

static void result_codes(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_run_last_tally_filter filter = tally_filter(args);
	json_t *list = json_array();
	give_sorted(hf_run_last_result_codes(replay->rig.where, &filter, note_tally, list, &ret->err), list, ret);
}

static void failure_stages(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_run_last_tally_filter filter = tally_filter(args);
	json_t *list = json_array();
	give_sorted(hf_run_last_failure_stages(replay->rig.where, &filter, note_tally, list, &ret->err), list, ret);
}

/* ---- runs ---- */

static enum hf_status note_id(void *user, const struct hf_run *run, UNUSED hf_error *err)
{
	json_array_append_new(user, json_of(run->id));
	return HF_OK;
}

static void runs_with(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_run_last_filter filter = {.which = bool_of(args, "include_transient") ? HF_RUN_NEWEST
	                                                                                : HF_RUN_EFFECTIVE,
	                                    .campaign = campaign_of(args),
	                                    .result_code = text_of(args, "code")};
	json_t *list = json_array();
	give_sorted(hf_run_last_list(replay->rig.where, &filter, note_id, list, &ret->err), list, ret);
}

static enum hf_status note_rejected(void *user, const struct hf_run *run, hf_error *err)
{
	return str_eq(run->publish_status, HF_STR("rejected")) ? note_id(user, run, err) : HF_OK;
}

static void rejected(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_run_last_filter filter = {.which = HF_RUN_UNABSORBED, .campaign = campaign_of(args)};
	json_t *list = json_array();
	give_sorted(hf_run_last_list(replay->rig.where, &filter, note_rejected, list, &ret->err), list, ret);
}

static enum hf_status note_run(void *user, const struct hf_run *run, UNUSED hf_error *err)
{
	hf_error unknown = HF_ERROR_INIT;
	int64_t us;
	bool timed = hf_run_duration(run, &us, &unknown) == HF_OK;
	json_array_append_new(user, json_pack("[o,o,o,o,o,o,o]", json_of(run->id),
	                                      json_time(run->has_start_time, run->start_time),
	                                      json_time(run->has_finish_time, run->finish_time),
	                                      timed ? json_integer(us) : json_null(), json_of(run->description),
	                                      json_of(run->result_code),
	                                      run->has_failure_transient ? json_boolean(run->failure_transient)
	                                                                 : json_null()));
	return HF_OK;
}

static void run_list(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_run_filter filter = {.codebase = text_of(args, "codebase"), .campaign = text_of(args, "campaign")};
	json_t *list = json_array();
	if (hf_run_list(replay->rig.where, &filter, note_run, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

static json_t *todo_of(struct replay *replay, struct hf_str id, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_change_set_todo *todo;
	size_t count;
	json_t *list = json_array();
	EXPECT_OK(hf_change_set_todo(replay->rig.where, id, arena, &todo, &count, &err));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("[o,o]", json_of(todo[i].codebase), json_of(todo[i].campaign)));
	return list;
}

static void change_set(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_change_set found;
	struct hf_run_filter filter = {.change_set = text_of(args, "id")};
	enum hf_status status = hf_change_set_get(replay->rig.where, filter.change_set, arena, &found, &ret->err);
	if (status == HF_NOT_FOUND)
		ret->ok = json_null();
	if (status != HF_OK)
		return;
	hf_error err = HF_ERROR_INIT;
	json_t *runs = json_array(), *todo = todo_of(replay, found.id, arena);
	EXPECT_OK(hf_run_list(replay->rig.where, &filter, note_id, runs, &err));
	assert_int_equal(found.runs, json_array_size(runs));
	ret->ok =
		json_pack("{s:o,s:s,s:o,s:o}", "campaign", json_of(found.campaign), "state",
	                  hf_change_set_state_word(found.state), "runs", json_sorted(runs), "todo", json_sorted(todo));
	json_decref(runs);
	json_decref(todo);
}

static void run_delete(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_deleted gone;
	enum hf_status status =
		hf_run_delete(replay->rig.where, text_of(args, "id"), false, keep_of(replay), arena, &gone, &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND) /* a statement that deletes nothing is none that fails */
		ret->ok = json_null();
}

/* ---- followups ---- */

static enum hf_status note_followup(void *user, const struct hf_followup *followup, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[o,o]", json_of(followup->codebase), json_of(followup->campaign)));
	return HF_OK;
}

static void followups(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_followup_filter filter = {.origin = text_of(args, "id")};
	json_t *list = json_array();
	give_sorted(hf_followup_list(replay->rig.where, &filter, note_followup, list, &ret->err), list, ret);
}

const struct call site_calls[] = {{"absorbed", absorbed},
                                  {"never_processed", never_processed},
                                  {"candidate_list", candidate_list},
                                  {"result_codes", result_codes},
                                  {"failure_stages", failure_stages},
                                  {"runs_with", runs_with},
                                  {"rejected", rejected},
                                  {"run_list", run_list},
                                  {"change_set", change_set},
                                  {"run_delete", run_delete},
                                  {"followups", followups},
                                  {NULL, NULL}};
