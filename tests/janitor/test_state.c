/* What follows from the state: campaigns to publish, cotenants; what a newer schema may say. */
#include "rig.h"

#include <string.h>

static void start(struct rig *rig)
{
	rig_load_text(rig,
	              "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	              "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],"
	              "\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\"},"
	              "{\"id\":\"r2\",\"codebase\":\"aa\",\"suite\":\"docs\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"rejected\"},"
	              "{\"id\":\"r3\",\"codebase\":\"aa\",\"suite\":\"failed\",\"result_code\":\"build-failed\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\"}]}");
	rig_run(rig, "INSERT INTO new_result_branch (run_id, role, revision) "
	             "SELECT id, role, 'x' FROM run, unnest('{main,debian}'::text[]) AS role");
	rig_run(rig, "INSERT INTO named_publish_policy VALUES ('p', NULL, NULL) ON CONFLICT DO NOTHING");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, publish_policy) "
	             "SELECT 'aa', suite, 'x', 'p' FROM run");
}

static size_t publishable(struct rig *rig, const char *codebase, hf_arena *arena, struct hf_str_array *ret_names)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_publishable_campaigns(rig->where, hf_str_of(codebase), arena, ret_names, &err));
	return ret_names->count;
}

static void campaigns_with_something_to_publish(void **state)
{
	struct rig *rig = *state;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str_array names;
	start(rig);
	assert_int_equal(publishable(rig, "aa", arena, &names), 2);
	assert_true(str_eq(names.values[0], HF_STR("docs")) && str_eq(names.values[1], HF_STR("fixes")));
	assert_int_equal(publishable(rig, "bb", arena, &names), 0);
	assert_int_equal(publishable(rig, "zz", arena, &names), 0);
	rig_run(rig, "UPDATE new_result_branch SET absorbed = true WHERE run_id = 'r2'");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, publish_policy, change_set) "
	             "VALUES ('aa', 'fixes', 'y', 'p', 'cs')");
	assert_int_equal(publishable(rig, "aa", arena, &names), 1); /* once, although two candidates multiply it */
	rig_run(rig, "UPDATE candidate SET publish_policy = NULL");
	assert_int_equal(publishable(rig, "aa", arena, &names), 0);
}

static enum hf_cotenants cotenants(struct rig *rig, const char *codebase, const char *url,
                                   const struct hf_defects *keep)
{
	hf_error err = HF_ERROR_INIT;
	enum hf_cotenants answer = HF_COTENANTS_UNKNOWN;
	EXPECT_OK(hf_codebase_cotenants(rig->where, hf_str_of(codebase), hf_str_of(url), keep, &answer, &err));
	return answer;
}

static void who_else_lives_there(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects parity = hf_defects_all();
	hf_error err = HF_ERROR_INIT;
	enum hf_cotenants answer;
	start(rig);
	rig_run(rig, "INSERT INTO codebase (name, branch_url, url, subpath, inactive) VALUES "
	             "('solo', 'https://h/solo,branch=a%2Fb', 'https://h/solo', '', false), "
	             "('s1', 'https://h/two', 'https://h/two', 'x', false), "
	             "('s2', 'https://h/two', 'https://h/two', 'y', true), "
	             "('slash', 'https://h/slash/', 'https://h/slash/', '', false), "
	             "(NULL, 'https://h/nameless', 'https://h/nameless', '', false)");
	assert_int_equal(cotenants(rig, "solo", "https://h/solo", NULL), HF_COTENANTS_NO);
	assert_int_equal(cotenants(rig, "solo", "https://h/solo,branch=x", NULL), HF_COTENANTS_NO);
	assert_int_equal(cotenants(rig, "solo", "https://h/solo//", NULL), HF_COTENANTS_NO);
	assert_int_equal(cotenants(rig, "aa", "https://h/solo", NULL), HF_COTENANTS_UNKNOWN);
	assert_int_equal(cotenants(rig, "s1", "https://h/two", NULL), HF_COTENANTS_YES);
	assert_int_equal(cotenants(rig, "aa", "https://h/two,branch=z/", NULL), HF_COTENANTS_YES);
	assert_int_equal(cotenants(rig, "slash", "https://h/slash/", NULL), HF_COTENANTS_UNKNOWN);
	assert_int_equal(cotenants(rig, "aa", "https://h/nameless", NULL), HF_COTENANTS_UNKNOWN);
	assert_int_equal(cotenants(rig, "aa", "", NULL), HF_COTENANTS_UNKNOWN);
	/* D-52 */
	assert_int_equal(cotenants(rig, "solo", "https://h/solo,branch=a/b", &parity), HF_COTENANTS_UNKNOWN);
	assert_int_equal(cotenants(rig, "solo", "https://h/solo,branch=a/b", NULL), HF_COTENANTS_NO);
	EXPECT_STATUS(hf_codebase_cotenants(rig->where, HF_STR("solo"), HF_STR("https://h/solo,x"), NULL, &answer,
	                                    &err),
	              HF_E_INPUT);
	assert_string_equal(err.message, "a segment parameter of https://h/solo,x has no \"=\"");
}

