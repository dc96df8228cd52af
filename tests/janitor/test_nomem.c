/*
 * Every allocation of a call fails once: the call says HF_E_NOMEM (or what else the lack of memory made of it), leaves
 * nothing behind, and works when it is made again. See torture.h; libpq's and the C library's own allocations work.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../torture.h"
#include "base/error.h"
#include "janitor/archive.h"
#include "janitor/todo.h"

/* ---- the calls ---- */

/* On the second session, which sees generated statements only: SQL of our own would make its state unknown. */
static hf_where where_of(const struct rig *rig)
{
	return hf_on_connection(rig->second);
}

typedef enum hf_status work_fn(struct rig *rig, hf_error *err);

static enum hf_status run(struct rig *rig, hf_error *err)
{
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 2, .verify_seed = 1};
	struct hf_schedule_report report;
	return hf_schedule_run(where_of(rig), &options, &report, err);
}

/* More places than structures have room for at first, most of them twice. */
static enum hf_status many(struct rig *rig, hf_error *err)
{
	enum { PLACES = 1100, ITEMS = 2000 };
	static struct hf_schedule_item items[ITEMS];
	static char names[PLACES][16];
	struct hf_schedule_options options = {.size = sizeof(options)};
	struct hf_schedule_report report;
	for (int i = 0; i < ITEMS; i++) {
		snprintf(names[i % PLACES], sizeof(names[0]), "pkg%d", i % PLACES + 1);
		items[i] = (struct hf_schedule_item){.codebase = hf_str_of(names[i % PLACES]),
		                                     .campaign = HF_STR("fixes"),
		                                     .command = HF_STR("fix-it"),
		                                     .has_value = true,
		                                     .value = 1.0,
		                                     .has_success_chance = true};
	}
	return hf_schedule_bulk(where_of(rig), items, ITEMS, &options, &report, err);
}

/* Two connections of a pool that are open already. */
static hf_pool *pool_of_two(const struct rig *rig)
{
	const struct hf_pool_options options = {.size = sizeof(options), .connections_max = 2};
	hf_error err = HF_ERROR_INIT;
	hf_pool *pool = NULL;
	hf_connection *both[2];
	EXPECT_OK(hf_pool_open(rig->ctx, rig->settings, &options, &pool, &err));
	for (int i = 0; i < 2; i++)
		EXPECT_OK(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &both[i], &err));
	for (int i = 0; i < 2; i++)
		hf_pool_return(pool, both[i]);
	return pool;
}

/* Enough new items for two writers. */
static enum hf_status writers(struct rig *rig, hf_error *err)
{
	enum { PLACES = 1100, ITEMS = 2 * PLACES };
	static struct hf_schedule_item items[ITEMS];
	static char names[PLACES][16];
	const struct hf_schedule_options options = {.size = sizeof(options), .writers = 2};
	struct hf_schedule_report report;
	for (int i = 0; i < ITEMS; i++) {
		snprintf(names[i % PLACES], sizeof(names[0]), "pkg%d", i % PLACES + 1);
		items[i] = (struct hf_schedule_item){.codebase = hf_str_of(names[i % PLACES]),
		                                     .campaign = i < PLACES ? HF_STR("one") : HF_STR("two"),
		                                     .command = HF_STR("fix-it"),
		                                     .has_value = true,
		                                     .value = 1.0,
		                                     .has_success_chance = true};
	}
	torture_hold(true);
	hf_pool *pool = pool_of_two(rig);
	torture_hold(false);
	enum hf_status status = hf_schedule_bulk(hf_on_pool(pool), items, ITEMS, &options, &report, err);
	torture_hold(true);
	hf_pool_close(pool);
	torture_hold(false);
	return status;
}

static enum hf_status explain(struct rig *rig, hf_error *err)
{
	struct hf_schedule_explanation why;
	return hf_schedule_explain(where_of(rig), HF_STR("pkg1"), HF_STR("fixes"), NULL, &why, err);
}

