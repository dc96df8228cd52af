/* What each noun has beside its lists: how many there are, and those that are created or go for good. */
#include "rig.h"

#include <string.h>

static const struct hf_str none = {NULL, 0};

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM publish");
	rig_run(rig, "DELETE FROM merge_proposal");
	rig_run(rig, "DELETE FROM worker WHERE NOT EXISTS (SELECT FROM run WHERE worker = name)");
	rig_load_text(rig,
	              "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	              "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"},"
	              "{\"id\":\"ds\",\"campaign\":\"docs\",\"state\":\"created\"}],"
	              "\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"approved\",\"revision\":\"v1\","
	              "\"failure_stage\":null},"
	              "{\"id\":\"r2\",\"codebase\":\"bb\",\"suite\":\"fixes\",\"result_code\":\"build-failed\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":null,"
	              "\"failure_stage\":\"build\"}]}");
	rig_run(rig, "INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r1', 'main', 'v1'), "
	             "('r1', 'debian', 'v2')");
	rig_run(rig, "UPDATE new_result_branch SET absorbed = true WHERE role = 'main'");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, change_set) VALUES ('aa', 'fixes', 'x', NULL), "
	             "('bb', 'docs', 'x', 'ds')");
	rig_run(rig, "INSERT INTO followup (origin, candidate) SELECT 'r1', id FROM candidate");
	rig_run(rig,
	        "INSERT INTO debian_build (run_id, version, distribution, source) VALUES ('r1', '1', 'sid', 'aa'), "
	        "('r1', '2', 'sid', 'ab')");
	rig_run(rig, "INSERT INTO review (run_id, verdict, reviewer, reviewed_at) VALUES ('r1', 'approved', 'jo', "
	             "'2024-01-01'), "
	             "('r1', 'rejected', NULL, '2024-01-01'), ('r2', 'approved', NULL, '2024-01-01'), "
	             "('r2', 'approved', NULL, '2024-01-02')");
	rig_run(rig,
	        "INSERT INTO merge_proposal (url, codebase, status, revision, can_be_merged, rate_limit_bucket) VALUES "
	        "('u1', 'aa', 'open', 'v1', false, 'b'), ('u2', 'bb', 'merged', 'v9', NULL, NULL)");
	rig_run(rig, "INSERT INTO publish (id, change_set, target_branch_url, mode, result_code) VALUES "
	             "('p1', 'cs', 't', 'push', 'failed'), ('p1', 'cs', 't', 'push', 'failed')");
	rig_run(rig, "INSERT INTO queue (codebase, suite, command, priority, change_set) VALUES ('aa', 'fixes', 'x', "
	             "1, NULL), "
	             "('bb', 'docs', 'x', 1, 'ds')");
	rig_run(rig, "INSERT INTO named_publish_policy (name, rate_limit_bucket) VALUES ('p', 'b'), ('q', NULL) "
	             "ON CONFLICT DO NOTHING");
}

