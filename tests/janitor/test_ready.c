/* What waits to be published, in order and once; what keeps a run; what arrived: D-67 and D-09 both ways. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static const char runs_json[] =
	"{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"},{\"name\":\"cc\"},{\"name\":\"dd\"}],"
	"\"change_set\":[{\"id\":\"c1\",\"campaign\":\"fixes\",\"state\":\"ready\"},"
	"{\"id\":\"c2\",\"campaign\":\"fixes\",\"state\":\"publishing\"},"
	"{\"id\":\"c3\",\"campaign\":\"fixes\",\"state\":\"working\"}],"
	"\"run\":["
	"{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"command\":\"x\",\"result_code\":\"success\","
        "\"value\":5,"
	"\"logfilenames\":[],\"change_set\":\"c1\",\"publish_status\":\"approved\",\"revision\":\"v1\",\"finish_time\":"
	"\"2024-01-01\"},"
	"{\"id\":\"r2\",\"codebase\":\"bb\",\"suite\":\"fixes\",\"command\":\"x\",\"result_code\":\"success\","
        "\"value\":null,"
	"\"logfilenames\":[],\"change_set\":\"c1\",\"publish_status\":\"approved\",\"revision\":\"v2\",\"finish_time\":"
        "null},"
	"{\"id\":\"r3\",\"codebase\":\"cc\",\"suite\":\"fixes\",\"command\":\"x\",\"result_code\":\"success\","
        "\"value\":1,"
	"\"logfilenames\":[],\"change_set\":\"c2\",\"publish_status\":\"approved\",\"revision\":\"v3\",\"finish_time\":"
	"\"2024-01-01\"},"
	"{\"id\":\"r4\",\"codebase\":\"dd\",\"suite\":\"fixes\",\"command\":\"x\",\"result_code\":\"success\","
        "\"value\":5,"
	"\"logfilenames\":[],\"change_set\":\"c1\",\"publish_status\":\"approved\",\"revision\":\"v4\",\"finish_time\":"
	"\"2024-01-02\"}]}";

/* By triggers: r1, r2, r4 in a set that is ready, r3 in one that is being published. */
static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM publish");
	rig_run(rig, "DELETE FROM merge_proposal");
	rig_load_text(rig, runs_json);
	rig_run(rig, "INSERT INTO new_result_branch (run_id, role, revision) SELECT id, role, revision FROM run, "
	             "unnest('{main,debian}'::text[]) AS role");
	rig_run(rig, "INSERT INTO named_publish_policy VALUES ('p', ARRAY[ROW('main', 'propose', "
	             "7)::branch_publish_policy], "
	             "'b'), ('q', ARRAY[ROW('main', 'build-only', NULL)::branch_publish_policy], NULL)");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, publish_policy) SELECT codebase, suite, 'x', "
	             "'p' FROM "
	             "run ORDER BY id");
	rig_run(rig, "UPDATE change_set SET state = CASE id WHEN 'c1' THEN 'ready' WHEN 'c2' THEN 'publishing' ELSE "
	             "'working' "
	             "END::change_set_state");
}

struct seen {
	char ids[80];
	char last[8];
	bool one;
};

static enum hf_status note(void *user, const struct hf_ready *ready, hf_error *err)
{
	struct seen *seen = user;
	(void)err;
	snprintf(seen->ids + strlen(seen->ids), sizeof(seen->ids) - strlen(seen->ids), "%.*s ", STR_ARG(ready->run_id));
	snprintf(seen->last, sizeof(seen->last), "%.*s", STR_ARG(ready->run_id));
	return seen->one ? HF_STOP : HF_OK;
}

static const char *listed(struct rig *rig, const struct hf_ready_filter *filter, const struct hf_defects *keep)
{
	static struct seen seen;
	hf_error err = HF_ERROR_INIT;
	seen = (struct seen){.one = false};
	EXPECT_OK(hf_ready_list(rig->where, filter, keep, note, &seen, &err));
	return seen.ids;
}

