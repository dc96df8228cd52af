/*
 * Bulk scheduling where the recorded cases do not go: other change sets, thousands of items, two schedulers at once,
 * numbers at their bounds, rows that cannot be read, and the verification finding something.
 */
#include "rig.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/interval.h"
#include "janitor/bulk.h"
#include "../sql.h"

#define CB(n, value) "{\"name\":\"cb" #n "\",\"value\":" #value "}"
#define THREE "\"codebase\":[" CB(0, 10) "," CB(1, 5) "," CB(2, null) "]"

static struct hf_schedule_item item(const char *codebase, const char *campaign, double value)
{
	return (struct hf_schedule_item){.codebase = hf_str_of(codebase),
	                                 .campaign = hf_str_of(campaign),
	                                 .command = HF_STR("fix-it"),
	                                 .has_value = true,
	                                 .value = value,
	                                 .has_success_chance = true,
	                                 .success_chance = 0.5};
}

/* The original as it is: what these tests expect of priorities was recorded there. */
static const struct hf_defects parity = {{UINT64_MAX, UINT64_MAX}};
static const struct hf_schedule_options plain = {.size = sizeof(plain), .keep = &parity};

static enum hf_status schedule(struct rig *rig, const struct hf_schedule_item *items, size_t n,
                               const struct hf_schedule_options *options, hf_error *err)
{
	struct hf_schedule_report report = {.items = -7};
	enum hf_status status = hf_schedule_bulk(rig->where, items, n, options, &report, err);
	if (status == HF_OK)
		assert_int_equal(report.items, n);
	else if (status != HF_E_CORRUPT)
		assert_int_equal(report.items, -7);
	return status;
}

/* The call fails in this way and nothing of it stays. */
static void refused(struct rig *rig, const struct hf_schedule_item *items, size_t n,
                    const struct hf_schedule_options *options, enum hf_status expected, const char *message)
{
	hf_error err = HF_ERROR_INIT;
	json_t *before = rig_state(rig);
	enum hf_status status = schedule(rig, items, n, options, &err);
	if (status != expected || !strstr(err.message, message))
		fail_msg("%s: %s", hf_status_word(status), err.message);
	json_t *after = rig_state(rig);
	assert_true(json_equal(json_object_get(before, "queue"), json_object_get(after, "queue")));
	json_decref(before);
	json_decref(after);
}

/* ---- places ---- */

static void an_item_of_a_change_set_holds_no_place(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_item items[] = {item("cb0", "fixes", 7), item("cb0", "fixes", 8)};
	rig_load_text(rig,
	              "{" THREE ",\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],\"queue\":["
	              "{\"codebase\":\"cb0\",\"suite\":\"fixes\",\"change_set\":\"cs\",\"command\":\"x\",\"bucket\":"
	              "\"default\",\"priority\":40,\"refresh\":false}]}");
	EXPECT_OK(schedule(rig, items, 2, &plain, &err));
	json_t *wanted =
		json_loads("[[1,\"default\",\"cb0\",\"fixes\",\"cs\",\"x\",40,null,null,null,false,null],"
	                   "[2,\"default\",\"cb0\",\"fixes\",null,\"fix-it\",364,null,15000000,\"00:00:15\",false,"
	                   "\"scheduler\"]]",
	                   0, NULL);
	json_t *after = rig_state(rig);
	assert_true(json_equal(wanted, json_object_get(after, "queue")));
	json_decref(wanted);
	json_decref(after);
}

