/* Every format from one description of columns; limits, widths, a reader that goes away, a disk that is full. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/output.h"
#include "../check.h"

static const struct column columns[] = {
	{"id", COLUMN_INT, NULL, NULL},		  {"name", COLUMN_TEXT, NULL, NULL},
	{"value", COLUMN_NUMBER, NULL, NULL},	  {"exact_value", COLUMN_NUMERIC, NULL, NULL},
	{"done", COLUMN_BOOL, NULL, NULL},	  {"start", COLUMN_TIME, NULL, NULL},
	{"wait_s", COLUMN_DURATION, "WAIT", NULL}, {"extra", COLUMN_JSON, "", NULL},
	{0},
};

static const struct cell full_row[] = {
	{.kind = COLUMN_INT, .as.i = 9007199254740993},
	{.kind = COLUMN_TEXT, .as.s = HF_STR_INIT("a,\"b\"\tc\\\nd")},
	{.kind = COLUMN_NUMBER, .as.f = 0.1},
	{.kind = COLUMN_NUMERIC, .as.s = HF_STR_INIT("12.50")},
	{.kind = COLUMN_BOOL, .as.i = 1},
	{.kind = COLUMN_TIME, .as.i = 1500000},
	{.kind = COLUMN_DURATION, .as.f = 90.25},
	{.kind = COLUMN_JSON, .as.s = HF_STR_INIT("{\"x\":[1]}")},
};

struct fixture {
	struct out out;
	FILE *file;
	char *text;
	size_t size;
	hf_error err;
};

static void start(struct fixture *f, const struct out_options *options)
{
	*f = (struct fixture){0};
	f->file = open_memstream(&f->text, &f->size);
	assert_non_null(f->file);
	EXPECT_STATUS(out_init(&f->out, f->file, options, &f->err), HF_OK);
}

static void finish(struct fixture *f, const char *expected)
{
	EXPECT_STATUS(out_flush(&f->out, &f->err), HF_OK);
	out_deinit(&f->out);
	fclose(f->file);
	assert_string_equal(f->text, expected);
	free(f->text);
}

static void list_two(const struct out_options *options, const char *expected)
{
	struct fixture f;
	struct cell empty[COLUMN_MAX];
	for (size_t i = 0; i < COLUMN_MAX; i++)
		empty[i] = cell_null();
	start(&f, options);
	EXPECT_STATUS(out_list(&f.out, columns, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, full_row, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, empty, &f.err), HF_OK);
	EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
	finish(&f, expected);
}

static void lists_have_every_format(UNUSED void **state)
{
	list_two(&(struct out_options){.format = OUT_TABLE},
		 "              ID  NAME          VALUE  EXACT-VALUE  DONE  START                   WAIT\n"
		 "9007199254740993  a,\"b\"\\tc\\\\nd  0.100        12.50  yes   2000-01-01 00:00:01Z  1m 30s\n"
		 "\n");
	list_two(&(struct out_options){.format = OUT_TABLE, .exact = true, .fields = "wait_s,start,value"},
		 "  WAIT  START                        VALUE\n"
		 "90.25s  2000-01-01 00:00:01.500000Z    0.1\n"
		 "\n");
	list_two(&(struct out_options){.format = OUT_JSON},
		 "[{\"id\":9007199254740993,\"name\":\"a,\\\"b\\\"\\tc\\\\\\nd\",\"value\":0.1,\"exact_value\":\"12.50\","
		 "\"done\":true,\"start\":\"2000-01-01T00:00:01.500000Z\",\"wait_s\":90.25,\"extra\":{\"x\":[1]}},\n"
		 "{\"id\":null,\"name\":null,\"value\":null,\"exact_value\":null,\"done\":null,\"start\":null,"
		 "\"wait_s\":null,\"extra\":null}]\n");
	list_two(&(struct out_options){.format = OUT_NDJSON, .fields = "name,id"},
		 "{\"name\":\"a,\\\"b\\\"\\tc\\\\\\nd\",\"id\":9007199254740993}\n{\"name\":null,\"id\":null}\n");
	list_two(&(struct out_options){.format = OUT_CSV},
		 "id,name,value,exact_value,done,start,wait_s,extra\r\n"
		 "9007199254740993,\"a,\"\"b\"\"\tc\\\nd\",0.1,12.50,true,2000-01-01T00:00:01.500000Z,90.25,\"{\"\"x\"\":[1]}\"\r\n"
		 ",,,,,,,\r\n");
	list_two(&(struct out_options){.format = OUT_TSV, .fields = "id,name,done"},
		 "id\tname\tdone\n9007199254740993\ta,\"b\"\\tc\\\\\\nd\ttrue\n\\N\t\\N\t\\N\n");
	list_two(&(struct out_options){.format = OUT_RAW, .fields = "name"}, "a,\"b\"\tc\\\nd\n\n");
}

static void empty_lists_are_complete(UNUSED void **state)
{
	static const struct {
		enum out_format format;
		const char *expected;
	} cases[] = {{OUT_JSON, "[]\n"}, {OUT_NDJSON, ""}, {OUT_CSV, "id\r\n"}, {OUT_TABLE, "ID\n"}, {OUT_RAW, ""}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		start(&f, &(struct out_options){.format = cases[i].format, .fields = "id"});
		EXPECT_STATUS(out_list(&f.out, columns, &f.err), HF_OK);
		EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
		finish(&f, cases[i].expected);
	}
}

static void a_narrow_terminal_gets_no_empty_columns(UNUSED void **state)
{
	static const struct column three[] = {{"n", COLUMN_INT, NULL, NULL},
	                                      {"nothing", COLUMN_TEXT, NULL, NULL},
	                                      {"word", COLUMN_TEXT, NULL, NULL},
	                                      {0}};
	static const struct {
		size_t width;
		const char *fields, *expected;
	} cases[] = {{0, NULL, "N  NOTHING  WORD\n1           w\n"},
	             {16, NULL, "N  NOTHING  WORD\n1           w\n"},
	             {15, NULL, "N  WORD\n1  w\n"},
	             {5, "nothing,n", "NOTHING  N\n         1\n"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		start(&f, &(struct out_options){.width = cases[i].width, .fields = cases[i].fields});
		EXPECT_STATUS(out_list(&f.out, three, &f.err), HF_OK);
		EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(1), cell_null(), cell_word("w")}, &f.err),
		              HF_OK);
		EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
		finish(&f, cases[i].expected);
	}
}

#define TEN "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
#define CUT "\xe2\x80\xa6"

/* The widest first, and none below twelve; the first column names the row. */
static void a_narrow_terminal_gets_long_texts_in_part(UNUSED void **state)
{
	static const struct column four[] = {{"first", COLUMN_TEXT, NULL, NULL},
	                                     {"n", COLUMN_INT, NULL, NULL},
	                                     {"word", COLUMN_TEXT, NULL, NULL},
	                                     {"text", COLUMN_JSON, NULL, NULL},
	                                     {0}};
	static const struct {
		size_t width;
		const char *fields, *word, *text;
		int word_width;
	} cases[] = {{56, NULL, "fourteen bytes", TEN " and more", 14},
	             {50, NULL, "fourteen byt" CUT, TEN " an" CUT, 13},
	             {20, NULL, "fourteen by" CUT, TEN " " CUT, 12},
	             {20, "first,n,word,text", "fourteen bytes", TEN " and more", 14}};
	const struct cell row[] = {cell_word("a long first one"), cell_int(1), cell_word("fourteen bytes"),
	                           cell_json(HF_STR(TEN " and more"))};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		char expected[200];
		start(&f, &(struct out_options){.width = cases[i].width, .fields = cases[i].fields});
		EXPECT_STATUS(out_list(&f.out, four, &f.err), HF_OK);
		EXPECT_STATUS(out_row(&f.out, row, &f.err), HF_OK);
		EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
		snprintf(expected, sizeof(expected), "%-16s  N  %-*s  TEXT\na long first one  1  %s  %s\n", "FIRST",
		         cases[i].word_width, "WORD", cases[i].word, cases[i].text);
		finish(&f, expected);
	}
}