static void in_the_order_of_a_publisher(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct seen seen = {.one = true};
	struct hf_ready_filter filter = {.limit = 1};
	start(rig);
	assert_string_equal(listed(rig, &(struct hf_ready_filter){.limit = 0}, NULL), "r3 r4 r1 r2 ");
	for (int i = 0; i < 6; i++) {
		EXPECT_OK(hf_ready_list(rig->where, &filter, NULL, note, &seen, &err));
		filter.after = hf_str_of(seen.last);
	}
	assert_string_equal(seen.ids, "r3 r4 r1 r2 "); /* pages meet, then there is no more */
	assert_string_equal(listed(rig, &(struct hf_ready_filter){.codebase = HF_STR("aa")}, NULL), "r1 ");
	assert_string_equal(listed(rig, &(struct hf_ready_filter){.run_id = HF_STR("r2")}, NULL), "r2 ");
	assert_string_equal(listed(rig, &(struct hf_ready_filter){.campaign = HF_STR("docs")}, NULL), "");
	filter.after = HF_STR("r9");
	EXPECT_STATUS(hf_ready_list(rig->where, &filter, NULL, note, &seen, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no run r9 to go on behind");
}

static void what_is_due(void **state)
{
	struct rig *rig = *state;
	const struct hf_ready_filter due = {.limit = 0}, all = {.all = true};
	start(rig);
	rig_run(rig, "UPDATE run SET publish_status = 'unknown' WHERE id = 'r1'");
	rig_run(rig, "UPDATE candidate SET publish_policy = 'q' WHERE codebase = 'bb'");
	rig_run(rig, "UPDATE change_set SET state = 'working' WHERE id = 'c2'");
	assert_string_equal(listed(rig, &due, NULL), "r4 ");
	assert_string_equal(listed(rig, &all, NULL), "r4 r1 r3 r2 ");
	rig_run(rig, "UPDATE new_result_branch SET absorbed = true WHERE run_id = 'r4' AND role = 'main'");
	assert_string_equal(listed(rig, &due, NULL), ""); /* the rule is about another branch */
	assert_string_equal(listed(rig, &all, NULL), "r4 r1 r3 r2 ");
}

static enum hf_status look(void *user, const struct hf_ready *ready, hf_error *err)
{
	int *seen = user;
	(void)err;
	assert_int_equal(ready->nbranches, 2);
	assert_true(str_eq(ready->branches[0].role, HF_STR("debian")) &&
	            str_eq(ready->branches[1].role, HF_STR("main")));
	assert_true(!ready->branches[0].mode.ptr && str_eq(ready->branches[1].mode, HF_STR("propose")));
	assert_true(ready->branches[1].has_frequency_days && ready->branches[1].frequency_days == 7);
	assert_true(str_eq(ready->policy, HF_STR("p")) && str_eq(ready->rate_limit_bucket, HF_STR("b")));
	assert_true(str_eq(ready->publish_status, HF_STR("approved")) &&
	            ready->change_set_state == HF_CHANGE_SET_READY);
	assert_true(str_eq(ready->command, HF_STR("x")) && str_eq(ready->policy_command, HF_STR("x")));
	(*seen)++;
	return HF_OK;
}

static void branches_with_their_rules(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	int seen = 0;
	start(rig);
	EXPECT_OK(
		hf_ready_list(rig->where, &(struct hf_ready_filter){.run_id = HF_STR("r1")}, NULL, look, &seen, &err));
	assert_int_equal(seen, 1);
}

/* D-67: the view takes any candidate of the pair. */
static void a_run_waits_once(void **state)
{
	struct rig *rig = *state;
	const struct hf_ready_filter aa = {.codebase = HF_STR("aa")};
	struct hf_defects keep = HF_DEFECTS_NONE;
	start(rig);
	hf_defects_keep(&keep, 67, true);
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, publish_policy, change_set) VALUES "
	             "('aa', 'fixes', 'y', 'p', 'c2'), ('aa', 'fixes', 'x', 'p', 'c1')");
	assert_string_equal(listed(rig, &aa, &keep), "r1 r1 r1 ");
	assert_string_equal(listed(rig, &aa, NULL), "r1 "); /* also where two say the same */
	rig_run(rig, "UPDATE candidate SET publish_policy = NULL WHERE change_set = 'c1'");
	assert_string_equal(listed(rig, &aa, &keep), "r1 r1 ");
	assert_string_equal(listed(rig, &aa, NULL), ""); /* that of its own change set has no policy */
	rig_run(rig, "DELETE FROM candidate WHERE codebase = 'aa' AND change_set IS NOT DISTINCT FROM 'c1'");
	assert_string_equal(listed(rig, &aa, NULL), "r1 ");
	rig_run(rig, "DELETE FROM candidate WHERE codebase = 'aa' AND change_set IS NULL");
	assert_string_equal(listed(rig, &aa, &keep), "r1 "); /* of another change set */
	assert_string_equal(listed(rig, &aa, NULL), "");
}

/* ---- blockers ---- */

static uint32_t blocked(struct rig *rig, const char *run, hf_arena *arena, struct hf_blockers *ret_blockers)
{
	hf_error err = HF_ERROR_INIT;
	uint32_t set = 0;
	EXPECT_OK(hf_publish_blockers(rig->where, hf_str_of(run), arena, ret_blockers, &err));
	for (int i = 0; i < HF_BLOCKER_COUNT; i++) {
		set |= ret_blockers->blocks[i] ? UINT32_C(1) << i : 0;
		assert_non_null(ret_blockers->details[i].ptr);
	}
	return set;
}

