/* Who passes no hf_error gets the same answer as who does: each refusal that comes with a hint, both ways. */
#include "rig.h"

#include <stdio.h>
#include <unistd.h>

static enum hf_status a_set_of_defects(UNUSED struct rig *rig, hf_error *err)
{
	struct hf_defects defects;
	return hf_defects_parse(HF_STR("parity,nonsense"), &defects, err);
}

static enum hf_status a_bucket(UNUSED struct rig *rig, hf_error *err)
{
	enum hf_bucket bucket;
	return hf_bucket_parse(HF_STR("defualt"), &bucket, err);
}

static enum hf_status settings_without_a_port(struct rig *rig, hf_error *err)
{
	hf_settings *settings = NULL;
	assert_int_equal(hf_settings_new(rig->ctx, &settings, NULL), HF_OK);
	enum hf_status status = hf_settings_parse(settings, "postgresql://h:x/db", err);
	hf_settings_free(settings);
	return status;
}

static enum hf_status a_result_with_a_zone(UNUSED struct rig *rig, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_result result;
	return hf_run_result_decode(HF_STR("{\"code\":\"success\",\"start_time\":\"2024-05-06T07:08:09Z\","
	                                   "\"finish_time\":\"2024-05-06T07:08:09\"}"),
	                            NULL, arena, &result, err);
}

static enum hf_status a_candidate_of_no_campaign(struct rig *rig, hf_error *err)
{
	struct hf_candidate candidate = {.codebase = HF_STR("aa"),
	                                 .campaign = HF_STR("no name"),
	                                 .command = HF_STR("x")};
	return hf_candidate_import(rig->where, &candidate, 1, NULL, err);
}

static enum hf_status a_candidate_without_a_command(struct rig *rig, hf_error *err)
{
	struct hf_candidate candidate = {.codebase = HF_STR("aa"), .campaign = HF_STR("never-set")};
	return hf_candidate_set(rig->where, &candidate, HF_CANDIDATE_CONTEXT, NULL, NULL, err);
}

static enum hf_status a_candidate_in_no_bucket(struct rig *rig, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_options options = {.size = sizeof(options)};
	struct hf_candidate_upload_report report;
	return hf_candidate_upload(rig->where, HF_STR("[{\"codebase\":\"aa\",\"campaign\":\"c\",\"bucket\":\"no\"}]"),
	                           &options, arena, &report, err);
}

static enum hf_status a_codebase_of_no_system(struct rig *rig, hf_error *err)
{
	struct hf_codebase codebase = {.name = HF_STR("aa"), .vcs_type = HF_STR("pijul")};
	return hf_codebase_set(rig->where, &codebase, HF_CODEBASE_VCS_TYPE, NULL, err);
}

static enum hf_status a_codebase_with_runs(struct rig *rig, hf_error *err)
{
	return hf_codebase_delete(rig->where, HF_STR("aa"), err);
}

static enum hf_status a_claim_of_the_originals(struct rig *rig, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("w")};
	struct hf_claim claim;
	return hf_claim_next(rig->where, &options, arena, &claim, err);
}

static enum hf_status values_of_zero(struct rig *rig, hf_error *err)
{
	struct hf_defects keep = hf_defects_all();
	struct hf_schedule_options options = {.size = sizeof(options), .keep = &keep};
	struct hf_schedule_report report;
	return hf_schedule_run(rig->where, &options, &report, err);
}

static enum hf_status no_candidate_to_schedule(struct rig *rig, hf_error *err)
{
	struct hf_schedule_direct request = {.codebase = HF_STR("aa"), .campaign = HF_STR("never-set")};
	struct hf_schedule_result result;
	return hf_schedule_one(rig->where, &request, &result, err);
}

static enum hf_status a_proposal_said_to_be_open(struct rig *rig, hf_error *err)
{
	return hf_proposal_set_status(rig->where, HF_STR("https://h/1"), HF_STR("open"), NULL, err);
}

static enum hf_status migrations_that_are_pending(struct rig *rig, hf_error *err)
{
	char folder[] = "/tmp/hf-unasked-XXXXXX", path[64];
	hf_migrations *set = NULL;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/0001_a.sql", folder);
	FILE *file = fopen(path, "w");
	assert_true(file && fputs("-- up\nSELECT 1;\n", file) >= 0 && fclose(file) == 0);
	assert_int_equal(hf_migrations_open(rig->ctx, "mine", folder, &set, NULL), HF_OK);
	enum hf_status status = hf_migrate_check(rig->where, set, err);
	hf_migrations_free(set);
	assert_true(unlink(path) == 0 && rmdir(folder) == 0);
	return status;
}

static enum hf_status a_set_that_is_not_built_in(struct rig *rig, hf_error *err)
{
	hf_migrations *set = NULL;
	return hf_migrations_embedded(rig->ctx, "nonsense", &set, err);
}

static const struct {
	enum hf_status (*ask)(struct rig *rig, hf_error *err);
	enum hf_status answer;
} refusals[] = {{a_set_of_defects, HF_E_INPUT},
                {a_bucket, HF_E_INPUT},
                {settings_without_a_port, HF_E_CONFIG},
                {a_result_with_a_zone, HF_E_INPUT},
                {a_candidate_of_no_campaign, HF_E_INPUT},
                {a_candidate_without_a_command, HF_E_INPUT},
                {a_candidate_in_no_bucket, HF_E_INPUT},
                {a_codebase_of_no_system, HF_E_INPUT},
                {a_codebase_with_runs, HF_REJECTED},
                {a_claim_of_the_originals, HF_CONFLICT},
                {values_of_zero, HF_REJECTED},
                {no_candidate_to_schedule, HF_NOT_FOUND},
                {a_proposal_said_to_be_open, HF_E_INPUT},
                {migrations_that_are_pending, HF_DIFFERS},
                {a_set_that_is_not_built_in, HF_NOT_FOUND}};

static void the_answer_is_the_same_without_an_error(void **state)
{
	struct rig *rig = *state;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"value\":0}],"
	                   "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],"
	                   "\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\","
	                   "\"result_code\":\"success\",\"logfilenames\":[],\"change_set\":\"cs\"}],"
	                   "\"named_publish_policy\":[{\"name\":\"p\"}],"
	                   "\"candidate\":[{\"codebase\":\"aa\",\"suite\":\"fixes\",\"command\":\"x\","
	                   "\"publish_policy\":\"p\"}]}");
	rig_run(rig, "UPDATE holdfast.queue_assigner SET active = 'original'");
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		hf_error err = HF_ERROR_INIT;
		print_message("# refusal %zu\n", i + 1);
		EXPECT_STATUS(refusals[i].ask(rig, &err), refusals[i].answer);
		assert_int_equal(err.status, refusals[i].answer);
		EXPECT_STATUS(refusals[i].ask(rig, NULL), refusals[i].answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_the_same_without_an_error),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
