/*
 * Reviews: every verdict, by QA or not, new or again, before a runner that answers 200, 404, 500 or not at all, in both
 * orders (D-26): what is stored, what the runner heard, and what was stored when it heard it.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "../fixture.h"
#include "http_double.h"

static const struct http_route routes[] = {
	{.path = "/good/runs/r1", .answer = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{.path = "/good/runs/r%2f%c3%a4%20%3f", .answer = "HTTP/1.0 201 Created\r\nContent-Length: 0\r\n\r\n"},
	{.path = "/lost/runs/r1", .answer = "HTTP/1.0 404 Not Found\r\n\r\nno such run: r1\nand more"},
	{.path = "/bad/runs/r1", .answer = "HTTP/1.0 500 Internal Server Error\r\n\r\n"},
	{.path = "/denied/runs/r1", .answer = "HTTP/1.0 403 Forbidden\r\n\r\n"},
	{.path = "/moved/runs/r1", .answer = "HTTP/1.0 302 Found\r\nLocation: /good/runs/r1\r\n\r\n"},
	{.path = "/silent/runs/r1", .answer = NULL},
	{0},
};

struct bench {
	struct rig rig;
	struct http_double *server;
	int requests;
	char last[4096];        /* request */
	int64_t reviews, queue; /* as another session saw them when the runner heard */
};

static void heard(void *user, const char *request)
{
	struct bench *bench = user;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	bench->requests++;
	snprintf(bench->last, sizeof(bench->last), "%s", request);
	bench->reviews = bench->queue = -1;
	if (hf_sql_one(hf_on_connection(bench->rig.second),
	               HF_STR("SELECT (SELECT count(*) FROM review WHERE verdict <> 'abstained'), "
	                      "(SELECT count(*) FROM queue)"),
	               NULL, 0, arena, &row, &err) != HF_OK)
		return;
	bench->reviews = row.values[0].as.i;
	bench->queue = row.values[1].as.i;
}

static int bench_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	assert_non_null(bench);
	rig_open(&bench->rig, fixture_database(NULL));
	bench->server = http_double_start(routes);
	http_double_on_heard(bench->server, heard, bench);
	*state = bench;
	return 0;
}

static int bench_down(void **state)
{
	struct bench *bench = *state;
	http_double_stop(bench->server);
	rig_close(&bench->rig);
	free(bench);
	return 0;
}

/* r1 has a revision and a candidate, r2 neither. */
static void start(struct bench *bench)
{
	struct rig *rig = &bench->rig;
	rig_run(rig, "DELETE FROM review");
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}],\"change_set\":[{\"id\":\"cs\","
	                   "\"campaign\":\"fixes\"}],\"candidate\":[{\"codebase\":\"aa\",\"suite\":\"fixes\","
	                   "\"command\":\"fix it\"}],\"run\":[{\"id\":\"r1\",\"codebase\":\"aa\",\"suite\":\"fixes\","
	                   "\"result_code\":\"success\",\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":"
	                   "\"unknown\",\"revision\":\"x\"},{\"id\":\"r2\",\"codebase\":\"bb\",\"suite\":\"fixes\","
	                   "\"result_code\":\"success\",\"logfilenames\":[],\"change_set\":\"cs\",\"publish_status\":"
	                   "\"unknown\",\"revision\":null}]}");
	bench->requests = 0;
}

static const char *url_of(const struct bench *bench, const char *path)
{
	static char url[128];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http_double_port(bench->server), path);
	return url;
}

static struct hf_review_request request_of(const char *verdict)
{
	return (struct hf_review_request){.size = sizeof(struct hf_review_request),
	                                  .run_id = HF_STR("r1"),
	                                  .verdict = hf_str_of(verdict),
	                                  .comment = HF_STR("c"),
	                                  .reviewer = HF_STR("alice")};
}

static bool is(struct hf_str text, const char *expected)
{
	return expected ? text.ptr && str_eq(text, hf_str_of(expected)) : !text.ptr;
}

/* ---- the matrix ---- */

static const struct {
	const char *path; /* NULL: no runner, the status is written */
	enum hf_status status;
} runners[] = {
	{"/good", HF_OK},           {"/good/", HF_OK},      {"/lost", HF_NOT_FOUND},
	{"/bad", HF_E_UNAVAILABLE}, {"", HF_E_UNAVAILABLE}, {NULL, HF_OK},
};

