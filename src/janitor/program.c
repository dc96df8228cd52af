/*
 * program.c - see program.h. posix_spawn rather than fork: the program may have threads and much memory.
 */
#include "janitor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

extern char **environ;

enum { GRACE_MS = 2000, LOOK_MS = 200 };

static enum hf_status start(const char *const *argv, int write_end, pid_t *ret_pid, hf_error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, write_end, 1);
	posix_spawn_file_actions_adddup2(&actions, write_end, 2);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	union {
		const char *const *in;
		char *const *out;
	} arguments = {.in = argv};
	errno = posix_spawnp(ret_pid, argv[0], &actions, &attributes, arguments.out, environ);
	int failed = errno;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = failed;
	if (failed == ENOENT)
		return error_set(err, HF_E_NO_PACKAGE, "%s is not installed", argv[0]);
	return failed ? error_errno(err, HF_E_FAILED, "could not start %s", argv[0]) : HF_OK;
}

/* Until the program closes its outputs: HF_OK. */
static enum hf_status collect(hf_context *ctx, const char *name, int read_end, hf_deadline deadline,
                              struct buf *output, hf_error *err)
{
	char block[4096];
	for (;;) {
		int64_t left_ms = (deadline - hf_now_monotonic_us(ctx)) / 1000;
		struct pollfd ready = {.fd = read_end, .events = POLLIN};
		if (left_ms <= 0)
			return error_set(err, HF_TIMEOUT, "%s did not end in time", name);
		if (hf_context_interrupted(ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while %s was running", name);
		if (poll(&ready, 1, left_ms > LOOK_MS ? LOOK_MS : (int)left_ms) <= 0)
			continue;
		ssize_t got = read(read_end, block, sizeof(block));
		if (got == 0)
			return HF_OK;
		if (got > 0)
			buf_add(output, (struct hf_str){block, (size_t)got});
	}
}

/* SIGTERM to the group, SIGKILL after a grace: apt-get and gpgv hold nothing that a kill could damage but our folder.
 */
static void end_group(hf_context *ctx, pid_t pid)
{
	int64_t until = hf_now_monotonic_us(ctx) + GRACE_MS * 1000;
	kill(-pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (hf_now_monotonic_us(ctx) > until)
			kill(-pid, SIGKILL);
		usleep(10000);
	}
}

static enum hf_status finish(const char *name, pid_t pid, int *ret_code, hf_error *err)
{
	int code;
	while (waitpid(pid, &code, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, HF_E_FAILED, "could not wait for %s", name);
	*ret_code = WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code);
	return HF_OK;
}

enum hf_status program_run(hf_context *ctx, const char *const *argv, hf_deadline deadline, struct buf *output,
                           int *ret_code, hf_error *err)
{
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(err, HF_E_FAILED, "could not make a pipe for %s", argv[0]);
	enum hf_status status = start(argv, ends[1], &pid, err);
	close(ends[1]);
	if (status == HF_OK) {
		status = collect(ctx, argv[0], ends[0], deadline, output, err);
		if (status == HF_OK)
			status = finish(argv[0], pid, ret_code, err);
		else
			end_group(ctx, pid);
	}
	close(ends[0]);
	return status;
}
