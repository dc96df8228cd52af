/*
 * test_server_supervisor.c - the supervisor with a postmaster that is a shell script, in a process of this test.
 *
 * Its parts run as whoever runs the test: nothing here changes users.
 */
#include "pg/server_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../fixture.h"
#include "pg/server_cluster.h"
#include "pg/server_fd.h"
#include "pg/server_probe.h"
#include "pg/server_tree.h"
#include "server_rig.h"

/* A supervisor in a child of this test, and the test's end of its socket. */
struct stage {
	char folder[40];
	int parent_fd, home_fd, log_fd, lock_fd;
	int control;
	pid_t pid;
	struct supervisor plan;
};

/* "ready" as the real one says it: eight lines. */
#define READY "mkdir -p data; printf '%s\\n\\n\\n\\n\\n\\n1 999999999\\nready\\n' $$ >data/postmaster.pid;"

static struct stage begin(const char *script, struct supervisor plan)
{
	struct stage stage = {.plan = plan};
	static struct server_user self;
	static char sh[] = "sh", c[] = "-c";
	char text[500];
	int pair[2];
	snprintf(stage.folder, sizeof(stage.folder), "/tmp/hf-test-stage-XXXXXX");
	assert_non_null(mkdtemp(stage.folder));
	self = (struct server_user){.uid = geteuid(), .gid = getegid()};
	snprintf(text, sizeof(text), "cd %s; %s", stage.folder, script);
	char *argv[] = {sh, c, text, NULL};
	char *envp[] = {NULL};
	stage.parent_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	stage.home_fd = open(stage.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stage.log_fd = openat(stage.home_fd, "log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	stage.lock_fd = openat(stage.home_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	stage.control = pair[0];
	stage.plan.postmaster = (struct process_plan){.user = &self,
	                                              .program = "/bin/sh",
	                                              .argv = argv,
	                                              .envp = envp,
	                                              .out_fd = stage.log_fd,
	                                              .death_signal = SIGKILL};
	stage.plan.control = pair[1];
	stage.plan.owner = getpid();
	stage.plan.locks[0] = stage.lock_fd;
	stage.plan.locks[1] = stage.plan.locks[2] = -1;
	stage.plan.home_fd = stage.home_fd;
	stage.plan.parent_fd = stage.parent_fd;
	stage.plan.name = stage.folder + 5;
	stage.plan.socket_path = "/nonexistent/socket";
	stage.pid = fork();
	if (stage.pid == 0) {
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		exit(supervisor_main(&stage.plan));
	}
	close(pair[1]);
	return stage;
}

static void order(const struct stage *stage, char what)
{
	assert_int_equal(send(stage->control, &what, 1, MSG_NOSIGNAL), 1);
}

/* The next message's event, 0 at the end. */
static int heard(const struct stage *stage, int *ret_value)
{
	struct supervisor_message message;
	struct pollfd event = {.fd = stage->control, .events = POLLIN};
	assert_int_equal(poll(&event, 1, 20000), 1);
	ssize_t n = recv(stage->control, &message, sizeof(message), 0);
	if (ret_value && n > 0)
		*ret_value = message.value;
	return n > 0 ? message.event : 0;
}

/* Exit code of the supervisor. */
static int end(struct stage *stage)
{
	int how = 0;
	for (int waited = 0; waitpid(stage->pid, &how, WNOHANG) == 0; waited += 5) {
		if (waited > 20000) {
			kill(stage->pid, SIGKILL); /* and its postmaster with it */
			fail_msg("the supervisor goes on");
		}
		rig_sleep_ms(5);
	}
	const int fds[] = {stage->control, stage->parent_fd, stage->home_fd, stage->log_fd, stage->lock_fd};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

static bool is_there(const struct stage *stage)
{
	struct stat st;
	return lstat(stage->folder, &st) == 0;
}

/* TIMES where SIGINT is not enough; where it is, a postmaster that gets its turn late is not to see SIGQUIT. */
#define TIMES .fast_ms = 300, .immediate_ms = 60000, .idle_limit_ms = -1
#define PATIENT .fast_ms = 60000, .immediate_ms = 60000, .idle_limit_ms = -1

static void stop_before_go_removes_the_folder(UNUSED void **state)
{
	struct stage stage = begin("exit 9", (struct supervisor){TIMES});
	order(&stage, SUPERVISOR_STOP);
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_GONE);
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

static void it_tells_ready_and_gone(UNUSED void **state)
{
	int pid = 0, how = -1;
	struct probe_pids pids;
	struct stage stage =
		begin(READY "trap 'exit 0' INT; while :; do sleep 0.02; done", (struct supervisor){PATIENT});
	order(&stage, SUPERVISOR_GO);
	order(&stage, SUPERVISOR_GO); /* twice does not matter */
	assert_int_equal(heard(&stage, &pid), SUPERVISOR_READY);
	assert_true(probe_read_pids(stage.lock_fd, &pids));
	assert_int_equal(pids.postmaster, pid);
	assert_int_equal(pids.supervisor, stage.pid);
	assert_true(probe_lives(pid, pids.postmaster_start, geteuid()));
	assert_false(probe_lives(pid, pids.postmaster_start + 1, geteuid()));
	assert_false(probe_lives(pid, pids.postmaster_start, geteuid() + 1));
	order(&stage, SUPERVISOR_STOP);
	assert_int_equal(heard(&stage, &how), SUPERVISOR_GONE);
	assert_int_equal(how, 0);
	assert_int_equal(heard(&stage, NULL), 0);
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

static void sigquit_comes_after_sigint(UNUSED void **state)
{
	int how = -1;
	struct stage stage = begin("trap '' INT; trap 'exit 5' QUIT;" READY "while :; do sleep 0.02; done",
	                           (struct supervisor){TIMES});
	order(&stage, SUPERVISOR_GO);
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_READY);
	order(&stage, SUPERVISOR_STOP);
	assert_int_equal(heard(&stage, &how), SUPERVISOR_GONE);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 5);
	assert_int_equal(end(&stage), 0);
}

static void a_postmaster_that_outlives_both_is_given_up(UNUSED void **state)
{
	int pid = 0;
	struct stage stage = begin("trap '' INT QUIT;" READY "while :; do sleep 0.02; done",
	                           (struct supervisor){.fast_ms = 50, .immediate_ms = 50, .idle_limit_ms = -1});
	order(&stage, SUPERVISOR_GO);
	assert_int_equal(heard(&stage, &pid), SUPERVISOR_READY);
	order(&stage, SUPERVISOR_STOP);
	assert_int_equal(heard(&stage, NULL), 0);
	assert_int_equal(end(&stage), 1);
	assert_true(is_there(&stage));
	rig_remove(stage.folder); /* its postmaster went with its supervisor: SIGKILL in this test alone */
}

static void a_postmaster_that_dies_at_once_is_told(UNUSED void **state)
{
	int how = 0;
	struct stage stage = begin("exit 7", (struct supervisor){TIMES});
	order(&stage, SUPERVISOR_GO);
	assert_int_equal(heard(&stage, &how), SUPERVISOR_DIED);
	assert_int_equal(WEXITSTATUS(how), 7);
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_GONE);
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

static void orphans_of_a_dead_postmaster_are_ended(UNUSED void **state)
{
	/* The grandchild ignores nothing and would sleep long. */
	struct stage stage = begin(READY "sleep 300 & kill -9 $$", (struct supervisor){TIMES});
	order(&stage, SUPERVISOR_GO);
	int event = heard(&stage, NULL);
	assert_true(event == SUPERVISOR_READY || event == SUPERVISOR_DIED);
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_GONE);
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

static void signals_stop_it(UNUSED void **state)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct stage stage =
			begin(READY "trap 'exit 0' INT; while :; do sleep 0.02; done", (struct supervisor){TIMES});
		order(&stage, SUPERVISOR_GO);
		assert_int_equal(heard(&stage, NULL), SUPERVISOR_READY);
		kill(stage.pid, numbers[i]);
		assert_int_equal(heard(&stage, NULL), SUPERVISOR_GONE);
		assert_int_equal(end(&stage), 0);
	}
}

