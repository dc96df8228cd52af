/*
 * test_redis_url.c - URLs of Redis: what each part becomes, what is refused, that no password is ever shown.
 */
#include "kv/redis_url.h"

#include <string.h>

#include "base/macros.h"
#include "../check.h"

static void test_parts(UNUSED void **state)
{
	static const struct {
		const char *text, *host, *port, *path, *user, *password;
		int database;
	} cases[] = {
		{"redis://h", "h", "6379", "", "", "", 0},
		{"redis://h/", "h", "6379", "", "", "", 0},
		{"redis://h:1/7", "h", "1", "", "", "", 7},
		{"redis://[::1]:65535/0", "::1", "65535", "", "", "", 0},
		{"redis://[fe80::1]", "fe80::1", "6379", "", "", "", 0},
		{"redis://:p@h", "h", "6379", "", "", "p", 0},
		{"redis://u:p@h:2/3", "h", "2", "", "u", "p", 3},
		{"redis://u%3a:p%40%2F%25@h", "h", "6379", "", "u:", "p@/%", 0},
		{"redis://u:a@b/c@h/1", "h", "6379", "", "u", "a@b/c", 1},
		{"redis://u:a:b@h", "h", "6379", "", "u", "a:b", 0},
		{"redis+unix:///run/r.sock", "", "", "/run/r.sock", "", "", 0},
		{"redis+unix:///run/r@s?db=12", "", "", "/run/r@s", "", "", 12},
		{"redis+unix://u:p@/s?db=", "", "", "/s", "u", "p", 0},
		{"redis+unix:///a%20b%3f", "", "", "/a b?", "", "", 0},
	};
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct redis_url url;
		EXPECT_OK(redis_url_parse(cases[i].text, &url, &err));
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.port, cases[i].port);
		assert_string_equal(url.path, cases[i].path);
		assert_string_equal(url.user, cases[i].user);
		assert_string_equal(url.password, cases[i].password);
		assert_int_equal(url.database, cases[i].database);
		assert_int_equal(url.is_unix, cases[i].path[0] != '\0');
	}
}

static void test_refusals(UNUSED void **state)
{
	static const char *const texts[] = {
		"redis:",
		"redis:/h",
		"redis://",
		"redis://:1",
		"redis://h:",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:x",
		"redis://h:1x",
		"redis://[::1",
		"redis://[]",
		"redis://h/x",
		"redis://h/-1",
		"redis://h/1/2",
		"redis://h/99999999",
		"redis://h/1?x=y",
		"redis://SECRET@h",
		"redis://u:SECRET%4@h",
		"redis://u:SECRET%zz@h",
		"redis://u:SECRET%00@h",
		"redis+unix:",
		"redis+unix://s",
		"redis+unix://h/s",
		"redis+unix:///s?d=1",
		"redis+unix:///s?db=x",
		"redis+unix:///s?db=1&x=y",
		"http://h",
		"redis",
	};
	char path[200] = "redis+unix:///";
	memset(path + strlen(path), 'x', 120);
	for (size_t i = 0; i <= ARRAY_LEN(texts); i++) {
		const char *text = i < ARRAY_LEN(texts) ? texts[i] : path;
		struct redis_url url = {.database = -1};
		hf_error err = HF_ERROR_INIT;
		enum hf_status status = redis_url_parse(text, &url, &err);
		if (status != HF_E_CONFIG || strstr(err.message, "SECRET") || url.database != -1)
			fail_msg("%s: %s, %s", text, hf_status_word(status), err.message);
	}
}

static void test_tls_is_refused_by_name(UNUSED void **state)
{
	struct redis_url url;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(redis_url_parse("rediss://u:SECRET@h", &url, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "rediss");
	assert_null(strstr(err.message, "SECRET"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_tls_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
