/* The double itself: a test that sends something unexpected fails at once and says what was expected. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "double_rig.h"

static void send_select(void **state)
{
	struct bench *bench = *state;
	hf_error err = HF_ERROR_INIT;
	hf_sql_exec(bench->where, HF_STR("SELECT 1"), NULL, 0, NULL, &err);
}

static void expects_begin(void **state)
{
	SCRIPT({.expect = "BEGIN"});
	send_select(state);
}

static void expects_no_more(void **state)
{
	SCRIPT({.expect = "SELECT"});
	send_select(state);
	send_select(state);
}

static const struct CMUnitTest wrong[] = {
	cmocka_unit_test_setup_teardown(expects_begin, bench_up, bench_down),
	cmocka_unit_test_setup_teardown(expects_no_more, bench_up, bench_down),
};

/* What a group of that test alone says, in a process of its own; it must fail, and not by the alarm. */
static void outcome_of(const struct CMUnitTest *test, char *ret_said, size_t room)
{
	int ends[2], how = 0;
	size_t len = 0;
	ssize_t n;
	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(20);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		int failed = _cmocka_run_group_tests("wrong", test, 1, NULL, NULL);
		fflush(NULL);
		_exit(failed);
	}
	close(ends[1]);
	while (len < room - 1 && (n = read(ends[0], ret_said + len, room - 1 - len)) > 0)
		len += (size_t)n;
	ret_said[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &how, 0), child);
	if (!WIFEXITED(how) || WEXITSTATUS(how) == 0)
		fail_msg("it ended by %#x and said: %s", (unsigned)how, ret_said);
}

static void an_unexpected_step_fails_at_once(UNUSED void **state)
{
	char said[16000];
	outcome_of(&wrong[0], said, sizeof(said));
	EXPECT_CONTAINS(said, "step 1: sent \"SELECT 1\", expected \"BEGIN\"");
	outcome_of(&wrong[1], said, sizeof(said));
	EXPECT_CONTAINS(said, "sent \"SELECT 1\" beyond the script's 1 steps");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unexpected_step_fails_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
