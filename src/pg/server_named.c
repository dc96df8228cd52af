/*
 * server_named.c - detached servers: found by name among the folders in /tmp, stopped by signal, swept when left over.
 *
 * There is no register that could disagree with the folders. Whether a server lives is asked of its lock, which the
 * kernel drops with the supervisor; whom to signal is in the lock file, pid and start time, and checked to be a
 * process of the server's user before anything is sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_cluster.h"
#include "pg/server_fd.h"
#include "pg/server_handle.h"
#include "pg/server_tree.h"

enum {
	TICK_MS = 10,
	FOLDERS_MAX = 100000,      /* entries of /tmp that a search looks at */
	YOUNG_S = 600,             /* a folder without a lock may be in the making that long */
	SWEEP_FAST_MS = 10000,     /* SIGINT for a postmaster without a supervisor, then */
	SWEEP_IMMEDIATE_MS = 10000 /* SIGQUIT */
};

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Call `fn` for each folder of the user's in /tmp until it answers something else than HF_OK, which is the result. */
static enum hf_status each_run(const struct server_user *user,
                               enum hf_status (*fn)(void *arg, const char *name, int run_fd, hf_error *err), void *arg,
                               hf_error *err)
{
	CLEANUP(dir_closep) DIR *dir = opendir(RUN_PARENT);
	struct dirent *entry;
	if (!dir)
		return error_errno(err, HF_E_FAILED, "could not list " RUN_PARENT);
	for (int i = 0; i < FOLDERS_MAX && (entry = readdir(dir)); i++) {
		CLEANUP(fd_closep)
		int fd = folder_is_run(entry->d_name) ? folder_open_run(dirfd(dir), entry->d_name, user) : -1;
		enum hf_status status = fd < 0 ? HF_OK : fn(arg, entry->d_name, fd, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

/* ---- finding ---- */

struct search {
	const char *name;
	hf_server *server;
};

static enum hf_status look_for_name(void *arg, const char *folder, int run_fd, UNUSED hf_error *err)
{
	struct search *search = arg;
	char name[SERVER_NAME_MAX + 1], path[SERVER_RUN_SIZE];
	if (!folder_read_name(run_fd, name, sizeof(name)) || strcmp(name, search->name) != 0)
		return HF_OK;
	snprintf(path, sizeof(path), RUN_PARENT "/%.*s", (int)(sizeof(path) - sizeof(RUN_PARENT) - 1), folder);
	hf_server *server = search->server;
	server_set_run(server, path);
	snprintf(server->home, sizeof(server->home), "%s", path);
	snprintf(server->data, sizeof(server->data), "%s/data", path);
	server->run_fd = fcntl(run_fd, F_DUPFD_CLOEXEC, 3);
	server->home_fd = fcntl(run_fd, F_DUPFD_CLOEXEC, 3);
	return HF_STOP;
}

/* Pids of a supervisor that lives. */
static bool live_pids(const hf_server *server, struct probe_pids *ret_pids)
{
	CLEANUP(fd_closep) int lock = openat(server->run_fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return lock >= 0 && probe_read_pids(lock, ret_pids) &&
	       probe_lives(ret_pids->supervisor, ret_pids->supervisor_start, server->user.uid);
}

static bool is_running(hf_server *server)
{
	struct probe_pids pids;
	if (!live_pids(server, &pids) || !probe_ready(server->home_fd, pids.postmaster))
		return false;
	/* Its supervisor hears of its end a little later. */
	if (!probe_lives(pids.postmaster, pids.postmaster_start, server->user.uid))
		return false;
	server->postmaster = pids.postmaster;
	return true;
}

/* The folder may have been removed while we waited for its lock. */
static bool still_there(const hf_server *server)
{
	struct stat here, there;
	return fstat(server->run_fd, &here) == 0 && lstat(server->run, &there) == 0 && here.st_ino == there.st_ino &&
	       here.st_dev == there.st_dev;
}

enum hf_status named_adopt(hf_server *server, const char *name, hf_deadline deadline, hf_error *err)
{
	struct search search = {name, server};
	server->detached = true;
	enum hf_status status = each_run(&server->user, look_for_name, &search, err);
	if (status != HF_STOP)
		return status == HF_OK ? error_set(err, HF_NOT_FOUND, "there is no private server of %s", name)
		                       : status;
	/* Locked: it runs, or is about to, or ends. Not locked: it is ours to start. */
	hf_error local = HF_ERROR_INIT;
	while ((status = folder_lock(server->run_fd, server->run, &server->locks[0], &local)) == HF_CONFLICT) {
		if (is_running(server))
			return HF_OK;
		if (hf_context_interrupted(server->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for a private server");
		if (hf_now_monotonic_us(server->ctx) >= deadline)
			return error_set(err, HF_TIMEOUT, "the private server in %s neither runs nor ends",
			                 server->run);
		poll(NULL, 0, TICK_MS);
	}
	if (status != HF_OK && err)
		*err = local;
	if (status != HF_OK)
		return status;
	return still_there(server) ? HF_STOP : error_set(err, HF_NOT_FOUND, "there is no private server of %s", name);
}

static enum hf_status find(hf_server *server, const char *name, hf_error *err)
{
	CLEANUP(fs_back) struct fs_guard guard = {0};
	enum hf_status status = fs_as(&server->user, &guard, err);
	if (status == HF_OK)
		status = named_adopt(server, name, hf_deadline_in(server->ctx, SERVER_STOP_MS), err);
	if (status != HF_STOP)
		return status;
	server_close_fd(&server->locks[0]);
	return HF_OK;
}

enum hf_status hf_server_find(hf_context *ctx, const char *name, hf_server **ret_server, hf_error *err)
{
	struct server_user user;
	enum hf_status status = server_user_find(&user, err);
	if (status != HF_OK)
		return status;
	CLEANUP(server_freep) hf_server *server = server_new(ctx, &user);
	if (!server)
		return error_nomem(err);
	status = find(server, name, err);
	if (status == HF_OK)
		*ret_server = server_take(&server);
	return status;
}

enum hf_status hf_server_look(hf_server *server, struct hf_server_state *ret_state, hf_error *err)
{
	CLEANUP(fs_back) struct fs_guard guard = {0};
	enum hf_status status = fs_as(&server->user, &guard, err);
	if (status != HF_OK)
		return status;
	struct hf_server_state state = {.clients = -1};
	state.running = is_running(server);
	if (state.running) {
		state.pid = server->postmaster;
		state.clients = probe_clients(server->socket_path);
	}
	*ret_state = state;
	return HF_OK;
}

/* ---- ending ---- */

/* Nobody holds the lock: the supervisor is gone. Taken and let go again at once. */
static bool is_unlocked(int run_fd)
{
	CLEANUP(fd_closep) int lock = openat(run_fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return lock < 0 || flock(lock, LOCK_SH | LOCK_NB) == 0;
}

enum hf_status named_stop(hf_server *server, hf_deadline deadline, hf_error *err)
{
	CLEANUP(fs_back) struct fs_guard guard = {0};
	struct probe_pids pids;
	enum hf_status status = fs_as(&server->user, &guard, err);
	if (status != HF_OK)
		return status;
	if (live_pids(server, &pids) && kill(pids.supervisor, SIGTERM) != 0 && errno != ESRCH)
		return error_errno(err, HF_E_DENIED, "could not stop process %d", (int)pids.supervisor);
	while (!is_unlocked(server->run_fd)) {
		if (hf_now_monotonic_us(server->ctx) >= deadline)
			return error_set(err, HF_TIMEOUT, "the private server in %s is still stopping", server->run);
		poll(NULL, 0, TICK_MS);
	}
	server_reap(server);
	return HF_OK;
}

enum hf_status hf_server_remove(hf_server *server, hf_deadline deadline, hf_error *err)
{
	enum hf_status status = hf_server_stop(server, deadline, err);
	if (status != HF_OK || !server->detached)
		return status;
	CLEANUP(fs_back) struct fs_guard guard = {0};
	status = fs_as(&server->user, &guard, err);
	if (status == HF_OK)
		status = folder_lock(server->run_fd, server->run, &server->locks[0], err);
	if (status != HF_OK)
		return status;
	CLEANUP(fd_closep) int parent = open(RUN_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (still_there(server) && tree_remove(parent, server->run + sizeof(RUN_PARENT)) != 0)
		return error_errno(err, HF_E_FAILED, "could not remove %s", server->run);
	return HF_OK;
}

/* ---- sweeping ---- */

struct sweep {
	hf_context *ctx;
	const struct server_user *user;
	int parent_fd;
	struct hf_server_sweep count;
};

static bool gone_within(struct sweep *sweep, pid_t pid, int64_t start, int64_t ms)
{
	hf_deadline until = hf_deadline_in(sweep->ctx, ms);
	while (probe_lives(pid, start, sweep->user->uid)) {
		if (hf_now_monotonic_us(sweep->ctx) >= until)
			return false;
		poll(NULL, 0, TICK_MS);
	}
	return true;
}

/* End a postmaster whose supervisor was killed and that missed the kernel's signal. False: one lives on, or might. */
static bool postmaster_gone(struct sweep *sweep, int run_fd, int lock)
{
	struct probe_pids pids = {0};
	pid_t said = probe_postmaster(run_fd);
	bool known = probe_read_pids(lock, &pids);
	if (known && probe_lives(pids.postmaster, pids.postmaster_start, sweep->user->uid)) {
		kill(pids.postmaster, SIGINT);
		if (!gone_within(sweep, pids.postmaster, pids.postmaster_start, SWEEP_FAST_MS))
			kill(pids.postmaster, SIGQUIT);
		return gone_within(sweep, pids.postmaster, pids.postmaster_start, SWEEP_IMMEDIATE_MS);
	}
	if (said == 0 || (known && said == pids.postmaster))
		return true;
	/* It died before it was ready, or somebody started the cluster by hand: then it is theirs. */
	return probe_user(said) != (int64_t)sweep->user->uid;
}

/* A detached server stays, unless what it is named after is a folder that is gone. */
static bool is_kept(int run_fd)
{
	char name[SERVER_NAME_MAX + 1];
	struct stat st;
	if (!folder_read_name(run_fd, name, sizeof(name)))
		return false;
	name[strcspn(name, "#")] = '\0';
	return name[0] != '/' || lstat(name, &st) == 0 || errno != ENOENT;
}

static enum hf_status sweep_run(void *arg, const char *name, int run_fd, UNUSED hf_error *err)
{
	struct sweep *sweep = arg;
	struct stat st;
	CLEANUP(fd_closep) int lock = openat(run_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0) {
		if (errno != ENOENT || fstat(run_fd, &st) != 0 || time(NULL) - st.st_mtime < YOUNG_S)
			return HF_OK;
	} else if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		sweep->count.live++;
		return HF_OK;
	}
	if (is_kept(run_fd))
		sweep->count.kept++;
	else if (lock >= 0 && !postmaster_gone(sweep, run_fd, lock))
		sweep->count.failed++;
	else {
		probe_remove_shared_memory(run_fd, sweep->user->uid);
		if (tree_remove(sweep->parent_fd, name) == 0)
			sweep->count.removed++;
		else
			sweep->count.failed++;
	}
	return HF_OK;
}

enum hf_status hf_server_gc(hf_context *ctx, struct hf_server_sweep *ret_sweep, hf_error *err)
{
	struct server_user user;
	struct cache cache = {.fd = -1};
	CLEANUP(fs_back) struct fs_guard guard = {0};
	enum hf_status status = server_user_find(&user, err);
	if (status == HF_OK)
		status = cache_open(&user, &cache, err);
	if (status == HF_OK)
		status = fs_as(&user, &guard, err);
	CLEANUP(fd_closep) int parent = open(RUN_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sweep sweep = {.ctx = ctx, .user = &user, .parent_fd = parent};
	if (status == HF_OK)
		status = each_run(&user, sweep_run, &sweep, err);
	if (status == HF_OK)
		sweep.count.snapshots = cache_sweep(&cache, ctx);
	cache_close(&cache);
	if (status == HF_OK)
		*ret_sweep = sweep.count;
	return status;
}
