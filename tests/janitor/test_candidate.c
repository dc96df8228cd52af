/* Candidates: set, delete, lists, and the upload with all that can be wrong in it. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pyrepr.h"

static void is_text(struct hf_str text, const char *expected)
{
	if (!text.ptr != !expected || (text.ptr && !str_eq(text, hf_str_of(expected))))
		fail_msg("%.*s, not %s", text.ptr ? (int)text.len : 4, text.ptr ? text.ptr : "NULL",
		         expected ? expected : "NULL");
}

/* As Python 3.11 answers repr(). */
static void texts_as_python_shows_them(UNUSED void **state)
{
	static const char *const cases[][2] = {{"", "''"},
	                                       {"a b", "'a b'"},
	                                       {"it's", "\"it's\""},
	                                       {"a\"b", "'a\"b'"},
	                                       {"it's \"q\"", "'it\\'s \"q\"'"},
	                                       {"a\\b\n\r\t\x01\x7f", "'a\\\\b\\n\\r\\t\\x01\\x7f'"},
	                                       {"\xc3\xa9\xc2\xa0\xc2\xad", "'\xc3\xa9\\xa0\\xad'"},
	                                       {"\xe2\x80\xa8\xe2\x87\x92", "'\\u2028\xe2\x87\x92'"},
	                                       {"\xf0\x9f\x98\x80\xf3\xb0\x80\x80", "'\xf0\x9f\x98\x80\\U000f0000'"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;
		buf_init(&out, 1000);
		pyrepr_add(&out, hf_str_of(cases[i][0]));
		is_text(buf_str(&out), cases[i][1]);
		buf_deinit(&out);
	}
}

static void load(struct rig *rig)
{
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"value\":10},{\"name\":\"bb\",\"value\":5},{\"name\":"
	                   "\"cc\",\"value\":null}],"
	                   "\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\",\"state\":\"created\"}]}");
	rig_run(rig, "DELETE FROM followup");
	rig_run(rig, "DELETE FROM merge_proposal");
	rig_run(rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', '{}')");
}

/* ---- one ---- */

static void set_creates_and_changes_parts(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate wanted = {.codebase = HF_STR("aa"), .campaign = HF_STR("fixes"), .context = HF_STR("ctx")};
	struct hf_candidate stored;
	int32_t id, again;
	bool created;
	load(rig);
	EXPECT_STATUS(hf_candidate_set(rig->where, &wanted, 0, &id, &created, &err), HF_E_INPUT);
	assert_string_equal(err.message, "a new candidate needs a command");
	wanted.command = HF_STR("x");
	EXPECT_OK(hf_candidate_set(rig->where, &wanted, 0, &id, &created, &err));
	assert_true(created);
	wanted = (struct hf_candidate){.codebase = HF_STR("aa"),
	                               .campaign = HF_STR("fixes"),
	                               .has_value = true,
	                               .value = 7};
	EXPECT_OK(hf_candidate_set(rig->where, &wanted, HF_CANDIDATE_VALUE, &again, &created, &err));
	assert_false(created);
	assert_int_equal(id, again);
	EXPECT_OK(hf_candidate_get(rig->where, id, arena, &stored, &err));
	is_text(stored.command, "x");
	is_text(stored.context, "ctx");
	assert_int_equal(stored.value, 7);
	EXPECT_STATUS(hf_candidate_get(rig->where, id + 99, arena, &stored, &err), HF_NOT_FOUND);
}

static void set_refuses_what_cannot_be(void **state)
{
	struct rig *rig = *state;
	static const struct {
		struct hf_candidate candidate;
		enum hf_status status;
		const char *message;
	} cases[] = {
#define CASE(codebase_, campaign_, ...)      \
	{.codebase = HF_STR_INIT(codebase_), \
	 .campaign = HF_STR_INIT(campaign_), \
	 .command = HF_STR_INIT("x"),        \
	 __VA_ARGS__}
		{CASE("zz", "fixes", .id = 0), HF_REJECTED, "there is no codebase zz"},
		{CASE("aa", "a/b", .id = 0), HF_E_INPUT, "the campaign is no name"},
		{CASE("aa", "fixes", .publish_policy = HF_STR_INIT("q")), HF_REJECTED, "there is no publish policy q"},
		{CASE("aa", "fixes", .change_set = HF_STR_INIT("none")), HF_REJECTED, "there is no change set none"},
		{CASE("aa", "fixes", .has_value = true), HF_E_INPUT, "the value is not above 0"},
		{CASE("aa", "fixes", .has_success_chance = true, .success_chance = 1.5), HF_E_INPUT,
	         "the success chance"}};
#undef CASE
	hf_error err = HF_ERROR_INIT;
	load(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_STATUS(hf_candidate_set(rig->where, &cases[i].candidate, 31, NULL, NULL, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate"), 0);
}

/* The entries of two change sets; which of them go. */
static void delete_takes_the_entry_of_its_change_set(void **state)
{
	struct rig *rig = *state;
	const struct hf_defects parity = hf_defects_all();
	hf_error err = HF_ERROR_INIT;
	for (int kept = 0; kept < 2; kept++) {
		int64_t dequeued;
		load(rig);
		rig_run(rig, "INSERT INTO candidate (codebase, suite, command, change_set) VALUES "
		             "('aa', 'fixes', 'x', NULL), ('aa', 'fixes', 'x', 'cs')");
		rig_run(rig,
		        "INSERT INTO queue (codebase, suite, change_set) VALUES "
		        "('aa', 'fixes', NULL), ('aa', 'fixes', 'cs'), ('aa', 'other', NULL), ('bb', 'fixes', NULL)");
		rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set) "
		             "VALUES ('r', 'bb', 'fixes', 'success', '{}', 'cs')");
		rig_run(rig, "INSERT INTO followup (origin, candidate) VALUES ('r', 1)");
		EXPECT_OK(hf_candidate_delete(rig->where, 1, kept ? &parity : NULL, &dequeued, &err));
		assert_int_equal(dequeued, kept ? 2 : 1);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE change_set = 'cs'"), kept ? 0 : 1);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate WHERE change_set = 'cs'"), 1);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM followup"), 0);
		EXPECT_STATUS(hf_candidate_delete(rig->where, 1, NULL, &dequeued, &err), HF_NOT_FOUND);
	}
}

