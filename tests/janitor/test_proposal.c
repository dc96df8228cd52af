/* Merge proposals: what a look at the hosting site changes, which states they pass, and another URL. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM publish");
	rig_run(rig, "DELETE FROM merge_proposal");
	rig_load_text(rig,
	              "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	              "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],"
	              "\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":\"v1\","
	              "\"finish_time\":\"2024-01-01\"},"
	              "{\"id\":\"r2\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"unknown\",\"revision\":\"v2\","
	              "\"finish_time\":\"2024-01-02\"}]}");
	rig_run(rig, "INSERT INTO new_result_branch (run_id, role, remote_name, revision, absorbed) VALUES "
	             "('r1', 'main', NULL, 'v1', false), ('r2', 'main', 'm', 'v1', NULL), ('r2', 'debian', NULL, 'v2', "
	             "false)");
	rig_run(rig,
	        "INSERT INTO merge_proposal (url, codebase, status, revision, rate_limit_bucket) VALUES "
	        "('u1', 'aa', 'open', 'v1', 'b'), ('u2', NULL, 'merged', NULL, NULL), ('u3', 'aa', NULL, 'zz', 'b')");
}

static void a_look_stores_all_and_marks_branches(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_proposal seen = {.url = HF_STR("u9"),
	                           .codebase = HF_STR("aa"),
	                           .target_branch_url = HF_STR("t"),
	                           .status = HF_STR("merged"),
	                           .revision = HF_STR("v1"),
	                           .merged_by = HF_STR("jo"),
	                           .has_merged_at = true,
	                           .merged_at = {.us = 1000000},
	                           .has_can_be_merged = true,
	                           .rate_limit_bucket = HF_STR("b")};
	struct hf_proposal stored;
	struct hf_proposal_seen what;
	start(rig);
	EXPECT_OK(hf_proposal_put(rig->where, &seen, &what, &err));
	assert_true(what.inserted && what.branches == 2); /* of two runs; an unknown one counts as not absorbed */
	EXPECT_OK(hf_proposal_get(rig->where, HF_STR("u9"), arena, &stored, &err));
	assert_true(str_eq(stored.codebase, seen.codebase) && str_eq(stored.target_branch_url, seen.target_branch_url));
	assert_true(str_eq(stored.status, seen.status) && str_eq(stored.revision, seen.revision));
	assert_true(str_eq(stored.merged_by, seen.merged_by) &&
	            str_eq(stored.rate_limit_bucket, seen.rate_limit_bucket));
	assert_true(stored.has_merged_at && stored.merged_at.us == 1000000 && stored.has_last_scanned);
	assert_true(stored.has_can_be_merged && !stored.can_be_merged);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'u9' AND abs(extract(epoch FROM now() AT TIME ZONE "
	                                "'UTC' - last_scanned)) < 3600"),
	                 1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed AND revision = 'v1'"), 2);
	EXPECT_OK(hf_proposal_put(rig->where, &seen, &what, &err));
	assert_true(!what.inserted && what.branches == 0);
	seen = (struct hf_proposal){.url = HF_STR("u9"), .revision = HF_STR("v1")}; /* of unknown status: not merged */
	EXPECT_OK(hf_proposal_put(rig->where, &seen, &what, &err));
	assert_int_equal(what.branches, 2);
	assert_int_equal(
		rig_count(rig, "merge_proposal WHERE url = 'u9' AND status IS NULL AND codebase IS NULL AND merged_at "
	                       "IS NULL AND can_be_merged IS NULL"),
		1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
}

/* As one by one in the given order: of two with a revision the last says what became of it. */
static void many_looks_at_once(void **state)
{
	enum { MANY = 5002 };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_proposal *proposals = calloc(MANY, sizeof(*proposals));
	struct hf_proposals_seen seen;
	char urls[MANY][8];
	assert_non_null(proposals);
	start(rig);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(urls[i], sizeof(urls[i]), "u%u", i % 10000 + 1);
		proposals[i] = (struct hf_proposal){.url = hf_str_of(urls[i]), .status = HF_STR("open")};
	}
	proposals[0] = (struct hf_proposal){.url = HF_STR("u1"),
	                                    .codebase = HF_STR("bb"),
	                                    .status = HF_STR("merged"),
	                                    .revision = HF_STR("v1"),
	                                    .has_merged_at = true,
	                                    .merged_at = {.us = 1000000},
	                                    .has_can_be_merged = true};
	proposals[1].revision = proposals[2].revision = HF_STR("v2");
	proposals[1].status = HF_STR("merged");
	proposals[3].status = (struct hf_str){NULL, 0};
	proposals[4].revision = HF_STR("");
	EXPECT_OK(hf_proposal_import(rig->where, proposals, MANY, &seen, &err));
	assert_true(seen.inserted == MANY - 3 && seen.updated == 3 && seen.branches == 2);
	assert_int_equal(rig_count(rig,
	                           "merge_proposal WHERE url = 'u1' AND codebase = 'bb' AND merged_at = "
	                           "'2000-01-01 00:00:01' AND can_be_merged = false AND rate_limit_bucket IS NULL"),
	                 1);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE status IS NULL AND can_be_merged IS NULL"), 1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed AND revision = 'v1'"), 2);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed AND revision = 'v2'"), 0);
	EXPECT_OK(hf_proposal_import(rig->where, proposals, MANY, &seen, &err));
	assert_true(seen.inserted == 0 && seen.updated == MANY && seen.branches == 0);
	free(proposals);
}