/* ---- labels that are newer than this program: shown as nothing, no ground for a decision ---- */

static enum hf_status show(void *user, const struct hf_queue_item *item, hf_error *err)
{
	(void)err;
	struct hf_queue_item *shown = user;
	*shown = *item;
	return HF_OK;
}

static void newer_labels(struct rig *rig)
{
	start(rig);
	rig_run(rig, "ALTER TYPE queue_bucket ADD VALUE 'urgent' BEFORE 'update-existing-mp'");
	rig_run(rig, "ALTER TYPE vcs_type ADD VALUE 'pijul'");
	rig_run(rig, "ALTER TYPE publish_status ADD VALUE 'later'");
	rig_run(rig, "ALTER TYPE change_set_state ADD VALUE 'withdrawn'");
	rig_run(rig, "ALTER TYPE merge_proposal_status ADD VALUE 'parked'");
	rig_run(rig, "ALTER TYPE publish_mode ADD VALUE 'mail'");
	rig_run(rig, "ALTER TYPE holdfast.claim_state ADD VALUE 'parked'");
	rig_run(rig,
	        "INSERT INTO holdfast.queue_claim (queue_id, generation, place, holder, state, attempt, attempts_max, "
	        "until) VALUES (1, 1, '(0,1)', 'w', 'parked', 1, 5, now())");
	rig_run(rig, "INSERT INTO merge_proposal (url, codebase, status) VALUES ('https://h/aa/1', 'aa', 'parked')");
	rig_run(rig, "UPDATE named_publish_policy SET per_branch_policy = ARRAY[ROW('main', 'mail', "
	             "NULL)::branch_publish_policy] WHERE name = 'p'");
	rig_run(rig, "UPDATE codebase SET vcs_type = 'pijul', branch_url = 'https://h/aa', url = 'https://h/aa' WHERE "
	             "name = 'aa'");
	rig_run(rig, "UPDATE run SET publish_status = 'later', vcs_type = 'pijul' WHERE id = 'r1'");
	rig_run(rig, "UPDATE change_set SET state = 'withdrawn'");
	rig_run(rig, "INSERT INTO queue (bucket, codebase, suite, command, priority) VALUES ('urgent', 'aa', 'fixes', "
	             "'x', 0)");
}

static enum hf_status keep_state(void *user, const struct hf_claim_record *record, UNUSED hf_error *err)
{
	*(enum hf_claim_state *)user = record->state;
	return HF_OK;
}

static enum hf_status add_word(void *user, const struct hf_queue_bucket_stats *stats, UNUSED hf_error *err)
{
	buf_printf(user, "%.*s=%lld ", STR_ARG(stats->word), (long long)stats->items);
	return HF_OK;
}

/* A queue with something in each of nine buckets: all are told, the newest by its own name. */
static void stats_of_more_buckets_than_are_known(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct buf words;
	buf_init(&words, 1000);
	rig_run(rig, "INSERT INTO queue (bucket, codebase, suite, command, priority) "
	             "SELECT b, 'bb', 'in-' || b::text, 'x', 0 FROM unnest(enum_range(NULL::queue_bucket)) AS b");
	EXPECT_OK(hf_queue_stats(rig->where, add_word, &words, &err));
	assert_true(
		str_eq(buf_str(&words), HF_STR("urgent=2 update-existing-mp=1 manual=1 control=1 hook=1 reschedule=1 "
	                                       "update-new-mp=1 missing-deps=1 default=1 ")));
	buf_deinit(&words);
	rig_run(rig, "DELETE FROM queue WHERE codebase = 'bb'");
}

