/*
 * The defects of the original that scheduling and the queue can keep: each with and without, for one item and for many;
 * and whatever is kept, many at once give the rows that one after the other gives.
 */
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/schedule.h"
#include "janitor/dependency.h"
#include "../fixture.h"
#include "../sql.h"

static struct hf_defects only(int number)
{
	struct hf_defects set = HF_DEFECTS_NONE;
	hf_defects_keep(&set, number, true);
	return set;
}

static const char two[] = "{\"codebase\":[{\"name\":\"aa\",\"value\":10},{\"name\":\"bb\",\"value\":null}],"
			  "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"}]}";

/* ---- the queue ---- */

static int64_t add(struct rig *rig, const char *command, double offset, const struct hf_defects *keep)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_queue_request request = {.codebase = HF_STR("aa"),
	                                   .campaign = HF_STR("fixes"),
	                                   .command = hf_str_of(command),
	                                   .bucket = HF_BUCKET_DEFAULT,
	                                   .offset = offset,
	                                   .keep = keep};
	int32_t id;
	enum hf_bucket bucket;
	EXPECT_OK(hf_queue_add(rig->where, &request, &id, &bucket, &err));
	return rig_number(rig, "SELECT priority FROM queue");
}

static void d13_d14_d15_priorities(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d13 = only(13), d14 = only(14), d15 = only(15), parity = hf_defects_all();
	static const int64_t drifting[] = {69, 138, 207};
	rig_load_text(rig, two);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(add(rig, "x", 69.9, &parity), drifting[i]);
	rig_load_text(rig, two);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(add(rig, "x", 69.9, NULL), 70);
	assert_int_equal(add(rig, "newer", 80, NULL), 70);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE command = 'newer'"), 1);
	assert_int_equal(add(rig, "x", 60, NULL), 60);
	assert_int_equal(add(rig, "x", 80, &d13), 80);
	assert_int_equal(add(rig, "x", 79.9, &d15), 79);
	assert_int_equal(add(rig, "x", -0.5, NULL), -1);
	assert_int_equal(add(rig, "x", 7, &d14), -1); /* 6 is the worse one */
	assert_int_equal(add(rig, "x", -7, &d14), -8);
}

static void d11_hosts(void **state)
{
	struct rig *rig = *state;
	const struct hf_str github = HF_STR("github.com");
	const struct hf_defects d11 = only(11);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	struct hf_queue_next next;
	struct hf_queue_filter filter = {.exclude_hosts = {.count = 1, .ndim = 1, .values = &github}};
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"branch_url\":\"lp:aa\",\"url\":\"lp:aa\"}],"
	                   "\"queue\":[{\"codebase\":\"aa\",\"suite\":\"fixes\"}]}");
	EXPECT_OK(hf_queue_peek(rig->where, &filter, arena, &next, &err));
	filter.keep = &d11;
	EXPECT_STATUS(hf_queue_peek(rig->where, &filter, arena, &next, &err), HF_NOT_FOUND);
}

/* Another session frees the place once between the two statements. */
struct freeing {
	struct rig *rig;
	int left;
};

static void free_place(void *user, const char *name, int64_t rows)
{
	struct freeing *freeing = user;
	if (strcmp(name, "queue_add") != 0 || rows != 0 || freeing->left-- <= 0)
		return;
	sql_run(hf_on_connection(freeing->rig->second), "DELETE FROM queue");
}

static void d75_a_place_that_was_freed(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d75 = only(75);
	hf_error err = HF_ERROR_INIT;
	int32_t id;
	enum hf_bucket bucket;
	for (int kept = 0; kept < 2; kept++) {
		struct freeing freeing = {rig, 1};
		struct hf_queue_request request = {.codebase = HF_STR("aa"),
		                                   .campaign = HF_STR("fixes"),
		                                   .bucket = HF_BUCKET_DEFAULT,
		                                   .keep = kept ? &d75 : NULL};
		rig_load_text(rig, two);
		rig_run(rig, "INSERT INTO queue (codebase, suite, bucket) VALUES ('aa', 'fixes', 'manual')");
		rig->on_query = free_place;
		rig->on_query_user = &freeing;
		enum hf_status status = hf_queue_add(rig->where, &request, &id, &bucket, &err);
		rig->on_query = NULL;
		EXPECT_STATUS(status, kept ? HF_CONFLICT : HF_OK);
		assert_int_equal(freeing.left, 0);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), kept ? 0 : 1);
	}
}