static void each_blocker_alone(void **state)
{
	static const struct {
		const char *sql;
		enum hf_blocker blocker;
		const char *details;
	} cases[] = {{"UPDATE codebase SET inactive = true WHERE name = 'aa'", HF_BLOCKER_INACTIVE, "inactive"},
	             {"UPDATE candidate SET command = 'y' WHERE codebase = 'aa'", HF_BLOCKER_COMMAND,
	              "ran x, wanted y"},
	             {"UPDATE candidate SET publish_policy = 'q' WHERE codebase = 'aa'", HF_BLOCKER_BRANCHES,
	              "2 have not landed, the modes of 0 publish"},
	             {"UPDATE run SET publish_status = 'blocked' WHERE id = 'r1'", HF_BLOCKER_PUBLISH_STATUS,
	              "blocked"},
	             {"UPDATE change_set SET state = 'working'", HF_BLOCKER_CHANGE_SET, "c1 is working"},
	             {"INSERT INTO merge_proposal (url, revision, status) VALUES ('u1', 'v1', 'rejected'), ('u2', "
	              "'v1', 'merged')",
	              HF_BLOCKER_PREVIOUS, "u1"}};
	struct rig *rig = *state;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_blockers blockers;
	start(rig);
	assert_int_equal(blocked(rig, "r1", arena, &blockers), 0);
	assert_true(str_eq(blockers.rate_limit_bucket, HF_STR("b")) && blockers.attempts == 0 && blockers.has_next_try);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(rig);
		rig_run(rig, cases[i].sql);
		assert_int_equal(blocked(rig, "r1", arena, &blockers), UINT32_C(1) << cases[i].blocker);
		assert_true(str_eq(blockers.details[cases[i].blocker], hf_str_of(cases[i].details)));
	}
}

static void blockers_that_come_together(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_blockers blockers;
	start(rig);
	rig_run(rig, "DELETE FROM candidate");
	assert_int_equal(blocked(rig, "r1", arena, &blockers),
	                 1 << HF_BLOCKER_POLICY | 1 << HF_BLOCKER_COMMAND | 1 << HF_BLOCKER_BRANCHES);
	start(rig);
	rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time) VALUES "
	             "('r0', "
	             "'aa', 'fixes', 'failed', '{}', 'c1', '2024-01-03')");
	rig_run(rig, "UPDATE run SET start_time = '2024-01-01' WHERE id = 'r1'");
	assert_int_equal(blocked(rig, "r1", arena, &blockers), 1 << HF_BLOCKER_SUPERSEDED);
	assert_true(str_eq(blockers.details[HF_BLOCKER_SUPERSEDED], HF_STR("r0")));
	assert_true(blocked(rig, "r0", arena, &blockers) & 1 << HF_BLOCKER_RESULT);
	EXPECT_STATUS(hf_publish_blockers(rig->where, HF_STR("r9"), arena, &blockers, &err), HF_NOT_FOUND);
}

static void tries_put_the_next_one_off(void **state)
{
	struct rig *rig = *state;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_blockers blockers;
	start(rig);
	rig_run(rig, "UPDATE run SET finish_time = now() AT TIME ZONE 'UTC' - interval '3 hours' WHERE id = 'r1'");
	rig_run(rig,
	        "INSERT INTO publish (id, change_set, target_branch_url, mode, result_code, revision) VALUES "
	        "('t1', 'c1', 't', 'push', 'failed', 'v1'), ('t2', 'c1', 't', 'push', 'differ-unreachable', 'v1')");
	assert_int_equal(blocked(rig, "r1", arena, &blockers), 0);
	assert_int_equal(blockers.attempts, 1);
	rig_run(rig, "INSERT INTO publish (id, change_set, target_branch_url, mode, result_code, revision) VALUES "
	             "('t3', 'c1', 't', 'push', 'failed', 'v1')");
	assert_int_equal(blocked(rig, "r1", arena, &blockers), 1 << HF_BLOCKER_BACKOFF);
}

static void the_next_try(void **state)
{
	static const struct {
		int64_t attempts, hours;
	} cases[] = {{0, 0}, {1, 2}, {2, 4}, {3, 8}, {7, 128}, {8, 168}, {64, 168}, {INT64_MAX, 168}, {-1, 0}};
	hf_error err = HF_ERROR_INIT;
	struct hf_timestamp next;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_OK(hf_publish_next_try((struct hf_timestamp){.us = 5}, cases[i].attempts, &next, &err));
		assert_int_equal(next.us, cases[i].hours * INT64_C(3600000000) + 5);
	}
	EXPECT_STATUS(hf_publish_next_try((struct hf_timestamp){.us = INT64_MAX}, 1, &next, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_publish_next_try((struct hf_timestamp){.us = INT64_MAX - 1}, 1, &next, &err), HF_E_LIMIT);
	assert_string_equal(hf_blocker_word(HF_BLOCKER_PREVIOUS), "previous");
	assert_string_equal(hf_blocker_word((enum hf_blocker)HF_BLOCKER_COUNT), "");
}

