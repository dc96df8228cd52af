/*
 * test_key_range.c - the order of keys, where prefixes end, containment of JSON.
 */
#include "../check.h"

#include "core/json_contains.h"
#include "core/key_range.h"

#define KEY(literal) ((struct hf_bytes){(const uint8_t *)"" literal "", sizeof(literal) - 1})

static void keys_order_as_bytes(void **state)
{
	(void)state;
	assert_int_equal(key_compare(KEY(""), KEY("")), 0);
	assert_true(key_compare(KEY(""), KEY("\x00")) < 0);
	assert_true(key_compare(KEY("a"), KEY("a\x00")) < 0);
	assert_true(key_compare(KEY("a\xff"), KEY("b")) < 0);
	assert_true(key_compare(KEY("\x80"), KEY("\x7f")) > 0);
	assert_true(key_equal(KEY("a\x00z"), KEY("a\x00z")));
	assert_false(key_equal(KEY("a"), KEY("a\x00")));
}

static void expect_successor(struct hf_bytes prefix, struct hf_bytes expected)
{
	uint8_t storage[8];
	struct hf_bytes end;
	assert_true(key_successor(prefix, storage, &end));
	assert_int_equal(end.len, expected.len);
	assert_memory_equal(end.ptr, expected.ptr, expected.len);
}

static void a_prefix_ends_where_its_successor_begins(void **state)
{
	(void)state;
	expect_successor(KEY("a"), KEY("b"));
	expect_successor(KEY("a\x00"), KEY("a\x01"));
	expect_successor(KEY("a\xff"), KEY("b"));
	expect_successor(KEY("\xfe\xff\xff"), KEY("\xff"));
}

static void a_prefix_of_nothing_but_0xff_has_no_end(void **state)
{
	uint8_t storage[8];
	struct hf_bytes end;
	(void)state;
	assert_false(key_successor(KEY(""), storage, &end));
	assert_false(key_successor(KEY("\xff"), storage, &end));
	assert_false(key_successor(KEY("\xff\xff"), storage, &end));
}

/* Answers of PostgreSQL 15: SELECT 'whole'::jsonb @> 'part'. */
static const struct containment {
	const char *whole, *part;
	bool contains;
} containments[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":{\"b\":1}}", "{\"b\":1}", false},
        {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":2}}", true},
        {"{\"a\":1}", "{\"a\":1.5}", false},
        {"{\"a\":1.5}", "{\"a\":1.5}", true},
        {"[1,2,3]", "[3,1,1]", true},
        {"[1,2,3]", "[4]", false},
        {"[1,[2,3]]", "[[3]]", true},
        {"[1,[2,3]]", "[3]", false},
        {"[\"x\",\"y\"]", "\"x\"", true},
        {"{\"a\":[\"x\"]}", "{\"a\":\"x\"}", false},
        {"[]", "[]", true},
        {"{}", "[]", false},
        {"null", "null", true},
        {"[null]", "null", true},
        {"true", "false", false},
        {"\"x\"", "\"x\"", true},
        {"\"x\"", "[\"x\"]", false},
        {"[{\"a\":1,\"b\":2}]", "[{\"a\":1}]", true},
        {"[{\"a\":1,\"b\":2}]", "{\"a\":1}", false},
        {"{}", "{}", true},
};

static void containment_is_that_of_jsonb(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(containments) / sizeof(*containments); i++) {
		const struct containment *test = &containments[i];
		json_t *whole = json_loads(test->whole, JSON_DECODE_ANY, NULL);
		json_t *part = json_loads(test->part, JSON_DECODE_ANY, NULL);
		if (json_contains(whole, part) != test->contains)
			fail_msg("%s @> %s is not %d", test->whole, test->part, test->contains);
		json_decref(whole);
		json_decref(part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys_order_as_bytes),
	        cmocka_unit_test(a_prefix_ends_where_its_successor_begins),
	        cmocka_unit_test(a_prefix_of_nothing_but_0xff_has_no_end),
	        cmocka_unit_test(containment_is_that_of_jsonb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
