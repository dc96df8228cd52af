/*
 * replay_publish.c - the recorded calls that publish (spec/janitor.md 4.6, 9.7) by ours: tries, what waits, proposals,
 * policies.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "core/isotime.h"

/* ---- tries ---- */

static void publish_store(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_publish publish = {.id = text_of(args, "publish_id"),
	                             .change_set = text_of(args, "change_set"),
	                             .codebase = text_of(args, "codebase"),
	                             .target_branch_url = text_of(args, "target_branch_url"),
	                             .target_branch_web_url = text_of(args, "target_branch_web_url"),
	                             .branch_name = text_of(args, "branch_name"),
	                             .main_branch_revision = text_of(args, "main_branch_revision"),
	                             .revision = text_of(args, "revision"),
	                             .role = text_of(args, "role"),
	                             .mode = text_of(args, "mode"),
	                             .merge_proposal_url = text_of(args, "merge_proposal_url"),
	                             .result_code = text_of(args, "result_code"),
	                             .description = text_of(args, "description"),
	                             .requester = text_of(args, "requester")};
	struct hf_defects kept = *keep_of(replay);
	if (bool_of(args, "column")) /* with it D-30 does not show */
		hf_defects_keep(&kept, 30, false);
	if (hf_publish_store(replay->rig.where, &publish, text_of(args, "run_id"), &kept, NULL, &ret->err) == HF_OK)
		ret->ok = json_null();
}

static void publish_attempts(struct replay *replay, const json_t *args, struct answer *ret)
{
	int64_t count;
	if (hf_publish_attempts(replay->rig.where, text_of(args, "revision"), &count, &ret->err) == HF_OK)
		ret->ok = json_integer(count);
}

static void publish_last(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_publish found;
	enum hf_status status = hf_publish_last(replay->rig.where, text_of(args, "codebase"), text_of(args, "campaign"),
	                                        arena, &found, &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND)
		ret->ok = json_time(status == HF_OK && found.has_timestamp, found.timestamp);
}