static enum hf_status one(struct rig *rig, hf_error *err)
{
	struct hf_schedule_direct request = {.codebase = HF_STR("pkg1"), .campaign = HF_STR("fixes")};
	struct hf_schedule_result result;
	return hf_schedule_one(where_of(rig), &request, &result, err);
}

static enum hf_status after_run(struct rig *rig, hf_error *err)
{
	struct hf_schedule_after after = {.codebase = HF_STR("pkg1"), .campaign = HF_STR("fixes")};
	bool scheduled;
	return hf_schedule_after_run(where_of(rig), &after, &scheduled, NULL, err);
}

static enum hf_status control(struct rig *rig, hf_error *err)
{
	struct hf_schedule_direct request = {.codebase = HF_STR("pkg1")};
	struct hf_schedule_result result;
	return hf_schedule_control(where_of(rig), &request, HF_STR("a revision"), &result, err);
}

static enum hf_status import_archive(struct rig *rig, hf_error *err)
{
	struct hf_import_options options = {.size = sizeof(options), .path = test_variable("HOLDFAST_SOURCES_SAMPLE")};
	struct hf_import_report report;
	return hf_codebase_import_debian(where_of(rig), &options, &report, err);
}

static enum hf_status upload_codebases(struct rig *rig, hf_error *err)
{
	struct hf_changes changes;
	return hf_codebase_upload(where_of(rig),
	                          HF_STR("[{\"name\":\"pkg1\",\"branch_url\":\"https://h/1,branch=a%2Fb\"},"
	                                 "{\"name\":\"new\",\"url\":\"https://h/2\",\"branch\":\"b\"}]"),
	                          NULL, &changes, err);
}

static enum hf_status set_codebase(struct rig *rig, hf_error *err)
{
	struct hf_codebase codebase = {.name = HF_STR("pkg1"), .url = HF_STR("https://h/1"), .branch = HF_STR("b")};
	return hf_codebase_set(where_of(rig), &codebase, HF_CODEBASE_PLACE, NULL, err);
}

static enum hf_status upload_candidates(struct rig *rig, hf_error *err)
{
	struct hf_candidate_upload_options options = {.size = sizeof(options)};
	struct hf_candidate_upload_report report;
	hf_arena *arena = hf_arena_new(0);
	if (!arena) {
		*err = (hf_error){.status = HF_E_NOMEM, .message = "memory is short"};
		return HF_E_NOMEM;
	}
	enum hf_status status =
		hf_candidate_upload(where_of(rig),
	                            HF_STR("[{\"codebase\":\"pkg1\",\"campaign\":\"fixes\",\"command\":\"new\"},"
	                                   "{\"codebase\":\"none\",\"campaign\":\"fixes\",\"command\":\"new\"}]"),
	                            &options, arena, &report, err);
	hf_arena_free(arena);
	return status;
}

static enum hf_status set_candidate(struct rig *rig, hf_error *err)
{
	struct hf_candidate candidate = {.codebase = HF_STR("pkg1"),
	                                 .campaign = HF_STR("fixes"),
	                                 .has_value = true,
	                                 .value = 9};
	return hf_candidate_set(where_of(rig), &candidate, HF_CANDIDATE_VALUE, NULL, NULL, err);
}

static enum hf_status import_candidates(struct rig *rig, hf_error *err)
{
	struct hf_candidate candidates[] = {
		{.codebase = HF_STR("pkg1"), .campaign = HF_STR("fixes"), .command = HF_STR("new")},
		{.codebase = HF_STR("pkg1"), .campaign = HF_STR("others"), .command = HF_STR("new")}};
	struct hf_changes changes;
	return hf_candidate_import(where_of(rig), candidates, 2, &changes, err);
}

static enum hf_status import_all(struct rig *rig, hf_error *err)
{
	struct hf_candidate pattern = {.campaign = HF_STR("all"), .command = HF_STR("new")};
	struct hf_changes changes;
	return hf_candidate_import_all(where_of(rig), &pattern, HF_STR("git"), &changes, err);
}

