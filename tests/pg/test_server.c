/*
 * test_server.c - private servers: they start, answer, stop, and nothing is left behind, however it ends.
 */
#include "holdfast/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/sql.h"
#include "../check.h"
#include "../fixture.h"

static void a_server_starts_answers_and_leaves_nothing(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	char url[200];
	EXPECT_OK(hf_server_start(fixture_context(), NULL, HF_DEADLINE_DEFAULT, &server, &err));
	char run[64];
	snprintf(run, sizeof(run), "%s", hf_server_host(server));
	struct stat st;
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	EXPECT_OK(hf_server_create_database(server, "a \"b\"", NULL, &err));
	EXPECT_STATUS(hf_server_create_database(server, "a \"b\"", NULL, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_server_create_database(server, "c", "nowhere", &err), HF_NOT_FOUND);
	EXPECT_OK(hf_server_url_of(server, "a \"b\"", url, sizeof(url), &err));
	EXPECT_CONTAINS(url, "/a%20%22b%22?host=/tmp/hf-");
	int pid = hf_server_pid(server);
	assert_int_equal(kill(pid, 0), 0);
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(stat(run, &st), -1);
	hf_server_free(server);
}

static void a_database_for_each_test(UNUSED void **state)
{
	const char *first = fixture_database(NULL), *second = fixture_database("test_1");
	assert_string_not_equal(first, second);
	EXPECT_CONTAINS(second, fixture_database_name());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_starts_answers_and_leaves_nothing),
		cmocka_unit_test(a_database_for_each_test),
	};
	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
