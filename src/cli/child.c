/*
 * child.c - fork, exec, wait. The failure of exec comes back through a pipe that closes itself on success. While the
 * child runs, signals are taken synchronously: there is no handler and nothing global.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

static const int restored[] = {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP};

/* "NAME=value" sets, "NAME" unsets. */
static void change_environment(const char *const environment[])
{
	for (size_t i = 0; environment && environment[i]; i++) {
		char *entry = strdup(environment[i]), *equals = entry ? strchr(entry, '=') : NULL;
		if (equals) {
			*equals = '\0';
			setenv(entry, equals + 1, 1);
		} else if (entry) {
			unsetenv(entry);
		}
	}
}

_Noreturn static void become(const char *const argv[], const char *const environment[], int report)
{
	sigset_t none;
	for (size_t i = 0; i < ARRAY_LEN(restored); i++)
		signal(restored[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	change_environment(environment);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	int failed = errno;
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

/* What a terminal sends goes to the child as well; what somebody sent to us alone is passed on. */
static void pass_on(pid_t pid, const siginfo_t *info)
{
	if (info->si_signo != SIGCHLD && info->si_code <= 0)
		kill(pid, info->si_signo);
}

/* `watched` is blocked, so that no signal is lost between two looks. SIGALRM is our own --timeout: the child is told to
 * end, once, and `*ret_late` set. */
static int wait_for(pid_t pid, const sigset_t *watched, bool *ret_late)
{
	int status = 0;
	siginfo_t info;
	pid_t got;
	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		int number = sigwaitinfo(watched, &info);
		if (number > 0 && number != SIGALRM)
			pass_on(pid, &info);
		if (number == SIGALRM) {
			kill(pid, SIGTERM);
			*ret_late = true;
		}
	}
	if (got < 0)
		return 1; /* uncovered: it is our child, and nobody else collects it */
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

enum hf_status child_run(struct cli *cli, const char *const argv[], const char *const environment[], hf_error *err)
{
	static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGALRM};
	bool late = false;
	int report[2], failed = 0;
	sigset_t watched, before;
	if (pipe2(report, O_CLOEXEC) != 0)
		return error_errno(err, HF_E_FAILED, "could not run %s", argv[0]);
	sigemptyset(&watched);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&watched, numbers[i]);
	sigprocmask(SIG_BLOCK, &watched, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, environment, report[1]);
	close(report[1]);
	ssize_t n = pid > 0 ? read(report[0], &failed, sizeof(failed)) : 0;
	close(report[0]);
	int code = pid > 0 ? wait_for(pid, &watched, &late) : 1;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return error_errno(err, HF_E_FAILED, "could not run %s", argv[0]);
	if (n == (ssize_t)sizeof(failed)) {
		errno = failed;
		return error_errno(err, failed == ENOENT ? HF_E_NO_PACKAGE : HF_E_FAILED, "could not run %s", argv[0]);
	}
	if (late)
		return error_set(err, HF_TIMEOUT, "%s was not done within --timeout and was told to end", argv[0]);
	cli->exit_code = code;
	return HF_OK;
}
