/* The JSON writer: what it writes is what jansson reads back; failures of the sink stay failures. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/str.h"
#include "../check.h"

static bool into_buf(void *user, const char *bytes, size_t n)
{
	struct buf *buf = user;
	buf_add(buf, (struct hf_str){bytes, n});
	return buf_ok(buf);
}

struct fixture {
	struct buf buf;
	struct json_writer json;
};

static void start(struct fixture *f, size_t max)
{
	buf_init(&f->buf, max);
	jw_init(&f->json, into_buf, &f->buf);
}

static void expect_text(struct fixture *f, const char *expected)
{
	assert_true(jw_finish(&f->json));
	assert_string_equal(f->buf.ptr, expected);
	buf_deinit(&f->buf);
}

static void nesting_places_commas(UNUSED void **state)
{
	struct fixture f;
	start(&f, 1000);
	jw_lines(&f.json);
	jw_array_begin(&f.json);
	jw_int(&f.json, 1);
	jw_object_begin(&f.json);
	jw_key(&f.json, "a");
	jw_null(&f.json);
	jw_key(&f.json, "b");
	jw_array_begin(&f.json);
	jw_array_end(&f.json);
	jw_object_end(&f.json);
	jw_bool(&f.json, false);
	jw_raw(&f.json, HF_STR("{\"x\":1}"));
	jw_array_end(&f.json);
	expect_text(&f, "[1,\n{\"a\":null,\"b\":[]},\nfalse,\n{\"x\":1}]");
}

static void text_is_escaped(UNUSED void **state)
{
	static const struct {
		struct hf_str text;
		const char *expected;
	} cases[] = {
	        {HF_STR_INIT(""), "\"\""},
	        {HF_STR_INIT("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
	        {HF_STR_INIT("\b\f\n\r\t\x01\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\x7f\""},
	        {HF_STR_INIT("a\0b"), "\"a\\u0000b\""},
	        {HF_STR_INIT("\xc3\xa9 \xf0\x9f\x98\x80"), "\"\xc3\xa9 \xf0\x9f\x98\x80\""},
	        {HF_STR_INIT("x\xff\xc3"), "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
	        {HF_STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		start(&f, 1000);
		jw_text(&f.json, cases[i].text);
		expect_text(&f, cases[i].expected);
	}
}

static void integers_are_exact(UNUSED void **state)
{
	struct fixture f;
	start(&f, 1000);
	jw_array_begin(&f.json);
	jw_int(&f.json, INT64_MIN);
	jw_int(&f.json, INT64_MAX);
	jw_int(&f.json, 9007199254740993);
	jw_array_end(&f.json);
	expect_text(&f, "[-9223372036854775808,9223372036854775807,9007199254740993]");
}

static void doubles_are_short_and_read_back(UNUSED void **state)
{
	static const struct {
		double number;
		const char *expected;
	} cases[] = {
	        {0.1, "0.1"}, {0.0, "0"}, {-0.0, "-0"}, {1.0, "1"}, {1.0 / 3, "0.3333333333333333"}, {1e300, "1e+300"},
	        {0.1 + 0.2, "0.30000000000000004"}, {5e-324, "5e-324"}, {DBL_MAX, "1.7976931348623157e+308"},
	        {DBL_MIN, "2.2250738585072014e-308"}, {686.3, "686.3"}, {1e22, "1e+22"}, {123456789012345680.0, "1.2345678901234568e+17"},
	};
	char text[JSON_DOUBLE_SIZE];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(json_format_double(cases[i].number, text), strlen(cases[i].expected));
		assert_string_equal(text, cases[i].expected);
	}
	uint64_t bits = 0x9e3779b97f4a7c15; /* a fixed walk over all exponents */
	for (int i = 0; i < 20000; i++) {
		double number;
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		memcpy(&number, &bits, sizeof(number));
		if (!isfinite(number))
			continue;
		assert_true(json_format_double(number, text) < JSON_DOUBLE_SIZE);
		double back = strtod(text, NULL);
		assert_memory_equal(&back, &number, sizeof(number));
	}
	struct fixture f;
	start(&f, 1000);
	jw_array_begin(&f.json);
	jw_double(&f.json, (double)NAN);
	jw_double(&f.json, -(double)INFINITY);
	jw_double(&f.json, 2.5);
	jw_array_end(&f.json);
	expect_text(&f, "[null,null,2.5]");
}

static void long_documents_stream_through(UNUSED void **state)
{
	struct fixture f;
	static char big[5000];
	memset(big, 'x', sizeof(big));
	start(&f, 1 << 22);
	jw_array_begin(&f.json);
	for (int i = 0; i < 500; i++) {
		jw_object_begin(&f.json);
		jw_key(&f.json, "number");
		jw_int(&f.json, i);
		jw_key(&f.json, "text");
		jw_text(&f.json, (struct hf_str){big, (size_t)(i * 10)});
		jw_object_end(&f.json);
	}
	jw_array_end(&f.json);
	assert_true(jw_finish(&f.json));
	json_error_t error;
	json_t *read = json_loads(f.buf.ptr, 0, &error);
	assert_non_null(read);
	assert_int_equal(json_array_size(read), 500);
	json_t *last = json_array_get(read, 499);
	assert_int_equal(json_integer_value(json_object_get(last, "number")), 499);
	assert_int_equal(json_string_length(json_object_get(last, "text")), 4990);
	json_decref(read);
	buf_deinit(&f.buf);
}

static void a_full_sink_fails_the_document(UNUSED void **state)
{
	struct fixture f;
	static char big[3000];
	memset(big, 'x', sizeof(big));
	start(&f, 2000);
	jw_array_begin(&f.json);
	jw_text(&f.json, (struct hf_str){big, 1500});
	jw_text(&f.json, (struct hf_str){big, sizeof(big)});
	assert_false(jw_flush(&f.json));
	jw_text(&f.json, HF_STR("more"));
	assert_false(jw_finish(&f.json));
	assert_true(f.buf.len <= 2000);
	buf_deinit(&f.buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nesting_places_commas),
	        cmocka_unit_test(text_is_escaped),
	        cmocka_unit_test(integers_are_exact),
	        cmocka_unit_test(doubles_are_short_and_read_back),
	        cmocka_unit_test(long_documents_stream_through),
	        cmocka_unit_test(a_full_sink_fails_the_document),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
