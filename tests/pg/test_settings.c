/* Where settings come from and who wins; what is refused; that no secret shows. No server: nothing connects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"
#include "pg/settings.h"

struct desk {
	hf_context *ctx;
	hf_settings *settings;
	char service_file[64];
};

static void forget_environment(void)
{
	static const char *const names[] = {"PGHOST",    "PGPORT",        "PGUSER",    "PGDATABASE", "PGPASSWORD",
	                                    "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE", "PGOPTIONS",  "PGGSSENCMODE"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

static int desk_up(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct desk *desk = calloc(1, sizeof(*desk));
	assert_non_null(desk);
	forget_environment();
	snprintf(desk->service_file, sizeof(desk->service_file), "/tmp/hf-test-service-XXXXXX");
	int fd = mkstemp(desk->service_file);
	static const char text[] = "[shop]\nhost=service.example\nport=7777\ndbname=shop\nsslmode=verify-full\n"
				   "target_session_attrs=read-write\n";
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	setenv("PGSERVICEFILE", desk->service_file, 1);
	EXPECT_OK(hf_context_new(NULL, &desk->ctx, &err));
	EXPECT_OK(hf_settings_new(desk->ctx, &desk->settings, &err));
	*state = desk;
	return 0;
}

static int desk_down(void **state)
{
	struct desk *desk = *state;
	hf_settings_free(desk->settings);
	hf_context_free(desk->ctx);
	unlink(desk->service_file);
	free(desk);
	forget_environment();
	return 0;
}

static void assert_value(const hf_settings *settings, const char *keyword, const char *value, const char *origin)
{
	const char *got = hf_settings_get(settings, keyword);
	if (!got || strcmp(got, value) != 0 || strcmp(hf_settings_origin(settings, keyword), origin) != 0)
		fail_msg("%s is \"%s\" by %s, expected \"%s\" by %s", keyword, got ? got : "(null)",
		         hf_settings_origin(settings, keyword), value, origin);
}

static void the_strongest_source_wins(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	setenv("PGPORT", "1111", 1);
	setenv("PGUSER", "env", 1);
	setenv("PGDATABASE", "env", 1);
	EXPECT_OK(hf_settings_parse(desk->settings, "service=shop dbname=given", &err));
	assert_value(desk->settings, "host", "service.example", "service");
	assert_value(desk->settings, "port", "7777", "service"); /* over PGPORT, as in libpq */
	assert_value(desk->settings, "user", "env", "environment");
	assert_value(desk->settings, "dbname", "given", "given");
	assert_value(desk->settings, "sslmode", "verify-full", "service");
	assert_value(desk->settings, "target_session_attrs", "read-write", "service");
	assert_value(desk->settings, "ssl_min_protocol_version", "TLSv1.2", "default");
	EXPECT_OK(hf_settings_set(desk->settings, "dbname", "set", &err));
	assert_value(desk->settings, "dbname", "set", "set");
	EXPECT_OK(hf_settings_set(desk->settings, "dbname", NULL, &err));
	assert_value(desk->settings, "dbname", "given", "given");
	EXPECT_OK(hf_settings_parse(desk->settings, "user=other", &err)); /* in place of what was given before */
	assert_value(desk->settings, "dbname", "env", "environment");
	assert_value(desk->settings, "port", "1111", "environment");
	assert_null(hf_settings_get(desk->settings, "host"));
	assert_null(hf_settings_origin(desk->settings, "nonsense"));
}

static void a_service_may_come_from_the_environment(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	setenv("PGSERVICE", "shop", 1);
	EXPECT_OK(hf_settings_new(desk->ctx, &settings, &err));
	assert_value(settings, "port", "7777", "service");
	hf_settings_free(settings);
}

static void urls_are_understood(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_settings_parse(desk->settings,
	                            "postgresql://me:p%20w@a.example:5,b.example:6/db?sslmode=verify-full", &err));
	assert_value(desk->settings, "host", "a.example,b.example", "given");
	assert_value(desk->settings, "port", "5,6", "given");
	assert_string_equal(settings_secret(desk->settings, "password"), "p w");
	assert_string_equal(settings_problem(desk->settings), "");
}

static void secrets_are_not_shown(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	char text[256];
	EXPECT_OK(hf_settings_parse(desk->settings,
	                            "host=h user='o\\'hara' dbname='my db' password=hush sslpassword=hush", &err));
	assert_value(desk->settings, "password", "***", "given");
	assert_value(desk->settings, "sslpassword", "***", "given");
	hf_settings_describe(desk->settings, text, sizeof(text));
	assert_null(strstr(text, "hush"));
	EXPECT_CONTAINS(text, "dbname='my db'");
	EXPECT_CONTAINS(text, "user='o\\'hara'");
	hf_settings_describe(desk->settings, text, 8);
	assert_string_equal(text, "dbname=");
}