static enum hf_status position(struct rig *rig, hf_error *err)
{
	struct hf_queue_position place;
	return hf_queue_position(where_of(rig), HF_STR("pkg1"), HF_STR("old"), &place, err);
}

static enum hf_status put_policies(struct rig *rig, hf_error *err)
{
	static const struct hf_policy_rule rule = {.role = HF_STR_INIT("main"), .mode = HF_STR_INIT("push")};
	struct hf_policy policies[] = {{.name = HF_STR("p"), .rules = &rule, .nrules = 1}, {.name = HF_STR("q")}};
	struct hf_changes changes;
	int64_t removed;
	return hf_policy_put_all(where_of(rig), policies, 2, &changes, &removed, err);
}

static enum hf_status get_policy(struct rig *rig, hf_error *err)
{
	hf_arena *arena = hf_arena_new(0);
	struct hf_policy policy;
	enum hf_status status =
		arena ? hf_policy_get(where_of(rig), HF_STR("p"), arena, &policy, NULL, err) : error_nomem(err);
	hf_arena_free(arena);
	return status;
}

static enum hf_status put_proposal(struct rig *rig, hf_error *err)
{
	struct hf_proposal proposal = {.url = HF_STR("u"), .codebase = HF_STR("pkg1"), .status = HF_STR("open")};
	struct hf_str before;
	enum hf_status status = hf_proposal_put(where_of(rig), &proposal, NULL, err);
	if (status == HF_OK)
		status = hf_proposal_set_status(where_of(rig), proposal.url, HF_STR("closed"), &before, err);
	return status == HF_OK ? hf_proposal_delete(where_of(rig), proposal.url, err) : status;
}