struct expected {
	bool asked, fails, stored, queued;
	const char *verdict;
	enum hf_status status;
};

/* What must come of it, by the rules of the specification. */
static struct expected expect(const char *word, bool qa, size_t runner, bool parity)
{
	bool again = strcmp(word, "reschedule") == 0, abstains = strcmp(word, "abstained") == 0;
	struct expected out = {.verdict = again ? "rejected" : word, .asked = qa && !abstains && runners[runner].path};
	out.fails = out.asked && runners[runner].status != HF_OK;
	out.status = out.fails ? runners[runner].status : HF_OK;
	out.stored = !parity || !out.fails;
	out.queued = again && out.stored;
	return out;
}

static void check_rows(struct bench *bench, const struct expected *out, bool existing, bool written)
{
	char sql[300];
	const char *verdict = out->stored ? out->verdict : existing ? "abstained" : "";
	snprintf(sql, sizeof(sql),
	         "SELECT count(*) FROM review WHERE run_id = 'r1' AND reviewer = 'alice' AND verdict::text = '%s' AND "
	         "comment IS NOT DISTINCT FROM '%s' AND (reviewed_at > '2024-01-02') = %s",
	         verdict, out->stored ? "c" : "old", out->stored ? "true" : "false");
	assert_int_equal(rig_number(&bench->rig, sql), out->stored || existing ? 1 : 0);
	assert_int_equal(rig_number(&bench->rig, "SELECT count(*) FROM review"), out->stored || existing ? 1 : 0);
	assert_int_equal(rig_number(&bench->rig,
	                            "SELECT count(*) FROM queue WHERE codebase = 'aa' AND refresh AND bucket = "
	                            "'default' AND command = 'fix it' AND requester = 'reviewer (alice)' AND "
	                            "priority = -1"),
	                 out->queued);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM run WHERE id = 'r1' AND publish_status::text = '%s'",
	         written ? out->verdict : "unknown");
	assert_int_equal(rig_number(&bench->rig, sql), 1);
}

static void check_request(const struct bench *bench, const struct expected *out, bool parity)
{
	char body[64];
	if (bench->requests == 0)
		return;
	snprintf(body, sizeof(body), "\r\n\r\n{\"publish_status\":\"%s\"}", out->verdict);
	EXPECT_CONTAINS(bench->last, body);
	EXPECT_CONTAINS(bench->last, "Content-Type: application/json\r\n");
	assert_int_equal(bench->reviews, parity ? 0 : 1);
	assert_int_equal(bench->queue, parity ? 0 : out->queued);
}

static void one_case(struct bench *bench, const char *word, bool qa, bool existing, size_t runner, bool parity)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = hf_defects_all();
	struct hf_review_request request = request_of(word);
	struct hf_review_result result = {0};
	struct expected out = expect(word, qa, runner, parity);
	const char *path = runners[runner].path;
	start(bench);
	if (existing)
		rig_run(&bench->rig, "INSERT INTO review VALUES ('r1', 'old', 'alice', 'abstained', '2024-01-01')");
	request.is_qa = qa;
	request.runner_url = !path ? NULL : path[0] ? url_of(bench, path) : "http://127.0.0.1:1/";
	enum hf_status status = hf_review_store(bench->rig.where, &request, parity ? &keep : NULL, &result, &err);
	if (status != out.status)
		fail_msg("%s, qa %d, existing %d, runner %s, parity %d: %s: %s", word, qa, existing, path, parity,
		         hf_status_word(status), err.message);
	assert_int_equal(result.stored, out.stored);
	assert_int_equal(result.runner_told, out.asked && !out.fails);
	assert_int_equal(result.rescheduled, out.queued);
	bool decided = qa && strcmp(word, "abstained") != 0 && !out.fails;
	assert_true(is(result.publish_status, decided ? out.verdict : NULL));
	assert_int_equal(bench->requests, out.asked && path[0] ? 1 : 0);
	if (out.fails && out.stored)
		EXPECT_CONTAINS(err.message, "the review is stored, but not everybody was told: ");
	if (out.fails && !out.stored)
		assert_null(strstr(err.message, "is stored"));
	check_request(bench, &out, parity);
	check_rows(bench, &out, existing, decided && !path);
}