/* As long as names may be, and one of before they had a bound. */
static void long_names_in_the_queue_stop_nobody(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_schedule_options options = {.size = sizeof(options)};
	struct hf_schedule_item items[] = {item("cb0", "fixes", 7), item("", "fixes", 8)};
	struct hf_schedule_report report;
	char name[1001], id[61];
	snprintf(name, sizeof(name), "%01000d", 7);
	snprintf(id, sizeof(id), "%060d", 7);
	items[1].codebase = hf_str_of(name);
	items[1].change_set = hf_str_of(id);
	rig_load_text(rig, "{" THREE "}");
	rig_run(rig, "INSERT INTO codebase (name) VALUES (lpad('7', 1000, '0')), (repeat('a', 9000))");
	rig_run(rig, "INSERT INTO change_set (id, campaign) VALUES (lpad('7', 60, '0'), 'fixes')");
	rig_run(rig, "INSERT INTO queue (codebase, suite, command, change_set) SELECT c.name, 'fixes', 'x', s.id FROM "
	             "codebase AS c LEFT JOIN change_set AS s ON length(c.name) = 1000 WHERE length(c.name) > 9");
	EXPECT_OK(hf_schedule_bulk(rig->where, items, 2, &options, &report, &err));
	assert_int_equal(report.added, 1);
	assert_int_equal(report.replaced, 1);
	assert_int_equal(rig_count(rig, "queue WHERE command = 'fix-it'"), 2);
}

static void nothing_to_do_is_done(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = plain;
	rig_load_text(rig, "{}");
	EXPECT_OK(schedule(rig, NULL, 0, &plain, &err));
	options.size--;
	EXPECT_STATUS(schedule(rig, NULL, 0, &options, &err), HF_E_USAGE);
	EXPECT_STATUS(schedule(rig, NULL, (size_t)BULK_ITEMS_MAX + 1, &plain, &err), HF_E_LIMIT);
}

/* 12,000 candidates: several batches of every statement, all structures grown, the second run replaces the first. */
static void thousands_are_added_and_replaced(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .keep = &parity, .verify = 40};
	struct hf_schedule_report report;
	enum { N = 12000 };
	rig_load_text(rig, "{}");
	rig_run(rig,
	        "INSERT INTO codebase (name, value) SELECT 'pkg' || i, i % 97 FROM generate_series(1, 12000) AS i");
	rig_run(rig,
	        "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', 'propose', "
	        "NULL)::branch_publish_policy])");
	rig_run(rig,
	        "INSERT INTO candidate (codebase, suite, command, value, success_chance, publish_policy, context) "
	        "SELECT "
	        "'pkg' || i, 'fixes', 'fix-it', i % 50 + 1, nullif(i % 3, 0) / 3.0, 'p', nullif(i % 5, 0)::text FROM "
	        "generate_series(1, 12000) AS i");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.added, N);
	assert_int_equal(report.verified, 40);
	assert_true(report.verify_seed != 0);
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, N);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), N);
	assert_int_equal(rig_number(rig, "SELECT last_value FROM queue_id_seq"), 2 * N);
	rig_run(rig, "UPDATE queue SET bucket = 'hook' WHERE id % 2 = 0");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(report.replaced, N / 2);
	assert_int_equal(report.kept, N / 2);
}

/* ---- averages ---- */

static void count_averages(void *user, const char *name, UNUSED int64_t rows)
{
	*(int *)user += strstr(name, "_averages") != NULL;
}

/* Items without a history of their own, from no time at all to many days apart. */
static void averages_come_with_the_histories(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_options options = {.size = sizeof(options), .verify = 600};
	struct hf_schedule_report report;
	int asked = 0;
	rig_load_text(rig, "{}");
	rig_run(rig, "INSERT INTO codebase (name) SELECT 'pkg' || i FROM generate_series(1, 300) AS i");
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', "
	             "'propose', NULL)::branch_publish_policy])");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, value, publish_policy) SELECT 'pkg' || i, "
	             "suite, 'x', "
	             "1, 'p' FROM generate_series(1, 300) AS i, (VALUES ('fixes'), ('never')) AS s (suite)");
	rig_run(rig, "INSERT INTO change_set (id, campaign) VALUES ('cs', 'other')");
	rig_run(rig,
	        "INSERT INTO run (id, command, start_time, finish_time, result_code, suite, logfilenames, change_set, "
	        "codebase) SELECT 'r' || i, 'x', t, t + make_interval(days => i % 13, secs => i * 1234567 % 86399 + i "
	        "% "
	        "999983 / 1e6), 'success', CASE WHEN i % 7 = 0 THEN 'fixes' ELSE 'other' END, '{}', 'cs', 'pkg' || i * "
	        "i % "
	        "250 + 1 FROM (SELECT i, timestamp '2024-01-01' + make_interval(mins => i) AS t FROM "
	        "generate_series(1, 1500) AS i) AS runs");
	rig->on_query = count_averages;
	rig->on_query_user = &asked;
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	assert_int_equal(asked, 0);
	options.campaign = HF_STR("fixes");
	EXPECT_OK(hf_schedule_run(rig->where, &options, &report, &err));
	rig->on_query = NULL;
	assert_int_equal(asked, 2);
	assert_int_equal(report.verified, 300);
	assert_int_equal(report.added, 0);
	assert_true(rig_number(rig, "SELECT count(DISTINCT estimated_duration) FROM queue") > 50);
}