static void wrong_text_is_refused_without_showing_it(void **state)
{
	struct desk *desk = *state;
	static const char *const bad[] = {
		"host=x password=a hunter2",         "postgresql://u:hunter2%zz@h/db",  "hunter2",
		"postgresql://u:hunter2@[::1/db",    "host=x password='hunter2",        "password=x hunter2=y",
		"postgresql://h/db?hunter2=hunter2", "postgresql://u:hunter2@h:5:6/db",
	};
	assert_int_equal(hf_settings_set(desk->settings, "host", "kept", NULL), HF_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		hf_error err = HF_ERROR_INIT;
		enum hf_status status = hf_settings_parse(desk->settings, bad[i], &err);
		if (status == HF_OK) /* libpq takes some odd ports as text; the connect refuses them */
			continue;
		EXPECT_STATUS(status, HF_E_CONFIG);
		if (strstr(err.message, "hunter") || strstr(err.hint, "hunter") || strstr(err.detail, "hunter"))
			fail_msg("\"%s\" shows the secret: %s", bad[i], err.message);
	}
	assert_value(desk->settings, "host", "kept", "set");
}

static void wrong_keywords_get_the_nearest_one(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_settings_parse(desk->settings, "hots=x", &err), HF_E_CONFIG);
	assert_string_equal(err.message, "unknown connection parameter \"hots\"");
	assert_string_equal(err.hint, "did you mean \"host\"?");
	EXPECT_STATUS(hf_settings_set(desk->settings, "sslmod", "x", &err), HF_E_CONFIG);
	assert_string_equal(err.hint, "did you mean \"sslmode\"?");
	EXPECT_STATUS(hf_settings_set(desk->settings, "qqqqqqqq", "x", &err), HF_E_CONFIG);
	assert_string_equal(err.hint, "");
}

static void values_that_do_not_fit_are_refused_at_open(void **state)
{
	struct desk *desk = *state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"host=a,b port=1,2,3", "could not match 3 port numbers to 2 hosts"},
		{"host=/x sslmode=bogus", "invalid sslmode value"},
		{"service=nowhere", "definition of service \"nowhere\" not found"},
		{"host=/a,/b,/c,/d,/e,/f,/g,/h,/i,/j,/k,/l,/m,/n,/o,/p,/q", "more than 16 entries"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		hf_connection *connection = NULL;
		EXPECT_OK(hf_settings_parse(desk->settings, cases[i].text, &err));
		EXPECT_STATUS(hf_connection_open(desk->ctx, desk->settings, NULL, 0, &connection, &err), HF_E_CONFIG);
		EXPECT_CONTAINS(err.message, cases[i].why);
		assert_null(connection);
	}
}

static void options_are_checked(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	struct hf_connection_options wrong = {.size = 1}, longest = {.size = sizeof(longest)};
	EXPECT_STATUS(hf_connection_open(desk->ctx, desk->settings, &wrong, 0, &connection, &err), HF_E_USAGE);
	char text[4096];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	longest.server_options = text;
	EXPECT_STATUS(hf_connection_open(desk->ctx, desk->settings, &longest, 0, &connection, &err), HF_E_CONFIG);
}

static void a_copy_is_independent(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	hf_settings *copy = NULL;
	EXPECT_OK(hf_settings_parse(desk->settings, "host=one password=p", &err));
	hf_settings_protect(desk->settings, true);
	EXPECT_OK(settings_copy(desk->settings, &copy, &err));
	EXPECT_OK(hf_settings_set(desk->settings, "host", "two", &err));
	assert_value(copy, "host", "one", "given");
	assert_string_equal(settings_secret(copy, "password"), "p");
	assert_true(settings_protected(copy));
	hf_settings_free(copy);
}

static void names_that_cannot_be_resolved_are_told(void **state)
{
	struct desk *desk = *state;
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_settings_parse(desk->settings, "host=nothing.invalid connect_timeout=5", &err));
	enum hf_status status = hf_connection_open(desk->ctx, desk->settings, NULL, 0, &connection, &err);
	assert_true(status == HF_E_UNAVAILABLE || status == HF_TIMEOUT); /* by the resolver of the machine */
	EXPECT_CONTAINS(err.message, "could not resolve host \"nothing.invalid\"");
	char name[400];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EXPECT_OK(hf_settings_set(desk->settings, "host", name, &err));
	EXPECT_STATUS(hf_connection_open(desk->ctx, desk->settings, NULL, 0, &connection, &err), HF_E_CONFIG);
	EXPECT_OK(hf_settings_set(desk->settings, "host", "localhost", &err));
	EXPECT_OK(hf_settings_set(desk->settings, "port", "1", &err)); /* nobody listens there */
	EXPECT_STATUS(hf_connection_open(desk->ctx, desk->settings, NULL, 0, &connection, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "localhost port 1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, desk_up, desk_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_strongest_source_wins),
		CASE(a_service_may_come_from_the_environment),
		CASE(urls_are_understood),
		CASE(secrets_are_not_shown),
		CASE(wrong_text_is_refused_without_showing_it),
		CASE(wrong_keywords_get_the_nearest_one),
		CASE(values_that_do_not_fit_are_refused_at_open),
		CASE(options_are_checked),
		CASE(a_copy_is_independent),
		CASE(names_that_cannot_be_resolved_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
