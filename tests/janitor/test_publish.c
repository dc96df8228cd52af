/* What was published: stored with what follows from it, refused whole, found again. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM publish");
	rig_run(rig, "DELETE FROM merge_proposal");
	rig_load_text(rig,
	              "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],"
	              "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"}],"
	              "\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\",\"result_code\":\"success\","
	              "\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":\"approved\",\"revision\":\"v1\"}"
	              "]}");
	rig_run(rig,
	        "INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r1', 'main', 'v1'), ('r1', 'debian', "
	        "'v2')");
	rig_run(rig, "UPDATE run SET publish_status = publish_status"); /* so that last_run sees the branches */
}

static struct hf_publish pushed(const char *id)
{
	return (struct hf_publish){.id = hf_str_of(id),
	                           .change_set = HF_STR("cs"),
	                           .codebase = HF_STR("aa"),
	                           .target_branch_url = HF_STR("t"),
	                           .revision = HF_STR("v1"),
	                           .role = HF_STR("main"),
	                           .mode = HF_STR("push"),
	                           .result_code = HF_STR("success")};
}

static void a_push_absorbs_its_branch(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	struct hf_publish_effect effect;
	start(rig);
	assert_int_equal(rig_count(rig, "change_set WHERE state = 'ready'"), 1);
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, &effect, &err));
	assert_true(effect.absorbed && !effect.proposed);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed AND role = 'main'"), 1);
	assert_int_equal(rig_count(rig, "change_set WHERE state = 'publishing'"), 1);
	assert_int_equal(rig_count(rig, "publish WHERE id = 'p1' AND abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - "
	                                "timestamp)) < 3600"),
	                 1);
	publish.id = HF_STR("p2");
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, &effect, &err));
	assert_false(effect.absorbed || effect.proposed);
	publish.role = HF_STR("debian");
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, &effect, &err));
	assert_int_equal(rig_count(rig, "change_set WHERE state = 'done'"), 1);
	assert_int_equal(rig_count(rig, "last_run WHERE last_unabsorbed_run_id IS NULL"), 1);
}

/* Where last_run has not heard of the branches yet (D-04) the triggers would see none of them left. */
static void a_change_set_is_not_done_while_a_branch_waits(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	start(rig);
	rig_run(rig, "UPDATE last_run SET last_unabsorbed_run_id = NULL");
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, NULL, &err));
	assert_int_equal(rig_count(rig, "change_set WHERE state = 'publishing'"), 1);
	assert_int_equal(rig_count(rig, "last_run WHERE last_unabsorbed_run_id = 'r1'"), 1);
}

static void last_run_hears_of_a_branch_that_nobody_knew(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	struct hf_defects keep = HF_DEFECTS_NONE;
	hf_defects_keep(&keep, 7, true);
	for (int deaf = 0; deaf < 2; deaf++) {
		start(rig);
		rig_run(rig, "UPDATE new_result_branch SET absorbed = NULL WHERE role = 'main'");
		rig_run(rig, "UPDATE last_run SET last_unabsorbed_run_id = NULL");
		EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), deaf ? &keep : NULL, NULL, &err));
		/* Where a mend of D-07 is applied the triggers tell it all the same. */
		assert_int_equal(rig_count(rig, "last_run WHERE last_unabsorbed_run_id = 'r1'"),
		                 !deaf || getenv("HOLDFAST_TEST_MENDS"));
	}
}

static void only_a_push_that_succeeded_absorbs(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	start(rig);
	publish.mode = HF_STR("push-derived");
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, NULL, &err));
	publish.mode = HF_STR("push");
	publish.result_code = HF_STR("diverged-branches");
	EXPECT_OK(hf_publish_store(rig->where, &publish, HF_STR("r1"), NULL, NULL, &err));
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
	assert_int_equal(rig_count(rig, "publish"), 2);
}