static struct hf_interval server_mean(struct rig *rig, hf_arena *arena, const char *list)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	const struct hf_value params[] = {hf_text(hf_str_of(list))};
	EXPECT_OK(hf_sql_one(
		rig->where,
		HF_STR("SELECT extract(year FROM a)::int * 12 + extract(month FROM a)::int, extract(day FROM "
	               "a)::int, extract(hour FROM a)::bigint * 3600000000 + extract(minute FROM a)::bigint * "
	               "60000000 + extract(microseconds FROM a)::int FROM (SELECT avg(i::interval) AS a FROM "
	               "unnest($1::text[]) AS i) AS x"),
		params, 1, arena, &row, &err));
	return (struct hf_interval){.months = (int32_t)row.values[0].as.i,
	                            .days = (int32_t)row.values[1].as.i,
	                            .us = row.values[2].as.i};
}

static void means_are_those_of_the_server(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = rig_seed();
	for (int round = 0; round < 500; round++) {
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		struct interval_mean mean = {0};
		char list[4096] = "{";
		size_t at = 1;
		for (uint64_t n = rig_below(&seed, 30) + 1; n > 0; n--) {
			struct hf_interval one = {.months = round % 3 ? 0 : (int32_t)rig_below(&seed, 40) - 20,
			                          .days = round % 2 ? (int32_t)rig_below(&seed, 900) - 100 : 0,
			                          .us = (int64_t)rig_below(&seed, UINT64_C(86400000000)) - 1000000};
			assert_true(interval_mean_add(&mean, one));
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%d mons %d days %lld microseconds%s",
			                       one.months, one.days, (long long)one.us, n > 1 ? "," : "}");
		}
		const struct hf_interval theirs = server_mean(rig, arena, list), ours = interval_mean(&mean);
		if (ours.months != theirs.months || ours.days != theirs.days || ours.us != theirs.us)
			fail_msg("%s: %d %d %lld, the server %d %d %lld", list, ours.months, ours.days,
			         (long long)ours.us, theirs.months, theirs.days, (long long)theirs.us);
	}
}

/* ---- two at once ---- */

enum { MANY = 200 };
struct half {
	struct rig *rig;
	hf_where where;
	struct hf_schedule_item items[MANY];
	char names[MANY][16];
	enum hf_status status;
	hf_error err;
	pthread_barrier_t *start;
};

/* Both halves hold a third of the places each alone and a third together; their values differ. */
static void fill_half(struct half *half, int first, double value)
{
	for (int i = 0; i < MANY; i++) {
		snprintf(half->names[i], sizeof(half->names[i]), "pkg%d", first + i);
		half->items[i] = item(half->names[i], "fixes", value + i);
	}
}

static void *schedule_half(void *user)
{
	struct half *half = user;
	struct hf_schedule_report report;
	if (half->start)
		pthread_barrier_wait(half->start);
	half->status = hf_schedule_bulk(half->where, half->items, MANY, &plain, &report, &half->err);
	return NULL;
}

