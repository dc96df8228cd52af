/* Another program, and what happens before it runs. */
#include <string.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "../check.h"

static const char *const told[] = {"sh", "-c", "exit 7", NULL};

static void start(struct cli *cli)
{
	memset(cli, 0, sizeof(*cli));
	cli->arena = hf_arena_new(0);
	assert_non_null(cli->arena);
	assert_int_equal(hf_context_new(NULL, &cli->ctx, NULL), HF_OK);
}

static void finish(struct cli *cli)
{
	hf_context_free(cli->ctx);
	hf_arena_free(cli->arena);
}

/* The signal that interrupts may have come when nothing waited that could have seen it. */
static void who_was_interrupted_before_runs_nothing(UNUSED void **state)
{
	struct cli cli;
	struct hf_str output, errors;
	struct child_leash leash = {.keeper = pthread_self()};
	int code = -1;
	hf_error err = HF_ERROR_INIT;
	start(&cli);
	assert_int_equal(child_run(&cli, told, NULL, &err), HF_OK);
	assert_int_equal(cli.exit_code, 7);
	cli.exit_code = 0;
	hf_context_interrupt(cli.ctx);
	assert_int_equal(child_run(&cli, told, NULL, &err), HF_E_INTERRUPTED);
	assert_string_equal(err.message, "interrupted before sh ran");
	assert_int_equal(child_run_leashed(&cli, told, NULL, &leash, &err), HF_E_INTERRUPTED);
	assert_int_equal(child_capture(&cli, told, NULL, 1, &output, &errors, &code, &err), HF_E_INTERRUPTED);
	assert_int_equal(cli.exit_code, 0);
	assert_int_equal(code, -1);
	finish(&cli);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_interrupted_before_runs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
