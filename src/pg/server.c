/*
 * server.c - starting a private server: folder, supervisor and cluster put together.
 *
 * Order of a start: folder in /tmp, supervisor (from here on the death of this process cleans up), data from the
 * cache, "go", "ready". Files are touched with the rights of the server's user only; callbacks and connections run
 * with the caller's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_cluster.h"
#include "pg/server_fd.h"
#include "pg/server_handle.h"
#include "pg/server_tree.h"

enum { START_MS = 60000, IDLE_MS = 15 * 60 * 1000 };

/* What the steps of a start share. */
struct start {
	hf_context *ctx;
	const struct hf_server_options *options;
	hf_deadline deadline;
	struct server_user user;
	struct programs programs;
	struct cache cache;
	const char *home; /* NULL = the folder in /tmp */
	bool keep_log;
	int build_lock; /* of the cache entry that is being built, else -1 */
	struct fs_guard guard;
};

static void start_deinit(struct start *start)
{
	fs_back(&start->guard);
	cache_close(&start->cache);
}

static enum hf_status act(struct start *start, hf_error *err)
{
	return fs_as(&start->user, &start->guard, err);
}

/* ---- folders ---- */

static enum hf_status open_home(const struct start *start, hf_server *server, hf_error *err)
{
	if (!start->home) {
		snprintf(server->home, sizeof(server->home), "%s", server->run);
		server->home_fd = fcntl(server->run_fd, F_DUPFD_CLOEXEC, 3);
		return server->home_fd < 0 ? error_errno(err, HF_E_FAILED, "could not open %s", server->run) : HF_OK;
	}
	snprintf(server->home, sizeof(server->home), "%s", start->home);
	server->home_fd = open(start->home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (server->home_fd < 0 || fstat(server->home_fd, &st) != 0) {
		error_errno(err, HF_E_DENIED, "user %s could not open folder %s", start->user.name, start->home);
		error_hint(err, "all folders above it must let that user pass");
		return HF_E_DENIED;
	}
	if (st.st_uid != start->user.uid)
		return error_set(err, HF_E_DENIED, "folder %s belongs to user id %d, but the server runs as user %s",
		                 start->home, (int)st.st_uid, start->user.name);
	return folder_lock(server->home_fd, start->home, &server->locks[1], err);
}

static enum hf_status make_folders(const struct start *start, hf_server *server, hf_error *err)
{
	enum hf_status status = folder_make_run(server, err);
	if (status == HF_OK)
		status = open_home(start, server, err);
	if (status == HF_OK && start->options->name)
		status = folder_write_name(server->run_fd, start->options->name, server->run, err);
	snprintf(server->data, sizeof(server->data), "%s/data", server->home);
	return status;
}

static enum hf_status open_log(const struct start *start, hf_server *server, hf_error *err)
{
	return folder_open_file(start->keep_log ? server->home_fd : server->run_fd, "log", O_RDWR | O_CREAT | O_APPEND,
	                        start->keep_log ? server->home : server->run, &server->log_fd, err);
}

/* ---- the cluster ---- */

static enum hf_status build_plain(void *user, int fd, const char *path, int lock, hf_deadline deadline, hf_error *err)
{
	struct start *start = user;
	char data[PATH_MAX];
	int n = snprintf(data, sizeof(data), "%s/data", path);
	if (n < 0 || (size_t)n >= sizeof(data))
		return error_set(err, HF_E_LIMIT, "path of a cluster is too long: %.200s...", path);
	if (mkdirat(fd, "data", 0700) != 0)
		return error_errno(err, HF_E_FAILED, "could not create %s", data);
	return cluster_init(start->ctx, &start->programs, &start->user, start->options->durable, data, lock, deadline,
	                    err);
}

static enum hf_status fetch(struct start *start, const char *key, int to_fd, const char *to_name, hf_error *err);
static enum hf_status launch(struct start *start, hf_server *adopted, hf_server **ret_server, bool *ret_suspect,
                             hf_error *err);

/* A plain cluster, filled by the caller's function on a server of its own. */
static enum hf_status build_filled(void *user, int fd, const char *path, int lock, hf_deadline deadline, hf_error *err)
{
	struct start *outer = user;
	struct start start = *outer;
	struct hf_server_options options = *outer->options;
	options.template_key = options.name = NULL;
	start.options = &options;
	start.home = path;
	start.keep_log = false;
	start.build_lock = lock;
	enum hf_status status = fetch(&start, NULL, fd, "data", err);
	if (status != HF_OK)
		return status;
	fs_back(&outer->guard);
	start.guard = outer->guard;
	CLEANUP(server_freep) hf_server *server = NULL;
	bool suspect = false;
	status = launch(&start, NULL, &server, &suspect, err);
	if (status == HF_OK)
		status = options.fill(options.fill_user, server->url, err);
	if (status == HF_OK)
		status = hf_server_stop(server, deadline, err);
	enum hf_status back = act(outer, status == HF_OK ? err : NULL);
	return status != HF_OK ? status : back;
}

static enum hf_status fetch(struct start *start, const char *key, int to_fd, const char *to_name, hf_error *err)
{
	char name[CACHE_NAME_MAX + 1];
	enum hf_status status = cluster_cache_name(&start->programs, start->options->durable, key, name, err);
	if (status != HF_OK)
		return status;
	return cache_fetch(start->ctx, &start->cache, name, key ? build_filled : build_plain, start, to_fd, to_name,
	                   start->deadline, err);
}

/* Data that is there already is used; new data appears by rename, so that a crash leaves none that is half copied. */
static enum hf_status provide_data(struct start *start, hf_server *server, hf_error *err)
{
	enum hf_status status = act(start, err);
	if (status != HF_OK)
		return status;
	if (faccessat(server->home_fd, "data", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return HF_OK;
	server->freshly_made = true;
	if (tree_remove(server->home_fd, "data.new") != 0)
		return error_errno(err, HF_E_FAILED, "could not remove %s.new", server->data);
	status = fetch(start, start->options->template_key, server->home_fd, "data.new", err);
	if (status == HF_OK && start->options->durable)
		syncfs(server->home_fd);
	if (status == HF_OK && renameat(server->home_fd, "data.new", server->home_fd, "data") != 0)
		status = error_errno(err, HF_E_FAILED, "could not rename %s.new", server->data);
	return status;
}

/* ---- supervisor ---- */

static int64_t idle_limit_ms(const struct hf_server_options *options)
{
	return options->idle_limit_ms == 0 ? IDLE_MS : options->idle_limit_ms < 0 ? -1 : options->idle_limit_ms;
}

static enum hf_status start_supervisor(const struct start *start, hf_server *server, hf_error *err)
{
	struct cluster_command command = {.data = server->data,
	                                  .run = server->run,
	                                  .durable = start->options->durable,
	                                  .max_connections = start->options->max_connections,
	                                  .settings = start->options->settings};
	CLEANUP(command_line_deinit) struct command_line line = {0};
	enum hf_status status = command_line_make(&start->programs, &command, &line, err);
	if (status != HF_OK)
		return status;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_errno(err, HF_E_FAILED, "could not make a socket pair");
	server->control = pair[0];
	CLEANUP(fd_closep) int theirs = pair[1];
	struct process_environment environment;
	process_environment_fill(&environment);
	struct supervisor supervisor = {.postmaster = {.user = &server->user,
	                                               .program = start->programs.postgres,
	                                               .argv = line.argv,
	                                               .envp = environment.items,
	                                               .out_fd = server->log_fd,
	                                               .death_signal = SIGINT},
	                                .control = theirs,
	                                .owner = server->owner,
	                                .locks = {server->locks[0], server->locks[1], server->locks[2]},
	                                .home_fd = server->home_fd,
	                                .parent_fd = server->parent_fd,
	                                .name = server->run + sizeof(RUN_PARENT),
	                                .socket_path = server->socket_path,
	                                .detached = start->options->name != NULL,
	                                .idle_limit_ms = idle_limit_ms(start->options),
	                                .fast_ms = SUPERVISOR_FAST_MS,
	                                .immediate_ms = SUPERVISOR_IMMEDIATE_MS};
	return supervisor_start(&supervisor, &server->supervisor, err);
}

static enum hf_status did_not_start(hf_server *server, const struct supervisor_message *message, hf_error *err)
{
	char reason[300];
	if (log_reason(server->log_fd, reason, sizeof(reason)))
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s did not start: %s", server->home, reason);
	else if (WIFEXITED(message->value))
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s did not start: it ended with %d",
		          server->home, WEXITSTATUS(message->value));
	else
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s did not start: signal %d", server->home,
		          WTERMSIG(message->value));
	log_tail(server->log_fd, err);
	return HF_E_UNAVAILABLE;
}

static enum hf_status wait_ready(hf_server *server, hf_deadline deadline, hf_error *err)
{
	struct supervisor_message message = {0};
	enum hf_status status = server_order(server, SUPERVISOR_GO);
	if (status == HF_OK)
		status = server_hear(server, deadline, true, &message, err);
	if (status == HF_TIMEOUT)
		log_tail(server->log_fd, err);
	if (status == HF_STOP || (status == HF_OK && message.event == SUPERVISOR_GONE))
		return error_set(err, HF_E_UNAVAILABLE, "the private server in %s was stopped while it started",
		                 server->home);
	if (status == HF_OK && message.event == SUPERVISOR_DIED)
		return did_not_start(server, &message, err);
	if (status == HF_OK)
		server->postmaster = message.value;
	return status;
}

/* ---- start ---- */

/* It runs on without us: what is open belongs to the supervisor alone. */
static void let_go(hf_server *server)
{
	server->detached = true;
	server_close_fd(&server->control);
	server_close_fd(&server->locks[0]);
	server_close_fd(&server->parent_fd);
}

/* `adopted`: the locked folder of a detached server that does not run; owned from here on. NULL = make one.
   `ret_suspect`: it died at once, on data that was copied just now. */
static enum hf_status launch(struct start *start, hf_server *adopted, hf_server **ret_server, bool *ret_suspect,
                             hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = adopted ? adopted : server_new(start->ctx, &start->user);
	if (!server)
		return error_nomem(err);
	server->detached = false; /* until it runs, it dies with us */
	enum hf_status status = act(start, err);
	if (status == HF_OK && !adopted)
		status = make_folders(start, server, err);
	if (status == HF_OK)
		status = open_log(start, server, err);
	server->locks[2] = start->build_lock < 0 ? -1 : fcntl(start->build_lock, F_DUPFD_CLOEXEC, 3);
	fs_back(&start->guard);
	if (status == HF_OK)
		status = start_supervisor(start, server, err);
	if (status == HF_OK)
		status = provide_data(start, server, err);
	fs_back(&start->guard);
	if (status == HF_OK)
		status = wait_ready(server, start->deadline, err);
	*ret_suspect = status == HF_E_UNAVAILABLE && server->freshly_made && !adopted;
	if (status == HF_OK && start->options->name)
		let_go(server);
	if (status == HF_OK)
		*ret_server = server_take(&server);
	return status;
}

/* The cache entry that this start copied from did not work: away with it. */
static void drop_cached(struct start *start)
{
	char name[CACHE_NAME_MAX + 1];
	const struct hf_server_options *options = start->options;
	if (cluster_cache_name(&start->programs, options->durable, options->template_key, name, NULL) == HF_OK &&
	    act(start, NULL) == HF_OK)
		cache_drop(start->ctx, &start->cache, name, start->deadline);
	fs_back(&start->guard);
}

static enum hf_status start_server(struct start *start, hf_server **ret_server, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	bool suspect = false;
	enum hf_status status = launch(start, NULL, ret_server, &suspect, &local);
	if (suspect && !start->options->settings) {
		drop_cached(start);
		status = launch(start, NULL, ret_server, &suspect, &local);
	}
	if (status != HF_OK && err)
		*err = local;
	return status;
}

/* FNV-1a: a file name for a lock. Two names with the same hash would merely wait for each other. */
static uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

/* Under the lock of the name: find it running, or start it in its folder, or make one. */
static enum hf_status start_named(struct start *start, hf_server **ret_server, hf_error *err)
{
	char lock_name[40];
	hf_error local = HF_ERROR_INIT;
	CLEANUP(fd_closep) int lock = -1;
	CLEANUP(server_freep) hf_server *server = server_new(start->ctx, &start->user);
	if (!server)
		return error_nomem(err);
	snprintf(lock_name, sizeof(lock_name), "name-%016" PRIx64, hash(start->options->name));
	enum hf_status status = act(start, err);
	if (status == HF_OK)
		status = cache_lock(start->ctx, &start->cache, lock_name, start->deadline, &lock, err);
	if (status == HF_OK)
		status = named_adopt(server, start->options->name, start->deadline, &local);
	fs_back(&start->guard);
	if (status == HF_OK)
		*ret_server = server_take(&server);
	bool suspect = false;
	if (status == HF_STOP)
		return launch(start, server_take(&server), ret_server, &suspect, err);
	if (status == HF_NOT_FOUND)
		return start_server(start, ret_server, err);
	if (local.status != HF_OK && err)
		*err = local;
	return status;
}

static enum hf_status check_options(const struct hf_server_options *options, hf_error *err)
{
	if (options_check("hf_server_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	if (options->template_key && !options->fill)
		return error_set(err, HF_E_USAGE, "a template key needs a function that fills the template");
	if (options->name && options->folder)
		return error_set(err, HF_E_USAGE, "a private server has a name or a folder, not both");
	if (options->name && (options->name[0] == '\0' || strlen(options->name) > SERVER_NAME_MAX))
		return error_set(err, HF_E_USAGE, "the name of a private server has 1 to %d bytes", SERVER_NAME_MAX);
	return HF_OK;
}

/* The folder of kept data, made if it is not there; absolute. */
static enum hf_status kept_folder(const struct server_user *user, const char *asked, char ret_path[PATH_MAX],
                                  hf_error *err)
{
	if (user_make_folder(user, asked) != 0 && errno != EEXIST)
		return error_errno(err, HF_E_DENIED, "could not make folder %s for user %s", asked, user->name);
	if (!realpath(asked, ret_path))
		return error_errno(err, HF_E_DENIED, "could not find folder %s", asked);
	if (strlen(ret_path) >= sizeof(((hf_server *)NULL)->home) - sizeof("/data.new"))
		return error_set(err, HF_E_LIMIT, "path of folder %.200s... is too long", ret_path);
	return HF_OK;
}

enum hf_status hf_server_start(hf_context *ctx, const struct hf_server_options *options, hf_deadline deadline,
                               hf_server **ret_server, hf_error *err)
{
	struct hf_server_options defaults = {.size = sizeof(defaults)};
	CLEANUP(start_deinit)
	struct start start = {.ctx = ctx,
	                      .options = options ? options : &defaults,
	                      .cache = {.fd = -1},
	                      .build_lock = -1,
	                      .deadline = deadline == HF_DEADLINE_DEFAULT ? hf_deadline_in(ctx, START_MS) : deadline};
	char folder[PATH_MAX];
	enum hf_status status = check_options(start.options, err);
	if (status == HF_OK)
		status = server_user_find(&start.user, err);
	if (status == HF_OK)
		status = programs_find(ctx, &start.programs, err);
	if (status == HF_OK)
		status = cache_open(&start.user, &start.cache, err);
	if (status == HF_OK && start.options->folder) {
		status = kept_folder(&start.user, start.options->folder, folder, err);
		start.home = folder;
		start.keep_log = true;
	}
	if (status != HF_OK)
		return status;
	return start.options->name ? start_named(&start, ret_server, err) : start_server(&start, ret_server, err);
}