static void reset_half(struct rig *rig)
{
	rig_load_text(rig, "{\"queue\":[]}");
	rig_run(rig, "INSERT INTO codebase (name, value) SELECT 'pkg' || i, i FROM generate_series(1, 400) AS i");
}

static json_t *one_after_the_other(struct rig *rig, struct half *first, struct half *then)
{
	reset_half(rig);
	first->start = then->start = NULL;
	schedule_half(first);
	schedule_half(then);
	assert_int_equal(first->status, HF_OK);
	assert_int_equal(then->status, HF_OK);
	return rig_state(rig);
}

static void two_at_once_are_one_after_the_other(void **state)
{
	struct rig *rig = *state;
	static struct half a, b;
	pthread_barrier_t start;
	pthread_t threads[2];
	a = (struct half){.rig = rig, .where = rig->where};
	b = (struct half){.rig = rig, .where = hf_on_connection(rig->second)};
	fill_half(&a, 1, 10.0);
	fill_half(&b, 1 + MANY / 2, 1000.0);
	json_t *ab = one_after_the_other(rig, &a, &b), *ba = one_after_the_other(rig, &b, &a);
	assert_false(json_equal(ab, ba));
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int round = 0; round < 15; round++) {
		reset_half(rig);
		a.start = b.start = &start;
		pthread_create(&threads[0], NULL, schedule_half, &a);
		pthread_create(&threads[1], NULL, schedule_half, &b);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		if (a.status != HF_OK || b.status != HF_OK)
			fail_msg("round %d: %s %s", round, a.err.message, b.err.message);
		json_t *both = rig_state(rig);
		if (!json_equal(both, ab) && !json_equal(both, ba))
			fail_msg("round %d: neither order gives this queue", round);
		json_decref(both);
	}
	pthread_barrier_destroy(&start);
	json_decref(ab);
	json_decref(ba);
}

/* ---- numbers at their bounds ---- */

static void load_with_priority(struct rig *rig, const char *priority)
{
	char text[512];
	snprintf(text, sizeof(text),
	         "{" THREE ",\"queue\":[{\"codebase\":\"cb1\",\"suite\":\"other\",\"command\":\"x\","
	         "\"bucket\":\"default\",\"priority\":%s,\"refresh\":false}]}",
	         priority);
	rig_load_text(rig, text);
}

static void priorities_stay_within_64_bits(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_item items[] = {item("cb0", "fixes", 100), item("cb1", "fixes", 100)};
	struct hf_schedule_options options = plain;
	load_with_priority(rig, "9223372036854775802");
	refused(rig, items, 2, &options, HF_REJECTED, "the priority leaves the range of 64 bits");
	load_with_priority(rig, "-9223372036854775808");
	EXPECT_OK(schedule(rig, items, 2, &options, &err));
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue WHERE id = 2"), INT64_MIN + 175);
	assert_int_equal(rig_number(rig, "SELECT priority FROM queue WHERE id = 3"), INT64_MIN + 350);
	options.default_offset = -500;
	refused(rig, items, 2, &options, HF_REJECTED, "fixes/cb0: the priority leaves the range of 64 bits");
	const double offsets[] = {1e300, -1e300, (double)INFINITY, (double)NAN, 9.3e18};
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		options.default_offset = offsets[i];
		refused(rig, items, 2, &options, HF_REJECTED, "the offset is not a finite number within 64 bits");
	}
}