/* What the original's list shows, or all. */
static json_t *publish_json(const struct hf_publish *publish, bool all)
{
	json_t *out = json_object();
	const struct {
		const char *name;
		struct hf_str value;
		bool listed;
	} members[] = {
		{"id", publish->id, true},
		{"branch_name", publish->branch_name, true},
		{"mode", publish->mode, true},
		{"merge_proposal_url", publish->merge_proposal_url, true},
		{"result_code", publish->result_code, true},
		{"description", publish->description, true},
		{"codebase", publish->codebase, true},
		{"change_set", publish->change_set, false},
		{"source_branch_url", publish->source_branch_url, false},
		{"source_branch_web_url", publish->source_branch_web_url, false},
		{"target_branch_url", publish->target_branch_url, false},
		{"target_branch_web_url", publish->target_branch_web_url, false},
		{"subpath", publish->subpath, false},
		{"main_branch_revision", publish->main_branch_revision, false},
		{"revision", publish->revision, false},
		{"role", publish->role, false},
		{"requester", publish->requester, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (all || members[i].listed)
			json_object_set_new(out, members[i].name, json_of(members[i].value));
	json_object_set_new(out, "timestamp", json_time(publish->has_timestamp, publish->timestamp));
	return out;
}

static enum hf_status listed(void *user, const struct hf_publish *publish, UNUSED hf_error *err)
{
	json_array_append_new(user, publish_json(publish, false));
	return HF_OK;
}

static enum hf_status whole(void *user, const struct hf_publish *publish, UNUSED hf_error *err)
{
	json_array_append_new(user, publish_json(publish, true));
	return HF_OK;
}

static void publishes(struct replay *replay, const struct hf_publish_filter *filter, hf_publish_fn *fn,
                      struct answer *ret)
{
	json_t *list = json_array();
	if (hf_publish_list(replay->rig.where, filter, fn, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

static void publish_history(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_publish_filter filter = {0};
	(void)integer_of(args, "limit", &filter.limit);
	publishes(replay, &filter, listed, ret);
}

static void publishes_of(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_publish_filter filter = {.merge_proposal_url = text_of(args, "url")};
	publishes(replay, &filter, whole, ret);
}

static void publish_details(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_publish found;
	if (hf_publish_get(replay->rig.where, text_of(args, "id"), arena, &found, &ret->err) == HF_OK)
		ret->ok = publish_json(&found, false);
}

/* ---- what waits, what keeps it ---- */

static int by_role(const void *a, const void *b)
{
	const struct hf_ready_branch *one = a, *two = b;
	bool main_one = str_eq(one->role, HF_STR("main")), main_two = str_eq(two->role, HF_STR("main"));
	return main_one != main_two ? main_one - main_two : str_cmp(one->role, two->role);
}

/* A revision of "" is none. */
static json_t *revision_json(struct hf_str revision)
{
	return revision.len > 0 ? json_of(revision) : json_null();
}

static json_t *ready_branches(const struct hf_ready *ready)
{
	struct hf_ready_branch *sorted = calloc(ready->nbranches + 1, sizeof(*sorted));
	json_t *list = json_array();
	for (size_t i = 0; i < ready->nbranches; i++)
		sorted[i] = ready->branches[i];
	qsort(sorted, ready->nbranches, sizeof(*sorted), by_role);
	for (size_t i = 0; i < ready->nbranches; i++)
		json_array_append_new(list,
		                      json_pack("[o,o,o,o,o,o]", json_of(sorted[i].role),
		                                json_of(sorted[i].remote_name), revision_json(sorted[i].base_revision),
		                                revision_json(sorted[i].revision), json_of(sorted[i].mode),
		                                sorted[i].has_frequency_days ? json_integer(sorted[i].frequency_days)
		                                                             : json_null()));
	free(sorted);
	return list;
}

static json_t *ready_json(const struct hf_ready *ready)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "run_id", json_of(ready->run_id),
	                 "codebase", json_of(ready->codebase), "campaign", json_of(ready->campaign), "command",
	                 json_of(ready->command), "value", ready->has_value ? json_integer(ready->value) : json_null(),
	                 "finish_time", json_time(ready->has_finish_time, ready->finish_time), "revision",
	                 revision_json(ready->revision), "main_branch_revision",
	                 revision_json(ready->main_branch_revision), "branch_url", json_of(ready->branch_url),
	                 "target_branch_url", json_of(ready->target_branch_url), "change_set",
	                 json_of(ready->change_set), "rate_limit_bucket", json_of(ready->rate_limit_bucket),
	                 "policy_command", json_of(ready->policy_command), "branches", ready_branches(ready));
}

/* Of two rows of one run: by command, then by bucket. */
static bool stands_behind(const json_t *one, const json_t *two)
{
	struct hf_str run = text_of(one, "run_id"), other = text_of(two, "run_id");
	int order = str_cmp(text_of(one, "policy_command"), text_of(two, "policy_command"));
	if (order == 0)
		order = str_cmp(text_of(one, "rate_limit_bucket"), text_of(two, "rate_limit_bucket"));
	return str_eq(run, other) && order > 0;
}

/* In the order that was given; a run that comes several times by what its candidates ask for. */
static enum hf_status note_ready(void *user, const struct hf_ready *ready, UNUSED hf_error *err)
{
	json_t *list = user, *row = ready_json(ready);
	size_t at = json_array_size(list);
	while (at > 0 && stands_behind(json_array_get(list, at - 1), row))
		at--;
	json_array_insert_new(list, at, row);
	return HF_OK;
}

static enum hf_status note_id(void *user, const struct hf_ready *ready, UNUSED hf_error *err)
{
	json_array_append_new(user, json_of(ready->run_id));
	return HF_OK;
}

static void ready(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_ready_filter filter = {.run_id = text_of(args, "run_id")};
	json_t *list = json_array();
	if (hf_ready_list(replay->rig.where, &filter, keep_of(replay), note_ready, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

static void needs_review(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_ready_filter filter = {.all = true, .campaign = text_of(args, "campaign")};
	json_t *list = json_array();
	if (hf_ready_list(replay->rig.where, &filter, keep_of(replay), note_id, list, &ret->err) == HF_OK)
		ret->ok = json_sorted(list);
	json_decref(list);
}

/* The original joins runs with their candidate's policy: without one it knows of no run. */
static void blockers(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_blockers found;
	enum hf_status status = hf_publish_blockers(replay->rig.where, text_of(args, "id"), arena, &found, &ret->err);
	if (status == HF_NOT_FOUND || (status == HF_OK && found.blocks[HF_BLOCKER_POLICY]))
		ret->ok = json_null();
	else if (status == HF_OK)
		ret->ok =
			json_pack("{s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:I,s:o,s:o}", "success",
		                  !found.blocks[HF_BLOCKER_RESULT], "inactive", !found.blocks[HF_BLOCKER_INACTIVE],
		                  "command", !found.blocks[HF_BLOCKER_COMMAND], "publish_status",
		                  !found.blocks[HF_BLOCKER_PUBLISH_STATUS], "backoff",
		                  !found.blocks[HF_BLOCKER_BACKOFF], "change_set", !found.blocks[HF_BLOCKER_CHANGE_SET],
		                  "previous_mp", !found.blocks[HF_BLOCKER_PREVIOUS], "attempts",
		                  (json_int_t)found.attempts, "bucket", json_of(found.rate_limit_bucket), "next_try",
		                  json_time(found.has_next_try, found.next_try));
	if (status == HF_OK && json_is_null(ret->ok) && !json_is_null(json_object_get(replay->call, "ok")))
		ret->difference = OTHER_CANDIDATE;
}

/* ---- proposals ---- */

static enum hf_status note_proposal(void *user, const struct hf_proposal *proposal, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[o,o]", json_of(proposal->url), json_of(proposal->status)));
	return HF_OK;
}

static void proposals(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_proposal_filter filter = {.campaign = text_of(args, "campaign")};
	json_t *list = json_array();
	if (hf_proposal_list(replay->rig.where, &filter, note_proposal, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

static void proposal(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_proposal found;
	enum hf_status status = hf_proposal_get(replay->rig.where, text_of(args, "url"), arena, &found, &ret->err);
	if (status == HF_OK)
		ret->ok = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "status", json_of(found.status), "codebase",
		                    json_of(found.codebase), "target_branch_url", json_of(found.target_branch_url),
		                    "revision", revision_json(found.revision), "can_be_merged",
		                    found.has_can_be_merged ? json_boolean(found.can_be_merged) : json_null(),
		                    "rate_limit_bucket", json_of(found.rate_limit_bucket));
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static enum hf_status note_url(void *user, const struct hf_proposal *proposal, UNUSED hf_error *err)
{
	json_array_append_new(user, json_of(proposal->url));
	return HF_OK;
}

static void proposals_outdated(struct replay *replay, const json_t *args, struct answer *ret)
{
	int64_t days = 0;
	(void)integer_of(args, "days", &days);
	/* The original asks its server's clock, not the one that stands. */
	int64_t now_us = rig_number(&replay->rig, "SELECT (extract(epoch FROM now()) * 1000000)::bigint");
	struct hf_timestamptz before;
	assert_int_equal(hf_timestamptz_from_unix_us(now_us - days * 86400000000, &before), HF_OK);
	struct hf_proposal_filter filter = {.has_scanned_before = true, .scanned_before = {before.us}};
	json_t *list = json_array();
	if (hf_proposal_list(replay->rig.where, &filter, note_url, list, &ret->err) == HF_OK)
		ret->ok = json_sorted(list);
	json_decref(list);
}

static void proposal_put(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_proposal proposal = {.url = text_of(args, "url"),
	                               .codebase = text_of(args, "codebase"),
	                               .target_branch_url = text_of(args, "target_branch_url"),
	                               .status = text_of(args, "status"),
	                               .revision = text_of(args, "revision"),
	                               .has_can_be_merged = json_is_boolean(json_object_get(args, "can_be_merged")),
	                               .can_be_merged = bool_of(args, "can_be_merged"),
	                               .rate_limit_bucket = text_of(args, "rate_limit_bucket")};
	if (str_eq(proposal.status, HF_STR("merged"))) { /* of others the original asks neither */
		struct hf_str at = text_of(args, "merged_at");
		proposal.merged_by = text_of(args, "merged_by");
		proposal.has_merged_at = at.ptr && isotime_parse(at, &proposal.merged_at) == ISOTIME_FINE;
	}
	if (hf_proposal_put(replay->rig.where, &proposal, NULL, &ret->err) == HF_OK)
		ret->ok = json_null();
}

static void branch_absorbed(struct replay *replay, const json_t *args, struct answer *ret)
{
	if (hf_result_branch_set_absorbed(replay->rig.where, text_of(args, "run_id"), text_of(args, "role"),
	                                  bool_of(args, "absorbed"), keep_of(replay), NULL, NULL, &ret->err) == HF_OK)
		ret->ok = json_null();
}

static void proposal_delete(struct replay *replay, const json_t *args, struct answer *ret)
{
	enum hf_status status = hf_proposal_delete(replay->rig.where, text_of(args, "url"), &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND) /* the original does not look */
		ret->ok = json_null();
}

static void proposal_move(struct replay *replay, const json_t *args, struct answer *ret)
{
	bool joined = false;
	enum hf_status status =
		hf_proposal_move(replay->rig.where, text_of(args, "url"), text_of(args, "to"), &joined, &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND)
		ret->ok = json_null();
	if (status == HF_OK && !joined) {
		ret->difference = NEW_URL;
		ret->ends_case = true;
	}
}

static void proposal_source(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_proposal_source found;
	enum hf_status status = hf_proposal_source(replay->rig.where, text_of(args, "url"), arena, &found, &ret->err);
	if (status == HF_OK)
		ret->ok = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "run_id", json_of(found.run_id), "codebase",
		                    json_of(found.codebase), "campaign", json_of(found.campaign), "change_set",
		                    json_of(found.change_set), "role", json_of(found.role), "remote_name",
		                    json_of(found.remote_name), "revision", json_of(found.revision));
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static void proposal_open(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_proposal found;
	enum hf_status status = hf_proposal_open_of(replay->rig.where, text_of(args, "codebase"),
	                                            text_of(args, "branch_name"), arena, &found, &ret->err);
	if (status == HF_OK)
		ret->ok = json_pack("[o,o]", json_of(found.url), json_of(found.revision));
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static void proposal_close(struct replay *replay, const json_t *args, struct answer *ret)
{
	if (hf_proposal_set_status(replay->rig.where, text_of(args, "url"), text_of(args, "status"), NULL, &ret->err) ==
	    HF_OK)
		ret->ok = json_null();
}

static enum hf_status note_bucket(void *user, const struct hf_proposal_tally *tally, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[o,I]", json_of(tally->word), (json_int_t)tally->proposals));
	return HF_OK;
}

static void proposal_buckets(struct replay *replay, const json_t *args, struct answer *ret)
{
	json_t *list = json_array();
	if (hf_proposal_buckets(replay->rig.where, text_of(args, "status"), note_bucket, list, &ret->err) == HF_OK)
		ret->ok = json_incref(list);
	json_decref(list);
}

/* ---- policies ---- */

enum { RULES_MAX = 20, POLICIES_MAX = 20 };

struct config {
	struct hf_policy policies[POLICIES_MAX];
	struct hf_policy_rule rules[POLICIES_MAX][RULES_MAX];
	size_t count;
};

/* A policy as the original is configured. */
static void add_policy(struct config *config, const char *name, const json_t *json)
{
	struct hf_policy_rule *rules = config->rules[config->count];
	struct hf_policy *policy = &config->policies[config->count++];
	json_t *per_branch = json_object_get(json, "per_branch"), *one;
	const char *role;
	*policy = (struct hf_policy){.name = hf_str_of(name),
	                             .rate_limit_bucket = text_of(json, "rate_limit_bucket"),
	                             .rules = rules};
	json_object_foreach (per_branch, role, one) {
		int64_t days = 0;
		struct hf_policy_rule rule = {.role = hf_str_of(role), .mode = text_of(one, "mode")};
		rule.has_frequency_days = integer_of(one, "max_frequency_days", &days);
		rule.frequency_days = (int32_t)days;
		rules[policy->nrules++] = rule;
	}
}

/* The original takes any frequency. */
static void note_policies(const struct replay *replay, enum hf_status status, struct answer *ret)
{
	if (status == HF_OK)
		ret->ok = json_null();
	if (status == HF_E_INPUT && json_object_get(replay->call, "ok")) {
		ret->difference = FREQUENCY;
		ret->ends_case = true;
	}
}

static void policy_put(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct config config = {0};
	add_policy(&config, text_of(args, "name").ptr, json_object_get(args, "policy"));
	note_policies(replay, hf_policy_put(replay->rig.where, config.policies, 1, HF_POLICY_REPLACE, NULL, &ret->err),
	              ret);
}

static void policies_put(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct config config = {0};
	json_t *one;
	const char *name;
	json_object_foreach (json_object_get(args, "policies"), name, one)
		add_policy(&config, name, one);
	note_policies(replay,
	              hf_policy_put_all(replay->rig.where, config.policies, config.count, NULL, NULL, &ret->err), ret);
}

static void policy_delete(struct replay *replay, const json_t *args, struct answer *ret)
{
	enum hf_status status = hf_policy_delete(replay->rig.where, text_of(args, "name"), &ret->err);
	if (status == HF_OK || status == HF_NOT_FOUND || status == HF_REJECTED)
		ret->ok = json_boolean(status != HF_REJECTED);
}

static int by_rule_role(const void *a, const void *b)
{
	const struct hf_policy_rule *one = a, *two = b;
	return str_cmp(one->role, two->role);
}

/* By role. */
static json_t *rules_json(const struct hf_policy *policy)
{
	struct hf_policy_rule sorted[RULES_MAX];
	json_t *list = json_array();
	assert_true(policy->nrules <= RULES_MAX);
	for (size_t i = 0; i < policy->nrules; i++)
		sorted[i] = policy->rules[i];
	qsort(sorted, policy->nrules, sizeof(*sorted), by_rule_role);
	for (size_t i = 0; i < policy->nrules; i++)
		json_array_append_new(list,
		                      json_pack("[o,o,o]", json_of(sorted[i].role), json_of(sorted[i].mode),
		                                sorted[i].has_frequency_days ? json_integer(sorted[i].frequency_days)
		                                                             : json_null()));
	return list;
}

struct policies_seen {
	json_t *list;
	bool unruled;
};

static enum hf_status note_policy(void *user, const struct hf_policy *policy, UNUSED hf_error *err)
{
	struct policies_seen *seen = user;
	seen->unruled |= policy->unruled;
	json_array_append_new(seen->list, json_pack("[o,o,o]", json_of(policy->name),
	                                            json_of(policy->rate_limit_bucket), rules_json(policy)));
	return HF_OK;
}

static void policies(struct replay *replay, UNUSED const json_t *args, struct answer *ret)
{
	struct policies_seen seen = {.list = json_array()};
	if (hf_policy_list(replay->rig.where, &(struct hf_policy_filter){0}, note_policy, &seen, &ret->err) == HF_OK)
		ret->ok = json_incref(seen.list);
	if (seen.unruled)
		ret->difference = UNRULED;
	json_decref(seen.list);
}

static void policy(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy found;
	enum hf_status status = hf_policy_get(replay->rig.where, text_of(args, "name"), arena, &found, NULL, &ret->err);
	if (status == HF_NOT_FOUND)
		ret->ok = json_null();
	else if (status == HF_OK)
		ret->difference = ONE_POLICY;
}

static void policy_of(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy_asked found;
	enum hf_status status = hf_policy_of(replay->rig.where, text_of(args, "codebase"), text_of(args, "campaign"),
	                                     (struct hf_str){NULL, 0}, arena, &found, &ret->err);
	if (status == HF_NOT_FOUND)
		ret->ok = json_null();
	else if (status == HF_OK && !found.has_policy)
		ret->difference = UNRULED;
	else if (status == HF_OK)
		ret->ok = json_pack("{s:o,s:o,s:o}", "rules", rules_json(&found.policy), "command",
		                    json_of(found.command), "bucket", json_of(found.policy.rate_limit_bucket));
}

const struct call publish_calls[] = {{"publish_store", publish_store},
                                     {"publish_attempts", publish_attempts},
                                     {"publish_last", publish_last},
                                     {"publish_history", publish_history},
                                     {"publishes_of", publishes_of},
                                     {"publish_details", publish_details},
                                     {"ready", ready},
                                     {"needs_review", needs_review},
                                     {"blockers", blockers},
                                     {"proposals", proposals},
                                     {"proposal", proposal},
                                     {"proposals_outdated", proposals_outdated},
                                     {"proposal_put", proposal_put},
                                     {"branch_absorbed", branch_absorbed},
                                     {"proposal_delete", proposal_delete},
                                     {"proposal_move", proposal_move},
                                     {"proposal_source", proposal_source},
                                     {"proposal_open", proposal_open},
                                     {"proposal_close", proposal_close},
                                     {"proposal_buckets", proposal_buckets},
                                     {"policy_put", policy_put},
                                     {"policies_put", policies_put},
                                     {"policy_delete", policy_delete},
                                     {"policies", policies},
                                     {"policy", policy},
                                     {"policy_of", policy_of},
                                     {NULL, NULL}};
