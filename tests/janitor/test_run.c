/* Storing runs and reading them back: every column, what the database refuses, twice, with a claim, D-04 both ways. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void is_text(struct hf_str text, const char *expected)
{
	if (!text.ptr != !expected || (text.ptr && !str_eq(text, hf_str_of(expected))))
		fail_msg("%.*s, not %s", text.ptr ? (int)text.len : 4, text.ptr ? text.ptr : "NULL",
		         expected ? expected : "NULL");
}

/* An empty database with two codebases, a worker, a change set and an earlier run. */
static void start(struct rig *rig)
{
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],\"change_set\":[{\"id\":\"cs\","
	                   "\"campaign\":\"fixes\"}],"
	                   "\"run\":[{\"id\":\"r0\",\"codebase\":\"bb\",\"suite\":\"other\",\"result_code\":"
	                   "\"success\",\"logfilenames\":"
	                   "[],\"change_set\":\"cs\",\"publish_status\":\"unknown\"}],\"queue\":[{\"codebase\":\"aa\","
	                   "\"suite\":\"fixes\","
	                   "\"command\":\"x\",\"bucket\":\"default\",\"priority\":7,\"refresh\":false}]}");
	rig_run(rig, "DELETE FROM debian_build");
	rig_run(rig, "DELETE FROM worker");
	rig_run(rig, "TRUNCATE holdfast.queue_claim");
	rig_run(rig, "INSERT INTO worker (name, password) VALUES ('w1', 'x')");
}

static const char full_json[] = "{\"code\":\"success\",\"description\":\"d\",\"context\":\"ctx\",\"stage\":\"build\","
				"\"main_branch_revision\":\"m\",\"revision\":"
				"\"r\",\"target_branch_url\":\"t\",\"branch_url\":\"b\",\"subpath\":\"\",\"vcs_type\":"
				"\"git\",\"codemod\":{\"a\":1.0},"
				"\"details\":{\"k\":[1]},\"transient\":false,\"value\":7,\"worker_name\":\"w1\","
				"\"start_time\":\"2024-01-02T03:04:05\","
				"\"finish_time\":\"2024-01-02T03:05:05.5\",\"branches\":[[\"pristine-tar\",\"p\",\"\","
				"null],[\"main\",null,\"b1\",\"r1\"]],"
				"\"tags\":[[\"v1\",\"t1\"]]}";
static const char small_json[] = "{\"code\":\"nothing-to-do\",\"start_time\":\"2024-01-02T03:04:05\",\"finish_time\":"
				 "\"2024-01-02T03:04:05\"}";

static struct hf_run_result decoded(hf_arena *arena, const char *json)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_run_result result;
	EXPECT_OK(hf_run_result_decode(hf_str_of(json), NULL, arena, &result, &err));
	return result;
}

static struct hf_run_report report_of(const char *id, const struct hf_run_result *result)
{
	return (struct hf_run_report){.size = sizeof(struct hf_run_report),
	                              .id = hf_str_of(id),
	                              .codebase = HF_STR("aa"),
	                              .campaign = HF_STR("fixes"),
	                              .command = HF_STR("A=1 fix"),
	                              .result = result};
}