static enum hf_status count_row(void *user, UNUSED const struct hf_candidate *candidate, UNUSED hf_error *err)
{
	++*(int64_t *)user;
	return HF_OK;
}

static void lists_and_counts_agree(void **state)
{
	struct rig *rig = *state;
	static const struct {
		struct hf_candidate_filter filter;
		int64_t expected;
	} cases[] = {{{.after = 0}, 4},
	             {{.campaign = HF_STR_INIT("fixes")}, 3},
	             {{.codebase = HF_STR_INIT("aa")}, 3},
	             {{.change_set = HF_STR_INIT("cs")}, 1},
	             {{.publish_policy = HF_STR_INIT("p"), .campaign = HF_STR_INIT("fixes")}, 1},
	             {{.campaign = HF_STR_INIT("none")}, 0}};
	hf_error err = HF_ERROR_INIT;
	load(rig);
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command, change_set, publish_policy) VALUES ('aa', "
	             "'fixes', 'x', "
	             "NULL, 'p'), ('aa', 'fixes', 'x', 'cs', NULL), ('aa', 'other', 'x', NULL, 'p'), ('bb', 'fixes', "
	             "'x', NULL, NULL)");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t counted = -1, listed = 0;
		EXPECT_OK(hf_candidate_count(rig->where, &cases[i].filter, &counted, &err));
		EXPECT_OK(hf_candidate_list(rig->where, &cases[i].filter, count_row, &listed, &err));
		assert_int_equal(counted, cases[i].expected);
		assert_int_equal(listed, cases[i].expected);
	}
}

/* ---- upload ---- */

