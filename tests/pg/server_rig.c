/*
 * server_rig.c - see the header.
 */
#include "server_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holdfast/sql.h"
#include "../check.h"
#include "../fixture.h"

void rig_sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* The child's life: never returns. */
static void own(const struct hf_server_options *options, int tell)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	hf_server *server = NULL;
	struct told told = {.owner = getpid()};
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no owner behind */
	if (hf_context_new(NULL, &ctx, &err) != HF_OK ||
	    hf_server_start(ctx, options, HF_DEADLINE_DEFAULT, &server, &err) != HF_OK) {
		fprintf(stderr, "owner: %s (%s)\n", err.message, err.detail);
		_exit(1);
	}
	told.postmaster = hf_server_pid(server);
	snprintf(told.run, sizeof(told.run), "%s", hf_server_host(server));
	snprintf(told.url, sizeof(told.url), "%s", hf_server_url(server));
	if (write(tell, &told, sizeof(told)) != (ssize_t)sizeof(told))
		_exit(1);
	for (;;)
		pause();
}

struct told rig_owner(const struct hf_server_options *options)
{
	int ends[2];
	struct told told = {0};
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		own(options, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	close(ends[0]);
	return told;
}

int rig_child(int (*body)(void *arg), void *arg)
{
	int how = 0;
	pid_t pid = fork();
	if (pid == 0)
		exit(body(arg));
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

/* By a descriptor: /proc calls a process dead whose other threads (a sanitizer has one) still hold its files. */
bool rig_lives(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return errno != ESRCH;
	bool lives = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 0;
	close(fd);
	return lives;
}

bool rig_gone(pid_t pid, const char *folder, int ms)
{
	struct stat st;
	for (int waited = 0; waited <= ms; waited += 10) {
		if (!rig_lives(pid) && stat(folder, &st) != 0)
			return true;
		rig_sleep_ms(10);
	}
	return false;
}

int rig_folders(void)
{
	DIR *dir = opendir("/tmp");
	struct dirent *entry;
	int n = 0;
	while (dir && (entry = readdir(dir)))
		n += strncmp(entry->d_name, "hf-", 3) == 0 && strlen(entry->d_name) == 9;
	if (dir)
		closedir(dir);
	return n;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool rig_private_tmp(const char *options)
{
	char map[64], mode[96];
	bool root = geteuid() == 0;
	int uid = (int)geteuid(), gid = (int)getegid();
	if (unshare(root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	if (!root) {
		snprintf(map, sizeof(map), "%d %d 1\n", uid, uid);
		if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
			return false;
		snprintf(map, sizeof(map), "%d %d 1\n", gid, gid);
		if (!write_file("/proc/self/gid_map", map))
			return false;
	}
	snprintf(mode, sizeof(mode), "mode=1777%s%s", options[0] ? "," : "", options);
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("tmpfs", "/tmp", "tmpfs", 0, mode) == 0;
}

static hf_connection *connect_to(const char *url, hf_error *err)
{
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	hf_context *ctx = fixture_context();
	if (hf_settings_new(ctx, &settings, err) == HF_OK && hf_settings_parse(settings, url, err) == HF_OK)
		hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, err);
	hf_settings_free(settings);
	return connection;
}

enum hf_status rig_sql(const char *url, const char *sql, hf_error *err)
{
	hf_connection *connection = connect_to(url, err);
	if (!connection)
		return err->status;
	enum hf_status status = hf_sql_exec(hf_on_connection(connection), hf_str_of(sql), NULL, 0, NULL, err);
	hf_connection_free(connection);
	return status;
}

const char *rig_ask(const char *url, const char *sql)
{
	static char answer[512];
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	hf_arena *arena = hf_arena_new(0);
	hf_connection *connection = connect_to(url, &err);
	if (!connection)
		fail_msg("%s", err.message);
	EXPECT_OK(hf_sql_one(hf_on_connection(connection), hf_str_of(sql), NULL, 0, arena, &row, &err));
	snprintf(answer, sizeof(answer), "%.*s", (int)row.values[0].as.s.len, row.values[0].as.s.ptr);
	hf_connection_free(connection);
	hf_arena_free(arena);
	return answer;
}

const char *rig_cache(void)
{
	static char path[64];
	static int count;
	snprintf(path, sizeof(path), "/tmp/hf-test-cache-%d-%d", (int)getpid(), ++count);
	return path;
}

void rig_remove(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* ---- coverage of children ---- */

/*
 * What a forked child of the library executes is counted only if it says so before it becomes another program or ends
 * without exit(3). The linker leads the library's execve() and _exit() here (see meson.build). Children that changed
 * their user cannot write the counts.
 */
#ifdef COUNTED
void __gcov_dump(void);
#else
static void __gcov_dump(void)
{
}
#endif
int __real_execve(const char *path, char *const argv[], char *const envp[]);
_Noreturn void __real__exit(int code);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);
_Noreturn void __wrap__exit(int code);

static uid_t counting_user;

__attribute__((constructor)) static void remember_user(void)
{
	counting_user = geteuid();
}

static void count(void)
{
	if (geteuid() == counting_user)
		__gcov_dump();
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
	count();
	return __real_execve(path, argv, envp);
}

_Noreturn void __wrap__exit(int code)
{
	count();
	__real__exit(code);
}
