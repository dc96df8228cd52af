/* What the next run goes on from: the last runs of all pairs, the run to resume, versions of Debian packages. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM debian_build");
	rig_load_text(
		rig,
		"{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
		"\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],"
		"\"run\":["
		"{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\",\"logfilenames\":[]"
		","
		"\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":\"v1\",\"start_time\":\"2024-01-"
		"01\","
		"\"finish_time\":\"2024-01-01\",\"failure_transient\":null},"
		"{\"id\":\"r2\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"oom\",\"logfilenames\":[],"
		"\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":null,\"start_time\":\"2024-01-02\","
		"\"finish_time\":\"2024-01-02\",\"failure_transient\":true},"
		"{\"id\":\"r3\",\"codebase\":\"bb\",\"suite\":\"docs\",\"result_code\":\"success\",\"logfilenames\":[],"
		"\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":\"v1\",\"start_time\":\"2024-01-"
		"01\","
		"\"finish_time\":\"2024-01-05\",\"failure_transient\":null},"
		"{\"id\":\"r4\",\"codebase\":\"bb\",\"suite\":\"fixes\",\"result_code\":\"failed\",\"logfilenames\":[],"
		"\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":\"v1\",\"start_time\":\"2024-01-"
		"01\","
		"\"finish_time\":\"2024-01-06\",\"failure_transient\":null}]}");
}

struct seen {
	char ids[60];
	struct hf_run last;
	hf_arena *arena;
	bool one;
};

static enum hf_status note(void *user, const struct hf_run *run, hf_error *err)
{
	struct seen *seen = user;
	(void)err;
	snprintf(seen->ids + strlen(seen->ids), sizeof(seen->ids) - strlen(seen->ids), "%.*s ", STR_ARG(run->id));
	seen->last.codebase = hf_arena_str(seen->arena, run->codebase);
	seen->last.campaign = hf_arena_str(seen->arena, run->campaign);
	return seen->one ? HF_STOP : HF_OK;
}

static void expect_last(struct rig *rig, const struct hf_run_last_filter *filter, const char *ids)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct seen seen = {.arena = arena};
	EXPECT_OK(hf_run_last_list(rig->where, filter, note, &seen, &err));
	assert_string_equal(seen.ids, ids);
}

static void the_last_runs_of_all(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct seen seen = {.arena = arena, .one = true};
	struct hf_run_last_filter filter = {.limit = 1};
	start(rig);
	expect_last(rig, &(struct hf_run_last_filter){.limit = 0}, "r2 r3 r4 ");
	expect_last(rig, &(struct hf_run_last_filter){.which = HF_RUN_EFFECTIVE}, "r1 r3 r4 ");
	expect_last(rig, &(struct hf_run_last_filter){.which = HF_RUN_UNABSORBED}, "r4 "); /* a failure; no branches */
	expect_last(rig, &(struct hf_run_last_filter){.campaign = HF_STR("fixes")}, "r2 r4 ");
	expect_last(rig, &(struct hf_run_last_filter){.codebase = HF_STR("aa"), .result_code = HF_STR("oom")}, "r2 ");
	for (int i = 0; i < 5; i++) {
		EXPECT_OK(hf_run_last_list(rig->where, &filter, note, &seen, &err));
		filter.after = &seen.last;
	}
	assert_string_equal(seen.ids, "r2 r3 r4 ");
}

static enum hf_status add_tally(void *user, const struct hf_run_tally *tally, hf_error *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 60 - strlen(text), "%.*s %d ", STR_ARG(tally->word), (int)tally->runs);
	return HF_OK;
}

static void expect_tallies(struct rig *rig, const struct hf_run_last_tally_filter *filter, const char *codes,
                           const char *stages)
{
	hf_error err = HF_ERROR_INIT;
	char text[60] = "";
	EXPECT_OK(hf_run_last_result_codes(rig->where, filter, add_tally, text, &err));
	assert_string_equal(text, codes);
	text[0] = '\0';
	EXPECT_OK(hf_run_last_failure_stages(rig->where, filter, add_tally, text, &err));
	assert_string_equal(text, stages);
}

static void tallies_of_the_last_runs(void **state)
{
	struct rig *rig = *state;
	const struct hf_str fixes = HF_STR("fixes");
	start(rig);
	rig_run(rig, "UPDATE run SET failure_stage = 'build' WHERE id = 'r2'");
	expect_tallies(rig, &(struct hf_run_last_tally_filter){0}, "failed 1 oom 1 success 1 ", "build 1  1 ");
	expect_tallies(rig, &(struct hf_run_last_tally_filter){.which = HF_RUN_EFFECTIVE}, "success 2 failed 1 ",
	               " 1 ");
	expect_tallies(rig, &(struct hf_run_last_tally_filter){.campaign = fixes, .wanted = true}, "", "");
	rig_run(rig, "INSERT INTO change_set (id, campaign) VALUES ('other', 'fixes')");
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, change_set) VALUES ('aa', 'fixes', 'x', 'other'), "
	        "('bb', 'fixes', 'x', NULL)");
	expect_tallies(rig, &(struct hf_run_last_tally_filter){.campaign = fixes, .wanted = true}, "failed 1 ", " 1 ");
	/* What found nothing new is the success that it resumed. */
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, resume_from, start_time) "
	        "VALUES ('r8', 'bb', 'docs', 'nothing-new-to-do', '{}', 'cs', 'r3', '2024-02-01')");
	expect_tallies(rig, &(struct hf_run_last_tally_filter){.campaign = HF_STR("docs")}, "success 1 ", "");
}