static void one_look_of_many_refuses_all(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_proposal proposals[] = {{.url = HF_STR("n1")}, {.url = HF_STR("n2")}, {.url = HF_STR("n1")}};
	start(rig);
	EXPECT_STATUS(hf_proposal_import(rig->where, proposals, 3, NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "merge proposal 3: the same URL came before");
	proposals[2].url = (struct hf_str){NULL, 0};
	EXPECT_STATUS(hf_proposal_import(rig->where, proposals, 3, NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "merge proposal 3: a merge proposal needs a URL");
	proposals[1].status = HF_STR("opne");
	EXPECT_STATUS(hf_proposal_import(rig->where, proposals, 3, NULL, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "merge proposal 2: \"opne\" is no status of a merge proposal");
	proposals[1] = (struct hf_proposal){.url = HF_STR("n2"), .codebase = HF_STR("zz")};
	EXPECT_STATUS(hf_proposal_import(rig->where, proposals, 2, NULL, &err), HF_REJECTED);
	assert_string_equal(err.constraint, "merge_proposal_codebase_fkey");
	EXPECT_STATUS(hf_proposal_import(rig->where, proposals, 1000001, NULL, &err), HF_E_LIMIT);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url LIKE 'n%'"), 0);
}

static void a_look_without_a_revision_marks_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_proposal seen = {.url = HF_STR("u9"), .status = HF_STR("merged")};
	struct hf_proposal_seen what;
	start(rig);
	rig_run(rig, "UPDATE new_result_branch SET revision = '' WHERE role = 'debian'");
	EXPECT_OK(hf_proposal_put(rig->where, &seen, &what, &err));
	assert_int_equal(what.branches, 0);
	seen.revision = HF_STR("");
	EXPECT_OK(hf_proposal_put(rig->where, &seen, &what, &err));
	assert_int_equal(what.branches, 0);
}

static void what_cannot_be_stored_is_named(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_proposal bad = {.url = HF_STR(""), .status = HF_STR("open")};
	start(rig);
	EXPECT_STATUS(hf_proposal_put(rig->where, &bad, NULL, &err), HF_E_INPUT);
	bad.url = HF_STR("u9");
	bad.status = HF_STR("mergd");
	EXPECT_STATUS(hf_proposal_put(rig->where, &bad, NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "\"mergd\" is no status of a merge proposal");
	assert_string_equal(err.hint, "did you mean merged");
	bad.status = HF_STR("open");
	bad.codebase = HF_STR("zz");
	EXPECT_STATUS(hf_proposal_put(rig->where, &bad, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "there is no codebase zz");
	assert_int_equal(rig_count(rig, "merge_proposal"), 3);
}

static void only_what_is_open_or_closed_can_be_closed(void **state)
{
	static const char *const closed[] = {"closed", "abandoned", "rejected", "applied"};
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_str before, expected = HF_STR("open");
	start(rig);
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		EXPECT_OK(hf_proposal_set_status(rig->where, HF_STR("u1"), hf_str_of(closed[i]), &before, &err));
		assert_true(str_eq(before, expected));
		expected = hf_str_of(closed[i]);
	}
	EXPECT_STATUS(hf_proposal_set_status(rig->where, HF_STR("u2"), HF_STR("closed"), NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "merge proposal u2 is merged: it cannot be closed");
	EXPECT_STATUS(hf_proposal_set_status(rig->where, HF_STR("u3"), HF_STR("closed"), NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "merge proposal u3 is of unknown status: it cannot be closed");
	EXPECT_STATUS(hf_proposal_set_status(rig->where, HF_STR("u1"), HF_STR("merged"), NULL, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_proposal_set_status(rig->where, HF_STR("u1"), HF_STR("open"), NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "that a merge proposal is open only its hosting site can say");
	EXPECT_STATUS(hf_proposal_set_status(rig->where, HF_STR("u9"), HF_STR("closed"), NULL, &err), HF_NOT_FOUND);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE (url, status) IN (('u1', 'applied'), ('u2', 'merged'))"),
	                 2);
}

static void publishes_keep_their_proposal(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	start(rig);
	rig_run(rig,
	        "INSERT INTO publish (id, change_set, target_branch_url, mode, merge_proposal_url, result_code) VALUES "
	        "('p1', 'cs', 't', 'propose', 'u1', 'success')");
	EXPECT_STATUS(hf_proposal_delete(rig->where, HF_STR("u1"), &err), HF_REJECTED);
	assert_string_equal(err.message, "a publish names merge proposal u1");
	EXPECT_OK(hf_proposal_delete(rig->where, HF_STR("u2"), &err));
	EXPECT_STATUS(hf_proposal_delete(rig->where, HF_STR("u2"), &err), HF_NOT_FOUND);
	assert_int_equal(rig_count(rig, "merge_proposal"), 2);
}

static void another_url(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	bool joined;
	start(rig);
	rig_run(rig,
	        "INSERT INTO publish (id, change_set, target_branch_url, mode, merge_proposal_url, result_code) VALUES "
	        "('p1', 'cs', 't', 'propose', 'u1', 'success'), ('p2', 'cs', 't', 'propose', 'u2', 'success')");
	EXPECT_OK(hf_proposal_move(rig->where, HF_STR("u1"), HF_STR("n1"), &joined, &err)); /* nobody was there */
	assert_false(joined);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'n1' AND status = 'open' AND revision = 'v1'"), 1);
	assert_int_equal(rig_count(rig, "publish WHERE id = 'p1' AND merge_proposal_url = 'n1'"), 1);
	EXPECT_OK(hf_proposal_move(rig->where, HF_STR("n1"), HF_STR("u2"), &joined, &err));
	assert_true(joined);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'u2' AND status = 'merged' AND codebase = 'aa' AND "
	                                "rate_limit_bucket = 'b'"),
	                 1);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'n1'"), 0);
	assert_int_equal(rig_count(rig, "publish WHERE merge_proposal_url = 'u2'"), 2);
	EXPECT_STATUS(hf_proposal_move(rig->where, HF_STR("n1"), HF_STR("u2"), NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_proposal_move(rig->where, HF_STR("u2"), HF_STR("u2"), NULL, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_proposal_move(rig->where, HF_STR("u2"), HF_STR(""), NULL, &err), HF_E_INPUT);
}

static void where_a_proposal_comes_from(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_proposal_source source;
	struct hf_proposal proposal;
	start(rig);
	EXPECT_OK(hf_proposal_source(rig->where, HF_STR("u1"), arena, &source, &err));
	assert_true(str_eq(source.run_id, HF_STR("r2")) && str_eq(source.role, HF_STR("main")));
	assert_true(str_eq(source.campaign, HF_STR("fixes")) && str_eq(source.remote_name, HF_STR("m")));
	EXPECT_STATUS(hf_proposal_source(rig->where, HF_STR("u2"), arena, &source, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_proposal_open_of(rig->where, HF_STR("aa"), HF_STR("fixes"), arena, &proposal, &err),
	              HF_NOT_FOUND);
	rig_run(rig,
	        "INSERT INTO merge_proposal (url, codebase, status) VALUES ('u4', 'aa', 'open'), ('u5', 'bb', 'open')");
	rig_run(rig,
	        "INSERT INTO publish (id, change_set, target_branch_url, mode, merge_proposal_url, result_code, "
	        "branch_name, timestamp) VALUES ('p1', 'cs', 't', 'propose', 'u1', 'success', 'fixes', '2024-01-02'), "
	        "('p4', 'cs', 't', 'propose', 'u4', 'success', 'fixes', '2024-01-01'), "
	        "('p5', 'cs', 't', 'propose', 'u5', 'success', 'fixes', '2024-01-03')");
	EXPECT_OK(hf_proposal_open_of(rig->where, HF_STR("aa"), HF_STR("fixes"), arena, &proposal, &err));
	assert_true(str_eq(proposal.url, HF_STR("u1")));
	rig_run(rig, "UPDATE merge_proposal SET status = 'closed' WHERE url = 'u1'");
	EXPECT_OK(hf_proposal_open_of(rig->where, HF_STR("aa"), HF_STR("fixes"), arena, &proposal, &err));
	assert_true(str_eq(proposal.url, HF_STR("u4")));
}

static enum hf_status first(void *user, const struct hf_proposal *proposal, hf_error *err)
{
	char *text = user;
	(void)err;
	snprintf(text + strlen(text), 60 - strlen(text), "%.*s ", STR_ARG(proposal->url));
	return strlen(text) > 5 ? HF_STOP : HF_OK;
}

static void never_scanned_comes_with_scanned_long_ago(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char seen[60] = "";
	struct hf_proposal_filter filter = {.has_scanned_before = true, .scanned_before = {.us = 0}};
	start(rig);
	rig_run(rig, "UPDATE merge_proposal SET last_scanned = CASE url WHEN 'u1' THEN '2000-01-02'::timestamp WHEN "
	             "'u2' THEN "
	             "'1999-01-01' END");
	EXPECT_OK(hf_proposal_list(rig->where, &filter, first, seen, &err));
	assert_string_equal(seen, "u2 u3 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_look_stores_all_and_marks_branches),
	                                   cmocka_unit_test(many_looks_at_once),
	                                   cmocka_unit_test(one_look_of_many_refuses_all),
	                                   cmocka_unit_test(a_look_without_a_revision_marks_nothing),
	                                   cmocka_unit_test(what_cannot_be_stored_is_named),
	                                   cmocka_unit_test(only_what_is_open_or_closed_can_be_closed),
	                                   cmocka_unit_test(publishes_keep_their_proposal),
	                                   cmocka_unit_test(another_url),
	                                   cmocka_unit_test(where_a_proposal_comes_from),
	                                   cmocka_unit_test(never_scanned_comes_with_scanned_long_ago)};
	return cmocka_run_group_tests_name("proposal", tests, rig_up, rig_down);
}