static void silence_of_the_owner_stops_it(UNUSED void **state)
{
	struct stage stage = begin(READY "trap 'exit 0' INT; while :; do sleep 0.02; done", (struct supervisor){TIMES});
	order(&stage, SUPERVISOR_GO);
	order(&stage, 'x'); /* not a word it knows */
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_READY);
	close(stage.control);
	stage.control = -1;
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

static void a_detached_one_goes_on_and_stops_when_idle(UNUSED void **state)
{
	struct stage stage = begin(
		READY "trap 'exit 0' INT; while :; do sleep 0.02; done",
		(struct supervisor){.fast_ms = 60000, .immediate_ms = 60000, .detached = true, .idle_limit_ms = 1500});
	order(&stage, SUPERVISOR_GO);
	assert_int_equal(heard(&stage, NULL), SUPERVISOR_READY);
	close(stage.control);
	stage.control = -1;
	rig_sleep_ms(150);
	assert_int_equal(waitpid(stage.pid, NULL, WNOHANG), 0);
	assert_int_equal(end(&stage), 0);
	assert_true(is_there(&stage)); /* it has run: its data stay */
	rig_remove(stage.folder);
}

static void a_detached_one_that_is_not_ready_dies_with_its_owner(UNUSED void **state)
{
	struct stage stage =
		begin("trap 'exit 0' INT; while :; do sleep 0.02; done", (struct supervisor){TIMES, .detached = true});
	order(&stage, SUPERVISOR_GO);
	rig_sleep_ms(100);
	close(stage.control);
	stage.control = -1;
	assert_int_equal(end(&stage), 0);
	assert_false(is_there(&stage));
}

/* ---- the eyes ---- */