static void everything_comes_back(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, full_json);
	struct hf_run_report report = report_of("r1", &result);
	struct hf_str logs[] = {HF_STR("worker.log"), HF_STR("codemod.log")}, debs[] = {HF_STR("x"), HF_STR("x-dbg")};
	struct hf_debian_build build = {HF_STR("1.0-1"),
	                                HF_STR("sid"),
	                                HF_STR("x"),
	                                {.count = 2, .ndim = 1, .values = debs},
	                                HF_STR("{\"l\": []}")};
	struct hf_run run;
	int64_t duration_us;
	const struct hf_run_branch *branch;
	start(rig);
	report.logfilenames = (struct hf_str_array){.count = 2, .ndim = 1, .values = logs};
	report.instigated_context = HF_STR("why");
	report.resume_from = HF_STR("r0");
	report.build = &build;
	report.has_queue_id = true;
	report.queue_id = 1;
	EXPECT_OK(hf_run_store(rig->where, &report, NULL, NULL, &err));
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r1"), arena, &run, &err));
	is_text(run.codebase, "aa");
	is_text(run.campaign, "fixes");
	is_text(run.command, "A=1 fix");
	is_text(run.description, "d");
	is_text(run.result_code, "success");
	is_text(run.instigated_context, "why");
	is_text(run.context, "ctx");
	is_text(run.main_branch_revision, "m");
	is_text(run.revision, "r");
	is_text(run.result, "{\"a\": 1.0}");
	is_text(run.vcs_type, "git");
	is_text(run.subpath, "");
	is_text(run.publish_status, "unknown");
	is_text(run.worker, "w1");
	is_text(run.failure_stage, "build");
	is_text(run.failure_details, "{\"k\": [1]}");
	is_text(run.resume_from, "r0");
	is_text(run.change_set, "r1");
	assert_true(run.has_value && run.value == 7 && run.has_failure_transient && !run.failure_transient);
	assert_int_equal(run.logfilenames.count, 2);
	EXPECT_OK(hf_run_duration(&run, &duration_us, &err));
	assert_int_equal(duration_us, 60500000);
	assert_int_equal(run.nbranches, 2);
	is_text(run.branches[0].role, "main");
	EXPECT_OK(hf_run_branch_of(&run, HF_STR("pristine-tar"), &branch, &err));
	is_text(branch->remote_name, "p");
	is_text(branch->base_revision, NULL);
	EXPECT_STATUS(hf_run_branch_of(&run, HF_STR("x"), &branch, &err), HF_NOT_FOUND);
	assert_int_equal(run.ntags, 1);
	is_text(run.tags[0].name, "v1");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 0);
	assert_int_equal(rig_number(rig,
	                            "SELECT count(*) FROM debian_build WHERE run_id = 'r1' AND version = '1.0-1' AND "
	                            "distribution = 'sid' AND source = 'x' AND binary_packages = '{x,x-dbg}'"),
	                 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM change_set WHERE id = 'r1' AND campaign = 'fixes'"), 1);
	EXPECT_STATUS(hf_run_get(rig->where, HF_STR("r9"), arena, &run, &err), HF_NOT_FOUND);
}

static void the_least_that_a_worker_says(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, small_json);
	struct hf_run_report report = report_of("r1", &result);
	struct hf_run run;
	start(rig);
	report.change_set = HF_STR("cs");
	report.command = (struct hf_str){NULL, 0};
	EXPECT_OK(hf_run_store(rig->where, &report, NULL, NULL, &err));
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r1"), arena, &run, &err));
	is_text(run.command, NULL);
	is_text(run.result, NULL);
	is_text(run.change_set, "cs");
	is_text(run.revision, NULL);
	assert_false(run.has_tags || run.has_value || run.has_failure_transient);
	assert_int_equal(run.nbranches, 0);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM debian_build"), 0);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM change_set"), 1);
	report.id = HF_STR("r2");
	report.change_set = HF_STR(""); /* as the original takes it: none */
	EXPECT_OK(hf_run_store(rig->where, &report, NULL, NULL, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM change_set WHERE id = 'r2'"), 1);
}

/* D-04: whether last_run sees the branches that came with the run. */
static void last_run_sees_branches_or_as_in_the_original_does_not(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, full_json);
	struct hf_run_report report = report_of("r1", &result);
	struct hf_defects parity = hf_defects_all();
	static const char seen[] = "SELECT count(*) FROM last_run WHERE codebase = 'aa' AND last_run_id = 'r1' AND "
				   "last_effective_run_id = 'r1' AND last_unabsorbed_run_id IS NOT DISTINCT FROM 'r1'";
	for (int kept = 0; kept <= 1; kept++) {
		start(rig);
		EXPECT_OK(hf_run_store(rig->where, &report, kept ? &parity : NULL, NULL, &err));
		assert_int_equal(rig_number(rig, seen), !kept);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM new_result_branch WHERE run_id = 'r1'"), 2);
	}
}

static void a_run_is_stored_once(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, full_json);
	struct hf_run_report report = report_of("r1", &result);
	start(rig);
	EXPECT_OK(hf_run_store(rig->where, &report, NULL, NULL, &err));
	report.has_queue_id = true;
	report.queue_id = 1;
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.message, "run r1 is stored already");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM new_result_branch"), 2);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
}