static void a_proposal_is_stored_with_it(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	struct hf_publish_effect effect;
	start(rig);
	publish.mode = HF_STR("propose");
	publish.merge_proposal_url = HF_STR("u1");
	EXPECT_OK(hf_publish_store(rig->where, &publish, (struct hf_str){NULL, 0}, NULL, &effect, &err));
	assert_true(effect.proposed && !effect.absorbed);
	assert_int_equal(
		rig_count(rig, "merge_proposal WHERE url = 'u1' AND status = 'open' AND revision = 'v1' AND codebase = "
	                       "'aa' AND target_branch_url = 't' AND last_scanned IS NOT NULL"),
		1);
	rig_run(rig, "UPDATE merge_proposal SET status = 'closed', rate_limit_bucket = 'b'");
	publish.revision = HF_STR("v9");
	EXPECT_OK(hf_publish_store(rig->where, &publish, (struct hf_str){NULL, 0}, NULL, &effect, &err));
	assert_false(effect.proposed);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'u1' AND status = 'closed' AND revision = 'v9' AND "
	                                "rate_limit_bucket = 'b'"),
	                 1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
}

/* More than one statement takes, in one transaction; what follows is that of storing them one by one. */
static void many_at_once(void **state)
{
	enum { MANY = 5003 };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish_try *tries = calloc(MANY, sizeof(*tries));
	struct hf_publish_effects effects;
	assert_non_null(tries);
	start(rig);
	for (size_t i = 0; i < MANY; i++) {
		tries[i].publish = pushed("p");
		tries[i].publish.result_code = HF_STR("failed");
		tries[i].publish.has_timestamp = i != 1;
		tries[i].publish.timestamp.us = 1000000;
	}
	tries[0].publish.result_code = tries[MANY - 1].publish.result_code = HF_STR("success");
	tries[0].run_id = tries[MANY - 1].run_id = HF_STR("r1");
	for (size_t i = 2; i < 4; i++) {
		tries[i].publish.mode = HF_STR("propose");
		tries[i].publish.result_code = HF_STR("success");
		tries[i].publish.merge_proposal_url = HF_STR("u1");
		tries[i].publish.revision = i == 2 ? HF_STR("v8") : HF_STR("v9");
	}
	EXPECT_OK(hf_publish_import(rig->where, tries, MANY, NULL, &effects, &err));
	assert_true(effects.proposed == 1 && effects.absorbed == 1);
	assert_int_equal(rig_count(rig, "publish WHERE timestamp = '2000-01-01 00:00:01'"), MANY - 1);
	assert_int_equal(rig_count(rig, "publish WHERE timestamp > '2001-01-01'"), 1);
	assert_int_equal(rig_count(rig, "merge_proposal WHERE url = 'u1' AND revision = 'v9'"), 1);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed AND role = 'main'"), 1);
	assert_int_equal(rig_count(rig, "change_set WHERE state = 'publishing'"), 1);
	EXPECT_OK(hf_publish_import(rig->where, tries, 0, NULL, NULL, &err));
	free(tries);
}

