/* What a worker reports: every field in its forms, everything that is refused, and JSON text as the original writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "base/arena.h"
#include "holdfast/run_result.h"
#include "janitor/json_text.h"

#define TIMES "\"start_time\":\"2024-01-02T03:04:05\",\"finish_time\":\"2024-01-02T03:04:06.5\""

static int arena_up(void **state)
{
	return (*state = hf_arena_new(0)) ? 0 : -1;
}

static int arena_down(void **state)
{
	hf_arena_free(*state);
	return 0;
}

static void is_text(struct hf_str text, const char *expected)
{
	if (!text.ptr != !expected || (text.ptr && !str_eq(text, hf_str_of(expected))))
		fail_msg("%.*s, not %s", text.ptr ? (int)text.len : 4, text.ptr ? text.ptr : "NULL",
		         expected ? expected : "NULL");
}

static struct hf_run_result decoded_with(hf_arena *arena, const struct hf_defects *keep, const char *members)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_run_result result = {0};
	struct buf buf;
	buf_init(&buf, 1 << 20);
	buf_printf(&buf, "{" TIMES "%s%s}", *members ? "," : "", members);
	EXPECT_OK(hf_run_result_decode(buf_str(&buf), keep, arena, &result, &err));
	buf_deinit(&buf);
	return result;
}

static struct hf_run_result decoded(hf_arena *arena, const char *members)
{
	return decoded_with(arena, NULL, members);
}

static void a_result_of_times_alone(void **state)
{
	struct hf_run_result result = decoded(*state, "");
	is_text(result.code, "missing-result-code");
	is_text(result.description, NULL);
	is_text(result.codemod, NULL);
	is_text(result.builder, NULL);
	assert_int_equal(result.start_time.us, INT64_C(757479845000000));
	assert_int_equal(result.finish_time.us, INT64_C(757479846500000));
	assert_false(result.has_value || result.has_transient || result.refreshed);
	assert_int_equal(result.nbranches + result.ntags, 0);
}

static void a_full_result(void **state)
{
	struct hf_run_result result = decoded(*state, "\"code\":\"success\",\"description\":\"d\\u00e9\",\"context\":"
	                                              "\"\",\"stage\":\"build\",\"main_branch_revision\":"
	                                              "\"m\",\"revision\":\"r\",\"target_branch_url\":\"t\",\"branch_"
	                                              "url\":\"b\",\"subpath\":\"\",\"vcs_type\":\"git\","
	                                              "\"codebase\":\"cb\",\"worker_name\":\"w\",\"codemod\":{\"b\":1."
	                                              "0,\"a\":[null]},\"details\":{},\"remotes\":{\"o\":"
	                                              "{\"url\":\"u\"}},\"transient\":false,\"value\":7,\"refreshed\":"
	                                              "true,\"queue_id\":9,\"unknown\":[1],\"branches\":"
	                                              "[[\"main\",null,\"b1\",\"r1\"],[\"pristine-tar\",\"p\",\"\","
	                                              "null]],\"tags\":[[\"v1\",\"t1\"],[null,\"t2\"]],"
	                                              "\"target\":{\"name\":\"debian\",\"details\":{\"x\":[]}}");
	is_text(result.code, "success");
	is_text(result.description, "d\xc3\xa9");
	is_text(result.context, "");
	is_text(result.stage, "build");
	is_text(result.main_branch_revision, "m");
	is_text(result.revision, "r");
	is_text(result.target_branch_url, "t");
	is_text(result.branch_url, "b");
	is_text(result.subpath, "");
	is_text(result.vcs_type, "git");
	is_text(result.codebase, "cb");
	is_text(result.worker_name, "w");
	is_text(result.codemod, "{\"b\": 1.0, \"a\": [null]}");
	is_text(result.details, "{}");
	is_text(result.remotes, "{\"o\": {\"url\": \"u\"}}");
	assert_true(result.has_transient && !result.transient && result.refreshed);
	assert_true(result.has_value && result.value == 7);
	assert_int_equal(result.nbranches, 2);
	is_text(result.branches[0].role, "main");
	is_text(result.branches[0].remote_name, NULL);
	is_text(result.branches[0].base_revision, "b1");
	is_text(result.branches[1].remote_name, "p");
	is_text(result.branches[1].base_revision, NULL);
	is_text(result.branches[1].revision, NULL);
	assert_int_equal(result.ntags, 2);
	is_text(result.tags[0].name, "v1");
	is_text(result.tags[1].name, NULL);
	is_text(result.tags[1].revision, "t2");
	is_text(result.builder, "debian");
	is_text(result.builder_details, "{\"x\": []}");
}

static void an_empty_code_is_missing_or_as_the_original_has_it_success(void **state)
{
	struct hf_defects parity = hf_defects_all(), all_but = hf_defects_all();
	hf_defects_keep(&all_but, 27, false);
	static const char *const empty[] = {"\"code\":null", "\"code\":\"\""};
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		is_text(decoded(*state, empty[i]).code, "missing-result-code");
		is_text(decoded_with(*state, &all_but, empty[i]).code, "missing-result-code");
		is_text(decoded_with(*state, &parity, empty[i]).code, "success");
	}
	is_text(decoded_with(*state, &parity, "").code, "missing-result-code");
}

static void what_is_empty_or_null_is_absent(void **state)
{
	static const char *const falsy[] = {"null", "{}", "[]", "0", "0.0", "\"\"", "false"};
	char members[128];
	for (size_t i = 0; i < ARRAY_LEN(falsy); i++) {
		snprintf(members, sizeof(members), "\"codemod\":%s,\"value\":%s,\"refreshed\":%s", falsy[i], falsy[i],
		         falsy[i]);
		struct hf_run_result result = decoded(*state, members);
		is_text(result.codemod, NULL);
		assert_false(result.has_value || result.refreshed);
	}
	struct hf_run_result result =
		decoded(*state,
	                "\"revision\":\"\",\"main_branch_revision\":\"\",\"codebase\":\"\",\"details\":"
	                "null,\"branches\":null,\"tags\":[],\"target\":{\"name\":\"generic\",\"details\":null}");
	is_text(result.revision, NULL);
	is_text(result.main_branch_revision, NULL);
	is_text(result.codebase, NULL);
	is_text(result.details, NULL);
	is_text(result.builder, NULL);
	is_text(decoded(*state, "\"details\":0").details, "0");
}

static void values_become_whole_numbers(void **state)
{
	static const struct {
		const char *json;
		int32_t value;
	} cases[] = {{"3.9", 3},
	             {"-3.9", -3},
	             {"\"12\"", 12},
	             {"\" +12 \"", 12},
	             {"\"-12\"", -12},
	             {"\"1_000\"", 1000},
	             {"true", 1},
	             {"2147483647", INT32_MAX},
	             {"-2147483648", INT32_MIN},
	             {"\"0\"", 0},
	             {"0.5", 0}};
	char members[64];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(members, sizeof(members), "\"value\":%s", cases[i].json);
		struct hf_run_result result = decoded(*state, members);
		assert_true(result.has_value);
		assert_int_equal(result.value, cases[i].value);
	}
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *json, *message;
		enum hf_status status;
	} cases[] = {
		{"", "result.json:1:0: ", HF_E_INPUT},
		{"[]", "result.json is a list, not an object", HF_E_INPUT},
		{"{\"code\":\"a\\u0000b\"}", "\\u0000 cannot be stored in a text", HF_E_INPUT},
		{"{\"code\":\"\xff\"}", "result.json:1:", HF_E_INPUT},
		{"{\"code\":1}", "result.json: code is a number, not a string or null", HF_E_INPUT},
		{"{\"context\":[]}", "context is a list, not a string or null", HF_E_INPUT},
		{"{\"stage\":{}}", "stage is an object, not a string or null", HF_E_INPUT},
		{"{\"transient\":1}", "transient is a number, not true, false or null", HF_E_INPUT},
		{"{\"value\":2147483648}", "value is not within 32 bits", HF_E_INPUT},
		{"{\"value\":1e300}", "value is not within 32 bits", HF_E_INPUT},
		{"{\"value\":\"x\"}", "value is the text \"x\", not a number", HF_E_INPUT},
		{"{\"value\":\"_1\"}", "value is the text \"_1\"", HF_E_INPUT},
		{"{\"value\":\"1__0\"}", "value is the text", HF_E_INPUT},
		{"{\"value\":[1]}", "value is a list, not a number", HF_E_INPUT},
		{"{\"value\":99999999999999999999}", "result.json:1:", HF_E_INPUT},
		{"{}", "start_time is missing", HF_E_INPUT},
		{"{\"start_time\":1}", "start_time is a number, not a time", HF_E_INPUT},
		{"{\"start_time\":\"soon\"}", "start_time is no time: \"soon\"", HF_E_INPUT},
		{"{\"start_time\":\"2024-01-02T03:04:05Z\"}", "start_time has a zone", HF_E_INPUT},
		{"{\"start_time\":\"2024-01-02\"}", "finish_time is missing", HF_E_INPUT},
		{"{\"start_time\":\"10000-01-02\"}", "start_time is no time", HF_E_INPUT},
		{"{\"start_time\":\"2024-01-02\",\"finish_time\":\"2024-01-01\"}", "finish_time lies before start_time",
	         HF_E_INPUT},
		{"{" TIMES ",\"branches\":{}}", "branches is an object, not a list or null", HF_E_INPUT},
		{"{" TIMES ",\"branches\":[[\"main\",null,null]]}", "branches[0] is no list of 4", HF_E_INPUT},
		{"{" TIMES ",\"branches\":[[null,null,null,null]]}", "the role of branches[0] is null", HF_E_INPUT},
		{"{" TIMES ",\"branches\":[[\"m\",1,null,null]]}", "the remote name of branches[0] is a number",
	         HF_E_INPUT},
		{"{" TIMES ",\"branches\":[[\"m\",null,null,null],[\"m\",null,null,null]]}",
	         "the role \"m\" stands twice", HF_E_INPUT},
		{"{" TIMES ",\"tags\":[[\"v\",null]]}", "the revision of tags[0] is null, not a string", HF_E_INPUT},
		{"{" TIMES ",\"tags\":[[\"v\"]]}", "tags[0] is no list of 2", HF_E_INPUT},
		{"{" TIMES ",\"target\":null}", "target is null, not an object", HF_E_INPUT},
		{"{" TIMES ",\"target\":{}}", "target has no name", HF_E_INPUT},
		{"{" TIMES ",\"target\":{\"name\":\"rpm\"}}", "target \"rpm\" is unknown", HF_E_INPUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_run_result result = {.nbranches = 7};
		EXPECT_STATUS(hf_run_result_decode(hf_str_of(cases[i].json), NULL, *state, &result, &err),
		              cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_int_equal(result.nbranches, 7);
	}
}

static void every_text_is_a_text(void **state)
{
	static const char *const members[] = {
		"code",     "description",       "context",    "stage",   "main_branch_revision",
		"revision", "target_branch_url", "branch_url", "subpath", "vcs_type",
		"codebase", "worker_name"};
	static const struct {
		const char *json, *kind;
	} values[] = {{"7", "a number"}, {"[]", "a list"}, {"{}", "an object"}, {"true", "a truth value"}};
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			char json[128], message[128];
			hf_error err = HF_ERROR_INIT;
			struct hf_run_result result = {.nbranches = 7};
			snprintf(json, sizeof(json), "{\"%s\":%s}", members[i], values[j].json);
			snprintf(message, sizeof(message), "%s is %s, not a string or null", members[i],
			         values[j].kind);
			EXPECT_STATUS(hf_run_result_decode(hf_str_of(json), NULL, *state, &result, &err), HF_E_INPUT);
			EXPECT_CONTAINS(err.message, message);
			assert_int_equal(result.nbranches, 7);
		}
}

static void size_and_depth_are_bounded(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_run_result result;
	size_t size = (size_t)100 << 20;
	char *large = malloc(size);
	assert_non_null(large);
	memset(large, ' ', size);
	EXPECT_STATUS(hf_run_result_decode((struct hf_str){large, size}, NULL, *state, &result, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "result.json: 104857600 bytes, at most 16777216 are read");
	memset(large, '[', 10000);
	EXPECT_STATUS(hf_run_result_decode((struct hf_str){large, 10000}, NULL, *state, &result, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "result.json: nested 10000 levels deep, at most 64 are read");
	free(large);
	is_text(decoded(*state, "\"description\":\"[[[\\\"[[[[\",\"details\":[[[[[[[]]]]]]]").details,
	        "[[[[[[[]]]]]]]");
}

/* Expected texts: json.dumps(json.loads(...)) of Python 3.11. */
static void json_is_written_as_the_original_writes_it(UNUSED void **state)
{
	static const char *const cases[][2] = {
		{"[1, 2.0, 1e16, 1e15, 123456789012345680.0, 0.0001, 0.00001, 1.5e-7, -0.0, 1e22, "
	         "1.7976931348623157e308, 5e-324, "
	         "0.1, 100.0, -2.5, 12345678.25, 0.001234]",
	         "[1, 2.0, 1e+16, 1000000000000000.0, 1.2345678901234568e+17, 0.0001, 1e-05, 1.5e-07, -0.0, 1e+22, "
	         "1.7976931348623157e+308, 5e-324, 0.1, 100.0, -2.5, 12345678.25, 0.001234]"},
		{"{\"\xc3\xa9\":\"\\u00fc\\n\\t\\\"\\\\/"
	         "\\u007f\\u2028\\ud83d\\ude00\\u0001\",\"b\":{},\"a\":[[],null,true,false,"
	         "-9223372036854775808]}",
	         "{\"\\u00e9\": \"\\u00fc\\n\\t\\\"\\\\/\\u007f\\u2028\\ud83d\\ude00\\u0001\", \"b\": {}, \"a\": [[], "
	         "null, true, "
	         "false, -9223372036854775808]}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		json_t *value = NULL;
		struct buf buf;
		buf_init(&buf, 4096);
		EXPECT_OK(json_text_parse(hf_str_of(cases[i][0]), "case", &value, &err));
		json_text_add(&buf, value);
		assert_string_equal(buf.ptr, cases[i][1]);
		buf_deinit(&buf);
		json_decref(value);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_up, arena_down)
	const struct CMUnitTest tests[] = {
		CASE(a_result_of_times_alone),
		CASE(a_full_result),
		CASE(an_empty_code_is_missing_or_as_the_original_has_it_success),
		CASE(what_is_empty_or_null_is_absent),
		CASE(values_become_whole_numbers),
		CASE(what_is_wrong_is_named),
		CASE(every_text_is_a_text),
		CASE(size_and_depth_are_bounded),
		CASE(json_is_written_as_the_original_writes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