static const struct hf_campaign_default campaigns[] = {{HF_STR_INIT("fixes"), HF_STR_INIT("fix it")},
                                                       {HF_STR_INIT("bare"), HF_STR_INIT("")}};
static const struct hf_candidate_upload_options configured = {.size = sizeof(configured),
                                                              .campaigns = campaigns,
                                                              .ncampaigns = ARRAY_LEN(campaigns)};

static enum hf_status upload(struct rig *rig, const char *json, hf_arena *arena,
                             struct hf_candidate_upload_report *ret_report, hf_error *err)
{
	*err = (hf_error)HF_ERROR_INIT;
	return hf_candidate_upload(rig->where, hf_str_of(json), &configured, arena, ret_report, err);
}

static void upload_stores_and_schedules(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_report report;
	load(rig);
	EXPECT_OK(upload(
		rig,
		"[{\"codebase\":\"aa\",\"campaign\":\"fixes\",\"value\":7.9,\"context\":\"c\",\"publish-policy\":\"p\"}"
		","
		" {\"codebase\":\"bb\",\"campaign\":\"fixes\",\"command\":\"own\",\"bucket\":\"manual\",\"more\":1,"
		"  \"requester\":\"me\",\"success_chance\":true,\"change_set\":\"cs\",\"followup_for\":[]},"
		" {\"codebase\":\"aa\",\"campaign\":\"fixes\",\"bucket\":null}]",
		arena, &report, &err));
	assert_int_equal(report.nuploaded, 3);
	assert_int_equal(report.nrefused, 0);
	assert_int_equal(report.uploaded[1].scheduled.bucket, HF_BUCKET_MANUAL);
	is_text(report.uploaded[1].candidate.change_set, "cs");
	assert_int_equal(report.uploaded[0].candidate.id, report.uploaded[2].candidate.id);
	assert_int_equal(report.uploaded[0].scheduled.queue_id, report.uploaded[2].scheduled.queue_id);
	assert_int_equal(report.uploaded[0].scheduled.estimated_duration_us, 15000000);
	/* (20000 + 15000) / (1 * 1 * (7 + 100)), and without a value / 1 */
	assert_true(report.uploaded[0].scheduled.offset == 35000.0 / 107.0);
	assert_true(report.uploaded[2].scheduled.offset == 35000.0);
	assert_int_equal(rig_number(rig,
	                            "SELECT count(*) FROM candidate WHERE command = 'fix it' AND value IS NULL AND "
	                            "context IS NULL AND publish_policy IS NULL"),
	                 1);
	assert_int_equal(
		rig_number(rig,
	                   "SELECT count(*) FROM queue WHERE requester = 'candidate update me' AND bucket = 'manual' "
	                   "AND change_set = 'cs' AND NOT refresh AND command = 'own'"),
		1);
	EXPECT_OK(upload(rig, "[]", arena, &report, &err));
	assert_int_equal(report.nuploaded + report.nrefused, 0);
}

static void upload_passes_over_what_is_unknown(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_report report;
	static const struct {
		enum hf_candidate_refusal reason;
		const char *word;
	} expected[] = {{HF_CANDIDATE_UNKNOWN_CODEBASE, "zz"},   {HF_CANDIDATE_UNKNOWN_POLICY, "q"},
	                {HF_CANDIDATE_UNKNOWN_CAMPAIGN, "none"}, {HF_CANDIDATE_UNKNOWN_CAMPAIGN, NULL},
	                {HF_CANDIDATE_NO_COMMAND, ""},           {HF_CANDIDATE_ZERO_VALUE, "0"},
	                {HF_CANDIDATE_ZERO_VALUE, "0"}};
	load(rig);
	EXPECT_OK(upload(rig,
	                 "[{\"codebase\":\"zz\",\"campaign\":\"fixes\"}, "
	                 "{\"codebase\":\"aa\",\"campaign\":\"fixes\",\"publish-policy\":\"q\"},"
	                 " {\"codebase\":\"aa\",\"campaign\":\"none\"}, {\"codebase\":\"aa\",\"campaign\":null},"
	                 " {\"codebase\":\"aa\",\"campaign\":\"bare\"}, "
	                 "{\"codebase\":\"aa\",\"campaign\":\"fixes\",\"value\":false},"
	                 " {\"codebase\":\"aa\",\"campaign\":\"fixes\",\"value\":0.0}, "
	                 "{\"codebase\":\"cc\",\"campaign\":\"fixes\"}]",
	                 arena, &report, &err));
	assert_int_equal(report.nuploaded, 1);
	is_text(report.uploaded[0].candidate.codebase, "cc");
	assert_int_equal(report.nrefused, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(report.refused[i].entry, i + 1);
		assert_int_equal(report.refused[i].reason, expected[i].reason);
		is_text(report.refused[i].word, expected[i].word);
	}
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate"), 1);
	assert_int_equal(rig_number(rig, "SELECT id FROM candidate"), 3); /* ids of those passed over are used up */
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
}