static void put(int home_fd, const char *text)
{
	int fd = openat(home_fd, "data/postmaster.pid", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void odd_files_are_not_believed(UNUSED void **state)
{
	char folder[] = "/tmp/hf-test-odd-XXXXXX", text[3000];
	struct probe_pids pids;
	assert_non_null(mkdtemp(folder));
	int home = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(home, "data", 0700), 0);
	assert_int_equal(probe_postmaster(home), 0);
	assert_false(probe_ready(home, 1));
	static const struct {
		const char *text;
		pid_t pid;
		bool ready;
	} files[] = {{"", 0, false},
	             {"banana\n", 0, false},
	             {"12\n\n\n\n\n\n\nready   \n", 12, true},
	             {"12\n\n\n\n\n\n\nstopping\n", 12, false},
	             {"13\n\n\n\n\n\n\nready\n", 13, false},
	             {"99999999999999999999999999\n", 0, false},
	             {"12\nready\n", 12, false}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		put(home, files[i].text);
		assert_int_equal(probe_postmaster(home), files[i].pid);
		assert_int_equal(probe_ready(home, 12), files[i].ready);
		probe_remove_shared_memory(home, geteuid());
	}
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put(home, text);
	assert_false(probe_ready(home, 12));
	static const char *const locks[] = {"",          "1 2 3",     "1 2 3\n",
	                                    "0 2 3 4\n", "a b c d\n", "1 2 99999999999 4\n",
	                                    "1 2 3 \n"};
	for (size_t i = 0; i < ARRAY_LEN(locks); i++) {
		int fd = openat(home, "lock", O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, locks[i], strlen(locks[i])), strlen(locks[i]));
		assert_false(probe_read_pids(fd, &pids));
		close(fd);
	}
	assert_int_equal(probe_user(getpid()), geteuid());
	assert_int_equal(probe_user(0x7ffffff0), -1);
	assert_int_equal(process_start_time(0x7ffffff0), -1);
	assert_true(process_start_time(getpid()) > 0);
	assert_int_equal(probe_clients("/nonexistent/socket"), 0);
	close(home);
	rig_remove(folder);
}

/* ---- trees ---- */

static void trees_are_copied_counted_and_removed(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char folder[] = "/tmp/hf-test-tree-XXXXXX", deep[200] = "from";
	struct tree_size copied, counted;
	hf_context *ctx = fixture_context();
	assert_non_null(mkdtemp(folder));
	int home = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(mkdirat(home, "from", 0700) == 0 && mkdirat(home, "to", 0700) == 0);
	int from = openat(home, "from", O_RDONLY | O_DIRECTORY), to = openat(home, "to", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 300; i++) {
		char name[200];
		snprintf(name, sizeof(name), "%s%d-%0*d", i == 0 ? "postmaster." : "f", i, 100, i);
		int fd = openat(from, name, O_WRONLY | O_CREAT, 0600);
		assert_int_equal(write(fd, name, (size_t)i % 100), i % 100);
		close(fd);
	}
	assert_int_equal(mkdirat(from, "below", 0700), 0);
	EXPECT_OK(tree_copy(ctx, from, to, hf_deadline_in(ctx, 60000), &copied, &err));
	EXPECT_OK(tree_measure(to, &counted, &err));
	assert_int_equal(copied.files, 299);
	assert_int_equal(counted.files, 299);
	assert_int_equal(counted.bytes, copied.bytes);
	EXPECT_STATUS(tree_copy(ctx, from, to, hf_deadline_in(ctx, 60000), &copied, &err), HF_E_FAILED); /* exists */
	EXPECT_STATUS(tree_copy(ctx, from, to, hf_deadline_in(ctx, -1), &copied, &err), HF_TIMEOUT);
	assert_int_equal(tree_remove(home, "to"), 0);
	assert_int_equal(tree_remove(home, "to"), 0);
	assert_int_equal(symlinkat("/etc", from, "link"), 0);
	EXPECT_STATUS(tree_measure(from, &counted, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "link");
	assert_int_equal(unlinkat(from, "link", 0), 0);
	for (int i = 0; i < TREE_DEPTH_MAX + 2; i++) {
		memcpy(deep + 4 + 2 * i, "/d", 3);
		assert_int_equal(mkdirat(home, deep, 0700), 0);
	}
	EXPECT_STATUS(tree_measure(from, &counted, &err), HF_E_CORRUPT);
	assert_int_equal(tree_remove(home, "from"), -1); /* deeper than any cluster: not ours */
	close(from);
	close(to);
	close(home);
	rig_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_before_go_removes_the_folder),
		cmocka_unit_test(it_tells_ready_and_gone),
		cmocka_unit_test(sigquit_comes_after_sigint),
		cmocka_unit_test(a_postmaster_that_outlives_both_is_given_up),
		cmocka_unit_test(a_postmaster_that_dies_at_once_is_told),
		cmocka_unit_test(orphans_of_a_dead_postmaster_are_ended),
		cmocka_unit_test(signals_stop_it),
		cmocka_unit_test(silence_of_the_owner_stops_it),
		cmocka_unit_test(a_detached_one_goes_on_and_stops_when_idle),
		cmocka_unit_test(a_detached_one_that_is_not_ready_dies_with_its_owner),
		cmocka_unit_test(odd_files_are_not_believed),
		cmocka_unit_test(trees_are_copied_counted_and_removed),
	};
	return cmocka_run_group_tests_name("server_supervisor", tests, NULL, NULL);
}