/* An id is a text, whatever is in it; no path and no pattern is made of it. */
static void ids_may_hold_anything_but_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, small_json);
	static const char *const ids[] = {"../../etc/passwd", "a/b", "%", "it's \"so\"", "a\nb", "-r", "\xc3\xa9"};
	start(rig);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct hf_run_report report = report_of(ids[i], &result);
		struct hf_run run;
		EXPECT_OK(hf_run_store(rig->where, &report, NULL, NULL, &err));
		EXPECT_OK(hf_run_get(rig->where, report.id, arena, &run, &err));
		is_text(run.id, ids[i]);
		EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), HF_CONFLICT);
	}
	struct hf_run_report broken = report_of("a\xff", &result);
	EXPECT_STATUS(hf_run_store(rig->where, &broken, NULL, NULL, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "UTF8");
	assert_int_equal(rig_count(rig, "run"), 1 + ARRAY_LEN(ids));
}

static void a_claim_ends_with_its_run(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, full_json);
	struct hf_run_report report = report_of("r1", &result);
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("w1")};
	struct hf_claim claim;
	bool again = true;
	start(rig);
	EXPECT_OK(hf_claim_next(rig->where, &options, arena, &claim, &err));
	report.has_claim = true;
	report.fence = claim.fence;
	report.holder = HF_STR("w2");
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, &again, &err), HF_CONFLICT);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM run WHERE id = 'r1'"), 0);
	report.holder = HF_STR("w1");
	EXPECT_OK(hf_run_store(rig->where, &report, NULL, &again, &err));
	assert_false(again);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 0);
	/* A lease that ran out stores nothing. */
	start(rig);
	EXPECT_OK(hf_claim_next(rig->where, &options, arena, &claim, &err));
	report.fence = claim.fence;
	rig_run(rig, "UPDATE holdfast.queue_claim SET until = clock_timestamp() - interval '1 s'");
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, &again, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "is not held any more");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM run WHERE id = 'r1'"), 0);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
}

static void what_the_schema_refuses_is_named(void **state)
{
	struct rig *rig = *state;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result good = decoded(arena, full_json);
	static const struct {
		const char *json, *codebase, *campaign, *worker, *change_set, *resume, *message;
		enum hf_status status;
	} cases[] = {
		{NULL, "zz", "fixes", NULL, NULL, NULL, "there is no codebase zz", HF_REJECTED},
		{NULL, "aa", "Fixes", NULL, NULL, NULL, "no name for a campaign is Fixes", HF_REJECTED},
		{NULL, "aa", "fixes", "w9", NULL, NULL, "there is no worker w9", HF_REJECTED},
		{NULL, "aa", "fixes", NULL, "c9", NULL, "there is no change set c9", HF_REJECTED},
		{NULL, "aa", "fixes", NULL, NULL, "r9", "there is no earlier run r9", HF_REJECTED},
		{"{\"code\":\"nothing-new-to-do\",\"start_time\":\"2024-01-02\",\"finish_time\":\"2024-01-02\"}", "aa",
	         "fixes", NULL, NULL, NULL, "a run with nothing new to do needs the run that it resumed", HF_REJECTED},
		{"{\"vcs_type\":\"rcs\",\"start_time\":\"2024-01-02\",\"finish_time\":\"2024-01-02\"}", "aa", "fixes",
	         NULL, NULL, NULL, "result.json: vcs_type \"rcs\" is no version control system", HF_E_INPUT},
		{"{\"codebase\":\"yy\",\"start_time\":\"2024-01-02\",\"finish_time\":\"2024-01-02\"}", "aa", "fixes",
	         NULL, NULL, NULL, "there is no codebase yy", HF_REJECTED},
	};
	start(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_run_result result = cases[i].json ? decoded(arena, cases[i].json) : good;
		struct hf_run_report report = report_of("r1", &result);
		report.codebase = hf_str_of(cases[i].codebase);
		report.campaign = hf_str_of(cases[i].campaign);
		report.worker = hf_str_of(cases[i].worker);
		report.change_set = hf_str_of(cases[i].change_set);
		report.resume_from = hf_str_of(cases[i].resume);
		report.has_queue_id = true;
		report.queue_id = 1;
		EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), cases[i].status);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(rig_number(rig,
		                            "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM change_set) + "
		                            "(SELECT count(*) FROM queue)"),
		                 3);
	}
}