static const struct column two[] = {{"n", COLUMN_INT, NULL, NULL}, {"word", COLUMN_TEXT, NULL, NULL}, {0}};

static void a_table_streams_after_its_sample(UNUSED void **state)
{
	struct fixture f;
	start(&f, &(struct out_options){.format = OUT_TABLE});
	EXPECT_STATUS(out_list(&f.out, two, &f.err), HF_OK);
	for (int i = 0; i < TABLE_SAMPLE; i++)
		EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(i), cell_word("w")}, &f.err), HF_OK);
	fflush(f.file);
	assert_int_equal(f.size, 0);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(1234567), cell_word("wider")}, &f.err), HF_OK);
	fflush(f.file);
	assert_true(f.size > 0);
	EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
	fflush(f.file);
	EXPECT_CONTAINS(f.text, "  N  WORD\n  0  w\n");
	EXPECT_CONTAINS(f.text, "\n499  w\n1234567  wider\n");
	out_deinit(&f.out);
	fclose(f.file);
	free(f.text);
}

static void a_huge_cell_ends_the_sample(UNUSED void **state)
{
	struct fixture f;
	static char big[100000];
	memset(big, 'x', sizeof(big));
	start(&f, &(struct out_options){.format = OUT_TABLE});
	EXPECT_STATUS(out_list(&f.out, two, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(1), cell_word("a")}, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(2), cell_text((struct hf_str){big, sizeof(big)})}, &f.err),
		      HF_OK);
	EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
	fflush(f.file);
	assert_memory_equal(f.text, "N  WORD\n1  a\n2  xxx", 19);
	assert_int_equal(f.size, 8 + 5 + 3 + sizeof(big) + 1);
	out_deinit(&f.out);
	fclose(f.file);
	free(f.text);
}