/* ---- one item ---- */

static struct hf_schedule_explanation explained(struct rig *rig, const char *codebase, const struct hf_defects *keep)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_explanation why;
	EXPECT_OK(hf_schedule_explain(rig->where, hf_str_of(codebase), HF_STR("fixes"), keep, &why, &err));
	return why;
}

static void d18_d19_cost_and_chance(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d18 = only(18), d19 = only(19);
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, success_chance) VALUES ('aa', 'fixes', "
	             "'x', 5, 0.5)");
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time) "
	        "VALUES ('r', 'aa', 'fixes', 'success', '{}', 'cs', '2024-01-01', '2024-01-01 00:00:01.5')");
	struct hf_schedule_explanation why = explained(rig, "aa", NULL);
	assert_true(why.cost == 21500.0);
	assert_true(why.probability == 1.0 * 0.5 * 0.5); /* without a context half of it, and its own chance */
	why = explained(rig, "aa", &d18);
	assert_true(why.cost == 22000.0);
	why = explained(rig, "aa", &d19);
	assert_true(why.probability == 0.5);
	rig_run(rig, "UPDATE candidate SET success_chance = 0");
	assert_true(explained(rig, "aa", NULL).probability == 0.5 * SCHEDULE_MINIMUM_CHANCE);
	rig_run(rig, "UPDATE candidate SET success_chance = 7");
	assert_true(explained(rig, "aa", NULL).probability == 0.5);
}

static double share_of_one(struct rig *rig, const char *codebase, const struct hf_defects *keep,
                           enum hf_status expected)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_request request = {.item = {.codebase = hf_str_of(codebase),
	                                               .campaign = HF_STR("fixes"),
	                                               .command = HF_STR("x"),
	                                               .has_value = true,
	                                               .value = 1.0,
	                                               .has_success_chance = true,
	                                               .success_chance = 1.0},
	                                      .dry_run = true,
	                                      .keep = keep};
	struct hf_schedule_result result;
	struct hf_schedule_explanation why = {.has_normalized_value = false};
	EXPECT_STATUS(hf_schedule_candidate(rig->where, &request, &result, &why, &err), expected);
	return why.has_normalized_value ? why.normalized_value : -1.0;
}

static double offset_of_many(struct rig *rig, const char *codebase, const struct hf_defects *keep,
                             enum hf_status expected)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_item item = {.codebase = hf_str_of(codebase),
	                                .campaign = HF_STR("fixes"),
	                                .command = HF_STR("x"),
	                                .has_value = true,
	                                .value = 400.0,
	                                .has_success_chance = true,
	                                .success_chance = 1.0};
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 1, .keep = keep};
	struct hf_schedule_report report;
	rig_run(rig, "DELETE FROM queue");
	EXPECT_STATUS(hf_schedule_bulk(rig->where, &item, 1, &options, &report, &err), expected);
	return expected == HF_OK ? (double)rig_number(rig, "SELECT priority FROM queue") : 0.0;
}

/* 35000 / (share * 500) */
static void d20_d24_values_of_codebases(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d20 = only(20), d24 = only(24);
	struct hf_defects both = only(20);
	hf_defects_keep(&both, 24, true);
	rig_load_text(rig, two);
	assert_true(share_of_one(rig, "aa", NULL, HF_OK) == 1.0);
	assert_true(share_of_one(rig, "bb", NULL, HF_OK) == -1.0);
	assert_true(share_of_one(rig, "bb", &d24, HF_OK) == 1.0);
	assert_true(offset_of_many(rig, "aa", NULL, HF_OK) == 70.0);
	assert_true(offset_of_many(rig, "bb", NULL, HF_OK) == 140.0);
	assert_true(offset_of_many(rig, "bb", &d24, HF_OK) == 700.0);
	rig_run(rig, "UPDATE codebase SET value = 0");
	assert_true(share_of_one(rig, "aa", NULL, HF_OK) == -1.0);
	assert_true(share_of_one(rig, "aa", &d24, HF_OK) == 1.0);
	share_of_one(rig, "aa", &both, HF_REJECTED);
	assert_true(offset_of_many(rig, "aa", NULL, HF_OK) == 140.0);
	assert_true(offset_of_many(rig, "aa", &d24, HF_OK) == 70.0);
	offset_of_many(rig, "aa", &d20, HF_REJECTED);
}

