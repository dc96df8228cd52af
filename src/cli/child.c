/*
 * child.c - spawn and wait. While the child runs, signals are taken synchronously: there is no handler and nothing
 * global.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/cli.h"

/* The part before the equals sign, if there is one. */
static struct hf_str variable_name(const char *entry)
{
	struct hf_str name = hf_str_of(entry);
	ptrdiff_t equals = str_find(name, '=');
	if (equals >= 0)
		name.len = (size_t)equals;
	return name;
}

static bool is_changed(const char *entry, const char *const changes[])
{
	for (size_t i = 0; changes && changes[i]; i++)
		if (str_eq(variable_name(changes[i]), variable_name(entry)))
			return true;
	return false;
}

/* Ours, with "NAME=value" set and "NAME" unset; in the arena, NULL when memory is short. */
static const char **changed_environment(hf_arena *arena, const char *const changes[])
{
	size_t max = 1, n = 0;
	for (size_t i = 0; environ[i]; i++)
		max++;
	for (size_t i = 0; changes && changes[i]; i++)
		max++;
	const char **entries = hf_arena_calloc(arena, max, sizeof(*entries));
	for (size_t i = 0; entries && environ[i]; i++)
		if (!is_changed(environ[i], changes))
			entries[n++] = environ[i];
	for (size_t i = 0; entries && changes && changes[i]; i++)
		if (strchr(changes[i], '='))
			entries[n++] = changes[i];
	return entries;
}

/* Signals as a program expects to find them: what we handle exec() makes default, and what whoever started us ignores
 * stays so, as below nohup(1). Returns 0 or an errno. */
static int spawn(pid_t *ret_pid, const char *const argv[], const char *const environment[],
                 const posix_spawn_file_actions_t *actions)
{
	posix_spawnattr_t attributes;
	sigset_t restored, none;
	sigemptyset(&none);
	sigemptyset(&restored);
	sigaddset(&restored, SIGPIPE); /* ours alone */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &restored);
	posix_spawnattr_setsigmask(&attributes, &none);
	int failed = posix_spawnp(ret_pid, argv[0], actions, &attributes, (char *const *)(uintptr_t)argv,
	                          (char *const *)(uintptr_t)environment);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

/* In the child, where until exec() a handler would be ours, in the memory of both. */
static void default_signals(void)
{
	static const int handled[] = {SIGINT, SIGTERM, SIGALRM};
	sigset_t none;
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; i < ARRAY_LEN(handled); i++)
		if (signal(handled[i], SIG_DFL) == SIG_IGN)
			signal(handled[i], SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The same for a program that gets SIGTERM when we are gone, which posix_spawn() cannot arrange: vfork() as it does. */
static int spawn_tied(pid_t *ret_pid, const char *const argv[], const char *const environment[])
{
	volatile int failed = 0;
	pid_t us = getpid(), pid = vfork();
	if (pid < 0)
		return errno;
	if (pid == 0) {
		default_signals();
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() == us) /* else the signal will not come any more */
			execvpe(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
		failed = errno;
		_exit(127);
	}
	if (failed)
		waitpid(pid, NULL, 0);
	*ret_pid = pid;
	return failed;
}

/* What a terminal sends goes to the child as well; what somebody sent to us alone is passed on. */
static void pass_on(pid_t pid, const siginfo_t *info)
{
	if (info->si_signo != SIGCHLD && info->si_code <= 0)
		kill(pid, info->si_signo);
}

/* `watched` is blocked, so that no signal is lost between two looks. SIGALRM is our own --timeout: the child is told to
 * end, once, and `*ret_late` set. */
static int wait_for(pid_t pid, const sigset_t *watched, const struct child_leash *leash, bool *ret_late)
{
	int status = 0;
	bool told = false;
	siginfo_t info;
	pid_t got;
	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (leash && !told && atomic_load(&leash->cut))
			told = kill(pid, SIGTERM) == 0;
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

/* A folder of PATH that we may not search makes the search end in EACCES; shells call such a program absent. */
static bool is_absent(const char *program)
{
	struct hf_str rest = hf_str_of(getenv("PATH")), folder;
	char path[4096];
	if (strchr(program, '/'))
		return false;
	while (str_split(&rest, ':', &folder)) {
		int len = snprintf(path, sizeof(path), "%.*s/%s", (int)folder.len, folder.ptr, program);
		if (len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0)
			return false;
	}
	return true;
}

static enum hf_status run(struct cli *cli, const char *const argv[], const char *const environment[],
                          const posix_spawn_file_actions_t *actions, const struct child_leash *leash, int *ret_code,
                          hf_error *err)
{
	static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGALRM};
	const char **entries = changed_environment(cli->arena, environment);
	bool late = false;
	sigset_t watched, before;
	pid_t pid;
	if (!entries)
		return error_nomem(err);
	sigemptyset(&watched);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&watched, numbers[i]);
	sigprocmask(SIG_BLOCK, &watched, &before);
	if (hf_context_interrupted(cli->ctx)) { /* it came too early to be the child's */
		sigprocmask(SIG_SETMASK, &before, NULL);
		return error_set(err, HF_E_INTERRUPTED, "interrupted before %s ran", argv[0]);
	}
	int failed = leash ? spawn_tied(&pid, argv, entries) : spawn(&pid, argv, entries, actions);
	int code = failed ? 0 : wait_for(pid, &watched, leash, &late);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		if (failed == EACCES && is_absent(argv[0]))
			failed = ENOENT;
		errno = failed;
		return error_errno(err, failed == ENOENT ? HF_E_NO_PACKAGE : HF_E_FAILED, "could not run %s", argv[0]);
	}
	if (late)
		return error_set(err, HF_TIMEOUT, "%s was not done within --timeout and was told to end", argv[0]);
	*ret_code = code;
	return HF_OK;
}