/* ---- what arrived ---- */

struct arrivals {
	char ids[80];
	struct hf_absorbed last;
	hf_arena *arena;
	bool one;
};

static enum hf_status arrived(void *user, const struct hf_absorbed *absorbed, hf_error *err)
{
	struct arrivals *seen = user;
	(void)err;
	snprintf(seen->ids + strlen(seen->ids), sizeof(seen->ids) - strlen(seen->ids), "%.*s:%.*s ",
	         STR_ARG(absorbed->run_id), STR_ARG(absorbed->mode));
	seen->last = *absorbed;
	seen->last.run_id = hf_arena_str(seen->arena, absorbed->run_id);
	seen->last.mode = hf_arena_str(seen->arena, absorbed->mode);
	if (absorbed->merge_proposal_url.ptr)
		seen->last.merge_proposal_url = hf_arena_str(seen->arena, absorbed->merge_proposal_url);
	if (absorbed->merged_by.ptr)
		seen->last.merged_by = hf_arena_str(seen->arena, absorbed->merged_by);
	return seen->one ? HF_STOP : HF_OK;
}

static void fill_arrivals(struct rig *rig)
{
	start(rig);
	rig_run(rig, "INSERT INTO merge_proposal (url, revision, status, merged_at, merged_by) VALUES "
	             "('u1', 'v1', 'merged', '2024-01-02', 'jo'), ('u2', 'v2', 'open', NULL, NULL), "
	             "('u3', 'v3', 'applied', NULL, NULL), ('u4', 'v3', NULL, NULL, NULL)");
	rig_run(rig, "INSERT INTO publish (id, change_set, target_branch_url, mode, result_code, revision, timestamp) "
	             "VALUES "
	             "('t1', 'c1', 't', 'push', 'success', 'v4', '2024-01-02'), "
	             "('t2', 'c1', 't', 'push', 'failed', 'v2', '2024-01-02')");
}

/* D-09: the view tells of every proposal. */
static void only_what_landed_arrived(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct arrivals seen = {.arena = arena};
	struct hf_absorbed_filter filter = {.limit = 0};
	struct hf_defects keep = HF_DEFECTS_NONE;
	fill_arrivals(rig);
	hf_defects_keep(&keep, 9, true);
	EXPECT_OK(hf_absorbed_list(rig->where, &filter, NULL, arrived, &seen, &err));
	assert_string_equal(seen.ids, "r4:push r1:propose r3:propose ");
	seen.ids[0] = '\0';
	EXPECT_OK(hf_absorbed_list(rig->where, &filter, &keep, arrived, &seen, &err));
	assert_string_equal(seen.ids, "r4:push r1:propose r3:propose r3:propose r2:propose ");
	seen.ids[0] = '\0';
	filter = (struct hf_absorbed_filter){.has_since = true,
	                                     .since = {.us = INT64_C(757468800000000)},
	                                     .campaign = HF_STR("fixes")};
	EXPECT_OK(hf_absorbed_list(rig->where, &filter, &keep, arrived, &seen, &err));
	assert_string_equal(seen.ids, "r4:push r1:propose ");
	assert_true(str_eq(seen.last.merged_by, HF_STR("jo")) && seen.last.has_delay);
	assert_int_equal(seen.last.delay_us, INT64_C(86400000000));
}

static void pages_of_arrivals_meet(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct arrivals seen = {.arena = arena, .one = true};
	struct hf_absorbed_filter filter = {.limit = 1};
	struct hf_defects keep = HF_DEFECTS_NONE;
	fill_arrivals(rig);
	hf_defects_keep(&keep, 9, true);
	for (int i = 0; i < 7; i++) {
		EXPECT_OK(hf_absorbed_list(rig->where, &filter, &keep, arrived, &seen, &err));
		filter.after = &seen.last;
	}
	assert_string_equal(seen.ids, "r4:push r1:propose r3:propose r3:propose r2:propose ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_a_publisher), cmocka_unit_test(what_is_due),
		cmocka_unit_test(branches_with_their_rules),   cmocka_unit_test(a_run_waits_once),
		cmocka_unit_test(each_blocker_alone),          cmocka_unit_test(blockers_that_come_together),
		cmocka_unit_test(tries_put_the_next_one_off),  cmocka_unit_test(the_next_try),
		cmocka_unit_test(only_what_landed_arrived),    cmocka_unit_test(pages_of_arrivals_meet)};
	return cmocka_run_group_tests_name("ready", tests, rig_up, rig_down);
}
