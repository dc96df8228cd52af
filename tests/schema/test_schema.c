/*
 * The objects of a database as data: order and look-up, the text form, what a comparison tells, what short memory does.
 */
#include <string.h>

#include "../check.h"
#include "../fixture.h"
#include "../sql.h"
#include "../torture.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "holdfast/schema.h"
#include "holdfast/settings.h"
#include "holdfast/sql.h"

static const char text[] =
	"[{\"kind\":\"table\",\"schema\":\"public\",\"name\":\"b\",\"properties\":{\"comment\":\"of b\"}},\n"
	"{\"kind\":\"column\",\"schema\":\"public\",\"parent\":\"b\",\"name\":\"z\",\"position\":1,"
	"\"properties\":{\"type\":\"text\"}},\n"
	"{\"kind\":\"column\",\"schema\":\"public\",\"parent\":\"b\",\"name\":\"a\",\"position\":2,"
	"\"properties\":{\"type\":\"integer\",\"not_null\":\"yes\"}},\n"
	"{\"kind\":\"view\",\"schema\":\"a\",\"name\":\"v\",\"properties\":{\"definition\":\"SELECT "
	"1\",\"reads\":\"x\"}},\n"
	"{\"kind\":\"enum\",\"schema\":\"public\",\"name\":\"e\"}]";

static struct hf_schema parsed(hf_arena *arena, const char *json)
{
	struct hf_schema schema;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_schema_parse(hf_str_of(json), arena, &schema, &err));
	return schema;
}

static void objects_have_an_order(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	size_t count;
	struct hf_schema schema = parsed(arena, text);
	assert_int_equal(schema.count, 5);
	assert_string_equal(schema.objects[0].name.ptr, "e");
	assert_string_equal(schema.objects[1].name.ptr, "b");
	assert_string_equal(schema.objects[2].name.ptr, "v");
	const struct hf_schema_object *columns =
		hf_schema_children(&schema, HF_SCHEMA_COLUMN, HF_STR("public"), HF_STR("b"), &count);
	assert_int_equal(count, 2);
	assert_string_equal(columns[0].name.ptr, "z");
	assert_string_equal(hf_schema_property(&columns[1], "type").ptr, "integer");
	assert_null(hf_schema_property(&columns[1], "default").ptr);
	assert_null(hf_schema_children(&schema, HF_SCHEMA_INDEX, HF_STR("public"), HF_STR("b"), &count));
	assert_int_equal(count, 0);
	assert_ptr_equal(hf_schema_find(&schema, HF_STR("a"), HF_STR("v")), &schema.objects[2]);
	assert_null(hf_schema_find(&schema, HF_STR("public"), HF_STR("v")));
}

static void the_text_form_comes_back(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	struct hf_str once, twice;
	struct hf_schema schema = parsed(arena, text), again;
	EXPECT_OK(hf_schema_format(&schema, arena, &once, &err));
	EXPECT_OK(hf_schema_parse(once, arena, &again, &err));
	EXPECT_OK(hf_schema_format(&again, arena, &twice, &err));
	assert_true(str_eq(once, twice));
	assert_int_equal(again.count, 5);
	assert_int_equal(parsed(arena, "[]").count, 0);
}

static void malformed_text_is_refused(UNUSED void **state)
{
	static const struct {
		const char *json, *message;
	} cases[] = {
		{"", "line 1"},
		{"[\n\n{\"kind\"}]", "line 3, column "},
		{"{}", "a schema is a JSON array of objects, and this is none"},
		{"[{\"kind\":\"enum\",\"name\":\"x\"}, 7]", "item 2 is no object of a schema"},
		{"[{\"kind\":\"enmu\",\"name\":\"x\"}]", "item 1 is no object of a schema"},
		{"[{\"kind\":\"enum\"}]", "item 1"},
		{"[{\"kind\":\"enum\",\"name\":7}]", "item 1"},
		{"[{\"kind\":\"enum\",\"name\":\"x\",\"properties\":[]}]", "item 1"},
		{"[{\"kind\":\"enum\",\"name\":\"x\",\"properties\":{\"a\":null}}]", "item 1"},
		{"[{\"kind\":\"enum\",\"kind\":\"enum\",\"name\":\"x\"}]", "line 1"},
	};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_schema schema;
		EXPECT_STATUS(hf_schema_parse(hf_str_of(cases[i].json), arena, &schema, &err), HF_E_INPUT);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
}