static void one_of_many_refuses_all(void **state)
{
	enum { MANY = 5002 };
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish_try *tries = calloc(MANY, sizeof(*tries));
	const struct hf_defects parity = hf_defects_all();
	assert_non_null(tries);
	start(rig);
	for (size_t i = 0; i < MANY; i++)
		tries[i] = (struct hf_publish_try){pushed("p"), HF_STR("r1")};
	tries[MANY - 1].publish.change_set = HF_STR("zz");
	EXPECT_STATUS(hf_publish_import(rig->where, tries, MANY, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.constraint, "publish_change_set_fkey");
	EXPECT_CONTAINS(err.message, "publishes 5001 to 5002: ");
	tries[6].publish.mode = HF_STR("psh");
	EXPECT_STATUS(hf_publish_import(rig->where, tries, MANY, NULL, NULL, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "publish 7: \"psh\" is no publish mode");
	EXPECT_STATUS(hf_publish_import(rig->where, tries, 2, &parity, NULL, &err), HF_REJECTED);
	EXPECT_STATUS(hf_publish_import(rig->where, tries, 1000001, NULL, NULL, &err), HF_E_LIMIT);
	assert_int_equal(rig_count(rig, "publish"), 0);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
	free(tries);
}

static void what_a_success_needs(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	const struct hf_str none = {NULL, 0}, r1 = HF_STR("r1");
	struct hf_publish cases[10];
	static const char *const messages[] = {"a merge proposal comes of mode propose, not of push",
	                                       "a success of mode propose needs a merge proposal",
	                                       "what was pushed needs its revision, its role and its run",
	                                       "what was pushed needs its revision, its role and its run",
	                                       "\"psh\" is no publish mode",
	                                       "a publish needs an id",
	                                       "a publish needs a change set",
	                                       "a publish needs the URL of its target branch",
	                                       "a publish needs a result code",
	                                       "what was pushed needs its revision, its role and its run"};
	start(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cases[i] = pushed("p1");
	cases[0].merge_proposal_url = HF_STR("u1");
	cases[1].mode = HF_STR("propose");
	cases[2].revision = none;
	cases[3].role = none;
	cases[4].mode = HF_STR("psh");
	cases[5].id = none;
	cases[6].change_set = none;
	cases[7].target_branch_url = none;
	cases[8].result_code = none;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_STATUS(hf_publish_store(rig->where, &cases[i], i == 9 ? none : r1, NULL, NULL, &err),
		              HF_E_INPUT);
		assert_string_equal(err.message, messages[i]);
	}
	assert_int_equal(rig_count(rig, "publish"), 0);
}

static void what_the_database_does_not_know(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	const struct hf_str r1 = HF_STR("r1");
	start(rig);
	publish.change_set = HF_STR("zz");
	EXPECT_STATUS(hf_publish_store(rig->where, &publish, r1, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "there is no change set zz");
	publish = pushed("p1");
	publish.codebase = HF_STR("zz");
	EXPECT_STATUS(hf_publish_store(rig->where, &publish, r1, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "there is no codebase zz");
	publish = pushed("p1");
	publish.mode = HF_STR("propose");
	publish.result_code = HF_STR("failed");
	publish.merge_proposal_url = HF_STR("u9");
	EXPECT_STATUS(hf_publish_store(rig->where, &publish, r1, NULL, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "there is no merge proposal u9");
	assert_int_equal(rig_count(rig, "publish") + rig_count(rig, "merge_proposal"), 0);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
}

/* D-30: the original's statement names a column that is not there. */
static void the_original_stores_no_history(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_publish publish = pushed("p1");
	struct hf_defects keep = HF_DEFECTS_NONE;
	start(rig);
	hf_defects_keep(&keep, 30, true);
	EXPECT_STATUS(hf_publish_store(rig->where, &publish, HF_STR("r1"), &keep, NULL, &err), HF_REJECTED);
	assert_string_equal(err.message, "publish p1 names a column that the table does not have: run_id");
	assert_int_equal(rig_count(rig, "publish") + rig_count(rig, "new_result_branch WHERE absorbed"), 0);
}

static void fill_history(struct rig *rig)
{
	start(rig);
	rig_run(rig, "INSERT INTO publish (id, change_set, codebase, target_branch_url, mode, result_code, revision, "
	             "timestamp) VALUES ('p1', 'cs', 'aa', 't', 'push', 'success', 'v1', '2024-01-01'), "
	             "('p2', 'cs', 'aa', 't', 'push', 'failed', 'v1', '2024-01-02'), "
	             "('p3', 'cs', 'bb', 't', 'push', 'success', 'v8', '2024-01-02'), "
	             "('p4', 'cs', NULL, 't', 'bts', 'differ-unreachable', 'v1', NULL), "
	             "('p5', 'cs', NULL, 't', 'bts', 'failed', NULL, NULL), "
	             "('p1', 'cs', 'aa', 'u', 'push', 'success', NULL, '2023-01-01')");
}

struct page {
	char ids[64];
	struct hf_publish last;
	hf_arena *arena;
};

static enum hf_status one_more(void *user, const struct hf_publish *publish, hf_error *err)
{
	struct page *page = user;
	(void)err;
	snprintf(page->ids + strlen(page->ids), sizeof(page->ids) - strlen(page->ids), "%.*s ", STR_ARG(publish->id));
	page->last = *publish;
	page->last.id = hf_arena_str(page->arena, publish->id);
	return HF_STOP;
}

static void pages_meet(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct page page = {.arena = arena};
	struct hf_publish_filter filter = {.limit = 1};
	size_t before;
	fill_history(rig);
	do {
		before = strlen(page.ids);
		EXPECT_OK(hf_publish_list(rig->where, &filter, one_more, &page, &err));
		filter.after = &page.last;
	} while (strlen(page.ids) > before);
	assert_string_equal(page.ids, "p5 p4 p3 p2 p1 p1 ");
}

static int64_t counted(struct rig *rig, const struct hf_publish_filter *filter)
{
	hf_error err = HF_ERROR_INIT;
	int64_t count;
	EXPECT_OK(hf_publish_count(rig->where, filter, &count, &err));
	return count;
}

static void what_is_found(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_publish publish;
	int64_t attempts;
	fill_history(rig);
	EXPECT_OK(hf_publish_get(rig->where, HF_STR("p1"), arena, &publish, &err));
	assert_true(str_eq(publish.target_branch_url, HF_STR("t"))); /* the newer of two */
	EXPECT_STATUS(hf_publish_get(rig->where, HF_STR("p9"), arena, &publish, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_publish_last(rig->where, HF_STR("aa"), HF_STR("fixes"), arena, &publish, &err));
	assert_true(str_eq(publish.id, HF_STR("p1")) && str_eq(publish.revision, HF_STR("v1")));
	EXPECT_STATUS(hf_publish_last(rig->where, HF_STR("bb"), HF_STR("fixes"), arena, &publish, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_publish_attempts(rig->where, HF_STR("v1"), &attempts, &err));
	assert_int_equal(attempts, 2);
	assert_int_equal(counted(rig, &(struct hf_publish_filter){.limit = 1}), 6);
	assert_int_equal(counted(rig, &(struct hf_publish_filter){.codebase = HF_STR("aa")}), 3);
	assert_int_equal(counted(rig, &(struct hf_publish_filter){.campaign = HF_STR("fixes")}), 3);
	assert_int_equal(counted(rig,
	                         &(struct hf_publish_filter){.mode = HF_STR("bts"), .result_code = HF_STR("failed")}),
	                 1);
	assert_int_equal(counted(rig, &(struct hf_publish_filter){.revision = HF_STR("v1"), .role = HF_STR("main")}),
	                 0);
	EXPECT_STATUS(hf_publish_count(rig->where, &(struct hf_publish_filter){.mode = HF_STR("x")}, &attempts, &err),
	              HF_E_INPUT);
}

static void a_try_is_corrected_part_by_part(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	const struct hf_publish publish = {.id = HF_STR("p2"),
	                                   .result_code = HF_STR("diverged"),
	                                   .description = HF_STR("d"),
	                                   .requester = HF_STR("r"),
	                                   .codebase = HF_STR("bb"),
	                                   .branch_name = HF_STR("n"),
	                                   .target_branch_url = HF_STR("t2"),
	                                   .subpath = HF_STR("s")};
	int64_t changed = 0;
	fill_history(rig);
	EXPECT_OK(hf_publish_update(rig->where, &publish, HF_PUBLISH_RESULT, &changed, &err));
	assert_int_equal(changed, 1);
	assert_int_equal(rig_count(rig,
	                           "publish WHERE id = 'p2' AND result_code = 'diverged' AND description = 'd' AND "
	                           "requester IS NULL AND codebase = 'aa' AND target_branch_url = 't' AND "
	                           "timestamp = '2024-01-02'"),
	                 1);
	EXPECT_OK(hf_publish_update(rig->where, &publish,
	                            HF_PUBLISH_REQUESTER | HF_PUBLISH_CODEBASE | HF_PUBLISH_SOURCE | HF_PUBLISH_TARGET,
	                            NULL, &err));
	assert_int_equal(rig_count(rig,
	                           "publish WHERE id = 'p2' AND requester = 'r' AND codebase = 'bb' AND branch_name "
	                           "= 'n' AND target_branch_url = 't2' AND subpath = 's'"),
	                 1);
	EXPECT_OK(hf_publish_update(rig->where, &(struct hf_publish){.id = HF_STR("p1")}, HF_PUBLISH_CODEBASE, &changed,
	                            &err)); /* {NULL, 0} is what the database calls NULL; two tries have that id */
	assert_int_equal(changed, 2);
	assert_int_equal(rig_count(rig, "publish WHERE id = 'p1' AND codebase IS NULL AND result_code = 'success'"), 2);
	assert_int_equal(rig_count(rig, "publish WHERE codebase = 'bb'"), 2);
	assert_int_equal(rig_count(rig, "new_result_branch WHERE absorbed"), 0);
}

struct correcting {
	struct rig *rig;
	int64_t changed;
	enum hf_status status;
	hf_error err;
};

static void *correct(void *user)
{
	struct correcting *it = user;
	const struct hf_publish publish = {.id = HF_STR("p2"), .requester = HF_STR("r")};
	it->status = hf_publish_update(hf_on_connection(it->rig->second), &publish, HF_PUBLISH_REQUESTER, &it->changed,
	                               &it->err);
	return NULL;
}

static void a_correction_behind_another_is_not_lost(void **state)
{
	struct rig *rig = *state;
	struct correcting second = {.rig = rig, .err = HF_ERROR_INIT};
	pthread_t thread;
	fill_history(rig);
	rig_run(rig, "BEGIN");
	rig_run(rig, "UPDATE publish SET description = 'd' WHERE id = 'p2'");
	assert_int_equal(pthread_create(&thread, NULL, correct, &second), 0);
	rig_until_waiting(rig);
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	if (second.status != HF_OK)
		fail_msg("%s", second.err.message);
	assert_int_equal(second.changed, 1);
	assert_int_equal(rig_count(rig, "publish WHERE id = 'p2' AND requester = 'r' AND description = 'd'"), 1);
}

static void what_a_correction_cannot_be(void **state)
{
	struct rig *rig = *state;
	const struct {
		struct hf_publish publish;
		unsigned parts;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{{.id = HF_STR("p9")}, HF_PUBLISH_REQUESTER, HF_NOT_FOUND, "there is no publish p9"},
		{{.id = HF_STR("p2"), .description = HF_STR("d")},
	         HF_PUBLISH_RESULT,
	         HF_E_INPUT,
	         "a publish needs a result code"},
		{{.id = HF_STR("p2")}, HF_PUBLISH_TARGET, HF_E_INPUT, "a publish needs the URL of its target branch"},
		{{.id = HF_STR("p2"), .result_code = HF_STR("success")},
	         HF_PUBLISH_RESULT,
	         HF_REJECTED,
	         "publish p2 failed, and does not succeed afterwards"},
		{{.id = HF_STR("p2"), .codebase = HF_STR("zz")},
	         HF_PUBLISH_CODEBASE,
	         HF_REJECTED,
	         "there is no codebase zz"},
		{{.id = HF_STR("p2"), .merge_proposal_url = HF_STR("u9")},
	         HF_PUBLISH_PROPOSAL,
	         HF_REJECTED,
	         "there is no merge proposal u9"},
	};
	fill_history(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		int64_t changed = 7;
		EXPECT_STATUS(hf_publish_update(rig->where, &cases[i].publish, cases[i].parts, &changed, &err),
		              cases[i].status);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(changed, 7);
	}
	assert_int_equal(rig_count(rig,
	                           "publish WHERE id = 'p2' AND result_code = 'failed' AND description IS NULL AND "
	                           "codebase = 'aa'"),
	                 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_push_absorbs_its_branch),
	                                   cmocka_unit_test(a_change_set_is_not_done_while_a_branch_waits),
	                                   cmocka_unit_test(last_run_hears_of_a_branch_that_nobody_knew),
	                                   cmocka_unit_test(only_a_push_that_succeeded_absorbs),
	                                   cmocka_unit_test(a_proposal_is_stored_with_it),
	                                   cmocka_unit_test(many_at_once),
	                                   cmocka_unit_test(one_of_many_refuses_all),
	                                   cmocka_unit_test(what_a_success_needs),
	                                   cmocka_unit_test(what_the_database_does_not_know),
	                                   cmocka_unit_test(the_original_stores_no_history),
	                                   cmocka_unit_test(pages_meet),
	                                   cmocka_unit_test(what_is_found),
	                                   cmocka_unit_test(a_try_is_corrected_part_by_part),
	                                   cmocka_unit_test(a_correction_behind_another_is_not_lost),
	                                   cmocka_unit_test(what_a_correction_cannot_be)};
	return cmocka_run_group_tests_name("publish", tests, rig_up, rig_down);
}