static void upload_looks_at_open_proposals(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_report report;
	load(rig);
	rig_run(rig, "INSERT INTO run (id, codebase, suite, command, result_code, logfilenames, change_set, revision, "
	             "start_time, "
	             "finish_time) VALUES ('r', 'aa', 'fixes', 'it''s old', 'success', '{}', 'cs', 'rev', "
	             "'2024-01-01', '2024-01-01 00:00:10')");
	rig_run(rig, "INSERT INTO merge_proposal (url, status, revision) VALUES ('https://p/1', 'open', 'rev')");
	const char *entry = "[{\"codebase\":\"aa\",\"campaign\":\"fixes\",\"command\":\"new\",\"requester\":\"me\","
			    "\"bucket\":\"hook\"}]";
	EXPECT_OK(upload(rig, entry, arena, &report, &err));
	assert_true(report.uploaded[0].refresh);
	assert_int_equal(report.uploaded[0].scheduled.bucket, HF_BUCKET_UPDATE_EXISTING_MP);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue WHERE requester = "
	                                 "'command changed for existing mp: \"it''s old\" \xe2\x87\x92 ''new'' me'"),
	                 1);
	rig_run(rig, "UPDATE merge_proposal SET status = 'merged'");
	rig_run(rig, "DELETE FROM queue");
	EXPECT_OK(upload(rig, entry, arena, &report, &err));
	assert_false(report.uploaded[0].refresh);
	assert_int_equal(report.uploaded[0].scheduled.bucket, HF_BUCKET_HOOK);
}

