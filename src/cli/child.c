/*
 * child.c - fork, exec, wait. The failure of exec comes back through a pipe that closes itself on success.
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

static const int restored[] = {SIGPIPE, SIGINT, SIGTERM, SIGQUIT};

_Noreturn static void become(const char *const argv[], const char *const environment[], int report)
{
	sigset_t none;
	for (size_t i = 0; i < ARRAY_LEN(restored); i++)
		signal(restored[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; environment && environment[i]; i++) {
		char *entry = strdup(environment[i]), *equals = entry ? strchr(entry, '=') : NULL;
		if (equals) {
			*equals = '\0';
			setenv(entry, equals + 1, 1);
		}
	}
	char *copies[64] = {NULL};
	for (size_t i = 0; argv[i] && i + 1 < ARRAY_LEN(copies); i++)
		copies[i] = strdup(argv[i]);
	execvp(copies[0], copies);
	int failed = errno;
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

enum hf_status child_run(struct cli *cli, const char *const argv[], const char *const environment[], hf_error *err)
{
	int report[2], failed = 0;
	if (pipe2(report, O_CLOEXEC) != 0)
		return error_errno(err, HF_E_FAILED, "could not run %s", argv[0]);
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigaction(SIGINT, &ignore, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, environment, report[1]);
	close(report[1]);
	ssize_t n = pid > 0 ? read(report[0], &failed, sizeof(failed)) : 0;
	close(report[0]);
	int code = pid > 0 ? wait_for(pid) : 1;
	sigaction(SIGINT, &before, NULL);
	if (pid < 0)
		return error_errno(err, HF_E_FAILED, "could not run %s", argv[0]);
	if (n == (ssize_t)sizeof(failed)) {
		errno = failed;
		return error_errno(err, failed == ENOENT ? HF_E_NO_PACKAGE : HF_E_FAILED, "could not run %s", argv[0]);
	}
	cli->exit_code = code;
	return HF_OK;
}