static void d17_dependencies_that_nobody_knows(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d17 = only(17);
	rig_load_text(rig, two);
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time, "
	        "failure_details) VALUES ('r', 'aa', 'fixes', 'install-deps-unsatisfied-dependencies', '{}', 'cs', "
	        "'2024-01-01', '2024-01-01 00:00:01', '{\"relations\": [[{\"name\": \"x\"}]]}')");
	share_of_one(rig, "aa", NULL, HF_OK);
	share_of_one(rig, "aa", &d17, HF_E_DRIFT);
	assert_true(offset_of_many(rig, "aa", NULL, HF_OK) > 0.0);
	offset_of_many(rig, "aa", &d17, HF_E_DRIFT);
}

static void note_answer(void *user, const struct dependency_wait *wait, bool satisfied)
{
	*(int *)user += satisfied ? 1 : 10;
	assert_int_equal(wait->place, 7);
}

/* 1: satisfied, 10: not, 0: nobody asked. */
static int answer_of(struct rig *rig, const char *relations, const struct hf_defects *keep, enum hf_status expected)
{
	hf_error err = HF_ERROR_INIT;
	char details[512];
	int answer = 0;
	bool is_waiting = false;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct dependency_waits waits = {.arena = arena};
	snprintf(details, sizeof(details), "{\"relations\": %s}", relations);
	const struct dependency_wait wait = {.place = 7, .details = hf_str_of(details)};
	EXPECT_OK(dependency_add(&waits, &wait, &is_waiting, &err));
	EXPECT_STATUS(dependency_settle(rig->where, &waits, keep, note_answer, &answer, &err), expected);
	assert_true(is_waiting || answer == 0);
	return answer;
}

/* The recording has most; here what it lacks, and what is malformed. */
static void d17_dependencies_over_versions(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d17 = only(17);
	static const struct {
		const char *relations;
		int answer;
		bool readable;
	} cases[] = {
		{"[[{\"name\": \"a\"}]]", 1, true},
		{"[[{\"name\": \"c\"}]]", 10, true},
		{"[[{\"name\": \"c\"}, {\"name\": \"a\"}], [{\"name\": \"b\"}]]", 1, true},
		{"[[{\"name\": \"a\"}], []]", 10, true},
		{"[[{\"name\": \"a\", \"version\": [\">>\", \"1.9\"]}]]", 1, true},
		{"[[{\"name\": \"a\", \"version\": [\">>\", \"1.10\"]}]]", 10, true},
		{"[[{\"name\": \"a\", \"version\": [\"<<\", \"1.11\"]}]]", 1, true},
		{"[[{\"name\": \"a\", \"version\": [\"=\", \"0:1.10-0\"]}]]", 1, true},
		{"[[{\"name\": \"a\", \"version\": [\"<\", \"1.10~rc1\"]}]]", 10, true},
		{"[[{\"name\": \"b\", \"version\": [\">=\", \"0\"]}]]", 10, true}, /* of an unknown version */
		{"[[{\"name\": \"b\", \"version\": null}]]", 1, true},
		{"[[{\"name\": \"a\", \"version\": [\"~\", \"1\"]}]]", 10, false},
		{"[[{\"name\": \"a\", \"version\": [\"; DROP TABLE run\", \"1\"]}]]", 10, false},
		{"[[{\"name\": \"a\", \"version\": [\"=\"]}]]", 10, false},
		{"[[{\"name\": \"a\", \"version\": \"=1\"}]]", 10, false},
		{"[[{\"name\": \"a\", \"colour\": 1}]]", 10, false},
		{"[[{\"name\": null}]]", 10, false},
		{"[[{\"name\": \"a\\u0000\"}]]", 10, true},
		{"[[5]]", 10, false},
		{"[5]", 10, true},
		{"[[{\"name\": \"a\"}, 5]]", 1, true}, /* nobody looks further */
		{"[[5, {\"name\": \"a\"}]]", 1, false},
	};
	rig_load_text(rig, "{\"all_debian_versions\":[{\"source\":\"a\",\"version\":\"1.10\"},"
	                   "{\"source\":\"b\",\"version\":null}]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const bool fails = !cases[i].readable;
		assert_int_equal(answer_of(rig, cases[i].relations, NULL, HF_OK), cases[i].answer);
		assert_int_equal(answer_of(rig, cases[i].relations, &d17, fails ? HF_REJECTED : HF_OK),
		                 fails ? 0 : cases[i].answer);
	}
	rig_run(rig,
	        "DROP FUNCTION holdfast.debian_versions(text[])"); /* a database that lacks our latest migrations */
	assert_int_equal(answer_of(rig, cases[0].relations, NULL, HF_OK), 10);
	assert_int_equal(answer_of(rig, cases[0].relations, &d17, HF_E_DRIFT), 0);
	rig_run(rig,
	        "CREATE FUNCTION holdfast.debian_versions(sources text[]) RETURNS TABLE (source text, version text) "
	        "LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY SELECT v.source::text, v.version::text "
	        "FROM public.all_debian_versions AS v WHERE v.source = ANY (sources); END $$");
}