static void every_verdict_before_every_runner(void **state)
{
	static const char *const words[] = {"approved", "rejected", "abstained", "reschedule"};
	for (size_t word = 0; word < ARRAY_LEN(words); word++)
		for (size_t runner = 0; runner < ARRAY_LEN(runners); runner++)
			for (unsigned flags = 0; flags < 8; flags++)
				one_case(*state, words[word], flags & 1, flags & 2, runner, flags & 4);
}

/* ---- what is refused ---- */

static void expect_nothing(struct bench *bench, int requests)
{
	assert_int_equal(rig_number(&bench->rig, "SELECT (SELECT count(*) FROM review) + (SELECT count(*) FROM queue)"),
	                 0);
	assert_int_equal(bench->requests, requests);
}

static void an_unknown_verdict_is_refused_before_or_after_the_request(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = hf_defects_all();
	struct hf_review_request request = request_of("rescheduled");
	struct hf_review_result result = {0};
	request.is_qa = true;
	request.runner_url = url_of(bench, "/good");
	start(bench);
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, NULL, &result, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "\"rescheduled\" is no verdict");
	expect_nothing(bench, 0);
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, &keep, &result, &err), HF_E_INPUT);
	expect_nothing(bench, 1);
	EXPECT_CONTAINS(bench->last, "{\"publish_status\":\"rescheduled\"}");
	assert_false(result.stored);
}

static void an_unknown_run_and_one_without_revision_are_named(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = hf_defects_all();
	struct hf_review_request request = request_of("approved");
	struct hf_review_result result = {0};
	start(bench);
	request.run_id = HF_STR("r9");
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, NULL, &result, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no run r9");
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, &keep, &result, &err), HF_REJECTED);
	assert_string_equal(err.constraint, "review_run_id_fkey");
	assert_string_equal(err.message, "there is no run r9");
	request.run_id = HF_STR("r2");
	request.is_qa = true;
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, NULL, &result, &err), HF_REJECTED);
	assert_string_equal(err.message, "run r2 cannot be approved: it has no revision");
	request.verdict = HF_STR("reschedule");
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, NULL, &result, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "there is no candidate fixes/bb");
	EXPECT_STATUS(hf_review_store(bench->rig.where, &request, &keep, &result, &err), HF_NOT_FOUND);
	expect_nothing(bench, 0);
}

static void nobody_in_particular_replaces_nothing(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_review_request request = request_of("reschedule");
	struct hf_review_result result = {0};
	start(bench);
	request.reviewer = (struct hf_str){NULL, 0};
	for (int i = 0; i < 2; i++)
		EXPECT_OK(hf_review_store(bench->rig.where, &request, NULL, &result, &err));
	assert_int_equal(rig_number(&bench->rig, "SELECT count(*) FROM review WHERE reviewer IS NULL"), 2);
	const int64_t none = rig_number(&bench->rig, "SELECT count(*) FROM queue WHERE requester = 'reviewer (None)'");
	assert_int_equal(none, 1);
}

/* ---- inside a transaction, the hook ---- */

static enum hf_status store_inside(hf_where tx, void *user, hf_error *err)
{
	struct hf_review_result result;
	return hf_review_store(tx, user, NULL, &result, err);
}

struct listener {
	int calls;
	enum hf_status answer;
	char text[200];
};

static enum hf_status listen_to(void *user, const struct hf_review_event *event, hf_error *err)
{
	struct listener *listener = user;
	listener->calls++;
	snprintf(listener->text, sizeof(listener->text), "%.*s %.*s/%.*s %.*s %.*s %d", STR_ARG(event->run_id),
	         STR_ARG(event->campaign), STR_ARG(event->codebase), STR_ARG(event->verdict), STR_ARG(event->reviewer),
	         event->publish_status.ptr != NULL);
	if (listener->answer != HF_OK && err) {
		err->status = listener->answer;
		snprintf(err->message, sizeof(err->message), "no mail");
	}
	return listener->answer;
}

static void inside_a_transaction_nobody_is_told(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_review_request request = request_of("approved");
	start(bench);
	request.is_qa = true;
	request.runner_url = url_of(bench, "/good");
	EXPECT_STATUS(hf_transaction(bench->rig.where, NULL, store_inside, &request, &err), HF_E_USAGE);
	request.runner_url = NULL;
	request.hook = listen_to;
	EXPECT_STATUS(hf_transaction(bench->rig.where, NULL, store_inside, &request, &err), HF_E_USAGE);
	expect_nothing(bench, 0);
	request.hook = NULL;
	EXPECT_OK(hf_transaction(bench->rig.where, NULL, store_inside, &request, &err));
	assert_int_equal(rig_number(&bench->rig, "SELECT count(*) FROM run WHERE publish_status = 'approved'"), 1);
}

