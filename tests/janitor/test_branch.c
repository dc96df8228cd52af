/* What runs leave behind: branches that land (D-07 both ways), followups (D-35), runs that go (D-66). */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM debian_build");
	rig_run(rig, "DELETE FROM review");
	rig_run(rig, "DELETE FROM followup");
	rig_load_text(rig,
	              "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	              "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],"
	              "\"candidate\":[{\"codebase\":\"bb\",\"suite\":\"fixes\",\"command\":\"x\"},"
	              "{\"codebase\":\"bb\",\"suite\":\"docs\",\"command\":\"x\"}],"
	              "\"run\":["
	              "{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],"
	              "\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"start_time\":\"2024-01-01\",\"resume_"
	              "from\":null},"
	              "{\"id\":\"r2\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"nothing-new-to-do\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"start_time\":\"2024-"
	              "01-02\","
	              "\"resume_from\":\"r1\"}]}");
	rig_run(rig,
	        "INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r1', 'main', 'v1'), ('r1', 'debian', "
	        "'v2'), ('r2', 'main', 'v1')");
	rig_run(rig, "UPDATE run SET publish_status = publish_status"); /* so that last_run sees the branches */
}

static void absorb(struct rig *rig, const char *role, bool absorbed, const struct hf_defects *keep)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_result_branch_set_absorbed(rig->where, HF_STR("r1"), hf_str_of(role), absorbed, keep, NULL, NULL,
	                                        &err));
}

static bool unabsorbed(struct rig *rig)
{
	return rig_count(rig, "last_run WHERE codebase = 'aa' AND last_unabsorbed_run_id = 'r1'") == 1;
}

/* D-07: triggers hear of false to true only. */
static void what_became_of_a_branch_is_heard(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = HF_DEFECTS_NONE;
	bool known, before;
	start(rig);
	hf_defects_keep(&keep, 7, true);
	assert_true(unabsorbed(rig));
	absorb(rig, "main", true, NULL);
	assert_true(unabsorbed(rig)); /* the other one has not landed */
	absorb(rig, "debian", true, &keep);
	assert_false(unabsorbed(rig));
	absorb(rig, "debian", false, &keep);
	assert_false(unabsorbed(rig)); /* nobody heard of it */
	absorb(rig, "debian", false, NULL);
	assert_true(unabsorbed(rig));
	rig_run(rig, "UPDATE new_result_branch SET absorbed = NULL WHERE role = 'debian'");
	EXPECT_OK(hf_result_branch_set_absorbed(rig->where, HF_STR("r1"), HF_STR("debian"), true, NULL, &known, &before,
	                                        &err));
	assert_true(!known && !before && !unabsorbed(rig));
	EXPECT_OK(hf_result_branch_set_absorbed(rig->where, HF_STR("r1"), HF_STR("debian"), true, NULL, &known, &before,
	                                        &err));
	assert_true(known && before);
	EXPECT_STATUS(hf_result_branch_set_absorbed(rig->where, HF_STR("r1"), HF_STR("x"), true, NULL, NULL, NULL,
	                                            &err),
	              HF_NOT_FOUND);
	assert_string_equal(err.message, "run r1 has no branch with role x");
}

static enum hf_status note(void *user, const struct hf_result_branch *branch, hf_error *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 80 - strlen(text), "%.*s/%.*s ", STR_ARG(branch->run_id), STR_ARG(branch->role));
	return HF_OK;
}

static void expect_branches(struct rig *rig, const struct hf_result_branch_filter *filter, const char *expected)
{
	hf_error err = HF_ERROR_INIT;
	char seen[80] = "";
	EXPECT_OK(hf_result_branch_list(rig->where, filter, note, seen, &err));
	assert_string_equal(seen, expected);
}

static void branches_by_run_and_role(void **state)
{
	struct rig *rig = *state;
	struct hf_result_branch after = {.run_id = HF_STR("r1"), .role = HF_STR("debian")};
	start(rig);
	absorb(rig, "main", true, NULL);
	rig_run(rig, "UPDATE new_result_branch SET absorbed = NULL WHERE run_id = 'r2'");
	expect_branches(rig, &(struct hf_result_branch_filter){.limit = 0}, "r1/debian r1/main r2/main ");
	expect_branches(rig, &(struct hf_result_branch_filter){.after = &after, .limit = 1}, "r1/main ");
	expect_branches(rig, &(struct hf_result_branch_filter){.revision = HF_STR("v1")}, "r1/main r2/main ");
	expect_branches(rig, &(struct hf_result_branch_filter){.has_absorbed = true}, "r1/debian r2/main ");
	expect_branches(rig, &(struct hf_result_branch_filter){.has_absorbed = true, .absorbed = true}, "r1/main ");
	expect_branches(rig, &(struct hf_result_branch_filter){.codebase = HF_STR("bb")}, "");
}

/* ---- followups ---- */

static enum hf_status note_followup(void *user, const struct hf_followup *followup, hf_error *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 80 - strlen(text), "%.*s>%d:%.*s ", STR_ARG(followup->origin),
	         followup->candidate_id, STR_ARG(followup->campaign));
	return HF_OK;
}