static void d21_d22_direct_requests(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d21 = only(21), d22 = only(22);
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_result result;
	struct hf_schedule_direct request = {.codebase = HF_STR("aa"),
	                                     .campaign = HF_STR("fixes"),
	                                     .change_set = HF_STR("cs")};
	rig_load_text(rig, two);
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, change_set) VALUES ('aa', 'fixes', 'any', NULL), "
	        "('aa', 'fixes', 'own', 'cs'), ('bb', 'fixes', 'any', NULL)");
	EXPECT_OK(hf_schedule_one(rig->where, &request, &result, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE command = 'own'"), 1);
	request.keep = &d21;
	EXPECT_OK(hf_schedule_one(rig->where, &request, &result, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE command = 'any'"), 1);
	request = (struct hf_schedule_direct){.codebase = HF_STR("bb"),
	                                      .campaign = HF_STR("fixes"),
	                                      .change_set = HF_STR("cs")};
	EXPECT_OK(hf_schedule_one(rig->where, &request, &result, &err));
	rig_run(rig, "DELETE FROM candidate WHERE codebase = 'aa' AND change_set IS NULL");
	request = (struct hf_schedule_direct){.codebase = HF_STR("aa"), .campaign = HF_STR("fixes")};
	EXPECT_STATUS(hf_schedule_one(rig->where, &request, &result, &err), HF_NOT_FOUND);
	request.keep = &d21;
	EXPECT_OK(hf_schedule_one(rig->where, &request, &result, &err));

	request = (struct hf_schedule_direct){.codebase = HF_STR("aa"),
	                                      .has_estimated_duration = true,
	                                      .estimated_duration_us = 7000000};
	EXPECT_OK(hf_schedule_control(rig->where, &request, (struct hf_str){NULL, 0}, &result, &err));
	assert_int_equal(result.estimated_duration_us, 7000000);
	request.keep = &d22;
	EXPECT_OK(hf_schedule_control(rig->where, &request, (struct hf_str){NULL, 0}, &result, &err));
	assert_int_equal(result.estimated_duration_us, 15000000);
}

static void d16_d25_what_there_is_to_schedule(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d16 = only(16), d25 = only(25);
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 10};
	struct hf_schedule_report report;
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', "
	             "'push-derived', NULL)::branch_publish_policy])");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, change_set, publish_policy) VALUES "
	             "('aa', 'fixes', 'x', 100, 'cs', 'p'), ('bb', 'fixes', 'x', 100, NULL, 'p')");
	options.keep = &d16;
	EXPECT_STATUS(hf_schedule_run(rig->where, &options, &report, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "push-derived");
	options.keep = NULL;
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.verified, 2);
	/* 35000 / (1 * 1 * (100 + 200 + 100)) */
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue WHERE codebase = 'aa' AND change_set = 'cs'"), 88);
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue WHERE codebase = 'bb' AND change_set IS NULL"),
	                 175);
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, 2);
	rig_run(rig, "DELETE FROM queue");
	options.keep = &d25;
	EXPECT_STATUS(hf_schedule_run(rig->where, &options, &report, &err), HF_NOT_FOUND); /* only in a change set */
	rig_run(rig, "UPDATE candidate SET success_chance = 1");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE change_set IS NULL"), 2);
}