static void a_comparison_tells_both_ways(UNUSED void **state)
{
	static const char other[] =
		"[{\"kind\":\"table\",\"schema\":\"public\",\"name\":\"b\"},\n"
		"{\"kind\":\"column\",\"schema\":\"public\",\"parent\":\"b\",\"name\":\"a\",\"position\":1,"
		"\"properties\":{\"type\":\"bigint\",\"not_null\":\"yes\"}},\n"
		"{\"kind\":\"view\",\"schema\":\"a\",\"name\":\"v\",\"properties\":{\"definition\":\"SELECT "
		"1\",\"reads\":\"y\"}},\n"
		"{\"kind\":\"table\",\"schema\":\"public\",\"name\":\"n\"},\n"
		"{\"kind\":\"column\",\"schema\":\"public\",\"parent\":\"n\",\"name\":\"i\",\"position\":1}]";
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	struct hf_schema before = parsed(arena, text), after = parsed(arena, other);
	struct hf_schema_change *changes;
	size_t count;
	EXPECT_OK(hf_schema_compare(&before, &after, arena, &changes, &count, &err));
	assert_int_equal(count, 5);
	assert_int_equal(changes[0].kind, HF_SCHEMA_REMOVED); /* enum e */
	assert_string_equal(changes[0].before->name.ptr, "e");
	assert_null(changes[0].after);
	assert_string_equal(changes[1].property.ptr, "comment");
	assert_string_equal(changes[1].was.ptr, "of b");
	assert_null(changes[1].is.ptr);
	assert_int_equal(changes[2].kind, HF_SCHEMA_ADDED); /* table n, without its column */
	assert_string_equal(changes[3].was.ptr, "integer"); /* moved as well: that does not count */
	assert_string_equal(changes[3].is.ptr, "bigint");
	assert_string_equal(changes[4].before->name.ptr, "z");
	EXPECT_OK(hf_schema_compare(&before, &before, arena, &changes, &count, &err));
	assert_int_equal(count, 0);
}

static void every_kind_has_a_word(UNUSED void **state)
{
	for (enum hf_schema_kind kind = 0; kind < HF_SCHEMA_KIND_COUNT; kind++)
		assert_true(strlen(hf_schema_kind_word(kind)) > 2);
	assert_string_equal(hf_schema_kind_word(HF_SCHEMA_KIND_COUNT), "unknown");
	assert_string_equal(hf_schema_kind_word(HF_SCHEMA_MATVIEW), "materialized view");
}

/* ---- a database ---- */

static void a_database_is_read(UNUSED void **state)
{
	static const char *const statements[] = {"CREATE TABLE public.t (id int PRIMARY KEY, v text DEFAULT 'x')",
	                                         "SET search_path = public", "COMMENT ON TABLE t IS 'words'",
	                                         "GRANT SELECT ON t TO PUBLIC",
	                                         "CREATE TEMPORARY TABLE unseen (i int)"};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_connection *connection = fixture_connect(fixture_database(NULL));
	hf_where where = hf_on_connection(connection);
	hf_error err = HF_ERROR_INIT;
	struct hf_schema schema;
	struct hf_sql_row row;
	size_t count;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		sql_run(where, statements[i]);
	EXPECT_OK(hf_schema_read(where, NULL, arena, &schema, &err));
	const struct hf_schema_object *table = hf_schema_find(&schema, HF_STR("public"), HF_STR("t"));
	assert_non_null(table);
	assert_string_equal(hf_schema_property(table, "comment").ptr, "words");
	assert_null(hf_schema_property(table, "owner").ptr);
	hf_schema_children(&schema, HF_SCHEMA_COLUMN, HF_STR("public"), HF_STR("t"), &count);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < schema.count; i++)
		assert_string_not_equal(schema.objects[i].name.ptr, "unseen");
	const struct hf_schema_options options = {.size = sizeof(options), .privileges = true};
	EXPECT_OK(hf_schema_read(where, &options, arena, &schema, &err));
	table = hf_schema_find(&schema, HF_STR("public"), HF_STR("t"));
	assert_string_equal(hf_schema_property(table, "owner").ptr, "holdfast");
	EXPECT_CONTAINS(hf_schema_property(table, "privileges").ptr, "=r/holdfast");
	EXPECT_OK(hf_sql_one(where, HF_STR("SELECT current_setting('search_path')"), NULL, 0, arena, &row, &err));
	assert_string_equal(row.values[0].as.s.ptr, "public"); /* as it was */
	hf_connection_free(connection);
}

/* ---- short memory ---- */

static enum hf_status whole_way(void *user, hf_error *err)
{
	struct hf_schema schema, again;
	struct hf_schema_change *changes;
	struct hf_str json;
	size_t count;
	(void)user;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_schema_parse(hf_str_of(text), arena, &schema, err);
	if (status == HF_OK)
		status = hf_schema_format(&schema, arena, &json, err);
	if (status == HF_OK)
		status = hf_schema_parse(json, arena, &again, err);
	if (status == HF_OK)
		status = hf_schema_compare(&schema, &again, arena, &changes, &count, err);
	return status;
}

static void memory_that_is_short_is_told(UNUSED void **state)
{
	/* Jansson's own reader calls a word that it could not keep a wrong one. */
	assert_true(torture_or(HF_E_INPUT, whole_way, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_have_an_order),        cmocka_unit_test(the_text_form_comes_back),
		cmocka_unit_test(malformed_text_is_refused),    cmocka_unit_test(a_comparison_tells_both_ways),
		cmocka_unit_test(every_kind_has_a_word),        cmocka_unit_test(a_database_is_read),
		cmocka_unit_test(memory_that_is_short_is_told),
	};
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