static void impossible_values_are_refused(void **state)
{
	struct rig *rig = *state;
	static const struct {
		double value;
		const char *message;
	} cases[] = {{-100.0, "fixes/cb1: the value of the candidate is not above zero"},
	             {(double)NAN, "the value of the candidate is not above zero"},
	             {(double)INFINITY, NULL}};
	rig_load_text(rig, "{" THREE "}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hf_schedule_item items[] = {item("cb0", "fixes", 1), item("cb1", "fixes", cases[i].value)};
		hf_error err = HF_ERROR_INIT;
		if (cases[i].message)
			refused(rig, items, 2, &plain, HF_REJECTED, cases[i].message);
		else
			EXPECT_OK(schedule(rig, items, 2, &plain, &err));
	}
	char longer[4100];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	struct hf_schedule_item items[] = {item(longer, "fixes", 1)};
	refused(rig, items, 1, &plain, HF_E_LIMIT,
	        "the names of codebase, campaign and change set are longer than 4096 bytes");
	items[0] = item("cb0", "fixes", 1);
	items[0].command = HF_STR("");
	refused(rig, items, 1, &plain, HF_REJECTED, "fixes/cb0: the command is empty");
	items[0].command = (struct hf_str){NULL, 0};
	refused(rig, items, 1, &plain, HF_NOT_FOUND, "there is no candidate fixes/cb0");
	items[0] = item("nowhere", "fixes", 1);
	refused(rig, items, 1, &plain, HF_REJECTED, "queue_codebase_fkey");
}

/* ---- rows that cannot be read ---- */

static void load_run(struct rig *rig, const char *code, const char *start, const char *finish, const char *details)
{
	char text[1024];
	snprintf(text, sizeof(text),
	         "{" THREE ",\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],\"run\":[{\"id\":"
	         "\"r\",\"command\":\"x\",\"codebase\":\"cb0\",\"suite\":\"fixes\",\"change_set\":\"cs\",\"result_"
	         "code\":"
	         "\"%s\",\"start_time\":%s,\"finish_time\":%s,\"logfilenames\":[],\"failure_details\":%s}]}",
	         code, start, finish, details);
	rig_load_text(rig, text);
}

/* Many and one answer alike. */
static void both_answer(struct rig *rig, enum hf_status expected, const char *message)
{
	struct hf_schedule_item it = item("cb0", "fixes", 10);
	struct hf_schedule_request request = {.item = it,
	                                      .has_normalized_value = true,
	                                      .normalized_value = 1.0,
	                                      .keep = &parity};
	struct hf_schedule_result result;
	hf_error err = HF_ERROR_INIT;
	if (expected != HF_OK) {
		refused(rig, &it, 1, &plain, expected, message);
		EXPECT_STATUS(hf_schedule_candidate(rig->where, &request, &result, NULL, &err), expected);
		EXPECT_CONTAINS(err.message, message);
		return;
	}
	EXPECT_OK(schedule(rig, &it, 1, &plain, &err));
	EXPECT_OK(hf_schedule_candidate(rig->where, &request, &result, NULL, &err));
}