static void d16_one_without_a_worth_does_not_stop_the_others(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d16 = only(16);
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 10};
	struct hf_schedule_report report;
	struct hf_schedule_explanation why;
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('none', NULL), ('p', "
	             "ARRAY[ROW('main', 'propose', NULL)::branch_publish_policy]), ('no mode', "
	             "ARRAY[ROW('main', NULL, NULL)::branch_publish_policy])");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, publish_policy) VALUES "
	             "('aa', 'no-value', 'x', NULL, 'p'), ('aa', 'no-modes', 'x', 1, 'none'), "
	             "('aa', 'no-mode', 'x', 1, 'no mode'), ('bb', 'fixes', 'x', 100, 'p')");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.refused, 3);
	assert_int_equal(report.items, 1);
	assert_int_equal(report.verified, 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE codebase = 'bb'"), 1);
	EXPECT_STATUS(hf_schedule_explain(rig->where, HF_STR("aa"), HF_STR("no-value"), NULL, &why, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "no-value/aa: it has a publish policy, but no value");
	rig_run(rig, "DELETE FROM queue");
	options.keep = &d16;
	EXPECT_STATUS(hf_schedule_run(rig->where, &options, &report, &err), HF_REJECTED);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 0);
}

static enum hf_status run_that_is_refused(hf_where tx, void *user, hf_error *err)
{
	struct hf_schedule_report report;
	EXPECT_STATUS(hf_schedule_run(tx, user, &report, err), HF_REJECTED);
	return hf_sql_exec(tx, HF_STR("INSERT INTO codebase (name) VALUES ('behind')"), NULL, 0, NULL, err);
}

/* However much there would have been behind the candidate that stops the run. */
static void d16_a_transaction_goes_on_behind_a_run_that_is_refused(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d16 = only(16);
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .keep = &d16};
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('none', NULL)");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, context, publish_policy) SELECT 'aa', 's' || i, "
	             "'x', repeat('c', 1000), 'none' FROM generate_series(1, 10000) AS i");
	EXPECT_OK(hf_transaction(rig->where, NULL, run_that_is_refused, &options, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM codebase WHERE name = 'behind'"), 1);
}

struct named {
	int64_t count;
	char text[2048];
};

static void note_left_out(void *user, const char *event, const struct hf_log_field *fields, size_t nfields)
{
	struct named *named = user;
	if (strcmp(event, "candidate_left_out") != 0)
		return;
	const size_t at = strlen(named->text);
	assert_int_equal(nfields, 3);
	snprintf(named->text + at, sizeof(named->text) - at, "%.*s: %.*s\n", STR_ARG(fields[1].text),
	         STR_ARG(fields[2].text));
	named->count++;
}

/* Each kind of number that the schema lets in and no arithmetic can use; "aa" and "bb" are sound. */
static void d16_impossible_numbers_do_not_stop_the_others(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d16 = only(16), d19 = only(19);
	hf_error err = HF_ERROR_INIT;
	struct named named = {0};
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 100};
	struct hf_schedule_report report = {.items = -7};
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO codebase (name) VALUES ('nan'), ('infinite'), ('never'), ('wrapped')");
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', "
	             "'propose', NULL)::branch_publish_policy])");
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, value, publish_policy, success_chance) SELECT name, "
	        "s, 'x', 5, 'p', CASE name WHEN 'nan' THEN 'NaN' WHEN 'infinite' THEN 'Infinity' ELSE 0.5 END::float8 "
	        "FROM codebase, (VALUES ('fixes'), ('other')) AS c (s)");
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time) "
	        "VALUES ('r1', 'never', 'fixes', 'x', '{}', 'cs', NULL, '2024-01-01'), ('r2', 'wrapped', 'fixes', 'x', "
	        "'{}', 'cs', '4000-01-01 BC', '294000-01-01')");
	rig->on_event = note_left_out;
	rig->on_event_user = &named;
	options.keep = &d16;
	EXPECT_STATUS(hf_schedule_run(rig->where, &options, &report, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, ": its chance of success is no number");
	assert_int_equal(rig_count(rig, "queue"), 0);
	options.keep = NULL;
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.items, 6);
	assert_int_equal(report.refused, 6);
	assert_int_equal(report.added, 6);
	assert_int_equal(rig_number(rig, "SELECT last_value FROM queue_id_seq"), 6);
	assert_int_equal(named.count, 6);
	EXPECT_CONTAINS(named.text, "nan: its chance of success is no number\n");
	EXPECT_CONTAINS(named.text, "infinite: its chance of success is no number\n");
	EXPECT_CONTAINS(named.text, "never: an earlier run has no start or no finish time\n");
	EXPECT_CONTAINS(named.text, "wrapped: the estimated duration is negative\n");
	rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, "
	             "finish_time) VALUES ('r3', 'aa', 'third', 'x', '{}', 'cs', '2024-01-01', '2024-01-02')");
	options.campaign = HF_STR("fixes"); /* averages are asked for: that of the campaign is less than nothing */
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, 2);
	assert_int_equal(report.verified, 2);
	options.campaign = (struct hf_str){NULL, 0};
	options.keep = &d19; /* the chance is not looked at */
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.refused, 2);
	options.default_offset = (double)NAN;
	EXPECT_STATUS(hf_schedule_run(rig->where, &options, &report, &err), HF_E_INPUT);
	rig->on_event = NULL;
}