static void newer_labels_are_shown_as_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_queue_item item = {.bucket = HF_BUCKET_DEFAULT};
	struct hf_queue_next next;
	struct hf_codebase codebase;
	struct hf_change_set set;
	enum hf_claim_state claim = HF_CLAIM_LEASED;
	struct hf_proposal proposal;
	struct hf_policy policy;
	struct hf_run run;
	newer_labels(rig);
	EXPECT_OK(hf_queue_list(rig->where, &(struct hf_queue_list_filter){.limit = 0}, show, &item, &err));
	assert_string_equal(hf_bucket_word(item.bucket), "");
	stats_of_more_buckets_than_are_known(rig);
	EXPECT_OK(hf_queue_peek(rig->where, &(struct hf_queue_filter){.codebase = HF_STR("aa")}, arena, &next, &err));
	assert_true(next.vcs_type.ptr && next.vcs_type.len == 0);
	EXPECT_OK(hf_codebase_get(rig->where, HF_STR("aa"), arena, &codebase, &err));
	assert_true(codebase.vcs_type.ptr && codebase.vcs_type.len == 0);
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r1"), arena, &run, &err));
	assert_true(run.vcs_type.ptr && run.vcs_type.len == 0 && run.publish_status.len == 0);
	EXPECT_OK(hf_proposal_get(rig->where, HF_STR("https://h/aa/1"), arena, &proposal, &err));
	assert_true(proposal.status.ptr && proposal.status.len == 0);
	EXPECT_OK(hf_policy_get(rig->where, HF_STR("p"), arena, &policy, NULL, &err));
	assert_true(policy.nrules == 1 && policy.rules[0].mode.ptr && policy.rules[0].mode.len == 0);
	EXPECT_OK(hf_change_set_get(rig->where, HF_STR("cs"), arena, &set, &err));
	assert_string_equal(hf_change_set_state_word(set.state), "");
	EXPECT_OK(
		hf_claim_list(rig->where, &(struct hf_claim_filter){.holder = HF_STR("w")}, keep_state, &claim, &err));
	assert_string_equal(hf_claim_state_word(claim), "");
}

static enum hf_status add_ready(void *user, const struct hf_ready *ready, UNUSED hf_error *err)
{
	buf_printf(user, "%.*s(%.*s)[%s]", STR_ARG(ready->run_id), STR_ARG(ready->publish_status),
	           hf_change_set_state_word(ready->change_set_state));
	for (size_t i = 0; i < ready->nbranches; i++)
		buf_printf(user, " %.*s=%.*s", STR_ARG(ready->branches[i].role), STR_ARG(ready->branches[i].mode));
	buf_add_char(user, ';');
	return HF_OK;
}

/* Nothing that is not understood is published, and everything else is still told. */
static void newer_labels_hold_back_what_they_stand_at(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_ready_filter filter = {.all = true, .codebase = HF_STR("aa")};
	struct hf_blockers blockers;
	struct buf text;
	buf_init(&text, 1000);
	EXPECT_OK(hf_ready_list(rig->where, &filter, NULL, add_ready, &text, &err));
	assert_true(str_eq(buf_str(&text), HF_STR("r2(rejected)[] debian= main=;r1()[] debian= main=;")));
	buf_deinit(&text);
	EXPECT_OK(hf_publish_blockers(rig->where, HF_STR("r1"), arena, &blockers, &err));
	assert_true(blockers.blocks[HF_BLOCKER_PUBLISH_STATUS] && blockers.blocks[HF_BLOCKER_CHANGE_SET]);
	assert_true(str_eq(blockers.details[HF_BLOCKER_PUBLISH_STATUS], HF_STR("newer than this program")));
	assert_true(str_eq(blockers.details[HF_BLOCKER_CHANGE_SET], HF_STR("cs is newer than this program")));
}

static void newer_labels_decide_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int32_t id = 77;
	enum hf_bucket bucket;
	struct hf_queue_request request = {.codebase = HF_STR("aa"),
	                                   .campaign = HF_STR("fixes"),
	                                   .command = HF_STR("y"),
	                                   .bucket = HF_BUCKET_DEFAULT};
	EXPECT_STATUS(hf_queue_add(rig->where, &request, &id, &bucket, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "query \"queue_holder\", column \"bucket\": type public.queue_bucket changed");
	EXPECT_CONTAINS(err.message, "label \"urgent\"");
	assert_int_equal(id, 77);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE bucket = 'urgent' AND command = 'x'"), 1);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy_asked asked;
	EXPECT_STATUS(hf_policy_of(rig->where, HF_STR("aa"), HF_STR("fixes"), (struct hf_str){NULL, 0}, arena, &asked,
	                           &err),
	              HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "label \"mail\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(campaigns_with_something_to_publish),
		cmocka_unit_test(who_else_lives_there),
		cmocka_unit_test(newer_labels_are_shown_as_nothing), /* they stay */
		cmocka_unit_test(newer_labels_hold_back_what_they_stand_at),
		cmocka_unit_test(newer_labels_decide_nothing),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
