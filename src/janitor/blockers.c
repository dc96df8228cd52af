/*
 * blockers.c - what keeps a run from being published (holdfast/ready.h): one statement gathers, here is judged.
 */
#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "holdfast/ready.h"
#include "holdfast/values.h"
#include "janitor/values.h"
#include "queries/janitor/ready.h"

static const char *const words[HF_BLOCKER_COUNT] = {"result",   "superseded",     "inactive",   "policy",  "command",
                                                    "branches", "publish_status", "change_set", "backoff", "previous"};

const char *hf_blocker_word(enum hf_blocker blocker)
{
	return word_of(words, ARRAY_LEN(words), (int)blocker);
}

enum hf_status hf_publish_next_try(struct hf_timestamp finish_time, int64_t attempts, struct hf_timestamp *ret_next,
                                   hf_error *err)
{
	enum { WEEK_HOURS = 168, WEEK_FROM = 8 }; /* 2 to the 8th hours are more than a week */
	int64_t hours = attempts <= 0 ? 0 : attempts >= WEEK_FROM ? WEEK_HOURS : INT64_C(1) << attempts;
	struct hf_timestamp next;
	if (finish_time.us == INT64_MIN || finish_time.us == INT64_MAX ||
	    __builtin_add_overflow(finish_time.us, hours * INT64_C(3600000000), &next.us))
		return error_set(err, HF_E_LIMIT, "the time of the next try is out of range");
	*ret_next = next;
	return HF_OK;
}

/* ---- judging ---- */

struct judging {
	const struct ready_blockers_row *row;
	hf_arena *arena;
	struct hf_blockers *blockers;
	bool nomem;
};

static void judge(struct judging *judging, enum hf_blocker which, bool blocks, struct hf_str details)
{
	judging->blockers->blocks[which] = blocks;
	judging->blockers->details[which] = details;
	judging->nomem |= !details.ptr;
}

static struct hf_str text_or(struct hf_str text, const char *otherwise)
{
	return text.ptr ? text : hf_str_of(otherwise);
}

static bool same_text(struct hf_str a, struct hf_str b)
{
	return (!a.ptr && !b.ptr) || (a.ptr && b.ptr && str_eq(a, b));
}

static const char *label_or(const char *label)
{
	return label[0] ? label : "newer than this program";
}

static void judge_run(struct judging *judging)
{
	const struct ready_blockers_row *row = judging->row;
	judge(judging, HF_BLOCKER_RESULT, !str_eq(row->result_code, HF_STR("success")), row->result_code);
	judge(judging, HF_BLOCKER_SUPERSEDED, !row->effective,
	      row->effective ? HF_STR("it is the one that counts")
	                     : text_or(GET_TEXT(row, last_effective_run_id), "no run counts"));
	judge(judging, HF_BLOCKER_INACTIVE, row->inactive, row->inactive ? HF_STR("inactive") : HF_STR("active"));
	judge(judging, HF_BLOCKER_PUBLISH_STATUS, row->publish_status != PUBLISH_STATUS_APPROVED,
	      hf_str_of(label_or(publish_status_label(row->publish_status))));
	judge(judging, HF_BLOCKER_CHANGE_SET,
	      row->change_set_state != CHANGE_SET_STATE_READY && row->change_set_state != CHANGE_SET_STATE_PUBLISHING,
	      arena_printf(judging->arena, "%.*s is %s", SHOWN(row->change_set),
	                   label_or(hf_change_set_state_word((enum hf_change_set_state)row->change_set_state))));
}

static void judge_candidate(struct judging *judging)
{
	const struct ready_blockers_row *row = judging->row;
	judge(judging, HF_BLOCKER_POLICY, !row->has_publish_policy,
	      text_or(GET_TEXT(row, publish_policy), row->has_candidate ? "none" : "there is no candidate"));
	judge(judging, HF_BLOCKER_COMMAND, !same_text(GET_TEXT(row, command), GET_TEXT(row, policy_command)),
	      arena_printf(judging->arena, "ran %.*s, wanted %.*s", SHOWN(text_or(GET_TEXT(row, command), "nothing")),
	                   SHOWN(text_or(GET_TEXT(row, policy_command), "nothing"))));
	judge(judging, HF_BLOCKER_BRANCHES, row->publishable == 0,
	      arena_printf(judging->arena, "%lld have not landed, the modes of %lld publish", (long long)row->branches,
	                   (long long)row->publishable));
	judge(judging, HF_BLOCKER_PREVIOUS, row->has_refused_proposal,
	      text_or(GET_TEXT(row, refused_proposal), "nothing was refused"));
}

static enum hf_status judge_backoff(struct judging *judging, hf_error *err)
{
	const struct ready_blockers_row *row = judging->row;
	struct hf_blockers *blockers = judging->blockers;
	char text[64] = "never finished";
	blockers->attempts = row->attempts;
	blockers->has_next_try = row->has_finish_time;
	if (row->has_finish_time) {
		enum hf_status status = hf_publish_next_try(row->finish_time, row->attempts, &blockers->next_try, err);
		if (status == HF_OK)
			status = hf_timestamp_to_text(blockers->next_try, "Z", text, sizeof(text));
		if (status != HF_OK)
			return status;
	}
	judge(judging, HF_BLOCKER_BACKOFF, row->has_finish_time && row->at.us < blockers->next_try.us,
	      arena_printf(judging->arena, "%lld tries, the next from %s", (long long)row->attempts, text));
	return HF_OK;
}

enum hf_status hf_publish_blockers(hf_where where, struct hf_str run_id, hf_arena *arena,
                                   struct hf_blockers *ret_blockers, hf_error *err)
{
	struct ready_blockers_row row;
	struct hf_blockers blockers = {.open_proposals = 0};
	struct judging judging = {.row = &row, .arena = arena, .blockers = &blockers};
	enum hf_status status = ready_blockers(where, &(struct ready_blockers_in){.run_id = run_id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s", SHOWN(run_id));
	if (status != HF_OK)
		return status;
	judge_run(&judging);
	judge_candidate(&judging);
	status = judge_backoff(&judging, err);
	if (status != HF_OK)
		return status;
	if (judging.nomem)
		return error_nomem(err);
	blockers.rate_limit_bucket = GET_TEXT(&row, rate_limit_bucket);
	blockers.open_proposals = row.open_proposals;
	*ret_blockers = blockers;
	return HF_OK;
}