static void what_says_the_same_is_not_written_again(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 10};
	struct hf_schedule_report report;
	rig_load_text(rig, two);
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', "
	             "'propose', NULL)::branch_publish_policy])");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, publish_policy) VALUES "
	             "('aa', 'fixes', 'x', 100, 'p'), ('bb', 'fixes', 'x', 100, 'p')");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	rig_run(rig, "CREATE TABLE before AS SELECT id, codebase, xmin::text AS version FROM queue");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, 2);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue AS q JOIN before AS b USING (id) WHERE "
	                                 "q.xmin::text = b.version"),
	                 2);
	rig_run(rig, "UPDATE candidate SET command = 'y' WHERE codebase = 'bb'");
	rig_run(rig, "INSERT INTO holdfast.queue_claim (queue_id, generation, place, holder, attempt, attempts_max, "
	             "until) SELECT id, xmin::text::bigint, ctid, 'w', 1, 3, now() - interval '1 hour' FROM queue "
	             "WHERE codebase = 'aa'");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, 2);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue AS q JOIN before AS b USING (id) WHERE "
	                                 "q.xmin::text = b.version"),
	                 0);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE command = 'y' AND codebase = 'bb'"), 1);
	rig_run(rig, "DROP TABLE before");
}

static void d28_again_after_a_run(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects d28 = only(28);
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_result result;
	struct hf_schedule_after after = {.codebase = HF_STR("aa"),
	                                  .campaign = HF_STR("fixes"),
	                                  .context = HF_STR("1.2"),
	                                  .result_code = HF_STR("success")};
	bool scheduled;
	rig_load_text(rig, two);
	EXPECT_OK(hf_schedule_after_run(rig->where, &after, &scheduled, &result, &err));
	assert_false(scheduled);
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, context) VALUES ('aa', 'fixes', 'x', "
	             "100, '1.1')");
	EXPECT_OK(hf_schedule_after_run(rig->where, &after, &scheduled, &result, &err));
	assert_true(scheduled);
	assert_int_equal(
		rig_number(rig, "SELECT count(*) FROM queue WHERE requester = 'after run schedule' AND context = '1.2' "
	                        "AND bucket = 'default' AND NOT refresh AND command = 'x'"),
		1);
	rig_run(rig, "DELETE FROM queue");
	after.result_code = HF_STR("not-in-vcs");
	EXPECT_OK(hf_schedule_after_run(rig->where, &after, &scheduled, NULL, &err));
	assert_false(scheduled);
	after.keep = &d28;
	EXPECT_OK(hf_schedule_after_run(rig->where, &after, &scheduled, NULL, &err));
	assert_true(scheduled);
}