static void the_limit_stops_the_list(UNUSED void **state)
{
	struct fixture f;
	start(&f, &(struct out_options){.format = OUT_JSON, .limit = 2});
	assert_int_equal(out_fetch_limit(&f.out), 3);
	EXPECT_STATUS(out_list(&f.out, two, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(1), cell_null()}, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(2), cell_null()}, &f.err), HF_OK);
	EXPECT_STATUS(out_row(&f.out, (struct cell[]){cell_int(3), cell_null()}, &f.err), HF_STOP);
	EXPECT_STATUS(out_list_end(&f.out, &f.err), HF_OK);
	assert_true(f.out.more);
	finish(&f, "[{\"n\":1,\"word\":null},\n{\"n\":2,\"word\":null}]\n");
	start(&f, &(struct out_options){.limit = 0});
	assert_true(out_fetch_limit(&f.out) == INT64_MAX);
	f.out.options.limit = INT64_MAX;
	assert_true(out_fetch_limit(&f.out) == INT64_MAX);
	finish(&f, "");
}

static void objects_and_values(UNUSED void **state)
{
	static const struct column some[] = {
		{"url", COLUMN_TEXT, NULL, NULL}, {"took_s", COLUMN_DURATION, NULL, NULL}, {"secret", COLUMN_INT, "", NULL}, {0}};
	const struct cell cells[] = {cell_word("x y"), cell_duration(0.0123), cell_int(7)};
	static const struct {
		enum out_format format;
		const char *object, *value;
	} cases[] = {
		{OUT_TABLE, "url     x y\ntook    12ms\n", "x y\n"},
		{OUT_JSON, "{\"url\":\"x y\",\"took_s\":0.0123,\"secret\":7}\n", NULL},
		{OUT_CSV, "url,took_s,secret\r\nx y,0.0123,7\r\n", NULL},
		{OUT_RAW, "x y\n", "x y\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		start(&f, &(struct out_options){.format = cases[i].format});
		EXPECT_STATUS(out_object(&f.out, some, cells, &f.err), HF_OK);
		finish(&f, cases[i].object);
		start(&f, &(struct out_options){.format = cases[i].format});
		EXPECT_STATUS(out_value(&f.out, some, cells, &f.err), HF_OK);
		finish(&f, cases[i].value ? cases[i].value : cases[i].object);
	}
}

static void answers_of_writes(UNUSED void **state)
{
	const int64_t ids[] = {7, 9007199254740993};
	const struct written written = {.what = "queue entries", .changed = 2, .unchanged = 1, .ids = ids, .nids = 2};
	static const struct {
		struct out_options options;
		const char *expected;
	} cases[] = {
		{{.format = OUT_JSON}, "{\"changed\":2,\"unchanged\":1,\"ids\":[7,9007199254740993]}\n"},
		{{.format = OUT_NDJSON, .dry_run = true},
		 "{\"changed\":2,\"unchanged\":1,\"ids\":[7,9007199254740993],\"dry_run\":true}\n"},
		{{.format = OUT_TABLE}, "2 queue entries changed, 1 unchanged\n"},
		{{.format = OUT_TABLE, .dry_run = true},
		 "dry run, nothing was written: 2 queue entries changed, 1 unchanged\n"},
		{{.format = OUT_TABLE, .quiet = true}, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		start(&f, &cases[i].options);
		EXPECT_STATUS(out_written(&f.out, &written, &f.err), HF_OK);
		finish(&f, cases[i].expected);
	}
}

static void free_form_text_and_json(UNUSED void **state)
{
	struct fixture f;
	start(&f, &(struct out_options){.format = OUT_TABLE});
	assert_null(out_json(&f.out));
	out_text(&f.out, "%s %d\n", "text", 7);
	finish(&f, "text 7\n");
	start(&f, &(struct out_options){.format = OUT_JSON});
	out_text(&f.out, "not this\n");
	struct json_writer *json = out_json(&f.out);
	assert_non_null(json);
	jw_int(json, 7);
	EXPECT_STATUS(out_json_end(&f.out, &f.err), HF_OK);
	finish(&f, "7\n");
}

static void unknown_fields_are_refused(UNUSED void **state)
{
	struct fixture f;
	start(&f, &(struct out_options){.format = OUT_JSON, .fields = "n,wrod"});
	EXPECT_STATUS(out_check_fields(&f.out, two, &f.err), HF_E_USAGE);
	assert_string_equal(f.err.message, "unknown field \"wrod\"");
	assert_string_equal(f.err.hint, "did you mean   word\nfields         n, word");
	EXPECT_STATUS(out_list(&f.out, two, &f.err), HF_E_USAGE);
	EXPECT_STATUS(out_object(&f.out, two, NULL, &f.err), HF_E_USAGE);
	f.out.options.fields = "xyzzy";
	EXPECT_STATUS(out_check_fields(&f.out, two, &f.err), HF_E_USAGE);
	assert_string_equal(f.err.hint, "fields   n, word");
	char many[200] = "n";
	for (int i = 0; i < COLUMN_MAX; i++)
		memcpy(many + 1 + 2 * i, ",n", 3);
	f.out.options.fields = many;
	EXPECT_STATUS(out_check_fields(&f.out, two, &f.err), HF_E_USAGE);
	finish(&f, "");
}

static ssize_t failing_write(void *cookie, UNUSED const char *bytes, UNUSED size_t n)
{
	errno = *(int *)cookie;
	return 0; /* as fopencookie() wants it */
}

static void write_failures(UNUSED void **state)
{
	static int reasons[] = {ENOSPC, EPIPE};
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		struct out out;
		hf_error err = HF_ERROR_INIT;
		FILE *file = fopencookie(&reasons[i], "w", (cookie_io_functions_t){.write = failing_write});
		setvbuf(file, NULL, _IONBF, 0);
		EXPECT_OK(out_init(&out, file, &(struct out_options){.format = OUT_NDJSON}, &err));
		EXPECT_OK(out_list(&out, two, &err));
		enum hf_status status = out_row(&out, (struct cell[]){cell_int(1), cell_null()}, &err);
		EXPECT_STATUS(status, reasons[i] == EPIPE ? HF_STOP : HF_E_FAILED);
		EXPECT_STATUS(out_row(&out, (struct cell[]){cell_int(1), cell_null()}, &err), status);
		EXPECT_STATUS(out_list_end(&out, &err), reasons[i] == EPIPE ? HF_OK : HF_E_FAILED);
		EXPECT_STATUS(out_flush(&out, &err), reasons[i] == EPIPE ? HF_OK : HF_E_FAILED);
		out_deinit(&out);
		fclose(file);
	}
}

static void show_one(struct cell cell, const char *rounded, const char *exact)
{
	struct buf buf;
	buf_init(&buf, 1000);
	cell_show(&buf, &cell, &(struct out_options){0});
	assert_string_equal(buf_str(&buf).ptr, rounded);
	buf_clear(&buf);
	cell_show(&buf, &cell, &(struct out_options){.exact = true});
	assert_string_equal(buf_str(&buf).ptr, exact);
	buf_deinit(&buf);
}

static void values_are_shown_for_people(UNUSED void **state)
{
	show_one(cell_duration(0), "0s", "0s");
	show_one(cell_duration(0.000012), "12us", "1.2e-05s");
	show_one(cell_duration(0.0009996), "1ms", "0.0009996s");
	show_one(cell_duration(0.25), "250ms", "0.25s");
	show_one(cell_duration(1.25), "1.2s", "1.25s");
	show_one(cell_duration(9.96), "10s", "9.96s");
	show_one(cell_duration(61680), "17h 8m", "61680s");
	show_one(cell_duration(3600), "1h", "3600s");
	show_one(cell_duration(1e6), "11d 13h", "1000000s");
	show_one(cell_duration(-15), "-15s", "-15s");
	show_one(cell_duration(1e300), "1e+300s", "1e+300s");
	show_one(cell_number((double)NAN), "NaN", "NaN");
	show_one(cell_number(-(double)INFINITY), "-Infinity", "-Infinity");
	show_one(cell_number(686.34567), "686.346", "686.34567");
	show_one(cell_number(1e20), "1e+20", "1e+20");
	show_one(cell_time(INT64_MAX), "infinity", "infinity");
	show_one(cell_time(INT64_MIN), "-infinity", "-infinity");
	show_one(cell_time(-1), "1999-12-31 23:59:59Z", "1999-12-31 23:59:59.999999Z");
	show_one(cell_bool(false), "no", "no");
	show_one(cell_int(INT64_MIN), "-9223372036854775808", "-9223372036854775808");
	show_one(cell_null(), "", "");
	show_one(cell_word(NULL), "", "");
	show_one(cell_text(HF_STR("\x1b[2J\xc2\x9b\xff\xe2\x80\xae")), "\\x1b[2J\\xc2\\x9b\\xff\\xe2\\x80\\xae",
		 "\\x1b[2J\\xc2\\x9b\\xff\\xe2\\x80\\xae");
}

static void local_times_name_their_offset(UNUSED void **state)
{
	struct buf buf;
	struct cell cell = cell_time(0);
	buf_init(&buf, 100);
	setenv("TZ", "XYZ-05:30", 1);
	tzset();
	cell_show(&buf, &cell, &(struct out_options){.local_time = true});
	assert_string_equal(buf.ptr, "2000-01-01 05:30:00+0530");
	buf_deinit(&buf);
}

static void widths_are_those_of_the_terminal(UNUSED void **state)
{
	assert_int_equal(text_width(HF_STR("abc")), 3);
	assert_int_equal(text_width(HF_STR("\xc3\xa9")), 1);
	assert_int_equal(text_width(HF_STR("e\xcc\x81")), 1);
	assert_int_equal(text_width(HF_STR("\xe6\x97\xa5\xe6\x9c\xac")), 4);
	assert_int_equal(text_width(HF_STR("\xf0\x9f\x98\x80")), 2);
	assert_int_equal(text_width(HF_STR("\xff")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_have_every_format),
		cmocka_unit_test(empty_lists_are_complete),
		cmocka_unit_test(a_narrow_terminal_gets_no_empty_columns),
		cmocka_unit_test(a_narrow_terminal_gets_long_texts_in_part),
		cmocka_unit_test(a_table_streams_after_its_sample),
		cmocka_unit_test(a_huge_cell_ends_the_sample),
		cmocka_unit_test(the_limit_stops_the_list),
		cmocka_unit_test(objects_and_values),
		cmocka_unit_test(answers_of_writes),
		cmocka_unit_test(free_form_text_and_json),
		cmocka_unit_test(unknown_fields_are_refused),
		cmocka_unit_test(write_failures),
		cmocka_unit_test(values_are_shown_for_people),
		cmocka_unit_test(local_times_name_their_offset),
		cmocka_unit_test(widths_are_those_of_the_terminal),
	};
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