static enum hf_status import_proposals(struct rig *rig, hf_error *err)
{
	static const struct hf_proposal proposals[] = {{.url = HF_STR_INIT("u"), .status = HF_STR_INIT("open")},
	                                               {.url = HF_STR_INIT("v"), .codebase = HF_STR_INIT("none")}};
	enum hf_status status = hf_proposal_import(where_of(rig), proposals, 2, NULL, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such codebase */
}

static enum hf_status count_publishes(struct rig *rig, hf_error *err)
{
	struct hf_publish_filter filter = {.campaign = HF_STR("fixes"), .mode = HF_STR("push")};
	int64_t count;
	return hf_publish_count(where_of(rig), &filter, &count, err);
}

static enum hf_status store_publish(struct rig *rig, hf_error *err)
{
	static const struct hf_publish publish = {.id = HF_STR_INIT("p"),
	                                          .change_set = HF_STR_INIT("none"),
	                                          .target_branch_url = HF_STR_INIT("t"),
	                                          .mode = HF_STR_INIT("push"),
	                                          .result_code = HF_STR_INIT("failed")};
	enum hf_status status = hf_publish_store(where_of(rig), &publish, (struct hf_str){NULL, 0}, NULL, NULL, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such change set */
}

static enum hf_status import_publishes(struct rig *rig, hf_error *err)
{
	static const struct hf_publish_try tries[] = {{.publish = {.id = HF_STR_INIT("p"),
	                                                           .change_set = HF_STR_INIT("none"),
	                                                           .target_branch_url = HF_STR_INIT("t"),
	                                                           .mode = HF_STR_INIT("push"),
	                                                           .result_code = HF_STR_INIT("failed")}}};
	enum hf_status status = hf_publish_import(where_of(rig), tries, 1, NULL, NULL, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such change set */
}

static enum hf_status update_publish(struct rig *rig, hf_error *err)
{
	static const struct hf_publish publish = {.id = HF_STR_INIT("none"), .requester = HF_STR_INIT("r")};
	enum hf_status status = hf_publish_update(where_of(rig), &publish, HF_PUBLISH_REQUESTER, NULL, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status correct_run(struct rig *rig, hf_error *err)
{
	static const struct hf_run run = {.id = HF_STR_INIT("none"), .failure_details = HF_STR_INIT("{\"a\": [1]}")};
	enum hf_status status = hf_run_update(where_of(rig), &run, HF_RUN_FAILURE | HF_RUN_LOGS, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status no_ready(void *user, const struct hf_ready *ready, hf_error *err)
{
	(void)user, (void)ready, (void)err;
	return HF_OK;
}

static enum hf_status list_ready(struct rig *rig, hf_error *err)
{
	struct hf_ready_filter filter = {.all = true, .codebase = HF_STR("pkg1")};
	return hf_ready_list(where_of(rig), &filter, NULL, no_ready, NULL, err);
}

static enum hf_status no_run(void *user, const struct hf_run *run, hf_error *err)
{
	(void)user, (void)run, (void)err;
	return HF_OK;
}

static enum hf_status list_last(struct rig *rig, hf_error *err)
{
	return hf_run_last_list(where_of(rig), &(struct hf_run_last_filter){.limit = 5}, no_run, NULL, err);
}

static enum hf_status no_tally(void *user, const struct hf_run_tally *tally, hf_error *err)
{
	(void)user, (void)tally, (void)err;
	return HF_OK;
}

static enum hf_status tally_last(struct rig *rig, hf_error *err)
{
	const struct hf_run_last_tally_filter filter = {.wanted = true};
	enum hf_status status = hf_run_last_result_codes(where_of(rig), &filter, no_tally, NULL, err);
	return status == HF_OK ? hf_run_last_failure_stages(where_of(rig), &filter, no_tally, NULL, err) : status;
}

static enum hf_status add_builds(struct rig *rig, hf_error *err)
{
	struct hf_debian_built builds[] = {
		{.run_id = HF_STR("none"),
	         .build = {.version = HF_STR("1"), .distribution = HF_STR("sid"), .source = HF_STR("x")}}};
	enum hf_status status = hf_debian_build_put(where_of(rig), builds, 1, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such run */
}

static enum hf_status absorb_none(struct rig *rig, hf_error *err)
{
	enum hf_status status = hf_result_branch_set_absorbed(where_of(rig), HF_STR("none"), HF_STR("main"), true, NULL,
	                                                      NULL, NULL, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status count_all(struct rig *rig, hf_error *err)
{
	int64_t count;
	enum hf_status status = hf_run_count(where_of(rig), &(struct hf_run_filter){.limit = 1}, &count, err);
	if (status == HF_OK)
		status = hf_proposal_count(where_of(rig), &(struct hf_proposal_filter){.limit = 1}, &count, err);
	return status == HF_OK ? hf_worker_count(where_of(rig), &count, err) : status;
}

static enum hf_status create_none(struct rig *rig, hf_error *err)
{
	static const struct hf_change_set twice[] = {{.id = HF_STR_INIT("n"), .campaign = HF_STR_INIT("fixes")},
	                                             {.id = HF_STR_INIT("n"), .campaign = HF_STR_INIT("fixes")}};
	enum hf_status status = hf_change_set_create(where_of(rig), twice, 2, err);
	return status == HF_CONFLICT ? HF_OK : status;
}

static enum hf_status move_first(struct rig *rig, hf_error *err)
{
	struct hf_queue_moved moved;
	enum hf_status status = hf_queue_move(where_of(rig), 1, &(struct hf_queue_move){.first = true}, &moved, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status list_finished(struct rig *rig, hf_error *err)
{
	struct hf_run_finished_filter filter = {.ago_us = 1000000, .limit = 5};
	return hf_run_finished(where_of(rig), &filter, no_run, NULL, err);
}

static enum hf_status read_candidates(struct rig *rig, hf_error *err)
{
	hf_arena *arena = hf_arena_new(0);
	char path[] = "/tmp/hf-nomem-XXXXXX";
	static const char text[] = "[{\"codebase\": \"pkg1\", \"campaign\": \"fixes\", \"command\": \"x\"}]";
	struct hf_candidate *candidates;
	size_t count;
	(void)rig;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	close(fd);
	enum hf_status status = arena ? hf_candidate_read(path, arena, &candidates, &count, err) : error_nomem(err);
	unlink(path);
	hf_arena_free(arena);
	return status;
}

static enum hf_status import_reviews(struct rig *rig, hf_error *err)
{
	static const struct hf_review reviews[] = {{.run_id = HF_STR_INIT("none"), .verdict = HF_STR_INIT("approved")}};
	enum hf_status status = hf_review_import(where_of(rig), reviews, 1, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such run */
}

static enum hf_status import_runs(struct rig *rig, hf_error *err)
{
	static const struct hf_run_result result = {.code = HF_STR_INIT("success")};
	static const struct hf_run_report reports[] = {{.size = sizeof(struct hf_run_report),
	                                                .id = HF_STR_INIT("r"),
	                                                .codebase = HF_STR_INIT("none"),
	                                                .campaign = HF_STR_INIT("fixes"),
	                                                .result = &result}};
	enum hf_status status = hf_run_import(where_of(rig), reports, 1, err);
	return status == HF_REJECTED ? HF_OK : status; /* there is no such codebase */
}

static enum hf_status delete_none(struct rig *rig, hf_error *err)
{
	hf_arena *arena = hf_arena_new(0);
	enum hf_status status =
		arena ? hf_run_delete(where_of(rig), HF_STR("none"), true, NULL, arena, NULL, err) : error_nomem(err);
	hf_arena_free(arena);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status begin_pause(struct rig *rig, hf_error *err)
{
	return hf_pause_begin(where_of(rig), HF_PAUSE_CAMPAIGN, HF_STR("fixes"), HF_STR("loud"), 3600000000, err);
}

static enum hf_status end_pause(struct rig *rig, hf_error *err)
{
	return hf_pause_end(where_of(rig), HF_PAUSE_CAMPAIGN, HF_STR("old"), err);
}

static enum hf_status pause_row(UNUSED void *user, UNUSED const struct hf_pause *pause, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status list_pauses(struct rig *rig, hf_error *err)
{
	return hf_pause_list(where_of(rig), pause_row, NULL, err);
}

static enum hf_status import_workers(struct rig *rig, hf_error *err)
{
	const struct hf_worker_account accounts[] = {{.worker = {.name = HF_STR("w1"), .link = HF_STR("https://h/w1")},
	                                              .password = HF_STR("one")},
	                                             {.worker = {.name = HF_STR("w2")}, .password = HF_STR("two")}};
	int64_t created;
	return hf_worker_import(where_of(rig), accounts, ARRAY_LEN(accounts), true, &created, err);
}

/* ---- failing them ---- */

static void fill(struct rig *rig)
{
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"pkg1\",\"value\":3},{\"name\":\"pkg2\",\"value\":4}],"
	                   "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"}],"
	                   "\"all_debian_versions\":[{\"source\":\"x\",\"version\":\"1\"}]}");
	rig_run(rig,
	        "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time, "
	        "failure_details) VALUES ('waits', 'pkg1', 'fixes', 'install-deps-unsatisfied-dependencies', '{}', "
	        "'cs', "
	        "'2024-01-01', '2024-01-01 00:00:01', '{\"relations\": [[{\"name\": \"x\"}]]}')");
	rig_run(rig, "INSERT INTO codebase (name) SELECT 'pkg' || i FROM generate_series(3, 1100) AS i");
	rig_run(rig,
	        "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', 'push', "
	        "NULL)::branch_publish_policy])");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, context, publish_policy) VALUES "
	             "('pkg1', 'fixes', 'fix-it', 3, '1.2', 'p'), ('pkg2', 'fixes', 'fix-it', 3, NULL, 'p')");
	rig_run(rig, "INSERT INTO queue (codebase, suite, command, bucket, priority) VALUES "
	             "('pkg1', 'old', 'x', 'default', 1), ('pkg2', 'fixes', 'x', 'default', 2)");
	rig_run(rig, "DELETE FROM holdfast.queue_pause");
	rig_run(rig, "INSERT INTO holdfast.queue_pause (kind, name) VALUES ('campaign', 'old')");
}

static int64_t digest(struct rig *rig)
{
	return rig_number(rig,
	                  "SELECT hashtextextended(string_agg(line, chr(10) ORDER BY line), 0) FROM ("
	                  "SELECT 'queue' || q::text FROM queue AS q UNION ALL SELECT 'codebase' || c::text FROM "
	                  "codebase AS c UNION ALL SELECT 'candidate' || c::text FROM candidate AS c UNION ALL SELECT "
	                  "'policy' || p::text FROM named_publish_policy AS p UNION ALL SELECT 'worker' || w::text "
	                  "FROM worker AS w UNION ALL SELECT 'pause' || z.kind || z.name || coalesce(z.reason, '') "
	                  "FROM holdfast.queue_pause AS z) AS rows (line)");
}

/* A connection that a failure cost is opened again. */
static void mend(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	int64_t us;
	if (hf_schedule_estimate(where_of(rig), HF_STR("pkg1"), HF_STR("fixes"), &us, &err) == HF_OK)
		return;
	hf_connection_free(rig->second);
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, NULL, HF_DEADLINE_DEFAULT, &rig->second, &err));
}

static void fail_each(struct rig *rig, const char *name, work_fn *work)
{
	enum { FAR_MORE = 20000 };
	hf_error err = HF_ERROR_INIT;
	fill(rig);
	int64_t before = digest(rig);
	for (long n = 1; n < FAR_MORE; n++) {
		err = (hf_error)HF_ERROR_INIT;
		torture_begin(n);
		enum hf_status status = work(rig, &err);
		if (!torture_end()) {
			EXPECT_OK(status);
			print_message("# %s: each of %ld allocations failed once\n", name, n - 1);
			return;
		}
		if (status == HF_OK) { /* done without it: start anew */
			fill(rig);
			continue;
		}
		if (err.status != status || err.message[0] == '\0')
			fail_msg("%s, allocation %ld: %s, but the error says %s \"%s\"", name, n,
			         hf_status_word(status), hf_status_word(err.status), err.message);
		mend(rig);
		if (digest(rig) != before)
			fail_msg("%s, allocation %ld: something was kept after %s", name, n, err.message);
	}
	fail_msg("%s: allocates without end", name);
}

static void no_allocation_leaves_a_trace(void **state)
{
	static const struct {
		const char *name;
		work_fn *work;
	} calls[] = {{"schedule run", run},
	             {"schedule of many", many},
	             {"schedule by two", writers},
	             {"schedule explain", explain},
	             {"schedule one", one},
	             {"schedule after a run", after_run},
	             {"schedule control", control},
	             {"queue position", position},
	             {"policy put", put_policies},
	             {"policy get", get_policy},
	             {"codebase upload", upload_codebases},
	             {"codebase set", set_codebase},
	             {"proposal put", put_proposal},
	             {"candidate upload", upload_candidates},
	             {"candidate set", set_candidate},
	             {"proposal import", import_proposals},
	             {"publish count", count_publishes},
	             {"publish store", store_publish},
	             {"publish import", import_publishes},
	             {"publish update", update_publish},
	             {"publish ready", list_ready},
	             {"run last", list_last},
	             {"run last tallies", tally_last},
	             {"run set-absorbed", absorb_none},
	             {"run delete", delete_none},
	             {"run finished", list_finished},
	             {"run update", correct_run},
	             {"run import", import_runs},
	             {"review import", import_reviews},
	             {"counts", count_all},
	             {"change set create", create_none},
	             {"queue move", move_first},
	             {"candidate read", read_candidates},
	             {"debian build put", add_builds},
	             {"candidate import", import_candidates},
	             {"candidate import for all", import_all},
	             {"pause begin", begin_pause},
	             {"pause end", end_pause},
	             {"pause list", list_pauses},
	             {"worker import", import_workers},
	             {"codebase import", import_archive}};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		fail_each(*state, calls[i].name, calls[i].work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_allocation_leaves_a_trace)};
	return cmocka_run_group_tests_name("nomem", tests, rig_up, rig_down);
}