/* A claimed or dead entry does not hold its place, whatever its bucket: for one request and for many. */
static void a_claimed_entry_does_not_hold_its_place(void **state)
{
	struct rig *rig = *state;
	static const char *const endings[] = {"UPDATE holdfast.queue_claim SET state = 'leased'",
	                                      "UPDATE holdfast.queue_claim SET state = 'dead'",
	                                      "UPDATE holdfast.queue_claim SET state = 'failed'",
	                                      "UPDATE holdfast.queue_claim SET until = now()"};
	for (size_t i = 0; i < 2 * ARRAY_LEN(endings); i++) {
		bool open = i / 2 < 2;
		hf_error err = HF_ERROR_INIT;
		rig_load_text(rig, two);
		rig_run(rig, "DELETE FROM holdfast.queue_claim");
		rig_run(rig,
		        "INSERT INTO queue (codebase, suite, command, bucket) VALUES ('aa', 'fixes', 'old', 'manual')");
		rig_run(rig, "INSERT INTO holdfast.queue_claim (queue_id, generation, place, holder, attempt, "
		             "attempts_max, until) "
		             "SELECT id, xmin::text::bigint, ctid, 'me', 1, 1, now() + interval '1 hour' FROM queue");
		rig_run(rig, endings[i / 2]);
		if (i % 2) {
			struct hf_schedule_item item = {.codebase = HF_STR("aa"),
			                                .campaign = HF_STR("fixes"),
			                                .command = HF_STR("x"),
			                                .has_value = true,
			                                .value = 1.0,
			                                .has_success_chance = true,
			                                .success_chance = 1.0};
			struct hf_schedule_options options = {.size = sizeof(options), .verify = 1};
			struct hf_schedule_report report;
			EXPECT_OK(hf_schedule_bulk(rig->where, &item, 1, &options, &report, &err));
			assert_int_equal(report.replaced, open);
		} else {
			add(rig, "x", 5, NULL);
		}
		assert_int_equal(rig_number(rig,
		                            "SELECT count(*) FROM queue WHERE bucket = 'default' AND command = 'x'"),
		                 open);
	}
	rig_run(rig, "DELETE FROM holdfast.queue_claim");
}

/* ---- many at once and one after the other ---- */

enum { ITEMS = 24, CODEBASES = 5 };
static const char *const codebase_names[CODEBASES] = {"aa", "bb", "cc", "dd", "ee"};

static void load_random(struct rig *rig, uint64_t seed)
{
	char sql[512];
	rig_load_text(rig, "{\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"}]}");
	for (int i = 0; i < CODEBASES; i++) {
		uint64_t value = rig_below(&seed, 6);
		snprintf(sql, sizeof(sql), "INSERT INTO codebase (name, value) VALUES ('%s', nullif(%llu, 5))",
		         codebase_names[i], (unsigned long long)value);
		rig_run(rig, sql);
		for (int set = 0; set < 2; set++) {
			snprintf(sql, sizeof(sql),
			         "INSERT INTO candidate (codebase, suite, command, value, success_chance, change_set, "
			         "context) "
			         "VALUES ('%s', 'fixes', 'c%d', nullif(%llu, 0), nullif(%llu, 0) / 10.0, nullif('%s', "
			         "''), "
			         "nullif('%s', ''))",
			         codebase_names[i], set, (unsigned long long)rig_below(&seed, 50),
			         (unsigned long long)rig_below(&seed, 12), set ? "cs" : "",
			         rig_below(&seed, 2) ? "ctx" : "");
			rig_run(rig, sql);
			snprintf(sql, sizeof(sql),
			         "INSERT INTO queue (codebase, suite, command, bucket, priority, change_set) SELECT "
			         "'%s', 'fixes', "
			         "'old', (ARRAY['manual', 'default']::queue_bucket[])[%llu], %llu, nullif('%s', '') "
			         "WHERE %llu > 0",
			         codebase_names[i], (unsigned long long)rig_below(&seed, 2) + 1,
			         (unsigned long long)rig_below(&seed, 300), set ? "cs" : "",
			         (unsigned long long)rig_below(&seed, 2));
			rig_run(rig, sql);
		}
		snprintf(sql, sizeof(sql),
		         "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, "
		         "finish_time) "
		         "SELECT '%d', '%s', 'fixes', 'success', '{}', 'cs', '2024-01-01', '2024-01-01'::timestamp + "
		         "interval '%llu ms' WHERE %llu > 0",
		         i, codebase_names[i], (unsigned long long)rig_below(&seed, 100000),
		         (unsigned long long)rig_below(&seed, 2));
		rig_run(rig, sql);
	}
}

static void fill_items(struct hf_schedule_item items[ITEMS], uint64_t seed)
{
	for (int i = 0; i < ITEMS; i++) {
		items[i] = (struct hf_schedule_item){.codebase = hf_str_of(codebase_names[rig_below(&seed, CODEBASES)]),
		                                     .campaign = HF_STR("fixes"),
		                                     .has_value = rig_below(&seed, 2),
		                                     .value = 1.0 + (double)rig_below(&seed, 1000)};
		items[i].change_set = rig_below(&seed, 3) ? (struct hf_str){NULL, 0} : HF_STR("cs");
		items[i].has_success_chance = rig_below(&seed, 2);
		items[i].success_chance = (double)rig_below(&seed, 11) / 10.0;
	}
}

