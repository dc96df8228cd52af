/* fork.h by both ways: the page that the kernel wipes, and process ids where it cannot. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "base/macros.h"
#include "pg/fork.h"

static bool old_kernel;

/* In place of the C library's: an old kernel does not know MADV_WIPEONFORK. */
int madvise(void *address, size_t length, int advice)
{
	if (old_kernel) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, length, advice);
}

static void tell_in_child(void)
{
	struct fork_guard guard;
	fork_guard_init(&guard);
	assert_false(fork_guard_forked(&guard));
	assert_int_equal(guard.page == NULL, old_kernel);
	pid_t child = fork();
	if (child == 0)
		_exit(fork_guard_forked(&guard) ? 0 : 1);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(fork_guard_forked(&guard));
	fork_guard_deinit(&guard);
}

static void the_kernel_wipes_the_page(UNUSED void **state)
{
	old_kernel = false;
	tell_in_child();
}

static void process_ids_serve_where_it_does_not(UNUSED void **state)
{
	old_kernel = true;
	tell_in_child();
	old_kernel = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_wipes_the_page),
		cmocka_unit_test(process_ids_serve_where_it_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