static void candidates_follow_up_on_runs(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_str origins[] = {HF_STR("r1"), HF_STR("r2"), HF_STR("r1")}, unknown[] = {HF_STR("r9")};
	struct hf_defects keep = HF_DEFECTS_NONE;
	struct hf_followup after = {.origin = HF_STR("r1"), .candidate_id = 1};
	char seen[80] = "";
	int64_t new;
	start(rig);
	EXPECT_OK(hf_followup_put(rig->where, 1, origins, 2, NULL, &new, &err));
	assert_int_equal(new, 2);
	EXPECT_OK(hf_followup_put(rig->where, 1, origins, 3, NULL, &new, &err));
	assert_int_equal(new, 0);
	EXPECT_OK(hf_followup_put(rig->where, 2, origins, 1, NULL, &new, &err));
	EXPECT_OK(hf_followup_list(rig->where, &(struct hf_followup_filter){.limit = 0}, note_followup, seen, &err));
	assert_string_equal(seen, "r1>1:fixes r1>2:docs r2>1:fixes ");
	seen[0] = '\0';
	EXPECT_OK(hf_followup_list(rig->where, &(struct hf_followup_filter){.after = &after, .limit = 1}, note_followup,
	                           seen, &err));
	assert_string_equal(seen, "r1>2:docs ");
	EXPECT_STATUS(hf_followup_put(rig->where, 1, unknown, 1, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "candidate 1 follows up on a run that is not there");
	EXPECT_STATUS(hf_followup_put(rig->where, 99, origins, 1, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "there is no candidate 99");
	hf_defects_keep(&keep, 35, true);
	EXPECT_OK(hf_followup_put(rig->where, 2, origins, 0, &keep, &new, &err)); /* nothing to store works */
	EXPECT_STATUS(hf_followup_put(rig->where, 2, &origins[1], 1, &keep, NULL, &err), HF_REJECTED);
	assert_int_equal(rig_count(rig, "followup"), 3);
	EXPECT_OK(hf_followup_delete(rig->where, 2, HF_STR("r1"), &err));
	EXPECT_STATUS(hf_followup_delete(rig->where, 2, HF_STR("r1"), &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "candidate 2 does not follow up on run r1");
}

/* ---- runs that go ---- */

static enum hf_status removed(struct rig *rig, const char *id, bool parts, const struct hf_defects *keep,
                              struct hf_run_deleted *ret_deleted, hf_error *err)
{
	hf_arena *arena = hf_arena_new(0);
	enum hf_status status = hf_run_delete(rig->where, hf_str_of(id), parts, keep, arena, ret_deleted, err);
	hf_arena_free(arena);
	return status;
}

/* D-66: the foreign key of last_run is looked at before its trigger. */
static void another_run_speaks(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = HF_DEFECTS_NONE;
	start(rig);
	hf_defects_keep(&keep, 66, true);
	assert_int_equal(rig_count(rig, "last_run WHERE last_run_id = 'r2' AND last_effective_run_id = 'r1'"), 1);
	EXPECT_STATUS(removed(rig, "r2", false, &keep, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "last_run names run r2");
	EXPECT_STATUS(removed(rig, "r1", false, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "another run found nothing new beyond run r1");
	assert_int_equal(rig_count(rig, "run"), 2);
	EXPECT_OK(removed(rig, "r2", false, NULL, NULL, &err));
	assert_int_equal(rig_count(rig, "last_run WHERE last_run_id = 'r1' AND last_effective_run_id = 'r1'"), 1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE run_id = 'r2'"), 0);
	EXPECT_OK(removed(rig, "r1", false, NULL, NULL, &err));
	assert_int_equal(rig_count(rig, "last_run") + rig_count(rig, "run"), 0);
	assert_int_equal(rig_count(rig, "change_set"), 1);
	EXPECT_STATUS(removed(rig, "r1", false, NULL, NULL, &err), HF_NOT_FOUND);
}

static void what_names_a_run_keeps_it(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{"INSERT INTO debian_build (run_id, version, distribution, source) VALUES ('r2', '1', 'sid', 'aa')",
	         "a Debian build names run r2"},
		{"INSERT INTO review (run_id, verdict) VALUES ('r2', 'approved')", "a review names run r2"},
		{"INSERT INTO followup (origin, candidate) VALUES ('r2', 1)", "a candidate follows up on run r2"}};
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_run_deleted deleted;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(rig);
		rig_run(rig, cases[i].sql);
		EXPECT_STATUS(removed(rig, "r2", false, NULL, NULL, &err), HF_REJECTED);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(rig_count(rig, "run") + rig_count(rig, "last_run"), 3);
		EXPECT_OK(removed(rig, "r2", true, NULL, &deleted, &err));
		assert_int_equal(deleted.builds + deleted.reviews + deleted.followups, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_became_of_a_branch_is_heard),
	                                   cmocka_unit_test(branches_by_run_and_role),
	                                   cmocka_unit_test(candidates_follow_up_on_runs),
	                                   cmocka_unit_test(another_run_speaks),
	                                   cmocka_unit_test(what_names_a_run_keeps_it)};
	return cmocka_run_group_tests_name("branch", tests, rig_up, rig_down);
}