static void upload_remembers_what_it_follows(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_defects parity = hf_defects_all();
	struct hf_candidate_upload_options kept = configured;
	struct hf_candidate_upload_report report;
	kept.keep = &parity;
	load(rig);
	rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set) "
	             "VALUES ('r', 'bb', 'fixes', 'success', '{}', 'cs')");
	const char *entry = "[{\"codebase\":\"aa\",\"campaign\":\"fixes\",\"followup_for\":[\"r\",\"r\"]}]";
	EXPECT_STATUS(hf_candidate_upload(rig->where, hf_str_of(entry), &kept, arena, &report, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "D-35");
	EXPECT_OK(upload(rig, entry, arena, &report, &err));
	EXPECT_OK(upload(rig, entry, arena, &report, &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM followup WHERE origin = 'r' AND candidate IS NOT NULL"),
	                 1);
	EXPECT_STATUS(upload(rig, "[{\"codebase\":\"bb\",\"campaign\":\"fixes\",\"followup_for\":[\"none\"]}]", arena,
	                     &report, &err),
	              HF_REJECTED);
	assert_string_equal(err.message, "candidates: entry 1: \"followup_for\" names a run that is not there");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate"), 1);
}

static void upload_undoes_all_for_a_mistake(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_report report;
#define ENTRY(members) "{\"codebase\":\"aa\",\"campaign\":\"fixes\"," members "}"
	static const struct {
		const char *entry, *message;
		enum hf_status status;
	} cases[] = {
		{"[]", "candidates: entry 2 is a list, not an object", HF_E_INPUT},
		{"{\"campaign\":\"fixes\"}", "candidates: entry 2: \"codebase\" is missing", HF_E_INPUT},
		{"{\"codebase\":null,\"campaign\":\"fixes\"}", "candidates: entry 2: \"codebase\" is null", HF_E_INPUT},
		{"{\"codebase\":\"aa\"}", "candidates: entry 2: \"campaign\" is missing", HF_E_INPUT},
		{"{\"codebase\":\"aa\",\"campaign\":7}", "candidates: entry 2: \"campaign\" is a number", HF_E_INPUT},
		{ENTRY("\"value\":-1"), "candidates: entry 2: \"value\" is not above 0", HF_E_INPUT},
		{ENTRY("\"value\":0.5"), "candidates: entry 2: \"value\" is not above 0", HF_E_INPUT},
		{ENTRY("\"value\":2147483648"), "candidates: entry 2: \"value\" is not within 32 bits", HF_E_INPUT},
		{ENTRY("\"value\":\"1\""), "candidates: entry 2: \"value\" is a string, not a number or null",
	         HF_E_INPUT},
		{ENTRY("\"success_chance\":1.01"), "candidates: entry 2: \"success_chance\" is not within", HF_E_INPUT},
		{ENTRY("\"bucket\":\"manuel\""), "candidates: entry 2: \"bucket\" is none of the queue's", HF_E_INPUT},
		{ENTRY("\"command\":[1]"), "candidates: entry 2: \"command\" is a list", HF_E_INPUT},
		{ENTRY("\"followup_for\":\"r\""), "candidates: entry 2: \"followup_for\" is no list", HF_E_INPUT},
		{ENTRY("\"followup_for\":[7]"), "candidates: entry 2: \"followup_for\" holds something else",
	         HF_E_INPUT},
		{ENTRY("\"change_set\":\"none\""), "candidates: entry 2: there is no change set none", HF_REJECTED},
		{ENTRY("\"context\":\"a\\u0000b\""), "candidates:1:", HF_E_INPUT},
		{ENTRY("\"context\":\"\xc3\x28\""), "candidates:1:", HF_E_INPUT},
		{ENTRY("\"context\":\"\\ud800\""), "candidates:1:", HF_E_INPUT}};
	load(rig);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), "[{\"codebase\":\"bb\",\"campaign\":\"fixes\"},%s]", cases[i].entry);
		EXPECT_STATUS(upload(rig, text, arena, &report, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_int_equal(rig_number(rig,
		                            "SELECT (SELECT count(*) FROM candidate) + (SELECT count(*) FROM queue)"),
		                 0);
	}
	EXPECT_STATUS(upload(rig, "{}", arena, &report, &err), HF_E_INPUT);
	struct hf_candidate_upload_options bad = {.size = 1};
	EXPECT_STATUS(hf_candidate_upload(rig->where, HF_STR("[]"), &bad, arena, &report, &err), HF_E_USAGE);
	struct hf_candidate_upload_options any = {.size = sizeof(any)};
	EXPECT_STATUS(hf_candidate_upload(rig->where,
	                                  HF_STR("[{\"codebase\":\"aa\",\"campaign\":\"a/b\",\"command\":\"x\"}]"),
	                                  &any, arena, &report, &err),
	              HF_E_INPUT);
	assert_string_equal(err.message, "candidates: entry 1: \"campaign\" is no name for a campaign");
}