enum hf_status child_run(struct cli *cli, const char *const argv[], const char *const environment[], hf_error *err)
{
	return run(cli, argv, environment, NULL, NULL, &cli->exit_code, err);
}

/* SIGCHLD ends the wait, and does nothing where there is none: then the first look sees the cut. */
void child_cut(void *leash)
{
	struct child_leash *cut = leash;
	atomic_store(&cut->cut, true);
	pthread_kill(cut->keeper, SIGCHLD);
}

enum hf_status child_run_leashed(struct cli *cli, const char *const argv[], const char *const environment[],
                                 struct child_leash *leash, hf_error *err)
{
	return run(cli, argv, environment, NULL, leash, &cli->exit_code, err);
}

/* ---- its output ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static enum hf_status read_back(struct cli *cli, int fd, size_t size_max, struct hf_str *ret_text, hf_error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return error_errno(err, HF_E_FAILED, "could not read what the program wrote");
	if ((uint64_t)info.st_size > size_max)
		return error_set(err, HF_E_LIMIT, "the program wrote more than %zu bytes", size_max);
	size_t size = (size_t)info.st_size, done = 0;
	char *text = hf_arena_alloc(cli->arena, size + 1);
	if (!text)
		return error_nomem(err);
	while (done < size) {
		ssize_t n = pread(fd, text + done, size - done, (off_t)done);
		if (n <= 0 && errno != EINTR)
			return error_errno(err, HF_E_FAILED, "could not read what the program wrote");
		done += n > 0 ? (size_t)n : 0;
	}
	text[size] = '\0';
	*ret_text = (struct hf_str){text, size};
	return HF_OK;
}

/* Into memory instead of pipes: nothing can block, whichever it writes first. */
enum hf_status child_capture(struct cli *cli, const char *const argv[], const char *const environment[],
                             size_t size_bytes_max, struct hf_str *ret_output, struct hf_str *ret_errors, int *ret_code,
                             hf_error *err)
{
	CLEANUP(close_fd) int output = memfd_create("output", MFD_CLOEXEC);
	CLEANUP(close_fd) int errors = memfd_create("errors", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	if (output < 0 || errors < 0)
		return error_errno(err, HF_E_FAILED, "no memory for the output of %s", argv[0]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	enum hf_status status = run(cli, argv, environment, &actions, NULL, ret_code, err);
	posix_spawn_file_actions_destroy(&actions);
	if (status == HF_OK)
		status = read_back(cli, output, size_bytes_max, ret_output, err);
	return status == HF_OK ? read_back(cli, errors, size_bytes_max, ret_errors, err) : status;
}