static void histories_may_be_unreadable(void **state)
{
	struct rig *rig = *state;
	static const struct {
		const char *details;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{"[1]", HF_REJECTED, "failure details of a run are no object"},
		{"\"x\"", HF_REJECTED, "are no object"},
		{"true", HF_REJECTED, "are no object"},
		{"5", HF_REJECTED, "are no object"},
		{"5.5", HF_REJECTED, "are no object"},
		{"{\"relations\":5}", HF_REJECTED, "relations that are no list"},
		{"{\"relations\":[[{\"name\":\"x\"}]]}", HF_E_DRIFT, "all_debian_versions"},
		{"{\"relations\":[[]]}", HF_OK, NULL},
		{"{\"relations\":[]}", HF_OK, NULL},
		{"{\"relations\":null}", HF_OK, NULL},
		{"{}", HF_OK, NULL},
		{"[]", HF_OK, NULL},
		{"\"\"", HF_OK, NULL},
		{"0", HF_OK, NULL},
		{"0.0", HF_OK, NULL},
		{"false", HF_OK, NULL},
		{"null", HF_OK, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		load_run(rig, "install-deps-unsatisfied-dependencies", "\"2020-01-01\"", "\"2020-01-02\"",
		         cases[i].details);
		both_answer(rig, cases[i].status, cases[i].message);
	}
	load_run(rig, "install-deps-unsatisfied-dependencies", "\"2020-01-01\"", "\"2020-01-02\"", "1");
	rig_run(rig, "UPDATE run SET failure_details = '{\"a\": 1e999}'");
	both_answer(rig, HF_E_INPUT, "no JSON that can be read");
}

static void times_may_be_missing(void **state)
{
	struct rig *rig = *state;
	load_run(rig, "failed", "null", "\"2020-01-01\"", "null");
	both_answer(rig, HF_REJECTED, "an earlier run has no start or no finish time");
}

/* The schema forbids it; a database that was taken over need not. */
static void runs_may_end_before_they_start(void **state)
{
	struct rig *rig = *state;
	rig_load_text(rig, "{}");
	rig_run(rig, "ALTER TABLE run DROP CONSTRAINT run_check");
	load_run(rig, "failed", "\"2020-01-02\"", "\"2020-01-01\"", "null");
	both_answer(rig, HF_REJECTED, "the estimated duration is negative");
	load_run(rig, "worker-failure", "\"2020-01-02\"", "\"2020-01-01\"", "null");
	both_answer(rig, HF_REJECTED, "the estimated duration is negative");
	rig_load_text(rig, "{}");
	rig_run(rig, "ALTER TABLE run ADD CONSTRAINT run_check CHECK (finish_time >= start_time)");
}

static enum hf_status ignore(UNUSED void *user, UNUSED const struct hf_queue_item *it, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status ignore_stats(UNUSED void *user, UNUSED const struct hf_queue_bucket_stats *stats,
                                   UNUSED hf_error *err)
{
	return HF_OK;
}

static void absurd_estimates_in_the_queue_are_refused(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_queue_item it;
	struct hf_queue_next next;
	struct hf_queue_position position;
	struct hf_queue_filter any = {.codebase = {NULL, 0}};
	load_with_priority(rig, "1");
	rig_run(rig, "INSERT INTO queue (codebase, suite, command, bucket, priority) VALUES ('cb0', 'last', 'x', "
	             "'default', 9)");
	rig_run(rig, "UPDATE queue SET estimated_duration = '100000000 years' WHERE id = 1");
	EXPECT_STATUS(hf_queue_get(rig->where, 1, arena, &it, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_queue_list(rig->where, &(struct hf_queue_list_filter){.limit = 0}, ignore, NULL, &err),
	              HF_E_LIMIT);
	EXPECT_STATUS(hf_queue_peek(rig->where, &any, arena, &next, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_queue_stats(rig->where, ignore_stats, NULL, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_queue_position(rig->where, HF_STR("cb0"), HF_STR("last"), &position, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "months");
}

/* ---- the verification ---- */

static void a_row_that_is_stored_otherwise_is_found(void **state)
{
	struct rig *rig = *state;
	struct hf_schedule_item items[] = {item("cb0", "fixes", 7), item("cb1", "fixes", 8)};
	struct hf_schedule_options options = {.size = sizeof(options), .keep = &parity, .verify = 10};
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report = {0};
	rig_load_text(rig, "{" THREE "}");
	rig_run(rig, "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.priority = "
	             "NEW.priority + 1; "
	             "RETURN NEW; END $$");
	rig_run(rig, "CREATE TRIGGER meddle BEFORE INSERT ON queue FOR EACH ROW EXECUTE FUNCTION meddle()");
	EXPECT_STATUS(hf_schedule_bulk(rig->where, items, 2, &options, &report, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "fixes/cb0: the stored priority is");
	assert_int_equal(report.differing, 1);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 0);
	rig_run(rig, "DROP TRIGGER meddle ON queue");
	rig_run(rig, "DROP FUNCTION meddle()");
	EXPECT_OK(hf_schedule_bulk(rig->where, items, 2, &options, &report, &err));
	assert_int_equal(report.verified, 2);
}

/* Somebody takes a place after the first look at the codebases. */
static void take_place(void *user, const char *name, UNUSED int64_t rows)
{
	struct rig *rig = user;
	if (strcmp(name, "codebase_values") != 0)
		return;
	rig->on_query = NULL;
	sql_run(hf_on_connection(rig->second),
	        "INSERT INTO queue (codebase, suite, command) VALUES ('cb0', 'fixes', 'theirs')");
}

/* A database may be set to a stricter default: what others commit before the queue is locked is seen all the same. */
static void a_stricter_default_makes_no_place_stale(void **state)
{
	struct rig *rig = *state;
	struct hf_schedule_item it = item("cb0", "fixes", 7);
	struct hf_schedule_options options = {.size = sizeof(options)};
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report = {0};
	rig_load_text(rig, "{" THREE "}");
	rig_run(rig, "SET default_transaction_isolation = 'repeatable read'");
	rig->on_query = take_place;
	rig->on_query_user = rig;
	enum hf_status status = hf_schedule_bulk(rig->where, &it, 1, &options, &report, &err);
	rig->on_query = NULL;
	rig_run(rig, "RESET default_transaction_isolation");
	if (status != HF_OK)
		fail_msg("%s", err.message);
	assert_int_equal(report.replaced, 1);
	assert_int_equal(rig_count(rig, "queue"), 1);
}

static void let_days_pass(void *user, const char *name, UNUSED int64_t rows)
{
	struct rig *rig = user;
	if (strcmp(name, "queue_append") == 0)
		rig->wall_us += INT64_C(10) * 86400 * 1000000;
}

/* A worker failure that counts while the items are computed counts no more when they are verified. */
static void an_offset_that_is_computed_otherwise_is_found(void **state)
{
	struct rig *rig = *state;
	struct hf_schedule_item it = item("cb0", "fixes", 7);
	struct hf_schedule_options options = {.size = sizeof(options), .keep = &parity, .verify = 10};
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_report report = {0};
	load_run(rig, "worker-failure", "\"2024-06-01 06:00\"", "\"2024-06-01 07:00\"", "null");
	rig->on_query = let_days_pass;
	rig->on_query_user = rig;
	enum hf_status status = hf_schedule_bulk(rig->where, &it, 1, &options, &report, &err);
	rig->on_query = NULL;
	rig->wall_us = RIG_NOW_US;
	EXPECT_STATUS(status, HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "fixes/cb0: the offset is");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 0);
}

/* ---- explaining ---- */

static void an_explanation_needs_something_to_explain(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_explanation why;
	rig_load_text(rig, "{" THREE "}");
	EXPECT_STATUS(hf_schedule_explain(rig->where, HF_STR("nowhere"), HF_STR("fixes"), &parity, &why, &err),
	              HF_NOT_FOUND);
	EXPECT_CONTAINS(err.message, "nowhere");
	EXPECT_STATUS(hf_schedule_explain(rig->where, HF_STR("cb0"), HF_STR("fixes"), &parity, &why, &err),
	              HF_NOT_FOUND);
	EXPECT_CONTAINS(err.message, "there is no candidate fixes/cb0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_of_a_change_set_holds_no_place),
		cmocka_unit_test(long_names_in_the_queue_stop_nobody),
		cmocka_unit_test(a_stricter_default_makes_no_place_stale),
		cmocka_unit_test(nothing_to_do_is_done),
		cmocka_unit_test(thousands_are_added_and_replaced),
		cmocka_unit_test(averages_come_with_the_histories),
		cmocka_unit_test(means_are_those_of_the_server),
		cmocka_unit_test(two_at_once_are_one_after_the_other),
		cmocka_unit_test(priorities_stay_within_64_bits),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(histories_may_be_unreadable),
		cmocka_unit_test(times_may_be_missing),
		cmocka_unit_test(runs_may_end_before_they_start),
		cmocka_unit_test(absurd_estimates_in_the_queue_are_refused),
		cmocka_unit_test(a_row_that_is_stored_otherwise_is_found),
		cmocka_unit_test(an_offset_that_is_computed_otherwise_is_found),
		cmocka_unit_test(an_explanation_needs_something_to_explain),
	};
	return cmocka_run_group_tests_name("bulk", tests, rig_up, rig_down);
}
