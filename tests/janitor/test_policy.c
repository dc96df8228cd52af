/* Publish policies: stored whole, replaced, refused whole; what a candidate asks for. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	                   "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}]}");
	rig_run(rig, "DELETE FROM named_publish_policy");
	rig_run(rig, "INSERT INTO named_publish_policy VALUES ('old', ARRAY[ROW('main', 'push', NULL)::"
	             "branch_publish_policy], 'b')");
}

static const struct hf_policy_rule two_rules[] = {
	{.role = HF_STR_INIT("main"), .mode = HF_STR_INIT("propose"), .has_frequency_days = true, .frequency_days = 30},
	{.role = HF_STR_INIT("debian")}};

static struct hf_policy policy_of(const char *name, size_t nrules)
{
	return (struct hf_policy){.name = hf_str_of(name), .rules = two_rules, .nrules = nrules};
}

static bool is(struct rig *rig, const char *name, const char *row)
{
	char sql[400];
	snprintf(sql, sizeof(sql),
	         "SELECT count(*) FROM named_publish_policy WHERE name = '%s' AND concat_ws(' ', "
	         "coalesce(per_branch_policy::text, '-'), coalesce(rate_limit_bucket, '-')) = '%s'",
	         name, row);
	return rig_number(rig, sql) == 1;
}

static void many_in_one_statement(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_policy policies[] = {policy_of("p2", 2), policy_of("p0", 0), policy_of("null", 0),
	                               policy_of("old", 1)};
	struct hf_changes changes;
	start(rig);
	policies[0].rate_limit_bucket = HF_STR("b");
	policies[2].unruled = true;
	EXPECT_OK(hf_policy_put(rig->where, policies, 4, HF_POLICY_REPLACE, &changes, &err));
	assert_int_equal(changes.inserted, 3);
	assert_int_equal(changes.updated, 1);
	assert_true(is(rig, "p2", "{\"(main,propose,30)\",\"(debian,,)\"} b"));
	assert_true(is(rig, "p0", "{} -"));
	assert_true(is(rig, "null", "- -"));
	assert_true(is(rig, "old", "{\"(main,propose,30)\"} -"));
	EXPECT_OK(hf_policy_put(rig->where, policies, 4, HF_POLICY_REPLACE, &changes, &err));
	assert_int_equal(changes.unchanged, 4);
	EXPECT_OK(hf_policy_put(rig->where, policies, 0, HF_POLICY_REPLACE, &changes, &err));
	assert_int_equal(changes.inserted + changes.updated + changes.unchanged, 0);
}

static void a_bucket_stays_where_only_rules_are_given(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_policy old = policy_of("old", 1);
	struct hf_changes changes;
	start(rig);
	EXPECT_OK(hf_policy_put(rig->where, &old, 1, HF_POLICY_RULES, &changes, &err));
	assert_int_equal(changes.updated, 1);
	assert_true(is(rig, "old", "{\"(main,propose,30)\"} b"));
	EXPECT_OK(hf_policy_put(rig->where, &old, 1, HF_POLICY_RULES, &changes, &err));
	assert_int_equal(changes.unchanged, 1);
}

static void what_stands_is_not_created(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_policy policies[] = {policy_of("new", 1), policy_of("old", 1)};
	start(rig);
	EXPECT_STATUS(hf_policy_put(rig->where, policies, 2, HF_POLICY_CREATE, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.message, "there is a publish policy of that name");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM named_publish_policy"), 1);
	EXPECT_OK(hf_policy_put(rig->where, policies, 1, HF_POLICY_CREATE, NULL, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM named_publish_policy"), 2);
}

static void bad_policies_are_not_sent(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct {
		struct hf_policy_rule rules[2];
		const char *message;
	} cases[] = {{{{.role = HF_STR_INIT("main"), .mode = HF_STR_INIT("psh")}, {.role = HF_STR_INIT("x")}},
	              "publish policy p: \"psh\" is no publish mode"},
	             {{{.mode = HF_STR_INIT("push")}, {.role = HF_STR_INIT("x")}},
	              "publish policy p: rule 1 has no role"},
	             {{{.role = HF_STR_INIT("x")}, {.role = HF_STR_INIT("x")}},
	              "publish policy p: role x has two rules"},
	             {{{.role = HF_STR_INIT("x"), .has_frequency_days = true, .frequency_days = -1},
	               {.role = HF_STR_INIT("y")}},
	              "publish policy p: the frequency of role x is -1 days, below 0"}};
	start(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hf_policy policies[] = {policy_of("good", 1),
		                               {HF_STR("p"), {NULL, 0}, false, cases[i].rules, 2}};
		EXPECT_STATUS(hf_policy_put(rig->where, policies, 2, HF_POLICY_REPLACE, NULL, &err), HF_E_INPUT);
		assert_string_equal(err.message, cases[i].message);
	}
	struct hf_policy twice[] = {policy_of("p", 1), policy_of("p", 1)}, nameless = policy_of("", 1),
			 many = policy_of("p", 1);
	many.nrules = HF_POLICY_ROLES_MAX + 1;
	EXPECT_STATUS(hf_policy_put(rig->where, twice, 2, HF_POLICY_REPLACE, NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "publish policy p stands twice");
	EXPECT_STATUS(hf_policy_put(rig->where, &nameless, 1, HF_POLICY_REPLACE, NULL, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_policy_put(rig->where, &many, 1, HF_POLICY_REPLACE, NULL, &err), HF_E_LIMIT);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM named_publish_policy"), 1);
}

static void a_configuration_takes_the_place_of_all(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_policy policies[] = {policy_of("p1", 1), policy_of("p2", 2)};
	struct hf_changes changes;
	int64_t removed;
	start(rig);
	EXPECT_OK(hf_policy_put_all(rig->where, policies, 2, &changes, &removed, &err));
	assert_int_equal(changes.inserted, 2);
	assert_int_equal(removed, 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM named_publish_policy WHERE name IN ('p1', 'p2')"), 2);
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, publish_policy) VALUES ('aa', 'fixes', 'x', 'p1')");
	EXPECT_STATUS(hf_policy_put_all(rig->where, &policies[1], 1, &changes, &removed, &err), HF_REJECTED);
	assert_string_equal(err.message, "candidates follow a publish policy that would go");
	EXPECT_STATUS(hf_policy_delete(rig->where, HF_STR("p1"), &err), HF_REJECTED);
	assert_string_equal(err.message, "candidates follow publish policy p1");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM named_publish_policy"), 2);
	EXPECT_OK(hf_policy_delete(rig->where, HF_STR("p2"), &err));
	EXPECT_STATUS(hf_policy_delete(rig->where, HF_STR("p2"), &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_policy_delete(rig->where, HF_STR("p2"), NULL), HF_NOT_FOUND);
}

static enum hf_status count_rule(void *user, const struct hf_policy *policy, hf_error *err)
{
	size_t *seen = user;
	(void)err;
	*seen += policy->nrules;
	return *seen >= 3 ? HF_STOP : HF_OK;
}

static void rules_come_back(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy policy;
	int64_t candidates;
	size_t seen = 0;
	start(rig);
	rig_run(rig,
	        "INSERT INTO named_publish_policy VALUES ('p', ARRAY[ROW('main', 'bts', 0)::branch_publish_policy, "
	        "NULL, ROW(NULL, NULL, NULL)::branch_publish_policy], NULL), ('null', NULL, NULL)");
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, publish_policy) VALUES ('aa', 'fixes', 'x', 'p')");
	EXPECT_OK(hf_policy_get(rig->where, HF_STR("p"), arena, &policy, &candidates, &err));
	assert_int_equal(candidates, 1);
	assert_int_equal(policy.nrules, 2); /* an entry that is NULL is none */
	assert_true(str_eq(policy.rules[0].role, HF_STR("main")) && str_eq(policy.rules[0].mode, HF_STR("bts")));
	assert_true(policy.rules[0].has_frequency_days && policy.rules[0].frequency_days == 0);
	assert_true(!policy.rules[1].role.ptr && !policy.rules[1].mode.ptr && !policy.rules[1].has_frequency_days);
	assert_true(!policy.unruled && !policy.rate_limit_bucket.ptr);
	EXPECT_OK(hf_policy_get(rig->where, HF_STR("null"), arena, &policy, NULL, &err));
	assert_true(policy.unruled && policy.nrules == 0);
	EXPECT_STATUS(hf_policy_get(rig->where, HF_STR("zz"), arena, &policy, NULL, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_policy_list(rig->where, &(struct hf_policy_filter){.limit = 0}, count_rule, &seen, &err));
	assert_int_equal(seen, 3);
}