/* `call` must count so many; `err` names the call that does not. */
#define EXPECT_COUNT(call, expected)                                   \
	do {                                                           \
		int64_t count = -1;                                    \
		EXPECT_OK(call);                                       \
		if (count != (expected))                               \
			fail_msg("%s: %lld", #call, (long long)count); \
	} while (0)

static void counts_obey_the_filters_of_lists(void **state)
{
	struct rig *rig = *state;
	hf_where where = rig->where;
	hf_error err = HF_ERROR_INIT;
	start(rig);
	EXPECT_COUNT(hf_run_count(where, &(struct hf_run_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_run_count(where,
	                          &(struct hf_run_filter){.codebase = HF_STR("aa"),
	                                                  .campaign = HF_STR("fixes"),
	                                                  .change_set = HF_STR("cs"),
	                                                  .result_code = HF_STR("success"),
	                                                  .publish_status = HF_STR("approved")},
	                          &count, &err),
	             1);
	EXPECT_COUNT(hf_run_count(where, &(struct hf_run_filter){.failure_stage = HF_STR("build")}, &count, &err), 1);
	EXPECT_COUNT(hf_run_count(where, &(struct hf_run_filter){.worker = HF_STR("w")}, &count, &err), 0);
	EXPECT_COUNT(hf_queue_count(where, none, &count, &err), 2);
	EXPECT_COUNT(hf_queue_count(where, HF_STR("docs"), &count, &err), 1);
	EXPECT_COUNT(hf_change_set_count(where, &(struct hf_change_set_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_change_set_count(where,
	                                 &(struct hf_change_set_filter){.campaign = HF_STR("docs"),
	                                                                .has_state = true,
	                                                                .state = HF_CHANGE_SET_CREATED},
	                                 &count, &err),
	             1);
	EXPECT_COUNT(hf_proposal_count(where, &(struct hf_proposal_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_proposal_count(where,
	                               &(struct hf_proposal_filter){.status = HF_STR("open"),
	                                                            .codebase = HF_STR("aa"),
	                                                            .campaign = HF_STR("fixes"),
	                                                            .rate_limit_bucket = HF_STR("b"),
	                                                            .revision = HF_STR("v1"),
	                                                            .has_can_be_merged = true,
	                                                            .has_scanned_before = true},
	                               &count, &err),
	             1);
	EXPECT_COUNT(hf_review_count(where, &(struct hf_review_filter){.limit = 1}, &count, &err), 4);
	EXPECT_COUNT(hf_review_count(where,
	                             &(struct hf_review_filter){.run_id = HF_STR("r1"),
	                                                        .campaign = HF_STR("fixes"),
	                                                        .reviewer = HF_STR("jo"),
	                                                        .verdict = HF_STR("approved")},
	                             &count, &err),
	             1);
	EXPECT_COUNT(hf_worker_count(where, &count, &err), rig_number(rig, "SELECT count(*) FROM worker"));
	EXPECT_COUNT(hf_policy_count(where, HF_STR("b"), &count, &err), 1);
	EXPECT_COUNT(hf_policy_count(where, none, &count, &err),
	             rig_number(rig, "SELECT count(*) FROM named_publish_policy"));
	EXPECT_COUNT(hf_result_branch_count(where, &(struct hf_result_branch_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_result_branch_count(where,
	                                    &(struct hf_result_branch_filter){.run_id = HF_STR("r1"),
	                                                                      .revision = HF_STR("v2"),
	                                                                      .codebase = HF_STR("aa"),
	                                                                      .has_absorbed = true},
	                                    &count, &err),
	             1);
	EXPECT_COUNT(hf_followup_count(where, &(struct hf_followup_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_followup_count(where, &(struct hf_followup_filter){.origin = HF_STR("r2")}, &count, &err), 0);
	EXPECT_COUNT(hf_followup_count(where, &(struct hf_followup_filter){.candidate_id = 1}, &count, &err), 1);
	EXPECT_COUNT(hf_debian_build_count(where, &(struct hf_debian_build_filter){.limit = 1}, &count, &err), 2);
	EXPECT_COUNT(hf_debian_build_count(where,
	                                   &(struct hf_debian_build_filter){.run_id = HF_STR("r1"),
	                                                                    .codebase = HF_STR("aa"),
	                                                                    .distribution = HF_STR("sid"),
	                                                                    .source = HF_STR("ab")},
	                                   &count, &err),
	             1);
}

static void counts_refuse_words_that_are_none(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t count = 7;
	EXPECT_STATUS(hf_run_count(rig->where, &(struct hf_run_filter){.publish_status = HF_STR("x")}, &count, &err),
	              HF_E_INPUT);
	EXPECT_STATUS(hf_proposal_count(rig->where, &(struct hf_proposal_filter){.status = HF_STR("x")}, &count, &err),
	              HF_E_INPUT);
	EXPECT_STATUS(hf_review_count(rig->where, &(struct hf_review_filter){.verdict = HF_STR("x")}, &count, &err),
	              HF_E_INPUT);
	assert_int_equal(count, 7);
}

static void change_sets_come_and_go(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_change_set sets[] = {{.id = HF_STR("n1"), .campaign = HF_STR("fixes")},
	                               {.id = HF_STR("n2"), .campaign = HF_STR("docs")}};
	start(rig);
	EXPECT_OK(hf_change_set_create(rig->where, sets, 2, &err));
	assert_int_equal(rig_count(rig, "change_set WHERE (id, campaign, state::text) IN (('n1', 'fixes', 'created'), "
	                                "('n2', 'docs', 'created'))"),
	                 2);
	sets[0].id = HF_STR("n3");
	EXPECT_STATUS(hf_change_set_create(rig->where, sets, 2, &err), HF_CONFLICT);
	sets[1].campaign = HF_STR("no name");
	EXPECT_STATUS(hf_change_set_create(rig->where, sets, 2, &err), HF_E_INPUT);
	assert_string_equal(err.message, "change set 2: the campaign is no name");
	sets[0].id = none;
	EXPECT_STATUS(hf_change_set_create(rig->where, sets, 1, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_change_set_create(rig->where, sets, 100001, &err), HF_E_LIMIT);
	assert_int_equal(rig_count(rig, "change_set WHERE id LIKE 'n%'"), 2);
	EXPECT_OK(hf_change_set_delete(rig->where, HF_STR("ds"), &err));
	assert_int_equal(rig_count(rig, "candidate"), 1);
	assert_int_equal(rig_count(rig, "followup"), 1);
	assert_int_equal(rig_count(rig, "queue"), 1);
	EXPECT_STATUS(hf_change_set_delete(rig->where, HF_STR("ds"), &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_change_set_delete(rig->where, HF_STR("cs"), &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "belongs to change set cs");
}

static void what_is_forgotten(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int64_t removed;
	start(rig);
	EXPECT_OK(hf_review_delete(rig->where, HF_STR("r1"), HF_STR("jo"), &removed, &err));
	assert_true(removed == 1 && rig_count(rig, "review") == 3);
	EXPECT_OK(hf_review_delete(rig->where, HF_STR("r2"), none, &removed, &err));
	assert_true(removed == 2 && rig_count(rig, "review") == 1);
	EXPECT_STATUS(hf_review_delete(rig->where, HF_STR("r1"), HF_STR("jo"), NULL, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "jo said nothing of run r1");
	EXPECT_OK(hf_debian_build_delete(rig->where, HF_STR("r1"), &removed, &err));
	assert_true(removed == 2 && rig_count(rig, "debian_build") == 0);
	EXPECT_STATUS(hf_debian_build_delete(rig->where, HF_STR("r1"), NULL, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_publish_delete(rig->where, HF_STR("p1"), &removed, &err));
	assert_true(removed == 2 && rig_count(rig, "publish") == 0);
	EXPECT_STATUS(hf_publish_delete(rig->where, HF_STR("p1"), NULL, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no publish p1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_obey_the_filters_of_lists),
		cmocka_unit_test(counts_refuse_words_that_are_none),
		cmocka_unit_test(change_sets_come_and_go),
		cmocka_unit_test(what_is_forgotten),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