static void the_hook_hears_of_what_is_stored(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_defects keep = hf_defects_all();
	struct hf_review_request request = request_of("approved");
	struct hf_review_result result = {0};
	struct listener listener = {0};
	request.hook = listen_to;
	request.hook_user = &listener;
	request.is_qa = true;
	for (int parity = 0; parity < 2; parity++) {
		start(bench);
		listener = (struct listener){0};
		request.runner_url = url_of(bench, "/good");
		EXPECT_OK(hf_review_store(bench->rig.where, &request, parity ? &keep : NULL, &result, &err));
		assert_string_equal(listener.text, "r1 fixes/aa approved alice 1");
		listener.answer = HF_E_FAILED;
		EXPECT_STATUS(hf_review_store(bench->rig.where, &request, parity ? &keep : NULL, &result, &err),
		              HF_E_FAILED);
		assert_string_equal(err.message, "the review is stored, but not everybody was told: no mail");
		assert_true(result.stored && result.runner_told);
		request.runner_url = url_of(bench, "/bad");
		EXPECT_STATUS(hf_review_store(bench->rig.where, &request, parity ? &keep : NULL, &result, &err),
		              HF_E_UNAVAILABLE);
		assert_int_equal(listener.calls, parity ? 2 : 3);
		if (!parity)
			assert_string_equal(listener.text, "r1 fixes/aa approved alice 0");
	}
}

/* ---- the request alone ---- */