static int32_t asked(struct rig *rig, const char *change_set)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy_asked policy;
	EXPECT_OK(hf_policy_of(rig->where, HF_STR("aa"), HF_STR("fixes"), hf_str_of(change_set), arena, &policy, &err));
	assert_int_equal(policy.has_policy, policy.candidate_id == 1);
	return policy.candidate_id;
}

static void a_candidate_of_the_change_set_goes_first(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_policy_asked policy;
	start(rig);
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, publish_policy, change_set) VALUES ('aa', 'fixes', "
	        "'x', 'old', 'cs')");
	assert_int_equal(asked(rig, NULL), 1); /* the only one */
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command) VALUES ('aa', 'fixes', 'y')");
	assert_int_equal(asked(rig, NULL), 2);
	assert_int_equal(asked(rig, "cs"), 1);
	assert_int_equal(asked(rig, "other"), 2);
	EXPECT_STATUS(hf_policy_of(rig->where, HF_STR("bb"), HF_STR("fixes"), HF_STR("cs"), arena, &policy, &err),
	              HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no candidate bb in campaign fixes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(many_in_one_statement),
	                                   cmocka_unit_test(a_bucket_stays_where_only_rules_are_given),
	                                   cmocka_unit_test(what_stands_is_not_created),
	                                   cmocka_unit_test(bad_policies_are_not_sent),
	                                   cmocka_unit_test(a_configuration_takes_the_place_of_all),
	                                   cmocka_unit_test(rules_come_back),
	                                   cmocka_unit_test(a_candidate_of_the_change_set_goes_first)};
	return cmocka_run_group_tests_name("policy", tests, rig_up, rig_down);
}
