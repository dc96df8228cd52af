/*
 * server_process.c - fork and exec with nothing inherited by accident.
 *
 * The caller may have threads: between fork and exec only async-signal-safe calls are made. Signals are blocked over
 * the fork so that no handler of the caller runs in the child.
 */
#include "pg/server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_fd.h"

extern char **environ; /* NOLINT: declared by _GNU_SOURCE too, spelled out for the reader */

void process_environment_fill(struct process_environment *ret_environment)
{
	static const char *const kept[] = {"PATH=", "LD_LIBRARY_PATH=", "LD_PRELOAD="};
	static char fixed[2][16] = {"LC_ALL=C", "TZ=UTC"};
	struct process_environment found = {{0}};
	size_t n = 0;
	for (size_t k = 0; k < ARRAY_LEN(kept); k++)
		for (char **item = environ; item && *item; item++)
			if (strncmp(*item, kept[k], strlen(kept[k])) == 0) {
				found.items[n++] = *item;
				break;
			}
	found.items[n++] = fixed[0];
	found.items[n] = fixed[1];
	*ret_environment = found;
}

void process_signals_reset(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
}

static void close_from_to(unsigned first, unsigned last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (unsigned fd = first; fd <= last && fd < 65536; fd++)
		close((int)fd);
}

void process_close_but(const int *keep, size_t n)
{
	unsigned from = 3;
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > 2) {
			close_from_to(from, (unsigned)keep[i] - 1);
			from = (unsigned)keep[i] + 1;
		}
	}
	close_from_to(from, ~0u);
}

int process_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

_Noreturn void process_exec(const struct process_plan *plan, pid_t parent)
{
	process_signals_reset();
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(plan->out_fd, 1) < 0 || dup2(plan->out_fd, 2) < 0)
		_exit(127);
	process_close_but(&plan->held, 1);
	if (plan->held > 2)
		fcntl(plan->held, F_SETFD, 0);
	umask(077);
	/* Changing the user forgets the parent-death signal: this order, and a look whether it came too late. */
	if (server_user_become(plan->user) != 0 || chdir("/") != 0 ||
	    prctl(PR_SET_PDEATHSIG, plan->death_signal) != 0 || getppid() != parent)
		_exit(127);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(plan->program, plan->argv, plan->envp);
	_exit(127);
}

/* True when it has ended; the code stays as it was when nobody can know it. */
static bool reap(pid_t pid, int *ret_code)
{
	int how;
	pid_t got = waitpid(pid, &how, WNOHANG);
	if (got == pid)
		*ret_code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return got == pid || (got < 0 && errno == ECHILD);
}

enum { REAP_TICK_MS = 20, TERMINATE_MS = 5000 };

/* Wait for the end until `until` or an interruption; the descriptor wakes us early where the kernel has one. */
static bool wait_until(hf_context *ctx, pid_t pid, hf_deadline until, int *ret_code)
{
	CLEANUP(fd_closep) int watch = process_open(pid);
	while (!reap(pid, ret_code)) {
		if (hf_now_monotonic_us(ctx) >= until || hf_context_interrupted(ctx))
			return false;
		struct pollfd event = {.fd = watch, .events = POLLIN};
		poll(&event, 1, REAP_TICK_MS);
	}
	return true;
}

/* It took too long, or nobody wants its work any more. */
static enum hf_status put_down(hf_context *ctx, const struct process_plan *plan, pid_t pid, hf_error *err)
{
	hf_deadline until = hf_deadline_in(ctx, TERMINATE_MS);
	int code;
	kill(pid, SIGTERM);
	while (!reap(pid, &code) && hf_now_monotonic_us(ctx) < until)
		poll(NULL, 0, REAP_TICK_MS);
	if (hf_context_interrupted(ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted while %s ran", plan->program);
	return error_set(err, HF_TIMEOUT, "%s did not end in time", plan->program);
}

enum hf_status process_run(hf_context *ctx, const struct process_plan *plan, hf_deadline deadline, int *ret_code,
                           hf_error *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		process_exec(plan, parent);
	int why = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = why;
	if (pid < 0)
		return error_errno(err, HF_E_FAILED, "could not start %s", plan->program);
	int code = -1;
	if (!wait_until(ctx, pid, deadline, &code))
		return put_down(ctx, plan, pid, err);
	*ret_code = code;
	return HF_OK;
}

/* Field 22 of /proc/PID/stat; the second field is a name in parentheses that may hold anything. */
static int64_t parse_start_time(const char *text, size_t n)
{
	size_t at = n;
	while (at > 0 && text[at - 1] != ')')
		at--;
	int field = 2;
	for (; at < n && field < 22; at++)
		if (text[at] == ' ')
			field++;
	int64_t value = field == 22 ? 0 : -1;
	for (; at < n && field == 22 && text[at] >= '0' && text[at] <= '9'; at++)
		value = value * 10 + (text[at] - '0');
	return value;
}

/* "/proc/PID/stat" without stdio. */
static void stat_path(pid_t pid, char ret_path[32])
{
	char digits[12];
	size_t n = 0, at = 6;
	for (pid_t rest = pid; rest > 0; rest /= 10)
		digits[n++] = (char)('0' + rest % 10);
	memcpy(ret_path, "/proc/", 6);
	while (n > 0)
		ret_path[at++] = digits[--n];
	memcpy(ret_path + at, "/stat", 6);
}

int64_t process_start_time(pid_t pid)
{
	char path[32], text[1024];
	stat_path(pid, path);
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	return n <= 0 ? -1 : parse_start_time(text, (size_t)n);
}