static void what_the_runner_answers_has_a_status(void **state)
{
	static const struct {
		const char *path;
		enum hf_status status;
		const char *message; /* a part */
	} cases[] = {
		{"/lost", HF_NOT_FOUND, "answered 404: no such run: r1"},
		{"/bad/", HF_E_UNAVAILABLE, "answered 500"},
		{"/denied?x=1#y", HF_REJECTED, "/denied/runs/r1 answered 403"},
		{"/moved", HF_E_PROTOCOL, "answered 302"},
		{"/silent", HF_TIMEOUT, "took too long"},
	};
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_deadline deadline = hf_deadline_in(bench->rig.ctx, cases[i].status == HF_TIMEOUT ? 200 : 20000);
		EXPECT_STATUS(hf_runner_set_publish_status(bench->rig.ctx, url_of(bench, cases[i].path), HF_STR("r1"),
		                                           HF_STR("blocked"), deadline, &err),
		              cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
}

static void urls_are_made_with_care(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	char url[128];
	EXPECT_OK(hf_runner_set_publish_status(bench->rig.ctx, url_of(bench, "/good"), HF_STR("r/\xc3\xa4 ?"),
	                                       HF_STR("blocked"), HF_DEADLINE_DEFAULT, &err));
	snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/bad", http_double_port(bench->server));
	EXPECT_STATUS(hf_runner_set_publish_status(bench->rig.ctx, url, HF_STR("r1"), HF_STR("blocked"),
	                                           HF_DEADLINE_DEFAULT, &err),
	              HF_E_UNAVAILABLE);
	assert_null(strstr(err.message, "secret"));
	EXPECT_CONTAINS(bench->last, "Authorization: Basic ");
	static const char *const ids[] = {"", ".", ".."};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		EXPECT_STATUS(hf_runner_set_publish_status(bench->rig.ctx, url, hf_str_of(ids[i]), HF_STR("blocked"),
		                                           HF_DEADLINE_DEFAULT, &err),
		              HF_E_USAGE);
	EXPECT_STATUS(hf_runner_set_publish_status(bench->rig.ctx, "file:///etc/passwd", HF_STR("r1"),
	                                           HF_STR("blocked"), HF_DEADLINE_DEFAULT, &err),
	              HF_E_USAGE);
}

/* ---- pages ---- */

struct page {
	hf_arena *arena;
	struct hf_review last;
	int rows;
};

static enum hf_status note(void *user, const struct hf_review *review, UNUSED hf_error *err)
{
	struct page *page = user;
	page->rows++;
	page->last = (struct hf_review){.run_id = hf_arena_str(page->arena, review->run_id),
	                                .reviewed_at = review->reviewed_at};
	if (review->reviewer.ptr)
		page->last.reviewer = hf_arena_str(page->arena, review->reviewer);
	return HF_OK;
}

static void pages_of_reviews_meet(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct page page = {.arena = arena};
	struct hf_review_filter filter = {.limit = 2};
	start(bench);
	rig_run(&bench->rig,
	        "INSERT INTO review SELECT r, NULL, w, 'abstained', '2024-01-01' FROM unnest('{r1,r2}'::text[]) "
	        "AS r, unnest('{a,b,NULL}'::text[]) AS w");
	int before;
	do {
		before = page.rows;
		EXPECT_OK(hf_review_list(bench->rig.where, &filter, note, &page, &err));
		filter.after = &page.last;
	} while (page.rows == before + 2);
	assert_int_equal(page.rows, 6);
}

/* ---- many ---- */

static void reviews_of_elsewhere_decide_nothing(void **state)
{
	enum { MANY = 5003 };
	struct bench *bench = *state;
	struct rig *rig = &bench->rig;
	hf_error err = HF_ERROR_INIT;
	struct hf_review *reviews = calloc(MANY, sizeof(*reviews));
	assert_non_null(reviews);
	start(bench);
	rig_run(rig, "INSERT INTO review VALUES ('r1', 'old', 'jo', 'rejected', '2020-01-01')");
	for (size_t i = 0; i < MANY; i++)
		reviews[i] = (struct hf_review){.run_id = HF_STR("r2"),
		                                .verdict = HF_STR("abstained"),
		                                .reviewed_at = {.us = i == 4 ? 0 : 1000000}};
	for (size_t i = 0; i < 3; i++) {
		reviews[i].run_id = HF_STR("r1");
		reviews[i].reviewer = i == 2 ? HF_STR("al") : HF_STR("jo");
		reviews[i].verdict = i == 0 ? HF_STR("rejected") : HF_STR("approved");
		reviews[i].comment = i == 1 ? HF_STR("better") : HF_STR("c");
	}
	EXPECT_OK(hf_review_import(rig->where, reviews, MANY, &err));
	assert_int_equal(rig_count(rig, "review WHERE reviewer IS NULL"), MANY - 3);
	assert_int_equal(rig_count(rig,
	                           "review WHERE (reviewer, comment, verdict::text) IN (('jo', 'better', 'approved'), "
	                           "('al', 'c', 'approved'))"),
	                 2); /* of two by one reviewer the last */
	assert_int_equal(rig_count(rig, "review WHERE reviewed_at = '2000-01-01 00:00:01'"), MANY - 2);
	assert_int_equal(rig_count(rig, "review WHERE reviewed_at > '2001-01-01'"), 1);
	assert_int_equal(rig_count(rig, "run WHERE publish_status = 'unknown'"), 2);
	reviews[6].verdict = HF_STR("approve");
	EXPECT_STATUS(hf_review_import(rig->where, reviews, MANY, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "review 7: \"approve\" is no verdict");
	reviews[6].verdict = HF_STR("approved");
	reviews[MANY - 1].run_id = HF_STR("r9");
	EXPECT_STATUS(hf_review_import(rig->where, reviews, MANY, &err), HF_REJECTED);
	EXPECT_CONTAINS(err.message, "reviews 5001 to 5003: ");
	EXPECT_STATUS(hf_review_import(rig->where, reviews, 1000001, &err), HF_E_LIMIT);
	assert_int_equal(rig_count(rig, "review"), MANY - 1);
	free(reviews);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verdict_before_every_runner),
		cmocka_unit_test(an_unknown_verdict_is_refused_before_or_after_the_request),
		cmocka_unit_test(an_unknown_run_and_one_without_revision_are_named),
		cmocka_unit_test(nobody_in_particular_replaces_nothing),
		cmocka_unit_test(inside_a_transaction_nobody_is_told),
		cmocka_unit_test(the_hook_hears_of_what_is_stored),
		cmocka_unit_test(what_the_runner_answers_has_a_status),
		cmocka_unit_test(urls_are_made_with_care),
		cmocka_unit_test(pages_of_reviews_meet),
		cmocka_unit_test(reviews_of_elsewhere_decide_nothing),
	};
	return cmocka_run_group_tests(tests, bench_up, bench_down);
}