/* With D-24 the share of many items is not that of one: 7.11 instead of 7.5. */
static void share_as_many(struct rig *rig, const struct hf_defects *keep, struct hf_schedule_request *request)
{
	char sql[256];
	int64_t greatest = rig_number(rig, "SELECT max(coalesce(value, 0)) FROM codebase");
	request->has_normalized_value = hf_defects_kept(keep, 24);
	if (!request->has_normalized_value)
		return;
	snprintf(sql, sizeof(sql), "SELECT coalesce(value, 0) FROM codebase WHERE name = '%.*s'",
	         STR_ARG(request->item.codebase));
	double value = (double)rig_number(rig, sql);
	request->normalized_value = greatest == 0 ? 1.0 : value / (double)greatest;
}

static void one_after_the_other(struct rig *rig, const struct hf_schedule_item *items, const struct hf_defects *keep)
{
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < ITEMS; i++) {
		struct hf_schedule_request request = {.item = items[i], .keep = keep};
		struct hf_schedule_result result;
		share_as_many(rig, keep, &request);
		EXPECT_OK(hf_schedule_candidate(rig->where, &request, &result, NULL, &err));
	}
}

static void many_are_as_one_after_the_other(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = rig_seed();
	for (int round = 0; round < 40; round++) {
		static const int scheduling[] = {13, 14, 15, 18, 19, 24};
		struct hf_defects keep = round == 0 ? hf_defects_all() : (struct hf_defects)HF_DEFECTS_NONE;
		struct hf_schedule_item items[ITEMS];
		struct hf_schedule_report report;
		hf_error err = HF_ERROR_INIT;
		uint64_t of_round = rig_below(&seed, UINT64_MAX);
		for (size_t i = 0; round > 1 && i < ARRAY_LEN(scheduling); i++)
			hf_defects_keep(&keep, scheduling[i], rig_below(&seed, 2));
		hf_defects_keep(&keep, 20, false); /* it refuses some of these databases */
		struct hf_schedule_options options = {.size = sizeof(options), .verify = ITEMS, .keep = &keep};
		fill_items(items, of_round);
		load_random(rig, of_round);
		one_after_the_other(rig, items, &keep);
		json_t *expected = rig_state(rig);
		load_random(rig, of_round);
		EXPECT_OK(hf_schedule_bulk(rig->where, items, ITEMS, &options, &report, &err));
		assert_int_equal(report.verified, ITEMS);
		json_t *got = rig_state(rig);
		if (!json_equal(expected, got))
			fail_msg("round %d\none after the other %s\ntogether %s", round, json_dumps(expected, 0),
			         json_dumps(got, 0));
		json_decref(expected);
		json_decref(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(d13_d14_d15_priorities),
	                                   cmocka_unit_test(d11_hosts),
	                                   cmocka_unit_test(d75_a_place_that_was_freed),
	                                   cmocka_unit_test(d18_d19_cost_and_chance),
	                                   cmocka_unit_test(d20_d24_values_of_codebases),
	                                   cmocka_unit_test(d17_dependencies_that_nobody_knows),
	                                   cmocka_unit_test(d17_dependencies_over_versions),
	                                   cmocka_unit_test(d21_d22_direct_requests),
	                                   cmocka_unit_test(d16_d25_what_there_is_to_schedule),
	                                   cmocka_unit_test(d16_one_without_a_worth_does_not_stop_the_others),
	                                   cmocka_unit_test(d16_a_transaction_goes_on_behind_a_run_that_is_refused),
	                                   cmocka_unit_test(d16_impossible_numbers_do_not_stop_the_others),
	                                   cmocka_unit_test(what_says_the_same_is_not_written_again),
	                                   cmocka_unit_test(d28_again_after_a_run),
	                                   cmocka_unit_test(a_claimed_entry_does_not_hold_its_place),
	                                   cmocka_unit_test(many_are_as_one_after_the_other)};
	return cmocka_run_group_tests_name("switches", tests, rig_up, rig_down);
}