static void upload_refuses_hostile_documents(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_report report;
	char *deep = malloc(20001), *large = malloc(((size_t)100 << 20) + 1);
	load(rig);
	assert_true(deep && large);
	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	deep[20000] = '\0';
	memset(large, ' ', (size_t)100 << 20);
	large[(size_t)100 << 20] = '\0';
	EXPECT_STATUS(upload(rig, deep, arena, &report, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "candidates: nested 10000 levels deep, at most 64 are read");
	EXPECT_STATUS(upload(rig, large, arena, &report, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "candidates: 104857600 bytes, at most 16777216 are read");
	free(deep);
	free(large);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate"), 0);
}

/* Campaigns from before names had a bound: their candidates are changed and removed as any, a new campaign is refused.
 */
static void a_longer_campaign_that_is_there_is_worked_with(void **state)
{
	struct rig *rig = *state;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_options options = {.size = sizeof(options)};
	struct hf_candidate_upload_report report;
	hf_error err = HF_ERROR_INIT;
	struct hf_changes changes;
	char old[1502], new[1502], text[1700];
	int32_t id;
	bool created = true;
	load(rig);
	snprintf(old, sizeof(old), "%01501d", 7);
	snprintf(new, sizeof(new), "%01501d", 8);
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command) VALUES ('aa', lpad('7', 1501, '0'), 'x')");
	struct hf_candidate pair[] = {{.codebase = HF_STR("aa"), .campaign = hf_str_of(old), .command = HF_STR("y")},
	                              {.codebase = HF_STR("bb"), .campaign = hf_str_of(new), .command = HF_STR("y")}};
	EXPECT_OK(hf_candidate_set(rig->where, &pair[0], HF_CANDIDATE_COMMAND, &id, &created, &err));
	assert_false(created);
	EXPECT_OK(hf_candidate_import(rig->where, pair, 1, &changes, &err));
	snprintf(text, sizeof(text), "[{\"codebase\":\"aa\",\"campaign\":\"%s\",\"command\":\"z\"}]", old);
	EXPECT_OK(hf_candidate_upload(rig->where, hf_str_of(text), &options, arena, &report, &err));
	assert_int_equal(rig_count(rig, "candidate WHERE command = 'z'"), 1);
	EXPECT_OK(hf_change_set_create(rig->where,
	                               &(struct hf_change_set){.id = HF_STR("c2"), .campaign = hf_str_of(old)}, 1,
	                               &err));

	EXPECT_STATUS(hf_candidate_set(rig->where, &pair[1], 0, NULL, NULL, &err), HF_E_INPUT);
	assert_string_equal(err.message, "the campaign is longer than 1000 bytes");
	EXPECT_STATUS(hf_candidate_import(rig->where, pair, 2, &changes, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "/bb): the campaign is longer than 1000 bytes");
	snprintf(text, sizeof(text), "[{\"codebase\":\"aa\",\"campaign\":\"%s\",\"command\":\"z\"}]", new);
	EXPECT_STATUS(hf_candidate_upload(rig->where, hf_str_of(text), &options, arena, &report, &err), HF_E_INPUT);
	assert_string_equal(err.message, "candidates: entry 1: the campaign is longer than 1000 bytes");
	EXPECT_STATUS(hf_change_set_create(rig->where,
	                                   &(struct hf_change_set){.id = HF_STR("c3"), .campaign = hf_str_of(new)}, 1,
	                                   &err),
	              HF_E_INPUT);
	assert_string_equal(err.message, "change set 1: the campaign is longer than 1000 bytes");
	EXPECT_OK(hf_candidate_delete(rig->where, id, NULL, NULL, &err));
	assert_int_equal(rig_count(rig, "candidate"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts_as_python_shows_them),
	                                   cmocka_unit_test(set_creates_and_changes_parts),
	                                   cmocka_unit_test(set_refuses_what_cannot_be),
	                                   cmocka_unit_test(delete_takes_the_entry_of_its_change_set),
	                                   cmocka_unit_test(lists_and_counts_agree),
	                                   cmocka_unit_test(upload_stores_and_schedules),
	                                   cmocka_unit_test(upload_passes_over_what_is_unknown),
	                                   cmocka_unit_test(upload_looks_at_open_proposals),
	                                   cmocka_unit_test(upload_remembers_what_it_follows),
	                                   cmocka_unit_test(upload_undoes_all_for_a_mistake),
	                                   cmocka_unit_test(upload_refuses_hostile_documents),
	                                   cmocka_unit_test(a_longer_campaign_that_is_there_is_worked_with)};
	return cmocka_run_group_tests_name("candidate", tests, rig_up, rig_down);
}