static void reports_are_checked(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result = decoded(arena, small_json);
	struct hf_run_report report = report_of("", &result);
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), HF_E_INPUT);
	report.id = HF_STR("r1");
	report.size--;
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), HF_E_USAGE);
	report.size++;
	report.has_claim = report.has_queue_id = true;
	EXPECT_STATUS(hf_run_store(rig->where, &report, NULL, NULL, &err), HF_E_USAGE);
}

static void a_publish_status_is_set(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_publish_change change = {0};
	start(rig);
	EXPECT_OK(hf_run_set_publish_status(rig->where, HF_STR("r0"), HF_STR("blocked"), arena, &change, &err));
	is_text(change.before, "unknown");
	is_text(change.codebase, "bb");
	is_text(change.campaign, "other");
	const int64_t blocked = rig_number(rig, "SELECT count(*) FROM run WHERE publish_status = 'blocked'");
	assert_int_equal(blocked, 1);
	change.before = HF_STR("untouched");
	EXPECT_STATUS(hf_run_set_publish_status(rig->where, HF_STR("r0"), HF_STR("approved"), arena, &change, &err),
	              HF_REJECTED);
	assert_string_equal(err.message, "run r0 cannot be approved: it has no revision");
	assert_string_equal(err.constraint, "run_check2");
	EXPECT_STATUS(hf_run_set_publish_status(rig->where, HF_STR("r0"), HF_STR("success"), arena, &change, &err),
	              HF_E_INPUT);
	EXPECT_STATUS(hf_run_set_publish_status(rig->where, HF_STR("r/9"), HF_STR("ignored"), arena, &change, &err),
	              HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no run r/9");
	is_text(change.before, "untouched");
}

static void what_a_run_says_is_corrected(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str logs[] = {HF_STR("x.log")};
	struct hf_run run = {.id = HF_STR("r0"),
	                     .result_code = HF_STR("build-failed"),
	                     .description = HF_STR("no such file"),
	                     .failure_stage = HF_STR("build"),
	                     .failure_details = HF_STR("{\"path\": \"x\"}"),
	                     .has_failure_transient = true,
	                     .failure_transient = true,
	                     .logfilenames = {.count = 1, .ndim = 1, .values = logs}};
	struct hf_run stored;
	start(rig);
	rig_run(rig, "UPDATE run SET description = 'old', failure_stage = 'old' WHERE id = 'r0'");
	struct hf_run logs_alone = run;
	logs_alone.failure_details = HF_STR("{no JSON"); /* not looked at */
	logs_alone.description = HF_STR("\xff");
	EXPECT_OK(hf_run_update(rig->where, &logs_alone, HF_RUN_LOGS, &err));
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r0"), arena, &stored, &err));
	assert_int_equal(stored.logfilenames.count, 1);
	is_text(stored.result_code, "success");
	is_text(stored.failure_stage, "old");
	EXPECT_OK(hf_run_update(rig->where, &run, HF_RUN_RESULT, &err));
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r0"), arena, &stored, &err));
	is_text(stored.result_code, "build-failed");
	is_text(stored.description, "no such file");
	assert_false(stored.has_failure_transient);
	assert_int_equal(rig_count(rig, "last_run WHERE last_effective_run_id = 'r0'"), 1);
	EXPECT_OK(hf_run_update(rig->where, &run, HF_RUN_FAILURE, &err));
	EXPECT_OK(hf_run_get(rig->where, HF_STR("r0"), arena, &stored, &err));
	is_text(stored.failure_stage, "build");
	is_text(stored.failure_details, "{\"path\": \"x\"}");
	assert_true(stored.has_failure_transient && stored.failure_transient);
	assert_int_equal(rig_count(rig, "last_run WHERE last_effective_run_id = 'r0'"), 0); /* found anew */
	run.failure_stage = run.failure_details = (struct hf_str){NULL, 0};
	run.has_failure_transient = false;
	EXPECT_OK(hf_run_update(rig->where, &run, HF_RUN_FAILURE, &err));
	assert_int_equal(rig_count(rig, "run WHERE failure_stage IS NULL AND failure_transient IS NULL"), 1);
}

static void a_correction_that_cannot_be_is_named(void **state)
{
	struct rig *rig = *state;
	static const struct {
		struct hf_run run;
		unsigned parts;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{{.id = HF_STR_INIT("r9"), .result_code = HF_STR_INIT("x")},
	         HF_RUN_RESULT,
	         HF_NOT_FOUND,
	         "there is no run r9"},
		{{.id = HF_STR_INIT("r0")}, HF_RUN_RESULT, HF_E_INPUT, "run r0: the result code is missing"},
		{{.id = HF_STR_INIT("r0")}, 0, HF_E_INPUT, "run r0: no part of it is named"},
		{{.id = HF_STR_INIT("r0")}, 8, HF_E_INPUT, "run r0: no part of it is named"},
		{{.id = HF_STR_INIT("r0"), .result_code = HF_STR_INIT("nothing-new-to-do")},
	         HF_RUN_RESULT,
	         HF_REJECTED,
	         "run r0 resumed no run: it cannot have nothing new to do"},
		{{.id = HF_STR_INIT("r0"), .failure_details = HF_STR_INIT("{\"a\":")},
	         HF_RUN_FAILURE,
	         HF_E_INPUT,
	         "failure_details:1:5: unexpected token near end of file"},
	};
	start(rig);
	const int64_t before = rig_number(rig, "SELECT hashtext(run::text) FROM run");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		EXPECT_STATUS(hf_run_update(rig->where, &cases[i].run, cases[i].parts, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_int_equal(rig_number(rig, "SELECT hashtext(run::text) FROM run"), before);
	}
}

/* The golden round of the specification: uploaded, scheduled, stored after 300.25 s, scheduled again. */
static void a_first_round_has_the_golden_numbers(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_defects parity = hf_defects_all();
	const struct hf_campaign_default campaign = {HF_STR("fixes"), HF_STR("fix it")};
	struct hf_candidate_upload_options options = {.size = sizeof(options),
	                                              .campaigns = &campaign,
	                                              .ncampaigns = 1,
	                                              .keep = &parity};
	struct hf_candidate_upload_report uploaded;
	struct hf_run_result result =
		decoded(arena, "{\"code\":\"success\",\"context\":\"c\",\"start_time\":"
	                       "\"2024-01-02T03:04:05\",\"finish_time\":\"2024-01-02T03:09:05.25\"}");
	struct hf_run_report report = report_of("r1", &result);
	struct hf_schedule_after after = {.codebase = HF_STR("aa"),
	                                  .campaign = HF_STR("fixes"),
	                                  .context = HF_STR("c"),
	                                  .result_code = HF_STR("success"),
	                                  .keep = &parity};
	struct hf_schedule_result again;
	bool scheduled;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"}]}");
	EXPECT_OK(hf_candidate_upload(rig->where, HF_STR("[{\"codebase\":\"aa\",\"campaign\":\"fixes\"}]"), &options,
	                              arena, &uploaded, &err));
	assert_true(uploaded.nuploaded == 1 && uploaded.uploaded[0].scheduled.offset == 35000.0);
	assert_int_equal(uploaded.uploaded[0].scheduled.estimated_duration_us, 15000000);
	assert_int_equal(uploaded.uploaded[0].scheduled.queue_id, 1);
	assert_int_equal(uploaded.uploaded[0].scheduled.bucket, HF_BUCKET_DEFAULT);
	report.has_queue_id = true;
	report.queue_id = 1;
	EXPECT_OK(hf_run_store(rig->where, &report, &parity, NULL, &err));
	EXPECT_OK(hf_schedule_after_run(rig->where, &after, &scheduled, &again, &err));
	assert_true(scheduled && again.estimated_duration_us == 300250000);
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue"), 3205000);
}

static void runs_compare_by_id(UNUSED void **state)
{
	struct hf_run a = {.id = HF_STR("a")}, b = {.id = HF_STR("b")}, ab = {.id = HF_STR("ab")};
	hf_error err = HF_ERROR_INIT;
	int64_t us;
	assert_true(hf_run_compare(&a, &b) < 0 && hf_run_compare(&b, &ab) > 0 && hf_run_compare(&a, &a) == 0);
	EXPECT_STATUS(hf_run_duration(&a, &us, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "run a has no start time");
}

/* ---- many ---- */

/* More than one batch, of which the last one refers to the first. */
static void many_runs_at_once(void **state)
{
	enum { MANY = 1002 };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result full = decoded(arena, full_json), small = decoded(arena, small_json);
	struct hf_run_report *reports = calloc(MANY, sizeof(*reports));
	struct hf_debian_build build = {.version = HF_STR("1"), .distribution = HF_STR("sid"), .source = HF_STR("x")};
	char ids[MANY][8];
	assert_non_null(reports);
	start(rig);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m%u", i % 10000);
		reports[i] = report_of(ids[i], i % 2 ? &small : &full);
	}
	reports[0].build = &build;
	reports[0].change_set = HF_STR("cs");
	reports[1].has_queue_id = true;
	reports[1].queue_id = 1;
	reports[MANY - 2].resume_from = HF_STR("m0");
	EXPECT_OK(hf_run_import(rig->where, reports, MANY, &err));
	assert_int_equal(rig_count(rig, "run WHERE id LIKE 'm%'"), MANY);
	assert_int_equal(rig_count(rig, "new_result_branch"), MANY); /* two of each second one */
	assert_int_equal(rig_count(rig, "debian_build WHERE run_id = 'm0'"), 1);
	assert_int_equal(rig_count(rig, "run WHERE id = 'm0' AND change_set = 'cs'"), 1);
	assert_int_equal(rig_count(rig, "run WHERE resume_from = 'm0'"), 1);
	assert_int_equal(rig_count(rig, "change_set WHERE id LIKE 'm%'"), MANY - 1);
	assert_int_equal(rig_count(rig, "queue"), 0);
	EXPECT_OK(hf_run_import(rig->where, reports, 0, &err));
	free(reports);
}

static void one_run_of_many_refuses_all(void **state)
{
	enum { MANY = 1003 };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result small = decoded(arena, small_json);
	struct hf_run_report *reports = calloc(MANY, sizeof(*reports));
	char ids[MANY][8];
	assert_non_null(reports);
	start(rig);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m%u", i % 10000);
		reports[i] = report_of(ids[i], &small);
	}
	reports[1001].codebase = HF_STR("zz");
	EXPECT_STATUS(hf_run_import(rig->where, reports, MANY, &err), HF_REJECTED);
	assert_string_equal(err.message, "run 1002: there is no codebase zz");
	reports[1001].codebase = HF_STR("aa");
	reports[1002].id = HF_STR("r0");
	EXPECT_STATUS(hf_run_import(rig->where, reports, MANY, &err), HF_CONFLICT);
	assert_string_equal(err.message, "run 1003: run r0 is stored already");
	reports[4].has_claim = true;
	EXPECT_STATUS(hf_run_import(rig->where, reports, MANY, &err), HF_E_USAGE);
	assert_string_equal(err.message, "run 5: no claim ends with an import");
	reports[3].id = (struct hf_str){NULL, 0};
	EXPECT_STATUS(hf_run_import(rig->where, reports, MANY, &err), HF_E_INPUT);
	assert_string_equal(err.message, "run 4: a run needs an id");
	EXPECT_STATUS(hf_run_import(rig->where, reports, 1000001, &err), HF_E_LIMIT);
	assert_int_equal(rig_count(rig, "run"), 1);
	assert_int_equal(rig_count(rig, "change_set"), 1);
	free(reports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(the_least_that_a_worker_says),
		cmocka_unit_test(last_run_sees_branches_or_as_in_the_original_does_not),
		cmocka_unit_test(a_run_is_stored_once),
		cmocka_unit_test(ids_may_hold_anything_but_nothing),
		cmocka_unit_test(a_claim_ends_with_its_run),
		cmocka_unit_test(what_the_schema_refuses_is_named),
		cmocka_unit_test(reports_are_checked),
		cmocka_unit_test(many_runs_at_once),
		cmocka_unit_test(one_run_of_many_refuses_all),
		cmocka_unit_test(a_publish_status_is_set),
		cmocka_unit_test(what_a_run_says_is_corrected),
		cmocka_unit_test(a_correction_that_cannot_be_is_named),
		cmocka_unit_test(a_first_round_has_the_golden_numbers),
		cmocka_unit_test(runs_compare_by_id),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