static void what_to_resume(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_str fixes = HF_STR("fixes"), tip = HF_STR("v1");
	struct hf_run run;
	start(rig);
	rig_run(rig, "INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r1', 'main', 'v1')");
	EXPECT_OK(hf_run_resumable(rig->where, fixes, tip, arena, &run, &err));
	assert_true(str_eq(run.id, HF_STR("r1")) && run.nbranches == 1); /* not of docs, no failure */
	EXPECT_STATUS(hf_run_resumable(rig->where, fixes, HF_STR("v9"), arena, &run, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "no run of campaign fixes succeeded with revision v9");
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, revision, finish_time) "
	        "VALUES ('r7', 'aa', 'fixes', 'success', '{}', 'cs', 'v1', '2024-02-01')");
	EXPECT_OK(hf_run_resumable(rig->where, fixes, tip, arena, &run, &err));
	assert_true(str_eq(run.id, HF_STR("r7")));
	rig_run(rig, "UPDATE run SET publish_status = 'rejected' WHERE id = 'r7'");
	EXPECT_STATUS(hf_run_resumable(rig->where, fixes, tip, arena, &run, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "run r7 is not to be resumed: it was rejected");
	rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, revision) "
	             "VALUES ('r8', 'aa', 'fixes', 'success', '{}', 'cs', 'v1')");
	EXPECT_OK(hf_run_resumable(rig->where, fixes, tip, arena, &run, &err)); /* one that never finished is newest */
	assert_true(str_eq(run.id, HF_STR("r8")));
}

/* ---- builds ---- */

static struct hf_debian_built built(const char *run, const char *version)
{
	return (struct hf_debian_built){.run_id = hf_str_of(run),
	                                .build = {.version = hf_str_of(version),
	                                          .distribution = HF_STR("sid"),
	                                          .source = HF_STR("aa")}};
}

static void versions_in_the_order_of_debian(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_debian_built builds[] = {built("r1", "1.10"), built("r2", "1.9"), built("r2", "1.10~rc1"),
	                                   built("r3", "1:0.1")};
	struct hf_str version;
	start(rig);
	EXPECT_OK(hf_debian_build_put(rig->where, builds, 4, &err));
	EXPECT_OK(hf_debian_last_version(rig->where, HF_STR("aa"), HF_STR("sid"), arena, &version, &err));
	assert_true(str_eq(version, HF_STR("1.10")));
	EXPECT_OK(hf_debian_last_version(rig->where, HF_STR("bb"), HF_STR("sid"), arena, &version, &err));
	assert_true(str_eq(version, HF_STR("1:0.1")));
	EXPECT_STATUS(hf_debian_last_version(rig->where, HF_STR("aa"), HF_STR("trixie"), arena, &version, &err),
	              HF_NOT_FOUND);
	assert_string_equal(err.message, "nothing of aa was built for trixie");
}

static void builds_are_added_all_or_none(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_debian_built builds[] = {built("r1", "1"), built("r9", "1")};
	start(rig);
	EXPECT_STATUS(hf_debian_build_put(rig->where, builds, 2, &err), HF_REJECTED);
	assert_string_equal(err.constraint, "debian_build_run_id_fkey");
	EXPECT_CONTAINS(err.message, "items[1]");
	builds[1] = built("r1", "");
	EXPECT_STATUS(hf_debian_build_put(rig->where, builds, 2, &err), HF_E_INPUT);
	assert_string_equal(err.message, "build 2 has no version");
	EXPECT_OK(hf_debian_build_put(rig->where, builds, 0, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM debian_build"), 0);
}

static enum hf_status packages(void *user, const struct hf_debian_built *build, hf_error *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 80 - strlen(text), "%.*s:%.*s:%u ", STR_ARG(build->run_id),
	         STR_ARG(build->build.version), build->build.binary_packages.count);
	return HF_OK;
}

static void builds_come_back(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_str debs[] = {HF_STR("x"), HF_STR("x-dbg")};
	struct hf_debian_built builds[] = {built("r1", "1.10"), built("r2", "1.9")};
	char seen[80] = "";
	start(rig);
	builds[0].build.binary_packages = (struct hf_str_array){.count = 2, .ndim = 1, .values = debs};
	builds[0].build.lintian_result = HF_STR("{}");
	EXPECT_OK(hf_debian_build_put(rig->where, builds, 2, &err));
	rig_run(rig,
	        "INSERT INTO debian_build (run_id, version, distribution, source) VALUES ('r1', '0', 'sid', 'aa')");
	EXPECT_OK(hf_debian_build_list(rig->where, &(struct hf_debian_build_filter){.codebase = HF_STR("aa")}, packages,
	                               seen, &err));
	assert_string_equal(seen, "r1:0:0 r2:1.9:0 r1:1.10:2 ");
	seen[0] = '\0';
	EXPECT_OK(hf_debian_build_list(rig->where, &(struct hf_debian_build_filter){.after = &builds[1]}, packages,
	                               seen, &err));
	assert_string_equal(seen, "r1:1.10:2 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_runs_of_all),
	                                   cmocka_unit_test(tallies_of_the_last_runs),
	                                   cmocka_unit_test(what_to_resume),
	                                   cmocka_unit_test(versions_in_the_order_of_debian),
	                                   cmocka_unit_test(builds_are_added_all_or_none),
	                                   cmocka_unit_test(builds_come_back)};
	return cmocka_run_group_tests_name("last", tests, rig_up, rig_down);
}
